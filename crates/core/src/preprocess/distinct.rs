//! The distinct values of a column of numbers.

use std::collections::HashMap;

use super::scan::Training;
use crate::{Error, Result};

/// Distinct values that are counted at the most.
pub(super) const MOST_VALUES: usize = 1 << 20;

/// Each distinct value with its number of training rows, in no order; `None` where there are more than
/// `most`.
///
/// # Errors
/// [`Error::Stopped`], [`Error::OutOfMemory`].
pub(super) fn counts(
    training: &mut Training<'_>,
    slot: usize,
    most: usize,
) -> Result<Option<Vec<(f64, u64)>>> {
    let mut counts: HashMap<u64, u64> = HashMap::new();
    training.scan(slot, |part| {
        counts
            .try_reserve(part.cells.len())
            .map_err(|_| Error::OutOfMemory {
                bytes: (counts.len() as u64 + 256) * 32,
            })?;
        for cell in part.cells {
            *counts.entry((cell + 0.0).to_bits()).or_default() += 1;
        }
        Ok(counts.len() <= most)
    })?;
    if counts.len() > most {
        return Ok(None);
    }
    let pairs = counts.into_iter();
    Ok(Some(
        pairs
            .map(|(bits, count)| (f64::from_bits(bits), count))
            .collect(),
    ))
}
