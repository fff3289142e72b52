//! Locales: how they are spelt, without any words.
//!
//! A locale comes from a user's `preferredLanguage`, from a tenant's settings or out of a token, so it may be
//! spelt `pt_BR`, `pt-br` or nonsense. [`Language`](crate::i18n::Language) has the languages themselves.

use crate::base::ordered;

/// The locale used when nothing better is known.
pub const DEFAULT_LOCALE: &str = "en_US";

/// The longest locale that settings and tokens carry, in bytes (`zh_Hans_CN` has ten).
pub const MAX_LOCALE: usize = 16;

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

/// Returns the locales that a person reads, best first, of a list as `Accept-Language` has it (RFC 9110 section 12.5.4),
/// which is what `preferredLanguage` holds (RFC 7643 section 4.1.1), or one as an operating system has it
/// (`de_DE.UTF-8`, `de:en`). What weighs nothing, or what nobody can say, and what is no locale, is left out; equals stay in
/// their order.
pub fn preferences(list: &str) -> Vec<String> {
    let mut weighed: Vec<(String, f32)> = list
        .split([',', ':'])
        .filter_map(|entry| {
            let mut parts = entry.split(';');
            let locale = spelt(parts.next().unwrap_or_default())?;
            let weight = parts.find_map(|parameter| {
                let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
                name.trim().eq_ignore_ascii_case("q").then(|| weight(value.trim()))
            });
            // A locale without a weight weighs most; one whose weight cannot be read counts for nothing.
            let weight = weight.unwrap_or(Some(1.0))?;
            (weight > 0.0).then_some((locale, weight))
        })
        .collect();
    ordered::sort_by(&mut weighed, |one, other| other.1.total_cmp(&one.1));
    weighed.into_iter().map(|(locale, _)| locale).collect()
}

/// Returns a weight, from 0 to 1; `None` for what is none.
fn weight(text: &str) -> Option<f32> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|weight| is_plain && (0.0..=1.0).contains(weight))
}

/// Whether a text is a list of languages rather than one locale.
pub fn is_list(text: &str) -> bool {
    text.contains([',', ';'])
}

/// Returns a locale without what says nothing of the language: an encoding, a modifier, extensions and variants.
fn spelt(locale: &str) -> Option<String> {
    let plain = locale.trim().split(['.', '@']).next().unwrap_or_default();
    let parts = plain.split(['_', '-']).take_while(|part| part.len() != 1);
    let mut parts: Vec<&str> = parts.take(3).collect();
    loop {
        if let Some(spelt) = normalise(&parts.join("_")).filter(|spelt| spelt.len() <= MAX_LOCALE) {
            return Some(spelt);
        }
        parts.pop()?;
    }
}

/// The language of a locale, in lower case. A language that is spelt as a kind of Chinese (`zh_yue`, RFC 5646 section 2.2.2)
/// is one of its own, but for Mandarin, which is what `zh` means.
fn language(locale: &str) -> String {
    let mut parts = subtags(locale);
    let first = parts.next().unwrap_or_default();
    let is_language = |part: &String| part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_alphabetic());
    match parts.next().filter(is_language) {
        Some(kind) if first == "zh" && kind != "cmn" => kind,
        _ => first,
    }
}

/// The script of a locale: as it says, else as the language is written there; `None` where that is not known here.
fn script(locale: &str) -> Option<String> {
    let is_script = |part: &String| part.len() == 4 && part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let named = subtags(locale).skip(1).find(is_script).map(|script| match script.as_str() {
        // Fraktur and Gaelic are letters of other shapes.
        "latf" | "latg" => "latn".to_owned(),
        _ => script,
    });
    let is_traditional = || subtags(locale).skip(1).any(|part| matches!(part.as_str(), "tw" | "hk" | "mo"));
    let usual = || match language(locale).as_str() {
        "zh" if is_traditional() => Some("hant"),
        "zh" => Some("hans"),
        "ja" => Some("jpan"),
        "ar" => Some("arab"),
        "en" | "de" | "es" | "fr" | "pt" => Some("latn"),
        _ => None,
    };
    named.or_else(|| usual().map(str::to_owned))
}

/// What a locale is made of, in lower case.
fn subtags(locale: &str) -> impl Iterator<Item = String> {
    locale.trim().split(['_', '-', '.', '@']).map(str::to_ascii_lowercase)
}

