//! Named models: `predict` in each form of a row, against the arithmetic written out in SQL; a point
//! query with and without it.

use super::Bench;
use super::data::{MANY, NARROW};
use super::measure::{compare, cost_of, median_of_pairs};
use super::pgbench::Script;
use super::table::Goal;
use crate::error::{Result, fail};
use crate::session::Session;

/// Transactions of one run of pgbench.
const TRANSACTIONS: u32 = 20_000;

/// `predict_proba` over scalars, an array, a row and an object; `predict` in a point query.
pub fn run(bench: &mut Bench<'_>) -> Result<()> {
    NARROW.make(bench)?;
    let mut session = bench.session()?;
    prepare(&mut session)?;
    let (table, vectors) = (NARROW.table(), NARROW.vectors());
    let by_hand = |variable: &dyn Fn(u32) -> String, from: &str| -> Result<String> {
        let margin = margin(&mut bench.session()?, variable)?;
        Ok(format!(
            "SELECT sum(1 / (1 + exp(-({margin})))) FROM {from}"
        ))
    };
    let columns = by_hand(&|j| format!("c{j}"), &table)?;
    let elements = by_hand(&|j| format!("x[{j}]"), &vectors)?;
    let predicted = |row: &str, from: &str| {
        format!("SELECT sum(ml.predict_proba('scoring', {row})) FROM {from}")
    };
    let forms = [
        (
            "scalars",
            &columns,
            predicted(&NARROW.names(), &table),
            0.65,
            None,
        ),
        (
            "float8[] column",
            &elements,
            predicted("x", &vectors),
            0.25,
            None,
        ),
        ("row", &columns, predicted(&table, &table), 1.7, None),
        (
            "jsonb column",
            &columns,
            predicted("j", "objects10"),
            4.0,
            Some(3.0),
        ),
    ];
    bench
        .table
        .section("sum(predict_proba('model', …)), against sum(1 / (1 + exp(-(b0 + b1 * c1 + …))))");
    for (name, base, subject, goal, aim) in &forms {
        let agree = session.run(&format!(
            "SELECT abs(({subject}) - ({base})) < 1e-6 * ({base})"
        ))?;
        if agree != "t" {
            fail!("the two ways of scoring do not agree: {subject}");
        }
        let ratio = compare(|| bench.session(), base, subject, "")?;
        let goal = Goal::at_most(*goal);
        let goal = aim.map_or(goal, |aim| goal.aim(aim));
        bench
            .table
            .push(format!("{}, {name}", NARROW.size()), ratio, Some(goal));
    }
    parallel(&mut session, &forms[0].2)?;
    point_query(bench)?;
    loading(bench, &mut session)
}

/// The model, and the rows as objects.
fn prepare(session: &mut Session) -> Result<()> {
    let (table, features) = (NARROW.table(), NARROW.list(", ", |j| format!("'c{j}'")));
    session.run(&format!(
        "SET client_min_messages = error;
         SELECT ml.train('scoring', '{table}', 'label', features => ARRAY[{features}], algorithm => 'logistic_regression',
                         split => '{{\"method\": \"none\"}}');
         DROP TABLE IF EXISTS objects10, keyed10;
         CREATE TABLE objects10 AS SELECT to_jsonb(r) AS j FROM (SELECT {} FROM {table}) AS r;
         CREATE TABLE keyed10 AS SELECT row_number() OVER () AS id, * FROM {table};
         ALTER TABLE keyed10 ADD PRIMARY KEY (id)",
        NARROW.names()
    ))?;
    session.run("VACUUM (FREEZE, ANALYZE) objects10")?;
    session.run("VACUUM (FREEZE, ANALYZE) keyed10")?;
    Ok(())
}

/// The margin of the model as SQL, from its weights in the units of the columns.
fn margin(session: &mut Session, variable: &dyn Fn(u32) -> String) -> Result<String> {
    let intercept =
        session.run("SELECT ml.predict_proba('scoring', array_fill(0::float8, ARRAY[10]))")?;
    let at_zero = format!("ln({intercept} / (1 - {intercept}::float8))");
    let mut terms = session.run(&format!("SELECT {at_zero}"))?;
    for j in 1..=NARROW.columns {
        // The margin is linear: the difference that one unit makes.
        let unit = (1..=NARROW.columns)
            .map(|k| if k == j { "1" } else { "0" })
            .collect::<Vec<_>>()
            .join(", ");
        let weight = session.run(&format!(
            "SELECT ln(p / (1 - p)) - {at_zero} FROM ml.predict_proba('scoring', ARRAY[{unit}]::float8[]) AS p"
        ))?;
        terms += &format!(" + ({weight}) * {}", variable(j));
    }
    Ok(terms)
}

/// A parallel plan is made, and run.
fn parallel(session: &mut Session, sql: &str) -> Result<()> {
    session.run("SET max_parallel_workers_per_gather = 2")?;
    let plan = session.run(&format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {sql}"))?;
    if !plan.contains("Workers Launched: ") || plan.contains("Workers Launched: 0") {
        fail!("predict_proba did not run in parallel:\n{plan}");
    }
    session.run("SET max_parallel_workers_per_gather = 0")?;
    Ok(())
}

/// Prepared statements by primary key, by pgbench: latency, and with it transactions per second.
fn point_query(bench: &mut Bench<'_>) -> Result<()> {
    let names = NARROW.names();
    let sum = NARROW.list(" + ", |j| format!("c{j}"));
    bench.table.section(
        "a prepared query by primary key with predict_proba, against the same with a sum (pgbench)",
    );
    let measure = |answer: &str| {
        let text =
            format!("\\set id random(1, {MANY})\nSELECT {answer} FROM keyed10 WHERE id = :id;\n");
        Script {
            text: &text,
            clients: 1,
            transactions: TRANSACTIONS,
        }
        .latency(bench)
    };
    let ratio = median_of_pairs(|| {
        Ok((
            measure(&sum)?,
            measure(&format!("ml.predict_proba('scoring', {names})"))?,
        ))
    })?;
    bench
        .table
        .push("latency of one client", ratio, Some(Goal::at_most(1.15)));
    Ok(())
}

/// What a session pays for its first prediction with a model of a thousand categories.
fn loading(bench: &mut Bench<'_>, session: &mut Session) -> Result<()> {
    session.run(
        "DROP TABLE IF EXISTS thousand;
         CREATE TABLE thousand AS SELECT i AS id, 'category ' || i % 1000 AS word, (i * 7919 % 1009)::float8 AS y
           FROM generate_series(1, 20000) AS i;
         ALTER TABLE thousand ADD PRIMARY KEY (id);
         SELECT ml.train('thousand', 'thousand', 'y', algorithm => 'ridge', split => '{\"method\": \"none\"}',
             preprocess => '{\"word\": {\"max_categories\": 1001, \"min_frequency\": 1}}')",
    )?;
    let mut costs = Vec::new();
    for _ in 0..7 {
        let mut session = bench.session()?;
        session.run("SELECT ml.predict_proba('scoring', array_fill(0::float8, ARRAY[10]))")?;
        let first = cost_of(
            &mut session,
            "SELECT ml.predict('thousand', 'category 7'::text)",
        )?;
        let next = cost_of(
            &mut session,
            "SELECT ml.predict('thousand', 'category 7'::text)",
        )?;
        costs.push((first.cpu - next.cpu) * 1e3);
    }
    costs.sort_by(f64::total_cmp);
    bench.table.section(format!(
        "loading a model of 1,000 one-hot features: {:.3} ms of CPU (at most 1)",
        costs[costs.len() / 2]
    ));
    Ok(())
}
