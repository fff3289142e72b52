//! What lists cost at most: nothing is examined before it is known how much that is, and nothing twice.

use std::collections::BTreeSet;
use std::sync::Arc;

use latchkey::ports::{Database, DatabaseError, Outcome, Statement};
use scim::query::ListRequest;
use serde_json::json;

use crate::support::{CUSTOM, Directory, Seed, ids, next_cursor, refusal};

/// More than this is not done for a list that is refused: it counts and sizes what it would examine.
const STEPS_OF_A_REFUSAL: u64 = 900_000;

/// Users with two addresses each, and a number of bytes in their title.
fn users(count: usize, title: usize) -> Directory {
    let directory = Directory::new();
    directory.native.sqlite.with(|connection| {
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1), \
                   d(i, document) AS (SELECT i, '{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"u' \
                   || i || '\",\"title\":\"' || substr(hex(zeroblob(?2 / 2 + 1)), 1, ?2) || '\",\"emails\":[{\"value\":\"u' || i || \
                   '@x\",\"type\":\"work\"},{\"value\":\"u' || i || '@y\"}]}' FROM n) \
                   INSERT INTO resources (tenant, id, type, name_key, display, document, keys, created, modified, operation) \
                   SELECT 0, printf('%08x-0000-4000-8000-000000000000', i), 'User', 'u' || i, 'u' || i, document, document, \
                   i, i, 'test' FROM d";
        connection.execute(sql, (count as i64, title as i64)).unwrap();
        connection
            .execute(
                "INSERT INTO value_index SELECT r.tenant, r.type, 'emails.value', e.value ->> 'value', r.id \
                 FROM resources r, json_each(r.keys, '$.emails') e",
                [],
            )
            .unwrap();
        connection.execute("INSERT INTO counters VALUES (0, 'User', ?1)", [count as i64]).unwrap();
    });
    directory
}

fn steps(directory: &Directory, work: impl FnOnce()) -> u64 {
    let before = directory.native.sqlite.steps();
    work();
    directory.native.sqlite.steps() - before
}

fn joined(count: usize, word: &str, term: impl Fn(usize) -> String) -> String {
    (0..count).map(term).collect::<Vec<_>>().join(word)
}

#[test]
fn many_terms_without_an_index_are_refused_before_anything_is_examined() {
    let directory = users(9_922, 1);
    let filters = [
        joined(48, " or ", |number| format!("emails co \"none{number}\"")),
        joined(48, " and ", |number| format!("emails.type ne \"none{number}\"")),
        joined(48, " or ", |number| format!("title sw \"none{number}\"")),
        joined(48, " or ", |number| format!("groups.display ew \"none{number}\"")),
        format!("not ({})", joined(48, " or ", |number| format!("nickName eq \"none{number}\""))),
        format!(
            "title pr and (active eq true or not ({}))",
            joined(20, " and ", |n| format!("emails pr and title co \"{n}\""))
        ),
        format!("emails[{}]", joined(40, " or ", |number| format!("value ew \"none{number}\""))),
        format!("{CUSTOM}:several[{}]", joined(40, " or ", |number| format!("tags eq \"none{number}\""))),
        joined(48, " or ", |number| format!("schemas co \"none{number}\"")),
    ];
    for filter in &filters {
        for more in [
            &[][..],
            &[("cursor", "")],
            &[("count", "0")],
            &[("startIndex", "9000")],
            &[("sortBy", "title")],
            &[("sortBy", "userName"), ("sortOrder", "descending")],
        ] {
            let parameters = [&[("filter", filter.as_str())], more].concat();
            let spent = steps(&directory, || {
                let page = directory.list_in(&directory.ctx, "User", &parameters);
                assert!(page.is_err(), "{parameters:?}");
                assert_eq!(refusal(page), "tooMany", "{parameters:?}");
            });
            assert!(spent < STEPS_OF_A_REFUSAL, "{spent} steps for {parameters:?}");
        }
        if !filter.contains(CUSTOM) && !filter.contains("groups") {
            let spent = steps(&directory, || {
                assert_eq!(refusal(directory.list_any(&[("filter", filter)])), "tooMany", "{filter}");
            });
            assert!(spent < STEPS_OF_A_REFUSAL, "{spent} steps for {filter} at the root");
        }
    }
    // As many terms about an indexed attribute find what they find.
    for filter in [
        joined(48, " or ", |number| format!("emails eq \"u{number}@x\"")),
        joined(48, " or ", |number| format!("userName eq \"u{number}\"")),
        format!("userName eq \"u5\" and ({})", joined(48, " or ", |number| format!("emails co \"u{number}@\""))),
    ] {
        assert!(directory.list("User", &[("filter", &filter)]).total.unwrap() > 0, "{filter}");
        assert!(!directory.list("User", &[("filter", &filter), ("cursor", "")]).resources.is_empty(), "{filter}");
    }
    // So do few terms about others.
    for filter in ["emails co \"u77@\"", "emails[type eq \"work\" and value sw \"u77@\"]", "not (emails ne \"u77@x\")"]
    {
        assert_eq!(directory.list("User", &[("filter", filter), ("sortBy", "title")]).total, Some(1), "{filter}");
    }
}

