//! Users whom a group has given a role while a link of theirs was out: whoever has that link is not to get in with the role.
//!
//! The rows are written in the batch that gives the role, and from then on no link of these users is taken ([`NO_GRANT`]).
//! They are worked off in steps, right after the write and by the sweep: each user gets a link of their own `seq`, so that
//! those before are dead for good, and the row goes.

use serde_json::json;

use crate::base::account::Cause;
use crate::model::audit::Action;
use crate::model::context::{Context, StoreContext, UnitOfWork, Work};
use crate::model::resource::USER;
use crate::model::tenant::Tenant;
use crate::ports::{DatabaseError, Millis, Platform, Statement};
use crate::store::audit;
use crate::store::audit::OPERATION_HOLDS;
use crate::store::cross_store::is_remote;
use crate::store::invitations::{NOT_REVOKED, RENEWABLE, queue_columns, renewed_columns};
use crate::store::operation::Operation;
use crate::store::resets;

/// The condition that the user `?2` of the tenant `?1` has not been given a role since their link was made. True in other
/// databases than PRIMARY's: there, [`waits`] is asked first.
pub const NO_GRANT: &str =
    "NOT EXISTS (SELECT 1 FROM role_grants waits WHERE waits.tenant = ?1 AND waits.user_id = ?2)";

/// The most users of one step.
pub const STEP: u32 = 100;

/// The statement that answers a row where a user waits to be sent another link.
#[must_use]
pub fn waits_statement(ctx: &Work, user_id: &str) -> Statement {
    Statement::new(
        "SELECT 1 AS found FROM role_grants waits WHERE waits.tenant = ?1 AND waits.user_id = ?2",
        vec![ctx.tenant.key(), user_id.into()],
    )
}

/// Who has a link that works, of the users `r`; of another store's it is not known here.
fn has_link(user: &str) -> String {
    let qualified = format!("{RENEWABLE} AND {NOT_REVOKED}");
    format!("EXISTS (SELECT 1 FROM resources WHERE tenant = ?1 AND id = {user} AND type = '{USER}' AND {qualified})")
}

/// The end of a statement that notes users: they may wait already.
const NOTED: &str = "ON CONFLICT DO NOTHING";

/// The statements that note those of `users` who are not members of the group yet, and end the links by which they set a new
/// password, to stand before the statements that make them members.
#[must_use]
pub fn note_added<'a>(
    ctx: &Context,
    group_id: &str,
    operation: &str,
    users: impl IntoIterator<Item = &'a str>,
) -> Vec<Statement> {
    /// The most ids one parameter lists.
    const LISTED: usize = 5_000;
    let list: Vec<_> = users.into_iter().map(|id| json!([id, u8::from(is_remote(id))])).collect();
    let chunks = list.chunks(LISTED).flat_map(|chunk| {
        let new = "SELECT j.value ->> 0 FROM json_each(?4) j WHERE NOT EXISTS (SELECT 1 FROM members m \
                   WHERE m.tenant = ?1 AND m.group_id = ?2 AND m.member_id = j.value ->> 0)";
        let noted = Statement::new(
            format!(
                "INSERT INTO role_grants (tenant, user_id, invited_by, created) SELECT ?1, j.value ->> 0, ?5, ?6 \
                 FROM json_each(?4) j WHERE {OPERATION_HOLDS} AND NOT EXISTS (SELECT 1 FROM members m \
                 WHERE m.tenant = ?1 AND m.group_id = ?2 AND m.member_id = j.value ->> 0) \
                 AND (j.value ->> 1 OR {}) {NOTED}",
                has_link("j.value ->> 0")
            ),
            vec![
                ctx.tenant.key(),
                group_id.into(),
                operation.into(),
                json!(chunk).to_string().into(),
                ctx.actor.inviter().into(),
                ctx.platform.clock.now().into(),
            ],
        );
        let ended = Statement::new(
            format!("{} AND {OPERATION_HOLDS}", resets::end_links_of(new, "?5")),
            vec![
                ctx.tenant.key(),
                group_id.into(),
                operation.into(),
                json!(chunk).to_string().into(),
                ctx.platform.clock.now().into(),
            ],
        );
        [noted, ended]
    });
    chunks.collect()
}

