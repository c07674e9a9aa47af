//! Likelihoods with a penalty on squares: Newton's method with step halving, a warm start on a part
//! of the rows, and cheap steps that keep a curvature while it contracts well.
//!
//! Source: Nocedal and Wright 2006, Numerical Optimization, 2nd ed., 3.1 and 3.3.

use crate::linalg::{Tick, add_scaled, dot};
use crate::parallel::Watch;
use crate::tiles::zeroed;
use crate::{Error, Result};

/// The decrement that a step must leave to be the last.
const SETTLED: f64 = 1e-11;
/// Contraction of a cheap step at which another pass with curvature is not worth it.
const CHORD: f64 = 0.1;
/// Rows from which a pass without curvature may be worth it.
const CHORD_ROWS: usize = 20_000;
/// A decrement on a part of the rows that is small against that part's sampling error.
const WARM_SETTLED: f64 = 0.05;
/// Newton steps on a part of the rows at the most.
const WARM_STEPS: u32 = 12;
/// Halvings of one step at the most.
const MAX_HALVINGS: u32 = 60;

/// A concave log-likelihood of rows, evaluated by passes over them. Coefficients come in blocks of
/// `block` cells, the constant of each first.
pub(crate) trait Likelihood {
    /// The curvature at some point, factored with its penalty.
    type Factor: Curvature;

    /// Coefficients of a block.
    fn block(&self) -> usize;

    /// Number of rows.
    fn rows(&self) -> usize;

    /// Log-likelihood and gradient at `theta`, curvature where asked for, over every `every`-th tile.
    fn evaluate(
        &mut self,
        theta: &[f64],
        curvature: bool,
        every: usize,
        watch: &mut Watch<'_>,
    ) -> Result<()>;

    /// The log-likelihood of the last pass.
    fn log_likelihood(&self) -> f64;

    /// The gradient of the last pass.
    fn gradient(&self) -> &[f64];

    /// The curvature of the last pass with `lambda` added for every coefficient but the constants.
    fn factor(&self, lambda: f64, tick: Tick<'_>) -> Result<Self::Factor>;
}

/// A factored curvature.
pub(crate) trait Curvature {
    /// The Newton step for a gradient, and the decrement: its length in that curvature.
    fn step(&self, gradient: &[f64]) -> (Vec<f64>, f64);

    /// Takes from coefficients what rounding may have brought where the rows say nothing.
    fn tie(&self, theta: &mut [f64]);
}

/// When a search ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ending {
    /// Strength of the penalty: `lambda |b|^2 / 2`, constants excepted.
    pub lambda: f64,
    /// Iterations at the most.
    pub max_iter: u32,
    /// What the objective may still gain where `max_iter` ends the search.
    pub tolerance: f64,
    /// Sum of the weights.
    pub weight: f64,
}

impl Ending {
    /// How precisely the likelihood itself is known.
    pub fn rounding(&self, log_likelihood: f64) -> f64 {
        1e-13 * (self.weight.min(1.0) + log_likelihood.abs())
    }

    /// Whether a rise by that much, which a shortened step promises, drowns in rounding. A full step may
    /// be that small near the maximum; where one was too long and shorter ones are so small, none helps.
    pub fn drowns(&self, rise: f64, log_likelihood: f64) -> bool {
        rise <= self.rounding(log_likelihood)
    }

    /// The decrement that may be left: in standard errors, which many rows make small.
    pub fn settled(&self, rows: usize, coefficients: usize) -> f64 {
        let each = rows as f64 / (10 * coefficients) as f64;
        SETTLED * each.sqrt().clamp(1.0, 100.0)
    }
}

/// Where a search ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Maximum {
    pub theta: Vec<f64>,
    /// Log-likelihood less the penalty.
    pub value: f64,
    pub iterations: u32,
    pub converged: bool,
    /// About how much the value could still rise.
    pub gap: f64,
}

