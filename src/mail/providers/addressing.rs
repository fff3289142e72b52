//! How addresses go out: domains as DNS has them, names as a header can carry them, and the name of the message itself.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use crate::base::address::{Address, Sender};
use crate::mail::providers::call::OPERATOR;
use crate::mail::providers::{Handover, Message};

/// What a vendor does with a local part that is not ASCII (SMTPUTF8, RFC 6531).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum LocalPart {
    /// Refuses it.
    Ascii,
    /// Takes it, as far as its documentation says.
    Any,
}

/// The addresses of a message, every domain in ASCII (RFC 5890).
pub struct Addressed {
    /// `From`.
    pub from: Sender,
    /// The one recipient.
    pub to: String,
    /// `Reply-To`.
    pub reply_to: Option<String>,
}

impl Addressed {
    /// The sender as vendors of JSON have it: `{"email","name"}`, or without a name.
    pub fn sender(&self) -> Json {
        let mut sender = json!({ "email": self.from.address.as_str() });
        if !self.from.name.is_empty() {
            sender["name"] = self.from.name.as_str().into();
        }
        sender
    }
}

impl Message {
    /// The addresses as this vendor takes them.
    ///
    /// # Errors
    /// A recipient that it cannot reach ends the mail; a sender that it refuses is the operator's to mend.
    pub fn addressed(&self, local_part: LocalPart) -> Result<Addressed, Handover> {
        let to = Address::parse(&self.to)
            .ok_or_else(|| Handover::Permanent("the recipient is not one address".to_owned()))?;
        let to = carried(&to, local_part)
            .map_err(|why| Handover::Permanent(format!("the recipient's address cannot be reached: {why}")))?;
        let ours = |setting: &str, address: &Address| {
            carried(address, local_part)
                .map_err(|why| Handover::Transient(format!("{setting} cannot be used: {why}"), Some(OPERATOR)))
        };
        let from = Sender { name: self.from.name.clone(), address: ours("MAIL_FROM", &self.from.address)? };
        let reply_to = match self.reply_to.as_deref().and_then(Address::parse) {
            Some(address) => Some(ours("MAIL_REPLY_TO", &address)?.to_string()),
            None => None,
        };
        Ok(Addressed { from, to: to.to_string(), reply_to })
    }

    /// The name of the message (RFC 5322 section 3.6.4), in angle brackets: the same for every attempt, so that a
    /// mailbox can tell two copies of it.
    #[must_use]
    pub fn message_id(&self) -> String {
        let sober = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '.' };
        let left: String = self.idempotency_key.chars().map(sober).collect();
        let domain = self.from.address.with_ascii_domain();
        format!("<{}@{}>", left.trim_matches('.'), domain.as_ref().unwrap_or(&self.from.address).domain())
    }
}

/// The address with its domain in ASCII, or why it has no such form.
fn carried(address: &Address, local_part: LocalPart) -> Result<Address, &'static str> {
    if local_part == LocalPart::Ascii && !address.local().is_ascii() {
        return Err("what stands before the @ has characters that the provider does not support (SMTPUTF8)");
    }
    address.with_ascii_domain().ok_or("what stands after the @ is not the name of a domain")
}

/// Bytes of text in one encoded word: with base64 and its frame, fewer than the 75 characters allowed.
const WORD: usize = 45;

/// A sender as a header that may only have ASCII: the name in encoded words (RFC 2047) where it must be.
pub fn in_ascii(sender: &Sender) -> String {
    if sender.name.is_ascii() { sender.to_string() } else { format!("{} <{}>", encoded(&sender.name), sender.address) }
}

