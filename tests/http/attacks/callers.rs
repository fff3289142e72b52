//! Rows 18, 22 and 25: requests in somebody else's name, files that repeat themselves, and passwords that cost.

use std::time::Instant;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use super::{PASSWORD, redeem};
use crate::console::Browser;
use crate::support::{App, basic, invited};

#[test]
fn row_18_what_a_foreign_page_can_send_changes_nothing() {
    let app = App::new();
    let user = app.invite("paul");
    let path = format!("/scim2/Users/{}", user["id"].as_str().unwrap());
    let link = app.newest_link();
    let before = app.dump();
    let body = invited("eve").to_string();
    // What a form can send: no header of its own, and one of three media types. A browser may add Basic credentials that
    // it has kept.
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        for target in [
            "/scim2/Users",
            "/scim2/Bulk",
            "/scim2/.search",
            "/scim2/Groups",
            "/api/schemas",
            "/api/resource-types",
            "/api/server/v1/tenants",
            "/api/invitations/import",
            "/api/mail/retry",
            "/api/mail/templates/preview",
        ] {
            let request = Request::post(target)
                .header("content-type", media_type)
                .header("authorization", basic("admin", "admin"))
                .header("origin", "https://evil.example")
                .header("sec-fetch-site", "cross-site")
                .body(Bytes::from(body.clone()))
                .unwrap();
            let status = app.send(request).status.as_u16();
            assert!((400..500).contains(&status), "{target} as {media_type}: {status}");
        }
    }
    // What needs no body is refused for where it comes from: browsers say so, and keep pages from saying otherwise.
    let id = path.rsplit('/').next().unwrap();
    for target in [
        format!("/api/invitations/{id}/revoke"),
        format!("/api/invitations/{id}/resend"),
        "/api/mail/x/retry".to_owned(),
    ] {
        for site in ["cross-site", "same-site"] {
            let request = Request::post(&target)
                .header("content-type", "text/plain")
                .header("authorization", basic("admin", "admin"))
                .header("sec-fetch-site", site)
                .body(Bytes::new())
                .unwrap();
            let reply = app.send(request);
            assert_eq!((reply.status.as_u16(), reply.trips()), (403, 0), "{target}: {}", reply.text);
        }
    }
    // No header and no parameter makes another method of a POST or a GET.
    for (name, value) in
        [("x-http-method-override", "DELETE"), ("x-method-override", "DELETE"), ("x-http-method", "DELETE")]
    {
        for method in ["GET", "POST"] {
            let request = Request::builder()
                .method(method)
                .uri(format!("{path}?_method=DELETE"))
                .header(name, value)
                .header("authorization", basic("admin", "admin"));
            let status = app.send(request.body(Bytes::new()).unwrap()).status.as_u16();
            assert!(status == if method == "GET" { 200 } else { 405 }, "{method} {name}: {status}");
        }
    }
    // A cookie is no credential anywhere else, and no origin is let in to read.
    for target in [path.as_str(), "/api/settings", "/api/audit", "/scim2/Me"] {
        let request =
            Request::get(target).header("cookie", "session=1; admin=1").header("origin", "https://evil.example");
        let reply = app.send(request.body(Bytes::new()).unwrap());
        assert_eq!(reply.status, 401, "{target}");
        assert!(reply.header("access-control-allow-origin").is_empty() && reply.header("set-cookie").is_empty());
    }
    let preflight = Request::options("/scim2/Users")
        .header("origin", "https://evil.example")
        .header("access-control-request-method", "POST");
    let reply = app.send(preflight.body(Bytes::new()).unwrap());
    assert_eq!(reply.status, 405);
    assert!(reply.header("access-control-allow-origin").is_empty());
    assert_eq!(app.dump(), before);
    assert_eq!(redeem(&app, &link, PASSWORD).status, 200);
}

#[test]
fn row_18_a_session_changes_nothing_unless_a_page_of_ours_asks() {
    let app = App::new();
    let user = app.invite("paul");
    let mut browser = Browser::signed_in(&app, "", "admin", "admin");
    let before = app.dump();
    let evil = "https://evil.example";
    let id = user["id"].as_str().unwrap();
    let path = format!("/scim2/Users/{id}");
    for (method, target) in [
        ("POST", "/scim2/Users"),
        ("DELETE", path.as_str()),
        ("PATCH", path.as_str()),
        ("POST", &format!("/api/invitations/{id}/revoke")),
        ("PATCH", "/api/settings"),
        ("POST", "/api/tokens"),
        ("POST", "/console/logout"),
        ("POST", "/console/logout/everywhere"),
    ] {
        for origin in
            [None, Some("null"), Some(evil), Some("https://id.example.com.evil.example"), Some("http://id.example.com")]
        {
            // What a page cannot keep its browser from saying, and what an old browser leaves out.
            for site in [None, Some("cross-site"), Some("same-site"), Some("none")] {
                for media_type in ["application/json", "text/plain", "application/x-www-form-urlencoded"] {
                    let request = Request::builder().method(method).uri(target).header("cookie", &browser.cookie);
                    let mut request =
                        request.header("content-type", media_type).header("x-http-method-override", "GET");
                    for (name, value) in [("origin", origin), ("sec-fetch-site", site)] {
                        if let Some(value) = value {
                            request = request.header(name, value);
                        }
                    }
                    let reply = app.send(request.body(Bytes::from(invited("eve").to_string())).unwrap());
                    let what = format!("{method} {target} from {origin:?}, {site:?}, as {media_type}");
                    assert_eq!((reply.status.as_u16(), reply.trips()), (403, 0), "{what}: {}", reply.text);
                }
            }
        }
    }
    assert_eq!(app.dump(), before);
    // The same from our own pages, whose browser hides where they are, or tells.
    for (origin, site) in
        [(crate::support::ORIGIN, "same-origin"), (crate::support::ORIGIN, ""), ("null", "same-origin")]
    {
        let request = Request::post("/scim2/Users")
            .header("cookie", &browser.cookie)
            .header("content-type", "application/json")
            .header("origin", origin);
        let request = if site.is_empty() { request } else { request.header("sec-fetch-site", site) };
        let body = invited(&format!("eve-{}-{site}", origin.len())).to_string();
        assert_eq!(app.send(request.body(Bytes::from(body)).unwrap()).status, 201, "{origin} {site}");
    }
    assert_eq!(browser.get("/console").status, 200);
}

