//! What SQLite makes of every kind of list: which index it walks, and that it sorts only where the list says so.

use std::collections::BTreeSet;

use latchkey::model::resource::INVITATION_SCHEMA;
use serde_json::json;

use crate::support::{CUSTOM, Directory, EPOCH, Seed, ids, next_cursor, pending};

/// What the plans of a list's statements say.
struct Plan {
    /// The indexes of `resources` that are walked, as far as a list is driven by one.
    searches: BTreeSet<String>,
    sorts: bool,
    trips: usize,
}

/// Explains all statements of a list, and checks that none reads a table through.
fn explain(directory: &Directory, type_name: &str, parameters: &[(&str, &str)]) -> Plan {
    directory.statements.take();
    let page = directory.list(type_name, parameters);
    if let Some(cursor) = next_cursor(&page) {
        let mut parameters = parameters.to_vec();
        parameters.retain(|(name, _)| *name != "cursor");
        parameters.push(("cursor", cursor));
        directory.list(type_name, &parameters);
    }
    explain_seen(directory, &format!("{parameters:?}"))
}

fn explain_seen(directory: &Directory, what: &str) -> Plan {
    let batches = directory.statements.take();
    let mut plan = Plan { searches: BTreeSet::new(), sorts: false, trips: batches.len() };
    for statement in batches.iter().flatten() {
        let sql = &statement.sql;
        let lines: Vec<String> = directory.native.sqlite.with(|connection| {
            let mut prepared = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let parameters = rusqlite::params_from_iter(statement.params.iter().map(|_| None::<i64>));
            let rows = prepared.query_map(parameters, |row| row.get(3)).unwrap();
            rows.map(Result::unwrap).collect()
        });
        // A part of the index, read by a search, is walked through.
        let is_walked = lines.iter().any(|line| line == "CO-ROUTINE v");
        for line in lines {
            let scanned = line.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next());
            // Subqueries, the JSON of one resource, and the rows of a UNION.
            let allowed = ["CONSTANT", "f", "u", "t", "s", "p", "guard", "(subquery-", "(join-", "json_each"];
            let is_allowed = |name: &str| {
                let is_value = name.strip_prefix('e').is_some_and(|number| number.parse::<u32>().is_ok());
                is_value
                    || (name == "v" && is_walked)
                    || allowed
                        .iter()
                        .any(|prefix| name == *prefix || (prefix.ends_with('-') && name.starts_with(prefix)))
                    || line.contains("VIRTUAL TABLE")
            };
            assert!(scanned.is_none_or(is_allowed), "{line}: {what}\n{sql}");
            if let Some((_, index)) = line.split_once(" INDEX ") {
                let index = index.split(' ').next().unwrap_or_default();
                plan.searches.insert(index.to_owned());
            }
            plan.sorts |= line.contains("TEMP B-TREE") && line.ends_with("ORDER BY");
        }
    }
    plan
}

fn directory() -> Directory {
    let directory = Directory::new();
    let seeds: Vec<Seed> = (0..40)
        .map(|number| Seed {
            created: EPOCH + number / 3,
            account: if number % 2 == 0 { pending("") } else { latchkey::base::account::Account::default() },
            invitation: (number % 2 == 0).then(|| latchkey::model::resource::Invitation {
                delivery: latchkey::model::mail::MailState::Sent.into(),
                ..Default::default()
            }),
            ..Seed::new(json!({
                "userName": format!("user{number:02}"), "externalId": "all", "displayName": "All of them",
                "emails": [{ "value": "all@x", "type": "work" }, { "value": format!("all{number}@x") }],
                CUSTOM: { "unique": format!("one{number}"), "stringIndexedMany": ["b", "bb"], "integerIndexedOne": 5,
                    "dateTimeIndexedOne": "2020-01-01T00:00:00Z", "stringIndexedOne": "b" },
            }))
        })
        .collect();
    let users = directory.insert("User", &seeds);
    let groups = directory.insert(
        "Group",
        &(0..12).map(|number| Seed::new(json!({ "displayName": format!("g{number}") }))).collect::<Vec<_>>(),
    );
    for group in &groups {
        let members: Vec<_> = users.iter().map(|user| (user.id.as_str(), "User", None)).collect();
        directory.join(&group.id, &members);
        directory.ancestors(&[(&group.id, &group.id, 0, "g")]);
    }
    directory.ancestors(&[(&groups[1].id, &groups[0].id, 1, "g")]);
    directory
}

