//! Data without a maximum, and data that only look like it.

use pglearn_core::logistic::{Finding, Intercept, LogisticParams, Optimizer, Status};

use super::data::{Data, Uniform, random};

fn separation(columns: &[usize], complete: bool) -> Finding {
    Finding::Separation {
        columns: columns.to_vec(),
        complete,
    }
}

#[test]
fn a_threshold_separates_completely() {
    let mut data = random(200, 3, 3);
    for (row, label) in data.x.iter_mut().zip(&mut data.y) {
        row[1] += if row[1] > 0.0 { 0.1 } else { -0.1 };
        *label = f64::from(u8::from(row[1] > 0.0));
    }
    let fit = data.fit(LogisticParams::new());
    assert_eq!(fit.status, Status::Separated);
    assert_eq!(fit.findings, [separation(&[1], true)]);
    assert!(fit.coefficients.iter().all(|c| c.is_finite()));
    assert!(fit.std_err.iter().all(|s| s.is_finite()));
}

#[test]
fn two_columns_separate_together() {
    let mut data = random(300, 3, 4);
    data.x.retain(|row| (row[0] + row[2]).abs() > 0.05);
    data.y = data
        .x
        .iter()
        .map(|row| f64::from(u8::from(row[0] + row[2] > 0.0)))
        .collect();
    let fit = data.fit(LogisticParams::new());
    assert_eq!(fit.status, Status::Separated);
    let [
        Finding::Separation {
            columns,
            complete: true,
        },
    ] = &fit.findings[..]
    else {
        panic!("{:?}", fit.findings)
    };
    assert!(columns.contains(&0) && columns.contains(&2), "{columns:?}");
}

/// Every row with the dummy set is positive: quasi-complete separation by one column.
#[test]
fn a_category_with_one_outcome() {
    for (rows, seed) in [(60, 1), (400, 2), (30_000, 3)] {
        let mut data = random(rows, 3, seed);
        for (i, row) in data.x.iter_mut().enumerate() {
            let member = i % 9 == 0;
            row.push(f64::from(u8::from(member)));
            if member {
                data.y[i] = 1.0;
            }
        }
        let fit = data.fit(LogisticParams::new());
        assert_eq!(fit.status, Status::Separated, "{rows}");
        assert_eq!(fit.findings, [separation(&[3], false)], "{rows}");
        assert!(fit.iterations < 12, "{rows}: {}", fit.iterations);
    }
}

/// The reference level is the one without a negative row: the intercept and all dummies diverge.
#[test]
fn a_reference_category_with_one_outcome() {
    let mut data = random(600, 2, 8);
    for (i, row) in data.x.iter_mut().enumerate() {
        let level = i % 4;
        row.extend((1..4).map(|l| f64::from(u8::from(level == l))));
        if level == 0 {
            data.y[i] = 0.0;
        }
    }
    let fit = data.fit(LogisticParams::new());
    assert_eq!(fit.status, Status::Separated);
    assert_eq!(fit.findings, [separation(&[2, 3, 4], false)]);
}

#[test]
fn strong_effects_are_not_separation() {
    for scale in [5.0, 20.0, 60.0] {
        let mut uniform = Uniform(42);
        let mut data = Data::default();
        for _ in 0..2_000 {
            let x = uniform.next() * 2.0 - 1.0;
            let other = uniform.next();
            let probability = 1.0 / (1.0 + (-scale * x).exp());
            data.x.push(vec![x, other]);
            data.y
                .push(f64::from(u8::from(uniform.next() < probability)));
        }
        let fit = data.fit(LogisticParams::new());
        assert_eq!(
            (fit.status, fit.findings.len()),
            (Status::Converged, 0),
            "{scale}"
        );
        assert!(
            (fit.coefficients[1] - scale).abs() < 4.0 * fit.std_err[1],
            "{scale}"
        );
    }
}

/// One row on the wrong side, hardly: a maximum exists, however far out.
#[test]
fn one_exception_among_many_is_not_separation() {
    let mut data = Data::default();
    for i in 0..200 {
        data.x.push(vec![f64::from(i)]);
        data.y.push(f64::from(u8::from(i >= 100)));
    }
    data.y[99] = 1.0;
    data.y[100] = 0.0;
    let fit = data.fit(LogisticParams::new().max_iter(50));
    assert_eq!((fit.status, fit.findings.len()), (Status::Converged, 0));
}

#[test]
fn a_constant_label() {
    for label in [0.0, 1.0] {
        let mut data = random(50, 2, 1);
        data.y.fill(label);
        let positive = label > 0.5;
        for intercept in [Intercept::Auto, Intercept::Never] {
            let fit = data
                .with_ones()
                .fit(LogisticParams::new().intercept(intercept));
            assert_eq!(fit.status, Status::Separated);
            assert_eq!(fit.findings, [Finding::ConstantLabel { positive }]);
            let odds = fit.log_odds(&[1.0, 0.0, 0.0]).unwrap();
            assert_eq!(odds > 0.0, positive);
        }
    }
}

#[test]
fn one_row() {
    let fit = Data::new(vec![vec![3.0]], vec![1.0]).fit(LogisticParams::new());
    assert_eq!(fit.findings, [Finding::ConstantLabel { positive: true }]);
    assert!(!fit.intercept_added);
}

#[test]
fn out_of_iterations() {
    let data = random(1_000, 4, 6);
    let fit = data.fit(LogisticParams::new().max_iter(1));
    assert_eq!((fit.status, fit.iterations), (Status::MaxIterations, 1));
    let [Finding::NotConverged { gap }] = fit.findings[..] else {
        panic!("{:?}", fit.findings)
    };
    let best = data.fit(LogisticParams::new());
    let missing = best.log_likelihood - fit.log_likelihood;
    assert!((gap - missing).abs() < 0.2 * missing, "{gap} {missing}");
    let _ = Optimizer::Irls;
}
