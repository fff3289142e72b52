//! Random users: texts, dates and numbers that could go wrong, and everything a user can have.

use latchkey::base::account::{Account, Lock, Onboarding};
use latchkey::model::mail::MailState;
use latchkey::model::resource::Invitation;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::support::{CUSTOM, EPOCH, Seed};

/// Texts that folding, composing, prefixes and quoting could get wrong.
pub const TEXTS: &[&str] = &[
    "",
    "a",
    "A",
    "ab",
    "AB",
    "abc",
    "b",
    "ß",
    "ss",
    "SS",
    "ﬁ",
    "fi",
    "İ",
    "i\u{307}",
    "ı",
    "ä",
    "a\u{308}",
    "Ä",
    "x@y",
    "X@Y.z",
    "😀",
    "\u{10FFFF}",
    "a\u{10FFFF}",
    "a'b",
    "a\"b",
    "%",
    "_",
    "a\\b",
    "work",
    "home",
    "5",
    " ",
];
pub const DATES: &[&str] = &[
    "2020-09-13T12:26:40Z",
    "2020-09-13T14:26:40+02:00",
    "2020-09-13T12:26:40.5Z",
    "2020-09-13T12:26:40.5000001Z",
    "2020-09-13T12:26:40.001Z",
    "2020-09-13T12:26:41Z",
    "1969-12-31T23:59:59.999Z",
    "9999-12-31T23:59:59Z",
    "2100-01-01T00:00:00Z",
];
pub const NUMBERS: &[&str] = &["0", "1", "-1", "5", "5.0", "5.5", "1e300", "9007199254740993", "-9223372036854775808"];
pub const TIMES: &[i64] = &[0, 1, 500, 1_000];

/// Most texts are a few that often meet.
pub const FREQUENT: &[&str] = &["a", "A", "ab", "Abc", "ß", "SS", "ä", "a\u{308}", ""];

pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![3 => select(FREQUENT), 2 => select(TEXTS)].prop_map(str::to_owned)
}

pub fn number() -> impl Strategy<Value = Value> {
    select(NUMBERS).prop_map(|text| serde_json::from_str(text).unwrap())
}

pub fn whole_number() -> impl Strategy<Value = Value> {
    number().prop_filter("a whole number", |number| number.is_i64())
}

/// One of many, sometimes nothing.
pub fn contact() -> impl Strategy<Value = Value> {
    (option::weighted(0.9, text()), option::of(select(&["work", "home", "WORK"][..])), option::of(any::<bool>()))
        .prop_map(|(value, kind, primary)| {
            let mut contact = json!({});
            if let Some(value) = value {
                contact["value"] = json!(value);
            }
            if let Some(kind) = kind {
                contact["type"] = json!(kind);
            }
            if let Some(primary) = primary {
                contact["primary"] = json!(primary);
            }
            contact
        })
}

pub fn complex() -> impl Strategy<Value = Value> {
    (option::of(text()), vec(text(), 0..3), option::of(whole_number()))
        .prop_map(|(value, tags, level)| json!({ "value": value, "tags": tags, "level": level }))
}

pub fn custom() -> impl Strategy<Value = Value> {
    let base64 = select(&["AQID", "AQIE", "aqid"][..]);
    let singles = (
        option::of(text()),
        option::of(whole_number()),
        option::of(number()),
        option::of(any::<bool>()),
        option::of(select(DATES)),
        option::of(base64.clone()),
        option::of(complex()),
        option::of(text()),
    );
    let lists = (
        vec(text(), 0..3),
        vec(whole_number(), 0..3),
        vec(number(), 0..3),
        vec(any::<bool>(), 0..2),
        vec(select(DATES), 0..3),
        vec(base64, 0..2),
        vec(complex(), 0..3),
    );
    (singles, lists).prop_map(|(one, many)| {
        json!({
            "stringOne": one.0, "stringIndexedOne": one.0, "exact": one.0, "referenceOne": one.0,
            "referenceIndexedOne": one.0, "integerOne": one.1, "integerIndexedOne": one.1, "decimalOne": one.2,
            "decimalIndexedOne": one.2, "booleanOne": one.3, "booleanIndexedOne": one.3, "dateTimeOne": one.4,
            "dateTimeIndexedOne": one.4, "binaryOne": one.5, "binaryIndexedOne": one.5, "single": one.6,
            "unique": one.7,
            "stringMany": many.0, "stringIndexedMany": many.0, "referenceMany": many.0, "referenceIndexedMany": many.0,
            "integerMany": many.1, "integerIndexedMany": many.1, "decimalMany": many.2, "decimalIndexedMany": many.2,
            "booleanMany": many.3, "booleanIndexedMany": many.3, "dateTimeMany": many.4, "dateTimeIndexedMany": many.4,
            "binaryMany": many.5, "binaryIndexedMany": many.5, "several": many.6,
        })
    })
}

