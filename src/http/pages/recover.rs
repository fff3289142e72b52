//! `/recover`: whoever has forgotten their password types an address or a name. The answer is the same for everybody.

use ::http::StatusCode;

use crate::http::body::TooLarge;
use crate::http::error::ApiError;
use crate::http::request::Input;
use crate::http::response;
use crate::http::response::Response;
use crate::invite::recovery::{self, MAX_TYPED};
use crate::model::context::Context;
use crate::model::settings::Settings;
use crate::pages::brand;
use crate::pages::layout::Shell;
use crate::pages::recover::{self as pages, FIELD};
use crate::store::tenant_settings;

/// Shows a page. Of a tenant that has no branding nothing is said: it would tell which tenants there are.
fn page(ctx: &Context, settings: &Settings, status: StatusCode, write: &dyn Fn(&Shell) -> String) -> Response {
    let brand = Some(settings).filter(|settings| settings.logo.is_some() || brand::style_path(settings).is_some());
    let shell = Shell {
        prefix: &ctx.tenant.prefix(),
        locale: &settings.default_locale,
        organization: brand.map_or("", |settings| &settings.organization_name),
        brand,
        ..Shell::default()
    };
    response::page(status, write(&shell))
}

fn action(ctx: &Context) -> String {
    format!("{}/recover", ctx.tenant.prefix())
}

/// `GET /recover`: the form.
pub fn show(input: Input) -> Result<Response, ApiError> {
    let ctx = &input.state.ctx;
    // A database that does not answer is no reason not to show the form.
    drop(tenant_settings::refresh(ctx));
    let settings = ctx.last_known_settings();
    if !settings.password_recovery {
        return Err(ApiError::not_found());
    }
    Ok(page(ctx, &settings, StatusCode::OK, &|shell| pages::recover(shell, &action(ctx), false)))
}

/// `POST /recover` with `username`.
pub fn request(input: Input) -> Result<Response, ApiError> {
    let ctx = &input.state.ctx;
    let form = input.body.form().map_err(|TooLarge| ApiError::too_large("The form is too large."))?;
    let settings = ctx.last_known_settings();
    if !settings.password_recovery {
        return Err(ApiError::not_found());
    }
    let typed = form.only(FIELD).filter(|typed| !typed.trim().is_empty() && typed.len() <= MAX_TYPED);
    let Some(typed) = typed else {
        return Ok(page(ctx, &settings, StatusCode::BAD_REQUEST, &|shell| pages::recover(shell, &action(ctx), true)));
    };
    let read = recovery::request(ctx, &typed)?;
    let settings = read.unwrap_or(settings);
    if !settings.password_recovery {
        return Err(ApiError::not_found());
    }
    Ok(page(ctx, &settings, StatusCode::OK, &pages::requested))
}
