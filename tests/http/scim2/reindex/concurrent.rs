//! Steps that a request and the sweep take at the same time: in whichever order their batches come, what is stored has its
//! rows in the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use http::Request;
use latchkey::ports::{Database, DatabaseError, Outcome, Platform, Statement, StoreDatabase};
use latchkey::provision::reindex;
use serde_json::{Value, json};

use super::isolates::settle;
use super::{CUSTOM, badge, employee, rows};
use crate::coroutine::{Coroutine, pause};
use crate::support::{App, basic};

/// A database that runs as many batches as it was allowed to, and lets whoever wants another one wait.
struct Allowed {
    inner: Arc<dyn Database>,
    batches: Arc<AtomicU32>,
}
impl Database for Allowed {
    fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
        let spend = |left: u32| left.checked_sub(1);
        while self.batches.fetch_update(Ordering::SeqCst, Ordering::SeqCst, spend).is_err() {
            pause();
        }
        self.inner.batch(statements)
    }
}

/// Somebody at work, one batch at a time.
struct Worker {
    batches: Arc<AtomicU32>,
    work: Coroutine<()>,
    done: bool,
}

impl Worker {
    fn new(app: &App, work: impl FnOnce(Platform) + Send + 'static) -> Self {
        let batches = Arc::new(AtomicU32::new(0));
        let allowed = |inner: &Arc<dyn Database>| -> Arc<dyn Database> {
            Arc::new(Allowed { inner: inner.clone(), batches: batches.clone() })
        };
        let stores = app.platform.stores.iter();
        let stores = stores.map(|store| StoreDatabase { number: store.number, db: allowed(&store.db) }).collect();
        let platform = Platform { db: allowed(&app.platform.db), stores, ..app.platform.clone() };
        Self { batches, work: Coroutine::new(move || work(platform)), done: false }
    }

    /// Runs so many batches, and answers whether nothing is left to do.
    fn run(&mut self, batches: u32) -> bool {
        if !self.done {
            self.batches.store(batches, Ordering::SeqCst);
            self.done = self.work.go_on().is_some();
        }
        self.done
    }
}

fn indexed_and_unique() -> Value {
    badge(json!({ "indexed": true, "uniqueness": "server" }))
}

/// The request that takes the schema back, or registers one, by the isolate that `app` is.
fn request(method: &str, schema: Option<&Value>) -> Request<Bytes> {
    let path = if schema.is_some() { "/api/schemas".to_owned() } else { format!("/api/schemas/{CUSTOM}") };
    let body = schema.map(Value::to_string).unwrap_or_default();
    let request = Request::builder().method(method).uri(path).header("authorization", basic("admin", "admin"));
    request.header("content-type", "application/scim+json").body(body.into()).unwrap()
}

/// One who sends these requests by an isolate of their own, of which any may be refused because of others.
fn sender(app: &App, requests: Vec<Request<Bytes>>) -> Worker {
    let service = Arc::new(app.isolate());
    Worker::new(app, move |platform| {
        for request in requests {
            let status = service.handle(&platform, request).status().as_u16();
            assert!([201, 204, 409, 503].contains(&status), "{status}");
        }
    })
}

/// Whatever is in force in the end has its rows, in both stores, and nothing else has.
fn check(app: &App, order: &str) {
    settle(app);
    let documents = "SELECT COALESCE(group_concat(document), '') FROM registrations WHERE kind = 'schema'";
    let sql = |connection: &rusqlite::Connection| connection.query_row(documents, [], |row| row.get::<_, String>(0));
    let in_force = app.native.sqlite.with(|connection| sql(connection).unwrap());
    for (store, key) in [(&app.native.sqlite, "badge b1"), (&app.stores[0], "badge b2")] {
        let expected = |is_there| if is_there { vec![key.to_owned()] } else { vec![] };
        let (indexed, unique) = (in_force.contains("\"x-indexed\":true"), in_force.contains("server"));
        assert_eq!(
            (rows(store, "value_index"), rows(store, "unique_values")),
            (expected(indexed), expected(unique)),
            "{order}"
        );
    }
}

/// Two at work in all orders: the one runs so many batches, then the other so many, then each the rest.
fn in_all_orders(plain: bool, workers: impl Fn(&App) -> [Worker; 2]) {
    let app = App::with_stores(&["ACME"]);
    let admin = app.scim();
    super::register(&admin, &badge(json!({})));
    admin.create("/scim2/Users", &employee("ada", "B1"));
    admin.create("/scim2/Users", &employee("ACME/bob", "B2"));
    let mut orders = 0;
    for before in 0.. {
        let mut over = false;
        for between in [1, 2, 3, 5, 8] {
            if !plain {
                super::remove(&admin);
            }
            let [mut one, mut other] = workers(&app);
            over = one.run(before);
            let through = other.run(between);
            one.run(u32::MAX);
            other.run(u32::MAX);
            check(&app, &format!("{before} batches of the one, {between} of the other, then the rest"));
            admin.delete(&format!("/api/schemas/{CUSTOM}"));
            super::register(&admin, &badge(json!({})));
            settle(&app);
            orders += 1;
            if through || over {
                break;
            }
        }
        if over {
            break;
        }
    }
    assert!(orders > 20, "{orders}");
}

#[test]
fn while_a_schema_is_registered_anew_the_sweep_loses_no_rows() {
    in_all_orders(true, |app| {
        let sweeps = Worker::new(app, |platform| reindex::sweep(&platform).unwrap());
        [sender(app, vec![request("DELETE", None), request("POST", Some(&indexed_and_unique()))]), sweeps]
    });
}

#[test]
fn of_two_who_register_a_schema_in_different_forms_neither_takes_the_others_rows_away() {
    let indexed = badge(json!({ "indexed": true }));
    for forms in [[&indexed, &indexed_and_unique()], [&indexed_and_unique(), &indexed]] {
        in_all_orders(false, |app| forms.map(|form| sender(app, vec![request("POST", Some(form))])));
    }
}
