//! Scalar products and the test for finiteness: one run over contiguous memory.

use crate::path::{self, Kernel};
use crate::vector::Vector;

/// Sums kept side by side, so that an addition need not wait for the one before.
const CHAINS: usize = 4;

/// Whether no cell is NaN or infinite.
#[must_use]
pub fn all_finite(cells: &[f64]) -> bool {
    path::run(AllFinite(cells))
}

/// The scalar product, over the shorter length.
#[must_use]
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let length = a.len().min(b.len());
    let (a, b) = (&a[..length], &b[..length]);
    if length <= SHORT {
        return short(a, b, |number| number);
    }
    path::run(Dot { a, b: b.as_ptr() })
}

/// The scalar product with doubles in native byte order at any alignment, such as the elements of
/// an array read in place; over the shorter length.
#[must_use]
pub fn dot_bytes(a: &[f64], b: &[u8]) -> f64 {
    let (doubles, _) = b.as_chunks();
    let length = a.len().min(doubles.len());
    let a = &a[..length];
    if length <= SHORT {
        return short(a, &doubles[..length], f64::from_ne_bytes);
    }
    path::run(Dot {
        a,
        b: b.as_ptr().cast(),
    })
}

/// The scalar product with numbers that come one by one, for at most [`SHORT`] of them: in a register
/// each, where a slice would have to be written first and read again. The same bits as [`dot`].
#[inline]
#[must_use]
pub fn dot_each(a: &[f64], b: impl IntoIterator<Item = f64>) -> f64 {
    let mut sums = [0.0; CHAINS];
    let mut b = b.into_iter();
    let (blocks, rest) = a.as_chunks::<CHAINS>();
    for block in blocks {
        for (sum, a) in sums.iter_mut().zip(block) {
            *sum += a * b.next().unwrap_or(f64::NAN);
        }
    }
    for (sum, a) in sums.iter_mut().zip(rest) {
        *sum += a * b.next().unwrap_or(f64::NAN);
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

/// Up to this length plain code is quicker than wide vectors: a row of a table is not yet in the
/// cache, and wide loads, masked ones above all, wait longer for it.
pub const SHORT: usize = 24;

/// Four running sums; `b` has as many numbers as `a`.
#[inline]
fn short<T: Copy>(a: &[f64], b: &[T], number: impl Fn(T) -> f64) -> f64 {
    let mut sums = [0.0; CHAINS];
    let (blocks_a, rest_a) = a.as_chunks::<CHAINS>();
    let (blocks_b, rest_b) = b.as_chunks::<CHAINS>();
    for (a, b) in blocks_a.iter().zip(blocks_b) {
        for (chain, sum) in sums.iter_mut().enumerate() {
            *sum += a[chain] * number(b[chain]);
        }
    }
    for (sum, (a, b)) in sums.iter_mut().zip(rest_a.iter().zip(rest_b)) {
        *sum += a * number(*b);
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

pub(crate) struct AllFinite<'a>(pub &'a [f64]);

impl Kernel for AllFinite<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<V: Vector>(self) -> bool {
        let Self(cells) = self;
        let zero = V::splat(0.0);
        let mut sums = [zero; CHAINS];
        let (blocks, rest) = cells.split_at(cells.len() - cells.len() % (CHAINS * V::LANES));
        // 0 * x is NaN for NaN and infinities, else 0; the sum keeps a NaN.
        for block in blocks.chunks_exact(CHAINS * V::LANES) {
            for (chain, sum) in sums.iter_mut().enumerate() {
                // SAFETY: the block has CHAINS * LANES cells.
                let x = unsafe { V::load(block.as_ptr().add(chain * V::LANES)) };
                *sum = x.mul_add(zero, *sum);
            }
        }
        for at in (0..rest.len()).step_by(V::LANES) {
            sums[0] = V::read(rest, at).mul_add(zero, sums[0]);
        }
        ((sums[0] + sums[1]) + (sums[2] + sums[3])).sum() == 0.0
    }
}

/// `b` has as many doubles as `a`, at any alignment.
pub(crate) struct Dot<'a> {
    pub a: &'a [f64],
    pub b: *const f64,
}

impl Kernel for Dot<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<V: Vector>(self) -> f64 {
        // SAFETY: `b` has as many doubles as `a`.
        unsafe { sum_of_products::<V>(self.a, self.b) }
    }
}

