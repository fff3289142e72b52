//! Addresses that users choose for themselves: how often, and what a stranger who has one is told.

use std::time::Duration;

use latchkey::ports::Clock;
use serde_json::{Value, json};

use crate::pages::links::change::live;
use crate::scim2::client::{ENTERPRISE, PASSWORD, WSO2, in_parallel};
use crate::support::App;

/// The seconds that a test may take.
const SLACK: u64 = 50;

/// A PATCH of `emails` to one address.
fn operations(number: usize) -> Value {
    json!([
        { "op": "replace", "path": "emails", "value": [{ "value": format!("new{number}@example.com") }] },
        { "op": "replace", "path": "nickName", "value": format!("n{number}") },
    ])
}

/// The seconds of `Retry-After` of a change that is one too many.
#[track_caller]
fn refused(app: &App, number: usize) -> u64 {
    let before = app.dump_without("sign_in_failures");
    let reply = app.user("paul", PASSWORD).patch("/scim2/Me", operations(number));
    reply.is_error(429, None);
    assert_eq!(app.dump_without("sign_in_failures"), before, "nothing of it is done");
    reply.header("retry-after").parse().unwrap()
}

#[test]
fn users_change_their_address_three_times_an_hour_and_ten_times_a_day() {
    let app = App::with(&[("RATE_LIMITS", "off")]);
    let path = live(&app, "paul");
    let me = app.user("paul", PASSWORD);
    let start = app.native.clock.now();
    let elapsed = || u64::try_from(app.native.clock.now() - start).unwrap() / 1000;
    for number in 0..3 {
        let reply = me.patch("/scim2/Me", operations(number));
        assert_eq!(reply.trips(), 3);
        reply.is(200);
        app.native.clock.advance(Duration::from_secs(60));
    }
    let wait = refused(&app, 3);
    // The clock goes on meanwhile.
    assert!((3_600..3_600 + SLACK).contains(&(wait + elapsed())), "{wait}");
    // All else goes on: what asks for no other address, what gives one up, and whatever an administrator does.
    me.set("/scim2/Me", "nickName", "p").is(200);
    me.patch("/scim2/Me", json!([{ "op": "remove", "path": format!("{WSO2}:pendingEmails") }])).is(200);
    for number in 100..105 {
        app.scim().patch(&path, operations(number)).is(200);
    }
    assert!((wait - SLACK..=wait).contains(&refused(&app, 3)));
    let whole = json!({ "userName": "paul", "emails": [{ "value": "put@example.com" }] });
    assert_eq!(me.put("/scim2/Me", &whole).status, 429);
    app.native.clock.advance(Duration::from_secs(wait));
    for number in 3..10 {
        if number % 3 == 1 {
            app.native.clock.advance(Duration::from_secs(3_600));
        }
        me.patch("/scim2/Me", operations(number)).is(200);
    }
    let wait = refused(&app, 10);
    assert!((86_400..86_400 + SLACK).contains(&(wait + elapsed())), "the first of the day: {wait}");
    app.native.clock.advance(Duration::from_secs(wait));
    me.patch("/scim2/Me", operations(10)).is(200);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'user.address' AND actor LIKE 'user:%'"), 11);
}

#[test]
fn of_thirty_changes_at_once_three_take_place() {
    for store in ["", "ACME/"] {
        let app = App::with_stores(&["ACME"]);
        let name = format!("{store}kim");
        let user = json!({
            "userName": name, "password": PASSWORD, "emails": [{ "value": "kim@example.com" }],
            WSO2: { "emailVerified": true },
        });
        let path = app.scim().create("/scim2/Users", &user);
        app.user(&name, PASSWORD).get("/scim2/Me").is(200);
        let statuses =
            in_parallel(30, |number| app.user(&name, PASSWORD).patch("/scim2/Me", operations(number)).status.as_u16());
        let count = |status: u16| statuses.iter().filter(|other| **other == status).count();
        assert_eq!((count(200), count(429)), (3, 27), "{name}: {statuses:?}");
        let id = path.rsplit('/').next().unwrap();
        assert_eq!(app.user(&name, PASSWORD).get("/scim2/Me").is(200)["id"], id);
    }
}

#[test]
fn an_address_that_nobody_confirmed_counts_too() {
    let app = App::new();
    let user = json!({ "userName": "paul", "password": PASSWORD, "emails": [{ "value": "a@example.com" }] });
    app.scim().create("/scim2/Users", &user);
    let me = app.user("paul", PASSWORD);
    me.patch("/scim2/Me", json!([{ "op": "remove", "path": "emails" }])).is(200);
    me.patch("/scim2/Me", operations(1)).is(200);
    me.patch("/scim2/Me", operations(1)).is(200);
    me.patch("/scim2/Me", operations(2)).is(200);
    assert!(refused(&app, 3) <= 3_600);
}

