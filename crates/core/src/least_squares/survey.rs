//! What must be known of the rows before they are reduced.

use super::Rows;
use crate::parallel::Watch;
use crate::tiles::Span;
use crate::{Error, Result};

/// Weights, target and constant columns of the rows with a positive weight.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Survey {
    /// Rows with a positive weight.
    pub rows: u64,
    /// Sum of the weights, each times `unit`.
    pub weight: f64,
    /// A power of two that brings the largest weight to between 1 and 2.
    pub unit: f64,
    /// Weighted mean of the target, or near it: where its squares are taken about.
    pub centre: f64,
    /// The target of every row, where all are equal.
    pub constant_target: Option<f64>,
    /// The cell of each column that has the same in every row.
    pub constants: Vec<Option<f64>>,
}

impl Survey {
    /// Reads weights and target of all rows, and of the columns as much as it takes.
    ///
    /// # Errors
    /// [`Error::NoRows`] without a positive weight, [`Error::InvalidParameter`] for a negative one,
    /// [`Error::Shape`].
    pub fn take(rows: &Rows<'_>, watch: &mut Watch<'_>) -> Result<Self> {
        let expected = rows.features + 1 + usize::from(rows.weighted);
        if rows.tiles.columns() < expected {
            let got = rows.tiles.columns();
            return Err(Error::Shape {
                what: "columns of the tiles",
                expected,
                got,
            });
        }
        let weights = rows.weighted.then_some(rows.features + 1);
        let unit = crate::weights::unit(rows.tiles, weights, watch)?;
        let mut survey = Self {
            rows: 0,
            weight: 0.0,
            unit,
            centre: 0.0,
            constant_target: None,
            constants: vec![None; rows.features],
        };
        let mut constants = Constants::new(rows.features + 1);
        for span in rows.tiles.spans(0..rows.tiles.rows()) {
            watch.tick()?;
            let weights = rows.weighted.then(|| span.column(rows.features + 1));
            survey.count(span.column(rows.features), weights);
            constants.compare(span, weights);
        }
        for column in constants.candidates {
            let value = Some(constants.first[column]);
            match survey.constants.get_mut(column) {
                Some(constant) => *constant = value,
                None => survey.constant_target = value,
            }
        }
        if let Some(value) = survey.constant_target {
            survey.centre = value;
        }
        Ok(survey)
    }

    /// Adds rows to the counts and to the mean of the target.
    fn count(&mut self, targets: &[f64], weights: Option<&[f64]>) {
        let (mut rows, mut weight, mut sum) = (targets.len() as u64, targets.len() as f64, 0.0);
        match weights {
            None => sum = targets.iter().map(|y| y - self.centre).sum(),
            Some(weights) => {
                (rows, weight) = (0, 0.0);
                for (w, y) in weights.iter().zip(targets) {
                    rows += u64::from(*w > 0.0);
                    weight += w * self.unit;
                    sum += w * self.unit * (y - self.centre);
                }
            }
        }
        self.rows += rows;
        self.weight += weight;
        if self.weight > 0.0 {
            self.centre += sum / self.weight;
        }
    }
}

/// The columns that have had one value so far.
struct Constants {
    candidates: Vec<usize>,
    /// The first row with a positive weight.
    first: Vec<f64>,
}

impl Constants {
    fn new(columns: usize) -> Self {
        Self {
            candidates: (0..columns).collect(),
            first: Vec::new(),
        }
    }

    /// Drops the candidates that have another value in some row with a positive weight.
    fn compare(&mut self, span: Span<'_>, weights: Option<&[f64]>) {
        let used = |row: usize| weights.is_none_or(|w| w[row] > 0.0);
        let Some(row) = (0..span.rows).find(|row| used(*row)) else {
            return;
        };
        if self.first.is_empty() {
            let cells = self
                .candidates
                .iter()
                .map(|column| span.column(*column)[row]);
            self.first = cells.collect();
        }
        let first = &self.first;
        self.candidates.retain(|column| {
            let cells = span.column(*column);
            (row..span.rows).all(|row| cells[row] == first[*column] || !used(row))
        });
    }
}
