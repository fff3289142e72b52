//! Tells an HTML mail in text, for templates that come without a text part.
//!
//! Works on the finished HTML. Keeps words, line breaks, list bullets and the address of every link; drops styles,
//! scripts, comments and what is hidden.

use crate::mail::render;

/// Elements whose content is no text.
const SILENT: &[&str] = &["head", "template"];
/// The same, and not HTML either: whatever stands there, only the end tag ends it.
const RAW: &[&str] = &["style", "script", "title"];
/// Elements that begin and end a line.
const LINES: &[&str] =
    &["tr", "li", "ul", "ol", "table", "section", "header", "footer", "center", "div", "pre", "dt", "dd"];
/// Elements with a blank line before and after.
const PARAGRAPHS: &[&str] = &["p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "hr", "dl"];

/// The text of an HTML document.
pub(super) fn from_html(html: &str) -> String {
    let mut out = Text::default();
    // the element whose content is being skipped, and how deep we are in elements of that name
    let mut skipping: Option<(String, usize)> = None;
    let mut link: Option<(String, usize)> = None;
    let mut rest = html;
    while !rest.is_empty() {
        let Some(open) = rest.find('<') else {
            if skipping.is_none() {
                out.words(rest);
            }
            break;
        };
        if skipping.is_none() {
            out.words(&rest[..open]);
        }
        rest = &rest[open..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let Some(end) = tag_end(rest) else { break };
        let tag = Tag::new(&rest[1..end]);
        rest = &rest[end + 1..];
        if !tag.closing && RAW.contains(&tag.name.as_str()) {
            rest = after_end_tag(rest, &tag.name);
            continue;
        }
        if let Some((name, depth)) = &mut skipping {
            if *name == tag.name {
                *depth = if tag.closing { *depth - 1 } else { *depth + 1 };
                if *depth == 0 {
                    skipping = None;
                }
            }
            continue;
        }
        if !tag.closing && (SILENT.contains(&tag.name.as_str()) || tag.is_hidden()) && !tag.is_void() {
            skipping = Some((tag.name, 1));
            continue;
        }
        match tag.name.as_str() {
            "br" => out.line(),
            "a" if !tag.closing => link = tag.attribute("href").map(|href| (href, out.written.len())),
            "a" => {
                if let Some((href, from)) = link.take() {
                    out.link(&href, from);
                }
            }
            "img" => out.words(&tag.attribute("alt").unwrap_or_default()),
            "td" | "th" => out.words(" "),
            "li" if !tag.closing => {
                out.line();
                out.words("- ");
            }
            name if PARAGRAPHS.contains(&name) => out.paragraph(),
            name if LINES.contains(&name) => out.line(),
            _ => {}
        }
    }
    render::without_gaps(&out.written)
}

/// What follows the end tag of a raw element; nothing when it has none.
fn after_end_tag<'h>(html: &'h str, name: &str) -> &'h str {
    let found = html.match_indices("</").find_map(|(at, _)| {
        let end = html.get(at + 2..at + 2 + name.len())?;
        end.eq_ignore_ascii_case(name).then_some(at)
    });
    found.and_then(|at| html[at..].find('>').map(|end| &html[at + end + 1..])).unwrap_or_default()
}

/// Where the tag that `html` starts with ends; a `>` inside quotes does not count.
fn tag_end(html: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in html.bytes().enumerate().skip(1) {
        match (quote, byte) {
            (None, b'>') => return Some(at),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

struct Tag<'h> {
    name: String,
    closing: bool,
    inside: &'h str,
}

impl<'h> Tag<'h> {
    fn new(inside: &'h str) -> Self {
        let closing = inside.starts_with('/');
        let inside = inside.strip_prefix('/').unwrap_or(inside);
        let name_end = inside.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(inside.len());
        Self { name: inside[..name_end].to_ascii_lowercase(), closing, inside: &inside[name_end..] }
    }

    fn is_void(&self) -> bool {
        ["br", "img", "hr", "meta", "link", "input"].contains(&self.name.as_str())
    }

    fn is_hidden(&self) -> bool {
        let style = self.attribute("style").unwrap_or_default().to_ascii_lowercase();
        style.replace(' ', "").contains("display:none")
    }

    /// The value of a quoted attribute.
    fn attribute(&self, wanted: &str) -> Option<String> {
        let mut rest = self.inside;
        while let Some(equals) = rest.find('=') {
            let name = rest[..equals].trim().rsplit(char::is_whitespace).next().unwrap_or_default();
            let value = rest[equals + 1..].trim_start();
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
            let (value, after) = match quote {
                Some(quote) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
                None => value.split_once(char::is_whitespace).unwrap_or((value, "")),
            };
            if name.eq_ignore_ascii_case(wanted) {
                return Some(decode(value));
            }
            rest = after;
        }
        None
    }
}

#[derive(Default)]
struct Text {
    written: String,
}

impl Text {
    /// Adds words, with runs of white space as one space.
    fn words(&mut self, raw: &str) {
        let text = decode(raw);
        for c in text.chars() {
            // a no-break space is meant to be seen
            if c.is_whitespace() && c != '\u{a0}' {
                if !self.written.is_empty() && !self.written.ends_with([' ', '\n']) {
                    self.written.push(' ');
                }
            } else {
                self.written.push(if c == '\u{a0}' { ' ' } else { c });
            }
        }
    }

    fn line(&mut self) {
        let end = self.written.trim_end_matches(' ').len();
        self.written.truncate(end);
        if !self.written.is_empty() && !self.written.ends_with('\n') {
            self.written.push('\n');
        }
    }

    fn paragraph(&mut self) {
        self.line();
        if !self.written.is_empty() && !self.written.ends_with("\n\n") {
            self.written.push('\n');
        }
    }

    /// Adds the address of a link whose words began at `from`, unless the words are the address.
    fn link(&mut self, href: &str, from: usize) {
        let words = self.written.get(from..).unwrap_or_default().trim();
        let shown = words == href || href.strip_prefix("mailto:") == Some(words);
        if !shown && !href.is_empty() && href != "#" {
            let is_empty = words.is_empty();
            let end = self.written.trim_end().len().max(from.min(self.written.len()));
            self.written.truncate(end);
            if !is_empty {
                self.written.push_str(": ");
            } else if !self.written.is_empty() && !self.written.ends_with([' ', '\n']) {
                // What stands before a link without words is no part of it.
                self.written.push(' ');
            }
            self.written.push_str(href);
        }
    }
}

/// Text with its character references read; those of no known name stay as they are.
fn decode(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let reference =
            rest.bytes().take(12).position(|b| b == b';').and_then(|end| Some((end, named(&rest[1..end])?)));
        match reference {
            Some((end, c)) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn named(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|c| !c.is_control());
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "copy" => '©',
        "middot" => '·',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        "zwnj" => '\u{200c}',
        _ => return None,
    })
}
