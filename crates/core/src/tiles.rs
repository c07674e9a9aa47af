//! Rows in tiles of 256, column by column: the shape in which data reaches every algorithm.
//!
//! A tile holds [`TILE_ROWS`] rows; column `j` starts at `j * TILE_STRIDE`. The eight cells between
//! rows and stride are padding (always finite), so that vector loads may run past the last row.
//! Memory is taken in chunks of about 8 MB that never move; a chunk that cannot be had is an error.

use crate::{Error, Result};

/// Rows of a full tile.
pub const TILE_ROWS: usize = 256;
/// Distance between two columns of a tile, in cells.
pub const TILE_STRIDE: usize = 264;
/// Cells of a chunk at the most, unless one tile alone is larger.
const CHUNK_CELLS: usize = 1 << 20;

/// Some rows of one tile: cell (row, column) is `data[column * TILE_STRIDE + row]`.
///
/// `data` reaches at least 8 cells past the last row of the last column.
#[derive(Debug, Clone, Copy)]
pub struct Span<'a> {
    /// Starts at the span's first row in column 0.
    pub data: &'a [f64],
    /// Number of rows, at most [`TILE_ROWS`].
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
}

impl<'a> Span<'a> {
    /// The cells of one column.
    #[must_use]
    pub fn column(&self, column: usize) -> &'a [f64] {
        &self.data[column * TILE_STRIDE..][..self.rows]
    }

    /// The same rows in spans of at most `rows` rows.
    pub fn parts(self, rows: usize) -> impl Iterator<Item = Span<'a>> {
        let step = rows.max(1);
        (0..self.rows).step_by(step).map(move |start| Span {
            data: &self.data[start..],
            rows: step.min(self.rows - start),
            columns: self.columns,
        })
    }
}

/// One tile that is being filled, before it is stored in [`Tiles`] or folded into an accumulator.
#[derive(Debug)]
pub struct TileBuffer {
    cells: Vec<f64>,
    columns: usize,
    rows: usize,
}

impl TileBuffer {
    /// An empty tile.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn new(columns: usize) -> Result<Self> {
        Ok(Self {
            cells: zeroed(columns * TILE_STRIDE)?,
            columns,
            rows: 0,
        })
    }

    /// All cells, to write the next row into: column `j` of row [`rows`](Self::rows) is at
    /// `j * TILE_STRIDE + rows`. Follow with [`commit_row`](Self::commit_row).
    pub fn cells_mut(&mut self) -> &mut [f64] {
        &mut self.cells
    }

    /// Rows committed so far.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether no further row fits.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.rows == TILE_ROWS
    }

    /// Makes the row just written part of the tile.
    pub fn commit_row(&mut self) {
        debug_assert!(self.rows < TILE_ROWS);
        self.rows += 1;
    }

    /// Appends a whole row.
    pub fn push(&mut self, row: &[f64]) {
        debug_assert_eq!(row.len(), self.columns);
        for (column, value) in row.iter().enumerate() {
            self.cells[column * TILE_STRIDE + self.rows] = *value;
        }
        self.commit_row();
    }

    /// Forgets the rows.
    pub fn clear(&mut self) {
        self.rows = 0;
    }

    /// The rows committed so far.
    #[must_use]
    pub fn span(&self) -> Span<'_> {
        Span {
            data: &self.cells,
            rows: self.rows,
            columns: self.columns,
        }
    }
}

/// Rows kept in memory.
///
/// The first `centred` columns are stored as `value - shift`, the shift chosen per column from the
/// first rows (a number of few digits near their mean, so that the difference is mostly exact):
/// sums of squares then lose no digits to a large mean. Where later rows are so much smaller that the
/// difference would cost them digits (another group, other units), the column's shift becomes 0.
/// Every stored cell is finite.
#[derive(Debug)]
pub struct Tiles {
    columns: usize,
    centred: usize,
    shifts: Vec<f64>,
    rows: usize,
    limit: u64,
    chunks: Vec<Vec<f64>>,
}

