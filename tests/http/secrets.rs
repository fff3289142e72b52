//! A deployment's whole life with secrets that can be told from anything else, and then a look for each of them in every
//! log line, every row, the cache and every answer: a token shows in the answer or the mail that hands it out and on its own
//! page, any other secret nowhere.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use latchkey::mail::sender;
use latchkey::ports::{Database, DatabaseError, HttpClient, HttpError, Outcome, Statement, Value as Parameter};
use serde_json::{Value, json};

use crate::console::Browser;
use crate::scim2::client::{BULK, PATCH, WSO2};
use crate::support::{App, Faulty, Reply, basic, invited};

const ADMIN: (&str, &str) = ("root", "Adm1nSecretOfTheDeployment");
const ROOT_KEY: &str = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY";
const API_KEY: &str = "MailApiKeySecret77";
/// A webhook's credentials, and the password of them.
const HOOK: (&str, &str) = ("hook:WebhookSecretOfPostmark", "WebhookSecretOfPostmark");

/// A provider that takes everything, but first fails and repeats to us all that it was sent.
struct Gossip(std::sync::Mutex<Vec<String>>);
impl HttpClient for Gossip {
    fn send(&self, request: http::Request<Vec<u8>>, _: Duration) -> Result<http::Response<Vec<u8>>, HttpError> {
        let told = format!("{:?} {}", request.headers(), String::from_utf8_lossy(request.body()));
        let mut seen = self.0.lock().unwrap();
        seen.push(told.clone());
        if seen.len() == 1 {
            return Ok(http::Response::builder().status(500).body(told.into_bytes()).unwrap());
        }
        let mails = serde_json::from_slice::<Value>(request.body()).unwrap().as_array().map_or(1, Vec::len);
        let ids: Vec<Value> = (0..mails).map(|number| json!({ "id": number.to_string() })).collect();
        let body = if mails == 1 { ids[0].clone() } else { json!({ "data": ids }) };
        Ok(http::Response::builder().status(200).body(body.to_string().into_bytes()).unwrap())
    }
}

/// A database whose every answer is an error that quotes what it was given, as D1's sometimes do.
struct Quoting;
impl Database for Quoting {
    fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
        let values = statements.iter().flat_map(|statement| &statement.params).filter_map(|value| match value {
            Parameter::Text(text) => Some(format!("'{text}'")),
            _ => None,
        });
        Err(DatabaseError::Unavailable(format!("D1_ERROR: {}", values.collect::<Vec<_>>().join(", "))))
    }
}

struct Life {
    app: App,
    mails: Arc<Gossip>,
    /// What was asked, and the whole answer.
    answers: Vec<(String, String)>,
    /// Each secret, and the requests whose answers hand it out.
    secrets: Vec<(String, Vec<String>)>,
}

impl Life {
    fn secret(&mut self, text: &str) -> String {
        self.secrets.push((text.to_owned(), Vec::new()));
        text.to_owned()
    }

