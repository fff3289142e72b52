//! `/console/users/{id}`.

use serde_json::{Value, json};

use super::{Browser, signed_in};
use crate::scim2::client::{ENTERPRISE, PASSWORD, USER, id as id_at};
use crate::support::{App, ORIGIN, Reply};

fn id_of(user: &Value) -> &str {
    user["id"].as_str().unwrap()
}

/// Presses a button of the user's page.
fn press(browser: &mut Browser, id: &str, action: &str) -> Reply {
    send(browser, id, action, &[])
}

/// Sends a form of a page of the user's.
fn send(browser: &mut Browser, id: &str, page: &str, fields: &[(&str, &str)]) -> Reply {
    let path = format!("/console/users/{id}");
    let operation = browser.get(&path).hidden("operation");
    let path = if page.is_empty() { path } else { format!("{path}/{page}") };
    browser.post(&path, &[&[("operation", &*operation)], fields].concat())
}

/// The words of the page that a 303 leads to.
fn words(browser: &mut Browser, reply: &Reply) -> String {
    assert_eq!(reply.status, 303, "{}", reply.text);
    let path = reply.header("location").to_owned();
    browser.get(&path).words()
}

fn set(app: &App, sql: &str) {
    app.native.sqlite.with(|connection| connection.execute(sql, []).unwrap());
}

#[test]
fn the_page_says_how_the_user_stands_and_why_they_cannot_sign_in() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let user = app.invite("paul");
    let path = format!("/console/users/{}", id_of(&user));
    let says = |browser: &mut Browser, expected: &str| {
        let page = browser.get(&path);
        assert!(page.status == 200 && page.words().contains(expected), "{expected}: {}", page.words());
    };
    says(&mut browser, "the mail to paul@example.com is about to be sent.");
    app.deliver();
    says(&mut browser, "Invited, no password set yet");
    says(&mut browser, "They get in by the link in the mail: it is good until 20");
    set(&app, "UPDATE resources SET delivery = 'bounced' WHERE name_key = 'paul'");
    says(&mut browser, "the mail to paul@example.com came back: correct the address and resend.");
    set(&app, "UPDATE resources SET delivery = 'sent', expires_at = 1 WHERE name_key = 'paul'");
    says(&mut browser, "the link has expired: resend it.");
    press(&mut browser, id_of(&user), "revoke");
    says(&mut browser, "the invitation is revoked: resend it.");
    press(&mut browser, id_of(&user), "lock");
    says(&mut browser, "The account is locked by an administrator: unlock it.");
    press(&mut browser, id_of(&user), "disable");
    says(&mut browser, "The account is disabled by an administrator: enable it.");
    let plain = app.scim().create_user("plain");
    let page = browser.get(&format!("/console/users/{}", id_at(&plain)));
    assert!(page.words().contains("Active") && page.words().contains("No password is set"), "{}", page.words());
    let live = app.scim().create_user("live");
    app.scim().set(&live, "password", PASSWORD);
    assert!(!browser.get(&format!("/console/users/{}", id_at(&live))).words().contains("can’t they sign in"));
    assert_eq!(browser.get("/console/users/00000000-0000-4000-8000-000000000000").status, 404);
}

#[test]
fn an_invitation_is_sent_again_withdrawn_and_told_as_one_timeline() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let user = app.invite("paul");
    let id = id_of(&user);
    app.deliver();
    let reply = press(&mut browser, id, "resend");
    assert!(words(&mut browser, &reply).contains("The invitation to paul@example.com is on its way again."));
    app.deliver();
    let reply = press(&mut browser, id, "revoke");
    let told = words(&mut browser, &reply);
    assert!(told.contains("The invitation is revoked: its links are dead."), "{told}");
    let steps = [
        "Created by admin",
        "Mail AskPassword to paul@example.com queued",
        "Sent by inbox (paul@example.com)",
        "Sent again, asked for by alice",
        "Mail resendAskPassword to paul@example.com queued",
        "Revoked by alice",
    ];
    for step in steps {
        assert!(told.contains(step), "{step}: {told}");
    }
    let page = browser.get(&format!("/console/users/{id}"));
    assert!(page.text.contains("<ol class=\"timeline\">") && page.text.contains("<time datetime="), "{}", page.text);
    // A button whose time is over says why it did nothing.
    let operation = browser.get(&format!("/console/users/{id}")).hidden("operation");
    let reply = browser.post(&format!("/console/users/{id}/revoke"), &[("operation", &operation)]);
    assert_eq!(reply.status, 409);
    assert!(reply.words().contains("The invitation has been revoked already."), "{}", reply.words());
}

