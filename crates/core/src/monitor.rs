//! How cancellation, deadlines and progress enter the mathematics.

/// Whether a computation goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Continue,
    /// Return [`Error::Stopped`](crate::Error::Stopped) as soon as every thread has come home.
    Stop,
}

/// How far a computation is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// The part of the computation, e.g. `"iteration"`.
    pub phase: &'static str,
    /// Steps done within the phase.
    pub done: u64,
    /// Steps the phase has at most; 0 where that is not known.
    pub total: u64,
    /// The loss reached (negative log-likelihood, sum of squares); NaN where there is none yet.
    pub loss: f64,
}

/// Watches a computation. Every solver calls [`poll`](Monitor::poll) at least every 50 ms of work,
/// always from the thread that called the solver.
pub trait Monitor {
    /// Takes note of the progress and says whether to go on.
    fn poll(&mut self, progress: Progress) -> Control;

    /// Runs `spawn`, which starts worker threads. A host whose signals must stay with its own thread
    /// blocks them around the call: threads inherit the mask.
    fn spawning(&mut self, spawn: &mut dyn FnMut()) {
        spawn();
    }
}

/// Never stops, records nothing.
#[derive(Debug, Default, Clone, Copy)]
pub struct Unattended;

impl Monitor for Unattended {
    fn poll(&mut self, _progress: Progress) -> Control {
        Control::Continue
    }
}

/// Polls and turns [`Control::Stop`] into an error.
///
/// # Errors
/// [`Error::Stopped`](crate::Error::Stopped) where the monitor says so.
pub fn check(monitor: &mut dyn Monitor, progress: Progress) -> crate::Result<()> {
    match monitor.poll(progress) {
        Control::Continue => Ok(()),
        Control::Stop => Err(crate::Error::Stopped),
    }
}
