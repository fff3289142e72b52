//! Bodies: the whole of one within a limit, and JSON by the rule of the area.

use ::http::HeaderMap;
use ::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use bytes::Bytes;
use jsonc_parser::{CollectOptions, ParseOptions, ParseResult};
use serde_json::Value as Json;

use crate::http::area::Area;
use crate::http::error::ApiError;
use crate::http::form::Form;
use crate::http::multipart;
use crate::wso2::error::Error as Wso2Error;
use scim::error::Error as ScimError;

/// The largest JSON document, in bytes, where nothing else is said.
pub const MAX_DOCUMENT: usize = 256 * 1024;
/// The largest JSON document of WSO2's endpoints and of the preview of templates, in bytes.
pub const MEGABYTE: usize = 1024 * 1024;
/// The largest form, in bytes: one with two passwords of the longest kind, percent-encoded, is smaller.
const MAX_FORM: usize = 16 * 1024;
/// The most brackets that a body only a lenient parser understands may open.
const MAX_LENIENT_BRACKETS: usize = 500;

/// JSON5, but for numbers that JSON has no place for.
const JSON5: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_loose_object_property_names: true,
    allow_trailing_commas: true,
    allow_missing_commas: false,
    allow_single_quoted_strings: true,
    allow_hexadecimal_numbers: true,
    allow_unary_plus_numbers: true,
    allow_bare_decimal_point_numbers: true,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: true,
};

/// The most objects in a body of more than a megabyte. In memory each is some hundred bytes, however short it is as text.
const MAX_OBJECTS: usize = 55_000;
/// The most values, and the most names of them, in such a body.
const MAX_PARTS: usize = 500_000;

/// Whether a body would be much larger in memory than it is as text: counted before it is read, and generously, since texts
/// count too.
fn is_too_dense(bytes: &[u8]) -> bool {
    let (mut objects, mut values, mut names) = (0, 0, 0);
    for byte in bytes {
        match byte {
            b'{' => objects += 1,
            b',' | b'[' => values += 1,
            b':' => names += 1,
            _ => {}
        }
    }
    objects > MAX_OBJECTS || values > MAX_PARTS || names > MAX_PARTS
}

/// The bytes that Windows programs begin a file in UTF-8 with.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A body that was larger than its limit.
#[derive(Debug)]
pub struct TooLarge;

/// The body of a request, and what the headers say of it.
pub struct RequestBody {
    area: Area,
    media_type: Option<HeaderValue>,
    /// The length that was announced, in bytes.
    announced: Option<usize>,
    /// `None` for one that is larger than any of its area may be: who may not send it, or not there, hears that first.
    body: Option<Bytes>,
}

impl RequestBody {
    /// Returns the body of a request to an area.
    pub fn new(area: Area, headers: &HeaderMap, body: Option<Bytes>) -> Self {
        let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        Self { area, media_type: headers.get(CONTENT_TYPE).cloned(), announced, body }
    }

    /// Reads all of it.
    ///
    /// # Errors
    /// It is larger than `limit`, in bytes.
    pub fn bytes(self, limit: usize) -> Result<Bytes, TooLarge> {
        self.body.filter(|body| body.len() <= limit).ok_or(TooLarge)
    }

    /// Reads a form.
    ///
    /// # Errors
    /// It is larger than 16 KiB.
    pub fn form(self) -> Result<Form, TooLarge> {
        self.bytes(MAX_FORM).map(|bytes| Form::parse(&bytes))
    }

    /// Reads a form of the console, with files or without, which is as large as its path allows (`Area::body_limit`).
    ///
    /// # Errors
    /// It is larger, which this sentence says; or one with files that is not whole.
    pub fn console_form(self, too_large: &'static str) -> Result<Form, ApiError> {
        let Self { body, media_type, .. } = self;
        let bytes = body.ok_or_else(|| ApiError::too_large(too_large))?;
        let media_type = media_type.as_ref().and_then(|value| value.to_str().ok()).unwrap_or_default();
        match multipart::boundary(media_type) {
            Some(boundary) => Form::parse_parts(&bytes, boundary).ok_or_else(|| {
                ApiError::bad_request(
                    "The form with its file did not arrive whole, or has over 100 fields: send it again.",
                )
            }),
            None => Ok(Form::parse(&bytes)),
        }
    }

