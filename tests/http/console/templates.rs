//! `/console/templates`.

use super::{Browser, signed_in};
use crate::support::{App, Reply};

const PATH: &str = "/console/templates/AskPassword/en_US";
pub const HTML: &str = "<p>Hello <b>{{user-name}}</b>: <a href=\"{{invitation-link}}\">here</a></p>";
const TEXT: &str = "Hello {{user-name}}: {{invitation-link}}";

fn save(browser: &mut Browser, path: &str, version: &str, subject: &str, html: &str, text: &str) -> Reply {
    let operation = browser.get(path).hidden("operation");
    let fields =
        [("operation", &*operation), ("version", version), ("subject", subject), ("html", html), ("text", text)];
    browser.post(path, &fields)
}

#[test]
fn a_template_is_edited_used_and_restored() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let list = browser.get("/console/templates");
    assert_eq!(list.status, 200, "{}", list.text);
    assert_eq!(list.trips(), 2, "the session's and the list's");
    let words = list.words();
    assert!(
        words.contains("AskPassword en_US Shipped invitation to set a password en_US, and whoever reads another"),
        "{words}"
    );
    assert!(list.text.contains(&format!("<a href=\"{PATH}\">AskPassword en_US")), "{}", list.text);

    let editor = browser.get(PATH);
    assert!(editor.words().contains("This is the shipped template.") && !editor.text.contains("Restore shipped"));
    assert!(
        editor.words().contains("{{invitation-link}} the whole address of the set-password page"),
        "{}",
        editor.words()
    );
    let saved = save(&mut browser, PATH, "0", "Come <in>", HTML, "Hello {{user-name}}:\r\n{{invitation-link}}");
    assert_eq!((saved.status.as_u16(), saved.header("location")), (303, PATH), "{}", saved.text);
    let editor = browser.get(PATH);
    assert!(editor.words().contains("The template is saved.") && editor.words().contains("This is your own template."));
    assert!(
        editor.text.contains("value=\"Come &lt;in&gt;\"") && editor.text.contains("&lt;b&gt;{{user-name}}&lt;/b&gt;")
    );
    assert!(!editor.text.contains("<b>{{user-name}}"), "{}", editor.text);
    let words = browser.get("/console/templates").words();
    assert!(words.contains("AskPassword en_US Own invitation to set a password en_US, and whoever"), "{words}");
    app.invite("paul");
    app.deliver();
    let mail = app.inbox().remove(0);
    assert_eq!(mail["subject"], "Come <in>");
    assert!(mail["text"].as_str().unwrap().starts_with("Hello paul:\nhttps://"), "{}", mail["text"]);

    let operation = editor.hidden("operation");
    let restored = browser.post(&format!("{PATH}/restore"), &[("operation", &operation)]);
    assert_eq!(
        (restored.status.as_u16(), restored.header("location")),
        (303, "/console/templates"),
        "{}",
        restored.text
    );
    assert!(browser.get("/console/templates").words().contains("AskPassword en_US is as shipped again"));
    assert!(browser.get(PATH).words().contains("This is the shipped template."));
}

#[test]
fn a_preview_shows_what_is_typed_with_its_html_at_an_address_of_its_own() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let fields = [("version", "0"), ("subject", "For {{user-name}}"), ("html", HTML), ("text", "{{no-such-thing}}")];
    let page = browser.post(&format!("{PATH}/preview"), &fields);
    assert_eq!(page.status, 200, "{}", page.text);
    for words in ["Preview", "Subject For paul", "no-such-thing"] {
        assert!(page.words().contains(words), "{words}: {}", page.words());
    }
    assert!(page.text.contains("value=\"For {{user-name}}\""), "what is typed is kept: {}", page.text);
    let frame = page.text.split("<iframe src=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(page.text.contains("sandbox=\"allow-popups"), "{}", page.text);
    let html = browser.get(&frame);
    assert!(html.text.contains("Hello <b>paul</b>"), "{}", html.text);
    assert!(
        html.header("content-security-policy").contains("sandbox") && html.header("x-frame-options") == "SAMEORIGIN"
    );
    assert_eq!(app.number("SELECT COUNT(*) FROM templates"), 0, "nothing is saved");
    assert_eq!(browser.get("/console/templates/preview/none").status, 404);
    assert_eq!(signed_in(&app, "audrey", "auditor").get(&frame).status, 403);
}

