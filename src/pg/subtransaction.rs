//! Work that may fail without taking the transaction with it.

use super::error::{Failure, Result};
use pgrx::pg_sys::panic::CaughtError;
use pgrx::{PgSqlErrorCode, PgTryBuilder, pg_sys};
use std::panic::AssertUnwindSafe;

/// SQLSTATE classes that are about the transaction, the session or the server, not about the work:
/// transaction rollback (serialization failure, deadlock), insufficient resources (out of memory, disk
/// full), operator intervention (cancel, time-out, terminate) and system errors.
const NOT_OURS: [[u8; 2]; 4] = [*b"40", *b"53", *b"57", *b"58"];

/// Whether an error must reach the client whatever the work's caller would rather do.
pub fn must_reach_the_client(code: PgSqlErrorCode) -> bool {
    // A limit that somebody set is no lack of resources.
    code != PgSqlErrorCode::ERRCODE_CONFIGURATION_LIMIT_EXCEEDED
        && NOT_OURS.iter().any(|class| *class == class_of(code))
}

/// The first two characters of an SQLSTATE; six bits each from the lowest on, as `MAKE_SQLSTATE` packs
/// them.
fn class_of(code: PgSqlErrorCode) -> [u8; 2] {
    let code = code as isize;
    let character = |shift: u32| b'0' + ((code >> shift) & 0x3f) as u8;
    [character(0), character(6)]
}

/// Runs work in a subtransaction. Where it fails, all it did is rolled back and the failure returned;
/// errors that are not about the work itself are raised again, and so is a defect of ours.
pub fn attempt(work: impl FnOnce() -> Result<()>) -> Result<()> {
    attempt_unless(must_reach_the_client, work)
}

/// The same, where the caller says which errors are raised again.
pub fn attempt_unless(
    raised_again: impl Fn(PgSqlErrorCode) -> bool,
    work: impl FnOnce() -> Result<()>,
) -> Result<()> {
    // SAFETY: both are restored below, as PL/pgSQL does around a block with exceptions.
    let (memory, owner) = unsafe {
        let before = (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner);
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(before.0);
        before
    };
    let back = move || {
        // SAFETY: both outlive the subtransaction, in which they were not made.
        unsafe {
            pg_sys::MemoryContextSwitchTo(memory);
            pg_sys::CurrentResourceOwner = owner;
        }
    };
    let result = PgTryBuilder::new(AssertUnwindSafe(|| work().map_err(Caught::Failure)))
        .catch_others(|error| Err(Caught::Raised(Box::new(error))))
        .catch_rust_panic(|error| Err(Caught::Raised(Box::new(error))))
        .execute();
    let caught = match result {
        Ok(()) => {
            // SAFETY: the subtransaction begun above is the current one.
            unsafe { pg_sys::ReleaseCurrentSubTransaction() };
            back();
            return Ok(());
        }
        Err(caught) => caught,
    };
    // Also where it is raised again: whoever catches it expects a subtransaction of its own.
    // SAFETY: as above.
    unsafe { pg_sys::RollbackAndReleaseCurrentSubTransaction() };
    back();
    let failure = match caught {
        Caught::Failure(failure) => failure,
        Caught::Raised(error) => match *error {
            CaughtError::PostgresError(ref report) | CaughtError::ErrorReport(ref report)
                if !raised_again(report.sql_error_code()) =>
            {
                Failure::caught(report)
            }
            other => other.rethrow(),
        },
    };
    if raised_again(failure.code()) {
        failure.raise();
    }
    Err(failure)
}

enum Caught {
    Failure(Failure),
    Raised(Box<CaughtError>),
}
