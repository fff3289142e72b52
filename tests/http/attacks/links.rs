//! Rows 7 to 12: authentic links that are dead, raced for, looked at by machines, or made on a foreign host.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::Request;
use latchkey::http::Service;
use latchkey::ports::{Database, DatabaseError, Outcome, Statement};
use serde_json::{Value, json};

use super::{PASSWORD, redeem};
use crate::scim2::client::{ENTERPRISE, INVITATION, WSO2, in_parallel};
use crate::support::{App, ORIGIN, basic, invited};

/// The path of a pending user, and of the link in the mail.
fn pending(app: &App) -> (String, String) {
    let user = app.invite("paul");
    (format!("/scim2/Users/{}", user["id"].as_str().unwrap()), app.newest_link())
}

#[test]
fn row_07_an_older_link_is_dead_and_says_why() {
    let ask = format!("{ENTERPRISE}:askPassword");
    let locked = format!("{WSO2}:accountLocked");
    type Change<'c> = &'c dyn Fn(&App, &str, &str);
    let changes: &[(&str, u16, Change)] = &[
        ("newer mail", 410, &|app, user, _| drop(app.scim().set(user, &ask, "true").is(200))),
        ("email address of this account was changed", 410, &|app, user, _| {
            app.scim().set(user, "emails", json!([{ "value": "new@example.com" }])).is(200);
        }),
        ("already been used", 410, &|app, user, _| drop(app.scim().set(user, "password", PASSWORD).is(200))),
        ("already been used", 410, &|app, _, link| assert_eq!(redeem(app, link, PASSWORD).status, 200)),
        ("administrator has locked it", 410, &|app, user, _| drop(app.scim().set(user, "active", false).is(200))),
        ("invitation was withdrawn", 410, &|app, user, _| {
            let id = user.rsplit('/').next().unwrap();
            assert_eq!(app.admin("POST", &format!("/api/invitations/{id}/revoke"), "").status, 200);
        }),
        ("newer mail", 410, &|app, user, _| {
            app.scim().set(user, "active", false).is(200);
            app.scim().set(user, &locked, true).is(200);
            app.scim().set(user, "active", true).is(200);
            app.scim().set(user, &locked, false).is(200);
        }),
        ("does not work", 404, &|app, user, _| drop(app.scim().delete(user).is(204))),
        ("does not work", 404, &|app, user, _| {
            app.scim().delete(user).is(204);
            app.invite("paul");
        }),
    ];
    for (number, (reason, status, change)) in changes.iter().enumerate() {
        let app = App::new();
        let (user, link) = pending(&app);
        assert_eq!(app.anyone("GET", &link).status, 200);
        change(&app, &user, &link);
        let before = app.dump();
        for page in [app.anyone("GET", &link), redeem(&app, &link, "quite another password")] {
            assert_eq!(page.status.as_u16(), *status, "{number}: {}", page.text);
            assert!(page.text.contains(reason), "{number}: not {reason:?} in {}", page.text);
            assert!(!page.text.contains("type=\"password\""), "{number}: no form");
        }
        assert_eq!(app.dump(), before, "{number}");
        assert_eq!(app.me("paul", "quite another password").status, 401);
    }
}

#[test]
fn row_08_of_fifty_parallel_redemptions_one_wins_and_its_password_is_stored() {
    let app = App::new();
    let (_, link) = pending(&app);
    let passwords: Vec<String> = (0..50).map(|number| format!("the password of number {number}")).collect();
    let statuses = in_parallel(50, |number| redeem(&app, &link, &passwords[number]).status.as_u16());
    let winners: Vec<usize> = (0..50).filter(|number| statuses[*number] == 200).collect();
    assert_eq!(winners.len(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 410)), "{statuses:?}");
    assert_eq!(app.me("paul", &passwords[winners[0]]).status, 200);
    assert_eq!(app.me("paul", &passwords[(winners[0] + 1) % 50]).status, 401);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'invitation.redeem'"), 1);
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox WHERE template = 'AccountActivationSuccess'"), 1);
}

