//! Attacks on the console's sessions: what ends one ends it for good, and nothing that a browser or a stranger sends leads
//! anywhere else.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request};
use latchkey::ports::Database;
use serde_json::json;

use super::PASSWORD;
use crate::console::Browser;
use crate::scim2::client::{GROUP, PATCH, USER, id, values};
use crate::support::{App, Faulty, ORIGIN, Reply};

fn create(app: &App, prefix: &str, name: &str, role: &str) -> String {
    let mut body = json!({ "schemas": [USER], "userName": name, "password": PASSWORD });
    if !role.is_empty() {
        body["roles"] = json!([{ "value": role }]);
    }
    app.scim().create(&format!("{prefix}/scim2/Users"), &body)
}

fn is_in(browser: &mut Browser, prefix: &str) -> bool {
    let page = browser.get(&format!("{prefix}/console")).status.as_u16();
    let api = browser.get(&format!("{prefix}/scim2/Users?count=1")).status.as_u16();
    match (page, api) {
        (200, 200) => true,
        (303, 401) => false,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_way_to_another_password_ends_a_session() {
    type Change = fn(&App, &str);
    let changes: [(&str, Change); 5] = [
        ("PATCH", |app, path| drop(app.scim().set(path, "password", "another dog at ten").is(200))),
        ("PUT", |app, path| {
            let body = json!({ "schemas": [USER], "userName": "alice", "password": PASSWORD });
            app.scim().put(path, &body).is(200);
        }),
        ("PATCH of /Me", |app, _| {
            drop(app.user("alice", PASSWORD).set("/scim2/Me", "password", "another dog at ten").is(200));
        }),
        ("PUT of /Me", |app, _| {
            let body = json!({ "schemas": [USER], "userName": "alice", "password": "another dog at ten" });
            app.user("alice", PASSWORD).put("/scim2/Me", &body).is(200);
        }),
        ("Bulk", |app, path| {
            let operations = json!([{ "op": "replace", "path": "password", "value": "another dog at ten" }]);
            let data = json!({ "schemas": [PATCH], "Operations": operations });
            let path = format!("/Users/{}", id(path));
            let reply = app.scim().bulk(vec![json!({ "method": "PATCH", "path": path, "data": data })]).is(200);
            assert_eq!(reply["Operations"][0]["status"], "200", "{reply}");
        }),
    ];
    for (what, change) in changes {
        let app = App::new();
        let path = create(&app, "", "alice", "admin");
        let mut alice = Browser::signed_in(&app, "", "alice", PASSWORD);
        assert!(is_in(&mut alice, ""));
        app.native.clock.advance(Duration::from_secs(1));
        change(&app, &path);
        assert!(!is_in(&mut alice, ""), "{what}");
        assert_eq!(app.number("SELECT COUNT(*) FROM sessions"), 0, "{what}");
    }
}

#[test]
fn a_role_that_a_group_gives_ends_with_it_and_so_do_the_sessions() {
    type Change = fn(&App, &str, &str);
    let changes: [(&str, Change); 4] = [
        ("out of the group", |app, group, alice| {
            let path = format!("members[value eq \"{}\"]", id(alice));
            app.scim().patch(group, json!([{ "op": "remove", "path": path }])).is(200);
        }),
        ("replaced", |app, group, _| {
            drop(app.scim().put(group, &json!({ "schemas": [GROUP], "displayName": "admin" })).is(200));
        }),
        ("renamed", |app, group, _| drop(app.scim().set(group, "displayName", "gone fishing").is(200))),
        ("deleted", |app, group, _| assert_eq!(app.scim().delete(group).status, 204)),
    ];
    for (what, change) in changes {
        let app = App::new();
        let path = create(&app, "", "alice", "");
        let group = app.scim().create_group("Admin", &[&path]);
        let outer = app.scim().create_group("helpers", &[]);
        app.scim().patch(&outer, json!([{ "op": "add", "path": "members", "value": values(&[&path]) }])).is(200);
        let mut alice = Browser::signed_in(&app, "", "alice", PASSWORD);
        assert!(is_in(&mut alice, ""));
        change(&app, &group, &path);
        assert!(!is_in(&mut alice, ""), "{what}");
    }
}

#[test]
fn a_session_that_a_lock_has_ended_does_not_come_back() {
    type Change = fn(&App, &str);
    let lock: Change = |app, path| drop(app.scim().set(path, "urn:scim:wso2:schema:accountLocked", true).is(200));
    let unlock: Change = |app, path| drop(app.scim().set(path, "urn:scim:wso2:schema:accountLocked", false).is(200));
    let disable: Change = |app, path| drop(app.scim().set(path, "active", false).is(200));
    let enable: Change = |app, path| drop(app.scim().set(path, "active", true).is(200));
    let demote: Change = |app, path| drop(app.scim().patch(path, json!([{ "op": "remove", "path": "roles" }])).is(200));
    let promote: Change = |app, path| drop(app.scim().set(path, "roles", json!([{ "value": "admin" }])).is(200));
    for (stores, name) in [(&[] as &[&str], "alice"), (&["ACME"], "ACME/alice")] {
        for (what, end, undo) in
            [("lock", lock, unlock), ("active: false", disable, enable), ("no role", demote, promote)]
        {
            let app = App::with_stores(stores);
            let path = create(&app, "", name, "admin");
            let mut alice = Browser::signed_in(&app, "", name, PASSWORD);
            let mut other = Browser::signed_in(&app, "", "admin", "admin");
            assert!(is_in(&mut alice, ""));
            // Nobody uses the session in between.
            end(&app, &path);
            undo(&app, &path);
            assert!(!is_in(&mut alice, ""), "{name}: {what}");
            assert!(is_in(&mut other, ""), "{name}: {what}");
            let mut anew = Browser::signed_in(&app, "", name, PASSWORD);
            assert!(is_in(&mut anew, ""), "{name}: {what}");
            // What has nothing to do with it ends nothing.
            app.scim().set(&path, "nickName", "Al").is(200);
            assert!(is_in(&mut anew, ""), "{name}: {what}");
        }
    }
}

#[test]
fn signing_out_of_a_tenant_that_has_closed_ends_the_session_at_home() {
    let app = App::new();
    app.create_tenant("acme.com");
    create(&app, "", "root", "admin");
    for (name, home) in [("root@carbon.super", "root"), ("admin", "admin")] {
        let password = if home == "admin" { "admin" } else { PASSWORD };
        let activated = |active: i64| {
            app.native.sqlite.with(|db| {
                db.execute("UPDATE tenants SET active = ?1 WHERE domain = 'acme.com'", [active]).unwrap();
            });
            app.native.clock.advance(Duration::from_secs(31));
        };
        let mut visitor = Browser::signed_in(&app, "/t/acme.com", name, password);
        let kept = visitor.cookie.clone();
        activated(0);
        assert!(!is_in(&mut visitor, "/t/acme.com"));
        assert_eq!(visitor.post("/t/acme.com/console/logout", &[]).status, 303);
        assert!(!is_in(&mut Browser::with_cookie(&app, kept), ""), "{home}");
        activated(1);
    }
}

#[test]
fn a_tenant_that_is_closed_lets_its_own_people_out() {
    let app = App::new();
    app.create_tenant("acme.com");
    create(&app, "/t/acme.com", "alice", "admin");
    let mut alice = Browser::signed_in(&app, "/t/acme.com", "alice", PASSWORD);
    let row = app.admin("GET", "/api/server/v1/tenants/domain/acme.com", "").json();
    let path = format!("/api/server/v1/tenants/{}/lifecycle-status", row["id"].as_str().unwrap());
    assert_eq!(app.admin("PUT", &path, r#"{"activated":false}"#).status, 200);
    assert!(!is_in(&mut alice, "/t/acme.com"));
}

#[test]
fn signing_in_leads_to_a_page_of_this_console_and_nowhere_else() {
    let app = App::new();
    app.create_tenant("acme.com");
    create(&app, "/t/acme.com", "alice", "admin");
    for prefix in ["", "/t/acme.com"] {
        let name = if prefix.is_empty() { "admin" } else { "alice" };
        let password = if prefix.is_empty() { "admin" } else { PASSWORD };
        let home = format!("{prefix}/console");
        for next in [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/console.evil.example",
            "/console@evil.example",
            "/console/../dev/inbox",
            "/console/%2e%2e/dev/inbox",
            "/console/%2E%2e//evil.example",
            "/console/.%2e/dev/inbox",
            "/console/a/%2E./%2e./x",
            "/console/\t./x",
            "/console?\r\nset-cookie: a=b",
            "/console?\u{4e2d}",
            "/console\u{a0}",
            "/console?\u{7f}",
            "",
        ] {
            for next in [next.to_owned(), format!("{prefix}{next}"), format!("/t/acme.com/x/..{next}")] {
                let fields = [("username", name), ("password", password), ("next", next.as_str())];
                let reply = Browser::new(&app).post(&format!("{prefix}/console/login"), &fields);
                assert_eq!((reply.status.as_u16(), reply.header("location")), (303, home.as_str()), "{next:?}");
            }
        }
        for next in ["/console", "/console?page=2", "/console/users/a%20b?q=a..b&c=%2e%2e"] {
            let next = format!("{prefix}{next}");
            let fields = [("username", name), ("password", password), ("next", next.as_str())];
            let reply = Browser::new(&app).post(&format!("{prefix}/console/login"), &fields);
            assert_eq!(reply.header("location"), next);
        }
    }
}

/// A form with this body, exactly.
fn raw(app: &App, method: &str, path: &str, body: impl Into<Bytes>) -> Reply {
    let request = Request::builder().method(method).uri(path).header("origin", ORIGIN);
    app.send(request.header("content-type", "application/x-www-form-urlencoded").body(body.into()).unwrap())
}

#[test]
fn odd_forms_sign_nobody_in_and_break_nothing() {
    let app = App::new();
    let long = "x".repeat(15_000);
    let name = |name: &str| format!("username={name}&password=x");
    for (body, status) in [
        (Vec::new(), 422),
        (b"&&&=&=".to_vec(), 422),
        (b"username=admin".to_vec(), 422),
        (b"password=admin".to_vec(), 422),
        (b"username=%ff%fe&password=admin".to_vec(), 422),
        (b"username=admin&password=%ff".to_vec(), 422),
        (b"username=admin&password=admin&password=x&next=%ff".to_vec(), 303),
        (b"username=nobody&username=admin&password=admin".to_vec(), 401),
        (name("%00").into_bytes(), 401),
        (name("a%0d%0aset-cookie:%20a=b").into_bytes(), 401),
        (name("%E2%80%AEadmin").into_bytes(), 401),
        (name("%zz%").into_bytes(), 401),
        (name("@carbon.super").into_bytes(), 401),
        (name("/").into_bytes(), 401),
        (name("ACME%2f").into_bytes(), 401),
        (name(&long).into_bytes(), 401),
        (format!("username=admin&password={long}").into_bytes(), 401),
        (name(&"x".repeat(20_000)).into_bytes(), 413),
        (name(&"x".repeat(100_000)).into_bytes(), 413),
    ] {
        for prefix in ["", "/t/nobody.example"] {
            let reply = raw(&app, "POST", &format!("{prefix}/console/login"), body.clone());
            let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
            let expected = if status == 303 && !prefix.is_empty() { 401 } else { status };
            assert_eq!(reply.status.as_u16(), expected, "{prefix} {shown}");
            assert_eq!(reply.header("set-cookie").is_empty(), expected != 303, "{prefix} {shown}");
        }
    }
    let mut admin = Browser::signed_in(&app, "", "admin", "admin");
    for path in
        ["/console", "/console/login", "/console/login?next=%ff&signed-out=%ff", "/t/%2f%2fevil.example/console"]
    {
        let head = raw(&app, "HEAD", path, "");
        assert!([200, 303].contains(&head.status.as_u16()) && head.text.is_empty(), "{path}: {}", head.status);
        assert!(head.header("location").is_empty() || head.header("location").starts_with(['/']), "{path}");
        assert!(!head.header("location").starts_with("//"), "{path}");
        assert!([200, 303].contains(&admin.get(path).status.as_u16()), "{path}");
    }
    for path in ["/console", "/console/login", "/console/logout", "/console/logout/everywhere"] {
        for method in ["OPTIONS", "DELETE", "PUT", "PATCH", "TRACE"] {
            assert_eq!(raw(&app, method, path, "").status, 405, "{method} {path}");
        }
    }
    for path in ["/console/logout", "/console/logout/everywhere"] {
        assert_eq!((admin.get(path).status.as_u16(), is_in(&mut admin, "")), (405, true), "{path}");
    }
}

#[test]
fn a_database_that_fails_anywhere_lets_nobody_in_and_nobody_stay() {
    for after_commit in [false, true] {
        for number in 1..4 {
            let mut app = App::new();
            create(&app, "", "alice", "admin");
            let sound = app.platform.db.clone();
            let faulty = || -> Arc<dyn Database> { Arc::new(Faulty::on_batch(sound.clone(), number, after_commit)) };
            app.platform.db = faulty();
            let mut browser = Browser::new(&app);
            let reply = browser.sign_in("", "alice", PASSWORD);
            let what = format!("batch {number}, {after_commit}");
            assert_eq!(reply.status.as_u16(), if number > 2 { 303 } else { 503 }, "{what}");
            assert_eq!(browser.cookie.is_empty(), number <= 2, "{what}");
            app.platform.db = sound.clone();
            let cookie = Browser::signed_in(&app, "", "alice", PASSWORD).cookie;
            app.platform.db = faulty();
            let mut browser = Browser::with_cookie(&app, cookie.clone());
            let reply = browser.post("/console/logout", &[]);
            assert_eq!(reply.status.as_u16(), if number > 2 { 303 } else { 503 }, "{what}");
            assert_eq!(browser.cookie.is_empty(), number > 2, "a cookie that may be good is kept: {what}");
            app.platform.db = sound.clone();
            let mut browser = Browser::with_cookie(&app, cookie.clone());
            assert_eq!(browser.post("/console/logout", &[]).status, 303, "{what}");
            assert!(!is_in(&mut Browser::with_cookie(&app, cookie), ""), "{what}");
        }
    }
}

#[test]
fn of_two_cookies_of_the_name_the_first_counts_for_all_questions() {
    let app = App::new();
    let good = Browser::signed_in(&app, "", "admin", "admin").cookie;
    let foreign = |cookie: &str| {
        let request = Request::post("/api/tokens").header("cookie", cookie).header("origin", "https://evil.example");
        let body = r#"{"name":"x","scopes":["scim:read"],"expiresInDays":1}"#;
        app.send(request.header("content-type", "application/json").body(Bytes::from(body)).unwrap()).status.as_u16()
    };
    for cookie in [
        format!("latchkey-session=; {good}"),
        format!("{good}; latchkey-session="),
        format!("latchkey-session; {good}"),
        format!("x=\"; {good}"),
        format!("; ;{good};"),
        good.replace('=', " ="),
        good.to_uppercase(),
    ] {
        assert!([401, 403].contains(&foreign(&cookie)), "{cookie}");
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM api_tokens"), 0);
}

#[test]
fn no_cookie_of_another_host_of_the_domain_shuts_an_administrator_out() {
    let app = App::new();
    let good = Browser::signed_in(&app, "", "admin", "admin").cookie;
    for other in [&b"theme=d\xfcster; "[..], "name=\u{4e2d}; ".as_bytes(), b"=; ", b"latchkey-session-2=x; "] {
        let cookie = HeaderValue::from_bytes(&[other, good.as_bytes()].concat()).unwrap();
        let request = Request::get("/console").header("cookie", cookie.clone());
        assert_eq!(app.send(request.body(Bytes::new()).unwrap()).status, 200, "{other:?}");
        let foreign = Request::post("/api/tokens").header("cookie", cookie).header("content-type", "application/json");
        assert_eq!(app.send(foreign.body(Bytes::from("{}")).unwrap()).status, 403, "{other:?}");
    }
}
