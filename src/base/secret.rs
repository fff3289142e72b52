//! What must not be shown: a password, a key, a token.

use std::fmt;

/// Text that must not be shown: `Debug` hides it, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Secret;
    use crate::base::address::Sender;
    use crate::base::keys::Key;
    use crate::invite::account_request::AccountRequest;
    use crate::mail::inbox::InboxMail;
    use crate::mail::providers::Message;
    use crate::mail::render::{InvitationMail, Rendered, invitation_values};
    use crate::model::schemas::builtin;

    #[test]
    fn nothing_that_holds_a_secret_shows_it_in_debug_output() {
        const PASSWORD: &str = "correct horse";
        const TOKEN: &str = "lk1.AAAA.BBBB";
        let registry = builtin();
        let user = registry.resource_type("User").expect("there are users");
        let document = json!({ "userName": "paul", "password": PASSWORD });
        let mut document = document.as_object().cloned().unwrap_or_default();
        let request = AccountRequest::take(user, &mut document);
        assert_eq!((request.password.as_ref().map(Secret::expose), document.get("password")), (Some(PASSWORD), None));
        let mail = InvitationMail { link: TOKEN, code: TOKEN, user_name: "paul", ..InvitationMail::default() };
        let rendered = Rendered { subject: TOKEN.to_owned(), html: TOKEN.to_owned(), text: TOKEN.to_owned() };
        let message = Message {
            from: Sender::parse("id@example.com").expect("a sender"),
            to: "paul@example.com".to_owned(),
            reply_to: None,
            subject: TOKEN.to_owned(),
            html: TOKEN.to_owned(),
            text: TOKEN.to_owned(),
            idempotency_key: "AskPassword/1/1".to_owned(),
        };
        let inbox = InboxMail {
            id: "1".to_owned(),
            to: "paul@example.com".to_owned(),
            template: "AskPassword",
            locale: "en_US".to_owned(),
            subject: TOKEN.to_owned(),
            html: TOKEN.to_owned(),
            text: TOKEN.to_owned(),
            links: vec![TOKEN.to_owned()],
            state: "sent",
            queued: String::new(),
        };
        let values = invitation_values(&mail);
        let key = Key::new("k1".to_owned(), PASSWORD.as_bytes().to_vec());
        for shown in [
            format!("{request:?}"),
            format!("{mail:?}"),
            format!("{rendered:?}"),
            format!("{message:?}"),
            format!("{inbox:?}"),
            format!("{values:?}"),
            format!("{key:?}"),
            format!("{:?}", Secret::new(PASSWORD)),
        ] {
            assert!(!shown.contains(PASSWORD) && !shown.contains(TOKEN) && !shown.contains("99, 111"), "{shown}");
        }
        assert!(format!("{message:?}").contains("AskPassword/1/1"), "what tells mails apart is shown");
    }
}
