//! Administrators beside the first: users with a role, by `roles` or by a group (DESIGN 2.3).

use serde_json::{Value, json};

use crate::console::Browser;
use crate::scim2::client::{Client, GROUP, PASSWORD, USER, id, values};
use crate::support::{App, basic};

fn create(app: &App, prefix: &str, name: &str, roles: &[&str]) -> String {
    let roles: Vec<Value> = roles.iter().map(|role| json!({ "value": role })).collect();
    let mut body = json!({
        "schemas": [USER], "userName": name, "password": PASSWORD, "emails": [{ "value": format!("{name}@example.com") }]
    });
    if !roles.is_empty() {
        body["roles"] = json!(roles);
    }
    app.scim().create(&format!("{prefix}/scim2/Users"), &body)
}

fn with_token<'a>(app: &'a App, scopes: &[&str]) -> Client<'a> {
    app.nobody().with("authorization", &format!("Bearer {}", app.token("", scopes).1))
}

fn status(app: &App, name: &str, method: &str, path: &str) -> u16 {
    app.authorized(&basic(name, PASSWORD), method, path).status.as_u16()
}

#[test]
fn a_role_lets_a_user_do_what_it_stands_for() {
    let app = App::new();
    for (name, role) in [("alice", "Admin"), ("ivan", "inviter"), ("audrey", "auditor"), ("paul", "janitor")] {
        create(&app, "", name, &[role]);
    }
    let all = |name: &str| {
        [("GET", "/scim2/Users"), ("GET", "/api/settings"), ("DELETE", "/scim2/Users/0"), ("POST", "/scim2/Users")]
            .map(|(method, path)| status(&app, name, method, path))
    };
    assert_eq!(all("alice"), [200, 200, 404, 400]);
    assert_eq!(all("ivan"), [200, 403, 403, 400]);
    assert_eq!(all("audrey"), [200, 403, 403, 403]);
    assert_eq!(all("paul"), [401, 401, 401, 401]);
    assert_eq!(app.authorized(&basic("alice", "wrong"), "GET", "/scim2/Users").status, 401);

    let invited = crate::support::invited("ines");
    app.user("ivan", PASSWORD).post("/scim2/Users", &invited).is(201);
    app.user("ivan", PASSWORD).post("/scim2/Users", &json!({ "schemas": [USER], "userName": "x" })).is_error(403, None);
    let actor = "SELECT COUNT(*) FROM audit WHERE action = 'user.create' AND actor LIKE 'administrator:ivan (%'";
    assert_eq!(app.number(actor), 1);
}

