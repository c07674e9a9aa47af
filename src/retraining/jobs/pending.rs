//! `run_pending`: what the worker does, in a session and its transaction.

use crate::pg::context::refuse_read_only;
use crate::pg::error::{Failure, Result};
use crate::pg::identity;
use crate::pg::moment::under_fresh_snapshot;
use crate::pg::subtransaction;
use crate::retraining::queue::{self, Job};
use crate::retraining::run::run_here;
use crate::retraining::sweep::sweep_here;
use pgrx::PgSqlErrorCode;
use std::cell::Cell;

/// Sweeps, then runs jobs that are due, one after the other, of those whose role the current one has the
/// privileges of. Gives the number of jobs that were begun.
///
/// A job that fails is recorded as a worker would record it, and a WARNING. What is about the session ends
/// the whole call: a cancel, a time-out, a serialization failure.
///
/// # Errors
/// 22023 for a negative number; 55000 and 42501 from within a job.
pub fn run_pending(max_jobs: i32) -> Result<i32> {
    refuse_read_only(c"run_pending()");
    if max_jobs < 0 {
        return Err(Failure::parameter(format!(
            "max_jobs must not be negative: {max_jobs}"
        )));
    }
    let _alone = Alone::new()?;
    sweep_here()?;
    let mut begun = 0;
    while begun < max_jobs {
        pgrx::check_for_interrupts!();
        let Some(job) = queue::claim_here(identity::current_role())? else {
            break;
        };
        run_one(&job)?;
        begun += 1;
    }
    Ok(begun)
}

fn run_one(job: &Job) -> Result<()> {
    // A fresh snapshot: who relied on the job has committed since the calling statement began.
    let work = || under_fresh_snapshot(|| run_here(job));
    if let Err(failure) = subtransaction::attempt_unless(ends_the_session, work) {
        queue::fail(job, &failure)?;
        failure
            .within(&format!("job {} (model \"{}\") failed", job.id, job.model))
            .warn();
    }
    Ok(())
}

/// Whether an error is about the session, its transaction or its client rather than about the job.
fn ends_the_session(code: PgSqlErrorCode) -> bool {
    // Memory and disk may be there again for the next attempt; a deadlock is over with the subtransaction.
    let resources = ["53", "58"].contains(&&Failure::new(code, "").sqlstate()[..2]);
    subtransaction::must_reach_the_client(code)
        && !resources
        && code != PgSqlErrorCode::ERRCODE_T_R_DEADLOCK_DETECTED
}

thread_local! {
    static RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// A job that runs jobs would never end.
struct Alone(());

impl Alone {
    fn new() -> Result<Self> {
        if identity::is_restricted() {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
                "cannot run jobs within a security-restricted operation",
            ));
        }
        if RUNNING.replace(true) {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "cannot run jobs from within a job",
            ));
        }
        Ok(Self(()))
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        RUNNING.set(false);
    }
}
