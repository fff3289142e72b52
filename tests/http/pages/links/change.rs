//! A live user's new e-mail address: it waits until it is confirmed.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::scim2::client::{PASSWORD, WSO2};
use crate::support::{App, basic};

pub const PRESSED: &[(&str, &str)] = &[("intent", "confirm-email")];

/// The path of a live user whose address is verified.
pub fn live(app: &App, name: &str) -> String {
    let user = app.invite(name);
    let link = app.newest_link();
    assert_eq!(app.post_form(&link, &[("password", PASSWORD)]).status, 200);
    app.deliver();
    format!("/scim2/Users/{}", user["id"].as_str().unwrap())
}

fn address(user: &Value) -> (&str, Option<&str>, bool) {
    let wso2 = &user[WSO2];
    let pending = wso2["pendingEmails"][0]["value"].as_str();
    (user["emails"][0]["value"].as_str().unwrap(), pending, wso2["emailVerified"] == true)
}

fn change(app: &App, user: &str, to: &str) -> Value {
    app.scim().set(user, "emails", json!([{ "value": to, "primary": true }])).is(200)
}

#[track_caller]
fn assert_dead(app: &App, link: &str, reason: &str) {
    for page in [app.anyone("GET", link), app.post_form(link, PRESSED)] {
        assert_eq!(page.status, 410);
        assert!(page.text.contains(reason), "not {reason:?} in {}", page.text);
    }
}

#[test]
fn a_new_address_waits_until_it_is_confirmed_and_the_old_one_is_told() {
    let app = App::new();
    let paul = live(&app, "paul");
    let before = app.inbox().len();
    let reply = app.scim().set(&paul, "emails", json!([{ "value": "new@example.com", "primary": true }]));
    assert_eq!(reply.trips(), 2);
    assert_eq!(address(&reply.is(200)), ("paul@example.com", Some("new@example.com"), true));
    let link = app.newest_link();
    let mut mails: Vec<(String, String)> = app.inbox()[..app.inbox().len() - before]
        .iter()
        .map(|mail| (mail["template"].as_str().unwrap().to_owned(), mail["to"].as_str().unwrap().to_owned()))
        .collect();
    mails.sort();
    let mail = |template: &str, to: &str| (template.to_owned(), to.to_owned());
    assert_eq!(
        mails,
        [mail("NotifyExistingEmailOnUpdate", "paul@example.com"), mail("VerifyEmailOnUpdate", "new@example.com")]
    );
    for mail in &app.inbox()[..2] {
        assert!(mail["text"].as_str().unwrap().contains("new@example.com"), "{mail}");
        assert_eq!(
            mail["links"].as_array().unwrap().is_empty(),
            mail["to"] == "paul@example.com",
            "only the new address gets a link"
        );
    }

    let page = app.anyone("GET", &link);
    assert!(page.status == 200 && page.text.contains("new@example.com"), "{}", page.text);
    assert!(page.text.contains("takes the place of the one your account has now"), "{}", page.text);
    assert_eq!(app.scim().count("/scim2/Users", "emails.value eq \"new@example.com\""), 0);
    let done = app.post_form(&link, PRESSED);
    assert_eq!((done.status.as_u16(), done.trips()), (200, 2), "{}", done.text);
    assert!(done.text.contains("Your account has this address from now on"), "{}", done.text);
    let after = app.scim().get(&paul).is(200);
    assert_eq!(address(&after), ("new@example.com", None, true));
    assert_eq!(after["emails"], json!([{ "value": "new@example.com", "primary": true }]));
    for (filter, count) in [
        ("emails.value eq \"new@example.com\"", 1),
        ("emails.value eq \"paul@example.com\"", 0),
        ("urn:scim:wso2:schema:pendingEmails.value eq \"new@example.com\"", 0),
    ] {
        assert_eq!(app.scim().count("/scim2/Users", filter), count, "{filter}");
    }
    assert_eq!(app.me("paul", PASSWORD).status, 200);
    assert_dead(&app, &link, "has been confirmed already");
    assert_eq!(
        app.number("SELECT COUNT(*) FROM resources WHERE delivery = 'sent'"),
        1,
        "the invitation is what it was"
    );
}