#[test]
fn what_is_wrong_with_a_template_is_said_at_its_field_and_nothing_is_lost() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    for (subject, html, field) in [
        ("", HTML, "subject"),
        ("Come", "", "html"),
        ("Come", "<p>no link</p>", "html"),
        ("Come", "<script>x</script><a href=\"{{invitation-link}}\">here</a>", "html"),
    ] {
        let page = save(&mut browser, PATH, "0", subject, html, TEXT);
        assert_eq!(page.status, 422, "{}", page.text);
        assert!(page.text.contains(&format!("<a href=\"#{field}\">")), "{field}: {}", page.text);
        assert!(page.text.contains(TEXT) && !page.text.contains("<script>x"), "{}", page.text);
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM templates"), 0);
}

#[test]
fn what_somebody_else_saved_meanwhile_is_shown_before_it_is_replaced() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    assert_eq!(save(&mut browser, PATH, "0", "Theirs", HTML, TEXT).status, 303);
    let page = save(&mut browser, PATH, "0", "Mine", HTML, TEXT);
    assert_eq!(page.status, 422, "{}", page.text);
    assert!(page.words().contains("Saved meanwhile by somebody else Subject: Theirs"), "{}", page.words());
    assert!(page.text.contains("value=\"Mine\""), "{}", page.text);
    let version = page.hidden("version");
    assert_eq!(save(&mut browser, PATH, &version, "Mine", HTML, TEXT).status, 303);
    assert!(browser.get(PATH).text.contains("value=\"Mine\""));
}

#[test]
fn a_language_of_the_tenants_own_is_begun_from_what_its_readers_get() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let begun = browser.get("/console/templates/new?type=AskPassword&locale=sv-se");
    assert_eq!((begun.status.as_u16(), begun.header("location")), (303, "/console/templates/AskPassword/sv_SE"));
    let path = "/console/templates/AskPassword/sv_SE";
    assert!(browser.get(path).words().contains("There is no template in this language yet."));
    assert_eq!(save(&mut browser, path, "0", "Välkommen", HTML, TEXT).status, 303);
    assert!(
        browser.get("/console/templates").words().contains("AskPassword sv_SE Own invitation to set a password sv_SE")
    );
    let wrong = browser.get("/console/templates/new?type=AskPassword&locale=!");
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    assert!(wrong.text.contains("<a href=\"#locale\">"));
    for missing in ["/console/templates/None/en_US", "/console/templates/AskPassword/!"] {
        assert_eq!(browser.get(missing).status, 404, "{missing}");
    }
}

#[test]
fn templates_are_for_those_who_may_edit_them() {
    let app = App::new();
    for role in ["auditor", "inviter"] {
        let mut browser = signed_in(&app, role, role);
        assert_eq!(browser.get("/console/templates").status, 403);
        assert_eq!(browser.post(PATH, &[]).status, 403);
    }
}

#[test]
fn a_preview_is_written_to_a_person_of_choice() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let body = serde_json::json!({
        "schemas": [crate::scim2::client::USER], "userName": "gil", "password": crate::scim2::client::PASSWORD,
        "name": { "givenName": "Gil & <b>" }, "emails": [{ "value": "gil@x.com" }]
    });
    app.scim().create("/scim2/Users", &body);
    let typed =
        [("version", "0"), ("subject", "For {{user-name}}, {{user.claim.givenname}}"), ("html", HTML), ("text", TEXT)];
    let page = browser.post(&format!("{PATH}/preview"), &[&typed[..], &[("person", " GIL ")]].concat());
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.words().contains("Subject For gil, Gil &amp; &lt;b&gt;"), "{}", page.words());
    assert!(page.text.contains("title=\"HTML of the mail on a phone\""));
    let page = browser.post(&format!("{PATH}/preview"), &[&typed[..], &[("person", "<nobody>")]].concat());
    assert_eq!(page.status, 422);
    assert!(page.text.contains("href=\"#person\"") && page.text.contains("value=\"&lt;nobody&gt;\""), "{}", page.text);
    assert!(page.text.contains(TEXT), "what is typed is kept");
}

