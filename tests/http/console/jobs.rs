//! `/console/users/actions` and `/console/jobs`: actions on many users.

use serde_json::json;

use super::{Browser, signed_in};
use crate::scim2::client::PASSWORD;
use crate::support::{App, Reply};

fn invite_all(app: &App, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| app.invite(name)["id"].as_str().unwrap().to_owned()).collect()
}

/// The forecast of an action on these users, as the list of users asks for it.
fn forecast(browser: &mut Browser, action: &str, ids: &[String]) -> Reply {
    let mut fields = vec![("action", action)];
    fields.extend(ids.iter().map(|id| ("id", id.as_str())));
    browser.post("/console/users/actions", &fields)
}

/// Presses the button of a forecast, and answers where that leads.
fn confirm(browser: &mut Browser, page: &Reply, more: &[(&str, &str)]) -> Reply {
    let (operation, action, ids) = (page.hidden("operation"), page.hidden("action"), page.hidden("id"));
    let mut fields = vec![("operation", operation.as_str()), ("action", &action), ("id", &ids)];
    fields.extend(more);
    browser.post("/console/jobs", &fields)
}

#[test]
fn a_selection_is_forecast_confirmed_and_worked_off_once() {
    let app = App::with(&[("RATE_LIMITS", "resends=1/hour")]);
    let ids = invite_all(&app, &["anna", "bea", "carl", "dora"]);
    app.deliver();
    let mut browser = signed_in(&app, "alice", "admin");
    let lock = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"urn:scim:wso2:schema":{"accountLocked":true}}}]}"#;
    app.admin("PATCH", &format!("/scim2/Users/{}", ids[2]), lock);
    app.admin("POST", &format!("/api/invitations/{}/resend", ids[3]), "");
    let page = forecast(&mut browser, "resend", &ids);
    assert_eq!(page.status, 200, "{}", page.text);
    let words = page.words();
    assert!(words.contains("You have selected 4 users: anna , bea , carl , dora ."), "{words}");
    assert!(words.contains("2 get a mail, 1 is locked, 1 waits for the limit."), "{words}");
    assert!(
        page.text.contains(">Resend to 2</button>") && page.text.contains("<h1>Resend invitations</h1>"),
        "{}",
        page.text
    );
    assert_eq!(app.number("SELECT COUNT(*) FROM jobs"), 0, "a forecast does nothing");

    let done = confirm(&mut browser, &page, &[]);
    assert_eq!(done.status, 303, "{}", done.text);
    let at = done.header("location").to_owned();
    assert_eq!(confirm(&mut browser, &page, &[]).header("location"), at, "twice is once");
    assert_eq!(app.number("SELECT COUNT(*) FROM jobs"), 1);
    let running = browser.get(&at);
    assert!(running.words().contains("Resend invitations: 4 users. It has begun."), "{}", running.words());
    assert!(
        running.text.contains("<progress max=\"4\" value=\"0\"") && running.words().contains("0 of 4"),
        "{}",
        running.text
    );
    assert!(
        running.text.contains("http-equiv=\"refresh\"") && running.text.contains(">Stop</button>"),
        "{}",
        running.text
    );
    assert!(!running.text.contains(">Resume</button>"));

    assert_eq!(browser.post(&format!("{at}/stop"), &[]).status, 303);
    let stopped = browser.get(&at);
    assert!(stopped.words().contains("The job is stopped."), "{}", stopped.words());
    assert!(stopped.text.contains(">Resume</button>") && !stopped.text.contains("http-equiv=\"refresh\""));
    app.work_off_jobs();
    assert!(browser.get(&at).words().contains("Stopped : 0 of 4"), "{}", browser.get(&at).words());
    browser.post(&format!("{at}/resume"), &[]);
    app.work_off_jobs();
    let over = browser.get(&at);
    assert!(over.words().contains("Done : 4 of 4. 2 done, 2 skipped, 0 failed."), "{}", over.words());
    assert!(over.words().contains("carl skipped An administrator has locked the account"), "{}", over.words());
    assert!(over.words().contains("dora skipped This invitation was sent again as often"), "{}", over.words());
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox WHERE template = 'resendAskPassword'"), 3);
    let list = browser.get("/console/jobs");
    assert!(
        list.text.contains(&format!("href=\"{at}\"")) && list.words().contains("Resend invitations Done 4 2 2 0"),
        "{}",
        list.words()
    );
    assert_eq!(
        app.number("SELECT COUNT(*) FROM audit WHERE action = 'job.create' AND actor LIKE 'administrator:alice (%'"),
        1
    );
}

#[test]
fn each_action_says_in_its_button_what_it_does() {
    let app = App::new();
    let ids = invite_all(&app, &["anna", "bea"]);
    let mut browser = signed_in(&app, "alice", "admin");
    for (action, button) in [
        ("resend", "Resend to 2"),
        ("revoke", "Revoke 2 invitations"),
        ("lock", "Lock 2 users"),
        ("disable", "Disable 2 users"),
        ("delete", "Delete 2 users"),
        ("addToGroup", "Add to group: 2 users"),
    ] {
        let page = forecast(&mut browser, action, &ids);
        assert!(page.text.contains(&format!("{button}</button>")), "{action}: {}", page.text);
    }
    for (action, word) in [("unlock", "2 are not locked."), ("enable", "2 are enabled.")] {
        let page = forecast(&mut browser, action, &ids);
        assert!(page.words().contains(word) && page.words().contains("There is nothing to do."), "{}", page.words());
        assert!(!page.text.contains("/console/jobs\""), "there is no form: {}", page.text);
    }
    // A box for the whole page has all ids.
    let page = browser.post("/console/users/actions", &[("action", "lock"), ("page", &ids.join(",")), ("id", &ids[0])]);
    assert!(page.text.contains("Lock 2 users</button>"), "{}", page.text);
}

