//! Who is calling: an API token, the first administrator, or a user by credentials of his own or in a session.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::access::delay::{Attempt, Verdict};
use crate::access::grant::Grant;
use crate::access::password::Gate;
use crate::access::{api_token, password, role, sessions};
use crate::base::scope::{Scope, Scopes};
use crate::base::secret::Secret;
use crate::model::context::{Actor, Context};
use crate::model::resource::Resource;
use crate::model::tenant::{SUPER_TENANT, Tenant};
use crate::ports::{DatabaseError, Millis, Statement};
use crate::store::api_tokens;
use crate::store::api_tokens::ApiToken;
use crate::store::audit::{self, Action};
use crate::store::tenant_settings;
use crate::store::{cross_store, find};
use scim::fold::fold;

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

/// What a request brings to say who sends it.
pub enum Credentials {
    /// A name and a password, in an `Authorization` header.
    Basic(Basic),
    /// An API token (RFC 6750), in an `Authorization` header.
    Bearer(Secret),
    /// The cookie of a console session.
    Session(Secret),
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

/// What credentials come to.
pub enum Outcome<T> {
    /// They are right.
    Accepted(T),
    /// Anything else: the caller learns no more.
    Refused,
    /// Too many passwords wait to be checked.
    Busy,
    /// Too many attempts have failed: the next one may be made after this many seconds.
    Wait(u32),
}

impl<T> Outcome<T> {
    /// The same of what `change` makes of what was accepted.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Self::Accepted(accepted) => Outcome::Accepted(change(accepted)),
            Self::Refused => Outcome::Refused,
            Self::Busy => Outcome::Busy,
            Self::Wait(seconds) => Outcome::Wait(seconds),
        }
    }
}

/// Somebody who has given a right password.
pub struct Admitted {
    /// The context with him in it.
    pub ctx: Context,
    /// The tenant that he belongs to.
    pub home: Tenant,
    /// His id and when his password was set; `None` for the first administrator.
    pub user: Option<(String, Millis)>,
}

/// Who calls, in the context, with what he may do: whoever has an API token or a session, the first administrator, or a
/// user who has a role.
///
/// # Errors
/// The database's.
pub async fn caller(ctx: &Context, gate: &Gate, credentials: &Credentials) -> Result<Outcome<Context>, DatabaseError> {
    let found = match credentials {
        Credentials::Bearer(token) => bearer(ctx, token).await?,
        Credentials::Session(cookie) => sessions::resume(ctx, cookie).await?,
        Credentials::Basic(basic) => return Ok(admitted(ctx, gate, basic).await?.map(|admitted| admitted.ctx)),
    };
    Ok(found.map_or(Outcome::Refused, Outcome::Accepted))
}

/// Whoever has this name and this password, if he administers: the first administrator, or a user who has a role.
///
/// # Errors
/// The database's.
pub async fn admitted(ctx: &Context, gate: &Gate, basic: &Basic) -> Result<Outcome<Admitted>, DatabaseError> {
    if is_first_administrator(ctx, basic) {
        return first_administrator(ctx, basic).await;
    }
    role_holder(ctx, gate, basic).await
}

/// The context with whoever has this API token, or an access token made for one, in it; `None` when it is not good here.
async fn bearer(ctx: &Context, text: &Secret) -> Result<Option<Context>, DatabaseError> {
    let Some((digest, granted)) = digest(ctx, text) else { return Ok(None) };
    let Some(token) = good_here(ctx, &digest).await? else { return Ok(None) };
    let is_own = token.tenant == ctx.tenant.number();
    let name = if is_own { of_own(ctx, token.name.clone()) } else { of_super_tenant(&token.name) };
    let scopes = token.scopes.intersection(granted);
    if !is_own && !scopes.has(Scope::Tenants) {
        return Ok(None);
    }
    Ok(Some(Context { actor: Actor::Token { id: token.id.clone(), name }, scopes, ..ctx.clone() }))
}

