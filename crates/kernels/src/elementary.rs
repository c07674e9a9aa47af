//! The elementary functions of the logistic pass, lane by lane, within 2 ulp.

use crate::path::{self, Kernel};
use crate::vector::Vector;

/// ln 2 with 21 zero bits at its end, so that multiples up to 2^21 are exact, and the rest.
const LN_2: (f64, f64) = (0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10);

/// `(exp(r) - 1 - r) / r^2` for `|r| <= 0.3467`: the polynomial through the 11 Chebyshev nodes,
/// computed with 60 digits; off by 3.4e-19 of `exp(r)`.
const EXP: [f64; 11] = [
    0.5,
    0.166_666_666_666_666_7,
    0.041_666_666_666_666_67,
    0.008_333_333_333_326_12,
    0.001_388_888_888_888_373_7,
    0.000_198_412_698_748_739_75,
    2.480_158_732_558_584e-5,
    2.755_725_533_255_441e-6,
    2.755_727_359_479_941_3e-7,
    2.510_524_515_390_137e-8,
    2.091_470_706_961_255_5e-9,
];

/// `2 (atanh(s) / s - 1) / z` with `z = s^2`, for `z` from 0 to 0.02945: the polynomial through
/// the 7 Chebyshev nodes, computed with 60 digits; off by 9.4e-18 / z.
const ATANH: [f64; 7] = [
    0.666_666_666_666_667,
    0.399_999_999_998_992_4,
    0.285_714_286_260_958_9,
    0.222_222_111_151_441_6,
    0.181_828_905_566_952_06,
    0.153_316_740_301_678_6,
    0.146_170_375_487_916_5,
];

#[inline(always)]
fn polynomial<V: Vector, const N: usize>(coefficients: &[f64; N], x: V) -> V {
    let mut value = V::splat(coefficients[N - 1]);
    for coefficient in coefficients.iter().rev().skip(1) {
        value = value.mul_add(x, V::splat(*coefficient));
    }
    value
}

/// `exp(x)`: `x = n ln 2 + r`, `exp(x) = 2^n exp(r)` (Cody and Waite, Software Manual for the
/// Elementary Functions, 1980, chapter 6).
#[inline(always)]
pub fn exp<V: Vector>(x: V) -> V {
    // Beyond these the result is 0 or infinite anyway, and 2^n stays within what `scale` takes.
    let x = x.max(V::splat(-746.0)).min(V::splat(710.0));
    let n = (x * V::splat(std::f64::consts::LOG2_E)).round();
    let r = x.sub_mul(n, V::splat(LN_2.0)).sub_mul(n, V::splat(LN_2.1));
    let tail = (r * r).mul_add(polynomial(&EXP, r), r);
    (tail + V::splat(1.0)).scale(n)
}

/// `log(1 + e)` for `e` from 0 to 1.
///
/// `1 + e = c (1 + f)` with `c` 1 or 2 so that `|f| <= sqrt(2) - 1`; then with `s = f / (2 + f)`,
/// `log(1 + f) = 2 atanh(s) = f - f^2/2 + s (f^2/2 + s^2 P(s^2))`, whose leading term is exact
/// (the arrangement of fdlibm's `log`, Ng, 1993).
#[inline(always)]
pub fn log_1p<V: Vector>(e: V) -> V {
    let upper = e - V::splat(std::f64::consts::SQRT_2 - 1.0);
    let f = upper.if_positive((e - V::splat(1.0)) * V::splat(0.5), e);
    let shift = upper.if_positive(V::splat(std::f64::consts::LN_2), V::splat(0.0));
    let s = f / (f + V::splat(2.0));
    let z = s * s;
    let half_square = f * f * V::splat(0.5);
    let rest = s * polynomial(&ATANH, z).mul_add(z, half_square);
    shift + (f - (half_square - rest))
}

/// Replaces each number by its exponential.
///
/// 0 below -745.14, infinite above 709.78, within 2 ulp between (subnormal results included).
/// NaN is not kept: it gives 0.
pub fn exp_in_place(numbers: &mut [f64]) {
    path::run(Map(numbers, Function::Exp));
}

/// Replaces each number `x` by the logistic function `1 / (1 + exp(-x))`, within 4 ulp.
pub fn logistic_in_place(numbers: &mut [f64]) {
    path::run(Map(numbers, Function::Logistic));
}

