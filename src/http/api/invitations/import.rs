//! `POST /api/invitations/import`

use ::http::header::CONTENT_TYPE;
use ::http::{HeaderMap, StatusCode};

use crate::base::scope::Scope;
use crate::http::body::TooLarge;
use crate::http::error::{ApiError, Failure};
use crate::http::request::{Input, Query};
use crate::http::response;
use crate::http::response::Response;
use crate::model::settings::EmailSender;
use crate::provision::import as provision;
use crate::provision::import::csv::Sheet;
use crate::provision::import::list::List;
use crate::provision::import::{Existing, File, MAX_BYTES, MAX_CHANGED, Options, Unreadable};
use crate::store::registrations;

/// Invites everybody in a CSV file or a JSON array; 200 whatever becomes of each row. `?dryRun=true` writes nothing.
pub fn import(input: Input) -> Result<Response, ApiError> {
    let Input { state, query, headers, body, .. } = input;
    let ctx = &state.ctx;
    if ctx.settings().email_sender == EmailSender::External {
        let detail = "EMAIL_SENDER is external, so that every row would have to be answered with its code: create these \
                      users by SCIM Bulk, which does that.";
        return Err(ApiError::conflict(detail));
    }
    let (dry_run, existing) = parameters(&query)?;
    if existing == Some(Existing::Update) && !ctx.scopes.has(Scope::ScimWrite) {
        let detail = "existing=update takes the scope scim:write, which these credentials do not have.";
        return Err(ApiError::forbidden(detail));
    }
    let format = Format::parse(&headers).ok_or_else(|| {
        let detail =
            "Send the file as text/csv or application/json, in UTF-8 (a CSV file may be UTF-16 with its mark).";
        ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    })?;
    let bytes = body.bytes(MAX_BYTES).map_err(|TooLarge| {
        let detail = format!("The file is larger than {} MiB: import it in parts.", MAX_BYTES / 1024 / 1024);
        ApiError::too_large(detail)
    })?;
    let file = match format {
        Format::Csv => Sheet::open(&bytes).map(File::Csv),
        Format::Json => List::open(&bytes).map(File::Json),
    };
    let file = file.map_err(|why| {
        let detail = why.to_string();
        match why {
            Unreadable::TooManyRows => ApiError::too_large(detail),
            Unreadable::Malformed(_) => ApiError::bad_request(detail),
        }
    })?;
    let registry = registrations::load_registry(ctx)?;
    let options = Options { dry_run, existing, most_changed: Some(MAX_CHANGED), ..Options::default() };
    let report = provision::run(ctx, &state.gate, &registry, &file, options);
    let text = serde_json::to_string(&report).map_err(|_| ApiError::internal("The answer cannot be written."))?;
    let mut response = response::with_body(StatusCode::OK, "application/json", text);
    if let Some(failure) = &report.failure {
        response.extensions_mut().insert(Failure::from(failure));
    }
    Ok(response)
}

enum Format {
    Csv,
    Json,
}

impl Format {
    fn parse(headers: &HeaderMap) -> Option<Self> {
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

/// Reads `dryRun` and `existing`. Any other parameter is refused: a misspelled one must not send ten thousand mails.
fn parameters(query: &Query) -> Result<(bool, Option<Existing>), ApiError> {
    let (mut dry_run, mut existing) = (false, None);
    for (name, value) in query.pairs() {
        match (name.as_ref(), value.as_ref()) {
            ("dryRun", "true") => dry_run = true,
            ("dryRun", "false") => dry_run = false,
            ("existing", value) if existing.is_none() && Existing::parse(value).is_some() => {
                existing = Existing::parse(value);
            }
            _ => {
                let detail = "The parameters are dryRun, which is true or false, and existing, which is skip, update or \
                              invite; each once.";
                return Err(ApiError::bad_request(detail));
            }
        }
    }
    Ok((dry_run, existing))
}
