//! Other systems' complaints, one test per row of the table of threads.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::json;

use super::{PASSWORD, create, path, redeem, resend};
use crate::scim2::client::{INVITATION, WSO2, in_parallel};
use crate::support::{App, ORIGIN, invited};

/// supabase/auth#368, #739; FusionAuth#629, #2443, #3099; uaa#1374; authelia#2994; emdash-cms#3298; laravel-passwordless-login#79
#[test]
fn a_scanner_that_eats_links_eats_nothing() {
    let app = App::new();
    app.invite("paul");
    create(&app, "petra", &json!({ "verifyEmail": true }));
    app.deliver();
    let before = app.dump();
    let inbox = app.inbox();
    let links: Vec<_> =
        inbox.iter().map(|mail| mail["links"][0].as_str().unwrap().strip_prefix(ORIGIN).unwrap()).collect();
    for link in &links {
        for method in ["GET", "HEAD", "OPTIONS", "GET"] {
            app.anyone(method, link);
        }
        // A form that is submitted as it is found, and one that somebody else made up.
        for fields in [&[][..], &[("password", "")], &[("username", "paul")], &[("csrf", "x")]] {
            assert!(app.post_form(link, fields).status.is_client_error());
        }
        let blank_agent = Request::get(*link).header("user-agent", "").body(Bytes::new()).unwrap();
        assert_eq!(app.send(blank_agent).status, 200);
    }
    assert_eq!(app.dump(), before);
    let (verify, invite): (Vec<_>, Vec<_>) = links.iter().partition(|link| link.starts_with("/verify/"));
    assert_eq!(redeem(&app, invite[0]).status, 200);
    assert_eq!(app.post_form(verify[0], &[("intent", "confirm-email")]).status, 200);
}

/// supabase/auth#134, #2180; product-is#2625, #4875, #12680, #13682, #23437, #23659; better-auth#3507; Dokploy#4541; distr#1250
#[test]
fn an_invitation_is_sent_again_whatever_became_of_the_last_mail_and_no_user_is_doubled() {
    let app = App::with(&[("ASK_PASSWORD_EMAIL_VALIDITY", "1")]);
    let user = app.invite("paul");
    // Before the first mail went out, after it, after it expired, after the outbox was emptied.
    assert_eq!(resend(&app, &user).status, 202);
    let first = app.newest_link();
    assert_eq!(resend(&app, &user).status, 202);
    let second = app.newest_link();
    app.native.clock.advance(Duration::from_secs(3600));
    app.native.sqlite.with(|connection| connection.execute("DELETE FROM outbox", []).unwrap());
    let expired = format!("{INVITATION}:status eq \"expired\"");
    assert_eq!(app.scim().count("/scim2/Users", &expired), 1, "who is to be asked again is one query");
    assert_eq!(resend(&app, &user).status, 202);
    let third = app.newest_link();
    for dead in [&first, &second] {
        assert_eq!(app.anyone("GET", dead).status, 410);
    }
    assert_eq!(redeem(&app, &third).status, 200);
    assert_eq!(app.number("SELECT total FROM counters WHERE type = 'User'"), 1);
}

/// bagofwords PR#370
#[test]
fn a_link_that_is_copied_does_not_kill_the_mailed_one() {
    let app = App::new();
    app.invite("paul");
    let mailed = app.newest_link();
    let body = json!({ "username": "paul", "userstore": "PRIMARY" }).to_string();
    assert_eq!(app.admin("POST", "/api/users/v1/offline-invite-link", body).status, 201);
    assert_eq!(redeem(&app, &mailed).status, 200);
}

/// zitadel#8850; product-is#25370; supabase/auth#101; vaultwarden discussion 1786; authentik#16587
#[test]
fn a_link_that_is_over_says_so_as_a_page_before_anything_is_typed() {
    let app = App::with(&[("ASK_PASSWORD_EMAIL_VALIDITY", "1")]);
    app.invite("paul");
    let expired = app.newest_link();
    app.native.clock.advance(Duration::from_secs(60));
    let page = app.anyone("GET", &expired);
    assert_eq!((page.status.as_u16(), page.header("content-type")), (410, "text/html; charset=utf-8"));
    assert!(page.text.contains("This link has expired") && !page.text.contains("type=\"password\""), "{}", page.text);
    assert!(page.text.contains("Send me a new link"), "there is a way on: {}", page.text);
    app.invite("petra");
    let used = app.newest_link();
    redeem(&app, &used);
    let page = app.anyone("GET", &used);
    assert!(page.status == 410 && page.text.contains("already been used"), "{}", page.text);
    assert!(!page.text.contains("type=\"password\""));
}

