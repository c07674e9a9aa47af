//! Splits by time: learn from the past, judge on what came after.

use crate::monitor::Monitor;
use crate::selection::{by_order, nth};
use crate::value::Value;
use crate::{Error, Result};

/// The bit that turns the order of unsigned numbers into that of signed ones.
const SIGN: u64 = 1 << 63;

/// The time from which on rows are held out: the latest `ceil(test_size * rows)` rows and all that are
/// as late as the first of them.
///
/// Where that would leave nothing to learn from, the earliest time alone is learned from. The cut-off
/// is an element of `times`, found in 8 passes without a copy.
///
/// # Errors
/// [`Error::NoRows`] for no times; [`Error::Option`] where all are the same; [`Error::Stopped`].
pub fn time_cutoff(times: &[i64], test_size: f64, monitor: &mut dyn Monitor) -> Result<i64> {
    let latest = (test_size * times.len() as f64).ceil() as usize;
    let rank = times
        .len()
        .checked_sub(latest.clamp(1, times.len().max(1)))
        .ok_or(Error::NoRows)?;
    let key = |row: usize| times[row].cast_unsigned() ^ SIGN;
    let cutoff = (nth(times.len(), &key, rank, monitor)? ^ SIGN).cast_signed();
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

/// What a `time` split sorts a row by: microseconds since 2000, of dates too, or the order of a number
/// of whatever type, so that a cut-off holds when the type of its column changes. `None` for what is
/// missing, and for texts.
#[must_use]
#[inline]
pub fn order_of_time(value: Value<'_>) -> Option<i64> {
    match value {
        Value::Time(time) => Some(time),
        Value::Number(number) if !number.is_nan() => Some(order_of_number(number)),
        _ => None,
    }
}

/// A number as a time that sorts alike, for a `time` split by a column of numbers; -0 is 0. NaN sorts
/// last.
#[must_use]
pub fn order_of_number(value: f64) -> i64 {
    (by_order(value) ^ SIGN).cast_signed()
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

    #[test]
    fn times_and_numbers_have_an_order() {
        assert_eq!(order_of_time(Value::Time(-5)), Some(-5));
        let (two, three) = (Value::Number(2.0), Value::Number(3.0));
        assert!(order_of_time(two) < order_of_time(three));
        for missing in [Value::Missing, Value::Number(f64::NAN), Value::Text("1")] {
            assert_eq!(order_of_time(missing), None);
        }
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
