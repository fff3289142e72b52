//! Who is calling: from the `Authorization` header to an actor and what he may do, in the context.

use ::http::HeaderMap;
use ::http::StatusCode;
use ::http::header::AUTHORIZATION;
use axum::response::Response;

use super::{Work, answer};
use crate::access::authenticate::{self, Credentials, SignIn};
use crate::access::scope::{Scope, Scopes};
use crate::context::{Actor, Context};
use crate::directory::resource::Resource;
use crate::tenant::{SUPER_TENANT, store};

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
    let ctx = authenticated(work, headers).await?;
    if ctx.scopes.has_any(any_of) {
        return Ok(ctx);
    }
    let names: Vec<&str> = any_of.iter().map(|scope| scope.as_str()).collect();
    let detail = format!("This takes the scope {}, which these credentials do not have.", names.join(" or "));
    Err(answer::error(work.dialect, StatusCode::FORBIDDEN, &detail))
}

async fn authenticated(work: &Work, headers: &HeaderMap) -> Result<Context, Response> {
    let ctx = &work.ctx;
    let basic = match credentials(headers) {
        Some(Credentials::Basic(basic)) => basic,
        Some(Credentials::Bearer(token)) => {
            let found = authenticate::bearer(ctx, &token).await.map_err(|f| answer::database(work.dialect, &f))?;
            return found.ok_or_else(|| unauthorized(work));
        }
        None => return Err(unauthorized(work)),
    };
    if !authenticate::is_first_administrator(ctx, &basic) {
        return Err(unauthorized(work));
    }
    let is_tenant = store::refresh(ctx).await.map_err(|failure| answer::database(work.dialect, &failure))?;
    if !is_tenant {
        return Err(unauthorized(work));
    }
    let name = if ctx.tenant.is_super() { basic.username } else { format!("{}@{SUPER_TENANT}", basic.username) };
    Ok(Context { actor: Actor::Administrator(name), scopes: Scopes::all(), ..ctx.clone() })
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
    let Some(Credentials::Basic(basic)) = credentials(headers) else { return Err(unauthorized(work)) };
    if authenticate::is_first_administrator(&work.ctx, &basic) && work.ctx.tenant.is_super() {
        return Ok(Me::Administrator);
    }
    match authenticate::user(&work.ctx, &work.gate, &basic).await {
        Ok(SignIn::Accepted(user)) => Ok(Me::User(user)),
        Ok(SignIn::Refused) => Err(unauthorized(work)),
        Ok(SignIn::Busy) => {
            Err(answer::unavailable(work.dialect, "Too many passwords are being checked: try again shortly."))
        }
        Err(failure) => Err(answer::database(work.dialect, &failure)),
    }
}
