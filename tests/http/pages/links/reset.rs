//! `/reset/{token}`: a new password for somebody who has accepted their invitation.

use std::time::Duration;

use serde_json::json;

use crate::scim2::client::{PASSWORD, WSO2, id, in_parallel, values};
use crate::support::{App, ORIGIN, Reply, invited};

const NEW: &str = "feeding the cat at ten";

/// A live user whose name is Paul and whose password is [`PASSWORD`], and their path.
fn paul(app: &App) -> String {
    let mut body = invited("paul");
    body.as_object_mut().unwrap().remove(WSO2);
    body["password"] = json!(PASSWORD);
    let path = app.scim().create("/scim2/Users", &body);
    app.admin("PATCH", "/api/settings", json!({ "RECOVERY_NOTIFY_SUCCESS": false }).to_string());
    path
}

/// The path of a link that an administrator is handed for Paul.
fn link(app: &App) -> String {
    let body = json!({ "username": "paul", "userstore": "PRIMARY" }).to_string();
    let reply = app.admin("POST", "/api/users/v1/offline-invite-link", body);
    assert_eq!(reply.status, 201, "{}", reply.text);
    let page = app.anyone("GET", reply.text.strip_prefix(ORIGIN).unwrap()).header("location").to_owned();
    assert!(page.starts_with("/reset/lk1."), "{page}");
    page
}

fn reset(app: &App, link: &str, password: &str) -> Reply {
    app.post_form(link, &[("username", "paul"), ("password", password), ("confirm", password)])
}

#[track_caller]
fn assert_dead(app: &App, link: &str, words: &str) {
    for page in [app.anyone("GET", link), reset(app, link, NEW)] {
        assert_eq!(page.status, 410, "{}", page.text);
        assert!(page.text.contains(words), "{}", page.text);
        assert!(!page.text.contains("name=\"intent\""), "no button that would mail an invitation");
    }
    let body = json!({ "key": link.rsplit('/').next().unwrap(), "password": NEW });
    assert_eq!(app.nobody().post("/api/identity/recovery/v0.9/set-password", &body).status, 400);
}

#[test]
fn a_link_sets_a_new_password_and_ends_what_the_old_one_began() {
    let app = App::new();
    let path = paul(&app);
    let link = link(&app);
    let page = app.anyone("GET", &link);
    assert_eq!((page.status.as_u16(), page.trips()), (200, 1));
    assert!(page.text.contains("Set a new password"), "{}", page.text);
    // What password managers need: the name, before two fields for a new password; and nothing that keeps from pasting.
    let name = page.text.find("autocomplete=\"username\"").unwrap();
    let fields: Vec<_> = page.text.match_indices("autocomplete=\"new-password\"").map(|(at, _)| at).collect();
    assert!(fields.len() == 2 && fields.iter().all(|at| *at > name), "{}", page.text);
    assert!(page.text.contains("value=\"paul\"") && page.text.contains("readonly"));
    assert!(!page.text.contains("onpaste") && !page.text.contains("http://") && !page.text.contains("https://"));

    app.scim().set(&path, "roles", json!([{ "value": "admin" }])).is(200);
    let link = self::link(&app);
    let mut browser = crate::console::Browser::new(&app);
    assert_eq!(browser.sign_in("", "paul", PASSWORD).status, 303);
    assert_eq!(browser.get("/console").status, 200);
    let done = reset(&app, &link, NEW);
    assert_eq!((done.status.as_u16(), done.trips()), (200, 2), "{}", app.native.log.to_text());
    assert!(done.text.contains("with your new password"), "{}", done.text);
    assert_eq!(browser.get("/console").status, 303, "the session is over");
    assert_eq!((app.me("paul", PASSWORD).status.as_u16(), app.me("paul", NEW).status.as_u16()), (401, 200));
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'password.reset' AND actor LIKE 'user:%'"), 1);
    assert_dead(&app, &link, "already");
    assert_eq!(app.me("paul", NEW).status, 200);
    let user = app.scim().get(&path).is(200);
    assert_eq!(user[WSO2].get("emailVerified").filter(|verified| **verified == true), None, "nobody read the mailbox");
    app.deliver();
    assert_eq!(app.inbox().len(), 0);
}

