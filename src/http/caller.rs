//! Who is calling: from the `Authorization` header to an actor and what he may do, in the context.

use ::http::HeaderMap;
use ::http::StatusCode;
use ::http::header::AUTHORIZATION;
use axum::response::Response;

use super::{Work, answer};
use crate::access::authenticate::{self, Credentials, Outcome};
use crate::access::scope::Scope;
use crate::context::Context;
use crate::directory::resource::Resource;
use crate::ports::DatabaseError;

fn credentials(headers: &HeaderMap) -> Option<Credentials> {
    Credentials::parse(headers.get(AUTHORIZATION)?.to_str().ok()?)
}

fn unauthorized(work: &Work) -> Response {
    answer::unauthorized(
        work.dialect,
        "Credentials are missing or wrong: send an API token, or HTTP Basic credentials, that is valid for this tenant.",
    )
}

/// The context with the caller in it, provided that he has one of these scopes; else a 401 or a 403.
pub async fn allowed(work: &Work, headers: &HeaderMap, any_of: &[Scope]) -> Result<Context, Response> {
    let ctx = match &work.caller {
        Some(ctx) => ctx.clone(),
        None => authenticated(work, headers).await?,
    };
    if ctx.scopes.has_any(any_of) {
        return Ok(ctx);
    }
    let names: Vec<&str> = any_of.iter().map(|scope| scope.as_str()).collect();
    let detail = format!("This takes the scope {}, which these credentials do not have.", names.join(" or "));
    Err(answer::error(work.dialect, StatusCode::FORBIDDEN, &detail))
}

async fn authenticated(work: &Work, headers: &HeaderMap) -> Result<Context, Response> {
    let Some(credentials) = credentials(headers) else { return Err(unauthorized(work)) };
    accepted(work, authenticate::caller(&work.ctx, &work.gate, &credentials).await)
}

/// What was accepted, or why nothing was.
fn accepted<T>(work: &Work, outcome: Result<Outcome<T>, DatabaseError>) -> Result<T, Response> {
    match outcome {
        Ok(Outcome::Accepted(accepted)) => Ok(accepted),
        Ok(Outcome::Refused) => Err(unauthorized(work)),
        Ok(Outcome::Busy) => {
            Err(answer::unavailable(work.dialect, "Too many passwords are being checked: try again shortly."))
        }
        Ok(Outcome::Wait(seconds)) => Err(answer::too_many_requests(
            work.dialect,
            seconds,
            "Too many attempts to sign in have failed here: wait as long as Retry-After says.",
        )),
        Err(failure) => Err(answer::database(work.dialect, &failure)),
    }
}

/// The user whose own credentials these are; a 404 for a caller who is no user of the directory, and else a 401 that does
/// not tell why.
pub async fn me(work: &Work, headers: &HeaderMap) -> Result<Box<Resource>, Response> {
    let no_user = || {
        let detail = "These credentials are not of a user of the directory: sign in as a user.";
        answer::error(work.dialect, StatusCode::NOT_FOUND, detail)
    };
    match credentials(headers) {
        Some(Credentials::Basic(basic)) if !authenticate::is_first_administrator(&work.ctx, &basic) => {
            let outcome = authenticate::user(&work.ctx, &work.gate, &basic.username, &basic.password).await;
            accepted(work, outcome)
        }
        _ => authenticated(work, headers).await.and_then(|_| Err(no_user())),
    }
}
