//! `linregr_train`: ordinary least squares in one pass over the rows.

use super::request::{Regression, Written};
use super::sinks::{Folding, KeptRows, fit_of, fold, rows_at_a_time};
use super::warnings::{self, Warnings};
use crate::pg::error::{Failure, Result};
use crate::pg::monitor::SessionMonitor;
use crate::pg::progress::Report;
use crate::pg::scan::{OutcomeKind, Scan, scan};
use crate::pg::table::{self, Cell, NewColumn};
use pglearn_core::linear::{BreuschPagan, BreuschPaganTest, Finding, LinearAccumulator, LinearFit};

/// The arguments of `linregr_train`.
#[derive(Debug, Clone, Copy)]
pub struct Arguments<'a> {
    pub source_table: Option<&'a str>,
    pub out_table: Option<&'a str>,
    pub dependent_varname: Option<&'a str>,
    pub independent_varname: Option<&'a str>,
    pub grouping_cols: Option<&'a str>,
    pub heteroskedasticity: bool,
}

/// The fit of one group and, if asked for, its test.
type Outcome = (LinearFit, Option<BreuschPaganTest>);

/// Trains and writes both tables.
///
/// # Errors
/// Those of the arguments, the query, the fit and the tables.
pub fn train(arguments: &Arguments<'_>) -> Result<()> {
    let columns = output_columns(arguments.heteroskedasticity);
    let regression = Regression::new(
        Written {
            function: "linregr_train",
            source_table: arguments.source_table,
            out_table: arguments.out_table,
            dependent_varname: arguments.dependent_varname,
            independent_varname: arguments.independent_varname,
            grouping_cols: arguments.grouping_cols,
        },
        &columns,
    )?;
    let _report = Report::new(regression.source.relation, &regression.out.name);
    let (scan, outcomes) = if arguments.heteroskedasticity {
        fit_with_test(&regression)?
    } else {
        fit_in_one_pass(&regression)?
    };
    write(
        &regression,
        columns,
        &scan,
        outcomes,
        arguments.heteroskedasticity,
    )
}

fn fit_in_one_pass(regression: &Regression<'_>) -> Result<(Scan, Vec<Option<Outcome>>)> {
    let mut sink = Folding::default();
    let scan = scan(&regression.request()?, OutcomeKind::Number, &mut sink)?;
    let fits = sink.finish().map_err(|e| failure(e, &scan))?;
    Ok((
        scan,
        fits.into_iter()
            .map(|fit| fit.map(|fit| (fit, None)))
            .collect(),
    ))
}

/// The test needs the residuals, hence the rows a second time: they are kept, so that a query whose
/// rows change from run to run is read once.
fn fit_with_test(regression: &Regression<'_>) -> Result<(Scan, Vec<Option<Outcome>>)> {
    let mut sink = KeptRows::raw();
    let scan = scan(&regression.request()?, OutcomeKind::Number, &mut sink)?;
    let mut outcomes = Vec::new();
    for group in 0..scan.groups.len() {
        outcomes.push(fit_and_test(&sink, group).map_err(|e| failure(e, &scan))?);
    }
    Ok((scan, outcomes))
}

fn fit_and_test(rows: &KeptRows, group: usize) -> pglearn_core::Result<Option<Outcome>> {
    let Some(tiles) = rows.tiles() else {
        return Ok(None);
    };
    let mut monitor = SessionMonitor::default();
    let mut accumulator = LinearAccumulator::new(rows.features())?;
    for span in tiles.spans(rows.range(group)) {
        fold(&mut accumulator, span, &mut monitor)?;
    }
    let Some(fit) = fit_of(&accumulator, &mut monitor)? else {
        return Ok(None);
    };
    let mut test = BreuschPagan::new(&fit.coefficients)?;
    for span in tiles.spans(rows.range(group)) {
        for part in span.parts(rows_at_a_time(span.columns)) {
            monitor.breathe()?;
            test.update(part)?;
        }
    }
    let test = test.finish(&mut monitor)?;
    Ok(Some((fit, Some(test))))
}

fn failure(error: pglearn_core::Error, scan: &Scan) -> Failure {
    Failure::from_core(error, &|column| {
        scan.names.get(column).cloned().unwrap_or_default()
    })
}

fn output_columns(heteroskedasticity: bool) -> Vec<NewColumn> {
    let mut columns = vec![
        NewColumn::new("coef", "double precision[]"),
        NewColumn::new("r2", "double precision"),
        NewColumn::new("std_err", "double precision[]"),
        NewColumn::new("t_stats", "double precision[]"),
        NewColumn::new("p_values", "double precision[]"),
        NewColumn::new("condition_no", "double precision"),
    ];
    if heteroskedasticity {
        columns.push(NewColumn::new("bp_stats", "double precision"));
        columns.push(NewColumn::new("bp_p_value", "double precision"));
    }
    columns.push(NewColumn::new("num_rows_processed", "bigint"));
    columns.push(NewColumn::new("num_missing_rows_skipped", "bigint"));
    columns.push(NewColumn::new("variance_covariance", "double precision[]"));
    columns
}

