//! How the value of a slot becomes numbers: decided in training, stored with the model.

/// The encoding of one slot.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoder {
    /// What the slot is called: the column, or `column[i]`.
    pub slot: String,
    /// How a value becomes columns of the design.
    pub encoding: Encoding,
    /// Whether one more column, `<slot> is null`, is 1 where the value is missing.
    pub indicator: bool,
    /// Whether a missing value makes the prediction NULL instead of being imputed (and a training row
    /// with one is skipped).
    pub refuse_missing: bool,
}

/// How a value becomes columns of the design.
#[derive(Debug, Clone, PartialEq)]
pub enum Encoding {
    /// One column: `(value - center) / scale`; 0 and 1 where the column is not scaled.
    Number {
        /// Subtracted.
        center: f64,
        /// Divided by; positive.
        scale: f64,
        /// Stands for a missing value, in the units of the column.
        impute: f64,
    },
    /// One column a category, but for the reference; then one for the bucket of the rare ones.
    OneHot {
        /// The categories by falling frequency, ties by their bytes; numbers as Rust's `{}` writes them.
        categories: Vec<String>,
        /// The category without a column.
        reference: Option<u32>,
        /// Whether a column `<slot>=(rare)` collects what was too rare for one of its own.
        rare: bool,
        /// What a category means that training did not see.
        unknown: Unknown,
        /// The category that stands for a missing value; as many as there are categories: none of them, so
        /// that it is treated like a category that training did not see.
        impute: u32,
    },
    /// One column a part, in UTC, each `(part - center) / scale`.
    Time {
        /// The parts that vary in training.
        parts: Vec<TimeColumn>,
        /// Stands for a missing value, in microseconds since 2000.
        impute: i64,
    },
    /// No column: the slot has its place in the row, but training learned nothing from it (an element of an
    /// array that is constant there; a column of which only the indicator counts).
    Ignored,
}

/// A category that training did not see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Unknown {
    /// The bucket of the rare ones, or all zeros where there is none (`infrequent_if_exist`).
    Rare = 1,
    /// All zeros (`ignore`).
    Ignore = 2,
    /// An error (`error`).
    Refuse = 3,
}

/// A column made of a part of a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeColumn {
    /// Which part.
    pub part: TimePart,
    /// Subtracted.
    pub center: f64,
    /// Divided by; positive.
    pub scale: f64,
}

/// A part of a time, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum TimePart {
    /// Year of the Gregorian calendar.
    Year = 1,
    /// 1 to 12.
    Month = 2,
    /// Day of the month, 1 to 31.
    Day = 3,
    /// 1 (Monday) to 7 (Sunday), as `isodow`.
    DayOfWeek = 4,
    /// 0 to 23; not of a date.
    Hour = 5,
}
