//! `/scim2/Users`

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use crate::support::{App, Faulty, Reply, SEED, basic, invited};
use std::sync::Arc;

fn create(app: &App, body: impl Into<Body>) -> Reply {
    app.admin("POST", "/scim2/Users", body)
}

fn assert_scim_error(reply: &Reply, status: u16, scim_type: Option<&str>) {
    assert_eq!(reply.status.as_u16(), status, "{}", reply.text);
    assert_eq!(reply.header("content-type"), "application/scim+json");
    let body = reply.json();
    assert_eq!(body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
    assert_eq!(body["status"], status.to_string());
    assert_eq!(body.get("scimType").and_then(Value::as_str), scim_type, "{body}");
    assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
}

#[test]
fn the_seed_request_creates_an_invited_user_in_one_round_trip() {
    let app = App::new();
    let reply = create(&app, SEED);
    assert_eq!(reply.status, 201, "{}", reply.text);
    assert_eq!(reply.trips(), 1);
    let user = reply.json();
    assert_eq!(reply.header("location"), user["meta"]["location"]);
    assert_eq!(reply.header("etag"), user["meta"]["version"]);
    let id = user["id"].as_str().unwrap();
    insta::assert_json_snapshot!(user, {
        ".id" => "[id]",
        ".meta.created" => "[time]",
        ".meta.lastModified" => "[time]",
        ".meta.location" => insta::dynamic_redaction({
            let expected = format!("https://id.example.com/scim2/Users/{id}");
            move |value, _| { assert_eq!(value.as_str(), Some(expected.as_str())); "[location]" }
        }),
    });
}

#[test]
fn user_mail_and_audit_are_one_batch_all_or_nothing() {
    for batch in 1..=2 {
        let mut app = App::new();
        app.platform.db = Arc::new(Faulty::on_batch(app.native.platform.db.clone(), batch, false));
        let reply = create(&app, SEED);
        let users = app.number("SELECT COUNT(*) FROM resources");
        assert_eq!(users, i64::from(reply.status == 201), "{}", reply.text);
        assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), users);
        assert_eq!(app.number("SELECT COUNT(*) FROM audit"), 2 * users);
        assert_eq!(app.number("SELECT COALESCE(SUM(total), 0) FROM counters"), users);
    }
}

#[test]
fn a_create_whose_answer_from_the_database_was_lost_is_acknowledged() {
    let mut app = App::new();
    app.platform.db = Arc::new(Faulty::on_batch(app.native.platform.db.clone(), 1, true));
    assert_eq!(create(&app, SEED).status, 201);
}

#[test]
fn an_unavailable_database_is_a_503_that_may_be_retried() {
    let mut app = App::new();
    app.platform.db = Arc::new(Faulty::on_batch(app.native.platform.db.clone(), 1, false));
    let reply = create(&app, SEED);
    assert_scim_error(&reply, 503, None);
    assert!(!reply.header("retry-after").is_empty());
    assert_eq!(create(&app, SEED).status, 201);
}

#[test]
fn flags_are_read_from_either_schema_and_never_echoed() {
    let app = App::new();
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    for (number, (schema, value)) in
        [("urn:scim:wso2:schema", json!(true)), ("urn:scim:wso2:schema", json!("TRUE")), (enterprise, json!(true))]
            .into_iter()
            .enumerate()
    {
        let mut body = invited(&format!("user{number}"));
        body.as_object_mut().unwrap().remove("urn:scim:wso2:schema");
        body[schema] = json!({ "askPassword": value });
        let reply = create(&app, body.to_string());
        assert_eq!(reply.json()["urn:scim:wso2:schema"]["accountState"], "PENDING_AP", "{}", reply.text);
        assert!(!reply.text.contains("askPassword"), "{}", reply.text);
    }
}

#[test]
fn a_flag_that_is_not_true_does_nothing() {
    let app = App::new();
    for (number, value) in [json!(false), json!("false"), json!("yes"), json!(null)].into_iter().enumerate() {
        let mut body = invited(&format!("user{number}"));
        body["urn:scim:wso2:schema"]["askPassword"] = value;
        let user = create(&app, body.to_string()).json();
        assert_eq!(user["urn:scim:wso2:schema"]["accountState"], "UNLOCKED", "{user}");
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 0);
}

