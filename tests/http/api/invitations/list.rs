//! `GET /api/invitations`

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use crate::scim2::client::PASSWORD;
use crate::support::App;

fn names(page: &Value) -> Vec<String> {
    page["Resources"].as_array().unwrap().iter().map(|one| one["userName"].as_str().unwrap().to_owned()).collect()
}

fn list(app: &App, query: &str) -> Value {
    let reply = app.admin("GET", &format!("/api/invitations{query}"), "");
    assert_eq!((reply.status.as_u16(), reply.trips()), (200, 1), "{}", reply.text);
    reply.json()
}

/// One invitation of each status.
fn one_of_each() -> App {
    let app = App::new();
    app.admin("POST", "/scim2/Users", r#"{"userName":"never"}"#);
    app.invite("accepted");
    let link = app.newest_link();
    assert_eq!(app.post_form(&link, &[("password", PASSWORD)]).status, 200);
    let id = app.invite("revoked")["id"].as_str().unwrap().to_owned();
    assert_eq!(app.admin("POST", &format!("/api/invitations/{id}/revoke"), "").status, 200);
    app.invite("expired");
    app.deliver();
    app.native.clock.advance(Duration::from_secs(86_400));
    app.invite("sent");
    app.deliver();
    app.invite("queued");
    app
}

#[test]
fn invitations_are_listed_by_status() {
    let app = one_of_each();
    for (status, expected) in [
        ("pending", &["sent", "queued"][..]),
        ("expired", &["expired"]),
        ("accepted", &["accepted"]),
        ("revoked", &["revoked"]),
    ] {
        let page = list(&app, &format!("?status={status}"));
        assert_eq!(names(&page), expected, "{status}");
        assert_eq!(page["totalResults"], expected.len());
        assert!(page.get("nextCursor").is_none());
        for invitation in page["Resources"].as_array().unwrap() {
            assert_eq!(invitation["status"], status);
        }
    }
    let all = [list(&app, ""), list(&app, "?status=all")];
    assert_eq!(names(&all[0]).len(), 5);
    assert_eq!(all[0], all[1]);
    let sent = &list(&app, "?status=pending")["Resources"][0];
    assert_eq!((sent["template"].as_str(), sent["delivery"].as_str()), (Some("AskPassword"), Some("sent")));
    assert!(sent["sentAt"].is_string() && sent["expiresAt"].is_string() && sent["attempts"] == 1, "{sent}");
}

#[test]
fn pages_follow_each_other_without_repeating_or_skipping_anybody() {
    let app = App::new();
    for number in 0..23 {
        app.invite(&format!("user{number:02}"));
    }
    app.deliver();
    for status in ["pending", "all"] {
        let mut seen = Vec::new();
        let mut query = format!("?status={status}&count=5&cursor=");
        for _ in 0..5 {
            let page = list(&app, &query);
            seen.extend(names(&page));
            let Some(next) = page["nextCursor"].as_str() else { break };
            query = format!("?status={status}&count=5&cursor={next}");
        }
        assert_eq!((seen.len(), seen.iter().collect::<BTreeSet<_>>().len()), (23, 23), "{status}");
    }
}

#[test]
fn a_cursor_belongs_to_its_list_and_bad_parameters_are_refused_in_words() {
    let app = App::new();
    for number in 0..3 {
        app.invite(&format!("user{number}"));
    }
    let next = list(&app, "?status=pending&count=1")["nextCursor"].as_str().unwrap().to_owned();
    for query in [
        format!("?status=expired&cursor={next}"),
        format!("?cursor={next}"),
        format!("?status=pending&cursor={}x", &next[..next.len() - 1]),
        "?status=lost".to_owned(),
        "?count=0".to_owned(),
        "?count=-1".to_owned(),
        "?count=many".to_owned(),
    ] {
        let reply = app.admin("GET", &format!("/api/invitations{query}"), "");
        assert_eq!((reply.status.as_u16(), reply.header("content-type")), (400, "application/problem+json"), "{query}");
    }
    assert_eq!(names(&list(&app, "?count=99999")).len(), 3);
    assert_eq!(app.anyone("GET", "/api/invitations").status, 401);
}