/// The digest of the API token that this is, or was made for, and what it allows of that at most; `None` for what costs no
/// look-up.
fn digest(ctx: &Context, text: &Secret) -> Option<(String, Scopes)> {
    if let Some(digest) = api_token::digest(text.expose()) {
        return Some((digest, Scopes::all()));
    }
    let grant = Grant::verify(text.expose(), &ctx.deployment.keys, ctx.now_seconds())?;
    Some((grant.parent, grant.scopes))
}

/// Whether an `Authorization` header has a token that would be looked up and that this isolate has not seen to be good.
#[must_use]
pub fn is_unproven_token(ctx: &Context, header: &str) -> bool {
    let Some(Credentials::Bearer(text)) = Credentials::parse(header) else { return false };
    digest(ctx, &text).is_some_and(|(digest, _)| !ctx.memory.tokens.has_good(&digest))
}

/// The API token of this text and its digest, if it is good here.
///
/// # Errors
/// The database's.
pub async fn api_token(ctx: &Context, text: &Secret) -> Result<Option<(String, Arc<ApiToken>)>, DatabaseError> {
    let Some(digest) = api_token::digest(text.expose()) else { return Ok(None) };
    Ok(good_here(ctx, &digest).await?.map(|token| (digest, token)))
}

/// The token with this digest. One works in its own tenant alone; the super tenant's inside any, if it has the scope
/// `tenants`.
async fn good_here(ctx: &Context, digest: &str) -> Result<Option<Arc<ApiToken>>, DatabaseError> {
    let token = api_tokens::find(ctx, digest).await?;
    Ok(token.filter(|token| {
        let reaches = token.tenant == Tenant::super_tenant().number() && token.scopes.has(Scope::Tenants);
        token.tenant == ctx.tenant.number() || reaches
    }))
}

/// The name of somebody of the super tenant who acts inside another.
fn of_super_tenant(name: &str) -> String {
    format!("{name}@{SUPER_TENANT}")
}

/// The name of somebody of the tenant itself, who may be called what he likes: nobody of the super tenant is meant.
fn of_own(ctx: &Context, name: String) -> String {
    let claims = !ctx.tenant.is_super() && fold(&name).contains(&of_super_tenant(""));
    if claims { format!("{name}@{}", ctx.tenant.domain()) } else { name }
}

/// Whether these are the first administrator's credentials. He belongs to the super tenant and may act inside any.
#[must_use]
pub fn is_first_administrator(ctx: &Context, basic: &Basic) -> bool {
    let Some(expected) = &ctx.deployment.administrator else { return false };
    // Digests have one length, so that the time tells nothing about the secrets.
    let same = |sent: &str, secret: &str| Sha256::digest(sent).ct_eq(&Sha256::digest(secret));
    let right = same(&basic.username, &expected.username) & same(&basic.password, expected.password.expose());
    bool::from(right)
}

async fn first_administrator(ctx: &Context, basic: &Basic) -> Result<Outcome<Admitted>, DatabaseError> {
    // The right secret costs no look-up: the delays are those that this isolate knows of.
    if let Some(seconds) = Attempt::of(ctx, &basic.username).and_then(|attempt| attempt.known_wait(ctx)) {
        return Ok(Outcome::Wait(seconds));
    }
    let admitted =
        as_first_administrator(ctx).await?.map(|ctx| Admitted { ctx, home: Tenant::super_tenant(), user: None });
    Ok(admitted.map_or(Outcome::Refused, Outcome::Accepted))
}

/// The context with the first administrator in it; `None` where there is none, or no such tenant.
pub(super) async fn as_first_administrator(ctx: &Context) -> Result<Option<Context>, DatabaseError> {
    let Some(first) = &ctx.deployment.administrator else { return Ok(None) };
    if !tenant_settings::refresh(ctx).await? {
        return Ok(None);
    }
    let name = if ctx.tenant.is_super() { first.username.clone() } else { of_super_tenant(&first.username) };
    Ok(Some(Context { actor: Actor::Administrator(name), scopes: Scopes::all(), ..ctx.clone() }))
}

