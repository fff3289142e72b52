//! `/scim2/Me` (RFC 7644 section 3.11): the caller, by credentials of his own.

use std::sync::Arc;

use ::http::{HeaderMap, StatusCode, Uri};
use axum::body::Body;
use axum::response::Response;

use crate::http::Work;
use crate::http::caller;
use crate::http::scim2::{MAX_RESOURCE, expected, flat, json_body, one, precondition, projection, refuse, registry_of};
use crate::model::context::{Actor, Context};
use crate::model::resource::{Resource, USER};
use crate::provision::{self, Found};
use scim::error::Error as ScimError;
use scim::schema::ResourceType;

/// The user who calls, as the one who acts, and the type of users.
async fn me(work: &Work, headers: &HeaderMap) -> Result<(Context, Arc<ResourceType>, Box<Resource>), Response> {
    let user = caller::me(work, headers).await?;
    let ctx = Context { actor: Actor::User(user.id.clone()), ..work.ctx.clone() };
    let registry = registry_of(&ctx).await?;
    let rt = registry.resource_type(USER).cloned();
    Ok((ctx, rt.ok_or_else(|| refuse(&ScimError::internal("There is no resource type User.")))?, user))
}

/// `GET /scim2/Me`
pub async fn read_me(work: Work, uri: Uri, headers: HeaderMap) -> Response {
    flat(
        async {
            let (ctx, rt, user) = me(&work, &headers).await?;
            let projection = projection(&uri, &rt)?;
            let found = Found::from(*user);
            if let Some(response) = precondition(&headers, &found) {
                return Ok(response);
            }
            Ok(one(&ctx, &rt, &found, &projection, StatusCode::OK))
        }
        .await,
    )
}

/// `PUT /scim2/Me`
pub async fn replace_me(work: Work, uri: Uri, headers: HeaderMap, body: Body) -> Response {
    flat(
        async {
            let (ctx, rt, user) = me(&work, &headers).await?;
            let projection = projection(&uri, &rt)?;
            let json = json_body(&headers, body, MAX_RESOURCE).await?;
            let found = provision::replace(&ctx, &work.gate, &rt, &user.id, json, expected(&headers), false).await?;
            Ok(one(&ctx, &rt, &found, &projection, StatusCode::OK))
        }
        .await,
    )
}

/// `PATCH /scim2/Me`
pub async fn modify_me(work: Work, uri: Uri, headers: HeaderMap, body: Body) -> Response {
    flat(
        async {
            let (ctx, rt, user) = me(&work, &headers).await?;
            let projection = projection(&uri, &rt)?;
            let json = json_body(&headers, body, MAX_RESOURCE).await?;
            let found = provision::modify(&ctx, &work.gate, &rt, &user.id, &json, expected(&headers), false).await?;
            Ok(one(&ctx, &rt, &found, &projection, StatusCode::OK))
        }
        .await,
    )
}
