//! `/api/identity/recovery/v0.9`, `/api/identity/user/v1.0` and `/api/users/v1/offline-invite-link`.
//!
//! Whoever has a code may ask about it and use it: it is the credential. Codes that are not ours cost no round trip.

use ::http::StatusCode;
use axum::body::Body;
use axum::response::Response;
use serde_json::Value as Json;

use crate::access::policy::Weakness;
use crate::base::token::{Claims, Refused};
use crate::http::answer::{self, Dialect};
use crate::http::api::flat;
use crate::http::links::in_words;
use crate::http::wso2::{error_of, json_body};
use crate::http::{Work, empty};
use crate::i18n::Language;
use crate::invite::offline;
use crate::invite::redeem::{self, Link, Redeemed, SETS_PASSWORD};
use crate::invite::resend::{self, ResendError};
use crate::model::context::Context;
use crate::ports::DatabaseError;
use crate::store::resources::find;
use crate::wso2::codes as wso2;
use crate::wso2::codes::{ANY_PURPOSE, Endpoint};

fn failed(failure: &DatabaseError) -> Response {
    answer::database(Dialect::Wso2, failure)
}

fn busy() -> Response {
    answer::unavailable(Dialect::Wso2, "Too many passwords are being hashed: try again shortly.")
}

fn json(status: StatusCode, body: &Json) -> Response {
    uncached(answer::with_body(status, "application/json", body.to_string()))
}

fn plain(status: StatusCode, body: String) -> Response {
    uncached(answer::with_body(status, "text/plain; charset=utf-8", body))
}

fn uncached(mut response: Response) -> Response {
    crate::http::set(response.headers_mut(), "cache-control", "no-store");
    response
}

/// `POST /api/identity/recovery/v0.9/validate-code` `{"code","step","properties"}`: 202 with the user; the code stays good.
pub async fn validate_recovery(work: Work, body: Body) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let body = json_body(body).await?;
            wso2::check_step(&body).map_err(|error| error_of(&error))?;
            let claims = redeem::verify(ctx, wso2::text(&body, "code"), SETS_PASSWORD).map_err(|refused| {
                error_of(&wso2::not_live(&refused.into(), Endpoint::ValidateRecovery, &ctx.tenant))
            })?;
            match redeem::open(ctx, claims).await {
                Ok(Link::Live(_, user)) => Ok(json(StatusCode::ACCEPTED, &wso2::user(ctx, &user))),
                Ok(other) => Err(error_of(&wso2::not_live(&other, Endpoint::ValidateRecovery, &ctx.tenant))),
                Err(failure) => Err(failed(&failure)),
            }
        }
        .await,
    )
}

/// `POST /api/identity/recovery/v0.9/set-password` `{"key","password","properties"}`: 200 with the user; the code is used.
/// A password that is refused leaves it good.
pub async fn set_password(work: Work, body: Body) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let body = json_body(body).await?;
            let key = wso2::text(&body, "key");
            let password = wso2::text(&body, "password");
            let claims = redeem::verify(ctx, key, SETS_PASSWORD)
                .map_err(|refused| error_of(&wso2::not_live(&refused.into(), Endpoint::SetPassword, &ctx.tenant)))?;
            match redeem::set_password(ctx, &work.gate, claims, password, None).await {
                Ok(Redeemed::Done(_, user)) => Ok(json(StatusCode::OK, &wso2::user(ctx, &user))),
                Ok(Redeemed::Refused(claims, _, weaknesses)) => Err(refused(key, &claims, &weaknesses)),
                Ok(Redeemed::NotLive(link)) => {
                    Err(error_of(&wso2::not_live(&link, Endpoint::SetPassword, &ctx.tenant)))
                }
                // There is no second entry here that could differ.
                Ok(Redeemed::Busy(_) | Redeemed::Mismatch(..)) => Err(busy()),
                Err(failure) => Err(failed(&failure)),
            }
        }
        .await,
    )
}

/// A refused password, in the language of the code: it is the person who reads the reasons.
fn refused(key: &str, claims: &Claims, weaknesses: &[Weakness]) -> Response {
    let texts = Language::for_locale(&claims.locale).pages();
    let reasons: Vec<String> = weaknesses.iter().map(|weakness| in_words(weakness, texts)).collect();
    if weaknesses == [Weakness::Used] {
        return answer::wso2_body(StatusCode::PRECONDITION_FAILED, wso2::used_before(key, &reasons.join(" ")));
    }
    error_of(&wso2::weak(&reasons))
}

