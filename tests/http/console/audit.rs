//! `/console/audit`.

use super::signed_in;
use crate::support::App;

#[test]
fn the_audit_is_filtered_by_action_user_and_time() {
    let app = App::new();
    let paul = app.invite("paul")["id"].as_str().unwrap().to_owned();
    app.invite("anna");
    let mut browser = signed_in(&app, "audrey", "auditor");
    let page = browser.get("/console/audit");
    assert_eq!(page.status, 200, "{}", page.text);
    for words in ["user.create", "invitation.create", "signin", &paul, "Export CSV"] {
        assert!(page.words().contains(words), "{words}: {}", page.words());
    }
    let rows = |query: &str| {
        let page = signed_in_again(&app).get(&format!("/console/audit?{query}"));
        assert_eq!(page.status, 200, "{}", page.text);
        page.text.matches("<th scope=\"row\">").count()
    };
    let all = rows("");
    assert_eq!(rows("action=user.create"), 3);
    assert_eq!(rows("action=user.create&user=PAUL"), 1);
    assert_eq!(rows(&format!("user={paul}")), 2);
    assert_eq!(rows(&format!("user={paul}&action=invitation.create")), 1);
    let today = &latchkey::base::text::rfc3339(app.number("SELECT MAX(time) FROM audit"))[..10].to_owned();
    // Each sign-in of the test adds a row.
    assert!(rows(&format!("from={today}&to={today}")) > all);
    assert_eq!(rows("to=2001-01-01"), 0);
    assert_eq!(rows("from=2999-01-01+10:00"), 0);
    assert!(rows(&format!("from={today}T00:00:00Z")) > all);
}

fn signed_in_again(app: &App) -> super::Browser<'_> {
    super::Browser::signed_in(app, "", "audrey", crate::scim2::client::PASSWORD)
}

#[test]
fn what_cannot_be_filtered_by_is_said_at_its_field() {
    let app = App::new();
    let mut browser = signed_in(&app, "audrey", "auditor");
    for (query, field, problem) in [
        ("from=yesterday", "from", "Type a date such as"),
        ("to=2026-13-01", "to", "Type a date such as"),
        ("user=nobody", "user", "There is no user of this name."),
    ] {
        let page = browser.get(&format!("/console/audit?{query}"));
        assert_eq!(page.status, 422, "{}", page.text);
        assert!(page.text.contains(&format!("<a href=\"#{field}\">{problem}")), "{}", page.text);
        assert!(page.text.contains(&format!("value=\"{}\"", query.split_once('=').unwrap().1)), "{}", page.text);
    }
    assert_eq!(browser.get("/console/audit/export?from=yesterday").status, 400);
}

#[test]
fn the_audit_comes_a_hundred_rows_at_a_time() {
    let app = App::new();
    for number in 0..101 {
        app.scim().create_user(&format!("user{number}"));
    }
    let mut browser = signed_in(&app, "audrey", "auditor");
    let first = browser.get("/console/audit?action=user.create");
    assert_eq!(first.trips(), 2, "the session's and the list's");
    assert_eq!(first.text.matches("<th scope=\"row\">").count(), 100);
    let next = first.text.split("<a href=\"").find(|rest| rest.contains("rel=\"next\"")).unwrap();
    let next = next.split('"').next().unwrap().replace("&amp;", "&");
    assert!(next.starts_with("/console/audit?action=user.create&cursor="), "{next}");
    assert_eq!(browser.get(&next).text.matches("<th scope=\"row\">").count(), 2);
    assert!(browser.get("/console/audit?cursor=x").words().contains("this is the first."));
}

#[test]
fn the_export_holds_the_rows_of_the_filter_and_no_formula() {
    let app = App::new();
    app.invite("paul");
    let mut browser = signed_in(&app, "audrey", "auditor");
    app.number("UPDATE audit SET target = '=1+1' WHERE action = 'signin' RETURNING 1");
    let page = browser.get("/console/audit?action=signin");
    assert!(page.text.contains("<a href=\"/console/audit/export?action=signin\">Export CSV"), "{}", page.text);
    let file = browser.get("/console/audit/export?action=signin");
    assert_eq!((file.status.as_u16(), file.header("content-disposition")), (200, "attachment; filename=\"audit.csv\""));
    assert_eq!(file.text.lines().count(), 2, "{}", file.text);
    assert!(file.text.contains("\"signin\",\"'=1+1\""), "{}", file.text);
}

#[test]
fn the_seal_is_told_in_words() {
    let app = App::new();
    for number in 0..3 {
        app.scim().create_user(&format!("user{number}"));
    }
    let mut browser = signed_in(&app, "audrey", "auditor");
    assert!(browser.get("/console/audit").words().contains("There is nothing sealed to check here yet"));
    latchkey::access::audit_seal::run(&app.platform, &app.deployment).unwrap();
    let page = browser.get("/console/audit");
    assert!(page.words().contains("Intact Rows 1 to"), "{}", page.words());
    assert!(page.words().contains("Check from the beginning"));
    assert!(browser.get("/console/audit/seal?from=1").words().contains("Intact Rows 1 to"));
    app.number("UPDATE audit SET actor = '<script>x' WHERE number = 2 RETURNING 1");
    let page = browser.get("/console/audit");
    assert!(
        page.words().contains("The audit is not as it was sealed. Row 2: it, or the row before"),
        "{}",
        page.words()
    );
    assert!(page.text.contains("&lt;script&gt;x") && !page.text.contains("<script>x"));
}

#[test]
fn an_inviter_is_not_shown_the_audit() {
    let app = App::new();
    let mut browser = signed_in(&app, "ivan", "inviter");
    assert_eq!(browser.get("/console/audit").status, 403);
    assert_eq!(browser.get("/console/audit/export").status, 403);
    assert_eq!(browser.get("/console/audit/seal").status, 403);
}
