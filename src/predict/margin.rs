//! Linear margins of coefficient and feature arrays, read in place as bytes at any alignment.

use crate::pg::error::{Failure, Result};
use pgrx::PgSqlErrorCode;

const DOUBLE: usize = size_of::<f64>();

/// `coef · x` where the lengths agree; `coef[1] + coef[2:] · x` where `coef` has one element more.
///
/// # Errors
/// 2202E for any other lengths.
#[inline]
pub fn linear(coef: &[u8], x: &[u8]) -> Result<f64> {
    if coef.len() == x.len() {
        Ok(sum_of_products(coef, x))
    } else if coef.len() == x.len() + DOUBLE {
        let (constant, slopes) = coef.split_at(DOUBLE);
        Ok(first(constant) + sum_of_products(slopes, x))
    } else {
        Err(length_mismatch(coef, x))
    }
}

/// `intercept + coef · x` where the lengths agree; where `coef` has one element more, that element
/// must be the intercept.
///
/// # Errors
/// 2202E for any other lengths, 22023 where the intercepts differ.
#[inline]
pub fn linear_with_intercept(coef: &[u8], intercept: f64, x: &[u8]) -> Result<f64> {
    if coef.len() == x.len() {
        return Ok(intercept + sum_of_products(coef, x));
    }
    if coef.len() == x.len() + DOUBLE && first(coef) != intercept {
        return Err(Failure::parameter(format!(
            "intercept {intercept} differs from coef[1], which is {}",
            first(coef)
        ))
        .detail("coef has one element more than the features: its first one is the intercept.")
        .hint("Pass the intercept column of the same model table, or leave the argument out."));
    }
    linear(coef, x)
}

/// `coef · x`.
///
/// # Errors
/// 2202E where the lengths differ.
#[inline]
pub fn dot(coef: &[u8], x: &[u8]) -> Result<f64> {
    if coef.len() == x.len() {
        Ok(sum_of_products(coef, x))
    } else {
        Err(length_mismatch(coef, x))
    }
}

/// The logistic function; 0 and 1 in the far tails, never an overflow.
#[inline]
pub fn logistic(margin: f64) -> f64 {
    1.0 / (1.0 + (-margin).exp())
}

#[cold]
fn length_mismatch(coef: &[u8], x: &[u8]) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_ARRAY_ELEMENT_ERROR,
        "coefficients and independent variables are of incompatible length",
    )
    .detail(format!(
        "coef has {} elements, x has {}.",
        coef.len() / DOUBLE,
        x.len() / DOUBLE
    ))
    .hint("Pass the independent variables of the training call, in its order.")
}

#[inline]
fn value(bytes: &[u8]) -> f64 {
    let mut copy = [0; DOUBLE];
    copy.copy_from_slice(bytes);
    f64::from_ne_bytes(copy)
}

#[inline]
fn first(bytes: &[u8]) -> f64 {
    bytes.get(..DOUBLE).map_or(f64::NAN, value)
}

/// Four running sums, so that additions need not wait for each other.
#[inline]
fn sum_of_products(a: &[u8], b: &[u8]) -> f64 {
    let mut sums = [0.0; 4];
    let (blocks_a, blocks_b) = (a.chunks_exact(4 * DOUBLE), b.chunks_exact(4 * DOUBLE));
    let rest = blocks_a
        .remainder()
        .chunks_exact(DOUBLE)
        .zip(blocks_b.remainder().chunks_exact(DOUBLE));
    let tail: f64 = rest.map(|(a, b)| value(a) * value(b)).sum();
    for (a, b) in blocks_a.zip(blocks_b) {
        for (i, sum) in sums.iter_mut().enumerate() {
            let place = i * DOUBLE..(i + 1) * DOUBLE;
            *sum += value(&a[place.clone()]) * value(&b[place]);
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + tail
}
