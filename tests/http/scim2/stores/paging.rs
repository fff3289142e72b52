//! Paging over three stores shows every user once, however the pages and the stores fall.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{names, three};
use crate::support::{App, Reply};

/// Users in each of the three stores, with ages and titles of which some are missing and many are alike.
fn populated(sizes: [usize; 3]) -> App {
    let app = three();
    for (store, size) in ["", "ACME/", "LEGACY/"].into_iter().zip(sizes) {
        for number in 0..size {
            let mut body = json!({ "userName": format!("{store}u{number}") });
            if number % 3 > 0 {
                body["title"] = json!(format!("t{}", number % 2));
            }
            app.scim().create("/scim2/Users", &body);
        }
    }
    app
}

fn list(app: &App, parameters: &[(&str, &str)]) -> Reply {
    let all: Vec<_> = [("excludedAttributes", "groups")].iter().chain(parameters).copied().collect();
    app.scim().list("/scim2/Users", &all)
}

fn by_index(app: &App, count: u64, more: &[(&str, &str)]) -> Vec<Value> {
    let mut found = Vec::new();
    let mut start = 1;
    loop {
        let (start_text, count_text) = (start.to_string(), count.to_string());
        let mut parameters = vec![("startIndex", &*start_text), ("count", &*count_text)];
        parameters.extend(more);
        let page = list(app, &parameters).is(200);
        let resources = page["Resources"].as_array().unwrap().clone();
        if resources.is_empty() {
            assert_eq!(page["totalResults"], found.len());
            return found;
        }
        start += resources.len() as u64;
        found.extend(resources);
    }
}

fn by_cursor(app: &App, count: u64, more: &[(&str, &str)]) -> Vec<Value> {
    let mut found = Vec::new();
    let (mut cursor, count) = (String::new(), count.to_string());
    loop {
        let next = cursor.clone();
        let mut parameters = vec![("cursor", &*next), ("count", &*count)];
        parameters.extend(more);
        let page = list(app, &parameters).is(200);
        found.extend(page["Resources"].as_array().unwrap().clone());
        match page["nextCursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return found,
        }
    }
}

fn user_names(found: &[Value]) -> Vec<String> {
    found.iter().map(|user| user["userName"].as_str().unwrap().to_owned()).collect()
}

const ORDERS: &[&[(&str, &str)]] = &[
    &[],
    &[("filter", "title pr")],
    &[("filter", "title eq \"t1\" or userName sw \"u0\"")],
    &[("sortBy", "userName")],
    &[("sortBy", "userName"), ("sortOrder", "descending")],
    &[("sortBy", "title")],
    &[("sortBy", "title"), ("sortOrder", "descending")],
    &[("sortBy", "id")],
    &[("sortBy", "meta.created"), ("sortOrder", "descending")],
    &[("sortBy", "title"), ("filter", "userName sw \"u\"")],
    &[("domain", "ACME"), ("sortBy", "title")],
];

/// A time, written without the zeros at the end, as text whose order is its own.
fn to_the_millisecond(time: &str) -> String {
    let (seconds, fraction) = time.trim_end_matches('Z').split_once('.').unwrap_or((time.trim_end_matches('Z'), ""));
    format!("{seconds}.{fraction:0<3}")
}

