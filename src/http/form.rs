//! The forms of pages: read whole, and field by field.

use std::borrow::Cow;
use std::str::Utf8Error;

use ::http::StatusCode;
use axum::body::{self, Body, Bytes};
use axum::response::Response;
use percent_encoding::percent_decode;

use crate::http::answer::{self, Dialect};

/// A form with two passwords of the longest kind, percent-encoded, is smaller than this.
const MAX_FORM: usize = 16 * 1024;

/// Reads a form; the page that says that it is too large.
pub async fn read(body: Body) -> Result<Bytes, Response> {
    let too_large = |_| answer::error(Dialect::Page, StatusCode::PAYLOAD_TOO_LARGE, "The form is too large.");
    body::to_bytes(body, MAX_FORM).await.map_err(too_large)
}

/// A form's field as text; `Some(Err)` when its bytes are not UTF-8, which a lenient reader would replace unseen: nobody
/// could type such a password a second time.
pub fn field(form: &[u8], name: &str) -> Option<Result<String, Utf8Error>> {
    form.split(|byte| *byte == b'&').find_map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let (key, value) = pair.split_at(equals);
        let decoded = |bytes: &[u8]| {
            let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
            percent_decode(&spaced).decode_utf8().map(Cow::into_owned)
        };
        let is_it = decoded(key).is_ok_and(|key| key == name);
        is_it.then(|| decoded(value.get(1..).unwrap_or_default()))
    })
}
