//! How good predictions are: ranking, classes, probabilities and regression errors.
//!
//! Names follow scikit-learn; a quantity whose denominator is zero is `None`, never NaN.

mod confusion;
mod probability;
mod ranking;
mod regression;

pub use confusion::Confusion;
pub use probability::ProbabilityLoss;
pub use ranking::{Ranking, RankingBuilder, Threshold};
pub use regression::RegressionErrors;

/// A sum that loses nothing to its own size (Neumaier 1974).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    pub(crate) fn add(&mut self, value: f64) {
        let total = self.sum + value;
        self.lost += if self.sum.abs() >= value.abs() {
            (self.sum - total) + value
        } else {
            (value - total) + self.sum
        };
        self.sum = total;
    }

    fn merge(&mut self, other: Self) {
        self.add(other.sum);
        self.lost += other.lost;
    }

    /// The sum; an infinity stays one (its correction would be NaN).
    pub(crate) fn value(self) -> f64 {
        if self.sum.is_finite() {
            self.sum + self.lost
        } else {
            self.sum
        }
    }
}
