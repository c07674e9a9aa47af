//! Weighted least squares, plain and penalised, on the triangular factor of the rows.
//!
//! # What it computes
//! With `W` the sum of the weights and the intercept `c` free, the minimum over `b` of
//! - [`ordinary`]: `sum w (y - c - x'b)^2`, of minimum norm where columns are dependent,
//! - [`ridge`]: `sum w (y - c - x'b)^2 + alpha |b|^2`,
//! - [`elastic_net`]: `sum w (y - c - x'b)^2 / (2 W) + alpha (l1_ratio |b|_1 + (1 - l1_ratio) |b|^2 / 2)`.
//!
//! # Source
//! The rows are reduced once, by orthogonal reflections, to the triangular factor `R` of the centred
//! `(X, y)` (TSQR: Demmel, Grigori, Hoemmen and Langou 2012); `|y - Xb|^2` and `|z - Rb|^2` differ by
//! a constant, so that every solver runs on `R` alone and no normal equations are formed. Ridge: Golub
//! and Van Loan, Matrix Computations, 4th ed., 6.1.5. Elastic net: Friedman, Hastie and Tibshirani
//! 2010 (coordinate descent), Zou and Hastie 2005.
//!
//! # Shapes
//! [`Rows`]: `n` rows of `d` features in [`Tiles`], a target, a weight where wanted; `n` may be
//! smaller than `d`, and `d` may be 0.
//!
//! # Numerics
//! With an intercept, columns and target are centred about their weighted means before squares are
//! taken; weights are scaled by a power of two, so that their unit is free. Cost `2 n d^2` for the
//! reduction, `d^3` for a solution. The bits do not depend on the number of threads. Beside the
//! tiles: [`working_memory`]. Measured against scikit-learn and statsmodels: 1e-10 and better.
//!
//! # Example
//! ```
//! use pglearn_core::least_squares::{Rows, reduce, ridge};
//! use pglearn_core::{monitor::Unattended, tiles::{TileBuffer, Tiles}};
//! let mut tile = TileBuffer::new(2)?;
//! for (x, y) in [(1.0, 2.0), (2.0, 4.0), (3.0, 6.0)] {
//!     tile.push(&[x, y]);
//! }
//! let mut tiles = Tiles::new(2, 1, u64::MAX);
//! tiles.append(tile.span())?;
//! let rows = Rows { tiles: &tiles, features: 1, weighted: false };
//! let fit = ridge(&reduce(&rows, true, 1, &mut Unattended)?, 2.0, &mut Unattended)?;
//! assert!((fit.coefficients[0] - 1.0).abs() < 1e-14); // 4 / (2 + 2)
//! assert!((fit.intercept - 2.0).abs() < 1e-14);
//! # Ok::<(), pglearn_core::Error>(())
//! ```

mod elastic_net;
mod ordinary;
mod reduce;
mod ridge;
mod survey;
mod triangular;

pub use elastic_net::{ElasticNet, Sparse, elastic_net};
pub use ordinary::{Ordinary, ordinary};
pub use reduce::{MAX_FEATURES, Reduced, reduce, working_memory};
pub use ridge::ridge;
pub(crate) use survey::Survey;

use crate::tiles::Tiles;

/// The rows of one regression: columns `0..features` are the design, column `features` the target,
/// the next one the weight where `weighted`.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// Where the rows are; the features should be centred there (`Tiles::new(_, features, _)`).
    pub tiles: &'a Tiles,
    /// Number of features.
    pub features: usize,
    /// Whether a column of weights follows the target.
    pub weighted: bool,
}

/// A linear function of the raw columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// The constant; 0 where none was wanted.
    pub intercept: f64,
    /// One a feature.
    pub coefficients: Vec<f64>,
    /// The minimum.
    pub objective: f64,
}
