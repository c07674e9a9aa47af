//! `role_reference` and `relation_reference`: what `regrole` and `regclass` are, for tables that are
//! dumped. A row that mentions a role or a relation that is missing where a dump is restored must not
//! fail the restore of its whole table, and an OID that meant nothing must not come to mean somebody
//! else there. Both become `-`: nobody, nothing.

use super::call::Call;
use super::entry_point;
use super::error::{self, Result};
use super::identity;
use super::parse;
use super::table::Cell;
use super::text;
use pgrx::{PgSqlErrorCode, pg_sys};

/// What stands for nobody and nothing.
const NONE: &str = "-";

/// A catalog function that looks a name up and gives NULL where it means nothing.
type LookUp = unsafe fn(pg_sys::FunctionCallInfo) -> pg_sys::Datum;

fn read(call: &Call, kind: &str, look_up: LookUp) -> Result<Option<Cell>> {
    let written = call.c_string(0);
    let found = |oid: pg_sys::Oid| Ok(Some(Cell::Oid(oid)));
    if written == NONE {
        return found(pg_sys::InvalidOid);
    }
    // What has a name is written by it: digits are the OID of what had none any more. A name of digits
    // comes in quotes.
    if !written.bytes().all(|byte| byte.is_ascii_digit()) {
        // SAFETY: a function of one text argument, declared strict and stable.
        let oid = unsafe {
            pgrx::direct_function_call::<pg_sys::Oid>(
                look_up,
                &[pgrx::IntoDatum::into_datum(written)],
            )
        };
        if let Some(oid) = oid {
            return found(oid);
        }
    }
    error::warn(
        PgSqlErrorCode::ERRCODE_WARNING,
        &format!("{kind} {written} does not exist"),
        "It is kept as \"-\".",
    );
    found(pg_sys::InvalidOid)
}

fn write(name: Option<String>) -> Result<Option<Cell>> {
    let name = parse::c_string(name.as_deref().unwrap_or(NONE))?;
    Ok(Some(Cell::CString(name)))
}

entry_point!(
    /// Input of `role_reference`.
    pglearn_role_reference_in,
    pg_finfo_pglearn_role_reference_in,
    |call| read(call, "role", pg_sys::to_regrole)
);

entry_point!(
    /// Output of `role_reference`.
    pglearn_role_reference_out,
    pg_finfo_pglearn_role_reference_out,
    |call| write(identity::role_name(call.oid(0)).map(pgrx::spi::quote_identifier))
);

entry_point!(
    /// Input of `relation_reference`.
    pglearn_relation_reference_in,
    pg_finfo_pglearn_relation_reference_in,
    |call| read(call, "relation", pg_sys::to_regclass)
);

entry_point!(
    /// Output of `relation_reference`.
    pglearn_relation_reference_out,
    pg_finfo_pglearn_relation_reference_out,
    |call| write(relation_name(call.oid(0)))
);

/// The name of a relation, qualified where the search_path asks for it; `None` where there is none.
fn relation_name(relation: pg_sys::Oid) -> Option<String> {
    // SAFETY: a syscache look-up that gives NULL for an unknown OID; regclassout then gives a
    // NUL-terminated name.
    unsafe {
        if pg_sys::get_rel_name(relation).is_null() {
            return None;
        }
        let datum = [Some(pg_sys::Datum::from(relation))];
        let name = pgrx::direct_function_call_as_datum(pg_sys::regclassout, &datum)?;
        Some(text::c_string(name.cast_mut_ptr()).to_owned())
    }
}
