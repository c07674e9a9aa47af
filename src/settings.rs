//! The settings of the extension, all in one room.

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
    // A misspelt pglearn.… is an error from now on, not a setting that nobody reads.
    crate::pg::context::reserve_settings(c"pglearn");
}

/// Bytes one training may hold for its rows.
pub fn max_memory() -> u64 {
    u64::try_from(MAX_MEMORY.get()).unwrap_or(0) * 1024
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
