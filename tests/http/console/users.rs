//! `/console/users`, and the figures of `/console`.

use std::collections::BTreeSet;

use latchkey::native::Sqlite;
use serde_json::json;

use super::{Browser, signed_in};
use crate::scim2::client::USER;
use crate::support::{App, Reply};

const GROUP: &str = "ffffffff-0000-7000-8000-000000000000";

/// So many users of ten kinds in one store, every other one of them in a group of PRIMARY's. `digits` stand in their ids
/// where the store is told.
fn fill(sqlite: &Sqlite, primary: &Sqlite, count: i64, prefix: &str, digits: &str) {
    sqlite.with(|connection| {
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1), \
                   u(i, kind, name) AS (SELECT i, i % 10, printf('user%06d', i) FROM n), \
                   d(i, kind, name, document) AS (SELECT i, kind, name, json_object( \
                     'schemas', json_array('urn:ietf:params:scim:schemas:core:2.0:User'), 'userName', ?2 || name, \
                     'name', json_object('givenName', 'Paul' || i, 'familyName', 'Smith' || i), \
                     'emails', json_array(json_object('value', name || '@example.com'))) FROM u) \
                   INSERT INTO resources (tenant, id, type, name_key, display, document, keys, created, modified, operation, \
                     onboarding, lock, disabled, email, seq_log, delivery, sent_at, expires_at) \
                   SELECT 0, printf('%08x-0000-' || ?3 || '-8000-000000000000', i), 'User', lower(?2 || name), name, document, \
                     lower(document), i, i, 'test', \
                     CASE WHEN kind IN (0, 1, 2, 6) THEN 'AP' ELSE 'none' END, \
                     CASE WHEN kind = 4 THEN 'admin' ELSE 'none' END, kind = 5, name || '@example.com', \
                     CASE WHEN kind = 2 THEN 'R' ELSE '' END, \
                     CASE WHEN kind IN (0, 1, 2, 3) THEN 'sent' WHEN kind = 6 THEN 'bounced' END, \
                     CASE WHEN kind IN (0, 1, 2, 3, 6) THEN 1700000000000 + i * 1000 END, \
                     CASE WHEN kind IN (0, 6) THEN 4000000000000 + i * 1000 WHEN kind IN (1, 2, 3) THEN 1700000000000 + i * 1000 END \
                   FROM d";
        connection.execute(sql, (count, prefix, digits)).unwrap();
        // The keys of attributes keep their names.
        connection
            .execute_batch(
                "UPDATE resources SET keys = replace(replace(replace(replace(keys, 'username', 'userName'), 'givenname', \
                 'givenName'), 'familyname', 'familyName'), 'displayname', 'displayName') WHERE operation = 'test'; \
                 INSERT INTO value_index SELECT r.tenant, r.type, 'emails.value', r.keys ->> '$.emails[0].value', r.id \
                 FROM resources r WHERE r.type = 'User' AND r.operation = 'test'; \
                 INSERT INTO counters SELECT 0, 'User', COUNT(*) FROM resources WHERE operation = 'test' AND type = 'User' \
                 ON CONFLICT DO UPDATE SET total = total + excluded.total;",
            )
            .unwrap();
    });
    primary.with(|connection| {
        let document = "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Group\"],\"displayName\":\"staff\"}";
        connection
            .execute(
                "INSERT OR IGNORE INTO resources (tenant, id, type, display, document, keys, created, modified, operation) \
                 VALUES (0, ?1, 'Group', 'staff', ?2, ?2, 1, 1, 'group')",
                (GROUP, document),
            )
            .unwrap();
        connection.execute("INSERT OR IGNORE INTO group_ancestors VALUES (0, ?1, ?1, 0, 'staff')", [GROUP]).unwrap();
        let sql = "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 2 FROM n WHERE i < ?2) \
                   INSERT INTO members (tenant, group_id, member_id, type) \
                   SELECT 0, ?1, printf('%08x-0000-' || ?3 || '-8000-000000000000', i), 'User' FROM n WHERE i <= ?2";
        connection.execute(sql, (GROUP, count, digits)).unwrap();
    });
}

