//! How an attempt ends.

use super::job::{Job, State};
use super::owner::as_owner;
use crate::pg::context::SettingScope;
use crate::pg::error::{Failure, Result};
use crate::pg::parse;
use crate::pg::sql;
use crate::settings;
use pgrx::PgSqlErrorCode;
use serde_json::Value as Json;
use std::time::Duration;

/// How long who ends an attempt waits for a cancellation that is not committed.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// The longest wait between two attempts.
const LONGEST_DELAY: Duration = Duration::from_secs(3600);

/// What a job made.
#[derive(Debug, Clone)]
pub struct Done<'a> {
    /// Number of the version.
    pub version: i32,
    /// What became of it: `ready`, `promoted`, `refused`.
    pub status: &'a str,
    /// Why it was refused.
    pub refusal: Option<&'a str>,
    /// Its metrics on the hold-out.
    pub metrics: &'a Json,
}

/// Records that a job is done, in the transaction that publishes its version.
///
/// # Errors
/// 55000 where another process has taken the job over, 57014 where it was cancelled: the transaction must
/// then be rolled back with all it did; 55P03 as [`fail`].
pub fn finish(job: &Job, done: &Done<'_>) -> Result<()> {
    as_owner_patiently(|| {
        let metrics = done.metrics.to_string();
        let finished = sql::execute(
            "UPDATE {ml}.jobs AS j SET state = 'done', version = $3, status = $4, metrics = $5::pg_catalog.jsonb, \
                    error = $6, detail = NULL, hint = NULL, sqlstate = NULL, finished_at = pg_catalog.clock_timestamp() \
              WHERE j.job_id OPERATOR(pg_catalog.=) $1 AND j.state OPERATOR(pg_catalog.=) 'running' \
                AND j.attempts OPERATOR(pg_catalog.=) $2 AND NOT j.cancel_requested",
            &[
                job.id.into(),
                job.attempt.into(),
                done.version.into(),
                done.status.into(),
                (&metrics).into(),
                done.refusal.into(),
            ],
        )?;
        if finished == 1 {
            return Ok(());
        }
        if is_mine(job)? {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_QUERY_CANCELED,
                format!("job {} was cancelled", job.id),
            ));
        }
        Err(Failure::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("job {} is not this process's any more", job.id),
        )
        .detail(format!(
            "Attempt {} came back late: the job has been taken over or has ended. Nothing of it is kept.",
            job.attempt
        )))
    })
}

/// Records that an attempt failed, and says in which state the job is now; `None` where it is another
/// process's by now, and nothing is recorded.
///
/// # Errors
/// Those of the statement; 55P03 where somebody keeps a cancellation uncommitted for long. The job is then
/// an orphan, and a worker has better to do than to wait.
pub fn fail(job: &Job, failure: &Failure) -> Result<Option<State>> {
    as_owner_patiently(|| {
        let delay = format!("{} milliseconds", delay(job.attempt).as_millis());
        let sqlstate = failure.sqlstate();
        let rows = sql::returning(
            "UPDATE {ml}.jobs AS j SET error = $3, detail = $4, hint = $5, sqlstate = $6, \
                    state = v.state, \
                    finished_at = CASE WHEN v.state OPERATOR(pg_catalog.<>) 'queued' THEN pg_catalog.clock_timestamp() END, \
                    not_before = CASE WHEN v.state OPERATOR(pg_catalog.=) 'queued' \
                                      THEN pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+) $8::pg_catalog.interval \
                                      ELSE j.not_before END \
               FROM (SELECT q.job_id, CASE WHEN q.cancel_requested THEN 'cancelled' \
                                           WHEN NOT $7 THEN 'failed' \
                                           WHEN q.attempts OPERATOR(pg_catalog.<) q.max_attempts THEN 'queued' \
                                           ELSE 'dead' END AS state \
                       FROM {ml}.jobs AS q \
                      WHERE q.job_id OPERATOR(pg_catalog.=) $1 AND q.state OPERATOR(pg_catalog.=) 'running' \
                        AND q.attempts OPERATOR(pg_catalog.=) $2 FOR UPDATE) AS v \
              WHERE j.job_id OPERATOR(pg_catalog.=) v.job_id RETURNING j.state",
            &[
                job.id.into(),
                job.attempt.into(),
                failure.message().into(),
                failure.details().into(),
                failure.advice().into(),
                (&sqlstate).into(),
                may_pass(&sqlstate).into(),
                (&delay).into(),
            ],
        )?;
        rows.first().map(|row| State::of(row.get(0)?)).transpose()
    })
}

