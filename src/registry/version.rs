//! A version with all its columns, for functions that are not called once a row.

use super::catalog::{Catalog, Model};
use super::reference::{Choice, Reference};
use super::serving;
use crate::pg::error::{Failure, Result};
use crate::pg::identity::Role;
use crate::pg::sql;
use pgrx::pg_sys::Oid;
use serde_json::Value as Json;

/// A version of a model. The columns of `model_versions` say what each field means.
#[derive(Debug, Clone)]
pub struct VersionRow {
    /// Number of the model.
    pub model_id: i64,
    /// Name of the model.
    pub model: String,
    /// Owner of the model.
    pub owner: Role,
    /// Seed of the model's hold-out.
    pub seed: i64,
    /// Number of the version in the database.
    pub version_id: i64,
    /// Number of the version in its model.
    pub version: i32,
    /// What learned it.
    pub algorithm: String,
    /// `classification` or `regression`.
    pub task: String,
    /// The column that is predicted.
    pub target: String,
    /// Classes in their order.
    pub classes: Option<Vec<String>>,
    /// The inputs in the order of training, each `name type`.
    pub signature: Vec<String>,
    /// Hyper-parameters in use.
    pub hyperparams: Json,
    /// The metric that compares versions.
    pub metric: Option<String>,
    /// Metrics on the hold-out.
    pub metrics: Json,
    /// The relation it was trained on, where it was one.
    pub source: Option<Oid>,
    /// How to train it again.
    pub recipe: Json,
    /// How the training went.
    pub training: Json,
    /// What it warned of.
    pub warnings: Vec<String>,
    /// The model, encoded.
    pub artifact: Vec<u8>,
    /// Scores and labels of the hold-out, encoded.
    pub holdout: Option<Vec<u8>>,
    /// When the training finished, as text in the session's style.
    pub created_at: String,
    /// Name of the role that trained it.
    pub created_by: String,
    /// Whether it was archived.
    pub archived: bool,
}

/// The version that a reference means to the running statement, if the current role may use its model.
///
/// # Errors
/// 42704 where there is no such model, alias or version, 42501 where the role may not use the model,
/// 55000 where it has no version that serves.
pub fn version_row(reference: &str) -> Result<VersionRow> {
    let reference = Reference::parse(reference)?;
    version_of(&reference.name, &reference.choice)
}

/// The same, the reference taken apart.
///
/// # Errors
/// As there.
pub fn version_of(name: &str, choice: &Choice) -> Result<VersionRow> {
    let catalog = Catalog::find()?;
    let Some(model) = catalog.model(name)? else {
        return Err(serving::no_model(&catalog, name)?);
    };
    if !model.is_usable() {
        return Err(serving::permission_denied(&model));
    }
    match catalog.version(model.id, choice, |version| Ok(version.id))? {
        Some(id) => read(&model, id),
        None => Err(serving::no_version(&catalog, &model, choice)?),
    }
}

/// The number of the version that a model's name alone means: the champion, or the newest one that is not
/// archived; the newest where all are.
///
/// # Errors
/// Those of a scan.
pub fn serving_number(model_id: i64) -> Result<Option<i32>> {
    let catalog = Catalog::find()?;
    match catalog.version(model_id, &Choice::Serving, |version| Ok(version.number))? {
        Some(number) => Ok(Some(number)),
        None => Ok(catalog.version_numbers(model_id)?.first().copied()),
    }
}

fn read(model: &Model, version_id: i64) -> Result<VersionRow> {
    let mut rows = sql::query(
        "SELECT m.seed, v.version_id, v.version, v.algorithm, v.task, v.target, v.classes, v.signature, \
                v.hyperparams, v.metric, v.metrics, v.source, v.recipe, v.training, v.warnings, v.artifact, \
                v.holdout, v.created_at, v.created_by, v.archived_at IS NOT NULL \
           FROM {ml}.model_versions AS v JOIN {ml}.models AS m ON m.model_id OPERATOR(pg_catalog.=) v.model_id \
          WHERE v.version_id OPERATOR(pg_catalog.=) $1",
        &[version_id.into()],
    )?;
    let Some(row) = rows.first_mut() else {
        return Err(serving::permission_denied(model));
    };
    let (artifact, holdout) = (row.take_bytes(15)?, row.take_bytes(16)?);
    Ok(VersionRow {
        model_id: model.id,
        model: model.name.clone(),
        owner: model.owner,
        seed: row.get(0)?,
        version_id: row.get(1)?,
        version: row.get(2)?,
        algorithm: row.get(3)?,
        task: row.get(4)?,
        target: row.get(5)?,
        classes: row.get(6)?,
        signature: row.get(7)?,
        hyperparams: json(row.get(8)?)?,
        metric: row.get(9)?,
        metrics: json(row.get(10)?)?,
        source: row.get(11)?,
        recipe: json(row.get(12)?)?,
        training: json(row.get(13)?)?,
        warnings: row.get(14)?,
        artifact: artifact.unwrap_or_default(),
        holdout,
        created_at: row.get(17)?,
        created_by: row.get(18)?,
        archived: row.get(19)?,
    })
}

fn json(text: &str) -> Result<Json> {
    serde_json::from_str(text).map_err(|error| Failure::internal(format!("jsonb: {error}")))
}
