//! What a write in one user store still has to change in PRIMARY's database: rows in `pending_work`, written in the batch
//! that they follow from. A batch never spans databases (DESIGN 5).
//!
//! Both kinds are tried right after the write, and what is left is the sweep's.
//!
//! * A new user joins groups: done once; the row goes with it.
//! * A user who has been deleted leaves all groups. The sweep does it again in any case, and it alone removes the row:
//!   whoever adds a user to a group has looked for the user a moment before, and the deletion may have come between. Doing
//!   it twice changes nothing.

use std::collections::HashSet;

use serde_json::{Value as Json, json};

use crate::model::context::StoreContext;
use crate::model::new_resource::NewResource;
use crate::ports::{DatabaseError, Millis, Platform, Statement, Value};
use crate::store::api_tokens;
use crate::store::audit::OF_OPERATION;

/// How old work is when the sweep does it, in milliseconds: longer than a request takes.
const REST: Millis = 30_000;
/// How many rows of a store one sweep takes: three statements each, of the thousand that an invocation may run.
const BATCH: i64 = 50;

/// The users among these who join groups, each with its name there.
#[must_use]
pub fn joins(users: &[NewResource]) -> Vec<Json> {
    let joining = users.iter().filter(|new| !new.groups.is_empty());
    joining
        .map(|new| json!({ "id": new.resource.id, "name": new.resource.user_name(), "groups": new.groups }))
        .collect()
}

/// The statement that notes which groups users join, to ride in the batch that creates them.
#[must_use]
pub fn join_groups(ctx: &StoreContext, users: &[NewResource], operation: &str) -> Option<Statement> {
    let joins = joins(users);
    (!joins.is_empty()).then(|| {
        Statement::new(
            "INSERT OR IGNORE INTO pending_work (tenant, kind, target, detail, created) \
             SELECT ?1, 'join_groups', r.id, j.value, ?4 FROM json_each(?2) j \
             CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value ->> 'id' AND r.operation = ?3",
            vec![
                ctx.tenant.key(),
                Json::from(joins).to_string().into(),
                operation.into(),
                ctx.platform.clock.now().into(),
            ],
        )
    })
}

/// The statements that make users of a tenant members of groups; those who get new members count it as a change.
fn joining(tenant: &Value, joins: &str, now: Millis) -> [Statement; 2] {
    let run = |sql: &'static str| Statement::new(sql, vec![tenant.clone(), joins.into(), now.into()]);
    [
        run(
            "UPDATE resources SET version = version + 1, modified = MAX(modified, ?3) WHERE tenant = ?1 AND type = 'Group' AND id IN \
             (SELECT g.value FROM json_each(?2) j CROSS JOIN json_each(j.value, '$.groups') g WHERE NOT EXISTS \
             (SELECT 1 FROM members m WHERE m.tenant = ?1 AND m.group_id = g.value AND m.member_id = j.value ->> 'id'))",
        ),
        run("INSERT INTO members (tenant, group_id, member_id, type, display) \
             SELECT ?1, r.id, j.value ->> 'id', 'User', j.value ->> 'name' FROM json_each(?2) j \
             CROSS JOIN json_each(j.value, '$.groups') g \
             CROSS JOIN resources r ON r.tenant = ?1 AND r.id = g.value AND r.type = 'Group' WHERE ?3 = ?3 \
             ON CONFLICT DO NOTHING"),
    ]
}

fn done(tenant: &Value, kind: &str, ids: &Json) -> Statement {
    Statement::new(
        "DELETE FROM pending_work WHERE tenant = ?1 AND kind = ?2 AND target IN (SELECT value FROM json_each(?3))",
        vec![tenant.clone(), kind.into(), ids.to_string().into()],
    )
}

/// Makes those of `joins` who have just been created members of their groups, at their store. Should it fail, the sweep
/// does it.
pub async fn attempt_joins(ctx: &StoreContext, mut joins: Vec<Json>, created: &HashSet<&str>) {
    joins.retain(|join| join["id"].as_str().is_some_and(|id| created.contains(id)));
    if joins.is_empty() {
        return;
    }
    let tenant = ctx.tenant.key();
    let ids: Json = joins.iter().map(|join| join["id"].clone()).collect();
    let work = joining(&tenant, &Json::from(joins).to_string(), ctx.platform.clock.now());
    let outcome = match ctx.primary().platform.db.batch(work.into()).await {
        Ok(_) => ctx.platform.db.batch(vec![done(&tenant, "join_groups", &ids)]).await,
        failed => failed,
    };
    if let Err(error) = outcome {
        log(&ctx.platform, "join groups", &error);
    }
}

