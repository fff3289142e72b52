//! `POST /api/invitations/import`

use ::http::header::CONTENT_TYPE;
use ::http::{HeaderMap, StatusCode, Uri};
use axum::body::{self, Body};
use axum::response::Response;

use crate::http::answer::{self, Dialect, Failure};
use crate::http::api::{flat, problem};
use crate::http::{Work, set};
use crate::model::resource::USER;
use crate::model::settings::EmailSender;
use crate::provision::import as provision;
use crate::provision::import::csv::Sheet;
use crate::provision::import::list::List;
use crate::provision::import::{File, MAX_BYTES, Unreadable};
use crate::store::registrations;

/// Invites everybody in a CSV file or a JSON array; 200 whatever becomes of each row. `?dryRun=true` writes nothing.
pub async fn import(work: Work, uri: Uri, headers: HeaderMap, body: Body) -> Response {
    flat(imported(work, uri, headers, body).await)
}

async fn imported(work: Work, uri: Uri, headers: HeaderMap, body: Body) -> Result<Response, Response> {
    let ctx = &work.ctx;
    if ctx.settings().email_sender == EmailSender::External {
        let detail = "EMAIL_SENDER is external, so that every row would have to be answered with its code: create these \
                      users by SCIM Bulk, which does that.";
        return Err(problem(StatusCode::CONFLICT, detail));
    }
    let dry_run = is_dry_run(&uri).map_err(|detail| problem(StatusCode::BAD_REQUEST, detail))?;
    let format = Format::of(&headers).ok_or_else(|| {
        let detail =
            "Send the file as text/csv or application/json, in UTF-8 (a CSV file may be UTF-16 with its mark).";
        problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    })?;
    let bytes = body::to_bytes(body, MAX_BYTES).await.map_err(|_| {
        let detail = format!("The file is larger than {} MiB: import it in parts.", MAX_BYTES / 1024 / 1024);
        problem(StatusCode::PAYLOAD_TOO_LARGE, &detail)
    })?;
    let file = match format {
        Format::Csv => Sheet::open(&bytes).map(File::Csv),
        Format::Json => List::open(&bytes).map(File::Json),
    };
    let file = file.map_err(|why| {
        let status = match why {
            Unreadable::TooManyRows => StatusCode::PAYLOAD_TOO_LARGE,
            Unreadable::Malformed(_) => StatusCode::BAD_REQUEST,
        };
        problem(status, &why.to_string())
    })?;
    let registry = registrations::of(ctx).await.map_err(|failure| answer::database(Dialect::Problem, &failure))?;
    let Some(rt) = registry.resource_type(USER) else { return Err(answer::not_found(Dialect::Problem)) };

    let report = provision::run(ctx, &work.gate, rt, &file, dry_run).await;
    let text = serde_json::to_string(&report)
        .map_err(|_| problem(StatusCode::INTERNAL_SERVER_ERROR, "The answer cannot be written."))?;
    let mut response = answer::with_body(StatusCode::OK, "application/json", text);
    set(response.headers_mut(), "cache-control", "no-store");
    if let Some(failure) = &report.failure {
        response.extensions_mut().insert(Failure::of(failure));
    }
    Ok(response)
}

enum Format {
    Csv,
    Json,
}

impl Format {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let content_type = headers.get(CONTENT_TYPE)?.to_str().ok()?.to_ascii_lowercase();
        let mut parts = content_type.split(';').map(str::trim);
        let format = match parts.next()? {
            "text/csv" => Self::Csv,
            "application/json" => Self::Json,
            _ => return None,
        };
        let charset = parts.find_map(|parameter| parameter.strip_prefix("charset="));
        let charset = charset.map_or("utf-8", |name| name.trim_matches('"'));
        let fits = match format {
            // A file says by its mark whether it is UTF-16.
            Self::Csv => matches!(charset, "utf-8" | "utf8" | "us-ascii" | "utf-16" | "utf-16le" | "utf-16be"),
            Self::Json => matches!(charset, "utf-8" | "utf8" | "us-ascii"),
        };
        fits.then_some(format)
    }
}

/// Whether `dryRun` is asked for. Any other parameter is refused: a misspelled one must not send ten thousand mails.
fn is_dry_run(uri: &Uri) -> Result<bool, &'static str> {
    let mut dry_run = false;
    for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        dry_run = match (name.as_ref(), value.as_ref()) {
            ("dryRun", "true") => true,
            ("dryRun", "false") => false,
            _ => return Err("The only parameter is dryRun, and it is true or false."),
        };
    }
    Ok(dry_run)
}
