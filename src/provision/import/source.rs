//! A CSV file as RFC 4180 would have it: its characters, which of them separates cells, and no blanks around cells in
//! quotation marks.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::ops::Range;

use crate::provision::import::csv::{Records, records};
use crate::provision::import::encoding::decode;
use crate::provision::import::{Unreadable, header};

/// What spreadsheets separate cells with; of equals the first.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The text of a CSV file.
#[derive(Clone, Debug)]
pub struct Source<'f> {
    text: Cow<'f, str>,
    separator: u8,
    /// Where records begin, in bytes and lines: behind a line that is for programs.
    start: usize,
    first_line: usize,
}

impl<'f> Source<'f> {
    /// Reads a file's characters, and from its header what separates its cells.
    ///
    /// # Errors
    /// [`Unreadable::Malformed`]: it is not a text.
    pub fn read(bytes: &'f [u8]) -> Result<Self, Unreadable> {
        let text = decode(bytes)?;
        let Preamble { start, lines, separator } = Preamble::parse(&text);
        let separator = separator.unwrap_or_else(|| of_header(&text[start..]));
        Ok(Self { text: without_blanks(text, separator, start), separator, start, first_line: 1 + lines })
    }

    /// The text, with the lines that the file has.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What separates its cells.
    #[must_use]
    pub fn separator(&self) -> u8 {
        self.separator
    }

    /// Its records, the header among them.
    #[must_use]
    pub fn records(&self) -> Records<'_> {
        records(&self.text[self.start..], self.separator, self.first_line)
    }
}

/// What stands before the header for programs to read: Excel's `sep=;`, or `version:v1.0` in Entra ID's templates.
struct Preamble {
    start: usize,
    lines: usize,
    separator: Option<u8>,
}

impl Preamble {
    fn parse(text: &str) -> Self {
        let nothing = Self { start: 0, lines: 0, separator: None };
        let blank = text.len() - text.trim_start_matches(['\r', '\n']).len();
        let line = text[blank..].split(['\r', '\n']).next().unwrap_or_default();
        let said = line.trim_matches([' ', '"', '\u{feff}']);
        let separator = match said.split_at_checked(4) {
            Some((name, value)) if name.eq_ignore_ascii_case("sep=") => match separator_said(value) {
                Some(separator) => Some(separator),
                None => return nothing,
            },
            Some(("vers", rest)) if is_version(rest) => None,
            _ => return nothing,
        };
        let end = blank + line.len();
        let break_length = if text[end..].starts_with("\r\n") { 2 } else { usize::from(end < text.len()) };
        let start = end + break_length;
        let lines = text[..start].replace("\r\n", "\n").matches(['\r', '\n']).count();
        Self { start, lines, separator }
    }
}

/// The character behind `sep=`, with nothing but separators behind it: a program may have filled the line with them.
fn separator_said(value: &str) -> Option<u8> {
    let separator = u8::try_from(value.chars().next()?).ok()?;
    let can_separate = separator == b'\t' || (separator.is_ascii_punctuation() && separator != b'"');
    let is_filling = |byte: u8| byte == separator || byte == b' ' || byte == b'"' || SEPARATORS.contains(&byte);
    (can_separate && value.bytes().all(is_filling)).then_some(separator)
}

