//! Nonlinear conjugate gradients.

use super::model::Status;
use super::outcome::{Limits, Outcome, conclude, factored};
use super::pass::Problem;
use super::survey::Survey;
use crate::Result;
use crate::linalg::{add_scaled, dot};
use crate::parallel::Watch;
use crate::tiles::zeroed;

/// A line search ends where the slope has fallen to this share (Wolfe's curvature condition).
const FLAT: f64 = 0.1;
/// Passes of one line search at the most.
const MAX_TRIALS: u32 = 20;
/// What the preconditioned gradient says is left to gain has to be this much below the tolerance
/// before the curvature is asked: it underestimates, as the curvature at zero bounds all others.
pub(crate) const CAUTION: f64 = 1e-3;

/// Maximises the likelihood by the method of Polak and Ribiere (Nocedal and Wright 2006, 5.2, with
/// restarts where the factor is negative), preconditioned by the curvature at zero, which the sums
/// must hold. One iteration takes about two passes without curvature.
pub(crate) fn maximise(
    problem: &mut Problem<'_>,
    survey: &Survey,
    limits: &Limits,
    watch: &mut Watch<'_>,
) -> Result<Outcome> {
    let metric = factored(problem, survey, limits, watch)?;
    watch.progress.phase = "iteration";
    watch.progress.total = u64::from(limits.max_iter);
    let mut theta = zeroed(problem.features() + 1)?;
    let mut gradient = problem.sums().gradient.clone();
    let mut ascent = metric.step(&gradient)?;
    let mut direction = ascent.delta.clone();
    let mut caution = CAUTION;
    let mut iteration = 0;
    loop {
        iteration += 1;
        let moved = search_line(problem, &mut theta, &direction, &gradient, watch)?;
        let likelihood = problem.sums().log_likelihood;
        watch.progress.done = u64::from(iteration);
        watch.progress.loss = -likelihood;
        let new = problem.sums().gradient.clone();
        let next = metric.step(&new)?;
        let left = next.decrement * next.decrement / 2.0;
        let last = iteration == limits.max_iter || !moved || problem.separates();
        if last || left <= (caution * limits.tolerance).max(limits.rounding(likelihood)) {
            let outcome = conclude(problem, survey, limits, &theta, iteration, watch)?;
            if last || outcome.status != Status::MaxIterations {
                return Ok(outcome);
            }
            caution *= CAUTION;
        }
        let change: f64 = next
            .delta
            .iter()
            .zip(new.iter().zip(&gradient))
            .map(|(z, (g, old))| z * (g - old))
            .sum();
        let share = (change / (ascent.decrement * ascent.decrement)).max(0.0);
        let mut turned = next.delta.clone();
        add_scaled(&mut turned, share, &direction);
        direction = if dot(&turned, &new) > 0.0 {
            turned
        } else {
            next.delta.clone()
        };
        gradient = new;
        ascent = next;
    }
}

/// Moves `theta` along `direction` to where the slope is small, by the secant rule within a bracket:
/// the likelihood is concave. The sums then belong to `theta`. False where no step rises.
fn search_line(
    problem: &mut Problem<'_>,
    theta: &mut [f64],
    direction: &[f64],
    gradient: &[f64],
    watch: &mut Watch<'_>,
) -> Result<bool> {
    let origin = theta.to_vec();
    let start = dot(gradient, direction);
    let likelihood = problem.sums().log_likelihood;
    let (mut low, mut slope_low) = (0.0, start);
    let mut high: Option<(f64, f64)> = None;
    let mut t = 1.0;
    for _ in 0..MAX_TRIALS {
        theta.copy_from_slice(&origin);
        add_scaled(theta, t, direction);
        problem.evaluate(theta, false, 1, watch)?;
        let slope = dot(&problem.sums().gradient, direction);
        if slope.abs() <= FLAT * start || problem.separates() {
            return Ok(true);
        }
        if slope > 0.0 {
            (low, slope_low) = (t, slope);
        } else {
            high = Some((t, slope));
        }
        t = match high {
            None => (t * start / (start - slope)).clamp(1.1 * t, 4.0 * t),
            Some((high, slope_high)) => {
                let width = high - low;
                let secant = low + width * slope_low / (slope_low - slope_high);
                secant.clamp(low + 0.1 * width, high - 0.1 * width)
            }
        };
    }
    // Rounding hides the slope; the lower end of the bracket cannot be below the origin.
    theta.copy_from_slice(&origin);
    add_scaled(theta, low, direction);
    problem.evaluate(theta, false, 1, watch)?;
    Ok(problem.sums().log_likelihood > likelihood)
}
