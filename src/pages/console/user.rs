//! One user: the state in words, why they cannot sign in, the invitation's timeline, and what can be done.

use maud::{Markup, html};

use crate::base::account::{Account, AccountState, Lock, Onboarding};
use crate::base::web_address::form_target;
use crate::model::mail::{Delivery, MailState};
use crate::pages::console::form::{checkbox, operation};
use crate::pages::console::user_attributes::{Attributes, attributes};
use crate::pages::console::user_forms::{CORRECT_ADDRESS, SET_PASSWORD};
use crate::pages::console::{Frame, time, undo};

/// Something that happened. Time in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub time: i64,
    /// What, in words.
    pub text: String,
}

/// What whoever has signed in may do to this user now.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "a button each")]
pub struct Allowed {
    /// Send the invitation again.
    pub resend: bool,
    /// Withdraw it.
    pub revoke: bool,
    /// Correct the address it goes to.
    pub correct: bool,
    /// Have its link.
    pub link: bool,
    /// Set a password.
    pub password: bool,
    /// Lock, disable and delete, and the reverse.
    pub keep_out: bool,
    /// Say which roles they have.
    pub roles: bool,
}

/// The page's contents.
#[derive(Clone, Copy, Debug)]
pub struct UserPage<'a> {
    /// The user's id.
    pub id: &'a str,
    /// The account.
    pub account: &'a Account,
    /// The state in words.
    pub state: &'a str,
    /// Why they cannot sign in; `None` where they can.
    pub why: Option<&'a str>,
    /// What may be done.
    pub allowed: Allowed,
    /// What became of the invitation, oldest first.
    pub timeline: &'a [Event],
    /// The attributes.
    pub attributes: Attributes<'a>,
    /// The groups, each with its id and its name.
    pub groups: &'a [(String, String)],
    /// The names of the roles, and whether the user has them by themselves.
    pub roles: &'a [(&'static str, bool)],
    /// The rows of the audit, newest first; `None` for who may not read it.
    pub audit: Option<&'a [Event]>,
}

/// The page. `new_operation` makes the operation's id of each button: what one has done is not what another will do.
#[must_use]
pub fn user(frame: &Frame, page: &UserPage, new_operation: &dyn Fn() -> String) -> Markup {
    let UserPage { id, account, allowed, .. } = *page;
    let path = |rest: &str| frame.at(&format!("/console/users/{id}/{rest}"));
    let button = |action: &str, name: &str| {
        html! {
            form method="post" action=[form_target(&path(action))] {
                (operation(&new_operation()))
                button type="submit" { (name) }
            }
        }
    };
    let can_act = account.deletion.is_none() && (allowed.keep_out || allowed.password);
    html! {
        @if let Some(deletion) = account.deletion {
            p { "They are deleted at " (time(deletion.at)) ", unless somebody undoes it before." }
            @if allowed.keep_out { (undo(frame, &format!("/console/users/{id}"))) }
        }
        p { span.state.bad[page.why.is_some()].good[page.why.is_none()] { (page.state) } }
        @if can_act {
            div.actions {
                @if allowed.keep_out {
                    @if account.lock == Lock::Admin { (button("unlock", "Unlock")) } @else { (button("lock", "Lock")) }
                    @if account.disabled { (button("enable", "Enable")) } @else { (button("disable", "Disable")) }
                }
                @if allowed.password { a href=(path("password")) { (SET_PASSWORD) } }
                @if allowed.keep_out { (button("delete", "Delete")) }
            }
        }
        @if let Some(why) = page.why {
            h2 { "Why can’t they sign in?" }
            p { (why) }
        }
        h2 { "Invitation" }
        @if page.timeline.is_empty() { p { "They were never invited." } }
        @else { (events(page.timeline)) }
        @if allowed.resend || allowed.revoke || allowed.correct || allowed.link {
            div.actions {
                @if allowed.resend { (button("resend", "Resend")) }
                @if allowed.revoke { (button("revoke", "Revoke")) }
                @if allowed.link { (button("link", "Copy link")) }
                @if allowed.correct { a href=(path("address")) { (CORRECT_ADDRESS) } }
            }
        }
        (attributes(frame, id, &page.attributes))
        h2 { "Groups" }
        @if page.groups.is_empty() { p { "They are in no group." } }
        @else {
            ul {
                @for (group, name) in page.groups {
                    li { a href=(frame.at(&format!("/console/groups/{group}"))) { bdi { (name) } } }
                }
            }
        }
        h2 { "Roles" }
        @if allowed.roles {
            form method="post" action=[form_target(&path("roles"))] {
                (operation(&new_operation()))
                fieldset {
                    legend { "Roles" }
                    @for (name, has) in page.roles { (checkbox(name, name, *has)) }
                }
                button type="submit" { "Save roles" }
            }
        } @else {
            @let held: Vec<&str> = page.roles.iter().filter(|(_, has)| *has).map(|(name, _)| *name).collect();
            p { @if held.is_empty() { "They have no role of their own." } @else { (held.join(", ")) } }
        }
        @if let Some(audit) = page.audit {
            h2 { "Audit" }
            (events(audit))
        }
    }
}

