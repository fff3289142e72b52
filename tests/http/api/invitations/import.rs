//! `POST /api/invitations/import`

use std::fmt::Write;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use crate::scim2::client::{Spy, WSO2, in_parallel, sorted_values};
use crate::support::{App, Faulty, Reply, basic};

pub const IMPORT: &str = "/api/invitations/import";

pub fn send(app: &App, path: &str, content_type: Option<&str>, body: impl Into<Bytes>) -> Reply {
    let mut request = Request::post(path).header("authorization", basic("admin", "admin"));
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    app.send(request.body(body.into()).unwrap())
}

pub fn csv(app: &App, file: impl Into<Bytes>) -> Value {
    report(&send(app, IMPORT, Some("text/csv"), file))
}

/// The report, whose figures fit its rows.
#[track_caller]
pub fn report(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.header("content-type"), "application/json");
    let report = reply.json();
    for status in ["created", "skipped", "updated", "invited", "failed"] {
        if report[status].is_null() {
            assert!(!["created", "failed"].contains(&status), "{}", reply.text);
            continue;
        }
        let rows = report["rows"].as_array().unwrap().iter().filter(|row| row["status"] == status).count();
        assert_eq!(report[status], rows, "{}", reply.text);
    }
    report
}

/// Each row as `line userName status`.
pub fn told(report: &Value) -> Vec<String> {
    let rows = report["rows"].as_array().unwrap().iter();
    rows.map(|row| format!("{} {} {}", row["line"], row["userName"].as_str().unwrap(), row["status"].as_str().unwrap()))
        .collect()
}

pub fn detail(report: &Value, row: usize) -> &str {
    report["rows"][row]["detail"].as_str().unwrap_or_else(|| panic!("no detail of row {row} in {report}"))
}

/// Holds an answer to being this problem, which names something, and the database to being as it was.
#[track_caller]
fn assert_is_problem(app: &App, reply: &Reply, status: u16, named: &str) {
    assert_eq!(reply.status.as_u16(), status, "{}", reply.text);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    let detail = reply.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains(named), "{detail}");
    assert_eq!(users(app), 0);
}

pub fn users(app: &App) -> i64 {
    app.number("SELECT COUNT(*) FROM resources WHERE type = 'User'")
}

/// A file of people numbered from 0.
fn people(count: usize) -> String {
    let mut file = "userName,email,givenName,familyName\n".to_owned();
    for number in 0..count {
        writeln!(file, "user{number},user{number}@example.com,Given{number},Family{number}").unwrap();
    }
    file
}

#[test]
fn everybody_in_a_file_is_invited_and_bad_rows_harm_no_other() {
    let app = App::new();
    app.invite("Taken");
    app.scim().create_group("Engineering", &[]);
    let report = csv(
        &app,
        "userName,email,givenName,familyName,locale,groups\r\n\
         paul,paul@example.com,Paul,Smith,de_DE,Engineering\r\n\
         mary,mary at example.com,Mary,,,\r\n\
         ,nobody@example.com,,,,\r\n\
         TAKEN,taken2@example.com,,,,\r\n\
         Paul,other@example.com,,,,\r\n\
         \r\n\
         zoe,,Zoe,,,\r\n\
         joe,joe@example.com,Joe,,,Cooks\r\n\
         two,\"a@example.com, b@example.com\",,,,\r\n\
         short,short@example.com\r\n\
         ann,ann@example.com,,,,\r\n",
    );
    insta::assert_json_snapshot!(report, { ".rows[].id" => "[id]" });

    let id = report["rows"][0]["id"].as_str().unwrap();
    let paul = app.scim().get(&format!("/scim2/Users/{id}")).is(200);
    assert_eq!(paul["userName"], "paul");
    assert_eq!(paul["emails"], json!([{ "value": "paul@example.com", "primary": true }]));
    assert_eq!(paul["name"], json!({ "familyName": "Smith", "givenName": "Paul" }));
    assert_eq!(paul["locale"], "de_DE");
    assert_eq!(paul["groups"][0]["display"], "Engineering");
    assert_eq!(paul[WSO2]["accountState"], "PENDING_AP");

    app.deliver();
    let mut mailed: Vec<String> = app.inbox().iter().map(|mail| mail["to"].as_str().unwrap().to_owned()).collect();
    mailed.sort();
    assert_eq!(mailed, ["ann@example.com", "paul@example.com", "short@example.com", "taken@example.com"]);
    let created = "SELECT COUNT(*) FROM audit WHERE action = 'invitation.create' AND actor = 'administrator:admin'";
    assert_eq!(app.number(created), 4);
    assert_eq!(app.number("SELECT COUNT(*) FROM credentials"), 0, "nothing is hashed");
}

