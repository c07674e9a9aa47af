//! The aggregate `linregr(y, x[])`: the accumulator of the linear regression as its state.

use crate::pg::aggregate::Aggregate;
use crate::pg::call::Call;
use crate::pg::entry_point;
use crate::pg::error::{Failure, Result, memory_limit};
use crate::pg::monitor::SessionMonitor;
use crate::pg::table::Cell;
use crate::settings;
use crate::train::sinks::refuse_too_wide;
use pglearn_core::Error;
use pglearn_core::linear::{LinearFit, StateMut, finish, state_len};
use pgrx::PgSqlErrorCode;

fn row_error(error: Error) -> Failure {
    match error {
        Error::Shape { expected, got, .. } => Failure::new(
            PgSqlErrorCode::ERRCODE_ARRAY_ELEMENT_ERROR,
            format!("arrays of different lengths: {expected} and {got}"),
        )
        .detail("Every row must give an array of the same length."),
        other => Failure::from_core(other, &|column| format!("element {} of (x, y)", column + 1)),
    }
}

fn transition(call: &Call) -> Result<Option<Cell>> {
    let mut aggregate = Aggregate::of(call)?;
    if call.is_null(1) || call.is_null(2) {
        return Ok(aggregate.unchanged());
    }
    let (y, Some(x)) = (call.double(1), call.doubles(2)?) else {
        return Ok(aggregate.unchanged());
    };
    if let Some(bytes) = aggregate.state()? {
        let mut state = StateMut::open(bytes).map_err(row_error)?;
        state.push_bytes(x, y).map_err(row_error)?;
        return Ok(aggregate.unchanged());
    }
    let columns = x.len() / size_of::<f64>();
    refuse_too_wide(columns)?;
    let (needed, limit) = (state_len(columns) as u64, settings::max_memory());
    if needed > limit {
        return Err(memory_limit(needed, limit));
    }
    aggregate.allocate(state_len(columns), |bytes| {
        let mut state = StateMut::init(bytes, columns).map_err(row_error)?;
        state.push_bytes(x, y).map_err(row_error)
    })
}

fn merge(call: &Call) -> Result<Option<Cell>> {
    let mut aggregate = Aggregate::of(call)?;
    if call.is_null(1) {
        return Ok(aggregate.unchanged());
    }
    let addend = call.bytes(1);
    if let Some(bytes) = aggregate.state()? {
        let mut state = StateMut::open(bytes).map_err(row_error)?;
        let mut monitor = SessionMonitor::default();
        state.merge(addend, &mut monitor).map_err(row_error)?;
        return Ok(aggregate.unchanged());
    }
    aggregate.allocate(addend.len(), |bytes| {
        bytes.copy_from_slice(addend);
        StateMut::open(bytes).map(drop).map_err(row_error)
    })
}

fn result(call: &Call) -> Result<Option<Cell>> {
    if call.is_null(0) {
        return Ok(None);
    }
    let fit = finish(call.bytes(0), &mut SessionMonitor::default()).map_err(row_error)?;
    call.row(cells(fit)).map(Some)
}

/// The columns of `linregr_result`.
fn cells(fit: LinearFit) -> Vec<Cell> {
    let k = fit.coefficients.len();
    vec![
        Cell::Doubles(fit.coefficients),
        if fit.r2.is_nan() {
            Cell::Null
        } else {
            Cell::Double(fit.r2)
        },
        Cell::Doubles(fit.std_err),
        Cell::Doubles(fit.t_stats),
        fit.p_values.map_or(Cell::Null, Cell::Doubles),
        Cell::Double(fit.condition_number),
        Cell::BigInt(fit.rows as i64),
        Cell::Matrix(fit.covariance, k),
    ]
}

entry_point!(
    /// `linregr_transition(state bytea, y double precision, x double precision[]) -> bytea`
    pglearn_linregr_transition,
    pg_finfo_pglearn_linregr_transition,
    transition
);

entry_point!(
    /// `linregr_merge_states(state1 bytea, state2 bytea) -> bytea`
    pglearn_linregr_merge_states,
    pg_finfo_pglearn_linregr_merge_states,
    merge
);

entry_point!(
    /// `linregr_final(state bytea) -> linregr_result`
    pglearn_linregr_final,
    pg_finfo_pglearn_linregr_final,
    result
);
