//! Filters about members and groups: who is in which, directly or through others, against the naive evaluator.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use scim::fold::fold;
use serde_json::{Value, json};

use crate::filter::Stored;
use crate::support::{Directory, Seed};
use crate::terms::{Term, any_of, in_brackets, nested, of_text, of_words};
use crate::users::text;

/// Groups 0 to 3 and users 0 to 3; who is in which, and filters about it.
#[derive(Clone, Debug)]
struct GroupsCase {
    names: Vec<String>,
    user_members: Vec<(usize, usize, Option<&'static str>)>,
    group_members: Vec<(usize, usize)>,
    of_users: Vec<Term>,
    of_groups: Vec<Term>,
}

const GROUPS: usize = 4;
const USERS: usize = 4;

fn groups_case() -> impl Strategy<Value = GroupsCase> {
    // Placeholders for ids, which are not known yet.
    const GROUP_IDS: &[&str] = &["{g0}", "{g1}", "{g2}", "{g3}", "{u0}", ""];
    const MEMBER_IDS: &[&str] = &["{u0}", "{u1}", "{u2}", "{g1}", "{g2}", ""];
    const REFS: &[&str] =
        &["https://id.example.com/scim2/Groups/{g1}", "https://id.example.com/scim2/Users/{u1}", "https:"];
    const KINDS: &[&str] = &["direct", "INDIRECT", "d", "User", "group"];
    let parts = |path: &str, ids: &'static [&'static str]| {
        let dotted = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        vec![
            of_words(&dotted("value"), ids),
            of_words(&dotted("value"), ids),
            of_words(&dotted("$ref"), REFS),
            of_words(&dotted("type"), KINDS),
            of_text(&dotted("display")),
        ]
    };
    let of = |path: &str, ids: &'static [&'static str]| {
        let mut terms = parts(path, ids);
        terms.push(of_words(path, ids));
        terms.push(in_brackets(path, any_of(parts("", ids))));
        terms.push(of_text("displayName"));
        let path = path.to_owned();
        terms.push(Just(Term::Text(format!("{path} pr"))).boxed());
        terms
    };
    (
        vec(text().prop_filter("a name", |text| !text.trim().is_empty()), GROUPS)
            .prop_filter("no two groups have one name", |names| {
                names.iter().map(|name| fold(name)).collect::<BTreeSet<_>>().len() == GROUPS
            }),
        vec((0..GROUPS, 0..USERS, option::of(select(&["", "a", "Paul", "AB"][..]))), 0..8),
        vec((0..GROUPS, 0..GROUPS), 0..5),
        vec(nested(any_of(of("groups", GROUP_IDS))), 1..4),
        vec(nested(any_of(of("members", MEMBER_IDS))), 1..4),
    )
        .prop_map(|(names, user_members, group_members, of_users, of_groups)| GroupsCase {
            names,
            user_members,
            // A group is only in one with a lower number: no circles.
            group_members: group_members.into_iter().filter(|(parent, child)| parent < child).collect(),
            of_users,
            of_groups,
        })
}

impl GroupsCase {
    fn check(&self) {
        let directory = Directory::new();
        let group_seeds: Vec<Seed> = self.names.iter().map(|name| Seed::new(json!({ "displayName": name }))).collect();
        let user_seeds: Vec<Seed> = (0..USERS)
            .map(|number| {
                let display = if number % 2 == 0 { Some(format!("ÄB{number}")) } else { None };
                Seed::new(json!({ "userName": format!("Ünal{number}"), "displayName": display }))
            })
            .collect();
        let groups = directory.insert("Group", &group_seeds);
        let mut users = directory.insert("User", &user_seeds);
        // Who is in which group, the first mention counting.
        let mut members: BTreeMap<(usize, String), (&str, Option<&str>)> = BTreeMap::new();
        for (group, user, display) in &self.user_members {
            members.entry((*group, users[*user].id.clone())).or_insert(("User", *display));
        }
        for (parent, child) in &self.group_members {
            members.entry((*parent, groups[*child].id.clone())).or_insert(("Group", None));
        }
        for ((group, id), (kind, display)) in &members {
            directory.join(&groups[*group].id, &[(id, kind, *display)]);
        }
        // Which groups are above which, at the greatest depth.
        let mut above: Vec<BTreeMap<usize, i64>> = (0..GROUPS).map(|group| BTreeMap::from([(group, 0)])).collect();
        for _ in 0..GROUPS {
            for (parent, child) in &self.group_members {
                for (ancestor, depth) in above[*parent].clone() {
                    let known = above[*child].entry(ancestor).or_insert(depth + 1);
                    *known = (*known).max(depth + 1);
                }
            }
        }
        for (group, ancestors) in above.iter().enumerate() {
            for (ancestor, depth) in ancestors {
                let row =
                    (groups[group].id.as_str(), groups[*ancestor].id.as_str(), *depth, self.names[*ancestor].as_str());
                directory.ancestors(&[row]);
            }
        }
        for user in &mut users {
            let mut shown = Vec::new();
            for (group, id) in members.keys() {
                for (ancestor, depth) in above[*group].iter().filter(|_| *id == user.id) {
                    shown.push(json!({
                        "value": groups[*ancestor].id, "display": self.names[*ancestor],
                        "type": if *depth == 0 { "direct" } else { "indirect" },
                    }));
                }
            }
            user.groups = Some(Value::from(shown).to_string());
        }
        let name_of = |id: &str| {
            let user = users.iter().position(|user| user.id == id);
            let group = groups.iter().position(|group| group.id == id);
            match (user, group) {
                (Some(user), _) if user % 2 == 0 => format!("ÄB{user}"),
                (Some(user), _) => format!("Ünal{user}"),
                (_, group) => self.names[group.unwrap()].clone(),
            }
        };
        let stored_groups: Vec<_> = groups
            .iter()
            .enumerate()
            .map(|(number, group)| {
                let shown = members.iter().filter(|((of, _), _)| *of == number).map(|((_, id), (kind, display))| {
                    let folder = if *kind == "Group" { "Groups" } else { "Users" };
                    let mut member =
                        json!({ "value": id, "type": kind, "$ref": format!("https://id.example.com/scim2/{folder}/{id}") });
                    let display = display.map_or_else(|| name_of(id), str::to_owned);
                    if !display.is_empty() {
                        member["display"] = json!(display);
                    }
                    member
                });
                (group.clone(), Some(shown.collect::<Vec<_>>()))
            })
            .collect();
        let placed = |term: &Term| {
            let mut text = term.write();
            for (number, group) in groups.iter().enumerate() {
                text = text.replace(&format!("{{g{number}}}"), &group.id);
            }
            for (number, user) in users.iter().enumerate() {
                text = text.replace(&format!("{{u{number}}}"), &user.id);
            }
            text
        };
        let stored_users: Vec<_> = users.iter().map(|user| (user.clone(), None)).collect();
        for (type_name, resources, terms) in
            [("User", &stored_users, &self.of_users), ("Group", &stored_groups, &self.of_groups)]
        {
            let stored = Stored::new(&directory, type_name, resources);
            for term in terms {
                stored.check(&placed(term));
                stored.check_otherwise(&placed(term));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, max_shrink_iters: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn filters_of_members_and_groups_mean_the_same_in_sql(case in groups_case()) {
        case.check();
    }
}
