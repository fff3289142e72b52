//! The pages behind a mailed link. GET shows and changes nothing; only a POST redeems.
//!
//! There is no cookie here and no check of where a form came from: the token in the path is the credential, and mail
//! programs open links through redirectors of their own.

use std::sync::{Arc, OnceLock};

use ::http::{StatusCode, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::base::account::{Cause, Onboarding};
use crate::base::token::{Claims, Purpose, Refused, stated_purpose};
use crate::http::body::TooLarge;
use crate::http::error::{ApiError, Failure, RETRY_SECONDS, retry_after};
use crate::http::form::Form;
use crate::http::reasons::reasons;
use crate::http::request::{Input, Query};
use crate::http::response;
use crate::http::response::Response;
use crate::i18n::Language;
use crate::invite::redeem::{
    self, ACCEPTS_INVITATION, CONFIRMS_ADDRESS, Link, RESETS_PASSWORD, Redeemed, WithSettings,
};
use crate::invite::renewal;
use crate::model::context::Context;
use crate::model::resource::Resource;
use crate::model::settings::EmailSender;
use crate::model::settings::Settings;
use crate::pages::invite::{
    self, CONFIRM_EMAIL, CONFIRM_FIELD, Confirms, INTENT_FIELD, LinkProblem, PASSWORD_FIELD, REQUEST_NEW_MAIL,
    SetPasswordPage,
};
use crate::pages::layout::Shell;
use crate::pages::problem;
use crate::ports::DatabaseError;

/// The state that the pages of one request share.
struct View<'a> {
    ctx: &'a Context,
    prefix: String,
    /// What holds for the tenant, as looking up the link has read it.
    read: OnceLock<Arc<Settings>>,
    /// What the page goes by where nothing was read: for an expired link, or a database that does not answer.
    last_known: OnceLock<Arc<Settings>>,
}

impl<'a> View<'a> {
    fn new(ctx: &'a Context) -> Self {
        Self { ctx, prefix: ctx.tenant.prefix(), read: OnceLock::new(), last_known: OnceLock::new() }
    }

    fn settings(&self) -> &Settings {
        self.read.get().unwrap_or_else(|| self.last_known.get_or_init(|| self.ctx.last_known_settings()))
    }

    /// Takes what came of a link, and shows the settings that were read with it from now on.
    fn take<T>(&self, (outcome, settings): WithSettings<T>) -> T {
        if let Some(settings) = settings {
            self.read.get_or_init(|| settings);
        }
        outcome
    }

    /// Opens the link of these claims.
    fn open(&self, claims: &Claims) -> Result<Link, DatabaseError> {
        redeem::open(self.ctx, claims.clone()).map(|opened| self.take(opened))
    }

    /// The shell in the language of an authentic token, naming the organization; for any other token it names nobody.
    fn shell<'b>(&'b self, claims: Option<&'b Claims>) -> Shell<'b> {
        match claims {
            Some(claims) => Shell {
                prefix: &self.prefix,
                locale: &claims.locale,
                organization: &self.settings().organization_name,
                support: self.settings().support().unwrap_or_default(),
                brand: Some(self.settings()),
            },
            None => Shell { prefix: &self.prefix, ..Shell::default() },
        }
    }

    fn problem(&self, status: StatusCode, claims: Option<&Claims>, problem: LinkProblem) -> Response {
        let way_on = self.way_on(problem, claims);
        let way_on = way_on.as_ref().map(|(path, words)| (path.as_str(), *words));
        response::page(status, invite::link_problem_with(&self.shell(claims), problem, way_on))
    }

    /// Where somebody who has had a password asks for a link: beside a link that is dead for another reason than that it has
    /// been withdrawn.
    fn way_on(&self, problem: LinkProblem, claims: Option<&Claims>) -> Option<(String, &'static str)> {
        let claims = claims?;
        let settings = self.settings();
        let texts = Language::for_locale(&claims.locale).pages();
        let words = match problem {
            LinkProblem::Accepted { .. } => texts.forgotten,
            LinkProblem::ResetExpired { .. } | LinkProblem::ResetAddressChanged => texts.recover_again,
            LinkProblem::Replaced { .. } if claims.purpose.resets_password() => texts.recover_again,
            _ => return None,
        };
        let is_mailed = settings.password_recovery && settings.email_sender == EmailSender::Internal;
        is_mailed.then(|| (format!("{}/recover", self.prefix), words))
    }

