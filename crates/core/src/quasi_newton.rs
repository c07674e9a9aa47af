//! Likelihoods with a penalty on squares and too many coefficients for their curvature: quasi-Newton
//! steps from a fixed bound on it. Each step costs a pass without curvature.
//!
//! Source: Nocedal and Wright 2006, Numerical Optimization, 2nd ed., 7.2 (limited-memory BFGS).

use std::collections::VecDeque;

use crate::linalg::{Tick, add_scaled, dot};
use crate::parallel::Watch;
use crate::penalised::{Curvature, Ending, Likelihood, Maximum, penalised_gradient, value};
use crate::tiles::zeroed;
use crate::{Error, Result};

/// Steps that count as one iteration: a Newton step, solved by products, would take about as many.
pub(crate) const STEPS: u32 = 10;
/// Steps remembered.
const MEMORY: usize = 16;
/// The decrement at which the search ends, for rows few enough to count.
const SETTLED: f64 = 1e-10;
/// Halvings of one step at the most.
const MAX_HALVINGS: u32 = 60;

/// A step taken and the change of the gradient along it.
struct Memory {
    step: Vec<f64>,
    change: Vec<f64>,
    /// Inverse of their scalar product.
    inverse: f64,
}

/// Maximises the likelihood less the penalty from 0, where the likelihood's last pass over all rows
/// was. `bound` is a curvature to begin with, which is scaled as the search learns. [`STEPS`]
/// steps count as an iteration; `most` are taken.
pub(crate) fn maximise<L: Likelihood>(
    likelihood: &mut L,
    bound: &impl Curvature,
    ending: &Ending,
    most: u32,
    watch: &mut Watch<'_>,
) -> Result<Maximum> {
    watch.progress.phase = "iteration";
    watch.progress.total = ending.max_iter.into();
    let mut theta = zeroed(likelihood.gradient().len())?;
    let mut memories: VecDeque<Memory> = VecDeque::new();
    let each = likelihood.rows() as f64 / (10 * theta.len()) as f64;
    let settled = SETTLED * each.sqrt().clamp(1.0, 100.0);
    let mut gradient = penalised_gradient(likelihood, &theta, ending.lambda);
    let mut now = value(likelihood, &theta, ending.lambda);
    let mut steps = 0;
    loop {
        let iterations = u32::div_ceil(steps, STEPS);
        watch.progress.done = iterations.into();
        watch.progress.loss = -now;
        let step = ascent(&memories, bound, &gradient, &mut || watch.tick())?;
        let rise = dot(&step, &gradient);
        if rise.is_nan() {
            return Err(Error::Breakdown { phase: "step" });
        }
        let (decrement, gap) = (rise.max(0.0).sqrt(), rise.max(0.0) / 2.0);
        let floor = ending.rounding(now);
        let end = move |converged: bool, theta: Vec<f64>| Maximum {
            theta,
            value: now,
            iterations,
            converged,
            gap,
        };
        if decrement <= settled {
            return Ok(end(true, theta));
        }
        if steps >= ending.max_iter.saturating_mul(STEPS).min(most) {
            return Ok(end(gap <= ending.tolerance, theta));
        }
        let from = theta.clone();
        let (mut fraction, mut halvings) = (1.0, 0);
        loop {
            theta.copy_from_slice(&from);
            add_scaled(&mut theta, fraction, &step);
            bound.tie(&mut theta);
            likelihood.evaluate(&theta, false, 1, watch)?;
            let reached = value(likelihood, &theta, ending.lambda);
            if reached - now >= 1e-4 * fraction * rise - floor {
                now = reached;
                break;
            }
            halvings += 1;
            fraction /= 2.0;
            if halvings == MAX_HALVINGS || ending.drowns(fraction * rise, now) {
                return Ok(end(gap <= floor.max(ending.tolerance), from));
            }
        }
        steps += 1;
        let before = std::mem::replace(
            &mut gradient,
            penalised_gradient(likelihood, &theta, ending.lambda),
        );
        let taken: Vec<f64> = theta.iter().zip(&from).map(|(a, b)| a - b).collect();
        let change: Vec<f64> = before.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        let along = dot(&taken, &change);
        if along > 0.0 && along.is_finite() {
            if memories.len() == MEMORY {
                memories.pop_front();
            }
            memories.push_back(Memory {
                step: taken,
                change,
                inverse: along.recip(),
            });
        } else if memories.is_empty() {
            return Ok(end(gap <= floor.max(ending.tolerance), theta));
        } else {
            // Rounding: what was learned no longer holds.
            memories.clear();
        }
    }
}

/// The product of the approximate inverse curvature and the gradient.
fn ascent(
    memories: &VecDeque<Memory>,
    bound: &impl Curvature,
    gradient: &[f64],
    tick: Tick<'_>,
) -> Result<Vec<f64>> {
    let mut q = gradient.to_vec();
    let mut shares = Vec::with_capacity(memories.len());
    for memory in memories.iter().rev() {
        tick()?;
        let share = memory.inverse * dot(&memory.step, &q);
        add_scaled(&mut q, -share, &memory.change);
        shares.push(share);
    }
    let (mut step, _) = bound.step(&q);
    tick()?;
    if let Some(last) = memories.back() {
        // The bound scaled to the curvature met last.
        let (_, size) = bound.step(&last.change);
        let scale = (last.inverse * size * size).recip();
        step.iter_mut().for_each(|cell| *cell *= scale);
    }
    for (memory, share) in memories.iter().zip(shares.iter().rev()) {
        tick()?;
        let back = memory.inverse * dot(&memory.change, &step);
        add_scaled(&mut step, share - back, &memory.step);
    }
    Ok(step)
}