#[test]
fn the_timeline_tells_each_mails_fate_and_that_a_password_was_begun() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let user = app.invite("paul");
    let link = app.newest_link();
    app.post_form(&link, &[("password", "short")]);
    set(
        &app,
        "UPDATE outbox SET state = 'bounced', last_error = 'bounced: Permanent', delivered_at = due + 1, reported_at = due + 9",
    );
    set(&app, "UPDATE resources SET delivered_at = sent_at + 1, delivery = 'sent' WHERE name_key = 'paul'");
    let page = browser.get(&format!("/console/users/{}", id_of(&user))).words();
    for step in [
        "Created by admin",
        "Sent by inbox (paul@example.com)",
        "Delivered, says the provider (paul@example.com)",
        "Bounced: Permanent (paul@example.com)",
        "Started: a password was typed",
    ] {
        assert!(page.contains(step), "{step}: {page}");
    }
    assert!(browser.get("/console/users").words().contains("delivered 20"));
}

#[test]
fn a_button_that_is_pressed_twice_sends_one_mail() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let user = app.invite("paul");
    let path = format!("/console/users/{}", id_of(&user));
    let operation = browser.get(&path).hidden("operation");
    for _ in 0..2 {
        assert_eq!(browser.post(&format!("{path}/resend"), &[("operation", &operation)]).status, 303);
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox WHERE template = 'resendAskPassword'"), 1);
}

#[test]
fn a_wrong_address_is_corrected_and_the_invitation_goes_to_the_right_one() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let user = app.invite("paul");
    let id = id_of(&user);
    app.deliver();
    let page = browser.get(&format!("/console/users/{id}"));
    assert!(page.text.contains(">Correct address and resend</a>"), "{}", page.text);
    let page = browser.get(&format!("/console/users/{id}/address"));
    assert!(page.text.contains("<h1>Correct address and resend</h1>"), "{}", page.text);
    assert!(page.text.contains("value=\"paul@example.com\"") && page.text.contains(">Email Address</label>"));
    let refused = send(&mut browser, id, "address", &[("email", "paul@")]);
    assert!(refused.status == 422 && refused.text.contains("<a href=\"#email\">Type one address"), "{}", refused.text);
    assert!(refused.text.contains("value=\"paul@\""), "{}", refused.text);

    let reply = send(&mut browser, id, "address", &[("email", " paul+1@right.example ")]);
    let told = words(&mut browser, &reply);
    assert!(told.contains("The invitation to paul+1@right.example is on its way."), "{told}");
    app.deliver();
    assert_eq!(app.inbox()[0]["to"], "paul+1@right.example");
    let stored = app.scim().get(&format!("/scim2/Users/{id}")).json();
    assert_eq!(stored["emails"], json!([{ "value": "paul+1@right.example" }]));
    // The same address is sent to again.
    let reply = send(&mut browser, id, "address", &[("email", "paul+1@right.example")]);
    assert!(words(&mut browser, &reply).contains("The invitation to paul+1@right.example is on its way."));
    let live = app.scim().create_user("live");
    let refused = send(&mut browser, id_at(&live), "address", &[("email", "live@x.com")]);
    assert!(refused.status == 422 && refused.words().contains("They wait for no invitation"), "{}", refused.text);
}

#[test]
fn a_link_is_shown_once_and_audited() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let user = app.invite("paul");
    let shown = press(&mut browser, id_of(&user), "link");
    assert_eq!(shown.status, 200, "{}", shown.text);
    let start = format!("value=\"{ORIGIN}/invite/");
    let code = shown.text.split(&start).nth(1).unwrap().split('"').next().unwrap();
    assert!(shown.text.contains("readonly"), "{}", shown.text);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'invitation.link'"), 1);
    let page = browser.get(&format!("/console/users/{}", id_of(&user)));
    assert!(page.words().contains("Link handed over to alice") && !page.text.contains(code), "{}", page.words());
    let set = app.post_form(&format!("/invite/{code}"), &[("password", PASSWORD), ("confirmation", PASSWORD)]);
    assert_eq!(set.status, 200, "{}", set.text);
    assert_eq!(app.me("paul", PASSWORD).status, 200);
    let shown = press(&mut browser, id_of(&user), "link");
    assert_eq!(shown.status, 200, "{}", shown.text);
    assert!(shown.text.contains(&format!("value=\"{ORIGIN}/reset/lk1.")), "whoever has accepted sets a new one by it");
}

