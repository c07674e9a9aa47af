//! Columns that alone tell the target of every training row.
//!
//! Such a column is as a rule a consequence of what is to be predicted (a refund, an end date) and not
//! known in time. It is named, not left out: only the user knows. Looked for:
//!
//! - classes: numbers and times whose ranges do not overlap between the classes; values each of which
//!   occurs with a single class; a column that is NULL exactly where the class is one of the two;
//! - regression: a number whose correlation with the target is 1 or -1 to within 1e-9; values each of
//!   which occurs with a single value of the target, two rows a value on average.
//!
//! Missing values may be fewer than a tenth, or all of one class. Nothing is said of fewer than 20 rows,
//! nor where chance cannot be ruled out (see [`is_excluded`]).

use std::collections::HashMap;

use super::chance::is_excluded;
use super::number::Sum;
use super::scan::{Part, Training};
use crate::Result;
use crate::frame::Category;
use crate::pipeline::InputKind;

/// Distance from a correlation of 1 that rounding explains.
const ROUNDING: f64 = 1e-9;
/// On a sample, a correlation below this rules a perfect one out.
const HOPELESS: f64 = 0.999;
/// Distinct numbers that may be codes.
const MOST_CODES: usize = 1000;
/// Distinct values of a target that are counted.
const MOST_TARGETS: usize = 4096;
/// Share of missing values that may be of any class.
const FEW_MISSING: f64 = 0.1;

/// The target of a training.
pub(super) struct Target<'a> {
    values: &'a [f64],
    /// 0 for a regression.
    classes: usize,
    /// A regression: training rows of each value, empty where there are many.
    counts: Vec<u64>,
}

impl<'a> Target<'a> {
    /// Of each row of the frame, a number or the number of one of `classes`.
    ///
    /// # Errors
    /// [`Error::Stopped`](crate::Error::Stopped).
    pub fn new(values: &'a [f64], classes: usize, training: &mut Training<'_>) -> Result<Self> {
        let mut counts: HashMap<u64, u64> = HashMap::new();
        for (number, row) in training.rows.iter().enumerate() {
            if classes > 0 || counts.len() > MOST_TARGETS {
                counts.clear();
                break;
            }
            if number % (1 << 16) == 0 {
                training.watch.tick()?;
            }
            *counts.entry((values[row] + 0.0).to_bits()).or_default() += 1;
        }
        Ok(Self {
            values,
            classes,
            counts: counts.into_values().collect(),
        })
    }

    /// How a column tells the target, in words; `None` where it does not tell the target.
    ///
    /// # Errors
    /// [`Error::Stopped`](crate::Error::Stopped).
    pub fn leak(&self, training: &mut Training<'_>, slot: usize) -> Result<Option<&'static str>> {
        if self.classes > 0 {
            self.tells_class(training, slot)
        } else {
            self.tells_number(training, slot)
        }
    }

    fn tells_class(
        &self,
        training: &mut Training<'_>,
        slot: usize,
    ) -> Result<Option<&'static str>> {
        let slots = training.frame.slots();
        let ln = |number: usize| (number as f64).ln();
        if training.frame.kind(slot) != InputKind::Text
            && let Some(counts) = self.disjoint(training, slot)?
        {
            let present = counts.iter().filter(|count| **count > 0).count();
            if present == 1 {
                return self.null_tells(training, slot, &counts);
            }
            let ln_orders = (2..=present).map(ln).sum::<f64>();
            if self.few_or_pure_missing(training, slot)? && is_excluded(&counts, ln_orders, slots) {
                return Ok(Some(
                    "the ranges of its values in the classes do not overlap",
                ));
            }
        }
        let Some(mapping) = self.mapping(training, slot)? else {
            return Ok(None);
        };
        let mut counts = vec![0; self.classes];
        training.scan(slot, |part| {
            part.with(self.values)
                .for_each(|(_, class)| counts[class as usize] += 1);
            Ok(true)
        })?;
        let present = counts.iter().filter(|count| **count > 0).count();
        if present == 1 {
            return self.null_tells(training, slot, &counts);
        }
        let ln_ways = mapping.values as f64 * ln(present);
        let tells = mapping.rows >= 2 * mapping.values
            && self.few_or_pure_missing(training, slot)?
            && is_excluded(&counts, ln_ways, slots);
        Ok(tells.then_some("each of its values occurs with a single class"))
    }

