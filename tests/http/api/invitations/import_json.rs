//! `POST /api/invitations/import` with `application/json`

use serde_json::json;

use super::import::{IMPORT, detail, report, send, told};
use crate::support::App;

#[test]
fn json_objects_are_rows_and_their_line_is_their_place() {
    let app = App::new();
    app.scim().create_group("Cooks; and others", &[]);
    app.scim().create_group("Waiters", &[]);
    let list = json!([
        { "userName": "a", "email": "a@example.com", "groups": ["Cooks; and others", " ", "Waiters"] },
        { "userName": "b", "EMAIL": "b@example.com", "groups": "waiters", "locale": null },
        { "userName": "A", "email": "c@example.com" },
        { "userName": "d", "email": ["d@example.com"] },
        { "userName": "e", "email": "e@example.com", "group": "Waiters" },
        "f",
        {},
    ]);
    let reply = send(&app, IMPORT, Some("application/json"), format!(" \n{list:#}\n"));
    let report = report(&reply);
    assert_eq!(
        told(&report),
        ["1 a created", "2 b created", "3 A failed", "4 d failed", "5 e failed", "6  failed", "7  failed"]
    );
    for (row, named) in [(2, "line 1"), (3, "'email'"), (4, "'group'"), (5, "object")] {
        assert!(detail(&report, row).contains(named), "{report}");
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM members"), 3);
    let empty = send(&app, IMPORT, Some("application/json"), " [ ] ");
    assert_eq!(empty.json(), json!({ "created": 0, "failed": 0, "rows": [] }));
}

#[test]
fn a_json_object_that_gives_a_value_twice_fails_as_two_columns_of_one_name_do() {
    let app = App::new();
    let list = r#"[
        {"userName": "zoe", "userName": "b", "email": "z@example.com"},
        {"userName": "yan", "username": "c", "email": "y@example.com"},
        {"userName": "xiu", "email": "x@example.com", "mail": "other@example.com"},
        {"userName": "will", "email": "w@example.com", "email": null}
    ]"#;
    let report = report(&send(&app, IMPORT, Some("application/json"), list));
    assert_eq!(told(&report).iter().filter(|row| row.ends_with("failed")).count(), 3, "{report}");
    assert!(told(&report).contains(&"4 will created".to_owned()), "{report}");
    assert!(detail(&report, 0).contains("'userName' is given twice."), "{report}");
}
