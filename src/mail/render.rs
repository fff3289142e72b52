//! From a template and values to a mail: subject, HTML part, text part.
//!
//! `html` escapes by place, `clean` takes out harmful characters and `hosts` what reads as a host name, `plain` tells HTML in
//! text, `buffer` ends what grows too large, `shipped` holds the templates that come with Latchkey; `validate` looks over those
//! that do not, and `addresses` at where their links lead. Rendering is a pure function: the
//! same template and values give the same bytes, which is what makes a repeated send repeatable.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::i18n::Language;
use crate::i18n::fill::fill;
use crate::i18n::time::{date_time, duration, year};
use crate::mail::render::buffer::{Buffer, MAX_PART, TooLarge};
use crate::mail::template::{Piece, Template, Values, pieces};
use crate::model::logo::Logo;

pub mod addresses;
pub mod buffer;
pub(crate) mod clean;
mod hosts;
pub(crate) mod html;
mod plain;
pub mod problem;
pub mod shipped;
#[cfg(test)]
mod tests;
pub mod validate;

pub use shipped::shipped;

/// A finished mail.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// subject line: one line, without control characters, at most 160 characters
    pub subject: String,
    /// HTML part
    pub html: String,
    /// text part
    pub text: String,
}

// The parts hold a link.
impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rendered").finish_non_exhaustive()
    }
}

/// Puts the values into the template.
///
/// Values are clean, and are escaped for where they stand; they are never read as template text. A placeholder
/// nobody knows stays as it is written.
///
/// # Errors
/// [`TooLarge`]: a part would have more than 512 KiB. What was written of it by then is dropped.
pub fn render(template: &Template, values: &Values) -> Result<Rendered, TooLarge> {
    let subject = clean::subject(&literal(&template.subject, values)?);
    let html = html::render(&template.html, values)?;
    let text = if template.text.trim().is_empty() {
        plain::from_html(&html)
    } else {
        without_gaps(&literal(&template.text, values)?)
    };
    if text.len() > MAX_PART {
        return Err(TooLarge);
    }
    Ok(Rendered { subject, html, text })
}

/// Adds further accounts of the recipient's, each by its user name with its link, at the end of a mail.
pub fn add_accounts(mail: &mut Rendered, language: Language, accounts: &[(String, String)]) {
    let label = language.pages().user_name;
    let colon = language.colon();
    let mut html = String::new();
    for (name, link) in accounts {
        let name = clean::text(name);
        mail.text.push_str(&["\n", label, colon, " ", &name, "\n", link, "\n"].concat());
        let name = name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        html.push_str(
            &[
                r#"<p style="margin:16px;font:16px/25px Arial,sans-serif;text-align:center">"#,
                label,
                colon,
                " <strong><bdi>",
                &name,
                r#"</bdi></strong><br><a dir="ltr" href=""#,
                link,
                r#"" target="_blank">"#,
                link,
                "</a></p>\n",
            ]
            .concat(),
        );
    }
    let end = mail.html.rfind("</body>").unwrap_or(mail.html.len());
    mail.html.insert_str(end, &html);
}

/// Text with the values as they are, after cleaning.
fn literal(source: &str, values: &Values) -> Result<String, TooLarge> {
    let mut out = Buffer::for_source(source);
    for piece in pieces(source) {
        match piece {
            Piece::Literal(text) => out.push_str(text)?,
            Piece::Placeholder { name, url, source } => match values.get(name) {
                None => out.push_str(source)?,
                Some(value) if url => out.push_str(&form_encoded(value))?,
                Some(value) => out.push_str(value)?,
            },
        }
    }
    Ok(out.into_text())
}

