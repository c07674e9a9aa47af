//! The ends of the range: few rows, strange weights, dependent columns, strong and weak penalties.

use std::time::{Duration, Instant};

use pglearn_core::Error;
use pglearn_core::learners::{Problem, Task, algorithm};
use pglearn_core::monitor::{Control, Monitor, Progress};
use serde_json::{Value, json};

use crate::rows::Rows;

const REGRESSORS: [&str; 4] = ["linear_regression", "ridge", "lasso", "elastic_net"];

/// Pseudo-random numbers of mean 0.
fn noise(seed: u64, i: usize) -> f64 {
    let mut z = (i as u64 ^ seed << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

fn rows(n: usize, d: usize, classes: usize) -> Rows {
    let x: Vec<Vec<f64>> = (0..n)
        .map(|i| (0..d).map(|j| noise(j as u64 + 1, i)).collect())
        .collect();
    let y = (0..n).map(|i| {
        let eta: f64 = x[i].iter().zip([1.5, -1.0, 0.5]).map(|(x, b)| x * b).sum();
        let value = eta + 0.5 * noise(99, i) + 2.0;
        match classes {
            0 => value,
            2 => f64::from(u8::from(value > 2.0)),
            k => (value * 1.5).floor().clamp(0.0, k as f64 - 1.0),
        }
    });
    Rows {
        y: y.collect(),
        x,
        weights: None,
        classes,
    }
}

fn close(a: &[f64], b: &[f64], tolerance: f64) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{a} {b}");
    }
}

#[test]
fn one_row() {
    let one = Rows {
        x: vec![vec![1.0, 2.0]],
        y: vec![7.0],
        ..Rows::default()
    };
    for name in REGRESSORS {
        let line = one.line(name, &json!({}));
        assert_eq!(
            (line.intercepts[0], &*line.coefficients),
            (7.0, &[0.0, 0.0][..]),
            "{name}"
        );
    }
    let label = Rows {
        classes: 2,
        y: vec![1.0],
        ..one
    };
    for penalty in ["l2", "none"] {
        let refusal = label.refusal("logistic_regression", &json!({"penalty": penalty}));
        assert_eq!(refusal, Error::OneClass { class: 1 });
    }
}

#[test]
fn one_class_is_named() {
    for classes in [2, 3] {
        let mut data = rows(50, 2, classes);
        data.y.fill(1.0);
        for penalty in ["l2", "none"] {
            let refusal = data.refusal("logistic_regression", &json!({"penalty": penalty}));
            assert_eq!(refusal, Error::OneClass { class: 1 });
        }
        // The other classes have no weight.
        let mut data = rows(50, 2, classes);
        let kept = |y: &f64| f64::from(u8::from(*y == 0.0));
        data.weights = Some(data.y.iter().map(kept).collect());
        let refusal = data.refusal("logistic_regression", &json!({}));
        assert_eq!(refusal, Error::OneClass { class: 0 });
    }
}

#[test]
fn no_rows_and_no_weight() {
    for (name, classes) in [
        ("ridge", 0),
        ("linear_regression", 0),
        ("logistic_regression", 2),
        ("logistic_regression", 3),
    ] {
        let mut data = rows(20, 2, classes);
        data.weights = Some(vec![0.0; 20]);
        assert_eq!(
            data.refusal(name, &json!({})),
            Error::NoRows,
            "{name} {classes}"
        );
        data.weights.as_mut().unwrap()[3] = -1.0;
        assert!(matches!(
            data.refusal(name, &json!({})),
            Error::InvalidParameter { name: "weight", .. }
        ));
        let empty = Rows {
            classes,
            ..Rows::default()
        };
        assert_eq!(
            empty.refusal(name, &json!({})),
            Error::NoRows,
            "{name} {classes}"
        );
    }
}

