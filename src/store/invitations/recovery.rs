//! The mails to whoever has forgotten their password: a link to a new one, or what an account that is not live gets instead,
//! with what limits them.

use serde_json::json;

use crate::model::audit::Action;
use crate::model::context::StoreContext;
use crate::model::mail::TemplateType;
use crate::model::resource::Resource;
use crate::ports::{DatabaseError, Millis, Statement, Value};
use crate::store::audit;
use crate::store::invitations::{NOT_REVOKED, RENEWABLE, renewed_columns};
use crate::store::operation::Operation;
use crate::store::resources::{COLUMNS, from_row};

/// The least time between two mails that somebody has asked for about one account, in milliseconds.
const PAUSE: Millis = 60_000;
/// The time in which [`MOST`] of them go out.
const HOUR: Millis = 3_600_000;
/// The most of them.
const MOST: i64 = 10;

/// The condition that the resource of a statement, at the time `?4`, may be mailed once more.
fn within_limits() -> String {
    format!(
        "NOT EXISTS (SELECT 1 FROM resets x WHERE x.tenant = ?1 AND x.user_id = resources.id \
         AND (x.sent > ?4 - {PAUSE} OR (x.began > ?4 - {HOUR} AND x.count >= {MOST})))"
    )
}

/// An account that somebody may have meant.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The account.
    pub user: Resource,
    /// Whether it has a password.
    pub has_password: bool,
}

/// The most accounts with one address that are looked at.
const MOST_CANDIDATES: i64 = 50;

/// Returns the users of one store whose name, if it is one of this store's, or one of whose addresses has these keys.
///
/// # Errors
/// The database's.
pub fn find_candidates(
    ctx: &StoreContext,
    name_key: Option<&str>,
    address_key: &str,
) -> Result<Vec<Candidate>, DatabaseError> {
    let password =
        "EXISTS (SELECT 1 FROM credentials c WHERE c.tenant = r.tenant AND c.user_id = r.id) AS has_password";
    let by_name = Statement::new(
        format!(
            "SELECT {COLUMNS}, {password} FROM resources r WHERE r.tenant = ?1 AND r.type = 'User' AND r.name_key = ?2"
        ),
        vec![ctx.tenant.key(), name_key.into()],
    );
    let by_address = Statement::new(
        format!(
            "SELECT {COLUMNS}, {password} FROM value_index v CROSS JOIN resources r ON r.tenant = v.tenant AND r.id = v.id \
             WHERE v.tenant = ?1 AND v.type = 'User' AND v.attribute = 'emails.value' AND v.key = ?2 ORDER BY v.id LIMIT ?3"
        ),
        vec![ctx.tenant.key(), address_key.into(), MOST_CANDIDATES.into()],
    );
    let outcomes = ctx.platform.db.batch(vec![by_name, by_address])?;
    let mut found: Vec<Candidate> = Vec::new();
    for row in outcomes.iter().flat_map(|outcome| &outcome.rows) {
        let user = from_row(row)?;
        if !found.iter().any(|known| known.user.id == user.id) {
            found.push(Candidate { user, has_password: row.read_integer("has_password")? != 0 });
        }
    }
    Ok(found)
}

/// Kills the links of those of these live users, all of one address, who may be mailed once more, and mails them one mail
/// with a new link each. `ends`: when the links end at the latest. One round trip.
///
/// # Errors
/// The database's: nothing was written.
pub fn mail_links(ctx: &StoreContext, users: &[&Resource], ends: Millis) -> Result<(), DatabaseError> {
    let operation = Operation::new(ctx);
    let now = ctx.platform.clock.now();
    let rows: Vec<_> = users
        .iter()
        .map(|user| json!({ "id": user.id, "email": user.account.email, "seq": user.account.seq() }))
        .collect();
    let rows = json!(rows).to_string();
    let run = |sql: String, more: Vec<Value>| {
        let mut params = vec![ctx.tenant.key(), rows.as_str().into(), operation.id().into(), now.into()];
        params.extend(more);
        Statement::new(sql, params)
    };
    let batch = vec![
        run(
            format!(
                "UPDATE resources SET seq_log = seq_log || 'N', version = version + 1, modified = MAX(modified, ?4), \
                 operation = ?3 WHERE tenant = ?1 AND id IN (SELECT j.value ->> 'id' FROM json_each(?2) j) \
                 AND type = 'User' AND onboarding = 'none' AND lock = 'none' AND disabled = 0 \
                 AND EXISTS (SELECT 1 FROM json_each(?2) j WHERE j.value ->> 'id' = resources.id \
                 AND j.value ->> 'email' = resources.email AND j.value ->> 'seq' = resources.seq) AND {} RETURNING id",
                within_limits()
            ),
            Vec::new(),
        ),
        audit::record_each(ctx, operation.id(), Action::PasswordRecover, &rows),
        run(
            format!(
                "INSERT INTO outbox (tenant, id, user_id, template, seq, recipient, state, created, due, accounts) \
                 SELECT r.tenant, ?5, r.id, '{}', r.seq, r.email, 'queued', ?4, ?4, \
                 (SELECT NULLIF(json_group_array(json_array(a.id, a.seq, a.document ->> '$.userName')), '[]') \
                 FROM json_each(?2) k CROSS JOIN resources a ON a.tenant = ?1 AND a.id = k.value ->> 'id' \
                 AND a.operation = ?3 WHERE a.id <> r.id) \
                 FROM json_each(?2) j CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value ->> 'id' \
                 AND r.operation = ?3 ORDER BY j.key LIMIT 1",
                TemplateType::PasswordReset.name()
            ),
            vec![ctx.platform.new_id().to_string().into()],
        ),
        run(count_mail(), vec![ends.into()]),
    ];
    operation.commit_each(ctx, batch).map(drop)
}