/// Text as encoded words (RFC 2047): each whole characters, as the RFC wants it.
pub fn encoded(text: &str) -> String {
    let mut words: Vec<String> = vec![String::new()];
    for c in text.chars() {
        if words.last().is_some_and(|word| word.len() + c.len_utf8() > WORD) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    let words: Vec<String> = words.iter().map(|word| format!("=?UTF-8?B?{}?=", STANDARD.encode(word))).collect();
    words.join(" ")
}

#[cfg(test)]
#[expect(clippy::panic, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;

    fn message(to: &str) -> Message {
        Message {
            from: Sender::parse("Größe <info@müller.example>").expect("a sender"),
            to: to.to_owned(),
            reply_to: Some("hilfe@müller.example".to_owned()),
            subject: String::new(),
            html: String::new(),
            text: String::new(),
            idempotency_key: "AskPassword/0198-ab/3".to_owned(),
        }
    }

    #[test]
    fn domains_go_out_in_ascii() {
        for (address, carried) in [
            ("paul@example.com", "paul@example.com"),
            ("Paul@Example.COM", "Paul@Example.COM"),
            ("paul@MÜLLER.example", "paul@xn--mller-kva.example"),
            ("paul@例え.テスト", "paul@xn--r8jz45g.xn--zckzah"),
            ("paul@straße.example", "paul@xn--strae-oqa.example"),
            ("paul@xn--mller-kva.example", "paul@xn--mller-kva.example"),
            ("paul@ｅｘａｍｐｌｅ.com", "paul@example.com"),
        ] {
            for local_part in [LocalPart::Ascii, LocalPart::Any] {
                let Ok(addressed) = message(address).addressed(local_part) else { panic!("{address}") };
                assert_eq!(addressed.to, carried);
                assert_eq!(addressed.from.to_string(), "Größe <info@xn--mller-kva.example>");
                assert_eq!(addressed.reply_to.as_deref(), Some("hilfe@xn--mller-kva.example"));
            }
        }
    }

    #[test]
    fn a_local_part_beyond_ascii_is_for_who_takes_it() {
        let Err(Handover::Permanent(why)) = message("jörg@müller.example").addressed(LocalPart::Ascii) else {
            panic!("refused for good")
        };
        assert!(why.contains("SMTPUTF8") && !why.contains("jörg"), "{why}");
        let Ok(addressed) = message("jörg@müller.example").addressed(LocalPart::Any) else { panic!("taken") };
        assert_eq!(addressed.to, "jörg@xn--mller-kva.example");
        let mut ours = message("paul@example.com");
        ours.from = Sender::parse("größe@example.com").expect("a sender");
        let Err(Handover::Transient(why, _)) = ours.addressed(LocalPart::Ascii) else {
            panic!("mended by an operator")
        };
        assert!(why.contains("MAIL_FROM"), "{why}");
    }

    #[test]
    fn what_is_no_domain_ends_the_mail() {
        for address in ["paul@１２７.1", "paul@xn--ü.example", "paul@\u{94d}.example", "no address", "a@b.c, d@e.f"]
        {
            let ended = message(address).addressed(LocalPart::Any);
            assert!(matches!(ended, Err(Handover::Permanent(_))), "{address}");
        }
    }

    #[test]
    fn a_messages_name_comes_from_its_key_and_its_sender() {
        assert_eq!(message("a@b.c").message_id(), "<AskPassword.0198-ab.3@xn--mller-kva.example>");
    }

    #[test]
    fn names_are_encoded_in_whole_characters() {
        let sender = |text: &str| in_ascii(&Sender::parse(text).expect(text));
        assert_eq!(sender("\"Acme, Inc.\" <a@b.c>"), "\"Acme, Inc.\" <a@b.c>");
        assert_eq!(sender("Größe <a@b.c>"), "=?UTF-8?B?R3LDtsOfZQ==?= <a@b.c>");
        let long = encoded(&"例".repeat(40));
        for word in long.split(' ') {
            assert!(word.len() <= 75, "{word}");
            let inner =
                word.strip_prefix("=?UTF-8?B?").and_then(|word| word.strip_suffix("?=")).expect("an encoded word");
            String::from_utf8(STANDARD.decode(inner).expect("base64")).expect("whole characters");
        }
    }
}
