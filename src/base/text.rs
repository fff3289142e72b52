//! Small shared text: dates, characters that are not what they seem, words for the log.

use crate::base::calendar::{Millis, utc};

/// A time as RFC 3339 in UTC with milliseconds, as SCIM's `dateTime` wants it; empty outside the calendar.
#[must_use]
pub fn rfc3339(millis: Millis) -> String {
    let Some(moment) = utc(millis.div_euclid(1000)) else { return String::new() };
    let (year, month, day) = (moment.year(), u8::from(moment.month()), moment.day());
    let (hour, minute, second) = moment.as_hms();
    let fraction = format!(".{:03}", millis.rem_euclid(1000));
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// The most characters of somebody else's error that we keep.
const LONGEST_ERROR: usize = 300;

/// What a database or a provider says went wrong, fit for the log: one line of bounded length, without whatever stands
/// in quotes, where such sentences repeat the values they were given.
#[must_use]
pub fn without_values(error: &str) -> String {
    let mut told = String::new();
    let mut quote = None;
    // An apostrophe between two letters is one; anywhere else it may open a quotation.
    let mut after_letter = false;
    for c in error.chars().map(|c| if c.is_control() { ' ' } else { c }).take(4 * LONGEST_ERROR) {
        match quote {
            Some(end) if c == end => {
                told.push('…');
                told.push(c);
                quote = None;
            }
            Some(_) => {}
            None => {
                told.push(c);
                if matches!(c, '"' | '`') || (c == '\'' && !after_letter) {
                    quote = Some(c);
                }
            }
        }
        after_letter = c.is_alphabetic();
    }
    cut(&told, LONGEST_ERROR)
}

/// The text, or its beginning and an ellipsis: at most `longest` characters.
#[must_use]
pub fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some(_) => text.chars().take(longest.saturating_sub(1)).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{cut, rfc3339, without_values};

    #[test]
    fn errors_are_told_without_the_values_they_quote() {
        assert_eq!(without_values("D1_ERROR: no such column: x"), "D1_ERROR: no such column: x");
        assert_eq!(without_values("for value 'hunter2'\nat 3"), "for value '…' at 3");
        assert_eq!(without_values("near \"hunter2"), "near \"");
        assert_eq!(without_values("it doesn't fit"), "it doesn't fit");
        assert_eq!(without_values(&"x".repeat(10_000)).chars().count(), 300);
    }

    #[test]
    fn text_is_cut_at_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
    }

    #[test]
    fn dates_are_rfc_3339_in_utc() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_795_355_652_123), "2026-11-22T13:54:12.123Z");
        assert_eq!(rfc3339(1_795_355_652_120), "2026-11-22T13:54:12.12Z");
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(rfc3339(i64::MAX), "");
    }
}
