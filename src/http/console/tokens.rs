//! API tokens on the console.

use ::http::StatusCode;
use maud::Markup;

use crate::access::api_tokens::{self, CreateError, grantable};
use crate::base::scope::Scopes;
use crate::http::console::submission::{self, Done};
use crate::http::console::{Console, read_form};
use crate::http::error::ApiError;
use crate::http::request::Input;
use crate::http::response::Response;
use crate::pages::console::form::Problem;
use crate::pages::console::tokens::{self as pages, NewToken, TokenRow};
use crate::pages::console::{Section, page};

const NAME: &str = "Tokens";
const PATH: &str = "/console/tokens";

/// `GET /console/tokens`.
pub fn list(input: Input) -> Result<Response, ApiError> {
    let console = Console::new(&input.state.ctx, &input.headers, Section::Tokens);
    let new = NewToken { operation: "", name: "", scopes: Scopes::default(), days: "90" };
    let body = body(&console, &new, &[])?;
    Ok(console.page(NAME, &body))
}

fn body(console: &Console, new: &NewToken<'_>, problems: &[Problem]) -> Result<Markup, ApiError> {
    let ctx = &console.ctx;
    let rows: Vec<TokenRow> = api_tokens::list(ctx)?
        .into_iter()
        .map(|listed| TokenRow {
            id: listed.token.id,
            name: listed.token.name,
            scopes: listed.token.scopes,
            created_by: listed.created_by,
            expires_at: listed.token.expires_at,
            last_used: listed.last_used,
        })
        .collect();
    let operation = console.new_submission();
    let new = NewToken { operation: &operation, ..*new };
    Ok(pages::tokens(&console.frame(), &rows, ctx.platform.clock.now(), grantable(ctx), &new, problems))
}

/// `POST /console/tokens`: answers the page with the token's text itself, which is nowhere afterwards. Sent twice, the form
/// says that the token is made.
pub fn create(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, body: sent, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Tokens);
    let form = read_form(sent)?;
    let text = |name: &str| form.read_text(name).unwrap_or_default();
    let (name, days) = (text("name"), text("days"));
    let scopes: Scopes = Scopes::all().scopes().filter(|scope| form.read_text(scope.as_str()).is_some()).collect();

    submission::once(&console, &form, || {
        let lifetime = days.trim().parse().map_or(0.0, |days: u16| f64::from(days));
        match api_tokens::create(&console.ctx, &name, scopes, lifetime) {
            Ok(created) => {
                let body = pages::created(&console.frame(), &created.token.name, created.text.expose());
                let html = page(&console.frame(), NAME, &[], &body);
                Ok(Ok(Done::shown(
                    PATH,
                    "The token is made: it was shown once.",
                    console.html(StatusCode::CREATED, html),
                )))
            }
            Err(CreateError::Database(failure)) => Err(failure.into()),
            Err(error) => {
                let field = match error {
                    CreateError::Name => "name",
                    CreateError::Days => "days",
                    CreateError::Scopes | CreateError::Tenants | CreateError::Beyond(_) => "scopes",
                    CreateError::TooMany | CreateError::Database(_) => "",
                };
                let problems = [Problem::of(field, in_words(&error))];
                let new = NewToken { operation: "", name: &name, scopes, days: &days };
                let body = body(&console, &new, &problems)?;
                Ok(Err(console.refused(NAME, &problems, &body)))
            }
        }
    })
}

/// Returns what is wrong as the form says it, which has labels where the API has names.
fn in_words(error: &CreateError) -> String {
    match error {
        CreateError::Name => "Type a name of 1 to 64 characters that says what the token is for.".to_owned(),
        CreateError::Scopes => "Choose at least one scope.".to_owned(),
        CreateError::Days => "Type a number of days from 1 to 3650.".to_owned(),
        other => other.to_string(),
    }
}

/// `POST /console/tokens/{id}/revoke`.
pub fn revoke(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, params, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Tokens);
    let is_gone = api_tokens::revoke(&console.ctx, &params.decoded("id"))?;
    let what = if is_gone { "The token is revoked." } else { "The token was revoked already." };
    Ok(console.done(PATH, what))
}
