//! The elements of an array of any type a model reads, one after the other, where they stand.

use super::array::ArrayView;
use super::cell::CellKind;
use super::jsonb::{varlena, varlena_length};
use super::value::ValueKind;
use super::{numeric, text};
use pglearn_core::value::Value;
use pgrx::pg_sys;

/// The type of an array type's elements, through domains; `None` where it is no array.
pub fn element_type(type_oid: pg_sys::Oid) -> Option<pg_sys::Oid> {
    // SAFETY: look-ups in the syscache.
    let element = unsafe { pg_sys::get_base_element_type(type_oid) };
    (element != pg_sys::InvalidOid).then_some(element)
}

/// How elements of a kind are stored: their length (`None`: each its own) and alignment.
fn storage(kind: ValueKind) -> (Option<usize>, usize) {
    match kind {
        ValueKind::Cell(CellKind::Numeric) | ValueKind::Text | ValueKind::BlankPadded => (None, 4),
        ValueKind::Cell(cell) => (Some(cell.width()), cell.width()),
        ValueKind::Name => (Some(pg_sys::NAMEDATALEN as usize), 1),
        ValueKind::Char => (Some(1), 1),
        ValueKind::Enum | ValueKind::Date => (Some(4), 4),
        ValueKind::Timestamp | ValueKind::Time => (Some(8), 8),
        ValueKind::Interval => (Some(size_of::<pg_sys::Interval>()), 8),
    }
}

/// Calls `each` with the number and the value of every element; NULL is missing. `false` where the
/// array's bytes end too early.
///
/// The array's elements are of a type of this kind: those of another are read as other values, never
/// beyond the array. Copies that had to be made live in the current memory context.
pub fn each<'a, E>(
    array: &ArrayView<'a>,
    kind: ValueKind,
    mut each: impl FnMut(usize, Value<'a>) -> Result<(), E>,
) -> Result<bool, E> {
    let (fixed, alignment) = storage(kind);
    let mut at = 0usize;
    for i in 0..array.len {
        if array.is_null(i) {
            each(i, Value::Missing)?;
            continue;
        }
        at = at.next_multiple_of(alignment);
        let Some(rest) = array.payload.get(at..) else {
            return Ok(false);
        };
        let length = match fixed {
            Some(length) => Some(length),
            None => varlena_length(rest).map(|(length, _)| length),
        };
        let Some(bytes) = length.and_then(|length| rest.get(..length)) else {
            return Ok(false);
        };
        each(i, element(bytes, kind))?;
        at += bytes.len();
    }
    Ok(true)
}

/// The value of the bytes of a whole element, at any alignment.
fn element<'a>(bytes: &'a [u8], kind: ValueKind) -> Value<'a> {
    let text = || text::of_server(varlena(bytes).unwrap_or_default());
    match kind {
        ValueKind::Cell(CellKind::Numeric) => {
            Value::Number(numeric::to_double(varlena(bytes).unwrap_or_default()))
        }
        ValueKind::Text => Value::Text(text()),
        ValueKind::BlankPadded => Value::Text(text().trim_end_matches(' ')),
        ValueKind::Name => {
            let length = bytes.iter().position(|byte| *byte == 0);
            Value::Text(text::of_server(&bytes[..length.unwrap_or(bytes.len())]))
        }
        ValueKind::Interval => {
            // SAFETY: plain data of that many bytes, copied to where it is aligned.
            let interval: pg_sys::Interval =
                unsafe { bytes.as_ptr().cast::<pg_sys::Interval>().read_unaligned() };
            // SAFETY: a pointer to an interval, which is read at once.
            unsafe { kind.read(pg_sys::Datum::from(&raw const interval)) }
        }
        _ => {
            // By value: its reader looks at the low bytes of a datum.
            let mut word = [0; 8];
            let length = bytes.len().min(word.len());
            let start = if cfg!(target_endian = "little") {
                0
            } else {
                word.len() - length
            };
            word[start..start + length].copy_from_slice(&bytes[..length]);
            // SAFETY: a datum of the kind.
            unsafe { kind.read(pg_sys::Datum::from(u64::from_ne_bytes(word))) }
        }
    }
}
