//! Rows absorbed into a triangular factor by Householder reflections.

use crate::block::{self, Columns, Pairs, ROWS};
use crate::dot::dot_of;
use crate::pace::{FETCH, Pace, ticking};
use crate::path::{self, Kernel};
use crate::vector::Vector;

/// Lets the upper triangular `r` (`p` x `p`, column-major) absorb `rows` rows of `a` (`p` columns,
/// cell (row, column) being `a[column * stride + row]`, overwritten): afterwards
/// `R'R = R_old'R_old + A'A`.
///
/// Householder reflections of the stacked `(R; A)`, which leave R triangular, a few columns at a
/// time: the reflections of a panel of columns become one product `I - V T V'` for the columns to
/// its right (Schreiber and Van Loan, "A storage-efficient WY representation for products of
/// Householder transformations", 1989; Golub and Van Loan, Matrix Computations, 4th ed., 5.2.2).
/// `A'A` is never formed, so the factor is backward stable. The signs of the diagonal are free; the
/// cells below it are not touched. Calls `tick` every few milliseconds; its error ends the work half done.
///
/// # Errors
/// That of `tick`.
///
/// # Panics
/// If a slice is shorter than the shape says, or `rows` exceeds `stride`.
///
/// # Examples
/// ```
/// let (mut r, mut rows) = ([0.0; 4], [3.0, 4.0, 1.0, 2.0]);
/// let Ok(()) = pglearn_kernels::fold_rows(&mut r, 2, &mut rows, 2, 2, &mut || Ok::<(), ()>(())) else {
///     return;
/// };
/// assert!((r[2] * r[2] + r[3] * r[3] - 5.0).abs() < 1e-14); // the second column's square
/// ```
pub fn fold_rows<E>(
    r: &mut [f64],
    p: usize,
    a: &mut [f64],
    stride: usize,
    rows: usize,
    tick: &mut dyn FnMut() -> Result<(), E>,
) -> Result<(), E> {
    assert!(rows <= stride || p <= 1, "columns overlap");
    ticking(tick, |go_on| {
        path::run(Fold {
            r,
            p,
            a,
            stride,
            rows,
            pace: Pace::new(go_on),
        });
    })
}

pub(crate) struct Fold<'a> {
    pub r: &'a mut [f64],
    pub p: usize,
    pub a: &'a mut [f64],
    pub stride: usize,
    pub rows: usize,
    pub pace: Pace<'a>,
}

impl Kernel for Fold<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self {
            r,
            p,
            a,
            stride,
            rows,
            mut pace,
        } = self;
        if p == 0 {
            return;
        }
        for start in (0..rows).step_by(ROWS) {
            let mut block = Block {
                a: &mut a[start..],
                stride,
                rows: ROWS.min(rows - start),
            };
            for first in (0..p).step_by(V::BLOCK) {
                let wide = V::BLOCK.min(p - first);
                let t = block.factor::<V>(r, p, first, wide);
                if t == Pairs::default() {
                    // Columns of zeros, as where a triangle is absorbed: nothing to reflect.
                    continue;
                }
                for j in (first + wide..p).step_by(V::BLOCK) {
                    block.apply::<V>(r, p, first, &t, j, V::BLOCK.min(p - j));
                }
                if !pace.after(2 * wide * (p - first) * (block.rows + FETCH)) {
                    return;
                }
            }
        }
    }
}

/// Up to [`ROWS`] rows that are being absorbed.
struct Block<'a> {
    a: &'a mut [f64],
    stride: usize,
    rows: usize,
}

impl Block<'_> {
    /// Reflects columns `first..first + wide`: leaves the vectors V in their place (their upper
    /// part, the unit vector of the column, is not stored) and gives T, upper triangular.
    #[inline(always)]
    fn factor<V: Vector>(&mut self, r: &mut [f64], p: usize, first: usize, wide: usize) -> Pairs {
        let mut t = Pairs::default();
        for k in 0..wide {
            let column = first + k;
            let diagonal = &mut r[column * p + column];
            let tau = reflector::<V>(diagonal, &mut self.a[column * self.stride..][..self.rows]);
            // Scalar products of v_k with all columns of the panel: those to the left for T, those
            // to the right to reflect them.
            let columns = Columns {
                cells: self.a,
                stride: self.stride,
            };
            let [products, ..] =
                block::dots::<V>(columns, columns, (column, first), (1, wide), self.rows);
            t[k][k] = tau;
            // T[0..k, k] = -tau T (V'v_k).
            for (i, row) in t.iter_mut().enumerate().take(k) {
                let sum: f64 = row
                    .iter()
                    .zip(&products)
                    .take(k)
                    .skip(i)
                    .map(|(t, v)| t * v)
                    .sum();
                row[k] = -tau * sum;
            }
            for (right, product) in products.iter().enumerate().take(wide).skip(k + 1) {
                let j = first + right;
                let w = tau * (r[j * p + column] + product);
                r[j * p + column] -= w;
                let mut one = Pairs::default();
                one[0][0] = w;
                let shape = (self.stride, self.rows);
                block::subtract::<V>(self.a, shape, (column, j), (1, 1), &one);
            }
        }
        t
    }

    /// Reflects columns `j..j + count`, right of a panel of `V::BLOCK` columns.
    #[inline(always)]
    fn apply<V: Vector>(
        &mut self,
        r: &mut [f64],
        p: usize,
        first: usize,
        t: &Pairs,
        j: usize,
        count: usize,
    ) {
        let columns = Columns {
            cells: self.a,
            stride: self.stride,
        };
        let mut w = block::dots::<V>(columns, columns, (first, j), (V::BLOCK, count), self.rows);
        for c in 0..count {
            // W = T' (R + V'A), from the last row up as each needs those above it.
            let top = &mut r[(j + c) * p + first..][..V::BLOCK];
            for k in (0..V::BLOCK).rev() {
                w[k][c] = (0..=k).map(|m| t[m][k] * (top[m] + w[m][c])).sum();
            }
            for (cell, row) in top.iter_mut().zip(&w) {
                *cell -= row[c];
            }
        }
        let shape = (self.stride, self.rows);
        block::subtract::<V>(self.a, shape, (first, j), (V::BLOCK, count), &w);
    }
}

/// The reflection `I - tau (1, v)(1, v)'` that moves a column's length into its diagonal cell;
/// replaces the column by `v` and gives `tau` (LAPACK's `dlarfg`, Anderson et al., 1999).
#[inline(always)]
fn reflector<V: Vector>(diagonal: &mut f64, column: &mut [f64]) -> f64 {
    let mut alpha = *diagonal;
    let mut squares = dot_of::<V>(column, column);
    let mut unit = 1.0;
    if !(1e-280..=1e280).contains(&(alpha * alpha + squares)) {
        // Squares out of range: in units of the largest cell.
        unit = column
            .iter()
            .fold(alpha.abs(), |largest, cell| largest.max(cell.abs()));
        if unit == 0.0 {
            return 0.0;
        }
        alpha /= unit;
        column.iter_mut().for_each(|cell| *cell /= unit);
        squares = dot_of::<V>(column, column);
    }
    if squares == 0.0 {
        return 0.0;
    }
    let beta = -(alpha * alpha + squares).sqrt().copysign(alpha);
    let factor = V::splat(1.0 / (alpha - beta));
    for at in (0..column.len()).step_by(V::LANES) {
        (V::read(column, at) * factor).write(column, at);
    }
    *diagonal = beta * unit;
    (beta - alpha) / beta
}
