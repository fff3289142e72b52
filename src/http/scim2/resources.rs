//! Resources of any type: `/scim2/Users`, `/scim2/Groups`, and the endpoints of a tenant's own types.

use std::sync::Arc;

use ::http::{HeaderMap, StatusCode, Uri};
use axum::body::Body;
use axum::response::Response;

use crate::http::answer::{self, Dialect};
use crate::http::scim2::{
    MAX_RESOURCE, body_limit, expected, flat, json_body, last_segment, one, precondition, projection, refuse,
    registry_of, type_at,
};
use crate::http::{Work, empty};
use crate::model::context::Context;
use crate::model::resource::GROUP;
use crate::provision::{self, Found};
use crate::store::groups;
use crate::store::list::{self, ListError, Page};
use scim::error::Error as ScimError;
use scim::list::list_response;
use scim::projection::Projection;
use scim::query::ListRequest;
use scim::schema::ResourceType;

/// What every request for one resource says: for which type, to see which attributes.
struct Asked {
    rt: Arc<ResourceType>,
    projection: Projection,
}

async fn asked(ctx: &Context, uri: &Uri) -> Result<Asked, Response> {
    let rt = type_at(ctx, uri).await?;
    let projection = projection(uri, &rt)?;
    Ok(Asked { rt, projection })
}

/// `POST /scim2/{endpoint}` (RFC 7644 section 3.3).
pub async fn create(work: Work, uri: Uri, headers: HeaderMap, body: Body) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let Asked { rt, projection } = asked(ctx, &uri).await?;
            let json = json_body(&headers, body, body_limit(&rt)).await?;
            let found = provision::create(ctx, &work.gate, &rt, json).await?;
            Ok(one(ctx, &rt, &found, &projection, StatusCode::CREATED))
        }
        .await,
    )
}

/// `GET /scim2/{endpoint}/{id}` (RFC 7644 section 3.4.1).
pub async fn read(work: Work, uri: Uri, headers: HeaderMap) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let Asked { rt, projection } = asked(ctx, &uri).await?;
            let id = last_segment(&uri);
            let found = provision::read(ctx, &rt, id, &projection).await?;
            if let Some(response) = precondition(&headers, &found) {
                return Ok(response);
            }
            Ok(one(ctx, &rt, &found, &projection, StatusCode::OK))
        }
        .await,
    )
}

/// `PUT /scim2/{endpoint}/{id}` (RFC 7644 section 3.5.1).
pub async fn replace(work: Work, uri: Uri, headers: HeaderMap, body: Body) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let Asked { rt, projection } = asked(ctx, &uri).await?;
            let json = json_body(&headers, body, body_limit(&rt)).await?;
            let id = last_segment(&uri);
            let found =
                provision::replace(ctx, &work.gate, &rt, id, json, expected(&headers), projection.wants("members"))
                    .await?;
            Ok(written(ctx, &rt, found, &projection).await)
        }
        .await,
    )
}

/// `PATCH /scim2/{endpoint}/{id}` (RFC 7644 section 3.5.2).
pub async fn modify(work: Work, uri: Uri, headers: HeaderMap, body: Body) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let Asked { rt, projection } = asked(ctx, &uri).await?;
            let json = json_body(&headers, body, body_limit(&rt)).await?;
            let id = last_segment(&uri);
            let found =
                provision::modify(ctx, &work.gate, &rt, id, &json, expected(&headers), projection.wants("members"))
                    .await?;
            Ok(written(ctx, &rt, found, &projection).await)
        }
        .await,
    )
}

/// The answer to a write: 200 with the resource; 204 for a large group that nobody asked to see (DESIGN 8).
async fn written(ctx: &Context, rt: &Arc<ResourceType>, mut found: Found, projection: &Projection) -> Response {
    if found.large && projection.is_default() {
        let mut response = empty(StatusCode::NO_CONTENT);
        super::set(response.headers_mut(), "etag", &found.resource.etag());
        return response;
    }
    if found.large && found.members.is_none() && projection.wants("members") {
        match groups::members(ctx, &found.resource.id).await {
            Ok(members) => found.members = Some(members),
            Err(failure) => return answer::database(Dialect::Scim, &failure),
        }
    }
    one(ctx, rt, &found, projection, StatusCode::OK)
}

