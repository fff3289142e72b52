//! Pages over what several types or several user stores have. Without an order they come one after the other: all of the
//! first, then all of the second, and so on. The users of several stores in an order are merged.

use std::cmp::Ordering;

use crate::base::ordered;
use crate::model::context::{Context, StoreContext};
use crate::model::resource::Resource;
use crate::ports::{DatabaseError, Outcome, Statement, Value};
use crate::store::cursor::{self, QueryDigest};
use crate::store::list::groups;
use crate::store::list::section::Section;
use crate::store::list::statements::{Listing, Window};
use crate::store::list::{
    Allowance, Budget, Figures, Found, ListError, Page, cursor_part, index_page, named, to_u64, to_usize,
};
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
    fn from_section(section: &'a Section) -> Vec<Self> {
        let Section { ctx, types, queries } = section;
        let each = types.iter().zip(queries).map(|(rt, query)| Part {
            ctx,
            name: ctx.platform.store.map_or_else(|| rt.name.clone(), |number| format!("{number}/{}", rt.name)),
            listing: Listing::new(ctx, rt, query),
        });
        let mut parts: Vec<Self> = each.collect();
        // What all types of a database have is examined for one list.
        let examined: Vec<String> = parts
            .iter()
            .filter(|part| part.listing.examines_whole())
            .map(|part| part.listing.name().to_owned())
            .collect();
        for Part { listing, .. } in parts.iter_mut().filter(|part| part.listing.examines_whole()) {
            let others = examined.iter().filter(|name| *name != listing.name()).cloned().collect();
            listing.examine_with(others);
        }
        parts
    }
}

/// A page of what the sections have; `queries` all ask for the same page.
pub(super) fn page(ctx: &Context, sections: &[Section], queries: &[Query]) -> Result<Page, ListError> {
    let Some(query) = queries.first() else {
        return Ok(Page { total: Some(0), resources: Vec::new(), position: Position::Index(1) });
    };
    let parts: Vec<Part<'_>> = sections.iter().flat_map(Part::from_section).collect();
    let merged = query.sort.is_some() && parts.iter().all(|part| part.listing.name() == parts[0].listing.name());
    let (count, budget) = (query.page.count, &mut Budget::new());
    let position = match &query.page.start {
        Start::Index(start) if merged => return merged_index_page(ctx, &parts, *start, count, budget),
        Start::Index(start) => return index_pages(sections, *start, count, budget),
        Start::FirstCursor => None,
        Start::Cursor(cursor) => Some(cursor::open(ctx, query_digest(&parts), cursor)?),
    };
    if merged {
        merged_cursor_page(ctx, &parts, position, count, budget)
    } else {
        cursor_pages(ctx, &parts, position, count, budget)
    }
}

/// One section after the other: each tells its total, and what of the page falls to it.
fn index_pages(sections: &[Section], start: u64, count: u64, budget: &mut Budget) -> Result<Page, ListError> {
    let (mut from, mut left, mut all) = (start, count, 0);
    let mut resources = Vec::new();
    for section in sections {
        let parts = Part::from_section(section);
        let page = match parts.as_slice() {
            [one] => index_page(one.ctx, &one.listing, from, left, budget)?,
            several => index_page_of_types(&section.ctx, several, from, left, budget)?,
        };
        let total = page.total.unwrap_or_default();
        all += total;
        from = from.saturating_sub(total).max(1);
        left = if budget.is_full() { 0 } else { left - to_u64(page.resources.len()) };
        resources.extend(page.resources);
    }
    Ok(Page { total: Some(all), resources, position: Position::Index(start) })
}