    /// The page of a link that does not work.
    fn not_live(&self, uri: &Uri, link: &Link) -> Response {
        match link {
            Link::Expired(claims) if claims.purpose.resets_password() => {
                let until = i64::try_from(claims.expires_at).ok();
                self.problem(StatusCode::GONE, Some(claims), LinkProblem::ResetExpired { until })
            }
            Link::Expired(claims) => {
                let until = i64::try_from(claims.expires_at).ok();
                let path = self.button_for_new_mail(uri);
                let problem = LinkProblem::Expired { until, request_new: path.as_deref() };
                self.problem(StatusCode::GONE, Some(claims), problem)
            }
            Link::Dead { claims, cause, renewable } => {
                let path = renewable.then(|| self.button_for_new_mail(uri)).flatten();
                let request_new = path.as_deref();
                let sign_in = self.settings().sign_in_url.as_deref();
                let problem = match cause {
                    Cause::Accepted if claims.purpose == Purpose::VerifyEmail => LinkProblem::Confirmed { sign_in },
                    Cause::PasswordChanged if claims.purpose == Purpose::VerifyEmail => {
                        LinkProblem::NotPending { sign_in }
                    }
                    Cause::Accepted | Cause::PasswordChanged => LinkProblem::Accepted { sign_in },
                    Cause::Revoked => LinkProblem::Revoked,
                    Cause::GivenUp => LinkProblem::NotPending { sign_in },
                    Cause::Replaced => LinkProblem::Replaced { request_new },
                    Cause::AddressChanged if claims.purpose.resets_password() => LinkProblem::ResetAddressChanged,
                    Cause::AddressChanged => LinkProblem::AddressChanged { request_new },
                    Cause::Locked => LinkProblem::Locked,
                };
                self.problem(StatusCode::GONE, Some(claims), problem)
            }
            Link::Live(..) | Link::OtherTenant | Link::Invalid => {
                self.problem(StatusCode::NOT_FOUND, None, LinkProblem::Invalid)
            }
        }
    }

    /// Where the button for a new mail sends its form; `None` where codes are handed on by others, and no mail would come.
    fn button_for_new_mail(&self, uri: &Uri) -> Option<String> {
        (self.settings().email_sender == EmailSender::Internal).then(|| self.path(uri))
    }

    fn form(&self, status: StatusCode, uri: &Uri, claims: &Claims, user: &Resource, problems: &[String]) -> Response {
        response::page(
            status,
            invite::set_password(&SetPasswordPage {
                shell: self.shell(Some(claims)),
                action: &self.path(uri),
                user_name: &user.user_name(),
                min_length: self.settings().password_min_length as usize,
                is_reset: claims.purpose.resets_password(),
                problems,
            }),
        )
    }

    fn button(&self, status: StatusCode, uri: &Uri, claims: &Claims, user: &Resource) -> Response {
        let email = user.account.pending_email.as_deref().or(user.account.email.as_deref()).unwrap_or_default();
        let (shell, path) = (self.shell(Some(claims)), self.path(uri));
        response::page(status, invite::verify_email(&shell, &path, email, confirms(user)))
    }

    /// The path of the page that was asked for.
    fn path(&self, uri: &Uri) -> String {
        format!("{}{}", self.prefix, uri.path())
    }

    /// 503, with a way back to the page of an authentic link.
    fn busy(&self, uri: &Uri, claims: &Claims) -> Response {
        let html = problem::busy(&self.shell(Some(claims)), RETRY_SECONDS, Some(&self.path(uri)));
        retry_after(response::page(StatusCode::SERVICE_UNAVAILABLE, html), RETRY_SECONDS)
    }

    /// The same for a database that does not answer; the failure goes to the log.
    fn unavailable(&self, uri: &Uri, claims: &Claims, failure: &DatabaseError) -> Response {
        let mut response = self.busy(uri, claims);
        response.extensions_mut().insert(Failure::from(failure));
        response
    }

    /// What a database that fails means for the holder of an authentic link: nothing but to try again.
    fn failed(&self, uri: &Uri, claims: &Claims, failure: DatabaseError) -> Result<Response, ApiError> {
        if matches!(failure, DatabaseError::Unavailable(_)) {
            Ok(self.unavailable(uri, claims, &failure))
        } else {
            Err(failure.into())
        }
    }
}

