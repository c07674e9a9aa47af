//! Incremental gradients: a step after every few rows.

use pglearn_kernels::{LogisticSpan, LogisticSums, Scratch, logistic_pass};

use super::cg::CAUTION;
use super::factor::Factor;
use super::model::Status;
use super::outcome::{Limits, Outcome, conclude, factored};
use super::pass::Problem;
use super::survey::Survey;
use crate::linalg::{SplitMix, add_scaled};
use crate::parallel::Watch;
use crate::tiles::zeroed;
use crate::{Error, Result};

/// Rows of a step at the most.
const MAX_BATCH: usize = 32;
/// Steps an epoch should have at least.
const MIN_STEPS: usize = 16;

/// Maximises the likelihood by stochastic steps with variance reduction (Johnson and Zhang 2013,
/// "Accelerating stochastic gradient descent using predictive variance reduction", option I),
/// preconditioned by the curvature at zero, which the sums must hold. One iteration is an epoch:
/// one pass for the full gradient, then one step per batch; tiles come in an order that the seed
/// decides. An epoch that does not raise the likelihood is undone and the step halved.
pub(crate) fn maximise(
    problem: &mut Problem<'_>,
    survey: &Survey,
    limits: &Limits,
    seed: u64,
    watch: &mut Watch<'_>,
) -> Result<Outcome> {
    let metric = factored(problem, survey, limits, watch)?;
    watch.progress.phase = "iteration";
    watch.progress.total = u64::from(limits.max_iter);
    let mut epoch = Epoch::new(problem, seed)?;
    let mut theta = zeroed(problem.features() + 1)?;
    let mut best = Anchor::at(problem, &theta);
    let mut caution = CAUTION;
    let mut iteration = 0;
    loop {
        iteration += 1;
        epoch.run(problem, &metric, &best, &mut theta, watch)?;
        problem.evaluate(&theta, false, 1, watch)?;
        let likelihood = problem.sums().log_likelihood;
        let last = iteration == limits.max_iter || problem.separates();
        if likelihood > best.likelihood {
            best = Anchor::at(problem, &theta);
        } else {
            epoch.rate /= 2.0;
            theta.copy_from_slice(&best.theta);
        }
        watch.progress.done = u64::from(iteration);
        watch.progress.loss = -best.likelihood;
        let decrement = metric.step(&best.gradient)?.decrement;
        let enough = (caution * limits.tolerance).max(limits.rounding(likelihood));
        if last || decrement * decrement / 2.0 <= enough || epoch.rate < 1e-6 {
            let outcome = conclude(problem, survey, limits, &best.theta, iteration, watch)?;
            if last || outcome.status != Status::MaxIterations || epoch.rate < 1e-6 {
                return Ok(outcome);
            }
            caution *= CAUTION;
        }
    }
}

/// The best point so far with its full gradient.
struct Anchor {
    theta: Vec<f64>,
    gradient: Vec<f64>,
    likelihood: f64,
}

impl Anchor {
    fn at(problem: &Problem<'_>, theta: &[f64]) -> Self {
        let sums = problem.sums();
        let (gradient, likelihood) = (sums.gradient.clone(), sums.log_likelihood);
        Self {
            theta: theta.to_vec(),
            gradient,
            likelihood,
        }
    }
}

/// The order of an epoch's steps, their length, and work space.
struct Epoch {
    tiles: Vec<u32>,
    batch: usize,
    rate: f64,
    random: SplitMix,
    scratch: Scratch,
    /// Only the gradient is used; the room for curvature is never touched, so it costs no memory.
    sums: LogisticSums,
    direction: Vec<f64>,
}

impl Epoch {
    fn new(problem: &Problem<'_>, seed: u64) -> Result<Self> {
        let p = problem.features() + 1;
        let room = (Scratch::try_new(), LogisticSums::try_new(p));
        let (Some(scratch), Some(sums)) = room else {
            return Err(Error::OutOfMemory {
                bytes: (p * p * size_of::<f64>()) as u64,
            });
        };
        let batch = (problem.rows() / MIN_STEPS).clamp(1, MAX_BATCH);
        let count = u32::try_from(problem.tile_count()).unwrap_or(u32::MAX);
        let mut tiles = Vec::new();
        tiles
            .try_reserve_exact(count as usize)
            .map_err(|_| Error::OutOfMemory {
                bytes: u64::from(count) * 4,
            })?;
        tiles.extend(0..count);
        // A batch of b rows bends at most like the whole times 1 + p / b, about.
        let rate = 0.5 / (1.0 + 2.0 * p as f64 / batch as f64);
        let direction = zeroed(p)?;
        let random = SplitMix(seed);
        Ok(Self {
            tiles,
            batch,
            rate,
            random,
            scratch,
            sums,
            direction,
        })
    }

    /// One sweep over all batches, from the anchor.
    fn run(
        &mut self,
        problem: &mut Problem<'_>,
        metric: &Factor,
        anchor: &Anchor,
        theta: &mut [f64],
        watch: &mut Watch<'_>,
    ) -> Result<()> {
        self.shuffle();
        let rows = problem.rows() as f64;
        let Self {
            tiles,
            batch,
            rate,
            scratch,
            sums,
            direction,
            ..
        } = self;
        problem.batches(tiles, *batch, watch, |span| {
            // scale * (gradient here - gradient at the anchor) + full gradient at the anchor
            let scale = rows / span.rows as f64;
            direction.copy_from_slice(&anchor.gradient);
            for (at, sign) in [(&*theta, 1.0), (&anchor.theta[..], -1.0)] {
                sums.gradient.fill(0.0);
                // Without curvature there is little to do.
                let tick = &mut || Ok::<(), Error>(());
                let here = LogisticSpan { theta: at, ..*span };
                logistic_pass(&here, false, scratch, sums, tick)?;
                add_scaled(direction, sign * scale, &sums.gradient);
            }
            let step = metric.step(direction)?;
            add_scaled(theta, *rate, &step.delta);
            Ok(())
        })
    }

    /// Fisher and Yates.
    fn shuffle(&mut self) {
        for i in (1..self.tiles.len()).rev() {
            let j = (self.random.next() % (i as u64 + 1)) as usize;
            self.tiles.swap(i, j);
        }
    }
}
