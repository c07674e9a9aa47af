//! Numbers, strings and lists as bytes, little-endian; lists and strings after their `u32` length.

use crate::{Error, Result};

/// Writes a payload.
#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    fn extend(&mut self, bytes: &[u8]) -> Result<()> {
        self.0
            .try_reserve(bytes.len())
            .map_err(|_| Error::OutOfMemory {
                bytes: bytes.len() as u64,
            })?;
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    pub fn u8(&mut self, value: u8) -> Result<()> {
        self.extend(&[value])
    }

    pub fn u32(&mut self, value: u32) -> Result<()> {
        self.extend(&value.to_le_bytes())
    }

    pub fn i64(&mut self, value: i64) -> Result<()> {
        self.extend(&value.to_le_bytes())
    }

    pub fn f64(&mut self, value: f64) -> Result<()> {
        self.extend(&value.to_le_bytes())
    }

    pub fn length(&mut self, length: usize) -> Result<()> {
        let length = u32::try_from(length).map_err(|_| Error::Shape {
            what: "length of a list",
            expected: u32::MAX as usize,
            got: length,
        })?;
        self.extend(&length.to_le_bytes())
    }

    pub fn string(&mut self, text: &str) -> Result<()> {
        self.length(text.len())?;
        self.extend(text.as_bytes())
    }

    pub fn strings(&mut self, texts: &[String]) -> Result<()> {
        self.length(texts.len())?;
        texts.iter().try_for_each(|text| self.string(text))
    }

    pub fn f64s(&mut self, values: &[f64]) -> Result<()> {
        self.length(values.len())?;
        values.iter().try_for_each(|value| self.f64(*value))
    }

    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Reads a payload that may be forged: lengths are held against the bytes that are left.
#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// That nothing is left.
    pub fn end(&self) -> Result<()> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Error::Corrupt {
                what: "bytes left over",
            })
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let cut = Error::Corrupt {
            what: "payload ends early",
        };
        let (taken, rest) = self.0.split_at_checked(length).ok_or(cut)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub fn u8(&mut self) -> Result<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn i64(&mut self) -> Result<i64> {
        self.array().map(i64::from_le_bytes)
    }

    /// 0 or 1.
    pub fn flag(&mut self) -> Result<bool> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Error::Corrupt {
                what: "a flag is neither 0 nor 1",
            }),
        }
    }

    pub fn f64(&mut self) -> Result<f64> {
        self.array().map(f64::from_le_bytes)
    }

    /// The length of a list whose items take at least `least` bytes each.
    fn length(&mut self, least: usize) -> Result<usize> {
        let length = self.array().map(u32::from_le_bytes)? as usize;
        if length > self.0.len() / least {
            return Err(Error::Corrupt {
                what: "length of a list",
            });
        }
        Ok(length)
    }

    pub fn string(&mut self) -> Result<String> {
        let length = self.length(1)?;
        let bytes = self.take(length)?;
        if bytes.contains(&0) {
            // No text of PostgreSQL has one, and none that does could be said in a message.
            return Err(Error::Corrupt {
                what: "text with a NUL byte",
            });
        }
        let text = std::str::from_utf8(bytes);
        text.map(str::to_owned).map_err(|_| Error::Corrupt {
            what: "text is not UTF-8",
        })
    }

    pub fn strings(&mut self) -> Result<Vec<String>> {
        self.list(4, Self::string)
    }

    pub fn f64s(&mut self) -> Result<Vec<f64>> {
        self.list(8, Self::f64)
    }

    /// A list of items that take at least `least` bytes each, so that a forged length costs nothing.
    pub fn list<T>(
        &mut self,
        least: usize,
        mut item: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        let length = self.length(least)?;
        let mut list = Vec::new();
        let bytes = (length as u64).saturating_mul(size_of::<T>() as u64);
        list.try_reserve_exact(length)
            .map_err(|_| Error::OutOfMemory { bytes })?;
        for _ in 0..length {
            list.push(item(self)?);
        }
        Ok(list)
    }
}
