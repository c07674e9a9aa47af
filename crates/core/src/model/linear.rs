//! The model of an ordinary least squares fit.

use serde_json::{Value, json};

use super::bytes::{Reader, Writer};
use super::terms::LinearTerms;
use crate::Result;

/// Predicts a number.
///
/// Encoded as [`LinearTerms`], rows (`u64`), r2 (`f64`).
#[derive(Debug, Clone, PartialEq)]
pub struct LinearModel {
    /// Intercept, coefficients, names.
    pub terms: LinearTerms,
    /// Rows of the training.
    pub rows: u64,
    /// Share of the variance explained in training; NaN where it does not exist.
    pub r2: f64,
}

impl LinearModel {
    /// The prediction for one row.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape).
    pub fn predict(&self, x: &[f64]) -> Result<f64> {
        self.terms.score(x)
    }

    pub(super) fn write(&self, writer: &mut Writer) -> Result<()> {
        self.terms.write(writer)?;
        writer.u64(self.rows)?;
        writer.f64(self.r2)
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(Self {
            terms: LinearTerms::read(reader)?,
            rows: reader.u64()?,
            r2: reader.f64()?,
        })
    }

    pub(super) fn to_json(&self) -> Value {
        let mut view = self.terms.to_json();
        view["algorithm"] = json!("linear_regression");
        view["rows"] = json!(self.rows);
        view["r2"] = json!(self.r2);
        view
    }
}
