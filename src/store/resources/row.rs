//! A resource's row: the columns that are read, and what is made of them.

use crate::base::account::{Account, Deletion, Lock, Onboarding};
use crate::model::mail::{Delivery, TemplateType};
use crate::model::resource::{Invitation, Resource};
use crate::ports::{DatabaseError, Row};
use crate::store::groups::of_users;

/// The columns of [`from_row`], without the groups.
pub const COLUMNS: &str = "r.id, r.document, r.version, r.created, r.modified, r.onboarding, r.lock, r.disabled, \
    r.email, r.email_verified, r.pending_email, r.seq_log, r.deletion_at, r.was_disabled, r.template, r.delivery, r.attempts, \
    r.sent_at, r.delivered_at, r.expires_at";

/// The column with the groups of a user, who is read alone. [`crate::store::cross_store::add_groups`] completes it.
#[must_use]
pub fn groups_column() -> String {
    format!("{} AS groups", of_users::column_of_one("r.tenant", "r.id"))
}

/// Reads a row of [`COLUMNS`], with or without [`groups_column`].
///
/// # Errors
/// [`DatabaseError::Shape`]
pub fn from_row(row: &Row) -> Result<Resource, DatabaseError> {
    let shape = |column: &str| DatabaseError::Shape(column.to_owned());
    let account = Account {
        onboarding: Onboarding::parse(row.read_text("onboarding")?).ok_or_else(|| shape("onboarding"))?,
        lock: Lock::parse(row.read_text("lock")?).ok_or_else(|| shape("lock"))?,
        disabled: row.read_integer("disabled")? != 0,
        email: row.read_optional_text("email")?.map(str::to_owned),
        email_verified: row.read_integer("email_verified")? != 0,
        pending_email: row.read_optional_text("pending_email")?.map(str::to_owned),
        seq_log: row.read_text("seq_log")?.to_owned(),
        deletion: match row.read_optional_integer("deletion_at")? {
            None => None,
            Some(at) => Some(Deletion { at, was_disabled: row.read_integer("was_disabled")? != 0 }),
        },
    };
    let sent_at = row.read_optional_integer("sent_at")?;
    let invitation = match row.read_optional_text("delivery")? {
        None => None,
        Some(delivery) => Some(Invitation {
            template: row.read_optional_text("template")?.and_then(TemplateType::parse),
            delivery: Delivery::parse(delivery).ok_or_else(|| shape("delivery"))?,
            attempts: u32::try_from(row.read_integer("attempts")?).unwrap_or_default(),
            sent_at,
            // Of an earlier mail it says nothing.
            delivered_at: row
                .read_optional_integer("delivered_at")?
                .filter(|at| sent_at.is_some_and(|sent| sent <= *at)),
            expires_at: row.read_optional_integer("expires_at")?,
        }),
    };
    Ok(Resource {
        id: row.read_text("id")?.to_owned(),
        document: row.read_text("document")?.to_owned(),
        version: row.read_integer("version")?,
        created: row.read_integer("created")?,
        modified: row.read_integer("modified")?,
        account,
        invitation,
        groups: row.read_optional_text("groups").ok().flatten().map(str::to_owned),
    })
}
