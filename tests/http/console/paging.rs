//! Lists of the console by pages: "Next", and back by "Previous".

use super::users::link;
use super::{Browser, signed_in};
use crate::support::{App, Reply};

/// The rows of a list.
fn rows(page: &Reply) -> Vec<String> {
    let body = page.text.split_once("<tbody>").map_or("", |(_, rest)| rest.split_once("</tbody>").unwrap().0);
    body.split("<tr>").skip(1).map(Reply::words_of).collect()
}

/// A list of so many rows at least, from its first page to its last and back again.
fn walk(browser: &mut Browser<'_>, path: &str, least: usize) {
    let mut page = browser.get(path);
    assert_eq!(link(&page, "Previous"), None, "{path}");
    let mut pages = vec![(rows(&page), page.trips())];
    while let Some(next) = link(&page, "Next") {
        assert!(link(&page, "First").is_some() == (pages.len() > 1), "{path}");
        page = browser.get(&next);
        pages.push((rows(&page), page.trips()));
    }
    let all: Vec<_> = pages.iter().flat_map(|(rows, _)| rows).collect();
    assert!(pages.len() > 2 && all.len() >= least, "{path}: {} rows", all.len());
    for before in pages.iter().rev().skip(1) {
        page = browser.get(&link(&page, "Previous").expect(path));
        assert_eq!((rows(&page), page.trips()), *before, "{path}");
    }
    assert_eq!(link(&page, "Previous"), None, "{path}: the first");
    assert_eq!(link(&page, "First"), None, "{path}: the first");
}

#[test]
fn every_list_leads_on_and_back() {
    let app = App::new();
    let group = crate::scim2::client::id(&app.scim().create_group("Staff", &[])).to_owned();
    let many = "WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 450)";
    for insert in [
        "INSERT INTO resources (tenant, id, type, display, document, keys, created, modified, operation) \
         SELECT 0, printf('g%03d', value), 'Group', printf('Team &=. %03d', value), '{}', \
         json_object('displayName', printf('team &=. %03d', value)), 1, 1, 'test' FROM n",
        &format!(
            "INSERT INTO members (tenant, group_id, member_id, type, display) \
             SELECT 0, '{group}', printf('%03d', value), 'User', printf('u%03d', value) FROM n"
        ),
        "INSERT INTO outbox (tenant, id, user_id, template, seq, recipient, state, created, due) \
         SELECT 0, printf('0%03d', value), 'x', 'AskPassword', 0, printf('u%03d@example.com', value), 'failed', 1, 1 FROM n",
        "INSERT INTO audit (tenant, number, time, operation, actor, action, outcome, request_id) \
         SELECT 0, 100 + value, 1, printf('o%03d', value), 'system', 'user.create', 'success', printf('r%03d', value) FROM n",
        "INSERT INTO tenants (number, domain, active, created, owners) \
         SELECT 100 + value, printf('t%03d.example', value), 1, 1, '[]' FROM n",
    ] {
        app.number(&format!("{many} {insert} RETURNING 1"));
    }
    let mut browser = signed_in(&app, "alice", "admin");
    for path in [
        "/console/groups",
        "/console/groups?q=team",
        &format!("/console/groups/{group}"),
        "/console/mail",
        "/console/mail?state=failed",
        "/console/audit?action=user.create",
        "/console/tenants",
    ] {
        walk(&mut browser, path, 450);
    }
    // An address with more pages before than are kept, and one that somebody has written, are pages all the same.
    let back: String = (0..30).map(|number| format!("&back=.{number}")).collect();
    let page = browser.get(&format!("/console/groups?cursor=team%20%26%3D.%20200{back}&back=%22%3E%3Cscript%3E"));
    assert!(page.status == 200 && !page.text.contains("<script>"), "{}", page.text);
    assert_eq!(link(&page, "Next").unwrap().matches("back=").count(), 21);
}
