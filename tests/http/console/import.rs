//! `/console/import`

use super::{Browser, signed_in};
use crate::support::App;

/// The last part of the address that an answer leads to, and the address.
fn location(reply: &crate::support::Reply) -> String {
    assert_eq!(reply.status, 303, "{}", reply.text);
    reply.header("location").to_owned()
}

/// Sends a file, and answers the address of the page that says how it was read.
fn sent(browser: &mut Browser<'_>, file: &[u8]) -> String {
    let reply = browser.post_file("/console/import", "people.csv", file);
    location(&reply)
}

const MAPPED: [(&str, &str); 2] = [("column0", "userName"), ("column1", "email")];

fn checked(browser: &mut Browser<'_>, path: &str, fields: &[(&str, &str)], existing: &str) -> crate::support::Reply {
    browser.post(&format!("{path}/check"), &[fields, &[("existing", existing)]].concat())
}

#[test]
fn a_file_is_mapped_checked_and_imported_step_by_step() {
    let app = App::new();
    app.invite("zoe");
    let mut browser = signed_in(&app, "ivy", "admin");
    let page = browser.get("/console/import");
    assert_eq!(page.status, 200);
    assert!(page.text.contains("<h1>Import</h1>") && page.words().contains("Continue"), "{}", page.text);
    let before = app.number("SELECT COUNT(*) FROM outbox");
    let path = sent(&mut browser, b"Benutzer;E-Mail\nzoe;zoe@example.com\nJ\xf6rg;joerg@example.com\nbad;nowhere\n");
    let page = browser.get(&path);
    let words = page.words();
    assert!(
        words.contains("people.csv : read as Windows-1252, cells separated by semicolons, header found, 3 rows."),
        "{words}"
    );
    assert!(words.contains("Jörg") && words.contains("Choose"), "{words}");
    // What was not said is asked for, and what was chosen is kept.
    let reply = checked(&mut browser, &path, &[("column0", "?"), ("column1", "email")], "skip");
    assert_eq!(reply.status, 422);
    assert!(reply.text.contains("<title>Error: Import") && reply.text.contains("href=\"#column0\""), "{}", reply.text);
    let reply = checked(&mut browser, &path, &MAPPED, "skip");
    assert_eq!(reply.status, 200, "{}", reply.text);
    let words = reply.words();
    assert!(words.contains("3 rows: 1 will be created, 1 will be skipped, 1 would fail."), "{words}");
    assert!(words.contains("4 bad The email is not a single valid address."), "{words}");
    assert!(words.contains("2 zoe Skipped: A user with this userName exists already."), "{words}");
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), before, "nothing is sent before the last step");
    let operation = reply.hidden("operation");
    let fields = [&MAPPED[..], &[("existing", "skip"), ("operation", &operation)]].concat();
    let first = location(&browser.post(&format!("{path}/run"), &fields));
    assert_eq!(location(&browser.post(&format!("{path}/run"), &fields)), first, "twice is once");
    assert_eq!(app.number("SELECT COUNT(*) FROM jobs"), 1);
    let page = browser.get(&first);
    assert!(page.words().contains("Running") && page.words().contains("Stop"), "{}", page.words());
    app.work_off_jobs();
    let page = browser.get(&first);
    let words = page.words();
    assert!(words.contains("Done : 3 of 3. 1 done, 1 skipped, 1 failed."), "{words}");
    for word in ["Download result", "Download failed rows", "Revoke all not accepted"] {
        assert!(words.contains(word), "{words}");
    }
    let file = browser.get(&format!("{first}/file?state=failed"));
    assert_eq!(file.status, 200);
    assert!(file.text.contains("\"bad\",\"nowhere\""), "{}", file.text);
    // The file is gone from the database, and its address leads nowhere.
    assert_eq!(app.number("SELECT COUNT(*) FROM import_files"), 0);
    assert_eq!(browser.get(&path).status, 404);
}

#[test]
fn rows_are_pasted_and_utf_16_is_read() {
    let app = App::new();
    let mut browser = signed_in(&app, "ivy", "admin");
    let reply = browser.post("/console/import", &[("paste", "Login\tEmail\na\ta@example.com\n")]);
    let words = browser.get(&location(&reply)).words();
    assert!(words.contains("read as UTF-8, cells separated by tabs"), "{words}");
    let wide: Vec<u8> = "\u{feff}Login,Email\nJörg,j@example.com\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let path = sent(&mut browser, &wide);
    assert!(browser.get(&path).words().contains("UTF-16 with its byte order mark"));
    for (name, file) in [("none", &b""[..]), ("a workbook", b"PK\x03\x04\xff\x00"), ("too large", &[b'a'; 1_000_001])] {
        let reply = browser.post_file("/console/import", "x.csv", file);
        assert_eq!(reply.status, 422, "{name}");
        assert!(reply.text.contains("href=\"#file\""), "{name}: {}", reply.words());
    }
    assert_eq!(browser.post("/console/import", &[("paste", " ")]).status, 422);
}

