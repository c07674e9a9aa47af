//! A training's result becomes a version.

use super::catalog::Catalog;
use super::model::{self, OwnModel};
use crate::pg::error::{Failure, Result};
use crate::pg::identity::{self, Role};
use crate::pg::parse::stored_identifier;
use crate::pg::sql::{self, Param};
use pglearn_core::pipeline::Input;
use pgrx::PgSqlErrorCode;
use serde_json::Value as Json;

/// What a training produced. The columns of `model_versions` say what each field means.
#[derive(Debug, Clone, Copy)]
pub struct NewVersion<'a> {
    /// Name of the model, which is made where it does not exist.
    pub model: &'a str,
    /// Seed of the hold-out: that of the model where it exists.
    pub seed: i64,
    /// Columns that decided on the side of a row, where it was columns.
    pub split_key: Option<&'a [String]>,
    /// Added to the tags of the model.
    pub tags: &'a Json,
    /// What learned it.
    pub algorithm: &'a str,
    /// `classification` or `regression`.
    pub task: &'a str,
    /// The column that is predicted.
    pub target: &'a str,
    /// Classes in their order.
    pub classes: Option<&'a [String]>,
    /// The inputs in the order of training, each `name type`.
    pub signature: &'a [String],
    /// Hyper-parameters in use.
    pub hyperparams: &'a Json,
    /// The metric that compares versions.
    pub metric: Option<&'a str>,
    /// Metrics on the hold-out.
    pub metrics: &'a Json,
    /// The relation it was trained on, where it was one.
    pub source: Option<pgrx::pg_sys::Oid>,
    /// How to train it again.
    pub recipe: &'a Json,
    /// How the training went.
    pub training: &'a Json,
    /// What it warned of.
    pub warnings: &'a [String],
    /// The model, encoded.
    pub artifact: &'a [u8],
    /// Scores and labels of the hold-out, encoded.
    pub holdout: Option<&'a [u8]>,
}

/// A version that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Number of the model.
    pub model_id: i64,
    /// Number of the version in it.
    pub version: i32,
}

/// Records a version, and its model with the current role as owner where it is the first one.
/// Sessions that train one name at a time get versions one after the other: the second waits here, at
/// the end of its training, until the first one's transaction ends.
///
/// # Errors
/// 42602 for an impossible name, 42501 where the model belongs to somebody else, 40001 where it was
/// made meanwhile with another seed or split key (and under REPEATABLE READ where it was changed).
pub fn publish(new: &NewVersion<'_>) -> Result<Published> {
    model::check_name(new.model)?;
    let key: Param<'_> = new.split_key.into();
    let tags = new.tags.to_string();
    sql::execute(
        "INSERT INTO {ml}.models AS m (name, owner, seed, split_key) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (name) DO NOTHING",
        &[
            new.model.into(),
            Param::Role(Some(identity::current_role())),
            new.seed.into(),
            key,
        ],
    )?;
    let rows = sql::returning(
        "UPDATE {ml}.models AS m SET last_version = m.last_version OPERATOR(pg_catalog.+) 1, \
                split_key = coalesce(m.split_key, $2), \
                tags = m.tags OPERATOR(pg_catalog.||) $3::pg_catalog.jsonb \
          WHERE m.name OPERATOR(pg_catalog.=) $1 \
         RETURNING m.model_id, m.last_version, m.owner, m.seed, m.split_key",
        &[new.model.into(), key, (&tags).into()],
    )?;
    let Some(row) = rows.first() else {
        // It exists, perhaps since later than this statement's snapshot.
        let known = Catalog::find()?.model(new.model)?;
        return Err(model::taken(model::must_own(
            new.model,
            known.map(|model| model.owner),
        )));
    };
    let (model_id, version, owner): (i64, i32, Role) = (row.get(0)?, row.get(1)?, row.get(2)?);
    if !identity::has_privileges_of(owner) {
        return Err(model::taken(model::must_own(new.model, Some(owner))));
    }
    let (seed, split_key): (i64, Option<Vec<String>>) = (row.get(3)?, row.get(4)?);
    if seed != new.seed
        || new
            .split_key
            .is_some_and(|key| split_key.as_deref() != Some(key))
    {
        return Err(trained_differently(new.model));
    }
    insert(model_id, version, new)?;
    Ok(Published { model_id, version })
}

fn insert(model_id: i64, version: i32, new: &NewVersion<'_>) -> Result<()> {
    let json = [new.hyperparams, new.metrics, new.recipe, new.training].map(Json::to_string);
    let [hyperparams, metrics, recipe, training] = &json;
    sql::execute(
        "INSERT INTO {ml}.model_versions (model_id, version, algorithm, task, target, classes, signature, \
                hyperparams, metric, metrics, source, recipe, training, warnings, artifact, holdout) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8::pg_catalog.jsonb, $9, $10::pg_catalog.jsonb, $11, \
                $12::pg_catalog.jsonb, $13::pg_catalog.jsonb, $14, $15, $16)",
        &[
            model_id.into(),
            version.into(),
            new.algorithm.into(),
            new.task.into(),
            new.target.into(),
            new.classes.into(),
            new.signature.into(),
            hyperparams.into(),
            new.metric.into(),
            metrics.into(),
            Param::Relation(new.source),
            recipe.into(),
            training.into(),
            new.warnings.into(),
            new.artifact.into(),
            new.holdout.into(),
        ],
    )?;
    Ok(())
}

/// Two first trainings at the same time, with different ideas of the hold-out.
#[cold]
fn trained_differently(name: &str) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_T_R_SERIALIZATION_FAILURE,
        format!("model \"{name}\" was made meanwhile with another seed or split key"),
    )
    .detail("Both are fixed for the life of a model, so that its versions can be compared on the same rows.")
    .hint("Train again: seed and key of the model will be used.")
}

/// An input as a signature shows it.
pub fn signature(input: &Input) -> String {
    let name = stored_identifier(&input.name);
    format!("{name} {}", input.sql_type)
}

/// The seed that a training of a name must use: that of the model where it exists.
///
/// # Errors
/// 42602 for an impossible name, 42501 where the model belongs to somebody else.
pub fn check(name: &str) -> Result<Option<OwnModel>> {
    model::check_name(name)?;
    OwnModel::find(name).map_err(model::taken)
}
