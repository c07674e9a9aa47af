//! Probabilities of the classes for the rows of a span.

use pglearn_kernels::{exp_in_place, log_1p_in_place};

use crate::Result;
use crate::tiles::{Span, TILE_STRIDE, zeroed};

/// Where the rows of a span are changed before the kernels see them.
pub(super) struct Stage {
    pub cells: Vec<f64>,
    /// Linear predictors, then probabilities, class after class.
    pub eta: Vec<f64>,
    /// Place of the row's class.
    pub own: Vec<f64>,
    highest: Vec<f64>,
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
    log_1p_in_place(logarithm);
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
