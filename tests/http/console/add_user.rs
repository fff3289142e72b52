//! `/console/users/new`.

use super::{Browser, signed_in};
use crate::scim2::client::PASSWORD;
use crate::support::{App, Reply};

const PAGE: &str = "/console/users/new";

/// Fills the form in and presses "Finish".
fn finish(browser: &mut Browser, fields: &[(&str, &str)]) -> Reply {
    let operation = browser.get(PAGE).hidden("operation");
    browser.post(PAGE, &[&[("operation", &*operation)], fields].concat())
}

/// The page that a 303 leads to.
fn follow(browser: &mut Browser, reply: &Reply) -> Reply {
    assert_eq!(reply.status, 303, "{}", reply.text);
    let path = reply.header("location").to_owned();
    let page = browser.get(&path);
    assert_eq!(page.status, 200, "{path}: {}", page.text);
    page
}

#[test]
fn an_invitation_may_have_an_end_of_its_own_in_the_tenants_time_zone() {
    let app = App::with(&[("TIME_ZONE", "Europe/Berlin")]);
    let mut browser = signed_in(&app, "alice", "admin");
    let page = browser.get("/console/users/new");
    assert!(page.text.contains(">Invitation expires</label>") && page.words().contains("time zone Europe/Berlin"));
    let mut send = |expires: &str, more: &[(&str, &str)]| {
        let operation = browser.get("/console/users/new").hidden("operation");
        let fields = [
            ("operation", &*operation),
            ("username", "paul"),
            ("ask", "on"),
            ("email", "paul@example.com"),
            ("expires", expires),
        ];
        browser.post("/console/users/new", &[&fields[..], more].concat())
    };
    // The clocks are put forward on 28 March 2027 at two: half past two there is not.
    for wrong in ["2020-01-01T00:00", "2027-03-28T02:30", "2027-13-01T00:00", "tomorrow", "2099-01-01T00:00"] {
        let refused = send(wrong, &[]);
        assert!(refused.status == 422 && refused.text.contains("href=\"#expires\""), "{wrong}: {}", refused.text);
        assert!(refused.text.contains(&format!("value=\"{wrong}\"")), "{wrong}: what was typed stays");
    }
    let preview = send("2027-07-01T12:00", &[("preview", "1")]);
    let said = "is good until 2027-07-01 12:00 Europe/Berlin (2027-07-01 10:00 UTC)";
    assert!(preview.status == 200 && preview.words().contains(said), "{}", preview.words());
    assert!(preview.words().contains("July 1, 2027, 10:00 UTC"), "{}", preview.words());
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 0);
    // Without a look at the preview the instant is shown first, and again when it is another one.
    let mut shown = String::new();
    for (expires, utc) in [("2027-07-02T12:00", "07-02 10:00"), ("2027-07-01T12:00", "07-01 10:00")] {
        let asked = send(expires, &[("shown", &shown)]);
        assert_eq!(asked.status, 200, "{}", asked.text);
        let said = format!("({}{utc} UTC). Press “Finish” to send it.", "2027-");
        assert!(asked.words().contains("Nothing is sent yet: the link is good until"), "{}", asked.words());
        assert!(asked.words().contains(&said) && asked.text.contains("role=\"status\""), "{}", asked.words());
        let field = asked.text.split_once("name=\"shown\" value=\"").unwrap().1;
        shown = field.split_once('"').unwrap().0.to_owned();
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 0);
    let done = send("2027-07-01T12:00", &[("shown", &shown)]);
    assert_eq!(done.status, 303, "{}", done.text);
    let path = done.header("location").to_owned();
    assert!(browser.get(&path).words().contains(said), "{}", browser.get(&path).words());
    let user = app.scim().get(&path.replace("/console/users", "/scim2/Users")).json();
    let invitation = "urn:latchkey:params:scim:schemas:extension:invitation:2.0:User";
    assert_eq!(user[invitation]["expiresAt"], "2027-07-01T10:00:00Z");
    app.deliver();
    let user = app.scim().get(&path.replace("/console/users", "/scim2/Users")).json();
    assert_eq!(user[invitation]["expiresAt"], "2027-07-01T10:00:00Z");
    assert_eq!(app.number("SELECT expires_at FROM outbox"), 1814436000);
    for (wrong, right) in [("Mars/Olympus", 400), ("../etc/passwd", 400), ("", 400), ("America/New_York", 200)] {
        let body = serde_json::json!({ "TIME_ZONE": wrong }).to_string();
        assert_eq!(app.admin("PATCH", "/api/settings", body).status, right, "{wrong}");
    }
}

