//! Members of groups. They are rows of their own: adding one costs the same in a group of ten and of 50,000, and a group
//! is never one SQL value.
//!
//! `group_ancestors` holds, for every group, all groups it is in through others (and itself, at depth 0), so that reading
//! a user's groups follows no chain. Only the rare writes that put a group into a group, or take one out, keep it.

use std::collections::HashSet;

use serde_json::{Value as Json, json};

use crate::model::context::Context;
use crate::model::resource::{GROUP, Resource};
use crate::ports::{DatabaseError, Row, Statement, Value};
use crate::store::audit::{Action, OPERATION_HOLDS};
use crate::store::cross_store::{self, Strangers};
use crate::store::write::{NewMember, NewResource};
use crate::store::{find, pending};

/// How many members one statement carries.
const CHUNK: usize = 1_000;
/// How many ids one parameter lists: it is at most 2 MB, and a group may come with 50,000 members and more.
const LISTED: usize = 5 * CHUNK;
/// How many members an answer carries without being asked for them.
pub const SHOWN_UNASKED: usize = 1_000;
/// How many members one statement answers: one more, so that the first chunk tells a group that has more.
const READ: usize = SHOWN_UNASKED + 1;
/// How deep groups may be nested.
pub const MAX_DEPTH: i64 = 10;

/// The members of a group as its document shows them, read in chunks.
///
/// # Errors
/// The database's.
pub async fn members(ctx: &Context, group_id: &str) -> Result<Vec<Json>, DatabaseError> {
    let rows = ctx.platform.query(members_statement(ctx, group_id, "")).await?;
    members_after(ctx, group_id, &rows).await
}

/// The first chunk's statement, to ride with the one that reads the group.
#[must_use]
pub fn members_statement(ctx: &Context, group_id: &str, after: &str) -> Statement {
    Statement::new(
        "SELECT m.member_id, m.type, COALESCE(m.display, r.display) AS display FROM members m \
         LEFT JOIN resources r ON r.tenant = m.tenant AND r.id = m.member_id \
         WHERE m.tenant = ?1 AND m.group_id = ?2 AND m.member_id > ?3 ORDER BY m.member_id LIMIT ?4",
        vec![ctx.tenant.key(), group_id.into(), after.into(), (READ as i64).into()],
    )
}

/// Shows a first chunk and reads the others.
///
/// # Errors
/// The database's.
pub async fn members_after(ctx: &Context, group_id: &str, first: &[Row]) -> Result<Vec<Json>, DatabaseError> {
    let base = ctx.base();
    let mut members = Vec::with_capacity(first.len());
    let mut rows = first.to_vec();
    loop {
        for row in &rows {
            members.push(shown(&base, row)?);
        }
        if rows.len() < READ {
            return Ok(members);
        }
        let last = rows.last().map(|row| row.text("member_id").map(str::to_owned)).transpose()?.unwrap_or_default();
        rows = ctx.platform.query(members_statement(ctx, group_id, &last)).await?;
    }
}

/// How many members a list of groups carries in all.
const MAX_LISTED: usize = 50_000;

