//! The state of a linear regression as plain bytes, updated in place.
//!
//! A PostgreSQL aggregate keeps its state as `bytea`; this module works on such bytes at any
//! alignment. Layout, little-endian, `p = columns + 1` (the target is the last column):
//!
//! | offset | content |
//! |---|---|
//! | 0 | magic `PLLS`, version `u16`, two zero bytes |
//! | 8 | columns `u32`, rows waiting in the buffer `u32` |
//! | 16 | rows folded into R `u64` |
//! | 24 | origin (first target folded), mean of the folded targets less the origin: two `f64` |
//! | 40 | sum of the squared distances of the folded targets from their mean `f64` |
//! | 48 | R of (X, y), upper triangle packed by columns, `p (p + 1) / 2` `f64` |
//! | … | buffer of [`BUFFER_ROWS`] rows of `p` `f64` |
//!
//! A row costs one copy into the buffer and its share of a fold: orthogonal reflections that take
//! the buffered rows into R (TSQR; Golub and Van Loan 2013, section 5.2; Demmel et al. 2012). X'X is
//! never formed, so the digits lost are those of cond(X), not of its square.

use std::convert::Infallible;

use crate::monitor::{Monitor, Progress, check};
use crate::tiles::zeroed;
use crate::{Error, Result};

/// Rows that wait in a state before they are folded.
pub const BUFFER_ROWS: usize = 64;
/// Features a state holds at most (its R then takes 268 MB).
pub const MAX_COLUMNS: usize = 8192;

const MAGIC: [u8; 4] = *b"PLLS";
const VERSION: u16 = 1;
const CELL: usize = size_of::<f64>();
const COLUMNS: usize = 8;
const BUFFERED: usize = 12;
const FOLDED: usize = 16;
const ORIGIN: usize = 24;
const MEAN: usize = 32;
const SQUARES: usize = 40;
const TRIANGLE: usize = 48;
/// Cells between two columns of the tile that is folded.
const STRIDE: usize = BUFFER_ROWS + 8;

/// Bytes of a state with `columns` features.
#[must_use]
pub fn state_len(columns: usize) -> usize {
    let p = columns.saturating_add(1);
    let cells = (p.saturating_mul(p + 1) / 2).saturating_add(p.saturating_mul(BUFFER_ROWS));
    cells.saturating_mul(CELL).saturating_add(TRIANGLE)
}

/// Work space of a fold; kept by who folds often.
#[derive(Debug, Clone, Default)]
pub(super) struct Work {
    triangle: Vec<f64>,
    tile: Vec<f64>,
}

impl Work {
    /// Makes room for a dense R of order `p` and a tile of `p` columns.
    fn fit(&mut self, p: usize, stride: usize) -> Result<()> {
        if self.triangle.len() != p * p {
            self.triangle = zeroed(p * p)?;
        }
        if self.tile.len() < p * stride {
            self.tile = zeroed(p * stride)?;
        }
        Ok(())
    }
}

/// What the header of a state says.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Header {
    pub columns: usize,
    pub buffered: usize,
    pub folded: u64,
    /// A target, so that what follows does not lose digits to a large mean.
    pub origin: f64,
    /// Mean of the folded targets less the origin.
    pub mean: f64,
    /// Sum of the squared distances of the folded targets from their mean.
    pub squares: f64,
}

impl Header {
    /// Order of R.
    fn order(&self) -> usize {
        self.columns + 1
    }

    fn buffer_offset(&self) -> usize {
        let p = self.order();
        TRIANGLE + p * (p + 1) / 2 * CELL
    }

    pub fn rows(&self) -> u64 {
        self.folded.saturating_add(self.buffered as u64)
    }

    /// Reads and checks a header; afterwards every offset computed from it lies within `bytes`.
    fn read(bytes: &[u8]) -> Result<Self> {
        if bytes.len() < TRIANGLE || bytes[..4] != MAGIC {
            return Err(Error::Corrupt {
                what: "not a linear regression state",
            });
        }
        if bytes[4..8] != [VERSION.to_le_bytes()[0], VERSION.to_le_bytes()[1], 0, 0] {
            return Err(Error::Corrupt {
                what: "version of the linear regression state",
            });
        }
        let header = Self {
            columns: get_u32(bytes, COLUMNS) as usize,
            buffered: get_u32(bytes, BUFFERED) as usize,
            folded: u64::from_le_bytes(cell(bytes, FOLDED)),
            origin: get(bytes, ORIGIN),
            mean: get(bytes, MEAN),
            squares: get(bytes, SQUARES),
        };
        if header.columns == 0 || header.columns > MAX_COLUMNS || header.buffered >= BUFFER_ROWS {
            return Err(Error::Corrupt {
                what: "header of the linear regression state",
            });
        }
        if bytes.len() != state_len(header.columns) {
            return Err(Error::Corrupt {
                what: "length of the linear regression state",
            });
        }
        Ok(header)
    }

