//! `/api/audit`: what happened, and that nobody changed it since.

mod attacks;
mod heads;
mod retention;

use latchkey::access::audit_seal;
use serde_json::{Value, json};

use crate::support::App;

fn sealed(app: &App) {
    audit_seal::run(&app.platform, &app.deployment).unwrap();
}

fn verification(app: &App) -> Value {
    app.admin("GET", "/api/audit/verification", "").json()
}

/// What a verification says of the rows, without the head.
fn chain(app: &App) -> Value {
    let mut found = verification(app);
    for name in ["anchor", "headCopy"] {
        found.as_object_mut().unwrap().remove(name);
    }
    found
}

/// As whoever can write the database.
fn execute(app: &App, sql: &str) {
    app.native.sqlite.with(|connection| connection.execute_batch(sql).unwrap());
}

/// Five rows: two invitations of two rows each, and a redemption.
fn lived_in(overrides: &[(&str, &str)]) -> App {
    let app = App::with(overrides);
    app.invite("Paul");
    app.invite("Petra");
    let link = app.newest_link();
    assert_eq!(app.post_form(&link, &[("password", "a good enough secret")]).status, 200);
    app
}

#[test]
fn it_tells_who_did_what_on_whom_newest_first() {
    let app = lived_in(&[]);
    let first = app.admin("GET", "/api/audit?count=3", "").json();
    let actions = |page: &Value| -> Vec<String> {
        let rows = page["Resources"].as_array().unwrap();
        rows.iter().map(|row| row["action"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(actions(&first), ["invitation.redeem", "invitation.create", "user.create"]);
    let redeemed = &first["Resources"][0];
    assert_eq!(redeemed["actor"], format!("user:{}", redeemed["target"].as_str().unwrap()));
    assert_eq!(redeemed["outcome"], "success");
    assert!(redeemed["requestId"].is_string() && redeemed["time"].is_string());
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = app.admin("GET", &format!("/api/audit?count=3&cursor={cursor}"), "").json();
    assert_eq!(actions(&second), ["invitation.create", "user.create"]);
    assert_eq!(second["Resources"][1]["actor"], "administrator:admin");
    assert_eq!(second.get("nextCursor"), None);
}

#[test]
fn what_a_tenant_registers_and_removes_is_in_it() {
    let app = App::new();
    let urn = "urn:example:schemas:Badge";
    let schema = json!({ "id": urn, "name": "Badge", "attributes": [{ "name": "number", "type": "string" }] });
    let badge = json!({ "name": "Badge", "endpoint": "/Badges", "schema": urn });
    assert_eq!(app.admin("POST", "/api/schemas", schema.to_string()).status, 201);
    assert_eq!(app.admin("POST", "/api/schemas", schema.to_string()).status, 409);
    assert_eq!(app.admin("POST", "/api/resource-types", badge.to_string()).status, 201);
    assert_eq!(app.admin("DELETE", &format!("/api/schemas/{urn}"), "").status, 409, "a type needs it");
    assert_eq!(app.admin("DELETE", "/api/resource-types/Badge", "").status, 204);
    assert_eq!(app.admin("DELETE", &format!("/api/schemas/{urn}"), "").status, 204);
    let page = app.admin("GET", "/api/audit", "").json();
    let rows: Vec<_> =
        page["Resources"].as_array().unwrap().iter().rev().map(|row| json!([row["action"], row["target"]])).collect();
    assert_eq!(
        json!(rows),
        json!([
            ["schema.create", urn],
            ["resourcetype.create", "Badge"],
            ["resourcetype.delete", "Badge"],
            ["schema.delete", urn]
        ])
    );
}

#[test]
fn it_can_be_filtered_by_action_user_and_time() {
    let app = lived_in(&[]);
    let total = |query: &str| {
        let reply = app.admin("GET", &format!("/api/audit?{query}"), "");
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()["Resources"].as_array().unwrap().len()
    };
    assert_eq!(total("action=user.create"), 2);
    let page = app.admin("GET", "/api/audit?count=1", "").json();
    let user = page["Resources"][0]["target"].as_str().unwrap().to_owned();
    assert_eq!(total(&format!("userId={user}")), 3);
    assert_eq!(total(&format!("userId={user}&action=user.create")), 1);
    assert_eq!(total("from=2100-01-01T00:00:00Z"), 0);
    assert_eq!(total("to=2000-01-01T00:00:00Z"), 0);
    for bad in ["count=x", "cursor=-1", "from=yesterday", "format=xml"] {
        let reply = app.admin("GET", &format!("/api/audit?{bad}"), "");
        assert_eq!(reply.status, 400, "{bad}");
        assert_eq!(reply.header("content-type"), "application/problem+json");
    }
    assert_eq!(app.anyone("GET", "/api/audit").status, 401);
}

#[test]
fn it_can_be_exported_as_csv_and_json_lines() {
    let app = App::new();
    app.admin("PATCH", "/api/settings", json!({ "ORGANIZATION_NAME": "Acme" }).to_string());
    // A name that a spreadsheet would calculate.
    execute(&app, "UPDATE audit SET actor = '=cmd|\"calc\"!A1'");
    let csv = app.admin("GET", "/api/audit?format=csv", "");
    assert!(csv.header("content-type").starts_with("text/csv"));
    let lines: Vec<&str> = csv.text.split("\r\n").collect();
    assert_eq!(lines[0], "id,time,actor,action,target,outcome,requestId,address,seal");
    assert!(
        lines[1].contains(r#""'=cmd|""calc""!A1","settings.update","ORGANIZATION_NAME","success""#),
        "{}",
        lines[1]
    );
    let lines = app.admin("GET", "/api/audit?format=jsonl", "").text;
    assert_eq!(serde_json::from_str::<Value>(lines.trim_end()).unwrap()["action"], "settings.update");
}

#[test]
fn an_untouched_chain_is_intact_whatever_is_not_sealed_yet() {
    let app = lived_in(&[]);
    assert_eq!(chain(&app), json!({ "intact": true, "from": 1, "to": 0, "breaks": [], "more": false }));
    sealed(&app);
    assert_eq!(chain(&app), json!({ "intact": true, "from": 1, "to": 5, "breaks": [], "more": false }));
    app.invite("Pia");
    assert_eq!(verification(&app)["to"], 5);
    sealed(&app);
    assert_eq!(chain(&app), json!({ "intact": true, "from": 1, "to": 7, "breaks": [], "more": false }));
    let page = app.admin("GET", "/api/audit?count=1", "").json();
    let seal = page["Resources"][0]["seal"].as_str().unwrap();
    assert!(app.native.log.to_text().contains(seal), "the log witnesses the newest seal");
}

#[test]
fn a_row_that_was_changed_removed_or_slipped_in_shows() {
    for (sql, breaks) in [
        (
            "UPDATE audit SET actor = 'administrator:eve' WHERE number = 2",
            json!([{ "number": 2, "problem": "changed" }]),
        ),
        ("UPDATE audit SET time = time + 1 WHERE number = 5", json!([{ "number": 5, "problem": "changed" }])),
        (
            "UPDATE audit SET seal = (SELECT seal FROM audit WHERE number = 1) WHERE number = 3",
            json!([{ "number": 3, "problem": "changed" }, { "number": 4, "problem": "changed" }]),
        ),
        (
            "DELETE FROM audit WHERE number = 3",
            json!([{ "number": 3, "problem": "missing" }, { "number": 4, "problem": "changed" }]),
        ),
        (
            "DELETE FROM audit WHERE number >= 4",
            json!([{ "number": 4, "problem": "missing" }, { "number": 5, "problem": "missing" }]),
        ),
        (
            "DELETE FROM audit WHERE number = 1",
            json!([{ "number": 1, "problem": "missing" }, { "number": 2, "problem": "changed" }]),
        ),
        (
            "DELETE FROM audit WHERE number = 3; UPDATE audit SET number = 3 WHERE number = 4; \
             UPDATE audit SET number = 4 WHERE number = 5",
            json!([
                { "number": 3, "problem": "changed" }, { "number": 4, "problem": "changed" },
                { "number": 5, "problem": "missing" },
            ]),
        ),
        (
            "INSERT INTO audit_anchors VALUES (0, 2, (SELECT seal FROM audit WHERE number = 2), 'k1', 'forged'); \
             DELETE FROM audit WHERE number <= 2",
            json!([
                { "number": 2, "problem": "changed" }, { "number": 1, "problem": "missing" },
                { "number": 2, "problem": "missing" }, { "number": 3, "problem": "changed" },
            ]),
        ),
    ] {
        let app = lived_in(&[]);
        sealed(&app);
        execute(&app, sql);
        let found = verification(&app);
        assert_eq!(found["intact"], false, "{sql}");
        assert_eq!(found["breaks"], breaks, "{sql}");
    }
}

#[test]
fn a_retired_key_leaves_its_rows_unverifiable_and_the_others_sealed() {
    let app = lived_in(&[]);
    sealed(&app);
    let app = app.reconfigured(&[("TOKEN_KEYS", "k2:HxwdGhsYGRYXFBUSExAREg8ODQwLCgkIBwYFBAMCAQA")]);
    app.invite("Pia");
    sealed(&app);
    let found = verification(&app);
    assert_eq!(found["to"], 7);
    assert_eq!(found["breaks"].as_array().unwrap().len(), 5);
    assert!(found["breaks"].as_array().unwrap().iter().all(|one| one["problem"] == "unknown key"));
}
