//! Newton's method with step halving, a warm start on a part of the rows, and cheap chord steps.

use super::factor::{Constant, Factor, Step};
use super::model::Status;
use super::outcome::{Limits, Outcome, factored};
use super::pass::Problem;
use super::separation::{Direction, investigate};
use super::survey::Survey;
use crate::linalg::dot;
use crate::parallel::Watch;
use crate::tiles::zeroed;
use crate::{Error, Result};

/// The decrement below which the curvature counts as taken at the maximum: coefficients then move
/// by no more than that many standard errors.
const SETTLED: f64 = 1e-10;
/// A warm start needs so many rows.
const WARM_ROWS: usize = 20_000;
/// ... and so many rows per coefficient in the part it looks at.
const WARM_ROWS_EACH: usize = 60;
/// Iterations that a user must allow before a warm start is worth it.
const WARM_MIN_ITER: u32 = 5;
/// A decrement small against the sampling error of the part, which is about `sqrt(p)` of its own
/// standard errors: more precision there would be wasted.
const WARM_SETTLED: f64 = 0.05;
/// Contraction at which another gradient pass beats a curvature pass.
const CHORD: f64 = 0.05;
/// Newton steps of a warm start at the most, and the linear predictor beyond which it gives up.
const WARM_STEPS: usize = 12;
const WARM_ETA: f64 = 40.0;
/// Separation is looked into after so many iterations, from such a linear predictor on.
const SUSPICIOUS_AFTER: u32 = 5;
const SUSPICIOUS_ETA: f64 = 5.0;
/// Halvings of one step at the most.
const MAX_HALVINGS: u32 = 40;

/// The number of tiles from which a warm start takes one; 1 for none.
pub(crate) fn stride(rows: usize, coefficients: usize, max_iter: u32) -> usize {
    if rows < WARM_ROWS || max_iter <= WARM_MIN_ITER {
        return 1;
    }
    let wanted = WARM_ROWS_EACH * coefficients;
    [16, 8, 4]
        .into_iter()
        .find(|every| rows / every >= wanted)
        .unwrap_or(1)
}

/// Maximises the likelihood. The problem's sums must hold a pass with curvature at zero over every
/// `every`-th tile, as [`prepare`] leaves them.
pub(crate) fn maximise(
    problem: &mut Problem<'_>,
    survey: &Survey,
    limits: &Limits,
    every: usize,
    watch: &mut Watch<'_>,
) -> Result<Outcome> {
    let mut search = Search::new(problem, survey, limits)?;
    let mut curvature = true;
    if every > 1 {
        curvature = match search.warm_up(every, watch) {
            Ok(warm) => !warm,
            Err(Error::Breakdown { .. }) => true,
            Err(other) => return Err(other),
        };
        if curvature {
            // The part says nothing about the whole: begin at zero.
            search = Search::new(search.problem, survey, limits)?;
        }
        search
            .problem
            .evaluate(&search.theta, curvature, 1, watch)?;
        if curvature {
            refuse_tiny_columns(search.problem, survey)?;
        }
    }
    search.run(curvature, watch)
}

/// Evaluates at zero, moves the origin of columns that lie far from it, and says which part of the
/// tiles (one of how many) was looked at.
pub(crate) fn prepare(
    problem: &mut Problem<'_>,
    survey: &Survey,
    limits: Option<&Limits>,
    watch: &mut Watch<'_>,
) -> Result<usize> {
    /// Share of the centred sum of squares below which the origin is too far: 10 deviations, two
    /// digits.
    const FAR: f64 = 1e-2;
    let (rows, d) = (problem.rows(), problem.features());
    let every = limits.map_or(1, |limits| stride(rows, d + 1, limits.max_iter));
    let zero = zeroed(d + 1)?;
    problem.evaluate(&zero, true, every, watch)?;
    let p = d + 1;
    let sums = problem.sums();
    let total = sums.hessian[0];
    let mut offsets = zeroed(d)?;
    for (j, offset) in offsets.iter_mut().enumerate() {
        let mean = sums.hessian[(j + 1) * p] / total;
        let square = sums.hessian[(j + 1) * p + j + 1];
        let far = square - total * mean * mean < FAR * square;
        if far && survey.constants[j].is_none() && mean.is_finite() {
            *offset = mean;
        }
    }
    if offsets.iter().any(|offset| *offset != 0.0) {
        problem.recentre(offsets)?;
        problem.evaluate(&zero, true, every, watch)?;
    }
    if every == 1 {
        refuse_tiny_columns(problem, survey)?;
    }
    Ok(every)
}

