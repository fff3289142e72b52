//! What caches may keep: assets, and nothing else.

use bytes::Bytes;
use http::{Method, Request};
use latchkey::http::{ROUTES, Service};
use latchkey::pages::assets;
use serde_json::json;

use crate::support::{App, basic, invited};

fn send(app: &App, method: &Method, path: &str, authorization: &str) -> (u16, String) {
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    if !authorization.is_empty() {
        request = request.header("authorization", authorization);
    }
    let reply = app.send(request.body(Bytes::from("{}")).unwrap());
    (reply.status.as_u16(), reply.header("cache-control").to_owned())
}

#[test]
fn no_answer_of_any_route_is_kept_whoever_asks_and_however_it_goes() {
    let app = App::new();
    app.create_tenant("acme.com");
    let admin = basic("admin", "admin");
    let mut statuses = std::collections::BTreeSet::new();
    for route in ROUTES.iter().filter(|route| route.path != "/dev/panic") {
        let filled = route.path.replace("{endpoint}", "Users");
        let path: Vec<_> = filled.split('/').map(|part| if part.starts_with('{') { "none" } else { part }).collect();
        let path = path.join("/");
        for prefix in ["", "/t/acme.com", "/t/nobody.example"] {
            for method in [&route.method, &Method::HEAD, &Method::OPTIONS, &Method::TRACE] {
                for authorization in ["", admin.as_str(), "Bearer nonsense"] {
                    let path = format!("{prefix}{path}");
                    let (status, kept) = send(&app, method, &path, authorization);
                    assert_eq!(kept, "no-store", "{method} {path}: {status}");
                    statuses.insert(status);
                }
            }
        }
    }
    for status in [200, 303, 400, 401, 403, 404, 405] {
        assert!(statuses.contains(&status), "{status} in {statuses:?}");
    }
}

#[test]
fn nor_is_one_that_no_route_gives() {
    let app = App::new();
    let user = app.invite("paul");
    let place = format!("/scim2/Users/{}", user["id"].as_str().unwrap());
    let with = |name: &'static str, value: &str, method: &str, path: &str| {
        let request = Request::builder().method(method).uri(path).header("authorization", basic("admin", "admin"));
        let request = request.header("content-type", "application/scim+json").header(name, value);
        let reply = app.send(request.body(Bytes::from(invited("paula").to_string())).unwrap());
        assert_eq!(reply.header("cache-control"), "no-store", "{method} {path}");
        reply.status.as_u16()
    };
    assert_eq!(with("if-none-match", user["meta"]["version"].as_str().unwrap(), "GET", &place), 304);
    assert_eq!(with("if-match", "W/\"99\"", "PUT", &place), 412);
    assert_eq!(with("sec-fetch-site", "cross-site", "POST", "/scim2/Users"), 403, "a page of another site");
    assert_eq!(with("x-nothing", "", "POST", "/scim2/Users"), 201);
    assert_eq!(with("x-nothing", "", "DELETE", &place), 204);
    assert_eq!(with("x-nothing", "", "GET", "/no/such/address"), 404);
    assert_eq!(with("x-nothing", "", "GET", "/assets/nothing.css"), 404);
    let body = json!({ "ORGANIZATION_NAME": "x".repeat(2 << 20) }).to_string();
    let large = app.admin("PATCH", "/api/settings", body);
    assert_eq!((large.status.as_u16(), large.header("cache-control")), (413, "no-store"));
    let unconfigured = Service::new(Err(vec!["TOKEN_KEYS is missing.".to_owned()]));
    for (path, status) in [("/healthz", 200), ("/scim2/Users", 503), ("/invite/x", 503), ("/assets/x", 503)] {
        let reply = app.send_to(&unconfigured, Request::get(path).body(Bytes::new()).unwrap());
        assert_eq!((reply.status.as_u16(), reply.header("cache-control")), (status, "no-store"), "{path}");
    }
}

#[test]
fn assets_are_kept() {
    let app = App::new();
    let page = app.anyone("GET", "/invite/x").text;
    let paths: Vec<_> = page.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert!(!paths.is_empty());
    for path in paths {
        for method in ["GET", "HEAD"] {
            let reply = app.anyone(method, path);
            assert_eq!((reply.status.as_u16(), reply.header("cache-control")), (200, assets::CACHE_CONTROL), "{path}");
        }
        assert_eq!(app.anyone("POST", path).header("cache-control"), "no-store", "a method that it does not have");
    }
}
