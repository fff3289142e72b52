//! Users of several stores: `ACME/alice`. Each store is a database of its own.

mod flows;
mod groups;
mod lists;
mod paging;
mod users;

use rusqlite::types::FromSql;
use serde_json::Value;

use crate::support::App;

/// PRIMARY, ACME and LEGACY.
fn three() -> App {
    App::with_stores(&["ACME", "LEGACY"])
}

/// One value from the database of the `index`th store besides PRIMARY.
fn in_store<T: FromSql>(app: &App, index: usize, sql: &str) -> T {
    app.stores[index].with(|connection| connection.query_row(sql, [], |row| row.get(0)).unwrap())
}

/// The user names of a page, in its order.
fn names(page: &Value) -> Vec<&str> {
    page["Resources"].as_array().unwrap().iter().map(|user| user["userName"].as_str().unwrap()).collect()
}
