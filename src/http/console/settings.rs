//! The tenant's settings on the console.

use maud::Markup;

use crate::http::console::branding::{self, LogoChange};
use crate::http::console::submission::{self, Done};
use crate::http::console::{Console, read_form};
use crate::http::error::ApiError;
use crate::http::form::Form;
use crate::http::request::Input;
use crate::http::response::Response;
use crate::model::settings::{self, Kind, SETTINGS, Setting, Values};
use crate::pages::console::Section;
use crate::pages::console::branding::PREVIEW;
use crate::pages::console::form::Problem;
use crate::pages::console::settings::{self as pages, BRANDING, Extras, SettingRow, Source, label};
use crate::store::tenant_settings::{self, Change, ChangeError, forbidden};

const NAME: &str = "Settings";
const PATH: &str = "/console/settings";

/// `GET /console/settings`.
pub fn show(input: Input) -> Result<Response, ApiError> {
    let console = Console::new(&input.state.ctx, &input.headers, Section::Settings);
    let rows = rows(&console, &tenant_settings::own(&console.ctx)?);
    Ok(console.page(NAME, &body(&console, &rows, &shown_extras(&console), &[])))
}

/// Returns what the page shows besides the settings, as it is.
fn shown_extras(console: &Console) -> Extras {
    Extras { logo: branding::field(console, &LogoChange::Kept), preview: None }
}

/// Returns each setting with what holds, when the tenant overrides these.
fn rows(console: &Console, own: &Values) -> Vec<SettingRow> {
    let (deployment, tenant) = (&console.ctx.deployment, &console.ctx.tenant);
    let in_force = deployment.settings_of(tenant, own).values;
    let row = |setting: &Setting| {
        let value = in_force.get(setting.name).cloned().unwrap_or_default();
        let source = if own.contains_key(setting.name) {
            Source::Tenant
        } else if deployment.variables.contains_key(setting.name) && value == deployment.variables[setting.name] {
            Source::Deployment
        } else {
            Source::Default
        };
        SettingRow { setting: *setting, value: value.clone(), in_force: value, source }
    };
    SETTINGS.iter().map(row).collect()
}

fn body(console: &Console, rows: &[SettingRow], extras: &Extras, problems: &[Problem]) -> Markup {
    pages::settings(&console.frame(), rows, extras, &|| console.new_submission(), problems)
}

/// Takes what was typed for these settings over into the rows; answers what it changes, and what somebody else has changed
/// meanwhile.
fn compare(form: &Form, rows: &mut [SettingRow], of_section: &[Setting]) -> (Vec<Change>, Vec<Problem>) {
    let (mut changes, mut problems) = (Vec::new(), Vec::new());
    for row in rows.iter_mut().filter(|row| of_section.contains(&row.setting)) {
        let Some(typed) = typed(form, row.setting) else { continue };
        let was = form.read_text(&pages::was(row.setting.name)).unwrap_or_else(|| row.in_force.clone());
        if typed == was {
            continue;
        }
        row.value.clone_from(&typed);
        if row.in_force != was && row.in_force != typed {
            let name = row.setting.name;
            let shown = if row.in_force.is_empty() { "empty" } else { &row.in_force };
            problems.push(Problem::of(
                name,
                format!("{}: somebody has made it {shown} meanwhile. Save again to have it as typed.", label(name)),
            ));
        } else if row.in_force != typed {
            changes.push((row.setting.name.to_owned(), Some(typed)));
        }
    }
    (changes, problems)
}

/// Shows what the branding that was typed would look like. Nothing is saved but a logo that nobody is shown.
fn preview(console: &Console, form: &Form, of_section: &[Setting]) -> Result<Response, ApiError> {
    let own = tenant_settings::own(&console.ctx)?;
    let mut rows = rows(console, &own);
    let (changes, mut problems) = compare(form, &mut rows, of_section);
    if let Err(sentences) = tenant_settings::checked(&console.ctx.deployment, &console.ctx.tenant, &own, &changes) {
        problems.extend(sentences.iter().map(|text| problem(text)));
    }
    let logo = match branding::read(console, form)? {
        Ok(change) => change,
        Err(problem) => {
            problems.push(problem);
            LogoChange::Kept
        }
    };
    let mut extras = Extras { logo: branding::field(console, &logo), preview: None };
    if !problems.is_empty() {
        return Ok(console.refused(NAME, &problems, &body(console, &rows, &extras, &problems)));
    }
    extras.preview = Some(branding::preview_of(console, &rows, &logo));
    Ok(console.page(NAME, &body(console, &rows, &extras, &[])))
}

