//! Rows that wait until the lengths of all arrays are known: an array may be NULL in the first ones.

use super::cells::{Column, lengths, number, set};
use crate::pg::error::{Failure, Result, memory_limit};
use crate::pg::rows::RowView;
use pglearn_core::frame::Frame;
use pglearn_core::value::Value;

enum Cell {
    Missing,
    Number(f64),
    Time(i64),
    Text(String),
    Elements(Option<Vec<f64>>),
}

/// Rows as copies.
#[derive(Default)]
pub(super) struct Waiting {
    rows: Vec<Vec<Cell>>,
    bytes: u64,
}

impl Waiting {
    /// Keeps a row.
    ///
    /// # Errors
    /// 2202E for arrays that differ in length, 54000 where it is too much for the limit in bytes.
    #[cold]
    pub fn keep(&mut self, row: &RowView<'_>, columns: &[Column], limit: u64) -> Result<()> {
        let mut cells = Vec::with_capacity(columns.len());
        self.bytes += std::mem::size_of_val(columns) as u64;
        for column in columns {
            if column.array {
                let mut elements = Vec::new();
                let some = row.elements(column.place, &mut elements)?;
                if some && elements.len() != column.input.slots() {
                    return Err(lengths(&column.input, elements.len()));
                }
                self.bytes += elements.len() as u64 * 8;
                cells.push(Cell::Elements(some.then_some(elements)));
                continue;
            }
            cells.push(match row.value(column.place) {
                Value::Missing => Cell::Missing,
                Value::Number(number) => Cell::Number(number),
                Value::Time(time) => Cell::Time(time),
                Value::Text(text) => {
                    self.bytes += text.len() as u64;
                    Cell::Text(text.to_owned())
                }
            });
        }
        if self.bytes > limit {
            return Err(memory_limit(self.bytes, limit));
        }
        self.rows.push(cells);
        Ok(())
    }

    /// Forgets columns that never had a value.
    pub fn retain(&mut self, keep: &[bool]) {
        for row in &mut self.rows {
            let mut kept = keep.iter();
            row.retain(|_| kept.next().copied().unwrap_or(true));
        }
    }

    /// Bytes held, about.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Moves the rows into a frame.
    ///
    /// # Errors
    /// Those of the frame.
    pub fn fill(self, frame: &mut Frame, columns: &[Column]) -> Result<()> {
        for row in self.rows {
            let mut slot = 0;
            for (column, cell) in columns.iter().zip(&row) {
                let count = column.input.slots();
                for i in 0..count {
                    let value = match cell {
                        Cell::Elements(Some(elements)) => {
                            number(elements.get(i).copied().unwrap_or(f64::NAN))
                        }
                        Cell::Missing | Cell::Elements(None) => Value::Missing,
                        Cell::Number(number) => Value::Number(*number),
                        Cell::Time(time) => Value::Time(*time),
                        Cell::Text(text) => Value::Text(text),
                    };
                    set(frame, slot + i, value)?;
                }
                slot += count;
            }
            frame
                .commit_row()
                .map_err(|error| Failure::from_core(error, &|_| String::new()))?;
        }
        Ok(())
    }
}
