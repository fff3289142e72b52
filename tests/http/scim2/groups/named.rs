//! Lists of members that name nobody, or name somebody in another way than by an id.

use serde_json::{Value, json};

use crate::scim2::client::{Client, GROUP, id, sorted_values, values};
use crate::support::App;

/// A group with a member, paul, and what stands there must not change: version included.
struct Scene<'a> {
    admin: Client<'a>,
    paul: String,
    mary: String,
    group: String,
}

fn scene(app: &App) -> Scene<'_> {
    let admin = app.scim();
    let (paul, mary) = (admin.create_user("paul"), admin.create_user("mary"));
    let group = admin.create_group("staff", &[&paul]);
    Scene { admin, paul, mary, group }
}

/// The writes of a group that say these are its members; the first is a POST.
fn writes(scene: &Scene<'_>, members: &Value) -> Vec<(&'static str, String, Value)> {
    let operations = |operation: Value| json!({ "Operations": [operation] });
    let (group, paul) = (&scene.group, json!({ "value": id(&scene.paul) }));
    let mixed: Value = [vec![paul], members.as_array().cloned().unwrap_or(vec![members.clone()])].concat().into();
    vec![
        ("POST", "/scim2/Groups".into(), json!({ "schemas": [GROUP], "displayName": "new", "members": members })),
        ("PUT", group.clone(), json!({ "schemas": [GROUP], "displayName": "staff", "members": members })),
        ("PUT", group.clone(), json!({ "displayName": "staff", "MEMBERS": mixed })),
        ("PUT", group.clone(), json!({ "displayName": "staff", format!("{GROUP}:members"): members })),
        ("PATCH", group.clone(), operations(json!({ "op": "add", "path": "members", "value": members }))),
        ("PATCH", group.clone(), operations(json!({ "op": "Replace", "path": "members", "value": members }))),
        ("PATCH", group.clone(), operations(json!({ "op": "replace", "path": "members", "value": mixed }))),
        ("PATCH", group.clone(), operations(json!({ "op": "add", "value": { "members": members } }))),
        (
            "PATCH",
            group.clone(),
            operations(json!({ "op": "replace", "value": { "Members": members, "displayName": "x" } })),
        ),
        (
            "PATCH",
            group.clone(),
            operations(json!({ "op": "replace", "path": GROUP, "value": { "members": members } })),
        ),
    ]
}

#[test]
fn members_that_name_nobody_are_refused_and_nothing_changes() {
    let app = App::new();
    let scene = scene(&app);
    let (admin, group) = (&scene.admin, &scene.group);
    let before = admin.get(group).is(200);
    let foreign = format!("https://other.example.com{}", scene.paul);
    for members in [
        json!([{ "display": "kim" }]),
        json!([{ "id": id(&scene.paul) }]),
        json!([{}]),
        json!([null]),
        json!([""]),
        json!([[]]),
        json!({ "display": "kim" }),
        json!({}),
        json!(""),
        json!(" "),
        json!([" "]),
        json!(["\t"]),
        json!([{ "value": "  " }]),
        json!([{ "value": null, "display": "kim" }]),
        json!([{ "value": "", "type": "User" }]),
        json!([{ "value": id(&scene.mary) }, { "display": "kim" }]),
        json!([{ "$ref": null }]),
        json!([{ "$ref": foreign }]),
        json!([{ "$ref": "https://id.example.com/scim2/Users" }]),
        json!([{ "$ref": "https://id.example.com/scim2/ResourceTypes/User" }]),
        json!([{ "$ref": format!("https://id.example.com/t/acme.com{}", scene.paul) }]),
        json!([{ "$ref": "https://id.example.com/scim2/Users/nobody" }]),
        json!([{ "$ref": format!("/scim2/Groups/{}", id(&scene.mary)) }]),
        json!([{ "$ref": "../Users/nobody", "display": "kim" }]),
    ] {
        for (method, path, body) in writes(&scene, &members) {
            let reply = admin.send(method, &path, body.to_string());
            assert_eq!(reply.status, 400, "{method} {body}: {}", reply.text);
            reply.is_error(400, Some("invalidValue"));
        }
        // In Bulk, each operation is refused by itself.
        let operations = writes(&scene, &members).into_iter().map(|(method, path, body)| {
            json!({ "method": method, "path": path.trim_start_matches("/scim2"), "bulkId": "b", "data": body })
        });
        let operations: Vec<Value> = operations.take(5).collect();
        for operation in operations {
            let answered = admin.bulk(vec![operation.clone()]).is(200);
            assert_eq!(answered["Operations"][0]["status"], "400", "{operation}");
        }
    }
    assert_eq!(admin.get(group).is(200), before);
    assert_eq!(admin.count("/scim2/Groups", "displayName eq \"new\""), 0);
}

