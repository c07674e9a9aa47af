//! Text of the server as Rust's UTF-8.

use pgrx::pg_sys;
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, c_char};

/// The one-byte strings of ASCII.
const ASCII: [u8; 128] = {
    let mut bytes = [0; 128];
    let mut i = 0;
    while i < bytes.len() {
        bytes[i] = i as u8;
        i += 1;
    }
    bytes
};

/// Bytes in the database's encoding as UTF-8: in place where they are, else a copy in the current
/// memory context.
///
/// # Safety
/// `bytes` are text of the database's encoding; the result is not used after them, or after the
/// current memory context.
#[inline]
pub unsafe fn utf8(bytes: &[u8]) -> &str {
    // SAFETY: an integer set when the session connects.
    let encoding = unsafe { pg_sys::GetDatabaseEncoding() };
    let same = encoding == pg_sys::pg_enc::PG_UTF8 as i32;
    if let Ok(text) = std::str::from_utf8(bytes)
        && (same || bytes.is_ascii())
    {
        return text;
    }
    // SAFETY: passed on.
    unsafe { converted(bytes) }
}

/// [`utf8`] of bytes that PostgreSQL knows to be text; a copy that has to be made lives in the current
/// memory context.
#[inline]
pub fn of_server(bytes: &[u8]) -> &str {
    // SAFETY: bytes of another encoding are reported by PostgreSQL, never read beyond their end.
    unsafe { utf8(bytes) }
}

/// Text in the database's encoding: in place where that is UTF-8.
pub fn in_server(text: &str) -> Cow<'_, [u8]> {
    // SAFETY: an integer set when the session connects.
    let encoding = unsafe { pg_sys::GetDatabaseEncoding() };
    if encoding == pg_sys::pg_enc::PG_UTF8 as i32 {
        return Cow::Borrowed(text.as_bytes());
    }
    Cow::Owned(server_bytes(text))
}

/// Text in the database's encoding.
pub fn server_bytes(text: &str) -> Vec<u8> {
    // SAFETY: a text datum of our own making.
    unsafe { super::array::varlena_bytes(datum(text)) }.to_vec()
}

/// # Safety
/// As [`utf8`].
#[cold]
unsafe fn converted<'a>(bytes: &'a [u8]) -> &'a str {
    // SAFETY: verifies where it does not convert, and raises 22021 or 22P05 where it cannot; a
    // converted copy ends in NUL.
    let converted: &'a [u8] = unsafe {
        let start = bytes.as_ptr().cast::<c_char>();
        let utf8 = pg_sys::pg_enc::PG_UTF8 as i32;
        let length = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
        let copy = pg_sys::pg_server_to_any(start, length, utf8);
        if std::ptr::eq(copy, start) {
            bytes
        } else {
            CStr::from_ptr(copy).to_bytes()
        }
    };
    match std::str::from_utf8(converted) {
        Ok(text) => text,
        Err(invalid) => {
            // Bytes that never were text of this encoding: what is valid before them.
            std::str::from_utf8(&converted[..invalid.valid_up_to()]).unwrap_or("")
        }
    }
}

/// A `text` datum in the current memory context, in the database's encoding.
///
/// # Safety
/// The datum is not used after the current memory context.
pub unsafe fn datum(text: &str) -> pg_sys::Datum {
    // SAFETY: PostgreSQL copies, and where the encodings differ converts first (22P05 where it cannot).
    unsafe {
        let start = text.as_ptr().cast::<c_char>();
        let length = i32::try_from(text.len()).unwrap_or(i32::MAX);
        let converted = pg_sys::pg_any_to_server(start, length, pg_sys::pg_enc::PG_UTF8 as i32);
        pg_sys::Datum::from(if std::ptr::eq(converted, start) {
            pg_sys::cstring_to_text_with_len(start, length)
        } else {
            pg_sys::cstring_to_text(converted)
        })
    }
}

/// A NUL-terminated text of the server.
///
/// # Safety
/// As [`utf8`]; `text` ends in NUL.
pub unsafe fn c_string<'a>(text: *const c_char) -> &'a str {
    // SAFETY: passed on.
    unsafe { utf8(CStr::from_ptr(text).to_bytes()) }
}

