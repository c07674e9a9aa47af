//! Binary logistic regression with inference.
//!
//! # What it computes
//! The maximum over `beta` of the log-likelihood `sum of w (y eta - log(1 + exp(eta)))` with
//! `eta = x'beta`, and at the maximum the covariance `(X'WX)^-1`, `W = diag(w mu (1 - mu))`, with
//! what follows from it: standard errors, z statistics, p-values, the condition number.
//!
//! # Source
//! Newton's method (iteratively reweighted least squares): McCullagh and Nelder, Generalized Linear
//! Models, 2nd ed., 2.5 and 4.4. Existence of the maximum: Albert and Anderson 1984. The searches
//! without curvature cite theirs. Where the design is rank-deficient the coefficients have the least
//! norm among the maximisers, as a pseudo-inverse gives them.
//!
//! # Shapes
//! [`Rows`]: `n` rows of `d` features in [`Tiles`], a label 0 or 1, a weight where wanted. The fit
//! has `k = d` coefficients, or `d + 1` with the intercept first where one was added.
//!
//! # Intercept
//! With [`Intercept::Auto`] a constant is added only if it raises the rank of the design, over rows
//! with a positive weight: not if a column is constant, nor if columns (dummies, say) add up to one.
//! [`decide_intercept`] takes that decision once for several groups of rows.
//!
//! # Units
//! Coefficients are log odds per unit of their column. Results do not depend on the units or the
//! origin of the columns beyond rounding: ranks are decided on correlations, not on raw numbers.
//!
//! # Numerics
//! The columns are iterated about an origin near their mean and factored about their weighted mean,
//! so that a large mean costs no digits; a column is dependent if the others leave less than 1e-12 of
//! its variance unexplained. Newton's method ends when no coefficient would move by more than about
//! 1e-10 standard errors, or at the floor of rounding; `tolerance` is a bound besides. All numbers
//! belong to the final coefficients. Measured against 50-digit references: 1e-11 on 20 rows, 1e-10 on
//! a design of condition 9e4, 1e-9 on a million rows of condition 4e6.
//!
//! # Cost
//! `n k^2` multiply-adds for a pass with curvature, `4 n k` without. From 20,000 rows on, every 16th
//! tile gives a start, from which the whole takes two passes of either kind, or a few more of the
//! cheap one where `k` is large. Penalised fits of many columns do without the curvature:
//! [`fit_penalised`]. The monitor is asked about every 60 ms up to 1,600 columns (174 ms
//! were seen once, on a busy machine); beyond, a pass with curvature asks it once for 8 rows, which with
//! 8,192 columns is about once a second. The bits do not depend on the number of threads. Beside the
//! tiles: [`working_memory`].
//!
//! # Example
//! ```
//! use linfa::{Dataset, traits::{Fit, Predict}};
//! use ndarray::array;
//! use pglearn_core::logistic::{LogisticParams, Status};
//! let hours = array![[0.5], [1.0], [1.5], [2.0], [2.5], [3.0]];
//! let passed = array![false, false, true, false, true, true];
//! let fit = LogisticParams::new().fit(&Dataset::new(hours, passed))?;
//! assert!(fit.intercept_added && fit.status == Status::Converged);
//! assert!(fit.coefficients[1] > 0.0 && fit.p_values[1] < 1.0);
//! assert_eq!(fit.predict(&array![[0.2], [4.0]]), array![false, true]);
//! # Ok::<(), pglearn_core::Error>(())
//! ```

mod cg;
mod estimator;
mod factor;
mod fit;
mod igd;
mod inference;
mod model;
mod newton;
mod outcome;
mod params;
mod pass;
mod penalised;
mod separation;
mod survey;
mod tail;
mod wide;

use std::ops::Range;

pub(crate) use factor::Constant;
pub use fit::{InterceptDecision, decide_intercept, fit, working_memory};
pub use model::{Finding, LogisticFit, Status, probability};
pub(crate) use newton::stride;
pub use params::{Intercept, LogisticParams, LogisticValidParams, Optimizer};
pub(crate) use penalised::{Design, Factor as PenalisedFactor};
pub use penalised::{Penalised, Penalty, fit_penalised};

use crate::tiles::Tiles;

/// The rows of one regression: columns `0..features` are the design, column `features` the label,
/// the next one the weight where `weighted`.
#[derive(Debug, Clone)]
pub struct Rows<'a> {
    /// Where the rows are; the features should be centred there (`Tiles::new(_, features, _)`).
    pub tiles: &'a Tiles,
    /// Which rows; one group of several, say.
    pub range: Range<usize>,
    /// Number of features.
    pub features: usize,
    /// Whether a column of weights follows the label.
    pub weighted: bool,
}
