//! Weights of rows.

use crate::parallel::Watch;
use crate::tiles::Tiles;
use crate::{Error, Result};

/// The power of two that brings the largest weight in a column to between 1 and 2: the unit of
/// weights is free, and products of very large or small ones would leave the range of doubles. 1
/// without a column of weights.
///
/// # Errors
/// [`Error::InvalidParameter`] for a weight that is negative, [`Error::NoRows`] where none is positive.
pub(crate) fn unit(tiles: &Tiles, column: Option<usize>, watch: &mut Watch<'_>) -> Result<f64> {
    let mut largest = f64::from(u8::from(column.is_none() && tiles.rows() > 0));
    for span in tiles.spans(0..column.map_or(0, |_| tiles.rows())) {
        watch.tick()?;
        let weights = column.map_or(&[][..], |column| span.column(column));
        if let Some(weight) = weights.iter().find(|w| !(0.0..=f64::MAX).contains(*w)) {
            return Err(Error::InvalidParameter {
                name: "weight",
                value: weight.to_string(),
                expected: "a finite number, at least 0",
            });
        }
        largest = weights.iter().copied().fold(largest, f64::max);
    }
    if largest <= 0.0 {
        return Err(Error::NoRows);
    }
    // The greatest power of two is 2^1023; the inverse of a subnormal number is beyond.
    Ok((-largest.log2().floor()).min(1023.0).exp2())
}