const WORDS: &str = "friend! You won";

/// Paul calls themselves what strangers are to read.
fn call_oneself(app: &App) {
    let names = json!({
        "name": { "givenName": WORDS, "familyName": WORDS, "formatted": WORDS }, "displayName": WORDS, "nickName": WORDS,
        "title": WORDS, "profileUrl": "https://evil.example/", "addresses": [{ "locality": WORDS }],
        "photos": [{ "value": "https://evil.example/", "display": WORDS }],
    });
    app.user("paul", PASSWORD).patch("/scim2/Me", json!([{ "op": "replace", "value": names }])).is(200);
}

/// The newest mail, all of it.
fn newest(app: &App, template: &str) -> String {
    app.deliver();
    let inbox = app.inbox();
    inbox.iter().find(|mail| mail["template"] == template).unwrap_or_else(|| panic!("no {template}")).to_string()
}

#[test]
fn a_new_address_is_told_nothing_that_the_user_chose() {
    let app = App::new();
    let path = live(&app, "paul");
    call_oneself(&app);
    app.user("paul", PASSWORD).patch("/scim2/Me", operations(1)).is(200);
    let mail = newest(&app, "VerifyEmailOnUpdate");
    assert!(!mail.contains("You won") && mail.contains("new1@example.com"), "{mail}");
    let told = newest(&app, "NotifyExistingEmailOnUpdate");
    assert!(told.contains("You won"), "the one who has the address on file chose it: {told}");
    let id = path.rsplit('/').next().unwrap();
    assert_eq!(app.admin("POST", &format!("/api/invitations/{id}/resend"), "").status, 202);
    let mail = newest(&app, "resendVerifyEmailOnUpdate");
    assert!(!mail.contains("You won"), "{mail}");
}

#[test]
fn a_tenants_template_for_a_new_address_has_what_others_wrote_of_the_user() {
    let app = App::new();
    let claims = [
        "givenname",
        "lastname",
        "fullname",
        "displayName",
        "nickName",
        "title",
        "profileUrl",
        "url",
        "locality",
        "photourl",
        "photos.display",
        "username",
        "emailaddress",
        "department",
    ];
    let body: String = claims.iter().map(|claim| format!("[{claim}: {{{{user.claim.{claim}}}}}] ")).collect();
    let template = json!({
        "contentType": "text/html", "subject": "{{user.claim.displayName}} {{user-name}}", "footer": "",
        "body": format!("<p>{body}</p><p>{{{{confirmation-link}}}}</p>"),
    });
    let types = "/api/server/v2/email/template-types/VmVyaWZ5RW1haWxPblVwZGF0ZQ/org-templates/en_US";
    let stored = app.admin("PUT", types, template.to_string());
    assert_eq!(stored.status, 200, "{}", stored.text);
    let path = live(&app, "paul");
    let department = format!("{ENTERPRISE}:department");
    app.scim().set(&path, &department, "Engineering").is(200);
    call_oneself(&app);
    app.user("paul", PASSWORD).patch("/scim2/Me", operations(1)).is(200);
    let mail = newest(&app, "VerifyEmailOnUpdate");
    assert!(!mail.contains("You won") && !mail.contains("evil.example"), "{mail}");
    for claim in ["[username: paul]", "[emailaddress: paul@example.com]", "[department: Engineering]", "[givenname: ]"]
    {
        assert!(mail.contains(claim), "no {claim} in {mail}");
    }
}

#[test]
fn so_it_is_where_a_pending_user_may_sign_in() {
    let app = App::with(&[("LOCK_ON_CREATION", "false")]);
    let user = json!({
        "userName": "paul", "password": PASSWORD, "emails": [{ "value": "paul@example.com" }],
        "name": { "givenName": "Paul" }, WSO2: { "verifyEmail": true },
    });
    app.scim().create("/scim2/Users", &user);
    assert!(newest(&app, "EmailConfirm").contains("Paul"));
    call_oneself(&app);
    app.user("paul", PASSWORD).patch("/scim2/Me", operations(1)).is(200);
    let mail = newest(&app, "resendEmailConfirm");
    assert!(!mail.contains("You won") && mail.contains("new1@example.com"), "{mail}");
}
