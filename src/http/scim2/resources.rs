//! Resources of any type: `/scim2/Users`, `/scim2/Groups`, and the endpoints of a tenant's own types.

use std::sync::Arc;

use ::http::StatusCode;
use serde_json::Value as Json;

use crate::http::error::ApiError;
use crate::http::request::{Input, PathParams};
use crate::http::response::{self, Response, empty, set};
use crate::http::scim2::{expected, not_modified, projection, resource_response};
use crate::model::context::Context;
use crate::model::resource::{GROUP, MAX_DOCUMENT};
use crate::provision::{self, Budget, Found, reindex, too_many_members};
use crate::store::groups;
use crate::store::list::{self, Page};
use crate::store::registrations;
use scim::error::Error as ScimError;
use scim::list::list_response;
use scim::patch::Patch;
use scim::projection::Projection;
use scim::query::ListRequest;
use scim::resource;
use scim::schema::{AttributePath, ResourceType};

/// The largest group as sent, in bytes: 50,000 members as they are shown. They count for nothing in the limit on the resource
/// itself.
const MAX_GROUP: usize = 10 * 1024 * 1024;
/// The largest PATCH of a group, in bytes: 50,000 members by their ids. Its values are in memory twice.
const MAX_GROUP_PATCH: usize = 4 * 1024 * 1024;

fn body_limit(resource_type: &ResourceType, of_group: usize) -> usize {
    if resource_type.name == GROUP { of_group } else { MAX_DOCUMENT }
}

/// Returns the resource type at the endpoint that the path names.
fn type_at(ctx: &Context, params: &PathParams) -> Result<Arc<ResourceType>, ApiError> {
    let registry = registrations::load_registry(ctx)?;
    let found = registry.resource_type_at(params.raw("endpoint")).cloned();
    Ok(found
        .ok_or_else(|| ScimError::not_found("There is no such endpoint: see /ResourceTypes for those there are."))?)
}

/// `POST /scim2/{endpoint}` (RFC 7644 section 3.3).
pub fn create(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, query, body, .. } = input;
    let ctx = &state.ctx;
    let rt = type_at(ctx, &params)?;
    let projection = projection(&query, &rt)?;
    let json = body.json(body_limit(&rt, MAX_GROUP))?;
    let projection = with_written(projection, &rt, |rt| resource::written(rt, &json));
    let found = provision::create(ctx, &state.gate, &rt, json)?;
    Ok(resource_response(ctx, &rt, &found, &projection, StatusCode::CREATED))
}

/// `GET /scim2/{endpoint}/{id}` (RFC 7644 section 3.4.1).
pub fn read(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, query, headers, .. } = input;
    let ctx = &state.ctx;
    let rt = type_at(ctx, &params)?;
    let projection = projection(&query, &rt)?;
    let found = provision::read(ctx, &rt, params.raw("id"), &projection)?;
    if let Some(response) = not_modified(&headers, &found)? {
        return Ok(response);
    }
    Ok(resource_response(ctx, &rt, &found, &projection, StatusCode::OK))
}

/// `PUT /scim2/{endpoint}/{id}` (RFC 7644 section 3.5.1).
pub fn replace(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, query, headers, body, .. } = input;
    let ctx = &state.ctx;
    let rt = type_at(ctx, &params)?;
    let projection = projection(&query, &rt)?;
    let json = body.json(body_limit(&rt, MAX_GROUP))?;
    let projection = with_written(projection, &rt, |rt| resource::written(rt, &json));
    let (id, expected, with_members) = (params.raw("id"), expected(&headers), projection.wants("members"));
    let found = provision::replace(ctx, &Budget::new(state.gate.clone()), &rt, id, json, expected, with_members)?;
    written(ctx, &rt, found, &projection)
}

/// `PATCH /scim2/{endpoint}/{id}` (RFC 7644 section 3.5.2).
pub fn modify(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, query, headers, body, .. } = input;
    let ctx = &state.ctx;
    let rt = type_at(ctx, &params)?;
    let projection = projection(&query, &rt)?;
    let json = body.json(body_limit(&rt, MAX_GROUP_PATCH))?;
    let projection = with_written(projection, &rt, |rt| patched(rt, &json));
    let (id, expected, with_members) = (params.raw("id"), expected(&headers), projection.wants("members"));
    let found = provision::modify(ctx, &Budget::new(state.gate.clone()), &rt, id, &json, expected, with_members)?;
    written(ctx, &rt, found, &projection)
}

/// The projection that also shows what the request wrote of what is returned on request alone. Few types have any.
pub(in crate::http::scim2) fn with_written(
    projection: Projection,
    rt: &Arc<ResourceType>,
    written: impl FnOnce(&Arc<ResourceType>) -> Vec<AttributePath>,
) -> Projection {
    if rt.has_returned_on_request() { projection.with_written(written(rt)) } else { projection }
}

/// What a PATCH writes of what is returned on request alone; nothing if it is refused anyhow.
pub(in crate::http::scim2) fn patched(rt: &Arc<ResourceType>, request: &Json) -> Vec<AttributePath> {
    Patch::parse(rt, request).map(|patch| patch.written()).unwrap_or_default()
}