#[test]
fn row_18_nobody_is_signed_in_or_out_by_another_sites_page() {
    let app = App::new();
    let form = "username=admin&password=admin&next=";
    let post = |path: &str, headers: &[(&str, &str)]| {
        let mut request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        app.send(request.body(Bytes::from(form)).unwrap())
    };
    for foreign in [
        &[("origin", "https://evil.example")] as &[_],
        &[("origin", "null")],
        &[("origin", "null"), ("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
    ] {
        // A browser leaves a `Lax` cookie out here, but would take the answer's.
        for path in ["/console/login", "/console/logout", "/console/logout/everywhere"] {
            let reply = post(path, foreign);
            assert_eq!((reply.status.as_u16(), reply.header("set-cookie")), (403, ""), "{path} {foreign:?}");
        }
    }
    for own in
        [&[] as &[_], &[("origin", "https://id.example.com")], &[("origin", "null"), ("sec-fetch-site", "same-origin")]]
    {
        assert_eq!(post("/console/login", own).status, 303, "{own:?}");
    }
}

#[test]
fn row_18_an_administrator_who_is_invited_himself_can_use_his_link() {
    let app = App::new();
    app.invite("paul");
    let link = app.newest_link();
    let mut browser = Browser::signed_in(&app, "", "admin", "admin");
    assert_eq!(browser.get(&link).status, 200);
    let request = Request::post(&link)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("cookie", &browser.cookie)
        .header("origin", "null")
        .header("sec-fetch-site", "same-origin");
    assert_eq!(app.send(request.body(Bytes::from("password=walking+the+dog+at+nine")).unwrap()).status, 200);
}

#[test]
fn row_22_a_bulk_request_that_repeats_itself_mails_nobody_twice() {
    let app = App::new();
    let create = |name: &str, email: &str| {
        json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": {
            "userName": name, "emails": [{ "value": email }], "urn:scim:wso2:schema": { "askPassword": true } } })
    };
    let operations = vec![
        create("paul", "paul@example.com"),
        create("PAUL", "paul@example.com"),
        create("P\u{61}ul", "Paul@Example.com"),
        create("bad", "a@x,b@y"),
        create("peter", "peter@example.com"),
        create("stra\u{df}e", "s@example.com"),
        create("STRASSE", "s@example.com"),
    ];
    let reply = app.scim().bulk(operations).is(200);
    let statuses: Vec<&str> =
        reply["Operations"].as_array().unwrap().iter().map(|operation| operation["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["201", "409", "409", "400", "201", "201", "409"]);
    app.deliver();
    app.deliver();
    let mut to: Vec<String> = app.inbox().iter().map(|mail| mail["to"].as_str().unwrap().to_owned()).collect();
    to.sort();
    assert_eq!(to, ["paul@example.com", "peter@example.com", "s@example.com"]);
}

#[test]
fn row_25_a_password_that_is_too_long_is_refused_before_it_costs() {
    let app = App::new();
    app.invite("paul");
    let link = app.newest_link();
    let created = app.scim().create("/scim2/Users", &json!({ "userName": "peter", "password": PASSWORD }));
    // That somebody tried to sign in is in the audit.
    let before = app.dump_without("audit");
    // Normalizing sorts a run of marks: without a limit in front of it, that is the dearest thing of all.
    for dear in ["x".repeat(1_000_000), "e\u{301}\u{323}".repeat(300_000), "\u{1e9b}\u{323}".repeat(200_000)] {
        let started = Instant::now();
        let page = redeem(&app, &link, &dear);
        assert_eq!((page.status.as_u16(), page.header("server-timing").contains("written=0")), (413, true));
        assert_eq!(app.me("peter", &dear).status, 401);
        let body = json!({ "userName": "mary", "password": dear }).to_string();
        assert_eq!(app.admin("POST", "/scim2/Users", body).status, 413);
        assert_eq!(app.scim().set(&created, "password", dear.as_str()).status, 413);
        let spent = started.elapsed();
        assert!(spent.as_secs() < 5, "{spent:?} for four refusals");
    }
    assert_eq!(app.dump_without("audit"), before);
    // That somebody began to set a password is noted once.
    assert_eq!(app.post_form(&link, &[("password", "short"), ("confirm", "short")]).status, 422);
    let before = app.dump_without("audit");
    // What fits into a request is still too long for a password.
    for dear in ["x".repeat(2000), "\u{301}".repeat(600), "e\u{301}".repeat(1_000)] {
        let page = app.post_form(&link, &[("password", &dear), ("confirm", &dear)]);
        assert_eq!(page.status, 422, "{}", page.text);
        let body = json!({ "userName": "mary", "password": dear }).to_string();
        let reply: Value = app.admin("POST", "/scim2/Users", body).is(400);
        assert!(reply["detail"].as_str().unwrap().contains("longer than 1024 bytes"), "{reply}");
        assert_eq!(app.me("peter", &dear).status, 401);
    }
    assert_eq!(app.dump_without("audit"), before);
    assert_eq!(app.me("peter", PASSWORD).status, 200);
    assert_eq!(redeem(&app, &link, PASSWORD).status, 200);
}
