//! Tests of the pages: what they show, and what they must never let through.
//!
//! The snapshots hold each page as a browser gets it, one element a line, without the hashes of the assets.

use crate::base::scope::Scope;
use crate::base::web_address::{form_target, link_target};
use crate::i18n::Language;
use crate::pages::assets;
use crate::pages::console::charts::{Charts, Invited, Period};
use crate::pages::console::home::{Figure, Overview, home};
use crate::pages::console::sign_in::{Notice, SignInPage, sign_in};
use crate::pages::console::{Frame, Section};
use crate::pages::inbox::{InboxMail, frame, inbox};
use crate::pages::invite::{
    Confirms, LinkProblem, SetPasswordPage, email_verified, link_problem, new_mail_requested, password_set,
    set_password, verify_email,
};
use crate::pages::layout::Shell;
use crate::pages::problem;

const SHELL: Shell = Shell {
    prefix: "",
    locale: "en_US",
    organization: "Example Corporation",
    support: "help@example.com",
    brand: None,
};

fn readable(page: &str) -> String {
    let mut page = page.replace("><", ">\n<");
    for asset in [assets::STYLE, assets::SCRIPT, assets::CONSOLE_STYLE, assets::CONSOLE_SCRIPT, assets::ICON] {
        let (_, extension) = asset.name.rsplit_once('.').expect("an asset has an extension");
        page = page.replace(asset.name, &format!("latchkey-HASH.{extension}"));
    }
    page
}

macro_rules! snapshot {
    ($name:literal, $page:expr) => {
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!($name, readable(&$page));
        });
    };
}

fn form<'a>(shell: Shell<'a>, user_name: &'a str, problems: &'a [String]) -> String {
    set_password(&SetPasswordPage {
        shell,
        action: "/invite/lk1.x",
        user_name,
        min_length: 8,
        is_reset: false,
        problems,
    })
}

#[test]
fn set_password_form() {
    snapshot!("set-password", form(SHELL, "paul", &[]));
    let problems = ["It is too common.".to_owned(), "It contains your user name.".to_owned()];
    snapshot!("set-password-refused", form(SHELL, "paul", &problems));
    snapshot!("set-password-arabic", form(Shell { locale: "ar-EG", ..SHELL }, "paul", &[]));
}

#[test]
fn pages_after_a_success() {
    snapshot!("password-set", password_set(&SHELL, "paul", Some("https://app.example.com/"), false));
    snapshot!("new-mail-requested", new_mail_requested(&SHELL));
    snapshot!("verify-email", verify_email(&SHELL, "/verify/lk1.x", "paul@example.com", Confirms::Account));
    let change = Shell { support: "", ..SHELL };
    snapshot!("verify-change", verify_email(&change, "/verify/lk1.x", "paul@example.com", Confirms::Change));
    snapshot!("change-verified", email_verified(&SHELL, None, Confirms::Change));
    snapshot!("email-verified", email_verified(&SHELL, None, Confirms::Account));
}

#[test]
fn the_consoles_pages() {
    let shell = Shell { prefix: "/t/acme.com", ..Shell::default() };
    let form = |username, notice| {
        let next = "/t/acme.com/console";
        sign_in(&SignInPage {
            shell,
            action: "/t/acme.com/console/login",
            tenant: "acme.com",
            username,
            next,
            recover: Some("/t/acme.com/recover"),
            notice,
        })
    };
    snapshot!("sign-in", form("", None));
    snapshot!("sign-in-refused", form("<alice>", Some(Notice::Refused)));
    snapshot!("signed-out", form("", Some(Notice::SignedOutEverywhere)));
    let frame = Frame {
        shell: Shell { organization: "Acme", ..shell },
        section: Section::Dashboard,
        name: "alice",
        tenant: "acme.com",
        scopes: [Scope::ScimRead, Scope::Audit].into_iter().collect(),
        title: None,
        undo: None,
        is_live: false,
        back: &[],
        message: Some("Done."),
    };
    let people = Invited { invited: 5, accepted: [1, 0, 1, 0, 0] };
    let week = Period { name: "2026-11-30".to_owned(), counts: [6, 2, 2, 4, 0], batch: people };
    let overview = Overview {
        figures: vec![Figure { label: "Pending", status: "pending", number: "99+".to_owned() }],
        attention: Vec::new(),
        charts: Charts { by_day: false, periods: vec![week], imports: Vec::new() },
    };
    snapshot!("console", home(&frame, Some(&overview), 1_800, true));
}

