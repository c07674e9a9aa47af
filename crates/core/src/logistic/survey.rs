//! What must be known of the rows before the first iteration.

use super::pass::{Problem, Seen};
use crate::parallel::Watch;
use crate::{Error, Result};

/// Labels and constant columns of the rows with a positive weight.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Survey {
    /// Rows of class 0 and 1.
    pub of_class: [u64; 2],
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
        let mut first: Option<Vec<f64>> = None;
        let mut candidates: Vec<usize> = (0..problem.features()).collect();
        let mut fault = None;
        problem.scan(&[], watch, |span, _| {
            let weight = |row: usize| span.weight.map_or(1.0, |w| w[row]);
            let cell = |row: usize, column: usize| span.x[column * span.stride + row];
            for (row, label) in span.y.iter().enumerate() {
                fault = check(*label, weight(row));
                if fault.is_some() {
                    return Seen::Enough;
                }
                if weight(row) > 0.0 {
                    of_class[usize::from(*label > 0.5)] += 1;
                    first.get_or_insert_with(|| {
                        candidates.iter().map(|column| cell(row, *column)).collect()
                    });
                }
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

fn check(label: f64, weight: f64) -> Option<Error> {
    if label != 0.0 && label != 1.0 {
        return Some(Error::NotBinary { value: label });
    }
    (!(weight >= 0.0 && weight.is_finite())).then(|| Error::InvalidParameter {
        name: "weight",
        value: weight.to_string(),
        expected: "a finite number, at least 0",
    })
}
