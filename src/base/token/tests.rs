//! What the token promises, attacked as `reference/attacks.md` rows 1 to 6 list.

use proptest::prelude::*;
use uuid::Uuid;

use crate::base::keys::Key;
use crate::base::locale::MAX_LOCALE;
use crate::base::token::*;
use crate::model::tenant::Tenant;

fn ring() -> KeyRing {
    KeyRing::new(
        vec![Key::new("new".to_owned(), vec![7; 32]), Key::new("old".to_owned(), vec![9; 32])],
        "id.example.com".to_owned(),
    )
}

fn claims() -> Claims {
    Claims {
        kid: "new".to_owned(),
        purpose: Purpose::AskPassword,
        tenant: 0,
        user: Uuid::from_u128(0x0192_f0c1_2345_7890_8abc_def0_1234_5678),
        seq: 3,
        issued_at: 1_000_000,
        expires_at: 1_086_400,
        locale: "en_US".to_owned(),
    }
}

/// The number of another tenant than the super tenant.
const ACME: u64 = 7;
const NOW: u64 = 1_000_100;
const ANY: &[Purpose] = &[Purpose::AskPassword];

fn verify(token: &str) -> Result<Claims, Refused> {
    ring().verify(token, ANY, 0, NOW)
}

fn minted() -> String {
    ring().mint(&claims()).expect("a known key")
}

#[test]
fn a_minted_token_verifies_and_says_what_was_minted() {
    assert_eq!(verify(&minted()), Ok(claims()));
}

#[test]
fn the_longest_token_has_at_most_160_characters() {
    let ring = KeyRing::new(vec![Key::new("k2345678".to_owned(), vec![1; 32])], "h".to_owned());
    let long = Claims { kid: "k2345678".to_owned(), locale: "l".repeat(MAX_LOCALE), ..claims() };
    assert!(ring.mint(&long).expect("a known key").len() <= MAX_LENGTH);
    assert_eq!(ring.mint(&Claims { locale: "l".repeat(MAX_LOCALE + 1), ..long }), None);
}

#[test]
fn every_flipped_bit_is_refused() {
    let token = minted();
    for index in 0..token.len() {
        for bit in 0..8 {
            let mut bytes = token.clone().into_bytes();
            bytes[index] ^= 1 << bit;
            if let Ok(mangled) = String::from_utf8(bytes) {
                assert_eq!(verify(&mangled), Err(Refused::Invalid), "{mangled}");
            }
        }
    }
}

#[test]
fn truncated_or_lengthened_at_any_place_is_refused() {
    let token = minted();
    for length in 0..token.len() {
        assert_eq!(verify(&token[..length]), Err(Refused::Invalid));
    }
    for tail in ["A", "=", ".", " ", "\n", "%00", "AAAA", &"A".repeat(10_000)] {
        assert_eq!(verify(&format!("{token}{tail}")), Err(Refused::Invalid));
    }
}

#[test]
fn segments_of_two_tokens_do_not_mix() {
    let one = minted();
    let two = ring().mint(&Claims { seq: 4, ..claims() }).expect("a known key");
    let (head, _) = one.rsplit_once('.').expect("three segments");
    let (_, tag) = two.rsplit_once('.').expect("three segments");
    assert_eq!(verify(&format!("{head}.{tag}")), Err(Refused::Invalid));
}

#[test]
fn other_spellings_of_the_same_bytes_are_refused() {
    let token = minted();
    let padded = format!("{token}=");
    let homoglyph = token.replace('.', "\u{2024}");
    let upper = token.replacen("lk1", "LK1", 1);
    // The tag's last character carries four significant bits: the other two must be zero.
    let last = token.chars().last().expect("not empty");
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let index = alphabet.find(last).expect("base64url");
    let spare = alphabet.chars().nth(index | 1).expect("base64url");
    let spare_bits = format!("{}{spare}", &token[..token.len() - 1]);
    assert_ne!(spare_bits, token);
    for spelling in [padded, homoglyph, upper, spare_bits, format!(" {token}"), token.replacen('.', "..", 1)] {
        assert_eq!(verify(&spelling), Err(Refused::Invalid), "{spelling}");
    }
}

#[test]
fn other_versions_and_algorithms_are_refused() {
    let token = minted();
    let (head, tag) = token.rsplit_once('.').expect("three segments");
    let payload = head.strip_prefix("lk1.").expect("the prefix");
    for other in [
        format!("lk0.{payload}.{tag}"),
        format!("lk2.{payload}.{tag}"),
        format!("none.{payload}.{tag}"),
        format!("eyJhbGciOiJub25lIn0.{payload}."),
        format!("{head}."),
        format!("{head}.{}", &tag[..22]),
        format!("{payload}.{tag}"),
    ] {
        assert_eq!(verify(&other), Err(Refused::Invalid), "{other}");
    }
}

