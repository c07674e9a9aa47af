//! `confusion_matrix`, `roc_curve`, `calibration_curve`.

use super::plain;
use super::rows::{Judged, judged};
use crate::pg::call::ResultRows;
use crate::pg::error::{Failure, Result};
use crate::pg::monitor::SessionMonitor;
use pglearn_core::evaluation::{Bin, RocPoint};
use pgrx::PgSqlErrorCode;

/// Classes up to which every pair is listed, also those that do not occur.
const FULL: usize = 100;

/// Points between two looks at whether the caller wants to stop.
const BLOCK: usize = 1 << 12;

/// A row of `confusion_matrix`: observed, predicted, rows.
pub type PairRow = (String, String, i64);

/// A row of `calibration_curve`: bin, lower, upper, mean_predicted, observed, count.
pub type BinRow = (i32, f64, f64, Option<f64>, Option<f64>, i64);

/// How often each class was predicted for each observed class.
///
/// # Errors
/// 55000 for a regression; those of the model and of the source.
pub fn confusion_matrix(reference: &str, source: Option<&str>) -> Result<Vec<PairRow>> {
    let judged = judged(reference, source)?;
    if judged.classes.is_empty() {
        return Err(
            wrong_task("a confusion matrix is for classes, the model predicts a number")
                .hint("evaluate(model) gives the errors of a regression."),
        );
    }
    let matrix = judged
        .holdout
        .confusion(&mut SessionMonitor::default())
        .map_err(plain)?;
    let row = |observed: usize, predicted: usize, rows: u64| {
        let name = |class: usize| judged.classes.get(class).cloned().unwrap_or_default();
        (name(observed), name(predicted), rows as i64)
    };
    let classes = matrix.classes();
    if classes > FULL {
        return Ok(matrix.pairs().map(|(o, p, rows)| row(o, p, rows)).collect());
    }
    let all = (0..classes).flat_map(|o| (0..classes).map(move |p| (o, p)));
    Ok(all.map(|(o, p)| row(o, p, matrix.count(o, p))).collect())
}

fn wrong_task(message: &str) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message,
    )
}

fn of_two_classes(judged: &Judged, what: &str) -> Result<()> {
    match judged.classes.len() {
        2 => Ok(()),
        0 => Err(wrong_task(&format!("{what} is for two classes, the model predicts a number"))),
        classes => Err(wrong_task(&format!(
            "{what} is for two classes, the model has {classes}"
        ))
        .hint("Train a model of one class against the rest: a target such as \"class = 'a'\" in a SELECT.")),
    }
}

/// One row a distinct score, from the highest; before them the point where nothing is positive.
///
/// # Errors
/// 55000 unless there are two classes; those of the model and of the source.
pub fn roc_curve(reference: &str, source: Option<&str>, rows: &mut ResultRows) -> Result<()> {
    let judged = judged(reference, source)?;
    of_two_classes(&judged, "a ROC curve")?;
    let mut monitor = SessionMonitor::default();
    let ranking = judged.holdout.ranking(1, &mut monitor).map_err(plain)?;
    drop(judged);
    for (number, point) in RocPoint::all(&ranking).enumerate() {
        if number.is_multiple_of(BLOCK) {
            pgrx::check_for_interrupts!();
        }
        let counts = point.counts;
        rows.push(&[
            Some(point.threshold),
            counts.fpr(),
            counts.tpr(),
            counts.precision(),
            counts.recall(),
            counts.f1(),
        ]);
    }
    Ok(())
}

/// How often rows of a predicted probability are positive, in ten bins.
///
/// # Errors
/// 55000 unless there are two classes; those of the model and of the source.
pub fn calibration_curve(reference: &str, source: Option<&str>) -> Result<Vec<BinRow>> {
    let judged = judged(reference, source)?;
    of_two_classes(&judged, "a calibration curve")?;
    let bins = judged
        .holdout
        .calibration(&mut SessionMonitor::default())
        .map_err(plain)?;
    let rows = bins.iter().enumerate().map(|(number, bin)| {
        let (lower, upper) = Bin::bounds(number);
        (
            number as i32 + 1,
            lower,
            upper,
            bin.mean_predicted(),
            bin.observed(),
            bin.count as i64,
        )
    });
    Ok(rows.collect())
}