/// Returns the response to a write: 200 with the resource; 204 for a large group that nobody asked to see (DESIGN 8).
fn written(
    ctx: &Context,
    rt: &Arc<ResourceType>,
    mut found: Found,
    projection: &Projection,
) -> Result<Response, ApiError> {
    let asked_for = !projection.is_default() && projection.wants("members");
    if found.large && found.members.is_none() && asked_for {
        found.members = groups::members(ctx, &found.resource.id)?;
    }
    if found.large && (projection.is_default() || asked_for && found.members.is_none()) {
        let mut response = empty(StatusCode::NO_CONTENT);
        set(response.headers_mut(), "etag", &found.resource.etag());
        return Ok(response);
    }
    Ok(resource_response(ctx, rt, &found, projection, StatusCode::OK))
}

/// `DELETE /scim2/{endpoint}/{id}` (RFC 7644 section 3.6).
pub fn delete(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, headers, .. } = input;
    let ctx = &state.ctx;
    let rt = type_at(ctx, &params)?;
    provision::delete(ctx, &rt, params.raw("id"), expected(&headers))?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// `GET /scim2/{endpoint}` (RFC 7644 section 3.4.2).
pub fn list(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, query, .. } = input;
    let ctx = &state.ctx;
    let rt = type_at(ctx, &params)?;
    let pairs: Vec<_> = query.pairs().collect();
    let request = ListRequest::from_pairs(pairs.iter().map(|(name, value)| (&**name, &**value)))?;
    page_of(ctx, &rt, &request)
}

/// `POST /scim2/{endpoint}/.search` (RFC 7644 section 3.4.3).
pub fn search(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, body, .. } = input;
    let ctx = &state.ctx;
    let rt = type_at(ctx, &params)?;
    let request = ListRequest::from_search_request(&body.json(MAX_DOCUMENT)?)?;
    page_of(ctx, &rt, &request)
}

fn page_of(ctx: &Context, rt: &Arc<ResourceType>, request: &ListRequest) -> Result<Response, ApiError> {
    let (mut rt, mut query) = (rt.clone(), request.resolve(rt)?);
    if reindex::before_query(ctx, &rt, &query)? {
        let registry = registrations::load_registry(ctx)?;
        rt = registry.resource_type(&rt.name).cloned().unwrap_or(rt);
        query = request.resolve(&rt)?;
    }
    let page = list::list(ctx, &rt, &query)?;
    let rendered = render(ctx, &[(rt, query.projection)], &page)?;
    Ok(response::scim(StatusCode::OK, list_response(page.total, &page.position, &rendered)))
}

/// `POST /scim2/.search` (RFC 7644 section 3.4.3): over all resource types.
pub fn search_all(input: Input) -> Result<Response, ApiError> {
    let Input { state, body, .. } = input;
    let ctx = &state.ctx;
    let request = ListRequest::from_search_request(&body.json(MAX_DOCUMENT)?)?;
    page_of_all(ctx, &request)
}

/// `GET /scim2` (RFC 7644 section 3.4.2.1): the same.
pub fn list_all(input: Input) -> Result<Response, ApiError> {
    let Input { state, query, .. } = input;
    let pairs: Vec<_> = query.pairs().collect();
    let request = ListRequest::from_pairs(pairs.iter().map(|(name, value)| (&**name, &**value)))?;
    page_of_all(&state.ctx, &request)
}

fn page_of_all(ctx: &Context, request: &ListRequest) -> Result<Response, ApiError> {
    let (mut registry, mut is_other) = (registrations::load_registry(ctx)?, false);
    for (rt, query) in registry.resource_types().iter().zip(&request.resolve_for_any(registry.resource_types())?) {
        is_other |= reindex::before_query(ctx, rt, query)?;
    }
    if is_other {
        registry = registrations::load_registry(ctx)?;
    }
    let types = registry.resource_types();
    let queries = request.resolve_for_any(types)?;
    let page = list::list_any(ctx, types, &queries)?;
    let projections: Vec<_> = types.iter().cloned().zip(queries.into_iter().map(|query| query.projection)).collect();
    let rendered = render(ctx, &projections, &page)?;
    Ok(response::scim(StatusCode::OK, list_response(page.total, &page.position, &rendered)))
}

/// Returns the resources of a page as text, groups with their members where the projection shows them.
fn render(
    ctx: &Context,
    projections: &[(Arc<ResourceType>, Projection)],
    page: &Page,
) -> Result<Vec<String>, ApiError> {
    let projection_of = |name: &str| projections.iter().find(|(rt, _)| rt.name == name);
    let with_members = projection_of(GROUP).is_some_and(|(_, projection)| projection.wants("members"));
    let groups: Vec<&str> =
        page.resources.iter().filter(|(name, _)| name == GROUP).map(|(_, group)| group.id.as_str()).collect();
    let mut members = Vec::new();
    if with_members && !groups.is_empty() {
        members = groups::members_of_all(ctx, &groups)?.ok_or_else(too_many_members)?;
    }
    let mut members = members.into_iter();
    Ok(page
        .resources
        .iter()
        .filter_map(|(name, resource)| {
            let (rt, projection) = projection_of(name)?;
            let members = if with_members && name == GROUP { members.next() } else { None };
            Some(resource.render(ctx, rt, members.as_deref(), projection))
        })
        .collect())
}
