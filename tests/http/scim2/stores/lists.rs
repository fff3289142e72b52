//! Which stores a list asks, and what user names in its filter mean.

use serde_json::json;

use super::{names, three};
use crate::scim2::client::GROUP;
use crate::support::{App, Reply};

/// alice in each store, and bob in PRIMARY and ACME.
fn people() -> App {
    let app = three();
    for name in ["LEGACY/alice", "ACME/alice", "ACME/bob", "alice", "bob"] {
        let mail = format!("{}@example.com", name.to_lowercase().replace('/', "."));
        app.scim().create("/scim2/Users", &json!({ "userName": name, "title": "Dr", "emails": [{ "value": mail }] }));
    }
    app
}

fn list(app: &App, parameters: &[(&str, &str)]) -> Reply {
    app.scim().list("/scim2/Users", parameters)
}

#[test]
fn a_list_shows_primary_first_and_the_others_in_their_order() {
    let app = people();
    let all = ["alice", "bob", "ACME/alice", "ACME/bob", "LEGACY/alice"];
    let reply = list(&app, &[]);
    assert_eq!(reply.trips(), 3 + 1, "each store, and PRIMARY for the groups of the others' users");
    let page = reply.is(200);
    assert_eq!((names(&page), &page["totalResults"]), (all.to_vec(), &json!(5)));
    let search = app.scim().post("/scim2/Users/.search", &json!({ "filter": "title eq \"Dr\"" })).is(200);
    assert_eq!((names(&search), &search["totalResults"]), (all.to_vec(), &json!(5)));
    assert_eq!(list(&app, &[("count", "0")]).is(200)["totalResults"], 5);
}

#[test]
fn the_parameter_domain_asks_one_store() {
    let app = people();
    for (domain, expected) in
        [("ACME", vec!["ACME/alice", "ACME/bob"]), ("legacy", vec!["LEGACY/alice"]), ("PRIMARY", vec!["alice", "bob"])]
    {
        let page = list(&app, &[("domain", domain), ("sortBy", "userName")]).is(200);
        assert_eq!((names(&page), page["totalResults"].as_u64()), (expected.clone(), Some(expected.len() as u64)));
        let page = app.scim().post("/scim2/Users/.search", &json!({ "domain": domain, "sortBy": "userName" })).is(200);
        assert_eq!(names(&page), expected);
    }
    assert_eq!(list(&app, &[("domain", "PRIMARY")]).trips(), 1);
    for endpoint in ["/scim2/Users", "/scim2/Groups"] {
        let reply = app.scim().list(endpoint, &[("domain", "FOO")]);
        reply.is_error(400, Some("invalidValue"));
        assert!(reply.json()["detail"].as_str().unwrap().starts_with("Invalid user store domain: 'FOO'"));
    }
    app.scim().create("/scim2/Groups", &json!({ "schemas": [GROUP], "displayName": "staff" }));
    for (domain, groups) in [("ACME", 0), ("PRIMARY", 1)] {
        assert_eq!(app.scim().list("/scim2/Groups", &[("domain", domain)]).is(200)["totalResults"], groups);
    }
}

