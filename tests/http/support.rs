//! The Worker's router over an in-memory SQLite database, and requests to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use latchkey::http::Service;
use latchkey::mail::sender;
use latchkey::mail::webhooks::problem_with;
use latchkey::model::deployment::Deployment;
use latchkey::model::tenant::Tenant;
use latchkey::native::{Native, Sqlite};
use latchkey::ports::{Database, DatabaseError, Outcome, Platform, Statement, StoreDatabase};
use serde_json::{Value, json};

pub const ORIGIN: &str = "https://id.example.com";
const KEY: &str = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// The seed document's body, as its page prints it.
pub const SEED: &str = r#"{"schemas":[],"name":{"familyName":"Smith","givenName":"Paul"},"userName":"Paul","password":"password","emails":[{"primary":true,"value":"paul@somemail.com"}],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{askPassword:"true"}}"#;

pub struct App {
    pub native: Native,
    /// The databases of the user stores besides PRIMARY.
    pub stores: Vec<Arc<Sqlite>>,
    pub platform: Platform,
    pub service: Service,
    pub deployment: Arc<Deployment>,
}

pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

/// How many bytes a text is when it is sent compressed.
pub fn gzipped(text: &str) -> usize {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut gzip = Command::new("gzip").arg("-6c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    gzip.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    gzip.wait_with_output().unwrap().stdout.len()
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// D1 round trips, as `Server-Timing` tells.
    pub fn trips(&self) -> u32 {
        let timing = self.header("server-timing");
        let (_, rest) = timing.split_once("trips=").unwrap_or_else(|| panic!("no trips in {timing:?}"));
        rest.split(' ').next().unwrap().parse().unwrap()
    }
}

/// A development deployment with these variables on top.
pub fn deployment(overrides: &[(&str, &str)]) -> Deployment {
    let base = [
        ("ENVIRONMENT", "development"),
        ("PUBLIC_ORIGIN", ORIGIN),
        ("ADMIN_USERNAME", "admin"),
        ("ADMIN_PASSWORD", "admin"),
        ("TOKEN_KEYS", KEY),
    ];
    let all: Vec<_> = overrides.iter().chain(&base).collect();
    Deployment::load(
        |name| all.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()),
        problem_with,
    )
    .unwrap_or_else(|problems| panic!("{problems:?}"))
}

impl App {
    pub fn new() -> Self {
        Self::with(&[])
    }

    pub fn with(overrides: &[(&str, &str)]) -> Self {
        let native = Native::in_memory().unwrap();
        Self::over(native, overrides)
    }

    /// With these user stores besides PRIMARY, each in a database of its own.
    pub fn with_stores(domains: &[&str]) -> Self {
        let bindings: Vec<String> = domains.iter().map(|domain| format!("{domain}=DB_{domain}")).collect();
        Self::with(&[("USER_STORES", &bindings.join(","))])
    }

    pub fn over(native: Native, overrides: &[(&str, &str)]) -> Self {
        let deployment = Arc::new(deployment(overrides));
        let stores: Vec<(u16, Arc<Sqlite>)> =
            deployment.user_stores.iter().map(|store| (store.number, Arc::new(Sqlite::in_memory().unwrap()))).collect();
        let databases =
            stores.iter().map(|(number, sqlite)| StoreDatabase { number: *number, db: sqlite.clone() }).collect();
        let platform = Platform { stores: databases, ..native.platform.clone() };
        let stores = stores.into_iter().map(|(_, sqlite)| sqlite).collect();
        let service = Service::new(Ok(deployment.clone()));
        // As an isolate does with its first request.
        service.warm(&platform).unwrap();
        Self { platform, native, stores, service, deployment }
    }

    /// The same data under another configuration.
    pub fn reconfigured(self, overrides: &[(&str, &str)]) -> Self {
        Self::over(self.native, overrides)
    }

    /// The same data under a configuration without these variables.
    pub fn without(self, names: &[&str]) -> Self {
        let empty: Vec<_> = names.iter().map(|name| (*name, "")).collect();
        Self::over(self.native, &empty)
    }

    /// Another isolate of the same deployment, over the same data.
    pub fn isolate(&self) -> Service {
        let service = Service::new(Ok(self.deployment.clone()));
        service.warm(&self.platform).unwrap();
        service
    }

    pub fn send(&self, request: Request<Bytes>) -> Reply {
        self.send_to(&self.service, request)
    }

    /// Sends a request to an isolate.
    pub fn send_to(&self, isolate: &Service, request: Request<Bytes>) -> Reply {
        {
            let response = isolate.handle(&self.platform, request);
            let (parts, body) = response.into_parts();
            let bytes = body;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            Reply { status: parts.status, headers: parts.headers, text }
        }
    }

    /// A request by the administrator.
    pub fn admin(&self, method: &str, path: &str, body: impl Into<Bytes>) -> Reply {
        self.send(
            Request::builder()
                .method(method)
                .uri(path)
                .header("authorization", basic("admin", "admin"))
                .header("content-type", "application/scim+json")
                .body(body.into())
                .unwrap(),
        )
    }

    /// Makes a tenant.
    pub fn create_tenant(&self, domain: &str) {
        let number = Tenant::from_domain(domain).number().cast_signed();
        self.native.sqlite.with(|connection| {
            let insert = "INSERT INTO tenants (number, domain, created) VALUES (?1, ?2, 0)";
            connection.execute(insert, (number, domain)).unwrap()
        });
    }

