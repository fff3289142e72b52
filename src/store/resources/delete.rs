//! Deleting resources, with what depends on them: any number of one type in one batch. One that does not meet the conditions
//! harms no other.

use serde_json::{Value as Json, json};

use crate::model::audit::Action;
use crate::model::context::StoreContext;
use crate::model::resource::{GROUP, USER};
use crate::ports::{DatabaseError, Millis, Row, Statement, Value};
use crate::store::audit::{self, OF_OPERATION};
use crate::store::operation::{Committed, Operation};
use crate::store::{api_tokens, groups, outbox, role_holders, sessions, tenants};
use scim::schema::ResourceType;

/// The result of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// It is gone.
    Done,
    /// There was none.
    NotFound,
    /// It has this version, which is not what the client expects, or does not await this deletion; it is still there.
    OtherVersion(i64),
    /// A role depends on it, which the caller may not take; it is still there.
    RoleHolder,
    /// It is, or makes, the last administrator who can sign in; it is still there.
    LastAdministrator,
    /// It is not known: others of the batch were deleted, and the answer was lost.
    Unanswered,
}

/// A resource to delete.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its id.
    pub id: String,
    /// The versions of which it must have one.
    pub versions: Option<Vec<i64>>,
}

/// The conditions of a deletion.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    /// The deletion that it must be awaiting.
    pub deletion_at: Option<Millis>,
    /// Whether it must neither be a user who holds a role nor a group that gives one.
    pub without_role: bool,
    /// That an administrator who can sign in is left, for the deletion of one. With it come the ids of those whom a group in
    /// another database makes administrators.
    pub keeps_administrator: Option<Vec<String>>,
}

/// The resources of a type that are on a list.
const LISTED: &str = "FROM json_each(?2) j CROSS JOIN resources r \
    ON r.tenant = ?1 AND r.id = j.value ->> 'id' AND r.type = ?3";

/// What is known of a resource on such a list.
#[derive(Clone, Debug)]
pub struct Look {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: i64,
    /// Whether it neither is a user who holds a role nor a group that gives one; true where that does not matter.
    pub is_allowed: bool,
}

impl Look {
    fn read(row: &Row) -> Result<Self, DatabaseError> {
        Ok(Self {
            id: row.read_text("id")?.to_owned(),
            version: row.read_integer("version")?,
            is_allowed: row.read_integer("allowed")? != 0,
        })
    }
}

fn list(targets: &[Target]) -> String {
    let row = |target: &Target| match &target.versions {
        None => json!({ "id": target.id }),
        Some(versions) => json!({ "id": target.id, "versions": versions }),
    };
    targets.iter().map(row).collect::<Json>().to_string()
}

fn looking(ctx: &StoreContext, type_name: &str, list: &str, without_role: bool) -> Statement {
    let condition = allowed(without_role);
    Statement::new(
        format!("SELECT r.id, r.version, ({condition}) AS allowed {LISTED}"),
        vec![ctx.tenant.key(), list.into(), type_name.into()],
    )
}

fn allowed(without_role: bool) -> String {
    if without_role { role_holders::no_role_of_row() } else { "TRUE".to_owned() }
}

/// Looks at resources before they are deleted; those that do not exist are left out.
///
/// # Errors
/// The database's.
pub async fn look(
    ctx: &StoreContext,
    resource_type: &ResourceType,
    targets: &[Target],
    without_role: bool,
) -> Result<Vec<Look>, DatabaseError> {
    let rows = ctx.platform.query(looking(ctx, &resource_type.name, &list(targets), without_role)).await?;
    rows.iter().map(Look::read).collect()
}

