//! The columns of a source that are read, each once.

use crate::pg::error::{Failure, Result};
use crate::pg::parse::Source;
use crate::pg::rows::{SourceColumn, describe};
use pglearn_core::options::one_of;
use pgrx::PgSqlErrorCode;

/// The columns of a source, and which of them are to be read.
pub struct ReadList {
    columns: Vec<SourceColumn>,
    names: Vec<String>,
}

impl ReadList {
    /// None of a source's columns yet.
    ///
    /// # Errors
    /// Whatever parse analysis of the source raises.
    pub fn of(source: &Source) -> Result<Self> {
        Ok(Self {
            columns: describe(source)?,
            names: Vec::new(),
        })
    }

    /// Adds a column; returns its place in the view of a row. `part` says in a message what it is
    /// needed for.
    ///
    /// # Errors
    /// 42703 with the nearest names, 42702 where the source has several of that name.
    pub fn add(&mut self, name: &str, part: &str) -> Result<usize> {
        let same = self.columns.iter().filter(|column| column.name == name);
        match same.count() {
            0 => return Err(self.missing(name, part)),
            1 => {}
            _ => {
                return Err(Failure::new(
                    PgSqlErrorCode::ERRCODE_AMBIGUOUS_COLUMN,
                    format!("the source has several columns \"{name}\""),
                )
                .detail(format!("It is {part}."))
                .hint("Give them different names: source 'SELECT a.id AS a_id, …'."));
            }
        }
        let known = self.names.iter().position(|known| known == name);
        Ok(known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        }))
    }

    fn missing(&self, name: &str, part: &str) -> Failure {
        let known: Vec<&str> = self.columns.iter().map(|c| c.name.as_str()).collect();
        let failure = Failure::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
            format!("the source has no column \"{name}\""),
        )
        .detail(format!("It is {part}."));
        match one_of(name, &known) {
            hint if hint.is_empty() => failure,
            hint => failure.hint(hint),
        }
    }

    /// A column of the source that was added.
    ///
    /// # Errors
    /// XX000 for one that was not.
    pub fn column(&self, place: usize) -> Result<&SourceColumn> {
        let name = self.names.get(place);
        name.and_then(|name| self.columns.iter().find(|column| column.name == *name))
            .ok_or_else(|| Failure::internal("a column that is not read"))
    }

    /// All columns of the source.
    pub fn of_source(&self) -> &[SourceColumn] {
        &self.columns
    }

    /// The names to read, in the order of their places.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}
