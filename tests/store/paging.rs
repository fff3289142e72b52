//! Paging visits every resource once, in every order, by index and by cursor, also while others come and go.

use std::collections::BTreeSet;

use latchkey::model::mail::MailState;
use latchkey::model::resource::{INVITATION_SCHEMA, Invitation, Resource};
use scim::datetime::Instant;
use scim::fold;
use serde_json::{Value, json};

use crate::support::{CUSTOM, Directory, EPOCH, Seed, ids, next_cursor, pending, refusal};

const WANTED: &str = "urn:latchkey:params:scim:schemas:extension:invitation:2.0:User:status";
const SENT_AT: &str = "urn:latchkey:params:scim:schemas:extension:invitation:2.0:User:sentAt";

/// Users with ties and without values, whatever they are sorted by.
fn directory(count: i64) -> (Directory, Vec<Resource>) {
    let directory = Directory::new();
    let names = ["ß", "SS", "ä", "Z", "", "a", "a\u{308}"];
    let pick = |number: i64, step: i64| {
        let index = usize::try_from(number * step % 9).unwrap();
        names.get(index).copied()
    };
    let seeds: Vec<Seed> = (0..count)
        .map(|number| {
            let custom = json!({
                "integerOne": (number % 4 != 0).then_some((number * 7 % 5) * 9_007_199_254_740_993),
                "decimalOne": (number % 3 != 0).then_some((number % 7) as f64 / 3.0 + 0.1),
                "booleanOne": (number % 3 != 0).then_some(number % 3 == 1),
                "dateTimeOne": (number % 5 != 0).then(|| format!("2020-01-0{}T00:00:00.{number}Z", number % 4 + 1)),
                "several": [{ "tags": pick(number, 5) }],
            });
            let mut emails = vec![json!({ "value": pick(number, 2), "type": "work" })];
            emails.push(json!({ "value": pick(number, 4), "primary": number % 2 == 0 }));
            let body = json!({
                "userName": format!("{}{number}", ["u", "U", "Ü"][usize::try_from(number % 3).unwrap()]),
                "displayName": pick(number, 1), "name": { "familyName": pick(number, 7) }, "emails": emails,
                "externalId": "one", CUSTOM: custom,
            });
            let mut seed = Seed::new(body);
            seed.created = EPOCH + number * 5 % 7;
            seed.modified = EPOCH + number * 3 % 4;
            if number % 3 == 0 {
                seed.account = pending("");
                let state = if number % 2 == 0 { MailState::Sent } else { MailState::Bounced };
                let sent_at = (number % 9 != 0).then_some(EPOCH + number * 7 % 5);
                seed.invitation = Some(Invitation { delivery: state.into(), sent_at, ..Invitation::default() });
            }
            seed
        })
        .collect();
    let stored = directory.insert("User", &seeds);
    (directory, stored)
}

/// What a resource is sorted by, computed from its document: comparable within one attribute.
fn key(resource: &Resource, path: &str) -> Option<(i64, f64, String)> {
    let document = resource.attributes();
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(|text| (0, 0.0, fold::fold(text)));
    let custom = |name: &str| document.get(CUSTOM).and_then(|custom| custom.get(name)).cloned();
    match path {
        "id" => Some((0, 0.0, resource.id.clone())),
        "userName" | "displayName" => text(document.get(path)),
        "name.familyName" => text(document.get("name").and_then(|name| name.get("familyName"))),
        "meta.created" => Some((resource.created, 0.0, String::new())),
        "meta.lastModified" => Some((resource.modified, 0.0, String::new())),
        SENT_AT => Some((resource.invitation.as_ref()?.sent_at?, 0.0, String::new())),
        "emails" => {
            let emails = document.get("emails")?.as_array()?;
            let with_value = || emails.iter().filter(|email| email.get("value").is_some());
            let chosen = with_value().find(|email| email["primary"] == json!(true)).or_else(|| with_value().next());
            text(chosen.and_then(|email| email.get("value")))
        }
        "urn:scim:wso2:schema:accountState" => Some((0, 0.0, resource.account.state().as_str().to_ascii_lowercase())),
        _ => {
            let value = custom(path.rsplit_once(':')?.1.split('.').next()?)?;
            match value {
                Value::Number(number) if number.is_i64() => Some((number.as_i64()?, 0.0, String::new())),
                Value::Number(number) => Some((0, number.as_f64()?, String::new())),
                Value::Bool(flag) => Some((i64::from(flag), 0.0, String::new())),
                Value::String(date) => {
                    let at = Instant::parse(&date)?;
                    Some((at.seconds, f64::from(at.nanos), String::new()))
                }
                Value::Array(values) => text(values.first()?.get("tags").and_then(|tags| tags.get(0))),
                _ => None,
            }
        }
    }
}

