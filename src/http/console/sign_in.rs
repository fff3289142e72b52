//! Signing in to the console, and out.

use std::borrow::Cow;

use ::http::{HeaderMap, StatusCode, Uri};
use form_urlencoded::byte_serialize;

use crate::access::authenticate::{self, AuthError, Basic};
use crate::access::session_cookie::Session;
use crate::access::sessions::{self, Ended};
use crate::base::web_address::form_target;
use crate::http::body::TooLarge;
use crate::http::caller;
use crate::http::error::{ApiError, retry_after};
use crate::http::request::Input;
use crate::http::response::{self, Response, append_cookie};
use crate::model::context::Context;
use crate::pages::brand;
use crate::pages::console::sign_in::{self as pages, Notice, SignInPage};
use crate::pages::layout::Shell;
use crate::pages::problem;
use crate::store::tenant_settings;

/// The console's first page.
pub const HOME: &str = "/console";
/// The form to sign in with: `username`, `password`, `next`.
pub const SIGN_IN: &str = "/console/login";
/// Ends the session.
pub const SIGN_OUT: &str = "/console/logout";
/// Ends all of the user's sessions.
pub const SIGN_OUT_EVERYWHERE: &str = "/console/logout/everywhere";

/// The parameter that says where to go after signing in.
const NEXT: &str = "next";
/// The parameter that says which sessions have just ended.
const SIGNED_OUT: &str = "signed-out";

/// `GET /console/login`; whoever has signed in already goes on.
pub fn sign_in_page(input: Input) -> Result<Response, ApiError> {
    let Input { state, query, headers, .. } = input;
    let next = next(&state.ctx, query.first(NEXT));
    if caller::in_session(&state.ctx, &headers)?.is_some() {
        return Ok(response::see_other(&next));
    }
    let notice = match query.first(SIGNED_OUT).as_deref() {
        Some("everywhere") => Some(Notice::SignedOutEverywhere),
        Some(_) => Some(Notice::SignedOut),
        None => None,
    };
    // For the branding. A database that does not answer is no reason not to show the form.
    drop(tenant_settings::refresh(&state.ctx));
    Ok(form(&state.ctx, StatusCode::OK, &next, "", notice))
}

/// `POST /console/login`.
pub fn sign_in(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, body, .. } = input;
    let ctx = &state.ctx;
    let sent = body.form().map_err(|TooLarge| ApiError::too_large("The form is too large."))?;
    let next = next(ctx, sent.read_text(NEXT).map(Cow::Owned));
    let again = |status, username: &str, notice| Ok(form(ctx, status, &next, username, Some(notice)));
    let (Some(username), Some(password)) = (sent.read_text("username"), sent.read_text("password")) else {
        return again(StatusCode::UNPROCESSABLE_ENTITY, "", Notice::Missing);
    };
    if username.trim().is_empty() || password.is_empty() {
        return again(StatusCode::UNPROCESSABLE_ENTITY, &username, Notice::Missing);
    }
    let basic = Basic::new(&username, password);
    let admitted = match authenticate::admit(ctx, &state.gate, &basic) {
        Ok(admitted) => admitted,
        // No challenge: it would make the browser ask in a window of its own.
        Err(AuthError::Refused) => return again(StatusCode::UNAUTHORIZED, &basic.username, Notice::Refused),
        Err(AuthError::Busy) => return Err(ApiError::too_many_passwords()),
        Err(AuthError::Wait(seconds)) => {
            let shell = Shell::default();
            let html = problem::too_many_requests(&shell, seconds, Some(&at(ctx, SIGN_IN)));
            return Ok(retry_after(response::page(StatusCode::TOO_MANY_REQUESTS, html), seconds));
        }
        Err(AuthError::Database(failure)) => return Err(failure.into()),
    };
    let cookie = sessions::begin(&admitted)?;
    // The browser will not know the one that it had any more. If it does not end now, it will when it is not used.
    if let Some(replaced) = caller::session_cookie(&headers, &ctx.deployment) {
        let _ = sessions::end(ctx, &replaced, Ended::Here);
    }
    Ok(with_cookie(response::see_other(&next), ctx, cookie.expose(), ""))
}

