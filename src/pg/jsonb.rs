//! `jsonb` walked where it stands: the members of an object by name, without building a map.
//!
//! The layout is that of PostgreSQL's `jsonb.h`: a header (number of members and flags), an entry for
//! each key, then for each value, then their bytes. Keys are sorted by length, then by bytes. An entry
//! has the length of its bytes or, every so often, where they end. Nothing in the bytes is trusted:
//! what does not fit is reported as damage.

use super::numeric;
use pgrx::pg_sys;
use std::cmp::Ordering;

/// Damage: bytes that are no `jsonb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damaged;

type Result<T> = std::result::Result<T, Damaged>;

/// A value inside a `jsonb`.
#[derive(Debug, Clone, Copy)]
pub enum Json<'a> {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number.
    Number(Number<'a>),
    /// A string, in the database's encoding.
    String(&'a [u8]),
    /// An array.
    Array(Container<'a>),
    /// An object.
    Object(Container<'a>),
}

/// A `numeric` inside a `jsonb`.
#[derive(Debug, Clone, Copy)]
pub struct Number<'a>(&'a [u8]);

impl<'a> Number<'a> {
    /// The nearest double.
    #[inline]
    pub fn to_double(self) -> f64 {
        numeric::to_double(varlena(self.0).unwrap_or_default())
    }

    /// The number as PostgreSQL writes it, in the current memory context.
    pub fn to_text(self) -> &'a str {
        // SAFETY: an aligned copy of a numeric, of the size that its header says; its output function
        // gives a NUL-terminated text of digits.
        unsafe {
            let copy: *mut u8 = pg_sys::palloc(self.0.len()).cast();
            copy.copy_from_nonoverlapping(self.0.as_ptr(), self.0.len());
            let datum = pg_sys::Datum::from(copy);
            pgrx::direct_function_call_as_datum(pg_sys::numeric_out, &[Some(datum)])
                .map_or("", |text| super::text::c_string(text.cast_mut_ptr()))
        }
    }
}

/// The bytes behind the header of a varlena that is neither compressed nor out of line.
#[inline]
pub(super) fn varlena(bytes: &[u8]) -> Option<&[u8]> {
    let (length, header) = varlena_length(bytes)?;
    bytes.get(header..length)
}

/// Length of a varlena with its header, and of the header.
#[inline]
pub(super) fn varlena_length(bytes: &[u8]) -> Option<(usize, usize)> {
    let first = *bytes.first()?;
    if first & 1 == 1 {
        return (first != 1).then_some((usize::from(first >> 1), 1));
    }
    let word = u32::from_ne_bytes(*bytes.first_chunk()?);
    (first & 3 == 0).then_some(((word >> 2) as usize, 4))
}

/// An array or an object.
#[derive(Debug, Clone, Copy)]
pub struct Container<'a> {
    header: u32,
    /// One an element, or a key and then one a value.
    entries: &'a [[u8; 4]],
    data: &'a [u8],
}

const WORD: usize = 4;

/// Entries are 28 bits of a length or an end, 3 of a type, 1 that tells which.
fn type_of(entry: u32) -> u32 {
    entry & pg_sys::JENTRY_TYPEMASK
}

