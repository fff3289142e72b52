//! `/hooks/mail/{provider}`: what mail providers tell of mails they have taken. Errors are `application/problem+json`.

use ::http::{HeaderMap, StatusCode, Uri};
use axum::body::{self, Body};
use axum::response::Response;
use serde_json::json;

use crate::http::Work;
use crate::http::answer::{self, Dialect};
use crate::http::api::{flat, problem};
use crate::mail::webhooks::{self, Incoming, WebhookError};

/// `POST /hooks/mail/{provider}`: 200 whether or not the mail is ours.
pub async fn mail(work: Work, uri: Uri, headers: HeaderMap, body: Body) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let provider = uri.path().rsplit('/').next().unwrap_or_default();
            // A provider knows no tenants.
            if !ctx.tenant.is_super() {
                return Err(refused(&WebhookError::Unknown));
            }
            // `Service::handle` has read it, or found it too large.
            let body = body::to_bytes(body, usize::MAX).await;
            let body = body.map_err(|_| problem(StatusCode::PAYLOAD_TOO_LARGE, "The body is larger than 1 MiB."))?;
            let incoming = Incoming { headers: &headers, body: &body };
            let received = webhooks::receive(&ctx.platform, &ctx.deployment, provider, &incoming).await;
            let received = received.map_err(|refusal| refused(&refusal))?;
            Ok(answer::with_body(StatusCode::OK, "application/json", json!({ "received": received }).to_string()))
        }
        .await,
    )
}

fn refused(refusal: &WebhookError) -> Response {
    let unproven = |why: &str| {
        let detail = format!("The webhook is not taken: {why}. See MAIL_WEBHOOK_SECRET_<PROVIDER>.");
        answer::unauthorized(Dialect::Problem, &detail)
    };
    match refusal {
        WebhookError::Unknown => problem(
            StatusCode::NOT_FOUND,
            "No webhooks are taken here: there is no such provider, or its MAIL_WEBHOOK_SECRET_<PROVIDER> is not set.",
        ),
        WebhookError::Forged(why) => unproven(why),
        WebhookError::Stale => unproven("its signature is not of now"),
        WebhookError::Malformed(why) => {
            problem(StatusCode::BAD_REQUEST, &format!("The webhook cannot be read: {why}."))
        }
        WebhookError::Unavailable(why) => answer::unavailable(Dialect::Problem, &format!("{why}: send it again.")),
        WebhookError::Database(failure) => answer::database(Dialect::Problem, failure),
    }
}
