//! Speed of the learners; not part of the suite:
//! `cargo test -p pglearn-core --test learners speed -- --ignored --nocapture`.

use std::time::Instant;

use pglearn_core::learners::{Problem, Task, algorithm};
use pglearn_core::monitor::Unattended;
use pglearn_core::tiles::{TileBuffer, Tiles};
use serde_json::{Value, json};

/// Rows of `d` standard features and a target.
pub fn tiles(n: usize, d: usize, classes: usize) -> Tiles {
    let mut state = 88_172_645_463_325_252_u64;
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut tiles = Tiles::new(d + 1, d, u64::MAX);
    let mut buffer = TileBuffer::new(d + 1).unwrap();
    let mut row = vec![0.0; d + 1];
    for _ in 0..n {
        for cell in &mut row[..d] {
            *cell = (uniform() + uniform() + uniform() - 1.5) * 2.0;
        }
        let eta = |k: usize| {
            (0..d)
                .map(|j| row[j] * ((j * 7 + k * 5) % 11) as f64 / 11.0)
                .sum::<f64>()
        };
        row[d] = match classes {
            0 => eta(0) + uniform(),
            2 => f64::from(u8::from(uniform() < 1.0 / (1.0 + (-eta(1) + eta(0)).exp()))),
            _ => {
                let score = |k: usize, u: f64| eta(k) - (-u.ln()).ln();
                let scores: Vec<f64> = (0..classes).map(|k| score(k, uniform())).collect();
                (0..classes).fold(0, |best, k| if scores[k] > scores[best] { k } else { best })
                    as f64
            }
        };
        buffer.push(&row);
        if buffer.is_full() {
            tiles.append(buffer.span()).unwrap();
            buffer.clear();
        }
    }
    tiles.append(buffer.span()).unwrap();
    tiles
}

fn time(tiles: &Tiles, classes: usize, name: &str, hyperparams: &Value) {
    let names: Vec<String> = (0..tiles.columns() - 1).map(|j| format!("x{j}")).collect();
    let task = if classes > 0 {
        Task::Classification
    } else {
        Task::Regression
    };
    let learner = algorithm(name, task, classes, hyperparams).unwrap();
    let mut best = f64::INFINITY;
    let mut iterations = 0;
    for _ in 0..5 {
        let problem = Problem {
            tiles,
            features: &names,
            classes,
            weighted: false,
            threads: 1,
            seed: 0,
        };
        let start = Instant::now();
        let learned = learner.learn(&problem, &mut Unattended).unwrap();
        best = best.min(start.elapsed().as_secs_f64());
        iterations = learned.iterations;
        assert!(learned.converged);
    }
    eprintln!(
        "{name} {hyperparams} on {} x {}, {classes} classes: {:.1} ms, {iterations} iterations",
        tiles.rows(),
        names.len(),
        best * 1e3
    );
}

#[test]
#[ignore = "a measurement"]
fn speed() {
    let binary = tiles(1_000_000, 10, 2);
    time(
        &binary,
        2,
        "logistic_regression",
        &json!({"penalty": "none"}),
    );
    time(&binary, 2, "logistic_regression", &json!({}));
    drop(binary);
    let numbers = tiles(1_000_000, 10, 0);
    for name in ["linear_regression", "ridge", "lasso", "elastic_net"] {
        time(&numbers, 0, name, &json!({}));
    }
    drop(numbers);
    let several = tiles(200_000, 20, 5);
    time(&several, 5, "logistic_regression", &json!({}));
}