fn with_users(count: i64) -> App {
    let app = App::new();
    fill(&app.native.sqlite, &app.native.sqlite, count, "", "7000");
    app
}

fn administrator(app: &App) -> Browser<'_> {
    Browser::signed_in(app, "", "admin", "admin")
}

/// The user names of the rows, in their order.
fn names(page: &Reply) -> Vec<String> {
    let labels = page.text.split("aria-label=\"Select ").skip(1);
    labels.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

/// Where a link of the page leads.
pub fn link(page: &Reply, word: &str) -> Option<String> {
    let before = page.text.split(&format!("\">{word}</a>")).next().filter(|before| before.len() < page.text.len())?;
    let address = before.rsplit("href=\"").next().unwrap().split('"').next().unwrap();
    Some(address.replace("&amp;", "&"))
}

/// All pages from an address on, by "Next"; and back again by "Previous", which are the same.
fn walk(browser: &mut Browser<'_>, path: &str) -> Vec<String> {
    let mut pages = Vec::new();
    let mut page = browser.get(path);
    loop {
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        pages.push(names(&page));
        assert!(pages.len() < 1_000, "{path}");
        match link(&page, "Next") {
            Some(next) => page = browser.get(&next),
            None => break,
        }
    }
    let mut back = vec![names(&page)];
    while let Some(previous) = link(&page, "Previous") {
        page = browser.get(&previous);
        back.push(names(&page));
        assert!(back.len() <= pages.len() + 1, "{path}");
    }
    back.reverse();
    let flat = |pages: &[Vec<String>]| pages.iter().flatten().cloned().collect::<Vec<_>>();
    assert_eq!(flat(&pages), flat(&back), "{path}");
    flat(&pages)
}

fn expected(app: &App, condition: &str) -> BTreeSet<String> {
    let sql = format!(
        "SELECT document ->> '$.userName' FROM resources r WHERE type = 'User' AND operation = 'test' AND {condition}"
    );
    app.native.sqlite.with(|connection| {
        let mut prepared = connection.prepare(&sql).unwrap();
        let rows = prepared.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    })
}

/// Each filter alone, and what it selects.
const FILTERS: &[(&str, &str)] = &[
    ("", "1"),
    ("sort=-userName", "1"),
    ("sort=mail", "1"),
    ("sort=-mail", "1"),
    ("status=pending", "i % 10 IN (0, 6)"),
    ("status=pending&sort=-expires", "i % 10 IN (0, 6)"),
    ("status=expired", "i % 10 = 1"),
    ("status=expired&sort=-expires", "i % 10 = 1"),
    ("status=revoked", "i % 10 = 2"),
    ("status=accepted", "i % 10 = 3"),
    ("status=accepted&sort=-expires", "i % 10 = 3"),
    ("status=locked", "i % 10 = 4"),
    ("status=disabled", "i % 10 = 5"),
    ("status=bounced", "i % 10 = 6"),
    ("status=bounced&sort=-mail", "i % 10 = 6"),
    ("status=active", "i % 10 IN (3, 7, 8, 9)"),
    ("group=ffffffff-0000-7000-8000-000000000000", "i % 2 = 0"),
    ("q=user", "1"),
    ("q=USER0001", "i BETWEEN 100 AND 199"),
    ("q=user000123%40example", "i = 123"),
    ("q=paul12", "r.full_key LIKE 'paul12%'"),
    ("q=Paul12+smith12", "i = 12 OR i BETWEEN 120 AND 129 AND 0"),
    ("q=smith33", "r.family_key LIKE 'smith33%'"),
    ("q=00000011-0000-7000-8000-000000000000", "i = 17"),
    ("q=nobody", "0"),
];

/// Several filters together.
const COMBINED: &[(&str, &str)] = &[
    ("status=pending&q=user0001", "i % 10 IN (0, 6) AND i BETWEEN 100 AND 199"),
    ("status=bounced&q=smith", "i % 10 = 6"),
    ("status=locked&group=ffffffff-0000-7000-8000-000000000000", "i % 10 = 4"),
    ("status=expired&group=ffffffff-0000-7000-8000-000000000000", "0"),
    ("q=user0001&group=ffffffff-0000-7000-8000-000000000000", "i % 2 = 0 AND i BETWEEN 100 AND 199"),
    ("q=00000011-0000-7000-8000-000000000000&status=locked", "0"),
    ("domain=PRIMARY&status=active&q=paul1", "i % 10 IN (3, 7, 8, 9) AND r.full_key LIKE 'paul1%'"),
];

fn condition(text: &str) -> String {
    format!("({})", text.replace("i ", "created "))
}

#[test]
fn the_window_is_called_by_the_filter_and_how_many_there_are() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    app.invite("paul");
    let page = browser.get("/console/users?status=pending");
    assert!(page.text.contains("<title>Users: Pending (1)"), "{}", &page.text[..600]);
    let page = browser.get("/console/users?q=%3Cb%3E");
    assert!(page.text.contains("<title>Users: “&lt;b&gt;”"), "{}", &page.text[..600]);
    assert!(page.text.contains("<h1>Users</h1>"));
}

