//! Discovery (RFC 7644 section 4): readable by anybody, without filters. Without credentials every tenant name answers
//! alike, with the built-in documents; with an administrator's the tenant's own are there too.

use std::sync::Arc;

use ::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use serde_json::Value as Json;

use crate::base::scope::Scope;
use crate::http::scim2::{flat, last_segment, parameter, refuse, registry_of};
use crate::http::{Work, answer, caller};
use scim::discovery::{self, ServiceProviderConfig};
use scim::error::Error as ScimError;
use scim::schema::Registry;

/// 403 for a filter on discovery, which the RFC forbids.
fn without_filter(uri: &Uri) -> Result<(), Response> {
    match parameter(uri, "filter") {
        Some(_) => Err(refuse(&ScimError::forbidden("Discovery cannot be filtered (RFC 7644 section 4)."))),
        None => Ok(()),
    }
}

async fn registry(work: &Work, headers: &HeaderMap) -> Result<Arc<Registry>, Response> {
    match caller::allowed(work, headers, &[Scope::ScimRead]).await {
        Ok(ctx) => registry_of(&ctx).await,
        Err(_) => Ok(crate::model::schemas::builtin()),
    }
}

fn base(work: &Work) -> String {
    format!("{}/scim2", work.ctx.base())
}

fn found(document: Option<Json>) -> Result<Response, Response> {
    match document {
        Some(document) => Ok(answer::scim(StatusCode::OK, document.to_string())),
        None => Err(refuse(&ScimError::not_found("There is no such schema or resource type."))),
    }
}

/// `GET /scim2/ServiceProviderConfig` (RFC 7643 section 5).
pub async fn service_provider_config(work: Work, uri: Uri) -> Response {
    flat(without_filter(&uri).and_then(|()| found(Some(ServiceProviderConfig::default().to_json(&base(&work))))))
}

/// `GET /scim2/ResourceTypes`.
pub async fn resource_types(work: Work, uri: Uri, headers: HeaderMap) -> Response {
    flat(
        async {
            without_filter(&uri)?;
            found(Some(discovery::resource_types(&*registry(&work, &headers).await?, &base(&work))))
        }
        .await,
    )
}

/// `GET /scim2/ResourceTypes/{id}`.
pub async fn resource_type(work: Work, uri: Uri, headers: HeaderMap) -> Response {
    flat(
        async {
            without_filter(&uri)?;
            found(discovery::resource_type(&*registry(&work, &headers).await?, last_segment(&uri), &base(&work)))
        }
        .await,
    )
}

/// `GET /scim2/Schemas`.
pub async fn schemas(work: Work, uri: Uri, headers: HeaderMap) -> Response {
    flat(
        async {
            without_filter(&uri)?;
            found(Some(discovery::schemas(&*registry(&work, &headers).await?, &base(&work))))
        }
        .await,
    )
}

/// `GET /scim2/Schemas/{urn}`.
pub async fn schema(work: Work, uri: Uri, headers: HeaderMap) -> Response {
    flat(
        async {
            without_filter(&uri)?;
            let urn = percent_encoding::percent_decode_str(last_segment(&uri)).decode_utf8_lossy().into_owned();
            found(discovery::schema(&*registry(&work, &headers).await?, &urn, &base(&work)))
        }
        .await,
    )
}
