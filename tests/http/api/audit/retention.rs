//! Old rows go, as many as the tenant says and no more than the deployment allows; only who may read the audit says so.

use std::time::Duration;

use latchkey::native::Native;
use serde_json::{Value, json};

use super::{chain, execute, lived_in, sealed, verification};
use crate::support::{App, authorized};

const DAY: Duration = Duration::from_secs(86_400);

/// A PATCH of the settings by a token with these scopes.
fn patch(app: &App, prefix: &str, scopes: &[&str], body: &Value) -> (u16, String) {
    let bearer = format!("Bearer {}", app.token(prefix, scopes).1);
    let mut request = authorized(&bearer, "PATCH", &format!("{prefix}/api/settings"));
    *request.body_mut() = body.to_string().into();
    let reply = app.send(request);
    (reply.status.as_u16(), reply.text)
}

#[test]
fn old_rows_go_when_the_tenant_says_so_and_the_chain_holds() {
    let app = lived_in(&[("AUDIT_RETENTION_DAYS", "30")]);
    sealed(&app);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit"), 5);
    app.native.clock.advance(std::time::Duration::from_secs(31 * 86_400));
    app.invite("Pia");
    sealed(&app);
    assert_eq!(app.number("SELECT MIN(number) FROM audit"), 6);
    assert_eq!(chain(&app), json!({ "intact": true, "from": 6, "to": 7, "breaks": [], "more": false }));
    app.invite("Piet");
    sealed(&app);
    assert_eq!(verification(&app)["to"], 9);
}

#[test]
fn what_a_row_says_of_its_age_counts_only_where_its_seal_holds() {
    let app = lived_in(&[("AUDIT_RETENTION_DAYS", "30")]);
    sealed(&app);
    execute(&app, "UPDATE audit SET time = 0");
    sealed(&app);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit"), 5, "rows of now that say they are old");
    assert_eq!(verification(&app)["intact"], false);
    // Rows that were changed are gone with the others once a row behind them is old enough.
    let app = lived_in(&[("AUDIT_RETENTION_DAYS", "30")]);
    sealed(&app);
    execute(&app, "UPDATE audit SET actor = 'administrator:eve' WHERE number = 2");
    app.native.clock.advance(31 * DAY);
    sealed(&app);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit"), 1, "the newest stays, and the next one's number follows it");
    assert_eq!(chain(&app), json!({ "intact": true, "from": 5, "to": 5, "breaks": [], "more": false }));
}

#[test]
fn an_anchor_that_somebody_made_removes_nothing() {
    let app = lived_in(&[("AUDIT_RETENTION_DAYS", "30")]);
    sealed(&app);
    execute(&app, "INSERT INTO audit_anchors VALUES (0, 99, 'x', 'k1', 'x')");
    app.native.clock.advance(31 * DAY);
    app.invite("Pia");
    sealed(&app);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit"), 7);
    assert_eq!(verification(&app)["breaks"][0], json!({ "number": 99, "problem": "changed" }));
}

#[test]
fn how_long_the_audit_is_kept_takes_the_scope_audit_as_well() {
    let app = App::new();
    let body = json!({ "audit_retention_days": 30, "ORGANIZATION_NAME": "Acme" });
    let (status, text) = patch(&app, "", &["settings"], &body);
    assert_eq!(status, 403, "{text}");
    assert!(text.contains("AUDIT_RETENTION_DAYS") && text.contains("audit"), "{text}");
    assert_eq!(app.admin("GET", "/api/settings", "").json()["own"], json!([]), "nothing of the request is done");
    assert_eq!(patch(&app, "", &["settings", "audit"], &body).0, 200);
    assert_eq!(
        patch(&app, "", &["settings"], &json!({ "AUDIT_RETENTION_DAYS": null })).0,
        403,
        "back to the deployment's"
    );
    assert_eq!(patch(&app, "", &["settings"], &json!({ "AUDIT_RETENTION_DAYS": 0 })).0, 403);
    // What says what is so anyway is no change of it.
    assert_eq!(patch(&app, "", &["settings"], &json!({ "AUDIT_RETENTION_DAYS": 30, "PASSWORD_MIN_LENGTH": 9 })).0, 200);
    assert_eq!(patch(&app, "", &["settings"], &json!({ "ORGANIZATION_NAME": "Acme Inc" })).0, 200);
    assert_eq!(app.admin("GET", "/api/settings", "").json()["settings"]["AUDIT_RETENTION_DAYS"], "30");
    app.create_tenant("acme.com");
    assert_eq!(patch(&app, "/t/acme.com", &["settings"], &json!({ "AUDIT_RETENTION_DAYS": 400 })).0, 403);
    assert_eq!(patch(&app, "/t/acme.com", &["settings", "audit"], &json!({ "AUDIT_RETENTION_DAYS": 400 })).0, 200);
}

