//! `/api/schemas` and `/api/resource-types`: a tenant's schemas and resource types.

use ::http::StatusCode;
use axum::response::Response;
use serde_json::{Value as Json, json};

use crate::http::error::ApiError;
use crate::http::request::Input;
use crate::http::response::{self, empty, set};
use crate::model::context::Context;
use crate::store::registrations::{self, Kind, Registration};
use scim::discovery;
use scim::schema::Registry;

/// The extension that WSO2 calls custom: what a schema without an id becomes.
const CUSTOM_USER_SCHEMA: &str = "urn:scim:schemas:extension:custom:User";

async fn register(ctx: &Context, new: Vec<Registration>, shown: Json, location: String) -> Result<Response, ApiError> {
    registrations::register(ctx, new).await?;
    let mut response = response::json(StatusCode::CREATED, &shown);
    set(response.headers_mut(), "location", &location);
    Ok(response)
}

/// `POST /api/schemas`: a schema (RFC 7643 section 7). With `"resourceType": "User"` (or `Group`, or a type of the
/// tenant's own) it extends that type, `"required": true` making the extension required; without, the URN's last part
/// decides: `…:User` extends users, `…:Group` groups, anything else is there for a resource type to use. An attribute with
/// `"indexed": true` is served by an index.
pub async fn register_schema(input: Input) -> Result<Response, ApiError> {
    let Input { state, body, .. } = input;
    let ctx = &state.ctx;
    let mut document = body.object().await?;
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
pub async fn register_resource_type(input: Input) -> Result<Response, ApiError> {
    let Input { state, body, .. } = input;
    let ctx = &state.ctx;
    let mut document = body.object().await?;
    let name = document.get("name").and_then(Json::as_str).unwrap_or_default().to_owned();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        let detail = "A resource type's name has 1 to 64 letters, digits, '-', '_' or '.'.";
        return Err(ApiError::bad_request(detail));
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

/// Returns the resources of a discovery document, without the frame of a SCIM list.
fn resources(mut document: Json) -> Json {
    json!({ "Resources": document["Resources"].take() })
}

async fn list(ctx: &Context, show: impl Fn(&Registry, &str) -> Json) -> Result<Response, ApiError> {
    let registry = registrations::load_registry(ctx).await?;
    let document = show(&registry, &format!("{}/scim2", ctx.base()));
    if document.is_null() {
        return Err(ApiError::not_found());
    }
    Ok(response::json(StatusCode::OK, &document))
}

/// `GET /api/schemas`: the tenant's and the built-in ones.
pub async fn list_schemas(input: Input) -> Result<Response, ApiError> {
    list(&input.state.ctx, |registry, base| resources(discovery::schemas(registry, base))).await
}

/// `GET /api/schemas/{urn}`
pub async fn read_schema(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, .. } = input;
    let urn = params.decoded("urn");
    list(&state.ctx, |registry, base| discovery::schema(registry, &urn, base).unwrap_or_default()).await
}

/// `GET /api/resource-types`: the tenant's and the built-in ones.
pub async fn list_resource_types(input: Input) -> Result<Response, ApiError> {
    list(&input.state.ctx, |registry, base| resources(discovery::resource_types(registry, base))).await
}

/// `GET /api/resource-types/{name}`
pub async fn read_resource_type(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, .. } = input;
    let name = params.decoded("name");
    list(&state.ctx, |registry, base| discovery::resource_type(registry, &name, base).unwrap_or_default()).await
}

async fn remove(ctx: &Context, kind: Kind, name: &str) -> Result<Response, ApiError> {
    if registrations::remove(ctx, kind, name).await? {
        Ok(empty(StatusCode::NO_CONTENT))
    } else {
        Err(ApiError::missing("The tenant has registered nothing of this name."))
    }
}

/// `DELETE /api/schemas/{urn}`: of the tenant's own only.
pub async fn remove_schema(input: Input) -> Result<Response, ApiError> {
    remove(&input.state.ctx, Kind::Schema, &input.params.decoded("urn")).await
}

/// `DELETE /api/resource-types/{name}`: of the tenant's own only.
pub async fn remove_resource_type(input: Input) -> Result<Response, ApiError> {
    remove(&input.state.ctx, Kind::ResourceType, &input.params.decoded("name")).await
}
