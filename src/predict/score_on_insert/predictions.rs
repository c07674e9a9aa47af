//! What a table of predictions must look like for a model.

use crate::pg::error::{Failure, Result};
use crate::pg::table::Cell;
use pglearn_core::pipeline::{LabelKind, Link, Pipeline, Scorer, TargetKind};
use pgrx::{PgSqlErrorCode, pg_sys};

/// Bytes of a PostgreSQL name.
const NAME: usize = pg_sys::NAMEDATALEN as usize - 1;
/// Classes that still fit a table beside the other columns.
const MAX_CLASSES: usize = 1500;
/// What the columns of probabilities begin with.
pub const PROBABILITY: &str = "probability_";
/// The column of the predictions.
pub const PREDICTION: &str = "prediction";
/// The column of when they were made.
pub const DATE: &str = "prediction_date";
/// The column of the version that made them.
pub const VERSION: &str = "model_version";

/// What a prediction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PredictionKind {
    /// A number: of a regression, or of classes that are numbers.
    Number {
        /// Whether it may be stored in an integer column: it is one.
        integral: bool,
    },
    /// Classes `false` and `true`.
    Boolean,
    /// Classes that are text.
    Text,
}

impl PredictionKind {
    /// The type of a new column, which is also that of [`Predictions::cells`].
    pub fn type_oid(self) -> pg_sys::Oid {
        match self {
            Self::Number { .. } => pg_sys::FLOAT8OID,
            Self::Boolean => pg_sys::BOOLOID,
            Self::Text => pg_sys::TEXTOID,
        }
    }

    /// Whether a column of a type can hold it; all by casts of the server's own.
    pub fn fits(self, type_oid: pg_sys::Oid) -> bool {
        match type_oid {
            pg_sys::TEXTOID | pg_sys::VARCHAROID => true,
            pg_sys::BOOLOID => self == Self::Boolean,
            pg_sys::INT4OID => {
                matches!(self, Self::Number { integral: true } | Self::Boolean)
            }
            pg_sys::INT2OID | pg_sys::INT8OID => self == Self::Number { integral: true },
            pg_sys::FLOAT8OID | pg_sys::FLOAT4OID | pg_sys::NUMERICOID => {
                matches!(self, Self::Number { .. })
            }
            _ => false,
        }
    }
}

/// The predictions of a model.
#[derive(Debug)]
pub struct Predictions<'a> {
    /// What they are.
    pub kind: PredictionKind,
    /// A column a class, in the order of the classes.
    pub probabilities: Vec<String>,
    classes: &'a [String],
}

impl<'a> Predictions<'a> {
    /// Those of a model.
    ///
    /// # Errors
    /// 54011 for more classes than a table has room for, 42701 where the names of two are not told
    /// apart within the length of a column name.
    pub fn of(pipeline: &'a Pipeline) -> Result<Self> {
        let TargetKind::Classes { label, classes } = &pipeline.target.kind else {
            return Ok(Self {
                kind: PredictionKind::Number { integral: false },
                probabilities: Vec::new(),
                classes: &[],
            });
        };
        if classes.len() > MAX_CLASSES {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_TOO_MANY_COLUMNS,
                format!(
                    "a table has no room for the probabilities of {} classes",
                    classes.len()
                ),
            )
            .hint("Use predict_batch, or predict_probas in a query."));
        }
        let probabilities: Vec<String> = classes.iter().map(|c| column_of(c)).collect();
        for (at, name) in probabilities.iter().enumerate() {
            if let Some(other) = probabilities[..at].iter().position(|n| n == name) {
                return Err(Failure::new(
                    PgSqlErrorCode::ERRCODE_DUPLICATE_COLUMN,
                    format!(
                        "classes \"{}\" and \"{}\" would share the column \"{name}\"",
                        classes[other], classes[at]
                    ),
                )
                .hint("Train on shorter labels."));
            }
        }
        let integral = classes.iter().all(|class| {
            class
                .parse::<f64>()
                .is_ok_and(|number| number.fract() == 0.0)
        });
        let kind = match label {
            LabelKind::Boolean => PredictionKind::Boolean,
            LabelKind::Number => PredictionKind::Number { integral },
            LabelKind::Text => PredictionKind::Text,
        };
        Ok(Self {
            kind,
            probabilities,
            classes,
        })
    }

    /// The prediction and the probabilities of a row by its margins; NULLs for a row that the model
    /// does not answer. `scratch` has a place for each class.
    pub fn cells(
        &self,
        scorer: &Scorer,
        margins: Option<&[f64]>,
        scratch: &mut [f64],
    ) -> Vec<Cell> {
        let Some(margins) = margins else {
            return vec![Cell::Null; 1 + self.classes.len()];
        };
        if scorer.link() == Link::Identity {
            return vec![Cell::optional(margins.first().copied())];
        }
        scorer.probabilities(margins, scratch);
        let mut cells = Vec::with_capacity(1 + scratch.len());
        cells.push(self.class(scorer.class(margins)));
        cells.extend(scratch.iter().map(|p| Cell::Double(*p)));
        cells
    }

    fn class(&self, at: usize) -> Cell {
        let Some(class) = self.classes.get(at) else {
            return Cell::Null;
        };
        match self.kind {
            PredictionKind::Number { .. } => Cell::optional(class.parse().ok()),
            PredictionKind::Boolean => Cell::Bool(class == "true"),
            PredictionKind::Text => Cell::Text(class.clone()),
        }
    }
}

/// `probability_<class>`, cut where a name ends.
fn column_of(class: &str) -> String {
    let mut name = format!("{PROBABILITY}{class}");
    let mut end = name.len().min(NAME);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    name
}