/// The statements that note all members of groups, which the operation has created or renamed, save the users that it has
/// created as well, and end the links by which they set a new password: to stand after the statements that change the members.
#[must_use]
pub fn note_members(ctx: &impl UnitOfWork, group_ids: &[&str], operation: &str) -> [Statement; 2] {
    let members = "SELECT m.member_id FROM json_each(?2) j \
                   CROSS JOIN resources g ON g.tenant = ?1 AND g.id = j.value AND g.operation = ?3 \
                   CROSS JOIN members m ON m.tenant = g.tenant AND m.group_id = g.id";
    let ended = Statement::new(
        resets::end_links_of(members, "?4"),
        vec![
            ctx.tenant.key(),
            json!(group_ids).to_string().into(),
            operation.into(),
            ctx.platform().clock.now().into(),
        ],
    );
    let noted = Statement::new(
        format!(
            "INSERT INTO role_grants (tenant, user_id, invited_by, created) SELECT ?1, m.member_id, ?4, ?5 \
             FROM json_each(?2) j CROSS JOIN resources g ON g.tenant = ?1 AND g.id = j.value AND g.operation = ?3 \
             CROSS JOIN members m ON m.tenant = g.tenant AND m.group_id = g.id AND m.type = '{USER}' \
             LEFT JOIN resources r ON r.tenant = m.tenant AND r.id = m.member_id \
             WHERE r.id IS NULL OR (r.operation <> ?3 AND {}) {NOTED}",
            has_link("m.member_id")
        ),
        vec![
            ctx.tenant.key(),
            json!(group_ids).to_string().into(),
            operation.into(),
            ctx.actor.inviter().into(),
            ctx.platform().clock.now().into(),
        ],
    );
    [noted, ended]
}

/// Returns the tenants that have users who wait, one row read for each.
///
/// # Errors
/// The database's.
pub async fn find_tenants(primary: &Platform) -> Result<Vec<Tenant>, DatabaseError> {
    let statement = Statement::new(
        "WITH RECURSIVE waiting (tenant) AS (SELECT MIN(tenant) FROM role_grants UNION ALL \
         SELECT (SELECT MIN(w.tenant) FROM role_grants w WHERE w.tenant > waiting.tenant) FROM waiting \
         WHERE waiting.tenant IS NOT NULL) \
         SELECT t.domain FROM waiting CROSS JOIN tenants t ON t.number = waiting.tenant",
        Vec::new(),
    );
    let rows = primary.query(statement).await?;
    rows.iter().map(|row| Ok(Tenant::from_domain(row.read_text("domain")?))).collect()
}

/// A user who waits.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Their id.
    pub user_id: String,
    /// Who gave the role, as the mail names them.
    pub invited_by: Option<String>,
}

/// Returns users of the tenant who have waited since `before` at the latest, [`STEP`] at most.
///
/// # Errors
/// The database's.
pub async fn find_waiting(ctx: &Context, before: Millis) -> Result<Vec<Waiting>, DatabaseError> {
    let statement = Statement::new(
        "SELECT user_id, invited_by FROM role_grants WHERE tenant = ?1 AND user_id > '' AND created <= ?2 \
         ORDER BY user_id LIMIT ?3",
        vec![ctx.tenant.key(), before.into(), STEP.into()],
    );
    let rows = ctx.platform.query(statement).await?;
    let waiting = |row: &crate::ports::Row| {
        let invited_by = row.read_optional_text("invited_by")?.map(str::to_owned);
        Ok(Waiting { user_id: row.read_text("user_id")?.to_owned(), invited_by })
    };
    rows.iter().map(waiting).collect()
}

