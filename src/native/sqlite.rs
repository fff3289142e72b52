//! The `Database` port over SQLite, with D1's limits.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, StatementStatus, ffi};

use crate::ports::{Database, DatabaseError, Outcome, Row, Statement, Value};

/// The migrations, in order, as wrangler applies them to D1.
const MIGRATIONS: &[&str] = &[
    include_str!("../../schema/d1/0001_init.sql"),
    include_str!("../../schema/d1/0002_tenants.sql"),
    include_str!("../../schema/d1/0003_flows.sql"),
    include_str!("../../schema/d1/0003_history.sql"),
    include_str!("../../schema/d1/0004_templates.sql"),
    include_str!("../../schema/d1/0005_access.sql"),
    include_str!("../../schema/d1/0006_audit_seal.sql"),
    include_str!("../../schema/d1/0007_webhooks.sql"),
    include_str!("../../schema/d1/0008_stores.sql"),
    include_str!("../../schema/d1/0009_limits.sql"),
    include_str!("../../schema/d1/0010_outbox.sql"),
    include_str!("../../schema/d1/0011_failover.sql"),
    include_str!("../../schema/d1/0012_sessions.sql"),
    include_str!("../../schema/d1/0013_group_names.sql"),
    include_str!("../../schema/d1/0014_reindex.sql"),
    include_str!("../../schema/d1/0015_audit_heads.sql"),
    include_str!("../../schema/d1/0016_outbox_turns.sql"),
    include_str!("../../schema/d1/0017_roles.sql"),
    include_str!("../../schema/d1/0018_address_changes.sql"),
    include_str!("../../schema/d1/0019_delivery.sql"),
    include_str!("../../schema/d1/0020_submissions.sql"),
    include_str!("../../schema/d1/0021_user_names.sql"),
    include_str!("../../schema/d1/0022_jobs.sql"),
    include_str!("../../schema/d1/0023_kept_forms.sql"),
    include_str!("../../schema/d1/0024_reindex_marks.sql"),
    include_str!("../../schema/d1/0026_job_files.sql"),
    include_str!("../../schema/d1/0027_import_files.sql"),
    include_str!("../../schema/d1/0028_deletions.sql"),
    include_str!("../../schema/d1/0029_timeline.sql"),
    include_str!("../../schema/d1/0030_reminders.sql"),
    include_str!("../../schema/d1/0031_logos.sql"),
    include_str!("../../schema/d1/0032_daily_figures.sql"),
    include_str!("../../schema/d1/0033_test_mails.sql"),
    include_str!("../../schema/d1/0034_recovery.sql"),
];

/// Tables that grow with the tenants, by name and by the aliases that our statements give them.
const GROWING: &[&str] = &[
    "resources",
    "r",
    "outbox",
    "o",
    "members",
    "m",
    "group_ancestors",
    "d",
    "below",
    "audit",
    "row",
    "credentials",
    "password_history",
    "value_index",
    "unique_values",
    "renewals",
    "recoveries",
    "resets",
    "x",
    "templates",
    "c",
    "signin_failures",
    "webhook_events",
    "w",
    "pending_work",
    "role_grants",
    "waits",
    "audit_heads",
    "h",
    "jobs",
    "job_rows",
    "daily_figures",
    "d",
];
/// The statements that may scan: the development inbox, which production has not, and what reads a partial index whole
/// that holds only what is yet to be done.
const MAY_SCAN: &[&str] = &["o.provider = 'inbox'", "INDEXED BY audit_unsealed", "INDEXED BY audit_heads_uncopied"];

/// A SQLite database with Latchkey's schema. Every statement is explained before it first runs: one that would scan a
/// growing table fails, so that each native test is also a test of the query plans (issue 3).
#[derive(Debug)]
pub struct Sqlite {
    connection: Mutex<Connection>,
    explained: Mutex<HashSet<String>>,
    steps: AtomicU64,
}

impl Sqlite {
    /// A new database in memory.
    ///
    /// # Errors
    /// SQLite's.
    pub fn in_memory() -> rusqlite::Result<Self> {
        Self::prepare(Connection::open_in_memory()?)
    }

    /// A new database in a file.
    ///
    /// # Errors
    /// SQLite's.
    pub fn in_file(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        Self::prepare(connection)
    }

