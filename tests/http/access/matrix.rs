//! What every kind of caller gets at every route: generated from the table of routes, so that a new one shows up here.

use std::fmt::Write;

use bytes::Bytes;
use http::Request;
use latchkey::base::scope::{Scope, Scopes};
use latchkey::http::{ROUTES, Route, Rule};
use serde_json::json;

use crate::console::Browser;
use crate::scim2::client::{PASSWORD, USER};
use crate::support::{App, ORIGIN, basic};

struct Matrix {
    app: App,
    /// By name, with the `Authorization` each sends, or the cookie of a session; an empty one is none.
    callers: Vec<(String, String)>,
}

impl Matrix {
    /// Tenants acme.com and globex.com with an administrator each; the others are acme.com's, or the super tenant's.
    fn new() -> Self {
        let app = App::new();
        app.create_tenant("acme.com");
        app.create_tenant("globex.com");
        let user = |prefix: &str, name: &str, role: &str| {
            let mut body = json!({ "schemas": [USER], "userName": name, "password": PASSWORD });
            if !role.is_empty() {
                body["roles"] = json!([{ "value": role }]);
            }
            app.scim().create(&format!("{prefix}/scim2/Users"), &body);
            basic(name, PASSWORD)
        };
        let token = |prefix: &str, scopes: &[&str]| format!("Bearer {}", app.token(prefix, scopes).1);
        let names: Vec<&str> = Scopes::all().names().collect();
        let of_tenant = &names[..names.len() - 1];
        let (acme, globex) = ("/t/acme.com", "/t/globex.com");
        let mut callers = vec![
            ("nobody".to_owned(), String::new()),
            ("wrong".to_owned(), basic("alice", "wrong")),
            ("user".to_owned(), user(acme, "ursula", "")),
            ("auditor".to_owned(), user(acme, "audrey", "auditor")),
            ("inviter".to_owned(), user(acme, "ivan", "inviter")),
            ("admin".to_owned(), user(acme, "alice", "admin")),
        ];
        callers.extend(of_tenant.iter().map(|scope| ((*scope).to_owned(), token(acme, &[*scope]))));
        callers.extend([
            ("globex admin".to_owned(), user(globex, "gus", "admin")),
            ("globex token".to_owned(), token(globex, of_tenant)),
            ("super token".to_owned(), token("", of_tenant)),
            ("super admin".to_owned(), {
                user("", "root", "admin");
                basic("root@carbon.super", PASSWORD)
            }),
            ("super auditor".to_owned(), {
                user("", "sam", "auditor");
                basic("sam@carbon.super", PASSWORD)
            }),
            ("super tenants".to_owned(), token("", &["scim:read", "tenants"])),
            ("first admin".to_owned(), basic("admin", "admin")),
        ]);
        for (name, prefix, user) in [
            ("auditor's session", acme, "audrey"),
            ("inviter's session", acme, "ivan"),
            ("admin's session", acme, "alice"),
            ("globex session", globex, "gus"),
            ("super session", "", "root"),
        ] {
            callers.push((name.to_owned(), Browser::signed_in(&app, prefix, user, PASSWORD).cookie));
        }
        Self { app, callers }
    }

    fn status(&self, method: &http::Method, path: &str, authorization: &str) -> u16 {
        let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        if authorization.starts_with("latchkey-session=") {
            request = request.header("cookie", authorization).header("origin", ORIGIN);
        } else if !authorization.is_empty() {
            request = request.header("authorization", authorization);
        }
        self.app.send(request.body(Bytes::from("{}")).unwrap()).status.as_u16()
    }
}

/// All routes but the one that panics.
fn routes() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| route.path != "/dev/panic")
}

/// A path of the pattern: nothing is there but the endpoints.
fn path(pattern: &str) -> String {
    let filled = pattern.replace("{endpoint}", "Users");
    filled.split('/').map(|part| if part.starts_with('{') { "none" } else { part }).collect::<Vec<_>>().join("/")
}

