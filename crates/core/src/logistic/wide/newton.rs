//! Newton's method, its steps by conjugate gradients.

use super::metric::{Columns, Metric};
use super::passes::Passes;
use crate::Result;
use crate::linalg::{add_scaled, dot};
use crate::logistic::survey::Survey;
use crate::logistic::{Constant, Rows, newton};
use crate::parallel::Watch;
use crate::penalised::{Ending, Maximum};
use crate::tiles::zeroed;

/// Coefficients from which this may pay.
const LEAST: usize = 128;
/// Products with the curvature that a fit takes: 20 where columns are independent, a few hundred where
/// they go together. More are tried while they cost less than the whole curvature would.
const PRODUCTS: usize = 80;
/// Steps of a fit with the whole curvature, without and with a warm start.
const STEPS: [usize; 2] = [8, 3];
/// Reading a cell for a product costs as much as so many multiply-adds of the whole curvature: 6 in
/// cache, 12 beyond.
const READING: usize = 10;
/// ... and a multiply-add of its factorisation.
const FACTORING: usize = 4;
/// Relative error of a first step.
const LOOSE: f64 = 0.1;
/// Halvings of one step at the most.
const MAX_HALVINGS: u32 = 60;

/// A fit that might be a wide one.
pub(in crate::logistic) struct Wide<'r, 'a> {
    pub rows: &'r Rows<'a>,
    /// Weights are multiplied by it.
    pub unit: f64,
    pub survey: &'r Survey,
    pub constant: Constant,
    pub threads: usize,
}

/// Maximises the likelihood less the penalty, or says that the whole curvature serves better: it is
/// cheaper, or as many products as it costs did not suffice.
pub(in crate::logistic) fn maximise(
    wide: &Wide<'_, '_>,
    ending: &Ending,
    watch: &mut Watch<'_>,
) -> Result<Option<Maximum>> {
    let p = wide.rows.features + 1;
    if p < LEAST {
        return Ok(None);
    }
    let passes = Passes::new(wide.rows, wide.unit, wide.threads, watch)?;
    let n = passes.rows();
    let warm = newton::stride(n, p, ending.max_iter) > 1;
    let whole = STEPS[usize::from(warm)] * (n * p * p / 2 + FACTORING * p * p * p / 3);
    let products = whole / (READING * passes.cost.max(1));
    if products < PRODUCTS {
        return Ok(None);
    }
    search(wide, passes, products, ending, watch)
}

/// Maximises with so many products at the most.
pub(super) fn search(
    wide: &Wide<'_, '_>,
    mut passes: Passes<'_>,
    products: usize,
    ending: &Ending,
    watch: &mut Watch<'_>,
) -> Result<Option<Maximum>> {
    let theta = zeroed(wide.rows.features + 1)?;
    passes.evaluate(&theta, watch)?;
    let search = Search {
        passes,
        columns: Columns {
            shifts: &wide.rows.tiles.shifts()[..wide.rows.features],
            constants: &wide.survey.constants,
            intercept: wide.constant == Constant::Added,
        },
        ending,
        theta,
        iterations: 0,
        products,
    };
    search.run(watch)
}

/// A search under way.
struct Search<'s, 'a> {
    passes: Passes<'a>,
    columns: Columns<'s>,
    ending: &'s Ending,
    theta: Vec<f64>,
    iterations: u32,
    /// How many more products are worth it.
    products: usize,
}

/// A Newton step.
struct Step {
    /// To be added to the coefficients of `(1, z)`.
    delta: Vec<f64>,
    /// Its length in the curvature, which is standard errors.
    decrement: f64,
    /// About how far, measured alike, it is from the exact one.
    error: f64,
}

impl Search<'_, '_> {
    /// The log-likelihood less the penalty.
    fn value(&self) -> f64 {
        let slopes = &self.theta[1..];
        self.passes.sums().value - self.ending.lambda / 2.0 * dot(slopes, slopes)
    }

    /// Its gradient.
    fn gradient(&self) -> Vec<f64> {
        let mut gradient = self.passes.sums().first.clone();
        add_scaled(&mut gradient[1..], -self.ending.lambda, &self.theta[1..]);
        gradient
    }

