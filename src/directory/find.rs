//! Single resources, in one round trip each; the groups of a user of another store than PRIMARY take one more.

use super::elsewhere;
use super::resource::{COLUMNS, GROUPS_COLUMN, Resource, USER};
use crate::context::Context;
use crate::ports::{DatabaseError, Statement};
use crate::scim::fold::fold;
use crate::tenant::store;

/// The statement that finds a resource by type and id; with the groups it is in, if those are asked for.
#[must_use]
pub fn by_id_statement(ctx: &Context, type_name: &str, id: &str, with_groups: bool) -> Statement {
    let groups = if with_groups { format!(", {GROUPS_COLUMN}") } else { String::new() };
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
    ctx: &Context,
    type_name: &str,
    id: &str,
    with_groups: bool,
) -> Result<Option<Resource>, DatabaseError> {
    let rows = ctx.platform.query(by_id_statement(ctx, type_name, id, with_groups)).await?;
    let mut found = rows.first().map(Resource::from_row).transpose()?;
    if with_groups {
        elsewhere::add_groups(ctx, found.as_mut()).await?;
    }
    Ok(found)
}

/// Finds a user by user name, in the store that it names, whose case and Unicode form do not matter, with the hash of the password, if there is one,
/// and the groups; those of a user of another store than PRIMARY are still to be read ([`elsewhere::add_groups`]).
///
/// # Errors
/// The database's.
pub async fn user_with_password_hash(
    ctx: &Context,
    user_name: &str,
) -> Result<Option<(Resource, Option<String>)>, DatabaseError> {
    // What names no store of this deployment is nobody's name, and has to be looked for all the same.
    let located = ctx.deployment.user_stores.locate(user_name);
    let (store, user_name) = located.as_ref().map_or((None, user_name), |located| (located.store, &*located.name));
    let ctx = &ctx.at(store);
    let sql = format!(
        "SELECT {COLUMNS}, c.password_hash, {GROUPS_COLUMN} FROM resources r \
         LEFT JOIN credentials c ON c.tenant = r.tenant AND c.user_id = r.id \
         WHERE r.tenant = ?1 AND r.type = ?3 AND r.name_key = ?2"
    );
    let params = vec![ctx.tenant.key(), fold(user_name).into(), USER.into()];
    let outcomes = store::batch(ctx, vec![Statement::new(sql, params)]).await?;
    let Some(row) = outcomes.first().and_then(|outcome| outcome.rows.first()) else { return Ok(None) };
    Ok(Some((Resource::from_row(row)?, row.optional_text("password_hash")?.map(str::to_owned))))
}
