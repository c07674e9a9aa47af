//! `linear_regression`: ordinary least squares with standard errors.

use serde_json::Value;

use super::settings::Settings;
use super::words::named;
use super::{Learned, Learner, Problem, Wishes};
use crate::Result;
use crate::least_squares::{Reduced, Rows, ordinary, reduce, working_memory};
use crate::linear::Finding;
use crate::monitor::Monitor;
use crate::pipeline::{Linear, Link, Predictor};

struct LinearRegression {
    settings: Settings,
    intercept: bool,
}

pub(super) fn build(settings: &Settings) -> Box<dyn Learner> {
    Box::new(LinearRegression {
        intercept: settings.flag("fit_intercept"),
        settings: settings.clone(),
    })
}

impl<'a> Problem<'a> {
    /// The rows as least squares and softmax take them.
    pub(super) fn regression(&self) -> Rows<'a> {
        Rows {
            tiles: self.tiles,
            features: self.features.len(),
            weighted: self.weighted,
        }
    }

    /// The rows reduced for least squares, and what is to be said of them already.
    pub(super) fn reduced(
        &self,
        intercept: bool,
        monitor: &mut dyn Monitor,
    ) -> Result<(Reduced, Vec<String>)> {
        let reduced = reduce(&self.regression(), intercept, self.threads, monitor)?;
        let constants = &reduced.constants;
        let warning = (!constants.is_empty()).then(|| constant(self.features, constants));
        Ok((reduced, warning.into_iter().collect()))
    }
}

impl Learner for LinearRegression {
    fn wishes(&self) -> Wishes {
        // Without an intercept all the columns of a category are needed.
        Wishes {
            scale: false,
            reference: self.intercept,
        }
    }

    fn working_memory(&self, features: usize, _classes: usize, threads: usize) -> u64 {
        working_memory(features, threads)
    }

    fn hyperparameters(&self) -> Value {
        self.settings.json()
    }

    fn learn(&self, problem: &Problem<'_>, monitor: &mut dyn Monitor) -> Result<Learned> {
        let (reduced, mut warnings) = problem.reduced(self.intercept, monitor)?;
        let fit = ordinary(&reduced, monitor)?;
        let of_intercept = if self.intercept {
            fit.intercept_std_err
        } else {
            f64::NAN
        };
        let beside = reduced.constants.len();
        let findings = fit.slopes.findings.iter();
        warnings.extend(findings.filter_map(|finding| word(finding, problem.features, beside)));
        Ok(Learned {
            predictor: Predictor::Linear(Linear {
                link: Link::Identity,
                intercepts: vec![fit.intercept],
                std_err: std::iter::once(of_intercept)
                    .chain(fit.slopes.std_err)
                    .collect(),
                coefficients: fit.slopes.coefficients,
            }),
            warnings,
            iterations: 1,
            converged: true,
            loss: fit.slopes.residual_sum_of_squares / reduced.unit,
        })
    }
}

/// The warning on columns that are constant beside an intercept.
pub(super) fn constant(features: &[String], columns: &[usize]) -> String {
    format!(
        "constant in every training row, coefficient 0: {}",
        named(features, columns)
    )
}

/// A finding in words; `None` for what was said of `constants` already.
fn word(finding: &Finding, features: &[String], constants: usize) -> Option<String> {
    Some(match finding {
        Finding::Collinear { columns } => format!(
            "linearly dependent features, whose coefficients are the smallest that fit: {}",
            named(features, columns)
        ),
        Finding::ZeroColumn { .. } if constants > 0 => return None,
        Finding::ZeroColumn { column } => {
            format!(
                "0 in every training row, coefficient 0: {}",
                named(features, &[*column])
            )
        }
        Finding::ConstantTarget { value } => {
            format!("the target is {value} in every training row")
        }
        Finding::PerfectFit => {
            "the fit is perfect: standard errors mean nothing, and a feature may hold the target"
                .into()
        }
        Finding::NoDegreesOfFreedom { .. } => format!(
            "no more training rows than the {} encoded features allow: there are no standard errors, and the fit will not generalise",
            features.len()
        ),
    })
}
