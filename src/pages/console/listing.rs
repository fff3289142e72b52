//! What the console's lists share: their addresses, the links to their pages, and the choice of a user store.

use maud::{Markup, html};

use crate::pages::console::Frame;
use crate::pages::console::form::Field;

/// Returns the address of a list in this state; what is empty is left out.
#[must_use]
pub fn address(path: &str, state: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(state.iter().filter(|(_, value)| !value.is_empty()));
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// The pages back whose cursors an address keeps.
pub const MAX_BACK: usize = 20;

/// The links to the first page, to the one before and to the next one. The lists' cursors lead onwards alone, so that an
/// address carries those of the pages before, each behind a dot (`back`). `first` is the address of the first page, `cursor` that of
/// this one, which is empty for the first.
#[must_use]
pub fn pages(frame: &Frame, first: &str, cursor: &str, next: Option<&str>) -> Markup {
    let to = |cursor: &str, back: &[String]| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(Some(("cursor", cursor)).filter(|_| !cursor.is_empty()));
        query.extend_pairs(back.iter().map(|cursor| ("back", cursor)));
        let query = query.finish();
        let mark = if first.contains('?') { "&" } else { "?" };
        if query.is_empty() { first.to_owned() } else { [first, mark, &query].concat() }
    };
    let previous = frame.back.split_last().filter(|_| !cursor.is_empty());
    let previous = previous.map(|(last, before)| to(last.strip_prefix('.').unwrap_or_default(), before));
    let next = next.map(|next| to(next, &[frame.back, &[format!(".{cursor}")]].concat()));
    html! {
        @if !cursor.is_empty() || next.is_some() {
            nav.pages aria-label="Pages" {
                @if !cursor.is_empty() { a href=(first) { "First" } }
                @if let Some(previous) = previous { a href=(previous) rel="prev" { "Previous" } }
                @if let Some(next) = next { a href=(next) rel="next" { "Next" } }
            }
        }
    }
}

/// The choice of a user store, where there are several.
#[must_use]
pub fn domain(domains: &[String], chosen: &str) -> Markup {
    let options: Vec<(&str, &str)> = domains.iter().map(|domain| (domain.as_str(), domain.as_str())).collect();
    html! {
        @if !domains.is_empty() {
            (Field { name: "domain", label: "Domain", value: chosen, hint: "", problems: &[] }.select(&options))
        }
    }
}