/// The scalar product of two slices of one length.
#[inline(always)]
pub fn dot_of<V: Vector>(a: &[f64], b: &[f64]) -> f64 {
    let length = a.len().min(b.len());
    // SAFETY: both have `length` cells.
    unsafe { sum_of_products::<V>(&a[..length], b.as_ptr()) }
}

/// # Safety
/// `b` has as many doubles as `a`, at any alignment.
#[inline(always)]
unsafe fn sum_of_products<V: Vector>(a: &[f64], b: *const f64) -> f64 {
    let mut sums = [V::splat(0.0); CHAINS];
    let blocks = a.len() - a.len() % (CHAINS * V::LANES);
    let whole = a.len() - a.len() % V::LANES;
    // SAFETY: `a` and `b` have `a.len()` doubles each, and every load ends before or there.
    unsafe {
        for at in (0..blocks).step_by(CHAINS * V::LANES) {
            for (chain, sum) in sums.iter_mut().enumerate() {
                let at = at + chain * V::LANES;
                *sum = V::load(a.as_ptr().add(at)).mul_add(V::load(b.add(at)), *sum);
            }
        }
        for at in (blocks..whole).step_by(V::LANES) {
            sums[0] = V::load(a.as_ptr().add(at)).mul_add(V::load(b.add(at)), sums[0]);
        }
        let count = a.len() - whole;
        if count > 0 {
            let a = V::load_head(a.as_ptr().add(whole), count);
            sums[1] = a.mul_add(V::load_head(b.add(whole), count), sums[1]);
        }
    }
    ((sums[0] + sums[1]) + (sums[2] + sums[3])).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::path::Path;

    fn paths() -> impl Iterator<Item = Path> {
        Path::ALL.iter().copied().filter(|path| path.is_available())
    }

    #[test]
    fn finds_every_cell_that_is_not_finite() {
        for path in paths() {
            for length in 0..70 {
                let mut cells = vec![f64::MAX; length];
                assert!(path.run(AllFinite(&cells)));
                for at in 0..length {
                    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                        cells[at] = bad;
                        assert!(!path.run(AllFinite(&cells)), "{path:?} {at} of {length}");
                    }
                    cells[at] = -0.0;
                }
            }
        }
    }

    #[test]
    fn products_by_hand() {
        assert_eq!(dot(&[1.0, 2.0, 3.0], &[4.0, 5.0]), 14.0);
        assert_eq!(dot(&[], &[1.0]), 0.0);
        let mut bytes = vec![0];
        bytes.extend([4.0, 5.0].into_iter().flat_map(f64::to_ne_bytes));
        bytes.extend([1, 2, 3]);
        assert_eq!(dot_bytes(&[1.0, 2.0, 3.0], &bytes[1..]), 14.0);
    }

    proptest! {
        #[test]
        fn every_path_agrees(
            pairs in prop::collection::vec((-1e3..1e3, -1e3..1e3), 0..100),
            offset in 0_usize..8,
        ) {
            let (a, b): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            let plain: f64 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
            let size: f64 = a.iter().zip(&b).map(|(a, b)| (a * b).abs()).sum();
            let mut bytes = vec![0; offset];
            bytes.extend(b.iter().copied().flat_map(f64::to_ne_bytes));
            for path in paths() {
                let got = path.run(Dot { a: &a, b: bytes[offset..].as_ptr().cast() });
                prop_assert!((got - plain).abs() <= 1e-14 * size, "{:?}", path);
            }
            prop_assert!((dot(&a, &b) - plain).abs() <= 1e-14 * size);
            prop_assert_eq!(dot(&a, &b), dot_bytes(&a, &bytes[offset..]));
        }
    }
}
