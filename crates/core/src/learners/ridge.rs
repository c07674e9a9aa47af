//! `ridge`: least squares with a penalty on squares.

use serde_json::Value;

use super::settings::Settings;
use super::{Learned, Learner, Problem, Wishes};
use crate::Result;
use crate::least_squares::{Solution, ridge, working_memory};
use crate::monitor::Monitor;
use crate::pipeline::{Linear, Link, Predictor};

struct Ridge {
    settings: Settings,
    alpha: f64,
    intercept: bool,
}

pub(super) fn build(settings: &Settings) -> Box<dyn Learner> {
    Box::new(Ridge {
        alpha: settings.number("alpha"),
        intercept: settings.flag("fit_intercept"),
        settings: settings.clone(),
    })
}

impl Learner for Ridge {
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
        let (reduced, warnings) = problem.reduced(self.intercept, monitor)?;
        let solution = ridge(&reduced, self.alpha, monitor)?;
        Ok(Learned {
            loss: solution.objective,
            predictor: predictor(solution),
            warnings,
            iterations: 1,
            converged: true,
        })
    }
}

/// A penalised solution as a function of the features.
pub(super) fn predictor(solution: Solution) -> Predictor {
    Predictor::Linear(Linear {
        link: Link::Identity,
        intercepts: vec![solution.intercept],
        coefficients: solution.coefficients,
        std_err: Vec::new(),
    })
}