#[test]
fn every_kind_of_filter_walks_its_index() {
    let directory = directory();
    let user = ids(&directory.list("User", &[("count", "1")])).remove(0);
    let group = ids(&directory.list("Group", &[("count", "1")])).remove(0);
    let primary = "sqlite_autoindex_resources_1";
    let values = "PRIMARY";
    let each = "3:";
    let [invited, delivery, sent] = ["status", "delivery", "sentAt"].map(|name| format!("{INVITATION_SCHEMA}:{name}"));
    let cases: Vec<(&str, String, Vec<&str>)> = vec![
        ("User", format!("id eq \"{user}\""), vec![primary]),
        ("User", "id sw \"0\"".to_owned(), vec![primary]),
        ("User", "userName eq \"user01\"".to_owned(), vec!["resources_name"]),
        ("User", "userName sw \"user\"".to_owned(), vec!["resources_name"]),
        ("User", "userName gt \"user\" and userName lt \"z\"".to_owned(), vec!["resources_name"]),
        ("User", "externalId eq \"all\"".to_owned(), vec!["resources_external"]),
        ("User", "externalId sw \"a\"".to_owned(), vec!["resources_external"]),
        ("User", "externalId ge \"a\"".to_owned(), vec!["resources_external"]),
        ("User", "emails eq \"all@x\"".to_owned(), vec![values, primary]),
        ("User", "emails.value sw \"all\"".to_owned(), vec![values, primary, "value_index_resource"]),
        ("User", "emails[value eq \"all@x\"]".to_owned(), vec![values, primary]),
        // The addresses of whom the index finds are looked through for the type.
        ("User", "emails[type eq \"work\" and value eq \"all@x\"]".to_owned(), vec![values, primary, each]),
        ("User", "emails[type eq \"work\"].value eq \"all@x\"".to_owned(), vec![values, primary, each]),
        ("User", "displayName eq \"ALL of them\"".to_owned(), vec![values, primary]),
        ("User", "displayName sw \"all\"".to_owned(), vec![values, primary]),
        ("User", format!("{CUSTOM}:unique eq \"one1\""), vec![values, primary]),
        ("User", format!("{CUSTOM}:integerIndexedOne eq 5"), vec![values, primary]),
        ("User", format!("{CUSTOM}:dateTimeIndexedOne gt \"2019-01-01T00:00:00Z\""), vec![values, primary]),
        (
            "User",
            format!("groups.value eq \"{group}\""),
            vec!["group_ancestors_ancestor", values, primary, "members_member"],
        ),
        ("Group", format!("members.value eq \"{user}\""), vec!["members_member", primary]),
        ("Group", "displayName eq \"g1\"".to_owned(), vec![values, primary]),
        ("User", format!("{invited} eq \"pending\""), vec!["resources_invitation"]),
        ("User", format!("{invited} eq \"accepted\""), vec!["resources_invitation"]),
        ("User", format!("{invited} sw \"e\""), vec!["resources_invitation"]),
        ("User", format!("{invited} pr"), vec!["resources_delivery"]),
        ("User", format!("{delivery} eq \"bounced\""), vec!["resources_delivery"]),
        ("User", format!("{delivery} eq \"SENT\""), vec!["resources_delivery"]),
        ("User", format!("{delivery} sw \"s\""), vec!["resources_delivery"]),
        ("User", format!("{delivery} eq \"bounced\" and {invited} eq \"pending\""), vec!["resources_delivery"]),
        ("User", format!("{delivery} eq \"sent\" and {invited} eq \"pending\""), vec!["resources_invitation"]),
        ("User", format!("{sent} lt \"2030-01-01T00:00:00Z\""), vec!["resources_sent"]),
        ("User", format!("{sent} pr"), vec!["resources_sent"]),
        ("User", "urn:scim:wso2:schema:accountState eq \"UNLOCKED\"".to_owned(), vec!["resources_state"]),
        ("User", "urn:scim:wso2:schema:accountState sw \"PENDING\"".to_owned(), vec!["resources_state"]),
        ("User", "meta.created ge \"2020-09-13T12:26:40Z\"".to_owned(), vec!["resources_created"]),
        ("User", "meta.lastModified gt \"2020-01-01T00:00:00Z\"".to_owned(), vec!["resources_modified"]),
        ("User", "meta.lastModified le \"2030-01-01T00:00:00Z\"".to_owned(), vec!["resources_modified"]),
    ];
    for (type_name, filter, indexes) in cases {
        let expected: BTreeSet<String> = indexes.into_iter().map(str::to_owned).collect();
        for more in [vec![], vec![("cursor", ""), ("count", "10")], vec![("startIndex", "5"), ("count", "10")]] {
            let mut parameters = vec![("filter", filter.as_str()), ("excludedAttributes", "groups")];
            parameters.extend(more);
            let plan = explain(&directory, type_name, &parameters);
            assert!(!plan.sorts, "{parameters:?}");
            assert!(plan.searches.is_subset(&expected), "{:?} for {parameters:?}", plan.searches);
            assert!(plan.trips <= 2, "{parameters:?}");
        }
        // With something to check one by one, and in another order.
        let filter = format!("{filter} and not (meta.version co \"x\")");
        for more in [vec![], vec![("sortBy", "meta.location")], vec![("cursor", ""), ("count", "10")]] {
            let mut parameters = vec![("filter", filter.as_str()), ("excludedAttributes", "groups")];
            parameters.extend(more);
            explain(&directory, type_name, &parameters);
        }
    }
}

