//! The largest filters run within D1's limits, and what would examine too many resources is refused.

use latchkey::model::mail::MailState;
use latchkey::model::resource::{INVITATION_SCHEMA, Invitation};
use serde_json::json;

use crate::support::{CUSTOM, Directory, EPOCH, Seed, ids, pending, refusal};

fn one_user() -> Directory {
    let directory = Directory::new();
    let body = json!({
        "userName": "u", "name": { "familyName": "f" }, "emails": [{ "value": "a@x", "type": "work" }],
    });
    directory.insert("User", &[Seed::new(body)]);
    directory
}

/// Runs a filter in every kind of statement.
fn run(directory: &Directory, filter: &str) -> Option<u64> {
    directory.list("User", &[("filter", filter), ("sortBy", "emails"), ("cursor", "")]);
    directory.list("User", &[("filter", filter), ("startIndex", "2")]);
    let page = directory.list("User", &[("filter", filter)]);
    page.total
}

#[test]
fn fifty_terms_of_every_kind_run() {
    let directory = one_user();
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let kinds: Vec<Box<dyn Fn(usize) -> String>> = vec![
        Box::new(|n| format!("userName sw \"x{n}\"")),
        Box::new(|n| format!("name.familyName eq \"x{n}\"")),
        Box::new(|n| format!("emails co \"x{n}\"")),
        Box::new(move |n| format!("{enterprise}:manager.value ne \"x{n}\"")),
        Box::new(|n| format!("groups.display eq \"x{n}\"")),
        Box::new(|n| format!("groups.type eq \"x{n}\"")),
        Box::new(|n| format!("groups.$ref eq \"x{n}\"")),
        Box::new(|n| format!("meta.created gt \"2020-01-01T00:00:{n:02}Z\"")),
        Box::new(|n| format!("meta.location ew \"x{n}\"")),
        Box::new(|n| format!("schemas eq \"x{n}\"")),
        Box::new(|n| format!("emails[not (value eq \"x{n}\")]")),
        Box::new(|n| format!("id eq \"x{n}\"")),
        Box::new(|n| format!("externalId sw \"x{n}\"")),
        Box::new(|n| format!("groups.value eq \"x{n}\"")),
        Box::new(|n| format!("{CUSTOM}:several[tags eq \"x{n}\" or level eq {n}]")),
        Box::new(|n| {
            format!(
                "urn:latchkey:params:scim:schemas:extension:invitation:2.0:User:sentAt lt \"2020-01-01T00:00:{n:02}Z\""
            )
        }),
    ];
    for kind in &kinds {
        let terms: Vec<String> = (0..if kind(0).contains(" or ") { 25 } else { 50 }).map(kind).collect();
        run(&directory, &terms.join(" or "));
        run(&directory, &terms.join(" and "));
        run(&directory, &format!("not ({})", terms.join(" or ")));
    }
    let mixed: Vec<String> = (0..47).map(|number| kinds[number % kinds.len()](number)).collect();
    run(&directory, &mixed.join(" or "));
}

#[test]
fn twenty_levels_with_fifty_terms_run() {
    let directory = one_user();
    // Every level negates, and joins by both words, as deep as the grammar goes.
    for leaf in ["userName eq \"u\"", "emails[type eq \"work\" and value sw \"a\"]", "groups.display eq \"g\""] {
        let levels = if leaf.contains('[') { 19 } else { 20 };
        let mut filter = leaf.to_owned();
        for level in 0..levels {
            filter = format!("not (title eq \"{level}\" or nickName pr and {filter})");
        }
        run(&directory, &filter);
        let mut filter = leaf.to_owned();
        for level in 0..levels {
            filter = format!("(userName eq \"u\" and nickName ne \"{level}\" and {filter})");
        }
        assert_eq!(run(&directory, &filter), Some(u64::from(!leaf.starts_with("groups"))));
    }
    let deep = format!("{}userName pr{}", "(".repeat(21), ")".repeat(21));
    assert_eq!(refusal(directory.list_in(&directory.ctx, "User", &[("filter", &deep)])), "invalidFilter");
    let long: Vec<String> = (0..51).map(|number| format!("title eq \"{number}\"")).collect();
    assert_eq!(refusal(directory.list_in(&directory.ctx, "User", &[("filter", &long.join(" or "))])), "invalidFilter");
}

