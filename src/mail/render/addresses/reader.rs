//! HTML as browsers read it: what WHATWG HTML 13.2.5 makes of it, without the errors it names on the way.
//!
//! Mail programs run no scripts, so that what stands in `noscript` is HTML; templates with a `script` are refused anyway, and
//! so are those with `plaintext`, `xmp` and their kin, which are read here as any other element.

use crate::mail::render::addresses::references;

/// What is read, an element with its attributes at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A start tag; also those attributes that stand there twice, of which browsers take the first.
    Start { name: String, attributes: Vec<(String, String)> },
    /// An end tag.
    End { name: String },
    /// Text up to the next tag or comment.
    Text(String),
    /// What stands in a comment, or in what is taken for one.
    Comment(String),
}

/// What an element holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Html,
    /// Text with character references.
    Rcdata,
    /// Text without.
    RawText,
}

/// What begins with a `<`.
enum Markup {
    Token(Token),
    /// Nothing that is shown.
    Nothing,
    /// The `<` itself.
    Text,
}

/// The tokens of a text.
pub(super) struct Reader<'h> {
    rest: &'h str,
    content: Content,
    /// The element whose end tag ends the content, unless that is HTML.
    element: String,
    /// What was read after the text that is returned first.
    following: Option<Token>,
}

impl<'h> Reader<'h> {
    /// Reads a text whose lines end as [`with_line_feeds`] has them.
    pub(super) fn new(html: &'h str) -> Self {
        Self { rest: html, content: Content::Html, element: String::new(), following: None }
    }

    fn markup(&mut self) -> Markup {
        let inside = &self.rest[1..];
        let name = inside.strip_prefix('/').filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()));
        if self.content != Content::Html {
            let ends = name.and_then(|name| name.split_at_checked(self.element.len())).is_some_and(|(name, after)| {
                name.eq_ignore_ascii_case(&self.element) && after.starts_with(|c: char| is_space(c) || "/>".contains(c))
            });
            if !ends {
                return Markup::Text;
            }
            self.content = Content::Html;
        }
        if let Some(name) = name {
            self.rest = name;
            return self.tag(false);
        }
        match inside.chars().next() {
            Some('!') => self.declaration(&inside[1..]),
            Some('/') => match inside[1..].chars().next() {
                None => Markup::Text,
                Some('>') => {
                    self.rest = &inside[2..];
                    Markup::Nothing
                }
                Some(_) => self.bogus_comment(&inside[1..]),
            },
            Some('?') => self.bogus_comment(inside),
            Some(c) if c.is_ascii_alphabetic() => {
                self.rest = inside;
                self.tag(true)
            }
            _ => Markup::Text,
        }
    }

    fn declaration(&mut self, inside: &'h str) -> Markup {
        if let Some(comment) = inside.strip_prefix("--") {
            return self.comment(comment);
        }
        if inside.get(..7).is_some_and(|name| name.eq_ignore_ascii_case("doctype")) {
            self.rest = inside.split_once('>').map_or("", |(_, rest)| rest);
            return Markup::Nothing;
        }
        self.bogus_comment(inside)
    }

    fn bogus_comment(&mut self, inside: &'h str) -> Markup {
        let (comment, rest) = inside.split_once('>').unwrap_or((inside, ""));
        self.rest = rest;
        Markup::Token(Token::Comment(without_nul(comment)))
    }

    fn comment(&mut self, inside: &'h str) -> Markup {
        // `<!-->` and `<!--->` are whole comments.
        let empty = inside.strip_prefix('>').or_else(|| inside.strip_prefix("->"));
        let ends = inside.match_indices('-').find_map(|(at, _)| {
            let end = &inside[at..];
            let rest = end.strip_prefix("-->").or_else(|| end.strip_prefix("--!>"))?;
            Some((&inside[..at], rest))
        });
        let (comment, rest) = match (empty, ends) {
            (Some(rest), _) => ("", rest),
            (None, Some(ended)) => ended,
            // An end that was begun is no part of it.
            (None, None) => {
                let end = ["--!", "--", "-"].iter().find_map(|end| inside.strip_suffix(end));
                (end.unwrap_or(inside), "")
            }
        };
        self.rest = rest;
        Markup::Token(Token::Comment(without_nul(comment)))
    }

    /// Reads a tag from its name on; one without an end is nothing.
    fn tag(&mut self, is_start: bool) -> Markup {
        let name = self.take_until(|c| is_space(c) || matches!(c, '/' | '>'));
        let name = without_nul(name).to_ascii_lowercase();
        let mut attributes = Vec::new();
        loop {
            self.skip_space();
            match self.rest.chars().next() {
                None => return Markup::Nothing,
                Some('/') => self.rest = &self.rest[1..],
                Some('>') => {
                    self.rest = &self.rest[1..];
                    break;
                }
                Some(_) => match self.attribute() {
                    Some(attribute) => attributes.push(attribute),
                    None => {
                        self.rest = "";
                        return Markup::Nothing;
                    }
                },
            }
        }
        if !is_start {
            return Markup::Token(Token::End { name });
        }
        self.content = match name.as_str() {
            "title" | "textarea" => Content::Rcdata,
            "style" => Content::RawText,
            _ => Content::Html,
        };
        self.element.clone_from(&name);
        Markup::Token(Token::Start { name, attributes })
    }

    /// Reads an attribute; `None` when the text ends in its value.
    fn attribute(&mut self) -> Option<(String, String)> {
        // It may begin with an equals sign.
        let first = self.rest.chars().next().map_or(0, char::len_utf8);
        let is_end = |c: char| is_space(c) || matches!(c, '/' | '>' | '=');
        let end = self.rest[first..].find(is_end).map_or(self.rest.len(), |at| first + at);
        let name = without_nul(&self.rest[..end]).to_ascii_lowercase();
        self.rest = &self.rest[end..];
        self.skip_space();
        let Some(value) = self.rest.strip_prefix('=') else { return Some((name, String::new())) };
        self.rest = value;
        self.skip_space();
        let value = match self.rest.chars().next() {
            Some('>') => "",
            Some(quote @ ('"' | '\'')) => {
                let (value, rest) = self.rest[1..].split_once(quote)?;
                self.rest = rest;
                value
            }
            _ => self.take_until(|c| is_space(c) || c == '>'),
        };
        Some((name, decoded(value)))
    }

    fn take_until(&mut self, is_end: impl FnMut(char) -> bool) -> &'h str {
        let end = self.rest.find(is_end).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches(is_space);
    }
}

