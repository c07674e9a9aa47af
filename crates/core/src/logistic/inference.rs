//! From the coefficients of `(1, z)` to those of the raw columns, with their covariance.
//!
//! With `theta` in centred coordinates, its covariance is `diag(1 / total, S^-1)`; every coefficient
//! of the raw design is a linear map of it. The map is applied to a square root of that covariance,
//! so that variances are sums of squares and lose no digits. Where the design is rank-deficient,
//! coefficients and covariance are projected on the row space of the raw design, which makes them
//! the minimum-norm solution and the Moore-Penrose inverse's share (as a pseudo-inverse gives them).

use super::factor::Factor;
use super::pass::Problem;
use crate::linalg::{self, Tick, add_scaled, dot, norm};
use crate::tiles::zeroed;
use crate::{Error, Result};

/// Rows of up to 8,192 cells that take a few milliseconds.
const ROWS_BETWEEN_TICKS: usize = 512;

/// Coefficients and covariance on the raw scale.
#[derive(Debug)]
pub(crate) struct Inference {
    pub coefficients: Vec<f64>,
    pub std_err: Vec<f64>,
    pub covariance: Vec<f64>,
    pub condition_number: f64,
}

impl Inference {
    /// The coefficients only: the curvature determines no covariance.
    pub fn without_covariance(mut self) -> Self {
        self.std_err.fill(f64::NAN);
        self.covariance.fill(f64::NAN);
        self.condition_number = f64::INFINITY;
        self
    }
}

/// The design's parametrisation: its own columns, or a constant before them.
struct Layout<'f> {
    factor: &'f Factor,
    /// 1 where a constant was added.
    added: usize,
}

impl Layout<'_> {
    fn len(&self) -> usize {
        self.factor.scale.len() + self.added
    }

    /// The coefficients of a point given in centred coordinates, slopes on basic columns only. The
    /// map is linear, so it serves the columns of a covariance's root as well.
    fn basic(&self, at_means: f64, slopes: &[f64], out: &mut [f64]) {
        let factor = self.factor;
        out[self.added..].copy_from_slice(slopes);
        if factor.restricted {
            return;
        }
        let constant = at_means - dot(&factor.raw_means, slopes);
        if self.added == 1 {
            out[0] = constant;
        } else if let Some(null) = factor.spanning.map(|i| &factor.nulls[i]) {
            add_scaled(out, constant / null.value, &null.vector);
        }
    }

    /// An orthonormal basis of the raw design's null space, without the zero columns.
    fn null_space(&self, tick: Tick<'_>) -> Result<Vec<Vec<f64>>> {
        let factor = self.factor;
        let mut basis: Vec<Vec<f64>> = Vec::new();
        for (i, null) in factor.nulls.iter().enumerate() {
            let mut vector = zeroed(self.len())?;
            vector[self.added..].copy_from_slice(&null.vector);
            if self.added == 1 {
                vector[0] = -null.value;
            } else if let Some(spanning) = factor.spanning {
                if spanning == i {
                    continue;
                }
                let stand_in = &factor.nulls[spanning];
                add_scaled(&mut vector, -null.value / stand_in.value, &stand_in.vector);
            }
            let length = norm(&vector);
            vector.iter_mut().for_each(|v| *v /= length);
            for _ in 0..2 {
                for other in &basis {
                    let along = dot(other, &vector);
                    add_scaled(&mut vector, -along, other);
                }
            }
            let length = norm(&vector);
            vector.iter_mut().for_each(|v| *v /= length);
            basis.push(vector);
            tick()?;
        }
        Ok(basis)
    }
}

/// Maps `theta` and the factored curvature to the raw design.
pub(crate) fn infer(
    problem: &Problem<'_>,
    factor: &Factor,
    theta: &[f64],
    added: bool,
    tick: Tick<'_>,
) -> Result<Inference> {
    let layout = Layout {
        factor,
        added: usize::from(added),
    };
    let k = layout.len();
    let nulls = layout.null_space(tick)?;
    let (at_means, slopes) = factor.centred(theta);
    let mut coefficients = zeroed(k)?;
    layout.basic(at_means, &slopes, &mut coefficients);
    for null in &nulls {
        let along = dot(null, &coefficients);
        add_scaled(&mut coefficients, -along, null);
    }
    if !coefficients.iter().all(|c| c.is_finite()) {
        return Err(Error::Breakdown {
            phase: "coefficients",
        });
    }
    let (covariance, std_err) = covariance(&layout, &nulls, tick)?;
    let singular = !nulls.is_empty() || std_err.iter().any(|s| s.is_nan());
    let condition_number = if singular {
        f64::INFINITY
    } else {
        let ratio = condition_number(problem, &layout, &covariance, tick)?;
        // Eigenvalues beyond the range of doubles.
        if ratio.is_nan() { f64::INFINITY } else { ratio }
    };
    Ok(Inference {
        coefficients,
        std_err,
        covariance,
        condition_number,
    })
}