#[test]
fn a_reference_to_a_user_or_group_of_this_server_is_resolved() {
    let app = App::new();
    let scene = scene(&app);
    let (admin, group) = (&scene.admin, &scene.group);
    let inner = admin.create_group("inner", &[]);
    let empty = || {
        admin.put(group, &json!({ "displayName": "staff", "members": [] })).is(200);
    };
    let user = id(&scene.mary);
    for reference in [
        json!({ "$ref": format!("https://id.example.com/scim2/Users/{user}") }),
        json!({ "$ref": format!("https://ID.EXAMPLE.com/scim2/users/{user}/"), "value": null }),
        json!({ "$ref": format!("/scim2/Users/{user}"), "display": "kim" }),
        json!({ "$REF": format!("../Users/{user}"), "type": "User", "value": "" }),
        json!({ "$ref": format!("Users/{}", user.replace('-', "%2D")) }),
        // The super tenant has two addresses.
        json!({ "$ref": format!("/t/carbon.super/scim2/Users/{user}") }),
        json!({ "$ref": format!("https://id.example.com/t/Carbon.Super/scim2/Users/{user}") }),
        json!({ "$ref": format!("https://id.example.com//t//carbon%2Esuper/scim2/users/{user}") }),
        json!({ "$ref": format!("https://id.example.com//scim2//Users/{}", user.replace('-', "%2D")) }),
    ] {
        for (method, path, body) in writes(&scene, &json!([reference])) {
            empty();
            let after = admin.send(method, &path, body.to_string());
            let after = after.is(if method == "POST" { 201 } else { 200 });
            assert!(sorted_values(&after["members"]).contains(&user.to_owned()), "{method} {body}: {after}");
            if method == "POST" {
                admin.delete(&format!("/scim2/Groups/{}", after["id"].as_str().unwrap())).is(204);
            }
            // The name of the group may have changed.
            admin.set(group, "displayName", "staff").is(200);
        }
    }
    empty();
    let both = json!([{ "$ref": format!("https://id.example.com{inner}") }, { "$ref": format!("https://id.example.com{}", scene.paul) }]);
    let after = admin.patch(group, json!([{ "op": "add", "path": "members", "value": both }])).is(200);
    assert_eq!(after["members"].as_array().map(Vec::len), Some(2));
    let removed =
        json!([{ "op": "remove", "path": "members", "value": [{ "$ref": format!("https://id.example.com{inner}") }] }]);
    assert_eq!(sorted_values(&admin.patch(group, removed).is(200)["members"]), [id(&scene.paul)]);
}

