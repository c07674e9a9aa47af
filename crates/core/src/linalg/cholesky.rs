//! Cholesky factorisation with diagonal pivoting, which reveals the rank.

use super::{Tick, dot};
use crate::Result;
use crate::tiles::zeroed;

/// Rows of up to 8,192 cells that take a few milliseconds.
const ROWS_BETWEEN_TICKS: usize = 512;

/// `A[order, order] = L L'` for a symmetric positive semi-definite `A` of unit diagonal.
///
/// Source: Golub and Van Loan, Matrix Computations, 4th ed., 4.2.7 (diagonal pivoting); computed
/// left-looking, so that every inner product runs over two contiguous rows. It stops as soon as no
/// remaining pivot exceeds the tolerance: the first [`rank`](Self::rank) entries of
/// [`order`](Self::order) are then a basis, and `L` has that many columns.
#[derive(Debug)]
pub(crate) struct Cholesky {
    n: usize,
    rank: usize,
    order: Vec<usize>,
    /// Row `i` belongs to variable `order[i]`; its first `min(i + 1, rank)` cells are valid.
    lower: Vec<f64>,
}

impl Cholesky {
    /// Factors `entry(i, j)`, called with `i >= j` only.
    ///
    /// # Errors
    /// Out of memory, or what `tick` returns.
    pub fn factor(
        n: usize,
        tolerance: f64,
        entry: impl Fn(usize, usize) -> f64,
        tick: Tick<'_>,
    ) -> Result<Self> {
        let mut lower = zeroed(n * n)?;
        let mut order: Vec<usize> = (0..n).collect();
        let mut remaining: Vec<f64> = (0..n).map(|i| entry(i, i)).collect();
        let mut rank = 0;
        while rank < n {
            let mut best = rank;
            for i in rank + 1..n {
                if remaining[i] > remaining[best] {
                    best = i;
                }
            }
            let pivot = remaining[best];
            if pivot.is_nan() || pivot <= tolerance {
                break;
            }
            order.swap(rank, best);
            remaining.swap(rank, best);
            swap_rows(&mut lower, n, rank, best);
            let root = pivot.sqrt();
            let (head, tail) = lower.split_at_mut((rank + 1) * n);
            let row = &mut head[rank * n..];
            row[rank] = root;
            let column = order[rank];
            for (below, i) in tail.chunks_exact_mut(n).zip(rank + 1..) {
                if i % ROWS_BETWEEN_TICKS == 0 {
                    tick()?;
                }
                let (a, b) = (order[i].max(column), order[i].min(column));
                let value = (entry(a, b) - dot(&below[..rank], &row[..rank])) / root;
                below[rank] = value;
                remaining[i] -= value * value;
            }
            rank += 1;
            tick()?;
        }
        Ok(Self {
            n,
            rank,
            order,
            lower,
        })
    }

    /// The numerical rank.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// The variables in the order of their pivots.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// Row `i` of `L`, up to the diagonal or the rank.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.lower[i * self.n..][..self.rank.min(i + 1)]
    }

    /// Overwrites `b` (in pivot order, `rank` cells) by the solution of `L y = b`.
    pub fn forward(&self, b: &mut [f64]) {
        for i in 0..self.rank {
            let row = self.row(i);
            b[i] = (b[i] - dot(&row[..i], &b[..i])) / row[i];
        }
    }

    /// Overwrites `b` (in pivot order, `rank` cells) by the solution of `L' x = b`.
    pub fn backward(&self, b: &mut [f64]) {
        for i in (0..self.rank).rev() {
            let row = self.row(i);
            b[i] /= row[i];
            let factor = -b[i];
            super::add_scaled(&mut b[..i], factor, &row[..i]);
        }
    }

    /// Lets the leading `rank` rows and columns absorb `v v'` by plane rotations (Golub and Van
    /// Loan, 6.5.4): stable, because something positive is added. `v` (pivot order) is consumed.
    ///
    /// # Errors
    /// What `tick` returns.
    pub fn update(&mut self, v: &mut [f64], tick: Tick<'_>) -> Result<()> {
        for j in 0..self.rank {
            tick()?;
            let diagonal = self.lower[j * self.n + j];
            let length = diagonal.hypot(v[j]);
            let (cos, sin) = (diagonal / length, v[j] / length);
            self.lower[j * self.n + j] = length;
            for i in j + 1..self.rank {
                let cell = &mut self.lower[i * self.n + j];
                let (old, other) = (*cell, v[i]);
                *cell = cos * old + sin * other;
                v[i] = cos * other - sin * old;
            }
        }
        Ok(())
    }

    /// The transposed inverse of the leading `rank` rows and columns: row `j` (of `rank` cells)
    /// is column `j` of `L^-1`, zero before cell `j`.
    ///
    /// # Errors
    /// Out of memory, or what `tick` returns.
    pub fn inverse_transposed(&self, tick: Tick<'_>) -> Result<Vec<f64>> {
        let rank = self.rank;
        let mut inverse = zeroed(rank * rank)?;
        for (j, column) in inverse.chunks_exact_mut(rank.max(1)).enumerate() {
            column[j] = 1.0 / self.row(j)[j];
            for i in j + 1..rank {
                if i % ROWS_BETWEEN_TICKS == 0 {
                    tick()?;
                }
                let row = self.row(i);
                column[i] = -dot(&row[j..i], &column[j..i]) / row[i];
            }
            tick()?;
        }
        Ok(inverse)
    }
}