#[test]
fn a_group_gives_its_direct_members_the_role_it_is_called_by() {
    let app = App::new();
    let (alice, bob) = (create(&app, "", "alice", &[]), create(&app, "", "bob", &[]));
    let inner = app.scim().create_group("Everybody", &[&bob]);
    assert_eq!(status(&app, "alice", "GET", "/scim2/Users"), 401);
    let group = app.scim().create_group("AUDITOR", &[&alice, &inner]);
    assert_eq!(status(&app, "alice", "GET", "/scim2/Users"), 200);
    assert_eq!(status(&app, "bob", "GET", "/scim2/Users"), 401);
    app.scim()
        .patch(&group, json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", id(&alice)) }]))
        .is(200);
    assert_eq!(status(&app, "alice", "GET", "/scim2/Users"), 401);
}

#[test]
fn a_role_ends_with_the_account_and_with_the_role_at_once() {
    let app = App::new();
    let alice = create(&app, "", "alice", &["admin"]);
    assert_eq!(status(&app, "alice", "GET", "/scim2/Users"), 200);
    app.scim().set(&alice, "active", false).is(200);
    assert_eq!(status(&app, "alice", "GET", "/scim2/Users"), 401);
    app.scim().set(&alice, "active", true).is(200);
    assert_eq!(status(&app, "alice", "GET", "/scim2/Users"), 200);
    app.scim().patch(&alice, json!([{ "op": "remove", "path": "roles" }])).is(200);
    assert_eq!(status(&app, "alice", "GET", "/scim2/Users"), 401);
}

#[test]
fn roles_are_written_with_the_scope_roles_alone() {
    let app = App::new();
    let alice = create(&app, "", "alice", &["admin"]);
    let paul = create(&app, "", "paul", &[]);
    let script = with_token(&app, &["scim:read", "scim:write", "invitations"]);
    let admin = json!([{ "value": "admin" }]);
    let body = json!({ "schemas": [USER], "userName": "eve", "roles": admin });
    script.post("/scim2/Users", &body).is_error(403, None);
    script.set(&paul, "roles", admin.clone()).is_error(403, None);
    script.patch(&paul, json!([{ "op": "add", "value": { "roles": admin } }])).is_error(403, None);
    script.patch(&alice, json!([{ "op": "remove", "path": "roles" }])).is_error(403, None);
    script.put(&paul, &json!({ "schemas": [USER], "userName": "paul", "roles": admin })).is_error(403, None);
    let results = script
        .bulk(vec![
            json!({ "method": "POST", "path": "/Users", "bulkId": "1", "data": body }),
            json!({ "method": "PATCH", "path": format!("/Users/{}", id(&paul)), "data": { "Operations": [{ "op": "add", "path": "roles", "value": admin }] } }),
        ])
        .is(200);
    for result in results["Operations"].as_array().unwrap() {
        assert_eq!(result["status"], "403", "{result}");
    }
    let spelled = json!({ "schemas": [USER], "userName": "eve", "ROLES": admin });
    script.post("/scim2/Users", &spelled).is_error(403, None);
    script.set(&paul, "Roles", admin.clone()).is_error(403, None);
    // What is not spoken of stays, and what stays needs no scope.
    let put = script.put(&alice, &json!({ "schemas": [USER], "userName": "alice", "nickName": "Al", "emails": [{ "value": "alice@example.com" }] }));
    assert_eq!(put.is(200)["roles"], admin);
    let same = script.get(&alice).is(200);
    assert_eq!(script.put(&alice, &same).is(200), same);
    script.set(&alice, "title", "Dr").is(200);
    with_token(&app, &["scim:write", "roles"]).set(&paul, "roles", admin).is(200);
}

#[test]
fn groups_that_give_a_role_are_touched_with_the_scope_roles_alone() {
    let app = App::new();
    let paul = create(&app, "", "paul", &[]);
    let group = app.scim().create_group("admin", &[]);
    let other = app.scim().create_group("staff", &[]);
    let script = with_token(&app, &["scim:read", "scim:write"]);
    let member = values(&[&paul]);
    script.patch(&group, json!([{ "op": "add", "path": "members", "value": member }])).is_error(403, None);
    let replaced = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "admin", "members": member });
    script.put(&group, &replaced).is_error(403, None);
    script.set(&group, "displayName", "nobody").is_error(403, None);
    for name in ["Admin", " INVITER", "auditor"] {
        script.set(&other, "displayname", name).is_error(403, None);
    }
    script.post("/scim2/Groups", &replaced).is_error(403, None);
    script.delete(&group).is_error(403, None);
    script.if_match("W/\"1\"").delete(&group).is_error(403, None);
    let result = script
        .bulk(vec![
            json!({ "method": "POST", "path": "/Groups", "bulkId": "1", "data": replaced }),
            json!({ "method": "DELETE", "path": format!("/Groups/{}", id(&group)) }),
        ])
        .is(200);
    assert_eq!(
        (&result["Operations"][0]["status"], &result["Operations"][1]["status"]),
        (&json!("403"), &json!("403"))
    );
    script.patch(&other, json!([{ "op": "add", "path": "members", "value": member }])).is(200);
    script.delete(&other).is(204);
    app.scim().delete(&group).is(204);
}

#[test]
fn nobody_becomes_an_administrator_by_setting_ones_password_or_address() {
    let app = App::new();
    let alice = create(&app, "", "alice", &["admin"]);
    let script = with_token(&app, &["scim:read", "scim:write", "invitations"]);
    script.set(&alice, "password", "a password of the script's").is_error(403, None);
    script.set(&alice, "emails", json!([{ "value": "eve@evil.example", "primary": true }])).is_error(403, None);
    assert_eq!(status(&app, "alice", "GET", "/scim2/Users"), 200);
    app.user("alice", PASSWORD).set("/scim2/Me", "password", "her own new password").is(200);
    assert_eq!(status(&app, "alice", "GET", "/scim2/Users"), 401);
    app.scim().set(&alice, "password", PASSWORD).is(200);
    assert_eq!(status(&app, "alice", "GET", "/scim2/Users"), 200);
}

#[test]
fn an_administrator_of_one_tenant_is_nobody_in_another_but_for_the_super_tenants() {
    let app = App::new();
    app.create_tenant("acme.com");
    create(&app, "", "alice", &["admin"]);
    create(&app, "", "audrey", &["auditor"]);
    create(&app, "/t/acme.com", "bob", &["admin"]);
    assert_eq!(status(&app, "bob", "GET", "/t/acme.com/scim2/Users"), 200);
    for (name, path) in [
        ("bob", "/scim2/Users"),
        ("bob", "/t/globex.com/scim2/Users"),
        ("alice", "/t/acme.com/scim2/Users"),
        ("audrey@carbon.super", "/t/acme.com/scim2/Users"),
        ("bob@carbon.super", "/t/acme.com/scim2/Users"),
        ("alice@carbon.super", "/t/globex.com/scim2/Users"),
    ] {
        assert_eq!(status(&app, name, "GET", path), 401, "{name} {path}");
    }
    let user = json!({ "schemas": [USER], "userName": "petra" });
    app.user("alice@carbon.super", PASSWORD).post("/t/acme.com/scim2/Users", &user).is(201);
    let actor = "SELECT COUNT(*) FROM audit WHERE actor LIKE 'administrator:alice@carbon.super (%'";
    assert_eq!(app.number(actor), 1);
}

