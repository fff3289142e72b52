//! `GET /scim2/Users/{id}`

use serde_json::json;

use crate::scim2::client::{Spy, id};
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