    /// Iterates from the sums at `theta`, to the same end as the search with the whole curvature.
    fn run(mut self, watch: &mut Watch<'_>) -> Result<Option<Maximum>> {
        watch.progress.phase = "iteration";
        watch.progress.total = u64::from(self.ending.max_iter);
        let settled = self.ending.settled(self.passes.rows(), self.theta.len());
        let mut before: Option<f64> = None;
        let mut precision = LOOSE;
        loop {
            let (value, gradient) = (self.value(), self.gradient());
            watch.progress.done = u64::from(self.iterations);
            watch.progress.loss = -value;
            self.passes.moments(watch)?;
            let moments = self.passes.sums();
            let Some(metric) = Metric::new(&self.columns, moments, self.ending.lambda) else {
                return Ok(None);
            };
            let Some(step) = self.solve(&metric, &gradient, (precision, settled), watch)? else {
                return Ok(None);
            };
            let decrement = step.decrement;
            let left = decrement * decrement / 2.0;
            let ratio = before.map_or(1.0, |before| (decrement / before).min(1.0));
            // Newton's method contracts quadratically.
            let contraction = before.map_or(decrement.min(1.0), |_| ratio * ratio);
            let floor = self.ending.rounding(value);
            if step.error.max(contraction * decrement) <= settled {
                add_scaled(&mut self.theta, 1.0, &step.delta);
                metric.tie(&mut self.theta);
                // What the step gains, to second order.
                return Ok(Some(self.end(value + left, true, left)));
            }
            if before.is_some() && ratio > 0.3 && left <= floor {
                return Ok(Some(self.end(value, true, left)));
            }
            if self.iterations >= self.ending.max_iter {
                let enough = left <= self.ending.tolerance;
                return Ok(Some(self.end(value, enough, left)));
            }
            if !self.advance(&step, value, &metric, watch)? {
                // No step helps any more: the floor of rounding.
                let enough = left <= floor.max(self.ending.tolerance);
                return Ok(Some(self.end(value, enough, left)));
            }
            self.iterations += 1;
            before = Some(decrement);
            precision = contraction.min(LOOSE);
        }
    }

    fn end(self, value: f64, converged: bool, gap: f64) -> Maximum {
        Maximum {
            theta: self.theta,
            value,
            iterations: self.iterations,
            converged,
            gap,
        }
    }

    /// Solves the Newton system by conjugate gradients until the step's error is below that share of
    /// it, or enough for the last. `None` where that takes too many products.
    fn solve(
        &mut self,
        metric: &Metric,
        gradient: &[f64],
        (precision, settled): (f64, f64),
        watch: &mut Watch<'_>,
    ) -> Result<Option<Step>> {
        let mut residual = metric.pull(gradient);
        let mut solution = zeroed(residual.len())?;
        let mut direction = metric.precondition(&residual);
        let mut size = dot(&residual, &direction);
        let (mut squared, mut error) = (0.0, 0.0);
        let mut products = 0_u32;
        while size > 0.0 {
            if self.products == 0 {
                return Ok(None);
            }
            self.products -= 1;
            products += 1;
            self.passes.product(&metric.push(&direction), watch)?;
            let mut image = metric.pull(&self.passes.sums().first);
            add_scaled(&mut image[1..], self.ending.lambda, &direction[1..]);
            let length = size / dot(&direction, &image);
            if !(length > 0.0 && length.is_finite()) {
                return Ok(None);
            }
            add_scaled(&mut solution, length, &direction);
            add_scaled(&mut residual, -length, &image);
            // What this product has added to the squared length; Nash and Sofer's rule.
            let gain = length * size;
            squared += gain;
            let left = f64::from(products) * gain;
            error = left.sqrt();
            if error <= (precision * squared.sqrt()).max(settled / 2.0) {
                break;
            }
            let ascent = metric.precondition(&residual);
            let next = dot(&residual, &ascent);
            let share = next / size;
            for (cell, ascent) in direction.iter_mut().zip(&ascent) {
                *cell = ascent + share * *cell;
            }
            size = next;
        }
        if size.is_nan() {
            return Ok(None);
        }
        Ok(Some(Step {
            delta: metric.push(&solution),
            decrement: squared.sqrt(),
            error,
        }))
    }

    /// Goes along the step until the objective does not fall back, halving it where it does; false
    /// (back at the start) where no step helps.
    fn advance(
        &mut self,
        step: &Step,
        value: f64,
        metric: &Metric,
        watch: &mut Watch<'_>,
    ) -> Result<bool> {
        let from = self.theta.clone();
        let mut fraction = 1.0;
        for _ in 0..MAX_HALVINGS {
            self.theta.copy_from_slice(&from);
            add_scaled(&mut self.theta, fraction, &step.delta);
            metric.tie(&mut self.theta);
            self.passes.evaluate(&self.theta, watch)?;
            // Armijo's condition with a small share.
            let wanted = 1e-4 * fraction * step.decrement * step.decrement;
            if self.value() - value >= wanted - self.ending.rounding(value) {
                return Ok(true);
            }
            fraction /= 2.0;
            let rise = fraction * step.decrement * step.decrement;
            if self.ending.drowns(rise, value) {
                break;
            }
        }
        self.theta = from;
        Ok(false)
    }
}