#[test]
fn columns_come_in_any_order_and_case_and_may_be_left_out() {
    let app = App::new();
    let report = csv(&app, "EMAIL, username ,familyname\npaul@example.com,paul,Smith\n");
    assert_eq!(told(&report), ["2 paul created"]);
    let paul = &app.scim().filter("/scim2/Users", "userName eq \"paul\"")[0];
    assert_eq!(paul["name"], json!({ "familyName": "Smith" }));
    assert_eq!(paul.get("locale"), None);
}

#[test]
fn a_byte_order_mark_any_line_end_and_a_missing_last_one_are_fine() {
    for (number, end) in ["\n", "\r\n", "\r"].into_iter().enumerate() {
        for mark in ["", "\u{feff}"] {
            let app = App::new();
            let file = format!("{mark}userName,email{end}{end}a{number},a@example.com{end}Jörg,j@example.com");
            assert_eq!(told(&csv(&app, file)), [format!("3 a{number} created"), "4 Jörg created".to_owned()]);
        }
    }
}

#[test]
fn quoted_cells_hold_commas_quotes_and_lines_and_the_lines_are_counted() {
    let app = App::new();
    let report = csv(
        &app,
        "\"userName\",\"email\",\"familyName\"\r\n\
         a,a@example.com,\"Smith, \"\"Jr\"\"\"\r\n\
         b,b@example.com,\"on\r\nthree\nlines\"\r\n\
         c,bad,\"on\n\ntwo more\"\r\n\
         \"d\",\"d@example.com\",\"\"\r\n",
    );
    assert_eq!(told(&report), ["2 a created", "3 b created", "6 c failed", "9 d created"]);
    let a = &app.scim().filter("/scim2/Users", "userName eq \"a\"")[0];
    assert_eq!(a["name"]["familyName"], "Smith, \"Jr\"");
    let b = &app.scim().filter("/scim2/Users", "userName eq \"b\"")[0];
    assert_eq!(b["name"]["familyName"], "on\r\nthree\nlines");
}

#[test]
fn a_missing_quotation_mark_swallows_nobody_in_silence() {
    let app = App::new();
    let file = "userName,email,givenName\n\
                a,a@example.com,\"Anna\n\
                b,b@example.com,\"Bert\"\n\
                c,c@example.com,Carl\n";
    let report = csv(&app, file);
    assert_eq!(told(&report), ["2  failed", "4 c created"]);
    assert!(detail(&report, 0).contains("quotation mark"), "{report}");

    let app = App::new();
    let reply =
        send(&app, IMPORT, Some("text/csv"), "userName,email\na,a@example.com\nb,\"b@example.com\nc,c@example.com\n");
    assert_is_problem(&app, &reply, 400, "line 3");
}

#[test]
fn empty_rows_are_passed_over() {
    let app = App::new();
    let report = csv(&app, "\n\nuserName,email,groups\n,,\n\"\",,\n  \n\na,a@example.com,\n,,\n\n");
    assert_eq!(told(&report), ["8 a created"]);
    assert_eq!(csv(&app, "userName,email\r\n"), json!({ "created": 0, "failed": 0, "rows": [] }));
}

#[test]
fn a_name_that_comes_twice_fails_the_second_time_in_any_case_and_form() {
    let app = App::new();
    let report = csv(
        &app,
        "userName,email\nJörg,a@example.com\nJO\u{308}RG,b@example.com\nSTRASSE,bad\nstraße,c@example.com\nStraße,d@example.com\n",
    );
    assert_eq!(
        told(&report),
        ["2 Jörg created", "3 JO\u{308}RG failed", "4 STRASSE failed", "5 straße created", "6 Straße failed"],
        "a row that fails for itself takes no name"
    );
    assert!(detail(&report, 1).contains("line 2") && detail(&report, 4).contains("line 5"), "{report}");
}

