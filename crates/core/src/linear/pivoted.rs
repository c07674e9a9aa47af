//! QR factorisation with column pivoting on the equilibrated scale: rank, basic solution, null space.

use pglearn_kernels::dot;

use crate::linalg::norm;
use crate::monitor::{Monitor, Progress, check};
use crate::tiles::zeroed;
use crate::{Error, Result};

/// A column is dependent on others where what they leave of it is below this share of its norm, for
/// up to a million rows; above, the share grows with the square root of the rows, as rounding does.
///
/// Rounding leaves of an exact combination 7e-16 (1e4 rows), 5e-15 (1e6), 3e-14 (1e7), measured with
/// up to 60 columns and means of up to 1e6 standard deviations; the most nearly collinear of the
/// NIST reference sets, Filip, has 1.2e-9. The share does not depend on the units of any column.
const RANK_TOLERANCE: f64 = 1e-13;

/// `R D P = Q (T S; 0 0)`: D equilibrates the columns, P orders them, T (order `rank`) is triangular.
#[derive(Debug)]
pub(crate) struct Pivoted {
    /// Columns in the order of the factor: independent ones, dependent ones, zero columns.
    pub order: Vec<usize>,
    /// Number of independent columns.
    pub rank: usize,
    /// Number of columns with a norm above zero.
    pub nonzero: usize,
    /// Norm of each column of R, which is that of the column of the data.
    pub norms: Vec<f64>,
    /// Columns of (T S), `height` cells apart.
    cells: Vec<f64>,
    height: usize,
    /// Q'z, where z is the target in the coordinates of R.
    pub target: Vec<f64>,
}

impl Pivoted {
    /// Factorises the leading `height` columns of `triangle` (dense, column after column,
    /// `height + 1` cells apart), the factor of `rows` rows; column `height` is the target.
    pub fn new(
        triangle: &[f64],
        height: usize,
        rows: u64,
        monitor: &mut dyn Monitor,
    ) -> Result<Self> {
        let tolerance = RANK_TOLERANCE * (rows as f64 / 1e6).sqrt().max(1.0);
        let column = |j: usize| &triangle[j * (height + 1)..][..height];
        let norms: Vec<f64> = (0..height).map(|j| norm(&column(j)[..=j])).collect();
        if norms.iter().chain(column(height)).any(|v| !v.is_finite()) {
            return Err(Error::Breakdown {
                phase: "sums of squares",
            });
        }
        let mut order: Vec<usize> = (0..height).filter(|j| norms[*j] > 0.0).collect();
        let nonzero = order.len();
        let mut cells = zeroed(height * nonzero)?;
        for (target, j) in cells.chunks_exact_mut(height.max(1)).zip(&order) {
            for (cell, value) in target[..=*j].iter_mut().zip(column(*j)) {
                *cell = value / norms[*j];
            }
        }
        order.extend((0..height).filter(|j| norms[*j] == 0.0));
        let target = column(height).to_vec();
        let mut factor = Self {
            order,
            rank: 0,
            nonzero,
            norms,
            cells,
            height,
            target,
        };
        factor.reduce(tolerance, monitor)?;
        Ok(factor)
    }

    /// Businger and Golub (1965); remaining norms are recomputed, not updated, once they have lost
    /// half their digits (Drmac and Bujanovic 2008).
    fn reduce(&mut self, tolerance: f64, monitor: &mut dyn Monitor) -> Result<()> {
        let (height, total) = (self.height, self.nonzero as u64);
        let mut left = vec![1.0; self.nonzero];
        let mut known = left.clone();
        for step in 0..self.nonzero {
            let done = step as u64;
            check(
                monitor,
                Progress {
                    phase: "factorisation",
                    done,
                    total,
                    loss: f64::NAN,
                },
            )?;
            let largest = (step..self.nonzero)
                .fold(step, |best, j| if left[j] > left[best] { j } else { best });
            if left[largest] <= tolerance {
                break;
            }
            self.exchange(step, largest);
            left.swap(step, largest);
            known.swap(step, largest);
            let (head, tail) = self.cells[step * height..].split_at_mut(height);
            let pivot = &mut head[step..];
            let tau = reflector(pivot);
            for (j, column) in tail
                .chunks_exact_mut(height)
                .enumerate()
                .map(|(j, c)| (step + 1 + j, c))
            {
                reflect(pivot, tau, &mut column[step..]);
                let ratio = (column[step].abs() / left[j]).min(1.0);
                let rest = left[j] * ((1.0 - ratio) * (1.0 + ratio)).sqrt();
                left[j] = if rest > known[j] * 1e-5 {
                    rest
                } else {
                    known[j] = norm(&column[step + 1..]);
                    known[j]
                };
            }
            reflect(pivot, tau, &mut self.target[step..]);
            self.rank += 1;
        }
        Ok(())
    }

