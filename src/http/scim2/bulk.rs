//! `POST /scim2/Bulk` (RFC 7644 section 3.7).

use ::http::StatusCode;

use crate::http::error::ApiError;
use crate::http::request::Input;
use crate::http::response;
use crate::http::response::Response;
use crate::provision::bulk as provision;
use crate::store::registrations;
use scim::bulk::{MAX_PAYLOAD_SIZE, Plan};

/// Runs the operations; 200 whatever becomes of each.
pub fn bulk(input: Input) -> Result<Response, ApiError> {
    let Input { state, body, .. } = input;
    let ctx = &state.ctx;
    let registry = registrations::load_registry(ctx)?;
    let plan = Plan::parse(&registry, body.json(MAX_PAYLOAD_SIZE)?)?;
    let results = provision::run(ctx, &state.gate, &registry, plan);
    Ok(response::scim(StatusCode::OK, results.to_string()))
}
