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

/// Returns the text of a file that somebody looks at before it counts, and how it was read: what is neither UTF-8 nor UTF-16 is
/// taken for Windows-1252, which is what spreadsheets of Windows save.
///
/// # Errors
/// [`Unreadable::Malformed`]: it is no text in either.
pub fn decode_any(bytes: &[u8]) -> Result<(Cow<'_, str>, &'static str), Unreadable> {
    let is_wide = |nul: usize| {
        let mut units = bytes.chunks_exact(2).take(200).peekable();
        units.peek().is_some()
            && units.filter(|unit| unit[nul] == 0 && unit[1 - nul] != 0).count() * 4 > bytes.len().min(400)
    };
    if is_wide(1) && !bytes.starts_with(&[0xff, 0xfe]) {
        return Ok((Cow::Owned(utf16(bytes, u16::from_le_bytes)?), "UTF-16"));
    }
    if is_wide(0) && !bytes.starts_with(&[0xfe, 0xff]) {
        return Ok((Cow::Owned(utf16(bytes, u16::from_be_bytes)?), "UTF-16"));
    }
    let name = match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "UTF-16 with its byte order mark",
        [0xef, 0xbb, 0xbf, ..] => "UTF-8 with its byte order mark",
        _ => "UTF-8",
    };
    match decode(bytes) {
        Err(_) if std::str::from_utf8(bytes).is_err() && is_windows_1252(bytes) => {
            Ok((Cow::Owned(bytes.iter().map(|byte| windows_1252(*byte)).collect()), "Windows-1252"))
        }
        read => read.map(|text| (text, name)),
    }
}

/// The characters of Windows-1252 where Latin-1 has controls; U+FFFD where it has none.
const WINDOWS_1252: &str = "€\u{fffd}‚ƒ„…†‡ˆ‰Š‹Œ\u{fffd}Ž\u{fffd}\u{fffd}‘’“”•–—˜™š›œ\u{fffd}žŸ";

fn windows_1252(byte: u8) -> char {
    match byte {
        0x80..=0x9f => WINDOWS_1252.chars().nth(usize::from(byte - 0x80)).unwrap_or(char::REPLACEMENT_CHARACTER),
        byte => char::from(byte),
    }
}

/// Whether bytes can be Windows-1252: no controls, and nothing that it has no character for.
fn is_windows_1252(bytes: &[u8]) -> bool {
    let is_control = |byte: u8| byte < 0x20 && !matches!(byte, b'\t' | b'\r' | b'\n');
    let is_other =
        matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'P', b'K', 3, 4, ..] | [0xd0, 0xcf, 0x11, 0xe0, ..]);
    !is_other && !bytes.iter().any(|byte| is_control(*byte) || windows_1252(*byte) == char::REPLACEMENT_CHARACTER)
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
    fn what_somebody_looks_at_is_guessed() {
        let guessed = |bytes: &[u8]| decode_any(bytes).map(|(text, name)| (text.into_owned(), name));
        let wide = |unit: fn(u16) -> [u8; 2]| "userName;x\nJörg".encode_utf16().flat_map(unit).collect::<Vec<u8>>();
        let text = || "userName;x\nJörg".to_owned();
        assert_eq!(guessed(text().as_bytes()), Ok((text(), "UTF-8")));
        assert_eq!(guessed(&wide(u16::to_le_bytes)), Ok((text(), "UTF-16")));
        assert_eq!(guessed(&wide(u16::to_be_bytes)), Ok((text(), "UTF-16")));
        assert_eq!(guessed(b"userName;x\nJ\xf6rg"), Ok((text(), "Windows-1252")));
        assert_eq!(guessed(b"\x80\x9f\x93a"), Ok(("€Ÿ“a".to_owned(), "Windows-1252")));
        assert_eq!(guessed("\u{feff}a".as_bytes()), Ok(("a".to_owned(), "UTF-8 with its byte order mark")));
        for bytes in [&b"PK\x03\x04\xff"[..], b"\x00\xff\x00", b"\xff\xfea", b"a\x81b"] {
            assert!(guessed(bytes).is_err(), "{bytes:?}");
        }
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
