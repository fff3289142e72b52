//! Where links in a tenant's own templates may lead, at every way in, at the preview, and when a mail is written.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use latchkey::ports::{HttpClient, HttpError};
use serde_json::{Value, json};

use crate::support::{App, Reply, invited};
use crate::templates::{ASK, TYPES, put, template};

const PREVIEW: &str = "/api/mail/templates/preview";
const EVIL: &str = "<a href=\"https://evil.example/?c={{confirmation-code}}\">Here</a> {{invitation-link}}";

fn own(body: &str, text: &str) -> Value {
    json!({ "locale": "en_US", "id": "en_US", "contentType": "text/html", "subject": "s", "body": body, "footer": "", "text": text })
}

fn is_refused(reply: &Reply, name: &str) {
    assert_eq!(reply.status, 400, "{}", reply.text);
    assert_eq!(reply.json()["code"], "ETM-50006", "{}", reply.text);
    let said = reply.json()["description"].as_str().unwrap().to_owned();
    assert!(said.contains(name), "{said}");
}

#[test]
fn a_template_that_leads_a_link_elsewhere_is_refused_on_every_way_in_and_nothing_is_stored() {
    let app = App::new();
    let before = app.dump();
    let v1 = "/api/server/v1/email/template-types";
    let evil = own(EVIL, "");
    let name = "{{confirmation-code}} into the address https://evil.example/?c={{confirmation-code}}";
    is_refused(&app.admin("PUT", &format!("{ASK}/org-templates/en_US"), evil.to_string()), name);
    is_refused(
        &app.admin("PUT", &format!("{ASK}/org-templates/de_DE"), own(EVIL, "").to_string().replace("en_US", "de_DE")),
        name,
    );
    is_refused(&app.admin("PUT", &format!("{v1}/QXNrUGFzc3dvcmQ/templates/en_US"), evil.to_string()), name);
    is_refused(&app.admin("PUT", &format!("{v1}/QXNrUGFzc3dvcmQ"), json!([evil]).to_string()), name);
    let new = evil.to_string().replace("en_US", "sv_SE");
    is_refused(&app.admin("POST", &format!("{ASK}/org-templates"), new.clone()), name);
    is_refused(&app.admin("POST", &format!("{v1}/QXNrUGFzc3dvcmQ"), new), name);
    let with_type = json!({ "displayName": "Mine", "templates": [evil] });
    is_refused(&app.admin("POST", TYPES, with_type.to_string()), name);
    is_refused(&app.admin("POST", v1, with_type.to_string()), name);
    // In the footer, in the text part, in the subject, and as plain text.
    let path = format!("{ASK}/org-templates/en_US");
    let mut footer = own("{{invitation-link}} https://evil.example/?c=", "");
    footer["footer"] = "{{confirmation-code}}".into();
    is_refused(&app.admin("PUT", &path, footer.to_string()), "confirmation-code");
    let text = own("{{invitation-link}}", "{{invitation-link}} https://evil.example/?c={{confirmation-code}}");
    is_refused(&app.admin("PUT", &path, text.to_string()), "The text part puts {{confirmation-code}} into the address");
    let mut plain = own("https://evil.example/?c={{confirmation-code}}", "");
    plain["contentType"] = "text/plain".into();
    is_refused(&app.admin("PUT", &path, plain.to_string()), "confirmation-code");
    let mut subject = own("{{invitation-link}}", "");
    subject["subject"] = "evil.example/{{confirmation-code}}".into();
    is_refused(&app.admin("PUT", &path, subject.to_string()), "The subject puts");
    is_refused(&app.admin("PUT", &path, own("<form>{{invitation-link}}</form>", "").to_string()), "<form>");
    is_refused(
        &app.admin("PUT", &path, own("{{invitation-link}}<img src='http://x.example/'>", "").to_string()),
        "loads",
    );
    is_refused(
        &app.admin("PUT", &path, own("{{invitation-link}}<a href='https://evil.example'>", "").to_string()),
        "leads to https://evil.example",
    );
    assert_eq!(app.dump(), before);

    let preview = app.admin("POST", PREVIEW, json!({ "type": "AskPassword", "body": EVIL }).to_string());
    assert_eq!(preview.status, 200);
    assert!(preview.json()["problems"][0].as_str().unwrap().contains(name), "{}", preview.text);
}

