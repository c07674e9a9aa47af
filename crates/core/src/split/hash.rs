//! The hash that decides on which side of the split a row is.

/// Hashes the key of a row: SipHash-2-4 (Aumasson and Bernstein 2012) of its values in a canonical
/// form, keyed by the seed.
///
/// What a value is written as (integers little-endian) is part of every stored model and never
/// changes: NULL is the byte 0; a whole number the byte 1 and its 8 bytes; another number the byte 2
/// and the 8 bytes of its double; bytes are the byte 3, their length in 8 bytes, and themselves. So an
/// integer hashes alike whatever its width, and alike as a double; 0 and -0 are one number; all NaN
/// are one; and no two keys of different values run together. The key of the hash is the seed, then
/// the bytes `pglearn1`.
///
/// # Example
/// ```
/// use pglearn_core::split::{KeyHasher, is_holdout};
/// let mut hasher = KeyHasher::new(42);
/// hasher.integer(7);
/// hasher.bytes(b"north");
/// let hash = hasher.finish();
/// assert!(!is_holdout(hash, 0.2) || is_holdout(hash, 0.3));
/// ```
#[derive(Debug, Clone)]
pub struct KeyHasher {
    start: Sip,
    state: Sip,
}

/// The second half of the hash's key.
const DOMAIN: u64 = u64::from_le_bytes(*b"pglearn1");

impl KeyHasher {
    /// A hasher for the rows of one model.
    #[must_use]
    pub fn new(seed: i64) -> Self {
        let start = Sip::new(seed.cast_unsigned(), DOMAIN);
        Self {
            state: start.clone(),
            start,
        }
    }

    /// Takes a NULL.
    pub fn null(&mut self) {
        self.state.write(&[0]);
    }

    /// Takes an integer of any width; a boolean as 0 or 1, a time as its microseconds.
    pub fn integer(&mut self, value: i64) {
        self.tagged(1, value.to_le_bytes());
    }

    /// Takes a number; a whole one as [`integer`](Self::integer) does.
    pub fn float(&mut self, value: f64) {
        /// 2^63: doubles from here on are no `i64`.
        const BEYOND: f64 = 9_223_372_036_854_775_808.0;
        if value.fract() == 0.0 && (-BEYOND..BEYOND).contains(&value) {
            self.integer(value as i64);
        } else {
            let canonical = if value.is_nan() { f64::NAN } else { value };
            self.tagged(2, canonical.to_bits().to_le_bytes());
        }
    }

    /// Takes the bytes of a text, or of the text form of any other type.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.tagged(3, (bytes.len() as u64).to_le_bytes());
        self.state.write(bytes);
    }

    /// The hash of the values taken; the next row starts afresh.
    pub fn finish(&mut self) -> u64 {
        std::mem::replace(&mut self.state, self.start.clone()).finish()
    }

    /// The hash of a row that comes again: `before` rows had its `hash`. The first one keeps it.
    pub fn tell_apart(&mut self, hash: u64, before: i64) -> u64 {
        if before == 0 {
            return hash;
        }
        self.integer(hash.cast_signed());
        self.integer(before);
        self.finish()
    }

    fn tagged(&mut self, tag: u8, value: [u8; 8]) {
        self.state.write_tagged(tag, u64::from_le_bytes(value));
    }
}

/// Whether a row of this hash is held out: `hash < test_size * 2^64`, compared in integers.
///
/// A hold-out contains that of every smaller share; 0 holds out nothing, 1 all but one in 2^64.
#[must_use]
pub fn is_holdout(hash: u64, test_size: f64) -> bool {
    /// 2^64; the product saturates in the cast.
    const RANGE: f64 = 18_446_744_073_709_551_616.0;
    hash < (test_size * RANGE) as u64
}

/// SipHash-2-4 in progress.
#[derive(Debug, Clone)]
struct Sip {
    v: [u64; 4],
    /// The bytes that do not fill a word yet, the first in the lowest place.
    tail: u64,
    length: u64,
}

impl Sip {
    fn new(k0: u64, k1: u64) -> Self {
        Self {
            v: [
                k0 ^ 0x736f_6d65_7073_6575,
                k1 ^ 0x646f_7261_6e64_6f6d,
                k0 ^ 0x6c79_6765_6e65_7261,
                k1 ^ 0x7465_6462_7974_6573,
            ],
            tail: 0,
            length: 0,
        }
    }

