//! The fit from rows to numbers.

use super::Rows;
use super::factor::{Constant, Factor};
use super::inference::infer;
use super::model::{Finding, LogisticFit, Status};
use super::newton::{self, prepare};
use super::outcome::{Limits, Outcome, factored};
use super::params::{Intercept, LogisticValidParams, Optimizer};
use super::pass::Problem;
use super::separation::culprits;
use super::survey::Survey;
use super::tail::two_sided;
use super::{cg, igd};
use crate::Result;
use crate::monitor::Monitor;
use crate::parallel::{Watch, lanes_at_most};
use crate::tiles::{TILE_STRIDE, zeroed};

/// Whether an intercept is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InterceptDecision {
    /// A constant joins the design, before the columns.
    pub added: bool,
}

/// Decides over all rows whether an intercept is added, so that groups of them agree.
///
/// # Errors
/// As [`fit`].
pub fn decide_intercept(
    params: &LogisticValidParams,
    rows: &Rows<'_>,
    monitor: &mut dyn Monitor,
) -> Result<InterceptDecision> {
    if params.intercept == Intercept::Never {
        return Ok(InterceptDecision { added: false });
    }
    let mut watch = Watch::new(monitor, "intercept", 0);
    let mut problem = Problem::new(rows, params.class_weight, params.threads)?;
    let survey = Survey::take(&mut problem, &mut watch)?;
    let added = constant_is_missing(&mut problem, &survey, &mut watch)?;
    Ok(InterceptDecision { added })
}

/// Whether a constant raises the rank of the design, by the Gram matrix of all rows.
fn constant_is_missing(
    problem: &mut Problem<'_>,
    survey: &Survey,
    watch: &mut Watch<'_>,
) -> Result<bool> {
    if survey.constants.iter().flatten().any(|value| *value != 0.0) {
        return Ok(false);
    }
    prepare(problem, survey, None, watch)?;
    let tick = &mut || watch.tick();
    let factor = Factor::new(
        problem.sums(),
        problem.shifts(),
        &survey.constants,
        Constant::Added,
        tick,
    )?;
    Ok(factor.spanning.is_none())
}

/// Fits a logistic regression.
///
/// # Errors
/// [`NoRows`](crate::Error::NoRows), [`NotBinary`](crate::Error::NotBinary),
/// [`InvalidParameter`](crate::Error::InvalidParameter) for a negative weight,
/// [`Shape`](crate::Error::Shape), [`Breakdown`](crate::Error::Breakdown) for values beyond about
/// 1e150, [`OutOfMemory`](crate::Error::OutOfMemory), [`Stopped`](crate::Error::Stopped).
pub fn fit(
    params: &LogisticValidParams,
    rows: &Rows<'_>,
    decision: Option<InterceptDecision>,
    monitor: &mut dyn Monitor,
) -> Result<LogisticFit> {
    let mut watch = Watch::new(monitor, "preparation", 0);
    let watch = &mut watch;
    let mut problem = Problem::new(rows, params.class_weight, params.threads)?;
    let survey = Survey::take(&mut problem, watch)?;
    let decision = match (decision, params.intercept) {
        (None, Intercept::Never) => Some(InterceptDecision { added: false }),
        (decision, _) => decision,
    };
    // As long as it is open, the answer is either "added" or "not needed": a constant either way.
    let constant = match decision {
        Some(InterceptDecision { added: false }) => Constant::AsGiven,
        _ => Constant::Added,
    };
    let limits = Limits {
        max_iter: params.max_iter,
        tolerance: params.tolerance,
        constant,
        weight: survey.weight,
    };
    let newton = params.optimizer == Optimizer::Irls;
    let every = prepare(&mut problem, &survey, newton.then_some(&limits), watch)?;
    let outcome = match params.optimizer {
        Optimizer::Irls => newton::maximise(&mut problem, &survey, &limits, every, watch)?,
        Optimizer::Cg => cg::maximise(&mut problem, &survey, &limits, watch)?,
        Optimizer::Igd => igd::maximise(&mut problem, &survey, &limits, params.seed, watch)?,
    };
    report(&mut problem, &survey, &limits, outcome, decision, watch)
}

