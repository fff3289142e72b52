//! What people are called is theirs to choose: a header, an address list, a script or a placeholder in it changes no more of
//! the request that a vendor gets than the words of the mail.

use std::sync::{Arc, Mutex};

use http::{Request, StatusCode};
use serde_json::{Value, json};

use super::{Binding, KEY, Vendor, vendors};
use crate::support::{App, basic};

/// All of it at once, and each line ending that there is.
const HOSTILE: &str = "{{7*7}}Eve\r\nBcc: x@evil.example\nTo: y@evil.example\r\rz@evil.example, \"w\" <w@evil.example>; \
    <script>alert(1)</script><img src=x onerror=alert(1)> \" onload=\"x' {{invite-link}}\u{2028}%0d%0aCc:v@evil.example";

fn configured(vendor: &str, administrator: &str) -> App {
    App::with(&[
        ("MAIL_PROVIDER", vendor),
        ("MAIL_API_KEY", KEY),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", KEY),
        ("AWS_REGION", "eu-central-1"),
        ("MAIL_FROM", "Acme <id@mg.example.com>"),
        ("MAIL_REPLY_TO", "help@example.com"),
        ("ADMIN_USERNAME", administrator),
    ])
}

/// Creates a user of this kind over SCIM, and answers the body of the request that the vendor gets.
fn sent(vendor: &'static str, administrator: &str, organization: &str, user: &Value) -> Value {
    let mut app = configured(vendor, administrator);
    let seen = Arc::new(Vendor { name: vendor, seen: Mutex::default() });
    let binding = Arc::new(Binding { fails: None, seen: Mutex::default() });
    app.platform.http = seen.clone();
    app.platform.email = Some(binding.clone());
    for (method, path, body) in [
        ("PATCH", "/api/settings", json!({ "ORGANIZATION_NAME": organization })),
        ("POST", "/scim2/Users", user.clone()),
    ] {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let request = request.header("authorization", basic(administrator, "admin"));
        let reply = app.send(request.body(body.to_string().into()).unwrap());
        assert!(reply.status.is_success(), "{vendor}: {}", reply.text);
    }
    assert_eq!(app.deliver().sent, 1, "{vendor}");
    if vendor == "cloudflare" {
        return binding.seen.lock().unwrap()[0].clone();
    }
    let seen = seen.seen.lock().unwrap();
    assert_eq!(seen.len(), 1);
    let body = seen[0].body();
    // A form becomes a list of names and values.
    serde_json::from_slice(body).unwrap_or_else(|_| {
        form_urlencoded::parse(body).map(|(name, value)| json!([name, value])).collect::<Vec<_>>().into()
    })
}

/// Every text in `value`, with the path to it.
fn texts(value: &Value, path: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| texts(value, &format!("{path}/{name}"), found))
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| texts(value, &format!("{path}/{at}"), found))
        }
        other => found.push((path.to_owned(), other.as_str().map_or_else(|| other.to_string(), str::to_owned))),
    }
}

fn flat(body: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    texts(body, "", &mut found);
    found
}

#[test]
fn a_hostile_name_changes_nothing_but_the_words_of_the_mail() {
    let user = |name: &str, language: &str| {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            // One line without hidden characters, or it is refused.
            "userName": name.replace(|c: char| c.is_control() || c == '\u{2028}', " "),
            "displayName": name,
            "nickName": name,
            "title": name,
            "name": { "givenName": name, "familyName": name, "formatted": name },
            "emails": [{ "value": "paul@example.com", "display": name }],
            "preferredLanguage": language,
            "locale": language,
            "urn:scim:wso2:schema": { "askPassword": true },
        })
    };
    // An organization's name is one line, or the setting is refused.
    let organization = HOSTILE.replace(char::is_control, " ");
    let administrator = HOSTILE.replace(':', ";");
    for vendor in vendors().chain(["cloudflare"]) {
        let plain = flat(&sent(vendor, "admin", "Acme", &user("Paul", "en")));
        let hostile = flat(&sent(vendor, &administrator, &organization, &user(HOSTILE, HOSTILE)));
        let paths = |texts: &[(String, String)]| texts.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
        assert_eq!(paths(&plain), paths(&hostile), "{vendor}: no field more, and none less");
        let mut words = 0;
        for ((path, before), (_, after)) in plain.iter().zip(&hostile) {
            if before == after {
                continue;
            }
            let is_id = before.contains("AskPassword.") || path.ends_with("idempotencyKey");
            if is_id {
                assert!(!after.contains("evil") && !after.contains(char::is_control), "{vendor} {path}: {after}");
                continue;
            }
            words += 1;
            assert!(after.contains("7*7"), "{vendor} {path}: shown as it is, and not worked out: {after}");
            if after.contains("</p>") {
                assert!(!after.contains("<script") && !after.contains("<img src=x"), "{vendor} {path}: {after}");
                assert!(!after.contains("\" onload=\""), "{vendor} {path}: {after}");
                assert!(after.contains("&lt;script&gt;"), "{vendor} {path}: {after}");
            } else if !after.contains("/invite/lk1.") {
                assert!(!after.contains(['\r', '\n', '\u{2028}']), "{vendor} {path}: one line: {after:?}");
            }
        }
        assert_eq!(words, 3, "{vendor}: the subject, the HTML and the text part");
    }
}

#[test]
fn what_is_no_single_address_is_refused_before_there_is_a_mail() {
    let app = configured("resend", "admin");
    for address in [
        "a@b.example, x@evil.example",
        "a@b.example;x@evil.example",
        "a@b.example\r\nBcc: x@evil.example",
        "a@b.example\nx",
        "a@b.example>,<x@evil.example",
        "Paul <a@b.example>",
        "a@b.example x@evil.example",
        "<script>alert(1)</script>@b.example",
        "a@b.example\u{0}",
    ] {
        let user = json!({
            "userName": "paul",
            "emails": [{ "value": address }],
            "urn:scim:wso2:schema": { "askPassword": true },
        });
        let reply = app.admin("POST", "/scim2/Users", user.to_string());
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{address:?}: {}", reply.text);
        let reply = app.admin("PATCH", "/api/settings", json!({ "MAIL_REPLY_TO": address }).to_string());
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{address:?}: {}", reply.text);
    }
    let reply = app.admin("PATCH", "/api/settings", json!({ "ORGANIZATION_NAME": HOSTILE }).to_string());
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    let user = json!({ "userName": HOSTILE, "emails": [{ "value": "paul@example.com" }] });
    assert_eq!(app.admin("POST", "/scim2/Users", user.to_string()).status, StatusCode::BAD_REQUEST);
    assert_eq!(app.number("SELECT COUNT(*) FROM outbox") + app.number("SELECT COUNT(*) FROM settings"), 0);
}
