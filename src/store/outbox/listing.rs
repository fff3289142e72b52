//! The outbox as an administrator sees it: newest first, by state.

use serde_json::{Value as Json, json};

use crate::base::text::rfc3339;
use crate::model::context::StoreContext;
use crate::model::mail::MailState;
use crate::ports::{DatabaseError, Millis, Row, Statement};
use crate::store::outbox::row::state_from_row;

/// The most rows that a page looks at for a state which `outbox_ended` does not hold.
const MAX_EXAMINED: u32 = 10_000;
/// The condition of the partial index `outbox_ended`, spelled as it is there: the planner proves no other.
pub(super) const ENDED: &str = "o.state IN ('deferred', 'unknown', 'failed', 'dropped', 'bounced', 'complained')";

/// The statement that counts mails which have ended in an irregular state, up to a limit.
pub fn counted(ctx: &StoreContext, state: MailState, limit: u32) -> Statement {
    Statement::new(
        format!(
            "SELECT COUNT(*) AS number FROM (SELECT 1 FROM outbox o INDEXED BY outbox_ended \
             WHERE o.tenant = ?1 AND o.state = ?2 AND {ENDED} LIMIT ?3)"
        ),
        vec![ctx.tenant.key(), state.as_str().into(), limit.into()],
    )
}

/// The statement that finds the newest mail which is put off: its provider, and what that said.
pub fn newest_deferred(ctx: &StoreContext) -> Statement {
    Statement::new(
        format!(
            "SELECT o.provider, o.last_error FROM outbox o INDEXED BY outbox_ended \
             WHERE o.tenant = ?1 AND o.state = 'deferred' AND {ENDED} ORDER BY o.id DESC LIMIT 1"
        ),
        vec![ctx.tenant.key()],
    )
}

/// A mail as the list shows it, without anything that could be a secret.
#[derive(Clone, Debug)]
pub struct ListedMail {
    /// The row's id.
    pub id: String,
    /// The id of whom it is for.
    pub user_id: String,
    /// Its template's type.
    pub template: String,
    /// Its recipient; `None` once they have been deleted.
    pub to: Option<String>,
    /// Its state.
    pub state: MailState,
    /// How often it was tried.
    pub attempts: i64,
    /// The provider that was tried last.
    pub provider: Option<String>,
    /// What that said.
    pub last_error: Option<String>,
    /// When it was queued.
    pub queued: Millis,
    /// When it is tried next, while it waits.
    pub due: Millis,
    /// When the provider said that it arrived.
    pub delivered_at: Option<Millis>,
    /// When it said that it bounced or was reported as spam.
    pub reported_at: Option<Millis>,
}

/// The columns of [`ListedMail::from_row`].
pub(in crate::store) const COLUMNS: &str = "o.id, o.user_id, o.template, o.recipient, o.state, o.attempts, o.provider, o.last_error, o.created, o.due, \
    o.delivered_at, o.reported_at";

impl ListedMail {
    /// Whether the user has been deleted, and with them whatever the mail said of a person.
    #[must_use]
    pub fn is_emptied(&self) -> bool {
        self.to.is_none()
    }

    /// Reads a row of [`COLUMNS`].
    pub(in crate::store) fn from_row(row: &Row) -> Result<Self, DatabaseError> {
        let optional = |column: &str| Ok::<_, DatabaseError>(row.read_optional_text(column)?.map(str::to_owned));
        Ok(Self {
            id: row.read_text("id")?.to_owned(),
            user_id: row.read_text("user_id")?.to_owned(),
            template: row.read_text("template")?.to_owned(),
            to: Some(row.read_text("recipient")?).filter(|to| !to.is_empty()).map(str::to_owned),
            state: state_from_row(row)?,
            attempts: row.read_integer("attempts")?,
            provider: optional("provider")?,
            last_error: optional("last_error")?,
            queued: row.read_integer("created")?,
            due: row.read_integer("due")?,
            delivered_at: row.read_optional_integer("delivered_at")?,
            reported_at: row.read_optional_integer("reported_at")?,
        })
    }

    /// The JSON that `/api/mail` shows (DESIGN 2.5).
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut shown = json!({
            "id": self.id,
            "userId": self.user_id,
            "template": self.template,
            "to": self.to,
            "state": self.state.as_str(),
            "attempts": self.attempts,
            "provider": self.provider,
            "lastError": self.last_error,
            "queuedAt": rfc3339(self.queued),
            "nextAttemptAt": self.state.is_waiting().then(|| rfc3339(self.due)),
        });
        if let Some(delivered_at) = self.delivered_at {
            shown["deliveredAt"] = json!(rfc3339(delivered_at));
        }
        shown
    }
}

/// Returns a page of the tenant's mails below the id `cursor`, newest first, and the cursor of the next page, if there may be one.
/// Ids are in the order of time.
///
/// # Errors
/// The database's.
pub fn page(
    ctx: &StoreContext,
    state: Option<MailState>,
    after: Option<&str>,
    count: u32,
) -> Result<(Vec<ListedMail>, Option<String>), DatabaseError> {
    let tenant = ctx.tenant.key();
    // Every id is below this.
    let below = after.unwrap_or("g");
    let statement = match state {
        None => Statement::new(
            format!("SELECT {COLUMNS} FROM outbox o WHERE o.tenant = ?1 AND o.id < ?2 ORDER BY o.id DESC LIMIT ?3"),
            vec![tenant, below.into(), (count + 1).into()],
        ),
        Some(state) if state.is_irregular() => Statement::new(
            format!(
                "SELECT {COLUMNS} FROM outbox o INDEXED BY outbox_ended WHERE o.tenant = ?1 AND o.state = ?4 \
                 AND {ENDED} AND o.id < ?2 ORDER BY o.id DESC LIMIT ?3"
            ),
            vec![tenant, below.into(), (count + 1).into(), state.as_str().into()],
        ),
        Some(state) => Statement::new(
            format!(
                "SELECT * FROM (SELECT {COLUMNS} FROM outbox o WHERE o.tenant = ?1 AND o.id < ?2 ORDER BY o.id DESC \
                 LIMIT {MAX_EXAMINED}) newest WHERE state = ?4 ORDER BY id DESC LIMIT ?3"
            ),
            vec![tenant, below.into(), (count + 1).into(), state.as_str().into()],
        ),
    };
    let rows = ctx.platform.query(statement)?;
    let mut mails = rows.iter().map(ListedMail::from_row).collect::<Result<Vec<_>, _>>()?;
    let more = mails.len() > count as usize;
    mails.truncate(count as usize);
    let next = mails.last().filter(|_| more).map(|mail| mail.id.clone());
    Ok((mails, next))
}

/// The mail of this id.
///
/// # Errors
/// The database's.
pub fn find(ctx: &StoreContext, id: &str) -> Result<Option<ListedMail>, DatabaseError> {
    let sql = format!("SELECT {COLUMNS} FROM outbox o WHERE o.tenant = ?1 AND o.id = ?2");
    let rows = ctx.platform.query(Statement::new(sql, vec![ctx.tenant.key(), id.into()]))?;
    rows.first().map(ListedMail::from_row).transpose()
}
