//! Single resources, in one round trip each.

use super::resource::{COLUMNS, GROUPS_COLUMN, Resource, USER};
use crate::context::Context;
use crate::ports::{DatabaseError, Statement};
use crate::scim::fold::fold;

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
    rows.first().map(Resource::from_row).transpose()
}

/// The statement that finds a user by user name, whose case and Unicode form do not matter, with the hash of the password,
/// if there is one, and the groups.
#[must_use]
pub fn user_with_password_hash(ctx: &Context, user_name: &str) -> Statement {
    let sql = format!(
        "SELECT {COLUMNS}, c.password_hash, {GROUPS_COLUMN} FROM resources r \
         LEFT JOIN credentials c ON c.tenant = r.tenant AND c.user_id = r.id \
         WHERE r.tenant = ?1 AND r.type = ?3 AND r.name_key = ?2"
    );
    Statement::new(sql, vec![ctx.tenant.key(), fold(user_name).into(), USER.into()])
}
