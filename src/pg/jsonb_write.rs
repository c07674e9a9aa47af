//! `jsonb` made byte by byte, without JSON text in between: for what is written once a statement.
//!
//! The layout is that of [`jsonb`](super::jsonb), and of a `numeric` that of [`numeric`](super::numeric). The
//! result is what PostgreSQL's own input makes of the same JSON, to the byte.

use super::error::{Failure, Result};
use super::jsonb::key_order;
use super::table::Cell;
use pgrx::pg_sys;
use std::borrow::Cow;

/// A JSON value to be written. Texts are in the database's encoding.
#[derive(Debug, Clone, PartialEq)]
pub enum Document<'a> {
    /// `null`
    Null,
    /// A finite number, with the shortest digits that give it back.
    Number(f64),
    /// A whole number.
    Count(u64),
    /// A string.
    Text(Cow<'a, [u8]>),
    /// An object, of whose members with the same name the first one counts.
    Object(Vec<(Cow<'a, [u8]>, Document<'a>)>),
}

const WORD: usize = 4;
/// Of so many entries one says where its bytes end instead of how many they are (`JB_OFFSET_STRIDE`).
const STRIDE: usize = 32;
const BASE: u64 = 10_000;

impl Document<'_> {
    /// An object as a `jsonb` in the current memory context.
    ///
    /// # Errors
    /// 54000 for more than 256 MB.
    pub fn cell(self) -> Result<Cell> {
        let mut writer = Writer {
            out: Vec::with_capacity(1024),
            last: None,
        };
        writer.write(self)?;
        Ok(Cell::typed(
            super::array::varlena(&writer.out),
            pgrx::pg_sys::JSONBOID,
        ))
    }
}

/// A `jsonb` while it is written.
struct Writer {
    out: Vec<u8>,
    /// The last double and where it stands: mean, minimum and maximum of one row are the same.
    last: Option<(f64, usize, usize)>,
}

impl Writer {
    /// Appends the bytes, padding in front included; the entry that tells of them.
    fn write(&mut self, document: Document<'_>) -> Result<u32> {
        let begin = self.out.len();
        let kind = match document {
            Document::Null => pg_sys::JENTRY_ISNULL,
            Document::Number(number) => {
                pad(&mut self.out);
                self.write_number(number);
                pg_sys::JENTRY_ISNUMERIC
            }
            Document::Count(count) => {
                pad(&mut self.out);
                write_whole(&mut self.out, count, false);
                pg_sys::JENTRY_ISNUMERIC
            }
            Document::Text(text) => {
                self.out.extend_from_slice(&text);
                pg_sys::JENTRY_ISSTRING
            }
            Document::Object(members) => {
                pad(&mut self.out);
                self.write_object(members)?;
                pg_sys::JENTRY_ISCONTAINER
            }
        };
        Ok(kind | length(self.out.len() - begin)?)
    }

    fn write_number(&mut self, number: f64) {
        let start = self.out.len();
        match self.last {
            Some((last, from, to)) if last == number => self.out.extend_from_within(from..to),
            _ => {
                write_double(&mut self.out, number);
                self.last = Some((number, start, self.out.len()));
            }
        }
    }

    fn write_object(&mut self, mut members: Vec<(Cow<'_, [u8]>, Document<'_>)>) -> Result<()> {
        members.sort_by(|a, b| key_order(&a.0, &b.0));
        members.dedup_by(|later, earlier| later.0 == earlier.0);
        let count = members.len();
        let header = length(count)? | pg_sys::JB_FOBJECT;
        self.out.extend(header.to_ne_bytes());
        let mut entries = Entries {
            next: self.out.len(),
            count: 0,
            total: 0,
        };
        self.out.resize(entries.next + 2 * count * WORD, 0);
        for (key, _) in &members {
            self.out.extend_from_slice(key);
            let entry = pg_sys::JENTRY_ISSTRING | length(key.len())?;
            entries.enter(&mut self.out, entry)?;
        }
        for (_, value) in members {
            let entry = self.write(value)?;
            entries.enter(&mut self.out, entry)?;
        }
        Ok(())
    }
}