/// The log-likelihood of the last pass, at `theta`, less a penalty of that strength.
pub(crate) fn value<L: Likelihood>(likelihood: &L, theta: &[f64], lambda: f64) -> f64 {
    let blocks = theta.chunks_exact(likelihood.block());
    let squares: f64 = blocks.map(|block| dot(&block[1..], &block[1..])).sum();
    likelihood.log_likelihood() - lambda / 2.0 * squares
}

/// Its gradient.
pub(crate) fn penalised_gradient<L: Likelihood>(
    likelihood: &L,
    theta: &[f64],
    lambda: f64,
) -> Vec<f64> {
    let block = likelihood.block();
    let mut gradient = likelihood.gradient().to_vec();
    let pairs = gradient
        .chunks_exact_mut(block)
        .zip(theta.chunks_exact(block));
    for (gradient, theta) in pairs {
        add_scaled(&mut gradient[1..], -lambda, &theta[1..]);
    }
    gradient
}

/// Maximises the likelihood less the penalty from 0, where the likelihood's last pass was, with
/// curvature, over every `every`-th tile.
pub(crate) fn maximise<L: Likelihood>(
    likelihood: &mut L,
    ending: &Ending,
    every: usize,
    watch: &mut Watch<'_>,
) -> Result<Maximum> {
    let mut search = Search {
        theta: zeroed(likelihood.gradient().len())?,
        likelihood,
        ending,
        factor: None,
        share: 1.0,
        iterations: 0,
    };
    let warm = every > 1 && search.warm_up(every, watch)?;
    if every > 1 {
        let theta = search.theta.clone();
        search.likelihood.evaluate(&theta, !warm, 1, watch)?;
    }
    let End {
        value,
        converged,
        gap,
    } = search.run(!warm, watch)?;
    Ok(Maximum {
        value,
        theta: search.theta,
        iterations: search.iterations,
        converged,
        gap,
    })
}

/// How a search ended.
struct End {
    value: f64,
    converged: bool,
    gap: f64,
}

/// A search under way.
struct Search<'s, L: Likelihood> {
    likelihood: &'s mut L,
    ending: &'s Ending,
    theta: Vec<f64>,
    factor: Option<L::Factor>,
    /// The objective of all rows curves about so many times as much as that which was factored.
    share: f64,
    iterations: u32,
}

