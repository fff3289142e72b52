//! Recording what became of mails: of those that a run has leased and attempted, and of those it leaves unattempted.

use std::collections::BTreeMap;

use serde_json::json;

use crate::model::mail::MailState;
use crate::ports::{Millis, Statement, Value};
use crate::store::daily_figures;
use crate::store::outbox::is_latest_invitation;
use crate::store::outbox::lease::UPDATE_FROM_ROWS;
use crate::store::outbox::row::QueuedMail;

/// A row that a run leaves without an attempt: its sending ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unattempted {
    /// The tenant's number.
    pub tenant: u64,
    /// The row's id.
    pub id: String,
    /// Its state when it was read.
    pub state: MailState,
    /// Its `due` when it was read.
    pub due: Millis,
    /// Its state from now on: dropped, since nobody wants it, or failed, since it cannot be sent.
    pub new_state: MailState,
    /// Why.
    pub why: String,
}

impl Unattempted {
    /// The end of `mail`.
    #[must_use]
    pub fn ended(mail: &QueuedMail, new_state: MailState, why: impl Into<String>) -> Self {
        Self { tenant: mail.tenant, id: mail.id.clone(), state: mail.state, due: mail.due, new_state, why: why.into() }
    }
}

/// The statements that end rows which are not to be sent, unless another run has touched them since. Their
/// users show it, where it is their latest invitation: a resend in the same moment has queued a newer one.
#[must_use]
pub fn record_unattempted(mails: &[Unattempted]) -> Vec<Statement> {
    let rows: Vec<_> = mails
        .iter()
        .map(|row| {
            json!({
                "tenant": row.tenant, "id": row.id, "state": row.state.as_str(), "due": row.due, "new_state": row.new_state.as_str(),
                "new_due": row.due, "last_error": row.why,
            })
        })
        .collect();
    let rows = json!(rows).to_string();
    let is_latest = is_latest_invitation();
    vec![
        Statement::new(
            format!(
                "INSERT INTO resources (tenant, id, type, document, keys, created, modified, operation, delivery) \
             SELECT r.tenant, r.id, r.type, '', '', r.created, r.modified, r.operation, j.value ->> 'new_state' \
             FROM json_each(?1) j \
             CROSS JOIN outbox o ON o.tenant = j.value ->> 'tenant' AND o.id = j.value ->> 'id' \
             AND o.state = j.value ->> 'state' AND o.due = j.value ->> 'due' \
             CROSS JOIN resources r ON r.tenant = o.tenant AND r.id = o.user_id WHERE {is_latest} \
             ON CONFLICT (tenant, id) DO UPDATE SET delivery = excluded.delivery"
            ),
            vec![rows.as_str().into()],
        ),
        Statement::new(
            format!(
                "{UPDATE_FROM_ROWS} AND o.state = j.value ->> 'state' AND o.due = j.value ->> 'due' ON CONFLICT \
                 (tenant, id) DO UPDATE SET state = excluded.state, due = excluded.due, lease = NULL, \
                 last_error = excluded.last_error",
            ),
            vec![rows.into()],
        ),
    ]
}

/// A mail after an attempt at it, or at least after its turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempted {
    /// The tenant's number.
    pub tenant: u64,
    /// The row's id.
    pub id: String,
    /// The user's id.
    pub user_id: String,
    /// The user's `seq` that it was for.
    pub seq: u32,
    /// Its state from now on.
    pub state: MailState,
    /// The time to try again, if ever.
    pub due: Millis,
    /// The time since which an attempt may have been accepted unnoticed.
    pub doubtful: Option<Millis>,
    /// The attempts so far, this one included if it was one.
    pub attempts: u32,
    /// As [`QueuedMail::refused`].
    pub refused: BTreeMap<String, Millis>,
    /// The provider's id for it.
    pub provider_id: Option<String>,
    /// What the provider, or the network, said; never a secret.
    pub last_error: Option<String>,
    /// The time the provider accepted it.
    pub sent_at: Option<Millis>,
    /// The time its link expires, in milliseconds; 0 for never.
    pub expires_at: Millis,
    /// Whether it is the invitation itself, whose delivery the user shows.
    pub is_invitation: bool,
    /// Of an invitation that was sent as a caller asked: when its person is to be reminded, if at all.
    pub schedule: Option<Option<Millis>>,
    /// The key that signed its link, if it has one.
    pub link_kid: Option<String>,
}

