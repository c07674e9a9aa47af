//! How good a named model is: on the hold-out that its training stored, or on the rows of a source.
//!
//! A source is read once, under the caller's rights and snapshot, its columns matched with the model's
//! inputs by name (`columns`, `scoring`); what the model says of each row goes with what was
//! observed (`observed`) into a hold-out of the mathematics (`rows`), from which metrics and curves
//! are drawn (`metrics`, `curves`). `batch` predicts row by row. [`compare`] scores two versions on
//! the same rows, by default those that neither learned from (`membership`); [`promote`] lets an alias
//! move if the comparison passes a gate. `importance` says which inputs matter.

mod api;
mod batch;
mod columns;
pub mod compare;
pub mod contender;
mod curves;
mod importance;
mod membership;
mod metrics;
mod observed;
pub mod promote;
mod rows;
mod scoring;

use crate::pg::error::Failure;

/// An error of the mathematics that names its own columns.
fn plain(error: pglearn_core::Error) -> Failure {
    Failure::from_core(error, &|_| String::new())
}

pgrx::extension_sql_file!(
    "../../sql/catalog/evaluate.sql",
    name = "evaluate",
    requires = [
        "registry",
        "metrics",
        api::evaluate,
        api::confusion_matrix_of,
        api::calibration_curve,
        api::compare_versions,
        api::promote_version,
        api::global_explain
    ]
);