#[test]
fn user_names_in_filters_lead_to_their_store() {
    let app = people();
    for (filter, domain, expected) in [
        ("userName eq \"ACME/alice\"", None, vec!["ACME/alice"]),
        ("userName eq \"acme/ALICE\"", Some("acme"), vec!["ACME/alice"]),
        ("userName eq \"alice\"", None, vec!["alice"]),
        ("userName eq \"PRIMARY/alice\"", None, vec!["alice"]),
        ("userName eq \" ACME / alice \"", None, vec!["ACME/alice"]),
        ("userName eq \"PRIMARY/ alice\"", None, vec!["alice"]),
        ("userName sw \"acme / a\"", None, vec!["ACME/alice"]),
        ("userName ne \"ACME/ alice\"", Some("ACME"), vec!["ACME/bob"]),
        ("userName eq \"alice\"", Some("ACME"), vec!["ACME/alice"]),
        ("userName eq \"alice\"", Some("PRIMARY"), vec!["alice"]),
        ("userName eq \"FOO/alice\"", None, vec![]),
        ("userName sw \"AL\"", None, vec!["alice", "ACME/alice", "LEGACY/alice"]),
        ("userName sw \"acme/a\"", None, vec!["ACME/alice"]),
        ("userName sw \"PRIMARY/a\"", None, vec!["alice"]),
        ("userName sw \"a\"", Some("ACME"), vec!["ACME/alice"]),
        ("userName ew \"bob\"", None, vec!["bob", "ACME/bob"]),
        ("userName co \"lic\"", Some("LEGACY"), vec!["LEGACY/alice"]),
        ("userName ne \"alice\"", None, vec!["bob", "ACME/alice", "ACME/bob", "LEGACY/alice"]),
        ("userName ne \"ACME/alice\"", None, vec!["alice", "bob", "ACME/bob", "LEGACY/alice"]),
        ("userName ne \"alice\"", Some("ACME"), vec!["ACME/bob"]),
        ("userName eq \"bob\" or userName eq \"ACME/alice\"", None, vec!["bob", "ACME/alice"]),
        ("userName sw \"PRIMARY/b\" or userName sw \"LEGACY/\"", None, vec!["bob", "LEGACY/alice"]),
        ("not (userName sw \"a\")", None, vec!["bob", "ACME/bob"]),
        ("userName gt \"b\"", Some("ACME"), vec!["ACME/bob"]),
        ("emails eq \"acme.bob@example.com\"", None, vec!["ACME/bob"]),
        ("title eq \"Dr\" and userName eq \"ACME/bob\"", None, vec!["ACME/bob"]),
    ] {
        let mut parameters = vec![("filter", filter)];
        parameters.extend(domain.map(|domain| ("domain", domain)));
        let page = list(&app, &parameters).is(200);
        assert_eq!(names(&page), expected, "{filter} {domain:?}");
        assert_eq!(page["totalResults"], expected.len(), "{filter} {domain:?}");
    }
    list(&app, &[("filter", "userName eq \"LEGACY/alice\""), ("domain", "ACME")]).is_error(400, Some("invalidValue"));
    list(&app, &[("filter", "userName eq \"PRIMARY/alice\""), ("domain", "ACME")]).is_error(400, Some("invalidValue"));
}

#[test]
fn a_filter_that_names_one_user_asks_one_store() {
    let app = people();
    let read = |name: &str| app.scim().filter("/scim2/Users", &format!("userName eq \"{name}\""))[0]["id"].clone();
    let (alice, bob) = (read("ACME/alice"), read("bob"));
    for (filter, trips) in [
        ("userName eq \"bob\"".to_owned(), 1),
        ("userName eq \"ACME/bob\"".to_owned(), 2),
        (format!("id eq {bob}"), 1),
        (format!("id eq {alice}"), 2),
        (format!("id eq {alice} and title pr"), 2),
        ("userName eq \"ACME/nobody\"".to_owned(), 1),
    ] {
        assert_eq!(list(&app, &[("filter", &filter)]).trips(), trips, "{filter}");
    }
    let without = [("filter", "userName eq \"ACME/bob\""), ("excludedAttributes", "groups")];
    assert_eq!(list(&app, &without).trips(), 1);
}

#[test]
fn what_other_stores_cannot_answer_is_refused_with_what_to_do() {
    let app = people();
    let staff = app.scim().create_group("staff", &[]);
    let by_group = format!("groups.value eq \"{}\"", crate::scim2::client::id(&staff));
    for parameters in
        [[("filter", by_group.as_str()), ("count", "10")], [("sortBy", "groups.display"), ("count", "10")]]
    {
        let reply = list(&app, &parameters);
        reply.is_error(400, Some("invalidFilter"));
        assert!(reply.json()["detail"].as_str().unwrap().contains("domain=PRIMARY"), "{}", reply.text);
        list(&app, &[parameters[0], ("domain", "PRIMARY")]).is(200);
    }
    assert_eq!(App::new().scim().count("/scim2/Users", "groups.value pr"), 0);
}

#[test]
fn a_search_over_all_types_visits_every_store() {
    let app = people();
    app.scim().create_group("staff", &[]);
    let search = |body: serde_json::Value| app.scim().post("/scim2/.search", &body).is(200);
    let page = search(json!({ "filter": "meta.created pr" }));
    assert_eq!(page["totalResults"], 6);
    let page = search(json!({ "filter": "meta.created pr", "domain": "ACME" }));
    assert_eq!(names(&page), ["ACME/alice", "ACME/bob"]);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = search(json!({ "cursor": cursor, "count": 2 }));
        seen.extend(page["Resources"].as_array().unwrap().iter().map(|found| found["id"].as_str().unwrap().to_owned()));
        match page["nextCursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(seen.len(), 6);
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 6);
}
