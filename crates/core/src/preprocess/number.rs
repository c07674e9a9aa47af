//! Columns of numbers.

use super::decide::{Outcome, wants_indicator};
use super::distinct;
use super::identifier;
use super::options::{ColumnOptions, Fill, Impute};
use super::overview::Overview;
use super::scan::Training;
use crate::pipeline::{Encoding, InputKind};
use crate::{Error, Result};

/// What a first pass over a column of numbers tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Survey {
    /// Cells that are not missing.
    pub count: usize,
    /// Missing ones.
    pub missing: usize,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// Their mean.
    pub mean: f64,
    /// A power of two by which they can be multiplied so that squares neither overflow nor vanish.
    pub unit: f64,
}

/// Counts, extremes and mean of the training cells.
///
/// # Errors
/// [`Error::Row`] for an infinity; [`Error::Stopped`].
pub(super) fn survey(training: &mut Training<'_>, slot: usize) -> Result<Survey> {
    let (mut count, mut sum) = (0, Sum::default());
    let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
    let missing = training.scan(slot, |part| {
        count += part.cells.len();
        let (low, high, part_sum) = fold(part.cells);
        min = if low < min { low } else { min };
        max = if high > max { high } else { max };
        sum.add(part_sum);
        Ok(true)
    })?;
    if count > 0 && (min.is_infinite() || max.is_infinite()) {
        return Err(Error::Row {
            slot: format!("column \"{}\"", training.frame.name(slot)),
            problem: "contains an infinity".to_owned(),
        });
    }
    let unit = unit(min.abs().max(max.abs()));
    let mean = if unit == 1.0 {
        sum.total() / count as f64
    } else {
        scaled_mean(training, slot, unit, count)?
    };
    Ok(Survey {
        count,
        missing,
        min,
        max,
        // (no clamp: it panics where there is no value)
        mean: mean.max(min).min(max),
        unit,
    })
}

/// What becomes of a column of numbers that is not one-hot encoded.
pub(super) fn decide(
    training: &mut Training<'_>,
    slot: usize,
    options: &ColumnOptions,
    scale: bool,
    insists: bool,
) -> Result<Outcome> {
    let overview = Overview::of(training, slot)?;
    let survey = overview.survey;
    if survey.count == 0 {
        return Ok(Outcome::all_missing());
    }
    let kind = training.frame.kind(slot);
    if kind == InputKind::Number && !insists && identifier::is_sequence(training, slot, &survey)? {
        return Ok(Outcome::LeftOut(
            "looks like an identifier: whole numbers, all different, like those of a sequence"
                .to_owned(),
        ));
    }
    let indicator = wants_indicator(options, survey.missing, survey.count);
    let varies = survey.min < survey.max;
    if !varies && (survey.missing == 0 || !matches!(options.impute, Some(Impute::Constant(_)))) {
        return Ok(Outcome::constant(indicator, survey.missing));
    }
    let impute = imputed(training, slot, options, kind, &overview)?;
    if !varies && impute == survey.min {
        return Ok(Outcome::constant(indicator, survey.missing));
    }
    let standard = options.scale.unwrap_or(scale && kind == InputKind::Number);
    let (center, scale) = if standard {
        match standardised(training, slot, &overview, impute)? {
            Some(found) => found,
            None => {
                return Ok(Outcome::LeftOut(
                    "spans more than the range of a double: its mean cannot be subtracted"
                        .to_owned(),
                ));
            }
        }
    } else {
        (0.0, 1.0)
    };
    let encoding = Encoding::Number {
        center,
        scale,
        impute,
    };
    Ok(Outcome::Encoded(encoding, indicator))
}

/// What stands for a missing number.
fn imputed(
    training: &mut Training<'_>,
    slot: usize,
    options: &ColumnOptions,
    kind: InputKind,
    overview: &Overview,
) -> Result<f64> {
    let survey = &overview.survey;
    let boolean = kind == InputKind::Boolean;
    match &options.impute {
        Some(Impute::Constant(Fill::Number(number))) => Ok(*number),
        Some(Impute::Mean) => Ok(survey.mean),
        None | Some(Impute::MostFrequent) if boolean => Ok(f64::from(u8::from(survey.mean > 0.5))),
        Some(Impute::MostFrequent) => most_frequent(training, slot),
        _ => overview.median(training, slot),
    }
}

