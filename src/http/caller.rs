//! Who is calling: from the `Authorization` header to an actor in the context.

use ::http::HeaderMap;
use ::http::header::AUTHORIZATION;
use axum::response::Response;

use super::{Work, answer};
use crate::access::authenticate::{self, Basic, SignIn};
use crate::context::{Actor, Context};
use crate::directory::resource::Resource;
use crate::scim::error::Error as ScimError;

fn basic(headers: &HeaderMap) -> Option<Basic> {
    Basic::parse(headers.get(AUTHORIZATION)?.to_str().ok()?)
}

fn unauthorized() -> Response {
    answer::scim_error(&ScimError::unauthorized(
        "Credentials are missing or wrong: send HTTP Basic credentials that are valid for this tenant.",
    ))
}

/// The context with the administrator who calls, or a 401.
pub fn administrator(work: &Work, headers: &HeaderMap) -> Result<Context, Response> {
    match basic(headers) {
        Some(basic) if authenticate::is_first_administrator(&work.ctx, &basic) => {
            Ok(Context { actor: Actor::Administrator(basic.username), ..work.ctx.clone() })
        }
        _ => Err(unauthorized()),
    }
}

/// Who `/scim2/Me` is about.
pub enum Me {
    /// A user, by credentials of his own.
    User(Box<Resource>),
    /// The first administrator, who is no user of the directory.
    Administrator,
}

/// The user whose own credentials these are, or a 401 that does not tell why.
pub async fn me(work: &Work, headers: &HeaderMap) -> Result<Me, Response> {
    let Some(basic) = basic(headers) else { return Err(unauthorized()) };
    if authenticate::is_first_administrator(&work.ctx, &basic) {
        return Ok(Me::Administrator);
    }
    match authenticate::user(&work.ctx, &work.gate, &basic).await {
        Ok(SignIn::Accepted(user)) => Ok(Me::User(user)),
        Ok(SignIn::Refused) => Err(unauthorized()),
        Ok(SignIn::Busy) => {
            Err(answer::unavailable(answer::Dialect::Scim, "Too many passwords are being checked: try again shortly."))
        }
        Err(failure) => Err(answer::database(answer::Dialect::Scim, &failure)),
    }
}
