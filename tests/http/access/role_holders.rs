//! What lets a user who has a role in, or keeps them out, takes the scope `roles`; and a tenant keeps an administrator who
//! can sign in.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use latchkey::http::Service;
use latchkey::native::Sqlite;
use latchkey::ports::{Database, DatabaseError, Outcome, Statement};
use serde_json::{Value, json};

use crate::scim2::client::{Client, GROUP, PASSWORD, USER, WSO2, id, in_parallel, values};
use crate::support::{App, basic, deployment, invited};

const STORES: (&str, &str) = ("USER_STORES", "ACME=DB_ACME");

fn app() -> App {
    App::with(&[STORES])
}

/// The same without the secret administrator.
fn without_secret(app: App) -> App {
    let deployment = Arc::new(deployment(&[STORES, ("ADMIN_USERNAME", ""), ("ADMIN_PASSWORD", "")]));
    App { service: Service::new(Ok(deployment.clone())), deployment, ..app }
}

fn client<'a>(app: &'a App, scopes: &[&str]) -> Client<'a> {
    app.nobody().with("authorization", &format!("Bearer {}", app.token("", scopes).1))
}

fn body(name: &str) -> Value {
    json!({
        "schemas": [USER], "userName": name, "password": PASSWORD, "title": "Dr",
        "emails": [{ "value": "one@example.com", "primary": true }, { "value": "two@example.com", "type": "home" }],
    })
}

/// A user who has this role: by the attribute, or by the group of that name.
fn holder(app: &App, name: &str, role: &str, by_group: bool) -> String {
    let mut user = body(name);
    if !by_group {
        user["roles"] = json!([{ "value": role }]);
    }
    let path = app.scim().create("/scim2/Users", &user);
    if by_group {
        join(app, role, &path);
    }
    path
}

/// Makes a user a member of the group of this name, which is created if need be; answers the group's path.
fn join(app: &App, group: &str, user: &str) -> String {
    let found = app.scim().filter("/scim2/Groups", &format!("displayName eq \"{group}\""));
    match found.first() {
        Some(found) => {
            let path = format!("/scim2/Groups/{}", found["id"].as_str().unwrap());
            app.scim().patch(&path, json!([{ "op": "add", "path": "members", "value": values(&[user]) }])).is(200);
            path
        }
        None => app.scim().create_group(group, &[user]),
    }
}

fn replace(path: &str, value: impl Into<Value>) -> Value {
    json!([{ "op": "replace", "path": path, "value": value.into() }])
}

/// What a PATCH of a live user may do to whether and how they get in.
fn patches(store: &str) -> Vec<Value> {
    vec![
        replace("active", false),
        replace(&format!("{WSO2}:accountLocked"), true),
        replace(&format!("{WSO2}:accountDisabled"), true),
        replace(&format!("{WSO2}:forcePasswordReset"), true),
        json!([{ "op": "add", "value": { WSO2: { "accountLocked": true } } }]),
        replace("password", "a password of the script's"),
        replace("userName", format!("{store}somebody")),
        replace("emails", json!([{ "value": "eve@evil.example" }])),
        replace(
            "emails",
            json!([{ "value": "two@example.com", "type": "home" }, { "value": "one@example.com", "primary": true }]),
        ),
        replace("emails[type eq \"home\"].value", "eve@evil.example"),
        json!([{ "op": "remove", "path": "emails" }]),
        json!([{ "op": "remove", "path": "emails[type eq \"home\"]" }]),
        json!([{ "op": "add", "path": "emails", "value": [{ "value": "eve@evil.example", "type": "other" }] }]),
        replace(&format!("{WSO2}:askPassword"), true),
        replace(&format!("{WSO2}:verifyEmail"), true),
        replace(&format!("{WSO2}:emailVerified"), true),
    ]
}