/// keycloak#22511; python-keycloak#230; keycloak-magic-link#36; product-is#12792; authentik#821, #1720; ezauth#206; stage-door#54
#[test]
fn of_twenty_who_use_a_link_at_once_one_wins() {
    let app = App::new();
    app.invite("paul");
    let link = app.newest_link();
    let passwords: Vec<_> = (0..20).map(|number| format!("walking dog number {number}")).collect();
    let answers = in_parallel(20, |number| app.post_form(&link, &[("password", &passwords[number])]).status.as_u16());
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|status| **status == 410).count(), 19, "{answers:?}");
    let winner = answers.iter().position(|status| *status == 200).unwrap();
    assert_eq!(app.me("paul", &passwords[winner]).status, 200);
}

/// keycloak#25719, PR#47466
#[test]
fn there_is_no_page_between_the_mail_and_the_form() {
    let app = App::new();
    app.invite("paul");
    let page = app.anyone("GET", &app.newest_link());
    assert_eq!(page.status, 200);
    assert!(page.text.contains("type=\"password\""), "{}", page.text);
}

/// zitadel#10474; better-auth#4284; FusionAuth#904; product-is#1801, #22777, #13948; keycloak PR#34071
#[test]
fn the_validity_is_one_setting_in_minutes_and_the_mail_says_when_it_ends() {
    let app = App::with(&[("ASK_PASSWORD_EMAIL_VALIDITY", "90")]);
    let user = app.invite("paul");
    let link = app.newest_link();
    let text = app.inbox()[0]["text"].as_str().unwrap().to_owned();
    assert!(text.contains("UTC"), "the mail states the end: {text}");
    let shown = app.scim().get(&path(&user)).is(200)[INVITATION]["expiresAt"].as_str().unwrap().to_owned();
    let day = shown.split('T').next().unwrap();
    let year = day.split('-').next().unwrap();
    assert!(text.contains(year), "{text}");
    app.native.clock.advance(Duration::from_secs(90 * 60 - 5));
    assert_eq!(app.anyone("GET", &link).status, 200);
    app.native.clock.advance(Duration::from_secs(5));
    assert_eq!(app.anyone("GET", &link).status, 410);
}

/// keycloak#17233
#[test]
fn mail_and_pages_have_one_language_whatever_the_browser_prefers() {
    let app = App::new();
    let mut body = invited("paul");
    body["locale"] = json!("de_DE");
    app.admin("POST", "/scim2/Users", body.to_string());
    let link = app.newest_link();
    assert_eq!(app.inbox()[0]["locale"], "de_DE");
    let browse = |link: &str| {
        let request = Request::get(link).header("accept-language", "fr-FR").body(Bytes::new());
        app.send(request.unwrap()).text
    };
    assert!(browse(&link).contains("lang=\"de"), "the form");
    redeem(&app, &link);
    assert!(browse(&link).contains("lang=\"de"), "the page of the used link");
}

/// keycloak#24558, #26182, #43076
#[test]
fn pressing_the_button_again_and_again_mails_once() {
    let app = App::with(&[("ASK_PASSWORD_EMAIL_VALIDITY", "1")]);
    app.invite("paul");
    let link = app.newest_link();
    app.native.clock.advance(Duration::from_secs(60));
    for _ in 0..10 {
        assert_eq!(app.post_form(&link, &[("intent", "new-mail")]).status, 200);
        app.renew();
        app.deliver();
    }
    assert_eq!(app.inbox().len(), 2, "the invitation, and one more");
}

