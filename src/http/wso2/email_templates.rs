//! `/api/server/v2/email/template-types` and its older form below `v1`: the tenant's mail templates.

use ::http::{StatusCode, Uri};
use axum::body::Body;
use axum::response::Response;

use crate::http::answer::{self, Dialect};
use crate::http::api::flat;
use crate::http::wso2::{error_of, json, json_body};
use crate::http::{Work, empty, set};
use crate::wso2::email_templates as wso2;
use crate::wso2::email_templates::{Failure, Place, Version};

fn refused(failure: Failure) -> Response {
    match failure {
        Failure::Refused(error) => error_of(&error),
        Failure::Database(failure) => answer::database(Dialect::Wso2, &failure),
    }
}

fn place(uri: &Uri) -> Result<(Version, Place), Response> {
    wso2::place(uri.path()).ok_or_else(|| answer::not_found(Dialect::Wso2))
}

/// GET: a list, a type or a template. And whatever is asked about an application's templates.
pub async fn read(work: Work, uri: Uri) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let (version, place) = place(&uri)?;
            let query: Vec<_> = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).collect();
            wso2::check_query(query.iter().map(|(name, value)| (&**name, &**value)))
                .map_err(|error| error_of(&error))?;
            Ok(json(&wso2::read(ctx, version, &place).await.map_err(refused)?))
        }
        .await,
    )
}

/// POST: 201 with `Location`.
pub async fn add(work: Work, uri: Uri, body: Body) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let (version, place) = place(&uri)?;
            let added = wso2::add(ctx, version, &place, &json_body(body).await?).await.map_err(refused)?;
            let mut response = json(&added.body);
            *response.status_mut() = StatusCode::CREATED;
            set(response.headers_mut(), "location", &format!("{}{}", ctx.base(), added.path));
            Ok(response)
        }
        .await,
    )
}

/// PUT: 200 without a body.
pub async fn replace(work: Work, uri: Uri, body: Body) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let (version, place) = place(&uri)?;
            wso2::replace(ctx, version, &place, &json_body(body).await?).await.map_err(refused)?;
            Ok(empty(StatusCode::OK))
        }
        .await,
    )
}

/// DELETE: 204, whether or not there was anything.
pub async fn remove(work: Work, uri: Uri) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let (_, place) = place(&uri)?;
            wso2::remove(ctx, &place).await.map_err(refused)?;
            Ok(empty(StatusCode::NO_CONTENT))
        }
        .await,
    )
}
