//! Where a search ends, and whether that is the maximum.

use super::factor::{Constant, Factor};
use super::model::Status;
use super::pass::Problem;
use super::separation::{Direction, investigate};
use super::survey::Survey;
use crate::Result;
use crate::parallel::Watch;

/// What every search obeys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub max_iter: u32,
    pub tolerance: f64,
    pub constant: Constant,
    /// Sum of the weights of the rows.
    pub weight: f64,
}

impl Limits {
    /// How precisely the likelihood itself is known.
    pub fn rounding(&self, log_likelihood: f64) -> f64 {
        1e-13 * (self.weight.min(1.0) + log_likelihood.abs())
    }
}

/// Where a search ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Coefficients of `(1, z)`.
    pub theta: Vec<f64>,
    /// The curvature at `theta`, factored.
    pub factor: Factor,
    /// The log-likelihood at `theta`.
    pub log_likelihood: f64,
    /// Iterations over all rows.
    pub iterations: u32,
    /// How it ended.
    pub status: Status,
    /// What the log-likelihood could still gain, to second order.
    pub gap: f64,
    /// The direction that separates the classes, where one was found.
    pub direction: Option<Direction>,
}

/// Factors the curvature that the problem's sums hold.
pub(crate) fn factored(
    problem: &Problem<'_>,
    survey: &Survey,
    limits: &Limits,
    watch: &mut Watch<'_>,
) -> Result<Factor> {
    let (sums, shifts) = (problem.sums(), problem.shifts());
    let tick = &mut || watch.tick();
    Factor::new(sums, shifts, &survey.constants, limits.constant, tick)
}

/// Ends a search that went without curvature: takes it at `theta` and measures, to second order,
/// what the likelihood could still gain. Within the tolerance is converged; else the search was cut
/// short, or has no end.
pub(crate) fn conclude(
    problem: &mut Problem<'_>,
    survey: &Survey,
    limits: &Limits,
    theta: &[f64],
    iterations: u32,
    watch: &mut Watch<'_>,
) -> Result<Outcome> {
    problem.evaluate(theta, true, 1, watch)?;
    let factor = factored(problem, survey, limits, watch)?;
    let log_likelihood = problem.sums().log_likelihood;
    let step = factor.step(&problem.sums().gradient)?;
    let gap = step.decrement * step.decrement / 2.0;
    let near = gap <= limits.tolerance.max(limits.rounding(log_likelihood));
    let mut status = if near {
        Status::Converged
    } else {
        Status::MaxIterations
    };
    let mut direction = problem.separates().then(|| Direction::complete(theta));
    if !near && direction.is_none() {
        direction = investigate(problem, &factor, theta, &step.delta, watch)?;
        // The investigation used the sums for its own ends.
        problem.evaluate(theta, true, 1, watch)?;
    }
    if direction.is_some() {
        status = Status::Separated;
    }
    let theta = theta.to_vec();
    Ok(Outcome {
        theta,
        factor,
        log_likelihood,
        iterations,
        status,
        gap,
        direction,
    })
}
