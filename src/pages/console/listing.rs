//! What the console's lists share: their addresses, the links to their pages, and the choice of a user store.

use maud::{Markup, html};

use crate::pages::console::form::Field;

/// Returns the address of a list in this state; what is empty is left out.
#[must_use]
pub fn address(path: &str, state: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(state.iter().filter(|(_, value)| !value.is_empty()));
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// The links to the first page and to the next one: the lists' cursors lead onwards alone. `first` is given where the page is
/// not the first.
#[must_use]
pub fn pages(first: Option<&str>, next: Option<&str>) -> Markup {
    html! {
        @if first.is_some() || next.is_some() {
            nav.pages aria-label="Pages" {
                @if let Some(first) = first { a href=(first) { "First" } }
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
