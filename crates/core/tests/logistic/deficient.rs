//! Designs that are rank-deficient, or hold a constant in disguise.
//!
//! Expected numbers: numpy 2.4.6, Newton's method with `numpy.linalg.pinv` (rcond 1e-12), which
//! gives the minimum-norm coefficients and the pseudo-inverse as covariance. Its own rounding on
//! these designs is about 1e-11.

use pglearn_core::logistic::{
    Finding, Intercept, InterceptDecision, LogisticFit, LogisticParams, Status, decide_intercept,
    fit,
};
use pglearn_core::monitor::Unattended;

use super::data::{Data, Uniform, assert_close, patients, random, rows_of};
use linfa::ParamGuard;

const LIKELIHOOD: f64 = -9.410_182_983_850_886;

/// The patients with columns made of (treatment, anxiety).
fn columns(make: impl Fn(f64, f64) -> Vec<f64>) -> Data {
    let mut data = patients();
    data.x
        .iter_mut()
        .for_each(|row| *row = make(row[0], row[1]));
    data
}

fn never() -> LogisticParams {
    LogisticParams::new().intercept(Intercept::Never)
}

#[track_caller]
fn assert_numbers(fit: &LogisticFit, coefficients: &[f64], std_err: &[f64]) {
    assert_close("coefficients", &fit.coefficients, coefficients, 1e-10);
    assert_close("std_err", &fit.std_err, std_err, 1e-9);
    assert_eq!(fit.status, Status::Converged);
}

#[test]
fn a_sum_of_columns_gets_the_minimum_norm() {
    let data = columns(|t, a| vec![t, a, 2.0 * t + a]);
    let fit = data.fit(LogisticParams::new());
    assert!(fit.intercept_added);
    assert_numbers(
        &fit,
        &[
            -6.3634699418458744,
            -0.3810503230259154,
            0.4405727813608603,
            -0.32152786469107303,
        ],
        &[
            3.213904524748835,
            0.39112970986753814,
            0.39388340363704727,
            0.3902974751323394,
        ],
    );
    assert_close("likelihood", &[fit.log_likelihood], &[LIKELIHOOD], 1e-14);
    assert_eq!(
        fit.findings,
        [Finding::Collinear {
            columns: vec![0, 1, 2]
        }]
    );
    assert_eq!(fit.condition_number, f64::INFINITY);
    let with_ones = data.with_ones().fit(LogisticParams::new());
    assert!(!with_ones.intercept_added);
    assert_close(
        "coefficients",
        &with_ones.coefficients,
        &fit.coefficients,
        1e-12,
    );
    assert_eq!(
        with_ones.findings,
        [Finding::Collinear {
            columns: vec![1, 2, 3]
        }]
    );
}

#[test]
fn two_constants_share_the_effect() {
    let fit = columns(|t, a| vec![1.0, 1.0, t, a]).fit(LogisticParams::new());
    assert!(!fit.intercept_added);
    assert_numbers(
        &fit,
        &[
            -3.181734970922933,
            -3.181734970922933,
            -1.0241060524080692,
            0.11904491666978428,
        ],
        &[
            1.6069522623668753,
            1.6069522623668753,
            1.171080146495137,
            0.054979175574996944,
        ],
    );
    assert_eq!(
        fit.findings,
        [Finding::Collinear {
            columns: vec![0, 1]
        }]
    );
}

#[test]
fn dummies_are_a_constant() {
    for params in [LogisticParams::new(), never()] {
        let fit = columns(|t, a| vec![t, 1.0 - t, a]).fit(params);
        assert!(!fit.intercept_added);
        assert_numbers(
            &fit,
            &[-7.387575994253953, -6.363469941845868, 0.11904491666978467],
            &[3.2790260622474077, 3.2139045246981253, 0.05497917557450245],
        );
        assert_close(
            "condition",
            &[fit.condition_number],
            &[457.6052758552693],
            1e-9,
        );
        assert_eq!(fit.findings, []);
    }
}

#[test]
fn dummies_beside_a_constant() {
    let fit = columns(|t, a| vec![1.0, t, 1.0 - t, a]).fit(LogisticParams::new());
    assert_numbers(
        &fit,
        &[
            -4.5836819786999445,
            -2.8038940155540057,
            -1.7797879631459317,
            0.11904491666978373,
        ],
        &[
            2.1289266913156815,
            1.2435477455438892,
            1.185524267056728,
            0.054979175575008865,
        ],
    );
    assert_eq!(
        fit.findings,
        [Finding::Collinear {
            columns: vec![0, 1, 2]
        }]
    );
}

#[test]
fn a_constant_other_than_one() {
    let fit = columns(|t, a| vec![t, a, 5.0]).fit(LogisticParams::new());
    assert!(!fit.intercept_added);
    assert_numbers(
        &fit,
        &[
            -1.0241060524080685,
            0.11904491666978419,
            -1.2726939883691755,
        ],
        &[1.1710801464951588, 0.05497917557505487, 0.6427809049464438],
    );
    assert_close(
        "condition",
        &[fit.condition_number],
        &[119.46955780954669],
        1e-9,
    );
}

