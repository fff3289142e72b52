//! Carrying out what a change of schemas does to stored resources, in steps.
//!
//! A schema that is registered may find values that were stored under an earlier one, or under none: their keys and their
//! rows in the index tables are others, or not there. [`step`] looks at a few hundred resources and puts them right. Steps
//! are taken by the request that registers, by those that ask how far it is or look for such values, and by the sweep; each
//! may be repeated, and none is for a longer time than its resources take. Until all are done, queries do without the index.

use std::collections::BTreeSet;

use serde_json::json;

use crate::base::ordered;
use crate::base::text::without_values;
use crate::model::context::Context;
use crate::ports::{DatabaseError, Millis, Platform};
use crate::store::keys;
use crate::store::registrations::{self, Registered};
use crate::store::reindexes::rows::{self, Correction, Looked, STEP, Stored, Table};
use crate::store::reindexes::{self, Hold, Phase, Reindex};
use scim::error::Error as ScimError;
use scim::filter::Filter;
use scim::query::Query;
use scim::schema::{AttributePath, Registry, ResourceType};

/// The most resources that a registration, or a look at it, reindexes right away.
pub const AT_ONCE: u32 = 1_000;
/// The most resources that a query reindexes before it is answered, and one sweep in all.
pub const AT_MOST: u32 = 10_000;
/// How long isolates may not know of a change, in milliseconds: what they write meanwhile is looked at after it.
pub const UNAWARE: Millis = 120_000;
/// The most resource types that one sweep takes up.
const TAKEN_UP: u32 = 10;
/// The time before the sweep tries again what failed, in milliseconds.
const PAUSE: Millis = 300_000;

/// What a step came to.
#[derive(Debug)]
pub enum Step {
    /// There is more to do.
    Further(Reindex),
    /// There is nothing more to do for now.
    Rests,
    /// Somebody else has taken the step, or begun anew.
    Overtaken,
}

/// One step of a reindexing: looks at [`STEP`] resources at most. `registry` is the tenant's, from the database.
///
/// # Errors
/// The database's: the step may be taken again.
pub fn step(platform: &Platform, registry: &Registry, mut before: Reindex) -> Result<Step, DatabaseError> {
    let now = platform.clock.now();
    let another = |before: &Reindex| Reindex { operation: platform.new_id().to_string(), due: now, ..before.clone() };
    let mut after = another(&before);
    let resource_type = registry.resource_type(&before.type_name).filter(|rt| rt.name == before.type_name);
    // Whoever began a check is gone: the rows that were written go, and what else there was to do goes on.
    if before.phase == Phase::Checking {
        after.phase = Phase::Clearing;
    }
    // Rows of what is in force are written by now, so that none must go.
    let clears = after.phase == Phase::Clearing || after.schemas.is_empty();
    let cleared = !clears || clear(platform, &before, resource_type.map(|rt| &**rt))?;
    let next = match resource_type.filter(|_| !after.schemas.is_empty()) {
        _ if !cleared => Some(after),
        Some(resource_type) => {
            if after.phase == Phase::Clearing {
                after.phase = Phase::Walking;
                // Whoever has read the same state clears under its operation: what is written now must not be by that.
                if !reindexes::advance(platform, &before, Some(&after))? {
                    return Ok(Step::Overtaken);
                }
                before = after;
                after = another(&before);
            }
            walk(platform, resource_type, &before, after)?
        }
        None if after.phase == Phase::Clearing => {
            after.phase = Phase::Settling;
            after.due = before.started + UNAWARE;
            Some(after)
        }
        // Nothing is left, or its type has been removed with its rows.
        None => None,
    };
    if !reindexes::advance(platform, &before, next.as_ref())? {
        return Ok(Step::Overtaken);
    }
    Ok(match next {
        Some(next) if next.due <= now => Step::Further(next),
        _ => Step::Rests,
    })
}

