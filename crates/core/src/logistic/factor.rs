//! The curvature, factored: Newton steps, null vectors of the design, and whether it has a constant.

use pglearn_kernels::LogisticSums;

use crate::linalg::{Cholesky, Tick, add_scaled, dot};
use crate::tiles::zeroed;
use crate::{Error, Result};

/// A column whose share not explained by the others is below this depends on them. The curvature
/// carries a relative error of a few 1e-15 (sums of up to millions of products), so that smaller
/// shares would be noise.
const RANK_TOLERANCE: f64 = 1e-12;
/// A null vector of the centred design stands for a non-zero constant only if its value exceeds this
/// share of the deviations of its terms. The combination itself may vary by `RANK_TOLERANCE` of
/// their variance: a column and its copy in single precision differ by noise whose mean is no
/// constant.
const CONSTANT_DEVIATIONS: f64 = 1e-5;
/// ... and this share of its terms: a constant that columns make up by smaller differences is lost
/// again where predictions round, so that one of its own serves better.
const CONSTANT_SHARE: f64 = 1e-9;

/// Which constant the model has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Constant {
    /// The model's own.
    Added,
    /// Whatever the columns span.
    AsGiven,
}

/// A combination of columns that is constant over the rows.
#[derive(Debug)]
pub(crate) struct Null {
    /// Weights of the columns.
    pub vector: Vec<f64>,
    /// The constant, on the raw scale; 0 where it is indistinguishable from 0.
    pub value: f64,
}

/// `H` of the design `(1, z)` as `h00` (total weight), means, and the Cholesky factor of the
/// equilibrated, centred rest. Centring costs no digits where `z` has its origin near its mean.
#[derive(Debug)]
pub(crate) struct Factor {
    /// Sum of the weights `w mu (1 - mu)`.
    pub total: f64,
    /// Weighted means of `z`.
    pub means: Vec<f64>,
    /// Weighted means of the raw columns.
    pub raw_means: Vec<f64>,
    /// Square roots of the centred sums of squares; 0 for constant columns.
    pub scale: Vec<f64>,
    /// The columns that vary; the factor's variable `i` is column `columns[i]`.
    pub columns: Vec<usize>,
    /// Of the correlation matrix of `columns`; where restricted, it has absorbed the raw means.
    pub cholesky: Cholesky,
    /// Combinations that are constant, besides zero columns.
    pub nulls: Vec<Null>,
    /// The null vector that stands in for the constant, if one does.
    pub spanning: Option<usize>,
    /// Whether the constant is tied to the slopes (`theta[0] = shift' slopes`): no constant at all.
    pub restricted: bool,
    shifts: Vec<f64>,
}

/// A Newton step.
#[derive(Debug)]
pub(crate) struct Step {
    /// To be added to the coefficients of `(1, z)`.
    pub delta: Vec<f64>,
    /// `sqrt(g' H^-1 g)`: no coefficient moves by more than that many of its standard errors.
    pub decrement: f64,
}

impl Factor {
    /// Factors the curvature in `sums`. `constants` are the raw values of the constant columns.
    ///
    /// # Errors
    /// [`Error::Breakdown`] for an infinite or vanishing curvature, out of memory, or `tick`'s.
    pub fn new(
        sums: &LogisticSums,
        shifts: &[f64],
        constants: &[Option<f64>],
        constant: Constant,
        tick: Tick<'_>,
    ) -> Result<Self> {
        let (d, p) = (shifts.len(), shifts.len() + 1);
        let h = |i: usize, j: usize| sums.hessian[i * p + j];
        let total = h(0, 0);
        let means: Vec<f64> = (0..d).map(|j| h(j + 1, 0) / total).collect();
        let raw_means: Vec<f64> = (0..d)
            .map(|j| constants[j].unwrap_or(means[j] + shifts[j]))
            .collect();
        let centred = |i: usize, j: usize| h(i + 1, j + 1) - means[i] * h(j + 1, 0);
        let mut scale = zeroed(d)?;
        let mut columns = Vec::new();
        for j in 0..d {
            let (square, spread) = (h(j + 1, j + 1), centred(j, j));
            if !square.is_finite() || total.is_nan() || total <= 0.0 {
                return Err(Error::Breakdown { phase: "curvature" });
            }
            if constants[j].is_none() && spread > RANK_TOLERANCE * square {
                scale[j] = spread.sqrt();
                columns.push(j);
            }
        }
        let entry = |a: usize, b: usize| {
            if a == b {
                return 1.0;
            }
            let (i, j) = (columns[a], columns[b]);
            centred(i, j) / scale[i] / scale[j]
        };
        let tolerance = RANK_TOLERANCE.max(8.0 * f64::EPSILON * d as f64);
        let cholesky = Cholesky::factor(columns.len(), tolerance, entry, tick)?;
        let mut factor = Self {
            total,
            means,
            raw_means,
            scale,
            columns,
            cholesky,
            nulls: Vec::new(),
            spanning: None,
            restricted: false,
            shifts: shifts.to_vec(),
        };
        factor.find_nulls(constants, tick)?;
        factor.spanning = factor.best_spanning();
        if constant == Constant::AsGiven && factor.spanning.is_none() {
            factor.restrict(tick)?;
        }
        Ok(factor)
    }

    /// The column behind pivot `i`.
    pub fn column(&self, i: usize) -> usize {
        self.columns[self.cholesky.order()[i]]
    }

