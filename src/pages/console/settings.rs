//! The tenant's settings, in sections: what each means, what holds, and whose value that is.

use maud::{Markup, html};

use crate::base::web_address::form_target;
use crate::i18n::Language;
use crate::i18n::time::duration;
use crate::model::settings::{self, Kind, Setting};
use crate::pages::console::Frame;
use crate::pages::console::branding::{LogoField, PREVIEW, logo_field};
use crate::pages::console::form::{Field, Problem, operation};

/// Whose value of a setting holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The tenant's.
    Tenant,
    /// The deployment's.
    Deployment,
    /// Nobody has set one.
    Default,
}

/// A setting as the page shows it.
#[derive(Clone, Debug)]
pub struct SettingRow {
    /// Which it is.
    pub setting: Setting,
    /// What its field holds: the value in force, or what was typed.
    pub value: String,
    /// The value in force.
    pub in_force: String,
    /// Whose that is.
    pub source: Source,
}

/// How a setting is called and explained on the page.
#[derive(Clone, Copy, Debug)]
struct Words {
    name: &'static str,
    label: &'static str,
    help: &'static str,
}

const fn words(setting: Setting, label: &'static str, help: &'static str) -> Words {
    Words { name: setting.name, label, help }
}

/// A section: the heading above it, its own, and its settings. It is saved by itself.
struct Section {
    part: &'static str,
    name: &'static str,
    settings: &'static [Words],
}

/// The section with the logo.
pub const BRANDING: &str = "Branding";
const OTHERS: &str = "Other settings";

const SECTIONS: &[Section] = &[
    Section {
        part: "User Onboarding",
        name: "Ask Password",
        settings: &[
            words(
                settings::ENABLE_EMAIL_VERIFICATION,
                "Enable User Email Verification",
                "New people are asked for a password, or to confirm their address, by mail. Off, neither is done.",
            ),
            words(
                settings::ASK_PASSWORD_EMAIL_VALIDITY,
                "Ask password code expiry time",
                "Minutes for which the link of an invitation works; -1 never expires, 0 is dead at once. Links that were \
                 sent keep their end.",
            ),
            words(
                settings::LOCK_ON_CREATION,
                "Lock accounts until the password is set",
                "Off, an invited account is not locked; it has no password all the same.",
            ),
            words(
                settings::ASK_PASSWORD_ACCOUNT_ACTIVATION,
                "Mail on success",
                "Whoever has set their password gets a mail that says so.",
            ),
            words(
                settings::EMAIL_SENDER,
                "Sender of the links",
                "“internal”: Latchkey mails them. “external”: no mail; the code is in the answer, for callers who may see links.",
            ),
            words(
                settings::DISABLE_RANDOM_VALUE_FOR_CREDENTIALS,
                "Keep a password that is sent along",
                "On, somebody who is invited can sign in with the password of the request until they choose one.",
            ),
        ],
    },
    Section {
        part: "User Onboarding",
        name: "Email Verification",
        settings: &[
            words(
                settings::VERIFICATION_EMAIL_VALIDITY,
                "Email verification code expiry time",
                "Minutes for which the link to confirm an address works; -1 never expires, 0 is dead at once.",
            ),
            words(
                settings::EMAIL_UPDATE_VERIFICATION,
                "Verify a changed address",
                "A confirmed address stays in force until the new one is confirmed.",
            ),
        ],
    },
    Section {
        part: "Account Management",
        name: "Account Recovery",
        settings: &[
            words(
                settings::PASSWORD_RECOVERY,
                "Password recovery",
                "Whoever has forgotten their password is mailed a link to set a new one.",
            ),
            words(
                settings::RECOVERY_EMAIL_VALIDITY,
                "Recovery link expiry time",
                "Minutes for which a link to set a new password works; -1 never expires, 0 is dead at once.",
            ),
            words(
                settings::RECOVERY_NOTIFY_SUCCESS,
                "Notify on successful recovery",
                "Whoever has set a new password by such a link gets a mail that says so.",
            ),
            words(
                settings::RECOVERY_NOTIFY_FAILURE,
                "Notify when the account is locked",
                "Whoever asks for such a link while their account is locked gets a mail that says so.",
            ),
        ],
    },
    Section {
        part: "Organization",
        name: BRANDING,
        settings: &[
            words(settings::ORGANIZATION_NAME, "Organization name", "What mails and pages call the organization."),
            words(
                settings::BRAND_COLOR,
                "Colour",
                "Of buttons and links in mails and on pages, such as #17596a; it must be dark enough to be read on white. Empty: \
                 as shipped.",
            ),
            words(
                settings::BRAND_COLOR_DARK,
                "Colour on dark pages",
                "For browsers that are set to dark; it must be light enough to be read there. Empty: made of the colour above.",
            ),
            words(
                settings::SUPPORT_ADDRESS,
                "Support address",
                "Whom pages and mails name for help. Empty: the Reply-To address.",
            ),
            words(
                settings::SIGN_IN_URL,
                "Sign-in address",
                "Where people are sent once they have a password, such as https://app.example.com/. Empty: nowhere.",
            ),
        ],
    },
    Section {
        part: "Organization",
        name: "Language",
        settings: &[words(
            settings::DEFAULT_LOCALE,
            "Default language",
            "The language of mails and pages for people who have not said theirs, such as en_US or de.",
        )],
    },
    Section {
        part: "Organization",
        name: "Mails",
        settings: &[
            words(
                settings::TIME_ZONE,
                "Time zone",
                "Such as “Europe/Berlin”: in it, the end of an invitation is typed on the page “Add user”.",
            ),
            words(
                settings::REMINDER_DAYS,
                "Reminders",
                "Days after an invitation’s mail at which it is sent again to who has not accepted, such as “1,3,5”: up to \
                 three, for mails from now on. Empty: none.",
            ),
            words(settings::MAIL_REPLY_TO, "Reply-To address", "Where answers to mails go. Empty: to nobody."),
            words(
                settings::TEMPLATE_LINK_HOSTS,
                "Hosts for links in templates",
                "The hosts to which links in your own templates may lead, besides this one: names with commas between.",
            ),
        ],
    },
    Section {
        part: "Accounts",
        name: "Passwords",
        settings: &[
            words(settings::PASSWORD_MIN_LENGTH, "Least length of a password", "In characters, from 1 to 128."),
            words(
                settings::PASSWORD_HISTORY,
                "Last passwords that are refused",
                "How many of somebody’s last passwords they cannot take again, from 0 to 5.",
            ),
        ],
    },
    Section {
        part: "Accounts",
        name: "Console sessions",
        settings: &[
            words(
                settings::SESSION_IDLE_SECONDS,
                "Seconds a session lasts unused",
                "Whoever does nothing for so long is signed out.",
            ),
            words(
                settings::SESSION_MAX_SECONDS,
                "Seconds a session lasts at most",
                "So long after signing in, a session is over in any case.",
            ),
        ],
    },
    Section {
        part: "Operation",
        name: "Retention",
        settings: &[
            words(
                settings::AUDIT_RETENTION_DAYS,
                "Days the audit is kept",
                "Older rows are removed; 0 keeps all. To change it takes the scope audit as well.",
            ),
            words(
                settings::MAIL_RETENTION_DAYS,
                "Days mails are kept in the outbox",
                "Counted from when they were queued, for mails that have ended.",
            ),
        ],
    },
    Section {
        part: "Operation",
        name: "Limits",
        settings: &[words(
            settings::RATE_LIMITS,
            "Rate limits",
            "Such as “requests=on, mail-per-address=20/day, resends=10/day”. What is left out is as the default says.",
        )],
    },
    // What has no place above, under its own name.
    Section { part: "Operation", name: OTHERS, settings: &[] },
];

