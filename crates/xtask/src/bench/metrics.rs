//! Evaluation of a million distinct scores.

use super::Bench;
use super::data::{MANY, make_scores, thousands};
use super::measure::compare;
use super::table::Goal;
use crate::error::Result;

const BASE: &str = "SELECT sum(score) FROM scores";
const CLEAN: &str = "DROP TABLE IF EXISTS evaluation";

/// Each function sorts the scores; two of them write a table with a row for each.
pub fn run(bench: &mut Bench<'_>) -> Result<()> {
    make_scores(bench)?;
    bench.table.section(format!(
        "Evaluation of {} distinct scores, against SELECT sum(score)",
        thousands(MANY)
    ));
    let arguments = "('scores', 'evaluation', 'score', 'label')";
    let calls = [
        (
            "area_under_roc",
            format!("SELECT ml.area_under_roc{arguments}"),
            10.0,
        ),
        (
            "binary_classifier, table included",
            format!("SELECT ml.binary_classifier{arguments}"),
            30.0,
        ),
        (
            "binary_classifier_auc, table and rows included",
            format!("SELECT count(auc) FROM ml.binary_classifier_auc{arguments}"),
            30.0,
        ),
    ];
    for (name, call, target) in calls {
        let ratio = compare(|| bench.session(), BASE, &call, CLEAN)?;
        bench.table.push(name, ratio, Some(Goal::at_most(target)));
    }
    Ok(())
}