    fn prepare(connection: Connection) -> rusqlite::Result<Self> {
        for migration in MIGRATIONS {
            connection.execute_batch(migration)?;
        }
        // https://developers.cloudflare.com/d1/platform/limits/ and what workerd sets on its SQLite.
        for (limit, value) in [
            (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 100),
            (Limit::SQLITE_LIMIT_SQL_LENGTH, 100_000),
            (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
            (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 5),
            (Limit::SQLITE_LIMIT_FUNCTION_ARG, 32),
            (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50),
            (Limit::SQLITE_LIMIT_LENGTH, 2_000_000),
        ] {
            connection.set_limit(limit, value)?;
        }
        connection.set_prepared_statement_cache_capacity(256);
        Ok(Self { connection: Mutex::new(connection), explained: Mutex::default(), steps: AtomicU64::new(0) })
    }

    /// Runs `look` on the connection: for tests that look into the tables, or explain a statement.
    pub fn with<T>(&self, look: impl FnOnce(&Connection) -> T) -> T {
        look(&self.connection.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The steps of SQLite's virtual machine so far, some ten for a row that is read: what a statement costs, in a number
    /// that is the same on every machine. SQLite itself does not count rows.
    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    fn run(&self, statements: &[Statement]) -> Result<Vec<Outcome>, rusqlite::Error> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if statements.is_empty() {
            return Err(rusqlite::Error::InvalidParameterName("D1 takes no empty batch".to_owned()));
        }
        for statement in statements {
            self.explain(&connection, &statement.sql)?;
        }
        let transaction = connection.transaction()?;
        let mut outcomes = Vec::with_capacity(statements.len());
        for statement in statements {
            let (outcome, steps) = run_one(&transaction, statement)?;
            self.steps.fetch_add(steps, Ordering::Relaxed);
            outcomes.push(outcome);
        }
        transaction.commit()?;
        Ok(outcomes)
    }
}

impl Sqlite {
    fn explain(&self, connection: &Connection, sql: &str) -> Result<(), rusqlite::Error> {
        let mut explained = self.explained.lock().unwrap_or_else(PoisonError::into_inner);
        if MAY_SCAN.iter().any(|part| sql.contains(part)) || explained.contains(sql) {
            return Ok(());
        }
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
        // Parameters left unbound are NULL, which changes no plan.
        let mut rows = plan.raw_query();
        while let Some(row) = rows.next()? {
            let step: String = row.get("detail")?;
            // A search by the tenant alone reads everything the tenant has; the audit's is for its last number.
            let whole = step.strip_prefix("SCAN ").or_else(|| {
                step.strip_prefix("SEARCH ").filter(|rest| rest.ends_with("(tenant=?)") && !rest.starts_with("audit "))
            });
            let scanned = whole.and_then(|rest| rest.split(' ').next());
            if scanned.is_some_and(|table| GROWING.contains(&table)) {
                let why = format!("{step}: in {sql}");
                return Err(rusqlite::Error::InvalidParameterName(why));
            }
        }
        explained.insert(sql.to_owned());
        Ok(())
    }
}

fn run_one(connection: &Connection, statement: &Statement) -> Result<(Outcome, u64), rusqlite::Error> {
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    let columns: Arc<[String]> = prepared.column_names().map(str::to_owned).collect();
    let params = statement.params.iter().map(|value| match value {
        Value::Null => rusqlite::types::Value::Null,
        // As D1 does, which speaks JavaScript numbers: a statement that divides one must not count on whole numbers.
        #[expect(clippy::cast_precision_loss, reason = "whole numbers are within 2^53")]
        Value::Integer(number) => rusqlite::types::Value::Real(*number as f64),
        Value::Real(number) => rusqlite::types::Value::Real(*number),
        Value::Text(text) => rusqlite::types::Value::Text(text.clone()),
    });
    let mut found = prepared.query(rusqlite::params_from_iter(params))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let values = (0..columns.len())
            .map(|index| {
                Ok(match row.get_ref(index)? {
                    ValueRef::Null => Value::Null,
                    ValueRef::Integer(number) => Value::Integer(number),
                    ValueRef::Real(number) => Value::Real(number),
                    ValueRef::Text(text) | ValueRef::Blob(text) => {
                        Value::Text(String::from_utf8_lossy(text).into_owned())
                    }
                })
            })
            .collect::<Result<_, rusqlite::Error>>()?;
        rows.push(Row::new(columns.clone(), values));
    }
    drop(found);
    let steps = u64::try_from(prepared.reset_status(StatementStatus::VmStep)).unwrap_or_default();
    Ok((Outcome { rows, ..Outcome::default() }, steps))
}
impl Database for Sqlite {
    fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
        self.run(&statements).map_err(|error| match &error {
            rusqlite::Error::SqliteFailure(failure, Some(message))
                if failure.code == ErrorCode::ConstraintViolation
                    && matches!(
                        failure.extended_code,
                        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                    ) =>
            {
                DatabaseError::Unique(message.clone())
            }
            _ => DatabaseError::Unavailable(error.to_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database as it was before the migration whose text begins with this.
    fn before(migration: &str) -> Connection {
        let connection = Connection::open_in_memory().expect("a row of the test");
        for text in MIGRATIONS.iter().take_while(|text| **text != migration) {
            connection.execute_batch(text).expect("a row of the test");
        }
        connection
    }

    #[test]
    fn who_had_a_role_before_there_was_a_column_has_it_there() {
        let migration = include_str!("../../schema/d1/0017_roles.sql");
        let connection = before(migration);
        for (id, kind, document, _) in ROLES {
            connection
                .execute(
                    "INSERT INTO resources (tenant, id, type, document, keys, created, modified, operation) \
                     VALUES (1, ?1, ?2, ?3, '{}', 0, 0, 'o')",
                    (id, kind, document),
                )
                .expect("a row of the test");
        }
        connection.execute_batch(migration).expect("the migration");
        for (id, _, document, roles) in ROLES {
            let found: i64 = connection
                .query_row("SELECT roles FROM resources WHERE id = ?1", [id], |row| row.get(0))
                .expect("a row of the test");
            assert_eq!(found, roles, "{document}");
        }
    }

    /// Ids, types and documents of resources, and the roles they have or give.
    const ROLES: [(&str, &str, &str, i64); 8] = [
        ("a", "User", r#"{"roles":[{"value":" Admin\u00a0"},{"value":"janitor"},{"value":"AUDITOR"}]}"#, 5),
        ("b", "User", r#"{"roles":[{"value":"inviter","type":"x"},{"type":"admin"}]}"#, 2),
        ("c", "User", r#"{"roles":[]}"#, 0),
        ("d", "User", r#"{"displayName":"admin"}"#, 0),
        ("e", "Group", r#"{"displayName":"\u2003ADMIN"}"#, 1),
        ("f", "Group", r#"{"displayName":"auditor"}"#, 4),
        ("g", "Group", r#"{"displayName":"admins"}"#, 0),
        ("h", "Device", r#"{"displayName":"admin"}"#, 0),
    ];

    #[test]
    fn invitations_that_were_sent_before_are_in_the_indexes_of_deliveries() {
        let migration = include_str!("../../schema/d1/0019_delivery.sql");
        let connection = before(migration);
        for (id, kind, delivery, sent_at) in [
            ("a", "User", Some("sent"), Some(7)),
            ("b", "User", Some("bounced"), Some(5)),
            ("c", "User", Some("queued"), None),
            ("d", "User", None, None),
            ("e", "Group", None, None),
        ] {
            connection
                .execute(
                    "INSERT INTO resources (tenant, id, type, document, keys, created, modified, operation, delivery, \
                     sent_at) VALUES (0, ?1, ?2, '{}', '{}', 1, 1, 'o', ?3, ?4)",
                    rusqlite::params![id, kind, delivery, sent_at],
                )
                .expect("a row of the test");
        }
        connection.execute_batch(migration).expect("a row of the test");
        let ids = |rest: &str| -> String {
            let sql = format!("SELECT group_concat(id, '') FROM (SELECT id FROM resources r INDEXED BY {rest})");
            connection.query_row(&sql, [], |row| row.get(0)).expect("a row of the test")
        };
        let everybody = "tenant = 0 AND type = 'User' AND sent_key IS NOT NULL ORDER BY sent_key, id";
        assert_eq!(ids(&format!("resources_sent WHERE {everybody}")), "bacd");
        let bounced = "tenant = 0 AND type = 'User' AND delivery = 'bounced'";
        assert_eq!(ids(&format!("resources_delivery WHERE {bounced}")), "b");
    }

    #[test]
    fn groups_that_share_a_name_are_numbered_once_it_must_be_unique() {
        let migration = include_str!("../../schema/d1/0013_group_names.sql");
        let connection = before(migration);
        let long = "x".repeat(510);
        let groups = [
            (1, "a", "Staff"),
            (1, "b", "STAFF"),
            (1, "c", "staff"),
            (2, "a", "Staff"),
            (1, "d", "Team"),
            (1, "e", "team (2)"),
            (1, "f", "TEAM"),
            (1, "g", "team (2)"),
            (1, "h", "\"quoted\" é"),
            (1, "i", "\"Quoted\" é"),
            (1, "j", &long),
            (1, "k", &long),
            (1, "l", "alone"),
        ];
        for (created, (tenant, id, name)) in (1_i64..).zip(&groups) {
            let document = serde_json::json!({ "externalId": "x", "displayName": name }).to_string();
            let key = name.to_lowercase();
            let keys = serde_json::json!({ "displayName": key }).to_string();
            connection
                .execute(
                    "INSERT INTO resources (tenant, id, type, display, document, keys, version, created, modified, operation, \
                     onboarding, lock) VALUES (?1, ?2, 'Group', ?3, ?4, ?5, 1, ?6, ?6, 'o', 'none', 'none')",
                    rusqlite::params![tenant, id, name, document, keys, created],
                )
                .expect("a row of the test");
            connection
                .execute("INSERT INTO value_index VALUES (?1, 'Group', 'displayName', ?2, ?3)", (tenant, &key, id))
                .expect("a row of the test");
            connection
                .execute("INSERT INTO group_ancestors VALUES (?1, ?2, ?2, 0, ?3)", (tenant, id, name))
                .expect("a row of the test");
        }
        connection.execute_batch(migration).expect("a row of the test");
        let named = |tenant: i64, id: &str| -> (String, i64) {
            let row = "SELECT r.display, r.document ->> 'displayName', r.document ->> 'externalId', r.keys ->> 'displayName', \
                       a.display, v.key, r.version FROM resources r JOIN group_ancestors a ON a.tenant = r.tenant \
                       AND a.ancestor_id = r.id JOIN value_index v ON v.tenant = r.tenant AND v.id = r.id \
                       WHERE r.tenant = ?1 AND r.id = ?2";
            connection
                .query_row(row, (tenant, id), |row| {
                    let text = |index: usize| row.get::<_, String>(index).expect("a row of the test");
                    let name = text(0);
                    let key = name.to_lowercase();
                    assert_eq!(
                        (text(1), text(2), text(3), text(4)),
                        (name.clone(), "x".into(), key.clone(), name.clone())
                    );
                    assert_eq!(text(5), key[..key.len().min(512)]);
                    Ok((name, row.get(6).expect("a row of the test")))
                })
                .expect("a row of the test")
        };
        for (tenant, id, expected) in [
            (1, "a", "Staff"),
            (1, "b", "STAFF (2)"),
            (1, "c", "staff (3)"),
            (2, "a", "Staff"),
            (1, "d", "Team"),
            (1, "e", "team (2)"),
            (1, "f", "TEAM (3)"),
            (1, "g", "team (2) (2)"),
            (1, "h", "\"quoted\" é"),
            (1, "i", "\"Quoted\" é (2)"),
            (1, "j", &long),
            (1, "k", &format!("{long} (2)")),
            (1, "l", "alone"),
        ] {
            let (name, version) = named(tenant, id);
            assert_eq!(name, expected);
            let before =
                groups.iter().find(|group| (group.0, group.1) == (tenant as i32, id)).expect("a row of the test").2;
            assert_eq!(version, if name == before { 1 } else { 2 }, "{name}");
        }
    }

    #[test]
    fn what_other_mails_did_to_invitations_is_mended_and_deleted_users_are_forgotten() {
        let migration = include_str!("../../schema/d1/0016_outbox_turns.sql");
        let connection = before(migration);
        connection
            .execute_batch(
                "INSERT INTO resources (tenant, id, type, document, keys, created, modified, operation, delivery) VALUES \
                 (0, 'never', 'User', '', '', 0, 0, '', 'bounced'), (0, 'invited', 'User', '', '', 0, 0, '', 'complained'), \
                 (0, 'bounced', 'User', '', '', 0, 0, '', 'bounced'); \
                 INSERT INTO outbox (tenant, id, user_id, template, seq, recipient, state, created, due, facts) VALUES \
                 (0, '1', 'never', 'VerifyEmailOnUpdate', 1, 'a@b.c', 'bounced', 0, 0, '{}'), \
                 (0, '2', 'invited', 'AskPassword', 0, 'a@b.c', 'sent', 0, 0, '{}'), \
                 (0, '3', 'invited', 'NotifyExistingEmailOnUpdate', 2, 'a@b.c', 'complained', 0, 0, '{}'), \
                 (0, '4', 'bounced', 'AskPassword', 0, 'a@b.c', 'sent', 0, 0, '{}'), \
                 (0, '5', 'bounced', 'resendAskPassword', 1, 'a@b.c', 'bounced', 0, 0, '{}'), \
                 (0, '6', 'gone', 'AskPassword', 0, 'a@b.c', 'sent', 0, 0, '{}'); \
                 UPDATE tenants SET owners = '[{\"id\":\"gone\",\"username\":\"x\"},{\"id\":\"never\",\"username\":\"y\"}]'",
            )
            .expect("a row of the test");
        connection.execute_batch(migration).expect("a row of the test");
        let all = |sql: &str| -> Vec<String> {
            let mut rows = connection.prepare(sql).expect("a row of the test");
            let texts = rows.query_map([], |row| row.get(0)).expect("a row of the test");
            texts.map(|text| text.expect("a row of the test")).collect()
        };
        let deliveries = all("SELECT id || ' ' || COALESCE(delivery, '-') FROM resources ORDER BY id");
        assert_eq!(deliveries, ["bounced bounced", "invited sent", "never -"]);
        assert_eq!(all("SELECT id FROM outbox WHERE recipient = '' AND facts IS NULL"), ["6"]);
        assert_eq!(all("SELECT owners FROM tenants"), [r#"[{"id":"gone"},{"id":"never","username":"y"}]"#]);
    }
}
