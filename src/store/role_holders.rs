//! Who holds a role, as a condition of the write that depends on it: so that nobody is given one, and no other
//! administrator goes, between the look and the write.
//!
//! Each of these statements looks into one database. Groups are in PRIMARY's: what they give a user of another store is
//! read beforehand ([`of_remote_user`]).

use std::collections::HashSet;

use serde_json::json;

use crate::model::context::{Context, StoreContext, UnitOfWork};
use crate::ports::{DatabaseError, Statement, Value};
use crate::store::audit::OPERATION_HOLDS;
use crate::store::cross_store::is_remote;

/// The condition that the resource `?2` of the tenant `?1` neither is a user who holds a role nor a group that gives one, in
/// a statement on its row.
pub const NO_ROLE: &str = "roles = 0 AND NOT EXISTS (SELECT 1 FROM members m INDEXED BY members_member \
    CROSS JOIN resources g ON g.tenant = m.tenant AND g.id = m.group_id \
    WHERE m.tenant = ?1 AND m.member_id = ?2 AND g.roles <> 0)";

/// The same condition on the resource `r`, whichever it is.
#[must_use]
pub fn no_role_of_row() -> String {
    NO_ROLE.replace("?2", "r.id")
}

/// The condition that the user `r` could sign in.
const USABLE: &str = "r.lock = 'none' AND r.disabled = 0 AND r.onboarding = 'none' AND EXISTS \
    (SELECT 1 FROM credentials c WHERE c.tenant = r.tenant AND c.user_id = r.id)";

/// The same of one who may await their deletion, and who could sign in before that.
const WAS_USABLE: &str = "r.lock = 'none' AND (r.disabled = 0 OR (r.deletion_at IS NOT NULL AND r.was_disabled = 0)) \
    AND r.onboarding = 'none' AND EXISTS (SELECT 1 FROM credentials c WHERE c.tenant = r.tenant AND c.user_id = r.id)";

/// The condition that a usable administrator is left in this database when `?5`, a user or a group, is not counted. `?4`
/// lists the ids of those whom a group in another database makes one.
fn others_are_left() -> String {
    format!(
        "(EXISTS (SELECT 1 FROM resources r INDEXED BY resources_roles WHERE r.tenant = ?1 AND r.type = 'User' \
         AND r.roles <> 0 AND r.roles & 1 AND r.id <> ?5 AND {USABLE}) \
         OR EXISTS (SELECT 1 FROM resources g INDEXED BY resources_roles \
         CROSS JOIN members m ON m.tenant = g.tenant AND m.group_id = g.id \
         CROSS JOIN resources r ON r.tenant = m.tenant AND r.id = m.member_id AND r.type = 'User' \
         WHERE g.tenant = ?1 AND g.type = 'Group' AND g.roles <> 0 AND g.roles & 1 AND g.id <> ?5 AND r.id <> ?5 \
         AND {USABLE}) \
         OR EXISTS (SELECT 1 FROM json_each(?4) j CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value \
         AND r.type = 'User' AND r.id <> ?5 AND {USABLE}))"
    )
}

/// The beginning of a statement that undoes its batch where the condition that follows holds.
const REFUSE: &str = "INSERT INTO refusals (reason) SELECT 'last administrator' WHERE ";

/// Whether a batch was undone because no usable administrator would have been left.
#[must_use]
pub fn is_last_administrator(error: &DatabaseError) -> bool {
    matches!(error, DatabaseError::Unique(constraint) if constraint.contains("refusals.reason"))
}

fn params(ctx: &impl UnitOfWork, id: &str, operation: &str, by_groups: &[String], excluded: &str) -> Vec<Value> {
    vec![ctx.tenant.key(), id.into(), operation.into(), json!(by_groups).to_string().into(), excluded.into()]
}

/// The statement that undoes the batch of `operation` on the user `id`, who was a usable administrator before what stands
/// before it, and is none now, if no other is left. Without a password they could not have signed in.
#[must_use]
pub fn keep_one_after_change(ctx: &StoreContext, id: &str, operation: &str, by_groups: &[String]) -> Statement {
    let sql = format!(
        "{REFUSE}{OPERATION_HOLDS} AND EXISTS (SELECT 1 FROM credentials WHERE tenant = ?1 AND user_id = ?2) AND NOT {}",
        others_are_left()
    );
    Statement::new(sql, params(ctx, id, operation, by_groups, ""))
}

/// The same for the group `id`, which made usable administrators of its members, where there was one.
#[must_use]
pub fn keep_one_after_group(ctx: &StoreContext, id: &str, operation: &str) -> Statement {
    let sql = format!("{REFUSE}{OPERATION_HOLDS} AND NOT {}", others_are_left());
    Statement::new(sql, params(ctx, id, operation, &[], ""))
}

