//! What real clients send, row by row of the interop sheet (P01 to P31), and where suites contradict each other, what
//! Latchkey does. Who sends it is named at the start of each test.

use serde_json::{Value, json};

use crate::scim2::client::{ENTERPRISE, GROUP, PASSWORD, USER, WSO2, id, sorted_values, values};
use crate::support::App;

const OLD_GROUP: &str = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";

fn op(op: &str, path: &str, value: impl Into<Value>) -> Value {
    json!([{ "op": op, "path": path, "value": value.into() }])
}

#[test]
fn p01_entra_ops_begin_with_a_capital() {
    let app = App::new();
    let user = app.scim().create_user("paul");
    assert_eq!(app.scim().patch(&user, op("Add", "displayName", "a")).is(200)["displayName"], "a");
    assert_eq!(app.scim().patch(&user, op("Replace", "displayName", "b")).is(200)["displayName"], "b");
    let removed = app.scim().patch(&user, json!([{ "op": "Remove", "path": "displayName" }])).is(200);
    assert!(removed.get("displayName").is_none());
}

#[test]
fn p02_entra_writes_booleans_as_strings() {
    let app = App::new();
    let body = json!({ "schemas": [USER], "userName": "emp1", "active": "True" });
    let user = app.scim().create("/scim2/Users", &body);
    assert_eq!(app.scim().get(&user).is(200)["active"], true);
    app.scim().patch(&user, op("Replace", "active", "False")).is(200);
    assert_eq!(app.scim().get(&user).is(200)["active"], false);
    for neither in [json!("no"), json!("0"), json!(0), json!("")] {
        app.scim().patch(&user, op("Replace", "active", neither)).is_error(400, Some("invalidValue"));
    }
}

#[test]
fn p03_entra_adds_to_a_typed_value_that_is_not_there() {
    let app = App::new();
    let user = app.scim().create_user("paul");
    let after = app.scim().patch(&user, op("Add", "emails[type eq \"work\"].value", "a@example.com")).is(200);
    assert_eq!(after["emails"], json!([{ "value": "a@example.com", "type": "work" }]));
    assert_eq!(app.scim().count("/scim2/Users", "emails[type eq \"work\" and value eq \"A@example.com\"]"), 1);
}

#[test]
fn p03b_entra_replaces_a_typed_value_that_is_not_there() {
    let app = App::new();
    let user = app.scim().create_user("paul");
    let after = app.scim().patch(&user, op("Replace", "phoneNumbers[type eq \"mobile\"].value", "+1")).is(200);
    assert_eq!(after["phoneNumbers"], json!([{ "value": "+1", "type": "mobile" }]));
    for path in [
        "phoneNumbers[type eq \"satellite\"].value",
        "phoneNumbers[value eq \"+2\"].value",
        "phoneNumbers[type eq \"work\" and primary eq true].value",
    ] {
        app.scim().patch(&user, op("Replace", path, "+3")).is_error(400, Some("noTarget"));
    }
}

#[test]
fn p04_entra_names_enterprise_attributes_by_their_urn() {
    let app = App::new();
    let user = app.scim().create_user("paul");
    let after = app.scim().patch(&user, op("Add", &format!("{ENTERPRISE}:employeeNumber"), "7")).is(200);
    assert_eq!(after["schemas"], json!([USER, ENTERPRISE]));
    let after = app.scim().patch(&user, op("Add", &format!("{ENTERPRISE}.department"), "Sales")).is(200);
    assert_eq!(after[ENTERPRISE], json!({ "employeeNumber": "7", "department": "Sales" }));
    let body = json!({ "userName": "mary", (format!("{ENTERPRISE}:department")): "Sales" });
    let mary = app.scim().create("/scim2/Users", &body);
    assert_eq!(app.scim().get(&mary).is(200)[ENTERPRISE], json!({ "department": "Sales" }));
}