fn events(events: &[Event]) -> Markup {
    html! {
        ol.timeline { @for event in events { li { (time(event.time)) " " bdi { (event.text) } } } }
    }
}

/// How an invitation stands, as a user's state depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// The account.
    pub account: &'a Account,
    /// The delivery of the invitation; `None` for who was never invited.
    pub delivery: Option<Delivery>,
    /// When its link ends, in words; `None` where it has no end, or none yet.
    pub expires: Option<&'a str>,
    /// Whether it has ended.
    pub is_expired: bool,
    /// Whether the user has a password.
    pub has_password: bool,
}

/// The state in words.
#[must_use]
pub fn state(standing: &Standing) -> &'static str {
    let Standing { account, delivery, .. } = standing;
    match account.state() {
        _ if account.deletion.is_some() => "Awaiting deletion",
        AccountState::Disabled => "Disabled",
        AccountState::Locked => "Locked",
        AccountState::Unlocked if account.pending_email.is_some() => "Active, a new address waits to be confirmed",
        AccountState::Unlocked => "Active",
        _ if account.is_revoked() => "Invited, the invitation is revoked",
        _ if *delivery == Some(Delivery::Mail(MailState::Bounced)) => "Invited, the mail bounced",
        _ if standing.is_expired => "Invited, the link has expired",
        AccountState::PendingAskPassword => "Invited, no password set yet",
        AccountState::PendingEmailVerification => "Invited, the address is not confirmed yet",
    }
}

/// Why the user cannot sign in, and what helps, in a sentence or two; `None` where they can.
#[must_use]
pub fn why(standing: &Standing) -> Option<String> {
    let Standing { account, delivery, expires, is_expired, has_password } = *standing;
    if account.deletion.is_some() {
        return Some(
            "They are about to be deleted, and disabled until then: undo it, which gives them back.".to_owned(),
        );
    }
    if account.disabled {
        return Some("The account is disabled by an administrator: enable it.".to_owned());
    }
    if account.lock == Lock::Admin {
        return Some("The account is locked by an administrator: unlock it.".to_owned());
    }
    if account.onboarding == Onboarding::None || (account.lock == Lock::None && has_password) {
        let text = "No password is set: set one, which the person is then told by other means.";
        return (!has_password).then(|| text.to_owned());
    }
    let to = account.email.as_deref().unwrap_or("their address");
    let todo = match account.onboarding {
        Onboarding::EmailVerification => "confirmed their e-mail address",
        _ => "set a password",
    };
    if account.is_revoked() {
        return Some(format!("They have not {todo}, and the invitation is revoked: resend it."));
    }
    let mail = match delivery {
        Some(Delivery::Mail(MailState::Bounced)) => Some("came back: correct the address and resend"),
        Some(Delivery::Mail(MailState::Complained)) => {
            Some("was reported as spam: talk to the person before you resend")
        }
        Some(Delivery::Mail(MailState::Failed)) => Some("could not be sent: see the timeline, and resend"),
        Some(Delivery::Mail(MailState::Unknown)) => Some("may not have gone out: resend it"),
        Some(Delivery::Mail(MailState::Dropped)) => Some("was not sent: resend it"),
        Some(Delivery::Mail(MailState::Queued | MailState::Sending)) => Some("is about to be sent"),
        Some(Delivery::Mail(MailState::Deferred)) => Some("is put off, and will be tried again"),
        _ => None,
    };
    if let Some(mail) = mail {
        return Some(format!("They have not {todo}: the mail to {to} {mail}."));
    }
    if is_expired {
        return Some(format!("They have not {todo}, and the link has expired: resend it."));
    }
    let until = expires.map_or_else(|| "it has no end".to_owned(), |expires| format!("it is good until {expires}"));
    let link =
        if delivery == Some(Delivery::External) { "the link that was handed over" } else { "the link in the mail" };
    Some(format!("They have not {todo} yet. They get in by {link}: {until}."))
}

