//! Where a request comes from, when a browser sent it and added credentials that it keeps: a cookie, or those of a Basic
//! challenge. A page can neither add these itself nor keep the browser from saying where it is (attacks, row 18).

use ::http::HeaderMap;
use ::http::header::{AUTHORIZATION, COOKIE, HOST, HeaderName, ORIGIN};
use ::http::request::Parts;

use crate::http::caller::session_cookie;
use crate::http::console::sign_in::HOME;
use crate::model::deployment::Deployment;

/// The origin of the page that made a request, as the browser reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page<'a> {
    /// Nothing: an old browser, or none.
    Unsaid,
    /// It is of this origin.
    Own,
    /// It is of another, or of none that it would tell.
    Foreign(&'a str),
}

/// Whether a request that changes something is to be refused because a page of another site may have sent it.
///
/// With the console's cookie, and at the console, the page must be of this origin, and with the cookie the browser must
/// say so: a foreign page is to sign nobody in or out. Other credentials are refused where the browser names another site.
/// A cookie that is not ours (proxies set some) makes no program a browser.
pub fn is_foreign(request: &Parts, deployment: &Deployment) -> bool {
    if request.method.is_safe() {
        return false;
    }
    let headers = &request.headers;
    let has = |name: HeaderName| headers.contains_key(name);
    let other_site = matches!(find_header(headers, "sec-fetch-site"), Some("cross-site" | "same-site"));
    let page = page(headers, deployment);
    if session_cookie(headers, deployment).is_some() {
        page != Page::Own || other_site
    } else if request.uri.path().starts_with(HOME) {
        matches!(page, Page::Foreign(_)) || other_site
    } else {
        // `null` may be a page of ours, which tells nobody where it is: an invited person's browser can hold any cookie.
        let named = matches!(page, Page::Foreign(origin) if origin != "null");
        (has(COOKIE) && (named || other_site)) || (has(AUTHORIZATION) && other_site)
    }
}

fn page<'h>(headers: &'h HeaderMap, deployment: &Deployment) -> Page<'h> {
    let Some(origin) = headers.get(ORIGIN) else { return Page::Unsaid };
    let origin = origin.to_str().unwrap_or_default();
    // Our pages have `Referrer-Policy: no-referrer`, and browsers say `null` for the origin of such a page's forms.
    let is_hidden = origin == "null" && find_header(headers, "sec-fetch-site") == Some("same-origin");
    if origin == deployment.public_origin || is_hidden || is_local(origin, headers, deployment) {
        Page::Own
    } else {
        Page::Foreign(origin)
    }
}

/// In development this machine has several names.
fn is_local(origin: &str, headers: &HeaderMap, deployment: &Deployment) -> bool {
    let authority = origin.strip_prefix("http://").unwrap_or_default();
    let name = authority.rsplit_once(':').map_or(authority, |(name, _)| name);
    deployment.is_development()
        && matches!(name, "localhost" | "127.0.0.1" | "[::1]")
        && headers.get(HOST).is_some_and(|host| host == authority)
}

fn find_header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}
