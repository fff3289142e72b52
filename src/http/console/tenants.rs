//! The tenants on the console: the super tenant's alone.

use axum::response::Response;
use maud::Markup;
use serde_json::json;

use crate::http::console::submission::{self, Done};
use crate::http::console::{Console, as_problem, read_form};
use crate::http::error::ApiError;
use crate::http::request::{Input, Query, RequestState};
use crate::http::wso2::tenants::in_super_tenant;
use crate::model::settings::EmailSender;
use crate::pages::console::Section;
use crate::pages::console::form::Problem;
use crate::pages::console::listing::address;
use crate::pages::console::tenants::{self as pages, NewTenantForm, TenantLine};
use crate::provision::tenant;
use crate::store::tenants::{self, TenantRow};
use crate::wso2::tenants as wso2;

const NAME: &str = "Tenants";
const PATH: &str = "/console/tenants";
const ROWS: u32 = 100;

/// `GET /console/tenants?cursor=`: from a domain on.
pub async fn list(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, query, .. } = input;
    let mut console = Console::new(in_super_tenant(&state)?, &headers, Section::Tenants);
    console.keep_back(&query);
    let cursor = query.filled("cursor").unwrap_or_default();
    let body = body(&console, &cursor, &NewTenantForm::default(), &[]).await?;
    Ok(console.page(NAME, &body))
}

async fn body(console: &Console, cursor: &str, new: &NewTenantForm, problems: &[Problem]) -> Result<Markup, ApiError> {
    let (rows, next) = tenants::after(&console.ctx, cursor, ROWS).await?;
    let lines: Vec<TenantLine> = rows.iter().map(line).collect();
    let id = console.new_submission();
    Ok(pages::tenants(&console.frame(), &lines, cursor, next.as_deref(), &id, new, problems))
}

fn line(row: &TenantRow) -> TenantLine {
    let owners = row.owners.as_array().into_iter().flatten();
    TenantLine {
        number: row.tenant.number(),
        domain: row.tenant.domain().to_owned(),
        active: row.active,
        is_super: row.tenant.is_super(),
        owners: owners.filter_map(|owner| owner["username"].as_str()).map(str::to_owned).collect(),
        created: row.created,
    }
}

/// `POST /console/tenants`: the owner is invited.
pub async fn create(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, body: sent, .. } = input;
    let console = Console::new(in_super_tenant(&state)?, &headers, Section::Tenants);
    let form = read_form(sent).await?;
    let text = |name: &str| form.read_text(name).unwrap_or_default().trim().to_owned();
    let new = NewTenantForm {
        domain: text("domain"),
        username: text("username"),
        email: text("email"),
        first_name: text("firstname"),
        last_name: text("lastname"),
    };
    let made = submission::once(&console, &form, async {
        match made(&console, &state, &new).await? {
            Ok(what) => Ok(Ok(Done::then(PATH, what))),
            Err(problems) => {
                let body = body(&console, "", &new, &problems).await?;
                Ok(Err(console.refused(NAME, &problems, &body)))
            }
        }
    });
    made.await
}

/// Creates the tenant as its API does; answers what was done, or what is wrong.
async fn made(
    console: &Console,
    state: &RequestState,
    new: &NewTenantForm,
) -> Result<Result<String, Vec<Problem>>, ApiError> {
    let mut problems = Vec::new();
    for (name, value, problem) in [
        ("domain", &new.domain, "Type the domain of the tenant, such as acme.com."),
        ("username", &new.username, "Type the user name of the owner."),
        ("email", &new.email, "Type the address to which the owner’s invitation goes."),
    ] {
        if value.is_empty() {
            problems.push(Problem::of(name, problem));
        }
    }
    let request = json!({
        "domain": new.domain,
        "owners": [{
            "username": new.username,
            "email": new.email,
            "firstname": new.first_name,
            "lastname": new.last_name,
            "provisioningMethod": "invite-via-email",
        }],
    });
    if !problems.is_empty() {
        return Ok(Err(problems));
    }
    let read = match wso2::read(&request) {
        Ok(read) => read,
        // All else is there.
        Err(error) => return Ok(Err(vec![Problem::of("domain", error.description)])),
    };
    let is_external =
        console.ctx.deployment.settings_of(&read.tenant, &Default::default()).email_sender == EmailSender::External;
    match tenant::create(&console.ctx, &state.gate, &read).await {
        Ok(_) if is_external => Ok(Ok(format!(
            "The tenant {} is created with the owner {}. No mail goes out (EMAIL_SENDER is external): hand them the link.",
            read.tenant.domain(),
            new.username
        ))),
        Ok(_) => Ok(Ok(format!(
            "The tenant {} is created, and {} is invited as its owner: the mail goes to {}.",
            read.tenant.domain(),
            new.username,
            new.email
        ))),
        Err(tenant::CreateTenantError::Exists) => {
            let problem = "There is a tenant of this domain already: choose another domain.";
            Ok(Err(vec![Problem::of("domain", problem)]))
        }
        Err(tenant::CreateTenantError::Owner(error)) => Ok(Err(vec![as_problem(error)?])),
        Err(other) => Ok(Err(vec![Problem::general(other.to_string())])),
    }
}

/// `POST /console/tenants/{id}/activate`.
pub async fn activate(input: Input) -> Result<Response, ApiError> {
    set_active(input, true).await
}

/// `POST /console/tenants/{id}/deactivate`.
pub async fn deactivate(input: Input) -> Result<Response, ApiError> {
    set_active(input, false).await
}

async fn set_active(input: Input, active: bool) -> Result<Response, ApiError> {
    let Input { state, headers, params, query, .. } = input;
    let console = Console::new(in_super_tenant(&state)?, &headers, Section::Tenants);
    let found = match params.raw("id").parse() {
        Ok(number) => tenants::find(&console.ctx, number).await?,
        Err(_) => None,
    };
    let Some(row) = found else { return Err(ApiError::missing("There is no such tenant.")) };
    if row.tenant.is_super() {
        return Err(ApiError::bad_request("The super tenant cannot be deactivated."));
    }
    let number = i64::try_from(row.tenant.number()).unwrap_or_default();
    tenants::set_active(&console.ctx, number, active).await?;
    let domain = row.tenant.domain();
    let what = if active {
        format!("{domain} is active: its people can sign in again, everywhere within a minute.")
    } else {
        format!("{domain} is deactivated: nobody gets in, everywhere within a minute. Its data stay.")
    };
    Ok(console.done(&back(&query), &what))
}

fn back(query: &Query) -> String {
    address(PATH, &[("cursor", &query.filled("cursor").unwrap_or_default())])
}
