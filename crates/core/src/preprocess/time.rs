//! Columns of times: their parts.

use super::decide::{Outcome, wants_indicator};
use super::number::{most_frequent, survey};
use super::options::{ColumnOptions, Impute};
use super::quantile::median;
use super::scan::Training;
use crate::Result;
use crate::pipeline::{Encoding, InputKind, TimeColumn, TimePart};

const PARTS: [TimePart; 5] = [
    TimePart::Year,
    TimePart::Month,
    TimePart::Day,
    TimePart::DayOfWeek,
    TimePart::Hour,
];

/// What becomes of a column of times.
pub(super) fn decide(
    training: &mut Training<'_>,
    slot: usize,
    options: &ColumnOptions,
    scale: bool,
) -> Result<Outcome> {
    let survey = survey(training, slot)?;
    if survey.count == 0 {
        return Ok(Outcome::all_missing());
    }
    let impute = match options.impute {
        Some(Impute::Mean) => survey.mean,
        Some(Impute::MostFrequent) => most_frequent(training, slot)?,
        _ => median(training, slot, survey.count)?,
    };
    // Towards the past: no rounding into another hour.
    let impute = impute.floor() as i64;
    let hours = training.frame.kind(slot) == InputKind::Timestamp;
    let candidates = if hours { &PARTS[..] } else { &PARTS[..4] };
    let mut tallies: Vec<Tally> = Vec::new();
    training.scan(slot, |part| {
        for (number, kind) in candidates.iter().enumerate() {
            let parts = part.cells.iter().map(|cell| kind.of(*cell as i64) as i64);
            if tallies.len() == number {
                let first = part
                    .cells
                    .first()
                    .map_or(0, |cell| kind.of(*cell as i64) as i64);
                tallies.push(Tally::around(first));
            }
            parts.for_each(|value| tallies[number].add(value, 1));
        }
        Ok(true)
    })?;
    let standard = options.scale.unwrap_or(scale);
    let mut parts = Vec::new();
    for (kind, tally) in candidates.iter().zip(&mut tallies) {
        tally.add(kind.of(impute) as i64, survey.missing as i64);
        if tally.min < tally.max {
            let (center, scale) = if standard {
                tally.moments()
            } else {
                (0.0, 1.0)
            };
            parts.push(TimeColumn {
                part: *kind,
                center,
                scale,
            });
        }
    }
    let indicator = wants_indicator(options, survey.missing, survey.count);
    Ok(if parts.is_empty() {
        Outcome::constant(indicator, survey.missing)
    } else {
        Outcome::Encoded(Encoding::Time { parts, impute }, indicator)
    })
}

/// Sums of whole numbers around one of them: exact.
#[derive(Debug)]
struct Tally {
    around: i64,
    rows: i64,
    min: i64,
    max: i64,
    sum: i64,
    squares: i128,
}

impl Tally {
    fn around(value: i64) -> Self {
        Self {
            around: value,
            rows: 0,
            min: value,
            max: value,
            sum: 0,
            squares: 0,
        }
    }

    fn add(&mut self, value: i64, times: i64) {
        if times == 0 {
            return;
        }
        let off = value - self.around;
        self.rows += times;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.sum += off * times;
        self.squares += i128::from(off * off) * i128::from(times);
    }

    /// Mean and population standard deviation.
    fn moments(&self) -> (f64, f64) {
        let rows = self.rows as f64;
        let mean = self.around as f64 + self.sum as f64 / rows;
        let sum = i128::from(self.sum);
        let squares = self.squares * i128::from(self.rows) - sum * sum;
        (mean, (squares as f64).sqrt() / rows)
    }
}
