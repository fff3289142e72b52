//! Adding a user, invited or with a password.

use maud::{Markup, html};

use crate::base::web_address::form_target;
use crate::i18n::Language;
use crate::pages::console::form::{Field, Problem, checkbox, operation};
use crate::pages::console::{Frame, preview_text};

/// What was typed.
#[derive(Clone, Debug, Default)]
pub struct NewUser {
    /// `Domain`; empty for PRIMARY.
    pub domain: String,
    /// `Username`
    pub username: String,
    /// Whether the person is asked for the password.
    pub ask: bool,
    /// `Email Address`
    pub email: String,
    /// `First name`
    pub given_name: String,
    /// `Last name`
    pub family_name: String,
    /// `Language`: a locale; empty for the tenant's.
    pub locale: String,
    /// The names of the groups to join.
    pub groups: Vec<String>,
    /// `Invitation expires`: a date and a time; empty for the setting's.
    pub expires: String,
    /// Whether the address is to be confirmed, where the person is not asked.
    pub verify: bool,
}

/// What the page shows besides.
#[derive(Clone, Copy, Debug)]
pub struct AddUser<'a> {
    /// The operation's id.
    pub operation: &'a str,
    /// What was typed.
    pub typed: &'a NewUser,
    /// The user stores, PRIMARY first; a single one is no choice.
    pub domains: &'a [&'a str],
    /// The names of the groups that can be joined.
    pub groups: &'a [String],
    /// The locale of whoever has none.
    pub default_locale: &'a str,
    /// The time zone in which the end is typed.
    pub zone: &'a str,
    /// The same with what its clocks show now.
    pub zone_hint: &'a str,
    /// The end that the page shows, in milliseconds; empty for none.
    pub shown: &'a str,
    /// What will be sent to whom.
    pub consequence: &'a str,
    /// Subject and text of the mail.
    pub preview: Option<(&'a str, &'a str)>,
    /// What is wrong.
    pub problems: &'a [Problem],
}

/// The form.
#[must_use]
pub fn add_user(frame: &Frame, page: &AddUser) -> Markup {
    let AddUser { typed, problems, .. } = *page;
    let field = |name, label, value, hint| Field { name, label, value, hint, problems };
    let domains: Vec<(&str, &str)> = page.domains.iter().map(|domain| (*domain, *domain)).collect();
    let default = format!("The tenant’s ({})", page.default_locale);
    let languages: Vec<(&str, &str)> = std::iter::once(("", default.as_str()))
        .chain(Language::ALL.into_iter().map(|language| (language.locale(), in_english(language))))
        .collect();
    html! {
        @if let Some((subject, text)) = page.preview { (preview_text(subject, text)) }
        form method="post" action=[form_target(&frame.at("/console/users/new"))] novalidate {
            (operation(page.operation))
            @if domains.len() > 1 {
                (field("domain", "Domain", &typed.domain, "The user store that the user is kept in.").select(&domains))
            }
            (field("username", "Username", &typed.username, "The name to sign in with; it may be the e-mail address.").input("text"))
            (checkbox("ask", "Ask password from user", typed.ask))
            (field("email", "Email Address", &typed.email, "The invitation goes to it.").input("email"))
            (field("given_name", "First name", &typed.given_name, "(optional)").input("text"))
            (field("family_name", "Last name", &typed.family_name, "(optional)").input("text"))
            (field("locale", "Language", &typed.locale, "Of the mail, and of the page behind its link.").select(&languages))
            @if !page.groups.is_empty() {
                fieldset #groups {
                    legend { "Groups" }
                    @for (number, group) in page.groups.iter().enumerate() {
                        @let id = format!("group-{number}");
                        div.check {
                            input type="checkbox" id=(id) name="group" value=(group) checked[typed.groups.contains(group)];
                            label for=(id) { bdi { (group) } }
                        }
                    }
                }
            }
            (field("expires", "Invitation expires", &typed.expires, page.zone_hint).input("datetime-local"))
            input type="hidden" name="shown" value=(page.shown) data-zone=(page.zone);
            p.hint #ends role="status" {}
            fieldset {
                legend { "When the person is not asked" }
                (field("password", "Password", "", "").password())
                (field("confirm", "Confirm password", "", "").password())
                (checkbox("verify", "Verify email", typed.verify))
            }
            p.hint { (page.consequence) }
            div.actions {
                button type="submit" { "Finish" }
                button.plain type="submit" name="preview" value="1" { "Preview mail" }
            }
        }
    }
}

fn in_english(language: Language) -> &'static str {
    match language {
        Language::En => "English",
        Language::De => "German",
        Language::Es => "Spanish",
        Language::Fr => "French",
        Language::PtBr => "Portuguese (Brazil)",
        Language::Ja => "Japanese",
        Language::ZhCn => "Chinese (simplified)",
        Language::Ar => "Arabic",
    }
}
