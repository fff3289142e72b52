//! Who is calling: from the `Authorization` header, or the console's cookie, to an actor and what he may do, in the
//! context.

use ::http::HeaderMap;
use ::http::StatusCode;
use ::http::header::{AUTHORIZATION, COOKIE, HeaderValue, WWW_AUTHENTICATE};
use axum::response::Response;

use crate::access::authenticate::{self, AuthError, Credentials};
use crate::access::session_cookie::Session;
use crate::access::sessions;
use crate::base::scope::Scope;
use crate::base::secret::Secret;
use crate::http::{Work, answer};
use crate::model::context::Context;
use crate::model::deployment::Deployment;
use crate::model::resource::Resource;

/// What a request brings: a header says more than a cookie, which a browser adds by itself.
fn credentials(work: &Work, headers: &HeaderMap) -> Option<Credentials> {
    match headers.get(AUTHORIZATION) {
        Some(header) => Credentials::parse(header.to_str().ok()?),
        None => session_cookie(headers, &work.ctx.deployment).map(Credentials::Session),
    }
}

/// The value of the console's cookie. Others beside it, which any host of the domain may set, may be no ASCII.
pub fn session_cookie(headers: &HeaderMap, deployment: &Deployment) -> Option<Secret> {
    let mut lines = headers.get_all(COOKIE).iter().map(|line| String::from_utf8_lossy(line.as_bytes()));
    lines.find_map(|line| Session::in_header(&line, deployment).map(Secret::new))
}

/// The context with whoever has signed in to the console; `None` where nobody has.
pub async fn in_session(work: &Work, headers: &HeaderMap) -> Result<Option<Context>, Response> {
    let Some(cookie) = session_cookie(headers, &work.ctx.deployment) else { return Ok(None) };
    sessions::resume(&work.ctx, &cookie).await.map_err(|failure| answer::database(work.dialect, &failure))
}

fn unauthorized(work: &Work) -> Response {
    answer::unauthorized(
        work.dialect,
        "Credentials are missing or wrong: send an API token, or HTTP Basic credentials, that is valid for this tenant.",
    )
}

/// Says in the challenge what is wrong with a bearer token, where one was sent (RFC 6750 section 3).
pub fn explain(mut refused: Response, headers: &HeaderMap, any_of: &[Scope]) -> Response {
    let authorization = headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok()).unwrap_or_default();
    let Some(Credentials::Bearer(_)) = Credentials::parse(authorization) else { return refused };
    let error = match (refused.status(), any_of.first()) {
        (StatusCode::UNAUTHORIZED, _) => "invalid_token\"".to_owned(),
        (StatusCode::FORBIDDEN, Some(scope)) => format!("insufficient_scope\", scope=\"{scope}\""),
        _ => return refused,
    };
    if let Ok(challenge) = HeaderValue::try_from(format!("Bearer realm=\"Latchkey\", error=\"{error}")) {
        refused.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    refused
}

/// The context with the caller in it, provided that he has one of these scopes; else a 401 or a 403.
pub async fn allowed(work: &Work, headers: &HeaderMap, any_of: &[Scope]) -> Result<Context, Response> {
    let ctx = authenticated(work, headers).await?;
    if ctx.scopes.has_any(any_of) {
        return Ok(ctx);
    }
    let names: Vec<&str> = any_of.iter().map(|scope| scope.as_str()).collect();
    let detail = format!("This takes the scope {}, which these credentials do not have.", names.join(" or "));
    Err(answer::error(work.dialect, StatusCode::FORBIDDEN, &detail))
}

async fn authenticated(work: &Work, headers: &HeaderMap) -> Result<Context, Response> {
    let Some(credentials) = credentials(work, headers) else { return Err(unauthorized(work)) };
    accepted(work, authenticate::caller(&work.ctx, &work.gate, &credentials).await)
}

/// What was accepted, or why nothing was.
fn accepted<T>(work: &Work, outcome: Result<T, AuthError>) -> Result<T, Response> {
    match outcome {
        Ok(accepted) => Ok(accepted),
        Err(AuthError::Refused) => Err(unauthorized(work)),
        Err(AuthError::Busy) => {
            Err(answer::unavailable(work.dialect, "Too many passwords are being checked: try again shortly."))
        }
        Err(AuthError::Wait(seconds)) => Err(answer::too_many_requests(
            work.dialect,
            seconds,
            "Too many attempts to sign in have failed here: wait as long as Retry-After says.",
        )),
        Err(AuthError::Database(failure)) => Err(answer::database(work.dialect, &failure)),
    }
}

/// The user whose own credentials these are; a 404 for a caller who is no user of the directory, and else a 401 that does
/// not tell why.
pub async fn me(work: &Work, headers: &HeaderMap) -> Result<Box<Resource>, Response> {
    let no_user = || {
        let detail = "These credentials are not of a user of the directory: send a user's own, as HTTP Basic.";
        answer::error(work.dialect, StatusCode::NOT_FOUND, detail)
    };
    match credentials(work, headers) {
        Some(Credentials::Basic(basic)) if !authenticate::is_first_administrator(&work.ctx, &basic) => {
            let outcome = authenticate::user(&work.ctx, &work.gate, &basic.username, &basic.password).await;
            accepted(work, outcome).map(|signed_in| signed_in.user)
        }
        _ => authenticated(work, headers).await.and_then(|_| Err(no_user())),
    }
}
