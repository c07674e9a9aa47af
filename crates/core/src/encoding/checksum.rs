//! CRC-32C (Castagnoli 1993; RFC 3720, appendix B.4).

/// For eight bytes at a time (M. Kounavis and F. Berry, "A systematic approach to building high
/// performance software-based CRC generators", 2005): table `k` continues table 0 by `k` zero bytes.
const TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [table(); 8];
    let mut k = 1;
    while k < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[k - 1][byte];
            tables[k][byte] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        k += 1;
    }
    tables
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut rest = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            rest = (rest >> 1) ^ (0x82f6_3b78 * (rest & 1));
            bit += 1;
        }
        table[byte] = rest;
        byte += 1;
    }
    table
}

/// The checksum of `bytes`.
pub(super) fn crc32c(bytes: &[u8]) -> u32 {
    let (blocks, last) = bytes.as_chunks::<8>();
    let rest = blocks.iter().fold(!0, |rest: u32, block| {
        let [a, b, c, d, e, f, g, h] = *block;
        let [a, b, c, d] = (rest ^ u32::from_le_bytes([a, b, c, d])).to_le_bytes();
        let places = [h, g, f, e, d, c, b, a];
        let terms = TABLES.iter().zip(places);
        terms.fold(0, |sum, (table, place)| sum ^ table[usize::from(place)])
    });
    !last.iter().fold(rest, |rest, byte| {
        TABLES[0][usize::from(rest.to_le_bytes()[0] ^ byte)] ^ (rest >> 8)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3720, appendix B.4; "123456789" is the check value of the CRC catalogue.
    #[test]
    fn published_examples() {
        let ascending: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(&ascending), 0x46dd_794e);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(b""), 0);
    }
}