#[test]
fn a_constant_target() {
    let mut data = rows(30, 2, 0);
    data.y.fill(-4.25);
    for name in REGRESSORS {
        let learned = data.learn(name, &json!({})).unwrap();
        let line = crate::rows::linear(&learned);
        close(&line.intercepts, &[-4.25], 1e-14);
        close(&line.coefficients, &[0.0, 0.0], 1e-14);
    }
    let warnings = data
        .learn("linear_regression", &json!({}))
        .unwrap()
        .warnings;
    assert_eq!(warnings[0], "the target is -4.25 in every training row");
}

#[test]
fn without_features_there_is_the_intercept() {
    let data = Rows {
        x: vec![vec![]; 4],
        y: vec![1.0, 2.0, 4.0, 5.0],
        ..Rows::default()
    };
    for name in REGRESSORS {
        let line = data.line(name, &json!({}));
        close(&line.intercepts, &[3.0], 1e-15);
        assert!(line.coefficients.is_empty());
    }
    // The deviation sqrt(10/3) by sqrt(4).
    let line = data.line("linear_regression", &json!({}));
    close(&line.std_err, &[(10.0_f64 / 12.0).sqrt()], 1e-14);
    let labels = Rows {
        y: vec![0.0, 1.0, 1.0, 1.0],
        classes: 2,
        ..data.clone()
    };
    for penalty in ["l2", "none"] {
        let line = labels.line("logistic_regression", &json!({"penalty": penalty}));
        close(&line.intercepts, &[3.0_f64.ln()], 1e-12);
    }
    let labels = Rows {
        y: vec![0.0, 1.0, 1.0, 2.0],
        classes: 3,
        ..data
    };
    let got = labels.line("logistic_regression", &json!({})).intercepts;
    let third = 2.0_f64.ln() / 3.0;
    close(&got, &[-third, 2.0 * third, -third], 1e-12);
}

#[test]
fn weights_have_no_unit() {
    for (name, classes, hyperparams) in [
        ("linear_regression", 0, json!({})),
        ("lasso", 0, json!({"alpha": 0.05})),
        ("elastic_net", 0, json!({"alpha": 0.05})),
        ("ridge", 0, json!({"alpha": 0.0})),
        ("logistic_regression", 2, json!({"penalty": "none"})),
        ("logistic_regression", 3, json!({"penalty": "none"})),
    ] {
        let mut data = rows(200, 3, classes);
        let weights: Vec<f64> = (0..200).map(|i| 1.0 + noise(7, i)).collect();
        data.weights = Some(weights.clone());
        let want = data.line(name, &hyperparams);
        for unit in [1e-300, 1e300] {
            data.weights = Some(weights.iter().map(|w| w * unit).collect());
            let got = data.line(name, &hyperparams);
            close(&got.coefficients, &want.coefficients, 1e-9);
            close(&got.intercepts, &want.intercepts, 1e-9);
        }
    }
}

#[test]
fn a_penalty_against_weights_of_any_size() {
    for (name, classes, strength) in [
        ("ridge", 0, "alpha"),
        ("logistic_regression", 2, "C"),
        ("logistic_regression", 3, "C"),
    ] {
        let mut data = rows(200, 3, classes);
        for unit in [1e-290_f64, 1e290] {
            // The penalty in the same unit leaves the minimum where it is.
            let value = if strength == "C" { 1.0 / unit } else { unit };
            data.weights = None;
            let want = data.line(name, &json!({strength: 1.0}));
            data.weights = Some(vec![unit; 200]);
            let got = data.line(name, &json!({strength: value}));
            close(&got.coefficients, &want.coefficients, 1e-10);
            // A penalty that outweighs the rows leaves the intercept.
            if unit < 1.0 {
                let flat = data.line(name, &json!({}));
                close(
                    &flat.coefficients,
                    &vec![0.0; flat.coefficients.len()],
                    1e-12,
                );
            }
        }
    }
}

