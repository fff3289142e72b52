//! `/api/tokens`: the tenant's API tokens (DESIGN 2.5).

use ::http::StatusCode;
use axum::response::Response;
use serde_json::{Value as Json, json};

use crate::access::api_tokens;
use crate::base::scope::{Scope, Scopes};
use crate::base::text::rfc3339;
use crate::http::error::ApiError;
use crate::http::request::Input;
use crate::http::response::{self, empty, set};
use crate::model::api_token::ApiToken;
use crate::model::context::Context;
use crate::ports::Millis;

/// The longest name, in characters.
const LONGEST_NAME: usize = 64;
/// The longest life, in days.
const MOST_DAYS: f64 = 3_650.0;
/// Milliseconds.
const DAY: f64 = 86_400_000.0;

/// `POST /api/tokens` `{"name","scopes":[...],"expiresInDays"}`: 201 with the token's text, which is shown this once.
pub async fn create(input: Input) -> Result<Response, ApiError> {
    let Input { state, body, .. } = input;
    let ctx = &state.ctx;
    let json = body.object().await?;
    let name = json["name"].as_str().map(str::trim).unwrap_or_default();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(ApiError::bad_request("name must be 1 to 64 characters that say what the token is for."));
    }
    let scopes = granted(ctx, &json["scopes"])?;
    let lifetime = lifetime(&json["expiresInDays"])?;
    let created = api_tokens::create(ctx, name.to_owned(), scopes, lifetime).await?;
    let Some(created) = created else {
        let detail = format!("The tenant has {} tokens already: revoke those that are not used.", api_tokens::MOST);
        return Err(ApiError::conflict(detail));
    };
    let mut document = to_json(&created.token, created.created);
    document["token"] = json!(created.text.expose());
    let mut response = response::json(StatusCode::CREATED, &document);
    set(response.headers_mut(), "location", &format!("{}/api/tokens/{}", ctx.base(), created.token.id));
    Ok(response)
}

/// Returns the scopes asked for, provided that the caller has them all and that the tenant can have them.
fn granted(ctx: &Context, json: &Json) -> Result<Scopes, ApiError> {
    let known = Scopes::all().to_string().replace(' ', ", ");
    let asked: Option<Scopes> = json
        .as_array()
        .and_then(|names| names.iter().map(|name| name.as_str().and_then(Scope::parse)).collect::<Option<Scopes>>());
    let Some(asked) = asked.filter(|scopes| !scopes.is_empty()) else {
        return Err(ApiError::bad_request(format!("scopes must list one or more of {known}.")));
    };
    if asked.has(Scope::Tenants) && !ctx.tenant.is_super() {
        return Err(ApiError::forbidden("The scope tenants is the super tenant's alone."));
    }
    let missing = asked.difference(ctx.scopes);
    if !missing.is_empty() {
        let names = missing.to_string().replace(' ', ", ");
        let detail = format!("These credentials cannot grant what they do not have: {names}.");
        return Err(ApiError::forbidden(detail));
    }
    Ok(asked)
}

/// Returns `expiresInDays` in milliseconds.
fn lifetime(json: &Json) -> Result<Millis, ApiError> {
    match json.as_f64() {
        // At most 3,650 days, which an i64 holds many times over.
        #[expect(clippy::cast_possible_truncation, reason = "in range by the guard")]
        Some(days) if days > 0.0 && days <= MOST_DAYS => Ok((days * DAY).ceil() as Millis),
        _ => Err(ApiError::bad_request("expiresInDays must be a number above 0 and at most 3650.")),
    }
}

fn to_json(token: &ApiToken, created: Millis) -> Json {
    json!({
        "id": token.id, "name": token.name, "scopes": token.scopes.names().collect::<Vec<_>>(),
        "created": rfc3339(created), "expiresAt": rfc3339(token.expires_at),
    })
}

/// `GET /api/tokens`: all of the tenant's, without their texts; `lastUsed` is ten minutes behind at most.
pub async fn list(input: Input) -> Result<Response, ApiError> {
    let listed = api_tokens::list(&input.state.ctx).await?;
    let resources: Vec<Json> = listed
        .iter()
        .map(|listed| {
            let mut document = to_json(&listed.token, listed.created);
            document["createdBy"] = json!(listed.created_by);
            document["lastUsed"] = json!(listed.last_used.map(rfc3339));
            document
        })
        .collect();
    Ok(response::json(StatusCode::OK, &json!({ "Resources": resources })))
}

/// `DELETE /api/tokens/{id}`: revokes a token. It is dead at once here, everywhere within a minute.
pub async fn revoke(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, .. } = input;
    if api_tokens::revoke(&state.ctx, &params.decoded("id")).await? {
        Ok(empty(StatusCode::NO_CONTENT))
    } else {
        Err(ApiError::missing("The tenant has no token with this id."))
    }
}