#[test]
fn an_older_key_still_verifies_and_a_retired_one_does_not() {
    let older = Claims { kid: "old".to_owned(), ..claims() };
    let token = ring().mint(&older).expect("a known key");
    assert_eq!(verify(&token), Ok(older));
    let rotated = KeyRing::new(vec![Key::new("new".to_owned(), vec![7; 32])], "id.example.com".to_owned());
    assert_eq!(rotated.verify(&token, ANY, 0, NOW), Err(Refused::Invalid));
}

#[test]
fn another_key_under_the_same_name_is_refused() {
    let other = KeyRing::new(vec![Key::new("new".to_owned(), vec![8; 32])], "id.example.com".to_owned());
    assert_eq!(other.verify(&minted(), ANY, 0, NOW), Err(Refused::Invalid));
}

#[test]
fn a_token_is_bound_to_its_purpose_tenant_and_host() {
    let token = minted();
    let tenant = 0;
    assert_eq!(ring().verify(&token, &[Purpose::VerifyEmail], tenant, NOW), Err(Refused::Invalid));
    assert_eq!(ring().verify(&token, ANY, ACME, NOW), Err(Refused::OtherTenant));
    let elsewhere = KeyRing::new(vec![Key::new("new".to_owned(), vec![7; 32])], "id.example.org".to_owned());
    assert_eq!(elsewhere.verify(&token, ANY, tenant, NOW), Err(Refused::Invalid));
}

#[test]
fn it_expires_to_the_second_and_may_not_come_from_the_future() {
    let token = minted();
    let at = |now| ring().verify(&token, ANY, 0, now);
    assert_eq!(at(1_086_399), Ok(claims()));
    assert_eq!(at(1_086_400), Err(Refused::Expired(Box::new(claims()))));
    assert_eq!(at(u64::MAX), Err(Refused::Expired(Box::new(claims()))));
    assert_eq!(at(1_000_000 - 60), Ok(claims()));
    assert_eq!(at(1_000_000 - 61), Err(Refused::Invalid));
}

#[test]
fn an_expiry_of_zero_never_comes() {
    let forever = Claims { expires_at: 0, ..claims() };
    let token = ring().mint(&forever).expect("a known key");
    assert_eq!(ring().verify(&token, ANY, 0, u64::MAX), Ok(forever));
}

#[test]
fn the_published_vectors_hold() {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/vectors/token-v1.json")).expect("JSON");
    let text = |value: &serde_json::Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    for vector in vectors["valid"].as_array().expect("a list") {
        let key = URL_SAFE_NO_PAD.decode(text(vector, "rootKey")).expect("base64url");
        let ring = KeyRing::new(vec![Key::new(text(vector, "kid"), key)], text(vector, "host"));
        let number = |name: &str| vector[name].as_u64().expect("a number");
        let purpose = Purpose::from_byte(u8::try_from(number("purpose")).expect("a byte")).expect("a purpose");
        let claims = Claims {
            kid: text(vector, "kid"),
            purpose,
            tenant: number("tenant"),
            user: text(vector, "user").parse().expect("a UUID"),
            seq: u32::try_from(number("seq")).expect("32 bits"),
            issued_at: number("issuedAt"),
            expires_at: number("expiresAt"),
            locale: text(vector, "locale"),
        };
        assert_eq!(ring.mint(&claims).as_deref(), vector["token"].as_str(), "{}", vector["name"]);
        let tenant = if claims.tenant == 0 { 0 } else { Tenant::from_domain(&text(vector, "tenantDomain")).number() };
        assert_eq!(ring.verify(&text(vector, "token"), &[purpose], tenant, number("issuedAt")), Ok(claims));
    }
    let first = &vectors["valid"][0];
    let key = URL_SAFE_NO_PAD.decode(text(first, "rootKey")).expect("base64url");
    let ring = KeyRing::new(vec![Key::new(text(first, "kid"), key)], text(first, "host"));
    for vector in vectors["invalid"].as_array().expect("a list") {
        let all = [Purpose::AskPassword, Purpose::VerifyEmail, Purpose::Offline];
        let now = first["issuedAt"].as_u64().expect("a number");
        let refused = ring.verify(&text(vector, "token"), &all, 0, now);
        let why = if vector["name"] == "another tenant's token" { Refused::OtherTenant } else { Refused::Invalid };
        assert_eq!(refused, Err(why), "{}", vector["name"]);
    }
}

proptest! {
    #[test]
    fn any_text_is_refused_without_a_panic(text in ".{0,200}") {
        prop_assert_eq!(verify(&text), Err(Refused::Invalid));
    }

    #[test]
    fn any_payload_reads_back_or_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        if let Some(claims) = decode(&bytes) {
            prop_assert_eq!(encode(&claims), Some(bytes));
        }
    }

    #[test]
    fn minting_and_verifying_agree(seq: u32, user: u128, issued_at in 0..u64::from(u32::MAX), life in 1..1_000_000u64) {
        let claims = Claims { seq, user: Uuid::from_u128(user), issued_at, expires_at: issued_at + life, ..claims() };
        let token = ring().mint(&claims).expect("a known key");
        prop_assert_eq!(ring().verify(&token, ANY, 0, issued_at), Ok(claims));
    }
}
