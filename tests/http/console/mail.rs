//! `/console/mail`.

use super::signed_in;
use crate::provider::{answer, with_resend};
use crate::support::{App, invited};

#[test]
fn a_mail_that_failed_is_listed_with_what_was_said_and_tried_again() {
    let (app, _) = with_resend(|call, _| match call {
        0 | 1 => answer(422, r#"{"name":"validation_error"}"#),
        _ => answer(200, r#"{"id":"x"}"#),
    });
    app.invite("paul");
    app.invite("anna");
    app.deliver();
    app.invite("carl");
    let mut browser = signed_in(&app, "alice", "admin");
    let page = browser.get("/console/mail?state=failed");
    assert_eq!(page.status, 200, "{}", page.text);
    assert_eq!(page.trips(), 2, "the session's and the list's");
    for words in ["paul@example.com AskPassword Failed resend 422 validation_error 1", "anna@example.com"] {
        assert!(page.words().contains(words), "{}", page.words());
    }
    assert!(!page.words().contains("carl@example.com"));
    assert!(page.text.contains("<option value=\"failed\" selected>Failed"), "{}", page.text);
    assert!(page.text.contains("aria-label=\"Retry paul@example.com\""), "{}", page.text);

    let id = app.admin("GET", "/api/mail?state=failed", "").json()["Resources"][1]["id"].as_str().unwrap().to_owned();
    let form = format!("action=\"/console/mail/{id}/retry?state=failed\"");
    assert!(page.text.contains(&form), "{}", page.text);
    let retried = browser.post(&format!("/console/mail/{id}/retry?state=failed"), &[]);
    assert_eq!((retried.status.as_u16(), retried.header("location")), (303, "/console/mail?state=failed"));
    let after = browser.get("/console/mail?state=failed");
    assert!(after.words().contains("The mail to paul@example.com is queued again."), "{}", after.words());
    let again = browser.post(&format!("/console/mail/{id}/retry"), &[]);
    assert_eq!(again.status, 303);
    assert!(browser.get("/console/mail").words().contains("Nothing was done: the mail is queued"));
    assert_eq!(browser.post("/console/mail/none/retry", &[]).status, 404);

    assert_eq!(browser.post("/console/mail/retry?state=failed", &[]).status, 303);
    assert!(browser.get("/console/mail").words().contains("1 mail is queued again."));
    assert_eq!(browser.post("/console/mail/retry", &[]).status, 303);
    assert!(browser.get("/console/mail").words().contains("No mail is failed: none was queued."));
    assert_eq!(browser.post("/console/mail/retry?state=sent", &[]).status, 400);
    assert_eq!(app.deliver().sent, 3);
    assert!(browser.get("/console/mail?state=sent").words().contains("carl@example.com AskPassword Sent"));
    assert!(browser.get("/console/mail?state=failed").words().contains("No mail is in this state."));
}

#[test]
fn mails_come_a_hundred_at_a_time() {
    let app = App::new();
    for number in 0..101 {
        app.invite(&format!("user{number:03}"));
    }
    let mut browser = signed_in(&app, "alice", "admin");
    let first = browser.get("/console/mail?state=queued");
    assert!(first.words().contains("user100@example.com") && !first.words().contains("user000@example.com"));
    let next = first.text.split("<a href=\"").find(|rest| rest.contains("rel=\"next\"")).unwrap();
    let next = next.split('"').next().unwrap().replace("&amp;", "&");
    let second = browser.get(&next);
    assert!(
        second.words().contains("user000@example.com") && !second.words().contains("user001@"),
        "{}",
        second.words()
    );
    assert!(second.text.contains("<a href=\"/console/mail?state=queued\">First"), "{}", second.text);
    let lost = browser.get("/console/mail?cursor=nowhere");
    assert!(lost.words().contains("this is the first.") && lost.words().contains("user100@example.com"));
}

#[test]
fn each_user_stores_mails_are_listed_for_its_domain() {
    let app = App::with_stores(&["ACME"]);
    let mut body = invited("ACME/paul");
    body["emails"] = serde_json::json!([{ "value": "paul@example.com", "primary": true }]);
    assert_eq!(app.admin("POST", "/scim2/Users", body.to_string()).status, 201);
    let mut browser = signed_in(&app, "alice", "admin");
    let page = browser.get("/console/mail");
    assert!(page.text.contains("<option value=\"ACME\">ACME"), "{}", page.text);
    assert!(!page.words().contains("paul@example.com"));
    assert!(browser.get("/console/mail?domain=acme").words().contains("paul@example.com"));
    assert_eq!(browser.get("/console/mail?domain=none").status, 400);
}

#[test]
fn what_a_provider_said_is_shown_as_text_and_who_may_not_follow_mails_sees_none() {
    let app = App::new();
    app.invite("paul");
    app.number("UPDATE outbox SET last_error = '<script>alert(1)</script>', provider = '<b>x' RETURNING 1");
    let mut browser = signed_in(&app, "alice", "admin");
    let page = browser.get("/console/mail");
    assert!(page.text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{}", page.text);
    assert!(!page.text.contains("<script>alert") && !page.text.contains("<b>x"));
    for role in ["auditor", "inviter"] {
        let mut browser = signed_in(&app, role, role);
        assert_eq!(browser.get("/console/mail").status, 403);
        assert!(!browser.get("/console").text.contains("/console/mail"));
    }
}