fn write(
    regression: &Regression<'_>,
    columns: Vec<NewColumn>,
    scan: &Scan,
    outcomes: Vec<Option<Outcome>>,
    heteroskedasticity: bool,
) -> Result<()> {
    let mut warnings = Warnings::default();
    let mut all: Vec<NewColumn> = scan.group_columns.iter().map(NewColumn::like).collect();
    all.extend(columns);
    let mut table = table::create(&regression.out, &all)?;
    let mut outcomes = outcomes.into_iter();
    for group in &scan.groups {
        let outcome = outcomes.next().flatten();
        if let Some((fit, _)) = &outcome {
            let name = scan.group_name(group);
            fit.findings
                .iter()
                .for_each(|finding| explain(finding, &name, scan, &mut warnings));
        }
        let mut cells = Cell::keys(group);
        cells.extend(model_cells(
            outcome,
            heteroskedasticity,
            group.rows,
            group.skipped,
        ));
        table.write(cells)?;
    }
    table.finish()?;
    summary(regression, scan, warnings)
}

fn model_cells(
    outcome: Option<Outcome>,
    heteroskedasticity: bool,
    rows: u64,
    skipped: u64,
) -> Vec<Cell> {
    let counts = [Cell::BigInt(rows as i64), Cell::BigInt(skipped as i64)];
    let Some((fit, test)) = outcome else {
        let nulls = if heteroskedasticity { 8 } else { 6 };
        let mut cells = vec![Cell::Null; nulls];
        cells.extend(counts);
        cells.push(Cell::Null);
        return cells;
    };
    let k = fit.coefficients.len();
    let number = |value: f64| {
        if value.is_nan() {
            Cell::Null
        } else {
            Cell::Double(value)
        }
    };
    let mut cells = vec![
        Cell::Doubles(fit.coefficients),
        number(fit.r2),
        Cell::Doubles(fit.std_err),
        Cell::Doubles(fit.t_stats),
        fit.p_values.map_or(Cell::Null, Cell::Doubles),
        Cell::Double(fit.condition_number),
    ];
    if heteroskedasticity {
        cells.push(test.map_or(Cell::Null, |test| number(test.statistic)));
        cells.push(test.map_or(Cell::Null, |test| number(test.p_value)));
    }
    cells.extend(counts);
    cells.push(Cell::Matrix(fit.covariance, k));
    cells
}

fn summary(regression: &Regression<'_>, scan: &Scan, warnings: Warnings) -> Result<()> {
    let columns = [
        ("method", "character varying"),
        ("source_table", "character varying"),
        ("out_table", "character varying"),
        ("dependent_varname", "character varying"),
        ("independent_varname", "character varying"),
        ("num_rows_processed", "bigint"),
        ("num_missing_rows_skipped", "integer"),
        ("grouping_col", "text"),
        ("warnings", "text[]"),
    ]
    .map(|(name, sql_type)| NewColumn::new(name, sql_type));
    let mut table = table::create(&regression.summary, &columns)?;
    let [source, out, dependent, independent] = regression.names().map(Cell::Text);
    table.write([
        Cell::Text("linregr".to_owned()),
        source,
        out,
        dependent,
        independent,
        Cell::BigInt(scan.rows() as i64),
        Cell::Int(i32::try_from(scan.skipped()).unwrap_or(i32::MAX)),
        regression.grouping_text().map_or(Cell::Null, Cell::Text),
        Cell::Texts(warnings.finish(&regression.summary.quoted())),
    ])?;
    table.finish()
}

fn explain(finding: &Finding, group: &str, scan: &Scan, warnings: &mut Warnings) {
    let (message, detail) = match finding {
        Finding::Collinear { columns } => (
            format!(
                "{} are linearly dependent",
                warnings::named(&scan.names, columns)
            ),
            "The coefficients are those of minimum norm; only combinations of them are determined.",
        ),
        Finding::ZeroColumn { column } => (
            format!(
                "{} is zero in every row",
                warnings::named(&scan.names, &[*column])
            ),
            "Its coefficient is 0, without a standard error.",
        ),
        Finding::ConstantTarget { .. } => (
            "the dependent variable is constant".to_owned(),
            "r2 is undefined and therefore NULL.",
        ),
        Finding::PerfectFit => (
            "the fit is exact to rounding".to_owned(),
            "Standard errors and p-values carry no information.",
        ),
        Finding::NoDegreesOfFreedom { rows, rank } => (
            format!("{rows} rows are too few for {rank} coefficients"),
            "There are no degrees of freedom left for standard errors and p-values.",
        ),
        other => (format!("{other:?}"), ""),
    };
    warnings.add(group, &message, detail);
}
