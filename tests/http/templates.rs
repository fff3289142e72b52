//! A tenant's own templates in the mails, and `/api/mail/templates/preview`. `wso2::email_templates` has the API that
//! stores them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use latchkey::ports::{Database, DatabaseError, HttpClient, HttpError, Outcome, Statement};
use serde_json::{Value, json};

use crate::support::{App, ORIGIN, invited};

pub const TYPES: &str = "/api/server/v2/email/template-types";
pub const ASK: &str = "/api/server/v2/email/template-types/QXNrUGFzc3dvcmQ";
const PREVIEW: &str = "/api/mail/templates/preview";

pub fn template(locale: &str, subject: &str) -> Value {
    json!({
        "locale": locale, "contentType": "text/html", "subject": subject,
        "body": "<p>{{user.claim.givenname}}: <a href=\"{{invitation-link}}\">go</a></p>", "footer": "<p>Bye</p>",
    })
}

pub fn put(app: &App, locale: &str, subject: &str) {
    let reply = app.admin("PUT", &format!("{ASK}/org-templates/{locale}"), template(locale, subject).to_string());
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (200, ""), "{}", reply.text);
}

/// Invites somebody who reads `language`, and answers the mail.
pub fn mailed(app: &App, name: &str, language: &str) -> Value {
    let mut body = invited(name);
    body["preferredLanguage"] = language.into();
    body["name"] = json!({ "givenName": name });
    assert_eq!(app.admin("POST", "/scim2/Users", body.to_string()).status, 201);
    app.deliver();
    app.inbox().remove(0)
}

#[test]
fn a_template_of_ones_own_is_mailed_until_it_is_deleted() {
    let app = App::new();
    put(&app, "en_US", "Welcome {{user.claim.givenname}}");
    let mail = mailed(&app, "Ada", "en_US");
    assert_eq!(mail["subject"], "Welcome Ada");
    let link = mail["links"][0].as_str().unwrap();
    assert_eq!(mail["html"], format!("<p>Ada: <a href=\"{link}\">go</a></p><p>Bye</p>"));
    assert_eq!(mail["text"], format!("Ada: go: {link}\n\nBye\n"));
    put(&app, "en_US", "Welcome back");
    assert_eq!(mailed(&app, "Bob", "en_US")["subject"], "Welcome back");
    let deleted = app.admin("DELETE", &format!("{ASK}/org-templates/en_US"), "");
    assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
    assert_eq!(mailed(&app, "Cleo", "en_US")["subject"], "You are invited to Latchkey");
    // mails that are out are what they were
    assert_eq!(app.inbox()[2]["subject"], "Welcome Ada");
    assert_eq!(app.admin("GET", &format!("{ASK}/org-templates/en_US"), "").status, 200, "the shipped one");
    // what is not there is deleted already
    let audited = "SELECT COUNT(*) FROM audit WHERE action = 'template.delete' AND target = 'AskPassword en_US'";
    assert_eq!(app.number(audited), 1);
    for path in [format!("{ASK}/org-templates/en_US"), format!("{TYPES}/!!"), format!("{ASK}/org-templates/..")] {
        assert_eq!(app.admin("DELETE", &path, "").status, 204, "{path}");
    }
    assert_eq!(app.number(audited), 1);
    let updates = "SELECT COUNT(*) FROM audit WHERE action = 'template.update' AND target = 'AskPassword en_US'";
    assert_eq!(app.number(updates), 2);
}

#[test]
fn the_persons_language_chooses_the_template() {
    let app = App::new();
    app.admin("POST", &format!("{ASK}/org-templates"), template("pt", "Olá").to_string());
    app.admin("POST", &format!("{ASK}/org-templates"), template("sv_SE", "Välkommen").to_string());
    put(&app, "en_US", "Own English");
    for (name, language, subject, locale) in [
        ("one", "pt-BR", "Olá", "pt_BR"),
        ("two", "sv", "Välkommen", "sv"),
        ("three", "de", "Einladung zu Latchkey", "de"),
        ("four", "tlh", "Own English", "en_US"),
        ("five", "tlh, sv;q=0.8", "Välkommen", "sv"),
    ] {
        let mail = mailed(&app, name, language);
        assert_eq!((mail["subject"].as_str(), mail["locale"].as_str()), (Some(subject), Some(locale)), "{language}");
    }
}