#[test]
fn a_weight_is_a_number_of_copies() {
    for (name, classes, hyperparams) in [
        ("linear_regression", 0, json!({})),
        ("ridge", 0, json!({"alpha": 3.0})),
        ("elastic_net", 0, json!({"alpha": 0.05})),
        ("logistic_regression", 2, json!({})),
        ("logistic_regression", 3, json!({"C": 10.0})),
    ] {
        let data = rows(60, 3, classes);
        let copies: Vec<usize> = (0..60).map(|i| i % 4).collect();
        let mut weighted = data.clone();
        weighted.weights = Some(copies.iter().map(|c| *c as f64).collect());
        let mut repeated = Rows {
            classes,
            ..Rows::default()
        };
        for (i, count) in copies.iter().enumerate() {
            for _ in 0..*count {
                repeated.x.push(data.x[i].clone());
                repeated.y.push(data.y[i]);
            }
        }
        let (a, b) = (
            weighted.line(name, &hyperparams),
            repeated.line(name, &hyperparams),
        );
        close(&a.coefficients, &b.coefficients, 1e-10);
        close(&a.intercepts, &b.intercepts, 1e-10);
    }
}

#[test]
fn no_penalty_is_linear_regression() {
    // More features than rows: the slopes of least norm.
    for (n, d) in [(100, 3), (10, 30)] {
        let data = rows(n, d, 0);
        let want = data.line("linear_regression", &json!({}));
        for name in ["ridge", "lasso", "elastic_net"] {
            let got = data.line(name, &json!({"alpha": 0}));
            close(&got.coefficients, &want.coefficients, 1e-10);
            close(&got.intercepts, &want.intercepts, 1e-10);
        }
        // The smallest penalty meets no noise in what is dependent.
        let got = data.line("ridge", &json!({"alpha": 1e-300}));
        close(&got.coefficients, &want.coefficients, 1e-10);
    }
}

#[test]
fn strong_and_weak_penalties() {
    let flat = rows(500, 3, 2).line("logistic_regression", &json!({"C": 1e-300}));
    close(&flat.coefficients, &[0.0; 3], 1e-290);
    let data = rows(500, 3, 2);
    let free = data.line("logistic_regression", &json!({"penalty": "none"}));
    let weak = data.line("logistic_regression", &json!({"C": 1e300}));
    close(&weak.coefficients, &free.coefficients, 1e-9);
    let data = rows(500, 3, 4);
    let free = data.line("logistic_regression", &json!({"penalty": "none"}));
    let weak = data.line("logistic_regression", &json!({"C": 1e300}));
    close(&weak.coefficients, &free.coefficients, 1e-9);
    let lasso = rows(100, 3, 0)
        .learn("lasso", &json!({"alpha": 1e300}))
        .unwrap();
    assert!(lasso.converged);
    assert_eq!(lasso.warnings.len(), 1);
    assert!(lasso.warnings[0].starts_with("every coefficient is 0"));
}

#[test]
fn dependent_columns_share_what_the_rows_say() {
    // A column twice: with any penalty on squares, and without, each has half.
    for (name, classes, hyperparams) in [
        ("linear_regression", 0, json!({})),
        ("ridge", 0, json!({"alpha": 1e-8})),
        ("logistic_regression", 2, json!({})),
        ("logistic_regression", 2, json!({"C": 1e12})),
        ("logistic_regression", 2, json!({"C": 1e300})),
        ("logistic_regression", 3, json!({})),
        ("logistic_regression", 3, json!({"C": 1e12})),
        ("logistic_regression", 3, json!({"penalty": "none"})),
    ] {
        let mut data = rows(300, 2, classes);
        data.x.iter_mut().for_each(|x| x.push(x[0]));
        let line = data.line(name, &hyperparams);
        for slopes in line.coefficients.chunks_exact(3) {
            assert!(slopes[0].abs() > 0.01, "{name} {hyperparams}");
            close(&slopes[..1], &slopes[2..], 1e-9);
        }
    }
}

