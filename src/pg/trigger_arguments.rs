//! The triggers that a relation has of a function of ours, by their arguments.

use super::error::Result;
use super::text;
use pgrx::pg_sys;
use std::ffi::CStr;

/// The arguments of each trigger of a relation that calls a function of this library, by its symbol.
///
/// # Errors
/// XX000 where the extension is not whole.
pub fn arguments_of(relation: pg_sys::Oid, function: &CStr) -> Result<Vec<Vec<String>>> {
    // SAFETY: the description of the triggers belongs to the open relation and is read while it is.
    unsafe {
        let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
        let opened = pg_sys::try_relation_open(relation, lock);
        if opened.is_null() {
            return Ok(Vec::new());
        }
        let description = (*opened).trigdesc;
        let triggers = match description.is_null() {
            true => &[],
            false => std::slice::from_raw_parts(
                (*description).triggers,
                usize::try_from((*description).numtriggers).unwrap_or(0),
            ),
        };
        let found = triggers
            .iter()
            .filter(|trigger| calls(trigger.tgfoid, function))
            .map(|trigger| {
                let count = usize::try_from(trigger.tgnargs).unwrap_or(0);
                (0..count)
                    .map(|at| text::c_string(*trigger.tgargs.add(at)).to_owned())
                    .collect()
            })
            .collect();
        pg_sys::relation_close(opened, lock);
        Ok(found)
    }
}

/// `ClanguageId` of `pg_language_d.h`.
const C_LANGUAGE: pg_sys::Oid = pg_sys::Oid::from_u32(13);

/// Whether a function is a C function of this symbol.
fn calls(function: pg_sys::Oid, symbol: &CStr) -> bool {
    // SAFETY: a syscache look-up; the attribute is a text.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::PROCOID as i32,
            pg_sys::Datum::from(function),
        );
        if tuple.is_null() {
            return false;
        }
        let mut null = false;
        let source = pg_sys::SysCacheGetAttr(
            pg_sys::SysCacheIdentifier::PROCOID as i32,
            tuple,
            pg_sys::Anum_pg_proc_prosrc as pg_sys::AttrNumber,
            &mut null,
        );
        let language = (*pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_proc>()).prolang;
        let same = !null
            && language == C_LANGUAGE
            && super::array::varlena_bytes(source) == symbol.to_bytes();
        pg_sys::ReleaseSysCache(tuple);
        same
    }
}