    fn write(&self, bytes: &mut [u8]) {
        bytes[BUFFERED..][..4].copy_from_slice(&(self.buffered as u32).to_le_bytes());
        bytes[FOLDED..][..8].copy_from_slice(&self.folded.to_le_bytes());
        put(bytes, ORIGIN, self.origin);
        put(bytes, MEAN, self.mean);
        put(bytes, SQUARES, self.squares);
    }

    /// Takes targets in.
    fn absorb_targets(&mut self, targets: &[f64]) {
        let Some(first) = targets.first().copied() else {
            return;
        };
        if self.folded == 0 {
            self.origin = first;
        }
        let (count, origin) = (targets.len() as f64, self.origin);
        // Distances from one of the values: equal values have exactly none.
        let spread = targets.iter().map(|y| y - first).sum::<f64>() / count;
        let squares = targets.iter().map(|y| (y - first - spread).powi(2)).sum();
        self.absorb(targets.len() as u64, first - origin + spread, squares);
    }

    /// Takes the mean and squares of other targets in (Chan, Golub and LeVeque 1983).
    fn absorb(&mut self, rows: u64, mean: f64, squares: f64) {
        let total = self.folded.saturating_add(rows);
        let share = rows as f64 / total as f64;
        let distance = mean - self.mean;
        self.mean += distance * share;
        self.squares += squares + distance * distance * (self.folded as f64 * share);
        self.folded = total;
    }

    /// Takes the targets of another state in.
    fn absorb_header(&mut self, other: &Self) {
        if self.folded == 0 {
            self.origin = other.origin;
        }
        self.absorb(
            other.folded,
            other.mean + (other.origin - self.origin),
            other.squares,
        );
    }
}

/// A state that can be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct StateRef<'a> {
    bytes: &'a [u8],
    pub header: Header,
}

impl<'a> StateRef<'a> {
    pub fn open(bytes: &'a [u8]) -> Result<Self> {
        Ok(Self {
            bytes,
            header: Header::read(bytes)?,
        })
    }

    /// Cell `column` of the buffered row `row`.
    fn buffered(&self, row: usize, column: usize) -> f64 {
        get(
            self.bytes,
            self.header.buffer_offset() + (row * self.header.order() + column) * CELL,
        )
    }

    /// R as a dense upper triangle, column after column.
    fn unpack(&self, triangle: &mut [f64]) {
        let p = self.header.order();
        let mut offset = TRIANGLE;
        for (j, column) in triangle.chunks_exact_mut(p).enumerate() {
            let packed = self.bytes[offset..][..(j + 1) * CELL].chunks_exact(CELL);
            for (value, source) in column.iter_mut().zip(packed) {
                *value = get(source, 0);
            }
            column[j + 1..].fill(0.0);
            offset += (j + 1) * CELL;
        }
    }

    /// The header and R with the buffered rows folded in; the state stays as it is.
    pub fn folded(&self) -> Result<(Header, Vec<f64>)> {
        let p = self.header.order();
        let (mut header, mut work) = (self.header, Work::default());
        work.fit(p, STRIDE)?;
        self.unpack(&mut work.triangle);
        fold_buffer(self, &mut header, &mut work);
        Ok((header, work.triangle))
    }
}

/// A state that can be updated, over bytes that somebody else owns.
#[derive(Debug)]
pub struct StateMut<'a> {
    bytes: &'a mut [u8],
    header: Header,
}

