//! Random sequences of events on one invited user, beside a model of the table in docs/account.md.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::json;

use crate::scim2::client::{INVITATION, PASSWORD, WSO2};
use crate::support::{App, ORIGIN};

#[derive(Clone, Debug)]
enum Event {
    Lock,
    Unlock,
    Disable,
    Enable,
    Password,
    Flag,
    Address,
    Resend,
    Revoke,
    /// Uses one of the links mailed so far.
    Use(Index),
    /// Uses the newest.
    UseNewest,
    /// Sends back what was read.
    Echo,
}

fn event() -> impl Strategy<Value = Event> {
    let plain = [
        Event::Lock,
        Event::Unlock,
        Event::Disable,
        Event::Enable,
        Event::Password,
        Event::Flag,
        Event::Address,
        Event::Resend,
        Event::Revoke,
        Event::UseNewest,
        Event::Echo,
    ];
    prop_oneof![8 => select(plain.to_vec()), 1 => any::<Index>().prop_map(Event::Use)]
}

/// What the table says of the user.
#[derive(Debug)]
struct Model {
    pending: bool,
    onboarding_lock: bool,
    admin_lock: bool,
    disabled: bool,
    revoked: bool,
    verified: bool,
    /// A new address waits to be confirmed.
    waiting: bool,
    has_password: bool,
    /// Which of the links works.
    link: Option<usize>,
    /// How many were mailed.
    links: usize,
}

impl Model {
    fn barred(&self) -> bool {
        self.admin_lock || self.disabled
    }

    fn mail(&mut self) {
        self.link = Some(self.links);
        self.links += 1;
    }

    /// After a change of what bars the account.
    fn barred_since(&mut self, before: bool) {
        if self.barred() {
            self.link = None;
        } else if before && ((self.pending && !self.revoked) || self.waiting) {
            self.mail();
        }
    }

    /// What the event does; the status where the answer depends on it.
    fn apply(&mut self, event: &Event, used: Option<usize>) -> Option<u16> {
        let before = self.barred();
        match event {
            Event::Lock => {
                self.admin_lock = true;
                self.barred_since(before);
            }
            Event::Unlock => {
                self.onboarding_lock = self.admin_lock && self.pending;
                self.admin_lock = false;
                self.barred_since(before);
            }
            Event::Disable => {
                self.disabled = true;
                self.barred_since(before);
            }
            Event::Enable => {
                self.disabled = false;
                self.barred_since(before);
            }
            Event::Password => {
                if self.pending {
                    (self.pending, self.onboarding_lock, self.revoked, self.link) = (false, false, false, None);
                }
                self.has_password = true;
            }
            Event::Flag if self.pending && !before => {
                self.revoked = false;
                self.mail();
            }
            Event::Address if self.pending => {
                self.link = None;
                if !self.revoked && !before {
                    self.mail();
                }
            }
            Event::Address if self.verified && !before => {
                self.waiting = true;
                self.mail();
            }
            Event::Address => {
                (self.verified, self.waiting, self.link) = (false, false, None);
            }
            Event::Resend if (self.pending || self.waiting) && !before => {
                self.revoked = false;
                self.mail();
                return Some(202);
            }
            Event::Revoke if self.pending && !self.revoked => {
                (self.revoked, self.link) = (true, None);
                return Some(200);
            }
            Event::Resend | Event::Revoke => return Some(409),
            Event::Use(_) | Event::UseNewest if used.is_some() && used == self.link => {
                self.has_password |= self.pending;
                (self.pending, self.onboarding_lock, self.waiting, self.verified) = (false, false, false, true);
                self.link = None;
                return Some(200);
            }
            Event::Use(_) | Event::UseNewest => return used.map(|_| 410),
            Event::Flag | Event::Echo => {}
        }
        None
    }

    fn state(&self) -> &'static str {
        match (self.disabled, self.admin_lock, self.pending) {
            (true, _, _) => "DISABLED",
            (_, true, _) => "LOCKED",
            (_, _, true) => "PENDING_AP",
            _ => "UNLOCKED",
        }
    }

    fn status(&self) -> &'static str {
        match (self.pending, self.revoked) {
            (false, _) => "accepted",
            (_, true) => "revoked",
            _ => "pending",
        }
    }
}

/// All links mailed so far, oldest first.
fn links(app: &App) -> Vec<String> {
    app.deliver();
    let mails = app.inbox();
    let links = mails.iter().rev().filter_map(|mail| mail["links"][0].as_str());
    links.map(|link| link.strip_prefix(ORIGIN).unwrap().to_owned()).collect()
}

