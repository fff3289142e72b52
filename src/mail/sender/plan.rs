//! What is to be done with a mail that is due, decided from what was read with it: without a database or a provider.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::base::account::{Account, Cause, Lock};
use crate::base::text::cut;
use crate::base::token::Purpose;
use crate::mail::claims;
use crate::mail::sender::LONGEST_FACT;
use crate::mail::sender::throttle::RecipientThrottle;
use crate::mail::template_choice::{languages, select_template};
use crate::model::deployment::Deployment;
use crate::model::mail::TemplateType;
use crate::model::resource::is_others_to_write;
use crate::ports::Millis;
use crate::store::mail_templates::versions::TemplateIndex;
use crate::store::outbox::due::{DueMail, Person, SendingTenant};
use crate::store::outbox::lease::RateCondition;
use crate::store::outbox::row::{FrozenContent, QueuedMail, TemplateFacts};

/// The plan for a mail that is due.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one at a time, and taken apart at once")]
pub enum Plan {
    /// To lease it with this content, and to hand it over.
    Send {
        /// The content, as this lease or an earlier one freezes it.
        content: FrozenContent,
        /// What the first lease counts it for.
        mailbox: Option<String>,
        /// The rate limit that the lease is conditional on, if any.
        condition: Option<RateCondition>,
    },
    /// To end it, because nobody wants it any more, for this reason.
    Drop(&'static str),
    /// To end it, because it cannot be sent, for this reason.
    Fail(&'static str),
}

/// Plans the mails of one batch.
pub struct Planner<'a> {
    deployment: &'a Deployment,
    templates: &'a TemplateIndex,
    now: Millis,
    throttle: RecipientThrottle,
}

impl<'a> Planner<'a> {
    /// A planner as of `now`; `templates` are those that the mails may be written by.
    #[must_use]
    pub fn new(deployment: &'a Deployment, templates: &'a TemplateIndex, now: Millis) -> Self {
        Self { deployment, templates, now, throttle: RecipientThrottle::new(&deployment.keys) }
    }

    /// Decides on the next mail of the batch. Those decided on before count towards what its address may have.
    pub fn plan(&mut self, due: &DueMail) -> Plan {
        if let Some(why) = why_unwanted(&due.mail, due.account.as_ref()) {
            return Plan::Drop(why);
        }
        // Frozen once, it has been counted, and goes out whatever has changed since.
        if let Some(content) = &due.content {
            return Plan::Send { content: content.clone(), mailbox: None, condition: None };
        }
        let Some(sender) = &due.tenant else { return Plan::Fail("the tenant is not active") };
        let person = due.person.as_ref().map(|person| match may_reach_a_stranger(&due.mail, due.account.as_ref()) {
            true => Cow::Owned(without_own_words(person)),
            false => Cow::Borrowed(person),
        });
        let Some(content) = person.and_then(|person| self.freeze(sender, &due.mail, &person)) else {
            return Plan::Fail("what the mail is to say cannot be read from the user");
        };
        let mailbox = self.throttle.mailbox(&due.mail);
        let limit = sender.settings.rate_limits.mail_per_address;
        let condition = limit.map(|limit| self.throttle.condition(&mailbox, limit, self.now));
        Plan::Send { content, mailbox: Some(mailbox), condition }
    }

    /// Returns the claims about the person that a tenant's template may use besides.
    fn claims(&self, user_id: &str, person: &Person) -> BTreeMap<String, String> {
        let mut claims = person.document.as_ref().map(claims::values).unwrap_or_default();
        claims.extend(claims::made(user_id, person.created, person.modified));
        if let Some(name) = &person.user_name {
            claims.insert("username".to_owned(), cut(self.deployment.user_stores.split(name).1, LONGEST_FACT));
        }
        claims
    }

