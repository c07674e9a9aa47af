//! Mean, standard deviation and extremes of numbers.

use super::CHUNK;

/// Deviations beyond these are squared on another scale, so that squares neither overflow nor vanish.
const GREAT: f64 = 3.273_390_607_896_142e150; // 2^500
const SMALL: f64 = 3.872_591_914_849_318e-121; // 2^-400
/// What the scales lie apart.
const STEP: i32 = 600;

/// Moments of finite numbers, and how many others there were.
///
/// Source: B. P. Welford's idea in the form of T. F. Chan, G. H. Golub and R. J. LeVeque, "Updating
/// formulae and a pairwise algorithm for computing sample variances" (1979): two passes over a chunk,
/// whose mean and sum of squares are then joined with those of what was before.
///
/// Numerics: the mean is kept as a sum of two doubles, so that the difference of two means is as exact
/// as the deviations from them. Mean and standard deviation are right to about 1e-15 whatever their
/// ratio, from the least to the greatest double.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Moments {
    count: u64,
    nan: u64,
    infinite: u64,
    mean: Twin,
    squares: Squares,
    min: f64,
    max: f64,
}

/// A sum of two doubles, the second below the precision of the first.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Twin {
    high: f64,
    low: f64,
}

/// A sum of squares of deviations that were divided by 2 to the power `STEP * scale`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Squares {
    sum: Twin,
    scale: i32,
}

impl Moments {
    /// Adds numbers.
    pub fn add(&mut self, numbers: &[f64]) {
        for chunk in numbers.chunks(CHUNK) {
            if chunk.iter().all(|number| number.is_finite()) {
                self.join(&Self::of_finite(chunk));
                continue;
            }
            let mut finite = [0.0; CHUNK];
            let mut filled = 0;
            for number in chunk {
                if number.is_finite() {
                    finite[filled] = *number;
                    filled += 1;
                } else if number.is_nan() {
                    self.nan += 1;
                } else {
                    self.infinite += 1;
                }
            }
            self.join(&Self::of_finite(&finite[..filled]));
        }
    }

    /// Adds what other moments are of.
    pub fn merge(&mut self, other: &Self) {
        self.nan += other.nan;
        self.infinite += other.infinite;
        self.join(other);
    }

    /// Finite numbers, of which all figures are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// NaNs.
    #[must_use]
    pub fn nan(&self) -> u64 {
        self.nan
    }

    /// Infinite numbers.
    #[must_use]
    pub fn infinite(&self) -> u64 {
        self.infinite
    }