    fn request(
        &mut self,
        credentials: Option<(&str, &str)>,
        method: &str,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Reply {
        let form = path.contains("/invite/") || path.contains("/verify/");
        let media_type = match path {
            "/api/invitations/import" => "text/csv",
            _ if form || path == "/oauth2/token" => "application/x-www-form-urlencoded",
            _ => "application/json",
        };
        let mut request = Request::builder().method(method).uri(path).header("content-type", media_type);
        if let Some((name, password)) = credentials {
            request = request.header("authorization", basic(name, password));
        }
        let reply = self.app.send(request.body(body.into()).unwrap());
        self.answers.push((format!("{method} {path}"), format!("{:?}\n{}", reply.headers, reply.text)));
        reply
    }

    fn admin(&mut self, method: &str, path: &str, body: &Value) -> Reply {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.request(Some(ADMIN), method, path, body)
    }

    /// Sends the mails that wait, and answers the newest link's path, a secret from now on.
    fn newest_link(&mut self) -> String {
        // The first attempt fails, and its second is due after a pause.
        for _ in 0..2 {
            sender::run(&self.app.platform, &self.app.deployment, self.app.service.mail_health(), 10).unwrap();
            self.app.native.clock.advance(Duration::from_secs(10));
        }
        let seen = self.mails.0.lock().unwrap();
        let mail = seen.iter().rev().find(|mail| mail.contains("/lk1.")).unwrap();
        let (before, after) = mail.rsplit_once("/lk1.").unwrap();
        let folder = before.rsplit('/').next().unwrap();
        let rest: String = after.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
        let token = format!("lk1.{}", rest.trim_end_matches('.'));
        let path = format!("/{folder}/{token}");
        drop(seen);
        self.secrets.push((token, vec![format!("GET {path}"), format!("POST {path}")]));
        path
    }

    fn token_in(&mut self, reply: &Reply, request: &str) -> String {
        let all = format!("{:?} {}", reply.headers, reply.text);
        let (_, after) = all.split_once("lk1.").expect("a token");
        let rest: String = after.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
        let token = format!("lk1.{rest}");
        self.secrets.push((token.clone(), vec![request.to_owned()]));
        token
    }
}

#[test]
fn no_secret_of_a_whole_life_is_at_rest_in_a_log_or_in_an_answer() {
    let mut app = App::with(&[
        ("ADMIN_USERNAME", ADMIN.0),
        ("ADMIN_PASSWORD", ADMIN.1),
        ("TOKEN_KEYS", &format!("k1:{ROOT_KEY}")),
        ("MAIL_PROVIDER", "resend"),
        ("MAIL_API_KEY", API_KEY),
        ("MAIL_API_BASE", "http://127.0.0.1:9"),
        ("MAIL_WEBHOOK_SECRET_POSTMARK", HOOK.0),
        ("PASSWORD_HISTORY", "3"),
    ]);
    let mails = Arc::new(Gossip(std::sync::Mutex::default()));
    app.platform.http = mails.clone();
    let mut life = Life { app, mails, answers: Vec::new(), secrets: Vec::new() };
    for secret in [ADMIN.1, ROOT_KEY, API_KEY, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"] {
        life.secret(secret);
    }
    life.secret(&STANDARD.encode(format!("{}:{}", ADMIN.0, ADMIN.1)));

    // Created with a password, with one that is refused, with one that an invitation makes void.
    let created = life.secret("CreatedSecret41");
    let body = json!({ "userName": "peter", "password": created, "emails": ["peter@example.com"] });
    let peter = life.admin("POST", "/scim2/Users", &body).json();
    let peter = format!("/scim2/Users/{}", peter["id"].as_str().unwrap());
    let refused = life.secret(&format!("Refused{}", "Secret".repeat(200)));
    assert_eq!(life.admin("POST", "/scim2/Users", &json!({ "userName": "mary", "password": refused })).status, 400);
    let mut void = invited("paul");
    void["password"] = life.secret("VoidSecret52").into();
    let paul = life.admin("POST", "/scim2/Users", &void).json();
    let paul = paul["id"].as_str().unwrap().to_owned();
    assert_eq!(life.admin("POST", "/scim2/Users", &void).status, 409);

    // Links: looked at, mangled, sent again, used with passwords that are refused and one that is taken.
    let link = life.newest_link();
    assert_eq!(life.request(None, "GET", &link, "").status, 200);
    assert_eq!(life.request(None, "GET", &format!("{link}x"), "").status, 404);
    assert_eq!(life.admin("POST", &format!("/api/invitations/{paul}/resend"), &Value::Null).status, 202);
    let newer = life.newest_link();
    assert_ne!(newer, link);
    assert_eq!(life.request(None, "GET", &link, "").status, 410);
    let short = life.secret("Shrt63");
    assert_eq!(life.request(None, "POST", &newer, format!("password={short}")).status, 422);
    let (one, two) = (life.secret("MismatchSecret1"), life.secret("MismatchSecret2"));
    assert_eq!(life.request(None, "POST", &newer, format!("password={one}&confirm={two}")).status, 422);
    let code = newer.rsplit('/').next().unwrap().to_owned();
    let validate = "/api/identity/recovery/v0.9/validate-code";
    let reply = life.request(None, "POST", validate, json!({ "code": code }).to_string());
    assert!(reply.status.is_success(), "{}", reply.text);
    for (secret, handed_out) in &mut life.secrets {
        if *secret == code {
            // WSO2's answer is the key for the next step, which is the code.
            handed_out.push(format!("POST {validate}"));
        }
    }
    let chosen = life.secret("ChosenSecret74");
    assert_eq!(life.request(None, "POST", &newer, format!("password={chosen}&confirm={chosen}")).status, 200);
    let late = life.secret("LateSecret85");
    assert_eq!(life.request(None, "POST", &newer, format!("password={late}")).status, 410);

    // Signing in, right and wrong; new passwords by PATCH, PUT and Bulk.
    assert_eq!(life.request(Some(("paul", &chosen)), "GET", "/scim2/Me", "").status, 200);
    for name in ["paul", "nobody", ADMIN.0] {
        let wrong = life.secret(&format!("WrongSecretOf{name}"));
        life.secret(&STANDARD.encode(format!("{name}:{wrong}")));
        assert_eq!(life.request(Some((name, &wrong)), "GET", "/scim2/Me", "").status, 401);
        assert_eq!(life.request(Some((name, &wrong)), "GET", "/api/settings", "").status, 401);
    }
    let own = life.secret("OwnNewSecret96");
    let change = json!({ "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "password", "value": own }] });
    assert_eq!(life.request(Some(("paul", &chosen)), "PATCH", "/scim2/Me", change.to_string()).status, 200);
    assert_eq!(life.admin("PATCH", &peter, &change).status, 200);
    let filtered = life.admin("GET", "/scim2/Users?filter=password%20eq%20%22OwnNewSecret96%22", &Value::Null);
    assert_eq!(filtered.status, 400);
    let put = life.secret("PutSecret107");
    assert_eq!(life.admin("PUT", &peter, &json!({ "userName": "peter", "password": put })).status, 200);
    let (many, bad) = (life.secret("BulkSecret118"), life.secret("BulkSecret129"));
    let operations = json!([
        { "method": "POST", "path": "/Users", "bulkId": "1", "data": { "userName": "bulk", "password": many } },
        { "method": "POST", "path": "/Users", "bulkId": "2", "data": { "userName": "peter", "password": bad } },
        { "method": "POST", "path": "/Users", "bulkId": "3", "data": { "password": bad, "userName": 7 } },
    ]);
    assert_eq!(life.admin("POST", "/scim2/Bulk", &json!({ "schemas": [BULK], "Operations": operations })).status, 200);
    let broken = life.secret("BrokenSecret13");
    let broken = format!("{{\"userName\":\"x\",\"password\":\"{broken}\"");
    assert_eq!(life.request(Some(ADMIN), "POST", "/scim2/Users", broken).status, 400);

    // A console session: its cookie is handed out once.
    let mut browser = Browser::signed_in(&life.app, "", ADMIN.0, ADMIN.1);
    let home = browser.get("/console");
    let cookie = browser.cookie.clone();
    life.secret(cookie.split_once('=').unwrap().1);
    life.answers.push(("GET /console".to_owned(), format!("{:?}\n{}", home.headers, home.text)));
    let wrong = life.secret("WrongSecretOfAForm");
    let refused = Browser::new(&life.app).sign_in("", "paul", &wrong);
    assert_eq!((home.status.as_u16(), refused.status.as_u16()), (200, 401));
    life.answers.push(("POST /console/login".to_owned(), format!("{:?}\n{}", refused.headers, refused.text)));

    // Tokens of programs: handed out once, exchanged, used, mistyped, revoked.
    let reply = life.admin(
        "POST",
        "/api/tokens",
        &json!({ "name": "ci", "scopes": ["scim:read", "scim:write"], "expiresInDays": 30 }),
    );
    assert_eq!(reply.status, 201, "{}", reply.text);
    let (id, token) =
        (reply.json()["id"].as_str().unwrap().to_owned(), reply.json()["token"].as_str().unwrap().to_owned());
    life.secrets.push((token.clone(), vec!["POST /api/tokens".to_owned()]));
    life.secret(&STANDARD.encode(format!("{id}:{token}")));
    let reply = life.request(Some((&id, &token)), "POST", "/oauth2/token", "grant_type=client_credentials");
    assert_eq!(reply.status, 200, "{}", reply.text);
    let access = reply.json()["access_token"].as_str().unwrap().to_owned();
    life.secrets.push((access.clone(), vec!["POST /oauth2/token".to_owned()]));
    for (bearer, status) in [(token.clone(), 200), (access, 200), (life.secret("lk_NobodysTokenSecret"), 401)] {
        let request = Request::get("/scim2/Users").header("authorization", format!("Bearer {bearer}"));
        let reply = life.app.send(request.body(Bytes::new()).unwrap());
        assert_eq!(reply.status, status, "{}", reply.text);
        life.answers.push(("GET /scim2/Users by bearer".to_owned(), format!("{:?}\n{}", reply.headers, reply.text)));
    }
    assert_eq!(life.admin("GET", "/api/tokens", &Value::Null).status, 200);
    assert_eq!(life.admin("DELETE", &format!("/api/tokens/{id}"), &Value::Null).status, 204);

    // What a provider tells of a mail.
    let hook = life.secret(HOOK.1);
    life.secret(&STANDARD.encode(HOOK.0));
    for credentials in [HOOK.0.split_once(':').unwrap(), ("hook", "ForgedHookSecret77")] {
        life.secret(credentials.1);
        life.request(
            Some(credentials),
            "POST",
            "/hooks/mail/postmark",
            json!({ "RecordType": "Bounce", "MessageID": "1" }).to_string(),
        );
    }
    assert!(HOOK.0.ends_with(&hook));

    // What is cached.
    let badge = json!({ "id": "urn:example:schemas:Badge", "name": "Badge", "attributes": [{ "name": "number", "type": "string" }] });
    assert_eq!(life.admin("POST", "/api/schemas", &badge).status, 201);

    // Files, templates, a tenant, a link to hand over, a code for others to send, a confirmed address.
    let file = "userName,email\nann,ann@example.com\nann,ann@example.com\nbob,none\n";
    assert_eq!(life.request(Some(ADMIN), "POST", "/api/invitations/import", file).status, 200);
    life.newest_link();
    let template = json!({ "contentType": "text/html", "subject": "Code {{confirmation-code}}",
        "body": "{{invitation-link}} {{confirmation-code}}", "footer": "" });
    let templates = format!("{}/org-templates/en_US", crate::templates::ASK);
    assert_eq!(life.admin("PUT", &templates, &template).status, 200);
    life.admin("POST", "/scim2/Users", &invited("templated"));
    life.newest_link();
    let tenant = json!({ "domain": "acme.com", "owners": [{ "username": "kim", "email": "kim@acme.com",
        "firstname": "Kim", "lastname": "Doe", "provisioningMethod": "invite-via-email" }] });
    assert_eq!(life.admin("POST", "/api/server/v1/tenants", &tenant).status, 201);
    life.newest_link();
    life.admin("POST", "/scim2/Users", &invited("offline"));
    let offline = "/api/users/v1/offline-invite-link";
    let reply = life.admin("POST", offline, &json!({ "username": "offline", "userstore": "PRIMARY" }));
    assert_eq!(reply.status, 201, "{}", reply.text);
    life.token_in(&reply, &format!("POST {offline}"));
    life.newest_link();
    let verified = life.secret("VerifiedSecret14");
    let body = json!({ "userName": "vera", "password": verified, "emails": ["vera@example.com"], WSO2: { "verifyEmail": true } });
    assert_eq!(life.admin("POST", "/scim2/Users", &body).status, 201);
    let verify = life.newest_link();
    assert_eq!(life.request(None, "POST", &verify, "intent=confirm-email").status, 200);
    let settings = json!({ "EMAIL_SENDER": "external" });
    assert_eq!(life.admin("PATCH", "/api/settings", &settings).status, 200);
    let mut external = invited("external");
    external["displayName"] = "x".into();
    let users = "/scim2/Users?handed-out".to_owned();
    let reply = life.admin("POST", &users, &external);
    assert_eq!(reply.status, 201, "{}", reply.text);
    life.token_in(&reply, &format!("POST {users}"));

    // An expired link's button, and a database that fails with words of its own.
    life.app.native.clock.advance(Duration::from_secs(3 * 86_400));
    assert_eq!(life.request(None, "POST", &verify, "intent=new-mail").status, 200);
    let healthy = life.app.platform.db.clone();
    let lost = life.secret("LostSecret151");
    for number in [1, 2] {
        life.app.platform.db = Arc::new(Faulty::on_batch(healthy.clone(), number, true));
        life.admin("POST", "/scim2/Users", &json!({ "userName": format!("lost{number}"), "password": lost }));
    }
    life.app.platform.db = Arc::new(Quoting);
    assert_eq!(life.admin("POST", "/scim2/Users", &json!({ "userName": "q", "password": lost })).status, 503);
    assert_eq!(life.request(None, "GET", &newer, "").status, 410);
    assert_eq!(life.request(Some(("paul", &own)), "GET", "/scim2/Me", "").status, 503);
    life.app.platform.db = healthy;
    for path in [
        "/api/audit",
        "/api/tokens",
        "/api/mail",
        "/api/settings",
        "/api/invitations",
        "/scim2/Users",
        "/scim2/Schemas",
        "/console",
        "/openapi.json",
    ] {
        life.admin("GET", path, &Value::Null);
    }

    let log = life.app.native.log.to_text();
    let rows = life.app.dump();
    let cache = life.app.native.cache.to_text();
    for (text, known) in [(&log, "D1_ERROR"), (&rows, "paul@example.com"), (&cache, "urn:example:schemas:Badge")] {
        assert!(text.contains(known), "the search sees what is there: {known} in {text}");
    }
    assert!(life.secrets.len() > 30 && life.answers.len() > 50);
    for (secret, handed_out) in &life.secrets {
        for (place, text) in [("log", &log), ("database", &rows), ("cache", &cache)] {
            assert!(!text.contains(secret), "{secret} is in the {place}");
        }
        for (request, answer) in life.answers.iter().filter(|(request, _)| !handed_out.contains(request)) {
            assert!(!answer.contains(secret), "{secret} is in the answer to {request}: {answer}");
        }
    }
    // The mails have the links and nothing else that is secret, but the key to the provider's own door.
    let sent = life.mails.0.lock().unwrap().join("\n");
    for (secret, _) in life.secrets.iter().filter(|(secret, _)| !secret.starts_with("lk1.") && secret != API_KEY) {
        assert!(!sent.contains(secret), "{secret} is in a mail");
    }
}
