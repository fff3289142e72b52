//! Locales: how they are spelt, without any words.
//!
//! A locale comes from a user's `preferredLanguage`, from a tenant's settings or out of a token, so it may be
//! spelt `pt_BR`, `pt-br` or nonsense. [`Language`](crate::i18n::Language) has the languages themselves.

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
/// (`de_DE.UTF-8`, `de:en`). What weighs nothing, and what is no locale, is left out; equals stay in their order.
pub fn preferences(list: &str) -> Vec<String> {
    let mut weighed: Vec<(String, f32)> = list
        .split([',', ':'])
        .filter_map(|entry| {
            let mut parts = entry.split(';');
            let locale = spelt(parts.next().unwrap_or_default())?;
            let weight = parts.find_map(|parameter| {
                let (name, value) = parameter.split_once('=')?;
                name.trim().eq_ignore_ascii_case("q").then(|| value.trim().parse::<f32>().ok())?
            });
            // What cannot be read is no weight, and a locale without one weighs most.
            let weight = weight.filter(|weight| weight.is_finite()).unwrap_or(1.0).min(1.0);
            (weight > 0.0).then_some((locale, weight))
        })
        .collect();
    weighed.sort_by(|one, other| other.1.total_cmp(&one.1));
    weighed.into_iter().map(|(locale, _)| locale).collect()
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

/// Whether a locale means Chinese in traditional characters: by its script, else by its region.
pub fn is_traditional_chinese(locale: &str) -> bool {
    let mut parts = locale.split(['_', '-', '.', '@']);
    if !parts.next().is_some_and(|language| language.eq_ignore_ascii_case("zh")) {
        return false;
    }
    let rest: Vec<String> = parts.map(str::to_ascii_lowercase).collect();
    let has = |part: &str| rest.iter().any(|known| known == part);
    !has("hans") && ["hant", "tw", "hk", "mo"].into_iter().any(has)
}

/// Whether who reads one of these locales reads a text in the other: the same language, in the same script as far as
/// they say.
pub fn is_written_alike(one: &str, other: &str) -> bool {
    let language = |locale: &str| locale.split(['_', '-']).next().unwrap_or_default().to_ascii_lowercase();
    let script = |locale: &str| {
        let is_script = |part: &&str| part.len() == 4 && part.bytes().all(|byte| byte.is_ascii_alphabetic());
        locale.split(['_', '-']).skip(1).find(is_script).map(str::to_ascii_lowercase)
    };
    if language(one) != language(other) || is_traditional_chinese(one) != is_traditional_chinese(other) {
        return false;
    }
    match (script(one), script(other)) {
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
            ("de;q=x,fr;q=0.9", &["de", "fr"]),
            ("fr;q=NaN,de;q=7", &["fr", "de"]),
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
        for traditional in ["zh_TW", "zh-Hant", "ZH_hk", "zh_MO", "zh_Hant_CN", "zh_TW.UTF-8"] {
            assert!(is_traditional_chinese(traditional), "{traditional}");
            assert!(
                !is_written_alike(traditional, "zh_CN") && is_written_alike(traditional, "zh_Hant"),
                "{traditional}"
            );
        }
        for other in ["zh", "zh_CN", "zh_SG", "zh_Hans", "zh_Hans_TW", "ja_TW", "tw", ""] {
            assert!(!is_traditional_chinese(other), "{other}");
        }
        assert!(is_written_alike("pt_BR", "pt") && is_written_alike("sr_Latn", "sr_RS"));
        assert!(!is_written_alike("sr_Latn", "sr_Cyrl_RS") && !is_written_alike("de", "en"));
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
