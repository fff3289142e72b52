//! The outbox: mail to be sent, as rows written in the batch that makes it due (DESIGN 4).
//!
//! A row holds no secret. The first lease fixes everything that the body depends on, so that each attempt is
//! byte-identical under its idempotency key; the link is minted at rendering. All statements here take rows by the
//! hundred: a lease, and its outcomes, cost one round trip each however many rows they touch.

mod due;
pub mod listing;
pub mod retry;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::model::context::Context;
use crate::model::deployment::MAX_LEASE_SECONDS;
use crate::ports::{DatabaseError, Millis, Row, Statement, Value};
use crate::store::audit::OPERATION_HOLDS;

pub use due::{Due, Person, SendingTenant, Waiting, due};

use crate::base::address::Address;
use crate::mail::pace::Room;
use crate::model::mail::TemplateType;

/// A mail to be queued.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// Which mail.
    pub template: TemplateType,
    /// The user it is about.
    pub user_id: &'a str,
    /// The user's `seq` that it is for: when the user has moved on, it is dropped unsent.
    pub seq: u32,
    /// Its one recipient.
    pub recipient: &'a Address,
    /// Who asked for it, as the mail names them.
    pub invited_by: Option<&'a str>,
    /// The address that is to take the place of the user's present one, where the mail is about that.
    pub new_email: Option<&'a Address>,
}

/// Queues the invitations of users just created: `?2` is the list of what rides on them (`directory::write`), `?3` the
/// operation.
pub const QUEUE_CREATED: &str = "INSERT INTO outbox (tenant, id, user_id, template, seq, recipient, invited_by, state, \
    created, due) SELECT ?1, j.value -> 'mail' ->> 'id', r.id, j.value -> 'mail' ->> 'template', r.seq, \
    j.value -> 'mail' ->> 'recipient', j.value -> 'mail' ->> 'invited_by', 'queued', r.created, r.created \
    FROM json_each(?2) j CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value ->> 'id' AND r.operation = ?3 \
    WHERE j.value ->> 'mail' IS NOT NULL";

/// The statement that queues a mail, to ride in the batch of `operation`.
#[must_use]
pub fn queue(ctx: &Context, operation: &str, entry: &Entry<'_>) -> Statement {
    Statement::new(
        format!(
            "INSERT INTO outbox (tenant, id, user_id, template, seq, recipient, invited_by, state, created, due, \
             new_email) SELECT ?1, ?4, ?2, ?5, ?6, ?7, ?8, 'queued', ?9, ?9, ?10 WHERE {OPERATION_HOLDS}"
        ),
        vec![
            ctx.tenant.key(),
            entry.user_id.into(),
            operation.into(),
            ctx.platform.new_id().to_string().into(),
            entry.template.name().into(),
            entry.seq.into(),
            entry.recipient.as_str().into(),
            entry.invited_by.into(),
            ctx.platform.clock.now().into(),
            entry.new_email.map(Address::as_str).into(),
        ],
    )
}

/// What the first lease fixes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fixed {
    /// The provider that sends it.
    pub provider: String,
    /// The key that signs its link.
    pub kid: String,
    /// When the link is issued, in seconds.
    pub issued_at: u64,
    /// When the link expires, in seconds; 0 for never.
    pub expires_at: u64,
    /// The language.
    pub locale: String,
    /// The tenant's version of the template; 0 for the shipped one.
    pub template_version: u32,
    /// What the template says about the person.
    pub facts: Facts,
}

/// What a mail says about its person, fixed with the first lease.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// The user name.
    pub user_name: String,
    /// `name.givenName`.
    pub given_name: String,
    /// `name.familyName`.
    pub family_name: String,
    /// The tenant's domain.
    pub tenant: String,
    /// What the tenant is called.
    pub organization: String,
    /// Where answers go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// The address that is to take the place of the present one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_email: Option<String>,
}

