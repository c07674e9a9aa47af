//! One row, while it lasts.

use super::key::{self, Key};
use super::open::Column;
use crate::pg::array::{self, ArrayView};
use crate::pg::cell::CellKind;
use crate::pg::error::{Failure, Result};
use crate::pg::table::Cell;
use crate::pg::text;
use crate::pg::value::ValueKind;
use pglearn_core::split::KeyHasher;
use pglearn_core::value::Value;
use pgrx::{PgSqlErrorCode, pg_sys};

/// A row of a source: its values by the number of the column among those asked for. What it hands out
/// lives as long as the view, which is the call of the sink.
pub struct RowView<'a> {
    pub(super) columns: &'a [Column],
    pub(super) values: &'a [pg_sys::Datum],
    pub(super) nulls: &'a [bool],
}

impl RowView<'_> {
    /// Whether a column is NULL here.
    #[inline]
    #[must_use]
    pub fn is_null(&self, column: usize) -> bool {
        self.nulls[self.columns[column].att]
    }

    #[inline]
    fn datum(&self, column: &Column) -> Option<pg_sys::Datum> {
        (!self.nulls[column.att]).then(|| self.values[column.att])
    }

    /// The value of a column that has a [`kind`](super::SourceColumn::kind); missing where it is NULL
    /// (a NaN is handed on as it is).
    #[inline]
    #[must_use]
    pub fn value(&self, column: usize) -> Value<'_> {
        let column = &self.columns[column];
        match (self.datum(column), column.kind) {
            // SAFETY: a datum of the column's type; copies go into the row's context, which is the
            // current one as long as the view lives.
            (Some(datum), Some(kind)) => unsafe { kind.read(datum) },
            _ => Value::Missing,
        }
    }

    /// The bytes of an array column behind its varlena header; `None` for NULL and for other columns.
    #[inline]
    #[must_use]
    pub fn varlena(&self, column: usize) -> Option<&[u8]> {
        let column = &self.columns[column];
        column.element?;
        // SAFETY: an array datum of the column's type; a copy goes into the row's context, which is the
        // current one as long as the view lives.
        self.datum(column)
            .map(|datum| unsafe { array::varlena_bytes(datum) })
    }

    /// A column that is a number or a boolean to a model; NaN where it is missing.
    #[inline]
    #[must_use]
    pub fn number(&self, column: usize) -> f64 {
        let column = &self.columns[column];
        match (self.datum(column), column.kind) {
            (Some(datum), Some(ValueKind::Cell(CellKind::Float8))) => {
                f64::from_bits(datum.value() as u64)
            }
            // SAFETY: a datum of the column's type.
            (Some(datum), Some(kind)) => match unsafe { kind.read(datum) } {
                Value::Number(number) => number,
                _ => f64::NAN,
            },
            _ => f64::NAN,
        }
    }

    /// Appends the elements of an array column, NaN for a NULL among them. `false` where the array is
    /// NULL.
    ///
    /// # Errors
    /// 2202E for an array of other than one dimension, XX001 for one that is none.
    pub fn elements(&self, column: usize, out: &mut Vec<f64>) -> Result<bool> {
        let column = &self.columns[column];
        let (Some(datum), Some(kind)) = (self.datum(column), column.element) else {
            return Ok(false);
        };
        // SAFETY: an array datum of the column's type; a copy goes into the row's context.
        let bytes = unsafe { array::varlena_bytes(datum) };
        let view = ArrayView::parse(bytes).ok_or_else(corrupt)?;
        if view.dimensions > 1 {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_ARRAY_ELEMENT_ERROR,
                format!(
                    "column \"{}\" has an array of {} dimensions where one is needed",
                    column.name, view.dimensions
                ),
            ));
        }
        if kind == CellKind::Numeric || view.has_null {
            // SAFETY: as above.
            unsafe { array::elements(datum, kind, out) };
            return Ok(true);
        }
        let start = out.len();
        out.resize(start + view.len, 0.0);
        kind.read_elements(
            view.fixed(kind).ok_or_else(corrupt)?,
            out[start..].iter_mut(),
        );
        Ok(true)
    }

    /// The hash of some columns together.
    ///
    /// # Errors
    /// 42883 for a type that cannot be hashed.
    #[inline]
    pub fn hash(&self, columns: &[usize], hasher: &mut KeyHasher) -> Result<u64> {
        for column in columns {
            self.key(*column)?.feed(hasher);
        }
        Ok(hasher.finish())
    }

    /// A column as a key of a hash.
    ///
    /// # Errors
    /// 42883 for a type that cannot be hashed.
    #[inline]
    pub fn key(&self, column: usize) -> Result<Key<'_>> {
        let column = &self.columns[column];
        let Some(datum) = self.datum(column) else {
            return Ok(Key::Null);
        };
        let hash = column.hash.ok_or_else(|| {
            Failure::new(
                PgSqlErrorCode::ERRCODE_UNDEFINED_FUNCTION,
                format!("column \"{}\" cannot be hashed", column.name),
            )
            .detail(format!(
                "Type {} has no hash function.",
                crate::pg::query::type_name(column.type_oid)
            ))
        })?;
        // SAFETY: a datum of the column's type; allocations go into the row's context.
        Ok(unsafe { key::read(column, hash, datum) })
    }

    /// A column as text, by the output function of its type; `None` where it is NULL.
    pub fn output(&self, column: usize) -> Option<&str> {
        let column = &self.columns[column];
        let datum = self.datum(column)?;
        // SAFETY: the output function of the column's type on one of its datums.
        unsafe {
            let text = pg_sys::OutputFunctionCall(column.output, datum);
            Some(text::c_string(text))
        }
    }

    /// A column as it is, to be stored while the view lasts.
    #[must_use]
    pub fn cell(&self, column: usize) -> Cell {
        self.datum(&self.columns[column])
            .map_or(Cell::Null, Cell::from_datum)
    }

    /// The kind of a column, where a model can read it.
    #[must_use]
    pub fn kind(&self, column: usize) -> Option<ValueKind> {
        self.columns[column].kind
    }
}

#[cold]
fn corrupt() -> Failure {
    Failure::new(PgSqlErrorCode::ERRCODE_DATA_CORRUPTED, "invalid array")
}
