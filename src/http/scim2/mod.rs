//! The SCIM endpoints below `/scim2`: reads requests, calls the rooms, renders what they answer.

mod bulk;
mod discovery;
mod me;
mod resources;

pub use bulk::bulk;
pub use discovery::{resource_type, resource_types, schema, schemas, service_provider_config};
pub use me::{modify_me, read_me, replace_me};
pub use resources::{create, delete, list, list_all, modify, read, replace, search, search_all};

use std::sync::Arc;

use ::http::header::{ETAG, IF_MATCH, IF_NONE_MATCH, LOCATION};
use ::http::{HeaderMap, HeaderValue, StatusCode};

use crate::http::request::Query;
use crate::http::response::{self, Response, empty, set};
use crate::model::context::Context;
use crate::provision::{Expected, Found};
use scim::error::Error as ScimError;
use scim::projection::Projection;
use scim::schema::ResourceType;
use scim::uri;

fn projection(query: &Query, resource_type: &Arc<ResourceType>) -> Result<Projection, ScimError> {
    let attributes = query.first_in_any_case("attributes");
    let excluded = query.first_in_any_case("excludedAttributes");
    Projection::parse(resource_type, attributes.as_deref(), excluded.as_deref())
}

/// What stands behind an endpoint, or `/scim2`, to search there by POST.
const SEARCH: &str = ".search";

/// The names of the endpoints below `/scim2`, and other names of one of them: SCIM 1.1's is `ServiceProviderConfigs`.
const ENDPOINTS: [(&str, &str); 10] = [
    ("users", "Users"),
    ("groups", "Groups"),
    ("me", "Me"),
    ("bulk", "Bulk"),
    (SEARCH, SEARCH),
    ("schemas", "Schemas"),
    ("resourcetypes", "ResourceTypes"),
    ("serviceproviderconfig", "ServiceProviderConfig"),
    ("serviceproviderconfigs", "ServiceProviderConfig"),
    ("serviceconfiguration", "ServiceProviderConfig"),
];

/// The one spelling of a path below `/scim2`: clients end it in a slash, double one, escape what needs no escape, and write
/// an endpoint's name or `.search` in any case. `None` for other paths: what is written in those is meant.
pub fn canonical_path(path: &str) -> Option<String> {
    let plain = uri::normalize_path(path);
    let rest = plain.strip_prefix("/scim2").filter(|rest| rest.is_empty() || rest.starts_with('/'))?;
    let Some(rest) = rest.strip_prefix('/') else { return Some(plain.into_owned()) };
    let (endpoint, rest) = rest.find('/').map_or((rest, ""), |end| rest.split_at(end));
    let known = ENDPOINTS.iter().find(|(name, _)| endpoint.eq_ignore_ascii_case(name));
    let rest = match rest.strip_prefix('/') {
        Some(search) if search.eq_ignore_ascii_case(SEARCH) => "/.search",
        _ => rest,
    };
    Some(format!("/scim2/{}{rest}", known.map_or(endpoint, |(_, name)| name)))
}

/// Returns what `If-Match`, or else `If-None-Match`, asks of the version.
fn expected(headers: &HeaderMap) -> Expected {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    match (headers.get(IF_MATCH), headers.get(IF_NONE_MATCH)) {
        (Some(tags), _) => Expected::matching(&text(tags)),
        (None, Some(tags)) => Expected::none_matching(&text(tags)),
        (None, None) => Expected::Any,
    }
}

/// Returns a resource as the response to a request that named it or made it.
fn resource_response(
    ctx: &Context,
    rt: &ResourceType,
    found: &Found,
    projection: &Projection,
    status: StatusCode,
) -> Response {
    let body = found.resource.render(ctx, rt, found.members.as_deref(), projection);
    let mut response = response::scim(status, body);
    let headers = response.headers_mut();
    set(headers, ETAG.as_str(), &found.resource.etag());
    set(headers, LOCATION.as_str(), &found.resource.location(&ctx.base(), rt));
    response::set_code_header(&mut response, found.code.as_ref());
    response
}

/// Returns a 304 if a read that the client makes depend on the version asks for no other (RFC 7644 section 3.14).
///
/// # Errors
/// 412: the version is not the one in `If-Match`.
fn not_modified(headers: &HeaderMap, found: &Found) -> Result<Option<Response>, ScimError> {
    match expected(headers).check(found.resource.version) {
        Ok(()) => Ok(None),
        Err(failed) if headers.contains_key(IF_MATCH) => Err(failed),
        Err(_) => {
            let mut response = empty(StatusCode::NOT_MODIFIED);
            set(response.headers_mut(), ETAG.as_str(), &found.resource.etag());
            Ok(Some(response))
        }
    }
}
