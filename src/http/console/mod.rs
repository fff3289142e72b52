//! The console: its pages' forms and links, on top of the rooms that the HTTP interfaces call too. It decides nothing.
//!
//! | module | what it answers |
//! |---|---|
//! | `sign_in` | signing in and out |
//! | `home` | the first page |
//! | `import` | importing a file |
//! | `kept` | a form that came when the session was over |
//! | `add_user` | adding a user |
//! | `user` | one user, and what is done to them |
//! | `tokens` | API tokens |
//! | `users` | the list of users |
//! | `jobs` | actions on many users |
//! | `mail` | the outbox |
//! | `audit` | the audit |
//! | `settings`, `branding` | the tenant's settings |
//! | `deployment_toml` | WSO2's settings, pasted |
//! | `tenants` | the tenants |
//! | `groups` | groups and their members |
//! | `templates` | mail templates |
//! | `message` | what the next page says that the request has done |
//! | `submission` | a form that was sent twice is carried out once |

pub mod add_user;
pub mod audit;
pub mod branding;
mod charts;
pub mod deployment_toml;
pub mod groups;
mod home;
pub mod import;
pub mod jobs;
pub mod kept;
pub mod mail;
mod message;
pub mod settings;
pub mod sign_in;
mod submission;
pub mod templates;
pub mod tenants;
pub mod tokens;
pub mod user;
pub mod users;

pub use home::home;

use std::sync::Arc;

use ::http::{HeaderMap, StatusCode};
use axum::response::Response;
use maud::Markup;

use crate::base::secret::Secret;
use crate::base::token::{Purpose, stated_purpose};
use crate::http::api::in_store_named;
use crate::http::body::RequestBody;
use crate::http::error::ApiError;
use crate::http::form::Form;
use crate::http::request::Query;
use crate::http::response::{self, set};
use crate::model::context::{Actor, Context, StoreContext};
use crate::model::resource::{Resource, USER};
use crate::model::settings::Settings;
use crate::model::user_stores::PRIMARY;
use crate::pages::console::form::Problem;
use crate::pages::console::listing::MAX_BACK;
use crate::pages::console::{Frame, Section, page, user_forms};
use crate::pages::layout::{CONSOLE_CONTENT_SECURITY_POLICY, Shell};
use crate::store::registrations::load_registry;
use scim::schema::ResourceType;

/// Whoever has signed in, and what their pages share.
struct Console {
    ctx: Context,
    section: Section,
    prefix: String,
    settings: Arc<Settings>,
    name: String,
    message: Option<String>,
    /// The page of the user whose deletion the message says.
    undo: Option<String>,
    /// The pages before this one of a list.
    back: Vec<String>,
}

impl Console {
    fn new(ctx: &Context, headers: &HeaderMap, section: Section) -> Self {
        let name = match &ctx.actor {
            Actor::Administrator(name) | Actor::RoleHolder { name, .. } => name.clone(),
            Actor::Anyone | Actor::User(_) | Actor::Token { .. } | Actor::System => String::new(),
        };
        Self {
            ctx: ctx.clone(),
            section,
            prefix: ctx.tenant.prefix(),
            settings: ctx.settings(),
            name,
            message: message::find(headers, &ctx.deployment),
            undo: None,
            back: Vec::new(),
        }
    }

