//! What a request has done, said once on the page that follows: a cookie carries it there, which only this origin sets.

use ::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::base::text::cut;
use crate::http::caller::cookie;
use crate::http::response::{Response, append_cookie};
use crate::model::deployment::Deployment;

/// The longest message, in characters.
const LONGEST: usize = 1_000;
/// The time a message waits for its page, in seconds.
const KEPT: u32 = 60;

fn cookie_name(deployment: &Deployment) -> &'static str {
    if deployment.is_development() { "latchkey-message" } else { "__Host-latchkey-message" }
}

/// Returns the message that waits for its page.
pub fn find(headers: &HeaderMap, deployment: &Deployment) -> Option<String> {
    let value = cookie(headers, cookie_name(deployment))?;
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
    let more = format!("; Max-Age={seconds}");
    append_cookie(response.headers_mut(), deployment, cookie_name(deployment), value, &more);
}
