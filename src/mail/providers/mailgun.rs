//! `mailgun`: <https://documentation.mailgun.com/docs/mailgun/api-reference/openapi-final/messages>.
//!
//! No idempotency keys (the reference names none). Its batch form, `recipient-variables`, shares one body among all
//! recipients and has one id for all of them: not used. The European region is another `MAIL_API_BASE`,
//! `https://api.eu.mailgun.net`. Tracking is switched off for each message, which wins over the domain's setting
//! (<https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/pass-sending-options>). Recipients with
//! local parts beyond ASCII are taken
//! (<https://documentation.mailgun.com/docs/mailgun/user-manual/internationalization/internationalization>).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::mail::providers::addressing::LocalPart;
use crate::mail::providers::call::{self, Answer, Api, OPERATOR};
use crate::mail::providers::{Handover, Message, Provider};
use crate::model::deployment::Deployment;
use crate::ports::Platform;

const API: &str = "https://api.mailgun.net";

/// Mailgun, with a sending key of its domain.
pub struct Mailgun(Api);

impl Mailgun {
    /// Ready to send; `None` without an API key.
    pub fn new(deployment: &Deployment) -> Option<Self> {
        Some(Self(Api::new(deployment, "mailgun", API, &format!("/v3/{}/messages", deployment.mailgun_domain))?))
    }

    fn request(&self, message: &Message) -> Result<call::Request, Handover> {
        let addressed = message.addressed(LocalPart::Any)?;
        let from = addressed.from.to_string();
        let id = message.message_id();
        let mut fields = vec![
            ("from", from.as_str()),
            ("to", &addressed.to),
            ("subject", &message.subject),
            ("text", &message.text),
            ("html", &message.html),
            ("o:tracking", "no"),
            ("o:tracking-clicks", "no"),
            ("o:tracking-opens", "no"),
            ("h:Auto-Submitted", "auto-generated"),
            ("h:Message-Id", &id),
        ];
        if let Some(reply_to) = &addressed.reply_to {
            fields.push(("h:Reply-To", reply_to));
        }
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let authorization = format!("Basic {}", STANDARD.encode(format!("api:{}", self.0.key.expose())));
        let headers = [("authorization", authorization.as_str())];
        call::post(&self.0.url, "application/x-www-form-urlencoded", &headers, body.into_bytes())
    }
}
impl Provider for Mailgun {
    fn remembers_keys_for(&self) -> Option<u64> {
        None
    }

    fn send(&self, platform: &Platform, message: &Message) -> Handover {
        call::hand_over(platform, self.request(message), self.0.timeout, read)
    }
}

/// What Mailgun's answer means: <https://documentation.mailgun.com/docs/mailgun/quickstart-guide/responses>.
fn read(answer: &Answer) -> Handover {
    match answer.status {
        200 => match answer.body["id"].as_str() {
            Some(id) => Handover::Accepted(Some(id.to_owned())),
            None => Handover::Unknown(answer.told("without an id")),
        },
        400 => {
            let said = answer.body["message"].as_str().unwrap_or_default();
            // "to parameter is not a valid address": about this mail. The rest is about the sender, the domain or the
            // account, and so about every mail.
            match said.trim_start_matches('\'').starts_with("to") {
                true => Handover::Permanent(answer.told("to parameter")),
                false => answer.later("", OPERATOR),
            }
        }
        _ => answer.by_status(""),
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
    fn answers_are_read_as_mailgun_documents_them() {
        let taken = told(200, r#"{"id":"<2026.1@mg.example.com>","message":"Queued. Thank you."}"#);
        assert_eq!(taken, Handover::Accepted(Some("<2026.1@mg.example.com>".to_owned())));
        // What an address outside of the API answers.
        assert!(matches!(told(200, "Mailgun Magnificent API"), Handover::Unknown(_)));
        for recipient in ["to parameter is not a valid address. please check", "'to' parameter is not a valid address"]
        {
            let refused = told(400, &format!(r#"{{"message":"{recipient}: paul@x"}}"#));
            assert_eq!(refused, Handover::Permanent("400 to parameter".to_owned()));
        }
        for operators in [
            r#"{"message":"from parameter is not a valid address"}"#,
            r#"{"message":"Sandbox subdomains are for test purposes only."}"#,
            r#"{"message":"Domain mg.example.com is not allowed to send"}"#,
            "",
        ] {
            assert!(matches!(told(400, operators), Handover::Transient(_, Some(60))), "{operators}");
        }
        common_ground(read);
    }
}