    fn write(&mut self, mut bytes: &[u8]) {
        let filled = (self.length % 8) as usize;
        self.length = self.length.wrapping_add(bytes.len() as u64);
        if filled > 0 {
            let (head, rest) = bytes.split_at(bytes.len().min(8 - filled));
            self.tail |= word(head) << (8 * filled);
            if filled + head.len() < 8 {
                return;
            }
            self.absorb(self.tail);
            bytes = rest;
        }
        let (words, rest) = bytes.as_chunks::<8>();
        for chunk in words {
            self.absorb(u64::from_le_bytes(*chunk));
        }
        self.tail = word(rest);
    }

    /// A byte and the eight of a word: what [`write`](Self::write) does with them, in fewer steps.
    #[inline]
    fn write_tagged(&mut self, tag: u8, word: u64) {
        let filled = 8 * (self.length % 8) as u32;
        self.length = self.length.wrapping_add(9);
        self.tail |= u64::from(tag) << filled;
        if filled == 56 {
            self.absorb(self.tail);
            self.absorb(word);
            self.tail = 0;
        } else {
            self.absorb(self.tail | word << (filled + 8));
            self.tail = word >> (56 - filled);
        }
    }

    #[inline]
    fn absorb(&mut self, word: u64) {
        self.v[3] ^= word;
        self.round();
        self.round();
        self.v[0] ^= word;
    }

    #[inline]
    fn round(&mut self) {
        let [a, b, c, d] = &mut self.v;
        *a = a.wrapping_add(*b);
        *b = b.rotate_left(13) ^ *a;
        *a = a.rotate_left(32);
        *c = c.wrapping_add(*d);
        *d = d.rotate_left(16) ^ *c;
        *a = a.wrapping_add(*d);
        *d = d.rotate_left(21) ^ *a;
        *c = c.wrapping_add(*b);
        *b = b.rotate_left(17) ^ *c;
        *c = c.rotate_left(32);
    }

    fn finish(mut self) -> u64 {
        self.absorb(self.length << 56 | self.tail);
        self.v[2] ^= 0xff;
        for _ in 0..4 {
            self.round();
        }
        self.v.iter().fold(0, |hash, v| hash ^ v)
    }
}

