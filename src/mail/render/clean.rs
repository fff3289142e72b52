//! Makes values harmless as characters, whatever part of a mail they go into.

/// The most characters a value may bring along.
const LONGEST_VALUE: usize = 2000;
/// The most characters a subject line may have.
const LONGEST_SUBJECT: usize = 160;

/// A value as one line of visible text.
///
/// Line breaks of every kind and tabs become spaces (a name must not be able to add a paragraph of its own to a
/// mail), other control characters go. Characters that reorder or hide text go as well: the bidirectional
/// embeddings, overrides and isolates, zero-width spaces, byte order marks, tag characters. They are removed
/// rather than isolated, because isolates show as boxes in some mail programs. The plain marks (U+200E, U+200F,
/// U+061C) and the joiners (U+200C, U+200D) stay: names are written with them, and their reach is one letter.
pub(super) fn value(raw: &str) -> String {
    let visible = raw.chars().filter_map(|c| match c {
        '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(' '),
        c if c.is_control() => None,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
        '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => None,
        c => Some(c),
    });
    cut(visible, LONGEST_VALUE)
}

/// A finished subject line: one line, single spaces, of bounded length. Holds no character that could end a
/// header, so an adapter may put it into one after encoding it as RFC 2047 asks.
pub(super) fn subject(rendered: &str) -> String {
    let line = value(rendered);
    let words: Vec<&str> = line.split_whitespace().collect();
    cut(words.join(" ").chars(), LONGEST_SUBJECT)
}

fn cut(chars: impl Iterator<Item = char>, longest: usize) -> String {
    let mut out = String::new();
    for (count, c) in chars.enumerate() {
        if count == longest {
            out.pop();
            out.push('…');
            break;
        }
        out.push(c);
    }
    out
}
