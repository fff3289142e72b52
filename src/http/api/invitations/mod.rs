//! `/api/invitations`: listing, resending one or all that a key signed, revoking and importing.

mod import;

use ::http::StatusCode;
use serde_json::json;

use crate::base::token::MAX_KID;
use crate::http::api::in_store_named;
use crate::http::error::ApiError;
use crate::http::request::Input;
use crate::http::response;
use crate::http::response::Response;
use crate::invite::listing::{self, DEFAULT_COUNT, MAX_COUNT};
use crate::invite::resend;
use crate::invite::resend_all;
use crate::invite::revoke;
use crate::model::context::Context;
use crate::model::resource::Resource;
use crate::store::invitations::listing::{Status, list as list_invitations};

pub use import::import;

/// `GET /api/invitations?status=&count=&cursor=&domain=`, of one user store:
/// `{"totalResults"?,"nextCursor"?,"Resources":[...]}`.
pub fn list(input: Input) -> Result<Response, ApiError> {
    let Input { state, query, .. } = input;
    let store = in_store_named(&state.ctx, query.first("domain").as_deref())?;
    let status = Status::parse(query.first("status").as_deref().unwrap_or("all"))
        .ok_or_else(|| ApiError::bad_request("status is pending, expired, accepted, revoked or all."))?;
    let count = match query.first("count") {
        None => DEFAULT_COUNT,
        Some(text) => match text.parse() {
            Ok(0) | Err(_) => return Err(ApiError::bad_request("count is a whole number from 1 to 1000.")),
            Ok(count) => MAX_COUNT.min(count),
        },
    };
    // RFC 9865: an empty cursor asks for the first page.
    let cursor = query.first("cursor").filter(|cursor| !cursor.is_empty());
    let page = list_invitations(&store, status, count, cursor.as_deref())?;
    let now = store.platform.clock.now();
    let resources: Vec<_> = page.users.iter().map(|user| listing::to_json(user, now)).collect();
    let mut body = json!({});
    if let Some(total) = page.total {
        body["totalResults"] = json!(total);
    }
    if let Some(next) = page.next {
        body["nextCursor"] = json!(next);
    }
    body["Resources"] = json!(resources);
    Ok(response::json(StatusCode::OK, &body))
}

/// `POST /api/invitations/{userId}/resend`: 202 with the invitation; with `EMAIL_SENDER=external` also the code, in a header.
pub fn resend(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, .. } = input;
    let resent = resend::resend(&state.ctx, params.raw("user_id"))?;
    let mut response = invitation(&state.ctx, StatusCode::ACCEPTED, &resent.user);
    response::set_code_header(&mut response, resent.code.as_ref());
    Ok(response)
}

/// `POST /api/invitations/resend` `{"kid"}`: sends up to 500 invitations again whose links the key signed;
/// 202 with `{"resent":n,"more":bool}`.
pub fn resend_all(input: Input) -> Result<Response, ApiError> {
    let Input { state, body, .. } = input;
    let ctx = &state.ctx;
    let body = body.object()?;
    let kid = body["kid"]
        .as_str()
        .filter(|kid| (1..=MAX_KID).contains(&kid.len()))
        .ok_or_else(|| ApiError::bad_request("kid is missing: the name of a root key, as TOKEN_KEYS has or had it."))?;
    let done = resend_all::resend_signed_by(ctx, kid)?;
    let body = json!({ "resent": done.resent, "more": done.more });
    Ok(response::json(StatusCode::ACCEPTED, &body))
}

/// `POST /api/invitations/{userId}/revoke`: 200 with the invitation.
pub fn revoke(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, .. } = input;
    let user = revoke::revoke(&state.ctx, params.raw("user_id"))?;
    Ok(invitation(&state.ctx, StatusCode::OK, &user))
}

fn invitation(ctx: &Context, status: StatusCode, user: &Resource) -> Response {
    response::json(status, &listing::to_json(user, ctx.platform.clock.now()))
}
