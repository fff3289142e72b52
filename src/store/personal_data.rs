//! Everything that is stored about a person, table by table, as JSON. docs/privacy.md says what is kept where and for how long.

use serde_json::Value as Json;

use crate::base::ordered;
use crate::model::context::{Context, UnitOfWork};
use crate::ports::{DatabaseError, Row, Statement};

/// The most rows of a table that are read, newest first where they have a time.
pub const MOST: usize = 1_000;
/// The most mails: what each says of the person may be long.
pub const MOST_MAILS: usize = 100;

/// The tables that are looked at, by the names that their rows are shown under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// The user: the document, the account, the invitation, the credentials. One row or none.
    User,
    /// The groups, direct and indirect.
    Groups,
    /// Mails that say something of the person.
    Mails,
    /// Mails that have been emptied.
    EmptiedMails,
    /// States and times of mails that the outbox has kept long enough.
    MailHistory,
    /// Values that filters find the user by.
    IndexValues,
    /// Values that nobody else may have.
    UniqueValues,
    /// Console sessions.
    Sessions,
    /// New mails asked for with the button of an expired link.
    Renewals,
    /// The links by which they set a new password.
    Resets,
    /// What a write has still to change in PRIMARY.
    PendingWork,
    /// API tokens that they have made.
    ApiTokens,
    /// What the tenant says of them as its owner.
    Ownership,
    /// The audit's rows about them.
    AuditAbout,
    /// The audit's rows of what they did.
    AuditBy,
}

