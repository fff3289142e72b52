//! Imports and exports as jobs.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use latchkey::ports::Platform;
use serde_json::{Value, json};

use super::{confirmed, job, result, rows, send, with_password};
use crate::scim2::client::PASSWORD;
use crate::support::{App, Faulty};

fn import(app: &App, file: &str, existing: Option<&str>) -> String {
    confirmed(app, &json!({ "action": "import", "csv": file, "existing": existing }))
}

fn file(app: &App, id: &str, query: &str) -> String {
    let reply = app.admin("GET", &format!("/api/jobs/{id}/file{query}"), "");
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(reply.header("content-type").starts_with("text/csv"));
    assert!(reply.header("content-disposition").starts_with("attachment"));
    reply.text.strip_prefix('\u{feff}').unwrap().to_owned()
}

fn statuses(app: &App, id: &str) -> Vec<String> {
    let reply = app.admin("GET", &format!("/api/jobs/{id}/rows"), "").json();
    let rows = reply["Resources"].as_array().unwrap().iter();
    rows.map(|row| format!("{} {} {}", row["line"], row["userName"].as_str().unwrap(), row["status"].as_str().unwrap()))
        .collect()
}

fn people(count: usize) -> String {
    let mut file = "userName,email,givenName\n".to_owned();
    for n in 0..count {
        writeln!(file, "u{n},u{n}@example.com,Given").unwrap();
    }
    file
}

#[test]
fn a_file_is_imported_in_steps_and_each_row_tells_what_became_of_it() {
    let app = App::new();
    app.invite("zoe");
    app.scim().create_group("Cooks", &[]);
    let csv = "userName,email,groups\nzoe,zoe@example.com,\npaul,paul@example.com,cooks\nbad,nowhere,\nPAUL,p@example.com,\nann,ann@example.com,Waiters\n";
    let id = import(&app, csv, Some("skip"));
    assert_eq!(job(&app, &id)["failed"], 2, "what is certain is said at once");
    app.work_off_jobs();
    assert_eq!(result(&app, &id), (1, 3, 1, "done".to_owned()));
    assert_eq!(
        statuses(&app, &id),
        ["2 zoe skipped", "3 paul created", "4 bad failed", "5 PAUL failed", "6 ann failed"]
    );
    let paul = &app.scim().filter("/scim2/Users", "userName eq \"paul\"")[0];
    assert_eq!(paul["groups"][0]["display"], "Cooks");
    assert_eq!(app.admin("GET", &format!("/api/jobs/{id}/rows"), "").json()["Resources"][1]["userId"], paul["id"]);
    app.deliver();
    assert_eq!(app.inbox().len(), 2);
}

#[test]
fn what_the_dry_run_forecasts_is_what_the_job_does() {
    let csv = "userName,email,title\na,a@example.com,\nb,,\nA,other@example.com,\nc,c@example.com,\n,,x\n";
    for existing in [None, Some("skip"), Some("update"), Some("invite")] {
        let app = App::new();
        app.invite("c");
        let query = existing.map(|existing| format!("&existing={existing}")).unwrap_or_default();
        let request = http::Request::post(format!("/api/invitations/import?dryRun=true{query}"))
            .header("content-type", "text/csv")
            .header("authorization", crate::support::basic("admin", "admin"));
        let forecast = app.send(request.body(csv.to_owned().into()).unwrap()).json();
        let id = import(&app, csv, existing);
        app.work_off_jobs();
        let forecast: Vec<String> = forecast["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                format!("{} {} {}", row["line"], row["userName"].as_str().unwrap(), row["status"].as_str().unwrap())
            })
            .collect();
        assert_eq!(statuses(&app, &id), forecast, "{existing:?}");
    }
}