/// In the manner of WSO2's own, and written for this test.
const WSO2_BODY: &str = r#"<!DOCTYPE html><html><head><style>.b { background: {{organization.color.primary}}; font-family: {{organization.font}} }</style></head>
<body style="background-color: {{organization.color.background}}">
<table><tr><td><img src="{{organization.logo.img}}" alt="{{organization.logo.altText}}"></td></tr>
<tr><td>Dear {{user.claim.givenname}} {{user.claim.lastname}},<br>your account {{user-name}} at {{organization-name}} waits.</td></tr>
<tr><td><a class="b" href="{{account.recovery.endpoint-url}}/confirmrecovery.do?confirmation={{confirmation-code}}&userstoredomain={{userstore-domain}}&username={{url:user-name}}&tenantdomain={{tenant-domain}}&type=invite">Choose a password</a></td></tr>
<tr><td>&copy; {{current-year}} {{organization.copyright.text}} {{organization.support.mail}}</td></tr></table></body></html>"#;

#[test]
fn a_template_pasted_from_wso2_leads_to_the_page() {
    for tenant in ["", "/t/acme.com"] {
        let app = App::new();
        let acme = json!({ "domain": "acme.com", "owners": [{
            "username": "kim", "email": "kim@acme.com", "firstname": "Kim", "lastname": "Doe",
            "provisioningMethod": "invite-via-email" }] });
        assert_eq!(app.admin("POST", "/api/server/v1/tenants", acme.to_string()).status, 201);
        app.deliver();
        let body = json!({
            "contentType": "text/html", "footer": "---", "body": WSO2_BODY,
            "subject": "Here is your new account in the organization {{organization-name}}",
        });
        let path = format!("{tenant}{ASK}/org-templates/en_US");
        assert_eq!(app.admin("PUT", &path, body.to_string()).status, 200);
        let mut user = invited("Paul+x y");
        user["emails"] = json!(["paul@example.com"]);
        user["name"] = json!({ "givenName": "<b>Paul", "familyName": "Smith" });
        assert_eq!(app.admin("POST", &format!("{tenant}/scim2/Users"), user.to_string()).status, 201);
        app.deliver();
        let mail = app.inbox().remove(0);
        let html = mail["html"].as_str().unwrap();
        assert!(html.contains("Dear &lt;b&gt;Paul Smith,") && html.contains("username=Paul%2Bx+y"), "{html}");
        assert!(!html.contains("{{") && html.contains("---</body>"), "{html}");
        let href = html.split("href=\"").nth(1).unwrap().split('"').next().unwrap();
        let link = href.strip_prefix(ORIGIN).unwrap();
        assert!(link.starts_with(&format!("{tenant}/accountrecoveryendpoint/confirmrecovery.do?confirmation=lk1.")));
        assert_eq!(mail["links"][0].as_str(), Some(href), "the text part has it too: {}", mail["text"]);
        let redirect = app.anyone("GET", link);
        assert!(redirect.status.is_redirection(), "{}", redirect.status);
        let page = redirect.header("location").replace(ORIGIN, "");
        assert!(page.starts_with(&format!("{tenant}/invite/lk1.")), "{page}");
        assert_eq!(app.anyone("GET", &page).status, 200);
        assert_eq!(app.post_form(&page, &[("password", "a good enough secret")]).status, 200);
    }
}

#[test]
fn hostile_values_stay_values_in_a_template_of_ones_own() {
    let app = App::new();
    let body = json!({
        "contentType": "text/html", "subject": "{{user.claim.givenname}} {{organization-name}}",
        "body": "<a href='#' title={{user.claim.givenname}}>{{user.claim.givenname}} {{7*7}}</a> {{invitation-link}}",
        "text": "{{user.claim.givenname}} {{invitation-link}}",
    });
    assert_eq!(app.admin("PUT", &format!("{ASK}/org-templates/en_US"), body.to_string()).status, 200);
    let mut user = invited("paul");
    user["preferredLanguage"] = "en".into();
    user["name"] = json!({
        "givenName": "<script>x</script>\r\nBcc: eve@example.com{{confirmation-code}}", "familyName": "javascript:alert(1)",
    });
    assert_eq!(app.admin("POST", "/scim2/Users", user.to_string()).status, 201);
    app.deliver();
    let mail = app.inbox().remove(0);
    let subject = mail["subject"].as_str().unwrap();
    assert_eq!(subject, "<script>x</script> Bcc: eve@example. com{{confirmation-code}} Latchkey");
    let html = mail["html"].as_str().unwrap();
    assert!(!html.contains("<script") && html.contains("href='#'") && html.contains("{{7*7}}"), "{html}");
    assert!(html.contains("title=&lt;script&gt;x&lt;/script&gt;&#32;&#32;Bcc:"), "{html}");
    assert_eq!(html.matches("lk1.").count(), 1, "a value is no template: {html}");
    assert_eq!(mail["to"], "paul@example.com");
}