    fn exchange(&mut self, a: usize, b: usize) {
        if a != b {
            let (left, right) = self.cells.split_at_mut(b * self.height);
            left[a * self.height..][..self.height].swap_with_slice(&mut right[..self.height]);
            self.order.swap(a, b);
        }
    }

    /// Column `j` of (T S), its first `rank` cells.
    fn column(&self, j: usize) -> &[f64] {
        &self.cells[j * self.height..][..self.rank]
    }

    /// Size of the last independent pivot: about the inverse of the condition number of T.
    pub fn smallest_pivot(&self) -> f64 {
        self.rank
            .checked_sub(1)
            .map_or(1.0, |last| self.column(last)[last].abs())
    }

    /// Solves T u = b in place.
    pub fn solve(&self, b: &mut [f64]) {
        for j in (0..self.rank).rev() {
            let column = self.column(j);
            b[j] /= column[j];
            let share = b[j];
            for (value, cell) in b[..j].iter_mut().zip(column) {
                *value -= share * cell;
            }
        }
    }

    /// Rows of the inverse of T, `rank` cells each.
    pub fn inverse(&self, monitor: &mut dyn Monitor) -> Result<Vec<f64>> {
        let (rank, total) = (self.rank, self.rank as u64);
        let mut inverse = zeroed(rank * rank)?;
        for (i, row) in inverse.chunks_exact_mut(rank.max(1)).enumerate() {
            check(
                monitor,
                Progress {
                    phase: "inverse",
                    done: i as u64,
                    total,
                    loss: f64::NAN,
                },
            )?;
            for j in i..rank {
                let column = self.column(j);
                let unit = if i == j { 1.0 } else { 0.0 };
                row[j] = (unit - dot(&row[i..j], &column[i..j])) / column[j];
            }
        }
        Ok(inverse)
    }

    /// The null vector that belongs to the dependent column at position `j` of the order, on the
    /// equilibrated scale and in the order of the factor: `(-T^-1 S_j; e_j)`.
    pub fn null_vector(&self, j: usize) -> Vec<f64> {
        let mut vector = vec![0.0; self.nonzero];
        vector[..self.rank].copy_from_slice(self.column(j));
        self.solve(&mut vector[..self.rank]);
        vector[..self.rank].iter_mut().for_each(|v| *v = -*v);
        vector[j] = 1.0;
        vector
    }
}

/// Turns `v` into a Householder vector: afterwards `v[0]` is the new diagonal cell, `v[1..]` the
/// vector below an implied 1. Returns tau.
pub(super) fn reflector(v: &mut [f64]) -> f64 {
    let below = norm(&v[1..]);
    if below == 0.0 {
        return 0.0;
    }
    let beta = -v[0].hypot(below).copysign(v[0]);
    let tau = (beta - v[0]) / beta;
    let divisor = v[0] - beta;
    v[1..].iter_mut().for_each(|x| *x /= divisor);
    v[0] = beta;
    tau
}

/// Applies the reflection of [`reflector`].
pub(super) fn reflect(v: &[f64], tau: f64, column: &mut [f64]) {
    let share = tau * (column[0] + dot(&v[1..], &column[1..]));
    column[0] -= share;
    for (cell, x) in column[1..].iter_mut().zip(&v[1..]) {
        *cell -= share * x;
    }
}
