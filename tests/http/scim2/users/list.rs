//! `GET /scim2/Users`. What filters, sorting and pages mean in all detail is in `directory`'s own tests.

use serde_json::{Value, json};

use crate::scim2::client::{INVITATION, WSO2};
use crate::support::App;

fn names(page: &Value) -> Vec<&str> {
    page["Resources"].as_array().unwrap().iter().map(|user| user["userName"].as_str().unwrap()).collect()
}

#[test]
fn a_page_says_where_it_stands() {
    let app = App::new();
    for number in 0..5 {
        app.scim().create_user(&format!("user{number}"));
    }
    let reply = app.scim().list("/scim2/Users", &[("startIndex", "2"), ("count", "2"), ("sortBy", "userName")]);
    assert_eq!(reply.trips(), 1);
    let page = reply.is(200);
    assert_eq!((&page["totalResults"], &page["startIndex"], &page["itemsPerPage"]), (&json!(5), &json!(2), &json!(2)));
    assert_eq!(names(&page), ["user1", "user2"]);
    let page = app.scim().list("/scim2/Users", &[("sortBy", "userName"), ("sortOrder", "descending")]).is(200);
    assert_eq!(names(&page), ["user4", "user3", "user2", "user1", "user0"]);
}

#[test]
fn the_resources_of_a_page_are_those_that_are_read_one_by_one() {
    let app = App::new();
    let paul = format!("/scim2/Users/{}", app.invite("paul")["id"].as_str().unwrap());
    app.scim().create_group("staff", &[&paul]);
    let page = app.scim().get("/scim2/Users").is(200);
    assert_eq!(page["Resources"], json!([app.scim().get(&paul).is(200)]));
}

#[test]
fn a_page_shows_the_attributes_asked_for() {
    let app = App::new();
    app.scim().create("/scim2/Users", &json!({ "userName": "paul", "title": "Sir", "nickName": "P" }));
    let page = app.scim().get("/scim2/Users?attributes=title").is(200);
    let shown: Vec<_> = page["Resources"][0].as_object().unwrap().keys().collect();
    assert_eq!(shown, ["id", "schemas", "title"]);
    let page = app.scim().get("/scim2/Users?excludedAttributes=title,meta").is(200);
    assert!(page["Resources"][0].get("title").is_none() && page["Resources"][0]["nickName"] == "P", "{page}");
}

#[test]
fn the_account_and_the_invitation_can_be_filtered() {
    let app = App::new();
    app.invite("paul");
    app.scim().create_user("mary");
    app.scim().create("/scim2/Users", &json!({ "userName": "joe", "active": false }));
    for (filter, expected) in [
        (format!("{WSO2}:accountState eq \"PENDING_AP\""), 1),
        (format!("{WSO2}:accountState eq \"unlocked\""), 1),
        (format!("{INVITATION}:status eq \"pending\""), 1),
        ("active eq false".to_owned(), 1),
        ("active eq true and userName sw \"M\"".to_owned(), 1),
    ] {
        assert_eq!(app.scim().count("/scim2/Users", &filter), expected, "{filter}");
    }
}

#[test]
fn a_password_can_neither_be_filtered_nor_sorted_by() {
    let app = App::new();
    app.scim().list("/scim2/Users", &[("filter", "password sw \"a\"")]).is_error(400, Some("invalidFilter"));
    app.scim().list("/scim2/Users", &[("sortBy", "password")]).is_error(400, Some("invalidPath"));
}

#[test]
fn bad_parameters_are_scim_errors() {
    let app = App::new();
    for (name, value, scim_type) in [
        ("filter", "userName eq", "invalidFilter"),
        ("filter", "nope eq 1", "invalidFilter"),
        ("sortBy", "nope", "invalidPath"),
        ("sortOrder", "sideways", "invalidValue"),
        ("count", "many", "invalidValue"),
        ("startIndex", "first", "invalidValue"),
        ("cursor", "not one of ours", "invalidCursor"),
    ] {
        app.scim().list("/scim2/Users", &[(name, value)]).is_error(400, Some(scim_type));
    }
}

#[test]
fn a_value_longer_than_an_index_key_is_found_by_its_beginning_and_by_its_whole() {
    let app = App::new();
    let long = format!("abc{}", "ü".repeat(600));
    let body = serde_json::json!({ "userName": "long", "displayName": long });
    assert_eq!(app.admin("POST", "/scim2/Users", body.to_string()).status, 201);
    let found = |filter: String| {
        let query = form_urlencoded::byte_serialize(filter.as_bytes()).collect::<String>();
        app.admin("GET", &format!("/scim2/Users?filter={query}"), "").json()["totalResults"].clone()
    };
    assert_eq!(found("displayName sw \"ABC\"".to_owned()), 1);
    assert_eq!(found(format!("displayName eq \"{long}\"")), 1);
    assert_eq!(found(format!("displayName eq \"abc{}\"", "ü".repeat(254))), 0);
}
