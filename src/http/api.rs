//! Latchkey's own API: a tenant's schemas and resource types. Errors are `application/problem+json` (RFC 9457).

use ::http::{StatusCode, Uri};
use axum::body::{self, Body};
use axum::response::Response;
use percent_encoding::percent_decode_str;
use serde_json::{Value as Json, json};

use crate::http::answer::{self, Dialect};
use crate::http::{Work, empty, set};
use crate::model::context::Context;
use crate::store::registrations::{self, Kind, RegisterError, Registration};
use scim::discovery;

/// The largest document, in bytes.
const MAX_DOCUMENT: usize = 256 * 1024;
/// The extension that WSO2 calls custom: what a schema without an id becomes.
const CUSTOM_USER_SCHEMA: &str = "urn:scim:schemas:extension:custom:User";

type Answer = Result<Response, Response>;

/// The answer, whichever way it came.
pub fn flat(answer: Answer) -> Response {
    answer.unwrap_or_else(|refused| refused)
}

/// An error of Latchkey's own API.
pub fn problem(status: StatusCode, detail: &str) -> Response {
    answer::error(Dialect::Problem, status, detail)
}

/// The context at the user store that `domain` names; at PRIMARY where it names none.
pub fn at_domain(ctx: &Context, domain: Option<&str>) -> Result<Context, Response> {
    let stores = &ctx.deployment.user_stores;
    let Some(domain) = domain else { return Ok(ctx.primary()) };
    let store = stores.named(domain).ok_or_else(|| problem(StatusCode::BAD_REQUEST, &stores.unknown(domain)))?;
    Ok(ctx.in_store(store))
}

/// Reads a body that is a JSON object.
pub async fn object(body: Body) -> Result<Json, Response> {
    let bytes = body::to_bytes(body, MAX_DOCUMENT).await;
    let bytes = bytes.map_err(|_| problem(StatusCode::PAYLOAD_TOO_LARGE, "The document is larger than 256 KiB."))?;
    match serde_json::from_slice(&bytes) {
        Ok(json @ Json::Object(_)) => Ok(json),
        Ok(_) => Err(problem(StatusCode::BAD_REQUEST, "Send a JSON object.")),
        Err(error) => Err(problem(StatusCode::BAD_REQUEST, &format!("The body is not valid JSON: {error}."))),
    }
}

fn refused(error: &RegisterError) -> Response {
    match error {
        RegisterError::Refused(error) => {
            problem(StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST), &error.detail)
        }
        RegisterError::Database(failure) => answer::database(Dialect::Problem, failure),
    }
}

/// The last segment of a path, decoded: an URN may come with its colons escaped.
pub fn name(uri: &Uri) -> String {
    percent_decode_str(uri.path().rsplit('/').next().unwrap_or_default()).decode_utf8_lossy().into_owned()
}

async fn register(ctx: &Context, new: Vec<Registration>, shown: Json, location: String) -> Answer {
    registrations::register(ctx, new).await.map_err(|error| refused(&error))?;
    let mut response = answer::with_body(StatusCode::CREATED, "application/json", shown.to_string());
    set(response.headers_mut(), "location", &location);
    Ok(response)
}

/// `POST /api/schemas`: a schema (RFC 7643 section 7). With `"resourceType": "User"` (or `Group`, or a type of the
/// tenant's own) it extends that type, `"required": true` making the extension required; without, the URN's last part
/// decides: `…:User` extends users, `…:Group` groups, anything else is there for a resource type to use. An attribute with
/// `"indexed": true` is served by an index.
pub async fn register_schema(work: Work, body: Body) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let mut document = object(body).await?;
            if document.get("id").is_none() {
                document["id"] = json!(CUSTOM_USER_SCHEMA);
            }
            if document.get("name").is_none() {
                document["name"] = document["id"].clone();
            }
            let urn = document["id"].as_str().unwrap_or_default().to_owned();
            let extends = match document.get("resourceType").and_then(Json::as_str) {
                Some(name) => Some(name.to_owned()),
                None => urn.rsplit(':').next().filter(|part| matches!(*part, "User" | "Group")).map(str::to_owned),
            };
            let required = document.get("required") == Some(&Json::Bool(true));
            if let Some(members) = document.as_object_mut() {
                members.shift_remove("resourceType");
                members.shift_remove("required");
            }
            let shown = document.clone();
            private_keys(document.get_mut("attributes"));
            let mut new = vec![Registration { kind: Kind::Schema, name: urn.clone(), document }];
            if let Some(resource_type) = extends {
                new.push(Registration {
                    kind: Kind::Extension,
                    name: format!("{resource_type} {urn}"),
                    document: json!({ "resourceType": resource_type, "schema": urn, "required": required }),
                });
            }
            let location = format!("{}/api/schemas/{urn}", ctx.base());
            register(ctx, new, shown, location).await
        }
        .await,
    )
}

