//! The target column: numbers to regress on, or classes.

use super::RowSet;
use super::dictionary::Dictionary;
use crate::learners::Task;
use crate::pipeline::{LabelKind, TargetKind};
use crate::value::Value;
use crate::{Error, Result};

/// Classes at the most.
pub const MOST_CLASSES: usize = 1000;

/// What the target column is in SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelSource {
    /// `boolean`.
    Boolean,
    /// Any numeric type.
    Number,
    /// A string type.
    Text,
    /// An enum, with its labels in their order.
    Enum(Vec<String>),
}

/// The targets of the rows, collected while they are read.
///
/// The task, where it is not given: booleans, texts and enums are classes; numbers are classes if there
/// are exactly two of them, else a regression. Classes ascend: `false` before `true`, numbers by value,
/// texts by their bytes, enums in their own order; those that do not occur are no classes.
#[derive(Debug)]
pub struct Labels {
    name: String,
    source: LabelSource,
    limit: u64,
    values: Vec<f64>,
    /// Texts and enum labels; `values` are their codes.
    texts: Dictionary,
    /// Numbers: the distinct ones, ascending, until there are too many for classes.
    distinct: Vec<f64>,
    /// Numbers: whether all are whole.
    whole: bool,
}

impl Labels {
    /// No targets yet. `name` is what messages call the column; `limit` bounds the memory in bytes.
    #[must_use]
    pub fn new(name: &str, source: LabelSource, limit: u64) -> Self {
        Self {
            name: name.to_owned(),
            source,
            limit,
            values: Vec::new(),
            texts: Dictionary::default(),
            distinct: Vec::new(),
            whole: true,
        }
    }

    /// The target of the next row.
    ///
    /// # Errors
    /// [`Error::Row`] where it is missing, infinite or of another type than announced;
    /// [`Error::Option`] where texts make more than [`MOST_CLASSES`] classes;
    /// [`Error::MemoryLimit`] and [`Error::OutOfMemory`].
    #[inline]
    pub fn push(&mut self, value: Value<'_>) -> Result<()> {
        let cell = match (value, &self.source) {
            (Value::Number(number), LabelSource::Boolean | LabelSource::Number)
                if number.is_finite() =>
            {
                self.note(number + 0.0);
                number + 0.0
            }
            (Value::Text(text), LabelSource::Text | LabelSource::Enum(_)) => self.code(text)?,
            _ => return Err(self.refuse(value)),
        };
        if self.values.len() == self.values.capacity() {
            self.reserve()?;
        }
        self.values.push(cell);
        Ok(())
    }

