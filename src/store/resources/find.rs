//! What is known by id or by name, in one round trip each; the groups of a user of another store than PRIMARY take one
//! more.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Value as Json, json};

use crate::model::context::{Context, StoreContext, Work};
use crate::model::resource::{Resource, USER};
use crate::ports::{DatabaseError, Statement};
use crate::store::cross_store;
use crate::store::keys::MAX_KEY;
use crate::store::resources::row::{COLUMNS, from_row, groups_column};
use scim::fold::fold;

/// The statement that finds a resource by type and id; with the groups it is in, if those are asked for.
#[must_use]
pub fn by_id_statement(ctx: &Work, type_name: &str, id: &str, with_groups: bool) -> Statement {
    let groups = if with_groups { format!(", {}", groups_column()) } else { String::new() };
    Statement::new(
        format!("SELECT {COLUMNS}{groups} FROM resources r WHERE r.tenant = ?1 AND r.id = ?2 AND r.type = ?3"),
        vec![ctx.tenant.key(), id.into(), type_name.into()],
    )
}

/// Finds a resource by type and id.
///
/// # Errors
/// The database's.
pub async fn by_id(
    ctx: &StoreContext,
    type_name: &str,
    id: &str,
    with_groups: bool,
) -> Result<Option<Resource>, DatabaseError> {
    let rows = ctx.platform.query(by_id_statement(ctx, type_name, id, with_groups)).await?;
    let mut found = rows.first().map(from_row).transpose()?;
    if with_groups {
        cross_store::add_groups(ctx, found.as_mut()).await?;
    }
    Ok(found)
}

/// Finds a user by user name, whose case and Unicode form do not matter, in the store that it names, with the groups.
///
/// # Errors
/// The database's.
pub async fn user_by_name(ctx: &Context, user_name: &str) -> Result<Option<Resource>, DatabaseError> {
    let sql = format!(
        "SELECT {COLUMNS}, {} FROM resources r WHERE r.tenant = ?1 AND r.type = ?3 AND r.name_key = ?2",
        groups_column()
    );
    let (there, name) = &ctx.in_store_of_name(user_name);
    let params = vec![ctx.tenant.key(), fold(name).into(), USER.into()];
    let rows = there.platform.query(Statement::new(sql, params)).await?;
    let Some(mut user) = rows.first().map(from_row).transpose()? else { return Ok(None) };
    cross_store::add_groups(ctx, [&mut user]).await?;
    Ok(Some(user))
}

/// The statement that finds a user by user name, whose case and Unicode form do not matter, with the hash of the password
/// and when it was set, if there is one, and the groups.
#[must_use]
pub fn user_with_password_hash(ctx: &Work, user_name: &str) -> Statement {
    with_password(ctx, "c.password_hash, c.changed", "r.name_key = ?2", &fold(user_name))
}

/// The statement that finds a user by id, with when the password was set, if there is one, and the groups.
#[must_use]
pub fn user_with_password_change(ctx: &Work, id: &str) -> Statement {
    with_password(ctx, "c.changed", "r.id = ?2", id)
}

fn with_password(ctx: &Work, columns: &str, condition: &str, value: &str) -> Statement {
    let sql = format!(
        "SELECT {COLUMNS}, {columns}, {} FROM resources r \
         LEFT JOIN credentials c ON c.tenant = r.tenant AND c.user_id = r.id \
         WHERE r.tenant = ?1 AND r.type = ?3 AND {condition}",
        groups_column()
    );
    Statement::new(sql, vec![ctx.tenant.key(), value.into(), USER.into()])
}

/// Returns those of these keys of user names that are taken: one round trip for each user store among them.
///
/// # Errors
/// The database's.
pub async fn taken_names(ctx: &Context, keys: &[String]) -> Result<HashSet<String>, DatabaseError> {
    let mut by_store: BTreeMap<Option<u16>, Vec<&String>> = BTreeMap::new();
    for key in keys {
        let store = ctx.deployment.user_stores.locate(key).map_or(None, |located| located.store);
        by_store.entry(store).or_default().push(key);
    }
    let mut taken = HashSet::new();
    for (store, keys) in by_store {
        let statement = Statement::new(
            "SELECT j.value AS name FROM json_each(?2) j CROSS JOIN resources r \
             ON r.tenant = ?1 AND r.type = 'User' AND r.name_key = j.value",
            vec![ctx.tenant.key(), json!(keys).to_string().into()],
        );
        for row in ctx.in_store(store).platform.query(statement).await? {
            taken.insert(row.read_text("name")?.to_owned());
        }
    }
    Ok(taken)
}

/// Returns those of these keys of groups' names that are taken.
///
/// # Errors
/// The database's.
pub async fn taken_group_names(ctx: &Context, keys: &[String]) -> Result<HashSet<String>, DatabaseError> {
    let statement = Statement::new(
        "SELECT j.value AS name FROM json_each(?2) j CROSS JOIN resources r INDEXED BY resources_group_name \
         ON r.tenant = ?1 AND r.type = 'Group' AND r.keys ->> 'displayName' = j.value",
        vec![ctx.tenant.key(), json!(keys).to_string().into()],
    );
    let rows = ctx.platform.query(statement).await?;
    rows.iter().map(|row| row.read_text("name").map(str::to_owned)).collect()
}

/// The ids of the groups whose display names have these keys, by key; what no group has is not among them.
///
/// # Errors
/// The database's.
pub async fn groups_named(ctx: &Context, keys: &HashSet<String>) -> Result<HashMap<String, String>, DatabaseError> {
    // The index has the beginning of a long name.
    let pairs: Vec<Json> = keys.iter().map(|key| json!([key, key[..key.floor_char_boundary(MAX_KEY)]])).collect();
    let statement = Statement::new(
        "SELECT j.value ->> 0 AS name, r.id FROM json_each(?2) j CROSS JOIN value_index v \
         ON v.tenant = ?1 AND v.type = 'Group' AND v.attribute = 'displayName' AND v.key = j.value ->> 1 \
         CROSS JOIN resources r ON r.tenant = ?1 AND r.id = v.id AND r.keys ->> 'displayName' = j.value ->> 0",
        vec![ctx.tenant.key(), Json::from(pairs).to_string().into()],
    );
    let rows = ctx.platform.query(statement).await?;
    rows.iter().map(|row| Ok((row.read_text("name")?.to_owned(), row.read_text("id")?.to_owned()))).collect()
}
