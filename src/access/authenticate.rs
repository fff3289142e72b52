//! Who is calling: an API token, the first administrator, or a user by credentials of their own or in a session.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::access::delay::{Attempt, Verdict};
use crate::access::grant::Grant;
use crate::access::hash_limiter::HashLimiter;
use crate::access::{api_token_text, api_tokens, password, sessions};
use crate::base::scope::{Scope, Scopes};
use crate::base::secret::Secret;
use crate::model::api_token::ApiToken;
use crate::model::audit::Action;
use crate::model::caches::PasswordDigest;
use crate::model::context::{Actor, Context, StoreContext, UnitOfWork};
use crate::model::resource::Resource;
use crate::model::role;
use crate::model::settings::Settings;
use crate::model::tenant::{SUPER_TENANT, Tenant};
use crate::ports::{DatabaseError, Millis, Row, Statement};
use crate::store::resources::{self, find};
use crate::store::sign_in_failures::{self, StoredFailures};
use crate::store::{audit, credentials, cross_store, tenant_settings};
use scim::fold::fold;

/// A user name and a password, as sent.
pub struct Basic {
    /// The name.
    pub username: String,
    /// The password.
    pub password: String,
}

impl Basic {
    /// A name and a password that somebody has typed or sent: white space around a name is no part of it, as where users
    /// are created.
    #[must_use]
    pub fn new(username: &str, password: String) -> Self {
        Self { username: username.trim().to_owned(), password }
    }

    /// Reads an `Authorization` header (RFC 7617); `None` when it is not well-formed Basic.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let (scheme, credentials) = header.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") || header.len() > 4096 {
            return None;
        }
        let decoded = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
        let (username, password) = decoded.split_once(':')?;
        Some(Self::new(username, password.to_owned()))
    }
}

/// The credentials that a request carries.
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

/// Why credentials let nobody in.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// They are wrong, or not good here: the caller learns no more.
    #[error("the credentials are refused")]
    Refused,
    /// Too many passwords wait to be checked.
    #[error("too many passwords wait to be checked")]
    Busy,
    /// Too many attempts have failed: the next one may be made after this many seconds.
    #[error("the next attempt may be made after {0} seconds")]
    Wait(u32),
    /// The database's failure.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Somebody who has given a right password.
pub struct Admitted {
    /// The context with them in it.
    pub ctx: Context,
    /// The same in the tenant that they belong to.
    pub home: Context,
    /// The user's id and when the password was set; `None` for the first administrator.
    pub user: Option<(String, Millis)>,
}

/// Returns the context with whoever calls in it, and what they may do: whoever has an API token or a session, the first
/// administrator, or a user who has a role.
///
/// # Errors
/// [`AuthError`]
pub fn caller(ctx: &Context, limiter: &HashLimiter, credentials: &Credentials) -> Result<Context, AuthError> {
    let found = match credentials {
        Credentials::Bearer(token) => bearer(ctx, token)?,
        Credentials::Session(cookie) => sessions::resume(ctx, cookie)?,
        Credentials::Basic(basic) => Some(admit(ctx, limiter, basic)?.ctx),
    };
    found.ok_or(AuthError::Refused)
}

/// Admits whoever has this name and this password, if they administer: the first administrator, or a user who has a role.
///
/// # Errors
/// [`AuthError`]
pub fn admit(ctx: &Context, limiter: &HashLimiter, basic: &Basic) -> Result<Admitted, AuthError> {
    if is_first_administrator(ctx, basic) {
        return first_administrator(ctx, basic);
    }
    role_holder(ctx, limiter, basic)
}

/// The context with whoever has this API token, or an access token made for one, in it; `None` when it is not good here.
fn bearer(ctx: &Context, text: &Secret) -> Result<Option<Context>, DatabaseError> {
    let Some((digest, granted)) = digest(ctx, text) else { return Ok(None) };
    let Some((token, settings)) = token_valid_for_tenant(ctx, &digest)? else { return Ok(None) };
    let is_own = token.tenant == ctx.tenant.number();
    let name = if is_own { qualified_name(ctx, token.name.clone()) } else { name_of_visitor(&token.name) };
    let scopes = token.scopes.intersection(granted);
    if !is_own && !scopes.has(Scope::Tenants) {
        return Ok(None);
    }
    let actor = Actor::Token { id: token.id.clone(), name };
    Ok(Some(ctx.admit(actor, scopes, settings)))
}

