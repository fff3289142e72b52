//! What a style sheet loads.

use crate::mail::render::addresses::judge::may_be_loaded;
use crate::mail::render::addresses::marks::{Marks, is_mark};

/// What runs scripts, in the style sheets of some programs.
const SCRIPTS: &[&str] = &["expression(", "-moz-binding", "behavior:", "behaviour:"];

/// What is wrong with a style sheet.
pub(super) enum StyleProblem {
    /// It loads this.
    Loads(String),
    /// It has this, which runs scripts.
    Script(&'static str),
    /// It holds tags.
    Tag,
}

/// Returns what is wrong with a style sheet, or with an attribute of style.
pub(super) fn problems(css: &str, marks: &Marks<'_>) -> Vec<StyleProblem> {
    let css = unescaped(css);
    let lower = css.to_ascii_lowercase();
    let mut found = Vec::new();
    let squeezed: String = lower.chars().filter(|c| !c.is_whitespace()).collect();
    found
        .extend(SCRIPTS.iter().filter(|script| squeezed.contains(**script)).map(|script| StyleProblem::Script(script)));
    let bytes = lower.as_bytes();
    if bytes.windows(2).any(|two| two[0] == b'<' && (two[1].is_ascii_alphabetic() || two[1] == b'/')) {
        found.push(StyleProblem::Tag);
    }
    let mut check = |address: &str| {
        let address = address.trim_matches(|c: char| matches!(c, '"' | '\'') || c.is_whitespace());
        if !may_be_loaded(address, marks) {
            found.push(StyleProblem::Loads(marks.show(address)));
        }
    };
    // What begins inside of an address is part of it, so that nothing is read twice.
    let mut from = 0;
    while let Some(at) = lower[from..].find("url(").map(|at| from + at + 4) {
        let end = css[at..].find(')').map_or(css.len(), |end| at + end);
        check(&css[at..end]);
        from = end;
    }
    // `@import "…"`, `image-set("…")`: whatever stands in quotation marks and could be an address.
    for text in strings(&css) {
        let has_scheme =
            text.split_once(':').is_some_and(|(scheme, _)| scheme.chars().all(|c| c.is_ascii_alphanumeric()));
        if text.contains("//") || (has_scheme && !text.contains(' ')) {
            check(text);
        }
    }
    found
}

/// What stands in quotation marks, outside of comments and addresses.
fn strings(css: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = css;
    while let Some(at) = rest.find(['"', '\'', '/', '(']) {
        let after = &rest[at + 1..];
        rest = match rest.as_bytes()[at] {
            b'/' => match after.strip_prefix('*') {
                Some(comment) => comment.split_once("*/").map_or("", |(_, after)| after),
                None => after,
            },
            b'(' => {
                let is_address =
                    rest[..at].get(at.saturating_sub(3)..).is_some_and(|name| name.eq_ignore_ascii_case("url"));
                let is_bare = !after.trim_start().starts_with(['"', '\'']);
                if is_address && is_bare { after.split_once(')').map_or("", |(_, after)| after) } else { after }
            }
            quote => {
                let end = after.find([char::from(quote), '\n']).unwrap_or(after.len());
                found.push(&after[..end]);
                after.get(end + 1..).unwrap_or_default()
            }
        };
    }
    found
}

/// A style sheet with its escapes read (CSS Syntax, section 4.3.7).
fn unescaped(css: &str) -> String {
    let mut out = String::with_capacity(css.len());
    let mut rest = css;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let digits = rest.bytes().take(6).take_while(u8::is_ascii_hexdigit).count();
        if digits == 0 {
            // The next character stands for itself, a line end for nothing.
            rest = rest.strip_prefix('\n').unwrap_or(rest);
            continue;
        }
        let code = u32::from_str_radix(&rest[..digits], 16).ok().and_then(char::from_u32);
        out.push(code.filter(|c| !is_mark(*c)).unwrap_or(char::REPLACEMENT_CHARACTER));
        rest = &rest[digits..];
        rest = rest.strip_prefix([' ', '\n', '\t']).unwrap_or(rest);
    }
    out.push_str(rest);
    out
}
