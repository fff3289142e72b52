//! Changing a group's members as a set, and the members that come and go with resources.

use std::collections::HashSet;

use serde_json::{Value as Json, json};

use crate::base::ordered;
use crate::model::audit::Action;
use crate::model::context::{Context, StoreContext};
use crate::model::new_resource::{NewMember, NewResource};
use crate::model::resource::GROUP;
use crate::model::role::Roles;
use crate::ports::{Statement, Value};
use crate::store::audit::{OF_OPERATION, OPERATION_HOLDS};
use crate::store::groups::{LISTED, ancestors};
use crate::store::invitations::role_grants;
use crate::store::operation::Unless;
use crate::store::{cross_store, pending};

/// The most members one statement carries.
const CHUNK: usize = 1_000;

/// A change of a group's members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// All others go first.
    pub replace: bool,
    /// These come.
    pub add: Vec<NewMember>,
    /// These go.
    pub remove: Vec<String>,
}

impl Change {
    /// Whether it is about nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.replace && self.add.is_empty() && self.remove.is_empty()
    }
}

/// The statements of a change, conditional on the operation. `groups` are those of the ids it names that are groups.
#[must_use]
pub fn change(
    ctx: &Context,
    group_id: &str,
    operation: &str,
    change: &Change,
    groups: &HashSet<String>,
) -> Vec<Statement> {
    let mut batch = Vec::new();
    let run = |sql: String, list: Json| {
        Statement::new(sql, vec![ctx.tenant.key(), group_id.into(), operation.into(), list.to_string().into()])
    };
    if change.replace {
        batch.extend(all_but(ctx, group_id, operation, &change.add));
        // Which groups went is not known here: all that were below this one are seen to.
        batch.extend(ancestors::rebuild(ctx, ancestors::ONE, group_id, operation));
        batch.push(ancestors::prune(ctx, group_id, operation));
    }
    for ids in change.remove.chunks(CHUNK) {
        batch.push(run(
            format!(
                "DELETE FROM members WHERE tenant = ?1 AND group_id = ?2 \
                 AND member_id IN (SELECT value FROM json_each(?4)) AND {OPERATION_HOLDS}"
            ),
            json!(ids),
        ));
    }
    for child in change.remove.iter().filter(|id| groups.contains(*id)) {
        batch.extend(ancestors::rebuild(ctx, ancestors::ONE, child, operation));
    }
    batch.extend(additions(ctx, group_id, operation, &change.add));
    batch.extend(change.add.chunks(CHUNK).filter_map(|add| cross_store::additions(ctx, group_id, operation, add)));
    for child in change.add.iter().filter(|member| groups.contains(&member.id)) {
        batch.push(ancestors::climb(ctx, ancestors::ONE, &child.id, operation));
    }
    batch
}

/// The statements that remove all members but these: each sees to a range of ids.
fn all_but(ctx: &Context, group_id: &str, operation: &str, kept: &[NewMember]) -> Vec<Statement> {
    let mut kept: Vec<&str> = kept.iter().map(|member| member.id.as_str()).collect();
    ordered::sort(&mut kept);
    let chunks: Vec<&[&str]> = if kept.is_empty() { vec![&[]] } else { kept.chunks(LISTED).collect() };
    let last = |chunk: &[&str]| chunk.last().copied().unwrap_or_default().to_owned();
    let mut after = String::new();
    let mut batch = Vec::with_capacity(chunks.len());
    for (index, chunk) in chunks.iter().enumerate() {
        let is_last = index + 1 == chunks.len();
        let mut params = vec![ctx.tenant.key(), group_id.into(), operation.into(), json!(chunk).to_string().into()];
        params.push(after.as_str().into());
        after = last(chunk);
        if !is_last {
            params.push(after.as_str().into());
        }
        let until = if is_last { "" } else { " AND member_id <= ?6" };
        batch.push(Statement::new(
            format!(
                "DELETE FROM members WHERE tenant = ?1 AND group_id = ?2 AND member_id > ?5{until} \
                 AND member_id NOT IN (SELECT value FROM json_each(?4)) AND {OPERATION_HOLDS}"
            ),
            params,
        ));
    }
    batch
}