/// Returns the label of a setting; its name where it has none.
#[must_use]
pub fn label(name: &'static str) -> &'static str {
    find(name).map_or(name, |words| words.label)
}

fn find(name: &str) -> Option<&'static Words> {
    SECTIONS.iter().flat_map(|section| section.settings).find(|words| words.name == name)
}

/// Returns the settings of a section, which are saved together; `None` where there is no section of this name.
#[must_use]
pub fn of_section(name: &str) -> Option<Vec<Setting>> {
    let section = SECTIONS.iter().find(|section| section.name == name)?;
    let named = |wanted: &'static str| settings::SETTINGS.iter().find(|setting| setting.name == wanted).copied();
    Some(match section.name {
        OTHERS => settings::SETTINGS.iter().filter(|setting| find(setting.name).is_none()).copied().collect(),
        _ => section.settings.iter().filter_map(|words| named(words.name)).collect(),
    })
}

/// The name of the field that holds what was in force when the form was shown.
#[must_use]
pub fn was(name: &str) -> String {
    format!("was-{name}")
}

/// What the page shows besides the settings.
#[derive(Clone, Debug, Default)]
pub struct Extras {
    /// The logo.
    pub logo: LogoField,
    /// The preview of the branding; with one, its section is all that the page has.
    pub preview: Option<Markup>,
}

