//! `/api/schemas` and `/api/resource-types`: a tenant's schemas and resource types.

use ::http::StatusCode;
use serde_json::{Value as Json, json};

use crate::http::error::ApiError;
use crate::http::request::Input;
use crate::http::response::{self, Response, empty, set};
use crate::model::context::Context;
use crate::model::registration::{Kind, MAX_DOCUMENT};
use crate::provision::registrations::{self as provision, Request};
use crate::store::registrations;
use scim::discovery;
use scim::schema::Registry;

/// What a resource type's document may have at most, its schema within it included.
const MAX_TYPE: usize = 2 * MAX_DOCUMENT;

fn register(ctx: &Context, request: Request, folder: &str) -> Result<Response, ApiError> {
    let left = provision::register(ctx, &request)?;
    let location = format!("{}/api/{folder}/{}", ctx.base(), request.name);
    let mut shown = request.shown;
    if let Some(progress) = provision::progress(&left, &request.name) {
        shown["reindex"] = progress;
    }
    let mut response = response::json(StatusCode::CREATED, &shown);
    set(response.headers_mut(), "location", &location);
    Ok(response)
}

/// `POST /api/schemas`: a schema, as [`Request::of_schema`] reads it.
pub fn register_schema(input: Input) -> Result<Response, ApiError> {
    let Input { state, body, .. } = input;
    let (document, sent) = body.sized_object(MAX_DOCUMENT)?;
    register(&state.ctx, Request::of_schema(document, sent), "schemas")
}

/// `POST /api/resource-types`: a resource type, as [`Request::of_resource_type`] reads it.
pub fn register_resource_type(input: Input) -> Result<Response, ApiError> {
    let Input { state, body, .. } = input;
    let (document, sent) = body.sized_object(MAX_TYPE)?;
    register(&state.ctx, Request::of_resource_type(document, sent)?, "resource-types")
}

/// Returns the resources of a discovery document, without the frame of a SCIM list.
fn resources(mut document: Json) -> Json {
    json!({ "Resources": document["Resources"].take() })
}

fn list(ctx: &Context, show: impl Fn(&Registry, &str) -> Json) -> Result<Response, ApiError> {
    let registry = registrations::load_registry(ctx)?;
    let document = show(&registry, &format!("{}/scim2", ctx.base()));
    answer(document)
}

fn answer(document: Json) -> Result<Response, ApiError> {
    if document.is_null() {
        return Err(ApiError::not_found());
    }
    Ok(response::json(StatusCode::OK, &document))
}

/// Schemas as [`list`] shows them, each with what is left to be indexed of it. Whoever asks for that carries it on.
fn list_with_progress(ctx: &Context, show: impl Fn(&Registry, &str) -> Json) -> Result<Response, ApiError> {
    let registry = registrations::load_registry(ctx)?;
    let mut document = show(&registry, &format!("{}/scim2", ctx.base()));
    if registry.resource_types().iter().any(|resource_type| !resource_type.reindexing.is_empty()) {
        let left = provision::look(ctx)?;
        let add = |schema: &mut Json| {
            if let Some(progress) = schema["id"].as_str().and_then(|urn| provision::progress(&left, urn)) {
                schema["reindex"] = progress;
            }
        };
        if document.get("Resources").is_some() {
            document["Resources"].as_array_mut().into_iter().flatten().for_each(add);
        } else if document.is_object() {
            add(&mut document);
        }
    }
    answer(document)
}

/// `GET /api/schemas`: the tenant's and the built-in ones.
pub fn list_schemas(input: Input) -> Result<Response, ApiError> {
    list_with_progress(&input.state.ctx, |registry, base| resources(discovery::schemas(registry, base)))
}

/// `GET /api/schemas/{urn}`
pub fn read_schema(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, .. } = input;
    let urn = params.decoded("urn");
    list_with_progress(&state.ctx, |registry, base| discovery::schema(registry, &urn, base).unwrap_or_default())
}

/// `GET /api/resource-types`: the tenant's and the built-in ones.
pub fn list_resource_types(input: Input) -> Result<Response, ApiError> {
    list(&input.state.ctx, |registry, base| resources(discovery::resource_types(registry, base)))
}

/// `GET /api/resource-types/{name}`
pub fn read_resource_type(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, .. } = input;
    let name = params.decoded("name");
    list(&state.ctx, |registry, base| discovery::resource_type(registry, &name, base).unwrap_or_default())
}

fn remove(ctx: &Context, kind: Kind, name: &str) -> Result<Response, ApiError> {
    if provision::remove(ctx, kind, name)? {
        Ok(empty(StatusCode::NO_CONTENT))
    } else {
        Err(ApiError::missing("The tenant has registered nothing of this name."))
    }
}

/// `DELETE /api/schemas/{urn}`: of the tenant's own only.
pub fn remove_schema(input: Input) -> Result<Response, ApiError> {
    remove(&input.state.ctx, Kind::Schema, &input.params.decoded("urn"))
}

/// `DELETE /api/resource-types/{name}`: of the tenant's own only.
pub fn remove_resource_type(input: Input) -> Result<Response, ApiError> {
    remove(&input.state.ctx, Kind::ResourceType, &input.params.decoded("name"))
}
