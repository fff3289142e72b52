//! `/api/jobs`: actions on many users, worked off in steps ([docs/jobs.md](../../../docs/jobs.md)).

use std::borrow::Cow;

use ::http::StatusCode;
use axum::response::Response;
use serde_json::{Value as Json, json};

use crate::base::text::rfc3339;
use crate::http::api::cursor;
use crate::http::error::ApiError;
use crate::http::request::{Input, Query};
use crate::http::response::{self, set};
use crate::model::job::{Job, JobAction, RowState};
use crate::ports::Value;
use crate::provision::jobs::selection::Selection;
use crate::provision::jobs::{self, JobError};
use crate::store::jobs::listing::{self, JobRow, Rows};

/// The list that cursors are of.
const LIST: &str = "jobs";
const DEFAULT_COUNT: u32 = 100;
const MAX_COUNT: u32 = 1_000;

fn to_json(job: &Job) -> Json {
    let mut document = json!({
        "id": job.id, "action": job.action.as_str(), "state": job.state.as_str(), "total": job.total, "done": job.done,
        "failed": job.failed, "skipped": job.skipped, "createdAt": rfc3339(job.created),
    });
    if let Some(group_id) = &job.group_id {
        document["groupId"] = json!(group_id);
    }
    if let Some(reason) = &job.reason {
        document["reason"] = json!(reason);
    }
    document
}

fn row_to_json(row: &JobRow) -> Json {
    json!({ "userId": row.user_id, "userName": row.user_name, "state": row.state.as_str(), "reason": row.reason })
}

/// `POST /api/jobs` `{"action","ids"|"filter","domain"?,"groupId"?}`: 202 with the job.
pub async fn create(input: Input) -> Result<Response, ApiError> {
    let Input { state, body, .. } = input;
    let ctx = &state.ctx;
    let body = body.object().await?;
    let action = body["action"].as_str().and_then(JobAction::parse).ok_or_else(|| {
        let names: Vec<_> = JobAction::ALL.iter().map(|action| action.as_str()).collect();
        ApiError::bad_request(format!("action must be one of {}.", names.join(", ")))
    })?;
    let text = |name: &str| match &body[name] {
        Json::Null => Ok(None),
        Json::String(text) => Ok(Some(text.clone())),
        _ => Err(ApiError::bad_request(format!("{name} must be a text."))),
    };
    let (domain, group_id) = (text("domain")?, text("groupId")?);
    let selection = match (&body["ids"], text("filter")?) {
        (Json::Null, Some(filter)) => Selection::Filter { filter, domain },
        (Json::Array(ids), None) if domain.is_none() => {
            let ids: Option<Vec<String>> = ids.iter().map(|id| id.as_str().map(str::to_owned)).collect();
            Selection::Ids(ids.ok_or_else(|| ApiError::bad_request("ids must be a list of texts."))?)
        }
        _ => return Err(JobError::Selection.into()),
    };
    let job = jobs::create(ctx, action, &selection, group_id.as_deref()).await?;
    let mut response = response::json(StatusCode::ACCEPTED, &to_json(&job));
    set(response.headers_mut(), "location", &format!("{}/api/jobs/{}", ctx.base(), job.id));
    Ok(response)
}

/// `GET /api/jobs?count=&cursor=`: newest first, those whose action the caller might carry out.
pub async fn list(input: Input) -> Result<Response, ApiError> {
    let Input { state, query, .. } = input;
    let ctx = &state.ctx;
    let home = &ctx.in_store(None);
    let below = match cursor::position(home, LIST, query.filled("cursor").as_deref())? {
        Some(Value::Text(id)) => Some(id),
        _ => None,
    };
    let (found, next) = listing::page(ctx, &jobs::visible_actions(ctx), below.as_deref(), count(&query)?).await?;
    let next = next.and_then(|id| cursor::to(home, LIST, id.into()));
    Ok(page(found.iter().map(to_json).collect(), next))
}

/// `GET /api/jobs/{id}`.
pub async fn read(input: Input) -> Result<Response, ApiError> {
    let job = jobs::read(&input.state.ctx, input.params.raw("id")).await?;
    Ok(response::json(StatusCode::OK, &to_json(&job)))
}

/// `GET /api/jobs/{id}/rows?state=&count=&cursor=`: what became of each user, in the order in which they are worked off.
pub async fn rows(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, query, .. } = input;
    let ctx = &state.ctx;
    let which = match query.filled("state") {
        None => Rows::All,
        Some(name) => Rows::In(RowState::parse(&name).ok_or_else(|| {
            let names: Vec<_> = RowState::ALL.iter().map(|state| state.as_str()).collect();
            ApiError::bad_request(format!("The parameter state must be one of {}.", names.join(", ")))
        })?),
    };
    let count = count(&query)?;
    let job = jobs::read(ctx, params.raw("id")).await?;
    let (home, list) = (&ctx.in_store(None), format!("rows of {}", job.id));
    let after = match cursor::position(home, &list, query.filled("cursor").as_deref())? {
        Some(Value::Integer(number)) => number,
        _ => 0,
    };
    let (found, next) = listing::rows(ctx, &job.id, which, after, count).await?;
    let next = next.and_then(|number| cursor::to(home, &list, number.into()));
    Ok(page(found.iter().map(row_to_json).collect(), next))
}

/// `POST /api/jobs/{id}/stop`: 200 with the job.
pub async fn stop(input: Input) -> Result<Response, ApiError> {
    let job = jobs::stop(&input.state.ctx, input.params.raw("id")).await?;
    Ok(response::json(StatusCode::OK, &to_json(&job)))
}

/// `POST /api/jobs/{id}/resume`: 200 with the job.
pub async fn resume(input: Input) -> Result<Response, ApiError> {
    let job = jobs::resume(&input.state.ctx, input.params.raw("id")).await?;
    Ok(response::json(StatusCode::OK, &to_json(&job)))
}

fn count(query: &Query) -> Result<u32, ApiError> {
    match query.filled("count").map(|count: Cow<'_, str>| count.parse::<u32>()) {
        None => Ok(DEFAULT_COUNT),
        Some(Ok(count)) if count > 0 => Ok(count.min(MAX_COUNT)),
        Some(_) => Err(ApiError::bad_request("The parameter count must be a whole number from 1 to 1000.")),
    }
}

fn page(resources: Vec<Json>, next: Option<String>) -> Response {
    let mut body = json!({ "Resources": resources });
    if let Some(next) = next {
        body["nextCursor"] = json!(next);
    }
    response::json(StatusCode::OK, &body)
}
