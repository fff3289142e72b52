//! The SCIM endpoints below `/scim2`: reads requests, calls the rooms, renders what they answer.

use std::borrow::Cow;
use std::sync::Arc;

use ::http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, LOCATION};
use ::http::{HeaderMap, StatusCode, Uri};
use axum::body::{self, Body, Bytes};
use axum::extract::Extension;
use axum::response::Response;
use serde_json::Value as Json;

use super::answer::{self, Dialect};
use super::caller::{self, Me};
use super::{Work, empty, set};
use crate::context::Context;
use crate::directory::user::{self, User};
use crate::invite::create;
use crate::scim::discovery::{self, AuthenticationScheme, ServiceProviderConfig};
use crate::scim::error::Error as ScimError;
use crate::scim::filter::{Filter, Literal, Operator};
use crate::scim::list::{self, Position};
use crate::scim::projection::Projection;
use crate::scim::query::{ListRequest, Start};
use crate::scim::resource;
use crate::scim::schema::{Registry, ResourceType};

/// The largest resource, in bytes (DESIGN 9).
const MAX_RESOURCE: usize = 256 * 1024;
/// How deeply a body that only a lenient parser understands may be nested.
const MAX_LENIENT_DEPTH: usize = 64;

type Answer = Result<Response, Response>;

fn flat(answer: Answer) -> Response {
    answer.unwrap_or_else(|refused| refused)
}

fn refuse(error: &ScimError) -> Response {
    answer::scim_error(error)
}

/// A resource type that ships with Latchkey.
#[expect(clippy::result_large_err, reason = "the error is the answer")]
fn resource_type_named(name: &str) -> Result<&'static Arc<ResourceType>, Response> {
    Registry::builtin()
        .resource_type(name)
        .ok_or_else(|| refuse(&ScimError::internal("The resource type is missing from this build.")))
}

/// A parameter of the query string, decoded.
fn parameter<'u>(uri: &'u Uri, name: &str) -> Option<Cow<'u, str>> {
    let query = uri.query()?;
    form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value)
}

#[expect(clippy::result_large_err, reason = "the error is the answer")]
fn projection(uri: &Uri, resource_type: &Arc<ResourceType>) -> Result<Projection, Response> {
    let attributes = parameter(uri, "attributes");
    let excluded = parameter(uri, "excludedAttributes");
    Projection::parse(resource_type, attributes.as_deref(), excluded.as_deref()).map_err(|error| refuse(&error))
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
    parse_json(&bytes).ok_or_else(|| refuse(&ScimError::invalid_syntax("The body is not valid JSON.")))
}

fn parse_json(bytes: &Bytes) -> Option<Json> {
    if let Ok(json) = serde_json::from_slice(bytes) {
        return Some(json);
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let mut depth = 0_usize;
    for byte in bytes.iter() {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_LENIENT_DEPTH {
            return None;
        }
    }
    json5::from_str(text).ok()
}

fn user_response(ctx: &Context, user: &User, projection: &Projection, status: StatusCode) -> Response {
    let mut response = answer::scim(status, user.render(ctx, projection));
    let headers = response.headers_mut();
    set(headers, ETAG.as_str(), &user.etag());
    set(headers, LOCATION.as_str(), &user.location(&ctx.base()));
    response
}

fn no_such_user() -> Response {
    refuse(&ScimError::not_found("There is no user with this id."))
}

/// `POST /scim2/Users` (RFC 7644 section 3.3).
pub async fn create_user(Extension(work): Extension<Work>, uri: Uri, headers: HeaderMap, body: Body) -> Response {
    flat(
        async {
            let ctx = caller::administrator(&work, &headers)?;
            let users = resource_type_named("User")?;
            let projection = projection(&uri, users)?;
            let json = json_body(&headers, body, MAX_RESOURCE).await?;
            let document = resource::read(users, json).map_err(|error| refuse(&error))?;
            let user = create::create_user(&ctx, &work.gate, document)
                .await
                .map_err(|failure| answer::create_error(&failure))?;
            Ok(user_response(&ctx, &user, &projection, StatusCode::CREATED))
        }
        .await,
    )
}

/// `GET /scim2/Users/{id}` (RFC 7644 section 3.4.1).
pub async fn get_user(Extension(work): Extension<Work>, uri: Uri, headers: HeaderMap) -> Response {
    flat(
        async {
            let ctx = caller::administrator(&work, &headers)?;
            let projection = projection(&uri, resource_type_named("User")?)?;
            match user::by_id(&ctx, last_segment(&uri)).await {
                Ok(Some(user)) => Ok(user_response(&ctx, &user, &projection, StatusCode::OK)),
                Ok(None) => Err(no_such_user()),
                Err(failure) => Err(answer::database(Dialect::Scim, &failure)),
            }
        }
        .await,
    )
}

/// `GET /scim2/Users?filter=` (RFC 7644 section 3.4.2), for the equality of an identifying attribute.
pub async fn list_users(Extension(work): Extension<Work>, uri: Uri, headers: HeaderMap) -> Response {
    flat(
        async {
            let ctx = caller::administrator(&work, &headers)?;
            let users = resource_type_named("User")?;
            let pairs: Vec<_> = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).collect();
            let query = ListRequest::from_pairs(pairs.iter().map(|(name, value)| (&**name, &**value)))
                .and_then(|request| request.resolve(users))
                .map_err(|error| refuse(&error))?;
            let found = match &query.filter {
                Some(Filter::Compare(path, Operator::Eq, Literal::Text { text, .. })) if path.sub.is_none() => {
                    match path.attribute.name.as_str() {
                        "userName" => user::by_user_name(&ctx, text).await.map(Vec::from_iter),
                        "id" => user::by_id(&ctx, text).await.map(Vec::from_iter),
                        "externalId" => user::by_external_id(&ctx, text, 1000).await,
                        _ => return Err(not_served_yet()),
                    }
                }
                _ => return Err(not_served_yet()),
            }
            .map_err(|failure| answer::database(Dialect::Scim, &failure))?;
            let total = found.len() as u64;
            let start = match query.page.start {
                Start::Index(index) => index,
                Start::FirstCursor | Start::Cursor(_) => 1,
            };
            let shown: Vec<String> = found
                .iter()
                .skip(usize::try_from(start - 1).unwrap_or(usize::MAX))
                .take(usize::try_from(query.page.count).unwrap_or(usize::MAX))
                .map(|user| user.render(&ctx, &query.projection))
                .collect();
            let body = list::list_response(Some(total), &Position::Index(start), &shown);
            Ok(answer::scim(StatusCode::OK, body))
        }
        .await,
    )
}

