//! What the text of a category is where the value is a number.

use std::fmt::Write;

/// A number as a category writes it: Rust's `{}`, and 0 for -0. Without an allocation: the longest
/// double takes 327 bytes (`-` and a denormal's digits).
#[derive(Debug)]
pub(super) struct NumberText {
    bytes: [u8; 336],
    length: usize,
}

impl NumberText {
    pub fn new(number: f64) -> Self {
        let mut text = Self {
            bytes: [0; 336],
            length: 0,
        };
        // Adding 0 turns -0 into 0 and nothing else. The buffer holds every double.
        let _ = write!(text, "{}", number + 0.0);
        text
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl Write for NumberText {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        let place = self
            .bytes
            .get_mut(self.length..end)
            .ok_or(std::fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_numbers_fit() {
        let all = [
            f64::MIN,
            -f64::MIN_POSITIVE,
            f64::from_bits(1),
            -f64::from_bits(0x000f_ffff_ffff_ffff),
            0.1,
            3.0,
        ];
        for number in all {
            assert_eq!(NumberText::new(number).as_str(), number.to_string());
        }
        assert_eq!(NumberText::new(-0.0).as_str(), "0");
    }
}
