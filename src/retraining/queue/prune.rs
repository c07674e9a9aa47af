//! Jobs that ended long ago.

use super::owner::as_owner;
use crate::pg::error::Result;
use crate::pg::moment;
use crate::pg::sql;
use crate::settings;

/// Jobs that one call deletes at the most.
const BATCH: i64 = 10_000;

/// Deletes jobs that ended longer ago than `pglearn.job_retention`, but none from whose start the
/// `min_interval` of its watch still counts. Gives their number.
///
/// Under REPEATABLE READ it deletes nothing: what another session deletes meanwhile would be an error.
///
/// # Errors
/// Those of the statement.
pub fn prune() -> Result<u64> {
    let Some(retention) = settings::job_retention() else {
        return Ok(0);
    };
    if moment::is_fixed() {
        return Ok(0);
    }
    let retention = format!("{} seconds", retention.as_secs());
    as_owner(|| {
        sql::execute(
            "DELETE FROM {ml}.jobs AS j WHERE j.job_id OPERATOR(pg_catalog.=) ANY (ARRAY( \
                SELECT q.job_id FROM {ml}.jobs AS q \
                 WHERE q.state OPERATOR(pg_catalog.=) ANY (ARRAY['done', 'failed', 'dead', 'cancelled']) \
                   AND q.finished_at OPERATOR(pg_catalog.<) (pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) $1::pg_catalog.interval) \
                   AND NOT EXISTS (SELECT FROM {ml}.watches AS w WHERE w.watch_id OPERATOR(pg_catalog.=) q.watch_id \
                          AND (q.started_at OPERATOR(pg_catalog.+) w.min_interval) OPERATOR(pg_catalog.>) pg_catalog.clock_timestamp()) \
                 LIMIT $2 FOR UPDATE SKIP LOCKED))",
            &[(&retention).into(), BATCH.into()],
        )
    })
}
