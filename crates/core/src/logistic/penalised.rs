//! Binary logistic regression with a penalty on the squares of the slopes.

use super::Rows;
use super::factor::Constant;
use super::newton;
use super::outcome::Limits;
use super::pass::Problem;
use super::survey::Survey;
use super::wide::{self, Wide};
use crate::linalg::{Cholesky, Tick, add_scaled, dot, norm};
use crate::monitor::Monitor;
use crate::parallel::Watch;
use crate::penalised::{Curvature, Ending, Likelihood, Maximum, maximise};
use crate::tiles::zeroed;
use crate::{Error, Result};

/// A variable of which the others leave less than this share is not told apart from them: what the
/// penalty adds drowns in the rounding of the curvature.
const RANK_TOLERANCE: f64 = 1e-13;

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
/// Where the whole curvature costs more than about 80 of its products with a vector (from 200 columns
/// on, or fewer that are mostly zero), steps are solved by conjugate gradients, to the same end: a
/// product costs `4 n k` multiply-adds, and of columns with at most one cell in eight other than zero
/// it reads only those cells. The coefficients agree to 1e-9. Where columns go together so closely, or
/// the penalty is so weak, that products come to cost more than the whole curvature, that is taken
/// after all: at the worst a fit takes twice as long as with it alone.
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
    let ending = Ending {
        lambda: penalty.lambda * unit,
        max_iter: limits.max_iter,
        tolerance: limits.tolerance,
        weight: limits.weight,
    };
    let wide = Wide {
        rows,
        unit,
        survey: &survey,
        constant: limits.constant,
        threads: penalty.threads,
    };
    let (maximum, shifts) = match wide::maximise(&wide, &ending, watch)? {
        Some(maximum) => (maximum, problem.shifts().to_vec()),
        None => with_curvature(problem, survey, &limits, &ending, watch)?,
    };
    let (constant, slopes) = (maximum.theta[0], maximum.theta[1..].to_vec());
    let intercept = match limits.constant {
        Constant::Added => constant - dot(&shifts, &slopes),
        Constant::AsGiven => 0.0,
    };
    if !(intercept.is_finite() && slopes.iter().all(|b| b.is_finite())) {
        return Err(Error::Breakdown {
            phase: "coefficients",
        });
    }
    Ok(Penalised {
        objective: -maximum.value / unit,
        intercept,
        coefficients: slopes,
        iterations: maximum.iterations,
        converged: maximum.converged,
        gap: maximum.gap / unit,
    })
}

/// Maximises with the whole curvature. Also gives the shifts of the columns.
pub(super) fn with_curvature(
    mut problem: Problem<'_>,
    survey: Survey,
    limits: &Limits,
    ending: &Ending,
    watch: &mut Watch<'_>,
) -> Result<(Maximum, Vec<f64>)> {
    let every = newton::prepare(&mut problem, &survey, Some(limits), watch)?;
    let mut binary = Binary {
        problem,
        constants: survey.constants,
        constant: limits.constant,
    };
    let maximum = maximise(&mut binary, ending, every, watch)?;
    Ok((maximum, binary.problem.shifts().to_vec()))
}

/// The likelihood of two classes, in the coefficients of `(1, z)`.
struct Binary<'a> {
    problem: Problem<'a>,
    constants: Vec<Option<f64>>,
    constant: Constant,
}

impl Likelihood for Binary<'_> {
    type Factor = Factor;

    fn block(&self) -> usize {
        self.problem.features() + 1
    }

    fn rows(&self) -> usize {
        self.problem.rows()
    }

    fn evaluate(
        &mut self,
        theta: &[f64],
        curvature: bool,
        every: usize,
        watch: &mut Watch<'_>,
    ) -> Result<()> {
        self.problem.evaluate(theta, curvature, every, watch)
    }

    fn log_likelihood(&self) -> f64 {
        self.problem.sums().log_likelihood
    }

    fn gradient(&self) -> &[f64] {
        &self.problem.sums().gradient
    }

    fn factor(&self, lambda: f64, tick: Tick<'_>) -> Result<Factor> {
        let design = Design {
            hessian: &self.problem.sums().hessian,
            shifts: self.problem.shifts(),
            constants: &self.constants,
            constant: self.constant,
        };
        Factor::new(&design, lambda, tick)
    }
}

/// Sums of products of the design `(1, z)`, weighted.
pub(crate) struct Design<'a> {
    /// Row-major, the lower triangle.
    pub hessian: &'a [f64],
    /// Raw value = cell + shift.
    pub shifts: &'a [f64],
    /// The raw value of each column that has only one.
    pub constants: &'a [Option<f64>],
    pub constant: Constant,
}

/// The penalised curvature at some point, factored: with an intercept on the columns centred about
/// their weighted means, without one on the raw columns.
pub(crate) struct Factor {
    /// Sum of the weights; `None` without an intercept.
    total: Option<f64>,
    /// What the columns are centred about, relative to the cells.
    pub centre: Vec<f64>,
    scale: Vec<f64>,
    cholesky: Cholesky,
    /// Orthonormal directions in which the slopes are 0: the rows say nothing there, and the penalty
    /// drowns in rounding.
    pub nulls: Vec<Vec<f64>>,
}

impl Factor {
    /// Factors the curvature.
    ///
    /// # Errors
    /// [`Error::Breakdown`] for an infinite or vanishing curvature, out of memory, or `tick`'s.
    pub fn new(design: &Design<'_>, lambda: f64, tick: Tick<'_>) -> Result<Self> {
        let Design {
            hessian,
            shifts,
            constants,
            constant,
        } = design;
        let (d, p) = (shifts.len(), shifts.len() + 1);
        let h = |i: usize, j: usize| hessian[i * p + j];
        let weight = h(0, 0);
        if !(weight.is_finite() && weight > 0.0) {
            return Err(Error::Breakdown { phase: "curvature" });
        }
        let centred = |i: usize, j: usize| h(i + 1, j + 1) - h(i + 1, 0) / weight * h(j + 1, 0);
        let raw_mean = |j: usize| h(j + 1, 0) / weight + shifts[j];
        let with = *constant == Constant::Added;
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
        if !(0..d).all(|j| entry(j, j).is_finite()) {
            return Err(Error::Breakdown { phase: "curvature" });
        }
        // Columns without curvature, or constant beside an intercept, have no part.
        let length = |j: usize| match entry(j, j).sqrt() {
            length if length > 0.0 && !(with && constants[j].is_some()) => length,
            _ => f64::INFINITY,
        };
        let scale: Vec<f64> = (0..d).map(length).collect();
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
}

impl Curvature for Factor {
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

    fn tie(&self, theta: &mut [f64]) {
        let (constant, slopes) = theta.split_at_mut(1);
        if !self.nulls.is_empty() {
            let at_centre = constant[0] + dot(&self.centre, slopes);
            project_out(&self.nulls, slopes);
            constant[0] = at_centre - dot(&self.centre, slopes);
        }
        if self.total.is_none() {
            // No constant of its own: exactly what the shifts make of the slopes.
            constant[0] = -dot(&self.centre, slopes);
        }
    }
}

/// Removes the share in orthonormal directions.
fn project_out(directions: &[Vec<f64>], v: &mut [f64]) {
    for direction in directions {
        let along = dot(direction, v);
        add_scaled(v, -along, direction);
    }
}
