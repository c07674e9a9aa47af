//! Binary scores in order: thresholds, ROC curve, areas.

use super::Confusion;
use crate::monitor::{Monitor, Progress, check};
use crate::{Error, Result};

/// Keys sorted between two polls; at about 2 ns a key and digit.
const BLOCK: usize = 1 << 18;
/// Fewer keys than this are sorted by comparison.
const SMALL: usize = 1 << 13;

/// Collects scores and labels.
#[derive(Debug, Clone, Default)]
pub struct RankingBuilder {
    positives: Vec<u64>,
    negatives: Vec<u64>,
}

impl RankingBuilder {
    /// No rows yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one row: 8 bytes. Infinite scores rank first and last; -0 equals 0.
    ///
    /// # Errors
    /// [`Error::NotFinite`] for a NaN score (column 0), [`Error::OutOfMemory`].
    pub fn push(&mut self, score: f64, positive: bool) -> Result<()> {
        if score.is_nan() {
            return Err(Error::NotFinite {
                column: 0,
                value: score,
            });
        }
        let keys = if positive {
            &mut self.positives
        } else {
            &mut self.negatives
        };
        if keys.len() == keys.capacity() {
            let more = keys.len().max(64);
            keys.try_reserve(more).map_err(|_| Error::OutOfMemory {
                bytes: more as u64 * 8,
            })?;
        }
        keys.push(key(score));
        Ok(())
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.positives.len() + self.negatives.len()
    }

    /// Sorts the scores: linear time, 8 more bytes a row of the larger class while it runs.
    ///
    /// # Errors
    /// [`Error::Stopped`], [`Error::OutOfMemory`].
    pub fn rank(mut self, monitor: &mut dyn Monitor) -> Result<Ranking> {
        sort(&mut self.positives, monitor)?;
        sort(&mut self.negatives, monitor)?;
        Ok(Ranking {
            positives: self.positives,
            negatives: self.negatives,
        })
    }
}

/// Scores of the two classes, each sorted from the highest.
///
/// # Example
/// ```
/// use pglearn_core::{metrics::Ranking, monitor::Unattended};
/// let scores = [0.9, 0.8, 0.8, 0.1];
/// let ranking = Ranking::new(&scores, &[true, true, false, false], &mut Unattended)?;
/// assert_eq!(ranking.roc_auc(), Some(0.875));
/// assert_eq!(ranking.thresholds().count(), 3);
/// # Ok::<(), pglearn_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Ranking {
    positives: Vec<u64>,
    negatives: Vec<u64>,
}

/// The decisions "positive if score >= threshold" over all rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Threshold {
    /// A score that occurs.
    pub threshold: f64,
    /// The decisions' outcome.
    pub counts: Confusion,
}

impl Ranking {
    /// Ranks scores with their labels.
    ///
    /// # Errors
    /// [`Error::Shape`], and as [`RankingBuilder`].
    pub fn new(scores: &[f64], labels: &[bool], monitor: &mut dyn Monitor) -> Result<Self> {
        if scores.len() != labels.len() {
            let (expected, got) = (scores.len(), labels.len());
            return Err(Error::Shape {
                what: "labels",
                expected,
                got,
            });
        }
        let mut builder = RankingBuilder::new();
        for (scores, labels) in scores.chunks(BLOCK).zip(labels.chunks(BLOCK)) {
            check(
                monitor,
                Progress {
                    phase: "reading scores",
                    done: 0,
                    total: 0,
                    loss: f64::NAN,
                },
            )?;
            scores
                .iter()
                .zip(labels)
                .try_for_each(|(s, l)| builder.push(*s, *l))?;
        }
        builder.rank(monitor)
    }

    /// Number of positive rows.
    #[must_use]
    pub fn positives(&self) -> u64 {
        self.positives.len() as u64
    }

    /// Number of negative rows.
    #[must_use]
    pub fn negatives(&self) -> u64 {
        self.negatives.len() as u64
    }