fn not_served_yet() -> Response {
    refuse(&ScimError::invalid_filter("So far, filter with eq on userName, id or externalId."))
}

/// `DELETE /scim2/Users/{id}` (RFC 7644 section 3.6).
pub async fn delete_user(Extension(work): Extension<Work>, uri: Uri, headers: HeaderMap) -> Response {
    flat(
        async {
            let ctx = caller::administrator(&work, &headers)?;
            match user::delete(&ctx, last_segment(&uri)).await {
                Ok(true) => Ok(empty(StatusCode::NO_CONTENT)),
                Ok(false) => Err(no_such_user()),
                Err(failure) => Err(answer::database(Dialect::Scim, &failure)),
            }
        }
        .await,
    )
}

/// `GET /scim2/Me` (RFC 7644 section 3.11): the caller, by credentials of his own.
pub async fn me(Extension(work): Extension<Work>, uri: Uri, headers: HeaderMap) -> Response {
    flat(
        async {
            let projection = projection(&uri, resource_type_named("User")?)?;
            match caller::me(&work, &headers).await? {
                Me::User(user) => Ok(user_response(&work.ctx, &user, &projection, StatusCode::OK)),
                Me::Administrator => Err(refuse(&ScimError::not_found(
                    "The deployment's administrator is not a user of the directory: sign in as a user.",
                ))),
            }
        }
        .await,
    )
}

fn last_segment(uri: &Uri) -> &str {
    uri.path().rsplit('/').next().unwrap_or_default()
}

/// `GET /scim2/ServiceProviderConfig` (RFC 7643 section 5).
pub async fn service_provider_config(Extension(work): Extension<Work>) -> Response {
    let config = ServiceProviderConfig {
        authentication_schemes: &[AuthenticationScheme::Basic],
        ..ServiceProviderConfig::default()
    };
    let mut document = config.to_json(&base(&work));
    // What the engine can do and the directory does not serve yet.
    for feature in ["patch", "bulk", "changePassword", "sort"] {
        document[feature]["supported"] = Json::Bool(false);
    }
    document["pagination"]["cursor"] = Json::Bool(false);
    answer::scim(StatusCode::OK, document.to_string())
}

/// `GET /scim2/ResourceTypes`.
pub async fn resource_types(Extension(work): Extension<Work>) -> Response {
    answer::scim(StatusCode::OK, discovery::resource_types(Registry::builtin(), &base(&work)).to_string())
}

/// `GET /scim2/ResourceTypes/{id}`.
pub async fn resource_type(Extension(work): Extension<Work>, uri: Uri) -> Response {
    found(discovery::resource_type(Registry::builtin(), last_segment(&uri), &base(&work)))
}

/// `GET /scim2/Schemas`.
pub async fn schemas(Extension(work): Extension<Work>) -> Response {
    answer::scim(StatusCode::OK, discovery::schemas(Registry::builtin(), &base(&work)).to_string())
}

/// `GET /scim2/Schemas/{urn}`.
pub async fn schema(Extension(work): Extension<Work>, uri: Uri) -> Response {
    found(discovery::schema(Registry::builtin(), last_segment(&uri), &base(&work)))
}

fn base(work: &Work) -> String {
    format!("{}/scim2", work.ctx.base())
}

fn found(document: Option<Json>) -> Response {
    match document {
        Some(document) => answer::scim(StatusCode::OK, document.to_string()),
        None => refuse(&ScimError::not_found("There is no such schema or resource type.")),
    }
}
