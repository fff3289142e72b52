//! Pages over what several types or several user stores have. Without an order they come one after the other: all of the
//! first, then all of the second, and so on. The users of several stores in an order are merged.

use std::cmp::Ordering;

use crate::model::context::{Context, StoreContext};
use crate::model::resource::Resource;
use crate::ports::{Statement, Value};
use crate::store::cursor::{self, QueryDigest};
use crate::store::list::section::Section;
use crate::store::list::statements::{Listing, Window};
use crate::store::list::{Found, ListError, Page, cursor_part, index_page, named, run, to_u64, to_usize};
use scim::error::Error;
use scim::list::Position;
use scim::query::{MAX_COUNT, Query, Start};

/// How far an index may reach into the users of several stores in an order: all before it are read and merged.
const MAX_MERGED: u64 = 10_000;

/// The resources of one type in one store.
struct Part<'a> {
    ctx: &'a StoreContext,
    /// Tells the parts apart in a cursor: the type's name, after the store's number unless that is PRIMARY.
    name: String,
    listing: Listing<'a>,
}

impl<'a> Part<'a> {
    fn from_section(section: &'a Section) -> impl Iterator<Item = Self> {
        let Section { ctx, types, queries } = section;
        types.iter().zip(queries).map(|(rt, query)| Part {
            ctx,
            name: ctx.platform.store.map_or_else(|| rt.name.clone(), |number| format!("{number}/{}", rt.name)),
            listing: Listing::new(ctx, rt, query),
        })
    }
}

/// A page of what the sections have; `queries` all ask for the same page.
pub(super) async fn page(ctx: &Context, sections: &[Section], queries: &[Query]) -> Result<Page, ListError> {
    let Some(query) = queries.first() else {
        return Ok(Page { total: Some(0), resources: Vec::new(), position: Position::Index(1) });
    };
    let parts: Vec<Part<'_>> = sections.iter().flat_map(Part::from_section).collect();
    let merged = query.sort.is_some() && parts.iter().all(|part| part.listing.name() == parts[0].listing.name());
    let count = query.page.count;
    let position = match &query.page.start {
        Start::Index(start) if merged => return merged_index_page(&parts, *start, count).await,
        Start::Index(start) => return index_pages(sections, *start, count).await,
        Start::FirstCursor => None,
        Start::Cursor(cursor) => Some(cursor::open(ctx, query_digest(&parts), cursor)?),
    };
    if merged {
        merged_cursor_page(ctx, &parts, position, count).await
    } else {
        cursor_pages(ctx, &parts, position, count).await
    }
}

/// One section after the other: each tells its total, and what of the page falls to it.
async fn index_pages(sections: &[Section], start: u64, count: u64) -> Result<Page, ListError> {
    let (mut from, mut left, mut all) = (start, count, 0);
    let mut resources = Vec::new();
    for section in sections {
        let parts: Vec<Part<'_>> = Part::from_section(section).collect();
        let page = match parts.as_slice() {
            [one] => index_page(one.ctx, &one.listing, from, left).await?,
            several => index_page_of_types(&section.ctx, several, from, left).await?,
        };
        let total = page.total.unwrap_or_default();
        all += total;
        from = from.saturating_sub(total).max(1);
        left -= to_u64(page.resources.len());
        resources.extend(page.resources);
    }
    Ok(Page { total: Some(all), resources, position: Position::Index(start) })
}

