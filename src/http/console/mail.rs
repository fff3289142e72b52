//! The outbox on the console.

use axum::response::Response;

use crate::http::api::cursor;
use crate::http::api::mail::LIST;
use crate::http::console::{Console, chosen_domain};
use crate::http::error::ApiError;
use crate::http::request::{Input, Query};
use crate::mail::requeue::{self, Retried};
use crate::model::mail::MailState;
use crate::pages::console::Section;
use crate::pages::console::listing::address;
use crate::pages::console::mail::{self as pages, MailPage, MailRow};
use crate::ports::Value;
use crate::store::outbox::listing::{self, ListedMail};

const NAME: &str = "Mail";
const PATH: &str = "/console/mail";
const ROWS: u32 = 100;

/// `GET /console/mail?state=&domain=&cursor=`.
pub async fn list(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, query, .. } = input;
    let mut console = Console::new(&state.ctx, &headers, Section::Mail);
    console.keep_back(&query);
    let domain = chosen_domain(&query);
    let store = console.store(&domain)?;
    let wanted = query.filled("state").and_then(|state| MailState::parse(&state.to_ascii_lowercase()));
    let (cursor, below) = match cursor::position(&store, LIST, query.filled("cursor").as_deref()) {
        Ok(Some(Value::Text(id))) => (query.filled("cursor").unwrap_or_default(), Some(id)),
        Ok(_) => Default::default(),
        Err(_) => {
            console.say_that_it_is_the_first();
            Default::default()
        }
    };
    let (mails, next) = listing::page(&store, wanted, below.as_deref(), ROWS).await?;
    let next = next.and_then(|next| cursor::to(&store, LIST, next.into()));
    let rows: Vec<MailRow> = mails.into_iter().map(row).collect();
    let page = MailPage {
        rows: &rows,
        state: wanted,
        domains: &console.domains(),
        domain: &domain,
        cursor: &cursor,
        next: next.as_deref(),
    };
    Ok(console.page(NAME, &pages::mail(&console.frame(), &page)))
}

fn row(mail: ListedMail) -> MailRow {
    MailRow {
        next: mail.state.is_waiting().then_some(mail.due),
        id: mail.id,
        user_id: mail.user_id,
        to: mail.to,
        template: mail.template,
        state: mail.state,
        attempts: mail.attempts,
        provider: mail.provider,
        answer: mail.last_error,
        queued: mail.queued,
    }
}

/// Returns the list that the button was pressed in.
fn back(query: &Query) -> String {
    let text = |name: &str| query.filled(name).unwrap_or_default();
    address(PATH, &[("state", &text("state")), ("domain", &text("domain"))])
}

/// `POST /console/mail/{id}/retry`.
pub async fn retry_one(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, params, query, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Mail);
    let what = match requeue::retry(&console.ctx, params.raw("id")).await? {
        Retried::Queued(mail) => format!("The mail to {} is queued again.", mail.to.unwrap_or_default()),
        Retried::Missing => return Err(ApiError::missing("There is no mail with this id.")),
        Retried::Nobody => "The user of this mail has been deleted: there is nobody to send it to.".to_owned(),
        Retried::NotNow(state) => {
            format!(
                "Nothing was done: the mail is {state}, and only one that is unknown, failed or bounced can be tried again."
            )
        }
    };
    Ok(console.done(&back(&query), &what))
}

/// `POST /console/mail/retry`: all of the state in the query string, or else all that failed.
pub async fn retry_all(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, query, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Mail);
    let store = console.store(&chosen_domain(&query))?;
    let wanted = match query.filled("state") {
        None => Some(MailState::Failed),
        Some(state) => MailState::parse(&state).filter(|state| state.is_retryable()),
    };
    let Some(wanted) = wanted else {
        return Err(ApiError::bad_request("Only mails that are unknown, failed or bounced can be tried again."));
    };
    let what = match requeue::requeue_all(&store, wanted).await? {
        0 => format!("No mail is {wanted}: none was queued."),
        1 => "1 mail is queued again.".to_owned(),
        many => format!("{many} mails are queued again."),
    };
    Ok(console.done(&back(&query), &what))
}
