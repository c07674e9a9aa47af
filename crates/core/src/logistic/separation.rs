//! Separation of the classes: proofs, not suspicions.
//!
//! The likelihood has no maximum exactly if some direction `v` has `(2y - 1) x'v >= 0` for every
//! row and `> 0` for some (Albert and Anderson 1984, Biometrika 71; complete separation if `> 0`
//! for all). A candidate is purified first, so that rows on the boundary lie on it exactly, and then
//! checked against every row.

use super::factor::Factor;
use super::pass::{Problem, Seen};
use crate::Result;
use crate::linalg::{Cholesky, add_scaled, dot, norm};
use crate::parallel::Watch;
use crate::tiles::zeroed;

/// Share of the greatest margin below which a row may lie on the boundary.
const NEAR: f64 = 0.05;
/// Share of the greatest margin that counts as 0 after purification: rounding.
const ROUNDING: f64 = 1e-9;
/// The linear predictor beyond which a row counts as decided: probability 5e-5.
const DECIDED: f64 = 10.0;
/// Share of a candidate that must survive purification; less is rounding.
const KEPT: f64 = 1e-3;
/// Share of the strongest column below which a column is not named.
const NAMED: f64 = 0.02;

/// A direction that separates the classes.
#[derive(Debug, Clone)]
pub(crate) struct Direction {
    /// Coefficients of `(1, z)`.
    pub theta: Vec<f64>,
    /// Whether no row lies on the boundary.
    pub complete: bool,
}

impl Direction {
    /// Coefficients that classify every row rightly.
    pub fn complete(theta: &[f64]) -> Self {
        Self {
            theta: theta.to_vec(),
            complete: true,
        }
    }
}

/// The least and the greatest `(2y - 1) eta` of rows with a positive weight.
#[derive(Debug, Clone, Copy)]
struct Margins {
    least: f64,
    greatest: f64,
}

fn margins(
    problem: &mut Problem<'_>,
    direction: &[f64],
    allowed: f64,
    watch: &mut Watch<'_>,
) -> Result<Margins> {
    let mut found = Margins {
        least: f64::INFINITY,
        greatest: 0.0,
    };
    problem.scan(direction, watch, |span, eta| {
        for (row, eta) in eta.iter().enumerate() {
            if span.weight.is_none_or(|w| w[row] > 0.0) {
                let margin = if span.y[row] > 0.5 { *eta } else { -eta };
                found.least = found.least.min(margin);
                found.greatest = found.greatest.max(margin);
            }
        }
        // One row far on the wrong side refutes the candidate.
        let refuted = found.least < -allowed * found.greatest && found.greatest > 0.0;
        if refuted && -found.least > found.greatest {
            Seen::Enough
        } else {
            Seen::More
        }
    })?;
    Ok(found)
}

/// Proves that the classes are separated, or returns `None`. The candidates are the Newton step,
/// which soon follows the separating direction if there is but one, and `theta` itself, which
/// follows it in the end. The problem's sums are overwritten.
pub(crate) fn investigate(
    problem: &mut Problem<'_>,
    factor: &Factor,
    theta: &[f64],
    delta: &[f64],
    watch: &mut Watch<'_>,
) -> Result<Option<Direction>> {
    let largest = problem.sums().max_abs_eta;
    let raw = margins(problem, delta, NEAR, watch)?;
    if raw.greatest > 0.0 && raw.least >= -NEAR * raw.greatest {
        let proof = prove(problem, factor, delta, NEAR * raw.greatest, watch)?;
        if proof.is_some() {
            return Ok(proof);
        }
    }
    if largest < 2.0 * DECIDED {
        return Ok(None);
    }
    prove(problem, factor, theta, DECIDED, watch)
}

/// Moves a candidate so that rows with a linear predictor of at most `near` lie on the boundary, and
/// checks it against every row.
fn prove(
    problem: &mut Problem<'_>,
    factor: &Factor,
    candidate: &[f64],
    near: f64,
    watch: &mut Watch<'_>,
) -> Result<Option<Direction>> {
    problem.gram_of_chosen(candidate, |eta| eta.abs() <= near, watch)?;
    let Some(theta) = purified(problem, factor, candidate, watch)? else {
        return Ok(None);
    };
    let pure = margins(problem, &theta, ROUNDING, watch)?;
    let rounding = ROUNDING * pure.greatest;
    let proved = pure.greatest > 0.0 && pure.least >= -rounding;
    let complete = pure.least > rounding;
    Ok(proved.then_some(Direction { theta, complete }))
}