#[test]
fn without_a_constant() {
    let fit = patients().fit(never());
    assert_numbers(
        &fit,
        &[-1.5701530283971603, 0.016125944881535244],
        &[0.9316730459810848, 0.010971795927640974],
    );
    assert_close(
        "condition",
        &[fit.condition_number],
        &[111.24829150402122],
        1e-9,
    );
    let fit = columns(|t, a| vec![t, a, a]).fit(never());
    assert_numbers(
        &fit,
        &[
            -1.5701530283971603,
            0.008062972440767625,
            0.008062972440767622,
        ],
        &[
            0.9316730459845596,
            0.005485897963833545,
            0.005485897963824509,
        ],
    );
    assert_eq!(
        fit.findings,
        [Finding::Collinear {
            columns: vec![1, 2]
        }]
    );
}

#[test]
fn a_zero_column_has_no_effect() {
    for params in [LogisticParams::new(), never()] {
        let with = columns(|t, a| vec![t, 0.0, a]).fit(params.clone());
        let without = patients().fit(params);
        let skip = usize::from(with.intercept_added) + 1;
        assert_eq!(with.coefficients[skip], 0.0);
        assert!(with.std_err[skip].is_nan() && with.z_stats[skip].is_nan());
        assert!(with.p_values[skip].is_nan());
        let mut rest = with.coefficients.clone();
        rest.remove(skip);
        assert_eq!(rest, without.coefficients);
        assert_eq!(with.findings, [Finding::ZeroColumn { column: 1 }]);
    }
}

#[test]
fn a_decision_for_all_groups_holds_in_each() {
    // Rows 0..20 have a column that varies; in the second group it is constant.
    let mut data = columns(|t, a| vec![t, a, 0.0]);
    for (i, row) in data.x.iter_mut().enumerate() {
        row[2] = (i % 3) as f64;
    }
    let group = columns(|t, a| vec![t, a, 7.0]);
    data.x.extend(group.x.clone());
    data.y.extend(group.y.clone());
    let tiles = data.tiles();
    let params = LogisticParams::new().check().unwrap();
    let decision = decide_intercept(&params, &rows_of(&tiles, 3, false), &mut Unattended).unwrap();
    assert_eq!(decision, InterceptDecision { added: true });
    let rows = pglearn_core::logistic::Rows {
        range: 20..40,
        ..rows_of(&tiles, 3, false)
    };
    let fit = fit(&params, &rows, Some(decision), &mut Unattended).unwrap();
    assert!(fit.intercept_added);
    // The constant -6.36... is shared by (1, 7) in proportion.
    let share = -6.3634699418458744 / 50.0;
    assert_numbers(
        &fit,
        &[share, -1.0241060524080692, 0.11904491666978428, 7.0 * share],
        &[
            3.213904524748835 / 50.0,
            1.171080146495137,
            0.0549791755749969,
            0.44994663346483,
        ],
    );
    assert_eq!(fit.findings, [Finding::ConstantColumn { column: 2 }]);
}

/// Columns far from zero compared with their spread must not look like constants.
#[test]
fn large_means_are_no_constants() {
    let mut uniform = Uniform(11);
    let mut data = random(500, 1, 5);
    for row in &mut data.x {
        row.push(1.7e9 + 1e6 * uniform.next());
        row.push(2000.0 + 3.0 * uniform.next());
        row.push(0.9967 + 0.0019 * uniform.next());
    }
    let fit = data.fit(LogisticParams::new());
    assert!(fit.intercept_added);
    assert_eq!(fit.findings, []);
    // Moving the origin of a column changes the intercept only.
    let mut moved = data.clone();
    for row in &mut moved.x {
        row[1] -= 1.7e9;
        row[2] -= 2000.0;
    }
    let moved = moved.fit(LogisticParams::new());
    assert_close(
        "slopes",
        &fit.coefficients[1..],
        &moved.coefficients[1..],
        1e-9,
    );
    assert_close("std_err", &fit.std_err[1..], &moved.std_err[1..], 1e-11);
    // A difference of two of them is a constant all the same.
    for row in &mut data.x {
        row[3] = row[2] - 1.0;
    }
    let fit = data.fit(LogisticParams::new());
    assert!(!fit.intercept_added);
    assert_eq!(fit.findings, []);
}

/// The origin chosen from the first rows is far from a later group.
#[test]
fn a_drifting_column_keeps_its_digits() {
    let head = random(300, 2, 1);
    let mut tail = random(300, 2, 2);
    let near = tail.fit(LogisticParams::new());
    let mut all = head;
    // A dyadic distance, and cells of few digits, so that no cell is rounded.
    for row in &mut tail.x {
        row[1] = (row[1] * 1024.0).round() / 1024.0;
    }
    let near_rounded = tail.fit(LogisticParams::new());
    assert_close(
        "rounded",
        &near_rounded.coefficients,
        &near.coefficients,
        0.1,
    );
    for row in &mut tail.x {
        row[1] += 16_777_216.0;
    }
    all.x.extend(tail.x);
    all.y.extend(tail.y);
    let tiles = all.tiles();
    let rows = pglearn_core::logistic::Rows {
        range: 300..600,
        ..rows_of(&tiles, 2, false)
    };
    let params = LogisticParams::new().check().unwrap();
    let far = fit(&params, &rows, None, &mut Unattended).unwrap();
    assert!(far.intercept_added);
    assert_close(
        "slopes",
        &far.coefficients[1..],
        &near_rounded.coefficients[1..],
        1e-12,
    );
    assert_close(
        "std_err",
        &far.std_err[1..],
        &near_rounded.std_err[1..],
        1e-12,
    );
}
