//! One call to a vendor's HTTP API, and what its status means where the vendor says no more.

use std::time::Duration;

use serde_json::Value as Json;

use crate::base::secret::Secret;
use crate::mail::providers::Handover;
use crate::model::deployment::Deployment;
use crate::ports::{HttpError, Millis, Platform};
use scim::datetime::Instant;

/// Seconds to wait where only an operator can mend what is wrong.
pub const OPERATOR: u32 = 60;
/// Seconds to wait for a quota, which is used up for hours.
pub const QUOTA: u32 = 900;
/// What we call ourselves. Resend turns away who has no name.
const USER_AGENT: &str = concat!("latchkey/", env!("CARGO_PKG_VERSION"));

/// A vendor's API, with the deployment's key.
pub struct Api {
    /// The address requests are sent to.
    pub url: String,
    /// The key.
    pub key: Secret,
    /// The longest time an answer may take.
    pub timeout: Duration,
}

impl Api {
    /// `path` at the vendor's origin, or at the one that the deployment has instead; `None` without a key.
    pub fn new(deployment: &Deployment, vendor: &str, origin: &str, path: &str) -> Option<Self> {
        Some(Self {
            url: format!("{}{path}", deployment.mail_api_base(vendor).unwrap_or(origin)),
            key: deployment.mail_api_key(vendor)?.clone(),
            timeout: deployment.mail_timeout(),
        })
    }
}

/// A request to a vendor.
pub type Request = http::Request<Vec<u8>>;

/// A POST of JSON with these headers on top.
///
/// # Errors
/// An address or a header that HTTP does not allow, neither of which is repeated: made of the deployment's settings, and so
/// the operator's to mend.
pub fn json(url: &str, headers: &[(&'static str, &str)], body: &Json) -> Result<Request, Handover> {
    post(url, "application/json", headers, body.to_string().into_bytes())
}

/// A POST of this type.
///
/// # Errors
/// As [`json`].
pub fn post(
    url: &str,
    content_type: &'static str,
    headers: &[(&'static str, &str)],
    body: Vec<u8>,
) -> Result<Request, Handover> {
    let mut request = http::Request::post(url)
        .header("content-type", content_type)
        .header("accept", "application/json")
        .header("user-agent", USER_AGENT);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request
        .body(body)
        .map_err(|error| Handover::Transient(format!("the request cannot be built: {error}"), Some(OPERATOR)))
}

/// A vendor's answer.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    headers: http::HeaderMap,
    /// The body as JSON; null if it is none.
    pub body: Json,
    /// `Retry-After` in seconds from now, if there is one.
    pub retry_after: Option<u32>,
}

/// Sends the request and waits for the answer.
///
/// # Errors
/// What is known without one: that the request may have arrived.
pub fn send(platform: &Platform, request: Request, timeout: Duration) -> Result<Answer, Handover> {
    match platform.http.send(request, timeout) {
        Ok(response) => Ok(Answer::new(response, platform.clock.now())),
        Err(error @ (HttpError::Timeout | HttpError::Failed(_))) => Err(Handover::Unknown(error.to_string())),
    }
}

/// Hands over by one request, if it could be built, and reads what came of it.
pub fn hand_over(
    platform: &Platform,
    request: Result<Request, Handover>,
    timeout: Duration,
    read: fn(&Answer) -> Handover,
) -> Handover {
    let request = match request {
        Ok(request) => request,
        Err(handover) => return handover,
    };
    match send(platform, request, timeout) {
        Ok(answer) => read(&answer),
        Err(handover) => handover,
    }
}

impl Answer {
    fn new(response: http::Response<Vec<u8>>, now: Millis) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            status: parts.status.as_u16(),
            retry_after: retry_after(&parts.headers, now),
            headers: parts.headers,
            body: serde_json::from_slice(&body).unwrap_or_default(),
        }
    }

    /// The text of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the status is one of success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The status, and the vendor's word for what is wrong.
    pub fn told(&self, word: &str) -> String {
        format!("{} {word}", self.status).trim_end().to_owned()
    }

    /// Certainly not taken: to be tried again, not before the vendor wants it or so many seconds.
    pub fn later(&self, word: &str, least: u32) -> Handover {
        Handover::Transient(self.told(word), Some(self.retry_after.unwrap_or(least)))
    }

    /// What the status says by itself. Only what is about this one mail ends it: a wrong key, domain or address of the
    /// API is mended by an operator, and no mail is lost meanwhile.
    pub fn by_status(&self, word: &str) -> Handover {
        match self.status {
            400 | 413 | 422 => Handover::Permanent(self.told(word)),
            425 | 429 => Handover::Transient(self.told(word), self.retry_after),
            // It gave up on the request, or something is in conflict with it: what became of it is not said.
            408 | 409 => Handover::Unknown(self.told(word)),
            300..=499 => self.later(word, OPERATOR),
            // A 2xx that its reader did not understand is not the vendor's: a proxy's, perhaps.
            _ => Handover::Unknown(self.told(word)),
        }
    }
}

/// The vendor's word for an error in its answer; empty if there is none.
pub fn word(text: &Json) -> &str {
    word_of(text.as_str().unwrap_or_default())
}

/// The text if it is a word. Anything else is not the vendor's, and could be anything.
pub fn word_of(text: &str) -> &str {
    let is_word = text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if is_word { text } else { "" }
}

/// `Retry-After` (RFC 9110 section 10.2.3), in seconds from `now`: a number of them, or a date. `None` for anything else.
fn retry_after(headers: &http::HeaderMap, now: Millis) -> Option<u32> {
    let text = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Some(seconds) = seconds(text) {
        return Some(seconds);
    }
    Some(u32::try_from((http_date(text)? - now / 1000).max(0)).unwrap_or(u32::MAX))
}

/// A date in a header, in seconds since the epoch: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7).
fn http_date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_weekday, date) = text.split_once(", ")?;
    let [day, month, year, time] = *date.strip_suffix(" GMT")?.split(' ').collect::<Vec<_>>() else { return None };
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    Instant::parse(&format!("{year}-{month:02}-{day}T{time}Z")).map(|instant| instant.seconds)
}