#[test]
fn whoever_wishes_so_is_told_by_mail() {
    let app = App::new();
    paul(&app);
    app.admin("PATCH", "/api/settings", json!({ "RECOVERY_NOTIFY_SUCCESS": true }).to_string());
    reset(&app, &link(&app), NEW);
    app.deliver();
    let mails = app.inbox();
    assert_eq!((mails.len(), &mails[0]["template"]), (1, &json!("passwordResetSucess")));
    assert_eq!(mails[0]["to"], "paul@example.com");
    assert!(!mails[0]["text"].as_str().unwrap().contains(NEW));
}

#[test]
fn a_refused_password_leaves_the_link_as_it_is() {
    let app = App::new();
    paul(&app);
    app.admin("PATCH", "/api/settings", json!({ "PASSWORD_HISTORY": 2 }).to_string());
    let link = link(&app);
    let before = app.dump();
    for (password, reason) in [("short", "at least 8"), ("paul1234", "easy to guess"), (PASSWORD, "used this password")]
    {
        let page = reset(&app, &link, password);
        assert_eq!(page.status, 422);
        assert!(page.text.contains(reason), "{password}: {}", page.text);
    }
    assert_eq!(app.post_form(&link, &[("password", NEW), ("confirm", "something else")]).status, 422);
    assert_eq!(app.post_form(&link, &[]).status, 422);
    assert_eq!(app.post_form(&link, &[("intent", "new-mail")]).status, 422);
    assert_eq!((app.anyone("GET", &link).status.as_u16(), app.anyone("HEAD", &link).status.as_u16()), (200, 200));
    assert_eq!(app.dump(), before);
    assert_eq!(reset(&app, &link, NEW).status, 200);
}

#[test]
fn of_many_uses_at_once_one_wins() {
    let app = App::new();
    paul(&app);
    let link = link(&app);
    let passwords: Vec<String> = (0..50).map(|number| format!("feeding cat number {number}")).collect();
    let statuses = in_parallel(50, |number| reset(&app, &link, &passwords[number]).status.as_u16());
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 410, 503].contains(status)), "{statuses:?}");
    let winner = statuses.iter().position(|status| *status == 200).unwrap();
    assert_eq!(app.me("paul", &passwords[winner]).status, 200);
}

#[test]
fn any_change_of_password_or_address_kills_the_link() {
    let app = App::new();
    let path = paul(&app);
    let mut password = PASSWORD.to_owned();
    let changed = |how: &dyn Fn(&str), words: &str| {
        let (one, two) = (link(&app), link(&app));
        assert_eq!(app.anyone("GET", &one).status, 200, "links that are handed over live side by side");
        how(&two);
        assert_dead(&app, &one, words);
    };
    changed(&|_| drop(app.scim().set(&path, "password", "an administrator's choice").is(200)), "already");
    changed(&|two| assert_eq!(reset(&app, two, "the person's own choice").status, 200), "already");
    password.clear();
    password.push_str("the person's own choice");
    let own = json!([{ "op": "replace", "path": "password", "value": "another one of their own" }]);
    changed(&|_| drop(app.user("paul", &password).patch("/scim2/Me", own.clone()).is(200)), "already");
    let moved = |address: &str| json!([{ "value": address, "primary": true }]);
    changed(
        &|_| drop(app.scim().set(&path, "emails", moved("new@example.com")).is(200)),
        "address of this account was changed",
    );
    changed(
        &|_| drop(app.scim().patch(&path, json!([{ "op": "remove", "path": "emails" }])).is(200)),
        "address of this account was changed",
    );
}

