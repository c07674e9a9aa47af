//! `logregr_train`: logistic regression with inference, a whole model or one a group.

use super::request::{Regression, Written};
use super::sinks::KeptRows;
use super::warnings::{self, Warnings};
use crate::pg::error::{Failure, Result, notice};
use crate::pg::monitor::SessionMonitor;
use crate::pg::progress::Report;
use crate::pg::scan::{OutcomeKind, Scan, scan};
use crate::pg::table::{self, Cell, NewColumn, Writer};
use crate::settings::{self, FitIntercept};

use pglearn_core::logistic::{
    Finding, Intercept, InterceptDecision, LogisticFit, LogisticParams, LogisticValidParams,
    Optimizer, Rows, Status, decide_intercept, fit, working_memory,
};
use pglearn_core::{Error, ParamGuard};

/// The arguments of `logregr_train`.
#[derive(Debug, Clone, Copy)]
pub struct Arguments<'a> {
    pub source_table: Option<&'a str>,
    pub out_table: Option<&'a str>,
    pub dependent_varname: Option<&'a str>,
    pub independent_varname: Option<&'a str>,
    pub grouping_cols: Option<&'a str>,
    pub max_iter: i32,
    pub optimizer: &'a str,
    pub tolerance: f64,
    pub verbose: bool,
}

/// What the summary says about all groups together.
#[derive(Default)]
struct Tally {
    failed: i32,
    intercept_added: bool,
    not_converged: u32,
    separated: u32,
}

/// Trains and writes both tables.
///
/// # Errors
/// Those of the arguments, the query, the fit and the tables.
pub fn train(arguments: &Arguments<'_>) -> Result<()> {
    let columns = output_columns();
    let regression = Regression::new(
        Written {
            function: "logregr_train",
            source_table: arguments.source_table,
            out_table: arguments.out_table,
            dependent_varname: arguments.dependent_varname,
            independent_varname: arguments.independent_varname,
            grouping_cols: arguments.grouping_cols,
        },
        &columns,
    )?;
    let params = params(arguments)?;
    let _report = Report::new(regression.source.relation, &regression.out.name);
    let mut rows =
        KeptRows::centred(|features| working_memory(features + 1, settings::max_threads()));
    let scan = scan(&regression.request()?, OutcomeKind::TwoClasses, &mut rows)?;
    if scan.rows() == 0 {
        return Err(no_rows(&scan));
    }
    orient(&scan, &mut rows, regression.dependent);
    write(&regression, arguments, columns, &params, &scan, &rows)
}

fn params(arguments: &Arguments<'_>) -> Result<LogisticValidParams> {
    let optimizer = match arguments.optimizer.to_ascii_lowercase().as_str() {
        "irls" | "newton" => Optimizer::Irls,
        "cg" => Optimizer::Cg,
        "igd" => Optimizer::Igd,
        _ => {
            return Err(Failure::parameter(format!(
                "unknown optimizer \"{}\"",
                arguments.optimizer
            ))
            .hint("The optimizers are 'irls' (also called 'newton'), 'cg' and 'igd'."));
        }
    };
    let intercept = match settings::fit_intercept() {
        FitIntercept::auto => Intercept::Auto,
        FitIntercept::off => Intercept::Never,
    };
    LogisticParams::new()
        .max_iter(u32::try_from(arguments.max_iter).unwrap_or(0))
        .tolerance(arguments.tolerance)
        .optimizer(optimizer)
        .intercept(intercept)
        .threads(settings::max_threads())
        .check()
        .map_err(|e| match e {
            // A negative number of iterations is shown as it was written.
            Error::InvalidParameter {
                name: "max_iter",
                expected,
                ..
            } => {
                let value = arguments.max_iter.to_string();
                Failure::from_core(
                    Error::InvalidParameter {
                        name: "max_iter",
                        value,
                        expected,
                    },
                    &|_| String::new(),
                )
            }
            other => Failure::from_core(other, &|_| String::new()),
        })
}

fn no_rows(scan: &Scan) -> Failure {
    let failure = Failure::from_core(Error::NoRows, &|_| String::new());
    match scan.skipped() {
        0 => failure
            .detail("The source has no rows.")
            .hint("Name a source with rows, or relax the WHERE clause of its SELECT."),
        n => failure.detail(format!(
            "All {n} rows were skipped: each has a NULL in the dependent or an independent variable."
        )),
    }
}

