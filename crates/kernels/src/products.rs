//! Sums of products of the columns of `(1, x)` with given residuals and weights.

use crate::block::{Columns, ROWS};
use crate::logistic::{LogisticSums, Scratch, products};
use crate::pace::{Pace, ticking};
use crate::path::{self, Kernel};
use crate::vector::Vector;

/// Rows with a residual and a weight each.
#[derive(Debug, Clone, Copy)]
pub struct WeightedSpan<'a> {
    /// Cell (row, column) is `x[column * stride + row]`; all finite.
    pub x: &'a [f64],
    /// Distance between two columns, in cells.
    pub stride: usize,
    /// Number of rows.
    pub rows: usize,
    /// Number of columns, without the constant.
    pub columns: usize,
    /// One per row.
    pub residual: &'a [f64],
    /// One per row; not read where no curvature is asked for.
    pub weight: &'a [f64],
}

/// Adds `(1, x)' residual` to the gradient of `sums` and, where `curvature` is asked for,
/// `(1, x)' diag(weight) (1, x)` to the lower triangle of its Hessian; nothing else is touched. Calls
/// `tick` every few milliseconds; its error ends the work half done.
///
/// # Errors
/// That of `tick`.
///
/// # Panics
/// If a slice is shorter than the shape says, or the sums are for another number of columns.
///
/// # Examples
/// ```
/// use pglearn_kernels::{LogisticSums, Scratch, WeightedSpan, weighted_products};
///
/// let span = WeightedSpan {
///     x: &[1.0, 2.0, 3.0], stride: 3, rows: 3, columns: 1,
///     residual: &[1.0, 0.0, -1.0], weight: &[1.0, 2.0, 1.0],
/// };
/// let (Some(mut scratch), Some(mut sums)) = (Scratch::try_new(), LogisticSums::try_new(2)) else {
///     return;
/// };
/// let Ok(()) = weighted_products(&span, true, &mut scratch, &mut sums, &mut || Ok::<(), ()>(())) else {
///     return;
/// };
/// assert_eq!(sums.gradient, [0.0, -2.0]);
/// assert_eq!([sums.hessian[0], sums.hessian[2], sums.hessian[3]], [4.0, 8.0, 18.0]);
/// ```
pub fn weighted_products<E>(
    span: &WeightedSpan<'_>,
    curvature: bool,
    scratch: &mut Scratch,
    sums: &mut LogisticSums,
    tick: &mut dyn FnMut() -> Result<(), E>,
) -> Result<(), E> {
    ticking(tick, |go_on| {
        path::run(Weighted {
            span,
            curvature,
            scratch,
            sums,
            pace: Pace::new(go_on),
        });
    })
}

pub(crate) struct Weighted<'a> {
    pub span: &'a WeightedSpan<'a>,
    pub curvature: bool,
    pub scratch: &'a mut Scratch,
    pub sums: &'a mut LogisticSums,
    pub pace: Pace<'a>,
}

impl Kernel for Weighted<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self {
            span,
            curvature,
            scratch,
            sums,
            mut pace,
        } = self;
        for start in (0..span.rows).step_by(ROWS) {
            let rows = ROWS.min(span.rows - start);
            let residual = &span.residual[start..][..rows];
            let (first, second) = scratch.kept(rows);
            first.copy_from_slice(residual);
            sums.gradient[0] += residual.iter().sum::<f64>();
            if curvature {
                let weight = &span.weight[start..][..rows];
                second.copy_from_slice(weight);
                sums.hessian[0] += weight.iter().sum::<f64>();
            }
            let x = Columns {
                cells: span.x.get(start..).unwrap_or_default(),
                stride: span.stride,
            };
            let shape = (span.columns, rows, curvature);
            if !products::<V>(x, shape, scratch.columns(), sums, &mut pace) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::Path;

    #[test]
    fn every_path_agrees_with_the_sums_row_by_row() {
        let cells = |seed: usize, count: usize| -> Vec<f64> {
            (0..count)
                .map(|i| ((i * 7 + seed) as f64 * 0.618_034).fract() - 0.5)
                .collect()
        };
        for columns in [0, 1, 5, 13, 40] {
            for rows in [0, 1, 7, 255, 600] {
                let stride = rows + 8;
                let x = cells(1, stride * columns);
                let (residual, weight) = (cells(2, rows), cells(3, rows));
                let span = WeightedSpan {
                    x: &x,
                    stride,
                    rows,
                    columns,
                    residual: &residual,
                    weight: &weight,
                };
                let p = columns + 1;
                let cell = |i: usize, row: usize| {
                    if i == 0 {
                        1.0
                    } else {
                        x[(i - 1) * stride + row]
                    }
                };
                for path in Path::ALL.iter().copied().filter(|path| path.is_available()) {
                    let (mut scratch, mut sums) = (
                        Scratch::try_new().unwrap(),
                        LogisticSums::try_new(p).unwrap(),
                    );
                    path.run(Weighted {
                        span: &span,
                        curvature: true,
                        scratch: &mut scratch,
                        sums: &mut sums,
                        pace: Pace::new(&mut || true),
                    });
                    for i in 0..p {
                        let want: f64 = (0..rows).map(|r| residual[r] * cell(i, r)).sum();
                        assert!((sums.gradient[i] - want).abs() < 1e-12, "{path:?}");
                        for j in 0..=i {
                            let product = |r: usize| weight[r] * cell(i, r) * cell(j, r);
                            let want: f64 = (0..rows).map(product).sum();
                            assert!((sums.hessian[i * p + j] - want).abs() < 1e-12, "{path:?}");
                        }
                    }
                }
            }
        }
    }
}
