//! Metrics against scikit-learn 1.9.1 (numpy 2.4.6) on data with many ties, and their laws.

#![allow(clippy::unwrap_used)]

use pglearn_core::metrics::{Confusion, ProbabilityLoss, Ranking, RegressionErrors};
use pglearn_core::monitor::Unattended;
use proptest::prelude::*;

/// 400 rows, 37 distinct scores, 222 positives. The same generator in Python, for the references:
/// `s = (s * 1103515245 + 12345) % 2**31` from 12345; `a = (s >> 8) % 37`, then `b = (s >> 8) % 50`;
/// score `a / 37`, label `b < 10 + a`.
fn sample() -> (Vec<f64>, Vec<bool>) {
    let mut state = 12_345_u64;
    let mut next = |modulus: u64| {
        state = (state * 1_103_515_245 + 12_345) % (1 << 31);
        (state >> 8) % modulus
    };
    (0..400)
        .map(|_| {
            let (a, b) = (next(37), next(50));
            (a as f64 / 37.0, b < 10 + a)
        })
        .unzip()
}

#[track_caller]
fn close(got: Option<f64>, expected: f64) {
    let got = got.unwrap();
    assert!(
        (got - expected).abs() <= 1e-14 * expected.abs(),
        "{got:?} instead of {expected:?}"
    );
}

#[test]
fn ranking_agrees_with_scikit_learn() {
    let (scores, labels) = sample();
    let ranking = Ranking::new(&scores, &labels, &mut Unattended).unwrap();
    assert_eq!((ranking.positives(), ranking.negatives()), (222, 178));
    assert_eq!(ranking.thresholds().count(), 37);
    close(ranking.roc_auc(), 0.7427624253466951);
    close(ranking.average_precision(), 0.7633360560085697);
}

#[test]
fn classes_and_probabilities_agree_with_scikit_learn() {
    let (scores, labels) = sample();
    let predicted: Vec<bool> = scores.iter().map(|s| *s >= 0.5).collect();
    let counts = Confusion::of(&predicted, &labels);
    close(counts.accuracy(), 0.6775);
    close(counts.precision(), 0.7486631016042781);
    close(counts.recall(), 0.6306306306306306);
    close(counts.f1(), 0.684596577017115);
    let mut loss = ProbabilityLoss::default();
    scores
        .iter()
        .zip(&labels)
        .try_for_each(|(s, l)| loss.push(*s, *l))
        .unwrap();
    close(loss.log_loss(), 0.7244265503723255);
    close(loss.brier_score(), 0.2175420014609204);
    assert!(loss.push(1.5, true).is_err() && loss.push(f64::NAN, true).is_err());
}

#[test]
fn regression_errors_agree_with_scikit_learn() {
    let (scores, labels) = sample();
    let mut errors = RegressionErrors::default();
    for (score, label) in scores.iter().zip(&labels) {
        let observed = 1e6 + f64::from(u8::from(*label)) * 3.0 + score;
        errors.push(1e6 + score * 4.0, observed).unwrap();
    }
    close(errors.r2_score(), 0.26874144442914194);
    close(errors.mean_abs_error(), 1.1400000000029105);
    close(errors.mean_squared_error(), 1.957878013125672);
    close(errors.mean_abs_perc_error(), 1.1399974184223171e-06);
}

#[test]
fn percent_errors_divide_by_the_absolute_observation() {
    let mut errors = RegressionErrors::default();
    for (predicted, observed) in [(-1.0, -2.0), (6.0, 4.0)] {
        errors.push(predicted, observed).unwrap();
    }
    assert_eq!(errors.mean_abs_perc_error(), Some(0.5));
    assert_eq!(errors.mean_perc_error(), Some(0.5));
    errors.push(1.0, 0.0).unwrap();
    assert_eq!(
        (errors.mean_abs_perc_error(), errors.zero_observations()),
        (None, 1)
    );
}

#[test]
fn constant_observations_have_no_r2() {
    let mut errors = RegressionErrors::default();
    assert_eq!((errors.r2_score(), errors.mean_abs_error()), (None, None));
    for predicted in [1.0, 2.0, 4.0] {
        errors.push(predicted, 0.1).unwrap();
    }
    assert_eq!(errors.r2_score(), None);
    assert_eq!(errors.adjusted_r2_score(1, 3), None);
    assert!(errors.push(1.0, f64::INFINITY).is_err());
}

#[test]
fn adjusted_r2_by_hand() {
    let mut errors = RegressionErrors::default();
    for (predicted, observed) in [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0), (5.0, 4.0)] {
        errors.push(predicted, observed).unwrap();
    }
    // r2 = 1 - 1 / 5; adjusted 1 - 0.2 * 3 / 2.
    close(errors.r2_score(), 0.8);
    close(errors.adjusted_r2_score(1, 4), 0.7);
    assert_eq!(errors.adjusted_r2_score(3, 4), None);
}

proptest! {
    /// Mann-Whitney by definition: wins plus half the ties over all pairs.
    #[test]
    fn area_counts_pairs(rows in prop::collection::vec((-6_i8..6, any::<bool>()), 2..80)) {
        let scores: Vec<f64> = rows.iter().map(|(s, _)| f64::from(*s) / 4.0).collect();
        let labels: Vec<bool> = rows.iter().map(|(_, l)| *l).collect();
        let (mut doubled, mut pairs) = (0_u32, 0_u32);
        for (p, _) in rows.iter().filter(|(_, l)| *l) {
            for (n, _) in rows.iter().filter(|(_, l)| !*l) {
                doubled += if p > n { 2 } else { u32::from(p == n) };
                pairs += 1;
            }
        }
        let expected = (pairs > 0).then(|| f64::from(doubled) / f64::from(2 * pairs));
        let ranking = Ranking::new(&scores, &labels, &mut Unattended).unwrap();
        prop_assert_eq!(ranking.roc_auc(), expected);
        for threshold in ranking.thresholds() {
            let predicted: Vec<bool> = scores.iter().map(|s| *s >= threshold.threshold).collect();
            prop_assert_eq!(Confusion::of(&predicted, &labels), threshold.counts);
        }
    }

    #[test]
    fn split_and_merge_equals_whole(
        rows in prop::collection::vec((-1e3..1e3_f64, 1.0..1e3_f64), 2..60), cut in 0_usize..60,
    ) {
        let fold = |rows: &[(f64, f64)]| {
            let mut errors = RegressionErrors::default();
            rows.iter().for_each(|(p, o)| errors.push(*p, *o).unwrap());
            errors
        };
        let (left, right) = rows.split_at(cut.min(rows.len()));
        let (whole, mut merged) = (fold(&rows), fold(left));
        merged.merge(&fold(right));
        prop_assert_eq!(merged.rows(), whole.rows());
        for (a, b) in [
            (merged.mean_squared_error(), whole.mean_squared_error()),
            (merged.mean_abs_perc_error(), whole.mean_abs_perc_error()),
            (merged.r2_score(), whole.r2_score()),
        ] {
            let (a, b) = (a.unwrap(), b.unwrap());
            prop_assert!((a - b).abs() <= 1e-12 * b.abs().max(1.0), "{} {}", a, b);
        }
    }
}
