//! Mail templates and their placeholders. `render::validate` tells what makes one acceptable.
//!
//! The syntax is WSO2's: `{{name}}` stands for a value, `{{url:name}}` for the value in
//! `application/x-www-form-urlencoded` spelling. There are no conditions and no loops. A sentence that depends on
//! whether something is known is prepared in Rust and comes in as a value (`{{greeting}}`, `{{expiry-sentence}}`;
//! see `render::invitation_values`).
//!
//! A name is letters, digits, `.`, `_` and `-`, and a claim's (`user.claim.…`) any characters but braces: URNs and URLs
//! are names of claims. Whatever else stands between double braces is plain text.
//! A template is read once, from left to right, and values are never read as template text.

use std::collections::BTreeMap;
use std::fmt;

use crate::mail::render::clean;

/// The placeholders that whoever reads the value of can redeem.
pub const LINKS: &[&str] = &["invitation-link", "confirmation-link", "reset-link", "confirmation-code"];

/// What stands before a claim's name.
pub const CLAIM: &str = "user.claim.";

/// A template as it is stored and edited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// subject line
    pub subject: String,
    /// HTML part
    pub html: String,
    /// text part; when it is blank (a template pasted from WSO2 has none) the HTML is told in text instead
    pub text: String,
}

/// A placeholder that templates can rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placeholder {
    /// what stands between the braces
    pub name: &'static str,
    /// what it stands for
    pub meaning: &'static str,
    /// what it becomes when no value is given
    pub default: &'static str,
}

const fn known(name: &'static str, meaning: &'static str) -> Placeholder {
    Placeholder { name, meaning, default: "" }
}

const fn styled(name: &'static str, meaning: &'static str, default: &'static str) -> Placeholder {
    Placeholder { name, meaning, default }
}

/// Every placeholder with a meaning of its own. `user.claim.<name>` is known too, for any name.
pub const PLACEHOLDERS: &[Placeholder] = &[
    known("user-name", "the name the person signs in with"),
    known("organization-name", "the organization, as people know it"),
    known("inviter", "the name of the person who invites; empty when it is not known"),
    known("invitation-link", "the whole address of the set-password page"),
    known("confirmation-link", "the whole address of the confirm-address page"),
    known("reset-link", "the whole address of the page that sets a new password"),
    known("sign-in-link", "the address to sign in at; empty when it is not known"),
    known("support-email", "the address to write to for help; empty when there is none"),
    known("new-email-address", "the address that is to take the place of the present one"),
    known("verification-pending-email", "the same (WSO2)"),
    known("expires-at", "until when the link works, in words and UTC; or that it never expires"),
    known("expires-in", "how long the link works, in words; or that it never expires"),
    known("greeting", "ready-made: a greeting, with the given name when it is known"),
    known("invitation-sentence", "ready-made: who invites to what"),
    known("expiry-sentence", "ready-made: how long and until when the link works"),
    known("late-sentence", "ready-made: what to do when it is too late; empty when the link never expires"),
    known("help-sentence", "ready-made: whom to ask"),
    known("sign-in-sentence", "ready-made: words to put before {{sign-in-link}}; empty when that is"),
    known("confirmation-code", "the token alone, for templates that put the address together themselves (WSO2)"),
    known("account.recovery.endpoint-url", "where WSO2's confirmrecovery.do and confirmregistration.do are (WSO2)"),
    known("authentication.endpoint-url", "the address to sign in at (WSO2)"),
    known("carbon.product-url", "the origin of this service (WSO2)"),
    known("product-url-with-user-tenant", "the origin with the tenant's path (WSO2)"),
    known("tenant-domain", "the tenant's domain (WSO2)"),
    known("userstore-domain", "the user store's domain, such as PRIMARY (WSO2)"),
    known("current-year", "the year the mail was written in (WSO2)"),
    known("utm-parameters", "always empty (WSO2)"),
    known("callback", "always empty (WSO2)"),
    known("sp", "always empty (WSO2)"),
    known("spId", "always empty (WSO2)"),
    known("organization.logo.img", "the address of a logo (WSO2 branding)"),
    known("organization.logo.altText", "the text for the logo (WSO2 branding)"),
    known("organization.copyright.text", "the copyright line (WSO2 branding)"),
    known("organization.support.mail", "the address to write to for help (WSO2 branding)"),
    styled("organization.color.primary", "colour of buttons and links (WSO2 branding)", "#17596a"),
    styled("organization.color.background", "colour around the letter (WSO2 branding)", "#f4f5f6"),
    styled("organization.theme.background.color", "colour of the letter (WSO2 branding)", "#ffffff"),
    styled("organization.theme.border.color", "colour of its edge (WSO2 branding)", "#d9dee2"),
    styled("organization.font", "font family (WSO2 branding)", "Arial, sans-serif"),
    styled("organization.font.color", "colour of the writing (WSO2 branding)", "#1a2126"),
    styled("organization.button.font.color", "colour of the writing on buttons (WSO2 branding)", "#ffffff"),
];

/// The values a mail is rendered with.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<String, String>);

