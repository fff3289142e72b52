//! Forms with files (`multipart/form-data`, RFC 7578), which browsers send for a form that has a file to choose.

use bytes::Bytes;

/// The most fields of such a form.
const MAX_FIELDS: usize = 100;
/// The most bytes of what is said about one field: its name, and its file's.
const MAX_HEAD: usize = 4096;

/// A field: a text, or a file with the name it has on the sender's machine.
pub struct Part {
    /// The name of the field.
    pub name: Vec<u8>,
    /// The name of the file; `None` where it is none.
    pub file_name: Option<String>,
    /// What it holds: a part of the body, which is not copied.
    pub value: Bytes,
}

/// Returns what separates the fields, if this media type is one of a form with files.
pub fn boundary(media_type: &str) -> Option<&str> {
    let (essence, parameters) = media_type.split_once(';')?;
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let given = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    })?;
    (1..=70).contains(&given.len()).then_some(given)
}

/// Reads the fields, in their order; `None` where the form is not whole, or has too much of something.
pub fn parse(body: &Bytes, boundary: &str) -> Option<Vec<Part>> {
    let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
    let mut parts = Vec::new();
    // The first delimiter may stand at the very beginning, where no line has ended yet.
    let mut at =
        if body.starts_with(&delimiter[2..]) { delimiter.len() - 2 } else { find(body, &delimiter)? + delimiter.len() };
    while !body[at..].starts_with(b"--") {
        at += body[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        // A field about which nothing is said has its empty line at once, and no name.
        let head_start = at + body[at..].starts_with(b"\r\n").then_some(2)?;
        let head = &body[head_start..];
        let head = &head[..find(&head[..head.len().min(MAX_HEAD)], b"\r\n\r\n")?];
        let start = head_start + head.len() + 4;
        let end = start - 2 + find(&body[start - 2..], &delimiter)?;
        let (name, file_name) = disposition(head)?;
        // The line end before the delimiter may be the one that ends the head: the field is empty.
        parts.push(Part { name, file_name, value: body.slice(start.min(end)..end) });
        if parts.len() > MAX_FIELDS {
            return None;
        }
        at = end + delimiter.len();
    }
    Some(parts)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Returns the field's name and its file's, out of the lines that say something about it.
fn disposition(head: &[u8]) -> Option<(Vec<u8>, Option<String>)> {
    let head = String::from_utf8_lossy(head);
    let value = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    let mut rest = value.trim().strip_prefix("form-data")?;
    let (mut name, mut file_name) = (None, None);
    while let Some((key, after)) = rest.split_once('=') {
        let key = key.trim_start_matches([';', ' ', '\t']).trim_end();
        let text;
        (text, rest) = parameter(after)?;
        match key.to_ascii_lowercase().as_str() {
            "name" => name = Some(text.into_bytes()),
            "filename" => file_name = Some(text),
            _ => {}
        }
    }
    Some((name?, file_name))
}

/// Returns a parameter's value and what follows it. In quotes, a backslash stands before a quote that is part of it; before
/// anything else it is one of a path on Windows.
fn parameter(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        return Some((text[..end].trim().to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' if chars.peek().is_some_and(|(_, next)| *next == '"') => {
                chars.next();
                value.push('"');
            }
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{MAX_FIELDS, boundary, parse};

    /// The name of a part, the name of its file, and what is in it.
    type Read = (String, Option<String>, Vec<u8>);

    fn read(body: &[u8]) -> Option<Vec<Read>> {
        let parts = parse(&Bytes::copy_from_slice(body), "x")?;
        let read = parts.into_iter();
        Some(
            read.map(|part| (String::from_utf8(part.name).expect("well-formed"), part.file_name, part.value.to_vec()))
                .collect(),
        )
    }

    #[test]
    fn the_boundary_is_read_from_the_media_type() {
        assert_eq!(boundary("multipart/form-data; boundary=----WebKit1"), Some("----WebKit1"));
        assert_eq!(boundary("Multipart/Form-Data; charset=utf-8; Boundary=\"a b\""), Some("a b"));
        assert_eq!(boundary("application/x-www-form-urlencoded"), None);
        assert_eq!(boundary("multipart/mixed; boundary=x"), None);
        assert_eq!(boundary("multipart/form-data; boundary="), None);
        assert_eq!(boundary(&format!("multipart/form-data; boundary={}", "x".repeat(71))), None);
    }

    #[test]
    fn texts_and_files_are_read_as_they_were_sent() {
        let body = b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\ntwo\r\n--x\r\n\
            content-disposition: form-data; name=b; filename=\"C:\\dir\\a\\\"b;=.csv\"\r\nContent-Type: text/csv\r\n\r\n\
            \r\n--\r\n\xff--x\r\n--x\r\nContent-Disposition: form-data; name=\"c\"; filename=\"\"\r\n\r\n\r\n--x--\r\n";
        assert_eq!(
            read(body).expect("well-formed"),
            [
                ("a".to_owned(), None, b"one\r\ntwo".to_vec()),
                ("b".to_owned(), Some("C:\\dir\\a\"b;=.csv".to_owned()), b"\r\n--\r\n\xff--x".to_vec()),
                ("c".to_owned(), Some(String::new()), Vec::new()),
            ]
        );
        assert_eq!(read(b"--x--").expect("well-formed"), []);
        assert_eq!(read(b"before\r\n--x--after").expect("well-formed"), []);
    }

    #[test]
    fn a_form_that_is_not_whole_is_refused() {
        for body in [
            &b""[..],
            b"a=b",
            b"--x",
            b"--x\r\n",
            b"--x\r\n\r\n\r\n--x--",
            b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nvalue",
            b"--x\r\nContent-Disposition: form-data; name=\"a\r\n\r\nvalue\r\n--x--",
            b"--x\r\nContent-Disposition: form-data\r\n\r\nvalue\r\n--x--",
            b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nvalue\r\n--xy",
        ] {
            assert_eq!(read(body), None, "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn a_form_has_a_hundred_fields_at_most_and_four_kibibytes_of_names() {
        let field = "--x\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n";
        let of = |count: usize| format!("{}--x--", field.repeat(count));
        assert_eq!(read(of(MAX_FIELDS).as_bytes()).map(|fields| fields.len()), Some(MAX_FIELDS));
        assert_eq!(read(of(MAX_FIELDS + 1).as_bytes()), None);
        let named = |length: usize| {
            format!("--x\r\nContent-Disposition: form-data; name={}\r\n\r\n\r\n--x--", "a".repeat(length))
        };
        assert!(read(named(4000).as_bytes()).is_some());
        assert!(read(named(4096).as_bytes()).is_none());
    }
}
