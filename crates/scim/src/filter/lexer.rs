//! The tokens of filters and PATCH paths (RFC 7644 figures 1 and 7).

use serde_json::Number;

use crate::error::Error;

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token<'a> {
    /// A name, an operator, a keyword, a URN or a bare value: whatever is not quoted and not a number.
    Word(&'a str),
    /// A JSON string.
    Text(String),
    /// A JSON number.
    Number(Number),
    /// `(`
    Open,
    /// `)`
    Close,
    /// `[`
    OpenBracket,
    /// `]`
    CloseBracket,
}

/// Reads tokens one by one.
#[derive(Debug, Clone)]
pub(crate) struct Lexer<'a> {
    rest: &'a str,
}

impl<'a> Lexer<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// What has not been read, without leading space.
    pub(crate) fn rest(&self) -> &'a str {
        self.rest.trim_start()
    }

    /// The next token; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Token<'a>>, Error> {
        self.rest = self.rest.trim_start();
        let Some(first) = self.rest.chars().next() else {
            return Ok(None);
        };
        let token = match first {
            '(' => self.one(Token::Open),
            ')' => self.one(Token::Close),
            '[' => self.one(Token::OpenBracket),
            ']' => self.one(Token::CloseBracket),
            '"' => self.read_string()?,
            _ => self.word()?,
        };
        Ok(Some(token))
    }

    fn one(&mut self, token: Token<'a>) -> Token<'a> {
        self.rest = &self.rest[1..];
        token
    }

    /// A JSON string, escapes and all. It ends at the first quote that no backslash precedes.
    fn read_string(&mut self) -> Result<Token<'a>, Error> {
        let mut escaped = false;
        let end = self.rest.bytes().enumerate().skip(1).find_map(|(index, byte)| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends.then_some(index + 1)
        });
        let (literal, rest) = end
            .and_then(|end| self.rest.split_at_checked(end))
            .ok_or_else(|| Error::invalid_filter("A quoted value does not end."))?;
        let text: String =
            serde_json::from_str(literal).map_err(|_| Error::invalid_filter("A quoted value is not a JSON string."))?;
        if text.contains('\0') {
            return Err(Error::invalid_filter("A quoted value must not contain the character U+0000."));
        }
        self.rest = rest;
        Ok(Token::Text(text))
    }

    fn word(&mut self) -> Result<Token<'a>, Error> {
        let end =
            self.rest.find(|char: char| char.is_whitespace() || "()[]\"".contains(char)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        // An unquoted id or date begins with a digit, too.
        let is_numeric = word.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        let number = if is_numeric { serde_json::from_str(word).ok() } else { None };
        Ok(number.map_or(Token::Word(word), Token::Number))
    }
}
