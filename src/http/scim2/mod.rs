//! The SCIM endpoints below `/scim2`: reads requests, calls the rooms, renders what they answer.

mod bulk;
mod discovery;
mod me;
mod resources;

pub use bulk::bulk;
pub use discovery::{resource_type, resource_types, schema, schemas, service_provider_config};
pub use me::{modify_me, read_me, replace_me};
pub use resources::{create, delete, list, modify, read, replace, search, search_all};

use std::borrow::Cow;
use std::sync::Arc;

use ::http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, LOCATION};
use ::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::body::{self, Body, Bytes};
use axum::response::Response;
use jsonc_parser::{CollectOptions, ParseOptions, ParseResult};
use serde_json::Value as Json;

use crate::http::{answer, empty, set};
use crate::model::context::Context;
use crate::model::resource::GROUP;
use crate::provision::{Expected, Found};
use crate::store::registrations;
use scim::error::Error as ScimError;
use scim::projection::Projection;
use scim::schema::{Registry, ResourceType};

/// The largest resource, in bytes (DESIGN 9).
const MAX_RESOURCE: usize = 256 * 1024;
/// The largest group, in bytes: its members count for nothing in the limit on the resource itself.
const MAX_GROUP: usize = 8 * 1024 * 1024;
/// How many brackets a body that only a lenient parser understands may open.
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

type Answer = Result<Response, Response>;

fn flat(answer: Answer) -> Response {
    answer.unwrap_or_else(|refused| refused)
}

fn refuse(error: &ScimError) -> Response {
    answer::scim_error(error)
}

/// The schemas and resource types of the tenant.
async fn registry_of(ctx: &Context) -> Result<Arc<Registry>, Response> {
    registrations::of(ctx).await.map_err(|failure| answer::database(answer::Dialect::Scim, &failure))
}

/// The resource type at the endpoint in a path, which is the segment after `/scim2`.
async fn type_at(ctx: &Context, uri: &Uri) -> Result<Arc<ResourceType>, Response> {
    let endpoint = uri.path().strip_prefix("/scim2").unwrap_or_default().split('/').nth(1).unwrap_or_default();
    let registry = registry_of(ctx).await?;
    let found = registry.resource_type_at(endpoint).cloned();
    found.ok_or_else(|| {
        refuse(&ScimError::not_found("There is no such endpoint: see /ResourceTypes for those there are."))
    })
}

/// A parameter of the query string, decoded.
fn parameter<'u>(uri: &'u Uri, name: &str) -> Option<Cow<'u, str>> {
    let query = uri.query()?;
    form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn projection(uri: &Uri, resource_type: &Arc<ResourceType>) -> Result<Projection, Response> {
    let attributes = parameter(uri, "attributes");
    let excluded = parameter(uri, "excludedAttributes");
    Projection::parse(resource_type, attributes.as_deref(), excluded.as_deref()).map_err(|error| refuse(&error))
}

/// What `If-Match`, or else `If-None-Match`, asks of the version.
fn expected(headers: &HeaderMap) -> Expected {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    match (headers.get(IF_MATCH), headers.get(IF_NONE_MATCH)) {
        (Some(tags), _) => Expected::matching(&text(tags)),
        (None, Some(tags)) => Expected::none_matching(&text(tags)),
        (None, None) => Expected::Any,
    }
}

/// The id in a path: its last segment.
fn last_segment(uri: &Uri) -> &str {
    uri.path().rsplit('/').next().unwrap_or_default()
}

fn body_limit(resource_type: &ResourceType) -> usize {
    if resource_type.name == GROUP { MAX_GROUP } else { MAX_RESOURCE }
}

/// Reads a JSON body of at most `limit` bytes.
///
/// Strict JSON first; only what that refuses is given to a JSON5 parser, because WSO2's own documentation prints a body
/// with an unquoted key.
async fn json_body(headers: &HeaderMap, body: Body, limit: usize) -> Result<Json, Response> {
    let media_type = headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
    let essence = media_type.map(|text| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    if !matches!(essence.as_deref(), None | Some("application/scim+json" | "application/json")) {
        return Err(refuse(&ScimError::unsupported_media_type(
            "Send the body as application/scim+json or application/json.",
        )));
    }
    let too_large = || refuse(&ScimError::payload_too_large(format!("The body is larger than {limit} bytes.")));
    let announced: Option<usize> = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let bytes = body::to_bytes(body, limit).await.map_err(|_| too_large())?;
    parse_json(&bytes).map_err(|why| refuse(&ScimError::invalid_syntax(format!("The body is not valid JSON: {why}."))))
}

fn parse_json(bytes: &Bytes) -> Result<Json, String> {
    let strict = match serde_json::from_slice(bytes) {
        Ok(json) => return Ok(json),
        Err(error) => error.to_string(),
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

/// A resource as the answer to a request that named it or made it.
fn one(ctx: &Context, rt: &ResourceType, found: &Found, projection: &Projection, status: StatusCode) -> Response {
    let body = found.resource.render(ctx, rt, found.members.as_deref(), projection);
    let mut response = answer::scim(status, body);
    let headers = response.headers_mut();
    set(headers, ETAG.as_str(), &found.resource.etag());
    set(headers, LOCATION.as_str(), &found.resource.location(&ctx.base(), rt));
    answer::carry(&mut response, found.code.as_ref());
    response
}

/// The answer to a read that the client makes depend on the version: 412 or 304 (RFC 7644 section 3.14).
fn precondition(headers: &HeaderMap, found: &Found) -> Option<Response> {
    match expected(headers).check(found.resource.version) {
        Ok(()) => None,
        Err(failed) if headers.contains_key(IF_MATCH) => Some(refuse(&failed)),
        Err(_) => {
            let mut response = empty(StatusCode::NOT_MODIFIED);
            set(response.headers_mut(), ETAG.as_str(), &found.resource.etag());
            Some(response)
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use serde_json::json;

    use super::parse_json;

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
            let read = parse_json(&Bytes::from(text)).expect(text);
            assert_eq!(read.to_string(), expected.to_string());
        }
        let deep = format!("{{a:{}1{}}}", "[".repeat(500), "]".repeat(500));
        for text in ["", "//", "{a:1 b:2}", "{a:NaN}", "{a}", "{a:1", "{a:1}}", deep.as_str()] {
            assert!(parse_json(&Bytes::from(text.to_owned())).is_err(), "{text}");
        }
    }
}
