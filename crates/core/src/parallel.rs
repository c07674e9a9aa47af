//! Lanes of work handed to threads: the same numbers whatever the number of threads.
//!
//! A lane is a fixed part of the rows with its own sums. Threads take lanes from a queue and the
//! caller merges them in lane order, so that rounding does not depend on who did what. The calling
//! thread works too and is the only one that speaks to the [`Monitor`].

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::monitor::{Monitor, Progress, check};
use crate::tiles::TILE_ROWS;
use crate::{Error, Result};

/// How long the calling thread sleeps at the most between two polls while others still work.
const NAP: Duration = Duration::from_millis(10);
/// Lanes at the most; more threads than that find no work.
const MAX_LANES: usize = 16;
/// Rows a lane should have at least.
const LANE_ROWS: usize = 4096;
/// Bytes all lanes' sums of products may take together (two lanes always may).
const LANE_BYTES: usize = 32 << 20;

/// A monitor and how far the computation is.
pub(crate) struct Watch<'a> {
    /// Who watches.
    pub monitor: &'a mut dyn Monitor,
    /// What it is told.
    pub progress: Progress,
}

impl<'a> Watch<'a> {
    /// Watches a computation of at most `total` steps.
    pub fn new(monitor: &'a mut dyn Monitor, phase: &'static str, total: u64) -> Self {
        Self {
            monitor,
            progress: Progress {
                phase,
                done: 0,
                total,
                loss: f64::NAN,
            },
        }
    }

    /// Polls; an error where the monitor says stop.
    pub fn tick(&mut self) -> Result<()> {
        check(self.monitor, self.progress)
    }
}

/// Lanes for sums of `p * p` products, whatever the number of rows.
pub(crate) fn lanes_at_most(p: usize) -> usize {
    let bytes = p.saturating_mul(p).saturating_mul(size_of::<f64>());
    (LANE_BYTES / bytes.max(1)).clamp(2, MAX_LANES)
}

/// Cuts `range` at tile borders into lanes, by the number of rows and of products only.
pub(crate) fn lane_ranges(range: &Range<usize>, p: usize) -> Vec<Range<usize>> {
    let count = (range.len() / LANE_ROWS).clamp(1, lanes_at_most(p));
    let first = range.start / TILE_ROWS;
    let tiles = range.end.div_ceil(TILE_ROWS) - first;
    let cut = |i: usize| ((first + tiles * i / count) * TILE_ROWS).clamp(range.start, range.end);
    (0..count).map(|i| cut(i)..cut(i + 1)).collect()
}

/// Runs `work(lane, tick)` once for each lane on up to `threads` threads, the caller's included.
/// `work` calls `tick` at least every few milliseconds and returns its error.
///
/// # Errors
/// [`Error::Stopped`] where the monitor says so, the error of the first failing lane, and
/// [`Error::Worker`] where a thread panicked. Every thread has ended on return.
pub(crate) fn for_each_lane<S, F>(
    lanes: &mut [S],
    threads: usize,
    watch: &mut Watch<'_>,
    work: F,
) -> Result<()>
where
    S: Send,
    F: Fn(&mut S, &mut dyn FnMut() -> Result<()>) -> Result<()> + Sync,
{
    let helpers = threads.min(lanes.len()).saturating_sub(1);
    if helpers == 0 {
        return lanes
            .iter_mut()
            .try_for_each(|lane| work(lane, &mut || watch.tick()));
    }
    let queue = Mutex::new(lanes.iter_mut());
    let next = || queue.lock().map_or(None, |mut lanes| lanes.next());
    let stop = AtomicBool::new(false);
    let idle = AtomicUsize::new(0);
    let caller = std::thread::current();
    let helper = || {
        // Wakes the caller on every way out, a panic included.
        let _done = OnDrop(|| {
            idle.fetch_add(1, Ordering::Release);
            caller.unpark();
        });
        let mut tick = || {
            if stop.load(Ordering::Relaxed) {
                Err(Error::Stopped)
            } else {
                Ok(())
            }
        };
        let outcome = std::iter::from_fn(next).try_for_each(|lane| work(lane, &mut tick));
        if outcome.is_err() {
            stop.store(true, Ordering::Relaxed);
        }
        outcome
    };
    std::thread::scope(|scope| {
        // The scope waits for its threads even while unwinding: then they have to be told to stop.
        let _unwinding = OnDrop(|| stop.store(true, Ordering::Relaxed));
        let mut handles = Vec::new();
        watch.monitor.spawning(&mut || {
            for _ in 0..helpers {
                // A thread that cannot be had is no failure: its lanes are done by the others.
                let builder = std::thread::Builder::new().name("pglearn".into());
                if let Ok(handle) = builder.spawn_scoped(scope, helper) {
                    handles.push(handle);
                }
            }
        });
        let mut mine = std::iter::from_fn(next).try_for_each(|lane| {
            work(lane, &mut || match watch.tick() {
                Ok(()) if stop.load(Ordering::Relaxed) => Err(Error::Worker),
                polled => polled,
            })
        });
        loop {
            if mine.is_err() {
                stop.store(true, Ordering::Relaxed);
            }
            if idle.load(Ordering::Acquire) == handles.len() {
                break;
            }
            std::thread::park_timeout(NAP);
            if mine.is_ok() {
                mine = watch.tick();
            }
        }
        let mut theirs = Ok(());
        for handle in handles {
            let outcome = handle.join().unwrap_or(Err(Error::Worker));
            if theirs.is_ok() || theirs == Err(Error::Stopped) {
                theirs = outcome;
            }
        }
        match (mine, theirs) {
            // The caller only followed a helper's failure.
            (Err(Error::Worker), Err(cause)) => Err(cause),
            (Err(cause), _) => Err(cause),
            (Ok(()), theirs) => theirs,
        }
    })
}

