//! `postmark`: <https://postmarkapp.com/developer/api/email-api>.
//!
//! No idempotency keys (its API reference names none). `/email/batch` takes 500 messages and answers 200 with an outcome
//! for each: <https://postmarkapp.com/developer/user-guide/send-email-with-api/batch-emails>. `TrackLinks` and
//! `TrackOpens` are switches of a message, but a server that tracks opens tracks them all the same
//! (<https://postmarkapp.com/developer/user-guide/tracking-opens/tracking-opens-per-email>). It keeps our Message-ID if
//! `X-PM-KeepID` says so. Local parts beyond ASCII are refused: its own rule for mailboxes
//! (<https://postmarkapp.com/support/article/1180-what-does-errorcode-300-mean>).

use serde_json::{Value as Json, json};

use crate::mail::providers::addressing::LocalPart;
use crate::mail::providers::call::{self, Answer, Api, OPERATOR};
use crate::mail::providers::{Handover, Message, Provider};
use crate::model::deployment::Deployment;
use crate::ports::Platform;

const API: &str = "https://api.postmarkapp.com";
/// The messages that one call takes.
const BATCH: usize = 500;
/// The stream that every Postmark server has for transactional mail.
const STREAM: &str = "outbound";

/// Postmark, with a server's token.
pub struct Postmark(Api);

impl Postmark {
    /// Ready to send; `None` without a token.
    pub fn new(deployment: &Deployment) -> Option<Self> {
        Some(Self(Api::new(deployment, "postmark", API, "/email")?))
    }

    fn request(&self, url: &str, body: &Json) -> Result<call::Request, Handover> {
        call::json(url, &[("x-postmark-server-token", self.0.key.expose())], body)
    }
}

fn email(message: &Message) -> Result<Json, Handover> {
    let addressed = message.addressed(LocalPart::Ascii)?;
    let mut email = json!({
        "From": addressed.from.to_string(),
        "To": addressed.to,
        "Subject": message.subject,
        "HtmlBody": message.html,
        "TextBody": message.text,
        "MessageStream": STREAM,
        "TrackOpens": false,
        "TrackLinks": "None",
        "Headers": [
            { "Name": "Auto-Submitted", "Value": "auto-generated" },
            { "Name": "Message-ID", "Value": message.message_id() },
            { "Name": "X-PM-KeepID", "Value": "true" },
        ],
    });
    if let Some(reply_to) = addressed.reply_to {
        email["ReplyTo"] = reply_to.into();
    }
    Ok(email)
}
impl Provider for Postmark {
    fn remembers_keys_for(&self) -> Option<u64> {
        None
    }

    fn batch_limit(&self) -> usize {
        BATCH
    }

    fn send(&self, platform: &Platform, message: &Message) -> Handover {
        let request = email(message).and_then(|email| self.request(&self.0.url, &email));
        call::hand_over(platform, request, self.0.timeout, read)
    }

    fn send_all(&self, platform: &Platform, messages: &[Message]) -> Vec<Handover> {
        // What cannot be sent at all is settled before the call.
        let emails: Vec<Result<Json, Handover>> = messages.iter().map(email).collect();
        let fit: Vec<&Json> = emails.iter().filter_map(|email| email.as_ref().ok()).collect();
        let mut outcomes = Vec::new();
        if !fit.is_empty() {
            outcomes = match self.request(&format!("{}/batch", self.0.url), &json!(fit)) {
                Ok(request) => match call::send(platform, request, self.0.timeout) {
                    Ok(answer) => read_batch(&answer, fit.len()),
                    Err(handover) => vec![handover; fit.len()],
                },
                Err(handover) => vec![handover; fit.len()],
            };
        }
        let mut outcomes = outcomes.into_iter();
        emails.into_iter().map(|email| email.err().or_else(|| outcomes.next()).unwrap_or_else(nothing_said)).collect()
    }
}

fn nothing_said() -> Handover {
    Handover::Unknown("without an outcome".to_owned())
}

/// Returns the outcome that the answer to one message stands for.
fn read(answer: &Answer) -> Handover {
    outcome(answer, &answer.body)
}

/// What the answer to a batch means for each message, in their order.
fn read_batch(answer: &Answer, count: usize) -> Vec<Handover> {
    if !answer.is_success() {
        let handover = match read(answer) {
            // Of a batch that is refused as a whole, no single mail is to blame.
            Handover::Permanent(why) => Handover::Transient(why, Some(OPERATOR)),
            other => other,
        };
        return vec![handover; count];
    }
    match answer.body.as_array() {
        Some(items) if items.len() == count => items.iter().map(|item| outcome(answer, item)).collect(),
        _ => vec![nothing_said(); count],
    }
}

