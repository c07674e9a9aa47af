//! Values that travel beside the text of a statement.

use crate::pg::error::{Failure, Result};
use pgrx::{IntoDatum, pg_sys};

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
    pub(super) fn type_oid(&self) -> pg_sys::Oid {
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
    pub(super) fn datum(&self) -> Result<Option<pg_sys::Datum>> {
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
