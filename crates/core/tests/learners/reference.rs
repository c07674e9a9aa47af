//! Fits against scikit-learn and statsmodels: tests/reference/learners.py tells how they were made.

use serde_json::Value;

use crate::rows::{Rows, linear};

const REFERENCE: &str = include_str!("../../../../tests/reference/learners.json");

fn numbers(value: &Value) -> Vec<f64> {
    let number = |v: &Value| v.as_f64().unwrap_or(f64::NAN);
    value.as_array().unwrap().iter().map(number).collect()
}

fn matrix(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

fn rows(data: &Value, fit: &Value) -> Rows {
    let target = fit["target"].as_str().unwrap();
    let weighted = fit["weighted"].as_bool().unwrap();
    Rows {
        x: matrix(&data["x"]),
        y: numbers(&data[target]),
        weights: weighted.then(|| numbers(&data["weight"])),
        classes: match target {
            "binary" => 2,
            "three" => 3,
            _ => 0,
        },
    }
}

/// The largest difference as a share of the largest number.
fn distance(got: &[f64], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len());
    let size = want.iter().fold(1e-300_f64, |m, v| m.max(v.abs()));
    let off = |(g, w): (&f64, &f64)| {
        if w.is_nan() && g.is_nan() {
            0.0
        } else {
            (g - w).abs() / size
        }
    };
    got.iter().zip(want).map(off).fold(
        0.0,
        |m, v| if v.is_nan() { f64::INFINITY } else { m.max(v) },
    )
}

/// The margins of all rows, class after class.
fn margins(rows: &Rows, intercepts: &[f64], coefficients: &[f64]) -> Vec<f64> {
    let d = rows.features();
    let margin = |k: usize, x: &Vec<f64>| {
        let slopes = &coefficients[k * d..][..d];
        intercepts[k] + x.iter().zip(slopes).map(|(x, b)| x * b).sum::<f64>()
    };
    (0..intercepts.len())
        .flat_map(|k| rows.x.iter().map(move |x| margin(k, x)))
        .collect()
}

#[test]
fn every_fit_agrees_with_its_reference() {
    let reference: Value = serde_json::from_str(REFERENCE).unwrap();
    for fit in reference["fits"].as_array().unwrap() {
        let name = fit["algorithm"].as_str().unwrap();
        let rows = rows(&reference["data"][fit["data"].as_str().unwrap()], fit);
        let mut hyperparams = fit["hyperparams"].clone();
        hyperparams["fit_intercept"] = fit["fit_intercept"].clone();
        let label = format!(
            "{name} {} {} weighted {} {hyperparams}",
            fit["data"], fit["target"], fit["weighted"]
        );
        let learned = rows.learn(name, &hyperparams).unwrap();
        assert!(learned.converged, "{label}: {:?}", learned.warnings);
        let line = linear(&learned);
        let want = matrix(&fit["coefficients"]).concat();
        let intercepts = numbers(&fit["intercepts"]);
        let mut off = distance(
            &margins(&rows, &line.intercepts, &line.coefficients),
            &margins(&rows, &intercepts, &want),
        );
        if fit["unique"] != Value::Bool(false) {
            off = off.max(distance(&line.coefficients, &want));
        }
        if !fit["std_err"].is_null() && !line.std_err.is_empty() {
            off = off.max(distance(&line.std_err, &numbers(&fit["std_err"])));
        }
        // Flat directions (an intercept of separated classes) and means of 1e6 deviations cost digits.
        let hard = fit["data"] == "shifted" || hyperparams["C"] == 1e4;
        let allowed = if hard { 2e-8 } else { 1e-9 };
        assert!(off < allowed, "{label}: off by {off:e}, {line:?} {want:?}");
    }
}
