//! The check of a template's addresses: whoever edits templates must not learn the links that are mailed, nor lead people
//! to a site of theirs (`docs/mail.md`, "Addresses in templates").
//!
//! `marks` puts a mark where each placeholder stands, `reader` reads the result as browsers do, `judge` looks at one
//! address, `styles` at a style sheet, `words` at text, of which mail programs make links by themselves. Where rendering
//! takes a place for something else than the parser does, the template is refused.

mod judge;
mod marks;
mod policy;
mod reader;
mod references;
mod styles;
#[cfg(test)]
mod tests;
mod words;

use crate::mail::render::addresses::judge::{Refusal, all_may_be_loaded, judge_link, may_be_loaded};
use crate::mail::render::addresses::marks::{Marks, is_mark};
use crate::mail::render::addresses::reader::{Reader, Token, with_line_feeds};
use crate::mail::render::addresses::styles::StyleProblem;
use crate::mail::render::html::Spot;
use crate::mail::render::plain;
use crate::mail::render::problem::{Part, Problem};
use crate::mail::template::Template;

pub use crate::mail::render::addresses::policy::LinkPolicy;

/// The most problems that are named: a template that has them all is not mended by a longer list.
const MOST_PROBLEMS: usize = 20;

/// Elements that no template has: forms, scripts, what changes or embeds other pages, and what is read by rules of its own.
const FORBIDDEN: &[&str] = &[
    "script",
    "base",
    "form",
    "input",
    "textarea",
    "select",
    "isindex",
    "keygen",
    "iframe",
    "frame",
    "frameset",
    "object",
    "embed",
    "applet",
    "param",
    "portal",
    "fencedframe",
    "svg",
    "math",
    "xmp",
    "noembed",
    "noframes",
    "plaintext",
    "listing",
];
/// Attributes that no template has; and all that begin with `on`.
const FORBIDDEN_ATTRIBUTES: &[&str] = &["action", "formaction", "ping", "srcdoc", "attributionsrc", "xml:base"];
/// Attributes of an address that people follow.
const LINKS: &[&str] = &["href", "cite", "longdesc"];
/// Elements whose `href` is loaded.
const LOADS_HREF: &[&str] = &["link", "image", "use", "imagedata", "fill"];
/// Attributes of an address that is loaded.
const LOADS: &[&str] = &[
    "src",
    "background",
    "poster",
    "data",
    "lowsrc",
    "dynsrc",
    "classid",
    "codebase",
    "archive",
    "manifest",
    "profile",
    "usemap",
    "icon",
    "code",
    "object",
];
/// Attributes of several such addresses.
const LOADS_SEVERAL: &[&str] = &["srcset", "imagesrcset"];
/// Elements that end no word of the text around them.
const INLINE: &[&str] = &[
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img",
    "ins", "kbd", "label", "mark", "nobr", "o:p", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup",
    "time", "tt", "u", "var", "wbr", "center", "button", "meta", "link", "style", "title", "noscript", "template",
    "picture", "source",
];

/// Returns what is wrong with the addresses of a template.
#[must_use]
pub fn problems(template: &Template, policy: &LinkPolicy) -> Vec<Problem> {
    let Template { subject, html, text } = template;
    let mut check = Check { part: Part::Subject, policy, marks: Marks::default(), found: Vec::new() };
    let marked = check.marks.mark_text(subject);
    check.words(&marked);
    check.part = Part::Html;
    let marked = check.marks.mark_html(html);
    check.html(&marked, 0);
    if text.trim().is_empty() {
        // The text part that is made of it puts words together in its own way.
        check.words(&plain::from_html(&marked));
    } else {
        check.part = Part::Text;
        let marked = check.marks.mark_text(text);
        check.words(&marked);
    }
    check.found
}

/// A check of one template.
struct Check<'t> {
    part: Part,
    policy: &'t LinkPolicy,
    marks: Marks<'t>,
    found: Vec<Problem>,
}

impl<'t> Check<'t> {
    fn report(&mut self, problem: Problem) {
        if self.found.len() < MOST_PROBLEMS && !self.found.contains(&problem) {
            self.found.push(problem);
        }
    }

    /// Looks at text as mail programs do.
    fn words(&mut self, text: &str) {
        for (mark, around) in words::leaks(text, &self.marks) {
            self.report(Problem::Leak(self.part, mark.name.to_owned(), around));
        }
    }

