//! The list of users on the console.

use ::http::StatusCode;

use crate::http::console::Console;
use crate::http::error::ApiError;
use crate::http::request::Input;
use crate::http::response::Response;
use crate::model::mail::{Delivery, MailState};
use crate::model::user_stores::PRIMARY;
use crate::pages::console::users::{self as pages, ListState, UserList, UserRow};
use crate::pages::console::{Frame, Section, page as console_page};
use crate::store::users::{self, ListedUser, UserColumn, UserFilter, UserQuery, UserSort, UserStatus};

/// What the address of the list names the user by whose deletion can be undone.
pub const UNDO: &str = "undo";

/// `GET /console/users`.
pub fn list(input: Input) -> Result<Response, ApiError> {
    let mut console = Console::new(&input.state.ctx, &input.headers, Section::Users);
    let query = &input.query;
    // As long as the message stands there that says it.
    let deleted = query.filled(UNDO).filter(|id| uuid::Uuid::try_parse(id).is_ok() && console.message.is_some());
    console.undo = deleted.map(|id| format!("{}/{id}", pages::PATH));
    let ctx = &console.ctx;
    let text = |name: &str| query.filled(name).unwrap_or_default();
    let (q, status, domain, group, sort) = (text("q"), text("status"), text("domain"), text("group"), text("sort"));
    let filter = UserFilter::parse(ctx, &q, &status, &domain, &group).map_err(ApiError::bad_request)?;
    let cursor = query.filled("cursor");
    let asked = UserQuery { filter: &filter, sort: UserSort::parse(&sort), cursor: cursor.as_deref() };
    let page = users::list(ctx, asked)?;
    let stores = &ctx.deployment.user_stores;
    let domains = if stores.is_empty() {
        Vec::new()
    } else {
        std::iter::once(PRIMARY).chain(stores.iter().map(|store| store.domain.as_str())).collect()
    };
    let state = ListState {
        q: &filter.q,
        status: filter.status.map(UserStatus::as_str).unwrap_or_default(),
        domain: filter.domain.as_deref().unwrap_or_default(),
        group: filter.group.as_deref().unwrap_or_default(),
        sort: &sort,
    };
    let shown = UserList {
        state,
        ordered_by: page.sort.map(|sort| (name_of(sort.column), sort.descending)),
        sortable: page.sortable.iter().copied().map(name_of).collect(),
        domains,
        groups: page.groups,
        rows: page.users.into_iter().map(row).collect(),
        total: page.total.map(|total| total.to_string()),
        previous: page.previous,
        next: page.next,
        is_partial: page.is_partial,
        is_bad_cursor: page.is_bad_cursor,
    };
    let title = pages::title(&shown);
    let body = pages::users(&console.frame(), &shown);
    let frame = Frame { title: Some(&title), ..console.frame() };
    Ok(console.html(StatusCode::OK, console_page(&frame, "Users", &[], &body)))
}

fn name_of(column: UserColumn) -> &'static str {
    match column {
        UserColumn::UserName => "userName",
        UserColumn::Mail => "mail",
        UserColumn::Expires => "expires",
    }
}

fn row(user: ListedUser) -> UserRow {
    UserRow {
        id: user.id,
        user_name: user.user_name,
        name: user.name,
        address: user.address,
        states: user.states.into_iter().map(UserStatus::as_str).collect(),
        mail: user.delivery.map(in_a_word).unwrap_or_default(),
        sent_at: user.sent_at,
        delivered_at: user.delivered_at,
        expires_at: user.expires_at,
        deletion_at: user.deletion_at,
    }
}

/// What became of a mail, in a word.
fn in_a_word(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::External => "handed over",
        Delivery::Mail(MailState::Unknown) => "in doubt",
        Delivery::Mail(MailState::Complained) => "reported as spam",
        Delivery::Mail(state) => state.as_str(),
    }
}
