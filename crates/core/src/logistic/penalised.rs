//! Binary logistic regression with a penalty on the squares of the slopes.

use super::Rows;
use super::factor::Constant;
use super::newton;
use super::outcome::Limits;
use super::pass::Problem;
use super::survey::Survey;
use crate::linalg::{Cholesky, Tick, add_scaled, dot, norm};
use crate::monitor::Monitor;
use crate::parallel::Watch;
use crate::tiles::zeroed;
use crate::{Error, Result};

/// A variable of which the others leave less than this share is not told apart from them: what the
/// penalty adds drowns in the rounding of the curvature.
const RANK_TOLERANCE: f64 = 1e-13;
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

/// What is minimised and when the search ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Penalty {
    /// Strength: `lambda |b|^2 / 2` is added to the log loss. Positive.
    pub lambda: f64,
    /// Whether there is a constant; it is not penalised.
    pub intercept: bool,
    /// Iterations at the most.
    pub max_iter: u32,
    /// What the objective may still gain where `max_iter` ends the search.
    pub tolerance: f64,
    /// Threads at the most; the result does not depend on them.
    pub threads: usize,
}

/// A penalised logistic regression.
#[derive(Debug, Clone, PartialEq)]
pub struct Penalised {
    /// The constant; 0 where none was wanted.
    pub intercept: f64,
    /// Log odds per unit of each column.
    pub coefficients: Vec<f64>,
    /// `sum of w log loss + lambda |b|^2 / 2`.
    pub objective: f64,
    /// Iterations over all rows.
    pub iterations: u32,
    /// Whether the minimum was reached.
    pub converged: bool,
    /// About how much the objective could still gain.
    pub gap: f64,
}

/// Minimises `sum of w log(1 + exp(-(2y - 1)(c + x'b))) + lambda |b|^2 / 2` over `b` and, where there
/// is one, the intercept `c`.
///
/// Newton's method: the penalty makes the curvature definite, so that neither separated classes nor
/// dependent columns need care. It ends when no coefficient would move by more than about 1e-10 of
/// what the curvature calls a standard error. From 20,000 rows on it starts from the minimum of every
/// 16th tile and uses a curvature as long as it contracts well.
///
/// # Errors
/// [`Error::NoRows`], [`Error::NotBinary`], [`Error::OneClass`], [`Error::InvalidParameter`] for a
/// negative weight, [`Error::Breakdown`] for values beyond about 1e150, [`Error::OutOfMemory`],
/// [`Error::Stopped`].
pub fn fit_penalised(
    penalty: &Penalty,
    rows: &Rows<'_>,
    monitor: &mut dyn Monitor,
) -> Result<Penalised> {
    let mut watch = Watch::new(monitor, "preparation", 0);
    let watch = &mut watch;
    let weights = rows.weighted.then_some(rows.features + 1);
    let unit = crate::weights::unit(rows.tiles, weights, watch)?;
    // As the factor of both classes; none where it would only cost.
    let factors = (unit != 1.0).then_some([unit; 2]);
    let mut problem = Problem::new(rows, factors, penalty.threads)?;
    let survey = Survey::take(&mut problem, watch)?;
    if let Some(label) = survey.constant_label() {
        let class = usize::from(label);
        return Err(Error::OneClass { class });
    }
    let limits = Limits {
        max_iter: penalty.max_iter,
        tolerance: penalty.tolerance * unit,
        constant: if penalty.intercept {
            Constant::Added
        } else {
            Constant::AsGiven
        },
        weight: survey.weight,
    };
    let every = newton::prepare(&mut problem, &survey, Some(&limits), watch)?;
    let mut search = Search {
        theta: zeroed(problem.features() + 1)?,
        lambda: penalty.lambda * unit,
        problem: &mut problem,
        survey: &survey,
        limits: &limits,
        factor: None,
        share: 1.0,
        iterations: 0,
    };
    let warm = every > 1 && search.warm_up(every, watch)?;
    if every > 1 {
        search.problem.evaluate(&search.theta, !warm, 1, watch)?;
    }
    let (converged, gap) = search.run(!warm, watch)?;
    search.finish(converged, gap, unit)
}

