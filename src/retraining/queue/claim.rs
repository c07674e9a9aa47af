//! Who runs a job: exactly one process at a time.

use super::job::{COLUMNS, Job, State};
use super::outcome::Verdict;
use super::owner::as_owner;
use super::vouch::objection;
use crate::pg::error::Result;
use crate::pg::identity::{self, Role};
use crate::pg::lock::{self, Name, SessionLock};
use crate::pg::moment;
use crate::pg::sql::{self, Param};
use std::time::Duration;

/// A job that may be begun, as it was last committed.
struct Candidate {
    id: i64,
    model: String,
    state: State,
    attempts: i32,
    /// Where the row stands: another place, another version of it.
    place: String,
}

/// Takes the next job that is due, or one whose process has died, for a worker: its lock is held until it is
/// dropped. Jobs that came with a dump are left alone.
///
/// # Errors
/// Those of the statements; 40001 where the job was changed meanwhile, under REPEATABLE READ.
pub fn claim() -> Result<Option<(Job, SessionLock)>> {
    as_owner(|| {
        for candidate in candidates(None)? {
            let Some(lock) = lock::try_for_session(Name::Job(candidate.id)) else {
                continue;
            };
            if let Some(job) = begin(&candidate)? {
                return Ok(Some((job, lock)));
            }
        }
        Ok(None)
    })
}

/// The same within the transaction of a role that has the privileges of the job's: its locks are held until
/// the transaction ends, so that it begins a job once at the most.
///
/// # Errors
/// As [`claim`].
pub fn claim_here(member: Role) -> Result<Option<Job>> {
    as_owner(|| {
        for candidate in candidates(Some(member))? {
            let name = Name::Job(candidate.id);
            if lock::is_held(name) || !lock::try_for_transaction(name) {
                continue;
            }
            if let Some(job) = begin(&candidate)? {
                return Ok(Some(job));
            }
            lock::release_for_transaction(name);
        }
        Ok(None)
    })
}

/// How long it is until a job that waits is due; zero also where one is due, or has lost its process.
/// `None`: none waits, or only for infinity, from which no time can be subtracted.
///
/// # Errors
/// Those of the statements.
pub fn next_due() -> Result<Option<Duration>> {
    as_owner(|| {
        let rows = sql::latest(
            "SELECT (SELECT pg_catalog.min(extract(epoch FROM j.not_before OPERATOR(pg_catalog.-) pg_catalog.clock_timestamp())::pg_catalog.float8) \
                       FROM {ml}.jobs AS j WHERE j.state OPERATOR(pg_catalog.=) 'queued' AND j.home OPERATOR(pg_catalog.=) {ml}.job_home() \
                        AND j.not_before OPERATOR(pg_catalog.<) 'infinity'::pg_catalog.timestamptz), \
                    (SELECT pg_catalog.array_agg(j.job_id::pg_catalog.text) \
                       FROM {ml}.jobs AS j WHERE j.state OPERATOR(pg_catalog.=) 'running' AND j.home OPERATOR(pg_catalog.=) {ml}.job_home())",
            &[],
        )?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let running: Option<Vec<String>> = row.get(1)?;
        let orphan = |id: &String| {
            id.parse()
                .is_ok_and(|id| lock::holder(Name::Job(id)).is_none())
        };
        if running.unwrap_or_default().iter().any(orphan) {
            return Ok(Some(Duration::ZERO));
        }
        let seconds: Option<f64> = row.get(0)?;
        Ok(seconds.map(|s| Duration::try_from_secs_f64(s.max(0.0)).unwrap_or(Duration::MAX)))
    })
}

/// The jobs that may be begun, the one that has waited longest first.
fn candidates(member: Option<Role>) -> Result<Vec<Candidate>> {
    let rows = sql::latest(
        "SELECT j.job_id, j.model, j.state, j.attempts, j.ctid::pg_catalog.text FROM {ml}.jobs AS j \
          WHERE j.home OPERATOR(pg_catalog.=) {ml}.job_home() \
            AND (j.state OPERATOR(pg_catalog.=) 'running' OR j.state OPERATOR(pg_catalog.=) 'queued' \
                 AND j.not_before OPERATOR(pg_catalog.<=) pg_catalog.clock_timestamp()) \
            AND ($1 IS NULL OR pg_catalog.pg_has_role($1, j.run_as::pg_catalog.oid, 'USAGE')) \
          ORDER BY j.not_before, j.job_id LIMIT 1000",
        &[Param::Oid(member)],
    )?;
    rows.iter()
        .map(|row| {
            Ok(Candidate {
                id: row.get(0)?,
                model: row.get(1)?,
                state: State::of(row.get(2)?)?,
                attempts: row.get(3)?,
                place: row.get(4)?,
            })
        })
        .collect()
}