/// The page: a form for each section. `new_id` makes each form's id.
#[must_use]
pub fn settings(
    frame: &Frame,
    rows: &[SettingRow],
    extras: &Extras,
    new_id: &dyn Fn() -> String,
    problems: &[Problem],
) -> Markup {
    let action = frame.at("/console/settings");
    let reset = frame.at("/console/settings/reset");
    let mut part = "";
    html! {
        p { a href=(frame.at("/console/settings/deployment-toml")) { "Import deployment.toml" } }
        p.lead { "A change holds here at once, and everywhere within a minute." }
        @if extras.preview.is_some() { p { a href=(action) { "All settings" } } }
        @for section in SECTIONS.iter().filter(|section| extras.preview.is_none() || section.name == BRANDING) {
            @let names = of_section(section.name).unwrap_or_default();
            @let of_it: Vec<&SettingRow> = names.iter().filter_map(|setting| rows.iter().find(|row| row.setting == *setting)).collect();
            @if !of_it.is_empty() {
                @if std::mem::replace(&mut part, section.part) != section.part { h2 { (section.part) } }
                @let id = section.name.to_lowercase().replace(' ', "-");
                h3 id=(id) { (section.name) }
                @let with_file = (section.name == BRANDING).then_some("multipart/form-data");
                form method="post" action=[form_target(&action)] enctype=[with_file] novalidate aria-labelledby=(id) {
                    (operation(&new_id()))
                    input type="hidden" name="section" value=(section.name);
                    @for (position, row) in of_it.iter().enumerate() {
                        (field(row, problems))
                        @if position == 0 && with_file.is_some() { (logo_field(frame, &extras.logo, problems)) }
                    }
                    div.actions {
                        button type="submit" aria-describedby=(id) { "Save" }
                        @if with_file.is_some() { button.plain type="submit" name=(PREVIEW) value="on" { "Preview" } }
                    }
                }
                // Forms of their own: the first button of a form is what Enter presses.
                @for row in of_it.iter().filter(|row| row.source == Source::Tenant) {
                    form id={ "reset-" (row.setting.name) } method="post" action=[form_target(&reset)] {
                        input type="hidden" name="name" value=(row.setting.name);
                    }
                }
            }
        }
        @if let Some(preview) = &extras.preview { (preview) }
    }
}

fn field(row: &SettingRow, problems: &[Problem]) -> Markup {
    let name = row.setting.name;
    let label = label(name);
    let help = find(name).map_or("", |words| words.help);
    let hint = format!("{help} {}", in_force(row));
    let field = Field { name, label, value: &row.value, hint: hint.trim(), problems };
    html! {
        input type="hidden" name=(was(name)) value=(row.in_force);
        @if row.setting.kind == Kind::Boolean {
            div.field {
                div.check {
                    input type="checkbox" id=(name) name=(name) checked[row.value == "true"] aria-describedby={ (name) "-hint" };
                    label for=(name) { (label) }
                }
                p.hint id={ (name) "-hint" } { (hint.trim()) }
                @for problem in problems.iter().filter(|problem| problem.field == name) { p.wrong { (problem.text) } }
            }
        } @else if name == settings::EMAIL_SENDER.name {
            (field.select(&[("internal", "internal"), ("external", "external")]))
        } @else {
            (field.input("text"))
        }
        @if row.source == Source::Tenant {
            p {
                button.plain type="submit" form={ "reset-" (name) } aria-describedby={ (name) "-hint" } { "Reset" }
            }
        }
    }
}

/// Returns what holds, in words, and whose value it is.
fn in_force(row: &SettingRow) -> String {
    let value = match (row.in_force.as_str(), row.setting.kind) {
        ("", _) => "nothing".to_owned(),
        ("true", Kind::Boolean) => "on".to_owned(),
        ("false", Kind::Boolean) => "off".to_owned(),
        (value, _) => match in_seconds(row.setting.name, value) {
            Some(seconds) => format!("{value} ({})", duration(seconds, Language::En)),
            None => value.to_owned(),
        },
    };
    let source = match row.source {
        Source::Tenant => "the tenant’s own value",
        Source::Deployment => "the deployment’s value",
        Source::Default => "the default",
    };
    format!("In force: {value}, {source}.")
}

/// Returns the seconds that a value means, where it means some.
fn in_seconds(name: &str, value: &str) -> Option<i64> {
    let in_minutes = [
        settings::ASK_PASSWORD_EMAIL_VALIDITY.name,
        settings::VERIFICATION_EMAIL_VALIDITY.name,
        settings::RECOVERY_EMAIL_VALIDITY.name,
    ];
    let each = if in_minutes.contains(&name) {
        60
    } else if [settings::SESSION_IDLE_SECONDS.name, settings::SESSION_MAX_SECONDS.name].contains(&name) {
        1
    } else {
        return None;
    };
    value.parse::<i64>().ok()?.checked_mul(each).filter(|seconds| *seconds > 0)
}