/// The members of several groups, in the groups' order, read in chunks; `None` when they are too many for one answer.
///
/// # Errors
/// The database's.
pub async fn members_of_all(ctx: &Context, group_ids: &[&str]) -> Result<Option<Vec<Vec<Json>>>, DatabaseError> {
    let base = ctx.base();
    let ids = json!(group_ids).to_string();
    let mut members: Vec<Vec<Json>> = group_ids.iter().map(|_| Vec::new()).collect();
    let mut after = (-1_i64, String::new());
    let mut listed = 0;
    loop {
        let statement = Statement::new(
            "SELECT j.key AS position, m.member_id, m.type, COALESCE(m.display, r.display) AS display \
             FROM json_each(?2) j CROSS JOIN members m ON m.tenant = ?1 AND m.group_id = j.value \
             LEFT JOIN resources r ON r.tenant = m.tenant AND r.id = m.member_id \
             WHERE j.key >= ?3 AND (j.key > ?3 OR m.member_id > ?4) ORDER BY j.key, m.member_id LIMIT ?5",
            vec![
                ctx.tenant.key(),
                ids.as_str().into(),
                after.0.into(),
                after.1.as_str().into(),
                (5 * CHUNK as i64).into(),
            ],
        );
        let rows = ctx.platform.query(statement).await?;
        for row in &rows {
            let position = row.integer("position")?;
            let index = usize::try_from(position).unwrap_or_default();
            if let Some(of_group) = members.get_mut(index) {
                of_group.push(shown(&base, row)?);
            }
            after = (position, row.text("member_id")?.to_owned());
        }
        listed += rows.len();
        if rows.len() < 5 * CHUNK {
            return Ok(Some(members));
        }
        if listed >= MAX_LISTED {
            return Ok(None);
        }
    }
}

fn shown(base: &str, row: &Row) -> Result<Json, DatabaseError> {
    let id = row.text("member_id")?;
    let member_type = row.text("type")?;
    let folder = if member_type == GROUP { "Groups" } else { "Users" };
    let mut member = json!({ "value": id, "$ref": format!("{base}/scim2/{folder}/{id}"), "type": member_type });
    if let Some(display) = row.optional_text("display")?.filter(|display| !display.is_empty()) {
        member["display"] = json!(display);
    }
    Ok(member)
}

/// A group as a change of its members finds it.
#[derive(Debug, Default)]
pub struct Inspected {
    /// The group, if there is one.
    pub group: Option<Resource>,
    /// How many members it has: only when asked for.
    pub members: u64,
    /// Which of the ids asked about are members already.
    pub present: HashSet<String>,
    /// Which of them are neither users nor groups.
    pub unknown: Vec<String>,
    /// Which of them are groups.
    pub groups: HashSet<String>,
    /// Which of them would make a circle, or a chain of more than [`MAX_DEPTH`].
    pub circular: Vec<String>,
    /// Which of them are users of other stores.
    pub strangers: Strangers,
}

/// Reads what a change that names these members needs to know: in one round trip, and one for each other user store of a
/// member. `count_members` reads every member
/// row: only for a change that does the same.
///
/// # Errors
/// The database's.
pub async fn inspect(
    ctx: &Context,
    group_id: &str,
    named: &[String],
    count_members: bool,
) -> Result<Inspected, DatabaseError> {
    const ABOUT: [&str; 4] = [
        "SELECT m.member_id AS id FROM json_each(?3) j CROSS JOIN members m \
         ON m.tenant = ?1 AND m.group_id = ?2 AND m.member_id = j.value WHERE ?4 = ?4",
        "SELECT j.value AS id FROM json_each(?3) j WHERE ?2 = ?2 AND ?4 = ?4 AND NOT EXISTS \
         (SELECT 1 FROM resources r WHERE r.tenant = ?1 AND r.id = j.value AND r.type IN ('User', 'Group'))",
        "SELECT r.id FROM json_each(?3) j CROSS JOIN resources r \
         ON r.tenant = ?1 AND r.id = j.value AND r.type = 'Group' WHERE ?2 = ?2 AND ?4 = ?4",
        "SELECT j.value AS id FROM json_each(?3) j CROSS JOIN group_ancestors below INDEXED BY group_ancestors_ancestor \
         ON below.tenant = ?1 AND below.ancestor_id = j.value WHERE below.group_id = ?2 \
         OR below.depth + 1 + (SELECT COALESCE(MAX(depth), 0) FROM group_ancestors WHERE tenant = ?1 \
         AND group_id = ?2) > ?4",
    ];
    let mut batch = vec![find::by_id_statement(ctx, GROUP, group_id, false)];
    for ids in named.chunks(LISTED) {
        let ids = json!(ids).to_string();
        batch.extend(ABOUT.map(|sql| {
            Statement::new(sql, vec![ctx.tenant.key(), group_id.into(), ids.as_str().into(), MAX_DEPTH.into()])
        }));
    }
    if count_members {
        batch.push(Statement::new(
            "SELECT COUNT(*) AS total FROM members WHERE tenant = ?1 AND group_id = ?2",
            vec![ctx.tenant.key(), group_id.into()],
        ));
    }
    let mut outcomes = ctx.platform.db.batch(batch).await?.into_iter();
    let mut rows = || outcomes.next().map(|outcome| outcome.rows).unwrap_or_default();
    let mut inspected =
        Inspected { group: rows().first().map(Resource::from_row).transpose()?, ..Inspected::default() };
    let texts =
        |rows: Vec<Row>| rows.iter().map(|row| row.text("id").map(str::to_owned)).collect::<Result<Vec<_>, _>>();
    for _ in named.chunks(LISTED) {
        inspected.present.extend(texts(rows())?);
        inspected.unknown.extend(texts(rows())?);
        inspected.groups.extend(texts(rows())?);
        inspected.circular.extend(texts(rows())?);
    }
    if let Some(row) = rows().first() {
        inspected.members = row.integer("total")?.cast_unsigned();
    }
    inspected.strangers = Strangers::among(ctx, inspected.unknown.iter().map(String::as_str)).await?;
    inspected.unknown.retain(|id| !inspected.strangers.has(id));
    Ok(inspected)
}

