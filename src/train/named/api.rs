//! The SQL functions of this room. Declarations are written by hand where an argument has a name that
//! is a word of Rust, or a default that is `jsonb`.

use super::arguments::Arguments;
use super::queued::{self, Queued};
use super::train::Trained;
use super::{info, retrain as retraining, train as training};
use crate::pg::error::{Failure, Result};
use crate::pg::json::Jsonb;
use pglearn_core::learners::ALGORITHMS;
use pgrx::JsonB;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use serde_json::{Value as Json, json};

type Row = (
    name!(model, String),
    name!(version, Option<i32>),
    name!(status, String),
    name!(metrics, Option<JsonB>),
    name!(job_id, Option<i64>),
);

/// Trains a version of a model.
#[pg_extern(sql = r#"
CREATE FUNCTION train(
    model text,
    source text DEFAULT NULL,
    target text DEFAULT NULL,
    task text DEFAULT NULL,
    algorithm text DEFAULT 'auto',
    features text[] DEFAULT NULL,
    exclude text[] DEFAULT NULL,
    hyperparams jsonb DEFAULT '{}',
    preprocess jsonb DEFAULT '{}',
    split jsonb DEFAULT '{"method": "random", "test_size": 0.2}',
    metric text DEFAULT NULL,
    class_weight text DEFAULT NULL,
    weight text DEFAULT NULL,
    async boolean DEFAULT false,
    alias text DEFAULT NULL,
    gate jsonb DEFAULT NULL,
    seed bigint DEFAULT 42,
    tags jsonb DEFAULT '{}'
) RETURNS TABLE (model text, version integer, status text, metrics jsonb, job_id bigint)
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS '@MODULE_PATHNAME@', '@FUNCTION_NAME@';
"#)]
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
fn train(
    model: Option<String>,
    source: Option<String>,
    target: Option<String>,
    task: Option<String>,
    algorithm: Option<String>,
    features: Option<Vec<Option<String>>>,
    exclude: Option<Vec<Option<String>>>,
    hyperparams: Option<Jsonb>,
    preprocess: Option<Jsonb>,
    split: Option<Jsonb>,
    metric: Option<String>,
    class_weight: Option<String>,
    weight: Option<String>,
    later: Option<bool>,
    alias: Option<String>,
    gate: Option<Jsonb>,
    seed: Option<i64>,
    tags: Option<Jsonb>,
) -> std::result::Result<
    TableIterator<
        'static,
        (
            name!(model, String),
            name!(version, Option<i32>),
            name!(status, String),
            name!(metrics, Option<JsonB>),
            name!(job_id, Option<i64>),
        ),
    >,
    ErrorReport,
> {
    let run = || {
        let arguments = Arguments {
            again: false,
            model: model.ok_or_else(|| Failure::missing_argument("train", "model"))?,
            source,
            target,
            task,
            algorithm: algorithm.unwrap_or_else(|| "auto".to_owned()),
            features: features.map(|list| names("features", list)).transpose()?,
            exclude: names("exclude", exclude.unwrap_or_default())?,
            hyperparams: object(hyperparams),
            preprocess: object(preprocess),
            split: object(split),
            metric,
            class_weight,
            weight,
            alias,
            gate: gate.map(|gate| gate.0),
            seed: seed.unwrap_or(42),
            tags: object(tags),
        };
        match later.unwrap_or(false) {
            true => queued::train_later(arguments).map(waiting),
            false => training::train(arguments).map(made),
        }
    };
    rows(run())
}

/// Trains a version of a model as the newest one was trained.
#[pg_extern(sql = r#"
CREATE FUNCTION retrain(
    model text,
    async boolean DEFAULT true,
    gate jsonb DEFAULT NULL
) RETURNS TABLE (model text, version integer, status text, metrics jsonb, job_id bigint)
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS '@MODULE_PATHNAME@', '@FUNCTION_NAME@';
"#)]
#[allow(clippy::type_complexity)]
fn retrain(
    model: Option<&str>,
    later: Option<bool>,
    gate: Option<Jsonb>,
) -> std::result::Result<
    TableIterator<
        'static,
        (
            name!(model, String),
            name!(version, Option<i32>),
            name!(status, String),
            name!(metrics, Option<JsonB>),
            name!(job_id, Option<i64>),
        ),
    >,
    ErrorReport,
> {
    let run = || {
        let model = model.ok_or_else(|| Failure::missing_argument("retrain", "model"))?;
        let gate = gate.map(|gate| gate.0);
        match later.unwrap_or(true) {
            true => queued::retrain_later(model, gate).map(waiting),
            false => retraining::retrain(model, gate).map(made),
        }
    };
    rows(run())
}