/// A row, as the sender and the inbox read it.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The tenant's number.
    pub tenant: u64,
    /// The row's id.
    pub id: String,
    /// The user it is about.
    pub user_id: String,
    /// Which mail.
    pub template: TemplateType,
    /// The user's `seq` that it is for.
    pub seq: u32,
    /// 0, and one more each time a dead letter is tried again.
    pub generation: u32,
    /// Its recipient.
    pub recipient: String,
    /// Who asked for it.
    pub invited_by: Option<String>,
    /// Its state.
    pub state: String,
    /// How often sending was tried.
    pub attempts: u32,
    /// Since when an attempt may have been accepted unnoticed. A doubt is never forgotten: only a provider that still
    /// remembers the mail's key can tell.
    pub doubtful: Option<Millis>,
    /// Which providers have certainly refused it, and until when none of them is asked again.
    pub refused: BTreeMap<String, Millis>,
    /// When it was queued.
    pub created: Millis,
    /// When to try, or when the lease ends.
    pub due: Millis,
    /// What the first lease fixed, once there was one.
    pub fixed: Option<Fixed>,
    /// The room that its address must have for a first lease, where that is limited.
    pub room: Option<Room>,
}

/// The columns of [`Mail::from_row`].
pub const COLUMNS: &str = "o.tenant, o.id, o.user_id, o.template, o.seq, o.generation, o.recipient, \
    substr(o.invited_by, 1, 257) AS invited_by, o.state, o.attempts, o.doubtful, o.created, o.due, o.provider, o.kid, o.issued_at, o.expires_at, o.locale, o.facts, \
    COALESCE(o.template_version, 0) AS template_version, o.refused";

impl Mail {
    /// Reads a row of [`COLUMNS`].
    ///
    /// # Errors
    /// [`DatabaseError::Shape`]
    pub fn from_row(row: &Row) -> Result<Self, DatabaseError> {
        let shape = |column: &str| DatabaseError::Shape(column.to_owned());
        let small = |column: &str| u32::try_from(row.integer(column)?).map_err(|_| shape(column));
        let large = |column: &str| u64::try_from(row.integer(column)?).map_err(|_| shape(column));
        let fixed = match row.optional_text("facts")? {
            None => None,
            Some(facts) => Some(Fixed {
                provider: row.text("provider")?.to_owned(),
                kid: row.text("kid")?.to_owned(),
                issued_at: large("issued_at")?,
                expires_at: large("expires_at")?,
                locale: row.text("locale")?.to_owned(),
                template_version: small("template_version")?,
                facts: serde_json::from_str(facts).map_err(|_| shape("facts"))?,
            }),
        };
        Ok(Self {
            tenant: large("tenant")?,
            id: row.text("id")?.to_owned(),
            user_id: row.text("user_id")?.to_owned(),
            template: TemplateType::parse(row.text("template")?).ok_or_else(|| shape("template"))?,
            seq: small("seq")?,
            generation: small("generation")?,
            recipient: row.text("recipient")?.to_owned(),
            invited_by: row.optional_text("invited_by")?.map(str::to_owned),
            state: row.text("state")?.to_owned(),
            attempts: small("attempts")?,
            doubtful: row.optional_integer("doubtful")?,
            refused: match row.optional_text("refused")? {
                None => BTreeMap::new(),
                Some(refused) => serde_json::from_str(refused).map_err(|_| shape("refused"))?,
            },
            created: row.integer("created")?,
            due: row.integer("due")?,
            fixed,
            room: None,
        })
    }

    /// Since when an attempt may have been accepted unnoticed: as stored, or because the run that held the row died
    /// without a word, not longer ago than the longest lease before the lease's end.
    #[must_use]
    pub fn in_doubt_since(&self) -> Option<Millis> {
        self.doubtful.or_else(|| (self.state == "sending").then(|| self.due - i64::from(MAX_LEASE_SECONDS) * 1000))
    }

