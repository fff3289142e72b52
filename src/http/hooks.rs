//! `/hooks/mail/{provider}`: what mail providers report of mails they have taken.

use ::http::StatusCode;
use serde_json::json;

use crate::http::body::TooLarge;
use crate::http::error::ApiError;
use crate::http::request::Input;
use crate::http::response;
use crate::http::response::Response;
use crate::mail::webhooks::{self, Incoming, WebhookError};

/// `POST /hooks/mail/{provider}`: 200 whether or not the mail is ours.
pub fn mail(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, headers, body, .. } = input;
    let ctx = &state.ctx;
    // A provider knows no tenants.
    if !ctx.tenant.is_super() {
        return Err(WebhookError::Unknown.into());
    }
    // `Service::handle` has read it, or found it too large.
    let body = body.bytes(usize::MAX);
    let body = body.map_err(|TooLarge| ApiError::too_large("The body is larger than 1 MiB."))?;
    let incoming = Incoming { headers: &headers, body: &body };
    let received = webhooks::receive(&ctx.platform, &ctx.deployment, params.raw("provider"), &incoming)?;
    Ok(response::json(StatusCode::OK, &json!({ "received": received })))
}
