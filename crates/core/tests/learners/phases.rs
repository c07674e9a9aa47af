//! What the phases of a training on a million rows of ten numbers take in processor time; not part of the suite:
//! `cargo test -p pglearn-core --test learners phases -- --ignored --nocapture`.

use pglearn_core::evaluation::Holdout;
use pglearn_core::frame::{Frame, LabelSource, Labels, RowSet};
use pglearn_core::learners::{Problem, Task, algorithm};
use pglearn_core::monitor::Unattended;
use pglearn_core::pipeline::{Input, InputKind, Pipeline, Scorer, Target};
use pglearn_core::preprocess::{Options, decide, design};
use pglearn_core::split::{KeyHasher, is_holdout};
use pglearn_core::value::Value;
use serde_json::json;

const ROWS: usize = 1_000_000;
const COLUMNS: usize = 10;

struct Stopwatch {
    last: f64,
    total: f64,
}

/// Milliseconds of processor time of this thread, as Linux counts them.
fn processor() -> f64 {
    let counts = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds: f64 = counts.split(' ').next().unwrap().parse().unwrap();
    nanoseconds / 1e6
}

impl Stopwatch {
    fn lap(&mut self, phase: &str) {
        let taken = processor() - self.last;
        self.total += taken;
        eprintln!("{phase:>14} {taken:7.1} ms");
        self.last = processor();
    }
}

fn rows() -> Vec<f64> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut cells = Vec::with_capacity(ROWS * (COLUMNS + 1));
    for _ in 0..ROWS {
        let x: Vec<f64> = (0..COLUMNS)
            .map(|j| 5.0 + (j + 1) as f64 * uniform())
            .collect();
        let eta: f64 = (0..COLUMNS)
            .map(|j| 0.3 * (x[j] - 5.0 - j as f64 / 2.0))
            .sum();
        let label = uniform() < 1.0 / (1.0 + (-eta).exp());
        cells.extend(x);
        cells.push(f64::from(u8::from(label)));
    }
    cells
}

fn train(cells: &[f64]) {
    let names: Vec<String> = (1..=COLUMNS).map(|j| format!("c{j}")).collect();
    let mut watch = Stopwatch {
        last: processor(),
        total: 0.0,
    };
    let slots: Vec<(String, InputKind)> = names
        .iter()
        .map(|name| (name.clone(), InputKind::Number))
        .collect();
    let mut frame = Frame::new(&slots, u64::MAX).unwrap();
    let mut labels = Labels::new("y", LabelSource::Number, u64::MAX);
    let (mut training, mut holdout) = (RowSet::new(), RowSet::new());
    let mut hasher = KeyHasher::new(42);
    for (i, row) in cells.chunks_exact(COLUMNS + 1).enumerate() {
        for (slot, cell) in row[..COLUMNS].iter().enumerate() {
            frame.set(slot, Value::Number(*cell)).unwrap();
        }
        frame.commit_row().unwrap();
        labels.push(Value::Number(row[COLUMNS])).unwrap();
        hasher.integer(i as i64);
        let out = is_holdout(hasher.finish(), 0.2);
        training.push(!out).unwrap();
        holdout.push(out).unwrap();
    }
    watch.lap("fill");
    let (kind, target) = labels.finish(None).unwrap();
    watch.lap("labels");
    let inputs: Vec<Input> = names
        .iter()
        .map(|name| Input {
            name: name.clone(),
            sql_type: "double precision".into(),
            kind: InputKind::Number,
            length: None,
        })
        .collect();
    let learner = algorithm("logistic_regression", Task::Classification, 2, &json!({})).unwrap();
    let options = Options::parse(&json!({}), &names).unwrap();
    let monitor = &mut Unattended;
    let goal = (&kind, target.as_slice());
    let decision = decide(
        &frame,
        &inputs,
        &training,
        goal,
        learner.wishes(),
        &options,
        monitor,
    )
    .unwrap();
    watch.lap("decide");
    let features = decision.features();
    let (tiles, means) = design(
        &frame,
        &decision.slots,
        &decision.encoders,
        &training,
        &target,
        None,
        u64::MAX,
        monitor,
    )
    .unwrap();
    watch.lap("design");
    let problem = Problem {
        tiles: &tiles,
        features: &features,
        classes: 2,
        weighted: false,
        threads: 1,
        seed: 42,
    };
    let learned = learner.learn(&problem, monitor).unwrap();
    watch.lap("learn");
    let pipeline = Pipeline {
        algorithm: "logistic_regression".into(),
        target: Target {
            name: "y".into(),
            sql_type: "integer".into(),
            kind,
        },
        inputs,
        encoders: decision.encoders,
        means,
        predictor: learned.predictor,
    };
    let scorer = Scorer::new(&pipeline).unwrap();
    let mut judged = Holdout::stored(2);
    let (mut numbers, mut probabilities) = ([0.0; COLUMNS], [0.0; 2]);
    for row in holdout.iter() {
        for (slot, number) in numbers.iter_mut().enumerate() {
            *number = frame.cell(row, slot);
        }
        let margin = scorer.margin_of_numbers(&numbers).unwrap().unwrap();
        scorer.probabilities(&[margin], &mut probabilities);
        judged.push(target[row], &probabilities[1..]).unwrap();
    }
    watch.lap("score");
    let metrics = judged.metrics(0.5, monitor).unwrap();
    watch.lap("metrics");
    frame.fingerprint(&training, &[&target], monitor).unwrap();
    watch.lap("fingerprint");
    let stored = judged.encode().unwrap();
    watch.lap("encode");
    eprintln!(
        "{:>14} {:7.1} ms, roc_auc {:?}, {} bytes of hold-out",
        "all",
        watch.total,
        metrics.get("roc_auc"),
        stored.len()
    );
    drop((tiles, frame));
    watch.lap("drop");
}

#[test]
#[ignore = "a measurement"]
fn phases() {
    let cells = rows();
    for _ in 0..4 {
        train(&cells);
    }
}