#[test]
fn the_longest_filter_runs() {
    let directory = one_user();
    let long = "ü".repeat(8_000);
    run(&directory, &format!("title eq \"{long}\" or displayName eq \"{long}\""));
    run(&directory, &format!("displayName sw \"{}\"", "é".repeat(250)));
}

#[test]
fn values_longer_than_an_index_entry_are_found_all_the_same() {
    let directory = Directory::new();
    let lengths = [505, 507, 508, 509, 511, 512, 513, 515, 600];
    let texts: Vec<String> =
        lengths.iter().flat_map(|length| [format!("{}b", "a".repeat(*length)), "ü".repeat(*length / 2)]).collect();
    let seeds: Vec<Seed> = texts
        .iter()
        .enumerate()
        .map(|(number, text)| Seed::new(json!({ "userName": format!("u{number}"), "displayName": text })))
        .collect();
    directory.insert("User", &seeds);
    for operator in ["eq", "sw", "gt", "ge", "lt", "le"] {
        for literal in texts.iter().chain(&texts.iter().map(|text| text.replace('b', "")).collect::<Vec<_>>()) {
            let matches = |text: &&String| match operator {
                "eq" => *text == literal,
                "sw" => text.starts_with(literal.as_str()),
                "gt" => *text > literal,
                "ge" => *text >= literal,
                "lt" => *text < literal,
                _ => *text <= literal,
            };
            let total = directory.list("User", &[("filter", &format!("displayName {operator} \"{literal}\""))]).total;
            let expected = texts.iter().filter(matches).count() as u64;
            assert_eq!(total, Some(expected), "{operator} {} bytes", literal.len());
        }
    }
}

#[test]
fn more_than_ten_thousand_are_not_examined_one_by_one() {
    let directory = Directory::new();
    let seeds: Vec<Seed> = (0..10_000)
        .map(|number| Seed::new(json!({ "userName": format!("u{number:05}"), "displayName": "d", "title": "t" })))
        .collect();
    directory.insert("User", &seeds);
    let refused = |parameters: &[(&str, &str)]| refusal(directory.list_in(&directory.ctx, "User", parameters));
    let one_by_one: [&[(&str, &str)]; 6] = [
        &[("filter", "title eq \"t\"")],
        &[("filter", "title eq \"t\""), ("cursor", "")],
        &[("filter", "title eq \"t\""), ("count", "0")],
        &[("sortBy", "title")],
        &[("filter", "displayName eq \"d\" and title eq \"t\"")],
        &[("filter", "displayName eq \"d\" or userName eq \"u00001\"")],
    ];
    for parameters in one_by_one.iter().take(5) {
        let page = directory.list("User", parameters);
        assert!(page.total.is_none_or(|total| total == 10_000), "{parameters:?}");
    }
    directory.insert("User", &[Seed::new(json!({ "userName": "one more", "displayName": "d", "title": "t" }))]);
    for parameters in one_by_one {
        assert_eq!(refused(parameters), "tooMany", "{parameters:?}");
    }
    // What an index answers goes on as before.
    for parameters in [
        &[][..],
        &[("sortBy", "userName"), ("sortOrder", "descending")],
        &[("filter", "displayName eq \"d\"")],
        &[("filter", "userName sw \"u\""), ("sortBy", "userName")],
        &[("filter", "userName eq \"u00001\" and title eq \"t\""), ("sortBy", "title")],
        &[("filter", "title eq \"t\" and (userName eq \"u00001\" or userName eq \"u00002\")"), ("sortBy", "title")],
    ] {
        assert!(!directory.list("User", parameters).resources.is_empty(), "{parameters:?}");
    }
    // Other types do not suffer from it.
    directory.insert("Group", &[Seed::new(json!({ "displayName": "g" }))]);
    assert_eq!(directory.list("Group", &[("sortBy", "displayName")]).total, Some(1));
    let page = directory.list_any(&[("filter", "serial eq \"5\"")]).unwrap();
    assert_eq!(page.total, Some(0));
}

