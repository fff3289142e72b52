//! `POST /oauth2/token`: OAuth 2.0's client credentials (RFC 6749 section 4.4), for clients that prefer them to an API
//! token. The client is an API token: its id is the `client_id`, its text the `client_secret`.

use ::http::header::{AUTHORIZATION, PRAGMA, WWW_AUTHENTICATE};
use ::http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;

use crate::access::authenticate::{self, Basic};
use crate::access::grant::{Grant, LIFETIME};
use crate::base::scope::{Scope, Scopes};
use crate::base::secret::Secret;
use crate::http::body::TooLarge;
use crate::http::error::ApiError;
use crate::http::form::{Form, Repeated};
use crate::http::request::Input;
use crate::http::response::{self, Response, kept_out_of_old_caches};
use crate::model::context::UnitOfWork;

fn invalid_request(description: &'static str) -> ApiError {
    ApiError::oauth(StatusCode::BAD_REQUEST, "invalid_request", description)
}

fn invalid_client() -> ApiError {
    let description = "The client_id must be the id of an API token of this tenant, and the client_secret its text.";
    let challenge = HeaderValue::from_static("Basic realm=\"Latchkey\", charset=\"UTF-8\"");
    ApiError::oauth(StatusCode::UNAUTHORIZED, "invalid_client", description).with_header(WWW_AUTHENTICATE, challenge)
}

/// A token request.
struct TokenRequest {
    grant_type: Option<String>,
    scope: Option<String>,
    client_id: Option<String>,
    client_secret: Option<Secret>,
}

impl TokenRequest {
    /// Reads the form of a request; a parameter that comes twice is an error (RFC 6749 section 3.2).
    fn parse(form: &Form) -> Result<Self, Repeated> {
        Ok(Self {
            grant_type: form.once("grant_type")?,
            scope: form.once("scope")?,
            client_id: form.once("client_id")?,
            client_secret: form.once("client_secret")?.map(Secret::new),
        })
    }
}

/// Returns the client's id and secret, from the header or from the form but not from both (RFC 6749 section 2.3.1).
fn client(headers: &HeaderMap, request: &mut TokenRequest) -> Result<(String, Secret), ApiError> {
    let Some(header) = headers.get(AUTHORIZATION) else {
        return request.client_id.take().zip(request.client_secret.take()).ok_or_else(invalid_client);
    };
    if request.client_secret.is_some() {
        return Err(invalid_request("Send the client's credentials in the header or in the form, not in both."));
    }
    let basic = header.to_str().ok().and_then(Basic::parse).ok_or_else(invalid_client)?;
    // Both are form-encoded before they become Basic. Ours have nothing to encode, so that clients which skip it work.
    if request.client_id.take().is_some_and(|id| id != basic.username) {
        return Err(invalid_client());
    }
    Ok((basic.username, Secret::new(basic.password)))
}

/// Returns the scopes of the access token: those asked for, or all that the API token has.
fn scopes(asked: Option<&str>, has: Scopes) -> Result<Scopes, ApiError> {
    let Some(asked) = asked else { return Ok(has) };
    let scopes: Option<Scopes> = asked.split(' ').filter(|name| !name.is_empty()).map(Scope::parse).collect();
    match scopes {
        Some(scopes) if !scopes.is_empty() && scopes.difference(has).is_empty() => Ok(scopes),
        _ => {
            let description = format!("The API token allows these and no others: {has}.");
            Err(ApiError::oauth(StatusCode::BAD_REQUEST, "invalid_scope", description))
        }
    }
}

/// `POST /oauth2/token` `grant_type=client_credentials[&scope=...]`: an access token for an hour at most.
pub fn token(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, body, .. } = input;
    let form = body.form().map_err(|TooLarge| invalid_request("The form is larger than 16 KiB."))?;
    let request = TokenRequest::parse(&form);
    let mut request = request.map_err(|Repeated| invalid_request("A parameter of the form comes twice."))?;
    let (id, secret) = client(&headers, &mut request)?;
    let ctx = &state.ctx;
    let found = authenticate::api_token(ctx, &secret)
        .map_err(|failure| ApiError::from(failure).with_header(PRAGMA, HeaderValue::from_static("no-cache")))?;
    let (digest, token) = found.filter(|(_, token)| token.id == id).ok_or_else(invalid_client)?;
    match request.grant_type.as_deref() {
        Some("client_credentials") => {}
        Some(_) => {
            let description = "The one grant type is client_credentials.";
            return Err(ApiError::oauth(StatusCode::BAD_REQUEST, "unsupported_grant_type", description));
        }
        None => return Err(invalid_request("The form lacks grant_type=client_credentials.")),
    }
    let scopes = scopes(request.scope.as_deref(), token.scopes)?;
    let now = ctx.now_seconds();
    let left = (u64::try_from(token.expires_at).unwrap_or_default() / 1000).saturating_sub(now);
    let lifetime = left.min(LIFETIME);
    let grant = Grant { parent: digest, scopes, expires_at: now + lifetime };
    let text = grant.sign(&ctx.deployment.keys).ok_or_else(|| ApiError::internal("No key signs."))?;
    let body = json!({
        "access_token": text.expose(), "token_type": "Bearer", "expires_in": lifetime, "scope": scopes.to_string(),
    });
    Ok(kept_out_of_old_caches(response::json(StatusCode::OK, &body)))
}
