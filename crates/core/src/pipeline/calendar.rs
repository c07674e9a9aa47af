//! Parts of a time, in UTC, by arithmetic: the proleptic Gregorian calendar, as PostgreSQL's.

use super::encoder::TimePart;

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;
/// Days from 0000-03-01 to 2000-01-01, and in the calendar's period of 400 years.
const EPOCH: i64 = 730_425;
const ERA: i64 = 146_097;

/// Whether microseconds stand for `infinity` or `-infinity`, as PostgreSQL has them.
pub(super) fn is_infinite(microseconds: i64) -> bool {
    microseconds == i64::MIN || microseconds == i64::MAX
}

impl TimePart {
    /// The part of a time given in microseconds since 2000-01-01 00:00 UTC, as PostgreSQL's
    /// `extract` has it (no year 0; `DayOfWeek` is its `isodow`).
    #[must_use]
    pub fn of(self, microseconds: i64) -> f64 {
        let days = microseconds.div_euclid(DAY);
        let part = match self {
            Self::Year => civil(days).0,
            Self::Month => civil(days).1,
            Self::Day => civil(days).2,
            // 2000-01-01 was a Saturday.
            Self::DayOfWeek => (days + 5).rem_euclid(7) + 1,
            Self::Hour => microseconds.rem_euclid(DAY) / HOUR,
        };
        part as f64
    }

    /// What the part is called, as `extract` calls it where it knows it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
            Self::Day => "day",
            Self::DayOfWeek => "day_of_week",
            Self::Hour => "hour",
        }
    }
}

/// Year, month and day of a day counted from 2000-01-01. Source: H. Hinnant, "chrono-compatible
/// low-level date algorithms" (2013), `civil_from_days`: years that begin in March, so that the
/// leap day is the last.
pub(crate) fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH;
    let (era, day_of_era) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / (ERA - 1)) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    // The year before 1 is -1.
    (if year <= 0 { year - 1 } else { year }, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every day of 800 years around the epoch, against a calendar that counts.
    #[test]
    fn the_calendar_counts() {
        let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let (mut year, mut month, mut day) = (1600, 1, 1);
        let first = -(0..400)
            .map(|y| 365 + i64::from(leap(1600 + y)))
            .sum::<i64>();
        for days in first..first + 2 * ERA {
            assert_eq!(civil(days), (year, month, day), "{days}");
            let length = match month {
                2 => 28 + i64::from(leap(year)),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            day += 1;
            if day > length {
                (day, month) = (1, month + 1);
            }
            if month > 12 {
                (month, year) = (1, year + 1);
            }
        }
        assert_eq!(year, 2400);
    }

    /// PostgreSQL 15: `extract(epoch from t) * 1000000 - 946684800000000`, and its parts.
    #[test]
    fn parts_as_postgresql_has_them() {
        let parts = |t| {
            use TimePart::{Day, DayOfWeek, Hour, Month, Year};
            [Year, Month, Day, DayOfWeek, Hour].map(|part| part.of(t))
        };
        // 2024-02-29 23:59:59.999999
        assert_eq!(parts(762_566_399_999_999), [2024.0, 2.0, 29.0, 4.0, 23.0]);
        // 1999-12-31 23:00
        assert_eq!(parts(-HOUR), [1999.0, 12.0, 31.0, 5.0, 23.0]);
        assert_eq!(parts(0), [2000.0, 1.0, 1.0, 6.0, 0.0]);
        // 0001-12-31 BC, 0001-01-01 AD
        assert_eq!(parts(-63_082_281_600_000_001)[..3], [-1.0, 12.0, 31.0]);
        assert_eq!(parts(-63_082_281_600_000_000)[..4], [1.0, 1.0, 1.0, 1.0]);
    }
}