#[test]
fn the_file_of_failed_rows_can_be_imported_again() {
    let app = App::new();
    let csv = "userName,Password,email,givenName\na,,a@example.com,'=1\nb,short1,nowhere,'+49\nc,,c@example.com,x,y\n";
    let id = import(&app, csv, None);
    app.work_off_jobs();
    assert_eq!(result(&app, &id), (1, 2, 0, "done".to_owned()));
    let all = file(&app, &id, "");
    assert!(
        all.starts_with(
            "\"importLine\",\"importStatus\",\"importReason\",\"userName\",\"Password\",\"email\",\"givenName\"\r\n"
        ),
        "{all}"
    );
    assert!(all.contains("\"2\",\"created\",\"\",\"a\",\"\",\"a@example.com\",\"'=1\"\r\n"), "{all}");
    let failed = file(&app, &id, "?state=failed");
    assert!(!failed.contains("a@example.com") && !failed.contains("short1") && !all.contains("short1"), "{failed}");
    assert!(failed.contains("The password is left out"), "{failed}");
    let again = import(&app, &failed.replace("nowhere", "b@example.com").replace(",\"y\"", ""), None);
    app.work_off_jobs();
    assert_eq!(result(&app, &again), (2, 0, 0, "done".to_owned()), "{}", file(&app, &again, ""));
    assert_eq!(app.scim().filter("/scim2/Users", "userName eq \"b\"")[0]["name"]["givenName"], "+49");
    assert!(file(&app, &again, "").matches("importLine").count() == 1, "what was said before is not repeated");
}

#[test]
fn passwords_count_and_lie_nowhere_in_plain_text() {
    let app = App::new();
    let csv = format!("userName,Password,email\na,{PASSWORD},a@example.com\nb,,b@example.com\nc,x,c@example.com\n");
    let id = import(&app, &csv, None);
    assert!(!app.dump().contains(PASSWORD));
    assert_eq!(app.number("SELECT COUNT(*) FROM job_rows WHERE secret IS NOT NULL"), 1);
    app.work_off_jobs();
    assert_eq!(app.number("SELECT COUNT(*) FROM job_rows WHERE secret IS NOT NULL"), 0);
    assert_eq!(statuses(&app, &id), ["2 a created", "3 b created", "4 c failed"]);
    assert!(!app.dump().contains(PASSWORD));
    assert_eq!(app.me("a", PASSWORD).status, 200);
    app.deliver();
    assert_eq!(app.inbox().len(), 1, "who has a password is not asked for one");
    // Where they do not count, everybody is asked.
    let app = App::new();
    let id = confirmed(&app, &json!({ "action": "import", "csv": csv, "passwords": false }));
    app.work_off_jobs();
    assert_eq!(result(&app, &id), (3, 0, 0, "done".to_owned()));
    assert_eq!(app.number("SELECT COUNT(*) FROM credentials"), 0);
}

#[test]
fn two_hundred_passwords_are_hashed_at_a_time() {
    let app = App::new();
    let mut csv = "userName,password\n".to_owned();
    for n in 0..201 {
        writeln!(csv, "u{n},{PASSWORD}").unwrap();
    }
    let id = import(&app, &csv, None);
    app.service.work_off_jobs(&app.platform, 1_000).unwrap();
    assert_eq!(result(&app, &id), (200, 0, 0, "running".to_owned()));
    app.work_off_jobs();
    assert_eq!(result(&app, &id), (201, 0, 0, "done".to_owned()));
}

