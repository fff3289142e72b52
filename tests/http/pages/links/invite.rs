//! `/invite/{token}`

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::json;

use crate::support::{App, Faulty, basic};

const PASSWORD: &str = "walking the dog at nine";

fn redeem(app: &App, link: &str, password: &str) -> crate::support::Reply {
    app.post_form(link, &[("username", "paul"), ("password", password), ("confirm", password)])
}

#[test]
fn a_link_sets_the_password_and_the_account_is_live() {
    let app = App::new();
    let id = app.invite("paul")["id"].as_str().unwrap().to_owned();
    let link = app.newest_link();
    let page = app.anyone("GET", &link);
    assert_eq!((page.status.as_u16(), page.trips()), (200, 1));
    assert!(page.text.contains("autocomplete=\"new-password\"") && page.text.contains("value=\"paul\""));

    assert_eq!(app.me("paul", PASSWORD).status, 401);
    let done = redeem(&app, &link, PASSWORD);
    assert_eq!((done.status.as_u16(), done.trips()), (200, 2), "{}", app.native.log.to_text());
    assert_eq!(app.me("paul", PASSWORD).status, 200);

    let user = app.admin("GET", &format!("/scim2/Users/{id}"), "").json();
    assert_eq!(user["urn:scim:wso2:schema"]["accountState"], "UNLOCKED");
    assert_eq!(user["urn:scim:wso2:schema"]["accountLocked"], false);
    assert_eq!(user["urn:scim:wso2:schema"]["emailVerified"], true);
    assert_eq!(user["urn:latchkey:params:scim:schemas:extension:invitation:2.0:User"]["status"], "accepted");
    assert_eq!(user["meta"]["version"], "W/\"2\"");
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'invitation.redeem' AND actor LIKE 'user:%'"), 1);

    app.deliver();
    assert_eq!(app.inbox()[0]["template"], "AccountActivationSuccess");
}

#[test]
fn whoever_has_a_password_is_shown_where_to_sign_in() {
    let app = App::with(&[("SIGN_IN_URL", "https://app.example.com/sign-in")]);
    app.invite("paul");
    let link = app.newest_link();
    let button = r#"href="https://app.example.com/sign-in""#;
    assert!(!app.anyone("GET", &link).text.contains(button));
    assert!(redeem(&app, &link, PASSWORD).text.contains(button));
    assert!(app.anyone("GET", &link).text.contains(button), "on the page of a used link too");
    assert!(!app.anyone("GET", "/invite/forged").text.contains(button));
    let set =
        |value: &str| app.admin("PATCH", "/api/settings", json!({ "SIGN_IN_URL": value }).to_string()).status.as_u16();
    assert_eq!(["javascript:alert(1)", "//evil.example", "https://other.example/"].map(set), [400, 400, 200]);
}

#[test]
fn looking_at_a_link_and_posting_nothing_leaves_it_alive() {
    let app = App::new();
    app.invite("paul");
    let link = app.newest_link();
    let before = app.dump();
    for _ in 0..100 {
        assert_eq!(app.anyone("GET", &link).status, 200);
        assert_eq!(app.anyone("HEAD", &link).status, 200);
        let prefetch = Request::get(&link).header("sec-purpose", "prefetch").body(Bytes::new()).unwrap();
        assert_eq!(app.send(prefetch).status, 200);
        assert_eq!(app.post_form(&link, &[]).status, 422);
        assert_eq!(app.post_form(&link, &[("password", ""), ("confirm", "")]).status, 422);
        assert_eq!(app.anyone("OPTIONS", &link).status, 405);
    }
    assert_eq!(app.dump(), before);
    assert_eq!(redeem(&app, &link, PASSWORD).status, 200);
}

#[test]
fn a_refused_password_is_told_why_and_the_link_still_works() {
    let app = App::new();
    app.invite("paul");
    let link = app.newest_link();
    for (password, reason) in [
        ("short", "at least 8 characters"),
        ("password123", "most common"),
        ("paul1234", "easy to guess"),
        ("~~~~~~~~~~", "repeats a single character"),
        ("          ", "characters that do not show"),
    ] {
        let page = redeem(&app, &link, password);
        assert_eq!(page.status, 422);
        assert!(page.text.contains(reason), "{password}: {}", page.text);
        assert!(!page.text.contains(&format!("value=\"{password}\"")), "the password is not put back");
    }
    let page = app.post_form(&link, &[("password", PASSWORD), ("confirm", "something else")]);
    assert_eq!(page.status, 422);
    assert!(page.text.contains("not the same"));
    assert_eq!(redeem(&app, &link, &"x".repeat(1_000_000)).status, 413);
    assert_eq!(redeem(&app, &link, PASSWORD).status, 200);
}

