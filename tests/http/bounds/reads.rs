//! Bounds of lists, filters and searches.

use serde_json::{Value, json};

use super::Bound;
use crate::console::Browser;
use crate::support::{App, Reply};

pub const BOUNDS: &[Bound] = &[
    Bound {
        name: "resources that a list without an index examines",
        largest_allowed: || assert_eq!(found(&with_users(10_000, 1), "title pr", &[]), 10_000),
        smallest_refused: || {
            let app = with_users(10_001, 1);
            for more in [&[][..], &[("cursor", "")], &[("count", "0")], &[("sortBy", "title")]] {
                list(&app, &[&[("filter", "title pr")], more].concat()).is_error(400, Some("tooMany"));
            }
        },
    },
    Bound {
        name: "values that an index has in a range of a multi-valued attribute, where the filter or the order needs more",
        largest_allowed: || {
            let app = with_addresses(2_000, 5);
            assert_eq!(found(&app, "emails.value gt \"a\" and title pr", &[]), 2_000);
            assert_eq!(found(&app, "emails.value sw \"k\"", &[("sortBy", "title")]), 2_000);
            let page = list(&app, &[("filter", "emails.value gt \"a\" and title pr"), ("cursor", "")]).is(200);
            assert_eq!(page["itemsPerPage"], 100);
        },
        smallest_refused: || {
            let app = with_addresses(2_001, 5);
            for filter in ["emails.value gt \"a\" and title pr", "emails[type eq \"work\"].value gt \"a\""] {
                for more in [&[][..], &[("cursor", "")], &[("count", "0")], &[("sortBy", "title")]] {
                    list(&app, &[&[("filter", filter)], more].concat()).is_error(400, Some("tooMany"));
                }
            }
            list(&app, &[("filter", "emails.value sw \"k\""), ("sortBy", "title")]).is_error(400, Some("tooMany"));
            // The range alone is counted, and its order is the index's.
            assert_eq!(found(&app, "emails.value sw \"k\"", &[]), 2_001);
        },
    },
    Bound {
        name: "values that a page by cursor walks through, of a range of a multi-valued attribute",
        largest_allowed: || {
            let app = with_addresses(100, 500);
            let (seen, _) = seen_by_cursor(&app, "emails.value gt \"a\"", 100);
            assert_eq!(seen.len(), 100);
        },
        smallest_refused: || {
            let app = with_addresses(100, 501);
            let steps = app.native.sqlite.steps();
            for count in ["100", "99"] {
                let range = [("filter", "emails.value gt \"a\""), ("count", count)];
                let mut page = list(&app, &[&range[..], &[("cursor", "")]].concat());
                if count == "99" {
                    let next = page.is(200)["nextCursor"].as_str().unwrap().to_owned();
                    page = list(&app, &[&range[..], &[("cursor", &next)]].concat());
                }
                page.is_error(400, Some("tooMany"));
            }
            assert!(app.native.sqlite.steps() - steps < 20_000_000, "{}", app.native.sqlite.steps() - steps);
        },
    },
    Bound {
        name: "users that a page of the console looks at where filters are combined",
        largest_allowed: || assert!(last_is_shown(2_500, "")),
        smallest_refused: || {
            assert!(!last_is_shown(2_501, "Many users had to be looked at"));
        },
    },
    Bound {
        name: "values that the terms of a filter, and the order, look at in them",
        largest_allowed: || assert_eq!(found(&with_users(10_000, 1), &terms(10), &[]), 0),
        smallest_refused: || {
            let app = with_users(9_091, 1);
            assert_eq!(found(&app, &terms(10), &[]), 0);
            list(&app, &[("filter", &terms(11))]).is_error(400, Some("tooMany"));
            list(&app, &[("filter", &terms(11)), ("cursor", "")]).is_error(400, Some("tooMany"));
            list(&app, &[("filter", &terms(10)), ("sortBy", "nickName")]).is_error(400, Some("tooMany"));
        },
    },
    Bound {
        name: "text that the terms of a filter look through, once for each term",
        // 64 users of 256 KiB, 32 times.
        largest_allowed: || assert_eq!(found(&with_users(64, 256 * 1024), &terms(32), &[]), 0),
        smallest_refused: || {
            let app = with_users(64, 256 * 1024);
            list(&app, &[("filter", &terms(33))]).is_error(400, Some("tooMany"));
        },
    },
    Bound {
        name: "rows that a page by index counts, or passes over",
        largest_allowed: || {
            let app = with_users(100_001, 1);
            let page = list(&app, &[("startIndex", "100001")]).is(200);
            assert_eq!((&page["totalResults"], &page["itemsPerPage"]), (&100_001.into(), &1.into()));
            // Behind the last there is nothing to pass over.
            assert_eq!(list(&app, &[("startIndex", "9000000")]).is(200)["itemsPerPage"], 0);
            assert_eq!(found(&app, "userName gt \"u1\"", &[]), 100_000);
        },
        smallest_refused: || {
            let app = with_users(100_002, 1);
            for parameters in [&[("startIndex", "100002")], &[("filter", "userName gt \"u1\"")]] {
                let reply = list(&app, parameters);
                reply.is_error(400, Some("tooMany"));
                assert!(reply.json()["detail"].as_str().unwrap().contains("cursor="), "{}", reply.text);
            }
            let page = list(&app, &[("filter", "userName gt \"u1\""), ("cursor", "")]).is(200);
            assert_eq!(page["itemsPerPage"], 100);
        },
    },
    Bound {
        name: "members of the groups in one answer",
        largest_allowed: || {
            let app = with_members(100_000);
            assert_eq!(app.scim().get(GROUP).is(200)["members"].as_array().unwrap().len(), 100_000);
            let page = app.scim().list("/scim2/Groups", &[("attributes", "members.value")]).is(200);
            assert_eq!(page["Resources"][0]["members"].as_array().unwrap().len(), 100_000);
        },
        smallest_refused: || {
            let app = with_members(100_001);
            app.scim().get(GROUP).is_error(400, Some("tooMany"));
            app.scim().list("/scim2/Groups", &[]).is_error(400, Some("tooMany"));
            app.scim().get(&format!("{GROUP}?excludedAttributes=members")).is(200);
            let patch = |path: &str| {
                app.scim().patch(&format!("{GROUP}?attributes=members"), json!([{ "op": "remove", "path": path }]))
            };
            patch("members[display eq \"nobody\"]").is_error(400, Some("tooMany"));
            // It is done, and cannot be shown.
            patch("externalId").is(204);
        },
    },
    Bound {
        name: "groups of the users on a page",
        largest_allowed: || {
            let app = with_groups(150, 100);
            let page = app.scim().list("/scim2/Users", &[("count", "1000")]).is(200);
            assert_eq!(page["itemsPerPage"], 150);
            assert_eq!(page["Resources"][149]["groups"].as_array().unwrap().len(), 100);
        },
        smallest_refused: || {
            let app = with_groups(151, 100);
            let page = app.scim().list("/scim2/Users", &[("count", "1000")]).is(200);
            assert_eq!((&page["totalResults"], &page["itemsPerPage"]), (&151.into(), &150.into()));
            let page = app.scim().list("/scim2/Users", &[("count", "1000"), ("cursor", "")]).is(200);
            assert_eq!(page["itemsPerPage"], 150);
            let next = page["nextCursor"].as_str().unwrap().to_owned();
            let page = app.scim().list("/scim2/Users", &[("count", "1000"), ("cursor", &next)]).is(200);
            assert_eq!(page["itemsPerPage"], 1);
            assert_eq!(list(&app, &[("count", "1000")]).is(200)["itemsPerPage"], 151);
        },
    },
    Bound {
        name: "groups of one user in a list",
        largest_allowed: || {
            let app = with_groups(2, 10_000);
            for more in [&[][..], &[("cursor", "")]] {
                let page = app.scim().list("/scim2/Users", &[&[("count", "10")], more].concat()).is(200);
                assert_eq!(page["itemsPerPage"], 1);
                assert_eq!(page["Resources"][0]["groups"].as_array().unwrap().len(), 10_000);
            }
        },
        smallest_refused: || {
            let app = with_groups(2, 10_001);
            for more in [&[][..], &[("cursor", "")], &[("count", "1")], &[("filter", "userName eq \"u1\"")]] {
                app.scim().list("/scim2/Users", more).is_error(400, Some("tooMany"));
            }
            assert_eq!(list(&app, &[]).is(200)["itemsPerPage"], 2);
        },
    },
    Bound {
        name: "groups that one user is shown with",
        largest_allowed: || assert_eq!(groups_shown(&with_groups(1, 10_000)), 10_000),
        smallest_refused: || assert_eq!(groups_shown(&with_groups(1, 10_001)), 10_000),
    },
    Bound {
        name: "documents on a page",
        // Sixteen of 256 KiB, which is as large as a user may be.
        largest_allowed: || assert_eq!(list(&with_users(16, 256 * 1024), &[]).is(200)["itemsPerPage"], 16),
        smallest_refused: || {
            for (count, size) in [(17, 256 * 1024), (300, 256 * 1024), (1_000, 4_200)] {
                let app = with_users(count, size);
                let room = 4 * 1024 * 1024 / size;
                let page = list(&app, &[("count", "1000")]).is(200);
                assert_eq!((&page["totalResults"], &page["itemsPerPage"]), (&count.into(), &room.into()));
                let page = list(&app, &[("count", "1000"), ("cursor", "")]).is(200);
                assert_eq!(page["itemsPerPage"], room);
                assert!(page["nextCursor"].is_string());
            }
        },
    },
];

