//! Cancellation and progress for the mathematics, worker threads included.

use super::progress;
use pglearn_core::monitor::{Control, Monitor, Progress};
use pgrx::pg_sys;

/// Watches one training on behalf of the session that runs it.
///
/// Only ever polled on the session's own thread. A cancel or a terminate makes the solver come home
/// first; the caller then raises it by [`raise_pending`]. Other interrupts (a changed setting, a
/// barrier) are served at once.
#[derive(Debug, Default)]
pub struct SessionMonitor;

fn stop_requested() -> bool {
    // SAFETY: flags of type sig_atomic_t, written by signal handlers of this very thread.
    unsafe {
        (&raw const pg_sys::QueryCancelPending).read_volatile() != 0
            || (&raw const pg_sys::ProcDiePending).read_volatile() != 0
    }
}

fn interrupted() -> bool {
    // SAFETY: as above.
    unsafe { (&raw const pg_sys::InterruptPending).read_volatile() != 0 }
}

impl Monitor for SessionMonitor {
    fn poll(&mut self, state: Progress) -> Control {
        if interrupted() {
            if stop_requested() {
                return Control::Stop;
            }
            pgrx::check_for_interrupts!();
        }
        progress::update(state.phase, state.done, state.total, state.loss);
        Control::Continue
    }

    fn spawning(&mut self, spawn: &mut dyn FnMut()) {
        let _blocked = SignalsBlocked::new();
        spawn();
    }
}

/// Raises the cancel or terminate that made a solver stop. Returns where there is none.
pub fn raise_pending() {
    pgrx::check_for_interrupts!();
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
