//! Rows 1 to 6: tokens that nobody minted, or for something else.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey::base::token::Claims;
use latchkey::model::tenant::Tenant;
use serde_json::json;

use super::{assert_forged, claims, path, redeem, token};
use crate::attacks::PASSWORD;
use crate::support::App;

#[test]
fn row_01_a_token_with_any_bit_turned_over_or_of_any_other_length_is_nobodys() {
    let (app, link) = App::with_invitation();
    let minted = token(&link).as_bytes();
    let before = app.dump();
    for bit in 0..8 * minted.len() {
        let mut mangled = minted.to_vec();
        mangled[bit / 8] ^= 1 << (bit % 8);
        // A slash or a question mark makes another address of it.
        if !matches!(mangled[bit / 8], b'/' | b'?' | b'#') {
            assert_forged(&app, &path("invite", &mangled));
        }
    }
    for length in 1..minted.len() {
        assert_forged(&app, &path("invite", &minted[..length]));
        assert_forged(&app, &path("invite", &minted[length..]));
    }
    for tail in [&b"A"[..], b"AAAA", b".A", b"\0A", b"\n-", b"=_", &[b'A'; 5000]] {
        assert_forged(&app, &path("invite", &[minted, tail].concat()));
    }
    assert_eq!(app.dump(), before);
    assert_eq!(redeem(&app, &link, PASSWORD).status, 200);
}

#[test]
fn row_01_parts_of_two_valid_tokens_make_no_third() {
    let (app, one) = App::with_invitation();
    app.invite("peter");
    let two = app.newest_link();
    let parts = |link: &str| token(link).split('.').map(str::to_owned).collect::<Vec<_>>();
    let (one, two) = (parts(&one), parts(&two));
    for mixed in [[&one[0], &one[1], &two[2]], [&one[0], &two[1], &one[2]], [&one[0], &one[2], &one[1]]] {
        assert_forged(&app, &path("invite", format!("{}.{}.{}", mixed[0], mixed[1], mixed[2]).as_bytes()));
    }
}

#[test]
fn row_02_a_token_has_one_spelling() {
    let (app, link) = App::with_invitation();
    let minted = token(&link);
    let parts: Vec<&str> = minted.split('.').collect();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    // The last character of a tag of 32 bytes has two bits to spare.
    let last = minted.chars().last().unwrap();
    let spare = alphabet.chars().nth(alphabet.find(last).unwrap() | 1).unwrap();
    for spelled in [
        format!("{minted}=A"),
        format!("{}.{}=.{}", parts[0], parts[1], parts[2]),
        format!("{}{spare}", &minted[..minted.len() - 1]),
        format!(" {minted}"),
        format!("\u{feff}{minted}"),
        minted.replace('.', "\u{2024}"),
        minted.replace('.', "\u{ff0e}"),
        minted.replacen("lk1", "LK1", 1),
        format!("{}.{}.\n{}", parts[0], parts[1], parts[2]),
    ] {
        assert_forged(&app, &path("invite", spelled.as_bytes()));
    }
    // The other alphabet, of a token that has such characters.
    let mut seq = claims(&app, &link);
    let other = std::iter::repeat_with(|| {
        seq.seq += 1;
        app.deployment.keys.mint(&seq).unwrap()
    });
    let with_both = other.take(1000).find(|minted| minted.contains('-') && minted.contains('_')).unwrap();
    for spelled in
        [with_both.replace('-', "+"), with_both.replace('_', "/"), with_both.replace('-', "+").replace('_', "/")]
    {
        assert_forged(&app, &format!("/invite/{}", spelled.replace('/', "%2F")));
    }
    // What mail programs do to an address is undone once before the token is read, and no more than once.
    assert_forged(&app, &format!("/invite/%256C{}", &minted[1..]));
    for link in [format!("/invite/%6C{}", &minted[1..]), format!("/invite/{minted}%3D%00%20")] {
        assert_eq!(app.anyone("GET", &link).status, 200, "{link}");
    }
    // A code in a body is a token as it is.
    for code in [format!("{minted}="), format!("{minted}."), format!(" {minted}"), minted.replace('.', "%2E")] {
        let body = json!({ "code": code, "step": "UPDATE_PASSWORD" }).to_string();
        assert_eq!(app.admin("POST", "/api/identity/recovery/v0.9/validate-code", body).status, 400, "{code}");
    }
}

