//! How the value of a slot becomes numbers: decided in training, stored with the model.

use super::calendar::is_infinite;
use super::category::NumberText;
use crate::value::Value;
use crate::{Error, Result};

/// The encoding of one slot.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoder {
    /// What the slot is called: the column, or `column[i]`.
    pub slot: String,
    /// How a value becomes columns of the design.
    pub encoding: Encoding,
    /// Whether one more column, `<slot> is null`, is 1 where the value is missing.
    pub indicator: bool,
    /// Whether a missing value makes the prediction NULL instead of being imputed (and a training row
    /// with one is skipped).
    pub refuse_missing: bool,
}

/// How a value becomes columns of the design.
#[derive(Debug, Clone, PartialEq)]
pub enum Encoding {
    /// One column: `(value - center) / scale`; 0 and 1 where the column is not scaled.
    Number {
        /// Subtracted.
        center: f64,
        /// Divided by; positive.
        scale: f64,
        /// Stands for a missing value, in the units of the column.
        impute: f64,
    },
    /// One column a category, but for the reference; then one for the bucket of the rare ones.
    OneHot {
        /// The categories by falling frequency, ties by their bytes; numbers as Rust's `{}` writes
        /// them (-0 as 0).
        categories: Vec<String>,
        /// The category without a column.
        reference: Option<u32>,
        /// Whether a column `<slot>=(rare)` collects what was too rare for one of its own.
        rare: bool,
        /// What a category means that training did not see.
        unknown: Unknown,
        /// The category that stands for a missing value; as many as there are categories: none of them, so
        /// that it is treated like a category that training did not see.
        impute: u32,
    },
    /// One column a part, in UTC, each `(part - center) / scale`.
    Time {
        /// The parts that vary in training.
        parts: Vec<TimeColumn>,
        /// Stands for a missing value, in microseconds since 2000.
        impute: i64,
    },
    /// No column: the slot has its place in the row, but training learned nothing from it (an element of an
    /// array that is constant there; a column of which only the indicator counts).
    Ignored,
}

/// A category that training did not see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Unknown {
    /// The bucket of the rare ones, or all zeros where there is none (`infrequent_if_exist`).
    Rare = 1,
    /// All zeros (`ignore`).
    Ignore = 2,
    /// An error (`error`).
    Refuse = 3,
}

/// A column made of a part of a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeColumn {
    /// Which part.
    pub part: TimePart,
    /// Subtracted.
    pub center: f64,
    /// Divided by; positive.
    pub scale: f64,
}

/// A part of a time, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum TimePart {
    /// Year of the Gregorian calendar.
    Year = 1,
    /// 1 to 12.
    Month = 2,
    /// Day of the month, 1 to 31.
    Day = 3,
    /// 1 (Monday) to 7 (Sunday), as `isodow`.
    DayOfWeek = 4,
    /// 0 to 23; not of a date.
    Hour = 5,
}

impl Encoder {
    /// Names of its columns: the slot for a number, `slot=category`, `slot.part`, `slot is null`.
    #[must_use]
    pub fn features(&self) -> Vec<String> {
        let slot = &self.slot;
        let mut names = match &self.encoding {
            Encoding::Number { .. } => vec![slot.clone()],
            Encoding::OneHot {
                categories,
                reference,
                rare,
                ..
            } => {
                let kept = (0..)
                    .zip(categories)
                    .filter(|(i, _)| Some(*i) != *reference);
                let mut names: Vec<_> = kept.map(|(_, name)| format!("{slot}={name}")).collect();
                names.extend(rare.then(|| format!("{slot}=(rare)")));
                names
            }
            Encoding::Time { parts, .. } => {
                let name = |column: &TimeColumn| format!("{slot}.{}", column.part.name());
                parts.iter().map(name).collect()
            }
            Encoding::Ignored => vec![],
        };
        names.extend(self.indicator.then(|| format!("{slot} is null")));
        names
    }

    /// Number of its columns.
    #[must_use]
    pub fn width(&self) -> usize {
        let width = match &self.encoding {
            Encoding::Number { .. } => 1,
            Encoding::OneHot {
                categories,
                reference,
                rare,
                ..
            } => categories.len() - usize::from(reference.is_some()) + usize::from(*rare),
            Encoding::Time { parts, .. } => parts.len(),
            Encoding::Ignored => 0,
        };
        width + usize::from(self.indicator)
    }

