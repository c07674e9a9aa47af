//! The vectors of x86-64: AVX2 with FMA, and AVX-512F.
//!
//! Values of these types are made only in kernels run by [`crate::path`], which has seen that the
//! processor has the instructions; every `unsafe` block below relies on that.

use std::arch::x86_64::*;
use std::ops::{Add, Div, Mul, Sub};

use crate::vector::Vector;

/// Four doubles.
#[derive(Debug, Clone, Copy)]
pub struct Avx2(__m256d);

/// Eight doubles.
#[derive(Debug, Clone, Copy)]
pub struct Avx512(__m512d);

/// One intrinsic that touches no memory.
macro_rules! instruction {
    ($intrinsic:ident($($argument:expr),*)) => {
        // SAFETY: touches no memory, and the processor has the instruction: see the module's head.
        unsafe { $intrinsic($($argument),*) }
    };
}

macro_rules! operator {
    ($vector:ident $trait:ident $method:ident $intrinsic:ident) => {
        impl $trait for $vector {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(instruction!($intrinsic(self.0, other.0)))
            }
        }
    };
}

operator!(Avx2 Add add _mm256_add_pd);
operator!(Avx2 Sub sub _mm256_sub_pd);
operator!(Avx2 Mul mul _mm256_mul_pd);
operator!(Avx2 Div div _mm256_div_pd);

/// Four set and four empty lanes: the mask of the first `n` starts at `4 - n`.
static HEADS: [i64; 8] = [-1, -1, -1, -1, 0, 0, 0, 0];

#[inline(always)]
unsafe fn head(count: usize) -> __m256i {
    debug_assert!(count <= 4);
    // SAFETY: `count` is at most 4, so four cells from `4 - count` are inside the table.
    unsafe { _mm256_loadu_si256(HEADS.as_ptr().add(4 - count).cast()) }
}

impl Vector for Avx2 {
    const LANES: usize = 4;
    const BLOCK: usize = 3;

    #[inline(always)]
    fn splat(value: f64) -> Self {
        Self(instruction!(_mm256_set1_pd(value)))
    }

    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        // SAFETY: the caller guarantees four readable doubles.
        Self(unsafe { _mm256_loadu_pd(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        // SAFETY: the caller guarantees four writable doubles.
        unsafe { _mm256_storeu_pd(to, self.0) }
    }

    #[inline(always)]
    unsafe fn load_head(from: *const f64, count: usize) -> Self {
        // SAFETY: a masked load reads the first `count` doubles, which the caller guarantees.
        Self(unsafe { _mm256_maskload_pd(from, head(count)) })
    }

    #[inline(always)]
    unsafe fn store_head(self, to: *mut f64, count: usize) {
        // SAFETY: a masked store writes the first `count` doubles, which the caller guarantees.
        unsafe { _mm256_maskstore_pd(to, head(count), self.0) }
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        Self(instruction!(_mm256_fmadd_pd(self.0, factor.0, term.0)))
    }

    #[inline(always)]
    fn sub_mul(self, a: Self, b: Self) -> Self {
        Self(instruction!(_mm256_fnmadd_pd(a.0, b.0, self.0)))
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        Self(instruction!(_mm256_min_pd(self.0, other.0)))
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Self(instruction!(_mm256_max_pd(self.0, other.0)))
    }

    #[inline(always)]
    fn abs(self) -> Self {
        Self(instruction!(_mm256_andnot_pd(Self::splat(-0.0).0, self.0)))
    }

    #[inline(always)]
    fn if_positive(self, yes: Self, no: Self) -> Self {
        // SAFETY: as in `instruction!`.
        Self(unsafe {
            _mm256_blendv_pd(
                no.0,
                yes.0,
                _mm256_cmp_pd::<_CMP_GT_OQ>(self.0, Self::splat(0.0).0),
            )
        })
    }

    #[inline(always)]
    fn at_most(self, other: Self) -> u32 {
        // SAFETY: as in `instruction!`.
        unsafe { _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_LE_OQ>(self.0, other.0)) as u32 }
    }

    #[inline(always)]
    fn choose(bits: u32, yes: Self, no: Self) -> Self {
        // SAFETY: as in `instruction!`. Lane by lane a bit of its own becomes a mask.
        unsafe {
            let lanes = _mm256_set_epi64x(8, 4, 2, 1);
            let bits = _mm256_and_si256(_mm256_set1_epi64x(i64::from(bits)), lanes);
            let mask = _mm256_castsi256_pd(_mm256_cmpeq_epi64(bits, lanes));
            Self(_mm256_blendv_pd(no.0, yes.0, mask))
        }
    }

    #[inline(always)]
    fn into_exponent(self) -> Self {
        // SAFETY: as in `instruction!`.
        Self(unsafe { _mm256_castsi256_pd(_mm256_slli_epi64::<52>(_mm256_castpd_si256(self.0))) })
    }

    #[inline(always)]
    fn sum(self) -> f64 {
        // SAFETY: as in `instruction!`.
        unsafe {
            let pair = _mm_add_pd(
                _mm256_castpd256_pd128(self.0),
                _mm256_extractf128_pd::<1>(self.0),
            );
            _mm_cvtsd_f64(_mm_add_sd(pair, _mm_unpackhi_pd(pair, pair)))
        }
    }

    #[inline(always)]
    fn sums([a, b, c, d]: [Self; 4]) -> [f64; 4] {
        let mut sums = [0.0; 4];
        // SAFETY: as in `instruction!`; the array takes four doubles.
        unsafe {
            // Within each half: (a, b) and (c, d) in pairs, then the halves onto each other.
            let (ab, cd) = (_mm256_hadd_pd(a.0, b.0), _mm256_hadd_pd(c.0, d.0));
            let crossed = _mm256_permute2f128_pd::<0x21>(ab, cd);
            let straight = _mm256_blend_pd::<0b1100>(ab, cd);
            _mm256_storeu_pd(sums.as_mut_ptr(), _mm256_add_pd(crossed, straight));
        }
        sums
    }

    #[inline(always)]
    fn least(self) -> f64 {
        // SAFETY: as in `instruction!`.
        unsafe {
            let pair = _mm_min_pd(
                _mm256_castpd256_pd128(self.0),
                _mm256_extractf128_pd::<1>(self.0),
            );
            _mm_cvtsd_f64(_mm_min_sd(pair, _mm_unpackhi_pd(pair, pair)))
        }
    }
}

operator!(Avx512 Add add _mm512_add_pd);
operator!(Avx512 Sub sub _mm512_sub_pd);
operator!(Avx512 Mul mul _mm512_mul_pd);
operator!(Avx512 Div div _mm512_div_pd);

impl Avx512 {
    /// The upper half added to the lower one.
    #[inline(always)]
    fn fold(self) -> Avx2 {
        // SAFETY: as in `instruction!`.
        unsafe {
            let (low, high) = (
                _mm512_castpd512_pd256(self.0),
                _mm512_extractf64x4_pd::<1>(self.0),
            );
            Avx2(_mm256_add_pd(low, high))
        }
    }
}

impl Vector for Avx512 {
    const LANES: usize = 8;
    const BLOCK: usize = 4;