/// The statement that counts a mail about each of the users of the list `?2` whom the operation has written; `?5`: when their
/// link ends.
fn count_mail() -> String {
    format!(
        "INSERT INTO resets (tenant, user_id, ends, sent, began, count) SELECT r.tenant, r.id, ?5, ?4, ?4, 1 \
         FROM json_each(?2) j CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value ->> 'id' AND r.operation = ?3 \
         WHERE TRUE ON CONFLICT (tenant, user_id) DO UPDATE SET ends = MAX(ends, excluded.ends), sent = excluded.sent, \
         count = CASE WHEN began <= ?4 - {HOUR} THEN 1 ELSE count + 1 END, \
         began = CASE WHEN began <= ?4 - {HOUR} THEN ?4 ELSE began END"
    )
}

/// What an account that is not live gets instead of a link to a new password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instead {
    /// The invitation again, which ends when it ended before, in milliseconds; 0 for never.
    Invitation(Millis),
    /// Word that it is locked.
    Locked,
}

/// Mails a user who is not live what they get instead, if they may be mailed once more and are as they were read. One round
/// trip.
///
/// # Errors
/// The database's: nothing was written.
pub fn mail_instead(ctx: &StoreContext, user: &Resource, instead: Instead) -> Result<(), DatabaseError> {
    let operation = Operation::new(ctx);
    let now = ctx.platform.clock.now();
    let rows = json!([{ "id": user.id }]).to_string();
    let run = |sql: String, more: Vec<Value>| {
        let mut params = vec![ctx.tenant.key(), rows.as_str().into(), operation.id().into(), now.into()];
        params.extend(more);
        Statement::new(sql, params)
    };
    let (change, condition, action) = match instead {
        Instead::Invitation(_) => {
            let open = format!("{RENEWABLE} AND {NOT_REVOKED} AND onboarding <> 'none'");
            (renewed_columns(), open, Action::InvitationResend)
        }
        Instead::Locked => {
            // Nothing about them changes: their links die no more than before.
            let columns = "version = version + 1, modified = MAX(modified, ?4), operation = ?3".to_owned();
            (columns, "lock = 'admin' AND disabled = 0".to_owned(), Action::PasswordRecover)
        }
    };
    let ends_at = match instead {
        Instead::Invitation(expires_at) => Some(expires_at / 1000),
        Instead::Locked => None,
    };
    // The provider takes a mail for the one before that has the same key, which a generation of its own makes another.
    let generation = if instead == Instead::Locked { now / 60_000 } else { 0 };
    let template = match instead {
        Instead::Invitation(_) => "r.template".to_owned(),
        Instead::Locked => format!("'{}'", TemplateType::PasswordRecoveryFailure.name()),
    };
    let batch = vec![
        run(
            format!(
                "UPDATE resources SET {change} WHERE tenant = ?1 AND id IN (SELECT j.value ->> 'id' FROM json_each(?2) j) \
                 AND type = 'User' AND {condition} AND email IS NOT NULL AND seq = ?5 AND {} RETURNING id",
                within_limits()
            ),
            vec![user.account.seq().into()],
        ),
        audit::record_each(ctx, operation.id(), action, &rows),
        run(
            format!(
                "INSERT INTO outbox (tenant, id, user_id, template, seq, recipient, state, created, due, reminder, ends_at, \
                 generation) SELECT r.tenant, ?5, r.id, {template}, r.seq, r.email, 'queued', ?4, ?4, 0, ?6, ?7 \
                 FROM json_each(?2) j CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value ->> 'id' \
                 AND r.operation = ?3"
            ),
            vec![ctx.platform.new_id().to_string().into(), ends_at.into(), generation.into()],
        ),
        run(count_mail(), vec![0_i64.into()]),
    ];
    operation.commit_each(ctx, batch).map(drop)
}
