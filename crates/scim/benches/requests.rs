//! What the most expensive requests below 256 KiB cost: PATCHes of a user with a thousand values, and bodies of a POST. Prints
//! one line of JSON for `make bench`, and each request's cost to standard error.
#![expect(clippy::panic, reason = "a benchmark that cannot go on fails")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use latchkey_scim::schema::ResourceType;
use latchkey_scim::{Document, Error, Registry, patch, resource};
use serde_json::{Map, Value, json};

/// The largest request.
const MOST_BYTES: usize = 256 * 1024;

/// Few rounds: the best of them is the one that others' work has disturbed the least.
const ROUNDS: usize = 7;

/// The nanoseconds for which this thread has had a processor, where Linux tells.
fn on_processor() -> Option<f64> {
    std::fs::read_to_string("/proc/self/schedstat").ok()?.split(' ').next()?.parse().ok()
}

/// Milliseconds of CPU for one round.
fn best(mut round: impl FnMut()) -> f64 {
    let time = |round: &mut dyn FnMut()| {
        let began = (Instant::now(), on_processor());
        round();
        match (began.1, on_processor()) {
            (Some(before), Some(after)) => (after - before) / 1e6,
            _ => began.0.elapsed().as_secs_f64() * 1e3,
        }
    };
    (0..ROUNDS).map(|_| time(&mut round)).fold(f64::INFINITY, f64::min)
}

/// A PATCH of as many operations as are allowed and fit.
fn operations(operation: impl Fn(usize) -> Value) -> Value {
    let mut operations = Vec::new();
    let mut bytes = 100;
    for number in 0..1_000 {
        let next = operation(number);
        bytes += next.to_string().len() + 1;
        if bytes > MOST_BYTES {
            break;
        }
        operations.push(next);
    }
    json!({ "Operations": operations })
}

/// A list of as many values as fit.
fn values(value: impl Fn(usize) -> Value) -> Value {
    let mut bytes = 200;
    let all = (0..).map(value).take_while(|value| {
        bytes += value.to_string().len() + 1;
        bytes <= MOST_BYTES
    });
    all.collect()
}

fn patches() -> Vec<(&'static str, Value)> {
    let email = |number: usize| format!("u{number}@example.com");
    let terms = |count: usize, term: &dyn Fn(usize) -> String| (0..count).map(term).collect::<Vec<_>>().join(" or ");
    let many = terms(50, &|number| format!("value co \"n{number}\""));
    let named = terms(50, &|number| format!("value eq \"u{number}@example.com\""));
    let long = "x".repeat(100_000);
    let letters = "é".repeat(100);
    vec![
        (
            "add one value",
            operations(|n| json!({ "op": "add", "path": "emails", "value": [{ "value": email(n + 5_000) }] })),
        ),
        (
            "add the same value",
            operations(|_| json!({ "op": "add", "path": "emails", "value": [{ "value": "a@b", "primary": true }] })),
        ),
        (
            "add all values in one",
            json!({ "Operations": [{ "op": "add", "path": "emails", "value": values(|n| json!({ "value": n.to_string() })) }] }),
        ),
        (
            "replace all values",
            json!({ "Operations": [{ "op": "replace", "path": "emails", "value": values(|n| json!({ "value": n.to_string() })) }] }),
        ),
        (
            "remove by value",
            operations(|n| json!({ "op": "remove", "path": format!("emails[value eq \"{}\"]", email(n)) })),
        ),
        (
            "remove what is listed",
            operations(|n| json!({ "op": "remove", "path": "emails", "value": [{ "value": email(n) }] })),
        ),
        (
            "change a part by value",
            operations(
                |n| json!({ "op": "replace", "path": format!("emails[value eq \"{}\"].display", email(n)), "value": "d" }),
            ),
        ),
        (
            "change the value by value",
            operations(
                |n| json!({ "op": "replace", "path": format!("emails[value eq \"{}\"].value", email(n)), "value": email(n + 9_000) }),
            ),
        ),
        ("change a part of all", operations(|_| json!({ "op": "replace", "path": "emails.display", "value": "d" }))),
        (
            "change a part by type",
            operations(|_| json!({ "op": "replace", "path": "emails[type eq \"work\"].display", "value": "d" })),
        ),
        (
            "make another one primary",
            operations(
                |n| json!({ "op": "replace", "path": format!("emails[value eq \"{}\"].primary", email(n)), "value": true }),
            ),
        ),
        (
            "one term that looks at all",
            operations(|_| json!({ "op": "remove", "path": "emails[value co \"nobody\"]" })),
        ),
        (
            "one term of another script",
            operations(|_| json!({ "op": "remove", "path": format!("emails[display co \"{letters}\"]") })),
        ),
        ("fifty terms that look at all", operations(|_| json!({ "op": "remove", "path": format!("emails[{many}]") }))),
        (
            "fifty terms that name values",
            operations(|_| json!({ "op": "remove", "path": format!("emails[not ({named})]") })),
        ),
        ("a long text for all", operations(|_| json!({ "op": "replace", "path": "emails.display", "value": long }))),
        (
            "a long text that stays",
            operations(
                |n| json!({ "op": "replace", "path": "photos[type eq \"photo\"].display", "value": n.to_string() }),
            ),
        ),
        ("a long text that is filtered", operations(|_| json!({ "op": "remove", "path": "photos[value co \"y\"]" }))),
        (
            "names without a path",
            json!({ "Operations": [{ "op": "add", "value": wide(|n| format!("n{n}"), |_| json!(1)) }] }),
        ),
        (
            "a urn for all attributes",
            operations(|_| json!({ "op": "remove", "path": "urn:ietf:params:scim:schemas:core:2.0:User" })),
        ),
        (
            "read-only values in another order",
            json!({ "Operations": [{ "op": "replace", "path": "groups", "value": (0..1_000).rev().map(|n| json!({ "value": format!("g{n}") })).collect::<Value>() }] }),
        ),
        (
            "read-only values that say little",
            json!({ "Operations": [{ "op": "replace", "path": "groups", "value": (0..1_000).map(|_| json!({ "display": "x" })).collect::<Value>() }] }),
        ),
    ]
}