fn swap_rows(matrix: &mut [f64], n: usize, a: usize, b: usize) {
    if a < b {
        let (head, tail) = matrix.split_at_mut(b * n);
        head[a * n..][..n].swap_with_slice(&mut tail[..n]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: [[f64; 3]; 3] = [[4.0, 2.0, 2.0], [2.0, 5.0, 3.0], [2.0, 3.0, 6.0]];

    #[test]
    fn a_definite_matrix_is_solved() {
        let factor = Cholesky::factor(3, 1e-12, |i, j| A[i][j], &mut || Ok(())).unwrap();
        assert_eq!(factor.rank(), 3);
        // The largest diagonal first: 6, then 5 - 9/6 = 3.5 against 4 - 4/6 = 3.33.
        assert_eq!(factor.order(), [2, 1, 0]);
        // A (1, 2, 3)' = (14, 21, 26)', given in pivot order.
        let mut b = [26.0, 21.0, 14.0];
        factor.forward(&mut b);
        factor.backward(&mut b);
        for (got, want) in b.iter().zip([3.0, 2.0, 1.0]) {
            assert!((got - want).abs() < 1e-14, "{got} {want}");
        }
    }

    #[test]
    fn the_rank_is_revealed() {
        // The third variable is the sum of the two others.
        let x = [[1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [2.0, 1.0, 3.0]];
        let gram = |i: usize, j: usize| (0..3).map(|r| x[r][i] * x[r][j]).sum::<f64>();
        let factor = Cholesky::factor(3, 1e-12, gram, &mut || Ok(())).unwrap();
        assert_eq!(factor.rank(), 2);
        let smallest_pivot = (0..2)
            .map(|i| factor.row(i)[i].powi(2))
            .fold(f64::INFINITY, f64::min);
        assert!(smallest_pivot > 0.1);
    }

    #[test]
    fn an_update_adds_an_outer_product() {
        let mut factor = Cholesky::factor(3, 1e-12, |i, j| A[i][j], &mut || Ok(())).unwrap();
        let v = [1.0, -2.0, 0.5];
        factor.update(&mut v.clone(), &mut || Ok(())).unwrap();
        let inverse = factor.inverse_transposed(&mut || Ok(())).unwrap();
        for i in 0..3 {
            for j in 0..3 {
                let (a, b) = (factor.order()[i], factor.order()[j]);
                let rows = (factor.row(i), factor.row(j));
                let shared = rows.0.len().min(rows.1.len());
                let got = dot(&rows.0[..shared], &rows.1[..shared]);
                assert!((got - (A[a][b] + v[i] * v[j])).abs() < 1e-13);
                let unit: f64 = (0..3)
                    .map(|l| if l <= i { factor.row(i)[l] } else { 0.0 } * inverse[j * 3 + l])
                    .sum();
                assert!((unit - f64::from(u8::from(i == j))).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn a_not_finite_matrix_has_no_rank() {
        let factor = Cholesky::factor(2, 1e-12, |_, _| f64::NAN, &mut || Ok(())).unwrap();
        assert_eq!(factor.rank(), 0);
    }

    /// Speed; not part of the suite: `cargo test -p pglearn-core --release ticks -- --ignored --nocapture`.
    #[test]
    #[ignore = "a measurement"]
    fn ticks_of_8192_variables() {
        use std::time::{Duration, Instant};
        let n = 8192;
        let start = Instant::now();
        let mut last = start;
        let mut longest = Duration::ZERO;
        let mut tick = || {
            let now = Instant::now();
            longest = longest.max(now.duration_since(last));
            last = now;
            // From the middle on, ticks are shorter again.
            match now.duration_since(start) > Duration::from_secs(60) {
                true => Err(crate::Error::Stopped),
                false => Ok(()),
            }
        };
        let entry = |i: usize, j: usize| 0.5_f64.powi((i - j).min(1000) as i32);
        let factor = Cholesky::factor(n, 1e-12, entry, &mut tick);
        let took = start.elapsed();
        println!("factor: {took:?}, longest {longest:?}, {}", factor.is_ok());
    }
}