#[test]
fn all_that_match_a_filter_are_one_job() {
    let app = App::new();
    invite_all(&app, &["anna", "anton", "bea"]);
    let mut browser = signed_in(&app, "zoe", "admin");
    let filter = [("all", "on"), ("q", "an"), ("status", "pending"), ("domain", ""), ("group", "")];
    let mut fields = vec![("action", "revoke")];
    fields.extend(filter);
    let page = browser.post("/console/users/actions", &fields);
    assert!(page.words().contains("2 users match: search “an”, status “pending”"), "{}", page.words());
    let operation = page.hidden("operation");
    assert_eq!(
        (page.hidden("all"), page.hidden("q"), page.hidden("status")),
        ("on".into(), "an".into(), "pending".into())
    );
    fields.push(("operation", &operation));
    assert_eq!(browser.post("/console/jobs", &fields).status, 303);
    invite_all(&app, &["andrea"]);
    app.work_off_jobs();
    let job = app.admin("GET", "/api/jobs", "").json()["Resources"][0].clone();
    assert_eq!((&job["total"], &job["done"]), (&json!(2), &json!(2)), "{job}");
    for unknown in [("status", "odd"), ("domain", "NOWHERE")] {
        let reply = browser.post("/console/users/actions", &[("action", "lock"), ("all", "on"), unknown]);
        assert_eq!(reply.status, 400, "{unknown:?}");
    }
}

#[test]
fn the_group_is_asked_for_and_named_as_it_is() {
    let app = App::new();
    let body = json!({ "userName": "<script>anna", "password": PASSWORD }).to_string();
    let ids = [app.admin("POST", "/scim2/Users", body).json()["id"].as_str().unwrap().to_owned()];
    let group = app.admin("POST", "/scim2/Groups", r#"{"displayName":"<script>Staff"}"#).json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut browser = signed_in(&app, "alice", "admin");
    let page = forecast(&mut browser, "addToGroup", &ids);
    assert!(page.text.contains("<label for=\"groupId\">Group</label>") && page.text.contains(&group), "{}", page.text);
    let refused = confirm(&mut browser, &page, &[("groupId", "")]);
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("<a href=\"#groupId\">Choose a group."), "{}", refused.text);
    let done = confirm(&mut browser, &refused, &[("groupId", &group)]);
    assert_eq!(done.status, 303, "{}", done.text);
    app.admin("DELETE", &format!("/scim2/Groups/{group}"), "");
    app.work_off_jobs();
    let over = browser.get(done.header("location"));
    assert!(over.words().contains("There is no such group any more."), "{}", over.words());
    for shown in [&page, &refused, &over] {
        assert!(!shown.text.contains("<script>anna") && !shown.text.contains("<script>Staff"), "{}", shown.text);
    }
}

#[test]
fn what_cannot_be_done_is_said_and_nothing_is() {
    let app = App::new();
    let ids = invite_all(&app, &["anna"]);
    let mut admin = signed_in(&app, "alice", "admin");
    for fields in [
        vec![("action", "lock")],
        vec![("action", "lock"), ("id", "")],
        vec![("action", "lock"), ("id", "nobody")],
        vec![("action", "lock"), ("all", "on")],
        vec![("action", "lock"), ("all", "on"), ("q", "nobody")],
    ] {
        let page = admin.post("/console/users/actions", &fields);
        assert_eq!(page.status, 422, "{fields:?}");
        assert!(page.text.contains("<title>Error: Lock users"), "{}", page.text);
    }
    assert_eq!(admin.post("/console/users/actions", &[("action", "erase"), ("id", &ids[0])]).status, 400);
    assert_eq!(admin.get("/console/jobs/nothing").status, 404);

    let mut inviter = signed_in(&app, "ivy", "inviter");
    assert_eq!(forecast(&mut inviter, "resend", &ids).status, 200);
    assert_eq!(forecast(&mut inviter, "delete", &ids).status, 403);
    let page = forecast(&mut admin, "delete", &ids);
    let at = confirm(&mut admin, &page, &[]).header("location").to_owned();
    assert_eq!(inviter.get(&at).status, 403);
    assert_eq!(inviter.post(&format!("{at}/stop"), &[]).status, 403);
    assert!(inviter.get("/console/jobs").words().contains("There were no jobs"));
    let mut auditor = signed_in(&app, "audrey", "auditor");
    assert_eq!(auditor.get(&at).status, 403);
    assert!(auditor.get("/console/jobs").words().contains("There were no jobs"), "they see exports alone");
    assert_eq!(forecast(&mut auditor, "resend", &ids).status, 403);
    // Nobody deletes themselves.
    let alice = app.admin("GET", "/scim2/Users?filter=userName%20eq%20%22alice%22", "");
    let id = alice.json()["Resources"][0]["id"].as_str().unwrap().to_owned();
    assert!(forecast(&mut admin, "delete", &[id]).words().contains("1 is you."));
}