impl<'a> Container<'a> {
    /// Reads the header of a `jsonb` (what follows its varlena header) or of a container in it.
    ///
    /// # Errors
    /// [`Damaged`].
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let (head, rest) = bytes.split_first_chunk::<WORD>().ok_or(Damaged)?;
        let header = u32::from_ne_bytes(*head);
        let count = (header & pg_sys::JB_CMASK) as usize;
        let entries = match header & pg_sys::JB_FOBJECT {
            0 => count,
            _ => 2 * count,
        };
        if entries * WORD > rest.len() {
            return Err(Damaged);
        }
        let (entries, data) = rest.split_at(entries * WORD);
        Ok(Self {
            header,
            entries: entries.as_chunks().0,
            data,
        })
    }

    /// Whether it is an object, and not an array or a lone scalar.
    #[inline]
    pub fn is_object(&self) -> bool {
        self.header & pg_sys::JB_FOBJECT != 0
    }

    /// Whether it is no array but the shell of a lone scalar.
    pub fn is_scalar(&self) -> bool {
        self.header & pg_sys::JB_FSCALAR != 0
    }

    /// Members, or elements.
    #[inline]
    pub fn len(&self) -> usize {
        (self.header & pg_sys::JB_CMASK) as usize
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    fn entry(&self, at: usize) -> u32 {
        self.entries
            .get(at)
            .map_or(0, |entry| u32::from_ne_bytes(*entry))
    }

    /// Where the bytes of an entry end, given where they begin.
    #[inline]
    fn end(entry: u32, begin: usize) -> usize {
        let number = (entry & pg_sys::JENTRY_OFFLENMASK) as usize;
        if entry & pg_sys::JENTRY_HAS_OFF != 0 {
            number
        } else {
            begin + number
        }
    }

    /// Where the bytes of an entry begin.
    fn begin(&self, at: usize) -> usize {
        // Back to an entry that says where it ends.
        let known = (0..at)
            .rev()
            .find(|i| self.entry(*i) & pg_sys::JENTRY_HAS_OFF != 0);
        let first = known.unwrap_or(0);
        (first..at).fold(0, |begin, i| Self::end(self.entry(i), begin))
    }

    #[inline]
    fn json(&self, entry: u32, begin: usize, end: usize) -> Result<Json<'a>> {
        let bytes = |from: usize| self.data.get(from..end).ok_or(Damaged);
        Ok(match type_of(entry) {
            pg_sys::JENTRY_ISNUMERIC => {
                let number = bytes(begin.next_multiple_of(WORD))?;
                let (length, _) = varlena_length(number).ok_or(Damaged)?;
                Json::Number(Number(number.get(..length).ok_or(Damaged)?))
            }
            pg_sys::JENTRY_ISSTRING => Json::String(bytes(begin)?),
            pg_sys::JENTRY_ISBOOL_TRUE => Json::Bool(true),
            pg_sys::JENTRY_ISBOOL_FALSE => Json::Bool(false),
            pg_sys::JENTRY_ISNULL => Json::Null,
            pg_sys::JENTRY_ISCONTAINER => {
                let inner = Self::parse(bytes(begin.next_multiple_of(WORD))?)?;
                if inner.is_object() {
                    Json::Object(inner)
                } else {
                    Json::Array(inner)
                }
            }
            _ => return Err(Damaged),
        })
    }

    /// Calls `found` with each of an object's members that are named, and the number of its name.
    /// The names are sorted as the keys are, by [`key_order`], without repetition. The number of the
    /// first name that the object does not have, if there is one.
    ///
    /// # Errors
    /// [`Damaged`], turned into an error of the caller's; those of `found`.
    #[inline]
    pub fn members<E: From<Damaged>>(
        &self,
        names: &[impl AsRef<[u8]>],
        mut found: impl FnMut(usize, Json<'a>) -> std::result::Result<(), E>,
    ) -> std::result::Result<Option<usize>, E> {
        let count = self.len();
        let (mut key_begin, mut value_begin) = (0, self.begin(count));
        let mut names = names.iter().enumerate();
        let Some(mut wanted) = names.next() else {
            return Ok(None);
        };
        for at in 0..count {
            let (key_entry, value_entry) = (self.entry(at), self.entry(count + at));
            let key_end = Self::end(key_entry, key_begin);
            let value_end = Self::end(value_entry, value_begin);
            let key = self.data.get(key_begin..key_end).ok_or(Damaged)?;
            match key_order(wanted.1.as_ref(), key) {
                Ordering::Less => return Ok(Some(wanted.0)),
                Ordering::Greater => {}
                Ordering::Equal => {
                    found(wanted.0, self.json(value_entry, value_begin, value_end)?)?;
                    match names.next() {
                        Some(next) => wanted = next,
                        None => return Ok(None),
                    }
                }
            }
            (key_begin, value_begin) = (key_end, value_end);
        }
        Ok(Some(wanted.0))
    }

    /// The keys of an object.
    pub fn keys(&self) -> impl Iterator<Item = &'a [u8]> {
        let mut begin = 0;
        let container = *self;
        (0..if self.is_object() { self.len() } else { 0 }).map_while(move |at| {
            let end = Self::end(container.entry(at), begin);
            let key = container.data.get(begin..end);
            begin = end;
            key
        })
    }

    /// Calls `found` with each element of an array and its number.
    ///
    /// # Errors
    /// As [`members`](Self::members).
    pub fn elements<E: From<Damaged>>(
        &self,
        mut found: impl FnMut(usize, Json<'a>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let mut begin = 0;
        for at in 0..self.len() {
            let entry = self.entry(at);
            let end = Self::end(entry, begin);
            found(at, self.json(entry, begin, end)?)?;
            begin = end;
        }
        Ok(())
    }
}

/// The order of an object's keys.
#[inline]
pub fn key_order(a: &[u8], b: &[u8]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}
