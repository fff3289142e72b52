//! The pages behind a mailed link. GET shows and changes nothing; only a POST redeems.
//!
//! There is no cookie here and no check of where a form came from: the token in the path is the credential, and mail
//! programs open links through redirectors of their own.

use std::borrow::Cow;

use ::http::{StatusCode, Uri};
use axum::body::{self, Body};
use axum::extract::Extension;
use axum::response::Response;

use super::answer::{self, Dialect};
use super::{Work, empty, set};
use crate::access::password;
use crate::access::policy::Weakness;
use crate::context::Context;
use crate::directory::user::User;
use crate::invite::account::Cause;
use crate::invite::redeem::{self, Link, Redeemed, SETS_PASSWORD};
use crate::invite::token::{Claims, Purpose};
use crate::pages::invite::{self, LinkProblem, SetPasswordPage};
use crate::pages::layout::Shell;
use crate::pages::problem;
use crate::pages::text::{self, Texts, fill};
use crate::ports::DatabaseError;

/// A form with two passwords of the longest kind, percent-encoded, is smaller than this.
const MAX_FORM: usize = 16 * 1024;

/// What the pages of one request share.
struct View<'a> {
    ctx: &'a Context,
    prefix: String,
}

impl<'a> View<'a> {
    fn new(ctx: &'a Context) -> Self {
        Self { ctx, prefix: ctx.tenant.prefix() }
    }

    /// The shell in the language of an authentic token, naming the organization; for any other token it names nobody.
    fn shell<'b>(&'b self, claims: Option<&'b Claims>) -> Shell<'b> {
        let settings = self.ctx.settings();
        match claims {
            Some(claims) => Shell {
                prefix: &self.prefix,
                locale: &claims.locale,
                organization: &settings.organization_name,
                support: settings.mail_reply_to.as_deref().unwrap_or_default(),
            },
            None => Shell { prefix: &self.prefix, ..Shell::default() },
        }
    }

    fn problem(&self, status: StatusCode, claims: Option<&Claims>, problem: LinkProblem) -> Response {
        answer::page(status, invite::link_problem(&self.shell(claims), problem))
    }

    /// The page of a link that does not work.
    fn not_live(&self, link: &Link) -> Response {
        match link {
            Link::Expired(claims) => {
                let until = i64::try_from(claims.expires_at).ok();
                self.problem(StatusCode::GONE, Some(claims), LinkProblem::Expired { until, request_new: None })
            }
            Link::Dead(claims, cause) => {
                let problem = match cause {
                    Cause::Accepted => LinkProblem::Accepted { sign_in: None },
                    Cause::Revoked => LinkProblem::Revoked,
                    Cause::Replaced => LinkProblem::Replaced,
                    Cause::AddressChanged => LinkProblem::AddressChanged,
                    Cause::Locked => LinkProblem::Locked,
                };
                self.problem(StatusCode::GONE, Some(claims), problem)
            }
            Link::Live(..) | Link::Invalid => self.problem(StatusCode::NOT_FOUND, None, LinkProblem::Invalid),
        }
    }

    fn form(&self, status: StatusCode, uri: &Uri, claims: &Claims, user: &User, problems: &[String]) -> Response {
        answer::page(
            status,
            invite::set_password(&SetPasswordPage {
                shell: self.shell(Some(claims)),
                action: &format!("{}{}", self.prefix, uri.path()),
                user_name: &user.user_name(),
                min_length: self.ctx.settings().password_min_length as usize,
                problems,
            }),
        )
    }

    fn busy(&self) -> Response {
        let mut response =
            answer::page(StatusCode::SERVICE_UNAVAILABLE, problem::busy(&self.shell(None), answer::RETRY_AFTER, None));
        set(response.headers_mut(), "retry-after", &answer::RETRY_AFTER.to_string());
        response
    }
}

/// The token: the rest of the path as it is, since a token has no character that needs an escape.
fn token<'u>(uri: &'u Uri, folder: &str) -> &'u str {
    uri.path().strip_prefix(folder).unwrap_or_default()
}

fn failed(failure: &DatabaseError) -> Response {
    answer::database(Dialect::Page, failure)
}

/// `GET /invite/{token}`: the form, or what is wrong with the link.
pub async fn invite_page(Extension(work): Extension<Work>, uri: Uri) -> Response {
    let view = View::new(&work.ctx);
    match redeem::open(&work.ctx, token(&uri, "/invite/"), SETS_PASSWORD).await {
        Ok(Link::Live(claims, user)) => view.form(StatusCode::OK, &uri, &claims, &user, &[]),
        Ok(other) => view.not_live(&other),
        Err(failure) => failed(&failure),
    }
}