#[test]
fn an_account_is_locked_disabled_and_let_in_again() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let user = app.invite("paul");
    let id = id_of(&user);
    let state = || app.scim().get(&format!("/scim2/Users/{id}")).json()["urn:scim:wso2:schema"]["accountState"].clone();
    for (action, message, expected) in [
        ("lock", "The account is locked", "LOCKED"),
        ("unlock", "The account is unlocked. The invitation to paul@example.com is on its way.", "PENDING_AP"),
        ("disable", "The account is disabled", "DISABLED"),
        ("enable", "The account is enabled. The invitation to paul@example.com is on its way.", "PENDING_AP"),
    ] {
        let reply = press(&mut browser, id, action);
        let told = words(&mut browser, &reply);
        assert!(told.contains(message), "{action}: {told}");
        assert_eq!(state(), expected, "{action}");
    }
}

#[test]
fn nobody_keeps_themselves_out() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let alice = app.scim().filter("/scim2/Users", "userName eq \"alice\"")[0]["id"].as_str().unwrap().to_owned();
    let page = browser.get(&format!("/console/users/{alice}"));
    for button in [">Lock<", ">Disable<", ">Delete<"] {
        assert!(!page.text.contains(button), "{button}: {}", page.text);
    }
    for action in ["lock", "disable", "delete"] {
        assert_eq!(press(&mut browser, &alice, action).status, 403, "{action}");
    }
    assert_eq!(browser.get("/console").status, 200, "the session lives");
}

#[test]
fn a_password_is_set_and_roles_are_given_and_taken() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let user = app.invite("paul");
    let id = id_of(&user);
    let page = browser.get(&format!("/console/users/{id}/password"));
    assert!(page.text.contains("<h1>Set password</h1>") && page.words().contains("takes the place of the invitation"));
    for (password, confirm, field) in [("", "", "password"), (PASSWORD, "x", "confirm"), ("short", "short", "password")]
    {
        let refused = send(&mut browser, id, "password", &[("password", password), ("confirm", confirm)]);
        assert!(refused.status == 422 && refused.text.contains(&format!("href=\"#{field}\"")), "{}", refused.text);
    }
    let reply = send(&mut browser, id, "password", &[("password", PASSWORD), ("confirm", PASSWORD)]);
    assert!(words(&mut browser, &reply).contains("The password of paul is set."));
    assert_eq!(app.me("paul", PASSWORD).status, 200);

    let reply = send(&mut browser, id, "roles", &[("auditor", "on")]);
    assert!(words(&mut browser, &reply).contains("The roles are saved."));
    assert_eq!(app.scim().get(&format!("/scim2/Users/{id}")).json()["roles"], json!([{ "value": "auditor" }]));
    let page = browser.get(&format!("/console/users/{id}"));
    assert!(page.text.contains("name=\"auditor\" checked"), "{}", page.text);
    send(&mut browser, id, "roles", &[]);
    assert!(app.scim().get(&format!("/scim2/Users/{id}")).json().get("roles").is_none());
}

/// A schema of the tenant's own.
fn badge() -> Value {
    json!({
        "name": "Badge",
        "attributes": [
            { "name": "number", "type": "integer", "multiValued": false, "description": "Its number." },
            { "name": "isActive", "type": "boolean", "multiValued": false, "description": "Whether it opens." },
            { "name": "doors", "type": "string", "multiValued": true, "description": "Which." },
        ],
    })
}

