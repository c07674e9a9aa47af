//! The stored form of a hold-out.

use super::holdout::{Holdout, STORED_SCORES};
use crate::encoding::{Kind, Reader, Writer, open, seal};
use crate::{Error, Result};

/// Classes up to this number are a byte each.
const BYTE_CLASSES: usize = 256;

impl Holdout {
    /// The stored form, in the envelope of all stored things: number of classes (`u32`), rows seen
    /// (`i64`), then two lists after their `u32` length: the truth (`f64` of a regression, the class as
    /// `u8` of up to 256, else as `u32`) and the scores (`f64`).
    ///
    /// # Errors
    /// [`Error::Shape`] for more than [`STORED_SCORES`], [`Error::OutOfMemory`].
    pub fn encode(&self) -> Result<Vec<u8>> {
        if self.scores.len() > STORED_SCORES {
            return Err(Error::Shape {
                what: "scores of a stored hold-out",
                expected: STORED_SCORES,
                got: self.scores.len(),
            });
        }
        let mut writer = Writer::default();
        writer.length(self.classes)?;
        writer.i64(i64::try_from(self.seen()).unwrap_or(i64::MAX))?;
        if self.classes == 0 {
            writer.f64s(&self.truth)?;
        } else {
            writer.length(self.truth.len())?;
            for class in &self.truth {
                if self.classes <= BYTE_CLASSES {
                    writer.u8(*class as u8)?;
                } else {
                    writer.u32(*class as u32)?;
                }
            }
        }
        writer.f64s(&self.scores)?;
        seal(Kind::Holdout, &writer.finish())
    }

    /// Reads a stored form, which may be damaged or forged: every class, probability and length is
    /// checked, and no more is allocated than a small multiple of `bytes`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] names the first thing that does not fit; [`Error::OutOfMemory`].
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let corrupt = |what| Error::Corrupt { what };
        let mut reader = Reader::new(open(bytes, Kind::Holdout)?);
        let classes = reader.u32()? as usize;
        let seen = u64::try_from(reader.i64()?).map_err(|_| corrupt("number of rows"))?;
        let truth = match classes {
            0 => reader.f64s()?,
            1 => return Err(corrupt("number of classes")),
            2..=BYTE_CLASSES => reader.list(1, |reader| reader.u8().map(f64::from))?,
            _ => reader.list(4, |reader| reader.u32().map(f64::from))?,
        };
        let mut holdout = Self::stored(classes);
        let scores = reader.f64s()?;
        reader.end()?;
        let width = holdout.width();
        if truth.len().checked_mul(width) != Some(scores.len()) {
            return Err(corrupt("number of scores"));
        }
        if scores.len() > STORED_SCORES || seen < truth.len() as u64 {
            return Err(corrupt("number of rows"));
        }
        for (truth, scores) in truth.iter().zip(scores.chunks_exact(width)) {
            let row = holdout.accept(*truth, scores);
            row.map_err(|_| corrupt("a row of the hold-out"))?;
        }
        (holdout.truth, holdout.scores) = (truth, scores);
        holdout.sample.resume(seen);
        Ok(holdout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample(classes: usize, rows: usize) -> Holdout {
        let mut holdout = Holdout::stored(classes);
        for row in 0..rows {
            let share = row as f64 / rows as f64;
            let scores = vec![share; holdout.width()];
            let truth = if classes == 0 {
                -share
            } else {
                (row % classes) as f64
            };
            holdout.push(truth, &scores).unwrap();
        }
        holdout
    }

    #[test]
    fn round_trips() {
        for (classes, rows) in [(0, 0), (0, 7), (2, 9), (3, 10), (256, 300), (257, 300)] {
            let holdout = sample(classes, rows);
            let decoded = Holdout::decode(&holdout.encode().unwrap()).unwrap();
            assert_eq!(decoded, holdout, "{classes} {rows}");
        }
        // Nine bytes a row of two classes.
        let bytes = sample(2, 1000).encode().unwrap().len();
        assert_eq!(bytes, 16 + 4 + 8 + 4 + 1000 + 4 + 8000 + 4);
    }

    /// A payload with its checksum in order, so that only the reader stands in the way.
    fn forged(classes: u32, seen: i64, truth: &[u8], scores: &[f64]) -> Result<Holdout> {
        let mut writer = Writer::default();
        writer.u32(classes)?;
        writer.i64(seen)?;
        writer.length(truth.len())?;
        truth.iter().try_for_each(|class| writer.u8(*class))?;
        writer.f64s(scores)?;
        Holdout::decode(&seal(Kind::Holdout, &writer.finish())?)
    }

    #[test]
    fn forged_contents_are_refused() {
        assert!(forged(2, 2, &[0, 1], &[0.1, 0.9]).is_ok());
        let cases: [(u32, i64, &[u8], &[f64]); 9] = [
            (1, 1, &[0], &[0.5]),
            (2, 2, &[0, 2], &[0.1, 0.9]),
            (2, 1, &[0, 1], &[0.1, 0.9]),
            (2, -1, &[0, 1], &[0.1, 0.9]),
            (2, 2, &[0, 1], &[0.1]),
            (2, 2, &[0, 1], &[0.1, 1.5]),
            (2, 2, &[0, 1], &[0.1, f64::NAN]),
            (3, 1, &[0], &[0.1]),
            (u32::MAX, 1, &[0], &[0.1]),
        ];
        for (classes, seen, truth, scores) in cases {
            let refused = forged(classes, seen, truth, scores);
            assert!(
                matches!(refused, Err(Error::Corrupt { .. })),
                "{classes} {truth:?} {scores:?}"
            );
        }
    }

    proptest! {
        /// Any payload behind a valid envelope is read or refused; nothing panics or runs away.
        #[test]
        fn any_bytes(payload in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Holdout::decode(&payload);
            let _ = Holdout::decode(&seal(Kind::Holdout, &payload).unwrap());
        }
    }
}
