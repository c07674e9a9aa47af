//! What each input contributes, by breaking its tie with the target.

use crate::Result;
use crate::linalg::SplitMix;
use crate::{Error, metrics::Sum};

/// One input's values taken from other rows.
#[derive(Debug, Clone, Copy)]
pub struct Permuted<'a> {
    /// The input, from 0.
    pub input: usize,
    /// For each row the row whose value of the input it is to be scored with.
    pub order: &'a [u32],
}

/// How much worse a model becomes without an input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Importance {
    /// Mean loss of score over the repeats; `None` where the score is undefined.
    pub importance: Option<f64>,
    /// Their standard deviation, divided by their number as `numpy.std` does.
    pub std_dev: Option<f64>,
}

/// Permutation importance (Breiman 2001, section 10; as `sklearn.inspection.permutation_importance`):
/// the score less the mean score with the values of one input shuffled among the rows.
///
/// `score` scores all rows, once as they are (`None`) and `repeats` times for each of `inputs`; higher
/// is better. Every input and repeat has a shuffle of its own, drawn from `seed` by Fisher and Yates
/// (Durstenfeld 1964): the same seed gives the same numbers.
///
/// # Errors
/// [`Error::OutOfMemory`], and what `score` raises.
pub fn permutation_importance(
    rows: u32,
    inputs: usize,
    repeats: u32,
    seed: u64,
    score: &mut dyn FnMut(Option<Permuted<'_>>) -> Result<Option<f64>>,
) -> Result<Vec<Importance>> {
    let mut order = Vec::new();
    order
        .try_reserve_exact(rows as usize)
        .map_err(|_| Error::OutOfMemory {
            bytes: u64::from(rows) * 4,
        })?;
    let base = score(None)?;
    let mut random = SplitMix(seed);
    let mut importances = Vec::new();
    for input in 0..inputs {
        let mut losses = Vec::new();
        for _ in 0..repeats {
            order.clear();
            order.extend(0..rows);
            shuffle(&mut order, &mut random);
            let permuted = Permuted {
                input,
                order: &order,
            };
            let shuffled = score(Some(permuted))?;
            losses.push(base.zip(shuffled).map(|(base, shuffled)| base - shuffled));
        }
        let losses: Option<Vec<f64>> = losses.into_iter().collect();
        importances.push(summary(losses.unwrap_or_default().as_slice()));
    }
    Ok(importances)
}

fn summary(losses: &[f64]) -> Importance {
    let mean = |values: &mut dyn Iterator<Item = f64>| {
        let mut sum = Sum::default();
        values.for_each(|value| sum.add(value));
        sum.value() / losses.len() as f64
    };
    if losses.is_empty() {
        return Importance {
            importance: None,
            std_dev: None,
        };
    }
    let importance = mean(&mut losses.iter().copied());
    let variance = mean(&mut losses.iter().map(|loss| (loss - importance).powi(2)));
    Importance {
        importance: Some(importance),
        std_dev: Some(variance.sqrt()),
    }
}

/// Every order with the same chance.
fn shuffle(order: &mut [u32], random: &mut SplitMix) {
    for last in (1..order.len()).rev() {
        order.swap(last, below(last as u64 + 1, random) as usize);
    }
}

/// A number below `bound`, each with the same chance (Lemire 2019).
fn below(bound: u64, random: &mut SplitMix) -> u64 {
    let least = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(random.next()) * u128::from(bound);
        if product as u64 >= least {
            return (product >> 64) as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// y = 3 a + b, scored by minus the mean squared error: shuffling a column of weight w loses
    /// w^2 times the mean of (x - x')^2, about 2 w^2 times the variance; a third input loses nothing.
    #[test]
    fn a_linear_function() {
        let rows = 4000;
        let mut random = SplitMix(7);
        let data: Vec<[f64; 3]> = (0..rows)
            .map(|_| [0; 3].map(|_: i32| random.uniform()))
            .collect();
        let mut score = |permuted: Option<Permuted<'_>>| {
            let mut squares = 0.0;
            for (row, x) in data.iter().enumerate() {
                let mut seen = *x;
                if let Some(Permuted { input, order }) = permuted {
                    seen[input] = data[order[row] as usize][input];
                }
                squares += (3.0 * (x[0] - seen[0]) + (x[1] - seen[1])).powi(2);
            }
            Ok(Some(-squares / f64::from(rows)))
        };
        let found = permutation_importance(rows, 3, 5, 42, &mut score).unwrap();
        let again = permutation_importance(rows, 3, 5, 42, &mut score).unwrap();
        assert_eq!(found, again);
        let importance: Vec<f64> = found.iter().map(|i| i.importance.unwrap()).collect();
        // Variance of a uniform number: 1/12.
        assert!((importance[0] - 1.5).abs() < 0.05, "{importance:?}");
        assert!((importance[1] - 1.0 / 6.0).abs() < 0.01, "{importance:?}");
        assert_eq!(importance[2], 0.0);
        assert!(found[0].std_dev.unwrap() > 0.0 && found[2].std_dev == Some(0.0));
        let other = permutation_importance(rows, 3, 5, 43, &mut score).unwrap();
        assert_ne!(found, other);
    }

    #[test]
    fn an_undefined_score_has_no_importance() {
        let found = permutation_importance(3, 1, 2, 0, &mut |_| Ok(None)).unwrap();
        assert_eq!(found[0].importance, None);
        let failed = permutation_importance(3, 1, 2, 0, &mut |_| Err(Error::Stopped));
        assert_eq!(failed, Err(Error::Stopped));
    }

    /// All 6 orders of 3, 12,000 shuffles: 2,000 of each are expected, with a deviation of 41.
    #[test]
    fn shuffles_are_fair() {
        let mut random = SplitMix(1);
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..12_000 {
            let mut order = [0, 1, 2];
            shuffle(&mut order, &mut random);
            *counts.entry(order).or_insert(0_i32) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(
            counts.values().all(|n| (n - 2000).abs() < 170),
            "{counts:?}"
        );
    }
}