/// Holds a caller without the scope `roles` to leaving this user as they are.
#[track_caller]
fn assert_left_alone(app: &App, script: &Client<'_>, user: &str) {
    let before = app.scim().get(user).is(200);
    let changed = |name: &str, value: Value| {
        let mut body = before.clone();
        body[name] = value;
        body
    };
    let mut without_addresses = before.clone();
    without_addresses.as_object_mut().unwrap().remove("emails");
    let store = if before["userName"].as_str().unwrap().starts_with("ACME/") { "ACME/" } else { "" };
    let puts = [
        changed("userName", json!(format!("{store}somebody"))),
        changed("active", json!(before["active"] != true)),
        without_addresses,
    ];
    let data = |operations: &Value| json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
    let path = format!("/Users/{}", id(user));
    let mut bulk = vec![json!({ "method": "DELETE", "path": path })];
    for operations in patches(store) {
        let reply = script.patch(user, operations.clone());
        assert_eq!(reply.status, 403, "{operations}: {}", reply.text);
        bulk.push(json!({ "method": "PATCH", "path": path, "data": data(&operations) }));
    }
    for body in puts {
        script.put(user, &body).is_error(403, None);
        bulk.push(json!({ "method": "PUT", "path": path, "data": body }));
    }
    script.delete(user).is_error(403, None);
    script.if_match("*").delete(user).is_error(403, None);
    for result in script.bulk(bulk).is(200)["Operations"].as_array().unwrap() {
        assert_eq!(result["status"], "403", "{result}");
    }
    assert_eq!(app.scim().get(user).is(200), before);
    // What is so already needs nothing, and neither does what is no matter of signing in.
    assert_eq!(script.put(user, &before).is(200), before);
    script.set(user, "title", "Prof").is(200);
    script.set(user, "title", "Dr").is(200);
    script.set(user, "active", before["active"].clone()).is(200);
}

#[test]
fn a_role_holder_is_let_in_and_kept_out_with_the_scope_roles_alone() {
    let app = app();
    let script = client(&app, &["scim:read", "scim:write", "invitations", "links", "settings", "templates", "mail"]);
    for store in ["", "ACME/"] {
        for role in ["admin", "inviter", "auditor"] {
            for by_group in [false, true] {
                let name = format!("{store}{role}-{by_group}");
                let user = holder(&app, &name, role, by_group);
                assert_left_alone(&app, &script, &user);
                assert_eq!(app.user(&name, PASSWORD).get("/scim2/Users?count=1").status, 200, "{name}");
                // Their own profile is theirs.
                app.user(&name, PASSWORD).set("/scim2/Me", "nickName", "Al").is(200);
                app.user(&name, PASSWORD).set("/scim2/Me", "password", "an own and new password").is(200);
                app.user(&name, "an own and new password")
                    .set("/scim2/Me", "emails", json!([{ "value": "own@example.com" }]))
                    .is(200);
            }
        }
    }
    let paul = app.scim().create("/scim2/Users", &body("paul"));
    for operations in patches("") {
        let reply = script.patch(&paul, operations.clone());
        assert_eq!(reply.status, 200, "{operations}: {}", reply.text);
    }
    assert_eq!(script.delete(&paul).trips(), 1);
}

#[test]
fn a_role_holder_who_is_kept_out_stays_out() {
    let app = app();
    let script = client(&app, &["scim:read", "scim:write"]);
    let alice = holder(&app, "alice", "admin", false);
    let bob = holder(&app, "bob", "auditor", true);
    app.scim().set(&alice, "active", false).is(200);
    app.scim().set(&bob, &format!("{WSO2}:accountLocked"), true).is(200);
    script.set(&alice, "active", true).is_error(403, None);
    script.set(&alice, &format!("{WSO2}:accountDisabled"), false).is_error(403, None);
    script.set(&bob, &format!("{WSO2}:accountLocked"), false).is_error(403, None);
    let mut unlocked = app.scim().get(&bob).is(200);
    unlocked[WSO2]["accountLocked"] = json!(false);
    script.put(&bob, &unlocked).is_error(403, None);
    assert_eq!(app.authorized(&basic("alice", PASSWORD), "GET", "/scim2/Users").status, 401);
    assert_eq!(app.authorized(&basic("bob", PASSWORD), "GET", "/scim2/Users").status, 401);
    client(&app, &["scim:write", "roles"]).set(&bob, &format!("{WSO2}:accountLocked"), false).is(200);
}

