//! The exact median, in few interruptible passes and without a copy of the column.
//!
//! A sample brackets it as a rule (Floyd and Rivest 1975): one pass counts what lies before the bracket
//! and collects what lies within. Else by histograms: doubles become whole numbers of the same order;
//! each pass counts the next 16 bits of those that share the bits found so far, until few are left,
//! which are selected among. That takes two passes as a rule, five at the most.

use super::scan::Training;
use crate::Result;
use crate::tiles::TILE_ROWS;

const BITS: u32 = 16;
/// So few values are collected and selected among: after a histogram, within a bracket.
const FEW: usize = 1 << BITS;
pub(super) const FEW_BRACKETED: usize = 1 << 18;
/// Standard deviations of a sample median, in ranks, on each side of the bracket.
const WIDTH: f64 = 5.0;

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
    let lower = match bracketed(training, slot, count, low)? {
        Some(found) => found,
        None => ranked(training, slot, count, low)?,
    };
    let upper = match lower.next {
        _ if low == high => return Ok(lower.value),
        Some(next) => next,
        None => ranked(training, slot, count, high)?.value,
    };
    Ok(between(lower.value, upper))
}

/// The median of `count` values, of which those in a bracket are `within` and `before` lie before it;
/// `None` where the bracket does not hold the middle.
pub(super) fn median_within(count: usize, before: usize, within: Vec<f64>) -> Option<f64> {
    let (low, high) = (count.saturating_sub(1) / 2, count / 2);
    let lower = select(within, low.checked_sub(before)?)?;
    if low == high {
        return Some(lower.value);
    }
    Some(between(lower.value, lower.next?))
}

/// The mean of two values.
fn between(low: f64, high: f64) -> f64 {
    let sum = low + high;
    if sum.is_finite() {
        sum / 2.0
    } else {
        low / 2.0 + high / 2.0
    }
}

/// A value by its rank, and the one after it where that is known too.
struct Ranked {
    value: f64,
    next: Option<f64>,
}

/// The value of a rank near the middle, if it lies where a sample says; `None` otherwise, and where
/// there are so few values that there is nothing to gain, or too many to select among.
fn bracketed(
    training: &mut Training<'_>,
    slot: usize,
    count: usize,
    rank: usize,
) -> Result<Option<Ranked>> {
    let mut sample = training.sample_of(slot);
    let Some((low, high)) = bracket(&mut sample, count) else {
        return Ok(None);
    };
    let mut before = 0;
    let mut within = Training::buffer(FEW_BRACKETED)?;
    training.scan(slot, |part| {
        // Without a branch on the value, which nothing could predict.
        let (mut hits, mut count) = ([0.0; TILE_ROWS], 0);
        for cell in part.cells {
            before += usize::from(*cell < low);
            hits[count % TILE_ROWS] = *cell;
            count += usize::from((*cell >= low) & (*cell <= high));
        }
        within.extend_from_slice(&hits[..count]);
        // Values that are often repeated may all be within: no more than the buffer holds.
        Ok(within.len() + TILE_ROWS <= FEW_BRACKETED)
    })?;
    if within.len() + TILE_ROWS > FEW_BRACKETED || rank < before {
        return Ok(None);
    }
    Ok(select(within, rank - before))
}

/// The bracket that a sample gives the middle of `count` values; `None` where there are so few that
/// there is nothing to gain, or too many within to select among. The sample is sorted.
pub(super) fn bracket(sample: &mut [f64], count: usize) -> Option<(f64, f64)> {
    let spread = (WIDTH * (sample.len() as f64).sqrt() / 2.0).ceil() as usize;
    let middle = sample.len() / 2;
    let share = 2.5 * spread as f64 / sample.len() as f64;
    if count <= FEW || middle <= spread || share * count as f64 > FEW_BRACKETED as f64 {
        return None;
    }
    sample.sort_unstable_by(f64::total_cmp);
    Some((sample[middle - spread], sample[middle + spread]))
}

/// The value of a rank among some, and the next.
fn select(mut values: Vec<f64>, rank: usize) -> Option<Ranked> {
    if rank >= values.len() {
        return None;
    }
    let (_, value, after) = values.select_nth_unstable_by(rank, f64::total_cmp);
    let next = after.iter().copied().min_by(f64::total_cmp);
    Some(Ranked {
        value: *value,
        next,
    })
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
    // The rank is one of those that were counted.
    Ok(select(left, within).unwrap_or(Ranked {
        value: f64::NAN,
        next: None,
    }))
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
