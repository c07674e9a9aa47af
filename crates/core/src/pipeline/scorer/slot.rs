//! One slot of a row: what its value adds to the margins.

use super::super::calendar::is_infinite;
use super::super::category::NumberText;
use super::super::encoder::{infinite, is_missing, unknown_category, wrong_kind};
use super::super::{Encoder, Encoding, Linear, TimePart, Unknown};
use super::category::{Categories, Numbers};
use crate::value::Value;
use crate::{Error, Result};

/// Above this ratio of center to scale the center is subtracted from each value instead of being
/// folded into the intercept, where the difference of two large numbers would cost its digits.
const FAR: f64 = 1e3;

#[derive(Debug)]
pub(super) struct Slot {
    name: Box<str>,
    kind: Kind,
    refuse_missing: bool,
    /// What a missing value adds to each margin besides its number; empty where nothing.
    missing: Box<[f64]>,
}

#[derive(Debug)]
enum Kind {
    /// Weighted by the scorer.
    Number { offset: f64, impute: f64 },
    /// Nothing is learned of it; it has its place among the numbers.
    IgnoredNumber,
    /// Nothing is learned of it.
    Ignored,
    /// Contributions category after category, one a margin; last those of the rare ones and of none.
    Category {
        texts: Categories,
        numbers: Numbers,
        contributions: Box<[f64]>,
        /// The row of a category that training did not see; `None` where it is refused.
        unknown: Option<usize>,
        /// The row of a missing value; `None` where it counts as a category that training did not see.
        missing: Option<usize>,
    },
    /// Weights part after part, one a margin.
    Time {
        parts: Box<[(TimePart, f64)]>,
        weights: Box<[f64]>,
    },
}

impl Slot {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn is_number(&self) -> bool {
        matches!(self.kind, Kind::Number { .. } | Kind::IgnoredNumber)
    }

    /// Places a number, or adds to the margins; `false` where the value is missing and refused.
    #[inline]
    pub fn add(
        &self,
        value: Value<'_>,
        places: &mut std::slice::IterMut<'_, f64>,
        margins: &mut [f64],
    ) -> Result<bool> {
        if is_missing(value) {
            return self.add_missing(places, margins);
        }
        match &self.kind {
            Kind::Number { offset, .. } => match value {
                Value::Number(number) if number.is_finite() => {
                    place(places, number - offset);
                }
                Value::Number(_) => return Err(infinite(&self.name)),
                _ => return Err(wrong_kind(&self.name, value, "a number")),
            },
            Kind::IgnoredNumber => place(places, 0.0),
            Kind::Ignored => {}
            Kind::Category {
                texts,
                numbers,
                contributions,
                unknown,
                ..
            } => {
                let row = category(&self.name, value, texts, numbers, *unknown)?;
                add(&contributions[row * margins.len()..], margins);
            }
            Kind::Time { parts, weights } => match value {
                Value::Time(time) if !is_infinite(time) => add_time(time, parts, weights, margins),
                Value::Time(_) => return Err(infinite(&self.name)),
                _ => return Err(wrong_kind(&self.name, value, "a time")),
            },
        }
        Ok(true)
    }

    #[cold]
    fn add_missing(
        &self,
        places: &mut std::slice::IterMut<'_, f64>,
        margins: &mut [f64],
    ) -> Result<bool> {
        match &self.kind {
            _ if self.refuse_missing => return Ok(false),
            Kind::Number { impute, offset } => place(places, impute - offset),
            Kind::IgnoredNumber => place(places, 0.0),
            Kind::Category {
                missing: None,
                unknown: None,
                ..
            } => return Err(unknown_category(&self.name, "")),
            _ => {}
        }
        add(&self.missing, margins);
        Ok(true)
    }
}

#[inline]
fn place(places: &mut std::slice::IterMut<'_, f64>, number: f64) {
    if let Some(place) = places.next() {
        *place = number;
    }
}

/// Adds to each margin; nothing where there are fewer contributions.
#[inline]
fn add(contributions: &[f64], margins: &mut [f64]) {
    for (margin, contribution) in margins.iter_mut().zip(contributions) {
        *margin += contribution;
    }
}

/// `parts` are each the part and what is subtracted from it; `weights` part after part.
fn add_time(time: i64, parts: &[(TimePart, f64)], weights: &[f64], margins: &mut [f64]) {
    for ((part, center), weights) in parts.iter().zip(weights.chunks_exact(margins.len().max(1))) {
        let deviation = part.of(time) - center;
        for (margin, weight) in margins.iter_mut().zip(weights) {
            *margin += weight * deviation;
        }
    }
}

/// Folds encoders, slot after slot, into their coefficients.
pub(super) struct Fold<'a> {
    linear: &'a Linear,
    features: usize,
    /// Features of the slots before.
    done: usize,
    folded: Folded,
}

/// The number slots of all encoders.
pub(super) struct Folded {
    pub intercepts: Vec<f64>,
    /// Margin after margin at the end; slot after slot before.
    pub weights: Vec<f64>,
    pub numbers: usize,
    pub direct: bool,
}

impl<'a> Fold<'a> {
    /// `linear` has one coefficient a margin and feature.
    pub fn new(linear: &'a Linear, features: usize) -> Self {
        let folded = Folded {
            intercepts: linear.intercepts.clone(),
            weights: Vec::new(),
            numbers: 0,
            direct: true,
        };
        Self {
            linear,
            features,
            done: 0,
            folded,
        }
    }

    fn outputs(&self) -> usize {
        self.linear.intercepts.len()
    }

