//! `/console/tenants`.

use super::{Browser, signed_in};
use crate::scim2::client::PASSWORD;
use crate::support::App;

const FIELDS: [(&str, &str); 5] =
    [("domain", "acme.com"), ("username", "kim"), ("email", "kim@acme.com"), ("firstname", "Kim"), ("lastname", "Lee")];

fn create(browser: &mut Browser, fields: &[(&str, &str)]) -> crate::support::Reply {
    let operation = browser.get("/console/tenants").hidden("operation");
    browser.post("/console/tenants", &[&[("operation", &*operation)], fields].concat())
}

#[test]
fn a_tenant_is_created_with_an_invited_owner_deactivated_and_let_in_again() {
    let app = App::new();
    let mut browser = signed_in(&app, "root", "admin");
    assert!(browser.get("/console").text.contains("<a href=\"/console/tenants\">Tenants"));
    let made = create(&mut browser, &FIELDS);
    assert_eq!((made.status.as_u16(), made.header("location")), (303, "/console/tenants"), "{}", made.text);
    let page = browser.get("/console/tenants");
    assert_eq!(page.trips(), 2, "the session's and the list's");
    let words = page.words();
    assert!(words.contains("The tenant acme.com is created, and kim is invited as its owner"), "{words}");
    assert!(words.contains("acme.com Active kim"), "{words}");
    assert!(page.text.contains("<a href=\"/t/acme.com/console\" aria-label=\"Open acme.com\">Open"), "{}", page.text);
    app.deliver();
    assert_eq!(app.inbox()[0]["to"], "kim@acme.com");

    let path = page.text.split("action=\"").find_map(|rest| Some(rest.split_once("/deactivate\"")?.0)).unwrap();
    assert_eq!(browser.post(&format!("{path}/deactivate"), &[]).status, 303);
    let words = browser.get("/console/tenants").words();
    assert!(
        words.contains("acme.com is deactivated: nobody gets in") && words.contains("acme.com Deactivated"),
        "{words}"
    );
    assert_eq!(app.number("SELECT active FROM tenants WHERE domain = 'acme.com'"), 0);
    assert_eq!(browser.post(&format!("{path}/activate"), &[]).status, 303);
    assert!(browser.get("/console/tenants").words().contains("acme.com is active"));
    assert_eq!(browser.post("/console/tenants/0/deactivate", &[]).status, 400);
    assert_eq!(browser.post("/console/tenants/1/deactivate", &[]).status, 404);
}

#[test]
fn what_is_wrong_with_a_new_tenant_is_said_at_its_field() {
    let app = App::new();
    let mut browser = signed_in(&app, "root", "admin");
    let with = |name: &str, value: &'static str| {
        FIELDS.map(|(field, usual)| (field, if field == name { value } else { usual }))
    };
    for (fields, field, problem) in [
        (with("domain", ""), "domain", "Type the domain"),
        (with("domain", "a b"), "domain", "The domain has a character other than"),
        (with("domain", "carbon.super"), "domain", "There is a tenant of this domain already"),
        (with("username", " "), "username", "Type the user name"),
        (with("email", ""), "email", "Type the address"),
    ] {
        let page = create(&mut browser, &fields);
        assert_eq!(page.status, 422, "{}", page.text);
        assert!(page.text.contains(&format!("<a href=\"#{field}\">{problem}")), "{}", page.text);
        assert!(page.text.contains("value=\"Lee\""), "{}", page.text);
    }
    let page = create(&mut browser, &with("email", "nobody"));
    assert_eq!(page.status, 422, "{}", page.text);
    assert_eq!(app.number("SELECT COUNT(*) FROM tenants"), 1);
}

#[test]
fn tenants_are_the_super_tenants_alone() {
    let app = App::new();
    app.create_tenant("acme.com");
    let body = serde_json::json!({
        "schemas": [crate::scim2::client::USER], "userName": "gus", "password": PASSWORD, "roles": [{ "value": "admin" }]
    });
    app.scim().create("/t/acme.com/scim2/Users", &body);
    let mut browser = Browser::signed_in(&app, "/t/acme.com", "gus", PASSWORD);
    assert_eq!(browser.get("/t/acme.com/console/tenants").status, 403);
    assert!(!browser.get("/t/acme.com/console").text.contains("/console/tenants"));
    assert_eq!(signed_in(&app, "audrey", "auditor").get("/console/tenants").status, 403);
}

#[test]
fn tenants_come_a_hundred_at_a_time() {
    let app = App::new();
    app.number(
        "WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 100) \
         INSERT INTO tenants (number, domain, owners, created) SELECT value, printf('t%03d.example', value), \
         '[{\"id\":\"x\",\"username\":\"<script>x\"}]', 0 FROM n RETURNING 1",
    );
    let mut browser = signed_in(&app, "root", "admin");
    let first = browser.get("/console/tenants");
    assert_eq!(first.text.matches("<th scope=\"row\">").count(), 100);
    assert!(first.text.contains("&lt;script&gt;x") && !first.text.contains("<script>x"));
    let next = first.text.split("<a href=\"").find(|rest| rest.contains("rel=\"next\"")).unwrap();
    let second = browser.get(next.split('"').next().unwrap());
    assert_eq!(second.text.matches("<th scope=\"row\">").count(), 1);
    assert!(second.words().contains("t100.example"), "{}", second.words());
}
