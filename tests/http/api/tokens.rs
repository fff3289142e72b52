//! `/api/tokens` (DESIGN 2.3, 2.5): tokens are shown once, allow what they say, and die when revoked.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::json;

use crate::support::{App, Reply, authorized};

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn list_users(app: &App, token: &str) -> Reply {
    app.authorized(&bearer(token), "GET", "/scim2/Users")
}

#[test]
fn a_token_is_shown_once_and_stored_as_a_hash() {
    let app = App::new();
    let body = json!({ "name": "HR sync", "scopes": ["audit", "scim:read"], "expiresInDays": 0.5 });
    let reply = app.admin("POST", "/api/tokens", body.to_string());
    assert_eq!(reply.status, 201, "{}", reply.text);
    let created = reply.json();
    let (id, token) = (created["id"].as_str().unwrap(), created["token"].as_str().unwrap());
    assert_eq!(reply.header("location"), format!("https://id.example.com/api/tokens/{id}"));
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(created["scopes"], json!(["scim:read", "audit"]));
    assert_eq!(list_users(&app, token).status, 200);

    let list = app.admin("GET", "/api/tokens", "");
    let listed = &list.json()["Resources"][0];
    for (name, value) in [("id", &created["id"]), ("name", &json!("HR sync")), ("expiresAt", &created["expiresAt"])] {
        assert_eq!(&listed[name], value);
    }
    assert_eq!(listed["createdBy"], "administrator:admin");
    assert!(listed["lastUsed"].is_string(), "{listed}");
    for text in [&list.text, &app.dump(), &app.native.log.to_text()] {
        assert!(!text.contains(token) && !text.contains(&token[3..33]), "{text}");
    }
}

#[test]
fn a_token_does_what_its_scopes_say_and_the_answer_names_the_one_missing() {
    let app = App::new();
    let (_, token) = app.token("", &["scim:read"]);
    let reply = app.authorized(&bearer(&token), "POST", "/scim2/Users");
    assert_eq!(reply.status, 403);
    assert_eq!(reply.header("content-type"), "application/scim+json");
    assert!(reply.text.contains("scim:write"), "{}", reply.text);
    let reply = app.authorized(&bearer(&token), "GET", "/api/tokens");
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (403, "application/problem+json"));
}

#[test]
fn nobody_grants_what_he_does_not_have() {
    let app = App::new();
    app.create_tenant("acme.com");
    let (_, token) = app.token("", &["tokens", "scim:read"]);
    let create = |prefix: &str, authorization: &str, scopes: &[&str]| {
        let body = json!({ "name": "x", "scopes": scopes, "expiresInDays": 1 });
        let request = Request::post(format!("{prefix}/api/tokens")).header("authorization", authorization);
        app.send(request.body(Bytes::from(body.to_string())).unwrap())
    };
    assert_eq!(create("", &bearer(&token), &["scim:read"]).status, 201);
    let refused = create("", &bearer(&token), &["scim:read", "scim:write", "links"]);
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("scim:write, links"), "{}", refused.text);
    let administrator = crate::support::basic("admin", "admin");
    assert_eq!(create("/t/acme.com", &administrator, &["tenants"]).status, 403);
    assert_eq!(create("/t/acme.com", &administrator, &["scim:write"]).status, 201);
    assert_eq!(create("", &administrator, &["tenants"]).status, 201);
}