/// Whether who reads one of these locales reads a text in the other: the same language, in the same script as far as
/// they say, or as the language is written.
pub fn is_written_alike(one: &str, other: &str) -> bool {
    language(one) == language(other)
        && match (script(one), script(other)) {
            (Some(one), Some(other)) => one == other,
            _ => true,
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
    fn preferences_go_by_their_weights() {
        for (list, best_first) in [
            ("fr;q=0.5,de", &["de", "fr"][..]),
            ("fr;q=0.5, de;q=0.8, ja;q=0.9", &["ja", "de", "fr"]),
            ("en-US,en;q=0.9,de;q=0.8", &["en_US", "en", "de"]),
            ("de;q=0,fr", &["fr"]),
            ("de;q=0.000", &[]),
            ("fr ; Q = 0.1 , de ; level=1 ; q=0.2", &["de", "fr"]),
            ("*;q=0.9,de;q=0.1", &["de"]),
            ("de;q=x,fr;q=0.9", &["fr"]),
            ("fr;q=abc,de", &["de"]),
            ("fr;q=,de;q=0.1", &["de"]),
            ("fr;q,de;q=0.1", &["de"]),
            ("fr;q=NaN,de;q=7,ja;q=0.1", &["ja"]),
            ("fr;q=-1,de;q=1e0,ja;q=1.000", &["ja"]),
            ("fr;q=0.5;q=x,de;q=0.4", &["fr", "de"]),
            ("de_DE.UTF-8", &["de_DE"]),
            ("de_DE@euro", &["de_DE"]),
            ("de:fr_FR.ISO-8859-1", &["de", "fr_FR"]),
            ("C.UTF-8", &[]),
            ("POSIX,,;q=1", &[]),
            ("de-DE-u-co-phonebk", &["de_DE"]),
            ("de-Latn-DE-1996", &["de_Latn_DE"]),
            ("de-x-private", &["de"]),
            ("zh-Hant-TW", &["zh_Hant_TW"]),
        ] {
            assert_eq!(preferences(list), best_first, "{list}");
        }
    }

    #[test]
    fn scripts_of_one_language_are_told_apart() {
        for (reads, written, alike) in [
            ("zh_TW", "zh_CN", false),
            ("zh-Hant", "zh_CN", false),
            ("ZH_hk", "zh_CN", false),
            ("zh_MO", "zh_Hant", true),
            ("zh_Hant_CN", "zh_CN", false),
            ("zh_TW.UTF-8", "zh_Hant", true),
            ("zh", "zh_CN", true),
            ("zh_SG", "zh_CN", true),
            ("zh_Hans_TW", "zh_CN", true),
            ("zh_Latn", "zh_CN", false),
            ("zh_Latn_CN", "zh_CN", false),
            ("zh_Hani", "zh_CN", false),
            ("zh_Bopo", "zh_CN", false),
            ("zh_yue", "zh_CN", false),
            ("zh_YUE_HK", "zh_CN", false),
            ("zh_min", "zh_CN", false),
            ("zh_yue", "yue_HK", true),
            ("yue", "zh_CN", false),
            ("zh_cmn", "zh_CN", true),
            ("zh_cmn_Hans", "zh_CN", true),
            ("zh_cmn_Hant", "zh_CN", false),
            ("ja_Latn", "ja_JP", false),
            ("ja_Hira", "ja_JP", false),
            ("ja_Jpan_JP", "ja_JP", true),
            ("ar_Latn", "ar", false),
            ("ar_Arab_EG", "ar", true),
            ("de_Latf", "de_DE", true),
            ("de_Latn_AT", "de_DE", true),
            ("en_Cyrl", "en_US", false),
            ("pt_BR", "pt", true),
            ("sr_Latn", "sr_RS", true),
            ("sr_Latn", "sr_Cyrl_RS", false),
            ("de", "en", false),
        ] {
            assert_eq!(is_written_alike(reads, written), alike, "{reads} {written}");
            assert_eq!(is_written_alike(written, reads), alike, "{written} {reads}");
        }
    }

    proptest! {
        #[test]
        fn every_preference_is_a_locale(list in "[a-zA-Z_,;:=.@*q0-9 -]{0,60}|.{0,40}") {
            for locale in preferences(&list) {
                prop_assert_eq!(normalise(&locale), Some(locale));
            }
        }

        #[test]
        fn a_spelling_is_its_own(locale in ".{0,20}") {
            if let Some(spelt) = normalise(&locale) {
                prop_assert_eq!(normalise(&spelt), Some(spelt.clone()));
            }
        }
    }
}