/// Refuses columns that vary, but whose squares are below the normal range of doubles: they would
/// pass for constants. The sums hold all rows at zero.
fn refuse_tiny_columns(problem: &Problem<'_>, survey: &Survey) -> Result<()> {
    let (sums, p) = (problem.sums(), problem.features() + 1);
    let least = sums.hessian[0] * (1024.0 * f64::MIN_POSITIVE);
    let tiny = |j: usize| sums.hessian[(j + 1) * p + j + 1] < least;
    if (0..problem.features()).any(|j| survey.constants[j].is_none() && tiny(j)) {
        return Err(Error::Breakdown { phase: "curvature" });
    }
    Ok(())
}

/// A search under way.
struct Search<'s, 'a> {
    problem: &'s mut Problem<'a>,
    survey: &'s Survey,
    limits: &'s Limits,
    theta: Vec<f64>,
    factor: Option<Factor>,
    /// The curvature of all rows is about so many times that of the factored ones.
    share: f64,
    /// The highest rank of the curvature of all rows so far.
    rank: usize,
    iterations: u32,
}

impl<'s, 'a> Search<'s, 'a> {
    fn new(problem: &'s mut Problem<'a>, survey: &'s Survey, limits: &'s Limits) -> Result<Self> {
        let theta = zeroed(problem.features() + 1)?;
        Ok(Self {
            problem,
            survey,
            limits,
            theta,
            factor: None,
            share: 1.0,
            rank: 0,
            iterations: 0,
        })
    }

    /// The step that the last factor suggests for the gradient in the sums.
    fn suggestion(&self) -> Result<Step> {
        let Some(factor) = &self.factor else {
            return Err(Error::Breakdown { phase: "curvature" });
        };
        let mut step = factor.step(&self.problem.sums().gradient)?;
        for change in &mut step.delta {
            *change /= self.share;
        }
        step.decrement /= self.share.sqrt();
        Ok(step)
    }

    /// `theta = from + fraction * step`; without a constant the first coefficient follows exactly.
    fn place(&mut self, from: &[f64], fraction: f64, step: &Step) {
        for ((coefficient, start), change) in self.theta.iter_mut().zip(from).zip(&step.delta) {
            *coefficient = start + fraction * change;
        }
        if self.factor.as_ref().is_some_and(|factor| factor.restricted) {
            self.theta[0] = dot(self.problem.shifts(), &self.theta[1..]);
        }
    }

    /// Newton's method on every `every`-th tile, from the sums at zero; false where that part has
    /// no maximum, lacks some column's variation, or cannot tell whether there is a constant.
    fn warm_up(&mut self, every: usize, watch: &mut Watch<'_>) -> Result<bool> {
        watch.progress.phase = "warm start";
        let varying = self.survey.constants.iter().filter(|c| c.is_none()).count();
        let constant_column = self.survey.constants.iter().flatten().any(|c| *c != 0.0);
        let mut last = f64::NEG_INFINITY;
        for _ in 0..WARM_STEPS {
            let sums = self.problem.sums();
            // Full steps only: where they do not rise, the part is no guide.
            let rising = sums.log_likelihood > last;
            if !rising || sums.min_margin > 0.0 || sums.max_abs_eta > WARM_ETA {
                return Ok(false);
            }
            last = sums.log_likelihood;
            let factor = factored(self.problem, self.survey, self.limits, watch)?;
            let unsure =
                self.limits.constant == Constant::AsGiven && !factor.restricted && !constant_column;
            if unsure || factor.columns.len() < varying {
                return Ok(false);
            }
            self.factor = Some(factor);
            let step = self.suggestion()?;
            let from = self.theta.clone();
            self.place(&from, 1.0, &step);
            if step.decrement < WARM_SETTLED {
                self.share = every as f64;
                return Ok(true);
            }
            self.problem.evaluate(&self.theta, true, every, watch)?;
        }
        Ok(false)
    }

