//! What holds at rest, whatever has been done and whatever went wrong meanwhile. Each violation is a sentence.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use latchkey::model::registration;
use latchkey::native::Sqlite;
use latchkey::ports::Platform;
use latchkey::store::groups::MAX_DEPTH;
use latchkey::store::{keys, registrations};
use serde_json::{Map, Value as Json};

/// The versions at the last look, by store, tenant and id.
pub type Versions = BTreeMap<(usize, i64, String), i64>;

type Rows = Vec<Vec<Json>>;

fn rows(sqlite: &Sqlite, sql: &str) -> Rows {
    sqlite.with(|connection| {
        let mut statement = connection.prepare_cached(sql).unwrap();
        let columns = statement.column_count();
        let read = |row: &rusqlite::Row<'_>| {
            (0..columns)
                .map(|column| {
                    Ok(match row.get_ref(column)? {
                        rusqlite::types::ValueRef::Null => Json::Null,
                        rusqlite::types::ValueRef::Integer(number) => number.into(),
                        rusqlite::types::ValueRef::Real(number) => number.into(),
                        rusqlite::types::ValueRef::Text(text) | rusqlite::types::ValueRef::Blob(text) => {
                            String::from_utf8_lossy(text).into()
                        }
                    })
                })
                .collect()
        };
        statement.query_map([], read).unwrap().collect::<Result<_, _>>().unwrap()
    })
}

