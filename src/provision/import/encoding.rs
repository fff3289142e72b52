//! Which characters the bytes of a file are: UTF-8, or UTF-16 where its mark says so. Every other encoding is refused in
//! words rather than guessed: Windows-1252, Shift JIS and their like are told apart by nothing that a file says.

use std::borrow::Cow;

use crate::provision::import::Unreadable;

/// The advice for a file of another encoding.
const ADVICE: &str = "save it as UTF-8, which Excel calls 'CSV UTF-8', or as Excel's 'Unicode Text'";

/// Returns the text of a file that was sent without saying its encoding, or as UTF-8, without its byte order mark.
///
/// # Errors
/// [`Unreadable::Malformed`] with the line where it stops being text.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Unreadable> {
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => Cow::Owned(utf16(rest, u16::from_le_bytes)?),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(utf16(rest, u16::from_be_bytes)?),
        [b'P', b'K', 3, 4, ..] | [0xd0, 0xcf, 0x11, 0xe0, ..] => {
            let detail = "The file is a workbook or an archive, not a text: export the sheet as CSV, in UTF-8.";
            return Err(Unreadable::malformed(detail));
        }
        _ => Cow::Borrowed(utf8(bytes)?),
    };
    // Both are ASCII to a decoder: UTF-16 without a mark has NUL between its letters, ISO-2022-JP has ESC before its own.
    if let Some(at) = text.find(['\0', '\u{1b}']) {
        let detail = format!(
            "The file is not UTF-8 (line {}): it has control characters, as UTF-16 without a byte order mark or \
             ISO-2022-JP would; {ADVICE}.",
            line(&text.as_bytes()[..at])
        );
        return Err(Unreadable::malformed(detail));
    }
    Ok(text)
}

/// Returns the text of bytes that are UTF-8, without a byte order mark.
///
/// # Errors
/// [`Unreadable::Malformed`] with the line where it stops being UTF-8.
pub fn utf8(bytes: &[u8]) -> Result<&str, Unreadable> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = line(bytes.get(..error.valid_up_to()).unwrap_or_default());
        Unreadable::malformed(format!("The file is not UTF-8 (line {line}): {ADVICE}."))
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Unreadable> {
    let pairs = bytes.chunks_exact(2);
    let cut_off = !pairs.remainder().is_empty();
    let units = pairs.map(|pair| unit([pair[0], pair[1]]));
    let mut text = String::with_capacity(bytes.len() / 2);
    for read in char::decode_utf16(units) {
        let Ok(character) = read else { return Err(broken_utf16(&text)) };
        text.push(character);
    }
    if cut_off { Err(broken_utf16(&text)) } else { Ok(text) }
}

fn broken_utf16(before: &str) -> Unreadable {
    let line = line(before.as_bytes());
    Unreadable::malformed(format!("The file begins as UTF-16 and is none on line {line}: {ADVICE}."))
}

fn line(before: &[u8]) -> usize {
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> String {
        decode(bytes).expect_err("no text").to_string()
    }

    #[test]
    fn utf_8_and_utf_16_with_a_mark_are_read() {
        let text = "userName\tJörg 𝒳 田中\r\n";
        let units = || [0xfeff].into_iter().chain(text.encode_utf16());
        assert_eq!(decode(text.as_bytes()).as_deref(), Ok(text));
        assert_eq!(decode(format!("\u{feff}{text}").as_bytes()).as_deref(), Ok(text));
        assert_eq!(decode(&units().flat_map(u16::to_le_bytes).collect::<Vec<_>>()).as_deref(), Ok(text));
        assert_eq!(decode(&units().flat_map(u16::to_be_bytes).collect::<Vec<_>>()).as_deref(), Ok(text));
        assert_eq!(decode(b"\xff\xfe").as_deref(), Ok(""));
    }

    #[test]
    fn any_other_encoding_is_refused_in_words() {
        let little = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let wide = |text: &str| text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect::<Vec<u8>>();
        assert!(refused(b"userName\nJ\xf6rg").contains("line 2"), "Windows-1252");
        for bytes in [
            b"\x83\x86\x81[\x83U".to_vec(),      // Shift JIS
            b"\x1b$B%f!<%6\x1b(B".to_vec(),      // ISO-2022-JP
            little("userName,email"),            // UTF-16 without a mark
            wide("\u{feff}userName"),            // UTF-32
            b"\x00\x00\xfe\xff\0\0\0u".to_vec(), // UTF-32, the other way round
            b"\xc1\x80".to_vec(),                // an overlong form
            b"J\xe9r\xf4me".to_vec(),            // ISO-8859-1
        ] {
            assert!(refused(&bytes).contains("UTF-8"), "{bytes:?}: {}", refused(&bytes));
        }
        assert!(refused(b"\xff\xfeu\0s").contains("UTF-16"), "half a unit");
        assert!(refused(b"\xff\xfe\x00\xd8a\0").contains("UTF-16"), "half a pair");
        assert!(refused(b"PK\x03\x04\x14\0").contains("workbook"));
        assert!(refused(b"\xd0\xcf\x11\xe0\xa1\xb1").contains("workbook"));
    }
}