/// `POST /invite/{token}` with `password`, and `confirm` where the form asks twice.
pub async fn set_password(Extension(work): Extension<Work>, uri: Uri, body: Body) -> Response {
    let Ok(form) = body::to_bytes(body, MAX_FORM).await else {
        return answer::error(Dialect::Page, StatusCode::PAYLOAD_TOO_LARGE, "The form is too large.");
    };
    let field = |name: &str| form_urlencoded::parse(&form).find(|(key, _)| key == name).map(|(_, value)| value);
    let password: Cow<str> = field("password").unwrap_or_default();
    let confirm = field("confirm");
    let ctx = &work.ctx;
    let view = View::new(ctx);
    let token = token(&uri, "/invite/");
    match redeem::set_password(ctx, &work.gate, token, &password, confirm.as_deref()).await {
        Ok(Redeemed::Done(claims, user)) => {
            answer::page(StatusCode::OK, invite::password_set(&view.shell(Some(&claims)), &user.user_name(), None))
        }
        Ok(Redeemed::Refused(claims, user, weaknesses)) => {
            let texts = text::for_locale(&claims.locale);
            let problems: Vec<String> = weaknesses.iter().map(|weakness| in_words(weakness, texts)).collect();
            view.form(StatusCode::UNPROCESSABLE_ENTITY, &uri, &claims, &user, &problems)
        }
        Ok(Redeemed::Mismatch(claims, user)) => {
            let problems = [text::for_locale(&claims.locale).mismatch.to_owned()];
            view.form(StatusCode::UNPROCESSABLE_ENTITY, &uri, &claims, &user, &problems)
        }
        Ok(Redeemed::NotLive(link)) => view.not_live(&link),
        Ok(Redeemed::Busy) => view.busy(),
        Err(failure) => failed(&failure),
    }
}

/// `GET /verify/{token}`: one button, or what is wrong with the link.
pub async fn verify_page(Extension(work): Extension<Work>, uri: Uri) -> Response {
    let view = View::new(&work.ctx);
    match redeem::open(&work.ctx, token(&uri, "/verify/"), &[Purpose::VerifyEmail]).await {
        Ok(Link::Live(claims, user)) => {
            let action = format!("{}{}", view.prefix, uri.path());
            let email = user.account.email.unwrap_or_default();
            answer::page(StatusCode::OK, invite::verify_email(&view.shell(Some(&claims)), &action, &email))
        }
        Ok(other) => view.not_live(&other),
        Err(failure) => failed(&failure),
    }
}

/// `POST /verify/{token}`: the button.
pub async fn confirm_email(Extension(work): Extension<Work>, uri: Uri) -> Response {
    let view = View::new(&work.ctx);
    match redeem::confirm_email(&work.ctx, token(&uri, "/verify/")).await {
        Ok(Redeemed::Done(claims, _)) => {
            answer::page(StatusCode::OK, invite::email_verified(&view.shell(Some(&claims)), None))
        }
        Ok(Redeemed::NotLive(link)) => view.not_live(&link),
        // Nothing is typed on this page, so that nothing can be refused.
        Ok(Redeemed::Refused(..) | Redeemed::Mismatch(..) | Redeemed::Busy) => view.busy(),
        Err(failure) => failed(&failure),
    }
}

/// WSO2's address of the set-password page: `?confirmation=`.
pub async fn confirm_recovery(Extension(work): Extension<Work>, uri: Uri) -> Response {
    redirect(&work.ctx, &uri, "invite")
}

/// WSO2's address of the confirm-e-mail page: `?confirmation=`.
pub async fn confirm_registration(Extension(work): Extension<Work>, uri: Uri) -> Response {
    redirect(&work.ctx, &uri, "verify")
}

fn redirect(ctx: &Context, uri: &Uri, folder: &str) -> Response {
    let query = uri.query().unwrap_or_default();
    let code = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "confirmation").map(|(_, code)| code);
    // What is no token's spelling goes nowhere: not into a header, not into a path.
    let token_like = |code: &Cow<str>| {
        !code.is_empty() && code.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
    };
    let Some(code) = code.filter(token_like) else {
        return View::new(ctx).problem(StatusCode::NOT_FOUND, None, LinkProblem::Invalid);
    };
    let mut response = empty(StatusCode::SEE_OTHER);
    let headers = response.headers_mut();
    set(headers, "location", &format!("{}/{folder}/{code}", ctx.tenant.prefix()));
    set(headers, "referrer-policy", "no-referrer");
    set(headers, "cache-control", "no-store");
    response
}

/// A weakness as the person who typed the password reads it.
fn in_words(weakness: &Weakness, texts: &Texts) -> String {
    match weakness {
        Weakness::Empty => texts.weak_empty.to_owned(),
        Weakness::TooShort(least) => fill(texts.weak_short, &[("n", &least.to_string())]),
        Weakness::TooLong => fill(texts.weak_long, &[("n", &password::MAX_BYTES.to_string())]),
        Weakness::Common => texts.weak_common.to_owned(),
        Weakness::Obvious(word) => fill(texts.weak_obvious, &[("word", word)]),
        Weakness::Unprintable => texts.weak_untypable.to_owned(),
    }
}
