//! The calendar: what a number of seconds is in UTC, in the years 0 to 9999, which are all that times are written in here.

/// Milliseconds since the Unix epoch.
pub type Millis = i64;

/// A time, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// 0 to 9999.
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
    /// Days since Monday.
    pub weekday: i64,
    /// 0 to 23.
    pub hour: i64,
    /// 0 to 59.
    pub minute: i64,
    /// 0 to 59.
    pub second: i64,
}

impl Moment {
    /// The moment so many seconds after 1970-01-01T00:00:00Z; `None` for one in another year.
    #[must_use]
    pub fn of(unix_seconds: i64) -> Option<Self> {
        let (days, second) = (unix_seconds.div_euclid(86_400), unix_seconds.rem_euclid(86_400));
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
        let year = 400 * cycle + year + next_year;
        (0..=9999).contains(&year).then_some(Self {
            year,
            month,
            day,
            // 1970-01-01 was a Thursday.
            weekday: (days + 3).rem_euclid(7),
            hour: second / 3_600,
            minute: second / 60 % 60,
            second: second % 60,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::OffsetDateTime;

    use super::*;

    fn assert_as_in_the_time_crate(seconds: i64) {
        let moment = Moment::of(seconds).expect("in the calendar");
        let time = OffsetDateTime::from_unix_timestamp(seconds).expect("in the calendar");
        let date = (i64::from(time.year()), i64::from(u8::from(time.month())), i64::from(time.day()));
        assert_eq!((moment.year, moment.month, moment.day), date, "{seconds}");
        assert_eq!(moment.weekday, i64::from(time.weekday().number_days_from_monday()), "{seconds}");
        let clock = (i64::from(time.hour()), i64::from(time.minute()), i64::from(time.second()));
        assert_eq!((moment.hour, moment.minute, moment.second), clock, "{seconds}");
    }

    const FIRST: i64 = -62_167_219_200;
    const LAST: i64 = 253_402_300_799;

    #[test]
    fn every_day_of_a_cycle_is_in_its_month() {
        (0..146_097).for_each(|day| assert_as_in_the_time_crate(951_782_400 + day * 86_400));
    }

    #[test]
    fn the_calendar_ends_with_four_digits() {
        assert_as_in_the_time_crate(FIRST);
        assert_as_in_the_time_crate(LAST);
        for outside in [FIRST - 1, LAST + 1, i64::MIN, i64::MAX] {
            assert_eq!(Moment::of(outside), None);
        }
    }

    proptest! {
        #[test]
        fn any_second_is_taken_apart(seconds in FIRST..=LAST) {
            assert_as_in_the_time_crate(seconds);
        }
    }
}
