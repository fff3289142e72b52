//! Mail templates: the list, and the editor of one with its preview.

use maud::{Markup, html};

use crate::base::web_address::form_target;
use crate::model::mail::TemplateType;
use crate::pages::console::Frame;
use crate::pages::console::form::{Field, Problem, operation};

/// A template as the list shows it.
#[derive(Clone, Debug)]
pub struct TemplateRow {
    /// Its type's name.
    pub kind: String,
    /// Its locale.
    pub locale: String,
    /// Whether it is the tenant's own.
    pub own: bool,
    /// The locales whose readers get it.
    pub readers: Vec<String>,
    /// Whether those get it for whose language there is no template.
    pub others: bool,
}

/// The list, and a form to begin a template in another language.
#[must_use]
pub fn templates(frame: &Frame, rows: &[TemplateRow], problems: &[Problem]) -> Markup {
    let path = frame.at("/console/templates");
    let kinds: Vec<(&str, &str)> = TemplateType::ALL.iter().map(|kind| (kind.name(), kind.name())).collect();
    html! {
        div.scroll role="region" aria-label="Templates" tabindex="0" {
            table {
                caption { "The templates that mails are written by" }
                thead { tr {
                    th scope="col" { "Template" } th scope="col" { "Whose" } th scope="col" { "Mail" } th scope="col" { "Written to" }
                } }
                tbody {
                    @for row in rows {
                        tr {
                            th scope="row" { a href={ (path) "/" (row.kind) "/" (row.locale) } { (row.kind) " " (row.locale) } }
                            td { @if row.own { span.state.good { "Own" } } @else { span.state { "Shipped" } } }
                            td { (TemplateType::parse(&row.kind).map_or("none that Latchkey sends", mail_of)) }
                            td { (written_to(row)) }
                        }
                    }
                }
            }
        }
        h2 { "Another language" }
        form.filters method="get" action=[form_target(&format!("{path}/new"))] novalidate {
            (Field { name: "type", label: "Type", value: "", hint: "", problems: &[] }.select(&kinds))
            (Field { name: "locale", label: "Language", value: "", hint: "Such as sv_SE or en_GB.", problems }.input("text"))
            button type="submit" { "Begin" }
        }
    }
}

fn written_to(row: &TemplateRow) -> String {
    let others = if row.others { "whoever reads another language" } else { "" };
    match (row.readers.is_empty(), row.others) {
        (true, false) => "nobody: another template takes its place".to_owned(),
        (true, true) => others.to_owned(),
        (false, false) => row.readers.join(", "),
        (false, true) => format!("{}, and {others}", row.readers.join(", ")),
    }
}

/// Returns which mail a template of this type is.
fn mail_of(kind: TemplateType) -> &'static str {
    match kind {
        TemplateType::AskPassword => "invitation to set a password",
        TemplateType::ResendAskPassword => "the same, sent again",
        TemplateType::AccountActivationSuccess => "the password is set",
        TemplateType::EmailConfirm => "request to confirm an address",
        TemplateType::ResendEmailConfirm => "the same, sent again",
        TemplateType::VerifyEmailOnUpdate => "request to confirm a changed address",
        TemplateType::ResendVerifyEmailOnUpdate => "the same, sent again",
        TemplateType::NotifyExistingEmailOnUpdate => "notice to the old address",
        TemplateType::PasswordReset => "link to set a new password",
        TemplateType::PasswordResetSuccess => "a new password is set",
        TemplateType::PasswordRecoveryFailure => "no new password: the account is locked",
        TemplateType::AdminForcedPasswordReset => "link to set a new password, asked for by an administrator",
    }
}

/// The parts of a template, as they are edited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// The subject line.
    pub subject: String,
    /// The HTML part.
    pub html: String,
    /// The text part.
    pub text: String,
}

/// A preview, with values made up.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The subject line.
    pub subject: String,
    /// The text part.
    pub text: String,
    /// The address of the HTML part; `None` where it could not be put anywhere.
    pub frame: Option<String>,
    /// What is wrong with the template, a sentence each.
    pub problems: Vec<String>,
}