/// Several types in one database: the totals in one round trip, what of the page falls to each in another.
fn index_page_of_types(
    ctx: &StoreContext,
    parts: &[Part<'_>],
    start: u64,
    count: u64,
    budget: &mut Budget,
) -> Result<Page, ListError> {
    let allowance = budget.allowance;
    let statements: Vec<_> = parts.iter().map(|part| part.listing.index_page(None, allowance)).collect();
    let sizes: Vec<usize> = statements.iter().map(Vec::len).collect();
    let outcomes = run(ctx, statements.into_iter().flatten().collect())?;
    budget.measure(&outcomes)?;
    let mut rest = outcomes.as_slice();
    let (mut before, mut examined) = (0, 0);
    let mut pages = Vec::new();
    let end = start.saturating_sub(1).saturating_add(count);
    for (Part { listing, .. }, size) in parts.iter().zip(sizes) {
        let (own, others) = rest.split_at(size.min(rest.len()));
        rest = others;
        let figures = Figures::read(own)?;
        // Each has counted the candidates of the others with its own.
        figures.check(listing, allowance)?;
        budget.allowance.values -= figures.looked;
        examined = figures.candidates.max(examined);
        let total = figures.total.unsigned_abs();
        let from = start.saturating_sub(1).max(before);
        let to = end.min(before + total);
        if from < to {
            listing.check_depth(&figures, from - before)?;
            let window = Window { after: None, offset: from - before, limit: to - from };
            pages.push((listing, listing.window(&window, allowance)));
        }
        before += total;
    }
    if budget.allowance.values < 0
        && let Some(Part { listing, .. }) = parts.first()
    {
        return Err(ListError::Refused(listing.too_many(
            "The terms of the filter would look at too many values in the resources of all types. Use fewer terms, or \
             search at the endpoint of one type.",
        )));
    }
    budget.allowance.resources -= examined;
    let (listings, statements): (Vec<_>, Vec<_>) = pages.into_iter().unzip();
    let outcomes = run(ctx, statements.into_iter().flatten().collect())?;
    budget.measure(&outcomes)?;
    let mut resources = Vec::new();
    for (listing, outcome) in listings.into_iter().zip(&outcomes) {
        let mut found = listing.read_rows(Some(outcome))?;
        groups::fit(ctx, &mut found, budget)?;
        resources.extend(named(listing, found));
    }
    Ok(Page { total: Some(before), resources, position: Position::Index(start) })
}

fn run(ctx: &StoreContext, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
    if statements.is_empty() { Ok(Vec::new()) } else { ctx.platform.db.batch(statements) }
}

/// A cursor over several parts carries the part's name before the position within it; a name alone is the part's
/// beginning.
fn cursor_pages(
    ctx: &Context,
    parts: &[Part<'_>],
    position: Option<Vec<Value>>,
    count: u64,
    budget: &mut Budget,
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
        let mut allowance = if listing.examines_whole() {
            // Each counts the candidates of the other types with its own.
            Allowance { values: budget.allowance.values, ..Allowance::default() }
        } else {
            budget.allowance
        };
        let (mut found, _) = cursor_part(ctx, listing, after, asked, &mut allowance, budget)?;
        budget.allowance = allowance;
        let more = to_u64(found.len()) > left;
        found.truncate(to_usize(left));
        groups::fit(ctx, &mut found, budget)?;
        let mut reached = vec![Value::from(name.as_str())];
        reached.extend(found.last().into_iter().flat_map(|hit| hit.place.iter().cloned()));
        resources.extend(named(listing, found));
        if more || budget.is_full() {
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
fn merged_after(
    parts: &[Part<'_>],
    position: Option<&[Value]>,
    limit: u64,
    budget: &mut Budget,
) -> Result<Found, ListError> {
    let mut found = Vec::new();
    for part in parts {
        // The candidates are the same each time, the work is not.
        let mut allowance = Allowance { values: budget.allowance.values, ..Allowance::default() };
        found.extend(cursor_part(part.ctx, &part.listing, position, limit, &mut allowance, budget)?.0);
        budget.allowance.values = allowance.values;
    }
    Ok(merge(parts, found, limit))
}

/// Puts what the parts have found into the order of all parts, at most `limit`.
fn merge(parts: &[Part<'_>], mut found: Found, limit: u64) -> Found {
    if let Some(Part { listing, .. }) = parts.first() {
        ordered::sort_by(&mut found, |one, other| compare(listing, &one.place, &other.place));
    }
    found.truncate(to_usize(limit));
    found
}

/// A page by index. What comes before it has to be read and merged, a thousand at a time.
fn merged_index_page(
    ctx: &Context,
    parts: &[Part<'_>],
    start: u64,
    count: u64,
    budget: &mut Budget,
) -> Result<Page, ListError> {
    let mut skip = start.saturating_sub(1);
    if skip.saturating_add(count) > MAX_MERGED {
        return Err(ListError::Refused(Error::too_many(format!(
            "In an order, the users of several user stores can be paged through by index up to the {MAX_MERGED}th: pass \
             domain=, go on by cursor, or leave sortBy out."
        ))));
    }
    let limit = |skip: u64, found: &Found| (skip + count - to_u64(found.len())).min(MAX_COUNT);
    let mut page: Found = Vec::new();
    // The first of each part come in the round trip that tells its total.
    let (mut total, mut first) = (0, Vec::new());
    let mut asked = limit(skip, &page);
    for Part { ctx, listing, .. } in parts {
        let window = Window { after: None, offset: 0, limit: if count > 0 { asked } else { 0 } };
        let outcomes = run(ctx, listing.index_page(Some(&window), budget.allowance))?;
        budget.measure(&outcomes)?;
        let figures = Figures::read(&outcomes)?;
        figures.check(listing, budget.allowance)?;
        budget.allowance.spend(&figures);
        total += figures.total.unsigned_abs();
        first.extend(if count > 0 { listing.read_rows(outcomes.last())? } else { Vec::new() });
    }
    let mut merged = merge(parts, first, asked);
    loop {
        let position = merged.last().map(|hit| hit.place.clone());
        let complete = to_u64(merged.len()) < asked;
        for hit in merged {
            if skip > 0 {
                skip -= 1;
            } else {
                page.push(hit);
            }
        }
        if complete || to_u64(page.len()) >= count {
            break;
        }
        asked = limit(skip, &page);
        merged = merged_after(parts, position.as_deref(), asked, budget)?;
    }
    groups::fit(&ctx.in_store(None), &mut page, budget)?;
    Ok(Page { total: Some(total), resources: of_type(parts, page), position: Position::Index(start) })
}

/// A page by cursor: one position is good for all parts, since they have one order.
fn merged_cursor_page(
    ctx: &Context,
    parts: &[Part<'_>],
    position: Option<Vec<Value>>,
    count: u64,
    budget: &mut Budget,
) -> Result<Page, ListError> {
    let mut found = Vec::new();
    if count > 0 {
        found = merged_after(parts, position.as_deref(), count.saturating_add(1), budget)?;
    }
    let more = to_u64(found.len()) > count;
    found.truncate(to_usize(count));
    groups::fit(&ctx.in_store(None), &mut found, budget)?;
    let mut next = None;
    if more || budget.is_full() {
        next = found.last().and_then(|hit| cursor::seal(ctx, query_digest(parts), &hit.place));
    }
    let complete = position.is_none() && count > 0 && next.is_none();
    let total = complete.then(|| to_u64(found.len()));
    Ok(Page { total, resources: of_type(parts, found), position: Position::Cursor { next } })
}

fn of_type(parts: &[Part<'_>], found: Found) -> Vec<(String, Resource)> {
    let name = parts.first().map(|part| part.listing.name()).unwrap_or_default();
    found.into_iter().map(|hit| (name.to_owned(), hit.resource)).collect()
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
