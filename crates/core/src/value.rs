//! One cell of a user's row, as far as a model is concerned.

/// A cell: what a column of any readable type comes down to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// NULL; a NaN counts as missing too.
    Missing,
    /// A number or a boolean (0, 1).
    Number(f64),
    /// Microseconds since 2000-01-01 00:00 UTC.
    Time(i64),
    /// Text, or the label of an enum.
    Text(&'a str),
}