    /// Looks at HTML with marks; `depth` says how many comments of Outlook's it stands in.
    fn html(&mut self, marked: &str, depth: usize) {
        let mut words = String::new();
        let mut is_style = false;
        for token in Reader::new(&with_line_feeds(marked)) {
            match token {
                Token::Start { name, attributes } => {
                    is_style = name == "style";
                    let alt = attributes.iter().filter(|(attribute, _)| attribute == "alt");
                    alt.for_each(|(_, alt)| words.push_str(alt));
                    self.element(&name, &attributes);
                    end_word(&mut words, &name);
                }
                Token::End { name } => {
                    is_style = false;
                    end_word(&mut words, &name);
                }
                Token::Text(css) if is_style => {
                    self.spots(&css, Spot::Style);
                    self.style(&css);
                }
                Token::Text(text) => {
                    self.spots(&text, Spot::Text);
                    words.push_str(&text);
                }
                Token::Comment(comment) => self.comment(&comment, depth),
            }
        }
        self.words(&words);
    }

    /// Looks at a comment. Those of Outlook's hold HTML, where its own programs read them.
    fn comment(&mut self, comment: &str, depth: usize) {
        let condition = comment.trim_start();
        if condition.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("[if")) && depth < 3 {
            let inside = condition.split_once('>').map_or("", |(_, inside)| inside);
            return self.html(inside, depth + 1);
        }
        self.spots(comment, Spot::Text);
        self.words(comment);
    }

    fn element(&mut self, name: &str, attributes: &[(String, String)]) {
        let local_name = |name: &str| name.rsplit(':').next().unwrap_or_default().to_owned();
        let element = local_name(name);
        if FORBIDDEN.contains(&element.as_str()) {
            self.report(Problem::Forbidden(self.part, format!("<{name}>")));
        }
        self.spots_of_names(name);
        for (attribute, value) in attributes {
            self.spots_of_names(attribute);
            self.spots(value, Spot::Attribute);
            let local = local_name(attribute);
            let local = local.as_str();
            let is_refresh = local == "http-equiv"
                && !["content-type", "x-ua-compatible", "content-language"]
                    .iter()
                    .any(|known| value.trim().eq_ignore_ascii_case(known));
            if local.starts_with("on") || FORBIDDEN_ATTRIBUTES.contains(&attribute.as_str()) || is_refresh {
                let shown =
                    if is_refresh { self.marks.show(&format!("{attribute}=\"{value}\"")) } else { attribute.clone() };
                self.report(Problem::Forbidden(self.part, shown));
            } else if attribute == "style" {
                self.style(value);
            } else if local == "href" && LOADS_HREF.contains(&element.as_str()) || LOADS.contains(&local) {
                if !may_be_loaded(value, &self.marks) {
                    self.report(Problem::Loads(self.part, self.marks.show(value)));
                }
            } else if LOADS_SEVERAL.contains(&local) {
                if !all_may_be_loaded(value, &self.marks) {
                    self.report(Problem::Loads(self.part, self.marks.show(value)));
                }
            } else if LINKS.contains(&local) {
                match judge_link(value, &self.marks, self.policy) {
                    Ok(()) => {}
                    Err(Refusal::Foreign) => self.report(Problem::Foreign(self.part, self.marks.show(value))),
                    Err(Refusal::Leak(mark)) => {
                        self.report(Problem::Leak(self.part, mark.name.to_owned(), self.marks.show(value)));
                    }
                }
            } else {
                self.words(value);
            }
        }
    }

    fn style(&mut self, css: &str) {
        for problem in styles::problems(css, &self.marks) {
            self.report(match problem {
                StyleProblem::Loads(address) => Problem::Loads(self.part, address),
                StyleProblem::Script(script) => Problem::Forbidden(self.part, format!("{script} in a style")),
                StyleProblem::Tag => Problem::Forbidden(self.part, "a tag inside a style".to_owned()),
            });
        }
    }

    /// Names placeholders that rendering takes to stand elsewhere.
    fn spots(&mut self, text: &str, spot: Spot) {
        let elsewhere = self.marks.among(text).find(|mark| mark.spot != spot);
        if let Some(mark) = elsewhere {
            self.report(Problem::Ambiguous(self.part, mark.name.to_owned()));
        }
    }

    fn spots_of_names(&mut self, name: &str) {
        if let Some(mark) = name.chars().find(|c| is_mark(*c)).and_then(|c| self.marks.find(c)) {
            self.report(Problem::Ambiguous(self.part, mark.name.to_owned()));
        }
    }
}

/// Ends the word that is being read, where an element does.
fn end_word(words: &mut String, element: &str) {
    if !INLINE.contains(&element) {
        words.push('\n');
    }
}
