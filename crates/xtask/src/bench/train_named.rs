//! `train()`: any table in, a named version with its hold-out judged out.

use super::Bench;
use super::data::NARROW;
use super::measure::compare;
use super::table::Goal;
use crate::error::{Result, fail};

/// How the rows are told apart, and how the table of results calls that.
const SPLITS: [(&str, &str); 3] = [
    ("hold-out by a key", r#"{"key": "c1"}"#),
    ("hold-out by content", r#"{}"#),
    ("no hold-out", r#"{"method": "none"}"#),
];

/// A million rows of ten numbers, a classification and a regression, on one thread.
///
/// `train` makes one pass over the source; the rest (statistics, encoding, iterations, scoring the
/// hold-out) is in memory. The ratio is that of everything to one plain scan.
pub fn run(bench: &mut Bench<'_>) -> Result<()> {
    NARROW.make(bench)?;
    bench.table.section(
        "train() with one pass over the rows, everything included, against SELECT sum(c1) + … of the columns",
    );
    let scan = NARROW.scan();
    let before = format!(
        "SELECT ml.drop_model(name) FROM ml.models; SELECT count(*) FROM {}",
        NARROW.table()
    );
    for (target, algorithm) in [
        ("label", "logistic_regression"),
        ("target", "linear_regression"),
    ] {
        for (name, split) in SPLITS {
            let call = format!(
                "SELECT version FROM ml.train('bench', '{}', '{target}', algorithm => '{algorithm}', features => '{{{}}}', split => '{split}')",
                NARROW.table(),
                NARROW.names()
            );
            let ratio = compare(|| bench.session(), &scan, &call, &before)?;
            let mut session = bench.session()?;
            let converged = session.run("SELECT training -> 'converged' FROM ml.model_versions")?;
            if converged != "true" {
                fail!("the training ended with converged = {converged}");
            }
            let goal = Some(Goal::at_most(2.5));
            bench.table.push(
                format!("{}, {algorithm}, {name}", NARROW.size()),
                ratio,
                goal,
            );
        }
    }
    Ok(())
}
