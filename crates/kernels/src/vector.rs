//! Vectors of doubles: what a kernel may do, and the portable vector.
//!
//! A kernel is written once over [`Vector`]; [`crate::path`] compiles it for each instruction set.
//! Everything here and in the kernels is `inline(always)`, so that it becomes part of the one
//! function that has the instruction set enabled.

use std::ops::{Add, Div, Mul, Sub};

/// A vector of [`LANES`](Self::LANES) doubles.
///
/// `min` and `max` give the argument where `self` is NaN.
pub trait Vector:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// Number of doubles.
    const LANES: usize;
    /// Columns on one side of a register block, at most [`crate::block::WIDEST`]: its square of
    /// sums and its two sides fit the registers.
    const BLOCK: usize;

    /// The same number in every lane.
    fn splat(value: f64) -> Self;
    /// # Safety
    /// `LANES` doubles are readable at `from`, at any alignment.
    unsafe fn load(from: *const f64) -> Self;
    /// # Safety
    /// `LANES` doubles are writable at `to`, at any alignment.
    unsafe fn store(self, to: *mut f64);
    /// The first `count` lanes from memory, the others 0.
    ///
    /// # Safety
    /// `count` is at most `LANES`, and as many doubles are readable at `from`, at any alignment.
    unsafe fn load_head(from: *const f64, count: usize) -> Self;
    /// Writes the first `count` lanes only.
    ///
    /// # Safety
    /// `count` is at most `LANES`, and as many doubles are writable at `to`, at any alignment.
    unsafe fn store_head(self, to: *mut f64, count: usize);
    /// `self * factor + term`, fused where the instruction set can.
    fn mul_add(self, factor: Self, term: Self) -> Self;
    /// `self - a * b`, fused where the instruction set can.
    fn sub_mul(self, a: Self, b: Self) -> Self;
    /// The smaller, lane by lane.
    fn min(self, other: Self) -> Self;
    /// The larger, lane by lane.
    fn max(self, other: Self) -> Self;
    /// The magnitude.
    fn abs(self) -> Self;
    /// `yes` where `self > 0`, else `no`.
    fn if_positive(self, yes: Self, no: Self) -> Self;
    /// A bit a lane, the first the lowest: whether `self <= other`.
    fn at_most(self, other: Self) -> u32;
    /// `yes` in the lanes whose bit is set, else `no`.
    fn choose(bits: u32, yes: Self, no: Self) -> Self;
    /// The bits of each lane shifted left by 52, from the mantissa's end into the exponent.
    fn into_exponent(self) -> Self;
    /// The sum of the lanes.
    fn sum(self) -> f64;
    /// The smallest lane.
    fn least(self) -> f64;

    /// The sums of the lanes of four vectors, where that is quicker than one by one.
    #[inline(always)]
    fn sums([a, b, c, d]: [Self; 4]) -> [f64; 4] {
        [a.sum(), b.sum(), c.sum(), d.sum()]
    }

    /// The cells from `at` on, 0 past their end.
    #[inline(always)]
    fn read(cells: &[f64], at: usize) -> Self {
        let cells = &cells[at..];
        // SAFETY: reads no more cells than the slice has.
        unsafe {
            if cells.len() >= Self::LANES {
                Self::load(cells.as_ptr())
            } else {
                Self::load_head(cells.as_ptr(), cells.len())
            }
        }
    }

    /// Sets the cells from `at` on, as many as there are.
    #[inline(always)]
    fn write(self, cells: &mut [f64], at: usize) {
        let cells = &mut cells[at..];
        // SAFETY: writes no more cells than the slice has.
        unsafe {
            if cells.len() >= Self::LANES {
                self.store(cells.as_mut_ptr());
            } else {
                self.store_head(cells.as_mut_ptr(), cells.len());
            }
        }
    }

    /// `self * 2^n` for integers `n` from -1080 to 1030 and `self` from 1/2 to 2; rounded once.
    #[inline(always)]
    fn scale(self, n: Self) -> Self {
        // Two factors, as 2^n itself may be out of range.
        let half = (n * Self::splat(0.5)).round();
        self * half.power_of_two() * (n - half).power_of_two()
    }

    /// `2^self` for integers from -1022 to 1023.
    #[inline(always)]
    fn power_of_two(self) -> Self {
        (self + Self::splat(ROUNDING + 1023.0)).into_exponent()
    }

    /// The nearest integer, for magnitudes below 2^51.
    #[inline(always)]
    fn round(self) -> Self {
        (self + Self::splat(ROUNDING)) - Self::splat(ROUNDING)
    }
}

