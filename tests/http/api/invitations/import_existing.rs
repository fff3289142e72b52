//! `POST /api/invitations/import?existing=`: what becomes of rows whose users exist.

use std::fmt::Write;

use serde_json::{Value, json};

use super::import::{IMPORT, csv, detail, report, send, told};
use crate::scim2::client::{PASSWORD, WSO2};
use crate::support::{App, Reply};

fn existing(app: &App, what: &str, file: &str) -> Value {
    report(&send(app, &format!("{IMPORT}?existing={what}"), Some("text/csv"), file.to_owned()))
}

/// What the dry run says, which is what the run does.
fn forecast_and_run(app: &App, what: &str, file: &str) -> Value {
    let before = app.dump();
    let mut forecast = existing(app, &format!("{what}&dryRun=true"), file);
    assert_eq!(app.dump(), before, "a dry run writes nothing");
    let run = existing(app, what, file);
    let mut stripped = run.clone();
    for report in [&mut forecast, &mut stripped] {
        report.as_object_mut().unwrap().remove("columns");
        for row in report["rows"].as_array_mut().unwrap() {
            row.as_object_mut().unwrap().remove("id");
        }
    }
    assert_eq!(forecast, stripped);
    run
}

fn with_token(app: &App, scopes: &[&str], what: &str, file: &str) -> Reply {
    let token = app.token("", scopes).1;
    let request = http::Request::post(format!("{IMPORT}{what}")).header("content-type", "text/csv");
    app.send(request.header("authorization", format!("Bearer {token}")).body(file.to_owned().into()).unwrap())
}

fn accepted(app: &App, name: &str) -> String {
    let body = json!({ "userName": name, "password": PASSWORD, "emails": [format!("{name}@example.com")] });
    let reply = app.admin("POST", "/scim2/Users", body.to_string());
    assert_eq!(reply.status, 201, "{}", reply.text);
    reply.json()["id"].as_str().unwrap().to_owned()
}

fn user(app: &App, id: &str) -> Value {
    app.scim().get(&format!("/scim2/Users/{id}")).is(200)
}

#[test]
fn those_who_exist_are_skipped_where_that_is_wished() {
    let app = App::new();
    app.invite("Zoe");
    let file = "userName,email\nzoe,other@example.com\nbad,nowhere\npaul,paul@example.com\nPAUL,p2@example.com\n";
    let report = forecast_and_run(&app, "skip", file);
    assert_eq!(told(&report), ["2 zoe skipped", "3 bad failed", "4 paul created", "5 PAUL failed"]);
    let counts = ["created", "skipped", "updated", "invited", "failed"].map(|name| report[name].as_u64().unwrap());
    assert_eq!(counts, [1, 1, 0, 0, 2]);
    assert!(detail(&report, 3).contains("line 4"), "twins in the file: {report}");
    assert_eq!(app.scim().filter("/scim2/Users", "userName eq \"zoe\"")[0]["emails"][0]["value"], "zoe@example.com");
    // Without the parameter, as ever.
    let report = csv(&app, "userName,email\nzoe,other@example.com\n");
    assert_eq!((told(&report), report["skipped"].is_null()), (vec!["2 zoe failed".to_owned()], true));
}

#[test]
fn values_of_a_row_are_written_and_a_blank_cell_changes_nothing() {
    let app = App::new();
    let id = accepted(&app, "zoe");
    let patch = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{ "op": "add", "value": {
        "name": { "givenName": "Zoe", "familyName": "Doe" }, "title": "Boss", "phoneNumbers": [
            { "type": "work", "value": "+49 1" }, { "type": "mobile", "value": "+49 2" }] } }] });
    assert_eq!(app.admin("PATCH", &format!("/scim2/Users/{id}"), patch.to_string()).status, 200);
    app.scim().create_group("Cooks", &[]);
    let file = "username,emailaddress,givenname,lastname,mobile,groups,title\n\
                zoe,,Zoé,,+49 3,Cooks,\nzoe2,zoe2@example.com,,,,,\n";
    let report = forecast_and_run(&app, "update", file);
    assert_eq!(told(&report), ["2 zoe updated", "3 zoe2 created"]);
    let zoe = user(&app, &id);
    assert_eq!(zoe["name"], json!({ "familyName": "Doe", "givenName": "Zoé" }));
    assert_eq!(zoe["emails"][0]["value"], "zoe@example.com");
    assert_eq!(zoe["title"], "Boss");
    assert_eq!(
        zoe["phoneNumbers"],
        json!([{ "type": "work", "value": "+49 1" }, { "type": "mobile", "value": "+49 3" }])
    );
    assert_eq!(zoe["groups"][0]["display"], "Cooks");
    assert_eq!(app.me("zoe", PASSWORD).status, 200, "the password is as it was");
    // Once more there is nothing to do, and nothing is written.
    let version = zoe["meta"]["version"].clone();
    let report = forecast_and_run(&app, "update", file);
    assert_eq!(told(&report), ["2 zoe skipped", "3 zoe2 skipped"]);
    assert_eq!(user(&app, &id)["meta"]["version"], version);
}