/// Whether the first page of the console shows the last of so many users, who alone is pending. The page says `said`, and the
/// next one, if there is one, shows the user.
fn last_is_shown(count: usize, said: &str) -> bool {
    let app = with_users(count, 1);
    app.native.sqlite.with(|connection| {
        let sql = "UPDATE resources SET onboarding = 'AP', delivery = 'sent', disabled = 0 \
                   WHERE name_key = (SELECT MAX(name_key) FROM resources WHERE type = 'User')";
        connection.execute(sql, []).unwrap();
    });
    let mut browser = Browser::signed_in(&app, "", "admin", "admin");
    let page = browser.get("/console/users?q=u&status=pending");
    assert!(page.words().contains(said), "{}", page.words());
    let is_shown = |page: &Reply| page.text.contains("aria-label=\"Select u");
    if !is_shown(&page) {
        let next = page.text.split("rel=\"next\" href=\"").nth(1).unwrap().split('"').next().unwrap();
        assert!(is_shown(&browser.get(&next.replace("&amp;", "&"))));
    }
    is_shown(&page)
}

/// A directory of users whose documents, and what filters see of them, have so many bytes each, or as few as possible.
fn with_users(count: usize, size: usize) -> App {
    let app = App::new();
    app.native.sqlite.with(|connection| {
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1), \
                   t(i, head) AS (SELECT i, '{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"u' || i \
                   || '\",\"title\":\"' FROM n), \
                   d(i, document) AS (SELECT i, head || substr(hex(zeroblob(?2 / 2 + 1)), 1, MAX(1, ?2 - length(head) - 2)) \
                   || '\"}' FROM t) \
                   INSERT INTO resources (tenant, id, type, name_key, display, document, keys, created, modified, operation) \
                   SELECT 0, printf('%08x-0000-4000-8000-000000000000', i), 'User', 'u' || i, 'u' || i, document, document, \
                   i, i, 'test' FROM d";
        connection.execute(sql, (count as i64, size as i64)).unwrap();
        connection.execute("INSERT INTO counters VALUES (0, 'User', ?1)", [count as i64]).unwrap();
    });
    app
}

