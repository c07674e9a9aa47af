//! The element of a rank without sorting and without a copy.

use crate::Result;
use crate::monitor::{Monitor, Progress, check};

/// Keys looked at between two polls.
const BLOCK: usize = 1 << 18;

/// The key that sorting would put at `rank` among `key(0) … key(count - 1)`; `rank` is below `count`.
///
/// The key is found byte by byte, the highest first: 8 passes, no memory.
///
/// # Errors
/// [`Error::Stopped`](crate::Error::Stopped).
pub(crate) fn nth(
    count: usize,
    key: &impl Fn(usize) -> u64,
    mut rank: usize,
    monitor: &mut dyn Monitor,
) -> Result<u64> {
    let mut found = 0_u64;
    for byte in (0..8).rev() {
        let shift = 8 * byte;
        // The bytes found so far; none of them in the first pass.
        let above = u64::MAX.checked_shl(shift + 8).unwrap_or(0);
        let mut counts = [0_usize; 256];
        for start in (0..count).step_by(BLOCK) {
            let state = Progress {
                phase: "ranking",
                done: start as u64,
                total: count as u64,
                loss: f64::NAN,
            };
            check(monitor, state)?;
            for key in (start..count.min(start + BLOCK)).map(key) {
                if key & above == found {
                    counts[(key >> shift) as usize & 255] += 1;
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
    Ok(found)
}

/// A number as a key of the same order; -0 is 0, NaN comes last.
pub(crate) fn by_order(value: f64) -> u64 {
    let canonical = if value.is_nan() {
        f64::NAN
    } else {
        value + 0.0
    };
    let bits = canonical.to_bits();
    if bits >> 63 == 1 {
        !bits
    } else {
        bits | 1 << 63
    }
}
