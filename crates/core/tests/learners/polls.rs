//! How long wide fits go without asking the monitor; not part of the suite:
//! `cargo test -p pglearn-core --release --test learners polls -- --ignored --nocapture`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pglearn_core::learners::{Problem, Task, algorithm};
use pglearn_core::monitor::{Control, Monitor, Progress};
use serde_json::{Value, json};

use crate::speed::tiles;

/// The longest time between two polls of each phase, until `limit` has passed.
struct Gaps {
    start: Instant,
    last: Instant,
    limit: Duration,
    phases: BTreeMap<(&'static str, u64), Duration>,
}

impl Monitor for Gaps {
    fn poll(&mut self, progress: Progress) -> Control {
        let now = Instant::now();
        let longest = self
            .phases
            .entry((progress.phase, progress.done.min(1)))
            .or_default();
        *longest = now.duration_since(self.last).max(*longest);
        self.last = now;
        match now.duration_since(self.start) > self.limit {
            true => Control::Stop,
            false => Control::Continue,
        }
    }
}

fn measure(rows: usize, columns: usize, name: &str, hyperparams: &Value, seconds: u64) {
    let (task, classes) = match name {
        "logistic_regression" => (Task::Classification, 2),
        _ => (Task::Regression, 0),
    };
    let tiles = tiles(rows, columns, classes);
    let names: Vec<String> = (0..columns).map(|j| format!("x{j}")).collect();
    let problem = Problem {
        tiles: &tiles,
        features: &names,
        classes,
        weighted: false,
        threads: 2,
        seed: 42,
    };
    let learner = algorithm(name, task, classes, hyperparams).unwrap();
    let start = Instant::now();
    let mut gaps = Gaps {
        start,
        last: start,
        limit: Duration::from_secs(seconds),
        phases: BTreeMap::new(),
    };
    let outcome = learner.learn(&problem, &mut gaps);
    let end = gaps.last.elapsed();
    eprintln!(
        "{name} {hyperparams} {rows} x {columns}: {:.2} s, {}, after the last poll {:.0} ms",
        start.elapsed().as_secs_f64(),
        outcome.map_or_else(
            |error| error.to_string(),
            |l| format!("{} steps", l.iterations)
        ),
        end.as_secs_f64() * 1e3,
    );
    for ((phase, done), gap) in gaps.phases {
        eprintln!("    {phase} {done}: {:.0} ms", gap.as_secs_f64() * 1e3);
    }
}

#[test]
#[ignore = "a measurement"]
fn polls_of_1600_columns() {
    measure(20_000, 1600, "linear_regression", &json!({}), 100);
    measure(20_000, 1600, "ridge", &json!({}), 100);
    measure(20_000, 1600, "lasso", &json!({"alpha": 0.01}), 100);
    measure(20_000, 1600, "logistic_regression", &json!({}), 100);
    let plain = json!({"penalty": "none"});
    measure(4_000, 1600, "logistic_regression", &plain, 20);
}

#[test]
#[ignore = "a measurement"]
fn polls_of_8192_columns() {
    let plain = json!({"penalty": "none"});
    measure(1_000, 8192, "logistic_regression", &plain, 30);
    let through = json!({"penalty": "none", "fit_intercept": false});
    measure(1_000, 8192, "logistic_regression", &through, 60);
    measure(10_000, 8192, "logistic_regression", &json!({}), 30);
    measure(1_000, 8192, "lasso", &json!({"alpha": 0.1}), 30);
    measure(1_000, 8192, "linear_regression", &json!({}), 30);
}