/// Removes rows of attributes in all stores, as many as a step may. Answers whether none is left.
fn clear(platform: &Platform, reindex: &Reindex, resource_type: Option<&ResourceType>) -> Result<bool, DatabaseError> {
    // The values that must be unique by now were written before the schema came into force.
    let in_force = resource_type.map(|rt| keys::unique_paths(rt, &|_| true)).unwrap_or_default();
    for store in platform.all_stores() {
        let Some(hold) = reindexes::hold(&store, reindex)? else { return Ok(false) };
        for (table, kept) in [(Table::ValueIndex, &[][..]), (Table::UniqueValues, &in_force)] {
            if !rows::clear(&store, reindex, &hold, table, kept)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Looks at the next resources, store by store, and answers where that leads; `None` after the last ones.
fn walk(
    platform: &Platform,
    resource_type: &ResourceType,
    before: &Reindex,
    mut after: Reindex,
) -> Result<Option<Reindex>, DatabaseError> {
    let paths = document_paths(resource_type, &before.schemas);
    let mut left = STEP;
    loop {
        let store = platform.in_store(after.store);
        // A store that the deployment no longer has is passed over.
        if store.store == after.store {
            let at = Reindex { operation: before.operation.clone(), ..after.clone() };
            let Some(hold) = reindexes::hold(&store, &at)? else { return Ok(Some(after)) };
            let looked = rows::look(&store, &at, &paths, left)?;
            let (reached, complete) = put_right(&store, resource_type, &at, &hold, &looked)?;
            let count = u32::try_from(reached.len()).unwrap_or(STEP);
            after.done += u64::from(count);
            left = left.saturating_sub(count);
            after.after = reached.last().map(|place| (*place).clone()).or(after.after);
            if !complete || !looked.last {
                return Ok(Some(after));
            }
        }
        let stores = platform.all_stores().map(|store| store.store);
        after.store = stores.skip_while(|store| *store != after.store).nth(1).flatten();
        after.after = None;
        if after.store.is_none() {
            break;
        }
        if left == 0 {
            return Ok(Some(after));
        }
    }
    if after.phase == Phase::Settling {
        return Ok(None);
    }
    after.phase = Phase::Settling;
    after.due = before.started + UNAWARE;
    Ok(Some(after))
}

/// Puts resources right, up to the first that somebody has written meanwhile: the next step looks at that again. Answers the
/// places that were reached, and whether they are all.
fn put_right<'a>(
    store: &Platform,
    resource_type: &ResourceType,
    reindex: &Reindex,
    hold: &Hold,
    looked: &'a Looked<Stored>,
) -> Result<(Vec<&'a (Millis, String)>, bool), DatabaseError> {
    let corrections: Vec<Correction> =
        looked.resources.iter().filter_map(|(_, stored)| correction(resource_type, stored.as_ref()?)).collect();
    let mut changed_meanwhile = BTreeSet::new();
    if !corrections.is_empty() {
        let written = rows::correct(store, reindex, hold, &corrections)?;
        let ids = corrections.iter().map(|found| found.id.as_str());
        changed_meanwhile = ids.filter(|id| !written.contains(*id)).map(str::to_owned).collect();
    }
    let reached = looked.resources.iter().take_while(|((_, id), _)| !changed_meanwhile.contains(id));
    Ok((reached.map(|(place, _)| place).collect(), changed_meanwhile.is_empty()))
}

/// The places of these schemas' values in a document: members of it, or the whole.
pub(in crate::provision) fn document_paths(resource_type: &ResourceType, schemas: &[String]) -> Vec<String> {
    if schemas.iter().any(|urn| **urn == *resource_type.schema.id) {
        return vec!["$".to_owned()];
    }
    // No schema has a quotation mark in its URN (`Registry::add_schema`).
    schemas.iter().map(|urn| format!("$.\"{urn}\"")).collect()
}

/// What has to become of a resource that is stored so; `None` where it is as it should be.
fn correction(resource_type: &ResourceType, stored: &Stored) -> Option<Correction> {
    let resource = &stored.resource;
    let keys = keys::of_resource(resource_type, resource, &resource.attributes());
    let mut found = Correction {
        id: resource.id.clone(),
        version: resource.version,
        keys: None,
        emptied: Vec::new(),
        missing: Vec::new(),
    };
    let tables = [
        (Table::ValueIndex, &stored.indexed, keys::indexed(resource_type, &keys)),
        (Table::UniqueValues, &stored.unique, keys::unique(resource_type, &keys)),
    ];
    for (table, there, wanted) in tables {
        let wanted = ordered::set(wanted);
        if there.is_subset(&wanted) {
            found.missing.extend(wanted.difference(there).map(|entry| (table, entry.clone())));
        } else {
            found.emptied.push(table);
            found.missing.extend(wanted.into_iter().map(|entry| (table, entry)));
        }
    }
    found.keys = (keys != stored.keys).then_some(keys);
    (found.keys.is_some() || !found.emptied.is_empty() || !found.missing.is_empty()).then_some(found)
}

/// Carries the reindexing of a tenant's resource types on, looking at `most` resources at most; of one type, if one is
/// named. Answers what the tenant has registered, with what is left to do.
///
/// # Errors
/// The database's.
pub fn carry_on(ctx: &Context, type_name: Option<&str>, most: u32) -> Result<Registered, DatabaseError> {
    let tenant = ctx.tenant.number();
    let mut left = most / STEP;
    let mut registered = registrations::load(&ctx.platform, tenant)?;
    let mut over = false;
    loop {
        let is_meant =
            |reindex: &&Reindex| reindex.is_running() && type_name.is_none_or(|name| name == reindex.type_name);
        let Some(mut reindex) = registered.reindexes.iter().find(is_meant).filter(|_| left > 0).cloned() else { break };
        let registry = registered.registry();
        over |= loop {
            left = left.saturating_sub(1);
            match step(&ctx.platform, &registry, reindex)? {
                Step::Further(further) if left > 0 => reindex = further,
                Step::Further(_) | Step::Overtaken => break false,
                Step::Rests => break true,
            }
        };
        registered = registrations::load(&ctx.platform, tenant)?;
    }
    if over {
        registrations::publish(ctx)?;
    }
    Ok(registered)
}

/// Makes sure that a query finds the values that it looks at: their keys are right once their reindexing is done, which the
/// query carries on itself where that is not too much. Answers whether it has: the tenant's registry is another by that.
///
/// # Errors
/// 400 `tooMany` where it is; the database's.
pub fn before_query(ctx: &Context, resource_type: &ResourceType, query: &Query) -> Result<bool, BeforeQuery> {
    let looks_at = |path: &AttributePath| resource_type.is_reindexing(path);
    let filtered = query.filter.as_ref().is_some_and(|filter| any_path(filter, &looks_at));
    if !filtered && !query.sort.as_ref().is_some_and(|sort| looks_at(&sort.path)) {
        return Ok(false);
    }
    let registered = carry_on(ctx, Some(&resource_type.name), AT_MOST)?;
    let is_left = |reindex: &&Reindex| reindex.type_name == resource_type.name && reindex.hides_indexes();
    match registered.reindexes.iter().find(is_left) {
        None => {
            // Whoever has finished it may have been another.
            registrations::publish(ctx)?;
            Ok(true)
        }
        Some(Reindex { done, total, schemas, .. }) => Err(BeforeQuery::Refused(ScimError::too_many(format!(
            "The values of {} are being indexed, {done} of {total} resources so far. Until that is done, more than \
             {AT_MOST} resources would have to be examined: try again in a minute.",
            schemas.join(", ")
        )))),
    }
}

/// Why a query is not answered.
#[derive(Debug, thiserror::Error)]
pub enum BeforeQuery {
    /// Too much is left to do before.
    #[error("{0:?}")]
    Refused(ScimError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

fn any_path(filter: &Filter, is_meant: &dyn Fn(&AttributePath) -> bool) -> bool {
    match filter {
        Filter::And(terms) | Filter::Or(terms) => terms.iter().any(|term| any_path(term, is_meant)),
        Filter::Not(term) => any_path(term, is_meant),
        Filter::Present(path) | Filter::Compare(path, ..) | Filter::ValuePath(path, _) => is_meant(path),
        Filter::Constant(_) => false,
    }
}

/// Carries on what is due, of all tenants: a part of the sweep. It takes up a few resource types, and looks at
/// [`AT_MOST`] resources for all of them together. One that fails keeps no other from its turn.
///
/// # Errors
/// The database's: nothing could be found.
pub fn sweep(platform: &Platform) -> Result<(), DatabaseError> {
    let due = reindexes::due(platform, TAKEN_UP)?;
    let steps = AT_MOST / STEP / u32::try_from(due.len()).unwrap_or(TAKEN_UP).max(1);
    for reindex in due {
        if let Err(error) = steps_of(platform, &reindex, steps) {
            log(platform, &error);
            let later = Reindex { due: platform.clock.now() + PAUSE, ..reindex.clone() };
            reindexes::advance(platform, &reindex, Some(&later))?;
        }
    }
    Ok(())
}

/// Logs why steps were not taken: the sweep takes them later.
pub(in crate::provision) fn log(platform: &Platform, error: &DatabaseError) {
    let why = without_values(&error.to_string());
    platform.log.line(&json!({ "event": "reindex", "error": why }).to_string());
}

fn steps_of(platform: &Platform, first: &Reindex, steps: u32) -> Result<(), DatabaseError> {
    let registry = registrations::load(platform, first.tenant)?.registry();
    let mut reindex = first.clone();
    for _ in 0..steps.max(1) {
        // The next sweep goes on.
        if platform.meter.is_spent() {
            return Ok(());
        }
        match step(platform, &registry, reindex)? {
            Step::Further(further) => reindex = further,
            Step::Overtaken => return Ok(()),
            Step::Rests => return registrations::refresh(platform, first.tenant),
        }
    }
    Ok(())
}
