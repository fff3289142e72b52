//! The token in a link, version 1: stateless, HMAC-signed, expiring. `docs/token.md` specifies the bytes, and
//! `tests/vectors/token-v1.json` holds vectors for another implementation.
//!
//! ```text
//! lk1.<base64url payload>.<base64url tag>            at most 160 characters
//! payload = kid length (1) | kid | purpose (1) | tenant (8) | user id (16) | seq (4) | issued at (8) | expiry (8)
//!           | locale length (1) | locale             integers big-endian, times in seconds, expiry 0 = never
//! tag     = HMAC-SHA256(key, everything before the last dot)
//! key     = HKDF-SHA256(root key, info = "latchkey/token/v1" | 0 | purpose | tenant | host of PUBLIC_ORIGIN)
//! ```
//!
//! There is no algorithm field: the prefix fixes it. Nothing here touches a database. What a token cannot know, whether
//! its `seq` is still the user's, is checked afterwards (`invite/redeem.rs`).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::base::keys::KeyRing;
use crate::base::locale::MAX_LOCALE;

const PREFIX: &str = "lk1.";
/// The longest token there is: anything longer is refused before it is looked at.
pub const MAX_LENGTH: usize = 160;
/// The longest name of a key, in bytes.
pub const MAX_KID: usize = 8;
/// Clocks of two machines may differ by this much, in seconds.
const LEEWAY: u64 = 60;

/// What a token is good for. Each purpose has its own derived key, so that none passes for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// Set the first password (askPassword).
    AskPassword = 1,
    /// Confirm the e-mail address (verifyEmail).
    VerifyEmail = 2,
    /// Set the first password, by a link that an administrator handed over.
    Offline = 3,
    // A published vector says that 4 is refused.
    /// Set a new password, by a mailed link.
    Reset = 5,
    /// Set a new password, by a link that was handed over.
    OfflineReset = 6,
}

impl Purpose {
    fn from_byte(byte: u8) -> Option<Self> {
        let all = [Self::AskPassword, Self::VerifyEmail, Self::Offline, Self::Reset, Self::OfflineReset];
        all.into_iter().find(|purpose| *purpose as u8 == byte)
    }

    /// Whether it is for somebody who has an account already to set a new password.
    #[must_use]
    pub fn resets_password(self) -> bool {
        matches!(self, Self::Reset | Self::OfflineReset)
    }
}

/// The purpose that a token states, which has not been verified: where to send whoever has it.
#[must_use]
pub fn stated_purpose(token: &str) -> Option<Purpose> {
    let (signed, _) = token.rsplit_once('.')?;
    let payload = URL_SAFE_NO_PAD.decode(signed.strip_prefix(PREFIX)?).ok()?;
    decode(&payload).map(|claims| claims.purpose)
}

/// The contents of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The key that signed it.
    pub kid: String,
    /// The action it authorizes.
    pub purpose: Purpose,
    /// The number of the tenant it belongs to.
    pub tenant: u64,
    /// The user it is for.
    pub user: Uuid,
    /// The user's `seq` it is good for.
    pub seq: u32,
    /// The time it was issued, in seconds.
    pub issued_at: u64,
    /// The time it expires, in seconds; 0 for never.
    pub expires_at: u64,
    /// The language of its page.
    pub locale: String,
}

/// Why a token is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Mangled, forged, of an unknown or retired key, of another purpose: all the same to the outside.
    Invalid,
    /// Authentic, but of another tenant than the one it was given to.
    OtherTenant,
    /// Authentic, but its time is over. The claims may be trusted, for the page's language and its button.
    Expired(Box<Claims>),
}