    /// One [`Threshold`] for every distinct score, from the highest.
    pub fn thresholds(&self) -> impl Iterator<Item = Threshold> + Clone + '_ {
        let (mut tp, mut fp) = (0, 0);
        std::iter::from_fn(move || {
            let next = match (self.positives.get(tp), self.negatives.get(fp)) {
                (Some(a), Some(b)) => *a.min(b),
                (Some(a), None) | (None, Some(a)) => *a,
                (None, None) => return None,
            };
            tp += self.positives[tp..]
                .iter()
                .take_while(|k| **k == next)
                .count();
            fp += self.negatives[fp..]
                .iter()
                .take_while(|k| **k == next)
                .count();
            let counts = Confusion {
                tp: tp as u64,
                fp: fp as u64,
                fn_: (self.positives.len() - tp) as u64,
                tn: (self.negatives.len() - fp) as u64,
            };
            Some(Threshold {
                threshold: score(next),
                counts,
            })
        })
    }

    /// Area under the ROC curve by trapezoids over the distinct scores, which is the chance that a
    /// positive row outranks a negative one, ties counting half (Mann and Whitney 1947).
    ///
    /// Counted in integers, rounded once. `None` unless both classes occur.
    #[must_use]
    pub fn roc_auc(&self) -> Option<f64> {
        let pairs = self.positives.len() as u128 * self.negatives.len() as u128;
        if pairs == 0 {
            return None;
        }
        let mut last = Confusion::default();
        let mut doubled = 0_u128;
        for Threshold { counts, .. } in self.thresholds() {
            doubled += u128::from(counts.fp - last.fp) * u128::from(counts.tp + last.tp);
            last = counts;
        }
        Some(doubled as f64 / (2 * pairs) as f64)
    }

    /// Average precision: the sum over the distinct scores of precision times the recall gained,
    /// as `sklearn.metrics.average_precision_score`. `None` without a positive row.
    #[must_use]
    pub fn average_precision(&self) -> Option<f64> {
        if self.positives.is_empty() {
            return None;
        }
        let mut last = 0;
        let mut sum = super::Sum::default();
        for Threshold { counts, .. } in self.thresholds() {
            let share = counts.tp as f64 / (counts.tp + counts.fp) as f64;
            sum.add((counts.tp - last) as f64 * share);
            last = counts.tp;
        }
        Some(sum.value() / self.positives.len() as f64)
    }
}

/// A key that ascends where the score descends; -0 becomes 0.
fn key(score: f64) -> u64 {
    let bits = (score + 0.0).to_bits();
    let ascending = if bits >> 63 == 1 {
        !bits
    } else {
        bits | 1 << 63
    };
    !ascending
}

/// The score of a [`key`].
fn score(key: u64) -> f64 {
    let ascending = !key;
    f64::from_bits(if ascending >> 63 == 1 {
        ascending & !(1 << 63)
    } else {
        !ascending
    })
}