/// What a row of the audit says about the invitation; `None` where it is about something else. `who` in words.
#[must_use]
pub fn invitation_step(action: &str, who: &str, succeeded: bool) -> Option<String> {
    let text = match action {
        "user.create" => format!("Created by {who}"),
        "invitation.create" => format!("Invited by {who}"),
        "invitation.resend" => format!("Sent again, asked for by {who}"),
        "invitation.remind" => "Reminded, as the setting says".to_owned(),
        "invitation.revoke" => format!("Revoked by {who}"),
        "invitation.link" => format!("Link handed over to {who}"),
        "user.deletion" => format!("Deletion asked for by {who}"),
        "user.deletion.undo" => format!("Deletion undone by {who}"),
        "invitation.redeem" => "Used: the link was accepted".to_owned(),
        "password.recover" => "A link to a new password was asked for".to_owned(),
        "password.reset" => "A new password was set by a link".to_owned(),
        _ => return None,
    };
    Some(if succeeded { text } else { format!("{text}, in vain") })
}

/// What the audit's actor is called.
#[must_use]
pub fn who(actor: &str) -> String {
    match actor.split_once(':') {
        Some(("administrator", name)) => without_id(name).to_owned(),
        Some(("token", name)) => format!("the token {}", without_id(name)),
        Some(("user", _)) => "the person".to_owned(),
        _ if actor == "system" => "Latchkey".to_owned(),
        _ => "whoever had the link".to_owned(),
    }
}

/// `Ada` of `Ada (2819c223-7f76-453a-919d-413861904646)`.
fn without_id(name: &str) -> &str {
    const ID: usize = 36;
    name.strip_suffix(')')
        .and_then(|rest| rest.rsplit_once(" ("))
        .filter(|(_, id)| id.len() == ID)
        .map_or(name, |(name, _)| name)
}

/// That a mail was sent, and by whom.
#[must_use]
pub fn sent(provider: Option<&str>) -> String {
    provider.map_or_else(|| "Sent".to_owned(), |provider| format!("Sent by {provider}"))
}

/// What became of a mail, in words, after it was queued; `None` while it waits for its first attempt.
#[must_use]
pub fn mail_step(state: MailState, provider: Option<&str>, why: Option<&str>) -> Option<String> {
    let by = provider.map(|provider| format!(" by {provider}")).unwrap_or_default();
    // What a webhook says begins with the state.
    let said =
        why.map(|why| why.trim_start_matches(state.as_str()).trim_start_matches(": ")).filter(|why| !why.is_empty());
    let because = said.map(|why| format!(": {why}")).unwrap_or_default();
    Some(match state {
        MailState::Queued => return None,
        MailState::Sending => format!("Being sent{by}"),
        MailState::Sent => format!("{}{because}", sent(provider)),
        MailState::Deferred => format!("Put off, to be tried again then{because}"),
        MailState::Unknown => format!("Perhaps sent{by}, without an answer{because}"),
        MailState::Failed => format!("Not sent{because}"),
        MailState::Dropped => format!("Not sent any more{because}"),
        MailState::Bounced => format!("Bounced{because}"),
        MailState::Complained => format!("Reported as spam{because}"),
    })
}
