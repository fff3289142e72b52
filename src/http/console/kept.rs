//! A form that came when the session was over: whoever sent it signs in again, finds it as it was, and is asked before it
//! is sent.

use ::http::{HeaderMap, Uri};

use crate::access::sessions;
use crate::http::body::RequestBody;
use crate::http::caller::session_cookie;
use crate::http::console::{Console, read_form, sign_in};
use crate::http::error::ApiError;
use crate::http::form::Form;
use crate::http::request::Input;
use crate::http::response::Response;
use crate::model::context::Context;
use crate::pages::console::{Section, kept as pages};
use crate::store::kept_forms::{self, KeptForm};

/// Where a kept form is shown.
const PATH: &str = "/console/kept";
/// The fields that are typed again.
const SECRETS: &[&str] = &["password", "confirm"];

/// Keeps the form of a request whose session is over, and sends whoever sent it to sign in. Without a cookie of a session
/// nobody could be given it back, and it is not kept.
pub fn keep(ctx: &Context, uri: &Uri, headers: &HeaderMap, body: RequestBody) -> Result<Response, ApiError> {
    let owner = session_cookie(headers, &ctx.deployment).and_then(|cookie| sessions::owner(ctx, &cookie));
    let Some(owner) = owner else { return Ok(sign_in::to_sign_in(ctx, uri)) };
    let form = read_form(body)?;
    let fields = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form.all_texts().filter(|(name, _)| !SECRETS.contains(&&**name)))
        .finish();
    let id = ctx.platform.new_id().to_string();
    kept_forms::keep(ctx, &id, &owner, &KeptForm { path: uri.path().to_owned(), fields })?;
    let shown = format!("{PATH}/{id}").parse().unwrap_or_default();
    Ok(sign_in::to_sign_in(ctx, &shown))
}

/// `GET /console/kept/{id}`.
pub fn show(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, params, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Dashboard);
    let owner = session_cookie(&headers, &state.ctx.deployment).and_then(|cookie| sessions::owner(&state.ctx, &cookie));
    let found = match owner {
        Some(owner) => kept_forms::find(&state.ctx, params.raw("id"), &owner)?,
        None => None,
    };
    let Some(KeptForm { path, fields }) = found else {
        return Err(ApiError::missing("The form is not there any more: open its page again."));
    };
    let form = Form::parse(fields.as_bytes());
    let fields: Vec<(String, String)> = form.all_texts().collect();
    Ok(console.page(pages::NAME, &pages::kept(&console.frame(), &path, &fields)))
}
