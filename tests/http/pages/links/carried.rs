//! Links as mail programs carry them: percent-encoded, with what stood behind them in the mail, cut, or doubled.

use bytes::Bytes;
use serde_json::json;

use crate::scim2::client::PASSWORD;
use crate::support::{App, basic};

/// What can follow an address in a mail, and be taken for a part of it.
const TAILS: &[&str] = &[
    ".",
    ",",
    ")",
    "]",
    "%3E",
    "'",
    "%22",
    ";",
    "!",
    "/",
    "%20",
    "=",
    "%E2%80%8B",
    "%C2%A0",
    "*",
    "%60",
    "%E2%80%9D",
    "%E2%80%99",
    "...",
    "%0D%0A",
    "%0A",
    ":",
    "%E2%80%A6",
    "%3F",
    "%23",
    "%EF%BB%BF",
    "%E2%81%A0",
    "%7D",
    "%5D%5D",
    "&",
    "%7C",
    "%5C",
    "%E3%80%82",
    "%EF%BC%8C",
    "%E3%80%8D",
    "%C2%BB",
    "%3C",
    ").",
    "%3E.",
    "%3D%0D%0A",
    "//",
    "+",
    "%2C%20",
    "/.",
    "/)",
    "%00",
    "%E2%80",
    "%FF",
    "@",
    "~",
    "$",
    "%",
    "&gt;",
    "&amp;",
    "&quot;&gt;",
    "&nbsp;",
    "%26gt%3B",
    "%3Cbr%3E",
    "%3Cbr%20/%3E",
    "%3C/a%3E",
    "%3Ca%20href",
    "=3D",
    "=3D%22",
    "=20",
    "%20click%20here",
    "%C2%A0Set%20password",
    "%22%20target=%22_blank",
    "%5D(https://id.example.com)",
    ",https://id.example.com",
    "%3Fx=1",
    "%23top",
    ".%20The",
    "%29.%20Bye",
    "&username=x",
    "*and*",
];

/// A mailed link of each page.
fn links(app: &App) -> [String; 2] {
    app.invite("paul");
    let invite = app.newest_link();
    let verify = json!({
        "userName": "peter", "password": PASSWORD, "emails": ["peter@example.com"],
        "urn:scim:wso2:schema": { "verifyEmail": true },
    });
    assert_eq!(app.admin("POST", "/scim2/Users", verify.to_string()).status, 201);
    [invite, app.newest_link()]
}

#[test]
fn percent_encoding_of_a_token_is_undone_once() {
    let app = App::new();
    for link in links(&app) {
        let (folder, token) = link.rsplit_once('/').unwrap();
        let encode = |c: char| match c {
            '.' | '-' | '_' => format!("%{:02X}", u32::from(c)),
            c => c.to_string(),
        };
        let all = |c: char| format!("%{:02x}", u32::from(c));
        for (carried, status) in [
            (token.chars().map(encode).collect::<String>(), 200),
            (token.replace('.', "%2e"), 200),
            (token.replacen("lk1.", "lk1%2E", 1), 200),
            (token.chars().map(all).collect(), 200),
            (token.replace('.', "%252E"), 404),
            (format!("%20{token}"), 404),
            (token.replace('.', "%20."), 404),
            (token.replace('.', ".%0A"), 404),
            (token.replace('.', "%2F"), 404),
        ] {
            let page = app.anyone("GET", &format!("{folder}/{carried}"));
            assert_eq!(page.status, status, "{carried}");
            if status == 200 {
                assert!(
                    page.text.contains(&format!("action=\"{link}\"")),
                    "the form goes to the link itself: {}",
                    page.text
                );
            } else {
                assert!(page.text.contains("This link does not work") && page.trips() == 0, "{carried}: {}", page.text);
            }
        }
    }
}

#[test]
fn whatever_stands_behind_a_token_and_cannot_be_a_part_of_it_is_cut() {
    let app = App::new();
    for link in links(&app) {
        for tail in TAILS {
            let page = app.anyone("GET", &format!("{link}{tail}"));
            assert_eq!(page.status, 200, "{tail}: {}", page.text);
            assert!(page.text.contains(&format!("action=\"{link}\"")), "{tail}");
        }
        assert_eq!(app.anyone("GET", &format!("{link}?utm_source=mail)")).status, 200);
    }
    let app = App::new();
    let [invite, verify] = links(&app);
    let carried = format!("{}%29.", invite.replace('.', "%2E"));
    assert_eq!(app.post_form(&carried, &[("password", PASSWORD)]).status, 200);
    assert_eq!(app.post_form(&format!("{verify}%3E"), &[("intent", "confirm-email")]).status, 200);
    assert_eq!(app.anyone("GET", &carried).status, 410, "a used one is told of as used");
}

