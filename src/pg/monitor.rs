//! Cancellation and progress for the mathematics, worker threads included.

use super::progress;
use super::watchdog;
use pglearn_core::monitor::{Control, Monitor, Progress};
use pgrx::pg_sys;

/// Watches one training on behalf of the session that runs it.
///
/// Only ever polled on the session's own thread. A cancel or a terminate makes the solver come home
/// first; [`Failure::from_core`](super::error::Failure::from_core) then raises it. Other interrupts (a
/// changed setting, a barrier) are served at once.
#[derive(Debug, Default)]
pub struct SessionMonitor {
    /// The last step reported to a user who asked for a verbose run.
    reported: Option<(&'static str, u64)>,
}

impl SessionMonitor {
    /// One that tells each step as an INFO message if `verbose`.
    pub fn verbose(verbose: bool) -> Self {
        Self {
            reported: verbose.then_some(("", 0)),
        }
    }

    /// Comes to attention between two pieces of work that report no progress.
    ///
    /// # Errors
    /// [`pglearn_core::Error::Stopped`] where a cancel or a terminate is pending, or a
    /// [watchdog](super::watchdog::Watchdog) has called the work off.
    pub fn breathe(&mut self) -> pglearn_core::Result<()> {
        if interrupted() {
            if stop_requested() {
                return Err(pglearn_core::Error::Stopped);
            }
            pgrx::check_for_interrupts!();
        }
        if watchdog::called_off() {
            return Err(pglearn_core::Error::Stopped);
        }
        Ok(())
    }

    fn tell(&mut self, state: Progress) {
        let step = (state.phase, state.done);
        if self.reported.is_some_and(|last| last != step) && !state.loss.is_nan() {
            self.reported = Some(step);
            pgrx::info!(
                "{} {}: log-likelihood {}",
                state.phase,
                state.done,
                -state.loss
            );
        }
    }
}

fn stop_requested() -> bool {
    // SAFETY: flags of type sig_atomic_t, written by signal handlers of this very thread.
    unsafe {
        (&raw const pg_sys::QueryCancelPending).read_volatile() != 0
            || (&raw const pg_sys::ProcDiePending).read_volatile() != 0
            || (&raw const pg_sys::ClientConnectionLost).read_volatile() != 0
            || transaction_timeout()
    }
}

/// Whether `transaction_timeout` (PostgreSQL 17) has struck.
fn transaction_timeout() -> bool {
    // SAFETY: as in `stop_requested`.
    #[cfg(any(feature = "pg17", feature = "pg18"))]
    unsafe {
        (&raw const pg_sys::TransactionTimeoutPending).read_volatile() != 0
    }
    #[cfg(not(any(feature = "pg17", feature = "pg18")))]
    false
}

fn interrupted() -> bool {
    // SAFETY: as above.
    unsafe { (&raw const pg_sys::InterruptPending).read_volatile() != 0 }
}

impl Monitor for SessionMonitor {
    fn poll(&mut self, state: Progress) -> Control {
        if self.breathe().is_err() {
            return Control::Stop;
        }
        self.tell(state);
        progress::update(state.phase, state.done, state.total, state.loss);
        Control::Continue
    }

    fn spawning(&mut self, spawn: &mut dyn FnMut()) {
        let _blocked = SignalsBlocked::new();
        spawn();
    }
}

/// All signals blocked on this thread, so that threads started meanwhile never see one.
struct SignalsBlocked(libc::sigset_t);

impl SignalsBlocked {
    fn new() -> Self {
        // SAFETY: plain data filled by sigfillset and pthread_sigmask.
        unsafe {
            let mut all: libc::sigset_t = std::mem::zeroed();
            let mut before: libc::sigset_t = std::mem::zeroed();
            libc::sigfillset(&mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
            Self(before)
        }
    }
}

impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        // SAFETY: the mask that was in force before.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, std::ptr::null_mut()) };
    }
}