#[test]
fn a_constant_column_has_no_part_beside_an_intercept() {
    for (name, classes, hyperparams) in [
        ("linear_regression", 0, json!({})),
        ("ridge", 0, json!({"alpha": 1e-300})),
        ("elastic_net", 0, json!({"alpha": 0.01})),
        ("logistic_regression", 2, json!({})),
        ("logistic_regression", 2, json!({"C": 1e300})),
        ("logistic_regression", 3, json!({})),
        ("logistic_regression", 3, json!({"C": 1e300})),
        ("logistic_regression", 3, json!({"penalty": "none"})),
    ] {
        let mut data = rows(300, 2, classes);
        data.weights = Some((0..300).map(|i| f64::from(u8::from(i > 5))).collect());
        let want = data.line(name, &hyperparams);
        // Constant but for rows without weight.
        for (i, x) in data.x.iter_mut().enumerate() {
            x.push(if i > 5 { 0.3 } else { i as f64 });
        }
        let got = data.line(name, &hyperparams);
        for (got, want) in got
            .coefficients
            .chunks_exact(3)
            .zip(want.coefficients.chunks_exact(2))
        {
            close(&got[..2], want, 1e-9);
            assert_eq!(got[2], 0.0, "{name} {hyperparams}");
        }
    }
}

#[test]
fn many_classes_and_features() {
    // 40 classes of 40 features: beyond the whole curvature. The conditions of the minimum hold.
    let (n, d, classes) = (3000, 40, 40);
    let mut data = rows(n, d, classes);
    for (i, y) in data.y.iter_mut().enumerate() {
        let score = |k: usize| 2.0 * data.x[i][k] + noise(1000 + k as u64, i);
        *y = (0..classes).fold(0, |best, k| if score(k) > score(best) { k } else { best }) as f64;
    }
    let learned = data
        .learn("logistic_regression", &json!({"C": 0.5, "max_iter": 500}))
        .unwrap();
    assert!(learned.converged, "{:?}", learned.warnings);
    let line = crate::rows::linear(&learned);
    let mut gradient = vec![0.0; classes * (d + 1)];
    for (x, y) in data.x.iter().zip(&data.y) {
        let margin = |k: usize| {
            let slopes = &line.coefficients[k * d..][..d];
            line.intercepts[k] + x.iter().zip(slopes).map(|(x, b)| x * b).sum::<f64>()
        };
        let odds: Vec<f64> = (0..classes).map(|k| margin(k).exp()).collect();
        let total: f64 = odds.iter().sum();
        for k in 0..classes {
            let residual = f64::from(u8::from(*y == k as f64)) - odds[k] / total;
            gradient[k * (d + 1)] += residual;
            for j in 0..d {
                gradient[k * (d + 1) + 1 + j] += residual * x[j];
            }
        }
    }
    for k in 0..classes {
        for j in 0..d {
            gradient[k * (d + 1) + 1 + j] -= 2.0 * line.coefficients[k * d + j];
        }
    }
    // Of terms that add up to some 20 in size.
    let worst = gradient.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
    assert!(
        worst < 1e-6,
        "{worst:e} after {} iterations",
        learned.iterations
    );
}

#[test]
fn separated_classes_are_named_without_a_penalty_and_fitted_with_one() {
    let mut data = rows(80, 2, 2);
    for (x, y) in data.x.iter().zip(&mut data.y) {
        *y = f64::from(u8::from(x[1] > 0.1));
    }
    let free = data
        .learn("logistic_regression", &json!({"penalty": "none"}))
        .unwrap();
    assert!(!free.converged);
    assert!(
        free.warnings[0].starts_with("the classes are separated without error by x1"),
        "{:?}",
        free.warnings
    );
    let fitted = data.learn("logistic_regression", &json!({})).unwrap();
    assert!(fitted.converged && fitted.warnings.is_empty());
    let huge = data
        .learn("logistic_regression", &json!({"C": 1e30}))
        .unwrap();
    assert!(huge.converged, "{:?}", huge.warnings);
}

