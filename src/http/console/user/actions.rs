//! The buttons of a user's page. Each calls the room that the API calls.

use ::http::StatusCode;
use serde_json::{Value as Json, json};

use crate::base::text::rfc3339;
use crate::http::console::submission::{self, Done};
use crate::http::console::user::attributes::{operation, patch};
use crate::http::console::user::{find_user, mails_said, path_of, user_page};
use crate::http::console::users::UNDO;
use crate::http::console::{Console, handed_over, read_form, user_type};
use crate::http::error::ApiError;
use crate::http::form::Form;
use crate::http::request::{Input, RequestState};
use crate::http::response::Response;
use crate::invite::{offline, resend as invitations, revoke as revocation};
use crate::model::context::Context;
use crate::model::resource::{Resource, USER, WSO2_SCHEMA};
use crate::model::role::Role;
use crate::pages::console::form::Problem;
use crate::pages::console::{Section, users, words};
use crate::provision::{self, Budget, Expected, Found, deletion};
use crate::store::resources::find;

/// A button that was pressed, with its form.
pub struct Pressed {
    /// The console.
    pub console: Console,
    /// What goes with the context.
    pub state: RequestState,
    /// The user's id.
    pub id: String,
    /// The form.
    pub form: Form,
}

impl Pressed {
    /// Reads the request.
    ///
    /// # Errors
    /// 413
    pub fn read(input: Input) -> Result<Self, ApiError> {
        let Input { state, headers, params, body, .. } = input;
        let console = Console::new(&state.ctx, &headers, Section::Users);
        let form = read_form(body)?;
        Ok(Self { console, id: params.raw("id").to_owned(), form, state })
    }

    /// Changes the user by a PATCH of these operations.
    ///
    /// # Errors
    /// The room's.
    pub fn modify(&self, operations: Vec<Json>) -> Result<Found, ApiError> {
        let ctx = &self.console.ctx;
        let rt = user_type(ctx)?;
        let body = patch(operations);
        Ok(provision::modify(ctx, &Budget::new(self.state.gate.clone()), &rt, &self.id, &body, Expected::Any, false)?)
    }

    /// What follows a change: the user's page with the message and what goes out, or the link that goes to the caller.
    pub fn done(&self, before: &Resource, found: &Found, message: &str) -> Done {
        let (user, path) = (&found.resource, path_of(&found.resource));
        if let Some(code) = &found.code {
            let response = handed_over(&self.console, StatusCode::OK, user, code);
            return Done::shown(&path, &format!("{message} The link was shown once."), response);
        }
        match mails_said(before, user) {
            Some(mails) => Done::then(path, format!("{message} {mails}")),
            None => Done::then(path, message),
        }
    }

    /// The user's page with why the button did nothing; what is not the sender's to mend stays an error.
    fn explain(&self, error: ApiError) -> Result<Response, ApiError> {
        let status = error.status();
        match error.detail() {
            Some(detail) if matches!(status.as_u16(), 400 | 409 | 429) => {
                let user = find_user(&self.console.ctx, &self.id)?;
                user_page(&self.console, &user, status, None, &[Problem::general(detail)])
            }
            _ => Err(error),
        }
    }

    /// Carries the button out once.
    fn once(&self, act: impl FnOnce() -> Result<Done, ApiError>) -> Result<Response, ApiError> {
        submission::once(&self.console, &self.form, || match act() {
            Ok(done) => Ok(Ok(done)),
            Err(error) => self.explain(error).map(Err),
        })
    }
}

/// 403 for who would keep themselves out.
///
/// # Errors
/// 403
pub fn check_other(ctx: &Context, id: &str) -> Result<(), ApiError> {
    if ctx.actor.is_user(id) {
        return Err(ApiError::forbidden("Nobody locks, disables or deletes themselves on the console."));
    }
    Ok(())
}

/// `POST /console/users/{id}/resend`.
pub fn resend(input: Input) -> Result<Response, ApiError> {
    let pressed = Pressed::read(input)?;
    let act = || {
        let resent = invitations::resend(&pressed.console.ctx, &pressed.id)?;
        let (user, path) = (&resent.user, path_of(&resent.user));
        if let Some(code) = &resent.code {
            let response = handed_over(&pressed.console, StatusCode::OK, user, code);
            return Ok(Done::shown(&path, "The link was shown once: older ones are dead.", response));
        }
        let to = user.account.pending_email.as_deref().or(user.account.email.as_deref()).unwrap_or_default();
        Ok(Done::then(path, format!("The invitation to {to} is on its way again. Older links are dead.")))
    };
    pressed.once(act)
}

/// `POST /console/users/{id}/revoke`.
pub fn revoke(input: Input) -> Result<Response, ApiError> {
    let pressed = Pressed::read(input)?;
    let act = || {
        let user = revocation::revoke(&pressed.console.ctx, &pressed.id)?;
        Ok(Done::then(path_of(&user), "The invitation is revoked: its links are dead."))
    };
    pressed.once(act)
}

