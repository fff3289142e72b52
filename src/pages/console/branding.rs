//! The parts of the branding's form that other settings have none of: the logo, and the preview.

use maud::{Markup, html};

use crate::model::logo::Logo;
use crate::model::settings::LOGO;
use crate::pages::console::Frame;
use crate::pages::console::form::Problem;

/// The box that takes the logo away.
pub const REMOVE_LOGO: &str = "remove-logo";
/// The name of the button that asks for a preview.
pub const PREVIEW: &str = "preview";

/// What the form shows of the logo.
#[derive(Clone, Debug, Default)]
pub struct LogoField {
    /// The logo: the one that people see, or the one that was chosen.
    pub logo: Option<Logo>,
    /// Whether people see it already.
    pub is_shown: bool,
    /// Whether it is to be removed.
    pub remove: bool,
}

/// The field of the logo.
#[must_use]
pub fn logo_field(frame: &Frame, field: &LogoField, problems: &[Problem]) -> Markup {
    let problem = problems.iter().find(|problem| problem.field == LOGO);
    let described = if problem.is_some() { "logo-hint logo-problem" } else { "logo-hint" };
    html! {
        div.field {
            label for=(LOGO) { "Logo" }
            p.hint #logo-hint {
                "A PNG, JPEG or WebP picture of up to 256 KiB and 2,048 pixels each way. It stands on white, beside the name."
            }
            @if let Some(problem) = problem { p.wrong #logo-problem { (problem.text) } }
            @if let Some(logo) = &field.logo {
                @let (width, height) = logo.shown(160, 48);
                p { img.logo src={ (frame.at(&logo.path())) } alt="The logo" width=(width) height=(height); }
                @if !field.is_shown { input type="hidden" name=(LOGO) value=(logo.version); }
            }
            input type="file" id=(LOGO) name=(LOGO) accept="image/png,image/jpeg,image/webp" aria-describedby=(described)
                aria-invalid=[problem.map(|_| "true")];
            @if field.is_shown {
                div.check {
                    input type="checkbox" id=(REMOVE_LOGO) name=(REMOVE_LOGO) checked[field.remove];
                    label for=(REMOVE_LOGO) { "Remove the logo" }
                }
            }
        }
    }
}

/// What people will see: the addresses of a page and of a mail, each in a frame.
#[must_use]
pub fn preview(page: &str, mail: &str) -> Markup {
    html! {
        section aria-labelledby="preview" {
            h2 #preview { "Preview" }
            p.hint { "Nothing is saved yet. Light or dark is as your browser has it." }
            h3 { "Page" }
            iframe src=(page) title="The page of an invitation" sandbox="" height="640" {}
            h3 { "Mail" }
            iframe src=(mail) title="The mail of an invitation" sandbox="" height="640" {}
        }
    }
}