#[test]
fn somebody_is_invited_as_the_document_tells_it() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let page = browser.get(PAGE);
    assert_eq!(page.status, 200);
    for label in ["Username", "Ask password from user", "Email Address", "First name", "Last name", "Language"] {
        assert!(page.text.contains(&format!(">{label}</label>")), "{label}: {}", page.text);
    }
    assert!(page.text.contains("<h1>Add user</h1>") && !page.text.contains("Domain"), "one store is no choice");
    assert!(page.text.contains("name=\"ask\" checked"), "{}", page.text);
    assert!(page.words().contains("Asked for the password, the person gets an invitation by mail"), "{}", page.text);

    let fields = [("username", "Paul"), ("ask", "on"), ("email", "paul@somemail.com"), ("given_name", "Paul")];
    let done = finish(&mut browser, &fields);
    let user = follow(&mut browser, &done);
    assert!(user.words().contains("The invitation to paul@somemail.com is on its way."), "{}", user.text);
    assert!(user.text.contains("<h1>Paul</h1>"), "{}", user.text);

    let link = app.newest_link();
    assert_eq!(app.inbox()[0]["to"], "paul@somemail.com");
    let set = app.post_form(&link, &[("password", PASSWORD), ("confirmation", PASSWORD)]);
    assert_eq!(set.status, 200, "{}", set.text);
    assert_eq!(app.me("Paul", PASSWORD).status, 200);
    let path = done.header("location").to_owned();
    let words = browser.get(&path).words();
    assert!(words.contains("Active") && words.contains("Used: the link was accepted"), "{words}");
    assert!(words.contains("Invited by alice") && words.contains("Sent by inbox"), "{words}");
}

#[test]
fn a_form_that_is_sent_twice_adds_one_user() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let operation = browser.get(PAGE).hidden("operation");
    let fields = [("operation", &*operation), ("username", "paul"), ("ask", "on"), ("email", "paul@somemail.com")];
    let first = browser.post(PAGE, &fields);
    let second = browser.post(PAGE, &fields);
    assert_eq!((first.status, second.status.as_u16()), (second.status, 303), "{}", second.text);
    assert_eq!(first.header("location"), second.header("location"));
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 1);
}

#[test]
fn addresses_of_any_kind_are_invited_and_come_back_as_they_were_typed() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    for (number, address) in
        ["a$b@somemail.com", "a+b@somemail.com", "jörg@bücher.example", "o'neil@somemail.com"].into_iter().enumerate()
    {
        let name = format!("user{number}");
        let done = finish(&mut browser, &[("username", &name), ("ask", "on"), ("email", address)]);
        let page = follow(&mut browser, &done);
        let message = format!("The invitation to {address} is on its way.");
        assert!(page.words().contains(&message), "{address}: {}", page.words());
        app.deliver();
        assert_eq!(app.inbox()[0]["to"], address);
    }
}

#[test]
fn the_preview_is_the_mail_that_is_sent() {
    // Without an end, which the minute would be part of.
    let app = App::with(&[("ASK_PASSWORD_EMAIL_VALIDITY", "-1")]);
    let mut browser = signed_in(&app, "alice", "admin");
    let fields = [
        ("username", "paul"),
        ("ask", "on"),
        ("email", "paul@somemail.com"),
        ("given_name", "Paul <b>"),
        ("locale", "de_DE"),
    ];
    let page = finish(&mut browser, &[&fields[..], &[("preview", "1")]].concat());
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.text.contains("value=\"paul@somemail.com\""), "{}", page.text);
    assert!(page.text.contains("value=\"de_DE\" selected"), "{}", page.text);
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 0, "nothing is sent");
    let text = page.text.split("<pre dir=\"auto\">").nth(1).unwrap().split("</pre>").next().unwrap().to_owned();
    assert!(text.contains("/invite/lk1.preview"), "{text}");

    assert_eq!(finish(&mut browser, &fields).status, 303);
    let link = app.newest_link();
    let mail = &app.inbox()[0];
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let sent = mail["text"].as_str().unwrap().replace(link.strip_prefix("/invite/").unwrap(), "lk1.preview");
    assert_eq!(text, escaped(&sent));
    assert!(page.text.contains(&escaped(mail["subject"].as_str().unwrap())), "{mail}");
}

