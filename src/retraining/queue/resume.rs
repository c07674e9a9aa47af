//! Jobs that came with a dump.

use super::owner::as_owner;
use crate::pg::error::Result;
use crate::pg::identity;
use crate::pg::{at_commit, sql};

/// Takes over the jobs that were queued in another database, of roles whose privileges the current one
/// has. What was running there begins anew. Gives their number, and wakes a worker at commit.
///
/// # Errors
/// Those of the statement.
pub fn resume() -> Result<i32> {
    let role = identity::current_role();
    let resumed = as_owner(|| {
        sql::execute(
            "UPDATE {ml}.jobs AS j SET home = {ml}.job_home(), state = 'queued', attempts = 0, \
                    cancel_requested = false, worker_pid = NULL, started_at = NULL \
              WHERE j.home OPERATOR(pg_catalog.<>) {ml}.job_home() \
                AND j.state OPERATOR(pg_catalog.=) ANY (ARRAY['queued', 'running']) \
                AND pg_catalog.pg_has_role($1, j.run_as::pg_catalog.oid, 'USAGE')",
            &[sql::Param::Oid(Some(role))],
        )
    })?;
    if resumed > 0 {
        at_commit::wake_worker();
    }
    Ok(i32::try_from(resumed).unwrap_or(i32::MAX))
}