#[test]
fn every_filter_and_order_shows_each_user_once_forwards_and_back() {
    let app = with_users(400);
    let mut browser = administrator(&app);
    for (query, selected) in FILTERS.iter().chain(COMBINED) {
        let shown = walk(&mut browser, &format!("/console/users?{query}"));
        let set: BTreeSet<String> = shown.iter().cloned().collect();
        assert_eq!(set.len(), shown.len(), "{query}: {shown:?}");
        assert_eq!(set, expected(&app, &condition(selected)), "{query}");
        let is_ordered = shown.is_sorted();
        match *query {
            "" => assert!(is_ordered),
            "sort=-userName" => assert!(shown.iter().rev().is_sorted()),
            _ => {}
        }
    }
}

/// The work that SQLite does for a page, and the round trips.
fn cost(app: &App, browser: &mut Browser<'_>, path: &str) -> (u64, u32) {
    let before = app.native.sqlite.steps();
    let page = browser.get(path);
    assert_eq!(page.status, 200, "{path}: {}", page.text);
    (app.native.sqlite.steps() - before, page.trips())
}

#[test]
fn a_page_costs_the_same_however_many_users_there_are() {
    let (small, large) = (with_users(2_000), with_users(40_000));
    let (mut of_small, mut of_large) = (administrator(&small), administrator(&large));
    of_small.get("/console");
    of_large.get("/console");
    for (query, _) in FILTERS {
        let path = format!("/console/users?{query}");
        let (few, _) = cost(&small, &mut of_small, &path);
        let (many, trips) = cost(&large, &mut of_large, &path);
        assert!(trips <= 2, "{query}: {trips} round trips");
        assert!(many < few * 5 / 4 + 1_500, "{query}: {few} steps with 2,000 users, {many} with 40,000");
        let page = of_large.get(&path);
        if let Some(next) = link(&page, "Next") {
            let (second, trips) = cost(&large, &mut of_large, &next);
            assert!(trips <= 2 && second < few * 5 / 4 + 1_500, "{query}: {second} steps for the second page");
        }
    }
}

#[test]
fn users_are_sixteen_kibibytes_a_hundred_at_most() {
    let app = with_users(2_000);
    let mut browser = administrator(&app);
    let page = browser.get("/console/users");
    let rows = page.text.matches("name=\"id\"").count();
    assert_eq!(rows, 50, "a page has fifty");
    let size = crate::support::gzipped(&page.text) * 100 / rows;
    assert!(size <= 16 * 1024, "{size}");
}

