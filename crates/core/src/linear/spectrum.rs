//! Extreme singular values of a triangle.

use pglearn_kernels::dot;

use super::pivoted::norm;
use crate::Result;
use crate::monitor::{Monitor, Progress, check};
use crate::tiles::zeroed;

/// Lanczos steps at the most; extreme values of the spectra met in practice settle in 10 to 40.
const STEPS: usize = 120;

/// Condition number `sigma_max / sigma_min` of the leading `order` columns of a non-singular upper
/// triangle (dense, column after column, `stride` cells apart).
///
/// The largest eigenvalues of R'R and of its inverse, each by Lanczos with full
/// reorthogonalisation (Golub and Van Loan 2013, section 10.1); R^-1 is applied by substitution, so
/// the smallest singular value is not lost beside the largest.
pub(super) fn condition_number(
    triangle: &[f64],
    order: usize,
    stride: usize,
    monitor: &mut dyn Monitor,
) -> Result<f64> {
    let column = |j: usize| &triangle[j * stride..][..=j];
    // Both operators work on R / scale, so that squares of large or small units stay within range.
    let scale = (0..order).map(|j| norm(column(j))).fold(0.0, f64::max);
    let largest = largest_eigenvalue(order, monitor, |v, out| {
        out.fill(0.0);
        for (j, x) in v.iter().enumerate() {
            let x = x / scale;
            out.iter_mut().zip(column(j)).for_each(|(o, r)| *o += x * r);
        }
        for j in (0..order).rev() {
            out[j] = dot(column(j), &out[..=j]) / scale;
        }
    })?;
    let inverse = largest_eigenvalue(order, monitor, |v, out| {
        for j in 0..order {
            let r = column(j);
            out[j] = (v[j] * scale - dot(&r[..j], &out[..j])) / r[j];
        }
        for j in (0..order).rev() {
            let r = column(j);
            out[j] = out[j] * scale / r[j];
            let x = out[j] / scale;
            out[..j].iter_mut().zip(r).for_each(|(o, r)| *o -= x * r);
        }
    })?;
    Ok(largest.sqrt() * inverse.sqrt())
}

/// Largest eigenvalue of a symmetric positive operator of the given order.
fn largest_eigenvalue(
    order: usize,
    monitor: &mut dyn Monitor,
    mut apply: impl FnMut(&[f64], &mut [f64]),
) -> Result<f64> {
    let steps = order.min(STEPS);
    let mut basis = zeroed(steps * order)?;
    let (mut diagonal, mut beside): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut next = start_vector(order);
    let mut image = zeroed(order)?;
    let mut value = 0.0_f64;
    let mut settled = 0;
    for step in 0..steps {
        let (done, total) = (step as u64, steps as u64);
        check(
            monitor,
            Progress {
                phase: "condition number",
                done,
                total,
                loss: f64::NAN,
            },
        )?;
        let (earlier, rest) = basis.split_at_mut(step * order);
        let current = &mut rest[..order];
        current.copy_from_slice(&next);
        apply(current, &mut image);
        diagonal.push(dot(current, &image));
        // Twice is enough (Kahan, in Parlett 1998, section 6.9).
        for _ in 0..2 {
            for vector in earlier.chunks_exact(order).chain([&*current]) {
                let share = dot(vector, &image);
                image
                    .iter_mut()
                    .zip(vector)
                    .for_each(|(x, v)| *x -= share * v);
            }
        }
        let previous = value;
        value = largest_of_tridiagonal(&diagonal, &beside);
        settled = if (value - previous).abs() <= 4.0 * f64::EPSILON * value {
            settled + 1
        } else {
            0
        };
        let length = norm(&image);
        if settled == 3 || length <= f64::EPSILON * value {
            break;
        }
        beside.push(length);
        next.iter_mut()
            .zip(&image)
            .for_each(|(n, x)| *n = x / length);
    }
    Ok(value)
}

/// A unit vector with no special direction, the same in every run.
fn start_vector(order: usize) -> Vec<f64> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut vector: Vec<f64> = (0..order)
        .map(|_| {
            // xorshift64 (Marsaglia 2003).
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            0.5 + (state >> 11) as f64 / (1_u64 << 53) as f64
        })
        .collect();
    // Signs alternate in a pattern without symmetry, so that sums and differences both show.
    vector.iter_mut().enumerate().for_each(|(i, v)| {
        if (i * i + i / 3) % 4 < 2 {
            *v = -*v;
        }
    });
    let length = norm(&vector);
    vector.iter_mut().for_each(|v| *v /= length);
    vector
}

/// Largest eigenvalue of a symmetric tridiagonal matrix, by bisection on Sturm counts.
fn largest_of_tridiagonal(diagonal: &[f64], beside: &[f64]) -> f64 {
    let reach = |i: usize| {
        let left = if i > 0 { beside[i - 1].abs() } else { 0.0 };
        diagonal[i]
            + left
            + beside
                .get(i)
                .map_or(0.0, |b| if i + 1 < diagonal.len() { b.abs() } else { 0.0 })
    };
    let mut high = (0..diagonal.len()).map(reach).fold(0.0, f64::max);
    let mut low = diagonal.iter().copied().fold(0.0, f64::max);
    while high - low > f64::EPSILON * high {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        if exceeds_all(diagonal, beside, middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

/// Whether every eigenvalue lies below `x`: all pivots of the factorisation of `T - x` are negative.
fn exceeds_all(diagonal: &[f64], beside: &[f64], x: f64) -> bool {
    let mut pivot = -1.0_f64;
    diagonal.iter().enumerate().all(|(i, d)| {
        let b = if i > 0 { beside[i - 1] } else { 0.0 };
        pivot = d - x - b * b / pivot;
        pivot < 0.0
    })
}