#[test]
fn a_name_that_a_user_has_fails_and_the_same_file_again_changes_nothing() {
    let app = App::new();
    app.invite("JÖRG");
    let file = "userName,email\njörg,a@example.com\nanna,anna@example.com\n";
    assert_eq!(told(&csv(&app, file)), ["2 jörg failed", "3 anna created"]);
    let before = app.dump();
    let again = csv(&app, file);
    assert_eq!(told(&again), ["2 jörg failed", "3 anna failed"]);
    assert!(detail(&again, 1).contains("exists already"), "{again}");
    assert_eq!(app.dump(), before);
}

#[test]
fn a_dry_run_says_the_same_and_writes_nothing() {
    let app = App::new();
    app.invite("taken");
    app.scim().create_group("Cooks", &[]);
    let mut file = people(600);
    file.push_str("Taken,t@example.com,,\nUSER5,u@example.com,,\nbad,bad,,\n");
    let before = app.dump();
    let reply = send(&app, "/api/invitations/import?dryRun=true", Some("text/csv"), file.clone());
    assert_eq!(app.dump(), before);
    let mut wet = csv(&app, file);
    for row in wet["rows"].as_array_mut().unwrap() {
        row.as_object_mut().unwrap().remove("id");
    }
    let mut dry = report(&reply);
    let columns = dry.as_object_mut().unwrap().remove("columns").unwrap();
    assert_eq!(columns[0], json!({ "header": "userName", "attribute": "userName" }));
    assert_eq!(dry, wet);
    assert_eq!(wet["created"], 600);
    assert_eq!(told(&wet)[600..], ["602 Taken failed", "603 USER5 failed", "604 bad failed"]);
}

#[test]
fn a_parameter_that_is_not_understood_sends_no_mail() {
    let app = App::new();
    for query in ["dryrun=true", "dryRun=1", "dryRun", "dry-run=true"] {
        let reply = send(&app, &format!("{IMPORT}?{query}"), Some("text/csv"), people(1));
        assert_is_problem(&app, &reply, 400, "dryRun");
    }
    assert_eq!(send(&app, &format!("{IMPORT}?dryRun=false"), Some("text/csv"), people(1)).json()["created"], 1);
}

#[test]
fn groups_are_joined_by_name_and_count_a_write() {
    let app = App::new();
    let admin = app.scim();
    let cooks = admin.create_group("Cooks", &[]);
    let long = "L".repeat(600);
    let long_group = admin.create_group(&long, &[]);
    let others = admin.create_group("Others", &[]);
    let report = csv(
        &app,
        format!(
            "userName,email,groups\n\
             a,a@example.com,cooks; {long} ;;COOKS\n\
             b,b@example.com,COOKS|{long}\n\
             c,c@example.com,Cooks;Waiters\n\
             d,bad,Others\n\
             e,e@example.com,{long}x\n"
        ),
    );
    assert_eq!(told(&report), ["2 a created", "3 b created", "4 c failed", "5 d failed", "6 e failed"]);
    assert!(detail(&report, 2).contains("'Waiters'"), "{report}");
    let mut ids = [report["rows"][0]["id"].as_str().unwrap(), report["rows"][1]["id"].as_str().unwrap()];
    ids.sort_unstable();
    for group in [&cooks, &long_group] {
        let group = admin.get(group).is(200);
        assert_eq!(sorted_values(&group["members"]), ids);
        assert_eq!((&group["members"][0]["type"], &group["meta"]["version"]), (&json!("User"), &json!("W/\"2\"")));
    }
    let others = admin.get(&others).is(200);
    assert_eq!((others.get("members"), &others["meta"]["version"]), (None, &json!("W/\"1\"")));
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'group.update'"), 2);
    assert_eq!(app.number("SELECT MAX(number) - COUNT(*) FROM audit"), 0, "the audit has no gaps");
}

#[test]
fn a_name_in_any_case_is_that_of_the_one_group_that_has_it() {
    let app = App::new();
    app.scim().create_group("Cooks", &[]);
    app.scim().post("/scim2/Groups", &json!({ "displayName": "COOKS" })).is_error(409, Some("uniqueness"));
    let report = csv(&app, "userName,email,groups\na,a@example.com,cOOKs\nb,b@example.com,\n");
    assert_eq!(told(&report), ["2 a created", "3 b created"]);
}

