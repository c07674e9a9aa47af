//! The distinct texts of a column, numbered as they come.

use std::hash::{BuildHasher, RandomState};

use super::fingerprint::{fold, text_word};
use crate::{Error, Result};

/// Distinct texts of a column that are kept apart; a column with more is no categorical one.
pub const MOST_CATEGORIES: usize = 1 << 16;
/// Bytes of all of them together.
const MOST_BYTES: usize = 16 << 20;
/// What [`Frame::value`](super::Frame::value) shows for a text that is not kept.
pub const OVERFLOW: &str = "(one of too many)";

/// A cell of a text column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Category {
    /// The number of its text.
    Code(usize),
    /// A text that is not kept: its [`text_word`].
    Overflow(u64),
}

impl Category {
    /// From a cell that is not NaN: codes count from 0, a text that is not kept is `-1 - text_word`.
    pub fn of(cell: f64) -> Self {
        if cell >= 0.0 {
            Self::Code(cell as usize)
        } else {
            Self::Overflow((-1.0 - cell) as u64)
        }
    }
}

/// Texts and their codes: an open-addressed table over one string.
///
/// The table's hash is keyed at random, so that no choice of texts makes the search slow; codes, cells
/// and fingerprints do not depend on the key.
#[derive(Debug)]
pub(crate) struct Dictionary {
    text: String,
    ends: Vec<u32>,
    words: Vec<u64>,
    /// 0, or the upper half of the hash and the code + 1. A power of two, at most half of it taken.
    table: Vec<u64>,
    keys: [u64; 2],
    overflowed: bool,
}

impl Default for Dictionary {
    fn default() -> Self {
        // The standard library's source of random keys.
        let random = RandomState::new();
        Self {
            text: String::new(),
            ends: Vec::new(),
            words: Vec::new(),
            table: Vec::new(),
            keys: [random.hash_one(1), random.hash_one(2) | 1],
            overflowed: false,
        }
    }
}

impl Dictionary {
    /// The cell that stands for a text.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    #[inline]
    pub fn cell(&mut self, text: &str) -> Result<f64> {
        let hash = hash(text, self.keys);
        if let Some(code) = self.find(text, hash) {
            return Ok(f64::from(code));
        }
        self.add(text, hash)
    }

    /// Number of texts.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether some text was not kept.
    pub fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// A text by its code.
    pub fn text(&self, code: usize) -> &str {
        let start = match code.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or_default(),
            None => 0,
        };
        let end = self.ends.get(code).copied().unwrap_or(start);
        self.text
            .get(start as usize..end as usize)
            .unwrap_or_default()
    }

    /// The fingerprints' words, by code.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        let entries =
            self.ends.capacity() * 4 + (self.words.capacity() + self.table.capacity()) * 8;
        (self.text.capacity() + entries) as u64
    }

    fn find(&self, text: &str, hash: u64) -> Option<u32> {
        let mask = self.table.len().checked_sub(1)?;
        let mut place = hash as usize & mask;
        loop {
            let entry = *self.table.get(place)?;
            if entry == 0 {
                return None;
            }
            if entry >> 32 == hash >> 32 {
                let code = entry as u32 - 1;
                if self.text(code as usize) == text {
                    return Some(code);
                }
            }
            place = (place + 1) & mask;
        }
    }

    #[cold]
    fn add(&mut self, text: &str, hash: u64) -> Result<f64> {
        let word = text_word(text);
        if self.ends.len() == MOST_CATEGORIES || self.text.len() + text.len() > MOST_BYTES {
            self.overflowed = true;
            return Ok(-1.0 - word as f64);
        }
        if (self.ends.len() + 1) * 2 > self.table.len() {
            self.grow()?;
        }
        let refused = |_| Error::OutOfMemory {
            bytes: (text.len() + 12) as u64,
        };
        self.text.try_reserve(text.len()).map_err(refused)?;
        self.ends.try_reserve(1).map_err(refused)?;
        self.words.try_reserve(1).map_err(refused)?;
        let code = self.ends.len() as u32;
        self.text.push_str(text);
        self.ends.push(self.text.len() as u32);
        self.words.push(word);
        place(&mut self.table, hash, code);
        Ok(f64::from(code))
    }

    fn grow(&mut self) -> Result<()> {
        let size = (self.table.len() * 2).max(16);
        let mut table = Vec::new();
        table
            .try_reserve_exact(size)
            .map_err(|_| Error::OutOfMemory {
                bytes: (size * 8) as u64,
            })?;
        table.resize(size, 0);
        for code in 0..self.ends.len() {
            let hash = hash(self.text(code), self.keys);
            place(&mut table, hash, code as u32);
        }
        self.table = table;
        Ok(())
    }
}

/// Folded products over eight bytes at a time, under secret keys: a few nanoseconds for a short text.
#[inline]
fn hash(text: &str, keys: [u64; 2]) -> u64 {
    let mut state = keys[0] ^ text.len() as u64;
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    for word in words {
        state = fold(state ^ u64::from_le_bytes(*word), keys[1]);
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    fold(
        fold(state ^ u64::from_le_bytes(last), keys[1]) ^ keys[0],
        keys[1],
    )
}

fn place(table: &mut [u64], hash: u64, code: u32) {
    let mask = table.len() - 1;
    let mut at = hash as usize & mask;
    while table[at] != 0 {
        at = (at + 1) & mask;
    }
    table[at] = (hash >> 32 << 32) | u64::from(code + 1);
}
