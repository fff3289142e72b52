//! `/api/invitations`: listing, resending one or all that a key signed, revoking and importing. Errors are `application/problem+json`.

mod import;

use ::http::{StatusCode, Uri};
use axum::body::Body;
use axum::response::Response;
use serde_json::json;

use crate::base::token::MAX_KID;
use crate::http::answer::{self, Dialect};
use crate::http::api::{at_domain, flat, object, problem};
use crate::http::{Work, parameters, set};
use crate::invite::listing::{self, DEFAULT_COUNT, MAX_COUNT};
use crate::invite::resend::{self, ResendError};
use crate::invite::resend_all::{self, ResendAllError};
use crate::model::context::Context;
use crate::model::resource::Resource;
use crate::store::invitations::listing::{ListError, Status, list as list_invitations};

pub use import::import;

/// `GET /api/invitations?status=&count=&cursor=&domain=`, of one user store: `{"totalResults"?,"nextCursor"?,"Resources":[...]}`.
pub async fn list(work: Work, uri: Uri) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let ctx = at_domain(ctx, parameters(&uri, "domain").next().as_deref())?;
            let bad = |detail: &str| problem(StatusCode::BAD_REQUEST, detail);
            let status = Status::parse(parameters(&uri, "status").next().as_deref().unwrap_or("all"))
                .ok_or_else(|| bad("status is pending, expired, accepted, revoked or all."))?;
            let count = match parameters(&uri, "count").next() {
                None => DEFAULT_COUNT,
                Some(text) => match text.parse() {
                    Ok(0) | Err(_) => return Err(bad("count is a whole number from 1 to 1000.")),
                    Ok(count) => MAX_COUNT.min(count),
                },
            };
            // RFC 9865: an empty cursor asks for the first page.
            let cursor = parameters(&uri, "cursor").next().filter(|cursor| !cursor.is_empty());
            let page = list_invitations(&ctx, status, count, cursor.as_deref()).await.map_err(|error| match error {
                ListError::Cursor(error) => bad(&error.detail),
                ListError::Database(failure) => answer::database(Dialect::Problem, &failure),
            })?;
            let now = ctx.platform.clock.now();
            let resources: Vec<_> = page.users.iter().map(|user| listing::to_json(user, now)).collect();
            let mut body = json!({});
            if let Some(total) = page.total {
                body["totalResults"] = json!(total);
            }
            if let Some(next) = page.next {
                body["nextCursor"] = json!(next);
            }
            body["Resources"] = json!(resources);
            Ok(answered(StatusCode::OK, body.to_string()))
        }
        .await,
    )
}

/// `POST /api/invitations/{userId}/resend`: 202 with the invitation; with `EMAIL_SENDER=external` also the code, in a header.
pub async fn resend(work: Work, uri: Uri) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let mut code = None;
            let resent = resend::resend(ctx, user_id(&uri)).await.map(|resent| {
                code = resent.code;
                resent.user
            });
            let mut response = done(ctx, StatusCode::ACCEPTED, resent)?;
            answer::carry(&mut response, code.as_ref());
            Ok(response)
        }
        .await,
    )
}

/// `POST /api/invitations/resend` `{"kid"}`: sends up to 500 invitations again whose links the key signed;
/// 202 with `{"resent":n,"more":bool}`.
pub async fn resend_all(work: Work, body: Body) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let body = object(body).await?;
            let kid = body["kid"].as_str().filter(|kid| (1..=MAX_KID).contains(&kid.len())).ok_or_else(|| {
                problem(StatusCode::BAD_REQUEST, "kid is missing: the name of a root key, as TOKEN_KEYS has or had it.")
            })?;
            let done = resend_all::resend_signed_by(ctx, kid).await.map_err(|refusal| match refusal {
                ResendAllError::Database(failure) => answer::database(Dialect::Problem, &failure),
                refusal => problem(StatusCode::CONFLICT, &refusal.to_string()),
            })?;
            Ok(answered(StatusCode::ACCEPTED, json!({ "resent": done.resent, "more": done.more }).to_string()))
        }
        .await,
    )
}

/// `POST /api/invitations/{userId}/revoke`: 200 with the invitation.
pub async fn revoke(work: Work, uri: Uri) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            done(ctx, StatusCode::OK, resend::revoke(ctx, user_id(&uri)).await)
        }
        .await,
    )
}

fn done(ctx: &Context, status: StatusCode, outcome: Result<Resource, ResendError>) -> Result<Response, Response> {
    let user = outcome.map_err(|refusal| match refusal {
        ResendError::NotFound => problem(StatusCode::NOT_FOUND, &refusal.to_string()),
        ResendError::Forbidden(_) => problem(StatusCode::FORBIDDEN, &refusal.to_string()),
        ResendError::Nothing(_) => problem(StatusCode::CONFLICT, &refusal.to_string()),
        ResendError::TooMany { seconds, .. } => {
            answer::too_many_requests(Dialect::Problem, seconds, &refusal.to_string())
        }
        ResendError::Database(failure) => answer::database(Dialect::Problem, &failure),
    })?;
    Ok(answered(status, listing::to_json(&user, ctx.platform.clock.now()).to_string()))
}

fn answered(status: StatusCode, body: String) -> Response {
    let mut response = answer::with_body(status, "application/json", body);
    set(response.headers_mut(), "cache-control", "no-store");
    response
}

/// The id in `/api/invitations/{userId}/...`; an id has no character that needs an escape.
fn user_id(uri: &Uri) -> &str {
    uri.path().split('/').nth(3).unwrap_or_default()
}