#[test]
fn a_resource_is_examined_once_for_the_page_and_the_total() {
    let directory = users(5_000, 1);
    for filter in
        [joined(5, " or ", |n| format!("emails co \"u4{n}7@\"")), joined(9, " or ", |n| format!("title co \"x{n}\""))]
    {
        let filter = format!("({filter}) and userName sw \"u4\" or externalId pr");
        for sort in [&[][..], &[("sortBy", "userName")], &[("sortBy", "title")]] {
            let cost = |more: &[(&str, &str)]| {
                let parameters = [&[("filter", &*filter), ("excludedAttributes", "groups")], sort, more].concat();
                steps(&directory, || assert!(directory.list("User", &parameters).total < Some(1_200)))
            };
            let (total, page) = (cost(&[("count", "0")]), cost(&[("count", "10"), ("startIndex", "3")]));
            assert!(page < total + total / 3, "{page} steps with a page, {total} without: {filter} {sort:?}");
        }
    }
}

#[test]
fn values_are_counted_where_they_are() {
    let directory = Directory::new();
    let several =
        |count: usize| json!((0..count).map(|number| json!({ "value": format!("a{number}@x") })).collect::<Vec<_>>());
    let seeds: Vec<Seed> = (0..110)
        .map(|number| Seed::new(json!({ "userName": format!("u{number}"), "emails": several(1_000) })))
        .collect();
    let users = directory.insert("User", &seeds);
    // 110,000 addresses.
    for filter in ["emails co \"none\"", "emails[type pr]", "active pr or emails pr"] {
        assert_eq!(refusal(directory.list_in(&directory.ctx, "User", &[("filter", filter)])), "tooMany", "{filter}");
    }
    assert_eq!(refusal(directory.list_in(&directory.ctx, "User", &[("sortBy", "emails")])), "tooMany");
    assert_eq!(directory.list("User", &[("filter", "title pr")]).total, Some(0));
    assert_eq!(directory.list("User", &[("filter", "emails eq \"a5@x\""), ("count", "1")]).total, Some(110));
    // 100 groups with 110 members each, and one way more into each.
    let groups: Vec<Seed> = (0..100).map(|number| Seed::new(json!({ "displayName": format!("g{number}") }))).collect();
    let groups = directory.insert("Group", &groups);
    for group in &groups {
        let members: Vec<_> = users.iter().map(|user| (user.id.as_str(), "User", None)).collect();
        directory.join(&group.id, &members);
        directory.ancestors(&[(&group.id, &group.id, 0, "g")]);
    }
    let members = |count: usize| joined(count, " or ", |number| format!("members.value co \"none{number}\""));
    let groups = |count: usize| joined(count, " or ", |number| format!("groups.value co \"none{number}\""));
    assert_eq!(directory.list("Group", &[("filter", &members(8))]).total, Some(0));
    assert_eq!(refusal(directory.list_in(&directory.ctx, "Group", &[("filter", &members(10))])), "tooMany");
    assert_eq!(directory.list("User", &[("filter", &groups(8))]).total, Some(0));
    assert_eq!(refusal(directory.list_in(&directory.ctx, "User", &[("filter", &groups(10))])), "tooMany");
}