    /// Reads a JSON document of at most `limit` bytes.
    ///
    /// SCIM bodies must have one of SCIM's media types, and may be JSON5 besides JSON, because WSO2's own documentation
    /// prints a body with an unquoted key. Everywhere else JSON is strict.
    ///
    /// # Errors
    /// It is too large, of another media type, or no JSON.
    pub fn json(self, limit: usize) -> Result<Json, ApiError> {
        let area = self.area;
        if area == Area::Scim {
            self.check_media_type()?;
            if self.announced.is_some_and(|length| length > limit) {
                return Err(too_large(area, limit));
            }
        }
        let bytes = self.bytes(limit).map_err(|TooLarge| too_large(area, limit))?;
        if bytes.len() > MEGABYTE && is_too_dense(&bytes) {
            let detail = format!(
                "The body has more than {MAX_OBJECTS} objects or {MAX_PARTS} values: send the members of a group in several PATCHes."
            );
            return Err(if area == Area::Scim {
                ScimError::payload_too_large(detail).into()
            } else {
                ApiError::too_large(detail)
            });
        }
        let parsed = if area == Area::Scim { parse_lenient(&bytes) } else { parse_strict(&bytes) };
        parsed.map_err(|why| {
            let detail = format!("The body is not valid JSON: {why}.");
            match area {
                Area::Scim => ScimError::invalid_syntax(detail).into(),
                Area::Wso2 => Wso2Error::without_message(400, "UE-10000", detail).into(),
                _ => ApiError::bad_request(detail),
            }
        })
    }

    /// Reads a JSON object of at most `limit` bytes, and answers how many it has.
    ///
    /// # Errors
    /// It is too large, no JSON, or no object.
    pub fn sized_object(mut self, limit: usize) -> Result<(Json, usize), ApiError> {
        let body = self.body.take().filter(|body| body.len() <= limit);
        let bytes = body.ok_or_else(|| too_large(self.area, limit))?;
        let size = bytes.len();
        self.body = Some(bytes);
        Ok((self.object()?, size))
    }

    /// Reads a JSON object of at most [`MAX_DOCUMENT`] bytes.
    ///
    /// # Errors
    /// It is too large, no JSON, or no object.
    pub fn object(self) -> Result<Json, ApiError> {
        let json = self.json(MAX_DOCUMENT)?;
        if json.is_object() { Ok(json) } else { Err(ApiError::bad_request("Send a JSON object.")) }
    }

    fn check_media_type(&self) -> Result<(), ScimError> {
        let text = self.media_type.as_ref().map(|value| value.to_str().unwrap_or_default());
        let essence = text.map(|text| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
        match essence.as_deref() {
            None | Some("application/scim+json" | "application/json") => Ok(()),
            Some(_) => {
                Err(ScimError::unsupported_media_type("Send the body as application/scim+json or application/json."))
            }
        }
    }
}

fn too_large(area: Area, limit: usize) -> ApiError {
    if area == Area::Scim {
        ScimError::payload_too_large(format!("The body is larger than {limit} bytes.")).into()
    } else if limit < MEGABYTE {
        ApiError::too_large(format!("The document is larger than {} KiB.", limit / 1024))
    } else {
        ApiError::too_large("The body is larger than a megabyte.")
    }
}

/// Reads strict JSON, behind a byte order mark or without one (RFC 8259 section 8.1 lets a reader ignore it).
fn parse_strict(bytes: &[u8]) -> Result<Json, String> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

/// Reads strict JSON first; only what that refuses is given to a JSON5 parser.
fn parse_lenient(bytes: &[u8]) -> Result<Json, String> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let strict = match parse_strict(bytes) {
        Ok(json) => return Ok(json),
        Err(error) => error,
    };
    // The lenient parser lets more levels pass than the strict one, and than is good. Brackets in strings and comments count
    // too: telling them apart would be a parser of our own, and a body that needs leniency has few.
    let opened = bytes.iter().filter(|byte| matches!(byte, b'{' | b'[')).count();
    if opened > MAX_LENIENT_BRACKETS {
        return Err(strict);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| strict.clone())?;
    match jsonc_parser::parse_to_ast(text, &CollectOptions::default(), &JSON5) {
        Ok(ParseResult { value: Some(value), .. }) => Ok(value.into()),
        _ => Err(strict),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parse_lenient;

    #[test]
    fn what_strict_json_refuses_is_read_as_json5() {
        for (text, expected) in [
            ("{askPassword:\"true\"}", json!({ "askPassword": "true" })),
            ("{'a': 'b\\x41\\'', _b$: [1, 2,],}", json!({ "a": "bA'", "_b$": [1, 2] })),
            (
                "{a: +1, b: .5, c: 5., d: 0xff, e: -1e3, f: 1.25} // end",
                json!({
                    "a": 1, "b": 0.5, "c": 5.0, "d": 255, "e": -1e3, "f": 1.25
                }),
            ),
            ("/* first */ {z: 1, a: {y: null, b: false}}", json!({ "z": 1, "a": { "y": null, "b": false } })),
        ] {
            let read = parse_lenient(text.as_bytes()).expect(text);
            assert_eq!(read.to_string(), expected.to_string());
        }
        let deep = format!("{{a:{}1{}}}", "[".repeat(500), "]".repeat(500));
        for text in ["", "//", "{a:1 b:2}", "{a:NaN}", "{a}", "{a:1", "{a:1}}", deep.as_str()] {
            assert!(parse_lenient(text.as_bytes()).is_err(), "{text}");
        }
    }
}