fn rows(row: Result<Row>) -> std::result::Result<TableIterator<'static, Row>, ErrorReport> {
    Ok(TableIterator::once(row?))
}

fn made(trained: Trained) -> Row {
    (
        trained.model,
        Some(trained.version),
        trained.status.to_owned(),
        Some(JsonB(trained.metrics)),
        None,
    )
}

fn waiting(queued: Queued) -> Row {
    (
        queued.model,
        None,
        "queued".to_owned(),
        None,
        Some(queued.job_id),
    )
}

fn object(value: Option<Jsonb>) -> Json {
    value.map_or_else(|| json!({}), |value| value.0)
}

fn names(argument: &str, list: Vec<Option<String>>) -> Result<Vec<String>> {
    let names: Option<Vec<String>> = list.into_iter().collect();
    names.ok_or_else(|| {
        Failure::new(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            format!("argument {argument} must not have NULL elements"),
        )
    })
}

/// The inputs of a version.
#[pg_extern(sql = r#"
CREATE FUNCTION feature_info(model text) RETURNS TABLE (
    feature text,
    type text,
    encoding text,
    center double precision,
    scale double precision,
    impute text,
    indicator boolean,
    categories text[],
    reference text,
    encoded text[]
)   LANGUAGE c STABLE PARALLEL RESTRICTED
    AS '@MODULE_PATHNAME@', '@FUNCTION_NAME@';
"#)]
#[allow(clippy::type_complexity)]
fn feature_info(
    model: Option<&str>,
) -> std::result::Result<
    TableIterator<
        'static,
        (
            name!(feature, String),
            name!(sql_type, String),
            name!(encoding, &'static str),
            name!(center, Option<f64>),
            name!(scale, Option<f64>),
            name!(impute, Option<String>),
            name!(indicator, bool),
            name!(categories, Option<Vec<String>>),
            name!(reference, Option<String>),
            name!(encoded, Vec<String>),
        ),
    >,
    ErrorReport,
> {
    let model = model.ok_or_else(|| Failure::missing_argument("feature_info", "model"))?;
    let rows = info::feature_info(model)?.into_iter().map(|row| {
        (
            row.feature,
            row.sql_type,
            row.encoding,
            row.center,
            row.scale,
            row.impute,
            row.indicator,
            row.categories,
            row.reference,
            row.encoded,
        )
    });
    Ok(TableIterator::new(rows.collect::<Vec<_>>()))
}

/// How a version was trained.
#[pg_extern(stable, parallel_restricted)]
#[allow(clippy::type_complexity)]
fn training_info(
    model: Option<&str>,
) -> std::result::Result<
    TableIterator<'static, (name!(key, String), name!(value, Option<String>))>,
    ErrorReport,
> {
    let model = model.ok_or_else(|| Failure::missing_argument("training_info", "model"))?;
    Ok(TableIterator::new(info::training_info(model)?))
}

/// The weights of a linear version.
#[pg_extern(stable, parallel_restricted)]
#[allow(clippy::type_complexity)]
fn weights(
    model: Option<&str>,
) -> std::result::Result<
    TableIterator<
        'static,
        (
            name!(class, Option<String>),
            name!(feature, String),
            name!(weight, f64),
            name!(std_err, Option<f64>),
            name!(weight_per_unit, f64),
        ),
    >,
    ErrorReport,
> {
    let model = model.ok_or_else(|| Failure::missing_argument("weights", "model"))?;
    let rows = info::weights(model)?.into_iter().map(|row| {
        (
            row.class,
            row.feature,
            row.weight,
            row.std_err,
            row.weight_per_unit,
        )
    });
    Ok(TableIterator::new(rows.collect::<Vec<_>>()))
}

/// The algorithms of `train` with their hyper-parameters.
#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn algorithms() -> TableIterator<
    'static,
    (
        name!(algorithm, &'static str),
        name!(tasks, Vec<&'static str>),
        name!(description, &'static str),
        name!(hyperparameter, Option<&'static str>),
        name!(default_value, Option<JsonB>),
        name!(allowed, Option<String>),
        name!(meaning, Option<&'static str>),
    ),
> {
    let mut rows = Vec::new();
    for algorithm in ALGORITHMS {
        let tasks = || algorithm.tasks.iter().map(|task| task.name()).collect();
        for parameter in algorithm.parameters {
            rows.push((
                algorithm.name,
                tasks(),
                algorithm.doc,
                Some(parameter.name),
                Some(JsonB(parameter.default.into())),
                Some(parameter.range.to_string()),
                Some(parameter.doc),
            ));
        }
        if algorithm.parameters.is_empty() {
            rows.push((
                algorithm.name,
                tasks(),
                algorithm.doc,
                None,
                None,
                None,
                None,
            ));
        }
    }
    TableIterator::new(rows)
}
