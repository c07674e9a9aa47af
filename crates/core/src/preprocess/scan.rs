//! Going over the training cells of a column.

use crate::frame::{Frame, RowSet};
use crate::monitor::Monitor;
use crate::parallel::Watch;
use crate::tiles::TILE_ROWS;
use crate::{Error, Result};

/// Tiles between two polls: a fraction of a millisecond of work.
const TILES_A_POLL: usize = 64;
/// Rows of the sample that is looked at before all are.
pub(super) const SAMPLE: usize = 4096;

/// The training rows of a frame, and who watches.
pub(super) struct Training<'a> {
    /// The table.
    pub frame: &'a Frame,
    /// The training rows.
    pub rows: &'a RowSet,
    /// Who watches.
    pub watch: Watch<'a>,
    /// At most [`SAMPLE`] training rows, spread over all of them.
    pub sample: Vec<usize>,
}

/// Some cells of a column that are not missing, and the rows they are of.
pub(super) struct Part<'p> {
    /// The cells.
    pub cells: &'p [f64],
    /// Their rows, counted from `first`.
    pub offsets: &'p [u8],
    /// First row of the tile.
    pub first: usize,
}

impl Part<'_> {
    /// Each cell with the value another column has for its row.
    pub fn with<'p>(&'p self, other: &'p [f64]) -> impl Iterator<Item = (f64, f64)> + 'p {
        let of = |offset: &u8| other[self.first + usize::from(*offset)];
        self.cells.iter().copied().zip(self.offsets.iter().map(of))
    }
}

impl<'a> Training<'a> {
    pub fn new(frame: &'a Frame, rows: &'a RowSet, monitor: &'a mut dyn Monitor) -> Self {
        let watch = Watch::new(monitor, "preprocess", frame.slots() as u64);
        Self {
            frame,
            rows,
            watch,
            sample: sample(rows),
        }
    }

    /// Calls `fold` with the cells of each tile, missing ones left out, until it returns `false`.
    /// Returns how many were missing so far.
    ///
    /// # Errors
    /// [`Error::Stopped`], and those of `fold`.
    pub fn scan(
        &mut self,
        slot: usize,
        mut fold: impl FnMut(Part<'_>) -> Result<bool>,
    ) -> Result<usize> {
        let mut offsets = [0; TILE_ROWS];
        let mut kept = [0; TILE_ROWS];
        let mut cells = [0.0; TILE_ROWS];
        let mut missing = 0;
        for tile in 0..self.frame.tiles() {
            if tile % TILES_A_POLL == 0 {
                self.watch.tick()?;
            }
            let chosen = self.rows.tile(tile, &mut offsets);
            let column = self.frame.column(tile, slot);
            let mut count = 0;
            // Of known length, so that no index need be checked: this is the innermost loop.
            let mut padded = [0.0; TILE_ROWS];
            let column: &[f64; TILE_ROWS] = match column.first_chunk() {
                Some(whole) => whole,
                None => {
                    padded[..column.len()].copy_from_slice(column);
                    &padded
                }
            };
            for offset in chosen {
                let cell = column[usize::from(*offset)];
                cells[count % TILE_ROWS] = cell;
                kept[count % TILE_ROWS] = *offset;
                count += usize::from(!cell.is_nan());
            }
            missing += chosen.len() - count;
            let part = Part {
                cells: &cells[..count],
                offsets: &kept[..count],
                first: tile * TILE_ROWS,
            };
            if count > 0 && !fold(part)? {
                break;
            }
        }
        Ok(missing)
    }

    /// Calls `fold` with the cells of each tile and the bitmap of the training rows among them.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub fn tiles(&mut self, slot: usize, mut fold: impl FnMut(&[f64], &[u64])) -> Result<()> {
        for tile in 0..self.frame.tiles() {
            if tile % TILES_A_POLL == 0 {
                self.watch.tick()?;
            }
            fold(self.frame.column(tile, slot), &self.rows.words(tile));
        }
        Ok(())
    }

    /// The cells of the sample that are not missing.
    pub fn sample_of(&self, slot: usize) -> Vec<f64> {
        let cells = self.sample.iter().map(|row| self.frame.cell(*row, slot));
        cells.filter(|cell| !cell.is_nan()).collect()
    }

    /// Calls `each` with the rows of missing cells, a tile after the other, until it returns `false`.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub fn scan_missing(&mut self, slot: usize, mut each: impl FnMut(usize) -> bool) -> Result<()> {
        let mut offsets = [0; TILE_ROWS];
        for tile in 0..self.frame.tiles() {
            if tile % TILES_A_POLL == 0 {
                self.watch.tick()?;
            }
            let column = self.frame.column(tile, slot);
            for offset in self.rows.tile(tile, &mut offsets) {
                let offset = usize::from(*offset);
                if column[offset].is_nan() && !each(tile * TILE_ROWS + offset) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Cells for `count` values.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn buffer(count: usize) -> Result<Vec<f64>> {
        let mut buffer = Vec::new();
        buffer
            .try_reserve_exact(count)
            .map_err(|_| Error::OutOfMemory {
                bytes: (count as u64).saturating_mul(8),
            })?;
        Ok(buffer)
    }
}

fn sample(rows: &RowSet) -> Vec<usize> {
    let step = rows.rows().div_ceil(SAMPLE).max(1);
    let mut sample = Vec::with_capacity(SAMPLE);
    let mut next = rows.first_from(0);
    while let Some(row) = next {
        sample.push(row);
        next = rows.first_from((row / step + 1) * step);
    }
    sample
}
