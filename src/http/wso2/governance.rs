//! `/api/server/v1/identity-governance`: the tenant's settings under WSO2's names.

use ::http::StatusCode;

use crate::http::body::MEGABYTE;
use crate::http::error::ApiError;
use crate::http::request::Input;
use crate::http::response::{Response, empty};
use crate::http::wso2::json;
use crate::model::context::Context;
use crate::model::settings::Values;
use crate::store::tenant_settings::{self, Change, ChangeError};
use crate::wso2::governance;

/// Returns what holds for the tenant, from the database.
fn settings(ctx: &Context) -> Result<Values, ApiError> {
    let own = tenant_settings::own(ctx)?;
    Ok(ctx.deployment.settings_of(&ctx.tenant, &own).values)
}

/// Carries changes out, all or none: 200 without a body, as WSO2 answers.
fn change(ctx: &Context, changes: &[Change]) -> Result<Response, ApiError> {
    // What says what is so anyway is no change.
    if !changes.is_empty() {
        tenant_settings::change(ctx, changes).map_err(|error| match error {
            ChangeError::Invalid(_) => governance::not_updated(error.to_string()).into(),
            other => ApiError::from(other),
        })?;
    }
    Ok(empty(StatusCode::OK))
}

/// `GET` of the whole.
pub fn categories(input: Input) -> Result<Response, ApiError> {
    let Input { state, query, .. } = input;
    if let Some(error) = query.pairs().find_map(|(name, _)| governance::reserved(&name)) {
        return Err(error.into());
    }
    Ok(json(&governance::categories(&state.ctx.tenant)))
}

/// `GET /{category}`
pub fn category(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, .. } = input;
    let ctx = &state.ctx;
    let settings = settings(ctx)?;
    Ok(json(&governance::category(&params.decoded("category"), &settings)?))
}

/// `GET /{category}/connectors`
pub fn connectors(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, .. } = input;
    let ctx = &state.ctx;
    let settings = settings(ctx)?;
    Ok(json(&governance::connectors(&params.decoded("category"), &settings)?))
}

/// `GET /{category}/connectors/{id}`
pub fn connector(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, .. } = input;
    let ctx = &state.ctx;
    let settings = settings(ctx)?;
    Ok(json(&governance::connector(&params.decoded("category"), &params.decoded("connector"), &settings)?))
}

/// `PATCH /{category}/connectors/{id}`
pub fn update(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, body, .. } = input;
    let ctx = &state.ctx;
    let body = body.json(MEGABYTE)?;
    let changes = governance::update(&params.decoded("category"), &params.decoded("connector"), &body)?;
    change(ctx, &changes)
}

/// `PATCH /{category}/connectors`
pub fn update_several(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, body, .. } = input;
    let ctx = &state.ctx;
    let body = body.json(MEGABYTE)?;
    let changes = governance::update_several(&params.decoded("category"), &body)?;
    change(ctx, &changes)
}

/// `POST /{category}/connectors/revert?connectorId=`
pub fn revert(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, query, body, .. } = input;
    let ctx = &state.ctx;
    let body = body.json(MEGABYTE)?;
    let id = query.first("connectorId");
    let changes = governance::revert(&params.decoded("category"), id.as_deref(), &body)?;
    change(ctx, &changes)
}

/// `POST /preferences`: reads values, of as many connectors as are named.
pub fn preferences(input: Input) -> Result<Response, ApiError> {
    let Input { state, body, .. } = input;
    let ctx = &state.ctx;
    let body = body.json(MEGABYTE)?;
    let settings = settings(ctx)?;
    Ok(json(&governance::preferences(&body, &settings)?))
}
