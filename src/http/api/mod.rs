//! Latchkey's own API, below `/api`. Errors are `application/problem+json` (RFC 9457).

pub mod audit;
pub mod cursor;
pub mod invitations;
pub mod jobs;
pub mod mail;
pub mod privacy;
pub mod registrations;
pub mod settings;
pub mod templates;
pub mod tokens;

use crate::http::error::ApiError;
use crate::model::context::{Context, StoreContext};

/// Returns the context of the user store that `domain` names; PRIMARY's where it names none.
pub fn in_store_named(ctx: &Context, domain: Option<&str>) -> Result<StoreContext, ApiError> {
    let stores = &ctx.deployment.user_stores;
    let Some(domain) = domain else { return Ok(ctx.in_store(None)) };
    let store = stores.named(domain).ok_or_else(|| ApiError::bad_request(stores.unknown(domain)))?;
    Ok(ctx.in_store(store))
}
