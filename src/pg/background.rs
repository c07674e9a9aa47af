//! Background workers: how one is started, connects, waits and is woken.
//!
//! The library is not preloaded on most servers, so there is no shared memory of ours: a worker is
//! registered by the session that leaves it work, at the end of that session's transaction.

use super::error::Result;
use super::transaction::{forget_cancel, outside_transaction};
use pgrx::pg_sys;
use std::ffi::{CStr, CString, c_char};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// Where PostgreSQL finds the library, whatever `dynamic_library_path` says.
const LIBRARY: &CStr = c"$libdir/pglearn";
/// The entry point of a worker: [`worker_entry_point!`](crate::pg::worker_entry_point) declares it.
const WORKER: &CStr = c"pglearn_worker_main";
/// The entry point of the launcher.
const LAUNCHER: &CStr = c"pglearn_launcher_main";
/// Seconds after which PostgreSQL starts a launcher again that has ended by an error.
const LAUNCHER_RESTART: i32 = 5;

/// What a worker waits for, as other processes see it: an event of an extension. PostgreSQL 15 shows all
/// numbers of the class alike, so that this one tells our wait from those of others.
const WAIT_EVENT: u32 = if cfg!(feature = "pg15") {
    pg_sys::PG_WAIT_EXTENSION | 0x706c
} else {
    pg_sys::PG_WAIT_EXTENSION
};

/// PostgreSQL's signal handlers, as function pointers: they run whenever the signal comes, and a guard
/// around them would be in the way.
mod handler {
    use std::ffi::c_int;

    #[allow(clashing_extern_declarations, reason = "declared with a guard by pgrx")]
    unsafe extern "C-unwind" {
        pub fn die(signal: c_int);
        pub fn StatementCancelHandler(signal: c_int);
        pub fn SignalHandlerForConfigReload(signal: c_int);
    }
}

/// Declares the function with which PostgreSQL starts a background process; the body is a `fn(Start)`.
#[macro_export]
#[doc(hidden)]
macro_rules! pglearn_worker_entry_point {
    ($(#[$doc:meta])* $name:ident, $body:expr) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// Called by PostgreSQL in a process that it has started for it.
        #[unsafe(no_mangle)]
        #[pgrx::pg_guard]
        pub unsafe extern "C-unwind" fn $name(_argument: pgrx::pg_sys::Datum) {
            let body: fn($crate::pg::background::Start) = $body;
            // SAFETY: the first thing that happens in this process.
            body(unsafe { $crate::pg::background::Start::of_this_process() });
        }
    };
}

/// Why a worker was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A transaction left it work.
    Commit,
    /// The launcher looks whether there is any.
    Scan,
}

impl Reason {
    const SCAN: c_char = b's' as c_char;

    fn letter(self) -> c_char {
        match self {
            Self::Commit => b'c' as c_char,
            Self::Scan => Self::SCAN,
        }
    }
}

/// A text in an array of PostgreSQL's.
const fn filled<const N: usize>(text: &CStr) -> [c_char; N] {
    let bytes = text.to_bytes();
    let mut array = [0; N];
    let mut at = 0;
    while at < bytes.len() && at + 1 < N {
        array[at] = bytes[at] as c_char;
        at += 1;
    }
    array
}

/// A description of a process that PostgreSQL starts when it is not in recovery.
const fn description(
    name: &CStr,
    function: &CStr,
    restart: i32,
    extra: c_char,
) -> pg_sys::BackgroundWorker {
    let mut bgw_extra = [0; 128];
    bgw_extra[0] = extra;
    pg_sys::BackgroundWorker {
        bgw_name: filled(name),
        bgw_type: filled(name),
        bgw_flags: (pg_sys::BGWORKER_SHMEM_ACCESS | pg_sys::BGWORKER_BACKEND_DATABASE_CONNECTION)
            as i32,
        bgw_start_time: pg_sys::BgWorkerStartTime::BgWorkerStart_RecoveryFinished,
        bgw_restart_time: restart,
        bgw_library_name: filled(LIBRARY),
        bgw_function_name: filled(function),
        bgw_main_arg: pg_sys::Datum::null(),
        bgw_extra,
        bgw_notify_pid: 0,
    }
}

