//! The HTML shell that every page shares.
//!
//! No inline style, no inline script, nothing from another origin: [`CONTENT_SECURITY_POLICY`] can forbid all
//! three. Addresses that come from settings go through
//! [`link_target`](crate::base::web_address::link_target) and [`form_target`](crate::base::web_address::form_target).

use maud::{DOCTYPE, Markup, html};

use crate::i18n::Language;
use crate::i18n::pages::PageTexts;
use crate::model::settings::Settings;
use crate::pages::assets::{self, Asset};
use crate::pages::brand;

/// The policy of the console's pages: their script asks for pages of the console, and shows mails in frames.
pub const CONSOLE_CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
     img-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The policy the pages are written for; the caller sends it as a header.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The policy of a page of ours that stands in a frame of ours, to be looked at.
pub const FRAMED_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; \
     base-uri 'none'; frame-ancestors 'self'";

/// The surroundings of a page, which every page needs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shell<'a> {
    /// put before `/assets/...`: empty, or `/t/{tenant}`
    pub prefix: &'a str,
    /// the locale asked for; the language really used is the nearest one there is
    pub locale: &'a str,
    /// whose account this is, as people know it; empty when it is not known (a forged link)
    pub organization: &'a str,
    /// an e-mail address people can write to for help; empty when there is none
    pub support: &'a str,
    /// the settings with the logo and the colours; none where it is not known whose the page is
    pub brand: Option<&'a Settings>,
}

impl Shell<'_> {
    pub(super) fn language(&self) -> Language {
        Language::for_locale(self.locale)
    }

    /// The organization's name, or the product's.
    pub(super) fn wordmark(&self) -> &str {
        if self.organization.trim().is_empty() { "Latchkey" } else { self.organization }
    }

    pub(super) fn texts(&self) -> &'static PageTexts {
        self.language().pages()
    }
}

/// The parts of a page that differ from the others.
pub(super) struct Page<'a> {
    /// title of the window, without the organization's name
    pub title: &'a str,
    /// whether the page loads the script
    pub script: bool,
    /// whether the foot says whom to ask
    pub help: bool,
    pub body: Markup,
}

/// A page of one card in the middle.
pub(super) fn card(shell: &Shell, page: Page) -> String {
    let texts = shell.texts();
    let main = html! {
        header.brand { (brand::mark(shell.prefix, shell.brand)) bdi { (shell.wordmark()) } }
        main.card { (page.body) }
        @if page.help { footer.foot { p { (help(shell, texts)) } } }
    };
    let script = page.script.then_some(&assets::SCRIPT);
    document(shell, page.title, &Look { class: "narrow", styles: &[&assets::STYLE], script, is_live: false }, main)
}

/// What a page looks like.
pub(super) struct Look<'a> {
    /// the kind of page, to the style sheet
    pub class: &'a str,
    pub styles: &'a [&'a Asset],
    pub script: Option<&'a Asset>,
    /// whether the page comes again in a while; where there is a script, that sees to it, and disturbs nobody who reads
    pub is_live: bool,
}

/// The whole document.
pub(super) fn document(shell: &Shell, title: &str, look: &Look, body: Markup) -> String {
    let language = shell.language();
    html! {
        (DOCTYPE)
        html lang=(language.tag()) dir=(language.dir()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex, nofollow, noarchive";
                meta name="referrer" content="no-referrer";
                meta name="color-scheme" content="light dark";
                // phones must not turn numbers in user names into telephone links
                meta name="format-detection" content="telephone=no";
                title { (title) " · " (shell.wordmark()) }
                @if look.is_live { noscript { meta http-equiv="refresh" content="3"; } }
                link rel="icon" type="image/svg+xml" href=(assets::ICON.href());
                @for style in look.styles { link rel="stylesheet" href=(style.href()); }
                @if let Some(path) = shell.brand.and_then(brand::style_path) {
                    link rel="stylesheet" href={ (shell.prefix) (path) };
                }
                @if let Some(script) = look.script { script src=(script.href()) defer {} }
            }
            body { div class={ "page " (look.class) } { (body) } }
        }
    }
    .into_string()
}

fn help(shell: &Shell, texts: &PageTexts) -> Markup {
    // anything but a plain address would be a way to put a header or a second recipient into the mailto link
    let plain = shell.support.contains('@')
        && shell.support.chars().all(|c| c.is_ascii_alphanumeric() || ".!#$'*+-/=^_`{|}~@".contains(c));
    if !plain {
        return html! { (texts.help) };
    }
    let (before, after) = texts.help_contact.split_once("{contact}").unwrap_or((texts.help_contact, ""));
    html! { (before) a href={ "mailto:" (shell.support) } { bdi { (shell.support) } } (after) }
}
