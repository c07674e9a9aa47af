//! The aggregate `linregr(y, x[])`: the accumulator of the linear regression as a `bytea` state,
//! updated in place, so that PostgreSQL can split it over parallel workers.

use super::array;
use super::cell::CellKind;
use super::entry::{argument, doubles, entry_point};
use super::error::{Failure, Result};
use super::monitor::SessionMonitor;
use super::table::Cell;
use pglearn_core::Error;
use pglearn_core::linear::{LinearFit, StateMut, finish, state_len};
use pgrx::{PgSqlErrorCode, pg_guard, pg_sys};

/// Bytes of a varlena's length word.
const HEADER: usize = 4;

/// The memory context of the aggregate that calls.
///
/// # Safety
/// `fcinfo` is a call from PostgreSQL.
unsafe fn aggregate_context(fcinfo: pg_sys::FunctionCallInfo) -> Result<pg_sys::MemoryContext> {
    let mut context = std::ptr::null_mut();
    // SAFETY: passed on.
    if unsafe { pg_sys::AggCheckCallContext(fcinfo, &mut context) } == 0 {
        return Err(Failure::new(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            "this function can only be called as part of an aggregate",
        )
        .hint("SELECT (linregr(y, ARRAY[1, x])).* FROM …;"));
    }
    Ok(context)
}

/// A new state of `length` bytes behind its header, in the aggregate's context.
///
/// # Safety
/// `context` is a valid memory context.
unsafe fn allocate<'a>(
    context: pg_sys::MemoryContext,
    length: usize,
) -> (pg_sys::Datum, &'a mut [u8]) {
    // SAFETY: palloc'd memory of HEADER + length bytes, zeroed, with its length word set.
    unsafe {
        let pointer: *mut pg_sys::varlena =
            pg_sys::MemoryContextAllocZero(context, HEADER + length).cast();
        pgrx::set_varsize_4b(pointer, (HEADER + length) as i32);
        let bytes = std::slice::from_raw_parts_mut(pointer.cast::<u8>().add(HEADER), length);
        (pg_sys::Datum::from(pointer), bytes)
    }
}

/// The bytes of a state that this aggregate made.
///
/// # Safety
/// `datum` is the transition value of the aggregate, nobody else holds it.
unsafe fn state_bytes<'a>(datum: pg_sys::Datum) -> Result<&'a mut [u8]> {
    // SAFETY: a transition value is a plain varlena with a 4-byte header, as `allocate` made it and
    // datumCopy keeps it; anything shorter or packed is refused.
    unsafe {
        let pointer: *mut pg_sys::varlena = datum.cast_mut_ptr();
        if *pointer.cast::<u8>() & 3 != 0 {
            return Err(Failure::from_core(
                Error::Corrupt {
                    what: "packed header",
                },
                &|_| String::new(),
            ));
        }
        let length = pgrx::varsize_any_exhdr(pointer);
        Ok(std::slice::from_raw_parts_mut(
            pointer.cast::<u8>().add(HEADER),
            length,
        ))
    }
}

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

entry_point!(
    /// `linregr_transition(state bytea, y double precision, x double precision[]) -> bytea`
    pglearn_linregr_transition,
    pg_finfo_pglearn_linregr_transition,
    |fcinfo| {
        // SAFETY: three arguments as declared; NULLs are looked for before a value is used.
        unsafe {
            let context = aggregate_context(fcinfo)?;
            let (state, y, x) = (argument(fcinfo, 0), argument(fcinfo, 1), argument(fcinfo, 2));
            let old = (!state.isnull).then_some(state.value);
            if y.isnull || x.isnull {
                return Ok(old);
            }
            let Some(x) = doubles(fcinfo, 2)? else { return Ok(old) };
            let y = CellKind::Float8.read(y.value);
            match old {
                Some(datum) => {
                    let mut state = StateMut::open(state_bytes(datum)?).map_err(row_error)?;
                    state.push_bytes(x, y).map_err(row_error)?;
                    Ok(Some(datum))
                }
                None => {
                    let columns = x.len() / size_of::<f64>();
                    let (datum, bytes) = allocate(context, state_len(columns));
                    let mut state = StateMut::init(bytes, columns).map_err(row_error)?;
                    state.push_bytes(x, y).map_err(row_error)?;
                    Ok(Some(datum))
                }
            }
        }
    }
);

entry_point!(
    /// `linregr_merge_states(state1 bytea, state2 bytea) -> bytea`
    pglearn_linregr_merge_states,
    pg_finfo_pglearn_linregr_merge_states,
    |fcinfo| {
        // SAFETY: two arguments as declared; NULLs are looked for before a value is used.
        unsafe {
            let context = aggregate_context(fcinfo)?;
            let (first, second) = (argument(fcinfo, 0), argument(fcinfo, 1));
            if second.isnull {
                return Ok((!first.isnull).then_some(first.value));
            }
            let addend = array::varlena_bytes(second.value);
            if first.isnull {
                let (datum, bytes) = allocate(context, addend.len());
                bytes.copy_from_slice(addend);
                StateMut::open(bytes).map_err(row_error)?;
                return Ok(Some(datum));
            }
            let mut state = StateMut::open(state_bytes(first.value)?).map_err(row_error)?;
            state.merge(addend).map_err(row_error)?;
            Ok(Some(first.value))
        }
    }
);

entry_point!(
    /// `linregr_final(state bytea) -> linregr_result`
    pglearn_linregr_final,
    pg_finfo_pglearn_linregr_final,
    |fcinfo| {
        // SAFETY: one argument as declared.
        let state = unsafe { argument(fcinfo, 0) };
        if state.isnull {
            return Ok(None);
        }
        // SAFETY: a non-NULL bytea.
        let bytes = unsafe { array::varlena_bytes(state.value) };
        let fit = finish(bytes, &mut SessionMonitor::default()).map_err(row_error)?;
        // SAFETY: the declared result is the composite type linregr_result, eight columns.
        Ok(Some(unsafe { composite(fcinfo, cells(fit)) }?))
    }
);

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

/// A row of the function's composite result type.
///
/// # Safety
/// The cells fit the columns of the declared result type.
unsafe fn composite(fcinfo: pg_sys::FunctionCallInfo, cells: Vec<Cell>) -> Result<pg_sys::Datum> {
    let mut row = std::ptr::null_mut();
    // SAFETY: as the caller says.
    unsafe {
        let class = pg_sys::get_call_result_type(fcinfo, std::ptr::null_mut(), &mut row);
        if class != pg_sys::TypeFuncClass::TYPEFUNC_COMPOSITE
            || usize::try_from((*row).natts) != Ok(cells.len())
        {
            return Err(Failure::internal("linregr_result has other columns"));
        }
        let datums: Vec<_> = cells.into_iter().map(Cell::into_datum).collect();
        let mut nulls: Vec<bool> = datums.iter().map(Option::is_none).collect();
        let mut values: Vec<_> = datums
            .into_iter()
            .map(|d| d.unwrap_or(pg_sys::Datum::from(0)))
            .collect();
        let tuple = pg_sys::heap_form_tuple(
            pg_sys::BlessTupleDesc(row),
            values.as_mut_ptr(),
            nulls.as_mut_ptr(),
        );
        Ok(pg_sys::HeapTupleHeaderGetDatum((*tuple).t_data))
    }
}
