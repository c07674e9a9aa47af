//! Times as ISO 8601 writes them, whatever a session's DateStyle and time zone.

use crate::pipeline::civil;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// What a timestamp is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Some wall clock.
    Local,
    /// UTC, which is said.
    Utc,
}

/// The date of a time in microseconds since 2000.
#[must_use]
pub fn iso_date(microseconds: i64) -> String {
    let (date, era) = date(microseconds);
    format!("{date}{era}")
}

/// A time in microseconds since 2000.
#[must_use]
pub fn iso_timestamp(microseconds: i64, clock: Clock) -> String {
    let (date, era) = date(microseconds);
    let of_day = microseconds.rem_euclid(DAY);
    let seconds = of_day / SECOND;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = match of_day % SECOND {
        0 => String::new(),
        rest => format!(".{rest:06}").trim_end_matches('0').to_owned(),
    };
    let zone = match clock {
        Clock::Local => "",
        Clock::Utc => "+00:00",
    };
    format!("{date}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}{era}")
}

/// The date, and what is said of years before 1.
fn date(microseconds: i64) -> (String, &'static str) {
    let (year, month, day) = civil(microseconds.div_euclid(DAY));
    let era = if year < 0 { " BC" } else { "" };
    (format!("{:04}-{month:02}-{day:02}", year.abs()), era)
}