/// As the owner of the table, who waits for locks of rows, but not for long.
fn as_owner_patiently<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    as_owner(|| {
        let patience = parse::c_string(&PATIENCE.as_millis().to_string())?;
        let _patience = SettingScope::new(&[(c"lock_timeout", &patience)]);
        work()
    })
}

/// Whether the attempt should end: the job was cancelled, or is another process's by now. A look at what
/// has been committed by now, whatever the transaction's snapshot.
///
/// # Errors
/// Those of the statement.
pub fn must_stop(job: &Job) -> Result<bool> {
    as_owner(|| {
        let rows = sql::latest(
            "SELECT FROM {ml}.jobs AS j WHERE j.job_id OPERATOR(pg_catalog.=) $1 \
                AND j.state OPERATOR(pg_catalog.=) 'running' AND j.attempts OPERATOR(pg_catalog.=) $2 \
                AND NOT j.cancel_requested",
            &[job.id.into(), job.attempt.into()],
        )?;
        Ok(rows.is_empty())
    })
}

/// Whether the job is still in the hands of this attempt, cancelled or not.
fn is_mine(job: &Job) -> Result<bool> {
    let rows = sql::latest(
        "SELECT FROM {ml}.jobs AS j WHERE j.job_id OPERATOR(pg_catalog.=) $1 \
            AND j.state OPERATOR(pg_catalog.=) 'running' AND j.attempts OPERATOR(pg_catalog.=) $2",
        &[job.id.into(), job.attempt.into()],
    )?;
    Ok(!rows.is_empty())
}

/// Whether an error may pass by itself: transaction rollback (40), insufficient resources (53, but no limit
/// that somebody set), a lock that was not to be had, a server that goes down or comes up, system errors
/// (58), connections (08).
fn may_pass(sqlstate: &str) -> bool {
    match sqlstate {
        "53400" => false,
        "55P03" | "57P01" | "57P02" | "57P03" => true,
        _ => ["08", "40", "53", "58"].contains(&&sqlstate[..2]),
    }
}

/// How long a job waits after a failed attempt: twice as long after each further one.
fn delay(attempt: i32) -> Duration {
    let doublings = u32::try_from(attempt - 1).unwrap_or(0).min(31);
    settings::retry_delay()
        .saturating_mul(1 << doublings)
        .min(LONGEST_DELAY)
}

/// The end of a job that nobody runs.
#[derive(Debug)]
pub(super) struct Verdict {
    state: &'static str,
    failure: Option<Failure>,
}

impl Verdict {
    /// Somebody did not want it any more.
    pub(super) fn cancelled() -> Self {
        Self {
            state: "cancelled",
            failure: None,
        }
    }

    /// Its last attempt was lost.
    pub(super) fn worker_died() -> Self {
        let failure = Failure::new(
            PgSqlErrorCode::ERRCODE_SYSTEM_ERROR,
            "the process that ran the job ended without a word",
        );
        Self {
            state: "dead",
            failure: Some(failure.hint("The server's log says why.")),
        }
    }

    /// Nobody is left whose rights it could have.
    pub(super) fn role_is_gone() -> Self {
        Self::failed(Failure::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            "the role that the job was to run as does not exist any more",
        ))
    }

    /// It may not be run.
    pub(super) fn failed(failure: Failure) -> Self {
        Self {
            state: "failed",
            failure: Some(failure),
        }
    }

    /// Writes it to the row, which is locked.
    pub(super) fn write(&self, job_id: i64) -> Result<()> {
        let failure = self.failure.as_ref();
        let sqlstate = failure.map(Failure::sqlstate);
        sql::execute(
            "UPDATE {ml}.jobs AS j SET state = $2, finished_at = pg_catalog.clock_timestamp(), \
                    error = coalesce($3, j.error), detail = CASE WHEN $3 IS NULL THEN j.detail ELSE $6 END, \
                    hint = CASE WHEN $3 IS NULL THEN j.hint ELSE $4 END, sqlstate = coalesce($5, j.sqlstate) \
              WHERE j.job_id OPERATOR(pg_catalog.=) $1",
            &[
                job_id.into(),
                self.state.into(),
                failure.map(Failure::message).into(),
                failure.and_then(Failure::advice).into(),
                sqlstate.as_deref().into(),
                failure.and_then(Failure::details).into(),
            ],
        )?;
        Ok(())
    }
}
