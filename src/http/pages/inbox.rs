//! The development inbox: the mails that the `inbox` provider took. In production there is nothing at these addresses.

use ::http::StatusCode;

use crate::http::error::ApiError;
use crate::http::request::Input;
use crate::http::response::{self, Response, set};
use crate::mail::inbox::{self, InboxMail};
use crate::model::context::Context;
use crate::pages::inbox as page;
use crate::pages::layout::Shell;

fn mails(ctx: &Context) -> Result<Vec<InboxMail>, ApiError> {
    if !ctx.deployment.is_development() {
        return Err(ApiError::not_found());
    }
    Ok(inbox::list(ctx)?)
}

/// `GET /dev/panic`: panics, so that anybody can see what a panic leaves behind; after a question to the database, as most
/// bugs would.
pub fn panic(input: Input) -> Result<Response, ApiError> {
    mails(&input.state.ctx)?;
    #[expect(clippy::panic, reason = "that is what it is for")]
    {
        panic!("asked for")
    }
}

/// `GET /dev/inbox.json`: `[{"id","to","template","locale","subject","html","text","links","state"}]`, newest first.
pub fn inbox_json(input: Input) -> Result<Response, ApiError> {
    let mails = mails(&input.state.ctx)?;
    Ok(response::json(StatusCode::OK, &mails))
}

/// `GET /dev/inbox`: the same as a page.
pub fn inbox_page(input: Input) -> Result<Response, ApiError> {
    let ctx = &input.state.ctx;
    let mails = mails(ctx)?;
    let prefix = ctx.tenant.prefix();
    // Nobody signs in here, and the page is for developers: the organization's name is not worth a round trip.
    let settings = ctx.last_known_settings();
    let shell = Shell { prefix: &prefix, organization: &settings.organization_name, ..Shell::default() };
    let frames: Vec<String> = mails.iter().map(|mail| format!("{prefix}/dev/inbox/{}.html", mail.id)).collect();
    let entries: Vec<page::InboxMail> = mails
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
    let html = page::inbox(&shell, &entries, &format!("{prefix}/dev/inbox.json"));
    let mut response = response::page(StatusCode::OK, html);
    set(response.headers_mut(), "content-security-policy", page::PAGE_POLICY);
    Ok(response)
}

/// `GET /dev/inbox/{id}.html`: one mail's HTML, for the frame in the page.
pub fn mail_html(input: Input) -> Result<Response, ApiError> {
    let mails = mails(&input.state.ctx)?;
    let id = input.params.raw("mail").strip_suffix(".html").unwrap_or_default();
    let mail = mails.iter().find(|mail| mail.id == id).ok_or_else(ApiError::not_found)?;
    let mut response = response::page(StatusCode::OK, page::frame(&mail.html));
    set(response.headers_mut(), "content-security-policy", page::FRAME_POLICY);
    set(response.headers_mut(), "x-frame-options", "SAMEORIGIN");
    Ok(response)
}
