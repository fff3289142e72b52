//! Where link and code stand as text, and how the words that readers see are put together.

use super::*;

#[test]
fn as_text_link_and_code_stand_anywhere_but_in_what_reads_as_an_address() {
    for fine in [
        "Open {}",
        "{}",
        "Code: {}",
        "Code:{}",
        "code={}",
        "({})",
        "\"{}\"",
        "<{}>",
        "[{}]",
        "*{}*",
        "'{}'",
        "{}.",
        "{},",
        "{}!",
        "链接：{}",
        "请打开{}。谢谢",
        "コードは「{}」です。次",
        "Ready? {}",
        "1.{}",
        "Hello,\n{}\nBye",
        "See https://evil.example\n{}",
        "Mail a@evil.example or open {}",
        "https://evil.example {}",
        "-> {} <-",
        "Dear {{user-name}}, {}",
        "{}\u{a0}x",
        "e.g. {}",
        "№{}",
        "{}?",
        "{}:",
    ] {
        for secret in [CODE, LINK, "{{confirmation-link}}", "{{ confirmation-code }}", "{{url:confirmation-code}}"] {
            let text = fine.replace("{}", secret);
            assert_eq!(of_text(&text), [], "{text}");
            if !fine.contains(['<', '"']) {
                assert_eq!(of_html(&format!("<p>{text}</p>")), [], "{text}");
            }
        }
    }
    for bad in [
        "https://evil.example/?c={}",
        "HTTPS://EVIL.EXAMPLE/?c={}",
        "http://evil.example/{}",
        "evil.example/{}",
        "evil.example?c={}",
        "evil.example#{}",
        "evil.example:8080/{}",
        "//evil/{}",
        "\\\\evil\\{}",
        "www.evil/{}",
        "www.evil{}",
        "mailto:a@evil.example?body={}",
        "mailto:{}",
        "tel:{}",
        "sms:{}",
        "MAILTO:{}",
        "ftp:{}",
        "x-a@evil.example:{}",
        "a@evil.example?subject={}",
        "https://id.example.com@evil.example/{}",
        "https://xn--80ak6aa92e.com/{}",
        "https://例え.テスト/{}",
        "https%3A%2F%2Fevil.example%2F{}",
        "{{user.claim.profileUrl}}{}",
        "{{user-name}}/{}",
        "{{organization-name}}{}",
        "(https://evil.example/{})",
        "https://evil.example/(a,{}",
        "https://evil.example/[{}",
        "https://evil.example/'{}",
        "https://evil.example/“{}",
        "https://evil.example/\u{200b}{}",
        "evil.\u{200b}example/\u{ad}{}",
        "evil．example/{}",
        "https：／／evil／{}",
        "{{carbon.product-url}}.evil.example/{}",
        "{{carbon.product-url}}@evil.example/{}",
        "{{carbon.product-url}}//evil.example/{}",
        "{{carbon.product-url}},https://evil.example/{}",
        "https://evil.example/?u={{carbon.product-url}}/{}",
        "{{sign-in-link}}/{}",
        "https://id.example.com/invite/{}",
        "{}@evil.example",
        "{{{nobody}}.evil.example/{}",
    ] {
        for secret in [CODE, LINK, "{{url:invitation-link}}", "{{confirmation-link}}", "{{ confirmation-code }}"] {
            let text = bad.replace("{}", secret);
            let is_leak = |problems: &[Problem]| problems.iter().any(|problem| matches!(problem, Problem::Leak(..)));
            assert!(is_leak(&of_text(&text)), "text: {text}");
            assert!(is_leak(&of_html(&text)), "html: {text}");
            let subject = Template { subject: text.clone(), html: "h".into(), text: "t".into() };
            assert!(is_leak(&problems(&subject, &policy())), "subject: {text}");
            if !text.contains('"') {
                assert!(is_leak(&of_html(&format!("<p>Open <img alt=\"{text}\"></p>"))), "alt: {text}");
                assert!(is_leak(&of_html(&format!("<!-- {text} -->"))), "comment: {text}");
            }
        }
    }
    for bad in [
        "{}.evil.example",
        "{}.evil.example/x",
        "{}/x",
        "{}:8080/",
        "{}-evil.example",
        "{}{{user.claim.x}}",
        "x{}%2eexample",
    ] {
        assert!(!of_text(&bad.replace("{}", CODE)).is_empty(), "{bad}");
    }
    for fine in ["{}?utm_source=mail", "{}#top", "{}/", "{}&a=b"] {
        assert_eq!(of_text(&fine.replace("{}", LINK)), [], "{fine}");
    }
    for fine in [
        "{e}/confirmrecovery.do?confirmation={c}&userstoredomain={{userstore-domain}}&username={{url:user-name}}",
        "Open {e}/confirmrecovery.do?confirmation={c}.",
        "Link:{e}?confirmation={c}",
        "{{product-url-with-user-tenant}}/invite/{c}",
        "{{carbon.product-url}}/invite/{c}",
    ] {
        assert_eq!(of_text(&fine.replace("{e}", ENDPOINT).replace("{c}", CODE)), [], "{fine}");
    }
}

#[test]
fn words_are_put_together_as_readers_see_them() {
    for bad in [
        "https://evil.example/?c=<b>{}</b>",
        "https://evil.example/<span>?c=</span><!-- x -->{}",
        "https:&#47;&#47;evil.example&#47;{}",
        "https&colon;&sol;&sol;evil.example&sol;{}",
        "https&#58//evil.example/{}",
        "evil&period;example&quest;{}",
        "https://evil.example/&shy;{}",
        "https://evil.example/<wbr>{}",
        "https://evil.example/?c=<img alt=''>{}",
        "<img alt='https://evil.example/?c='>{}",
        "https://evil.example/?c=<a href='{{invitation-link}}'></a>{}",
        "<title>https://evil.example/{}</title>",
        "<noscript>https://evil.example/{}</noscript>",
        "<![if x]>https://evil.example/{}<![endif]>",
        "<!--[if mso]>https://evil.example/{}<![endif]-->",
        "<p>https://evil.example/?c=<span></span>{}</p>",
        "{{user.claim.url}}<b>{}</b>",
    ] {
        for secret in [CODE, LINK] {
            let html = bad.replace("{}", secret);
            let found = of_html(&html);
            assert!(found.iter().any(|problem| matches!(problem, Problem::Leak(..))), "{html}: {found:?}");
        }
    }
    for fine in
        ["<p>https://evil.example/</p><p>{}</p>", "https://evil.example<br>{}", "<td>www.evil.example</td><td>{}</td>"]
    {
        assert_eq!(of_html(&fine.replace("{}", CODE)), [], "{fine}");
    }
    // Where there is no text part, one is made of the HTML.
    let made = Template {
        subject: "s".into(),
        html: "https://evil.example/<div style='display:none'>x</div>{{confirmation-code}}".into(),
        text: String::new(),
    };
    assert!(!problems(&made, &policy()).is_empty());
}