#[test]
fn who_is_locked_or_disabled_stays_so() {
    let app = App::new();
    let path = paul(&app);
    for (attribute, on, off) in [(format!("{WSO2}:accountLocked"), true, false), ("active".to_owned(), false, true)] {
        let link = link(&app);
        app.scim().set(&path, &attribute, on).is(200);
        assert_dead(&app, &link, "locked");
        let body = json!({ "username": "paul", "userstore": "PRIMARY" }).to_string();
        assert_eq!(app.admin("POST", "/api/users/v1/offline-invite-link", body).status, 400);
        app.scim().set(&path, &attribute, off).is(200);
        assert_dead(&app, &link, "locked");
        assert_eq!(app.me("paul", PASSWORD).status, 200);
    }
}

#[test]
fn nobody_gets_in_with_a_role_that_was_given_since() {
    for (stores, user_name) in [(&[][..], "paul"), (&["ACME"][..], "ACME/paul")] {
        let app = App::with_stores(stores);
        let mut body = invited(user_name);
        body.as_object_mut().unwrap().remove(WSO2);
        body["password"] = json!(PASSWORD);
        let path = app.scim().create("/scim2/Users", &body);
        let other = app.scim().create("/scim2/Users", &json!({ "userName": "bystander", "password": PASSWORD }));
        let (store, name) = user_name.split_once('/').unwrap_or(("PRIMARY", user_name));
        let link = || {
            let body = json!({ "username": name, "userstore": store }).to_string();
            let reply = app.admin("POST", "/api/users/v1/offline-invite-link", body);
            app.anyone("GET", reply.text.strip_prefix(ORIGIN).unwrap()).header("location").to_owned()
        };
        let first = link();
        let group = app.scim().create_group("admin", &[]);
        assert_eq!(app.anyone("GET", &first).status, 200);
        let version = app.scim().get(&other).is(200)["meta"]["version"].clone();
        let members = values(&[id(&path), id(&other)]);
        app.scim().patch(&group, json!([{ "op": "add", "path": "members", "value": members }])).is(200);
        assert_dead(&app, &first, "newer");
        assert_eq!(app.scim().get(&other).is(200)["meta"]["version"], version, "who has no link stays as they are");

        // The group itself is given a role.
        app.scim().set(&group, "displayName", "staff").is(200);
        let second = link();
        app.scim().set(&group, "displayName", "inviter").is(200);
        assert_dead(&app, &second, "newer");
        app.scim().patch(&group, json!([{ "op": "remove", "path": "members" }])).is(200);
        let third = link();
        app.scim().set(&path, "roles", json!([{ "value": "auditor" }])).is(200);
        assert_dead(&app, &third, "newer");
        app.deliver();
        assert_eq!(app.inbox().len(), 0, "nobody is mailed");
    }
}

#[test]
fn the_link_of_a_role_holder_takes_the_scope_roles() {
    let app = App::new();
    let path = paul(&app);
    let token = app.token("", &["links", "scim:read"]).1;
    let ask = || {
        let body = json!({ "username": "paul", "userstore": "PRIMARY" });
        app.nobody()
            .with("authorization", &format!("Bearer {token}"))
            .post("/api/users/v1/offline-invite-link", &body)
            .status
            .as_u16()
    };
    assert_eq!(ask(), 201);
    app.scim().set(&path, "roles", json!([{ "value": "auditor" }])).is(200);
    assert_eq!(ask(), 403);
}

