//! Latchkey's own API over several user stores: imports go to each, the audit and the outbox are each store's own.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use latchkey::ports::Platform;
use latchkey::store::pending;
use serde_json::{Value, json};

use crate::support::{App, Faulty, Reply, basic};

fn import(app: &App, path: &str, csv: &str) -> Reply {
    let request =
        Request::post(path).header("authorization", basic("admin", "admin")).header("content-type", "text/csv");
    app.send(request.body(Bytes::from(csv.to_owned())).unwrap())
}

const CSV: &str = "userName,email,groups\r\nACME/alice,alice@example.com,staff\r\npaul,paul@example.com,staff\r\n\
    LEGACY/lea,lea@example.com,\r\nacme/ALICE,twice@example.com,\r\nFOO/x,x@example.com,\r\n";

fn in_store(app: &App, index: usize, sql: &str) -> i64 {
    app.stores[index].with(|connection| connection.query_row(sql, [], |row| row.get(0)).unwrap())
}

fn outcomes(report: &Value) -> Vec<&str> {
    report["rows"].as_array().unwrap().iter().map(|row| row["status"].as_str().unwrap()).collect()
}

#[test]
fn an_import_invites_into_every_store_and_into_groups() {
    let app = App::with_stores(&["ACME", "LEGACY"]);
    app.scim().create_group("staff", &[]);
    let dry = import(&app, "/api/invitations/import?dryRun=true", CSV);
    assert_eq!(outcomes(&dry.json()), ["created", "created", "created", "failed", "failed"], "{}", dry.text);
    let reply = import(&app, "/api/invitations/import", CSV);
    let report = reply.json();
    assert_eq!(outcomes(&report), ["created", "created", "created", "failed", "failed"], "{report}");
    assert!(report["rows"][4]["detail"].as_str().unwrap().starts_with("Invalid user store domain: 'FOO'"), "{report}");
    for (index, count) in [(0, 1), (1, 1)] {
        assert_eq!(in_store(&app, index, "SELECT COUNT(*) FROM resources"), count);
        assert_eq!(in_store(&app, index, "SELECT COUNT(*) FROM outbox"), count);
        assert_eq!(in_store(&app, index, "SELECT COUNT(*) FROM pending_work"), 0);
    }
    let staff = &app.scim().filter("/scim2/Groups", "displayName eq \"staff\"")[0];
    let mut members: Vec<_> =
        staff["members"].as_array().unwrap().iter().map(|member| member["display"].as_str().unwrap()).collect();
    members.sort_unstable();
    assert_eq!(members, ["ACME/alice", "paul"]);
    // Whoever exists is reported as existing, in every store.
    let again = import(&app, "/api/invitations/import?dryRun=true", CSV).json();
    assert_eq!(outcomes(&again), ["failed"; 5]);
}

#[test]
fn groups_that_could_not_be_joined_at_once_are_joined_by_the_sweep_once() {
    let mut app = App::with_stores(&["ACME"]);
    app.scim().create_group("staff", &[]);
    let csv = "userName,email,groups\r\nACME/alice,alice@example.com,staff\r\n";
    // The group is looked up in PRIMARY; the joining is its second batch.
    let whole = app.platform.clone();
    app.platform = Platform { db: Arc::new(Faulty::on_batch(whole.db.clone(), 2, false)), ..whole.clone() };
    assert_eq!(outcomes(&import(&app, "/api/invitations/import", csv).json()), ["created"]);
    app.platform = whole;
    assert_eq!(app.number("SELECT COUNT(*) FROM members"), 0);
    app.native.clock.advance(Duration::from_secs(60));
    for _ in 0..2 {
        pending::settle(&app.platform).unwrap();
        assert_eq!(app.number("SELECT COUNT(*) FROM members"), 1);
        assert_eq!(in_store(&app, 0, "SELECT COUNT(*) FROM pending_work"), 0);
        assert_eq!(app.scim().filter("/scim2/Groups", "displayName pr")[0]["meta"]["version"], "W/\"2\"");
    }
}

#[test]
fn the_audit_and_the_outbox_are_each_stores_own() {
    let app = App::with_stores(&["ACME"]);
    let csv = "userName,email\r\nACME/alice,alice@example.com\r\n";
    import(&app, "/api/invitations/import", csv);
    let get = |path: &str| app.admin("GET", path, "");
    let actions = |path: &str| {
        let page = get(path).json();
        page["Resources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["action"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(actions("/api/audit"), [""; 0]);
    assert_eq!(actions("/api/audit?domain=acme"), ["invitation.create", "user.create"]);
    assert_eq!(get("/api/audit?domain=FOO").status, 400);
    latchkey::access::audit_seal::run(&app.platform, &app.deployment).unwrap();
    assert_eq!(in_store(&app, 0, "SELECT COUNT(*) FROM audit WHERE seal IS NULL"), 0);
    let verified = get("/api/audit/verification?domain=ACME").json();
    assert_eq!(verified["intact"], true, "{verified}");

    assert_eq!(get("/api/mail").json()["Resources"], json!([]));
    let mails = get("/api/mail?domain=ACME").json();
    let id = mails["Resources"][0]["id"].as_str().unwrap();
    let sql = "UPDATE outbox SET state = 'failed'";
    app.stores[0].with(|connection| connection.execute(sql, []).unwrap());
    // The mail's id tells its store.
    assert_eq!(app.admin("POST", &format!("/api/mail/{id}/retry"), "").status, 202);
    app.stores[0].with(|connection| connection.execute(sql, []).unwrap());
    let retry = |body: Value| app.admin("POST", "/api/mail/retry", body.to_string()).json()["queued"].clone();
    assert_eq!(retry(json!({ "state": "failed" })), 0);
    assert_eq!(retry(json!({ "state": "failed", "domain": "ACME" })), 1);
}

#[test]
fn a_tenants_owners_are_in_primary() {
    let app = App::with_stores(&["ACME"]);
    let body = json!({ "domain": "acme.com", "owners": [{
        "username": "ACME/kim", "email": "kim@acme.com", "firstname": "Kim", "lastname": "Kay",
        "provisioningMethod": "invite-via-email",
    }] });
    let reply = app.admin("POST", "/api/server/v1/tenants", body.to_string());
    assert_eq!(reply.status, 400, "{}", reply.text);
    assert!(reply.text.contains("PRIMARY"), "{}", reply.text);
    assert_eq!(app.number("SELECT COUNT(*) FROM tenants"), 1);
}
