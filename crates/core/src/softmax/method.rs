//! Whether the whole curvature or quasi-Newton steps serve better.

use super::joint;
use super::{DENSE, SoftmaxParams};
use crate::logistic::stride;

/// Quasi-Newton steps that a fit takes: 15 to 60, more where classes are nearly separated.
const STEPS: f64 = 64.0;
/// Newton steps, without and with a warm start.
const NEWTON: [f64; 2] = [6.0, 3.0];
/// What takes as long as so many multiply-adds of a curvature: the probability of a class for a row,
/// reading a cell in a pass without curvature, reading a row for a pair of classes, a multiply-add of
/// the factorisation.
const PROBABILITY: f64 = 40.0;
const READING: f64 = 4.0;
const PAIR: f64 = 60.0;
const FACTORING: f64 = 4.0;

/// How the maximum is searched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Method {
    /// Newton's method with the whole curvature.
    Newton,
    /// Quasi-Newton steps, so many at the most; then, where there is room for a curvature, Newton's
    /// method after all.
    Steps { most: u32, curvature: bool },
}

impl Method {
    /// By the estimated cost. Steps are tried up to the price of Newton's method, so that a fit costs
    /// at the worst twice as much as with the better of the two.
    pub fn choose(rows: usize, classes: usize, p: usize, params: &SoftmaxParams) -> Self {
        let size = classes * p;
        if size > DENSE {
            return Self::Steps {
                most: u32::MAX,
                curvature: false,
            };
        }
        let (n, k, s) = (rows as f64, classes as f64, size as f64);
        let curvature = if p <= joint::MOST {
            n * s * s / 2.0
        } else {
            n * (s * s / 4.0 + PAIR * k * k / 2.0)
        };
        let warm = stride(rows, size, params.max_iter) > 1;
        let whole = NEWTON[usize::from(warm)] * (curvature + FACTORING * s * s * s / 3.0);
        let steps = whole / (n * k * (PROBABILITY + READING * p as f64));
        if steps < STEPS {
            return Self::Newton;
        }
        Self::Steps {
            most: steps.min(1e6) as u32,
            curvature: true,
        }
    }

    /// Whether passes need room for the whole curvature.
    pub fn curvature(self) -> bool {
        !matches!(
            self,
            Self::Steps {
                curvature: false,
                ..
            }
        )
    }
}
