//! Least squares with a penalty on the squares of the coefficients.

use super::Solution;
use super::reduce::Reduced;
use super::triangular::rotated;
use crate::Result;
use crate::monitor::Monitor;
use crate::parallel::Watch;

/// Minimises `sum w (y - c - x'b)^2 + alpha |b|^2`; with `alpha` 0 as
/// [`ordinary`](super::ordinary), the slopes of least norm.
///
/// The rows `sqrt(alpha) I` join the factor. Where columns are dependent, the factor is first rotated
/// onto its row space, so that even the smallest penalty meets no noise.
///
/// # Errors
/// [`Error::Breakdown`](crate::Error::Breakdown), [`Error::OutOfMemory`](crate::Error::OutOfMemory),
/// [`Error::Stopped`](crate::Error::Stopped).
pub fn ridge(reduced: &Reduced, alpha: f64, monitor: &mut dyn Monitor) -> Result<Solution> {
    let (triangle, null_space) = rotated(reduced, monitor)?;
    let mut watch = Watch::new(monitor, "solution", 0);
    let penalty = alpha * reduced.unit;
    let (mut factor, root) = (triangle, penalty.sqrt());
    factor.add_multiple_of_identity(root, &mut watch)?;
    let turned = factor.solve();
    let mut coefficients = vec![0.0; reduced.features - turned.len()];
    coefficients.extend(turned);
    null_space.rotate_back(&mut coefficients);
    super::triangular::all_finite(&coefficients)?;
    let residual = factor.residual();
    Ok(Solution {
        intercept: reduced.constant(&coefficients),
        // The augmented residual holds both parts.
        objective: residual * residual / reduced.unit,
        coefficients,
    })
}
