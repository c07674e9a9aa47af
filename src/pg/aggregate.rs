//! Aggregates whose state is a `bytea` that is updated in place: no `internal`, so that PostgreSQL can
//! split them over parallel workers.

use super::call::Call;
use super::error::{Failure, Result};
use super::table::Cell;
use pgrx::{PgSqlErrorCode, pg_sys};

/// Bytes of a varlena's length word.
const HEADER: usize = 4;

/// The aggregate on whose behalf a function is called.
pub struct Aggregate<'a> {
    call: &'a Call,
}

impl<'a> Aggregate<'a> {
    /// The aggregate behind a call.
    ///
    /// # Errors
    /// 0A000 where there is none.
    pub fn of(call: &'a Call) -> Result<Self> {
        // SAFETY: a valid call.
        if unsafe { pg_sys::AggCheckCallContext(call.0, std::ptr::null_mut()) } == 0 {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                "this function can only be called as part of an aggregate",
            ));
        }
        Ok(Self { call })
    }

    /// The state as it was passed, argument 0, to be returned unchanged.
    pub fn unchanged(&self) -> Option<Cell> {
        let state = self.call.argument(0);
        (!state.isnull).then(|| Cell::from_datum(state.value))
    }

    /// The bytes of the state, argument 0, to be changed in place; `None` before the first row.
    ///
    /// # Errors
    /// XX001 for a state that this aggregate did not make.
    pub fn state(&mut self) -> Result<Option<&mut [u8]>> {
        let state = self.call.argument(0);
        if state.isnull {
            return Ok(None);
        }
        // SAFETY: the transition value of the aggregate belongs to it alone and is a plain varlena
        // with a 4-byte header, as `allocate` made it and datumCopy keeps it; anything else is
        // refused. The borrow of `self` keeps the bytes unique.
        unsafe {
            let pointer: *mut pg_sys::varlena = state.value.cast_mut_ptr();
            if *pointer.cast::<u8>() & 3 != 0 {
                return Err(Failure::new(
                    PgSqlErrorCode::ERRCODE_DATA_CORRUPTED,
                    "not a valid pglearn state: packed header",
                ));
            }
            let length = pgrx::varsize_any_exhdr(pointer);
            Ok(Some(std::slice::from_raw_parts_mut(
                pointer.cast::<u8>().add(HEADER),
                length,
            )))
        }
    }

    /// A new state of `length` zero bytes, filled by `fill`.
    ///
    /// # Errors
    /// Those of `fill`; 54000 beyond 1 GB.
    pub fn allocate(
        &self,
        length: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<()>,
    ) -> Result<Option<Cell>> {
        let size = i32::try_from(HEADER + length)
            .ok()
            .filter(|size| *size < 1 << 30);
        let Some(size) = size else {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
                format!("a state of {length} bytes is too large"),
            ));
        };
        // The executor copies a new state into the aggregate's context; made there, it would be
        // kept twice for every group.
        // SAFETY: zeroed memory of HEADER + length bytes in the row's context, its length word set;
        // nobody else has seen it.
        unsafe {
            let pointer: *mut pg_sys::varlena = pg_sys::palloc0(HEADER + length).cast();
            pgrx::set_varsize_4b(pointer, size);
            fill(std::slice::from_raw_parts_mut(
                pointer.cast::<u8>().add(HEADER),
                length,
            ))?;
            Ok(Some(Cell::from_datum(pg_sys::Datum::from(pointer))))
        }
    }
}
