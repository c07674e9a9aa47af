//! Condition number of a triangle.

use pglearn_kernels::dot;

use crate::Result;
use crate::linalg::{self, norm};
use crate::monitor::{Monitor, Progress, check};

/// `sigma_max / sigma_min` of the leading `order` columns of a non-singular upper triangle (dense,
/// column after column, `stride` cells apart).
///
/// R'R and its inverse are applied through R and by substitution, never formed.
pub(super) fn condition_number(
    triangle: &[f64],
    order: usize,
    stride: usize,
    monitor: &mut dyn Monitor,
) -> Result<f64> {
    let column = |j: usize| &triangle[j * stride..][..=j];
    // In units of the longest and of the shortest column the squares stay within range.
    let norms = || (0..order).map(|j| norm(column(j)));
    let (long, short) = (
        norms().fold(0.0, f64::max),
        norms().fold(f64::INFINITY, f64::min),
    );
    let progress = Progress {
        phase: "condition number",
        done: 0,
        total: 0,
        loss: f64::NAN,
    };
    let relative = linalg::condition_number(
        order,
        |v, out| {
            out.fill(0.0);
            for (j, x) in v.iter().enumerate() {
                let x = x / long;
                out.iter_mut().zip(column(j)).for_each(|(o, r)| *o += x * r);
            }
            for j in (0..order).rev() {
                out[j] = dot(column(j), &out[..=j]) / long;
            }
        },
        |v, out| {
            // Solutions of R'u = v and R w = u, the first times `short`, the second times its square.
            for j in 0..order {
                let r = column(j);
                out[j] = (v[j] - dot(&r[..j], &out[..j]) / short) / (r[j] / short);
            }
            for j in (0..order).rev() {
                let r = column(j);
                out[j] /= r[j] / short;
                let x = out[j] / short;
                out[..j].iter_mut().zip(r).for_each(|(o, r)| *o -= x * r);
            }
        },
        &mut || check(monitor, progress),
    )?;
    Ok(relative * (long / short))
}
