//! `/api/mail`: the outbox, and trying again what has ended unsent. Errors are `application/problem+json`.

use ::http::{StatusCode, Uri};
use axum::body::Body;
use axum::response::Response;
use serde_json::json;

use crate::http::answer::{self, Dialect};
use crate::http::api::{at_domain, flat, object, problem};
use crate::http::{Work, parameters};
use crate::mail::retry;
use crate::model::mail::MailState;
use crate::ports::DatabaseError;
use crate::store::outbox::listing::{self, ListedMail};

fn failed(failure: &DatabaseError) -> Response {
    answer::database(Dialect::Problem, failure)
}

/// The states' names, as a sentence lists them.
fn listed(states: &[MailState]) -> String {
    states.iter().map(|state| state.as_str()).collect::<Vec<_>>().join(", ")
}

/// `GET /api/mail?state=&count=&cursor=&domain=`: newest first, of one user store.
pub async fn list(work: Work, uri: Uri) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let parameter = |name| parameters(&uri, name).find(|value| !value.is_empty());
            let ctx = at_domain(ctx, parameter("domain").as_deref())?;
            let state = match parameter("state").as_deref().map(MailState::parse) {
                None => None,
                Some(Some(state)) => Some(state),
                Some(None) => {
                    let detail = format!("The parameter state must be one of {}.", listed(MailState::ALL));
                    return Err(problem(StatusCode::BAD_REQUEST, &detail));
                }
            };
            let count = match parameter("count").map(|count| count.parse::<u32>()) {
                None => 100,
                Some(Ok(count)) => count.clamp(1, 1_000),
                Some(Err(_)) => {
                    return Err(problem(StatusCode::BAD_REQUEST, "The parameter count must be a whole number."));
                }
            };
            let page = listing::page(&ctx, state, parameter("cursor").as_deref(), count).await;
            let (mails, next) = page.map_err(|failure| failed(&failure))?;
            let mut body = json!({ "Resources": mails.iter().map(ListedMail::to_json).collect::<Vec<_>>() });
            if let Some(next) = next {
                body["nextCursor"] = json!(next);
            }
            Ok(answer::with_body(StatusCode::OK, "application/json", body.to_string()))
        }
        .await,
    )
}

/// `POST /api/mail/{id}/retry`: 202 with the mail, which is queued again.
pub async fn retry_one(work: Work, uri: Uri) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let id = uri.path().split('/').nth(3).unwrap_or_default();
            let ctx = ctx.in_store_of(id);
            let queued = retry::retry_one(&ctx, id).await.map_err(|failure| failed(&failure))?;
            let found = listing::find(&ctx, id).await.map_err(|failure| failed(&failure))?;
            match found {
                None => Err(problem(StatusCode::NOT_FOUND, "There is no mail with this id.")),
                Some(mail) if queued => {
                    Ok(answer::with_body(StatusCode::ACCEPTED, "application/json", mail.to_json().to_string()))
                }
                Some(mail) => {
                    let detail = format!(
                        "The mail is {}: only one that is {} can be tried again. An invitation is sent anew with \
                         POST /api/invitations/{{userId}}/resend.",
                        mail.state,
                        listed(MailState::RETRYABLE)
                    );
                    Err(problem(StatusCode::CONFLICT, &detail))
                }
            }
        }
        .await,
    )
}

/// `POST /api/mail/retry` `{"state","domain"?}`: queues up to 1,000 mails of that state again, of one user store;
/// `{"queued": n}`.
pub async fn retry_all(work: Work, body: Body) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let body = object(body).await?;
            let state = body["state"].as_str().and_then(MailState::parse).filter(|state| state.is_retryable());
            let Some(state) = state else {
                let detail = format!("state must be one of {}.", listed(MailState::RETRYABLE));
                return Err(problem(StatusCode::BAD_REQUEST, &detail));
            };
            let ctx = at_domain(ctx, body["domain"].as_str())?;
            let queued = retry::retry_all(&ctx, state).await.map_err(|failure| failed(&failure))?;
            Ok(answer::with_body(StatusCode::ACCEPTED, "application/json", json!({ "queued": queued }).to_string()))
        }
        .await,
    )
}
