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

    proptest! {
        #[test]
        fn a_spelling_is_its_own(locale in ".{0,20}") {
            if let Some(spelt) = normalise(&locale) {
                prop_assert_eq!(normalise(&spelt), Some(spelt.clone()));
            }
        }
    }
}
