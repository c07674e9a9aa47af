//! The reference documents and the comparison with them.

use serde_json::Value;

/// The tolerance promised for every reported number, relative.
pub const TOLERANCE: f64 = 1e-8;

/// One of the JSON files of `tests/reference`.
pub fn document(name: &str) -> Value {
    let text = match name {
        "evaluation" => include_str!("../../../../tests/reference/evaluation.json"),
        "encoders" => include_str!("../../../../tests/reference/encoders.json"),
        "houses" => include_str!("../../../../tests/reference/houses.json"),
        "metrics" => include_str!("../../../../tests/reference/metrics.json"),
        "patients" => include_str!("../../../../tests/reference/patients.json"),
        "synthetic" => include_str!("../../../../tests/reference/synthetic.json"),
        "telco" => include_str!("../../../../tests/reference/telco.json"),
        "wine" => include_str!("../../../../tests/reference/wine.json"),
        _ => panic!("no reference document {name}"),
    };
    serde_json::from_str(text).expect("reference documents are JSON")
}

/// The numbers of a JSON number or array.
pub fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![
            other
                .as_f64()
                .unwrap_or_else(|| panic!("{other} is not a number")),
        ],
    }
}

/// Asserts that `got` is `want[quantity]` to a relative tolerance. Values below 1e-290 count as zero.
pub fn assert_close(want: &Value, quantity: &str, got: &[f64], tolerance: f64) {
    let expected = numbers(&want[quantity]);
    assert_eq!(got.len(), expected.len(), "length of {quantity}");
    for (index, (got, want)) in got.iter().zip(&expected).enumerate() {
        let both_vanish = got.abs() < 1e-290 && want.abs() < 1e-290;
        assert!(
            both_vanish || (got - want).abs() <= tolerance * want.abs(),
            "{quantity}[{index}] is {got:e}, expected {want:e}: off by {:e}",
            (got - want).abs() / want.abs()
        );
    }
}