    /// The coefficients of a column of the slot at hand, one a margin.
    fn coefficients(&self, column: usize) -> impl Iterator<Item = f64> + use<'a> {
        let (linear, at) = (self.linear, self.done + column);
        let margins = linear.coefficients.chunks_exact(self.features.max(1));
        margins.map(move |margin| margin[at])
    }

    /// `number`: whether the values of the slot are numbers.
    pub fn slot(&mut self, encoder: &Encoder, number: bool) -> Slot {
        let kind = match &encoder.encoding {
            Encoding::Number {
                center,
                scale,
                impute,
            } => self.number(*center, *scale, *impute),
            Encoding::OneHot { categories, .. } => self.categories(encoder, categories),
            Encoding::Time { parts, .. } => {
                let columns = (0..).zip(parts);
                let weights = columns.flat_map(|(column, part)| {
                    self.coefficients(column).map(move |w| w / part.scale)
                });
                Kind::Time {
                    weights: weights.collect(),
                    parts: parts.iter().map(|part| (part.part, part.center)).collect(),
                }
            }
            Encoding::Ignored if number => {
                self.folded.numbers += 1;
                let outputs = self.outputs();
                self.folded.weights.extend((0..outputs).map(|_| 0.0));
                Kind::IgnoredNumber
            }
            Encoding::Ignored => Kind::Ignored,
        };
        let mut missing = vec![0.0; self.outputs()];
        match (&kind, &encoder.encoding) {
            (
                Kind::Category {
                    contributions,
                    unknown,
                    missing: row,
                    ..
                },
                _,
            ) => {
                if let Some(row) = row.or(*unknown) {
                    add(&contributions[row * self.outputs()..], &mut missing);
                }
            }
            (Kind::Time { parts, weights }, Encoding::Time { impute, .. }) => {
                add_time(*impute, parts, weights, &mut missing);
            }
            _ => {}
        }
        let width = encoder.width();
        if encoder.indicator {
            let indicator = self.coefficients(width - 1);
            missing
                .iter_mut()
                .zip(indicator)
                .for_each(|(sum, w)| *sum += w);
        }
        self.done += width;
        Slot {
            name: encoder.slot.as_str().into(),
            kind,
            refuse_missing: encoder.refuse_missing,
            missing: missing.into(),
        }
    }

    fn number(&mut self, center: f64, scale: f64, impute: f64) -> Kind {
        let far = (center / scale).abs() > FAR;
        let coefficients = self.coefficients(0);
        for (intercept, coefficient) in self.folded.intercepts.iter_mut().zip(coefficients) {
            let weight = coefficient / scale;
            self.folded.weights.push(weight);
            if !far {
                *intercept -= weight * center;
            }
        }
        self.folded.numbers += 1;
        self.folded.direct &= !far;
        Kind::Number {
            offset: if far { center } else { 0.0 },
            impute,
        }
    }

    fn categories(&self, encoder: &Encoder, categories: &[String]) -> Kind {
        let Encoding::OneHot {
            rare,
            unknown,
            impute,
            ..
        } = encoder.encoding
        else {
            return Kind::Ignored;
        };
        let mut contributions = Vec::new();
        let mut row = |column: Option<usize>| match column {
            Some(column) => contributions.extend(self.coefficients(column)),
            None => contributions.resize(contributions.len() + self.outputs(), 0.0),
        };
        for category in 0..categories.len() {
            row(encoder.column(category));
        }
        // Two more rows: of the rare ones, and of none.
        let bucket = rare.then(|| encoder.column(categories.len())).flatten();
        row(bucket);
        row(None);
        let unknown = match unknown {
            Unknown::Rare => Some(categories.len()),
            Unknown::Ignore => Some(categories.len() + 1),
            Unknown::Refuse => None,
        };
        Kind::Category {
            texts: Categories::new(categories),
            numbers: Numbers::new(categories),
            contributions: contributions.into(),
            unknown,
            missing: Some(impute as usize).filter(|row| *row < categories.len()),
        }
    }

    /// # Errors
    /// [`Error::Corrupt`] where a weight has left the range of doubles.
    pub fn finish(mut self) -> Result<Folded> {
        let (outputs, numbers) = (self.outputs(), self.folded.numbers);
        let mut weights = Vec::new();
        for margin in 0..outputs {
            weights.extend((0..numbers).map(|slot| self.folded.weights[slot * outputs + margin]));
        }
        self.folded.weights = weights;
        for intercept in &mut self.folded.intercepts {
            // No -0: a margin must not depend on whether a 0 is added to it.
            *intercept += 0.0;
        }
        let all = self.folded.weights.iter().chain(&self.folded.intercepts);
        if all.clone().all(|number| number.is_finite()) {
            Ok(self.folded)
        } else {
            Err(Error::Corrupt {
                what: "a scale too small for its coefficient",
            })
        }
    }
}

/// The number of a category's row of contributions.
fn category(
    name: &str,
    value: Value<'_>,
    texts: &Categories,
    numbers: &Numbers,
    unknown: Option<usize>,
) -> Result<usize> {
    let found = match value {
        Value::Text(text) => texts.find(text),
        Value::Number(number) if number.is_finite() => numbers.find(number),
        Value::Number(_) => return Err(infinite(name)),
        _ => return Err(wrong_kind(name, value, "a category")),
    };
    found.or(unknown).ok_or_else(|| match value {
        Value::Text(text) => unknown_category(name, text),
        Value::Number(number) => unknown_category(name, NumberText::new(number).as_str()),
        _ => infinite(name),
    })
}
