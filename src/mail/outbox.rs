//! The outbox: mail to be sent, as rows written in the batch that makes it due (DESIGN 4).
//!
//! A row holds no secret. The first lease fixes everything that the body depends on, so that each attempt is
//! byte-identical under its idempotency key; the link is minted at rendering. All statements here take rows by the
//! hundred: a lease, and its outcomes, cost one round trip each however many rows they touch.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::access::audit::Condition;
use crate::context::Context;
use crate::ports::{DatabaseError, Millis, Platform, Row, Statement, Value};

use super::address::Address;
use super::template::TemplateType;

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
}

/// The statement that queues a mail, to ride in the batch of `operation`.
#[must_use]
pub fn queue(ctx: &Context, operation: &str, entry: &Entry<'_>, condition: Condition) -> Statement {
    Statement::new(
        format!(
            "INSERT INTO outbox (tenant, id, user_id, template, seq, recipient, invited_by, state, created, due) \
             SELECT ?1, ?4, ?2, ?5, ?6, ?7, ?8, 'queued', ?9, ?9 WHERE {}",
            condition.sql()
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
    /// When it was queued.
    pub created: Millis,
    /// When to try, or when the lease ends.
    pub due: Millis,
    /// What the first lease fixed, once there was one.
    pub fixed: Option<Fixed>,
}

/// The columns of [`Mail::from_row`].
pub const COLUMNS: &str = "o.tenant, o.id, o.user_id, o.template, o.seq, o.generation, o.recipient, o.invited_by, \
    o.state, o.attempts, o.created, o.due, o.provider, o.kid, o.issued_at, o.expires_at, o.locale, o.facts";

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
            created: row.integer("created")?,
            due: row.integer("due")?,
            fixed,
        })
    }

    /// The key under which a provider sends this mail at most once.
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        let key = format!("{}/{}/{}", self.template.name(), self.user_id, self.seq);
        if self.generation == 0 { key } else { format!("{key}/{}", self.generation) }
    }
}

/// A mail that is due, and its user as of now: the user's document, and whether the mail is still wanted.
#[derive(Clone, Debug)]
pub struct Due {
    /// The mail.
    pub mail: Mail,
    /// The user's document; `None` when the user has been deleted.
    pub document: Option<String>,
    /// The user's `seq` now.
    pub seq: Option<u32>,
    /// Whether the user still has something to redeem, and neither lock nor disabling in the way.
    pub pending: bool,
}

/// The mails due at `now`, oldest first, at most `limit`. One round trip.
///
/// # Errors
/// The database's.
pub async fn due(platform: &Platform, now: Millis, limit: u32) -> Result<Vec<Due>, DatabaseError> {
    let sql = format!(
        "SELECT {COLUMNS}, r.document, r.seq AS user_seq, \
         (r.onboarding <> 'none' AND r.lock <> 'admin' AND r.disabled = 0) AS pending \
         FROM outbox o LEFT JOIN resources r ON r.tenant = o.tenant AND r.id = o.user_id \
         WHERE o.state IN ('queued', 'sending', 'deferred') AND o.due <= ?1 ORDER BY o.due LIMIT ?2"
    );
    let rows = platform.query(Statement::new(sql, vec![now.into(), limit.into()])).await?;
    rows.iter()
        .map(|row| {
            Ok(Due {
                mail: Mail::from_row(row)?,
                document: row.optional_text("document")?.map(str::to_owned),
                seq: row.optional_integer("user_seq")?.and_then(|seq| u32::try_from(seq).ok()),
                pending: row.optional_integer("pending")? == Some(1),
            })
        })
        .collect()
}

/// The statement that leases `mails` to the run `lease` until `until`; answers the ids it got. A row that another run
/// has touched since it was read is left alone.
#[must_use]
pub fn lease(mails: &[Mail], lease: &str, until: Millis) -> Statement {
    let rows: Vec<_> = mails
        .iter()
        .filter_map(|mail| {
            let fixed = mail.fixed.as_ref()?;
            let facts = serde_json::to_string(&fixed.facts).ok()?;
            Some(json!({
                "tenant": mail.tenant, "id": mail.id, "state": mail.state, "due": mail.due,
                "provider": fixed.provider, "kid": fixed.kid, "issued_at": fixed.issued_at,
                "expires_at": fixed.expires_at, "locale": fixed.locale, "facts": facts,
            }))
        })
        .collect();
    Statement::new(
        "UPDATE outbox SET state = 'sending', lease = ?2, due = ?3, attempts = attempts + 1, \
         provider = j.value ->> 'provider', kid = j.value ->> 'kid', issued_at = j.value ->> 'issued_at', \
         expires_at = j.value ->> 'expires_at', locale = j.value ->> 'locale', facts = j.value ->> 'facts' \
         FROM json_each(?1) j \
         WHERE outbox.tenant = j.value ->> 'tenant' AND outbox.id = j.value ->> 'id' \
         AND outbox.state = j.value ->> 'state' AND outbox.due = j.value ->> 'due' RETURNING outbox.id",
        vec![json!(rows).to_string().into(), lease.into(), until.into()],
    )
}

/// The statement that drops mails which nobody wants any more.
#[must_use]
pub fn drop_unwanted(mails: &[(Mail, &'static str)]) -> Statement {
    let rows: Vec<_> = mails
        .iter()
        .map(|(mail, why)| {
            json!({ "tenant": mail.tenant, "id": mail.id, "state": mail.state, "due": mail.due, "why": why })
        })
        .collect();
    Statement::new(
        "UPDATE outbox SET state = 'dropped', lease = NULL, last_error = j.value ->> 'why' FROM json_each(?1) j \
         WHERE outbox.tenant = j.value ->> 'tenant' AND outbox.id = j.value ->> 'id' \
         AND outbox.state = j.value ->> 'state' AND outbox.due = j.value ->> 'due'",
        vec![json!(rows).to_string().into()],
    )
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
    /// The attempts so far, this one included.
    pub attempts: u32,
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
}

/// The statements that record `outcomes` of the run `lease`: on the rows it still holds, and on their users as long as
/// they have not moved on.
#[must_use]
pub fn record(outcomes: &[Outcome], lease: &str) -> Vec<Statement> {
    let rows = json!(outcomes).to_string();
    vec![
        Statement::new(
            "UPDATE resources SET delivery = j.value ->> 'state', attempts = j.value ->> 'attempts', \
             sent_at = COALESCE(j.value ->> 'sent_at', resources.sent_at), expires_at = j.value ->> 'expires_at' \
             FROM json_each(?1) j \
             WHERE resources.tenant = j.value ->> 'tenant' AND resources.id = j.value ->> 'user_id' \
             AND resources.seq = j.value ->> 'seq' AND j.value ->> 'is_invitation' \
             AND EXISTS (SELECT 1 FROM outbox o WHERE o.tenant = resources.tenant AND o.id = j.value ->> 'id' \
             AND o.lease = ?2)",
            vec![rows.as_str().into(), lease.into()],
        ),
        Statement::new(
            "UPDATE outbox SET state = j.value ->> 'state', due = j.value ->> 'due', lease = NULL, \
             provider_id = COALESCE(j.value ->> 'provider_id', outbox.provider_id), \
             last_error = j.value ->> 'last_error' FROM json_each(?1) j \
             WHERE outbox.tenant = j.value ->> 'tenant' AND outbox.id = j.value ->> 'id' AND outbox.lease = ?2",
            vec![rows.into(), Value::from(lease)],
        ),
    ]
}
