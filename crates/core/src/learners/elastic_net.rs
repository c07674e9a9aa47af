//! `elastic_net` and `lasso`: least squares with a penalty on absolute values.

use serde_json::Value;

use super::ridge::predictor;
use super::settings::Settings;
use super::{Learned, Learner, Problem, Wishes};
use crate::Result;
use crate::least_squares::{self, working_memory};
use crate::monitor::Monitor;

struct ElasticNet {
    settings: Settings,
    params: least_squares::ElasticNet,
    intercept: bool,
}

pub(super) fn build(settings: &Settings) -> Box<dyn Learner> {
    with_ratio(settings, settings.number("l1_ratio"))
}

pub(super) fn build_lasso(settings: &Settings) -> Box<dyn Learner> {
    with_ratio(settings, 1.0)
}

fn with_ratio(settings: &Settings, l1_ratio: f64) -> Box<dyn Learner> {
    Box::new(ElasticNet {
        params: least_squares::ElasticNet {
            alpha: settings.number("alpha"),
            l1_ratio,
            max_iter: settings.whole("max_iter"),
            tolerance: settings.number("tol"),
        },
        intercept: settings.flag("fit_intercept"),
        settings: settings.clone(),
    })
}

impl Learner for ElasticNet {
    fn wishes(&self) -> Wishes {
        Wishes {
            scale: true,
            reference: false,
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
        let fit = least_squares::elastic_net(&reduced, &self.params, monitor)?;
        if !fit.converged {
            warnings.push(format!(
                "not converged after {} sweeps: raise hyperparams.max_iter or hyperparams.alpha",
                fit.iterations
            ));
        }
        if fit.solution.coefficients.iter().all(|b| *b == 0.0) && !problem.features.is_empty() {
            warnings.push(
                "every coefficient is 0, the model predicts a constant: lower hyperparams.alpha"
                    .into(),
            );
        }
        Ok(Learned {
            loss: fit.solution.objective,
            predictor: predictor(fit.solution),
            warnings,
            iterations: fit.iterations,
            converged: fit.converged,
        })
    }
}
