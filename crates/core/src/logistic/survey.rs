//! What must be known of the rows before the first iteration.

use super::pass::{Problem, Seen};
use crate::parallel::Watch;
use crate::{Error, Result};

/// Labels and constant columns of the rows with a positive weight.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Survey {
    /// Rows of class 0 and 1.
    pub of_class: [u64; 2],
    /// Sum of the weights.
    pub weight: f64,
    /// The raw value of each column that has only one.
    pub constants: Vec<Option<f64>>,
}

impl Survey {
    /// Reads labels and weights of all rows, and of the columns as much as it takes.
    ///
    /// # Errors
    /// A label that is neither 0 nor 1, a negative weight, no row with a positive weight.
    pub fn take(problem: &mut Problem<'_>, watch: &mut Watch<'_>) -> Result<Self> {
        let shifts = problem.shifts().to_vec();
        let mut of_class = [0_u64; 2];
        let mut weight_of_all = 0.0;
        let mut first: Option<Vec<f64>> = None;
        let mut candidates: Vec<usize> = (0..problem.features()).collect();
        let mut fault = None;
        problem.scan(&[], watch, |span, _| {
            let weight = |row: usize| span.weight.map_or(1.0, |w| w[row]);
            let cell = |row: usize, column: usize| span.x[column * span.stride + row];
            fault = check(span.y, span.weight);
            if fault.is_some() {
                return Seen::Enough;
            }
            count(span.y, span.weight, &mut of_class);
            weight_of_all += span
                .weight
                .map_or(span.rows as f64, |w| w.iter().sum::<f64>());
            if first.is_none()
                && let Some(row) = (0..span.rows).find(|row| weight(*row) > 0.0)
            {
                first = Some(candidates.iter().map(|column| cell(row, *column)).collect());
            }
            if let Some(first) = &first {
                candidates.retain(|column| {
                    (0..span.rows).all(|r| cell(r, *column) == first[*column] || weight(r) == 0.0)
                });
            }
            Seen::More
        })?;
        if let Some(fault) = fault {
            return Err(fault);
        }
        let Some(first) = first else {
            return Err(Error::NoRows);
        };
        let mut constants = vec![None; shifts.len()];
        for column in candidates {
            constants[column] = Some(first[column] + shifts[column]);
        }
        Ok(Self {
            of_class,
            weight: weight_of_all,
            constants,
        })
    }

    /// The only label there is, if so.
    pub fn constant_label(&self) -> Option<bool> {
        match self.of_class {
            [0, _] => Some(true),
            [_, 0] => Some(false),
            _ => None,
        }
    }
}

/// The first label that is neither 0 nor 1, or weight that is negative.
fn check(labels: &[f64], weights: Option<&[f64]>) -> Option<Error> {
    // Without an early exit the compiler makes vectors of it.
    let strange = |label: &f64| (*label != 0.0) & (*label != 1.0);
    if labels.iter().fold(false, |any, label| any | strange(label)) {
        let value = labels.iter().copied().find(strange).unwrap_or(f64::NAN);
        return Some(Error::NotBinary { value });
    }
    let unusable = |weight: &&f64| !(0.0..=f64::MAX).contains(*weight);
    let weight = weights.unwrap_or_default().iter().find(unusable)?;
    let (name, value) = ("weight", weight.to_string());
    Some(Error::InvalidParameter {
        name,
        value,
        expected: "a finite number, at least 0",
    })
}

/// Adds the rows of each class that have a positive weight.
fn count(labels: &[f64], weights: Option<&[f64]>, of_class: &mut [u64; 2]) {
    let (used, ones) = match weights {
        None => (labels.len(), labels.iter().filter(|y| **y > 0.5).count()),
        Some(weights) => {
            let rows = || weights.iter().zip(labels).filter(|(w, _)| **w > 0.0);
            (rows().count(), rows().filter(|(_, y)| **y > 0.5).count())
        }
    };
    of_class[0] += (used - ones) as u64;
    of_class[1] += ones as u64;
}
