//! Triangles of (X, y) that grow by rows and are solved.

use super::reduce::{Reduced, fold_triangle};
use crate::linear::{NullSpace, Pivoted};
use crate::monitor::Monitor;
use crate::parallel::Watch;
use crate::tiles::{TILE_STRIDE, zeroed};
use crate::{Error, Result};

/// Upper triangle of order `columns + 1`, dense, column after column, the target last.
#[derive(Debug, Clone)]
pub(super) struct Triangle {
    pub columns: usize,
    pub cells: Vec<f64>,
}

impl Triangle {
    /// Column `j` down to its diagonal.
    fn column(&self, j: usize) -> &[f64] {
        &self.cells[j * (self.columns + 1)..][..=j]
    }

    /// Lets `factor * I` join the rows, with targets 0.
    pub fn add_multiple_of_identity(&mut self, factor: f64, watch: &mut Watch<'_>) -> Result<()> {
        let p = self.columns + 1;
        if factor == 0.0 || self.columns == 0 {
            return Ok(());
        }
        let mut diagonal = zeroed(p * p)?;
        for j in 0..self.columns {
            diagonal[j * p + j] = factor;
        }
        let mut tile = zeroed(p * TILE_STRIDE)?;
        fold_triangle(&diagonal, p, &mut self.cells, &mut tile, watch)
    }

    /// The least-squares solution; 0 for a column without a pivot.
    pub fn solve(&self) -> Vec<f64> {
        let mut b = self.column(self.columns)[..self.columns].to_vec();
        for j in (0..self.columns).rev() {
            let column = self.column(j);
            b[j] = if column[j] == 0.0 {
                0.0
            } else {
                b[j] / column[j]
            };
            let share = b[j];
            for (value, cell) in b[..j].iter_mut().zip(column) {
                *value -= share * cell;
            }
        }
        b
    }

    /// The minimum of `|z - T b|^2 / 2 + strength * signs'b`.
    pub fn solve_shrunk(&self, signs: &[f64], strength: f64) -> Vec<f64> {
        // T'T b = T'z - strength * signs, without T'T: b = T^-1 (z - strength * T'^-1 signs).
        let mut moved = self.clone();
        let mut tilted: Vec<f64> = Vec::with_capacity(self.columns);
        for j in 0..self.columns {
            let column = self.column(j);
            let known = crate::linalg::dot(column, &tilted);
            tilted.push((signs[j] - known) / column[j]);
        }
        let start = self.columns * (self.columns + 1);
        let target = &mut moved.cells[start..][..self.columns];
        crate::linalg::add_scaled(target, -strength, &tilted);
        moved.solve()
    }

    /// Length of the residual of [`solve`](Self::solve).
    pub fn residual(&self) -> f64 {
        self.cells[self.cells.len() - 1].abs()
    }
}

/// The triangle on the row space of the columns: column `i` is the `i`-th direction beyond the null
/// space, into whose rotation coefficients are to be put back.
pub(super) fn rotated(
    reduced: &Reduced,
    monitor: &mut dyn Monitor,
) -> Result<(Triangle, NullSpace)> {
    let (d, p) = (reduced.features, reduced.features + 1);
    let factor = Pivoted::new(&reduced.triangle, d, reduced.rows, monitor)?;
    let null_space = NullSpace::new(&factor, monitor)?;
    let lost = null_space.dimension();
    if lost == 0 {
        let cells = reduced.triangle.clone();
        return Ok((Triangle { columns: d, cells }, null_space));
    }
    let columns = d - lost;
    let mut cells = zeroed((columns + 1) * (columns + 1))?;
    let mut tile = zeroed((columns + 1) * TILE_STRIDE)?;
    let mut row = zeroed(d)?;
    let mut watch = Watch::new(monitor, "rotation", p as u64);
    for first in (0..p).step_by(8) {
        watch.tick()?;
        let rows = 8.min(p - first);
        for i in 0..rows {
            for (j, cell) in row.iter_mut().enumerate() {
                *cell = reduced.triangle[j * p + first + i];
            }
            null_space.rotate(&mut row);
            let target = reduced.triangle[d * p + first + i];
            let kept = row[lost..].iter().chain([&target]);
            for (column, value) in kept.enumerate() {
                tile[column * TILE_STRIDE + i] = *value;
            }
        }
        let tick = &mut || watch.tick();
        pglearn_kernels::fold_rows(&mut cells, columns + 1, &mut tile, TILE_STRIDE, rows, tick)?;
    }
    Ok((Triangle { columns, cells }, null_space))
}

/// The triangle, unless some column is so nearly a combination of those before it that a solution
/// would be made of rounding.
pub(super) fn without_noise(triangle: Triangle) -> Option<Triangle> {
    const NOISE: f64 = 1e-10;
    let independent = |j: usize| {
        let column = triangle.column(j);
        column[j].abs() > NOISE * crate::linalg::norm(column)
    };
    (0..triangle.columns).all(independent).then_some(triangle)
}

/// Refuses coefficients beyond the range of doubles.
pub(super) fn all_finite(coefficients: &[f64]) -> Result<()> {
    if coefficients.iter().all(|b| b.is_finite()) {
        return Ok(());
    }
    Err(Error::Breakdown {
        phase: "coefficients",
    })
}