/// Begins a job whose lock is held, unless it has been changed, somebody relies on it in a transaction
/// that is still open, or it has ended: its process died once too often.
fn begin(candidate: &Candidate) -> Result<Option<Job>> {
    let model = Name::Model(&candidate.model);
    if !lock::try_for_transaction(model) {
        return Ok(None);
    }
    let job = match is_ahead(&candidate.model)? {
        true => None,
        false => begin_alone(candidate)?,
    };
    if job.is_none() {
        lock::release_for_transaction(model);
    }
    Ok(job)
}

/// Whether a watch has announced rows of a model that the transaction will not see, as it goes by an older
/// snapshot: they rely on a job that begins after them.
fn is_ahead(model: &str) -> Result<bool> {
    if !moment::is_fixed() {
        return Ok(false);
    }
    let rows = sql::query(
        "SELECT pg_catalog.pg_current_snapshot()::pg_catalog.text",
        &[],
    )?;
    let snapshot: Option<&str> = rows.first().map(|row| row.get(0)).transpose()?;
    let rows = sql::latest(
        "SELECT FROM {ml}.announcements AS a JOIN {ml}.watches AS w ON w.watch_id OPERATOR(pg_catalog.=) a.watch_id \
          WHERE w.model OPERATOR(pg_catalog.=) $1 \
            AND NOT pg_catalog.pg_visible_in_snapshot(a.xid, $2::pg_catalog.pg_snapshot) \
            AND a.xid IS DISTINCT FROM pg_catalog.pg_current_xact_id_if_assigned() LIMIT 1",
        &[model.into(), snapshot.into()],
    )?;
    Ok(!rows.is_empty())
}

fn begin_alone(candidate: &Candidate) -> Result<Option<Job>> {
    let state = match candidate.state {
        State::Running => "running",
        _ => "queued",
    };
    // The place tells versions apart under REPEATABLE READ, state and attempts when the row is looked at
    // again after a lock.
    let rows = sql::returning(
        "SELECT j.max_attempts, j.cancel_requested, j.run_as::pg_catalog.oid FROM {ml}.jobs AS j \
          WHERE j.job_id OPERATOR(pg_catalog.=) $1 AND j.ctid OPERATOR(pg_catalog.=) $2::pg_catalog.tid \
            AND j.state OPERATOR(pg_catalog.=) $3 AND j.attempts OPERATOR(pg_catalog.=) $4 \
          FOR UPDATE SKIP LOCKED",
        &[
            candidate.id.into(),
            (&candidate.place).into(),
            state.into(),
            candidate.attempts.into(),
        ],
    )?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let (max_attempts, cancelled): (i32, bool) = (row.get(0)?, row.get(1)?);
    let run_as = row.get(2)?;
    let verdict = match identity::role_name(run_as) {
        _ if cancelled => Some(Verdict::cancelled()),
        _ if candidate.attempts >= max_attempts => Some(Verdict::worker_died()),
        None => Some(Verdict::role_is_gone()),
        Some(_) => objection(run_as)?.map(Verdict::failed),
    };
    if let Some(verdict) = verdict {
        verdict.write(candidate.id)?;
        return Ok(None);
    }
    let rows = sql::returning(
        &format!(
            "UPDATE {{ml}}.jobs AS j SET state = 'running', attempts = j.attempts OPERATOR(pg_catalog.+) 1, \
                    worker_pid = pg_catalog.pg_backend_pid(), started_at = pg_catalog.clock_timestamp() \
              WHERE j.job_id OPERATOR(pg_catalog.=) $1 RETURNING {COLUMNS}"
        ),
        &[candidate.id.into()],
    )?;
    rows.first().map(Job::of).transpose()
}
