//! The calendar: what a number of seconds is in UTC, in the years 0 to 9999, which are all that times are written in here.

use time::UtcDateTime;

/// Milliseconds since the Unix epoch.
pub type Millis = i64;

/// Returns the date and time this many seconds after 1970-01-01T00:00:00Z; `None` for one in another year.
#[must_use]
pub fn utc(unix_seconds: i64) -> Option<UtcDateTime> {
    UtcDateTime::from_unix_timestamp(unix_seconds).ok().filter(|moment| (0..=9999).contains(&moment.year()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::utc;

    /// Year, month, day and weekday, by arithmetic alone.
    fn date(unix_seconds: i64) -> (i64, i64, i64, i64) {
        let days = unix_seconds.div_euclid(86_400);
        // Counted from 1 March of the year 0, leap days are the last days of their years, and the calendar repeats every
        // 400 years, which have 146,097 days.
        let from_march = days + 719_468;
        let (cycle, day) = (from_march.div_euclid(146_097), from_march.rem_euclid(146_097));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        // From March on, five months in turn have 153 days.
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        // 1970-01-01 was a Thursday.
        (400 * cycle + year + next_year, month, day, (days + 3).rem_euclid(7))
    }

    fn assert_as_by_arithmetic(seconds: i64) {
        let moment = utc(seconds).expect("in the calendar");
        let weekday = i64::from(moment.weekday().number_days_from_monday());
        let (year, month, day) = (moment.year(), u8::from(moment.month()), moment.day());
        assert_eq!((year.into(), month.into(), day.into(), weekday), date(seconds), "{seconds}");
        let second = seconds.rem_euclid(86_400);
        let clock = (i64::from(moment.hour()), i64::from(moment.minute()), i64::from(moment.second()));
        assert_eq!(clock, (second / 3_600, second / 60 % 60, second % 60), "{seconds}");
    }

    const FIRST: i64 = -62_167_219_200;
    const LAST: i64 = 253_402_300_799;

    #[test]
    fn every_day_of_a_cycle_is_in_its_month() {
        (0..146_097).for_each(|day| assert_as_by_arithmetic(951_782_400 + day * 86_400));
    }

    #[test]
    fn the_calendar_ends_with_four_digits() {
        assert_as_by_arithmetic(FIRST);
        assert_as_by_arithmetic(LAST);
        for outside in [FIRST - 1, LAST + 1, i64::MIN, i64::MAX] {
            assert_eq!(utc(outside), None);
        }
    }

    proptest! {
        #[test]
        fn any_second_is_taken_apart(seconds in FIRST..=LAST) {
            assert_as_by_arithmetic(seconds);
        }
    }
}
