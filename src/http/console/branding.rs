//! The branding on the console's page of settings: the logo that comes with its form, and the preview before it is saved.

use ::http::StatusCode;
use axum::response::Response;
use maud::Markup;

use crate::http::console::Console;
use crate::http::error::ApiError;
use crate::http::form::Form;
use crate::http::request::{Input, Query};
use crate::http::response::{self, set};
use crate::mail::render::{self, shipped};
use crate::model::logo::Logo;
use crate::model::mail::TemplateType;
use crate::model::settings::{self, LOGO, Settings};
use crate::pages::console::branding::{LogoField, REMOVE_LOGO, preview};
use crate::pages::console::form::Problem;
use crate::pages::console::settings::{BRANDING, SettingRow, of_section};
use crate::pages::inbox;
use crate::pages::invite::{SetPasswordPage, set_password};
use crate::pages::layout::{FRAMED_POLICY, Shell};
use crate::store::{logos, tenant_settings};

/// What a form does about the logo.
#[derive(Debug, PartialEq, Eq)]
pub enum LogoChange {
    /// Nothing.
    Kept,
    /// It is not shown any more.
    Removed,
    /// This one is shown, which is stored already.
    New(Logo),
}

/// Where the frames of a preview are.
const FRAMES: &str = "/console/settings/branding";

/// Reads what a form does about the logo. A file that it brings is stored, and not shown yet.
///
/// # Errors
/// The database's. The problem within is the file's.
pub(super) async fn read(console: &Console, form: &Form) -> Result<Result<LogoChange, Problem>, ApiError> {
    let ctx = &console.ctx;
    if let Some((_, bytes)) = form.file(LOGO) {
        return match Logo::of(bytes) {
            Ok(logo) => {
                logos::keep(ctx, &logo, bytes).await?;
                Ok(Ok(LogoChange::New(logo)))
            }
            Err(why) => Ok(Err(Problem::of(LOGO, why))),
        };
    }
    if form.read_text(REMOVE_LOGO).is_some() {
        return Ok(Ok(LogoChange::Removed));
    }
    // What an earlier preview has stored.
    let chosen = form.read_text(LOGO).and_then(|version| Logo::parse(&version));
    let shown = ctx.settings().logo.clone();
    Ok(match chosen.filter(|chosen| Some(chosen) != shown.as_ref()) {
        None => Ok(LogoChange::Kept),
        Some(chosen) => match logos::find(ctx, &chosen.version).await? {
            Some((logo, _)) if logo == chosen => Ok(LogoChange::New(logo)),
            _ => Err(Problem::of(LOGO, "The logo is not there any more: choose its file again.")),
        },
    })
}

/// Shows what a form said about the logo; answers it in words.
pub(super) async fn save(console: &Console, change: &LogoChange) -> Result<Option<&'static str>, ApiError> {
    let ctx = &console.ctx;
    Ok(match change {
        LogoChange::Kept => None,
        LogoChange::Removed if ctx.settings().logo.is_none() => None,
        LogoChange::Removed => {
            tenant_settings::change_logo(ctx, None).await?;
            Some("The logo is removed")
        }
        LogoChange::New(logo) => {
            tenant_settings::change_logo(ctx, Some(&logo.version)).await?;
            Some("The logo is new")
        }
    })
}

/// Returns what the form shows of the logo.
pub(super) fn field(console: &Console, change: &LogoChange) -> LogoField {
    let shown = console.ctx.settings().logo.clone();
    LogoField {
        logo: match change {
            LogoChange::New(logo) => Some(logo.clone()),
            LogoChange::Kept | LogoChange::Removed => shown.clone(),
        },
        is_shown: !matches!(change, LogoChange::New(_)) && shown.is_some(),
        remove: *change == LogoChange::Removed,
    }
}

/// Returns the preview of these settings.
pub(super) fn preview_of(console: &Console, rows: &[SettingRow], change: &LogoChange) -> Markup {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for setting in of_section(BRANDING).unwrap_or_default() {
        if let Some(row) = rows.iter().find(|row| row.setting == setting) {
            query.append_pair(setting.name, &row.value);
        }
    }
    match change {
        LogoChange::New(logo) => drop(query.append_pair(LOGO, &logo.version)),
        LogoChange::Removed => drop(query.append_pair(LOGO, "")),
        LogoChange::Kept => {}
    }
    let query = query.finish();
    let frame = |what: &str| console.at(&format!("{FRAMES}/{what}?{query}"));
    preview(&frame("page"), &frame("mail"))
}

/// `GET /console/settings/branding/page`: the page that an invited person gets, by the settings in the query.
pub async fn page(input: Input) -> Result<Response, ApiError> {
    let ctx = &input.state.ctx;
    let settings = typed(&input, &input.query);
    let prefix = ctx.tenant.prefix();
    let shell = Shell {
        prefix: &prefix,
        locale: &settings.default_locale,
        organization: &settings.organization_name,
        support: settings.support().unwrap_or_default(),
        brand: Some(&settings),
    };
    let min_length = settings.password_min_length as usize;
    let html = set_password(&SetPasswordPage {
        shell,
        action: "",
        user_name: "paul",
        min_length,
        is_reset: false,
        problems: &[],
    });
    let mut response = response::page(StatusCode::OK, html);
    set(response.headers_mut(), "content-security-policy", FRAMED_POLICY);
    set(response.headers_mut(), "x-frame-options", "SAMEORIGIN");
    Ok(response)
}

/// `GET /console/settings/branding/mail`: the shipped invitation, by the settings in the query.
pub async fn mail(input: Input) -> Result<Response, ApiError> {
    let ctx = &input.state.ctx;
    let settings = typed(&input, &input.query);
    let template = render::shipped(TemplateType::AskPassword, &settings.default_locale);
    let mut values = render::sample_values(&settings.default_locale, &settings.organization_name);
    let color = settings.brand_color.map(|color| color.to_string()).unwrap_or_default();
    render::set_brand(&mut values, &color, settings.logo.as_ref(), &ctx.base());
    values.set("support-email", settings.support().unwrap_or_default());
    let mail = render::render(&shipped::with_logo(template, settings.logo.as_ref()), &values)
        .map_err(|why| ApiError::too_large(why.to_string()))?;
    let mut response = response::page(StatusCode::OK, inbox::frame(&mail.html));
    set(response.headers_mut(), "content-security-policy", inbox::FRAME_POLICY);
    set(response.headers_mut(), "x-frame-options", "SAMEORIGIN");
    Ok(response)
}

/// Returns the tenant's settings with those of the query in their place. What is malformed is as the deployment has it.
fn typed(input: &Input, query: &Query) -> Settings {
    let ctx = &input.state.ctx;
    let present = ctx.settings();
    let mut values: settings::Values = present.values.clone();
    for setting in of_section(BRANDING).unwrap_or_default() {
        if let Some(value) = query.first(setting.name) {
            values.insert(setting.name, value.trim().to_owned());
        }
    }
    let logo = query.first(LOGO).map(|version| Logo::parse(&version));
    let mut settings = ctx.deployment.settings_of(&ctx.tenant, &values);
    settings.logo = logo.unwrap_or_else(|| present.logo.clone());
    settings
}