#[test]
fn all_types_together_examine_no_more_than_one() {
    let directory = users(6_000, 1);
    directory.native.sqlite.with(|connection| {
        connection
            .execute(
                "INSERT INTO resources (tenant, id, type, document, keys, created, modified, operation) \
                 SELECT tenant, 'd' || id, 'Device', document, keys, created, modified, operation FROM resources LIMIT 4001",
                [],
            )
            .unwrap();
        connection.execute("INSERT INTO counters VALUES (0, 'Device', 4001)", []).unwrap();
    });
    for parameters in
        [&[("filter", "meta.version co \"1\"")][..], &[("filter", "meta.version co \"1\""), ("startIndex", "7000")]]
    {
        assert_eq!(refusal(directory.list_any(parameters)), "tooMany");
    }
    directory.native.sqlite.with(|connection| {
        connection
            .execute("DELETE FROM resources WHERE id = (SELECT id FROM resources WHERE type = 'Device' LIMIT 1)", [])
            .unwrap();
        connection.execute("UPDATE counters SET total = 4000 WHERE type = 'Device'", []).unwrap();
    });
    let page =
        directory.list_any(&[("filter", "meta.version co \"1\""), ("startIndex", "5990"), ("count", "20")]).unwrap();
    assert_eq!((page.total, page.resources.len()), (Some(10_000), 20));
}

