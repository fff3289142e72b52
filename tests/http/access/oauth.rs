//! `POST /oauth2/token`: OAuth 2.0 client credentials (RFC 6749 section 4.4).

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::json;

use crate::support::{App, Reply, basic};

/// A token request with this form, and credentials in the header if there are any.
fn ask(app: &App, prefix: &str, authorization: &str, form: &str) -> Reply {
    let mut request = Request::post(format!("{prefix}/oauth2/token"));
    request = request.header("content-type", "application/x-www-form-urlencoded");
    if !authorization.is_empty() {
        request = request.header("authorization", authorization);
    }
    app.send(request.body(Bytes::from(form.to_owned())).unwrap())
}

const GRANT: &str = "grant_type=client_credentials";

fn granted(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!((reply.header("cache-control"), reply.header("pragma")), ("no-store", "no-cache"));
    assert_eq!(reply.json()["token_type"], "Bearer");
    format!("Bearer {}", reply.json()["access_token"].as_str().unwrap())
}

#[track_caller]
fn is_error(reply: &Reply, status: u16, code: &str) {
    assert_eq!((reply.status.as_u16(), &reply.json()["error"]), (status, &json!(code)), "{}", reply.text);
    assert!(reply.json()["error_description"].as_str().is_some_and(|text| !text.is_empty()));
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(status == 401, !reply.header("www-authenticate").is_empty());
}

#[test]
fn an_api_token_is_exchanged_for_an_access_token_of_an_hour() {
    let app = App::new();
    let (id, secret) = app.token("", &["scim:read", "settings"]);
    let by_form = format!("{GRANT}&client_id={id}&client_secret={secret}");
    let reply = ask(&app, "", "", &by_form);
    assert_eq!((&reply.json()["expires_in"], &reply.json()["scope"]), (&json!(3600), &json!("scim:read settings")));
    let all = granted(&reply);
    let some = granted(&ask(&app, "", &basic(&id, &secret), &format!("{GRANT}&scope=scim:read")));
    let get = |token: &str, path: &str| app.authorized(token, "GET", path).status.as_u16();
    assert_eq!((get(&all, "/scim2/Users"), get(&all, "/api/settings")), (200, 200));
    assert_eq!((get(&some, "/scim2/Users"), get(&some, "/api/settings")), (200, 403));
    app.native.clock.advance(Duration::from_secs(3_590));
    assert_eq!(get(&all, "/scim2/Users"), 200);
    app.native.clock.advance(Duration::from_secs(11));
    assert_eq!(get(&all, "/scim2/Users"), 401);
    let (_, tag) = all.split_once('.').unwrap();
    for text in [app.dump(), app.native.log.to_text()] {
        assert!(!text.contains(tag) && !text.contains(&secret));
    }
}

#[test]
fn an_access_token_ends_with_the_api_token_behind_it() {
    let app = App::new();
    let (id, secret) = app.token("", &["scim:read", "tokens"]);
    let token = granted(&ask(&app, "", &basic(&id, &secret), GRANT));
    assert_eq!(app.authorized(&token, "DELETE", &format!("/api/tokens/{id}")).status, 204);
    assert_eq!(app.authorized(&token, "GET", "/scim2/Users").status, 401);
    is_error(&ask(&app, "", &basic(&id, &secret), GRANT), 401, "invalid_client");

    let body = json!({ "name": "short", "scopes": ["scim:read"], "expiresInDays": 0.001 });
    let short = app.admin("POST", "/api/tokens", body.to_string()).json();
    let client = basic(short["id"].as_str().unwrap(), short["token"].as_str().unwrap());
    let reply = ask(&app, "", &client, GRANT);
    assert!(reply.json()["expires_in"].as_u64().unwrap() <= 87, "{}", reply.text);
}

#[test]
fn an_access_token_works_where_its_api_token_does() {
    let app = App::new();
    app.create_tenant("acme.com");
    let (id, secret) = app.token("/t/acme.com", &["scim:read"]);
    let acme = granted(&ask(&app, "/t/acme.com", &basic(&id, &secret), GRANT));
    assert_eq!(app.authorized(&acme, "GET", "/t/acme.com/scim2/Users").status, 200);
    assert_eq!(app.authorized(&acme, "GET", "/scim2/Users").status, 401);
    for prefix in ["", "/t/nobody.example"] {
        is_error(&ask(&app, prefix, &basic(&id, &secret), GRANT), 401, "invalid_client");
    }
    let (id, secret) = app.token("", &["scim:read", "tenants"]);
    let both = granted(&ask(&app, "", &basic(&id, &secret), GRANT));
    assert_eq!(app.authorized(&both, "GET", "/t/acme.com/scim2/Users").status, 200);
    // What was not asked for is not there: without `tenants` it stays at home.
    let one = granted(&ask(&app, "", &basic(&id, &secret), &format!("{GRANT}&scope=scim%3Aread")));
    assert_eq!(app.authorized(&one, "GET", "/scim2/Users").status, 200);
    assert_eq!(app.authorized(&one, "GET", "/t/acme.com/scim2/Users").status, 401);
}

#[test]
fn what_is_wrong_is_named_as_the_rfc_does() {
    let app = App::new();
    let (id, secret) = app.token("", &["scim:read"]);
    let (other, _) = app.token("", &["scim:write"]);
    let client = basic(&id, &secret);
    for (authorization, form, status, code) in [
        ("", GRANT.to_owned(), 401, "invalid_client"),
        ("", format!("{GRANT}&client_id={id}"), 401, "invalid_client"),
        ("", format!("{GRANT}&client_id={other}&client_secret={secret}"), 401, "invalid_client"),
        ("", format!("{GRANT}&client_id={id}&client_secret={id}"), 401, "invalid_client"),
        (&basic("admin", "admin"), GRANT.to_owned(), 401, "invalid_client"),
        ("Bearer x", GRANT.to_owned(), 401, "invalid_client"),
        (&client, format!("{GRANT}&client_id={other}"), 401, "invalid_client"),
        (&client, format!("{GRANT}&client_secret={secret}"), 400, "invalid_request"),
        (&client, format!("{GRANT}&{GRANT}"), 400, "invalid_request"),
        (&client, "scope=scim:read".to_owned(), 400, "invalid_request"),
        (&client, "grant_type=".to_owned(), 400, "invalid_request"),
        (&client, "x".repeat(20_000), 400, "invalid_request"),
        (&client, "grant_type=password&username=paul&password=x".to_owned(), 400, "unsupported_grant_type"),
        (&client, format!("{GRANT}&scope=scim:write"), 400, "invalid_scope"),
        (&client, format!("{GRANT}&scope=scim:read+everything"), 400, "invalid_scope"),
        (&client, format!("{GRANT}&scope=+"), 400, "invalid_scope"),
    ] {
        is_error(&ask(&app, "", authorization, &form), status, code);
    }
    assert_eq!(app.authorized(&client, "GET", "/oauth2/token").status, 405);
}