#[test]
fn a_reference_may_be_to_what_a_bulk_request_creates() {
    let app = App::new();
    let admin = app.scim();
    let answered = admin
        .bulk(vec![
            json!({ "method": "POST", "path": "/Groups", "bulkId": "g", "data": {
                "displayName": "team", "members": [{ "$ref": "/Users/bulkId:kim" }, { "$ref": "../Groups/bulkId:inner" }] } }),
            json!({ "method": "POST", "path": "/Users", "bulkId": "kim", "data": { "userName": "kim" } }),
            json!({ "method": "POST", "path": "/groups/", "bulkId": "inner", "data": { "displayName": "inner" } }),
        ])
        .is(200);
    for operation in answered["Operations"].as_array().unwrap() {
        assert_eq!(operation["status"], "201", "{answered}");
    }
    let group = admin.filter("/scim2/Groups", "displayName eq team").remove(0);
    assert_eq!(group["members"].as_array().map(Vec::len), Some(2), "{group}");
}

#[test]
fn an_empty_list_and_null_empty_a_group_because_they_say_so() {
    let app = App::new();
    let scene = scene(&app);
    let (admin, group) = (&scene.admin, &scene.group);
    let fill =
        || assert_eq!(sorted_values(&admin.set(group, "members", values(&[&scene.paul])).is(200)["members"]).len(), 1);
    for empty in [json!([]), json!(null)] {
        fill();
        let after = admin.put(group, &json!({ "displayName": "staff", "members": empty })).is(200);
        assert_eq!(after.get("members"), None);
        fill();
        assert_eq!(admin.set(group, "members", empty).is(200).get("members"), None);
    }
    // Nothing that removes takes more than it names.
    fill();
    for value in [json!([{}]), json!([]), json!([{ "display": "kim" }]), json!([null]), json!("")] {
        let after = admin.patch(group, json!([{ "op": "remove", "path": "members", "value": value }])).is(200);
        assert_eq!(sorted_values(&after["members"]), [id(&scene.paul)], "{value}");
    }
}

#[test]
fn replacing_members_that_a_filter_does_not_select_is_no_target() {
    let app = App::new();
    let scene = scene(&app);
    let (admin, group, mary) = (&scene.admin, &scene.group, id(&scene.mary));
    let before = admin.get(group).is(200);
    let replace = |path: &str| json!([{ "op": "replace", "path": path, "value": { "value": mary } }]);
    for path in [
        "members[value eq \"nobody\"]".to_owned(),
        format!("members[value eq \"{mary}\"]"),
        format!("members[value eq {mary}]"),
        format!("MEMBERS[VALUE EQ \"{mary}\" or value eq \"nobody\"]"),
        format!("{GROUP}:members[value eq \"{mary}\"]"),
        "members[type eq \"Group\"]".to_owned(),
        format!("members[value eq \"{mary}\"].display"),
        "members[display eq \"kim\"].value".to_owned(),
    ] {
        admin.patch(group, replace(&path)).is_error(400, Some("noTarget"));
        let together = [json!([{ "op": "replace", "path": "displayName", "value": "x" }]), replace(&path)];
        let together: Value = together.iter().flat_map(|list| list.as_array().unwrap().clone()).collect();
        admin.patch(group, together).is_error(400, Some("noTarget"));
        let key = json!([{ "op": "replace", "value": { &path: { "value": mary } } }]);
        admin.patch(group, key).is_error(400, Some("noTarget"));
        admin.patch("/scim2/Groups/nobody", replace(&path)).is_error(404, None);
        admin.if_match("W/\"9\"").patch(group, replace(&path)).is_error(412, None);
        // Removing what is not there is done already.
        if !path.contains("].") {
            assert_eq!(admin.patch(group, json!([{ "op": "remove", "path": path }])).is(200), before);
        }
    }
    assert_eq!(admin.get(group).is(200), before);
    let gone = json!([{ "op": "remove", "path": "members" }, replace(&format!("members[value eq \"{}\"]", id(&scene.paul)))[0]]);
    admin.patch(group, gone).is_error(400, Some("noTarget"));
    assert_eq!(admin.get(group).is(200), before);
    let after = admin.patch(group, replace(&format!("members[value eq \"{}\"]", id(&scene.paul)))).is(200);
    assert_eq!(sorted_values(&after["members"]), [mary]);
    let named =
        json!([{ "op": "replace", "path": format!("members[value eq \"{mary}\"]"), "value": { "display": "kim" } }]);
    assert_eq!(sorted_values(&admin.patch(group, named).is(200)["members"]), [mary]);
}

