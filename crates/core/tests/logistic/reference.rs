//! Against `tests/reference/*.json`: statsmodels 0.15.0, recomputed with 50 digits there.

use pglearn_core::logistic::{Intercept, LogisticFit, LogisticParams, Status};
use serde_json::Value;

use super::data::{Data, assert_close, patients, synthetic, wine};

fn numbers(reference: &Value, name: &str) -> Vec<f64> {
    let value = &reference[name];
    match value.as_array() {
        Some(list) => list.iter().map(|v| v.as_f64().unwrap()).collect(),
        None => vec![value.as_f64().unwrap()],
    }
}

#[track_caller]
fn assert_agrees(fit: &LogisticFit, reference: &Value, tolerance: f64) {
    let compare = |name: &str, got: &[f64], slack: f64| {
        assert_close(name, got, &numbers(reference, name), tolerance * slack);
    };
    compare("coef", &fit.coefficients, 1.0);
    compare("std_err", &fit.std_err, 1.0);
    compare("z_stats", &fit.z_stats, 1.0);
    compare("odds_ratios", &fit.odds_ratios, 300.0);
    compare("log_likelihood", &[fit.log_likelihood], 1e-3);
    compare("condition_no", &[fit.condition_number], 1.0);
    // d log p = -z dz in the tail.
    let largest = fit.z_stats.iter().fold(1.0_f64, |m, z| m.max(z * z));
    compare("p_values", &fit.p_values, largest);
    let covariance = numbers(reference, "variance_covariance");
    let k = fit.std_err.len();
    for (i, want) in covariance.iter().enumerate() {
        // Relative to the two standard errors: a covariance may be any fraction of them.
        let unit = fit.std_err[i / k] * fit.std_err[i % k];
        assert!(
            (fit.covariance[i] - want).abs() <= 3.0 * tolerance * unit,
            "covariance {i}"
        );
    }
    assert_eq!(fit.status, Status::Converged);
    assert_eq!(fit.findings, []);
}

fn both_ways(data: &Data, reference: &Value, tolerance: f64) {
    let added = data.fit(LogisticParams::new());
    assert!(added.intercept_added);
    assert_agrees(&added, reference, tolerance);
    for intercept in [Intercept::Auto, Intercept::Never] {
        let given = data
            .with_ones()
            .fit(LogisticParams::new().intercept(intercept));
        assert!(!given.intercept_added);
        assert_agrees(&given, reference, tolerance);
    }
}

#[test]
fn patients_by_both_ways_to_a_constant() {
    let reference: Value =
        serde_json::from_str(include_str!("../../../../tests/reference/patients.json")).unwrap();
    both_ways(&patients(), &reference["logistic"], 1e-11);
    let fit = patients().fit(LogisticParams::new());
    assert!((5..=6).contains(&fit.iterations), "{}", fit.iterations);
}

#[test]
fn wine_by_both_ways_to_a_constant() {
    let reference: Value =
        serde_json::from_str(include_str!("../../../../tests/reference/wine.json")).unwrap();
    both_ways(&wine(), &reference["logistic"], 1e-10);
}

#[test]
fn a_million_rows() {
    let reference: Value =
        serde_json::from_str(include_str!("../../../../tests/reference/synthetic.json")).unwrap();
    let data = synthetic(1_000_000);
    let fit = data.fit(LogisticParams::new());

    assert_agrees(&fit, &reference["logistic"], 1e-9);
}
