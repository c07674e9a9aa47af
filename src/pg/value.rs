//! Datums of a user's columns read as [`Value`]s: what a model sees of them.

use super::array::varlena_bytes;
use super::cell::CellKind;
use super::text;
use pglearn_core::pipeline::InputKind;
use pglearn_core::value::Value;
use pgrx::pg_sys;

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;
const SECONDS_PER_DAY: f64 = 86_400.0;

/// A type whose values a model can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// A numeric type or `boolean`.
    Cell(CellKind),
    /// `text`, `varchar`.
    Text,
    /// `character(n)`: without the blanks that pad it.
    BlankPadded,
    /// `name`.
    Name,
    /// `"char"`.
    Char,
    /// An enum: its label.
    Enum,
    /// `date`: midnight UTC; infinite ones are missing, those no timestamp reaches are the nearest one.
    Date,
    /// `timestamp` (taken as UTC) and `timestamptz`; infinite ones are missing.
    Timestamp,
    /// `time`: seconds since midnight.
    Time,
    /// `interval`: seconds as `extract(epoch …)` counts them, a month 30 days, twelve 365.25.
    Interval,
}

impl ValueKind {
    /// The kind of a type; of a domain, that of its base type. `None` where a model cannot read it.
    pub fn of(type_oid: pg_sys::Oid) -> Option<Self> {
        if let Some(kind) = Self::of_base(type_oid) {
            return Some(kind);
        }
        // SAFETY: look-ups in the syscache, for any OID of a type.
        unsafe {
            let base = pg_sys::getBaseType(type_oid);
            if pg_sys::type_is_enum(base) {
                return Some(Self::Enum);
            }
            Self::of_base(base)
        }
    }

    fn of_base(type_oid: pg_sys::Oid) -> Option<Self> {
        if let Some(kind) = CellKind::of(type_oid) {
            return Some(Self::Cell(kind));
        }
        Some(match type_oid {
            pg_sys::TEXTOID | pg_sys::VARCHAROID => Self::Text,
            pg_sys::BPCHAROID => Self::BlankPadded,
            pg_sys::NAMEOID => Self::Name,
            pg_sys::CHAROID => Self::Char,
            pg_sys::DATEOID => Self::Date,
            pg_sys::TIMESTAMPOID | pg_sys::TIMESTAMPTZOID => Self::Timestamp,
            pg_sys::TIMEOID => Self::Time,
            pg_sys::INTERVALOID => Self::Interval,
            _ => return None,
        })
    }

    /// What a model takes such a column for.
    pub fn input_kind(self) -> InputKind {
        match self {
            Self::Cell(CellKind::Bool) => InputKind::Boolean,
            Self::Cell(_) | Self::Time | Self::Interval => InputKind::Number,
            Self::Text | Self::BlankPadded | Self::Name | Self::Char | Self::Enum => {
                InputKind::Text
            }
            Self::Date => InputKind::Date,
            Self::Timestamp => InputKind::Timestamp,
        }
    }

    /// The value of a datum. Text is read in place; where it is stored compressed, out of line or in
    /// another encoding than UTF-8, a copy is made in the current memory context, which the caller
    /// resets now and then.
    ///
    /// # Safety
    /// `datum` is a non-NULL datum of a type of this kind; the value is not used after the datum, or
    /// the current memory context, is gone.
    #[inline]
    pub unsafe fn read<'a>(self, datum: pg_sys::Datum) -> Value<'a> {
        // SAFETY: passed on.
        unsafe {
            match self {
                Self::Cell(kind) => Value::Number(kind.read(datum)),
                _ => self.read_other(datum),
            }
        }
    }

    /// # Safety
    /// As [`read`](Self::read).
    unsafe fn read_other<'a>(self, datum: pg_sys::Datum) -> Value<'a> {
        // SAFETY: the caller vouches for the type; each arm reads as that type is laid out.
        unsafe {
            match self {
                Self::Cell(kind) => Value::Number(kind.read(datum)),
                Self::Text => Value::Text(text::utf8(varlena_bytes(datum))),
                Self::BlankPadded => {
                    Value::Text(text::utf8(varlena_bytes(datum)).trim_end_matches(' '))
                }
                Self::Name => Value::Text(text::c_string(datum.cast_mut_ptr())),
                Self::Char => Value::Text(text::single_byte(datum.value() as u8)),
                Self::Enum => {
                    text::enum_label(pg_sys::Oid::from(datum.value() as u32)).map_or(
                        // Its label is gone, with the type.
                        Value::Missing,
                        Value::Text,
                    )
                }
                Self::Date => date(datum.value() as i32),
                Self::Timestamp => timestamp(datum.value() as i64),
                Self::Time => Value::Number(seconds(datum.value() as i64)),
                Self::Interval => interval(&*datum.cast_mut_ptr::<pg_sys::Interval>()),
            }
        }
    }
}

/// Days since 2000.
fn date(days: i32) -> Value<'static> {
    match days {
        i32::MIN | i32::MAX => Value::Missing,
        days => Value::Time(i64::from(days).saturating_mul(DAY)),
    }
}

/// Microseconds since 2000.
fn timestamp(microseconds: i64) -> Value<'static> {
    match microseconds {
        i64::MIN | i64::MAX => Value::Missing,
        finite => Value::Time(finite),
    }
}

fn seconds(microseconds: i64) -> f64 {
    microseconds as f64 / 1e6
}

fn interval(interval: &pg_sys::Interval) -> Value<'static> {
    let infinite =
        |time, day, month| (interval.time, interval.day, interval.month) == (time, day, month);
    // Infinite intervals came with PostgreSQL 17; nobody means these numbers as finite ones.
    if infinite(i64::MIN, i32::MIN, i32::MIN) || infinite(i64::MAX, i32::MAX, i32::MAX) {
        return Value::Missing;
    }
    let years = f64::from(interval.month / 12) * 365.25;
    let days = years + f64::from(interval.month % 12) * 30.0 + f64::from(interval.day);
    Value::Number(seconds(interval.time) + days * SECONDS_PER_DAY)
}
