//! `binary_classifier`, `binary_classifier_auc`, `area_under_roc`: one sort of the scores, one row
//! per distinct score.

use super::request::{Comparison, Written};
use crate::pg::call::ResultRows;
use crate::pg::error::{Failure, Result};
use crate::pg::monitor::SessionMonitor;
use crate::pg::progress::Report;
use crate::pg::scan::{RowSink, Scan, Shape};
use crate::pg::table::{self, Cell, NewColumn};
use crate::settings;
use pglearn_core::Error;
use pglearn_core::metrics::{Ranking, RankingBuilder, Threshold};
use pglearn_core::tiles::Span;

/// Bytes a row takes while it is sorted.
const ROW_BYTES: u64 = 16;

/// Ranks the scores of each group.
#[derive(Default)]
struct Rankings {
    builder: Option<RankingBuilder>,
    done: Vec<Ranking>,
    rows: u64,
    monitor: SessionMonitor,
}

impl Rankings {
    fn close_group(&mut self) -> pglearn_core::Result<()> {
        if let Some(builder) = self.builder.take() {
            self.done.push(builder.rank(&mut self.monitor)?);
        }
        Ok(())
    }
}

impl RowSink for Rankings {
    fn start(&mut self, _shape: Shape<'_>) -> Result<()> {
        Ok(())
    }

    fn begin_group(&mut self) -> pglearn_core::Result<()> {
        self.close_group()?;
        self.builder = Some(RankingBuilder::new());
        Ok(())
    }

    fn rows(&mut self, span: Span<'_>) -> pglearn_core::Result<()> {
        let Some(builder) = &mut self.builder else {
            return Ok(());
        };
        self.rows += span.rows as u64;
        let (needed, limit) = (self.rows * ROW_BYTES, settings::max_memory());
        if needed > limit {
            return Err(Error::MemoryLimit { needed, limit });
        }
        for (score, label) in span.column(0).iter().zip(span.column(1)) {
            if *label != 0.0 && *label != 1.0 {
                return Err(Error::NotBinary { value: *label });
            }
            builder.push(*score, *label == 1.0)?;
        }
        Ok(())
    }
}

fn rank(comparison: &Comparison) -> Result<(Scan, Vec<Ranking>)> {
    let mut sink = Rankings::default();
    let scan = comparison.read(&mut sink)?;
    sink.close_group()
        .map_err(|error| Failure::from_core(error, &|_| comparison.prediction.written.clone()))?;
    Ok((scan, sink.done))
}

/// Writes the group's columns and some more for each threshold of each group.
fn write(
    comparison: &Comparison,
    columns: Vec<NewColumn>,
    scan: &Scan,
    rankings: &[Ranking],
    mut row: impl FnMut(&Ranking, &mut dyn FnMut(&[Cell]) -> Result<()>) -> Result<()>,
) -> Result<()> {
    let mut all: Vec<NewColumn> = scan.group_columns.iter().map(NewColumn::like).collect();
    all.extend(columns);
    let mut table = table::create(&comparison.out, &all)?;
    for (group, ranking) in scan.groups.iter().zip(rankings) {
        let keys = Cell::keys(group);
        row(ranking, &mut |cells| {
            table.write(keys.iter().chain(cells).cloned())
        })?;
    }
    table.finish()
}

fn columns(list: &[(&str, &str)]) -> Vec<NewColumn> {
    list.iter()
        .map(|(name, sql_type)| NewColumn::new(name, sql_type))
        .collect()
}

/// All counts and rates at each threshold.
///
/// # Errors
/// Those of the arguments, the query and the table; 22023 for labels other than 0 and 1.
pub fn binary_classifier(written: Written<'_>) -> Result<()> {
    let columns = columns(&[
        ("threshold", "double precision"),
        ("tp", "numeric"),
        ("fp", "numeric"),
        ("fn", "numeric"),
        ("tn", "numeric"),
        ("tpr", "double precision"),
        ("tnr", "double precision"),
        ("ppv", "double precision"),
        ("npv", "double precision"),
        ("fpr", "double precision"),
        ("fdr", "double precision"),
        ("fnr", "double precision"),
        ("acc", "double precision"),
        ("f1", "numeric"),
    ]);
    let comparison = Comparison::new(written, &columns)?;
    let _report = Report::new(comparison.source.relation, &comparison.out.name);
    let (scan, rankings) = rank(&comparison)?;
    write(&comparison, columns, &scan, &rankings, |ranking, write| {
        ranking
            .thresholds()
            .try_for_each(|at| write(&counts_and_rates(&at)))
    })
}

fn counts_and_rates(at: &Threshold) -> [Cell; 14] {
    let c = &at.counts;
    [
        Cell::Double(at.threshold),
        Cell::Count(c.tp),
        Cell::Count(c.fp),
        Cell::Count(c.fn_),
        Cell::Count(c.tn),
        Cell::optional(c.tpr()),
        Cell::optional(c.tnr()),
        Cell::optional(c.ppv()),
        Cell::optional(c.npv()),
        Cell::optional(c.fpr()),
        Cell::optional(c.fdr()),
        Cell::optional(c.fnr()),
        Cell::optional(c.accuracy()),
        Cell::Ratio(2 * c.tp, 2 * c.tp + c.fp + c.fn_),
    ]
}

/// The area under the ROC curve, one row a group.
///
/// # Errors
/// As [`binary_classifier`].
pub fn area_under_roc(written: Written<'_>) -> Result<()> {
    let columns = columns(&[("area_under_roc", "numeric")]);
    let comparison = Comparison::new(written, &columns)?;
    let _report = Report::new(comparison.source.relation, &comparison.out.name);
    let (scan, rankings) = rank(&comparison)?;
    write(&comparison, columns, &scan, &rankings, |ranking, write| {
        write(&[ranking.roc_auc().map_or(Cell::Null, Cell::Decimal)])
    })
}

/// The ROC and precision-recall curves with the area under the former, as a table and as rows.
///
/// # Errors
/// As [`binary_classifier`].
pub fn binary_classifier_auc(written: Written<'_>, rows: &mut ResultRows) -> Result<()> {
    let columns = columns(&[
        ("threshold", "double precision"),
        ("tpr", "double precision"),
        ("fpr", "double precision"),
        ("precision", "double precision"),
        ("recall", "double precision"),
        ("f1_score", "double precision"),
        ("auc", "double precision"),
    ]);
    let comparison = Comparison::new(written, &columns)?;
    let _report = Report::new(comparison.source.relation, &comparison.out.name);
    let (scan, rankings) = rank(&comparison)?;
    write(&comparison, columns, &scan, &rankings, |ranking, write| {
        let auc = ranking.roc_auc();
        ranking.thresholds().try_for_each(|at| {
            let row = curve_point(&at, auc);
            rows.push(&row);
            write(&row.map(Cell::optional))
        })
    })
}

fn curve_point(at: &Threshold, auc: Option<f64>) -> [Option<f64>; 7] {
    let c = &at.counts;
    [
        Some(at.threshold),
        c.tpr(),
        c.fpr(),
        c.ppv(),
        c.tpr(),
        c.f1(),
        auc,
    ]
}