/// The smallest of the most frequent values.
pub(super) fn most_frequent(training: &mut Training<'_>, slot: usize) -> Result<f64> {
    let Some(counts) = distinct::counts(training, slot, distinct::MOST_VALUES)? else {
        return Err(Error::Option {
            path: format!("preprocess.{}.impute", training.frame.name(slot)),
            problem: "the column has too many different values for a most frequent one".to_owned(),
            hint: "Use \"median\".".to_owned(),
        });
    };
    let best = counts
        .into_iter()
        .min_by(|a, b| b.1.cmp(&a.1).then(a.0.total_cmp(&b.0)));
    Ok(best.map_or(0.0, |(value, _)| value))
}

/// Mean and population standard deviation with the missing values imputed; `None` where differences
/// leave the range of doubles.
///
/// Numerics: two passes; the imputed rows enter by the formula for two groups (Chan, Golub and LeVeque
/// 1983). A deviation below the smallest normal double counts as that, so that its inverse is finite.
fn standardised(
    training: &mut Training<'_>,
    slot: usize,
    overview: &Overview,
    impute: f64,
) -> Result<Option<(f64, f64)>> {
    let survey = &overview.survey;
    let (mean, unit) = (survey.mean, survey.unit);
    let low = if survey.missing > 0 {
        survey.min.min(impute)
    } else {
        survey.min
    };
    let high = if survey.missing > 0 {
        survey.max.max(impute)
    } else {
        survey.max
    };
    if !(high - low).is_finite() {
        return Ok(None);
    }
    let squares = match overview.variance() {
        Some(variance) => variance * survey.count as f64,
        None => squares(training, slot, survey)?,
    };
    let rows = (survey.count + survey.missing) as f64;
    let share = survey.missing as f64 / rows;
    let apart = (impute - mean) * unit;
    let variance = squares / rows + share * (1.0 - share) * apart * apart;
    let scale = (variance.sqrt() / unit).max(f64::MIN_POSITIVE);
    let center = mean + share * (impute - mean);
    Ok((scale.is_finite() && center.is_finite()).then_some((center, scale)))
}

/// Sum of the squared deviations from the mean, in the survey's unit.
pub(super) fn squares(training: &mut Training<'_>, slot: usize, survey: &Survey) -> Result<f64> {
    let (mean, unit) = (survey.mean, survey.unit);
    let mut squares = Sum::default();
    training.scan(slot, |part| {
        squares.add(sum_of(part.cells, |cell| {
            let off = (cell - mean) * unit;
            off * off
        }));
        Ok(true)
    })?;
    Ok(squares.total())
}

/// 1, or what brings numbers of a very large or very small magnitude near 1.
pub(super) fn unit(magnitude: f64) -> f64 {
    if magnitude == 0.0 || (1e-120..1e120).contains(&magnitude) {
        return 1.0;
    }
    (-magnitude.log2().floor()).clamp(-1000.0, 1000.0).exp2()
}

/// The mean where the plain sum might overflow, or its squares vanish.
fn scaled_mean(training: &mut Training<'_>, slot: usize, unit: f64, count: usize) -> Result<f64> {
    let mut sum = Sum::default();
    training.scan(slot, |part| {
        sum.add(sum_of(part.cells, |cell| cell * unit));
        Ok(true)
    })?;
    Ok(sum.total() / count as f64 / unit)
}

/// A sum with the rounding errors of its additions (Neumaier 1974).
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    pub fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        self.lost += if self.sum.abs() >= value.abs() {
            (self.sum - sum) + value
        } else {
            (value - sum) + self.sum
        };
        self.sum = sum;
    }

    pub fn total(&self) -> f64 {
        self.sum + self.lost
    }
}

const LANES: usize = 8;

/// The sum of a function of the cells, in lanes that the compiler turns into vectors.
pub(super) fn sum_of(cells: &[f64], function: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0.0; LANES];
    let (whole, rest) = cells.as_chunks::<LANES>();
    for chunk in whole {
        for (lane, cell) in lanes.iter_mut().zip(chunk) {
            *lane += function(*cell);
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|cell| function(*cell)).sum::<f64>()
}

/// Smallest, largest and sum.
fn fold(cells: &[f64]) -> (f64, f64, f64) {
    let mut low = [f64::INFINITY; LANES];
    let mut high = [f64::NEG_INFINITY; LANES];
    let (whole, rest) = cells.as_chunks::<LANES>();
    for chunk in whole {
        for (lane, cell) in chunk.iter().enumerate() {
            low[lane] = if *cell < low[lane] { *cell } else { low[lane] };
            high[lane] = if *cell > high[lane] {
                *cell
            } else {
                high[lane]
            };
        }
    }
    let least = low
        .iter()
        .chain(rest)
        .copied()
        .fold(f64::INFINITY, f64::min);
    let most = high
        .iter()
        .chain(rest)
        .copied()
        .fold(f64::NEG_INFINITY, f64::max);
    (least, most, sum_of(cells, |cell| cell))
}