/// A database before whose `n`th batch somebody else does something.
struct Meanwhile<F> {
    inner: Arc<dyn Database>,
    countdown: AtomicUsize,
    act: F,
}
impl<F: Fn() + Send + Sync> Database for Meanwhile<F> {
    fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
        if self.countdown.fetch_sub(1, Ordering::SeqCst) == 1 {
            (self.act)();
        }
        self.inner.batch(statements)
    }
}

/// Has somebody else send this request right before the `number`th batch of whatever the application does next.
fn meanwhile(app: &mut App, number: usize, method: &'static str, path: String, body: String) {
    let service = Service::new(Ok(app.deployment.clone()));
    let platform = app.platform.clone();
    let form = path.starts_with("/invite/");
    let act = move || {
        let media_type = if form { "application/x-www-form-urlencoded" } else { "application/scim+json" };
        let request = Request::builder()
            .method(method)
            .uri(&path)
            .header("content-type", media_type)
            .header("authorization", basic("admin", "admin"))
            .body(Bytes::from(body.clone()))
            .unwrap();
        let status = service.handle(&platform, request).status();
        assert!(status.is_success(), "{method} {path}: {status}");
    };
    app.platform.db = Arc::new(Meanwhile { inner: app.platform.db.clone(), countdown: number.into(), act });
}

fn flag() -> String {
    let operation = json!({ "op": "replace", "path": format!("{ENTERPRISE}:askPassword"), "value": true });
    json!({ "schemas": [crate::scim2::client::PATCH], "Operations": [operation] }).to_string()
}

#[test]
fn row_09_whoever_is_slower_than_a_resend_a_revocation_or_a_lock_does_not_redeem() {
    let api = |verb: &'static str| {
        move |user: &str| ("POST", format!("/api/invitations/{}/{verb}", user.rsplit('/').next().unwrap()))
    };
    let scim = |user: &str| ("PATCH", user.to_owned());
    let off = json!({ "schemas": [crate::scim2::client::PATCH], "Operations": [{ "op": "replace", "path": "active", "value": false }] });
    type Target<'t> = &'t dyn Fn(&str) -> (&'static str, String);
    let cases: [(Target, String, &str); 4] = [
        (&scim, flag(), "newer mail"),
        (&scim, off.to_string(), "administrator has locked it"),
        (&api("resend"), String::new(), "newer mail"),
        (&api("revoke"), String::new(), "invitation was withdrawn"),
    ];
    for (target, body, reason) in cases {
        let mut app = App::new();
        let (user, link) = pending(&app);
        let (method, path) = target(&user);
        meanwhile(&mut app, 2, method, path, body);
        let page = redeem(&app, &link, PASSWORD);
        assert_eq!(page.status, 410, "{}", page.text);
        assert!(page.text.contains(reason), "{}", page.text);
        assert_eq!(app.me("paul", PASSWORD).status, 401);
        assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'invitation.redeem'"), 0);
    }
}

#[test]
fn row_09_whoever_is_slower_than_a_redemption_invites_nobody_again() {
    let mut app = App::new();
    let (user, link) = pending(&app);
    let form = format!("password={0}&confirm={0}", PASSWORD.replace(' ', "+"));
    meanwhile(&mut app, 2, "POST", link, form);
    let after = app.scim().send("PATCH", &user, flag()).is(200);
    assert_eq!(after[INVITATION]["status"], "accepted");
    assert_eq!(app.me("paul", PASSWORD).status, 200);
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox WHERE template LIKE '%AskPassword'"), 1);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'invitation.resend'"), 0);
}

/// The link of an invitation, and that of an address to confirm.
fn both_links(app: &App) -> [String; 2] {
    let (_, invitation) = pending(app);
    let peter = json!({ "userName": "peter", "password": PASSWORD, "emails": ["peter@example.com"], WSO2: { "verifyEmail": true } });
    app.admin("POST", "/scim2/Users", peter.to_string());
    [invitation, app.newest_link()]
}

