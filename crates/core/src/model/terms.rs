//! Intercept plus coefficients times features: what linear and logistic models share.

use pglearn_kernels::{dot, dot_bytes};
use serde_json::{Value, json};

use super::bytes::{Reader, Writer};
use crate::{Error, Result};

/// A linear function of named features.
///
/// Encoded as target (string), features (strings), intercept (`f64`), coefficients (`f64` list),
/// standard errors (`f64` list).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LinearTerms {
    /// Name of the target.
    pub target: String,
    /// Names of the features, in the order of training.
    pub features: Vec<String>,
    /// The constant term; 0 if there is none.
    pub intercept: f64,
    /// One finite coefficient a feature.
    pub coefficients: Vec<f64>,
    /// Standard errors of the intercept (NaN if there is none) and of each coefficient; or empty.
    pub std_err: Vec<f64>,
}

impl LinearTerms {
    /// Intercept plus coefficients times `x`.
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub fn score(&self, x: &[f64]) -> Result<f64> {
        self.fits("features", x.len())?;
        Ok(self.intercept + dot(&self.coefficients, x))
    }

    /// [`score`](Self::score) of native-endian doubles at any alignment.
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub fn score_bytes(&self, x: &[u8]) -> Result<f64> {
        if x.len() != self.coefficients.len() * 8 {
            let (expected, got) = (self.coefficients.len() * 8, x.len());
            return Err(Error::Shape {
                what: "bytes of the features",
                expected,
                got,
            });
        }
        Ok(self.intercept + dot_bytes(&self.coefficients, x))
    }

    fn fits(&self, what: &'static str, got: usize) -> Result<()> {
        let expected = self.coefficients.len();
        if expected == got {
            Ok(())
        } else {
            Err(Error::Shape {
                what,
                expected,
                got,
            })
        }
    }

    fn check(&self) -> Result<()> {
        self.fits("feature names", self.features.len())?;
        if !self.std_err.is_empty() {
            self.fits("standard errors of coefficients", self.std_err.len() - 1)?;
        }
        let finite = |v: &f64| v.is_finite();
        match self.coefficients.iter().position(|v| !finite(v)) {
            Some(column) => Err(Error::NotFinite {
                column,
                value: self.coefficients[column],
            }),
            None if !finite(&self.intercept) => {
                let column = self.coefficients.len();
                Err(Error::NotFinite {
                    column,
                    value: self.intercept,
                })
            }
            None => Ok(()),
        }
    }

    pub(super) fn write(&self, writer: &mut Writer) -> Result<()> {
        self.check()?;
        writer.string(&self.target)?;
        writer.strings(&self.features)?;
        writer.f64(self.intercept)?;
        writer.f64s(&self.coefficients)?;
        writer.f64s(&self.std_err)
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let terms = Self {
            target: reader.string()?,
            features: reader.strings()?,
            intercept: reader.f64()?,
            coefficients: reader.f64s()?,
            std_err: reader.f64s()?,
        };
        match terms.check() {
            Ok(()) => Ok(terms),
            Err(Error::NotFinite { .. }) => Err(Error::Corrupt {
                what: "a coefficient",
            }),
            Err(_) => Err(Error::Corrupt {
                what: "number of coefficients",
            }),
        }
    }

    /// One object a term; the constant is the one without a feature.
    pub(super) fn to_json(&self) -> Value {
        let std_err = |i: usize| {
            self.std_err
                .get(i)
                .copied()
                .map_or(Value::Null, Value::from)
        };
        let names = self.features.iter().zip(&self.coefficients).enumerate();
        let terms: Vec<Value> = names
            .map(|(i, (name, value))| {
                json!({ "feature": name, "coefficient": value, "std_err": std_err(i + 1) })
            })
            .collect();
        json!({
            "target": self.target,
            "intercept": { "coefficient": self.intercept, "std_err": std_err(0) },
            "terms": terms,
        })
    }
}