/// The entries of an object, in front of the bytes that they tell of.
struct Entries {
    /// Where the next one stands.
    next: usize,
    /// How many have been entered.
    count: usize,
    /// The bytes that they tell of.
    total: usize,
}

impl Entries {
    fn enter(&mut self, out: &mut [u8], entry: u32) -> Result<()> {
        self.total += (entry & pg_sys::JENTRY_OFFLENMASK) as usize;
        let entry = match self.count % STRIDE {
            0 => {
                let kind = entry & pg_sys::JENTRY_TYPEMASK;
                kind | length(self.total)? | pg_sys::JENTRY_HAS_OFF
            }
            _ => entry,
        };
        out[self.next..self.next + WORD].copy_from_slice(&entry.to_ne_bytes());
        self.next += WORD;
        self.count += 1;
        Ok(())
    }
}

fn length(bytes: usize) -> Result<u32> {
    let found = u32::try_from(bytes).ok();
    found
        .filter(|bytes| *bytes <= pg_sys::JENTRY_OFFLENMASK)
        .ok_or_else(|| {
            Failure::new(
                pgrx::PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
                format!("{bytes} bytes are too many for a jsonb"),
            )
        })
}

fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(WORD), 0);
}

/// A finite double as a `numeric` with its header.
fn write_double(out: &mut Vec<u8>, number: f64) {
    let size = number.abs();
    // Whole numbers up to 2^53 are what their digits say.
    if size <= 9_007_199_254_740_992.0 && size == size.trunc() {
        return write_whole(out, size as u64, number < 0.0);
    }
    let text = format!("{size:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = mantissa.bytes().filter(u8::is_ascii_digit);
    // The power of ten of the first digit, in its word of base 10,000.
    let weight = exponent.div_euclid(4);
    let mut place = exponent.rem_euclid(4);
    let mut words = [0_u16; 8];
    let (mut used, mut count) = (0, 0);
    for digit in digits {
        if place < 0 {
            used += 1;
            place = 3;
        }
        // At most 17 digits, and 3 zeros in front.
        words[used] += u16::from(digit - b'0') * 10_u16.pow(place as u32);
        place -= 1;
        count += 1;
    }
    let scale = (count - 1 - exponent).max(0);
    write_numeric(out, number < 0.0, weight, scale, &words[..=used]);
}

/// A whole number as a `numeric` with its header.
fn write_whole(out: &mut Vec<u8>, number: u64, negative: bool) {
    let mut words = [0_u16; 5];
    let (mut rest, mut first) = (number, words.len());
    while rest > 0 {
        first -= 1;
        words[first] = (rest % BASE) as u16;
        rest /= BASE;
    }
    let words = &words[first..];
    let weight = (words.len() as i32 - 1).max(0);
    write_numeric(out, negative, weight, 0, words);
}

/// The words of base 10,000, the first of which is not 0, unless there is none.
fn write_numeric(out: &mut Vec<u8>, negative: bool, weight: i32, scale: i32, words: &[u16]) {
    let kept = words
        .iter()
        .rposition(|word| *word != 0)
        .map_or(0, |last| last + 1);
    let words = &words[..kept];
    let short = (-64..64).contains(&weight) && scale < 64;
    let header = if short { 2 } else { 4 };
    let size = WORD + header + 2 * words.len();
    // The header of a varlena, as its macros write it.
    let start = out.len();
    out.resize(start + WORD, 0);
    set_size(&mut out[start..], size);
    if short {
        let sign = if negative { 0x2000 } else { 0 };
        let below = if weight < 0 { 0x40 } else { 0 };
        let word = 0x8000 | sign | (scale as u16) << 7 | below | (weight as u16 & 0x3f);
        out.extend(word.to_ne_bytes());
    } else {
        let sign = if negative { 0x4000 } else { 0 };
        out.extend((sign | scale as u16).to_ne_bytes());
        out.extend((weight as i16).to_ne_bytes());
    }
    out.extend(words.iter().flat_map(|word| word.to_ne_bytes()));
}

/// The length word of a plain varlena.
fn set_size(place: &mut [u8], size: usize) {
    let size = size as u32;
    let word = if cfg!(target_endian = "big") {
        size & 0x3fff_ffff
    } else {
        size << 2
    };
    place[..WORD].copy_from_slice(&word.to_ne_bytes());
}
