//! `/api/users/{id}/privacy`: everything that is stored about a person (docs/privacy.md).

use ::http::StatusCode;
use serde_json::{Map, Value as Json, json};

use crate::http::error::ApiError;
use crate::http::request::{Input, RequestState};
use crate::http::response::{self, Response, set};
use crate::store::personal_data::{self, Found, Table};

/// `GET /api/users/{id}/privacy`: of a user who has been deleted, too, what is left.
pub fn show(input: Input) -> Result<Response, ApiError> {
    let Input { state: RequestState { ctx, .. }, params, .. } = input;
    // Clients may encode the hyphens of an id.
    let id = &params.decoded("id");
    let found = personal_data::find(&ctx, id)?;
    if !is_of_a_user(&found) {
        return Err(ApiError::missing("Nothing is stored about a user of this id. Of a user name, SCIM tells the id."));
    }
    let mut response = response::json(StatusCode::OK, &to_json(id, ctx.deployment.user_stores.domain_of(id), found));
    set(response.headers_mut(), "cache-control", "no-store");
    Ok(response)
}

/// Whether this is about a user, and not about a group or whatever else the audit has rows about.
fn is_of_a_user(found: &[Found]) -> bool {
    let is_of_user = |row: &Json| row["action"].as_str().is_some_and(|action| action.starts_with("user."));
    found.iter().any(|Found { table, rows, .. }| match table {
        Table::AuditAbout => rows.iter().any(is_of_user),
        // Other resources have these too.
        Table::Groups | Table::IndexValues | Table::UniqueValues => false,
        _ => !rows.is_empty(),
    })
}

fn to_json(id: &str, domain: &str, found: Vec<Found>) -> Json {
    let (mut lists, mut without) = (Map::new(), Map::new());
    let user = found.iter().find(|found| found.table == Table::User).and_then(|found| found.rows.first());
    let user = user.cloned().unwrap_or_default();
    let mut truncated: Vec<&str> = Vec::new();
    for Found { table, rows, has_more } in found {
        if has_more && !truncated.contains(&table.name()) {
            truncated.push(table.name());
        }
        match table {
            Table::User => {}
            Table::EmptiedMails | Table::MailHistory => {
                without.insert(table.name().to_owned(), json!(rows));
            }
            // What a deletion leaves of these has the id alone.
            Table::PendingWork | Table::ApiTokens | Table::Ownership if user.is_null() => {
                without.insert(table.name().to_owned(), json!(rows));
            }
            _ => {
                lists.insert(table.name().to_owned(), json!(rows));
            }
        }
    }
    let mut shown = json!({ "id": id, "userStore": domain, "deleted": user.is_null(), "user": user });
    if let Some(shown) = shown.as_object_mut() {
        shown.extend(lists);
        shown.insert("withoutPersonalData".to_owned(), without.into());
        shown.insert("truncated".to_owned(), json!(truncated));
    }
    shown
}
