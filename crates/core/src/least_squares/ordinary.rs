//! Least squares without a penalty, with classical inference.

use super::reduce::Reduced;
use crate::Result;
use crate::linalg::dot;
use crate::linear::{self, LinearFit};
use crate::monitor::Monitor;

/// An ordinary least-squares fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Ordinary {
    /// The constant; 0 where none was wanted.
    pub intercept: f64,
    /// Its standard error; NaN without one or without degrees of freedom.
    pub intercept_std_err: f64,
    /// The slopes with their inference: the fit of the centred rows where there is an intercept, which
    /// takes one degree of freedom. Its sums of squares are those of the user's weights times
    /// [`Reduced::unit`].
    pub slopes: LinearFit,
}

/// Least squares; where columns are dependent, the slopes of least norm.
///
/// # Errors
/// [`Error::Breakdown`](crate::Error::Breakdown) where numbers leave the range of doubles,
/// [`Error::OutOfMemory`](crate::Error::OutOfMemory), [`Error::Stopped`](crate::Error::Stopped).
pub fn ordinary(reduced: &Reduced, monitor: &mut dyn Monitor) -> Result<Ordinary> {
    let d = reduced.features;
    let target = crate::linalg::norm(reduced.column(d));
    let centred_rows = reduced.rows - u64::from(reduced.intercept);
    let slopes = linear::fit_triangle(
        &reduced.triangle,
        &linear::Targets {
            columns: d,
            rows: centred_rows,
            squares: target * target,
            first: reduced.constant_target.unwrap_or(0.0),
        },
        monitor,
    )?;
    let mut intercept_std_err = f64::NAN;
    let freedom = centred_rows.saturating_sub(slopes.rank as u64);
    if reduced.intercept && freedom > 0 {
        let variance = slopes.residual_sum_of_squares / freedom as f64;
        let rows = slopes.covariance.chunks_exact(d.max(1));
        let at_means: f64 = rows
            .zip(&reduced.means)
            .map(|(row, mean)| mean * dot(row, &reduced.means))
            .sum();
        intercept_std_err = (variance / reduced.weight + at_means).sqrt();
    }
    Ok(Ordinary {
        intercept: reduced.constant(&slopes.coefficients),
        intercept_std_err,
        slopes,
    })
}