#[test]
fn each_link_problem_has_its_own_page() {
    let sign_in = Some("https://app.example.com/");
    let problems = [
        LinkProblem::Expired { until: Some(1_772_719_200), request_new: Some("/invite/lk1.x") },
        LinkProblem::Expired { until: None, request_new: None },
        LinkProblem::Accepted { sign_in },
        LinkProblem::Confirmed { sign_in },
        LinkProblem::Revoked,
        LinkProblem::Replaced { request_new: None },
        LinkProblem::Replaced { request_new: Some("/invite/lk1.x") },
        LinkProblem::AddressChanged { request_new: Some("/invite/lk1.x") },
        LinkProblem::Locked,
        LinkProblem::Invalid,
        LinkProblem::NotPending { sign_in: None },
    ];
    let pages = problems.map(|problem| link_problem(&SHELL, problem));
    for (at, page) in pages.iter().enumerate() {
        assert!(!pages[..at].contains(page), "two problems share a page");
    }
    let bodies: Vec<String> = pages
        .iter()
        .map(|page| {
            page.split_once("<main").and_then(|(_, body)| body.split_once("</main>")).map_or("", |(main, _)| main)
        })
        .map(|main| readable(&format!("<main{main}</main>")))
        .collect();
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("link-problems", bodies.join("\n\n"));
    });
}

#[test]
fn the_page_for_an_invalid_link_tells_nothing() {
    let page = link_problem(&Shell { locale: "en_US", ..Shell::default() }, LinkProblem::Invalid);
    snapshot!("link-invalid", page);
    assert!(!page.contains("<form"));
}

#[test]
fn pages_for_other_problems() {
    snapshot!("busy", problem::busy(&SHELL, 3, Some("/invite/lk1.x")));
    snapshot!("too-many-requests", problem::too_many_requests(&SHELL, 90, None));
    snapshot!("problem", problem::problem(&Shell::default(), 503, "Not set up", "PUBLIC_ORIGIN is missing."));
    for status in [403, 404, 405, 413, 500, 503, 418] {
        let page = problem::status(&SHELL, status);
        assert!(page.contains(&format!("HTTP {status}")), "{status}");
    }
}

#[test]
fn development_inbox() {
    let links = ["https://id.example.com/invite/lk1.x".to_owned(), "javascript:alert(1)".to_owned()];
    let mail = InboxMail {
        id: "m1",
        to: "paul@example.com",
        subject: "You are <invited>",
        template: "AskPassword",
        locale: "en_US",
        state: "sent",
        sent: "",
        links: &links,
        text: "Hello,\n</pre><script>alert(1)</script>",
        html_href: "/dev/inbox/m1.html",
    };
    let page = inbox(&Shell::default(), &[mail], "/dev/inbox.json");
    assert!(!page.contains("<script>"), "{page}");
    assert!(!page.contains("href=\"javascript:"), "{page}");
    snapshot!("inbox", page);
    snapshot!("inbox-empty", inbox(&Shell::default(), &[], "/dev/inbox.json"));
}

#[test]
fn links_of_a_framed_mail_open_outside_the_frame() {
    assert_eq!(frame("<html><HEAD><title>x"), "<html><HEAD><base target=\"_blank\"><title>x");
    assert_eq!(frame("<p>x"), "<base target=\"_blank\"><p>x");
    // lower-casing must not shift the place where the text is cut
    assert_eq!(frame("İİ<head>x"), "İİ<head><base target=\"_blank\">x");
}

#[test]
fn what_people_are_called_is_escaped() {
    let name = "\"><script>alert(1)</script>'{n}{{7*7}}\u{202e}";
    let shell = Shell { organization: name, support: name, ..SHELL };
    let problems = [name.to_owned()];
    for page in [
        form(shell, name, &problems),
        password_set(&shell, name, Some(name), false),
        verify_email(&shell, name, name, Confirms::Account),
        problem::problem(&shell, 500, name, name),
    ] {
        assert!(!page.contains("<script>"), "{page}");
        assert!(!page.contains("\">'"), "{page}");
    }
}