    /// Iterates; the sums hold a pass over all rows at `theta`, with `curvature` or not.
    fn run(&mut self, mut curvature: bool, watch: &mut Watch<'_>) -> Result<Outcome> {
        watch.progress.phase = "iteration";
        watch.progress.total = u64::from(self.limits.max_iter);
        let mut before: Option<f64> = None;
        loop {
            let sums = self.problem.sums();
            let likelihood = sums.log_likelihood;
            watch.progress.done = u64::from(self.iterations);
            watch.progress.loss = -likelihood;
            if self.problem.separates() {
                return self.separated(Direction::complete(&self.theta), curvature, watch);
            }
            if curvature {
                let factor = factored(self.problem, self.survey, self.limits, watch)?;
                self.rank = self.rank.max(factor.cholesky.rank());
                self.factor = Some(factor);
                self.share = 1.0;
            }
            let step = self.suggestion()?;
            let ratio = before.map_or(1.0, |before| (step.decrement / before).min(1.0));
            if curvature {
                if let Some(direction) = self.suspect(&step, ratio, watch)? {
                    return self.separated(direction, false, watch);
                }
                if let Some(status) = self.verdict(&step, ratio, likelihood) {
                    if step.decrement <= self.settled() {
                        let from = self.theta.clone();
                        self.place(&from, 1.0, &step);
                    }
                    return self.outcome(status, likelihood, step.decrement, None);
                }
            }
            let chord = self.chord_suffices(&step, ratio, curvature);
            match self.advance(&step, likelihood, !chord, watch)? {
                Some(kind) => curvature = kind,
                None => {
                    self.problem.evaluate(&self.theta, true, 1, watch)?;
                    self.factor = Some(factored(self.problem, self.survey, self.limits, watch)?);
                    let left = step.decrement * step.decrement / 2.0;
                    let reached = left <= self.limits.tolerance && step.decrement < 1e-3;
                    let status = if reached {
                        Status::Converged
                    } else {
                        Status::Stalled
                    };
                    return self.outcome(status, likelihood, step.decrement, None);
                }
            }
            self.iterations += 1;
            before = Some(step.decrement);
        }
    }

    /// The decrement that counts as settled. The curvature changes by the change of the linear
    /// predictor, which is `decrement * sqrt(leverage)`: with many rows less precision does.
    fn settled(&self) -> f64 {
        let each = self.problem.rows() as f64 / (10 * (self.problem.features() + 1)) as f64;
        // Weights far below 1 make standard errors large; the maximum is where it was.
        SETTLED * each.sqrt().clamp(1.0, 100.0) * self.limits.weight.min(1.0).sqrt()
    }

    /// Whether the search ends here, after a pass with curvature.
    fn verdict(&self, step: &Step, ratio: f64, likelihood: f64) -> Option<Status> {
        let left = step.decrement * step.decrement / 2.0;
        let rounding = self.limits.rounding(likelihood);
        let settled =
            step.decrement <= self.settled() && left <= self.limits.tolerance.max(rounding);
        let at_floor = ratio > 0.3 && left <= rounding;
        if settled || at_floor {
            let blind = self.degenerate();
            return Some(if blind {
                Status::Stalled
            } else {
                Status::Converged
            });
        }
        (self.iterations >= self.limits.max_iter).then(|| {
            let near = left < self.limits.tolerance && step.decrement < 1e-3;
            if near {
                Status::Converged
            } else {
                Status::MaxIterations
            }
        })
    }

