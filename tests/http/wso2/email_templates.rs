//! `/api/server/v2/email/template-types` and `v1`.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::{App, Faulty, ORIGIN, Reply, basic, invited};
use crate::templates::{ASK, TYPES, mailed, put, template};

fn id(name: &str) -> String {
    URL_SAFE_NO_PAD.encode(name)
}

fn refused(reply: &Reply, status: u16, code: &str) -> String {
    assert_eq!(reply.status, status, "{}", reply.text);
    assert_eq!(reply.header("content-type"), "application/json");
    let body = reply.json();
    let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["code", "message", "description", "traceId"]);
    assert_eq!(body["code"], code, "{}", reply.text);
    assert_eq!(body["traceId"], reply.header("x-request-id"));
    body["description"].as_str().unwrap().to_owned()
}

#[test]
fn what_is_shipped_is_there_as_wso2s_defaults_are() {
    let app = App::new();
    let types = app.admin("GET", TYPES, "").json();
    assert_eq!(
        types[0],
        json!({ "id": "QXNrUGFzc3dvcmQ", "displayName": "AskPassword",
            "self": "/t/carbon.super/api/server/v2/email/template-types/QXNrUGFzc3dvcmQ" })
    );
    assert_eq!(types.as_array().unwrap().len(), 12);
    assert_eq!(app.admin("GET", ASK, "").json(), types[0]);
    let list = app.admin("GET", &format!("{ASK}/org-templates"), "").json();
    let locales: Vec<&str> = list.as_array().unwrap().iter().map(|one| one["locale"].as_str().unwrap()).collect();
    assert_eq!(locales, ["ar", "de_DE", "en_US", "es_ES", "fr_FR", "ja_JP", "pt_BR", "zh_CN"]);
    for locale in &list.as_array().unwrap()[..2] {
        let path = locale["self"].as_str().unwrap();
        let shown = app.admin("GET", path, "").json();
        assert_eq!(shown["locale"], locale["locale"]);
        assert_eq!(shown["contentType"], "text/html");
        assert!(shown["body"].as_str().unwrap().contains("{{invitation-link}}"));
        // what is shown can be sent back
        assert_eq!(app.admin("PUT", path, shown.to_string()).status, 200);
        assert_eq!(app.admin("GET", path, "").json(), shown);
    }
    for spelling in ["en-us", "EN_US", "en%5FUS"] {
        let reply = app.admin("GET", &format!("{ASK}/org-templates/{spelling}"), "");
        assert_eq!(reply.json()["locale"], "en_US", "{spelling}");
    }
    // a type is found whatever its case, its padding and its escapes
    for spelling in [id("askpassword"), "QXNr%55GFzc3dvcmQ%3D".to_owned()] {
        assert_eq!(app.admin("GET", &format!("{TYPES}/{spelling}"), "").json()["displayName"], "AskPassword");
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM template_types"), 0);
}

#[test]
fn the_same_content_again_makes_no_new_version() {
    let app = App::new();
    put(&app, "en_US", "Once");
    put(&app, "en_US", "Once");
    assert_eq!(app.number("SELECT MAX(version) FROM templates"), 1);
    put(&app, "en_US", "Twice");
    assert_eq!(app.number("SELECT MAX(version) FROM templates"), 2);
    assert_eq!(app.number("SELECT COUNT(*) FROM templates WHERE retired IS NULL"), 1);
}

#[test]
fn what_is_missing_there_twice_or_wrong_is_told_in_wso2s_terms() {
    let app = App::new();
    let none = format!("{TYPES}/{}", id("Nothing"));
    for (method, path) in [
        ("GET", none.clone()),
        ("GET", format!("{none}/org-templates")),
        ("POST", format!("{none}/org-templates")),
        ("PUT", format!("{none}/org-templates/en_US")),
        ("GET", format!("{TYPES}/!!")),
        ("GET", format!("{TYPES}/%FF")),
    ] {
        refused(&app.admin(method, &path, template("en_US", "x").to_string()), 404, "ETM-50002");
    }
    for (method, locale) in [("GET", "sv_SE"), ("PUT", "sv_SE"), ("GET", "de_CH")] {
        let path = format!("{ASK}/org-templates/{locale}");
        refused(&app.admin(method, &path, template(locale, "x").to_string()), 404, "ETM-50003");
    }
    refused(&app.admin("POST", &format!("{ASK}/org-templates"), template("en-us", "x").to_string()), 409, "ETM-50004");
    let swedish = template("sv_SE", "Hej").to_string();
    let added = app.admin("POST", &format!("{ASK}/org-templates"), swedish.clone());
    assert_eq!(added.status, 201, "{}", added.text);
    assert_eq!(added.header("location"), format!("{ORIGIN}{ASK}/org-templates/sv_SE"));
    let own = json!({ "locale": "sv_SE", "self": format!("/t/carbon.super{ASK}/org-templates/sv_SE") });
    assert_eq!(added.json(), own);
    refused(&app.admin("POST", &format!("{ASK}/org-templates"), swedish), 409, "ETM-50004");

    refused(&app.admin("POST", TYPES, r#"{"displayName":"ASKPASSWORD"}"#), 409, "ETM-50005");
    for query in ["limit=1", "offset=1"] {
        refused(&app.admin("GET", &format!("{TYPES}?{query}"), ""), 501, "ETM-55011");
    }
    for query in ["sortBy=x", "sortOrder=asc"] {
        refused(&app.admin("GET", &format!("{ASK}/org-templates?{query}"), ""), 501, "ETM-55012");
    }
    refused(&app.admin("GET", "/api/server/v1/email/template-types?requiredAttributes=x", ""), 400, "ETM-50006");
    for method in ["GET", "PUT", "POST", "DELETE"] {
        assert_eq!(app.admin(method, &format!("{ASK}/app-templates/1/en_US"), "{}").status, 501);
    }
    refused(&app.admin("POST", TYPES, "{"), 400, "UE-10000");
    let anyone = app.anyone("GET", TYPES);
    assert_eq!(anyone.status, 401);
    assert_eq!(anyone.json()["traceId"], anyone.header("x-request-id"));
    assert_eq!(app.admin("PATCH", TYPES, "{}").status, 405);
}

#[test]
fn what_could_not_be_mailed_is_refused_and_changes_nothing() {
    let app = App::new();
    let path = format!("{ASK}/org-templates/en_US");
    let with = |name: &str, value: Value| {
        let mut body = template("en_US", "x");
        body[name] = value;
        body
    };
    let before = app.dump();
    for (body, named) in [
        (with("body", "<p>no link</p>".into()), "{{invitation-link}}"),
        (with("body", "<!-- {{invitation-link}} -->".into()), "no link"),
        (with("body", "<script>'{{confirmation-code}}'</script>".into()), "no link"),
        (with("text", "no link".into()), "text part"),
        (json!({ "subject": "x" }), "body is empty"),
        (with("subject", " ".into()), "subject is empty"),
        (with("subject", "x".repeat(2000).into()), "longer than 1024 bytes"),
        (with("body", ("{{invitation-link}} ".to_owned() + &"x".repeat(64 * 1024)).into()), "longer than 65536 bytes"),
        (with("body", 7.into()), "body is not text"),
        (with("contentType", "application/pdf".into()), "contentType"),
        (with("locale", "de_DE".into()), "not the locale in the address"),
        (json!([]), "subject is empty"),
    ] {
        let description = refused(&app.admin("PUT", &path, body.to_string()), 400, "ETM-50006");
        assert!(description.contains(named), "{named}: {description}");
    }
    for locale in ["", "english please", "../en", "en_US.UTF-8", "abc_abcdefgh_abcdefgh"] {
        let body = template(locale, "x").to_string();
        refused(&app.admin("POST", &format!("{ASK}/org-templates"), body), 400, "ETM-50006");
    }
    for name in ["", " ", "a/b", "a\nb", "<script>", "{{7*7}}", "\u{202e}x", &"x".repeat(65)] {
        refused(&app.admin("POST", TYPES, json!({ "displayName": name }).to_string()), 400, "ETM-50006");
    }
    assert_eq!(app.admin("PUT", &path, "x".repeat(2 * 1024 * 1024)).status, 413);
    assert_eq!(app.dump(), before);
}

#[test]
fn a_type_of_ones_own_holds_templates_and_goes_with_them() {
    let app = App::new();
    let added = app.admin("POST", TYPES, r#"{"displayName":"Größte Überraschung"}"#);
    assert_eq!(added.status, 201, "{}", added.text);
    let path = format!("{TYPES}/{}", id("Größte Überraschung"));
    assert_eq!(added.header("location"), format!("{ORIGIN}{path}"));
    assert_eq!(added.json(), app.admin("GET", &path, "").json());
    assert_eq!(app.admin("GET", TYPES, "").json()[12], added.json());
    refused(&app.admin("POST", TYPES, r#"{"displayName":"größte überraschung"}"#), 409, "ETM-50005");
    assert_eq!(app.admin("GET", &format!("{path}/org-templates"), "").json(), json!([]));
    let body = json!({ "locale": "en_US", "contentType": "text/plain", "subject": "s", "body": "no link" });
    assert_eq!(app.admin("POST", &format!("{path}/org-templates"), body.to_string()).status, 201);
    let shown = app.admin("GET", &format!("{path}/org-templates/en_US"), "").json();
    assert_eq!(shown["contentType"], "text/plain");
    assert_eq!(app.admin("DELETE", &path, "").status, 204);
    refused(&app.admin("GET", &path, ""), 404, "ETM-50002");
    assert_eq!(app.admin("POST", TYPES, r#"{"displayName":"Größte Überraschung"}"#).status, 201);
    assert_eq!(app.admin("GET", &format!("{path}/org-templates"), "").json(), json!([]), "old templates stay gone");
    // a shipped type cannot go, only what the tenant made of it
    put(&app, "en_US", "Own");
    assert_eq!(app.admin("DELETE", ASK, "").status, 204);
    assert_eq!(mailed(&app, "ada", "en")["subject"], "You are invited to Latchkey");
}

#[test]
fn v1_speaks_of_ids_and_takes_whole_types() {
    const V1: &str = "/api/server/v1/email/template-types";
    let app = App::new();
    let ask = format!("{V1}/{}", id("AskPassword"));
    let shown = app.admin("GET", &ask, "").json();
    assert_eq!(shown["templates"][2]["id"], "en_US");
    assert_eq!(app.admin("GET", &format!("{ask}/templates"), "").json(), shown["templates"], "the same list by itself");
    let own = |id: &str, subject: &str| {
        let mut body = template("", subject);
        body.as_object_mut().unwrap().remove("locale");
        body["id"] = id.into();
        body
    };
    let added = app.admin("POST", &ask, own("sv_SE", "Hej").to_string());
    assert_eq!(added.status, 201, "{}", added.text);
    assert_eq!(added.header("location"), format!("{ORIGIN}{ask}/templates/sv_SE"));
    assert_eq!(app.admin("PUT", &format!("{ask}/templates/sv_SE"), own("sv_SE", "Hejsan").to_string()).status, 200);
    assert_eq!(app.admin("GET", &format!("{ask}/templates/sv_SE"), "").json()["subject"], "Hejsan");
    // the two versions show one thing
    assert_eq!(app.admin("GET", &format!("{ASK}/org-templates/sv_SE"), "").json()["subject"], "Hejsan");
    let all = json!([own("en_US", "One"), own("fi_FI", "Two")]);
    assert_eq!(app.admin("PUT", &ask, all.to_string()).status, 200);
    assert_eq!(app.admin("GET", &format!("{ask}/templates/en_US"), "").json()["subject"], "One");
    refused(&app.admin("GET", &format!("{ask}/templates/sv_SE"), ""), 404, "ETM-50003");
    let twice = json!([own("en_US", "One"), own("en-US", "Two")]);
    assert!(refused(&app.admin("PUT", &ask, twice.to_string()), 400, "ETM-50006").contains("en_US twice"));
    assert_eq!(app.admin("GET", &format!("{ask}/templates/fi_FI"), "").status, 200, "all or nothing");
    assert_eq!(app.admin("PUT", &ask, "[]").status, 200);
    refused(&app.admin("GET", &format!("{ask}/templates/fi_FI"), ""), 404, "ETM-50003");
    let emptied = "SELECT COUNT(*) FROM audit WHERE action = 'template.delete' AND target = 'AskPassword'";
    assert_eq!(app.number(emptied), 2, "the list before, and the empty one");
    let new = json!({ "displayName": "Mine", "templates": [own("en_US", "a"), own("de_DE", "b")] });
    let added = app.admin("POST", V1, new.to_string());
    assert_eq!(added.status, 201, "{}", added.text);
    let mine = format!("{V1}/{}", id("Mine"));
    assert_eq!(app.admin("GET", &mine, "").json()["templates"].as_array().unwrap().len(), 2);
    let again = json!({ "displayName": "mine", "templates": [own("fr_FR", "c")] });
    refused(&app.admin("POST", V1, again.to_string()), 409, "ETM-50005");
    assert_eq!(app.admin("GET", &mine, "").json()["templates"].as_array().unwrap().len(), 2);
    assert_eq!(app.admin("DELETE", &format!("{mine}/templates/de_DE"), "").status, 204);
    assert_eq!(app.admin("DELETE", &mine, "").status, 204);
    refused(&app.admin("GET", &mine, ""), 404, "ETM-50002");
}

#[test]
fn tenants_do_not_see_each_others_templates() {
    let app = App::new();
    for domain in ["acme.com", "globex.com"] {
        let body = json!({ "domain": domain, "owners": [{ "username": "kim", "email": "kim@acme.com",
            "firstname": "Kim", "lastname": "Doe", "provisioningMethod": "invite-via-email" }] });
        assert_eq!(app.admin("POST", "/api/server/v1/tenants", body.to_string()).status, 201);
    }
    app.deliver();
    let own = template("en_US", "Acme's own").to_string();
    assert_eq!(app.admin("PUT", &format!("/t/acme.com{ASK}/org-templates/en_US"), own).status, 200);
    let added = app.admin("POST", &format!("/t/acme.com{TYPES}"), r#"{"displayName":"Mine"}"#);
    assert_eq!(added.json()["self"], format!("/t/acme.com{TYPES}/{}", id("Mine")));
    assert_eq!(added.header("location"), format!("{ORIGIN}/t/acme.com{TYPES}/{}", id("Mine")));
    for other in ["", "/t/globex.com"] {
        refused(&app.admin("GET", &format!("{other}{TYPES}/{}", id("Mine")), ""), 404, "ETM-50002");
        let shown = app.admin("GET", &format!("{other}{ASK}/org-templates/en_US"), "").json();
        assert_eq!(shown["subject"], "You are invited to {{organization-name}}", "{other}");
    }
    app.admin("DELETE", &format!("/t/globex.com{ASK}/org-templates/en_US"), "");
    for (prefix, subject) in [("/t/globex.com", "You are invited to globex.com"), ("/t/acme.com", "Acme's own")] {
        let mut user = invited("paul");
        user["preferredLanguage"] = "en".into();
        assert_eq!(app.admin("POST", &format!("{prefix}/scim2/Users"), user.to_string()).status, 201);
        app.deliver();
        assert_eq!(app.inbox()[0]["subject"], subject);
    }
    assert_eq!(
        app.send(
            http::Request::get(format!("/t/nobody.com{TYPES}"))
                .header("authorization", basic("admin", "admin"))
                .body(axum::body::Body::empty())
                .unwrap()
        )
        .status,
        401
    );
}

#[test]
fn a_commit_behind_an_error_is_a_success() {
    for (after_commit, status) in [(true, 201), (false, 503)] {
        let mut app = App::new();
        // Who calls, which type, and then the write.
        let trips = app.admin("POST", &format!("{ASK}/org-templates"), template("fi_FI", "x").to_string()).trips();
        app.platform.db = Arc::new(Faulty::on_batch(app.platform.db.clone(), trips as usize, after_commit));
        let reply = app.admin("POST", &format!("{ASK}/org-templates"), template("sv_SE", "x").to_string());
        assert_eq!(reply.status, status, "{}", reply.text);
        assert_eq!(app.number("SELECT COUNT(*) FROM templates WHERE locale = 'sv_SE'"), i64::from(after_commit));
    }
}

#[test]
fn a_tenant_has_so_many_and_can_still_replace_what_it_has() {
    let app = App::new();
    let letters = || (b'a'..=b'z').map(char::from);
    let locales: Vec<String> = letters().flat_map(|a| letters().map(move |b| format!("q{a}{b}"))).take(101).collect();
    for (number, locale) in locales.iter().enumerate() {
        let reply = app.admin("POST", &format!("{ASK}/org-templates"), template(locale, "x").to_string());
        let typed = app.admin("POST", TYPES, json!({ "displayName": locale }).to_string());
        if number < 100 {
            assert_eq!((reply.status.as_u16(), typed.status.as_u16()), (201, 201), "{}", reply.text);
        } else {
            assert!(refused(&reply, 400, "ETM-50006").contains("100"), "{}", reply.text);
            assert!(refused(&typed, 400, "ETM-50006").contains("100"), "{}", typed.text);
        }
    }
    refused(&app.admin("POST", &format!("{ASK}/org-templates"), template("qaa", "x").to_string()), 409, "ETM-50004");
    refused(&app.admin("POST", TYPES, r#"{"displayName":"QAA"}"#), 409, "ETM-50005");
    put(&app, "qaa", "replaced");
    assert_eq!(app.admin("GET", &format!("{ASK}/org-templates/qaa"), "").json()["subject"], "replaced");
    assert_eq!(app.number("SELECT COUNT(*) FROM templates WHERE retired IS NULL"), 100);
    // a shipped one is full too: making it the tenant's own is one more
    let reply = app.admin("PUT", &format!("{ASK}/org-templates/en_US"), template("en_US", "x").to_string());
    refused(&reply, 400, "ETM-50006");
}
