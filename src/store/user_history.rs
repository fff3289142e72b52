//! What has happened to one user: the audit's rows and the mails about them, the newest of each. One round trip.

use crate::model::context::StoreContext;
use crate::ports::{DatabaseError, Millis, Statement};
use crate::store::audit::rows::{self, Entry};
use crate::store::outbox::listing::{self, ListedMail};

/// The most rows of the audit, and the most mails.
pub const MOST: u32 = 100;

/// What has happened to one user.
#[derive(Clone, Debug, Default)]
pub struct UserHistory {
    /// The audit's rows about the user, newest first.
    pub entries: Vec<Entry>,
    /// The mails about the user, newest first.
    pub mails: Vec<ListedMail>,
    /// Whether the user has a password.
    pub has_password: bool,
    /// When a password was first sent by the latest link that was used so, or begun to be typed.
    pub started_at: Option<Millis>,
}

/// Reads what has happened to a user.
///
/// # Errors
/// The database's.
pub fn read(ctx: &StoreContext, user_id: &str) -> Result<UserHistory, DatabaseError> {
    let with = || vec![ctx.tenant.key(), user_id.into()];
    let limited = || [with(), vec![MOST.into()]].concat();
    let outcomes = ctx.platform.db.batch(vec![
        Statement::new(
            format!(
                "SELECT {} FROM audit row INDEXED BY audit_target WHERE row.tenant = ?1 AND row.target = ?2 \
                     ORDER BY row.number DESC LIMIT ?3",
                rows::COLUMNS
            ),
            limited(),
        ),
        Statement::new(
            format!(
                "SELECT {} FROM outbox o INDEXED BY outbox_user WHERE o.tenant = ?1 AND o.user_id = ?2 \
                     ORDER BY o.seq DESC LIMIT ?3",
                listing::COLUMNS
            ),
            limited(),
        ),
        Statement::new(
            "SELECT EXISTS (SELECT 1 FROM credentials WHERE tenant = ?1 AND user_id = ?2) AS has_password, \
                 (SELECT started_at FROM resources WHERE tenant = ?1 AND id = ?2) AS started_at",
            with(),
        ),
    ])?;
    let rows = |index: usize| outcomes.get(index).map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
    Ok(UserHistory {
        entries: rows(0).iter().map(Entry::from_row).collect::<Result<_, _>>()?,
        mails: rows(1).iter().map(ListedMail::from_row).collect::<Result<_, _>>()?,
        has_password: rows(2).first().map_or(Ok(0), |row| row.read_integer("has_password"))? != 0,
        started_at: rows(2).first().map_or(Ok(None), |row| row.read_optional_integer("started_at"))?,
    })
}
