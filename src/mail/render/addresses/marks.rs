//! A template's text with a mark, one character of private use, in the place of each placeholder: what stands around it can
//! then be read as a mail program would read it, whatever the value will be.

use std::collections::HashMap;

use crate::base::text::cut;
use crate::mail::render::html::{Spot, Stretch, stretches};
use crate::mail::template::{Piece, default_of, pieces};

/// The characters that marks are made of: the last two planes, for private use.
const FIRST: u32 = 0xf_0000;

/// What a placeholder's value is, as far as addresses are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A whole link: whoever reads it can redeem.
    Link,
    /// The code alone, or a link that is spelt for a place inside an address.
    Code,
    /// An address of this service, to put the code behind.
    Endpoint,
    /// An address to sign in at, or nothing.
    SignIn,
    /// The support address, or nothing.
    Support,
    /// Branding: the same for all.
    Branding,
    /// Anything else: users choose what many of them are.
    Other {
        /// Whether it is spelt for a place inside an address.
        is_encoded: bool,
    },
}

/// A placeholder that is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Mark<'t> {
    /// Its name.
    pub(super) name: &'t str,
    url: bool,
    /// Where it stands, as rendering sees it.
    pub(super) spot: Spot,
}

impl Mark<'_> {
    /// What its value is.
    pub(super) fn kind(&self) -> Kind {
        match (self.name, self.url) {
            ("invitation-link" | "confirmation-link" | "reset-link", false) => Kind::Link,
            ("invitation-link" | "confirmation-link" | "reset-link" | "confirmation-code", _) => Kind::Code,
            ("account.recovery.endpoint-url" | "product-url-with-user-tenant" | "carbon.product-url", false) => {
                Kind::Endpoint
            }
            ("sign-in-link" | "authentication.endpoint-url", false) => Kind::SignIn,
            ("support-email" | "organization.support.mail", false) => Kind::Support,
            (name, _) if name.starts_with("organization.") => Kind::Branding,
            (_, is_encoded) => Kind::Other { is_encoded },
        }
    }

    /// Whether whoever reads its value can redeem.
    pub(super) fn is_secret(&self) -> bool {
        matches!(self.kind(), Kind::Link | Kind::Code)
    }
}

/// The placeholders of a template by their marks.
#[derive(Debug, Default)]
pub(super) struct Marks<'t> {
    all: Vec<Mark<'t>>,
    numbers: HashMap<Mark<'t>, u32>,
}

impl<'t> Marks<'t> {
    /// HTML with marks.
    pub(super) fn mark_html(&mut self, source: &'t str) -> String {
        let mut out = String::with_capacity(source.len());
        for stretch in stretches(source) {
            match stretch {
                Stretch::Literal(text) => push_literal(&mut out, text),
                Stretch::Value { name, url, spot } => out.push(self.mark(Mark { name, url, spot })),
            }
        }
        out
    }

    /// Text with marks.
    pub(super) fn mark_text(&mut self, source: &'t str) -> String {
        let mut out = String::with_capacity(source.len());
        for piece in pieces(source) {
            match piece {
                Piece::Placeholder { name, url, .. } if default_of(name).is_some() => {
                    out.push(self.mark(Mark { name, url, spot: Spot::Text }));
                }
                Piece::Literal(text) | Piece::Placeholder { source: text, .. } => push_literal(&mut out, text),
            }
        }
        out
    }

    fn mark(&mut self, mark: Mark<'t>) -> char {
        let next = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(mark).or_insert(next);
        if number == next {
            self.all.push(mark);
        }
        // Stored templates name far fewer; all beyond are taken for one.
        char::from_u32(FIRST.saturating_add(number)).unwrap_or(char::MAX)
    }

    /// The placeholder that a character marks.
    pub(super) fn find(&self, c: char) -> Option<Mark<'t>> {
        let number = u32::from(c).checked_sub(FIRST)?;
        self.all.get(usize::try_from(number).ok()?).or(self.all.last()).copied()
    }

    /// The placeholders in a text.
    pub(super) fn among(&self, text: &str) -> impl Iterator<Item = Mark<'t>> {
        text.chars().filter_map(|c| self.find(c))
    }

    /// A text as it was written, cut to what a sentence has room for.
    pub(super) fn show(&self, text: &str) -> String {
        let mut out = String::new();
        for c in text.chars().take(200) {
            match self.find(c) {
                Some(Mark { name, url, .. }) => {
                    out.push_str(&format!("{{{{{}{name}}}}}", if url { "url:" } else { "" }));
                }
                None => out.push(if c.is_control() { ' ' } else { c }),
            }
        }
        cut(&out, 120)
    }
}

/// Whether this is one of the characters that marks are made of.
pub(super) fn is_mark(c: char) -> bool {
    u32::from(c) >= FIRST
}

/// Adds what stays as it is written. A character that could be taken for a mark is written as another one, also where it is
/// referred to by its number.
fn push_literal(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find("&#") {
        let (before, reference) = rest.split_at(at + 2);
        out.extend(before.chars().map(unlike_a_mark));
        let (digits, radix) = match reference.strip_prefix(['x', 'X']) {
            Some(digits) => (digits, 16),
            None => (reference, 10),
        };
        let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
        let significant = digits[..end].trim_start_matches('0');
        let number = u32::from_str_radix(significant, radix).unwrap_or(if significant.is_empty() { 0 } else { FIRST });
        rest = if number >= FIRST {
            out.push_str("xfffd");
            &digits[end..]
        } else {
            reference
        };
    }
    out.extend(rest.chars().map(unlike_a_mark));
}

fn unlike_a_mark(c: char) -> char {
    if is_mark(c) { char::REPLACEMENT_CHARACTER } else { c }
}
