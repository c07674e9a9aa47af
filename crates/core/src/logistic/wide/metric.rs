//! Coordinates in which the curvature's diagonal says most of it.

use super::passes::Sums;
use crate::linalg::dot;

/// A column whose centred sum of squares is less than this share of the raw one lies too far from its
/// origin: its cells would lose digits.
const FAR: f64 = 1e-2;
/// A penalty below this share of a column's curvature could drown in rounding.
const FAINT: f64 = 1e-10;

/// What is known of the columns before the first step.
pub(super) struct Columns<'a> {
    /// Raw value = cell + shift.
    pub shifts: &'a [f64],
    /// The raw value of each column that has only one.
    pub constants: &'a [Option<f64>],
    /// Whether there is a constant of its own.
    pub intercept: bool,
}

/// Slopes as they are, and the constant where the columns are `centre`: their weighted means or,
/// without an intercept, the raw origin. The preconditioner is the inverse of the diagonal there.
pub(super) struct Metric {
    /// Sum of the weights; `None` without an intercept.
    total: Option<f64>,
    centre: Vec<f64>,
    /// 0 where the slope does not move.
    inverse: Vec<f64>,
}

impl Metric {
    /// Takes the moments of a pass. `None` where they do not suffice: a column far from its origin,
    /// next to no penalty, values beyond the range of squares.
    pub fn new(columns: &Columns<'_>, moments: &Sums, lambda: f64) -> Option<Self> {
        let (total, sums) = moments.first.split_first()?;
        let squares = &moments.squares[1..];
        let tiny = total * (1024.0 * f64::MIN_POSITIVE);
        let mut centre = Vec::with_capacity(sums.len());
        let mut inverse = Vec::with_capacity(sums.len());
        for (j, (sum, square)) in sums.iter().zip(squares).enumerate() {
            let shift = columns.shifts[j];
            let mean = sum / total;
            let spread = (square - sum * mean).max(0.0);
            let constant = columns.constants[j].is_some();
            let usable = spread >= FAR * square && *square > tiny;
            if !(constant || usable) {
                return None;
            }
            let own = match columns.intercept {
                true => spread,
                false => square + shift * (2.0 * sum + shift * total),
            };
            if !(own.is_finite() && own * FAINT < lambda) {
                return None;
            }
            let idle = constant && columns.intercept;
            inverse.push(if idle {
                0.0
            } else {
                1.0 / (own.max(0.0) + lambda)
            });
            centre.push(if columns.intercept { mean } else { -shift });
        }
        Some(Self {
            total: columns.intercept.then_some(*total),
            centre,
            inverse,
        })
    }

    /// A gradient by the coefficients of `(1, z)`, by these coordinates.
    pub fn pull(&self, gradient: &[f64]) -> Vec<f64> {
        let mut pulled = gradient.to_vec();
        for (cell, centre) in pulled[1..].iter_mut().zip(&self.centre) {
            *cell -= centre * gradient[0];
        }
        if self.total.is_none() {
            pulled[0] = 0.0;
        }
        pulled
    }

    /// A vector of these coordinates, as coefficients of `(1, z)`.
    pub fn push(&self, vector: &[f64]) -> Vec<f64> {
        let mut pushed = vector.to_vec();
        pushed[0] -= dot(&self.centre, &vector[1..]);
        pushed
    }

    /// The preconditioner times a gradient.
    pub fn precondition(&self, gradient: &[f64]) -> Vec<f64> {
        let constant = self.total.map_or(0.0, |total| gradient[0] / total);
        let slopes = gradient[1..].iter().zip(&self.inverse);
        std::iter::once(constant)
            .chain(slopes.map(|(g, inverse)| g * inverse))
            .collect()
    }

    /// Without an intercept, makes the constant exactly what the shifts make of the slopes.
    pub fn tie(&self, theta: &mut [f64]) {
        if self.total.is_none() {
            theta[0] = -dot(&self.centre, &theta[1..]);
        }
    }
}
