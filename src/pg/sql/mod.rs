//! SQL of our own, over the extension's tables: fixed text, values as parameters.
//!
//! A statement runs with the caller's rights, row-level security applied (`row_security = on`, whatever
//! the session says), under `search_path = pg_catalog, pg_temp`, so that neither the user's objects nor
//! operators are found by accident. `{ml}` in a text stands for the quoted schema of the extension.
//! Results are copied out whole: this is for the catalog, not for data.

mod param;
mod row;

pub use param::Param;
pub use row::{FieldRef, FromField, Row};

use super::context::{self, SettingScope};
use super::error::{Failure, Result};
use super::parse;
use pgrx::pg_sys;
use std::ffi::CStr;

/// What a statement may see and do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// The active snapshot: what the calling statement sees. Nothing is written.
    Read,
    /// The transaction's own changes and, under READ COMMITTED, whatever has been committed by now.
    Write,
    /// The transaction's own changes and whatever has been committed by now, whatever its isolation
    /// level. Nothing is written.
    Latest,
}

/// The rows of a SELECT, under the snapshot of the calling statement: for functions that only read.
///
/// # Errors
/// What the statement raises; XX000 for a statement that writes.
pub fn query(text: &str, params: &[Param<'_>]) -> Result<Vec<Row>> {
    run(text, params, Mode::Read).map(|(_, rows)| rows)
}

/// The rows of a SELECT over all that has been committed by now, under REPEATABLE READ too: for what must
/// not go by an old state of affairs, as locks do.
///
/// # Errors
/// What the statement raises; XX000 for a statement that writes.
pub fn latest(text: &str, params: &[Param<'_>]) -> Result<Vec<Row>> {
    run(text, params, Mode::Latest).map(|(_, rows)| rows)
}

/// The rows of an INSERT, UPDATE or DELETE … RETURNING; also of a SELECT that must see the
/// transaction's own changes and lock rows.
///
/// # Errors
/// What the statement raises.
pub fn returning(text: &str, params: &[Param<'_>]) -> Result<Vec<Row>> {
    run(text, params, Mode::Write).map(|(_, rows)| rows)
}

/// [`returning`] of a text that holds quoted names of users' relations: `{ml}` stands for itself in it.
///
/// # Errors
/// As there.
pub fn returning_verbatim(text: &str) -> Result<Vec<Row>> {
    run_verbatim(text, &[], Mode::Write).map(|(_, rows)| rows)
}

/// The number of rows that a statement inserted, updated or deleted.
///
/// # Errors
/// What the statement raises.
pub fn execute(text: &str, params: &[Param<'_>]) -> Result<u64> {
    run(text, params, Mode::Write).map(|(count, _)| count)
}

/// Runs SQL of our own that other means execute under the settings that hold for a statement here.
pub fn in_own_path<T>(work: impl FnOnce() -> T) -> T {
    let _settings = SettingScope::new(&[
        (c"search_path", c"pg_catalog, pg_temp"),
        (c"row_security", c"on"),
    ]);
    work()
}

/// Runs a command that was made of quoted identifiers and literals, as it stands: what looks like
/// `{ml}` in it is a user's.
///
/// # Errors
/// What the command raises.
pub fn command(text: &str) -> Result<()> {
    let text = parse::c_string(text)?;
    in_own_path(|| run_here(&text, &[], Mode::Write)).map(|_| ())
}

fn run(text: &str, params: &[Param<'_>], mode: Mode) -> Result<(u64, Vec<Row>)> {
    let text = text.replace("{ml}", &context::quoted_extension_schema()?);
    run_verbatim(&text, params, mode)
}

fn run_verbatim(text: &str, params: &[Param<'_>], mode: Mode) -> Result<(u64, Vec<Row>)> {
    let text = parse::c_string(text)?;
    in_own_path(|| run_here(&text, params, mode))
}

fn run_here(text: &CStr, params: &[Param<'_>], mode: Mode) -> Result<(u64, Vec<Row>)> {
    if mode == Mode::Latest {
        // SAFETY: popped below; after an ERROR PostgreSQL does it with the (sub)transaction.
        unsafe { pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot()) };
        let outcome = run_here(text, params, Mode::Read);
        // SAFETY: the one pushed above: SPI leaves the stack as it found it.
        unsafe { pg_sys::PopActiveSnapshot() };
        return outcome;
    }
    // SAFETY: connect, execute and finish in this order; an ERROR unwinds past it, and PostgreSQL pops
    // the connection with the (sub)transaction.
    unsafe { pg_sys::SPI_connect() };
    // Parameters live in the connection's memory.
    let outcome = execute_connected(text, params, mode);
    // SAFETY: as above.
    unsafe { pg_sys::SPI_finish() };
    outcome
}

fn execute_connected(text: &CStr, params: &[Param<'_>], mode: Mode) -> Result<(u64, Vec<Row>)> {
    let mut types: Vec<_> = params.iter().map(Param::type_oid).collect();
    let datums: Vec<_> = params.iter().map(Param::datum).collect::<Result<_>>()?;
    let nulls: Vec<_> = datums
        .iter()
        .map(|d| if d.is_none() { b'n' } else { b' ' } as std::ffi::c_char)
        .collect();
    let mut values: Vec<_> = datums
        .into_iter()
        .map(|datum| datum.unwrap_or(pg_sys::Datum::from(0)))
        .collect();
    // SAFETY: as many types, values and nulls as `params`; the datums are of their types.
    let (code, count, table) = unsafe {
        let code = pg_sys::SPI_execute_with_args(
            text.as_ptr(),
            params.len() as i32,
            types.as_mut_ptr(),
            values.as_mut_ptr(),
            nulls.as_ptr(),
            mode == Mode::Read,
            0,
        );
        (code, pg_sys::SPI_processed, pg_sys::SPI_tuptable)
    };
    if code < 0 {
        return Err(Failure::internal(format!(
            "a catalog query failed with code {code}"
        )));
    }
    if table.is_null() {
        return Ok((count, Vec::new()));
    }
    // SAFETY: the table of the statement that has just run.
    let rows = unsafe { row::rows(table) }?;
    Ok((count, rows))
}