fn worker(database: pg_sys::Oid, reason: Reason) -> pg_sys::BackgroundWorker {
    let mut worker = description(
        c"pglearn worker",
        WORKER,
        pg_sys::BGW_NEVER_RESTART,
        reason.letter(),
    );
    worker.bgw_main_arg = pg_sys::Datum::from(database);
    worker
}

/// Starts a worker in this database, and says whether the server has room for one.
///
/// May be called in a COMMIT callback, where an ERROR would be a PANIC: allocates nothing, raises
/// nothing.
pub fn launch() -> bool {
    // SAFETY: a variable of the backend. PostgreSQL copies the description, whose fields are such that it
    // has nothing to object to; without a handle it allocates nothing.
    unsafe {
        let mut worker = worker(pg_sys::MyDatabaseId, Reason::Commit);
        !pg_sys::IsBinaryUpgrade
            && pg_sys::RegisterDynamicBackgroundWorker(&mut worker, std::ptr::null_mut())
    }
}

/// Has the launcher started with the server; for `_PG_init`, without effect where the library is loaded
/// later, and while `pg_upgrade` is at work, which wants to be alone.
pub fn register_launcher() {
    // SAFETY: a variable of the postmaster; the description is copied.
    unsafe {
        if pg_sys::process_shared_preload_libraries_in_progress && !pg_sys::IsBinaryUpgrade {
            PRELOADED.store(true, Relaxed);
            let mut launcher = description(c"pglearn launcher", LAUNCHER, LAUNCHER_RESTART, 0);
            pg_sys::RegisterBackgroundWorker(&mut launcher);
        }
    }
}

static PRELOADED: AtomicBool = AtomicBool::new(false);

/// Whether the server has a launcher.
pub fn has_launcher() -> bool {
    PRELOADED.load(Relaxed)
}

/// Whether another worker is to take over when this process ends without having said so.
static SUCCESSION: AtomicBool = AtomicBool::new(false);

/// Called by PostgreSQL when the process ends, by a terminate for example: its locks are gone by now, its
/// entry in shared memory is not.
unsafe extern "C-unwind" fn at_exit(_code: std::ffi::c_int, _argument: pg_sys::Datum) {
    if SUCCESSION.swap(false, Relaxed) {
        launch();
    }
}

/// Sets the latch of a process of this server; nothing happens where it has ended.
pub fn wake(pid: i32) {
    wake_if(pid, |_| true);
}

/// Sets the latch of a worker if it is in [`Process::wait`], and says whether. It allocates nothing and
/// raises nothing.
pub fn wake_if_waiting(pid: i32) -> bool {
    wake_if(pid, |wait_event| wait_event == WAIT_EVENT)
}

/// Cancels what a background worker of this database does. Nothing happens where there is none of that
/// number: the one that was meant may have ended long ago, and the operating system have given its number to
/// another process. It allocates nothing and raises nothing.
pub fn interrupt(pid: i32) {
    // SAFETY: the slot of a process stays in shared memory when the process ends; words of it are read at
    // once. A signal to a process that has ended fails.
    unsafe {
        let process = pg_sys::BackendPidGetProc(pid);
        if !process.is_null()
            && is_background_worker(process)
            && (&raw const (*process).databaseId).read_volatile() == pg_sys::MyDatabaseId
        {
            libc::kill(pid, libc::SIGINT);
        }
    }
}

/// # Safety
/// `process` is a slot of shared memory.
unsafe fn is_background_worker(process: *const pg_sys::PGPROC) -> bool {
    // SAFETY: as the caller says.
    #[cfg(not(feature = "pg18"))]
    unsafe {
        (&raw const (*process).isBackgroundWorker).read_volatile()
    }
    #[cfg(feature = "pg18")]
    unsafe {
        !(&raw const (*process).isRegularBackend).read_volatile()
    }
}

