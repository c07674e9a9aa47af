//! The settings of the extension, all in one room.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum};

/// When `logregr_train` adds a constant of its own to the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PostgresGucEnum)]
#[allow(non_camel_case_types)]
pub enum FitIntercept {
    /// Where it raises the rank of the design.
    auto,
    /// Never, as MADlib.
    off,
}

static MAX_MEMORY: GucSetting<i32> = GucSetting::<i32>::new(1 << 20);
static MAX_THREADS: GucSetting<i32> = GucSetting::<i32>::new(2);
static FIT_INTERCEPT: GucSetting<FitIntercept> =
    GucSetting::<FitIntercept>::new(FitIntercept::auto);
static MAX_WORKERS: GucSetting<i32> = GucSetting::<i32>::new(1);
static POLL_INTERVAL: GucSetting<i32> = GucSetting::<i32>::new(1000);
static WORKER_IDLE_TIMEOUT: GucSetting<i32> = GucSetting::<i32>::new(3000);
static LAUNCH_INTERVAL: GucSetting<i32> = GucSetting::<i32>::new(60);
static JOB_TIMEOUT: GucSetting<i32> = GucSetting::<i32>::new(0);
static RETRY_DELAY: GucSetting<i32> = GucSetting::<i32>::new(10_000);
static JOB_RETENTION: GucSetting<i32> = GucSetting::<i32>::new(30 * 24 * 60);
static STATISTICS_RETENTION: GucSetting<i32> = GucSetting::<i32>::new(30 * 24 * 60);

/// Makes the settings known to PostgreSQL.
pub fn register() {
    GucRegistry::define_int_guc(
        c"pglearn.max_memory",
        c"Memory one training may hold for its rows.",
        c"A training that needs more is refused with the number needed: rows are kept in memory while a solver iterates, and a server must not swap because of one query.",
        &MAX_MEMORY,
        1024,
        i32::MAX,
        GucContext::Suset,
        GucFlags::UNIT_KB,
    );
    GucRegistry::define_int_guc(
        c"pglearn.max_threads",
        c"Threads one training may use.",
        c"The session's own process computes with this many threads between reading rows and writing the model, but never with more than max_worker_processes, which is the administrator's to set; results do not depend on the number.",
        &MAX_THREADS,
        1,
        64,
        GucContext::Userset,
        GucFlags::default(),
    );
    GucRegistry::define_enum_guc(
        c"pglearn.fit_intercept",
        c"Whether logregr_train adds a constant to the design.",
        c"\"auto\" adds one where the design has none and none of its columns span it, which is what most callers mean; \"off\" never does, as MADlib, so that scripts written for it give the same numbers.",
        &FIT_INTERCEPT,
        GucContext::Userset,
        GucFlags::default(),
    );
    register_retraining();
    // A misspelt pglearn.… is an error from now on, not a setting that nobody reads.
    crate::pg::context::reserve_settings(c"pglearn");
}

/// Those of the retraining loop, which are the administrator's.
fn register_retraining() {
    let settings = [
        (
            c"pglearn.max_workers",
            c"Background workers that train at the same time, in each database.",
            c"A worker starts at a commit that leaves it work and ends when there is none; 0 starts none, and run_pending() does the work.",
            &MAX_WORKERS,
            (0, 64),
            GucFlags::default(),
        ),
        (
            c"pglearn.poll_interval",
            c"How often a worker that waits looks for work.",
            c"New work wakes it at once; it looks by itself for work that became due, and for what concurrent writers could not announce.",
            &POLL_INTERVAL,
            (10, 3_600_000),
            GucFlags::UNIT_MS,
        ),
        (
            c"pglearn.worker_idle_timeout",
            c"How long a worker without work stays.",
            c"DROP DATABASE waits five seconds for sessions to end: a shorter time here lets it through.",
            &WORKER_IDLE_TIMEOUT,
            (0, 86_400_000),
            GucFlags::UNIT_MS,
        ),
        (
            c"pglearn.launch_interval",
            c"How often the launcher looks into each database for work that was left.",
            c"There is a launcher only with shared_preload_libraries = 'pglearn': it brings workers back after a crash or a restart.",
            &LAUNCH_INTERVAL,
            (1, 86_400),
            GucFlags::UNIT_S,
        ),
        (
            c"pglearn.job_timeout",
            c"How long an attempt of a job may take.",
            c"What statement_timeout is for a session; 0 is no limit, and a job may have a limit of its own.",
            &JOB_TIMEOUT,
            (0, i32::MAX),
            GucFlags::UNIT_MS,
        ),
        (
            c"pglearn.retry_delay",
            c"How long a job waits after its first failed attempt.",
            c"Twice as long after each further one, an hour at the most; only errors that may pass are tried again.",
            &RETRY_DELAY,
            (0, 3_600_000),
            GucFlags::UNIT_MS,
        ),
        (
            c"pglearn.job_retention",
            c"How long jobs that have ended are kept.",
            c"Older ones are deleted by the worker; -1 keeps them for ever.",
            &JOB_RETENTION,
            (-1, i32::MAX),
            GucFlags::UNIT_MIN,
        ),
        (
            c"pglearn.statistics_retention",
            c"How long data_statistics and announcements are kept.",
            c"Older ones are deleted by the worker, but none that an announcement has still to count; -1 keeps them for ever.",
            &STATISTICS_RETENTION,
            (-1, i32::MAX),
            GucFlags::UNIT_MIN,
        ),
    ];
    for (name, short, long, setting, (least, most), flags) in settings {
        GucRegistry::define_int_guc(
            name,
            short,
            long,
            setting,
            least,
            most,
            GucContext::Sighup,
            flags,
        );
    }
}

