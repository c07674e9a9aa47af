//! Logistic regression against statsmodels' Logit and MADlib's manual.

use pglearn_core::ParamGuard;
use pglearn_core::logistic::{Intercept, LogisticFit, LogisticParams, Rows, Status, fit};
use pglearn_core::monitor::Unattended;
use pglearn_core::tiles::Tiles;
use serde_json::Value;

use crate::data::{self, Data, Wanted};
use crate::expected::{TOLERANCE, assert_close, document};

/// Fits without the first `skip` columns of the data.
fn fit_without(data: &Data, skip: usize, params: LogisticParams) -> LogisticFit {
    let features = data.columns.len() - skip;
    let mut tiles = Tiles::new(features + 1, features, 1 << 30);
    data.for_each_span(skip, |span| tiles.append(span).unwrap());
    let rows = Rows {
        tiles: &tiles,
        range: 0..tiles.rows(),
        features,
        weighted: false,
    };
    fit(&params.check().unwrap(), &rows, None, &mut Unattended).unwrap()
}

/// Everything a model table reports.
fn assert_numbers(fit: &LogisticFit, want: &Value) {
    assert_eq!(fit.status, Status::Converged);
    assert!(fit.findings.is_empty(), "{:?}", fit.findings);
    assert_close(want, "num_rows_processed", &[fit.rows as f64], 0.0);
    assert_close(want, "coef", &fit.coefficients, TOLERANCE);
    assert_close(want, "std_err", &fit.std_err, TOLERANCE);
    assert_close(want, "z_stats", &fit.z_stats, TOLERANCE);
    assert_close(want, "p_values", &fit.p_values, TOLERANCE);
    assert_close(want, "odds_ratios", &fit.odds_ratios, TOLERANCE);
    assert_close(want, "log_likelihood", &[fit.log_likelihood], TOLERANCE);
    assert_close(want, "condition_no", &[fit.condition_number], TOLERANCE);
    assert_close(want, "variance_covariance", &fit.covariance, TOLERANCE);
}

/// The constant as a column (nothing is added, MADlib's way) and as an added intercept: the same numbers.
fn assert_both_ways(data: &Data, want: &Value) {
    let given = fit_without(data, 0, LogisticParams::new());
    assert!(!given.intercept_added);
    assert_numbers(&given, want);
    let strict = fit_without(data, 0, LogisticParams::new().intercept(Intercept::Never));
    assert_numbers(&strict, want);
    let added = fit_without(data, 1, LogisticParams::new());
    assert!(added.intercept_added);
    assert_numbers(&added, want);
}

#[test]
fn patients() {
    let want = document("patients");
    assert_both_ways(&data::patients(), &want["logistic"]);
    assert_both_ways(
        &data::patients_by_treatment(0.0),
        &want["by_treatment"]["0"],
    );
    assert_both_ways(
        &data::patients_by_treatment(1.0),
        &want["by_treatment"]["1"],
    );
}

/// The numbers of MADlib's manual. Its coefficients are at the optimum to 1e-10; its standard errors, and
/// what follows from them, belong to the coefficients one step before, up to 1.3e-5 away.
#[test]
fn patients_as_madlib_prints_them() {
    let fit = fit_without(&data::patients(), 0, LogisticParams::new());
    let want = &document("patients")["madlib"];
    assert_close(want, "coef", &fit.coefficients, 1e-9);
    assert_close(want, "odds_ratios", &fit.odds_ratios, 1e-9);
    assert_close(want, "log_likelihood", &[fit.log_likelihood], 1e-9);
    assert_close(want, "std_err", &fit.std_err, 2e-5);
    assert_close(want, "z_stats", &fit.z_stats, 2e-5);
    assert_close(want, "p_values", &fit.p_values, 2e-5);
    assert_close(want, "condition_no", &[fit.condition_number], 2e-5);
}

#[test]
fn wine() {
    let data = data::wine(|quality| f64::from(u8::from(quality >= 7)));
    assert_both_ways(&data, &document("wine")["logistic"]);
}

#[test]
fn telco() {
    if let Some(customers) = data::telco() {
        assert_both_ways(
            &data::telco_churn(&customers),
            &document("telco")["logistic"],
        );
    }
}

#[test]
fn synthetic() {
    let data = data::synthetic(Wanted::Label);
    let want = document("synthetic");
    assert_close(&want, "positives", &[data.target.iter().sum()], 0.0);
    assert_both_ways(&data, &want["logistic"]);
}

#[test]
fn threads_do_not_change_a_bit() {
    let data = data::synthetic(Wanted::Label);
    let one = fit_without(&data, 1, LogisticParams::new());
    assert_eq!(one, fit_without(&data, 1, LogisticParams::new().threads(3)));
}
