//! Languages, locale fallback, and dates and durations in words.
//!
//! A locale comes from a user's `preferredLanguage`, from a tenant's settings or out of a token, so it may be
//! spelt `pt_BR`, `pt-br` or nonsense. Nothing here fails: what is not known becomes the default.

use crate::base::calendar::Moment;

mod words;

/// The locale used when nothing better is known.
pub const DEFAULT_LOCALE: &str = "en_US";

/// The languages that pages and shipped mails are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// English (`en_US`), the default
    En,
    /// German (`de_DE`)
    De,
    /// Spanish (`es_ES`)
    Es,
    /// French (`fr_FR`)
    Fr,
    /// Brazilian Portuguese (`pt_BR`)
    PtBr,
    /// Japanese (`ja_JP`)
    Ja,
    /// Simplified Chinese (`zh_CN`)
    ZhCn,
    /// Arabic (`ar`), written from right to left
    Ar,
}

impl Language {
    /// Every language, the default first.
    pub const ALL: [Self; 8] = [Self::En, Self::De, Self::Es, Self::Fr, Self::PtBr, Self::Ja, Self::ZhCn, Self::Ar];

    /// The language for a locale: by its language part, since each is written once; else English.
    pub fn of(locale: &str) -> Self {
        Self::find(locale).unwrap_or(Self::En)
    }

    /// The language for a locale, if it is among those.
    pub fn find(locale: &str) -> Option<Self> {
        let part = locale.trim().split(['_', '-', '.', '@']).next().unwrap_or_default();
        Some(match part.to_ascii_lowercase().as_str() {
            "en" => Self::En,
            "de" => Self::De,
            "es" => Self::Es,
            "fr" => Self::Fr,
            "pt" => Self::PtBr,
            "ja" => Self::Ja,
            "zh" => Self::ZhCn,
            "ar" => Self::Ar,
            _ => return None,
        })
    }

    /// The locale that names this language, as WSO2 spells locales.
    pub fn locale(self) -> &'static str {
        match self {
            Self::En => "en_US",
            Self::De => "de_DE",
            Self::Es => "es_ES",
            Self::Fr => "fr_FR",
            Self::PtBr => "pt_BR",
            Self::Ja => "ja_JP",
            Self::ZhCn => "zh_CN",
            Self::Ar => "ar",
        }
    }

    /// The BCP 47 tag for the `lang` attribute: the language the text really is in, whatever was asked for.
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Es => "es",
            Self::Fr => "fr",
            Self::PtBr => "pt-BR",
            Self::Ja => "ja",
            Self::ZhCn => "zh-Hans",
            Self::Ar => "ar",
        }
    }

    /// The writing direction for the `dir` attribute.
    pub fn dir(self) -> &'static str {
        if self == Self::Ar { "rtl" } else { "ltr" }
    }
}

/// Spells a locale the way templates are stored: `en-us` and `EN_us` become `en_US`, `pt` stays `pt`.
///
/// Anything that is not letters and digits in at most three parts gives `None`, so that a locale can be used as
/// a key or in a path without further checks.
pub fn normalise(locale: &str) -> Option<String> {
    let parts: Vec<&str> = locale.trim().split(['_', '-']).collect();
    let (language, rest) = parts.split_first()?;
    if !(2..=3).contains(&language.len()) || !language.bytes().all(|b| b.is_ascii_alphabetic()) || rest.len() > 2 {
        return None;
    }
    let mut spelt = language.to_ascii_lowercase();
    for part in rest {
        if !(2..=8).contains(&part.len()) || !part.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return None;
        }
        spelt.push('_');
        // a script (`Hans`) is written with one capital, a region (`BR`) in capitals
        if part.len() == 4 && part.bytes().all(|b| b.is_ascii_alphabetic()) {
            spelt.push_str(&part[..1].to_ascii_uppercase());
            spelt.push_str(&part[1..].to_ascii_lowercase());
        } else {
            spelt.push_str(&part.to_ascii_uppercase());
        }
    }
    Some(spelt)
}

/// A moment in words, in UTC and to the minute: `Thursday, March 5, 2026, 14:00 UTC`.
///
/// Seconds are dropped, not rounded, so that a link is never said to live longer than it does. A moment outside
/// the calendar (years 1970 to 9999) gives the nearest one inside it.
pub fn date_time(unix_seconds: i64, language: Language) -> String {
    let latest = 253_402_300_799; // 9999-12-31T23:59:59Z
    let Some(moment) = Moment::of(unix_seconds.clamp(0, latest)) else { return String::new() };
    let words = words::of(language);
    let nth = |names: &[&'static str], index: i64| {
        usize::try_from(index).ok().and_then(|index| names.get(index).copied()).unwrap_or_default()
    };
    super::text::fill(
        words.date_time,
        &[
            ("weekday", nth(&words.weekdays, moment.weekday)),
            ("day", &moment.day.to_string()),
            ("month", nth(&words.months, moment.month - 1)),
            ("year", &moment.year.to_string()),
            ("time", &format!("{:02}:{:02}", moment.hour, moment.minute)),
        ],
    )
}

/// The year of a moment, in UTC.
pub fn year(unix_seconds: i64) -> i64 {
    Moment::of(unix_seconds).map_or(1970, |moment| moment.year)
}

/// How long to wait, in words: in seconds up to two minutes, then in minutes, rounded up.
pub fn pause(seconds: u32, language: Language) -> String {
    let words = words::of(language);
    let seconds = u64::from(seconds.max(1));
    if seconds < 120 { (words.seconds)(seconds) } else { (words.minutes)(seconds.div_ceil(60)) }
}

/// A length of time in words: `24 hours`, `7 days`, `90 minutes`.
///
/// Rounded down to a unit that reads well, never up; at least one minute.
pub fn duration(seconds: i64, language: Language) -> String {
    let words = words::of(language);
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
    fn locales_are_spelt_one_way() {
        for (given, spelt) in [
            ("en-us", Some("en_US")),
            ("PT_br", Some("pt_BR")),
            ("pt", Some("pt")),
            ("zh-hans-cn", Some("zh_Hans_CN")),
            (" de ", Some("de")),
            ("es-419", Some("es_419")),
            ("", None),
            ("e", None),
            ("en_", None),
            ("../en", None),
            ("en_US.UTF-8", None),
            ("en_US_x_y", None),
        ] {
            assert_eq!(normalise(given).as_deref(), spelt, "{given}");
        }
    }

    #[test]
    fn fallback_goes_by_language_then_default() {
        assert_eq!(Language::of("pt_PT"), Language::PtBr);
        assert_eq!(Language::of("tlh"), Language::En);
        for language in Language::ALL {
            assert_eq!(Language::of(language.locale()), language);
            assert_eq!(Language::of(language.tag()), language);
        }
    }

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
        fn nothing_panics(locale in ".{0,20}", seconds in any::<i64>()) {
            if let Some(spelt) = normalise(&locale) {
                prop_assert_eq!(normalise(&spelt), Some(spelt.clone()));
            }
            for language in Language::ALL {
                date_time(seconds, language);
                duration(seconds, language);
            }
        }
    }
}
