//! Background workers: how one is started, connects, waits and is woken.
//!
//! The library is not preloaded on most servers, so there is no shared memory of ours: a worker is
//! registered by the session that leaves it work, at the end of that session's transaction.

mod launched;
mod process;

pub use launched::Launched;
pub use process::{Process, Start};

use pgrx::pg_sys;
use std::ffi::{CStr, c_char};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

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

    /// The reason that a description was given.
    fn of(entry: &pg_sys::BackgroundWorker) -> Self {
        match entry.bgw_extra[0] {
            Self::SCAN => Self::Scan,
            _ => Self::Commit,
        }
    }

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

/// Sets the latch of a process of this server; nothing happens where it has ended.
pub fn wake(pid: i32) {
    wake_if(pid, |_| true);
}

/// Sets the latch of a worker if it is in [`Process::wait`], and says whether. It allocates nothing and
/// raises nothing.
pub fn wake_if_waiting(pid: i32) -> bool {
    wake_if(pid, |wait_event| wait_event == WAIT_EVENT)
}

/// How a process is interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    /// As by `pg_cancel_backend`.
    Cancel,
    /// As by `pg_terminate_backend`.
    Terminate,
}

/// Interrupts what a background worker of this database does. Nothing happens where there is none of that
/// number: the one that was meant may have ended long ago, and the operating system have given its number to
/// another process. It allocates nothing and raises nothing.
pub fn interrupt(pid: i32, how: Interruption) {
    // SAFETY: the slot of a process stays in shared memory when the process ends; words of it are read at
    // once. A signal to a process that has ended fails.
    unsafe {
        let process = pg_sys::BackendPidGetProc(pid);
        if !process.is_null()
            && is_background_worker(process)
            && (&raw const (*process).databaseId).read_volatile() == pg_sys::MyDatabaseId
        {
            libc::kill(
                pid,
                match how {
                    Interruption::Cancel => libc::SIGINT,
                    Interruption::Terminate => libc::SIGTERM,
                },
            );
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

pub use crate::pglearn_worker_entry_point as worker_entry_point;