/// The answer to the button for a new mail. Of an expired link it is the same, and after the same work, whatever became of
/// the user; of one in time, its page has told already.
fn new_mail(view: &View<'_>, uri: &Uri, claims: &Claims) -> Response {
    match renewal::request(view.ctx, claims) {
        Ok(()) => response::page(StatusCode::OK, invite::new_mail_requested(&view.shell(Some(claims)))),
        Err(failure) => view.unavailable(uri, claims, &failure),
    }
}

/// What the token of a POST says. The error is the answer: to the button for a new mail, or the page of a link that does
/// not work.
fn verify_posted(
    view: &View<'_>,
    uri: &Uri,
    form: &Form,
    token: &str,
    purposes: &[Purpose],
) -> Result<Claims, Result<Response, ApiError>> {
    // Whoever has had a password asks for a link by another page.
    let asks_for_mail = is_intent(form, REQUEST_NEW_MAIL) && purposes != RESETS_PASSWORD;
    let claims = match redeem::verify(view.ctx, token, purposes) {
        Ok(claims) => claims,
        Err(Refused::Expired(claims)) if asks_for_mail => return Err(Ok(new_mail(view, uri, &claims))),
        Err(refused) => return Err(Ok(view.not_live(uri, &refused.into()))),
    };
    if asks_for_mail {
        match view.open(&claims) {
            Ok(Link::Dead { renewable: true, .. }) if view.button_for_new_mail(uri).is_some() => {
                return Err(Ok(new_mail(view, uri, &claims)));
            }
            Ok(_) => {}
            Err(failure) => return Err(view.failed(uri, &claims, failure)),
        }
    }
    Ok(claims)
}

fn is_intent(form: &Form, intent: &str) -> bool {
    form.read_text(INTENT_FIELD).is_some_and(|sent| sent == intent)
}

/// The folders whose pages are behind mailed links.
const FOLDERS: [&str; 3] = ["/invite/", "/verify/", "/reset/"];

/// What stands behind the token where the script says that somebody types.
const STARTED: &str = "/started";

/// Whether a token can have this character (docs/token.md).
fn is_token_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

/// A token without what mail programs leave behind it: whatever cannot be a part of one, such as punctuation, white space,
/// tags and character references, and what follows that. What stands before its last part, or in another segment of the
/// path, stays, and is for the token's own check.
fn without_tail(token: &str) -> &str {
    let cannot_end = |c| c == '.' || !is_token_character(c);
    let trimmed = token.trim_end_matches(cannot_end);
    let Some(end) = trimmed.find(|c| !is_token_character(c)) else { return trimmed };
    let (whole, behind) = trimmed.split_at(end);
    let parts = whole.split('.').filter(|part| !part.is_empty()).count();
    if parts < TOKEN_PARTS || !is_left_behind(behind) { trimmed } else { whole.trim_end_matches(cannot_end) }
}

/// Whether mail programs leave this behind an address, rather than that somebody has spelt a token otherwise: no further
/// segment, no line end or other control character, and after `=` what quoted-printable puts there.
fn is_left_behind(text: &str) -> bool {
    match text.chars().next() {
        Some('=') => text.get(1..3).is_some_and(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit())),
        Some(c) => c != '/' && !c.is_control(),
        None => false,
    }
}

/// The parts of a token, with dots between them (docs/token.md).
const TOKEN_PARTS: usize = 3;

/// The path of a mailed page as the mail had it, of one that a mail program has written anew: without one layer of
/// percent-encoding, and without a tail. `None` for other paths. What is left may be anything; it is one segment, so that
/// the page says what is wrong with the link.
#[must_use]
pub fn cleaned(path: &str) -> Option<String> {
    let folder = FOLDERS.into_iter().find(|folder| path.starts_with(folder))?;
    let rest = path.get(folder.len()..)?;
    let said = rest.strip_suffix(STARTED).filter(|token| folder == FOLDERS[0] && !token.contains('/'));
    let decoded = percent_decode_str(said.unwrap_or(rest)).decode_utf8_lossy();
    let token = without_tail(&decoded);
    if token.is_empty() {
        return None;
    }
    let segment = utf8_percent_encode(token, TOKEN);
    Some(format!("{folder}{segment}{}", if said.is_some() { STARTED } else { "" }))
}

/// Everything but the characters of a token.
const TOKEN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');

