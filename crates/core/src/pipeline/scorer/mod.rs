//! A pipeline compiled for speed: the one scorer of every path.
//!
//! Encoding and coefficients are folded: a number slot has one weight `w / scale` (and its share of
//! the intercept, `-w center / scale`), a category its contribution to each margin. A margin is
//! `(intercept + weights · numbers) + (contributions in the order of the slots)`, whatever the form
//! in which the row came: the same row gives the same bits.

mod category;
mod slot;

use pglearn_kernels::{SHORT_DOT, dot, dot_bytes, dot_each};

use super::{InputKind, Link, Pipeline, Predictor};
use crate::value::Value;
use crate::{Error, Result};
use slot::{Fold, Slot};

/// Numbers of a row that are gathered without an allocation.
const GATHERED: usize = 64;

/// Scores rows; immutable, so any number of threads may share it.
///
/// Computes the margins of `pipeline.predictor` over `pipeline.encoders`, to rounding.
///
/// # Example
/// ```
/// # use pglearn_core::pipeline::*;
/// use pglearn_core::value::Value;
/// # let input = Input { name: "x".into(), sql_type: "integer".into(), kind: InputKind::Number, length: None };
/// # let encoding = Encoding::Number { center: 1.0, scale: 2.0, impute: 3.0 };
/// # let encoder = Encoder { slot: "x".into(), encoding, indicator: false, refuse_missing: false };
/// # let predictor = Predictor::Linear(Linear { link: Link::Identity, intercepts: vec![1.0], coefficients: vec![4.0], std_err: vec![] });
/// # let target = Target { name: "y".into(), sql_type: "integer".into(), kind: TargetKind::Number };
/// # let pipeline = Pipeline { algorithm: "ridge".into(), target, inputs: vec![input], encoders: vec![encoder], means: vec![0.0], predictor };
/// let scorer = Scorer::new(&pipeline)?; // 1 + 4 (x - 1) / 2
/// let mut margin = [0.0];
/// assert!(scorer.margins(&[Value::Number(2.0)], &mut margin)?);
/// assert_eq!(margin, [3.0]);
/// assert_eq!(scorer.margin_of_numbers(&[f64::NAN])?, Some(5.0));
/// # Ok::<(), pglearn_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Scorer {
    link: Link,
    slots: Box<[Slot]>,
    intercepts: Box<[f64]>,
    /// Margin after margin, one weight a number slot.
    weights: Box<[f64]>,
    /// Slots that are numbers.
    numbers: usize,
    /// Whether the numbers need no subtraction before they are multiplied.
    direct: bool,
}

impl Scorer {
    /// Compiles a pipeline.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where its parts do not fit together or a folded weight leaves the range of
    /// doubles; [`Error::OutOfMemory`].
    pub fn new(pipeline: &Pipeline) -> Result<Self> {
        let Predictor::Linear(linear) = &pipeline.predictor;
        let features: usize = pipeline.encoders.iter().map(|e| e.width()).sum();
        let outputs = linear.intercepts.len();
        if outputs.checked_mul(features) != Some(linear.coefficients.len())
            || outputs != linear.link.margins(pipeline.classes())
        {
            return Err(Error::Corrupt {
                what: "number of coefficients",
            });
        }
        let mut fold = Fold::new(linear, features);
        let mut slots = Vec::new();
        let inputs = pipeline.inputs.iter();
        let kinds = inputs.flat_map(|input| (0..input.slots()).map(|_| input.kind));
        for (encoder, kind) in pipeline.encoders.iter().zip(kinds) {
            let number = matches!(kind, InputKind::Number | InputKind::Boolean);
            slots.push(fold.slot(encoder, number));
        }
        if slots.len() != pipeline.encoders.len() {
            return Err(Error::Corrupt {
                what: "number of encoders",
            });
        }
        let folded = fold.finish()?;
        Ok(Self {
            link: linear.link,
            slots: slots.into(),
            intercepts: folded.intercepts.into(),
            weights: folded.weights.into(),
            numbers: folded.numbers,
            direct: folded.direct,
        })
    }

