//! Who is calling: HTTP Basic of the first administrator, and a user's own Basic credentials.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::access::password;
use crate::context::Context;
use crate::directory::resource::Resource;
use crate::directory::{elsewhere, find};
use crate::ports::DatabaseError;

/// A user name and a password, as sent.
pub struct Basic {
    /// The name.
    pub username: String,
    /// The password.
    pub password: String,
}

impl Basic {
    /// Reads an `Authorization` header (RFC 7617); `None` when it is not well-formed Basic.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let (scheme, credentials) = header.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") || header.len() > 4096 {
            return None;
        }
        let decoded = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
        let (username, password) = decoded.split_once(':')?;
        Some(Self { username: username.to_owned(), password: password.to_owned() })
    }
}

/// Whether these are the first administrator's credentials. He belongs to the super tenant and may act inside any.
#[must_use]
pub fn is_first_administrator(ctx: &Context, basic: &Basic) -> bool {
    let expected = &ctx.deployment.administrator;
    // Digests have one length, so that the time tells nothing about the secrets.
    let same = |sent: &str, secret: &str| Sha256::digest(sent).ct_eq(&Sha256::digest(secret));
    let right = same(&basic.username, &expected.username) & same(&basic.password, expected.password.expose());
    bool::from(right)
}

/// What a user's own credentials come to.
pub enum SignIn {
    /// They are right, and the account is live.
    Accepted(Box<Resource>),
    /// Anything else: the caller learns no more.
    Refused,
    /// Too many passwords wait to be checked.
    Busy,
}

/// Checks a user's own credentials in one round trip, and in the same time whether or not the user exists. Letting in a
/// user of another store than PRIMARY takes one more.
///
/// # Errors
/// The database's.
pub async fn user(ctx: &Context, gate: &password::Gate, basic: &Basic) -> Result<SignIn, DatabaseError> {
    let Some(_place) = gate.enter() else { return Ok(SignIn::Busy) };
    let found = find::user_with_password_hash(ctx, &basic.username).await?;
    let Some((mut user, Some(hash))) = found else {
        password::pretend_to_verify(&basic.password);
        return Ok(SignIn::Refused);
    };
    if !password::verify(&basic.password, &hash) || !user.account.may_sign_in() {
        return Ok(SignIn::Refused);
    }
    // Not before: a round trip that only users cost would tell who is one.
    elsewhere::add_groups(ctx, [&mut user]).await?;
    Ok(SignIn::Accepted(Box::new(user)))
}

#[cfg(test)]
mod tests {
    use super::Basic;

    #[test]
    fn a_basic_header_may_have_colons_in_the_password() {
        let basic = Basic::parse("Basic cGF1bDphOmI6Yw==").expect("well-formed");
        assert_eq!((basic.username.as_str(), basic.password.as_str()), ("paul", "a:b:c"));
    }

    #[test]
    fn anything_else_is_not_basic() {
        for header in
            ["", "Basic", "Basic ", "non-token", "Bearer abc", "Basic !!!!", "Basic cGF1bA==", "Basic /////w=="]
        {
            assert!(Basic::parse(header).is_none(), "{header}");
        }
    }
}