fn wake_if(pid: i32, condition: fn(u32) -> bool) -> bool {
    // SAFETY: the slot of a process stays in shared memory when the process ends; the latch of another
    // process that got the slot is set in vain. A word of it is read at once.
    unsafe {
        let process = pg_sys::BackendPidGetProc(pid);
        if process.is_null() || !condition((&raw const (*process).wait_event_info).read_volatile())
        {
            return false;
        }
        pg_sys::SetLatch(&raw mut (*process).procLatch);
        true
    }
}

/// This process.
pub fn own_pid() -> i32 {
    // SAFETY: a variable of the backend.
    unsafe { pg_sys::MyProcPid }
}

/// The time, as PostgreSQL counts it. It allocates nothing and raises nothing.
pub fn now_in_microseconds() -> i64 {
    // SAFETY: asks the operating system.
    unsafe { pg_sys::GetCurrentTimestamp() }
}

/// A background process at its very start: not connected to anything.
pub struct Start {
    /// Why it was started.
    pub reason: Reason,
    database: pg_sys::Oid,
}

impl Start {
    /// # Safety
    /// Called once, at the start of a background worker.
    #[doc(hidden)]
    pub unsafe fn of_this_process() -> Self {
        // SAFETY: set by PostgreSQL before the entry point is called. Its own handlers: a terminate ends
        // the process at the next interrupt check, a cancel raises there.
        unsafe {
            let entry = &*pg_sys::MyBgworkerEntry;
            let handlers: [(u32, unsafe extern "C-unwind" fn(i32)); 3] = [
                (pg_sys::SIGTERM, handler::die),
                (pg_sys::SIGINT, handler::StatementCancelHandler),
                (pg_sys::SIGHUP, handler::SignalHandlerForConfigReload),
            ];
            for (signal, handler) in handlers {
                #[cfg(feature = "pg18")]
                pg_sys::pqsignal_be(signal as i32, Some(handler));
                #[cfg(not(feature = "pg18"))]
                pg_sys::pqsignal(signal as i32, Some(handler));
            }
            pg_sys::BackgroundWorkerUnblockSignals();
            Self {
                reason: match entry.bgw_extra[0] {
                    Reason::SCAN => Reason::Scan,
                    _ => Reason::Commit,
                },
                database: pg_sys::Oid::from(entry.bgw_main_arg.value() as u32),
            }
        }
    }

    /// Connects to the database it was started for, as the bootstrap superuser, whom every cluster has.
    /// Ends the process where the database is gone or takes no connections.
    pub fn connect(&self, application_name: &CStr) -> Process {
        // SAFETY: called once a process, `Start` being made once; an invalid role is the bootstrap
        // superuser.
        unsafe {
            pg_sys::BackgroundWorkerInitializeConnectionByOid(self.database, pg_sys::InvalidOid, 0);
            pg_sys::on_shmem_exit(Some(at_exit), pg_sys::Datum::null());
        }
        Process::new(application_name)
    }

    /// Connects to no database: only the catalogs that all databases share can be read.
    pub fn connect_to_none(&self, application_name: &CStr) -> Process {
        // SAFETY: as above.
        unsafe {
            pg_sys::BackgroundWorkerInitializeConnection(std::ptr::null(), std::ptr::null(), 0);
        }
        Process::new(application_name)
    }
}

/// This process, a background worker that is connected.
pub struct Process(());

impl Process {
    fn new(application_name: &CStr) -> Self {
        for (name, value) in [
            (c"application_name", application_name),
            // What a database prescribes for its sessions would stop a worker, as it would autovacuum.
            (c"default_transaction_read_only", c"off"),
            (c"default_transaction_deferrable", c"off"),
            (c"default_transaction_isolation", c"read committed"),
        ] {
            // SAFETY: known settings; the texts are NUL-terminated and copied.
            unsafe {
                pg_sys::SetConfigOption(
                    name.as_ptr(),
                    value.as_ptr(),
                    pg_sys::GucContext::PGC_SUSET,
                    pg_sys::GucSource::PGC_S_OVERRIDE,
                );
            }
        }
        Self(())
    }

