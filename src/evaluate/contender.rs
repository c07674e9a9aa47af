//! A version that is to be compared with another one.

use super::plain;
use crate::pg::context::extension_schema;
use crate::pg::error::{Failure, Result};
use crate::pg::identity::{self, RestrictedUser, Role};
use crate::pg::sql;
use crate::registry::recipe::Recipe;
use crate::registry::serving::Serving;
use pglearn_core::Error;
use pglearn_core::pipeline::{Pipeline, Scorer};
use pgrx::{PgSqlErrorCode, pg_sys};
use serde_json::Value as Json;
use std::rc::Rc;

/// A version, decoded, with what its training stored.
pub struct Contender {
    /// Ready to score.
    pub serving: Rc<Serving>,
    /// The metric that compares versions unless a gate names another.
    pub metric: Option<String>,
    /// Seed of the model's hold-out.
    pub seed: i64,
    /// How it was made.
    recipe: Json,
    relation: Option<pg_sys::Oid>,
}

impl Contender {
    /// Reads a version as the transaction sees it now: also one that this very statement has made,
    /// which the snapshot of the statement does not show.
    ///
    /// # Errors
    /// 42704 where there is no such version, XX001 where it is damaged.
    pub fn load(model: &str, version: i32) -> Result<Self> {
        let mut rows = sql::returning(
            "SELECT m.model_id, m.name, v.version_id, m.owner, v.metric, v.source, v.recipe, v.artifact, m.seed \
               FROM {ml}.model_versions AS v JOIN {ml}.models AS m ON m.model_id OPERATOR(pg_catalog.=) v.model_id \
              WHERE m.name OPERATOR(pg_catalog.=) $1 AND v.version OPERATOR(pg_catalog.=) $2",
            &[model.into(), version.into()],
        )?;
        let Some(row) = rows.first_mut() else {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
                format!("model \"{model}\" has no version {version}"),
            )
            .hint(format!(
                "SELECT * FROM {}.model_versions lists the versions.",
                extension_schema()
            )));
        };
        let artifact = row.take_bytes(7)?.unwrap_or_default();
        let damaged = |error| match error {
            Error::Corrupt { what } => Failure::new(
                PgSqlErrorCode::ERRCODE_DATA_CORRUPTED,
                format!("version {version} of model \"{model}\" is damaged: {what}"),
            )
            .hint("Restore it from a backup, or train the model again and drop this version."),
            other => plain(other),
        };
        let pipeline = Pipeline::decode(&artifact).map_err(damaged)?;
        let scorer = Scorer::new(&pipeline).map_err(damaged)?;
        let recipe = serde_json::from_str(row.get(6)?);
        Ok(Self {
            serving: Rc::new(Serving {
                model_id: row.get(0)?,
                model: row.get(1)?,
                version_id: row.get(2)?,
                version,
                owner: row.get(3)?,
                pipeline: Rc::new(pipeline),
                scorer: Rc::new(scorer),
            }),
            metric: row.get(4)?,
            seed: row.get(8)?,
            relation: row.get(5)?,
            recipe: recipe.map_err(|error| Failure::internal(format!("jsonb: {error}")))?,
        })
    }

    /// How it was made.
    pub fn recipe(&self) -> Recipe<'_> {
        Recipe {
            model: &self.serving.model,
            relation: self.relation,
            json: &self.recipe,
        }
    }

    /// How its rows were split.
    pub fn split(&self) -> &Json {
        &self.recipe["split"]
    }

    /// What messages call it.
    pub fn label(&self) -> String {
        format!(
            "version {} of model \"{}\"",
            self.serving.version, self.serving.model
        )
    }
}

/// Runs `work` with the rights of a model's owner and under the search_path of a recipe: what it reads
/// does not depend on who calls.
///
/// # Errors
/// 42501 unless the current role has the owner's privileges, 42704 where there is no owner any more;
/// those of `work`.
pub fn as_owner<T>(
    owner: Role,
    recipe: &Recipe<'_>,
    work: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let model = recipe.model;
    let denied = |message: String| {
        Err(
            Failure::new(PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE, message)
                .hint("Give a source of your own."),
        )
    };
    if identity::role_name(owner).is_none() {
        return denied(format!(
            "the owner of model \"{model}\" does not exist any more"
        ));
    }
    if !identity::has_privileges_of(owner) {
        return denied(format!(
            "only the owner of model \"{model}\" may read the rows it was trained on"
        ));
    }
    // Also where the caller has taken the owner's role on: the source may call functions of others, and
    // SET ROLE goes back.
    let own = owner == identity::current_role() && identity::is_session_user();
    let _rights = (!own).then(|| RestrictedUser::new(owner));
    let _path = identity::search_path(recipe.search_path())?;
    work()
}