#[test]
fn filters_together_look_at_so_many_users_and_say_so() {
    let app = with_users(40_000);
    let mut browser = administrator(&app);
    let path = "/console/users?q=user&status=expired&group=none";
    let page = browser.get(path);
    assert!(page.words().contains("Many users had to be looked at"), "{}", page.words());
    assert!(page.words().contains("None of those who were looked at matches."), "{}", page.words());
    assert!(link(&page, "Next").is_some());
    let (steps, trips) = cost(&app, &mut browser, path);
    assert!(trips <= 2 && steps < 1_500_000, "{steps} steps, {trips} round trips");
    // Nobody is out of reach.
    let last = "/console/users?q=user&status=pending&group=ffffffff-0000-7000-8000-000000000000";
    assert_eq!(walk(&mut browser, last).len(), 8_000);
}

#[test]
fn counts_end_at_a_hundred_where_none_is_kept() {
    let app = with_users(2_000);
    let mut browser = administrator(&app);
    assert!(browser.get("/console/users").words().contains("2000 users"));
    assert!(browser.get("/console/users?status=pending").words().contains("99+ users: Pending"));
    let home = browser.get("/console").words();
    assert!(home.contains("99+ Pending 99+ Expired 99+ Bounced 99+ Accepted"), "{home}");
    let app = with_users(100);
    let mut browser = administrator(&app);
    assert!(browser.get("/console/users?status=bounced").words().contains("10 users: Bounced"));
    let home = browser.get("/console").words();
    assert!(home.contains("20 Pending 10 Expired 10 Bounced 10 Accepted"), "{home}");
}

#[test]
fn heads_are_links_where_an_index_serves_the_order() {
    let app = with_users(100);
    let mut browser = administrator(&app);
    let page = browser.get("/console/users");
    assert!(
        page.text.contains(
            "<th scope=\"col\" aria-sort=\"ascending\"><a href=\"/console/users?sort=-userName\">User name</a>"
        ),
        "{}",
        page.text
    );
    assert!(link(&page, "Mail").is_some() && link(&page, "Expires").is_none() && link(&page, "Email").is_none());
    let page = browser.get("/console/users?status=pending&sort=-expires");
    assert!(
        page.text.contains(
            "aria-sort=\"descending\"><a href=\"/console/users?status=pending&amp;sort=expires\">Expires</a>"
        ),
        "{}",
        page.text
    );
    assert_eq!(page.text.matches("aria-sort").count(), 1);
    assert!(!browser.get("/console/users?q=user").text.contains("aria-sort"));
    // An order that no index serves is the list's own.
    assert_eq!(browser.get("/console/users?status=locked&sort=userName").status, 200);
}

#[test]
fn a_bad_cursor_leads_to_the_first_page_and_says_so() {
    let app = with_users(200);
    let mut browser = administrator(&app);
    let next = link(&browser.get("/console/users"), "Next").unwrap();
    let cursor = next.split("cursor=").nth(1).unwrap().to_owned();
    for path in [
        "cursor=x",
        &format!("cursor={cursor}&status=active"),
        &format!("cursor={cursor}&sort=mail"),
        &format!("cursor={cursor}A"),
    ] {
        let page = browser.get(&format!("/console/users?{path}"));
        assert!(page.words().contains("this is the first page"), "{path}: {}", page.words());
        assert!(!names(&page).is_empty() && link(&page, "Previous").is_none());
    }
    for wrong in ["status=sleeping", "domain=ACME"] {
        assert_eq!(browser.get(&format!("/console/users?{wrong}")).status, 400, "{wrong}");
    }
    assert_eq!(browser.get("/console/users?status=all").status, 200);
}

