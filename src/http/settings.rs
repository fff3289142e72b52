//! `/api/settings`: what holds for the tenant, and what it overrides. Errors are `application/problem+json`.

use ::http::StatusCode;
use axum::body::Body;
use axum::response::Response;
use serde_json::{Value as Json, json};

use crate::http::Work;
use crate::http::answer::{self, Dialect};
use crate::http::api::{flat, object, problem};
use crate::model::context::Context;
use crate::store::tenant_settings::{self, Change, ChangeError};

/// `GET /api/settings`: `{"settings":{name: value},"own":[names]}`, values as text.
pub async fn read(work: Work) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            shown(ctx).await
        }
        .await,
    )
}

/// `PATCH /api/settings` `{name: value or null}`: all of it or nothing; null goes back to the deployment's value.
pub async fn modify(work: Work, body: Body) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let mut changes = Vec::new();
            for (name, value) in object(body).await?.as_object().into_iter().flatten() {
                changes.push(change(name, value)?);
            }
            tenant_settings::change(ctx, &changes).await.map_err(|error| refused(&error))?;
            shown(ctx).await
        }
        .await,
    )
}

/// A setting's new value: text, or a number or truth that stands for its text.
fn change(name: &str, value: &Json) -> Result<Change, Response> {
    let value = match value {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        Json::Bool(_) | Json::Number(_) => Some(value.to_string()),
        _ => return Err(problem(StatusCode::BAD_REQUEST, "A setting's value is text, a number, true, false or null.")),
    };
    Ok((name.to_owned(), value))
}

fn refused(error: &ChangeError) -> Response {
    match error {
        ChangeError::Invalid(_) => problem(StatusCode::BAD_REQUEST, &error.to_string()),
        ChangeError::Database(failure) => answer::database(Dialect::Problem, failure),
    }
}

async fn shown(ctx: &Context) -> Result<Response, Response> {
    let own = tenant_settings::own(ctx).await.map_err(|failure| answer::database(Dialect::Problem, &failure))?;
    let settings = ctx.deployment.settings_of(&ctx.tenant, &own);
    let own: Vec<&str> = own.into_keys().collect();
    let body = json!({ "settings": settings.values, "own": own });
    Ok(answer::with_body(StatusCode::OK, "application/json", body.to_string()))
}
