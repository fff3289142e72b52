//! `DELETE /scim2/Users/{id}`

use crate::scim2::client::id;
use crate::support::{App, invited};

#[test]
fn a_deleted_user_is_gone_and_the_name_free_again() {
    let app = App::new();
    let id = app.invite("paul")["id"].as_str().unwrap().to_owned();
    let path = format!("/scim2/Users/{id}");
    let reply = app.admin("DELETE", &path, "");
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (204, ""));
    app.admin("DELETE", &path, "").is_error(404, None);
    app.admin("GET", &path, "").is_error(404, None);
    assert_eq!(app.number("SELECT total FROM counters"), 0);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'user.delete'"), 1);
    app.invite("paul");
}

#[test]
fn audit_rows_are_numbered_without_gaps_per_tenant() {
    let app = App::new();
    let id = app.invite("paul")["id"].as_str().unwrap().to_owned();
    app.invite("mary");
    app.admin("POST", "/scim2/Users", invited("PAUL").to_string());
    app.admin("DELETE", &format!("/scim2/Users/{id}"), "");
    assert_eq!(app.number("SELECT COUNT(*) FROM audit"), app.number("SELECT MAX(number) FROM audit"));
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE actor = 'administrator:admin'"), 5);
}

#[test]
fn a_deletion_costs_one_round_trip_and_leaves_nothing_of_the_user_but_the_audit() {
    let app = App::new();
    let admin = app.scim();
    let user = admin.create(
        "/scim2/Users",
        &serde_json::json!({
            "userName": "gone.soon", "password": "walking the dog", "emails": [{ "value": "gone.soon@example.com" }],
        }),
    );
    let group = admin.create_group("staff", &[&user]);
    let reply = admin.delete(&user);
    assert_eq!((reply.status.as_u16(), reply.trips()), (204, 1));
    assert!(admin.get(&group).is(200).get("members").is_none());
    for table in ["credentials", "value_index WHERE type = 'User'", "members"] {
        assert_eq!(app.number(&format!("SELECT COUNT(*) FROM {table}")), 0, "{table}");
    }
    let left = app.dump().replace(id(&user), "");
    assert!(!left.contains("gone.soon"), "{left}");
}

#[test]
fn a_user_is_no_group_and_deleted_as_none() {
    let app = App::new();
    let user = app.scim().create_user("paul");
    app.scim().delete(&format!("/scim2/Groups/{}", id(&user))).is_error(404, None);
    app.scim().get(&format!("/scim2/Groups/{}", id(&user))).is_error(404, None);
    app.scim().get(&user).is(200);
}
