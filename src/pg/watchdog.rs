//! A look at the world outside while a training reads or computes for hours: whether it is still wanted.
//!
//! A timer marks every 200 ms that it is time; the loops that read rows and the
//! [monitor](super::monitor::SessionMonitor) of the mathematics see the mark and let the watchdog look,
//! on the session's own thread and at points where PostgreSQL may be called.

use super::error::{Failure, Result};
use std::cell::RefCell;
use std::ffi::c_int;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Milliseconds between two looks.
const INTERVAL: c_int = 200;

mod timer {
    use std::ffi::c_int;

    // Not among the declarations of pgrx. They raise only where there are too many time-outs at once.
    unsafe extern "C-unwind" {
        pub fn RegisterTimeout(id: c_int, handler: unsafe extern "C" fn()) -> c_int;
        pub fn enable_timeout_every(id: c_int, first: i64, delay_ms: c_int);
        pub fn disable_timeout(id: c_int, keep_indicator: bool);
    }

    /// Any number from `USER_TIMEOUT` on asks for one that is free.
    pub const ANY: c_int = 1000;
}

/// The number of the timer, once there is one.
static TIMER: OnceLock<c_int> = OnceLock::new();
/// It is time to look.
static DUE: AtomicBool = AtomicBool::new(false);
/// A look has called the work off.
static CALLED_OFF: AtomicBool = AtomicBool::new(false);

type Look = Box<dyn FnMut() -> Result<()>>;

thread_local! {
    static LOOK: RefCell<Option<Look>> = const { RefCell::new(None) };
    static REASON: RefCell<Option<Failure>> = const { RefCell::new(None) };
}

/// Called by the handler of SIGALRM.
unsafe extern "C" fn due() {
    DUE.store(true, Relaxed);
}

/// Looks several times a second until dropped. There is one at a time.
pub struct Watchdog(());

impl Watchdog {
    /// Work is called off where `look` fails, with that failure. It is called in a transaction or outside
    /// one, as the work is, and while a query runs.
    pub fn new(look: impl FnMut() -> Result<()> + 'static) -> Self {
        reset();
        LOOK.set(Some(Box::new(look)));
        // SAFETY: a handler that sets a flag and lives as long as the library; registered once a process.
        unsafe {
            let id = *TIMER.get_or_init(|| timer::RegisterTimeout(timer::ANY, due));
            let first = pgrx::pg_sys::GetCurrentTimestamp() + i64::from(INTERVAL) * 1000;
            timer::enable_timeout_every(id, first, INTERVAL);
        }
        Self(())
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        if let Some(id) = TIMER.get() {
            // SAFETY: a time-out that was registered.
            unsafe { timer::disable_timeout(*id, false) };
        }
        LOOK.set(None);
        reset();
    }
}

fn reset() {
    DUE.store(false, Relaxed);
    CALLED_OFF.store(false, Relaxed);
    REASON.set(None);
}

/// Whether the work has been called off; looks, if it is time.
#[inline]
pub fn called_off() -> bool {
    if DUE.load(Relaxed) {
        look();
    }
    CALLED_OFF.load(Relaxed)
}

#[cold]
fn look() {
    DUE.store(false, Relaxed);
    // Taken out meanwhile: what the look does may come here again.
    let Some(mut look) = LOOK.take() else { return };
    let outcome = look();
    LOOK.set(Some(look));
    if let Err(failure) = outcome {
        REASON.set(Some(failure));
        CALLED_OFF.store(true, Relaxed);
    }
}

/// Why the work was called off, once.
pub fn reason() -> Option<Failure> {
    REASON.take()
}
