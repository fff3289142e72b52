//! `/api/tokens`: the tenant's API tokens (DESIGN 2.5).

use ::http::StatusCode;
use serde_json::{Value as Json, json};

use crate::access::api_tokens;
use crate::base::scope::{Scope, Scopes};
use crate::base::text::rfc3339;
use crate::http::error::ApiError;
use crate::http::request::Input;
use crate::http::response::{self, Response, empty, set};
use crate::model::api_token::ApiToken;
use crate::ports::Millis;

/// `POST /api/tokens` `{"name","scopes":[...],"expiresInDays"}`: 201 with the token's text, which is shown this once.
pub fn create(input: Input) -> Result<Response, ApiError> {
    let Input { state, body, .. } = input;
    let ctx = &state.ctx;
    let json = body.object()?;
    let name = json["name"].as_str().unwrap_or_default();
    let days = json["expiresInDays"].as_f64().unwrap_or_default();
    let created = api_tokens::create(ctx, name, scopes(&json["scopes"]), days)?;
    let mut document = to_json(&created.token, created.created);
    document["token"] = json!(created.text.expose());
    let mut response = response::json(StatusCode::CREATED, &document);
    set(response.headers_mut(), "location", &format!("{}/api/tokens/{}", ctx.base(), created.token.id));
    Ok(response)
}

/// Returns the scopes asked for; none where one of them is none.
fn scopes(json: &Json) -> Scopes {
    let names = json.as_array().map(Vec::as_slice).unwrap_or_default();
    names.iter().map(|name| name.as_str().and_then(Scope::parse)).collect::<Option<Scopes>>().unwrap_or_default()
}

fn to_json(token: &ApiToken, created: Millis) -> Json {
    json!({
        "id": token.id, "name": token.name, "scopes": token.scopes.names().collect::<Vec<_>>(),
        "created": rfc3339(created), "expiresAt": rfc3339(token.expires_at),
    })
}

/// `GET /api/tokens`: all of the tenant's, without their texts; `lastUsed` is ten minutes behind at most.
pub fn list(input: Input) -> Result<Response, ApiError> {
    let listed = api_tokens::list(&input.state.ctx)?;
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
pub fn revoke(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, .. } = input;
    if api_tokens::revoke(&state.ctx, &params.decoded("id"))? {
        Ok(empty(StatusCode::NO_CONTENT))
    } else {
        Err(ApiError::missing("The tenant has no token with this id."))
    }
}