/// What is said about one message: <https://postmarkapp.com/developer/api/overview#error-codes>.
fn outcome(answer: &Answer, item: &Json) -> Handover {
    let code = item["ErrorCode"].as_u64();
    let said = code.map(|code| format!("error {code}")).unwrap_or_default();
    match code {
        // "Message accepted, but delivery may be delayed" comes without a code.
        None | Some(0) if answer.is_success() => match item["MessageID"].as_str() {
            Some(id) => Handover::Accepted(Some(id.to_owned())),
            None => nothing_said(),
        },
        // Invalid email request. Where it is about our addresses, it is about every mail.
        Some(300)
            if item["Message"].as_str().is_some_and(|text| text.contains("'From'") || text.contains("'Reply")) =>
        {
            answer.later(&said, OPERATOR)
        }
        // The recipient is inactive: a hard bounce or a complaint came before.
        Some(300 | 406) => Handover::Permanent(answer.told(&said)),
        Some(429) => Handover::Transient(answer.told(&said), answer.retry_after),
        // Maintenance comes with a 503, and takes nothing.
        Some(100) => answer.later(&said, OPERATOR),
        // What an operator mends: the token, the signature, the account.
        Some(1..) if answer.status < 500 => answer.later(&said, OPERATOR),
        _ => answer.by_status(&said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::providers::call::tests::{answer, common_ground};

    fn told(status: u16, body: &str) -> Handover {
        read(&answer(status, &[], body))
    }

    #[test]
    fn answers_are_read_as_postmark_documents_them() {
        let taken = Handover::Accepted(Some("b7bc2f4a".to_owned()));
        assert_eq!(told(200, r#"{"ErrorCode":0,"Message":"OK","MessageID":"b7bc2f4a"}"#), taken);
        assert_eq!(
            told(200, r#"{"Message":"Message accepted, but delivery may be delayed.","MessageID":"b7bc2f4a"}"#),
            taken
        );
        let refused =
            |code: u32, message: &str| told(422, &json!({ "ErrorCode": code, "Message": message }).to_string());
        let inactive =
            refused(406, "You tried to send to a recipient that has been marked as inactive: paul@example.com");
        assert_eq!(inactive, Handover::Permanent("422 error 406".to_owned()));
        assert!(matches!(refused(300, "Invalid 'To' address: 'paul@example'."), Handover::Permanent(_)));
        assert!(matches!(refused(300, "Invalid 'From' address: 'x'."), Handover::Transient(_, Some(60))));
        assert!(matches!(refused(300, "Error parsing 'Reply-To': x"), Handover::Transient(_, Some(60))));
        for operators in [10, 400, 401, 402, 403, 405, 409, 412, 413, 701, 1235] {
            assert!(matches!(refused(operators, ""), Handover::Transient(_, Some(60))), "{operators}");
        }
        assert!(matches!(told(503, r#"{"ErrorCode":100,"Message":"Maintenance"}"#), Handover::Transient(_, Some(60))));
        assert!(matches!(told(429, r#"{"ErrorCode":429}"#), Handover::Transient(_, None)));
        assert!(matches!(told(500, r#"{"ErrorCode":1000}"#), Handover::Unknown(_)));
        common_ground(read);
    }

    #[test]
    fn each_message_of_a_batch_has_its_own_outcome() {
        let body = r#"[{"ErrorCode":0,"MessageID":"1"},{"ErrorCode":406,"Message":"inactive"},{"ErrorCode":400},{}]"#;
        let outcomes = read_batch(&answer(200, &[], body), 4);
        assert_eq!(outcomes[0], Handover::Accepted(Some("1".to_owned())));
        assert_eq!(outcomes[1], Handover::Permanent("200 error 406".to_owned()));
        assert_eq!(outcomes[2], Handover::Transient("200 error 400".to_owned(), Some(60)));
        assert!(matches!(outcomes[3], Handover::Unknown(_)));
    }

    #[test]
    fn a_batch_that_fails_as_a_whole_ends_no_mail() {
        for (status, body) in
            [(413, ""), (422, ""), (422, r#"{"ErrorCode":300}"#), (422, r#"{"ErrorCode":410}"#), (401, "")]
        {
            let outcomes = read_batch(&answer(status, &[], body), 3);
            assert_eq!(outcomes.len(), 3);
            assert!(outcomes.iter().all(|one| matches!(one, Handover::Transient(..))), "{status} {body}: {outcomes:?}");
        }
        for (status, body) in [(500, ""), (200, ""), (200, "[]"), (200, r#"[{"ErrorCode":0,"MessageID":"1"}]"#)] {
            let outcomes = read_batch(&answer(status, &[], body), 3);
            assert_eq!(outcomes.len(), 3);
            assert!(outcomes.iter().all(|one| matches!(one, Handover::Unknown(_))), "{status} {body}: {outcomes:?}");
        }
    }
}
