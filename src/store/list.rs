//! Pages of resources, by index and by cursor (RFC 7644 section 3.4.2, RFC 9865).
//!
//! A list is driven by one index (`driver`), which `plan` chooses from the filter and the order. Where the index says it
//! all, a page reads its own rows and no others, whatever the size of the directory. Where resources must be looked at
//! one by one, or sorted, one statement finds out what that costs (`guard`) and does it, once, if it is within its bounds
//! (`budget`); else the answer is 400 `tooMany`. A page ends where its documents are as large as one answer may be
//! (`documents`). A page is one round trip, with these exceptions: a total that turns out to be larger than the page of a
//! narrow index is counted in a second one, an index page over several types needs their totals first, and what is much larger
//! than usual is read later: documents in one more, the groups of users in two (`groups`).
//!
//! One order serves index and cursor paging: ascending, what has no value last, ties by id; descending is its reverse.
//! Without `sortBy` it is the driver's own.

mod bounds;
mod budget;
mod documents;
mod driver;
mod groups;
mod guard;
mod plan;
mod section;
mod several;
mod statements;

use std::sync::Arc;

use crate::model::context::{Context, StoreContext};
use crate::model::resource::Resource;
use crate::ports::{DatabaseError, Statement, Value};
use crate::store::cursor;
use scim::error::Error;
use scim::list::Position;
use scim::query::{Query, Start};
use scim::schema::ResourceType;

use bounds::After;
use budget::{Allowance, Budget, MAX_PASSED};
use documents::Documents;
use guard::Figures;
use section::Section;
use statements::{Listing, Window};