fn is_version(rest: &str) -> bool {
    let version = rest.strip_prefix("ion:v").map(|rest| rest.trim_end_matches([',', ';', '\t', '|', ' ', '"']));
    version
        .is_some_and(|version| !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
}

/// The separator by which a header has the most names that are known, of equals the one that makes the most cells.
fn of_header(text: &str) -> u8 {
    let worth = |separator: &u8| {
        let header = records(text, *separator, 1).find(|record| !record.is_blank());
        // Of a header whose quotation marks are not in order, the first line will do.
        let line = || text.trim_start_matches(['\r', '\n']).split(['\r', '\n']).next().unwrap_or_default();
        let split = || line().split(char::from(*separator)).map(str::to_owned).collect();
        let mut cells = header.map_or_else(Vec::new, |header| header.cells.unwrap_or_else(|_| split()));
        // A blank before a quotation mark has not been taken away yet.
        cells.iter_mut().for_each(|cell| *cell = cell.trim().trim_matches('"').to_owned());
        (header::known(&cells), cells.len())
    };
    // Of equals, `min` answers the first.
    SEPARATORS.into_iter().min_by_key(|separator| Reverse(worth(separator))).unwrap_or(b',')
}

/// The text without the blanks between a separator and a quotation mark that opens or closes a cell.
fn without_blanks(text: Cow<'_, str>, separator: u8, start: usize) -> Cow<'_, str> {
    let separator = char::from(separator);
    let blanks = |at: usize| {
        let rest = &text[at..];
        rest.len()
            - rest.trim_start_matches(|c| c != separator && matches!(c, ' ' | '\t' | '\u{a0}' | '\u{feff}')).len()
    };
    let mut taken: Vec<Range<usize>> = Vec::new();
    let mut at = start;
    loop {
        let before = blanks(at);
        if text[at + before..].starts_with('"') {
            if before > 0 {
                taken.push(at..at + before);
            }
            at += before + 1;
            // The mark that closes the cell: the first that is not doubled.
            loop {
                let Some(mark) = text[at..].find('"') else {
                    return without(text, &taken);
                };
                at += mark + 1;
                if !text[at..].starts_with('"') {
                    break;
                }
                at += 1;
            }
            let after = blanks(at);
            let rest = &text[at + after..];
            if after > 0 && (rest.is_empty() || rest.starts_with([separator, '\r', '\n'])) {
                taken.push(at..at + after);
                at += after;
            }
        }
        match text[at..].find([separator, '\r', '\n']) {
            Some(end) => at += end + 1,
            None => return without(text, &taken),
        }
    }
}

fn without<'f>(text: Cow<'f, str>, taken: &[Range<usize>]) -> Cow<'f, str> {
    if taken.is_empty() {
        return text;
    }
    let mut left = String::with_capacity(text.len());
    let mut at = 0;
    for range in taken {
        left.push_str(&text[at..range.start]);
        at = range.end;
    }
    left.push_str(&text[at..]);
    Cow::Owned(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(file: &str) -> Vec<(usize, Vec<String>)> {
        let source = Source::read(file.as_bytes()).expect("text");
        source.records().map(|record| (record.line, record.cells.expect("well quoted"))).collect()
    }

    fn owned(line: usize, cells: &[&str]) -> (usize, Vec<String>) {
        (line, cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn the_header_tells_what_separates_cells() {
        for separator in [",", ";", "\t", "|"] {
            for file in [
                "userName;email\na,b;c\td|",
                "Login;First name;E-mail\nx",
                "\n\"userName\";\"email\"\n",
                "email;userName;;;\n;",
            ] {
                let file = file.replace(';', separator);
                let source = Source::read(file.as_bytes()).expect("text");
                assert_eq!(char::from(source.separator).to_string(), separator, "{file:?}");
            }
        }
        // Names that hold other separators, and a header of which nothing is known.
        assert_eq!(cells("\"Name, full\";userName;email\n")[0], owned(1, &["Name, full", "userName", "email"]));
        assert_eq!(cells("a;b;c,d\n")[0], owned(1, &["a", "b", "c,d"]));
        assert_eq!(cells("userName\na;b\n")[1], owned(2, &["a;b"]));
    }

    #[test]
    fn a_first_line_may_say_what_separates_cells() {
        for first in ["sep=;", "SEP=;", "\"sep=;\"", "sep=;;;", "sep=;,,", "sep=; "] {
            for end in ["\n", "\r\n", "\r"] {
                let file = format!("\u{feff}{first}{end}userName;email{end}a;b{end}");
                assert_eq!(cells(&file), [owned(2, &["userName", "email"]), owned(3, &["a", "b"])], "{file:?}");
            }
        }
        assert_eq!(cells("sep=\t\nuserName\temail\n"), [owned(2, &["userName", "email"])]);
        assert_eq!(cells("sep=^\nuserName^email\n"), [owned(2, &["userName", "email"])]);
        assert_eq!(cells("\n\nsep=|\nuserName|email\n"), [owned(4, &["userName", "email"])]);
        assert_eq!(cells("version:v1.0,,\nuserName,email\n"), [owned(2, &["userName", "email"])]);
        assert_eq!(cells("sep=x\nuserName,email\n")[0], owned(1, &["sep=x"]), "which no header is");
        assert_eq!(cells("sep=;"), []);
    }

    #[test]
    fn blanks_around_a_quoted_cell_are_no_part_of_it() {
        let same = [owned(1, &["userName", "email"]), owned(2, &["Ann, \"B\"", "a"]), owned(3, &["x", "y"])];
        for file in [
            "userName, \"email\"\n \"Ann, \"\"B\"\"\",\"a\"\n\"x\" , \"y\" \n",
            "\"userName\" ,\t\"email\"\r\"Ann, \"\"B\"\"\"  ,  \"a\"\rx,\u{a0}\"y\"",
        ] {
            assert_eq!(cells(file), same, "{file:?}");
        }
        // Between tabs a tab is a separator; blanks inside, and of cells without quotation marks, stay as they are.
        assert_eq!(cells("userName\temail\n\t \"a\"\n")[1], owned(2, &["", "a"]));
        assert_eq!(cells("userName,email\n\" a \", b \n")[1], owned(2, &[" a ", " b "]));
        assert_eq!(cells("userName,email\n5\" pipe, O\"Neil\"\n")[1], owned(2, &["5\" pipe", " O\"Neil\""]));
    }
}
