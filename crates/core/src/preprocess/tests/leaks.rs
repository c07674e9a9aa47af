//! Columns that tell the target, and columns that only seem to.

use serde_json::json;

use super::{PENALISED, classes, numbers, table, texts};
use crate::pipeline::{InputKind, TargetKind};
use crate::value::Value;

const ROWS: usize = 60;

/// 1 for a third of the rows.
fn labels() -> Vec<f64> {
    (0..ROWS).map(|n| f64::from(u8::from(n % 3 == 0))).collect()
}

fn leaks(columns: &[super::Column<'_>], kind: &TargetKind, target: &[f64]) -> Vec<String> {
    let decision = table(columns).try_decide((kind, target), PENALISED, json!({}));
    let leaks = decision.unwrap().leaks.into_iter();
    leaks.map(|leak| leak.problem).collect()
}

fn noise(n: usize) -> f64 {
    ((n * 7919 + 13) % 97) as f64
}

#[test]
fn disjoint_ranges_tell_the_class() {
    let cells: Vec<f64> = (0..ROWS)
        .map(|n| noise(n) + if n % 3 == 0 { 200.0 } else { 0.0 })
        .collect();
    let found = leaks(&[numbers("refund", &cells)], &classes(2), &labels());
    assert_eq!(
        found,
        [
            "column \"refund\" alone tells the target in the training rows: the ranges of its values in the classes do not overlap"
        ]
    );
    // One row across the border.
    let mut overlap = cells.clone();
    overlap[0] = 50.5;
    assert!(leaks(&[numbers("refund", &overlap)], &classes(2), &labels()).is_empty());
    // Three classes in three ranges; two that overlap.
    let third: Vec<f64> = (0..ROWS).map(|n| (n % 3) as f64).collect();
    let ranges: Vec<f64> = (0..ROWS)
        .map(|n| noise(n) + [200.0, 0.0, 100.0][n % 3])
        .collect();
    assert_eq!(
        leaks(&[numbers("x", &ranges)], &classes(3), &third).len(),
        1
    );
    let two: Vec<f64> = (0..ROWS)
        .map(|n| noise(n) + [200.0, 0.0, 90.0][n % 3])
        .collect();
    assert!(leaks(&[numbers("x", &two)], &classes(3), &third).is_empty());
}

#[test]
fn missing_values_and_leaks() {
    let labels = labels();
    // NULL exactly where the class is 0: an end date.
    let ended: Vec<f64> = (0..ROWS)
        .map(|n| if n % 3 == 0 { noise(n) } else { f64::NAN })
        .collect();
    let found = leaks(&[numbers("ended", &ended)], &classes(2), &labels);
    assert!(
        found[0].contains("null in every row of one class"),
        "{found:?}"
    );
    let reason: Vec<&str> = (0..ROWS)
        .map(|n| if n % 3 == 0 { ["a", "b"][n % 2] } else { "" })
        .collect();
    let found = leaks(&[texts("reason", &reason)], &classes(2), &labels);
    assert!(
        found[0].contains("null in every row of one class"),
        "{found:?}"
    );
    let time = |n: &usize| {
        if n.is_multiple_of(3) {
            Value::Time(*n as i64 * 86_400_000_000)
        } else {
            Value::Missing
        }
    };
    let cells = (0..ROWS).collect::<Vec<_>>().iter().map(time).collect();
    assert_eq!(
        leaks(&[("t", InputKind::Date, cells)], &classes(2), &labels).len(),
        1
    );
    // NULL in some rows of the other class too.
    let mut sometimes = ended.clone();
    (sometimes[0], sometimes[3]) = (f64::NAN, f64::NAN);
    assert!(leaks(&[numbers("ended", &sometimes)], &classes(2), &labels).is_empty());
    // Separated, but for a few missing values of both classes: still told. Many: not.
    let mut gaps: Vec<f64> = (0..ROWS)
        .map(|n| noise(n) + if n % 3 == 0 { 200.0 } else { 0.0 })
        .collect();
    (gaps[0], gaps[1]) = (f64::NAN, f64::NAN);
    assert_eq!(leaks(&[numbers("x", &gaps)], &classes(2), &labels).len(), 1);
    gaps[..20].fill(f64::NAN);
    assert!(leaks(&[numbers("x", &gaps)], &classes(2), &labels).is_empty());
}

#[test]
fn pure_categories_tell_the_class() {
    let labels = labels();
    let names = ["p", "q", "r", "s", "t", "u"];
    // n % 6 decides on the class of n % 3
    let cells: Vec<&str> = (0..ROWS).map(|n| names[n % 6]).collect();
    let found = leaks(&[texts("code", &cells)], &classes(2), &labels);
    assert!(found[0].contains("occurs with a single class"), "{found:?}");
    let coded: Vec<f64> = (0..ROWS)
        .map(|n| [4.0, 1.0, 9.0, 0.0, 3.0, 2.0][n % 6])
        .collect();
    assert_eq!(
        leaks(&[numbers("code", &coded)], &classes(2), &labels).len(),
        1
    );
    // 5 does not divide into thirds.
    let mixed: Vec<&str> = (0..ROWS).map(|n| names[n % 5]).collect();
    assert!(leaks(&[texts("code", &mixed)], &classes(2), &labels).is_empty());
    // Fewer than two rows a category are no evidence.
    let names: Vec<String> = (0..ROWS)
        .map(|n| format!("{}", n / 6 * 4 + [0, 1, 2, 3, 1, 2][n % 6]))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert!(leaks(&[texts("code", &names)], &classes(2), &labels).is_empty());
}

#[test]
fn a_few_rows_prove_nothing() {
    // 19 rows in perfect order; 20 rows of which one is positive.
    let cells: Vec<f64> = (0..20).map(|n| f64::from(n) + 0.5).collect();
    let half: Vec<f64> = (0..20).map(|n| f64::from(u8::from(n >= 10))).collect();
    assert_eq!(leaks(&[numbers("x", &cells)], &classes(2), &half).len(), 1);
    assert!(leaks(&[numbers("x", &cells[..19])], &classes(2), &half[..19]).is_empty());
    let one: Vec<f64> = (0..20).map(|n| f64::from(u8::from(n == 19))).collect();
    assert!(leaks(&[numbers("x", &cells)], &classes(2), &one).is_empty());
}

#[test]
fn a_number_that_is_the_target() {
    let target: Vec<f64> = (0..ROWS).map(|n| noise(n) * 3.25 + 1e6).collect();
    let scaled: Vec<f64> = target.iter().map(|y| 7.0 - y / 3.0).collect();
    let found = leaks(&[numbers("x", &scaled)], &TargetKind::Number, &target);
    assert!(found[0].contains("it is a linear function"), "{found:?}");
    // A correlation of 1 - 1e-6 is no leak.
    let near: Vec<f64> = (0..ROWS)
        .map(|n| noise(n) + 0.08 * noise(n * n + 5) / 97.0)
        .collect();
    assert!(leaks(&[numbers("x", &near)], &TargetKind::Number, &target).is_empty());
    // Codes of a target with few values.
    let price: Vec<f64> = (0..ROWS).map(|n| [9.5, 20.0, 3.0, 7.0][n % 4]).collect();
    let plan: Vec<&str> = (0..ROWS).map(|n| ["a", "b", "c", "d"][n % 4]).collect();
    let found = leaks(&[texts("plan", &plan)], &TargetKind::Number, &price);
    assert!(found[0].contains("occurs with a single value"), "{found:?}");
    assert!(leaks(&[texts("plan", &plan)], &TargetKind::Number, &target).is_empty());
}
