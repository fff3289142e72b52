//! `/api/identity/recovery/v0.9`, `/api/identity/user/v1.0` and `/api/users/v1/offline-invite-link`.
//!
//! Whoever has a code may ask about it and use it: it is the credential. Codes that are not ours cost no round trip.

use ::http::StatusCode;
use serde_json::Value as Json;

use crate::access::password_policy::Weakness;
use crate::base::token::{Claims, Refused};
use crate::http::body::MEGABYTE;
use crate::http::error::ApiError;
use crate::http::reasons::reasons;
use crate::http::request::Input;
use crate::http::response::{self, Response, empty};
use crate::i18n::Language;
use crate::invite::offline;
use crate::invite::redeem::{self, Link, Redeemed, SETS_PASSWORD};
use crate::invite::resend::{self, ResendError};
use crate::model::context::Context;
use crate::store::resources::find;
use crate::wso2::codes as wso2;
use crate::wso2::codes::{ANY_PURPOSE, Endpoint};
use crate::wso2::error::Error;

fn json(status: StatusCode, body: &Json) -> Response {
    response::json(status, body)
}

fn plain(status: StatusCode, body: String) -> Response {
    response::with_body(status, "text/plain; charset=utf-8", body)
}

/// `POST /api/identity/recovery/v0.9/validate-code` `{"code","step","properties"}`: 202 with the user; the code stays good.
pub fn validate_recovery(input: Input) -> Result<Response, ApiError> {
    let Input { state, body, .. } = input;
    let ctx = &state.ctx;
    let body = body.json(MEGABYTE)?;
    wso2::check_step(&body)?;
    let claims = redeem::verify(ctx, wso2::read_text(&body, "code"), SETS_PASSWORD)
        .map_err(|refused| wso2::not_live(&refused.into(), Endpoint::ValidateRecovery, &ctx.tenant))?;
    match redeem::open(ctx, claims)?.0 {
        Link::Live(_, user) => Ok(json(StatusCode::ACCEPTED, &wso2::user(ctx, &user))),
        other => Err(wso2::not_live(&other, Endpoint::ValidateRecovery, &ctx.tenant).into()),
    }
}

/// `POST /api/identity/recovery/v0.9/set-password` `{"key","password","properties"}`: 200 with the user; the code is used.
/// A password that is refused leaves it good.
pub fn set_password(input: Input) -> Result<Response, ApiError> {
    let Input { state, body, .. } = input;
    let ctx = &state.ctx;
    let body = body.json(MEGABYTE)?;
    let key = wso2::read_text(&body, "key");
    let password = wso2::read_text(&body, "password");
    let claims = redeem::verify(ctx, key, SETS_PASSWORD)
        .map_err(|refused| wso2::not_live(&refused.into(), Endpoint::SetPassword, &ctx.tenant))?;
    match redeem::set_password(ctx, &state.gate, claims, password, None)?.0 {
        Redeemed::Done(_, user) => Ok(json(StatusCode::OK, &wso2::user(ctx, &user))),
        Redeemed::Refused(claims, _, weaknesses) => Err(password_error(key, &claims, &weaknesses).into()),
        Redeemed::NotLive(link) => Err(wso2::not_live(&link, Endpoint::SetPassword, &ctx.tenant).into()),
        // There is no second entry here that could differ.
        Redeemed::Busy(_) | Redeemed::Mismatch(..) => Err(ApiError::too_many_passwords()),
    }
}

/// Returns the error of a refused password, in the language of the code: it is the person who reads the reasons.
fn password_error(key: &str, claims: &Claims, weaknesses: &[Weakness]) -> Error {
    let reasons = reasons(weaknesses, Language::for_locale(&claims.locale).pages());
    if weaknesses == [Weakness::Used] { wso2::used_before(key, &reasons) } else { wso2::weak(&reasons) }
}

