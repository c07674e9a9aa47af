//! Multinomial logistic regression: three or more classes.
//!
//! # What it computes
//! One intercept `c_k` and slopes `b_k` a class, which minimise the sum of `w` times the log loss
//! `log(sum over l of exp(eta_l)) - eta_y`, `eta_k = c_k + x'b_k`, plus `lambda |b|^2 / 2` over the
//! slopes of all classes. The parametrisation is symmetric, as in scikit-learn: intercepts and slopes
//! add up to 0 over the classes, with a penalty by themselves, without one by choice (the same
//! probabilities as with a reference class, and the slopes of least norm).
//!
//! # Source
//! Bishop 2006, Pattern Recognition and Machine Learning, 4.3.4 (Newton's method); Bohning 1992,
//! "Multinomial logistic regression algorithm" (the bound on the curvature).
//!
//! # Shapes
//! [`Rows`]: `n` rows of `d` features, the number of a class (from 0), a weight where wanted. A class
//! without a row of positive weight gets slopes 0 and an intercept so low that it is never predicted.
//!
//! # Numerics
//! Up to [`DENSE`] coefficients: Newton's method with the whole curvature, `n K^2 d^2 / 4` multiply-adds
//! a pass (twice that for few features), to about 1e-11 standard errors. Beyond, and where by estimate
//! 64 of them cost less, limited-memory quasi-Newton steps from the bound `(I - 1 1'/K) / 2 x X'WX`,
//! `2 n K d` multiply-adds and `n K` exponentials a pass, to 1e-10 standard errors; ten of them count as
//! an iteration, and up to [`DENSE`] Newton's method takes over where they do not get there. The bits do not depend on the number of threads. Beside
//! the tiles: [`working_memory`]. Measured against scikit-learn: 1e-10 and better, 1e-8 where
//! separated classes leave an intercept nearly free.
//!
//! # Example
//! ```
//! use pglearn_core::softmax::{Rows, SoftmaxParams, fit};
//! use pglearn_core::{monitor::Unattended, tiles::{TileBuffer, Tiles}};
//! let mut tile = TileBuffer::new(2)?;
//! for (x, class) in [(1.0, 0.0), (2.0, 1.0), (3.0, 2.0), (1.5, 1.0), (2.5, 1.0)] {
//!     tile.push(&[x, class]);
//! }
//! let mut tiles = Tiles::new(2, 1, u64::MAX);
//! tiles.append(tile.span())?;
//! let params = SoftmaxParams {
//!     lambda: 1.0, intercept: true, max_iter: 100, tolerance: 1e-4, threads: 1,
//! };
//! let rows = Rows { tiles: &tiles, features: 1, weighted: false };
//! let fitted = fit(&params, &rows, 3, &mut Unattended)?;
//! assert!(fitted.converged && fitted.coefficients[0] < fitted.coefficients[2]);
//! assert!(fitted.coefficients.iter().sum::<f64>().abs() < 1e-12);
//! # Ok::<(), pglearn_core::Error>(())
//! ```

mod factor;
mod fit;
mod joint;
mod method;
mod pass;
mod stage;
mod survey;
#[cfg(test)]
mod tests;

pub use crate::least_squares::Rows;
pub use fit::{MAX_COEFFICIENTS, Softmax, SoftmaxParams, fit, working_memory};

/// Coefficients up to which the whole curvature is used.
pub const DENSE: usize = 1024;
