//! How columns are bound to the inputs of a model: the one place that says which column is meant, which
//! types it may have, what its values become, and in which words anything else is refused.
//!
//! A row of `predict`, a source of `evaluate`, `compare` and `predict_batch`, and the table of
//! `score_on_insert` all come through [`bind`]. Columns are matched by name, others are ignored. A type
//! is taken for an input of its own kind, and only that ([`Receiver::accepts`]):
//!
//! | input trained on | takes |
//! |---|---|
//! | a numeric type | the numeric types |
//! | `time`, `interval` | the same, or a number of seconds |
//! | `boolean` | `boolean` |
//! | `text`, `varchar`, `char(n)`, `name`, `"char"`, an enum | any of them |
//! | `date`, `timestamp`, `timestamptz` | any of them |
//! | an array of numbers | arrays of the numeric types, of as many elements |
//! | an array of booleans | `boolean[]`, of as many elements |
//!
//! A domain counts as its base type. A boolean is no number and a number no boolean, as in SQL: the hint
//! of the refusal is the cast.

mod elements;
mod receiver;
mod rows;

pub use elements::{Elements, Row, Values};
pub use receiver::{Receiver, signature};
pub use rows::{BoundRows, lend};

use super::serving::Serving;
use crate::pg::elements::element_type;
use crate::pg::error::{Failure, Result};
use crate::pg::relation::Attribute;
use crate::pg::rows::SourceColumn;
use crate::pg::value::ValueKind;
use pglearn_core::options::nearest;
use pgrx::{PgSqlErrorCode, pg_sys};
use std::collections::HashMap;

/// What has the columns, as messages call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A composite value.
    Row,
    /// A table or a query.
    Source,
    /// A table whose new rows are scored.
    Table,
}

impl Origin {
    fn noun(self) -> &'static str {
        match self {
            Self::Row => "row",
            Self::Source => "source",
            Self::Table => "table",
        }
    }
}

/// A column that an input may be read from.
#[derive(Debug, Clone, Copy)]
pub struct Column<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type.
    pub type_oid: pg_sys::Oid,
}

impl<'a> From<&'a SourceColumn> for Column<'a> {
    fn from(column: &'a SourceColumn) -> Self {
        Self {
            name: &column.name,
            type_oid: column.type_oid,
        }
    }
}

impl<'a> From<&'a Attribute> for Column<'a> {
    fn from(column: &'a Attribute) -> Self {
        Self {
            name: &column.name,
            type_oid: column.type_oid,
        }
    }
}

/// An input and the column it is read from.
pub struct Bound {
    /// The column: its place among those given to [`bind`].
    pub column: usize,
    /// The first slot of the input.
    pub slot: usize,
    /// How its values are read.
    pub reading: Reading,
}

/// How the values of a column are read.
pub enum Reading {
    /// As one value of a type.
    Value(ValueKind),
    /// As the elements of an array.
    Array(Elements),
}

/// Finds the inputs of a version among columns: one [`Bound`] an input, in the order of training.
///
/// # Errors
/// 42703 for an input without a column, 42702 where several have its name, 42804 for a column of a type
/// that the input does not take.
pub fn bind(serving: &Serving, origin: Origin, columns: &[Column<'_>]) -> Result<Vec<Bound>> {
    let mut by_name: HashMap<&str, (usize, bool)> = HashMap::with_capacity(columns.len());
    for (at, column) in columns.iter().enumerate() {
        by_name
            .entry(column.name)
            .and_modify(|(_, again)| *again = true)
            .or_insert((at, false));
    }
    let mut bound = Vec::with_capacity(serving.pipeline.inputs.len());
    let mut slot = 0;
    for input in &serving.pipeline.inputs {
        let column = match by_name.get(input.name.as_str()) {
            None => return Err(missing(serving, origin, &input.name, columns)),
            Some((_, true)) => return Err(ambiguous(serving, origin, &input.name)),
            Some((column, false)) => *column,
        };
        let given = columns[column].type_oid;
        let receivers: Vec<Receiver> = Receiver::of(input).collect();
        let slots = receivers.len();
        let reading = match (input.length, receivers.first()) {
            (None, Some(receiver)) => Reading::Value(receiver.value_kind(given, serving)?),
            _ => Reading::Array(Elements::of_input(serving, given, slot, receivers)?),
        };
        bound.push(Bound {
            column,
            slot,
            reading,
        });
        slot += slots;
    }
    Ok(bound)
}

/// How the elements of an array type are read; `None` where it is none, or of elements no model reads.
fn array_kind(given: pg_sys::Oid) -> Option<ValueKind> {
    element_type(given).and_then(ValueKind::of)
}

#[cold]
fn missing(serving: &Serving, origin: Origin, name: &str, columns: &[Column<'_>]) -> Failure {
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let failure = Failure::new(
        PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
        format!(
            "the {} has no column \"{name}\", which is an input of model \"{}\"",
            origin.noun(),
            serving.model
        ),
    )
    .detail(format!("Its columns are {}.", list(&names)));
    let mut numbered = names.iter().zip(1..);
    if origin == Origin::Row && numbered.all(|(name, n)| *name == format!("f{n}")) {
        return failure
            .hint("Leave out ROW( ) to pass values in the order of training, or pass a row of a table or sub-query.");
    }
    match (nearest(name, &names).first(), origin) {
        (None, _) => failure,
        (Some(near), Origin::Table) => {
            failure.hint(format!("Perhaps \"{near}\" should be \"{name}\"."))
        }
        (Some(near), Origin::Row | Origin::Source) => failure.hint(format!(
            "Rename it in a sub-query: SELECT {} AS {}.",
            pgrx::spi::quote_identifier(near),
            pgrx::spi::quote_identifier(name)
        )),
    }
}

#[cold]
fn ambiguous(serving: &Serving, origin: Origin, name: &str) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_AMBIGUOUS_COLUMN,
        format!(
            "the {} has several columns \"{name}\", which is an input of model \"{}\"",
            origin.noun(),
            serving.model
        ),
    )
    .hint("Give them different names: SELECT a.id AS a_id, ….")
}

/// Names that messages list before they break off.
const LISTED: usize = 30;

/// Names for a DETAIL.
pub fn list(names: &[&str]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let rest = match names.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{rest}", names[..names.len().min(LISTED)].join(", "))
}

/// A number of things: `one value`, `3 values`.
pub fn counted(number: usize, thing: &str) -> String {
    match number {
        1 => format!("one {thing}"),
        _ => format!("{number} {thing}s"),
    }
}
