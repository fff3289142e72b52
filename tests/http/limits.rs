//! How many requests may come, and how much mail one address gets.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use latchkey::base::limits::REQUEST_PERIOD;
use latchkey::mail::sender::Report;
use latchkey::ports::{Database, DatabaseError, Outcome, RequestKind, Statement};
use serde_json::json;

use crate::scim2::client::{PASSWORD, in_parallel};
use crate::support::{App, Reply, basic, invited};

const REQUESTS: &[(&str, &str)] = &[("RATE_LIMITS", "requests=on")];

fn limited(kind: RequestKind, per_minute: u32) -> App {
    let app = App::with(REQUESTS);
    app.native.limiter.set(kind, per_minute);
    app
}

fn request(app: &App, method: &str, path: &str, address: &str, authorization: Option<&str>) -> Reply {
    let mut request = Request::builder().method(method).uri(path).header("cf-connecting-ip", address);
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    app.send(request.body(Bytes::new()).unwrap())
}

fn post(app: &App, path: &str, address: &str) -> Reply {
    request(app, "POST", path, address, None)
}

#[test]
fn a_flood_of_forms_is_refused_without_asking_the_database() {
    let app = limited(RequestKind::Public, 2);
    app.invite("paul");
    let link = app.newest_link();
    for _ in 0..2 {
        assert_ne!(post(&app, &link, "192.0.2.1").status, 429);
    }
    let refused = post(&app, &link, "192.0.2.1");
    assert_eq!((refused.status.as_u16(), refused.trips()), (429, 0));
    assert_eq!(refused.header("retry-after"), "60");
    assert!(refused.header("content-type").starts_with("text/html") && refused.text.contains("Too many"));
    assert_eq!(refused.header("cache-control"), "no-store");
    let log = app.native.log.to_text();
    let line = log.lines().last().unwrap();
    assert!(line.contains(r#""limited":"public""#) && line.contains(r#""status":429"#), "{line}");
    assert!(!line.contains("lk1."), "{line}");
}

#[test]
fn a_person_elsewhere_uses_the_same_link_all_the_while() {
    let app = limited(RequestKind::Public, 2);
    app.invite("paul");
    let link = app.newest_link();
    for _ in 0..20 {
        let _ = post(&app, &link, "192.0.2.1");
    }
    assert_eq!(post(&app, &link, "192.0.2.1").status, 429);
    let form = "password=Tr0ub4dor%263x";
    let request = Request::post(&link).header("cf-connecting-ip", "192.0.2.2").body(Bytes::from(form)).unwrap();
    let reply = app.send(request);
    assert!(reply.status.is_success() || reply.status.is_redirection(), "{} {}", reply.status, reply.text);
    assert_eq!(app.me("paul", "Tr0ub4dor&3x").status, 200);
}

#[test]
fn the_limit_ends_by_itself() {
    let app = limited(RequestKind::Public, 1);
    assert_ne!(post(&app, "/invite/x", "192.0.2.1").status, 429);
    assert_eq!(post(&app, "/invite/x", "192.0.2.1").status, 429);
    app.native.clock.advance(Duration::from_secs(REQUEST_PERIOD.into()));
    assert_ne!(post(&app, "/invite/x", "192.0.2.1").status, 429);
}

#[test]
fn opening_pages_and_the_paths_of_all_tenants_do_not_help_to_get_around_it() {
    let app = limited(RequestKind::Public, 1);
    for _ in 0..5 {
        assert_eq!(request(&app, "GET", "/invite/x", "192.0.2.1", None).status, 404, "opening is not counted");
    }
    assert_ne!(post(&app, "/t/acme.com/invite/x", "192.0.2.1").status, 429);
    assert_eq!(post(&app, "/t/globex.com/invite/x", "192.0.2.1").status, 429);
    let invented = request(&app, "POST", "/invite/x", "192.0.2.1", Some(&basic("some", "body")));
    assert_eq!(invented.status, 429, "credentials where none are asked for make nobody another caller");
}

#[test]
fn one_ipv6_customer_is_one_address() {
    let app = limited(RequestKind::Public, 1);
    assert_ne!(post(&app, "/invite/x", "2001:db8:1:2::1").status, 429);
    assert_eq!(post(&app, "/invite/x", "2001:db8:1:2:ffff::9").status, 429);
    assert_ne!(post(&app, "/invite/x", "2001:db8:1:3::1").status, 429);
}

#[test]
fn invented_tokens_are_counted_for_the_address_that_sends_them() {
    let app = App::with(REQUESTS);
    let good = format!("Bearer {}", app.token("", &["scim:read"]).1);
    app.native.limiter.set(RequestKind::Api, 3);
    let ask = |address: &str, token: &str| request(&app, "GET", "/scim2/Users", address, Some(token));
    let invented = || format!("Bearer {}", latchkey::access::api_token_text::generate(&*app.platform.entropy).expose());
    assert_eq!(ask("192.0.2.1", &good).status, 200);
    for _ in 0..2 {
        assert_eq!(ask("192.0.2.1", &invented()).status, 401);
    }
    let refused = ask("192.0.2.1", &invented());
    assert_eq!((refused.status.as_u16(), refused.trips()), (429, 0));
    assert_eq!(ask("192.0.2.2", &invented()).status, 401);
    // One that is known to be good is counted for itself alone.
    assert_eq!(ask("192.0.2.1", &good).status, 200);
    assert_eq!(ask("192.0.2.2", &good).status, 200);
    assert_eq!(ask("192.0.2.2", &good).status, 429);
    // What cannot be a token costs nothing.
    assert_eq!(ask("192.0.2.1", "Bearer lk_nonsense").status, 401);
}

#[test]
fn every_caller_is_told_in_his_own_dialect() {
    let app = limited(RequestKind::Api, 0);
    app.native.limiter.set(RequestKind::Hook, 0);
    app.native.limiter.set(RequestKind::Public, 0);
    let admin = basic("admin", "admin");
    let ask = |method: &str, path: &str| request(&app, method, path, "192.0.2.1", Some(&admin));

    let scim = ask("GET", "/scim2/Users");
    assert_eq!(scim.header("content-type"), "application/scim+json");
    assert_eq!(scim.json()["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
    assert_eq!(scim.json()["status"], "429");
    let problem = ask("GET", "/api/mail");
    assert_eq!(problem.header("content-type"), "application/problem+json");
    assert_eq!(problem.json()["detail"], "Too many requests: try again in 60 seconds.");
    let wso2 = ask("GET", "/api/server/v1/tenants");
    assert_eq!(wso2.json()["message"], "Too Many Requests");
    assert_eq!(wso2.json()["traceId"], wso2.header("x-request-id"));
    let code = ask("POST", "/api/identity/user/v1.0/validate-code");
    assert_eq!(code.json()["message"], "Too Many Requests");
    let hook = ask("POST", "/hooks/mail/resend");
    assert_eq!(hook.header("content-type"), "application/problem+json");
    for reply in [scim, problem, wso2, code, hook] {
        assert_eq!((reply.status.as_u16(), reply.header("retry-after"), reply.trips()), (429, "60", 0));
    }
}

#[test]
fn a_caller_is_limited_by_his_credentials_and_not_by_his_neighbours() {
    let app = limited(RequestKind::Api, 3);
    let admin = basic("admin", "admin");
    for _ in 0..10 {
        let _ = request(&app, "GET", "/scim2/Users", "192.0.2.1", Some(&basic("some", "body")));
    }
    for address in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        assert_eq!(request(&app, "GET", "/scim2/Users", address, Some(&admin)).status, 200);
    }
    assert_eq!(request(&app, "GET", "/scim2/Users", "192.0.2.4", Some(&admin)).status, 429);
}

#[test]
fn a_tenant_turns_the_limits_off_for_itself() {
    let app = limited(RequestKind::Api, 3);
    let set = app.admin("PATCH", "/api/settings", json!({ "RATE_LIMITS": "off" }).to_string());
    assert_eq!(set.status, 200, "{}", set.text);
    for _ in 0..5 {
        assert_eq!(app.admin("GET", "/scim2/Users", "").status, 200);
    }
    let wrong = app.admin("PATCH", "/api/settings", json!({ "RATE_LIMITS": "resends=5/week" }).to_string());
    assert_eq!(wrong.status, 400);
    assert!(wrong.text.contains("mail-per-address=20/day"), "{}", wrong.text);
}

#[test]
fn a_development_machine_has_no_limits_of_its_own() {
    let app = App::new();
    app.native.limiter.set(RequestKind::Public, 0);
    assert_eq!(post(&app, "/invite/x", "192.0.2.1").status, 404);
    assert_eq!(app.admin("GET", "/api/settings", "").json()["settings"]["RATE_LIMITS"], "off");
}

#[test]
fn the_bindings_count_for_as_long_as_retry_after_says() {
    let wrangler = include_str!("../../wrangler.toml");
    let limits: Vec<&str> = wrangler.lines().filter(|line| line.starts_with("simple = ")).collect();
    assert_eq!(limits.len(), 3);
    for limit in limits {
        assert!(limit.ends_with(&format!("period = {REQUEST_PERIOD} }}")), "{limit}");
    }
}

/// Invites users who share an address, in different cases of its letters.
fn invite_many(app: &App, names: std::ops::Range<usize>) {
    for number in names {
        let mut user = invited(&format!("user{number}"));
        user["emails"][0]["value"] = json!(if number % 2 == 0 { "victim@example.com" } else { "Victim@Example.com" });
        let reply = app.admin("POST", "/scim2/Users", user.to_string());
        assert_eq!((reply.status.as_u16(), reply.trips()), (201, 1), "{}", reply.text);
    }
}

fn mails(app: &App, state: &str) -> i64 {
    app.number(&format!("SELECT count(*) FROM outbox WHERE state = '{state}'"))
}

#[test]
fn what_is_too_much_mail_for_one_address_waits_and_all_of_it_goes_out() {
    let app = App::with(&[("RATE_LIMITS", "mail-per-address=3/hour")]);
    invite_many(&app, 0..5);
    app.invite("somebody");
    assert_eq!(app.deliver(), Report { sent: 4, deferred: 2, ended: 0 });
    invite_many(&app, 5..7);
    assert_eq!(app.deliver(), Report { deferred: 2, ..Report::default() });
    assert_eq!((mails(&app, "sent"), mails(&app, "deferred")), (4, 4));
    assert_eq!(app.number("SELECT count(*) FROM resources WHERE delivery = 'deferred'"), 4, "their users show it");
    let waiting = app.admin("GET", "/api/mail?state=deferred", "").json();
    assert_eq!(waiting["Resources"][0]["lastError"], "its address has had as many mails as it may have for now");
    assert_eq!(app.deliver(), Report::default(), "nothing is due");

    app.native.clock.advance(Duration::from_secs(3_601));
    assert_eq!(app.deliver(), Report { sent: 3, deferred: 1, ended: 0 });
    app.native.clock.advance(Duration::from_secs(3_601));
    assert_eq!(app.deliver(), Report { sent: 1, ..Report::default() });
    assert_eq!((mails(&app, "sent"), app.number("SELECT count(*) FROM outbox")), (8, 8));
}

#[test]
fn a_link_that_had_to_wait_lives_as_long_as_any_other() {
    let app = App::with(&[("RATE_LIMITS", "mail-per-address=1/day"), ("ASK_PASSWORD_EMAIL_VALIDITY", "60")]);
    invite_many(&app, 0..2);
    assert_eq!(app.deliver(), Report { sent: 1, deferred: 1, ended: 0 });
    app.native.clock.advance(Duration::from_secs(86_401));
    let link = app.newest_link();
    assert_eq!(app.anyone("GET", &link).status, 200);
}

#[test]
fn each_tenant_sets_how_much_mail_an_address_gets() {
    let app = App::with(&[("RATE_LIMITS", "mail-per-address=1/day")]);
    let set = app.admin("PATCH", "/api/settings", json!({ "RATE_LIMITS": "mail-per-address=off" }).to_string());
    assert_eq!(set.status, 200, "{}", set.text);
    invite_many(&app, 0..5);
    assert_eq!(app.deliver(), Report { sent: 5, ..Report::default() });
}

/// A database in which another sender mails the same address between a run's look and its lease.
struct Racing {
    inner: Arc<dyn Database>,
    batches: AtomicUsize,
}
impl Database for Racing {
    fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
        let answer = self.inner.batch(statements)?;
        if self.batches.fetch_add(1, Ordering::SeqCst) == 0 {
            let other =
                "UPDATE outbox SET issued_at = issued_at + 86402 WHERE state = 'sent' AND tenant = 0 AND id > ''";
            self.inner.batch(vec![Statement::new(other, Vec::new())])?;
        }
        Ok(answer)
    }
}

#[test]
fn two_senders_together_send_no_more_than_one_would() {
    let mut app = App::with(&[("RATE_LIMITS", "mail-per-address=1/day")]);
    invite_many(&app, 0..1);
    app.deliver();
    app.native.clock.advance(Duration::from_secs(86_402));
    let mut user = invited("another");
    user["emails"][0]["value"] = json!("victim@example.com");
    app.scim().create("/scim2/Users", &user);
    let inner = app.platform.db.clone();
    app.platform.db = Arc::new(Racing { inner, batches: AtomicUsize::new(0) });
    assert_eq!(app.deliver(), Report { deferred: 1, ..Report::default() }, "the lease counts again");
    assert_eq!((mails(&app, "deferred"), mails(&app, "sent")), (1, 1));
}

/// Sends this many mails to addresses of which some are one mailbox; returns how many go out at once.
fn sent_at_once(addresses: &[&str]) -> usize {
    let app = App::with(&[("RATE_LIMITS", "mail-per-address=1/day")]);
    for (number, address) in addresses.iter().enumerate() {
        let mut user = invited(&format!("user{number}"));
        user["emails"][0]["value"] = json!(address);
        let reply = app.admin("POST", "/scim2/Users", user.to_string());
        assert_eq!(reply.status, 201, "{}", reply.text);
    }
    let report = app.deliver();
    assert_eq!(report.sent + report.deferred, addresses.len());
    report.sent
}

#[test]
fn the_names_of_one_mailbox_are_counted_together() {
    for one_mailbox in [
        ["victim@example.com", "Victim+1@example.com", "victim+two+three@EXAMPLE.com", "victim+@example.com"],
        [
            "j\u{f6}rg@m\u{fc}ller.example",
            "J\u{d6}RG+1@M\u{dc}LLER.example",
            "jo\u{308}rg@xn--mller-kva.example",
            "j\u{f6}rg+x@XN--MLLER-KVA.example",
        ],
        ["+1@example.com", "+2@example.com", "+@example.com", "+a+b@example.com"],
    ] {
        assert_eq!(sent_at_once(&one_mailbox), 1, "{one_mailbox:?}");
    }
    let several = ["victim@example.com", "v.ictim@example.com", "victim-1@example.com", "victim@mail.example.com"];
    assert_eq!(sent_at_once(&several), 4);
}

#[test]
fn mails_of_a_resend_a_change_of_address_and_a_deleted_user_count_for_the_mailbox() {
    let app = App::with(&[("RATE_LIMITS", "mail-per-address=2/day")]);
    let first = invite(&app, "victim");
    assert_eq!(app.deliver().sent, 1);
    assert_eq!(resend(&app, &first).status, 202);
    assert_eq!(app.deliver().sent, 1);
    assert_eq!(app.admin("DELETE", &format!("/scim2/Users/{first}"), "").status, 204);
    let mut user = invited("another");
    user["emails"][0]["value"] = json!("Victim+again@example.com");
    let user = app.admin("POST", "/scim2/Users", user.to_string()).json()["id"].as_str().unwrap().to_owned();
    assert_eq!(app.deliver(), Report { deferred: 1, ..Report::default() });
    let to = json!([{ "value": "VICTIM+more@example.com", "primary": true }]);
    app.scim().set(&format!("/scim2/Users/{user}"), "emails", to).is(200);
    assert_eq!(
        app.deliver(),
        Report { deferred: 1, ..Report::default() },
        "and the one it replaces ends when it is due"
    );
    app.native.clock.advance(Duration::from_secs(86_401));
    assert_eq!(app.deliver(), Report { sent: 1, deferred: 0, ended: 1 });
}

fn resend(app: &App, id: &str) -> Reply {
    app.admin("POST", &format!("/api/invitations/{id}/resend"), "")
}

fn invite(app: &App, name: &str) -> String {
    app.invite(name)["id"].as_str().unwrap().to_owned()
}

#[test]
fn an_invitation_is_sent_again_as_often_as_the_limit_allows() {
    let app = App::with(&[("RATE_LIMITS", "resends=2/hour")]);
    let (paul, petra) = (invite(&app, "paul"), invite(&app, "petra"));
    assert_eq!(resend(&app, &paul).status, 202);
    app.native.clock.advance(Duration::from_secs(600));
    assert_eq!(resend(&app, &paul).status, 202);

    let refused = resend(&app, &paul);
    assert_eq!((refused.status.as_u16(), refused.header("content-type")), (429, "application/problem+json"));
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((2_990..=3_000).contains(&wait), "{wait}: until the first of the two is an hour ago");
    assert!(refused.text.contains("2 times"), "{}", refused.text);
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 4, "nothing was written");
    assert_eq!(app.number("SELECT seq FROM resources WHERE name_key = 'paul'"), 2);
    let link = app.newest_link();
    assert_eq!(resend(&app, &petra).status, 202, "another invitation is another matter");
    assert_eq!(app.anyone("GET", &link).status, 200, "the last link lives on");

    app.native.clock.advance(Duration::from_secs(wait));
    assert_eq!(resend(&app, &paul).status, 202);
    assert_eq!(resend(&app, &paul).status, 429);
    let user = json!({ "user": { "username": "paul", "realm": "PRIMARY" },
        "properties": [{ "key": "RecoveryScenario", "value": "ASK_PASSWORD" }] });
    let in_wso2s_words = app.admin("POST", "/api/identity/user/v1.0/resend-code", user.to_string());
    assert_eq!((in_wso2s_words.status.as_u16(), in_wso2s_words.header("retry-after").is_empty()), (429, false));
    assert_eq!(in_wso2s_words.json()["message"], "Too Many Requests");
}

#[test]
fn of_many_resends_at_once_no_more_than_the_limit_get_through() {
    let app = App::with(&[("RATE_LIMITS", "resends=3/day")]);
    let id = invite(&app, "paul");
    let mut statuses = in_parallel(8, |_| resend(&app, &id).status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 202, 202, 429, 429, 429, 429, 429]);
    assert_eq!(app.number("SELECT seq FROM resources"), 3);
}

#[test]
fn what_stands_against_a_resend_anyway_is_said_first() {
    let app = App::with(&[("RATE_LIMITS", "resends=1/day")]);
    let id = invite(&app, "paul");
    assert_eq!(resend(&app, &id).status, 202);
    let link = app.newest_link();
    assert_eq!(app.post_form(&link, &[("password", PASSWORD)]).status, 200);
    let refused = resend(&app, &id);
    assert_eq!(refused.status, 409);
    assert!(refused.text.contains("has been accepted"), "{}", refused.text);
}

#[test]
fn whoever_holds_an_expired_link_takes_no_resend_from_the_administrator() {
    let app = App::with(&[("RATE_LIMITS", "resends=1/day")]);
    let id = invite(&app, "paul");
    let link = app.newest_link();
    app.native.clock.advance(Duration::from_secs(86_400));
    assert_eq!(app.post_form(&link, &[("intent", "new-mail")]).status, 200);
    app.renew();
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'invitation.resend'"), 1);
    assert_eq!(resend(&app, &id).status, 202);
    assert_eq!(resend(&app, &id).status, 429);
}
