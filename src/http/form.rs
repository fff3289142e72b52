//! Forms (`application/x-www-form-urlencoded`), read field by field.

use std::string::FromUtf8Error;

use percent_encoding::percent_decode;

/// The fields of a form, decoded, in their order.
pub struct Form(Vec<(Vec<u8>, Vec<u8>)>);

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
            (decoded(name), decoded(value.get(1..).unwrap_or_default()))
        });
        Self(fields.collect())
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &Vec<u8>> {
        self.0.iter().filter(move |(key, _)| key == name.as_bytes()).map(|(_, value)| value)
    }

    /// Returns the fields that are text, in their order.
    pub fn all_texts(&self) -> impl Iterator<Item = (String, String)> {
        let text = |bytes: &Vec<u8>| String::from_utf8(bytes.clone()).ok();
        self.0
            .iter()
            .filter_map(move |(name, value)| Some((text(name)?, text(value)?)))
            .filter(|(name, _)| !name.is_empty())
    }

    /// Returns a field as text; `Some(Err)` when its bytes are not UTF-8, which a lenient reader would replace unseen:
    /// nobody could type such a password a second time.
    pub fn field(&self, name: &str) -> Option<Result<String, FromUtf8Error>> {
        self.values(name).next().map(|value| String::from_utf8(value.clone()))
    }

    /// Returns a field as text; `None` also when it is no UTF-8.
    pub fn read_text(&self, name: &str) -> Option<String> {
        self.field(name).and_then(Result::ok)
    }

    /// Returns all values of a field as text: those of the checkboxes that are checked, for one.
    pub fn texts(&self, name: &str) -> Vec<String> {
        self.values(name).filter_map(|value| String::from_utf8(value.clone()).ok()).collect()
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