#[test]
fn so_does_a_new_tenant_that_brings_it() {
    let app = App::new();
    let create = |scopes: &[&str], domain: &str, days: u32| {
        let body = json!({
            "domain": domain, "settings": { "AUDIT_RETENTION_DAYS": days },
            "owners": [{ "username": "alice", "email": "alice@example.com" }],
        });
        let bearer = format!("Bearer {}", app.token("", scopes).1);
        let mut request = authorized(&bearer, "POST", "/api/server/v1/tenants");
        *request.body_mut() = body.to_string().into();
        let reply = app.send(request);
        (reply.status.as_u16(), reply.text)
    };
    let (status, text) = create(&["tenants"], "acme.com", 30);
    assert_eq!(status, 403, "{text}");
    assert!(text.contains("\"description\"") && text.contains("AUDIT_RETENTION_DAYS"), "{text}");
    assert_eq!(app.number("SELECT COUNT(*) FROM tenants"), 1);
    assert_eq!(create(&["tenants", "audit"], "acme.com", 29).0, 400);
    assert_eq!(create(&["tenants", "audit"], "acme.com", 30).0, 201);
}

#[test]
fn the_deployment_says_how_long_it_is_kept_at_least() {
    let app = App::new();
    let set = |app: &App, days: &str| {
        app.admin("PATCH", "/api/settings", json!({ "AUDIT_RETENTION_DAYS": days }).to_string()).status.as_u16()
    };
    assert_eq!(
        [set(&app, "29"), set(&app, "1"), set(&app, "-1"), set(&app, "30"), set(&app, "0")],
        [400, 400, 400, 200, 200]
    );
    let app = App::with(&[("AUDIT_RETENTION_MIN_DAYS", "7")]);
    assert_eq!([set(&app, "6"), set(&app, "7")], [400, 200]);
    // What was stored before counts as the least, and is not taken a second time.
    let app = app.reconfigured(&[("AUDIT_RETENTION_MIN_DAYS", "365")]);
    assert_eq!(app.admin("GET", "/api/settings", "").json()["settings"]["AUDIT_RETENTION_DAYS"], "365");
    assert_eq!([set(&app, "7"), set(&app, "365")], [400, 200]);
    execute(&app, "UPDATE settings SET value = '1' WHERE name = 'AUDIT_RETENTION_DAYS'");
    let rename = json!({ "ORGANIZATION_NAME": "Acme" }).to_string();
    assert_eq!(app.admin("PATCH", "/api/settings", rename).status, 200, "which is not about it");
}

#[test]
fn a_lower_value_in_the_database_removes_no_more_than_the_least_allows() {
    let native = Native::in_memory().unwrap();
    let app = App::over(native, &[]);
    app.invite("Paul");
    sealed(&app);
    execute(&app, "INSERT INTO settings VALUES (0, 'AUDIT_RETENTION_DAYS', '1')");
    app.native.clock.advance(29 * DAY);
    sealed(&app);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit"), 2);
    app.native.clock.advance(2 * DAY);
    sealed(&app);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit"), 1);
}
