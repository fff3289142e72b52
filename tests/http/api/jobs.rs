//! `/api/jobs`: actions on many users, worked off in steps.

mod failures;
mod files;
mod selection;

use serde_json::{Value, json};

use crate::scim2::client::PASSWORD;
use crate::support::{App, Reply, basic, invited};

/// Confirms a job as the administrator, and answers its id.
fn confirmed(app: &App, body: &Value) -> String {
    let reply = app.admin("POST", "/api/jobs", body.to_string());
    assert_eq!(reply.status, 202, "{}", reply.text);
    let job = reply.json();
    let id = job["id"].as_str().unwrap();
    assert!(reply.header("location").ends_with(&format!("/api/jobs/{id}")), "{}", reply.header("location"));
    assert_eq!((&job["state"], &job["done"]), (&json!("running"), &json!(0)));
    id.to_owned()
}

fn job(app: &App, id: &str) -> Value {
    app.admin("GET", &format!("/api/jobs/{id}"), "").json()
}

/// How many were done, failed and skipped, and the state.
fn result(app: &App, id: &str) -> (u64, u64, u64, String) {
    let job = job(app, id);
    let count = |name: &str| job[name].as_u64().unwrap();
    (count("done"), count("failed"), count("skipped"), job["state"].as_str().unwrap().to_owned())
}

/// What became of each user: names, states and reasons.
fn rows(app: &App, id: &str) -> Vec<(String, String, String)> {
    let reply = app.admin("GET", &format!("/api/jobs/{id}/rows"), "");
    assert_eq!(reply.status, 200, "{}", reply.text);
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let rows = reply.json()["Resources"].as_array().unwrap().clone();
    rows.iter().map(|row| (text(row, "userName"), text(row, "state"), text(row, "reason"))).collect()
}

fn invite_all(app: &App, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| app.invite(name)["id"].as_str().unwrap().to_owned()).collect()
}

fn user(app: &App, id: &str) -> Value {
    app.admin("GET", &format!("/scim2/Users/{id}"), "").json()
}

fn account_state(app: &App, id: &str) -> String {
    user(app, id)["urn:scim:wso2:schema"]["accountState"].as_str().unwrap_or_default().to_owned()
}

/// A user with a password, and this role if it is not empty.
fn with_password(app: &App, name: &str, role: &str) -> String {
    let mut body = json!({ "userName": name, "password": PASSWORD });
    if !role.is_empty() {
        body["roles"] = json!([{ "value": role }]);
    }
    let reply = app.admin("POST", "/scim2/Users", body.to_string());
    assert_eq!(reply.status, 201, "{}", reply.text);
    reply.json()["id"].as_str().unwrap().to_owned()
}

fn send(app: &App, authorization: &str, method: &str, path: &str, body: &Value) -> Reply {
    let request = http::Request::builder().method(method).uri(path).header("authorization", authorization);
    app.send(request.header("content-type", "application/json").body(body.to_string().into()).unwrap())
}

