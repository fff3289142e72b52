//! `EMAIL_SENDER=external`: no mail; the code comes back in the answer, and whoever asked sends it on (DESIGN 2.2).

use std::time::Duration;

use latchkey::access::hash_limiter::HashLimiter;
use latchkey::base::scope::{Scope, Scopes};
use latchkey::model::context::{Actor, Context, Work};
use latchkey::model::settings::Values;
use latchkey::model::tenant::Tenant;
use latchkey::provision;
use latchkey::store::registrations;
use serde_json::{Value, json};

use crate::scim2::client::{INVITATION, WSO2};
use crate::support::{App, Reply, invited};

const HEADER: &str = "ask-password-confirmation-code";
const PASSWORD: &str = "walking the dog at nine";

fn external(more: &[(&str, &str)]) -> App {
    App::with(&[more, &[("EMAIL_SENDER", "external")]].concat())
}

fn create(app: &App, body: &Value) -> Reply {
    let reply = app.admin("POST", "/scim2/Users", body.to_string());
    assert_eq!(reply.status, 201, "{}", reply.text);
    reply
}

fn verified(user_name: &str) -> Value {
    let mut body = invited(user_name);
    body["urn:scim:wso2:schema"] = json!({ "verifyEmail": true });
    body["password"] = json!(PASSWORD);
    body
}

fn redeem(app: &App, code: &str) -> Reply {
    app.post_form(&format!("/invite/{code}"), &[("password", PASSWORD)])
}

fn mails(app: &App) -> i64 {
    app.number("SELECT COUNT(*) FROM outbox")
}

#[test]
fn the_code_comes_back_in_a_header_and_works() {
    let app = external(&[]);
    let reply = create(&app, &invited("paul"));
    assert_eq!(reply.trips(), 1);
    let code = reply.header(HEADER);
    assert!(code.starts_with("lk1."), "{code}");
    assert!(!reply.text.contains("lk1."), "nowhere else: {}", reply.text);
    let user = reply.json();
    assert_eq!(user[WSO2]["accountState"], "PENDING_AP");
    assert_eq!(user[INVITATION]["status"], "pending");
    assert_eq!(user[INVITATION]["delivery"], "external");
    assert!(user[INVITATION].get("sentAt").is_none() && user[INVITATION]["expiresAt"].is_string(), "{user}");
    assert_eq!(app.scim().get(&format!("/scim2/Users/{}", user["id"].as_str().unwrap())).is(200), user);
    assert_eq!(app.number("SELECT COUNT(*) FROM audit WHERE action = 'invitation.link'"), 1);
    assert!(!app.dump().contains("lk1.") && !app.native.log.to_text().contains("lk1."), "the code is nowhere at rest");

    assert_eq!(redeem(&app, code).status, 200);
    let me = app.user("paul", PASSWORD).get("/scim2/Me").is(200);
    assert_eq!(me[INVITATION]["status"], "accepted");
    assert_eq!(me[WSO2]["emailVerified"], false, "the code went to the caller, who need not be the mailbox");
    assert_eq!((mails(&app), redeem(&app, code).status.as_u16()), (0, 410));
}

#[test]
fn a_verify_email_code_comes_back_too_and_confirms_the_address() {
    let app = external(&[]);
    let reply = create(&app, &verified("paul"));
    assert_eq!(reply.json()[WSO2]["accountState"], "PENDING_EV");
    let page = format!("/verify/{}", reply.header(HEADER));
    assert_eq!(app.post_form(&page, &[("intent", "confirm-email")]).status, 200);
    assert_eq!(app.user("paul", PASSWORD).get("/scim2/Me").is(200)[WSO2]["emailVerified"], true);
    assert_eq!(mails(&app), 0);
}

#[test]
fn a_code_expires_as_the_settings_say_from_now_on() {
    let app = external(&[("ASK_PASSWORD_EMAIL_VALIDITY", "1"), ("VERIFICATION_EMAIL_VALIDITY", "-1")]);
    let short = create(&app, &invited("paul")).header(HEADER).to_owned();
    let forever = create(&app, &verified("petra"));
    assert!(forever.json()[INVITATION].get("expiresAt").is_none(), "{}", forever.text);
    app.native.clock.advance(Duration::from_secs(60));
    assert_eq!(redeem(&app, &short).status, 410);
    let expired = format!("{INVITATION}:status eq \"expired\"");
    assert_eq!(app.scim().count("/scim2/Users", &expired), 1);
    app.native.clock.advance(Duration::from_secs(400 * 86_400));
    assert_eq!(app.anyone("GET", &format!("/verify/{}", forever.header(HEADER))).status, 200);
}

#[test]
fn who_is_not_invited_has_no_code() {
    let app = external(&[]);
    assert_eq!(create(&app, &json!({ "userName": "paul" })).header(HEADER), "");
    let app = external(&[("ENABLE_EMAIL_VERIFICATION", "false")]);
    assert_eq!(create(&app, &invited("paul")).header(HEADER), "");
}

