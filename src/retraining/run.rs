//! A job is run.
//!
//! A worker does it in three steps, so that an hour of training holds back no vacuum. The rows are read in
//! a transaction of their own, which ends. What is learned from them is learned outside any transaction.
//! Publishing, comparing with the champion and ending the job are one transaction: all of it
//! happens or nothing, and nothing where the job has meanwhile become another process's.
//!
//! Whatever reads or writes does so as the role of the job, restricted, or in its name as the model's
//! owner, as `retrain` does.

use super::queue::{self, Done, Job, Kind};
use crate::pg::context::MemoryScope;
use crate::pg::error::{Failure, Result};
use crate::pg::identity::{self, RestrictedUser, SessionRole};
use crate::pg::monitor::SessionMonitor;
use crate::pg::progress::JobScope;
use crate::pg::transaction::{
    TimeLimit, holds_snapshot, in_transaction, is_in_transaction, outside_transaction,
};
use crate::pg::watchdog::Watchdog;
use crate::settings::MemoryCap;
use crate::train::named::{
    Again, Learned, Prepared, find_trainable, learn, prepare, publish, queued_arguments,
};
use pgrx::PgSqlErrorCode;
use serde_json::Value as Json;
use std::time::{Duration, Instant};

/// Runs a job that this worker has claimed, outside a transaction.
///
/// # Errors
/// Those of the training; 57014 where the job was cancelled or its time is up, 55000 where it is another
/// process's by now. Nothing is left of it then, and how the job goes on is the caller's to record.
pub fn run(job: &Job) -> Result<()> {
    let _limit = job.timeout.map(TimeLimit::new);
    let _cap = job.max_memory.map(MemoryCap::new);
    let _watchdog = watchdog(job, None);
    let mut monitor = SessionMonitor::default();
    let _scope = in_transaction(|| Ok(JobScope::new(job.id, job.run_as, &job.model)))?;
    let _session = in_transaction(|| Ok(SessionRole::new(job.run_as)))?;
    let prepared = in_transaction(|| prepare_job(job, &mut monitor))?;
    debug_assert!(!holds_snapshot(), "the rows are read");
    // What the server allocates for messages.
    let memory = MemoryScope::default();
    let learned = outside_transaction(|| memory.run(|| learn(prepared, &mut monitor)))?;
    in_transaction(|| publish_job(job, learned))
}

/// Runs a job within the caller's transaction.
///
/// # Errors
/// As [`run`]; the caller undoes what was done.
pub fn run_here(job: &Job) -> Result<()> {
    let _cap = job.max_memory.map(MemoryCap::new);
    let _watchdog = watchdog(job, job.timeout);
    let _scope = JobScope::new(job.id, job.run_as, &job.model);
    let mut monitor = SessionMonitor::default();
    let prepared = prepare_job(job, &mut monitor)?;
    publish_job(job, learn(prepared, &mut monitor)?)
}

/// Looks whether the job is still wanted and its time not up. A worker's time is limited by a timer, which
/// also ends a query that gives no row; a session has a `statement_timeout` of its own.
fn watchdog(job: &Job, limit: Option<Duration>) -> Watchdog {
    let (job, began) = (job.clone(), Instant::now());
    Watchdog::new(move || {
        if let Some(limit) = limit.filter(|limit| began.elapsed() > *limit) {
            return Err(took_too_long(limit));
        }
        let stop = match is_in_transaction() {
            true => queue::must_stop(&job),
            false => in_transaction(|| queue::must_stop(&job)),
        };
        if stop? {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_QUERY_CANCELED,
                format!("canceling job {} due to user request", job.id),
            ));
        }
        Ok(())
    })
}

/// A limit of the job, not of the session: the session goes on.
fn took_too_long(limit: Duration) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
        format!("the attempt took longer than {} s", limit.as_secs_f64()),
    )
    .hint("request_retrain takes a timeout for one job; pglearn.job_timeout is for all others.")
}

/// Becomes the role of a job, if there is one still.
fn as_role(job: &Job) -> Result<RestrictedUser> {
    if identity::role_name(job.run_as).is_some() {
        return Ok(RestrictedUser::new(job.run_as));
    }
    Err(Failure::new(
        PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
        format!("the role of job {} does not exist any more", job.id),
    ))
}

fn prepare_job(job: &Job, monitor: &mut SessionMonitor) -> Result<Prepared> {
    let _role = as_role(job)?;
    match job.kind {
        Kind::Train => {
            let (arguments, _path) = queued_arguments(&job.model, &job.payload)?;
            prepare(arguments, monitor)
        }
        Kind::Retrain => Again::find_gated(&job.model, gate(&job.payload))?
            .with_owners_rights(|arguments| prepare(arguments, monitor)),
    }
}

fn gate(payload: &Json) -> Option<Json> {
    payload.get("gate").filter(|gate| !gate.is_null()).cloned()
}

/// Publishes, compares, and ends the job.
fn publish_job(job: &Job, learned: Learned) -> Result<()> {
    let trained = {
        let _role = as_role(job)?;
        let _owner = match job.kind {
            Kind::Train => None,
            // Asked again: the model may have changed hands.
            Kind::Retrain => Some(RestrictedUser::new(find_trainable(&job.model)?.owner)),
        };
        publish(learned)?
    };
    queue::finish(
        job,
        &Done {
            version: trained.version,
            status: trained.status,
            refusal: trained.refusal.as_deref(),
            metrics: &trained.metrics,
        },
    )
}