#[test]
fn each_action_does_to_each_what_a_request_about_that_one_does() {
    let app = App::new();
    let ids = invite_all(&app, &["a", "b", "c"]);
    app.deliver();
    let group = app.admin("POST", "/scim2/Groups", r#"{"displayName":"Staff"}"#).json()["id"].clone();
    for (action, state) in [
        ("resend", "PENDING_AP"),
        ("revoke", "PENDING_AP"),
        ("lock", "LOCKED"),
        ("unlock", "PENDING_AP"),
        ("disable", "DISABLED"),
        ("enable", "PENDING_AP"),
        ("addToGroup", "PENDING_AP"),
        ("delete", ""),
    ] {
        let mut body = json!({ "action": action, "ids": ids });
        if action == "addToGroup" {
            body["groupId"] = group.clone();
        }
        let id = confirmed(&app, &body);
        app.work_off_jobs();
        assert_eq!(result(&app, &id), (3, 0, 0, "done".to_owned()), "{action}: {:?}", rows(&app, &id));
        for user in &ids {
            assert_eq!(account_state(&app, user), state, "{action}");
        }
        match action {
            "resend" => assert_eq!(app.deliver().sent, 3),
            "addToGroup" => {
                let shown = app.admin("GET", &format!("/scim2/Groups/{}", group.as_str().unwrap()), "").json();
                assert_eq!(shown["members"].as_array().unwrap().len(), 3);
            }
            "delete" => assert_eq!(app.admin("GET", "/scim2/Users?count=0", "").json()["totalResults"], 0),
            _ => {}
        }
    }
    let audited = "SELECT COUNT(*) FROM audit WHERE action = 'job.create' AND actor = 'administrator:admin'";
    assert_eq!(app.number(audited), 8);
    assert_eq!(
        app.number(
            "SELECT COUNT(*) FROM audit WHERE action = 'invitation.resend' AND request_id IN (SELECT id FROM jobs)"
        ),
        3
    );
}

#[test]
fn who_has_nothing_to_be_done_is_passed_over_with_the_reason() {
    let app = App::with(&[("RATE_LIMITS", "resends=1/hour")]);
    let ids = invite_all(&app, &["pending", "locked", "limit", "gone", "disabled"]);
    let [_, locked, limit, gone, disabled] = &ids[..] else { unreachable!() };
    app.admin(
        "PATCH",
        &format!("/scim2/Users/{locked}"),
        patch(json!({ "urn:scim:wso2:schema": { "accountLocked": true } })),
    );
    app.admin("PATCH", &format!("/scim2/Users/{disabled}"), patch(json!({ "active": false })));
    assert_eq!(app.admin("POST", &format!("/api/invitations/{limit}/resend"), "").status, 202);
    let active = with_password(&app, "active", "");
    let mut all = ids.clone();
    all.push(active);
    all.push("nobody".to_owned());
    let id = confirmed(&app, &json!({ "action": "resend", "ids": all }));
    assert_eq!(app.admin("DELETE", &format!("/scim2/Users/{gone}"), "").status, 204);
    app.work_off_jobs();
    assert_eq!(result(&app, &id), (1, 0, 6, "done".to_owned()));
    let reasons: Vec<String> =
        rows(&app, &id).into_iter().map(|(_, state, reason)| format!("{state} {reason}")).collect();
    for (reason, begins) in reasons.iter().zip([
        "done ",
        "skipped An administrator has locked",
        "skipped This invitation was sent again as often",
        "skipped There is no user",
        "skipped The account is disabled",
        "skipped This user was never invited",
        "skipped There is no user",
    ]) {
        assert!(reason.starts_with(begins), "{reason}");
    }
    let skipped = app.admin("GET", &format!("/api/jobs/{id}/rows?state=skipped&count=4"), "").json();
    assert_eq!(skipped["Resources"].as_array().unwrap().len(), 4);
    let cursor = skipped["nextCursor"].as_str().unwrap();
    let last = app.admin("GET", &format!("/api/jobs/{id}/rows?state=skipped&count=4&cursor={cursor}"), "").json();
    assert_eq!(last["Resources"].as_array().unwrap().len(), 2);
    assert_eq!(last.get("nextCursor"), None);
    // What is so already is nothing to do either.
    for (action, user) in [("lock", locked), ("unlock", limit), ("disable", disabled), ("enable", limit)] {
        let id = confirmed(&app, &json!({ "action": action, "ids": [user] }));
        app.work_off_jobs();
        assert_eq!(result(&app, &id), (0, 0, 1, "done".to_owned()), "{action}");
    }
}

fn patch(value: Value) -> String {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "value": value }],
    })
    .to_string()
}

