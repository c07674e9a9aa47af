//! The little dense linear algebra the solvers need, interruptible and without panics.
//!
//! Matrices are row-major; of a symmetric matrix only the lower triangle is read. Every function
//! that takes longer than a few milliseconds for 1,600 columns takes a `tick` closure and calls it
//! often; its error ends the computation.

#![allow(
    clippy::needless_range_loop,
    reason = "index algebra reads as in the books"
)]

mod cholesky;
mod lanczos;
mod random;

pub(crate) use cholesky::Cholesky;
pub(crate) use lanczos::condition_number;
pub(crate) use pglearn_kernels::dot;
pub(crate) use random::SplitMix;

use crate::Result;

/// Polls the host; an error ends the computation.
pub(crate) type Tick<'a> = &'a mut dyn FnMut() -> Result<()>;

/// `target += factor * source`.
pub(crate) fn add_scaled(target: &mut [f64], factor: f64, source: &[f64]) {
    for (t, s) in target.iter_mut().zip(source) {
        *t += factor * s;
    }
}

/// The Euclidean length, safe from overflow and underflow of the squares; NaN where a cell is.
pub(crate) fn norm(v: &[f64]) -> f64 {
    let squares = dot(v, v);
    if (1e-280..=1e280).contains(&squares) {
        return squares.sqrt();
    }
    let largest = v.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
    if largest == 0.0 || !largest.is_finite() || squares.is_nan() {
        return if squares.is_nan() { squares } else { largest };
    }
    largest * v.iter().map(|x| (x / largest).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::norm;

    #[test]
    fn lengths_at_the_ends_of_the_range() {
        for unit in [1.0, 1e200, 1e-200, f64::MIN_POSITIVE] {
            assert!((norm(&[3.0 * unit, -4.0 * unit]) / unit - 5.0).abs() < 1e-15);
        }
        assert_eq!(norm(&[]), 0.0);
        assert_eq!(norm(&[0.0, -0.0]), 0.0);
        assert_eq!(norm(&[1.0, f64::NEG_INFINITY]), f64::INFINITY);
        assert!(norm(&[f64::INFINITY, f64::NAN]).is_nan());
    }
}
