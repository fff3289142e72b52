//! Signing in with a password: what it costs, and what failing costs whoever fails.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use latchkey::ports::{Database, DatabaseError, Outcome, Statement};
use serde_json::json;

use crate::coroutine::{Coroutine, all_at_once, pause};
use crate::scim2::client::{PASSWORD, USER, id};
use crate::support::{App, Reply, basic};

/// In development nobody waits unless asked to.
fn limited() -> App {
    App::with(&[("RATE_LIMITS", "on")])
}

fn paul(app: &App) -> String {
    app.scim().create("/scim2/Users", &json!({ "schemas": [USER], "userName": "paul", "password": PASSWORD }))
}

/// Signs in from an address.
fn from(app: &App, address: &str, name: &str, password: &str) -> Reply {
    let request = Request::get("/scim2/Me").header("authorization", basic(name, password));
    app.send(request.header("cf-connecting-ip", address).body(Bytes::new()).unwrap())
}

#[test]
fn whoever_guesses_waits_and_nobody_else_does() {
    let app = limited();
    paul(&app);
    let (stranger, home) = ("192.0.2.66", "198.51.100.1");
    for attempt in 0..5 {
        assert_eq!(from(&app, stranger, "paul", "wrong").status, 401, "{attempt}");
    }
    let refused = from(&app, stranger, "PAUL", "wrong");
    assert_eq!((refused.status.as_u16(), refused.header("retry-after"), refused.trips()), (429, "1", 0));
    assert_eq!(refused.header("content-type"), "application/scim+json");
    // Even the right password, from there; from elsewhere it works all the while.
    assert_eq!(from(&app, stranger, "paul", PASSWORD).status, 429);
    assert_eq!(from(&app, home, "paul", PASSWORD).status, 200);
    // Other isolates read it with the user.
    let elsewhere = app.isolate();
    let request = Request::get("/scim2/Me").header("authorization", basic("paul", PASSWORD));
    let request = request.header("cf-connecting-ip", stranger).body(Bytes::new()).unwrap();
    assert_eq!(app.send_to(&elsewhere, request).status, 429);
    // Once: then they know it.
    let request = Request::get("/scim2/Me").header("authorization", basic("paul", PASSWORD));
    let request = request.header("cf-connecting-ip", stranger).body(Bytes::new()).unwrap();
    let refused = app.send_to(&elsewhere, request);
    assert_eq!((refused.status.as_u16(), refused.trips()), (429, 0));

    for wait in ["2", "4", "8", "16", "32", "60", "60"] {
        app.native.clock.advance(Duration::from_secs(60));
        assert_eq!(from(&app, stranger, "paul", "wrong").status, 401);
        assert_eq!(from(&app, stranger, "paul", "wrong").header("retry-after"), wait);
    }
    app.native.clock.advance(Duration::from_secs(60));
    assert_eq!(from(&app, stranger, "paul", PASSWORD).status, 200);
    assert_eq!(from(&app, stranger, "paul", "wrong").status, 401);
}

#[test]
fn names_that_nobody_has_are_counted_alike_and_no_name_is_stored() {
    let app = limited();
    let counted = |name: &str| {
        let statuses: Vec<u16> = (0..7).map(|_| from(&app, "192.0.2.66", name, "wrong").status.as_u16()).collect();
        statuses
    };
    paul(&app);
    app.invite("pending");
    for name in ["paul", "nobody", "pending", "hunter2 typed too early"] {
        assert_eq!(counted(name), [401, 401, 401, 401, 401, 429, 429], "{name}");
    }
    assert!(!app.dump().contains("hunter2"));
}

/// A database whose answers come when everybody who asks at the same time has asked.
struct Far(Arc<dyn Database>);
impl Database for Far {
    fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
        pause();
        self.0.batch(statements)
    }
}