#[test]
fn a_job_takes_the_scope_of_its_action_and_keeps_the_rights_of_who_started_it() {
    let app = App::new();
    let ids = invite_all(&app, &["a"]);
    let inviter = format!("Bearer {}", app.token("", &["invitations"]).1);
    let writer = format!("Bearer {}", app.token("", &["scim:write"]).1);
    for (authorization, action, status) in [
        (&inviter, "resend", 202),
        (&inviter, "revoke", 202),
        (&inviter, "lock", 403),
        (&inviter, "delete", 403),
        (&inviter, "addToGroup", 403),
        (&writer, "resend", 403),
        (&writer, "lock", 202),
    ] {
        let reply = send(&app, authorization, "POST", "/api/jobs", &json!({ "action": action, "ids": ids }));
        assert_eq!(reply.status, status, "{action}: {}", reply.text);
    }
    let listed = |authorization: &str| -> Vec<String> {
        let list = app.authorized(authorization, "GET", "/api/jobs").json();
        list["Resources"].as_array().unwrap().iter().map(|job| job["action"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        (listed(&inviter), listed(&writer)),
        (vec!["revoke".to_owned(), "resend".to_owned()], vec!["lock".to_owned()])
    );
    let reader = format!("Bearer {}", app.token("", &["scim:read", "audit"]).1);
    assert!(listed(&reader).is_empty(), "who may export sees no jobs but exports");
    let auditor = format!("Bearer {}", app.token("", &["audit"]).1);
    assert_eq!(app.authorized(&auditor, "GET", "/api/jobs").status, 403);
    app.work_off_jobs();

    // Whoever has a role takes the scope roles.
    let holder = with_password(&app, "holder", "inviter");
    for action in ["lock", "disable", "delete"] {
        let reply = send(&app, &writer, "POST", "/api/jobs", &json!({ "action": action, "ids": [holder] }));
        let id = reply.json()["id"].as_str().unwrap().to_owned();
        for path in ["", "/rows"] {
            assert_eq!(app.authorized(&inviter, "GET", &format!("/api/jobs/{id}{path}")).status, 403);
        }
        assert_eq!(send(&app, &inviter, "POST", &format!("/api/jobs/{id}/stop"), &json!({})).status, 403);
        app.work_off_jobs();
        assert_eq!(result(&app, &id), (0, 1, 0, "done".to_owned()), "{action}");
        assert!(rows(&app, &id)[0].2.contains("the scope roles"), "{:?}", rows(&app, &id));
    }
    let by_admin = confirmed(&app, &json!({ "action": "lock", "ids": [holder] }));
    app.work_off_jobs();
    assert_eq!(result(&app, &by_admin).0, 1);
}

#[test]
fn nobody_bars_themselves_or_the_last_administrator_by_a_job() {
    let app = App::new();
    let alice = with_password(&app, "alice", "admin");
    let bob = with_password(&app, "bob", "admin");
    let app = app.without(&["ADMIN_USERNAME", "ADMIN_PASSWORD"]);
    let authorization = basic("alice", PASSWORD);
    for action in ["lock", "disable", "delete"] {
        let body = json!({ "action": action, "ids": [alice] });
        let reply = send(&app, &authorization, "POST", "/api/jobs", &body);
        assert_eq!(reply.status, 202, "{}", reply.text);
        app.work_off_jobs();
        let path = format!("/api/jobs/{}/rows", reply.json()["id"].as_str().unwrap());
        let rows = app.authorized(&authorization, "GET", &path).json();
        assert!(rows["Resources"][0]["reason"].as_str().unwrap().starts_with("Nobody locks"), "{rows}");
    }
    // Two who go by one job: the second is the last.
    let token = send(
        &app,
        &authorization,
        "POST",
        "/api/tokens",
        &json!({
            "name": "t", "scopes": ["scim:read", "scim:write", "roles"], "expiresInDays": 1
        }),
    );
    let bearer = format!("Bearer {}", token.json()["token"].as_str().unwrap());
    let reply = send(&app, &bearer, "POST", "/api/jobs", &json!({ "action": "delete", "ids": [bob, alice] }));
    app.work_off_jobs();
    let path = format!("/api/jobs/{}", reply.json()["id"].as_str().unwrap());
    let job = app.authorized(&bearer, "GET", &path).json();
    assert_eq!((&job["done"], &job["failed"]), (&json!(1), &json!(1)), "{job}");
    let rows = app.authorized(&bearer, "GET", &format!("{path}/rows?state=failed")).json();
    assert!(rows["Resources"][0]["reason"].as_str().unwrap().starts_with("No administrator"), "{rows}");
}

#[test]
fn a_job_stops_and_goes_on_where_it_stopped() {
    let app = App::new();
    let names: Vec<String> = (0..120).map(|n| format!("u{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let ids = invite_all(&app, &names);
    app.deliver();
    let id = confirmed(&app, &json!({ "action": "resend", "ids": ids }));
    let step = || app.service.work_off_jobs(&app.platform, 1).unwrap();
    step();
    assert_eq!(result(&app, &id), (50, 0, 0, "running".to_owned()));
    let post = |what: &str| app.admin("POST", &format!("/api/jobs/{id}/{what}"), "");
    for _ in 0..2 {
        let stopped = post("stop");
        assert_eq!((stopped.status.as_u16(), &stopped.json()["state"]), (200, &json!("stopped")), "{}", stopped.text);
    }
    step();
    assert_eq!(result(&app, &id), (50, 0, 0, "stopped".to_owned()));
    for _ in 0..2 {
        assert_eq!(post("resume").json()["state"], "running");
    }
    app.work_off_jobs();
    assert_eq!(result(&app, &id), (120, 0, 0, "done".to_owned()));
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox WHERE template = 'resendAskPassword'"), 120);
    for what in ["stop", "resume"] {
        let over = post(what);
        assert_eq!(over.status, 409, "{}", over.text);
    }
    for action in ["job.stop", "job.resume"] {
        assert_eq!(app.number(&format!("SELECT COUNT(*) FROM audit WHERE action = '{action}'")), 1, "{action}");
    }
    for what in ["stop", "resume"] {
        assert_eq!(app.admin("POST", &format!("/api/jobs/nothing/{what}"), "").status, 404);
    }
    assert_eq!(app.admin("GET", "/api/jobs/nothing", "").status, 404);
    assert_eq!(app.admin("GET", "/api/jobs/nothing/rows", "").status, 404);
}

#[test]
fn a_step_is_bounded_and_thousands_take_few() {
    let app = App::new();
    app.invite("a");
    let copy = "INSERT INTO resources (tenant, id, type, name_key, document, keys, created, modified, operation, onboarding, \
                email, delivery) WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 999) \
                SELECT tenant, printf('00000000-0000-7000-8000-%012d', n), type, name_key || n, \
                json_set(document, '$.userName', 'a' || n), keys, created, \
                modified, operation, onboarding, email, delivery FROM resources, n WHERE type = 'User'";
    app.native.sqlite.with(|connection| connection.execute(copy, []).unwrap());
    // Fifty deletions are more statements than an invocation begins.
    for (action, trips, most_steps) in [("resend", 60, 20), ("lock", 110, 20), ("delete", 60, 23)] {
        let id = confirmed(&app, &json!({ "action": action, "filter": "userName eq \"a\" or userName pr" }));
        assert_eq!(job(&app, &id)["total"], 1_000);
        let mut steps = 0;
        while result(&app, &id).3 == "running" {
            let (metered, meter) = app.platform.metered();
            app.service.work_off_jobs(&metered, 1).unwrap();
            assert!(meter.trips() <= trips, "{action}: {}", meter.trips());
            steps += 1;
        }
        assert!((20..=most_steps).contains(&steps), "{action}: {steps}");
        assert_eq!(result(&app, &id).0, 1_000, "{action}");
    }
}

#[test]
fn jobs_of_tenants_take_turns_and_nobody_sees_anothers() {
    let app = App::new();
    app.create_tenant("acme.com");
    let mut jobs = Vec::new();
    for prefix in ["", "/t/acme.com"] {
        let users: Vec<Value> = (0..60)
            .map(|n| {
                app.admin("POST", &format!("{prefix}/scim2/Users"), invited(&format!("u{n}")).to_string()).json()["id"]
                    .clone()
            })
            .collect();
        let reply =
            app.admin("POST", &format!("{prefix}/api/jobs"), json!({ "action": "lock", "ids": users }).to_string());
        assert_eq!(reply.status, 202, "{}", reply.text);
        jobs.push((prefix, reply.json()["id"].as_str().unwrap().to_owned(), users));
    }
    for _ in 0..2 {
        app.service.work_off_jobs(&app.platform, 1).unwrap();
    }
    for (prefix, id, _) in &jobs {
        assert_eq!(app.admin("GET", &format!("{prefix}/api/jobs/{id}"), "").json()["done"], 50, "{prefix}");
    }
    app.work_off_jobs();
    let (_, id, users) = &jobs[0];
    for (method, path) in [("GET", ""), ("GET", "/rows"), ("POST", "/stop"), ("POST", "/resume")] {
        assert_eq!(app.admin(method, &format!("/t/acme.com/api/jobs/{id}{path}"), "").status, 404, "{path}");
    }
    let list = app.admin("GET", "/t/acme.com/api/jobs", "").json();
    assert_eq!(list["Resources"].as_array().unwrap().len(), 1);
    // Another tenant's users are nobody.
    let foreign = app.admin("POST", "/t/acme.com/api/jobs", json!({ "action": "delete", "ids": users }).to_string());
    assert_eq!(foreign.status, 400, "{}", foreign.text);
}

#[test]
fn the_job_of_a_tenant_that_is_switched_off_waits() {
    let app = App::new();
    app.create_tenant("acme.com");
    let user = app.admin("POST", "/t/acme.com/scim2/Users", invited("u").to_string()).json()["id"].clone();
    let reply = app.admin("POST", "/t/acme.com/api/jobs", json!({ "action": "lock", "ids": [user] }).to_string());
    let path = format!("/t/acme.com/api/jobs/{}", reply.json()["id"].as_str().unwrap());
    let set = |active: bool| {
        app.native.sqlite.with(|connection| {
            connection.execute("UPDATE tenants SET active = ?1 WHERE domain = 'acme.com'", [active]).unwrap()
        });
    };
    set(false);
    app.work_off_jobs();
    set(true);
    let job = app.admin("GET", &path, "").json();
    assert_eq!((&job["state"], &job["reason"]), (&json!("stopped"), &json!("The tenant is not active.")), "{job}");
    assert_eq!(app.admin("POST", &format!("{path}/resume"), "").status, 200);
    app.work_off_jobs();
    assert_eq!(app.admin("GET", &path, "").json()["done"], 1);
}

#[test]
fn users_of_all_stores_are_in_one_job() {
    let app = App::with_stores(&["ACME"]);
    let ids = invite_all(&app, &["a", "ACME/b", "ACME/c"]);
    app.deliver();
    let group = app.admin("POST", "/scim2/Groups", r#"{"displayName":"Staff"}"#).json()["id"].clone();
    for action in ["resend", "lock", "unlock", "addToGroup", "revoke", "delete"] {
        let mut body = json!({ "action": action, "filter": "userName pr" });
        if action == "addToGroup" {
            body["groupId"] = group.clone();
        }
        let id = confirmed(&app, &body);
        if action == "resend" {
            let names: Vec<String> = rows(&app, &id).into_iter().map(|(name, ..)| name).collect();
            assert_eq!(names, ["a", "ACME/b", "ACME/c"]);
        }
        app.work_off_jobs();
        assert_eq!(result(&app, &id), (3, 0, 0, "done".to_owned()), "{action}: {:?}", rows(&app, &id));
    }
    assert!(ids.iter().all(|id| user(&app, id)["id"].is_null()));
}

#[test]
fn a_job_is_kept_for_thirty_days() {
    let app = App::new();
    let ids = invite_all(&app, &["a"]);
    let id = confirmed(&app, &json!({ "action": "lock", "ids": ids }));
    app.work_off_jobs();
    let day = std::time::Duration::from_secs(86_400);
    let sweep = || latchkey::store::jobs::retention::sweep(&app.platform).unwrap();
    app.native.clock.advance(day * 30 - day);
    sweep();
    assert_eq!(job(&app, &id)["state"], "done");
    app.native.clock.advance(day * 2);
    sweep();
    assert_eq!(app.number("SELECT (SELECT COUNT(*) FROM jobs) + (SELECT COUNT(*) FROM job_rows)"), 0);
}
