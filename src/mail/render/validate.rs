//! What makes a template acceptable: which parts it must have, and where its placeholders may stand.

use std::fmt;

use crate::mail::render::html;
use crate::mail::template::{Piece, Template, default_of, pieces};
use crate::model::mail::TemplateType;

/// A part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// subject line
    Subject,
    /// HTML part
    Html,
    /// text part
    Text,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Subject => "subject",
            Self::Html => "body",
            Self::Text => "text part",
        })
    }
}

/// Something wrong with a template. `Display` says it in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A part that must not be empty is.
    Empty(Part),
    /// A part is longer than a template may be.
    TooLong(Part),
    /// The mail would have no link; one of these placeholders is needed.
    NoLink(Part, &'static [&'static str]),
    /// Nobody knows this placeholder; it would stay in the mail as written.
    Unknown(Part, String),
    /// A value is not put into such a place (inside a script, among attribute names; a link, into what is loaded); it will be
    /// left out.
    NotThere(Part, String),
    /// No user can have this claim; nothing will stand there.
    NoClaim(Part, String),
    /// This claim is known, and no mail carries it; nothing will stand there.
    NotCarried(Part, String),
}

impl Problem {
    /// Whether the template must not be used. The others are warnings.
    pub fn refuses(&self) -> bool {
        matches!(self, Self::Empty(_) | Self::TooLong(_) | Self::NoLink(..))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty(part) => write!(f, "The {part} is empty."),
            Self::TooLong(part) => write!(f, "The {part} is longer than {} bytes.", longest(*part)),
            Self::NoLink(part, names) => {
                write!(f, "The {part} has no link: it needs {{{{{}}}}}.", names.join("}} or {{"))
            }
            Self::Unknown(part, name) => {
                write!(f, "The {part} names {{{{{name}}}}}, which has no value and will be left as it is.")
            }
            Self::NoClaim(part, claim) => {
                write!(
                    f,
                    "The {part} names {{{{user.claim.{claim}}}}}, which is no attribute of a user: nothing will stand there."
                )
            }
            Self::NotCarried(part, claim) => {
                write!(
                    f,
                    "The {part} names {{{{user.claim.{claim}}}}}, which a mail does not carry: nothing will stand there."
                )
            }
            Self::NotThere(part, name) => {
                write!(f, "The {part} uses {{{{{name}}}}} where no value may stand, and it will be left out.")
            }
        }
    }
}

/// The longest a part of a template may be, in bytes.
const fn longest(part: Part) -> usize {
    match part {
        Part::Subject => 1024,
        Part::Html | Part::Text => 256 * 1024,
    }
}

/// Looks a template over before it is stored, `kind` being `None` for a type of the tenant's own. An empty answer means
/// that all is well; see [`Problem::refuses`].
pub fn validate(kind: Option<TemplateType>, template: &Template) -> Vec<Problem> {
    let required = kind.map_or(&[][..], TemplateType::required_placeholders);
    let mut problems = Vec::new();
    if template.subject.trim().is_empty() {
        problems.push(Problem::Empty(Part::Subject));
    }
    if template.html.trim().is_empty() {
        problems.push(Problem::Empty(Part::Html));
    }
    for (part, source) in
        [(Part::Subject, &template.subject), (Part::Html, &template.html), (Part::Text, &template.text)]
    {
        if source.len() > longest(part) {
            problems.push(Problem::TooLong(part));
            continue;
        }
        let mut names: Vec<&str> = Vec::new();
        for piece in pieces(source) {
            let Piece::Placeholder { name, .. } = piece else { continue };
            if !names.contains(&name) {
                names.push(name);
                if default_of(name).is_none() {
                    problems.push(Problem::Unknown(part, name.to_owned()));
                }
            }
        }
        // In HTML, only where a reader finds it: not in a comment, a style or a script.
        let has_link = required.is_empty()
            || match part {
                Part::Html => html::visible(source).iter().any(|name| required.contains(&name.as_str())),
                _ => required.iter().any(|name| names.contains(name)),
            };
        if part != Part::Subject && !source.trim().is_empty() && !has_link {
            problems.push(Problem::NoLink(part, required));
        }
        if part == Part::Html {
            problems.extend(html::misplaced(source).into_iter().map(|name| Problem::NotThere(part, name)));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(html: &str, text: &str) -> Template {
        Template { subject: "x".into(), html: html.into(), text: text.into() }
    }

    #[test]
    fn a_template_without_its_link_is_refused() {
        let ask = TemplateType::AskPassword;
        for (html, text, refused) in [
            ("{{invitation-link}}", "", 0),
            ("{{invitation-link}}", "{{invitation-link}}", 0),
            ("{{invitation-link}}", "no link", 1),
            ("{{url:confirmation-code}}", "", 0),
            ("{{confirmation-link}}", "", 1),
            ("Invitation-link", "text", 2),
            ("", "{{invitation-link}}", 1),
            ("<!-- {{invitation-link}} -->", "", 1),
            ("<style>{{invitation-link}}</style>", "", 1),
            ("<script>'{{invitation-link}}'</script>", "", 1),
            ("<img alt='{{invitation-link}}'>", "", 1),
            ("<img src='{{invitation-link}}'>", "", 1),
            ("<link href='{{invitation-link}}'>", "", 1),
            ("<a href='{{invitation-link}}'>x</a>", "", 0),
            ("<a href={{url:invitation-link}}>x</a>", "", 0),
            ("<!--[if mso]><a href='{{invitation-link}}'>x</a><![endif]-->", "", 0),
        ] {
            let problems = validate(Some(ask), &template(html, text));
            assert_eq!(problems.iter().filter(|problem| problem.refuses()).count(), refused, "{html}, {text}");
        }
        assert_eq!(validate(Some(TemplateType::AccountActivationSuccess), &template("done", "")), []);
        let no_subject = Template { subject: " ".into(), ..template("{{invitation-link}}", "") };
        assert_eq!(validate(Some(ask), &no_subject), [Problem::Empty(Part::Subject)]);
        let huge = template(&"{{invitation-link}}".repeat(20_000), "");
        assert_eq!(validate(Some(ask), &huge), [Problem::TooLong(Part::Html)]);
        assert_eq!(validate(None, &template("no link, no matter", "")), []);
    }

    #[test]
    fn unknown_and_misplaced_placeholders_are_named() {
        let odd = template("{{invitation-link}}{{nobody}}{{nobody}}{{user.claim.any}}<p {{user-name}}>{{7*7}}", "");
        let problems = validate(Some(TemplateType::AskPassword), &odd);
        assert_eq!(
            problems,
            [Problem::Unknown(Part::Html, "nobody".into()), Problem::NotThere(Part::Html, "user-name".into())]
        );
        assert!(problems.iter().all(|problem| !problem.refuses()));
        assert!(problems[0].to_string().contains("{{nobody}}"), "{}", problems[0]);
        let no_link = Problem::NoLink(Part::Text, TemplateType::AskPassword.required_placeholders());
        assert_eq!(
            no_link.to_string(),
            "The text part has no link: it needs {{invitation-link}} or {{confirmation-code}}."
        );
    }
}