#[test]
fn all_attributes_are_shown_and_changed_as_the_schema_has_them() {
    let app = App::new();
    let admin = app.scim();
    assert_eq!(admin.post("/api/schemas", &badge()).status, 201);
    let mut browser = signed_in(&app, "alice", "admin");
    let path = admin.create(
        "/scim2/Users",
        &json!({
            "schemas": [USER], "userName": "kim", "name": { "givenName": "Kim" },
            "emails": [{ "value": "kim@x.com", "type": "work" }],
            "phoneNumbers": [{ "value": "+1 555", "type": "work" }],
            "urn:scim:schemas:extension:custom:User": { "number": 7, "doors": ["north", "south"] },
            (ENTERPRISE): { "department": "R&D" },
        }),
    );
    let id = id_at(&path);
    let page = browser.get(&format!("/console/users/{id}"));
    for expected in [
        ">First name</label>",
        "value=\"Kim\"",
        "name=\"urn:scim:schemas:extension:custom:User:number\" value=\"7\"",
        "<legend>Badge</legend>",
        "value=\"R&amp;D\"",
        "<th scope=\"row\">Doors</th><td><bdi>north; south</bdi></td>",
        "<bdi>+1 555 (type: work)</bdi>",
        "name=\"emails.0\" value=\"kim@x.com\"",
    ] {
        assert!(page.text.contains(expected), "{expected}: {}", page.text);
    }
    let version = page.hidden("version");
    let unchanged = [("version", &*version), ("name.givenName", "Kim"), ("emails.0", "kim@x.com"), ("emails.new", "")];
    let reply = send(&mut browser, id, "", &unchanged);
    assert!(words(&mut browser, &reply).contains("Nothing was changed."));
    let fields = [
        ("version", &*version),
        ("name.givenName", "Kimberly"),
        ("name.familyName", " Doe "),
        ("urn:scim:schemas:extension:custom:User:number", "8"),
        ("urn:scim:schemas:extension:custom:User:isActive", "true"),
        (&format!("{ENTERPRISE}:department"), ""),
        ("emails.0", "kim@x.com"),
        ("emails.new", "k$m@y.com"),
    ];
    let reply = send(&mut browser, id, "", &fields);
    let told = words(&mut browser, &reply);
    assert!(told.contains("Saved: Last name, First name, Department, Number, Is active, Email Address."), "{told}");
    let stored = admin.get(&path).json();
    assert_eq!(stored["name"], json!({ "givenName": "Kimberly", "familyName": "Doe" }));
    assert_eq!(
        stored["urn:scim:schemas:extension:custom:User"],
        json!({ "number": 8, "isActive": true, "doors": ["north", "south"] })
    );
    assert_eq!(stored["emails"], json!([{ "value": "kim@x.com", "type": "work" }, { "value": "k$m@y.com" }]));
    assert!(stored.get(ENTERPRISE).is_none(), "{stored}");

    let version = browser.get(&format!("/console/users/{id}")).hidden("version");
    for (field, typed) in [("urn:scim:schemas:extension:custom:User:number", "many"), ("userName", "")] {
        let refused = send(&mut browser, id, "", &[("version", &*version), (field, typed), ("title", "Dr. <b>")]);
        assert_eq!(refused.status, 422, "{}", refused.text);
        assert!(refused.text.contains(&format!("<a href=\"#{field}\">")), "{field}: {}", refused.text);
        assert!(refused.text.contains("value=\"Dr. &lt;b&gt;\""), "{}", refused.text);
    }
}

#[test]
fn a_form_that_somebody_overtook_shows_both_states() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let path = app.scim().create("/scim2/Users", &json!({ "schemas": [USER], "userName": "kim", "title": "Engineer" }));
    let id = id_at(&path);
    let version = browser.get(&format!("/console/users/{id}")).hidden("version");
    app.scim().set(&path, "title", "Director");
    let fields = [("version", &*version), ("title", "Manager"), ("nickName", "K")];
    let conflict = send(&mut browser, id, "", &fields);
    assert_eq!(conflict.status, 409);
    assert!(conflict.words().contains("Stored now: Director"), "{}", conflict.words());
    assert!(conflict.text.contains("value=\"Manager\"") && conflict.text.contains("value=\"K\""), "{}", conflict.text);
    let version = conflict.hidden("version");
    let reply = send(&mut browser, id, "", &[("version", &*version), ("title", "Manager"), ("nickName", "K")]);
    assert!(words(&mut browser, &reply).contains("Saved:"));
    assert_eq!(app.scim().get(&path).json()["title"], "Manager");
}

#[test]
fn an_auditor_sees_the_user_and_no_button_and_an_inviter_theirs() {
    let app = App::new();
    let user = app.invite("paul");
    let path = format!("/console/users/{}", id_of(&user));
    let mut auditor = signed_in(&app, "audrey", "auditor");
    let page = auditor.get(&path);
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.words().contains("paul@example.com") && page.text.contains("<h2>Audit</h2>"), "{}", page.words());
    assert_eq!(page.text.matches("<button").count(), 1, "to sign out: {}", page.text);
    assert!(!page.text.contains("<input") && !page.text.contains("Set password"), "{}", page.text);
    let mut inviter = signed_in(&app, "ida", "inviter");
    let page = inviter.get(&path);
    for (button, is_there) in
        [("Resend", true), ("Revoke", true), ("Lock", false), ("Copy link", false), ("Save", false), ("Delete", false)]
    {
        assert_eq!(page.text.contains(&format!(">{button}</")), is_there, "{button}: {}", page.text);
    }
    for action in ["", "lock", "roles", "delete", "password", "address", "link"] {
        let to = if action.is_empty() { path.clone() } else { format!("{path}/{action}") };
        assert_eq!(inviter.post(&to, &[]).status, 403, "{action}");
        assert_eq!(auditor.post(&to, &[]).status, 403, "{action}");
    }
    assert_eq!(auditor.post(&format!("{path}/resend"), &[]).status, 403);
}