impl Table {
    /// The name that its rows are shown under.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Groups => "groups",
            Self::Mails | Self::EmptiedMails => "mails",
            Self::MailHistory => "mailHistory",
            Self::IndexValues => "indexValues",
            Self::UniqueValues => "uniqueValues",
            Self::Sessions => "sessions",
            Self::Renewals => "renewals",
            Self::Resets => "resets",
            Self::PendingWork => "pendingWork",
            Self::ApiTokens => "apiTokens",
            Self::Ownership => "ownerOf",
            Self::AuditAbout => "auditAbout",
            Self::AuditBy => "auditBy",
        }
    }

    /// The most rows that are read of it.
    #[must_use]
    pub fn most(self) -> usize {
        match self {
            Self::Mails | Self::EmptiedMails => MOST_MAILS,
            _ => MOST,
        }
    }

    /// In PRIMARY's database alone.
    const PRIMARY: &'static [Self] = &[Self::Groups, Self::ApiTokens, Self::Ownership];
    /// In the database of the user's store.
    const OF_USER: &'static [Self] = &[
        Self::User,
        Self::Mails,
        Self::EmptiedMails,
        Self::MailHistory,
        Self::IndexValues,
        Self::UniqueValues,
        Self::Sessions,
        Self::Renewals,
        Self::Resets,
        Self::PendingWork,
    ];
    /// In each store's, of what was done there.
    const EVERYWHERE: &'static [Self] = &[Self::AuditAbout, Self::AuditBy];

    /// What reads its rows: the tenant is `?1`, the user `?2`, the most rows `?3`.
    fn select(self) -> String {
        let mail = |emptied: &str| {
            format!(
                "SELECT json_object('id', o.id, 'template', o.template, 'seq', o.seq, 'state', o.state, \
                 'to', nullif(o.recipient, ''), 'invitedBy', o.invited_by, 'newAddress', o.new_email, \
                 'content', CASE WHEN json_valid(o.facts) THEN json(o.facts) END, 'locale', o.locale, \
                 'provider', o.provider, 'providerId', o.provider_id, 'lastError', o.last_error, 'queuedAt', {}) AS item \
                 FROM outbox o INDEXED BY outbox_user WHERE o.tenant = ?1 AND o.user_id = ?2 AND o.recipient {emptied} \
                 ORDER BY o.seq DESC LIMIT ?3",
                time("o.created")
            )
        };
        let audit = |condition: &str| {
            format!(
                "SELECT json_object('id', CAST(row.number AS TEXT), 'time', {}, 'actor', row.actor, 'action', row.action, \
                 'target', row.target, 'outcome', row.outcome, 'requestId', row.request_id, 'address', row.address) AS item \
                 FROM audit row {condition} ORDER BY row.number DESC LIMIT ?3",
                time("row.time")
            )
        };
        let values = |table: &str| {
            format!(
                "SELECT json_object('attribute', v.attribute, 'value', v.key) AS item FROM {table} v \
                 INDEXED BY {table}_resource WHERE v.tenant = ?1 AND v.id = ?2 LIMIT ?3"
            )
        };
        match self {
            Self::User => format!(
                "SELECT json_object('document', CASE WHEN json_valid(r.document) THEN json(r.document) END, \
                 'version', r.version, 'created', {created}, 'modified', {modified}, \
                 'account', json_object('state', r.account_state, 'onboarding', r.onboarding, 'lock', r.lock, \
                 'disabled', json(iif(r.disabled, 'true', 'false')), 'email', r.email, \
                 'emailVerified', json(iif(r.email_verified, 'true', 'false')), 'pendingEmail', r.pending_email, \
                 'links', r.seq), \
                 'invitation', CASE WHEN r.delivery IS NOT NULL THEN json_object('template', r.template, \
                 'delivery', r.delivery, 'attempts', r.attempts, 'sentAt', {sent}, \
                 'deliveredAt', {delivered}, 'startedAt', {started}, 'expiresAt', {expires}) END, \
                 'credentials', json_object('passwordChanged', (SELECT {changed} FROM credentials k \
                 WHERE k.tenant = ?1 AND k.user_id = ?2), 'formerPasswords', (SELECT json_group_array({changed}) FROM \
                 (SELECT p.changed FROM password_history p WHERE p.tenant = ?1 AND p.user_id = ?2 LIMIT ?3) k))) AS item \
                 FROM resources r WHERE r.tenant = ?1 AND r.id = ?2 AND r.type = 'User'",
                created = time("r.created"),
                modified = time("r.modified"),
                sent = time("r.sent_at"),
                delivered = time("CASE WHEN r.delivered_at >= r.sent_at THEN r.delivered_at END"),
                started = time("r.started_at"),
                expires = time("r.expires_at"),
                changed = time("k.changed"),
            ),
            Self::Groups => "SELECT json_object('id', a.ancestor_id, 'display', a.display, 'shownAs', \
                CASE a.depth WHEN 0 THEN m.display END, 'type', CASE a.depth WHEN 0 THEN 'direct' ELSE 'indirect' END) AS item \
                FROM members m INDEXED BY members_member CROSS JOIN group_ancestors a ON a.tenant = m.tenant \
                AND a.group_id = m.group_id WHERE m.tenant = ?1 AND m.member_id = ?2 LIMIT ?3"
                .to_owned(),
            Self::Mails => mail("<> ''"),
            Self::EmptiedMails => mail("= ''"),
            Self::MailHistory => format!(
                "SELECT json_object('id', h.id, 'template', h.template, 'seq', h.seq, 'state', h.state, \
                 'queuedAt', {}, 'endedAt', {}) AS item FROM mail_history h WHERE h.tenant = ?1 AND h.user_id = ?2 \
                 ORDER BY h.seq DESC LIMIT ?3",
                time("h.created"),
                time("h.ended")
            ),
            Self::IndexValues => values("value_index"),
            Self::UniqueValues => values("unique_values"),
            Self::Sessions => format!(
                "SELECT json_object('started', {}, 'seen', {}, 'expiresAt', {}) AS item FROM sessions s \
                 WHERE s.tenant = ?1 AND s.user_id = ?2 LIMIT ?3",
                time("s.started"),
                time("s.seen"),
                time("s.expires_at")
            ),
            Self::Renewals => format!(
                "SELECT json_object('requested', {}, 'sent', {}) AS item FROM renewals n \
                 WHERE n.tenant = ?1 AND n.user_id = ?2 LIMIT ?3",
                time("n.requested"),
                time("n.sent")
            ),
            Self::Resets => format!(
                "SELECT json_object('linkEnds', {}, 'sent', {}) AS item FROM resets n \
                 WHERE n.tenant = ?1 AND n.user_id = ?2 LIMIT ?3",
                time("n.ends"),
                time("n.sent")
            ),
            Self::PendingWork => format!(
                "SELECT json_object('kind', p.kind, 'detail', json(p.detail), 'created', {}) AS item FROM pending_work p \
                 WHERE p.tenant = ?1 AND p.kind IN ('join_groups', 'leave_groups') AND p.target = ?2 LIMIT ?3",
                time("p.created")
            ),
            Self::ApiTokens => format!(
                "SELECT json_object('id', k.id, 'name', k.name, 'createdBy', k.created_by, 'created', {}) AS item \
                 FROM api_tokens k WHERE k.tenant = ?1 AND (k.created_by = 'user:' || ?2 \
                 OR substr(k.created_by, -2 - length(?2)) = '(' || ?2 || ')') LIMIT ?3",
                time("k.created")
            ),
            Self::Ownership => "SELECT json_object('domain', t.domain, 'owner', json(j.value)) AS item \
                FROM tenants t CROSS JOIN json_each(t.owners) j WHERE t.number = ?1 AND j.value ->> 'id' = ?2 LIMIT ?3"
                .to_owned(),
            Self::AuditAbout => audit("INDEXED BY audit_target WHERE row.tenant = ?1 AND row.target = ?2"),
            Self::AuditBy => audit(
                "INDEXED BY audit_actor WHERE row.tenant = ?1 AND substr(rtrim(row.actor, ')'), -36) = ?2 \
                 AND (row.actor GLOB 'user:*' OR row.actor GLOB 'administrator:* (*)')",
            ),
        }
    }
}