/// The penalised curvature at some point, factored: with an intercept on the columns centred about
/// their weighted means, without one on the raw columns.
struct Factor {
    /// Sum of the weights; `None` without an intercept.
    total: Option<f64>,
    /// What the columns are centred about, relative to the cells.
    centre: Vec<f64>,
    scale: Vec<f64>,
    cholesky: Cholesky,
    /// Orthonormal directions in which the slopes are 0: the rows say nothing there, and the penalty
    /// drowns in rounding.
    nulls: Vec<Vec<f64>>,
}

impl Factor {
    /// Factors the curvature in the problem's sums.
    fn new(
        problem: &Problem<'_>,
        survey: &Survey,
        lambda: f64,
        constant: Constant,
        tick: Tick<'_>,
    ) -> Result<Self> {
        let constants = &survey.constants;
        let (shifts, hessian) = (problem.shifts(), &problem.sums().hessian);
        let (d, p) = (shifts.len(), shifts.len() + 1);
        let h = |i: usize, j: usize| hessian[i * p + j];
        let weight = h(0, 0);
        let centred = |i: usize, j: usize| h(i + 1, j + 1) - h(i + 1, 0) / weight * h(j + 1, 0);
        let raw_mean = |j: usize| h(j + 1, 0) / weight + shifts[j];
        let with = constant == Constant::Added;
        if !(weight.is_finite() && weight > 0.0) {
            return Err(Error::Breakdown { phase: "curvature" });
        }
        let entry = |i: usize, j: usize| {
            let own = match (constants[i].or(constants[j]).is_some(), i == j) {
                (true, true) => lambda,
                (true, false) => 0.0,
                (false, true) => centred(i, j).max(0.0) + lambda,
                (false, false) => centred(i, j),
            };
            if with {
                own
            } else {
                own + weight * raw_mean(i) * raw_mean(j)
            }
        };
        let length = |j: usize| Some(entry(j, j).sqrt()).filter(|s| *s > 0.0);
        // A column without any curvature has no part.
        let scale: Vec<f64> = (0..d).map(|j| length(j).unwrap_or(1.0)).collect();
        if !(0..d).all(|j| entry(j, j).is_finite()) {
            return Err(Error::Breakdown { phase: "curvature" });
        }
        let correlation = |i: usize, j: usize| match i == j {
            true => 1.0,
            false => entry(i, j) / scale[i] / scale[j],
        };
        let tolerance = RANK_TOLERANCE.max(8.0 * f64::EPSILON * d as f64);
        let cholesky = Cholesky::factor(d, tolerance, correlation, tick)?;
        let centre = match with {
            true => (0..d).map(|j| h(j + 1, 0) / weight).collect(),
            false => shifts.iter().map(|shift| -shift).collect(),
        };
        let mut factor = Self {
            total: with.then_some(weight),
            centre,
            scale,
            cholesky,
            nulls: Vec::new(),
        };
        factor.find_nulls(tick)?;
        Ok(factor)
    }

    fn find_nulls(&mut self, tick: Tick<'_>) -> Result<()> {
        let (rank, order) = (self.cholesky.rank(), self.cholesky.order());
        for i in rank..order.len() {
            tick()?;
            let mut weights = self.cholesky.row(i).to_vec();
            self.cholesky.backward(&mut weights);
            let mut vector = zeroed(order.len())?;
            vector[order[i]] = 1.0 / self.scale[order[i]];
            for (weight, j) in weights.iter().zip(order) {
                vector[*j] = -weight / self.scale[*j];
            }
            for _ in 0..2 {
                project_out(&self.nulls, &mut vector);
                let length = norm(&vector);
                vector.iter_mut().for_each(|v| *v /= length);
            }
            self.nulls.push(vector);
        }
        Ok(())
    }

