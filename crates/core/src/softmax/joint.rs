//! The curvature between classes in one product, for few features.

use pglearn_kernels::{LogisticSums, Scratch, WeightedSpan, weighted_products};

use crate::linalg::Tick;
use crate::tiles::{TILE_STRIDE, zeroed};
use crate::{Error, Result};

/// Coefficients of a class up to which one product of all classes beats one of each pair, which takes
/// half the multiply-adds but reads the rows for every pair.
pub(super) const MOST: usize = 12;
/// Rows taken at a time, and the distance of their columns: whole cache lines, no power of two.
const ROWS: usize = 256;
const STRIDE: usize = ROWS + 8;

/// Sum of `w a a'` over the rows, `a` the products of the probabilities of all classes but the last
/// with `(1, z)`.
pub(super) struct Joint {
    p: usize,
    cells: Vec<f64>,
    residual: Vec<f64>,
    pub sums: LogisticSums,
}

impl Joint {
    /// Takes the memory for so many classes of `p` coefficients.
    pub fn new(classes: usize, p: usize) -> Result<Self> {
        let columns = (classes - 1) * p;
        let bytes = ((columns + 1) * (columns + 1) * size_of::<f64>()) as u64;
        Ok(Self {
            p,
            cells: zeroed(columns * STRIDE)?,
            residual: zeroed(ROWS)?,
            sums: LogisticSums::try_new(columns + 1).ok_or(Error::OutOfMemory { bytes })?,
        })
    }

    /// A cell of the curvature between two different classes, neither the last.
    pub fn cell(&self, k: usize, l: usize, i: usize, j: usize) -> f64 {
        let (a, b) = (k * self.p + i + 1, l * self.p + j + 1);
        let width = self.cells.len() / STRIDE + 1;
        -self.sums.hessian[a.max(b) * width + a.min(b)]
    }

    /// Adds rows: their features in `x` and probabilities in `shares`, column by column, and weights.
    pub fn add(
        &mut self,
        x: &[f64],
        shares: &[f64],
        weight: &[f64],
        scratch: &mut Scratch,
        tick: Tick<'_>,
    ) -> Result<()> {
        for (at, weight) in weight.chunks(ROWS).enumerate() {
            tick()?;
            let (at, rows) = (at * ROWS, weight.len());
            let blocks = self.cells.chunks_exact_mut(self.p * STRIDE);
            for (block, shares) in blocks.zip(shares.chunks_exact(TILE_STRIDE)) {
                let shares = &shares[at..][..rows];
                let (constant, slopes) = block.split_at_mut(STRIDE);
                constant[..rows].copy_from_slice(shares);
                let columns = slopes.chunks_exact_mut(STRIDE);
                for (cells, x) in columns.zip(x.chunks(TILE_STRIDE)) {
                    for ((cell, x), share) in cells.iter_mut().zip(&x[at..]).zip(shares) {
                        *cell = x * share;
                    }
                }
            }
            let products = WeightedSpan {
                x: &self.cells,
                stride: STRIDE,
                rows,
                columns: self.cells.len() / STRIDE,
                residual: &self.residual,
                weight,
            };
            weighted_products(&products, true, scratch, &mut self.sums, tick)?;
        }
        Ok(())
    }
}
