//! The file as text: every key with its line and its value, tables that occur twice included.
//!
//! A reader of its own: the Worker has no room for a whole TOML parser, and WSO2's page shows files that are no TOML, in
//! which a table occurs twice.

use std::collections::BTreeSet;

/// A key and its value.
#[derive(Debug)]
pub struct Value {
    /// The line of the key, from 1.
    pub line: usize,
    /// The tables above it and the key itself, with dots between.
    pub key: String,
    /// A string, number or truth value as text; `None` for everything else.
    pub text: Option<String>,
}

/// The file is no TOML.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct SyntaxError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

/// The most lists and tables in one another.
const DEEPEST: usize = 64;

/// The values of a file in its order.
///
/// # Errors
/// What is no TOML, with its line.
pub fn values(text: &str) -> Result<Vec<Value>, SyntaxError> {
    // Editors on Windows put a byte order mark in front.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { text, at: 0, counted: 0, line: 1, values: Vec::new(), seen: BTreeSet::new() };
    let mut table = String::new();
    loop {
        reader.skip_lines();
        match reader.peek() {
            None => return Ok(reader.values),
            Some('[') => {
                reader.at += 1;
                let is_list = reader.takes("[");
                table = reader.path()?;
                reader.seen.clear();
                if !reader.takes(if is_list { "]]" } else { "]" }) {
                    return Err(reader.error("a table’s name has no ] behind it"));
                }
            }
            Some(_) => reader.pair(&table, 0)?,
        }
        reader.skip_spaces();
        if !matches!(reader.peek(), None | Some('\n' | '\r' | '#')) {
            return Err(reader.error("something stands behind the end of what the line says"));
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    /// How far it has read.
    at: usize,
    /// How far it has counted lines, and how many.
    counted: usize,
    line: usize,
    values: Vec<Value>,
    /// The names in the table that is being read.
    seen: BTreeSet<String>,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn takes(&mut self, wanted: &str) -> bool {
        let is_there = self.rest().starts_with(wanted);
        if is_there {
            self.at += wanted.len();
        }
        is_there
    }

    /// Passes over the characters that are such, and returns them.
    fn take_while(&mut self, is_such: impl Fn(char) -> bool) -> String {
        let taken: String = self.rest().chars().take_while(|c| is_such(*c)).collect();
        self.at += taken.len();
        taken
    }

    fn skip_spaces(&mut self) {
        self.take_while(|c| c == ' ' || c == '\t');
    }

    /// Passes over white space, ends of lines and comments.
    fn skip_lines(&mut self) {
        loop {
            self.take_while(|c| matches!(c, ' ' | '\t' | '\r' | '\n'));
            if self.peek() != Some('#') {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    fn line(&mut self) -> usize {
        let passed = self.text.as_bytes().get(self.counted..self.at).unwrap_or_default();
        self.line += passed.iter().filter(|byte| **byte == b'\n').count();
        self.counted = self.at;
        self.line
    }

    fn error(&mut self, message: &str) -> SyntaxError {
        SyntaxError { line: self.line(), message: message.to_owned() }
    }

    /// Reads a name with its dots.
    fn path(&mut self) -> Result<String, SyntaxError> {
        let mut path = String::new();
        loop {
            self.skip_spaces();
            let part = match self.peek() {
                Some('"' | '\'') => self.string()?,
                _ => {
                    let bare = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
                    if bare.is_empty() {
                        return Err(
                            self.error("a name is missing, or has characters that stand in quotation marks only")
                        );
                    }
                    bare
                }
            };
            path.push_str(&part);
            self.skip_spaces();
            if !self.takes(".") {
                return Ok(path);
            }
            path.push('.');
        }
    }

    /// Reads a name and its value, which are in this table.
    fn pair(&mut self, table: &str, depth: usize) -> Result<(), SyntaxError> {
        let line = self.line();
        let name = self.path()?;
        let name = if table.is_empty() { name } else { format!("{table}.{name}") };
        if !self.takes("=") {
            return Err(self.error("a name has no = behind it"));
        }
        if depth == 0 && !self.seen.insert(name.clone()) {
            return Err(SyntaxError { line, message: "a name stands twice in one table".to_owned() });
        }
        self.skip_spaces();
        self.value(&name, line, depth)
    }

    fn value(&mut self, name: &str, line: usize, depth: usize) -> Result<(), SyntaxError> {
        if depth > DEEPEST {
            return Err(self.error("lists and tables are in one another too deeply"));
        }
        let text = match self.peek() {
            Some('{') => return self.table(name, depth),
            Some('[') => return self.list(name, line, depth),
            Some('"' | '\'') => Some(self.string()?),
            _ => self.bare()?,
        };
        self.values.push(Value { line, key: name.to_owned(), text });
        Ok(())
    }

    /// Reads `{ a = 1, b = 2 }`: its keys, as of a table.
    fn table(&mut self, name: &str, depth: usize) -> Result<(), SyntaxError> {
        self.at += 1;
        loop {
            self.skip_lines();
            if self.takes("}") {
                return Ok(());
            }
            self.pair(name, depth + 1)?;
            self.skip_lines();
            if !self.takes(",") && self.peek() != Some('}') {
                return Err(self.error("a table in braces has no end"));
            }
        }
    }

    /// Reads a list. One of tables is like these tables; any other is no single value.
    fn list(&mut self, name: &str, line: usize, depth: usize) -> Result<(), SyntaxError> {
        self.at += 1;
        let before = self.values.len();
        let (mut count, mut has_others) = (0, false);
        loop {
            self.skip_lines();
            if self.takes("]") {
                break;
            }
            count += 1;
            has_others |= self.peek() != Some('{');
            self.value(name, line, depth + 1)?;
            self.skip_lines();
            if !self.takes(",") && self.peek() != Some(']') {
                return Err(self.error("a list has no end"));
            }
        }
        if has_others || count == 0 {
            self.values.truncate(before);
            self.values.push(Value { line, key: name.to_owned(), text: None });
        }
        Ok(())
    }

    /// Reads a truth value, a number or a date; a date is no single value here.
    fn bare(&mut self) -> Result<Option<String>, SyntaxError> {
        let word = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-' | '.' | ':'));
        if matches!(word.as_str(), "true" | "false") {
            return Ok(Some(word));
        }
        let plain = word.replace('_', "");
        let radixes = [("0x", 16), ("0o", 8), ("0b", 2)];
        let of_radix = radixes.iter().find_map(|(start, radix)| Some((plain.strip_prefix(start)?, *radix)));
        let number =
            of_radix.map_or_else(|| plain.parse().ok(), |(digits, radix)| i64::from_str_radix(digits, radix).ok());
        if let Some(number) = number {
            return Ok(Some(number.to_string()));
        }
        let begins_with_digit = plain.trim_start_matches(['+', '-']).starts_with(|c: char| c.is_ascii_digit());
        if begins_with_digit && is_float(&plain) {
            return Ok(Some(plain));
        }
        let is_time = word.starts_with(|c: char| c.is_ascii_digit()) && word.contains([':', '-']);
        if !is_time {
            return Err(self.error("a value is missing, or is text without quotation marks"));
        }
        if self.rest().starts_with(' ')
            && self.rest().get(1..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        {
            self.at += 1;
            self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | ':'));
        }
        Ok(None)
    }

    /// Reads a text in quotation marks: of either kind, on one line or, with three of them, on several.
    fn string(&mut self) -> Result<String, SyntaxError> {
        let has_escapes = self.peek() == Some('"');
        let (one, three) = if has_escapes { ("\"", "\"\"\"") } else { ("'", "'''") };
        let is_long = self.takes(three);
        if is_long {
            let _ = self.takes("\r\n") || self.takes("\n");
        } else {
            self.at += 1;
        }
        let end = if is_long { three } else { one };
        let mut text = String::new();
        loop {
            if self.takes(end) {
                // Up to two quotation marks may stand before the three that end it.
                while is_long && self.takes(one) {
                    text.push_str(one);
                }
                return Ok(text);
            }
            let Some(c) = self.peek().filter(|c| is_long || *c != '\n') else {
                return Err(self.error("a text has no quotation mark at its end"));
            };
            self.at += c.len_utf8();
            if c == '\\' && has_escapes { self.escape(&mut text)? } else { text.push(c) }
        }
    }

    fn escape(&mut self, text: &mut String) -> Result<(), SyntaxError> {
        let c = self.peek().unwrap_or('\n');
        self.at += self.peek().map_or(0, char::len_utf8);
        let digits = match c {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            // The line goes on in the next one.
            ' ' | '\t' | '\r' | '\n' => {
                self.take_while(char::is_whitespace);
                return Ok(());
            }
            _ => {
                let short = [
                    ('b', '\u{8}'),
                    ('t', '\t'),
                    ('n', '\n'),
                    ('f', '\u{c}'),
                    ('r', '\r'),
                    ('e', '\u{1b}'),
                    ('"', '"'),
                    ('\\', '\\'),
                ];
                let Some((_, meant)) = short.iter().find(|(letter, _)| *letter == c) else {
                    return Err(
                        self.error("a backslash in a text stands before a character that it may not stand before")
                    );
                };
                text.push(*meant);
                return Ok(());
            }
        };
        let code =
            self.rest().get(..digits).and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32);
        let Some(c) = code else {
            return Err(self.error("a backslash in a text has a number behind it that is no character’s"));
        };
        self.at += digits;
        text.push(c);
        Ok(())
    }
}

/// Returns whether this is a number with a fraction or an exponent, or with both.
fn is_float(word: &str) -> bool {
    let unsigned = |text: &str| text.strip_prefix(['+', '-']).unwrap_or(text).to_owned();
    let is_whole = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let word = unsigned(word);
    let (mantissa, exponent) = word.split_once(['e', 'E']).unwrap_or((&word, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    is_whole(whole) && is_whole(fraction) && is_whole(&unsigned(exponent))
}
