//! The model of a binary logistic regression.

use serde_json::{Value, json};

use super::bytes::{Reader, Writer};
use super::terms::LinearTerms;
use crate::Result;

/// Predicts the probability of the second of two classes.
///
/// Encoded as [`LinearTerms`], names of the two classes (strings), rows (`u64`), log-likelihood
/// (`f64`).
#[derive(Debug, Clone, PartialEq)]
pub struct LogisticModel {
    /// Intercept, coefficients, names, on the scale of log odds.
    pub terms: LinearTerms,
    /// Names of the classes; the second is the positive one.
    pub classes: [String; 2],
    /// Rows of the training.
    pub rows: u64,
    /// Log-likelihood of the training.
    pub log_likelihood: f64,
}

impl LogisticModel {
    /// Probability of the positive class for one row.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape).
    pub fn probability(&self, x: &[f64]) -> Result<f64> {
        self.terms.score(x).map(sigmoid)
    }

    pub(super) fn write(&self, writer: &mut Writer) -> Result<()> {
        self.terms.write(writer)?;
        self.classes
            .iter()
            .try_for_each(|class| writer.string(class))?;
        writer.u64(self.rows)?;
        writer.f64(self.log_likelihood)
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(Self {
            terms: LinearTerms::read(reader)?,
            classes: [reader.string()?, reader.string()?],
            rows: reader.u64()?,
            log_likelihood: reader.f64()?,
        })
    }

    pub(super) fn to_json(&self) -> Value {
        let mut view = self.terms.to_json();
        view["algorithm"] = json!("logistic_regression");
        view["classes"] = json!(self.classes);
        view["rows"] = json!(self.rows);
        view["log_likelihood"] = json!(self.log_likelihood);
        view
    }
}

/// 1 / (1 + e^-eta), accurate relative to itself at either end.
fn sigmoid(eta: f64) -> f64 {
    let e = (-eta.abs()).exp();
    if eta >= 0.0 {
        1.0 / (1.0 + e)
    } else {
        e / (1.0 + e)
    }
}