#[test]
fn a_member_that_a_filter_selects_is_not_removed_by_saying_nothing() {
    let app = App::new();
    let scene = scene(&app);
    let (admin, group, paul) = (&scene.admin, &scene.group, id(&scene.paul));
    let path = format!("members[value eq \"{paul}\"]");
    for op in ["add", "replace"] {
        let before = admin.get(group).is(200);
        for nothing in [json!(""), json!("  "), json!(null)] {
            let operation = json!([{ "op": op, "path": path, "value": nothing }]);
            admin.patch(group, operation).is_error(400, Some("invalidValue"));
            assert_eq!(admin.get(group).is(200), before, "{op} {nothing}");
        }
        for itself in [json!({}), json!({ "display": "x" }), json!({ "value": " " }), json!([""])] {
            let after = admin.patch(group, json!([{ "op": op, "path": path, "value": itself }])).is(200);
            assert_eq!(sorted_values(&after["members"]), [paul], "{op} {itself}");
        }
    }
    // What an earlier operation of the request adds is there, and what one takes away is not.
    let mary = id(&scene.mary);
    let add = json!({ "op": "add", "path": "members", "value": [{ "value": mary }] });
    let remove = json!({ "op": "remove", "path": format!("members[value eq \"{paul}\"]") });
    let nothing =
        |member: &str| json!({ "op": "replace", "path": format!("members[value eq \"{member}\"]"), "value": null });
    admin.patch(group, json!([add, nothing(mary)])).is_error(400, Some("invalidValue"));
    admin.patch(group, json!([remove, nothing(paul)])).is_error(400, Some("noTarget"));
    admin.patch(group, json!([{ "op": "remove", "path": "members" }, nothing(paul)])).is_error(400, Some("noTarget"));
    for nothing in [json!(""), json!(null)] {
        let nobody = json!([{ "op": "replace", "path": "members[value eq \"nobody\"]", "value": nothing }]);
        admin.patch(group, nobody).is_error(400, Some("noTarget"));
    }
    let emptied = admin.patch(group, json!([{ "op": "replace", "path": path, "value": [] }])).is(200);
    assert_eq!(emptied.get("members"), None);
}

#[test]
fn a_reference_leads_where_a_request_would_or_nowhere() {
    let app = App::new();
    app.create_tenant("acme.com");
    let scene = scene(&app);
    let (admin, user) = (&scene.admin, id(&scene.mary));
    for path in [
        format!("/SCIM2/Users/{user}"),
        format!("/t/acme.com/scim2/Users/{user}"),
        format!("/t/carbon.super/SCIM2/Users/{user}"),
        format!("/scim2/Users/{user}/x"),
        format!("/scim2x/Users/{user}"),
    ] {
        assert_eq!(admin.get(&path).status, 404, "{path}");
        for reference in [path.clone(), format!("https://id.example.com{path}")] {
            let group = json!({ "displayName": "g", "members": [{ "$ref": reference }] });
            admin.post("/scim2/Groups", &group).is_error(400, Some("invalidValue"));
        }
    }
    let kim = admin.create("/t/acme.com/scim2/Users", &json!({ "userName": "kim" }));
    for reference in
        [kim.clone(), format!("https://id.example.com{kim}"), format!("/t/ACME%2Ecom//scim2/users/{}/", id(&kim))]
    {
        let group = json!({ "displayName": reference, "members": [{ "$ref": reference }] });
        let created = admin.post("/t/acme.com/scim2/Groups", &group).is(201);
        assert_eq!(created["members"][0]["value"], id(&kim), "{reference}");
    }
}