#[test]
fn a_second_change_replaces_the_first_and_its_link_dies() {
    let app = App::new();
    let paul = live(&app, "paul");
    change(&app, &paul, "first@example.com");
    let first = app.newest_link();
    assert_eq!(address(&change(&app, &paul, "second@example.com")).1, Some("second@example.com"));
    let second = app.newest_link();
    assert_dead(&app, &first, "no longer valid");
    // Asking for what is under way already sends nothing.
    let mails = app.number("SELECT COUNT(*) FROM outbox");
    let again = app.scim().set(&paul, "emails", json!([{ "value": "second@example.com", "primary": true }]));
    assert_eq!((again.trips(), app.number("SELECT COUNT(*) FROM outbox")), (1, mails));
    assert_eq!(app.post_form(&second, PRESSED).status, 200);
    assert_eq!(address(&app.scim().get(&paul).is(200)), ("second@example.com", None, true));
}

#[test]
fn what_was_read_and_comes_back_leaves_the_change_under_way() {
    let app = App::new();
    let paul = live(&app, "paul");
    change(&app, &paul, "new@example.com");
    let link = app.newest_link();
    let read = app.scim().get(&paul).is(200);
    assert_eq!(app.scim().put(&paul, &read).is(200), read);
    assert_eq!(app.scim().patch(&paul, json!([{ "op": "replace", "value": read }])).is(200), read);
    let with_phone = app.scim().patch(
        &paul,
        json!([{ "op": "add", "path": "emails", "value": [{ "value": "home@example.com", "type": "home" }] }]),
    );
    assert_eq!(
        address(&with_phone.is(200)).1,
        Some("new@example.com"),
        "another address of the user's is no change of this one"
    );
    assert_eq!(app.post_form(&link, PRESSED).status, 200);
    let after = app.scim().get(&paul).is(200);
    assert_eq!(
        after["emails"],
        json!([{ "value": "new@example.com", "primary": true }, { "value": "home@example.com", "type": "home" }])
    );
}

#[test]
fn a_change_is_given_up_by_setting_the_old_address_or_removing_the_new_one() {
    for operation in [
        json!({ "op": "replace", "path": "emails[value eq \"paul@example.com\"].value", "value": "paul@example.com" }),
        json!({ "op": "remove", "path": format!("{WSO2}:pendingEmails") }),
    ] {
        let app = App::new();
        let paul = live(&app, "paul");
        change(&app, &paul, "new@example.com");
        let link = app.newest_link();
        let after = app.scim().patch(&paul, json!([operation])).is(200);
        assert_eq!(address(&after), ("paul@example.com", None, true));
        assert_dead(&app, &link, "Nothing left to do");
        assert_eq!(app.number("SELECT COUNT(*) FROM value_index WHERE key = 'new@example.com'"), 0);
    }
}

#[test]
fn an_administrator_who_vouches_for_it_or_has_it_so_changes_an_address_at_once() {
    let app = App::new();
    let paul = live(&app, "paul");
    change(&app, &paul, "waits@example.com");
    let link = app.newest_link();
    let verified = format!("{WSO2}:emailVerified");
    let after = app.scim().patch(
        &paul,
        json!([
            { "op": "replace", "path": "emails", "value": [{ "value": "at-once@example.com" }] },
            { "op": "replace", "path": verified, "value": true },
        ]),
    );
    assert_eq!(address(&after.is(200)), ("at-once@example.com", None, true));
    assert_dead(&app, &link, "no longer valid");
    // A PUT sends back what it read: that vouches for nothing.
    let mut read = app.scim().get(&paul).is(200);
    read["emails"] = json!([{ "value": "put@example.com" }]);
    assert_eq!(address(&app.scim().put(&paul, &read).is(200)), ("at-once@example.com", Some("put@example.com"), true));
    // Deleting the address leaves nothing to confirm.
    let after = app.scim().patch(&paul, json!([{ "op": "remove", "path": "emails" }])).is(200);
    assert_eq!((after.get("emails"), &after[WSO2]["emailVerified"]), (None, &json!(false)));
    assert!(after[WSO2].get("pendingEmails").is_none());
    // Nor is there a confirmed address that the next one would have to wait for.
    assert_eq!(address(&change(&app, &paul, "next@example.com")), ("next@example.com", None, false));

    let app = App::with(&[("EMAIL_UPDATE_VERIFICATION", "false")]);
    let paul = live(&app, "paul");
    let mails = app.number("SELECT COUNT(*) FROM outbox");
    assert_eq!(address(&change(&app, &paul, "new@example.com")), ("new@example.com", None, false));
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), mails);
}

