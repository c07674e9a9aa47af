//! The SQL functions of this room.

use super::{linregr, logregr, usage};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// Trains a logistic regression and writes `<out_table>` and `<out_table>_summary`.
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::too_many_arguments)]
fn logregr_train(
    source_table: Option<&str>,
    out_table: Option<&str>,
    dependent_varname: Option<&str>,
    independent_varname: Option<&str>,
    grouping_cols: default!(Option<&str>, "NULL"),
    max_iter: default!(Option<i32>, "20"),
    optimizer: default!(Option<&str>, "'irls'"),
    tolerance: default!(Option<f64>, "0.0001"),
    verbose: default!(Option<bool>, "false"),
) -> Result<(), ErrorReport> {
    logregr::train(&logregr::Arguments {
        source_table,
        out_table,
        dependent_varname,
        independent_varname,
        grouping_cols,
        max_iter: max_iter.unwrap_or(20),
        optimizer: optimizer.unwrap_or("irls"),
        tolerance: tolerance.unwrap_or(0.0001),
        verbose: verbose.unwrap_or(false),
    })
    .map_err(ErrorReport::from)
}

/// Explains `logregr_train`.
#[pg_extern(name = "logregr_train", stable, parallel_restricted)]
fn logregr_train_usage() -> Result<String, ErrorReport> {
    usage::text("logregr_train", "", usage::LOGREGR, usage::LOGREGR_EXAMPLE)
        .map_err(ErrorReport::from)
}

/// Explains `logregr_train`: `usage` or `example`.
#[pg_extern(name = "logregr_train", stable, parallel_restricted)]
fn logregr_train_topic(topic: &str) -> Result<String, ErrorReport> {
    usage::text(
        "logregr_train",
        topic,
        usage::LOGREGR,
        usage::LOGREGR_EXAMPLE,
    )
    .map_err(ErrorReport::from)
}

/// Trains a linear regression and writes `<out_table>` and `<out_table>_summary`.
#[pg_extern(volatile, parallel_unsafe)]
fn linregr_train(
    source_table: Option<&str>,
    out_table: Option<&str>,
    dependent_varname: Option<&str>,
    independent_varname: Option<&str>,
    grouping_cols: default!(Option<&str>, "NULL"),
    heteroskedasticity_option: default!(Option<bool>, "false"),
) -> Result<(), ErrorReport> {
    linregr::train(&linregr::Arguments {
        source_table,
        out_table,
        dependent_varname,
        independent_varname,
        grouping_cols,
        heteroskedasticity: heteroskedasticity_option.unwrap_or(false),
    })
    .map_err(ErrorReport::from)
}

/// Explains `linregr_train`.
#[pg_extern(name = "linregr_train", stable, parallel_restricted)]
fn linregr_train_usage() -> Result<String, ErrorReport> {
    usage::text("linregr_train", "", usage::LINREGR, usage::LINREGR_EXAMPLE)
        .map_err(ErrorReport::from)
}

/// Explains `linregr_train`: `usage` or `example`.
#[pg_extern(name = "linregr_train", stable, parallel_restricted)]
fn linregr_train_topic(topic: &str) -> Result<String, ErrorReport> {
    usage::text(
        "linregr_train",
        topic,
        usage::LINREGR,
        usage::LINREGR_EXAMPLE,
    )
    .map_err(ErrorReport::from)
}