fn too_large(_: TooLarge) -> ApiError {
    ApiError::too_large("The form is too large.")
}

/// `GET /invite/{token}`: the form, or what is wrong with the link.
pub fn invite_page(input: Input) -> Result<Response, ApiError> {
    password_page(input, ACCEPTS_INVITATION)
}

/// `GET /reset/{token}`: the same for somebody who has had a password.
pub fn reset_page(input: Input) -> Result<Response, ApiError> {
    password_page(input, RESETS_PASSWORD)
}

fn password_page(input: Input, purposes: &[Purpose]) -> Result<Response, ApiError> {
    let Input { state, uri, params, .. } = input;
    let view = View::new(&state.ctx);
    let claims = match redeem::verify(&state.ctx, params.raw("token"), purposes) {
        Ok(claims) => claims,
        Err(refused) => return Ok(view.not_live(&uri, &refused.into())),
    };
    match view.open(&claims) {
        Ok(Link::Live(claims, user)) => Ok(view.form(StatusCode::OK, &uri, &claims, &user, &[])),
        Ok(other) => Ok(view.not_live(&uri, &other)),
        Err(failure) => view.failed(&uri, &claims, failure),
    }
}

/// `POST /invite/{token}` with `password`, and `confirm` where the form asks twice.
pub fn set_password(input: Input) -> Result<Response, ApiError> {
    take_password(input, ACCEPTS_INVITATION)
}

/// `POST /reset/{token}`: the same for somebody who has had a password.
pub fn reset_password(input: Input) -> Result<Response, ApiError> {
    take_password(input, RESETS_PASSWORD)
}

fn take_password(input: Input, purposes: &[Purpose]) -> Result<Response, ApiError> {
    let Input { state, uri, params, body, .. } = input;
    let form = body.form().map_err(too_large)?;
    let ctx = &state.ctx;
    let view = View::new(ctx);
    let claims = match verify_posted(&view, &uri, &form, params.raw("token"), purposes) {
        Ok(claims) => claims,
        Err(answer) => return answer,
    };
    let (password, confirm) = match (form.field(PASSWORD_FIELD).transpose(), form.field(CONFIRM_FIELD).transpose()) {
        (Ok(password), Ok(confirm)) => (password.unwrap_or_default(), confirm),
        _ => {
            return match view.open(&claims) {
                Ok(Link::Live(claims, user)) => {
                    let problems = [Language::for_locale(&claims.locale).pages().weak_garbled.to_owned()];
                    Ok(view.form(StatusCode::UNPROCESSABLE_ENTITY, &uri, &claims, &user, &problems))
                }
                Ok(other) => Ok(view.not_live(&uri, &other)),
                Err(failure) => view.failed(&uri, &claims, failure),
            };
        }
    };
    let redeemed = match redeem::set_password(ctx, &state.gate, claims.clone(), &password, confirm.as_deref()) {
        Ok(redeemed) => view.take(redeemed),
        Err(failure) => return view.failed(&uri, &claims, failure),
    };
    Ok(match redeemed {
        Redeemed::Done(claims, user) => {
            let sign_in = view.settings().sign_in_url.as_deref();
            let is_reset = claims.purpose.resets_password();
            let html = invite::password_set(&view.shell(Some(&claims)), &user.user_name(), sign_in, is_reset);
            response::page(StatusCode::OK, html)
        }
        Redeemed::Refused(claims, user, weaknesses) => {
            let problems = reasons(&weaknesses, Language::for_locale(&claims.locale).pages());
            view.form(StatusCode::UNPROCESSABLE_ENTITY, &uri, &claims, &user, &problems)
        }
        Redeemed::Mismatch(claims, user) => {
            let problems = [Language::for_locale(&claims.locale).pages().mismatch.to_owned()];
            view.form(StatusCode::UNPROCESSABLE_ENTITY, &uri, &claims, &user, &problems)
        }
        Redeemed::NotLive(link) => view.not_live(&uri, &link),
        Redeemed::Busy(claims) => view.busy(&uri, &claims),
    })
}

/// `POST /invite/{token}/started`: the script says that somebody types a password. Nothing follows, so that the page stays.
pub fn start(input: Input) -> Result<Response, ApiError> {
    let Input { state, uri, params, .. } = input;
    let view = View::new(&state.ctx);
    match redeem::verify(&state.ctx, params.raw("token"), ACCEPTS_INVITATION) {
        Ok(claims) => match redeem::start(&state.ctx, &claims) {
            Ok(()) => Ok(response::empty(StatusCode::NO_CONTENT)),
            Err(failure) => view.failed(&uri, &claims, failure),
        },
        Err(refused) => Ok(view.not_live(&uri, &refused.into())),
    }
}