/// A number of seconds. One too large is a number all the same; the sender has its own idea of a longest pause.
pub fn seconds(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u32::MAX))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// An answer as a vendor would give it.
    pub fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut response = http::Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        Answer::new(response.body(body.as_bytes().to_vec()).expect("well-formed"), 0)
    }

    /// What every vendor has in common: statuses that say nothing of one mail, garbage, and nothing at all.
    pub fn common_ground(read: fn(&Answer) -> Handover) {
        for status in [301, 302, 303, 307, 308, 401, 403, 404, 405, 410, 421, 451] {
            let handover = read(&answer(status, &[], "<html>"));
            assert!(matches!(handover, Handover::Transient(_, Some(60))), "{status}: {handover:?}");
        }
        for body in ["", "{}", "[]", "null", "<html>garbage", "\u{0}", r#"{"id":7,"MessageID":[],"results":{}}"#] {
            for status in [200, 201, 202, 204, 500, 502, 503, 504, 599] {
                let handover = read(&answer(status, &[], body));
                assert!(matches!(handover, Handover::Unknown(_)), "{status} {body}: {handover:?}");
            }
            let busy = read(&answer(429, &[("retry-after", "7")], body));
            assert!(matches!(busy, Handover::Transient(_, Some(7))), "{body}: {busy:?}");
            let busy = read(&answer(429, &[], body));
            assert!(matches!(busy, Handover::Transient(_, None)), "{body}: {busy:?}");
        }
        let large = read(&answer(413, &[], ""));
        assert!(matches!(large, Handover::Permanent(_)), "{large:?}");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = 784_111_777_000; // Sun, 06 Nov 1994 08:49:37 GMT
        for (text, seconds) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("99999999999999999999", Some(u32::MAX)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
            ("Sat, 05 Nov 1994 08:49:37 GMT", Some(0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(u32::MAX)),
            ("Sun, 31 Feb 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49:37 CET", None),
            ("-7", None),
            ("soon", None),
            ("", None),
        ] {
            let mut headers = http::HeaderMap::new();
            headers.insert("retry-after", text.parse().expect("a header's value"));
            assert_eq!(retry_after(&headers, now), seconds, "{text}");
        }
    }

    #[test]
    fn only_words_are_told() {
        assert_eq!(word(&"validation_error".into()), "validation_error");
        assert_eq!(word(&"paul@example.com".into()), "");
        assert_eq!(word(&"x".repeat(100_000).into()), "");
        assert_eq!(word(&Json::Null), "");
    }
}
