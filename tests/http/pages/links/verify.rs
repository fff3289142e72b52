//! `/verify/{token}`

use serde_json::json;

use crate::support::App;

const BODY: &str = r#"{"userName":"peter","password":"walking the dog","emails":["peter@somemail.com"],"urn:scim:wso2:schema":{"verifyEmail":true}}"#;

/// What the page's button sends.
const PRESSED: &[(&str, &str)] = &[("intent", "confirm-email")];

#[test]
fn a_user_to_be_verified_keeps_the_password_and_signs_in_once_confirmed() {
    let app = App::new();
    let user = app.admin("POST", "/scim2/Users", BODY).json();
    assert_eq!(user["urn:scim:wso2:schema"]["accountState"], "PENDING_EV");
    assert_eq!(user["urn:scim:wso2:schema"]["lockedReason"], "PENDING_EMAIL_VERIFICATION");
    assert_eq!(app.me("peter", "walking the dog").status, 401);
    let link = app.newest_link();
    assert!(link.starts_with("/verify/"), "{link}");
    for _ in 0..3 {
        assert_eq!(app.anyone("GET", &link).status, 200);
    }
    assert_eq!(app.me("peter", "walking the dog").status, 401);
    let done = app.post_form(&link, PRESSED);
    assert_eq!((done.status.as_u16(), done.trips()), (200, 2), "{}", done.text);
    let me = app.me("peter", "walking the dog");
    assert_eq!(me.status, 200);
    assert_eq!(me.json()["urn:scim:wso2:schema"]["emailVerified"], true);
    for again in [app.post_form(&link, PRESSED), app.post_form(&link, &[]), app.anyone("GET", &link)] {
        assert_eq!(again.status, 410);
        assert!(again.text.contains("has been confirmed already"), "{}", again.text);
        assert!(!again.text.contains("password"), "nobody set one here: {}", again.text);
    }
}

#[test]
fn a_post_that_is_not_the_buttons_changes_nothing() {
    let app = App::new();
    app.admin("POST", "/scim2/Users", BODY);
    let link = app.newest_link();
    let page = app.anyone("GET", &link);
    assert!(page.text.contains("name=\"intent\" value=\"confirm-email\""), "{}", page.text);
    let before = app.dump();
    for fields in [&[][..], &[("intent", "new-mail")], &[("confirm", "yes")], &[("intent", "")]] {
        let reply = app.post_form(&link, fields);
        assert_eq!(reply.status, 422);
        assert!(reply.text.contains("value=\"confirm-email\""), "the page with its button: {}", reply.text);
    }
    assert_eq!(app.post_form(&link, &[("intent", &"x".repeat(100_000))]).status, 413);
    assert_eq!(app.dump(), before);
    assert_eq!(app.post_form(&link, PRESSED).status, 200);
}

#[test]
fn tokens_of_one_purpose_are_nothing_to_the_other_page() {
    let app = App::new();
    app.admin("POST", "/scim2/Users", BODY);
    let verify = app.newest_link();
    assert_eq!(app.anyone("GET", &verify.replace("/verify/", "/invite/")).status, 404);
    app.invite("paul");
    let invite = app.newest_link();
    assert_eq!(app.post_form(&invite.replace("/invite/", "/verify/"), PRESSED).status, 404);
}

#[test]
fn both_flags_mean_one_mail() {
    let app = App::new();
    let both = |name: &str, password: Option<&str>| {
        let mut body = crate::support::invited(name);
        body["urn:scim:wso2:schema"] = json!({ "askPassword": true, "verifyEmail": true });
        if let Some(password) = password {
            body["password"] = json!(password);
        }
        app.admin("POST", "/scim2/Users", body.to_string()).json()
    };
    assert_eq!(both("one", Some("walking the dog"))["urn:scim:wso2:schema"]["accountState"], "PENDING_EV");
    assert_eq!(both("two", None)["urn:scim:wso2:schema"]["accountState"], "PENDING_AP");
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 2);
}
