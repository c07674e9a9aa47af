//! Two classes: the decision at a threshold, the ranking, the probabilities.

use super::holdout::Holdout;
use super::metrics::Metrics;
use crate::metrics::{Confusion, ProbabilityLoss, Ranking, RankingBuilder};
use crate::monitor::Monitor;
use crate::{Error, Result};

/// Bins of a calibration curve.
pub const BINS: usize = 10;

/// Whether a probability is decided positive at a threshold.
///
/// At 0.5 a tie is negative, as `predict_class` and scikit-learn's `predict` decide; at any other
/// threshold it is positive, as in the ROC curve, from which thresholds are taken.
#[must_use]
pub fn decides_positive(probability: f64, threshold: f64) -> bool {
    probability > threshold || (probability == threshold && threshold != 0.5)
}

/// Each class's share of the two; `None` for an empty class.
fn mean(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a + b) / 2.0),
        (one, None) | (None, one) => one,
    }
}

/// Matthews (1975): the correlation of decision and truth, 0 where either is constant, as
/// scikit-learn has it; `None` without rows.
fn mcc(counts: &Confusion) -> Option<f64> {
    if counts.rows() == 0 {
        return None;
    }
    let [tp, fp, fn_, tn] = [counts.tp, counts.fp, counts.fn_, counts.tn].map(|n| n as f64);
    let root = ((tp + fp) * (tp + fn_)).sqrt() * ((tn + fp) * (tn + fn_)).sqrt();
    if root == 0.0 {
        return Some(0.0);
    }
    Some((tp * tn - fp * fn_) / root)
}

pub(super) fn metrics(
    holdout: &Holdout,
    threshold: f64,
    monitor: &mut dyn Monitor,
) -> Result<Metrics> {
    let mut counts = Confusion::default();
    let mut loss = ProbabilityLoss::default();
    let mut ranking = RankingBuilder::new();
    holdout.visit(monitor, |truth, scores| {
        let (positive, probability) = (truth == 1.0, scores[0]);
        counts.push(decides_positive(probability, threshold), positive);
        loss.push(probability, positive)?;
        ranking.push(probability, positive)
    })?;
    let ranking = ranking.rank(monitor)?;
    Ok(Metrics::of([
        ("roc_auc", ranking.roc_auc()),
        ("average_precision", ranking.average_precision()),
        ("log_loss", loss.log_loss()),
        ("brier_score", loss.brier_score()),
        ("accuracy", counts.accuracy()),
        ("balanced_accuracy", mean(counts.tpr(), counts.tnr())),
        ("precision", counts.precision()),
        ("recall", counts.recall()),
        ("f1", counts.f1()),
        ("mcc", mcc(&counts)),
        ("rows", Some(holdout.rows() as f64)),
    ]))
}

/// A point of a ROC and precision-recall curve: rows are positive from `threshold` on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RocPoint {
    /// A score that occurs; infinite at the first point, where nothing is positive.
    pub threshold: f64,
    /// What is decided there.
    pub counts: Confusion,
}

impl RocPoint {
    /// The points of a ranking from the highest threshold: one where nothing is positive, then one a
    /// distinct score.
    pub fn all(ranking: &Ranking) -> impl Iterator<Item = Self> + '_ {
        let start = Self {
            threshold: f64::INFINITY,
            counts: Confusion {
                fn_: ranking.positives(),
                tn: ranking.negatives(),
                ..Confusion::default()
            },
        };
        let rest = ranking.thresholds().map(|point| Self {
            threshold: point.threshold,
            counts: point.counts,
        });
        std::iter::once(start).chain(rest)
    }
}

/// A bin of a calibration curve.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bin {
    /// Rows in it.
    pub count: u64,
    /// Of these, positive ones.
    pub positives: u64,
    predicted: crate::metrics::Sum,
}