    #[inline(always)]
    fn splat(value: f64) -> Self {
        Self(instruction!(_mm512_set1_pd(value)))
    }

    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        // SAFETY: the caller guarantees eight readable doubles.
        Self(unsafe { _mm512_loadu_pd(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        // SAFETY: the caller guarantees eight writable doubles.
        unsafe { _mm512_storeu_pd(to, self.0) }
    }

    #[inline(always)]
    unsafe fn load_head(from: *const f64, count: usize) -> Self {
        debug_assert!(count <= 8);
        // SAFETY: a masked load reads the first `count` doubles, which the caller guarantees.
        Self(unsafe { _mm512_maskz_loadu_pd(((1_u16 << count) - 1) as u8, from) })
    }

    #[inline(always)]
    unsafe fn store_head(self, to: *mut f64, count: usize) {
        debug_assert!(count <= 8);
        // SAFETY: a masked store writes the first `count` doubles, which the caller guarantees.
        unsafe { _mm512_mask_storeu_pd(to, ((1_u16 << count) - 1) as u8, self.0) }
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        Self(instruction!(_mm512_fmadd_pd(self.0, factor.0, term.0)))
    }

    #[inline(always)]
    fn sub_mul(self, a: Self, b: Self) -> Self {
        Self(instruction!(_mm512_fnmadd_pd(a.0, b.0, self.0)))
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        Self(instruction!(_mm512_min_pd(self.0, other.0)))
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Self(instruction!(_mm512_max_pd(self.0, other.0)))
    }

    #[inline(always)]
    fn abs(self) -> Self {
        Self(instruction!(_mm512_abs_pd(self.0)))
    }

    #[inline(always)]
    fn if_positive(self, yes: Self, no: Self) -> Self {
        // SAFETY: as in `instruction!`.
        Self(unsafe {
            let positive = _mm512_cmp_pd_mask::<_CMP_GT_OQ>(self.0, Self::splat(0.0).0);
            _mm512_mask_blend_pd(positive, no.0, yes.0)
        })
    }

    #[inline(always)]
    fn at_most(self, other: Self) -> u32 {
        // SAFETY: as in `instruction!`.
        unsafe { u32::from(_mm512_cmp_pd_mask::<_CMP_LE_OQ>(self.0, other.0)) }
    }

    #[inline(always)]
    fn choose(bits: u32, yes: Self, no: Self) -> Self {
        Self(instruction!(_mm512_mask_blend_pd(bits as u8, no.0, yes.0)))
    }

    #[inline(always)]
    fn into_exponent(self) -> Self {
        // SAFETY: as in `instruction!`.
        Self(unsafe { _mm512_castsi512_pd(_mm512_slli_epi64::<52>(_mm512_castpd_si512(self.0))) })
    }

    #[inline(always)]
    fn sum(self) -> f64 {
        self.fold().sum()
    }

    #[inline(always)]
    fn sums([a, b, c, d]: [Self; 4]) -> [f64; 4] {
        Avx2::sums([a.fold(), b.fold(), c.fold(), d.fold()])
    }

    #[inline(always)]
    fn least(self) -> f64 {
        // SAFETY: as in `instruction!`.
        unsafe {
            let (low, high) = (
                _mm512_castpd512_pd256(self.0),
                _mm512_extractf64x4_pd::<1>(self.0),
            );
            Avx2(_mm256_min_pd(low, high)).least()
        }
    }

    #[inline(always)]
    fn scale(self, n: Self) -> Self {
        Self(instruction!(_mm512_scalef_pd(self.0, n.0)))
    }
}