#[test]
fn a_tenants_file_is_about_its_own_users_and_groups() {
    let app = App::new();
    app.scim().create_group("Cooks", &[]);
    app.invite("paul");
    let tenant = json!({ "domain": "acme.com", "owners": [{ "username": "kim", "email": "kim@acme.com",
        "firstname": "Kim", "lastname": "Doe", "provisioningMethod": "invite-via-email" }] });
    assert_eq!(app.admin("POST", "/api/server/v1/tenants", tenant.to_string()).status, 201);
    let file = "userName,email,groups\npaul,paul@acme.com,\nmary,mary@acme.com,Cooks\nKim,kim@acme.com,\n";
    let report = report(&send(&app, &format!("/t/acme.com{IMPORT}"), Some("text/csv"), file));
    assert_eq!(told(&report), ["2 paul created", "3 mary failed", "4 Kim failed"]);
    assert_eq!(app.number("SELECT COUNT(*) FROM resources WHERE type = 'User' AND tenant = 0"), 1);
}

#[test]
fn cells_have_the_limits_that_scim_has() {
    let app = App::new();
    let long = "n".repeat(300);
    let huge = "h".repeat(300 * 1024);
    let wide = ",".repeat(300 * 1024);
    let groups = (0..51).map(|number| number.to_string()).collect::<Vec<_>>().join(";");
    let report = csv(
        &app,
        format!(
            "userName,email,givenName,groups\n\
             {long},l@example.com,,\n\
             \"a\nb\",n@example.com,,\n\
             h,h@example.com,{huge},\n\
             w{wide}\n\
             g,g@example.com,,{groups}\n\
             =cmd(),f@example.com,=1+1,\n"
        ),
    );
    let statuses: Vec<&Value> = report["rows"].as_array().unwrap().iter().map(|row| &row["status"]).collect();
    assert_eq!(statuses, ["failed", "failed", "failed", "failed", "failed", "created"]);
    assert!(detail(&report, 0).contains("256 characters") && detail(&report, 1).contains("control"), "{report}");
    assert!(detail(&report, 2).contains("bytes") && detail(&report, 3).contains("bytes"), "{report}");
    assert!(detail(&report, 4).contains("50 groups"), "{report}");
    assert!(report["rows"][0]["userName"].as_str().unwrap().chars().count() <= 256);
    assert_eq!(report["rows"][5]["line"], 8);
}

#[test]
fn what_is_wrong_with_a_file_as_a_whole_is_told_and_nothing_written() {
    let app = App::new();
    let text_csv = Some("text/csv; charset=utf-8");
    let is = |content_type: Option<&str>, file: Vec<u8>, status: u16, named: &str| {
        assert_is_problem(&app, &send(&app, IMPORT, content_type, file), status, named);
    };
    let of = |text: &str| text.as_bytes().to_vec();
    is(text_csv, of(""), 400, "empty");
    is(text_csv, of("\u{feff}\r\n"), 400, "empty");
    is(text_csv, of("email\na@example.com\n"), 400, "userName");
    is(text_csv, of("paul,paul@example.com\n"), 400, "'paul'");
    is(text_csv, of("userName,email,group\n"), 400, "'group'");
    is(text_csv, of("userName:email\n"), 400, "commas");
    is(text_csv, of("userName,email,Email\n"), 400, "twice");
    is(text_csv, of("userName,\"email\n"), 400, "quotation");
    is(text_csv, b"userName,email\na,a@example.com\nJ\xf6rg,j@example.com\n".to_vec(), 400, "line 3");
    is(text_csv, b"\xff\xfeu\0s\0e\0r\0".to_vec(), 400, "'user'");
    is(text_csv, vec![b'x'; 8 * 1024 * 1024 + 1], 413, "8 MiB");
    is(None, of("userName,email\n"), 415, "text/csv");
    is(Some("application/x-www-form-urlencoded"), of("userName,email\n"), 415, "text/csv");
    is(Some("text/csv; charset=iso-8859-1"), of("userName,email\n"), 415, "UTF-8");
    is(Some("application/json"), of("{}"), 400, "array");
    is(Some("application/json"), of("[{\"userName\":\"a\"}"), 400, "the array's end");
    is(Some("application/json"), of("[{\"userName\":\"a\"},]"), 400, "element 2");
    is(Some("application/json"), of("[{\"userName\":\"a\"}] x"), 400, "follows");
    is(Some("application/json"), of(""), 400, "array");
}

