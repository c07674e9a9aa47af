//! What the values of a column are like: counts, moments and extremes of numbers, counts of categories,
//! the first and the last time. One pass, in little memory, mergeable.
//!
//! NULL, NaN and infinities are counted, each apart: `count` is the number of values that the other
//! figures are of, so that one infinite value does not turn the mean of a million into an infinity, and
//! is not silently passed over either.

mod categories;
mod moments;
mod time;

pub use categories::{Categories, Category};
pub use moments::Moments;
pub use time::{Clock, iso_date, iso_timestamp};

use crate::value::Value;

/// Values that are gathered before they are added up.
const CHUNK: usize = 256;

/// What a column is summarised as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Numbers: moments and extremes.
    Numbers,
    /// Texts: how often each occurs.
    Categories,
    /// Times: the first and the last.
    Times,
    /// Anything: only how many there are.
    Anything,
}

/// The summary of one column.
///
/// ```
/// use pglearn_core::summary::{Figures, Kind, Summary};
/// use pglearn_core::value::Value;
///
/// let mut summary = Summary::new(Kind::Numbers);
/// for number in [4.0, 7.0, 13.0, 16.0] {
///     summary.add(Value::Number(1e9 + number));
/// }
/// summary.add_null();
/// let Figures::Numbers(moments) = summary.figures() else { unreachable!() };
/// assert_eq!(moments.mean(), Some(1_000_000_010.0));
/// assert_eq!(moments.std(), Some(30.0_f64.sqrt()));
/// assert_eq!((summary.count(), summary.nulls()), (4, 1));
/// ```
#[derive(Debug, Clone)]
pub struct Summary {
    nulls: u64,
    values: Values,
}

#[derive(Debug, Clone)]
enum Values {
    Numbers(Moments, Vec<f64>),
    Categories(Categories),
    Times {
        count: u64,
        infinite: u64,
        range: Option<(i64, i64)>,
    },
    Anything(u64),
}

/// What there is to say of the values that are not NULL.
#[derive(Debug)]
pub enum Figures<'a> {
    /// Of numbers.
    Numbers(&'a Moments),
    /// Of categories.
    Categories(&'a Categories),
    /// The first and the last time, in microseconds since 2000, and how many were infinite.
    Times(Option<(i64, i64)>, u64),
    /// Nothing but their number.
    Anything,
}

impl Summary {
    /// Of no values, of a table with one column.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self::among(kind, 1)
    }

    /// Of no values, beside those of so many columns.
    #[must_use]
    pub fn among(kind: Kind, columns: usize) -> Self {
        let values = match kind {
            Kind::Numbers => Values::Numbers(Moments::default(), Vec::new()),
            Kind::Categories => Values::Categories(Categories::among(columns)),
            Kind::Times => Values::Times {
                count: 0,
                infinite: 0,
                range: None,
            },
            Kind::Anything => Values::Anything(0),
        };
        Self { nulls: 0, values }
    }

    /// Adds a NULL.
    #[inline]
    pub fn add_null(&mut self) {
        self.nulls += 1;
    }

    /// Adds a value that is not NULL; one of another kind than the summary's is counted only. A time that
    /// is [`Missing`](Value::Missing) though it is not NULL is an infinite one.
    #[inline]
    pub fn add(&mut self, value: Value<'_>) {
        match (&mut self.values, value) {
            (Values::Numbers(moments, pending), Value::Number(number)) => {
                pending.push(number);
                if pending.len() == CHUNK {
                    moments.add(pending);
                    pending.clear();
                }
            }
            (Values::Categories(categories), Value::Text(text)) => categories.add(text),
            (Values::Times { count, range, .. }, Value::Time(time)) => {
                let (first, last) = range.unwrap_or((time, time));
                *range = Some((first.min(time), last.max(time)));
                *count += 1;
            }
            (Values::Times { infinite, .. }, _) => *infinite += 1,
            (Values::Anything(count), _) => *count += 1,
            (Values::Numbers(moments, _), _) => moments.add(&[f64::NAN]),
            (Values::Categories(categories), _) => categories.add_other(),
        }
    }

    /// Adds what another summary of the same kind was made of.
    pub fn merge(&mut self, mut other: Self) {
        other.settle();
        self.settle();
        self.nulls += other.nulls;
        match (&mut self.values, other.values) {
            (Values::Numbers(own, _), Values::Numbers(others, _)) => own.merge(&others),
            (Values::Categories(own), Values::Categories(others)) => own.merge(&others),
            (
                Values::Times {
                    count,
                    infinite,
                    range,
                },
                Values::Times {
                    count: others,
                    infinite: more,
                    range: further,
                },
            ) => {
                *count += others;
                *infinite += more;
                *range = match (*range, further) {
                    (Some(own), Some(other)) => Some((own.0.min(other.0), own.1.max(other.1))),
                    (own, other) => own.or(other),
                };
            }
            (Values::Anything(own), Values::Anything(others)) => *own += others,
            // Kinds are chosen by the column's type, which both have.
            _ => {}
        }
    }

    fn settle(&mut self) {
        if let Values::Numbers(moments, pending) = &mut self.values {
            moments.add(pending);
            pending.clear();
        }
    }

    /// Values that the figures are of.
    pub fn count(&mut self) -> u64 {
        self.settle();
        match &self.values {
            Values::Numbers(moments, _) => moments.count(),
            Values::Categories(categories) => categories.count(),
            Values::Times { count, .. } | Values::Anything(count) => *count,
        }
    }

    /// NULLs.
    #[must_use]
    pub fn nulls(&self) -> u64 {
        self.nulls
    }

    /// What there is to say of the values.
    pub fn figures(&mut self) -> Figures<'_> {
        self.settle();
        match &self.values {
            Values::Numbers(moments, _) => Figures::Numbers(moments),
            Values::Categories(categories) => Figures::Categories(categories),
            Values::Times {
                range, infinite, ..
            } => Figures::Times(*range, *infinite),
            Values::Anything(_) => Figures::Anything,
        }
    }
}

#[cfg(test)]
mod tests;