#[test]
fn row_03_no_other_version_and_no_other_algorithm() {
    let (app, link) = App::with_invitation();
    let parts: Vec<&str> = token(&link).split('.').collect();
    let (payload, tag) = (parts[1], parts[2]);
    let tag_bytes = URL_SAFE_NO_PAD.decode(tag).unwrap();
    let jwt = |header: &str| URL_SAFE_NO_PAD.encode(header);
    for forged in [
        format!("lk0.{payload}.{tag}"),
        format!("lk2.{payload}.{tag}"),
        format!("none.{payload}."),
        format!("lk1.{payload}."),
        format!("lk1.{payload}"),
        format!("lk1.{payload}.{}", URL_SAFE_NO_PAD.encode(&tag_bytes[..16])),
        format!("lk1.{payload}.{}", URL_SAFE_NO_PAD.encode([0; 32])),
        format!("lk1.{payload}.{tag}.{tag}"),
        format!("{}.{payload}.", jwt(r#"{"alg":"none"}"#)),
        format!("{}.{payload}.{tag}", jwt(r#"{"alg":"HS256"}"#)),
        format!("{payload}.{tag}"),
    ] {
        assert_forged(&app, &path("invite", forged.as_bytes()));
    }
}

#[test]
fn row_04_a_key_that_is_unknown_retired_or_no_name_at_all_is_told_like_any_forgery() {
    let (app, link) = App::with_invitation();
    let parts: Vec<&str> = token(&link).split('.').collect();
    let payload = URL_SAFE_NO_PAD.decode(parts[1]).unwrap();
    // The payload begins with the length of the key's name and the name.
    let rest = &payload[1 + usize::from(payload[0])..];
    let long = "k".repeat(255);
    for kid in ["", "k2", "k0", "K1", "../", "..", "k1\0", "k1234567", long.as_str()] {
        let mut forged = vec![u8::try_from(kid.len()).unwrap()];
        forged.extend_from_slice(kid.as_bytes());
        forged.extend_from_slice(rest);
        assert_forged(&app, &path("invite", format!("lk1.{}.{}", URL_SAFE_NO_PAD.encode(forged), parts[2]).as_bytes()));
    }
    assert_forged(&app, &path("invite", format!("lk1.{}.{}", "A".repeat(10_000), parts[2]).as_bytes()));
    let retired = app.reconfigured(&[("TOKEN_KEYS", "k2:ISEhISEhISEhISEhISEhISEhISEhISEhISEhISEhISE")]);
    assert_forged(&retired, &link);
}

#[test]
fn row_05_a_token_of_another_purpose_tenant_or_deployment_is_told_like_any_forgery() {
    let (app, invitation) = App::with_invitation();
    let peter = json!({
        "userName": "peter", "password": PASSWORD, "emails": ["peter@example.com"],
        "urn:scim:wso2:schema": { "verifyEmail": true },
    });
    assert_eq!(app.admin("POST", "/scim2/Users", peter.to_string()).status, 201);
    let verification = app.newest_link();
    assert_forged(&app, &format!("/verify/{}", token(&invitation)));
    assert_forged(&app, &format!("/invite/{}", token(&verification)));

    let acme = json!({ "domain": "acme.com", "owners": [{
        "username": "kim", "email": "kim@acme.com", "firstname": "Kim", "lastname": "Doe",
        "provisioningMethod": "invite-via-email" }] });
    assert_eq!(app.admin("POST", "/api/server/v1/tenants", acme.to_string()).status, 201);
    app.deliver();
    for elsewhere in [format!("/t/acme.com{invitation}"), format!("/t/nowhere.example{invitation}")] {
        let page = app.anyone("GET", &elsewhere);
        assert_eq!((page.status.as_u16(), page.trips()), (404, 0), "{elsewhere}");
    }
    // What another tenant's key would sign is no more than that tenant's.
    let foreign = Claims { tenant: Tenant::from_domain("acme.com").number(), ..claims(&app, &invitation) };
    assert_forged(&app, &format!("/invite/{}", app.deployment.keys.mint(&foreign).unwrap()));

    let staging = app.reconfigured(&[("PUBLIC_ORIGIN", "https://staging.example.com")]);
    assert_forged(&staging, &invitation);
}

#[test]
fn row_06_a_link_lives_until_its_last_second_and_no_date_is_too_odd() {
    let (app, link) = App::with_invitation();
    let said = claims(&app, &link);
    let minted = |issued_at: u64, expires_at: u64| {
        let claims = Claims { issued_at, expires_at, ..said.clone() };
        format!("/invite/{}", app.deployment.keys.mint(&claims).unwrap())
    };
    let now = || u64::try_from(app.platform.clock.now() / 1000).unwrap();
    // The clock runs on: what is said of one second must be asked within it.
    let (last_second, expired) = std::iter::repeat_with(|| {
        let second = now();
        let statuses = [second + 1, second, second - 1]
            .map(|expiry| app.anyone("GET", &minted(second - 60, expiry)).status.as_u16());
        (now() == second).then_some((statuses[0], [statuses[1], statuses[2]]))
    })
    .take(50)
    .flatten()
    .next()
    .expect("fifty tries are enough to stay within a second");
    assert_eq!((last_second, expired), (200, [410, 410]));

    assert_eq!(app.anyone("GET", &minted(now() + 50, 0)).status, 200, "clocks may differ by a minute");
    assert_forged(&app, &minted(now() + 120, 0));
    assert_forged(&app, &minted(u64::MAX, u64::MAX));
    for (expires_at, status) in [(u64::MAX, 200), (i64::MAX as u64, 200), (i64::MAX as u64 + 1, 200), (1, 410)] {
        let link = minted(said.issued_at, expires_at);
        assert_eq!(app.anyone("GET", &link).status, status, "{expires_at}");
    }
    app.native.clock.advance(Duration::from_secs(2 * 86_400));
    let page = redeem(&app, &link, PASSWORD);
    assert_eq!((page.status.as_u16(), page.trips()), (410, 0));
}
