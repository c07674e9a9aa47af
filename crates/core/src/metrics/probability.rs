//! Losses of predicted probabilities.

use super::Sum;
use crate::{Error, Result};

/// Log loss and Brier score of probabilities of the positive class, row by row.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ProbabilityLoss {
    rows: u64,
    log_loss: Sum,
    brier: Sum,
}

impl ProbabilityLoss {
    /// Takes one row. For the log loss a probability is kept 2^-52 away from 0 and 1, as
    /// scikit-learn keeps it.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] unless `probability` lies in 0 to 1.
    pub fn push(&mut self, probability: f64, positive: bool) -> Result<()> {
        if !(0.0..=1.0).contains(&probability) {
            let expected = "a probability from 0 to 1";
            let value = probability.to_string();
            return Err(Error::InvalidParameter {
                name: "probability",
                value,
                expected,
            });
        }
        let clipped = probability.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
        self.log_loss.add(if positive {
            -clipped.ln()
        } else {
            -(-clipped).ln_1p()
        });
        let target = if positive { 1.0 } else { 0.0 };
        self.brier
            .add((probability - target) * (probability - target));
        self.rows += 1;
        Ok(())
    }

    /// Takes the rows of another set.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.log_loss.merge(other.log_loss);
        self.brier.merge(other.brier);
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Mean negative log-likelihood of the labels; `None` without rows.
    #[must_use]
    pub fn log_loss(&self) -> Option<f64> {
        (self.rows > 0).then(|| self.log_loss.value() / self.rows as f64)
    }

    /// Mean squared distance of the probability from the label (Brier 1950); `None` without rows.
    #[must_use]
    pub fn brier_score(&self) -> Option<f64> {
        (self.rows > 0).then(|| self.brier.value() / self.rows as f64)
    }
}