#[test]
fn a_password_that_is_no_text_is_refused_not_mangled() {
    let app = App::new();
    app.invite("paul");
    let link = app.newest_link();
    let before = app.dump();
    for body in [
        &b"password=correct+horse+%FF+battery&confirm=correct+horse+%FF+battery"[..],
        b"password=correct+horse+%C3%28+battery",
        b"password=correct horse \xff battery",
        b"password=correct+horse+battery&confirm=%ed%a0%80",
    ] {
        let request = Request::post(&link)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(body))
            .unwrap();
        let page = app.send(request);
        assert_eq!(page.status, 422);
        assert!(page.text.contains("did not arrive as you typed it"), "{}", page.text);
    }
    assert_eq!(app.dump(), before);
    let spelt = "n\u{e4}chster Halt + 100% Gl\u{fc}ck & so = \u{1f511}";
    assert_eq!(redeem(&app, &link, spelt).status, 200);
    assert_eq!(app.me("paul", spelt).status, 200);
}

#[test]
fn the_second_entry_may_be_left_out_by_a_client_that_asks_once() {
    let app = App::new();
    app.invite("paul");
    let link = app.newest_link();
    assert_eq!(app.post_form(&link, &[("password", PASSWORD)]).status, 200);
}

#[test]
fn a_used_link_says_so() {
    let app = App::new();
    app.invite("paul");
    let link = app.newest_link();
    redeem(&app, &link, PASSWORD);
    for page in [app.anyone("GET", &link), redeem(&app, &link, "another password entirely")] {
        assert_eq!(page.status, 410);
        assert!(page.text.contains("already"), "{}", page.text);
    }
    assert_eq!(app.me("paul", PASSWORD).status, 200);
}

#[test]
fn an_expired_link_costs_no_round_trip_and_says_so_before_any_typing() {
    let app = App::new();
    app.invite("paul");
    let link = app.newest_link();
    app.native.clock.advance(Duration::from_secs(1440 * 60 - 5));
    assert_eq!(app.anyone("GET", &link).status, 200);
    app.native.clock.advance(Duration::from_secs(5));
    for page in [app.anyone("GET", &link), redeem(&app, &link, PASSWORD)] {
        assert_eq!((page.status.as_u16(), page.trips()), (410, 0));
        assert!(page.text.contains("expired"), "{}", page.text);
    }
    assert_eq!(app.me("paul", PASSWORD).status, 401);
}

#[test]
fn a_validity_of_zero_is_dead_at_once_and_minus_one_never_dies() {
    let app = App::with(&[("ASK_PASSWORD_EMAIL_VALIDITY", "0")]);
    app.invite("paul");
    let link = app.newest_link();
    assert_eq!(app.anyone("GET", &link).status, 410);
    let app = App::with(&[("ASK_PASSWORD_EMAIL_VALIDITY", "-1")]);
    app.invite("paul");
    let link = app.newest_link();
    app.native.clock.advance(Duration::from_secs(10 * 365 * 86_400));
    assert_eq!(app.anyone("GET", &link).status, 200);
}

#[test]
fn forged_links_get_one_page_without_a_round_trip() {
    let app = App::new();
    app.invite("paul");
    let link = app.newest_link();
    let first = app.anyone("GET", "/invite/x");
    assert_eq!((first.status.as_u16(), first.trips()), (404, 0));
    let other = if link.ends_with('A') { 'E' } else { 'A' };
    let mangled = format!("{}{other}", &link[..link.len() - 1]);
    for forged in [
        mangled.as_str(),
        &format!("{link}%00A"),
        &format!("/invite/{}", "A".repeat(5000)),
        "/invite/lk1..",
        "/invite/%ff",
    ] {
        let page = app.anyone("GET", forged);
        assert_eq!((page.status, page.trips(), &page.text), (first.status, 0, &first.text), "{forged}");
        assert_eq!(redeem(&app, forged, PASSWORD).trips(), 0);
    }
}

