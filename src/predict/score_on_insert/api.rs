//! The SQL functions of this room.

use super::{install, run};
use crate::pg::entry_point;
use crate::pg::error::Failure;
use crate::pg::relation::released;
use pgrx::PgRelation;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// Has new rows of a table scored from now on; returns the name of the table of the predictions.
#[pg_extern(volatile, parallel_unsafe)]
pub(super) fn score_on_insert(
    relation: Option<PgRelation>,
    model: Option<&str>,
    key: Option<&str>,
    into_table: default!(Option<&str>, "'customer_predictions'"),
    on_error: default!(Option<&str>, "'warn'"),
) -> Result<String, ErrorReport> {
    let required = |argument| Failure::missing_argument("score_on_insert", argument);
    install::install(&install::Arguments {
        relation: released(relation.ok_or_else(|| required("relation"))?),
        model: model.ok_or_else(|| required("model"))?,
        key: key.ok_or_else(|| required("key"))?,
        into_table: into_table.unwrap_or("customer_predictions"),
        on_error: on_error.unwrap_or("warn"),
    })
    .map_err(ErrorReport::from)
}

/// Ends scoring on insert; returns how many triggers there were.
#[pg_extern(volatile, parallel_unsafe)]
pub(super) fn unscore_on_insert(relation: Option<PgRelation>) -> Result<i32, ErrorReport> {
    let relation =
        relation.ok_or_else(|| Failure::missing_argument("unscore_on_insert", "relation"))?;
    install::uninstall(released(relation)).map_err(ErrorReport::from)
}

entry_point!(
    /// `score_inserted_rows() -> trigger`
    pglearn_score_inserted_rows,
    pg_finfo_pglearn_score_inserted_rows,
    |call| run::score(call).map(Some)
);
