//! Some of the rows of a frame.

use crate::tiles::TILE_ROWS;
use crate::{Error, Result};

const WORD: usize = u64::BITS as usize;
/// Words that cover a tile.
const TILE_WORDS: usize = TILE_ROWS / WORD;

/// A set of rows as a bitmap: the training part, the hold-out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowSet {
    words: Vec<u64>,
    rows: usize,
    count: usize,
}

impl RowSet {
    /// Of no rows yet; [`push`](Self::push) them.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All of `rows` rows.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn full(rows: usize) -> Result<Self> {
        let mut words = Vec::new();
        let length = rows.div_ceil(WORD);
        words
            .try_reserve_exact(length)
            .map_err(out_of_memory(length))?;
        words.resize(length, u64::MAX);
        if !rows.is_multiple_of(WORD)
            && let Some(last) = words.last_mut()
        {
            *last = (1 << (rows % WORD)) - 1;
        }
        Ok(Self {
            words,
            rows,
            count: rows,
        })
    }

    /// Decides on the next row.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    #[inline]
    pub fn push(&mut self, member: bool) -> Result<()> {
        if self.rows.is_multiple_of(WORD) {
            self.words.try_reserve(1).map_err(out_of_memory(1))?;
            self.words.push(0);
        }
        if let Some(last) = self.words.last_mut() {
            *last |= u64::from(member) << (self.rows % WORD);
        }
        self.rows += 1;
        self.count += usize::from(member);
        Ok(())
    }

    /// Takes a row out.
    pub fn remove(&mut self, row: usize) {
        if self.contains(row) {
            self.words[row / WORD] &= !(1 << (row % WORD));
            self.count -= 1;
        }
    }

    /// A copy.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn try_clone(&self) -> Result<Self> {
        let mut words = Vec::new();
        let length = self.words.len();
        words
            .try_reserve_exact(length)
            .map_err(out_of_memory(length))?;
        words.extend_from_slice(&self.words);
        Ok(Self {
            words,
            rows: self.rows,
            count: self.count,
        })
    }

    /// The rows that are not in this set.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn complement(&self) -> Result<Self> {
        let mut others = Self::full(self.rows)?;
        for (other, word) in others.words.iter_mut().zip(&self.words) {
            *other &= !word;
        }
        others.count = self.rows - self.count;
        Ok(others)
    }

    /// Rows decided on.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Rows in the set.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether a row is in the set.
    #[must_use]
    #[inline]
    pub fn contains(&self, row: usize) -> bool {
        let word = self.words.get(row / WORD).copied().unwrap_or_default();
        word >> (row % WORD) & 1 == 1
    }

    /// The rows in the set, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words
            .iter()
            .enumerate()
            .flat_map(|(number, word)| ones(*word).map(move |bit| number * WORD + bit))
    }

    /// The first row in the set that is not before `row`.
    #[must_use]
    pub fn first_from(&self, row: usize) -> Option<usize> {
        let start = row / WORD;
        let words = self.words.get(start..)?.iter().enumerate();
        let mut masked = words.map(|(number, word)| match number {
            0 => (start, word & (u64::MAX << (row % WORD))),
            _ => (start + number, *word),
        });
        let (number, word) = masked.find(|(_, word)| *word != 0)?;
        Some(number * WORD + word.trailing_zeros() as usize)
    }

    /// The rows of a tile that are in the set, counted from the tile's first.
    pub fn tile<'o>(&self, tile: usize, offsets: &'o mut [u8; TILE_ROWS]) -> &'o [u8] {
        let start = (tile * TILE_WORDS).min(self.words.len());
        let end = (start + TILE_WORDS).min(self.words.len());
        let mut found = 0;
        for (number, word) in self.words[start..end].iter().enumerate() {
            for bit in ones(*word) {
                offsets[found] = (number * WORD + bit) as u8;
                found += 1;
            }
        }
        &offsets[..found]
    }

    /// The bitmap of a tile: row `r` of it is bit `r % 64` of word `r / 64`.
    pub(crate) fn words(&self, tile: usize) -> [u64; TILE_WORDS] {
        let mut words = [0; TILE_WORDS];
        let known = self.words.iter().skip(tile * TILE_WORDS);
        for (word, known) in words.iter_mut().zip(known) {
            *word = *known;
        }
        words
    }

    /// Bytes held.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        (self.words.capacity() * size_of::<u64>()) as u64
    }
}

/// The positions of the ones of a word.
fn ones(word: u64) -> impl Iterator<Item = usize> {
    let mut rest = word;
    std::iter::from_fn(move || {
        let bit = rest.trailing_zeros() as usize;
        let some = rest != 0;
        rest &= rest.wrapping_sub(1);
        some.then_some(bit)
    })
}

fn out_of_memory(words: usize) -> impl Fn(std::collections::TryReserveError) -> Error {
    move |_| Error::OutOfMemory {
        bytes: (words * size_of::<u64>()) as u64,
    }
}
