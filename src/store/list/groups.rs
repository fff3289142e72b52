//! The groups of the users of a page: what of them is read.
//!
//! Being in a group costs nothing, so a page of users could have any number of groups. As with documents, a statement
//! answers the groups of a user only if all its rows could have as many. For the others a second round trip finds out how
//! many there are and how large, as far as one page may have them, and a third reads those that fit; the page ends with
//! the first user whose groups do not. With groups of an ordinary number there is neither.

use std::collections::HashMap;

use serde_json::json;

use crate::model::context::{Context, StoreContext};
use crate::model::resource::Resource;
use crate::ports::{DatabaseError, Outcome, Statement};
use crate::store::cross_store::{self, is_remote};
use crate::store::groups::of_users::{self, BYTES_OF_ONE, MAX_BYTES, MAX_OF_ONE, UNREAD};
use crate::store::list::budget::{Budget, MAX_PAGE};
use crate::store::list::{Found, ListError};
use scim::error::Error;

/// The most groups on a page, each once for each way that leads to it. A statement reads two rows for one at most.
const MAX_ON_PAGE: u64 = 15_000;
/// The expression of a user's groups in a statement that answers so many rows: empty where they are too many or too large.
pub(super) fn column(tenant: &str, id: &str, rows: u64) -> String {
    let rows = rows.max(1);
    of_users::column(tenant, id, (MAX_ON_PAGE / rows).clamp(1, MAX_OF_ONE), (MAX_PAGE / rows).min(MAX_BYTES))
}

fn is_unread(resource: &Resource) -> bool {
    resource.groups.as_deref() == Some(UNREAD)
}

/// Takes the resources for which the page has no room away again, and reads the groups that did not come with the others.
///
/// # Errors
/// 400 `tooMany` if the first user of the page has more than one answer may have; the database's.
pub(super) async fn fit(ctx: &StoreContext, found: &mut Found, budget: &mut Budget) -> Result<(), ListError> {
    let unread: Vec<&str> =
        found.iter().filter(|hit| is_unread(&hit.resource)).map(|hit| hit.resource.id.as_str()).collect();
    if unread.is_empty() {
        budget.cut(found);
        return Ok(());
    }
    let sizes = sizes(ctx, &unread, budget).await?;
    let mut fitting = 0;
    for hit in found.iter_mut() {
        if is_unread(&hit.resource) {
            let Some(bytes) = sizes.get(&hit.resource.id) else { break };
            hit.bytes += bytes;
        }
        fitting += 1;
    }
    if fitting == 0 && !budget.has_begun() {
        return Err(ListError::Refused(too_many()));
    }
    let is_cut = fitting < found.len();
    found.truncate(fitting);
    budget.cut(found);
    if is_cut {
        budget.end();
    }
    read(ctx, found.iter_mut().map(|hit| &mut hit.resource).collect()).await?;
    Ok(())
}

/// Shows users of other stores than PRIMARY their groups, which are in PRIMARY's database: one round trip.
///
/// # Errors
/// 400 `tooMany` if they are more than a page may have; the database's.
pub(super) async fn add(ctx: &Context, page: &mut [(String, Resource)]) -> Result<(), ListError> {
    let mut users: Vec<&mut Resource> =
        page.iter_mut().map(|(_, resource)| resource).filter(|resource| is_remote(&resource.id)).collect();
    if users.is_empty() {
        return Ok(());
    }
    let ctx = &ctx.in_store(None);
    let ids: Vec<&str> = users.iter().map(|user| user.id.as_str()).collect();
    let rows = u64::try_from(ids.len()).unwrap_or(u64::MAX);
    let sql = format!("SELECT j.value AS id, {} AS groups FROM json_each(?2) j", column("?1", "j.value", rows));
    let mut groups = HashMap::new();
    for row in &run(ctx, sql, &ids).await?.rows {
        groups.insert(row.read_text("id")?.to_owned(), row.read_text("groups")?.to_owned());
    }
    for user in &mut users {
        user.groups = groups.remove(&user.id);
    }
    let unread: Vec<&str> = users.iter().filter(|user| is_unread(user)).map(|user| user.id.as_str()).collect();
    if unread.is_empty() {
        return Ok(());
    }
    let sizes = sizes(ctx, &unread, &mut Budget::new()).await?;
    if unread.iter().any(|id| !sizes.contains_key(*id)) || sizes.values().sum::<u64>() > MAX_PAGE {
        return Err(ListError::Refused(too_many()));
    }
    Ok(read(ctx, users).await?)
}

/// The bytes of the groups of users, by their ids, as far as a page may have them: those of the first users, in their
/// order.
async fn sizes(ctx: &StoreContext, ids: &[&str], budget: &mut Budget) -> Result<HashMap<String, u64>, ListError> {
    let sql = format!(
        "SELECT id, COUNT(*) AS count, COALESCE(SUM(bytes), 0) AS bytes FROM ( \
         SELECT j.key AS n, j.value AS id, octet_length(json_quote(a.display)) + {BYTES_OF_ONE} AS bytes FROM json_each(?2) j \
         LEFT JOIN members m INDEXED BY members_member ON m.tenant = ?1 AND m.member_id = j.value \
         LEFT JOIN group_ancestors a ON a.tenant = m.tenant AND a.group_id = m.group_id LIMIT {}) GROUP BY n ORDER BY n",
        MAX_ON_PAGE + 1
    );
    let outcome = run(ctx, sql, ids).await?;
    budget.measure(std::slice::from_ref(&outcome))?;
    let (mut sizes, mut all) = (HashMap::new(), 0);
    for row in &outcome.rows {
        let (count, bytes) = (row.read_integer("count")?.unsigned_abs(), row.read_integer("bytes")?.unsigned_abs());
        all += count;
        // The last one's may not have been counted to their end.
        if all > MAX_ON_PAGE || count > MAX_OF_ONE || bytes > MAX_BYTES {
            break;
        }
        sizes.insert(row.read_text("id")?.to_owned(), bytes);
    }
    Ok(sizes)
}

/// Reads the groups of those users whose groups did not come with the others.
async fn read(ctx: &StoreContext, mut users: Vec<&mut Resource>) -> Result<(), DatabaseError> {
    users.retain(|user| is_unread(user));
    let ids: Vec<&str> = users.iter().map(|user| user.id.as_str()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let mut groups = cross_store::groups_of(ctx, &ids).await?;
    for user in users {
        user.groups = groups.remove(&user.id);
    }
    Ok(())
}

async fn run(ctx: &StoreContext, sql: String, ids: &[&str]) -> Result<Outcome, DatabaseError> {
    let statement = Statement::new(sql, vec![ctx.tenant.key(), json!(ids).to_string().into()]);
    let outcomes = ctx.platform.in_store(None).db.batch(vec![statement]).await?;
    Ok(outcomes.into_iter().next().unwrap_or_default())
}

fn too_many() -> Error {
    Error::too_many(format!(
        "These users are in more groups than one answer has: {MAX_OF_ONE} of one user, and of all together {MAX_ON_PAGE} and \
         {} MiB. Ask for fewer users (count), or without their groups (excludedAttributes=groups), and read the groups by \
         filter=members.value eq \"id\" at /Groups.",
        MAX_PAGE / 1024 / 1024
    ))
}