#[test]
fn what_is_wrong_is_said_at_its_field_and_what_was_typed_stays() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    app.scim().create_user("taken");
    let before = app.number("SELECT COUNT(*) FROM resources");
    let paul = [("username", "paul"), ("given_name", "Päul")];
    for (fields, field, problem) in [
        (&[("username", ""), ("ask", "on"), ("email", "a@x.com")][..], "username", "Type a user name."),
        (&[("username", "taken"), ("ask", "on"), ("email", "a@x.com")], "username", "This user name is taken"),
        (&[("username", "a\u{200b}b"), ("ask", "on"), ("email", "a@x.com")], "username", "The userName has a control"),
        (&[("ask", "on")], "email", "Type the address that the mail is to go to."),
        (&[("ask", "on"), ("email", "a@x.com, b@x.com")], "email", "Type one address, such as"),
        (&[("ask", "on"), ("email", "paul")], "email", "Type one address, such as"),
        (&[("ask", "on"), ("email", "a@x.com"), ("password", PASSWORD)], "password", "Leave the password empty"),
        (&[("email", "a@x.com")], "password", "Type a password, or ask the person for it."),
        (&[("password", PASSWORD), ("confirm", "other")], "confirm", "The two passwords differ"),
        (&[("password", "short"), ("confirm", "short")], "password", "20035"),
        (&[("ask", "on"), ("email", "a@x.com"), ("group", "nobody's")], "groups", "There is no group &#39;nobody"),
        (&[("preview", "1"), ("email", "")], "email", "Type the address that the mail is to go to."),
    ] {
        let page = finish(&mut browser, &[fields, &paul[..]].concat());
        assert_eq!(page.status, 422, "{fields:?}: {}", page.text);
        assert!(page.text.contains("<title>Error: Add user"), "{}", page.text);
        let said = page.text.replace("&#39;", "'");
        let problem = problem.replace("&#39;", "'");
        assert!(said.contains(&format!("<a href=\"#{field}\">{problem}")), "{fields:?}: {}", page.text);
        assert!(page.text.contains("value=\"Päul\""), "{fields:?}: {}", page.text);
        assert!(!page.text.contains(PASSWORD), "a password never comes back");
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM resources"), before);
}

#[test]
fn a_user_with_a_password_joins_groups_and_may_be_asked_to_confirm_the_address() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    app.scim().create_group("Sales & <b>", &[]);
    assert!(browser.get(PAGE).words().contains("Sales &amp; &lt;b&gt;"));
    let fields = [
        ("username", "peter"),
        ("email", "peter@somemail.com"),
        ("password", PASSWORD),
        ("confirm", PASSWORD),
        ("group", "Sales & <b>"),
    ];
    let done = finish(&mut browser, &fields);
    let page = follow(&mut browser, &done);
    assert!(page.words().contains("The user peter is created. No mail is sent."), "{}", page.words());
    assert!(page.text.contains("/console/groups/") && page.words().contains("Sales &amp; &lt;b&gt;"), "{}", page.text);
    assert_eq!(app.me("peter", PASSWORD).status, 200);

    let fields = [
        ("username", "petra"),
        ("email", "petra@x.com"),
        ("password", PASSWORD),
        ("confirm", PASSWORD),
        ("verify", "on"),
    ];
    let done = finish(&mut browser, &fields);
    let page = follow(&mut browser, &done);
    let message = "The mail that asks petra@x.com to confirm the address is on its way.";
    assert!(page.words().contains(message), "{}", page.words());
}

