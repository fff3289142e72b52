//! Cells of CSV files, which people open in spreadsheets: what one would take for a formula is made text by an apostrophe, and
//! made what it was when the file comes back.

use std::borrow::Cow;

/// What a formula begins with, in half and in full width.
const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

/// Whether a text begins with a formula, or with apostrophes and then with one.
fn is_risky(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(FORMULA)
}

/// The text with one apostrophe before it where it begins with a formula. One that has apostrophes there already gets one
/// more, so that [`restored`] brings back each.
#[must_use]
pub fn defused(text: &str) -> Cow<'_, str> {
    if is_risky(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// The text without the apostrophe of [`defused`].
#[must_use]
pub fn restored(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| is_risky(rest)).unwrap_or(text)
}

/// A cell in quotation marks (RFC 4180), defused.
#[must_use]
pub fn cell(text: &str) -> String {
    format!("\"{}\"", defused(text).replace('"', "\"\""))
}

/// A row of cells with the end of its line.
#[must_use]
pub fn row<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for text in cells {
        if !line.is_empty() {
            line.push(',');
        }
        line.push_str(&cell(text));
    }
    line.push_str("\r\n");
    line
}

/// Whether a text is a long number as a spreadsheet rounds it, such as `1.9E+18`: its last digits are lost.
#[must_use]
pub fn is_rounded_number(text: &str) -> bool {
    let Some((number, power)) = text.split_once(['E', 'e']) else { return false };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, part) = number.split_once(['.', ',']).unwrap_or((number, "0"));
    let power = power.strip_prefix('+');
    is_digits(whole.trim_start_matches('-')) && is_digits(part) && power.is_some_and(is_digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_comes_back_as_it_was() {
        for text in
            ["", "zoe", "'zoe", "=1+1", "'=1+1", "''+49", "+49", "-1", "@a", "\tx", "\rx", "＝1", "'＠a", "1-2", "''"]
        {
            assert_eq!(restored(&defused(text)), text, "{text:?}");
            assert!(!defused(text).starts_with(FORMULA), "{text:?}");
        }
        assert_eq!(defused("+49"), "'+49");
        assert_eq!(defused("''+49"), "'''+49");
        assert_eq!(restored("O'Neil"), "O'Neil");
        assert_eq!(restored("'quoted'"), "'quoted'");
        assert_eq!(row(["a", "=\"b\""]), "\"a\",\"'=\"\"b\"\"\"\r\n");
    }

    #[test]
    fn a_number_that_was_rounded_is_told_from_a_text() {
        for text in ["1.9E+18", "1E+18", "1,23457E+15", "4.9e+11"] {
            assert!(is_rounded_number(text), "{text}");
        }
        for text in ["", "E", "1.9E18", "19", "E+18", "1.9E+", "zoe", "0049", "1.E+2", "Me+1"] {
            assert!(!is_rounded_number(text), "{text}");
        }
    }
}