/// Several types in one database: the totals in one round trip, what of the page falls to each in another.
async fn index_page_of_types(
    ctx: &StoreContext,
    parts: &[Part<'_>],
    start: u64,
    count: u64,
) -> Result<Page, ListError> {
    let batches: Vec<Vec<Statement>> = parts.iter().map(|part| part.listing.totals()).collect();
    let sizes: Vec<usize> = batches.iter().map(Vec::len).collect();
    let outcomes = run(ctx, batches.into_iter().flatten().collect()).await?;
    let mut rest = outcomes.as_slice();
    let mut before = 0;
    let mut pages = Vec::new();
    let end = start.saturating_sub(1).saturating_add(count);
    for (Part { listing, .. }, size) in parts.iter().zip(sizes) {
        let (own, others) = rest.split_at(size.min(rest.len()));
        rest = others;
        let total = listing.read_totals(own)?;
        let from = start.saturating_sub(1).max(before);
        let to = end.min(before + total);
        if from < to {
            let window = Window { after: None, offset: from - before, limit: to - from };
            pages.extend(listing.page(&window).map(|statement| (listing, statement)));
        }
        before += total;
    }
    let (listings, statements): (Vec<_>, Vec<_>) = pages.into_iter().unzip();
    let outcomes = run(ctx, statements).await?;
    let mut resources = Vec::new();
    for (listing, outcome) in listings.into_iter().zip(&outcomes) {
        resources.extend(named(listing, listing.read_page(Some(outcome))?));
    }
    Ok(Page { total: Some(before), resources, position: Position::Index(start) })
}

/// A cursor over several parts carries the part's name before the position within it; a name alone is the part's
/// beginning.
async fn cursor_pages(
    ctx: &Context,
    parts: &[Part<'_>],
    position: Option<Vec<Value>>,
    count: u64,
) -> Result<Page, ListError> {
    let mut within = position.as_deref().and_then(<[Value]>::split_first);
    let named_part = within.map(|(name, _)| name.clone());
    let from = parts.iter().position(|part| named_part.as_ref().is_none_or(|name| *name == (&*part.name).into()));
    let mut resources = Vec::new();
    let mut next = None;
    for Part { ctx, name, listing } in parts.iter().skip(from.unwrap_or(parts.len())) {
        let left = count - to_u64(resources.len());
        let after = within.take().map(|(_, place)| place).filter(|place| !place.is_empty());
        let asked = left.max(1);
        let (mut found, _) = cursor_part(ctx, listing, after, asked).await?;
        let more = to_u64(found.len()) > left;
        found.truncate(to_usize(left));
        let mut reached = vec![Value::from(name.as_str())];
        reached.extend(found.last().into_iter().flat_map(|(_, place)| place.iter().cloned()));
        resources.extend(named(listing, found));
        if more {
            next = Some(reached).filter(|_| count > 0);
            break;
        }
    }
    let complete = position.is_none() && next.is_none() && count > 0;
    let next = next.and_then(|place| cursor::seal(ctx, query_digest(parts), &place));
    Ok(Page { total: complete.then(|| to_u64(resources.len())), resources, position: Position::Cursor { next } })
}

fn query_digest(parts: &[Part<'_>]) -> QueryDigest {
    let all = parts.iter().flat_map(|part| std::iter::once(part.name.clone()).chain(part.listing.identity()));
    let all: Vec<String> = all.collect();
    QueryDigest::new(std::iter::once("any").chain(all.iter().map(String::as_str)))
}

/// The first of what comes after a position in the order of all parts, at most `limit`.
async fn merged_after(parts: &[Part<'_>], position: Option<&[Value]>, limit: u64) -> Result<Merged, ListError> {
    let mut found = Vec::new();
    for part in parts {
        found.extend(cursor_part(part.ctx, &part.listing, position, limit).await?.0);
    }
    Ok(Merged::merge(parts, found, limit))
}

/// Resources in the order of all parts, each with its place in it.
struct Merged(Found);

impl Merged {
    fn merge(parts: &[Part<'_>], mut found: Found, limit: u64) -> Self {
        if let Some(Part { listing, .. }) = parts.first() {
            found.sort_by(|(_, one), (_, other)| compare(listing, one, other));
        }
        found.truncate(to_usize(limit));
        Self(found)
    }
}

/// A page by index. What comes before it has to be read and merged, a thousand at a time.
async fn merged_index_page(parts: &[Part<'_>], start: u64, count: u64) -> Result<Page, ListError> {
    let mut skip = start.saturating_sub(1);
    if skip.saturating_add(count) > MAX_MERGED {
        return Err(ListError::Refused(Error::too_many(format!(
            "In an order, the users of several user stores can be paged through by index up to the {MAX_MERGED}th: pass \
             domain=, go on by cursor, or leave sortBy out."
        ))));
    }
    let limit = |skip: u64, found: &[Resource]| (skip + count - to_u64(found.len())).min(MAX_COUNT);
    let mut resources: Vec<Resource> = Vec::new();
    // The first of each part come in the round trip that tells its total.
    let (mut total, mut first) = (0, Vec::new());
    let mut asked = limit(skip, &resources);
    for Part { ctx, listing, .. } in parts {
        let mut batch = listing.totals();
        let totals = batch.len();
        if count > 0 {
            batch.extend(listing.page(&Window { after: None, offset: 0, limit: asked }));
        }
        let outcomes = run(ctx, batch).await?;
        total += listing.read_totals(&outcomes)?;
        first.extend(listing.read_page(outcomes.get(totals))?);
    }
    let mut merged = Merged::merge(parts, first, asked);
    loop {
        let position = merged.0.last().map(|(_, place)| place.clone());
        let complete = to_u64(merged.0.len()) < asked;
        for (resource, _) in merged.0 {
            if skip > 0 {
                skip -= 1;
            } else {
                resources.push(resource);
            }
        }
        if complete || to_u64(resources.len()) >= count {
            break;
        }
        asked = limit(skip, &resources);
        merged = merged_after(parts, position.as_deref(), asked).await?;
    }
    Ok(Page { total: Some(total), resources: of_type(parts, resources), position: Position::Index(start) })
}

/// A page by cursor: one position is good for all parts, since they have one order.
async fn merged_cursor_page(
    ctx: &Context,
    parts: &[Part<'_>],
    position: Option<Vec<Value>>,
    count: u64,
) -> Result<Page, ListError> {
    let mut found = Vec::new();
    if count > 0 {
        found = merged_after(parts, position.as_deref(), count.saturating_add(1)).await?.0;
    }
    let mut next = None;
    if to_u64(found.len()) > count {
        found.truncate(to_usize(count));
        next = found.last().and_then(|(_, place)| cursor::seal(ctx, query_digest(parts), place));
    }
    let complete = position.is_none() && count > 0 && next.is_none();
    let total = complete.then(|| to_u64(found.len()));
    let resources = of_type(parts, found.into_iter().map(|(resource, _)| resource).collect());
    Ok(Page { total, resources, position: Position::Cursor { next } })
}

fn of_type(parts: &[Part<'_>], resources: Vec<Resource>) -> Vec<(String, Resource)> {
    let name = parts.first().map(|part| part.listing.name()).unwrap_or_default();
    resources.into_iter().map(|resource| (name.to_owned(), resource)).collect()
}

/// Compares two places as the database does: what has no value comes last, and descending is the reverse.
fn compare(listing: &Listing<'_>, one: &[Value], other: &[Value]) -> Ordering {
    let value = |one: &Value, other: &Value| match (one, other) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Greater,
        (_, Value::Null) => Ordering::Less,
        (Value::Text(one), Value::Text(other)) => one.cmp(other),
        (one, other) => number(one).total_cmp(&number(other)),
    };
    let key = |one: &Value, other: &Value| match (one, other) {
        (Value::Text(one), Value::Text(other)) if listing.sorts_whole_numbers() => {
            one.parse::<i64>().unwrap_or_default().cmp(&other.parse::<i64>().unwrap_or_default())
        }
        (one, other) => value(one, other),
    };
    let mut pairs = one.iter().zip(other);
    let first = pairs.next().map_or(Ordering::Equal, |(one, other)| key(one, other));
    let ordering = pairs.fold(first, |found, (one, other)| found.then_with(|| value(one, other)));
    if listing.descending() { ordering.reverse() } else { ordering }
}

fn number(value: &Value) -> f64 {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "D1's integers are within 2^53")]
        Value::Integer(number) => *number as f64,
        Value::Real(number) => *number,
        _ => 0.0,
    }
}
