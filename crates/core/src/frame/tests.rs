//! Frames, labels and row sets by hand.

use super::*;
use crate::Error;
use crate::learners::Task;
use crate::monitor::Unattended;
use crate::pipeline::{InputKind, LabelKind, TargetKind};
use crate::tiles::TILE_STRIDE;
use crate::value::Value;

const PLENTY: u64 = 1 << 30;

fn columns(kinds: &[InputKind]) -> Vec<(String, InputKind)> {
    let named = |(number, kind): (usize, &InputKind)| (format!("c{number}"), *kind);
    kinds.iter().enumerate().map(named).collect()
}

fn frame(kinds: &[InputKind], rows: &[Vec<Value<'_>>]) -> Frame {
    let mut frame = Frame::new(&columns(kinds), PLENTY).unwrap();
    for row in rows {
        for (slot, value) in row.iter().enumerate() {
            frame.set(slot, *value).unwrap();
        }
        frame.commit_row().unwrap();
    }
    frame
}

#[test]
fn cells_come_back() {
    use InputKind::{Boolean, Date, Number, Text, Timestamp};
    let kinds = [Number, Boolean, Text, Date, Timestamp];
    let texts: Vec<String> = (0..700).map(|n| format!("text {}", n % 90)).collect();
    let row = |n: usize| {
        vec![
            Value::Number(n as f64 / 3.0),
            Value::Number(f64::from(n.is_multiple_of(2))),
            if n.is_multiple_of(7) {
                Value::Missing
            } else {
                Value::Text(&texts[n])
            },
            Value::Time(n as i64 * 86_400_000_000),
            Value::Time(-(n as i64) * 1_234_567),
        ]
    };
    let rows: Vec<_> = (0..700).map(row).collect();
    let frame = frame(&kinds, &rows);
    assert_eq!(frame.rows(), 700);
    for (number, row) in rows.iter().enumerate() {
        for (slot, value) in row.iter().enumerate() {
            assert_eq!(
                frame.value(number, slot),
                *value,
                "row {number} slot {slot}"
            );
        }
    }
    assert!(frame.bytes() > 3 * 5 * TILE_STRIDE as u64 * 8);
}

#[test]
fn nan_is_missing_and_zero_has_no_sign() {
    let frame = frame(
        &[InputKind::Number],
        &[vec![Value::Number(f64::NAN)], vec![Value::Number(-0.0)]],
    );
    assert_eq!(frame.value(0, 0), Value::Missing);
    let Value::Number(zero) = frame.value(1, 0) else {
        panic!("a number was stored");
    };
    assert!(zero.is_sign_positive());
}

#[test]
fn bulk_rows_are_rows() {
    let mut frame = Frame::new(&columns(&[InputKind::Number; 3]), PLENTY).unwrap();
    for row in 0..1000 {
        let (cells, place) = frame.cells_mut().unwrap();
        for slot in 0..3 {
            cells[slot * TILE_STRIDE + place] = (row * 3 + slot) as f64;
        }
        frame.commit_row().unwrap();
    }
    assert_eq!(frame.value(999, 2), Value::Number(2999.0));
    assert_eq!(frame.value(256, 0), Value::Number(768.0));
}

#[test]
fn what_is_no_value_of_the_slot_is_refused() {
    let mut frame = Frame::new(&columns(&[InputKind::Number, InputKind::Date]), PLENTY).unwrap();
    for (slot, value) in [
        (0, Value::Number(f64::INFINITY)),
        (0, Value::Text("1")),
        (1, Value::Number(1.0)),
        (1, Value::Time(i64::MAX)),
        (2, Value::Number(1.0)),
    ] {
        assert!(
            matches!(frame.set(slot, value), Err(Error::Row { .. })),
            "{value:?}"
        );
    }
}

#[test]
fn memory_is_bounded_by_cells_and_by_texts() {
    let mut numbers = Frame::new(&columns(&[InputKind::Number]), 3 * 264 * 8).unwrap();
    let filled = (0..10_000)
        .take_while(|_| numbers.set(0, Value::Number(1.0)).is_ok() && numbers.commit_row().is_ok());
    assert_eq!(filled.count(), 3 * 256);

    let mut texts = Frame::new(&columns(&[InputKind::Text]), 20_000).unwrap();
    let long = "x".repeat(100);
    let error = (0..1000).find_map(|n| texts.set(0, Value::Text(&format!("{long}{n}"))).err());
    assert!(
        matches!(error, Some(Error::MemoryLimit { .. })),
        "{error:?}"
    );
}

#[test]
fn a_column_of_too_many_texts_overflows() {
    let mut frame = Frame::new(&columns(&[InputKind::Text]), PLENTY).unwrap();
    for n in 0..MOST_CATEGORIES + 10 {
        frame.set(0, Value::Text(&n.to_string())).unwrap();
        frame.commit_row().unwrap();
        assert_eq!(frame.overflowed(0), n >= MOST_CATEGORIES);
    }
    assert_eq!(frame.value(MOST_CATEGORIES - 1, 0), Value::Text("65535"));
    assert_eq!(frame.value(MOST_CATEGORIES, 0), Value::Text(OVERFLOW));
}

#[test]
fn one_endless_text_overflows() {
    let mut frame = Frame::new(&columns(&[InputKind::Text]), 1 << 20).unwrap();
    frame.set(0, Value::Text(&"y".repeat(20 << 20))).unwrap();
    assert!(frame.overflowed(0));
}

#[test]
fn far_times_stay_in_their_hour() {
    let hour = 3_600_000_000_i64;
    for time in [
        2_500_001 * hour - 1,
        -50_000_000 * hour + 3,
        2_000_000_000 * hour - 1,
    ] {
        let frame = frame(&[InputKind::Timestamp], &[vec![Value::Time(time)]]);
        let Value::Time(stored) = frame.value(0, 0) else {
            panic!("a time was stored");
        };
        assert_eq!(stored.div_euclid(hour), time.div_euclid(hour));
    }
}

#[test]
fn row_sets() {
    let mut odd = RowSet::new();
    for row in 0..1000 {
        odd.push(row % 2 == 1).unwrap();
    }
    assert_eq!((odd.rows(), odd.count()), (1000, 500));
    assert!(odd.contains(999) && !odd.contains(0) && !odd.contains(5000));
    assert!(odd.iter().eq((1..1000).step_by(2)));
    let even = odd.complement().unwrap();
    assert_eq!(even.count(), 500);
    assert!(even.iter().eq((0..1000).step_by(2)));
    let mut offsets = [0; 256];
    assert!(
        odd.tile(3, &mut offsets)
            .iter()
            .copied()
            .eq((1..232).step_by(2))
    );
    assert!(odd.tile(4, &mut offsets).is_empty());
    let mut all = RowSet::full(70).unwrap();
    all.remove(69);
    all.remove(69);
    assert_eq!((all.count(), all.iter().count()), (69, 69));
}

#[test]
fn fingerprints_know_no_order_and_no_codes() {
    let kinds = [InputKind::Text, InputKind::Number];
    let texts: Vec<String> = (0..600).map(|n| format!("{}", n % 11)).collect();
    let row = |n: usize| vec![Value::Text(&texts[n]), Value::Number((n % 13) as f64)];
    let forth: Vec<_> = (0..600).map(row).collect();
    let back: Vec<_> = (0..600).rev().map(row).collect();
    let of = |rows: &[Vec<Value<'_>>]| {
        let set = RowSet::full(rows.len()).unwrap();
        frame(&kinds, rows)
            .fingerprint(&set, &[], &mut Unattended)
            .unwrap()
    };
    assert_eq!(of(&forth), of(&back));
    // Rows that trade a cell, a row fewer, a NULL for a value: all differ.
    let mut other = forth.clone();
    (other[0][1], other[1][1]) = (other[1][1], other[0][1]);
    assert_ne!(of(&forth), of(&other));
    assert_ne!(of(&forth), of(&forth[1..]));
    other = forth.clone();
    other[5][1] = Value::Missing;
    assert_ne!(of(&forth), of(&other));
}

#[test]
fn a_text_counts_alike_whether_its_code_was_kept() {
    let mut hashes = Vec::new();
    for last_first in [false, true] {
        let mut frame = Frame::new(&columns(&[InputKind::Text]), PLENTY).unwrap();
        let rows = MOST_CATEGORIES + 3;
        for n in 0..rows {
            let text = if last_first { rows - 1 - n } else { n };
            frame.set(0, Value::Text(&text.to_string())).unwrap();
            frame.commit_row().unwrap();
        }
        let set = RowSet::full(rows).unwrap();
        let extra = vec![1.0; rows];
        hashes.push(frame.fingerprint(&set, &[&extra], &mut Unattended).unwrap());
    }
    assert_eq!(hashes[0], hashes[1]);
}

fn labels(source: LabelSource, values: &[Value<'_>]) -> Labels {
    let mut labels = Labels::new("y", source, PLENTY);
    for value in values {
        labels.push(*value).unwrap();
    }
    labels
}

fn classes(kind: TargetKind) -> (LabelKind, Vec<String>) {
    match kind {
        TargetKind::Classes { label, classes } => (label, classes),
        TargetKind::Number => panic!("a regression"),
    }
}

#[test]
fn classes_ascend() {
    let numbers = |values: &[f64]| values.iter().map(|v| Value::Number(*v)).collect::<Vec<_>>();
    let (kind, values) = labels(LabelSource::Boolean, &numbers(&[1.0, 0.0, 1.0]))
        .finish(None)
        .unwrap();
    assert_eq!(
        classes(kind),
        (LabelKind::Boolean, vec!["false".into(), "true".into()])
    );
    assert_eq!(values, [1.0, 0.0, 1.0]);

    let (kind, values) = labels(LabelSource::Number, &numbers(&[7.0, -3.0, 7.0]))
        .finish(None)
        .unwrap();
    assert_eq!(
        classes(kind),
        (LabelKind::Number, vec!["-3".into(), "7".into()])
    );
    assert_eq!(values, [1.0, 0.0, 1.0]);

    let texts = ["b", "ä", "B", "b"].map(Value::Text);
    let (kind, values) = labels(LabelSource::Text, &texts).finish(None).unwrap();
    assert_eq!(classes(kind).1, ["B", "b", "ä"]);
    assert_eq!(values, [1.0, 2.0, 0.0, 1.0]);

    let order = ["low", "middle", "high"].map(str::to_owned).to_vec();
    let texts = ["high", "low", "high"].map(Value::Text);
    let (kind, values) = labels(LabelSource::Enum(order), &texts)
        .finish(None)
        .unwrap();
    assert_eq!(classes(kind).1, ["low", "high"]);
    assert_eq!(values, [1.0, 0.0, 1.0]);
}

#[test]
fn the_task_is_inferred_and_checked() {
    let numbers: Vec<_> = [1.0, 2.0, 3.0].map(Value::Number).to_vec();
    let (kind, values) = labels(LabelSource::Number, &numbers).finish(None).unwrap();
    assert_eq!((kind, values), (TargetKind::Number, vec![1.0, 2.0, 3.0]));
    let (kind, _) = labels(LabelSource::Number, &numbers)
        .finish(Some(Task::Classification))
        .unwrap();
    assert_eq!(classes(kind).1, ["1", "2", "3"]);
    let (kind, _) = labels(LabelSource::Boolean, &numbers[..2])
        .finish(Some(Task::Regression))
        .unwrap();
    assert_eq!(kind, TargetKind::Number);

    let problem = |labels: Labels, task| match labels.finish(task) {
        Err(Error::Option { problem, .. }) => problem,
        other => panic!("{other:?}"),
    };
    let text = || labels(LabelSource::Text, &[Value::Text("a")]);
    assert_eq!(problem(text(), None), "column \"y\" has a single value, a");
    assert!(problem(text(), Some(Task::Regression)).contains("holds texts"));
    let fractions: Vec<_> = [0.5, 1.0, 1.5].map(Value::Number).to_vec();
    let classification = Some(Task::Classification);
    assert!(problem(labels(LabelSource::Number, &fractions), classification).contains("fractions"));
    let many: Vec<_> = (0..1001).map(|n| Value::Number(f64::from(n))).collect();
    assert!(problem(labels(LabelSource::Number, &many), classification).contains("more than 1000"));
    assert_eq!(
        Labels::new("y", LabelSource::Text, PLENTY).finish(None),
        Err(Error::NoRows)
    );
}

#[test]
fn targets_that_are_none_are_refused() {
    let mut numbers = Labels::new("y", LabelSource::Number, PLENTY);
    for value in [
        Value::Missing,
        Value::Number(f64::NAN),
        Value::Number(f64::INFINITY),
        Value::Text("1"),
    ] {
        assert!(
            matches!(numbers.push(value), Err(Error::Row { .. })),
            "{value:?}"
        );
    }
    let mut texts = Labels::new("y", LabelSource::Text, PLENTY);
    let error = (0..2000).find_map(|n| texts.push(Value::Text(&n.to_string())).err().map(|_| n));
    assert_eq!(error, Some(MOST_CLASSES));
}

#[test]
fn classes_are_counted_among_some_rows() {
    let mut rows = RowSet::full(4).unwrap();
    rows.remove(0);
    assert_eq!(class_counts(&[0.0, 1.0, 1.0, 2.0], 3, &rows), [0, 2, 1]);
}
