//! The rows of a table scored by a version.

use crate::pg::error::{Failure, Result};
use crate::pg::relation::Attribute;
use crate::pg::rows::RowView;
use crate::registry::binding::{BoundRows, Column, Origin};
use crate::registry::serving::Serving;
use std::rc::Rc;

/// Scores rows whose first columns are the inputs of a model in their order:
/// [`columns`](Self::columns).
pub struct RowScorer {
    rows: BoundRows,
    margins: Vec<f64>,
}

impl RowScorer {
    /// The columns that a model reads, in its order.
    pub fn columns(serving: &Serving) -> Vec<String> {
        let inputs = serving.pipeline.inputs.iter();
        inputs.map(|input| input.name.clone()).collect()
    }

    /// Binds the columns of a table to the inputs of a version.
    ///
    /// # Errors
    /// Those of [`bind`](crate::registry::binding::bind).
    pub fn new(serving: &Rc<Serving>, attributes: &[Attribute]) -> Result<Self> {
        let columns: Vec<Column<'_>> = attributes.iter().map(Column::from).collect();
        // The inputs come in their order, each once.
        let mut inputs = 0..;
        let view = |_: &str| Ok(inputs.next().unwrap_or_default());
        Ok(Self {
            rows: BoundRows::new(Rc::clone(serving), Origin::Table, &columns, view)?,
            margins: vec![0.0; serving.scorer.outputs()],
        })
    }

    /// The margins of a row; `None` where the model does not answer because a value is missing.
    ///
    /// # Errors
    /// 22023 for a value that the model refuses, 2202E for an array of another length.
    pub fn margins(&mut self, row: &RowView<'_>) -> Result<Option<&[f64]>> {
        let margins = &mut self.margins;
        let answered = self.rows.with_values(row, |serving, values| {
            let scored = serving.scorer.margins(values, margins);
            scored.map_err(|error| Failure::from_core(error, &|_| String::new()))
        })?;
        Ok(answered.then_some(&self.margins[..]))
    }
}
