//! `GET /scim2/Users/{id}`

use serde_json::{Value, json};

use crate::scim2::client::{PASSWORD, Spy, USER, id, values};
use crate::support::App;

#[test]
fn a_user_is_read_by_id_and_by_filter_in_one_round_trip() {
    let app = App::new();
    let user = app.invite("paul");
    let id = user["id"].as_str().unwrap();
    let reply = app.admin("GET", &format!("/scim2/Users/{id}"), "");
    assert_eq!((reply.status.as_u16(), reply.trips()), (200, 1));
    assert_eq!(reply.json(), user);
    for filter in ["userName%20eq%20%22PAUL%22", &format!("id%20eq%20%22{id}%22")] {
        let reply = app.admin("GET", &format!("/scim2/Users?filter={filter}"), "");
        assert_eq!(reply.trips(), 1);
        assert_eq!(reply.json()["totalResults"], 1, "{}", reply.text);
        assert_eq!(reply.json()["Resources"][0], user);
    }
    let reply = app.admin("GET", "/scim2/Users?filter=userName%20eq%20%22nobody%22", "");
    assert_eq!(reply.json()["totalResults"], 0);
    assert_eq!(reply.json()["Resources"], json!([]));
}

#[test]
fn a_projection_keeps_what_was_asked_for() {
    let app = App::new();
    let id = app.invite("paul")["id"].as_str().unwrap().to_owned();
    let user = app.admin("GET", &format!("/scim2/Users/{id}?attributes=userName"), "").json();
    assert_eq!(user["userName"], "paul");
    assert!(user.get("emails").is_none() && user.get("meta").is_none(), "{user}");
    let user = app.admin("GET", &format!("/scim2/Users/{id}?excludedAttributes=emails"), "").json();
    assert!(user.get("emails").is_none() && user.get("meta").is_some(), "{user}");
}

#[test]
fn what_is_not_shown_is_not_loaded() {
    let mut app = App::new();
    let user = app.scim().create_user("paul");
    app.scim().create_group("staff", &[&user]);
    let spy = Spy::on(&mut app);
    let whole = app.scim().get(&user).is(200);
    assert_eq!(whole["groups"][0]["display"], "staff");
    assert!(spy.take().0.join(" ").contains("members"));
    assert!(app.scim().get(&format!("{user}?excludedAttributes=groups")).is(200).get("groups").is_none());
    assert!(!spy.take().0.join(" ").contains("members"));
}

#[test]
fn attributes_and_excluded_attributes_exclude_each_other() {
    let app = App::new();
    let user = app.scim().create_user("paul");
    let reply = app.scim().get(&format!("{user}?attributes=userName&excludedAttributes=emails"));
    reply.is_error(400, Some("invalidValue"));
}

#[test]
fn attributes_are_named_in_any_case_with_sub_attributes_and_with_their_schema() {
    let app = App::new();
    let user = app.scim().create(
        "/scim2/Users",
        &json!({ "userName": "paul", "name": { "givenName": "Paul", "familyName": "Smith" }, "title": "Sir" }),
    );
    for asked in ["NAME.givenname", "urn:ietf:params:scim:schemas:core:2.0:User:name.givenName", "name.givenName,nope"]
    {
        let shown = app.scim().get(&format!("{user}?attributes={asked}")).is(200);
        assert_eq!(shown["name"], json!({ "givenName": "Paul" }), "{asked}");
        assert!(shown.get("title").is_none());
        assert_eq!(shown["id"], id(&user), "what is returned always is");
    }
}

#[test]
fn unknown_ids_are_404() {
    let app = App::new();
    for unknown in ["x", "%00", "%F0%9F%A6%80", "../Groups", "018f0000-0000-7000-8000-000000000000", "'--"] {
        app.scim().get(&format!("/scim2/Users/{unknown}")).is_error(404, None);
    }
}

#[test]
fn who_is_in_more_groups_than_are_shown_is_read_changed_and_let_in() {
    let app = App::with_stores(&["ACME"]);
    let admin = app.scim();
    for name in ["paul", "ACME/anna"] {
        let body = json!({ "schemas": [USER], "userName": name, "password": PASSWORD });
        let path = admin.create("/scim2/Users", &body);
        app.native.sqlite.with(|connection| {
            // Names whose JSON is twice as long as they are, so that bytes end it, too.
            for sql in [
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 14000) \
                 INSERT OR IGNORE INTO group_ancestors (tenant, group_id, ancestor_id, depth, display) \
                 SELECT 0, printf('%08x-1111-4000-8000-000000000000', i), printf('%08x-1111-4000-8000-000000000000', i), 0, \
                 printf('%.*c', 100, '\"') FROM n WHERE ?1 = ?1",
                "INSERT INTO members (tenant, group_id, member_id, type) \
                 SELECT 0, group_id, ?1, 'User' FROM group_ancestors WHERE depth = 0 AND display LIKE '\"%'",
            ] {
                connection.execute(sql, [id(&path)]).unwrap();
            }
        });
        let groups = |user: Value| -> Vec<Value> { user["groups"].as_array().unwrap().clone() };
        let shown = groups(admin.get(&path).is(200));
        // Of 80 bytes besides the name and its quotation marks.
        assert_eq!(shown.len(), 1_800_000 / (80 + 202), "{name}");
        let auditors = match admin.filter("/scim2/Groups", "displayName eq \"auditor\"").first() {
            Some(found) => format!("/scim2/Groups/{}", found["id"].as_str().unwrap()),
            None => admin.create_group("auditor", &[]),
        };
        admin.patch(&auditors, json!([{ "op": "add", "path": "members", "value": values(&[&path]) }])).is(200);
        assert_eq!(groups(admin.get(&path).is(200))[0]["display"], "auditor");
        assert_eq!(groups(admin.set(&path, "title", "Lead").is(200)).len(), shown.len() + 1);
        // The role holds, though its group is the last by id.
        let own = app.user(name, PASSWORD);
        assert_eq!(own.get("/scim2/Me").is(200)["title"], "Lead");
        own.get("/scim2/Users?count=0").is(200);
        let script = app.token("", &["scim:read", "scim:write"]).1;
        let script = app.nobody().with("authorization", &format!("Bearer {script}"));
        script.set(&path, "active", false).is_error(403, None);
    }
}