#[test]
fn what_became_of_invitations_is_found_among_any_number() {
    let directory = Directory::new();
    let states = [MailState::Sent, MailState::Queued, MailState::Sent, MailState::Sent];
    let seeds: Vec<Seed> = (0..11_000_i64)
        .map(|number| {
            let state = if number % 1_000 == 0 { MailState::Bounced } else { states[number as usize % 4] };
            let sent_at = (state != MailState::Queued).then_some(EPOCH + number);
            let invitation = Invitation { delivery: state.into(), sent_at, ..Invitation::default() };
            Seed {
                account: pending(""),
                invitation: (number != 5).then_some(invitation),
                ..Seed::new(json!({ "userName": format!("u{number:05}"), "title": "t" }))
            }
        })
        .collect();
    let users = directory.insert("User", &seeds);
    let invited = |name: &str| format!("{INVITATION_SCHEMA}:{name}");
    let (delivery, status, sent_at) = (invited("delivery"), invited("status"), invited("sentAt"));
    for (filter, total) in [
        (format!("{delivery} eq \"bounced\""), 11),
        (format!("{delivery} eq \"queued\""), 2_749),
        (format!("{delivery} eq \"sent\""), 8_239),
        (format!("{delivery} eq \"failed\""), 0),
        (format!("{delivery} eq \"bounced\" and {status} eq \"pending\""), 11),
        (format!("{status} eq \"pending\" and {delivery} eq \"bounced\" and title eq \"t\""), 11),
        (format!("{delivery} eq \"bounced\" or {delivery} eq \"failed\" or {status} eq \"revoked\""), 11),
        (format!("{delivery} pr"), 10_999),
        (format!("{sent_at} ge \"2020-09-13T12:26:50Z\" and {sent_at} lt \"2020-09-13T12:26:50.004Z\""), 3),
    ] {
        for sort in [None, Some("meta.created"), Some(sent_at.as_str())] {
            if filter.ends_with(" pr") && sort.is_some() {
                continue;
            }
            let mut parameters = vec![("filter", filter.as_str()), ("count", "1000")];
            parameters.extend(sort.map(|sort| ("sortBy", sort)));
            let page = directory.list("User", &parameters);
            assert_eq!(page.total, Some(total), "{parameters:?}");
        }
    }
    // Everybody in the order of the last mail: the two before the last had one, the last had none.
    for parameters in [&[("sortBy", sent_at.as_str())][..], &[("sortBy", &sent_at), ("cursor", "")]] {
        let mut parameters = parameters.to_vec();
        parameters.push(("count", "2"));
        assert_eq!(ids(&directory.list("User", &parameters)), [users[0].id.as_str(), &users[2].id]);
        parameters.push(("sortOrder", "descending"));
        assert_ne!(ids(&directory.list("User", &parameters))[0], users[10_999].id);
    }
}

#[test]
fn what_is_true_of_everybody_examines_nobody() {
    let directory = Directory::new();
    let seeds: Vec<Seed> =
        (0..10_001).map(|number| Seed::new(json!({ "userName": format!("u{number:05}") }))).collect();
    directory.insert("User", &seeds);
    directory.insert("Group", &[Seed::new(json!({ "displayName": "g" }))]);
    for filter in [
        "userName pr",
        "id pr and meta.created pr",
        "meta.resourceType eq \"User\"",
        "schemas eq \"urn:ietf:params:scim:schemas:core:2.0:User\"",
        "not (schemas eq \"urn:example:other\")",
        "meta.resourceType eq \"Group\" or userName ne null",
    ] {
        assert_eq!(directory.list("User", &[("filter", filter)]).total, Some(10_001), "{filter}");
        assert_eq!(directory.list("User", &[("filter", filter), ("cursor", "")]).total, Some(10_001), "{filter}");
    }
    let page = directory.list_any(&[("filter", "meta.resourceType eq \"Group\"")]).unwrap();
    assert_eq!((page.total, page.resources.len()), (Some(1), 1));
    let page = directory.list("User", &[("filter", "meta.resourceType eq \"Group\" and title pr")]);
    assert_eq!(page.total, Some(0));
}
