//! The rows of a set-returning function, put straight into a tuple store, and its entry point.

use super::entry::{argument, entry_point};
use super::error::{Failure, Result};
use crate::metrics::{Written, binary_classifier_auc};
use pgrx::{FromDatum, PgSqlErrorCode, pg_guard, pg_sys};

/// Collects result rows of doubles.
pub struct ResultRows {
    store: *mut pg_sys::Tuplestorestate,
    row: pg_sys::TupleDesc,
}

impl ResultRows {
    /// Sets the call up to return a set.
    ///
    /// # Safety
    /// `fcinfo` is a call from PostgreSQL of a function that returns a set of doubles.
    unsafe fn new(fcinfo: pg_sys::FunctionCallInfo) -> Result<Self> {
        // SAFETY: InitMaterializedSRF raises where a set is not wanted, else it fills resultinfo.
        unsafe {
            pg_sys::InitMaterializedSRF(fcinfo, 0);
            let info = (*fcinfo).resultinfo.cast::<pg_sys::ReturnSetInfo>();
            if info.is_null() || (*info).setResult.is_null() {
                return Err(Failure::new(
                    PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                    "set-valued function called in a context that cannot accept a set",
                ));
            }
            Ok(Self {
                store: (*info).setResult,
                row: (*info).setDesc,
            })
        }
    }

    /// Adds a row.
    pub fn push<const N: usize>(&mut self, cells: &[Option<f64>; N]) {
        let mut nulls = cells.map(|cell| cell.is_none());
        let mut values = cells.map(|cell| pg_sys::Datum::from(cell.unwrap_or(0.0).to_bits()));
        // SAFETY: the callers' rows have the columns that the SQL declares; natts is compared.
        unsafe {
            if usize::try_from((*self.row).natts) == Ok(N) {
                pg_sys::tuplestore_putvalues(
                    self.store,
                    self.row,
                    values.as_mut_ptr(),
                    nulls.as_mut_ptr(),
                );
            }
        }
    }
}

/// A text argument.
///
/// # Safety
/// Argument `at` is declared as text.
unsafe fn text(fcinfo: pg_sys::FunctionCallInfo, at: usize) -> Option<String> {
    // SAFETY: passed on.
    unsafe {
        let argument = argument(fcinfo, at);
        String::from_datum(argument.value, argument.isnull)
    }
}

entry_point!(
    /// `binary_classifier_auc(table_in, table_out, prediction_col, observed_col, grouping_cols)`
    pglearn_binary_classifier_auc,
    pg_finfo_pglearn_binary_classifier_auc,
    |fcinfo| {
        // SAFETY: five text arguments as declared; a set of doubles as declared.
        let (texts, mut rows) = unsafe {
            ([0, 1, 2, 3, 4].map(|at| text(fcinfo, at)), ResultRows::new(fcinfo)?)
        };
        let [table_in, table_out, prediction_col, observed_col, grouping_cols] = &texts;
        let written = Written {
            function: "binary_classifier_auc",
            table_in: table_in.as_deref(),
            table_out: table_out.as_deref(),
            prediction_col: prediction_col.as_deref(),
            observed_col: observed_col.as_deref(),
            grouping_cols: grouping_cols.as_deref(),
        };
        binary_classifier_auc(written, &mut rows)?;
        Ok(None)
    }
);