#[test]
fn p05_entra_writes_the_manager_as_a_string() {
    let app = App::new();
    let (paul, boss) = (app.scim().create_user("paul"), app.scim().create_user("boss"));
    let manager = format!("{ENTERPRISE}:manager");
    for sent in
        [json!(id(&boss)), json!({ "Value": id(&boss) }), json!([{ "value": id(&boss) }]), json!("who is unknown")]
    {
        let value = sent.as_str().unwrap_or(id(&boss)).to_owned();
        let after = app.scim().patch(&paul, op("Add", &manager, sent)).is(200);
        assert_eq!(after[ENTERPRISE]["manager"]["value"], value);
    }
    for nothing in [json!(""), json!(null), json!({ "value": "" })] {
        app.scim().patch(&paul, op("Replace", &manager, id(&boss))).is(200);
        let after = app.scim().patch(&paul, op("Replace", &manager, nothing)).is(200);
        assert!(after.get(ENTERPRISE).is_none(), "{after}");
    }
}

#[test]
fn p06_entra_with_its_flag_sends_paths_as_names() {
    let app = App::new();
    let user = app.scim().create_user("paul");
    let value = json!({
        "displayName": "B", "name.givenName": "K", (format!("{ENTERPRISE}:employeeNumber")): "A",
        "emails[type eq \"work\"].value": "w@example.com",
    });
    let after = app.scim().patch(&user, json!([{ "op": "replace", "value": value }])).is(200);
    assert_eq!((&after["displayName"], &after["name"]), (&json!("B"), &json!({ "givenName": "K" })));
    assert_eq!(
        (&after[ENTERPRISE]["employeeNumber"], &after["emails"][0]["value"]),
        (&json!("A"), &json!("w@example.com"))
    );
}

#[test]
fn p07_okta_deactivates_without_a_path() {
    let app = App::new();
    let user = app.scim().create("/scim2/Users", &json!({ "userName": "paul", "password": PASSWORD }));
    let after = app.scim().patch(&user, json!([{ "op": "replace", "value": { "active": false } }])).is(200);
    assert_eq!(after["active"], false);
    assert_eq!(app.me("paul", PASSWORD).status, 401);
}

#[test]
fn p08_okta_puts_back_the_whole_user() {
    let app = App::new();
    let user = app.scim().create("/scim2/Users", &json!({ "userName": "paul", "name": { "givenName": "Paul" } }));
    let mut body = app.scim().get(&user).is(200);
    body["active"] = json!(false);
    body["groups"] = json!([]);
    body["password"] = json!(PASSWORD);
    let reply = app.scim().put(&user, &body);
    let after = reply.is(200);
    assert_eq!(
        (&after["active"], &after["name"]["givenName"], &after["id"]),
        (&json!(false), &json!("Paul"), &body["id"])
    );
    assert!(!reply.text.contains("password") && !app.scim().get(&user).text.contains("password"));
    app.scim().patch(&user, op("replace", "active", true)).is(200);
    assert_eq!(app.me("paul", PASSWORD).status, 200);
}

#[test]
fn p09_okta_asks_for_a_user_name_in_capitals() {
    let app = App::new();
    app.scim().create_user("runscope@example.com");
    for filter in [
        "userName eq \"RUNSCOPE@EXAMPLE.COM\"",
        "USERNAME EQ \"runscope@example.com\"",
        "username Eq \"Runscope@Example.Com\"",
    ] {
        assert_eq!(app.scim().count("/scim2/Users", filter), 1, "{filter}");
    }
    app.scim().post("/scim2/Users", &json!({ "userName": "Runscope@Example.com" })).is_error(409, Some("uniqueness"));
}