/// What is to become of a group's members.
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
        batch.extend(rebuild(ctx, group_id, operation));
        batch.push(prune(ctx, group_id, operation));
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
        batch.extend(rebuild(ctx, child, operation));
    }
    batch.extend(additions(ctx, group_id, operation, &change.add));
    batch.extend(change.add.chunks(CHUNK).filter_map(|add| cross_store::additions(ctx, group_id, operation, add)));
    for child in change.add.iter().filter(|member| groups.contains(&member.id)) {
        batch.push(climb(ctx, &child.id, operation));
    }
    batch
}

/// The statements that remove all members but these: each sees to a range of ids.
fn all_but(ctx: &Context, group_id: &str, operation: &str, kept: &[NewMember]) -> Vec<Statement> {
    let mut kept: Vec<&str> = kept.iter().map(|member| member.id.as_str()).collect();
    kept.sort_unstable();
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

/// The statements that add members. A group that this one is in by now is left out: whoever adds it at the same time as
/// somebody else closes the circle from the other side passes the check before the write.
fn additions(ctx: &Context, group_id: &str, operation: &str, add: &[NewMember]) -> Vec<Statement> {
    add.chunks(CHUNK)
        .map(|members| {
            let list: Vec<Json> = members.iter().map(|member| json!([member.id, member.display])).collect();
            Statement::new(
                format!(
                    "INSERT INTO members (tenant, group_id, member_id, type, display) \
                     SELECT ?1, ?2, r.id, r.type, j.value ->> 1 FROM json_each(?4) j \
                     CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value ->> 0 AND r.type IN ('User', 'Group') \
                     WHERE NOT EXISTS (SELECT 1 FROM group_ancestors a WHERE r.type = 'Group' AND a.tenant = ?1 \
                     AND a.group_id = ?2 AND a.ancestor_id = r.id) AND {} ON CONFLICT DO NOTHING",
                    OPERATION_HOLDS
                ),
                vec![ctx.tenant.key(), group_id.into(), operation.into(), json!(list).to_string().into()],
            )
        })
        .collect()
}

/// What rides on the creation of resources (`write.rs`) of which some are groups: the groups themselves, their members,
/// and what is now above those.
#[must_use]
pub fn creation(ctx: &Context, resources: &[NewResource], operation: &str) -> Vec<Statement> {
    let groups: Vec<&NewResource> = resources.iter().filter(|new| new.resource_type.name == GROUP).collect();
    if groups.is_empty() {
        return Vec::new();
    }
    let run = |sql: &'static str, list: Json| {
        Statement::new(sql, vec![ctx.tenant.key(), list.to_string().into(), operation.into()])
    };
    let ids: Vec<&str> = groups.iter().map(|new| new.resource.id.as_str()).collect();
    let mut batch = vec![run(
        "INSERT INTO group_ancestors (tenant, group_id, ancestor_id, depth, display) \
         SELECT ?1, r.id, r.id, 0, r.display FROM json_each(?2) j \
         CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value AND r.operation = ?3",
        json!(ids),
    )];
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
    batch.push(run(
        "WITH RECURSIVE up (group_id, ancestor_id, depth) AS ( \
         SELECT d.group_id, m.group_id, 1 FROM json_each(?2) j \
         CROSS JOIN members x ON x.tenant = ?1 AND x.group_id = j.value AND x.type = 'Group' \
         CROSS JOIN group_ancestors d INDEXED BY group_ancestors_ancestor ON d.tenant = ?1 AND d.ancestor_id = x.member_id \
         CROSS JOIN members m ON m.tenant = ?1 AND m.member_id = d.group_id WHERE ?3 = ?3 \
         UNION SELECT up.group_id, m.group_id, up.depth + 1 FROM up \
         CROSS JOIN members m ON m.tenant = ?1 AND m.member_id = up.ancestor_id WHERE up.depth < 10) \
         INSERT INTO group_ancestors (tenant, group_id, ancestor_id, depth, display) \
         SELECT ?1, up.group_id, up.ancestor_id, MIN(up.depth), g.display FROM up \
         CROSS JOIN resources g ON g.tenant = ?1 AND g.id = up.ancestor_id WHERE TRUE \
         GROUP BY up.group_id, up.ancestor_id ON CONFLICT DO NOTHING",
        json!(ids),
    ));
    batch
}