fn log(platform: &Platform, event: &str, error: &DatabaseError) {
    let why = crate::base::text::without_values(&error.to_string());
    platform.log.line(&json!({ "event": event, "error": why }).to_string());
}

/// The statement that notes that the groups are to be left, to ride in the batch that deletes those users of a list that the
/// operation holds.
#[must_use]
pub fn leave_groups(ctx: &StoreContext, users: &str, operation: &str) -> Statement {
    Statement::new(
        format!(
            "INSERT OR IGNORE INTO pending_work (tenant, kind, target, created) \
             SELECT ?1, 'leave_groups', gone.id, ?4 FROM ({OF_OPERATION}) gone"
        ),
        vec![ctx.tenant.key(), users.into(), operation.into(), ctx.platform.clock.now().into()],
    )
}

/// The statements that take the users of a list, `[{"id"}]`, out of all groups, of which those who had such a member count it as a
/// change, and their names out of the tokens that they have made.
fn leaving(tenant: &Value, users: &str, now: Millis) -> [Statement; 3] {
    [
        Statement::new(
            "UPDATE resources SET version = version + 1, modified = MAX(modified, ?3) WHERE tenant = ?1 AND id IN \
             (SELECT m.group_id FROM json_each(?2) j CROSS JOIN members m INDEXED BY members_member \
             ON m.tenant = ?1 AND m.member_id = j.value ->> 'id')",
            vec![tenant.clone(), users.into(), now.into()],
        ),
        Statement::new(
            "DELETE FROM members INDEXED BY members_member WHERE tenant = ?1 \
             AND member_id IN (SELECT j.value ->> 'id' FROM json_each(?2) j)",
            vec![tenant.clone(), users.into()],
        ),
        api_tokens::forget_creators(tenant, users, None),
    ]
}

/// Takes users who have just been deleted out of all groups. Should it fail, the sweep does it.
pub async fn attempt(ctx: &StoreContext, ids: &[&str]) {
    if ids.is_empty() {
        return;
    }
    let users: Json = ids.iter().map(|id| json!({ "id": id })).collect();
    let statements = leaving(&ctx.tenant.key(), &users.to_string(), ctx.platform.clock.now()).to_vec();
    if let Err(error) = ctx.primary().platform.db.batch(statements).await {
        log(&ctx.platform, "leave groups", &error);
    }
}

/// Does what is pending in every user store: a part of the sweep. A store that fails keeps no other from its turn.
///
/// # Errors
/// The last store's that failed: its work is still pending.
pub async fn settle(platform: &Platform) -> Result<(), DatabaseError> {
    let mut done = Ok(());
    for store in platform.all_stores().filter(|store| store.store.is_some()) {
        // The next sweep goes on.
        if platform.meter.is_spent() {
            break;
        }
        done = settle_store(&store).await.and(done);
    }
    done
}

async fn settle_store(platform: &Platform) -> Result<(), DatabaseError> {
    let now = platform.clock.now();
    let due = Statement::new(
        "SELECT tenant, kind, target, detail FROM pending_work WHERE created <= ?1 ORDER BY created LIMIT ?2",
        vec![(now - REST).into(), BATCH.into()],
    );
    let (mut work, mut finished) = (Vec::new(), Vec::new());
    for row in &platform.query(due).await? {
        let (tenant, kind, id) = (row.value("tenant")?, row.read_text("kind")?, row.read_text("target")?);
        match row.read_optional_text("detail")? {
            Some(detail) => work.extend(joining(&tenant, &format!("[{detail}]"), now)),
            None => work.extend(leaving(&tenant, &json!([{ "id": id }]).to_string(), now)),
        }
        finished.push(done(&tenant, kind, &json!([id])));
    }
    if !work.is_empty() {
        platform.in_store(None).db.batch(work).await?;
        platform.db.batch(finished).await?;
    }
    Ok(())
}
