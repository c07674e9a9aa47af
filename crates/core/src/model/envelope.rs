//! The outer layout of every stored model.
//!
//! | offset | content (little-endian) |
//! |---|---|
//! | 0 | magic `PGLM` |
//! | 4 | version of the layout `u16`, 1 |
//! | 6 | kind of model `u16` |
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
#[non_exhaustive]
pub enum Kind {
    /// [`LinearModel`](super::LinearModel).
    Linear = 1,
    /// [`LogisticModel`](super::LogisticModel).
    Logistic = 2,
}

/// Wraps a payload.
///
/// # Errors
/// [`Error::OutOfMemory`].
pub fn seal(kind: Kind, payload: &[u8]) -> Result<Vec<u8>> {
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

/// Unwraps a payload.
///
/// # Errors
/// [`Error::Corrupt`] where magic, version, kind, length or checksum do not fit.
pub fn open(bytes: &[u8]) -> Result<(Kind, &[u8])> {
    let corrupt = |what| Error::Corrupt { what };
    let (head, rest) = bytes
        .split_first_chunk::<HEAD>()
        .ok_or(corrupt("not a model"))?;
    let (payload, tail) = rest
        .split_last_chunk::<TAIL>()
        .ok_or(corrupt("not a model"))?;
    if head[..4] != MAGIC {
        return Err(corrupt("not a model"));
    }
    let [.., a, b, c, d, e, f, g, h] = *head;
    if u64::from_le_bytes([a, b, c, d, e, f, g, h]) != payload.len() as u64 {
        return Err(corrupt("length of the model"));
    }
    if crc32c(&bytes[..bytes.len() - TAIL]) != u32::from_le_bytes(*tail) {
        return Err(corrupt("checksum of the model"));
    }
    if u16::from_le_bytes([head[4], head[5]]) != VERSION {
        return Err(corrupt("version of the model's layout"));
    }
    let kind = match u16::from_le_bytes([head[6], head[7]]) {
        1 => Kind::Linear,
        2 => Kind::Logistic,
        _ => return Err(corrupt("kind of model")),
    };
    Ok((kind, payload))
}