#[test]
fn an_address_is_corrected_in_its_place() {
    let app = App::new();
    let body = json!({ "userName": "zoe", "password": PASSWORD,
        "emails": [{ "value": "old@example.com", "type": "work", "primary": true }, { "value": "home@example.com", "type": "home" }] });
    let id = app.admin("POST", "/scim2/Users", body.to_string()).json()["id"].as_str().unwrap().to_owned();
    let report = forecast_and_run(&app, "update", "userName,email\nzoe,OLD@example.com\n");
    assert_eq!(told(&report), ["2 zoe skipped"], "{report}");
    let report = existing(&app, "update", "userName,email\nzoe,not an address\n");
    assert_eq!(told(&report), ["2 zoe failed"]);
    let report = forecast_and_run(&app, "update", "userName,email\nzoe,new@example.com\n");
    assert_eq!(told(&report), ["2 zoe updated"]);
    let emails = user(&app, &id)["emails"].clone();
    let mut values: Vec<&str> = emails.as_array().unwrap().iter().filter_map(|email| email["value"].as_str()).collect();
    values.sort_unstable();
    assert_eq!(values, ["home@example.com", "new@example.com"]);
}

#[test]
fn invitations_that_wait_are_sent_again_and_others_are_not() {
    let app = App::new();
    app.invite("zoe");
    accepted(&app, "paul");
    app.deliver();
    let file = "userName,email\nzoe,\npaul,paul@example.com\nann,ann@example.com\n";
    let report = forecast_and_run(&app, "invite", file);
    assert_eq!(told(&report), ["2 zoe invited", "3 paul skipped", "4 ann created"]);
    assert_eq!((&report["created"], &report["invited"], &report["skipped"]), (&json!(1), &json!(1), &json!(1)));
    app.deliver();
    let mut mailed: Vec<String> = app.inbox().iter().map(|mail| mail["to"].as_str().unwrap().to_owned()).collect();
    mailed.sort();
    assert_eq!(mailed, ["ann@example.com", "zoe@example.com", "zoe@example.com"]);
}

#[test]
fn the_rights_of_the_importer_hold_for_each_row() {
    let app = App::new();
    app.scim().create_group("admin", &[]);
    app.scim().create_group("Cooks", &[]);
    let body = json!({ "userName": "boss", "password": PASSWORD, "roles": [{ "value": "admin" }], "emails": ["boss@example.com"] });
    let boss = app.admin("POST", "/scim2/Users", body.to_string()).json()["id"].as_str().unwrap().to_owned();
    let file = "userName,email,groups\na,a@example.com,admin\nb,b@example.com,Cooks\n";
    let inviter = report(&with_token(&app, &["invitations"], "", file));
    assert_eq!(told(&inviter), ["2 a failed", "3 b created"]);
    assert!(detail(&inviter, 0).contains("roles"));
    // Roles by a claim, and somebody who has one.
    let claims = "username,emailaddress,role\nc,c@example.com,admin\nd,d@example.com,\n";
    assert_eq!(told(&report(&with_token(&app, &["invitations"], "", claims))), ["2 c failed", "3 d created"]);
    let update = "userName,email\nboss,thief@example.com\nd,d2@example.com\n";
    assert_eq!(with_token(&app, &["invitations"], "?existing=update", update).status, 403);
    let writer = report(&with_token(&app, &["invitations", "scim:write"], "?existing=update", update));
    assert_eq!(told(&writer), ["2 boss failed", "3 d updated"]);
    assert_eq!(user(&app, &boss)["emails"][0]["value"], "boss@example.com");
    let joins = "userName,groups\nd,admin\n";
    let writer = report(&with_token(&app, &["invitations", "scim:write"], "?existing=update", joins));
    assert_eq!(told(&writer), ["2 d failed"]);
    assert_eq!(
        app.number(
            "SELECT COUNT(*) FROM members m JOIN resources g ON g.id = m.group_id \
                           WHERE g.document ->> '$.displayName' = 'admin'"
        ),
        0
    );
}

#[test]
fn a_parameter_that_is_no_wish_sends_no_mail() {
    let app = App::new();
    for query in ["existing=", "existing=Skip", "existing=overwrite", "existing=skip&existing=update", "exist=skip"] {
        let reply = send(&app, &format!("{IMPORT}?{query}"), Some("text/csv"), "userName,email\na,a@example.com\n");
        assert_eq!(reply.status, 400, "{query}: {}", reply.text);
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM resources WHERE type = 'User'"), 0);
}

#[test]
fn one_request_changes_two_hundred_and_no_more() {
    let app = App::new();
    let mut file = "userName,email,givenName\n".to_owned();
    for n in 0..201 {
        writeln!(file, "u{n},u{n}@example.com,A").unwrap();
    }
    assert_eq!(csv(&app, file.clone())["created"], 201);
    let report = forecast_and_run(&app, "update", &file.replace(",A", ",B"));
    assert_eq!((&report["updated"], &report["failed"]), (&json!(200), &json!(1)));
    assert!(detail(&report, 200).contains("job"), "{}", detail(&report, 200));
}

#[test]
fn those_of_other_stores_are_met_there() {
    let app = App::with_stores(&["STAFF"]);
    let file = "userName,email,givenName\nSTAFF/zoe,zoe@example.com,Zoe\nzoe,zoe@example.com,Zoe\n";
    assert_eq!(csv(&app, file)["created"], 2);
    let report = forecast_and_run(&app, "update", "userName,givenName\nstaff/ZOE,Zoé\n");
    assert_eq!(told(&report), ["2 staff/ZOE updated"]);
    let names: Vec<Value> = app
        .scim()
        .filter("/scim2/Users", "userName co \"zoe\"")
        .iter()
        .map(|user| json!([user["userName"], user["name"]["givenName"], user[WSO2]["accountState"]]))
        .collect();
    assert!(names.contains(&json!(["STAFF/zoe", "Zoé", "PENDING_AP"])), "{names:?}");
}
