//! The fit from rows to coefficients.

use super::factor::{Bound, Factor, Ties};
use super::method::Method;
use super::pass::Passes;
use super::survey::Classes;
use super::{DENSE, Rows};
use crate::least_squares::Survey;
use crate::linalg::{Tick, dot};
use crate::logistic::{Constant, Design, PenalisedFactor, stride};
use crate::monitor::Monitor;
use crate::parallel::{Watch, lanes_at_most};
use crate::penalised::{Ending, Likelihood, maximise};
use crate::tiles::{TILE_STRIDE, zeroed};
use crate::{Error, Result, quasi_newton};

/// Coefficients (classes times encoded features and constant) at the most.
pub const MAX_COEFFICIENTS: usize = 1 << 20;
/// Share of the centred sum of squares below which the origin of a column is too far.
const FAR: f64 = 1e-2;
/// The margin of a class that no row has: its probability is 0.
const NEVER: f64 = -1e300;

/// What is minimised and when the search ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SoftmaxParams {
    /// Strength of the penalty: `lambda |b|^2 / 2`; 0 for none.
    pub lambda: f64,
    /// Whether each class has a constant; constants are not penalised.
    pub intercept: bool,
    /// Iterations at the most.
    pub max_iter: u32,
    /// What the objective may still gain where `max_iter` ends the search.
    pub tolerance: f64,
    /// Threads at the most; the result does not depend on them.
    pub threads: usize,
}

/// A fitted multinomial logistic regression.
#[derive(Debug, Clone, PartialEq)]
pub struct Softmax {
    /// One a class; 0 where none was wanted.
    pub intercepts: Vec<f64>,
    /// Class after class, one a feature.
    pub coefficients: Vec<f64>,
    /// `sum of w log loss + lambda |b|^2 / 2`.
    pub objective: f64,
    /// Iterations over all rows.
    pub iterations: u32,
    /// Whether the minimum was reached.
    pub converged: bool,
    /// About how much the objective could still gain.
    pub gap: f64,
    /// Classes without a row.
    pub absent: Vec<usize>,
    /// Dimensions of the slopes of which the rows say nothing: dependent columns.
    pub dependent: usize,
}

/// Bytes a fit takes at the most beyond the tiles, for any number of rows.
#[must_use]
pub fn working_memory(features: usize, classes: usize, threads: usize) -> u64 {
    const STACK: u64 = 64 << 10;
    let (p, k) = (features as u64 + 1, classes as u64);
    let size = k.saturating_mul(p);
    let staging = (p + k + 8).saturating_mul(TILE_STRIDE as u64);
    let cells = if size <= DENSE as u64 {
        let lanes = lanes_at_most(size as usize) as u64;
        let joint = size.saturating_mul(TILE_STRIDE as u64);
        size * size * (lanes + 3) + (staging + joint) * lanes + size * 48
    } else {
        let lanes = lanes_at_most((size as usize).isqrt()) as u64;
        (size + staging).saturating_mul(lanes) + size.saturating_mul(48) + p * p * (lanes + 3)
    };
    cells.saturating_mul(8) + STACK.saturating_mul(threads as u64)
}