/// Deletes resources in one batch, with what depends on them; the answers come in the same order. What records the deletion
/// comes first, while the rows are there to depend on.
///
/// # Errors
/// The database's: nothing was deleted.
pub async fn delete(
    ctx: &StoreContext,
    resource_type: &ResourceType,
    targets: &[Target],
    conditions: &Conditions,
) -> Result<Vec<Deleted>, DatabaseError> {
    let operation = Operation::new(ctx);
    let batch = deletion(ctx, &resource_type.name, targets, conditions, operation.id());
    let outcomes = match operation.commit(ctx, batch).await {
        Err(error) if role_holders::is_last_administrator(&error) => {
            return Ok(vec![Deleted::LastAdministrator; targets.len()]);
        }
        Err(error) => return Err(error),
        Ok(Committed::Answered(outcomes)) => outcomes,
        Ok(Committed::Unanswered) if targets.len() == 1 => return Ok(vec![Deleted::Done]),
        Ok(Committed::Unanswered) => {
            let gone = audit::targets(ctx, operation.id()).await?;
            let outcome = |id: &String| if gone.contains(id) { Deleted::Done } else { Deleted::Unanswered };
            return Ok(targets.iter().map(|target| outcome(&target.id)).collect());
        }
    };
    let rows = outcomes.first().map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
    let there = rows.iter().map(Look::read).collect::<Result<Vec<_>, _>>()?;
    let rows = outcomes.last().map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
    let gone = rows.iter().map(|row| row.read_text("id")).collect::<Result<Vec<_>, _>>()?;
    let outcome = |target: &Target| {
        if gone.contains(&target.id.as_str()) {
            return Deleted::Done;
        }
        match there.iter().find(|look| look.id == target.id) {
            None => Deleted::NotFound,
            Some(look) if target.versions.as_ref().is_some_and(|versions| !versions.contains(&look.version)) => {
                Deleted::OtherVersion(look.version)
            }
            Some(look) if !look.is_allowed => Deleted::RoleHolder,
            Some(look) => Deleted::OtherVersion(look.version),
        }
    };
    Ok(targets.iter().map(outcome).collect())
}

fn deletion(
    ctx: &StoreContext,
    name: &str,
    targets: &[Target],
    conditions: &Conditions,
    operation: &str,
) -> Vec<Statement> {
    let list = list(targets);
    let tenant = ctx.tenant.key();
    let params = || vec![tenant.clone(), list.as_str().into(), operation.into()];
    let dependent_write = |sql: &str| Statement::new(format!("{sql} IN ({OF_OPERATION})"), params());
    let with_type = |sql: String, more: Option<Value>| {
        let mut params = params();
        params.push(name.into());
        params.extend(more);
        Statement::new(sql, params)
    };
    let listed = LISTED.replace("?3", "?4");
    let mut batch = vec![
        looking(ctx, name, &list, conditions.without_role),
        // Marks the rows as this operation's, so that everything else depends on one condition.
        with_type(
            format!(
                "UPDATE resources SET operation = ?3 WHERE tenant = ?1 AND id IN (SELECT r.id {listed} \
                 WHERE (j.value -> 'versions' IS NULL OR r.version IN (SELECT v.value FROM json_each(j.value, '$.versions') v)) \
                 AND (?5 IS NULL OR r.deletion_at = ?5) AND {})",
                allowed(conditions.without_role)
            ),
            Some(conditions.deletion_at.into()),
        ),
    ];
    if let (Some(by_groups), Some(target)) = (&conditions.keeps_administrator, targets.first()) {
        batch.push(role_holders::keep_one_of_deletion(ctx, &target.id, operation, by_groups));
    }
    batch.extend([
        audit::record_each(ctx, operation, Action::delete(name), &list),
        with_type(
            format!(
                "UPDATE counters SET total = total - gone.count FROM (SELECT COUNT(*) AS count FROM ({OF_OPERATION})) gone \
                 WHERE counters.tenant = ?1 AND counters.type = ?4 AND gone.count > 0"
            ),
            None,
        ),
        dependent_write("DELETE FROM credentials WHERE tenant = ?1 AND user_id"),
        dependent_write("DELETE FROM password_history WHERE tenant = ?1 AND user_id"),
        dependent_write("DELETE FROM renewals WHERE tenant = ?1 AND user_id"),
        dependent_write("DELETE FROM resets WHERE tenant = ?1 AND user_id"),
        dependent_write("DELETE FROM value_index WHERE tenant = ?1 AND id"),
        dependent_write("DELETE FROM unique_values WHERE tenant = ?1 AND id"),
    ]);
    if name == USER {
        batch.push(sessions::delete_of_each(ctx, &list, operation));
        batch.extend(outbox::removal::forget_users(ctx, &list, operation));
        if ctx.platform.store.is_none() {
            batch.push(tenants::forget_owners(ctx, &list, operation));
            batch.push(api_tokens::forget_creators(&tenant, &list, Some(operation)));
        } else {
            batch.push(dependent_write(
                "DELETE FROM pending_work WHERE tenant = ?1 AND kind = 'join_groups' AND target",
            ));
        }
    }
    batch.extend(groups::deletion(ctx, &list, operation, name == GROUP));
    batch.push(Statement::new(
        "DELETE FROM resources WHERE tenant = ?1 AND id IN (SELECT j.value ->> 'id' FROM json_each(?2) j) \
         AND operation = ?3 RETURNING id",
        params(),
    ));
    batch
}