/// What an invitation becomes whose link the caller sends on, and has yet to ask for: expired.
fn ended_columns() -> String {
    format!(
        "seq_log = seq_log || '{}', version = version + 1, modified = MAX(modified, ?4), operation = ?3, link_kid = NULL, \
         template = CASE onboarding WHEN 'none' THEN template END, \
         delivery = CASE onboarding WHEN 'none' THEN delivery ELSE 'external' END, \
         attempts = CASE onboarding WHEN 'none' THEN attempts ELSE 0 END, \
         sent_at = CASE onboarding WHEN 'none' THEN sent_at END, \
         expires_at = CASE onboarding WHEN 'none' THEN expires_at ELSE ?4 END",
        Cause::Replaced.as_str()
    )
}

/// Ends the links of users of the store of `ctx`, and mails each of them another; with `external` only those who confirm a
/// new address, since an invitation's link is the caller's to ask for. Those of PRIMARY wait no longer.
///
/// # Errors
/// The database's: nothing was written.
pub async fn settle(ctx: &StoreContext, users: &[Waiting], external: bool) -> Result<(), DatabaseError> {
    let operation = Operation::new(ctx);
    let rows: Vec<_> = users
        .iter()
        .map(|user| json!({ "id": user.user_id, "mail": ctx.platform.new_id().to_string(), "by": user.invited_by }))
        .collect();
    let rows = json!(rows).to_string();
    // Two runs at once send one mail: the second finds nobody who waits.
    let still = if ctx.platform.store.is_some() {
        "TRUE"
    } else {
        "EXISTS (SELECT 1 FROM role_grants waits WHERE waits.tenant = ?1 AND waits.user_id = r.id)"
    };
    let columns = if external { ended_columns() } else { renewed_columns() };
    let action = if external { Action::UserUpdate } else { Action::InvitationResend };
    let mut batch = vec![
        Statement::new(
            resets::end_links_of("SELECT j.value ->> 'id' FROM json_each(?2) j", "?3"),
            vec![ctx.tenant.key(), rows.as_str().into(), ctx.platform.clock.now().into()],
        ),
        // Each row is there already, so that the insert is always the update that follows it.
        Statement::new(
            format!(
                "INSERT INTO resources (tenant, id, type, document, keys, created, modified, operation) \
                 SELECT r.tenant, r.id, r.type, '', '', r.created, ?4, ?3 FROM json_each(?2) j \
                 CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value ->> 'id' \
                 WHERE r.type = '{USER}' AND {RENEWABLE} AND {NOT_REVOKED} AND {still} \
                 ON CONFLICT (tenant, id) DO UPDATE SET {columns} RETURNING id"
            ),
            vec![ctx.tenant.key(), rows.as_str().into(), operation.id().into(), ctx.platform.clock.now().into()],
        ),
        audit::record_each(ctx, operation.id(), action, &rows),
        Statement::new(
            format!(
                "{} j.value ->> 'mail', NULL FROM json_each(?2) j \
                 CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value ->> 'id' AND r.operation = ?3 \
                 WHERE r.onboarding = 'none' OR NOT ?4",
                queue_columns("j.value ->> 'by'")
            ),
            vec![ctx.tenant.key(), rows.as_str().into(), operation.id().into(), external.into()],
        ),
    ];
    if ctx.platform.store.is_none() {
        batch.push(done(ctx, users));
    }
    operation.commit_each(ctx, batch).await.map(drop)
}

/// The statement by which users wait no longer.
fn done(ctx: &impl UnitOfWork, users: &[Waiting]) -> Statement {
    let ids: Vec<&str> = users.iter().map(|user| user.user_id.as_str()).collect();
    Statement::new(
        "DELETE FROM role_grants WHERE tenant = ?1 AND user_id IN (SELECT value FROM json_each(?2))",
        vec![ctx.tenant.key(), json!(ids).to_string().into()],
    )
}

/// Notes at PRIMARY that users of other stores wait no longer.
///
/// # Errors
/// The database's.
pub async fn finish(ctx: &Context, users: &[Waiting]) -> Result<(), DatabaseError> {
    ctx.platform.query(done(ctx, users)).await.map(drop)
}