impl<'a> StateMut<'a> {
    /// Turns `bytes`, [`state_len`]`(columns)` of them, into a state without rows.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] unless `columns` lies in `1..=`[`MAX_COLUMNS`],
    /// [`Error::Shape`] where the length does not fit.
    pub fn init(bytes: &'a mut [u8], columns: usize) -> Result<Self> {
        check_columns(columns)?;
        if bytes.len() != state_len(columns) {
            let (expected, got) = (state_len(columns), bytes.len());
            return Err(Error::Shape {
                what: "bytes of the state",
                expected,
                got,
            });
        }
        bytes.fill(0);
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..6].copy_from_slice(&VERSION.to_le_bytes());
        bytes[COLUMNS..][..4].copy_from_slice(&(columns as u32).to_le_bytes());
        let header = Header {
            columns,
            ..Header::default()
        };
        Ok(Self { bytes, header })
    }

    /// Opens a state; the cost does not depend on its size.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where the bytes are not a state.
    pub fn open(bytes: &'a mut [u8]) -> Result<Self> {
        let header = Header::read(bytes)?;
        Ok(Self { bytes, header })
    }

    /// Number of features.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.header.columns
    }

    /// Rows taken so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.header.rows()
    }

    /// Takes one row.
    ///
    /// # Errors
    /// [`Error::Shape`] and [`Error::NotFinite`] (the state stays as it was), [`Error::OutOfMemory`].
    pub fn push(&mut self, x: &[f64], y: f64) -> Result<()> {
        self.push_cells(x.len(), x.iter().copied(), y, &mut Work::default())
    }

    /// Takes one row whose features are native-endian doubles at any alignment, as they lie in a
    /// `float8[]` datum.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn push_bytes(&mut self, x: &[u8], y: f64) -> Result<()> {
        let (cells, rest) = x.as_chunks::<CELL>();
        if !rest.is_empty() {
            let expected = self.header.columns * CELL;
            return Err(Error::Shape {
                what: "bytes of a row",
                expected,
                got: x.len(),
            });
        }
        let values = cells.iter().map(|bytes| f64::from_ne_bytes(*bytes));
        self.push_cells(cells.len(), values, y, &mut Work::default())
    }

    pub(super) fn push_cells(
        &mut self,
        width: usize,
        x: impl Iterator<Item = f64> + Clone,
        y: f64,
        work: &mut Work,
    ) -> Result<()> {
        let columns = self.header.columns;
        if width != columns {
            return Err(Error::Shape {
                what: "columns",
                expected: columns,
                got: width,
            });
        }
        let p = self.header.order();
        let offset = self.header.buffer_offset() + self.header.buffered * p * CELL;
        let mut finite = y.is_finite();
        let targets = self.bytes[offset..][..p * CELL].as_chunks_mut::<CELL>().0;
        for (target, value) in targets.iter_mut().zip(x.clone()) {
            finite &= value.is_finite();
            *target = value.to_le_bytes();
        }
        if !finite {
            let bad = x
                .chain([y])
                .enumerate()
                .find(|(_, value)| !value.is_finite());
            let (column, value) = bad.unwrap_or((columns, y));
            return Err(Error::NotFinite { column, value });
        }
        targets[columns] = y.to_le_bytes();
        self.header.buffered += 1;
        if self.header.buffered >= fold_rows_at_once(p) {
            self.flush(work)?;
        } else {
            self.bytes[BUFFERED..][..4]
                .copy_from_slice(&(self.header.buffered as u32).to_le_bytes());
        }
        Ok(())
    }

    /// Takes the rows of another state of the same width; neither order nor grouping of merges
    /// changes the result beyond rounding.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Shape`], [`Error::OutOfMemory`], [`Error::Stopped`].
    pub fn merge(&mut self, other: &[u8], monitor: &mut dyn Monitor) -> Result<()> {
        self.merge_state(&StateRef::open(other)?, &mut Work::default(), monitor)
    }

    pub(super) fn merge_state(
        &mut self,
        other: &StateRef<'_>,
        work: &mut Work,
        monitor: &mut dyn Monitor,
    ) -> Result<()> {
        let (expected, got) = (self.header.columns, other.header.columns);
        if expected != got {
            return Err(Error::Shape {
                what: "columns",
                expected,
                got,
            });
        }
        let p = self.header.order();
        if other.header.folded > 0 {
            let mut addend = zeroed(p * p)?;
            other.unpack(&mut addend);
            self.fold_with(work, STRIDE, |header, work| {
                fold_triangle(&addend, p, work, monitor)?;
                header.absorb_header(&other.header);
                Ok(())
            })?;
        }
        for row in 0..other.header.buffered {
            let cells = (0..expected).map(|column| other.buffered(row, column));
            self.push_cells(expected, cells, other.buffered(row, expected), work)?;
        }
        Ok(())
    }

    /// Folds `rows` rows that `fill` writes into a tile of the given stride, column by column.
    pub(super) fn fold_tile(
        &mut self,
        rows: usize,
        stride: usize,
        work: &mut Work,
        fill: impl FnOnce(&mut [f64]),
    ) -> Result<()> {
        let p = self.header.order();
        self.fold_with(work, stride, |header, work| {
            fill(&mut work.tile);
            header.absorb_targets(&work.tile[(p - 1) * stride..][..rows]);
            fold_unwatched(work, p, stride, rows);
            Ok(())
        })
    }

    /// Folds the buffered rows.
    fn flush(&mut self, work: &mut Work) -> Result<()> {
        work.fit(self.header.order(), STRIDE)?;
        let state = StateRef {
            bytes: self.bytes,
            header: self.header,
        };
        state.unpack(&mut work.triangle);
        let mut header = self.header;
        fold_buffer(&state, &mut header, work);
        self.store(header, work);
        Ok(())
    }

    fn fold_with(
        &mut self,
        work: &mut Work,
        stride: usize,
        fold: impl FnOnce(&mut Header, &mut Work) -> Result<()>,
    ) -> Result<()> {
        work.fit(self.header.order(), stride)?;
        StateRef {
            bytes: self.bytes,
            header: self.header,
        }
        .unpack(&mut work.triangle);
        let mut header = self.header;
        fold(&mut header, work)?;
        self.store(header, work);
        Ok(())
    }

    /// Writes header and R back.
    fn store(&mut self, header: Header, work: &Work) {
        let p = header.order();
        let mut offset = TRIANGLE;
        for (j, column) in work.triangle.chunks_exact(p).enumerate() {
            for (i, value) in column[..=j].iter().enumerate() {
                put(self.bytes, offset + i * CELL, *value);
            }
            offset += (j + 1) * CELL;
        }
        self.header = header;
        header.write(self.bytes);
    }
}

