//! `POST /scim2/Users`

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use serde_json::json;

use crate::scim2::client::in_parallel;
use crate::support::{App, Faulty, Reply, SEED, basic, invited};

fn create(app: &App, body: impl Into<Bytes>) -> Reply {
    app.admin("POST", "/scim2/Users", body)
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
    reply.is_error(503, None);
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
        assert!(user.get("urn:scim:wso2:schema").is_none(), "a plain user shows no account attributes: {user}");
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 0);
}

#[test]
fn with_the_feature_off_the_flag_is_ignored_and_the_password_kept() {
    let app = App::with(&[("ENABLE_EMAIL_VERIFICATION", "false")]);
    let reply = create(&app, SEED);
    assert_eq!(reply.status, 201);
    assert!(reply.json().get("urn:scim:wso2:schema").is_none());
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
    create(&app, body.to_string()).is_error(400, Some("invalidValue"));
    for address in ["a@x,b@y", "a@b\r\nBcc: c@d", "paul", "a@x b@y", "Paul <a@b.c>"] {
        let mut body = invited("paul");
        body["emails"] = json!([{ "value": address }]);
        create(&app, body.to_string()).is_error(400, Some("invalidValue"));
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
        reply.is_error(409, Some("uniqueness"));
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
        create(&app, body).is_error(400, Some(scim_type));
    }
    create(&app, "[".repeat(100_000)).is_error(400, Some("invalidSyntax"));
    create(&app, "{a:".repeat(50_000)).is_error(400, Some("invalidSyntax"));
    create(&app, vec![0xff; 100]).is_error(400, Some("invalidSyntax"));
    create(&app, format!(r#"{{"userName":"{}"}}"#, "x".repeat(2_000_000))).is_error(413, None);
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
                .body(Bytes::from(r#"{"userName":"x"}"#))
                .unwrap(),
        )
    };
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""] {
        with_type(media_type).is_error(415, None);
    }
    assert_eq!(with_type("application/json; charset=utf-8").status, 201);
}

#[test]
fn of_100_parallel_creates_of_one_name_in_different_cases_one_wins() {
    let app = App::new();
    let answers = in_parallel(100, |number| {
        let spelled: String = "parallel.paula"
            .char_indices()
            .map(|(index, letter)| if number >> (index % 7) & 1 == 1 { letter.to_ascii_uppercase() } else { letter })
            .collect();
        create(&app, json!({ "userName": spelled }).to_string())
    });
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|reply| reply.status == 201);
    assert_eq!((won.len(), lost.len()), (1, 99));
    for reply in lost {
        reply.is_error(409, Some("uniqueness"));
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM resources"), 1);
    assert_eq!(app.number("SELECT total FROM counters"), 1);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit"), 1);
}

#[test]
fn a_password_that_was_sent_is_never_told_nor_stored_in_clear() {
    let app = App::new();
    let reply = create(&app, r#"{"userName":"paul","password":"walking the dog at nine"}"#);
    assert!(!reply.text.contains("password") && !app.dump().contains("walking the dog"), "{}", reply.text);
}

#[test]
fn the_answer_to_a_create_shows_the_attributes_asked_for() {
    let app = App::new();
    let body = json!({ "userName": "paul", "displayName": "Paul", "nickName": "P" }).to_string();
    let user = app.admin("POST", "/scim2/Users?attributes=displayName", body).is(201);
    assert_eq!(user["displayName"], "Paul");
    assert!(user.get("userName").is_none() && user.get("nickName").is_none() && user.get("id").is_some(), "{user}");
}