    /// Until when the provider, having refused it, is not to be asked again: 0 for one that has not.
    #[must_use]
    pub fn refused_until(&self, provider: &str) -> Millis {
        self.refused.get(provider).copied().unwrap_or_default()
    }

    /// Which version of which template it is written by; `None` before that is fixed.
    #[must_use]
    pub fn template_version(&self) -> Option<(u64, TemplateType, u32)> {
        self.fixed.as_ref().map(|fixed| (self.tenant, self.template, fixed.template_version))
    }

    /// The key under which a provider sends this mail at most once.
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        let key = format!("{}/{}/{}", self.template.name(), self.user_id, self.seq);
        if self.generation == 0 { key } else { format!("{key}/{}", self.generation) }
    }
}

/// A row that a run leaves without an attempt: its sending ends, or is put off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The tenant's number.
    pub tenant: u64,
    /// The row's id.
    pub id: String,
    /// Its state when it was read.
    pub state: String,
    /// Its `due` when it was read.
    pub due: Millis,
    /// Its state from now on: `dropped`, which nobody wants, `failed`, which cannot be sent, or `deferred`.
    pub new_state: &'static str,
    /// When to look at it again, if it is put off.
    pub new_due: Millis,
    /// Why.
    pub why: String,
}

impl Ended {
    /// Ends `mail`.
    #[must_use]
    pub fn of(mail: &Mail, new_state: &'static str, why: impl Into<String>) -> Self {
        Self {
            tenant: mail.tenant,
            id: mail.id.clone(),
            state: mail.state.clone(),
            due: mail.due,
            new_state,
            new_due: mail.due,
            why: why.into(),
        }
    }

    /// Puts `mail` off until `due`.
    #[must_use]
    pub fn until(mail: &Mail, due: Millis, why: impl Into<String>) -> Self {
        Self { new_due: due, ..Self::of(mail, "deferred", why) }
    }
}

/// The statement that leases `mails` to the run `lease` until `until`; answers the ids it got. A row that another run
/// has touched since it was read is left alone, and so is one whose address another run has filled; one that this run holds already, because an earlier try was committed
/// behind an error, is answered again.
#[must_use]
pub fn lease(mails: &[Mail], lease: &str, until: Millis) -> Statement {
    let rows: Vec<_> = mails.iter().filter_map(|mail| lease_row(mail, until)).collect();
    Statement::new(
        format!(
            "{UPDATE_FROM_ROWS} AND ((o.state = j.value ->> 'state' AND o.due = j.value ->> 'due' \
             AND (j.value ->> 'fewer_than' IS NULL OR (SELECT count(*) FROM outbox s INDEXED BY outbox_recipient \
             WHERE s.tenant = o.tenant AND lower(s.recipient) = lower(o.recipient) \
             AND s.issued_at > j.value ->> 'since') < j.value ->> 'fewer_than')) OR o.lease = ?2) \
             ON CONFLICT (tenant, id) DO UPDATE SET state = 'sending', lease = ?2, due = ?3, \
             attempts = attempts + (outbox.lease IS NOT ?2), doubtful = COALESCE(outbox.doubtful, excluded.doubtful), \
             provider = excluded.provider, kid = excluded.kid, issued_at = excluded.issued_at, \
             expires_at = excluded.expires_at, locale = excluded.locale, facts = excluded.facts, \
             template_version = excluded.template_version RETURNING id",
        ),
        vec![json!(rows).to_string().into(), lease.into(), until.into()],
    )
}

