//! The console's first page.

use ::http::StatusCode;
use axum::response::Response;

use crate::http::console::Console;
use crate::http::error::ApiError;
use crate::http::request::Input;
use crate::pages::console::{Section, home as pages};

/// `GET /console`.
pub async fn home(input: Input) -> Result<Response, ApiError> {
    let ctx = &input.state.ctx;
    let console = Console::new(ctx, &input.headers, Section::Dashboard);
    let html = pages::home(&console.frame(), ctx.settings().session_idle_seconds, ctx.deployment.is_development());
    Ok(console.html(StatusCode::OK, html))
}
