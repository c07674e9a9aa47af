//! Encoded rows against scikit-learn's `ColumnTransformer` (`tests/reference/encoders.py`).

use pglearn_core::frame::{Frame, RowSet};
use pglearn_core::learners::Wishes;
use pglearn_core::monitor::Unattended;
use pglearn_core::pipeline::{Encoder, Input, InputKind, TargetKind};
use pglearn_core::preprocess::{Decision, Options, decide, design};
use pglearn_core::value::Value as Cell;
use serde_json::Value;

use super::expected::{document, numbers};

const COLUMNS: [(&str, InputKind); 6] = [
    ("income", InputKind::Number),
    ("age", InputKind::Number),
    ("score", InputKind::Number),
    ("city", InputKind::Text),
    ("plan", InputKind::Text),
    ("grade", InputKind::Number),
];
/// Means and deviations are rounded here and there.
const TOLERANCE: f64 = 1e-12;

fn cell(value: &Value) -> Cell<'_> {
    match value {
        Value::String(text) => Cell::Text(text),
        Value::Null => Cell::Missing,
        number => Cell::Number(number.as_f64().unwrap()),
    }
}

/// The first `rows` rows.
fn frame(document: &Value, rows: usize) -> Frame {
    let columns = COLUMNS.map(|(name, kind)| (name.to_owned(), kind));
    let mut frame = Frame::new(&columns, 1 << 24).unwrap();
    for row in 0..rows {
        for (slot, (name, _)) in columns.iter().enumerate() {
            frame
                .set(slot, cell(&document["columns"][name][row]))
                .unwrap();
        }
        frame.commit_row().unwrap();
    }
    frame
}

fn decided(frame: &Frame, case: &Value) -> Decision {
    let inputs = COLUMNS.map(|(name, kind)| Input {
        name: name.to_owned(),
        sql_type: String::new(),
        kind,
        length: None,
    });
    let options = Options::parse(&case["preprocess"], &COLUMNS.map(|c| c.0.to_owned())).unwrap();
    let rows = RowSet::full(frame.rows()).unwrap();
    let target: Vec<f64> = (0..frame.rows()).map(|n| (n * 7919 % 101) as f64).collect();
    let wishes = Wishes {
        scale: true,
        reference: false,
    };
    let kind = TargetKind::Number;
    decide(
        frame,
        &inputs,
        &rows,
        (&kind, &target),
        wishes,
        &options,
        &mut Unattended,
    )
    .unwrap()
}

/// Where each of our features is among scikit-learn's; both have the same.
fn places(decision: &Decision, case: &Value) -> Vec<usize> {
    let theirs: Vec<&str> = case["features"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(Value::as_str)
        .collect();
    let ours = decision.features();
    let (mut a, mut b) = (ours.clone(), theirs.clone());
    a.sort_unstable();
    b.sort_unstable();
    assert_eq!(a, b);
    let place = |name: &String| theirs.iter().position(|other| other == name).unwrap();
    ours.iter().map(place).collect()
}

#[test]
fn encoded_rows() {
    let document = document("encoders");
    let training = document["training"].as_u64().unwrap() as usize;
    let all = document["columns"]["age"].as_array().unwrap().len();
    let frame = frame(&document, training);
    for (number, case) in document["cases"].as_array().unwrap().iter().enumerate() {
        let decision = decided(&frame, case);
        assert!(decision.left_out.is_empty(), "{:?}", decision.left_out);
        let places = places(&decision, case);
        for row in 0..all {
            let got = encoded(&decision.encoders, &document, row);
            let wanted = numbers(&case["matrix"][row]);
            for (feature, place) in places.iter().enumerate() {
                let off = (got[feature] - wanted[*place]).abs();
                let name = &decision.features()[feature];
                assert!(
                    off <= TOLERANCE,
                    "case {number}, row {row}, {name}: off by {off:e}"
                );
            }
        }
        let target = vec![0.0; training];
        let (slots, encoders) = (&decision.slots, &decision.encoders);
        let rows = &decision.training;
        let (tiles, _) = design(
            &frame,
            slots,
            encoders,
            rows,
            &target,
            None,
            1 << 24,
            &mut Unattended,
        )
        .unwrap();
        for row in 0..training {
            let span = tiles.spans(row..row + 1).next().unwrap();
            for (feature, value) in encoded(encoders, &document, row).iter().enumerate() {
                assert_eq!(span.column(feature)[0], value - tiles.shifts()[feature]);
            }
        }
    }
}

fn encoded(encoders: &[Encoder], document: &Value, row: usize) -> Vec<f64> {
    let mut features = Vec::new();
    for (encoder, (name, _)) in encoders.iter().zip(COLUMNS) {
        let start = features.len();
        features.resize(start + encoder.width(), 0.0);
        let value = cell(&document["columns"][name][row]);
        assert!(encoder.encode(value, &mut features[start..]).unwrap());
    }
    features
}