#[test]
fn bulk_answers_a_code_per_operation() {
    let app = external(&[]);
    let post =
        |bulk_id: &str, data: Value| json!({ "method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data });
    let reply = app.scim().bulk(vec![
        post("a", invited("anna")),
        post("b", json!({ "userName": "plain" })),
        post("c", json!({})),
        post("d", verified("dora")),
        json!({ "method": "PATCH", "path": "/Users/bulkId:a", "data": { "Operations": [
            { "op": "add", "path": format!("{WSO2}:askPassword"), "value": true } ] } }),
    ]);
    let results = reply.is(200)["Operations"].as_array().unwrap().clone();
    let code = |index: usize| results[index]["headers"]["Ask-Password-Confirmation-Code"].as_str();
    assert!(results[1].get("headers").is_none() && results[2].get("headers").is_none(), "{}", reply.text);
    assert_eq!(results[2]["status"], "400");
    assert_eq!(app.anyone("GET", &format!("/verify/{}", code(3).unwrap())).status, 200);
    assert_eq!(redeem(&app, code(0).unwrap()).status, 410, "replaced by the one that the PATCH asked for");
    assert_eq!(redeem(&app, code(4).unwrap()).status, 200);
    assert_eq!(mails(&app), 0);
}

#[test]
fn inviting_again_answers_a_new_code_and_kills_the_old_one() {
    let app = external(&[]);
    let created = create(&app, &invited("paul"));
    let path = format!("/scim2/Users/{}", created.json()["id"].as_str().unwrap());
    let again = app.scim().set(&path, &format!("{WSO2}:askPassword"), true);
    again.is(200);
    let moved = app.scim().set(&path, "emails", json!([{ "value": "new@example.com" }]));
    moved.is(200);
    let read = app.scim().get(&path);
    assert_eq!((read.header(HEADER), read.json()[INVITATION]["delivery"].as_str()), ("", Some("external")));
    for dead in [&created, &again] {
        assert_eq!(redeem(&app, dead.header(HEADER)).status, 410);
    }
    assert_eq!(redeem(&app, moved.header(HEADER)).status, 200);
}

#[test]
fn the_switch_is_the_tenants_and_holds_at_once() {
    let app = App::new();
    app.invite("before");
    let changed = app.admin("PATCH", "/api/settings", json!({ "EMAIL_SENDER": "external" }).to_string());
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_ne!(create(&app, &invited("paul")).header(HEADER), "");
    assert_eq!(mails(&app), 1, "what was queued before goes out");
}

/// What the caller with these scopes gets for creating a user with a flag.
fn as_caller_with(app: &App, scopes: &[Scope], body: Value) -> Result<provision::Found, provision::ProvisionError> {
    let ctx = Context {
        platform: app.platform.clone(),
        work: Work {
            deployment: app.deployment.clone(),
            caches: std::sync::Arc::default(),
            settings: Some(app.deployment.settings_of(&Tenant::super_tenant(), &Values::new()).into()),
            tenant: Tenant::super_tenant(),
            actor: Actor::Administrator("inviter".to_owned()),
            scopes: scopes.iter().copied().collect::<Scopes>(),
            request_id: "test".to_owned(),
            address: None,
        },
    };
    {
        let registry = registrations::load_registry(&ctx).unwrap();
        let user = registry.resource_type("User").unwrap().clone();
        provision::create(&ctx, &HashLimiter::default(), &user, body)
    }
}

#[test]
fn a_caller_without_the_scope_links_is_refused_and_nothing_is_written() {
    let app = external(&[]);
    let before = app.dump();
    for body in [invited("paul"), verified("petra")] {
        match as_caller_with(&app, &[Scope::ScimWrite, Scope::Invitations], body) {
            Err(provision::ProvisionError::Scim(error)) => {
                assert_eq!(error.status, 403);
                assert!(error.detail.contains("scope links"), "{}", error.detail);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(app.dump(), before);
    assert!(as_caller_with(&app, &[Scope::ScimWrite], json!({ "userName": "plain" })).unwrap().code.is_none());
    let found = as_caller_with(&app, &[Scope::Invitations, Scope::Links], invited("paul")).unwrap();
    assert!(found.code.as_ref().is_some_and(|code| code.expose().starts_with("lk1.")));
    assert!(!format!("{found:?}").contains("lk1."), "a code is not for debugging");
}

#[test]
fn a_new_address_of_a_live_user_is_mailed_all_the_same() {
    let app = external(&[("EMAIL_UPDATE_VERIFICATION", "true")]);
    let created = create(&app, &verified("paul"));
    let path = format!("/scim2/Users/{}", created.json()["id"].as_str().unwrap());
    app.post_form(&format!("/verify/{}", created.header(HEADER)), &[("intent", "confirm-email")]);
    let changed = app.scim().set(&path, "emails", json!([{ "value": "new@example.com" }]));
    changed.is(200);
    assert_eq!(changed.header(HEADER), "", "who asks for the change need not be who reads the mailbox");
    app.deliver();
    assert_eq!(app.inbox().iter().filter(|mail| mail["to"] == "new@example.com").count(), 1);
    let again = app.admin("POST", &format!("{}/resend", path.replace("/scim2/Users", "/api/invitations")), "");
    assert_eq!((again.status.as_u16(), again.header(HEADER)), (202, ""), "{}", again.text);
}

#[test]
fn the_owner_of_a_tenant_that_sends_its_own_mails_is_answered_a_code() {
    let app = App::new();
    let tenant = json!({ "domain": "acme.com", "settings": { "EMAIL_SENDER": "external" }, "owners": [{
        "username": "kim", "email": "kim@acme.com", "firstname": "Kim", "lastname": "Doe",
        "provisioningMethod": "invite-via-email" }] });
    let created = app.admin("POST", "/api/server/v1/tenants", tenant.to_string());
    assert_eq!(created.status, 201, "{}", created.text);
    let page = format!("/t/acme.com/invite/{}", created.header(HEADER));
    assert_eq!(app.post_form(&page, &[("password", PASSWORD)]).status, 200);
    assert_eq!(mails(&app), 0);
}