/// Fewer than 8 bytes as the low end of a word.
fn word(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |word, byte| word << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The authors' test vectors (github.com/veorq/SipHash, vectors.h, vectors_sip64): key
    /// 00 01 … 0f, message 00 01 … of length 0 to 15.
    #[test]
    fn published_vectors() {
        let published: [u64; 16] = [
            0x726f_db47_dd0e_0e31,
            0x74f8_39c5_93dc_67fd,
            0x0d6c_8009_d9a9_4f5a,
            0x8567_6696_d7fb_7e2d,
            0xcf27_94e0_2771_87b7,
            0x1876_5564_cd99_a68d,
            0xcbc9_466e_58fe_e3ce,
            0xab02_00f5_8b01_d137,
            0x93f5_f579_9a93_2462,
            0x9e00_82df_0ba9_e4b0,
            0x7a5d_bbc5_94dd_b9f3,
            0xf4b3_2f46_226b_ada7,
            0x751e_8fbc_860e_e5fb,
            0x14ea_5627_c084_3d90,
            0xf723_ca90_8e7a_f2ee,
            0xa129_ca61_49be_45e5,
        ];
        let (k0, k1) = (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908);
        let message: Vec<u8> = (0..16).collect();
        for (length, expected) in published.into_iter().enumerate() {
            let mut whole = Sip::new(k0, k1);
            whole.write(&message[..length]);
            assert_eq!(whole.finish(), expected, "length {length}");
            for cut in 0..=length {
                let mut parts = Sip::new(k0, k1);
                parts.write(&message[..cut]);
                parts.write(&message[cut..length]);
                assert_eq!(parts.finish(), expected, "length {length} cut at {cut}");
            }
        }
    }

    #[test]
    fn a_tag_and_a_word_are_nine_bytes() {
        let (mut whole, mut parts) = (Sip::new(1, 2), Sip::new(1, 2));
        for number in 0..20_u8 {
            let word = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            whole.write_tagged(number, word);
            parts.write(&[number]);
            parts.write(&word.to_le_bytes());
            assert_eq!(whole.clone().finish(), parts.clone().finish(), "{number}");
        }
    }

    fn hash(seed: i64, take: impl Fn(&mut KeyHasher)) -> u64 {
        let mut hasher = KeyHasher::new(seed);
        take(&mut hasher);
        hasher.finish()
    }

    /// Every stored model relies on these: they may never change. The same numbers from the definition
    /// above and a transcription of the paper into Python.
    #[test]
    fn recorded_hashes() {
        let recorded = [
            hash(42, |h| h.integer(1)),
            hash(42, |h| h.integer(-1)),
            hash(42, |h| h.float(0.5)),
            hash(42, |h| h.null()),
            hash(42, |h| h.bytes("Grüße".as_bytes())),
            hash(-7, |h| {
                h.integer(1);
                h.bytes(b"north");
                h.null();
                h.float(f64::NAN);
            }),
            hash(42, |_| {}),
        ];
        let expected: [u64; 7] = [
            0x149b_9a69_9d3f_f993,
            0x7717_8250_c875_2914,
            0x828f_e896_f267_be2a,
            0x424b_70d2_a0aa_ff58,
            0xca26_0ca9_64ad_ec75,
            0xd227_ac06_a7a0_f232,
            0xa047_59d1_2633_9e96,
        ];
        assert_eq!(recorded, expected);
    }

    #[test]
    fn one_number_has_one_hash() {
        let integer = |value| hash(42, |h| h.integer(value));
        let float = |value| hash(42, |h| h.float(value));
        assert_eq!(integer(5), float(5.0));
        assert_eq!(integer(0), float(-0.0));
        assert_eq!(integer(i64::MIN), float(-9.223_372_036_854_776e18));
        assert_ne!(integer(i64::MAX), float(9.223_372_036_854_776e18));
        assert_eq!(float(f64::NAN), float(-f64::NAN));
        assert_eq!(
            float(f64::from_bits(0x7ff8_dead_beef_0001)),
            float(f64::NAN)
        );
        assert_ne!(float(f64::INFINITY), float(f64::NEG_INFINITY));
    }

    #[test]
    fn different_keys_do_not_run_together() {
        let texts = |parts: &[&str]| {
            hash(42, |h| {
                parts.iter().for_each(|part| h.bytes(part.as_bytes()))
            })
        };
        assert_ne!(texts(&["ab", "c"]), texts(&["a", "bc"]));
        assert_ne!(texts(&["", "x"]), texts(&["x", ""]));
        assert_ne!(hash(42, |h| h.null()), texts(&[""]));
        assert_ne!(hash(42, |h| h.integer(1)), texts(&["1"]));
        assert_ne!(hash(42, |h| h.integer(1)), hash(43, |h| h.integer(1)));
    }

    #[test]
    fn finishing_starts_the_next_row() {
        let mut hasher = KeyHasher::new(1);
        hasher.bytes(b"a");
        let first = hasher.finish();
        hasher.bytes(b"a");
        assert_eq!(hasher.finish(), first);
    }

    /// Ascending integers, the usual key, over 256 classes: chi-square has 255 degrees of freedom, and
    /// 330.5 is its 0.999 quantile (scipy.stats.chi2.ppf(0.999, 255)). The seeds are fixed: no chance.
    #[test]
    fn ascending_keys_spread_evenly() {
        for seed in [0, 1, 42, -1, i64::MAX] {
            let mut counts = [0_u32; 256];
            let mut hasher = KeyHasher::new(seed);
            for key in 0..256_000 {
                hasher.integer(key);
                counts[(hasher.finish() >> 56) as usize] += 1;
            }
            let chi: f64 = counts
                .iter()
                .map(|n| (f64::from(*n) - 1e3).powi(2) / 1e3)
                .sum();
            assert!((190.0..330.5).contains(&chi), "seed {seed}: {chi}");
        }
    }

    /// Two seeds hold out independent rows: of 100,000, 0.2 * 0.2 within 4 standard deviations.
    #[test]
    fn seeds_are_independent() {
        let (mut a, mut b) = (KeyHasher::new(1), KeyHasher::new(2));
        let both = (0..100_000).filter(|key| {
            a.integer(*key);
            b.integer(*key);
            let (a, b) = (a.finish(), b.finish());
            is_holdout(a, 0.2) && is_holdout(b, 0.2)
        });
        let spread = (100_000.0_f64 * 0.04 * 0.96).sqrt();
        assert!((both.count() as f64 - 4000.0).abs() < 4.0 * spread);
    }

    #[test]
    fn the_threshold_is_monotone_and_exact_at_its_ends() {
        assert!(!is_holdout(0, 0.0) && is_holdout(0, 1e-19));
        assert!(is_holdout(u64::MAX - 1, 1.0));
        assert!(is_holdout((1 << 63) - 1, 0.5) && !is_holdout(1 << 63, 0.5));
        assert!(!is_holdout(0, f64::NAN) && !is_holdout(0, -1.0));
        let mut hasher = KeyHasher::new(42);
        for key in 0..10_000 {
            hasher.integer(key);
            let hash = hasher.finish();
            let sides: Vec<bool> = (1..100)
                .map(|share| is_holdout(hash, f64::from(share) / 100.0))
                .collect();
            assert!(sides.is_sorted());
        }
    }
}