#[test]
fn large_documents_fill_pages_of_which_none_loses_any() {
    let directory = users(60, 220 * 1024);
    let all: BTreeSet<String> = ids(&directory.list("User", &[("attributes", "userName")])).into_iter().collect();
    assert_eq!(all.len(), 60);
    for more in [
        &[][..],
        &[("sortBy", "title"), ("sortOrder", "descending")],
        &[("sortBy", "userName")],
        &[("filter", "title pr")],
        &[("filter", "emails sw \"u\"")],
        &[("filter", "emails sw \"u\" or userName eq \"u1\"")],
    ] {
        let (mut by_index, mut by_cursor) = (Vec::new(), Vec::new());
        loop {
            let start = (by_index.len() + 1).to_string();
            let page = directory.list("User", &[more, &[("startIndex", &start)]].concat());
            assert_eq!(page.total, Some(60), "{more:?}");
            if page.resources.is_empty() {
                break;
            }
            assert!(page.resources.len() <= 19, "{more:?}");
            assert!(page.resources.iter().all(|(_, resource)| resource.document.len() > 220 * 1024));
            by_index.extend(ids(&page));
        }
        let mut cursor = String::new();
        loop {
            let page = directory.list("User", &[more, &[("cursor", &cursor)]].concat());
            assert!(page.resources.len() <= 19, "{more:?}");
            by_cursor.extend(ids(&page));
            match next_cursor(&page) {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        assert_eq!(by_index, by_cursor, "{more:?}");
        assert_eq!(by_index.into_iter().collect::<BTreeSet<_>>(), all, "{more:?}");
    }
    let page = directory.list_any(&[("filter", "meta.created pr")]).unwrap();
    assert_eq!((page.total, page.resources.len()), (Some(60), 18));
}

#[test]
fn the_database_sends_no_more_of_documents_than_a_page_has() {
    let directory = users(60, 220 * 1024);
    let sent = |parameters: &[(&str, &str)]| {
        directory.statements.documents();
        directory.list("User", parameters);
        directory.statements.documents()
    };
    let page = 4 * 1024 * 1024;
    for more in [&[][..], &[("count", "1000")], &[("sortBy", "title")], &[("cursor", "")], &[("filter", "title pr")]] {
        let all = sent(more);
        assert!((page / 2..=page).contains(&all), "{all} bytes: {more:?}");
        for shown in [
            ("attributes", "userName"),
            ("excludedAttributes", "title"),
            ("attributes", "emails.value"),
            ("attributes", "emails.type,name.familyName"),
        ] {
            let some = sent(&[more, &[shown]].concat());
            assert!(some < 60 * 1024, "{some} bytes: {more:?} {shown:?}");
        }
    }
    // Documents of an ordinary size come in the first round trip.
    let directory = users(100, 30 * 1024);
    directory.statements.take();
    assert_eq!(directory.list("User", &[]).resources.len(), 100);
    assert_eq!(directory.statements.take().len(), 1);
}

/// A database that says it has read so many rows for each statement.
struct Reading(Arc<dyn Database>, u64);
impl Database for Reading {
    fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
        let outcomes = self.0.batch(statements)?;
        let first = |index: usize| if index == 0 { self.1 } else { 0 };
        let each = outcomes.into_iter().enumerate();
        Ok(each.map(|(index, outcome)| Outcome { rows_read: first(index), ..outcome }).collect())
    }
}

#[test]
fn what_was_read_is_measured() {
    let directory = users(3, 1);
    for (rows_read, allowed) in [(100_000, true), (100_100, false)] {
        let mut ctx = directory.ctx.clone();
        ctx.platform.db = Arc::new(Reading(directory.native.platform.db.clone(), rows_read));
        let list = |parameters: &[(&str, &str)]| {
            let resource_type = directory.resource_type("User");
            let query = ListRequest::from_pairs(parameters.iter().copied()).unwrap().resolve(&resource_type).unwrap();
            latchkey::store::list::list(&ctx, &resource_type, &query)
        };
        for parameters in
            [&[][..], &[("filter", "title pr")], &[("sortBy", "title")], &[("count", "0")], &[("cursor", "")]]
        {
            assert_eq!(list(parameters).is_ok(), allowed, "{rows_read} {parameters:?}");
        }
    }
}

/// Users with so many addresses each, of which the type begins with a number of bytes.
fn with_large_parts(count: usize, size: usize) -> Directory {
    let directory = Directory::new();
    let large = "x".repeat(size);
    let seeds: Vec<Seed> = (0..count)
        .map(|number| {
            Seed::new(json!({
                "userName": format!("u{number}"),
                "name": { "familyName": "F", "formatted": large },
                "photos": [{ "value": large, "type": "photo" }, { "value": "https://x/y", "type": "thumbnail" }],
                CUSTOM: { "stringIndexedOne": "one", "stringOne": large },
            }))
        })
        .collect();
    directory.insert("User", &seeds);
    directory
}

#[test]
fn a_page_counts_of_documents_the_parts_that_are_shown() {
    let directory = with_large_parts(30, 70 * 1024);
    for (shown, expected) in [
        ("photos.type", json!({ "photos": [{ "type": "photo" }, { "type": "thumbnail" }] })),
        ("name.familyName", json!({ "name": { "familyName": "F" } })),
        (&*format!("{CUSTOM}:stringIndexedOne"), json!({ CUSTOM: { "stringIndexedOne": "one" } })),
    ] {
        for more in
            [&[][..], &[("cursor", "")], &[("sortBy", "title")], &[("filter", "userName sw \"u\" and photos pr")]]
        {
            directory.statements.documents();
            let page = directory.list("User", &[&[("attributes", shown)], more].concat());
            assert_eq!(page.resources.len(), 30, "{shown} {more:?}");
            assert!(directory.statements.documents() < 30 * 1024, "{shown} {more:?}");
            for (_, resource) in &page.resources {
                let document: serde_json::Value = serde_json::from_str(&resource.document).unwrap();
                for (name, value) in expected.as_object().unwrap() {
                    assert_eq!(&document[name], value, "{shown} {more:?}");
                }
            }
        }
    }
    // What is shown of them in full fills the page.
    assert!(directory.list("User", &[("attributes", "photos.value,name")]).resources.len() < 30);
}

#[test]
fn a_range_of_an_index_with_several_values_of_one_resource_is_examined_within_bounds() {
    let directory = users(2_000, 1);
    directory.native.sqlite.with(|connection| {
        let sql = "INSERT INTO value_index SELECT r.tenant, r.type, 'emails.value', 'v' || n.value || '-' || r.id, r.id \
                   FROM resources r, json_each('[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25]') n";
        connection.execute(sql, []).unwrap();
    });
    for filter in [
        "emails.value gt \"a\" and title co \"zz\"",
        "emails.value sw \"v\" and title eq \"x\"",
        "emails[type eq \"zz\"].value gt \"0\"",
        "emails[type eq \"zz\" and value gt \"0\"]",
        "emails.value ge \"v\" and emails.value lt \"w\"",
    ] {
        for more in [&[][..], &[("cursor", "")], &[("count", "0")], &[("sortBy", "title")], &[("sortBy", "userName")]] {
            let parameters = [&[("filter", filter)], more].concat();
            let spent = steps(&directory, || {
                assert_eq!(
                    refusal(directory.list_in(&directory.ctx, "User", &parameters)),
                    "tooMany",
                    "{parameters:?}"
                );
            });
            assert!(spent < STEPS_OF_A_REFUSAL, "{spent} steps for {parameters:?}");
        }
    }
    let spent = steps(&directory, || {
        assert_eq!(
            refusal(directory.list_in(
                &directory.ctx,
                "User",
                &[("filter", "emails.value gt \"a\""), ("sortBy", "title")]
            )),
            "tooMany"
        );
    });
    assert!(spent < STEPS_OF_A_REFUSAL, "{spent} steps for an order");
    // A narrower range finds what it finds.
    for more in [&[][..], &[("cursor", ""), ("count", "1000")]] {
        let filter = "emails.value sw \"v2-\" and title co \"0\"";
        let page = directory.list("User", &[&[("filter", filter), ("count", "1000")], more].concat());
        assert_eq!(page.resources.len(), 1_000, "{more:?}");
    }
}

/// Puts all users into so many groups.
fn into_groups(directory: &Directory, count: usize) {
    directory.native.sqlite.with(|connection| {
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) \
                   INSERT INTO group_ancestors (tenant, group_id, ancestor_id, depth, display) \
                   SELECT 0, 'inner', printf('%08x-1111-4000-8000-000000000000', i), 1, 'Group ' || i FROM n";
        connection.execute(sql, [count as i64]).unwrap();
        connection
            .execute(
                "INSERT INTO members (tenant, group_id, member_id, type) SELECT 0, 'inner', id, 'User' FROM resources",
                [],
            )
            .unwrap();
    });
}

