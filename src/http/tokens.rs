//! `/api/tokens`: the tenant's API tokens (DESIGN 2.5). Errors are `application/problem+json`.

use ::http::{StatusCode, Uri};
use axum::body::Body;
use axum::response::Response;
use serde_json::{Value as Json, json};

use crate::access::api_tokens;
use crate::base::scope::{Scope, Scopes};
use crate::base::text::rfc3339;
use crate::http::answer::{self, Dialect};
use crate::http::api::{flat, name, object, problem};
use crate::http::{Work, empty, set};
use crate::model::api_token::ApiToken;
use crate::model::context::Context;
use crate::ports::{DatabaseError, Millis};
use crate::store;
use crate::store::api_tokens::MOST;

/// The longest name, in characters.
const LONGEST_NAME: usize = 64;
/// The longest life, in days.
const MOST_DAYS: f64 = 3_650.0;
/// Milliseconds.
const DAY: f64 = 86_400_000.0;

fn failed(failure: &DatabaseError) -> Response {
    answer::database(Dialect::Problem, failure)
}

fn invalid(detail: &str) -> Response {
    problem(StatusCode::BAD_REQUEST, detail)
}

/// `POST /api/tokens` `{"name","scopes":[...],"expiresInDays"}`: 201 with the token's text, which is shown this once.
pub async fn create(work: Work, body: Body) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let json = object(body).await?;
            let name = json["name"].as_str().map(str::trim).unwrap_or_default();
            if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
                return Err(invalid("name must be 1 to 64 characters that say what the token is for."));
            }
            let scopes = granted(ctx, &json["scopes"])?;
            let lifetime = lifetime(&json["expiresInDays"])?;
            let created = api_tokens::create(ctx, name.to_owned(), scopes, lifetime).await.map_err(|f| failed(&f))?;
            let Some(created) = created else {
                let detail = format!("The tenant has {} tokens already: revoke those that are not used.", MOST);
                return Err(problem(StatusCode::CONFLICT, &detail));
            };
            let mut shown = shown(&created.token, created.created);
            shown["token"] = json!(created.text.expose());
            let mut response = answer::with_body(StatusCode::CREATED, "application/json", shown.to_string());
            set(response.headers_mut(), "cache-control", "no-store");
            set(response.headers_mut(), "location", &format!("{}/api/tokens/{}", ctx.base(), created.token.id));
            Ok(response)
        }
        .await,
    )
}

/// The scopes asked for, provided that the caller has them all himself and that the tenant can have them.
fn granted(ctx: &Context, json: &Json) -> Result<Scopes, Response> {
    let known = Scopes::all().to_string().replace(' ', ", ");
    let asked: Option<Scopes> = json
        .as_array()
        .and_then(|names| names.iter().map(|name| name.as_str().and_then(Scope::parse)).collect::<Option<Scopes>>());
    let Some(asked) = asked.filter(|scopes| !scopes.is_empty()) else {
        return Err(invalid(&format!("scopes must list one or more of {known}.")));
    };
    if asked.has(Scope::Tenants) && !ctx.tenant.is_super() {
        return Err(problem(StatusCode::FORBIDDEN, "The scope tenants is the super tenant's alone."));
    }
    let missing = asked.without(ctx.scopes);
    if !missing.is_empty() {
        let names = missing.to_string().replace(' ', ", ");
        let detail = format!("These credentials cannot grant what they do not have: {names}.");
        return Err(problem(StatusCode::FORBIDDEN, &detail));
    }
    Ok(asked)
}

/// `expiresInDays` in milliseconds.
fn lifetime(json: &Json) -> Result<Millis, Response> {
    match json.as_f64() {
        // At most 3,650 days, which an i64 holds many times over.
        #[expect(clippy::cast_possible_truncation, reason = "in range by the guard")]
        Some(days) if days > 0.0 && days <= MOST_DAYS => Ok((days * DAY).ceil() as Millis),
        _ => Err(invalid("expiresInDays must be a number above 0 and at most 3650.")),
    }
}

fn shown(token: &ApiToken, created: Millis) -> Json {
    json!({
        "id": token.id, "name": token.name, "scopes": token.scopes.names().collect::<Vec<_>>(),
        "created": rfc3339(created), "expiresAt": rfc3339(token.expires_at),
    })
}

/// `GET /api/tokens`: all of the tenant's, without their texts; `lastUsed` is ten minutes behind at most.
pub async fn list(work: Work) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let listed = store::api_tokens::list(ctx).await.map_err(|failure| failed(&failure))?;
            let resources: Vec<Json> = listed
                .iter()
                .map(|listed| {
                    let mut shown = shown(&listed.token, listed.created);
                    shown["createdBy"] = json!(listed.created_by);
                    shown["lastUsed"] = json!(listed.last_used.map(rfc3339));
                    shown
                })
                .collect();
            let body = json!({ "Resources": resources });
            let mut response = answer::with_body(StatusCode::OK, "application/json", body.to_string());
            set(response.headers_mut(), "cache-control", "no-store");
            Ok(response)
        }
        .await,
    )
}

/// `DELETE /api/tokens/{id}`: revokes a token. It is dead at once here, everywhere within a minute.
pub async fn revoke(work: Work, uri: Uri) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            match api_tokens::revoke(ctx, &name(&uri)).await {
                Ok(true) => Ok(empty(StatusCode::NO_CONTENT)),
                Ok(false) => Err(problem(StatusCode::NOT_FOUND, "The tenant has no token with this id.")),
                Err(failure) => Err(failed(&failure)),
            }
        }
        .await,
    )
}
