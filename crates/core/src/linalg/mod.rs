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
pub(crate) use lanczos::largest_eigenvalue;
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

/// The Euclidean length.
pub(crate) fn norm(v: &[f64]) -> f64 {
    dot(v, v).sqrt()
}