    /// Their mean.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean.high + self.mean.low)
    }

    /// Their sample standard deviation (divisor n - 1); `None` below two of them, and where it is beyond
    /// the greatest double.
    #[must_use]
    pub fn std(&self) -> Option<f64> {
        if self.count < 2 {
            return None;
        }
        let root = (self.squares.sum.high / (self.count - 1) as f64).sqrt();
        Some(root * power(self.squares.scale)).filter(|std| std.is_finite())
    }

    /// The least of them.
    #[must_use]
    pub fn min(&self) -> Option<f64> {
        (self.count > 0).then_some(self.min)
    }

    /// The greatest of them.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        (self.count > 0).then_some(self.max)
    }

    /// A chunk of finite numbers, in two passes.
    fn of_finite(numbers: &[f64]) -> Self {
        let Some(first) = numbers.first() else {
            return Self::default();
        };
        let n = numbers.len() as f64;
        let (mut min, mut max) = (*first, *first);
        for number in numbers {
            min = min.min(*number);
            max = max.max(*number);
        }
        let sum = lanes(numbers, |number| number);
        let centre = if sum.is_finite() {
            sum / n
        } else {
            lanes(numbers, |number| number / n)
        };
        // The greatest deviation, or half of it where that is beyond the doubles.
        let reach = (max / 2.0 - centre / 2.0).max(centre / 2.0 - min / 2.0);
        let scale = scale_of(reach);
        let factor = power(-scale);
        let deviation = move |number: f64| match scale {
            1 => number * factor - centre * factor,
            0 => number - centre,
            _ => (number - centre) * factor,
        };
        let rest = lanes(numbers, deviation);
        let squares = lanes(numbers, |number| deviation(number) * deviation(number));
        Self {
            count: numbers.len() as u64,
            mean: Twin::new(centre, rest / n * power(scale)),
            // The deviations are from the rounded mean; those from the mean itself are less by `rest / n`.
            squares: Squares {
                sum: Twin::new((squares - rest * (rest / n)).max(0.0), 0.0),
                scale,
            },
            min,
            max,
            ..Self::default()
        }
    }

    /// Adds the moments of other finite numbers.
    fn join(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            let (nan, infinite) = (self.nan, self.infinite);
            *self = Self {
                nan,
                infinite,
                ..other.clone()
            };
            return;
        }
        let count = self.count + other.count;
        let share = other.count as f64 / count as f64;
        let between = self.count as f64 * share;
        let half = other.mean.half_less(self.mean);
        let apart = scale_of(half);
        let scale = [self.squares, other.squares]
            .iter()
            .filter(|squares| squares.sum.high > 0.0)
            .map(|squares| squares.scale)
            .chain((half != 0.0).then_some(apart))
            .max()
            .unwrap_or(0);
        let distance = 2.0 * (half * power(-scale));
        let within = self.squares.at(scale).plus(other.squares.at(scale));
        self.squares = Squares {
            sum: within.plus(Twin::new(distance * distance * between, 0.0)),
            scale,
        };
        self.mean = self.mean.towards(half, share);
        self.count = count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }
}

impl Twin {
    /// A sum of two doubles of any size.
    fn new(one: f64, other: f64) -> Self {
        // D. E. Knuth, The Art of Computer Programming, volume 2, 4.2.2, theorem B.
        let high = one + other;
        let part = high - one;
        let low = (one - (high - part)) + (other - part);
        let low = if low.is_finite() { low } else { 0.0 };
        Self { high, low }
    }

    /// Half of what it is more than another one: halves cannot overflow.
    fn half_less(self, other: Self) -> f64 {
        let high = Self::new(self.high / 2.0, -other.high / 2.0);
        high.high + (high.low + (self.low / 2.0 - other.low / 2.0))
    }

    fn plus(self, other: Self) -> Self {
        let sum = Self::new(self.high, other.high);
        Self::new(sum.high, sum.low + (self.low + other.low))
    }

    /// Moved by a share of twice `half`: in two steps, each of which stays between the doubles that it is
    /// between.
    fn towards(self, half: f64, share: f64) -> Self {
        let step = Self::new(half * share, 0.0);
        self.plus(step).plus(step)
    }
}

impl Squares {
    /// The sum on another scale, which is not finer.
    fn at(self, scale: i32) -> Twin {
        if self.sum.high == 0.0 {
            return Twin::default();
        }
        let once = power(self.scale - scale);
        Twin {
            high: self.sum.high * once * once,
            low: self.sum.low * once * once,
        }
    }
}

/// The scale on which a number can be squared.
fn scale_of(number: f64) -> i32 {
    let size = number.abs();
    if size > GREAT {
        1
    } else if size < SMALL && size > 0.0 {
        -1
    } else {
        0
    }
}

/// 2 to the power `STEP * scale`.
fn power(scale: i32) -> f64 {
    match scale {
        0 => 1.0,
        scale => 2.0_f64.powi(STEP).powi(scale),
    }
}

/// A sum in eight lanes, which the compiler turns into vectors.
fn lanes(numbers: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    let (groups, rest) = numbers.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for group in groups {
        for (sum, number) in sums.iter_mut().zip(group) {
            *sum += term(*number);
        }
    }
    let rest: f64 = rest.iter().map(|number| term(*number)).sum();
    sums.iter().sum::<f64>() + rest
}
