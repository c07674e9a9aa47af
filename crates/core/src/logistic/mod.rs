//! Binary logistic regression with inference.

mod cg;
mod factor;
mod fit;
mod igd;
mod inference;
mod model;
mod newton;
mod outcome;
mod params;
mod pass;
mod separation;
mod survey;
mod tail;

use std::ops::Range;

pub use fit::{InterceptDecision, decide_intercept, fit, working_memory};
pub use model::{Finding, LogisticFit, Status, probability};
pub use params::{Intercept, LogisticParams, LogisticValidParams, Optimizer};

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
