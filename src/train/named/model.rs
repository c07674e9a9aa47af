//! How a version of a model was made.

use crate::pg::error::{Failure, Result};
use crate::pg::sql;
use crate::registry::catalog::Catalog;
use crate::registry::recipe::Recipe;
use crate::registry::version;
use pgrx::{PgSqlErrorCode, pg_sys};
use serde_json::Value as Json;

/// First element of `models.split_key` where the rows have no key: the other elements are all the
/// columns there were, and equal rows are told apart by counting them.
pub const CONTENT: &str = "*";

/// A version of a model, as far as another training takes from it.
#[derive(Debug, Clone)]
pub struct Template {
    /// What it predicts.
    pub target: String,
    /// The relation it was trained on, where it was one; it may have been dropped.
    relation: Option<pg_sys::Oid>,
    /// Its recipe.
    pub recipe: Json,
}

impl Template {
    /// The newest version of a model, archived or not; `None` where all were dropped.
    ///
    /// # Errors
    /// XX001 for a recipe that is no JSON.
    pub fn newest(model_id: i64) -> Result<Option<Self>> {
        match Catalog::find()?.version_numbers(model_id)?.first() {
            Some(number) => Self::find(model_id, *number),
            None => Ok(None),
        }
    }

    /// The version that serves where a reference names none; the newest where all are archived.
    ///
    /// # Errors
    /// As [`newest`](Self::newest).
    pub fn serving(model_id: i64) -> Result<Option<Self>> {
        match version::serving_number(model_id)? {
            Some(number) => Self::find(model_id, number),
            None => Ok(None),
        }
    }

    fn find(model_id: i64, version: i32) -> Result<Option<Self>> {
        let rows = sql::query(
            "SELECT v.target, v.source::pg_catalog.oid, v.recipe::pg_catalog.text FROM {ml}.model_versions AS v \
              WHERE v.model_id OPERATOR(pg_catalog.=) $1 AND v.version OPERATOR(pg_catalog.=) $2",
            &[model_id.into(), version.into()],
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
