//! Workers that a launcher starts.

use super::{Reason, worker};
use pgrx::pg_sys;

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