    fn tells_number(
        &self,
        training: &mut Training<'_>,
        slot: usize,
    ) -> Result<Option<&'static str>> {
        let slots = training.frame.slots();
        let excluded =
            |ln_ways| self.counts.is_empty() || is_excluded(&self.counts, ln_ways, slots);
        let number = matches!(
            training.frame.kind(slot),
            InputKind::Number | InputKind::Boolean
        );
        if number && self.is_linear(training, slot)? && excluded(2_f64.ln()) {
            return Ok(Some("it is a linear function of it"));
        }
        let Some(mapping) = self.mapping(training, slot)? else {
            return Ok(None);
        };
        let rows = training.rows.count();
        let missing = rows - mapping.rows;
        let ln_ways = mapping.values as f64 * (self.counts.len().max(1) as f64).ln();
        let tells = mapping.values >= 2
            && mapping.rows >= 20.max(2 * mapping.values)
            && (missing as f64) < FEW_MISSING * rows as f64
            && excluded(ln_ways);
        Ok(tells.then_some("each of its values occurs with a single value of it"))
    }

    /// Rows of each class where the column is not missing, if the classes' ranges do not overlap.
    fn disjoint(&self, training: &mut Training<'_>, slot: usize) -> Result<Option<Vec<u64>>> {
        let mut ranges = vec![(f64::INFINITY, f64::NEG_INFINITY); self.classes];
        let mut counts = vec![0_u64; self.classes];
        let (mut tiles, mut apart) = (0_u64, true);
        training.scan(slot, |part| {
            for (cell, class) in part.with(self.values) {
                let class = class as usize;
                let (low, high) = &mut ranges[class];
                *low = low.min(cell);
                *high = high.max(cell);
                counts[class] += 1;
            }
            tiles += 1;
            apart = !tiles.is_power_of_two() || are_apart(&ranges);
            Ok(apart)
        })?;
        Ok((apart && are_apart(&ranges)).then_some(counts))
    }

    /// Whether the column is NULL exactly where the class is another one than `counts` has rows of.
    fn null_tells(
        &self,
        training: &mut Training<'_>,
        slot: usize,
        counts: &[u64],
    ) -> Result<Option<&'static str>> {
        let mut all = counts.to_vec();
        let mut overlap = false;
        training.scan_missing(slot, |row| {
            let class = self.values[row] as usize;
            all[class] += 1;
            overlap |= counts[class] > 0;
            !overlap
        })?;
        let two = all.iter().filter(|count| **count > 0).count() == 2;
        let tells = !overlap && two && is_excluded(&all, 2_f64.ln(), training.frame.slots());
        Ok(tells.then_some("it is null in every row of one class and in no other row"))
    }

    /// Whether missing values are few, or all of one class.
    fn few_or_pure_missing(&self, training: &mut Training<'_>, slot: usize) -> Result<bool> {
        let few = FEW_MISSING * training.rows.count() as f64;
        let (mut missing, mut pure, mut class) = (0, true, None);
        training.scan_missing(slot, |row| {
            missing += 1;
            pure &= *class.get_or_insert(self.values[row]) == self.values[row];
            pure || f64::from(missing) < few
        })?;
        Ok(pure || f64::from(missing) < few)
    }

    /// The column's values, if each goes with a single value of the target.
    fn mapping(&self, training: &mut Training<'_>, slot: usize) -> Result<Option<Mapping>> {
        let mut mapping = Mapping { values: 0, rows: 0 };
        let mut single = true;
        let texts = training.frame.dictionary(slot).map(|d| d.len());
        let mut by_code = vec![f64::NAN; texts.unwrap_or_default()];
        let mut by_number: HashMap<u64, f64> = HashMap::new();
        training.scan(slot, |part: Part<'_>| {
            for (cell, target) in part.with(self.values) {
                let known = match (texts, Category::of(cell)) {
                    (None, _) => by_number.entry(cell.to_bits()).or_insert(f64::NAN),
                    (_, Category::Code(code)) => &mut by_code[code],
                    (_, Category::Overflow(_)) => {
                        single = false;
                        break;
                    }
                };
                mapping.values += usize::from(known.is_nan());
                single &= known.is_nan() || *known == target;
                *known = target;
                if !single {
                    break;
                }
            }
            mapping.rows += part.cells.len();
            Ok(single && by_number.len() <= MOST_CODES)
        })?;
        Ok((single && by_number.len() <= MOST_CODES).then_some(mapping))
    }

    /// Whether the column's correlation with the target is perfect; on a sample first.
    fn is_linear(&self, training: &mut Training<'_>, slot: usize) -> Result<bool> {
        let frame = training.frame;
        let pairs = training.sample.iter().filter_map(|row| {
            let cell = frame.cell(*row, slot);
            (!cell.is_nan()).then(|| (cell, self.values[*row]))
        });
        let mut sample = Moments::new(pairs.clone());
        pairs.for_each(|(x, y)| sample.add(x, y));
        // A constant sample has no correlation: NaN.
        let promising = sample.correlation().abs() >= HOPELESS;
        if !promising {
            return Ok(false);
        }
        let mut all = sample.emptied();
        let missing = training.scan(slot, |part| {
            part.with(self.values).for_each(|(x, y)| all.add(x, y));
            Ok(true)
        })?;
        let rows = training.rows.count();
        Ok(rows - missing >= 20
            && (missing as f64) < FEW_MISSING * rows as f64
            && all.correlation().abs() >= 1.0 - ROUNDING)
    }
}