/// `POST /console/logout`.
pub fn sign_out(input: Input) -> Result<Response, ApiError> {
    end(&input.state.ctx, &input.headers, Ended::Here)
}

/// `POST /console/logout/everywhere`.
pub fn sign_out_everywhere(input: Input) -> Result<Response, ApiError> {
    end(&input.state.ctx, &input.headers, Ended::Everywhere)
}

fn end(ctx: &Context, headers: &HeaderMap, which: Ended) -> Result<Response, ApiError> {
    if let Some(cookie) = caller::session_cookie(headers, &ctx.deployment) {
        // A cookie whose session may still be there is kept: the button can be pressed again.
        sessions::end(ctx, &cookie, which)?;
    }
    let which = if which == Ended::Everywhere { "everywhere" } else { "here" };
    let response = response::see_other(&at(ctx, &format!("{SIGN_IN}?{SIGNED_OUT}={which}")));
    Ok(with_cookie(response, ctx, "", "; Max-Age=0"))
}

/// Returns a redirect to the form, and back afterwards to what was asked for.
pub fn to_sign_in(ctx: &Context, asked_for: &Uri) -> Response {
    let asked_for = asked_for.path_and_query().map(|path| Cow::Owned(at(ctx, path.as_str())));
    let next = next(ctx, asked_for);
    let next: String = byte_serialize(next.as_bytes()).collect();
    response::see_other(&at(ctx, &format!("{SIGN_IN}?{NEXT}={next}")))
}

fn form(ctx: &Context, status: StatusCode, next: &str, username: &str, notice: Option<Notice>) -> Response {
    let prefix = ctx.tenant.prefix();
    let settings = ctx.last_known_settings();
    // Of a tenant that has no branding nothing is said, not its name either: it would tell which tenants there are.
    let brand = Some(&*settings).filter(|settings| settings.logo.is_some() || brand::style_path(settings).is_some());
    let recover = at(ctx, "/recover");
    let page = SignInPage {
        shell: Shell {
            prefix: &prefix,
            organization: brand.map_or("", |settings| &settings.organization_name),
            brand,
            ..Shell::default()
        },
        action: &at(ctx, SIGN_IN),
        tenant: if ctx.tenant.is_super() { "" } else { ctx.tenant.domain() },
        username,
        next,
        recover: settings.password_recovery.then_some(recover.as_str()),
        notice,
    };
    response::page(status, pages::sign_in(&page))
}

/// Returns where to go after signing in: a page of this tenant's console, whatever was asked for (attacks, row 16).
fn next(ctx: &Context, asked_for: Option<Cow<'_, str>>) -> String {
    let home = at(ctx, HOME);
    let is_ours = |path: &str| {
        let Some(rest) = form_target(path).and_then(|path| path.strip_prefix(home.as_str())) else { return false };
        // What is no ASCII cannot stand in a header.
        if !(rest.is_empty() || rest.starts_with(['/', '?'])) || !rest.is_ascii() {
            return false;
        }
        // `..` would lead out of it, and browsers take `%2e` for a dot.
        let folders = rest.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        !folders.replace("%2e", ".").contains("..")
    };
    asked_for.filter(|path| is_ours(path)).map_or_else(|| home.clone(), Cow::into_owned)
}

/// Returns a path of this tenant.
fn at(ctx: &Context, path: &str) -> String {
    format!("{}{path}", ctx.tenant.prefix())
}

fn with_cookie(mut response: Response, ctx: &Context, value: &str, more: &str) -> Response {
    let name = Session::cookie_name(&ctx.deployment);
    append_cookie(response.headers_mut(), &ctx.deployment, name, value, more);
    response
}
