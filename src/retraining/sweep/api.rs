//! The SQL function of this room.

use super::{poll, sweep_here};
use crate::pg::at_commit;
use crate::pg::context::refuse_read_only;
use crate::pg::error::Result as Outcome;
use crate::pg::sql;
use crate::retraining::queue;
use crate::retraining::watches::Watch;
use pgrx::pg_sys::Oid;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

type Row = (
    name!(watch_id, i64),
    name!(relation, Oid),
    name!(model, Option<String>),
    name!(pending, i64),
    name!(announced, Option<i64>),
    name!(job_id, Option<i64>),
);

/// Sweeps at once; the watches that the caller may see.
#[pg_extern(sql = r#"
CREATE FUNCTION check_watches()
    RETURNS TABLE (watch_id bigint, relation regclass, model text, pending bigint, announced bigint, job_id bigint)
    LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10
    AS '@MODULE_PATHNAME@', '@FUNCTION_NAME@';
"#)]
#[allow(clippy::type_complexity)]
pub(in crate::retraining) fn check_watches() -> Result<
    TableIterator<
        'static,
        (
            name!(watch_id, i64),
            name!(relation, Oid),
            name!(model, Option<String>),
            name!(pending, i64),
            name!(announced, Option<i64>),
            name!(job_id, Option<i64>),
        ),
    >,
    ErrorReport,
> {
    refuse_read_only(c"check_watches()");
    Ok(TableIterator::new(checked()?))
}

fn checked() -> Outcome<Vec<Row>> {
    poll::poll_all(&Watch::all()?)?;
    let before = sql::returning(
        "SELECT COALESCE(pg_catalog.max(a.announcement_id), 0) FROM {ml}.announcements AS a",
        &[],
    )?;
    let before: i64 = before.first().map_or(Ok(0), |row| row.get(0))?;
    sweep_here()?;
    // Jobs that a crash has left have nobody else to look after them.
    if queue::next_due()?.is_some() {
        at_commit::wake_worker();
    }
    let rows = sql::returning(
        "SELECT s.watch_id, s.relation::pg_catalog.oid, s.model, s.pending, a.row_count, a.job_id
           FROM {ml}.watch_status AS s
           LEFT JOIN LATERAL (
                SELECT n.row_count, n.job_id FROM {ml}.announcements AS n
                 WHERE n.watch_id OPERATOR(pg_catalog.=) s.watch_id AND n.announcement_id OPERATOR(pg_catalog.>) $1 AND n.channel IS NOT NULL
                   AND n.xid OPERATOR(pg_catalog.=) pg_catalog.pg_current_xact_id_if_assigned()
                 ORDER BY n.announcement_id DESC LIMIT 1) AS a ON true
          ORDER BY s.watch_id",
        &[before.into()],
    )?;
    rows.iter()
        .map(|row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
                row.get(5)?,
            ))
        })
        .collect()
}
