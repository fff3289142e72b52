//! Leasing mails: the conditional write by which a run of the sender gets hold of rows, and freezes their content.

use serde_json::json;

use crate::base::limits::Limit;
use crate::model::mail::MailState;
use crate::ports::{Millis, Statement};
use crate::store::mail_templates::versions::VersionKey;
use crate::store::outbox::is_latest_invitation;
use crate::store::outbox::row::{FrozenContent, LeasedMail, QueuedMail};

/// How many mails the mailbox may have had for one more to be leased: the lease's own condition, so that two senders
/// together send no more than one would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateCondition {
    /// What is allowed.
    pub limit: Limit,
    /// Mails first leased after this count, in seconds.
    pub since: u64,
    /// The lease takes place while fewer than these have been: fewer than the limit where the batch has more for the mailbox.
    pub fewer_than: u32,
}

/// A mail to be leased.
#[derive(Clone, Debug)]
pub struct MailToLease {
    /// The mail.
    pub mail: QueuedMail,
    /// The content that the lease freezes, or has frozen before.
    pub content: FrozenContent,
    /// What a first lease counts the mail for.
    pub mailbox: Option<String>,
    /// What a first lease asks for, where mail to one address is limited.
    pub condition: Option<RateCondition>,
}

impl MailToLease {
    /// The version of the template that it is written by.
    #[must_use]
    pub fn template_version(&self) -> VersionKey {
        self.content.template_version_of(&self.mail)
    }
}

impl From<MailToLease> for LeasedMail {
    fn from(MailToLease { mail, content, .. }: MailToLease) -> Self {
        Self { mail, content }
    }
}

/// The statement that leases `mails` to the run `lease` until `until`; it returns the ids it got. A row that another run
/// has touched since it was read is left alone, and so is one whose mailbox is full, or whose user has been deleted; one that
/// this run holds already, because an earlier try was committed behind an error, is returned again.
#[must_use]
pub fn lease(mails: &[MailToLease], lease: &str, until: Millis) -> Statement {
    let rows: Vec<_> = mails.iter().filter_map(|mail| lease_row(mail, until)).collect();
    Statement::new(
        format!(
            "{UPDATE_FROM_ROWS} AND o.recipient <> '' AND ((o.state = j.value ->> 'state' AND o.due = j.value ->> 'due' \
             AND (j.value ->> 'fewer_than' IS NULL OR (SELECT count(*) FROM outbox s INDEXED BY outbox_mailbox \
             WHERE s.tenant = o.tenant AND s.mailbox = j.value ->> 'mailbox' \
             AND s.issued_at > j.value ->> 'since') < j.value ->> 'fewer_than')) \
             OR (o.lease = ?2 AND o.state = 'sending')) \
             ON CONFLICT (tenant, id) DO UPDATE SET state = 'sending', lease = ?2, due = ?3, \
             mailbox = COALESCE(excluded.mailbox, outbox.mailbox), \
             attempts = attempts + (outbox.lease IS NOT ?2), doubtful = COALESCE(outbox.doubtful, excluded.doubtful), \
             provider = excluded.provider, kid = excluded.kid, issued_at = excluded.issued_at, \
             expires_at = excluded.expires_at, locale = excluded.locale, facts = excluded.facts, \
             template_version = excluded.template_version RETURNING id",
        ),
        vec![json!(rows).to_string().into(), lease.into(), until.into()],
    )
}