/// `DELETE /scim2/{endpoint}/{id}` (RFC 7644 section 3.6).
pub async fn delete(work: Work, uri: Uri, headers: HeaderMap) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let rt = type_at(ctx, &uri).await?;
            provision::delete(ctx, &rt, last_segment(&uri), expected(&headers)).await?;
            Ok(empty(StatusCode::NO_CONTENT))
        }
        .await,
    )
}

/// `GET /scim2/{endpoint}` (RFC 7644 section 3.4.2).
pub async fn list(work: Work, uri: Uri) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let rt = type_at(ctx, &uri).await?;
            let pairs: Vec<_> = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).collect();
            let request = ListRequest::from_pairs(pairs.iter().map(|(name, value)| (&**name, &**value)));
            page_of(ctx, &rt, &request.map_err(|error| refuse(&error))?).await
        }
        .await,
    )
}

/// `POST /scim2/{endpoint}/.search` (RFC 7644 section 3.4.3).
pub async fn search(work: Work, uri: Uri, headers: HeaderMap, body: Body) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let rt = type_at(ctx, &uri).await?;
            let json = json_body(&headers, body, MAX_RESOURCE).await?;
            let request = ListRequest::from_search_request(&json).map_err(|error| refuse(&error))?;
            page_of(ctx, &rt, &request).await
        }
        .await,
    )
}

async fn page_of(ctx: &Context, rt: &Arc<ResourceType>, request: &ListRequest) -> Result<Response, Response> {
    let query = request.resolve(rt).map_err(|error| refuse(&error))?;
    let page = list::list(ctx, rt, &query).await.map_err(|error| list_error(&error))?;
    let shown = show(ctx, &[(rt.clone(), query.projection)], &page).await?;
    Ok(answer::scim(StatusCode::OK, list_response(page.total, &page.position, &shown)))
}

/// `POST /scim2/.search` (RFC 7644 section 3.4.3): over all resource types.
pub async fn search_all(work: Work, headers: HeaderMap, body: Body) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let registry = registry_of(ctx).await?;
            let json = json_body(&headers, body, MAX_RESOURCE).await?;
            let types = registry.resource_types();
            let queries = ListRequest::from_search_request(&json)
                .and_then(|request| request.resolve_for_any(types))
                .map_err(|error| refuse(&error))?;
            let page = list::list_any(ctx, types, &queries).await.map_err(|error| list_error(&error))?;
            let projections: Vec<_> =
                types.iter().cloned().zip(queries.into_iter().map(|query| query.projection)).collect();
            let shown = show(ctx, &projections, &page).await?;
            Ok(answer::scim(StatusCode::OK, list_response(page.total, &page.position, &shown)))
        }
        .await,
    )
}

fn list_error(error: &ListError) -> Response {
    match error {
        ListError::Refused(error) => refuse(error),
        ListError::Database(failure) => answer::database(Dialect::Scim, failure),
    }
}

/// The resources of a page as text, groups with their members where the projection shows them.
async fn show(
    ctx: &Context,
    projections: &[(Arc<ResourceType>, Projection)],
    page: &Page,
) -> Result<Vec<String>, Response> {
    let projection_of = |name: &str| projections.iter().find(|(rt, _)| rt.name == name);
    let with_members = projection_of(GROUP).is_some_and(|(_, projection)| projection.wants("members"));
    let groups: Vec<&str> =
        page.resources.iter().filter(|(name, _)| name == GROUP).map(|(_, group)| group.id.as_str()).collect();
    let mut members = Vec::new();
    if with_members && !groups.is_empty() {
        let found = groups::members_of_all(ctx, &groups).await;
        members = found.map_err(|failure| answer::database(Dialect::Scim, &failure))?.ok_or_else(|| {
            refuse(&ScimError::too_many(
                "The groups of this page have more members than one answer holds: ask with excludedAttributes=members, \
                 or read the groups one by one.",
            ))
        })?;
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