#[test]
fn row_10_looking_a_hundred_times_writes_nothing_and_the_link_still_works() {
    let app = App::new();
    let [invitation, verification] = both_links(&app);
    let before = app.dump();
    for link in [&invitation, &verification] {
        for _ in 0..100 {
            for method in ["GET", "HEAD", "OPTIONS"] {
                let request = Request::builder().method(method).uri(link).header("sec-purpose", "prefetch;prerender");
                let reply = app.send(request.body(Bytes::new()).unwrap());
                assert_eq!(reply.status, if method == "OPTIONS" { 405 } else { 200 });
                assert!(!reply.header("server-timing").contains("written=1"), "{}", reply.header("server-timing"));
            }
        }
    }
    assert_eq!(app.dump(), before);
    assert_eq!(redeem(&app, &invitation, PASSWORD).status, 200);
    assert_eq!(app.post_form(&verification, &[("intent", "confirm-email")]).status, 200);
}

/// The forms of a page: where each goes, and the names of its fields.
fn forms(page: &str, own_path: &str) -> Vec<(String, Vec<String>)> {
    let attribute = |tag: &str, name: &str| {
        tag.split_once(&format!(" {name}=\"")).and_then(|(_, rest)| rest.split('"').next()).map(str::to_owned)
    };
    page.split("<form")
        .skip(1)
        .map(|form| form.split("</form").next().unwrap())
        .map(|form| {
            let tag = form.split('>').next().unwrap();
            let fields = form.split('<').filter(|tag| tag.starts_with("input") || tag.starts_with("button"));
            (
                attribute(tag, "action").unwrap_or_else(|| own_path.to_owned()),
                fields.filter_map(|tag| attribute(tag, "name")).collect(),
            )
        })
        .collect()
}

#[test]
fn row_11_a_scanner_that_submits_every_form_empty_consumes_nothing() {
    let app = App::new();
    let [invitation, verification] = both_links(&app);
    let before = app.dump();
    for link in [&invitation, &verification] {
        let found = forms(&app.anyone("GET", link).text, link);
        assert_eq!(found.len(), 1, "the page has its form");
        for (action, fields) in found {
            assert!(!fields.is_empty());
            let empty: Vec<(&str, &str)> = fields.iter().map(|name| (name.as_str(), "")).collect();
            for sent in [&empty[..], &[]] {
                assert_eq!(app.post_form(&action, sent).status, 422, "{action}");
            }
        }
    }
    assert_eq!(app.dump(), before);
    assert_eq!(app.anyone("GET", &invitation).status, 200);
    assert_eq!(app.anyone("GET", &verification).status, 200);
}

#[test]
fn row_12_no_header_and_no_request_line_says_where_a_link_leads() {
    let app = App::new();
    let send = |method: &str, uri: &str, header: &'static str, body: &str| {
        app.send(
            Request::builder()
                .method(method)
                .uri(uri)
                .header(header, "evil.example")
                .header("x-forwarded-proto", "http")
                .header("authorization", basic("admin", "admin"))
                .header("content-type", "application/scim+json")
                .body(Bytes::from(body.to_owned()))
                .unwrap(),
        )
    };
    let headers = [
        "host",
        "x-forwarded-host",
        "forwarded",
        "x-original-host",
        "x-host",
        "x-forwarded-server",
        "origin",
        "referer",
    ];
    for (number, header) in headers.into_iter().enumerate() {
        let created =
            send("POST", "http://evil.example/scim2/Users", header, &invited(&format!("user{number}")).to_string());
        let user: Value = created.is(201);
        let resent = send("PATCH", &format!("/scim2/Users/{}", user["id"].as_str().unwrap()), header, &flag());
        resent.is(200);
        for reply in [created, resent] {
            assert!(
                !reply.text.contains("evil.example") && !format!("{:?}", reply.headers).contains("evil.example"),
                "{header}"
            );
            assert!(reply.header("location").starts_with(ORIGIN), "{header}");
        }
    }
    app.deliver();
    let mails = app.inbox();
    assert!(mails.len() >= headers.len());
    for mail in mails {
        assert!(!mail.to_string().contains("evil.example"));
        assert!(
            mail["links"].as_array().unwrap().iter().all(|link| link.as_str().unwrap().starts_with(ORIGIN)),
            "{mail}"
        );
    }
}
