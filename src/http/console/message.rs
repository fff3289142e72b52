//! What a request has done, said once on the page that follows: a cookie carries it there, which only this origin sets.

use ::http::HeaderMap;
use ::http::header::{COOKIE, HeaderValue, SET_COOKIE};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::base::text::cut;
use crate::model::deployment::Deployment;

/// The longest message, in bytes.
const LONGEST: usize = 1_000;
/// The time a message waits for its page, in seconds.
const KEPT: u32 = 60;

fn cookie_name(deployment: &Deployment) -> &'static str {
    if deployment.is_development() { "latchkey-message" } else { "__Host-latchkey-message" }
}

/// Returns the message that waits for its page.
pub fn find(headers: &HeaderMap, deployment: &Deployment) -> Option<String> {
    let name = cookie_name(deployment);
    let mut lines = headers.get_all(COOKIE).iter().map(|line| String::from_utf8_lossy(line.as_bytes()));
    let value = lines.find_map(|line| {
        let mut pairs = line.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
    })?;
    String::from_utf8(URL_SAFE_NO_PAD.decode(value).ok()?).ok().filter(|text| !text.is_empty())
}

/// Has the next page say it.
pub fn keep(response: &mut Response, deployment: &Deployment, text: &str) {
    let value = URL_SAFE_NO_PAD.encode(cut(text, LONGEST));
    set_cookie(response, deployment, &value, KEPT);
}

/// Has no page say it again.
pub fn forget(response: &mut Response, deployment: &Deployment) {
    set_cookie(response, deployment, "", 0);
}

fn set_cookie(response: &mut Response, deployment: &Deployment, value: &str, seconds: u32) {
    let secure = if deployment.is_development() { "" } else { "; Secure" };
    let name = cookie_name(deployment);
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}; Max-Age={seconds}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}
