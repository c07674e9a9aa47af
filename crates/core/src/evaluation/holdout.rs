//! Observed and predicted, row by row.

use super::binary;
use super::metrics::Metrics;
use super::multiclass::{self, Matrix};
use super::regression;
use super::sample::Reservoir;
use crate::metrics::Ranking;
use crate::monitor::{Monitor, Progress, check};
use crate::{Error, Result};

/// Scores that a stored hold-out keeps at the most (32 MB): as many rows of a regression or of two
/// classes, fewer by the number of classes otherwise.
pub const STORED_SCORES: usize = 1 << 22;

/// Rows between two polls.
pub(super) const BLOCK: usize = 1 << 17;

/// What a model said of rows and what they really were.
///
/// Shapes: `truth` holds the target, or the number of the class from 0. `scores` holds for each row
/// one number (a regression's prediction; of two classes, the probability of the second), or the
/// probability of each class, row after row.
///
/// # Example
/// ```
/// use pglearn_core::{evaluation::Holdout, monitor::Unattended};
/// let mut holdout = Holdout::stored(2);
/// for (class, probability) in [(0.0, 0.1), (0.0, 0.4), (1.0, 0.35), (1.0, 0.8)] {
///     holdout.push(class, &[probability])?;
/// }
/// let metrics = holdout.metrics(0.5, &mut Unattended)?;
/// assert_eq!(metrics.get("roc_auc"), Some(0.75));
/// assert_eq!(Holdout::decode(&holdout.encode()?)?, holdout);
/// # Ok::<(), pglearn_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Holdout {
    pub(super) classes: usize,
    pub(super) truth: Vec<f64>,
    pub(super) scores: Vec<f64>,
    /// Which rows are kept.
    pub(super) sample: Reservoir,
}

impl Holdout {
    /// An empty one of `classes` classes, 0 for a regression, that keeps every row.
    #[must_use]
    pub fn new(classes: usize) -> Self {
        Self {
            classes,
            truth: Vec::new(),
            scores: Vec::new(),
            sample: Reservoir::new(usize::MAX),
        }
    }

    /// One to be stored: beyond [`STORED_SCORES`] it keeps a random sample of the rows, each row with
    /// the same chance (algorithm R, Vitter 1985), the same rows for the same sequence.
    #[must_use]
    pub fn stored(classes: usize) -> Self {
        let mut holdout = Self::new(classes);
        holdout.sample = Reservoir::new(STORED_SCORES / holdout.width());
        holdout
    }

    /// Scores of a row.
    #[must_use]
    pub fn width(&self) -> usize {
        if self.classes > 2 { self.classes } else { 1 }
    }

    /// Classes; 0 for a regression.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Rows that are kept.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.truth.len()
    }

    /// Rows that were pushed: more than [`rows`](Self::rows) where it is a sample.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.sample.seen()
    }

    /// Whether what is kept is a sample.
    #[must_use]
    pub fn sampled(&self) -> bool {
        self.seen() > self.truth.len() as u64
    }

    /// The observed value or class of each row.
    #[must_use]
    pub fn truth(&self) -> &[f64] {
        &self.truth
    }

    /// The scores, [`width`](Self::width) a row.
    #[must_use]
    pub fn scores(&self) -> &[f64] {
        &self.scores
    }

    /// Bytes held.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        8 * (self.truth.capacity() + self.scores.capacity()) as u64
    }

    /// Takes a row.
    ///
    /// # Errors
    /// [`Error::Shape`] for a wrong number of scores or a class that there is not,
    /// [`Error::InvalidParameter`] for a probability outside 0 to 1, [`Error::NotFinite`] (column 0 the
    /// score, column 1 the target), [`Error::OutOfMemory`].
    pub fn push(&mut self, truth: f64, scores: &[f64]) -> Result<()> {
        self.accept(truth, scores)?;
        let (width, kept) = (scores.len(), self.truth.len());
        let place = self.sample.place();
        let Some(place) = place else { return Ok(()) };
        if place < kept {
            self.truth[place] = truth;
            self.scores[place * width..(place + 1) * width].copy_from_slice(scores);
        } else {
            reserve(&mut self.truth, 1)?;
            reserve(&mut self.scores, width)?;
            self.truth.push(truth);
            self.scores.extend_from_slice(scores);
        }
        Ok(())
    }

    /// Checks a row.
    pub(super) fn accept(&self, truth: f64, scores: &[f64]) -> Result<()> {
        let (expected, got) = (self.width(), scores.len());
        if got != expected {
            return Err(Error::Shape {
                what: "scores of a row",
                expected,
                got,
            });
        }
        if self.classes == 0 {
            for (column, value) in [scores[0], truth].into_iter().enumerate() {
                if !value.is_finite() {
                    return Err(Error::NotFinite { column, value });
                }
            }
            return Ok(());
        }
        if !(0.0..self.classes as f64).contains(&truth) || truth.fract() != 0.0 {
            return Err(Error::InvalidParameter {
                name: "class",
                value: truth.to_string(),
                expected: "the number of a class",
            });
        }
        match scores.iter().find(|p| !(0.0..=1.0).contains(*p)) {
            None => Ok(()),
            Some(p) => Err(Error::InvalidParameter {
                name: "probability",
                value: p.to_string(),
                expected: "a probability from 0 to 1",
            }),
        }
    }

    /// The metrics of the task: of two classes those of the decision "positive where the probability
    /// reaches `threshold`" ([`decides_positive`](super::decides_positive)); of more the most probable
    /// class, and `threshold` plays no part; nor does it for a regression.
    ///
    /// # Errors
    /// [`Error::Stopped`], [`Error::OutOfMemory`].
    pub fn metrics(&self, threshold: f64, monitor: &mut dyn Monitor) -> Result<Metrics> {
        match self.classes {
            0 => regression::metrics(self, monitor),
            2 => binary::metrics(self, threshold, monitor),
            _ => multiclass::metrics(self, monitor),
        }
    }

    /// How often each class was predicted for each observed class.
    ///
    /// # Errors
    /// [`Error::Shape`] for a regression, [`Error::Stopped`].
    pub fn confusion(&self, monitor: &mut dyn Monitor) -> Result<Matrix> {
        multiclass::confusion(self, monitor)
    }

    /// The scores in order, for curves and areas: of two classes the probability of the second, of
    /// more that of `class` against the rest.
    ///
    /// # Errors
    /// [`Error::Shape`] for a regression, [`Error::Stopped`], [`Error::OutOfMemory`].
    pub fn ranking(&self, class: usize, monitor: &mut dyn Monitor) -> Result<Ranking> {
        multiclass::ranking(self, class, monitor)
    }

    /// The class that a row is decided for: of two at the threshold 0.5, of more the most probable,
    /// the first of equals.
    pub(super) fn decided(&self, scores: &[f64]) -> usize {
        if self.classes == 2 {
            return usize::from(binary::decides_positive(scores[0], 0.5));
        }
        (1..scores.len()).fold(0, |best, class| {
            if scores[class] > scores[best] {
                class
            } else {
                best
            }
        })
    }

    /// Every row's truth and scores, with a poll now and then.
    pub(super) fn visit(
        &self,
        monitor: &mut dyn Monitor,
        mut row: impl FnMut(f64, &[f64]) -> Result<()>,
    ) -> Result<()> {
        let width = self.width();
        let block = (BLOCK / width).max(1);
        let blocks = self
            .truth
            .chunks(block)
            .zip(self.scores.chunks(block * width));
        for (done, (truth, scores)) in blocks.enumerate() {
            let state = Progress {
                phase: "evaluating",
                done: (done * block) as u64,
                total: self.truth.len() as u64,
                loss: f64::NAN,
            };
            check(monitor, state)?;
            for (truth, scores) in truth.iter().zip(scores.chunks_exact(width)) {
                row(*truth, scores)?;
            }
        }
        Ok(())
    }
}

