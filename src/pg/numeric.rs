//! `numeric` read as the nearest double straight from its digits, without a function call.
//!
//! The layout is that of PostgreSQL's `numeric.c` since 9.1 (short and long headers, digits of base
//! 10,000); specials since 14 (NaN and both infinities).

/// Sign and header kind, the two high bits of the first word.
const KIND: u16 = 0xC000;
const NEGATIVE: u16 = 0x4000;
const SHORT: u16 = 0x8000;
const SPECIAL: u16 = 0xC000;
/// Bits that tell the specials apart.
const SPECIAL_KIND: u16 = 0xF000;
const POSITIVE_INFINITY: u16 = 0xD000;
const NEGATIVE_INFINITY: u16 = 0xF000;
/// In a short header: sign, weight with its sign.
const SHORT_NEGATIVE: u16 = 0x2000;
const SHORT_WEIGHT_SIGN: u16 = 0x0040;
const SHORT_WEIGHT: u16 = 0x003F;

/// Integers below this are doubles.
const EXACT: u64 = 1 << 53;

/// The powers of ten that are doubles.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// The double nearest to the number (ties to even), as parsing its text gives it; an infinity beyond
/// the range of doubles. `bytes` is what follows the varlena header; too few of them give NaN.
///
/// Where the digits are an integer below 2^53 and the power of ten is a double too, their product or
/// quotient is rounded once and therefore right (W. Clinger, How to read floating point numbers
/// accurately, 1990). Everything else goes through Rust's own parser, which is exact.
#[inline]
pub fn to_double(bytes: &[u8]) -> f64 {
    let Some(number) = Digits::parse(bytes) else {
        return special(bytes);
    };
    let magnitude = number.exact().unwrap_or_else(|| number.parsed());
    if number.negative {
        -magnitude
    } else {
        magnitude
    }
}

/// What is no finite number.
#[cold]
fn special(bytes: &[u8]) -> f64 {
    match word(bytes, 0).map(|header| header & SPECIAL_KIND) {
        Some(POSITIVE_INFINITY) => f64::INFINITY,
        Some(NEGATIVE_INFINITY) => f64::NEG_INFINITY,
        _ => f64::NAN,
    }
}

#[inline]
fn word(bytes: &[u8], at: usize) -> Option<u16> {
    let (&low, &high) = (bytes.get(at)?, bytes.get(at + 1)?);
    Some(u16::from_ne_bytes([low, high]))
}

/// A finite number: `0.digits` times 10,000 to the power `weight + 1`.
struct Digits<'a> {
    negative: bool,
    /// Power of 10,000 of the first digit.
    weight: i32,
    /// Words of base 10,000, at any alignment; none for zero.
    digits: &'a [[u8; 2]],
}

impl<'a> Digits<'a> {
    /// `None` for a special, or where bytes are missing.
    #[inline]
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let header = word(bytes, 0)?;
        let (negative, weight, start) = match header & KIND {
            SPECIAL => return None,
            SHORT => {
                let weight = i32::from(header & SHORT_WEIGHT);
                let below = header & SHORT_WEIGHT_SIGN != 0;
                let weight = if below { weight - 64 } else { weight };
                (header & SHORT_NEGATIVE != 0, weight, 2)
            }
            sign => {
                let weight = i32::from(word(bytes, 2)? as i16);
                (sign == NEGATIVE, weight, 4)
            }
        };
        Some(Self {
            negative,
            weight,
            digits: bytes.get(start..)?.as_chunks().0,
        })
    }

    /// Power of ten of the last digit's unit.
    #[inline]
    fn exponent(&self) -> i32 {
        // A numeric has at most 2^17 decimal digits on either side of the point.
        4 * (self.weight + 1 - self.digits.len() as i32)
    }

    /// The magnitude, where one correctly rounded operation gives it.
    #[inline]
    fn exact(&self) -> Option<f64> {
        // Four words are below 10^16; a fifth can be zeros at its end.
        if self.digits.len() > 5 {
            return None;
        }
        let mut exponent = self.exponent();
        let mut mantissa = 0u64;
        // 20 decimal digits are beyond u64 where the first word is above 1,844.
        for digit in self.digits {
            let digit = u64::from(u16::from_ne_bytes(*digit));
            mantissa = mantissa.checked_mul(10_000)?.checked_add(digit)?;
        }
        while mantissa >= EXACT {
            if !mantissa.is_multiple_of(10) {
                return None;
            }
            mantissa /= 10;
            exponent += 1;
        }
        let power = *POWERS.get(usize::try_from(exponent.unsigned_abs()).ok()?)?;
        let mantissa = mantissa as f64;
        Some(if exponent < 0 {
            mantissa / power
        } else {
            mantissa * power
        })
    }

    /// The magnitude by way of its decimal text.
    #[cold]
    fn parsed(&self) -> f64 {
        // Room for 4 decimal digits a word, the letter e and a power below 10^6.
        let mut stack = [0; 96];
        let length = 4 * self.digits.len() + 9;
        if length <= stack.len() {
            return parse(self.write(&mut stack));
        }
        let mut heap = Vec::new();
        // At most 150 kB for the longest number PostgreSQL stores.
        if heap.try_reserve_exact(length).is_err() {
            return f64::NAN;
        }
        heap.resize(length, 0);
        parse(self.write(&mut heap))
    }

    /// Writes `digits e exponent`; the text written.
    fn write<'t>(&self, text: &'t mut [u8]) -> &'t [u8] {
        let (words, _) = text.as_chunks_mut::<4>();
        for (place, digit) in words.iter_mut().zip(self.digits) {
            let digit = u16::from_ne_bytes(*digit);
            *place = [digit / 1000, digit / 100 % 10, digit / 10 % 10, digit % 10]
                .map(|figure| b'0' + (figure % 10) as u8);
        }
        let mut end = 4 * self.digits.len();
        let exponent = self.exponent();
        text[end] = b'e';
        text[end + 1] = if exponent < 0 { b'-' } else { b'+' };
        end += 2;
        let magnitude = exponent.unsigned_abs();
        for power in [100_000, 10_000, 1_000, 100, 10, 1] {
            text[end] = b'0' + (magnitude / power % 10) as u8;
            end += 1;
        }
        &text[..end]
    }
}

fn parse(text: &[u8]) -> f64 {
    std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(f64::NAN)
}
