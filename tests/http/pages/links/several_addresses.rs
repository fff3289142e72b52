//! A user with several addresses, whose first is confirmed: another first one waits, and none is lost.

use serde_json::{Value, json};

use crate::pages::links::change::{PRESSED, live};
use crate::scim2::client::{PASSWORD, WSO2};
use crate::support::App;

const FIRST: &str = "paul@example.com";
const SECOND: &str = "second@example.com";

/// Paul's path; the first of their addresses is confirmed, and these are all.
fn with_addresses(app: &App, emails: &Value) -> String {
    let paul = live(app, "paul");
    assert_eq!(app.scim().set(&paul, "emails", emails.clone()).is(200)["emails"], *emails);
    paul
}

fn two() -> Value {
    json!([{ "value": FIRST, "type": "work", "primary": true }, { "value": SECOND, "type": "home" }])
}

fn pending(user: &Value) -> Option<&str> {
    user[WSO2]["pendingEmails"][0]["value"].as_str()
}

/// What becomes of the two addresses when `operations` are asked for, and when what waits is confirmed.
#[track_caller]
fn asserts(operations: &Value, meanwhile: &Value, waits: &str, afterwards: &Value) {
    for own in [true, false] {
        let app = App::new();
        let paul = with_addresses(&app, &two());
        let reply = if own {
            app.user("paul", PASSWORD).patch("/scim2/Me", operations.clone())
        } else {
            app.scim().patch(&paul, operations.clone())
        };
        let after = reply.is(200);
        assert_eq!((&after["emails"], pending(&after)), (meanwhile, Some(waits)), "own: {own}");
        // Given up: nothing was lost.
        let link = app.newest_link();
        assert_eq!(app.post_form(&link, PRESSED).status, 200);
        let after = app.scim().get(&paul).is(200);
        assert_eq!((&after["emails"], pending(&after)), (afterwards, None), "own: {own}");
    }
}

#[test]
fn making_the_second_address_the_primary_one_loses_neither() {
    let swapped = json!([{ "value": FIRST, "type": "work" }, { "value": SECOND, "type": "home", "primary": true }]);
    for operations in [
        json!([{ "op": "replace", "path": "emails[type eq \"home\"].primary", "value": true }]),
        json!([{ "op": "add", "path": "emails[value eq \"second@example.com\"].primary", "value": true }]),
        json!([{ "op": "replace", "path": "emails", "value": swapped }]),
    ] {
        asserts(&operations, &two(), SECOND, &swapped);
    }
}

#[test]
fn removing_the_confirmed_address_in_favour_of_the_second_keeps_it_until_that_is_confirmed() {
    let swapped = json!([{ "value": FIRST, "type": "work" }, { "value": SECOND, "type": "home", "primary": true }]);
    for operations in [
        json!([{ "op": "remove", "path": "emails[value eq \"paul@example.com\"]" }]),
        json!([{ "op": "replace", "path": "emails", "value": [{ "value": SECOND, "type": "home", "primary": true }] }]),
    ] {
        asserts(&operations, &two(), SECOND, &swapped);
    }
}

#[test]
fn an_address_of_the_users_own_in_the_place_of_the_first_is_not_lost_either() {
    let operations = json!([{ "op": "replace", "path": "emails[type eq \"work\"].value", "value": SECOND }]);
    let swapped = json!([{ "value": FIRST, "type": "work" }, { "value": SECOND, "type": "home", "primary": true }]);
    asserts(&operations, &two(), SECOND, &swapped);
}

#[test]
fn a_new_address_in_the_place_of_the_first_leaves_the_second_alone() {
    let operations = json!([{ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "new@example.com" }]);
    let after = json!([
        { "value": "new@example.com", "type": "work", "primary": true }, { "value": SECOND, "type": "home" },
    ]);
    asserts(&operations, &two(), "new@example.com", &after);
}

#[test]
fn a_new_primary_address_beside_the_first_stays_beside_it() {
    let other = json!({ "value": "new@example.com", "type": "other" });
    let [first, second] = [&two()[0], &two()[1]].map(Clone::clone);
    let operations = json!([{
        "op": "add", "path": "emails", "value": [{ "value": "new@example.com", "type": "other", "primary": true }],
    }]);
    let after = json!([
        { "value": FIRST, "type": "work" }, second,
        { "value": "new@example.com", "type": "other", "primary": true },
    ]);
    asserts(&operations, &json!([first, second, other]), "new@example.com", &after);
}