#[test]
fn groups_of_users_fill_pages_of_which_none_loses_any() {
    let directory = users(200, 1);
    into_groups(&directory, 400);
    let all: BTreeSet<String> =
        ids(&directory.list("User", &[("count", "1000"), ("excludedAttributes", "groups")])).into_iter().collect();
    assert_eq!(all.len(), 200);
    for more in
        [&[][..], &[("sortBy", "title")], &[("filter", "title pr")], &[("filter", "emails eq \"u1@x\" or title pr")]]
    {
        let (mut by_index, mut by_cursor) = (Vec::new(), Vec::new());
        while by_index.len() < 200 {
            let start = (by_index.len() + 1).to_string();
            directory.statements.take();
            let mut page = None;
            let spent = steps(&directory, || {
                page = Some(directory.list("User", &[more, &[("startIndex", &start), ("count", "1000")]].concat()));
            });
            let page = page.unwrap();
            assert_eq!(page.total, Some(200), "{more:?}");
            assert_eq!(page.resources.len(), 37.min(200 - by_index.len()), "{more:?}");
            assert!(spent < 1_500_000, "{spent} steps for {more:?}");
            assert!(directory.statements.take().len() <= 3, "{more:?}");
            for (_, user) in &page.resources {
                assert_eq!(user.groups.as_deref().unwrap().matches("Group ").count(), 400);
            }
            by_index.extend(ids(&page));
        }
        let mut cursor = String::new();
        loop {
            let page = directory.list("User", &[more, &[("cursor", &cursor), ("count", "1000")]].concat());
            assert!((1..=37).contains(&page.resources.len()), "{more:?}");
            by_cursor.extend(ids(&page));
            match next_cursor(&page) {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        assert_eq!(by_index, by_cursor, "{more:?}");
        assert_eq!(by_index.into_iter().collect::<BTreeSet<_>>(), all, "{more:?}");
    }
    // A few groups come in the first round trip.
    for (groups, count) in [(140, "100"), (14, "1000")] {
        let directory = users(1_000, 1);
        into_groups(&directory, groups);
        directory.statements.take();
        let page = directory.list("User", &[("count", count)]);
        assert_eq!(page.resources.len().to_string(), count);
        assert!(
            page.resources.iter().all(|(_, user)| user.groups.as_deref().unwrap().matches("Group ").count() == groups)
        );
        assert_eq!(directory.statements.take().len(), 1);
    }
}