fn sorted(stored: &[Resource], path: &str, descending: bool) -> Vec<String> {
    let mut sorted: Vec<_> = stored.iter().map(|resource| (key(resource, path), resource.id.clone())).collect();
    sorted.sort_by(|(one, one_id), (other, other_id)| {
        let order = match (one, other) {
            (Some(one), Some(other)) => one.partial_cmp(other).unwrap(),
            (one, other) => one.is_none().cmp(&other.is_none()),
        };
        order.then_with(|| one_id.cmp(other_id))
    });
    if descending {
        sorted.reverse();
    }
    sorted.into_iter().map(|(_, id)| id).collect()
}

fn by_index(directory: &Directory, parameters: &[(&str, &str)], count: usize, total: usize) -> Vec<String> {
    let mut all = Vec::new();
    for start in (1..=total + count).step_by(count) {
        let (start, count) = (start.to_string(), count.to_string());
        let mut parameters = parameters.to_vec();
        parameters.extend([("startIndex", start.as_str()), ("count", count.as_str())]);
        let page = directory.list("User", &parameters);
        assert_eq!(page.total, Some(total as u64), "{parameters:?}");
        all.extend(ids(&page));
    }
    all
}

/// Reads all pages by cursor; `between` is called after each.
fn by_cursor(
    directory: &Directory,
    parameters: &[(&str, &str)],
    count: usize,
    mut between: impl FnMut(usize),
) -> Vec<String> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    for number in 0.. {
        // A page may have another size than the one before.
        let count = (count + number % 2).to_string();
        let mut parameters = parameters.to_vec();
        parameters.extend([("cursor", cursor.as_str()), ("count", count.as_str())]);
        let page = directory.list("User", &parameters);
        all.extend(ids(&page));
        match next_cursor(&page) {
            Some(next) => cursor = next.to_owned(),
            None => return all,
        }
        between(number);
    }
    all
}

#[test]
fn every_order_is_the_same_by_index_and_by_cursor() {
    let (directory, stored) = directory(50);
    let custom = |name: &str| format!("{CUSTOM}:{name}");
    let paths = [
        "id".to_owned(),
        "userName".to_owned(),
        "meta.created".to_owned(),
        "meta.lastModified".to_owned(),
        "displayName".to_owned(),
        "name.familyName".to_owned(),
        "emails".to_owned(),
        "urn:scim:wso2:schema:accountState".to_owned(),
        SENT_AT.to_owned(),
        custom("integerOne"),
        custom("decimalOne"),
        custom("booleanOne"),
        custom("dateTimeOne"),
        custom("several.tags"),
    ];
    for path in &paths {
        for (order, descending) in [("ascending", false), ("descending", true)] {
            let expected = sorted(&stored, path, descending);
            let parameters = [("sortBy", path.as_str()), ("sortOrder", order)];
            assert_eq!(by_index(&directory, &parameters, 7, 50), expected, "{path} {order} by index");
            assert_eq!(by_cursor(&directory, &parameters, 7, |_| {}), expected, "{path} {order} by cursor");
            // The same among some of them.
            let parameters = [("sortBy", path.as_str()), ("sortOrder", order), ("filter", "displayName pr")];
            let some: Vec<String> = sorted(&stored, path, descending)
                .into_iter()
                .filter(|id| {
                    let resource = stored.iter().find(|resource| resource.id == *id).unwrap();
                    resource.attributes().get("displayName").is_some_and(|name| *name != json!(""))
                })
                .collect();
            assert_eq!(by_index(&directory, &parameters, 7, some.len()), some, "{path} {order} by index, filtered");
            assert_eq!(by_cursor(&directory, &parameters, 7, |_| {}), some, "{path} {order} by cursor, filtered");
        }
    }
}

