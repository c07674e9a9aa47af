//! The life of a worker.

use super::look::{Extension, Prospect, Work};
use super::seat::Seat;
use super::wake;
use crate::pg::background::{self, Process, Reason};
use crate::pg::error::{Failure, Result};
use crate::pg::lock::{self, SessionLock};
use crate::pg::transaction::{in_transaction, outside_transaction};
use crate::retraining::queue::{self, Job};
use crate::retraining::run;
use crate::settings;
use pgrx::PgSqlErrorCode;
use std::time::{Duration, Instant};

/// How often a worker may fail in a row at looking for work before it gives up.
const MAX_FAILURES: u32 = 5;
/// How long it waits after the first failure; twice as long after each further one.
const FAILURE_DELAY: Duration = Duration::from_secs(1);
/// The first wait for a job that is due and cannot be claimed; twice as long each time.
const LEAST_HESITATION: Duration = Duration::from_millis(5);

/// What a worker does from its start to its end.
pub fn work(reason: Reason, process: &Process) {
    wake::is_for_me();
    process.show("looking for work");
    let outcome = sit(reason, process);
    process.set_succession(matches!(outcome, Ok(End::Outdated)));
    if let Err(failure) = outcome {
        failure.within("pglearn worker").log();
    }
}

/// Why a worker gives up its seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// There has been nothing to do for a while.
    Idle,
    /// Whatever there is to do, it is not for this worker.
    Over,
    /// It is for one with another version of the library.
    Outdated,
}

/// Takes a seat and serves, until there is nothing left to do or no seat.
fn sit(reason: Reason, process: &Process) -> Result<End> {
    let Some(extension) = Extension::find()? else {
        return Ok(End::Over);
    };
    let mut seat = Seat::take(reason)?;
    while let Some(taken) = seat {
        let end = serve(reason, process, &extension, taken)?;
        if end != End::Idle {
            return Ok(end);
        }
        // Somebody may have found the seat taken while this worker was about to go.
        seat = match extension.prospect()? {
            Some(prospect) if prospect.is_due() => Seat::take(reason)?,
            Some(prospect) if is_worth_staying(prospect) => Seat::take_first()?,
            _ => None,
        };
    }
    Ok(End::Idle)
}

/// A worker between two looks.
struct Service<'a> {
    process: &'a Process,
    extension: &'a Extension,
    seat: Seat,
    /// Since when nobody has left it work or woken it.
    idle_since: Instant,
    /// How long to wait where a job is due that cannot be claimed.
    hesitation: Duration,
}

