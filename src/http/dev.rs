//! The development inbox: the mails that the `inbox` provider took. In production there is nothing at these addresses.

use ::http::{StatusCode, Uri};
use axum::response::Response;

use crate::http::answer::{self, Dialect};
use crate::http::{Work, set};
use crate::mail::inbox::{self, InboxMail};
use crate::pages::inbox as page;
use crate::pages::layout::Shell;

async fn mails(work: &Work, dialect: Dialect) -> Result<Vec<InboxMail>, Response> {
    if !work.ctx.deployment.is_development() {
        return Err(answer::not_found(dialect));
    }
    inbox::list(&work.ctx).await.map_err(|failure| answer::database(dialect, &failure))
}

/// `GET /dev/panic`: panics, so that anybody can see what a panic leaves behind; after a question to the database, as most
/// bugs would.
pub async fn panic(work: Work) -> Response {
    if let Err(response) = mails(&work, Dialect::Page).await {
        return response;
    }
    #[expect(clippy::panic, reason = "that is what it is for")]
    {
        panic!("asked for")
    }
}

/// `GET /dev/inbox.json`: `[{"id","to","template","locale","subject","html","text","links","state"}]`, newest first.
pub async fn inbox_json(work: Work) -> Response {
    match mails(&work, Dialect::Problem).await {
        Err(response) => response,
        Ok(mails) => {
            let body = serde_json::to_string(&mails).unwrap_or_default();
            let mut response = answer::with_body(StatusCode::OK, "application/json", body);
            set(response.headers_mut(), "cache-control", "no-store");
            response
        }
    }
}

/// `GET /dev/inbox`: the same as a page.
pub async fn inbox_page(work: Work) -> Response {
    let mails = match mails(&work, Dialect::Page).await {
        Err(response) => return response,
        Ok(mails) => mails,
    };
    let prefix = work.ctx.tenant.prefix();
    let settings = work.ctx.settings();
    let shell = Shell { prefix: &prefix, organization: &settings.organization_name, ..Shell::default() };
    let frames: Vec<String> = mails.iter().map(|mail| format!("{prefix}/dev/inbox/{}.html", mail.id)).collect();
    let shown: Vec<page::InboxMail> = mails
        .iter()
        .zip(&frames)
        .map(|(mail, frame)| page::InboxMail {
            id: &mail.id,
            to: &mail.to,
            subject: &mail.subject,
            template: mail.template,
            locale: &mail.locale,
            state: mail.state,
            sent: &mail.queued,
            links: &mail.links,
            text: &mail.text,
            html_href: frame,
        })
        .collect();
    let mut response = answer::page(StatusCode::OK, page::inbox(&shell, &shown, &format!("{prefix}/dev/inbox.json")));
    set(response.headers_mut(), "content-security-policy", page::PAGE_POLICY);
    response
}

/// `GET /dev/inbox/{id}.html`: one mail's HTML, for the frame in the page.
pub async fn mail_html(work: Work, uri: Uri) -> Response {
    let mails = match mails(&work, Dialect::Page).await {
        Err(response) => return response,
        Ok(mails) => mails,
    };
    let id = uri.path().rsplit('/').next().and_then(|name| name.strip_suffix(".html")).unwrap_or_default();
    let Some(mail) = mails.iter().find(|mail| mail.id == id) else { return answer::not_found(Dialect::Page) };
    let mut response = answer::page(StatusCode::OK, page::frame(&mail.html));
    set(response.headers_mut(), "content-security-policy", page::FRAME_POLICY);
    set(response.headers_mut(), "x-frame-options", "SAMEORIGIN");
    response
}
