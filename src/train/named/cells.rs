//! From the values of a row to the cells of a frame.

use super::request::Request;
use crate::pg::error::{Failure, Result};
use crate::pg::rows::RowView;
use crate::pg::value::ValueKind;
use pglearn_core::Error;
use pglearn_core::frame::Frame;
use pglearn_core::pipeline::{Input, InputKind};
use pglearn_core::tiles::TILE_STRIDE;
use pglearn_core::value::Value;
use pgrx::PgSqlErrorCode;

/// An input column while rows come in.
pub(super) struct Column {
    pub(super) input: Input,
    /// Its number in the view.
    pub(super) place: usize,
    pub(super) array: bool,
}

impl Column {
    pub(super) fn new(request: &Request, source: usize, place: usize) -> Self {
        let column = &request.columns[source];
        let kind = match (column.kind, column.element) {
            (Some(kind), _) => kind.input_kind(),
            (None, Some(element)) => ValueKind::Cell(element).input_kind(),
            (None, None) => InputKind::Number,
        };
        let array = column.kind.is_none();
        Self {
            input: Input {
                name: column.name.clone(),
                sql_type: column.sql_type.clone(),
                kind,
                length: array.then_some(0),
            },
            place,
            array,
        }
    }

    /// Whether it is a single number or boolean.
    pub(super) fn plain(&self) -> bool {
        !self.array && matches!(self.input.kind, InputKind::Number | InputKind::Boolean)
    }

    /// Whether the length of its arrays is known.
    pub(super) fn known(&self) -> bool {
        self.input.length != Some(0)
    }
}

/// Writes a row of numbers, all cells at once; `false` where one is to be refused.
#[inline]
pub(super) fn plain_row(frame: &mut Frame, columns: &[Column], row: &RowView<'_>) -> Result<bool> {
    let (cells, at) = frame.cells_mut().map_err(plain)?;
    let mut usable = true;
    let slots = cells.chunks_exact_mut(TILE_STRIDE).zip(columns);
    for (slot, column) in slots {
        let cell = row.number(column.place) + 0.0;
        usable &= !cell.is_infinite();
        slot[at] = cell;
    }
    Ok(usable)
}

#[inline]
pub(super) fn number(value: f64) -> Value<'static> {
    if value.is_nan() {
        Value::Missing
    } else {
        Value::Number(value)
    }
}

#[inline]
pub(super) fn set(frame: &mut Frame, slot: usize, value: Value<'_>) -> Result<()> {
    frame.set(slot, value).map_err(refused)
}

/// The refusal of a value: of a row, so it is told how to leave that out.
#[cold]
pub(super) fn refused(error: Error) -> Failure {
    match error {
        Error::Row { slot, problem } => Failure::new(
            PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
            format!("{slot} {problem}"),
        )
        .detail("Only finite numbers can be computed with; NULL and NaN count as missing.")
        .hint("Leave such rows out with a WHERE clause: give a SELECT as the source."),
        other => plain(other),
    }
}

/// The refusal of an array whose length differs from the others'.
pub(super) fn lengths(input: &Input, length: usize) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_ARRAY_ELEMENT_ERROR,
        match (input.slots(), length) {
            (0, 0) | (_, 0) => format!("column \"{}\" has an empty array", input.name),
            (known, other) => format!(
                "column \"{}\" has arrays of different lengths: {known} and {other}",
                input.name
            ),
        },
    )
    .detail("Every row must have an array of the same length, or NULL.")
    .hint(format!(
        "Leave other rows out: source 'SELECT * FROM … WHERE cardinality({}) = n'.",
        pgrx::spi::quote_identifier(&input.name)
    ))
}

fn plain(error: Error) -> Failure {
    Failure::from_core(error, &|_| String::new())
}
