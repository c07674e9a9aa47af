//! A background process: how it connects, what it shows, how it waits.

use super::{Reason, WAIT_EVENT, launch};
use crate::pg::error::Result;
use crate::pg::transaction::{forget_cancel, outside_transaction};
use pgrx::pg_sys;
use std::ffi::{CStr, CString};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

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

/// Whether another worker is to take over when this process ends without having said so.
static SUCCESSION: AtomicBool = AtomicBool::new(false);

/// Called by PostgreSQL when the process ends, by a terminate for example: its locks are gone by now, its
/// entry in shared memory is not.
unsafe extern "C-unwind" fn at_exit(_code: std::ffi::c_int, _argument: pg_sys::Datum) {
    if SUCCESSION.swap(false, Relaxed) {
        launch();
    }
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
                reason: Reason::of(entry),
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
