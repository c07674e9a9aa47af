//! One-dimensional arrays read in place: no copy, no deconstruction, short headers included.

use super::cell::CellKind;
use pgrx::pg_sys;

/// The bytes behind a varlena's header, detoasted into the current context only where the value is
/// compressed or stored out of line.
///
/// # Safety
/// `datum` is a non-NULL datum of a varlena type. The bytes live as long as the datum, or, where a
/// copy had to be made, as long as the current memory context.
#[inline]
pub unsafe fn varlena_bytes<'a>(datum: pg_sys::Datum) -> &'a [u8] {
    // SAFETY: the caller vouches for a valid varlena; the macros' twins read its header only.
    unsafe {
        let mut pointer: *const pg_sys::varlena = datum.cast_mut_ptr();
        let first = *pointer.cast::<u8>();
        // Short header of an inline value (odd first byte, but 1 means a toast pointer) or a plain
        // 4-byte header: readable where it stands.
        let in_place = (first & 1 == 1 && first != 1) || is_plain(pointer);
        if !in_place {
            pointer = pg_sys::pg_detoast_datum_packed(pointer.cast_mut());
        }
        let length = pgrx::varsize_any_exhdr(pointer);
        std::slice::from_raw_parts(pgrx::vardata_any(pointer).cast(), length)
    }
}

/// A varlena of these bytes, in the current memory context.
pub fn varlena(bytes: &[u8]) -> pg_sys::Datum {
    let length = bytes.len() + pg_sys::VARHDRSZ;
    // SAFETY: as many bytes as the header and the content take; palloc refuses what is too long.
    unsafe {
        let pointer: *mut pg_sys::varlena = pg_sys::palloc(length).cast();
        pgrx::set_varsize_4b(pointer, length as i32);
        let content = pointer.cast::<u8>().add(pg_sys::VARHDRSZ);
        content.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        pg_sys::Datum::from(pointer)
    }
}

/// Whether a varlena has a 4-byte header and its content behind it.
///
/// # Safety
/// `datum` is a varlena.
#[inline]
pub unsafe fn is_plain(datum: *const pg_sys::varlena) -> bool {
    // SAFETY: a varlena has a first byte; its low two bits are zero (on little-endian machines) for
    // a plain header.
    unsafe { *datum.cast::<u8>() & 3 == 0 }
}

/// The header and the payload of an array of a given element kind.
#[derive(Debug, Clone, Copy)]
pub struct ArrayView<'a> {
    /// Number of dimensions.
    pub dimensions: i32,
    /// Number of elements.
    pub len: usize,
    /// Whether an element is NULL.
    pub has_null: bool,
    /// The elements' bytes, at any alignment.
    pub payload: &'a [u8],
    /// A bit an element, 0 for NULL; empty where no element can be.
    bitmap: &'a [u8],
}

impl<'a> ArrayView<'a> {
    /// Reads the header of a varlena array's bytes; `None` where they are too short for what they claim.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let word = |at: usize| -> Option<i32> {
            bytes
                .get(at..at + 4)?
                .try_into()
                .ok()
                .map(i32::from_ne_bytes)
        };
        let dimensions = word(0)?;
        let offset = word(4)?;
        if dimensions == 0 {
            return Some(Self {
                dimensions,
                len: 0,
                has_null: false,
                payload: &[],
                bitmap: &[],
            });
        }
        let count = usize::try_from(dimensions).ok()?;
        let mut len: usize = 1;
        for dimension in 0..count {
            len = len.checked_mul(usize::try_from(word(12 + 4 * dimension)?).ok()?)?;
        }
        // The layout counts from the 4-byte length word, which `bytes` no longer has.
        let overhead = 16 + 8 * count;
        if offset == 0 {
            let data = overhead.next_multiple_of(8) - 4;
            return Some(Self {
                dimensions,
                len,
                has_null: false,
                payload: bytes.get(data..)?,
                bitmap: &[],
            });
        }
        let bitmap = bytes.get(overhead - 4..overhead - 4 + len.div_ceil(8))?;
        let has_null = (0..len).any(|i| bitmap[i / 8] & (1 << (i % 8)) == 0);
        let payload = bytes.get(usize::try_from(offset).ok()?.checked_sub(4)?..)?;
        Some(Self {
            dimensions,
            len,
            has_null,
            payload,
            bitmap,
        })
    }

    /// Whether an element is NULL.
    #[inline]
    pub fn is_null(&self, at: usize) -> bool {
        let byte = self.bitmap.get(at / 8);
        byte.is_some_and(|byte| byte & (1 << (at % 8)) == 0)
    }

    /// The elements' bytes cut to their number, for a fixed-width kind.
    #[inline]
    pub fn fixed(&self, kind: CellKind) -> Option<&'a [u8]> {
        self.payload.get(..self.len.checked_mul(kind.width())?)
    }
}

/// The elements of a `numeric[]` without NULLs.
///
/// # Safety
/// `datum` is a non-NULL `numeric[]`.
pub unsafe fn numeric_elements(datum: pg_sys::Datum, mut each: impl FnMut(f64)) {
    // SAFETY: passed on.
    unsafe {
        deconstruct(datum, CellKind::Numeric, |value| {
            each(value.unwrap_or(f64::NAN))
        })
    };
}

/// Appends the elements of an array, NaN for a NULL: the way where they do not lie side by side.
///
/// # Safety
/// `datum` is a non-NULL array of elements of this kind.
pub unsafe fn elements(datum: pg_sys::Datum, kind: CellKind, out: &mut Vec<f64>) {
    // SAFETY: passed on.
    unsafe { deconstruct(datum, kind, |value| out.push(value.unwrap_or(f64::NAN))) };
}

/// # Safety
/// As [`elements`].
unsafe fn deconstruct(datum: pg_sys::Datum, kind: CellKind, mut each: impl FnMut(Option<f64>)) {
    let (mut values, mut nulls) = (std::ptr::null_mut(), std::ptr::null_mut());
    let mut count = 0;
    // SAFETY: the array's own element type (of a domain too) has the layout that the server states.
    unsafe {
        let array: *mut pg_sys::ArrayType = pg_sys::pg_detoast_datum(datum.cast_mut_ptr()).cast();
        let (mut length, mut by_value, mut align) = (0, false, 0);
        let element = (*array).elemtype;
        pg_sys::get_typlenbyvalalign(element, &mut length, &mut by_value, &mut align);
        pg_sys::deconstruct_array(
            array,
            element,
            i32::from(length),
            by_value,
            align,
            &mut values,
            &mut nulls,
            &mut count,
        );
        for i in 0..usize::try_from(count).unwrap_or(0) {
            each((!*nulls.add(i)).then(|| kind.read(*values.add(i))));
        }
    }
}
