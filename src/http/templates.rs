//! `/api/mail/templates`: what the template API of WSO2 has no room for. Errors are `application/problem+json`.

use ::http::StatusCode;
use axum::body::{self, Body};
use axum::response::Response;
use serde_json::{Value as Json, json};

use crate::base::locale::normalise;
use crate::http::Work;
use crate::http::answer::{self, Dialect};
use crate::http::api::{flat, problem};
use crate::mail::custom::ContentType;
use crate::mail::custom::preview::{self, Draft};
use crate::store::mail_templates::Type;

/// The largest body, in bytes: every part as long as it may be.
const MAX_BODY: usize = 1024 * 1024;

/// `POST /api/mail/templates/preview` `{"type","locale"?,"subject"?,"body"?,"footer"?,"text"?,"contentType"?}`:
/// `{"subject","html","text","problems"}`, with values made up. Nothing is stored or sent.
pub async fn preview(work: Work, body: Body) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let bytes = body::to_bytes(body, MAX_BODY).await;
            let bytes =
                bytes.map_err(|_| problem(StatusCode::PAYLOAD_TOO_LARGE, "The body is larger than a megabyte."))?;
            let body: Json = serde_json::from_slice(&bytes)
                .map_err(|error| bad(&format!("The body is not valid JSON: {error}.")))?;
            let kind = text(&body, "type")?.ok_or_else(|| bad("type is missing: the template type's name."))?;
            let locale = match text(&body, "locale")? {
                Some(locale) => normalise(&locale).ok_or_else(|| {
                    bad("locale is a language and, if need be, its script and region, such as pt_BR.")
                })?,
                None => ctx.settings().default_locale.clone(),
            };
            let content_type = match text(&body, "contentType")? {
                Some(named) => {
                    Some(ContentType::parse(&named).ok_or_else(|| bad("contentType is text/html or text/plain."))?)
                }
                None => None,
            };
            let draft = Draft {
                content_type,
                subject: text(&body, "subject")?,
                body: text(&body, "body")?,
                footer: text(&body, "footer")?,
                text: text(&body, "text")?,
            };
            let found = preview::preview(ctx, &Type::named(&kind), &locale, draft).await;
            let shown = found
                .map_err(|failure| answer::database(Dialect::Problem, &failure))?
                .ok_or_else(|| bad("There is no template type of this name."))?;
            let body = json!({
                "subject": shown.mail.subject,
                "html": shown.mail.html,
                "text": shown.mail.text,
                "problems": shown.problems,
            });
            Ok(answer::with_body(StatusCode::OK, "application/json", body.to_string()))
        }
        .await,
    )
}

fn bad(detail: &str) -> Response {
    problem(StatusCode::BAD_REQUEST, detail)
}

/// A member that is text, or not there.
fn text(body: &Json, name: &str) -> Result<Option<String>, Response> {
    match &body[name] {
        Json::Null => Ok(None),
        Json::String(text) => Ok(Some(text.clone())),
        _ => Err(bad(&format!("{name} is not text."))),
    }
}
