//! The arguments that MADlib's regressions share, checked before any row is read.

use crate::pg::error::{Failure, Result};
use crate::pg::parse::{self, NewRelation, Source};
use crate::pg::query::{DesignInput, Expression, Request};
use crate::pg::table::{self, NewColumn};

/// The arguments as they came.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// The SQL function.
    pub function: &'static str,
    /// Relation or SELECT.
    pub source_table: Option<&'a str>,
    /// The table to be made.
    pub out_table: Option<&'a str>,
    /// Expression of the outcome.
    pub dependent_varname: Option<&'a str>,
    /// Expression of the design.
    pub independent_varname: Option<&'a str>,
    /// Comma list of columns.
    pub grouping_cols: Option<&'a str>,
}

/// The arguments, checked.
pub struct Regression<'a> {
    written: Written<'a>,
    /// From where.
    pub source: Source,
    /// The model table.
    pub out: NewRelation,
    /// The summary table.
    pub summary: NewRelation,
    /// The outcome, as written.
    pub dependent: &'a str,
    /// The design, as written.
    pub independent: &'a str,
    /// The group columns.
    pub grouping: Vec<String>,
}

impl<'a> Regression<'a> {
    /// Checks names and expressions; nothing is read, nothing is made.
    ///
    /// # Errors
    /// 22004 for a missing argument, those of [`parse`], 42701 for a group column that is named as an
    /// output column.
    pub fn new(written: Written<'a>, columns: &[NewColumn]) -> Result<Self> {
        let need = |value: Option<&'a str>, name| {
            value.ok_or_else(|| Failure::null_argument(written.function, name))
        };
        let source = need(written.source_table, "source_table")?;
        let out = need(written.out_table, "out_table")?;
        let dependent = need(written.dependent_varname, "dependent_varname")?;
        let independent = need(written.independent_varname, "independent_varname")?;
        let source = parse::source("source_table", source)?;
        let out = parse::new_relation("out_table", out)?;
        let summary = parse::new_sibling("out_table", &out, "_summary")?;
        let grouping = table::group_columns(written.grouping_cols, columns)?;
        let regression = Self {
            written,
            source,
            out,
            summary,
            dependent,
            independent,
            grouping,
        };
        regression.request()?;
        Ok(regression)
    }

    /// What to read.
    ///
    /// # Errors
    /// 42601 for text that is no single expression.
    pub fn request(&self) -> Result<Request<'_>> {
        Ok(Request {
            source: &self.source,
            outcome: Some(Expression::new("dependent_varname", self.dependent)?),
            design: DesignInput::Vector(Expression::new("independent_varname", self.independent)?),
            grouping: &self.grouping,
        })
    }

    /// The arguments that every summary repeats: source, output, dependent, independent.
    pub fn names(&self) -> [String; 4] {
        [
            self.source.written.clone(),
            self.written.out_table.unwrap_or_default().to_owned(),
            self.dependent.to_owned(),
            self.independent.to_owned(),
        ]
    }

    /// The group columns as the summary shows them.
    pub fn grouping_text(&self) -> Option<String> {
        (!self.grouping.is_empty()).then(|| self.grouping.join(", "))
    }
}
