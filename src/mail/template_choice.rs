//! Which template a mail is written by, in which language: one of the tenant's own, or of the shipped ones.
//!
//! `docs/mail.md` tells the order of the choice.

use crate::base::locale::{DEFAULT_LOCALE, MAX_LOCALE, is_written_alike, normalise, preferences};
use crate::i18n::Language;
use crate::model::mail_template::TemplateVersion;
use crate::store::outbox::due::Person;

/// The template that a mail is written by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateChoice {
    /// The locale of the mail and of the page behind its link.
    pub locale: String,
    /// The tenant's version; 0 for the shipped template.
    pub version: u32,
}

/// Returns the template for a person who reads `wanted`, best first. For each of these languages: the tenant's own
/// template, else the shipped one. When neither speaks any of them, the same for the tenant's default, then for English.
#[must_use]
pub fn select_template(wanted: &[String], default: &str, own: &[TemplateVersion]) -> TemplateChoice {
    let wanted = wanted.iter().map(String::as_str).chain([default, DEFAULT_LOCALE]);
    wanted
        .filter_map(|locale| normalise(locale).filter(|locale| locale.len() <= MAX_LOCALE))
        .find_map(|locale| {
            let version = match best_version(own, &locale) {
                Some(own) => own.version,
                None => Language::find(&locale).map(|_| 0)?,
            };
            Some(TemplateChoice { locale, version })
        })
        // Not reached: English is shipped.
        .unwrap_or_else(|| TemplateChoice { locale: DEFAULT_LOCALE.to_owned(), version: 0 })
}

/// The tenant's template for a locale: exactly its own, that of the language alone (`pt_BR` -> `pt`), or that of another
/// region, the one which the shipped templates are written for first.
fn best_version<'o>(own: &'o [TemplateVersion], locale: &str) -> Option<&'o TemplateVersion> {
    let of = |name: &str| own.iter().find(|own| own.locale == name && is_written_alike(name, locale));
    let mut spelt = locale;
    loop {
        if let Some(found) = of(spelt) {
            return Some(found);
        }
        match spelt.rsplit_once('_') {
            Some((less, _)) => spelt = less,
            None => break,
        }
    }
    let shipped = Language::find(locale).and_then(|language| of(language.locale()));
    let same_language = own.iter().filter(|own| is_written_alike(&own.locale, locale));
    shipped.or_else(|| same_language.min_by(|a, b| a.locale.cmp(&b.locale)))
}

/// The person's languages, best first: `preferredLanguage`, then `locale`.
#[must_use]
pub fn languages(person: &Person) -> Vec<String> {
    [&person.preferred_language, &person.locale].into_iter().flatten().flat_map(|list| preferences(list)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(locales: &[&str]) -> Vec<TemplateVersion> {
        let numbered = locales.iter().zip(1..);
        numbered.map(|(locale, version)| TemplateVersion { locale: (*locale).to_owned(), version }).collect()
    }

    fn chosen(wanted: &[&str], default: &str, locales: &[&str]) -> (String, String) {
        let wanted: Vec<String> = wanted.iter().map(|locale| (*locale).to_owned()).collect();
        let choice = select_template(&wanted, default, &own(locales));
        let name = match choice.version {
            0 => "shipped".to_owned(),
            version => locales[version as usize - 1].to_owned(),
        };
        (choice.locale, name)
    }

    #[test]
    fn the_persons_language_decides_and_within_it_the_tenants_own_template() {
        for (wanted, default, locales, locale, template) in [
            (&["pt_BR"][..], "en_US", &["pt", "pt_BR"][..], "pt_BR", "pt_BR"),
            (&["pt_BR"], "en_US", &["pt", "en_US"], "pt_BR", "pt"),
            // a region of the same language is better than no template of one's own
            (&["de_AT"], "en_US", &["de_CH", "de_DE"], "de_AT", "de_DE"),
            (&["de_AT"], "en_US", &["de_LI", "de_CH"], "de_AT", "de_CH"),
            (&["pt"], "en_US", &["pt_BR"], "pt", "pt_BR"),
            (&["zh_Hans_CN"], "en_US", &["zh_Hans"], "zh_Hans_CN", "zh_Hans"),
            // a shipped template in the person's language beats the tenant's own in a foreign one
            (&["fr_FR"], "de_DE", &["de_DE", "en_US"], "fr_FR", "shipped"),
            // a language that only the tenant writes
            (&["sv_SE"], "en_US", &["sv_SE"], "sv_SE", "sv_SE"),
            // nobody writes the first, somebody the second
            (&["tlh", "fr"], "de_DE", &[], "fr", "shipped"),
            // nobody writes any: the tenant's default, own before shipped, then English
            (&["tlh"], "de_DE", &["de_DE"], "de_DE", "de_DE"),
            (&["tlh"], "de_DE", &["en_US"], "de_DE", "shipped"),
            (&["tlh"], "sv_SE", &["en_US"], "en_US", "en_US"),
            (&[], "ja_JP", &[], "ja_JP", "shipped"),
            // who reads traditional characters is not written to in simplified ones
            (&["zh_TW"], "de_DE", &[], "de_DE", "shipped"),
            (&["zh_Hant"], "de_DE", &["zh_CN"], "de_DE", "shipped"),
            (&["zh_HK", "fr"], "de_DE", &["zh_CN"], "fr", "shipped"),
            (&["zh_TW"], "zh_CN", &[], "zh_CN", "shipped"),
            (&["zh_HK"], "de_DE", &["zh_CN", "zh_TW"], "zh_HK", "zh_TW"),
            (&["zh_SG"], "de_DE", &["zh_TW"], "zh_SG", "shipped"),
            (&["zh_Hans_TW"], "de_DE", &[], "zh_Hans_TW", "shipped"),
            (&["zh_Latn"], "de_DE", &["zh_CN"], "de_DE", "shipped"),
            (&["zh_Hani"], "de_DE", &["zh"], "de_DE", "shipped"),
            (&["ja_Latn"], "de_DE", &[], "de_DE", "shipped"),
            (&["ja_Latn"], "de_DE", &["ja_Latn"], "ja_Latn", "ja_Latn"),
            (&["zh_YUE"], "de_DE", &["zh_CN"], "de_DE", "shipped"),
            (&["zh_Latn"], "ja_JP", &[], "ja_JP", "shipped"),
            (&["nonsense!"], "", &[], "en_US", "shipped"),
        ] {
            let found = chosen(wanted, default, locales);
            assert_eq!((found.0.as_str(), found.1.as_str()), (locale, template), "{wanted:?} {default} {locales:?}");
        }
    }
}