#[test]
fn the_hosts_of_links_are_a_setting_and_whoever_edits_templates_cannot_change_it() {
    let app = App::new();
    let path = format!("{ASK}/org-templates/en_US");
    let body = own(
        "<a href='https://www.example.com/help'>Help</a> <a href='mailto:help@example.com'>us</a> {{invitation-link}}",
        "",
    );
    is_refused(&app.admin("PUT", &path, body.to_string()), "https://www.example.com/help");
    let (_, editor) = app.token("", &["templates"]);
    let (_, settings) = app.token("", &["settings"]);
    let change =
        json!({ "TEMPLATE_LINK_HOSTS": "www.example.com, docs.example.com", "MAIL_REPLY_TO": "help@example.com" });
    let patch = |token: &str| {
        let mut request = crate::support::authorized(&format!("Bearer {token}"), "PATCH", "/api/settings");
        *request.body_mut() = change.to_string().into();
        app.send(request)
    };
    assert_eq!(patch(&editor).status, 403);
    assert_eq!(patch(&settings).status, 200);
    assert_eq!(app.admin("PUT", &path, body.to_string()).status, 200);
    for bad in
        ["https://www.example.com", "www.example.com/x", "a@b.example", "localhost", "*.example.com", "x..example"]
    {
        let reply = app.admin("PATCH", "/api/settings", json!({ "TEMPLATE_LINK_HOSTS": bad }).to_string());
        assert_eq!(reply.status, 400, "{bad}");
        assert!(reply.text.contains("TEMPLATE_LINK_HOSTS"), "{}", reply.text);
    }
}

#[test]
fn a_stored_template_that_is_refused_by_now_writes_no_mail() {
    let app = App::new();
    put(&app, "en_US", "Own");
    for body in [
        EVIL,
        "https://evil.example/{{confirmation-code}} {{invitation-link}}",
        "{{invitation-link}}<a href='https://evil.example'>x</a>",
    ] {
        app.native.sqlite.with(|connection| connection.execute("UPDATE templates SET body = ?1", [body]).unwrap());
        app.invite(&format!("kim{}", body.len()));
        app.deliver();
        let mail = app.inbox().remove(0);
        assert_ne!(mail["subject"], "Own");
        let link = mail["links"][0].as_str().unwrap();
        assert!(link.starts_with("https://id.example.com/invite/lk1."), "{mail}");
        assert!(!mail.to_string().contains("evil.example"), "{mail}");
        let listed = app.admin("GET", "/api/mail?state=sent", "").json();
        let of_this = listed["Resources"].as_array().unwrap().iter().find(|listed| listed["id"] == mail["id"]).unwrap();
        let said = of_this["lastError"].as_str().unwrap().to_owned();
        assert!(said.starts_with("written by the shipped template: The body"), "{said}");
        assert!(!said.contains("lk1."), "{said}");
    }
    // A host that is taken back stops what leads there, and brought back lets it go on.
    let path = format!("{ASK}/org-templates/en_US");
    let set = |hosts: &str| app.admin("PATCH", "/api/settings", json!({ "TEMPLATE_LINK_HOSTS": hosts }).to_string());
    set("www.example.com");
    let body = own("<a href='https://www.example.com/'>Us</a> {{invitation-link}}", "");
    assert_eq!(app.admin("PUT", &path, body.to_string()).status, 200);
    for (name, hosts, own) in [("ann", "www.example.com", true), ("ben", "", false), ("cat", "www.example.com", true)] {
        set(hosts);
        app.invite(name);
        app.deliver();
        assert_eq!(app.inbox()[0]["subject"] == "s", own, "{name}");
    }
}