#[test]
fn the_job_has_the_rights_of_who_started_it() {
    let app = App::new();
    app.scim().create_group("admin", &[]);
    let csv = format!(
        "userName,email,groups,password\na,a@example.com,admin,\nb,b@example.com,,{PASSWORD}\nc,c@example.com,,\n"
    );
    let token = format!("Bearer {}", app.token("", &["invitations"]).1);
    let body = json!({ "action": "import", "csv": csv });
    let reply = send(&app, &token, "POST", "/api/jobs", &body);
    assert_eq!(reply.status, 202, "{}", reply.text);
    let id = reply.json()["id"].as_str().unwrap().to_owned();
    app.work_off_jobs();
    assert_eq!(statuses(&app, &id), ["2 a failed", "3 b failed", "4 c created"]);
    let update = json!({ "action": "import", "csv": csv, "existing": "update" });
    assert_eq!(send(&app, &token, "POST", "/api/jobs", &update).status, 403);
    let reader = format!("Bearer {}", app.token("", &["scim:read"]).1);
    assert_eq!(send(&app, &reader, "POST", "/api/jobs", &body).status, 403);
    // Who reads users sees exports and no other job, whose rows may say what no resource does.
    for path in ["", "/rows", "/rows?state=failed", "/file", "/file?state=failed"] {
        let reply = send(&app, &reader, "GET", &format!("/api/jobs/{id}{path}"), &Value::Null);
        assert!(reply.status == 403 && !reply.text.contains("example.com"), "{path}: {}", reply.text);
    }
    for path in ["stop", "resume"] {
        assert_eq!(send(&app, &reader, "POST", &format!("/api/jobs/{id}/{path}"), &Value::Null).status, 403, "{path}");
    }
    assert_eq!(send(&app, &reader, "GET", "/api/jobs", &Value::Null).json()["Resources"], json!([]));
}

#[test]
fn what_is_wrong_with_the_request_stores_nothing() {
    let app = App::new();
    let id = with_password(&app, "zoe", "");
    for body in [
        json!({ "action": "import" }),
        json!({ "action": "import", "csv": 5 }),
        json!({ "action": "import", "csv": "" }),
        json!({ "action": "import", "csv": "userName,email\n" }),
        json!({ "action": "import", "csv": "userName,shoeSize\na,1\n" }),
        json!({ "action": "import", "csv": "userName,email\na,a@example.com\n", "existing": "overwrite" }),
        json!({ "action": "import", "csv": "userName,email\na,a@example.com\n", "passwords": "yes" }),
        json!({ "action": "import", "csv": "userName,email\na,a@example.com\n", "ids": [id] }),
        json!({ "action": "lock", "ids": [id], "csv": "userName\na\n" }),
        json!({ "action": "export" }),
        json!({ "action": "export", "filter": "" }),
    ] {
        let reply = app.admin("POST", "/api/jobs", body.to_string());
        assert_eq!(reply.status, 400, "{body}: {}", reply.text);
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM jobs"), 0);
}

#[test]
fn an_import_that_is_killed_anywhere_invites_each_once() {
    for after_commit in [false, true] {
        for place in 1..=14 {
            let app = App::new();
            app.invite("old");
            app.scim().create_group("Cooks", &[]);
            let csv = "userName,email,groups,givenName\na,a@example.com,Cooks,A\nold,old@example.com,Cooks,Old\nb,b@example.com,,B\n";
            let id = import(&app, csv, Some("update"));
            for _ in 0..2 {
                let db = Arc::new(Faulty::on_batch(app.platform.db.clone(), place, after_commit));
                let _ = app.service.work_off_jobs(&Platform { db, ..app.platform.clone() }, 200);
                app.native.clock.advance(Duration::from_secs(61));
            }
            app.work_off_jobs();
            let name = format!("{after_commit} {place}");
            assert_eq!(result(&app, &id), (3, 0, 0, "done".to_owned()), "{name}: {:?}", rows(&app, &id));
            assert_eq!(statuses(&app, &id), ["2 a created", "3 old updated", "4 b created"], "{name}");
            assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 3, "{name}: each mail once");
            assert_eq!(app.number("SELECT COUNT(*) FROM members"), 2, "{name}");
        }
    }
}

#[test]
fn an_import_is_stopped_and_resumed() {
    let app = App::new();
    let id = import(&app, &people(150), None);
    app.service.work_off_jobs(&app.platform, 1).unwrap();
    assert_eq!(result(&app, &id), (100, 0, 0, "running".to_owned()));
    assert_eq!(app.admin("POST", &format!("/api/jobs/{id}/stop"), "").status, 200);
    app.work_off_jobs();
    assert_eq!(result(&app, &id), (100, 0, 0, "stopped".to_owned()));
    assert_eq!(app.admin("POST", &format!("/api/jobs/{id}/resume"), "").status, 200);
    app.work_off_jobs();
    assert_eq!(result(&app, &id), (150, 0, 0, "done".to_owned()));
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 150);
}

