//! Many who write one resource at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use latchkey::ports::{Clock, Database, DatabaseError, Millis, Outcome, Platform, Statement};
use serde_json::{Value, json};

use crate::scim2::client::{BULK, Client, PASSWORD, PATCH, USER, id, in_parallel, values};
use crate::support::{App, Reply, basic};

/// A database in which something happens just before each batch that has this text.
struct Before {
    inner: Arc<dyn Database>,
    text: &'static str,
    happens: Box<dyn Fn() + Send + Sync>,
}
impl Database for Before {
    fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
        if statements.iter().any(|statement| statement.sql.contains(self.text)) {
            (self.happens)();
        }
        self.inner.batch(statements)
    }
}

/// A clock by which nothing takes time but pauses, which take none.
pub struct Hurried(AtomicI64);

impl Hurried {
    /// The application, by such a clock.
    pub fn app(app: App) -> (App, Arc<Self>) {
        let clock = Arc::new(Self(AtomicI64::new(app.platform.clock.now())));
        (App { platform: Platform { clock: clock.clone(), ..app.platform.clone() }, ..app }, clock)
    }
}
impl Clock for Hurried {
    fn now(&self) -> Millis {
        self.0.load(Ordering::SeqCst)
    }

    fn sleep(&self, pause: Duration) {
        self.0.fetch_add(i64::try_from(pause.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

/// A clock that goes slowly: what two seconds are enough for does not depend on what else this machine does.
struct Slow(Instant);

/// An application by such a clock.
fn unhurried() -> App {
    let app = App::new();
    App { platform: Platform { clock: Arc::new(Slow(Instant::now())), ..app.platform.clone() }, ..app }
}
impl Clock for Slow {
    fn now(&self) -> Millis {
        1_767_268_800_000 + i64::try_from(self.0.elapsed().as_millis() / 20).unwrap()
    }

    fn sleep(&self, pause: Duration) {
        std::thread::sleep(pause);
    }
}

/// An application in which another writer is faster with this resource until the clock says so, and what the clock said at
/// first.
pub fn outrun(resource: &str, until: Millis) -> (App, Arc<Hurried>) {
    let (app, clock) = Hurried::app(App::new());
    let path = app.scim().create("/scim2/Users", &json!({ "userName": resource, "title": "none" }));
    let (number, sqlite, hurried) = (id(&path).to_owned(), app.native.sqlite.clone(), clock.clone());
    let since = clock.now();
    let happens = move || {
        if hurried.now() - since < until {
            let bump = "UPDATE resources SET version = version + 1 WHERE id = ?1";
            sqlite.with(|connection| connection.execute(bump, (&number,)).unwrap());
        }
    };
    let inner = app.platform.db.clone();
    let db = Arc::new(Before { inner, text: "UPDATE resources SET name_key", happens: Box::new(happens) });
    (App { platform: Platform { db, ..app.platform.clone() }, ..app }, clock)
}

/// The path of the only user.
pub fn only_user(app: &App) -> String {
    let page = app.scim().get("/scim2/Users").is(200);
    format!("/scim2/Users/{}", page["Resources"][0]["id"].as_str().unwrap())
}

fn assert_all_are_written(replies: &[Reply]) {
    let refused: Vec<_> =
        replies.iter().filter(|reply| reply.status.as_u16() >= 300).map(|reply| &reply.text).collect();
    assert!(refused.is_empty(), "{} of {}: {refused:?}", refused.len(), replies.len());
}

#[test]
fn of_sixty_who_patch_one_user_none_is_refused_and_none_reads_in_vain() {
    let app = unhurried();
    let user = app.scim().create_user("kim");
    let replies = in_parallel(60, |number| {
        let emails = json!([{ "value": format!("u{number}@example.com") }]);
        app.scim().patch(&user, json!([{ "op": "add", "path": "emails", "value": emails }]))
    });
    assert_all_are_written(&replies);
    let after = app.scim().get(&user).is(200);
    assert_eq!((after["emails"].as_array().unwrap().len(), &after["meta"]["version"]), (60, &json!("W/\"61\"")));
    // A read and a write each.
    let trips: Vec<u32> = replies.iter().map(Reply::trips).collect();
    assert_eq!(trips, vec![2; 60]);
}

#[test]
fn whichever_way_one_user_is_written_none_is_refused() {
    let app = unhurried();
    let admin = app.scim();
    let user = admin.create("/scim2/Users", &json!({ "schemas": [USER], "userName": "kim", "password": PASSWORD }));
    // Signed in once, so that nobody has to hash the password again.
    app.user("kim", PASSWORD).get("/scim2/Me").is(200);
    let write = |client: Client, number: usize| {
        let title = format!("t{number}");
        let replace = json!([{ "op": "replace", "path": "title", "value": title }]);
        match number % 5 {
            0 => client.patch(&user, replace),
            1 => client.put(&user, &json!({ "schemas": [USER], "userName": "kim", "title": title })),
            2 => app.user("kim", PASSWORD).patch("/scim2/Me", replace),
            3 => app.user("kim", PASSWORD).put("/scim2/Me", &json!({ "userName": "kim", "title": title })),
            _ => {
                let data = json!({ "schemas": [PATCH], "Operations": replace });
                let path = format!("/Users/{}", id(&user));
                client.bulk(vec![json!({ "method": "PATCH", "path": path, "data": data }); 2])
            }
        }
    };
    let replies = in_parallel(60, |number| write(app.scim(), number));
    assert_all_are_written(&replies);
    for bulk in replies.iter().skip(4).step_by(5) {
        for operation in bulk.json()["Operations"].as_array().unwrap() {
            assert_eq!(operation["status"], "200", "{operation}");
        }
    }
}

#[test]
fn writers_of_several_isolates_all_succeed() {
    let app = unhurried();
    let user = app.scim().create_user("kim");
    let isolates: Vec<_> = (0..4).map(|_| app.isolate()).collect();
    let replies = in_parallel(40, |number| {
        let emails = json!([{ "value": format!("u{number}@example.com") }]);
        let operations = json!([{ "op": "add", "path": "emails", "value": emails }]);
        let request = Request::patch(&user)
            .header("authorization", basic("admin", "admin"))
            .header("content-type", "application/scim+json")
            .body(Bytes::from(json!({ "schemas": [PATCH], "Operations": operations }).to_string()));
        app.send_to(&isolates[number % isolates.len()], request.unwrap())
    });
    assert_all_are_written(&replies);
    assert_eq!(app.scim().get(&user).is(200)["emails"].as_array().unwrap().len(), 40);
}

#[test]
fn a_group_may_be_renamed_by_many_while_others_change_its_members() {
    let app = unhurried();
    let admin = app.scim();
    let users: Vec<String> = (0..20).map(|number| admin.create_user(&format!("u{number}"))).collect();
    let group = admin.create_group("staff", &[]);
    let replies = in_parallel(40, |number| match number % 2 {
        0 => app.scim().set(&group, "displayName", format!("staff {number}")),
        _ => {
            let members = values(&[users[number / 2].as_str()]);
            app.scim().patch(&group, json!([{ "op": "add", "path": "members", "value": members }]))
        }
    });
    assert_all_are_written(&replies);
    assert_eq!(app.scim().get(&group).is(200)["members"].as_array().unwrap().len(), 20);
}

#[test]
fn a_write_that_others_outrun_for_two_seconds_is_told_when_to_come_again() {
    for write in [
        |client: Client, user: &str| client.set(user, "title", "mine"),
        |client: Client, user: &str| client.put(user, &json!({ "userName": "kim", "title": "mine" })),
    ] {
        let (app, _) = outrun("kim", Millis::MAX);
        let user = only_user(&app);
        let reply = write(app.scim(), &user);
        reply.is_error(429, None);
        assert_eq!(reply.header("retry-after"), "1");
        // The pauses grow: no more than a dozen attempts at two round trips each.
        assert!(reply.trips() <= 40, "{}", reply.trips());
        assert_eq!(app.scim().get(&user).is(200)["title"], "none");
    }
}

#[test]
fn in_bulk_one_that_others_outrun_is_told_in_its_place() {
    let (app, _) = outrun("kim", Millis::MAX);
    let path = format!("/Users/{}", id(&only_user(&app)));
    let data = json!({ "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "title", "value": "mine" }] });
    let post = json!({ "method": "POST", "path": "/Users", "bulkId": "a", "data": { "userName": "mary" } });
    let answer = app.scim().bulk(vec![json!({ "method": "PATCH", "path": path, "data": data }), post]).is(200);
    let operations = answer["Operations"].as_array().unwrap();
    assert_eq!((&operations[0]["status"], &operations[1]["status"]), (&json!("429"), &json!("201")));
    assert_eq!(operations[0]["headers"], json!({ "Retry-After": "1" }));
}

#[test]
fn a_password_is_hashed_once_however_often_its_write_is_tried() {
    let (app, _) = outrun("kim", 1_000);
    let user = only_user(&app);
    let data =
        json!({ "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "password", "value": PASSWORD }] });
    let operation = json!({ "method": "PATCH", "path": format!("/Users/{}", id(&user)), "data": data });
    // Were each attempt to hash it, a request's share would be used up.
    let answer = app.scim().bulk(vec![operation; 20]).is(200);
    for operation in answer["Operations"].as_array().unwrap() {
        assert_eq!(operation["status"], "200", "{operation}");
    }
}

/// An application in which somebody puts one group into another just before the first write of members.
fn nests_meanwhile(app: App, outer: &str, inner: &str) -> App {
    let (service, platform, times) = (app.isolate(), app.platform.clone(), AtomicUsize::new(0));
    let body = json!({ "Operations": [{ "op": "add", "path": "members", "value": [{ "value": id(inner) }] }] });
    let (path, body) = (outer.to_owned(), body.to_string());
    let happens = move || {
        if times.fetch_add(1, Ordering::SeqCst) == 0 {
            let request = Request::patch(&path)
                .header("authorization", basic("admin", "admin"))
                .header("content-type", "application/scim+json")
                .body(Bytes::from(body.clone()))
                .unwrap();
            assert_eq!(service.handle(&platform, request).status(), 200);
        }
    };
    let inner = app.platform.db.clone();
    let db = Arc::new(Before { inner, text: "INSERT INTO members", happens: Box::new(happens) });
    App { platform: Platform { db, ..app.platform.clone() }, ..app }
}

#[test]
fn whoever_would_close_a_circle_of_groups_and_loses_is_told_and_nothing_is_done() {
    type Write = fn(&Client, &str, Value) -> Reply;
    let writes: [(&str, Write); 4] = [
        ("PATCH", |client, group, members| {
            client.patch(group, json!([{ "op": "add", "path": "members", "value": members }]))
        }),
        ("PATCH with a name", |client, group, members| {
            client.patch(group, json!([{ "op": "add", "value": { "members": members, "displayName": "other" } }]))
        }),
        ("PUT", |client, group, members| client.put(group, &json!({ "displayName": "inner", "members": members }))),
        ("PUT with a name", |client, group, members| {
            client.put(group, &json!({ "displayName": "other", "members": members }))
        }),
    ];
    for in_bulk in [false, true] {
        for (name, write) in writes {
            let app = App::new();
            let admin = app.scim();
            let user = admin.create_user("kim");
            let (inner, outer) = (admin.create_group("inner", &[]), admin.create_group("outer", &[]));
            let app = nests_meanwhile(app, &outer, &inner);
            let before = app.scim().get(&inner).is(200);
            let members = values(&[user.as_str(), outer.as_str()]);
            let status = if in_bulk {
                let (method, data) = match name.starts_with("PUT") {
                    true => ("PUT", json!({ "displayName": "inner", "members": members })),
                    false => ("PATCH", json!({ "Operations": [{ "op": "add", "path": "members", "value": members }] })),
                };
                let path = format!("/Groups/{}", id(&inner));
                let answer = app.scim().bulk(vec![json!({ "method": method, "path": path, "data": data })]).is(200);
                answer["Operations"][0]["status"].as_str().unwrap().parse().unwrap()
            } else {
                write(&app.scim(), &inner, members).status.as_u16()
            };
            assert_eq!(status, 409, "{name}, in Bulk: {in_bulk}");
            assert_eq!(app.scim().get(&inner).is(200), before, "{name}");
            assert_eq!(app.scim().get(&outer).is(200)["members"][0]["value"], id(&inner), "{name}");
        }
    }
}

#[test]
fn whoever_creates_a_group_that_nests_too_deep_by_then_is_told_and_nothing_is_done() {
    for (in_bulk, limit) in [(false, 0), (true, 0), (true, 1)] {
        for levels in [9, 8] {
            let app = App::new();
            let admin = app.scim();
            let (user, below) = (admin.create_user("kim"), admin.create_group("below", &[]));
            let first = admin.create_group("g0", &[]);
            let highest =
                (1..=levels).fold(first.clone(), |inner, level| admin.create_group(&format!("g{level}"), &[&inner]));
            let app = nests_meanwhile(app, &first, &below);
            let group = json!({ "displayName": "top", "members": values(&[user.as_str(), highest.as_str()]) });
            let (status, detail) = if in_bulk {
                let other =
                    json!({ "method": "POST", "path": "/Groups", "bulkId": "b", "data": { "displayName": "b" } });
                let creation = json!({ "method": "POST", "path": "/Groups", "bulkId": "a", "data": group });
                let body = json!({ "schemas": [BULK], "failOnErrors": limit, "Operations": [other, creation] });
                let answer = app.scim().post("/scim2/Bulk", &body).is(200);
                let [other, one] = &answer["Operations"].as_array().unwrap()[..] else { panic!("{answer}") };
                assert_eq!(other["status"], "201", "one harms no other");
                (one["status"].as_str().unwrap().parse().unwrap(), one["response"]["detail"].to_string())
            } else {
                let reply = app.scim().post("/scim2/Groups", &group);
                (reply.status.as_u16(), reply.text)
            };
            let created = app.scim().count("/scim2/Groups", "displayName eq \"top\"");
            if levels == 8 {
                assert_eq!((status, created), (201, 1), "ten levels: {detail}");
            } else {
                assert!(status == 409 && detail.contains("at the same time"), "{status} {detail}");
                assert_eq!((created, app.scim().get(&user).is(200).get("groups").is_none()), (0, true));
            }
            assert_eq!(app.number("SELECT MAX(depth) FROM group_ancestors"), 10);
        }
    }
}

#[test]
fn no_write_sets_the_time_of_the_last_change_back() {
    let app = App::new();
    let admin = app.scim();
    let ada = id(admin.create("/scim2/Users", &crate::support::invited("ada")).as_str()).to_owned();
    let bob = admin.create_user("bob");
    let group = admin.create_group("Staff", &[id(&bob)]);
    // Whoever wrote last had a clock that goes before this one.
    let ahead = app.number("SELECT MAX(modified) + 60000 FROM resources");
    app.native.sqlite.with(|connection| connection.execute("UPDATE resources SET modified = ?1", [ahead]).unwrap());
    let is_kept = |what: &str| {
        let earliest = app.number("SELECT MIN(modified) FROM resources");
        assert!(earliest >= ahead, "{what}: {earliest} after {ahead}");
    };
    admin.set(&bob, "displayName", "Bob").is(200);
    is_kept("a PATCH");
    admin.set(&group, "displayName", "Crew").is(200);
    is_kept("a PATCH of a group");
    admin.patch(&group, json!([{ "op": "add", "path": "members", "value": values(&[&ada]) }])).is(200);
    is_kept("a member that comes");
    assert_eq!(app.admin("POST", &format!("/api/invitations/{ada}/resend"), "").status, 202);
    is_kept("a resend");
    let revoked = app.admin("POST", &format!("/api/invitations/{ada}/revoke"), "");
    assert!(revoked.status.is_success(), "{}", revoked.text);
    is_kept("a revocation");
    assert_eq!(admin.delete(&bob).status, 204);
    is_kept("a member that goes");
}
