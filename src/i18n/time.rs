//! Dates and durations in words.

use crate::base::calendar::utc;
use crate::i18n::Language;
use crate::i18n::fill::fill;

/// A moment in words, in UTC and to the minute: `Thursday, March 5, 2026, 14:00 UTC`.
///
/// Seconds are dropped, not rounded, so that a link is never said to live longer than it does. A moment outside
/// the calendar (years 1970 to 9999) gives the nearest one inside it.
pub fn date_time(unix_seconds: i64, language: Language) -> String {
    let latest = 253_402_300_799; // 9999-12-31T23:59:59Z
    let Some(moment) = utc(unix_seconds.clamp(0, latest)) else { return String::new() };
    let words = language.words();
    let nth = |names: &[&'static str], index: u8| names.get(usize::from(index)).copied().unwrap_or_default();
    fill(
        words.date_time,
        &[
            ("weekday", nth(&words.weekdays, moment.weekday().number_days_from_monday())),
            ("day", &moment.day().to_string()),
            ("month", nth(&words.months, u8::from(moment.month()) - 1)),
            ("year", &moment.year().to_string()),
            ("time", &format!("{:02}:{:02}", moment.hour(), moment.minute())),
        ],
    )
}

/// The year of a moment, in UTC.
pub fn year(unix_seconds: i64) -> i64 {
    utc(unix_seconds).map_or(1970, |moment| moment.year().into())
}

/// How long to wait, in words: in seconds up to two minutes, then in minutes, rounded up.
pub fn pause(seconds: u32, language: Language) -> String {
    let words = language.words();
    let seconds = u64::from(seconds.max(1));
    if seconds < 120 { (words.seconds)(seconds) } else { (words.minutes)(seconds.div_ceil(60)) }
}

/// A length of time in words: `24 hours`, `7 days`, `90 minutes`.
///
/// Rounded down to a unit that reads well, never up; at least one minute.
pub fn duration(seconds: i64, language: Language) -> String {
    let words = language.words();
    let minutes = u64::try_from(seconds / 60).unwrap_or(0).max(1);
    let hours = minutes / 60;
    if minutes < 300 && minutes % 60 != 0 {
        (words.minutes)(minutes)
    } else if hours < 48 || (hours % 24 != 0 && hours < 72) {
        (words.hours)(hours)
    } else {
        (words.days)(hours / 24)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_in_words() {
        let at = 1_772_719_259; // 59 s past the minute
        for (language, words) in [
            (Language::En, "Thursday, March 5, 2026, 14:00 UTC"),
            (Language::De, "Donnerstag, 5. März 2026, 14:00 Uhr UTC"),
            (Language::Es, "jueves, 5 de marzo de 2026, 14:00 UTC"),
            (Language::Fr, "jeudi 5 mars 2026, 14:00 UTC"),
            (Language::PtBr, "quinta-feira, 5 de março de 2026, 14:00 UTC"),
            (Language::Ja, "2026年3月5日（木）14:00（UTC）"),
            (Language::ZhCn, "2026年3月5日星期四 14:00（UTC）"),
            (Language::Ar, "الخميس 5 مارس 2026، الساعة 14:00 بالتوقيت العالمي (UTC)"),
        ] {
            assert_eq!(date_time(at, language), words);
        }
        assert_eq!(date_time(i64::MIN, Language::En), "Thursday, January 1, 1970, 00:00 UTC");
        assert_eq!(date_time(i64::MAX, Language::En), "Friday, December 31, 9999, 23:59 UTC");
        assert_eq!(year(i64::MAX), 1970);
    }

    #[test]
    fn durations_in_words() {
        let day = 86_400;
        for (seconds, words) in [
            (i64::MIN, "1 minute"),
            (59, "1 minute"),
            (90 * 60, "90 minutes"),
            (3600, "1 hour"),
            (301 * 60, "5 hours"),
            (day, "24 hours"),
            (36 * 3600, "36 hours"),
            (2 * day, "2 days"),
            (7 * day + 3600, "7 days"),
        ] {
            assert_eq!(duration(seconds, Language::En), words);
        }
        assert_eq!(duration(3600, Language::Ar), "ساعة واحدة");
        assert_eq!(duration(7200, Language::Ar), "ساعتين");
        assert_eq!(duration(3 * 3600, Language::Ar), "3 ساعات");
        assert_eq!(duration(day, Language::Ar), "24 ساعة");
        assert_eq!(duration(30 * day, Language::Ar), "30 يومًا");
        assert_eq!(duration(100 * day, Language::Ar), "100 يوم");
        assert_eq!(pause(0, Language::En), "1 second");
        assert_eq!(pause(121, Language::De), "3 Minuten");
    }

    proptest! {
        #[test]
        fn nothing_panics(seconds in any::<i64>()) {
            for language in Language::ALL {
                date_time(seconds, language);
                duration(seconds, language);
            }
        }
    }
}
