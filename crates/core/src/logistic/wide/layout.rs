//! The cells of a tile that products with vectors have to read: columns with few cells other than
//! zero (those of a category, say) as lists of them.

use pglearn_kernels::{dot, linear_predictor};

use crate::tiles::{Span, TILE_STRIDE, zeroed};
use crate::{Error, Result};

/// A column is a list where at most one cell in so many is not zero.
const SPARSE: usize = 8;
/// Reading a cell of a list costs about as much as so many cells of a whole column.
const SCATTERED: usize = 4;

/// Columns `first..first + count`, read whole.
struct Run {
    first: usize,
    count: usize,
}

/// A column of which only the cells up to `end` of the lists are not zero.
struct Few {
    column: u32,
    end: u32,
}

/// What there is to read of one tile.
pub(super) struct Layout {
    runs: Vec<Run>,
    few: Vec<Few>,
    rows: Vec<u8>,
    cells: Vec<f64>,
}

/// Work space for one tile.
pub(super) struct Stage {
    /// The coefficients of a run behind a 0, and what they predict.
    theta: Vec<f64>,
    part: Vec<f64>,
}

impl Stage {
    pub fn new(features: usize) -> Result<Self> {
        Ok(Self {
            theta: zeroed(features + 1)?,
            part: zeroed(TILE_STRIDE)?,
        })
    }
}

impl Layout {
    /// Looks through the first `features` columns. Lists take no more than `bytes`, which is lowered
    /// by what they take.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn of(span: Span<'_>, features: usize, bytes: &mut usize) -> Result<Self> {
        let mut runs: Vec<Run> = Vec::new();
        let mut lists = Vec::new();
        let mut listed = 0;
        for column in 0..features {
            let cells = span.column(column);
            let count: usize = cells.iter().map(|cell| usize::from(*cell != 0.0)).sum();
            if count == 0 {
                continue;
            }
            let wanted = size_of::<Few>() + count * (size_of::<u8>() + size_of::<f64>());
            if count * SPARSE <= cells.len() && wanted <= *bytes {
                *bytes -= wanted;
                listed += count;
                lists.push(column);
                continue;
            }
            match runs.last_mut() {
                Some(run) if run.first + run.count == column => run.count += 1,
                _ => runs.push(Run {
                    first: column,
                    count: 1,
                }),
            }
        }
        let mut layout = Self {
            runs,
            few: reserved(lists.len())?,
            rows: reserved(listed)?,
            cells: reserved(listed)?,
        };
        for column in lists {
            for (row, cell) in (0_u8..=u8::MAX).zip(span.column(column)) {
                if *cell != 0.0 {
                    layout.rows.push(row);
                    layout.cells.push(*cell);
                }
            }
            layout.few.push(Few {
                column: column as u32,
                end: layout.rows.len() as u32,
            });
        }
        Ok(layout)
    }

    /// What reading costs, in cells of whole columns of `rows` rows.
    pub fn cost(&self, rows: usize) -> usize {
        let whole: usize = self.runs.iter().map(|run| run.count).sum();
        whole * rows + self.cells.len() * SCATTERED
    }

    /// `eta = theta[0] + x theta[1..]` for each row.
    pub fn predict(&self, span: Span<'_>, theta: &[f64], stage: &mut Stage, eta: &mut [f64]) {
        eta.fill(theta[0]);
        for run in &self.runs {
            stage.theta[1..=run.count].copy_from_slice(&theta[run.first + 1..][..run.count]);
            let x = &span.data[run.first * TILE_STRIDE..];
            let part = &mut stage.part[..eta.len()];
            linear_predictor(x, TILE_STRIDE, eta.len(), run.count, &stage.theta, part);
            for (sum, term) in eta.iter_mut().zip(part) {
                *sum += *term;
            }
        }
        for (column, rows, cells) in self.lists() {
            let slope = theta[column + 1];
            for (row, cell) in rows.iter().zip(cells) {
                eta[usize::from(*row)] += slope * cell;
            }
        }
    }

    /// `sums += (1, x)' residual`.
    pub fn products(&self, span: Span<'_>, residual: &[f64], sums: &mut [f64]) {
        sums[0] += residual.iter().sum::<f64>();
        for column in self.whole() {
            sums[column + 1] += dot(span.column(column), residual);
        }
        for (column, rows, cells) in self.lists() {
            let terms = rows.iter().zip(cells);
            sums[column + 1] += terms
                .map(|(row, cell)| residual[usize::from(*row)] * cell)
                .sum::<f64>();
        }
    }

    /// `squares += weight' (1, x)^2`.
    pub fn squares(&self, span: Span<'_>, weight: &[f64], stage: &mut Stage, squares: &mut [f64]) {
        squares[0] += weight.iter().sum::<f64>();
        for column in self.whole() {
            let cells = span.column(column);
            let weighted = &mut stage.part[..cells.len()];
            for (product, (cell, weight)) in weighted.iter_mut().zip(cells.iter().zip(weight)) {
                *product = cell * weight;
            }
            squares[column + 1] += dot(cells, weighted);
        }
        for (column, rows, cells) in self.lists() {
            let terms = rows.iter().zip(cells);
            squares[column + 1] += terms
                .map(|(row, cell)| weight[usize::from(*row)] * (cell * cell))
                .sum::<f64>();
        }
    }

    fn whole(&self) -> impl Iterator<Item = usize> {
        self.runs
            .iter()
            .flat_map(|run| run.first..run.first + run.count)
    }

    /// Column, rows and cells of each list.
    fn lists(&self) -> impl Iterator<Item = (usize, &[u8], &[f64])> {
        let mut start = 0;
        self.few.iter().map(move |few| {
            let range = start..few.end as usize;
            start = range.end;
            (
                few.column as usize,
                &self.rows[range.clone()],
                &self.cells[range],
            )
        })
    }
}

/// An empty vector with room for exactly so many.
fn reserved<T>(count: usize) -> Result<Vec<T>> {
    let mut vector = Vec::new();
    let bytes = (count * size_of::<T>()) as u64;
    vector
        .try_reserve_exact(count)
        .map_err(|_| Error::OutOfMemory { bytes })?;
    Ok(vector)
}
