//! Users of other stores than PRIMARY, as PRIMARY's groups know them. Groups and memberships are all in PRIMARY's
//! database, the users are not: what a join would tell about a user of PRIMARY takes a round trip for each store.

use std::collections::{BTreeMap, HashMap};

use serde_json::json;

use crate::model::context::{Context, UnitOfWork, Work};
use crate::model::new_resource::NewMember;
use crate::model::resource::Resource;
use crate::ports::{DatabaseError, Statement, store_of};
use crate::store::audit::OPERATION_HOLDS;
use crate::store::groups::of_users;

/// The most ids one parameter lists: it is at most 2 MB.
const LISTED: usize = 5_000;

/// Whether an id is of another store than PRIMARY.
#[must_use]
pub fn is_remote(id: &str) -> bool {
    store_of(id).is_some()
}

/// Users of other stores by id, with what groups call them.
#[derive(Clone, Debug, Default)]
pub struct RemoteUsers(HashMap<String, String>);

impl RemoteUsers {
    /// Looks up those of `ids` that are users of other stores: one round trip for each store that they name.
    ///
    /// # Errors
    /// The database's.
    pub async fn find<'a>(ctx: &Context, ids: impl IntoIterator<Item = &'a str>) -> Result<Self, DatabaseError> {
        let mut by_store: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
        for id in ids {
            if let Some(number) = ctx.deployment.user_stores.of_id(id) {
                by_store.entry(number).or_default().push(id);
            }
        }
        let mut found = HashMap::new();
        for (number, ids) in by_store {
            let batch = ids.chunks(LISTED).map(|ids| {
                Statement::new(
                    "SELECT r.id, r.display FROM json_each(?2) j \
                     CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value AND r.type = 'User'",
                    vec![ctx.tenant.key(), json!(ids).to_string().into()],
                )
            });
            for outcome in ctx.in_store(Some(number)).platform.db.batch(batch.collect()).await? {
                for row in outcome.rows {
                    found.insert(row.read_text("id")?.to_owned(), row.read_text("display")?.to_owned());
                }
            }
        }
        Ok(Self(found))
    }

    /// Whether this user is one of them.
    #[must_use]
    pub fn contains(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    /// Gives members the names that their stores know, unless the client has named them: PRIMARY could not look them up.
    pub fn name_members(&self, members: &mut [NewMember]) {
        for member in members.iter_mut().filter(|member| member.display.is_none()) {
            member.display = self.0.get(&member.id).cloned();
        }
    }
}

/// The statement that adds users of other stores to a group, conditional on the operation. They were there a moment ago:
/// should one have been deleted meanwhile, the sweep takes it out again (`pending`).
#[must_use]
pub fn additions(ctx: &Context, group_id: &str, operation: &str, add: &[NewMember]) -> Option<Statement> {
    let remote_users = add.iter().filter(|member| is_remote(&member.id));
    let list: Vec<_> = remote_users.map(|member| json!([member.id, member.display])).collect();
    (!list.is_empty()).then(|| {
        Statement::new(
            format!(
                "INSERT INTO members (tenant, group_id, member_id, type, display) \
                 SELECT ?1, ?2, j.value ->> 0, 'User', j.value ->> 1 FROM json_each(?4) j WHERE {OPERATION_HOLDS} \
                 ON CONFLICT DO NOTHING"
            ),
            vec![ctx.tenant.key(), group_id.into(), operation.into(), json!(list).to_string().into()],
        )
    })
}

/// The same for groups that the operation creates: each member as a list of the group's id, its own, and its name.
#[must_use]
pub fn creation(ctx: &Work, operation: &str, members: &[serde_json::Value]) -> Option<Statement> {
    let list: Vec<_> = members.iter().filter(|member| member[1].as_str().is_some_and(is_remote)).collect();
    (!list.is_empty()).then(|| {
        Statement::new(
            "INSERT INTO members (tenant, group_id, member_id, type, display) \
             SELECT ?1, r.id, j.value ->> 1, 'User', j.value ->> 2 FROM json_each(?2) j \
             CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value ->> 0 AND r.operation = ?3 \
             WHERE TRUE ON CONFLICT DO NOTHING",
            vec![ctx.tenant.key(), json!(list).to_string().into(), operation.into()],
        )
    })
}

/// Completes what users are shown with: those of other stores with the groups they are in, one round trip to PRIMARY and none
/// without such users; those who are in more than a user is shown with, with the first of them, in one more.
///
/// # Errors
/// The database's.
pub async fn add_groups<'a>(
    ctx: &impl UnitOfWork,
    users: impl IntoIterator<Item = &'a mut Resource>,
) -> Result<(), DatabaseError> {
    let mut users: Vec<&mut Resource> = users.into_iter().collect();
    let remote_users: Vec<&str> = users.iter().map(|user| user.id.as_str()).filter(|id| is_remote(id)).collect();
    if !remote_users.is_empty() {
        let mut groups = of_users::read(ctx, &remote_users).await?;
        for user in users.iter_mut().filter(|user| is_remote(&user.id)) {
            user.groups = groups.remove(&user.id);
        }
    }
    users.retain(|user| user.groups.as_deref() == Some(of_users::UNREAD));
    if users.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = users.iter().map(|user| user.id.as_str()).collect();
    let mut groups = of_users::read_first(ctx, &ids).await?;
    for user in users {
        user.groups = groups.remove(&user.id);
    }
    Ok(())
}

/// The groups of users, as a resource has them, by the users' ids. Who is in none is left out.
///
/// # Errors
/// The database's.
pub async fn groups_of(ctx: &impl UnitOfWork, ids: &[&str]) -> Result<HashMap<String, String>, DatabaseError> {
    let statement = Statement::new(
        "SELECT j.value AS id, json_group_array(json_object('value', a.ancestor_id, 'display', a.display, \
         'type', CASE a.depth WHEN 0 THEN 'direct' ELSE 'indirect' END)) AS groups FROM json_each(?2) j \
         CROSS JOIN members m INDEXED BY members_member ON m.tenant = ?1 AND m.member_id = j.value \
         CROSS JOIN group_ancestors a ON a.tenant = m.tenant AND a.group_id = m.group_id GROUP BY j.key",
        vec![ctx.tenant.key(), json!(ids).to_string().into()],
    );
    let mut groups = HashMap::new();
    for row in ctx.platform().in_store(None).query(statement).await? {
        groups.insert(row.read_text("id")?.to_owned(), row.read_text("groups")?.to_owned());
    }
    Ok(groups)
}
