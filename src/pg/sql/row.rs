//! Results, copied out of the server's memory.

use crate::pg::array;
use crate::pg::error::{Failure, Result};
use crate::pg::labels;
use pgrx::{FromDatum, pg_sys};

/// A value of a result.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Field {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Oid(pg_sys::Oid),
    Text(String),
    Bytes(Vec<u8>),
    Texts(Vec<Option<String>>),
    Oids(Vec<pg_sys::Oid>),
    Doubles(Vec<f64>),
}

/// A row of a result. Types without a variant of their own (`jsonb`, times, …) are text.
#[derive(Debug, Clone, PartialEq)]
pub struct Row(pub(super) Vec<Field>);

/// A Rust type that a column can be read as; `Option` of it where the column may be NULL.
pub trait FromField<'a>: Sized {
    /// The value of a field that is not NULL, if it has this type.
    #[doc(hidden)]
    fn from_value(field: FieldRef<'a>) -> Option<Self>;

    /// What NULL is.
    #[doc(hidden)]
    fn from_null() -> Option<Self> {
        None
    }
}

/// A field, for the implementations of [`FromField`].
#[derive(Debug, Clone, Copy)]
pub struct FieldRef<'a>(&'a Field);

macro_rules! from_field {
    ($($type:ty: $pattern:pat => $value:expr),* $(,)?) => {$(
        impl<'a> FromField<'a> for $type {
            fn from_value(field: FieldRef<'a>) -> Option<Self> {
                match field.0 {
                    $pattern => $value,
                    _ => None,
                }
            }
        }
    )*};
}
from_field!(
    bool: Field::Bool(value) => Some(*value),
    i32: Field::Int(value) => i32::try_from(*value).ok(),
    i64: Field::Int(value) => Some(*value),
    f64: Field::Double(value) => Some(*value),
    pg_sys::Oid: Field::Oid(value) => Some(*value),
    &'a str: Field::Text(value) => Some(value),
    String: Field::Text(value) => Some(value.clone()),
    &'a [u8]: Field::Bytes(value) => Some(value),
    &'a [f64]: Field::Doubles(value) => Some(value),
    Vec<pg_sys::Oid>: Field::Oids(value) => Some(value.clone()),
    Vec<Option<String>>: Field::Texts(value) => Some(value.clone()),
    Vec<String>: Field::Texts(value) => value.iter().cloned().collect(),
);

impl<'a, T: FromField<'a>> FromField<'a> for Option<T> {
    fn from_value(field: FieldRef<'a>) -> Option<Self> {
        T::from_value(field).map(Some)
    }

    fn from_null() -> Option<Self> {
        Some(None)
    }
}

impl Row {
    /// The value of a column, counted from 0.
    ///
    /// # Errors
    /// XX000 where the column is missing, NULL without an `Option`, or of another type.
    pub fn get<'a, T: FromField<'a>>(&'a self, column: usize) -> Result<T> {
        let value = match self.0.get(column) {
            None => None,
            Some(Field::Null) => T::from_null(),
            Some(field) => T::from_value(FieldRef(field)),
        };
        value.ok_or_else(|| {
            Failure::internal(format!(
                "column {} of a catalog query is no {}",
                column + 1,
                std::any::type_name::<T>()
            ))
        })
    }

    /// Moves a `bytea` out, without a copy.
    ///
    /// # Errors
    /// XX000 where the column is missing or of another type.
    pub fn take_bytes(&mut self, column: usize) -> Result<Option<Vec<u8>>> {
        match self.0.get_mut(column) {
            Some(Field::Null) => Ok(None),
            Some(Field::Bytes(bytes)) => Ok(Some(std::mem::take(bytes))),
            _ => Err(Failure::internal("a column of a catalog query is no bytea")),
        }
    }
}