#[test]
fn users_of_several_stores_come_store_by_store() {
    let app = App::with_stores(&["ACME"]);
    let digits = format!("8{:03x}", app.deployment.user_stores.iter().next().unwrap().number);
    fill(&app.native.sqlite, &app.native.sqlite, 120, "", "7000");
    fill(&app.stores[0], &app.native.sqlite, 120, "ACME/", &digits);
    let mut browser = administrator(&app);
    let group = format!("group={GROUP}");
    for (query, number) in [
        ("", 240),
        ("domain=acme", 120),
        ("domain=PRIMARY", 120),
        ("sort=-mail", 240),
        ("status=pending", 48),
        ("status=pending&domain=ACME", 24),
        ("q=user00001", 20),
        ("q=acme/user00001", 10),
        ("q=smith11", 22),
        (&*group, 120),
        (&format!("{group}&domain=ACME"), 60),
        (&format!("{group}&status=bounced"), 24),
    ] {
        let shown = walk(&mut browser, &format!("/console/users?{query}"));
        let set: BTreeSet<&String> = shown.iter().collect();
        assert_eq!((set.len(), shown.len()), (number, number), "{query}: {shown:?}");
    }
    browser.get("/console");
    assert_eq!(browser.get("/console/users?domain=ACME").trips(), 2);
    assert_eq!(browser.get("/console/users?q=nobody").trips(), 3, "a round trip for each store");
    let page = browser.get("/console/users?domain=ACME");
    assert!(page.text.contains("<option value=\"ACME\" selected>"), "{}", page.text);
    assert!(browser.get("/console").words().contains("48 Pending 24 Expired 24 Bounced 24 Accepted"));
}

#[test]
fn what_is_stored_is_shown_as_text() {
    let app = App::new();
    let hostile = "<script>alert(1)</script>\"'";
    app.scim().create(
        "/scim2/Users",
        &json!({
            "schemas": [USER], "userName": format!("{hostile}name"), "password": crate::scim2::client::PASSWORD,
            "name": { "givenName": hostile, "familyName": hostile }, "displayName": hostile,
            "emails": [{ "value": "\"<script>\"@example.com" }],
        }),
    );
    app.scim().create(
        "/scim2/Groups",
        &json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": format!("{hostile}group") }),
    );
    let mut browser = administrator(&app);
    for path in ["/console/users", "/console/users?q=%3Cscript%3E&sort=%22%3E%3Cscript%3E&group=%22%3E%3Cscript%3E"] {
        let page = browser.get(path);
        assert_eq!(page.status, 200, "{}", page.text);
        assert!(!page.text.contains("<script>"), "{}", page.text);
    }
    assert_eq!(names(&browser.get("/console/users?q=%3Cscript%3E")).len(), 1);
}

#[test]
fn what_a_role_may_not_do_is_not_shown() {
    let app = App::new();
    let mut auditor = signed_in(&app, "audrey", "auditor");
    let page = auditor.get("/console/users");
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(!page.text.contains("name=\"action\"") && !page.text.contains("Select audrey"), "{}", page.text);
    let page = administrator(&app).get("/console/users");
    for word in ["Resend", "Revoke", "Lock", "Unlock", "Disable", "Enable", "Delete", "Add to group"] {
        assert!(page.text.contains(&format!("\">{word}</button>")), "{word}: {}", page.text);
    }
    assert!(page.text.contains("name=\"id\" value=") && page.text.contains("aria-label=\"Select audrey\""));
}

#[test]
fn the_list_says_why_it_is_empty() {
    let app = App::new();
    let mut browser = administrator(&app);
    assert!(browser.get("/console/users").words().contains("There are no users yet."));
    assert!(browser.get("/console/users?status=locked").words().contains("No user matches. Show all users"));
}

#[test]
fn the_dashboard_says_what_needs_attention() {
    let app = App::new();
    let mut browser = administrator(&app);
    let page = browser.get("/console");
    assert!(page.words().contains("Needs attention Nothing at the moment."), "{}", page.words());
    app.invite("paul");
    app.deliver();
    app.native.sqlite.with(|connection| {
        connection.execute("UPDATE outbox SET state = 'failed'", []).unwrap();
        connection.execute("UPDATE resources SET delivery = 'bounced' WHERE type = 'User'", []).unwrap();
    });
    let page = browser.get("/console");
    for word in
        ["1 Pending 0 Expired 1 Bounced 0 Accepted", "1 mail has failed. See and retry", "1 invitation has bounced."]
    {
        assert!(page.words().contains(word), "{word}: {}", page.words());
    }
    assert!(page.text.contains("href=\"/console/users?status=bounced\""));
    assert_eq!(names(&browser.get("/console/users?status=bounced")), ["paul"]);
    let words = browser.get("/console/users").words();
    assert!(words.contains("Pending Bounced bounced, sent "), "{words}");
}
