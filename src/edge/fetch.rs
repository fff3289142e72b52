//! Other people's servers: the `HttpClient` port over `fetch`, the `EmailBinding` port over a `send_email` binding.

use std::time::Duration;

use host::{Message, Operation};

use crate::ports::{EmailBinding, EmailError, HttpClient, HttpError};

/// How a call has ended, here and in `host.js`.
const ANSWERED: f64 = 0.0;
const TIMED_OUT: f64 = 1.0;

/// Adds headers to a message, as `host.js` reads them.
pub fn write_headers(message: &mut Message, headers: &http::HeaderMap) {
    message.address(headers.len());
    for (name, value) in headers {
        message.write_text(name.as_str());
        message.write_text(value.to_str().unwrap_or_default());
    }
}

/// `fetch`.
pub struct Fetch;

impl HttpClient for Fetch {
    fn send(&self, request: http::Request<Vec<u8>>, timeout: Duration) -> Result<http::Response<Vec<u8>>, HttpError> {
        let (parts, body) = request.into_parts();
        let mut message = Message::default();
        message.number(timeout.as_millis() as f64);
        message.write_text(parts.method.as_str());
        message.write_text(&parts.uri.to_string());
        write_headers(&mut message, &parts.headers);
        message.bytes(&body);
        let mut reply = host::call(Operation::Fetch, &message);
        match reply.number() {
            ANSWERED => {}
            TIMED_OUT => return Err(HttpError::Timeout),
            _ => return Err(HttpError::Failed(reply.text().to_owned())),
        }
        let mut answer = http::Response::builder().status(u16::try_from(reply.count()).unwrap_or_default());
        for _ in 0..reply.count() {
            let name = reply.text().to_owned();
            answer = answer.header(name, reply.text());
        }
        answer.body(reply.into_bytes()).map_err(|error| HttpError::Failed(error.to_string()))
    }
}

/// A `send_email` binding.
pub struct Email;

impl EmailBinding for Email {
    fn send(&self, mail: &serde_json::Value, timeout: Duration) -> Option<Result<String, EmailError>> {
        let mut message = Message::default();
        message.number(timeout.as_millis() as f64);
        message.write_text(&mail.to_string());
        let mut reply = host::call(Operation::Email, &message);
        match reply.number() {
            ANSWERED => Some(Ok(reply.text().to_owned())),
            TIMED_OUT => None,
            _ => Some(Err(EmailError(reply.text().to_owned()))),
        }
    }
}