/// 1.5 * 2^52: a double of this size has no room for fractions, its last bits are an integer.
const ROUNDING: f64 = 6_755_399_441_055_744.0;

/// The portable vector: `N` doubles that the compiler may put into whatever registers there are.
#[derive(Debug, Clone, Copy)]
pub struct Lanes<const N: usize>([f64; N]);

impl<const N: usize> Lanes<N> {
    #[inline(always)]
    fn map(self, function: impl Fn(f64) -> f64) -> Self {
        Self(self.0.map(function))
    }

    #[inline(always)]
    fn zip(self, other: Self, function: impl Fn(f64, f64) -> f64) -> Self {
        Self(std::array::from_fn(|lane| {
            function(self.0[lane], other.0[lane])
        }))
    }
}

macro_rules! operator {
    ($trait:ident $method:ident $operator:tt) => {
        impl<const N: usize> $trait for Lanes<N> {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                self.zip(other, |a, b| a $operator b)
            }
        }
    };
}

operator!(Add add +);
operator!(Sub sub -);
operator!(Mul mul *);
operator!(Div div /);

/// Fused only where that is one instruction: the library function is far slower than two.
#[inline(always)]
fn mul_add(a: f64, b: f64, c: f64) -> f64 {
    if cfg!(any(target_feature = "fma", target_arch = "aarch64")) {
        a.mul_add(b, c)
    } else {
        a * b + c
    }
}

impl<const N: usize> Vector for Lanes<N> {
    const LANES: usize = N;
    const BLOCK: usize = 2;

    #[inline(always)]
    fn splat(value: f64) -> Self {
        Self([value; N])
    }

    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        // SAFETY: the caller guarantees N readable doubles.
        Self(unsafe { from.cast::<[f64; N]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        // SAFETY: the caller guarantees N writable doubles.
        unsafe { to.cast::<[f64; N]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn load_head(from: *const f64, count: usize) -> Self {
        let mut lanes = [0.0; N];
        for (lane, value) in lanes.iter_mut().enumerate().take(count) {
            // SAFETY: the caller guarantees `count` readable doubles.
            *value = unsafe { from.add(lane).read_unaligned() };
        }
        Self(lanes)
    }

    #[inline(always)]
    unsafe fn store_head(self, to: *mut f64, count: usize) {
        for (lane, value) in self.0.into_iter().enumerate().take(count) {
            // SAFETY: the caller guarantees `count` writable doubles.
            unsafe { to.add(lane).write_unaligned(value) }
        }
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        Self(std::array::from_fn(|lane| {
            mul_add(self.0[lane], factor.0[lane], term.0[lane])
        }))
    }

    #[inline(always)]
    fn sub_mul(self, a: Self, b: Self) -> Self {
        Self(std::array::from_fn(|lane| {
            mul_add(-a.0[lane], b.0[lane], self.0[lane])
        }))
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        self.zip(other, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn abs(self) -> Self {
        self.map(f64::abs)
    }

    #[inline(always)]
    fn if_positive(self, yes: Self, no: Self) -> Self {
        Self(std::array::from_fn(|lane| {
            if self.0[lane] > 0.0 {
                yes.0[lane]
            } else {
                no.0[lane]
            }
        }))
    }

    #[inline(always)]
    fn at_most(self, other: Self) -> u32 {
        let bit = |lane: usize| u32::from(self.0[lane] <= other.0[lane]) << lane;
        (0..N).fold(0, |bits, lane| bits | bit(lane))
    }

    #[inline(always)]
    fn choose(bits: u32, yes: Self, no: Self) -> Self {
        Self(std::array::from_fn(|lane| {
            if bits >> lane & 1 == 1 {
                yes.0[lane]
            } else {
                no.0[lane]
            }
        }))
    }

    #[inline(always)]
    fn into_exponent(self) -> Self {
        self.map(|value| f64::from_bits(value.to_bits() << 52))
    }

    #[inline(always)]
    fn sum(self) -> f64 {
        self.0.into_iter().fold(0.0, |sum, value| sum + value)
    }

    #[inline(always)]
    fn least(self) -> f64 {
        self.0.into_iter().fold(f64::INFINITY, f64::min)
    }
}