/// The pages of every kind hold the same users, each once, in the order asked for.
fn check(app: &App, sizes: [usize; 3], count: u64) {
    let total: usize = sizes.iter().sum();
    for order in ORDERS {
        let (index, cursor) = (by_index(app, count, order), by_cursor(app, count, order));
        assert_eq!(user_names(&index), user_names(&cursor), "{order:?} by {count} of {sizes:?}");
        let distinct: BTreeSet<String> = user_names(&index).into_iter().collect();
        assert_eq!(distinct.len(), index.len(), "{order:?} by {count} of {sizes:?}");
        if order.iter().all(|(name, filter)| *name != "domain" && !filter.contains("title ")) {
            assert_eq!(index.len(), total, "{order:?} by {count} of {sizes:?}");
        }
        if let Some((_, attribute)) = order.iter().find(|(name, _)| *name == "sortBy") {
            let key = |user: &Value| match *attribute {
                "meta.created" => user["meta"]["created"].as_str().map(to_the_millisecond),
                name => user[name].as_str().map(str::to_lowercase),
            };
            let mut keys: Vec<Option<String>> = index.iter().map(key).collect();
            if order.contains(&("sortOrder", "descending")) {
                keys.reverse();
            }
            let (some, none): (Vec<_>, Vec<_>) = keys.iter().partition(|key| key.is_some());
            assert!(some.is_sorted(), "{order:?} by {count} of {sizes:?}: {keys:?}");
            assert_eq!(
                keys[some.len()..].iter().filter(|key| key.is_none()).count(),
                none.len(),
                "no value comes last"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn every_user_is_shown_once(sizes in vec(0_usize..6, 3), count in 1_u64..8) {
        let sizes = [sizes[0], sizes[1], sizes[2]];
        check(&populated(sizes), sizes, count);
    }
}

#[test]
fn an_index_page_starts_and_ends_in_any_store() {
    let app = populated([2, 0, 3]);
    let all = ["u0", "u1", "LEGACY/u0", "LEGACY/u1", "LEGACY/u2"];
    for start in 1..=7_usize {
        for count in 0..=6_usize {
            let (start_text, count_text) = (start.to_string(), count.to_string());
            let page = list(&app, &[("startIndex", &start_text), ("count", &count_text)]).is(200);
            let expected: Vec<&str> = all.iter().skip(start - 1).take(count).copied().collect();
            assert_eq!((names(&page), &page["totalResults"]), (expected, &json!(5)), "{start} {count}");
        }
    }
}

#[test]
fn a_cursor_goes_on_where_it_was_whoever_comes_and_goes_in_other_stores() {
    let app = populated([3, 3, 3]);
    let first = list(&app, &[("cursor", ""), ("count", "4")]).is(200);
    assert_eq!(names(&first), ["u0", "u1", "u2", "ACME/u0"]);
    app.scim().create_user("late");
    let gone = first["Resources"][1]["id"].as_str().unwrap();
    app.scim().delete(&format!("/scim2/Users/{gone}")).is(204);
    let next = list(&app, &[("cursor", first["nextCursor"].as_str().unwrap()), ("count", "9")]).is(200);
    assert_eq!(names(&next), ["ACME/u1", "ACME/u2", "LEGACY/u0", "LEGACY/u1", "LEGACY/u2"]);
    // It continues this query and no other.
    let cursor = first["nextCursor"].as_str().unwrap();
    for other in [("sortBy", "userName"), ("domain", "ACME"), ("filter", "title pr")] {
        list(&app, &[("cursor", cursor), other]).is_error(400, Some("invalidCursor"));
    }
}

#[test]
fn an_order_over_several_stores_reaches_as_far_as_it_can_be_merged() {
    let app = populated([1, 1, 1]);
    let reply = list(&app, &[("sortBy", "userName"), ("startIndex", "9990"), ("count", "50")]);
    reply.is_error(400, Some("tooMany"));
    assert!(reply.json()["detail"].as_str().unwrap().contains("domain="), "{}", reply.text);
    list(&app, &[("sortBy", "userName"), ("startIndex", "9990"), ("count", "50"), ("domain", "ACME")]).is(200);
    assert_eq!(list(&app, &[("sortBy", "userName"), ("count", "2")]).trips(), 3);
}

#[test]
fn a_cursor_of_one_domain_continues_no_other() {
    let app = populated([3, 3, 3]);
    let domains = [None, Some("PRIMARY"), Some("ACME"), Some("legacy")];
    let search = |path: &str, domain: Option<&str>, cursor: &str| {
        let mut body = json!({ "cursor": cursor, "count": 1, "filter": "userName pr" });
        if let Some(domain) = domain {
            body["domain"] = json!(domain);
        }
        app.scim().post(&format!("{path}/.search"), &body)
    };
    let api = |path: &str, domain: Option<&str>, cursor: &str| {
        let domain = domain.map(|domain| format!("&domain={domain}")).unwrap_or_default();
        app.admin("GET", &format!("/api/{path}?count=1&cursor={cursor}{domain}"), "")
    };
    for store in ["", "ACME/", "LEGACY/"] {
        for number in 0..2 {
            let invited = json!({ "userName": format!("{store}i{number}"), "emails": [{ "value": "i@example.com" }],
                "urn:scim:wso2:schema": { "askPassword": true } });
            app.scim().create("/scim2/Users", &invited);
        }
    }
    for from in domains {
        let listed = |more: &[(&str, &str)], domain: Option<&str>| {
            let mut parameters = vec![("count", "1")];
            parameters.extend(domain.map(|domain| ("domain", domain)));
            parameters.extend(more);
            list(&app, &parameters)
        };
        for order in [&[][..], &[("sortBy", "userName")], &[("sortBy", "title")], &[("filter", "userName sw \"u\"")]] {
            let first = listed(&[order, &[("cursor", "")]].concat(), from).is(200);
            let cursor = first["nextCursor"].as_str().unwrap();
            for to in domains {
                let reply = listed(&[order, &[("cursor", cursor)]].concat(), to);
                if to == from {
                    reply.is(200);
                } else {
                    reply.is_error(400, Some("invalidCursor"));
                }
            }
        }
        for path in ["/scim2", "/scim2/Users"] {
            let first = search(path, from, "").is(200);
            let cursor = first["nextCursor"].as_str().unwrap();
            for to in domains {
                assert_eq!(
                    search(path, to, cursor).status,
                    if to == from { 200 } else { 400 },
                    "{path} {from:?} {to:?}"
                );
            }
        }
        for path in ["invitations", "mail", "audit"] {
            let first = api(path, from, "").json();
            let cursor = first["nextCursor"].as_str().unwrap();
            for to in domains {
                let same = [from, to].map(|domain| domain.unwrap_or("PRIMARY"));
                let expected = if same[0] == same[1] { 200 } else { 400 };
                assert_eq!(api(path, to, cursor).status, expected, "{path} {from:?} {to:?}");
            }
        }
    }
    // In any case of its letters, a domain is the same.
    let first = list(&app, &[("cursor", ""), ("count", "1"), ("domain", "acme")]).is(200);
    list(&app, &[("cursor", first["nextCursor"].as_str().unwrap()), ("domain", "ACME")]).is(200);
    // Groups are PRIMARY's alone; their cursors are no other domain's all the same.
    for name in ["g", "h"] {
        app.scim().create("/scim2/Groups", &json!({ "displayName": name }));
    }
    let groups = |domain: &str, cursor: &str| {
        app.scim().list("/scim2/Groups", &[("domain", domain), ("count", "1"), ("cursor", cursor)])
    };
    let first = groups("PRIMARY", "").is(200);
    groups("ACME", first["nextCursor"].as_str().unwrap()).is_error(400, Some("invalidCursor"));
}

#[test]
fn a_cursor_of_one_tenant_continues_no_other() {
    let app = App::with_stores(&["ACME"]);
    let prefixes = ["", "/t/a.example", "/t/b.example"];
    for prefix in prefixes {
        if !prefix.is_empty() {
            app.create_tenant(&prefix["/t/".len()..]);
        }
        for number in 0..3 {
            for store in ["", "ACME/"] {
                let invited = json!({ "userName": format!("{store}u{number}"), "emails": [{ "value": "u@example.com" }],
                    "urn:scim:wso2:schema": { "askPassword": true } });
                app.scim().create(&format!("{prefix}/scim2/Users"), &invited);
            }
            app.scim().create(&format!("{prefix}/scim2/Groups"), &json!({ "displayName": format!("g{number}") }));
        }
    }
    for list in ["/scim2/Users", "/scim2/Groups", "/scim2", "/api/invitations", "/api/mail", "/api/audit"] {
        for domain in ["", "&domain=ACME"] {
            let page = |prefix: &str, cursor: &str| {
                app.admin("GET", &format!("{prefix}{list}?count=1&cursor={cursor}{domain}"), "")
            };
            for from in prefixes {
                let first = page(from, "").json();
                let Some(cursor) = first["nextCursor"].as_str() else {
                    assert!(list.ends_with("Groups") && !domain.is_empty(), "{from}{list}{domain}: {first}");
                    continue;
                };
                for to in prefixes {
                    let reply = page(to, cursor);
                    assert_eq!(reply.status, if to == from { 200 } else { 400 }, "{list}{domain} {from} {to}");
                    let detail = reply.json()["detail"].to_string();
                    assert!(to == from || detail.contains("start again"), "it says what to do: {detail}");
                }
                // What somebody makes up is none, nor is the cursor of another list.
                for other in ["0", "7", "1764520000000", "g", "01a3185d-15cc-7a33-9cdc-3da057984786"] {
                    assert_eq!(page(from, other).status, 400, "{list} {other}");
                }
                if list.starts_with("/api") {
                    let others = ["/api/invitations", "/api/mail", "/api/audit"].into_iter().filter(|one| *one != list);
                    for other in others {
                        let reply = app.admin("GET", &format!("{from}{other}?cursor={cursor}{domain}"), "");
                        assert_eq!(reply.status, 400, "{list} {other}");
                    }
                }
            }
        }
    }
    // The address of an export's next page has it too.
    let export = app.admin("GET", "/t/a.example/api/audit?format=csv&count=2", "");
    let next = export.header("link").trim_start_matches('<').split('>').next().unwrap().to_owned();
    let path = &next[next.find("/t/").unwrap()..];
    assert_eq!(app.admin("GET", path, "").status, 200);
    for other in ["", "/t/b.example"] {
        assert_eq!(app.admin("GET", &path.replace("/t/a.example", other), "").status, 400);
    }
}
