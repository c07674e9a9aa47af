//! The exact median, by histograms of the leading bits.
//!
//! Doubles become whole numbers of the same order; each pass counts the next 16 bits of those that
//! share the bits found so far, until few are left, which are selected among. Two passes as a rule,
//! five at the most; every pass is interruptible and no copy of the column is made.

use super::scan::Training;
use crate::Result;

const BITS: u32 = 16;
/// So few values are collected and selected among.
const FEW: usize = 1 << BITS;

/// A whole number that orders like the double (no NaN).
fn key(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 1 {
        !bits
    } else {
        bits | 1 << 63
    }
}

fn value(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 {
        key & !(1 << 63)
    } else {
        !key
    })
}

/// The values that share their leading bits with the one that is looked for.
#[derive(Debug, Clone, Copy)]
struct Range {
    /// Known leading bits; 0 to 64.
    known: u32,
    /// Those bits, at the right.
    prefix: u64,
    /// Values before all of these.
    before: usize,
    /// These.
    count: usize,
}

impl Range {
    fn holds(self, key: u64) -> bool {
        self.known == 0 || key >> (64 - self.known) == self.prefix
    }

    /// The part with the value of a rank, from counts of the next bits.
    fn narrowed(self, counts: &[u32], rank: usize) -> Self {
        let mut before = self.before;
        for (bits, count) in counts.iter().enumerate() {
            let count = *count as usize;
            if rank < before + count {
                return Self {
                    known: self.known + BITS,
                    prefix: self.prefix << BITS | bits as u64,
                    before,
                    count,
                };
            }
            before += count;
        }
        self
    }
}

/// The median of the cells of a slot that are not missing, `count` of them: of an even number the mean
/// of the middle two.
///
/// # Errors
/// [`Error::Stopped`](crate::Error::Stopped), [`Error::OutOfMemory`](crate::Error::OutOfMemory).
pub(super) fn median(training: &mut Training<'_>, slot: usize, count: usize) -> Result<f64> {
    let (low, high) = (count.saturating_sub(1) / 2, count / 2);
    let lower = ranked(training, slot, count, low)?;
    let upper = match lower.next {
        _ if low == high => return Ok(lower.value),
        Some(next) => next,
        None => ranked(training, slot, count, high)?.value,
    };
    let sum = lower.value + upper;
    Ok(if sum.is_finite() {
        sum / 2.0
    } else {
        lower.value / 2.0 + upper / 2.0
    })
}

/// A value by its rank, and the one after it where that is known too.
struct Ranked {
    value: f64,
    next: Option<f64>,
}

fn ranked(training: &mut Training<'_>, slot: usize, count: usize, rank: usize) -> Result<Ranked> {
    let mut range = Range {
        known: 0,
        prefix: 0,
        before: 0,
        count,
    };
    let mut counts = Vec::new();
    while range.count > FEW && range.known < u64::BITS {
        counts.clear();
        counts.resize(1 << BITS, 0_u32);
        let shift = u64::BITS - range.known - BITS;
        training.scan(slot, |part| {
            for cell in part.cells {
                let key = key(*cell);
                if range.holds(key) {
                    counts[(key >> shift) as usize & (FEW - 1)] += 1;
                }
            }
            Ok(true)
        })?;
        range = range.narrowed(&counts, rank);
    }
    let within = rank - range.before;
    if range.known == u64::BITS {
        let value = value(range.prefix);
        let next = (within + 1 < range.count).then_some(value);
        return Ok(Ranked { value, next });
    }
    let mut left = Training::buffer(range.count)?;
    training.scan(slot, |part| {
        left.extend(part.cells.iter().filter(|cell| range.holds(key(**cell))));
        Ok(true)
    })?;
    let (_, value, after) = left.select_nth_unstable_by(within, f64::total_cmp);
    let next = after.iter().copied().min_by(f64::total_cmp);
    Ok(Ranked {
        value: *value,
        next,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_order_like_their_doubles() {
        let values = [
            f64::MIN,
            -1.5,
            -f64::from_bits(1),
            0.0,
            f64::from_bits(1),
            1.0,
            1.5,
            f64::MAX,
        ];
        for pair in values.windows(2) {
            assert!(key(pair[0]) < key(pair[1]), "{pair:?}");
        }
        for number in values {
            assert_eq!(value(key(number)), number);
        }
    }
}