    /// An API token of the tenant at this path prefix with these scopes: its id and its text.
    pub fn token(&self, prefix: &str, scopes: &[&str]) -> (String, String) {
        let body = json!({ "name": "a script", "scopes": scopes, "expiresInDays": 1 });
        let reply = self.admin("POST", &format!("{prefix}/api/tokens"), body.to_string());
        assert_eq!(reply.status, 201, "{}", reply.text);
        let text = |name: &str| reply.json()[name].as_str().unwrap().to_owned();
        (text("id"), text("token"))
    }

    /// A request with this `Authorization`.
    pub fn authorized(&self, authorization: &str, method: &str, path: &str) -> Reply {
        self.send(authorized(authorization, method, path))
    }

    /// A request by nobody.
    pub fn anyone(&self, method: &str, path: &str) -> Reply {
        self.send(Request::builder().method(method).uri(path).body(Bytes::new()).unwrap())
    }

    /// A form, posted as a browser does.
    pub fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send(
            Request::post(path)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(Bytes::from(form))
                .unwrap(),
        )
    }

    pub fn me(&self, user: &str, password: &str) -> Reply {
        let request = Request::get("/scim2/Me").header("authorization", basic(user, password));
        self.send(request.body(Bytes::new()).unwrap())
    }

    /// Creates a user who is asked for a password, and answers the body of the 201.
    pub fn invite(&self, user_name: &str) -> Value {
        let reply = self.admin("POST", "/scim2/Users", invited(user_name).to_string());
        assert_eq!(reply.status, 201, "{}", reply.text);
        reply.json()
    }

    /// Works off the new mails asked for on expired links' pages, as the Worker does before it sends.
    pub fn renew(&self) {
        self.service.renew(&self.platform).unwrap();
    }

    /// Works jobs off until nothing of them is due, as the Worker does in as many invocations as it takes; answers how many that
    /// is.
    pub fn work_off_jobs(&self) -> usize {
        for invocation in 1..1_000 {
            let _ = self.native.wakes.take();
            self.service.work_off_jobs(&self.platform, 200).unwrap();
            if self.native.wakes.take().is_empty() {
                return invocation;
            }
        }
        panic!("the jobs do not end");
    }

    /// Runs the mail sender.
    pub fn deliver(&self) -> sender::Report {
        sender::run(&self.platform, &self.deployment, self.service.mail_health(), 10).unwrap()
    }

    /// The mails in the development inbox, newest first.
    pub fn inbox(&self) -> Vec<Value> {
        self.anyone("GET", "/dev/inbox.json").json().as_array().unwrap().clone()
    }

    /// An application with a pending user, paul, and the path of the link in the mail.
    pub fn with_invitation() -> (Self, String) {
        let app = Self::new();
        app.invite("paul");
        let link = app.newest_link();
        (app, link)
    }

    /// Delivers, and answers the path of the newest link.
    pub fn newest_link(&self) -> String {
        self.deliver();
        let mails = self.inbox();
        let link = mails.iter().find_map(|mail| mail["links"][0].as_str()).expect("a mail with a link").to_owned();
        link.strip_prefix(ORIGIN).expect("links start with PUBLIC_ORIGIN").to_owned()
    }

    /// Everything in the database, as text.
    pub fn dump(&self) -> String {
        self.dump_without("")
    }

    /// The same without one of the tables.
    pub fn dump_without(&self, left_out: &str) -> String {
        self.native.sqlite.with(|connection| {
            let mut tables = connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").unwrap();
            let names: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
            let mut text = String::new();
            for name in names.iter().filter(|name| *name != left_out) {
                let mut all = connection.prepare(&format!("SELECT * FROM {name}")).unwrap();
                let columns = all.column_count();
                let mut rows = all.query([]).unwrap();
                while let Some(row) = rows.next().unwrap() {
                    for column in 0..columns {
                        text.push_str(&format!("{:?}|", row.get_ref(column).unwrap()));
                        if let Ok(Some(value)) = row.get::<_, Option<String>>(column) {
                            text.push_str(&value);
                        } else if let Ok(Some(bytes)) = row.get::<_, Option<Vec<u8>>>(column) {
                            text.push_str(&String::from_utf8_lossy(&bytes));
                        }
                    }
                    text.push('\n');
                }
            }
            text
        })
    }

    /// One number from the database.
    pub fn number(&self, sql: &str) -> i64 {
        self.native.sqlite.with(|connection| connection.query_row(sql, [], |row| row.get(0)).unwrap())
    }
}

pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// A request with this `Authorization` and no body.
pub fn authorized(authorization: &str, method: &str, path: &str) -> Request<Bytes> {
    let request = Request::builder().method(method).uri(path).header("authorization", authorization);
    request.body(Bytes::new()).unwrap()
}

/// A user who is asked for a password.
pub fn invited(user_name: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": user_name,
        "emails": [{ "value": format!("{}@example.com", user_name.to_lowercase()) }],
        "urn:scim:wso2:schema": { "askPassword": true },
    })
}

/// A database that fails the `n`th batch: before it is committed, or after, which is what a lost answer looks like.
pub struct Faulty {
    inner: Arc<dyn Database>,
    countdown: AtomicUsize,
    after_commit: bool,
}

impl Faulty {
    pub fn on_batch(inner: Arc<dyn Database>, number: usize, after_commit: bool) -> Self {
        Self { inner, countdown: AtomicUsize::new(number), after_commit }
    }
}
impl Database for Faulty {
    fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
        let fails = self.countdown.fetch_sub(1, Ordering::SeqCst) == 1;
        if fails && !self.after_commit {
            return Err(DatabaseError::Unavailable("lost before the commit".to_owned()));
        }
        let outcomes = self.inner.batch(statements)?;
        if fails { Err(DatabaseError::Unavailable("lost after the commit".to_owned())) } else { Ok(outcomes) }
    }
}
