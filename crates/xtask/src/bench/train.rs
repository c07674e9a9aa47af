//! Training, everything included: reading, fitting, inference, writing the model tables.

use super::Bench;
use super::data::{NARROW, Points, WIDE};
use super::measure::compare;
use super::table::Goal;
use crate::error::{Result, fail};
use crate::session::Session;

const CLEAN: &str = "DROP TABLE IF EXISTS model, model_summary";

/// Where the independent variables are.
#[derive(Clone, Copy)]
enum Form {
    Columns,
    Array,
}

impl Form {
    fn name(self) -> &'static str {
        match self {
            Self::Columns => "columns",
            Self::Array => "float8[]",
        }
    }

    fn table(self, points: Points) -> String {
        match self {
            Self::Columns => points.table(),
            Self::Array => points.vectors(),
        }
    }

    /// The training call.
    fn call(self, function: &str, outcome: &str, points: Points) -> String {
        let table = self.table(points);
        let variables = match self {
            Self::Columns => format!("ARRAY[{}]", points.names()),
            Self::Array => "x".to_owned(),
        };
        format!("SELECT ml.{function}('{table}', 'model', '{outcome}', '{variables}')")
    }

    /// Runs before each pair: the session has seen the pages that it is going to train on.
    fn before(self, points: Points) -> String {
        format!("{CLEAN}; SELECT count(*) FROM {}", self.table(points))
    }
}

/// `logregr_train` of ten and of a hundred columns, on one thread and on two.
pub fn logregr(bench: &mut Bench<'_>) -> Result<()> {
    let cases = [
        (NARROW, Goal::at_most(2.3).aim(1.7)),
        (WIDE, Goal::at_most(2.8).aim(2.2)),
    ];
    bench.table.section(
        "logregr_train until converged, against SELECT sum(c1) + … of the columns, one thread",
    );
    for (points, goal) in cases {
        points.make(bench)?;
        for form in [Form::Columns, Form::Array] {
            let call = form.call("logregr_train", "label", points);
            let name = format!("{}, {}", points.size(), form.name());
            let ratio = compare(
                || bench.session(),
                &points.scan(),
                &call,
                &form.before(points),
            )?;
            converged(&mut bench.session()?)?;
            bench.table.push(&name, ratio, Some(goal));
            let two_threads = || {
                let mut session = bench.session()?;
                session.run("SET pglearn.max_threads = 2")?;
                Ok(session)
            };
            let ratio = compare(two_threads, &points.scan(), &call, &form.before(points))?;
            bench.table.push_wall(format!("{name}, two threads"), ratio);
        }
    }
    Ok(())
}

/// `linregr_train` of ten columns.
pub fn linregr(bench: &mut Bench<'_>) -> Result<()> {
    NARROW.make(bench)?;
    bench
        .table
        .section("linregr_train, against SELECT sum(c1) + … of the columns");
    let cases = [
        (Form::Columns, Goal::at_most(1.4)),
        (Form::Array, Goal::at_most(1.0).aim(0.7)),
    ];
    for (form, goal) in cases {
        let call = form.call("linregr_train", "target", NARROW);
        let ratio = compare(
            || bench.session(),
            &NARROW.scan(),
            &call,
            &form.before(NARROW),
        )?;
        bench.table.push(
            format!("{}, {}", NARROW.size(), form.name()),
            ratio,
            Some(goal),
        );
    }
    Ok(())
}

/// How much the backend grows while it trains.
pub fn memory(bench: &mut Bench<'_>) -> Result<()> {
    bench
        .table
        .section("Peak memory of logregr_train, against the dense matrix + 64 MB");
    for points in [NARROW, WIDE] {
        points.make(bench)?;
        let mut session = bench.session()?;
        // Shared pages count from their first touch: the scan touches them.
        session.run(&points.scan())?;
        let before = session.peak_memory()?;
        session.run(CLEAN)?;
        session.run(&Form::Columns.call("logregr_train", "label", points))?;
        let growth = session.peak_memory()?.saturating_sub(before);
        let dense = u64::from(points.rows) * u64::from(points.columns + 1) * 8;
        bench.table.push_memory(
            points.size(),
            growth as f64 / (dense + (64 << 20)) as f64,
            Goal::at_most(1.0),
        );
    }
    Ok(())
}

/// A training that stopped early would be no measurement.
pub fn converged(session: &mut Session) -> Result<()> {
    let status = session.run("SELECT status FROM model_summary")?;
    if status != "converged" {
        fail!("the training ended with status {status}");
    }
    Ok(())
}
