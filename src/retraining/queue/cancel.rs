//! A job is not wanted any more.

use super::job::State;
use super::outcome::PATIENCE;
use super::owner::as_owner;
use crate::pg::background::Interruption;
use crate::pg::error::{Failure, Result};
use crate::pg::identity::{self, Role};
use crate::pg::lock::{self, Name};
use crate::pg::{at_commit, sql};
use pgrx::PgSqlErrorCode;
use std::time::Duration;

/// For a signal that takes its time.
const MARGIN: Duration = Duration::from_secs(1);

/// Cancels a job of a role whose privileges the current one has: at once where no process has it, else its
/// process ends the attempt as soon as it looks. The code of a job can catch that and go on: asked again, the
/// process is terminated. Says whether the job had not ended yet.
///
/// # Errors
/// 42704 where there is no such job, or it is none of the caller's; 55P03 where a transaction of a session
/// has it in hand.
pub fn cancel(job_id: i64) -> Result<bool> {
    let (state, run_as, again) = find(job_id)?.ok_or_else(|| missing(job_id))?;
    if !identity::has_privileges_of(run_as) {
        return Err(missing(job_id));
    }
    match state {
        State::Queued | State::Running => {}
        _ => return Ok(false),
    }
    // Who runs it holds this lock, whether others see that it runs or not.
    if lock::try_for_transaction(Name::Job(job_id)) {
        return end(job_id);
    }
    if state == State::Queued {
        return Err(busy(job_id));
    }
    as_owner(|| {
        let asked = sql::returning(
            "UPDATE {ml}.jobs AS j SET cancel_requested = true \
              WHERE j.job_id OPERATOR(pg_catalog.=) $1 AND j.state OPERATOR(pg_catalog.=) 'running' \
             RETURNING j.worker_pid",
            &[job_id.into()],
        )?;
        let Some(row) = asked.first() else {
            return Ok(false);
        };
        // It looks by itself, but not within a query that gives no row. It waits for this transaction before
        // it writes down an end of the job, though not for ever: then it goes on to other jobs.
        let worker: Option<i32> = row.get(0)?;
        let name = Name::Job(job_id);
        if let Some(worker) = worker.filter(|worker| lock::holder(name) == Some(*worker)) {
            let how = match again {
                true => Interruption::Terminate,
                false => Interruption::Cancel,
            };
            at_commit::interrupt(worker, how, PATIENCE - MARGIN);
        }
        Ok(true)
    })
}

/// Ends a job that no process runs.
fn end(job_id: i64) -> Result<bool> {
    let cancelled = as_owner(|| {
        sql::execute(
            "UPDATE {ml}.jobs AS j SET state = 'cancelled', cancel_requested = true, \
                    finished_at = pg_catalog.clock_timestamp() \
              WHERE j.job_id OPERATOR(pg_catalog.=) \
                    (SELECT q.job_id FROM {ml}.jobs AS q WHERE q.job_id OPERATOR(pg_catalog.=) $1 \
                        AND q.state OPERATOR(pg_catalog.=) ANY (ARRAY['queued', 'running']) \
                        FOR UPDATE SKIP LOCKED)",
            &[job_id.into()],
        )
    })?;
    if cancelled == 1 {
        return Ok(true);
    }
    match find(job_id)? {
        Some((State::Queued | State::Running, ..)) => Err(busy(job_id)),
        _ => Ok(false),
    }
}

/// Its state, its role, and whether it was cancelled already.
fn find(job_id: i64) -> Result<Option<(State, Role, bool)>> {
    as_owner(|| {
        let rows = sql::latest(
            "SELECT j.state, j.run_as::pg_catalog.oid, j.cancel_requested FROM {ml}.jobs AS j WHERE j.job_id OPERATOR(pg_catalog.=) $1",
            &[job_id.into()],
        )?;
        rows.first()
            .map(|row| Ok((State::of(row.get(0)?)?, row.get(1)?, row.get(2)?)))
            .transpose()
    })
}

fn missing(job_id: i64) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
        format!("job {job_id} does not exist"),
    )
    .detail("There is none of this number that you may see.")
}

/// Nobody else can write to the row before that transaction ends.
fn busy(job_id: i64) -> Failure {
    let failure = Failure::new(
        PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE,
        format!("job {job_id} is in the hands of another transaction"),
    );
    match lock::holder(Name::Job(job_id)) {
        Some(pid @ 1..) if !lock::is_held(Name::Job(job_id)) => failure
            .detail(format!("Session {pid} is beginning it, or runs it."))
            .hint(format!(
                "Try again, or cancel what that session does: SELECT pg_cancel_backend({pid});"
            )),
        Some(0) => failure.detail("That transaction is prepared."),
        _ => failure.hint("Try again."),
    }
}
