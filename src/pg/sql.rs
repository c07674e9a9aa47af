//! SQL of our own, over the extension's tables: fixed text, values as parameters.
//!
//! A statement runs with the caller's rights, row-level security applied (`row_security = on`, whatever
//! the session says), under `search_path = pg_catalog, pg_temp`, so that neither the user's objects nor
//! operators are found by accident. `{ml}` in a text stands for the quoted schema of the extension.
//! Results are copied out whole: this is for the catalog, not for data.

use super::array;
use super::context::{self, SettingScope};
use super::error::{Failure, Result};
use super::labels;
use super::parse;
use pgrx::pg_sys;
use pgrx::{FromDatum, IntoDatum};
use std::ffi::CStr;

/// A value for `$1`, `$2`, …; `None` is NULL.
#[derive(Debug, Clone, Copy)]
pub enum Param<'a> {
    /// `boolean`
    Bool(Option<bool>),
    /// `integer`
    Int(Option<i32>),
    /// `bigint`
    BigInt(Option<i64>),
    /// `text`; JSON goes as text too, with `$n::pg_catalog.jsonb` in the statement.
    Text(Option<&'a str>),
    /// `bytea`
    Bytes(Option<&'a [u8]>),
    /// `text[]` without NULLs
    Texts(Option<&'a [String]>),
    /// `oid`
    Oid(Option<pg_sys::Oid>),
    /// `regclass`
    Relation(Option<pg_sys::Oid>),
    /// `regrole`
    Role(Option<pg_sys::Oid>),
}

macro_rules! param_from {
    ($($type:ty => $variant:ident),* $(,)?) => {$(
        impl<'a> From<$type> for Param<'a> {
            fn from(value: $type) -> Self {
                Self::$variant(Some(value))
            }
        }
        impl<'a> From<Option<$type>> for Param<'a> {
            fn from(value: Option<$type>) -> Self {
                Self::$variant(value)
            }
        }
    )*};
}
param_from!(bool => Bool, i32 => Int, i64 => BigInt, &'a str => Text,
            &'a [u8] => Bytes, &'a [String] => Texts);

impl<'a> From<&'a String> for Param<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(Some(value))
    }
}

impl Param<'_> {
    fn type_oid(&self) -> pg_sys::Oid {
        match self {
            Self::Bool(_) => pg_sys::BOOLOID,
            Self::Int(_) => pg_sys::INT4OID,
            Self::BigInt(_) => pg_sys::INT8OID,
            Self::Text(_) => pg_sys::TEXTOID,
            Self::Bytes(_) => pg_sys::BYTEAOID,
            Self::Texts(_) => pg_sys::TEXTARRAYOID,
            Self::Oid(_) => pg_sys::OIDOID,
            Self::Relation(_) => pg_sys::REGCLASSOID,
            Self::Role(_) => pg_sys::REGROLEOID,
        }
    }

    /// A datum in the current memory context.
    fn datum(&self) -> Result<Option<pg_sys::Datum>> {
        let whole = |text: &str| match text.contains('\0') {
            true => Err(Failure::parameter("text contains a NUL byte")),
            false => Ok(()),
        };
        Ok(match *self {
            Self::Bool(value) => value.and_then(IntoDatum::into_datum),
            Self::Int(value) => value.and_then(IntoDatum::into_datum),
            Self::BigInt(value) => value.and_then(IntoDatum::into_datum),
            Self::Text(value) => {
                value.map_or(Ok(()), whole)?;
                value.and_then(IntoDatum::into_datum)
            }
            Self::Bytes(value) => value.and_then(IntoDatum::into_datum),
            Self::Texts(value) => {
                value
                    .unwrap_or_default()
                    .iter()
                    .try_for_each(|text| whole(text))?;
                value
                    .map(<[String]>::to_vec)
                    .and_then(IntoDatum::into_datum)
            }
            // pgrx takes the invalid OID for NULL.
            Self::Oid(value) | Self::Relation(value) | Self::Role(value) => {
                value.map(pg_sys::Datum::from)
            }
        })
    }
}

/// A value of a result.
#[derive(Debug, Clone, PartialEq)]
enum Field {
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
pub struct Row(Vec<Field>);

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

/// What a statement may see and do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// The active snapshot: what the calling statement sees. Nothing is written.
    Read,
    /// The transaction's own changes and, under READ COMMITTED, whatever has been committed by now.
    Write,
}

