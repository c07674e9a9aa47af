//! Samples of a stream of rows.

use crate::linalg::SplitMix;

/// Says which rows of a stream are kept, so that each has the same chance (algorithm R, Vitter 1985): the
/// same rows for streams of the same length.
#[derive(Debug, Clone, PartialEq)]
pub struct Reservoir {
    most: usize,
    seen: u64,
}

impl Reservoir {
    /// Keeps `most` rows.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, seen: 0 }
    }

    /// Where the next row goes: behind those kept so far or in place of one of them; `None` is nowhere.
    pub fn place(&mut self) -> Option<usize> {
        let seen = self.seen;
        self.seen += 1;
        if seen < self.most as u64 {
            return usize::try_from(seen).ok();
        }
        let random = SplitMix(seen).next();
        let place = (u128::from(random) * u128::from(self.seen)) >> 64;
        usize::try_from(place)
            .ok()
            .filter(|place| *place < self.most)
    }

    /// Rows of the stream so far.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Rows that are kept at the most.
    #[must_use]
    pub fn most(&self) -> usize {
        self.most
    }

    /// Goes on after so many rows.
    pub(super) fn resume(&mut self, seen: u64) {
        self.seen = seen;
    }
}
