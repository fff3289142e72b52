//! `/console/settings`.

use serde_json::json;

use super::{Browser, signed_in};
use crate::support::{App, Reply};

/// The operation's id in the form of a section.
fn operation(page: &Reply, section: &str) -> String {
    let field = format!("<input type=\"hidden\" name=\"section\" value=\"{section}\">");
    let before = page.text.split(&field).next().unwrap();
    before.rsplit("name=\"operation\" value=\"").next().unwrap().split('"').next().unwrap().to_owned()
}

/// Saves a section as a browser sends its form: all boxes that are checked, and what is given here.
fn save(browser: &mut Browser, section: &str, fields: &[(&str, &str)]) -> Reply {
    let page = browser.get("/console/settings");
    let operation = operation(&page, section);
    let all = [&[("operation", &*operation), ("section", section)], fields].concat();
    browser.post("/console/settings", &all)
}

#[test]
fn every_setting_of_a_tenant_is_shown_with_what_holds_and_whose_it_is() {
    let app = App::with(&[("PASSWORD_MIN_LENGTH", "12")]);
    app.admin("PATCH", "/api/settings", json!({ "ORGANIZATION_NAME": "<script>x" }).to_string());
    let mut browser = signed_in(&app, "alice", "admin");
    let page = browser.get("/console/settings");
    assert_eq!(page.status, 200, "{}", page.text);
    for setting in latchkey::model::settings::SETTINGS {
        assert_eq!(page.text.matches(&format!("id=\"{}\"", setting.name)).count(), 1, "{}", setting.name);
    }
    assert!(page.text.contains("<h2>User Onboarding</h2><h3 id=\"ask-password\">Ask Password</h3>"), "{}", page.text);
    for words in [
        "Enable User Email Verification",
        "In force: on, the default.",
        "Ask password code expiry time",
        "In force: 1440 (24 hours), the default.",
        "In force: 12, the deployment’s value.",
        "In force: <script>x, the tenant’s own value.",
    ] {
        assert!(page.words().replace("&lt;", "<").replace("&gt;", ">").contains(words), "{words}: {}", page.words());
    }
    assert!(!page.text.contains("<script>x"));
    assert!(page.text.contains("form=\"reset-ORGANIZATION_NAME\""), "{}", page.text);
    assert!(!page.text.contains("form=\"reset-ASK_PASSWORD_EMAIL_VALIDITY\""));
}

#[test]
fn a_section_is_saved_at_once_and_reset_setting_by_setting() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let saved = save(
        &mut browser,
        "Ask Password",
        &[
            ("was-ENABLE_EMAIL_VERIFICATION", "true"),
            ("ENABLE_EMAIL_VERIFICATION", "on"),
            ("was-ASK_PASSWORD_EMAIL_VALIDITY", "1440"),
            ("ASK_PASSWORD_EMAIL_VALIDITY", "-1"),
            ("was-LOCK_ON_CREATION", "true"),
            ("was-ASK_PASSWORD_ACCOUNT_ACTIVATION", "true"),
            ("ASK_PASSWORD_ACCOUNT_ACTIVATION", "on"),
            ("was-EMAIL_SENDER", "internal"),
            ("EMAIL_SENDER", "internal"),
            ("was-DISABLE_RANDOM_VALUE_FOR_CREDENTIALS", "false"),
        ],
    );
    assert_eq!((saved.status.as_u16(), saved.header("location")), (303, "/console/settings"), "{}", saved.text);
    let page = browser.get("/console/settings");
    for words in [
        "Saved: Ask password code expiry time is now -1; Lock accounts until the password is set is now off.",
        "In force: -1, the tenant’s own value.",
    ] {
        assert!(page.words().contains(words), "{words}: {}", page.words());
    }
    let settings = app.admin("GET", "/api/settings", "").json();
    assert_eq!(
        settings["own"],
        json!(["ASK_PASSWORD_EMAIL_VALIDITY", "LOCK_ON_CREATION"]),
        "what was not changed is not set"
    );
    assert_eq!(settings["settings"]["LOCK_ON_CREATION"], "false");

    let reset = browser.post("/console/settings/reset", &[("name", "ASK_PASSWORD_EMAIL_VALIDITY")]);
    assert_eq!(reset.status, 303, "{}", reset.text);
    let words = browser.get("/console/settings").words();
    assert!(words.contains("Ask password code expiry time is the deployment’s again: 1440."), "{words}");
    assert_eq!(app.admin("GET", "/api/settings", "").json()["own"], json!(["LOCK_ON_CREATION"]));
    assert_eq!(browser.post("/console/settings/reset", &[("name", "MAIL_API_BASE")]).status, 400);
}

#[test]
fn what_is_not_taken_is_said_at_its_field_and_nothing_is_lost_or_changed() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let fields = [
        ("was-PASSWORD_MIN_LENGTH", "8"),
        ("PASSWORD_MIN_LENGTH", "none"),
        ("was-PASSWORD_HISTORY", "0"),
        ("PASSWORD_HISTORY", "3"),
    ];
    let page = save(&mut browser, "Passwords", &fields);
    assert_eq!(page.status, 422, "{}", page.text);
    let problem =
        "<a href=\"#PASSWORD_MIN_LENGTH\">Least length of a password is &quot;none&quot;: it must be a whole number";
    assert!(page.text.contains(problem), "{}", page.text);
    assert!(page.text.contains("value=\"none\"") && page.text.contains("name=\"PASSWORD_HISTORY\" value=\"3\""));
    assert_eq!(app.admin("GET", "/api/settings", "").json()["own"], json!([]));
    assert_eq!(save(&mut browser, "Nothing", &[]).status, 400);
}

#[test]
fn what_somebody_else_has_changed_meanwhile_is_shown_and_what_was_left_alone_stays_theirs() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    app.admin("PATCH", "/api/settings", json!({ "PASSWORD_MIN_LENGTH": 10, "PASSWORD_HISTORY": 2 }).to_string());
    let fields = [
        ("was-PASSWORD_MIN_LENGTH", "8"),
        ("PASSWORD_MIN_LENGTH", "12"),
        ("was-PASSWORD_HISTORY", "0"),
        ("PASSWORD_HISTORY", "0"),
    ];
    let page = save(&mut browser, "Passwords", &fields);
    assert_eq!(page.status, 422, "{}", page.text);
    assert!(
        page.words().contains("Least length of a password: somebody has made it 10 meanwhile."),
        "{}",
        page.words()
    );
    let fields = [("was-PASSWORD_MIN_LENGTH", "10"), ("PASSWORD_MIN_LENGTH", "12"), fields[2], fields[3]];
    assert_eq!(save(&mut browser, "Passwords", &fields).status, 303);
    let settings = app.admin("GET", "/api/settings", "").json()["settings"].clone();
    assert_eq!((&settings["PASSWORD_MIN_LENGTH"], &settings["PASSWORD_HISTORY"]), (&json!("12"), &json!("2")));
}

#[test]
fn settings_are_for_those_who_may_change_them() {
    let app = App::new();
    for role in ["auditor", "inviter"] {
        let mut browser = signed_in(&app, role, role);
        assert_eq!(browser.get("/console/settings").status, 403);
        assert_eq!(browser.post("/console/settings/reset", &[("name", "LOCK_ON_CREATION")]).status, 403);
    }
}
