//! What somebody finds who can write everything in the database, and nothing outside it: whatever they do shows, before the
//! next sweep and after it.

use serde_json::{Value, json};

use super::{execute, lived_in, sealed, verification};
use crate::support::App;

fn problems(found: &Value) -> Vec<(i64, &str)> {
    let breaks = found["breaks"].as_array().unwrap();
    breaks.iter().map(|one| (one["number"].as_i64().unwrap(), one["problem"].as_str().unwrap())).collect()
}

/// Does something to a sealed audit of five rows, and asserts that it shows: at once, after a sweep, and after another that
/// had new rows to seal. Returns what was found at first.
fn shows(sql: &str) -> Value {
    let app = lived_in(&[]);
    sealed(&app);
    let anchor = verification(&app)["anchor"].as_str().unwrap().to_owned();
    execute(&app, sql);
    let found = verification(&app);
    assert_eq!(found["intact"], false, "at once: {sql}");
    for name in ["Pia", "Piet"] {
        sealed(&app);
        let later = verification(&app);
        assert_eq!(later["intact"], false, "after a sweep: {sql}: {later}");
        let kept = app.admin("GET", &format!("/api/audit/verification?anchor={anchor}"), "").json();
        assert_eq!(kept["intact"], false, "with an anchor: {sql}");
        app.invite(name);
    }
    found
}

#[test]
fn rows_that_lose_their_seals_are_not_sealed_again() {
    let found = shows(
        "UPDATE audit SET actor = 'administrator:eve' WHERE number = 2; UPDATE audit SET seal = NULL, kid = NULL WHERE number >= 2",
    );
    assert_eq!(problems(&found), [(2, "unsealed"), (3, "unsealed"), (4, "unsealed"), (5, "unsealed")]);
    shows("UPDATE audit SET seal = NULL, kid = NULL");
    shows("UPDATE audit SET seal = NULL WHERE number = 5");
    shows("UPDATE audit SET kid = NULL WHERE number = 3");
    let found = shows("UPDATE audit SET seal = NULL, kid = NULL WHERE number = 3");
    assert_eq!(problems(&found), [(3, "unsealed")], "the row behind it is not blamed");
}

#[test]
fn rows_that_are_removed_and_renumbered_are_not_sealed_again() {
    shows(
        "DELETE FROM audit WHERE number = 2; UPDATE audit SET number = number - 1 WHERE number > 2; \
         UPDATE audit SET seal = NULL, kid = NULL WHERE number >= 2",
    );
    shows("UPDATE audit SET number = 99 WHERE number = 3");
    shows("UPDATE audit SET number = 99, seal = NULL, kid = NULL WHERE number = 5");
    shows("UPDATE audit SET number = -number");
    shows("UPDATE audit SET number = number + 1000, seal = NULL, kid = NULL; DELETE FROM audit_heads");
}

#[test]
fn rows_at_the_end_do_not_go_unseen() {
    let found = shows("DELETE FROM audit WHERE number >= 4");
    assert_eq!(problems(&found), [(4, "missing"), (5, "missing")]);
    shows("DELETE FROM audit");
    shows("DELETE FROM audit; DELETE FROM audit_anchors; DELETE FROM audit_heads");
    shows("DELETE FROM audit WHERE number = 5; DELETE FROM audit_heads");
}

#[test]
fn a_head_is_nobody_elses_to_remove_or_write() {
    assert_eq!(problems(&shows("DELETE FROM audit_heads")), [(5, "head missing")]);
    let found = shows("UPDATE audit_heads SET number = 3, seal = (SELECT seal FROM audit WHERE number = 3)");
    assert_eq!(problems(&found)[0], (5, "head changed"));
    shows("UPDATE audit_heads SET number = 99");
    shows("UPDATE audit_heads SET kid = 'k9'");
    shows("UPDATE audit_heads SET mac = ''");
    shows("UPDATE audit_heads SET number = 0, seal = '', copied = 0; UPDATE audit SET seal = NULL");
    // The MAC of another number of the same tenant.
    shows(
        "UPDATE audit_heads SET number = 4, seal = (SELECT seal FROM audit WHERE number = 4), copied = 0; DELETE FROM audit WHERE number = 5",
    );
}

#[test]
fn a_seal_that_the_sealer_has_not_written_does_not_count() {
    let insert = "INSERT INTO audit SELECT tenant, 6, time, operation, actor, action, target, outcome, request_id, address, kid, seal \
                  FROM audit WHERE number = 5";
    assert_eq!(problems(&shows(insert)), [(6, "changed")]);
    shows("INSERT INTO audit_anchors SELECT tenant, number, seal, kid, mac FROM audit_heads; DELETE FROM audit");
}