// The link is among them.
impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Values {
    /// No values.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a value, replacing an earlier one, as one line of visible text: once, however often a template has it. Any name
    /// will do; templates reach those that are spelt as placeholders are.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) -> &mut Self {
        self.0.insert(spelt(name.into()), clean::value(&value.into()));
        self
    }

    /// What a placeholder stands for: its value; else its default if it is a known one; else nothing for
    /// `user.claim.*`, as in WSO2. `None` means that it is unknown and stays in the mail as it is written.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(&*spelt(name.to_owned())).map(String::as_str).or_else(|| default_of(name))
    }
}

/// A placeholder's name as values are kept by: a claim's in the shortest spelling.
fn spelt(name: String) -> String {
    match name.strip_prefix(CLAIM) {
        Some(claim) => format!("{CLAIM}{}", claim_key(claim)),
        None => name,
    }
}

/// The name of a claim as values are kept by: in lower case, without what WSO2 and SCIM may put before the name of an
/// attribute of every user.
#[must_use]
pub fn claim_key(claim: &str) -> String {
    let lower = claim.to_ascii_lowercase();
    let short = ["http://wso2.org/claims/", "urn:scim:wso2:schema:", "urn:ietf:params:scim:schemas:core:2.0:user:"]
        .into_iter()
        .find_map(|start| lower.strip_prefix(start));
    short.map(str::to_owned).unwrap_or(lower)
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Values {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut values = Self::new();
        for (name, value) in pairs {
            values.set(name, value);
        }
        values
    }
}

/// The value of a known placeholder that none is given for; `None` for one that is not known.
pub(crate) fn default_of(name: &str) -> Option<&'static str> {
    if name.starts_with(CLAIM) {
        return Some("");
    }
    PLACEHOLDERS.iter().find(|known| known.name == name).map(|known| known.default)
}

/// A stretch of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'t> {
    /// plain text
    Literal(&'t str),
    /// a placeholder
    Placeholder {
        /// its name, without `url:`
        name: &'t str,
        /// whether it asked for the URL spelling
        url: bool,
        /// the whole of it, braces and all
        source: &'t str,
    },
}

/// Splits template text into plain stretches and placeholders. Nothing is lost: put together again, the pieces
/// are the source.
pub fn pieces(source: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = source;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some((piece, length)) = placeholder(rest) {
            rest = &rest[length..];
            return Some(piece);
        }
        // plain text up to the next pair of braces that opens a placeholder
        let mut from = 1;
        let end = loop {
            match rest.as_bytes()[from..].windows(2).position(|pair| pair == b"{{") {
                Some(at) if placeholder(&rest[from + at..]).is_some() => break from + at,
                Some(at) => from += at + 1,
                None => break rest.len(),
            }
        };
        let (literal, after) = rest.split_at(end);
        rest = after;
        Some(Piece::Literal(literal))
    })
}

/// The placeholder that `text` starts with, and its length in bytes.
fn placeholder(text: &str) -> Option<(Piece<'_>, usize)> {
    // Longer names than this do not exist; the limit keeps hostile input from being searched again and again. The name
    // of a claim ends at the next brace, so that nothing is searched twice.
    const LONGEST: usize = 160;
    let inner = text.strip_prefix("{{")?;
    let start = inner.trim_start_matches(' ');
    let is_claim = start.strip_prefix("url:").unwrap_or(start).starts_with(CLAIM);
    let limit = if is_claim { inner.len() } else { LONGEST };
    let close = inner.bytes().take(limit).position(|byte| byte == b'}' || byte == b'{')?;
    if !inner[close..].starts_with("}}") {
        return None;
    }
    let written = inner[..close].trim_matches(' ');
    let (name, url) = match written.strip_prefix("url:") {
        Some(name) => (name, true),
        None => (written, false),
    };
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    let spelt = is_claim || (!name.is_empty() && name.bytes().all(is_plain));
    let length = close + 4;
    spelt.then(|| (Piece::Placeholder { name, url, source: &text[..length] }, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_without_end_take_no_time() {
        let braces = "{{".repeat(100_000);
        assert_eq!(pieces(&braces).collect::<Vec<_>>(), [Piece::Literal(braces.as_str())]);
        let claims = "{{user.claim.".repeat(20_000);
        assert_eq!(pieces(&claims).collect::<Vec<_>>(), [Piece::Literal(claims.as_str())]);
    }

    #[test]
    fn the_name_of_a_claim_may_be_a_urn_a_url_or_anything() {
        for name in [
            "user.claim.urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
            "user.claim.http://wso2.org/claims/country",
            "user.claim.größe in m",
            "user.claim.",
        ] {
            for (before, is_url) in [("", false), ("url:", true)] {
                let source = format!("{{{{{before}{name}}}}}");
                let all = [Piece::Placeholder { name, url: is_url, source: &source }];
                assert_eq!(pieces(&source).collect::<Vec<_>>(), all);
            }
        }
        let long = format!("{{{{user.claim.{}}}}}", "x".repeat(5000));
        assert!(matches!(pieces(&long).next(), Some(Piece::Placeholder { .. })));
        for text in ["{{user.claim.x}", "{{user.claim.x} }}", "{{user claim:x}}", "{{a b}}"] {
            assert_eq!(pieces(text).collect::<Vec<_>>(), [Piece::Literal(text)]);
        }
        // A claim that is not closed does not take the link with it.
        assert_eq!(pieces("{{user.claim.x {{invitation-link}}").count(), 2);
    }
}
