//! Designs with many columns against scikit-learn: tests/reference/wide.py tells how they were made.

use pglearn_core::learners::{Problem, Task, algorithm};
use pglearn_core::monitor::{Control, Monitor, Progress};
use serde_json::{Value, json};

use crate::rows::{Rows, linear};

const REFERENCE: &str = include_str!("../../../../tests/reference/wide.json");
const ROWS: u64 = 240;
const NUMBERS: u64 = 150;
const COLUMNS: u64 = 6;
const CATEGORIES: u64 = 30;

/// `datasets.draw`: 20 hashed bits.
fn draw(n: u64) -> u64 {
    let w = n.wrapping_mul(1_664_525) & 0x7fff_ffff;
    ((w * w) >> 21) & 0xf_ffff
}

fn rows() -> Rows {
    let unit = |n: u64| draw(n) as f64 / 1_048_576.0 - 0.5;
    let mut rows = Rows {
        classes: 2,
        ..Rows::default()
    };
    for i in 0..ROWS {
        let mut x: Vec<f64> = (0..NUMBERS).map(|j| unit(NUMBERS * i + j)).collect();
        let sum = x[..4].iter().sum::<f64>() + unit(2_000_000 + i);
        for column in 0..COLUMNS {
            let code = draw(1_000_000 + COLUMNS * i + column) % CATEGORIES;
            x.extend((0..CATEGORIES).map(|category| f64::from(u8::from(category == code))));
        }
        rows.x.push(x);
        rows.y.push(f64::from(u8::from(sum > 0.0)));
    }
    rows
}

fn numbers(value: &Value) -> Vec<f64> {
    let cells = value.as_array().unwrap().iter();
    cells.map(|cell| cell.as_f64().unwrap()).collect()
}

#[test]
fn wide_fits_agree_with_scikit_learn() {
    let (rows, reference): (Rows, Value) = (rows(), serde_json::from_str(REFERENCE).unwrap());
    for fit in reference["fits"].as_array().unwrap() {
        let learned = rows
            .learn("logistic_regression", &fit["hyperparams"])
            .unwrap();
        assert!(learned.converged);
        let line = linear(&learned);
        let got = [line.intercepts, line.coefficients].concat();
        let want = [
            numbers(&fit["intercepts"]),
            numbers(&fit["coefficients"][0]),
        ]
        .concat();
        assert_eq!(got.len(), want.len());
        for (got, want) in got.iter().zip(&want) {
            let off = (got - want).abs();
            assert!(off < 1e-9, "{}: off by {off:e}", fit["hyperparams"]);
        }
    }
}

#[test]
fn weights_count_rows_in_wide_fits() {
    let plain = rows();
    let mut repeated = rows();
    let mut weighted = rows();
    let counts: Vec<usize> = (0..plain.y.len()).map(|i| i % 3).collect();
    let copies = |i: usize| std::iter::repeat_n(i, counts[i]);
    let chosen: Vec<usize> = (0..plain.y.len()).flat_map(copies).collect();
    repeated.x = chosen.iter().map(|i| plain.x[*i].clone()).collect();
    repeated.y = chosen.iter().map(|i| plain.y[*i]).collect();
    weighted.weights = Some(counts.iter().map(|count| *count as f64).collect());
    let (a, b) = (
        repeated.line("logistic_regression", &json!({})),
        weighted.line("logistic_regression", &json!({})),
    );
    for (a, b) in a.coefficients.iter().zip(&b.coefficients) {
        assert!((a - b).abs() < 1e-9, "{a} {b}");
    }
}

/// Says stop at the given poll.
struct StopAt(u64);

impl Monitor for StopAt {
    fn poll(&mut self, _progress: Progress) -> Control {
        self.0 = self.0.saturating_sub(1);
        match self.0 {
            0 => Control::Stop,
            _ => Control::Continue,
        }
    }
}

#[test]
fn wide_fits_stop_when_told_to() {
    let rows = rows();
    let names: Vec<String> = (0..rows.features()).map(|j| format!("x{j}")).collect();
    let tiles = rows.tiles();
    let problem = Problem {
        tiles: &tiles,
        features: &names,
        classes: 2,
        weighted: false,
        threads: 2,
        seed: 42,
    };
    let learner = algorithm("logistic_regression", Task::Classification, 2, &json!({})).unwrap();
    for poll in [1, 10, 30] {
        let stopped = learner.learn(&problem, &mut StopAt(poll));
        assert_eq!(stopped.unwrap_err(), pglearn_core::Error::Stopped);
    }
}
