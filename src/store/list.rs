//! Pages of resources, by index and by cursor (RFC 7644 section 3.4.2, RFC 9865).
//!
//! A list is driven by one index (`driver`), which `plan` chooses from the filter and the order. Where the index says it
//! all, a page reads its own rows and no others, whatever the size of the directory. Where resources must be looked at
//! one by one, or sorted, at most 10,000 are; beyond that the answer is 400 `tooMany`. A page is one round trip, with two
//! exceptions: a total that turns out to be larger than the page of a narrow index is counted in a second one, and an
//! index page over several types needs their totals first.
//!
//! One order serves index and cursor paging: ascending, what has no value last, ties by id; descending is its reverse.
//! Without `sortBy` it is the driver's own.

mod bounds;
mod driver;
mod plan;
mod section;
mod several;
mod statements;

use std::sync::Arc;

use crate::model::context::{Context, StoreContext};
use crate::model::resource::Resource;
use crate::ports::{DatabaseError, Outcome, Statement, Value};
use crate::store::cross_store;
use crate::store::cursor;
use scim::error::Error;
use scim::list::Position;
use scim::query::{Query, Start};
use scim::schema::ResourceType;

use bounds::After;
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

/// Where resources of one type were found, each with its place in the order.
type Found = Vec<(Resource, Vec<Value>)>;

/// A page of the resources of one type. Users of several stores come store by store, PRIMARY's first, unless the client
/// asks for an order: a round trip for each store, if it has to be asked.
///
/// # Errors
/// [`ListError::Refused`] with `invalidValue` for a `domain` that is no store's, `tooMany` or `invalidCursor`; [`ListError::Database`].
pub async fn list(ctx: &Context, resource_type: &Arc<ResourceType>, query: &Query) -> Result<Page, ListError> {
    let (types, queries) = (std::slice::from_ref(resource_type), std::slice::from_ref(query));
    let sections = section::sections(ctx, types, queries)?;
    let mut page = match sections.as_slice() {
        [Section { ctx, types, queries }] => one(ctx, &types[0], &queries[0]).await?,
        sections => several::page(ctx, sections, queries).await?,
    };
    add_groups(ctx, &mut page, queries).await?;
    Ok(page)
}

async fn one(ctx: &StoreContext, resource_type: &ResourceType, query: &Query) -> Result<Page, ListError> {
    let listing = Listing::new(ctx, resource_type, query);
    match &query.page.start {
        Start::Index(start) => index_page(ctx, &listing, *start, query.page.count).await,
        Start::FirstCursor => cursor_page(ctx, &listing, None, query.page.count).await,
        Start::Cursor(cursor) => {
            let position = cursor::open(ctx, listing.query_digest(), cursor)?;
            cursor_page(ctx, &listing, Some(position), query.page.count).await
        }
    }
}

async fn index_page(ctx: &StoreContext, listing: &Listing<'_>, start: u64, count: u64) -> Result<Page, ListError> {
    let page = |total: u64, found: Found| Page {
        total: Some(total),
        resources: named(listing, found),
        position: Position::Index(start),
    };
    let mut first = None;
    if start == 1
        && count > 0
        && let Some((statement, limit)) = listing.page_with_total(count)
    {
        let outcomes = ctx.platform.db.batch(vec![statement]).await?;
        let rows = outcomes.first().map(|outcome| outcome.rows.len()).unwrap_or_default();
        let mut found = listing.read_page_with_total(outcomes.first())?;
        let hits = found.len();
        found.truncate(to_usize(count));
        // All candidates are here, and with them the total.
        if rows <= limit {
            return Ok(page(to_u64(hits), found));
        }
        first = Some(found).filter(|found| to_u64(found.len()) == count);
    }
    let mut batch = listing.totals();
    let totals = batch.len();
    let window = Window { after: None, offset: start.saturating_sub(1), limit: count };
    if count > 0 && first.is_none() {
        batch.extend(listing.page(&window));
    }
    let outcomes = run(ctx, batch).await?;
    let total = listing.read_totals(&outcomes)?;
    let found = first.map_or_else(|| listing.read_page(outcomes.get(totals)), Ok)?;
    Ok(page(total, found))
}

async fn cursor_page(
    ctx: &StoreContext,
    listing: &Listing<'_>,
    position: Option<Vec<Value>>,
    count: u64,
) -> Result<Page, ListError> {
    let first = position.is_none();
    let (mut found, known) = cursor_part(ctx, listing, position.as_deref(), count).await?;
    let mut next = None;
    if to_u64(found.len()) > count {
        found.truncate(to_usize(count));
        next = found.last().and_then(|(_, place)| cursor::seal(ctx, listing.query_digest(), place));
    }
    let complete = first && count > 0 && next.is_none();
    let total = known.or_else(|| complete.then(|| to_u64(found.len())));
    Ok(Page { total, resources: named(listing, found), position: Position::Cursor { next } })
}

/// What comes after a position, one resource more than asked for if there is one; and the total where a counter has it.
async fn cursor_part(
    ctx: &StoreContext,
    listing: &Listing<'_>,
    position: Option<&[Value]>,
    count: u64,
) -> Result<(Found, Option<u64>), ListError> {
    let after = position.map(|position| After { position, descending: listing.descending() });
    let window = Window { after, offset: 0, limit: count.saturating_add(1) };
    let mut batch: Vec<Statement> = listing.candidate_count().into_iter().collect();
    batch.extend(listing.counter());
    let before = batch.len();
    if count > 0 {
        batch.extend(listing.page(&window));
    }
    if batch.is_empty() {
        return Ok((Vec::new(), listing.is_empty().then_some(0)));
    }
    let outcomes = ctx.platform.db.batch(batch).await?;
    listing.check_candidate_count(outcomes.first())?;
    let total = listing.counter().map(|_| listing.read_totals(&outcomes)).transpose()?;
    Ok((listing.read_page(outcomes.get(before))?, total))
}

/// A page of the resources of several types: those of the first type first, and so on (RFC 7644 section 3.4.2.1). The
/// queries belong to the types, in the same order, and ask for the same page.
///
/// # Errors
/// As [`list`].
pub async fn list_any(
    ctx: &Context,
    resource_types: &[Arc<ResourceType>],
    queries: &[Query],
) -> Result<Page, ListError> {
    let sections = section::sections(ctx, resource_types, queries)?;
    let mut page = several::page(ctx, &sections, queries).await?;
    add_groups(ctx, &mut page, queries).await?;
    Ok(page)
}

/// Shows users of other stores than PRIMARY their groups, where those are asked for.
async fn add_groups(ctx: &Context, page: &mut Page, queries: &[Query]) -> Result<(), DatabaseError> {
    if queries.iter().any(|query| query.projection.wants("groups")) {
        cross_store::add_groups(ctx, page.resources.iter_mut().map(|(_, resource)| resource)).await?;
    }
    Ok(())
}

async fn run(ctx: &StoreContext, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
    if statements.is_empty() { Ok(Vec::new()) } else { ctx.platform.db.batch(statements).await }
}

fn named(listing: &Listing<'_>, found: Found) -> Vec<(String, Resource)> {
    found.into_iter().map(|(resource, _)| (listing.name().to_owned(), resource)).collect()
}

fn to_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
