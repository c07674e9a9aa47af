//! The outer layout of whatever is stored.
//!
//! | offset | content (little-endian) |
//! |---|---|
//! | 0 | magic `PGLM` |
//! | 4 | version of the layout `u16`, 1 |
//! | 6 | what the payload is `u16`: [`Kind`] |
//! | 8 | length of the payload `u64` |
//! | 16 | payload |
//! | end | CRC-32C of everything before `u32` |
//!
//! The checksum finds accidents, not forgery: the payload's reader checks every length and number.

use super::checksum::crc32c;
use crate::{Error, Result};

const MAGIC: [u8; 4] = *b"PGLM";
const VERSION: u16 = 1;
const HEAD: usize = 16;
const TAIL: usize = 4;

/// What a payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Kind {
    /// [`Pipeline`](crate::pipeline::Pipeline).
    Pipeline = 1,
    /// Scores and labels of the rows held out of a training.
    Holdout = 2,
}

/// Wraps a payload.
///
/// # Errors
/// [`Error::OutOfMemory`].
pub(crate) fn seal(kind: Kind, payload: &[u8]) -> Result<Vec<u8>> {
    let length = HEAD + payload.len() + TAIL;
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(length)
        .map_err(|_| Error::OutOfMemory {
            bytes: length as u64,
        })?;
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(kind as u16).to_le_bytes());
    bytes.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    bytes.extend_from_slice(payload);
    bytes.extend_from_slice(&crc32c(&bytes).to_le_bytes());
    Ok(bytes)
}

/// Unwraps a payload of a kind.
///
/// # Errors
/// [`Error::Corrupt`] where magic, version, kind, length or checksum do not fit.
pub(crate) fn open(bytes: &[u8], kind: Kind) -> Result<&[u8]> {
    let corrupt = |what| Error::Corrupt { what };
    let (head, rest) = bytes
        .split_first_chunk::<HEAD>()
        .ok_or(corrupt("not an encoding of pglearn"))?;
    let (payload, tail) = rest
        .split_last_chunk::<TAIL>()
        .ok_or(corrupt("not an encoding of pglearn"))?;
    if head[..4] != MAGIC {
        return Err(corrupt("not an encoding of pglearn"));
    }
    let [.., a, b, c, d, e, f, g, h] = *head;
    if u64::from_le_bytes([a, b, c, d, e, f, g, h]) != payload.len() as u64 {
        return Err(corrupt("length of the contents"));
    }
    if crc32c(&bytes[..bytes.len() - TAIL]) != u32::from_le_bytes(*tail) {
        return Err(corrupt("checksum"));
    }
    if u16::from_le_bytes([head[4], head[5]]) != VERSION {
        return Err(corrupt("version of the layout"));
    }
    if u16::from_le_bytes([head[6], head[7]]) != kind as u16 {
        return Err(corrupt("kind of the contents"));
    }
    Ok(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_fixed() {
        let sealed = seal(Kind::Pipeline, b"ab").unwrap();
        assert_eq!(sealed[..18], *b"PGLM\x01\0\x01\0\x02\0\0\0\0\0\0\0ab");
        assert_eq!(open(&sealed, Kind::Pipeline), Ok(b"ab".as_slice()));
        let holdout = open(&sealed, Kind::Holdout);
        assert!(matches!(holdout, Err(Error::Corrupt { what }) if what == "kind of the contents"));
    }

    #[test]
    fn every_change_of_a_byte_and_every_cut_is_noticed() {
        let sealed = seal(Kind::Holdout, b"some payload").unwrap();
        for at in 0..sealed.len() {
            assert!(open(&sealed[..at], Kind::Holdout).is_err());
            for change in 1..=255 {
                let mut damaged = sealed.clone();
                damaged[at] ^= change;
                assert!(open(&damaged, Kind::Holdout).is_err(), "{at} {change}");
            }
        }
    }
}
