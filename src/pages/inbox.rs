//! The development inbox: the mails that were "sent", readable in a browser. English only; never in production.
//!
//! A mail's HTML is shown by an `iframe` with `sandbox` that loads [`InboxMail::html_href`]; the caller serves
//! [`frame`] there, with [`FRAME_POLICY`].

use maud::{Markup, html};

use crate::base::web_address::link_target;
use crate::pages::assets;
use crate::pages::layout::{Look, Shell, document};

/// Content-Security-Policy of the inbox page: it may frame its own mails.
pub const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; \
     form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// Content-Security-Policy of one mail's HTML: styles of its own, pictures, nothing that runs, and only the
/// inbox may frame it. `sandbox` holds even when it is opened by itself.
pub const FRAME_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; \
     sandbox allow-popups allow-popups-to-escape-sandbox; form-action 'none'; frame-ancestors 'self'";

/// One mail in the inbox.
#[derive(Clone, Copy)]
pub struct InboxMail<'a> {
    /// identifier, used as an anchor
    pub id: &'a str,
    /// the address it went to
    pub to: &'a str,
    /// subject line
    pub subject: &'a str,
    /// template type, such as `AskPassword`
    pub template: &'a str,
    /// locale of the template
    pub locale: &'a str,
    /// where it stands in the outbox
    pub state: &'a str,
    /// when it was sent, in words or RFC 3339; empty when not known
    pub sent: &'a str,
    /// the links in it
    pub links: &'a [String],
    /// the text part
    pub text: &'a str,
    /// the path its HTML part is served at
    pub html_href: &'a str,
}

/// The inbox page, in the order given (newest first). `json_href` is the same as JSON.
pub fn inbox(shell: &Shell, mails: &[InboxMail], json_href: &str) -> String {
    let body = html! {
        header {
            p.banner {
                strong { "Development only." }
                " No mail leaves this machine; every mail ends up here. In production this page does not exist."
            }
        }
        main {
            h1 { "Inbox" span.count { (mails.len()) } }
            p.hint {
                "Newest first; load the page again to see what is new. Scripts read "
                a href=[link_target(json_href)] { "the same as JSON" } "."
            }
            @if mails.is_empty() {
                div.card.empty { p { "No mail yet. Create a user with " code { "askPassword" } " and look again." } }
            }
            @for (position, mail) in mails.iter().enumerate() { (entry(mail, position == 0)) }
        }
    };
    document(shell, "Inbox", &Look { class: "wide", styles: &[&assets::STYLE], script: None, is_live: false }, body)
}

fn entry(mail: &InboxMail, open: bool) -> Markup {
    html! {
        details.card.mail id=(mail.id) open[open] {
            summary {
                strong { bdi { (mail.subject) } }
                span.hint { "to " bdi { (mail.to) } }
                span.tags {
                    span.tag { (mail.template) }
                    span.tag { (mail.locale) }
                    span.tag data-state=(mail.state) { (mail.state) }
                    @if !mail.sent.is_empty() { span.hint { (mail.sent) } }
                }
            }
            @if !mail.links.is_empty() {
                h2 { "Links" }
                ul.links {
                    @for link in mail.links {
                        li {
                            @match link_target(link) {
                                Some(href) => a href=(href) target="_blank" rel="noopener noreferrer" { (link) },
                                None => (link),
                            }
                        }
                    }
                }
            }
            h2 { "HTML" }
            iframe src=[link_target(mail.html_href)] title={ "HTML part: " (mail.subject) } loading="lazy"
                referrerpolicy="no-referrer" sandbox="allow-popups allow-popups-to-escape-sandbox" {}
            h2 { "Text" }
            pre dir="auto" { (mail.text) }
        }
    }
}

/// The HTML part of a mail, ready to be shown in the frame: its links open in a new window, because the pages
/// they lead to refuse to be framed.
pub fn frame(mail_html: &str) -> String {
    let base = r#"<base target="_blank">"#;
    let lower = mail_html.to_ascii_lowercase();
    match lower.find("<head>") {
        Some(at) => {
            let cut = at + "<head>".len();
            format!("{}{base}{}", &mail_html[..cut], &mail_html[cut..])
        }
        None => format!("{base}{mail_html}"),
    }
}
