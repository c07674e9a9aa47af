//! Errors of predicted numbers.

use super::Sum;
use crate::{Error, Result};

/// Errors of predictions against observations, row by row, mergeable.
///
/// # Example
/// ```
/// use pglearn_core::metrics::RegressionErrors;
/// let mut errors = RegressionErrors::default();
/// for (predicted, observed) in [(2.5, 3.0), (0.0, -0.5), (2.0, 2.0), (8.0, 7.0)] {
///     errors.push(predicted, observed)?;
/// }
/// assert_eq!(errors.mean_squared_error(), Some(0.375));
/// assert_eq!(errors.mean_abs_error(), Some(0.5));
/// # Ok::<(), pglearn_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RegressionErrors {
    rows: u64,
    zeros: u64,
    absolute: Sum,
    squared: Sum,
    percent: Sum,
    absolute_percent: Sum,
    /// The first observation; the others less it, summed; squared distances from their mean.
    origin: f64,
    shifted: Sum,
    centred: Sum,
}

impl RegressionErrors {
    /// Takes one row.
    ///
    /// # Errors
    /// [`Error::NotFinite`]: column 0 is the prediction, column 1 the observation.
    pub fn push(&mut self, predicted: f64, observed: f64) -> Result<()> {
        for (column, value) in [predicted, observed].into_iter().enumerate() {
            if !value.is_finite() {
                return Err(Error::NotFinite { column, value });
            }
        }
        let error = predicted - observed;
        self.rows += 1;
        self.absolute.add(error.abs());
        self.squared.add(error * error);
        if observed == 0.0 {
            self.zeros += 1;
        } else {
            self.percent.add(error / observed.abs());
            self.absolute_percent.add(error.abs() / observed.abs());
        }
        if self.rows == 1 {
            self.origin = observed;
        } else {
            // Welford (1962), on distances from a value: a large mean costs no digits.
            let shifted = observed - self.origin;
            let before = shifted - self.shifted.value() / (self.rows - 1) as f64;
            self.shifted.add(shifted);
            self.centred
                .add(before * (shifted - self.shifted.value() / self.rows as f64));
        }
        Ok(())
    }

    /// Takes the rows of another set (Chan, Golub and LeVeque 1983).
    pub fn merge(&mut self, other: &Self) {
        if other.rows == 0 {
            return;
        }
        if self.rows == 0 {
            *self = *other;
            return;
        }
        let (left, right) = (self.rows as f64, other.rows as f64);
        let shift = other.origin - self.origin;
        let distance = shift + other.shifted.value() / right - self.shifted.value() / left;
        self.centred
            .add(distance * distance * (left * (right / (left + right))));
        self.shifted.merge(other.shifted);
        self.shifted.add(shift * right);
        self.centred.merge(other.centred);
        self.rows += other.rows;
        self.zeros += other.zeros;
        self.absolute.merge(other.absolute);
        self.squared.merge(other.squared);
        self.percent.merge(other.percent);
        self.absolute_percent.merge(other.absolute_percent);
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Rows with an observation of 0, for which a percent error does not exist.
    #[must_use]
    pub fn zero_observations(&self) -> u64 {
        self.zeros
    }

    fn mean_of(&self, sum: Sum) -> Option<f64> {
        let mean = (self.rows > 0).then(|| sum.value() / self.rows as f64)?;
        (!mean.is_nan()).then_some(mean)
    }

    /// Mean of |predicted - observed|; `None` without rows, as all of these.
    #[must_use]
    pub fn mean_abs_error(&self) -> Option<f64> {
        self.mean_of(self.absolute)
    }

    /// Mean of (predicted - observed)^2.
    #[must_use]
    pub fn mean_squared_error(&self) -> Option<f64> {
        self.mean_of(self.squared)
    }

    /// Square root of the mean squared error.
    #[must_use]
    pub fn root_mean_squared_error(&self) -> Option<f64> {
        self.mean_squared_error().map(f64::sqrt)
    }

    /// Mean of |predicted - observed| / |observed|; `None` if an observation is 0.
    #[must_use]
    pub fn mean_abs_perc_error(&self) -> Option<f64> {
        if self.zeros > 0 {
            None
        } else {
            self.mean_of(self.absolute_percent)
        }
    }

    /// Mean of (predicted - observed) / |observed|; `None` if an observation is 0.
    #[must_use]
    pub fn mean_perc_error(&self) -> Option<f64> {
        if self.zeros > 0 {
            None
        } else {
            self.mean_of(self.percent)
        }
    }

    /// 1 - sum of squared errors / sum of the squared distances of the observations from their
    /// mean; `None` if the observations are all equal.
    #[must_use]
    pub fn r2_score(&self) -> Option<f64> {
        let total = self.centred.value();
        let r2 = (self.rows > 0 && total > 0.0).then(|| 1.0 - self.squared.value() / total)?;
        (!r2.is_nan()).then_some(r2)
    }

    /// 1 - (1 - r2) (n - 1) / (n - k - 1) for a model of `num_predictors` k trained on
    /// `training_size` n rows; `None` without r2 or where n <= k + 1.
    #[must_use]
    pub fn adjusted_r2_score(&self, num_predictors: u64, training_size: u64) -> Option<f64> {
        let freedom = training_size.checked_sub(num_predictors)?.checked_sub(1)?;
        if freedom == 0 {
            return None;
        }
        let share = (training_size - 1) as f64 / freedom as f64;
        Some(1.0 - (1.0 - self.r2_score()?) * share)
    }
}
