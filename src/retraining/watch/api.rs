//! The SQL functions of this room.

use super::settings::{Given, Settings};
use super::{install, uninstall};
use crate::pg::context::refuse_read_only;
use crate::pg::error::Failure;
use crate::pg::json::Jsonb;
use pgrx::datum::Interval;
use pgrx::pg_sys::Oid;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// Has the changes of a relation counted from now on; returns the number of the watch.
#[pg_extern(sql = r#"
CREATE FUNCTION watch(
    relation regclass,
    model text DEFAULT NULL,
    threshold bigint DEFAULT 1000,
    columns text[] DEFAULT NULL,
    channel text DEFAULT 'retrain_model',
    min_interval interval DEFAULT '5 minutes',
    gate jsonb DEFAULT NULL
) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS '@MODULE_PATHNAME@', '@FUNCTION_NAME@';
"#)]
pub(in crate::retraining) fn watch(
    relation: Option<Oid>,
    model: Option<String>,
    threshold: Option<i64>,
    columns: Option<Vec<Option<String>>>,
    channel: Option<String>,
    min_interval: Option<Interval>,
    gate: Option<Jsonb>,
) -> Result<i64, ErrorReport> {
    refuse_read_only(c"watch()");
    let relation = relation.ok_or_else(|| Failure::missing_argument("watch", "relation"))?;
    let settings = Settings::check(Given {
        model,
        threshold,
        columns,
        channel,
        min_interval,
        gate: gate.map(|gate| gate.0),
    })?;
    install::install(relation, &settings).map_err(ErrorReport::from)
}

/// Ends the watches of a relation; returns how many there were.
#[pg_extern(sql = r#"
CREATE FUNCTION unwatch(relation regclass) RETURNS integer
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS '@MODULE_PATHNAME@', '@FUNCTION_NAME@';
"#)]
pub(in crate::retraining) fn unwatch(relation: Option<Oid>) -> Result<i32, ErrorReport> {
    refuse_read_only(c"unwatch()");
    let relation = relation.ok_or_else(|| Failure::missing_argument("unwatch", "relation"))?;
    uninstall::uninstall(relation).map_err(ErrorReport::from)
}