#[test]
fn the_first_administrators_secrets_may_go_once_there_is_another() {
    let app = App::new();
    create(&app, "", "alice", &["admin"]);
    let app = app.without(&["ADMIN_USERNAME", "ADMIN_PASSWORD"]);
    assert_eq!(app.admin("GET", "/scim2/Users", "").status, 401);
    assert_eq!(status(&app, "alice", "GET", "/scim2/Users"), 200);
    for empty in [basic("", ""), basic("admin", ""), basic("", "admin")] {
        assert_eq!(app.authorized(&empty, "GET", "/scim2/Users").status, 401);
    }
}

#[test]
fn whoever_may_write_users_makes_nobody_an_administrator() {
    let app = App::new();
    let mallory =
        app.scim().create("/scim2/Users", &json!({ "schemas": [USER], "userName": "mallory", "password": PASSWORD }));
    let helpers = app.scim().create_group("helpers", &[&mallory]);
    let admins = app.scim().create_group("admin", &[]);
    let (_, token) =
        app.token("", &["scim:read", "scim:write", "invitations", "links", "settings", "templates", "mail"]);
    let client = app.nobody().with("authorization", &format!("Bearer {token}"));
    let role = json!([{ "value": "admin" }]);
    let urn = format!("{USER}:roles");
    let of_mallory = [{ json!({ "value": id(&mallory) }) }];
    for path in
        ["roles", "ROLES", urn.as_str(), "roles.value", "roles[type eq \"work\"].value", "roles[value eq \"admin\"]"]
    {
        for op in ["add", "replace", "Replace"] {
            for value in [role.clone(), json!("admin"), json!({ "value": "admin" })] {
                let reply = client.patch(&mallory, json!([{ "op": op, "path": path, "value": value }]));
                assert!([400, 403].contains(&reply.status.as_u16()), "{op} {path} {value}: {}", reply.text);
            }
        }
    }
    for name in ["roles", "Roles", "roLES", urn.as_str()] {
        let mut body = json!({ "schemas": [USER], "userName": "mallory" });
        body[name] = role.clone();
        for reply in [
            client.put(&mallory, &body),
            client.patch(&mallory, json!([{ "op": "add", "value": { name: role.clone() } }])),
            client.patch(&mallory, json!([{ "op": "replace", "value": { USER: { name: role.clone() } } }])),
        ] {
            assert!([200, 400, 403].contains(&reply.status.as_u16()), "{name}: {}", reply.text);
        }
        body["userName"] = format!("eve-{name}").into();
        body["password"] = PASSWORD.into();
        let reply = client.post("/scim2/Users", &body);
        assert!([201, 400, 403].contains(&reply.status.as_u16()), "{name}: {}", reply.text);
        let status = Browser::new(&app).sign_in("", &format!("eve-{name}"), PASSWORD).status.as_u16();
        assert_eq!(status, 401, "{name}");
    }
    for name in ["admin", " Admin", "ADMIN\u{a0}", "\u{2003}admin"] {
        let group = json!({ "schemas": [GROUP], "displayName": name, "members": of_mallory });
        assert_eq!(client.post("/scim2/Groups", &group).status, 403, "{name:?}");
        assert_eq!(client.put(&helpers, &group).status, 403, "{name:?}");
        assert_eq!(client.set(&helpers, "displayName", name).status, 403, "{name:?}");
        assert_eq!(client.patch(&helpers, json!([{ "op": "replace", "value": { "displayName": name } }])).status, 403);
    }
    for operations in [
        json!([{ "op": "add", "path": "members", "value": of_mallory }]),
        json!([{ "op": "add", "value": { "members": of_mallory } }]),
        json!([{ "op": "replace", "path": format!("{GROUP}:members"), "value": of_mallory }]),
        json!([{ "op": "add", "path": "members", "value": [{ "value": id(&helpers) }] }]),
        json!([{ "op": "replace", "path": "displayName", "value": "x" }, { "op": "add", "path": "members", "value": of_mallory }]),
    ] {
        assert_eq!(client.patch(&admins, operations.clone()).status, 403, "{operations}");
    }
    assert_eq!(client.delete(&admins).status, 403);
    let csv = "userName,email,groups\nmina,mina@example.com,admin\nmona,mona@example.com, ADMIN \n";
    let import = app.nobody().with("authorization", &format!("Bearer {token}")).with("content-type", "text/csv");
    let report = import.send("POST", "/api/invitations/import", csv).json();
    assert_eq!((report["created"].as_u64(), report["failed"].as_u64()), (Some(0), Some(2)), "{report}");
    // Indirectly, by what the role's group contains.
    app.scim()
        .patch(&admins, json!([{ "op": "add", "path": "members", "value": json!([{ "value": id(&helpers) }]) }]))
        .is(200);
    assert_eq!(Browser::new(&app).sign_in("", "mallory", PASSWORD).status, 401);
    assert_eq!(app.authorized(&basic("mallory", PASSWORD), "GET", "/scim2/Users").status, 401);
}
