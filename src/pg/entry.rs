//! Functions that PostgreSQL calls once a row: raw version-1 entry points, arrays read in place.
//!
//! All of them are declared STRICT: no argument is NULL. The mathematics is in [`crate::predict`].

use super::array::{self, ArrayView};
use super::cell::CellKind;
use super::error::{Failure, Result};
use super::table;
use crate::predict::margin;
use pgrx::{PgSqlErrorCode, pg_guard, pg_sys};

/// Declares a version-1 function: the symbol and the record that describes its calling convention.
macro_rules! entry_point {
    ($(#[$doc:meta])* $name:ident, $info:ident, $body:expr) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// Called by PostgreSQL with the arguments that the SQL declaration states, none NULL.
        #[unsafe(no_mangle)]
        #[pg_guard]
        pub unsafe extern "C-unwind" fn $name(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
            let work: unsafe fn(pg_sys::FunctionCallInfo) -> Result<Option<pg_sys::Datum>> = $body;
            // SAFETY: passed on.
            match unsafe { work(fcinfo) } {
                Ok(Some(datum)) => datum,
                Ok(None) => {
                    // SAFETY: PostgreSQL passed a valid call.
                    unsafe { (*fcinfo).isnull = true };
                    pg_sys::Datum::from(0)
                }
                Err(failure) => failure.raise(),
            }
        }

        #[doc(hidden)]
        #[unsafe(no_mangle)]
        pub extern "C" fn $info() -> *const pg_sys::Pg_finfo_record {
            static VERSION_1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
            &VERSION_1
        }
    };
}
pub(super) use entry_point;

/// # Safety
/// `at` is below the declared number of arguments.
#[inline]
pub(super) unsafe fn argument(
    fcinfo: pg_sys::FunctionCallInfo,
    at: usize,
) -> pg_sys::NullableDatum {
    // SAFETY: the arguments follow the call's header.
    unsafe { *(*fcinfo).args.as_ptr().add(at) }
}

/// The elements of a `double precision[]` argument as bytes; `None` where one is NULL.
///
/// # Safety
/// The argument is a non-NULL `double precision[]`.
#[inline]
pub(super) unsafe fn doubles<'a>(
    fcinfo: pg_sys::FunctionCallInfo,
    at: usize,
) -> Result<Option<&'a [u8]>> {
    // SAFETY: passed on.
    let bytes = unsafe { array::varlena_bytes(argument(fcinfo, at).value) };
    let view = ArrayView::parse(bytes).and_then(|view| Some((view, view.fixed(CellKind::Float8)?)));
    match view {
        Some((view, _)) if view.has_null => Ok(None),
        Some((_, elements)) => Ok(Some(elements)),
        None => Err(Failure::new(
            PgSqlErrorCode::ERRCODE_DATA_CORRUPTED,
            "invalid array",
        )),
    }
}

/// The margin of the two-argument form: `coef`, `x`.
#[inline]
unsafe fn margin_of(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<f64>> {
    // SAFETY: declared (double precision[], double precision[]), STRICT.
    let (coef, x) = unsafe { (doubles(fcinfo, 0)?, doubles(fcinfo, 1)?) };
    match (coef, x) {
        (Some(coef), Some(x)) => margin::linear(coef, x).map(Some),
        _ => Ok(None),
    }
}

/// The margin of the three-argument form: `coef`, `intercept`, `x`.
#[inline]
unsafe fn margin_with_intercept(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<f64>> {
    // SAFETY: declared (double precision[], double precision, double precision[]), STRICT.
    let (coef, intercept, x) = unsafe {
        (
            doubles(fcinfo, 0)?,
            CellKind::Float8.read(argument(fcinfo, 1).value),
            doubles(fcinfo, 2)?,
        )
    };
    match (coef, x) {
        (Some(coef), Some(x)) => margin::linear_with_intercept(coef, intercept, x).map(Some),
        _ => Ok(None),
    }
}

fn double(value: f64) -> pg_sys::Datum {
    pg_sys::Datum::from(value.to_bits())
}

entry_point!(
    /// `logregr_predict(coef, x) -> boolean`
    pglearn_logregr_predict,
    pg_finfo_pglearn_logregr_predict,
    // SAFETY: passed on.
    |fcinfo| Ok(unsafe { margin_of(fcinfo) }?.map(|margin| pg_sys::Datum::from(margin > 0.0)))
);

entry_point!(
    /// `logregr_predict_prob(coef, x) -> double precision`
    pglearn_logregr_predict_prob,
    pg_finfo_pglearn_logregr_predict_prob,
    // SAFETY: passed on.
    |fcinfo| Ok(unsafe { margin_of(fcinfo) }?.map(|margin| double(margin::logistic(margin))))
);

entry_point!(
    /// `logregr_predict(coef, intercept, x) -> integer`
    pglearn_logregr_predict_intercept,
    pg_finfo_pglearn_logregr_predict_intercept,
    // SAFETY: passed on.
    |fcinfo| Ok(unsafe { margin_with_intercept(fcinfo) }?
        .map(|margin| pg_sys::Datum::from(i32::from(margin > 0.0))))
);

entry_point!(
    /// `logregr_predict_prob(coef, intercept, x) -> numeric`
    pglearn_logregr_predict_prob_intercept,
    pg_finfo_pglearn_logregr_predict_prob_intercept,
    // SAFETY: passed on.
    |fcinfo| Ok(unsafe { margin_with_intercept(fcinfo) }?
        .and_then(|margin| table::decimal(margin::logistic(margin))))
);

entry_point!(
    /// `linregr_predict(coef, x) -> double precision`
    pglearn_linregr_predict,
    pg_finfo_pglearn_linregr_predict,
    |fcinfo| {
        // SAFETY: declared (double precision[], double precision[]), STRICT.
        let (coef, x) = unsafe { (doubles(fcinfo, 0)?, doubles(fcinfo, 1)?) };
        match (coef, x) {
            (Some(coef), Some(x)) => margin::dot(coef, x).map(|value| Some(double(value))),
            _ => Err(Failure::new(
                PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
                "arrays cannot contain nulls",
            )),
        }
    }
);
