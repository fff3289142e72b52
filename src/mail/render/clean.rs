//! Makes values harmless as characters, whatever part of a mail they go into.

use crate::base::characters::{is_invisible, is_part_of_a_name};
use crate::base::text::cut;

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
pub(super) fn value(raw: &str) -> String {
    let visible = raw.chars().filter_map(|c| match c {
        '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(' '),
        c if c.is_control() => None,
        c if is_invisible(c) && !is_part_of_a_name(c) => None,
        c => Some(c),
    });
    // What comes after the longest value and its removed characters is not looked at.
    cut(&visible.take(LONGEST_VALUE + 1).collect::<String>(), LONGEST_VALUE)
}

/// What somebody is called: a value in which mail programs find no web address to make a link of. Whoever may choose a
/// name could otherwise have us mail a link of their own.
pub(super) fn name(raw: &str) -> String {
    value(raw).replace("://", ": //")
}

/// A finished subject line: one line, single spaces, of bounded length. Holds no character that could end a
/// header, so an adapter may put it into one after encoding it as RFC 2047 asks.
pub(super) fn subject(rendered: &str) -> String {
    let line = value(rendered);
    let words: Vec<&str> = line.split_whitespace().collect();
    cut(&words.join(" "), LONGEST_SUBJECT)
}
