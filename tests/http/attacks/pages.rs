//! Row 19: no page tells another site where it was, is kept, framed or indexed, or loads anything from elsewhere.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use latchkey::http::Service;
use serde_json::json;

use super::{PASSWORD, redeem};
use crate::console::Browser;
use crate::scim2::client::WSO2;
use crate::support::{App, Faulty, Reply};

/// The values of an attribute wherever it occurs in a page.
fn values<'p>(page: &'p str, attribute: &str) -> Vec<&'p str> {
    let start = format!(" {attribute}=\"");
    page.split(start.as_str()).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";
/// The console's script asks for its pages, and shows mails in frames.
const CONSOLE_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
     connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[track_caller]
fn assert_page(reply: &Reply, status: u16, what: &str) {
    assert_guarded(reply, status, what, POLICY);
}

#[track_caller]
fn assert_guarded(reply: &Reply, status: u16, what: &str, policy: &str) {
    assert_eq!(reply.status, status, "{what}: {}", reply.text);
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("x-robots-tag", "noindex, nofollow"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("content-security-policy", policy),
    ] {
        assert_eq!(reply.header(name), value, "{what}: {name}");
    }
    for name in ["set-cookie", "location", "refresh", "access-control-allow-origin"] {
        assert_eq!(reply.header(name), "", "{what}: {name}");
    }
    assert!(reply.text.starts_with("<!DOCTYPE html>"), "{what}: {}", reply.text);
    for attribute in ["href", "src", "action", "formaction", "srcset", "poster", "data"] {
        for value in values(&reply.text, attribute) {
            let here = value.starts_with('/') && !value.starts_with("//") && !value.contains('\\');
            assert!(
                here || (attribute == "href" && (value.starts_with("mailto:") || value.starts_with('#'))),
                "{what}: {attribute} {value}"
            );
        }
    }
    for active in ["<script>", "<style", " style=\"", " onclick=", " onload=", "http-equiv", "<iframe", "<base", "://"]
    {
        assert!(!reply.text.contains(active), "{what}: {active} in {}", reply.text);
    }
}

fn verifying(name: &str) -> String {
    json!({ "userName": name, "password": PASSWORD, "emails": [format!("{name}@example.com")], WSO2: { "verifyEmail": true } })
        .to_string()
}

#[test]
fn row_19_every_page_of_a_link_keeps_it_to_itself() {
    let mut app = App::with(&[("MAIL_REPLY_TO", "help@example.com")]);
    app.invite("paul");
    let invitation = app.newest_link();
    app.admin("POST", "/scim2/Users", verifying("vera"));
    let verification = app.newest_link();
    assert_page(&app.anyone("GET", &invitation), 200, "the form");
    assert_page(&app.anyone("GET", &verification), 200, "the button");
    assert_page(&app.anyone("GET", "/invite/x"), 404, "a forged link");
    assert_page(&app.anyone("GET", &format!("/t/acme.com{invitation}")), 404, "a foreign link");
    assert_page(&app.anyone("OPTIONS", &invitation), 405, "another method");
    assert_page(&redeem(&app, &invitation, "short"), 422, "a weak password");
    assert_page(&app.post_form(&invitation, &[("password", PASSWORD), ("confirm", "x")]), 422, "two passwords");
    assert_page(&redeem(&app, &invitation, &"x".repeat(20_000)), 413, "too much");
    assert_page(&app.post_form(&verification, &[]), 422, "no button");
    let healthy = app.platform.db.clone();
    app.platform.db = Arc::new(Faulty::on_batch(healthy.clone(), 1, false));
    assert_page(&app.anyone("GET", &invitation), 503, "a database that fails");
    app.platform.db = healthy;
    assert_page(&redeem(&app, &invitation, PASSWORD), 200, "success");
    assert_page(&app.post_form(&verification, &[("intent", "confirm-email")]), 200, "success");
    assert_page(&app.anyone("GET", &invitation), 410, "a used link");
    assert_page(&app.anyone("GET", &verification), 410, "a used link");
    app.native.clock.advance(Duration::from_secs(2 * 86_400));
    assert_page(&app.anyone("GET", &invitation), 410, "an expired link");
    assert_page(&app.post_form(&invitation, &[("intent", "new-mail")]), 200, "the expired link's button");
}

#[test]
fn row_19_so_does_every_other_page() {
    let app = App::new();
    assert_page(&app.anyone("GET", "/console/login"), 200, "the form to sign in with");
    let mut browser = Browser::new(&app);
    assert_page(&browser.sign_in("", "admin", "incorrect"), 401, "a wrong password");
    assert_page(&browser.sign_in("", "admin", ""), 422, "no password");
    assert_eq!(browser.sign_in("", "admin", "admin").status, 303);
    assert_guarded(&browser.get("/console"), 200, "the console", CONSOLE_POLICY);
    let production = app.reconfigured(&[
        ("ENVIRONMENT", "production"),
        ("ADMIN_PASSWORD", "correct horse battery"),
        ("MAIL_PROVIDER", "resend"),
        ("MAIL_API_KEY", "re_123"),
        ("MAIL_FROM", "id@example.com"),
    ]);
    for path in [
        "/",
        "/nothing/here",
        "/accountrecoveryendpoint/confirmrecovery.do",
        "/assets/none.css",
        "/dev/inbox",
        "/dev/panic",
    ] {
        let page = production.anyone("GET", path);
        assert_page(&page, 404, path);
        assert!(page.header("strict-transport-security").starts_with("max-age=31536000"), "{path}");
    }
    assert_page(&production.anyone("DELETE", "/console"), 405, "another method");
    let unconfigured = Service::new(Err(vec!["TOKEN_KEYS is missing: see https://example.com.".to_owned()]));
    let request = http::Request::get("/").body(Bytes::new()).unwrap();
    let response = unconfigured.handle(&production.platform, request);
    assert_eq!(response.status(), 503);
    for (name, value) in [
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(response.headers().get(name).map(|value| value.to_str().unwrap()), Some(value), "{name}");
    }
}

#[test]
fn row_19_a_redirect_carries_the_link_no_further() {
    let app = App::new();
    app.invite("paul");
    let link = app.newest_link();
    let token = link.rsplit('/').next().unwrap();
    let reply = app.anyone("GET", &format!("/accountrecoveryendpoint/confirmrecovery.do?confirmation={token}"));
    assert_eq!((reply.status.as_u16(), reply.header("location"), reply.text.as_str()), (303, link.as_str(), ""));
    for (name, value) in
        [("referrer-policy", "no-referrer"), ("cache-control", "no-store"), ("x-content-type-options", "nosniff")]
    {
        assert_eq!(reply.header(name), value, "{name}");
    }
}

#[test]
fn row_19_the_development_inbox_runs_nothing_that_is_in_a_mail() {
    let app = App::new();
    app.invite("paul");
    app.deliver();
    let inbox = app.anyone("GET", "/dev/inbox");
    let policy = inbox.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let frame =
        app.anyone("GET", values(&inbox.text, "src").into_iter().find(|path| path.starts_with("/dev/inbox/")).unwrap());
    let policy = frame.header("content-security-policy");
    assert!(
        policy.contains("sandbox") && !policy.contains("allow-scripts") && !policy.contains("script-src"),
        "{policy}"
    );
    for page in [inbox, frame] {
        assert_eq!(
            (page.status.as_u16(), page.header("referrer-policy"), page.header("cache-control")),
            (200, "no-referrer", "no-store")
        );
    }
}
