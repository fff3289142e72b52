//! WSO2's code endpoints: bodies of `/api/identity/recovery/v0.9`, `/api/identity/user/v1.0` and
//! `/api/users/v1/offline-invite-link`, and their error codes (`ErrorMessages` of its recovery component).

use serde_json::{Value as Json, json};

use crate::base::account::{Account, Cause, Onboarding};
use crate::base::token::{Claims, Purpose};
use crate::invite::offline::OfflineLinkError;
use crate::invite::redeem::Link;
use crate::model::context::Context;
use crate::model::resource::Resource;
use crate::model::tenant::Tenant;
use crate::model::user_stores::UserStores;
use crate::wso2::error::Error;

/// The step at which a code is good for setting a password.
const UPDATE_PASSWORD: &str = "UPDATE_PASSWORD";
/// All that a code may be for.
pub const ANY_PURPOSE: &[Purpose] =
    &[Purpose::AskPassword, Purpose::VerifyEmail, Purpose::Offline, Purpose::Reset, Purpose::OfflineReset];

/// Returns a 400, which is what all these endpoints have for a client's mistake.
fn bad_request(code: &'static str, description: impl Into<String>) -> Error {
    Error::without_message(400, code, description)
}

/// Returns a member of a body as text; empty when it is missing or something else.
#[must_use]
pub fn read_text<'j>(body: &'j Json, name: &str) -> &'j str {
    body[name].as_str().unwrap_or_default()
}

/// Checks the step that a recovery code is to be good for; a blank one is not checked.
///
/// # Errors
/// 18001
pub fn check_step(body: &Json) -> Result<(), Error> {
    match read_text(body, "step").trim() {
        "" | UPDATE_PASSWORD => Ok(()),
        _ => Err(bad_request("18001", "The code is not for this step: codes here are for UPDATE_PASSWORD.")),
    }
}

/// Which of the endpoints asks: each says in its own way that a code is another tenant's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `recovery/v0.9/validate-code`
    ValidateRecovery,
    /// `recovery/v0.9/set-password`
    SetPassword,
    /// `user/v1.0`
    User,
}

/// Returns why a code does not work. Codes are never quoted: whoever sees an error need not be who may use them.
#[must_use]
pub fn not_live(link: &Link, endpoint: Endpoint, tenant: &Tenant) -> Error {
    let domain = tenant.domain();
    let (code, description) = match link {
        Link::OtherTenant => match endpoint {
            Endpoint::ValidateRecovery => ("", format!("Invalid tenant domain: {domain}.")),
            Endpoint::SetPassword => ("UAR-10005", format!("Invalid tenant domain: {domain}.")),
            Endpoint::User => ("18016", format!("Invalid tenant '{domain}'.")),
        },
        Link::Expired(_) => ("18002", "The code has expired: ask for a new one.".to_owned()),
        Link::Dead { cause: Cause::Locked, .. } => {
            ("17003", "An administrator has locked or disabled the account since the code was sent.".to_owned())
        }
        Link::Dead { cause: Cause::AddressChanged | Cause::GivenUp, .. } if endpoint == Endpoint::User => {
            ("18023", "The link is no longer valid: the user's address has changed since it was sent.".to_owned())
        }
        Link::Dead { cause, .. } => (
            "18001",
            match cause {
                Cause::Revoked => "The invitation has been withdrawn.",
                Cause::Replaced => "A newer code has been sent: only the newest works.",
                Cause::AddressChanged | Cause::GivenUp => {
                    "The user's address has changed: the code sent to the new one works."
                }
                Cause::Accepted | Cause::Locked => "The code has been used already.",
                Cause::PasswordChanged => "The password has been changed since the code was sent.",
            }
            .to_owned(),
        ),
        Link::Live(..) | Link::Invalid => ("18001", "The code is not valid.".to_owned()),
    };
    bad_request(code, description)
}

/// Returns the error of a code that sets a password: it is none that `user/v1.0` confirms: who has it has not shown that the mailbox is theirs.
#[must_use]
pub fn not_confirmable() -> Error {
    bad_request("USR-10001", "The code is for setting a password: use recovery/v0.9/set-password.")
}

/// Returns a user, as these endpoints show one.
#[must_use]
pub fn user(ctx: &Context, user: &Resource) -> Json {
    let mut shown = introspected_user(ctx, user);
    shown["userId"] = json!(user.id);
    shown
}

fn introspected_user(ctx: &Context, user: &Resource) -> Json {
    let name = user.user_name();
    let (realm, name) = ctx.deployment.user_stores.split(&name);
    json!({ "username": name, "realm": realm, "tenant-domain": ctx.tenant.domain() })
}

/// Returns what a code that confirms an address is for. WSO2 stores the code of `verifyEmail` as that of a self-registration.
#[must_use]
pub fn introspected(ctx: &Context, user: &Resource, is_expired: bool) -> Json {
    let (scenario, step) = if Scenario::NewAddress.awaits(&user.account) {
        ("EMAIL_VERIFICATION_ON_UPDATE", "VERIFY_EMAIL")
    } else {
        ("SELF_SIGN_UP", "CONFIRM_SIGN_UP")
    };
    json!({
        "user": introspected_user(ctx, user),
        "recoveryScenario": scenario,
        "recoveryStep": step,
        "isExpired": is_expired,
    })
}

