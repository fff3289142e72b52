//! `/api/server/v1/identity-governance`: the tenant's settings under WSO2's names.

use ::http::{StatusCode, Uri};
use axum::body::Body;
use axum::response::Response;
use percent_encoding::percent_decode_str;

use crate::http::api::flat;
use crate::http::wso2::{error_of, json, json_body};
use crate::http::{Work, answer, empty};
use crate::model::context::Context;
use crate::model::settings::Values;
use crate::store::tenant_settings::{self, Change, ChangeError};
use crate::wso2::governance;

/// A segment of the path behind `identity-governance`, decoded: 0 is the category, 2 the connector.
fn segment(uri: &Uri, number: usize) -> String {
    let path = uri.path().split_once("/identity-governance/").map_or("", |(_, path)| path);
    percent_decode_str(path.split('/').nth(number).unwrap_or_default()).decode_utf8_lossy().into_owned()
}

fn query(uri: &Uri) -> impl Iterator<Item = (String, String)> + '_ {
    form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned()
}

/// What holds for the tenant, from the database.
async fn settings(work: &Work, ctx: &Context) -> Result<Values, Response> {
    let own = tenant_settings::own(ctx).await.map_err(|failure| answer::database(work.dialect, &failure))?;
    Ok(ctx.deployment.settings_of(&ctx.tenant, &own).values)
}

/// Carries changes out, all or none: 200 without a body, as WSO2 answers.
async fn change(work: &Work, ctx: &Context, changes: &[Change]) -> Result<Response, Response> {
    // What says what is so anyway is no change.
    if !changes.is_empty() {
        tenant_settings::change(ctx, changes).await.map_err(|failure| match failure {
            ChangeError::Invalid(_) => error_of(&governance::not_updated(failure.to_string())),
            ChangeError::Database(failure) => answer::database(work.dialect, &failure),
        })?;
    }
    Ok(empty(StatusCode::OK))
}

/// `GET` of the whole.
pub async fn categories(work: Work, uri: Uri) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            if let Some(error) = query(&uri).find_map(|(name, _)| governance::reserved(&name)) {
                return Err(error_of(&error));
            }
            Ok(json(&governance::categories(&ctx.tenant)))
        }
        .await,
    )
}

/// `GET /{category}`
pub async fn category(work: Work, uri: Uri) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let settings = settings(&work, ctx).await?;
            governance::category(&segment(&uri, 0), &settings)
                .map(|found| json(&found))
                .map_err(|error| error_of(&error))
        }
        .await,
    )
}

/// `GET /{category}/connectors`
pub async fn connectors(work: Work, uri: Uri) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let settings = settings(&work, ctx).await?;
            governance::connectors(&segment(&uri, 0), &settings)
                .map(|found| json(&found))
                .map_err(|error| error_of(&error))
        }
        .await,
    )
}

/// `GET /{category}/connectors/{id}`
pub async fn connector(work: Work, uri: Uri) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let settings = settings(&work, ctx).await?;
            let found = governance::connector(&segment(&uri, 0), &segment(&uri, 2), &settings);
            found.map(|found| json(&found)).map_err(|error| error_of(&error))
        }
        .await,
    )
}

/// `PATCH /{category}/connectors/{id}`
pub async fn update(work: Work, uri: Uri, body: Body) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let body = json_body(body).await?;
            let changes =
                governance::update(&segment(&uri, 0), &segment(&uri, 2), &body).map_err(|error| error_of(&error))?;
            change(&work, ctx, &changes).await
        }
        .await,
    )
}

/// `PATCH /{category}/connectors`
pub async fn update_several(work: Work, uri: Uri, body: Body) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let body = json_body(body).await?;
            let changes = governance::update_several(&segment(&uri, 0), &body).map_err(|error| error_of(&error))?;
            change(&work, ctx, &changes).await
        }
        .await,
    )
}

/// `POST /{category}/connectors/revert?connectorId=`
pub async fn revert(work: Work, uri: Uri, body: Body) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let body = json_body(body).await?;
            let id = query(&uri).find(|(name, _)| name == "connectorId").map(|(_, id)| id);
            let changes =
                governance::revert(&segment(&uri, 0), id.as_deref(), &body).map_err(|error| error_of(&error))?;
            change(&work, ctx, &changes).await
        }
        .await,
    )
}

/// `POST /preferences`: reads values, of as many connectors as are named.
pub async fn preferences(work: Work, body: Body) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let body = json_body(body).await?;
            let settings = settings(&work, ctx).await?;
            governance::preferences(&body, &settings).map(|found| json(&found)).map_err(|error| error_of(&error))
        }
        .await,
    )
}
