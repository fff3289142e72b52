//! Health, configuration, and everything that is at no address.

use bytes::Bytes;
use http::Request;
use latchkey::http::Service;
use latchkey::mail::webhooks::problem_with;
use latchkey::model::deployment::Deployment;
use latchkey::native::Native;

use crate::support::App;

#[test]
fn an_unconfigured_deployment_answers_503_everywhere_but_at_healthz() {
    let app = App::new();
    let problems = Deployment::load(|_| None, problem_with).unwrap_err();
    let service = Service::new(Err(problems));
    let native = Native::in_memory().unwrap();
    let get = |path: &str| {
        let response = service.handle(&native.platform, Request::get(path).body(Bytes::new()).unwrap());
        let status = response.status().as_u16();
        let bytes = response.into_body();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    };
    assert_eq!(get("/healthz").0, 200);
    for path in [
        "/scim2/Users",
        "/scim2/ServiceProviderConfig",
        "/invite/x",
        "/api/invitations",
        "/dev/inbox.json",
        "/",
        "/t/acme.com/scim2/Me",
    ] {
        let (status, text) = get(path);
        assert_eq!(status, 503, "{path}");
        for name in ["TOKEN_KEYS", "PUBLIC_ORIGIN", "MAIL_PROVIDER"] {
            assert!(text.contains(name), "{path}: {text}");
        }
    }
    assert_eq!(app.anyone("GET", "/healthz").status, 200);
}

#[test]
fn errors_speak_the_dialect_of_their_path() {
    let app = App::new();
    assert_eq!(app.anyone("GET", "/scim2/x").header("content-type"), "application/scim+json");
    assert_eq!(app.anyone("GET", "/api/x").header("content-type"), "application/problem+json");
    let page = app.anyone("GET", "/x");
    assert_eq!((page.status.as_u16(), page.header("content-type")), (404, "text/html; charset=utf-8"));
}

#[test]
fn discovery_needs_no_credentials_and_is_the_same_for_any_tenant_name() {
    let app = App::new();
    for path in ["/scim2/ServiceProviderConfig", "/scim2/Schemas", "/scim2/ResourceTypes"] {
        let reply = app.anyone("GET", path);
        assert_eq!(
            (reply.status.as_u16(), reply.header("content-type")),
            (200, "application/scim+json"),
            "{}",
            reply.text
        );
        assert_eq!(app.anyone("GET", &format!("/t/nobody.example{path}")).status, 200);
    }
    let schema = app.anyone("GET", "/scim2/Schemas/urn:ietf:params:scim:schemas:core:2.0:User");
    assert_eq!(schema.json()["id"], "urn:ietf:params:scim:schemas:core:2.0:User");
    assert_eq!(app.anyone("GET", "/scim2/Schemas/urn:none").status, 404);
}

#[test]
fn an_unknown_tenant_answers_401_like_a_known_one() {
    let app = App::new();
    let known = app.anyone("GET", "/scim2/Users");
    let unknown = app.admin("GET", "/t/nobody.example/scim2/Users", "");
    assert_eq!((known.status, &known.text), (unknown.status, &unknown.text));
    assert_eq!(known.status, 401);
}

#[test]
fn in_production_there_is_no_inbox_and_no_cost_header() {
    let app = App::with(&[
        ("ENVIRONMENT", "production"),
        ("ADMIN_PASSWORD", "a real password"),
        ("MAIL_PROVIDER", "resend"),
        ("MAIL_API_KEY", "re_1"),
        ("MAIL_FROM", "a@example.com"),
    ]);
    assert_eq!(app.anyone("GET", "/dev/inbox.json").status, 404);
    assert_eq!(app.anyone("GET", "/dev/inbox").status, 404);
    let reply = app.anyone("GET", "/healthz");
    assert_eq!(reply.header("server-timing"), "");
    assert!(reply.header("strict-transport-security").contains("max-age"));
}

#[test]
fn pages_load_their_assets_from_their_own_address() {
    let app = App::new();
    let page = app.anyone("GET", "/invite/x");
    let (_, rest) = page.text.split_once("href=\"/assets/latchkey-").expect("an asset");
    let path = format!("/assets/latchkey-{}", rest.split('"').next().unwrap());
    let asset = app.anyone("GET", &path);
    assert_eq!(asset.status, 200);
    assert!(asset.header("cache-control").contains("immutable"));
    assert_eq!(app.anyone("GET", "/assets/../Cargo.toml").status, 404);
}

#[test]
fn log_lines_carry_the_route_and_never_the_path() {
    let app = App::new();
    app.anyone("GET", "/invite/secret-token?x=secret-query");
    let log = app.native.log.to_text();
    assert!(log.contains("\"route\":\"/invite/{token}\"") && log.contains("\"status\":404"), "{log}");
    assert!(!log.contains("secret"), "{log}");
}
