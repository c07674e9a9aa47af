//! SIMD kernels of pglearn over column tiles, each beside its portable twin, chosen at run time.

mod logistic;
mod plain;

pub use logistic::{LogisticSpan, LogisticSums};

/// A linear predictor beyond this is cut to it: sums over any number of rows stay finite.
pub(crate) const ETA_LIMIT: f64 = 1e290;

/// Whether no cell is NaN or infinite.
#[must_use]
pub fn all_finite(cells: &[f64]) -> bool {
    // 0 * x is NaN for NaN and infinities, else 0; the sum keeps a NaN.
    cells.iter().map(|v| v * 0.0).sum::<f64>() == 0.0
}

/// The scalar product, over the shorter length.
#[must_use]
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The scalar product with doubles in native byte order at any alignment, `8 * a.len()` bytes
/// (over the shorter length).
#[must_use]
pub fn dot_bytes(a: &[f64], b: &[u8]) -> f64 {
    a.iter()
        .zip(b.as_chunks::<8>().0)
        .map(|(a, b)| a * f64::from_ne_bytes(*b))
        .sum()
}

/// Work space of [`logistic_pass`], one per thread.
#[derive(Debug)]
pub struct Scratch(());

impl Scratch {
    /// Empty work space, or `None` without memory.
    #[must_use]
    pub fn try_new() -> Option<Self> {
        Some(Self(()))
    }
}

/// Adds the rows of `span` to `sums`, the Hessian only where `curvature` is asked for.
///
/// # Panics
/// If a slice is shorter than the shape says, or the sums are for another number of columns.
pub fn logistic_pass(
    span: &LogisticSpan<'_>,
    curvature: bool,
    scratch: &mut Scratch,
    sums: &mut LogisticSums,
) {
    let Scratch(()) = scratch;
    plain::logistic_pass(span, curvature, sums);
}

/// `out[i] = theta[0] + x_i theta[1..]` for each of `rows` rows.
///
/// # Panics
/// If a slice is shorter than the shape says.
pub fn linear_predictor(
    x: &[f64],
    stride: usize,
    rows: usize,
    columns: usize,
    theta: &[f64],
    out: &mut [f64],
) {
    plain::linear_predictor(x, stride, rows, columns, theta, out);
}

/// Lets the upper triangular `r` (`p` x `p`, column-major) absorb `rows` rows of `a` (column-major,
/// column distance `stride`, overwritten): afterwards `R'R = R_old'R_old + A'A`.
///
/// By Householder reflections of the stacked `(R; A)` (Golub and Van Loan, Matrix Computations,
/// 4th ed., 5.2 and 6.5), never forming `A'A`: backward stable. The signs of the diagonal are free.
///
/// # Panics
/// If a slice is shorter than the shape says.
pub fn fold_rows(r: &mut [f64], p: usize, a: &mut [f64], stride: usize, rows: usize) {
    plain::fold_rows(r, p, a, stride, rows);
}

/// Zeroed cells straight from the allocator (pages stay untouched until used), or `None`.
#[must_use]
pub fn try_zeroed(cells: usize) -> Option<Vec<f64>> {
    let layout = std::alloc::Layout::array::<f64>(cells).ok()?;
    if layout.size() == 0 {
        return Some(Vec::new());
    }
    // SAFETY: the layout has a non-zero size; all-zero bytes are valid f64; the vector takes over
    // exactly the allocation that `alloc_zeroed` made, with the global allocator and this layout.
    unsafe {
        let memory = std::alloc::alloc_zeroed(layout).cast::<f64>();
        if memory.is_null() {
            None
        } else {
            Some(Vec::from_raw_parts(memory, cells, cells))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_by_hand() {
        // theta = 0: mu = 1/2, ll = -ln 2, gradient = (y - 1/2)(1, 3), hessian = 1/4 (1, 3)'(1, 3).
        let (mut sums, mut scratch) = (
            LogisticSums::try_new(2).unwrap(),
            Scratch::try_new().unwrap(),
        );
        let mut x = [0.0; 9];
        x[0] = 3.0;
        let span = LogisticSpan {
            x: &x,
            stride: 9,
            rows: 1,
            columns: 1,
            y: &[1.0],
            weight: None,
            theta: &[0.0, 0.0],
        };
        logistic_pass(&span, true, &mut scratch, &mut sums);
        assert!((sums.log_likelihood + std::f64::consts::LN_2).abs() < 1e-15);
        assert_eq!(sums.gradient, [0.5, 1.5]);
        assert_eq!(
            (sums.hessian[0], sums.hessian[2], sums.hessian[3]),
            (0.25, 0.75, 2.25)
        );
        assert_eq!((sums.min_margin, sums.max_abs_eta), (0.0, 0.0));
    }

    #[test]
    fn folding_keeps_the_gram_matrix() {
        // A = (3, 4)' gives R = +-5.
        let (mut r, mut a) = ([0.0], [3.0, 4.0]);
        fold_rows(&mut r, 1, &mut a, 2, 2);
        assert_eq!(r[0].abs(), 5.0);
    }
}