/// A template that is edited.
#[derive(Clone, Debug)]
pub struct Editor<'a> {
    /// Its type's name.
    pub kind: &'a str,
    /// Its locale.
    pub locale: &'a str,
    /// The version in force; 0 where it is not the tenant's own.
    pub version: u32,
    /// Whether there is any in this locale.
    pub exists: bool,
    /// What the fields hold.
    pub parts: &'a Parts,
    /// What somebody else has saved meanwhile.
    pub theirs: Option<&'a Parts>,
    /// The preview that was asked for.
    pub preview: Option<&'a Shown>,
    /// The user name of whom the preview is written to; empty for somebody made up.
    pub person: &'a str,
    /// The placeholders of which one must stand in it.
    pub required: &'a [&'a str],
    /// All placeholders, and what each stands for.
    pub placeholders: &'a [(&'a str, &'a str)],
}

/// The editor. `new_id` makes each form's id.
#[must_use]
pub fn editor(frame: &Frame, page: &Editor, new_id: &dyn Fn() -> String, problems: &[Problem]) -> Markup {
    let path = frame.at(&format!("/console/templates/{}/{}", page.kind, page.locale));
    let field = |name, label, value, hint| Field { name, label, value, hint, problems };
    let whose = match (page.version, page.exists) {
        (0, true) => "This is the shipped template. Saving makes one of your own of it.",
        (0, false) => "There is no template in this language yet. Saving adds one; until then people get this one.",
        _ => "This is your own template.",
    };
    html! {
        p.lead {
            @if let Some(kind) = TemplateType::parse(page.kind) { "Mail: " (mail_of(kind)) ". " }
            (whose)
        }
        @if let Some(theirs) = page.theirs {
            section.problems {
                h2 { "Saved meanwhile by somebody else" }
                p { "Subject: " bdi { (theirs.subject) } }
                pre dir="auto" { (theirs.html) }
                pre dir="auto" { (theirs.text) }
            }
        }
        @if let Some(shown) = page.preview { (preview(shown, page.person)) }
        form method="post" action=[form_target(&path)] novalidate {
            (operation(&new_id()))
            input type="hidden" name="version" value=(page.version);
            (field("subject", "Subject", page.parts.subject.as_str(), "").input("text"))
            (field("html", "HTML", &page.parts.html, "").area(20))
            (field("text", "Text", &page.parts.text, "Empty: made from the HTML.").area(12))
            (field("person", "Preview for", page.person, "A user name. Empty: somebody made up.").input("text"))
            div.actions {
                button type="submit" { "Save" }
                button.plain type="submit" formaction=[form_target(&format!("{path}/preview"))] { "Preview" }
                button.plain type="submit" formaction=[form_target(&format!("{path}/test"))] { "Send test mail" }
            }
            p.hint { "The test mail goes to your own address, with values made up and a link that opens nothing." }
        }
        @if page.version > 0 {
            form method="post" action=[form_target(&format!("{path}/restore"))] {
                (operation(&new_id()))
                button.plain type="submit" { "Restore shipped" }
            }
        }
        h2 { "Placeholders" }
        @if !page.required.is_empty() {
            p { "One of these must stand in it: " @for name in page.required { code { "{{" (name) "}}" } " " } }
        }
        p { code { "{{user.claim.…}}" } " stands for a claim, " code { "{{url:…}}" } " for a value as addresses spell it." }
        dl {
            @for (name, meaning) in page.placeholders {
                dt { code { "{{" (name) "}}" } }
                dd { (meaning) }
            }
        }
    }
}

fn preview(shown: &Shown, person: &str) -> Markup {
    html! {
        section aria-labelledby="preview" {
            h2 #preview { "Preview" }
            p.hint {
                @if person.is_empty() { "With values made up. " } @else { "As it is written to " bdi { (person) } ". " }
                "Nothing is saved."
            }
            @if !shown.problems.is_empty() {
                div.problems role="alert" {
                    p { "What is wrong with it" }
                    ul { @for problem in &shown.problems { li { (problem) } } }
                }
            }
            h3 { "Subject" }
            p { bdi { (shown.subject) } }
            h3 { "HTML" }
            @if let Some(address) = &shown.frame {
                iframe src=(address) title="HTML of the mail" sandbox="allow-popups allow-popups-to-escape-sandbox" height="480" {}
                h3 { "On a phone" }
                iframe.phone src=(address) title="HTML of the mail on a phone" sandbox="allow-popups allow-popups-to-escape-sandbox" height="480" {}
            } @else {
                p { "The HTML cannot be shown now: ask for the preview again in a moment." }
            }
            h3 { "Text" }
            pre dir="auto" { (shown.text) }
        }
    }
}
