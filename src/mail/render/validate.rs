//! What makes a template acceptable: its size, which parts it must have, and where its placeholders may stand.

use std::collections::HashSet;

use crate::mail::render::addresses::{self, LinkPolicy};
use crate::mail::render::html;
use crate::mail::render::problem::{MAX_SUBJECT, MAX_TEMPLATE, Part, Problem};
use crate::mail::template::{Piece, Template, default_of, pieces};
use crate::model::mail::TemplateType;
use crate::model::mail_template::TenantTemplate;

/// The most placeholders of one part that are named as unknown or misplaced.
const MOST_NAMED: usize = 20;

/// Looks a tenant's template over before it is stored, `kind` being `None` for a type of the tenant's own. An empty answer
/// means that all is well; see [`Problem::refuses`]. One that is too large is not looked at further.
#[must_use]
pub fn validate(kind: Option<TemplateType>, own: &TenantTemplate, policy: &LinkPolicy) -> Vec<Problem> {
    if own.bytes() - own.subject.len() > MAX_TEMPLATE {
        return vec![Problem::TooLong];
    }
    if own.subject.len() > MAX_SUBJECT {
        return vec![Problem::LongSubject];
    }
    validate_parts(kind, &Template::from(own), policy)
}

/// Looks a template over, whatever its size.
#[must_use]
pub fn validate_parts(kind: Option<TemplateType>, template: &Template, policy: &LinkPolicy) -> Vec<Problem> {
    let required = kind.map_or(&[][..], TemplateType::required_placeholders);
    let mut problems = addresses::problems(template, policy);
    if template.subject.trim().is_empty() {
        problems.push(Problem::Empty(Part::Subject));
    }
    if template.html.trim().is_empty() {
        problems.push(Problem::Empty(Part::Html));
    }
    for (part, source) in
        [(Part::Subject, &template.subject), (Part::Html, &template.html), (Part::Text, &template.text)]
    {
        let mut names: HashSet<&str> = HashSet::new();
        let mut unknown = 0;
        for piece in pieces(source) {
            let Piece::Placeholder { name, .. } = piece else { continue };
            if names.insert(name) && default_of(name).is_none() && unknown < MOST_NAMED {
                unknown += 1;
                problems.push(Problem::Unknown(part, name.to_owned()));
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
            let misplaced = html::misplaced(source).into_iter().take(MOST_NAMED);
            problems.extend(misplaced.map(|name| Problem::NotThere(part, name)));
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
        let policy = LinkPolicy::default();
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
            let problems = validate_parts(Some(ask), &template(html, text), &policy);
            let refuses = |problem: &&Problem| problem.refuses() && !problem.is_unsafe();
            assert_eq!(problems.iter().filter(refuses).count(), refused, "{html}, {text}");
        }
        assert_eq!(validate_parts(Some(TemplateType::AccountActivationSuccess), &template("done", ""), &policy), []);
        let no_subject = Template { subject: " ".into(), ..template("{{invitation-link}}", "") };
        assert_eq!(validate_parts(Some(ask), &no_subject, &policy), [Problem::Empty(Part::Subject)]);
        assert_eq!(validate_parts(None, &template("no link, no matter", ""), &policy), []);
    }

    #[test]
    fn unknown_and_misplaced_placeholders_are_named() {
        let odd = template("{{invitation-link}}{{nobody}}{{nobody}}{{user.claim.any}}<p {{user-name}}>{{7*7}}", "");
        let problems = validate_parts(Some(TemplateType::AskPassword), &odd, &LinkPolicy::default());
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