/// Users with so many addresses each in the index.
fn with_addresses(count: usize, each: usize) -> App {
    let app = with_users(count, 1);
    app.native.sqlite.with(|connection| {
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) \
                   INSERT INTO value_index SELECT r.tenant, r.type, 'emails.value', 'k' || i, r.id FROM resources r, n";
        connection.execute(sql, [each as i64]).unwrap();
    });
    app
}

/// Users in so many groups each: in one, that is in the others.
fn with_groups(count: usize, each: usize) -> App {
    let app = with_users(count, 1);
    app.native.sqlite.with(|connection| {
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) \
                   INSERT INTO group_ancestors (tenant, group_id, ancestor_id, depth, display) \
                   SELECT 0, 'inner', printf('%08x-1111-4000-8000-000000000000', i), 1, 'Group ' || i FROM n";
        connection.execute(sql, [each as i64]).unwrap();
        connection
            .execute(
                "INSERT INTO members (tenant, group_id, member_id, type) SELECT 0, 'inner', id, 'User' FROM resources",
                [],
            )
            .unwrap();
    });
    app
}

/// The ids that pages by cursor show, in their order, and how many pages those are.
fn seen_by_cursor(app: &App, filter: &str, count: usize) -> (Vec<String>, usize) {
    let (count, mut cursor, mut seen) = (count.to_string(), String::new(), Vec::new());
    for pages in 1.. {
        let page = list(app, &[("filter", filter), ("count", &count), ("cursor", &cursor)]).is(200);
        let users = page["Resources"].as_array().cloned().unwrap_or_default();
        seen.extend(users.iter().map(|user| user["id"].as_str().unwrap().to_owned()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return (seen, pages),
        }
    }
    unreachable!()
}

#[test]
fn a_range_of_a_multi_valued_attribute_shows_everybody_once_by_cursor() {
    let app = with_addresses(30, 40);
    for (filter, expected) in [
        ("emails.value gt \"a\"", 30),
        ("emails.value ge \"k39\"", 30),
        ("emails.value lt \"k2\"", 30),
        ("emails.value le \"k1\"", 30),
        ("emails.value gt \"k9\"", 0),
        ("emails.value lt \"k1\"", 0),
        ("emails.value sw \"k3\"", 30),
        ("emails[value gt \"k1\"]", 30),
        ("emails gt \"k38\"", 30),
    ] {
        for count in [1, 7, 29, 30, 31] {
            let (mut seen, pages) = seen_by_cursor(&app, filter, count);
            assert_eq!(seen.len(), expected, "{filter}, {count}");
            assert!(pages <= expected.div_ceil(count).max(1), "{filter}, {count}: {pages}");
            seen.sort();
            seen.dedup();
            assert_eq!(seen.len(), expected, "{filter}, {count}");
        }
    }
}

/// How many groups the first user is shown with, by id and after a write.
fn groups_shown(app: &App) -> usize {
    let listed = app.scim().list("/scim2/Users", &[("excludedAttributes", "groups")]).is(200);
    let path = format!("/scim2/Users/{}", listed["Resources"][0]["id"].as_str().unwrap());
    let count = |user: Value| user["groups"].as_array().unwrap().len();
    let shown = count(app.scim().get(&path).is(200));
    assert_eq!(count(app.scim().set(&path, "title", "Lead").is(200)), shown);
    assert!(app.scim().get(&format!("{path}?excludedAttributes=groups")).is(200).get("groups").is_none());
    shown
}

const GROUP: &str = "/scim2/Groups/ffffffff-0000-4000-8000-000000000000";

/// A directory with a group of so many members.
fn with_members(count: usize) -> App {
    let app = App::new();
    app.native.sqlite.with(|connection| {
        let document = "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Group\"],\"displayName\":\"all\",\"externalId\":\"x\"}";
        let id = GROUP.rsplit('/').next();
        connection
            .execute(
                "INSERT INTO resources (tenant, id, type, name_key, display, document, keys, created, modified, operation) \
                 VALUES (0, ?1, 'Group', 'all', 'all', ?2, ?2, 1, 1, 'test')",
                (id, document),
            )
            .unwrap();
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2) \
                   INSERT INTO members (tenant, group_id, member_id, type) \
                   SELECT 0, ?1, printf('%08x-0000-4000-8000-000000000000', i), 'User' FROM n";
        connection.execute(sql, (id, count as i64)).unwrap();
        connection.execute("INSERT INTO counters VALUES (0, 'Group', 1)", []).unwrap();
    });
    app
}

fn terms(count: usize) -> String {
    let terms: Vec<String> = (0..count).map(|number| format!("title eq \"none{number}\"")).collect();
    terms.join(" or ")
}

fn list(app: &App, parameters: &[(&str, &str)]) -> Reply {
    app.scim().list("/scim2/Users", &[&[("excludedAttributes", "groups")], parameters].concat())
}

fn found(app: &App, filter: &str, more: &[(&str, &str)]) -> u64 {
    let page: Value = list(app, &[&[("filter", filter), ("count", "1")], more].concat()).is(200);
    page["totalResults"].as_u64().unwrap()
}