/// The condition that a change would make groups contain each other, or nest too deep, by what is so when it is written: whoever
/// adds a group while somebody else closes the circle from the other side passes the check before the write.
#[must_use]
pub fn circular(change: &Change, groups: &HashSet<String>) -> Option<Unless> {
    let added: Vec<&String> = change.add.iter().map(|member| &member.id).filter(|id| groups.contains(*id)).collect();
    let condition = |ids: &str| format!("EXISTS ({})", ancestors::circular(ids));
    (!added.is_empty()).then(|| Unless { condition, parameter: json!(added).to_string() })
}

/// The statements that add members.
fn additions(ctx: &Context, group_id: &str, operation: &str, add: &[NewMember]) -> Vec<Statement> {
    add.chunks(CHUNK)
        .map(|members| {
            let list: Vec<Json> = members.iter().map(|member| json!([member.id, member.display])).collect();
            Statement::new(
                format!(
                    "INSERT INTO members (tenant, group_id, member_id, type, display) \
                     SELECT ?1, ?2, r.id, r.type, j.value ->> 1 FROM json_each(?4) j \
                     CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value ->> 0 AND r.type IN ('User', 'Group') \
                     WHERE {} ON CONFLICT DO NOTHING",
                    OPERATION_HOLDS
                ),
                vec![ctx.tenant.key(), group_id.into(), operation.into(), json!(list).to_string().into()],
            )
        })
        .collect()
}

/// The condition, in a statement on the new rows `j`, that no new group has a member below which groups nest at the greatest
/// depth already: whoever nests another there between the check and the write makes it too deep. Its parameters are put
/// behind the others; where no group has groups as members there is none.
#[must_use]
pub fn creation_nests(resources: &[NewResource], params: &mut Vec<Value>) -> String {
    let groups_of = |new: &NewResource| {
        let groups = new.members.iter().filter(|member| member.is_group);
        groups.map(|member| json!([new.resource.id, member.id])).collect::<Vec<_>>()
    };
    let nested: Vec<Json> = resources.iter().flat_map(groups_of).collect();
    let mut condition = String::new();
    for list in nested.chunks(LISTED) {
        params.push(json!(list).to_string().into());
        condition.push_str(&format!(
            " AND j.value ->> 'id' NOT IN (SELECT n.value ->> 0 FROM json_each(?{}) n WHERE {})",
            params.len(),
            ancestors::is_full("n.value ->> 1")
        ));
    }
    condition
}

/// What rides on the creation of resources (`write.rs`) of which some are groups: the groups themselves, their members,
/// and what is now above those.
#[must_use]
pub fn creation(ctx: &StoreContext, resources: &[NewResource], operation: &str) -> Vec<Statement> {
    let groups: Vec<&NewResource> = resources.iter().filter(|new| new.resource_type.name == GROUP).collect();
    if groups.is_empty() {
        return Vec::new();
    }
    let run = |sql: &'static str, list: Json| {
        Statement::new(sql, vec![ctx.tenant.key(), list.to_string().into(), operation.into()])
    };
    let ids: Vec<&str> = groups.iter().map(|new| new.resource.id.as_str()).collect();
    let mut batch = vec![ancestors::creation(ctx, &ids, operation)];
    let all: Vec<Json> = groups
        .iter()
        .flat_map(|new| new.members.iter().map(|member| json!([new.resource.id, member.id, member.display])))
        .collect();
    if all.is_empty() {
        return batch;
    }
    // One parameter is at most 2 MB: a group may come with 50,000 members.
    batch.extend(all.chunks(LISTED).map(|members| {
        run(
            "INSERT INTO members (tenant, group_id, member_id, type, display) \
             SELECT ?1, r.id, m.id, m.type, j.value ->> 2 FROM json_each(?2) j \
             CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value ->> 0 AND r.operation = ?3 \
             CROSS JOIN resources m ON m.tenant = ?1 AND m.id = j.value ->> 1 AND m.type IN ('User', 'Group') \
             WHERE TRUE ON CONFLICT DO NOTHING",
            Json::from(members),
        )
    }));
    batch.extend(all.chunks(LISTED).filter_map(|members| cross_store::creation(ctx, operation, members)));
    batch.push(ancestors::climb_from_members(ctx, &ids, operation));
    let gives_role = |new: &&&NewResource| Roles::of_document(GROUP, &new.resource.attributes()).is_any();
    let giving: Vec<&str> = groups.iter().filter(gives_role).map(|new| new.resource.id.as_str()).collect();
    if !giving.is_empty() {
        batch.extend(role_grants::note_members(ctx, &giving, operation));
    }
    batch
}

