//! A row that a dump brings into a table of the extension, changed before it is inserted.

use super::call::Call;
use super::error::{Failure, Result};
use super::table::Cell;
use pgrx::{PgSqlErrorCode, pg_sys};
use std::ffi::CStr;

/// The body of a BEFORE INSERT trigger FOR EACH ROW: sets a column of the row.
///
/// # Errors
/// 39P01 where it is not called as such a trigger; XX000 where the table has no such column.
pub fn set_column(call: &Call, column: &CStr, cell: Cell) -> Result<Option<Cell>> {
    // SAFETY: a trigger's context is its TriggerData; in a BEFORE INSERT trigger for each row it has the
    // row, of the open relation's row type. The changed copy is in the memory of the caller.
    unsafe {
        let data: *const pg_sys::TriggerData =
            match pgrx::trigger_support::called_as_trigger(call.0) {
                true => (*call.0).context.cast(),
                false => return Err(misused()),
            };
        let kind = pg_sys::TRIGGER_EVENT_OPMASK
            | pg_sys::TRIGGER_EVENT_TIMINGMASK
            | pg_sys::TRIGGER_EVENT_ROW;
        let before_insert =
            pg_sys::TRIGGER_EVENT_INSERT | pg_sys::TRIGGER_EVENT_BEFORE | pg_sys::TRIGGER_EVENT_ROW;
        if (*data).tg_event & kind != before_insert {
            return Err(misused());
        }
        let relation = (*data).tg_relation;
        let mut number = i32::from(pg_sys::get_attnum((*relation).rd_id, column.as_ptr()));
        if number <= 0 {
            return Err(Failure::internal(format!(
                "column {} of the extension's tables is missing",
                column.to_string_lossy()
            )));
        }
        let row = pgrx::PgTupleDesc::from_pg_unchecked((*relation).rd_att);
        let place = usize::try_from(number - 1).unwrap_or(0);
        if row.get(place).is_none_or(|column| !cell.fits(column)) {
            return Err(Failure::internal(format!(
                "column {} of the extension's tables has another type",
                column.to_string_lossy()
            )));
        }
        let datum = cell.into_datum();
        let (mut value, mut null) = (datum.unwrap_or(pg_sys::Datum::from(0)), datum.is_none());
        let changed = pg_sys::heap_modify_tuple_by_cols(
            (*data).tg_trigtuple,
            (*relation).rd_att,
            1,
            &mut number,
            &mut value,
            &mut null,
        );
        Ok(Some(Cell::from_datum(pg_sys::Datum::from(changed))))
    }
}

fn misused() -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
        "this function can only be called as a BEFORE INSERT trigger FOR EACH ROW",
    )
}
