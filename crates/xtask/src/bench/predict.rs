//! Scoring rows, against the arithmetic written out in SQL.

use super::Bench;
use super::data::NARROW;
use super::measure::compare;
use super::table::Goal;
use crate::error::{Result, fail};

/// Constant of the model that is scored with.
const CONSTANT: f64 = 0.25;

/// `logregr_predict_prob` over an array column; the model as a constant and from its table.
pub fn run(bench: &mut Bench<'_>) -> Result<()> {
    NARROW.make(bench)?;
    let mut session = bench.session()?;
    let margin = NARROW.list(" + ", |j| format!("({}) * x[{j}]", NARROW.coefficient(j)));
    let coefficients = NARROW.list(", ", |j| NARROW.coefficient(j).to_string());
    let coefficients = format!("{{{CONSTANT}, {coefficients}}}");
    let vectors = NARROW.vectors();
    let by_hand = format!("SELECT sum(1 / (1 + exp(-({CONSTANT} + {margin})))) FROM {vectors}");
    let constant =
        format!("SELECT sum(ml.logregr_predict_prob('{coefficients}', x)) FROM {vectors}");
    let joined =
        format!("SELECT sum(ml.logregr_predict_prob(coef, x)) FROM {vectors}, scoring_model");
    session.run(&format!(
        "DROP TABLE IF EXISTS scoring_model;
         CREATE TABLE scoring_model AS SELECT '{coefficients}'::float8[] AS coef;
         ANALYZE scoring_model"
    ))?;
    for sql in [&constant, &joined] {
        let difference = session.run(&format!(
            "SELECT abs(({sql}) - ({by_hand})) < 1e-9 * ({by_hand})"
        ))?;
        if difference != "t" {
            fail!("the two ways of scoring do not agree: {sql}");
        }
    }
    bench.table.section(
        "sum(logregr_predict_prob(coef, x)), against sum(1 / (1 + exp(-(b0 + b1 * x[1] + …))))",
    );
    let goal = Some(Goal::at_most(0.3));
    let ratio = compare(|| bench.session(), &by_hand, &constant, "")?;
    bench
        .table
        .push(format!("{}, coef a constant", NARROW.size()), ratio, goal);
    let ratio = compare(|| bench.session(), &by_hand, &joined, "")?;
    bench.table.push(
        format!("{}, coef from the model table", NARROW.size()),
        ratio,
        goal,
    );
    session.run("SET max_parallel_workers_per_gather = 2")?;
    let plan = session.run(&format!(
        "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {constant}"
    ))?;
    if !plan.contains("Workers Launched: ") || plan.contains("Workers Launched: 0") {
        fail!("logregr_predict_prob did not run in parallel:\n{plan}");
    }
    Ok(())
}
