//! `/console/groups`.

use super::{Browser, signed_in};
use crate::support::{App, Reply};

/// The operation's id in the form that is sent to this path.
fn operation(page: &Reply, action: &str) -> String {
    let start = format!("method=\"post\" action=\"{action}\"");
    let form = page.text.split(&start).nth(1).unwrap_or_else(|| panic!("{}", page.text));
    form.split("name=\"operation\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

fn post(browser: &mut Browser, page: &str, action: &str, fields: &[(&str, &str)]) -> Reply {
    let shown = browser.get(page);
    let operation = operation(&shown, action);
    browser.post(action, &[&[("operation", &*operation)], fields].concat())
}

fn members(app: &App, id: &str) -> usize {
    let group = app.admin("GET", &format!("/scim2/Groups/{id}"), "").json();
    group["members"].as_array().map_or(0, Vec::len)
}

#[test]
fn a_group_is_created_found_renamed_and_deleted() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    app.scim().create_group("Sales", &[]);
    let made = post(&mut browser, "/console/groups", "/console/groups", &[("name", "Staff <b>")]);
    assert_eq!(made.status, 303, "{}", made.text);
    let path = made.header("location").to_owned();
    let page = browser.get(&path);
    assert!(page.text.contains("<h1>Staff &lt;b&gt;</h1>") && !page.text.contains("Staff <b>"), "{}", page.text);
    assert!(page.words().contains("is created."), "{}", page.words());
    assert!(page.words().contains("The group has no members."));

    let list = browser.get("/console/groups?q=ST");
    assert_eq!(list.trips(), 2, "the session's and the list's");
    assert_eq!(list.text.matches("<th scope=\"row\">").count(), 1);
    assert!(
        list.text.contains(&format!("<th scope=\"row\"><a href=\"{path}\"><bdi>Staff &lt;b&gt;</bdi>")),
        "{}",
        list.text
    );
    assert_eq!(browser.get("/console/groups").text.matches("<th scope=\"row\">").count(), 2);
    assert!(browser.get("/console/groups?q=x").words().contains("No group’s name begins like this."));

    for (name, problem) in [("", "Type a name for the group."), ("sales", "")] {
        let page = post(&mut browser, "/console/groups", "/console/groups", &[("name", name)]);
        assert_eq!(page.status, 422, "{}", page.text);
        assert!(page.text.contains(&format!("<a href=\"#name\">{problem}")), "{}", page.text);
        let page = post(&mut browser, &path, &path, &[("name", name), ("was", "Staff <b>")]);
        assert_eq!(page.status, 422, "{}", page.text);
    }
    let renamed = post(&mut browser, &path, &path, &[("name", "People"), ("was", "Staff <b>")]);
    assert_eq!(renamed.status, 303, "{}", renamed.text);
    assert!(browser.get(&path).text.contains("<h1>People</h1>"));
    let late = post(&mut browser, &path, &path, &[("name", "Crew"), ("was", "Staff <b>")]);
    assert_eq!(late.status, 422, "{}", late.text);
    assert!(late.words().contains("Somebody has renamed the group to “People” meanwhile."), "{}", late.words());

    let deleted = post(&mut browser, &format!("{path}/delete"), &format!("{path}/delete"), &[]);
    assert_eq!((deleted.status.as_u16(), deleted.header("location")), (303, "/console/groups"), "{}", deleted.text);
    assert!(browser.get("/console/groups").words().contains("The group “People” is deleted."));
    assert_eq!(browser.get(&path).status, 404);
    assert_eq!(browser.get(&format!("{path}/delete")).status, 404);
}

#[test]
fn members_are_pasted_by_name_or_id_and_removed_by_their_boxes() {
    let app = App::with_stores(&["ACME"]);
    let paul = app.scim().create_user("paul");
    let anna = app.scim().create_user("anna");
    app.scim().create_user("ACME/carl");
    let group = app.scim().create_group("Staff", &[]);
    let id = crate::scim2::client::id(&group);
    let path = format!("/console/groups/{id}");
    let mut browser = signed_in(&app, "alice", "admin");
    let add = format!("{path}/members");
    let pasted = format!("PAUL, {}\r\n\r\nacme/carl", crate::scim2::client::id(&anna));
    let page = post(&mut browser, &path, &add, &[("members", &format!("{pasted}\r\nnobody\r\n<script>x"))]);
    assert_eq!(page.status, 422, "{}", page.text);
    for problem in
        ["Line 4: there is no user “nobody”. Nobody was added.", "Line 5: there is no user “&lt;script&gt;x”"]
    {
        assert!(page.text.contains(problem), "{}", page.text);
    }
    assert!(
        page.text.contains("nobody\n") || page.text.contains("nobody\r\n"),
        "what was pasted is kept: {}",
        page.text
    );
    assert_eq!(members(&app, id), 0);
    let added = post(&mut browser, &path, &add, &[("members", &pasted)]);
    assert_eq!(added.status, 303, "{}", added.text);
    let page = browser.get(&path);
    assert_eq!(page.trips(), 2, "the session's and the group's");
    assert!(page.words().contains("3 members added."), "{}", page.words());
    assert!(page.text.contains("aria-label=\"Select paul\""), "{}", page.text);
    assert_eq!(members(&app, id), 3);
    assert_eq!(browser.get(&format!("{path}?q=paul")).text.matches("<th scope=\"row\">").count(), 1);
    assert!(browser.get(&format!("{path}?q=alice")).words().contains("Not a member of this group."));

    let remove = format!("{path}/members/remove");
    let none = post(&mut browser, &path, &remove, &[]);
    assert_eq!(none.status, 422, "{}", none.text);
    assert!(none.words().contains("Select whom to remove."));
    let (paul, anna) = (crate::scim2::client::id(&paul), crate::scim2::client::id(&anna));
    let removed = post(&mut browser, &path, &remove, &[("member", paul), ("member", anna)]);
    assert_eq!(removed.status, 303, "{}", removed.text);
    assert!(browser.get(&path).words().contains("2 members removed."));
    assert_eq!(members(&app, id), 1);
}

#[test]
fn members_and_groups_come_a_hundred_at_a_time() {
    let app = App::new();
    let group = app.scim().create_group("Staff", &[]);
    let id = crate::scim2::client::id(&group);
    app.number(&format!(
        "WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 50000) \
         INSERT INTO members (tenant, group_id, member_id, type, display) \
         SELECT 0, '{id}', printf('%05d', value), 'User', printf('u%05d', value) FROM n RETURNING 1"
    ));
    let mut browser = signed_in(&app, "alice", "admin");
    let path = format!("/console/groups/{id}");
    let first = browser.get(&path);
    assert_eq!(first.text.matches("<th scope=\"row\">").count(), 100);
    assert!(first.words().contains("u00100") && !first.words().contains("u00101"));
    let next = first.text.split("<a href=\"").find(|rest| rest.contains("rel=\"next\"")).unwrap();
    let next = next.split('"').next().unwrap().to_owned();
    let second = browser.get(&next);
    assert!(second.words().contains("u00101") && second.words().contains("First"), "{}", second.words());
    let removed = post(&mut browser, &next, &format!("{path}/members/remove?cursor=00100"), &[("member", "00150")]);
    assert_eq!(removed.header("location"), format!("{path}?cursor=00100"), "{}", removed.text);
    assert_eq!(app.number(&format!("SELECT COUNT(*) FROM members WHERE group_id = '{id}'")), 49_999);

    for number in 0..101 {
        app.scim().create_group(&format!("Team {number:03}"), &[]);
    }
    let first = browser.get("/console/groups?q=team");
    assert_eq!(first.text.matches("<th scope=\"row\">").count(), 100);
    let next = first.text.split("<a href=\"").find(|rest| rest.contains("rel=\"next\"")).unwrap();
    let second = browser.get(&next.split('"').next().unwrap().replace("&amp;", "&"));
    assert!(second.words().contains("Team 100"), "{}", second.words());
    assert_eq!(second.text.matches("<th scope=\"row\">").count(), 1);
}

#[test]
fn who_may_only_read_is_shown_no_button() {
    let app = App::new();
    let group = app.scim().create_group("Staff", &[]);
    let path = format!("/console/groups/{}", crate::scim2::client::id(&group));
    let mut browser = signed_in(&app, "audrey", "auditor");
    let list = browser.get("/console/groups");
    assert!(list.words().contains("Staff") && !list.text.contains("Create group"));
    let page = browser.get(&path);
    for button in ["Rename", "Add members", "Delete", "Remove"] {
        assert!(!page.text.contains(button), "{button}");
    }
    for action in ["", "/members", "/members/remove", "/delete"] {
        assert_eq!(browser.post(&format!("{path}{action}"), &[("name", "x")]).status, 403);
    }
    assert_eq!(browser.get(&format!("{path}/delete")).status, 403);
}
