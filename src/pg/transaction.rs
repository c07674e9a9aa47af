//! Transactions of a background worker, which has nobody to begin and end them: what the server's main
//! loop does around the commands of a client.

use super::error::{Failure, Result};
use super::lock;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::{PgTryBuilder, pg_sys};
use std::ffi::c_int;
use std::panic::AssertUnwindSafe;
use std::sync::OnceLock;
use std::time::Duration;

/// Whether a transaction is open.
pub fn is_in_transaction() -> bool {
    // SAFETY: reads a variable of the backend.
    unsafe { pg_sys::IsTransactionOrTransactionBlock() }
}

/// Whether this process keeps vacuum from anything: it has a snapshot, or a transaction number.
pub fn holds_snapshot() -> bool {
    // SAFETY: this process' own entry, which it alone writes.
    unsafe {
        let process = &*pg_sys::MyProc;
        [process.xmin, process.xid] != [pg_sys::InvalidTransactionId; 2]
    }
}

/// Runs work in a transaction of its own, under a snapshot taken now, and commits. Where the work fails
/// (by a `Failure`, an ERROR or a panic) or the commit does, all of it is rolled back and the process
/// goes on. A request to terminate still ends the process.
///
/// For background workers only: a session's transactions are its client's. What the work returns must
/// not lie in PostgreSQL's memory, which goes with the transaction.
///
/// # Errors
/// What the work raises or returns; XX000 inside a transaction.
pub fn in_transaction<R>(work: impl FnOnce() -> Result<R>) -> Result<R> {
    if is_in_transaction() {
        return Err(Failure::internal("a transaction inside a transaction"));
    }
    outside_transaction(|| {
        begin();
        let outcome = work()?;
        commit();
        Ok(outcome)
    })
}

/// Runs work of a background worker that is in no transaction, or in those that it begins and ends
/// itself: an ERROR or a panic becomes a `Failure`, and nothing is left open.
///
/// # Errors
/// What the work raises or returns; XX000 inside a transaction.
pub fn outside_transaction<R>(work: impl FnOnce() -> Result<R>) -> Result<R> {
    if is_in_transaction() {
        return Err(Failure::internal("this must not run in a transaction"));
    }
    // SAFETY: reads a variable of the backend.
    let memory = unsafe { pg_sys::CurrentMemoryContext };
    let outcome = PgTryBuilder::new(AssertUnwindSafe(work))
        .catch_others(|error| Err(failure(&error)))
        .execute();
    if outcome.is_err() {
        abort();
    }
    // SAFETY: begin, commit and abort leave one of their own; this one was there before them, and no
    // transaction deletes what it has not made.
    unsafe { pg_sys::MemoryContextSwitchTo(memory) };
    outcome
}

fn failure(error: &CaughtError) -> Failure {
    match error {
        CaughtError::PostgresError(report)
        | CaughtError::ErrorReport(report)
        | CaughtError::RustPanic {
            ereport: report, ..
        } => Failure::caught(report),
    }
}

fn begin() {
    // SAFETY: no transaction is open. now() and pg_stat_activity go by the statement's start.
    unsafe {
        pg_sys::SetCurrentStatementStartTimestamp();
        pg_sys::StartTransactionCommand();
        pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
    }
    lock::shield();
}

fn commit() {
    lock::unshield();
    // SAFETY: ends what `begin` began.
    unsafe {
        pg_sys::PopActiveSnapshot();
        pg_sys::CommitTransactionCommand();
        pg_sys::pgstat_report_stat(false);
    }
}

/// What the server's main loop does after an ERROR. A cancel that came too late to be noticed was meant
/// for what has just failed.
fn abort() {
    lock::unshield();
    // SAFETY: nothing of the transaction is in use any more. An ERROR has reset the counters of held
    // interrupts, a panic has not; the abort must not be interrupted.
    unsafe {
        pg_sys::InterruptHoldoffCount = 1;
        pg_sys::QueryCancelHoldoffCount = 0;
        forget_cancel();
        pg_sys::AbortOutOfAnyTransaction();
        pg_sys::MemoryContextSwitchTo(pg_sys::TopMemoryContext);
        pg_sys::FlushErrorState();
        pg_sys::InterruptHoldoffCount = 0;
    }
}

/// Forgets a request to cancel that has not been served.
pub(in crate::pg) fn forget_cancel() {
    // SAFETY: a flag of type sig_atomic_t, written by signal handlers of this thread.
    unsafe { (&raw mut pg_sys::QueryCancelPending).write_volatile(0) };
}

/// Serves interrupts within a piece of work that makes no calls of PostgreSQL which would: raises for a
/// cancel or a time-out, ends the process for a terminate.
pub fn serve_interrupts() {
    pgrx::check_for_interrupts!();
}

mod timeout {
    use std::ffi::c_int;

    /// Of `TimeoutId`: the same in all versions from 15 on.
    pub const STATEMENT: c_int = 3;

    /// Any number from `USER_TIMEOUT` on asks for one that is free.
    pub const ANY: c_int = 1000;

    // Not among the declarations of pgrx. None of them raises for a time-out that every backend
    // registers at its start; the first one where there are too many.
    unsafe extern "C-unwind" {
        pub fn RegisterTimeout(id: c_int, handler: unsafe extern "C" fn()) -> c_int;
        pub fn enable_timeout_after(id: c_int, delay_ms: c_int);
        pub fn disable_timeout(id: c_int, keep_indicator: bool);
        pub fn get_timeout_indicator(id: c_int, reset_indicator: bool) -> bool;
    }
}

/// Milliseconds that work has to end after its time.
const GRACE: i32 = 10_000;
/// The number of the timer that counts them, once there is one.
static LAST: OnceLock<c_int> = OnceLock::new();

/// Called by the handler of SIGALRM.
unsafe extern "C" fn terminate() {
    // SAFETY: a system call that signal handlers may make; a variable of the backend.
    unsafe { libc::kill(pg_sys::MyProcPid, libc::SIGTERM) };
}

/// A time limit, over as many transactions as it takes: when it is up, the work is cancelled as by
/// `statement_timeout` (57014). Code of users can catch that and go on: 10 seconds later the process is
/// terminated. In force until dropped.
pub struct TimeLimit(());

impl TimeLimit {
    /// Begins to count. For background workers, which no `statement_timeout` limits.
    pub fn new(limit: Duration) -> Self {
        let milliseconds = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX).max(1);
        // SAFETY: registered by every backend that is connected to a database.
        unsafe {
            timeout::enable_timeout_after(timeout::STATEMENT, milliseconds);
            let last = *LAST.get_or_init(|| timeout::RegisterTimeout(timeout::ANY, terminate));
            timeout::enable_timeout_after(last, milliseconds.saturating_add(GRACE));
        }
        Self(())
    }
}

impl Drop for TimeLimit {
    fn drop(&mut self) {
        // SAFETY: as above. Where it has struck and nobody has noticed, the work was done in time.
        unsafe {
            if let Some(last) = LAST.get() {
                timeout::disable_timeout(*last, false);
            }
            timeout::disable_timeout(timeout::STATEMENT, true);
            if timeout::get_timeout_indicator(timeout::STATEMENT, true) {
                forget_cancel();
            }
        }
    }
}
