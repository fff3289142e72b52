//! `/api/server/v1/tenants`, and the walls between tenants.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use crate::support::{App, ORIGIN, basic, invited};

fn acme() -> Value {
    json!({
        "domain": "acme.com",
        "owners": [{
            "username": "kim", "email": "kim@acme.com", "firstname": "Kim", "lastname": "Doe",
            "provisioningMethod": "invite-via-email",
        }],
        "settings": { "ASK_PASSWORD_EMAIL_VALIDITY": 30, "DEFAULT_LOCALE": "de_DE" },
    })
}

fn create(app: &App, body: &Value) -> String {
    let reply = app.admin("POST", "/api/server/v1/tenants", body.to_string());
    assert_eq!(reply.status, 201, "{}", reply.text);
    reply.header("location").strip_prefix(ORIGIN).unwrap().to_owned()
}

#[test]
fn a_tenants_owner_is_invited_into_the_tenant_with_its_settings_in_force() {
    let app = App::new();
    let location = create(&app, &acme());
    let shown = app.admin("GET", &location, "").json();
    assert_eq!(shown["domain"], "acme.com");
    assert_eq!(shown["owners"][0]["username"], "kim");
    assert_eq!(shown["lifecycleStatus"]["activated"], true);
    assert_eq!(app.admin("GET", "/api/server/v1/tenants/domain/Acme.com", "").json()["id"], shown["id"]);
    assert_eq!(app.admin("GET", &format!("{location}/owners"), "").json(), shown["owners"]);
    let page = app.admin("GET", "/api/server/v1/tenants?limit=1", "").json();
    assert_eq!(page["totalResults"], 2);
    assert_eq!(page["tenants"][0]["domain"], "acme.com");
    assert_eq!(page["links"][0]["rel"], "next");

    let link = app.newest_link();
    assert!(link.starts_with("/t/acme.com/invite/"), "{link}");
    let mail = app.inbox().remove(0);
    assert_eq!(mail["locale"], "de_DE");
    assert!(mail["subject"].as_str().unwrap().contains("acme.com"), "{}", mail["subject"]);
    assert_eq!(app.post_form(&link, &[("password", "a good enough secret")]).status, 200);
    let me = app.send(
        Request::get("/t/acme.com/scim2/Me")
            .header("authorization", basic("kim", "a good enough secret"))
            .body(Bytes::new())
            .unwrap(),
    );
    assert_eq!(me.status, 200, "{}", me.text);
    assert_eq!(me.json()["roles"][0]["value"], "admin");
    assert_eq!(app.me("kim", "a good enough secret").status, 401, "they are nobody in the super tenant");

    let own = app.admin("GET", "/t/acme.com/api/settings", "").json();
    assert_eq!(own["own"], json!(["ASK_PASSWORD_EMAIL_VALIDITY", "DEFAULT_LOCALE"]));
    assert_eq!(app.admin("GET", "/api/settings", "").json()["own"], json!([]));
}

#[test]
fn a_tenant_is_created_whole_or_not_at_all() {
    let app = App::new();
    create(&app, &acme());
    let with = |name: &str, value: Value| {
        let mut body = acme();
        body["domain"] = json!("globex.com");
        body[name] = value;
        body
    };
    let owner = |name: &str, value: Value| {
        let mut owners = acme()["owners"].clone();
        owners[0][name] = value;
        with("owners", owners)
    };
    let twice = json!([acme()["owners"][0], acme()["owners"][0]]);
    for (body, status, code) in [
        (acme(), 409, "TM-60009"),
        (with("domain", json!("carbon.super")), 409, "TM-60009"),
        (with("domain", json!("")), 400, "TM-60004"),
        (with("domain", json!(".com")), 400, "TM-60006"),
        (with("domain", json!("a/b")), 400, "TM-60007"),
        (with("domain", json!("grün.de")), 400, "TM-60007"),
        (with("domain", Value::Null), 400, "TM-60013"),
        (with("owners", json!([])), 400, "TM-60012"),
        (with("owners", twice), 409, "TM-60002"),
        (owner("email", json!("a@b.c, d@e.f")), 400, "TM-60002"),
        (owner("username", json!("")), 400, "TM-60013"),
        (owner("provisioningMethod", json!("inline-password")), 400, "TM-60013"),
        (owner("provisioningMethod", json!("pigeon")), 400, "TM-60013"),
        (with("settings", json!({ "PUBLIC_ORIGIN": "https://evil.example" })), 400, "TM-60013"),
        (with("settings", json!({ "PASSWORD_MIN_LENGTH": 0 })), 400, "TM-60013"),
        (with("settings", json!({ "ENABLE_EMAIL_VERIFICATION": false })), 400, "TM-60002"),
    ] {
        let reply = app.admin("POST", "/api/server/v1/tenants", body.to_string());
        assert_eq!(reply.status, status, "{body}: {}", reply.text);
        assert_eq!(reply.json()["code"], code, "{body}: {}", reply.text);
        assert!(reply.json()["traceId"].is_string(), "{}", reply.text);
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM tenants"), 2);
    assert_eq!(app.number("SELECT COUNT(*) FROM resources"), 1);
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 1);
}