#[test]
fn what_a_range_of_several_values_leads_to_is_found_once_and_sorted() {
    let directory = directory();
    let filter = "emails[type eq work].value sw all and active eq true";
    for more in [vec![], vec![("cursor", ""), ("count", "10")]] {
        let mut parameters = vec![("filter", filter), ("excludedAttributes", "groups")];
        parameters.extend(more);
        let plan = explain(&directory, "User", &parameters);
        assert!(
            plan.sorts && !plan.searches.contains("value_index_resource"),
            "{:?} for {parameters:?}",
            plan.searches
        );
    }
}

#[test]
fn an_order_that_an_index_has_is_not_sorted() {
    let directory = directory();
    let sent = format!("{INVITATION_SCHEMA}:sentAt");
    for sort in ["id", "userName", "meta.created", "meta.lastModified", sent.as_str()] {
        for order in ["ascending", "descending"] {
            for more in [vec![("cursor", "")], vec![], vec![("filter", "name.familyName pr")]] {
                let mut parameters = vec![("sortBy", sort), ("sortOrder", order), ("count", "7")];
                parameters.extend(more);
                assert!(!explain(&directory, "User", &parameters).sorts, "{parameters:?}");
            }
        }
    }
    assert!(!explain(&directory, "Group", &[("cursor", ""), ("count", "7")]).sorts);
    assert!(!explain(&directory, "Group", &[("sortBy", "meta.created"), ("sortOrder", "descending")]).sorts);
    // All ids are in one index, whatever the type: walking it for the few would pass by the many.
    let plan = explain(&directory, "Group", &[("sortBy", "id"), ("cursor", ""), ("count", "7")]);
    assert!(plan.sorts && plan.searches.contains("resources_created"));
}