#[test]
fn every_route_lets_in_whom_its_rule_names_and_nobody_else() {
    let matrix = Matrix::new();
    let mut table = String::new();
    for (index, (name, _)) in matrix.callers.iter().enumerate() {
        writeln!(table, "{}{name}", "|   ".repeat(index)).unwrap();
    }
    for route in routes() {
        for (name, authorization) in &matrix.callers {
            let path = format!("/t/acme.com{}", path(route.path));
            let status = matrix.status(&route.method, &path, authorization);
            write!(table, "{status} ").unwrap();
            let (any_of, all_of): (&[Scope], &[Scope]) = match route.rule {
                Rule::Scopes(any_of) => (any_of, &[]),
                Rule::AllScopes(all_of) => (all_of, all_of),
                Rule::Anyone | Rule::Own | Rule::Console(_) => continue,
            };
            let unknown = [
                "nobody",
                "wrong",
                "user",
                "globex admin",
                "globex token",
                "super token",
                "super auditor",
                "globex session",
            ];
            let known = !unknown.contains(&name.as_str());
            assert_eq!(status == 401, !known, "{} {path}: {name} got {status}", route.method);
            let scopes = match name.as_str() {
                "admin" | "super admin" | "first admin" | "admin's session" | "super session" => Scopes::all(),
                "auditor" | "auditor's session" => Scopes::from_stored("scim:read audit"),
                "inviter" | "inviter's session" => Scopes::from_stored("scim:read invitations"),
                "super tenants" => Scopes::from_stored("scim:read tenants"),
                scope => Scopes::from_stored(scope),
            };
            // Tenants are the super tenant's business, whoever asks inside another.
            let allowed =
                scopes.has_any(any_of) && all_of.iter().all(|scope| scopes.has(*scope)) && any_of != [Scope::Tenants];
            if known {
                assert_eq!(status == 403, !allowed, "{} {path}: {name} got {status}", route.method);
            }
        }
        writeln!(table, "{} {} ({})", route.method, route.path, route.rule).unwrap();
    }
    insta::assert_snapshot!(table);
}

#[test]
fn no_route_tells_an_unknown_tenant_from_one_that_does_not_know_the_caller() {
    let matrix = Matrix::new();
    for route in routes() {
        let path = path(route.path);
        for authorization in ["", &basic("gus", PASSWORD), &basic("gus", "wrong")] {
            let [unknown, known] = ["nobody.example", "acme.com"]
                .map(|tenant| matrix.status(&route.method, &format!("/t/{tenant}{path}"), authorization));
            assert_eq!(unknown, known, "{} {path}", route.method);
        }
        if matches!(route.rule, Rule::Scopes(_) | Rule::AllScopes(_)) {
            let path = format!("/t/nobody.example{path}");
            assert_eq!(matrix.status(&route.method, &path, &basic("admin", "admin")), 401, "{path}");
        }
    }
}

#[test]
fn every_route_is_described() {
    let described = App::new().anyone("GET", "/openapi.json").json();
    // The names of parameters are the description's own.
    let plain = |path: &str| {
        path.trim_end_matches('/')
            .split('/')
            .map(|part| if part.starts_with('{') { "{}" } else { part })
            .collect::<Vec<_>>()
            .join("/")
    };
    let paths: Vec<_> =
        described["paths"].as_object().unwrap().iter().map(|(path, item)| (plain(path), item)).collect();
    let mut missing = Vec::new();
    // The console's pages are for people: no program calls them.
    for route in routes().filter(|route| !matches!(route.rule, Rule::Console(_))) {
        let method = route.method.as_str().to_lowercase();
        let found = paths.iter().any(|(path, item)| *path == plain(route.path) && item.get(&method).is_some());
        if !found {
            missing.push(format!("{} {}", route.method, route.path));
        }
    }
    assert_eq!(missing, Vec::<String>::new(), "missing in docs/openapi.json");
}