/// A page of a list.
#[derive(Debug)]
pub struct Page {
    /// The number of resources in all. By cursor only where it costs nothing to know.
    pub total: Option<u64>,
    /// The page's resources, each with the name of its type.
    pub resources: Vec<(String, Resource)>,
    /// The position of the page in the list.
    pub position: Position,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The request cannot be answered.
    #[error(transparent)]
    Refused(#[from] Error),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// A resource that was found.
#[derive(Debug)]
struct Hit {
    /// The resource; without its document where that is too large to come with the others.
    resource: Resource,
    /// Its place in the order.
    place: Vec<Value>,
    /// What it adds to the page.
    bytes: u64,
}

/// The resources that were found, in their order.
type Found = Vec<Hit>;

/// A page of the resources of one type. Users of several stores come store by store, PRIMARY's first, unless the client
/// asks for an order: a round trip for each store, if it has to be asked.
///
/// # Errors
/// [`ListError::Refused`] with `invalidValue` for a `domain` that is no store's, `tooMany` or `invalidCursor`; [`ListError::Database`].
pub fn list(ctx: &Context, resource_type: &Arc<ResourceType>, query: &Query) -> Result<Page, ListError> {
    let (types, queries) = (std::slice::from_ref(resource_type), std::slice::from_ref(query));
    let sections = section::sections(ctx, types, queries)?;
    let mut page = match sections.as_slice() {
        [Section { ctx, types, queries }] => one(ctx, &types[0], &queries[0])?,
        sections => several::page(ctx, sections, queries)?,
    };
    finish(ctx, &mut page, types, queries)?;
    Ok(page)
}

fn one(ctx: &StoreContext, resource_type: &ResourceType, query: &Query) -> Result<Page, ListError> {
    let listing = Listing::new(ctx, resource_type, query);
    let (budget, count) = (&mut Budget::new(), query.page.count);
    match &query.page.start {
        Start::Index(start) => index_page(ctx, &listing, *start, count, budget),
        Start::FirstCursor => cursor_page(ctx, &listing, None, count, budget),
        Start::Cursor(cursor) => {
            let position = cursor::open(ctx, listing.query_digest(), cursor)?;
            cursor_page(ctx, &listing, Some(position), count, budget)
        }
    }
}

fn index_page(
    ctx: &StoreContext,
    listing: &Listing<'_>,
    start: u64,
    count: u64,
    budget: &mut Budget,
) -> Result<Page, ListError> {
    let page = |total: u64, found: Found| Page {
        total: Some(total),
        resources: named(listing, found),
        position: Position::Index(start),
    };
    if start == 1
        && count > 0
        && let Some((statement, limit)) = listing.page_with_total(count)
    {
        let outcomes = ctx.platform.db.batch(vec![statement])?;
        budget.measure(&outcomes)?;
        let rows = outcomes.first().map(|outcome| outcome.rows.len()).unwrap_or_default();
        // All candidates are here, and with them the total.
        if rows <= limit {
            let mut found = listing.read_page_with_total(outcomes.first())?;
            let hits = found.len();
            found.truncate(to_usize(count));
            groups::fit(ctx, &mut found, budget)?;
            return Ok(page(to_u64(hits), found));
        }
    }
    let offset = start.saturating_sub(1);
    let window = Window { after: None, offset, limit: count };
    let statements = listing.index_page(Some(&window), budget.allowance);
    if statements.is_empty() {
        return Ok(page(0, Vec::new()));
    }
    let outcomes = ctx.platform.db.batch(statements)?;
    budget.measure(&outcomes)?;
    let figures = Figures::read(&outcomes)?;
    figures.check(listing, budget.allowance)?;
    if count > 0 {
        listing.check_depth(&figures, offset)?;
    }
    budget.allowance.spend(&figures);
    let mut found = if count > 0 { listing.read_rows(outcomes.last())? } else { Vec::new() };
    groups::fit(ctx, &mut found, budget)?;
    Ok(page(figures.total.unsigned_abs(), found))
}

fn cursor_page(
    ctx: &StoreContext,
    listing: &Listing<'_>,
    position: Option<Vec<Value>>,
    count: u64,
    budget: &mut Budget,
) -> Result<Page, ListError> {
    let first = position.is_none();
    let mut allowance = budget.allowance;
    let (mut found, known) = cursor_part(ctx, listing, position.as_deref(), count, &mut allowance, budget)?;
    let more = to_u64(found.len()) > count;
    found.truncate(to_usize(count));
    groups::fit(ctx, &mut found, budget)?;
    let mut next = None;
    if more || budget.is_full() {
        next = found.last().and_then(|hit| cursor::seal(ctx, listing.query_digest(), &hit.place));
    }
    let complete = first && count > 0 && next.is_none();
    let total = known.or_else(|| complete.then(|| to_u64(found.len())));
    Ok(Page { total, resources: named(listing, found), position: Position::Cursor { next } })
}

/// What comes after a position, one resource more than asked for if there is one; and the total where a counter has it.
fn cursor_part(
    ctx: &StoreContext,
    listing: &Listing<'_>,
    position: Option<&[Value]>,
    count: u64,
    allowance: &mut Allowance,
    budget: &mut Budget,
) -> Result<(Found, Option<u64>), ListError> {
    let after = position.map(|position| After { position, descending: listing.descending() });
    // Where resources are examined, that is seen to even if none is shown.
    let limit = if count > 0 { count.saturating_add(1) } else { 0 };
    let window = Window { after, offset: 0, limit };
    let mut batch: Vec<Statement> = listing.counter().into_iter().collect();
    let with_total = !batch.is_empty();
    if count > 0 || listing.is_bounded() {
        batch.extend(listing.page(&window, *allowance));
    }
    if batch.is_empty() {
        return Ok((Vec::new(), listing.is_empty().then_some(0)));
    }
    let outcomes = ctx.platform.db.batch(batch)?;
    budget.measure(&outcomes)?;
    let total = if with_total { Some(Listing::read_counter(outcomes.first())?) } else { None };
    if listing.is_bounded() {
        let figures = Figures::read(&outcomes)?;
        figures.check(listing, *allowance)?;
        allowance.spend(&figures);
    }
    let page = if count > 0 { outcomes.last() } else { None };
    let found = listing.read_rows(page)?;
    if count > 0
        && to_u64(found.len()) <= count
        && let Some(statement) = listing.passed_over(after)
    {
        let outcomes = ctx.platform.db.batch(vec![statement])?;
        let row = outcomes.first().and_then(|outcome| outcome.rows.first());
        if row.map_or(Ok(0), |row| row.read_integer("passed"))? > MAX_PASSED {
            return Err(ListError::Refused(budget::too_many_values()));
        }
    }
    Ok((found, total))
}

/// A page of the resources of several types: those of the first type first, and so on (RFC 7644 section 3.4.2.1). The
/// queries belong to the types, in the same order, and ask for the same page.
///
/// # Errors
/// As [`list`].
pub fn list_any(ctx: &Context, resource_types: &[Arc<ResourceType>], queries: &[Query]) -> Result<Page, ListError> {
    let sections = section::sections(ctx, resource_types, queries)?;
    let mut page = several::page(ctx, &sections, queries)?;
    finish(ctx, &mut page, resource_types, queries)?;
    Ok(page)
}

/// Adds to a page what its statements could not tell: large documents, and the groups of users of other stores.
fn finish(ctx: &Context, page: &mut Page, types: &[Arc<ResourceType>], queries: &[Query]) -> Result<(), ListError> {
    let types: Vec<_> = types
        .iter()
        .zip(queries)
        .map(|(resource_type, query)| (resource_type.name.as_str(), Documents::new(resource_type, &query.projection)))
        .collect();
    documents::complete(ctx, page, &types)?;
    if queries.iter().any(|query| query.projection.wants("groups")) {
        groups::add(ctx, &mut page.resources)?;
    }
    Ok(())
}

fn named(listing: &Listing<'_>, found: Found) -> Vec<(String, Resource)> {
    found.into_iter().map(|hit| (listing.name().to_owned(), hit.resource)).collect()
}

fn to_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
