//! One pass over a column of numbers, instead of one for each thing that is to be known.
//!
//! A sample says near what to take deviations, so that the sum of their squares loses no digits, and
//! brackets the median (Floyd and Rivest 1975). Where the sample turns out to be no guide, or the numbers
//! are very large or small, the passes are made one after the other.

use pglearn_kernels::{Look, look};

use super::number::{Sum, Survey, survey, unit};
use super::quantile::{FEW_BRACKETED, bracket, median, median_within};
use super::scan::Training;
use crate::Result;
use crate::tiles::TILE_ROWS;

/// Fewest values of a sample that guides.
const FEWEST: usize = 64;
/// Squared distance of the sample's mean from the mean, in variances, beyond which digits are lost.
const FAR: f64 = 1e-2;

/// What one pass told.
pub(super) struct Overview {
    /// Counts, extremes, mean.
    pub survey: Survey,
    /// Mean of the squared deviations from the mean, where known.
    variance: Option<f64>,
    /// The median, where known.
    median: Option<f64>,
}

impl Overview {
    /// Looks at a column.
    ///
    /// # Errors
    /// As [`survey`].
    pub fn of(training: &mut Training<'_>, slot: usize) -> Result<Self> {
        match Self::at_once(training, slot)? {
            Some(overview) => Ok(overview),
            None => Ok(Self {
                survey: survey(training, slot)?,
                variance: None,
                median: None,
            }),
        }
    }

    /// One pass; `None` where that does not do.
    fn at_once(training: &mut Training<'_>, slot: usize) -> Result<Option<Self>> {
        let mut sample = training.sample_of(slot);
        let center = sample.iter().map(|cell| cell / sample.len() as f64).sum();
        if sample.len() < FEWEST || !f64::is_finite(center) {
            return Ok(None);
        }
        let bracket = bracket(&mut sample, training.rows.count());
        let mut within = Training::buffer(bracket.map_or(0, |_| FEW_BRACKETED))?;
        let (low, high) = bracket.unwrap_or((f64::INFINITY, f64::NEG_INFINITY));
        let guess = Look { center, low, high };
        let mut out = [0.0; TILE_ROWS];
        let (mut count, mut below, mut collected) = (0, 0, bracket.is_some());
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut sum, mut squares) = (Sum::default(), Sum::default());
        training.tiles(slot, |cells, bitmap| {
            let seen = look(cells, bitmap, guess, &mut out);
            count += seen.count;
            below += seen.below;
            min = min.min(seen.min);
            max = max.max(seen.max);
            sum.add(seen.sum);
            squares.add(seen.squares);
            collected &= within.len() + seen.within <= FEW_BRACKETED;
            if collected {
                within.extend_from_slice(&out[..seen.within]);
            }
        })?;
        let off = sum.total() / count as f64;
        let (mean, variance) = (center + off, squares.total() / count as f64 - off * off);
        let usual = unit(min.abs().max(max.abs())) == 1.0;
        if !(usual && mean.is_finite() && variance.is_finite()) {
            return Ok(None);
        }
        Ok(Some(Self {
            survey: Survey {
                count,
                missing: training.rows.count() - count,
                min,
                max,
                mean: mean.max(min).min(max),
                unit: 1.0,
            },
            variance: (off * off <= FAR * variance).then_some(variance),
            median: match collected {
                true => median_within(count, below, within),
                false => None,
            },
        }))
    }

    /// The median.
    ///
    /// # Errors
    /// As [`median`].
    pub fn median(&self, training: &mut Training<'_>, slot: usize) -> Result<f64> {
        match self.median {
            Some(median) => Ok(median),
            None => median(training, slot, self.survey.count),
        }
    }

    /// The mean of the squared deviations from the mean, where one pass told.
    pub fn variance(&self) -> Option<f64> {
        self.variance
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Frame, RowSet};
    use crate::monitor::Unattended;
    use crate::pipeline::InputKind;
    use crate::value::Value;

    /// One pass against one for each thing: columns that the sample knows well, and that it does not.
    #[test]
    fn one_pass_tells_what_several_tell() {
        const ROWS: usize = 150_001;
        let noise = |i: usize| ((i * 7919) as f64 * 0.618_033_988_749).fract() - 0.5;
        let columns: [&dyn Fn(usize) -> f64; 5] = [
            &|i| 1e6 + noise(i),
            &|i| {
                if i % 7 == 0 {
                    f64::NAN
                } else {
                    noise(i).powi(3)
                }
            },
            &|i| i as f64,
            &|i| f64::from(u8::from(i % 3 == 0)),
            &|i| if i % 37 == 5 { 1e9 } else { noise(i) },
        ];
        let slots = columns.iter().map(|_| ("x".to_owned(), InputKind::Number));
        let mut frame = Frame::new(&slots.collect::<Vec<_>>(), u64::MAX).unwrap();
        let mut rows = RowSet::new();
        for i in 0..ROWS {
            for (slot, column) in columns.iter().enumerate() {
                let cell = column(i);
                let value = if cell.is_nan() {
                    Value::Missing
                } else {
                    Value::Number(cell)
                };
                frame.set(slot, value).unwrap();
            }
            frame.commit_row().unwrap();
            rows.push(i % 5 != 2).unwrap();
        }
        let mut monitor = Unattended;
        let mut training = Training::new(&frame, &rows, &mut monitor);
        let mut known = 0;
        for slot in 0..columns.len() {
            let overview = Overview::of(&mut training, slot).unwrap();
            let want = survey(&mut training, slot).unwrap();
            let got = overview.survey;
            assert_eq!((got.count, got.missing), (want.count, want.missing));
            assert_eq!((got.min, got.max), (want.min, want.max));
            assert!(
                (got.mean - want.mean).abs() <= 1e-14 * (want.max - want.min),
                "{slot}"
            );
            let middle = median(&mut training, slot, want.count).unwrap();
            assert_eq!(overview.median(&mut training, slot).unwrap(), middle);
            known += usize::from(overview.median.is_some());
            if let Some(variance) = overview.variance() {
                let squares = crate::preprocess::number::squares(&mut training, slot, &want);
                let want = squares.unwrap() / want.count as f64;
                assert!(
                    (variance / want - 1.0).abs() < 1e-11,
                    "{slot}: {variance} {want}"
                );
            }
        }
        assert!(known >= 3, "{known}");
    }
}
