//! Pages for what goes wrong apart from links: too busy, too many requests, and plain HTTP errors.

use maud::html;

use crate::base::web_address::link_target;
use crate::i18n::fill::fill;
use crate::i18n::time::pause;
use crate::pages::layout::{Page, Shell, card};

/// 503: more people are setting passwords than can be served at once. `retry` is the address of the page to
/// load again (the form, not the refused POST).
pub fn busy(shell: &Shell, retry_after_seconds: u32, retry: Option<&str>) -> String {
    let texts = shell.texts();
    wait(shell, texts.busy_title, texts.busy_text, retry_after_seconds, retry)
}

/// 429: too many requests from one place in a short time. `retry` as for [`busy`].
pub fn too_many_requests(shell: &Shell, retry_after_seconds: u32, retry: Option<&str>) -> String {
    let texts = shell.texts();
    wait(shell, texts.limited_title, texts.limited_text, retry_after_seconds, retry)
}

fn wait(shell: &Shell, title: &str, text: &str, seconds: u32, retry: Option<&str>) -> String {
    let texts = shell.texts();
    let pause = pause(seconds, shell.language());
    let body = html! {
        h1 { (title) }
        p.lead { (text) }
        p { (fill(texts.try_again_in, &[("duration", &pause)])) }
        @if let Some(href) = retry.and_then(link_target) { p { a.button href=(href) { (texts.try_again) } } }
    };
    card(shell, Page { title, script: false, help: false, body })
}

/// A page for an HTTP status in the person's language: 403 (form sent from elsewhere), 404, 405, 413, 500, 503
/// (a setting is missing); anything else reads like 500.
pub fn status(shell: &Shell, status: u16) -> String {
    let texts = shell.texts();
    let (title, text) = match status {
        403 => (texts.foreign_title, texts.foreign_text),
        404 => (texts.not_found_title, texts.not_found_text),
        405 => (texts.method_title, texts.method_text),
        413 => (texts.too_large_title, texts.too_large_text),
        503 => (texts.setup_title, texts.setup_text),
        _ => (texts.failed_title, texts.failed_text),
    };
    problem(shell, status, title, text)
}

/// A page with a title and an explanation of the caller's own; the status is shown small beneath.
pub fn problem(shell: &Shell, status: u16, title: &str, detail: &str) -> String {
    let body = html! {
        h1 { (title) }
        p.lead { (detail) }
        p.hint { "HTTP " (status) }
    };
    card(shell, Page { title, script: false, help: false, body })
}
