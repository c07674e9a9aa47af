//! Every kernel row by row, as the formulas stand.

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
        let eta = if eta.is_nan() { crate::ETA_LIMIT } else { eta };
        let eta = eta.clamp(-crate::ETA_LIMIT, crate::ETA_LIMIT);
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

/// See [`crate::fold_rows`].
pub fn fold_rows(r: &mut [f64], p: usize, a: &mut [f64], stride: usize, rows: usize) {
    for k in 0..p {
        let alpha = r[k * p + k];
        let norm = a[k * stride..][..rows]
            .iter()
            .fold(0.0, |norm: f64, v| norm.hypot(*v));
        if norm == 0.0 {
            continue;
        }
        let beta = -alpha.hypot(norm).copysign(alpha);
        let tau = (beta - alpha) / beta;
        r[k * p + k] = beta;
        for v in &mut a[k * stride..][..rows] {
            *v /= alpha - beta;
        }
        for j in k + 1..p {
            let (left, right) = a.split_at_mut(j * stride);
            let (v, column) = (&left[k * stride..][..rows], &mut right[..rows]);
            let dot: f64 = v.iter().zip(&*column).map(|(v, c)| v * c).sum();
            let w = tau * (r[j * p + k] + dot);
            r[j * p + k] -= w;
            for (c, v) in column.iter_mut().zip(v) {
                *c -= w * v;
            }
        }
    }
}
