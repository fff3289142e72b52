//! The groups that users are shown with. Being in a group costs nothing, so a user could be in any number. A statement answers the
//! groups of a user where one answer has room for all; where it has not, another answers those that come first.

use std::collections::HashMap;

use serde_json::json;

use crate::model::context::UnitOfWork;
use crate::ports::{DatabaseError, Statement};

/// The most groups of one user, each once for each way that leads to it.
pub const MAX_OF_ONE: u64 = 10_000;
/// The most bytes of the groups of one user: a value is at most 2 MB.
pub const MAX_BYTES: u64 = 1_800_000;
/// The bytes of a group without its name.
pub const BYTES_OF_ONE: u64 = 80;

/// What a user has instead of groups where those are too many or too large.
pub const UNREAD: &str = "";

const SHOWN: &str = "json_group_array(json_object('value', u.ancestor_id, 'display', u.display, \
    'type', CASE u.depth WHEN 0 THEN 'direct' ELSE 'indirect' END))";

/// Rows of groups, each with the bytes that it has together with those before it.
fn measured(rows: &str) -> String {
    format!(
        "(SELECT way.ancestor_id, way.display, way.depth, SUM(octet_length(json_quote(way.display)) + {BYTES_OF_ONE}) \
         OVER (ROWS UNBOUNDED PRECEDING) AS bytes FROM ({rows}) way) u"
    )
}

/// The expression of a user's groups: [`UNREAD`] where they are more than so many, or have more bytes. It takes two rows read for
/// each membership, and one for each group further up.
#[must_use]
pub fn column(tenant: &str, id: &str, count: u64, bytes: u64) -> String {
    let rows = measured(&format!(
        "SELECT a.ancestor_id, a.display, a.depth FROM members m INDEXED BY members_member \
         CROSS JOIN group_ancestors a ON a.tenant = m.tenant AND a.group_id = m.group_id \
         WHERE m.tenant = {tenant} AND m.member_id = {id} LIMIT {}",
        count + 1
    ));
    // What is not shown is not made either: a value would be too large.
    format!(
        "(SELECT CASE WHEN COUNT(*) <= {count} AND COALESCE(MAX(u.bytes), 0) <= {bytes} \
         THEN {SHOWN} FILTER (WHERE u.bytes <= {bytes}) ELSE '{UNREAD}' END FROM {rows})"
    )
}

/// The same of a user who is read alone.
#[must_use]
pub fn column_of_one(tenant: &str, id: &str) -> String {
    column(tenant, id, MAX_OF_ONE, MAX_BYTES)
}

/// Reads the groups of users from PRIMARY's database, by the users' ids; [`UNREAD`] where they are too many or too large.
///
/// # Errors
/// The database's.
pub async fn read(ctx: &impl UnitOfWork, ids: &[&str]) -> Result<HashMap<String, String>, DatabaseError> {
    run(ctx, &column_of_one("?1", "j.value"), ids).await
}

/// Reads the groups that come first: those that give a role, then those that the user is in directly, then the others.
///
/// # Errors
/// The database's.
pub async fn read_first(ctx: &impl UnitOfWork, ids: &[&str]) -> Result<HashMap<String, String>, DatabaseError> {
    let rows = measured(&format!(
        "SELECT m.group_id AS ancestor_id, g.display, 0 AS depth FROM resources g INDEXED BY resources_roles \
         CROSS JOIN members m ON m.tenant = g.tenant AND m.group_id = g.id AND m.member_id = j.value \
         WHERE g.tenant = ?1 AND g.type = 'Group' AND g.roles <> 0 \
         UNION ALL SELECT m.group_id, a.display, 0 FROM members m INDEXED BY members_member \
         CROSS JOIN group_ancestors a ON a.tenant = m.tenant AND a.group_id = m.group_id AND a.ancestor_id = m.group_id \
         WHERE m.tenant = ?1 AND m.member_id = j.value \
         UNION ALL SELECT a.ancestor_id, a.display, a.depth FROM members m INDEXED BY members_member \
         CROSS JOIN group_ancestors a ON a.tenant = m.tenant AND a.group_id = m.group_id AND a.depth > 0 \
         WHERE m.tenant = ?1 AND m.member_id = j.value LIMIT {MAX_OF_ONE}"
    ));
    run(ctx, &format!("(SELECT {SHOWN} FROM {rows} WHERE u.bytes <= {MAX_BYTES})"), ids).await
}

async fn run(ctx: &impl UnitOfWork, groups: &str, ids: &[&str]) -> Result<HashMap<String, String>, DatabaseError> {
    let statement = Statement::new(
        format!("SELECT j.value AS id, {groups} AS groups FROM json_each(?2) j"),
        vec![ctx.tenant.key(), json!(ids).to_string().into()],
    );
    let rows = ctx.platform().in_store(None).query(statement).await?;
    rows.iter().map(|row| Ok((row.read_text("id")?.to_owned(), row.read_text("groups")?.to_owned()))).collect()
}
