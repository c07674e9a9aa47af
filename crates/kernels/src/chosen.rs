//! What a first look at a column needs, of the rows that a bitmap chooses.

use crate::path::{self, Kernel};
use crate::vector::Vector;

/// Rows of a word of a bitmap.
const WORD: usize = u64::BITS as usize;

/// A look at some cells of a column: NaN is missing, and counts as not chosen.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// What deviations are taken from; finite.
    pub center: f64,
    /// Cells below this are counted.
    pub low: f64,
    /// Cells from `low` to this are collected.
    pub high: f64,
}

/// What was seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// Chosen cells.
    pub count: usize,
    /// The smallest; infinite where there is none.
    pub min: f64,
    /// The largest; negative infinity where there is none.
    pub max: f64,
    /// Sum of the deviations.
    pub sum: f64,
    /// Sum of their squares.
    pub squares: f64,
    /// Cells below `low`.
    pub below: usize,
    /// Cells collected.
    pub within: usize,
}

/// Looks at the `cells` that `bitmap` chooses (bit `row % 64` of word `row / 64`), and collects those
/// within the look's bracket at the start of `out`, in order.
///
/// # Panics
/// If the bitmap has fewer bits than there are cells, or `out` fewer cells.
///
/// # Examples
/// ```
/// use pglearn_kernels::{Look, look};
///
/// let mut out = [0.0; 4];
/// let cells = [1.0, 2.0, f64::NAN, 4.0];
/// let seen = look(&cells, &[0b1101], Look { center: 2.0, low: 2.0, high: 9.0 }, &mut out);
/// assert_eq!((seen.count, seen.below, seen.within), (2, 1, 1));
/// assert_eq!((seen.min, seen.max, seen.sum, seen.squares), (1.0, 4.0, 1.0, 5.0));
/// assert_eq!(out[0], 4.0);
/// ```
pub fn look(cells: &[f64], bitmap: &[u64], look: Look, out: &mut [f64]) -> Seen {
    assert!(bitmap.len() * WORD >= cells.len() && out.len() >= cells.len());
    path::run(Looking {
        cells,
        bitmap,
        look,
        out,
    })
}

pub(crate) struct Looking<'a> {
    pub cells: &'a [f64],
    pub bitmap: &'a [u64],
    pub look: Look,
    pub out: &'a mut [f64],
}

impl Kernel for Looking<'_> {
    type Output = Seen;

    #[inline(always)]
    fn run<V: Vector>(self) -> Seen {
        let Self {
            cells,
            bitmap,
            look,
            out,
        } = self;
        let (zero, one) = (V::splat(0.0), V::splat(1.0));
        let (center, low, high) = (
            V::splat(look.center),
            V::splat(look.low),
            V::splat(look.high),
        );
        let (mut count, mut below, mut within) = (zero, zero, 0);
        let (mut min, mut max) = (V::splat(f64::INFINITY), V::splat(f64::NEG_INFINITY));
        let (mut sum, mut squares) = (zero, zero);
        for at in (0..cells.len()).step_by(V::LANES) {
            let lanes = V::LANES.min(cells.len() - at);
            let bits = (bitmap[at / WORD] >> (at % WORD)) as u32 & ((1 << lanes) - 1);
            let cell = V::read(cells, at);
            // A NaN is not even equal to itself.
            let bits = bits & cell.at_most(cell);
            count = count + V::choose(bits, one, zero);
            min = V::choose(bits, min.min(cell), min);
            max = V::choose(bits, max.max(cell), max);
            let deviation = V::choose(bits, cell - center, zero);
            sum = sum + deviation;
            squares = deviation.mul_add(deviation, squares);
            let reached = low.at_most(cell);
            below = below + V::choose(bits & !reached, one, zero);
            let mut inside = bits & reached & cell.at_most(high);
            while inside != 0 {
                let lane = inside.trailing_zeros() as usize;
                inside &= inside - 1;
                out[within] = cells[at + lane];
                within += 1;
            }
        }
        Seen {
            count: count.sum() as usize,
            min: min.least(),
            max: -(zero - max).least(),
            sum: sum.sum(),
            squares: squares.sum(),
            below: below.sum() as usize,
            within,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::Path;

    #[test]
    fn every_path_sees_what_a_loop_sees() {
        for length in [0_usize, 1, 7, 8, 63, 64, 65, 255, 256] {
            let cells: Vec<f64> = (0..length)
                .map(|i| match i % 11 {
                    3 => f64::NAN,
                    _ => ((i * 37) as f64 * 0.618_034).fract() * 8.0 - 4.0,
                })
                .collect();
            let bitmap: Vec<u64> = (0..length.div_ceil(64) as u64)
                .map(|word| 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(word + 1))
                .collect();
            let look = Look {
                center: 0.5,
                low: -1.0,
                high: 1.25,
            };
            let chosen: Vec<f64> = (0..length)
                .filter(|i| bitmap[i / 64] >> (i % 64) & 1 == 1 && !cells[*i].is_nan())
                .map(|i| cells[i])
                .collect();
            let inside = |x: &f64| (look.low..=look.high).contains(x);
            let want: Vec<f64> = chosen.iter().copied().filter(inside).collect();
            for path in Path::ALL.iter().copied().filter(|path| path.is_available()) {
                let mut out = vec![0.0; length];
                let seen = path.run(Looking {
                    cells: &cells,
                    bitmap: &bitmap,
                    look,
                    out: &mut out,
                });
                assert_eq!(seen.count, chosen.len(), "{path:?}");
                assert_eq!(seen.below, chosen.iter().filter(|x| **x < look.low).count());
                assert_eq!(out[..seen.within], want);
                assert_eq!(
                    seen.min,
                    chosen.iter().copied().fold(f64::INFINITY, f64::min)
                );
                assert_eq!(
                    seen.max,
                    chosen.iter().copied().fold(f64::NEG_INFINITY, f64::max)
                );
                let off = |x: &f64| x - look.center;
                let sum: f64 = chosen.iter().map(off).sum();
                let squares: f64 = chosen.iter().map(|x| off(x).powi(2)).sum();
                assert!((seen.sum - sum).abs() < 1e-11 && (seen.squares - squares).abs() < 1e-10);
            }
        }
    }

    #[test]
    fn infinities_are_seen() {
        let cells = [1.0, f64::INFINITY, f64::NEG_INFINITY];
        let bracket = Look {
            center: 0.0,
            low: 0.0,
            high: 2.0,
        };
        let seen = look(&cells, &[0b011], bracket, &mut [0.0; 3]);
        assert_eq!((seen.min, seen.max), (1.0, f64::INFINITY));
        let seen = look(&cells, &[0b101], bracket, &mut [0.0; 3]);
        assert_eq!((seen.min, seen.max), (f64::NEG_INFINITY, 1.0));
    }
}
