//! The one-pass accumulator for callers that hold rows in tiles.

use super::fit::{LinearFit, finish};
use super::state::{BUFFER_ROWS, StateMut, StateRef, Work, check_columns, state_len};
use crate::monitor::{Monitor, Unattended};
use crate::tiles::{Span, TILE_STRIDE};
use crate::{Error, Result};

/// Rows of a linear regression, reduced to the triangular factor of (X, y) as they come.
///
/// A [state](super::state) with its own memory and work space. Memory: 12 bytes times the square of the
/// number of columns, and two tiles, whatever the number of rows.
#[derive(Debug, Clone)]
pub struct LinearAccumulator {
    state: Vec<u8>,
    work: Work,
}

impl LinearAccumulator {
    /// No rows yet, of `columns` features and a target.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] unless `columns` lies in `1..=8192`, [`Error::OutOfMemory`].
    pub fn new(columns: usize) -> Result<Self> {
        check_columns(columns)?;
        let length = state_len(columns);
        let mut state = Vec::new();
        state
            .try_reserve_exact(length)
            .map_err(|_| Error::OutOfMemory {
                bytes: length as u64,
            })?;
        state.resize(length, 0);
        StateMut::init(&mut state, columns)?;
        Ok(Self {
            state,
            work: Work::default(),
        })
    }

    /// Takes the rows of a span whose last column is the target.
    ///
    /// Costs 2 `columns`^2 operations a row and does not poll: with 1,000 columns hand over spans of
    /// 64 rows, not of 256.
    ///
    /// # Errors
    /// [`Error::Shape`]; [`Error::NotFinite`] names the first column with a NaN or an infinity (the
    /// accumulator stays as it was); [`Error::OutOfMemory`].
    pub fn update(&mut self, span: Span<'_>) -> Result<()> {
        let columns = StateRef::open(&self.state)?.header.columns;
        if span.columns != columns + 1 {
            let (expected, got) = (columns + 1, span.columns);
            return Err(Error::Shape {
                what: "columns",
                expected,
                got,
            });
        }
        self.take(span.rows, |column| span.column(column))
    }

    /// Takes rows given column by column, the target last.
    pub(super) fn take<'a>(
        &mut self,
        rows: usize,
        cells: impl Fn(usize) -> &'a [f64],
    ) -> Result<()> {
        let mut state = StateMut::open(&mut self.state)?;
        let columns = state.columns();
        for column in 0..=columns {
            if !pglearn_kernels::all_finite(cells(column)) {
                let value = cells(column).iter().copied().find(|v| !v.is_finite());
                return Err(Error::NotFinite {
                    column,
                    value: value.unwrap_or(f64::NAN),
                });
            }
        }
        if rows < BUFFER_ROWS / 4 {
            for row in 0..rows {
                let x = (0..columns).map(|column| cells(column)[row]);
                state.push_cells(columns, x, cells(columns)[row], &mut self.work)?;
            }
            return Ok(());
        }
        state.fold_tile(rows, TILE_STRIDE, &mut self.work, |tile| {
            for (column, target) in tile
                .chunks_exact_mut(TILE_STRIDE)
                .enumerate()
                .take(columns + 1)
            {
                target[..rows].copy_from_slice(cells(column));
            }
        })
    }

    /// Takes one row.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub fn push_row(&mut self, x: &[f64], y: f64) -> Result<()> {
        let mut state = StateMut::open(&mut self.state)?;
        state.push_cells(x.len(), x.iter().copied(), y, &mut self.work)
    }

    /// Takes the rows of another accumulator of the same width, without polling.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::OutOfMemory`].
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        let other = StateRef::open(&other.state)?;
        StateMut::open(&mut self.state)?.merge_state(&other, &mut self.work, &mut Unattended)
    }

    /// Rows taken so far.
    ///
    /// # Errors
    /// None in practice: the state is this accumulator's own.
    pub fn rows(&self) -> Result<u64> {
        Ok(StateRef::open(&self.state)?.header.rows())
    }

    /// Computes the fit; the accumulator can go on.
    ///
    /// # Errors
    /// As [`finish`].
    pub fn finish(&self, monitor: &mut dyn Monitor) -> Result<LinearFit> {
        finish(&self.state, monitor)
    }

    /// The state, see [`state`](super::state) for the layout.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.state.clone()
    }

    /// Takes over an encoded state.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::OutOfMemory`].
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let header = StateRef::open(bytes)?.header;
        let mut decoded = Self::new(header.columns)?;
        decoded.state.copy_from_slice(bytes);
        Ok(decoded)
    }
}