#[test]
fn ten_thousand_rows_are_taken_and_one_more_is_not() {
    let app = App::new();
    let too_many = send(&app, IMPORT, Some("text/csv"), people(10_001));
    assert_is_problem(&app, &too_many, 413, "10000");
    let list: Vec<Value> = (0..10_001).map(|_| json!({})).collect();
    let too_many = send(&app, IMPORT, Some("application/json"), Value::from(list).to_string());
    assert_is_problem(&app, &too_many, 413, "10000");
}

#[test]
fn only_an_administrator_imports() {
    let app = App::new();
    let request = Request::post(IMPORT).header("content-type", "text/csv");
    let reply = app.send(request.body(Bytes::from(people(1))).unwrap());
    assert_eq!(reply.status, 401);
    assert_eq!(app.anyone("GET", IMPORT).status, 405);
    assert_eq!(users(&app), 0);
}

#[test]
fn ten_thousand_rows_with_five_hundred_bad_ones_cost_less_than_d1_allows() {
    let mut app = App::new();
    app.scim().create_group("Cooks", &[]);
    let spy = Spy::on(&mut app);
    let mut file = "userName,email,groups\n".to_owned();
    for number in 0..10_000 {
        let at = if number % 20 == 7 { " at " } else { "@" };
        let groups = if number % 100 == 0 { "Cooks" } else { "" };
        writeln!(file, "user{number},user{number}{at}example.com,{groups}").unwrap();
    }
    let reply = send(&app, IMPORT, Some("text/csv"), file);
    let report = report(&reply);
    assert_eq!((&report["created"], &report["failed"]), (&json!(9_500), &json!(500)));
    for (number, row) in report["rows"].as_array().unwrap().iter().enumerate() {
        assert_eq!((&row["line"], row.get("detail").is_some()), (&json!(number + 2), number % 20 == 7));
    }
    assert!(reply.trips() <= 250, "{} round trips", reply.trips());
    let statements = spy.take().0.len();
    assert!(statements < 1_000, "{statements} statements");
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 9_500);
    assert_eq!(app.number("SELECT total FROM counters WHERE type = 'User'"), 9_500);
    assert_eq!(app.number("SELECT COUNT(*) FROM members"), 100);
}

#[test]
fn without_invitations_users_are_created_and_need_no_address() {
    let app = App::with(&[("ENABLE_EMAIL_VERIFICATION", "false")]);
    assert_eq!(told(&csv(&app, "userName\npaul\n")), ["2 paul created"]);
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 0);
}

/// The database is lost at each batch of an import in turn, before and after the commit.
#[test]
fn a_database_that_fails_midway_loses_nobody_and_invites_nobody_twice() {
    let file = {
        let mut file = "userName,email,groups\n".to_owned();
        for number in 0..600 {
            let groups = if number % 7 == 0 { "Cooks" } else { "" };
            writeln!(file, "user{number},user{number}@example.com,{groups}").unwrap();
        }
        file
    };
    // One look-up of the group and three batches.
    for batch in 1..=4 {
        for after_commit in [false, true] {
            let mut faulty = App::new();
            faulty.scim().create_group("Cooks", &[]);
            faulty.platform.db = Arc::new(Faulty::on_batch(faulty.platform.db.clone(), batch, after_commit));
            let first = csv(&faulty, file.clone());
            let created = first["created"].as_u64().unwrap();
            let rows = first["rows"].as_array().unwrap();
            assert_eq!(rows.len(), 600);
            // What is reported is what there is, and all of it in one piece.
            assert_eq!(users(&faulty), created.cast_signed(), "batch {batch}, {after_commit}");
            assert_eq!(faulty.number("SELECT COUNT(*) FROM outbox"), created.cast_signed());
            let hidden = after_commit && batch > 1;
            assert_eq!(created, if hidden { 600 } else { [0, 0, 250, 500][batch - 1] });
            for row in rows.iter().filter(|row| row["status"] == "failed") {
                assert!(row["detail"].as_str().unwrap().contains("Import the file again"), "{row}");
            }
            if created < 600 {
                assert!(faulty.native.log.to_text().contains("lost"), "the log says why");
            }

            let second = csv(&faulty, file.clone());
            assert_eq!(second["created"], 600 - created);
            assert_eq!(users(&faulty), 600);
            assert_eq!(faulty.number("SELECT COUNT(*) FROM outbox"), 600);
            assert_eq!(faulty.number("SELECT COUNT(*) FROM members"), 86);
            assert_eq!(faulty.number("SELECT total FROM counters WHERE type = 'User'"), 600);
        }
    }
}

