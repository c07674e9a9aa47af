//! Rows as results: values of a function's composite result type, made once a call.

use super::call::Call;
use super::error::{Failure, Result};
use super::table::Cell;
use pgrx::pg_sys;

/// The composite result type of a function, for as long as its place in a statement lives.
pub struct ResultRow(pg_sys::TupleDesc);

impl ResultRow {
    /// The result type of the function that is called.
    ///
    /// # Errors
    /// XX000 where it is not composite.
    pub fn of(call: &Call) -> Result<Self> {
        // SAFETY: the call is valid; the descriptor is made in memory that lives as long as the place.
        let row = call.in_lasting_memory(|| unsafe {
            let mut row = std::ptr::null_mut();
            let class = pg_sys::get_call_result_type(call.0, std::ptr::null_mut(), &mut row);
            (class == pg_sys::TypeFuncClass::TYPEFUNC_COMPOSITE)
                .then(|| pg_sys::BlessTupleDesc(pg_sys::CreateTupleDescCopy(row)))
        });
        row.map(Self)
            .ok_or_else(|| Failure::internal("the result type is not composite"))
    }

    /// A row of it, in the current memory context.
    ///
    /// # Errors
    /// XX000 where it has another number of columns.
    pub fn make<const N: usize>(&self, cells: [Cell; N]) -> Result<Cell> {
        let datums = cells.map(Cell::into_datum);
        let mut nulls = datums.map(|datum| datum.is_none());
        let mut values = datums.map(|datum| datum.unwrap_or(pg_sys::Datum::from(0)));
        // SAFETY: the descriptor lives as long as this; as many datums as it has columns, of the types
        // that the SQL declares.
        unsafe {
            if usize::try_from((*self.0).natts) != Ok(N) {
                return Err(Failure::internal("the result type has other columns"));
            }
            let tuple = pg_sys::heap_form_tuple(self.0, values.as_mut_ptr(), nulls.as_mut_ptr());
            Ok(Cell::from_datum(pg_sys::HeapTupleHeaderGetDatum(
                (*tuple).t_data,
            )))
        }
    }
}
