//! `/api/server/v1/tenants`: the super tenant's alone.

use ::http::StatusCode;

use crate::http::body::MEGABYTE;
use crate::http::error::ApiError;
use crate::http::request::{Input, PathParams, RequestState};
use crate::http::response::{self, Response, empty, set};
use crate::http::wso2::json;
use crate::model::context::Context;
use crate::model::tenant::Tenant;
use crate::provision::{ProvisionError, tenant};
use crate::store::tenants::{self, TenantRow};
use crate::wso2::error::Error;
use crate::wso2::tenants as wso2;

/// The most tenants on a page.
const MAX_PAGE: u32 = 100;

/// Returns the context of whoever acts in the super tenant.
pub fn in_super_tenant(state: &RequestState) -> Result<&Context, ApiError> {
    if state.ctx.tenant.is_super() {
        return Ok(&state.ctx);
    }
    Err(ApiError::forbidden("Tenants are managed in the super tenant: leave /t/{tenant} out of the address."))
}

/// `POST /api/server/v1/tenants`: 201 with `Location`; the owners are invited.
pub fn create(input: Input) -> Result<Response, ApiError> {
    let Input { state, body, .. } = input;
    let ctx = in_super_tenant(&state)?;
    let new = wso2::read(&body.json(MEGABYTE)?)?;
    let code = tenant::create(ctx, &state.gate, &new).map_err(|refusal| match wso2::create_error(refusal) {
        Ok(error) => error.into(),
        Err(ProvisionError::Busy) => ApiError::unavailable("Too many passwords are being hashed."),
        Err(other) => other.into(),
    })?;
    let mut response = empty(StatusCode::CREATED);
    let location = format!("{}/api/server/v1/tenants/{}", ctx.base(), new.tenant.number());
    set(response.headers_mut(), "location", &location);
    response::set_code_header(&mut response, code.as_ref());
    Ok(response)
}

/// `GET /api/server/v1/tenants?offset=&limit=`
pub fn list(input: Input) -> Result<Response, ApiError> {
    let Input { state, query, .. } = input;
    let ctx = in_super_tenant(&state)?;
    let number = |name: &str, default: u32, code: &'static str| {
        query.first(name).map_or(Ok(default), |value| {
            value
                .parse()
                .map_err(|_| Error::without_message(400, code, format!("{name} must be a whole number from 0.")))
        })
    };
    let offset = number("offset", 0, "TM-60011")?;
    let limit = number("limit", 30, "TM-60010")?.clamp(1, MAX_PAGE);
    let (tenants, total) = tenants::page(ctx, offset, limit)?;
    Ok(json(&wso2::show_page(&tenants, total, offset, limit, "/api/server/v1/tenants")))
}

/// Returns the tenant that the path names: by id, or by domain below `/domain/`.
fn named<'s>(state: &'s RequestState, params: &PathParams) -> Result<(&'s Context, TenantRow), ApiError> {
    let ctx = in_super_tenant(state)?;
    let (name, number) = match params.find("domain") {
        Some(domain) => (domain, i64::try_from(Tenant::from_domain(domain).number()).ok()),
        None => (params.raw("id"), params.raw("id").parse().ok()),
    };
    let found = match number {
        Some(number) => tenants::find(ctx, number)?,
        None => None,
    };
    found.map(|row| (ctx, row)).ok_or_else(|| wso2::not_found(name).into())
}

/// `GET /api/server/v1/tenants/{id}` and `/domain/{domain}`; HEAD says whether there is one.
pub fn read(input: Input) -> Result<Response, ApiError> {
    let (_, row) = named(&input.state, &input.params)?;
    Ok(json(&wso2::show(&row)))
}

/// `GET /api/server/v1/tenants/{id}/owners`
pub fn owners(input: Input) -> Result<Response, ApiError> {
    let (_, row) = named(&input.state, &input.params)?;
    Ok(json(&row.owners))
}

/// `PUT /api/server/v1/tenants/{id}/lifecycle-status` `{"activated"}`
pub fn set_lifecycle_status(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, body, .. } = input;
    let (ctx, row) = named(&state, &params)?;
    let Some(active) = body.json(MEGABYTE)?["activated"].as_bool() else {
        return Err(Error::without_message(400, "TM-60013", "activated is missing: true or false.").into());
    };
    if row.tenant.is_super() {
        return Err(Error::without_message(400, "TM-60013", "The super tenant cannot be deactivated.").into());
    }
    let number = i64::try_from(row.tenant.number()).unwrap_or_default();
    tenants::set_active(ctx, number, active)?;
    Ok(empty(StatusCode::OK))
}