    /// Rows so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Bytes held.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        (self.values.capacity() * size_of::<f64>()) as u64 + self.texts.bytes()
    }

    /// What is predicted, and each row's number or number of its class.
    ///
    /// # Errors
    /// [`Error::NoRows`]; [`Error::Option`] for a classification with fewer than two or more than
    /// [`MOST_CLASSES`] classes or with fractions for classes, and for a regression on texts.
    pub fn finish(self, task: Option<Task>) -> Result<(TargetKind, Vec<f64>)> {
        if self.values.is_empty() {
            return Err(Error::NoRows);
        }
        match task.unwrap_or_else(|| self.inferred()) {
            Task::Regression => self.numbers(),
            Task::Classification => self.classes(),
        }
    }

    fn inferred(&self) -> Task {
        match self.source {
            LabelSource::Number if self.distinct.len() != 2 => Task::Regression,
            _ => Task::Classification,
        }
    }

    fn numbers(self) -> Result<(TargetKind, Vec<f64>)> {
        if matches!(self.source, LabelSource::Text | LabelSource::Enum(_)) {
            return Err(Error::Option {
                path: "task".to_owned(),
                problem: format!(
                    "column \"{}\" holds texts, a regression needs numbers",
                    self.name
                ),
                hint: "Use task => 'classification', or another target.".to_owned(),
            });
        }
        Ok((TargetKind::Number, self.values))
    }

    fn classes(mut self) -> Result<(TargetKind, Vec<f64>)> {
        let (label, classes, numbers) = match &self.source {
            LabelSource::Boolean | LabelSource::Number => self.number_classes()?,
            LabelSource::Text => {
                let order = |text: &str| text.to_owned();
                self.text_classes(order)
            }
            LabelSource::Enum(labels) => {
                let order = |text: &str| labels.iter().position(|label| label == text);
                self.text_classes(order)
            }
        };
        if let [only] = classes.as_slice() {
            return Err(self.unfit(
                format!("has a single value, {only}"),
                "A classification needs rows of two classes at least.",
            ));
        }
        for value in &mut self.values {
            *value = numbers.number_of(*value);
        }
        Ok((TargetKind::Classes { label, classes }, self.values))
    }

    /// Booleans and numbers: classes by value.
    fn number_classes(&self) -> Result<(LabelKind, Vec<String>, Numbers)> {
        if self.distinct.len() > MOST_CLASSES {
            return Err(self.too_many());
        }
        if !self.whole && self.distinct.len() > 2 {
            return Err(self.unfit(
                "has fractions, which are no classes".to_owned(),
                "Use task => 'regression', or cast the column to text in a SELECT given as the source.",
            ));
        }
        let boolean = self.source == LabelSource::Boolean;
        let text = |value: &f64| match boolean {
            true if *value == 0.0 => "false".to_owned(),
            true => "true".to_owned(),
            false => value.to_string(),
        };
        let label = if boolean {
            LabelKind::Boolean
        } else {
            LabelKind::Number
        };
        let classes = self.distinct.iter().map(text).collect();
        Ok((label, classes, Numbers::ByValue(self.distinct.clone())))
    }

    /// Texts and enums: classes by `order`.
    fn text_classes<K: Ord>(&self, order: impl Fn(&str) -> K) -> (LabelKind, Vec<String>, Numbers) {
        let mut codes: Vec<usize> = (0..self.texts.len()).collect();
        codes.sort_by_cached_key(|code| order(self.texts.text(*code)));
        let mut numbers = vec![0.0; codes.len()];
        for (number, code) in codes.iter().enumerate() {
            numbers[*code] = number as f64;
        }
        let classes = codes.iter().map(|code| self.texts.text(*code).to_owned());
        (LabelKind::Text, classes.collect(), Numbers::ByCode(numbers))
    }

    /// Takes note of a number.
    #[inline]
    fn note(&mut self, number: f64) {
        self.whole &= number.fract() == 0.0;
        if self.distinct.len() <= MOST_CLASSES
            && let Err(place) = self
                .distinct
                .binary_search_by(|known| known.total_cmp(&number))
        {
            self.distinct.insert(place, number);
        }
    }

    fn code(&mut self, text: &str) -> Result<f64> {
        let cell = self.texts.cell(text)?;
        if self.texts.overflowed() || self.texts.len() > MOST_CLASSES {
            return Err(self.too_many());
        }
        Ok(cell)
    }

    #[cold]
    fn reserve(&mut self) -> Result<()> {
        let more = self.values.len().max(1024);
        let bytes = (more * size_of::<f64>()) as u64;
        let (needed, limit) = (self.bytes() + bytes, self.limit);
        if needed > limit {
            return Err(Error::MemoryLimit { needed, limit });
        }
        self.values
            .try_reserve_exact(more)
            .map_err(|_| Error::OutOfMemory { bytes })
    }

    #[cold]
    fn refuse(&self, value: Value<'_>) -> Error {
        let problem = match value {
            Value::Missing => "is null",
            Value::Number(number) if number.is_nan() => "is null",
            Value::Number(number) if number.is_infinite() => "contains an infinity",
            _ => "contains a value of another type",
        };
        Error::Row {
            slot: format!("target column \"{}\"", self.name),
            problem: problem.to_owned(),
        }
    }

    fn too_many(&self) -> Error {
        self.unfit(
            format!("has more than {MOST_CLASSES} classes"),
            "Predict a column with fewer values, or group them in a SELECT given as the source.",
        )
    }

    fn unfit(&self, problem: String, hint: &str) -> Error {
        Error::Option {
            path: "target".to_owned(),
            problem: format!("column \"{}\" {problem}", self.name),
            hint: hint.to_owned(),
        }
    }
}

/// From what is stored of a target to the number of its class.
enum Numbers {
    /// The values of the classes, ascending.
    ByValue(Vec<f64>),
    /// The numbers of the classes, by code.
    ByCode(Vec<f64>),
}

impl Numbers {
    fn number_of(&self, value: f64) -> f64 {
        match self {
            Self::ByValue(values) => values.partition_point(|known| *known < value) as f64,
            Self::ByCode(numbers) => numbers[value as usize],
        }
    }
}

/// Rows of each class among some rows.
#[must_use]
pub fn class_counts(targets: &[f64], classes: usize, rows: &RowSet) -> Vec<u64> {
    let mut counts = vec![0; classes];
    for target in rows.iter().filter_map(|row| targets.get(row)) {
        if let Some(count) = counts.get_mut(*target as usize) {
            *count += 1;
        }
    }
    counts
}
