//! The cookie of a console session.
//!
//! It is signed (`signed`), so that one which was not made here costs no look-up. The payload is the number of the tenant
//! that the session is of (8 bytes), its id (16), when it is over in any case, in seconds (8), and the id of the user (16);
//! the first administrator has none, and a key that is bound to the secret: another password ends their sessions. What
//! else ends a session is for `sessions` to know.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::base::secret::Secret;
use crate::base::signing::Use;
use crate::model::deployment::Deployment;

/// The cookie's name in production. Browsers take a cookie of this prefix only with `Secure`, from this very host and for
/// all of its paths, so that no other host of the domain can set it.
const NAME: &str = "__Host-latchkey-session";
/// In development, where there is no TLS to be `Secure` with.
const DEVELOPMENT_NAME: &str = "latchkey-session";

const OF_USER: &str = "lk_s_";
const OF_ADMINISTRATOR: &str = "lk_sa_";
const LABEL: &[u8] = b"latchkey/session/v1";

/// The contents of a session cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The number of the tenant that it is of.
    pub tenant: u64,
    /// Its id.
    pub id: Uuid,
    /// The time it is over in any case, in seconds.
    pub expires_at: u64,
    /// The user; `None` for the first administrator.
    pub user: Option<Uuid>,
}

impl Session {
    /// The cookie's name.
    #[must_use]
    pub fn cookie_name(deployment: &Deployment) -> &'static str {
        if deployment.is_development() { DEVELOPMENT_NAME } else { NAME }
    }

    /// The cookie's value.
    #[must_use]
    pub fn sign(&self, deployment: &Deployment) -> Option<Secret> {
        let mut payload = self.tenant.to_be_bytes().to_vec();
        payload.extend_from_slice(self.id.as_bytes());
        payload.extend_from_slice(&self.expires_at.to_be_bytes());
        match self.user {
            Some(user) => {
                payload.extend_from_slice(user.as_bytes());
                of_user().sign(&deployment.keys, &payload)
            }
            None => of_administrator(&secret(deployment)?).sign(&deployment.keys, &payload),
        }
    }

    /// Reads a cookie's value; `None` for what was not signed here, or is over at `now`, in seconds.
    #[must_use]
    pub fn verify(text: &str, deployment: &Deployment, now: u64) -> Option<Self> {
        let keys = &deployment.keys;
        let is_first = text.starts_with(OF_ADMINISTRATOR);
        let payload = if is_first {
            of_administrator(&secret(deployment)?).verify(keys, text)?
        } else {
            of_user().verify(keys, text)?
        };
        let (tenant, rest) = payload.split_first_chunk::<8>()?;
        let (id, rest) = rest.split_first_chunk::<16>()?;
        let (expires_at, rest) = rest.split_first_chunk::<8>()?;
        let user = if is_first { None } else { Some(Uuid::from_slice(rest).ok()?) };
        let expires_at = u64::from_be_bytes(*expires_at);
        let (tenant, id) = (u64::from_be_bytes(*tenant), Uuid::from_bytes(*id));
        (now < expires_at).then_some(Self { tenant, id, expires_at, user })
    }
}

/// The value of a cookie in a `Cookie` header (RFC 6265 section 4.2), if it is there.
#[must_use]
pub fn find_in_header<'h>(header: &'h str, name: &str) -> Option<&'h str> {
    header.split(';').filter_map(|pair| pair.trim().split_once('=')).find(|(key, _)| *key == name).map(|(_, v)| v)
}

fn of_user() -> Use<'static> {
    Use { prefix: OF_USER, label: LABEL, bound_to: b"" }
}

fn of_administrator(secret: &[u8]) -> Use<'_> {
    Use { prefix: OF_ADMINISTRATOR, label: LABEL, bound_to: secret }
}

/// Stands for the first administrator's secrets as they are now; `None` where there is no such administrator.
fn secret(deployment: &Deployment) -> Option<[u8; 32]> {
    let first = deployment.administrator.as_ref()?;
    let digest = Sha256::new().chain_update(Sha256::digest(&first.username));
    Some(digest.chain_update(Sha256::digest(first.password.expose())).finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(password: &str, keys: &str) -> Deployment {
        let variable = |name: &str| match name {
            "ENVIRONMENT" => Some("development"),
            "ADMIN_USERNAME" => Some("admin"),
            "ADMIN_PASSWORD" => Some(password),
            "TOKEN_KEYS" => Some(keys),
            _ => None,
        };
        Deployment::load(|name| variable(name).map(str::to_owned).filter(|v| !v.is_empty()), |_, _| None)
            .expect("complete")
    }

    const KEY: &str = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    const NEXT: &str = "k2:HwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    fn session(user: Option<u128>) -> Session {
        Session { tenant: 7, id: Uuid::from_u128(8), expires_at: 1_000, user: user.map(Uuid::from_u128) }
    }

    #[test]
    fn a_cookie_says_what_was_signed_until_the_session_is_over() {
        let here = deployment("secret", KEY);
        for session in [session(None), session(Some(9))] {
            let text = session.sign(&here).expect("a key");
            assert_eq!(Session::verify(text.expose(), &here, 999), Some(session.clone()));
            assert_eq!(Session::verify(text.expose(), &here, 1_000), None);
            let rotated = deployment("secret", &format!("{NEXT},{KEY}"));
            assert_eq!(Session::verify(text.expose(), &rotated, 0), Some(session));
            assert_eq!(Session::verify(text.expose(), &deployment("secret", NEXT), 0), None);
        }
    }

    #[test]
    fn another_secret_of_the_first_administrator_ends_their_sessions_alone() {
        let [first, other] = [None, Some(9)].map(|user| session(user).sign(&deployment("secret", KEY)).expect("a key"));
        let changed = deployment("another", KEY);
        assert_eq!(Session::verify(first.expose(), &changed, 0), None);
        assert!(Session::verify(other.expose(), &changed, 0).is_some());
    }

    #[test]
    fn no_other_text_passes_for_a_cookie() {
        let here = deployment("secret", KEY);
        for session in [session(None), session(Some(9))] {
            let text = session.sign(&here).expect("a key").expose().to_owned();
            for position in 0..text.len() {
                for other in ["A", "B", "-", ".", "="] {
                    let mut mangled = text.clone();
                    mangled.replace_range(position..=position, other);
                    assert!(mangled == text || Session::verify(&mangled, &here, 0).is_none(), "{mangled}");
                }
                assert_eq!(Session::verify(&text[..position], &here, 0), None);
            }
            let other_prefix = text.replacen("lk_sa_", "lk_s_", 1).replacen("lk_s_", "lk_sa_", 1);
            assert!(other_prefix == text || Session::verify(&other_prefix, &here, 0).is_none());
        }
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let here = deployment("secret", KEY);
        for header in ["latchkey-session=x", "a=b; latchkey-session=x", " latchkey-session=x;latchkey-session=y; c"] {
            assert_eq!(find_in_header(header, Session::cookie_name(&here)), Some("x"), "{header}");
        }
        for header in ["", "latchkey-session", "xlatchkey-session=x", "a=latchkey-session=x", "Latchkey-Session=x"] {
            assert_eq!(find_in_header(header, Session::cookie_name(&here)), None, "{header}");
        }
    }
}
