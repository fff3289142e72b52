//! Mail providers by script.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use latchkey::ports::{HttpClient, HttpError};

use crate::support::App;

/// What a provider answers.
pub type Answer = Result<http::Response<Vec<u8>>, HttpError>;

/// What the provider does with its `n`th request.
type Script = Box<dyn Fn(usize, &http::Request<Vec<u8>>) -> Answer + Send + Sync>;

/// A provider by script, which keeps what it was sent.
pub struct Provider {
    script: Script,
    calls: AtomicUsize,
    pub seen: Mutex<Vec<http::Request<Vec<u8>>>>,
}

impl Provider {
    pub fn new(script: impl Fn(usize, &http::Request<Vec<u8>>) -> Answer + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { script: Box::new(script), calls: AtomicUsize::new(0), seen: Mutex::default() })
    }
}
impl HttpClient for Provider {
    fn send(&self, request: http::Request<Vec<u8>>, _: Duration) -> Answer {
        let answer = (self.script)(self.calls.fetch_add(1, Ordering::SeqCst), &request);
        self.seen.lock().unwrap().push(request);
        answer
    }
}

pub fn answer(status: u16, body: &str) -> Answer {
    Ok(http::Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap())
}

pub fn with_resend(
    script: impl Fn(usize, &http::Request<Vec<u8>>) -> Answer + Send + Sync + 'static,
) -> (App, Arc<Provider>) {
    let mut app = App::with(&[
        ("MAIL_PROVIDER", "resend"),
        ("MAIL_API_KEY", "re_secret"),
        ("MAIL_API_BASE", "http://127.0.0.1:9"),
    ]);
    let provider = Provider::new(script);
    app.platform.http = provider.clone();
    (app, provider)
}