/// Answers each call by its number, and keeps the bodies.
struct Provider(Mutex<Vec<Vec<u8>>>);
impl HttpClient for Provider {
    fn send(&self, request: http::Request<Vec<u8>>, _: Duration) -> Result<http::Response<Vec<u8>>, HttpError> {
        let mut seen = self.0.lock().unwrap();
        seen.push(request.into_body());
        let (status, body) = if seen.len() == 1 { (500, "") } else { (200, r#"{"id":"1"}"#) };
        Ok(http::Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap())
    }
}

#[test]
fn every_attempt_is_the_same_whatever_is_edited_meanwhile() {
    let mut app = App::with(&[
        ("MAIL_PROVIDER", "resend"),
        ("MAIL_API_KEY", "re_secret"),
        ("MAIL_API_BASE", "http://127.0.0.1:9"),
    ]);
    let provider = Arc::new(Provider(Mutex::default()));
    app.platform.http = provider.clone();
    put(&app, "en_US", "First");
    app.invite("paul");
    assert_eq!(app.deliver().deferred, 1);
    put(&app, "en_US", "Second");
    app.admin("DELETE", &format!("{ASK}/org-templates/en_US"), "");
    app.native.clock.advance(Duration::from_secs(15 * 60));
    assert_eq!(app.deliver().sent, 1);
    let seen = provider.0.lock().unwrap();
    assert_eq!(seen[0], seen[1]);
    assert!(String::from_utf8_lossy(&seen[1]).contains("First"));
    assert_eq!(app.number("SELECT template_version FROM outbox"), 1);
}

/// Counts batches.
struct Counting(Arc<dyn Database>, Mutex<usize>);
impl Database for Counting {
    fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
        *self.1.lock().unwrap() += 1;
        self.0.batch(statements)
    }
}

#[test]
fn templates_of_ones_own_cost_the_sender_no_round_trip() {
    let mut app = App::new();
    for locale in ["en_US", "de_DE", "fr_FR"] {
        put(&app, locale, locale);
    }
    for (number, language) in (0..60).zip(["en", "de", "fr", "es"].into_iter().cycle()) {
        let mut user = invited(&format!("user{number}"));
        user["preferredLanguage"] = language.into();
        assert_eq!(app.admin("POST", "/scim2/Users", user.to_string()).status, 201);
    }
    let counting = Arc::new(Counting(app.platform.db.clone(), Mutex::new(0)));
    app.platform.db = counting.clone();
    assert_eq!(app.deliver().sent, 60);
    assert_eq!(*counting.1.lock().unwrap(), 3, "read, lease, record");
    let inbox = app.inbox();
    let own = inbox.iter().filter(|mail| ["en_US", "de_DE", "fr_FR"].contains(&mail["subject"].as_str().unwrap()));
    assert_eq!(own.count(), 45);
}

#[test]
fn templates_too_large_to_be_held_together_go_out_batch_by_batch() {
    let mut app = App::new();
    let locales = ["aa", "bb", "cc", "dd", "ee", "ff", "gg", "hh", "ii", "kk"];
    for (number, locale) in locales.iter().enumerate() {
        let body = template(locale, locale);
        let added = app.admin("POST", &format!("{ASK}/org-templates"), body.to_string());
        assert_eq!(added.status, 201, "{}", added.text);
        let mut user = invited(&format!("user{number}"));
        user["preferredLanguage"] = (*locale).into();
        app.admin("POST", "/scim2/Users", user.to_string());
    }
    // Before templates had their bound, they could be as large as this.
    let large = "UPDATE templates SET bytes = 500000, body = '{{invitation-link}} ' || hex(zeroblob(125000)), \
                 text = '{{invitation-link}} ' || hex(zeroblob(125000))";
    app.native.sqlite.with(|connection| connection.execute(large, []).unwrap());
    let counting = Arc::new(Counting(app.platform.db.clone(), Mutex::new(0)));
    app.platform.db = counting.clone();
    assert_eq!(app.deliver().sent, 10);
    assert_eq!(*counting.1.lock().unwrap(), 6, "two batches: eight templates fit into four megabytes");
    let subjects: Vec<Value> = app.inbox().into_iter().rev().map(|mail| mail["subject"].clone()).collect();
    assert_eq!(subjects, locales);
}

#[test]
fn mails_about_a_change_of_address_go_out_for_live_accounts() {
    let app = App::new();
    let body = json!({
        "userName": "ada", "emails": ["ada@example.com"], "urn:scim:wso2:schema": { "emailVerified": true },
    });
    let user = app.admin("POST", "/scim2/Users", body.to_string()).json();
    let user_id = user["id"].as_str().unwrap();
    let change = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": "emails", "value": [{ "value": "new@example.org" }] }],
    });
    assert_eq!(app.admin("PATCH", &format!("/scim2/Users/{user_id}"), change.to_string()).status, 200);
    assert_eq!(app.deliver().sent, 2);
    let inbox = app.inbox();
    let to = |address: &str| inbox.iter().find(|mail| mail["to"] == address).expect(address);
    let (notice, request) = (to("ada@example.com"), to("new@example.org"));
    assert!(request["links"][0].as_str().unwrap().starts_with("https://id.example.com/verify/lk1."));
    assert_eq!(notice["links"], json!([]));
    for mail in [notice, request] {
        assert!(mail["text"].as_str().unwrap().contains("New email address: new@example.org"), "{}", mail["text"]);
    }
    app.native.sqlite.with(|connection| connection.execute("UPDATE outbox SET state = 'failed'", []).unwrap());
    assert_eq!(app.admin("POST", &format!("/api/mail/{}/retry", request["id"].as_str().unwrap()), "").status, 202);
    assert_eq!(app.deliver().sent, 1);
    let again = app.inbox();
    // The link is a new one, and lives from the second in which it is made.
    let before_link = |mail: &Value| mail["text"].as_str().unwrap().split("/verify/").next().unwrap().to_owned();
    assert_eq!(
        (&again[0]["to"], before_link(&again[0])),
        (&request["to"], before_link(request)),
        "tried again, it is the same mail"
    );
    // a user who was never invited shows no invitation
    let shown = app.admin("GET", &format!("/scim2/Users/{user_id}"), "").text;
    assert!(!shown.contains("urn:latchkey:params:scim:schemas:extension:invitation"), "{shown}");
}