/// Fits.
///
/// # Errors
/// [`Error::NoRows`], [`Error::OneClass`], [`Error::InvalidParameter`] for a label that is no class, a
/// negative weight, or more than [`MAX_COEFFICIENTS`]; [`Error::Breakdown`] for values beyond about
/// 1e150, [`Error::OutOfMemory`], [`Error::Stopped`].
pub fn fit(
    params: &SoftmaxParams,
    rows: &Rows<'_>,
    classes: usize,
    monitor: &mut dyn Monitor,
) -> Result<Softmax> {
    let mut watch = Watch::new(monitor, "preparation", 0);
    let watch = &mut watch;
    let size = classes.saturating_mul(rows.features + 1);
    if size > MAX_COEFFICIENTS {
        return Err(Error::InvalidParameter {
            name: "classes times encoded features",
            value: size.to_string(),
            expected: "1048576 at the most",
        });
    }
    let survey = Survey::take(rows, watch)?;
    let unit = survey.unit;
    let present = Classes::take(rows, classes, watch)?;
    let size = present.present.len() * (rows.features + 1);
    let method = Method::choose(
        rows.tiles.rows(),
        present.present.len(),
        rows.features + 1,
        params,
    );
    let mut passes = Passes::new(rows, &present, unit, method.curvature(), params.threads)?;
    let prepared = prepare(&mut passes, params, &survey, watch)?;
    let ending = Ending {
        lambda: params.lambda * unit,
        max_iter: params.max_iter,
        tolerance: params.tolerance * unit,
        weight: survey.weight,
    };
    let dependent = prepared.ties.nulls.len();
    let zero = zeroed(size)?;
    let mut likelihood = Multinomial {
        passes,
        ties: prepared.ties.clone(),
    };
    let mut maximum = None;
    if let Method::Steps { most, .. } = method {
        likelihood.evaluate(&zero, false, 1, watch)?;
        // With something to fall back on only the full accuracy will do.
        let tolerance = if method.curvature() {
            0.0
        } else {
            ending.tolerance
        };
        let ending = Ending {
            tolerance,
            ..ending
        };
        let reached = quasi_newton::maximise(&mut likelihood, &prepared, &ending, most, watch)?;
        maximum = (reached.converged || !method.curvature()).then_some(reached);
    }
    let maximum = match maximum {
        Some(maximum) => maximum,
        None => {
            let every = stride(rows.tiles.rows(), size, params.max_iter);
            likelihood.evaluate(&zero, true, every, watch)?;
            maximise(&mut likelihood, &ending, every, watch)?
        }
    };
    let p = rows.features + 1;
    let mut fitted = Softmax {
        intercepts: vec![NEVER; classes],
        coefficients: zeroed(classes * rows.features)?,
        objective: -maximum.value / unit,
        iterations: maximum.iterations,
        converged: maximum.converged,
        gap: maximum.gap / unit,
        absent: (0..classes)
            .filter(|k| present.place[*k].is_nan())
            .collect(),
        dependent,
    };
    for (class, block) in present.present.iter().zip(maximum.theta.chunks_exact(p)) {
        let (constant, slopes) = (block[0], &block[1..]);
        let shifts = dot(&likelihood.passes.shifts, slopes);
        fitted.intercepts[*class] = if params.intercept {
            constant - shifts
        } else {
            0.0
        };
        fitted.coefficients[class * rows.features..][..rows.features].copy_from_slice(slopes);
    }
    if !fitted
        .intercepts
        .iter()
        .chain(&fitted.coefficients)
        .all(|b| b.is_finite())
    {
        return Err(Error::Breakdown {
            phase: "coefficients",
        });
    }
    Ok(fitted)
}

/// Takes the products of the columns, moves the origin of columns that lie far from it, and finds the
/// directions of which the rows say nothing.
fn prepare(
    passes: &mut Passes<'_>,
    params: &SoftmaxParams,
    survey: &Survey,
    watch: &mut Watch<'_>,
) -> Result<Bound> {
    let (d, p) = (passes.shifts.len(), passes.shifts.len() + 1);
    let raw = |j: usize, shift: f64| survey.constants[j].map(|cell| cell + shift);
    let constants: Vec<_> = (0..d).map(|j| raw(j, passes.shifts[j])).collect();
    passes.gram(watch)?;
    let mut offsets = zeroed(d)?;
    let gram = &passes.sums().blocks[0].hessian;
    for (j, offset) in offsets.iter_mut().enumerate() {
        let mean = gram[(j + 1) * p] / gram[0];
        let square = gram[(j + 1) * p + j + 1];
        let far = square - gram[0] * mean * mean < FAR * square;
        if far && constants[j].is_none() && mean.is_finite() {
            *offset = mean;
        }
    }
    if offsets.iter().any(|offset| *offset != 0.0) {
        passes.recentre(offsets)?;
        passes.gram(watch)?;
    }
    let constant = if params.intercept {
        Constant::Added
    } else {
        Constant::AsGiven
    };
    let design = Design {
        hessian: &passes.sums().blocks[0].hessian,
        shifts: &passes.shifts,
        constants: &constants,
        constant,
    };
    let lambda = params.lambda * survey.unit;
    let factor = PenalisedFactor::new(&design, lambda, &mut || watch.tick())?;
    let idle = constants.iter().map(|value| match value {
        Some(value) => params.intercept || *value == 0.0,
        None => false,
    });
    Ok(Bound {
        ties: Ties {
            classes: passes.classes(),
            intercept: params.intercept,
            idle: idle.collect(),
            shifts: passes.shifts.clone(),
            centre: factor.centre.clone(),
            nulls: factor.nulls.clone(),
        },
        of_class: factor,
    })
}

/// The likelihood of several classes, in the coefficients of `(1, z)`.
struct Multinomial<'a> {
    passes: Passes<'a>,
    ties: Ties,
}

impl Likelihood for Multinomial<'_> {
    type Factor = Factor;

    fn block(&self) -> usize {
        self.ties.shifts.len() + 1
    }

    fn rows(&self) -> usize {
        self.passes.rows()
    }

    fn evaluate(
        &mut self,
        theta: &[f64],
        curvature: bool,
        every: usize,
        watch: &mut Watch<'_>,
    ) -> Result<()> {
        self.passes.evaluate(theta, curvature, every, watch)
    }

    fn log_likelihood(&self) -> f64 {
        self.passes.sums().log_likelihood
    }

    fn gradient(&self) -> &[f64] {
        &self.passes.sums().gradient
    }

    fn factor(&self, lambda: f64, tick: Tick<'_>) -> Result<Factor> {
        Factor::new(&self.passes, &self.ties, lambda, tick)
    }
}
