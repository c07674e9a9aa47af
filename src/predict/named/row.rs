//! A row as a composite value: columns by name.

use super::array::Elements;
use super::form::{FIRST, Row};
use super::receiver::Receiver;
use crate::pg::call::Call;
use crate::pg::composite::{Composite, Layout, RowColumn};
use crate::pg::elements::element_type;
use crate::pg::error::{Failure, Result};
use crate::pg::value::ValueKind;
use crate::registry::serving::Serving;
use pglearn_core::options::nearest;
use pgrx::PgSqlErrorCode;
use std::collections::HashMap;

/// A column that an input is read from.
enum Source {
    Scalar {
        at: usize,
        slot: usize,
        kind: ValueKind,
    },
    Array {
        at: usize,
        elements: Elements,
    },
}

/// A row type with the columns that the inputs are read from.
struct Map {
    layout: Layout,
    sources: Vec<Source>,
}

/// A row as a composite value.
pub struct RowForm {
    receivers: Vec<Receiver>,
    map: Option<Map>,
}

impl RowForm {
    /// A row of a type that the first one tells.
    pub fn new(receivers: Vec<Receiver>) -> Self {
        Self {
            receivers,
            map: None,
        }
    }

    /// See [`Form::read`](super::form::Form::read).
    #[inline]
    pub fn read<'a>(
        &'a mut self,
        call: &'a Call,
        serving: &Serving,
        row: &mut impl Row<'a>,
    ) -> Result<bool> {
        let Some(value) = call.composite(FIRST) else {
            return Ok(false);
        };
        let fits = |map: &mut Map| map.layout.fits(value);
        if !self.map.as_mut().is_some_and(fits) {
            self.map = None;
        }
        let map = match &mut self.map {
            Some(map) => map,
            none => none.insert(Map::new(call, serving, &self.receivers, value)?),
        };
        map.layout.open(value);
        for source in &map.sources {
            match source {
                Source::Scalar { at, slot, kind } => {
                    row.put(*slot, map.layout.value(value, *at, *kind));
                }
                Source::Array { at, elements } => match map.layout.varlena(value, *at) {
                    Some(bytes) => elements.read(bytes, serving, row)?,
                    None => elements.missing(row),
                },
            }
        }
        Ok(true)
    }
}

impl Map {
    #[cold]
    fn new(
        call: &Call,
        serving: &Serving,
        receivers: &[Receiver],
        row: Composite<'_>,
    ) -> Result<Self> {
        let layout = Layout::new(call, row);
        let columns = layout.columns();
        let by_name: HashMap<&str, &RowColumn> = columns
            .iter()
            .map(|column| (column.name.as_str(), column))
            .collect();
        let mut sources = Vec::new();
        let mut slot = 0;
        for input in &serving.pipeline.inputs {
            let Some(column) = by_name.get(input.name.as_str()) else {
                return Err(missing_column(serving, &input.name, &columns));
            };
            let of_input = &receivers[slot..slot + input.slots()];
            sources.push(match (input.length, of_input) {
                (None, [receiver]) => scalar(serving, column, slot, receiver)?,
                _ => array(serving, column, slot, of_input)?,
            });
            slot += input.slots();
        }
        Ok(Self { layout, sources })
    }
}

fn scalar(
    serving: &Serving,
    column: &RowColumn,
    slot: usize,
    receiver: &Receiver,
) -> Result<Source> {
    match ValueKind::of(column.type_oid) {
        Some(kind) if receiver.accepts(kind) => Ok(Source::Scalar {
            at: column.at,
            slot,
            kind,
        }),
        _ => Err(receiver.wrong_type(column.type_oid, serving)),
    }
}

fn array(
    serving: &Serving,
    column: &RowColumn,
    first: usize,
    receivers: &[Receiver],
) -> Result<Source> {
    match (element_type(column.type_oid), receivers.first()) {
        (Some(element), _) => Ok(Source::Array {
            at: column.at,
            elements: Elements::new(serving, element, first, receivers.to_vec())?,
        }),
        (None, Some(receiver)) => Err(receiver.no_array(column.type_oid, serving)),
        (None, None) => Err(Failure::internal("an array input without elements")),
    }
}

#[cold]
fn missing_column(serving: &Serving, name: &str, columns: &[RowColumn]) -> Failure {
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let failure = Failure::new(
        PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
        format!(
            "the row has no column \"{name}\", which is an input of model \"{}\"",
            serving.model
        ),
    )
    .detail(format!("Its columns are {}.", list(&names)));
    if names
        .iter()
        .enumerate()
        .all(|(i, name)| *name == format!("f{}", i + 1))
    {
        return failure
            .hint("Leave out ROW( ) to pass values in the order of training, or pass a row of a table or sub-query.");
    }
    match nearest(name, &names)[..] {
        [near, ..] => failure.hint(format!(
            "Rename it in a sub-query: SELECT {} AS {}.",
            pgrx::spi::quote_identifier(near),
            pgrx::spi::quote_identifier(name)
        )),
        [] => failure,
    }
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
