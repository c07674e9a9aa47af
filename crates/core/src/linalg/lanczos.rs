//! Extreme eigenvalues of symmetric positive definite operators: condition numbers.

use super::{SplitMix, Tick, add_scaled, dot, norm};
use crate::Result;
use crate::tiles::zeroed;

/// Steps after which the Ritz value stands to about ten digits for any spectrum met in practice,
/// most of which settle in 10 to 40; exact (up to rounding) after `n` steps.
const MAX_STEPS: usize = 120;
/// Relative change of the Ritz value below which it has settled, thrice in a row.
const SETTLED: f64 = 4.0 * f64::EPSILON;

/// `sigma_max / sigma_min` of a matrix `A` of `n` columns, from `apply` (`out = A'A v`) and
/// `apply_inverse` (`out = (A'A)^-1 v`): the latter, so that the smallest singular value is not lost
/// beside the largest.
///
/// # Errors
/// Out of memory, or what `tick` returns.
pub(crate) fn condition_number(
    n: usize,
    apply: impl FnMut(&[f64], &mut [f64]),
    apply_inverse: impl FnMut(&[f64], &mut [f64]),
    tick: Tick<'_>,
) -> Result<f64> {
    let largest = largest_eigenvalue(n, apply, tick)?;
    Ok(largest.sqrt() * largest_eigenvalue(n, apply_inverse, tick)?.sqrt())
}

/// The largest eigenvalue of `apply` (`out = A v`) on `n` variables, by the Lanczos process with
/// full reorthogonalisation (Golub and Van Loan, Matrix Computations, 4th ed., 10.1 and 10.3) from
/// a fixed pseudo-random start, and bisection on the tridiagonal matrix (8.4.1).
fn largest_eigenvalue(
    n: usize,
    mut apply: impl FnMut(&[f64], &mut [f64]),
    tick: Tick<'_>,
) -> Result<f64> {
    let steps = n.min(MAX_STEPS);
    if steps == 0 {
        return Ok(0.0);
    }
    let mut basis = zeroed(steps * n)?;
    let mut image = zeroed(n)?;
    let (mut diagonal, mut beside) = (Vec::with_capacity(steps), Vec::with_capacity(steps));
    fill_pseudo_random(&mut basis[..n]);
    let (mut value, mut settled) = (0.0_f64, 0);
    for step in 0..steps {
        tick()?;
        let (known, free) = basis.split_at_mut((step + 1) * n);
        let current = &known[step * n..];
        apply(current, &mut image);
        diagonal.push(dot(current, &image));
        // Twice is enough (Kahan, in Parlett, The Symmetric Eigenvalue Problem, 6.9).
        for _ in 0..2 {
            for vector in known.chunks_exact(n) {
                let along = dot(vector, &image);
                add_scaled(&mut image, -along, vector);
            }
        }
        let previous = value;
        value = largest_of_tridiagonal(&diagonal, &beside);
        let stable = (value - previous).abs() <= SETTLED * value;
        settled = if stable { settled + 1 } else { 0 };
        let length = norm(&image);
        if settled == 3 || length.is_nan() || length <= f64::EPSILON * value || step + 1 == steps {
            break;
        }
        beside.push(length);
        for (cell, value) in free[..n].iter_mut().zip(&image) {
            *cell = value / length;
        }
    }
    Ok(value)
}

/// A unit vector of fixed pseudo-random directions, no cell near 0; signs alternate in a pattern
/// without symmetry, so that sums and differences both show.
fn fill_pseudo_random(v: &mut [f64]) {
    let mut random = SplitMix(0);
    for (i, cell) in v.iter_mut().enumerate() {
        let sign = if (i * i + i / 3) % 4 < 2 { -1.0 } else { 1.0 };
        *cell = sign * (random.uniform() + 0.5);
    }
    let length = norm(v);
    for cell in v.iter_mut() {
        *cell /= length;
    }
}

/// The largest eigenvalue of a symmetric tridiagonal matrix, by bisection between Gershgorin's
/// bounds with Sturm counts.
fn largest_of_tridiagonal(diagonal: &[f64], beside: &[f64]) -> f64 {
    let n = diagonal.len();
    let at = |i: usize| beside.get(i).copied().unwrap_or(0.0);
    let mut low = diagonal.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut high = low;
    for i in 0..n {
        let before = if i == 0 { 0.0 } else { at(i - 1) };
        let after = if i + 1 < n { at(i) } else { 0.0 };
        high = high.max(diagonal[i] + before + after);
    }
    // Some eigenvalue is at least x exactly where the LDL' factors of T - x have a pivot >= 0.
    let reaches = |x: f64| {
        let mut pivot = diagonal[0] - x;
        for i in 1..n {
            if pivot >= 0.0 {
                return true;
            }
            // In this order the square of a large number cannot overflow.
            pivot = diagonal[i] - x - at(i - 1) * (at(i - 1) / pivot);
        }
        pivot >= 0.0
    };
    for _ in 0..200 {
        let middle = low + (high - low) / 2.0;
        if !(middle > low && middle < high) {
            break;
        }
        if reaches(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tridiagonal_matrix_with_known_eigenvalues() {
        // 2 - 2 cos(k pi / (n + 1)) are the eigenvalues of the second difference.
        let got = largest_of_tridiagonal(&[2.0; 7], &[1.0; 6]);
        let want = 2.0 - 2.0 * (7.0 * std::f64::consts::PI / 8.0).cos();
        assert!((got - want).abs() < 1e-14, "{got} {want}");
    }

    #[test]
    fn a_graded_spectrum() {
        for n in [1, 2, 3, 50, 400] {
            let apply = |v: &[f64], out: &mut [f64]| {
                for (i, (o, x)) in out.iter_mut().zip(v).enumerate() {
                    *o = x * ((i + 1) as f64).sqrt();
                }
            };
            let got = largest_eigenvalue(n, apply, &mut || Ok(())).unwrap();
            assert!((got / (n as f64).sqrt() - 1.0).abs() < 1e-10, "{n}: {got}");
        }
    }

    #[test]
    fn the_zero_operator() {
        let apply = |_: &[f64], out: &mut [f64]| out.fill(0.0);
        assert_eq!(largest_eigenvalue(4, apply, &mut || Ok(())).unwrap(), 0.0);
    }

    #[test]
    fn the_ends_of_the_range() {
        let units = [1e150, 1.0, 1e-150];
        let scaled = |power: i32| {
            move |v: &[f64], out: &mut [f64]| {
                for ((o, x), unit) in out.iter_mut().zip(v).zip(units) {
                    *o = x * f64::powi(unit, power);
                }
            }
        };
        let got = condition_number(3, scaled(2), scaled(-2), &mut || Ok(())).unwrap();
        assert!((got / 1e300 - 1.0).abs() < 1e-13, "{got}");
    }
}
