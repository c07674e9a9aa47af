//! Linear regression against statsmodels' OLS, MADlib's manual, and het_breuschpagan.

use pglearn_core::linear::{BreuschPagan, LinearAccumulator, LinearFit};
use pglearn_core::monitor::Unattended;
use serde_json::Value;

use crate::data::{self, Data, Wanted};
use crate::expected::{TOLERANCE, assert_close, document};

fn fit(data: &Data) -> LinearFit {
    let mut accumulator = LinearAccumulator::new(data.columns.len()).unwrap();
    data.for_each_span(0, |span| accumulator.update(span).unwrap());
    accumulator.finish(&mut Unattended).unwrap()
}

/// Everything a model table reports, but Breusch-Pagan.
fn assert_fit(data: &Data, want: &Value) -> LinearFit {
    let fit = fit(data);
    assert_close(want, "num_rows_processed", &[fit.rows as f64], 0.0);
    assert_close(want, "coef", &fit.coefficients, TOLERANCE);
    assert_close(want, "r2", &[fit.r2], TOLERANCE);
    assert_close(want, "std_err", &fit.std_err, TOLERANCE);
    assert_close(want, "t_stats", &fit.t_stats, TOLERANCE);
    assert_close(
        want,
        "p_values",
        fit.p_values.as_deref().unwrap(),
        TOLERANCE,
    );
    assert_close(want, "condition_no", &[fit.condition_number], TOLERANCE);
    assert_close(want, "variance_covariance", &fit.covariance, TOLERANCE);
    fit
}

fn assert_fit_and_breusch_pagan(data: &Data, want: &Value) {
    let fit = assert_fit(data, want);
    let mut test = BreuschPagan::new(&fit.coefficients).unwrap();
    data.for_each_span(0, |span| test.update(span).unwrap());
    let test = test.finish(&mut Unattended).unwrap();
    assert_close(want, "bp_koenker", &[test.statistic], TOLERANCE);
    assert_close(want, "bp_koenker_p", &[test.p_value], TOLERANCE);
}

#[test]
fn houses() {
    let want = document("houses");
    assert_fit_and_breusch_pagan(&data::houses(None), &want["linear"]);
    assert_fit_and_breusch_pagan(&data::houses(Some(2.0)), &want["by_bedroom"]["2"]);
    assert_fit_and_breusch_pagan(&data::houses(Some(3.0)), &want["by_bedroom"]["3"]);
}

/// The numbers of MADlib's manual.
#[test]
fn houses_as_madlib_prints_them() {
    let fit = fit(&data::houses(None));
    let want = &document("houses")["madlib"];
    assert_close(want, "coef", &fit.coefficients, TOLERANCE);
    assert_close(want, "r2", &[fit.r2], TOLERANCE);
    assert_close(want, "std_err", &fit.std_err, TOLERANCE);
    assert_close(want, "t_stats", &fit.t_stats, TOLERANCE);
    assert_close(
        want,
        "p_values",
        fit.p_values.as_deref().unwrap(),
        TOLERANCE,
    );
    assert_close(want, "condition_no", &[fit.condition_number], TOLERANCE);
}

#[test]
fn wine() {
    assert_fit_and_breusch_pagan(
        &data::wine(|quality| quality as f64),
        &document("wine")["linear"],
    );
}

#[test]
fn telco() {
    if let Some(customers) = data::telco() {
        assert_fit_and_breusch_pagan(
            &data::telco_charges(&customers),
            &document("telco")["linear"],
        );
    }
}

#[test]
fn synthetic() {
    let data = data::synthetic(Wanted::Target);
    let want = document("synthetic");
    // exact sums of dyadic numbers; serde_json's parser may miss a double by one unit in the last place
    let sums: Vec<f64> = data.columns[1..]
        .iter()
        .map(|column| column.iter().sum())
        .collect();
    assert_close(&want["sums"], "x", &sums, f64::EPSILON);
    assert_close(
        &want["sums"],
        "target",
        &[data.target.iter().sum()],
        f64::EPSILON,
    );
    assert_fit_and_breusch_pagan(&data, &want["linear"]);
}
