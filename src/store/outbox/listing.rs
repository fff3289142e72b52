//! The outbox as an administrator sees it: newest first, by state.

use serde_json::{Value as Json, json};

use crate::base::text::rfc3339;
use crate::model::context::Context;
use crate::ports::{DatabaseError, Millis, Row, Statement};

/// The states a mail may be in, as the database stores them.
pub const STATES: &[&str] =
    &["queued", "sending", "sent", "deferred", "unknown", "failed", "dropped", "bounced", "complained"];

/// The states that `outbox_ended` holds. Of the others a page looks at no more than this many rows.
const INDEXED: &[&str] = &["deferred", "unknown", "failed", "dropped", "bounced", "complained"];
const MAX_EXAMINED: u32 = 10_000;
/// The condition of the partial index `outbox_ended`, spelled as it is there: the planner proves no other.
pub(super) const ENDED: &str = "o.state IN ('deferred', 'unknown', 'failed', 'dropped', 'bounced', 'complained')";

/// A mail, without anything that could be a secret.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The row's id.
    pub id: String,
    user_id: String,
    template: String,
    to: String,
    state: String,
    attempts: i64,
    provider: Option<String>,
    last_error: Option<String>,
    queued: Millis,
    due: Millis,
}

const COLUMNS: &str =
    "o.id, o.user_id, o.template, o.recipient, o.state, o.attempts, o.provider, o.last_error, o.created, o.due";

impl Listed {
    fn from_row(row: &Row) -> Result<Self, DatabaseError> {
        let optional = |column: &str| Ok::<_, DatabaseError>(row.optional_text(column)?.map(str::to_owned));
        Ok(Self {
            id: row.text("id")?.to_owned(),
            user_id: row.text("user_id")?.to_owned(),
            template: row.text("template")?.to_owned(),
            to: row.text("recipient")?.to_owned(),
            state: row.text("state")?.to_owned(),
            attempts: row.integer("attempts")?,
            provider: optional("provider")?,
            last_error: optional("last_error")?,
            queued: row.integer("created")?,
            due: row.integer("due")?,
        })
    }

    /// As `/api/mail` shows it (DESIGN 2.5).
    #[must_use]
    pub fn to_json(&self) -> Json {
        let waits = matches!(self.state.as_str(), "queued" | "deferred");
        json!({
            "id": self.id,
            "userId": self.user_id,
            "template": self.template,
            "to": self.to,
            "state": self.state,
            "attempts": self.attempts,
            "provider": self.provider,
            "lastError": self.last_error,
            "queuedAt": rfc3339(self.queued),
            "nextAttemptAt": waits.then(|| rfc3339(self.due)),
        })
    }
}

/// A page of the tenant's mails below the id `cursor`, newest first, and the cursor of the next page, if there may be one.
/// Ids are in the order of time.
///
/// # Errors
/// The database's.
pub async fn page(
    ctx: &Context,
    state: Option<&str>,
    cursor: Option<&str>,
    count: u32,
) -> Result<(Vec<Listed>, Option<String>), DatabaseError> {
    let tenant = ctx.tenant.key();
    // Every id is below this.
    let below = cursor.unwrap_or("g");
    let statement = match state {
        None => Statement::new(
            format!("SELECT {COLUMNS} FROM outbox o WHERE o.tenant = ?1 AND o.id < ?2 ORDER BY o.id DESC LIMIT ?3"),
            vec![tenant, below.into(), (count + 1).into()],
        ),
        Some(state) if INDEXED.contains(&state) => Statement::new(
            format!(
                "SELECT {COLUMNS} FROM outbox o INDEXED BY outbox_ended WHERE o.tenant = ?1 AND o.state = ?4 \
                 AND {ENDED} AND o.id < ?2 ORDER BY o.id DESC LIMIT ?3"
            ),
            vec![tenant, below.into(), (count + 1).into(), state.into()],
        ),
        Some(state) => Statement::new(
            format!(
                "SELECT * FROM (SELECT {COLUMNS} FROM outbox o WHERE o.tenant = ?1 AND o.id < ?2 ORDER BY o.id DESC \
                 LIMIT {MAX_EXAMINED}) newest WHERE state = ?4 ORDER BY id DESC LIMIT ?3"
            ),
            vec![tenant, below.into(), (count + 1).into(), state.into()],
        ),
    };
    let rows = ctx.platform.query(statement).await?;
    let mut mails = rows.iter().map(Listed::from_row).collect::<Result<Vec<_>, _>>()?;
    let more = mails.len() > count as usize;
    mails.truncate(count as usize);
    let next = mails.last().filter(|_| more).map(|mail| mail.id.clone());
    Ok((mails, next))
}

/// One mail.
///
/// # Errors
/// The database's.
pub async fn find(ctx: &Context, id: &str) -> Result<Option<Listed>, DatabaseError> {
    let sql = format!("SELECT {COLUMNS} FROM outbox o WHERE o.tenant = ?1 AND o.id = ?2");
    let rows = ctx.platform.query(Statement::new(sql, vec![ctx.tenant.key(), id.into()])).await?;
    rows.first().map(Listed::from_row).transpose()
}
