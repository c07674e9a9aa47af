//! The new version judged on the rows that were held out, by the scorer that every prediction uses.

use super::learn::{Data, Fitted};
use crate::pg::error::{Failure, Result};
use pglearn_core::Error;
use pglearn_core::evaluation::{Holdout, Metrics};
use pglearn_core::monitor::{Monitor, Progress, check};
use pglearn_core::pipeline::{Link, Scorer};
use pglearn_core::tiles::TILE_ROWS;
use pglearn_core::value::Value;

/// Rows between two looks at interrupts.
const BLOCK: usize = 1024;

/// The probability from which on a row counts as positive.
const THRESHOLD: f64 = 0.5;

/// Scores of the hold-out, and what they come to.
pub struct Judged {
    /// Scores and labels.
    pub holdout: Holdout,
    /// By name.
    pub metrics: Metrics,
    /// Rows that the model refuses: a missing value that is not imputed, a category that it must know.
    pub refused: u64,
}

/// Scores the hold-out.
///
/// # Errors
/// 22003 for a prediction beyond the range of doubles, 57014 on a cancel, 53200.
pub fn judge(data: &Data, fitted: &Fitted, monitor: &mut dyn Monitor) -> Result<Judged> {
    let scorer = Scorer::new(&fitted.pipeline).map_err(|error| match error {
        // What was just learned is not damaged: a weight per unit is beyond the range of doubles.
        Error::Corrupt { .. } => plain(Error::Breakdown {
            phase: "coefficients",
        }),
        other => plain(other),
    })?;
    let mut holdout = Holdout::stored(data.classes());
    let mut refused = 0;
    let mut scoring = Scoring::new(&scorer);
    for (done, row) in data.holdout.iter().enumerate() {
        if done % BLOCK == 0 {
            let state = Progress {
                phase: "scoring the hold-out",
                done: done as u64,
                total: data.holdout.count() as u64,
                loss: f64::NAN,
            };
            check(monitor, state).map_err(plain)?;
        }
        match scoring.scores(data, &fitted.slots, row)? {
            Some(scores) => holdout.push(data.target[row], scores).map_err(plain)?,
            None => refused += 1,
        }
    }
    let metrics = holdout.metrics(THRESHOLD, monitor).map_err(plain)?;
    Ok(Judged {
        holdout,
        metrics,
        refused,
    })
}

struct Scoring<'a> {
    scorer: &'a Scorer,
    numbers: Vec<f64>,
    margins: Vec<f64>,
    probabilities: Vec<f64>,
    /// The tile at hand, where all slots are numbers, and its columns.
    tile: Option<usize>,
    columns: Vec<&'a [f64]>,
}

impl<'a> Scoring<'a> {
    fn new(scorer: &'a Scorer) -> Self {
        let width = match scorer.link() {
            Link::Logistic => 2,
            _ => scorer.outputs(),
        };
        Self {
            scorer,
            numbers: vec![0.0; scorer.slots()],
            margins: vec![0.0; scorer.outputs()],
            probabilities: vec![0.0; width],
            tile: None,
            columns: Vec::new(),
        }
    }

    /// What a hold-out keeps of a row: the prediction, the probability of the second of two classes, or
    /// that of each class. `None` where the model refuses the row.
    fn scores(&mut self, data: &'a Data, slots: &[usize], row: usize) -> Result<Option<&[f64]>> {
        match self.margins(data, slots, row) {
            Ok(true) => {}
            Ok(false) | Err(Error::Row { .. }) => return Ok(None),
            Err(error) => return Err(plain(error)),
        }
        Ok(Some(match self.scorer.link() {
            Link::Identity => &self.margins,
            Link::Logistic => {
                self.scorer
                    .probabilities(&self.margins, &mut self.probabilities);
                &self.probabilities[1..]
            }
            Link::Softmax => {
                self.scorer
                    .probabilities(&self.margins, &mut self.probabilities);
                &self.probabilities
            }
        }))
    }

    fn margins(
        &mut self,
        data: &'a Data,
        slots: &[usize],
        row: usize,
    ) -> pglearn_core::Result<bool> {
        if self.scorer.plain() {
            let (tile, at) = (row / TILE_ROWS, row % TILE_ROWS);
            if self.tile != Some(tile) {
                self.tile = Some(tile);
                self.columns.clear();
                let columns = slots.iter().map(|slot| data.frame.column(tile, *slot));
                self.columns.extend(columns);
            }
            for (number, column) in self.numbers.iter_mut().zip(&self.columns) {
                *number = column[at];
            }
            let margin = self.scorer.margin_of_numbers(&self.numbers)?;
            self.margins[0] = margin.unwrap_or_default();
            return Ok(margin.is_some());
        }
        let values: Vec<Value<'_>> = slots
            .iter()
            .map(|slot| data.frame.value(row, *slot))
            .collect();
        self.scorer.margins(&values, &mut self.margins)
    }
}

fn plain(error: Error) -> Failure {
    Failure::from_core(error, &|_| String::new())
}
