//! Metrics and curves of hold-outs against scikit-learn; the rows by the formulas of
//! `tests/reference/evaluation.py`.

use pglearn_core::evaluation::{Bin, Holdout, RocPoint};
use pglearn_core::monitor::Unattended;
use serde_json::Value;

use crate::data::{self, draw};
use crate::expected::{assert_close, document};

/// Both sides compute in doubles; only the order of summation differs.
const ROUNDING: f64 = 1e-12;
const ROWS: u64 = 5000;

fn binary(shift: u32, unit: f64) -> Holdout {
    let mut holdout = Holdout::new(2);
    for i in 1..=ROWS {
        let (a, b) = (draw(3 * i), draw(3 * i + 1));
        let positive = a as f64 + b as f64 / 2.0 > 786_432.0;
        holdout
            .push(f64::from(positive), &[(a >> shift) as f64 / unit])
            .unwrap();
    }
    holdout
}

fn several() -> Holdout {
    let mut holdout = Holdout::new(4);
    for i in 1..=ROWS {
        let weights = [0, 1, 2, 3].map(|k| ((1 + (draw(7 * i + k) >> 12)) as f64).powi(2));
        let sum: f64 = weights.iter().sum();
        let p = weights.map(|weight| weight / sum);
        let u = draw(7 * i + 4) as f64 / 1_048_576.0;
        let below = [p[0], p[0] + p[1], p[0] + p[1] + p[2]];
        let class = below.iter().filter(|edge| **edge < u).count();
        holdout.push(class as f64, &p).unwrap();
    }
    holdout
}

fn numbers(rows: usize) -> Holdout {
    let mut holdout = Holdout::new(0);
    for (_, _, observed, predicted) in data::scores(ROWS).take(rows) {
        holdout.push(observed, &[predicted]).unwrap();
    }
    holdout
}

/// Every metric, and none besides.
fn assert_metrics(want: &Value, holdout: &Holdout, threshold: f64) {
    let metrics = holdout.metrics(threshold, &mut Unattended).unwrap();
    assert_eq!(metrics.iter().count(), want.as_object().unwrap().len());
    for (name, value) in metrics.iter() {
        assert_close(want, name, &[value.unwrap()], ROUNDING);
    }
}

#[test]
fn two_classes() {
    let want = document("evaluation");
    let (fine, tied) = (binary(10, 1024.0), binary(14, 64.0));
    assert_metrics(&want["binary"], &fine, 0.5);
    assert_metrics(&want["binary_at_0.3"], &fine, 0.3);
    assert_metrics(&want["tied"], &tied, 0.5);
    assert_metrics(&want["tied_at_0.75"], &tied, 0.75);
}

#[test]
fn several_classes() {
    let want = document("evaluation");
    let holdout = several();
    assert_metrics(&want["several"], &holdout, 0.5);
    let matrix = holdout.confusion(&mut Unattended).unwrap();
    let counts: Vec<f64> = (0..4)
        .flat_map(|observed| [0, 1, 2, 3].map(|predicted| (observed, predicted)))
        .map(|(observed, predicted)| matrix.count(observed, predicted) as f64)
        .collect();
    assert_close(&want, "confusion", &counts, 0.0);
}

#[test]
fn regressions_of_even_and_odd_length() {
    let want = document("evaluation");
    assert_metrics(&want["regression"], &numbers(5000), 0.5);
    assert_metrics(&want["odd_regression"], &numbers(4999), 0.5);
}

#[test]
fn a_decoded_hold_out_has_the_same_metrics() {
    for holdout in [binary(10, 1024.0), several(), numbers(5000)] {
        let decoded = Holdout::decode(&holdout.encode().unwrap()).unwrap();
        let metrics = |holdout: &Holdout| holdout.metrics(0.5, &mut Unattended).unwrap();
        assert_eq!(metrics(&decoded), metrics(&holdout));
    }
}

#[test]
fn calibration() {
    let want = &document("evaluation")["calibration"];
    let bins = binary(10, 1024.0).calibration(&mut Unattended).unwrap();
    let column = |of: &dyn Fn(&Bin) -> f64| bins.iter().map(of).collect::<Vec<_>>();
    assert_close(want, "count", &column(&|bin| bin.count as f64), 0.0);
    assert_close(
        want,
        "observed",
        &column(&|bin| bin.observed().unwrap()),
        ROUNDING,
    );
    assert_close(
        want,
        "mean_predicted",
        &column(&|bin| bin.mean_predicted().unwrap()),
        ROUNDING,
    );
}

#[test]
fn roc_curve() {
    let want = &document("evaluation")["curve"];
    let ranking = binary(14, 64.0).ranking(1, &mut Unattended).unwrap();
    let points: Vec<RocPoint> = RocPoint::all(&ranking).collect();
    let first = points[0];
    assert_eq!(
        (first.threshold, first.counts.tpr(), first.counts.fpr()),
        (f64::INFINITY, Some(0.0), Some(0.0))
    );
    let column = |of: &dyn Fn(&RocPoint) -> f64| points[1..].iter().map(of).collect::<Vec<_>>();
    assert_close(want, "threshold", &column(&|p| p.threshold), 0.0);
    assert_close(want, "tpr", &column(&|p| p.counts.tpr().unwrap()), ROUNDING);
    assert_close(want, "fpr", &column(&|p| p.counts.fpr().unwrap()), ROUNDING);
}