/// The text of a `"char"`.
///
/// # Safety
/// The result is not used after the current memory context.
pub unsafe fn single_byte<'a>(byte: u8) -> &'a str {
    match (byte, ASCII.get(usize::from(byte)..=usize::from(byte))) {
        (0, _) => "",
        (_, Some(text)) => std::str::from_utf8(text).unwrap_or(""),
        (_, None) => {
            // SAFETY: the output function of "char" on one of its datums.
            unsafe {
                let datum = pg_sys::Datum::from(byte as i8);
                pgrx::direct_function_call_as_datum(pg_sys::charout, &[Some(datum)])
                    .map_or("", |text| c_string(text.cast_mut_ptr()))
            }
        }
    }
}

/// Microseconds since 2000 as the session writes a timestamp, or a date.
pub fn time_text(microseconds: i64, date: bool) -> String {
    const DAY: i64 = 86_400_000_000;
    // SAFETY: output functions on datums of their types; the text ends in NUL.
    unsafe {
        let text = if date {
            let days = microseconds.div_euclid(DAY) as i32;
            pgrx::direct_function_call_as_datum(pg_sys::date_out, &[Some(days.into())])
        } else {
            let datum = pg_sys::Datum::from(microseconds);
            pgrx::direct_function_call_as_datum(pg_sys::timestamp_out, &[Some(datum)])
        };
        text.map_or_else(String::new, |text| c_string(text.cast_mut_ptr()).to_owned())
    }
}

/// Labels of enums by their OIDs. Each text is kept for the life of the session (there are no more of
/// them than the database has labels), so that a value may be used after a label was renamed.
#[derive(Default)]
struct Labels {
    watched: bool,
    by_oid: HashMap<u32, &'static str>,
    texts: HashSet<&'static str>,
}

thread_local! {
    static LABELS: RefCell<Labels> = RefCell::default();
}

/// The label of an enum's value; `None` where there is no such value any more.
///
/// # Safety
/// Called in a transaction.
pub unsafe fn enum_label(oid: pg_sys::Oid) -> Option<&'static str> {
    let known = LABELS.with_borrow(|labels| labels.by_oid.get(&oid.to_u32()).copied());
    if known.is_some() {
        return known;
    }
    // SAFETY: passed on.
    unsafe { look_up(oid) }
}

/// # Safety
/// As [`enum_label`].
#[cold]
unsafe fn look_up(oid: pg_sys::Oid) -> Option<&'static str> {
    const ENUMS: i32 = pg_sys::SysCacheIdentifier::ENUMOID as i32;
    // SAFETY: a callback that lives as long as the library, registered once a session; a syscache
    // tuple is valid until released, and its label is a NameData.
    unsafe {
        if !LABELS.with_borrow_mut(|labels| std::mem::replace(&mut labels.watched, true)) {
            pg_sys::CacheRegisterSyscacheCallback(ENUMS, Some(forget), pg_sys::Datum::from(0));
        }
        let tuple = pg_sys::SearchSysCache1(ENUMS, pg_sys::Datum::from(oid));
        if tuple.is_null() {
            return None;
        }
        let row: *const pg_sys::FormData_pg_enum = pg_sys::GETSTRUCT(tuple).cast();
        let text = c_string((&raw const (*row).enumlabel.data).cast()).to_owned();
        pg_sys::ReleaseSysCache(tuple);
        Some(LABELS.with_borrow_mut(|labels| {
            let text = match labels.texts.get(text.as_str()) {
                Some(text) => *text,
                None => {
                    let text: &'static str = text.leak();
                    labels.texts.insert(text);
                    text
                }
            };
            labels.by_oid.insert(oid.to_u32(), text);
            text
        }))
    }
}

/// A label was added or renamed, or a type dropped.
unsafe extern "C-unwind" fn forget(_: pg_sys::Datum, _: i32, _: u32) {
    LABELS.with(|labels| {
        if let Ok(mut labels) = labels.try_borrow_mut() {
            labels.by_oid.clear();
        }
    });
}