/// Replaces each `e` from 0 to 1 by `log(1 + e)`, within 2 ulp.
pub fn log_1p_in_place(numbers: &mut [f64]) {
    path::run(Map(numbers, Function::Log1p));
}

#[derive(Clone, Copy)]
enum Function {
    Exp,
    Log1p,
    Logistic,
}

impl Function {
    #[inline(always)]
    fn apply<V: Vector>(self, x: V) -> V {
        match self {
            Self::Exp => exp(x),
            Self::Log1p => log_1p(x),
            Self::Logistic => {
                // From exp(-|x|), which cannot overflow.
                let e = exp(V::splat(0.0) - x.abs());
                x.if_positive(V::splat(1.0), e) / (V::splat(1.0) + e)
            }
        }
    }
}

struct Map<'a>(&'a mut [f64], Function);

impl Kernel for Map<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self(numbers, function) = self;
        for at in (0..numbers.len()).step_by(V::LANES) {
            function.apply(V::read(numbers, at)).write(numbers, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::Path;

    /// Distance in units of the last place of `expected`.
    fn ulps(got: f64, expected: f64) -> f64 {
        if got == expected {
            return 0.0;
        }
        let unit = if expected.abs() < f64::MIN_POSITIVE {
            f64::from_bits(1)
        } else {
            expected.abs() - f64::from_bits(expected.abs().to_bits() - 1)
        };
        (got - expected).abs() / unit
    }

    fn worst(function: Function, inputs: &[f64], expected: impl Fn(f64) -> f64) -> f64 {
        let mut worst: f64 = 0.0;
        for path in Path::ALL.iter().filter(|path| path.is_available()) {
            let mut outputs = inputs.to_vec();
            path.run(Map(&mut outputs, function));
            for (x, got) in inputs.iter().zip(&outputs) {
                let off = ulps(*got, expected(*x));
                assert!(off.is_finite(), "{path:?} {x:e}: {got:e}");
                worst = worst.max(off);
            }
        }
        worst
    }

    /// Numbers dense near 0 and reaching `limit` at both ends.
    fn grid(limit: f64) -> Vec<f64> {
        let mut inputs = vec![
            0.0,
            -0.0,
            f64::MIN_POSITIVE,
            -f64::MIN_POSITIVE,
            5e-324,
            -5e-324,
        ];
        for step in 0..200_001 {
            inputs.push((f64::from(step) / 100_000.0 - 1.0) * limit);
        }
        for exponent in -1074..10 {
            for mantissa in [1.0, 1.234_567_8, 1.999_999] {
                let x = mantissa * 2_f64.powi(exponent);
                inputs.extend([x, -x].into_iter().filter(|x| x.abs() <= limit));
            }
        }
        inputs
    }

    // The reference is the C library's, itself within 1 ulp.
    #[test]
    fn exponential() {
        assert!(worst(Function::Exp, &grid(800.0), f64::exp) <= 2.0);
        assert!(worst(Function::Exp, &grid(1.0), f64::exp) <= 2.0);
        let edges = [
            f64::INFINITY,
            f64::NEG_INFINITY,
            1e308,
            -1e308,
            709.782_712_893_384,
            -745.133,
        ];
        assert!(worst(Function::Exp, &edges, f64::exp) <= 2.0);
    }

    #[test]
    fn logarithm() {
        let inputs: Vec<f64> = grid(1.0)
            .into_iter()
            .filter(|e| (0.0..=1.0).contains(e))
            .collect();
        assert!(worst(Function::Log1p, &inputs, f64::ln_1p) <= 2.0);
        assert!(
            worst(
                Function::Log1p,
                &[1.0, 0.414_213_562_373_095_1, 0.5],
                f64::ln_1p
            ) <= 2.0
        );
    }

    #[test]
    fn logistic_function() {
        let expected = |x: f64| {
            let e = (-x.abs()).exp();
            if x > 0.0 {
                1.0 / (1.0 + e)
            } else {
                e / (1.0 + e)
            }
        };
        assert!(worst(Function::Logistic, &grid(800.0), expected) <= 4.0);
        assert!(worst(Function::Logistic, &grid(4.0), expected) <= 4.0);
    }
}