/// The part of `candidate` that is exactly 0 on the rows whose Gram matrix the problem holds: its
/// projection on the matrix's null space, on the scale of the columns' deviations. Without a
/// constant the same on raw columns, and their root mean squares.
fn purified(
    problem: &Problem<'_>,
    factor: &Factor,
    candidate: &[f64],
    watch: &mut Watch<'_>,
) -> Result<Option<Vec<f64>>> {
    let p = candidate.len();
    let hessian = &problem.sums().hessian;
    let h = |i: usize, j: usize| hessian[i.max(j) * p + i.min(j)];
    let gram = |i: usize, j: usize| {
        if !factor.restricted {
            return h(i, j);
        }
        // Raw columns: the constant enters with the shift.
        let (a, b) = (problem.shifts()[i - 1], problem.shifts()[j - 1]);
        h(i, j) + a * h(0, j) + b * h(i, 0) + a * b * h(0, 0)
    };
    let deviation = |j: usize| match j {
        0 => 1.0,
        _ if factor.restricted => {
            (factor.scale[j - 1] / factor.total.sqrt()).hypot(factor.raw_means[j - 1])
        }
        _ => factor.scale[j - 1] / factor.total.sqrt(),
    };
    // Columns without spread in the whole have no part in a direction.
    let used: Vec<usize> = (0..p)
        .filter(|j| {
            if *j == 0 {
                !factor.restricted
            } else {
                factor.scale[j - 1] > 0.0
            }
        })
        .collect();
    let unit = |j: usize| {
        let square = gram(j, j);
        if square > 0.0 { square.sqrt() } else { 1.0 }
    };
    let units: Vec<f64> = used.iter().map(|j| unit(*j)).collect();
    let entry = |a: usize, b: usize| gram(used[a], used[b]) / units[a] / units[b];
    let cholesky = Cholesky::factor(used.len(), 1e-10, entry, &mut || watch.tick())?;
    let rank = cholesky.rank();
    let scaled =
        |theta: &[f64]| -> Vec<f64> { used.iter().map(|j| theta[*j] * deviation(*j)).collect() };
    let target = scaled(candidate);
    let mut basis: Vec<Vec<f64>> = Vec::new();
    let mut projection = zeroed(used.len())?;
    for i in rank..used.len() {
        let mut weights = cholesky.row(i).to_vec();
        cholesky.backward(&mut weights);
        let mut vector = zeroed(used.len())?;
        let own = cholesky.order()[i];
        vector[own] = deviation(used[own]) / units[own];
        for (basic, weight) in weights.iter().enumerate() {
            let a = cholesky.order()[basic];
            vector[a] = -weight * deviation(used[a]) / units[a];
        }
        for _ in 0..2 {
            for other in &basis {
                let along = dot(other, &vector);
                add_scaled(&mut vector, -along, other);
            }
        }
        let length = norm(&vector);
        if length.is_nan() || length <= 0.0 {
            continue;
        }
        vector.iter_mut().for_each(|v| *v /= length);
        let along = dot(&vector, &target);
        add_scaled(&mut projection, along, &vector);
        basis.push(vector);
        watch.tick()?;
    }
    let kept = norm(&projection) / norm(&target);
    if kept.is_nan() || kept < KEPT {
        return Ok(None);
    }
    let mut theta = zeroed(p)?;
    for (value, j) in projection.iter().zip(&used) {
        theta[*j] = value / deviation(*j);
    }
    if factor.restricted {
        theta[0] = dot(problem.shifts(), &theta[1..]);
    }
    Ok(Some(theta))
}

/// The columns to name: those that separate the classes alone where there are such, else those
/// with weight in the direction.
pub(crate) fn culprits(
    problem: &mut Problem<'_>,
    factor: &Factor,
    direction: &Direction,
    watch: &mut Watch<'_>,
) -> Result<Vec<usize>> {
    let d = problem.features();
    let mut bounds = vec![[[f64::INFINITY, f64::NEG_INFINITY]; 2]; d];
    problem.scan(&[], watch, |span, _| {
        for (column, bounds) in bounds.iter_mut().enumerate() {
            let cells = &span.x[column * span.stride..][..span.rows];
            for (row, cell) in cells.iter().enumerate() {
                if span.weight.is_none_or(|w| w[row] > 0.0) {
                    let [low, high] = &mut bounds[usize::from(span.y[row] > 0.5)];
                    *low = low.min(*cell);
                    *high = high.max(*cell);
                }
            }
        }
        Seen::More
    })?;
    let weight = |column: usize| (direction.theta[column + 1] * factor.scale[column]).abs();
    let strongest = (0..d).map(weight).fold(0.0, f64::max);
    let alone = |column: &usize| {
        let [zero, one] = bounds[*column];
        factor.scale[*column] > 0.0 && (zero[1] <= one[0] || one[1] <= zero[0])
    };
    let separating: Vec<usize> = if factor.restricted {
        Vec::new()
    } else {
        (0..d).filter(alone).collect()
    };
    if !separating.is_empty() {
        return Ok(separating);
    }
    Ok((0..d)
        .filter(|column| weight(*column) > NAMED * strongest)
        .collect())
}