pub fn account() -> impl Strategy<Value = Account> {
    let onboarding = select(&[Onboarding::None, Onboarding::AskPassword, Onboarding::EmailVerification][..]);
    let lock = select(&[Lock::None, Lock::Onboarding, Lock::Admin][..]);
    let pending_email = option::weighted(0.3, text());
    (onboarding, lock, any::<bool>(), any::<bool>(), pending_email, select(&["", "R", "RN", "A"][..])).prop_map(
        |(onboarding, lock, disabled, email_verified, pending_email, seq_log)| Account {
            onboarding,
            lock,
            disabled,
            email: None,
            email_verified,
            pending_email,
            seq_log: seq_log.to_owned(),
            deletion: None,
        },
    )
}

pub fn invitation() -> impl Strategy<Value = Invitation> {
    const EXPIRIES: &[i64] = &[0, EPOCH + 1_000, EPOCH + 1_500, 4_102_444_800_000];
    (
        select(&[MailState::Queued, MailState::Sent, MailState::Failed][..]),
        0..3_u32,
        option::of(select(TIMES)),
        option::of(select(EXPIRIES)),
    )
        .prop_map(|(delivery, attempts, sent_at, expires_at)| Invitation {
            template: None,
            delivery: delivery.into(),
            attempts,
            sent_at: sent_at.map(|offset| EPOCH + offset),
            delivered_at: None,
            expires_at,
        })
}

/// A user; its name is made unique by its number.
pub fn user() -> impl Strategy<Value = Seed> {
    let names = (text(), option::of(text()), option::of(text()), option::of(text()), option::of(text()));
    let lists = (vec(contact(), 0..3), vec(contact(), 0..3));
    let enterprise = option::of((option::of(text()), option::of(text()), option::of(text())));
    let facts = (option::of(any::<bool>()), option::of(text()), option::of(any::<bool>()));
    let times = (select(TIMES), select(TIMES));
    let state = (option::weighted(0.7, account()), option::of(invitation()));
    (names, lists, enterprise, option::weighted(0.7, custom()), facts, times, state).prop_map(
        |(names, lists, enterprise, custom, facts, times, state)| {
            let body = json!({
                "userName": names.0,
                "name": { "familyName": names.1, "givenName": names.2 },
                "displayName": names.3,
                "externalId": names.4,
                "emails": lists.0,
                "phoneNumbers": lists.1,
                "active": facts.0,
                "profileUrl": facts.1,
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": enterprise.map(|(department, manager, name)| {
                    json!({ "department": department, "manager": { "value": manager, "$ref": name } })
                }),
                "urn:scim:wso2:schema": { "phoneVerified": facts.2, "emailAddresses": [names.1, names.2] },
                CUSTOM: custom,
            });
            Seed {
                body,
                created: EPOCH + times.0,
                modified: EPOCH + times.1,
                account: state.0.unwrap_or_default(),
                invitation: state.1,
            }
        },
    )
}

pub fn unique_names(users: &mut [Seed]) {
    for (number, seed) in users.iter_mut().enumerate() {
        let name = seed.body["userName"].as_str().unwrap_or_default();
        seed.body["userName"] = json!(format!("{name}{number}"));
        // `unique` is, in the store.
        if let Some(unique) = seed.body[CUSTOM].get("unique").and_then(Value::as_str) {
            seed.body[CUSTOM]["unique"] = json!(format!("{unique}{number}"));
        }
    }
}

/// A directory of users that have most of what there is, always the same.
pub fn population() -> Vec<Seed> {
    let mut runner = TestRunner::deterministic();
    let mut users: Vec<Seed> = (0..60).map(|_| user().new_tree(&mut runner).unwrap().current()).collect();
    unique_names(&mut users);
    // What is looked up by its value must be there to be found.
    for (number, seed) in users.iter_mut().enumerate().take(FREQUENT.len()) {
        seed.body["externalId"] = json!(FREQUENT[number]);
    }
    // Each fact of an account alone makes it one that shows.
    let plain = Account::default();
    for (number, account) in [
        Account { onboarding: Onboarding::EmailVerification, ..plain.clone() },
        Account { lock: Lock::Admin, ..plain.clone() },
        Account { disabled: true, ..plain.clone() },
        Account { email_verified: true, ..plain.clone() },
        Account { seq_log: "A".to_owned(), ..plain.clone() },
        plain,
    ]
    .into_iter()
    .enumerate()
    {
        users.push(Seed { account, ..Seed::new(json!({ "userName": format!("plain{number}") })) });
    }
    users
}