/// The column `millis`, if it is set, as RFC 3339 has times.
fn time(millis: &str) -> String {
    format!("CASE WHEN {millis} > 0 THEN strftime('%Y-%m-%dT%H:%M:%fZ', {millis} / 1000.0, 'unixepoch') END")
}

/// The rows of a table that are about a person.
#[derive(Clone, Debug)]
pub struct Found {
    /// The table.
    pub table: Table,
    /// Its rows, [`Table::most`] at most.
    pub rows: Vec<Json>,
    /// Whether there are more.
    pub has_more: bool,
}

/// What is stored about the user of this id, in the order of [`Table`]. A round trip for each user store.
///
/// # Errors
/// The database's.
pub async fn find(ctx: &Context, id: &str) -> Result<Vec<Found>, DatabaseError> {
    let home = ctx.in_store_of(id).platform.store;
    let mut found: Vec<Found> = Vec::new();
    for store in ctx.platform().all_stores() {
        let mut tables = Table::EVERYWHERE.to_vec();
        if store.store == home {
            tables.extend(Table::OF_USER);
        }
        if store.store.is_none() {
            tables.extend(Table::PRIMARY);
        }
        let statement = |table: &Table| {
            let limit = i64::try_from(table.most()).unwrap_or(i64::MAX) + 1;
            Statement::new(table.select(), vec![ctx.tenant.key(), id.into(), limit.into()])
        };
        let outcomes = store.db.batch(tables.iter().map(statement).collect()).await?;
        for (table, outcome) in tables.into_iter().zip(outcomes) {
            let item = |row: &Row| Ok(serde_json::from_str(row.read_text("item")?).unwrap_or_default());
            let rows = outcome.rows.iter().map(item).collect::<Result<Vec<Json>, DatabaseError>>()?;
            match found.iter_mut().find(|known| known.table == table) {
                Some(known) => known.rows.extend(rows),
                None => found.push(Found { table, rows, has_more: false }),
            }
        }
    }
    for Found { table, rows, has_more } in &mut found {
        *has_more = rows.len() > table.most();
        rows.truncate(table.most());
    }
    ordered::sort_by(&mut found, |one, other| one.table.cmp(&other.table));
    Ok(found)
}
