//! What every address below `/scim2` answers to a request it cannot carry out: a SCIM error (RFC 7644 section 3.12).

use bytes::Bytes;
use http::Request;
use serde_json::json;

use crate::support::{App, basic};

#[test]
fn without_credentials_or_with_wrong_ones_nothing_is_told() {
    let app = App::new();
    for authorization in
        ["", "non-token", "Basic", "Basic !!!", "Bearer lk_x", &basic("admin", "nimda"), &basic("nobody", "")]
    {
        for (method, path) in
            [("POST", "/scim2/Users"), ("GET", "/scim2/Users/1"), ("DELETE", "/scim2/Users/1"), ("GET", "/scim2/Users")]
        {
            let request = Request::builder().method(method).uri(path).header("authorization", authorization);
            app.send(request.body(Bytes::new()).unwrap()).is_error(401, None);
        }
    }
}

#[test]
fn unknown_paths_and_methods_are_scim_errors() {
    let app = App::new();
    app.admin("GET", "/scim2/Nothing", "").is_error(404, None);
    for (path, has) in [("/scim2", "GET"), ("/scim2/Users", "POST")] {
        let reply = app.admin("PUT", path, "{}");
        reply.is_error(405, None);
        assert!(reply.header("allow").contains(has), "{:?}", reply.headers);
    }
}

#[test]
fn a_method_that_an_address_does_not_have_is_405_with_those_it_has() {
    let app = App::new();
    let has = [
        ("/scim2", "GET"),
        ("/scim2/Users", "GET,POST"),
        ("/scim2/Users/1", "GET,PUT,PATCH,DELETE"),
        ("/scim2/Users/.search", "POST"),
        ("/scim2/Groups", "GET,POST"),
        ("/scim2/Groups/1", "GET,PUT,PATCH,DELETE"),
        ("/scim2/Groups/.search", "POST"),
        ("/scim2/.search", "POST"),
        ("/scim2/Bulk", "POST"),
        ("/scim2/Me", "GET,PUT,PATCH"),
        ("/scim2/ServiceProviderConfig", "GET"),
        ("/scim2/ResourceTypes", "GET"),
        ("/scim2/ResourceTypes/User", "GET"),
        ("/scim2/Schemas", "GET"),
        ("/scim2/Schemas/urn:ietf:params:scim:schemas:core:2.0:User", "GET"),
    ];
    for (path, methods) in has {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            if methods.split(',').any(|has| has == method) {
                continue;
            }
            let reply = app.scim().send(method, path, "{}");
            reply.is_error(405, None);
            let mut allowed: Vec<_> = reply.header("allow").split(',').filter(|method| *method != "HEAD").collect();
            let mut expected: Vec<_> = methods.split(',').collect();
            allowed.sort_unstable();
            expected.sort_unstable();
            assert_eq!(allowed, expected, "{method} {path}");
        }
    }
}

#[test]
fn an_endpoint_that_there_is_not_is_404() {
    let app = App::new();
    for path in ["/scim2/Robots", "/scim2/Robots/1", "/scim2/Users/1/2", "/scim2/v2/Users", "/scim2/Me/1"] {
        app.scim().get(path).is_error(404, None);
    }
    app.scim().post("/scim2/Robots", &json!({})).is_error(404, None);
    app.scim().post("/scim2/Robots/.search", &json!({})).is_error(404, None);
    app.scim().put("/scim2/Robots/1", &json!({})).is_error(404, None);
    app.scim().patch("/scim2/Robots/1", json!([])).is_error(404, None);
    app.scim().delete("/scim2/Robots/1").is_error(404, None);
}

#[test]
fn every_address_that_takes_a_body_refuses_other_media_types_and_broken_json() {
    let app = App::new();
    let user = app.scim().create_user("paul");
    let group = app.scim().create_group("staff", &[]);
    for (method, path) in [
        ("POST", "/scim2/Users"),
        ("PUT", &user),
        ("PATCH", &user),
        ("POST", "/scim2/Users/.search"),
        ("POST", "/scim2/Groups"),
        ("PUT", &group),
        ("PATCH", &group),
        ("POST", "/scim2/.search"),
        ("POST", "/scim2/Bulk"),
    ] {
        app.scim().with("content-type", "application/xml").send(method, path, "<a/>").is_error(415, None);
        for broken in ["", "{", "[]", "7", "\"x\"", "null", "{\"a\":}"] {
            app.scim().send(method, path, broken).is_error(400, Some("invalidSyntax"));
        }
        app.scim().send(method, path, vec![b'['; 9 * 1024 * 1024]).is_error(413, None);
        app.nobody().send(method, path, "{}").is_error(401, None);
    }
}

#[test]
fn a_tenant_prefix_changes_nothing_about_errors() {
    let app = App::new();
    app.scim().get("/t/carbon.super/scim2/Users/1").is_error(404, None);
    app.scim().get("/t/acme.com/scim2/Users/1").is_error(401, None);
    app.nobody().get("/t/acme.com/scim2/Users").is_error(401, None);
}