    fn find_nulls(&mut self, constants: &[Option<f64>], tick: Tick<'_>) -> Result<()> {
        let d = self.scale.len();
        for column in 0..d {
            let zero = constants[column] == Some(0.0);
            if self.scale[column] == 0.0 && !zero {
                let mut vector = zeroed(d)?;
                vector[column] = 1.0;
                self.nulls.push(Null {
                    vector,
                    value: self.raw_means[column],
                });
            }
        }
        let rank = self.cholesky.rank();
        for i in rank..self.columns.len() {
            let dependent = self.column(i);
            let mut weights = self.cholesky.row(i).to_vec();
            self.cholesky.backward(&mut weights);
            let largest = weights.iter().fold(1.0_f64, |m, w| m.max(w.abs()));
            let mut vector = zeroed(d)?;
            vector[dependent] = 1.0;
            for (basic, weight) in weights.iter().enumerate() {
                // What is far below the rank tolerance is rounding, not dependence.
                if weight.abs() > 1e-10 * largest {
                    let column = self.column(basic);
                    vector[column] = -weight * (self.scale[dependent] / self.scale[column]);
                }
            }
            let value = self.value_of(&vector);
            self.nulls.push(Null { vector, value });
            tick()?;
        }
        Ok(())
    }

    /// The raw value of a constant combination, 0 where it drowns in the rounding of its terms or in
    /// what the combination may vary.
    fn value_of(&self, vector: &[f64]) -> f64 {
        // Means and shifts apart: shifts are numbers of few digits, so that their sum is exact.
        let value = dot(vector, &self.means) + dot(vector, &self.shifts);
        let size: f64 = vector
            .iter()
            .zip(&self.raw_means)
            .map(|(v, m)| (v * m).abs())
            .sum();
        let deviations = vector
            .iter()
            .zip(&self.scale)
            .map(|(v, s)| v.abs() * s)
            .sum::<f64>()
            / self.total.sqrt();
        if value.abs() > (CONSTANT_SHARE * size).max(CONSTANT_DEVIATIONS * deviations) {
            value
        } else {
            0.0
        }
    }

    /// Constant columns first, then the combination whose value stands out most from its terms.
    fn best_spanning(&self) -> Option<usize> {
        let share = |null: &Null| {
            let size: f64 = null
                .vector
                .iter()
                .zip(&self.raw_means)
                .map(|(v, m)| (v * m).abs())
                .sum();
            null.value.abs() / size
        };
        let candidates = self
            .nulls
            .iter()
            .enumerate()
            .filter(|(_, null)| null.value != 0.0);
        candidates
            .fold(None, |best: Option<(usize, f64)>, (i, null)| match best {
                Some((_, s)) if s >= share(null) => best,
                _ => Some((i, share(null))),
            })
            .map(|(i, _)| i)
    }

    /// Without a constant the weighted raw means stay in the design: `X'WX` of the raw columns is
    /// the centred matrix plus `total * mean mean'`, a positive term that the factor absorbs.
    fn restrict(&mut self, tick: Tick<'_>) -> Result<()> {
        self.restricted = true;
        let root = self.total.sqrt();
        let rank = self.cholesky.rank();
        let mut v: Vec<f64> = (0..rank)
            .map(|i| self.column(i))
            .map(|column| root * (self.raw_means[column] / self.scale[column]))
            .collect();
        self.cholesky.update(&mut v, tick)
    }

    /// The Newton step for a gradient with respect to the coefficients of `(1, z)`.
    pub fn step(&self, gradient: &[f64]) -> Result<Step> {
        let (g0, rest) = (gradient[0], &gradient[1..]);
        let centre = if self.restricted {
            &self.shifts
        } else {
            &self.means
        };
        let sign = if self.restricted { 1.0 } else { -1.0 };
        let rank = self.cholesky.rank();
        let mut b: Vec<f64> = (0..rank)
            .map(|i| self.column(i))
            .map(|column| (rest[column] + sign * centre[column] * g0) / self.scale[column])
            .collect();
        self.cholesky.forward(&mut b);
        let mut squared = dot(&b, &b);
        self.cholesky.backward(&mut b);
        let mut delta = zeroed(gradient.len())?;
        for (i, value) in b.iter().enumerate() {
            let column = self.column(i);
            delta[column + 1] = value / self.scale[column];
        }
        let tied: f64 = delta[1..].iter().zip(centre).map(|(v, c)| v * c).sum();
        delta[0] = sign * tied;
        if !self.restricted {
            delta[0] += g0 / self.total;
            squared += g0 * g0 / self.total;
        }
        let decrement = squared.sqrt();
        if !(decrement.is_finite() && delta.iter().all(|v| v.is_finite())) {
            return Err(Error::Breakdown { phase: "step" });
        }
        Ok(Step { delta, decrement })
    }

    /// `theta` in centred coordinates with zero weight on the dependent columns: the constant at the
    /// means, and the slopes.
    pub fn centred(&self, theta: &[f64]) -> (f64, Vec<f64>) {
        let mut slopes = theta[1..].to_vec();
        let at_means = theta[0] + dot(&self.means, &slopes);
        let constants = self.nulls.len() + self.cholesky.rank() - self.columns.len();
        for (i, null) in self.nulls.iter().enumerate() {
            // Null vectors come in the order of construction: constant columns, dependent ones.
            let own = if i < constants {
                null.vector.iter().position(|v| *v != 0.0)
            } else {
                Some(self.column(self.cholesky.rank() + i - constants))
            };
            if let Some(own) = own {
                let excess = slopes[own];
                add_scaled(&mut slopes, -excess, &null.vector);
            }
        }
        (at_means, slopes)
    }
}
