//! `/hooks/mail/{provider}`: what each provider may tell, and what nobody else may (attacks.md, 24).

mod attacks;
mod events;
mod keys;
mod other_mails;
mod vendors;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use latchkey::ports::{Clock, HttpClient, HttpError};
use serde_json::{Value, json};

use crate::support::{App, Reply};
use vendors::{CERTIFICATE, Hook, Vendor};

/// What the world outside answers: Resend takes every mail, SNS and MailChannels hand out their keys.
#[derive(Default)]
pub struct Outside {
    pub asked: Mutex<Vec<String>>,
    pub down: Mutex<bool>,
}
impl HttpClient for Outside {
    fn send(&self, request: Request<Vec<u8>>, _: Duration) -> Result<Response<Vec<u8>>, HttpError> {
        let url = request.uri().to_string();
        self.asked.lock().unwrap().push(url.clone());
        if *self.down.lock().unwrap() {
            return Err(HttpError::Timeout);
        }
        let answer = |status: u16, body: &str| Ok(Response::builder().status(status).body(body.into()).unwrap());
        if url.ends_with("/emails") {
            return answer(200, r#"{"id":"resend-mail"}"#);
        }
        match url.as_str() {
            vendors::CERTIFICATE_URL => answer(200, CERTIFICATE),
            vendors::SUBSCRIBE_URL => answer(200, "<ConfirmSubscriptionResponse/>"),
            vendors::KEY_URL => answer(200, &json!({ "id": "mckey", "key": vendors::mailchannels_key() }).to_string()),
            _ => answer(404, ""),
        }
    }
}

/// An App that has mail of every provider, and what is outside of it.
pub fn app() -> (App, Arc<Outside>) {
    app_with(&[])
}

pub fn app_with(more: &[(&str, &str)]) -> (App, Arc<Outside>) {
    let secrets = Vendor::ALL.map(|vendor| (vendor.variable(), vendor.secret()));
    let mut variables = vec![("MAIL_PROVIDER", "resend"), ("MAIL_API_KEY", "re_secret")];
    variables.extend(more);
    variables.extend(secrets.iter().map(|(name, secret)| (name.as_str(), secret.as_str())));
    let mut app = App::with(&variables);
    let outside = Arc::new(Outside::default());
    app.platform.http = outside.clone();
    (app, outside)
}

/// Invites somebody by a mail of `vendor`, and answers the user's id.
pub fn invited(app: &App, vendor: Vendor, user_name: &str) -> String {
    let id = app.invite(user_name)["id"].as_str().unwrap().to_owned();
    app.deliver();
    taken_by(app, vendor, &id);
    id
}

/// As if `vendor` had taken the mail to this user.
pub fn taken_by(app: &App, vendor: Vendor, user: &str) {
    let sql = "UPDATE outbox SET provider = ?1, provider_id = ?2 WHERE user_id = ?3 AND state = 'sent'";
    let taken = (vendor.name(), vendor.answered(user), user);
    let changed = app.native.sqlite.with(|connection| connection.execute(sql, taken).unwrap());
    assert_eq!(changed, 1, "a mail was sent");
}

pub fn now(app: &App) -> i64 {
    app.native.clock.now() / 1000
}

pub fn post(app: &App, vendor: Vendor, hook: &Hook) -> Reply {
    post_to(app, &format!("/hooks/mail/{}", vendor.name()), hook)
}

pub fn post_to(app: &App, path: &str, hook: &Hook) -> Reply {
    let mut request = Request::post(path);
    for (name, value) in &hook.headers {
        request = request.header(*name, value);
    }
    app.send(request.body(Bytes::from(hook.body.clone())).unwrap())
}

/// The invitation as its user shows it.
pub fn delivery(app: &App, user: &str) -> Value {
    let user = app.admin("GET", &format!("/scim2/Users/{user}"), "").json();
    user["urn:latchkey:params:scim:schemas:extension:invitation:2.0:User"]["delivery"].clone()
}

/// State and last error of the mail to this user.
pub fn mail(app: &App, user: &str) -> (String, String) {
    let sql = "SELECT state, COALESCE(last_error, '') FROM outbox WHERE user_id = ?1 ORDER BY id DESC";
    app.native
        .sqlite
        .with(|connection| connection.query_row(sql, [user], |row| Ok((row.get(0)?, row.get(1)?))).unwrap())
}