/// Inference and findings.
fn report(
    problem: &mut Problem<'_>,
    survey: &Survey,
    limits: &Limits,
    outcome: Outcome,
    decision: Option<InterceptDecision>,
    watch: &mut Watch<'_>,
) -> Result<LogisticFit> {
    watch.progress.phase = "inference";
    // Far from a maximum weights may be so uneven that the curvature hides what the design is like;
    // at zero they are all alike.
    let structure = match outcome.status {
        Status::Converged => None,
        _ => {
            problem.evaluate(&zeroed(outcome.theta.len())?, true, 1, watch)?;
            let structure = factored(problem, survey, limits, watch)?;
            problem.evaluate(&outcome.theta, true, 1, watch)?;
            Some(structure)
        }
    };
    let design = structure.as_ref().unwrap_or(&outcome.factor);
    let added = decision.map_or(design.spanning.is_none(), |decision| decision.added);
    let tick = &mut || watch.tick();
    let inference = if outcome.factor.cholesky.rank() == design.cholesky.rank() {
        infer(problem, &outcome.factor, &outcome.theta, added, tick)?
    } else {
        infer(problem, design, &outcome.theta, added, tick)?.without_covariance()
    };
    let mut findings = dependence(survey, design, added);
    if let Some(positive) = survey.constant_label() {
        findings.push(Finding::ConstantLabel { positive });
    } else if let Some(direction) = &outcome.direction {
        let columns = culprits(problem, design, direction, watch)?;
        findings.push(Finding::Separation {
            columns,
            complete: direction.complete,
        });
    }
    if matches!(outcome.status, Status::MaxIterations | Status::Stalled) {
        findings.push(Finding::NotConverged { gap: outcome.gap });
    }
    let coefficients = inference.coefficients;
    let z_stats: Vec<f64> = coefficients
        .iter()
        .zip(&inference.std_err)
        .map(|(c, s)| c / s)
        .collect();
    Ok(LogisticFit {
        odds_ratios: coefficients.iter().map(|c| c.exp()).collect(),
        p_values: z_stats.iter().map(|z| two_sided(*z)).collect(),
        coefficients,
        intercept_added: added,
        log_likelihood: outcome.log_likelihood,
        std_err: inference.std_err,
        z_stats,
        condition_number: inference.condition_number,
        covariance: inference.covariance,
        rows: problem.rows() as u64,
        iterations: outcome.iterations,
        status: outcome.status,
        findings,
    })
}

/// Zero columns, constant columns beside an intercept, and collinear columns.
fn dependence(survey: &Survey, factor: &Factor, added: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (column, value) in survey.constants.iter().enumerate() {
        if *value == Some(0.0) {
            findings.push(Finding::ZeroColumn { column });
        }
    }
    for (i, null) in factor.nulls.iter().enumerate() {
        if !added && factor.spanning == Some(i) {
            continue;
        }
        let mut columns = columns_of(&null.vector, factor);
        match (added, columns.as_slice()) {
            (true, [column]) => findings.push(Finding::ConstantColumn { column: *column }),
            _ => {
                if !added
                    && null.value != 0.0
                    && let Some(spanning) = factor.spanning
                {
                    columns.extend(columns_of(&factor.nulls[spanning].vector, factor));
                    columns.sort_unstable();
                    columns.dedup();
                }
                findings.push(Finding::Collinear { columns });
            }
        }
    }
    findings
}

/// The columns with weight in a null vector.
fn columns_of(vector: &[f64], factor: &Factor) -> Vec<usize> {
    let weight = |(v, scale): (&f64, &f64)| {
        if *scale > 0.0 {
            (v * scale).abs()
        } else {
            v.abs()
        }
    };
    let weights: Vec<f64> = vector.iter().zip(&factor.scale).map(weight).collect();
    let largest = weights.iter().copied().fold(0.0, f64::max);
    (0..weights.len())
        .filter(|j| weights[*j] > 1e-6 * largest)
        .collect()
}

/// Bytes a fit takes at the most beyond the tiles, for `p` coefficients (an intercept included) and
/// any number of rows: the lanes' curvature sums and staging buffers, six matrices of `p * p`
/// (factor, inverse, root, covariance, and two for the null space of a deficient design), and the
/// stack a thread touches.
#[must_use]
pub fn working_memory(p: usize, threads: usize) -> u64 {
    const STACK: u64 = 64 << 10;
    let cell = size_of::<f64>() as u64;
    let (width, lanes) = (p as u64, lanes_at_most(p) as u64);
    let square = width.saturating_mul(width);
    let staging = (width + 2)
        .saturating_mul(TILE_STRIDE as u64)
        .saturating_mul(lanes);
    let lanczos = width.saturating_mul(128);
    let cells = square
        .saturating_mul(lanes + 6)
        .saturating_add(staging + lanczos);
    cells
        .saturating_mul(cell)
        .saturating_add(STACK.saturating_mul(threads as u64))
}