impl Tiles {
    /// No rows yet. `limit` bounds the memory in bytes.
    #[must_use]
    pub fn new(columns: usize, centred: usize, limit: u64) -> Self {
        Self {
            columns,
            centred: centred.min(columns),
            shifts: vec![0.0; columns],
            rows: 0,
            limit,
            chunks: Vec::new(),
        }
    }

    /// Bytes that `rows` rows of `columns` columns take.
    #[must_use]
    pub fn bytes_for(rows: u64, columns: usize) -> u64 {
        let tile = (columns * TILE_STRIDE * size_of::<f64>()) as u64;
        rows.div_ceil(TILE_ROWS as u64).saturating_mul(tile)
    }

    /// Bytes held by the tiles that have rows.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        Self::bytes_for(self.rows as u64, self.columns)
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// What was subtracted from each column (0 for those that are not centred).
    #[must_use]
    pub fn shifts(&self) -> &[f64] {
        &self.shifts
    }

    /// Appends the rows of a span, all of one group where there are groups.
    ///
    /// # Errors
    /// [`Error::NotFinite`] names the first column with a NaN or an infinity,
    /// [`Error::MemoryLimit`] and [`Error::OutOfMemory`] where the rows do not fit. The tiles keep
    /// what they had.
    pub fn append(&mut self, span: Span<'_>) -> Result<()> {
        if span.columns != self.columns {
            return Err(Error::Shape {
                what: "columns",
                expected: self.columns,
                got: span.columns,
            });
        }
        for column in 0..self.columns {
            let cells = span.column(column);
            if !pglearn_kernels::all_finite(cells) {
                let value = cells
                    .iter()
                    .copied()
                    .find(|v| !v.is_finite())
                    .unwrap_or(f64::NAN);
                return Err(Error::NotFinite { column, value });
            }
        }
        if self.rows == 0 {
            for column in 0..self.centred {
                self.shifts[column] = few_digits_near_mean(span.column(column));
            }
        }
        for column in 0..self.centred {
            if costs_digits(span.column(column), self.shifts[column]) {
                self.undo_shift(column);
            }
        }
        let mut taken = 0;
        while taken < span.rows {
            let (offset, room) = self.room()?;
            let count = room.min(span.rows - taken);
            let (chunk, tile) = self.place(self.rows / TILE_ROWS);
            for column in 0..self.columns {
                let source = &span.column(column)[taken..taken + count];
                let target =
                    &mut self.chunks[chunk][tile + column * TILE_STRIDE + offset..][..count];
                let shift = self.shifts[column];
                if shift == 0.0 {
                    target.copy_from_slice(source);
                } else {
                    for (cell, value) in target.iter_mut().zip(source) {
                        *cell = value - shift;
                    }
                }
            }
            self.rows += count;
            taken += count;
        }
        Ok(())
    }

    /// Replaces every cell of a 0/1 column by 1 less the cell.
    pub fn complement(&mut self, column: usize) {
        self.replace(column, |cell| 1.0 - cell);
    }

    /// Stores the cells of a column as they are.
    fn undo_shift(&mut self, column: usize) {
        let shift = std::mem::take(&mut self.shifts[column]);
        self.replace(column, |cell| cell + shift);
    }

    /// Replaces every cell of a column by a function of it.
    fn replace(&mut self, column: usize, function: impl Fn(f64) -> f64) {
        let tiles = self.rows.div_ceil(TILE_ROWS);
        for number in 0..tiles {
            let (chunk, tile) = self.place(number);
            let rows = (self.rows - number * TILE_ROWS).min(TILE_ROWS);
            let cells = &mut self.chunks[chunk][tile + column * TILE_STRIDE..][..rows];
            cells.iter_mut().for_each(|cell| *cell = function(*cell));
        }
    }