#[test]
fn a_preview_shows_the_mail_and_names_what_is_wrong() {
    let app = App::new();
    let preview = |body: Value| {
        let reply = app.admin("POST", PREVIEW, body.to_string());
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()
    };
    let shipped = preview(json!({ "type": "AskPassword", "locale": "de_DE" }));
    assert_eq!(shipped["subject"], "Einladung zu Latchkey");
    assert_eq!(shipped["problems"], json!([]));
    assert!(
        shipped["html"].as_str().unwrap().contains("lang=\"de\"") && shipped["text"].as_str().unwrap().contains("Paul")
    );
    let edited = preview(json!({
        "type": "askPassword", "locale": "en_US", "subject": "Hi {{user.claim.givenname}}\r\nBcc: x {{nobody}}",
        "body": "<p {{user-name}}>{{7*7}} {{invitation-link}}<script>{{user-name}}</script></p>",
    }));
    assert_eq!(edited["subject"], "Hi Paul Bcc: x {{nobody}}");
    assert!(edited["html"].as_str().unwrap().starts_with("<p >{{7*7}} https://id.example.com/invite/"));
    let problems = edited["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 3, "{problems:?}");
    for (problem, name) in problems.iter().zip(["<script>", "{{nobody}}", "{{user-name}}"]) {
        assert!(problem.as_str().unwrap().contains(name), "{problem}");
    }
    let no_link = preview(json!({ "type": "AskPassword", "locale": "en_US", "body": "nothing" }));
    assert!(no_link["problems"][0].as_str().unwrap().contains("{{invitation-link}}"));
    assert_eq!(no_link["text"], "nothing\n");
    let text_only = preview(json!({ "type": "AskPassword", "text": "no link" }));
    assert!(text_only["problems"][0].as_str().unwrap().contains("text part has no link"));

    put(&app, "en_US", "Own");
    assert_eq!(preview(json!({ "type": "AskPassword", "locale": "en_GB" }))["subject"], "Own");
    assert_eq!(preview(json!({ "type": "AskPassword", "locale": "en_US", "subject": "New" }))["subject"], "New");
    app.admin("POST", TYPES, r#"{"displayName":"Mine"}"#);
    assert_eq!(preview(json!({ "type": "mine", "subject": "s", "body": "b" }))["problems"], json!([]));
    let before = app.dump();
    for body in [
        json!({ "type": "Nothing" }),
        json!({ "locale": "en_US" }),
        json!({ "type": "AskPassword", "locale": "../x" }),
        json!({ "type": "AskPassword", "body": 7 }),
        json!({ "type": "AskPassword", "contentType": "x" }),
        json!([]),
    ] {
        let reply = app.admin("POST", PREVIEW, body.to_string());
        assert_eq!((reply.status.as_u16(), reply.header("content-type")), (400, "application/problem+json"), "{body}");
    }
    assert_eq!(app.anyone("POST", PREVIEW).status, 401);
    assert_eq!(app.dump(), before);
}

#[test]
fn claims_are_the_same_in_the_mail_and_in_the_preview() {
    let app = App::new();
    let claims = [
        ("givenname", "Paul"),
        ("lastname", "Smith"),
        ("emailaddress", "paul@example.com"),
        ("EmailAddress", "paul@example.com"),
        ("username", "paul"),
        ("mobile", "+1 555 0199"),
        ("telephone", "+1 555 0100"),
        ("department", "Engineering"),
        ("country", "US"),
        ("locality", "Springfield"),
        ("displayName", "Paul Smith"),
        ("title", "Engineer"),
        ("organization", "Example"),
        ("employeeNumber", "1001"),
        ("manager", "1000"),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "Engineering"),
        ("urn:scim:wso2:schema:country", "US"),
        ("http://wso2.org/claims/emailaddress", "paul@example.com"),
        ("name.formatted", "Paul Smith"),
        ("phoneNumbers.mobile", "+1 555 0199"),
        ("addresses.postalCode", "62701"),
    ];
    let named: String =
        claims.iter().map(|(name, _)| format!("[{name}: {{{{user.claim.{name}}}}}]")).collect::<Vec<_>>().join(" ");
    let template = json!({
        "contentType": "text/html", "subject": "{{user.claim.displayName}}",
        "body": format!("<p>{named} {{{{invitation-link}}}}</p>"), "footer": "",
    });
    let path = format!("{TYPES}/QXNrUGFzc3dvcmQ/org-templates/en_US");
    let stored = app.admin("PUT", &path, template.to_string());
    assert_eq!((stored.status.as_u16(), stored.header("latchkey-template-problems")), (200, ""), "{}", stored.text);

    let preview = app.admin("POST", PREVIEW, json!({ "type": "AskPassword", "locale": "en_US" }).to_string()).json();
    assert_eq!(preview["problems"], json!([]));
    let mut paul = crate::support::invited("paul");
    for (name, value) in [
        ("name", json!({ "formatted": "Paul Smith", "givenName": "Paul", "familyName": "Smith" })),
        ("displayName", json!("Paul Smith")),
        ("title", json!("Engineer")),
        (
            "phoneNumbers",
            json!([{ "value": "+1 555 0100", "type": "work" }, { "value": "+1 555 0199", "type": "mobile" }]),
        ),
        ("addresses", json!([{ "locality": "Springfield", "postalCode": "62701", "country": "US", "type": "work" }])),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
            json!({ "department": "Engineering", "organization": "Example", "employeeNumber": "1001",
                "manager": { "value": "1000" } }),
        ),
    ] {
        paul[name] = value;
    }
    assert_eq!(app.admin("POST", "/scim2/Users", paul.to_string()).status, 201);
    app.deliver();
    let mail = app.inbox()[0].clone();
    for (shown, from) in [(&preview, "preview"), (&mail, "mail")] {
        assert_eq!(shown["subject"], "Paul Smith", "{from}");
        let text = shown["html"].as_str().unwrap();
        for (name, value) in claims {
            assert!(text.contains(&format!("[{name}: {value}]")), "{from} has no {name}: {text}");
        }
    }
}

