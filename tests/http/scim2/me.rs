//! `GET /scim2/Me`

use crate::support::App;

#[test]
fn a_pending_user_cannot_sign_in_with_the_password_that_was_sent() {
    let app = App::new();
    app.admin("POST", "/scim2/Users", crate::support::SEED);
    let reply = app.me("Paul", "password");
    assert_eq!(reply.status, 401);
    assert_eq!(reply.json()["status"], "401");
    assert!(reply.header("www-authenticate").starts_with("Basic"));
}

#[test]
fn a_user_created_with_a_password_signs_in_whatever_the_case_of_the_name() {
    let app = App::new();
    app.admin("POST", "/scim2/Users", r#"{"userName":"Ärger","password":"walking the dog"}"#);
    let reply = app.me("äRGER", "walking the dog");
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.json()["userName"], "Ärger");
    assert_eq!(reply.trips(), 1);
    assert_eq!(app.me("Ärger", "walking the cat").status, 401);
}

#[test]
fn an_unknown_user_and_a_wrong_password_get_the_same_answer() {
    let app = App::new();
    app.admin("POST", "/scim2/Users", r#"{"userName":"paul","password":"walking the dog"}"#);
    let wrong = app.me("paul", "x");
    let unknown = app.me("nobody", "x");
    assert_eq!((wrong.status, &wrong.text), (unknown.status, &unknown.text));
}

#[test]
fn disabled_and_locked_users_are_refused() {
    let app = App::new();
    for body in [
        r#"{"userName":"one","password":"walking the dog","active":false}"#,
        r#"{"userName":"two","password":"walking the dog","urn:scim:wso2:schema":{"accountLocked":true}}"#,
    ] {
        assert_eq!(app.admin("POST", "/scim2/Users", body).status, 201);
    }
    assert_eq!(app.me("one", "walking the dog").status, 401);
    assert_eq!(app.me("two", "walking the dog").status, 401);
}

#[test]
fn the_deployments_administrator_is_no_user() {
    let app = App::new();
    assert_eq!(app.me("admin", "admin").status, 404);
}
