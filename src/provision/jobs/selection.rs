//! The users that a job is about: those of a list of ids, or all that a filter matches.

use std::collections::HashSet;

use crate::model::context::Context;
use crate::model::job::{MAX_IDS, MAX_ROWS};
use crate::model::resource::USER;
use crate::provision::jobs::JobError;
use crate::provision::reindex;
use crate::store::jobs::listing;
use crate::store::list;
use crate::store::registrations;
use crate::store::users::{self, UserFilter};
use scim::list::Position;
use scim::query::{ListRequest, MAX_COUNT, Query, Start};

/// The users that one round trip finds.
const AT_ONCE: u32 = 1_000;

/// Whom a job is about.
#[derive(Clone, Debug)]
pub enum Selection {
    /// These users.
    Ids(Vec<String>),
    /// All that this filter matches.
    Filter {
        /// The SCIM filter.
        filter: String,
        /// The user store; all of them where it names none.
        domain: Option<String>,
    },
    /// All that the console's list shows by this filter.
    Listed(UserFilter),
    /// The same, and everybody where it selects nothing in particular: to be read.
    Everybody(UserFilter),
    /// All whom the import with this id has created.
    Imported(String),
}

/// Returns the ids of the users whom a selection is about, each once, at least one.
///
/// # Errors
/// [`JobError`]
pub fn find(ctx: &Context, selection: &Selection) -> Result<Vec<String>, JobError> {
    let ids = match selection {
        Selection::Ids(ids) => named(ctx, ids)?,
        Selection::Filter { filter, domain } => matching(ctx, filter, domain.as_deref())?,
        Selection::Listed(filter) if filter.is_empty() => return Err(JobError::Selection),
        Selection::Listed(filter) | Selection::Everybody(filter) => listed(ctx, filter, MAX_ROWS)?,
        Selection::Imported(job) => {
            crate::provision::jobs::read(ctx, job)?;
            listing::created(ctx, job)?
        }
    };
    if ids.is_empty() { Err(JobError::Nobody) } else { Ok(ids) }
}

/// The ids of a list, if there is a user with one of them: what of the others is to be said stands in their rows.
fn named(ctx: &Context, ids: &[String]) -> Result<Vec<String>, JobError> {
    let mut seen = HashSet::new();
    let ids: Vec<String> = ids.iter().filter(|id| seen.insert(id.as_str())).cloned().collect();
    if ids.is_empty() {
        return Err(JobError::Selection);
    }
    if ids.len() > MAX_IDS {
        return Err(JobError::Ids);
    }
    let is_any_known = !listing::names(ctx, &ids)?.is_empty();
    Ok(if is_any_known { ids } else { Vec::new() })
}

/// The ids of all users that a filter matches: a round trip for each thousand of a user store. Who is created meanwhile is none
/// of them.
fn matching(ctx: &Context, filter: &str, domain: Option<&str>) -> Result<Vec<String>, JobError> {
    if filter.trim().is_empty() {
        return Err(JobError::Selection);
    }
    let now = ctx.platform.clock.now();
    let mut query = query(ctx, filter, domain)?;
    let mut ids = Vec::new();
    let mut seen = HashSet::new();
    loop {
        let rt = registrations::load_registry(ctx)?.resource_type(USER).cloned().ok_or(JobError::Nobody)?;
        let page = list::list(ctx, &rt, &query)?;
        let found = page.resources.into_iter().map(|(_, user)| user).filter(|user| user.created <= now);
        ids.extend(found.map(|user| user.id).filter(|id| seen.insert(id.clone())));
        if ids.len() > MAX_ROWS {
            return Err(JobError::Many);
        }
        match page.position {
            Position::Cursor { next: Some(next) } => query.page.start = Start::Cursor(next),
            _ => return Ok(ids),
        }
    }
}

/// The ids of all users that a filter of the console's list selects: a round trip for each thousand of a user store.
///
/// # Errors
/// [`JobError::Many`]: there are more than `most`; or the database's.
pub fn listed(ctx: &Context, filter: &UserFilter, most: usize) -> Result<Vec<String>, JobError> {
    let mut ids = Vec::new();
    for store in filter.stores(ctx) {
        let mut after = Some(String::new());
        while let Some(place) = after {
            let (found, next) = users::ids(ctx, store, filter, &place, AT_ONCE)?;
            ids.extend(found);
            if ids.len() > most {
                return Err(JobError::Many);
            }
            after = next;
        }
    }
    Ok(ids)
}

/// The query of a filter, with as little of each user as will do.
fn query(ctx: &Context, filter: &str, domain: Option<&str>) -> Result<Query, JobError> {
    let count = MAX_COUNT.to_string();
    let mut pairs = vec![("filter", filter), ("count", &count), ("cursor", ""), ("attributes", "userName")];
    pairs.extend(domain.map(|domain| ("domain", domain)));
    let request = ListRequest::from_pairs(pairs).map_err(JobError::Filter)?;
    loop {
        let rt = registrations::load_registry(ctx)?.resource_type(USER).cloned().ok_or(JobError::Nobody)?;
        let query = request.resolve(&rt).map_err(JobError::Filter)?;
        if !reindex::before_query(ctx, &rt, &query)? {
            return Ok(query);
        }
    }
}
