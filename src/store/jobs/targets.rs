//! What a job has to know of its users before it does anything to them: a round trip for each user store.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::json;

use crate::base::limits::Limit;
use crate::model::context::{Context, StoreContext};
use crate::model::resource::Resource;
use crate::ports::{DatabaseError, Statement};
use crate::store::audit::Counted;
use crate::store::cross_store;
use crate::store::resources::{COLUMNS, from_row, groups_column};

/// A user to whom something is to be done.
#[derive(Clone, Debug)]
pub struct Target {
    /// The user, of whose document nothing but the name is read.
    pub user: Resource,
    /// Whether the limit lets another resend through.
    pub within_limit: bool,
}

/// The users of one store, and those of them to whom a job has done something.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// The users whom there are, by id.
    pub users: HashMap<String, Target>,
    /// The ids of those to whom the job has done something, as the audit has it.
    pub touched: HashSet<String>,
}

/// Reads users of one store. `job`: whose effects are looked for, too.
///
/// # Errors
/// The database's.
pub async fn find(
    ctx: &StoreContext,
    ids: &[&str],
    limit: Option<Limit>,
    job: Option<&str>,
) -> Result<Targets, DatabaseError> {
    let columns = COLUMNS.replacen("r.document", "json_object('userName', r.document ->> '$.userName') AS document", 1);
    let within = limit.map_or_else(|| "1".to_owned(), |limit| Counted::RESENDS.within_of("r.id", &[limit], "?3"));
    let ids = json!(ids).to_string();
    let mut batch = vec![Statement::new(
        format!(
            "SELECT {columns}, {within} AS within FROM json_each(?2) j \
             CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value AND r.type = 'User' WHERE ?3 = ?3"
        ),
        vec![ctx.tenant.key(), ids.as_str().into(), ctx.platform.clock.now().into()],
    )];
    batch.extend(job.map(|job| {
        Statement::new(
            "SELECT a.target FROM json_each(?2) j CROSS JOIN audit a INDEXED BY audit_target \
             ON a.tenant = ?1 AND a.target = j.value WHERE a.request_id = ?3 AND a.outcome = 'success'",
            vec![ctx.tenant.key(), ids.as_str().into(), job.into()],
        )
    }));
    let outcomes = ctx.platform.db.batch(batch).await?;
    let rows = |index: usize| outcomes.get(index).map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
    let mut targets = Targets::default();
    for row in rows(0) {
        let user = from_row(row)?;
        let within_limit = row.read_integer("within")? != 0;
        targets.users.insert(user.id.clone(), Target { user, within_limit });
    }
    for row in rows(1) {
        targets.touched.insert(row.read_text("target")?.to_owned());
    }
    Ok(targets)
}

/// Those of these users who are members of a group.
///
/// # Errors
/// The database's.
pub async fn members(ctx: &Context, group_id: &str, ids: &[&str]) -> Result<HashSet<String>, DatabaseError> {
    let statement = Statement::new(
        "SELECT m.member_id FROM json_each(?3) j CROSS JOIN members m \
         ON m.tenant = ?1 AND m.group_id = ?2 AND m.member_id = j.value",
        vec![ctx.tenant.key(), group_id.into(), json!(ids).to_string().into()],
    );
    let rows = ctx.platform.query(statement).await?;
    rows.iter().map(|row| row.read_text("member_id").map(str::to_owned)).collect()
}

/// Users by the keys of their names, with their groups, and those to whom a job has done something.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// The users whom there are, by the key of the name.
    pub users: HashMap<String, Target>,
    /// The ids of those to whom the job has done something, and whether it has created them.
    pub touched: HashMap<String, bool>,
}

/// Finds users by the keys of their names: a round trip for each user store among them, and one for the groups of users of
/// another store than PRIMARY. `job`: whose effects are looked for, too.
///
/// # Errors
/// The database's.
pub async fn named(
    ctx: &Context,
    keys: &[String],
    limit: Option<Limit>,
    job: Option<&str>,
) -> Result<Named, DatabaseError> {
    let mut by_store: BTreeMap<Option<u16>, Vec<&str>> = BTreeMap::new();
    for key in keys {
        let store = ctx.deployment.user_stores.locate(key).map_or(None, |located| located.store);
        by_store.entry(store).or_default().push(key);
    }
    let within = limit.map_or_else(|| "1".to_owned(), |limit| Counted::RESENDS.within_of("r.id", &[limit], "?3"));
    let users = "json_each(?2) j CROSS JOIN resources r ON r.tenant = ?1 AND r.type = 'User' AND r.name_key = j.value";
    let mut named = Named::default();
    for (store, keys) in by_store {
        let there = ctx.in_store(store);
        let keys = json!(keys).to_string();
        let mut batch = vec![Statement::new(
            format!(
                "SELECT j.value AS name, {COLUMNS}, {}, {within} AS within FROM {users} WHERE ?3 = ?3",
                groups_column()
            ),
            vec![ctx.tenant.key(), keys.as_str().into(), ctx.platform.clock.now().into()],
        )];
        batch.extend(job.map(|job| {
            Statement::new(
                format!(
                    "SELECT a.target, MAX(a.action = 'user.create') AS created FROM {users} \
                     CROSS JOIN audit a INDEXED BY audit_target ON a.tenant = ?1 AND a.target = r.id \
                     WHERE a.request_id = ?3 AND a.outcome = 'success' GROUP BY a.target"
                ),
                vec![ctx.tenant.key(), keys.as_str().into(), job.into()],
            )
        }));
        let outcomes = there.platform.db.batch(batch).await?;
        let rows = |index: usize| outcomes.get(index).map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
        let mut found = Vec::new();
        for row in rows(0) {
            let within_limit = row.read_integer("within")? != 0;
            found.push((row.read_text("name")?.to_owned(), Target { user: from_row(row)?, within_limit }));
        }
        cross_store::add_groups(&there, found.iter_mut().map(|(_, target)| &mut target.user)).await?;
        named.users.extend(found);
        for row in rows(1) {
            named.touched.insert(row.read_text("target")?.to_owned(), row.read_integer("created")? != 0);
        }
    }
    Ok(named)
}

/// Users by id as an export shows them, with their groups: a round trip for each user store, and one more for the groups of
/// users of another than PRIMARY.
///
/// # Errors
/// The database's.
pub async fn exported(ctx: &Context, ids: &[&str]) -> Result<HashMap<String, Resource>, DatabaseError> {
    let mut by_store: BTreeMap<Option<u16>, Vec<&str>> = BTreeMap::new();
    for id in ids {
        by_store.entry(ctx.deployment.user_stores.of_id(id)).or_default().push(id);
    }
    let document = "json_object('userName', r.document ->> '$.userName', 'name', r.document -> '$.name', \
                    'locale', r.document ->> '$.locale') AS document";
    let columns = COLUMNS.replacen("r.document", document, 1);
    let mut users = HashMap::new();
    for (store, ids) in by_store {
        let there = ctx.in_store(store);
        let statement = Statement::new(
            format!(
                "SELECT {columns}, {} FROM json_each(?2) j \
                 CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value AND r.type = 'User'",
                groups_column()
            ),
            vec![ctx.tenant.key(), json!(ids).to_string().into()],
        );
        let rows = there.platform.query(statement).await?;
        let mut found = rows.iter().map(from_row).collect::<Result<Vec<_>, _>>()?;
        cross_store::add_groups(&there, found.iter_mut()).await?;
        users.extend(found.into_iter().map(|user| (user.id.clone(), user)));
    }
    Ok(users)
}