    /// The Newton step for a gradient with respect to the coefficients of `(1, z)`, and the decrement.
    fn step(&self, gradient: &[f64]) -> (Vec<f64>, f64) {
        let (g0, rest) = (gradient[0], &gradient[1..]);
        let order = &self.cholesky.order()[..self.cholesky.rank()];
        let mut b: Vec<f64> = order
            .iter()
            .map(|j| (rest[*j] - self.centre[*j] * g0) / self.scale[*j])
            .collect();
        self.cholesky.forward(&mut b);
        let mut squared = dot(&b, &b);
        self.cholesky.backward(&mut b);
        let mut delta = vec![0.0; gradient.len()];
        for (value, j) in b.iter().zip(order) {
            delta[j + 1] = value / self.scale[*j];
        }
        delta[0] = -dot(&self.centre, &delta[1..]);
        if let Some(total) = self.total {
            delta[0] += g0 / total;
            squared += g0 * (g0 / total);
        }
        (delta, squared.sqrt())
    }
}

/// Removes the share in orthonormal directions.
fn project_out(directions: &[Vec<f64>], v: &mut [f64]) {
    for direction in directions {
        let along = dot(direction, v);
        add_scaled(v, -along, direction);
    }
}

/// A search under way.
struct Search<'s, 'a> {
    problem: &'s mut Problem<'a>,
    survey: &'s Survey,
    limits: &'s Limits,
    lambda: f64,
    /// Coefficients of `(1, z)`.
    theta: Vec<f64>,
    factor: Option<Factor>,
    /// The objective of all rows curves about so many times as much as that which was factored.
    share: f64,
    iterations: u32,
}

impl Search<'_, '_> {
    /// The log-likelihood less the penalty, `share` of which counts.
    fn value(&self, share: f64) -> f64 {
        let slopes = &self.theta[1..];
        self.problem.sums().log_likelihood - self.lambda * share / 2.0 * dot(slopes, slopes)
    }

    fn factorise(&mut self, share: f64, watch: &mut Watch<'_>) -> Result<()> {
        let (lambda, constant) = (self.lambda * share, self.limits.constant);
        let tick = &mut || watch.tick();
        self.factor = Some(Factor::new(
            self.problem,
            self.survey,
            lambda,
            constant,
            tick,
        )?);
        self.share = share.recip();
        Ok(())
    }

    /// The step that the last factor suggests at `theta`, `penalty` of the penalty counting.
    fn suggestion(&self, penalty: f64) -> Result<(Vec<f64>, f64)> {
        let Some(factor) = &self.factor else {
            return Err(Error::Breakdown { phase: "curvature" });
        };
        let mut gradient = self.problem.sums().gradient.clone();
        add_scaled(&mut gradient[1..], -self.lambda * penalty, &self.theta[1..]);
        let (mut step, mut decrement) = factor.step(&gradient);
        let share = self.share * penalty;
        step.iter_mut().for_each(|change| *change /= share);
        decrement /= share.sqrt();
        if !(decrement.is_finite() && step.iter().all(|change| change.is_finite())) {
            return Err(Error::Breakdown { phase: "step" });
        }
        Ok((step, decrement))
    }

    /// `theta = from + fraction * step`, without what no row speaks of.
    fn place(&mut self, from: &[f64], fraction: f64, step: &[f64]) {
        self.theta.copy_from_slice(from);
        add_scaled(&mut self.theta, fraction, step);
        let Some(factor) = &self.factor else { return };
        let (constant, slopes) = self.theta.split_at_mut(1);
        if !factor.nulls.is_empty() {
            let at_centre = constant[0] + dot(&factor.centre, slopes);
            project_out(&factor.nulls, slopes);
            constant[0] = at_centre - dot(&factor.centre, slopes);
        }
        if factor.total.is_none() {
            // No constant of its own: exactly what the shifts make of the slopes.
            constant[0] = dot(self.problem.shifts(), slopes);
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
            if self.factorise(share, watch).is_err() {
                break;
            }
            let (step, decrement) = self.suggestion(share)?;
            let from = self.theta.clone();
            self.place(&from, 1.0, &step);
            if decrement < WARM_SETTLED {
                return Ok(true);
            }
            self.problem.evaluate(&self.theta, true, every, watch)?;
        }
        self.theta.fill(0.0);
        self.factor = None;
        Ok(false)
    }