impl Bin {
    /// The bounds of a bin: above the first, up to the second; the first bin contains 0.
    #[must_use]
    pub fn bounds(bin: usize) -> (f64, f64) {
        let edge = |at: usize| at as f64 / BINS as f64;
        (edge(bin), edge(bin + 1))
    }

    /// Mean probability; `None` for an empty bin.
    #[must_use]
    pub fn mean_predicted(&self) -> Option<f64> {
        (self.count > 0).then(|| self.predicted.value() / self.count as f64)
    }

    /// Share of positive rows; `None` for an empty bin.
    #[must_use]
    pub fn observed(&self) -> Option<f64> {
        (self.count > 0).then(|| self.positives as f64 / self.count as f64)
    }
}

impl Holdout {
    /// How often rows of a predicted probability are positive, in [`BINS`] bins of equal width, as
    /// `sklearn.calibration.calibration_curve` with `strategy='uniform'` (which leaves out empty bins).
    ///
    /// # Errors
    /// [`Error::Shape`] unless there are two classes, [`Error::Stopped`].
    pub fn calibration(&self, monitor: &mut dyn Monitor) -> Result<[Bin; BINS]> {
        if self.classes != 2 {
            return Err(Error::Shape {
                what: "classes",
                expected: 2,
                got: self.classes,
            });
        }
        let mut bins = [Bin::default(); BINS];
        self.visit(monitor, |truth, scores| {
            let place = (1..BINS)
                .take_while(|bin| scores[0] > Bin::bounds(*bin).0)
                .count();
            let bin = &mut bins[place];
            bin.count += 1;
            bin.positives += u64::from(truth == 1.0);
            bin.predicted.add(scores[0]);
            Ok(())
        })?;
        Ok(bins)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::Unattended;

    fn holdout(rows: &[(f64, f64)]) -> Holdout {
        let mut holdout = Holdout::new(2);
        for (truth, probability) in rows {
            holdout.push(*truth, &[*probability]).unwrap();
        }
        holdout
    }

    #[test]
    fn a_class_that_is_missing_leaves_what_is_defined() {
        let metrics = holdout(&[(0.0, 0.2), (0.0, 0.7)])
            .metrics(0.5, &mut Unattended)
            .unwrap();
        for name in ["roc_auc", "average_precision", "recall"] {
            assert_eq!(metrics.get(name), None, "{name}");
        }
        assert_eq!(metrics.get("balanced_accuracy"), Some(0.5));
        assert_eq!(metrics.get("precision"), Some(0.0));
        assert_eq!(metrics.get("mcc"), Some(0.0));
        let none = Holdout::new(2).metrics(0.5, &mut Unattended).unwrap();
        assert!(
            none.iter()
                .all(|(name, value)| value.is_none() || name == "rows")
        );
        assert_eq!(none.get("rows"), Some(0.0));
    }

    #[test]
    fn ties_at_the_threshold() {
        let rows = holdout(&[(1.0, 0.5), (0.0, 0.5), (1.0, 0.3)]);
        let recall = |threshold| {
            rows.metrics(threshold, &mut Unattended)
                .unwrap()
                .get("recall")
        };
        assert_eq!(recall(0.5), Some(0.0));
        assert_eq!(recall(0.3), Some(1.0));
        assert_eq!(recall(0.499_999), Some(0.5));
        assert_eq!(recall(0.0), Some(1.0));
    }

    #[test]
    fn bins_are_closed_above() {
        let bins = holdout(&[(1.0, 0.0), (0.0, 0.1), (1.0, 0.100_000_01), (1.0, 1.0)])
            .calibration(&mut Unattended)
            .unwrap();
        assert_eq!(bins.map(|bin| bin.count), [2, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(bins[0].observed(), Some(0.5));
        assert_eq!(bins[0].mean_predicted(), Some(0.05));
        assert_eq!(bins[2].observed(), None);
        assert!(Holdout::new(3).calibration(&mut Unattended).is_err());
    }
}