#[test]
fn what_no_index_serves_walks_the_type() {
    let directory = directory();
    for filter in [
        "name.familyName eq \"x\"",
        "userName co \"user\"",
        "userName eq \"user01\" or title pr",
        "emails[type eq \"work\"]",
        "not (userName eq \"user01\")",
        "groups pr",
        "groups.display eq \"g1\"",
        "schemas eq \"urn:scim:wso2:schema\"",
    ] {
        for sort in ["meta.created", "name.familyName", "emails", "groups.display"] {
            for more in [vec![], vec![("cursor", ""), ("count", "5")]] {
                let mut parameters = vec![("filter", filter), ("sortBy", sort), ("excludedAttributes", "groups")];
                parameters.extend(more);
                let plan = explain(&directory, "User", &parameters);
                assert!(plan.searches.contains("resources_created"), "{:?} for {parameters:?}", plan.searches);
                assert_eq!(plan.sorts, sort != "meta.created", "{parameters:?}");
            }
        }
    }
}

#[test]
fn alternatives_that_all_have_an_index_need_no_walk() {
    let directory = directory();
    let ids = ids(&directory.list("User", &[("count", "30")]));
    let by_id: Vec<String> = ids.iter().map(|id| format!("id eq \"{id}\"")).collect();
    for (filter, total) in [
        ("userName eq \"user01\" or emails eq \"all3@x\" or externalId eq \"none\"".to_owned(), 2),
        ("(userName eq \"user01\" and active pr) or displayName sw \"all\"".to_owned(), 40),
        (by_id.join(" or "), 30),
        (format!("title pr and ({})", by_id.join(" or ")), 0),
    ] {
        let page = directory.list("User", &[("filter", &filter)]);
        assert_eq!(page.total, Some(total), "{filter}");
        let plan =
            explain(&directory, "User", &[("filter", &filter), ("count", "10"), ("excludedAttributes", "groups")]);
        assert!(!plan.searches.contains("resources_created"), "{:?} for {filter}", plan.searches);
    }
}

#[test]
fn groups_of_users_are_found_through_their_memberships() {
    let directory = directory();
    let plan = explain(&directory, "User", &[("count", "7"), ("cursor", "")]);
    assert!(plan.searches.contains("members_member"));
    assert!(!plan.sorts);
    directory.statements.take();
    directory.list_any(&[("filter", "meta.created pr"), ("count", "50")]).unwrap();
    explain_seen(&directory, "a search at the root");
}

#[test]
fn a_page_is_one_round_trip() {
    let directory = directory();
    let trips = |parameters: &[(&str, &str)]| {
        directory.statements.take();
        directory.list("User", parameters);
        directory.statements.take().len()
    };
    assert_eq!(trips(&[]), 1);
    assert_eq!(trips(&[("cursor", ""), ("count", "5")]), 1);
    assert_eq!(trips(&[("filter", "userName eq \"user01\"")]), 1);
    assert_eq!(trips(&[("filter", "emails eq \"all1@x\"")]), 1);
    assert_eq!(trips(&[("filter", "emails eq \"all1@x\""), ("count", "0")]), 1);
    assert_eq!(trips(&[("filter", "emails[value eq \"all1@x\" and type eq \"work\"]")]), 1);
    assert_eq!(trips(&[("filter", "emails[type eq \"work\"].value eq \"all1@x\"")]), 1);
    assert_eq!(trips(&[("filter", "userName eq u1")]), 1);
    assert_eq!(trips(&[("filter", "name.familyName eq \"x\""), ("sortBy", "title")]), 1);
    assert_eq!(trips(&[("filter", "userName sw \"user\""), ("count", "5")]), 1);
    // The total of what a value leads to is counted only when it is more than a page.
    assert_eq!(trips(&[("filter", "emails eq \"all@x\""), ("count", "5")]), 2);
    assert_eq!(trips(&[("filter", "emails eq \"all@x\""), ("count", "5"), ("startIndex", "6")]), 1);
}