#[test]
fn every_filter_is_the_same_by_index_and_by_cursor() {
    let (directory, stored) = directory(50);
    let group = directory.insert("Group", &[Seed::new(json!({ "displayName": "g" }))]).remove(0);
    let below = directory.insert("Group", &[Seed::new(json!({ "displayName": "h" }))]).remove(0);
    let some: Vec<_> = stored.iter().take(30).map(|user| (user.id.as_str(), "User", None)).collect();
    let others: Vec<_> = stored.iter().skip(20).map(|user| (user.id.as_str(), "User", None)).collect();
    directory.join(&group.id, &some);
    directory.join(&below.id, &others);
    directory.ancestors(&[
        (&group.id, &group.id, 0, "g"),
        (&below.id, &below.id, 0, "h"),
        (&below.id, &group.id, 1, "g"),
    ]);
    for (filter, sort) in [
        ("externalId eq \"one\"".to_owned(), None),
        ("externalId sw \"o\"".to_owned(), None),
        ("userName sw \"u\"".to_owned(), None),
        ("userName ge \"u2\"".to_owned(), Some("userName")),
        ("emails.value sw \"s\"".to_owned(), None),
        ("emails.value ge \"a\"".to_owned(), None),
        ("emails.value eq \"ss\"".to_owned(), None),
        ("emails.value eq \"ss\"".to_owned(), Some("id")),
        ("emails[value eq \"ss\" and type eq \"work\"]".to_owned(), None),
        ("displayName sw \"s\"".to_owned(), None),
        ("meta.created gt \"2020-09-13T12:26:40.002Z\"".to_owned(), None),
        (
            "meta.created ge \"2020-09-13T12:26:40.002Z\" and meta.created lt \"2020-09-13T12:26:40.005Z\"".to_owned(),
            None,
        ),
        ("meta.lastModified le \"2020-09-13T12:26:40.002Z\"".to_owned(), Some("meta.lastModified")),
        ("urn:scim:wso2:schema:accountState eq \"PENDING_AP\"".to_owned(), None),
        ("urn:scim:wso2:schema:accountState eq \"PENDING_AP\"".to_owned(), Some("meta.created")),
        ("urn:scim:wso2:schema:accountState ge \"p\"".to_owned(), None),
        (format!("{WANTED} eq \"pending\""), None),
        (format!("{WANTED} pr"), None),
        (format!("{INVITATION_SCHEMA}:delivery eq \"bounced\""), None),
        (format!("{INVITATION_SCHEMA}:delivery eq \"bounced\""), Some(SENT_AT)),
        (format!("{INVITATION_SCHEMA}:delivery ge \"b\""), None),
        (format!("{WANTED} eq \"pending\" or {INVITATION_SCHEMA}:delivery eq \"bounced\""), Some(SENT_AT)),
        (format!("{SENT_AT} gt \"2020-09-13T12:26:40.001Z\""), Some(SENT_AT)),
        (format!("groups.value eq \"{}\"", group.id), None),
        (format!("groups.value eq \"{}\" and active pr", group.id), None),
        ("emails.value eq \"ss\" or userName eq \"u0\" or displayName sw \"a\"".to_owned(), None),
        ("id sw \"0\"".to_owned(), None),
        ("title pr".to_owned(), None),
        ("name.familyName pr".to_owned(), None),
    ] {
        for order in ["ascending", "descending"] {
            let mut parameters = vec![("filter", filter.as_str()), ("sortOrder", order)];
            parameters.extend(sort.map(|path| ("sortBy", path)));
            let all = directory.list("User", &[parameters.as_slice(), &[("count", "1000")]].concat());
            let total = usize::try_from(all.total.unwrap()).unwrap();
            assert_eq!(ids(&all).iter().collect::<BTreeSet<_>>().len(), total, "{parameters:?}");
            assert_eq!(by_index(&directory, &parameters, 4, total), ids(&all), "{parameters:?}");
            assert_eq!(by_cursor(&directory, &parameters, 4, |_| {}), ids(&all), "{parameters:?}");
        }
    }
}

