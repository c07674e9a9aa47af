//! The choice of instruction set, at run time.

use crate::vector::{Lanes, Vector};
#[cfg(target_arch = "x86_64")]
use crate::x86::{Avx2, Avx512};

/// A computation over vectors of any width.
pub trait Kernel {
    /// What it gives.
    type Output;

    /// Runs it; implementations are `inline(always)`.
    fn run<V: Vector>(self) -> Self::Output;
}

/// An instruction set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// What the target has in any case.
    Portable,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512F.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Path {
    /// All that there are, the best first.
    pub const ALL: &[Self] = &[
        #[cfg(target_arch = "x86_64")]
        Self::Avx512,
        #[cfg(target_arch = "x86_64")]
        Self::Avx2,
        Self::Portable,
    ];

    /// Whether this processor has it (the standard library caches the answer).
    #[inline]
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => is_x86_feature_detected!("avx512f") && Self::Avx2.is_available(),
        }
    }

    /// The best of this processor.
    #[inline]
    pub fn best() -> Self {
        Self::ALL
            .iter()
            .copied()
            .find(|path| path.is_available())
            .unwrap_or(Self::Portable)
    }

    /// Runs a kernel on this path, on the portable one where the processor does not have it.
    #[inline]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            // SAFETY: the processor has AVX-512F.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 if self.is_available() => unsafe { run_avx512(kernel) },
            // SAFETY: the processor has AVX2 and FMA.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 if self.is_available() => unsafe { run_avx2(kernel) },
            _ => run_portable(kernel),
        }
    }
}

/// Runs a kernel on the best path.
#[inline]
pub fn run<K: Kernel>(kernel: K) -> K::Output {
    Path::best().run(kernel)
}

fn run_portable<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Lanes<4>>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx2>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx512>()
}
