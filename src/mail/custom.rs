//! A tenant's own templates: their form, and which of them, or of the shipped ones, a mail is written by.
//!
//! `store` keeps them in the database, `preview` shows them to whoever edits them. `docs/mail.md` tells the order of the choice.

pub mod preview;

use std::collections::HashMap;
use std::sync::Arc;

use crate::base::locale::{DEFAULT_LOCALE, MAX_LOCALE, normalise};
use crate::i18n::Language;
use crate::mail::render::{self, html};
use crate::mail::template::Template;
use crate::model::mail::TemplateType;

/// What a body and its footer are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentType {
    /// HTML.
    Html,
    /// Plain text.
    Text,
}

impl ContentType {
    /// Reads a media type, whatever its parameters: `text/html` or `text/plain`.
    #[must_use]
    pub fn parse(media_type: &str) -> Option<Self> {
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        [Self::Html, Self::Text].into_iter().find(|known| known.as_str().eq_ignore_ascii_case(essence))
    }

    /// The media type.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Html => "text/html",
            Self::Text => "text/plain",
        }
    }
}

/// A template as it was sent to us, in the form of WSO2's API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Custom {
    /// What `body` and `footer` are.
    pub content_type: ContentType,
    /// The subject line.
    pub subject: String,
    /// The mail.
    pub body: String,
    /// What follows it; WSO2 keeps it apart.
    pub footer: String,
    /// The text part; empty (WSO2 knows none) when it is made from the body.
    pub text: String,
}

impl Custom {
    /// Its length in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.subject.len() + self.body.len() + self.footer.len() + self.text.len()
    }

    /// The template to render.
    #[must_use]
    pub fn template(&self) -> Template {
        let Self { subject, body, footer, text, .. } = self;
        match self.content_type {
            ContentType::Html => {
                Template { subject: subject.clone(), html: with_footer(body, footer), text: text.clone() }
            }
            ContentType::Text => {
                let joint = if footer.is_empty() { "" } else { "\n" };
                let whole = format!("{body}{joint}{footer}");
                let html = match whole.trim() {
                    "" => String::new(),
                    _ => format!("<div style=\"white-space:pre-wrap\">{}</div>", html::escape(&whole)),
                };
                Template { subject: subject.clone(), html, text: if text.is_empty() { whole } else { text.clone() } }
            }
        }
    }
}

impl From<&Template> for Custom {
    fn from(template: &Template) -> Self {
        Self {
            content_type: ContentType::Html,
            subject: template.subject.clone(),
            body: template.html.clone(),
            footer: String::new(),
            text: template.text.clone(),
        }
    }
}

/// The footer stands at the end of the page, inside it where the page says where it ends.
fn with_footer(body: &str, footer: &str) -> String {
    let end = body.to_ascii_lowercase().rfind("</body").unwrap_or(body.len());
    let (before, after) = body.split_at(end);
    format!("{before}{footer}{after}")
}

/// One of a tenant's templates of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// Its locale.
    pub locale: String,
    /// Its version.
    pub version: u32,
}

/// What a mail is written by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The locale of the mail and of the page behind its link.
    pub locale: String,
    /// The tenant's version; 0 for the shipped template.
    pub version: u32,
}

/// Chooses the template for a person who reads `wanted`, best first. For each of these languages: the tenant's own
/// template, else the shipped one. When neither speaks any of them, the same for the tenant's default, then for English.
#[must_use]
pub fn choose(wanted: &[String], default: &str, own: &[Own]) -> Choice {
    let wanted = wanted.iter().map(String::as_str).chain([default, DEFAULT_LOCALE]);
    wanted
        .filter_map(|locale| normalise(locale).filter(|locale| locale.len() <= MAX_LOCALE))
        .find_map(|locale| {
            let version = match best(own, &locale) {
                Some(own) => own.version,
                None => Language::find(&locale).map(|_| 0)?,
            };
            Some(Choice { locale, version })
        })
        // Not reached: English is shipped.
        .unwrap_or_else(|| Choice { locale: DEFAULT_LOCALE.to_owned(), version: 0 })
}

/// The tenant's template for a locale: exactly its own, that of the language alone (`pt_BR` -> `pt`), or that of another
/// region, the one which the shipped templates are written for first.
fn best<'o>(own: &'o [Own], locale: &str) -> Option<&'o Own> {
    let of = |locale: &str| own.iter().find(|own| own.locale == locale);
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
    let shipped = Language::find(spelt).and_then(|language| of(language.locale()));
    let same_language = own.iter().filter(|own| own.locale.split('_').next() == Some(spelt));
    shipped.or_else(|| same_language.min_by(|a, b| a.locale.cmp(&b.locale)))
}

/// The tenants' own templates that the mails of a batch are written by.
#[derive(Clone, Debug, Default)]
pub struct Templates(pub HashMap<(u64, TemplateType, u32), Arc<Template>>);

impl Templates {
    /// Adds all of `others`.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// The template of a mail; `None` when it is a version that has not been read.
    #[must_use]
    pub fn get(&self, tenant: u64, kind: TemplateType, version: u32, locale: &str) -> Option<&Template> {
        match version {
            0 => Some(render::shipped(kind, locale)),
            _ => self.0.get(&(tenant, kind, version)).map(Arc::as_ref),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(locales: &[&str]) -> Vec<Own> {
        let numbered = locales.iter().zip(1..);
        numbered.map(|(locale, version)| Own { locale: (*locale).to_owned(), version }).collect()
    }

    fn chosen(wanted: &[&str], default: &str, locales: &[&str]) -> (String, String) {
        let wanted: Vec<String> = wanted.iter().map(|locale| (*locale).to_owned()).collect();
        let choice = choose(&wanted, default, &own(locales));
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
            (&["nonsense!"], "", &[], "en_US", "shipped"),
        ] {
            let found = chosen(wanted, default, locales);
            assert_eq!((found.0.as_str(), found.1.as_str()), (locale, template), "{wanted:?} {default} {locales:?}");
        }
    }

    #[test]
    fn a_footer_ends_the_page_and_plain_text_is_shown_as_written() {
        let html = |body: &str, footer: &str, content_type| {
            let (subject, text) = (String::new(), String::new());
            Custom { content_type, subject, body: body.into(), footer: footer.into(), text }.template()
        };
        assert_eq!(html("<BODY>a</BODY></html>", "f", ContentType::Html).html, "<BODY>af</BODY></html>");
        assert_eq!(html("a", "f", ContentType::Html).html, "af");
        let plain = html("a <b> & {{user-name}}\n  c", "---", ContentType::Text);
        assert_eq!(plain.text, "a <b> & {{user-name}}\n  c\n---");
        assert_eq!(plain.html, "<div style=\"white-space:pre-wrap\">a &lt;b&gt; &amp; {{user-name}}\n  c\n---</div>");
        assert_eq!(html(" ", "", ContentType::Text).html, "");
        assert_eq!(ContentType::parse("Text/HTML; charset=UTF-8"), Some(ContentType::Html));
        assert_eq!(ContentType::parse("application/json"), None);
    }
}