/// The digest of the API token that this is, or was made for, and what it allows of that at most; `None` for what costs no
/// look-up.
fn digest(ctx: &Context, text: &Secret) -> Option<(String, Scopes)> {
    if let Some(digest) = api_token_text::digest(text.expose()) {
        return Some((digest, Scopes::all()));
    }
    let grant = Grant::verify(text.expose(), &ctx.deployment.keys, ctx.now_seconds())?;
    Some((grant.parent, grant.scopes))
}

/// Whether an `Authorization` header has a token that would be looked up and that this isolate has not seen to be good.
#[must_use]
pub fn is_unproven_token(ctx: &Context, header: &str) -> bool {
    let Some(Credentials::Bearer(text)) = Credentials::parse(header) else { return false };
    digest(ctx, &text).is_some_and(|(digest, _)| !ctx.caches.tokens.has_good(&digest))
}

/// Returns the API token of this text and its digest, if it is good here.
///
/// # Errors
/// The database's.
pub fn api_token(ctx: &Context, text: &Secret) -> Result<Option<(String, Arc<ApiToken>)>, DatabaseError> {
    let Some(digest) = api_token_text::digest(text.expose()) else { return Ok(None) };
    Ok(token_valid_for_tenant(ctx, &digest)?.map(|(token, _)| (digest, token)))
}

/// The token with this digest and the settings of the context's tenant, where the token works. One works in its own tenant
/// alone; the super tenant's inside any, if it has the scope `tenants`.
fn token_valid_for_tenant(ctx: &Context, digest: &str) -> Result<Option<api_tokens::Known>, DatabaseError> {
    let found = api_tokens::find(ctx, digest)?;
    Ok(found.filter(|(token, _)| {
        let reaches = token.tenant == Tenant::super_tenant().number() && token.scopes.has(Scope::Tenants);
        token.tenant == ctx.tenant.number() || reaches
    }))
}

/// The name of somebody of the super tenant who acts inside another.
fn name_of_visitor(name: &str) -> String {
    format!("{name}@{SUPER_TENANT}")
}

/// The name of somebody of the tenant itself, who may be called anything: where it looks like the name of a visitor from
/// the super tenant, the tenant's own domain stands behind it.
fn qualified_name(ctx: &Context, name: String) -> String {
    let looks_like_a_visitor = !ctx.tenant.is_super() && fold(&name).contains(&name_of_visitor(""));
    if looks_like_a_visitor { format!("{name}@{}", ctx.tenant.domain()) } else { name }
}

/// Whether these are the credentials of the first administrator, who belongs to the super tenant and may act inside any.
#[must_use]
pub fn is_first_administrator(ctx: &Context, basic: &Basic) -> bool {
    let Some(expected) = &ctx.deployment.administrator else { return false };
    // Digests have one length, so that the time tells nothing about the secrets.
    let same = |sent: &str, secret: &str| Sha256::digest(sent).ct_eq(&Sha256::digest(secret));
    let right = same(&basic.username, &expected.username) & same(&basic.password, expected.password.expose());
    bool::from(right)
}

fn first_administrator(ctx: &Context, basic: &Basic) -> Result<Admitted, AuthError> {
    // The right secret costs no look-up: the delays are those that this isolate knows of.
    if let Some(seconds) = Attempt::new(ctx, &basic.username).and_then(|attempt| attempt.known_wait(ctx)) {
        return Err(AuthError::Wait(seconds));
    }
    let admitted = as_first_administrator(ctx)?.ok_or(AuthError::Refused)?;
    let home = if ctx.tenant.is_super() { admitted.clone() } else { admitted.for_tenant(Tenant::super_tenant()) };
    Ok(Admitted { ctx: admitted, home, user: None })
}

/// The context with the first administrator in it; `None` where there is none, or no such tenant.
pub(super) fn as_first_administrator(ctx: &Context) -> Result<Option<Context>, DatabaseError> {
    let Some(first) = &ctx.deployment.administrator else { return Ok(None) };
    let Some(settings) = tenant_settings::refresh(ctx)? else { return Ok(None) };
    let name = if ctx.tenant.is_super() { first.username.clone() } else { name_of_visitor(&first.username) };
    Ok(Some(ctx.admit(Actor::Administrator(name), Scopes::all(), settings)))
}