/// What rides on the creation of users who join groups: they become members, and the groups, of which members are a part,
/// count a write. In another store than PRIMARY they only note that this is to be done.
#[must_use]
pub fn joining(ctx: &Context, users: &[NewResource], operation: &str) -> Vec<Statement> {
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
            "UPDATE resources SET version = version + 1, modified = ?4, operation = ?3 WHERE tenant = ?1 AND id IN \
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

/// Which of these ids are neither users nor groups, and which are users of other stores.
///
/// # Errors
/// The database's.
pub async fn unknown(ctx: &Context, ids: &[&str]) -> Result<(HashSet<String>, Strangers), DatabaseError> {
    let statement = Statement::new(
        "SELECT j.value AS id FROM json_each(?2) j WHERE NOT EXISTS \
         (SELECT 1 FROM resources r WHERE r.tenant = ?1 AND r.id = j.value AND r.type IN ('User', 'Group'))",
        vec![ctx.tenant.key(), json!(ids).to_string().into()],
    );
    let rows = ctx.platform.query(statement).await?;
    let mut unknown: HashSet<String> =
        rows.iter().map(|row| row.text("id").map(str::to_owned)).collect::<Result<_, _>>()?;
    let strangers = Strangers::among(ctx, unknown.iter().map(String::as_str)).await?;
    unknown.retain(|id| !strangers.has(id));
    Ok((unknown, strangers))
}

/// The statements that take a resource out of all groups, and a group's members with it. In another store than PRIMARY they
/// only note that this is to be done.
#[must_use]
pub fn deletion(ctx: &Context, id: &str, operation: &str, is_group: bool) -> Vec<Statement> {
    if ctx.platform.store.is_some() {
        return vec![pending::leave_groups(ctx, id, operation)];
    }
    let run = |sql: &str| {
        Statement::new(format!("{sql} AND {}", OPERATION_HOLDS), vec![ctx.tenant.key(), id.into(), operation.into()])
    };
    let mut batch = vec![
        // Members are a part of the groups they are in.
        Statement::new(
            format!(
                "UPDATE resources SET version = version + 1, modified = ?4 WHERE tenant = ?1 AND id IN \
                 (SELECT group_id FROM members WHERE tenant = ?1 AND member_id = ?2) AND {OPERATION_HOLDS}"
            ),
            vec![ctx.tenant.key(), id.into(), operation.into(), ctx.platform.clock.now().into()],
        ),
        run("DELETE FROM members INDEXED BY members_member WHERE tenant = ?1 AND member_id = ?2"),
    ];
    if is_group {
        batch.push(run("DELETE FROM members WHERE tenant = ?1 AND group_id = ?2"));
        batch.extend(rebuild(ctx, id, operation));
        batch.push(run(
            "DELETE FROM group_ancestors INDEXED BY group_ancestors_ancestor WHERE tenant = ?1 AND ancestor_id = ?2",
        ));
        batch.push(run("DELETE FROM group_ancestors WHERE tenant = ?1 AND group_id = ?2"));
    }
    batch
}

/// The statements that find anew what is above the groups below `top`, after members have gone.
fn rebuild(ctx: &Context, top: &str, operation: &str) -> [Statement; 2] {
    let gone = Statement::new(
        "DELETE FROM group_ancestors WHERE tenant = ?1 AND depth > 0 AND group_id IN \
         (SELECT group_id FROM group_ancestors INDEXED BY group_ancestors_ancestor WHERE tenant = ?1 AND ancestor_id = ?2) AND ancestor_id <> ?2 \
         AND ?3 = ?3",
        vec![ctx.tenant.key(), top.into(), operation.into()],
    );
    [gone, climb(ctx, top, operation)]
}

/// The statement that forgets the groups that are no longer below `top`.
fn prune(ctx: &Context, top: &str, operation: &str) -> Statement {
    Statement::new(
        "DELETE FROM group_ancestors INDEXED BY group_ancestors_ancestor WHERE tenant = ?1 AND ancestor_id = ?2 AND depth > 0 AND ?3 = ?3 AND group_id NOT IN ( \
         WITH RECURSIVE down (id, depth) AS (SELECT ?2, 0 UNION SELECT m.member_id, down.depth + 1 FROM down \
         CROSS JOIN members m ON m.tenant = ?1 AND m.group_id = down.id AND m.type = 'Group' WHERE down.depth < ?4) \
         SELECT id FROM down)",
        vec![ctx.tenant.key(), top.into(), operation.into(), MAX_DEPTH.into()],
    )
}

/// The statement that adds what is above `top`, and above the groups below it, by the memberships as they are now.
fn climb(ctx: &Context, top: &str, operation: &str) -> Statement {
    Statement::new(
        "WITH RECURSIVE up (group_id, ancestor_id, depth) AS ( \
         SELECT d.group_id, m.group_id, 1 FROM group_ancestors d INDEXED BY group_ancestors_ancestor \
         CROSS JOIN members m ON m.tenant = ?1 AND m.member_id = d.group_id \
         WHERE d.tenant = ?1 AND d.ancestor_id = ?2 AND ?3 = ?3 \
         UNION SELECT up.group_id, m.group_id, up.depth + 1 FROM up \
         CROSS JOIN members m ON m.tenant = ?1 AND m.member_id = up.ancestor_id WHERE up.depth < ?4) \
         INSERT INTO group_ancestors (tenant, group_id, ancestor_id, depth, display) \
         SELECT ?1, up.group_id, up.ancestor_id, MIN(up.depth), g.display FROM up \
         CROSS JOIN resources g ON g.tenant = ?1 AND g.id = up.ancestor_id WHERE TRUE \
         GROUP BY up.group_id, up.ancestor_id ON CONFLICT DO NOTHING",
        vec![ctx.tenant.key(), top.into(), operation.into(), MAX_DEPTH.into()],
    )
}
