//! Puts values into the HTML part of a template, each escaped for the place it stands in.
//!
//! The template text is read by a small scanner that knows just enough HTML to tell those places apart. Values
//! are escaped so that they cannot leave their place, which is why they never need to be scanned themselves.
//!
//! | place | what becomes of a value |
//! |---|---|
//! | text, comment, ordinary attribute | `& < > " '` and the backtick become character references; unquoted, white space and `=` too |
//! | attribute that holds an address (`href`, `src` ...) | where a scheme could still be read, only `http://` and `https://` are let in, anything else becomes `#`; characters that do not belong into an address are percent-encoded |
//! | style sheet, `style` attribute | letters, digits, spaces and `#%.,-_` stay, the rest goes: enough for a colour, a length or a font family |
//! | script, event handler, `srcdoc`, tag or attribute name | nothing is put there |
//!
//! A link or its code stands only where a person reads or follows it: whoever edits templates could else have it sent to a
//! server of theirs, in the address of a picture or from a style sheet, by opening the mail alone.

use std::collections::BTreeSet;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::mail::render::buffer::{Buffer, TooLarge};
use crate::mail::render::form_encoded;
use crate::mail::template::{LINKS, Piece, Values, default_of, pieces};

/// What does not belong into an address. `%` and the delimiters stay: the value may be a whole address.
const NOT_IN_ADDRESS: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`').add(b'{').add(b'|').add(b'}');

/// Attributes whose value is an address.
const ADDRESSES: &[&str] = &[
    "href",
    "src",
    "action",
    "formaction",
    "background",
    "cite",
    "poster",
    "data",
    "longdesc",
    "usemap",
    "ping",
    "manifest",
    "codebase",
    "srcset",
    "xlink:href",
    "lowsrc",
    "dynsrc",
];

/// Renders the HTML part.
///
/// # Errors
/// [`TooLarge`]
pub(crate) fn render(source: &str, values: &Values) -> Result<String, TooLarge> {
    let mut scanner = Scanner::default();
    let mut out = Buffer::for_source(source);
    for piece in pieces(source) {
        match piece {
            Piece::Literal(text) => {
                out.push_str(scanner.completion(text))?;
                scanner.read(text);
                out.push_str(text)?;
            }
            Piece::Placeholder { name, url, source } => match values.get(name) {
                None => {
                    scanner.read(source);
                    out.push_str(source)?;
                }
                Some(_) if !scanner.takes(name) => drop(scanner.place("")),
                Some(value) if url => out.push_str(&scanner.place(&form_encoded(value)))?,
                Some(value) => out.push_str(&scanner.place(value))?,
            },
        }
    }
    Ok(out.into_text())
}

/// Where a placeholder stands, as rendering sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Spot {
    /// In text, or in a comment.
    Text,
    /// In an attribute's value.
    Attribute,
    /// In a style sheet.
    Style,
}

/// A stretch of a template's HTML, as rendering sees it.
pub(crate) enum Stretch<'t> {
    /// What stays as it is written.
    Literal(&'t str),
    /// A placeholder whose value is put there, or would be if it could harm nobody.
    Value {
        /// its name
        name: &'t str,
        /// whether it asked for the URL spelling
        url: bool,
        /// where it stands
        spot: Spot,
    },
}

/// Splits HTML as rendering does, for whoever looks at what will be read of it. Where nothing is ever put, nothing stands.
pub(crate) fn stretches(source: &str) -> impl Iterator<Item = Stretch<'_>> {
    let mut scanner = Scanner::default();
    pieces(source).filter_map(move |piece| match piece {
        Piece::Literal(text) => {
            scanner.read(text);
            Some(Stretch::Literal(text))
        }
        Piece::Placeholder { name, source, .. } if default_of(name).is_none() => {
            scanner.read(source);
            Some(Stretch::Literal(source))
        }
        Piece::Placeholder { name, url, .. } => {
            let spot = scanner.spot();
            scanner.place("x");
            spot.map(|spot| Stretch::Value { name, url, spot })
        }
    })
}

/// The placeholders that stand where nothing may be put, each once.
pub(crate) fn misplaced(source: &str) -> BTreeSet<String> {
    let mut scanner = Scanner::default();
    let mut names = BTreeSet::new();
    for piece in pieces(source) {
        match piece {
            Piece::Literal(text) => scanner.read(text),
            Piece::Placeholder { name, .. } => {
                if !scanner.takes(name) {
                    names.insert(name.to_owned());
                }
                // any value moves the scanner on in the same way
                scanner.place("x");
            }
        }
    }
    names
}

/// The placeholders that a reader of the mail finds, as text or as where a link leads.
pub(crate) fn visible(source: &str) -> Vec<String> {
    let mut scanner = Scanner::default();
    let mut names = Vec::new();
    for piece in pieces(source) {
        match piece {
            Piece::Literal(text) => scanner.read(text),
            Piece::Placeholder { name, .. } => {
                let is_shown = scanner.state == State::Text || scanner.here() == Place::Address;
                if is_shown && scanner.takes(name) {
                    names.push(name.to_owned());
                }
                scanner.place("x");
            }
        }
    }
    names
}

/// Text for an element or a quoted attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        push_escaped(&mut out, c);
    }
    out
}

fn push_escaped(out: &mut String, c: char) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        '\'' => out.push_str("&#39;"),
        '`' => out.push_str("&#96;"),
        c => out.push(c),
    }
}

