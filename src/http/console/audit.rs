//! The audit on the console.

use std::borrow::Cow;

use axum::response::Response;

use crate::access::audit_seal;
use crate::http::api::audit::{LIST, MAX_EXPORT, csv, export as attached};
use crate::http::api::cursor;
use crate::http::console::{Console, chosen_domain};
use crate::http::error::ApiError;
use crate::http::request::{Input, Query};
use crate::model::context::StoreContext;
use crate::pages::console::Section;
use crate::pages::console::audit::{self as pages, AuditFilter, AuditPage, AuditRow, Seal};
use crate::pages::console::form::Problem;
use crate::ports::{DatabaseError, Millis, Value};
use crate::store::audit::rows::{self, Entry};
use crate::store::resources::find;
use scim::datetime::Instant;

const NAME: &str = "Audit";
const ROWS: u32 = 100;
const DAY: Millis = 86_400_000;

/// `GET /console/audit?action=&user=&from=&to=&domain=&cursor=`.
pub async fn list(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, query, .. } = input;
    let mut console = Console::new(&state.ctx, &headers, Section::Audit);
    console.keep_back(&query);
    let filter = filter(&query);
    let domains = console.domains();
    let (store, mut wanted) = match wanted(&console, &filter).await? {
        Ok(wanted) => wanted,
        Err(problems) => {
            let shown = AuditPage { problems: &problems, ..empty(&filter, &domains) };
            let body = pages::audit(&console.frame(), &shown);
            return Ok(console.refused(NAME, &problems, &body));
        }
    };
    let mut cursor = query.filled("cursor").unwrap_or_default();
    match cursor::position(&store, LIST, query.filled("cursor").as_deref()) {
        Ok(Some(Value::Integer(number))) => wanted.below = Some(number),
        Ok(_) => cursor = Cow::default(),
        Err(_) => {
            cursor = Cow::default();
            console.say_that_it_is_the_first();
        }
    }
    let (entries, next) = rows::page(&store, &wanted).await?;
    let is_cut = next.is_some() && entries.len() < ROWS as usize;
    // The first page shows whether what it lists is still what was sealed.
    let checked = match entries.last() {
        Some(oldest) if filter.is_unfiltered() && wanted.below.is_none() => {
            Some(verified(&store, Some(oldest.number)).await?)
        }
        _ => None,
    };
    let rows: Vec<AuditRow> = entries.into_iter().map(row).collect();
    let next = next.and_then(|next| cursor::to(&store, LIST, next.into()));
    let shown = AuditPage {
        rows: &rows,
        cursor: &cursor,
        next: next.as_deref(),
        is_cut,
        seal: checked.as_ref(),
        ..empty(&filter, &domains)
    };
    Ok(console.page(NAME, &pages::audit(&console.frame(), &shown)))
}

fn empty<'a>(filter: &'a AuditFilter, domains: &'a [String]) -> AuditPage<'a> {
    AuditPage { rows: &[], filter, domains, cursor: "", next: None, is_cut: false, seal: None, problems: &[] }
}

/// `GET /console/audit/export?action=&user=&from=&to=&domain=`: the newest rows of the filter.
pub async fn export(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, query, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Audit);
    let (store, wanted) = match wanted(&console, &filter(&query)).await? {
        Ok(wanted) => wanted,
        Err(problems) => {
            let texts: Vec<String> = problems.into_iter().map(|problem| problem.text).collect();
            return Err(ApiError::bad_request(texts.join(" ")));
        }
    };
    let (entries, _) = rows::page(&store, &rows::Query { count: MAX_EXPORT, ..wanted }).await?;
    Ok(attached("text/csv; charset=utf-8; header=present", csv(&entries)))
}

/// `GET /console/audit/seal?from=&domain=`: the check of 2,000 rows.
pub async fn seal(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, query, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Audit);
    let domain = chosen_domain(&query);
    let from = query.filled("from").and_then(|from| from.parse().ok()).filter(|from| (1..1 << 53).contains(from));
    let checked = verified(&console.store(&domain)?, from).await?;
    Ok(console.page("Seal of the audit", &pages::seal(&console.frame(), &checked, &domain)))
}

async fn verified(store: &StoreContext, from: Option<i64>) -> Result<Seal, DatabaseError> {
    let verified = audit_seal::verify(store, from, None).await?;
    Ok(Seal {
        from: verified.from,
        to: verified.to,
        breaks: verified.breaks.into_iter().map(|found| (found.number, found.problem)).collect(),
        more: verified.more,
        anchor: verified.anchor,
        copy: verified.head_copy,
    })
}

fn row(entry: Entry) -> AuditRow {
    AuditRow {
        time: entry.time,
        action: entry.action,
        actor: entry.actor,
        target: entry.target,
        outcome: entry.outcome,
        address: entry.address,
        request: entry.request_id,
    }
}

fn filter(query: &Query) -> AuditFilter {
    let text = |name: &str| query.filled(name).unwrap_or_default().trim().to_owned();
    AuditFilter {
        action: text("action"),
        user: text("user"),
        from: text("from"),
        to: text("to"),
        domain: text("domain").to_ascii_uppercase(),
    }
}

/// Returns the rows that the filter means, and the store they are in: a user's is that of the user.
async fn wanted(
    console: &Console,
    filter: &AuditFilter,
) -> Result<Result<(StoreContext, rows::Query), Vec<Problem>>, ApiError> {
    let mut problems = Vec::new();
    let mut store = console.store(&filter.domain)?;
    let mut wanted = rows::Query { count: ROWS, ..rows::Query::default() };
    wanted.action = Some(filter.action.clone()).filter(|action| !action.is_empty());
    for (name, text, is_end) in [("from", &filter.from, false), ("to", &filter.to, true)] {
        let at = instant(text, is_end);
        if at.is_none() && !text.is_empty() {
            problems.push(Problem::of(name, "Type a date such as 2026-11-30, or a time such as 2026-11-30 17:00."));
        }
        *(if is_end { &mut wanted.to } else { &mut wanted.from }) = at;
    }
    if uuid::Uuid::try_parse(&filter.user).is_ok() {
        let id = filter.user.to_ascii_lowercase();
        if filter.domain.is_empty() {
            store = console.ctx.in_store_of(&id);
        }
        wanted.target = Some(id);
    } else if !filter.user.is_empty() {
        match find::user_by_name(&console.ctx, &filter.user).await? {
            Some(user) => {
                store = console.ctx.in_store_of(&user.id);
                wanted.target = Some(user.id);
            }
            None => problems.push(Problem::of(
                "user",
                "There is no user of this name. What was done to one who was deleted is found by their id.",
            )),
        }
    }
    Ok(if problems.is_empty() { Ok((store, wanted)) } else { Err(problems) })
}

/// Reads a date or a time; a date that ends a stretch is its last moment.
fn instant(text: &str, is_end: bool) -> Option<Millis> {
    let text = text.replacen(' ', "T", 1);
    if let Some(day) = Instant::parse(&format!("{text}T00:00:00Z")) {
        return Some(day.unix_millis() + if is_end { DAY } else { 0 });
    }
    let zoned = |suffix: &str| Instant::parse(&format!("{text}{suffix}"));
    zoned(":00Z").or_else(|| zoned("Z")).or_else(|| zoned("")).map(Instant::unix_millis)
}
