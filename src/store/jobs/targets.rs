//! What a job has to know of its users before it does anything to them: a round trip for each user store.

use std::collections::{HashMap, HashSet};

use serde_json::json;

use crate::base::limits::Limit;
use crate::model::context::{Context, StoreContext};
use crate::model::resource::Resource;
use crate::ports::{DatabaseError, Statement};
use crate::store::audit::Counted;
use crate::store::resources::{COLUMNS, from_row};

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
