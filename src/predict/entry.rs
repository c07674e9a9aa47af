//! The scoring functions as PostgreSQL calls them, once a row. All are declared STRICT: no argument
//! is NULL (`sql/catalog/predict.sql`).

use super::margin;
use crate::pg::call::Call;
use crate::pg::entry_point;
use crate::pg::error::{Failure, Result};
use crate::pg::table::Cell;
use pgrx::PgSqlErrorCode;

/// The margin of `coef`, `x`; `None` where an element is NULL.
#[inline]
fn of_two(call: &Call) -> Result<Option<f64>> {
    match (call.doubles(0)?, call.doubles(1)?) {
        (Some(coef), Some(x)) => margin::linear(coef, x).map(Some),
        _ => Ok(None),
    }
}

/// The margin of `coef`, `intercept`, `x`; `None` where an element is NULL.
#[inline]
fn of_three(call: &Call) -> Result<Option<f64>> {
    match (call.doubles(0)?, call.doubles(2)?) {
        (Some(coef), Some(x)) => margin::linear_with_intercept(coef, call.double(1), x).map(Some),
        _ => Ok(None),
    }
}

entry_point!(
    /// `logregr_predict(coef, x) -> boolean`
    pglearn_logregr_predict,
    pg_finfo_pglearn_logregr_predict,
    |call| Ok(of_two(call)?.map(|margin| Cell::Bool(margin > 0.0)))
);

entry_point!(
    /// `logregr_predict_prob(coef, x) -> double precision`
    pglearn_logregr_predict_prob,
    pg_finfo_pglearn_logregr_predict_prob,
    |call| Ok(of_two(call)?.map(|margin| Cell::Double(margin::logistic(margin))))
);

entry_point!(
    /// `logregr_predict(coef, intercept, x) -> integer`
    pglearn_logregr_predict_intercept,
    pg_finfo_pglearn_logregr_predict_intercept,
    |call| Ok(of_three(call)?.map(|margin| Cell::Int(i32::from(margin > 0.0))))
);

entry_point!(
    /// `logregr_predict_prob(coef, intercept, x) -> numeric`
    pglearn_logregr_predict_prob_intercept,
    pg_finfo_pglearn_logregr_predict_prob_intercept,
    |call| Ok(of_three(call)?.map(|margin| Cell::Decimal(margin::logistic(margin))))
);

entry_point!(
    /// `linregr_predict(coef, x) -> double precision`
    pglearn_linregr_predict,
    pg_finfo_pglearn_linregr_predict,
    |call| match (call.doubles(0)?, call.doubles(1)?) {
        (Some(coef), Some(x)) => Ok(Some(Cell::Double(margin::dot(coef, x)?))),
        _ => Err(Failure::new(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "arrays cannot contain nulls",
        )),
    }
);