#[test]
fn every_surviving_user_is_seen_once_while_others_come_and_go() {
    for (sort, filter) in [
        (None, None),
        (Some("userName"), None),
        (Some("meta.created"), None),
        (Some("id"), None),
        (Some("name.familyName"), None),
        (Some("emails"), None),
        (None, Some("userName sw \"u\"")),
        (None, Some("externalId eq \"one\"")),
        (None, Some("emails.value ge \"a\"")),
        (None, Some("urn:scim:wso2:schema:accountState eq \"UNLOCKED\"")),
        (None, Some("name.familyName pr")),
    ] {
        for order in ["ascending", "descending"] {
            let (directory, stored) = directory(80);
            let mut parameters = vec![("sortOrder", order)];
            parameters.extend(sort.map(|path| ("sortBy", path)));
            parameters.extend(filter.map(|filter| ("filter", filter)));
            let all = ids(&directory.list("User", &[parameters.as_slice(), &[("count", "1000")]].concat()));
            let mut dead = BTreeSet::new();
            let seen = by_cursor(&directory, &parameters, 5, |page| {
                // Every other user goes, from both ends, also the one the cursor stands on.
                for index in [page * 4, stored.len() - 1 - page * 2, (page + 1) * 5] {
                    let id = &stored[index % stored.len()].id;
                    if dead.insert(id.clone()) {
                        directory.delete(id);
                    }
                }
                let body = json!({ "userName": format!("new{page}"), "externalId": "two" });
                directory.insert("User", &[Seed::new(body)]);
            });
            let unique: BTreeSet<&String> = seen.iter().collect();
            assert_eq!(unique.len(), seen.len(), "{parameters:?} repeats itself");
            for survivor in all.iter().filter(|id| !dead.contains(*id)) {
                assert!(unique.contains(survivor), "{parameters:?} skips one");
            }
        }
    }
}

#[test]
fn totals_and_positions_are_what_the_rfc_says() {
    let (directory, _) = directory(20);
    let page = directory.list("User", &[("count", "0")]);
    assert_eq!((page.total, page.resources.len()), (Some(20), 0));
    let page = directory.list("User", &[("count", "0"), ("filter", "userName eq \"u0\"")]);
    assert_eq!((page.total, page.resources.len()), (Some(1), 0));
    let page = directory.list("User", &[("startIndex", "100")]);
    assert_eq!((page.total, page.resources.len()), (Some(20), 0));
    let page = directory.list("User", &[("startIndex", "9223372036854775807"), ("sortBy", "title")]);
    assert_eq!((page.total, page.resources.len()), (Some(20), 0));
    let page = directory.list("User", &[("startIndex", "-5"), ("count", "5")]);
    assert_eq!((page.total, page.resources.len()), (Some(20), 5));
    assert_eq!(page.position, scim::list::Position::Index(1));
    // By cursor, the total comes where a counter has it, or where there is but one page.
    assert_eq!(directory.list("User", &[("cursor", ""), ("count", "5")]).total, Some(20));
    assert_eq!(directory.list("User", &[("cursor", ""), ("filter", "userName sw \"u\""), ("count", "5")]).total, None);
    assert_eq!(directory.list("User", &[("cursor", ""), ("filter", "title pr")]).total, Some(0));
    assert_eq!(directory.list("Group", &[]).total, Some(0));
    assert_eq!(directory.list("Group", &[("cursor", "")]).total, Some(0));
    assert_eq!(directory.list("Device", &[("filter", "userName eq \"x\"")]).total, Some(0));
}

#[test]
fn a_group_is_read_with_a_user_only_when_it_is_shown() {
    let (directory, stored) = directory(3);
    let group = directory.insert("Group", &[Seed::new(json!({ "displayName": "g" }))]).remove(0);
    directory.join(&group.id, &[(&stored[0].id, "User", None)]);
    directory.ancestors(&[(&group.id, &group.id, 0, "g")]);
    for sort in ["userName", "title"] {
        let page = directory.list("User", &[("sortBy", sort)]);
        let groups = page.resources.iter().find(|(_, user)| user.id == stored[0].id).unwrap().1.groups.clone();
        assert!(groups.unwrap().contains(&group.id));
        let page = directory.list("User", &[("sortBy", sort), ("attributes", "userName")]);
        assert!(page.resources.iter().all(|(_, user)| user.groups.is_none()));
    }
}

