//! Datums of the numeric types read as doubles, without a function call where the bits allow it.

use super::{array, numeric};
use pgrx::pg_sys;

/// The types that are read directly. Everything else is cast by the query itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellKind {
    /// `double precision`
    Float8,
    /// `real`
    Float4,
    /// `smallint`
    Int2,
    /// `integer`
    Int4,
    /// `bigint`
    Int8,
    /// `boolean`: 0 or 1
    Bool,
    /// `numeric`
    Numeric,
}

impl CellKind {
    /// The kind of a base type, if it is read directly.
    pub fn of(type_oid: pg_sys::Oid) -> Option<Self> {
        Some(match type_oid {
            pg_sys::FLOAT8OID => Self::Float8,
            pg_sys::FLOAT4OID => Self::Float4,
            pg_sys::INT2OID => Self::Int2,
            pg_sys::INT4OID => Self::Int4,
            pg_sys::INT8OID => Self::Int8,
            pg_sys::BOOLOID => Self::Bool,
            pg_sys::NUMERICOID => Self::Numeric,
            _ => return None,
        })
    }

    /// Bytes of an array element; 0 for `numeric`, whose elements vary.
    pub fn width(self) -> usize {
        match self {
            Self::Float8 | Self::Int8 => 8,
            Self::Float4 | Self::Int4 => 4,
            Self::Int2 => 2,
            Self::Bool => 1,
            Self::Numeric => 0,
        }
    }

    /// The value of a datum.
    ///
    /// # Safety
    /// `datum` is a non-NULL datum of this type (for `numeric`: a valid pointer).
    #[inline]
    pub unsafe fn read(self, datum: pg_sys::Datum) -> f64 {
        let bits = datum.value() as u64;
        match self {
            Self::Float8 => f64::from_bits(bits),
            Self::Float4 => f64::from(f32::from_bits(bits as u32)),
            Self::Int2 => f64::from(bits as i16),
            Self::Int4 => f64::from(bits as i32),
            Self::Int8 => bits as i64 as f64,
            Self::Bool => f64::from(u8::from(bits & 0xff != 0)),
            // SAFETY: the caller vouches for a valid numeric.
            Self::Numeric => numeric::to_double(unsafe { array::varlena_bytes(datum) }),
        }
    }

    /// Fixed-width array elements, at any alignment, one a cell. The kind is told apart once, not for
    /// each element: that is a third of the cost of reading an array.
    #[inline]
    pub fn read_elements<'a>(self, bytes: &[u8], cells: impl Iterator<Item = &'a mut f64>) {
        match self {
            Self::Float8 => fill(cells, bytes, f64::from_ne_bytes),
            Self::Int8 => fill(cells, bytes, |bytes| i64::from_ne_bytes(bytes) as f64),
            Self::Float4 => fill(cells, bytes, |bytes| f64::from(f32::from_ne_bytes(bytes))),
            Self::Int4 => fill(cells, bytes, |bytes| f64::from(i32::from_ne_bytes(bytes))),
            Self::Int2 => fill(cells, bytes, |bytes| f64::from(i16::from_ne_bytes(bytes))),
            Self::Bool => fill(cells, bytes, |[byte]| f64::from(u8::from(byte != 0))),
            Self::Numeric => {}
        }
    }
}

#[inline]
fn fill<'a, const WIDTH: usize>(
    cells: impl Iterator<Item = &'a mut f64>,
    bytes: &[u8],
    value: impl Fn([u8; WIDTH]) -> f64,
) {
    let (elements, _) = bytes.as_chunks::<WIDTH>();
    cells
        .zip(elements)
        .for_each(|(cell, element)| *cell = value(*element));
}
