//! Signing in to the console and out, and what ends a session.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use crate::console::{Browser, COOKIE};
use crate::scim2::client::{PASSWORD, USER, id};
use crate::support::{App, ORIGIN, basic};

fn create(app: &App, prefix: &str, name: &str, role: &str) -> String {
    let mut body = json!({ "schemas": [USER], "userName": name, "password": PASSWORD });
    if !role.is_empty() {
        body["roles"] = json!([{ "value": role }]);
    }
    app.scim().create(&format!("{prefix}/scim2/Users"), &body)
}

#[test]
fn whoever_has_not_signed_in_is_sent_to_the_form_and_from_there_to_what_was_asked_for() {
    let app = App::new();
    create(&app, "", "alice", "admin");
    let mut browser = Browser::new(&app);
    let sent = browser.get("/console?page=2");
    assert_eq!(sent.status, 303);
    assert_eq!(sent.header("location"), "/console/login?next=%2Fconsole%3Fpage%3D2");
    let form = browser.get(sent.header("location"));
    assert_eq!((form.status.as_u16(), form.trips()), (200, 0));
    assert!(form.text.contains(r#"<input type="hidden" name="next" value="/console?page=2">"#), "{}", form.text);
    let fields = [("username", "alice"), ("password", PASSWORD), ("next", "/console?page=2")];
    let signed_in = browser.post("/console/login", &fields);
    assert_eq!((signed_in.status.as_u16(), signed_in.header("location")), (303, "/console?page=2"));
    let home = browser.get("/console");
    assert_eq!((home.status.as_u16(), home.trips()), (200, 2), "the session, and the figures");
    assert!(home.text.contains("<bdi>alice</bdi>") && home.text.contains("scim:write"), "{}", home.text);
    assert_eq!(browser.get("/console/login").header("location"), "/console");
}

#[test]
fn the_cookie_is_the_browsers_alone() {
    let app = App::new();
    let set = Browser::new(&app).sign_in("", "admin", "admin");
    let (pair, attributes) = set.header("set-cookie").split_once("; ").unwrap();
    assert!(pair.starts_with("latchkey-session=lk_sa_"), "{pair}");
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Lax");
    let production = app.reconfigured(&[
        ("ENVIRONMENT", "production"),
        ("ADMIN_PASSWORD", PASSWORD),
        ("MAIL_PROVIDER", "resend"),
        ("MAIL_API_KEY", "re_123"),
        ("MAIL_FROM", "id@example.com"),
    ]);
    let set = Browser::new(&production).sign_in("", "admin", PASSWORD);
    let (pair, attributes) = set.header("set-cookie").split_once("; ").unwrap();
    assert!(pair.starts_with("__Host-latchkey-session=lk_sa_"), "{pair}");
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Lax; Secure");
}

#[test]
fn whoever_is_refused_learns_no_more_than_that() {
    let app = App::new();
    create(&app, "", "alice", "admin");
    create(&app, "", "ursula", "");
    app.scim().set(&create(&app, "", "dora", "admin"), "active", false).is(200);
    let mut pages = Vec::new();
    for (name, password) in [("alice", "incorrect"), ("nobody", PASSWORD), ("ursula", PASSWORD), ("dora", PASSWORD)] {
        let reply = Browser::new(&app).sign_in("", name, password);
        assert_eq!((reply.status.as_u16(), reply.header("set-cookie")), (401, ""), "{name}");
        assert_eq!(reply.header("www-authenticate"), "", "a challenge opens a window of the browser's own");
        assert!(!reply.text.contains(password), "{name}");
        pages.push(reply.text.replace(name, "NAME"));
    }
    pages.dedup();
    assert_eq!(pages.len(), 1);
    let nothing = Browser::new(&app).sign_in("", "alice", "");
    assert_eq!(nothing.status, 422);
    assert!(nothing.text.contains("Type your user name and your password."), "{}", nothing.text);
}

#[test]
fn roles_reach_as_far_in_a_session_as_with_basic() {
    let app = App::new();
    app.create_tenant("acme.com");
    app.create_tenant("globex.com");
    for (prefix, name, role) in [
        ("/t/acme.com", "audrey", "auditor"),
        ("/t/acme.com", "alice", "admin"),
        ("", "root", "admin"),
        ("", "sam", "auditor"),
    ] {
        create(&app, prefix, name, role);
    }
    let statuses = |browser: &mut Browser, prefix: &str| {
        ["/console", "/scim2/Users", "/api/audit", "/api/settings"]
            .map(|path| browser.get(&format!("{prefix}{path}")).status.as_u16())
    };
    let mut audrey = Browser::signed_in(&app, "/t/acme.com", "audrey", PASSWORD);
    assert_eq!(statuses(&mut audrey, "/t/acme.com"), [200, 200, 200, 403]);
    assert_eq!(statuses(&mut audrey, ""), [303, 401, 401, 401]);
    let mut alice = Browser::signed_in(&app, "/t/acme.com", "alice", PASSWORD);
    assert_eq!(statuses(&mut alice, "/t/acme.com"), [200; 4]);
    assert_eq!(statuses(&mut alice, "/t/globex.com"), [303, 401, 401, 401]);
    // The super tenant's administrators come in everywhere, and sign in where they like.
    let mut root = Browser::signed_in(&app, "/t/acme.com", "root@carbon.super", PASSWORD);
    assert_eq!((statuses(&mut root, ""), statuses(&mut root, "/t/globex.com")), ([200; 4], [200; 4]));
    assert!(root.get("/t/globex.com/console").text.contains("root@carbon.super"));
    assert_eq!(statuses(&mut root, "/t/nobody.example"), [303, 401, 401, 401]);
    let mut first = Browser::signed_in(&app, "", "admin", "admin");
    assert_eq!((statuses(&mut first, ""), statuses(&mut first, "/t/globex.com")), ([200; 4], [200; 4]));
    let mut sam = Browser::signed_in(&app, "", "sam", PASSWORD);
    assert_eq!(
        (statuses(&mut sam, "")[..2].to_vec(), statuses(&mut sam, "/t/acme.com")),
        (vec![200, 200], [303, 401, 401, 401])
    );
}

#[test]
fn a_session_that_is_not_used_ends_and_so_does_one_that_is_used_too_long() {
    let app = App::with(&[("SESSION_IDLE_SECONDS", "600"), ("SESSION_MAX_SECONDS", "3000")]);
    create(&app, "", "alice", "admin");
    let mut used = Browser::signed_in(&app, "", "alice", PASSWORD);
    let mut unused = Browser::signed_in(&app, "", "alice", PASSWORD);
    for minute in (9..50).step_by(9) {
        app.native.clock.advance(Duration::from_secs(540));
        assert_eq!(used.home(), 200, "after {minute} minutes");
    }
    assert_eq!(unused.home(), 303);
    app.native.clock.advance(Duration::from_secs(280));
    assert_eq!(used.home(), 200, "in its last seconds");
    app.native.clock.advance(Duration::from_secs(20));
    let over = used.get("/console");
    assert_eq!((over.status.as_u16(), over.trips()), (303, 0), "the cookie itself says that it is over");
}

#[test]
fn using_a_session_writes_once_a_minute_at_most() {
    let app = App::new();
    create(&app, "", "alice", "admin");
    let mut alice = Browser::signed_in(&app, "", "alice", PASSWORD);
    // The figures of the page take one.
    assert_eq!(alice.get("/console").trips(), 2);
    app.native.clock.advance(Duration::from_secs(60));
    let seen = app.number("SELECT seen FROM sessions");
    assert_eq!(alice.get("/console").trips(), 3);
    assert!(app.number("SELECT seen FROM sessions") >= seen + 60_000);
    app.native.clock.advance(Duration::from_secs(50));
    assert_eq!(alice.get("/console").trips(), 2);
}

#[test]
fn another_password_another_role_a_lock_or_a_deletion_ends_a_session_with_the_next_request() {
    let app = App::new();
    type Change = fn(&App, &str);
    let changes: [(&str, Change); 5] = [
        ("the user's own new password", |app, _| {
            app.user("alice", PASSWORD).set("/scim2/Me", "password", "another dog at ten").is(200);
        }),
        ("the same password, set again", |app, path| drop(app.scim().set(path, "password", PASSWORD).is(200))),
        ("no role", |app, path| {
            app.scim().patch(path, json!([{ "op": "remove", "path": "roles" }])).is(200);
        }),
        ("not active", |app, path| drop(app.scim().set(path, "active", false).is(200))),
        ("deleted", |app, path| assert_eq!(app.scim().delete(path).status, 204)),
    ];
    for (what, change) in changes {
        let path = create(&app, "", "alice", "admin");
        let mut alice = Browser::signed_in(&app, "", "alice", PASSWORD);
        assert_eq!(alice.home(), 200);
        app.native.clock.advance(Duration::from_secs(1));
        change(&app, &path);
        assert_eq!(alice.home(), 303, "{what}");
        assert_eq!(alice.get("/scim2/Users").status, 401, "{what}");
        if what != "deleted" {
            assert_eq!(app.scim().delete(&path).status, 204);
        }
    }
}

#[test]
fn other_secrets_end_the_first_administrators_sessions() {
    let app = App::new();
    let cookie = Browser::signed_in(&app, "", "admin", "admin").cookie;
    let app = app.reconfigured(&[("ADMIN_PASSWORD", "another one")]);
    assert_eq!(Browser::with_cookie(&app, cookie.clone()).home(), 303);
    let app = app.reconfigured(&[("ADMIN_PASSWORD", "admin")]);
    assert_eq!(Browser::with_cookie(&app, cookie.clone()).home(), 200);
    let app = app.without(&["ADMIN_USERNAME", "ADMIN_PASSWORD"]);
    assert_eq!(Browser::with_cookie(&app, cookie).home(), 303);
}

#[test]
fn signing_out_ends_this_session_and_everywhere_ends_all_of_them() {
    let app = App::new();
    for name in ["alice", "bob"] {
        create(&app, "", name, "admin");
    }
    for name in ["alice", "admin"] {
        let password = if name == "admin" { "admin" } else { PASSWORD };
        let [mut here, mut there, mut elsewhere] = [0; 3].map(|_| Browser::signed_in(&app, "", name, password));
        let mut bob = Browser::signed_in(&app, "", "bob", PASSWORD);
        let kept = here.cookie.clone();
        let out = here.post("/console/logout", &[]);
        assert_eq!((out.status.as_u16(), out.header("location")), (303, "/console/login?signed-out=here"));
        assert!(here.cookie.is_empty(), "the browser has forgotten it");
        assert!(here.get("/console/login?signed-out=here").text.contains("You have signed out."));
        here.cookie = kept;
        assert_eq!((here.home(), there.home()), (303, 200), "whoever has kept it cannot use it");
        let out = there.post("/console/logout/everywhere", &[]);
        assert_eq!(out.header("location"), "/console/login?signed-out=everywhere");
        assert_eq!((elsewhere.home(), bob.home()), (303, 200));
        assert_eq!(here.post("/console/logout", &[]).status, 303, "there is nothing left to end");
    }
}

#[test]
fn a_browser_that_signs_in_again_leaves_no_session_behind() {
    let app = App::new();
    create(&app, "", "alice", "admin");
    let mut browser = Browser::signed_in(&app, "", "alice", PASSWORD);
    let former = browser.cookie.clone();
    assert_eq!(browser.sign_in("", "admin", "admin").status, 303);
    assert_eq!((Browser::with_cookie(&app, former).home(), browser.home()), (303, 200));
    assert_eq!(app.number("SELECT COUNT(*) FROM sessions"), 1);
}

#[test]
fn a_session_that_is_over_ends_no_other() {
    let app = App::new();
    create(&app, "", "alice", "admin");
    let mut old = Browser::signed_in(&app, "", "alice", PASSWORD);
    let cookie = old.cookie.clone();
    old.post("/console/logout", &[]);
    let mut new = Browser::signed_in(&app, "", "alice", PASSWORD);
    Browser::with_cookie(&app, cookie).post("/console/logout/everywhere", &[]);
    assert_eq!(new.home(), 200);
}

#[test]
fn signing_in_and_out_and_failing_to_is_in_the_audit() {
    let app = App::new();
    let alice = create(&app, "", "alice", "admin");
    Browser::new(&app).sign_in("", "alice", "wrong");
    Browser::new(&app).sign_in("", "admin", "wrong");
    Browser::new(&app).sign_in("", "my-password-typed-too-early", "wrong");
    Browser::signed_in(&app, "", "alice", PASSWORD).post("/console/logout", &[]);
    Browser::signed_in(&app, "", "admin", "admin");
    let reply = app.admin("GET", "/api/audit?count=5", "").json();
    let rows: Vec<Value> = reply["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|row| json!([row["action"], row["outcome"], row["target"], row["actor"]]))
        .collect();
    let her = format!("administrator:alice ({})", id(&alice));
    assert_eq!(
        json!(rows),
        json!([
            ["signin", "failure", id(&alice), "anyone"],
            ["signin", "failure", "admin", "anyone"],
            ["signin", "success", id(&alice), her],
            ["signout", "success", id(&alice), her],
            ["signin", "success", "admin", "administrator:admin"],
        ])
    );
    assert!(!app.dump().contains("typed-too-early"));
}

#[test]
fn no_name_of_a_tenants_own_passes_for_somebody_of_the_super_tenant_in_its_audit() {
    let app = App::new();
    app.create_tenant("acme.com");
    let path = create(&app, "/t/acme.com", "alice", "admin");
    let mut alice = Browser::signed_in(&app, "/t/acme.com", "alice", PASSWORD);
    app.scim().set(&path, "userName", "root@carbon.super").is(200);
    let send = |authorization: Option<&str>, cookie: &str, path: &str, body: serde_json::Value| {
        let mut request = Request::post(path).header("content-type", "application/json");
        match authorization {
            Some(authorization) => request = request.header("authorization", authorization),
            None => request = request.header("cookie", cookie).header("origin", ORIGIN),
        }
        app.send(request.body(Bytes::from(body.to_string())).unwrap())
    };
    let token = json!({ "name": "HR@Carbon.Super", "scopes": ["scim:read", "scim:write"], "expiresInDays": 1 });
    let made = send(None, &alice.cookie, "/t/acme.com/api/tokens", token).json();
    let bearer = format!("Bearer {}", made["token"].as_str().unwrap());
    let created = send(Some(&bearer), "", "/t/acme.com/scim2/Users", json!({ "schemas": [USER], "userName": "eve" }));
    assert_eq!(created.status, 201, "{}", created.text);
    let reply = alice.get("/t/acme.com/api/audit?count=2").json();
    for row in reply["Resources"].as_array().unwrap() {
        let actor = row["actor"].as_str().unwrap();
        assert!(!actor.to_lowercase().contains("@carbon.super ("), "{actor}");
        assert!(actor.contains("@acme.com"), "{actor}");
    }
    // Whoever does come from there is told apart as before.
    create(&app, "", "root", "admin");
    let root = basic("root@carbon.super", PASSWORD);
    send(Some(&root), "", "/t/acme.com/scim2/Users", json!({ "schemas": [USER], "userName": "ida" }));
    let reply = alice.get("/t/acme.com/api/audit?count=1").json();
    let actor = reply["Resources"][0]["actor"].as_str().unwrap();
    assert!(actor.starts_with("administrator:root@carbon.super ("), "{actor}");
}

#[test]
fn a_tenants_audit_does_not_tell_what_the_first_administrator_is_called() {
    let app = App::new();
    app.create_tenant("acme.com");
    let rows =
        |prefix: &str| app.admin("GET", &format!("{prefix}/api/audit?action=signin"), "").json()["Resources"].clone();
    for prefix in ["/t/acme.com", "/t/nobody.example"] {
        Browser::new(&app).sign_in(prefix, "admin", "wrong");
    }
    assert_eq!(rows("/t/acme.com"), json!([]));
    // It is where their sign-ins are.
    let own = rows("");
    assert_eq!(own.as_array().unwrap().len(), 2, "{own}");
    assert!(own[0]["target"] == "admin" && own[0]["outcome"] == "failure", "{own}");
}

#[test]
fn a_user_of_another_store_signs_in_like_anybody() {
    let app = App::with_stores(&["ACME"]);
    create(&app, "", "ACME/alice", "admin");
    let mut alice = Browser::signed_in(&app, "", "ACME/alice", PASSWORD);
    let page = alice.get("/console");
    assert_eq!(page.status, 200);
    assert!(page.text.contains("ACME/alice"), "{}", page.text);
    assert_eq!(app.number("SELECT COUNT(*) FROM sessions"), 0, "the session is beside the user");
    alice.post("/console/logout/everywhere", &[]);
    assert_eq!(alice.home(), 303);
}

#[test]
fn whoever_guesses_at_the_form_waits() {
    let app = App::with(&[("RATE_LIMITS", "requests=on")]);
    create(&app, "", "alice", "admin");
    for _ in 0..5 {
        assert_eq!(Browser::new(&app).sign_in("", "alice", "wrong").status, 401);
    }
    Browser::new(&app).sign_in("", "alice", "wrong");
    let reply = Browser::new(&app).sign_in("", "alice", PASSWORD);
    assert_eq!(reply.status, 429);
    assert!(reply.header("retry-after").parse::<u32>().unwrap() > 0);
    assert_eq!(reply.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(reply.header("set-cookie"), "");
}

#[test]
fn sessions_that_are_over_are_forgotten() {
    let app = App::new();
    Browser::signed_in(&app, "", "admin", "admin");
    app.native.clock.advance(Duration::from_secs(43_180));
    latchkey::store::sessions::sweep(&app.platform).unwrap();
    assert_eq!(app.number("SELECT COUNT(*) FROM sessions"), 1);
    app.native.clock.advance(Duration::from_secs(20));
    latchkey::store::sessions::sweep(&app.platform).unwrap();
    assert_eq!(app.number("SELECT COUNT(*) FROM sessions"), 0);
}

#[test]
fn a_header_says_more_than_the_cookie() {
    let app = App::new();
    let browser = Browser::signed_in(&app, "", "admin", "admin");
    let with = |authorization: &str| {
        let request =
            Request::get("/scim2/Users").header("cookie", &browser.cookie).header("authorization", authorization);
        app.send(request.body(Bytes::new()).unwrap()).status.as_u16()
    };
    assert_eq!((with(&basic("admin", "wrong")), with("Bearer x"), with("nonsense")), (401, 401, 401));
    assert_eq!(with(&basic("admin", "admin")), 200);
}

#[test]
fn the_cookies_name_says_whether_it_may_travel_in_clear() {
    let app = App::new();
    let cookie = Browser::signed_in(&app, "", "admin", "admin").cookie;
    assert!(cookie.starts_with(COOKIE));
    let renamed = cookie.replace(COOKIE, &format!("__Host-{COOKIE}"));
    assert_eq!(Browser::with_cookie(&app, renamed).home(), 303);
}
