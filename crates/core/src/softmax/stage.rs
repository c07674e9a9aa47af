//! Probabilities of the classes for the rows of a span.

use std::f64::consts::LN_2;

use pglearn_kernels::{exp_in_place, log_1p_in_place};

use crate::Result;
use crate::tiles::{Span, TILE_STRIDE, zeroed};

/// Layout of a double.
const MANTISSA_BITS: u32 = f64::MANTISSA_DIGITS - 1;
const EXPONENT_BIAS: i32 = f64::MAX_EXP - 1;

/// Where the rows of a span are changed before the kernels see them.
pub(super) struct Stage {
    pub cells: Vec<f64>,
    /// Linear predictors, then probabilities, class after class.
    pub eta: Vec<f64>,
    /// Place of the row's class.
    pub own: Vec<f64>,
    highest: Vec<f64>,
    shift: Vec<f64>,
    /// Odds of the other classes than the row's, beside `total`, those of all.
    pub others: Vec<f64>,
    pub total: Vec<f64>,
    pub residual: Vec<f64>,
    pub weight: Vec<f64>,
}

impl Stage {
    /// Buffers for so many classes.
    pub fn new(classes: usize) -> Result<Self> {
        Ok(Self {
            cells: Vec::new(),
            eta: zeroed(classes * TILE_STRIDE)?,
            own: zeroed(TILE_STRIDE)?,
            highest: zeroed(TILE_STRIDE)?,
            shift: zeroed(TILE_STRIDE)?,
            others: zeroed(TILE_STRIDE)?,
            total: zeroed(TILE_STRIDE)?,
            residual: zeroed(TILE_STRIDE)?,
            weight: zeroed(TILE_STRIDE)?,
        })
    }

    /// The weights of the rows.
    pub fn weigh(&mut self, rows: usize, weights: Option<&[f64]>, unit: f64) {
        self.weight[..rows].fill(1.0);
        if let Some(weights) = weights {
            for (weight, w) in self.weight.iter_mut().zip(weights) {
                *weight = w * unit;
            }
        }
    }

    /// Copies the columns less their offsets, where there are any.
    pub fn take(&mut self, span: Span<'_>, offsets: &[f64]) {
        let columns = self.cells.chunks_exact_mut(TILE_STRIDE).zip(offsets);
        for (column, (cells, offset)) in columns.enumerate() {
            for (cell, value) in cells.iter_mut().zip(span.column(column)) {
                *cell = value - offset;
            }
        }
    }
}

/// Turns linear predictors into probabilities; the log-likelihood of the rows.
pub(super) fn probabilities(stage: &mut Stage, rows: usize) -> f64 {
    let Stage {
        eta,
        own,
        highest,
        others,
        total,
        weight,
        residual,
        shift,
        ..
    } = stage;
    highest[..rows].fill(f64::NEG_INFINITY);
    for column in eta.chunks_exact(TILE_STRIDE) {
        for (high, eta) in highest[..rows].iter_mut().zip(column) {
            *high = high.max(*eta);
        }
    }
    // How far the row's own class is below the highest, in `residual` for now.
    for (k, column) in eta.chunks_exact_mut(TILE_STRIDE).enumerate() {
        let column = &mut column[..rows];
        for (row, eta) in column.iter_mut().enumerate() {
            *eta -= highest[row];
            if own[row] == k as f64 {
                residual[row] = *eta;
            }
        }
        exp_in_place(column);
    }
    total[..rows].fill(0.0);
    others[..rows].fill(0.0);
    for (k, column) in eta.chunks_exact(TILE_STRIDE).enumerate() {
        for (row, share) in column[..rows].iter().enumerate() {
            total[row] += share;
            others[row] += if own[row] == k as f64 { 0.0 } else { *share };
        }
    }
    // log(total), without cancellation where the own class is the highest.
    let logarithm = &mut highest[..rows];
    for (row, cell) in logarithm.iter_mut().enumerate() {
        *cell = if residual[row] == 0.0 {
            others[row]
        } else {
            total[row] - 1.0
        };
    }
    log_1p(logarithm, &mut shift[..rows]);
    let mut log_likelihood = 0.0;
    for row in 0..rows {
        if weight[row] > 0.0 {
            log_likelihood += weight[row] * (residual[row] - logarithm[row]);
        }
    }
    for column in eta.chunks_exact_mut(TILE_STRIDE) {
        for (share, total) in column[..rows].iter_mut().zip(&*total) {
            *share /= total;
        }
    }
    log_likelihood
}

/// Replaces each number from 0 on by `log(1 + number)`. Beyond 1, where the kernel does not reach, the
/// powers of two in `1 + number` go to `shift`.
fn log_1p(numbers: &mut [f64], shift: &mut [f64]) {
    for (number, shift) in numbers.iter_mut().zip(&mut *shift) {
        *shift = 0.0;
        if *number > 1.0 {
            let bits = (1.0 + *number).to_bits();
            let exponent = (bits >> MANTISSA_BITS) as i32 - EXPONENT_BIAS;
            let mantissa = bits & ((1 << MANTISSA_BITS) - 1);
            *number = f64::from_bits(1.0_f64.to_bits() | mantissa) - 1.0;
            *shift = f64::from(exponent) * LN_2;
        }
    }
    log_1p_in_place(numbers);
    for (number, shift) in numbers.iter_mut().zip(shift) {
        *number += *shift;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_of_totals_of_any_size() {
        let mut numbers = [
            0.0,
            1e-300,
            1e-9,
            0.3,
            1.0,
            1.0 + f64::EPSILON,
            2.0,
            3.0,
            79.0,
            1e6,
            1.5e15,
        ];
        let expected = numbers.map(f64::ln_1p);
        log_1p(&mut numbers, &mut [0.0; 11]);
        for (got, expected) in numbers.iter().zip(expected) {
            assert!(
                (got - expected).abs() <= 3e-16 * expected,
                "{got} {expected}"
            );
        }
    }
}
