//! The pages that lead from a user's: another address, a password.

use ::http::StatusCode;
use maud::Markup;
use serde_json::{Value as Json, json};

use crate::base::account::Onboarding;
use crate::base::address::Address;
use crate::http::console::submission;
use crate::http::console::user::actions::Pressed;
use crate::http::console::user::attributes::{operation, with_address};
use crate::http::console::user::find_user;
use crate::http::console::{Console, as_problem};
use crate::http::error::ApiError;
use crate::http::request::Input;
use crate::http::response::Response;
use crate::invite::resend;
use crate::model::resource::Resource;
use crate::pages::console::form::Problem;
use crate::pages::console::user_forms::{self as pages, About, CORRECT_ADDRESS, SET_PASSWORD};
use crate::pages::console::{Section, page};
use crate::provision;

/// A page of one form about a user.
#[derive(Clone, Copy)]
enum FormPage<'a> {
    /// With the address that was typed, or is stored.
    Address(&'a str),
    Password,
}

impl FormPage<'_> {
    fn name(self) -> &'static str {
        match self {
            Self::Address(_) => CORRECT_ADDRESS,
            Self::Password => SET_PASSWORD,
        }
    }

    fn body(self, console: &Console, user: &Resource, problems: &[Problem]) -> Markup {
        let (operation, name) = (console.new_submission(), user.user_name());
        let about = About { id: &user.id, name: &name, operation: &operation, problems };
        let frame = &console.frame();
        match self {
            Self::Address(typed) => pages::address(frame, &about, typed),
            Self::Password => pages::password(frame, &about, user.account.onboarding == Onboarding::AskPassword),
        }
    }

    fn show(self, console: &Console, user: &Resource, problems: &[Problem]) -> Response {
        let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        let body = self.body(console, user, problems);
        console.html(status, page(&console.frame(), self.name(), problems, &body))
    }
}

/// Shows the page that a user makes.
fn show(input: Input, make: fn(&Resource) -> FormPage<'_>) -> Result<Response, ApiError> {
    let Input { state, headers, params, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Users);
    let user = find_user(&console.ctx, params.raw("id"))?;
    Ok(make(&user).show(&console, &user, &[]))
}

/// `GET /console/users/{id}/address`.
pub fn address(input: Input) -> Result<Response, ApiError> {
    show(input, |user| FormPage::Address(user.account.email.as_deref().unwrap_or_default()))
}

/// `POST /console/users/{id}/address`: the address that counts becomes this one, and the invitation goes to it.
pub fn correct_address(input: Input) -> Result<Response, ApiError> {
    let pressed = Pressed::read(input)?;
    let (console, ctx) = (&pressed.console, &pressed.console.ctx);
    let typed = pressed.form.read_text("email").unwrap_or_default().trim().to_owned();
    let user = find_user(ctx, &pressed.id)?;
    let shown = FormPage::Address(&typed);
    let refused = |problem: Problem| Ok(shown.show(console, &user, &[problem]));
    if Address::parse(&typed).is_none() {
        return refused(Problem::of("email", "Type one address, such as paul@somemail.com."));
    }
    if user.account.onboarding == Onboarding::None {
        return refused(Problem::general("They wait for no invitation: change the address among the attributes."));
    }

    submission::once(console, &pressed.form, || {
        if user.account.email.as_deref() == Some(&*typed) {
            return Ok(match resend::resend(ctx, &user.id) {
                Ok(resent) => {
                    let found = provision::Found { code: resent.code, ..resent.user.into() };
                    Ok(pressed.done(&user, &found, "The address is as it was."))
                }
                Err(error) => Err(refused(as_problem(error)?)?),
            });
        }
        Ok(match pressed.modify(vec![operation("emails", Some(replaced(&user, &typed)))]) {
            // A change of the address alone does not bring a withdrawn invitation back.
            Ok(found) if found.resource.account.is_revoked() && !found.resource.account.is_barred() => {
                let resent = resend::resend(ctx, &user.id)?;
                let found = provision::Found { code: resent.code, ..resent.user.into() };
                Ok(pressed.done(&user, &found, &format!("The address is now {typed}.")))
            }
            Ok(found) => Ok(pressed.done(&user, &found, &format!("The address is now {typed}."))),
            Err(error) if error.status() == StatusCode::FORBIDDEN => return Err(error),
            Err(error) => Err(refused(Problem::of("email", as_problem(error)?.text))?),
        })
    })
}

/// The addresses of a user with this one in the place of the one that counts.
fn replaced(user: &Resource, address: &str) -> Json {
    let document = user.attributes();
    let mut emails = document.get("emails").and_then(Json::as_array).cloned().unwrap_or_default();
    let counted = emails.iter().position(|email| email["value"].as_str() == user.account.email.as_deref());
    match counted.and_then(|place| emails.get_mut(place)) {
        Some(email) => *email = with_address(email, address),
        None => emails.insert(0, json!({ "value": address, "primary": true })),
    }
    Json::Array(emails)
}

/// `GET /console/users/{id}/password`.
pub fn password(input: Input) -> Result<Response, ApiError> {
    show(input, |_| FormPage::Password)
}

/// `POST /console/users/{id}/password`.
pub fn set_password(input: Input) -> Result<Response, ApiError> {
    let pressed = Pressed::read(input)?;
    let console = &pressed.console;
    let text = |name: &str| pressed.form.read_text(name).unwrap_or_default();
    let (password, confirmed) = (text("password"), text("confirm"));
    let user = find_user(&console.ctx, &pressed.id)?;
    let refused = |problem: Problem| Ok(FormPage::Password.show(console, &user, &[problem]));
    if password.is_empty() {
        return refused(Problem::of("password", "Type a password."));
    }
    if password != confirmed {
        return refused(Problem::of("confirm", "The two passwords differ: type both again."));
    }

    submission::once(console, &pressed.form, || {
        Ok(match pressed.modify(vec![operation("password", Some(json!(password)))]) {
            Ok(found) => {
                let message = format!("The password of {} is set. Nobody is told of it.", user.user_name());
                Ok(pressed.done(&user, &found, &message))
            }
            Err(error) if error.status() == StatusCode::FORBIDDEN => return Err(error),
            Err(error) => Err(refused(Problem::of("password", as_problem(error)?.text))?),
        })
    })
}