#[test]
fn nobody_vouches_for_his_own_address() {
    let app = App::new();
    live(&app, "paul");
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [
            { "op": "replace", "path": "emails", "value": [{ "value": "mine@example.com" }] },
            { "op": "replace", "path": format!("{WSO2}:emailVerified"), "value": true },
        ],
    });
    let request = http::Request::patch("/scim2/Me")
        .header("authorization", basic("paul", PASSWORD))
        .header("content-type", "application/scim+json")
        .body(Bytes::from(body.to_string()))
        .unwrap();
    let reply = app.send(request);
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(address(&reply.json()), ("paul@example.com", Some("mine@example.com"), true));
    assert_eq!(app.post_form(&app.newest_link(), PRESSED).status, 200);
    assert_eq!(app.me("paul", PASSWORD).json()["emails"][0]["value"], "mine@example.com");
}

#[test]
fn an_address_that_is_none_is_refused() {
    let app = App::new();
    let paul = live(&app, "paul");
    app.scim().set(&paul, "emails", json!([{ "value": "a@x,b@y" }])).is_error(400, Some("invalidValue"));
    assert_eq!(address(&app.scim().get(&paul).is(200)), ("paul@example.com", None, true));
}

#[test]
fn a_locked_user_confirms_nothing_and_gets_a_new_link_when_unlocked() {
    let app = App::new();
    let paul = live(&app, "paul");
    change(&app, &paul, "new@example.com");
    let older = app.newest_link();
    let locked = format!("{WSO2}:accountLocked");
    app.scim().set(&paul, &locked, true).is(200);
    assert_dead(&app, &older, "locked");
    app.scim().set(&paul, &locked, false).is(200);
    let newer = app.newest_link();
    assert_eq!(
        (app.inbox()[0]["template"].as_str(), app.inbox()[0]["to"].as_str()),
        (Some("resendVerifyEmailOnUpdate"), Some("new@example.com"))
    );
    assert_dead(&app, &older, "newer");
    assert_eq!(app.post_form(&newer, PRESSED).status, 200);
}

#[test]
fn the_mail_about_a_change_can_be_sent_again() {
    let app = App::new();
    let paul = live(&app, "paul");
    change(&app, &paul, "new@example.com");
    let older = app.newest_link();
    let id = paul.rsplit('/').next().unwrap();
    let reply = app.admin("POST", &format!("/api/invitations/{id}/resend"), "");
    assert_eq!((reply.status.as_u16(), reply.json()["status"].as_str()), (202, Some("accepted")));
    let newer = app.newest_link();
    assert_eq!(
        (app.inbox()[0]["template"].as_str(), app.inbox()[0]["to"].as_str()),
        (Some("resendVerifyEmailOnUpdate"), Some("new@example.com"))
    );
    assert_dead(&app, &older, "newer");
    // The button of the newest one, once it has expired.
    app.native.clock.advance(std::time::Duration::from_secs(2 * 86_400));
    assert_eq!(app.post_form(&newer, &[("intent", "new-mail")]).status, 200);
    app.renew();
    assert_eq!(app.post_form(&app.newest_link(), PRESSED).status, 200);
    assert_eq!(address(&app.scim().get(&paul).is(200)), ("new@example.com", None, true));
}
