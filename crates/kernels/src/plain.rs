//! The kernels row by row as the formulas stand, for the tests to compare with.

use crate::logistic::ETA_LIMIT;
use crate::{LogisticSpan, LogisticSums};

/// See [`crate::linear_predictor`].
pub fn linear_predictor(
    x: &[f64],
    stride: usize,
    rows: usize,
    columns: usize,
    theta: &[f64],
    out: &mut [f64],
) {
    let out = &mut out[..rows];
    out.fill(theta[0]);
    for (column, weight) in theta[1..=columns].iter().enumerate() {
        for (eta, value) in out.iter_mut().zip(&x[column * stride..][..rows]) {
            *eta += weight * value;
        }
    }
}

/// See [`crate::logistic_pass`].
pub fn logistic_pass(span: &LogisticSpan<'_>, curvature: bool, sums: &mut LogisticSums) {
    let p = span.columns + 1;
    for row in 0..span.rows {
        let weight = span.weight.map_or(1.0, |weight| weight[row]);
        if weight <= 0.0 {
            continue;
        }
        let x = |i: usize| {
            if i == 0 {
                1.0
            } else {
                span.x[(i - 1) * span.stride + row]
            }
        };
        let eta: f64 = (0..p).map(|i| span.theta[i] * x(i)).sum();
        // A sum that met both infinities is NaN and counts as the limit.
        let eta = if eta.is_nan() { ETA_LIMIT } else { eta };
        let eta = eta.clamp(-ETA_LIMIT, ETA_LIMIT);
        let sign = 2.0 * span.y[row] - 1.0;
        let margin = sign * eta;
        let e = (-margin.abs()).exp();
        let miss = if margin >= 0.0 {
            e / (1.0 + e)
        } else {
            1.0 / (1.0 + e)
        };
        sums.log_likelihood += weight * (margin.min(0.0) - e.ln_1p());
        sums.min_margin = sums.min_margin.min(margin);
        sums.max_abs_eta = sums.max_abs_eta.max(eta.abs());
        for i in 0..p {
            sums.gradient[i] += weight * sign * miss * x(i);
        }
        if curvature {
            let root = (weight * e).sqrt() / (1.0 + e);
            for i in 0..p {
                for j in 0..=i {
                    sums.hessian[i * p + j] += (root * x(i)) * (root * x(j));
                }
            }
        }
    }
}