/// The kind of text expected at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Text,
    Address,
    Css,
    Nowhere,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// after `<`
    TagOpen,
    TagName,
    /// inside a tag, between attributes
    Between,
    AttributeName,
    /// after `=`
    BeforeValue,
    /// inside a value; the quote that ends it, or none
    Value(Option<char>),
    /// `<!-- ... -->`, unless it is one of Outlook's conditional ones: what those hold is read as HTML
    Comment,
    /// `<style>` or `<script>`, or what holds text without tags, up to its end tag
    Raw,
}

#[derive(Default)]
struct Scanner {
    state: State,
    /// name of the tag we are in, or of the raw element
    tag: String,
    attribute: String,
    /// what the attribute's value holds so far
    value: String,
}

impl Scanner {
    /// Moves on over template text.
    fn read(&mut self, text: &str) {
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let after = &rest[c.len_utf8()..];
            rest = self.step(c, rest, after);
        }
    }

    /// Reads one character (or a fixed run of them) and gives back what follows.
    fn step<'t>(&mut self, c: char, rest: &'t str, after: &'t str) -> &'t str {
        match self.state {
            State::Text => {
                if let Some(inside) = rest.strip_prefix("<!--") {
                    // `<!-->` and `<!--->` are whole comments
                    let ended = inside.starts_with('>') || inside.starts_with("->");
                    if !ended && !inside.starts_with("[if") {
                        self.state = State::Comment;
                    }
                    return inside;
                }
                if c == '<' {
                    self.tag.clear();
                    self.state = State::TagOpen;
                }
            }
            State::Comment => {
                if let Some(outside) = rest.strip_prefix("-->") {
                    self.state = State::Text;
                    return outside;
                }
            }
            State::Raw => {
                let end = rest.strip_prefix("</").and_then(|end| end.get(..self.tag.len()));
                if end.is_some_and(|end| end.eq_ignore_ascii_case(&self.tag)) {
                    self.tag.insert(0, '/');
                    self.state = State::Between;
                    return &rest[self.tag.len() + 1..];
                }
            }
            State::TagOpen => match c {
                '/' if self.tag.is_empty() => self.tag.push('/'),
                c if c.is_ascii_alphabetic() || c == '!' || c == '?' => {
                    self.tag.push(c.to_ascii_lowercase());
                    self.state = State::TagName;
                }
                '<' => self.tag.clear(),
                _ => self.state = State::Text,
            },
            State::TagName => match c {
                '>' => self.end_tag(),
                '/' => self.state = State::Between,
                c if is_space(c) => self.state = State::Between,
                c => self.tag.push(c.to_ascii_lowercase()),
            },
            State::Between => match c {
                '>' => self.end_tag(),
                '/' => {}
                c if is_space(c) => {}
                c => {
                    self.attribute.clear();
                    self.attribute.push(c.to_ascii_lowercase());
                    self.state = State::AttributeName;
                }
            },
            State::AttributeName => match c {
                '>' => self.end_tag(),
                '=' => self.state = State::BeforeValue,
                '/' => self.state = State::Between,
                // white space may stand between a name and its `=`
                c if is_space(c) => {
                    let rest = after.trim_start_matches(is_space);
                    if rest.starts_with('=') {
                        return rest;
                    }
                    self.state = State::Between;
                }
                c => self.attribute.push(c.to_ascii_lowercase()),
            },
            State::BeforeValue => {
                self.value.clear();
                match c {
                    '>' => self.end_tag(),
                    '"' | '\'' => self.state = State::Value(Some(c)),
                    c if is_space(c) => {}
                    c => {
                        self.value.push(c);
                        self.state = State::Value(None);
                    }
                }
            }
            State::Value(quote) => match c {
                c if Some(c) == quote => self.state = State::Between,
                '>' if quote.is_none() => self.end_tag(),
                c if quote.is_none() && is_space(c) => self.state = State::Between,
                c => self.value.push(c),
            },
        }
        after
    }

    fn end_tag(&mut self) {
        let raw = ["style", "script", "title", "textarea"].contains(&self.tag.as_str());
        self.state = if raw { State::Raw } else { State::Text };
    }

    /// Returns what has to stand before `text` so that a value which turned out empty, the only thing after an equals sign,
    /// stays one: `href= title=x` would otherwise be read as a link to `title=x`.
    fn completion(&self, text: &str) -> &'static str {
        let is_empty = self.state == State::Value(None) && self.value.is_empty();
        if is_empty && text.starts_with(|c: char| is_space(c) || c == '>') { "\"\"" } else { "" }
    }

    /// Returns where a placeholder would stand; `None` where nothing is ever put.
    fn spot(&self) -> Option<Spot> {
        match (self.here(), self.state) {
            (Place::Nowhere, _) => None,
            (Place::Css, State::Raw) => Some(Spot::Style),
            (_, State::Text | State::Comment | State::Raw) => Some(Spot::Text),
            _ => Some(Spot::Attribute),
        }
    }

    /// Returns the kind of text expected at the current place.
    fn here(&self) -> Place {
        match self.state {
            State::Text | State::Comment => Place::Text,
            State::Raw if self.tag == "style" => Place::Css,
            State::Raw if self.tag != "script" => Place::Text,
            State::BeforeValue | State::Value(_) => {
                let name = self.attribute.as_str();
                if name.starts_with("on") || name == "srcdoc" {
                    Place::Nowhere
                } else if name == "style" {
                    Place::Css
                } else if ADDRESSES.contains(&name) {
                    Place::Address
                } else {
                    Place::Text
                }
            }
            State::Raw | State::TagOpen | State::TagName | State::Between | State::AttributeName => Place::Nowhere,
        }
    }

    /// Whether the value of this placeholder may stand here.
    fn takes(&self, name: &str) -> bool {
        if !LINKS.contains(&name) {
            return self.here() != Place::Nowhere;
        }
        match self.state {
            State::Text | State::Comment => true,
            State::BeforeValue | State::Value(_) => match self.attribute.as_str() {
                // Of these elements it is loaded, not followed.
                "href" => !["link", "base", "image", "use"].contains(&self.tag.as_str()),
                attribute => ["title", "alt", "aria-label"].contains(&attribute),
            },
            _ => false,
        }
    }

    /// The value as it may stand here. Inside an attribute it is remembered as part of the attribute's value.
    fn place(&mut self, value: &str) -> String {
        let place = self.here();
        if self.state == State::BeforeValue {
            // `href={{link}}`: the value is the first thing after the equals sign
            self.value.clear();
            self.state = State::Value(None);
        }
        let fit = match place {
            Place::Nowhere => return String::new(),
            Place::Text => value.to_owned(),
            Place::Css => value.chars().filter(|c| c.is_ascii_alphanumeric() || " #%.,-_".contains(*c)).collect(),
            Place::Address => self.address(value),
        };
        match self.state {
            State::Value(quote) => {
                self.value.push_str(&fit);
                if quote.is_some() { escape(&fit) } else { escape_unquoted(&fit) }
            }
            State::Raw if place == Place::Css => fit,
            _ => escape(&fit),
        }
    }

    fn address(&self, value: &str) -> String {
        let value = value.trim();
        let before = self.value.trim_start();
        // once one of these has been written, nothing that follows can be read as a scheme
        let scheme_is_settled = before.contains([':', '/', '?', '#']);
        if value.is_empty() || scheme_is_settled {
            return utf8_percent_encode(value, NOT_IN_ADDRESS).to_string();
        }
        let whole = format!("{before}{value}").to_ascii_lowercase();
        if whole.starts_with("https://") || whole.starts_with("http://") {
            utf8_percent_encode(value, NOT_IN_ADDRESS).to_string()
        } else {
            "#".to_owned()
        }
    }
}

/// White space as HTML has it: no-break spaces and their kin belong to a value.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\u{c}' | '\r')
}

fn escape_unquoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '=' => out.push_str("&#61;"),
            c if c.is_whitespace() => out.push_str(&format!("&#{};", u32::from(c))),
            c => push_escaped(&mut out, c),
        }
    }
    out
}