/// What rides on the creation of users who join groups: they become members, and the groups, of which members are a part,
/// count a write. In another store than PRIMARY they only note that this is to be done.
#[must_use]
pub fn joining(ctx: &StoreContext, users: &[NewResource], operation: &str) -> Vec<Statement> {
    if ctx.platform.store.is_some() {
        return pending::join_groups(ctx, users, operation).into_iter().collect();
    }
    let joins = users.iter().flat_map(|new| new.groups.iter().map(|group| json!([new.resource.id, group])));
    let joins: Vec<Json> = joins.collect();
    if joins.is_empty() {
        return Vec::new();
    }
    let groups: HashSet<&String> = users.iter().flat_map(|new| &new.groups).collect();
    let joins = Json::from(joins).to_string();
    let now: Value = ctx.platform.clock.now().into();
    vec![
        Statement::new(
            "INSERT INTO members (tenant, group_id, member_id, type) SELECT ?1, g.id, r.id, r.type FROM json_each(?2) j \
             CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value ->> 0 AND r.operation = ?3 \
             CROSS JOIN resources g ON g.tenant = ?1 AND g.id = j.value ->> 1 AND g.type = 'Group' \
             WHERE TRUE ON CONFLICT DO NOTHING",
            vec![ctx.tenant.key(), joins.as_str().into(), operation.into()],
        ),
        Statement::new(
            "UPDATE resources SET version = version + 1, modified = MAX(modified, ?4), operation = ?3 WHERE tenant = ?1 AND id IN \
             (SELECT m.group_id FROM json_each(?2) j \
             CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value ->> 0 AND r.operation = ?3 \
             CROSS JOIN members m ON m.tenant = ?1 AND m.group_id = j.value ->> 1 AND m.member_id = r.id)",
            vec![ctx.tenant.key(), joins.into(), operation.into(), now.clone()],
        ),
        Statement::new(
            "INSERT INTO audit (tenant, number, time, operation, actor, action, target, outcome, request_id, address) \
             SELECT ?1, (SELECT COALESCE(MAX(number), 0) FROM audit WHERE tenant = ?1) + ROW_NUMBER() OVER (ORDER BY j.key), \
             ?4, ?3, ?5, ?6, g.id, 'success', ?7, ?8 FROM json_each(?2) j \
             CROSS JOIN resources g ON g.tenant = ?1 AND g.id = j.value AND g.operation = ?3",
            vec![
                ctx.tenant.key(),
                json!(groups).to_string().into(),
                operation.into(),
                now,
                ctx.actor.to_string().into(),
                Action::update(GROUP).as_str().into(),
                ctx.request_id.as_str().into(),
                ctx.address.as_deref().into(),
            ],
        ),
    ]
}

/// The statements that take resources out of all groups, and groups' members with them: those of a list, `[{"id"}]`, that the
/// operation holds. In another store than PRIMARY they only note that this is to be done.
#[must_use]
pub fn deletion(ctx: &StoreContext, list: &str, operation: &str, is_group: bool) -> Vec<Statement> {
    if ctx.platform.store.is_some() {
        return vec![pending::leave_groups(ctx, list, operation)];
    }
    let run = |sql: &str| {
        Statement::new(format!("{sql} IN ({OF_OPERATION})"), vec![ctx.tenant.key(), list.into(), operation.into()])
    };
    let mut batch = vec![
        // Members are a part of the groups they are in.
        Statement::new(
            format!(
                "UPDATE resources SET version = version + 1, modified = MAX(modified, ?4) WHERE tenant = ?1 AND id IN \
                 (SELECT m.group_id FROM ({OF_OPERATION}) gone CROSS JOIN members m INDEXED BY members_member \
                 ON m.tenant = ?1 AND m.member_id = gone.id)"
            ),
            vec![ctx.tenant.key(), list.into(), operation.into(), ctx.platform.clock.now().into()],
        ),
        run("DELETE FROM members INDEXED BY members_member WHERE tenant = ?1 AND member_id"),
    ];
    if is_group {
        batch.push(run("DELETE FROM members WHERE tenant = ?1 AND group_id"));
        batch.extend(ancestors::rebuild(ctx, OF_OPERATION, list, operation));
        batch.push(run(
            "DELETE FROM group_ancestors INDEXED BY group_ancestors_ancestor WHERE tenant = ?1 AND ancestor_id",
        ));
        batch.push(run("DELETE FROM group_ancestors WHERE tenant = ?1 AND group_id"));
    }
    batch
}