/// A column whose values each go with one value of the target.
struct Mapping {
    /// Distinct values.
    values: usize,
    /// Rows that have one.
    rows: usize,
}

fn are_apart(ranges: &[(f64, f64)]) -> bool {
    let mut present: Vec<_> = ranges.iter().filter(|(low, high)| low <= high).collect();
    present.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    present.windows(2).all(|pair| pair[0].1 < pair[1].0)
}

/// Sums for a correlation, around the means of a sample and in its units.
#[derive(Debug, Clone)]
struct Moments {
    centers: (f64, f64),
    units: (f64, f64),
    rows: f64,
    sums: [Sum; 5],
}

impl Moments {
    fn new(sample: impl Iterator<Item = (f64, f64)> + Clone) -> Self {
        let rows = sample.clone().count() as f64;
        let (mut x0, mut y0) = (0.0, 0.0);
        for (x, y) in sample.clone() {
            x0 += x / rows;
            y0 += y / rows;
        }
        let (mut dx, mut dy) = (0.0_f64, 0.0_f64);
        for (x, y) in sample {
            dx = dx.max((x - x0).abs());
            dy = dy.max((y - y0).abs());
        }
        Self {
            centers: (x0, y0),
            units: (dx, dy),
            rows: 0.0,
            sums: Default::default(),
        }
    }

    /// Around the same means, of no rows.
    fn emptied(&self) -> Self {
        Self {
            rows: 0.0,
            sums: Default::default(),
            ..*self
        }
    }

    fn add(&mut self, x: f64, y: f64) {
        let x = (x - self.centers.0) / self.units.0;
        let y = (y - self.centers.1) / self.units.1;
        self.rows += 1.0;
        for (sum, term) in self.sums.iter_mut().zip([x, y, x * x, y * y, x * y]) {
            sum.add(term);
        }
    }

    /// NaN where one of the two is constant or out of range.
    fn correlation(&self) -> f64 {
        let [x, y, xx, yy, xy] = self.sums.map(|sum| sum.total());
        let n = self.rows;
        (xy - x * y / n) / ((xx - x * x / n) * (yy - y * y / n)).sqrt()
    }
}