#[test]
fn the_id_and_the_times_of_a_user_are_claims() {
    let app = App::new();
    let names = ["userid", "http://wso2.org/claims/created", "meta.lastModified", "id", "meta.created", "modified"];
    let mut body = template("en_US", "{{user.claim.id}}");
    let named: String = names.iter().map(|name| format!("[{{{{user.claim.{name}}}}}]")).collect();
    body["body"] = format!("{named} {{{{invitation-link}}}}").into();
    let stored = app.admin("PUT", &format!("{ASK}/org-templates/en_US"), body.to_string());
    assert_eq!((stored.status.as_u16(), stored.header("latchkey-template-problems")), (200, ""), "{}", stored.text);
    let preview = app.admin("POST", PREVIEW, json!({ "type": "AskPassword", "locale": "en_US" }).to_string()).json();
    assert_eq!(preview["problems"], json!([]));
    assert!(!preview["html"].as_str().unwrap().contains("[]"), "{preview}");
    let user = app.invite("paul");
    app.deliver();
    let (id, created, modified) = (&user["id"], &user["meta"]["created"], &user["meta"]["lastModified"]);
    let told: String =
        [id, created, modified, id, created, modified].map(|v| format!("[{}]", v.as_str().unwrap())).concat();
    let mail = app.inbox().remove(0);
    assert!(mail["html"].as_str().unwrap().starts_with(&told), "{told}: {mail}");
    assert_eq!(&mail["subject"], id);
}