/// Takes out trailing spaces and repeated blank lines, which empty values leave behind.
fn without_gaps(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank_before = true;
    for line in text.lines() {
        let line = line.trim_end();
        if !(line.is_empty() && blank_before) {
            out.push_str(line);
            out.push('\n');
        }
        blank_before = line.is_empty();
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// `application/x-www-form-urlencoded`: letters, digits and `*-._` stay, a space becomes `+`.
fn form_encoded(value: &str) -> String {
    const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_').remove(b' ');
    utf8_percent_encode(value, ENCODED).to_string().replace(' ', "+")
}

/// What a mail about an invitation can say. Leave empty what is not known.
#[derive(Clone, Copy, Default)]
pub struct InvitationMail<'a> {
    /// locale of the mail
    pub locale: &'a str,
    /// whether it is a reminder
    pub is_reminder: bool,
    /// the name the person signs in with, without the user store's domain
    pub user_name: &'a str,
    /// the organization, as people know it; "Latchkey" stands in for an empty one
    pub organization: &'a str,
    /// who invites; empty when that was a program
    pub inviter: &'a str,
    /// whole address of the page the mail leads to
    pub link: &'a str,
    /// the token alone
    pub code: &'a str,
    /// when the token was issued, in unix seconds
    pub issued_at: i64,
    /// when it expires, in unix seconds; `None` for never
    pub expires_at: Option<i64>,
    /// `PUBLIC_ORIGIN`
    pub origin: &'a str,
    /// the tenant's path: empty, or `/t/{tenant}`
    pub prefix: &'a str,
    /// the tenant's domain, such as `carbon.super`
    pub tenant_domain: &'a str,
    /// the user store's domain, such as `PRIMARY`
    pub userstore_domain: &'a str,
    /// where to sign in
    pub sign_in: &'a str,
    /// the address to write to for help
    pub support: &'a str,
    /// the colour of buttons and links; empty for the one that is shipped
    pub color: &'a str,
    /// the logo
    pub logo: Option<&'a Logo>,
    /// the address that is to take the place of the present one
    pub new_email: &'a str,
    /// the user's claims: WSO2's claim name (`givenname`, `lastname`, `emailaddress`) and value
    pub claims: &'a [(&'a str, &'a str)],
}

// Link and code are secret.
impl fmt::Debug for InvitationMail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InvitationMail")
            .field("locale", &self.locale)
            .field("user_name", &self.user_name)
            .field("issued_at", &self.issued_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// The values for a mail: what is known, and sentences made ready in the mail's language, so that a mail reads
/// well whatever is missing.
pub fn invitation_values(mail: &InvitationMail) -> Values {
    let language = Language::for_locale(mail.locale);
    let say = language.phrases();
    let organization = if mail.organization.trim().is_empty() { "Latchkey" } else { mail.organization };
    let organization = clean::text(organization);
    let (user_name, inviter) = (clean::text(mail.user_name), clean::text(mail.inviter));
    let given_name = mail.claims.iter().find(|(name, _)| *name == "givenname").map_or("", |(_, value)| value.trim());
    let given_name = clean::name(given_name);
    let (expires_at, expires_in) = match mail.expires_at {
        Some(at) => (date_time(at, language), duration(at.saturating_sub(mail.issued_at), language)),
        None => (say.never.to_owned(), say.never.to_owned()),
    };
    let or_else = |known: &str, with: &'static str, without: &'static str| {
        if known.trim().is_empty() { without } else { with }
    };
    let slots = [
        ("name", given_name.as_str()),
        ("inviter", &inviter),
        ("organization", &organization),
        ("when", &expires_at),
        ("duration", &expires_in),
        ("contact", mail.support),
    ];
    let sentence = |pattern: &str| fill(pattern, &slots);
    let reminding = |text: String| match mail.is_reminder {
        true => [say.reminder_sentence, &text].join(language.line_joint()),
        false => text,
    };
    let tenant_origin = format!("{}{}", mail.origin, mail.prefix);

    let mut values = Values::new();
    for (name, value) in mail.claims {
        values.set(format!("user.claim.{name}"), clean::claim(name, value));
    }
    values
        .set("user-name", user_name)
        .set("organization-name", organization.as_str())
        .set("inviter", inviter.as_str())
        .set("invitation-link", mail.link)
        .set("confirmation-link", mail.link)
        .set("reset-link", mail.link)
        .set("sign-in-link", mail.sign_in)
        .set("support-email", mail.support)
        .set("new-email-address", mail.new_email)
        .set("verification-pending-email", mail.new_email)
        .set("greeting", sentence(or_else(&given_name, say.greeting_named, say.greeting)))
        .set("invitation-sentence", sentence(or_else(&inviter, say.invited_by, say.invited)))
        .set(
            "expiry-sentence",
            reminding(sentence(if mail.expires_at.is_some() { say.expires } else { say.never_expires })),
        )
        .set("late-sentence", if mail.expires_at.is_some() { say.late } else { "" })
        .set("help-sentence", sentence(or_else(mail.support, say.help_contact, say.help)))
        .set("sign-in-sentence", sentence(or_else(mail.sign_in, say.sign_in, "")))
        .set("confirmation-code", mail.code)
        .set("account.recovery.endpoint-url", format!("{tenant_origin}/accountrecoveryendpoint"))
        .set("authentication.endpoint-url", mail.sign_in)
        .set("carbon.product-url", mail.origin)
        .set("product-url-with-user-tenant", tenant_origin.as_str())
        .set("tenant-domain", mail.tenant_domain)
        .set("userstore-domain", mail.userstore_domain)
        .set("current-year", year(mail.issued_at).to_string())
        .set("organization.support.mail", mail.support)
        .set("organization.logo.altText", organization.as_str())
        .set("organization.copyright.text", organization);
    set_brand(&mut values, mail.color, mail.logo, &tenant_origin);
    values.set("expires-at", expires_at).set("expires-in", expires_in);
    values
}

/// Sets the colour, unless it is empty, and the address of the logo, which is below `origin`.
pub fn set_brand(values: &mut Values, color: &str, logo: Option<&Logo>, origin: &str) {
    if !color.is_empty() {
        values.set("organization.color.primary", color);
    }
    if let Some(logo) = logo {
        values.set("organization.logo.img", format!("{origin}{}", logo.path()));
    }
}

/// Values to show a template with while it is being edited: an invitation from Ada to Paul.
pub fn sample_values(locale: &str, organization: &str) -> Values {
    let claims = [("givenname", "Paul"), ("lastname", "Smith"), ("emailaddress", "paul@example.com")];
    values_for(locale, organization, "paul", &claims)
}

/// The same, to somebody of this name with these claims.
pub fn values_for(locale: &str, organization: &str, user_name: &str, claims: &[(&str, &str)]) -> Values {
    invitation_values(&InvitationMail {
        locale,
        user_name,
        organization,
        inviter: "Ada Lovelace",
        link: "https://id.example.com/invite/lk1.sample",
        code: "lk1.sample",
        issued_at: 1_772_632_800,
        expires_at: Some(1_772_719_200),
        origin: "https://id.example.com",
        tenant_domain: "carbon.super",
        userstore_domain: "PRIMARY",
        sign_in: "https://app.example.com/login",
        support: "help@example.com",
        new_email: "paul.smith@example.org",
        claims,
        ..InvitationMail::default()
    })
}