#[test]
fn a_retired_key_gets_the_same_page_as_a_forged_link() {
    let app = App::new();
    app.invite("paul");
    let link = app.newest_link();
    let rotated = app.reconfigured(&[(
        "TOKEN_KEYS",
        "k2:ISEhISEhISEhISEhISEhISEhISEhISEhISEhISEhISE,k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    )]);
    assert_eq!(rotated.anyone("GET", &link).status, 200, "an older key still verifies");
    let retired = rotated.reconfigured(&[("TOKEN_KEYS", "k2:ISEhISEhISEhISEhISEhISEhISEhISEhISEhISEhISE")]);
    let page = retired.anyone("GET", &link);
    assert_eq!(page.text, retired.anyone("GET", "/invite/x").text);
}

#[test]
fn a_link_of_a_deleted_user_is_dead_even_when_the_name_is_taken_again() {
    let app = App::new();
    let id = app.invite("paul")["id"].as_str().unwrap().to_owned();
    let link = app.newest_link();
    app.admin("DELETE", &format!("/scim2/Users/{id}"), "");
    app.invite("paul");
    assert_eq!(app.anyone("GET", &link).status, 404);
    assert_eq!(redeem(&app, &link, PASSWORD).status, 404);
}

#[test]
fn a_link_works_only_under_its_own_tenant() {
    let app = App::new();
    app.invite("paul");
    let link = app.newest_link();
    let page = app.anyone("GET", &format!("/t/acme.com{link}"));
    assert_eq!((page.status.as_u16(), page.trips()), (404, 0));
    assert_eq!(app.anyone("GET", &format!("/t/carbon.super{link}")).status, 200);
}

#[test]
fn a_winner_whose_commit_was_hidden_by_an_error_is_told_that_he_won() {
    let mut app = App::new();
    app.invite("paul");
    let link = app.newest_link();
    app.platform.db = Arc::new(Faulty::on_batch(app.native.platform.db.clone(), 2, true));
    assert_eq!(redeem(&app, &link, PASSWORD).status, 200);
    assert_eq!(app.me("paul", PASSWORD).status, 200);
}

#[test]
fn a_database_that_fails_before_the_commit_leaves_the_link_alive() {
    let mut app = App::new();
    app.invite("paul");
    let link = app.newest_link();
    app.platform.db = Arc::new(Faulty::on_batch(app.native.platform.db.clone(), 2, false));
    let page = redeem(&app, &link, PASSWORD);
    assert_eq!(page.status, 503);
    assert!(!page.header("retry-after").is_empty());
    assert!(page.text.contains(&format!("href=\"{link}\"")), "a way back to the form: {}", page.text);
    assert!(!app.native.log.to_text().contains(&link));
    assert_eq!(redeem(&app, &link, PASSWORD).status, 200);
}

#[test]
fn pages_carry_the_headers_that_keep_a_link_secret() {
    let app = App::new();
    app.invite("paul");
    let link = app.newest_link();
    for page in [app.anyone("GET", &link), app.anyone("GET", "/invite/x"), redeem(&app, &link, "short")] {
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert!(page.header("x-robots-tag").contains("noindex"));
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe-inline"));
        assert!(!page.text.contains("<script>") && !page.text.contains("style=\""));
    }
}

#[test]
fn wso2_links_lead_to_the_page() {
    let app = App::new();
    app.invite("paul");
    let link = app.newest_link();
    let token = link.strip_prefix("/invite/").unwrap();
    let wso2 = format!("/accountrecoveryendpoint/confirmrecovery.do?confirmation={token}&username=paul&type=invite");
    let reply = app.anyone("GET", &wso2);
    assert_eq!((reply.status.as_u16(), reply.header("location")), (303, link.as_str()));
    for bad in [
        "",
        "?confirmation=",
        "?confirmation=//evil.example",
        "?confirmation=%0d%0aset-cookie:x",
        "?confirmation=..%2f",
    ] {
        assert_eq!(
            app.anyone("GET", &format!("/accountrecoveryendpoint/confirmrecovery.do{bad}")).status,
            404,
            "{bad}"
        );
    }
}

#[test]
fn the_link_never_comes_from_a_header_and_the_token_is_at_rest_nowhere() {
    let app = App::new();
    for (number, header) in ["host", "x-forwarded-host", "forwarded"].into_iter().enumerate() {
        let request = Request::post("/scim2/Users")
            .header("authorization", basic("admin", "admin"))
            .header("content-type", "application/json")
            .header(header, "evil.example")
            .body(Bytes::from(crate::support::invited(&format!("user{number}")).to_string()))
            .unwrap();
        let reply = app.send(request);
        assert_eq!(reply.status, 201);
        assert!(!reply.text.contains("evil.example") && !format!("{:?}", reply.headers).contains("evil.example"));
    }
    let link = app.newest_link();
    assert_eq!(redeem(&app, &link, PASSWORD).status, 200);
    let mails = serde_json::to_string(&app.inbox()).unwrap();
    assert!(!mails.contains("evil.example"));
    let token = link.strip_prefix("/invite/").unwrap();
    for (what, text) in [("log", app.native.log.to_text()), ("database", app.dump())] {
        assert!(!text.contains(token) && !text.contains("lk1.") && !text.contains(PASSWORD), "{what}: {text}");
    }
}
