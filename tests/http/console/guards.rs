//! Every route of the console, by the table: no other site's page posts to it, and none frames it.

use bytes::Bytes;
use http::{Method, Request};
use latchkey::http::ROUTES;

use super::{Browser, signed_in};
use crate::support::App;

fn routes(method: &Method) -> Vec<String> {
    let of_method = ROUTES.iter().filter(|route| route.method == *method && route.path.starts_with("/console"));
    let filled = |path: &str| {
        path.split('/').map(|part| if part.starts_with('{') { "none" } else { part }).collect::<Vec<_>>().join("/")
    };
    of_method.map(|route| filled(route.path)).collect()
}

#[test]
fn no_form_of_another_site_reaches_any_of_them() {
    let app = App::new();
    let browser = signed_in(&app, "alice", "admin");
    let before = app.dump();
    let posts = routes(&Method::POST);
    assert!(posts.len() > 40, "{posts:?}");
    for path in posts.iter().filter(|path| *path != "/console/login") {
        let request = Request::builder().method("POST").uri(path).header("cookie", &browser.cookie);
        let request = request.header("origin", "https://evil.example").header("sec-fetch-site", "cross-site");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let reply = app.send(request.body(Bytes::from_static(b"operation=x")).unwrap());
        assert_eq!((reply.status.as_u16(), reply.trips()), (403, 0), "{path}: {}", reply.text);
    }
    assert_eq!(app.dump(), before);
}

#[test]
fn no_page_of_another_site_frames_any_of_them() {
    let app = App::new();
    let cookie = signed_in(&app, "alice", "admin").cookie;
    for path in routes(&Method::GET) {
        let reply = Browser::with_cookie(&app, cookie.clone()).get(&path);
        if reply.status == 303 {
            continue;
        }
        let framed = match reply.header("content-type").starts_with("text/html") {
            // What our own preview frames.
            true if path.ends_with("/branding/page") || path.ends_with("/branding/mail") => "SAMEORIGIN",
            true => "DENY",
            false => "",
        };
        assert_eq!(reply.header("x-frame-options"), framed, "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("cache-control"), "no-store", "{path}");
    }
}

/// What charts, jobs and the Dashboard show of what somebody has stored.
#[test]
fn what_is_stored_is_text_on_the_dashboard_and_on_jobs() {
    let app = App::new();
    let nasty = "<script>alert(1)</script>";
    app.number(&format!(
        "INSERT INTO jobs (tenant, id, action, state, reason, total, started_by, scopes, created, due) \
         VALUES (0, 'j1', 'lock', 'failed', '{nasty}', 1, '[]', '', 1, 1) RETURNING 1"
    ));
    app.number(&format!(
        "INSERT INTO daily_figures (tenant, batch, day, invited) VALUES (0, 'f{nasty}', 1, 1) RETURNING 1"
    ));
    app.invite("paul");
    app.deliver();
    app.number(&format!(
        "UPDATE outbox SET state = 'deferred', provider = '{nasty}', last_error = '{nasty}' WHERE TRUE RETURNING 1"
    ));
    let mut browser = signed_in(&app, "alice", "admin");
    for path in ["/console", "/console?by=%22%3E%3Cscript%3E", "/console/jobs", "/console/jobs/j1", "/console/mail"] {
        let page = browser.get(path);
        assert!(page.status == 200 && !page.text.contains("<script>"), "{path}: {}", page.text);
        if !path.contains("jobs") {
            assert!(page.text.contains("&lt;script&gt;"), "{path}: it is shown: {}", page.words());
        }
    }
}
