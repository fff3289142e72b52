//! Makes values harmless as characters, whatever part of a mail they go into.

use crate::base::characters::{is_invisible, is_part_of_a_name};
use crate::base::text::cut;
use crate::mail::render::hosts;

/// The most characters a value may bring along.
const LONGEST_VALUE: usize = 2000;
/// The most characters a subject line may have.
const LONGEST_SUBJECT: usize = 160;

/// A value as one line of visible text.
///
/// Line breaks of every kind and tabs become spaces (a name must not be able to add a paragraph of its own to a
/// mail), other control characters go. Characters that reorder or hide text go as well: the bidirectional
/// embeddings, overrides and isolates, zero-width spaces, byte order marks, fillers, tag characters. They are removed
/// rather than isolated, because isolates show as boxes in some mail programs. What names are written with stays.
pub(crate) fn value(raw: &str) -> String {
    let visible = raw.chars().filter_map(|c| match c {
        '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(' '),
        c if c.is_control() => None,
        c if is_invisible(c) && !is_part_of_a_name(c) => None,
        c => Some(c),
    });
    // What comes after the longest value and its removed characters is not looked at.
    cut(&visible.take(LONGEST_VALUE + 1).collect::<String>(), LONGEST_VALUE)
}

/// A text that somebody may have chosen: a value in which mail programs find no scheme to make a link of. Whoever may
/// choose it could otherwise have us mail a link of their own.
pub(super) fn text(raw: &str) -> String {
    value(raw).replace("://", ": //")
}

/// What somebody is called: a text in which they find no host name either.
pub(super) fn name(raw: &str) -> String {
    hosts::defuse(&text(raw))
}

/// A claim of a person, by its name in lower case: what people are called, and other texts, are made harmless; an address
/// stays as it is.
pub(super) fn claim(claim: &str, raw: &str) -> String {
    let root = claim.split_once('.').map_or(claim, |(root, _)| root);
    if root == "name" || NAMES.contains(&claim) {
        name(raw)
    } else if TEXTS.contains(&root)
        || [".display", ".type"].iter().any(|part| claim.ends_with(part))
        || raw.contains(char::is_whitespace)
    {
        text(raw)
    } else {
        value(raw)
    }
}

/// The claims that say what somebody is called, besides the parts of `name`.
const NAMES: &[&str] = &[
    "displayname",
    "nickname",
    "givenname",
    "lastname",
    "familyname",
    "middlename",
    "honorificprefix",
    "honorificsuffix",
    "fullname",
    "formattedname",
];

/// The other claims of which none is an address on the web.
const TEXTS: &[&str] = &[
    "username",
    "title",
    "preferredlanguage",
    "locale",
    "local",
    "timezone",
    "phonenumbers",
    "mobile",
    "telephone",
    "homephone",
    "fax",
    "ims",
    "im",
    "addresses",
    "country",
    "region",
    "stateorprovincename",
    "locality",
    "streetaddress",
    "postalcode",
];

/// A finished subject line: one line, single spaces, of bounded length. Holds no character that could end a
/// header, so an adapter may put it into one after encoding it as RFC 2047 asks.
pub(super) fn subject(rendered: &str) -> String {
    let line = value(rendered);
    let words: Vec<&str> = line.split_whitespace().collect();
    cut(&words.join(" "), LONGEST_SUBJECT)
}