#[test]
fn the_old_addresses_carry_a_token_alike() {
    let app = App::new();
    for (link, page) in links(&app).iter().zip(["confirmrecovery.do", "confirmregistration.do"]) {
        let token = link.rsplit('/').next().unwrap();
        for carried in TAILS
            .iter()
            // In a query, these end the parameter or the address.
            .filter(|tail| !matches!(**tail, "&"))
            .map(|tail| format!("{token}{tail}"))
            .chain([token.replace('.', "%2E"), format!("{token})&type=invite"), format!("{token}&amp;type=invite")])
            .chain([format!("{token}?utm=1"), format!("{token}?utm_source=a&utm_medium=b"), format!("{token}&#38;x=1")])
        {
            let reply = app.anyone("GET", &format!("/accountrecoveryendpoint/{page}?confirmation={carried}"));
            assert_eq!((reply.status.as_u16(), reply.header("location")), (303, link.as_str()), "{carried}");
        }
        for query in ["username=x&amp;confirmation=", "username=x&amp%3Bconfirmation=", "amp;confirmation="] {
            let reply = app.anyone("GET", &format!("/accountrecoveryendpoint/{page}?{query}{token}&amp;type=invite"));
            assert_eq!((reply.status.as_u16(), reply.header("location")), (303, link.as_str()), "{query}");
        }
    }
}

#[test]
fn a_cut_doubled_or_mangled_token_gets_the_page_that_says_so() {
    let app = App::new();
    for link in links(&app) {
        let (folder, token) = link.rsplit_once('/').unwrap();
        for mangled in [
            token[..token.len() - 1].to_owned(),
            token[..20].to_owned(),
            token[4..].to_owned(),
            format!("{token}{token}"),
            format!("{token}https://id.example.com{link}"),
            format!("{token}/{token}"),
            format!("{token}/more"),
            format!("{token}%0Aclick"),
            format!("{token}=A"),
            format!("{token}and"),
            token.to_uppercase(),
            token.replace('.', ""),
            token.replace('.', "%C2%B7"),
        ] {
            let page = app.anyone("GET", &format!("{folder}/{mangled}"));
            assert_eq!((page.status.as_u16(), page.trips()), (404, 0), "{mangled}");
            assert!(page.text.contains("This link does not work"), "{mangled}: {}", page.text);
        }
    }
}

#[test]
fn a_tenants_links_are_carried_alike() {
    let app = App::new();
    let acme = json!({ "domain": "acme.com", "owners": [{ "username": "kim", "email": "kim@acme.com", "firstname": "Kim",
        "lastname": "Doe", "provisioningMethod": "invite-via-email" }] });
    assert_eq!(app.admin("POST", "/api/server/v1/tenants", acme.to_string()).status, 201);
    let link = app.newest_link();
    assert!(link.starts_with("/t/acme.com/invite/"), "{link}");
    for carried in [format!("{link}%3E"), link.replace("lk1.", "lk1%2E"), format!("{link}/")] {
        assert_eq!(app.anyone("GET", &carried).status, 200, "{carried}");
    }
}

#[test]
fn two_entries_that_are_hashed_alike_are_one_password() {
    for (password, confirm, status) in [
        ("Grün grün Elbe", "Gru\u{308}n gru\u{308}n Elbe", 200),
        ("Gru\u{308}n gru\u{308}n Elbe", "Grün grün Elbe", 200),
        ("\u{212b}ngström unit", "Ångstro\u{308}m unit", 200),
        ("한글 비밀번호 열쇠", "\u{1112}\u{1161}\u{11ab}글 비밀번호 열쇠", 200),
        ("Grün grün Elbe", "Grun grun Elbe", 422),
        ("Grün grün Elbe", "grün grün Elbe", 422),
        ("ﬁnd the right way", "find the right way", 422),
        ("Grün grün Elbe", "", 422),
    ] {
        let app = App::new();
        app.invite("paul");
        let link = app.newest_link();
        let reply = app.post_form(&link, &[("password", password), ("confirm", confirm)]);
        assert_eq!(reply.status, status, "{password} {confirm}: {}", reply.text);
        if status == 200 {
            for spelled in [password, confirm] {
                let me = app.send(
                    http::Request::get("/scim2/Me")
                        .header("authorization", basic("paul", spelled))
                        .body(Bytes::new())
                        .unwrap(),
                );
                assert_eq!(me.status, 200, "{spelled}");
            }
        }
    }
}