/// Workers of a database at the same time.
pub fn max_workers() -> i32 {
    MAX_WORKERS.get()
}

/// How often a worker looks for work.
pub fn poll_interval() -> Duration {
    milliseconds(&POLL_INTERVAL)
}

/// How long a worker without work stays.
pub fn worker_idle_timeout() -> Duration {
    milliseconds(&WORKER_IDLE_TIMEOUT)
}

/// How often the launcher looks into each database.
pub fn launch_interval() -> Duration {
    milliseconds(&LAUNCH_INTERVAL) * 1000
}

/// How long an attempt of a job may take; `None`: as long as it takes.
pub fn job_timeout() -> Option<Duration> {
    Some(milliseconds(&JOB_TIMEOUT)).filter(|limit| !limit.is_zero())
}

/// How long a job waits after its first failed attempt.
pub fn retry_delay() -> Duration {
    milliseconds(&RETRY_DELAY)
}

/// How long jobs that have ended are kept; `None`: for ever.
pub fn job_retention() -> Option<Duration> {
    minutes(&JOB_RETENTION)
}

/// How long statistics are kept; `None`: for ever.
pub fn statistics_retention() -> Option<Duration> {
    minutes(&STATISTICS_RETENTION)
}

fn milliseconds(setting: &'static GucSetting<i32>) -> Duration {
    Duration::from_millis(u64::try_from(setting.get()).unwrap_or(0))
}

fn minutes(setting: &'static GucSetting<i32>) -> Option<Duration> {
    let minutes = u64::try_from(setting.get()).ok()?;
    Some(Duration::from_secs(60 * minutes))
}

/// Bytes one training may hold for its rows.
pub fn max_memory() -> u64 {
    let setting = u64::try_from(MAX_MEMORY.get()).unwrap_or(0) * 1024;
    setting.min(MEMORY_CAP.load(Relaxed))
}

/// Whether a job has a limit of its own, lower than the setting.
pub fn memory_is_capped() -> bool {
    let setting = u64::try_from(MAX_MEMORY.get()).unwrap_or(0) * 1024;
    MEMORY_CAP.load(Relaxed) < setting
}

/// What the job at hand may hold, where that is less than the setting.
static MEMORY_CAP: AtomicU64 = AtomicU64::new(u64::MAX);

/// A lower limit than `pglearn.max_memory` for the work of a scope: unlike a setting's value it outlasts
/// the ends of transactions.
pub struct MemoryCap(u64);

impl MemoryCap {
    /// No more than so many bytes from now on.
    pub fn new(bytes: u64) -> Self {
        Self(MEMORY_CAP.fetch_min(bytes, Relaxed))
    }
}

impl Drop for MemoryCap {
    fn drop(&mut self) {
        MEMORY_CAP.store(self.0, Relaxed);
    }
}

/// kB as `SET pglearn.max_memory` reads them: a number, or one with a unit.
pub fn kilobytes(text: &str) -> Option<i32> {
    crate::pg::context::parse_kilobytes(text).filter(|kilobytes| *kilobytes > 0)
}

/// Threads one training may use.
pub fn max_threads() -> usize {
    let threads = MAX_THREADS
        .get()
        .min(crate::pg::context::worker_processes());
    usize::try_from(threads).unwrap_or(1).max(1)
}

/// When a constant is added to the design.
pub fn fit_intercept() -> FitIntercept {
    FIT_INTERCEPT.get()
}
