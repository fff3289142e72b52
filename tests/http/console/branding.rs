//! Branding: the section of `/console/settings`, and what people see of it.

use serde_json::json;

use super::{Browser, signed_in};
use crate::support::{App, Reply, gzipped};

/// A form with a file, as browsers send it: the fields, then the file.
pub fn with_file(fields: &[(&str, &str)], name: &str, file_name: &str, content: &[u8]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (field, value) in fields {
        body.extend(format!("--xYz\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n").bytes());
    }
    let head = format!("--xYz\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file_name}\"\r\n\r\n");
    body.extend(head.bytes());
    body.extend(content);
    body.extend(b"\r\n--xYz--\r\n");
    ("multipart/form-data; boundary=xYz".to_owned(), body)
}

/// A picture of so many bytes, as far as anybody looks.
pub fn png(bytes: usize, width: u32, height: u32) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.extend(width.to_be_bytes());
    png.extend(height.to_be_bytes());
    png.resize(bytes.max(36) - 12, 7);
    png.extend(b"\0\0\0\0IEND\xaeB`\x82");
    png
}

/// Sends the form of the branding, with a file.
pub fn save(browser: &mut Browser, fields: &[(&str, &str)], file_name: &str, content: &[u8]) -> Reply {
    let page = browser.get("/console/settings");
    let before = page.text.split("<input type=\"hidden\" name=\"section\" value=\"Branding\">").next().unwrap();
    let operation = before.rsplit("name=\"operation\" value=\"").next().unwrap().split('"').next().unwrap().to_owned();
    let all = [&[("operation", &*operation), ("section", "Branding")], fields].concat();
    let (media_type, body) = with_file(&all, "logo", file_name, content);
    browser.post_as("/console/settings", &media_type, body)
}

/// The address of the logo on a page.
fn logo(page: &Reply) -> String {
    let rest = page.text.split("/branding/logo?v=").nth(1).unwrap_or_else(|| panic!("no logo: {}", page.text));
    format!("/branding/logo?v={}", rest.split('"').next().unwrap())
}

#[test]
fn name_logo_and_colours_are_on_the_pages_of_invited_people_in_mails_and_where_one_signs_in() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let fields = [
        ("ORGANIZATION_NAME", "Acme & Sons"),
        ("BRAND_COLOR", "#0969da"),
        ("BRAND_COLOR_DARK", "#9ecbff"),
        ("SUPPORT_ADDRESS", "help@acme.com"),
        ("SIGN_IN_URL", "https://app.acme.com/"),
    ];
    let saved = save(&mut browser, &fields, "logo.png", &png(3000, 320, 80));
    assert_eq!(saved.status, 303, "{}", saved.text);
    let words = browser.get("/console/settings").words();
    for said in ["Organization name is now Acme &amp; Sons", "Colour is now #0969da", "The logo is new"] {
        assert!(words.contains(said), "{said}: {words}");
    }

    app.invite("paul");
    let link = app.newest_link();
    let mail = app.inbox().remove(0);
    let page = app.anyone("GET", &link);
    for shown in [page, app.anyone("GET", "/console/login"), browser.get("/console")] {
        assert!(
            shown.text.contains("<link rel=\"stylesheet\" href=\"/branding/colors/0969da-9ecbff.css\">"),
            "{}",
            shown.text
        );
        assert!(shown.text.contains("width=\"160\" height=\"40\""), "{}", shown.text);
        assert!(shown.text.contains("<bdi>Acme &amp; Sons</bdi>"), "{}", shown.text);
        assert!(!shown.text.contains(" style="));
        assert!(!shown.header("content-security-policy").contains("unsafe"));
    }
    let page = app.anyone("GET", &link);
    assert!(page.text.contains("mailto:help@acme.com"), "{}", page.text);

    let html = mail["html"].as_str().unwrap();
    assert!(html.contains("<img src=\"https://id.example.com/branding/logo?v="), "{html}");
    assert!(html.contains("background:#0969da"), "{html}");
    assert!(mail["text"].as_str().unwrap().contains("help@acme.com"), "{mail}");

    let style = app.anyone("GET", "/branding/colors/0969da-9ecbff.css");
    assert_eq!((style.status.as_u16(), style.header("content-type")), (200, "text/css; charset=utf-8"));
    assert!(style.header("cache-control").contains("immutable"));

    let done = app.send(
        http::Request::builder()
            .method("POST")
            .uri(&link)
            .body("password=long+enough+for+this&confirm=long+enough+for+this".into())
            .unwrap(),
    );
    assert!(done.text.contains("/branding/colors/") && done.text.contains("https://app.acme.com/"), "{}", done.text);
    app.deliver();
    let ready = app.inbox().remove(0);
    assert!(ready["text"].as_str().unwrap().contains("https://app.acme.com/"), "{ready}");
}

