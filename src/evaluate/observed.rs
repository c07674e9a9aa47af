//! The target of a row as the model's training numbered it.

use super::columns::ReadList;
use crate::pg::error::{Failure, Result};
use crate::pg::rows::RowView;
use pglearn_core::pipeline::{InputKind, LabelKind, Target, TargetKind};
use pglearn_core::value::Value;
use pgrx::PgSqlErrorCode;
use std::collections::HashMap;

/// Reads the target.
pub struct Observed {
    place: usize,
    name: String,
    labels: Labels,
}

enum Labels {
    /// A regression's number.
    Number,
    /// The class of a text.
    Texts(HashMap<String, u32>),
    /// The class of a number, by its bits.
    Numbers(HashMap<u64, u32>),
}

/// What was observed of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Truth {
    /// The target, or the number of its class.
    Is(f64),
    /// NULL.
    Missing,
    /// A class that training did not see.
    Unknown,
}

/// The bits of a number; -0 is 0.
fn bits(number: f64) -> u64 {
    (number + 0.0).to_bits()
}

impl Labels {
    fn of(target: &Target) -> Self {
        let TargetKind::Classes { label, classes } = &target.kind else {
            return Self::Number;
        };
        let numbered = (0_u32..).zip(classes);
        match label {
            LabelKind::Text => Self::Texts(numbered.map(|(n, c)| (c.clone(), n)).collect()),
            LabelKind::Boolean => Self::Numbers([(bits(0.0), 0), (bits(1.0), 1)].into()),
            LabelKind::Number => Self::Numbers(
                numbered
                    .filter_map(|(n, c)| c.parse().ok().map(|c: f64| (bits(c), n)))
                    .collect(),
            ),
        }
    }

    /// Whether labels of this kind can be of these.
    fn takes(&self, kind: InputKind) -> bool {
        match self {
            Self::Texts(_) => kind == InputKind::Text,
            Self::Numbers(_) | Self::Number => {
                matches!(kind, InputKind::Number | InputKind::Boolean)
            }
        }
    }
}

impl Observed {
    /// Finds the target among the columns of a source, by name.
    ///
    /// # Errors
    /// 42703, 42702; 42804 for a column that cannot hold it.
    pub fn new(target: &Target, list: &mut ReadList) -> Result<Self> {
        let place = list.add(&target.name, "the target of the model")?;
        let column = list.column(place)?;
        let labels = Labels::of(target);
        if !column
            .kind
            .is_some_and(|kind| labels.takes(kind.input_kind()))
        {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
                format!(
                    "column \"{}\" of the source is of type {}, the target of the model is of type {}",
                    target.name, column.sql_type, target.sql_type
                ),
            ));
        }
        Ok(Self {
            place,
            name: target.name.clone(),
            labels,
        })
    }

    /// Name of the column.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a row has no target.
    #[inline]
    pub fn is_missing(&self, row: &RowView<'_>) -> bool {
        match row.value(self.place) {
            Value::Missing => true,
            Value::Number(number) => number.is_nan(),
            _ => false,
        }
    }

    /// The target of a row.
    ///
    /// # Errors
    /// 22003 for an infinite number.
    #[inline]
    pub fn truth(&self, row: &RowView<'_>) -> Result<Truth> {
        let known =
            |class: Option<&u32>| class.map_or(Truth::Unknown, |n| Truth::Is(f64::from(*n)));
        Ok(match (row.value(self.place), &self.labels) {
            (Value::Number(number), _) if number.is_nan() => Truth::Missing,
            (Value::Number(number), Labels::Number) if number.is_infinite() => {
                return Err(self.infinite(number));
            }
            (Value::Number(number), Labels::Number) => Truth::Is(number),
            (Value::Number(number), Labels::Numbers(classes)) => known(classes.get(&bits(number))),
            (Value::Text(text), Labels::Texts(classes)) => known(classes.get(text)),
            _ => Truth::Missing,
        })
    }

    #[cold]
    fn infinite(&self, value: f64) -> Failure {
        let error = pglearn_core::Error::NotFinite { column: 0, value };
        Failure::from_core(error, &|_| pgrx::spi::quote_identifier(&self.name))
    }
}