/// Makes the greater value the positive class and says which it is.
fn orient(scan: &Scan, rows: &mut KeptRows, dependent: &str) {
    let Some(classes) = &scan.classes else { return };
    let features = rows.features();
    if let (true, Some(tiles)) = (classes.flipped, rows.tiles_mut()) {
        tiles.complement(features);
    }
    if let (false, Some(negative), Some(positive)) =
        (classes.canonical, &classes.negative, &classes.positive)
    {
        notice(&format!(
            "\"{positive}\" is the positive class of {dependent}, \"{negative}\" the negative one"
        ));
    }
}

fn output_columns() -> Vec<NewColumn> {
    [
        ("coef", "double precision[]"),
        ("log_likelihood", "double precision"),
        ("std_err", "double precision[]"),
        ("z_stats", "double precision[]"),
        ("p_values", "double precision[]"),
        ("odds_ratios", "double precision[]"),
        ("condition_no", "double precision"),
        ("num_rows_processed", "bigint"),
        ("num_missing_rows_skipped", "bigint"),
        ("num_iterations", "integer"),
        ("variance_covariance", "double precision[]"),
        ("intercept", "double precision"),
    ]
    .map(|(name, sql_type)| NewColumn::new(name, sql_type))
    .to_vec()
}

/// Fits group after group and writes each model as it comes.
fn write(
    regression: &Regression<'_>,
    arguments: &Arguments<'_>,
    columns: Vec<NewColumn>,
    params: &LogisticValidParams,
    scan: &Scan,
    rows: &KeptRows,
) -> Result<()> {
    let Some(tiles) = rows.tiles() else {
        return Err(no_rows(scan));
    };
    let name = |column: usize| scan.names.get(column).cloned().unwrap_or_default();
    let part = |range| Rows {
        tiles,
        range,
        features: rows.features(),
        weighted: false,
    };
    let mut monitor = SessionMonitor::verbose(arguments.verbose);
    let decision: Option<InterceptDecision> = if scan.group_columns.is_empty() {
        None
    } else {
        let all = part(0..tiles.rows());
        Some(
            decide_intercept(params, &all, &mut monitor)
                .map_err(|e| Failure::from_core(e, &name))?,
        )
    };
    let mut warnings = Warnings::default();
    let mut tally = Tally::default();
    let mut all: Vec<NewColumn> = scan.group_columns.iter().map(NewColumn::like).collect();
    all.extend(columns);
    let mut table = table::create(&regression.out, &all)?;
    for (number, group) in scan.groups.iter().enumerate() {
        let rows = part(rows.range(number));
        let fitted = match fit(params, &rows, decision, &mut monitor) {
            Ok(fitted) => Some(fitted),
            Err(Error::NoRows) => None,
            Err(Error::Breakdown { .. }) if scan.groups.len() > 1 => {
                warnings.add(
                    &scan.group_name(group),
                    "no model: the fit left the range of double precision",
                    "Its row in the model table has NULLs.",
                );
                None
            }
            Err(error) => return Err(Failure::from_core(error, &name)),
        };
        match &fitted {
            Some(fit) => note(
                fit,
                &scan.group_name(group),
                scan,
                &mut tally,
                &mut warnings,
            ),
            None => tally.failed += 1,
        }
        write_model(
            &mut table,
            Cell::keys(group),
            fitted,
            group.rows,
            group.skipped,
        )?;
    }
    table.finish()?;
    if tally.intercept_added {
        notice("an intercept was added to the design: it is coef[1] and the column intercept");
    }
    summary(regression, arguments, scan, &tally, warnings)
}

fn write_model(
    table: &mut Writer,
    mut cells: Vec<Cell>,
    fitted: Option<LogisticFit>,
    rows: u64,
    skipped: u64,
) -> Result<()> {
    let counts = [Cell::BigInt(rows as i64), Cell::BigInt(skipped as i64)];
    match fitted {
        None => {
            cells.extend(vec![Cell::Null; 7]);
            cells.extend(counts);
            cells.extend(vec![Cell::Null; 3]);
        }
        Some(fit) => {
            let k = fit.coefficients.len();
            let (intercept, _) = fit.parts();
            cells.extend([
                Cell::Doubles(fit.coefficients),
                Cell::Double(fit.log_likelihood),
                Cell::Doubles(fit.std_err),
                Cell::Doubles(fit.z_stats),
                Cell::Doubles(fit.p_values),
                Cell::Doubles(fit.odds_ratios),
                Cell::Double(fit.condition_number),
            ]);
            cells.extend(counts);
            cells.extend([
                Cell::Int(i32::try_from(fit.iterations).unwrap_or(i32::MAX)),
                Cell::Matrix(fit.covariance, k),
                Cell::Double(intercept),
            ]);
        }
    }
    table.write(cells)
}

