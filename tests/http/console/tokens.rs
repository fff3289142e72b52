//! `/console/tokens`.

use super::signed_in;
use crate::support::App;

#[test]
fn a_token_is_made_shown_once_listed_and_revoked() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let page = browser.get("/console/tokens");
    assert_eq!(page.status, 200);
    assert!(page.words().contains("There are no tokens yet."), "{}", page.text);
    let operation = page.hidden("operation");
    let fields = [("operation", &*operation), ("name", "Entra ID"), ("days", "30"), ("scim:read", "on")];
    let made = browser.post("/console/tokens", &fields);
    assert_eq!(made.status, 201, "{}", made.text);
    let token = made.text.split("value=\"lk_").nth(1).unwrap().split('"').next().unwrap();
    let bearer = format!("Bearer lk_{token}");
    assert_eq!(app.authorized(&bearer, "GET", "/scim2/Users").status, 200);

    let again = browser.post("/console/tokens", &fields);
    assert_eq!((again.status.as_u16(), again.header("location")), (303, "/console/tokens"), "it is made once");
    let list = browser.get("/console/tokens");
    assert!(list.words().contains("The token is made: it was shown once."), "{}", list.text);
    assert!(list.words().contains("Entra ID scim:read") && !list.text.contains(token), "{}", list.text);
    assert_eq!(list.words().matches("Entra ID scim:read").count(), 1);
    assert!(!browser.get("/console/tokens").words().contains("it was shown once"), "a message is said once");

    let id = list.text.split("/console/tokens/").find_map(|rest| Some(rest.split_once("/revoke\"")?.0)).unwrap();
    let revoked = browser.post(&format!("/console/tokens/{id}/revoke"), &[]);
    assert_eq!(revoked.status, 303);
    assert!(browser.get("/console/tokens").words().contains("The token is revoked."));
    assert_eq!(app.authorized(&bearer, "GET", "/scim2/Users").status, 401);
}

#[test]
fn what_is_wrong_with_a_new_token_is_said_at_its_field_and_nothing_is_lost() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let operation = browser.get("/console/tokens").hidden("operation");
    for (name, days, scope, problem, field) in [
        ("", "30", "scim:read", "Type a name of 1 to 64 characters", "name"),
        ("Entra", "soon", "scim:read", "Type a number of days", "days"),
        ("Entra", "30", "other", "Choose at least one scope", "scopes"),
    ] {
        let fields = [("operation", &*operation), ("name", name), ("days", days), (scope, "on")];
        let page = browser.post("/console/tokens", &fields);
        assert_eq!(page.status, 422, "{}", page.text);
        assert!(page.text.contains("<title>Error: Tokens"), "{}", page.text);
        assert!(page.text.contains(&format!("<a href=\"#{field}\">{problem}")), "{}", page.text);
        assert!(page.text.contains(&format!("value=\"{days}\"")), "{}", page.text);
    }
    assert_eq!(app.admin("GET", "/api/tokens", "").json()["Resources"], serde_json::json!([]));
}

#[test]
fn an_auditor_is_not_shown_tokens() {
    let app = App::new();
    let mut browser = signed_in(&app, "audrey", "auditor");
    assert_eq!(browser.get("/console/tokens").status, 403);
    assert!(!browser.get("/console").text.contains("/console/tokens"));
}