    /// The spans that cover the rows of `range`, in order.
    pub fn spans(&self, range: std::ops::Range<usize>) -> impl Iterator<Item = Span<'_>> {
        let end = range.end.min(self.rows);
        let mut next = range.start;
        std::iter::from_fn(move || {
            if next >= end {
                return None;
            }
            let offset = next % TILE_ROWS;
            let rows = (TILE_ROWS - offset).min(end - next);
            let (chunk, tile) = self.place(next / TILE_ROWS);
            let data = &self.chunks[chunk][tile..][..self.columns * TILE_STRIDE];
            next += rows;
            Some(Span {
                data: &data[offset..],
                rows,
                columns: self.columns,
            })
        })
    }

    fn tiles_per_chunk(&self) -> usize {
        (CHUNK_CELLS / (self.columns.max(1) * TILE_STRIDE)).max(1)
    }

    /// Chunk and first cell of a tile.
    fn place(&self, tile: usize) -> (usize, usize) {
        let per_chunk = self.tiles_per_chunk();
        (
            tile / per_chunk,
            tile % per_chunk * self.columns * TILE_STRIDE,
        )
    }

    /// Offset of the next row in its tile and the rows that still fit there.
    fn room(&mut self) -> Result<(usize, usize)> {
        let offset = self.rows % TILE_ROWS;
        if offset == 0 {
            let needed = Self::bytes_for(self.rows as u64 + 1, self.columns);
            if needed > self.limit {
                let limit = self.limit;
                return Err(Error::MemoryLimit { needed, limit });
            }
        }
        if self.rows / TILE_ROWS / self.tiles_per_chunk() == self.chunks.len() {
            // The kernel hands out the pages of a chunk as they are touched: its end costs nothing.
            let cells = self.tiles_per_chunk() * self.columns * TILE_STRIDE;
            self.chunks.try_reserve(1).map_err(|_| Error::OutOfMemory {
                bytes: (cells * size_of::<f64>()) as u64,
            })?;
            self.chunks.push(zeroed(cells)?);
        }
        Ok((offset, TILE_ROWS - offset))
    }
}

/// Whether subtracting the shift rounds cells that are all so small beside it that the rounding is
/// more than 7 bits of theirs, or leaves the range of doubles.
fn costs_digits(cells: &[f64], shift: f64) -> bool {
    const BITS: f64 = 128.0;
    if shift == 0.0 {
        return false;
    }
    let (mut rounded, mut large, mut infinite) = (false, false, false);
    for value in cells {
        let moved = value - shift;
        rounded |= moved + shift != *value;
        large |= value.abs() * BITS > shift.abs();
        infinite |= moved.is_infinite();
    }
    infinite || (rounded && !large)
}

/// A number of few significant bits within one standard deviation of the mean.
fn few_digits_near_mean(cells: &[f64]) -> f64 {
    let Some(first) = cells.first().copied() else {
        return 0.0;
    };
    if cells.iter().all(|v| *v == first) {
        return first;
    }
    let count = cells.len() as f64;
    let mean = cells.iter().map(|v| v / count).sum::<f64>();
    let spread = (cells
        .iter()
        .map(|v| (v - mean) * ((v - mean) / count))
        .sum::<f64>())
    .sqrt();
    if !(mean.is_finite() && spread.is_finite() && spread > 0.0) {
        return 0.0;
    }
    let unit = spread.log2().floor().exp2();
    let shift = (mean / unit).round() * unit;
    if shift.is_finite() { shift } else { 0.0 }
}

/// Zeroed cells, or an error instead of an abort.
///
/// # Errors
/// [`Error::OutOfMemory`].
pub(crate) fn zeroed(cells: usize) -> Result<Vec<f64>> {
    pglearn_kernels::try_zeroed(cells).ok_or(Error::OutOfMemory {
        bytes: (cells as u64).saturating_mul(8),
    })
}
