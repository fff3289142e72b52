//! The console's pages: signing in and out, and who has signed in. Without script; in English.

use std::borrow::Cow;

use ::http::{HeaderMap, StatusCode, Uri};
use axum::body::Body;
use axum::response::Response;
use form_urlencoded::byte_serialize;

use crate::access::authenticate::{self, Basic, Outcome};
use crate::access::session::Session;
use crate::access::sessions::{self, Ended};
use crate::base::web_address::form_target;
use crate::http::answer::{self, Dialect};
use crate::http::form::{self, field};
use crate::http::{Work, caller, parameters, set};
use crate::model::context::{Actor, Context};
use crate::pages::console as pages;
use crate::pages::console::{HomePage, SignInPage, Told};
use crate::pages::layout::Shell;
use crate::pages::problem;

/// Who has signed in, and what he may do.
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

/// `GET /console`.
pub async fn home(work: Work) -> Response {
    let ctx = &work.ctx;
    let settings = ctx.settings();
    let prefix = ctx.tenant.prefix();
    let name = match &ctx.actor {
        Actor::Administrator(name) | Actor::RoleHolder { name, .. } => name.as_str(),
        Actor::Anyone | Actor::User(_) | Actor::Token { .. } | Actor::System => "",
    };
    let page = HomePage {
        shell: Shell { prefix: &prefix, organization: &settings.organization_name, ..Shell::default() },
        name,
        tenant: ctx.tenant.domain(),
        scopes: ctx.scopes,
        idle_seconds: settings.session_idle_seconds,
        sign_out: &format!("{prefix}{SIGN_OUT}"),
        sign_out_everywhere: &format!("{prefix}{SIGN_OUT_EVERYWHERE}"),
        development: ctx.deployment.is_development(),
    };
    answer::page(StatusCode::OK, pages::home(&page))
}

/// `GET /console/login`; whoever has signed in already goes on.
pub async fn sign_in_page(work: Work, uri: Uri, headers: HeaderMap) -> Response {
    let next = next(&work.ctx, parameters(&uri, NEXT).next());
    match caller::in_session(&work, &headers).await {
        Ok(Some(_)) => return answer::see_other(&next),
        Ok(None) => {}
        Err(failed) => return failed,
    }
    let told = match parameters(&uri, SIGNED_OUT).next().as_deref() {
        Some("everywhere") => Some(Told::SignedOutEverywhere),
        Some(_) => Some(Told::SignedOut),
        None => None,
    };
    form(&work.ctx, StatusCode::OK, &next, "", told)
}

/// `POST /console/login`.
pub async fn sign_in(work: Work, headers: HeaderMap, body: Body) -> Response {
    let ctx = &work.ctx;
    let form = match form::read(body).await {
        Ok(form) => form,
        Err(refused) => return refused,
    };
    let text = |name| field(&form, name).and_then(Result::ok);
    let next = next(ctx, text(NEXT).map(Cow::Owned));
    let (Some(username), Some(password)) = (text("username"), text("password")) else {
        return self::form(ctx, StatusCode::UNPROCESSABLE_ENTITY, &next, "", Some(Told::Missing));
    };
    if username.is_empty() || password.is_empty() {
        return self::form(ctx, StatusCode::UNPROCESSABLE_ENTITY, &next, &username, Some(Told::Missing));
    }
    let basic = Basic { username, password };
    let admitted = match authenticate::admitted(ctx, &work.gate, &basic).await {
        Ok(Outcome::Accepted(admitted)) => admitted,
        // No challenge: it would make the browser ask in a window of its own.
        Ok(Outcome::Refused) => {
            return self::form(ctx, StatusCode::UNAUTHORIZED, &next, &basic.username, Some(Told::Refused));
        }
        Ok(Outcome::Busy) => return answer::unavailable(Dialect::Page, ""),
        Ok(Outcome::Wait(seconds)) => {
            let shell = Shell::default();
            let html = problem::too_many_requests(&shell, seconds, Some(&at(ctx, SIGN_IN)));
            let mut response = answer::page(StatusCode::TOO_MANY_REQUESTS, html);
            set(response.headers_mut(), "retry-after", &seconds.to_string());
            return response;
        }
        Err(failure) => return answer::database(Dialect::Page, &failure),
    };
    let began = match sessions::begin(&admitted).await {
        Ok(cookie) => cookie,
        Err(failure) => return answer::database(Dialect::Page, &failure),
    };
    // The browser will not know the one that it had any more. If it does not end now, it will when it is not used.
    if let Some(replaced) = caller::session_cookie(&headers, &ctx.deployment) {
        let _ = sessions::end(ctx, &replaced, Ended::Here).await;
    }
    with_cookie(answer::see_other(&next), ctx, began.expose(), "")
}

/// `POST /console/logout`.
pub async fn sign_out(work: Work, headers: HeaderMap) -> Response {
    end(&work, &headers, Ended::Here).await
}

/// `POST /console/logout/everywhere`.
pub async fn sign_out_everywhere(work: Work, headers: HeaderMap) -> Response {
    end(&work, &headers, Ended::Everywhere).await
}

async fn end(work: &Work, headers: &HeaderMap, which: Ended) -> Response {
    let ctx = &work.ctx;
    let ended = match caller::session_cookie(headers, &ctx.deployment) {
        Some(cookie) => sessions::end(ctx, &cookie, which).await,
        None => Ok(()),
    };
    // A cookie whose session may still be there is kept: the button can be pressed again.
    if let Err(failure) = ended {
        return answer::database(Dialect::Page, &failure);
    }
    let which = if which == Ended::Everywhere { "everywhere" } else { "here" };
    let response = answer::see_other(&at(ctx, &format!("{SIGN_IN}?{SIGNED_OUT}={which}")));
    with_cookie(response, ctx, "", "; Max-Age=0")
}

/// To the form, and back afterwards to what was asked for.
pub fn to_sign_in(ctx: &Context, asked_for: &Uri) -> Response {
    let asked_for = asked_for.path_and_query().map(|path| Cow::Owned(at(ctx, path.as_str())));
    let next = next(ctx, asked_for);
    let next: String = byte_serialize(next.as_bytes()).collect();
    answer::see_other(&at(ctx, &format!("{SIGN_IN}?{NEXT}={next}")))
}

fn form(ctx: &Context, status: StatusCode, next: &str, username: &str, told: Option<Told>) -> Response {
    let prefix = ctx.tenant.prefix();
    let page = SignInPage {
        // No organization's name: it would tell which tenants there are.
        shell: Shell { prefix: &prefix, ..Shell::default() },
        action: &at(ctx, SIGN_IN),
        tenant: if ctx.tenant.is_super() { "" } else { ctx.tenant.domain() },
        username,
        next,
        told,
    };
    answer::page(status, pages::sign_in(&page))
}

/// Where to go after signing in: a page of this tenant's console, whatever was asked for (attacks, row 16).
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

/// A path of this tenant.
fn at(ctx: &Context, path: &str) -> String {
    format!("{}{path}", ctx.tenant.prefix())
}

fn with_cookie(mut response: Response, ctx: &Context, value: &str, more: &str) -> Response {
    let secure = if ctx.deployment.is_development() { "" } else { "; Secure" };
    let name = Session::cookie_name(&ctx.deployment);
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}");
    set(response.headers_mut(), "set-cookie", &cookie);
    response
}
