//! The linear predictor.

use crate::block::ROWS;
use crate::path::{self, Kernel};
use crate::vector::Vector;

/// `out[i] = theta[0] + x_i theta[1..]` for each of `rows` rows of `columns` columns, cell
/// (row, column) being `x[column * stride + row]`.
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
    path::run(Predictor {
        x,
        stride,
        theta: &theta[..=columns],
        out: &mut out[..rows],
    });
}

pub(crate) struct Predictor<'a> {
    pub x: &'a [f64],
    pub stride: usize,
    pub theta: &'a [f64],
    pub out: &'a mut [f64],
}

impl Kernel for Predictor<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        for (block, out) in self.out.chunks_mut(ROWS).enumerate() {
            predict::<V>(self.x, self.stride, block * ROWS, self.theta, out);
        }
    }
}

/// Columns added up per sweep over the rows.
const GROUP: usize = 4;

/// The linear predictor of the rows from `start` on, as many as `out` has cells.
#[inline(always)]
pub fn predict<V: Vector>(x: &[f64], stride: usize, start: usize, theta: &[f64], out: &mut [f64]) {
    out.fill(theta[0]);
    let rows = out.len();
    let columns = theta.len() - 1;
    let column = |j: usize| &x[j * stride + start..][..rows];
    let grouped = columns - columns % GROUP;
    for first in (0..grouped).step_by(GROUP) {
        add::<V, GROUP>(
            std::array::from_fn(|j| column(first + j)),
            std::array::from_fn(|j| theta[1 + first + j]),
            out,
        );
    }
    for j in grouped..columns {
        add::<V, 1>([column(j)], [theta[1 + j]], out);
    }
}

/// Adds columns times coefficients.
#[inline(always)]
fn add<V: Vector, const N: usize>(columns: [&[f64]; N], theta: [f64; N], out: &mut [f64]) {
    let rows = out.len();
    debug_assert!(columns.iter().all(|column| column.len() == rows));
    let mut factors = [V::splat(0.0); N];
    for j in 0..N {
        factors[j] = V::splat(theta[j]);
    }
    let whole = rows - rows % V::LANES;
    for at in (0..whole).step_by(V::LANES) {
        // SAFETY: `out` and every column have `whole` cells, and `at + LANES` is at most `whole`.
        unsafe {
            let mut eta = V::load(out.as_ptr().add(at));
            for j in 0..N {
                eta = V::load(columns[j].as_ptr().add(at)).mul_add(factors[j], eta);
            }
            eta.store(out.as_mut_ptr().add(at));
        }
    }
    if whole < rows {
        let mut eta = V::read(out, whole);
        for j in 0..N {
            eta = V::read(columns[j], whole).mul_add(factors[j], eta);
        }
        eta.write(out, whole);
    }
}
