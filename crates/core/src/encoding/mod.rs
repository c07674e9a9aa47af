//! How plain data is stored: an envelope with a version and a checksum around little-endian fields.
//!
//! Writers go through [`Writer`] and [`seal`], readers through [`open`] and [`Reader`], which trust
//! nothing they read: whatever was allocated is at most a small multiple of the bytes.

mod bytes;
mod checksum;
mod envelope;

pub(crate) use bytes::{Reader, Writer};
pub(crate) use envelope::{Kind, open, seal};
