//! Who is calling: an API token, HTTP Basic of the first administrator, or a user's own Basic credentials.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::access::scope::Scope;
use crate::access::{password, token, tokens};
use crate::context::{Actor, Context};
use crate::directory::find;
use crate::directory::resource::Resource;
use crate::ports::DatabaseError;
use crate::tenant::{SUPER_TENANT, Secret, Tenant};

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

/// What an `Authorization` header carries.
pub enum Credentials {
    /// A name and a password.
    Basic(Basic),
    /// An API token (RFC 6750).
    Bearer(Secret),
}

impl Credentials {
    /// Reads an `Authorization` header; `None` for another scheme, or what is not well-formed.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let (scheme, credentials) = header.split_once(' ')?;
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(Self::Bearer(Secret::new(credentials.trim())));
        }
        Basic::parse(header).map(Self::Basic)
    }
}

/// The context with whoever has this API token in it; `None` when it is not good here. A token works in its own tenant
/// alone; the super tenant's inside any, if it has the scope `tenants`.
///
/// # Errors
/// The database's.
pub async fn bearer(ctx: &Context, text: &Secret) -> Result<Option<Context>, DatabaseError> {
    let Some(digest) = token::digest(text.expose()) else { return Ok(None) };
    let Some(token) = tokens::find(ctx, &digest).await? else { return Ok(None) };
    let is_own = token.tenant == ctx.tenant.number();
    if !is_own && !(token.tenant == Tenant::super_tenant().number() && token.scopes.has(Scope::Tenants)) {
        return Ok(None);
    }
    let name = if is_own { token.name.clone() } else { format!("{}@{SUPER_TENANT}", token.name) };
    Ok(Some(Context { actor: Actor::Token { id: token.id.clone(), name }, scopes: token.scopes, ..ctx.clone() }))
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

/// Checks a user's own credentials in one round trip, and in the same time whether or not the user exists.
///
/// # Errors
/// The database's.
pub async fn user(ctx: &Context, gate: &password::Gate, basic: &Basic) -> Result<SignIn, DatabaseError> {
    let Some(_place) = gate.enter() else { return Ok(SignIn::Busy) };
    let found = find::user_with_password_hash(ctx, &basic.username).await?;
    let Some((user, Some(hash))) = found else {
        password::pretend_to_verify(&basic.password);
        return Ok(SignIn::Refused);
    };
    let right = password::verify(&basic.password, &hash);
    Ok(if right && user.account.may_sign_in() { SignIn::Accepted(Box::new(user)) } else { SignIn::Refused })
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