#[test]
fn a_user_is_added_to_the_store_that_is_chosen() {
    let app = App::with_stores(&["ACME"]);
    let mut browser = signed_in(&app, "alice", "admin");
    app.scim().create_group("Sales", &[]);
    assert!(browser.get(PAGE).text.contains(">Domain</label>"));
    let fields = [("domain", "ACME"), ("username", "paul"), ("ask", "on"), ("email", "paul@x.com"), ("group", "Sales")];
    let done = finish(&mut browser, &fields);
    let page = follow(&mut browser, &done);
    assert!(page.text.contains("<h1>ACME/paul</h1>") && page.words().contains("Sales"), "{}", page.words());
    let page = finish(&mut browser, &[("domain", "NONE"), ("username", "b"), ("ask", "on"), ("email", "b@x.com")]);
    assert!(page.status == 422 && page.text.contains("<a href=\"#"), "{}", page.text);
}

#[test]
fn an_inviter_invites_and_does_no_more() {
    let app = App::new();
    let mut browser = signed_in(&app, "ida", "inviter");
    app.scim().create_group("Sales", &[]);
    assert!(!browser.get(PAGE).text.contains("Sales"), "who is in a group is not for them to say");
    let done = finish(&mut browser, &[("username", "paul"), ("ask", "on"), ("email", "paul@somemail.com")]);
    assert!(follow(&mut browser, &done).words().contains("is on its way."));
    let with_password = [("username", "eve"), ("password", PASSWORD), ("confirm", PASSWORD)];
    let refused = finish(&mut browser, &with_password);
    assert!(refused.status == 403 && refused.text.contains("value=\"eve\""), "{}", refused.text);
    let fields = [("username", "eve"), ("ask", "on"), ("email", "eve@x.com"), ("group", "Sales")];
    let refused = finish(&mut browser, &fields);
    assert_eq!(refused.status, 403, "{}", refused.text);
    let mut auditor = signed_in(&app, "audrey", "auditor");
    assert_eq!(auditor.get(PAGE).status, 403);
    assert_eq!(auditor.post(PAGE, &with_password).status, 403);
}

#[test]
fn where_others_deliver_the_link_is_shown_once() {
    let app = App::with(&[("EMAIL_SENDER", "external")]);
    let mut browser = signed_in(&app, "alice", "admin");
    assert!(browser.get(PAGE).words().contains("the link is shown here once"));
    let operation = browser.get(PAGE).hidden("operation");
    let fields = [("operation", &*operation), ("username", "paul"), ("ask", "on"), ("email", "paul@x.com")];
    let made = browser.post(PAGE, &fields);
    assert_eq!(made.status, 201, "{}", made.text);
    let link = made.text.split("value=\"").map(|rest| rest.split('"').next().unwrap());
    let link = link.filter(|value| value.contains("/invite/")).last().unwrap().to_owned();
    let path = link.strip_prefix(crate::support::ORIGIN).unwrap();
    assert_eq!(app.anyone("GET", path).status, 200);
    let again = browser.post(PAGE, &fields);
    let page = follow(&mut browser, &again);
    assert!(page.words().contains("the link was shown once") && !page.text.contains(&link), "{}", page.words());
}

#[test]
fn stored_and_typed_markup_is_text() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let evil = "<script>alert(1)</script>";
    let fields = [
        ("username", evil),
        ("ask", "on"),
        ("email", "no"),
        ("given_name", evil),
        ("family_name", "\"><script>x"),
        ("locale", evil),
        ("group", evil),
    ];
    let page = finish(&mut browser, &fields);
    assert_eq!(page.status, 422);
    assert!(!page.text.contains("<script>"), "{}", page.text);
    let fields = [("username", evil), ("ask", "on"), ("email", "e@x.com"), ("given_name", evil), ("family_name", evil)];
    let done = finish(&mut browser, &fields);
    let page = follow(&mut browser, &done);
    assert!(page.text.contains("&lt;script&gt;alert(1)") && !page.text.contains("<script>"), "{}", page.text);
}
