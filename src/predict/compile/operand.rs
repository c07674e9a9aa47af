//! What an expression reads: a parameter, or an element of one.

use crate::pg::cell::CellKind;
use crate::pg::error::{Failure, Result};
use crate::pg::rows::enum_labels;
use crate::pg::types::NamedType;
use crate::pg::value::ValueKind;
use pglearn_core::pipeline::Input;
use pgrx::PgSqlErrorCode;

/// A parameter, or an element of one.
#[derive(Debug, Clone)]
pub struct Operand {
    /// `$3`, or `$3[2]`.
    pub sql: String,
    /// How it is computed with.
    pub form: Form,
}

/// How an operand is computed with.
#[derive(Debug, Clone)]
pub enum Form {
    Boolean,
    /// Never NaN or infinite; 0 or at least 1 in size.
    Integer,
    Float4,
    Float8,
    Numeric,
    /// `time` or `interval`: in seconds.
    Duration,
    Text,
    /// Its labels and the type's name.
    Enum(Vec<String>, String),
    Date,
    Timestamp,
    TimestampTz,
}

impl Operand {
    /// The parameter of a place, counted from 1.
    ///
    /// # Errors
    /// 42804 where the type is not what the model was trained on.
    pub fn new(place: usize, input: &Input, sql_type: &NamedType) -> Result<Self> {
        let form = match (sql_type.kind, sql_type.element, input.length) {
            (Some(kind), _, None) if kind.input_kind() == input.kind => {
                Some(Form::of(kind, sql_type)?)
            }
            (_, Some(element), Some(_)) => Some(Form::of_cell(element)),
            _ => None,
        };
        let form = form.ok_or_else(|| {
            Failure::new(
                PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
                format!(
                    "input \"{}\" of type {} is not what the model was trained on",
                    input.name, input.sql_type
                ),
            )
        })?;
        Ok(Self {
            sql: format!("${place}"),
            form,
        })
    }

    /// An element, counted from 1.
    pub fn element(&self, at: usize) -> Self {
        Self {
            sql: format!("({})[{at}]", self.sql),
            form: self.form.clone(),
        }
    }
}

impl Form {
    fn of(kind: ValueKind, sql_type: &NamedType) -> Result<Self> {
        Ok(match kind {
            ValueKind::Cell(cell) => Self::of_cell(cell),
            ValueKind::Time | ValueKind::Interval => Self::Duration,
            ValueKind::Enum => {
                let base = crate::pg::types::of(sql_type.base);
                Self::Enum(enum_labels(sql_type.base)?, base.sql)
            }
            ValueKind::Date => Self::Date,
            ValueKind::Timestamp if crate::pg::types::is_timestamptz(sql_type.base) => {
                Self::TimestampTz
            }
            ValueKind::Timestamp => Self::Timestamp,
            ValueKind::Text | ValueKind::BlankPadded | ValueKind::Name | ValueKind::Char => {
                Self::Text
            }
        })
    }

    fn of_cell(cell: CellKind) -> Self {
        match cell {
            CellKind::Bool => Self::Boolean,
            CellKind::Int2 | CellKind::Int4 | CellKind::Int8 => Self::Integer,
            CellKind::Float4 => Self::Float4,
            CellKind::Float8 => Self::Float8,
            CellKind::Numeric => Self::Numeric,
        }
    }

    /// How near to a number that is not 0 a value of this form can come to `center` without being
    /// it: the difference of two doubles is 0 or at least half a unit in the last place of either.
    pub fn smallest_difference(&self, center: f64) -> f64 {
        if center != 0.0 {
            return center.abs() * f64::EPSILON / 4.0;
        }
        match self {
            Self::Boolean | Self::Integer => 1.0,
            Self::Duration => 1e-6,
            Self::Float4 => 1e-46,
            Self::Numeric => TINY_NUMERIC,
            _ => 0.0,
        }
    }
}

/// Below this size a `numeric` counts as 0: smaller ones have no double.
pub const TINY_NUMERIC: f64 = 1e-290;
