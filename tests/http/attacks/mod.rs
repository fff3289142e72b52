//! Attacks on links, pages, mails and callers, by their row in the table of `docs/security.md`, which says where the others
//! of its rows are shown.

mod callers;
mod content;
mod links;
mod pages;
mod rows;
mod sessions;
mod timing;

mod tokens;

use latchkey::base::token::{Claims, Purpose};
use latchkey::model::tenant::Tenant;

use crate::support::{App, Reply};

const PASSWORD: &str = "walking the dog at nine";
const PURPOSES: &[Purpose] = &[Purpose::AskPassword, Purpose::VerifyEmail, Purpose::Offline];

/// Chooses a password on the page of a link.
fn redeem(app: &App, link: &str, password: &str) -> Reply {
    app.post_form(link, &[("password", password), ("confirm", password)])
}

/// The token in a link's path.
fn token(link: &str) -> &str {
    link.rsplit('/').next().unwrap()
}

/// The path of a page for what may be any bytes at all: those that cannot stand in a path are escaped.
fn path(folder: &str, token: &[u8]) -> String {
    let escaped: String = token
        .iter()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'=' | b'+' => char::from(*byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    format!("/{folder}/{escaped}")
}

/// What a link's token says.
fn claims(app: &App, link: &str) -> Claims {
    let now = u64::try_from(app.platform.clock.now() / 1000).unwrap();
    app.deployment.keys.verify(token(link), PURPOSES, Tenant::super_tenant().number(), now).unwrap()
}

/// Holds a path to being answered as any forged link is: the same page to the letter, to GET and POST, without a question
/// to the database, and nothing written.
#[track_caller]
fn assert_forged(app: &App, path: &str) {
    let folder = path.split('/').nth(1).unwrap();
    let any = app.anyone("GET", &format!("/{folder}/x"));
    let fields = &[("password", PASSWORD), ("confirm", PASSWORD), ("intent", "confirm-email")];
    for (method, page) in [("GET", app.anyone("GET", path)), ("POST", app.post_form(path, fields))] {
        assert_eq!((page.status.as_u16(), page.trips()), (404, 0), "{method} {path}");
        assert_eq!(page.text, any.text, "{method} {path}");
        let mut headers = (page.headers, any.headers.clone());
        headers.0.remove("x-request-id");
        headers.1.remove("x-request-id");
        assert_eq!(headers.0, headers.1, "{method} {path}");
    }
}
