//! A SCIM client: somebody who sends requests to the application, and what to expect of the answers.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Request;
use latchkey::ports::{Database, DatabaseError, Outcome, Statement};
use serde_json::{Value, json};

use crate::support::{App, Reply, basic};

pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub const WSO2: &str = "urn:scim:wso2:schema";
pub const INVITATION: &str = "urn:latchkey:params:scim:schemas:extension:invitation:2.0:User";
pub const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
pub const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
pub const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// A password that the policy takes.
pub const PASSWORD: &str = "walking the dog at nine";

/// Somebody who calls.
#[derive(Clone)]
pub struct Client<'a> {
    app: &'a App,
    headers: Vec<(&'static str, String)>,
}

impl App {
    /// The administrator.
    pub fn scim(&self) -> Client<'_> {
        self.nobody().with("authorization", &basic("admin", "admin"))
    }

    /// A user, by credentials of their own.
    pub fn user(&self, name: &str, password: &str) -> Client<'_> {
        self.nobody().with("authorization", &basic(name, password))
    }

    /// Somebody without credentials.
    pub fn nobody(&self) -> Client<'_> {
        Client { app: self, headers: vec![("content-type", "application/scim+json".to_owned())] }
    }
}

impl Client<'_> {
    /// The same client, sending this header with everything; it takes the place of one of the same name.
    pub fn with(&self, name: &'static str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.retain(|(other, _)| *other != name);
        client.headers.push((name, value.to_owned()));
        client
    }

    pub fn if_match(&self, tag: &str) -> Self {
        self.with("if-match", tag)
    }

    pub fn if_none_match(&self, tag: &str) -> Self {
        self.with("if-none-match", tag)
    }

    pub fn send(&self, method: &str, path: &str, body: impl Into<Bytes>) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        self.app.send(request.body(body.into()).unwrap())
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, "")
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.send("POST", path, body.to_string())
    }

    pub fn put(&self, path: &str, body: &Value) -> Reply {
        self.send("PUT", path, body.to_string())
    }

    /// A PATCH with these operations.
    pub fn patch(&self, path: &str, operations: Value) -> Reply {
        self.send("PATCH", path, json!({ "schemas": [PATCH], "Operations": operations }).to_string())
    }

    /// A PATCH with one `replace`.
    pub fn set(&self, path: &str, attribute: &str, value: impl Into<Value>) -> Reply {
        self.patch(path, json!([{ "op": "replace", "path": attribute, "value": value.into() }]))
    }

    pub fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, "")
    }

    /// A bulk request with these operations.
    pub fn bulk(&self, operations: Vec<Value>) -> Reply {
        self.post("/scim2/Bulk", &json!({ "schemas": [BULK], "Operations": operations }))
    }

    /// Creates a resource and answers its path.
    pub fn create(&self, endpoint: &str, body: &Value) -> String {
        let created = self.post(endpoint, body).is(201);
        format!("{endpoint}/{}", created["id"].as_str().unwrap())
    }

    /// Creates a user with nothing but a name and answers the path.
    pub fn create_user(&self, name: &str) -> String {
        self.create("/scim2/Users", &json!({ "schemas": [USER], "userName": name }))
    }

    /// Creates a group with these members and answers the path.
    pub fn create_group(&self, name: &str, members: &[&str]) -> String {
        let body = json!({ "schemas": [GROUP], "displayName": name, "members": values(members) });
        self.create("/scim2/Groups", &body)
    }

    /// A list request with these parameters.
    pub fn list(&self, endpoint: &str, parameters: &[(&str, &str)]) -> Reply {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        self.get(&format!("{endpoint}?{query}"))
    }

    /// The resources that a filter selects.
    pub fn filter(&self, endpoint: &str, filter: &str) -> Vec<Value> {
        let page = self.list(endpoint, &[("filter", filter)]).is(200);
        let found = page["Resources"].as_array().unwrap_or_else(|| panic!("no Resources in {page}")).clone();
        assert_eq!(page["totalResults"], found.len(), "{page}");
        found
    }

    /// How many resources a filter selects.
    pub fn count(&self, endpoint: &str, filter: &str) -> usize {
        self.filter(endpoint, filter).len()
    }
}

impl Reply {
    /// The body, provided that the status is this one and what the headers say fits the body.
    #[track_caller]
    pub fn is(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        if status == 204 || status == 304 {
            assert_eq!(self.text, "");
            return Value::Null;
        }
        assert_eq!(self.header("content-type"), "application/scim+json");
        self.json()
    }

    /// Holds the answer to being this SCIM error.
    #[track_caller]
    pub fn is_error(&self, status: u16, scim_type: Option<&str>) {
        let body = self.is(status);
        assert_is_error(&body, status, scim_type);
    }
}

/// Holds a body to being this SCIM error (RFC 7644 section 3.12).
#[track_caller]
pub fn assert_is_error(body: &Value, status: u16, scim_type: Option<&str>) {
    assert_eq!(body["schemas"], json!([ERROR]));
    assert_eq!(body["status"], status.to_string());
    assert_eq!(body.get("scimType").and_then(Value::as_str), scim_type, "{body}");
    assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{body}");
}

/// The id at the end of a path.
pub fn id(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

/// Members, from paths or ids.
pub fn values(paths: &[&str]) -> Value {
    paths.iter().map(|path| json!({ "value": id(path) })).collect()
}

/// The `value`s of a multi-valued attribute, in order.
pub fn sorted_values(list: &Value) -> Vec<String> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut found: Vec<String> = list.iter().map(|item| item["value"].as_str().unwrap().to_owned()).collect();
    found.sort();
    found
}

/// Runs `work` once for each of `0..count`, all at the same time, and answers what came of each.
pub fn in_parallel<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = std::sync::Barrier::new(count);
    let (work, barrier) = (&work, &barrier);
    std::thread::scope(|scope| {
        let start = |number| {
            scope.spawn(move || {
                barrier.wait();
                work(number)
            })
        };
        let running: Vec<_> = (0..count).map(start).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// A database that remembers what was asked of it, and how many rows it answered.
pub struct Spy {
    inner: Arc<dyn Database>,
    seen: Mutex<(Vec<String>, usize)>,
}

impl Spy {
    /// Puts a spy before the application's database.
    pub fn on(app: &mut App) -> Arc<Self> {
        let spy = Arc::new(Self { inner: app.platform.db.clone(), seen: Mutex::default() });
        app.platform.db = spy.clone();
        spy
    }

    /// The statements since the last call, and how many rows they answered.
    pub fn take(&self) -> (Vec<String>, usize) {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}
impl Database for Spy {
    fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
        let texts: Vec<String> = statements.iter().map(|statement| statement.sql.to_string()).collect();
        let outcomes = self.inner.batch(statements)?;
        let mut seen = self.seen.lock().unwrap();
        seen.0.extend(texts);
        seen.1 += outcomes.iter().map(|outcome| outcome.rows.len()).sum::<usize>();
        Ok(outcomes)
    }
}