#[test]
fn a_logo_is_served_as_what_it_is_and_kept_by_its_version() {
    let app = App::new();
    assert_eq!(app.anyone("GET", "/branding/logo").status, 404);
    let mut browser = signed_in(&app, "alice", "admin");
    save(&mut browser, &[], "innocent.svg", &png(3000, 320, 80));
    let first = logo(&browser.get("/console"));
    let served = app.anyone("GET", &first);
    assert_eq!((served.status.as_u16(), served.header("content-type")), (200, "image/png"));
    assert_eq!(served.header("x-content-type-options"), "nosniff");
    assert_eq!(served.header("content-security-policy"), "default-src 'none'; sandbox");
    assert!(served.header("cache-control").contains("immutable"));
    let known = http::Request::get(&first).header("if-none-match", served.header("etag")).body("".into()).unwrap();
    assert_eq!(app.send(known).status, 304);
    let plain = app.anyone("GET", "/branding/logo");
    assert_eq!((plain.status.as_u16(), plain.header("cache-control")), (200, "public, max-age=300"));
    assert_eq!(app.anyone("GET", "/t/other.com/branding/logo").status, 404, "each tenant has its own");

    save(&mut browser, &[], "logo.png", &png(3001, 80, 320));
    let second = logo(&browser.get("/console"));
    assert_ne!(first, second);
    let of_an_old_mail = app.anyone("GET", &first);
    assert_eq!(of_an_old_mail.status, 200);
    assert!(second.contains(of_an_old_mail.header("etag").trim_matches('"')), "the present one stands for it");
    assert_eq!(app.number("SELECT count(*) FROM logos"), 1);

    let removed = save(&mut browser, &[("remove-logo", "on")], "", b"");
    assert_eq!(removed.status, 303, "{}", removed.text);
    assert!(browser.get("/console/settings").words().contains("The logo is removed"));
    assert_eq!(app.anyone("GET", &second).status, 404);
    assert!(!browser.get("/console").text.contains("branding/logo"));
}

#[test]
fn what_is_no_picture_is_refused_by_its_content() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>";
    for (name, content) in [
        ("logo.png", &svg[..]),
        ("logo.png", b"<html><script>alert(1)</script>"),
        ("logo.gif", b"GIF89a\x01\0\x01\0"),
        ("logo.png", b"x"),
    ] {
        let refused = save(&mut browser, &[("ORGANIZATION_NAME", "Typed")], name, content);
        assert_eq!(refused.status, 422, "{name}");
        assert!(refused.text.contains("<title>Error: Settings"), "{}", refused.text);
        assert!(refused.text.contains("href=\"#logo\""), "{}", refused.text);
        assert!(refused.text.contains("value=\"Typed\""), "what was typed is still there");
    }
    assert_eq!(app.number("SELECT count(*) FROM logos"), 0);
    assert_eq!(app.number("SELECT count(*) FROM settings"), 0, "nothing is saved of a form with a mistake");
}

#[test]
fn a_colour_that_cannot_be_read_is_refused_with_its_contrast() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    for (name, color, said) in [
        ("BRAND_COLOR", "#777777", "Colour is &quot;#777777&quot;: its contrast with white is 4.47:1"),
        (
            "BRAND_COLOR",
            "#ff0",
            "its contrast with white is 1.07:1, and text takes 4.5:1 (WCAG 2.2, AA): choose a darker one.",
        ),
        ("BRAND_COLOR_DARK", "#17596a", "its contrast with the dark page (#1a2125) is 2.07:1"),
        ("BRAND_COLOR", "red", "it must be a colour such as #17596a."),
        ("BRAND_COLOR", "#0969da;}", "it must be a colour"),
    ] {
        let refused = save(&mut browser, &[(name, color)], "", b"");
        assert_eq!(refused.status, 422, "{color}");
        assert!(refused.words().contains(said), "{said}: {}", refused.words());
        let by_api = app.admin("PATCH", "/api/settings", json!({ name: color }).to_string());
        assert_eq!(by_api.status, 400, "{}", by_api.text);
    }
    for color in ["#767676", "#000", "#17596a"] {
        let taken = save(&mut browser, &[("BRAND_COLOR", color)], "", b"");
        assert_eq!(taken.status, 303, "{color}: {}", taken.text);
    }
}