/// `POST /console/settings`: saves a section. What its form did not change is left as it is; what somebody else has changed
/// meanwhile is shown before it is changed again.
pub fn save(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, body: sent, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Settings);
    let form = read_form(sent)?;
    let section = form.read_text("section").unwrap_or_default();
    let of_section = pages::of_section(&section).ok_or_else(|| ApiError::bad_request("There is no such section."))?;
    let has_logo = section == BRANDING;
    if has_logo && form.read_text(PREVIEW).is_some() {
        return preview(&console, &form, &of_section);
    }

    submission::once(&console, &form, || {
        let mut rows = rows(&console, &tenant_settings::own(&console.ctx)?);
        let (changes, mut problems) = compare(&form, &mut rows, &of_section);
        let mut logo = LogoChange::Kept;
        if has_logo {
            match branding::read(&console, &form)? {
                Ok(change) => logo = change,
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() && !changes.is_empty() {
            match tenant_settings::change(&console.ctx, &changes) {
                Ok(()) => {}
                Err(ChangeError::Database(failure)) => return Err(failure.into()),
                Err(ChangeError::Forbidden(name)) => problems.push(Problem::of(name, in_words(&forbidden(name)))),
                Err(ChangeError::Invalid(sentences)) => problems.extend(sentences.iter().map(|text| problem(text))),
            }
        }
        if !problems.is_empty() {
            let extras = Extras { logo: branding::field(&console, &logo), preview: None };
            let body = body(&console, &rows, &extras, &problems);
            return Ok(Err(console.refused(NAME, &problems, &body)));
        }
        let logo = branding::save(&console, &logo)?;
        Ok(Ok(Done::then(PATH, said(&section, &changes, logo))))
    })
}

/// Returns what the form holds for a setting. A box that is not checked is not sent.
fn typed(form: &Form, setting: Setting) -> Option<String> {
    let text = form.read_text(setting.name);
    match setting.kind {
        Kind::Boolean => Some(text.is_some_and(|text| text != "false").to_string()),
        Kind::Integer | Kind::Text => text.map(|text| text.trim().to_owned()),
    }
}

pub(super) fn said(section: &str, changes: &[Change], more: Option<&str>) -> String {
    let mut each: Vec<String> = changes
        .iter()
        .filter_map(|(name, value)| {
            let value = match value.as_deref().unwrap_or_default() {
                "" => "empty",
                "true" => "on",
                "false" => "off",
                value => value,
            };
            Some(format!("{} is now {value}", label(settings::known(name)?)))
        })
        .collect();
    each.extend(more.map(str::to_owned));
    if each.is_empty() { format!("{section}: nothing was changed.") } else { format!("Saved: {}.", each.join("; ")) }
}

/// Returns the problem of the setting whose name a sentence begins with.
pub(super) fn problem(sentence: &str) -> Problem {
    let name = sentence.split(' ').next().and_then(settings::known).unwrap_or_default();
    Problem::of(name, in_words(sentence))
}

/// Returns a sentence with the label in the place of the name that it begins with.
fn in_words(sentence: &str) -> String {
    match sentence.split_once(' ').and_then(|(name, rest)| Some((settings::known(name)?, rest))) {
        Some((name, rest)) => format!("{} {rest}", label(name)),
        None => sentence.to_owned(),
    }
}

/// `POST /console/settings/reset`: goes back to the deployment's value.
pub fn reset(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, body: sent, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Settings);
    let form = read_form(sent)?;
    let name = form.read_text("name").unwrap_or_default();
    let known = settings::known(&name).ok_or_else(|| ApiError::bad_request("There is no such setting."))?;
    match tenant_settings::change(&console.ctx, &[(known.to_owned(), None)]) {
        Ok(()) => {}
        // Another setting may hold it to less.
        Err(ChangeError::Invalid(sentences)) => {
            let problems: Vec<Problem> = sentences.iter().map(|text| problem(text)).collect();
            let rows = rows(&console, &tenant_settings::own(&console.ctx)?);
            return Ok(console.refused(NAME, &problems, &body(&console, &rows, &shown_extras(&console), &problems)));
        }
        Err(error) => return Err(error.into()),
    }
    let after = tenant_settings::own(&console.ctx)?;
    let value = rows(&console, &after).into_iter().find(|row| row.setting.name == known).map(|row| row.in_force);
    let value = value.filter(|value| !value.is_empty()).unwrap_or_else(|| "empty".to_owned());
    Ok(console.done(PATH, &format!("{} is the deployment’s again: {value}.", label(known))))
}