/// `GET /verify/{token}`: one button, or what is wrong with the link.
pub fn verify_page(input: Input) -> Result<Response, ApiError> {
    let Input { state, uri, params, .. } = input;
    let view = View::new(&state.ctx);
    match redeem::verify(&state.ctx, params.raw("token"), CONFIRMS_ADDRESS) {
        Ok(claims) => offer_to_verify(&view, &uri, claims, StatusCode::OK),
        Err(refused) => Ok(view.not_live(&uri, &refused.into())),
    }
}

fn offer_to_verify(view: &View<'_>, uri: &Uri, claims: Claims, status: StatusCode) -> Result<Response, ApiError> {
    match view.open(&claims) {
        Ok(Link::Live(claims, user)) => Ok(view.button(status, uri, &claims, &user)),
        Ok(other) => Ok(view.not_live(uri, &other)),
        Err(failure) => view.failed(uri, &claims, failure),
    }
}

/// `POST /verify/{token}`: the button, which sends a hidden field. A POST without it is not the button's, and changes
/// nothing: mail scanners have been seen to send one.
pub fn confirm_email(input: Input) -> Result<Response, ApiError> {
    let Input { state, uri, params, body, .. } = input;
    let ctx = &state.ctx;
    let form = body.form().map_err(too_large)?;
    let view = View::new(ctx);
    let claims = match verify_posted(&view, &uri, &form, params.raw("token"), CONFIRMS_ADDRESS) {
        Ok(claims) => claims,
        Err(answer) => return answer,
    };
    if !is_intent(&form, CONFIRM_EMAIL) {
        return offer_to_verify(&view, &uri, claims, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let redeemed = match redeem::confirm_email(ctx, claims.clone()) {
        Ok(redeemed) => view.take(redeemed),
        Err(failure) => return view.failed(&uri, &claims, failure),
    };
    Ok(match redeemed {
        Redeemed::Done(claims, user) => {
            let sign_in = view.settings().sign_in_url.as_deref();
            let html = invite::email_verified(&view.shell(Some(&claims)), sign_in, confirms(&user));
            response::page(StatusCode::OK, html)
        }
        Redeemed::NotLive(link) => view.not_live(&uri, &link),
        // Nothing is typed on this page, so that nothing can be refused.
        Redeemed::Refused(claims, ..) | Redeemed::Mismatch(claims, _) | Redeemed::Busy(claims) => {
            view.busy(&uri, &claims)
        }
    })
}

/// Confirming finishes the account of whoever waits for it, and changes the address of anybody else.
fn confirms(user: &Resource) -> Confirms {
    if user.account.onboarding == Onboarding::None { Confirms::Change } else { Confirms::Account }
}

/// WSO2's address of the set-password page: `?confirmation=`.
pub fn confirm_recovery(input: Input) -> Result<Response, ApiError> {
    Ok(redirect(&input.state.ctx, &input.query, "invite"))
}

/// WSO2's address of the confirm-e-mail page: `?confirmation=`.
pub fn confirm_registration(input: Input) -> Result<Response, ApiError> {
    Ok(redirect(&input.state.ctx, &input.query, "verify"))
}

fn redirect(ctx: &Context, query: &Query, folder: &str) -> Response {
    // In HTML that was taken for text, parameters are parted by `&amp;`.
    let is_code = |name: &str| name.strip_prefix("amp;").unwrap_or(name) == "confirmation";
    let code = query.pairs().find(|(name, _)| is_code(name)).map(|(_, value)| value);
    // What is no token's spelling goes nowhere: not into a header, not into a path.
    let code =
        code.as_deref().map(without_tail).filter(|code| !code.is_empty() && code.chars().all(is_token_character));
    let Some(code) = code else {
        return View::new(ctx).problem(StatusCode::NOT_FOUND, None, LinkProblem::Invalid);
    };
    let resets = folder == "invite" && stated_purpose(code).is_some_and(Purpose::resets_password);
    let folder = if resets { "reset" } else { folder };
    response::see_other(&format!("{}/{folder}/{code}", ctx.tenant.prefix()))
}