impl Iterator for Reader<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        if let Some(token) = self.following.take() {
            return Some(token);
        }
        let mut text = String::new();
        loop {
            let literal = self.take_until(|c| matches!(c, '<' | '&'));
            // In HTML, NUL stays for whoever builds a tree of it, and is dropped there.
            if self.content == Content::Html {
                text.push_str(literal);
            } else {
                text.push_str(&without_nul(literal));
            }
            if self.rest.is_empty() {
                break;
            }
            if self.rest.starts_with('&') && self.content != Content::RawText {
                self.rest = references::read(&self.rest[1..], false, &mut text);
                continue;
            }
            let markup = if self.rest.starts_with('<') { self.markup() } else { Markup::Text };
            match markup {
                Markup::Token(token) if text.is_empty() => return Some(token),
                Markup::Token(token) => {
                    self.following = Some(token);
                    break;
                }
                Markup::Nothing => {}
                Markup::Text => {
                    text.push_str(&self.rest[..1]);
                    self.rest = &self.rest[1..];
                }
            }
        }
        (!text.is_empty()).then_some(Token::Text(text))
    }
}

/// A text with line feeds at the ends of its lines, as HTML is read.
pub(super) fn with_line_feeds(html: &str) -> String {
    html.replace("\r\n", "\n").replace('\r', "\n")
}

fn decoded(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        rest = references::read(after, true, &mut out);
    }
    out.push_str(rest);
    without_nul(&out)
}

fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// White space as HTML has it; a carriage return only where a character reference put it.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\u{c}')
}
