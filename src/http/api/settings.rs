//! `/api/settings`: what holds for the tenant, and what it overrides.

use ::http::StatusCode;
use serde_json::{Value as Json, json};

use crate::http::error::ApiError;
use crate::http::request::Input;
use crate::http::response;
use crate::http::response::Response;
use crate::model::context::Context;
use crate::store::tenant_settings::{self, Change};

/// `GET /api/settings`: `{"settings":{name: value},"own":[names]}`, values as text.
pub fn read(input: Input) -> Result<Response, ApiError> {
    show(&input.state.ctx)
}

/// `PATCH /api/settings` `{name: value or null}`: all of it or nothing; null goes back to the deployment's value.
pub fn modify(input: Input) -> Result<Response, ApiError> {
    let Input { state, body, .. } = input;
    let ctx = &state.ctx;
    let mut changes = Vec::new();
    for (name, value) in body.object()?.as_object().into_iter().flatten() {
        changes.push(change(name, value)?);
    }
    tenant_settings::change(ctx, &changes)?;
    show(ctx)
}

/// Returns a setting and its new value: text, or a number or truth that stands for its text.
fn change(name: &str, value: &Json) -> Result<Change, ApiError> {
    let value = match value {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        Json::Bool(_) | Json::Number(_) => Some(value.to_string()),
        _ => return Err(ApiError::bad_request("A setting's value is text, a number, true, false or null.")),
    };
    Ok((name.to_owned(), value))
}

fn show(ctx: &Context) -> Result<Response, ApiError> {
    let own = tenant_settings::own(ctx)?;
    let settings = ctx.deployment.settings_of(&ctx.tenant, &own);
    let own: Vec<&str> = own.into_keys().collect();
    let body = json!({ "settings": settings.values, "own": own });
    Ok(response::json(StatusCode::OK, &body))
}