/// Runs a closure when it goes out of scope.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::{Control, Unattended};

    /// Says stop at the given poll.
    struct StopAt(u32);

    impl Monitor for StopAt {
        fn poll(&mut self, _progress: Progress) -> Control {
            self.0 = self.0.saturating_sub(1);
            if self.0 == 0 {
                Control::Stop
            } else {
                Control::Continue
            }
        }
    }

    #[test]
    fn every_lane_is_worked_once() {
        for threads in [1, 2, 5] {
            let mut lanes = vec![0_u32; 16];
            let mut monitor = Unattended;
            let mut watch = Watch::new(&mut monitor, "test", 0);
            for_each_lane(&mut lanes, threads, &mut watch, |lane, tick| {
                *lane += 1;
                tick()
            })
            .unwrap();
            assert_eq!(lanes, vec![1; 16]);
        }
    }

    #[test]
    fn a_stop_ends_endless_work_on_every_thread() {
        for threads in [1, 3] {
            let mut lanes = vec![(); 8];
            let mut monitor = StopAt(50);
            let mut watch = Watch::new(&mut monitor, "test", 0);
            let outcome = for_each_lane(&mut lanes, threads, &mut watch, |(), tick| {
                loop {
                    tick()?;
                    std::thread::yield_now();
                }
            });
            assert_eq!(outcome, Err(Error::Stopped));
        }
    }

    #[test]
    fn a_panicking_helper_is_an_error_of_the_caller() {
        let caller = std::thread::current().id();
        let mut lanes = vec![(); 4];
        let mut monitor = Unattended;
        let mut watch = Watch::new(&mut monitor, "test", 0);
        let outcome = for_each_lane(&mut lanes, 2, &mut watch, |(), tick| {
            if std::thread::current().id() != caller {
                panic!("on purpose");
            }
            // The caller's lane lasts until the helper has failed.
            for _ in 0..200 {
                std::thread::sleep(Duration::from_millis(1));
                tick()?;
            }
            Ok(())
        });
        assert_eq!(outcome, Err(Error::Worker));
    }

    #[test]
    fn a_failing_lane_names_its_cause() {
        let mut lanes: Vec<usize> = (0..16).collect();
        let mut monitor = Unattended;
        let mut watch = Watch::new(&mut monitor, "test", 0);
        let outcome = for_each_lane(&mut lanes, 3, &mut watch, |lane, tick| {
            tick()?;
            if *lane == 5 {
                Err(Error::NoRows)
            } else {
                Ok(())
            }
        });
        assert_eq!(outcome, Err(Error::NoRows));
    }

    #[test]
    fn lanes_cover_the_rows_once_and_cut_at_tiles() {
        for range in [0..1, 0..256, 100..5000, 1000..200_000, 7..1_000_001] {
            for p in [2, 101, 1601] {
                let lanes = lane_ranges(&range, p);
                assert_eq!(lanes.first().unwrap().start, range.start);
                assert_eq!(lanes.last().unwrap().end, range.end);
                for pair in lanes.windows(2) {
                    assert_eq!(pair[0].end, pair[1].start);
                    assert_eq!(pair[0].end % TILE_ROWS, 0);
                }
                assert!(lanes.len() <= MAX_LANES);
            }
        }
    }
}