/// The same, to stand before the deletion of the user or group `id` in its batch.
#[must_use]
pub fn keep_one_of_deletion(ctx: &StoreContext, id: &str, operation: &str, by_groups: &[String]) -> Statement {
    let sql = format!(
        "{REFUSE}{OPERATION_HOLDS} AND (EXISTS (SELECT 1 FROM resources r WHERE r.tenant = ?1 AND r.id = ?2 \
         AND r.type = 'User' AND {WAS_USABLE} AND (r.roles & 1 OR r.id IN (SELECT value FROM json_each(?4)) \
         OR EXISTS (SELECT 1 FROM members m INDEXED BY members_member \
         CROSS JOIN resources g ON g.tenant = m.tenant AND g.id = m.group_id \
         WHERE m.tenant = ?1 AND m.member_id = ?2 AND g.roles & 1))) \
         OR EXISTS (SELECT 1 FROM resources g CROSS JOIN members m ON m.tenant = g.tenant AND m.group_id = g.id \
         CROSS JOIN resources r ON r.tenant = m.tenant AND r.id = m.member_id AND r.type = 'User' \
         WHERE g.tenant = ?1 AND g.id = ?2 AND g.type = 'Group' AND g.roles & 1 AND {USABLE})) AND NOT {}",
        others_are_left()
    );
    Statement::new(sql, params(ctx, id, operation, by_groups, id))
}

/// Whether there is a usable administrator in the database of `ctx`; `by_groups` are those whom a group in another makes
/// one, `excluded` is not counted.
///
/// # Errors
/// The database's.
pub async fn is_one_usable(ctx: &StoreContext, by_groups: &[String], excluded: &str) -> Result<bool, DatabaseError> {
    let sql = format!("SELECT 1 AS found WHERE ?2 = ?2 AND ?3 = ?3 AND {}", others_are_left());
    Ok(!ctx.platform.query(Statement::new(sql, params(ctx, "", "", by_groups, excluded))).await?.is_empty())
}

/// What groups make of users of another store than PRIMARY.
#[derive(Debug, Default)]
pub struct ByGroups {
    /// Whether they give the user that was asked about a role.
    pub gives_role: bool,
    /// Whom they make administrators in that user's store.
    pub administrators: Vec<String>,
}

/// Returns the users of other stores than PRIMARY whom groups make administrators, each with the group.
///
/// # Errors
/// The database's.
pub async fn remote_administrators(ctx: &Context) -> Result<Vec<(String, String)>, DatabaseError> {
    let statement = Statement::new(
        "SELECT g.id, m.member_id FROM resources g INDEXED BY resources_roles \
         CROSS JOIN members m ON m.tenant = g.tenant AND m.group_id = g.id \
         WHERE g.tenant = ?1 AND g.type = 'Group' AND g.roles <> 0 AND g.roles & 1 \
         AND substr(m.member_id, 15, 1) = '8' LIMIT ?2",
        vec![ctx.tenant.key(), MAX_ADMINISTRATORS.into()],
    );
    let rows = ctx.platform.query(statement).await?;
    rows.iter().map(|row| Ok((row.read_text("id")?.to_owned(), row.read_text("member_id")?.to_owned()))).collect()
}

/// The most administrators by groups that are counted in another store than PRIMARY.
const MAX_ADMINISTRATORS: i64 = 1_000;

/// Returns what groups make of a user, and of the others of their store: one round trip, and none for a user of PRIMARY,
/// whose own database knows.
///
/// # Errors
/// The database's.
pub async fn of_remote_user(ctx: &StoreContext, id: &str) -> Result<ByGroups, DatabaseError> {
    if !is_remote(id) {
        return Ok(ByGroups::default());
    }
    let batch = vec![
        Statement::new(
            "SELECT 1 AS found FROM members m INDEXED BY members_member \
             CROSS JOIN resources g ON g.tenant = m.tenant AND g.id = m.group_id \
             WHERE m.tenant = ?1 AND m.member_id = ?2 AND g.roles <> 0 LIMIT 1",
            vec![ctx.tenant.key(), id.into()],
        ),
        // The digits of an id that say its store.
        Statement::new(
            "SELECT m.member_id FROM resources g INDEXED BY resources_roles \
             CROSS JOIN members m ON m.tenant = g.tenant AND m.group_id = g.id \
             WHERE g.tenant = ?1 AND g.type = 'Group' AND g.roles <> 0 AND g.roles & 1 \
             AND substr(m.member_id, 15, 4) = substr(?2, 15, 4) ORDER BY m.member_id = ?2 DESC LIMIT ?3",
            vec![ctx.tenant.key(), id.into(), MAX_ADMINISTRATORS.into()],
        ),
    ];
    let outcomes = ctx.primary().platform.db.batch(batch).await?;
    let rows = |index: usize| outcomes.get(index).map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
    let administrators = rows(1).iter().map(|row| row.read_text("member_id").map(str::to_owned));
    Ok(ByGroups { gives_role: !rows(0).is_empty(), administrators: administrators.collect::<Result<_, _>>()? })
}

/// Returns those of these users of other stores than PRIMARY whom groups give a role.
///
/// # Errors
/// The database's.
pub async fn remote_holders(ctx: &Context, ids: &[&str]) -> Result<HashSet<String>, DatabaseError> {
    let statement = Statement::new(
        "SELECT j.value AS id FROM json_each(?2) j WHERE EXISTS (SELECT 1 FROM members m INDEXED BY members_member \
         CROSS JOIN resources g ON g.tenant = m.tenant AND g.id = m.group_id \
         WHERE m.tenant = ?1 AND m.member_id = j.value AND g.roles <> 0)",
        vec![ctx.tenant.key(), json!(ids).to_string().into()],
    );
    let rows = ctx.platform.query(statement).await?;
    rows.iter().map(|row| row.read_text("id").map(str::to_owned)).collect()
}
