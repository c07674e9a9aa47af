//! The penalised curvature of all classes, factored.

use super::pass::Passes;
use crate::linalg::{Cholesky, Tick, add_scaled, dot};
use crate::logistic::PenalisedFactor;
use crate::penalised::Curvature;
use crate::tiles::zeroed;
use crate::{Error, Result};

/// A variable of which the others leave less than this share is not told apart from them.
const RANK_TOLERANCE: f64 = 1e-13;

/// What does not change while a search is under way.
#[derive(Debug, Clone)]
pub(super) struct Ties {
    /// Number of classes.
    pub classes: usize,
    pub intercept: bool,
    /// Whether each column is constant although there is an intercept: its slopes are 0.
    pub idle: Vec<bool>,
    /// Raw value = cell + shift.
    pub shifts: Vec<f64>,
    /// What the columns are centred about where rows say nothing of a direction.
    pub centre: Vec<f64>,
    /// Orthonormal directions of the slopes of which the rows say nothing.
    pub nulls: Vec<Vec<f64>>,
}

/// `H + lambda I + (1 1'/K) x D` on the coefficients that are free: `D` makes it definite where all
/// classes move alike, which changes no probability and never happens, as gradients add up to 0 over
/// the classes.
pub(super) struct Factor {
    ties: Ties,
    /// Number of each variable in its class: 0 for the constant, then the columns.
    variables: Vec<usize>,
    scale: Vec<f64>,
    cholesky: Cholesky,
}

impl Factor {
    /// Factors the curvature of the last pass.
    ///
    /// # Errors
    /// [`Error::Breakdown`] for an infinite curvature, out of memory, or `tick`'s.
    pub fn new(passes: &Passes<'_>, ties: &Ties, lambda: f64, tick: Tick<'_>) -> Result<Self> {
        let (classes, p) = (ties.classes, ties.shifts.len() + 1);
        let columns = (1..p).filter(|j| !ties.idle[j - 1]);
        let constant = ties.intercept.then_some(0);
        let variables: Vec<usize> = constant.into_iter().chain(columns).collect();
        let v = variables.len();
        let n = classes * v;
        let mut matrix = zeroed(n * n)?;
        for k in 0..classes - 1 {
            for l in 0..=k {
                tick()?;
                let cell = |i, j| passes.sums().cell(classes, (l, k), (i, j));
                for (a, i) in variables.iter().enumerate() {
                    for (b, j) in variables.iter().enumerate() {
                        let value = ties.entry(cell, *i, *j);
                        matrix[(k * v + a) * n + l * v + b] = value;
                        matrix[(l * v + b) * n + k * v + a] = value;
                    }
                }
            }
        }
        complete(&mut matrix, classes, v);
        let mut scale = vec![1.0; n];
        let mut common = zeroed(v)?;
        for (i, cell) in scale.iter_mut().enumerate() {
            let penalty = if variables[i % v] > 0 { lambda } else { 0.0 };
            let square = matrix[i * n + i].max(0.0) + penalty;
            if !square.is_finite() {
                return Err(Error::Breakdown { phase: "curvature" });
            }
            matrix[i * n + i] = square;
            common[i % v] += square / (classes * classes) as f64;
            if square > 0.0 {
                *cell = square.sqrt();
            }
        }
        for i in 0..n {
            for j in (i % v..n).step_by(v) {
                matrix[i * n + j] += common[i % v];
            }
        }
        for (i, cell) in scale.iter_mut().enumerate() {
            let square = matrix[i * n + i];
            *cell = if square > 0.0 { square.sqrt() } else { 1.0 };
        }
        let entry = |i: usize, j: usize| match i == j {
            true => 1.0,
            false => matrix[i * n + j] / scale[i] / scale[j],
        };
        let tolerance = RANK_TOLERANCE.max(8.0 * f64::EPSILON * n as f64);
        let cholesky = Cholesky::factor(n, tolerance, entry, tick)?;
        Ok(Self {
            ties: ties.clone(),
            variables,
            scale,
            cholesky,
        })
    }
}