/// `Y Y'` with `Y` the map of the root of `diag(1 / total, S^-1)`, and the lengths of `Y`'s rows,
/// which have the range that the squares do not; NaN for 0.
fn covariance(
    layout: &Layout<'_>,
    nulls: &[Vec<f64>],
    tick: Tick<'_>,
) -> Result<(Vec<f64>, Vec<f64>)> {
    let root = covariance_root(layout, nulls, tick)?;
    let k = layout.len();
    let width = root.len() / k.max(1);
    let (mut covariance, mut std_err) = (zeroed(k * k)?, zeroed(k)?);
    for i in 0..k {
        let row = &root[i * width..][..width];
        let deviation = norm(row);
        std_err[i] = if deviation > 0.0 { deviation } else { f64::NAN };
        for j in 0..=i {
            if j % ROWS_BETWEEN_TICKS == 0 {
                tick()?;
            }
            let value = dot(row, &root[j * width..][..width]);
            covariance[i * k + j] = value;
            covariance[j * k + i] = value;
        }
    }
    Ok((covariance, std_err))
}

/// Row `i` is coefficient `i` as a combination of independent variables of unit variance: first
/// the constant's, then one per pivot.
fn covariance_root(layout: &Layout<'_>, nulls: &[Vec<f64>], tick: Tick<'_>) -> Result<Vec<f64>> {
    let factor = layout.factor;
    let (k, rank) = (layout.len(), factor.cholesky.rank());
    let width = rank + 1;
    let inverse = factor.cholesky.inverse_transposed(tick)?;
    let mut root = zeroed(k * width)?;
    // slopes = scale^-1 L'^-1 unit
    for i in 0..rank {
        let column = factor.column(i);
        let row = &mut root[(column + layout.added) * width..][..width];
        for (cell, value) in row[1..].iter_mut().zip(&inverse[i * rank..][..rank]) {
            *cell = value / factor.scale[column];
        }
        tick()?;
    }
    drop(inverse);
    if !factor.restricted {
        // The constant: at the means it is independent of the slopes.
        let mut constant = zeroed(width)?;
        constant[0] = 1.0 / factor.total.sqrt();
        for i in 0..rank {
            let column = factor.column(i);
            let row = &root[(column + layout.added) * width..][..width];
            add_scaled(&mut constant, -factor.raw_means[column], row);
            tick()?;
        }
        if layout.added == 1 {
            root[..width].copy_from_slice(&constant);
        } else if let Some(null) = factor.spanning.map(|i| &factor.nulls[i]) {
            for (column, weight) in null.vector.iter().enumerate() {
                if *weight != 0.0 {
                    let row = &mut root[column * width..][..width];
                    add_scaled(row, weight / null.value, &constant);
                }
            }
        }
    }
    let mut along = zeroed(width)?;
    for null in nulls {
        along.fill(0.0);
        for (row, weight) in root.chunks_exact(width).zip(null) {
            add_scaled(&mut along, *weight, row);
        }
        for (row, weight) in root.chunks_exact_mut(width).zip(null) {
            add_scaled(row, -weight, &along);
        }
        tick()?;
    }
    Ok(root)
}

/// `sqrt(largest eigenvalue of X'WX * largest eigenvalue of its inverse)`.
fn condition_number(
    problem: &Problem<'_>,
    layout: &Layout<'_>,
    covariance: &[f64],
    tick: Tick<'_>,
) -> Result<f64> {
    let (k, added) = (layout.len(), layout.added);
    let shifts = problem.shifts();
    let p = shifts.len() + 1;
    let hessian = &problem.sums().hessian;
    let mut theta = zeroed(p)?;
    let mut image = zeroed(p)?;
    // X = (1, z) T, so that X'WX = T' H T.
    let raw = |v: &[f64], out: &mut [f64]| {
        theta[1..].copy_from_slice(&v[added..]);
        theta[0] = dot(shifts, &v[added..]) + if added == 1 { v[0] } else { 0.0 };
        image.fill(0.0);
        for i in 0..p {
            let row = &hessian[i * p..][..i];
            let diagonal = hessian[i * p + i];
            image[i] += dot(row, &theta[..i]) + diagonal * theta[i];
            add_scaled(&mut image[..i], theta[i], row);
        }
        if added == 1 {
            out[0] = image[0];
        }
        for ((cell, h), shift) in out[added..].iter_mut().zip(&image[1..]).zip(shifts) {
            *cell = h + shift * image[0];
        }
    };
    let inverse = |v: &[f64], out: &mut [f64]| {
        for (cell, row) in out.iter_mut().zip(covariance.chunks_exact(k)) {
            *cell = dot(row, v);
        }
    };
    linalg::condition_number(k, raw, inverse, tick)
}