/// `POST /console/users/{id}/link`: shows a link once. What was mailed lives on.
pub fn link(input: Input) -> Result<Response, ApiError> {
    let pressed = Pressed::read(input)?;
    let act = || {
        let made = offline::create_token_by_id(&pressed.console.ctx, &pressed.id)?;
        let (code, user) = made.map_err(|refused| match refused {
            offline::OfflineLinkError::Unknown => ApiError::missing(refused.to_string()),
            offline::OfflineLinkError::Forbidden(error) => error.into(),
            other => ApiError::conflict(other.to_string()),
        })?;
        let response = handed_over(&pressed.console, StatusCode::OK, &user, &code);
        Ok(Done::shown(&path_of(&user), "The link was shown once.", response))
    };
    pressed.once(act)
}

/// `POST /console/users/{id}/lock`.
pub fn lock(input: Input) -> Result<Response, ApiError> {
    set(input, "accountLocked", true, "The account is locked, and its sessions are over.")
}

/// `POST /console/users/{id}/unlock`.
pub fn unlock(input: Input) -> Result<Response, ApiError> {
    set(input, "accountLocked", false, "The account is unlocked.")
}

/// `POST /console/users/{id}/disable`.
pub fn disable(input: Input) -> Result<Response, ApiError> {
    set(input, "accountDisabled", true, "The account is disabled, and its sessions are over.")
}

/// `POST /console/users/{id}/enable`.
pub fn enable(input: Input) -> Result<Response, ApiError> {
    set(input, "accountDisabled", false, "The account is enabled.")
}

/// Sets what keeps an account out, or lets it in again.
fn set(input: Input, name: &str, value: bool, message: &str) -> Result<Response, ApiError> {
    let pressed = Pressed::read(input)?;
    if value {
        check_other(&pressed.console.ctx, &pressed.id)?;
    }
    let act = || {
        let before = find_user(&pressed.console.ctx, &pressed.id)?;
        let path = format!("{WSO2_SCHEMA}:{name}");
        let found = pressed.modify(vec![operation(&path, Some(json!(value)))])?;
        Ok(pressed.done(&before, &found, message))
    };
    pressed.once(act)
}

/// `POST /console/users/{id}/delete`: by a job, which can be undone for a minute.
pub fn delete(input: Input) -> Result<Response, ApiError> {
    let pressed = Pressed::read(input)?;
    let ctx = &pressed.console.ctx;
    check_other(ctx, &pressed.id)?;
    let act = || {
        let rt = user_type(ctx)?;
        let budget = Budget::new(pressed.state.gate.clone());
        let user = deletion::ask(ctx, &budget, &rt, &pressed.id)?.resource;
        let at = user.account.deletion.map(|deletion| words(&rfc3339(deletion.at))).unwrap_or_default();
        let message = format!("{} is deleted at {at}, and disabled until then.", user.user_name());
        Ok(Done::then(format!("{}?{UNDO}={}", users::PATH, user.id), message))
    };
    pressed.once(act)
}

/// `POST /console/users/{id}/undo`. Twice, it does nothing more.
pub fn undo(input: Input) -> Result<Response, ApiError> {
    let pressed = Pressed::read(input)?;
    let ctx = &pressed.console.ctx;
    let rt = user_type(ctx)?;
    let before = find::by_id(&ctx.in_store_of(&pressed.id), USER, &pressed.id, true)?;
    let Some(before) = before else {
        return Ok(pressed.console.done(users::PATH, "The user is deleted already: undo came too late."));
    };
    let message = format!("{} is not deleted.", before.user_name());
    if before.account.deletion.is_none() {
        return Ok(pressed.console.done(&path_of(&before), &message));
    }
    match deletion::undo(ctx, &Budget::new(pressed.state.gate.clone()), &rt, &pressed.id).map_err(ApiError::from) {
        Ok(found) => Ok(pressed.done(&before, &found, &message).into_response(&pressed.console)),
        Err(error) => pressed.explain(error),
    }
}

/// `POST /console/users/{id}/roles`: the roles that the user has by themselves. Values that name no role stay.
pub fn set_roles(input: Input) -> Result<Response, ApiError> {
    let pressed = Pressed::read(input)?;
    let act = || {
        let before = find_user(&pressed.console.ctx, &pressed.id)?;
        let document = before.attributes();
        let stored = document.get("roles").and_then(Json::as_array).cloned().unwrap_or_default();
        let named = |value: &Json| value["value"].as_str().and_then(Role::named);
        let is_wanted = |role: Role| pressed.form.read_text(role.name()).is_some();
        let mut roles: Vec<Json> = stored.into_iter().filter(|value| named(value).is_none_or(is_wanted)).collect();
        let missing: Vec<Role> = Role::ALL
            .into_iter()
            .filter(|role| is_wanted(*role) && !roles.iter().any(|value| named(value) == Some(*role)))
            .collect();
        roles.extend(missing.into_iter().map(|role| json!({ "value": role.name() })));
        let value = (!roles.is_empty()).then(|| Json::Array(roles));
        let found = pressed.modify(vec![operation("roles", value)])?;
        Ok(pressed.done(&before, &found, "The roles are saved."))
    };
    pressed.once(act)
}
