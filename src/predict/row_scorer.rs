//! A model over rows read by `pg::rows`: its inputs found by name, their values scored.

use crate::pg::cell::CellKind;
use crate::pg::error::{Failure, Result};
use crate::pg::relation::{Attribute, base_type};
use crate::pg::rows::{RowView, SourceColumn, element_kind};
use crate::pg::value::ValueKind;
use crate::registry::serving::Serving;
use pglearn_core::pipeline::{Input, InputKind};
use pglearn_core::value::Value;
use pgrx::PgSqlErrorCode;

/// A column that rows have.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// Its name.
    pub name: &'a str,
    /// How a model reads its values; `None` where it cannot, and for arrays.
    pub kind: Option<ValueKind>,
    /// How a model reads the elements of an array.
    pub element: Option<CellKind>,
}

impl<'a> Given<'a> {
    /// A column of a relation.
    pub fn of(attribute: &'a Attribute) -> Self {
        let type_oid = base_type(attribute.type_oid);
        Self {
            name: &attribute.name,
            kind: ValueKind::of(type_oid),
            element: element_kind(type_oid),
        }
    }
}

impl<'a> From<&'a SourceColumn> for Given<'a> {
    fn from(column: &'a SourceColumn) -> Self {
        Self {
            name: &column.name,
            kind: column.kind,
            element: column.element,
        }
    }
}

/// Scores rows whose first columns are the inputs of a model in their order:
/// [`RowScorer::columns`].
pub struct RowScorer<'a> {
    serving: &'a Serving,
    elements: Vec<f64>,
    margins: Vec<f64>,
}

impl<'a> RowScorer<'a> {
    /// The columns that a model reads, in its order.
    pub fn columns(serving: &Serving) -> Vec<String> {
        let inputs = serving.pipeline.inputs.iter();
        inputs.map(|input| input.name.clone()).collect()
    }

    /// Checks that the inputs are there and of fitting types.
    ///
    /// # Errors
    /// 42703, 42804.
    pub fn new(serving: &'a Serving, given: &[Given<'_>]) -> Result<Self> {
        for input in &serving.pipeline.inputs {
            let column = given.iter().find(|column| column.name == input.name);
            let column = column.ok_or_else(|| missing(serving, input))?;
            let fits = match input.length {
                Some(_) => column.element.is_some(),
                None => column.kind.is_some_and(|kind| fits(input.kind, kind)),
            };
            if !fits {
                return Err(wrong_type(serving, input));
            }
        }
        Ok(Self {
            serving,
            elements: Vec::new(),
            margins: vec![0.0; serving.scorer.outputs()],
        })
    }

    /// The margins of a row; `None` where the model does not answer because a value is missing.
    ///
    /// # Errors
    /// 22023 for a value that the model refuses, 2202E for an array of another length.
    pub fn margins(&mut self, row: &RowView<'_>) -> Result<Option<&[f64]>> {
        // The elements of arrays first: values borrow them.
        self.elements.clear();
        for (column, input) in self.serving.pipeline.inputs.iter().enumerate() {
            if let Some(length) = input.length {
                read_array(row, column, input, length as usize, &mut self.elements)?;
            }
        }
        let mut elements = self.elements.iter();
        let mut values = Vec::with_capacity(self.serving.scorer.slots());
        for (column, input) in self.serving.pipeline.inputs.iter().enumerate() {
            match input.length {
                Some(length) => values.extend(
                    (&mut elements)
                        .take(length as usize)
                        .map(|element| Value::Number(*element)),
                ),
                None => values.push(row.value(column)),
            }
        }
        let answered = self
            .serving
            .scorer
            .margins(&values, &mut self.margins)
            .map_err(|error| Failure::from_core(error, &|slot| format!("input {}", slot + 1)))?;
        Ok(answered.then_some(&self.margins[..]))
    }
}

/// The elements of an array, or as many missing ones.
fn read_array(
    row: &RowView<'_>,
    column: usize,
    input: &Input,
    length: usize,
    out: &mut Vec<f64>,
) -> Result<()> {
    let start = out.len();
    if !row.elements(column, out)? {
        out.resize(start + length, f64::NAN);
    }
    let got = out.len() - start;
    if got == length {
        return Ok(());
    }
    Err(Failure::new(
        PgSqlErrorCode::ERRCODE_ARRAY_ELEMENT_ERROR,
        format!(
            "array \"{}\" has {got} elements where the model was trained on {length}",
            input.name
        ),
    ))
}

/// Whether values of a kind are what an input was trained on.
fn fits(input: InputKind, kind: ValueKind) -> bool {
    use InputKind::{Boolean, Date, Number, Text, Timestamp};
    matches!(
        (input, kind.input_kind()),
        (Number | Boolean, Number | Boolean) | (Date | Timestamp, Date | Timestamp) | (Text, Text)
    )
}

fn missing(serving: &Serving, input: &Input) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
        format!("column \"{}\" does not exist", input.name),
    )
    .detail(format!(
        "Model \"{}\", version {}, reads it.",
        serving.model, serving.version
    ))
}

fn wrong_type(serving: &Serving, input: &Input) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
        format!(
            "column \"{}\" is of another type than the model reads",
            input.name
        ),
    )
    .detail(format!(
        "Model \"{}\", version {}, was trained on type {}.",
        serving.model, serving.version, input.sql_type
    ))
}