/// How much of `mails` fits into one lease: a parameter of D1 may have two megabytes, and less is as good.
#[must_use]
pub fn that_fit(mails: &[Mail]) -> usize {
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

fn lease_row(mail: &Mail, until: Millis) -> Option<serde_json::Value> {
    let fixed = mail.fixed.as_ref()?;
    let facts = serde_json::to_string(&fixed.facts).ok()?;
    Some(json!({
        "tenant": mail.tenant, "id": mail.id, "state": mail.state, "due": mail.due, "new_state": "sending",
        "new_due": until, "provider": fixed.provider, "kid": fixed.kid, "issued_at": fixed.issued_at,
        "expires_at": fixed.expires_at, "locale": fixed.locale, "facts": facts,
        "template_version": fixed.template_version,
        "doubtful": mail.in_doubt_since(),
        "since": mail.room.map(|room| room.since), "fewer_than": mail.room.map(|room| room.fewer_than),
    }))
}

/// Picks rows by a list, the list first: SQLite's planner would turn an UPDATE … FROM around and scan the table. Every
/// row picked is there already, so that the insert is always the update that follows it.
const UPDATE_FROM_ROWS: &str = "INSERT INTO outbox (tenant, id, user_id, template, seq, recipient, state, doubtful, \
    created, due, provider, kid, issued_at, expires_at, locale, facts, provider_id, last_error, \
    template_version, attempts, refused) \
    SELECT o.tenant, o.id, o.user_id, o.template, o.seq, o.recipient, j.value ->> 'new_state', \
    j.value ->> 'doubtful', o.created, \
    j.value ->> 'new_due', j.value ->> 'provider', j.value ->> 'kid', j.value ->> 'issued_at', j.value ->> 'expires_at', \
    j.value ->> 'locale', j.value ->> 'facts', j.value ->> 'provider_id', j.value ->> 'last_error', \
    j.value ->> 'template_version', COALESCE(j.value ->> 'attempts', o.attempts), j.value ->> 'refused' \
    FROM json_each(?1) j CROSS JOIN outbox o ON o.tenant = j.value ->> 'tenant' AND o.id = j.value ->> 'id' WHERE TRUE";

/// The statements that end or put off rows which are not to be sent now, unless another run has touched them since. Their users show
/// it, where it is their latest invitation: a resend in the same moment has queued a newer one.
#[must_use]
pub fn end(ended: &[Ended]) -> Vec<Statement> {
    let rows: Vec<_> = ended
        .iter()
        .map(|row| {
            json!({
                "tenant": row.tenant, "id": row.id, "state": row.state, "due": row.due, "new_state": row.new_state,
                "new_due": row.new_due, "last_error": row.why,
            })
        })
        .collect();
    let rows = json!(rows).to_string();
    let invitations = invitations();
    vec![
        Statement::new(
            format!(
                "INSERT INTO resources (tenant, id, type, document, keys, created, modified, operation, delivery) \
             SELECT r.tenant, r.id, r.type, '', '', r.created, r.modified, r.operation, j.value ->> 'new_state' \
             FROM json_each(?1) j \
             CROSS JOIN outbox o ON o.tenant = j.value ->> 'tenant' AND o.id = j.value ->> 'id' \
             AND o.state = j.value ->> 'state' AND o.due = j.value ->> 'due' AND o.template IN ({invitations}) \
             CROSS JOIN resources r ON r.tenant = o.tenant AND r.id = o.user_id \
             WHERE NOT EXISTS (SELECT 1 FROM outbox n WHERE n.tenant = o.tenant AND n.user_id = o.user_id \
             AND n.seq > o.seq AND n.template IN ({invitations})) \
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

/// The templates whose delivery the user shows, as a list in SQL.
fn invitations() -> String {
    let names = TemplateType::ALL.into_iter().filter(|kind| kind.is_invitation());
    names.map(|kind| format!("'{}'", kind.name())).collect::<Vec<_>>().join(", ")
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The tenant's number.
    pub tenant: u64,
    /// The row.
    pub id: String,
    /// The user.
    pub user_id: String,
    /// The user's `seq` that it was for.
    pub seq: u32,
    /// Its state from now on.
    pub state: &'static str,
    /// When to try again, if ever.
    pub due: Millis,
    /// Since when an attempt may have been accepted unnoticed.
    pub doubtful: Option<Millis>,
    /// The attempts so far, this one included if it was one.
    pub attempts: u32,
    /// As [`Mail::refused`].
    pub refused: BTreeMap<String, Millis>,
    /// The provider's id for it.
    pub provider_id: Option<String>,
    /// What the provider, or the network, said; never a secret.
    pub last_error: Option<String>,
    /// When the provider accepted it.
    pub sent_at: Option<Millis>,
    /// When its link expires, in milliseconds; 0 for never.
    pub expires_at: Millis,
    /// Whether it is the invitation itself, whose delivery the user shows.
    pub is_invitation: bool,
    /// The key that signed its link, if it has one.
    pub link_kid: Option<String>,
}

/// The statements that record `outcomes` of the run `lease`: on the rows it still holds, and on their users as long as
/// they have not moved on.
#[must_use]
pub fn record(outcomes: &[Outcome], lease: &str) -> Vec<Statement> {
    let rows: Vec<_> = outcomes
        .iter()
        .map(|outcome| {
            let refused = (!outcome.refused.is_empty()).then(|| json!(outcome.refused).to_string());
            json!({
                "tenant": outcome.tenant, "id": outcome.id, "user_id": outcome.user_id, "seq": outcome.seq,
                "new_state": outcome.state, "new_due": outcome.due, "attempts": outcome.attempts,
                "doubtful": outcome.doubtful, "refused": refused,
                "provider_id": outcome.provider_id, "last_error": outcome.last_error, "sent_at": outcome.sent_at,
                "expires_at": outcome.expires_at, "is_invitation": u8::from(outcome.is_invitation),
                "link_kid": outcome.link_kid,
            })
        })
        .collect();
    let rows = json!(rows).to_string();
    vec![
        Statement::new(
            "INSERT INTO resources (tenant, id, type, document, keys, created, modified, operation, delivery, attempts, \
             sent_at, expires_at, link_kid) SELECT r.tenant, r.id, r.type, '', '', r.created, r.modified, r.operation, \
             CASE j.value ->> 'is_invitation' WHEN 1 THEN j.value ->> 'new_state' ELSE r.delivery END, \
             CASE j.value ->> 'is_invitation' WHEN 1 THEN j.value ->> 'attempts' ELSE r.attempts END, \
             CASE j.value ->> 'is_invitation' WHEN 1 THEN COALESCE(j.value ->> 'sent_at', r.sent_at) ELSE r.sent_at END, \
             CASE j.value ->> 'is_invitation' WHEN 1 THEN j.value ->> 'expires_at' ELSE r.expires_at END, \
             j.value ->> 'link_kid' FROM json_each(?1) j \
             CROSS JOIN outbox o ON o.tenant = j.value ->> 'tenant' AND o.id = j.value ->> 'id' AND o.lease = ?2 \
             CROSS JOIN resources r ON r.tenant = o.tenant AND r.id = o.user_id AND r.seq = o.seq \
             WHERE j.value ->> 'link_kid' IS NOT NULL \
             ON CONFLICT (tenant, id) DO UPDATE SET delivery = excluded.delivery, attempts = excluded.attempts, \
             sent_at = excluded.sent_at, expires_at = excluded.expires_at, link_kid = excluded.link_kid",
            vec![rows.as_str().into(), lease.into()],
        ),
        Statement::new(
            format!(
                "{UPDATE_FROM_ROWS} AND o.lease = ?2 ON CONFLICT (tenant, id) DO UPDATE SET state = excluded.state, \
                 due = excluded.due, doubtful = COALESCE(outbox.doubtful, excluded.doubtful), lease = NULL, \
                 provider_id = COALESCE(excluded.provider_id, provider_id), last_error = excluded.last_error, \
                 attempts = excluded.attempts, refused = excluded.refused",
            ),
            vec![rows.into(), Value::from(lease)],
        ),
    ]
}
