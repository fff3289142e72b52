//! `POST /oauth2/token`: OAuth 2.0's client credentials (RFC 6749 section 4.4), for clients that prefer them to an API
//! token. The client is an API token: its id is the `client_id`, its text the `client_secret`.

use ::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use ::http::{HeaderMap, HeaderValue, StatusCode};
use axum::body::{self, Body};
use axum::response::Response;
use serde_json::json;

use crate::access::authenticate::{self, Basic};
use crate::access::grant::{Grant, LIFETIME};
use crate::base::scope::{Scope, Scopes};
use crate::base::secret::Secret;
use crate::http::answer::{self, Dialect};
use crate::http::{Work, set};

/// The largest form, in bytes.
const MAX_FORM: usize = 16 * 1024;

/// An error of RFC 6749 section 5.2.
fn error(status: StatusCode, code: &str, description: &str) -> Response {
    let body = json!({ "error": code, "error_description": description });
    no_store(answer::with_body(status, "application/json", body.to_string()))
}

fn no_store(mut response: Response) -> Response {
    set(response.headers_mut(), "cache-control", "no-store");
    set(response.headers_mut(), "pragma", "no-cache");
    response
}

fn invalid_request(description: &str) -> Response {
    error(StatusCode::BAD_REQUEST, "invalid_request", description)
}

fn invalid_client() -> Response {
    let description = "The client_id must be the id of an API token of this tenant, and the client_secret its text.";
    let mut response = error(StatusCode::UNAUTHORIZED, "invalid_client", description);
    let challenge = HeaderValue::from_static("Basic realm=\"Latchkey\", charset=\"UTF-8\"");
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}

/// What the form of a token request says.
#[derive(Default)]
struct Form {
    grant_type: Option<String>,
    scope: Option<String>,
    client_id: Option<String>,
    client_secret: Option<Secret>,
}

impl Form {
    /// Reads a form; a parameter that comes twice is an error (RFC 6749 section 3.2), one that is empty has not come.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(bytes).filter(|(_, value)| !value.is_empty()) {
            let is_again = match &*name {
                "grant_type" => form.grant_type.replace(value.into_owned()).is_some(),
                "scope" => form.scope.replace(value.into_owned()).is_some(),
                "client_id" => form.client_id.replace(value.into_owned()).is_some(),
                "client_secret" => form.client_secret.replace(Secret::new(value)).is_some(),
                _ => false,
            };
            if is_again {
                return None;
            }
        }
        Some(form)
    }
}

/// The client's id and secret, from the header or from the form but not from both (RFC 6749 section 2.3.1).
fn client(headers: &HeaderMap, form: &mut Form) -> Result<(String, Secret), Response> {
    let Some(header) = headers.get(AUTHORIZATION) else {
        return form.client_id.take().zip(form.client_secret.take()).ok_or_else(invalid_client);
    };
    if form.client_secret.is_some() {
        return Err(invalid_request("Send the client's credentials in the header or in the form, not in both."));
    }
    let basic = header.to_str().ok().and_then(Basic::parse).ok_or_else(invalid_client)?;
    // Both are form-encoded before they become Basic. Ours have nothing to encode, so that clients which skip it work.
    if form.client_id.take().is_some_and(|id| id != basic.username) {
        return Err(invalid_client());
    }
    Ok((basic.username, Secret::new(basic.password)))
}

/// The scopes of the access token: those asked for, or all that the API token has.
fn scopes(asked: Option<&str>, has: Scopes) -> Result<Scopes, Response> {
    let Some(asked) = asked else { return Ok(has) };
    let scopes: Option<Scopes> = asked.split(' ').filter(|name| !name.is_empty()).map(Scope::parse).collect();
    match scopes {
        Some(scopes) if !scopes.is_empty() && scopes.difference(has).is_empty() => Ok(scopes),
        _ => {
            let description = format!("The API token allows these and no others: {has}.");
            Err(error(StatusCode::BAD_REQUEST, "invalid_scope", &description))
        }
    }
}

/// `POST /oauth2/token` `grant_type=client_credentials[&scope=...]`: an access token for an hour at most.
pub async fn token(work: Work, headers: HeaderMap, body: Body) -> Response {
    issue(&work, &headers, body).await.unwrap_or_else(|refused| refused)
}

async fn issue(work: &Work, headers: &HeaderMap, body: Body) -> Result<Response, Response> {
    let bytes = body::to_bytes(body, MAX_FORM).await;
    let bytes = bytes.map_err(|_| invalid_request("The form is larger than 16 KiB."))?;
    let form = Form::parse(&bytes);
    let mut form = form.ok_or_else(|| invalid_request("A parameter of the form comes twice."))?;
    let (id, secret) = client(headers, &mut form)?;
    let ctx = &work.ctx;
    let found = authenticate::api_token(ctx, &secret).await;
    let found = found.map_err(|failure| no_store(answer::database(Dialect::Problem, &failure)))?;
    let (digest, token) = found.filter(|(_, token)| token.id == id).ok_or_else(invalid_client)?;
    match form.grant_type.as_deref() {
        Some("client_credentials") => {}
        Some(_) => {
            let description = "The one grant type is client_credentials.";
            return Err(error(StatusCode::BAD_REQUEST, "unsupported_grant_type", description));
        }
        None => return Err(invalid_request("The form lacks grant_type=client_credentials.")),
    }
    let scopes = scopes(form.scope.as_deref(), token.scopes)?;
    let now = ctx.now_seconds();
    let left = (u64::try_from(token.expires_at).unwrap_or_default() / 1000).saturating_sub(now);
    let lifetime = left.min(LIFETIME);
    let grant = Grant { parent: digest, scopes, expires_at: now + lifetime };
    let text = grant.sign(&ctx.deployment.keys);
    let text =
        text.ok_or_else(|| answer::error(Dialect::Problem, StatusCode::INTERNAL_SERVER_ERROR, "No key signs."))?;
    let body = json!({
        "access_token": text.expose(), "token_type": "Bearer", "expires_in": lifetime, "scope": scopes.to_string(),
    });
    Ok(no_store(answer::with_body(StatusCode::OK, "application/json", body.to_string())))
}
