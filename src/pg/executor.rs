//! A plan run into our own `DestReceiver`: no tuple is copied between the executor and the reader.

use super::error::{Failure, Result};
use pgrx::{pg_guard, pg_sys};

/// Takes the rows of a plan as the executor has them, one after the other.
pub(super) trait TakeRow {
    /// Attributes of a row that must be there when it is taken.
    fn last_attribute(&self) -> usize;

    /// Takes one row.
    ///
    /// # Errors
    /// Ends the query; [`fail`](Self::fail) is then called.
    ///
    /// # Safety
    /// The slices hold the first [`last_attribute`](Self::last_attribute) values of a row of the plan.
    unsafe fn take(&mut self, values: &[pg_sys::Datum], nulls: &[bool]) -> Result<()>;

    /// Notes why no further row is wanted.
    fn fail(&mut self, failure: Failure);
}

/// The receiver as the executor sees it: its own struct first, then ours.
#[repr(C)]
struct Receiver<'a, T> {
    base: pg_sys::DestReceiver,
    rows: &'a mut T,
}

// Called per row, so without the guard of the generated binding: the only frames between this call
// and the executor hold nothing that needs dropping.
unsafe extern "C-unwind" {
    fn slot_getsomeattrs_int(slot: *mut pg_sys::TupleTableSlot, attnum: std::ffi::c_int);
}

/// # Safety
/// Called by the executor with a slot of the plan's row type and the receiver made by [`execute`].
#[pg_guard]
unsafe extern "C-unwind" fn receive<T: TakeRow>(
    slot: *mut pg_sys::TupleTableSlot,
    receiver: *mut pg_sys::DestReceiver,
) -> bool {
    // SAFETY: `base` is the first field of the Receiver that `execute` passed; nothing else
    // borrows `rows` while the executor runs.
    let rows = unsafe { &mut *(*receiver.cast::<Receiver<'_, T>>()).rows };
    let wanted = rows.last_attribute();
    // SAFETY: a valid slot; after the call the first `last_attribute` values are there.
    let (values, nulls) = unsafe {
        if usize::try_from((*slot).tts_nvalid).unwrap_or(0) < wanted {
            slot_getsomeattrs_int(slot, wanted as std::ffi::c_int);
        }
        (
            std::slice::from_raw_parts((*slot).tts_values, wanted),
            std::slice::from_raw_parts((*slot).tts_isnull, wanted),
        )
    };
    // SAFETY: the values of a row of the plan.
    match unsafe { rows.take(values, nulls) } {
        Ok(()) => true,
        Err(failure) => {
            rows.fail(failure);
            false
        }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn startup(
    _receiver: *mut pg_sys::DestReceiver,
    _operation: std::ffi::c_int,
    _row: pg_sys::TupleDesc,
) {
}

#[pg_guard]
unsafe extern "C-unwind" fn shutdown(_receiver: *mut pg_sys::DestReceiver) {}

/// Runs a started query to its end.
///
/// # Safety
/// `description` has been started.
unsafe fn run(description: *mut pg_sys::QueryDesc) {
    let forward = pg_sys::ScanDirection::ForwardScanDirection;
    // SAFETY: as the caller says; a count of 0 means all rows.
    #[cfg(not(feature = "pg18"))]
    unsafe {
        pg_sys::ExecutorRun(description, forward, 0, true);
    }
    // SAFETY: as above.
    #[cfg(feature = "pg18")]
    unsafe {
        pg_sys::ExecutorRun(description, forward, 0);
    }
}

/// Runs the plan with the caller's snapshot, own earlier changes included, and the caller's rights.
pub(super) fn execute<T: TakeRow>(
    plan: *mut pg_sys::PlannedStmt,
    text: &std::ffi::CStr,
    rows: &mut T,
) {
    let mut receiver = Receiver {
        base: pg_sys::DestReceiver {
            receiveSlot: Some(receive::<T>),
            rStartup: Some(startup),
            rShutdown: Some(shutdown),
            rDestroy: Some(shutdown),
            mydest: pg_sys::CommandDest::DestNone,
        },
        rows,
    };
    // SAFETY: the steps in which every utility that runs a query takes them; an ERROR unwinds past
    // this function and PostgreSQL cleans up with the (sub)transaction.
    unsafe {
        pg_sys::PushCopiedSnapshot(pg_sys::GetActiveSnapshot());
        pg_sys::UpdateActiveSnapshotCommandId();
        let description = pg_sys::CreateQueryDesc(
            plan,
            text.as_ptr(),
            pg_sys::GetActiveSnapshot(),
            std::ptr::null_mut(),
            (&raw mut receiver).cast(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            0,
        );
        pg_sys::ExecutorStart(description, 0);
        run(description);
        pg_sys::ExecutorFinish(description);
        pg_sys::ExecutorEnd(description);
        pg_sys::FreeQueryDesc(description);
        pg_sys::PopActiveSnapshot();
    }
}
