//! Values as keys: what decides on which side of a split a row is.

use super::open::Column;
use crate::pg::array::varlena_bytes;
use crate::pg::cell::CellKind;
use crate::pg::value::ValueKind;
use pglearn_core::split::KeyHasher;
use pglearn_core::value::Value;
use pgrx::pg_sys;

/// Bytes of a `uuid`.
const UUID_BYTES: usize = 16;

/// A value as a hash takes it. Equal values of types that convert into each other without loss
/// (`integer`, `bigint` and `numeric`, `varchar` and `text`) are equal keys: the column may be altered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Key<'a> {
    /// NULL.
    Null,
    /// Integers exactly, booleans (0, 1), times, timestamps and dates (their midnight, UTC) in
    /// microseconds.
    Integer(i64),
    /// `real`, `double precision`.
    Float(f64),
    /// Strings (the label of an enum, `character(n)` without padding), `uuid`, `bytea`.
    Bytes(&'a [u8]),
    /// What the type's own hash function gives: equal for equal values (`1.0` and `1.00`).
    Hash(u64),
}

impl Key<'_> {
    /// Adds it to the hash of a row's key.
    #[inline]
    pub fn feed(self, hasher: &mut KeyHasher) {
        match self {
            Self::Null => hasher.null(),
            Self::Integer(value) => hasher.integer(value),
            Self::Float(value) => hasher.float(value),
            Self::Bytes(bytes) => hasher.bytes(bytes),
            Self::Hash(hash) => hasher.bytes(&hash.to_le_bytes()),
        }
    }
}

/// How a type becomes a key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hash {
    /// As [`read`] knows.
    Direct,
    /// By the type's own function.
    Function(*mut pg_sys::FmgrInfo),
}

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// Numbers below are doubles if they are whole.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// How a base type becomes a key; `None` where it cannot.
pub(super) fn hash_function(type_oid: pg_sys::Oid) -> Option<Hash> {
    let direct = match ValueKind::of(type_oid) {
        Some(ValueKind::Cell(CellKind::Numeric) | ValueKind::Interval) => false,
        Some(_) => true,
        None => matches!(type_oid, pg_sys::UUIDOID | pg_sys::BYTEAOID),
    };
    if direct {
        return Some(Hash::Direct);
    }
    // SAFETY: the entry of the type cache lives for the whole session.
    unsafe {
        let flag = pg_sys::TYPECACHE_HASH_EXTENDED_PROC_FINFO as i32;
        let entry = pg_sys::lookup_type_cache(type_oid, flag);
        let function = &raw mut (*entry).hash_extended_proc_finfo;
        ((*function).fn_oid != pg_sys::InvalidOid).then_some(Hash::Function(function))
    }
}

/// The key of a datum.
///
/// # Safety
/// A non-NULL datum of the column's type; what is allocated goes into the current memory context.
pub(super) unsafe fn read<'a>(column: &Column, hash: Hash, datum: pg_sys::Datum) -> Key<'a> {
    // SAFETY: the caller vouches for the type; each arm reads as that type is laid out.
    unsafe {
        if let Some(kind @ ValueKind::Cell(CellKind::Numeric)) = column.kind
            && let Value::Number(number) = kind.read(datum)
            && number.abs() < EXACT
            && number.fract() == 0.0
        {
            // As an integer hashes: the column may have been one. Neighbours that are rounded to it
            // share its side, no more.
            return Key::Float(number);
        }
        if let Hash::Function(function) = hash {
            let seed = pg_sys::Datum::from(0);
            let hash = pg_sys::FunctionCall2Coll(function, column.collation, datum, seed);
            return Key::Hash(hash.value() as u64);
        }
        let bits = datum.value();
        match column.kind {
            Some(ValueKind::Cell(kind @ (CellKind::Float8 | CellKind::Float4))) => {
                Key::Float(kind.read(datum))
            }
            Some(ValueKind::Cell(CellKind::Int2)) => Key::Integer(i64::from(bits as i16)),
            Some(ValueKind::Cell(CellKind::Int4)) => Key::Integer(i64::from(bits as i32)),
            // As the timestamp that the column may become.
            Some(ValueKind::Date) => Key::Integer(i64::from(bits as i32).saturating_mul(DAY)),
            Some(ValueKind::Cell(CellKind::Bool)) => Key::Integer(i64::from(bits & 0xff != 0)),
            Some(ValueKind::Cell(_) | ValueKind::Timestamp | ValueKind::Time) => {
                Key::Integer(bits as i64)
            }
            Some(kind) => match kind.read(datum) {
                Value::Text(text) => Key::Bytes(text.as_bytes()),
                _ => Key::Null,
            },
            None if column.type_oid == pg_sys::UUIDOID => {
                Key::Bytes(std::slice::from_raw_parts(datum.cast_mut_ptr(), UUID_BYTES))
            }
            None => Key::Bytes(varlena_bytes(datum)),
        }
    }
}