#[test]
fn guessing_twenty_passwords_at_once_is_no_way_around_waiting() {
    let mut app = limited();
    paul(&app);
    app.platform.db = Arc::new(Far(app.platform.db.clone()));
    let service = Arc::new(app.isolate());
    let guess = |password: &str| {
        let request = Request::get("/scim2/Me").header("authorization", basic("paul", password));
        let request = request.header("cf-connecting-ip", "192.0.2.66").body(Bytes::new()).unwrap();
        let (service, platform) = (service.clone(), app.platform.clone());
        Coroutine::new(move || service.handle(&platform, request))
    };
    let passwords: Vec<String> = (0..19).map(|number| format!("wrong {number}")).chain([PASSWORD.to_owned()]).collect();
    let answers = all_at_once(passwords.iter().map(|password| guess(password)).collect());
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status().as_u16()).collect();
    assert_eq!(statuses[..5], [401; 5]);
    assert_eq!(statuses[5..], [429; 15]);
    // Many with the right password at once are no guesses.
    app.native.clock.advance(Duration::from_secs(901));
    let answers = all_at_once((0..20).map(|_| guess(PASSWORD)).collect());
    assert!(answers.iter().all(|answer| answer.status() == 200));
}

#[test]
fn an_address_that_guesses_at_everybody_waits_for_everybody() {
    let app = limited();
    paul(&app);
    for number in 0..100 {
        let address = format!("2001:db8:0:1::{number:x}");
        assert_eq!(from(&app, &address, &format!("user{number}"), "wrong").status, 401, "{number}");
    }
    assert_eq!(from(&app, "2001:db8:0:1::ffff", "paul", PASSWORD).status, 429);
    assert_eq!(from(&app, "2001:db8:0:2::1", "paul", PASSWORD).status, 200);
    app.native.clock.advance(Duration::from_secs(901));
    assert_eq!(from(&app, "2001:db8:0:1::ffff", "paul", PASSWORD).status, 200);
    latchkey::store::sign_in_failures::sweep(&app.platform).unwrap();
    assert_eq!(app.number("SELECT COUNT(*) FROM signin_failures"), 0);
}

#[test]
fn guessing_at_the_first_administrator_waits_in_whichever_tenant() {
    let app = limited();
    app.create_tenant("acme.com");
    let guess = |prefix: &str, password: &str| {
        let request = Request::get(format!("{prefix}/scim2/Users")).header("authorization", basic("admin", password));
        app.send(request.header("cf-connecting-ip", "192.0.2.66").body(Bytes::new()).unwrap()).status.as_u16()
    };
    for prefix in ["", "/t/acme.com", "/t/nobody.example", "/t/acme.com", ""] {
        assert_eq!(guess(prefix, "wrong"), 401);
    }
    assert_eq!((guess("/t/acme.com", "wrong"), guess("", "admin")), (429, 429));
    assert_eq!(app.admin("GET", "/scim2/Users", "").status, 200);
    app.native.clock.advance(Duration::from_secs(2));
    assert_eq!(guess("", "admin"), 200);
}

#[test]
fn a_right_password_is_written_nowhere_and_forgets_what_failed() {
    let app = limited();
    paul(&app);
    let rows = || app.number("SELECT COUNT(*) FROM signin_failures WHERE account <> ''");
    assert_eq!(from(&app, "192.0.2.1", "paul", "wrong").trips(), 2);
    assert_eq!(rows(), 1);
    assert_eq!(from(&app, "192.0.2.1", "paul", PASSWORD).trips(), 2);
    assert_eq!(rows(), 0);
    assert_eq!(from(&app, "192.0.2.1", "paul", PASSWORD).trips(), 1);
}

#[test]
fn a_password_is_hashed_once_a_minute_and_never_after_it_was_changed() {
    let app = App::new();
    let path = paul(&app);
    let hash = || {
        app.native.sqlite.with(|connection| {
            let select = "SELECT password_hash FROM credentials";
            connection.query_row(select, [], |row| row.get::<_, String>(0)).unwrap()
        })
    };
    let timed = |password: &str| {
        let started = spent();
        (app.me("paul", password).status.as_u16(), spent() - started)
    };
    let (_, hashed) = timed(PASSWORD);
    // The quickest of several: other tests take the processor's caches meanwhile.
    let (status, known) = (0..5).map(|_| timed(PASSWORD)).min_by_key(|(_, spent)| *spent).unwrap();
    assert_eq!(status, 200);
    assert!(known * 4 < hashed, "{known:?} against {hashed:?}");
    let old = hash();
    app.scim().set(&path, "password", "quite another one").is(200);
    assert_ne!(hash(), old);
    assert_eq!(app.me("paul", PASSWORD).status, 401);
    assert_eq!(app.me("paul", "quite another one").status, 200);
    app.scim().set(&path, "active", false).is(200);
    assert_eq!(app.me("paul", "quite another one").status, 401);
}

