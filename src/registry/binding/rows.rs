//! Rows read by `pg::rows` as a version takes them.

use super::{Bound, Column, Origin, Reading, Values, bind};
use crate::pg::error::Result;
use crate::pg::rows::RowView;
use crate::registry::serving::Serving;
use pglearn_core::value::Value;
use std::rc::Rc;

/// The rows of a source or of a trigger, bound to the inputs of a version.
pub struct BoundRows {
    serving: Rc<Serving>,
    bound: Vec<Bound>,
    /// Without values between rows.
    values: Vec<Value<'static>>,
}

impl BoundRows {
    /// Binds columns to the inputs of a version. `view` says where the column of a name will stand in
    /// the views of the rows.
    ///
    /// # Errors
    /// Those of [`bind`] and of `view`.
    pub fn new(
        serving: Rc<Serving>,
        origin: Origin,
        columns: &[Column<'_>],
        mut view: impl FnMut(&str) -> Result<usize>,
    ) -> Result<Self> {
        let mut bound = bind(&serving, origin, columns)?;
        for bound in &mut bound {
            bound.column = view(columns[bound.column].name)?;
        }
        Ok(Self {
            serving,
            bound,
            values: Vec::new(),
        })
    }

    /// The version.
    pub fn serving(&self) -> &Rc<Serving> {
        &self.serving
    }

    /// Runs `work` with the values of a row, one a slot.
    ///
    /// # Errors
    /// 2202E for an array of another length or of several dimensions; those of `work`.
    #[inline]
    pub fn with_values<T>(
        &mut self,
        row: &RowView<'_>,
        work: impl FnOnce(&Serving, &[Value<'_>]) -> Result<T>,
    ) -> Result<T> {
        let mut values = lend(std::mem::take(&mut self.values));
        values.resize(self.serving.scorer.slots(), Value::Missing);
        for bound in &self.bound {
            match &bound.reading {
                Reading::Value(_) => values[bound.slot] = row.value(bound.column),
                Reading::Array(elements) => {
                    // Already missing where the array is NULL.
                    if let Some(bytes) = row.varlena(bound.column) {
                        elements.read(bytes, &self.serving, &mut Values(&mut values))?;
                    }
                }
            }
        }
        let answer = work(&self.serving, &values);
        self.values = lend(values);
        answer
    }
}

/// An empty list for values of another lifetime, in the memory of this one: collecting what was
/// mapped in place does not allocate.
pub fn lend<'b>(mut values: Vec<Value<'_>>) -> Vec<Value<'b>> {
    values.clear();
    values.into_iter().map(|_| Value::Missing).collect()
}
