//! What one mail costs before it is handed over: its link minted and signed, both parts rendered. Beside it the HMAC-SHA256
//! of one KiB, so that machines can be compared. Prints one line of JSON for `make bench`.
#![expect(clippy::panic, reason = "a benchmark that cannot go on fails")]

use std::hint::black_box;
use std::time::Instant;

use hmac::{Hmac, KeyInit, Mac};
use latchkey::mail::message::compose;
use latchkey::mail::render;
use latchkey::model::deployment::Deployment;
use latchkey::model::mail::{MailState, TemplateType};
use latchkey::model::tenant::Tenant;
use latchkey::store::outbox::row::{FrozenContent, LeasedMail, QueuedMail, TemplateFacts};
use sha2::Sha256;

/// Short rounds and many: on a busy machine some of them are left alone.
const ROUNDS: usize = 2_000;
const MAILS: u32 = 10;

/// Microseconds for one of what `round` does `times` of: the best round, which others' work has disturbed the least.
fn best(times: u32, mut round: impl FnMut()) -> f64 {
    let time = |round: &mut dyn FnMut()| {
        let began = Instant::now();
        round();
        began.elapsed().as_secs_f64() * 1e6 / f64::from(times)
    };
    (0..ROUNDS).map(|_| time(&mut round)).fold(f64::INFINITY, f64::min)
}

fn deployment() -> Deployment {
    let variables = [
        ("ENVIRONMENT", "development"),
        ("PUBLIC_ORIGIN", "https://id.example.com"),
        ("ADMIN_USERNAME", "admin"),
        ("ADMIN_PASSWORD", "admin"),
        ("TOKEN_KEYS", "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"),
    ];
    let get = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Deployment::load(get, |_, _| None).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn mail(number: u32) -> LeasedMail {
    let content = FrozenContent {
        provider: "resend".to_owned(),
        kid: "k1".to_owned(),
        issued_at: 1_767_268_800,
        expires_at: 1_767_355_200,
        locale: "de_DE".to_owned(),
        template_version: 0,
        facts: TemplateFacts {
            remind_after: None,
            user_name: format!("paul.smith{number}@example.com"),
            given_name: "Paul".to_owned(),
            family_name: "Smith".to_owned(),
            tenant: "carbon.super".to_owned(),
            organization: "Müller & Söhne".to_owned(),
            reply_to: Some("help@example.com".to_owned()),
            support: None,
            sign_in: None,
            color: None,
            logo: None,
            new_email: None,
            claims: std::collections::BTreeMap::new(),
        },
    };
    let mail = QueuedMail {
        reminder: None,
        ends_at: None,
        accounts: Vec::new(),
        tenant: Tenant::super_tenant().number(),
        id: format!("0198c0de-0000-7000-8000-{number:012}"),
        user_id: format!("0198c0de-0000-7000-9000-{number:012}"),
        template: TemplateType::AskPassword,
        seq: 1,
        generation: 0,
        recipient: format!("paul.smith{number}@example.com"),
        invited_by: Some("admin".to_owned()),
        state: MailState::Sending,
        attempts: 0,
        doubtful: None,
        refused: Default::default(),
        created: 1_767_268_800_000,
        due: 1_767_268_800_000,
    };
    LeasedMail { mail, content }
}

fn main() {
    let deployment = deployment();
    let mails: Vec<_> = (0..MAILS).map(mail).collect();
    let per_mail = best(MAILS, || {
        for leased in &mails {
            let template = render::shipped(leased.mail.template, &leased.content.locale);
            black_box(compose(&deployment, black_box(leased), template)).expect("the key is there");
        }
    });
    let kibibyte = [7_u8; 1024];
    let per_hmac = best(MAILS, || {
        for _ in 0..MAILS {
            let mut mac = Hmac::<Sha256>::new_from_slice(b"0123456789abcdef0123456789abcdef").expect("any length");
            mac.update(black_box(&kibibyte));
            black_box(mac.finalize());
        }
    });
    println!("{}", serde_json::json!({ "mail_microseconds": per_mail, "hmac_microseconds": per_hmac }));
}
