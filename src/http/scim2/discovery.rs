//! Discovery (RFC 7644 section 4): readable by anybody, without filters. Without credentials every tenant name answers
//! alike, with the built-in documents; with an administrator's the tenant's own are there too.

use std::sync::Arc;

use ::http::{HeaderMap, StatusCode};
use serde_json::Value as Json;

use crate::base::scope::Scope;
use crate::http::caller;
use crate::http::error::ApiError;
use crate::http::request::{Input, RequestState};
use crate::http::response;
use crate::http::response::Response;
use crate::model::schemas;
use crate::store::registrations;
use scim::discovery::{self, ServiceProviderConfig};
use scim::error::Error as ScimError;
use scim::schema::Registry;

/// 403 for a filter on discovery, which the RFC forbids.
fn without_filter(input: &Input) -> Result<(), ScimError> {
    match input.query.first_in_any_case("filter") {
        Some(_) => Err(ScimError::forbidden("Discovery cannot be filtered (RFC 7644 section 4).")),
        None => Ok(()),
    }
}

/// Returns the tenant's registry for whoever may read it, and what is built in for everybody else.
fn registry(state: &RequestState, headers: &HeaderMap) -> Result<Arc<Registry>, ApiError> {
    match caller::allowed(state, headers, &[Scope::ScimRead]) {
        Ok(ctx) => Ok(registrations::load_registry(&ctx)?),
        Err(_) => Ok(schemas::builtin()),
    }
}

fn base(input: &Input) -> String {
    format!("{}/scim2", input.state.ctx.base())
}

fn found(document: Option<Json>) -> Result<Response, ApiError> {
    let document = document.ok_or_else(|| ScimError::not_found("There is no such schema or resource type."))?;
    Ok(response::scim(StatusCode::OK, document.to_string()))
}

/// `GET /scim2/ServiceProviderConfig` (RFC 7643 section 5).
pub fn service_provider_config(input: Input) -> Result<Response, ApiError> {
    without_filter(&input)?;
    found(Some(ServiceProviderConfig::default().to_json(&base(&input))))
}

/// `GET /scim2/ResourceTypes`.
pub fn resource_types(input: Input) -> Result<Response, ApiError> {
    without_filter(&input)?;
    found(Some(discovery::resource_types(&*registry(&input.state, &input.headers)?, &base(&input))))
}

/// `GET /scim2/ResourceTypes/{id}`.
pub fn resource_type(input: Input) -> Result<Response, ApiError> {
    without_filter(&input)?;
    found(discovery::resource_type(&*registry(&input.state, &input.headers)?, input.params.raw("id"), &base(&input)))
}

/// `GET /scim2/Schemas`.
pub fn schemas(input: Input) -> Result<Response, ApiError> {
    without_filter(&input)?;
    found(Some(discovery::schemas(&*registry(&input.state, &input.headers)?, &base(&input))))
}

/// `GET /scim2/Schemas/{urn}`.
pub fn schema(input: Input) -> Result<Response, ApiError> {
    without_filter(&input)?;
    found(discovery::schema(&*registry(&input.state, &input.headers)?, &input.params.decoded("urn"), &base(&input)))
}
