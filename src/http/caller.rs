//! Who is calling: from the `Authorization` header, or the console's cookie, to an actor and what they may
//! do, in the context.

use ::http::HeaderMap;
use ::http::StatusCode;
use ::http::header::{AUTHORIZATION, COOKIE, HeaderValue, WWW_AUTHENTICATE};

use crate::access::authenticate::{self, AuthError, Credentials};
use crate::access::session_cookie::{Session, find_in_header};
use crate::access::sessions;
use crate::base::scope::Scope;
use crate::base::secret::Secret;
use crate::http::error::ApiError;
use crate::http::request::RequestState;
use crate::model::context::{Actor, Context};
use crate::model::deployment::Deployment;
use crate::model::resource::Resource;

/// Returns what a request brings: a header says more than a cookie, which a browser adds by itself.
fn credentials(state: &RequestState, headers: &HeaderMap) -> Option<Credentials> {
    match headers.get(AUTHORIZATION) {
        Some(header) => Credentials::parse(header.to_str().ok()?),
        None => session_cookie(headers, &state.ctx.deployment).map(Credentials::Session),
    }
}

/// Returns the value of a cookie. Others beside it, which any host of the domain may set, may be no ASCII.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut lines = headers.get_all(COOKIE).iter().map(|line| String::from_utf8_lossy(line.as_bytes()));
    lines.find_map(|line| find_in_header(&line, name).map(str::to_owned))
}

/// Returns the value of the console's cookie.
pub fn session_cookie(headers: &HeaderMap, deployment: &Deployment) -> Option<Secret> {
    cookie(headers, Session::cookie_name(deployment)).map(Secret::new)
}

/// Returns the context with whoever has signed in to the console; `None` where nobody has.
pub fn in_session(ctx: &Context, headers: &HeaderMap) -> Result<Option<Context>, ApiError> {
    let Some(cookie) = session_cookie(headers, &ctx.deployment) else { return Ok(None) };
    Ok(sessions::resume(ctx, &cookie)?)
}

fn unauthorized() -> ApiError {
    ApiError::unauthorized(
        "Credentials are missing or wrong: send an API token, or HTTP Basic credentials, that is valid for this tenant.",
    )
}

/// Says in the challenge what is wrong with a bearer token, where one was sent (RFC 6750 section 3).
pub fn explain(error: ApiError, headers: &HeaderMap, any_of: &[Scope]) -> ApiError {
    let authorization = headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok()).unwrap_or_default();
    let Some(Credentials::Bearer(_)) = Credentials::parse(authorization) else { return error };
    let what = match (error.status(), any_of.first()) {
        (StatusCode::UNAUTHORIZED, _) => "invalid_token\"".to_owned(),
        (StatusCode::FORBIDDEN, Some(scope)) => format!("insufficient_scope\", scope=\"{scope}\""),
        _ => return error,
    };
    match HeaderValue::try_from(format!("Bearer realm=\"Latchkey\", error=\"{what}")) {
        Ok(challenge) => error.with_header(WWW_AUTHENTICATE, challenge),
        Err(_) => error,
    }
}

/// Returns the context with the caller in it, provided that they have one of these scopes; else a 401 or a 403.
pub fn allowed(state: &RequestState, headers: &HeaderMap, any_of: &[Scope]) -> Result<Context, ApiError> {
    let ctx = authenticated(state, headers)?;
    if ctx.scopes.has_any(any_of) {
        return Ok(ctx);
    }
    let names: Vec<&str> = any_of.iter().map(|scope| scope.as_str()).collect();
    let detail = format!("This takes the scope {}, which these credentials do not have.", names.join(" or "));
    Err(ApiError::forbidden(detail))
}

/// Returns the context with the caller in it, provided that they have all of these scopes; else a 401 or a 403.
pub fn allowed_all(state: &RequestState, headers: &HeaderMap, all_of: &[Scope]) -> Result<Context, ApiError> {
    let ctx = authenticated(state, headers)?;
    match all_of.iter().find(|scope| !ctx.scopes.has(**scope)) {
        None => Ok(ctx),
        Some(lacking) => {
            let names: Vec<&str> = all_of.iter().map(|scope| scope.as_str()).collect();
            let detail =
                format!("This takes the scopes {}, and these credentials do not have {lacking}.", names.join(" and "));
            Err(ApiError::forbidden(detail))
        }
    }
}

fn authenticated(state: &RequestState, headers: &HeaderMap) -> Result<Context, ApiError> {
    let credentials = credentials(state, headers).ok_or_else(unauthorized)?;
    Ok(authenticate::caller(&state.ctx, &state.gate, &credentials)?)
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Refused => unauthorized(),
            AuthError::Busy => Self::unavailable("Too many passwords are being checked: try again shortly."),
            AuthError::Wait(seconds) => Self::too_many_requests(
                seconds,
                "Too many attempts to sign in have failed here: wait as long as Retry-After says.",
            ),
            AuthError::Database(failure) => failure.into(),
        }
    }
}

/// Returns the user whose own credentials these are, and the context with them as the one who acts; a 404 for a caller who is no user of the directory, and else a 401 that
/// does not say why.
pub fn me(state: &RequestState, headers: &HeaderMap) -> Result<(Context, Box<Resource>), ApiError> {
    match credentials(state, headers) {
        Some(Credentials::Basic(basic)) if !authenticate::is_first_administrator(&state.ctx, &basic) => {
            let signed_in = authenticate::user(&state.ctx, &state.gate, &basic.username, &basic.password)?;
            let actor = Actor::User(signed_in.user.id.clone());
            Ok((state.ctx.acting_as(actor).with_settings(signed_in.settings), signed_in.user))
        }
        _ => {
            authenticated(state, headers)?;
            Err(ApiError::missing(
                "These credentials are not of a user of the directory: send a user's own, as HTTP Basic.",
            ))
        }
    }
}