#[test]
fn nobody_else_gets_the_file_and_the_database_has_it_sealed() {
    let app = App::new();
    app.create_tenant("acme");
    let mut browser = signed_in(&app, "ivy", "admin");
    let path = sent(&mut browser, b"Login,Email,Password\nabc,abc@example.com,Hidden-word-1\n");
    assert!(!browser.get(&path).text.contains("Hidden-word-1"), "samples show no password");
    assert!(!app.dump().contains("Hidden-word-1") && !app.dump().contains("abc@example.com"));
    let mut other = signed_in(&app, "otto", "admin");
    assert_eq!(other.get(&path).status, 404);
    assert_eq!(checked(&mut other, &path, &MAPPED, "skip").status, 404);
    app.native.clock.advance(std::time::Duration::from_secs(3_601));
    let mut again = Browser::signed_in(&app, "", "ivy", crate::scim2::client::PASSWORD);
    assert_eq!(again.get(&path).status, 404, "an hour later it is gone");
}

#[test]
fn an_import_is_taken_back() {
    let app = App::new();
    let mut browser = signed_in(&app, "ivy", "admin");
    let path = sent(&mut browser, b"Login,Email\na,a@example.com\nb,b@example.com\n");
    let check = checked(&mut browser, &path, &MAPPED, "skip");
    let operation = check.hidden("operation");
    let fields = [&MAPPED[..], &[("existing", "skip"), ("operation", &operation)]].concat();
    let job = location(&browser.post(&format!("{path}/run"), &fields));
    app.work_off_jobs();
    app.deliver();
    let page = browser.get(&job);
    let id = page.hidden("import");
    let forecast = browser.post("/console/users/actions", &[("action", "revoke"), ("import", &id)]);
    assert_eq!(forecast.status, 200, "{}", forecast.text);
    assert!(forecast.words().contains("Revoke 2 invitations"), "{}", forecast.words());
    let operation = forecast.hidden("operation");
    let fields = [("operation", operation.as_str()), ("action", "revoke"), ("import", &id)];
    location(&browser.post("/console/jobs", &fields));
    app.work_off_jobs();
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'invitation.revoke'"), 2);
}

#[test]
fn an_inviter_imports_and_may_not_update_and_others_do_not_see_it() {
    let app = App::new();
    app.scim().create_group("admin", &[]);
    let mut inviter = signed_in(&app, "ivy", "inviter");
    let path = sent(&mut inviter, b"Login,Email,Groups\na,a@example.com,admin\n");
    assert!(!inviter.get(&path).text.contains("value=\"update\""));
    let fields = [&MAPPED[..], &[("column2", "groups")]].concat();
    assert_eq!(checked(&mut inviter, &path, &fields, "update").status, 403);
    let reply = checked(&mut inviter, &path, &fields, "skip");
    assert!(reply.words().contains("this takes the scope roles"), "{}", reply.words());
    assert!(!reply.text.contains("/run\""), "there is nothing to import");
    let mut auditor = signed_in(&app, "audrey", "auditor");
    assert_eq!(auditor.get("/console/import").status, 403);
    assert!(!auditor.get("/console").text.contains("/console/import"));
}

#[test]
fn markup_in_a_file_is_text_everywhere() {
    let app = App::new();
    let mut browser = signed_in(&app, "ivy", "admin");
    let file = b"Login,<script>alert(1)</script>\n<script>alert(2)</script>,nowhere\n<script>alert(3)</script>,x@example.com\n";
    let path = sent(&mut browser, file);
    assert!(!browser.get(&path).text.contains("<script>alert"));
    let check = checked(&mut browser, &path, &MAPPED, "skip");
    assert!(!check.text.contains("<script>alert") && check.text.contains("&lt;script&gt;alert(2)"), "{}", check.text);
    let operation = check.hidden("operation");
    let fields = [&MAPPED[..], &[("existing", "skip"), ("operation", &operation)]].concat();
    let job = location(&browser.post(&format!("{path}/run"), &fields));
    app.work_off_jobs();
    assert!(!browser.get(&job).text.contains("<script>alert"));
}

#[test]
fn the_list_of_users_is_exported_by_its_filter() {
    let app = App::new();
    for name in ["zoe", "zara", "paul"] {
        app.invite(name);
    }
    let mut browser = signed_in(&app, "ivy", "auditor");
    let page = browser.get("/console/users?q=z&status=pending");
    assert!(page.text.contains("href=\"/console/users/export?q=z&amp;status=pending\""), "{}", page.text);
    let file = browser.get("/console/users/export?q=z&status=pending");
    assert_eq!((file.status.as_u16(), file.header("content-type")), (200, "text/csv; charset=utf-8; header=present"));
    let names: Vec<&str> = file.text.lines().skip(1).filter_map(|line| line.split("\",\"").nth(1)).collect();
    assert_eq!(names, ["zoe", "zara"]);
    assert_eq!(browser.get("/console/users/export?status=nonsense").status, 400);
    assert_eq!(browser.get("/console/users/export").text.lines().count(), 5, "everybody where nothing is chosen");
}