/// Rows that are folded at once: as few as 50 ms allow where the columns are many.
fn fold_rows_at_once(p: usize) -> usize {
    const WORK: usize = 1 << 28;
    (WORK / (p * p)).clamp(8, BUFFER_ROWS)
}

/// Folds the buffered rows of `state` into `work.triangle` and counts them in `header`.
fn fold_buffer(state: &StateRef<'_>, header: &mut Header, work: &mut Work) {
    let (p, rows) = (header.order(), header.buffered);
    if rows == 0 {
        return;
    }
    let start = header.buffer_offset();
    let cells = state.bytes[start..][..rows * p * CELL]
        .as_chunks::<CELL>()
        .0;
    for (row, cells) in cells.chunks_exact(p).enumerate() {
        for (column, bytes) in cells.iter().enumerate() {
            work.tile[column * STRIDE + row] = f64::from_le_bytes(*bytes);
        }
    }
    header.absorb_targets(&work.tile[(p - 1) * STRIDE..][..rows]);
    fold_unwatched(work, p, STRIDE, rows);
    header.buffered = 0;
}

/// Folds the rows of the tile into the triangle: few enough, as nobody is asked meanwhile.
fn fold_unwatched(work: &mut Work, p: usize, stride: usize, rows: usize) {
    let (triangle, tile) = (&mut work.triangle, &mut work.tile);
    let always = &mut || Ok::<(), Infallible>(());
    let Ok(()) = pglearn_kernels::fold_rows(triangle, p, tile, stride, rows, always);
}

/// Folds a triangle (dense, column after column) into `work.triangle`, some rows at a time.
fn fold_triangle(
    addend: &[f64],
    p: usize,
    work: &mut Work,
    monitor: &mut dyn Monitor,
) -> Result<()> {
    let step = fold_rows_at_once(p);
    for first in (0..p).step_by(step) {
        let progress = Progress {
            phase: "merging",
            done: first as u64,
            total: p as u64,
            loss: f64::NAN,
        };
        check(monitor, progress)?;
        let rows = step.min(p - first);
        for (column, cells) in addend.chunks_exact(p).enumerate() {
            work.tile[column * STRIDE..][..rows].copy_from_slice(&cells[first..][..rows]);
        }
        let (triangle, tile) = (&mut work.triangle, &mut work.tile);
        let tick = &mut || check(monitor, progress);
        pglearn_kernels::fold_rows(triangle, p, tile, STRIDE, rows, tick)?;
    }
    Ok(())
}

pub(super) fn check_columns(columns: usize) -> Result<()> {
    if (1..=MAX_COLUMNS).contains(&columns) {
        return Ok(());
    }
    let expected = "1 to 8192 features";
    Err(Error::InvalidParameter {
        name: "columns",
        value: columns.to_string(),
        expected,
    })
}

/// Eight bytes at `offset`, which every caller has checked to lie within.
fn cell(bytes: &[u8], offset: usize) -> [u8; CELL] {
    let mut cell = [0; CELL];
    cell.copy_from_slice(&bytes[offset..][..CELL]);
    cell
}

fn get(bytes: &[u8], offset: usize) -> f64 {
    f64::from_le_bytes(cell(bytes, offset))
}

fn get_u32(bytes: &[u8], offset: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[offset..][..4]);
    u32::from_le_bytes(word)
}

fn put(bytes: &mut [u8], offset: usize, value: f64) {
    bytes[offset..][..CELL].copy_from_slice(&value.to_le_bytes());
}