#[test]
fn what_cannot_be_a_token_is_refused_with_the_reason() {
    let app = App::new();
    for (body, named) in [
        (json!({ "scopes": ["audit"], "expiresInDays": 1 }), "name"),
        (json!({ "name": " ", "scopes": ["audit"], "expiresInDays": 1 }), "name"),
        (json!({ "name": "a\nb", "scopes": ["audit"], "expiresInDays": 1 }), "name"),
        (json!({ "name": "x".repeat(65), "scopes": ["audit"], "expiresInDays": 1 }), "name"),
        (json!({ "name": "x", "expiresInDays": 1 }), "scopes"),
        (json!({ "name": "x", "scopes": [], "expiresInDays": 1 }), "scopes"),
        (json!({ "name": "x", "scopes": ["root"], "expiresInDays": 1 }), "scopes"),
        (json!({ "name": "x", "scopes": "audit", "expiresInDays": 1 }), "scopes"),
        (json!({ "name": "x", "scopes": ["audit"] }), "expiresInDays"),
        (json!({ "name": "x", "scopes": ["audit"], "expiresInDays": 0 }), "expiresInDays"),
        (json!({ "name": "x", "scopes": ["audit"], "expiresInDays": -1 }), "expiresInDays"),
        (json!({ "name": "x", "scopes": ["audit"], "expiresInDays": 3650.01 }), "expiresInDays"),
        (json!({ "name": "x", "scopes": ["audit"], "expiresInDays": "1" }), "expiresInDays"),
    ] {
        let reply = app.admin("POST", "/api/tokens", body.to_string());
        assert_eq!(reply.status, 400, "{body}");
        assert!(reply.json()["detail"].as_str().unwrap().starts_with(named), "{}", reply.text);
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM api_tokens"), 0);
}

#[test]
fn an_expired_token_is_refused_to_the_second() {
    let app = App::new();
    let (_, token) = app.token("", &["scim:read"]);
    app.native.clock.advance(Duration::from_secs(86_390));
    assert_eq!(list_users(&app, &token).status, 200);
    // Known to the isolate, which need not ask to know that its time is over.
    app.native.clock.advance(Duration::from_secs(11));
    assert_eq!(list_users(&app, &token).status, 401);
    assert_eq!(app.authorized(&bearer(&token), "GET", "/t/acme.com/scim2/Users").status, 401);
}

#[test]
fn a_revoked_token_is_dead_at_once_here_and_soon_everywhere() {
    let app = App::new();
    let (id, token) = app.token("", &["scim:read"]);
    let elsewhere = app.isolate();
    let there = |isolate: &latchkey::http::Service| {
        app.send_to(isolate, authorized(&bearer(&token), "GET", "/scim2/Users")).status.as_u16()
    };
    assert_eq!((list_users(&app, &token).status.as_u16(), there(&elsewhere)), (200, 200));

    assert_eq!(app.admin("DELETE", &format!("/api/tokens/{id}"), "").status, 204);
    assert_eq!(list_users(&app, &token).status, 401);
    assert_eq!(there(&app.isolate()), 401);
    assert_eq!(there(&elsewhere), 200);
    app.native.clock.advance(Duration::from_secs(31));
    assert_eq!(there(&elsewhere), 401);
    assert_eq!(list_users(&app, &token).status, 401);
    assert_eq!(app.admin("DELETE", &format!("/api/tokens/{id}"), "").status, 404);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action IN ('token.create', 'token.revoke')"), 2);
}

#[test]
fn a_token_belongs_to_one_tenant_and_tenants_reaches_into_all() {
    let app = App::new();
    app.create_tenant("acme.com");
    app.create_tenant("globex.com");
    let (acme_id, acme) = app.token("/t/acme.com", &["scim:read", "settings", "tokens"]);
    let (_, own) = app.token("", &["scim:read"]);
    let (_, all) = app.token("", &["settings", "tenants"]);
    let get = |token: &str, path: &str| app.authorized(&bearer(token), "GET", path).status.as_u16();
    assert_eq!(get(&acme, "/t/acme.com/scim2/Users"), 200);
    for path in ["/scim2/Users", "/t/globex.com/scim2/Users", "/t/nobody.example/scim2/Users"] {
        assert_eq!(get(&acme, path), 401, "{path}");
    }
    assert_eq!(get(&own, "/t/acme.com/scim2/Users"), 401);
    assert_eq!((get(&all, "/t/acme.com/api/settings"), get(&all, "/t/acme.com/scim2/Users")), (200, 403));
    assert_eq!(get(&all, "/t/nobody.example/api/settings"), 401);

    let reply = app.authorized(&bearer(&acme), "GET", "/t/acme.com/api/tokens");
    assert_eq!(reply.json()["Resources"].as_array().unwrap().len(), 1);
    assert_eq!(app.admin("DELETE", &format!("/api/tokens/{acme_id}"), "").status, 404);

    let change = Request::patch("/t/acme.com/api/settings").header("authorization", bearer(&all));
    assert_eq!(app.send(change.body(Bytes::from("{\"PASSWORD_MIN_LENGTH\":10}")).unwrap()).status, 200);
    let audited =
        "SELECT COUNT(*) FROM audit WHERE action = 'settings.update' AND actor LIKE 'token:a script@carbon.super (%'";
    assert_eq!(app.number(audited), 1);
}

#[test]
fn anything_but_a_good_token_is_401_with_a_challenge() {
    let app = App::new();
    let (_, token) = app.token("", &["scim:read"]);
    let unknown = "lk_0000000000000000000000000000003xzwem";
    let mut swapped = token.clone();
    swapped.replace_range(10..11, if &token[10..11] == "a" { "b" } else { "a" });
    for authorization in [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        token.clone(),
        format!("Token {token}"),
        format!("Basic {token}"),
        format!("Digest username=\"{token}\""),
        format!("Bearer {token} {token}"),
        bearer(&swapped),
        bearer(&token.to_lowercase()),
        bearer(unknown),
        bearer("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."),
        bearer(&"x".repeat(10_000)),
    ] {
        let reply = app.authorized(&authorization, "GET", "/scim2/Users");
        assert_eq!(reply.status, 401, "{authorization}");
        let challenges: Vec<_> = reply.headers.get_all("www-authenticate").iter().collect();
        let is_bearer = authorization.to_lowercase().starts_with("bearer ");
        let expected: &[&str] = if is_bearer {
            &[r#"Bearer realm="Latchkey", error="invalid_token""#]
        } else {
            &[r#"Basic realm="Latchkey", charset="UTF-8""#, r#"Bearer realm="Latchkey""#]
        };
        assert_eq!(challenges, expected, "{authorization}");
    }
    let reply = app.authorized(&bearer(&token), "GET", "/api/settings");
    let challenge = reply.header("www-authenticate");
    assert_eq!(
        (reply.status.as_u16(), challenge),
        (403, r#"Bearer realm="Latchkey", error="insufficient_scope", scope="settings""#)
    );
    assert_eq!(app.authorized(&format!("bearer {token}"), "GET", "/scim2/Users").status, 200);
}

#[test]
fn a_known_token_costs_nothing_and_an_unknown_one_a_round_trip() {
    let app = App::new();
    let (_, token) = app.token("", &["scim:read"]);
    // Cold: its look-up, and the page.
    assert_eq!(list_users(&app, &token).trips(), 2);
    assert_eq!(list_users(&app, &token).trips(), 1);
    let mistyped = format!("{}{}", &token[..38], if token.ends_with('x') { 'y' } else { 'x' });
    assert_eq!(list_users(&app, &mistyped).trips(), 0);
    // Settings and token are both read again, together.
    app.native.clock.advance(Duration::from_secs(31));
    assert_eq!(list_users(&app, &token).trips(), 2);
}

#[test]
fn another_isolate_learns_a_token_from_the_cache() {
    let app = App::new();
    let (_, token) = app.token("", &["scim:read"]);
    assert_eq!(list_users(&app, &token).trips(), 2);
    let get = |isolate| app.send_to(isolate, authorized(&bearer(&token), "GET", "/scim2/Users"));
    let other = app.isolate();
    assert_eq!(get(&other).trips(), 1);
    // What the cache says is as old as D1's word.
    app.native.clock.advance(Duration::from_secs(29));
    assert_eq!(get(&other).trips(), 1);
    app.native.clock.advance(Duration::from_secs(2));
    assert_eq!(get(&app.isolate()).trips(), 2);
}

#[test]
fn last_use_is_written_every_ten_minutes_at_most() {
    let app = App::new();
    let (_, token) = app.token("", &["scim:read"]);
    let last_used = || app.number("SELECT COALESCE(last_used, 0) FROM api_tokens");
    assert_eq!(last_used(), 0);
    list_users(&app, &token);
    let first = last_used();
    assert!(first > 0);
    app.native.clock.advance(Duration::from_secs(300));
    list_users(&app, &token);
    assert_eq!(last_used(), first);
    app.native.clock.advance(Duration::from_secs(300));
    list_users(&app, &token);
    assert!(last_used() > first);
}

#[test]
fn expired_tokens_make_room_a_day_later() {
    let app = App::new();
    app.native.sqlite.with(|connection| {
        let fill = "WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n LIMIT 1000) \
            INSERT INTO api_tokens (tenant, id, hash, name, scopes, created, created_by, expires_at) \
            SELECT 0, id, id, 'x', 'audit', 0, 'x', unixepoch() * 1000 + 60000 FROM n";
        connection.execute(fill, []).unwrap()
    });
    let body = json!({ "name": "x", "scopes": ["audit"], "expiresInDays": 1 }).to_string();
    assert_eq!(app.admin("POST", "/api/tokens", body.clone()).status, 409);
    app.native.clock.advance(Duration::from_secs(86_400 + 120));
    assert_eq!(app.admin("POST", "/api/tokens", body).status, 201);
    assert_eq!(app.number("SELECT COUNT(*) FROM api_tokens"), 1);
}
