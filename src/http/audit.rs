//! `/api/audit`: what happened, newest first, as JSON, CSV or JSON Lines. Errors are `application/problem+json`.

use std::borrow::Cow;

use ::http::{StatusCode, Uri};
use axum::response::Response;
use serde_json::{Value as Json, json};

use crate::access::audit_seal;
use crate::http::answer::{self, Dialect};
use crate::http::api::{at_domain, flat, problem};
use crate::http::{Work, parameters, set};
use crate::store::audit::rows::{self, Entry, Query};
use scim::datetime::Instant;

const DEFAULT_COUNT: u32 = 100;
const MAX_COUNT: u32 = 1_000;
/// An export is read by programs.
const MAX_EXPORT: u32 = 10_000;

/// `GET /api/audit?count=&cursor=&action=&userId=&from=&to=&domain=&format=`, of one user store: `format` is `json`, `csv` or `jsonl`; the last two
/// tell the next page in a `Link` header.
pub async fn list(work: Work, uri: Uri) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let ctx = at_domain(ctx, parameter(&uri, "domain").as_deref())?;
            let format = parameter(&uri, "format").unwrap_or_else(|| "json".to_owned());
            let most = match format.as_str() {
                "json" => MAX_COUNT,
                "csv" | "jsonl" => MAX_EXPORT,
                _ => return Err(bad("format", "json, csv or jsonl")),
            };
            let query = Query {
                action: parameter(&uri, "action"),
                target: parameter(&uri, "userId"),
                from: time(&uri, "from")?,
                to: time(&uri, "to")?,
                below: number(&uri, "cursor")?,
                count: match number(&uri, "count")? {
                    None => DEFAULT_COUNT.min(most),
                    Some(count) => u32::try_from(count).unwrap_or(u32::MAX).clamp(1, most),
                },
            };
            let page = rows::page(&ctx, &query).await;
            let (entries, next) = page.map_err(|failure| answer::database(Dialect::Problem, &failure))?;
            let mut response = match format.as_str() {
                "csv" => export("text/csv; charset=utf-8; header=present", csv(&entries)),
                "jsonl" => export("application/jsonl", json_lines(&entries)),
                _ => {
                    let mut body = json!({ "Resources": entries.iter().map(Entry::to_json).collect::<Vec<_>>() });
                    if let Some(next) = next {
                        body["nextCursor"] = json!(next.to_string());
                    }
                    answer::with_body(StatusCode::OK, "application/json", body.to_string())
                }
            };
            set(response.headers_mut(), "cache-control", "no-store");
            if let Some(next) = next {
                set(response.headers_mut(), "link", &format!("<{}>; rel=\"next\"", following(&ctx.base(), &uri, next)));
            }
            Ok(response)
        }
        .await,
    )
}

/// `GET /api/audit/verification?from=&domain=`: whether what is sealed is still what was sealed.
pub async fn verify(work: Work, uri: Uri) -> Response {
    flat(
        async {
            let ctx = &work.ctx;
            let ctx = at_domain(ctx, parameter(&uri, "domain").as_deref())?;
            let verified = audit_seal::verify(&ctx, number(&uri, "from")?).await;
            let verified = verified.map_err(|failure| answer::database(Dialect::Problem, &failure))?;
            let body = serde_json::to_string(&verified).unwrap_or_default();
            Ok(answer::with_body(StatusCode::OK, "application/json", body))
        }
        .await,
    )
}

fn parameter(uri: &Uri, name: &str) -> Option<String> {
    parameters(uri, name).find(|value| !value.is_empty()).map(Cow::into_owned)
}

fn bad(name: &str, form: &str) -> Response {
    problem(StatusCode::BAD_REQUEST, &format!("The parameter {name} must be {form}."))
}

fn number(uri: &Uri, name: &str) -> Result<Option<i64>, Response> {
    let parse = |text: String| text.parse().ok().filter(|number| (0..1 << 53).contains(number));
    parameter(uri, name).map(|text| parse(text).ok_or_else(|| bad(name, "a whole number"))).transpose()
}

fn time(uri: &Uri, name: &str) -> Result<Option<i64>, Response> {
    let form = "a time such as 2026-11-22T17:00:00Z";
    parameter(uri, name)
        .map(|text| Instant::parse(&text).map(Instant::unix_millis).ok_or_else(|| bad(name, form)))
        .transpose()
}

/// The address of the next page.
fn following(base: &str, uri: &Uri, next: i64) -> String {
    let query = uri.query().unwrap_or_default();
    let others = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key != "cursor");
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(others)
        .append_pair("cursor", &next.to_string())
        .finish();
    format!("{base}/api/audit?{query}")
}

fn export(content_type: &str, body: String) -> Response {
    let mut response = answer::with_body(StatusCode::OK, content_type, body);
    let name = if content_type.starts_with("text/csv") { "audit.csv" } else { "audit.jsonl" };
    set(response.headers_mut(), "content-disposition", &format!("attachment; filename=\"{name}\""));
    response
}

fn json_lines(entries: &[Entry]) -> String {
    entries.iter().map(|entry| format!("{}\n", entry.to_json())).collect()
}

const COLUMNS: [&str; 9] = ["id", "time", "actor", "action", "target", "outcome", "requestId", "address", "seal"];

fn csv(entries: &[Entry]) -> String {
    let mut text = format!("{}\r\n", COLUMNS.join(","));
    for entry in entries {
        let shown = entry.to_json();
        let cells: Vec<String> = COLUMNS.iter().map(|name| cell(&shown[*name])).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}

/// A cell (RFC 4180). What a spreadsheet would take for a formula is made text: names are other people's.
fn cell(value: &Json) -> String {
    let text = value.as_str().unwrap_or_default();
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}
