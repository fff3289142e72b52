//! Pages of invitations by cursor, in the order of one index.

use crate::model::context::StoreContext;
use crate::model::resource::{Resource, USER};
use crate::ports::{DatabaseError, Row, Statement, Value};
use crate::store::cursor::{self, QueryDigest};
use crate::store::resources::{self, COLUMNS};
use scim::error::Error as ScimError;

/// The invitations to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Whatever became of them.
    All,
    /// Neither used nor expired nor revoked.
    Pending,
    /// The link's time is over.
    Expired,
    /// Used.
    Accepted,
    /// Withdrawn.
    Revoked,
}

impl Status {
    /// Reads a status by the name that `/api/invitations` gives it, or `all`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "all" => Self::All,
            "pending" => Self::Pending,
            "expired" => Self::Expired,
            "accepted" => Self::Accepted,
            "revoked" => Self::Revoked,
            _ => return None,
        })
    }

    /// The column that says so, and the range of expiries that goes with it; `now` is `?3`.
    fn condition(self) -> &'static str {
        match self {
            Self::All => "r.invitation IS NOT NULL AND ?3 > 0",
            Self::Pending => "r.invitation = 'open' AND r.expiry_key > ?3",
            Self::Expired => "r.invitation = 'open' AND r.expiry_key <= ?3",
            Self::Accepted => "r.invitation = 'accepted' AND ?3 > 0",
            Self::Revoked => "r.invitation = 'revoked' AND ?3 > 0",
        }
    }
}

/// A page of invitations.
#[derive(Debug)]
pub struct Page {
    /// The number of all of them, where the page has them all.
    pub total: Option<usize>,
    /// The invited users.
    pub users: Vec<Resource>,
    /// The start of the next page; none on the last.
    pub next: Option<String>,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The cursor is not one for this list.
    #[error("{}", .0.detail)]
    Cursor(ScimError),
    /// The database's failure.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// A page of at most `count` invitations, those that expire first coming first. One round trip, which reads the page's rows
/// and no others.
///
/// # Errors
/// [`ListError`]
pub fn list(ctx: &StoreContext, status: Status, count: u32, cursor: Option<&str>) -> Result<Page, ListError> {
    let query_digest = QueryDigest::of_store(ctx, &["invitations", status.condition()]);
    let after = match cursor {
        Some(cursor) => Some(cursor::open(ctx, query_digest, cursor).map_err(ListError::Cursor)?),
        None => None,
    };
    let rows = ctx.platform.query(statement(ctx, status, count, after.as_deref()))?;
    let wanted = usize::try_from(count).unwrap_or(usize::MAX);
    let more = rows.len() > wanted;
    let place = |row: &Row| -> Result<Vec<Value>, DatabaseError> {
        Ok(vec![row.value("invitation")?, row.value("expiry_key")?, row.value("id")?])
    };
    let last = rows.get(wanted.saturating_sub(1)).filter(|_| more).map(place).transpose()?;
    let users = rows.iter().take(wanted).map(resources::from_row).collect::<Result<Vec<_>, _>>()?;
    let total = (after.is_none() && !more).then_some(users.len());
    Ok(Page { total, users, next: last.and_then(|last| cursor::seal(ctx, query_digest, &last)) })
}

/// What an invitation shows of the user's document: the name. A large document is not read for it.
const NAME_ALONE: &str = "CASE WHEN octet_length(r.document) > 1024 \
    THEN json_object('userName', json_extract(r.document, '$.userName')) ELSE r.document END AS document";

fn statement(ctx: &StoreContext, status: Status, count: u32, after: Option<&[Value]>) -> Statement {
    let after_place = if after.is_some() { "AND (r.invitation, r.expiry_key, r.id) > (?5, ?6, ?7)" } else { "" };
    let columns = COLUMNS.replacen("r.document", NAME_ALONE, 1);
    let sql = format!(
        "SELECT {columns}, r.invitation, r.expiry_key FROM resources r INDEXED BY resources_invitation \
         WHERE r.tenant = ?1 AND r.type = ?2 AND {} {after_place} \
         ORDER BY r.invitation, r.expiry_key, r.id LIMIT ?4",
        status.condition()
    );
    let mut params: Vec<Value> =
        vec![ctx.tenant.key(), USER.into(), ctx.platform.clock.now().into(), count.saturating_add(1).into()];
    params.extend(after.unwrap_or_default().iter().cloned());
    Statement::new(sql, params)
}