    /// Says whether there is work that another worker should take over if this process is made to end.
    pub fn set_succession(&self, wanted: bool) {
        SUCCESSION.store(wanted, Relaxed);
    }

    /// Shows what it is busy with.
    pub fn show(&self, what: &str) {
        self.report(pg_sys::BackendState::STATE_RUNNING, what);
    }

    fn report(&self, state: pg_sys::BackendState::Type, what: &str) {
        let what = CString::new(what).unwrap_or_default();
        // SAFETY: the text is copied.
        unsafe { pg_sys::pgstat_report_activity(state, what.as_ptr()) };
    }

    /// Reads the configuration files again where a SIGHUP has come since [`wait`](Self::wait) did.
    ///
    /// # Errors
    /// Settings that PostgreSQL cannot read.
    pub fn take_over_settings(&self) -> Result<()> {
        outside_transaction(|| {
            read_settings();
            Ok(())
        })
    }

    /// Waits until it is woken, and says whether it was, or the time is over, and takes over changed
    /// settings; shown as idle meanwhile. A terminate ends the process; there is nothing that a cancel
    /// could cancel.
    ///
    /// # Errors
    /// Settings that PostgreSQL cannot read.
    pub fn wait(&self, time: Duration, what: &str) -> Result<bool> {
        self.report(pg_sys::BackendState::STATE_IDLE, what);
        let milliseconds = time.as_micros().div_ceil(1000);
        let milliseconds = i64::try_from(milliseconds).unwrap_or(i64::MAX);
        let milliseconds = milliseconds.min(i64::from(i32::MAX));
        outside_transaction(|| {
            // SAFETY: the latch of this process; no transaction is open. A process whose postmaster has
            // died ends here.
            let events = unsafe {
                pg_sys::pgstat_report_stat(true);
                let events =
                    pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
                let events =
                    pg_sys::WaitLatch(pg_sys::MyLatch, events as i32, milliseconds, WAIT_EVENT);
                pg_sys::ResetLatch(pg_sys::MyLatch);
                events
            };
            forget_cancel();
            pgrx::check_for_interrupts!();
            read_settings();
            Ok(events & pg_sys::WL_LATCH_SET as i32 != 0)
        })
    }
}

fn read_settings() {
    // SAFETY: a flag of type sig_atomic_t, written by a signal handler of this thread; the files are read
    // outside any transaction, as between two commands of a client.
    unsafe {
        if (&raw const pg_sys::ConfigReloadPending).read_volatile() != 0 {
            (&raw mut pg_sys::ConfigReloadPending).write_volatile(0);
            pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP);
        }
    }
}

/// A worker that this process has started.
pub struct Launched(*mut pg_sys::BackgroundWorkerHandle);

impl Launched {
    /// Starts a worker in a database; `None` where the server has no room for one.
    pub fn start(database: pg_sys::Oid) -> Option<Self> {
        let mut handle = std::ptr::null_mut();
        // SAFETY: variables of the process; the handle lies in the current memory context.
        unsafe {
            let mut worker = worker(database, Reason::Scan);
            worker.bgw_notify_pid = pg_sys::MyProcPid;
            pg_sys::RegisterDynamicBackgroundWorker(&mut worker, &mut handle).then(|| Self(handle))
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        let mut pid = 0;
        // SAFETY: a handle that PostgreSQL gave.
        let status = unsafe { pg_sys::GetBackgroundWorkerPid(self.0, &mut pid) };
        status == pg_sys::BgwHandleStatus::BGWH_STOPPED
            || status == pg_sys::BgwHandleStatus::BGWH_POSTMASTER_DIED
    }
}

impl Drop for Launched {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: allocated by PostgreSQL for us, freed here only.
            unsafe { pg_sys::pfree(self.0.cast()) };
        }
    }
}

pub use crate::pglearn_worker_entry_point as worker_entry_point;