    /// Iterates from the sums over all rows at `theta`, which hold `curvature` or not. Whether it
    /// converged, and what is left.
    fn run(&mut self, mut curvature: bool, watch: &mut Watch<'_>) -> Result<(bool, f64)> {
        watch.progress.phase = "iteration";
        watch.progress.total = u64::from(self.limits.max_iter);
        let mut before: Option<f64> = None;
        loop {
            let value = self.value(1.0);
            watch.progress.done = u64::from(self.iterations);
            watch.progress.loss = -value;
            if curvature {
                self.factorise(1.0, watch)?;
            }
            let (step, decrement) = self.suggestion(1.0)?;
            let ratio = before.map_or(1.0, |before| (decrement / before).min(1.0));
            let left = decrement * decrement / 2.0;
            // A fresh factor contracts quadratically, an old one as it did before.
            let contraction = match before {
                None if curvature => decrement.min(1.0),
                None => 1.0,
                Some(_) if curvature => ratio * ratio,
                Some(_) => ratio,
            };
            let rounding = self.limits.rounding(value);
            if contraction * decrement <= self.settled() {
                let from = self.theta.clone();
                self.place(&from, 1.0, &step);
                return Ok((true, left));
            }
            if curvature && ratio > 0.3 && left <= rounding && before.is_some() {
                return Ok((true, left));
            }
            if self.iterations >= self.limits.max_iter {
                return Ok((left <= self.limits.tolerance, left));
            }
            let chord = contraction < CHORD && self.problem.rows() >= CHORD_ROWS;
            match self.advance(&step, decrement, value, !chord, watch)? {
                Some(kind) => curvature = kind,
                // No step helps any more: the floor of rounding, or a curvature that misleads.
                None if curvature => {
                    return Ok((left <= rounding.max(self.limits.tolerance), left));
                }
                None => {
                    self.problem.evaluate(&self.theta, true, 1, watch)?;
                    curvature = true;
                    before = None;
                    continue;
                }
            }
            self.iterations += 1;
            before = Some(decrement);
        }
    }

    /// The decrement that may be left: in standard errors, which many rows make small.
    fn settled(&self) -> f64 {
        let each = self.problem.rows() as f64 / (10 * self.theta.len()) as f64;
        SETTLED * each.sqrt().clamp(1.0, 100.0)
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
            self.problem.evaluate(&self.theta, curvature, 1, watch)?;
            // Armijo's condition with a small share (Nocedal and Wright 2006, 3.1).
            let wanted = 1e-4 * fraction * decrement * decrement;
            if self.value(1.0) - value >= wanted - self.limits.rounding(value) {
                return Ok(Some(curvature));
            }
            fraction /= 2.0;
        }
        self.theta = from;
        Ok(None)
    }

    /// Back to raw columns and the user's weights.
    fn finish(self, converged: bool, gap: f64, unit: f64) -> Result<Penalised> {
        let (constant, slopes) = (self.theta[0], self.theta[1..].to_vec());
        let intercept = match self.limits.constant {
            Constant::Added => constant - dot(self.problem.shifts(), &slopes),
            Constant::AsGiven => 0.0,
        };
        if !(intercept.is_finite() && slopes.iter().all(|b| b.is_finite())) {
            return Err(Error::Breakdown {
                phase: "coefficients",
            });
        }
        Ok(Penalised {
            objective: -self.value(1.0) / unit,
            intercept,
            coefficients: slopes,
            iterations: self.iterations,
            converged,
            gap: gap / unit,
        })
    }
}