#[test]
fn values_of_users_make_no_address_of_a_template() {
    let app = App::new();
    put(&app, "en_US", "Own");
    let path = format!("{ASK}/org-templates/en_US");
    for body in [
        "<a href='{{user.claim.profileUrl}}'>x</a> {{invitation-link}}",
        "<a href='https://{{user.claim.nickName}}/'>x</a> {{invitation-link}}",
        "<img src='{{user.claim.photos}}'> {{invitation-link}}",
        "{{user.claim.nickName}}{{invitation-link}}",
        "{{user-name}}/{{confirmation-code}}",
    ] {
        assert_eq!(app.admin("PUT", &path, own(body, "").to_string()).status, 400, "{body}");
    }
    let body = "<a href=\"{{invitation-link}}&name={{user.claim.nickName}}\" title={{user.claim.title}}>x</a> {{user.claim.nickName}} {{invitation-link}}";
    assert_eq!(app.admin("PUT", &path, own(body, "").to_string()).status, 200);
    let mut user = invited("kim");
    user["nickName"] = "\" href=https://evil.example/?".into();
    user["title"] = "a href=https://evil.example/".into();
    assert_eq!(app.admin("POST", "/scim2/Users", user.to_string()).status, 201);
    app.deliver();
    let html = app.inbox().remove(0)["html"].as_str().unwrap().to_owned();
    assert_eq!(html.matches(" href=").count(), 2, "the link's, and words: {html}");
    assert!(!html.contains("href=\"https://evil") && !html.contains(" href=https://evil.example/>"), "{html}");
}

/// A template that is small, and large with long names.
fn growing() -> Value {
    let mut body = template("en_US", "Large");
    body["body"] = format!("{{{{invitation-link}}}}{}", "{{user-name}} ".repeat(4000)).into();
    body
}

#[test]
fn a_mail_that_would_grow_too_large_fails_and_says_so() {
    let app = App::new();
    let path = format!("{ASK}/org-templates/en_US");
    assert_eq!(app.admin("PUT", &path, growing().to_string()).status, 200);
    let mut long = invited("kim");
    long["userName"] = "x".repeat(250).into();
    assert_eq!(app.admin("POST", "/scim2/Users", long.to_string()).status, 201);
    app.invite("ann");
    let report = app.deliver();
    assert_eq!((report.sent, report.ended), (1, 1));
    let failed = app.admin("GET", "/api/mail?state=failed", "").text;
    assert!(failed.contains("a part of more than 524288 bytes"), "{failed}");
    // The made-up person's name is short, so that the preview needs a template that is larger by itself.
    let body =
        "{{user.claim.emailaddress}}".repeat(100) + &"{{organization-name}}{{invitation-sentence}} ".repeat(1200);
    app.admin("PATCH", "/api/settings", json!({ "ORGANIZATION_NAME": "o".repeat(250) }).to_string());
    let preview = app.admin("POST", PREVIEW, json!({ "type": "AccountActivationSuccess", "body": body }).to_string());
    assert_eq!(preview.status, 400, "{}", preview.text.len());
    assert!(preview.text.contains("524288"), "{}", preview.text);
}

/// Takes every batch, and keeps how large each request was.
struct Postmark(Mutex<Vec<(usize, usize)>>);
impl HttpClient for Postmark {
    fn send(&self, request: http::Request<Vec<u8>>, _: Duration) -> Result<http::Response<Vec<u8>>, HttpError> {
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let mails = body.as_array().map_or(1, Vec::len);
        self.0.lock().unwrap().push((mails, request.body().len()));
        let one = json!({ "ErrorCode": 0, "Message": "OK", "MessageID": "1" });
        let answer = if body.is_array() { Value::Array(vec![one; mails]) } else { one };
        Ok(http::Response::builder().status(200).body(answer.to_string().into_bytes()).unwrap())
    }
}

#[test]
fn the_large_mails_of_a_batch_are_not_held_in_memory_together() {
    let mut app = App::with(&[
        ("MAIL_PROVIDER", "postmark"),
        ("MAIL_API_KEY", "pm"),
        ("MAIL_API_BASE", "http://127.0.0.1:9"),
        ("RATE_LIMITS", "off"),
    ]);
    let provider = Arc::new(Postmark(Mutex::default()));
    app.platform.http = provider.clone();
    assert_eq!(app.admin("PUT", &format!("{ASK}/org-templates/en_US"), growing().to_string()).status, 200);
    for number in 0..40 {
        let mut long = invited(&format!("{}{number}", "x".repeat(110)));
        long["emails"] = json!([format!("kim{number}@example.com")]);
        assert_eq!(app.admin("POST", "/scim2/Users", long.to_string()).status, 201);
    }
    assert_eq!(app.deliver().sent, 40);
    let calls = provider.0.lock().unwrap();
    assert_eq!(calls.iter().map(|(mails, _)| mails).sum::<usize>(), 40);
    assert!(calls.iter().all(|(_, bytes)| *bytes < 3 * 1024 * 1024), "{calls:?}");
    assert!(calls.iter().any(|(mails, _)| *mails > 1), "{calls:?}");
}
