//! Splits by time: learn from the past, judge on what came after.

use crate::monitor::{Monitor, Progress, check};
use crate::{Error, Result};

/// Times looked at between two polls.
const BLOCK: usize = 1 << 20;

/// The time from which on rows are held out: the latest `ceil(test_size * rows)` rows and all that are
/// as late as the first of them.
///
/// Where that would leave nothing to learn from, the earliest time alone is learned from. The cut-off
/// is an element of `times`: it is found by its bytes, the highest first, in at most 8 passes and
/// without a copy.
///
/// # Errors
/// [`Error::NoRows`] for no times; [`Error::Option`] where all are the same; [`Error::Stopped`].
pub fn time_cutoff(times: &[i64], test_size: f64, monitor: &mut dyn Monitor) -> Result<i64> {
    let latest = (test_size * times.len() as f64).ceil() as usize;
    let rank = times
        .len()
        .checked_sub(latest.clamp(1, times.len().max(1)))
        .ok_or(Error::NoRows)?;
    let cutoff = element(times, rank, monitor)?;
    if times.iter().any(|time| *time < cutoff) {
        return Ok(cutoff);
    }
    let next = times.iter().copied().filter(|time| *time > cutoff).min();
    next.ok_or_else(|| Error::Option {
        path: "split.column".into(),
        problem: "has the same value in every row".into(),
        hint: "Choose a column that varies, or another method: {\"method\": \"random\"}.".into(),
    })
}

/// The element that sorting would put at `rank`.
fn element(times: &[i64], mut rank: usize, monitor: &mut dyn Monitor) -> Result<i64> {
    let mut found = 0_u64;
    for byte in (0..8).rev() {
        let shift = 8 * byte;
        // The bytes found so far; none of them in the first pass.
        let above = u64::MAX.checked_shl(shift + 8).unwrap_or(0);
        let mut counts = [0_usize; 256];
        for (done, block) in times.chunks(BLOCK).enumerate() {
            let state = Progress {
                phase: "splitting by time",
                done: (done * BLOCK) as u64,
                total: times.len() as u64,
                loss: f64::NAN,
            };
            check(monitor, state)?;
            for time in block.iter().map(|time| ascending(*time)) {
                if time & above == found & above {
                    counts[(time >> shift) as usize & 255] += 1;
                }
            }
        }
        let mut digit = 0;
        while digit < 255 && rank >= counts[digit] {
            rank -= counts[digit];
            digit += 1;
        }
        found |= (digit as u64) << shift;
    }
    Ok((found ^ (1 << 63)).cast_signed())
}

/// The order of signed numbers among unsigned ones.
fn ascending(time: i64) -> u64 {
    time.cast_unsigned() ^ (1 << 63)
}

/// A number as a time that sorts alike, for a `time` split by a column of numbers; -0 is 0. NaN sorts
/// last.
#[must_use]
pub fn order_of_number(value: f64) -> i64 {
    let canonical = if value.is_nan() {
        f64::NAN
    } else {
        value + 0.0
    };
    let bits = canonical.to_bits().cast_signed();
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::Unattended;
    use proptest::prelude::*;

    fn cutoff(times: &[i64], test_size: f64) -> Result<i64> {
        time_cutoff(times, test_size, &mut Unattended)
    }

    #[test]
    fn cutoffs_by_hand() {
        let days: Vec<i64> = (1..=10).rev().collect();
        assert_eq!(cutoff(&days, 0.2), Ok(9));
        assert_eq!(cutoff(&days, 0.21), Ok(8));
        assert_eq!(cutoff(&days, 0.000_1), Ok(10));
        assert_eq!(cutoff(&days, 0.999), Ok(2));
        // Ties with the cut-off come along.
        assert_eq!(cutoff(&[1, 2, 3, 3, 3, 3], 0.2), Ok(3));
        // All but one time is held out rather than everything.
        assert_eq!(cutoff(&[1, 1, 1, 1, 2], 0.5), Ok(2));
        assert_eq!(cutoff(&[i64::MIN, -1, 0, i64::MAX], 0.5), Ok(0));
    }

    #[test]
    fn what_cannot_be_split_is_refused() {
        assert_eq!(cutoff(&[], 0.2), Err(Error::NoRows));
        assert!(matches!(cutoff(&[4, 4, 4], 0.2), Err(Error::Option { .. })));
        assert!(matches!(cutoff(&[4], 0.2), Err(Error::Option { .. })));
    }

    #[test]
    fn numbers_keep_their_order() {
        let ascending = [
            f64::NEG_INFINITY,
            -2.0,
            -5e-324,
            0.0,
            1.0,
            1e300,
            f64::INFINITY,
            f64::NAN,
        ];
        assert!(ascending.map(order_of_number).is_sorted_by(|a, b| a < b));
        assert_eq!(order_of_number(-0.0), order_of_number(0.0));
        assert_eq!(order_of_number(-f64::NAN), order_of_number(f64::NAN));
    }

    proptest! {
        /// Selection by bytes is selection by sorting.
        #[test]
        fn as_by_sorting(
            times in prop::collection::vec(prop_oneof![any::<i64>(), -3_i64..3], 1..200),
            share in 0.001..0.999_f64,
        ) {
            let mut sorted = times.clone();
            sorted.sort_unstable();
            let held = ((share * times.len() as f64).ceil() as usize).clamp(1, times.len());
            let wanted = sorted[times.len() - held];
            let expected = if wanted > sorted[0] {
                Some(wanted)
            } else {
                sorted.iter().copied().find(|time| *time > sorted[0])
            };
            prop_assert_eq!(cutoff(&times, share).ok(), expected);
        }
    }
}