#[test]
fn a_class_without_rows_is_never_predicted() {
    let mut data = rows(200, 2, 3);
    let want = data.line("logistic_regression", &json!({}));
    data.classes = 5;
    data.y
        .iter_mut()
        .for_each(|y| *y += f64::from(u8::from(*y > 0.0)));
    let learned = data.learn("logistic_regression", &json!({})).unwrap();
    assert_eq!(
        learned.warnings,
        ["2 of 5 classes have no training row and are never predicted"]
    );
    let line = crate::rows::linear(&learned);
    let kept: Vec<f64> = [0, 2, 3].iter().map(|k| line.intercepts[*k]).collect();
    close(&kept, &want.intercepts, 1e-12);
    assert!(line.intercepts[1] < -1e200 && line.intercepts[4] < -1e200);
}

#[test]
fn a_search_cut_short_says_so() {
    let data = rows(300, 3, 2);
    let cut = data
        .learn("logistic_regression", &json!({"max_iter": 1, "tol": 0}))
        .unwrap();
    assert!(!cut.converged && cut.warnings[0].starts_with("not converged after 1 iterations"));
    let data = rows(100, 40, 0);
    let cut = data
        .learn("lasso", &json!({"max_iter": 1, "tol": 0, "alpha": 1e-6}))
        .unwrap();
    assert!(cut.iterations == 1);
}

#[test]
fn the_bits_do_not_depend_on_the_threads() {
    for (name, classes) in [
        ("linear_regression", 0),
        ("elastic_net", 0),
        ("logistic_regression", 2),
        ("logistic_regression", 3),
    ] {
        let mut data = rows(30_000, 3, classes);
        data.weights = Some((0..30_000).map(|i| 1.0 + noise(3, i)).collect());
        let one = data.learn_on(1, name, &json!({})).unwrap();
        for threads in [2, 3] {
            assert_eq!(
                data.learn_on(threads, name, &json!({})).unwrap(),
                one,
                "{name} {classes}"
            );
        }
    }
}

/// Watches how long the gaps between polls are; stops at a poll.
struct Clock {
    last: Instant,
    longest: Duration,
    polls: u32,
    stop_at: u32,
}

impl Monitor for Clock {
    fn poll(&mut self, _progress: Progress) -> Control {
        self.longest = self.longest.max(self.last.elapsed());
        self.last = Instant::now();
        self.polls += 1;
        if self.polls == self.stop_at {
            Control::Stop
        } else {
            Control::Continue
        }
    }
}

#[test]
fn every_learner_stops_when_told() {
    for (name, classes, d) in [
        ("ridge", 0, 60),
        ("lasso", 0, 60),
        ("linear_regression", 0, 60),
        ("logistic_regression", 2, 60),
        ("logistic_regression", 3, 40),
    ] {
        let data = rows(3000, d, classes);
        let tiles = data.tiles();
        let names: Vec<String> = (0..d).map(|j| format!("x{j}")).collect();
        let problem = Problem {
            tiles: &tiles,
            features: &names,
            classes,
            weighted: false,
            threads: 1,
            seed: 0,
        };
        let task = if classes > 0 {
            Task::Classification
        } else {
            Task::Regression
        };
        let learner = algorithm(name, task, classes, &Value::Null).unwrap();
        let mut clock = Clock {
            last: Instant::now(),
            longest: Duration::ZERO,
            polls: 0,
            stop_at: 0,
        };
        learner.learn(&problem, &mut clock).unwrap();
        let all = clock.polls;
        assert!(all > 10, "{name}: {all} polls");
        assert!(
            clock.longest < Duration::from_millis(50),
            "{name}: {:?}",
            clock.longest
        );
        for stop_at in [1, all / 2, all] {
            clock.polls = 0;
            clock.stop_at = stop_at;
            assert_eq!(
                learner.learn(&problem, &mut clock),
                Err(Error::Stopped),
                "{name}"
            );
        }
    }
}