impl<L: Likelihood> Search<'_, L> {
    /// The log-likelihood less `share` of the penalty.
    fn value(&self, share: f64) -> f64 {
        value(self.likelihood, &self.theta, self.ending.lambda * share)
    }

    fn factorise(&mut self, share: f64, watch: &mut Watch<'_>) -> Result<()> {
        let lambda = self.ending.lambda * share;
        self.factor = Some(self.likelihood.factor(lambda, &mut || watch.tick())?);
        self.share = share.recip();
        Ok(())
    }

    /// The step that the last factor suggests at `theta`, `penalty` of the penalty counting.
    fn suggestion(&self, penalty: f64) -> Result<(Vec<f64>, f64)> {
        let Some(factor) = &self.factor else {
            return Err(Error::Breakdown { phase: "curvature" });
        };
        let lambda = self.ending.lambda * penalty;
        let gradient = penalised_gradient(self.likelihood, &self.theta, lambda);
        let (mut step, mut decrement) = factor.step(&gradient);
        let share = self.share * penalty;
        step.iter_mut().for_each(|change| *change /= share);
        decrement /= share.sqrt();
        if !(decrement.is_finite() && step.iter().all(|change| change.is_finite())) {
            return Err(Error::Breakdown { phase: "step" });
        }
        Ok((step, decrement))
    }

    /// `theta = from + fraction * step`.
    fn place(&mut self, from: &[f64], fraction: f64, step: &[f64]) {
        self.theta.copy_from_slice(from);
        add_scaled(&mut self.theta, fraction, step);
        if let Some(factor) = &self.factor {
            factor.tie(&mut self.theta);
        }
    }

    /// Newton's method on every `every`-th tile, from the sums at zero, with as large a share of the
    /// penalty; false where full steps do not rise, so that the part is no guide.
    fn warm_up(&mut self, every: usize, watch: &mut Watch<'_>) -> Result<bool> {
        watch.progress.phase = "warm start";
        let share = 1.0 / every as f64;
        let mut last = f64::NEG_INFINITY;
        for _ in 0..WARM_STEPS {
            let value = self.value(share);
            if value <= last {
                break;
            }
            last = value;
            match self.factorise(share, watch) {
                Err(Error::Breakdown { .. }) => break,
                other => other?,
            }
            let (step, decrement) = self.suggestion(share)?;
            let from = self.theta.clone();
            self.place(&from, 1.0, &step);
            if decrement < WARM_SETTLED {
                return Ok(true);
            }
            self.likelihood.evaluate(&self.theta, true, every, watch)?;
        }
        self.theta.fill(0.0);
        self.factor = None;
        Ok(false)
    }

    /// Iterates from the sums over all rows at `theta`, which hold `curvature` or not.
    fn run(&mut self, mut curvature: bool, watch: &mut Watch<'_>) -> Result<End> {
        watch.progress.phase = "iteration";
        watch.progress.total = u64::from(self.ending.max_iter);
        let settled = self
            .ending
            .settled(self.likelihood.rows(), self.theta.len());
        let mut before: Option<f64> = None;
        loop {
            let value = self.value(1.0);
            watch.progress.done = u64::from(self.iterations);
            watch.progress.loss = -value;
            if curvature {
                self.factorise(1.0, watch)?;
            }
            let (step, decrement) = self.suggestion(1.0)?;
            let left = decrement * decrement / 2.0;
            let end = |value, converged| End {
                value,
                converged,
                gap: left,
            };
            let ratio = before.map_or(1.0, |before| (decrement / before).min(1.0));
            // A fresh factor contracts quadratically, an old one as it did before.
            let contraction = match before {
                None if curvature => decrement.min(1.0),
                None => 1.0,
                Some(_) if curvature => ratio * ratio,
                Some(_) => ratio,
            };
            if contraction * decrement <= settled {
                let from = self.theta.clone();
                self.place(&from, 1.0, &step);
                // What the step gains, to second order.
                return Ok(end(value + left, true));
            }
            let floor = self.ending.rounding(value);
            if curvature && before.is_some() && ratio > 0.3 && left <= floor {
                return Ok(end(value, true));
            }
            if self.iterations >= self.ending.max_iter {
                return Ok(end(value, left <= self.ending.tolerance));
            }
            let chord = contraction < CHORD && self.likelihood.rows() >= CHORD_ROWS;
            match self.advance(&step, decrement, value, !chord, watch)? {
                Some(kind) => curvature = kind,
                // No step helps any more: the floor of rounding.
                None if curvature => {
                    return Ok(end(value, left <= floor.max(self.ending.tolerance)));
                }
                // An old curvature misleads.
                None => {
                    self.likelihood.evaluate(&self.theta, true, 1, watch)?;
                    curvature = true;
                    before = None;
                    continue;
                }
            }
            self.iterations += 1;
            before = Some(decrement);
        }
    }

    /// Goes along the step until the objective does not fall back, halving it where it does. Says
    /// whether the last pass had curvature; `None` (back at the start) where no step helps.
    fn advance(
        &mut self,
        step: &[f64],
        decrement: f64,
        value: f64,
        curvature: bool,
        watch: &mut Watch<'_>,
    ) -> Result<Option<bool>> {
        let from = self.theta.clone();
        let mut fraction = 1.0;
        for halvings in 0..MAX_HALVINGS {
            self.place(&from, fraction, step);
            let curvature = curvature || halvings > 0;
            self.likelihood.evaluate(&self.theta, curvature, 1, watch)?;
            // Armijo's condition with a small share.
            let wanted = 1e-4 * fraction * decrement * decrement;
            if self.value(1.0) - value >= wanted - self.ending.rounding(value) {
                return Ok(Some(curvature));
            }
            fraction /= 2.0;
            if self.ending.drowns(fraction * decrement * decrement, value) {
                break;
            }
        }
        self.theta = from;
        Ok(None)
    }
}