/// What a code that confirms an address says, and whether its time is over. No round trip.
fn confirmable(ctx: &Context, code: &str) -> Result<(Claims, bool), Response> {
    let (claims, is_expired) = match redeem::verify(ctx, code, ANY_PURPOSE) {
        Ok(claims) => (claims, false),
        Err(Refused::Expired(claims)) => (*claims, true),
        Err(refused) => return Err(error_of(&wso2::not_live(&refused.into(), Endpoint::User, &ctx.tenant))),
    };
    if wso2::is_confirmable(&claims) { Ok((claims, is_expired)) } else { Err(error_of(&wso2::not_confirmable())) }
}

/// `POST /api/identity/user/v1.0/validate-code` `{"code","verifiedChannel","properties"}`: 202 with the user, whose address
/// is confirmed; the code is used.
pub async fn validate_user(work: Work, body: Body) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let body = json_body(body).await?;
            let code = wso2::text(&body, "code");
            let (claims, is_expired) = confirmable(ctx, code)?;
            if is_expired {
                return Err(error_of(&wso2::not_live(&Link::Expired(claims), Endpoint::User, &ctx.tenant)));
            }
            match redeem::confirm_email(ctx, claims).await {
                Ok(Redeemed::Done(_, user)) => Ok(json(StatusCode::ACCEPTED, &wso2::user(ctx, &user))),
                Ok(Redeemed::NotLive(link)) => Err(error_of(&wso2::not_live(&link, Endpoint::User, &ctx.tenant))),
                // Nothing is typed here, so that nothing can be refused.
                Ok(Redeemed::Refused(..) | Redeemed::Mismatch(..) | Redeemed::Busy(_)) => Err(busy()),
                Err(failure) => Err(failed(&failure)),
            }
        }
        .await,
    )
}

/// `POST /api/identity/user/v1.0/introspect-code` `{"code"}`: 202 with what the code is for; expired ones are told of too.
pub async fn introspect(work: Work, body: Body) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let body = json_body(body).await?;
            let (claims, is_expired) = confirmable(ctx, wso2::text(&body, "code"))?;
            match redeem::open(ctx, claims).await {
                Ok(Link::Live(_, user)) => Ok(json(StatusCode::ACCEPTED, &wso2::introspected(ctx, &user, is_expired))),
                Ok(other) => Err(error_of(&wso2::not_live(&other, Endpoint::User, &ctx.tenant))),
                Err(failure) => Err(failed(&failure)),
            }
        }
        .await,
    )
}

/// `POST /api/identity/user/v1.0/resend-code` `{"user":{"username","realm"},"properties":[{"key","value"}]}`: 201 without a
/// body, or with the new code where the caller sends it on.
pub async fn resend(work: Work, body: Body) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let asked = wso2::resend_request(&ctx.deployment.user_stores, &json_body(body).await?)
                .map_err(|error| error_of(&error))?;
            let found = find::user_by_name(ctx, &asked.user_name).await.map_err(|failure| failed(&failure))?;
            let user = found.filter(|user| asked.scenario.awaits(&user.account)).ok_or_else(|| {
                error_of(&wso2::no_recovery_data(
                    "There is no such user, or none who waits for a code of this scenario.",
                ))
            })?;
            let resent = resend::resend(ctx, &user.id).await.map_err(|refusal| match refusal {
                ResendError::Database(failure) => failed(&failure),
                ResendError::Forbidden(error) => answer::error(Dialect::Wso2, StatusCode::FORBIDDEN, &error.detail),
                ResendError::TooMany { seconds, .. } => {
                    answer::too_many_requests(Dialect::Wso2, seconds, &refusal.to_string())
                }
                ResendError::NotFound | ResendError::Nothing(_) => {
                    error_of(&wso2::no_recovery_data(refusal.to_string()))
                }
            })?;
            Ok(match resent.code {
                Some(code) => plain(StatusCode::CREATED, code.expose().to_owned()),
                None => empty(StatusCode::CREATED),
            })
        }
        .await,
    )
}

/// `POST /api/users/v1/offline-invite-link` `{"username","userstore"}`: 201 with a link as text.
pub async fn offline_link(work: Work, body: Body) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let body = json_body(body).await?;
            let user_name =
                wso2::offline_request(&ctx.deployment.user_stores, &body).map_err(|error| error_of(&error))?;
            let token = offline::create_token(ctx, &user_name).await.map_err(|failure| failed(&failure))?;
            let token = token.map_err(|refusal| error_of(&wso2::offline_refused(&refusal)))?;
            let page = format!("{}/accountrecoveryendpoint/confirmrecovery.do", ctx.base());
            Ok(plain(StatusCode::CREATED, format!("{page}?confirmation={}", token.expose())))
        }
        .await,
    )
}