#[test]
fn a_commit_that_cannot_be_seen_is_in_doubt_and_the_same_file_again_settles_it() {
    let mut app = App::new();
    // From here on the tenant's settings are known, and every batch is the import's.
    app.scim().get("/scim2/Users");
    // The second batch is committed, and neither its answer nor that to the question what became of it arrives.
    let unasked = Arc::new(Faulty::on_batch(app.platform.db.clone(), 3, false));
    app.platform.db = Arc::new(Faulty::on_batch(unasked, 2, true));
    let first = csv(&app, people(600));
    assert_eq!((&first["created"], &first["failed"]), (&json!(250), &json!(350)));
    assert!(detail(&first, 250).contains("while this row was written"), "{first}");
    assert!(detail(&first, 500).contains("was not imported"), "{first}");
    assert_eq!(users(&app), 500);
    let second = csv(&app, people(600));
    assert_eq!((&second["created"], &second["failed"]), (&json!(100), &json!(500)));
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 600);
}

#[test]
fn the_same_file_from_two_sides_at_once_invites_everybody_once() {
    let app = App::new();
    let reports = in_parallel(2, |_| csv(&app, people(600)));
    let created: Vec<u64> = reports.iter().map(|report| report["created"].as_u64().unwrap()).collect();
    assert_eq!(created.iter().sum::<u64>(), 600, "{created:?}");
    assert_eq!((users(&app), app.number("SELECT COUNT(*) FROM outbox")), (600, 600));
}

#[test]
fn codes_that_nobody_would_be_answered_are_not_made() {
    let app = App::with(&[("EMAIL_SENDER", "external")]);
    let reply = send(&app, IMPORT, Some("text/csv"), "userName,email\npaul,paul@example.com\n");
    assert_eq!(reply.status, 409, "{}", reply.text);
    assert!(reply.json()["detail"].as_str().unwrap().contains("Bulk"), "{}", reply.text);
    assert_eq!(app.number("SELECT COUNT(*) FROM resources"), 0);
}

#[test]
fn white_space_around_names_and_addresses_is_cut_and_hidden_characters_fail_their_row() {
    let app = App::new();
    let file = "userName,email\n\u{a0}kim\u{3000},\u{2028} kim@example.com\t\nle\u{200b}e,lee@example.com\n\
                lo\u{a0}u,lou@example.com\n\u{202e}max,max@example.com\nKIM ,kim2@example.com\n\"ann\n\",\"\nann@example.com\n\"\n";
    let told_of = |report: &Value| {
        let rows = report["rows"].as_array().unwrap().iter();
        rows.map(|row| row["status"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let expected = ["created", "failed", "failed", "failed", "failed", "created"];
    assert_eq!(told_of(&csv(&app, file)), expected);
    let admin = app.scim();
    assert_eq!(admin.filter("/scim2/Users", "userName eq kim")[0]["emails"][0]["value"], "kim@example.com");
    assert_eq!(admin.filter("/scim2/Users", "userName eq ann")[0]["emails"][0]["value"], "ann@example.com");
    let rows = json!([
        { "userName": " mo\n", "email": "\u{a0}mo@example.com\r\n" }, { "userName": "n\u{ad}o", "email": "no@example.com" },
        { "userName": "p\u{feff}a", "email": "pa@example.com" }, { "userName": "mo", "email": "mo@example.com" },
    ]);
    let report = report(&send(&app, IMPORT, Some("application/json"), rows.to_string()));
    assert_eq!(told_of(&report), ["created", "failed", "failed", "failed"]);
    assert_eq!(admin.filter("/scim2/Users", "userName eq mo")[0]["emails"][0]["value"], "mo@example.com");
}