#[test]
fn a_cursor_of_another_query_or_tenant_or_making_is_refused() {
    let (directory, _) = directory(20);
    let first = directory.list("User", &[("cursor", ""), ("count", "5"), ("filter", "userName sw \"u\"")]);
    let cursor = next_cursor(&first).unwrap();
    let go_on = |parameters: &[(&str, &str)]| {
        let mut all = vec![("cursor", cursor), ("count", "5")];
        all.extend(parameters);
        directory.list_in(&directory.ctx, "User", &all)
    };
    assert!(go_on(&[("filter", "userName sw \"u\"")]).is_ok());
    // The same filter in other letters is the same.
    assert!(go_on(&[("filter", "USERNAME Sw \"u\"")]).is_ok());
    assert_eq!(refusal(go_on(&[])), "invalidCursor");
    assert_eq!(refusal(go_on(&[("filter", "userName sw \"v\"")])), "invalidCursor");
    assert_eq!(refusal(go_on(&[("filter", "userName sw \"u\""), ("sortBy", "id")])), "invalidCursor");
    let other = directory.of_tenant("acme.com");
    let parameters = [("cursor", cursor), ("count", "5"), ("filter", "userName sw \"u\"")];
    assert_eq!(refusal(directory.list_in(&other, "User", &parameters)), "invalidCursor");
    for index in 0..cursor.len() {
        let mut mangled = cursor.as_bytes().to_vec();
        mangled[index] = if mangled[index] == b'A' { b'B' } else { b'A' };
        let mangled = String::from_utf8(mangled).unwrap();
        let parameters = [("cursor", mangled.as_str()), ("count", "5"), ("filter", "userName sw \"u\"")];
        assert_eq!(refusal(directory.list_in(&directory.ctx, "User", &parameters)), "invalidCursor", "{index}");
    }
    for mangled in ["A", "AAAA", &cursor[1..], &cursor[..cursor.len() - 1], &cursor.repeat(2)] {
        let parameters = [("cursor", mangled), ("count", "5"), ("filter", "userName sw \"u\"")];
        assert_eq!(refusal(directory.list_in(&directory.ctx, "User", &parameters)), "invalidCursor");
    }
    let descending = [("cursor", ""), ("count", "5"), ("sortBy", "userName"), ("sortOrder", "descending")];
    let page = directory.list("User", &descending);
    let ascending = [("cursor", next_cursor(&page).unwrap()), ("count", "5"), ("sortBy", "userName")];
    assert_eq!(refusal(directory.list_in(&directory.ctx, "User", &ascending)), "invalidCursor");
}

#[test]
fn a_search_at_the_root_goes_through_the_types() {
    let (directory, users) = directory(10);
    let groups: Vec<Seed> = (0..5).map(|n| Seed::new(json!({ "displayName": format!("a{n}") }))).collect();
    let groups = directory.insert("Group", &groups);
    let device = Seed::new(json!({ "userName": "x", "serial": "5", "members": ["m"] }));
    let devices = directory.insert("Device", &[device]);
    let all: BTreeSet<String> =
        users.iter().chain(&groups).chain(&devices).map(|resource| resource.id.clone()).collect();
    for count in [1, 3, 5, 10, 11, 16, 20] {
        let size = count.to_string();
        let mut found = Vec::new();
        for start in (1..=16).step_by(count) {
            let start = start.to_string();
            let page = directory.list_any(&[("startIndex", &start), ("count", &size)]).unwrap();
            assert_eq!(page.total, Some(16));
            found.extend(page.resources);
        }
        let mut by_cursor = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = directory.list_any(&[("cursor", &cursor), ("count", &size)]).unwrap();
            by_cursor.extend(ids(&page));
            match next_cursor(&page) {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
            assert_eq!(page.resources.len(), count);
        }
        let ids: Vec<String> = found.iter().map(|(_, resource)| resource.id.clone()).collect();
        assert_eq!(ids, by_cursor, "{count}");
        assert_eq!(ids.iter().cloned().collect::<BTreeSet<_>>(), all);
        let types: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(types, [vec!["User"; 10], vec!["Group"; 5], vec!["Device"]].concat());
    }
    // An attribute that some types lack is unassigned there.
    let page = directory.list_any(&[("filter", "userName eq \"u0\" or serial eq \"5\"")]).unwrap();
    assert_eq!((page.total, page.resources.len()), (Some(2), 2));
    let page =
        directory.list_any(&[("filter", "displayName sw \"a\""), ("sortBy", "displayName"), ("count", "0")]).unwrap();
    assert!(page.total.unwrap() >= 5);
    assert_eq!(refusal(directory.list_any(&[("cursor", "AAAA")])), "invalidCursor");
    let page = directory.list_any(&[("cursor", ""), ("count", "4")]).unwrap();
    let cursor = next_cursor(&page).unwrap();
    let mixed = [("cursor", cursor), ("count", "4")];
    assert_eq!(refusal(directory.list_in(&directory.ctx, "User", &mixed)), "invalidCursor");
}