#[test]
fn a_role_holders_invitation_is_sent_again_by_whoever_invites_and_withdrawn_with_the_scope_roles() {
    let app = app();
    let inviter = client(&app, &["scim:read", "scim:write", "invitations", "links"]);
    for (store, by_group) in [("", false), ("", true), ("ACME/", false), ("ACME/", true)] {
        let mut body = invited(&format!("{store}user-{by_group}"));
        if !by_group {
            body["roles"] = json!([{ "value": "auditor" }]);
        }
        let user = app.scim().create("/scim2/Users", &body);
        if by_group {
            join(&app, "auditor", &user);
        }
        let invitation = format!("/api/invitations/{}", id(&user));
        assert_eq!(inviter.send("POST", &format!("{invitation}/revoke"), "").status, 403);
        assert_eq!(inviter.send("POST", &format!("{invitation}/resend"), "").status, 202);
        inviter.set(&user, &format!("{WSO2}:askPassword"), true).is_error(403, None);
        inviter.set(&user, "password", PASSWORD).is_error(403, None);
        let link =
            json!({ "username": body["userName"], "userstore": if store.is_empty() { "PRIMARY" } else { "ACME" } });
        assert_eq!(inviter.post("/api/users/v1/offline-invite-link", &link).status, 403);
        assert_eq!(app.anyone("GET", &app.newest_link()).status, 200);
        assert_eq!(app.admin("POST", &format!("{invitation}/revoke"), "").status, 200);
    }
    let paul = app.invite("paul");
    let revoked = inviter.send("POST", &format!("/api/invitations/{}/revoke", paul["id"].as_str().unwrap()), "");
    assert_eq!((revoked.status.as_u16(), revoked.trips()), (200, 1));
}

/// A database in which somebody else is faster: before the `n`th batch from now on, this statement runs.
struct Meddler {
    inner: Arc<Sqlite>,
    countdown: AtomicUsize,
    sql: String,
}
impl Database for Meddler {
    fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
        if self.countdown.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.inner.with(|connection| connection.execute_batch(&self.sql).unwrap());
        }
        self.inner.batch(statements)
    }
}

#[test]
fn a_role_that_is_given_between_the_look_and_the_write_counts() {
    for operation in ["PATCH", "PUT", "DELETE", "add member"] {
        let mut app = app();
        let paul = app.scim().create("/scim2/Users", &body("paul"));
        let staff = app.scim().create_group("staff", &[]);
        let script = client(&app, &["scim:read", "scim:write"]);
        script.get(&paul).is(200);
        let token = app.token("", &["scim:read", "scim:write"]).1;
        let before = app.scim().get(&paul).is(200);
        let sql = if operation == "add member" {
            "UPDATE resources SET roles = 1, document = json_set(document, '$.displayName', 'admin'), version = version + 1 \
             WHERE type = 'Group'"
                .to_owned()
        } else {
            format!(
                "UPDATE resources SET roles = 1, document = json_set(document, '$.displayName', 'admin') WHERE type = 'Group'; \
                 UPDATE group_ancestors SET display = 'admin'; \
                 INSERT INTO members (tenant, group_id, member_id, type) VALUES (0, '{}', '{}', 'User')",
                id(&staff),
                id(&paul)
            )
        };
        // The token is known by now, so that a write is the second batch of its request, and a deletion the first.
        app.nobody().with("authorization", &format!("Bearer {token}")).get(&paul).is(200);
        let countdown = AtomicUsize::new(if operation == "DELETE" { 1 } else { 2 });
        app.platform.db = Arc::new(Meddler { inner: app.native.sqlite.clone(), countdown, sql });
        let script = app.nobody().with("authorization", &format!("Bearer {token}"));
        let reply = match operation {
            "PATCH" => script.set(&paul, "password", "a password of the script's"),
            "PUT" => {
                let mut body = before.clone();
                body["active"] = json!(false);
                script.put(&paul, &body)
            }
            "DELETE" => script.delete(&paul),
            _ => script.patch(&staff, json!([{ "op": "add", "path": "members", "value": values(&[&paul]) }])),
        };
        assert_eq!(reply.status, 403, "{operation}: {}", reply.text);
        assert_eq!(
            app.number("SELECT COUNT(*) FROM resources WHERE type = 'User' AND version = 1 AND disabled = 0"),
            1
        );
    }
}

/// Whether alice is still the administrator whom the tenant has.
fn is_in(app: &App, name: &str) -> bool {
    app.authorized(&basic(name, PASSWORD), "GET", "/scim2/Users?count=1").status == 200
}