#[test]
fn a_claim_that_nothing_can_fill_is_a_problem_that_preview_and_put_name() {
    let app = App::new();
    for (claim, known) in [
        ("nickName", true),
        ("timezone", true),
        ("costCenter", true),
        ("emails.home", true),
        ("addresses.home.locality", true),
        ("addresses.home.nothing", false),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter", true),
        ("urn:ietf:params:scim:schemas:core:2.0:User:title", true),
        ("urn:scim:wso2:schema:country", true),
        ("http://wso2.org/claims/country", true),
        ("http://wso2.org/claims/identity/accountLocked2", false),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:title", false),
        ("urn:nobody:department", false),
        ("first name", false),
        ("nonsense", false),
        ("department2", false),
        ("name.nothing", false),
        ("password", false),
        ("groups", false),
        ("manager.displayName", false),
    ] {
        let body = format!("<p>{{{{user.claim.{claim}}}}} {{{{invitation-link}}}}</p>");
        let draft = json!({ "type": "AskPassword", "locale": "en_US", "subject": "s", "body": body });
        let preview = app.admin("POST", PREVIEW, draft.to_string()).json();
        assert_eq!(preview["problems"].as_array().unwrap().is_empty(), known, "{claim}: {preview}");
        let template = json!({ "contentType": "text/html", "subject": "s", "body": body, "footer": "" });
        let path = format!("{TYPES}/QXNrUGFzc3dvcmQ/org-templates/en_US");
        for _ in 0..2 {
            let stored = app.admin("PUT", &path, template.to_string());
            assert_eq!(stored.status, 200, "{claim}");
            let header = stored.header("latchkey-template-problems");
            let name = format!("{{{{user.claim.{claim}}}}}");
            assert_eq!(header.contains(&name), !known, "{claim}: {header}");
            assert_eq!(header.is_empty(), known, "{claim}: {header}");
        }
    }
    let own =
        json!({ "contentType": "text/html", "subject": "{{nobody}}", "body": "{{invitation-link}}", "footer": "" });
    let stored = app.admin("PUT", &format!("{TYPES}/QXNrUGFzc3dvcmQ/org-templates/en_US"), own.to_string());
    assert!(stored.header("latchkey-template-problems").contains("{{nobody}}"));
    for (claim, said) in [
        ("meta.location", "which a mail does not carry"),
        ("meta.version", "which a mail does not carry"),
        ("http://wso2.org/claims/groups", "which a mail does not carry"),
        ("groups", "which a mail does not carry"),
        ("urn:scim:wso2:schema:accountState", "which a mail does not carry"),
        ("nonsense", "which is no attribute of a user"),
        ("x".repeat(257).as_str(), "which is no attribute of a user"),
    ] {
        let body = format!("{{{{user.claim.{claim}}}}} {{{{invitation-link}}}}");
        let draft = json!({ "type": "AskPassword", "locale": "en_US", "subject": "s", "body": body });
        let preview = app.admin("POST", PREVIEW, draft.to_string()).json();
        assert!(preview["problems"][0].as_str().is_some_and(|problem| problem.contains(said)), "{claim}: {preview}");
    }
    // A header takes ASCII alone: a name beyond it loses nothing else.
    let foreign = json!({ "contentType": "text/html", "subject": "{{user.claim.größe}} {{nobody}}", "body": "{{invitation-link}}", "footer": "" });
    let stored = app.admin("PUT", &format!("{TYPES}/QXNrUGFzc3dvcmQ/org-templates/en_US"), foreign.to_string());
    assert!(stored.header("latchkey-template-problems").contains("{{nobody}}"), "{}", stored.text);
}
