//! A form that is sent twice is carried out once: by the operation's id in it. The second answer leads to where the first
//! one led, and says the same.

use crate::http::console::Console;
use crate::http::error::ApiError;
use crate::http::form::Form;
use crate::http::response::Response;
use crate::pages::console::form::OPERATION;
use crate::store::submissions::{self, Begun};

/// The result of a form that was carried out: the path of the console that follows, and what was done.
pub struct Done {
    /// The path, without the tenant's prefix.
    pub path: String,
    /// The message.
    pub message: String,
    /// The answer, where it is another than the redirect to that page.
    shown: Option<Response>,
}

impl Done {
    /// What was done is said on the page that follows.
    pub fn then(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), shown: None }
    }

    /// What was done is shown now and never again; sent twice, the form leads to `path`.
    pub fn shown(path: &str, message: &str, response: Response) -> Self {
        Self { shown: Some(response), ..Self::then(path, message) }
    }

    /// Returns the answer.
    pub fn into_response(self, console: &Console) -> Response {
        self.shown.unwrap_or_else(|| console.done(&self.path, &self.message))
    }
}

/// Carries a form out once. `act` answers what was done, or else the page that says why not: then the form can be sent
/// again.
pub fn once<F>(console: &Console, form: &Form, act: F) -> Result<Response, ApiError>
where
    F: FnOnce() -> Outcome,
{
    // What follows is compiled once, and not for each form.
    carry_out(console, form, Box::new(act))
}

/// What was done, or the page that says why not.
type Outcome = Result<Result<Done, Response>, ApiError>;

fn carry_out(console: &Console, form: &Form, act: Box<dyn FnOnce() -> Outcome + '_>) -> Result<Response, ApiError> {
    let id = form
        .read_text(OPERATION)
        .filter(|id| uuid::Uuid::try_parse(id).is_ok())
        .ok_or_else(|| ApiError::bad_request("The form is incomplete: open its page again, and send it from there."))?;
    let ctx = &console.ctx;
    match submissions::begin(ctx, &id)? {
        Begun::Now => {}
        Begun::Done { path, message } => return Ok(console.done(&path, &message)),
        Begun::Elsewhere => {
            return Err(ApiError::conflict("The form was sent twice, and is being carried out: look in a moment."));
        }
    }
    match act() {
        Ok(Ok(done)) => {
            submissions::finish(ctx, &id, &done.path, &done.message)?;
            Ok(done.into_response(console))
        }
        Ok(Err(refused)) => {
            submissions::forget(ctx, &id)?;
            Ok(refused)
        }
        Err(error) => {
            submissions::forget(ctx, &id)?;
            Err(error)
        }
    }
}
