//! How a version of a model was made.

use crate::pg::error::{Failure, Result};
use crate::pg::sql;
use crate::registry::recipe::Recipe;
use pgrx::{PgSqlErrorCode, pg_sys};
use serde_json::Value as Json;

/// First element of `models.split_key` where the rows have no key: the other elements are all the
/// columns there were, and equal rows are told apart by counting them.
pub const CONTENT: &str = "*";

/// A version of a model, archived or not.
#[derive(Debug, Clone)]
pub struct Newest {
    /// What it predicts.
    pub target: String,
    /// The relation it was trained on, where it was one; it may have been dropped.
    relation: Option<pg_sys::Oid>,
    /// Its recipe.
    pub recipe: Json,
}

impl Newest {
    /// The newest version of a model; `None` where all were dropped.
    ///
    /// # Errors
    /// XX001 for a recipe that is no JSON.
    pub fn find(model_id: i64) -> Result<Option<Self>> {
        Self::first(model_id, "v.version USING OPERATOR(pg_catalog.>)")
    }

    /// The version that serves: the champion, or the newest one where there is none.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub fn serving(model_id: i64) -> Result<Option<Self>> {
        Self::first(
            model_id,
            "EXISTS (SELECT FROM {ml}.model_aliases AS a WHERE a.model_id OPERATOR(pg_catalog.=) v.model_id \
                        AND a.alias OPERATOR(pg_catalog.=) 'champion' AND a.version OPERATOR(pg_catalog.=) v.version) \
                    USING OPERATOR(pg_catalog.>), v.version USING OPERATOR(pg_catalog.>)",
        )
    }

    fn first(model_id: i64, order: &str) -> Result<Option<Self>> {
        let rows = sql::query(
            &format!(
                "SELECT v.target, v.source::pg_catalog.oid, v.recipe::pg_catalog.text \
                 FROM {{ml}}.model_versions AS v WHERE v.model_id OPERATOR(pg_catalog.=) $1 \
                 ORDER BY {order} LIMIT 1"
            ),
            &[model_id.into()],
        )?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        Ok(Some(Self {
            target: row.get(0)?,
            relation: row.get(1)?,
            recipe: serde_json::from_str(row.get(2)?).map_err(|_| {
                Failure::new(
                    PgSqlErrorCode::ERRCODE_DATA_CORRUPTED,
                    "the recipe of the model's version is no JSON",
                )
            })?,
        }))
    }

    /// How it was made.
    pub fn recipe<'a>(&'a self, model: &'a str) -> Recipe<'a> {
        Recipe {
            model,
            relation: self.relation,
            json: &self.recipe,
        }
    }
}