/// The statements that record the mails `attempted` by the run `lease`: on the rows it still holds, and on their users as long as
/// they have not moved on. Where the user has been deleted meanwhile, nothing that was said of the mail is kept.
#[must_use]
pub fn record_attempts(attempted: &[Attempted], lease: &str) -> Vec<Statement> {
    let rows: Vec<_> = attempted
        .iter()
        .map(|mail| {
            let refused = (!mail.refused.is_empty()).then(|| json!(mail.refused).to_string());
            json!({
                "tenant": mail.tenant, "id": mail.id, "user_id": mail.user_id, "seq": mail.seq,
                "new_state": mail.state.as_str(), "new_due": mail.due, "attempts": mail.attempts,
                "doubtful": mail.doubtful, "refused": refused,
                "provider_id": mail.provider_id, "last_error": mail.last_error, "sent_at": mail.sent_at,
                "expires_at": mail.expires_at, "is_invitation": u8::from(mail.is_invitation),
                "link_kid": mail.link_kid, "schedules": u8::from(mail.schedule.is_some()),
                "remind_at": mail.schedule.flatten(),
            })
        })
        .collect();
    let rows = json!(rows).to_string();
    let is_sent = attempted.iter().any(|mail| mail.is_invitation && mail.sent_at.is_some());
    let counted = is_sent.then(|| daily_figures::count_sent(&rows, lease));
    let recorded = [
        Statement::new(
            "INSERT INTO resources (tenant, id, type, document, keys, created, modified, operation, delivery, attempts, \
             sent_at, expires_at, link_kid, asked_at, reminded, remind_at, invited_at) SELECT r.tenant, r.id, r.type, '', '', r.created, r.modified, r.operation, \
             CASE j.value ->> 'is_invitation' WHEN 1 THEN j.value ->> 'new_state' ELSE r.delivery END, \
             CASE j.value ->> 'is_invitation' WHEN 1 THEN j.value ->> 'attempts' ELSE r.attempts END, \
             CASE j.value ->> 'is_invitation' WHEN 1 THEN COALESCE(j.value ->> 'sent_at', r.sent_at) ELSE r.sent_at END, \
             CASE j.value ->> 'is_invitation' WHEN 1 THEN j.value ->> 'expires_at' ELSE r.expires_at END, \
             j.value ->> 'link_kid', CASE j.value ->> 'schedules' WHEN 1 THEN j.value ->> 'sent_at' ELSE r.asked_at END, \
             CASE j.value ->> 'schedules' WHEN 1 THEN 0 ELSE r.reminded END, \
             CASE j.value ->> 'schedules' WHEN 1 THEN j.value ->> 'remind_at' ELSE r.remind_at END, \
             CASE j.value ->> 'is_invitation' WHEN 1 THEN COALESCE(r.invited_at, j.value ->> 'sent_at') ELSE r.invited_at END FROM json_each(?1) j \
             CROSS JOIN outbox o ON o.tenant = j.value ->> 'tenant' AND o.id = j.value ->> 'id' AND o.lease = ?2 \
             CROSS JOIN resources r ON r.tenant = o.tenant AND r.id = o.user_id AND r.seq = o.seq \
             WHERE j.value ->> 'link_kid' IS NOT NULL \
             ON CONFLICT (tenant, id) DO UPDATE SET delivery = excluded.delivery, attempts = excluded.attempts, \
             sent_at = excluded.sent_at, expires_at = excluded.expires_at, link_kid = excluded.link_kid, \
             asked_at = excluded.asked_at, reminded = excluded.reminded, remind_at = excluded.remind_at, invited_at = excluded.invited_at",
            vec![rows.as_str().into(), lease.into()],
        ),
        Statement::new(
            format!(
                "{UPDATE_FROM_ROWS} AND o.lease = ?2 ON CONFLICT (tenant, id) DO UPDATE SET state = excluded.state, \
                 due = excluded.due, doubtful = COALESCE(outbox.doubtful, excluded.doubtful), lease = NULL, \
                 provider_id = COALESCE(excluded.provider_id, provider_id), \
                 last_error = CASE outbox.recipient WHEN '' THEN NULL ELSE excluded.last_error END, attempts = excluded.attempts, refused = excluded.refused",
            ),
            vec![rows.into(), Value::from(lease)],
        ),
    ];
    counted.into_iter().chain(recorded).collect()
}