    fn frame(&self) -> Frame<'_> {
        Frame {
            shell: Shell {
                prefix: &self.prefix,
                organization: &self.settings.organization_name,
                brand: Some(&self.settings),
                ..Shell::default()
            },
            section: self.section,
            name: &self.name,
            tenant: self.ctx.tenant.domain(),
            scopes: self.ctx.scopes,
            message: self.message.as_deref(),
            title: None,
            undo: self.undo.as_deref(),
            is_live: false,
            back: &self.back,
        }
    }

    /// Returns a path below the tenant's prefix.
    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// Returns the domains to choose from; none where PRIMARY is the only one.
    fn domains(&self) -> Vec<String> {
        let others: Vec<String> = self.ctx.deployment.user_stores.iter().map(|store| store.domain.clone()).collect();
        if others.is_empty() { others } else { [vec![PRIMARY.to_owned()], others].concat() }
    }

    /// Returns the user store of a domain; PRIMARY where it is empty.
    ///
    /// # Errors
    /// There is no such domain.
    fn store(&self, domain: &str) -> Result<StoreContext, ApiError> {
        in_store_named(&self.ctx, Some(domain).filter(|domain| !domain.is_empty()))
    }

    /// Keeps the newest of the pages before, for a list's "Previous".
    fn keep_back(&mut self, query: &Query) {
        self.back = query.pairs().filter(|(name, _)| name == "back").map(|(_, cursor)| cursor.into_owned()).collect();
        self.back.drain(..self.back.len().saturating_sub(MAX_BACK));
    }

    /// Has the page say that the cursor in its address leads nowhere.
    fn say_that_it_is_the_first(&mut self) {
        self.message = Some("The page that was asked for is not there any more: this is the first.".to_owned());
    }

    /// Returns a page: 200.
    fn page(&self, name: &str, body: &Markup) -> Response {
        self.html(StatusCode::OK, page(&self.frame(), name, &[], body))
    }

    /// Returns a page that comes again in a while, for as long as it is one of these: 200.
    fn live_page(&self, name: &str, body: &Markup) -> Response {
        let frame = Frame { is_live: true, ..self.frame() };
        self.html(StatusCode::OK, page(&frame, name, &[], body))
    }

    /// Returns a page whose form was not carried out, with what is wrong: 422.
    fn refused(&self, name: &str, problems: &[Problem], body: &Markup) -> Response {
        self.html(StatusCode::UNPROCESSABLE_ENTITY, page(&self.frame(), name, problems, body))
    }

    /// Returns a page that is whole. It shows the message, which is not to be shown again.
    fn html(&self, status: StatusCode, html: String) -> Response {
        let mut response = response::page(status, html);
        set(response.headers_mut(), "content-security-policy", CONSOLE_CONTENT_SECURITY_POLICY);
        if self.message.is_some() {
            message::forget(&mut response, &self.ctx.deployment);
        }
        response
    }

    /// Returns a 303 to a path of the console, whose page says what was done.
    fn done(&self, path: &str, what: &str) -> Response {
        let mut response = response::see_other(&self.at(path));
        message::keep(&mut response, &self.ctx.deployment, what);
        response
    }

    /// Returns a 303 to a path of the console, which says what there is to say.
    fn see_other(&self, path: &str) -> Response {
        response::see_other(&self.at(path))
    }

    /// Returns the id for a form that is about to be shown.
    fn new_submission(&self) -> String {
        self.ctx.platform.new_id().to_string()
    }
}

/// Returns the domain that the query string names; empty where it names none.
fn chosen_domain(query: &Query) -> String {
    query.filled("domain").unwrap_or_default().to_ascii_uppercase()
}

/// Returns the resource type of users, with the tenant's own extensions.
async fn user_type(ctx: &Context) -> Result<Arc<ResourceType>, ApiError> {
    let registry = load_registry(ctx).await?;
    registry.resource_type(USER).cloned().ok_or_else(ApiError::not_found)
}

/// Returns the page that shows the link of a code, which goes to the caller in place of a mail. It is shown once.
fn handed_over(console: &Console, status: StatusCode, user: &Resource, code: &Secret) -> Response {
    let page_of_link = match stated_purpose(code.expose()) {
        Some(Purpose::VerifyEmail) => "verify",
        Some(purpose) if purpose.resets_password() => "reset",
        _ => "invite",
    };
    let address = format!("{}/{page_of_link}/{}", console.ctx.base(), code.expose());
    let name = user.user_name();
    let body = user_forms::link(&console.frame(), &user.id, &name, &address);
    console.html(status, page(&console.frame(), &format!("Link for {name}"), &[], &body))
}

/// Reads a form of the console.
///
/// # Errors
/// 413, or 400 for one with a file that is not whole.
async fn read_form(body: RequestBody) -> Result<Form, ApiError> {
    body.console_form("The form is too large.").await
}

/// What a room refuses becomes a problem of the form, if it is the sender's to mend; else it is an error still.
///
/// # Errors
/// Those that are not the sender's.
fn as_problem(error: impl Into<ApiError>) -> Result<Problem, ApiError> {
    let error = error.into();
    match error.detail() {
        Some(detail) if error.status().is_client_error() && error.status() != StatusCode::TOO_MANY_REQUESTS => {
            Ok(Problem::general(detail))
        }
        _ => Err(error),
    }
}