/// Admits a user who has a role; one of the super tenant acts inside another as `name@carbon.super`.
fn role_holder(ctx: &Context, limiter: &HashLimiter, basic: &Basic) -> Result<Admitted, AuthError> {
    let visitor = basic.username.strip_suffix(SUPER_TENANT).and_then(|name| name.strip_suffix('@'));
    let visitor = visitor.filter(|_| !ctx.tenant.is_super());
    let home = if visitor.is_some() { ctx.for_tenant(Tenant::super_tenant()) } else { ctx.clone() };
    let signed_in = user(&home, limiter, visitor.unwrap_or(&basic.username), &basic.password)?;
    let admitted = as_role_holder(ctx, &home.tenant, &signed_in.user)?.ok_or(AuthError::Refused)?;
    let home = admitted.for_tenant(home.tenant.clone()).with_settings(signed_in.settings);
    Ok(Admitted { ctx: admitted, home, user: Some((signed_in.user.id, signed_in.password_changed)) })
}

/// The context with this user of the tenant `home` in it; `None` where their roles do not reach, or there is no such
/// tenant.
pub(super) fn as_role_holder(ctx: &Context, home: &Tenant, user: &Resource) -> Result<Option<Context>, DatabaseError> {
    let is_visitor = home.number() != ctx.tenant.number();
    let scopes = role::scopes(user, home);
    if scopes.is_empty() || (is_visitor && !scopes.has(Scope::Tenants)) {
        return Ok(None);
    }
    let Some(settings) = tenant_settings::refresh(ctx)? else { return Ok(None) };
    let name = if is_visitor { name_of_visitor(&user.user_name()) } else { qualified_name(ctx, user.user_name()) };
    let actor = Actor::RoleHolder { id: user.id.clone(), name };
    Ok(Some(ctx.admit(actor, scopes, settings)))
}

/// A user who has given the right password.
pub struct SignedIn {
    /// The user, with their groups.
    pub user: Box<Resource>,
    /// The time the password was set.
    pub password_changed: Millis,
    /// The tenant's settings.
    pub settings: Arc<Settings>,
}

/// Checks a user's own credentials in one round trip, and two where they are wrong, in the same time whether or not the
/// user exists; one more for a user of another store than PRIMARY. The user comes with their groups.
///
/// # Errors
/// [`AuthError`]
pub fn user(ctx: &Context, limiter: &HashLimiter, user_name: &str, password: &str) -> Result<SignedIn, AuthError> {
    let attempt = Attempt::new(ctx, user_name);
    if let Some(seconds) = attempt.as_ref().and_then(|attempt| attempt.known_wait(ctx)) {
        return Err(AuthError::Wait(seconds));
    }
    let now = ctx.platform.clock.now();
    let verified = &ctx.caches.passwords;
    let digest = verified.digest(&*ctx.platform.entropy, ctx.tenant.number(), user_name, password);
    let known = digest.as_ref().and_then(|digest| verified.hash(digest, now));
    // Whoever will have to be hashed takes a permit now: what is refused has cost nothing yet.
    let permit = if known.is_none() { Some(limiter.enter().ok_or(AuthError::Busy)?) } else { None };
    let loaded = load(ctx, user_name, attempt.as_ref())?;
    let verdict = match &attempt {
        Some(attempt) => attempt.judge(ctx, &loaded.failures),
        None => Verdict::default(),
    };
    if let Some(seconds) = verdict.wait {
        return Err(AuthError::Wait(seconds));
    }
    let is_right = if loaded.candidate.as_ref().is_some_and(|candidate| candidate.may_skip_hashing(known.as_deref())) {
        true
    } else {
        let _permit = if permit.is_none() { Some(limiter.enter().ok_or(AuthError::Busy)?) } else { None };
        verify(loaded.candidate.as_ref(), password)
    };
    let tried_on = loaded.candidate.as_ref().map(|candidate| candidate.user.id.clone());
    let Some((candidate, settings)) = loaded.candidate.filter(|_| is_right).zip(loaded.settings) else {
        let record = failure(ctx, user_name, tried_on.as_deref());
        match attempt {
            Some(attempt) => attempt.failed(ctx, &verdict, record)?,
            None => ctx.platform.query(record).map(|_| ())?,
        }
        return Err(AuthError::Refused);
    };
    if let Some(attempt) = attempt.filter(|_| verdict.has_failed) {
        attempt.succeeded(ctx)?;
    }
    let (user, password_changed) = settle(ctx, &loaded.store, candidate, password, digest)?;
    Ok(SignedIn { user, password_changed, settings })
}

/// The user of the name that somebody signs in with.
struct Candidate {
    user: Resource,
    /// The stored hash; `None` for a user without a password.
    hash: Option<String>,
    password_changed: Option<Millis>,
}

