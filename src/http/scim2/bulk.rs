//! `POST /scim2/Bulk` (RFC 7644 section 3.7).

use ::http::{HeaderMap, StatusCode};
use axum::body::Body;
use axum::response::Response;

use crate::http::scim2::{flat, json_body, refuse, registry_of};
use crate::http::{Work, answer};
use crate::provision::bulk as provision;
use scim::bulk::{MAX_PAYLOAD_SIZE, Plan};

/// Runs the operations; 200 whatever becomes of each.
pub async fn bulk(work: Work, headers: HeaderMap, body: Body) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let registry = registry_of(ctx).await?;
            let json = json_body(&headers, body, MAX_PAYLOAD_SIZE).await?;
            let plan = Plan::parse(&registry, json).map_err(|error| refuse(&error))?;
            let results = provision::run(ctx, &work.gate, &registry, plan).await;
            Ok(answer::scim(StatusCode::OK, results.to_string()))
        }
        .await,
    )
}