/// Returns what a code that confirms an address says, and whether its time is over. No round trip.
fn confirmable(ctx: &Context, code: &str) -> Result<(Claims, bool), Error> {
    let (claims, is_expired) = match redeem::verify(ctx, code, ANY_PURPOSE) {
        Ok(claims) => (claims, false),
        Err(Refused::Expired(claims)) => (*claims, true),
        Err(refused) => return Err(wso2::not_live(&refused.into(), Endpoint::User, &ctx.tenant)),
    };
    if wso2::is_confirmable(&claims) { Ok((claims, is_expired)) } else { Err(wso2::not_confirmable()) }
}

/// `POST /api/identity/user/v1.0/validate-code` `{"code","verifiedChannel","properties"}`: 202 with the user, whose address
/// is confirmed; the code is used.
pub fn validate_user(input: Input) -> Result<Response, ApiError> {
    let Input { state, body, .. } = input;
    let ctx = &state.ctx;
    let body = body.json(MEGABYTE)?;
    let (claims, is_expired) = confirmable(ctx, wso2::read_text(&body, "code"))?;
    if is_expired {
        return Err(wso2::not_live(&Link::Expired(claims), Endpoint::User, &ctx.tenant).into());
    }
    match redeem::confirm_email(ctx, claims)?.0 {
        Redeemed::Done(_, user) => Ok(json(StatusCode::ACCEPTED, &wso2::user(ctx, &user))),
        Redeemed::NotLive(link) => Err(wso2::not_live(&link, Endpoint::User, &ctx.tenant).into()),
        // Nothing is typed here, so that nothing can be refused.
        Redeemed::Refused(..) | Redeemed::Mismatch(..) | Redeemed::Busy(_) => Err(ApiError::too_many_passwords()),
    }
}

/// `POST /api/identity/user/v1.0/introspect-code` `{"code"}`: 202 with what the code is for; expired ones are shown too.
pub fn introspect(input: Input) -> Result<Response, ApiError> {
    let Input { state, body, .. } = input;
    let ctx = &state.ctx;
    let body = body.json(MEGABYTE)?;
    let (claims, is_expired) = confirmable(ctx, wso2::read_text(&body, "code"))?;
    match redeem::open(ctx, claims)?.0 {
        Link::Live(_, user) => Ok(json(StatusCode::ACCEPTED, &wso2::introspected(ctx, &user, is_expired))),
        other => Err(wso2::not_live(&other, Endpoint::User, &ctx.tenant).into()),
    }
}

/// `POST /api/identity/user/v1.0/resend-code` `{"user":{"username","realm"},"properties":[{"key","value"}]}`: 201 without a
/// body, or with the new code where the caller sends it on.
pub fn resend(input: Input) -> Result<Response, ApiError> {
    let Input { state, body, .. } = input;
    let ctx = &state.ctx;
    let asked = wso2::resend_request(&ctx.deployment.user_stores, &body.json(MEGABYTE)?)?;
    let found = find::user_by_name(ctx, &asked.user_name)?;
    let user = found.filter(|user| asked.scenario.awaits(&user.account)).ok_or_else(|| {
        wso2::no_recovery_data("There is no such user, or none who waits for a code of this scenario.")
    })?;
    let resent = resend::resend(ctx, &user.id).map_err(|refusal| match refusal {
        ResendError::NotFound | ResendError::Nothing(_) => wso2::no_recovery_data(refusal.to_string()).into(),
        other => ApiError::from(other),
    })?;
    Ok(match resent.code {
        Some(code) => plain(StatusCode::CREATED, code.expose().to_owned()),
        None => empty(StatusCode::CREATED),
    })
}

/// `POST /api/users/v1/offline-invite-link` `{"username","userstore"}`: 201 with a link as text.
pub fn offline_link(input: Input) -> Result<Response, ApiError> {
    let Input { state, body, .. } = input;
    let ctx = &state.ctx;
    let body = body.json(MEGABYTE)?;
    let user_name = wso2::offline_request(&ctx.deployment.user_stores, &body)?;
    let token = offline::create_token(ctx, &user_name)?.map_err(|error| wso2::offline_link_error(&error))?;
    let page = format!("{}/accountrecoveryendpoint/confirmrecovery.do", ctx.base());
    Ok(plain(StatusCode::CREATED, format!("{page}?confirmation={}", token.expose())))
}