impl Candidate {
    fn from_row(row: &Row) -> Result<Self, DatabaseError> {
        Ok(Self {
            user: resources::from_row(row)?,
            hash: row.read_optional_text("password_hash")?.map(str::to_owned),
            password_changed: row.read_optional_integer("changed")?,
        })
    }

    /// Whether the password need not be hashed: it has just been right for this hash, `known`, which is still the stored
    /// one.
    fn may_skip_hashing(&self, known: Option<&str>) -> bool {
        self.user.account.may_sign_in() && known.is_some() && self.hash.as_deref() == known
    }
}

/// The rows read before the password is checked.
struct Loaded {
    /// The context of the user store that the name says.
    store: StoreContext,
    /// `None` where the tenant is none any more, or not active.
    settings: Option<Arc<Settings>>,
    /// The user, who is nobody where there are no settings: a tenant that is none any more may still have users.
    candidate: Option<Candidate>,
    failures: Vec<StoredFailures>,
}

fn load(ctx: &Context, user_name: &str, attempt: Option<&Attempt>) -> Result<Loaded, DatabaseError> {
    let (store, name) = ctx.in_store_of_name(user_name);
    let found = find::user_with_password_hash(&store, &name);
    let failures = attempt.map(Attempt::statement);
    let (found, counted, settings) = if store.platform.store.is_none() {
        let (outcomes, settings) = tenant_settings::batch(ctx, std::iter::once(found).chain(failures).collect())?;
        let mut outcomes = outcomes.into_iter();
        (outcomes.next(), outcomes.next(), settings)
    } else {
        // Failures are counted in PRIMARY, whichever store a name says.
        let (counted, settings) = match failures {
            Some(failures) => tenant_settings::batch(ctx, vec![failures])?,
            None => (Vec::new(), tenant_settings::refresh(ctx)?),
        };
        let found = store.platform.db.batch(vec![found])?;
        (found.into_iter().next(), counted.into_iter().next(), settings)
    };
    let row = found.as_ref().and_then(|outcome| outcome.rows.first()).filter(|_| settings.is_some());
    let candidate = row.map(Candidate::from_row).transpose()?;
    Ok(Loaded { store, settings, candidate, failures: sign_in_failures::counts(counted.as_ref())? })
}

/// Whether the password is right and the account is live: hashes once, whoever was found.
fn verify(candidate: Option<&Candidate>, password: &str) -> bool {
    let Some((candidate, hash)) = candidate.and_then(|candidate| Some((candidate, candidate.hash.as_deref()?))) else {
        password::pretend_to_verify(password);
        return false;
    };
    password::verify(password, hash) && candidate.user.account.may_sign_in()
}

/// What follows when the password was right: a hash of today's parameters, the user's groups, and that the password need
/// not be hashed again for a while.
fn settle(
    ctx: &Context,
    store: &StoreContext,
    candidate: Candidate,
    password: &str,
    digest: Option<PasswordDigest>,
) -> Result<(Box<Resource>, Millis), DatabaseError> {
    let Candidate { mut user, hash, password_changed } = candidate;
    let hash = hash.unwrap_or_default();
    if !password::is_current(&hash) {
        rehash(store, &user.id, &hash, password)?;
    }
    // Not before: a round trip that only users cost would tell who is one.
    cross_store::add_groups(ctx, [&mut user])?;
    if let Some(digest) = digest {
        ctx.caches.passwords.keep(digest, &hash, ctx.platform.clock.now());
    }
    Ok((Box::new(user), password_changed.unwrap_or_default()))
}

/// The row that records a failed sign-in on a user. A name that nobody has may be a password that was typed too early: it is
/// not recorded. The first administrator's belongs to the super tenant's audit: another's is not to tell that name.
fn failure(ctx: &Context, user_name: &str, user_id: Option<&str>) -> Statement {
    let operation = ctx.platform.new_id().to_string();
    if user_id.is_none() && ctx.deployment.is_administrators_name(user_name) {
        let home = ctx.for_tenant(Tenant::super_tenant());
        return audit::record_failure(&home, &operation, Action::SignIn, Some(user_name));
    }
    audit::record_failure(ctx, &operation, Action::SignIn, user_id)
}

/// Stores a hash with the parameters of today, unless another password has been set meanwhile.
fn rehash(store: &StoreContext, user_id: &str, old: &str, password: &str) -> Result<(), DatabaseError> {
    let Some(new) = password::hash(password, &*store.platform.entropy) else { return Ok(()) };
    store.platform.query(credentials::replace_hash(store, user_id, old, new)).map(|_| ())
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