/// An object of as many members as fit.
fn wide(name: impl Fn(usize) -> String, value: impl Fn(usize) -> Value) -> Value {
    let mut bytes = 200;
    let all = (0..).map(|number| (name(number), value(number))).take_while(|(name, value)| {
        bytes += name.len() + value.to_string().len() + 4;
        bytes <= MOST_BYTES
    });
    Value::Object(all.collect::<Map<_, _>>())
}

fn bodies() -> Vec<(&'static str, String)> {
    let user = |attribute: &str, value: Value| json!({ "userName": "u", attribute: value }).to_string();
    let repeat = |text: &str| text.repeat(MOST_BYTES / text.len() - 10);
    vec![
        ("ten thousand values", user("emails", values(|n| json!({ "value": n.to_string() })))),
        ("equal values", user("emails", values(|_| json!({ "value": "a@b", "primary": true })))),
        ("values in another script", user("emails", values(|n| json!({ "value": format!("é{n}") })))),
        ("values without a value", user("addresses", values(|n| json!({ "region": n.to_string(), "primary": true })))),
        ("bare arrays", user("emails", values(|_| json!([])))),
        ("arrays in arrays", user("emails", values(|_| json!([[[[[[[[[[1]]]]]]]]]])))),
        ("unknown names", wide(|n| format!("n{n}"), |_| json!(1)).to_string()),
        ("unknown urns", wide(|n| format!("urn:x:{n}:y"), |_| json!(1)).to_string()),
        ("dotted names", wide(|n| format!("name.n{n}"), |_| json!(1)).to_string()),
        (
            "a name in many cases",
            wide(|n| (0..16).map(|bit| if n >> bit & 1 == 1 { 'A' } else { 'a' }).collect(), |_| json!(1)).to_string(),
        ),
        ("duplicate names", format!("{{{}\"userName\":\"u\"}}", repeat("\"a\":1,"))),
        ("a long name", format!("{{\"{}\":1,\"userName\":\"u\"}}", repeat("n"))),
        ("a huge number", format!("{{\"a\":{},\"userName\":\"u\"}}", repeat("9"))),
        ("a tiny number", format!("{{\"a\":0.{}1,\"userName\":\"u\"}}", repeat("0"))),
        ("many numbers", format!("{{\"a\":[{}1],\"userName\":\"u\"}}", repeat("1.7976931348623157e308,"))),
        ("combining marks", user("nickName", json!(repeat("e\u{301}\u{323}")))),
        ("marks on one letter", user("emails", json!([{ "value": format!("e{}", repeat("\u{323}\u{301}")) }]))),
        ("escapes", format!("{{\"nickName\":\"{}\",\"userName\":\"u\"}}", repeat("\\u00e9"))),
        ("base64", user("x509Certificates", json!([{ "value": repeat("AAAA") }]))),
    ]
}

fn full(users: &Arc<ResourceType>) -> Document {
    let emails: Value =
        (0..1_000).map(|n| json!({ "value": format!("u{n}@example.com"), "type": "work", "display": "é" })).collect();
    let photo = json!([{ "value": format!("data:image/png;base64,{}", "A".repeat(120_000)), "type": "photo" }]);
    let body = json!({ "userName": "kim", "emails": emails, "photos": photo });
    let mut user = resource::read(users, body).unwrap_or_else(|error| panic!("{error}"));
    user.insert("groups".to_owned(), (0..1_000).map(|n| json!({ "value": format!("g{n}") })).collect());
    user
}

fn status(result: &Result<Document, Error>) -> u16 {
    result.as_ref().map_or_else(|error| error.status, |_| 200)
}

fn main() {
    let users = Registry::standard().resource_type("User").unwrap_or_else(|| panic!("users"));
    let user = full(users);
    let mut costs = Vec::new();
    for (name, request) in patches() {
        let text = request.to_string();
        let run = || {
            let request: Value = serde_json::from_str(&text).unwrap_or_default();
            patch::apply(users, &user, &request)
        };
        let status = status(&run());
        costs.push((name, status, text.len(), best(|| drop(black_box(run())))));
    }
    for (name, text) in bodies() {
        let run = || resource::read(users, serde_json::from_str(&text).unwrap_or_default());
        let status = status(&run());
        costs.push((name, status, text.len(), best(|| drop(black_box(run())))));
    }
    costs.sort_by(|one, other| other.3.total_cmp(&one.3));
    for (name, status, bytes, milliseconds) in &costs {
        eprintln!("{milliseconds:8.2} ms  {status}  {bytes:7} bytes  {name}");
    }
    let (name, _, _, milliseconds) = costs[0];
    println!("{}", json!({ "milliseconds": milliseconds, "request": name }));
}
