//! Metrics against scikit-learn, on heavily tied scores and on fitted values.

use pglearn_core::linear::LinearAccumulator;
use pglearn_core::metrics::{ProbabilityLoss, Ranking, RegressionErrors};
use pglearn_core::monitor::Unattended;
use serde_json::Value;

use crate::data::{self, Data};
use crate::expected::{assert_close, document, numbers};

/// Both sides hold doubles of the same data: only the order of summation differs.
const ROUNDING: f64 = 1e-13;

fn assert_errors(
    want: &Value,
    pairs: impl Iterator<Item = (f64, f64)>,
    tolerance: f64,
) -> RegressionErrors {
    let mut errors = RegressionErrors::default();
    pairs.for_each(|(predicted, observed)| errors.push(predicted, observed).unwrap());
    assert_close(want, "r2_score", &[errors.r2_score().unwrap()], tolerance);
    assert_close(
        want,
        "mean_abs_error",
        &[errors.mean_abs_error().unwrap()],
        tolerance,
    );
    assert_close(
        want,
        "mean_squared_error",
        &[errors.mean_squared_error().unwrap()],
        tolerance,
    );
    assert_close(
        want,
        "mean_abs_perc_error",
        &[errors.mean_abs_perc_error().unwrap()],
        tolerance,
    );
    assert_close(
        want,
        "mean_perc_error",
        &[errors.mean_perc_error().unwrap()],
        tolerance,
    );
    errors
}

/// 10,000 rows, 64 distinct scores.
#[test]
fn tied_scores() {
    let want = document("metrics");
    let (scores, labels): (Vec<f64>, Vec<bool>) =
        data::scores(10_000).map(|(s, l, ..)| (s, l)).unzip();
    let ranking = Ranking::new(&scores, &labels, &mut Unattended).unwrap();
    assert_close(
        &want["ranking"],
        "area_under_roc",
        &[ranking.roc_auc().unwrap()],
        ROUNDING,
    );
    let rows: Vec<Vec<f64>> = ranking
        .thresholds()
        .map(|t| {
            let c = t.counts;
            vec![
                t.threshold,
                c.tp as f64,
                c.fp as f64,
                c.fn_ as f64,
                c.tn as f64,
            ]
        })
        .collect();
    let expected: Vec<Vec<f64>> = want["thresholds"]["counts"]
        .as_array()
        .unwrap()
        .iter()
        .map(numbers)
        .collect();
    assert_eq!(rows, expected);
    let half = ranking
        .thresholds()
        .find(|t| t.threshold == 0.5)
        .unwrap()
        .counts;
    assert_close(
        &want["ranking"],
        "accuracy_at_half",
        &[half.accuracy().unwrap()],
        ROUNDING,
    );
    assert_close(
        &want["ranking"],
        "f1_at_half",
        &[half.f1().unwrap()],
        ROUNDING,
    );
}

/// Observed values of both signs.
#[test]
fn regression_errors() {
    let pairs = data::scores(10_000).map(|(_, _, observed, predicted)| (predicted, observed));
    assert_errors(&document("metrics")["regression"], pairs, ROUNDING);
}

/// Probabilities from the reference coefficients.
fn assert_ranking(data: &Data, want: &Value) {
    let coefficients = numbers(&want["logistic"]["coef"]);
    let scores: Vec<f64> = (0..data.target.len())
        .map(|row| {
            let eta: f64 = data
                .row(row)
                .iter()
                .zip(&coefficients)
                .map(|(x, c)| x * c)
                .sum();
            1.0 / (1.0 + (-eta).exp())
        })
        .collect();
    let labels: Vec<bool> = data.target.iter().map(|y| *y == 1.0).collect();
    let mut loss = ProbabilityLoss::default();
    scores
        .iter()
        .zip(&labels)
        .for_each(|(p, y)| loss.push(*p, *y).unwrap());
    let ranking = Ranking::new(&scores, &labels, &mut Unattended).unwrap();
    let want = &want["ranking"];
    assert_close(
        want,
        "area_under_roc",
        &[ranking.roc_auc().unwrap()],
        ROUNDING,
    );
    assert_close(
        want,
        "distinct_scores",
        &[ranking.thresholds().count() as f64],
        0.0,
    );
    assert_close(want, "log_loss", &[loss.log_loss().unwrap()], 1e-12);
}

#[test]
fn wine() {
    let want = document("wine");
    assert_ranking(
        &data::wine(|quality| f64::from(u8::from(quality >= 7))),
        &want,
    );
    let errors = assert_fitted(&data::wine(|quality| quality as f64), &want);
    let adjusted = errors.adjusted_r2_score(11, 1599).unwrap();
    assert_close(&want["regression"], "adjusted_r2_score", &[adjusted], 1e-10);
}

#[test]
fn telco() {
    if let Some(customers) = data::telco() {
        let want = document("telco");
        assert_ranking(&data::telco_churn(&customers), &want);
        assert_fitted(&data::telco_charges(&customers), &want);
    }
}

/// Predictions of our own linear fit.
fn assert_fitted(data: &Data, want: &Value) -> RegressionErrors {
    let mut accumulator = LinearAccumulator::new(data.columns.len()).unwrap();
    data.for_each_span(0, |span| accumulator.update(span).unwrap());
    let fit = accumulator.finish(&mut Unattended).unwrap();
    let pairs = (0..data.target.len()).map(|row| {
        let x = data.row(row);
        (
            x.iter().zip(&fit.coefficients).map(|(x, c)| x * c).sum(),
            data.target[row],
        )
    });
    assert_errors(&want["regression"], pairs, 1e-10)
}
