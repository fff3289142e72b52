//! Instants of `dateTime` attributes (RFC 7643 section 2.3.5).
//!
//! The type is xsd:dateTime in RFC 3339's shape. XML Schema lets the offset be absent; such a value is read as UTC.

use time::{Date, Month};

/// A moment in time. Two texts that mean the same moment in different offsets compare equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Nanoseconds within the second; further digits are cut off.
    pub nanos: u32,
}

impl Instant {
    /// Reads `2011-05-13T04:42:34Z`, with optional fraction and with `Z`, `+hh:mm` or no offset.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = Digits(text.as_bytes());
        let year = rest.number(4)?;
        rest.expect(b"-")?;
        let month = rest.number(2)?;
        rest.expect(b"-")?;
        let day = rest.number(2)?;
        rest.expect(b"Tt")?;
        let hour = rest.number(2)?;
        rest.expect(b":")?;
        let minute = rest.number(2)?;
        rest.expect(b":")?;
        let second = rest.number(2)?;
        let nanos = if rest.expect(b".").is_some() { rest.fraction()? } else { 0 };
        let offset = rest.offset()?;
        // 60 is a leap second; it counts as the second after.
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let seconds = days_since_1970(year, month, day)? * 86_400 + hour * 3_600 + minute * 60 + second - offset;
        Some(Self { seconds, nanos })
    }

    /// Milliseconds since 1970, rounded down: what an indexed column can hold.
    #[must_use]
    pub fn unix_millis(self) -> i64 {
        self.seconds * 1_000 + i64::from(self.nanos / 1_000_000)
    }
}

/// The unread rest of the text.
struct Digits<'a>(&'a [u8]);

impl Digits<'_> {
    fn expect(&mut self, one_of: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        one_of.contains(first).then(|| {
            self.0 = rest;
            *first
        })
    }

    fn digit(&mut self) -> Option<i64> {
        self.expect(b"0123456789").map(|digit| i64::from(digit - b'0'))
    }

    fn number(&mut self, digits: usize) -> Option<i64> {
        (0..digits).try_fold(0, |number, _| Some(number * 10 + self.digit()?))
    }

    fn fraction(&mut self) -> Option<u32> {
        let mut nanos = 0;
        let mut scale = 100_000_000;
        let mut any = false;
        while let Some(digit) = self.digit() {
            nanos += u32::try_from(digit).ok()? * scale;
            scale /= 10;
            any = true;
        }
        any.then_some(nanos)
    }

    /// The offset in seconds; nothing may follow it.
    fn offset(&mut self) -> Option<i64> {
        let offset = match self.expect(b"Zz+-") {
            None | Some(b'Z' | b'z') => 0,
            Some(sign) => {
                let hours = self.number(2)?;
                self.expect(b":")?;
                let minutes = self.number(2)?;
                if hours > 23 || minutes > 59 {
                    return None;
                }
                (hours * 60 + minutes) * if sign == b'-' { -60 } else { 60 }
            }
        };
        self.0.is_empty().then_some(offset)
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar; `None` for a date that it does not have.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    const UNIX_EPOCH: i32 = 2_440_588; // in Julian days
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()?;
    Some(i64::from(date.to_julian_day() - UNIX_EPOCH))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seconds(text: &str) -> i64 {
        Instant::parse(text).expect(text).seconds
    }

    /// Days from 1970-01-01 by arithmetic alone; `None` for a date that does not exist.
    fn days_by_arithmetic(year: i64, month: i64, day: i64) -> Option<i64> {
        let is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        let days_in = |month: i64| match month {
            2 => 28 + i64::from(is_leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if !(1..=12).contains(&month) || !(1..=days_in(month)).contains(&day) {
            return None;
        }
        // Days before a year: 365 each, and one per leap year since year 0, which was one itself.
        let before_year = |year: i64| {
            if year == 0 { 0 } else { year * 365 + (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 + 1 }
        };
        Some(before_year(year) - before_year(1970) + (1..month).map(days_in).sum::<i64>() + day - 1)
    }

    proptest! {
        #[test]
        fn any_date_is_a_number_of_days(year in 0..=9999_i64, month in 0..=13_i64, day in 0..=32_i64) {
            let days = Instant::parse(&format!("{year:04}-{month:02}-{day:02}T00:00:00Z")).map(|at| at.seconds / 86_400);
            prop_assert_eq!(days, days_by_arithmetic(year, month, day));
        }
    }

    #[test]
    fn known_instants() {
        assert_eq!(seconds("1970-01-01T00:00:00Z"), 0);
        assert_eq!(seconds("2000-03-01T00:00:00Z"), 951_868_800);
        assert_eq!(seconds("2024-02-29T12:34:56Z"), 1_709_210_096);
        assert_eq!(seconds("1969-12-31T23:59:59Z"), -1);
        assert_eq!(seconds("0000-01-01T00:00:00Z"), -62_167_219_200);
        assert_eq!(seconds("9999-12-31T23:59:59Z"), 253_402_300_799);
    }

    #[test]
    fn the_same_moment_in_another_offset_is_equal() {
        let utc = Instant::parse("2011-05-13T04:42:34Z");
        assert_eq!(utc, Instant::parse("2011-05-13T06:42:34+02:00"));
        assert_eq!(utc, Instant::parse("2011-05-12T23:42:34.000-05:00"));
        assert_eq!(utc, Instant::parse("2011-05-13T04:42:34"));
    }

    #[test]
    fn fractions_order_and_are_cut_at_nanoseconds() {
        let earlier = Instant::parse("2011-05-13T04:42:34.1Z");
        let later = Instant::parse("2011-05-13T04:42:34.12Z");
        assert!(earlier < later);
        assert_eq!(Instant::parse("2011-05-13T04:42:34.1234567891Z").map(|at| at.nanos), Some(123_456_789));
        assert_eq!(later.map(Instant::unix_millis), Some(1_305_261_754_120));
    }

    #[test]
    fn what_is_not_a_date_and_time_is_refused() {
        for text in [
            "",
            "2011-05-13",
            "2011-05-13 04:42:34Z",
            "2011-13-01T00:00:00Z",
            "2011-02-29T00:00:00Z",
            "2011-05-13T24:00:00Z",
            "2011-05-13T04:42Z",
            "2011-05-13T04:42:34.Z",
            "2011-05-13T04:42:34+0200",
            "2011-05-13T04:42:34Zx",
            "1305261754",
            "２011-05-13T04:42:34Z",
        ] {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
    }
}