/// Sorts ascending: least significant digit radix sort on bytes, digits that all keys share skipped.
fn sort(keys: &mut Vec<u64>, monitor: &mut dyn Monitor) -> Result<()> {
    let rows = keys.len();
    let total = rows as u64;
    check(
        monitor,
        Progress {
            phase: "sorting",
            done: 0,
            total,
            loss: f64::NAN,
        },
    )?;
    if rows < SMALL {
        keys.sort_unstable();
        return Ok(());
    }
    let mut other = Vec::new();
    other
        .try_reserve_exact(rows)
        .map_err(|_| Error::OutOfMemory { bytes: total * 8 })?;
    other.resize(rows, 0_u64);
    let mut counts = [[0_usize; 256]; 8];
    for block in keys.chunks(BLOCK) {
        check(
            monitor,
            Progress {
                phase: "sorting",
                done: 0,
                total,
                loss: f64::NAN,
            },
        )?;
        for key in block {
            for (digit, count) in counts.iter_mut().enumerate() {
                count[(key >> (8 * digit)) as usize & 255] += 1;
            }
        }
    }
    for (digit, count) in counts.iter().enumerate() {
        if count.contains(&rows) {
            continue;
        }
        let mut next = [0; 256];
        for value in 1..256 {
            next[value] = next[value - 1] + count[value - 1];
        }
        for (done, block) in keys.chunks(BLOCK).enumerate() {
            let done = (done * BLOCK) as u64;
            check(
                monitor,
                Progress {
                    phase: "sorting",
                    done,
                    total,
                    loss: f64::NAN,
                },
            )?;
            for key in block {
                let place = &mut next[(key >> (8 * digit)) as usize & 255];
                other[*place] = *key;
                *place += 1;
            }
        }
        std::mem::swap(keys, &mut other);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::{Control, Unattended};

    #[test]
    fn keys_are_reversible_and_descend() {
        let scores = [
            f64::INFINITY,
            1e300,
            1.5,
            1.0,
            5e-324,
            0.0,
            -5e-324,
            -1.0,
            f64::NEG_INFINITY,
        ];
        assert!(scores.windows(2).all(|w| key(w[0]) < key(w[1])));
        assert!(
            scores
                .iter()
                .all(|s| score(key(*s)).to_bits() == s.to_bits())
        );
        assert_eq!(key(-0.0), key(0.0));
    }

    #[test]
    fn radix_sort_equals_comparison_sort() {
        let mut state = 1_u64;
        let mut keys: Vec<u64> = (0..50_000)
            .map(|i| {
                state = state
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                key(if i % 3 == 0 {
                    (state >> 60) as f64
                } else {
                    (state >> 11) as f64 - 4e15
                })
            })
            .collect();
        let mut expected = keys.clone();
        expected.sort_unstable();
        sort(&mut keys, &mut Unattended).unwrap();
        assert_eq!(keys, expected);
    }

    #[test]
    fn thresholds_group_ties_by_hand() {
        let scores = [0.8, 0.4, 0.8, -0.0, 0.0, 0.4];
        let labels = [true, false, false, true, false, true];
        let ranking = Ranking::new(&scores, &labels, &mut Unattended).unwrap();
        let rows: Vec<_> = ranking
            .thresholds()
            .map(|t| (t.threshold, t.counts))
            .collect();
        assert_eq!(
            rows,
            [
                (
                    0.8,
                    Confusion {
                        tp: 1,
                        fp: 1,
                        fn_: 2,
                        tn: 2
                    }
                ),
                (
                    0.4,
                    Confusion {
                        tp: 2,
                        fp: 2,
                        fn_: 1,
                        tn: 1
                    }
                ),
                (
                    0.0,
                    Confusion {
                        tp: 3,
                        fp: 3,
                        fn_: 0,
                        tn: 0
                    }
                ),
            ]
        );
        assert_eq!(ranking.roc_auc(), Some(0.5));
    }

    #[test]
    fn one_class_has_no_area_and_nan_is_refused() {
        let ranking = Ranking::new(&[0.1, 0.2], &[true, true], &mut Unattended).unwrap();
        assert_eq!(ranking.roc_auc(), None);
        assert_eq!(ranking.average_precision(), Some(1.0));
        let refused = Ranking::new(&[0.1, f64::NAN], &[true, false], &mut Unattended);
        assert!(matches!(refused, Err(Error::NotFinite { column: 0, .. })));
    }

    #[test]
    fn a_monitor_stops_the_sort() {
        struct After(u32);
        impl Monitor for After {
            fn poll(&mut self, _: Progress) -> Control {
                self.0 = self.0.saturating_sub(1);
                if self.0 == 0 {
                    Control::Stop
                } else {
                    Control::Continue
                }
            }
        }
        let scores: Vec<f64> = (0..SMALL * 2).map(|i| (i * 7919 % 10_007) as f64).collect();
        let labels = vec![true; scores.len()];
        assert_eq!(
            Ranking::new(&scores, &labels, &mut After(4)).err(),
            Some(Error::Stopped)
        );
    }
}