impl Service<'_> {
    /// `Some`: the end.
    fn round(&mut self, only_looking: bool) -> Result<Option<End>> {
        self.process.show("looking for work");
        match self.extension.look()? {
            Work::Gone => Ok(Some(End::Over)),
            Work::Updated => Ok(Some(End::Outdated)),
            Work::Job(job, lock) => {
                self.process.set_succession(true);
                self.do_job(&job, lock)?;
                self.idle_since = Instant::now();
                self.hesitation = LEAST_HESITATION;
                Ok(None)
            }
            Work::Later(prospect) if only_looking && prospect.is_empty() => Ok(Some(End::Idle)),
            Work::Later(prospect) => self.wait(prospect),
        }
    }

    fn wait(&mut self, prospect: Prospect) -> Result<Option<End>> {
        self.process.set_succession(!prospect.is_empty());
        let Some(time) = self.patience(prospect)? else {
            return Ok(Some(End::Idle));
        };
        if self.process.wait(time, what_for(prospect))? {
            self.idle_since = Instant::now();
        }
        Ok(None)
    }

    /// How long to wait before the next look; `None`: long enough already.
    fn patience(&mut self, prospect: Prospect) -> Result<Option<Duration>> {
        let mut time = settings::poll_interval();
        if prospect.is_due() {
            // The transaction that queued it, or relies on it, has not quite ended.
            time = time.min(self.hesitation);
            self.hesitation = self.hesitation.saturating_mul(2);
        } else {
            time = time.min(prospect.next_due.unwrap_or(time));
            self.hesitation = LEAST_HESITATION;
        }
        let left = settings::worker_idle_timeout().checked_sub(self.idle_since.elapsed());
        match left {
            Some(left) if !left.is_zero() => Ok(Some(time.min(left))),
            _ if prospect.is_due() => Ok(Some(time)),
            // One is enough to wait for what will be.
            _ if is_worth_staying(prospect) && self.seat.is_first()? => Ok(Some(time)),
            _ => Ok(None),
        }
    }

    /// Runs a job and writes down how it failed, if it did; its success is written by the transaction that
    /// publishes the model. If not even that can be written, the job is an orphan when the lock is gone: the
    /// next look takes it over, or gives it up.
    fn do_job(&self, job: &Job, _lock: SessionLock) -> Result<()> {
        if settings::max_workers() > 1 && self.extension.has_due_job()? {
            in_transaction(wake::recruit)?;
        }
        let began = Instant::now();
        let outcome = outside_transaction(|| run::run(job));
        // The next job may be another role's.
        let tidy = || {
            in_transaction(|| {
                lock::release_advisory();
                Ok(())
            })
        };
        let Err(failure) = outcome else {
            return tidy();
        };
        let failure = in_time(job, began.elapsed(), failure);
        self.process.show("writing down why a job failed");
        in_transaction(|| queue::fail(job, &failure).map(drop)).inspect_err(|_| {
            failure.within(&describe(job)).log();
        })?;
        tidy()
    }
}

/// Looks for work and does it, until there has been none for a while.
fn serve(reason: Reason, process: &Process, extension: &Extension, seat: Seat) -> Result<End> {
    let mut service = Service {
        process,
        extension,
        seat,
        idle_since: Instant::now(),
        hesitation: LEAST_HESITATION,
    };
    let mut failures = 0;
    let mut only_looking = reason == Reason::Scan;
    loop {
        process.take_over_settings()?;
        if !service.seat.is_allowed() {
            return Ok(End::Over);
        }
        match service.round(only_looking) {
            Ok(None) => failures = 0,
            Ok(Some(end)) => return Ok(end),
            Err(failure) if failures + 1 == MAX_FAILURES => return Err(failure),
            Err(failure) => {
                failure.within("pglearn worker").log();
                process.wait(
                    FAILURE_DELAY * 2_u32.pow(failures),
                    "waiting after an error",
                )?;
                failures += 1;
            }
        }
        only_looking = false;
    }
}

/// Whether what will be must be waited for by a process: where there is a launcher, not if it looks again
/// in time.
fn is_worth_staying(prospect: Prospect) -> bool {
    let soon = 2 * settings::launch_interval();
    prospect.unresolved
        || prospect
            .next_due
            .is_some_and(|due| !background::has_launcher() || due <= soon)
}

/// The failure of a job that was cancelled because its time was up, in words that say so.
fn in_time(job: &Job, elapsed: Duration, failure: Failure) -> Failure {
    match job.timeout {
        Some(limit)
            if failure.code() == PgSqlErrorCode::ERRCODE_QUERY_CANCELED && elapsed >= limit =>
        {
            Failure::new(
                failure.code(),
                format!("the attempt took longer than {} s", limit.as_secs_f64()),
            )
            .hint("request_retrain takes a timeout for one job; pglearn.job_timeout is for all others.")
        }
        _ => failure,
    }
}

fn what_for(prospect: Prospect) -> &'static str {
    match prospect {
        Prospect {
            unresolved: true, ..
        } => "waiting for transactions that change a watched table",
        Prospect {
            next_due: Some(_), ..
        } => "waiting for a job to become due",
        _ => "waiting for work",
    }
}

fn describe(job: &Job) -> String {
    format!(
        "job {}: {} of model \"{}\", attempt {} of {}",
        job.id,
        job.kind.name(),
        job.model,
        job.attempt,
        job.max_attempts
    )
}