#[test]
fn with_the_feature_off_the_flag_is_ignored_and_the_password_kept() {
    let app = App::with(&[("ENABLE_EMAIL_VERIFICATION", "false")]);
    let reply = create(&app, SEED);
    assert_eq!(reply.status, 201);
    assert_eq!(reply.json()["urn:scim:wso2:schema"]["accountLocked"], false);
    assert_eq!(app.me("Paul", "password").status, 200);
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 0);
}

#[test]
fn nothing_is_hashed_for_an_invited_user() {
    let app = App::new();
    create(&app, SEED);
    assert_eq!(app.number("SELECT COUNT(*) FROM credentials"), 0);
}

#[test]
fn an_invitation_without_a_usable_address_is_refused_and_nothing_created() {
    let app = App::new();
    let mut body = invited("paul");
    body.as_object_mut().unwrap().remove("emails");
    assert_scim_error(&create(&app, body.to_string()), 400, Some("invalidValue"));
    for address in ["a@x,b@y", "a@b\r\nBcc: c@d", "paul", "a@x b@y", "Paul <a@b.c>"] {
        let mut body = invited("paul");
        body["emails"] = json!([{ "value": address }]);
        assert_scim_error(&create(&app, body.to_string()), 400, Some("invalidValue"));
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM resources"), 0);
}

#[test]
fn the_primary_address_is_invited_else_the_first_of_any_type() {
    let app = App::new();
    let mut body = invited("one");
    body["emails"] = json!([{ "type": "home", "value": "home@example.com" }, { "type": "work", "value": "work@example.com", "primary": true }]);
    create(&app, body.to_string());
    let mut body = invited("two");
    body["emails"] =
        json!([{ "type": "work", "value": "first@example.com" }, { "type": "home", "value": "second@example.com" }]);
    create(&app, body.to_string());
    app.deliver();
    let recipients: Vec<_> = app.inbox().iter().map(|mail| mail["to"].as_str().unwrap().to_owned()).collect();
    assert_eq!(recipients, ["first@example.com", "work@example.com"]);
}

#[test]
fn a_user_name_is_taken_whatever_its_case_or_unicode_form() {
    let app = App::new();
    assert_eq!(create(&app, r#"{"userName":"Ärger@x"}"#).status, 201);
    for twin in ["ärger@x", "A\u{308}RGER@X", "a\u{308}rger@x"] {
        let reply = create(&app, json!({ "userName": twin }).to_string());
        assert_scim_error(&reply, 409, Some("uniqueness"));
    }
    assert_eq!(app.number("SELECT total FROM counters"), 1);
}

#[test]
fn bad_bodies_are_scim_errors() {
    let app = App::new();
    for (body, scim_type) in [
        ("", "invalidSyntax"),
        ("{", "invalidSyntax"),
        ("nonsense", "invalidSyntax"),
        ("[]", "invalidSyntax"),
        ("\"text\"", "invalidSyntax"),
        (r#"{"schemas":[]}"#, "invalidValue"),
        (r#"{"userName":""}"#, "invalidValue"),
        (r#"{"userName":5}"#, "invalidValue"),
        (r#"{"userName":null}"#, "invalidValue"),
        (r#"{"userName":"x","name":"text"}"#, "invalidValue"),
        (r#"{"userName":"x","active":"maybe"}"#, "invalidValue"),
        (r#"{"userName":"x","emails":7}"#, "invalidValue"),
        (r#"{"userName":"x","password":"short"}"#, "invalidValue"),
    ] {
        assert_scim_error(&create(&app, body), 400, Some(scim_type));
    }
    assert_scim_error(&create(&app, "[".repeat(100_000)), 400, Some("invalidSyntax"));
    assert_scim_error(&create(&app, "{a:".repeat(50_000)), 400, Some("invalidSyntax"));
    assert_scim_error(&create(&app, vec![0xff; 100]), 400, Some("invalidSyntax"));
    assert_scim_error(&create(&app, format!(r#"{{"userName":"{}"}}"#, "x".repeat(2_000_000))), 413, None);
    assert_eq!(app.number("SELECT COUNT(*) FROM resources"), 0);
}

#[test]
fn a_body_of_another_media_type_is_refused() {
    let app = App::new();
    let with_type = |media_type: &str| {
        app.send(
            Request::post("/scim2/Users")
                .header("authorization", basic("admin", "admin"))
                .header("content-type", media_type)
                .body(Body::from(r#"{"userName":"x"}"#))
                .unwrap(),
        )
    };
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""] {
        assert_scim_error(&with_type(media_type), 415, None);
    }
    assert_eq!(with_type("application/json; charset=utf-8").status, 201);
}

#[test]
fn without_credentials_or_with_wrong_ones_nothing_is_told() {
    let app = App::new();
    for authorization in
        ["", "non-token", "Basic", "Basic !!!", "Bearer lk_x", &basic("admin", "nimda"), &basic("nobody", "")]
    {
        for (method, path) in
            [("POST", "/scim2/Users"), ("GET", "/scim2/Users/1"), ("DELETE", "/scim2/Users/1"), ("GET", "/scim2/Users")]
        {
            let request = Request::builder().method(method).uri(path).header("authorization", authorization);
            assert_scim_error(&app.send(request.body(Body::empty()).unwrap()), 401, None);
        }
    }
}

#[test]
fn unknown_paths_and_methods_are_scim_errors() {
    let app = App::new();
    assert_scim_error(&app.admin("GET", "/scim2/Nothing", ""), 404, None);
    assert_scim_error(&app.admin("GET", "/scim2", ""), 404, None);
    let reply = app.admin("PUT", "/scim2/Users", "{}");
    assert_scim_error(&reply, 405, None);
    assert!(reply.header("allow").contains("POST"), "{:?}", reply.headers);
}

#[test]
fn a_user_is_read_by_id_and_by_filter_in_one_round_trip() {
    let app = App::new();
    let user = app.invite("paul");
    let id = user["id"].as_str().unwrap();
    let reply = app.admin("GET", &format!("/scim2/Users/{id}"), "");
    assert_eq!((reply.status.as_u16(), reply.trips()), (200, 1));
    assert_eq!(reply.json(), user);
    for filter in ["userName%20eq%20%22PAUL%22", &format!("id%20eq%20%22{id}%22")] {
        let reply = app.admin("GET", &format!("/scim2/Users?filter={filter}"), "");
        assert_eq!(reply.trips(), 1);
        assert_eq!(reply.json()["totalResults"], 1, "{}", reply.text);
        assert_eq!(reply.json()["Resources"][0], user);
    }
    let reply = app.admin("GET", "/scim2/Users?filter=userName%20eq%20%22nobody%22", "");
    assert_eq!(reply.json()["totalResults"], 0);
    assert_eq!(reply.json()["Resources"], json!([]));
}

#[test]
fn a_projection_keeps_what_was_asked_for() {
    let app = App::new();
    let id = app.invite("paul")["id"].as_str().unwrap().to_owned();
    let user = app.admin("GET", &format!("/scim2/Users/{id}?attributes=userName"), "").json();
    assert_eq!(user["userName"], "paul");
    assert!(user.get("emails").is_none() && user.get("meta").is_none(), "{user}");
    let user = app.admin("GET", &format!("/scim2/Users/{id}?excludedAttributes=emails"), "").json();
    assert!(user.get("emails").is_none() && user.get("meta").is_some(), "{user}");
}

#[test]
fn a_deleted_user_is_gone_and_the_name_free_again() {
    let app = App::new();
    let id = app.invite("paul")["id"].as_str().unwrap().to_owned();
    let path = format!("/scim2/Users/{id}");
    let reply = app.admin("DELETE", &path, "");
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (204, ""));
    assert_scim_error(&app.admin("DELETE", &path, ""), 404, None);
    assert_scim_error(&app.admin("GET", &path, ""), 404, None);
    assert_eq!(app.number("SELECT total FROM counters"), 0);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'user.delete'"), 1);
    app.invite("paul");
}

#[test]
fn audit_rows_are_numbered_without_gaps_per_tenant() {
    let app = App::new();
    let id = app.invite("paul")["id"].as_str().unwrap().to_owned();
    app.invite("mary");
    app.admin("POST", "/scim2/Users", invited("PAUL").to_string());
    app.admin("DELETE", &format!("/scim2/Users/{id}"), "");
    assert_eq!(app.number("SELECT COUNT(*) FROM audit"), app.number("SELECT MAX(number) FROM audit"));
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE actor = 'administrator:admin'"), 5);
}