/// The blocks of the last class: rows of the curvature add up to 0 over the classes.
fn complete(matrix: &mut [f64], classes: usize, v: usize) {
    let (n, last) = (classes * v, classes - 1);
    for k in 0..last {
        for a in 0..v {
            for b in 0..v {
                let sum: f64 = (0..last).map(|l| matrix[(k * v + a) * n + l * v + b]).sum();
                matrix[(k * v + a) * n + last * v + b] = -sum;
                matrix[(last * v + b) * n + k * v + a] = -sum;
            }
        }
    }
    for a in 0..v {
        for b in 0..v {
            let sum: f64 = (0..last)
                .map(|k| matrix[(k * v + a) * n + last * v + b])
                .sum();
            matrix[(last * v + a) * n + last * v + b] = -sum;
        }
    }
}

impl Ties {
    /// A cell of a block, which `h` gives; without an intercept that of the raw
    /// columns.
    fn entry(&self, h: impl Fn(usize, usize) -> f64, i: usize, j: usize) -> f64 {
        if self.intercept {
            return h(i, j);
        }
        let (a, b) = (self.shifts[i - 1], self.shifts[j - 1]);
        h(i, j) + a * h(0, j) + b * h(i, 0) + a * b * h(0, 0)
    }
}

impl Curvature for Factor {
    fn step(&self, gradient: &[f64]) -> (Vec<f64>, f64) {
        let (v, p) = (self.variables.len(), self.ties.shifts.len() + 1);
        let order = &self.cholesky.order()[..self.cholesky.rank()];
        let derivative = |variable: &usize| {
            let (block, i) = (
                &gradient[variable / v * p..][..p],
                self.variables[variable % v],
            );
            let tied = if self.ties.intercept {
                0.0
            } else {
                self.ties.shifts[i - 1] * block[0]
            };
            (block[i] + tied) / self.scale[*variable]
        };
        let mut b: Vec<f64> = order.iter().map(derivative).collect();
        self.cholesky.forward(&mut b);
        let decrement = dot(&b, &b).sqrt();
        self.cholesky.backward(&mut b);
        let mut delta = vec![0.0; gradient.len()];
        for (value, variable) in b.iter().zip(order) {
            delta[variable / v * p + self.variables[variable % v]] = value / self.scale[*variable];
        }
        (delta, decrement)
    }

    fn tie(&self, theta: &mut [f64]) {
        self.ties.tie(theta);
    }
}

impl Ties {
    /// Makes coefficients add up to 0 over the classes, slopes 0 where the rows say nothing, and the
    /// constant what the shifts make of the slopes where there is none of its own.
    pub fn tie(&self, theta: &mut [f64]) {
        let p = self.shifts.len() + 1;
        for j in 0..p {
            let mean = theta.iter().skip(j).step_by(p).sum::<f64>() / self.classes as f64;
            theta.iter_mut().skip(j).step_by(p).for_each(|b| *b -= mean);
        }
        for block in theta.chunks_exact_mut(p) {
            let (constant, slopes) = block.split_at_mut(1);
            if !self.nulls.is_empty() {
                let at_centre = constant[0] + dot(&self.centre, slopes);
                for null in &self.nulls {
                    let along = dot(null, slopes);
                    add_scaled(slopes, -along, null);
                }
                constant[0] = at_centre - dot(&self.centre, slopes);
            }
            if !self.intercept {
                constant[0] = dot(&self.shifts, slopes);
            }
        }
    }
}

/// A bound on the curvature for too many coefficients: `X'WX / 2` for each class by itself (Bohning
/// 1992: `diag(p) - p p'` is at most `(I - 1 1'/K) / 2`, and gradients add up to 0 over the classes).
pub(super) struct Bound {
    pub ties: Ties,
    pub of_class: PenalisedFactor,
}

impl Curvature for Bound {
    fn step(&self, gradient: &[f64]) -> (Vec<f64>, f64) {
        let p = self.ties.shifts.len() + 1;
        let mut delta = Vec::with_capacity(gradient.len());
        let mut squared = 0.0;
        for block in gradient.chunks_exact(p) {
            let (step, decrement) = self.of_class.step(block);
            delta.extend(step);
            squared += decrement * decrement;
        }
        (delta, squared.sqrt())
    }

    fn tie(&self, theta: &mut [f64]) {
        self.ties.tie(theta);
    }
}
