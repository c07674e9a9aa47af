//! `cg` and `igd` reach the optimum within the tolerance, or say that they did not.

use pglearn_core::logistic::{Finding, Intercept, LogisticFit, LogisticParams, Optimizer, Status};

use super::data::{Data, assert_close, patients, random, synthetic, wine};

fn params(optimizer: Optimizer) -> LogisticParams {
    LogisticParams::new().optimizer(optimizer)
}

const OTHERS: [Optimizer; 2] = [Optimizer::Cg, Optimizer::Igd];

/// Within `tolerance` of the best likelihood; coefficients as near as that implies: a gain of `g`
/// left means no coefficient is further away than sqrt(2 g) standard errors, to second order.
#[track_caller]
fn assert_reached(name: &str, fit: &LogisticFit, best: &LogisticFit, tolerance: f64) {
    assert_eq!(fit.status, Status::Converged, "{name}: {:?}", fit.findings);
    assert!(
        best.log_likelihood - fit.log_likelihood <= 1.1 * tolerance,
        "{name}"
    );
    for (i, (got, want)) in fit.coefficients.iter().zip(&best.coefficients).enumerate() {
        let allowed = 1.1 * (2.0 * tolerance).sqrt() * best.std_err[i];
        assert!((got - want).abs() <= allowed, "{name} {i}: {got} {want}");
    }
}

#[test]
fn they_reach_the_optimum_within_the_default_limits() {
    let mut skewed = synthetic(5_000);
    skewed
        .y
        .iter_mut()
        .enumerate()
        .for_each(|(i, y)| *y *= f64::from(u8::from(i % 9 == 0)));
    let sets = [
        ("patients", patients()),
        ("wine", wine()),
        ("random", random(3_000, 30, 5)),
        ("skewed", skewed),
        ("sorted", {
            let mut data = random(3_000, 3, 9);
            data.x.sort_by(|a, b| a[0].total_cmp(&b[0]));
            data.y.sort_by(f64::total_cmp);
            for (i, y) in data.y.iter_mut().enumerate() {
                *y = if i % 10 == 3 { 1.0 - *y } else { *y };
            }
            data
        }),
    ];
    for (name, data) in sets {
        for intercept in [Intercept::Auto, Intercept::Never] {
            let best = data.fit(LogisticParams::new().intercept(intercept));
            for optimizer in OTHERS {
                let fit = data.fit(params(optimizer).intercept(intercept));
                assert_reached(&format!("{name} {optimizer:?}"), &fit, &best, 1e-4);
            }
        }
    }
}

#[test]
fn a_small_tolerance_gives_more_digits() {
    let best = wine().fit(LogisticParams::new());
    for optimizer in OTHERS {
        let fit = wine().fit(params(optimizer).tolerance(1e-12).max_iter(200));
        assert_eq!(
            fit.status,
            Status::Converged,
            "{optimizer:?} {}",
            fit.iterations
        );
        // sqrt(2e-12) standard errors; the largest z here is about 9.
        assert_close("coefficients", &fit.coefficients, &best.coefficients, 5e-6);
        assert_close("std_err", &fit.std_err, &best.std_err, 5e-6);
    }
}

#[test]
fn cut_short_they_say_so() {
    for optimizer in OTHERS {
        let fit = wine().fit(params(optimizer).max_iter(1));
        assert_eq!((fit.status, fit.iterations), (Status::MaxIterations, 1));
        let best = wine().fit(LogisticParams::new());
        let [Finding::NotConverged { gap }] = fit.findings[..] else {
            panic!("{:?}", fit.findings)
        };
        let missing = best.log_likelihood - fit.log_likelihood;
        assert!(
            gap > 1e-4 && (gap / missing - 1.0).abs() < 0.5,
            "{gap} {missing}"
        );
    }
}

#[test]
fn separation_is_found_by_each() {
    let mut complete = random(200, 2, 3);
    complete
        .x
        .iter_mut()
        .for_each(|row| row[1] += 0.2 * row[1].signum());
    complete.y = complete
        .x
        .iter()
        .map(|row| f64::from(u8::from(row[1] > 0.0)))
        .collect();
    let mut partial = random(200, 2, 4);
    for (i, row) in partial.x.iter_mut().enumerate() {
        row[1] = f64::from(u8::from(i % 5 == 0));
        if i % 5 == 0 {
            partial.y[i] = 0.0;
        }
    }
    for (data, complete) in [(complete, true), (partial, false)] {
        for optimizer in OTHERS {
            let fit = data.fit(params(optimizer));
            assert_eq!(
                fit.status,
                Status::Separated,
                "{optimizer:?} {:?}",
                fit.findings
            );
            let expected = Finding::Separation {
                columns: vec![1],
                complete,
            };
            assert_eq!(fit.findings, [expected], "{optimizer:?}");
        }
    }
}

#[test]
fn collinear_columns_and_seeds() {
    let mut data = random(500, 2, 12);
    data.x.iter_mut().for_each(|row| row.push(row[0] - row[1]));
    let best = data.fit(LogisticParams::new());
    for optimizer in OTHERS {
        let one = data.fit(params(optimizer).seed(1));
        assert_reached("collinear", &one, &best, 1e-4);
        assert_eq!(one.findings, best.findings);
        assert_eq!(one, data.fit(params(optimizer).seed(1)));
        let two = data.fit(params(optimizer).seed(2));
        assert_reached("collinear", &two, &best, 1e-4);
    }
    let _: Data = data;
}
