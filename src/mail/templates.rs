//! A tenant's own templates made ready for rendering, beside the shipped ones.

use std::collections::HashMap;

use crate::mail::render::addresses::{self, LinkPolicy};
use crate::mail::render::{self, html};
use crate::mail::template::Template;
use crate::model::mail_template::{ContentType, TenantTemplate};
use crate::store::mail_templates::versions::VersionKey;

impl From<&TenantTemplate> for Template {
    fn from(own: &TenantTemplate) -> Self {
        let TenantTemplate { subject, body, footer, text, .. } = own;
        match own.content_type {
            ContentType::Html => Self { subject: subject.clone(), html: with_footer(body, footer), text: text.clone() },
            ContentType::Text => {
                let joint = if footer.is_empty() { "" } else { "\n" };
                let whole = format!("{body}{joint}{footer}");
                let html = match whole.trim() {
                    "" => String::new(),
                    _ => format!("<div style=\"white-space:pre-wrap\">{}</div>", html::escape(&whole)),
                };
                Self { subject: subject.clone(), html, text: if text.is_empty() { whole } else { text.clone() } }
            }
        }
    }
}

impl From<&Template> for TenantTemplate {
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

/// The tenants' own templates that the mails of a batch are written by.
#[derive(Debug, Default)]
pub struct Templates(HashMap<VersionKey, Result<Template, String>>);

/// The template that a mail is written by.
#[derive(Clone, Copy, Debug)]
pub struct ChosenTemplate<'t> {
    /// The template.
    pub template: &'t Template,
    /// Why it is the shipped one, where the tenant has its own.
    pub why_shipped: Option<&'t str>,
}

impl Templates {
    /// Adds the templates that `mail_templates::versions` has read; `policy` says where a tenant's links may lead. One that
    /// was stored before its rules were in force, or under other settings, is held to them here.
    pub fn extend(&mut self, read: HashMap<VersionKey, TenantTemplate>, policy: impl Fn(u64) -> LinkPolicy) {
        let look_over = |(tenant, _, _): &VersionKey, own: &TenantTemplate| {
            let template = Template::from(own);
            match addresses::problems(&template, &policy(*tenant)).first() {
                None => Ok(template),
                Some(problem) => Err(format!("written by the shipped template: {problem}")),
            }
        };
        self.0.extend(read.iter().map(|(key, own)| (*key, look_over(key, own))));
    }

    /// The template of a mail: the shipped one also where the tenant's own must not be used, or was not read (a version is
    /// never deleted; were it gone all the same, the shipped one has the same link).
    #[must_use]
    pub fn choose(&self, (tenant, kind, version): VersionKey, locale: &str) -> ChosenTemplate<'_> {
        match self.0.get(&(tenant, kind, version)) {
            Some(Ok(template)) => ChosenTemplate { template, why_shipped: None },
            found => ChosenTemplate {
                template: render::shipped(kind, locale),
                why_shipped: found.and_then(|found| found.as_ref().err()).map(String::as_str),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_footer_ends_the_page_and_plain_text_is_shown_as_written() {
        let html = |body: &str, footer: &str, content_type| {
            let (subject, text) = (String::new(), String::new());
            Template::from(&TenantTemplate { content_type, subject, body: body.into(), footer: footer.into(), text })
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