/// Returns the error of a weak password: 20035, with the reasons.
#[must_use]
pub fn weak(reasons: &[String]) -> Error {
    bad_request("20035", reasons.join(" "))
}

/// Returns the error of a password that was used before: 412, with the code, which still works.
#[must_use]
pub fn used_before(key: &str, reasons: &[String]) -> Error {
    let message = "This password has been used in recent history. Please choose a different password.";
    Error { key: Some(key.to_owned()), ..Error::new(412, "22001", message, reasons.join(" ")) }
}

/// A request to `resend-code`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResendRequest {
    /// The user's name.
    pub user_name: String,
    /// The purpose of the code.
    pub scenario: Scenario,
}

/// The purpose of a code, in WSO2's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// `ASK_PASSWORD`
    AskPassword,
    /// `EMAIL_VERIFICATION`, and `SELF_SIGN_UP`, as which WSO2 stores the code of `verifyEmail`.
    Confirm,
    /// `EMAIL_VERIFICATION_ON_UPDATE`: a new address of a live user.
    NewAddress,
}

impl Scenario {
    /// Whether this is what the user has yet to do.
    #[must_use]
    pub fn awaits(self, account: &Account) -> bool {
        match self {
            Self::AskPassword => account.onboarding == Onboarding::AskPassword,
            Self::Confirm => account.onboarding == Onboarding::EmailVerification,
            Self::NewAddress => account.onboarding == Onboarding::None && account.pending_email.is_some(),
        }
    }
}

/// Reads the body of `resend-code`. The scenario is a property; without one, or with several, it is self-registration.
///
/// # Errors
/// 400 for a user store or a scenario that there is not.
pub fn resend_request(stores: &UserStores, body: &Json) -> Result<ResendRequest, Error> {
    let properties = body["properties"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut scenarios = properties.iter().filter(|property| property["key"] == "RecoveryScenario");
    let scenario = match (scenarios.next(), scenarios.next()) {
        (Some(one), None) => read_text(one, "value"),
        _ => "SELF_SIGN_UP",
    };
    let scenario = match scenario {
        "ASK_PASSWORD" => Scenario::AskPassword,
        "EMAIL_VERIFICATION" | "SELF_SIGN_UP" => Scenario::Confirm,
        "EMAIL_VERIFICATION_ON_UPDATE" => Scenario::NewAddress,
        _ => {
            return Err(no_recovery_data(
                "The RecoveryScenario is none of ASK_PASSWORD, EMAIL_VERIFICATION, SELF_SIGN_UP and \
                 EMAIL_VERIFICATION_ON_UPDATE.",
            ));
        }
    };
    let realm = read_text(&body["user"], "realm");
    let user_name = full_name(stores, realm, read_text(&body["user"], "username"));
    Ok(ResendRequest { user_name: user_name.ok_or_else(|| no_recovery_data(stores.unknown(realm)))?, scenario })
}

/// Returns the user name as SCIM has it, of a store and a name in it; `None` when there is no such store.
fn full_name(stores: &UserStores, domain: &str, name: &str) -> Option<String> {
    if domain.is_empty() || stores.embedded(name).is_some() {
        return Some(name.to_owned());
    }
    Some(stores.prefix(stores.named(domain)?) + name)
}

/// Returns the error of a request to send again what is not there.
#[must_use]
pub fn no_recovery_data(why: impl Into<String>) -> Error {
    Error::new(400, "", "User recovery data is not found. Please re-initiate the recovery flow.", why)
}

/// Reads the body of `offline-invite-link`: the user's name.
///
/// # Errors
/// 400 when a member is missing; 17009
pub fn offline_request(stores: &UserStores, body: &Json) -> Result<String, Error> {
    let (user_name, store) = (read_text(body, "username"), read_text(body, "userstore"));
    if user_name.is_empty() || store.is_empty() {
        return Err(no_link("", "Send username and userstore."));
    }
    full_name(stores, store, user_name).ok_or_else(|| no_link("17009", stores.unknown(store)))
}

/// Returns why there is no offline link, in WSO2's terms.
#[must_use]
pub fn offline_link_error(error: &OfflineLinkError) -> Error {
    let code = match error {
        OfflineLinkError::Forbidden(_) => return Error { status: 403, ..no_link("", error.to_string()) },
        OfflineLinkError::Unknown | OfflineLinkError::Nothing(_) => "18003",
        OfflineLinkError::Locked => "17003",
        OfflineLinkError::Disabled | OfflineLinkError::Deletion => "17004",
    };
    no_link(code, error.to_string())
}

fn no_link(code: &'static str, description: impl Into<String>) -> Error {
    Error::new(400, code, "Unable to generate user invite link.", description)
}

/// Whether a code confirms an address.
#[must_use]
pub fn is_confirmable(claims: &Claims) -> bool {
    claims.purpose == Purpose::VerifyEmail
}