/// A user who has a role; one of the super tenant acts inside another as `name@carbon.super`.
async fn role_holder(ctx: &Context, gate: &Gate, basic: &Basic) -> Result<Outcome<Admitted>, DatabaseError> {
    let visitor = basic.username.strip_suffix(SUPER_TENANT).and_then(|name| name.strip_suffix('@'));
    let visitor = visitor.filter(|_| !ctx.tenant.is_super());
    let tenant = if visitor.is_some() { Tenant::super_tenant() } else { ctx.tenant.clone() };
    let home = Context { tenant, ..ctx.clone() };
    let signed_in = match user(&home, gate, visitor.unwrap_or(&basic.username), &basic.password).await? {
        Outcome::Accepted(signed_in) => signed_in,
        Outcome::Refused => return Ok(Outcome::Refused),
        Outcome::Busy => return Ok(Outcome::Busy),
        Outcome::Wait(seconds) => return Ok(Outcome::Wait(seconds)),
    };
    let user = Some((signed_in.user.id.clone(), signed_in.password_changed));
    let admitted = as_role_holder(ctx, &home.tenant, &signed_in.user).await?;
    Ok(admitted.map_or(Outcome::Refused, |ctx| Outcome::Accepted(Admitted { ctx, home: home.tenant, user })))
}

/// The context with this user of the tenant `home` in it; `None` where his roles do not reach, or there is no such tenant.
pub(super) async fn as_role_holder(
    ctx: &Context,
    home: &Tenant,
    user: &Resource,
) -> Result<Option<Context>, DatabaseError> {
    let is_visitor = home.number() != ctx.tenant.number();
    let scopes = role::scopes(user, home);
    if scopes.is_empty() || (is_visitor && !scopes.has(Scope::Tenants)) || !tenant_settings::refresh(ctx).await? {
        return Ok(None);
    }
    let name = if is_visitor { of_super_tenant(&user.user_name()) } else { of_own(ctx, user.user_name()) };
    Ok(Some(Context { actor: Actor::RoleHolder { id: user.id.clone(), name }, scopes, ..ctx.clone() }))
}

/// A user who has given his password.
pub struct SignedIn {
    /// The user, with his groups.
    pub user: Box<Resource>,
    /// When the password was set.
    pub password_changed: Millis,
}