/// Copies of the audit's tables, and putting them back.
const COPY: &str = "CREATE TABLE old_rows AS SELECT * FROM audit; CREATE TABLE old_heads AS SELECT * FROM audit_heads";
const PUT_BACK: &str = "DELETE FROM audit; INSERT INTO audit SELECT * FROM old_rows; DELETE FROM audit_heads; \
                        INSERT INTO audit_heads SELECT * FROM old_heads";

#[test]
fn an_old_state_of_the_database_is_not_taken_for_the_newest() {
    let app = lived_in(&[]);
    sealed(&app);
    execute(&app, COPY);
    app.invite("Pia");
    sealed(&app);
    let anchor = verification(&app)["anchor"].as_str().unwrap().to_owned();
    for copied in [0, 5, 99] {
        execute(&app, &format!("{PUT_BACK}; UPDATE audit_heads SET copied = {copied}"));
        assert_eq!(problems(&verification(&app)), [(7, "head put back"), (6, "missing"), (7, "missing")]);
        app.invite(&format!("Piet{copied}"));
        sealed(&app);
        let found = verification(&app);
        assert_eq!(problems(&found)[0], (7, "head put back"), "nothing was sealed over it: {found}");
        assert_eq!(found["anchor"], Value::Null, "there is nothing to keep");
        assert_eq!(found["headCopy"], "other");
        let kept = app.admin("GET", &format!("/api/audit/verification?anchor={anchor}"), "").json();
        assert_eq!(kept["intact"], false);
    }
    let log = app.native.log.to_text();
    assert!(log.contains("audit.refused") && log.contains("head put back"), "{log}");
}

#[test]
fn heads_and_rows_of_another_tenant_do_not_count() {
    let app = lived_in(&[]);
    app.create_tenant("acme.com");
    let acme = |app: &App, name: &str| {
        let user = crate::support::invited(name).to_string();
        assert_eq!(app.admin("POST", "/t/acme.com/scim2/Users", user).status, 201);
    };
    acme(&app, "Ada");
    acme(&app, "Ann");
    sealed(&app);
    let number = app.number("SELECT number FROM tenants WHERE number <> 0");
    let of_acme = |app: &App| app.admin("GET", "/t/acme.com/api/audit/verification", "").json();
    assert_eq!((verification(&app)["intact"].clone(), of_acme(&app)["intact"].clone()), (json!(true), json!(true)));
    execute(&app, "UPDATE audit_heads SET tenant = -1 WHERE tenant = 0");
    execute(
        &app,
        &format!(
            "UPDATE audit_heads SET tenant = 0 WHERE tenant = {number}; UPDATE audit_heads SET tenant = {number} WHERE tenant = -1"
        ),
    );
    for name in ["Amy", "Abe"] {
        assert_eq!(problems(&verification(&app))[0].1, "head changed");
        assert_eq!(problems(&of_acme(&app))[0].1, "head changed");
        acme(&app, name);
        sealed(&app);
    }
    // All of the one tenant's rows in the place of the other's.
    execute(&app, &format!("DELETE FROM audit WHERE tenant = {number}; UPDATE audit SET tenant = {number}"));
    assert_eq!(of_acme(&app)["intact"], false);
    assert_eq!(verification(&app)["intact"], false);
}

#[test]
fn nor_do_those_of_another_user_store() {
    let app = App::with_stores(&["ACME"]);
    app.invite("Paul");
    app.invite("ACME/Ada");
    app.invite("ACME/Ann");
    sealed(&app);
    let of_acme = |app: &App| app.admin("GET", "/api/audit/verification?domain=ACME", "").json();
    assert_eq!(of_acme(&app)["to"], 4);
    assert_eq!(of_acme(&app)["intact"], true);
    let read = |table: &str| -> Vec<Vec<rusqlite::types::Value>> {
        app.stores[0].with(|connection| {
            let mut all = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
            let columns = all.column_count();
            let rows = all.query_map([], |row| (0..columns).map(|column| row.get(column)).collect()).unwrap();
            rows.map(Result::unwrap).collect()
        })
    };
    execute(&app, "DELETE FROM audit; DELETE FROM audit_heads");
    for table in ["audit", "audit_heads"] {
        for row in read(table) {
            let marks = vec!["?"; row.len()].join(", ");
            app.native.sqlite.with(|connection| {
                let insert = format!("INSERT INTO {table} VALUES ({marks})");
                connection.execute(&insert, rusqlite::params_from_iter(row)).unwrap();
            });
        }
    }
    assert_eq!(problems(&verification(&app))[0], (2, "head changed"));
    app.stores[0].with(|connection| connection.execute_batch("DELETE FROM audit WHERE number = 4").unwrap());
    assert_eq!(problems(&of_acme(&app)), [(4, "missing")]);
}