#[test]
fn nothing_is_inline_and_nothing_comes_from_elsewhere() {
    for locale in Language::ALL.map(Language::locale) {
        let shell = Shell { locale, ..SHELL };
        let page = form(shell, "paul", &["x".to_owned()]);
        for forbidden in [" style=", "<style", " onclick", " onsubmit", "javascript:", "src=\"http", "//fonts"] {
            assert!(!page.contains(forbidden), "{forbidden} in {locale}");
        }
        assert!(page.contains("name=\"robots\" content=\"noindex"));
        assert!(page.contains(&format!("lang=\"{}\"", Language::for_locale(locale).tag())));
        assert!(!page.contains("{n}"), "an empty slot in {locale}");
    }
    assert!(form(Shell { locale: "ar", ..SHELL }, "x", &[]).contains("dir=\"rtl\""));
}

#[test]
fn password_managers_find_their_way() {
    let page = form(SHELL, "paul", &[]);
    assert!(page.contains("autocomplete=\"username\""));
    assert_eq!(page.matches("autocomplete=\"new-password\"").count(), 2);
    assert_eq!(page.matches("minlength=\"8\"").count(), 2);
    assert!(page.contains("method=\"post\""));
    // the page holds no value but the user name: a password is never put back
    assert_eq!(page.matches(" value=").count(), 1);
}

#[test]
fn addresses_that_leave_the_site_are_not_used() {
    for good in ["/", "/invite/lk1.a-b_c", "/t/acme/verify/x?y=z"] {
        assert_eq!(form_target(good), Some(good));
        assert_eq!(link_target(good), Some(good));
    }
    for good in ["https://app.example.com/", "HTTP://x/"] {
        assert_eq!(form_target(good), None);
        assert_eq!(link_target(good), Some(good));
    }
    let bad = [
        "",
        "//evil",
        "/\\evil",
        "\\\\evil",
        "https:evil",
        "javascript:alert(1)",
        " javascript:x",
        "java\nscript:x",
        "/a b",
        "/\t/evil",
        "data:text/html,x",
        "evil.example",
        "https://a\\b",
        "ªªªªªªªª",
    ];
    for bad in bad {
        assert_eq!(form_target(bad), None, "{bad}");
        assert_eq!(link_target(bad), None, "{bad}");
    }
    assert!(!form(SHELL, "x", &[]).contains("action=\"//"));
    let posted_to_itself = set_password(&SetPasswordPage {
        shell: SHELL,
        action: "https://evil.example/",
        user_name: "x",
        min_length: 8,
        is_reset: false,
        problems: &[],
    });
    assert!(!posted_to_itself.contains("evil"));
}

#[test]
fn assets_are_found_by_their_hashed_name_only() {
    for asset in [assets::STYLE, assets::SCRIPT, assets::ICON] {
        assert_eq!(assets::find(asset.name).map(|found| found.name), Some(asset.name));
        assert!(asset.href().starts_with("/assets/latchkey-"));
    }
    assert!(assets::find("latchkey.css").is_none());
    assert!(assets::find("").is_none());
    let style = include_str!("assets/latchkey.css");
    assert!(style.len() < 8 * 1024, "the style sheet grows: {}", style.len());
}

#[test]
fn a_strange_support_address_makes_no_link() {
    for support in ["a@b?bcc=c@d", "a@b&body=x", "Ann <a@b>", "a@b,c@d"] {
        let page = form(Shell { support, ..SHELL }, "x", &[]);
        assert!(!page.contains("mailto:"), "{support}");
    }
}

#[test]
fn slots_are_the_same_in_every_language() {
    use crate::i18n::pages::PageTexts;
    let slots = |texts: &PageTexts| {
        [
            (texts.password_hint, "{n}"),
            (texts.weak_short, "{n}"),
            (texts.weak_long, "{n}"),
            (texts.weak_obvious, "{word}"),
            (texts.done_text, "{user}"),
            (texts.expired_when, "{when}"),
            (texts.help_contact, "{contact}"),
            (texts.try_again_in, "{duration}"),
        ]
        .map(|(sentence, slot)| sentence.matches(slot).count())
    };
    for language in Language::ALL {
        assert_eq!(slots(language.pages()), [1; 8], "{language:?}");
    }
}
