//! `/api/mail`: the outbox, and trying again what has ended unsent.

use ::http::StatusCode;
use serde_json::json;

use crate::http::api::{cursor, in_store_named};
use crate::http::error::ApiError;
use crate::http::request::{Input, RequestState};
use crate::http::response;
use crate::http::response::Response;
use crate::mail::requeue::{self, Retried};
use crate::model::mail::MailState;
use crate::ports::Value;
use crate::store::outbox::listing::{self, ListedMail};

/// The list that its cursors continue.
pub const LIST: &str = "mail";

/// Returns the states' names, as a sentence lists them.
fn names(states: &[MailState]) -> String {
    states.iter().map(|state| state.as_str()).collect::<Vec<_>>().join(", ")
}

/// `GET /api/mail?state=&count=&cursor=&domain=`: newest first, of one user store.
pub fn list(input: Input) -> Result<Response, ApiError> {
    let Input { state: RequestState { ctx, .. }, query, .. } = input;
    let store = in_store_named(&ctx, query.filled("domain").as_deref())?;
    let state = match query.filled("state").as_deref().map(MailState::parse) {
        None => None,
        Some(Some(state)) => Some(state),
        Some(None) => {
            let detail = format!("The parameter state must be one of {}.", names(MailState::ALL));
            return Err(ApiError::bad_request(detail));
        }
    };
    let count = match query.filled("count").map(|count| count.parse::<u32>()) {
        None => 100,
        Some(Ok(count)) => count.clamp(1, 1_000),
        Some(Err(_)) => return Err(ApiError::bad_request("The parameter count must be a whole number.")),
    };
    let after = match cursor::position(&store, LIST, query.filled("cursor").as_deref())? {
        Some(Value::Text(id)) => Some(id),
        _ => None,
    };
    let (mails, next) = listing::page(&store, state, after.as_deref(), count)?;
    let mut body = json!({ "Resources": mails.iter().map(ListedMail::to_json).collect::<Vec<_>>() });
    if let Some(next) = next.and_then(|next| cursor::to(&store, LIST, next.into())) {
        body["nextCursor"] = json!(next);
    }
    Ok(response::json(StatusCode::OK, &body))
}

/// `POST /api/mail/{id}/retry`: 202 with the mail, which is queued again.
pub fn retry_one(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, .. } = input;
    match requeue::retry(&state.ctx, params.raw("id"))? {
        Retried::Queued(mail) => Ok(response::json(StatusCode::ACCEPTED, &mail.to_json())),
        Retried::Missing => Err(ApiError::missing("There is no mail with this id.")),
        Retried::Nobody => {
            Err(ApiError::conflict("The user of this mail has been deleted: there is nobody to send it to."))
        }
        Retried::NotNow(state) => {
            let detail = format!(
                "The mail is {state}: only one that is {} can be tried again. An invitation is sent anew with \
                 POST /api/invitations/{{userId}}/resend.",
                names(MailState::RETRYABLE)
            );
            Err(ApiError::conflict(detail))
        }
    }
}

/// `POST /api/mail/retry` `{"state","domain"?}`: queues up to 1,000 mails of that state again, of one user store;
/// `{"queued": n}`.
pub fn retry_all(input: Input) -> Result<Response, ApiError> {
    let Input { state: RequestState { ctx, .. }, body, .. } = input;
    let body = body.object()?;
    let state = body["state"].as_str().and_then(MailState::parse).filter(|state| state.is_retryable());
    let Some(state) = state else {
        let detail = format!("state must be one of {}.", names(MailState::RETRYABLE));
        return Err(ApiError::bad_request(detail));
    };
    let store = in_store_named(&ctx, body["domain"].as_str())?;
    let queued = requeue::requeue_all(&store, state)?;
    Ok(response::json(StatusCode::ACCEPTED, &json!({ "queued": queued })))
}