/// Checks a user's own credentials in one round trip, and two where they are wrong, in the same time whether or not the
/// user exists; one more for a user of another store than PRIMARY. The user comes with his groups.
///
/// # Errors
/// The database's.
pub async fn user(
    ctx: &Context,
    gate: &Gate,
    user_name: &str,
    password: &str,
) -> Result<Outcome<SignedIn>, DatabaseError> {
    let attempt = Attempt::of(ctx, user_name);
    if let Some(seconds) = attempt.as_ref().and_then(|attempt| attempt.known_wait(ctx)) {
        return Ok(Outcome::Wait(seconds));
    }
    let now = ctx.platform.clock.now();
    let verified = &ctx.memory.verified;
    let digest = verified.digest(ctx, user_name, password);
    let known = digest.as_ref().and_then(|digest| verified.hash(digest, now));
    // Whoever will have to be hashed takes a place now: what is refused has cost nothing yet.
    let mut place = None;
    if known.is_none() {
        let Some(entered) = gate.enter() else { return Ok(Outcome::Busy) };
        place = Some(entered);
    }
    let (there, name) = &ctx.in_store_of_name(user_name);
    let found = find::user_with_password_hash(there, name);
    let failures = attempt.as_ref().map(Attempt::statement);
    let outcomes = if there.platform.store.is_none() {
        tenant_settings::batch(ctx, std::iter::once(found).chain(failures).collect()).await?
    } else {
        // Failures are counted in PRIMARY, whichever store a name says.
        let counted = match failures {
            Some(failures) => tenant_settings::batch(ctx, vec![failures]).await?,
            None => tenant_settings::refresh(ctx).await.map(|_| Vec::new())?,
        };
        there.platform.db.batch(vec![found]).await?.into_iter().chain(counted).collect()
    };
    let mut verdict = Verdict::default();
    if let Some(attempt) = &attempt {
        verdict = attempt.judge(ctx, outcomes.get(1))?;
        if let Some(seconds) = verdict.wait {
            return Ok(Outcome::Wait(seconds));
        }
    }
    // A tenant that is none any more, or not active, may still have users.
    let row = outcomes.first().and_then(|outcome| outcome.rows.first()).filter(|_| tenant_settings::is_fresh(ctx));
    let found = match row {
        Some(row) => Some((Resource::from_row(row)?, row.optional_text("password_hash")?)),
        None => None,
    };
    let tried_on = found.as_ref().map(|(user, _)| user.id.clone());
    let accepted = match found {
        Some((user, Some(hash))) if user.account.may_sign_in() && known.as_deref() == Some(hash) => Some((user, hash)),
        found => {
            if place.is_none() && gate.enter().is_none() {
                return Ok(Outcome::Busy);
            }
            right(found, password)
        }
    };
    let Some((mut user, hash)) = accepted else {
        let record = failure(ctx, user_name, tried_on.as_deref());
        match attempt {
            Some(attempt) => attempt.failed(ctx, &verdict, record).await?,
            None => ctx.platform.query(record).await.map(|_| ())?,
        }
        return Ok(Outcome::Refused);
    };
    if let Some(attempt) = attempt.filter(|_| verdict.has_failed) {
        attempt.succeeded(ctx).await?;
    }
    if !password::is_current(hash) {
        hash_anew(there, &user.id, hash, password).await?;
    }
    // Not before: a round trip that only users cost would tell who is one.
    cross_store::add_groups(ctx, [&mut user]).await?;
    if let Some(digest) = digest {
        verified.keep(digest, hash, now);
    }
    drop(place);
    let password_changed = row.map(|row| row.integer("changed")).transpose()?.unwrap_or_default();
    Ok(Outcome::Accepted(SignedIn { user: Box::new(user), password_changed }))
}

/// The row that records a failed sign-in on a user. A name that nobody has may be a password that was typed too early: it is
/// not recorded. The first administrator's belongs to the super tenant's audit: another's is not to tell what he is called.
fn failure(ctx: &Context, user_name: &str, user_id: Option<&str>) -> Statement {
    let operation = ctx.platform.new_id().to_string();
    if user_id.is_none() && ctx.deployment.is_administrators_name(user_name) {
        let home = Context { tenant: Tenant::super_tenant(), ..ctx.clone() };
        return audit::record_failure(&home, &operation, Action::SignIn, Some(user_name));
    }
    audit::record_failure(ctx, &operation, Action::SignIn, user_id)
}

/// The user and the hash, provided that the password is right and the account is live: hashes once, whatever was found.
fn right<'h>(found: Option<(Resource, Option<&'h str>)>, password: &str) -> Option<(Resource, &'h str)> {
    let Some((user, Some(hash))) = found else {
        password::pretend_to_verify(password);
        return None;
    };
    (password::verify(password, hash) && user.account.may_sign_in()).then_some((user, hash))
}

/// Stores a hash with the parameters of today, unless another password has been set meanwhile.
async fn hash_anew(ctx: &Context, user_id: &str, old: &str, password: &str) -> Result<(), DatabaseError> {
    let Some(new) = password::hash(password, &*ctx.platform.entropy) else { return Ok(()) };
    let statement = Statement::new(
        "UPDATE credentials SET password_hash = ?4 WHERE tenant = ?1 AND user_id = ?2 AND password_hash = ?3",
        vec![ctx.tenant.key(), user_id.into(), old.into(), new.into()],
    );
    ctx.platform.query(statement).await.map(|_| ())
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
