//! Forms, read field by field: `application/x-www-form-urlencoded`, and with files `multipart/form-data`.

use std::string::FromUtf8Error;

use bytes::Bytes;
use percent_encoding::percent_decode;

use crate::http::multipart::{self, Part};

/// The fields of a form, decoded, in their order.
pub struct Form(Vec<Part>);

/// A field that came twice where it may come once.
#[derive(Debug)]
pub struct Repeated;

impl Form {
    /// Reads a form.
    pub fn parse(bytes: &[u8]) -> Self {
        let decoded = |bytes: &[u8]| {
            let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
            percent_decode(&spaced).collect()
        };
        let fields = bytes.split(|byte| *byte == b'&').map(|pair| {
            let equals = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let (name, value) = pair.split_at(equals);
            let value: Vec<u8> = decoded(value.get(1..).unwrap_or_default());
            Part { name: decoded(name), file_name: None, value: value.into() }
        });
        Self(fields.collect())
    }

    /// Reads a form with files, whose fields this boundary separates; `None` where it is not whole.
    pub fn parse_parts(body: &Bytes, boundary: &str) -> Option<Self> {
        multipart::parse(body, boundary).map(Self)
    }

    /// Returns the values of a field that is no file.
    fn values(&self, name: &str) -> impl Iterator<Item = &Bytes> {
        let of_name = move |part: &&Part| part.name == name.as_bytes() && part.file_name.is_none();
        self.0.iter().filter(of_name).map(|part| &part.value)
    }

    /// Returns the file that was chosen in a field, and the name it has on the sender's machine. Browsers send an empty one
    /// without a name where none was chosen.
    pub fn file(&self, name: &str) -> Option<(&str, &Bytes)> {
        let files = self.0.iter().filter(|part| part.name == name.as_bytes());
        let mut named = files.filter_map(|part| Some((part.file_name.as_deref()?, &part.value)));
        named.find(|(name, value)| !name.is_empty() || !value.is_empty())
    }

    /// Returns the fields that are text, in their order.
    pub fn all_texts(&self) -> impl Iterator<Item = (String, String)> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        self.0
            .iter()
            .filter(|part| part.file_name.is_none())
            .filter_map(move |part| Some((text(&part.name)?, text(&part.value)?)))
            .filter(|(name, _)| !name.is_empty())
    }

    /// Returns a field as text; `Some(Err)` when its bytes are not UTF-8, which a lenient reader would replace unseen:
    /// nobody could type such a password a second time.
    pub fn field(&self, name: &str) -> Option<Result<String, FromUtf8Error>> {
        self.values(name).next().map(|value| String::from_utf8(value.to_vec()))
    }

    /// Returns a field as text; `None` also when it is no UTF-8.
    pub fn read_text(&self, name: &str) -> Option<String> {
        self.field(name).and_then(Result::ok)
    }

    /// Returns all values of a field as text: those of the checkboxes that are checked, for one.
    pub fn texts(&self, name: &str) -> Vec<String> {
        self.values(name).filter_map(|value| String::from_utf8(value.to_vec()).ok()).collect()
    }

    /// Returns a field that comes exactly once, as text.
    pub fn only(&self, name: &str) -> Option<String> {
        let mut values = self.values(name);
        let value = values.next().filter(|_| values.next().is_none())?;
        String::from_utf8(value.to_vec()).ok()
    }

    /// Returns a field that may come once. One that is empty has not come (RFC 6749 section 3.2).
    ///
    /// # Errors
    /// It comes twice.
    pub fn once(&self, name: &str) -> Result<Option<String>, Repeated> {
        let mut values = self.values(name).filter(|value| !value.is_empty());
        let first = values.next().map(|value| String::from_utf8_lossy(value).into_owned());
        if values.next().is_some() { Err(Repeated) } else { Ok(first) }
    }
}