#[test]
fn users_are_exported_and_the_file_imported_again_changes_nothing() {
    let app = App::with_stores(&["STAFF"]);
    app.scim().create_group("Cooks; and | others", &[]);
    app.scim().create_group("=Waiters", &[]);
    for (name, given) in [("zoe", "=1+1"), ("STAFF/max", "''+49"), ("'＠ann", "-x"), ("<script>", "\"q\", r")] {
        let body = json!({ "userName": name, "password": PASSWORD, "emails": ["a@example.com"], "locale": "de_DE",
            "name": { "givenName": given, "familyName": "O'Neil" } });
        let reply = app.admin("POST", "/scim2/Users", body.to_string());
        assert_eq!(reply.status, 201, "{}", reply.text);
        for group in app.scim().filter("/scim2/Groups", "displayName pr") {
            let path = format!("/scim2/Groups/{}", group["id"].as_str().unwrap());
            app.scim()
                .patch(&path, json!([{ "op": "add", "path": "members", "value": [{ "value": reply.json()["id"] }] }]))
                .is(200);
        }
    }
    let id = confirmed(&app, &json!({ "action": "export", "filter": "emails.value eq \"a@example.com\"" }));
    app.work_off_jobs();
    assert_eq!(result(&app, &id), (4, 0, 0, "done".to_owned()));
    let exported = file(&app, &id, "");
    assert!(exported.starts_with("\"id\",\"userName\",\"email\""), "{exported}");
    // Of a cell that is a JSON array, the quotation marks are doubled.
    let cells = exported.replace("\"\"", "~");
    for cell in cells.lines().flat_map(|line| line.split("\",\"")) {
        assert!(!cell.trim_start_matches('"').starts_with(['=', '+', '-', '@', '＠']), "{cell}");
    }
    let again = import(&app, &exported, Some("update"));
    app.work_off_jobs();
    assert_eq!(result(&app, &again), (0, 0, 4, "done".to_owned()), "{:?}", rows(&app, &again));
    let unchanged = app.number("SELECT COUNT(*) FROM resources WHERE type = 'User' AND version > 1");
    assert_eq!(unchanged, 0, "nothing was changed");
}

#[test]
fn what_a_file_says_of_somebody_outlives_them_by_thirty_days_at_most() {
    let app = App::new();
    let csv = "userName,email,givenName\nzed,zed@example.com,Zedekiah\n";
    let reply = app.admin("POST", "/api/jobs", json!({ "action": "import", "csv": csv }).to_string());
    let job = reply.json()["id"].as_str().unwrap().to_owned();
    app.work_off_jobs();
    let user = app.scim().get("/scim2/Users?filter=userName%20eq%20zed").json()["Resources"][0]["id"].clone();
    let user = user.as_str().unwrap();
    let told = app.admin("GET", &format!("/api/users/{user}/privacy"), "").text;
    assert!(told.contains(&job), "the audit's rows name the job: {told}");
    app.admin("DELETE", &format!("/scim2/Users/{user}"), "");
    let told = app.admin("GET", &format!("/api/users/{user}/privacy"), "").text;
    assert!(told.contains(&job) && !told.contains("Zedekiah"), "{told}");
    let kept = "SELECT COUNT(*) FROM job_rows WHERE cells LIKE '%Zedekiah%'";
    assert_eq!(app.number(kept), 1);
    app.native.clock.advance(std::time::Duration::from_secs(30 * 86_400 + 1));
    for _ in 0..2 {
        latchkey::store::jobs::retention::sweep(&app.platform).unwrap();
    }
    assert_eq!(app.number(kept), 0);
}