#[test]
fn without_flags_the_first_address_stays_the_first() {
    let app = App::new();
    let plain = json!([{ "value": FIRST, "type": "work" }, { "value": SECOND, "type": "home" }]);
    let paul = with_addresses(&app, &plain);
    let turned = json!([{ "value": SECOND, "type": "home" }, { "value": FIRST, "type": "work" }]);
    let after = app.scim().set(&paul, "emails", turned.clone()).is(200);
    assert_eq!((&after["emails"], pending(&after)), (&plain, Some(SECOND)));
    // The same in a PUT, which asks for nothing new.
    let mut whole = after;
    whole["emails"] = turned;
    let mails = app.number("SELECT COUNT(*) FROM outbox");
    let again = app.scim().put(&paul, &whole).is(200);
    assert_eq!((&again["emails"], app.number("SELECT COUNT(*) FROM outbox")), (&plain, mails));
}

#[test]
fn taking_the_address_that_waits_out_of_the_list_gives_the_change_up() {
    let app = App::new();
    let paul = with_addresses(&app, &two());
    app.scim()
        .patch(&paul, json!([{ "op": "replace", "path": "emails[type eq \"home\"].primary", "value": true }]))
        .is(200);
    let link = app.newest_link();
    let after = app.scim().patch(&paul, json!([{ "op": "remove", "path": "emails[type eq \"home\"]" }])).is(200);
    assert_eq!((&after["emails"], pending(&after)), (&json!([two()[0]]), None));
    assert_eq!(app.post_form(&link, PRESSED).status, 410);
}

#[test]
fn another_type_or_another_number_is_no_change_of_address() {
    let app = App::new();
    let paul = with_addresses(&app, &two());
    let me = app.user("paul", PASSWORD);
    let mails = app.number("SELECT COUNT(*) FROM outbox");
    let after = me.patch(
        "/scim2/Me",
        json!([
            { "op": "replace", "path": "emails[type eq \"work\"].type", "value": "other" },
            { "op": "add", "path": "phoneNumbers", "value": [{ "value": "+1 555 0100", "type": "mobile" }] },
        ]),
    );
    let after = after.is(200);
    assert_eq!((&after["emails"][0]["type"], pending(&after)), (&json!("other"), None));
    let after = me.patch("/scim2/Me", json!([{ "op": "remove", "path": "phoneNumbers" }])).is(200);
    assert_eq!((&after["phoneNumbers"], app.number("SELECT COUNT(*) FROM outbox")), (&Value::Null, mails));
    assert_eq!(after[WSO2]["emailVerified"], true);
    assert_eq!(app.scim().get(&paul).is(200), after);
}

#[test]
fn users_do_not_get_round_the_confirmation_by_removing_their_address_first() {
    let app = App::new();
    let paul = with_addresses(&app, &two());
    let me = app.user("paul", PASSWORD);
    let before = me.get("/scim2/Me").is(200);
    for operations in [
        json!([{ "op": "remove", "path": "emails" }]),
        json!([{ "op": "replace", "path": "emails", "value": [] }]),
        json!([{ "op": "replace", "path": "emails", "value": null }]),
        json!([{ "op": "replace", "value": { "emails": [] } }]),
        json!([{ "op": "remove", "path": "emails[type eq \"work\"]" }, { "op": "remove", "path": "emails[type eq \"home\"]" }]),
        json!([{ "op": "remove", "path": "emails.value" }]),
        json!([{ "op": "replace", "path": "emails", "value": [{ "type": "work" }] }]),
    ] {
        let refused = me.patch("/scim2/Me", operations.clone());
        assert_eq!(refused.status, 400, "{operations}: {}", refused.text);
        assert_eq!(app.scim().get(&paul).is(200), before, "{operations}");
    }
    for emails in [None, Some(json!(null)), Some(json!([]))] {
        let mut whole = before.clone();
        whole["nickName"] = json!(format!("{emails:?}"));
        match emails {
            None => drop(whole.as_object_mut().unwrap().remove("emails")),
            Some(emails) => whole["emails"] = emails,
        }
        let after = me.put("/scim2/Me", &whole).is(200);
        assert_eq!((&after["emails"], pending(&after)), (&before["emails"], None));
        assert_eq!(after[WSO2]["emailVerified"], true);
    }
    let both = json!([
        { "op": "remove", "path": "emails" },
        { "op": "add", "path": "emails", "value": [{ "value": "new@example.com" }] },
    ]);
    let after = me.patch("/scim2/Me", both).is(200);
    assert_eq!(pending(&after), Some("new@example.com"));
    assert_eq!(after["emails"][0]["value"], FIRST);
    // What was never confirmed, and what an administrator removes, may go.
    app.scim().patch(&paul, json!([{ "op": "remove", "path": "emails" }])).is(200);
    me.patch("/scim2/Me", json!([{ "op": "add", "path": "emails", "value": [{ "value": "b@example.com" }] }])).is(200);
    let after = me.patch("/scim2/Me", json!([{ "op": "remove", "path": "emails" }])).is(200);
    assert_eq!(after["emails"], Value::Null);
}
