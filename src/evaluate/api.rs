//! The SQL functions of this room. Those that fill a tuple store have their SQL in
//! `sql/catalog/evaluate.sql`.

use super::metrics::THRESHOLD;
use super::{batch, compare, curves, importance, metrics, promote};
use crate::pg::call::ResultRows;
use crate::pg::entry_point;
use crate::pg::error::{Failure, Result};
use crate::pg::json::Jsonb;
use pglearn_core::evaluation::Gate;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

fn required<T>(function: &str, argument: &str, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| Failure::missing_argument(function, argument))
}

/// Metrics of a model.
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::type_complexity)]
fn evaluate(
    model: Option<&str>,
    source: default!(Option<&str>, "NULL"),
    threshold: default!(Option<f64>, "0.5"),
    group_by: default!(Option<&str>, "NULL"),
) -> std::result::Result<
    TableIterator<
        'static,
        (
            name!(group_key, Option<String>),
            name!(metric, String),
            name!(value, Option<f64>),
        ),
    >,
    ErrorReport,
> {
    let model = required("evaluate", "model", model)?;
    let threshold = threshold.unwrap_or(THRESHOLD);
    let rows = metrics::evaluate(model, source, threshold, group_by)?;
    Ok(TableIterator::new(rows))
}

/// Predicted against observed classes.
#[pg_extern(volatile, parallel_unsafe, name = "confusion_matrix")]
#[allow(clippy::type_complexity)]
fn confusion_matrix_of(
    model: Option<&str>,
    source: default!(Option<&str>, "NULL"),
) -> std::result::Result<
    TableIterator<
        'static,
        (
            name!(observed, String),
            name!(predicted, String),
            name!(count, i64),
        ),
    >,
    ErrorReport,
> {
    let model = required("confusion_matrix", "model", model)?;
    let rows = curves::confusion_matrix(model, source)?;
    Ok(TableIterator::new(rows))
}

/// Probabilities against shares.
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::type_complexity)]
fn calibration_curve(
    model: Option<&str>,
    source: default!(Option<&str>, "NULL"),
) -> std::result::Result<
    TableIterator<
        'static,
        (
            name!(bin, i32),
            name!(lower, f64),
            name!(upper, f64),
            name!(mean_predicted, Option<f64>),
            name!(observed, Option<f64>),
            name!(count, i64),
        ),
    >,
    ErrorReport,
> {
    let model = required("calibration_curve", "model", model)?;
    let rows = curves::calibration_curve(model, source)?;
    Ok(TableIterator::new(rows))
}

/// Two versions on the same rows.
#[pg_extern(volatile, parallel_unsafe, name = "compare")]
#[allow(clippy::type_complexity)]
fn compare_versions(
    model: Option<&str>,
    version1: Option<i32>,
    version2: Option<i32>,
    source: default!(Option<&str>, "NULL"),
) -> std::result::Result<
    TableIterator<
        'static,
        (
            name!(metric, String),
            name!(v1, Option<f64>),
            name!(v2, Option<f64>),
            name!(improvement, Option<f64>),
        ),
    >,
    ErrorReport,
> {
    let function = "compare";
    let model = required(function, "model", model)?;
    let versions = [
        required(function, "version1", version1)?,
        required(function, "version2", version2)?,
    ];
    let rows = compare::compare(model, versions, source)?;
    Ok(TableIterator::new(rows))
}

/// What matters to a model.
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::type_complexity)]
fn global_explain(
    model: Option<&str>,
    method: default!(Option<&str>, "'permutation'"),
) -> std::result::Result<
    TableIterator<
        'static,
        (
            name!(feature, String),
            name!(importance, Option<f64>),
            name!(std_dev, Option<f64>),
            name!(rank, i32),
        ),
    >,
    ErrorReport,
> {
    let model = required("global_explain", "model", model)?;
    let rows = importance::global_explain(model, method.unwrap_or("permutation"))?;
    Ok(TableIterator::new(rows))
}

/// Moves an alias to a version.
#[pg_extern(volatile, parallel_unsafe, name = "promote")]
fn promote_version(
    model: Option<&str>,
    version: Option<i32>,
    alias: default!(Option<&str>, "'champion'"),
    gate: default!(Option<Jsonb>, "NULL"),
    reason: default!(Option<&str>, "NULL"),
    force: default!(Option<bool>, "false"),
) -> std::result::Result<bool, ErrorReport> {
    let gate = gate.map(|gate| Gate::parse(&gate.0)).transpose();
    let gate = gate.map_err(super::plain)?;
    let promoted = promote::promote(&promote::Promotion {
        model: required("promote", "model", model)?,
        version: required("promote", "version", version)?,
        alias,
        gate: gate.as_ref(),
        reason,
        force: force.unwrap_or(false),
    })?;
    Ok(promoted)
}

entry_point!(
    /// `roc_curve(model, source)`
    pglearn_roc_curve,
    pg_finfo_pglearn_roc_curve,
    |call| {
        let [model, source] = [0, 1].map(|at| call.text(at));
        let model = required("roc_curve", "model", model)?;
        curves::roc_curve(&model, source.as_deref(), &mut ResultRows::new(call)?)?;
        Ok(None)
    }
);

entry_point!(
    /// `predict_batch(model, source, key)`
    pglearn_predict_batch,
    pg_finfo_pglearn_predict_batch,
    |call| {
        let function = "predict_batch";
        let [model, source, key] = [0, 1, 2].map(|at| call.text(at));
        let model = required(function, "model", model)?;
        let source = required(function, "source", source)?;
        let key = required(function, "key", key)?;
        batch::predict_batch(&model, &source, &key, &mut ResultRows::new(call)?)?;
        Ok(None)
    }
);