fn carry_out(app: &App, user: &str, event: &Event, link: Option<&str>, number: usize) -> u16 {
    let scim = app.scim();
    let locked = format!("{WSO2}:accountLocked");
    let invitation = format!("/api/invitations/{}", user.rsplit('/').next().unwrap());
    let reply = match event {
        Event::Lock => scim.set(user, &locked, true),
        Event::Unlock => scim.set(user, &locked, false),
        Event::Disable => scim.set(user, "active", false),
        Event::Enable => scim.set(user, "active", true),
        Event::Password => scim.set(user, "password", PASSWORD),
        Event::Flag => scim.set(user, &format!("{WSO2}:askPassword"), true),
        Event::Address => scim.set(user, "emails", json!([{ "value": format!("paul{number}@example.com") }])),
        Event::Echo => scim.put(user, &scim.get(user).is(200)),
        Event::Resend => app.admin("POST", &format!("{invitation}/resend"), ""),
        Event::Revoke => app.admin("POST", &format!("{invitation}/revoke"), ""),
        Event::Use(_) | Event::UseNewest => match link {
            Some(link) if link.starts_with("/verify/") => app.post_form(link, &[("intent", "confirm-email")]),
            Some(link) => app.post_form(link, &[("password", PASSWORD)]),
            None => return 410,
        },
    };
    reply.status.as_u16()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_to_a_user_the_account_is_what_the_table_says(
        lock_on_creation: bool,
        events in prop::collection::vec(event(), 1..14),
    ) {
        let app = App::with(&[("LOCK_ON_CREATION", if lock_on_creation { "true" } else { "false" })]);
        let user = format!("/scim2/Users/{}", app.invite("paul")["id"].as_str().unwrap());
        let mut model = Model {
            pending: true, onboarding_lock: lock_on_creation, admin_lock: false, disabled: false, revoked: false,
            verified: false, waiting: false, has_password: false, link: Some(0), links: 1,
        };
        let mut mailed = links(&app);
        for (number, event) in events.iter().enumerate() {
            let used = match event {
                Event::Use(index) => Some(index.index(mailed.len())),
                Event::UseNewest => Some(mailed.len() - 1),
                _ => None,
            };
            let status = carry_out(&app, &user, event, used.map(|used| mailed[used].as_str()), number);
            // Only where the setting says so does unlocking leave the lock of the invitation.
            let expected = model.apply(event, used).unwrap_or(200);
            model.onboarding_lock &= lock_on_creation;
            prop_assert_eq!(status, expected, "{:?} in {:?}", event, &events);
            mailed = links(&app);
            prop_assert_eq!(mailed.len(), model.links, "links after {:?} in {:?}", event, &events);
            let shown = app.scim().get(&user).is(200);
            let account = &shown[WSO2];
            let locked = model.admin_lock || model.onboarding_lock;
            prop_assert_eq!(
                (account["accountState"].as_str(), account["accountLocked"].as_bool(), account["emailVerified"].as_bool()),
                (Some(model.state()), Some(locked), Some(model.verified)), "after {:?} in {:?}", event, &events
            );
            prop_assert_eq!(account.get("pendingEmails").is_some(), model.waiting, "after {:?} in {:?}", event, &events);
            prop_assert_eq!(shown[INVITATION]["status"].as_str(), Some(model.status()), "after {:?} in {:?}", event, &events);
            for (index, link) in mailed.iter().enumerate() {
                let expected = if model.link == Some(index) { 200 } else { 410 };
                prop_assert_eq!(app.anyone("GET", link).status.as_u16(), expected, "link {} after {:?} in {:?}", index, event, &events);
            }
        }
        let signs_in = model.has_password && !model.barred() && !model.onboarding_lock;
        prop_assert_eq!(app.me("paul", PASSWORD).status == 200, signs_in, "{:?} {:?}", &events, &model);
        // Every mail with a link had a seq of its own.
        prop_assert_eq!(
            app.number("SELECT COUNT(*) FROM outbox WHERE template LIKE '%AskPassword' OR template LIKE '%VerifyEmail%'"),
            app.number("SELECT COUNT(DISTINCT seq) FROM outbox WHERE template LIKE '%AskPassword' OR template LIKE '%VerifyEmail%'")
        );
    }
}
