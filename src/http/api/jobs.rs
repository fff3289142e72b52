//! `/api/jobs`: actions on many users, worked off in steps ([docs/jobs.md](../../../docs/jobs.md)).

use std::borrow::Cow;

use ::http::StatusCode;
use serde_json::{Value as Json, json};

use crate::base::text::rfc3339;
use crate::http::api::cursor;
use crate::http::body::MEGABYTE;
use crate::http::error::ApiError;
use crate::http::request::{Input, Query, RequestState};
use crate::http::response::{self, Response, set};
use crate::model::context::Context;
use crate::model::job::{Job, JobAction, RowState};
use crate::ports::Value;
use crate::provision::import::csv::Sheet;
use crate::provision::import::{Existing, Unreadable};
use crate::provision::jobs::files;
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
    let user_id = Some(&row.user_id).filter(|id| !id.is_empty());
    let mut document =
        json!({ "userId": user_id, "userName": row.user_name, "state": row.state.as_str(), "reason": row.reason });
    if let Some(line) = row.line {
        document["line"] = json!(line);
        document["status"] = json!(row.became.as_deref().unwrap_or(row.state.as_str()));
    }
    document
}

/// `POST /api/jobs` `{"action","ids"|"filter","domain"?,"groupId"?}`: 202 with the job.
pub fn create(input: Input) -> Result<Response, ApiError> {
    let Input { state, body, .. } = input;
    let ctx = &state.ctx;
    let body = body.json(MEGABYTE)?;
    if !body.is_object() {
        return Err(ApiError::bad_request("Send a JSON object."));
    }
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
    let others = ["csv", "existing", "passwords"].map(|name| !body[name].is_null());
    if action == JobAction::Import {
        let selects = [&body["ids"], &body["filter"], &body["domain"], &body["groupId"]];
        let Some(file) = text("csv")?.filter(|_| selects.iter().all(|value| value.is_null())) else {
            return Err(JobError::File.into());
        };
        return Ok(accepted(ctx, &import(&state, &file, &body)?));
    }
    if others.contains(&true) {
        return Err(JobError::File.into());
    }
    let selection = match (&body["ids"], text("filter")?) {
        (Json::Null, Some(filter)) => Selection::Filter { filter, domain },
        (Json::Array(ids), None) if domain.is_none() => {
            let ids: Option<Vec<String>> = ids.iter().map(|id| id.as_str().map(str::to_owned)).collect();
            Selection::Ids(ids.ok_or_else(|| ApiError::bad_request("ids must be a list of texts."))?)
        }
        _ => return Err(JobError::Selection.into()),
    };
    let job = jobs::create(ctx, action, &selection, group_id.as_deref())?;
    Ok(accepted(ctx, &job))
}

fn accepted(ctx: &Context, job: &Job) -> Response {
    let mut response = response::json(StatusCode::ACCEPTED, &to_json(job));
    set(response.headers_mut(), "location", &format!("{}/api/jobs/{}", ctx.base(), job.id));
    response
}

/// Confirms the import of a file; passwords in it count unless the body says otherwise.
fn import(state: &RequestState, file: &str, body: &Json) -> Result<Job, ApiError> {
    let existing = match &body["existing"] {
        Json::Null => None,
        value => Some(
            value
                .as_str()
                .and_then(Existing::parse)
                .ok_or_else(|| ApiError::bad_request("existing must be skip, update or invite."))?,
        ),
    };
    let passwords = match &body["passwords"] {
        Json::Null => true,
        Json::Bool(count) => *count,
        _ => return Err(ApiError::bad_request("passwords must be true or false.")),
    };
    let sheet = Sheet::open(file.as_bytes()).map_err(|why| match why {
        Unreadable::TooManyRows => ApiError::too_large(why.to_string()),
        Unreadable::Malformed(_) => ApiError::bad_request(why.to_string()),
    })?;
    Ok(files::create_import(&state.ctx, &state.gate, &sheet, existing, passwords)?)
}

/// `GET /api/jobs/{id}/file?state=failed`: what was exported, or what became of each row of a file that was imported.
pub fn file(input: Input) -> Result<Response, ApiError> {
    let only_failed = match input.query.filled("state").as_deref() {
        None => false,
        Some("failed") => true,
        Some(_) => return Err(ApiError::bad_request("The parameter state may be failed, and nothing else.")),
    };
    let text = files::download(&input.state.ctx, input.params.raw("id"), only_failed)?;
    Ok(attached(if only_failed { "failed-rows.csv" } else { "result.csv" }, text))
}

/// Returns a CSV file to be kept.
pub fn attached(name: &str, text: String) -> Response {
    // With its mark, spreadsheets take it for the UTF-8 it is.
    let mut response =
        response::with_body(StatusCode::OK, "text/csv; charset=utf-8; header=present", format!("\u{feff}{text}"));
    set(response.headers_mut(), "content-disposition", &format!("attachment; filename=\"{name}\""));
    response
}

/// `GET /api/jobs?count=&cursor=`: newest first, those whose action the caller might carry out.
pub fn list(input: Input) -> Result<Response, ApiError> {
    let Input { state, query, .. } = input;
    let ctx = &state.ctx;
    let home = &ctx.in_store(None);
    let below = match cursor::position(home, LIST, query.filled("cursor").as_deref())? {
        Some(Value::Text(id)) => Some(id),
        _ => None,
    };
    let (found, next) = listing::page(ctx, &jobs::visible_actions(ctx), below.as_deref(), count(&query)?)?;
    let next = next.and_then(|id| cursor::to(home, LIST, id.into()));
    Ok(page(found.iter().map(to_json).collect(), next))
}

/// `GET /api/jobs/{id}`.
pub fn read(input: Input) -> Result<Response, ApiError> {
    let job = jobs::read(&input.state.ctx, input.params.raw("id"))?;
    Ok(response::json(StatusCode::OK, &to_json(&job)))
}

/// `GET /api/jobs/{id}/rows?state=&count=&cursor=`: what became of each user, in the order in which they are worked off.
pub fn rows(input: Input) -> Result<Response, ApiError> {
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
    let job = jobs::read(ctx, params.raw("id"))?;
    let (home, list) = (&ctx.in_store(None), format!("rows of {}", job.id));
    let after = match cursor::position(home, &list, query.filled("cursor").as_deref())? {
        Some(Value::Integer(number)) => number,
        _ => 0,
    };
    let (found, next) = listing::rows(ctx, &job.id, which, after, count)?;
    let next = next.and_then(|number| cursor::to(home, &list, number.into()));
    Ok(page(found.iter().map(row_to_json).collect(), next))
}

/// `POST /api/jobs/{id}/stop`: 200 with the job.
pub fn stop(input: Input) -> Result<Response, ApiError> {
    let job = jobs::stop(&input.state.ctx, input.params.raw("id"))?;
    Ok(response::json(StatusCode::OK, &to_json(&job)))
}

/// `POST /api/jobs/{id}/resume`: 200 with the job.
pub fn resume(input: Input) -> Result<Response, ApiError> {
    let job = jobs::resume(&input.state.ctx, input.params.raw("id"))?;
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
