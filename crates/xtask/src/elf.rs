//! Reads one section of a 64-bit little-endian ELF file: the extension's SQL travels in one.
//!
//! Layout: System V ABI, chapter 4 (`Elf64_Ehdr`, `Elf64_Shdr`).

use crate::error::{Error, Result, fail};

/// The bytes of the section called `name`.
pub fn section<'a>(file: &'a [u8], name: &str) -> Result<&'a [u8]> {
    if file.get(..6) != Some(b"\x7fELF\x02\x01") {
        fail!("not a 64-bit little-endian ELF file");
    }
    let table = number::<8>(file, 0x28)?;
    let size = number::<2>(file, 0x3a)?;
    let count = number::<2>(file, 0x3c)?;
    let names = contents(file, header(table, size, number::<2>(file, 0x3e)?))?;
    for index in 0..count {
        let header = header(table, size, index);
        let label = names
            .get(number::<4>(file, header)?..)
            .and_then(|rest| rest.split(|byte| *byte == 0).next());
        if label == Some(name.as_bytes()) {
            return contents(file, header);
        }
    }
    fail!("there is no section {name}");
}

/// Where the header of section `index` begins.
fn header(table: usize, size: usize, index: usize) -> usize {
    table.saturating_add(size.saturating_mul(index))
}

/// The bytes that a section header points at.
fn contents(file: &[u8], header: usize) -> Result<&[u8]> {
    let offset = number::<8>(file, header.saturating_add(0x18))?;
    let size = number::<8>(file, header.saturating_add(0x20))?;
    file.get(offset..offset.saturating_add(size))
        .ok_or_else(truncated)
}

/// A little-endian number of N bytes.
fn number<const N: usize>(file: &[u8], at: usize) -> Result<usize> {
    let bytes = file.get(at..at.saturating_add(N)).ok_or_else(truncated)?;
    let value = bytes
        .iter()
        .rev()
        .fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    usize::try_from(value).map_err(|_| truncated())
}

fn truncated() -> Error {
    Error::new("the ELF file is cut short")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with sections "", ".names" and ".data".
    fn sample() -> Vec<u8> {
        let mut file = vec![0_u8; 64];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        let names = b"\0.names\0.data\0";
        let (names_at, data_at) = (64, 64 + names.len());
        file.extend_from_slice(names);
        file.extend_from_slice(b"hello");
        let table = file.len();
        for (name, offset, size) in [(0_u32, 0, 0), (1, names_at, names.len()), (8, data_at, 5)] {
            let mut header = [0_u8; 64];
            header[..4].copy_from_slice(&name.to_le_bytes());
            header[0x18..0x20].copy_from_slice(&(offset as u64).to_le_bytes());
            header[0x20..0x28].copy_from_slice(&(size as u64).to_le_bytes());
            file.extend_from_slice(&header);
        }
        file[0x28..0x30].copy_from_slice(&(table as u64).to_le_bytes());
        file[0x3a..0x3c].copy_from_slice(&64_u16.to_le_bytes());
        file[0x3c..0x3e].copy_from_slice(&3_u16.to_le_bytes());
        file[0x3e..0x40].copy_from_slice(&1_u16.to_le_bytes());
        file
    }

    #[test]
    fn finds_a_section_by_its_whole_name() {
        let file = sample();
        assert_eq!(section(&file, ".data").unwrap(), b"hello");
        assert_eq!(
            section(&file, ".dat").unwrap_err().to_string(),
            "there is no section .dat"
        );
    }

    #[test]
    fn damaged_files_are_errors() {
        let file = sample();
        // The last header's final 24 bytes are of no interest here.
        for end in 0..file.len() - 24 {
            assert!(section(&file[..end], ".data").is_err(), "cut at {end}");
        }
        let mut wild = file.clone();
        wild[0x28..0x30].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(section(&wild, ".data").is_err());
        assert!(section(b"#!/bin/sh", ".data").is_err());
    }

    #[test]
    fn reads_this_very_program() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(!section(&own, ".text").unwrap().is_empty());
    }
}