#[test]
fn an_owner_may_be_given_a_password_instead_of_an_invitation() {
    let app = App::new();
    let mut body = acme();
    body["owners"][0]["provisioningMethod"] = json!("inline-password");
    body["owners"][0]["password"] = json!("a good enough secret");
    create(&app, &body);
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox"), 0);
    let request = Request::get("/t/acme.com/scim2/Me").header("authorization", basic("kim", "a good enough secret"));
    assert_eq!(app.send(request.body(Bytes::new()).unwrap()).status, 200);
}

#[test]
fn nothing_of_one_tenant_is_reachable_or_countable_from_another() {
    let app = App::new();
    create(&app, &acme());
    let mut globex = acme();
    globex["domain"] = json!("globex.com");
    create(&app, &globex);
    let secret = app.admin("POST", "/t/acme.com/scim2/Users", invited("Secret").to_string());
    assert_eq!(secret.status, 201, "{}", secret.text);
    let id = secret.json()["id"].as_str().unwrap().to_owned();
    let link = app.newest_link();

    for other in ["", "/t/globex.com"] {
        assert_eq!(app.admin("GET", &format!("{other}/scim2/Users/{id}"), "").status, 404);
        assert_eq!(app.admin("DELETE", &format!("{other}/scim2/Users/{id}"), "").status, 404);
        let found = app.admin("GET", &format!("{other}/scim2/Users?filter=userName+eq+%22secret%22"), "").json();
        assert_eq!(found["totalResults"], 0);
        let stolen = format!("{other}{}", link.strip_prefix("/t/acme.com").unwrap());
        let reply = app.post_form(&stolen, &[("password", "a good enough secret")]);
        assert_eq!(reply.status, 404, "a link works in its own tenant alone");
        assert_eq!(reply.trips(), 0);
        let member = json!({ "displayName": "Spies", "members": [{ "value": id }] });
        assert_eq!(app.admin("POST", &format!("{other}/scim2/Groups"), member.to_string()).status, 400);
    }
    assert_eq!(app.admin("GET", "/t/acme.com/scim2/Users", "").json()["totalResults"], 2);
    assert_eq!(app.admin("GET", "/t/globex.com/scim2/Users", "").json()["totalResults"], 1);
    assert_eq!(app.admin("GET", "/scim2/Users", "").json()["totalResults"], 0);
    // The same name is free in every other tenant, and the link still works at home.
    assert_eq!(app.admin("POST", "/t/globex.com/scim2/Users", invited("Secret").to_string()).status, 201);
    assert_eq!(app.post_form(&link, &[("password", "a good enough secret")]).status, 200);
}

#[test]
fn an_unknown_tenant_answers_like_a_known_one_with_wrong_credentials() {
    let app = App::new();
    create(&app, &acme());
    let wrong = |path: &str| {
        app.send(Request::get(path).header("authorization", basic("kim", "wrong")).body(Bytes::new()).unwrap())
    };
    let (known, unknown) = (wrong("/t/acme.com/scim2/Users"), wrong("/t/nobody.com/scim2/Users"));
    assert_eq!((known.status.as_u16(), &known.text), (401, &unknown.text));
    assert_eq!(unknown.status, 401);
    assert_eq!(app.admin("GET", "/t/nobody.com/scim2/Users", "").status, 401);
    let discovery = |tenant: &str| app.anyone("GET", &format!("/t/{tenant}/scim2/Schemas")).text.replace(tenant, "X");
    assert_eq!(discovery("acme.com"), discovery("nobody.com"));
}

#[test]
fn a_deactivated_tenant_lets_nobody_in_until_it_is_activated_again() {
    let app = App::new();
    let location = create(&app, &acme());
    let link = app.newest_link();
    let status = |active: bool| {
        let body = json!({ "activated": active }).to_string();
        app.admin("PUT", &format!("{location}/lifecycle-status"), body).status
    };
    assert_eq!(status(false), 200);
    assert_eq!(app.admin("GET", "/t/acme.com/scim2/Users", "").status, 401);
    assert_eq!(app.anyone("GET", &link).status, 404);
    assert_eq!(app.post_form(&link, &[("password", "a good enough secret")]).status, 404);
    assert_eq!(status(true), 200);
    assert_eq!(app.post_form(&link, &[("password", "a good enough secret")]).status, 200);
    let own = app.admin("GET", "/api/server/v1/tenants/domain/carbon.super", "").json()["id"].clone();
    let own = format!("/api/server/v1/tenants/{}/lifecycle-status", own.as_str().unwrap());
    assert_eq!(app.admin("PUT", &own, json!({ "activated": false }).to_string()).status, 400);
}

#[test]
fn tenants_are_the_super_tenants_business() {
    let app = App::new();
    create(&app, &acme());
    let inside = app.admin("POST", "/t/acme.com/api/server/v1/tenants", acme().to_string());
    assert_eq!(inside.status, 403, "{}", inside.text);
    let nobody = app.anyone("GET", "/api/server/v1/tenants");
    assert_eq!(nobody.status, 401);
    assert!(nobody.header("www-authenticate").contains("Basic"));
    assert_eq!(app.admin("GET", "/api/server/v1/tenants/12345", "").json()["code"], "TM-60014");
}