#[test]
fn a_new_address_does_not_wait_any_longer() {
    let app = App::new();
    let path = format!("/scim2/Users/{}", app.invite("paul")["id"].as_str().unwrap());
    reset(&app, &app.newest_link(), PASSWORD);
    let thief =
        json!([{ "op": "replace", "path": "emails", "value": [{ "value": "thief@example.com", "primary": true }] }]);
    for how in 0..2 {
        let password = if how == 0 { PASSWORD } else { NEW };
        app.user("paul", password).patch("/scim2/Me", thief.clone()).is(200);
        app.deliver();
        let confirm = app.inbox().iter().find(|mail| mail["to"] == "thief@example.com").unwrap()["links"][0].clone();
        let confirm = confirm.as_str().unwrap().strip_prefix(ORIGIN).unwrap().to_owned();
        if how == 0 {
            assert_eq!(reset(&app, &link(&app), NEW).status, 200);
        } else {
            app.scim().set(&path, "password", "an administrator's choice").is(200);
        }
        assert_eq!(app.post_form(&confirm, &[("intent", "confirm-email")]).status, 410);
        assert_eq!(app.post_form(&confirm, &[("intent", "new-mail")]).status, 410);
        let user = app.scim().get(&path).is(200);
        assert_eq!(user[WSO2].get("pendingEmails"), None, "{user}");
        assert_eq!(user["emails"][0]["value"], "paul@example.com");
        let waiting = app.scim().filter("/scim2/Users", &format!("{WSO2}:pendingEmails.value co \"thief\""));
        assert_eq!(waiting.len(), 0);
    }
    app.deliver();
    assert!(app.inbox().iter().all(|mail| mail["template"] != "resendVerifyEmailOnUpdate"));
}

#[test]
fn links_of_one_kind_are_nothing_at_the_pages_of_another() {
    let app = App::new();
    paul(&app);
    let reset_link = link(&app);
    app.scim().create("/scim2/Users", &invited("petra"));
    let invitation = app.newest_link();
    for (from, to, link) in [("/reset/", "/invite/", &reset_link), ("/invite/", "/reset/", &invitation)] {
        let foreign = link.replacen(from, to, 1);
        assert_eq!(app.anyone("GET", &foreign).status, 404);
        assert_eq!(app.post_form(&foreign, &[("password", NEW)]).status, 404);
        assert_eq!(app.anyone("GET", &link.replacen(from, "/verify/", 1)).status, 404);
        assert_eq!(app.anyone("GET", &format!("/t/acme.com{link}")).status, 404, "another tenant's");
    }
    let code = reset_link.rsplit('/').next().unwrap();
    let user = json!({ "code": code, "verifiedChannel": {} });
    assert_eq!(app.nobody().post("/api/identity/user/v1.0/validate-code", &user).status, 400, "it confirms no address");
    let validated = app.nobody().post("/api/identity/recovery/v0.9/validate-code", &json!({ "code": code }));
    assert_eq!((validated.status.as_u16(), &validated.json()["username"]), (202, &json!("paul")));
    let body = json!({ "key": code, "password": NEW });
    assert_eq!(app.nobody().post("/api/identity/recovery/v0.9/set-password", &body).status, 200);
    assert_eq!(app.me("paul", NEW).status, 200);
}

#[test]
fn a_link_ends_when_the_setting_says() {
    let app = App::with(&[("RECOVERY_EMAIL_VALIDITY", "5")]);
    paul(&app);
    let link = link(&app);
    app.native.clock.advance(Duration::from_secs(299));
    assert_eq!(app.anyone("GET", &link).status, 200);
    app.native.clock.advance(Duration::from_secs(1));
    for page in [app.anyone("GET", &link), reset(&app, &link, NEW), app.post_form(&link, &[("intent", "new-mail")])] {
        assert_eq!((page.status.as_u16(), page.trips()), (410, 0));
        assert!(page.text.contains("links that reset a password"), "{}", page.text);
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM renewals"), 0);
}

#[test]
fn a_deleted_user_leaves_nothing_of_their_links() {
    let app = App::new();
    let path = paul(&app);
    let link = link(&app);
    assert_eq!(app.number("SELECT COUNT(*) FROM resets"), 1);
    assert_eq!(app.scim().delete(&path).status, 204);
    assert_eq!(app.number("SELECT COUNT(*) FROM resets"), 0);
    assert_eq!((app.anyone("GET", &link).status.as_u16(), reset(&app, &link, NEW).status.as_u16()), (404, 404));
}