#[test]
fn a_preview_saves_nothing_and_its_logo_need_not_be_chosen_again() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let fields = [("ORGANIZATION_NAME", "Acme <script>"), ("BRAND_COLOR", "#0969da"), ("preview", "on")];
    let page = save(&mut browser, &fields, "logo.png", &png(3000, 320, 80));
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.text.contains("value=\"#0969da\""));
    assert_eq!(app.number("SELECT count(*) FROM settings"), 0);
    assert!(!app.anyone("GET", "/console/login").text.contains("branding"), "nobody sees it yet");
    let frames: Vec<String> = page
        .text
        .split("<iframe src=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&"))
        .collect();
    assert_eq!(frames.len(), 2, "{}", page.text);
    for address in &frames {
        let frame = browser.get(address);
        assert_eq!(frame.status, 200, "{address}");
        assert_eq!(frame.header("x-frame-options"), "SAMEORIGIN");
        assert!(frame.header("content-security-policy").contains("frame-ancestors 'self'"));
        assert!(frame.text.contains("branding/logo?v=") && frame.text.contains("0969da"), "{}", frame.text);
        assert!(frame.text.contains("Acme &lt;script&gt;") && !frame.text.contains("Acme <script>"));
        assert_eq!(app.anyone("GET", address).status, 303, "it is the administrators' to see");
    }
    let version = page.hidden("logo");
    let saved = save(&mut browser, &[("logo", &version), ("ORGANIZATION_NAME", "Acme")], "", b"");
    assert_eq!(saved.status, 303, "{}", saved.text);
    assert!(app.anyone("GET", "/console/login").text.contains(&version));
    let gone = save(&mut browser, &[("logo", "0123456789abcdef-320x80.png")], "", b"");
    assert_eq!(gone.status, 422);
    assert!(gone.words().contains("The logo is not there any more: choose its file again."), "{}", gone.words());
}

#[test]
fn a_form_with_a_file_that_does_not_arrive_whole_is_refused_and_changes_nothing() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    let (media_type, mut body) = with_file(&[("section", "Branding")], "logo", "logo.png", &png(3000, 320, 80));
    body.truncate(body.len() - 8);
    let refused = browser.post_as("/console/settings", &media_type, body);
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert!(refused.words().contains("did not arrive whole"), "{}", refused.words());
}

#[test]
fn a_tenant_without_branding_is_signed_in_to_like_one_that_is_not_there() {
    let app = App::new();
    app.create_tenant("acme.com");
    let page = |domain: &str| app.anyone("GET", &format!("/t/{domain}/console/login")).text.replace(domain, "");
    assert_eq!(page("acme.com"), page("nobody.com"));
}

#[test]
fn the_page_of_an_invitation_is_twelve_kibibytes_at_most_with_all_it_loads() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    save(&mut browser, &[("BRAND_COLOR", "#0969da")], "logo.png", &png(3000, 320, 80));
    for locale in ["en_US", "ar", "ja_JP"] {
        app.admin("PATCH", "/api/settings", json!({ "DEFAULT_LOCALE": locale }).to_string());
        app.invite(&format!("paul-{locale}"));
        let page = app.anyone("GET", &app.newest_link());
        let loaded =
            page.text.split('"').filter(|part| part.starts_with('/') && part.ends_with("css") || part.ends_with(".js"));
        let loaded: Vec<String> = loaded.map(|path| app.anyone("GET", path).text).collect();
        assert_eq!(loaded.len(), 3, "{}", page.text);
        let size = gzipped(&page.text) + loaded.iter().map(|text| gzipped(text)).sum::<usize>();
        assert!(size <= 12 * 1024, "{locale}: {size}");
    }
}

#[test]
fn the_rules_of_a_password_are_listed_for_the_script_to_judge() {
    let app = App::with(&[("PASSWORD_MIN_LENGTH", "10"), ("DEFAULT_LOCALE", "de_DE")]);
    app.invite("paul");
    let page = app.anyone("GET", &app.newest_link());
    for part in ["aria-live=\"polite\" data-least=\"10\"", "data-met=\"erfüllt\"", "<li>Mindestens 10 Zeichen</li>"] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
}