/// Makes room for `more` numbers, doubling.
fn reserve(numbers: &mut Vec<f64>, more: usize) -> Result<()> {
    if numbers.capacity() - numbers.len() >= more {
        return Ok(());
    }
    let room = numbers.len().max(more).max(64);
    numbers.try_reserve(room).map_err(|_| Error::OutOfMemory {
        bytes: room as u64 * 8,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_make_no_sense_are_refused() {
        let mut two = Holdout::new(2);
        assert!(two.push(2.0, &[0.5]).is_err() && two.push(-1.0, &[0.5]).is_err());
        assert!(two.push(0.5, &[0.5]).is_err() && two.push(f64::NAN, &[0.5]).is_err());
        assert!(two.push(1.0, &[1.5]).is_err() && two.push(1.0, &[f64::NAN]).is_err());
        assert!(two.push(1.0, &[0.5, 0.5]).is_err());
        assert_eq!((two.rows(), two.seen()), (0, 0));
        let mut number = Holdout::new(0);
        assert!(number.push(f64::INFINITY, &[0.0]).is_err());
        assert!(number.push(0.0, &[f64::NAN]).is_err());
        assert!(Holdout::new(3).push(0.0, &[0.5]).is_err());
    }

    #[test]
    fn two_classes_tie_as_predict_decides() {
        let holdout = Holdout::new(2);
        assert_eq!(holdout.decided(&[0.5]), 0);
        assert_eq!(holdout.decided(&[0.500_000_1]), 1);
        assert_eq!(Holdout::new(3).decided(&[0.3, 0.35, 0.35]), 1);
    }

    /// Each of 2,000 rows is kept by 500 places with a chance of a quarter, wherever it stood.
    #[test]
    fn a_sample_is_uniform() {
        let mut holdout = Holdout::new(0);
        holdout.sample = Reservoir::new(500);
        for row in 0..2000 {
            holdout.push(f64::from(row), &[f64::from(row)]).unwrap();
        }
        assert_eq!((holdout.rows(), holdout.seen()), (500, 2000));
        assert!(holdout.sampled());
        assert_eq!(holdout.truth, holdout.scores);
        let mut kept = holdout.truth.clone();
        kept.sort_by(f64::total_cmp);
        kept.dedup();
        assert_eq!(kept.len(), 500);
        // In each quarter 125 of 500 are expected, with a standard deviation of 8.4.
        for quarter in 0..4 {
            let range = f64::from(quarter * 500)..f64::from(quarter * 500 + 500);
            let count = kept.iter().filter(|row| range.contains(*row)).count();
            assert!((100..150).contains(&count), "{quarter}: {count}");
        }
    }

    #[test]
    fn a_stored_one_is_bounded_whatever_the_classes() {
        assert_eq!(Holdout::stored(2).sample.most(), STORED_SCORES);
        assert_eq!(Holdout::stored(1000).sample.most(), STORED_SCORES / 1000);
    }
}