/// Alice, who has an address and edits templates.
pub fn editor() -> (App, String) {
    let app = App::new();
    for name in ["alice", "bob"] {
        let body = serde_json::json!({
            "schemas": [crate::scim2::client::USER], "userName": name, "password": crate::scim2::client::PASSWORD,
            "emails": [{ "value": format!("{name}@acme.com") }], "roles": [{ "value": "admin" }]
        });
        app.scim().create("/scim2/Users", &body);
    }
    let cookie = super::Browser::signed_in(&app, "", "alice", crate::scim2::client::PASSWORD).cookie;
    (app, cookie)
}

/// Sends a test mail of this HTML.
pub fn test_mail(browser: &mut super::Browser, html: &str) -> crate::support::Reply {
    let operation = browser.get(PATH).hidden("operation");
    let fields = [("operation", &*operation), ("version", "0"), ("subject", "Come"), ("html", html), ("text", TEXT)];
    browser.post(&format!("{PATH}/test"), &fields)
}

#[test]
fn a_test_mail_goes_to_whoever_asks_for_it_and_nowhere_else() {
    let (app, cookie) = editor();
    let mut browser = super::Browser::with_cookie(&app, cookie);
    let page = test_mail(&mut browser, HTML);
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.words().contains("A test mail is on its way to alice@acme.com."), "{}", page.words());
    assert!(page.text.contains(TEXT), "what is typed is kept");
    assert_eq!(app.number("SELECT count(*) FROM templates"), 0, "nothing is saved");
    let refused = test_mail(&mut browser, "<p>no link</p>");
    assert_eq!(refused.status, 422, "{}", refused.text);
    let mut nameless = super::Browser::signed_in(&app, "", "admin", "admin");
    let refused = test_mail(&mut nameless, HTML);
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(refused.words().contains("You have no e-mail address"), "{}", refused.words());
}

#[test]
fn test_mails_are_in_the_audit_and_ten_an_hour() {
    let (app, cookie) = editor();
    let mut browser = super::Browser::with_cookie(&app, cookie);
    let statuses: Vec<_> = (0..12).map(|_| test_mail(&mut browser, HTML).status.as_u16()).collect();
    assert_eq!(statuses, [[200; 10].as_slice(), &[429; 2]].concat());
    let refused = test_mail(&mut browser, HTML);
    let words = refused.words();
    assert!(words.contains("You have sent 10 test mails within an hour. The next one can be sent from 20"), "{words}");
    assert!(refused.text.contains(TEXT) && refused.text.contains("<title>Error: "), "what is typed is kept");
    assert!((3_500..=3_600).contains(&refused.header("retry-after").parse::<i64>().unwrap()));
    let counted =
        "SELECT COUNT(*) FROM audit WHERE action = 'mail.test' AND target IS NOT NULL AND actor LIKE '%alice%'";
    assert_eq!(app.number(counted), 10);
    // What one has sent does not count for another.
    let mut bob = super::Browser::signed_in(&app, "", "bob", crate::scim2::client::PASSWORD);
    assert_eq!(test_mail(&mut bob, HTML).status, 200);
    app.native.clock.advance(std::time::Duration::from_secs(3_600));
    let mut browser = super::Browser::signed_in(&app, "", "alice", crate::scim2::client::PASSWORD);
    assert_eq!(test_mail(&mut browser, HTML).status, 200);
}
