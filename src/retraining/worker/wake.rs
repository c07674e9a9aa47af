//! How a transaction that leaves work gets a worker to see it.

use super::seat;
use crate::pg::at_commit::{self, Launcher};
use crate::pg::background;
use crate::pg::error::Result;
use crate::settings;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, Ordering::Relaxed};
use std::time::Duration;

/// How long a session does without starting another worker after it has started one.
const PAUSE: Duration = Duration::from_millis(100);

/// The most that `pglearn.max_workers` can be.
const SEATS: usize = 64;
/// The workers that sat shortly before the commit; 0: none. Filled by [`prepare`].
static SEATED: [AtomicI32; SEATS] = [const { AtomicI32::new(0) }; SEATS];
/// How many they were, and how many there can be.
static SEATED_COUNT: AtomicI32 = AtomicI32::new(0);
static SEAT_COUNT: AtomicI32 = AtomicI32::new(0);
/// When this session has last started a worker, in microseconds.
static STARTED: AtomicI64 = AtomicI64::new(i64::MIN);
/// Whether this process is a worker.
static AWAKE: AtomicBool = AtomicBool::new(false);

/// For `_PG_init`: tells the end of transactions how to get a worker, and has the launcher started if the
/// library is preloaded.
pub fn register() {
    background::register_launcher();
    at_commit::set_launcher(Launcher { prepare, launch });
}

/// This process is a worker: whatever its own transactions leave, it looks for work after them.
pub fn is_for_me() {
    AWAKE.store(true, Relaxed);
}

/// Before the commit: who sits.
fn prepare() -> Result<()> {
    let mut count = 0;
    for (place, pid) in SEATED.iter().zip(seat::holders()) {
        place.store(pid, Relaxed);
        count += 1;
    }
    SEATED_COUNT.store(count, Relaxed);
    SEAT_COUNT.store(settings::max_workers(), Relaxed);
    Ok(())
}

/// After the commit, so that a worker that looks from now on sees the work: wakes one that waits, else
/// starts one. Allocates nothing and raises nothing.
fn launch() {
    let (seated, seats) = (SEATED_COUNT.load(Relaxed), SEAT_COUNT.load(Relaxed));
    if AWAKE.load(Relaxed) || seats == 0 || wake_one(seated) {
        return;
    }
    let now = background::now_in_microseconds();
    if (seated == 0 || seated >= seats) && has_just_started(now) {
        return;
    }
    if background::launch() {
        STARTED.store(now, Relaxed);
    }
}

/// Sets the latch of one that waits. It looks again before it goes.
fn wake_one(seated: i32) -> bool {
    let seated = usize::try_from(seated).unwrap_or(0);
    let mut pids = SEATED.iter().take(seated).map(|place| place.load(Relaxed));
    pids.any(background::wake_if_waiting)
}

/// Whether this session has started a worker a moment ago.
///
/// That one has not looked for a seat yet; or it has one, and looks again when its wait is over; or it found
/// none and woke those who had, who do not go before they have idled for a while: in each case the work is
/// seen, though perhaps not before the next look. So a thousand commits a second beside a busy worker start
/// ten processes, not a thousand.
fn has_just_started(now: i64) -> bool {
    let pause = PAUSE.min(settings::worker_idle_timeout() / 2);
    let since = now.saturating_sub(STARTED.load(Relaxed));
    since >= 0 && since < i64::try_from(pause.as_micros()).unwrap_or(0)
}

/// Within a worker that has found more than it can do itself: has another one do it, if there is a seat.
///
/// # Errors
/// Those of looking.
pub fn recruit() -> Result<()> {
    prepare()?;
    let others = SEATED_COUNT.load(Relaxed);
    if !wake_one(others) && others + 1 < settings::max_workers() {
        background::launch();
    }
    Ok(())
}