impl KeyRing {
    /// Mints the token for `claims`, signed by the key that they name; `None` when that key has been retired.
    #[must_use]
    pub fn mint(&self, claims: &Claims) -> Option<String> {
        let payload = encode(claims)?;
        let mut token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(payload));
        let tag = self.mac(&claims.kid, claims.purpose, claims.tenant, token.as_bytes())?.finalize().into_bytes();
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(tag, &mut token);
        Some(token)
    }

    /// Checks a token in the order of DESIGN 2.4: length, strict parse, key id, tag in constant time, purpose, tenant,
    /// expiry. `tenant` is the
    /// number of the tenant in whose path it was sent, `now` is in seconds.
    ///
    /// # Errors
    /// [`Refused`]
    pub fn verify(&self, token: &str, purposes: &[Purpose], tenant: u64, now: u64) -> Result<Claims, Refused> {
        if token.len() > MAX_LENGTH {
            return Err(Refused::Invalid);
        }
        let (signed, tag) = token.rsplit_once('.').ok_or(Refused::Invalid)?;
        let payload = signed.strip_prefix(PREFIX).ok_or(Refused::Invalid)?;
        // The engine refuses padding, other alphabets, white space and spare bits: one token, one spelling.
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| Refused::Invalid)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| Refused::Invalid)?;
        let claims = decode(&payload).ok_or(Refused::Invalid)?;
        self.mac(&claims.kid, claims.purpose, claims.tenant, signed.as_bytes())
            .ok_or(Refused::Invalid)?
            .verify_slice(&tag)
            .map_err(|_| Refused::Invalid)?;
        if !purposes.contains(&claims.purpose) {
            return Err(Refused::Invalid);
        }
        if claims.tenant != tenant {
            return Err(Refused::OtherTenant);
        }
        if claims.issued_at > now.saturating_add(LEEWAY) {
            return Err(Refused::Invalid);
        }
        if claims.expires_at != 0 && now >= claims.expires_at {
            return Err(Refused::Expired(Box::new(claims)));
        }
        Ok(claims)
    }

    fn mac(&self, kid: &str, purpose: Purpose, tenant: u64, message: &[u8]) -> Option<Hmac<Sha256>> {
        let context = [&[purpose as u8], &tenant.to_be_bytes()[..]].concat();
        let key = self.derive_from(kid, b"latchkey/token/v1", &context)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
        mac.update(message);
        Some(mac)
    }
}

fn encode(claims: &Claims) -> Option<Vec<u8>> {
    if claims.kid.len() > MAX_KID || claims.locale.len() > MAX_LOCALE {
        return None;
    }
    let mut payload = Vec::with_capacity(64);
    payload.push(u8::try_from(claims.kid.len()).ok()?);
    payload.extend_from_slice(claims.kid.as_bytes());
    payload.push(claims.purpose as u8);
    payload.extend_from_slice(&claims.tenant.to_be_bytes());
    payload.extend_from_slice(claims.user.as_bytes());
    payload.extend_from_slice(&claims.seq.to_be_bytes());
    payload.extend_from_slice(&claims.issued_at.to_be_bytes());
    payload.extend_from_slice(&claims.expires_at.to_be_bytes());
    payload.push(u8::try_from(claims.locale.len()).ok()?);
    payload.extend_from_slice(claims.locale.as_bytes());
    Some(payload)
}

/// Reads a payload; every byte must be accounted for.
fn decode(payload: &[u8]) -> Option<Claims> {
    let mut rest = payload;
    let kid_length = usize::from(take::<1>(&mut rest)?[0]);
    if kid_length > MAX_KID {
        return None;
    }
    let kid = take_text(&mut rest, kid_length)?;
    let purpose = Purpose::from_byte(take::<1>(&mut rest)?[0])?;
    let tenant = u64::from_be_bytes(take(&mut rest)?);
    let user = Uuid::from_bytes(take(&mut rest)?);
    let seq = u32::from_be_bytes(take(&mut rest)?);
    let issued_at = u64::from_be_bytes(take(&mut rest)?);
    let expires_at = u64::from_be_bytes(take(&mut rest)?);
    let locale_length = usize::from(take::<1>(&mut rest)?[0]);
    if locale_length > MAX_LOCALE {
        return None;
    }
    let locale = take_text(&mut rest, locale_length)?;
    rest.is_empty().then_some(Claims { kid, purpose, tenant, user, seq, issued_at, expires_at, locale })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

fn take_text(rest: &mut &[u8], length: usize) -> Option<String> {
    let (head, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    head.is_ascii().then(|| String::from_utf8_lossy(head).into_owned())
}

#[cfg(test)]
mod tests;
