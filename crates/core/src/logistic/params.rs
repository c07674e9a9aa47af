//! Hyper-parameters, checked before use as linfa does it.

use linfa::ParamGuard;

use crate::{Error, Result};

/// How the maximum of the likelihood is sought. Every one ends with the same inference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Optimizer {
    /// Newton's method (iteratively reweighted least squares) with step halving.
    #[default]
    Irls,
    /// Nonlinear conjugate gradients.
    Cg,
    /// Incremental gradients, a few rows at a time.
    Igd,
}

/// Whether a constant joins the design.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Intercept {
    /// A constant is added where it raises the rank of the design.
    #[default]
    Auto,
    /// The design is taken as it is.
    Never,
}

/// Checked hyper-parameters; see [`LogisticParams`].
#[derive(Debug, Clone, PartialEq)]
pub struct LogisticValidParams {
    pub(crate) max_iter: u32,
    pub(crate) tolerance: f64,
    pub(crate) optimizer: Optimizer,
    pub(crate) intercept: Intercept,
    pub(crate) threads: usize,
    pub(crate) class_weight: Option<[f64; 2]>,
    pub(crate) seed: u64,
}

/// Hyper-parameters of a logistic regression.
///
/// | name | default | range | meaning |
/// |---|---|---|---|
/// | `max_iter` | 20 | 1 to 1,000,000 | iterations at the most |
/// | `tolerance` | 0.0001 | finite, at least 0 | what the log-likelihood may still gain |
/// | `optimizer` | [`Optimizer::Irls`] | | |
/// | `intercept` | [`Intercept::Auto`] | | |
/// | `threads` | 1 | 1 to 256 | the result does not depend on it |
/// | `class_weight` | none | finite, at least 0, not both 0 | factors on rows labelled 0 and 1 |
/// | `seed` | 0 | | order of the rows in [`Optimizer::Igd`] |
#[derive(Debug, Clone, PartialEq)]
pub struct LogisticParams(LogisticValidParams);

impl Default for LogisticParams {
    fn default() -> Self {
        Self::new()
    }
}

impl LogisticParams {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self(LogisticValidParams {
            max_iter: 20,
            tolerance: 1e-4,
            optimizer: Optimizer::default(),
            intercept: Intercept::default(),
            threads: 1,
            class_weight: None,
            seed: 0,
        })
    }

    /// Iterations at the most.
    #[must_use]
    pub fn max_iter(mut self, max_iter: u32) -> Self {
        self.0.max_iter = max_iter;
        self
    }

    /// What the log-likelihood may still gain at the end.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.0.tolerance = tolerance;
        self
    }

    /// How the maximum is sought.
    #[must_use]
    pub fn optimizer(mut self, optimizer: Optimizer) -> Self {
        self.0.optimizer = optimizer;
        self
    }

    /// Whether a constant joins the design.
    #[must_use]
    pub fn intercept(mut self, intercept: Intercept) -> Self {
        self.0.intercept = intercept;
        self
    }

    /// Threads at the most, the caller's included.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.0.threads = threads;
        self
    }

    /// Factors on the weights of the rows labelled 0 and 1.
    #[must_use]
    pub fn class_weight(mut self, class_weight: Option<[f64; 2]>) -> Self {
        self.0.class_weight = class_weight;
        self
    }

    /// Decides the order of the rows where an optimizer takes them one after the other.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }
}

impl ParamGuard for LogisticParams {
    type Checked = LogisticValidParams;
    type Error = Error;

    fn check_ref(&self) -> Result<&LogisticValidParams> {
        let p = &self.0;
        let fault = |name, value, expected| {
            Err(Error::InvalidParameter {
                name,
                value,
                expected,
            })
        };
        if !(1..=1_000_000).contains(&p.max_iter) {
            return fault("max_iter", p.max_iter.to_string(), "1 to 1000000");
        }
        if !(p.tolerance.is_finite() && p.tolerance >= 0.0) {
            return fault(
                "tolerance",
                p.tolerance.to_string(),
                "a finite number, at least 0",
            );
        }
        if !(1..=256).contains(&p.threads) {
            return fault("threads", p.threads.to_string(), "1 to 256");
        }
        if let Some([zero, one]) = p.class_weight {
            let usable = |w: f64| w.is_finite() && w >= 0.0;
            if !(usable(zero) && usable(one) && zero + one > 0.0) {
                let value = format!("{zero}, {one}");
                return fault(
                    "class_weight",
                    value,
                    "two finite numbers, at least 0, not both 0",
                );
            }
        }
        Ok(p)
    }

    fn check(self) -> Result<LogisticValidParams> {
        self.check_ref()?;
        Ok(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_pass_and_each_fault_names_its_parameter() {
        assert!(LogisticParams::new().check().is_ok());
        let faulty = [
            ("max_iter", LogisticParams::new().max_iter(0)),
            ("tolerance", LogisticParams::new().tolerance(f64::NAN)),
            ("threads", LogisticParams::new().threads(0)),
            (
                "class_weight",
                LogisticParams::new().class_weight(Some([0.0, 0.0])),
            ),
            (
                "class_weight",
                LogisticParams::new().class_weight(Some([-1.0, 2.0])),
            ),
        ];
        for (expected, params) in faulty {
            match params.check() {
                Err(Error::InvalidParameter { name, .. }) => assert_eq!(name, expected),
                other => panic!("{expected}: {other:?}"),
            }
        }
    }
}
