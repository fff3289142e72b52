//! `/scim2/Me` (RFC 7644 section 3.11): the caller, by their own credentials.

use std::sync::Arc;

use ::http::{HeaderMap, StatusCode};

use crate::http::caller;
use crate::http::error::ApiError;
use crate::http::request::{Input, RequestState};
use crate::http::response::Response;
use crate::http::scim2::resources::{patched, with_written};
use crate::http::scim2::{expected, not_modified, projection, resource_response};
use crate::model::context::Context;
use crate::model::resource::{MAX_DOCUMENT, Resource, USER};
use crate::provision::{self, Budget, Found};
use crate::store::registrations;
use scim::error::Error as ScimError;
use scim::schema::ResourceType;

/// Returns the context with the calling user as the one who acts, the type of users, and the user.
fn me(state: &RequestState, headers: &HeaderMap) -> Result<(Context, Arc<ResourceType>, Box<Resource>), ApiError> {
    let (ctx, user) = caller::me(state, headers)?;
    let registry = registrations::load_registry(&ctx)?;
    let rt = registry.resource_type(USER).cloned();
    Ok((ctx, rt.ok_or_else(|| ScimError::internal("There is no resource type User."))?, user))
}

/// `GET /scim2/Me`
pub fn read_me(input: Input) -> Result<Response, ApiError> {
    let Input { state, query, headers, .. } = input;
    let (ctx, rt, user) = me(&state, &headers)?;
    let projection = projection(&query, &rt)?;
    let found = Found::from(*user);
    if let Some(response) = not_modified(&headers, &found)? {
        return Ok(response);
    }
    Ok(resource_response(&ctx, &rt, &found, &projection, StatusCode::OK))
}

/// `PUT /scim2/Me`
pub fn replace_me(input: Input) -> Result<Response, ApiError> {
    let Input { state, query, headers, body, .. } = input;
    let (ctx, rt, user) = me(&state, &headers)?;
    let projection = projection(&query, &rt)?;
    let json = body.json(MAX_DOCUMENT)?;
    let projection = with_written(projection, &rt, |rt| scim::resource::written(rt, &json));
    let found =
        provision::replace(&ctx, &Budget::new(state.gate.clone()), &rt, &user.id, json, expected(&headers), false)?;
    Ok(resource_response(&ctx, &rt, &found, &projection, StatusCode::OK))
}

/// `PATCH /scim2/Me`
pub fn modify_me(input: Input) -> Result<Response, ApiError> {
    let Input { state, query, headers, body, .. } = input;
    let (ctx, rt, user) = me(&state, &headers)?;
    let projection = projection(&query, &rt)?;
    let json = body.json(MAX_DOCUMENT)?;
    let projection = with_written(projection, &rt, |rt| patched(rt, &json));
    let found =
        provision::modify(&ctx, &Budget::new(state.gate.clone()), &rt, &user.id, &json, expected(&headers), false)?;
    Ok(resource_response(&ctx, &rt, &found, &projection, StatusCode::OK))
}