    /// Whether the next pass may do without curvature: the factor contracts well, and a further
    /// pass will be needed anyway.
    fn chord_suffices(&self, step: &Step, ratio: f64, fresh: bool) -> bool {
        // A fresh factor contracts quadratically, an old one as it did before.
        let contraction = if fresh { ratio * ratio } else { ratio };
        contraction < CHORD
            && contraction * step.decrement > self.settled()
            && self.problem.rows() >= WARM_ROWS
            && self.iterations + 1 < self.limits.max_iter
    }

    /// Goes along the step until the likelihood does not fall, halving it where it does. Says
    /// whether the last pass had curvature; `None` (back at the start) where no step helps.
    fn advance(
        &mut self,
        step: &Step,
        likelihood: f64,
        curvature: bool,
        watch: &mut Watch<'_>,
    ) -> Result<Option<bool>> {
        let from = self.theta.clone();
        let mut fraction = 1.0;
        for halvings in 0..MAX_HALVINGS {
            self.place(&from, fraction, step);
            let curvature = curvature || halvings > 0;
            self.problem.evaluate(&self.theta, curvature, 1, watch)?;
            let reached = self.problem.sums().log_likelihood;
            // Armijo's condition with a small share (Nocedal and Wright 2006, 3.1).
            let wanted = 1e-4 * fraction * step.decrement * step.decrement;
            if reached - likelihood >= wanted - self.limits.rounding(likelihood) {
                return Ok(Some(curvature));
            }
            fraction /= 2.0;
        }
        self.theta = from;
        Ok(None)
    }

    /// Looks for a separating direction where Newton's method behaves as if there were one: the
    /// decrement falls by a constant factor only, while the linear predictor grows.
    fn suspect(
        &mut self,
        step: &Step,
        ratio: f64,
        watch: &mut Watch<'_>,
    ) -> Result<Option<Direction>> {
        let growing = self.problem.sums().max_abs_eta > SUSPICIOUS_ETA;
        let late = self.iterations >= SUSPICIOUS_AFTER.min(self.limits.max_iter);
        let slow = (ratio > 0.3 && late) || self.degenerate();
        let Some(factor) = self.factor.as_ref().filter(|_| growing && slow) else {
            return Ok(None);
        };
        let found = investigate(self.problem, factor, &self.theta, &step.delta, watch)?;
        if found.is_none() {
            // The investigation used the sums for its own ends.
            self.problem.evaluate(&self.theta, true, 1, watch)?;
        }
        Ok(found)
    }

    /// Whether rows have lost so much weight that the curvature fell in rank: steps are blind to
    /// the lost directions then, and a vanishing decrement proves nothing.
    fn degenerate(&self) -> bool {
        self.factor
            .as_ref()
            .is_some_and(|factor| factor.cholesky.rank() < self.rank)
    }

    /// Ends at `theta` with a proof of separation; takes the curvature there if it is not at hand.
    fn separated(
        &mut self,
        direction: Direction,
        curvature: bool,
        watch: &mut Watch<'_>,
    ) -> Result<Outcome> {
        if !curvature {
            self.problem.evaluate(&self.theta, true, 1, watch)?;
        }
        self.factor = Some(factored(self.problem, self.survey, self.limits, watch)?);
        let likelihood = self.problem.sums().log_likelihood;
        let decrement = self.suggestion()?.decrement;
        self.outcome(Status::Separated, likelihood, decrement, Some(direction))
    }

    fn outcome(
        &mut self,
        status: Status,
        log_likelihood: f64,
        decrement: f64,
        direction: Option<Direction>,
    ) -> Result<Outcome> {
        let Some(factor) = self.factor.take() else {
            return Err(Error::Breakdown { phase: "curvature" });
        };
        Ok(Outcome {
            theta: std::mem::take(&mut self.theta),
            factor,
            log_likelihood,
            iterations: self.iterations,
            status,
            gap: decrement * decrement / 2.0,
            direction,
        })
    }
}