/// product-is#16963, #20028; kalisio/crisis#112; MeetOnMemory#1362; ToolJet#4922; calrs#58; discourse PR#2415
#[test]
fn in_bulk_each_is_invited_and_one_bad_row_harms_no_other() {
    let app = App::new();
    let post = |name: &str, data| json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": data });
    let reply = app.scim().bulk(vec![
        post("a", invited("anna")),
        post("b", json!({ "userName": "berta", (WSO2): { "askPassword": true } })),
        post("c", invited("ANNA")),
        post("d", invited("dora")),
    ]);
    let statuses: Vec<_> =
        reply.is(200)["Operations"].as_array().unwrap().iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, ["201", "400", "409", "201"]);
    app.deliver();
    assert_eq!(app.inbox().len(), 2);
}

/// product-is#26712, #23659
#[test]
fn a_pending_user_can_be_found_linked_and_sent_another_mail() {
    let app = App::new();
    let user = app.invite("paul");
    assert_eq!(app.scim().count("/scim2/Users", &format!("{WSO2}:accountState eq \"PENDING_AP\"")), 1);
    let body = json!({ "username": "paul", "userstore": "PRIMARY" }).to_string();
    assert_eq!(app.admin("POST", "/api/users/v1/offline-invite-link", body).status, 201);
    assert_eq!(resend(&app, &user).status, 202);
}

/// zitadel#12682, #10718
#[test]
fn what_is_sent_again_is_the_mail_that_the_user_waits_for() {
    let app = App::new();
    for (user, folder, template) in [
        (app.invite("paul"), "/invite/", "resendAskPassword"),
        (create(&app, "petra", &json!({ "verifyEmail": true })), "/verify/", "resendEmailConfirm"),
    ] {
        resend(&app, &user);
        let link = app.newest_link();
        assert!(link.starts_with(folder), "{link}");
        let name = user["userName"].as_str().unwrap();
        let mails = app.inbox();
        let newest = mails.iter().find(|mail| mail["to"].as_str().unwrap().starts_with(name)).unwrap();
        assert_eq!(newest["template"], template);
    }
}

/// kratos#595
#[test]
fn no_request_sends_a_link_anywhere_but_to_the_address_on_file() {
    let app = App::new();
    let user = app.invite("paul");
    app.deliver();
    let body = json!({
        "email": "evil@example.com", "to": "evil@example.com",
        "user": { "username": "paul", "realm": "PRIMARY", "email": "evil@example.com" },
        "properties": [{ "key": "RecoveryScenario", "value": "ASK_PASSWORD" }, { "key": "send-to", "value": "evil@example.com" }],
    });
    let by_id = format!("/api/invitations/{}/resend", user["id"].as_str().unwrap());
    assert_eq!(app.admin("POST", &by_id, body.to_string()).status, 202);
    assert_eq!(app.admin("POST", "/api/identity/user/v1.0/resend-code", body.to_string()).status, 201);
    app.deliver();
    assert!(app.inbox().iter().all(|mail| mail["to"] == "paul@example.com"), "{:?}", app.inbox());
}

/// GoTrue's UserInvitedAction; rauthy's user_password_reset
#[test]
fn everything_that_becomes_of_an_invitation_is_in_the_audit() {
    let app = App::new();
    let user = app.invite("paul");
    resend(&app, &user);
    redeem(&app, &app.newest_link());
    let petra = app.invite("petra");
    app.admin("POST", &format!("/api/invitations/{}/revoke", petra["id"].as_str().unwrap()), "");
    for (action, times) in [("create", 2), ("resend", 1), ("redeem", 1), ("revoke", 1)] {
        let found = format!("SELECT COUNT(*) FROM audit WHERE action = 'invitation.{action}' AND request_id <> ''");
        assert_eq!(app.number(&found), times, "{action}");
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'invitation.redeem' AND actor LIKE 'user:%'"), 1);
}

/// keycloak PR#7985
#[test]
fn a_link_sent_to_an_address_that_has_changed_is_dead() {
    let app = App::new();
    let user = app.invite("paul");
    let link = app.newest_link();
    app.scim().set(&path(&user), "emails", json!([{ "value": "new@example.com" }])).is(200);
    assert_eq!(redeem(&app, &link).status, 410);
    let newest = app.newest_link();
    assert_eq!(app.inbox()[0]["to"], "new@example.com");
    assert_eq!(redeem(&app, &newest).status, 200);
    assert_eq!(app.me("paul", PASSWORD).status, 200);
}