#[test]
fn the_last_administrator_who_can_sign_in_stays_one() {
    for store in ["", "ACME/"] {
        for by_group in [false, true] {
            let app = app();
            let name = format!("{store}alice");
            let alice = holder(&app, &name, "admin", by_group);
            // None of these could sign in.
            for (other, change) in [
                ("locked", json!({ WSO2: { "accountLocked": true } })),
                ("disabled", json!({ "active": false })),
                ("asked", json!({ WSO2: { "askPassword": true } })),
                ("plain", json!({ "password": null })),
            ] {
                let mut user = body(&format!("{store}{other}"));
                user["roles"] = json!([{ "value": "admin" }]);
                user.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
                app.scim().create("/scim2/Users", &user);
            }
            let group = app.scim().filter("/scim2/Groups", "displayName eq \"admin\"");
            let group = group.first().map(|group| format!("/scim2/Groups/{}", group["id"].as_str().unwrap()));
            let token = app.token("", &["scim:read", "scim:write", "roles"]).1;
            let app = without_secret(app);
            let script = app.nobody().with("authorization", &format!("Bearer {token}"));
            script.delete(&alice).is_error(409, None);
            script.set(&alice, "active", false).is_error(409, None);
            script.set(&alice, &format!("{WSO2}:accountLocked"), true).is_error(409, None);
            let path = format!("/Users/{}", id(&alice));
            let results = script.bulk(vec![
                json!({ "method": "DELETE", "path": path }),
                json!({ "method": "PATCH", "path": path, "data": { "Operations": replace("active", false) } }),
            ]);
            for result in results.is(200)["Operations"].as_array().unwrap() {
                assert_eq!(result["status"], "409", "{result}");
            }
            if let Some(group) = &group {
                script.delete(group).is_error(409, None);
                script.set(group, "displayName", "staff").is_error(409, None);
                script.set(group, "displayName", "auditor").is_error(409, None);
                script.patch(group, json!([{ "op": "remove", "path": "members" }])).is_error(409, None);
                let one = format!("members[value eq \"{}\"]", id(&alice));
                script.patch(group, json!([{ "op": "remove", "path": one }])).is_error(409, None);
                script.put(group, &json!({ "schemas": [GROUP], "displayName": "admin" })).is_error(409, None);
                script.set(group, "externalId", "x").is(200);
            } else {
                script.patch(&alice, json!([{ "op": "remove", "path": "roles" }])).is_error(409, None);
                script.set(&alice, "roles", json!([{ "value": "auditor" }])).is_error(409, None);
            }
            assert!(is_in(&app, &name), "{name}");
            script.set(&alice, "title", "Prof").is(200);
            // Another makes room.
            let mut bob = body(&format!("{store}bob"));
            bob["roles"] = json!([{ "value": "ADMIN" }]);
            let bob = script.create("/scim2/Users", &bob);
            if let Some(group) = &group {
                script.patch(group, json!([{ "op": "remove", "path": "members" }])).is(200);
                script.patch(group, json!([{ "op": "add", "path": "members", "value": values(&[&alice]) }])).is(200);
                script.delete(group).is(204);
            } else {
                script.set(&alice, "active", false).is(200);
                script.delete(&alice).is(204);
            }
            script.delete(&bob).is_error(409, None);
        }
    }
}

#[test]
fn with_the_secret_administrator_every_other_may_go() {
    let app = app();
    let alice = holder(&app, "alice", "admin", false);
    app.scim().set(&alice, "active", false).is(200);
    app.scim().delete(&alice).is(204);
    // Whoever could not sign in is nobody to be kept, with or without it.
    let ines = app.scim().create("/scim2/Users", &{
        let mut ines = invited("ines");
        ines["roles"] = json!([{ "value": "admin" }]);
        ines
    });
    let token = app.token("", &["scim:write", "roles"]).1;
    let app = without_secret(app);
    app.nobody().with("authorization", &format!("Bearer {token}")).delete(&ines).is(204);
}

#[test]
fn of_two_administrators_one_is_left_whoever_deletes_and_locks_at_once() {
    let app = app();
    let users = [holder(&app, "alice", "admin", false), holder(&app, "bob", "admin", true)];
    let token = app.token("", &["scim:read", "scim:write", "roles"]).1;
    let app = without_secret(app);
    let statuses = in_parallel(20, |number| {
        let script = app.nobody().with("authorization", &format!("Bearer {token}"));
        let user = &users[number % 2];
        if number % 4 < 2 {
            script.delete(user).status.as_u16()
        } else {
            script.set(user, "active", false).status.as_u16()
        }
    });
    assert!(statuses.iter().all(|status| [200, 204, 404, 409, 503, 429].contains(status)), "{statuses:?}");
    assert!(is_in(&app, "alice") != is_in(&app, "bob"), "{statuses:?}");
}