/// `indexed` is what clients write for the engine's private key; private keys themselves are the shipped schemas' alone.
fn private_keys(attributes: Option<&mut Json>) {
    for members in attributes.into_iter().filter_map(Json::as_array_mut).flatten().filter_map(Json::as_object_mut) {
        private_keys(members.get_mut("subAttributes"));
        members.retain(|name, _| !name.starts_with("x-"));
        if let Some(indexed) = members.shift_remove("indexed") {
            members.insert("x-indexed".to_owned(), indexed);
        }
    }
}

/// `POST /api/resource-types`: a resource type (RFC 7643 section 6). `schema` is the URN of a registered schema, or the
/// schema itself.
pub async fn register_resource_type(work: Work, body: Body) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let mut document = object(body).await?;
            let name = document.get("name").and_then(Json::as_str).unwrap_or_default().to_owned();
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
                let detail = "A resource type's name has 1 to 64 letters, digits, '-', '_' or '.'.";
                return Err(problem(StatusCode::BAD_REQUEST, detail));
            }
            // The id is the name: it is what discovery finds it by, and so it must be as unique.
            document["id"] = json!(name);
            let mut new = Vec::new();
            if document.get("schema").is_some_and(Json::is_object) {
                let mut schema = document["schema"].take();
                private_keys(schema.get_mut("attributes"));
                let urn = schema["id"].as_str().unwrap_or_default().to_owned();
                document["schema"] = json!(urn);
                new.push(Registration { kind: Kind::Schema, name: urn, document: schema });
            }
            new.push(Registration { kind: Kind::ResourceType, name: name.clone(), document: document.clone() });
            let location = format!("{}/api/resource-types/{name}", ctx.base());
            register(ctx, new, document, location).await
        }
        .await,
    )
}

async fn list(ctx: &Context, show: impl Fn(&scim::schema::Registry, &str) -> Json) -> Answer {
    let registry = registrations::of(ctx).await.map_err(|failure| answer::database(Dialect::Problem, &failure))?;
    let document = show(&registry, &format!("{}/scim2", ctx.base()));
    if document.is_null() {
        return Err(answer::not_found(Dialect::Problem));
    }
    Ok(answer::with_body(StatusCode::OK, "application/json", document.to_string()))
}

/// `GET /api/schemas`: the tenant's and the built-in ones.
pub async fn list_schemas(work: Work) -> Response {
    flat(
        list(&work.ctx, |registry, base| json!({ "Resources": discovery::schemas(registry, base)["Resources"] })).await,
    )
}

/// `GET /api/schemas/{urn}`
pub async fn read_schema(work: Work, uri: Uri) -> Response {
    let urn = name(&uri);
    flat(list(&work.ctx, |registry, base| discovery::schema(registry, &urn, base).unwrap_or_default()).await)
}

/// `GET /api/resource-types`: the tenant's and the built-in ones.
pub async fn list_resource_types(work: Work) -> Response {
    let show = |registry: &scim::schema::Registry, base: &str| json!({ "Resources": discovery::resource_types(registry, base)["Resources"] });
    flat(list(&work.ctx, show).await)
}

/// `GET /api/resource-types/{name}`
pub async fn read_resource_type(work: Work, uri: Uri) -> Response {
    let name = name(&uri);
    flat(list(&work.ctx, |registry, base| discovery::resource_type(registry, &name, base).unwrap_or_default()).await)
}

async fn remove(ctx: &Context, kind: Kind, name: &str) -> Answer {
    match registrations::remove(ctx, kind, name).await {
        Ok(true) => Ok(empty(StatusCode::NO_CONTENT)),
        Ok(false) => Err(problem(StatusCode::NOT_FOUND, "The tenant has registered nothing of this name.")),
        Err(error) => Err(refused(&error)),
    }
}

/// `DELETE /api/schemas/{urn}`: of the tenant's own only.
pub async fn remove_schema(work: Work, uri: Uri) -> Response {
    flat(remove(&work.ctx, Kind::Schema, &name(&uri)).await)
}

/// `DELETE /api/resource-types/{name}`: of the tenant's own only.
pub async fn remove_resource_type(work: Work, uri: Uri) -> Response {
    flat(remove(&work.ctx, Kind::ResourceType, &name(&uri)).await)
}