/// The statements that put off those of `mails` that the run `lease` has not leased because their mailboxes are full, to run right
/// after the lease: until the mail that is in the way counts no more. The first one answers a row for each; their users
/// show it. None where no mail is limited.
#[must_use]
pub fn postpone_full(mails: &[MailToLease], lease: &str) -> Vec<Statement> {
    let limited = mails.iter().filter_map(|MailToLease { mail, mailbox, condition, .. }| {
        let RateCondition { limit, since, .. } = condition.as_ref()?;
        Some(json!({
            "tenant": mail.tenant, "id": mail.id, "state": mail.state.as_str(), "due": mail.due,
            "mailbox": mailbox, "since": since, "count": limit.count, "seconds": limit.seconds,
        }))
    });
    let rows: Vec<_> = limited.collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let rows = json!(rows).to_string();
    let is_latest = is_latest_invitation();
    vec![
        Statement::new(
            "INSERT INTO outbox (tenant, id, user_id, template, seq, recipient, state, created, due) \
             SELECT j.value ->> 'tenant', j.value ->> 'id', '', '', 0, '', 'deferred', 0, \
             (blocking.issued_at + j.value ->> 'seconds') * 1000 FROM json_each(?1) j \
             CROSS JOIN outbox o ON o.tenant = j.value ->> 'tenant' AND o.id = j.value ->> 'id' \
             AND o.state = j.value ->> 'state' AND o.due = j.value ->> 'due' AND o.lease IS NOT ?2 \
             CROSS JOIN outbox blocking ON blocking.rowid = (SELECT ranked.mail FROM (SELECT s.rowid AS mail, \
             row_number() OVER (ORDER BY s.issued_at DESC) AS place FROM outbox s INDEXED BY outbox_mailbox \
             WHERE s.tenant = o.tenant AND s.mailbox = j.value ->> 'mailbox' AND s.issued_at > j.value ->> 'since') ranked \
             WHERE ranked.place = j.value ->> 'count') WHERE TRUE \
             ON CONFLICT (tenant, id) DO UPDATE SET state = excluded.state, due = excluded.due, lease = ?2, \
             last_error = 'its address has had as many mails as it may have for now' RETURNING id",
            vec![rows.as_str().into(), lease.into()],
        ),
        Statement::new(
            format!(
                "INSERT INTO resources (tenant, id, type, document, keys, created, modified, operation, delivery) \
                 SELECT r.tenant, r.id, r.type, '', '', r.created, r.modified, r.operation, o.state FROM json_each(?1) j \
                 CROSS JOIN outbox o ON o.tenant = j.value ->> 'tenant' AND o.id = j.value ->> 'id' \
                 AND o.state = 'deferred' AND o.lease = ?2 \
                 CROSS JOIN resources r ON r.tenant = o.tenant AND r.id = o.user_id WHERE {is_latest} \
                 ON CONFLICT (tenant, id) DO UPDATE SET delivery = excluded.delivery"
            ),
            vec![rows.into(), lease.into()],
        ),
    ]
}

/// How many of `mails`, from the first on, fit into one lease: a parameter of D1 may have two megabytes, and less is as
/// good. At least one, if there is one.
#[must_use]
pub fn count_within_byte_limit(mails: &[MailToLease]) -> usize {
    const LEASE_BYTES: usize = 256 * 1024;
    let sizes = mails.iter().map(|mail| lease_row(mail, 0).map_or(0, |row| row.to_string().len()));
    let within = sizes
        .scan(0_usize, |sum, size| {
            *sum += size;
            Some(*sum)
        })
        .take_while(|sum| *sum <= LEASE_BYTES)
        .count();
    within.max(1).min(mails.len())
}

fn lease_row(
    MailToLease { mail, content, mailbox, condition }: &MailToLease,
    until: Millis,
) -> Option<serde_json::Value> {
    let facts = serde_json::to_string(&content.facts).ok()?;
    Some(json!({
        "tenant": mail.tenant, "id": mail.id, "state": mail.state.as_str(), "due": mail.due,
        "new_state": MailState::Sending.as_str(), "new_due": until, "provider": content.provider,
        "kid": content.kid, "issued_at": content.issued_at, "expires_at": content.expires_at,
        "locale": content.locale, "facts": facts, "template_version": content.template_version,
        "doubtful": mail.in_doubt_since(), "mailbox": mailbox,
        "since": condition.map(|condition| condition.since),
        "fewer_than": condition.map(|condition| condition.fewer_than),
    }))
}

/// Picks rows by a list, the list first: SQLite's planner would turn an UPDATE … FROM around and scan the table. Every
/// row picked is there already, so that the insert is always the update that follows it.
pub(super) const UPDATE_FROM_ROWS: &str = "INSERT INTO outbox (tenant, id, user_id, template, seq, recipient, state, doubtful, \
    created, due, provider, kid, issued_at, expires_at, locale, facts, provider_id, last_error, \
    template_version, attempts, refused, mailbox) \
    SELECT o.tenant, o.id, o.user_id, o.template, o.seq, o.recipient, j.value ->> 'new_state', \
    j.value ->> 'doubtful', o.created, \
    j.value ->> 'new_due', j.value ->> 'provider', j.value ->> 'kid', j.value ->> 'issued_at', j.value ->> 'expires_at', \
    j.value ->> 'locale', j.value ->> 'facts', j.value ->> 'provider_id', j.value ->> 'last_error', \
    j.value ->> 'template_version', COALESCE(j.value ->> 'attempts', o.attempts), j.value ->> 'refused', \
    j.value ->> 'mailbox' FROM json_each(?1) j CROSS JOIN outbox o ON o.tenant = j.value ->> 'tenant' AND o.id = j.value ->> 'id' WHERE TRUE";
