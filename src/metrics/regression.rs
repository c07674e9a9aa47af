//! Errors of predicted quantities, one row a group.

use super::request::{Comparison, Written};
use crate::pg::error::{Result, notice};
use crate::pg::progress::Report;
use crate::pg::scan::{RowSink, Shape};
use crate::pg::table::{self, Cell, NewColumn};
use pglearn_core::metrics::RegressionErrors;
use pglearn_core::tiles::Span;

/// Sums the errors of each group.
#[derive(Default)]
struct Sums(Vec<RegressionErrors>);

impl RowSink for Sums {
    fn start(&mut self, _shape: Shape<'_>) -> Result<()> {
        Ok(())
    }

    fn begin_group(&mut self) -> pglearn_core::Result<()> {
        self.0.push(RegressionErrors::default());
        Ok(())
    }

    fn rows(&mut self, span: Span<'_>) -> pglearn_core::Result<()> {
        let Some(sums) = self.0.last_mut() else {
            return Ok(());
        };
        let mut pairs = span.column(0).iter().zip(span.column(1));
        pairs.try_for_each(|(predicted, observed)| sums.push(*predicted, *observed))
    }
}

/// Which numbers to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    MeanAbsError,
    MeanSquaredError,
    MeanAbsPercError,
    MeanPercError,
    R2,
    AdjustedR2 {
        num_predictors: u64,
        training_size: u64,
    },
}

impl Metric {
    fn columns(self) -> Vec<NewColumn> {
        let list: &[(&str, &str)] = match self {
            Self::MeanAbsError => &[("mean_abs_error", "numeric")],
            Self::MeanSquaredError => &[("mean_squared_error", "double precision")],
            Self::MeanAbsPercError => &[("mean_abs_perc_error", "double precision")],
            Self::MeanPercError => &[("mean_perc_error", "double precision")],
            Self::R2 => &[("r2_score", "double precision")],
            Self::AdjustedR2 { .. } => &[
                ("r2_score", "double precision"),
                ("adjusted_r2_score", "double precision"),
            ],
        };
        list.iter()
            .map(|(name, sql_type)| NewColumn::new(name, sql_type))
            .collect()
    }

    fn cells(self, sums: &RegressionErrors) -> Vec<Cell> {
        // Sums beyond the range of doubles have no quotient.
        let double = |value: Option<f64>| Cell::optional(value.filter(|value| !value.is_nan()));
        match self {
            Self::MeanAbsError => vec![sums.mean_abs_error().map_or(Cell::Null, Cell::Decimal)],
            Self::MeanSquaredError => vec![double(sums.mean_squared_error())],
            Self::MeanAbsPercError => vec![double(sums.mean_abs_perc_error())],
            Self::MeanPercError => vec![double(sums.mean_perc_error())],
            Self::R2 => vec![double(sums.r2_score())],
            Self::AdjustedR2 {
                num_predictors,
                training_size,
            } => vec![
                double(sums.r2_score()),
                double(sums.adjusted_r2_score(num_predictors, training_size)),
            ],
        }
    }
}

/// Writes a metric of each group.
///
/// # Errors
/// Those of the arguments, the query and the table; 22003 for NaN and infinities.
pub fn write(written: Written<'_>, metric: Metric) -> Result<()> {
    let columns = metric.columns();
    let comparison = Comparison::new(written, &columns)?;
    let _report = Report::new(comparison.source.relation, &comparison.out.name);
    let mut sums = Sums::default();
    let scan = comparison.read(&mut sums)?;
    let zeros: u64 = sums.0.iter().map(RegressionErrors::zero_observations).sum();
    if zeros > 0 && matches!(metric, Metric::MeanAbsPercError | Metric::MeanPercError) {
        notice(&format!(
            "{zeros} observations are 0: percent errors of their groups are NULL"
        ));
    }
    let mut all: Vec<NewColumn> = scan.group_columns.iter().map(NewColumn::like).collect();
    all.extend(columns);
    let mut table = table::create(&comparison.out, &all)?;
    for (group, sums) in scan.groups.iter().zip(&sums.0) {
        table.write(Cell::keys(group).into_iter().chain(metric.cells(sums)))?;
    }
    table.finish()
}
