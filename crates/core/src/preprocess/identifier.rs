//! Columns that number the rows.

use super::number::Survey;
use super::scan::Training;
use crate::{Error, Result};

/// Rows needed to tell.
pub(super) const FEWEST_ROWS: usize = 20;
/// Share of the values that are different in an identifier of texts.
pub(super) const DIFFERENT: f64 = 0.9;
/// A sequence of which the training rows are a part has at most so many numbers a row.
const SPARSEST: f64 = 10.0;

/// Whether the training cells are whole numbers, all different, dense like those of a sequence, and so
/// many that this is no accident: among `n` draws from `r` numbers all differ with a probability of about
/// exp(-n² / 2r), which must be below exp(-10).
///
/// # Errors
/// [`Error::Stopped`], [`Error::OutOfMemory`].
pub(super) fn is_sequence(
    training: &mut Training<'_>,
    slot: usize,
    survey: &Survey,
) -> Result<bool> {
    let rows = survey.count as f64;
    let range = survey.max - survey.min + 1.0;
    if survey.missing > 0
        || survey.count < FEWEST_ROWS
        || range < rows
        || survey.min.fract() != 0.0
        || range > (SPARSEST * rows).min(rows * rows / 20.0)
    {
        return Ok(false);
    }
    let words = range as usize / 64 + 1;
    let mut seen: Vec<u64> = Vec::new();
    seen.try_reserve_exact(words)
        .map_err(|_| Error::OutOfMemory {
            bytes: (words * 8) as u64,
        })?;
    seen.resize(words, 0);
    let mut all_differ = true;
    training.scan(slot, |part| {
        for cell in part.cells {
            let place = cell - survey.min;
            let whole = place as usize;
            let bit = 1_u64 << (whole % 64);
            all_differ &= whole as f64 == place && seen[whole / 64] & bit == 0;
            seen[whole / 64] |= bit;
        }
        Ok(all_differ)
    })?;
    Ok(all_differ)
}