#[test]
fn whatever_is_stored_is_shown_as_text() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let evil = "<script>alert(1)</script>";
    let body = json!({
        "schemas": [USER], "userName": evil, "displayName": evil, "name": { "formatted": evil },
        "emails": [{ "value": "e@x.com", "type": evil }], "phoneNumbers": [{ "value": evil, "type": evil }],
        "addresses": [{ "formatted": evil }],
    });
    let path = app.scim().create("/scim2/Users", &body);
    app.scim().create_group(evil, &[&path]);
    let id = id_at(&path);
    let eve = app.invite("eve");
    let eve = id_of(&eve);
    set(&app, &format!("UPDATE outbox SET state = 'failed', last_error = '{evil}', provider = '{evil}'"));
    for path in [
        format!("/console/users/{id}"),
        format!("/console/users/{id}/password"),
        format!("/console/users/{id}/address"),
        format!("/console/users/{eve}"),
    ] {
        let page = browser.get(&path);
        assert_eq!(page.status, 200, "{path}");
        assert!(page.text.contains("&lt;script&gt;") && !page.text.contains("<script>"), "{path}: {}", page.text);
    }
}

#[test]
fn a_users_page_costs_four_round_trips() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let user = app.invite("paul");
    let path = format!("/console/users/{}", id_of(&user));
    browser.get(&path);
    // The session, the user, and what has happened to them.
    assert_eq!(browser.get(&path).trips(), 3);
}

#[test]
fn buttons_of_one_page_are_pressed_one_after_the_other() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let user = app.invite("paul");
    let path = format!("/console/users/{}", id_of(&user));
    // The page is still there after "Back".
    let page = browser.get(&path).text;
    let operation_of = |action: &str| {
        let form = page.split(&format!("action=\"{path}/{action}\"")).nth(1).unwrap();
        form.split("name=\"operation\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    for (action, message) in [("resend", "on its way again"), ("revoke", "is revoked"), ("lock", "is locked")] {
        let reply = browser.post(&format!("{path}/{action}"), &[("operation", &operation_of(action))]);
        assert!(words(&mut browser, &reply).contains(message), "{action}");
    }
}

#[test]
fn correcting_the_address_brings_a_withdrawn_invitation_back() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let user = app.invite("paul");
    let id = id_of(&user);
    press(&mut browser, id, "revoke");
    let reply = send(&mut browser, id, "address", &[("email", "paul@right.example")]);
    let told = words(&mut browser, &reply);
    assert!(told.contains("The invitation to paul@right.example is on its way."), "{told}");
    app.deliver();
    assert_eq!(app.inbox()[0]["to"], "paul@right.example");
}

#[test]
fn a_long_value_comes_back_as_it_was() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let long = format!("{}\n{}", "ä".repeat(50_000), "x".repeat(50_000));
    let body = json!({ "schemas": [USER], "userName": "kim", "title": long });
    let path = app.scim().create("/scim2/Users", &body);
    let version = browser.get(&format!("/console/users/{}", id_at(&path))).hidden("version");
    let sent = long.replace('\n', "\r\n");
    let fields = [("version", &*version), ("title", &*sent), ("nickName", "K")];
    let reply = send(&mut browser, id_at(&path), "", &fields);
    assert!(words(&mut browser, &reply).contains("Saved: Nick name."));
    assert_eq!(app.scim().get(&path).json()["title"], long);
}

#[test]
fn a_tenants_users_are_seen_in_their_tenant_alone() {
    let app = App::new();
    app.create_tenant("acme.com");
    let paul = app.admin("POST", "/t/acme.com/scim2/Users", crate::support::invited("paul").to_string()).json();
    let body = json!({ "schemas": [USER], "userName": "ada", "password": PASSWORD, "roles": [{ "value": "admin" }] });
    assert_eq!(app.admin("POST", "/t/acme.com/scim2/Users", body.to_string()).status, 201);
    let mut browser = Browser::signed_in(&app, "/t/acme.com", "ada", PASSWORD);
    let path = format!("/t/acme.com/console/users/{}", id_of(&paul));
    let page = browser.get(&path);
    assert_eq!(page.status, 200);
    assert!(page.text.contains(&format!("action=\"{path}/resend\"")), "{}", page.text);
    let reply = browser.post(&format!("{path}/resend"), &[("operation", &page.hidden("operation"))]);
    assert_eq!(reply.header("location"), path);
    let other = app.invite("paul");
    assert_eq!(browser.get(&format!("/t/acme.com/console/users/{}", id_of(&other))).status, 404);
}