/// # Safety
/// `table` is a result of SPI that has not been freed.
pub(super) unsafe fn rows(table: *mut pg_sys::SPITupleTable) -> Result<Vec<Row>> {
    // SAFETY: `numvals` tuples of the row type `tupdesc`.
    unsafe {
        let row_type = (*table).tupdesc;
        let columns = (*row_type).natts;
        let mut rows = Vec::new();
        for at in 0..usize::try_from((*table).numvals).unwrap_or(0) {
            let tuple = *(*table).vals.add(at);
            let fields = (1..=columns).map(|column| {
                let mut null = false;
                let datum = pg_sys::SPI_getbinval(tuple, row_type, column, &mut null);
                if null {
                    return Ok(Field::Null);
                }
                field(datum, pg_sys::SPI_gettypeid(row_type, column))
            });
            rows.push(Row(fields.collect::<Result<_>>()?));
        }
        Ok(rows)
    }
}

/// # Safety
/// `datum` is a non-NULL datum of the type.
unsafe fn field(datum: pg_sys::Datum, type_oid: pg_sys::Oid) -> Result<Field> {
    // SAFETY: each is read as its own type.
    unsafe {
        Ok(match type_oid {
            pg_sys::BOOLOID => Field::Bool(datum.value() & 0xff != 0),
            pg_sys::INT2OID => Field::Int(i64::from(datum.value() as i16)),
            pg_sys::INT4OID => Field::Int(i64::from(datum.value() as i32)),
            pg_sys::INT8OID => Field::Int(datum.value() as i64),
            pg_sys::FLOAT8OID => Field::Double(f64::from_bits(datum.value() as u64)),
            pg_sys::FLOAT4OID => Field::Double(f64::from(f32::from_bits(datum.value() as u32))),
            pg_sys::BYTEAOID => Field::Bytes(copy(array::varlena_bytes(datum))?),
            pg_sys::TEXTARRAYOID => {
                Field::Texts(FromDatum::from_datum(datum, false).unwrap_or_default())
            }
            pg_sys::FLOAT8ARRAYOID => {
                let values: Vec<Option<f64>> =
                    FromDatum::from_datum(datum, false).unwrap_or_default();
                Field::Doubles(values.into_iter().map(|v| v.unwrap_or(f64::NAN)).collect())
            }
            _ if is_oid(type_oid) => Field::Oid(pg_sys::Oid::from(datum.value() as u32)),
            _ if is_oid(pg_sys::get_element_type(type_oid)) => oids(datum),
            _ => Field::Text(labels::output(datum, type_oid)),
        })
    }
}

/// Whether a type is `oid`, or one of the same kind (`regrole`, our own references).
///
/// # Safety
/// Reads the syscache: within a transaction.
unsafe fn is_oid(type_oid: pg_sys::Oid) -> bool {
    // SAFETY: as the caller says.
    type_oid != pg_sys::InvalidOid && unsafe { pg_sys::IsBinaryCoercible(type_oid, pg_sys::OIDOID) }
}

/// # Safety
/// `datum` is a non-NULL array of a type for which [`is_oid`] holds.
unsafe fn oids(datum: pg_sys::Datum) -> Field {
    // SAFETY: as the caller says.
    let bytes = unsafe { array::varlena_bytes(datum) };
    let elements = array::ArrayView::parse(bytes).filter(|array| !array.has_null);
    let payload = elements.and_then(|array| array.payload.get(..4 * array.len));
    let (words, _) = payload.unwrap_or_default().as_chunks::<4>();
    let oid = |word: &[u8; 4]| pg_sys::Oid::from(u32::from_ne_bytes(*word));
    Field::Oids(words.iter().map(oid).collect())
}

fn copy(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut copied = Vec::new();
    copied.try_reserve_exact(bytes.len()).map_err(|_| {
        let bytes = bytes.len() as u64;
        Failure::from_core(pglearn_core::Error::OutOfMemory { bytes }, &|_| {
            String::new()
        })
    })?;
    copied.extend_from_slice(bytes);
    Ok(copied)
}
