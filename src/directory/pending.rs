//! What a write in one user store still has to change in PRIMARY's database: rows in `pending_work`, written in the batch
//! that they follow from. A batch never spans databases (DESIGN 5).
//!
//! There is one kind: a user who has been deleted leaves all groups. It is tried right after the deletion, and again by the
//! sweep, which alone removes the row: whoever adds a user to a group has looked for the user a moment before, and the
//! deletion may have come between. Doing it twice changes nothing.

use crate::access::audit::OPERATION_HOLDS;
use crate::context::Context;
use crate::ports::{DatabaseError, Millis, Platform, Statement, Value};

/// How old work is when the sweep does it, in milliseconds: longer than a request takes.
const REST: Millis = 30_000;
/// How many rows of a store one sweep takes: two statements each, of the thousand that an invocation may run.
const BATCH: i64 = 100;

/// The statement that notes that the groups are to be left, to ride in the batch that deletes the user.
#[must_use]
pub fn leave_groups(ctx: &Context, id: &str, operation: &str) -> Statement {
    Statement::new(
        format!(
            "INSERT OR IGNORE INTO pending_work (tenant, kind, target, created) SELECT ?1, 'leave_groups', ?2, ?4 \
             WHERE {OPERATION_HOLDS}"
        ),
        vec![ctx.tenant.key(), id.into(), operation.into(), ctx.platform.clock.now().into()],
    )
}

/// The statements that take somebody out of all groups: those who had such a member count it as a change.
fn leaving(tenant: &Value, id: &str, now: Millis) -> [Statement; 2] {
    [
        Statement::new(
            "UPDATE resources SET version = version + 1, modified = ?3 WHERE tenant = ?1 AND id IN \
             (SELECT group_id FROM members WHERE tenant = ?1 AND member_id = ?2)",
            vec![tenant.clone(), id.into(), now.into()],
        ),
        Statement::new(
            "DELETE FROM members INDEXED BY members_member WHERE tenant = ?1 AND member_id = ?2",
            vec![tenant.clone(), id.into()],
        ),
    ]
}

/// Takes a user who has just been deleted out of all groups. Should it fail, the sweep does it.
pub async fn attempt(ctx: &Context, id: &str) {
    let statements = leaving(&ctx.tenant.key(), id, ctx.platform.clock.now()).to_vec();
    if let Err(error) = ctx.primary().platform.db.batch(statements).await {
        let why = crate::text::without_values(&error.to_string());
        ctx.platform.log.line(&serde_json::json!({ "event": "leave groups", "error": why }).to_string());
    }
}

/// Does what is pending in every user store: a part of the sweep. A store that fails keeps no other from its turn.
///
/// # Errors
/// The last store's that failed: its work is still pending.
pub async fn settle(platform: &Platform) -> Result<(), DatabaseError> {
    let mut done = Ok(());
    for store in platform.everywhere().filter(|store| store.store.is_some()) {
        done = settle_store(&store).await.and(done);
    }
    done
}

async fn settle_store(platform: &Platform) -> Result<(), DatabaseError> {
    let now = platform.clock.now();
    let due = Statement::new(
        "SELECT tenant, target FROM pending_work WHERE created <= ?1 ORDER BY created LIMIT ?2",
        vec![(now - REST).into(), BATCH.into()],
    );
    let (mut work, mut done) = (Vec::new(), Vec::new());
    for row in &platform.query(due).await? {
        let (tenant, id) = (row.value("tenant")?, row.text("target")?);
        work.extend(leaving(&tenant, id, now));
        done.push(Statement::new(
            "DELETE FROM pending_work WHERE tenant = ?1 AND kind = 'leave_groups' AND target = ?2",
            vec![tenant, id.into()],
        ));
    }
    if !work.is_empty() {
        platform.at(None).db.batch(work).await?;
        platform.db.batch(done).await?;
    }
    Ok(())
}