/// The rows of a SELECT, under the snapshot of the calling statement: for functions that only read.
///
/// # Errors
/// What the statement raises; XX000 for a statement that writes.
pub fn query(text: &str, params: &[Param<'_>]) -> Result<Vec<Row>> {
    run(text, params, Mode::Read).map(|(_, rows)| rows)
}

/// The rows of an INSERT, UPDATE or DELETE … RETURNING; also of a SELECT that must see the
/// transaction's own changes and lock rows.
///
/// # Errors
/// What the statement raises.
pub fn returning(text: &str, params: &[Param<'_>]) -> Result<Vec<Row>> {
    run(text, params, Mode::Write).map(|(_, rows)| rows)
}

/// [`returning`] of a text that holds quoted names of users' relations: `{ml}` stands for itself in it.
///
/// # Errors
/// As there.
pub fn returning_verbatim(text: &str) -> Result<Vec<Row>> {
    run_verbatim(text, &[], Mode::Write).map(|(_, rows)| rows)
}

/// The number of rows that a statement inserted, updated or deleted.
///
/// # Errors
/// What the statement raises.
pub fn execute(text: &str, params: &[Param<'_>]) -> Result<u64> {
    run(text, params, Mode::Write).map(|(count, _)| count)
}

/// Runs SQL of our own that other means execute under the settings that hold for a statement here.
pub fn in_own_path<T>(work: impl FnOnce() -> T) -> T {
    let _settings = SettingScope::new(&[
        (c"search_path", c"pg_catalog, pg_temp"),
        (c"row_security", c"on"),
    ]);
    work()
}

/// Runs a command that was made of quoted identifiers and literals, as it stands: what looks like
/// `{ml}` in it is a user's.
///
/// # Errors
/// What the command raises.
pub fn command(text: &str) -> Result<()> {
    let text = parse::c_string(text)?;
    in_own_path(|| run_here(&text, &[], Mode::Write)).map(|_| ())
}

fn run(text: &str, params: &[Param<'_>], mode: Mode) -> Result<(u64, Vec<Row>)> {
    let text = text.replace("{ml}", &context::quoted_extension_schema()?);
    run_verbatim(&text, params, mode)
}

fn run_verbatim(text: &str, params: &[Param<'_>], mode: Mode) -> Result<(u64, Vec<Row>)> {
    let text = parse::c_string(text)?;
    in_own_path(|| run_here(&text, params, mode))
}

fn run_here(text: &CStr, params: &[Param<'_>], mode: Mode) -> Result<(u64, Vec<Row>)> {
    // SAFETY: connect, execute and finish in this order; an ERROR unwinds past it, and PostgreSQL pops
    // the connection with the (sub)transaction.
    unsafe { pg_sys::SPI_connect() };
    // Parameters live in the connection's memory.
    let outcome = execute_connected(text, params, mode);
    // SAFETY: as above.
    unsafe { pg_sys::SPI_finish() };
    outcome
}

fn execute_connected(text: &CStr, params: &[Param<'_>], mode: Mode) -> Result<(u64, Vec<Row>)> {
    let mut types: Vec<_> = params.iter().map(Param::type_oid).collect();
    let datums: Vec<_> = params.iter().map(Param::datum).collect::<Result<_>>()?;
    let nulls: Vec<_> = datums
        .iter()
        .map(|d| if d.is_none() { b'n' } else { b' ' } as std::ffi::c_char)
        .collect();
    let mut values: Vec<_> = datums
        .into_iter()
        .map(|datum| datum.unwrap_or(pg_sys::Datum::from(0)))
        .collect();
    // SAFETY: as many types, values and nulls as `params`; the datums are of their types.
    let (code, count, table) = unsafe {
        let code = pg_sys::SPI_execute_with_args(
            text.as_ptr(),
            params.len() as i32,
            types.as_mut_ptr(),
            values.as_mut_ptr(),
            nulls.as_ptr(),
            mode == Mode::Read,
            0,
        );
        (code, pg_sys::SPI_processed, pg_sys::SPI_tuptable)
    };
    if code < 0 {
        return Err(Failure::internal(format!(
            "a catalog query failed with code {code}"
        )));
    }
    if table.is_null() {
        return Ok((count, Vec::new()));
    }
    // SAFETY: the table of the statement that has just run.
    let rows = unsafe { rows(table) }?;
    Ok((count, rows))
}

/// # Safety
/// `table` is a result of SPI that has not been freed.
unsafe fn rows(table: *mut pg_sys::SPITupleTable) -> Result<Vec<Row>> {
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