    /// Writes the columns of a value, all [`width`](Self::width) of them; `false` where the value is
    /// missing and the encoder refuses that (the columns are unspecified then).
    ///
    /// The plain definition, used once a row in training; [`Scorer`](super::Scorer) is its fast twin.
    ///
    /// # Errors
    /// [`Error::Row`] for an infinity, a category that is refused, a value of another kind;
    /// [`Error::Shape`] for another number of columns.
    pub fn encode(&self, value: Value<'_>, columns: &mut [f64]) -> Result<bool> {
        if columns.len() != self.width() {
            let (expected, got) = (self.width(), columns.len());
            return Err(Error::Shape {
                what: "columns of an encoder",
                expected,
                got,
            });
        }
        columns.fill(0.0);
        let missing = is_missing(value);
        if missing && self.refuse_missing {
            return Ok(false);
        }
        match (&self.encoding, columns.last_mut()) {
            (_, Some(indicator)) if self.indicator => *indicator = f64::from(u8::from(missing)),
            _ => {}
        }
        match &self.encoding {
            Encoding::Number {
                center,
                scale,
                impute,
            } => {
                let number = if missing {
                    *impute
                } else {
                    self.number(value)?
                };
                columns[0] = (number - center) / scale;
            }
            Encoding::OneHot {
                categories, impute, ..
            } => {
                let category = match value {
                    _ if !missing => self.category(value)?,
                    _ if (*impute as usize) < categories.len() => Some(*impute as usize),
                    _ => self.unknown("")?,
                };
                if let Some(column) = category.and_then(|category| self.column(category)) {
                    columns[column] = 1.0;
                }
            }
            Encoding::Time { parts, impute } => {
                let time = if missing { *impute } else { self.time(value)? };
                for (cell, column) in columns.iter_mut().zip(parts) {
                    *cell = (column.part.of(time) - column.center) / column.scale;
                }
            }
            Encoding::Ignored => {}
        }
        Ok(true)
    }

    /// The column of a category (their number: of the rare ones) in a one-hot encoding.
    #[must_use]
    pub fn column(&self, category: usize) -> Option<usize> {
        match &self.encoding {
            Encoding::OneHot { reference, .. } => {
                let reference = reference.map(|reference| reference as usize);
                (reference != Some(category))
                    .then(|| category - usize::from(reference.is_some_and(|r| r < category)))
            }
            _ => None,
        }
    }

    /// The category of a value that is not missing (their number: the rare ones); `None` for one
    /// that has no column.
    fn category(&self, value: Value<'_>) -> Result<Option<usize>> {
        let number;
        let text = match value {
            Value::Text(text) => text,
            Value::Time(_) => return Err(wrong_kind(&self.slot, value, "a category")),
            _ => {
                number = NumberText::new(self.number(value)?);
                number.as_str()
            }
        };
        let known = match &self.encoding {
            Encoding::OneHot { categories, .. } => categories.iter().position(|c| c == text),
            _ => None,
        };
        known.map_or_else(|| self.unknown(text), |category| Ok(Some(category)))
    }

    /// What a category counts as that training did not see.
    fn unknown(&self, text: &str) -> Result<Option<usize>> {
        match &self.encoding {
            Encoding::OneHot {
                unknown: Unknown::Refuse,
                ..
            } => Err(unknown_category(&self.slot, text)),
            Encoding::OneHot {
                categories,
                rare: true,
                unknown: Unknown::Rare,
                ..
            } => Ok(Some(categories.len())),
            _ => Ok(None),
        }
    }

    fn number(&self, value: Value<'_>) -> Result<f64> {
        match value {
            Value::Number(number) if number.is_finite() => Ok(number),
            Value::Number(_) => Err(infinite(&self.slot)),
            _ => Err(wrong_kind(&self.slot, value, "a number")),
        }
    }

    fn time(&self, value: Value<'_>) -> Result<i64> {
        match value {
            Value::Time(time) if is_infinite(time) => Err(infinite(&self.slot)),
            Value::Time(time) => Ok(time),
            _ => Err(wrong_kind(&self.slot, value, "a time")),
        }
    }
}

/// Whether a value counts as missing: NULL, or NaN.
pub(super) fn is_missing(value: Value<'_>) -> bool {
    match value {
        Value::Missing => true,
        Value::Number(number) => number.is_nan(),
        _ => false,
    }
}

#[cold]
pub(super) fn infinite(slot: &str) -> Error {
    row(slot, "is infinite".to_owned())
}

/// `category` is empty for a missing value that stands for no category.
#[cold]
pub(super) fn unknown_category(slot: &str, category: &str) -> Error {
    if category.is_empty() {
        return row(
            slot,
            "has a value that was not seen in training: missing or empty".to_owned(),
        );
    }
    // A cell may hold megabytes.
    let shown: String = category.chars().take(60).collect();
    let dots = if shown.len() < category.len() {
        "…"
    } else {
        ""
    };
    row(
        slot,
        format!("has category \"{shown}{dots}\", which was not seen in training"),
    )
}

#[cold]
pub(super) fn wrong_kind(slot: &str, value: Value<'_>, expected: &str) -> Error {
    let got = match value {
        Value::Missing => "missing",
        Value::Number(_) => "a number",
        Value::Time(_) => "a time",
        Value::Text(_) => "text",
    };
    row(slot, format!("is {got}, expected {expected}"))
}

fn row(slot: &str, problem: String) -> Error {
    Error::Row {
        slot: format!("column \"{slot}\""),
        problem,
    }
}
