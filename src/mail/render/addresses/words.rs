//! Links and codes as text: they stand anywhere but inside something that reads as an address, of which mail programs make a
//! link.

use crate::base::characters::is_invisible;
use crate::mail::render::addresses::marks::{Kind, Mark, Marks, is_mark};

/// What stands before a colon in addresses that mail programs and telephones make links of, besides those with slashes.
const SCHEMES: &[&str] = &[
    "http",
    "https",
    "ftp",
    "ftps",
    "sftp",
    "file",
    "mailto",
    "tel",
    "sms",
    "smsto",
    "mms",
    "callto",
    "sip",
    "sips",
    "xmpp",
    "skype",
    "facetime",
    "facetime-audio",
    "whatsapp",
    "tg",
    "viber",
    "msteams",
    "slack",
    "zoommtg",
    "data",
    "javascript",
    "vbscript",
    "intent",
    "market",
    "geo",
    "maps",
    "news",
    "nntp",
    "irc",
    "ircs",
    "ssh",
    "git",
    "ldap",
    "webcal",
    "cid",
    "mid",
    "magnet",
    "bitcoin",
    "urn",
    "ws",
    "wss",
    "view-source",
    "feed",
    "gopher",
    "telnet",
    "rtsp",
    "steam",
    "spotify",
];

/// Returns the placeholders that stand inside something that reads as an address, with what surrounds them.
pub(super) fn leaks<'t>(text: &str, marks: &Marks<'t>) -> Vec<(Mark<'t>, String)> {
    // What is not seen ends nothing. All else but these may be part of what a mail program takes for an address.
    let text: String = text.chars().filter(|c| is_mark(*c) || !is_invisible(*c)).collect();
    let ends = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"');
    let mut found = Vec::new();
    for run in text.split(ends) {
        for (at, c) in run.char_indices().filter(|(_, c)| is_mark(*c)) {
            let Some(mark) = marks.find(c) else { continue };
            if mark.is_secret() && is_in_address(mark, &run[..at], &run[at + c.len_utf8()..], marks) {
                found.push((mark, marks.show(run)));
                break;
            }
        }
    }
    found
}

fn is_in_address(mark: Mark<'_>, before: &str, after: &str, marks: &Marks<'_>) -> bool {
    if mark.kind() == Kind::Code {
        let endpoint = before.char_indices().rev().find_map(|(at, c)| {
            let mark = marks.find(c).filter(|mark| mark.kind() == Kind::Endpoint)?;
            Some((at, at + c.len_utf8(), mark))
        });
        if let Some((start, end, _)) = endpoint {
            return reads_as_address(&before[..start]) || !continues_address(&before[end..]);
        }
        return reads_as_address(before) || may_end_address(after);
    }
    // What follows a link stays in it, but for a mail address that it would be the name of.
    reads_as_address(before) || after.contains(['@', '＠'])
}

/// Whether what stands right after one of our own addresses leaves its host as it is, and begins no other address.
pub(super) fn continues_address(rest: &str) -> bool {
    keeps_host(rest) && !rest.contains("//") && !rest.contains('\\') && !rest.to_ascii_lowercase().contains("www.")
}

/// Whether what stands right after the host of an address, or alone, leads to no other host.
pub(super) fn keeps_host(rest: &str) -> bool {
    rest.starts_with(['/', '?', '#']) && !rest.starts_with("//") && !rest.starts_with("/\\")
}

/// Whether an address, or what a value may make one of, ends here without an end.
fn reads_as_address(before: &str) -> bool {
    if before.chars().any(|c| is_mark(c) || is_of_addresses(c)) || before.to_ascii_lowercase().contains("www.") {
        return true;
    }
    let is_scheme = |word: &str| SCHEMES.iter().any(|scheme| word.eq_ignore_ascii_case(scheme));
    let of_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let mut parts = before.split([':', '：']).peekable();
    while let Some(part) = parts.next() {
        let word = part.rsplit(|c| !of_scheme(c)).next().unwrap_or_default();
        if parts.peek().is_some() && is_scheme(word) {
            return true;
        }
    }
    has_domain(before)
}

/// Whether a code that is followed by this could be read as the beginning of an address.
fn may_end_address(after: &str) -> bool {
    after.chars().any(|c| is_mark(c) || is_of_addresses(c)) || has_domain(&format!("x{after}"))
}

fn is_of_addresses(c: char) -> bool {
    matches!(c, '/' | '\\' | '@' | '%' | '／' | '＼' | '＠' | '％' | '⁄' | '∕' | '⧸')
}

/// Whether two labels of a domain stand there, with a dot between them. The full stops of East Asian writing end sentences,
/// and are dots between letters of ASCII alone.
fn has_domain(text: &str) -> bool {
    let mut dot = None;
    let mut last = ' ';
    for c in text.chars() {
        let is_label = |c: char, dot: char| match dot {
            '.' => c.is_alphanumeric() || c == '-',
            _ => c.is_ascii_alphanumeric() || c == '-',
        };
        if let Some((before, dot)) = dot.take()
            && is_label(before, dot)
            && is_label(c, dot)
        {
            return true;
        }
        if matches!(c, '.' | '。' | '．' | '｡' | '\u{2024}' | '\u{fe52}') {
            dot = Some((last, c));
        }
        last = c;
    }
    false
}
