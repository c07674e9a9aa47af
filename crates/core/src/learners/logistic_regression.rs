//! `logistic_regression`: two classes or more, with a penalty on squares or without.

use serde_json::Value;

use super::linear_regression::constant;
use super::settings::Settings;
use super::words::named;
use super::{Learned, Learner, Problem, Wishes};
use crate::logistic::{
    Finding, Intercept, InterceptDecision, LogisticFit, LogisticParams, Penalty, Rows, Status, fit,
    fit_penalised, working_memory,
};
use crate::monitor::Monitor;
use crate::parallel::Watch;
use crate::pipeline::{Linear, Link, Predictor};
use crate::softmax::{self, SoftmaxParams};
use crate::{Error, ParamGuard, Result};

struct LogisticRegression {
    settings: Settings,
    intercept: bool,
    /// The inverse of C; 0 without a penalty.
    lambda: f64,
    max_iter: u32,
    tolerance: f64,
}

pub(super) fn build(settings: &Settings) -> Box<dyn Learner> {
    let penalised = settings.is("penalty", "l2");
    Box::new(LogisticRegression {
        intercept: settings.flag("fit_intercept"),
        lambda: if penalised {
            1.0 / settings.number("C")
        } else {
            0.0
        },
        max_iter: settings.whole("max_iter"),
        tolerance: settings.number("tol"),
        settings: settings.clone(),
    })
}

impl Learner for LogisticRegression {
    fn wishes(&self) -> Wishes {
        let penalised = self.lambda > 0.0;
        Wishes {
            scale: penalised,
            reference: !penalised && self.intercept,
        }
    }

    fn working_memory(&self, features: usize, classes: usize, threads: usize) -> u64 {
        if classes > 2 {
            return softmax::working_memory(features, classes, threads);
        }
        working_memory(features + 1, threads)
    }

    fn hyperparameters(&self) -> Value {
        self.settings.json()
    }

    fn learn(&self, problem: &Problem<'_>, monitor: &mut dyn Monitor) -> Result<Learned> {
        let rows = Rows {
            tiles: problem.tiles,
            range: 0..problem.tiles.rows(),
            features: problem.features.len(),
            weighted: problem.weighted,
        };
        if problem.classes > 2 {
            self.several(problem, monitor)
        } else if self.lambda > 0.0 {
            self.penalised(problem, &rows, monitor)
        } else {
            self.unpenalised(problem, &rows, monitor)
        }
    }
}

impl LogisticRegression {
    fn penalised(
        &self,
        problem: &Problem<'_>,
        rows: &Rows<'_>,
        monitor: &mut dyn Monitor,
    ) -> Result<Learned> {
        let penalty = Penalty {
            lambda: self.lambda,
            intercept: self.intercept,
            max_iter: self.max_iter,
            tolerance: self.tolerance,
            threads: problem.threads,
        };
        let fit = fit_penalised(&penalty, rows, monitor)?;
        let mut warnings = Vec::new();
        if !fit.converged {
            warnings.push(unfinished(fit.iterations, fit.gap));
        }
        Ok(Learned {
            predictor: Predictor::Linear(Linear {
                link: Link::Logistic,
                intercepts: vec![fit.intercept],
                coefficients: fit.coefficients,
                std_err: Vec::new(),
            }),
            warnings,
            iterations: fit.iterations,
            converged: fit.converged,
            loss: fit.objective,
        })
    }

    fn several(&self, problem: &Problem<'_>, monitor: &mut dyn Monitor) -> Result<Learned> {
        let params = SoftmaxParams {
            lambda: self.lambda,
            intercept: self.intercept,
            max_iter: self.max_iter,
            tolerance: self.tolerance,
            threads: problem.threads,
        };
        let fit = softmax::fit(&params, &problem.regression(), problem.classes, monitor)?;
        let mut warnings = Vec::new();
        if !fit.converged {
            warnings.push(unfinished(fit.iterations, fit.gap));
        }
        if self.lambda == 0.0 && fit.dependent > 0 {
            warnings.push(format!(
                "{} encoded features depend linearly on others: the coefficients are the smallest that fit",
                fit.dependent
            ));
        }
        if !fit.absent.is_empty() {
            warnings.push(format!(
                "{} of {} classes have no training row and are never predicted",
                fit.absent.len(),
                problem.classes
            ));
        }
        Ok(Learned {
            predictor: Predictor::Linear(Linear {
                link: Link::Softmax,
                intercepts: fit.intercepts,
                coefficients: fit.coefficients,
                std_err: Vec::new(),
            }),
            warnings,
            iterations: fit.iterations,
            converged: fit.converged,
            loss: fit.objective,
        })
    }

    fn unpenalised(
        &self,
        problem: &Problem<'_>,
        rows: &Rows<'_>,
        monitor: &mut dyn Monitor,
    ) -> Result<Learned> {
        let column = problem.weighted.then_some(problem.features.len() + 1);
        let mut watch = Watch::new(monitor, "preparation", 0);
        let unit = crate::weights::unit(problem.tiles, column, &mut watch)?;
        let params = LogisticParams::new()
            .max_iter(self.max_iter)
            .tolerance(self.tolerance * unit)
            .intercept(Intercept::Never)
            .class_weight((unit != 1.0).then_some([unit; 2]))
            .threads(problem.threads)
            .check()?;
        let decision = InterceptDecision {
            added: self.intercept,
        };
        let fit = fit(&params, rows, Some(decision), monitor)?;
        let mut warnings = Vec::new();
        for finding in &fit.findings {
            if let Finding::ConstantLabel { positive } = finding {
                let class = usize::from(*positive);
                return Err(Error::OneClass { class });
            }
            warnings.extend(word(finding, problem.features, &fit));
        }
        let (intercept, slopes) = fit.parts();
        let mut std_err: Vec<f64> = fit.std_err.iter().map(|s| s * unit.sqrt()).collect();
        if !fit.intercept_added {
            std_err.insert(0, f64::NAN);
        }
        Ok(Learned {
            predictor: Predictor::Linear(Linear {
                link: Link::Logistic,
                intercepts: vec![intercept],
                coefficients: slopes.to_vec(),
                std_err,
            }),
            warnings,
            iterations: fit.iterations,
            converged: fit.status == Status::Converged,
            loss: -fit.log_likelihood / unit,
        })
    }
}

/// The warning on a search that was cut short.
fn unfinished(iterations: u32, gap: f64) -> String {
    format!(
        "not converged after {iterations} iterations, the loss could still fall by about {gap:.1e}: raise hyperparams.max_iter, or lower hyperparams.C"
    )
}

/// A finding in words.
fn word(finding: &Finding, features: &[String], fit: &LogisticFit) -> Option<String> {
    Some(match finding {
        Finding::Collinear { columns } => format!(
            "linearly dependent features, whose coefficients are the smallest that fit: {}",
            named(features, columns)
        ),
        Finding::ConstantColumn { column } | Finding::ZeroColumn { column } => {
            constant(features, &[*column])
        }
        Finding::Separation { columns, complete } => format!(
            "the classes are separated {} by {}: without a penalty the coefficients have no limit, those returned are where the search stopped; \"penalty\": \"l2\" has a solution",
            if *complete {
                "without error"
            } else {
                "in part"
            },
            named(features, columns)
        ),
        Finding::NotConverged { gap } => unfinished(fit.iterations, *gap),
        Finding::ConstantLabel { .. } => return None,
    })
}
