//! Several classes: the most probable one, and the averages over classes.

use super::holdout::Holdout;
use super::metrics::Metrics;
use crate::metrics::{ProbabilityLoss, Ranking, RankingBuilder, Sum};
use crate::monitor::Monitor;
use crate::{Error, Result};
use std::collections::BTreeMap;

/// How often each class was predicted for each observed class: the pairs that occur.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matrix {
    classes: usize,
    pairs: BTreeMap<(u32, u32), u64>,
}

/// Rows of a class: observed, predicted, both.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    observed: u64,
    predicted: u64,
    right: u64,
}

impl Matrix {
    /// Number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Rows observed in a class and predicted in another.
    #[must_use]
    pub fn count(&self, observed: usize, predicted: usize) -> u64 {
        let pair = u32::try_from(observed)
            .ok()
            .zip(u32::try_from(predicted).ok());
        pair.and_then(|pair| self.pairs.get(&pair).copied())
            .unwrap_or(0)
    }

    /// The pairs that occur: observed, predicted, rows; in this order.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize, u64)> + '_ {
        self.pairs
            .iter()
            .map(|((observed, predicted), rows)| (*observed as usize, *predicted as usize, *rows))
    }

    fn tallies(&self) -> Vec<Tally> {
        let mut tallies = vec![Tally::default(); self.classes];
        for (observed, predicted, rows) in self.pairs() {
            tallies[observed].observed += rows;
            tallies[predicted].predicted += rows;
            if observed == predicted {
                tallies[observed].right += rows;
            }
        }
        tallies
    }
}

pub(super) fn confusion(holdout: &Holdout, monitor: &mut dyn Monitor) -> Result<Matrix> {
    let classes = holdout.classes;
    if classes < 2 {
        return Err(no_classes(classes));
    }
    let mut matrix = Matrix {
        classes,
        pairs: BTreeMap::new(),
    };
    holdout.visit(monitor, |truth, scores| {
        let pair = (truth as u32, holdout.decided(scores) as u32);
        *matrix.pairs.entry(pair).or_default() += 1;
        Ok(())
    })?;
    Ok(matrix)
}

fn no_classes(got: usize) -> Error {
    Error::Shape {
        what: "classes",
        expected: 2,
        got,
    }
}

pub(super) fn ranking(
    holdout: &Holdout,
    class: usize,
    monitor: &mut dyn Monitor,
) -> Result<Ranking> {
    if class >= holdout.classes {
        return Err(no_classes(holdout.classes));
    }
    let column = if holdout.classes == 2 { 0 } else { class };
    let mut builder = RankingBuilder::new();
    holdout.visit(monitor, |truth, scores| {
        builder.push(scores[column], truth == class as f64)
    })?;
    builder.rank(monitor)
}

/// The mean over classes of the area under the ROC curve of each against the rest; `None` where a
/// class does not occur, as scikit-learn refuses it.
fn roc_auc_ovr(
    holdout: &Holdout,
    tallies: &[Tally],
    monitor: &mut dyn Monitor,
) -> Result<Option<f64>> {
    if tallies.iter().any(|class| class.observed == 0) {
        return Ok(None);
    }
    let mut sum = Sum::default();
    for class in 0..holdout.classes {
        match ranking(holdout, class, monitor)?.roc_auc() {
            Some(area) => sum.add(area),
            None => return Ok(None),
        }
    }
    Ok(Some(sum.value() / holdout.classes as f64))
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// The mean of a number over classes; `None` over none.
fn mean_over<'a>(
    classes: impl Iterator<Item = &'a Tally>,
    number: impl Fn(&Tally) -> f64,
) -> Option<f64> {
    let (mut sum, mut count) = (Sum::default(), 0_u32);
    for class in classes {
        sum.add(number(class));
        count += 1;
    }
    (count > 0).then(|| sum.value() / f64::from(count))
}

/// As scikit-learn with `average='macro'`: over the classes that were observed or predicted, a
/// precision or recall without a row counts 0. `balanced_accuracy` is the mean recall of the classes
/// that were observed.
pub(super) fn metrics(holdout: &Holdout, monitor: &mut dyn Monitor) -> Result<Metrics> {
    let matrix = confusion(holdout, monitor)?;
    let tallies = matrix.tallies();
    let mut loss = ProbabilityLoss::default();
    holdout.visit(monitor, |truth, scores| {
        loss.push(scores[truth as usize], true)
    })?;
    let seen = || {
        tallies
            .iter()
            .filter(|class| class.observed + class.predicted > 0)
    };
    let observed = tallies.iter().filter(|class| class.observed > 0);
    let right: u64 = tallies.iter().map(|class| class.right).sum();
    let rows = holdout.rows() as u64;
    let recall = |class: &Tally| share(class.right, class.observed);
    Ok(Metrics::of([
        ("log_loss", loss.log_loss()),
        ("accuracy", (rows > 0).then(|| share(right, rows))),
        ("balanced_accuracy", mean_over(observed, recall)),
        (
            "precision_macro",
            mean_over(seen(), |class| share(class.right, class.predicted)),
        ),
        ("recall_macro", mean_over(seen(), recall)),
        (
            "f1_macro",
            mean_over(seen(), |class| {
                share(2 * class.right, class.observed + class.predicted)
            }),
        ),
        ("roc_auc_ovr", roc_auc_ovr(holdout, &tallies, monitor)?),
        ("rows", Some(rows as f64)),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::Unattended;

    /// Class 2 is predicted but never observed; class 3 neither.
    #[test]
    fn absent_classes_by_hand() {
        let mut holdout = Holdout::new(4);
        holdout.push(0.0, &[0.7, 0.1, 0.1, 0.1]).unwrap();
        holdout.push(0.0, &[0.2, 0.1, 0.6, 0.1]).unwrap();
        holdout.push(1.0, &[0.2, 0.6, 0.1, 0.1]).unwrap();
        let matrix = holdout.confusion(&mut Unattended).unwrap();
        let pairs: Vec<_> = matrix.pairs().collect();
        assert_eq!(pairs, [(0, 0, 1), (0, 2, 1), (1, 1, 1)]);
        assert_eq!((matrix.count(0, 2), matrix.count(2, 0)), (1, 0));
        let metrics = holdout.metrics(0.5, &mut Unattended).unwrap();
        assert_eq!(metrics.get("balanced_accuracy"), Some(0.75));
        assert_eq!(metrics.get("recall_macro"), Some(0.5));
        assert_eq!(metrics.get("precision_macro"), Some(2.0 / 3.0));
        assert_eq!(metrics.get("f1_macro"), Some((2.0 / 3.0 + 1.0) / 3.0));
        assert_eq!(metrics.get("roc_auc_ovr"), None);
        assert!(Holdout::new(0).confusion(&mut Unattended).is_err());
        assert!(Holdout::new(0).ranking(0, &mut Unattended).is_err());
    }
}
