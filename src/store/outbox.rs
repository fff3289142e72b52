//! The outbox: mail to be sent, as rows written in the batch that makes it due (DESIGN 4).
//!
//! A row holds no secret. The first lease freezes everything that the body depends on, so that each attempt is
//! byte-identical under its idempotency key; the link is minted at rendering. All statements here take rows by the
//! hundred: a lease, and its outcomes, cost one round trip each however many rows they touch.
//!
//! `due` reads what is to be sent, in the order of `turns`, `lease` gets hold of it, `outcome` records what became of it; `row` is
//! what they read. `removal` takes people out of what has ended. `listing` and `requeue` are an administrator's, `sent` is for the
//! development inbox. What is heard of a mail after it has been sent is in `store::bounces`.

pub mod due;
pub mod lease;
pub mod listing;
pub mod outcome;
pub mod removal;
pub mod requeue;
pub mod row;
pub mod sent;
pub mod turns;

use crate::base::address::Address;
use crate::model::context::StoreContext;
use crate::model::mail::{Delivery, TemplateType};
use crate::ports::Statement;
use crate::store::audit::OPERATION_HOLDS;

/// A mail to be written into the outbox.
#[derive(Clone, Debug)]
pub struct OutboxEntry<'a> {
    /// Its type.
    pub template: TemplateType,
    /// The user it is about.
    pub user_id: &'a str,
    /// The user's `seq` that it is for: when the user has moved on, it is dropped unsent.
    pub seq: u32,
    /// Its one recipient.
    pub recipient: &'a Address,
    /// The inviter, as the mail names them.
    pub invited_by: Option<&'a str>,
    /// The address that is to take the place of the user's present one, where the mail is about that.
    pub new_email: Option<&'a Address>,
}

/// The types of mails whose delivery the user shows, as a list in SQL.
pub(super) fn invitations() -> String {
    quoted(TemplateType::ALL.into_iter().filter(|kind| kind.is_invitation()).map(TemplateType::name))
}

/// A list of names in SQL; none of them has a quotation mark.
fn quoted(names: impl Iterator<Item = &'static str>) -> String {
    names.map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}

/// The condition that the mail `o` is the latest invitation of its user `r`, so that the user shows what becomes of it. A mail
/// of another type is not, nor one that a newer invitation has followed, by mail or as a code that others deliver.
pub(super) fn is_latest_invitation() -> String {
    let (invitations, external) = (invitations(), Delivery::External);
    format!(
        "o.template IN ({invitations}) AND r.delivery <> '{external}' AND NOT EXISTS (SELECT 1 FROM outbox n \
         WHERE n.tenant = o.tenant AND n.user_id = o.user_id AND n.seq > o.seq AND n.template IN ({invitations})) \
         AND NOT EXISTS (SELECT 1 FROM mail_history h WHERE h.tenant = o.tenant AND h.user_id = o.user_id \
         AND h.seq > o.seq AND h.template IN ({invitations}))"
    )
}

/// The statement that queues the invitations of users just created: `?2` is the list of their side effects
/// (`store::write::create`), `?3` the operation.
pub const QUEUE_CREATED: &str = "INSERT INTO outbox (tenant, id, user_id, template, seq, recipient, invited_by, state, \
    created, due, ends_at) SELECT ?1, j.value -> 'mail' ->> 'id', r.id, j.value -> 'mail' ->> 'template', r.seq, \
    j.value -> 'mail' ->> 'recipient', j.value -> 'mail' ->> 'invited_by', 'queued', r.created, r.created, \
    j.value -> 'mail' ->> 'ends_at' FROM json_each(?2) j CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value ->> 'id' AND r.operation = ?3 \
    WHERE j.value ->> 'mail' IS NOT NULL";

/// The statement that queues a mail, for the batch of `operation`.
#[must_use]
pub fn queue(store: &StoreContext, operation: &str, mail: &OutboxEntry<'_>) -> Statement {
    Statement::new(
        format!(
            "INSERT INTO outbox (tenant, id, user_id, template, seq, recipient, invited_by, state, created, due, \
             new_email) SELECT ?1, ?4, ?2, ?5, ?6, ?7, ?8, 'queued', ?9, ?9, ?10 WHERE {OPERATION_HOLDS}"
        ),
        vec![
            store.tenant.key(),
            mail.user_id.into(),
            operation.into(),
            store.platform.new_id().to_string().into(),
            mail.template.name().into(),
            mail.seq.into(),
            mail.recipient.as_str().into(),
            mail.invited_by.into(),
            store.platform.clock.now().into(),
            mail.new_email.map(Address::as_str).into(),
        ],
    )
}
