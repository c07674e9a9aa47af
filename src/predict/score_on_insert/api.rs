//! The SQL functions of this room.

use super::{install, run};
use crate::pg::entry_point;
use crate::pg::error::Failure;
use pgrx::pg_sys::Oid;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// Has new rows of a table scored from now on; returns the name of the table of the predictions.
#[pg_extern(sql = r#"
CREATE FUNCTION score_on_insert(relation regclass, model text, key text, into_table text DEFAULT 'customer_predictions', on_error text DEFAULT 'warn')
    RETURNS text LANGUAGE c VOLATILE PARALLEL UNSAFE AS '@MODULE_PATHNAME@', '@FUNCTION_NAME@';
"#)]
pub(super) fn score_on_insert(
    relation: Option<Oid>,
    model: Option<&str>,
    key: Option<&str>,
    into_table: Option<&str>,
    on_error: Option<&str>,
) -> Result<String, ErrorReport> {
    let required = |argument| Failure::missing_argument("score_on_insert", argument);
    install::install(&install::Arguments {
        relation: relation.ok_or_else(|| required("relation"))?,
        model: model.ok_or_else(|| required("model"))?,
        key: key.ok_or_else(|| required("key"))?,
        into_table: into_table.unwrap_or("customer_predictions"),
        on_error: on_error.unwrap_or("warn"),
    })
    .map_err(ErrorReport::from)
}

/// Ends scoring on insert; returns how many scorings were ended.
#[pg_extern(sql = r#"
CREATE FUNCTION unscore_on_insert(relation regclass) RETURNS integer
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS '@MODULE_PATHNAME@', '@FUNCTION_NAME@';
"#)]
pub(super) fn unscore_on_insert(relation: Option<Oid>) -> Result<i32, ErrorReport> {
    let relation =
        relation.ok_or_else(|| Failure::missing_argument("unscore_on_insert", "relation"))?;
    install::uninstall(relation).map_err(ErrorReport::from)
}

entry_point!(
    /// `score_inserted_rows() -> trigger`
    pglearn_score_inserted_rows,
    pg_finfo_pglearn_score_inserted_rows,
    |call| run::score(call).map(Some)
);
