//! `/api/mail/templates`: what the template API of WSO2 has no room for.

use ::http::StatusCode;
use serde_json::{Value as Json, json};

use crate::base::locale::normalise;
use crate::http::body::MEGABYTE;
use crate::http::error::ApiError;
use crate::http::request::Input;
use crate::http::response;
use crate::http::response::Response;
use crate::mail::preview::{self, Draft, PreviewError};
use crate::model::mail_template::ContentType;
use crate::store::mail_templates::TenantTemplateType;

/// `POST /api/mail/templates/preview` `{"type","locale"?,"subject"?,"body"?,"footer"?,"text"?,"contentType"?}`:
/// `{"subject","html","text","problems"}`, with values made up. Nothing is stored or sent.
pub fn preview(input: Input) -> Result<Response, ApiError> {
    let Input { state, body, .. } = input;
    let ctx = &state.ctx;
    // As large as one with every part as long as it may be.
    let body = body.json(MEGABYTE)?;
    let kind =
        read_text(&body, "type")?.ok_or_else(|| ApiError::bad_request("type is missing: the template type's name."))?;
    let locale = match read_text(&body, "locale")? {
        Some(locale) => normalise(&locale).ok_or_else(|| {
            ApiError::bad_request("locale is a language and, if need be, its script and region, such as pt_BR.")
        })?,
        None => ctx.settings().default_locale.clone(),
    };
    let content_type = match read_text(&body, "contentType")? {
        Some(named) => Some(
            ContentType::parse(&named)
                .ok_or_else(|| ApiError::bad_request("contentType is text/html or text/plain."))?,
        ),
        None => None,
    };
    let draft = Draft {
        person: None,
        content_type,
        subject: read_text(&body, "subject")?,
        body: read_text(&body, "body")?,
        footer: read_text(&body, "footer")?,
        text: read_text(&body, "text")?,
    };
    let previewed = preview::preview(ctx, &TenantTemplateType::named(&kind), &locale, draft);
    let previewed = previewed.map_err(|error| match error {
        PreviewError::NoType => ApiError::bad_request("There is no template type of this name."),
        PreviewError::TooLarge(why) => ApiError::bad_request(format!("There is no preview: {why}.")),
        PreviewError::Database(failure) => failure.into(),
    })?;
    let body = json!({
        "subject": previewed.mail.subject,
        "html": previewed.mail.html,
        "text": previewed.mail.text,
        "problems": previewed.problems,
    });
    Ok(response::json(StatusCode::OK, &body))
}

/// Returns a member that is text, or not there.
fn read_text(body: &Json, name: &str) -> Result<Option<String>, ApiError> {
    match &body[name] {
        Json::Null => Ok(None),
        Json::String(text) => Ok(Some(text.clone())),
        _ => Err(ApiError::bad_request(format!("{name} is not text."))),
    }
}
