//! A row as a composite value: columns by name.

use super::form::FIRST;
use crate::pg::call::Call;
use crate::pg::composite::{Composite, Layout};
use crate::pg::error::Result;
use crate::registry::binding::{Bound, Column, Origin, Reading, Row, bind};
use crate::registry::serving::Serving;

/// A row type with the columns that the inputs are read from.
struct Map {
    layout: Layout,
    bound: Vec<Bound>,
}

/// A row as a composite value, of a type that the first one tells.
#[derive(Default)]
pub struct RowForm {
    map: Option<Map>,
}

impl RowForm {
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
            none => none.insert(Map::new(call, serving, value)?),
        };
        map.layout.open(value);
        for bound in &map.bound {
            match &bound.reading {
                Reading::Value(kind) => {
                    row.put(bound.slot, map.layout.value(value, bound.column, *kind));
                }
                Reading::Array(elements) => match map.layout.varlena(value, bound.column) {
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
    fn new(call: &Call, serving: &Serving, row: Composite<'_>) -> Result<Self> {
        let layout = Layout::new(call, row);
        let of_row = layout.columns();
        let columns: Vec<Column<'_>> = of_row
            .iter()
            .map(|column| Column {
                name: &column.name,
                type_oid: column.type_oid,
            })
            .collect();
        let mut bound = bind(serving, Origin::Row, &columns)?;
        for bound in &mut bound {
            bound.column = of_row[bound.column].at;
        }
        Ok(Self { layout, bound })
    }
}