fn text(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Queries that find what must not be: what each finds, in words.
const NONE_OF: &[(&str, &str)] = &[
    (
        "a counter is not the number of rows",
        "SELECT c.tenant, c.type, c.total FROM counters c WHERE c.total <> \
         (SELECT COUNT(*) FROM resources r WHERE r.tenant = c.tenant AND r.type = c.type)",
    ),
    (
        "rows are not counted",
        "SELECT r.tenant, r.type, COUNT(*) FROM resources r WHERE NOT EXISTS \
         (SELECT 1 FROM counters c WHERE c.tenant = r.tenant AND c.type = r.type) GROUP BY r.tenant, r.type",
    ),
    (
        "two groups have one name",
        "SELECT tenant, keys ->> 'displayName', COUNT(*) FROM resources WHERE type = 'Group' \
         GROUP BY tenant, keys ->> 'displayName' HAVING COUNT(*) > 1",
    ),
    (
        "two users have one name",
        "SELECT tenant, name_key, COUNT(*) FROM resources WHERE type = 'User' GROUP BY tenant, name_key HAVING COUNT(*) > 1",
    ),
    (
        "an index has rows of nobody",
        "SELECT v.tenant, v.attribute, v.key, v.id FROM value_index v WHERE NOT EXISTS \
         (SELECT 1 FROM resources r WHERE r.tenant = v.tenant AND r.id = v.id)",
    ),
    (
        "a unique value is nobody's",
        "SELECT v.tenant, v.attribute, v.key, v.id FROM unique_values v WHERE NOT EXISTS \
         (SELECT 1 FROM resources r WHERE r.tenant = v.tenant AND r.id = v.id)",
    ),
    (
        "a password is nobody's",
        "SELECT c.tenant, c.user_id FROM credentials c WHERE NOT EXISTS \
         (SELECT 1 FROM resources r WHERE r.tenant = c.tenant AND r.id = c.user_id)",
    ),
    (
        "a pending invitation has no mail, or several",
        "SELECT r.tenant, r.id, r.seq_log, r.onboarding, COUNT(o.id), r.lock, r.disabled, r.delivery, r.pending_email, r.email, \
         (SELECT group_concat(a.template || ' ' || a.state || ' ' || a.seq) FROM outbox a WHERE a.tenant = r.tenant AND a.user_id = r.id), \
         (SELECT group_concat(u.actor || ' ' || u.action) FROM audit u WHERE u.tenant = r.tenant AND u.target = r.id) \
         FROM resources r LEFT JOIN outbox o ON o.tenant = r.tenant AND o.user_id = r.id AND o.seq = r.seq \
         AND o.template IN ('AskPassword', 'resendAskPassword', 'EmailConfirm', 'resendEmailConfirm') \
         WHERE r.type = 'User' AND r.onboarding <> 'none' AND substr(r.seq_log, -1) <> 'R' AND r.email IS NOT NULL \
         AND r.lock <> 'admin' AND NOT r.disabled GROUP BY r.tenant, r.id \
         HAVING COUNT(o.id) = 0 OR SUM(o.state IN ('queued', 'sending', 'deferred')) > 1",
    ),
    (
        "the outbox tells of somebody who is gone",
        "SELECT o.tenant, o.id, o.state, o.recipient, o.invited_by, o.new_email, o.facts, o.last_error FROM outbox o \
         WHERE (o.recipient <> '' OR o.invited_by IS NOT NULL OR o.new_email IS NOT NULL OR o.facts IS NOT NULL) AND NOT EXISTS \
         (SELECT 1 FROM resources r WHERE r.tenant = o.tenant AND r.id = o.user_id)",
    ),
    (
        "somebody is a member of a group that there is not",
        "SELECT m.tenant, m.group_id, m.member_id FROM members m WHERE NOT EXISTS \
         (SELECT 1 FROM resources r WHERE r.tenant = m.tenant AND r.id = m.group_id AND r.type = 'Group')",
    ),
    ("a version is none", "SELECT tenant, id FROM resources WHERE version < 1 OR modified < created"),
    ("a schema's change is not done", "SELECT tenant, type, phase FROM reindexes"),
    (
        "an audit's number is missing",
        "SELECT tenant, COUNT(*), MAX(number) FROM audit GROUP BY tenant HAVING COUNT(*) <> MAX(number)",
    ),
];

/// Returns every violation in these databases, PRIMARY's first.
pub fn violations(platform: &Platform, databases: &[Arc<Sqlite>], versions: &mut Versions) -> Vec<String> {
    let mut found = Vec::new();
    for (store, sqlite) in databases.iter().enumerate() {
        for (what, sql) in NONE_OF {
            found.extend(rows(sqlite, sql).into_iter().map(|row| format!("store {store}: {what}: {row:?}")));
        }
        found.extend(indexes(platform, sqlite).into_iter().map(|what| format!("store {store}: {what}")));
        found.extend(versions_that_fell(store, sqlite, versions));
    }
    found.extend(groups(databases));
    found
}

fn versions_that_fell(store: usize, sqlite: &Sqlite, versions: &mut Versions) -> Vec<String> {
    let mut found = Vec::new();
    for row in rows(sqlite, "SELECT tenant, id, version FROM resources") {
        let (tenant, id, version) = (row[0].as_i64().unwrap(), text(&row[1]), row[2].as_i64().unwrap());
        let before = versions.insert((store, tenant, id.clone()), version).unwrap_or_default();
        if version < before {
            found.push(format!("store {store}: {id} was at version {before} and is at {version}"));
        }
    }
    found
}

/// The index and the unique values are what the documents say.
fn indexes(platform: &Platform, sqlite: &Sqlite) -> Vec<String> {
    let mut found = Vec::new();
    let tenants: BTreeSet<i64> =
        rows(sqlite, "SELECT DISTINCT tenant FROM resources").iter().map(|row| row[0].as_i64().unwrap()).collect();
    for tenant in tenants {
        let registered = registrations::load(platform, tenant.cast_unsigned()).unwrap();
        let registry = registration::build(&registered.registrations).unwrap();
        let mut stored: BTreeMap<(&str, String), BTreeSet<keys::Entry>> = BTreeMap::new();
        for (table, name) in [("value_index", "index"), ("unique_values", "unique")] {
            for row in rows(sqlite, &format!("SELECT id, attribute, key FROM {table} WHERE tenant = {tenant}")) {
                stored.entry((name, text(&row[0]))).or_default().insert((text(&row[1]), text(&row[2])));
            }
        }
        let all = rows(sqlite, &format!("SELECT id, type, document, keys FROM resources WHERE tenant = {tenant}"));
        for row in all {
            let Some(resource_type) = registry.resource_type(&text(&row[1])) else { continue };
            let id = text(&row[0]);
            let document: Map<String, Json> = serde_json::from_str(&text(&row[2])).unwrap();
            let kept: Json = serde_json::from_str(&text(&row[3])).unwrap();
            for (name, said) in
                [("index", keys::indexed(resource_type, &kept)), ("unique", keys::unique(resource_type, &kept))]
            {
                let said: BTreeSet<_> = said.into_iter().collect();
                let has = stored.remove(&(name, id.clone())).unwrap_or_default();
                if said != has {
                    let only = |one: &BTreeSet<keys::Entry>, other: &BTreeSet<keys::Entry>| {
                        format!("{:?}", one.difference(other).collect::<Vec<_>>())
                    };
                    let (lacks, surplus) = (only(&said, &has), only(&has, &said));
                    found.push(format!("{name} of {} {id} lacks {lacks}, has besides {surplus}", text(&row[1])));
                }
            }
            let computed = keys::of_document(resource_type, &document);
            for (name, value) in computed.as_object().unwrap() {
                let same = match (value, &kept[name]) {
                    // Addresses that wait to be confirmed are kept with the rest.
                    (Json::Object(value), Json::Object(kept)) => {
                        value.iter().all(|(name, value)| kept.get(name) == Some(value))
                    }
                    (value, kept) => value == kept,
                };
                if !same {
                    found.push(format!("the keys of {id} are not its document's: {name}: {value} and {}", kept[name]));
                }
            }
        }
    }
    found
}

/// Members and ancestors agree, and every member is there.
fn groups(databases: &[Arc<Sqlite>]) -> Vec<String> {
    let mut found = Vec::new();
    let people: BTreeSet<(i64, String)> = databases
        .iter()
        .flat_map(|sqlite| rows(sqlite, "SELECT tenant, id FROM resources"))
        .map(|row| (row[0].as_i64().unwrap(), text(&row[1])))
        .collect();
    let primary = &databases[0];
    let mut above: BTreeMap<(i64, String), BTreeSet<String>> = BTreeMap::new();
    for row in rows(primary, "SELECT tenant, group_id, member_id, type FROM members") {
        let (tenant, group, member) = (row[0].as_i64().unwrap(), text(&row[1]), text(&row[2]));
        if !people.contains(&(tenant, member.clone())) {
            found.push(format!("{member} is in the group {group} and is nobody"));
        }
        if row[3] == "Group" {
            above.entry((tenant, member)).or_default().insert(group);
        }
    }
    let mut stored: BTreeMap<(i64, String), BTreeMap<String, i64>> = BTreeMap::new();
    for row in rows(primary, "SELECT tenant, group_id, ancestor_id, depth FROM group_ancestors") {
        let place = stored.entry((row[0].as_i64().unwrap(), text(&row[1]))).or_default();
        place.insert(text(&row[2]), row[3].as_i64().unwrap());
    }
    for row in rows(primary, "SELECT tenant, id FROM resources WHERE type = 'Group'") {
        let (tenant, id) = (row[0].as_i64().unwrap(), text(&row[1]));
        let mut expected = BTreeMap::from([(id.clone(), 0)]);
        let mut level = vec![id.clone()];
        for depth in 1.. {
            let next: BTreeSet<String> =
                level.iter().filter_map(|group| above.get(&(tenant, group.clone()))).flatten().cloned().collect();
            if next.contains(&id) {
                found.push(format!("the group {id} is in itself"));
            }
            if next.is_empty() {
                break;
            }
            if depth > MAX_DEPTH {
                found.push(format!("the group {id} is nested deeper than {MAX_DEPTH} levels"));
                break;
            }
            // A longer way counts for more.
            expected.extend(next.iter().map(|group| (group.clone(), depth)));
            level = next.into_iter().collect();
        }
        let has = stored.remove(&(tenant, id.clone())).unwrap_or_default();
        if has != expected {
            found.push(format!("the ancestors of {id} are {has:?} and should be {expected:?}"));
        }
    }
    found.extend(stored.into_keys().map(|(_, id)| format!("there are ancestors of {id}, which is no group")));
    found
}
