//! A hash of rows that does not depend on their order.
//!
//! Each row is hashed through two chains of 64 bits, a word a cell, each step a folded product of 128
//! bits (the mixing step of wyhash, W. Yi 2019); the hash of a set of rows is the sum of its rows'
//! hashes modulo 2^128, so that it is the same in whatever order they were read. It tells whether two
//! trainings saw the same rows; it is no protection against somebody who looks for a collision.

use super::{Category, Frame, RowSet};
use crate::monitor::Monitor;
use crate::parallel::Watch;
use crate::tiles::TILE_ROWS;
use crate::{Error, Result};

const KEYS: [u64; 4] = [
    0xa076_1d64_78bd_642f,
    0xe703_7ed1_a0b4_28db,
    0x8ebc_6af0_9c88_c6e3,
    0x5899_65cc_7537_4cc3,
];
/// The word of a missing value.
const MISSING: u64 = 0x7ff8_0000_0000_0000;

/// Both halves of the product, folded.
#[inline]
pub(super) fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// 52 bits of a text: what stands for it in a row's hash, whatever its code.
pub(super) fn text_word(text: &str) -> u64 {
    let mut state = KEYS[0] ^ text.len() as u64;
    for chunk in text.as_bytes().chunks(8) {
        let mut bytes = [0; 8];
        bytes[..chunk.len()].copy_from_slice(chunk);
        state = fold(state ^ KEYS[1], u64::from_le_bytes(bytes) ^ KEYS[2]);
    }
    fold(state ^ KEYS[3], KEYS[1]) >> 12
}

/// The two chains of the rows of a tile.
struct Chains {
    first: [u64; TILE_ROWS],
    second: [u64; TILE_ROWS],
}

impl Chains {
    #[inline]
    fn take(&mut self, row: usize, word: u64) {
        self.first[row] = fold(self.first[row] ^ KEYS[0], word ^ KEYS[1]);
        self.second[row] = fold(self.second[row] ^ KEYS[2], word ^ KEYS[3]);
    }

    fn hash(&self, row: usize) -> u128 {
        let last = fold(self.first[row] ^ KEYS[2], KEYS[1]);
        u128::from(last) << 64 | u128::from(fold(self.second[row] ^ KEYS[0], KEYS[3]))
    }
}

impl Frame {
    /// The hash of some rows, in no order: of all their slots, then of the cells of `extra` (target,
    /// weight; each with a cell for every row of the frame). Texts count by their bytes, a NaN as
    /// missing. Equal on every machine.
    ///
    /// # Errors
    /// [`Error::Stopped`]; [`Error::Shape`] where a column of `extra` is too short.
    pub fn fingerprint(
        &self,
        rows: &RowSet,
        extra: &[&[f64]],
        monitor: &mut dyn Monitor,
    ) -> Result<u128> {
        for column in extra {
            if column.len() < self.rows() {
                return Err(Error::Shape {
                    what: "rows",
                    expected: self.rows(),
                    got: column.len(),
                });
            }
        }
        let mut sum = 0_u128;
        let mut offsets = [0; TILE_ROWS];
        let mut cells = 0;
        let mut watch = Watch::new(monitor, "fingerprint", rows.count() as u64);
        for tile in 0..self.tiles() {
            let chosen = rows.tile(tile, &mut offsets);
            let mut chains = Chains {
                first: [KEYS[3]; TILE_ROWS],
                second: [KEYS[1]; TILE_ROWS],
            };
            for slot in 0..self.slots() {
                self.take_column(tile, slot, chosen, &mut chains);
                cells += chosen.len();
                if cells > 1 << 20 {
                    cells = 0;
                    watch.tick()?;
                }
            }
            for column in extra {
                for offset in chosen {
                    let row = usize::from(*offset);
                    chains.take(row, number_word(column[tile * TILE_ROWS + row]));
                }
            }
            for offset in chosen {
                sum = sum.wrapping_add(chains.hash(usize::from(*offset)));
            }
            watch.progress.done += chosen.len() as u64;
        }
        Ok(sum)
    }

    fn take_column(&self, tile: usize, slot: usize, chosen: &[u8], chains: &mut Chains) {
        let cells = self.column(tile, slot);
        let Some(dictionary) = self.dictionary(slot) else {
            for offset in chosen {
                chains.take(
                    usize::from(*offset),
                    number_word(cells[usize::from(*offset)]),
                );
            }
            return;
        };
        for offset in chosen {
            let cell = cells[usize::from(*offset)];
            let word = match Category::of(cell) {
                _ if cell.is_nan() => MISSING,
                Category::Code(code) => dictionary.words()[code],
                Category::Overflow(word) => word,
            };
            chains.take(usize::from(*offset), word);
        }
    }
}

fn number_word(cell: f64) -> u64 {
    if cell.is_nan() {
        MISSING
    } else {
        (cell + 0.0).to_bits()
    }
}