    /// The content that every attempt will share: the first lease decides.
    pub fn freeze(&self, sender: &SendingTenant, mail: &QueuedMail, person: &Person) -> Option<FrozenContent> {
        let SendingTenant { tenant, settings } = sender;
        let issued_at = u64::try_from(self.now).unwrap_or_default() / 1000;
        let validity = match mail.template.link_purpose() {
            Some(Purpose::VerifyEmail) => settings.verification_email_validity,
            Some(purpose) if purpose.resets_password() => settings.recovery_email_validity,
            _ => settings.ask_password_email_validity,
        };
        let own = self.templates.in_force(mail.tenant, mail.template);
        let choice = select_template(&languages(person), &settings.default_locale, own);
        let fact = |text: Option<&str>| cut(text.unwrap_or_default(), LONGEST_FACT);
        Some(FrozenContent {
            provider: self.deployment.mail_providers.first()?.clone(),
            kid: self.deployment.keys.current_kid()?.to_owned(),
            issued_at,
            expires_at: mail.ends_at.unwrap_or_else(|| validity.expires_at(issued_at)),
            locale: choice.locale,
            template_version: choice.version,
            facts: TemplateFacts {
                // Without the user store's name in front (22343): the page behind the link tells it.
                user_name: fact(person.user_name.as_deref().map(|name| self.deployment.user_stores.split(name).1)),
                given_name: fact(person.given_name.as_deref()),
                family_name: fact(person.family_name.as_deref()),
                tenant: tenant.domain().to_owned(),
                organization: cut(&settings.organization_name, LONGEST_FACT),
                reply_to: settings.mail_reply_to.clone(),
                support: settings.support_address.clone(),
                sign_in: settings.sign_in_url.clone(),
                color: settings.brand_color.map(|color| color.to_string()),
                logo: settings.logo.as_ref().map(|logo| logo.version.clone()),
                new_email: person.new_email.clone(),
                remind_after: settings.reminder_days.first().copied().filter(|_| mail.template.is_invitation()),
                claims: if choice.version == 0 { BTreeMap::new() } else { self.claims(&mail.user_id, person) },
            },
        })
    }
}

/// Whether the person themselves may have chosen the address, which they have not shown to be theirs: one that waits to be
/// confirmed, or that of an invitation whose user may sign in before they accept it. Whoever reads the mail there gets none
/// of the person's own words.
fn may_reach_a_stranger(mail: &QueuedMail, account: Option<&Account>) -> bool {
    match mail.template {
        TemplateType::VerifyEmailOnUpdate | TemplateType::ResendVerifyEmailOnUpdate => true,
        TemplateType::ResendAskPassword | TemplateType::ResendEmailConfirm => account.is_some_and(Account::may_sign_in),
        TemplateType::PasswordReset
        | TemplateType::PasswordResetSuccess
        | TemplateType::PasswordRecoveryFailure
        | TemplateType::AdminForcedPasswordReset => account.is_some_and(|account| !account.email_verified),
        _ => false,
    }
}

/// The person by what others wrote about them, and by their addresses alone.
fn without_own_words(person: &Person) -> Person {
    let plain = |email: &Json| json!({ "value": email["value"], "primary": email["primary"] });
    let own = |(name, value): (&String, &Json)| match value.as_array() {
        Some(emails) if name == "emails" => Some((name.clone(), emails.iter().map(plain).collect())),
        _ => is_others_to_write(name).then(|| (name.clone(), value.clone())),
    };
    let document = person.document.as_ref().map(|document| document.iter().filter_map(own).collect());
    Person { given_name: None, family_name: None, document, ..person.clone() }
}

/// Why a mail is not wanted any more, or `None` while it is.
fn why_unwanted(mail: &QueuedMail, account: Option<&Account>) -> Option<&'static str> {
    let Some(account) = account else { return Some("the user has been deleted") };
    // A mail without a link tells of something that has happened, and stays true.
    let purpose = mail.template.link_purpose()?;
    Some(match account.dead_link(mail.seq, purpose)? {
        Cause::Accepted => "the invitation has been redeemed",
        Cause::PasswordChanged => "the password has been changed",
        Cause::Revoked => "the invitation has been revoked",
        Cause::GivenUp => "the change of address has been given up",
        Cause::Replaced => "a newer mail has replaced it",
        Cause::AddressChanged => "the user's address has changed",
        Cause::Locked if account.disabled => "the account is disabled",
        Cause::Locked if account.lock == Lock::Admin => "the account is locked",
        Cause::Locked => "the account was locked or disabled meanwhile",
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::account::Onboarding;
    use crate::base::limits::Limit;
    use crate::model::tenant::Tenant;

    const NOW: Millis = 1_800_000_000_000;
    const SECONDS: u64 = 1_800_000_000;

    fn deployment() -> Deployment {
        let variables = [
            ("ENVIRONMENT", "development"),
            ("PUBLIC_ORIGIN", "https://id.example.com"),
            ("ADMIN_USERNAME", "admin"),
            ("ADMIN_PASSWORD", "admin"),
            ("TOKEN_KEYS", "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"),
            ("RATE_LIMITS", "mail-per-address=1/hour"),
        ];
        let get = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Deployment::load(get, crate::mail::webhooks::problem_with).expect("complete")
    }

    /// An invitation that is due for the first time, to a user who waits for it.
    fn due(deployment: &Deployment, recipient: &str) -> DueMail {
        let tenant = Tenant::super_tenant();
        let settings = Arc::new(deployment.settings_of(&tenant, &BTreeMap::new()));
        DueMail {
            mail: QueuedMail { tenant: tenant.number(), ..QueuedMail::example(recipient, NOW) },
            content: None,
            person: Some(Person {
                user_name: Some("paul".to_owned()),
                given_name: Some("é".repeat(LONGEST_FACT + 1)),
                locale: Some("de_DE".to_owned()),
                ..Person::default()
            }),
            account: Some(Account { onboarding: Onboarding::AskPassword, ..Account::default() }),
            tenant: Some(SendingTenant { tenant, settings }),
        }
    }

    fn plan_alone(change: impl FnOnce(&mut DueMail)) -> Plan {
        let deployment = deployment();
        let mut due = due(&deployment, "paul@example.com");
        change(&mut due);
        Planner::new(&deployment, &TemplateIndex::default(), NOW).plan(&due)
    }

    fn frozen() -> FrozenContent {
        FrozenContent {
            provider: "resend".to_owned(),
            kid: "k0".to_owned(),
            issued_at: 1,
            expires_at: 0,
            locale: "fr_FR".to_owned(),
            template_version: 7,
            facts: TemplateFacts::default(),
        }
    }

    #[test]
    fn a_first_lease_freezes_what_the_mail_says() {
        let Plan::Send { content, condition, .. } = plan_alone(|_| ()) else { unreachable!("it is wanted") };
        assert_eq!((content.provider.as_str(), content.kid.as_str()), ("inbox", "k1"));
        assert_eq!((content.locale.as_str(), content.template_version), ("de_DE", 0));
        assert_eq!((content.issued_at, content.facts.user_name.as_str()), (SECONDS, "paul"));
        assert!(content.facts.given_name.chars().count() <= LONGEST_FACT + 1, "no longer than a mail shows");
        let limit = Limit { count: 1, seconds: 3_600 };
        assert_eq!(condition, Some(RateCondition { limit, since: SECONDS - 3_600, fewer_than: 1 }));
    }

    #[test]
    fn what_was_frozen_stays_whatever_has_changed_since() {
        let content = frozen();
        let plan = plan_alone(|due| {
            (due.content, due.person, due.tenant) = (Some(content.clone()), None, None);
        });
        assert_eq!(plan, Plan::Send { content, mailbox: None, condition: None });
    }

    #[test]
    fn a_mail_that_nobody_wants_is_dropped_before_anything_else_is_asked() {
        let dropped = |change: fn(&mut DueMail)| {
            plan_alone(|due| {
                (due.content, due.tenant) = (Some(frozen()), None);
                change(due);
            })
        };
        assert_eq!(dropped(|due| due.account = None), Plan::Drop("the user has been deleted"));
        let disabled = |due: &mut DueMail| {
            due.account = Some(Account { disabled: true, seq_log: "L".to_owned(), ..Account::default() });
        };
        assert_eq!(dropped(disabled), Plan::Drop("the account is disabled"));
        let replaced = |due: &mut DueMail| {
            let account =
                Account { onboarding: Onboarding::AskPassword, seq_log: "N".to_owned(), ..Account::default() };
            due.account = Some(account);
        };
        assert_eq!(dropped(replaced), Plan::Drop("a newer mail has replaced it"));
    }

    #[test]
    fn a_mail_that_cannot_be_written_fails() {
        assert_eq!(plan_alone(|due| due.tenant = None), Plan::Fail("the tenant is not active"));
        let unreadable = Plan::Fail("what the mail is to say cannot be read from the user");
        assert_eq!(plan_alone(|due| due.person = None), unreadable);
    }

    #[test]
    fn the_mails_of_a_batch_to_one_mailbox_leave_room_for_each_other() {
        let deployment = deployment();
        let templates = TemplateIndex::default();
        let mut planner = Planner::new(&deployment, &templates, NOW);
        let mut fewer_than = |recipient: &str| match planner.plan(&due(&deployment, recipient)) {
            Plan::Send { condition, .. } => condition.map(|condition| condition.fewer_than),
            _ => None,
        };
        assert_eq!(fewer_than("paul@example.com"), Some(1));
        assert_eq!(fewer_than("Paul+2@example.com"), Some(0), "the one before counts");
        assert_eq!(fewer_than("ada@example.com"), Some(1));
    }
}