#[test]
fn a_hash_with_other_parameters_is_made_anew_by_signing_in() {
    let app = App::new();
    let path = paul(&app);
    // argon2 of PASSWORD with 8 MiB and one pass.
    let params = argon2::Params::new(8 * 1024, 1, 1, Some(32)).unwrap();
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let mut output = [0; 32];
    argon2.hash_password_into(PASSWORD.as_bytes(), &[7; 16], &mut output).unwrap();
    use base64::Engine;
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes);
    let old = format!("$argon2id$v=19$m=8192,t=1,p=1${}${}", encode(&[7; 16]), encode(&output));
    app.native.sqlite.with(|connection| {
        let update = "UPDATE credentials SET password_hash = ?1 WHERE user_id = ?2";
        connection.execute(update, (&old, id(&path))).unwrap()
    });
    let current = "SELECT COUNT(*) FROM credentials WHERE password_hash LIKE '$argon2id$v=19$m=19456,t=2,p=1$%'";
    assert_eq!(app.me("paul", "wrong").status, 401);
    assert_eq!(app.number(current), 0);
    assert_eq!(app.me("paul", PASSWORD).status, 200);
    assert_eq!(app.number(current), 1);
    assert_eq!(app.me("paul", PASSWORD).status, 200);
}

#[test]
fn nobody_waits_where_limits_are_off() {
    let app = App::new();
    paul(&app);
    let wrong: Vec<u16> = (0..8).map(|_| from(&app, "192.0.2.66", "paul", "wrong").status.as_u16()).collect();
    assert_eq!(wrong, [401; 8]);
    assert_eq!(app.number("SELECT COUNT(*) FROM signin_failures"), 0);
    let change = json!({ "RATE_LIMITS": "on" }).to_string();
    assert_eq!(app.admin("PATCH", "/api/settings", change).status, 200);
    let wrong: Vec<u16> = (0..6).map(|_| from(&app, "192.0.2.66", "paul", "wrong").status.as_u16()).collect();
    assert_eq!(wrong, [401, 401, 401, 401, 401, 429]);
}

/// What this thread has spent of the processor, which other tests do not lengthen.
fn spent() -> Duration {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(statistics.split(' ').next().unwrap().parse().unwrap())
}

#[test]
fn no_time_tells_who_there_is() {
    let app = App::new();
    app.create_tenant("acme.com");
    paul(&app);
    app.invite("pending");
    for (name, attribute) in [("locked", "accountLocked"), ("disabled", "accountDisabled")] {
        let path =
            app.scim().create("/scim2/Users", &json!({ "schemas": [USER], "userName": name, "password": PASSWORD }));
        app.scim().set(&path, &format!("urn:scim:wso2:schema:{attribute}"), true).is(200);
    }
    let cases = [
        ("", "paul", "wrong"),
        ("", "nobody", "wrong"),
        ("", "pending", "wrong"),
        ("", "locked", "wrong"),
        ("", "locked", PASSWORD),
        ("", "disabled", PASSWORD),
        ("/t/acme.com", "paul", PASSWORD),
        ("/t/nobody.example", "paul", PASSWORD),
    ];
    let mut times = [const { Vec::new() }; 8];
    let mut answers = Vec::new();
    for _ in 0..9 {
        for (index, (prefix, name, password)) in cases.iter().enumerate() {
            let started = spent();
            let reply = app.authorized(&basic(name, password), "GET", &format!("{prefix}/scim2/Me"));
            times[index].push(spent() - started);
            answers.push((reply.status.as_u16(), reply.text, reply.headers.contains_key("www-authenticate")));
        }
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]) && answers[0].0 == 401, "{answers:?}");
    // Medians: on a busy machine the quickest of one case may be luck.
    let medians = times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    });
    let (least, most) = (medians.iter().min().unwrap(), medians.iter().max().unwrap());
    assert!(*most < *least * 3 / 2, "{:?}", cases.iter().zip(medians).collect::<Vec<_>>());
}