#[test]
fn p10_a_filter_without_a_match_is_an_empty_list() {
    let app = App::new();
    for endpoint in ["/scim2/Users", "/scim2/Groups"] {
        let page = app.scim().list(endpoint, &[("filter", "displayName eq \"nobody\"")]).is(200);
        assert_eq!(page["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
        assert_eq!((&page["totalResults"], &page["Resources"]), (&json!(0), &json!([])));
    }
}

#[test]
fn p11_entra_looks_for_external_ids_which_are_case_exact() {
    let app = App::new();
    app.scim().create("/scim2/Users", &json!({ "userName": "paul", "externalId": "aBc" }));
    app.scim().create("/scim2/Groups", &json!({ "displayName": "staff", "externalId": "aBc" }));
    for endpoint in ["/scim2/Users", "/scim2/Groups"] {
        assert_eq!(app.scim().count(endpoint, "externalId eq \"aBc\""), 1);
        assert_eq!(app.scim().count(endpoint, "externalId eq \"abc\""), 0);
    }
}

#[test]
fn p12_pages_out_of_range_are_no_errors() {
    let app = App::new();
    for name in ["a", "b"] {
        app.scim().create_user(name);
    }
    for (parameters, start, shown) in [
        ([("startIndex", "0"), ("count", "10")], 1, 2),
        ([("startIndex", "-5"), ("count", "1")], 1, 1),
        ([("startIndex", "1"), ("count", "0")], 1, 0),
        ([("startIndex", "1"), ("count", "-1")], 1, 0),
        ([("startIndex", "3"), ("count", "10")], 3, 0),
        ([("startIndex", "1"), ("count", "99999999999999999999")], 1, 2),
    ] {
        let page = app.scim().list("/scim2/Users", &parameters).is(200);
        assert_eq!((&page["totalResults"], &page["startIndex"]), (&json!(2), &json!(start)), "{parameters:?}");
        assert_eq!(page["Resources"].as_array().unwrap().len(), shown, "{parameters:?}");
    }
}

#[test]
fn p13_okta_mixes_media_types() {
    let app = App::new();
    for (number, (sent, accepted)) in [
        ("application/json", "application/scim+json; charset=utf-8"),
        ("application/scim+json; charset=utf-8", "*/*"),
        ("application/json; charset=UTF-8", "application/json"),
        ("APPLICATION/SCIM+JSON", "text/html"),
    ]
    .into_iter()
    .enumerate()
    {
        let client = app.scim().with("content-type", sent).with("accept", accepted);
        let reply = client.post("/scim2/Users", &json!({ "userName": number.to_string() }));
        let user = reply.is(201);
        assert_eq!(reply.header("location"), user["meta"]["location"]);
    }
}

#[test]
fn p14_entra_reads_groups_without_their_members() {
    let app = App::new();
    let user = app.scim().create_user("paul");
    let group = app.scim().create_group("staff", &[&user]);
    let shown = app.scim().get(&format!("{group}?excludedAttributes=members")).is(200);
    assert!(shown.get("members").is_none() && shown["displayName"] == "staff");
    let page =
        app.scim().list("/scim2/Groups", &[("excludedAttributes", "members"), ("filter", "displayName eq \"Staff\"")]);
    assert_eq!(page.is(200)["Resources"], json!([shown]));
}

#[test]
fn p15_entra_removes_a_list_of_members_and_only_those() {
    let app = App::new();
    let users: Vec<_> = ["u1", "u2", "u3"].iter().map(|name| app.scim().create_user(name)).collect();
    let group = app.scim().create_group("staff", &[&users[0], &users[1], &users[2]]);
    let value = json!([{ "$ref": null, "value": id(&users[0]) }, { "$ref": null, "value": id(&users[1]) }]);
    let after = app.scim().patch(&group, op("Remove", "members", value)).is(200);
    assert_eq!(sorted_values(&after["members"]), [id(&users[2])]);
    let after = app.scim().patch(&group, op("Remove", "members", json!({ "value": "nobody" }))).is(200);
    assert_eq!(sorted_values(&after["members"]), [id(&users[2])], "nothing is lost");
}

#[test]
fn p16_okta_removes_a_member_by_filter_and_repeats_itself() {
    let app = App::new();
    let user = app.scim().create_user("u1");
    let group = app.scim().create_group("staff", &[]);
    let add = op("add", "members", values(&[&user]));
    let remove = json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", id(&user)) }]);
    for _ in 0..2 {
        let after = app.scim().patch(&group, add.clone()).is(200);
        assert_eq!(after["members"].as_array().unwrap().len(), 1);
    }
    assert_eq!(app.scim().get(&user).is(200)["groups"][0]["value"], id(&group));
    for _ in 0..2 {
        assert!(app.scim().patch(&group, remove.clone()).is(200).get("members").is_none());
    }
    assert!(app.scim().get(&user).is(200).get("groups").is_none());
    assert_eq!(app.scim().get(&group).is(200)["meta"]["version"], "W/\"3\"");
}

#[test]
fn p16c_okta_pushes_an_empty_group() {
    let app = App::new();
    let user = app.scim().create_user("u1");
    let group = app.scim().create_group("staff", &[&user]);
    for _ in 0..2 {
        assert!(app.scim().patch(&group, op("replace", "members", json!([]))).is(200).get("members").is_none());
    }
    assert!(app.scim().get(&user).is(200).get("groups").is_none());
}

#[test]
fn p17_okta_renames_a_group_and_repeats_its_id() {
    let app = App::new();
    let group = app.scim().create_group("staff", &[]);
    let rename = |id: &str| json!([{ "op": "replace", "value": { "id": id, "displayName": "new" } }]);
    assert_eq!(app.scim().patch(&group, rename(id(&group))).is(200)["displayName"], "new");
    app.scim().patch(&group, rename("another")).is_error(400, Some("mutability"));
}

#[test]
fn p17c_entra_names_a_schema_that_nobody_knows() {
    let app = App::new();
    let body = json!({ "schemas": [GROUP, OLD_GROUP], "externalId": "e", "displayName": "staff", "meta": { "resourceType": "Group" } });
    let group = app.scim().post("/scim2/Groups", &body).is(201);
    assert_eq!(group["schemas"], json!([GROUP]));
    let body = json!({ "schemas": [USER, "urn:unknown"], "userName": "x", "urn:unknown": { "a": 1 } });
    let user = app.scim().post("/scim2/Users", &body).is(201);
    assert_eq!(user["schemas"], json!([USER]));
    assert!(user.get("urn:unknown").is_none());
}

#[test]
fn p18_entra_asks_whether_one_refers_to_another() {
    let app = App::new();
    let admin = app.scim();
    let (boss, other) = (admin.create_user("boss"), admin.create_user("other"));
    let user =
        admin.create("/scim2/Users", &json!({ "userName": "u", (ENTERPRISE): { "manager": { "value": id(&boss) } } }));
    let group = admin.create_group("g", &[&user]);
    let asked = |endpoint: &str, filter: String| {
        let page = admin.list(endpoint, &[("filter", &filter), ("attributes", "id")]).is(200);
        let found = page["Resources"].as_array().unwrap();
        assert!(
            found.iter().all(|one| one.as_object().unwrap().keys().all(|name| name == "id" || name == "schemas")),
            "{page}"
        );
        found.len()
    };
    for (member, expected) in [(&user, 1), (&boss, 0)] {
        let filter = format!("id eq \"{}\" and members[value eq \"{}\"]", id(&group), id(member));
        assert_eq!(asked("/scim2/Groups", filter), expected);
        let filter = format!("id eq \"{}\" and members eq \"{}\"", id(&group), id(member));
        assert_eq!(asked("/scim2/Groups", filter), expected);
    }
    for (manager, expected) in [(&boss, 1), (&other, 0)] {
        for attribute in ["manager".to_owned(), format!("{ENTERPRISE}:manager"), format!("{ENTERPRISE}:manager.value")]
        {
            let filter = format!("id eq \"{}\" and {attribute} eq \"{}\"", id(&user), id(manager));
            assert_eq!(asked("/scim2/Users", filter), expected, "{attribute}");
        }
    }
}

#[test]
fn p19_a_name_is_free_again_after_a_deletion() {
    let app = App::new();
    let user = app.scim().create_user("paul");
    app.scim().delete(&user).is(204);
    app.scim().delete(&user).is_error(404, None);
    assert_ne!(app.scim().create_user("PAUL"), user);
}

#[test]
fn p20_entra_sends_nulls_empty_lists_and_what_is_read_only() {
    let app = App::new();
    let body = json!({
        "schemas": [USER, ENTERPRISE], "id": "mine", "userName": "paul", "displayName": null, "roles": [], "emails": null,
        "name": { "givenName": null }, "groups": [{ "value": "g" }], "addresses": [{ "type": null }],
        "meta": { "resourceType": "User", "version": "W/\"9\"" }, (ENTERPRISE): { "manager": null, "department": null },
    });
    let user = app.scim().post("/scim2/Users", &body).is(201);
    assert_ne!(user["id"], "mine");
    let names: Vec<_> = user.as_object().unwrap().keys().collect();
    assert_eq!(names, ["id", "schemas", "userName", "active", "meta"]);
    assert_eq!(user["meta"]["version"], "W/\"1\"");
}

#[test]
fn p21_microsoft_writes_names_in_another_case() {
    let app = App::new();
    let body = json!({
        "UserName": "paul", "Active": true, "DisplayName": "P", "Emails": [{ "Primary": true, "Type": "work", "Value": "p@example.com" }],
        (ENTERPRISE.to_uppercase()): { "Department": "bob", "Manager": { "Value": "SuzzyQ" } },
    });
    let user = app.scim().post("/scim2/Users", &body).is(201);
    assert_eq!((&user["userName"], &user["displayName"]), (&json!("paul"), &json!("P")));
    assert_eq!(user["emails"], json!([{ "value": "p@example.com", "type": "work", "primary": true }]));
    assert_eq!(user[ENTERPRISE], json!({ "department": "bob", "manager": { "value": "SuzzyQ" } }));
}

#[test]
fn p22_a_second_primary_takes_over() {
    let app = App::new();
    let body = json!({ "userName": "paul", "emails": [{ "value": "a@example.com", "type": "work", "primary": true }] });
    let user = app.scim().create("/scim2/Users", &body);
    let second = json!([{ "value": "b@example.com", "type": "home", "primary": true }]);
    let after = app.scim().patch(&user, op("add", "emails", second)).is(200);
    assert_eq!((&after["emails"][0]["primary"], &after["emails"][1]["primary"]), (&json!(false), &json!(true)));
}

#[test]
fn p23_broken_json_is_invalid_syntax() {
    let app = App::new();
    app.scim().send("POST", "/scim2/Users", "{\"userName\":").is_error(400, Some("invalidSyntax"));
    let user = app.scim().create_user("paul");
    app.scim().send("PATCH", &user, "{\"Operations\":[").is_error(400, Some("invalidSyntax"));
}

#[test]
fn p24_an_id_cannot_be_changed() {
    let app = App::new();
    for path in [app.scim().create_user("paul"), app.scim().create_group("staff", &[])] {
        app.scim().patch(&path, op("replace", "id", "another")).is_error(400, Some("mutability"));
        app.scim().patch(&path, json!([{ "op": "remove", "path": "id" }])).is_error(400, Some("mutability"));
    }
}

#[test]
fn p25_a_second_operation_that_is_invalid_undoes_the_first() {
    let app = App::new();
    let user = app.scim().create_user("paul");
    let operations = json!([
        { "op": "replace", "path": "title", "value": "x" },
        { "op": "replace", "path": "active", "value": "neither" },
    ]);
    app.scim().patch(&user, operations).is_error(400, Some("invalidValue"));
    assert!(app.scim().get(&user).is(200).get("title").is_none());
}

#[test]
fn p26_a_patch_that_asks_for_attributes_is_answered_with_them() {
    let app = App::new();
    let user = app.scim().create_user("paul");
    let after = app.scim().patch(&format!("{user}?attributes=nickName"), op("add", "nickName", "P")).is(200);
    assert_eq!(after["nickName"], "P");
    assert!(after.get("userName").is_none(), "{after}");
}

#[test]
fn p27_user_names_have_any_characters() {
    let app = App::new();
    for name in ["a+b@example.com", "say \"hi\"", "back\\slash", "Zoë Ångström", "100%", "a%2Bb", "日本", "a b"] {
        app.scim().create_user(name);
        let filter = format!("userName eq {}", json!(name));
        let found = app.scim().filter("/scim2/Users", &filter);
        assert_eq!((found.len(), found[0]["userName"].as_str()), (1, Some(name)));
    }
    let total = |query: &str| app.scim().get(&format!("/scim2/Users?filter={query}")).is(200)["totalResults"].clone();
    assert_eq!(total("userName%20eq%20%22a%2Bb@example.com%22"), 1);
    assert_eq!(total("userName+eq+%22a+b%22"), 1, "an unescaped plus is a space");
    assert_eq!(total("userName+eq+%22a+b@example.com%22"), 0);
    assert_eq!(total("userName%20eq%20%22a%252Bb%22"), 1);
    assert_eq!(total("userName%20eq%20%22Zo%5Cu00eb%20%C3%85ngstr%C3%B6m%22"), 1);
}

#[test]
fn p28_okta_tries_a_credential_without_a_scheme_and_an_unknown_id() {
    let app = App::new();
    let reply = app.nobody().with("authorization", "non-token").get("/scim2/Users");
    reply.is_error(401, None);
    assert!(reply.header("www-authenticate").starts_with("Basic"));
    assert_eq!(reply.json()["status"], "401");
    let reply = app.scim().get("/scim2/Users/010101001010101011001010101011");
    reply.is_error(404, None);
    assert_eq!(reply.json()["status"], "404");
}

#[test]
fn p29_connection_tests_find_nobody_and_clean_up_after_themselves() {
    let app = App::new();
    let page =
        app.scim().list("/scim2/Users", &[("filter", "userName eq \"a1f6b2c4-0000-4000-8000-1234567890ab\"")]).is(200);
    assert_eq!(page["totalResults"], 0);
    let user = app.scim().create_user("jumpcloud.test");
    let group = app.scim().create_group("jumpcloud test", &[&user]);
    app.scim().delete(&user).is(204);
    app.scim().delete(&group).is(204);
    assert_eq!(app.number("SELECT COUNT(*) FROM resources"), 0);
}

#[test]
fn p30_a_patch_of_either_is_answered_with_the_resource() {
    let app = App::new();
    let user = app.scim().create_user("paul");
    let group = app.scim().create_group("staff", &[]);
    assert_eq!(app.scim().patch(&user, op("replace", "displayName", "x")).is(200)["id"], id(&user));
    assert_eq!(app.scim().patch(&group, op("add", "members", values(&[&user]))).is(200)["id"], id(&group));
}

#[test]
fn p31_cursors_lead_through_all_users() {
    let app = App::new();
    for number in 0..7 {
        app.scim().create_user(&format!("user{number}"));
    }
    let mut cursor = String::new();
    let mut seen = Vec::new();
    for page_number in 0.. {
        let page = app.scim().list("/scim2/Users", &[("cursor", &cursor), ("count", "3")]).is(200);
        let found = page["Resources"].as_array().unwrap();
        seen.extend(found.iter().map(|user| user["userName"].as_str().unwrap().to_owned()));
        assert!(page.get("startIndex").is_none(), "{page}");
        match page.get("nextCursor") {
            Some(next) => cursor = next.as_str().unwrap().to_owned(),
            None => {
                assert_eq!(page_number, 2);
                break;
            }
        }
    }
    seen.sort();
    assert_eq!(seen, (0..7).map(|number| format!("user{number}")).collect::<Vec<_>>());
    for (cursor, count, scim_type) in [("bogus", "3", "invalidCursor"), (cursor.as_str(), "many", "invalidCount")] {
        app.scim().list("/scim2/Users", &[("cursor", cursor), ("count", count)]).is_error(400, Some(scim_type));
    }
    let pagination = app.nobody().get("/scim2/ServiceProviderConfig").is(200)["pagination"].clone();
    for (name, expected) in
        [("cursor", json!(true)), ("index", json!(true)), ("defaultPaginationMethod", json!("index"))]
    {
        assert_eq!(pagination[name], expected);
    }
    assert!(pagination["defaultPageSize"].is_u64() && pagination["maxPageSize"].is_u64());
}

#[test]
fn decision_a_group_patch_honours_excluded_attributes() {
    let app = App::new();
    let user = app.scim().create_user("paul");
    let group = app.scim().create_group("staff", &[]);
    let after = app
        .scim()
        .patch(&format!("{group}?excludedAttributes=members"), op("add", "members", values(&[&user])))
        .is(200);
    assert!(after.get("members").is_none() && after["displayName"] == "staff", "{after}");
}

#[test]
fn decision_a_filter_on_discovery_is_forbidden() {
    let app = App::new();
    app.nobody().get("/scim2/ServiceProviderConfig?filter=a%20pr").is_error(403, None);
}

#[test]
fn decision_the_media_type_has_no_parameter() {
    let app = App::new();
    for reply in [
        app.scim().get("/scim2/Users"),
        app.scim().get("/scim2/Nothing"),
        app.nobody().get("/scim2/Schemas"),
        app.nobody().get("/scim2/Users"),
    ] {
        assert_eq!(reply.header("content-type"), "application/scim+json");
    }
}

#[test]
fn decision_equal_pairs_of_type_and_value_are_one() {
    let app = App::new();
    let twice = json!([{ "value": "a@example.com", "type": "work" }, { "value": "A@example.com", "type": "Work", "display": "A" }, { "value": "a@example.com", "type": "home" }]);
    let user = app.scim().create("/scim2/Users", &json!({ "userName": "paul", "emails": twice }));
    let emails = app.scim().get(&user).is(200)["emails"].clone();
    assert_eq!(
        emails,
        json!([{ "value": "a@example.com", "type": "work", "display": "A" }, { "value": "a@example.com", "type": "home" }])
    );
    let after = app.scim().patch(&user, op("add", "emails", twice)).is(200);
    assert_eq!(after["emails"], emails);
}

#[test]
fn decision_unknown_attributes_are_ignored() {
    let app = App::new();
    let body = json!({ "userName": "paul", "favouriteColour": "blue", "name": { "nick": "P" }, (WSO2): { "nope": 1 } });
    let user = app.scim().create("/scim2/Users", &body);
    app.scim().put(&user, &body).is(200);
    app.scim().patch(&user, json!([{ "op": "add", "value": { "favouriteColour": "blue" } }])).is(200);
    let names: Vec<String> = app.scim().get(&user).is(200).as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["id", "schemas", "userName", "active", "meta"]);
    app.scim().patch(&user, op("add", "favouriteColour", "blue")).is_error(400, Some("invalidPath"));
}

#[test]
fn decision_members_may_be_bare_strings() {
    let app = App::new();
    let (paul, mary) = (app.scim().create_user("paul"), app.scim().create_user("mary"));
    let group = app.scim().create("/scim2/Groups", &json!({ "displayName": "staff", "members": [id(&paul)] }));
    let after = app.scim().patch(&group, op("add", "members", json!([id(&mary)]))).is(200);
    assert_eq!(after["members"].as_array().unwrap().len(), 2);
    let after = app.scim().patch(&group, op("remove", "members", json!([id(&paul)]))).is(200);
    assert_eq!(sorted_values(&after["members"]), [id(&mary)]);
}