    /// Values of a row.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots.len()
    }

    /// Margins of a row.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.intercepts.len()
    }

    /// How margins become predictions.
    #[must_use]
    pub fn link(&self) -> Link {
        self.link
    }

    /// Whether every slot is a number and there is one margin, so that
    /// [`margin_of_numbers`](Self::margin_of_numbers) applies.
    #[must_use]
    pub fn plain(&self) -> bool {
        self.numbers == self.slots.len() && self.intercepts.len() == 1
    }

    /// The margins of a row, one value a slot; `false` where a value is missing and the model
    /// refuses that.
    ///
    /// # Errors
    /// [`Error::Row`] for an infinity, a refused category, a value of another kind, a prediction
    /// beyond the range of doubles; [`Error::Shape`].
    pub fn margins(&self, row: &[Value<'_>], out: &mut [f64]) -> Result<bool> {
        shape("values of a row", self.slots.len(), row.len())?;
        self.score(row.iter().copied(), out)
    }

    /// The margin of a row of numbers, NaN being a missing one; `None` where the model refuses that.
    ///
    /// # Errors
    /// As [`margins`](Self::margins); [`Error::Shape`] too where the scorer is not
    /// [`plain`](Self::plain).
    #[inline]
    pub fn margin_of_numbers(&self, x: &[f64]) -> Result<Option<f64>> {
        if x.len() == self.weights.len() && self.fast() {
            let margin = self.intercepts[0] + dot(&self.weights, x);
            // Finite only if every number is: NaN and infinities survive products and sums.
            if margin.is_finite() {
                return Ok(Some(margin));
            }
        }
        self.careful(x.len(), x.iter().copied())
    }

    /// [`margin_of_numbers`](Self::margin_of_numbers) of numbers that come one by one: a short row is
    /// scored without being written anywhere.
    ///
    /// # Errors
    /// As there.
    #[inline]
    pub fn margin_of_each(
        &self,
        x: impl ExactSizeIterator<Item = f64> + Clone,
    ) -> Result<Option<f64>> {
        if x.len() == self.weights.len() && x.len() <= SHORT_DOT && self.fast() {
            let margin = self.intercepts[0] + dot_each(&self.weights, x.clone());
            if margin.is_finite() {
                return Ok(Some(margin));
            }
        }
        let mut numbers = Vec::new();
        zeros(&mut numbers, x.len())?;
        numbers.iter_mut().zip(x).for_each(|(place, x)| *place = x);
        self.margin_of_numbers(&numbers)
    }

    /// [`margin_of_numbers`](Self::margin_of_numbers) of native-endian doubles at any alignment.
    ///
    /// # Errors
    /// As there.
    #[inline]
    pub fn margin_of_bytes(&self, x: &[u8]) -> Result<Option<f64>> {
        if x.len() == self.weights.len() * size_of::<f64>() && self.fast() {
            let margin = self.intercepts[0] + dot_bytes(&self.weights, x);
            if margin.is_finite() {
                return Ok(Some(margin));
            }
        }
        let (doubles, rest) = x.as_chunks::<{ size_of::<f64>() }>();
        if !rest.is_empty() {
            shape(
                "bytes of a row",
                self.slots.len() * size_of::<f64>(),
                x.len(),
            )?;
        }
        let numbers = doubles.iter().map(|bytes| f64::from_ne_bytes(*bytes));
        self.careful(doubles.len(), numbers)
    }

    /// See [`Link::probabilities`].
    #[inline]
    pub fn probabilities(&self, margins: &[f64], out: &mut [f64]) {
        self.link.probabilities(margins, out);
    }

    /// See [`Link::class`].
    #[inline]
    #[must_use]
    pub fn class(&self, margins: &[f64]) -> usize {
        self.link.class(margins)
    }

    #[inline]
    fn fast(&self) -> bool {
        self.direct && self.plain()
    }

    /// A plain row with something missing, infinite or amiss.
    #[cold]
    fn careful(&self, length: usize, x: impl Iterator<Item = f64>) -> Result<Option<f64>> {
        if !self.plain() {
            return Err(Error::Shape {
                what: "number slots of a model",
                expected: self.slots.len(),
                got: self.numbers,
            });
        }
        shape("values of a row", self.slots.len(), length)?;
        let mut margin = [0.0];
        let scored = self.score(x.map(Value::Number), &mut margin)?;
        Ok(scored.then_some(margin[0]))
    }

    fn score<'a>(&self, row: impl Iterator<Item = Value<'a>>, out: &mut [f64]) -> Result<bool> {
        shape("margins", self.intercepts.len(), out.len())?;
        let (mut few, mut many) = ([0.0; GATHERED], Vec::new());
        let numbers = if self.numbers <= GATHERED {
            &mut few[..self.numbers]
        } else {
            zeros(&mut many, self.numbers)?;
            &mut many[..]
        };
        out.fill(0.0);
        let mut places = numbers.iter_mut();
        for (slot, value) in self.slots.iter().zip(row) {
            if !slot.add(value, &mut places, out)? {
                return Ok(false);
            }
        }
        for (k, margin) in out.iter_mut().enumerate() {
            let weights = &self.weights[k * self.numbers..][..self.numbers];
            *margin += self.intercepts[k] + dot(weights, numbers);
            if !margin.is_finite() {
                return Err(self.beyond_range(weights, numbers));
            }
        }
        Ok(true)
    }

    /// Finite numbers whose weighted sum is not: named is the one that does most to it.
    #[cold]
    fn beyond_range(&self, weights: &[f64], numbers: &[f64]) -> Error {
        let size = |i: usize| (weights[i] * numbers[i]).abs();
        let largest = (0..self.numbers).max_by(|a, b| size(*a).total_cmp(&size(*b)));
        let mut names = self.slots.iter().filter(|slot| slot.is_number());
        let slot = names.nth(largest.unwrap_or(0)).map(Slot::name);
        match slot {
            Some(slot) => Error::Row {
                slot: format!("column \"{slot}\""),
                problem: "is so large that the prediction is beyond the range of double precision"
                    .to_owned(),
            },
            None => Error::Row {
                slot: "the prediction".to_owned(),
                problem: "is beyond the range of double precision".to_owned(),
            },
        }
    }
}

fn zeros(cells: &mut Vec<f64>, length: usize) -> Result<()> {
    cells
        .try_reserve_exact(length)
        .map_err(|_| Error::OutOfMemory {
            bytes: (length * size_of::<f64>()) as u64,
        })?;
    cells.resize(length, 0.0);
    Ok(())
}

#[inline]
fn shape(what: &'static str, expected: usize, got: usize) -> Result<()> {
    if expected == got {
        Ok(())
    } else {
        Err(Error::Shape {
            what,
            expected,
            got,
        })
    }
}
