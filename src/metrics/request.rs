//! The arguments that all metrics share.

use crate::pg::error::{Failure, Result, notice};
use crate::pg::parse::{self, NewRelation, Source};
use crate::pg::query::{DesignInput, Expression, Request};
use crate::pg::scan::{OutcomeKind, RowSink, Scan, scan};
use crate::pg::table::{self, NewColumn};
use pgrx::PgSqlErrorCode;

/// The arguments as they came.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// The SQL function.
    pub function: &'static str,
    /// Relation or SELECT.
    pub table_in: Option<&'a str>,
    /// The table to be made.
    pub table_out: Option<&'a str>,
    /// Expression of the prediction.
    pub prediction_col: Option<&'a str>,
    /// Expression of the observation.
    pub observed_col: Option<&'a str>,
    /// Comma list of columns.
    pub grouping_cols: Option<&'a str>,
}

/// The arguments, checked.
#[derive(Debug)]
pub struct Comparison {
    pub source: Source,
    pub out: NewRelation,
    pub prediction: Expression,
    pub observed: Expression,
    pub grouping: Vec<String>,
}

impl Comparison {
    /// Checks names and expressions; nothing is read, nothing is made.
    ///
    /// # Errors
    /// 22004 for a missing argument, those of [`parse`], 42701 for a group column that is named as an
    /// output column.
    pub fn new(written: Written<'_>, columns: &[NewColumn]) -> Result<Self> {
        let need = |value: Option<&'_ str>, name| match value {
            Some(text) => Ok(text.to_owned()),
            None => Err(Failure::new(
                PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
                format!("argument {name} of {} must not be NULL", written.function),
            )),
        };
        let source = parse::source("table_in", &need(written.table_in, "table_in")?)?;
        let out = parse::new_relation("table_out", &need(written.table_out, "table_out")?)?;
        let prediction = Expression::new(
            "prediction_col",
            &need(written.prediction_col, "prediction_col")?,
        )?;
        let observed =
            Expression::new("observed_col", &need(written.observed_col, "observed_col")?)?;
        let grouping = table::group_columns(written.grouping_cols, columns)?;
        Ok(Self {
            source,
            out,
            prediction,
            observed,
            grouping,
        })
    }

    /// Reads predictions (column 0) and observations (column 1) into a sink. Rows with a NULL are
    /// left out; their number is told.
    ///
    /// # Errors
    /// Those of the query and the sink.
    pub fn read(&self, sink: &mut dyn RowSink) -> Result<Scan> {
        let columns = vec![self.prediction.clone(), self.observed.clone()];
        let request = Request {
            source: &self.source,
            outcome: None,
            design: DesignInput::Scalars(columns),
            grouping: &self.grouping,
        };
        let scan = scan(&request, OutcomeKind::None, sink)?;
        if scan.skipped() > 0 {
            notice(&format!(
                "{} rows were left out: the prediction or the observation is NULL",
                scan.skipped()
            ));
        }
        Ok(scan)
    }
}