fn summary(
    regression: &Regression<'_>,
    arguments: &Arguments<'_>,
    scan: &Scan,
    tally: &Tally,
    warnings: Warnings,
) -> Result<()> {
    let columns = [
        ("method", "character varying"),
        ("source_table", "character varying"),
        ("out_table", "character varying"),
        ("dependent_varname", "character varying"),
        ("independent_varname", "character varying"),
        ("optimizer_params", "character varying"),
        ("num_all_groups", "integer"),
        ("num_failed_groups", "integer"),
        ("num_rows_processed", "integer"),
        ("num_missing_rows_skipped", "integer"),
        ("grouping_col", "text"),
        ("intercept_added", "boolean"),
        ("class_values", "text[]"),
        ("status", "text"),
        ("warnings", "text[]"),
    ]
    .map(|(name, sql_type)| NewColumn::new(name, sql_type));
    let clamp = |count: u64| Cell::Int(i32::try_from(count).unwrap_or(i32::MAX));
    let [source, out, dependent, independent] = regression.names().map(Cell::Text);
    let classes = scan
        .classes
        .iter()
        .flat_map(|c| c.negative.iter().chain(&c.positive).cloned());
    let status = match tally {
        Tally { separated: 1.., .. } => "separated",
        Tally {
            not_converged: 1.., ..
        } => "not converged",
        _ => "converged",
    };
    let mut table = table::create(&regression.summary, &columns)?;
    table.write([
        Cell::Text("logregr".to_owned()),
        source,
        out,
        dependent,
        independent,
        Cell::Text(format!(
            "optimizer={}, max_iter={}, tolerance={}",
            arguments.optimizer, arguments.max_iter, arguments.tolerance
        )),
        clamp(scan.groups.len() as u64),
        Cell::Int(tally.failed),
        clamp(scan.rows()),
        clamp(scan.skipped()),
        regression.grouping_text().map_or(Cell::Null, Cell::Text),
        Cell::Bool(tally.intercept_added),
        Cell::Texts(classes.collect()),
        Cell::Text(status.to_owned()),
        Cell::Texts(warnings.finish(&regression.summary.quoted())),
    ])?;
    table.finish()
}

/// Takes a fit into the tally and tells what it found.
fn note(fit: &LogisticFit, group: &str, scan: &Scan, tally: &mut Tally, warnings: &mut Warnings) {
    tally.intercept_added |= fit.intercept_added;
    match fit.status {
        Status::Separated => tally.separated += 1,
        Status::MaxIterations | Status::Stalled => tally.not_converged += 1,
        Status::Converged => {}
    }
    for finding in &fit.findings {
        let (message, detail) = explain(finding, fit, scan);
        warnings.add(group, &message, &detail);
    }
}

fn explain(finding: &Finding, fit: &LogisticFit, scan: &Scan) -> (String, String) {
    let named = |columns: &[usize]| warnings::named(&scan.names, columns);
    match finding {
        Finding::Collinear { columns } => (
            format!("{} are linearly dependent", named(columns)),
            "The coefficients are those of minimum norm; only combinations of them are determined.".to_owned(),
        ),
        Finding::ConstantColumn { column } => (
            format!("{} is constant here", named(&[*column])),
            "It shares the constant's effect with the intercept; the coefficients are those of minimum norm.".to_owned(),
        ),
        Finding::ZeroColumn { column } => (
            format!("{} is zero in every row and was dropped", named(&[*column])),
            "Its coefficient is 0, without a standard error.".to_owned(),
        ),
        Finding::Separation { columns, complete } => (
            format!(
                "{} {} the classes: the maximum likelihood estimate does not exist",
                named(columns),
                match (columns.len(), complete) {
                    (1, true) => "separates",
                    (1, false) => "almost separates",
                    (_, true) => "separate",
                    (_, false) => "almost separate",
                }
            ),
            "Coefficients grow without bound; those reported are where the search stopped, and their standard errors mean nothing.".to_owned(),
        ),
        Finding::ConstantLabel { positive } => (
            format!(
                "all labels are {}: there is nothing to tell apart",
                if *positive { "positive" } else { "negative" }
            ),
            "Coefficients grow without bound; those reported are where the search stopped.".to_owned(),
        ),
        Finding::NotConverged { gap } => (
            format!("not converged after {} iterations", fit.iterations),
            format!("The log-likelihood could still gain about {gap:.3e}; raise max_iter or use optimizer 'irls'."),
        ),
        other => (format!("{other:?}"), String::new()),
    }
}
