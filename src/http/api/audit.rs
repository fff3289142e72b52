//! `/api/audit`: what happened, newest first, as JSON, CSV or JSON Lines; whether it is still what was sealed; and how an
//! operator goes on where it is not.

use std::borrow::Cow;

use ::http::StatusCode;
use serde_json::{Value as Json, json};

use crate::access::audit_seal::{self, Anchor};
use crate::base::spreadsheet;
use crate::base::text::cut;
use crate::http::api::{cursor, in_store_named};
use crate::http::error::ApiError;
use crate::http::request::{Input, Query};
use crate::http::response::{self, Response, set};
use crate::ports::Value;
use crate::store::audit::rows::{self, Entry};
use scim::datetime::Instant;

/// The list that its cursors continue.
pub const LIST: &str = "audit";
const DEFAULT_COUNT: u32 = 100;
const MAX_COUNT: u32 = 1_000;
/// An export is read by programs.
pub const MAX_EXPORT: u32 = 10_000;

/// `GET /api/audit?count=&cursor=&action=&userId=&from=&to=&domain=&format=`, of one user store: `format` is
/// `json`, `csv` or `jsonl`; the last two name the next page in a `Link` header.
pub fn list(input: Input) -> Result<Response, ApiError> {
    let Input { state, query, .. } = input;
    let store = in_store_named(&state.ctx, query.filled("domain").as_deref())?;
    let format = query.filled("format").unwrap_or(Cow::Borrowed("json"));
    let most = match &*format {
        "json" => MAX_COUNT,
        "csv" | "jsonl" => MAX_EXPORT,
        _ => return Err(malformed("format", "json, csv or jsonl")),
    };
    let wanted = rows::Query {
        action: query.filled("action").map(Cow::into_owned),
        target: query.filled("userId").map(Cow::into_owned),
        from: time(&query, "from")?,
        to: time(&query, "to")?,
        below: match cursor::position(&store, LIST, query.filled("cursor").as_deref())? {
            Some(Value::Integer(number)) => Some(number),
            _ => None,
        },
        count: match number(&query, "count")? {
            None => DEFAULT_COUNT.min(most),
            Some(count) => u32::try_from(count).unwrap_or(u32::MAX).clamp(1, most),
        },
    };
    let (entries, next) = rows::page(&store, &wanted)?;
    let next = next.and_then(|next| cursor::to(&store, LIST, next.into()));
    let mut response = match &*format {
        "csv" => export("text/csv; charset=utf-8; header=present", csv(&entries)),
        "jsonl" => export("application/jsonl", json_lines(&entries)),
        _ => {
            let mut body = json!({ "Resources": entries.iter().map(Entry::to_json).collect::<Vec<_>>() });
            if let Some(next) = &next {
                body["nextCursor"] = json!(next);
            }
            response::json(StatusCode::OK, &body)
        }
    };
    if let Some(next) = next {
        set(response.headers_mut(), "link", &format!("<{}>; rel=\"next\"", next_page(&store.base(), &query, &next)));
    }
    Ok(response)
}

/// `GET /api/audit/verification?from=&anchor=&domain=`: whether what is sealed is still what was sealed, and whether the row
/// that the caller remembers as `anchor` is still there.
pub fn verify(input: Input) -> Result<Response, ApiError> {
    let Input { state, query, .. } = input;
    let store = in_store_named(&state.ctx, query.filled("domain").as_deref())?;
    let form = "NUMBER:SEAL, as an earlier answer had it";
    let parse = |text: Cow<str>| Anchor::parse(&text).ok_or_else(|| malformed("anchor", form));
    let kept = query.first("anchor").map(parse).transpose()?;
    let verified = audit_seal::verify(&store, number(&query, "from")?, kept.as_ref())?;
    Ok(response::json(StatusCode::OK, &verified))
}

/// `POST /api/audit/acceptance` `{"from"?}`, of one user store: rows are taken as they are, and sealed anew.
pub fn accept(input: Input) -> Result<Response, ApiError> {
    let Input { state, query, body, .. } = input;
    let store = in_store_named(&state.ctx, query.filled("domain").as_deref())?;
    let body = body.object()?;
    let from = match &body["from"] {
        Json::Null => None,
        from => Some(from.as_i64().filter(|from| (1..1 << 53).contains(from)).ok_or_else(|| {
            ApiError::bad_request("from must be the number of a row, as the verification's breaks name them.")
        })?),
    };
    if let Some(other) = body.as_object().into_iter().flatten().map(|(name, _)| name).find(|name| *name != "from") {
        return Err(ApiError::bad_request(format!("{:?} is not taken here: known is from.", cut(other, 64))));
    }
    let from = audit_seal::accept(&store, from)?;
    Ok(response::json(StatusCode::OK, &json!({ "from": from })))
}

fn malformed(name: &str, form: &str) -> ApiError {
    ApiError::bad_request(format!("The parameter {name} must be {form}."))
}

fn number(query: &Query, name: &str) -> Result<Option<i64>, ApiError> {
    let parse = |text: Cow<str>| text.parse().ok().filter(|number| (0..1 << 53).contains(number));
    query.filled(name).map(|text| parse(text).ok_or_else(|| malformed(name, "a whole number"))).transpose()
}

fn time(query: &Query, name: &str) -> Result<Option<i64>, ApiError> {
    let form = "a time such as 2026-11-22T17:00:00Z";
    query
        .filled(name)
        .map(|text| Instant::parse(&text).map(Instant::unix_millis).ok_or_else(|| malformed(name, form)))
        .transpose()
}

/// Returns the address of the next page.
fn next_page(base: &str, query: &Query, next: &str) -> String {
    let others = query.pairs().filter(|(key, _)| key != "cursor");
    let query =
        form_urlencoded::Serializer::new(String::new()).extend_pairs(others).append_pair("cursor", next).finish();
    format!("{base}/api/audit?{query}")
}

/// Returns a file to be kept.
pub fn export(content_type: &str, body: String) -> Response {
    let mut response = response::with_body(StatusCode::OK, content_type, body);
    let name = if content_type.starts_with("text/csv") { "audit.csv" } else { "audit.jsonl" };
    set(response.headers_mut(), "content-disposition", &format!("attachment; filename=\"{name}\""));
    response
}

fn json_lines(entries: &[Entry]) -> String {
    entries.iter().map(|entry| format!("{}\n", entry.to_json())).collect()
}

const COLUMNS: [&str; 9] = ["id", "time", "actor", "action", "target", "outcome", "requestId", "address", "seal"];

/// Returns rows as CSV.
pub fn csv(entries: &[Entry]) -> String {
    let mut text = format!("{}\r\n", COLUMNS.join(","));
    for entry in entries {
        let row = entry.to_json();
        text.push_str(&spreadsheet::row(COLUMNS.iter().map(|name| row[*name].as_str().unwrap_or_default())));
    }
    text
}
