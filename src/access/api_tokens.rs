//! API tokens: made once, kept as a hash, confirmed by D1 every 30 seconds.
//!
//! A token is looked for in the isolate's memory, then in KV, then in D1, and whoever has it knows when D1 last confirmed
//! it. It is honoured for 30 seconds from then, so that a revoked one is dead within a minute everywhere: at once where
//! it was revoked, and where KV has heard of it.
//!
//! A look-up in D1 reads the tenant's settings with it. KV can spare that round trip only where the settings are fresh:
//! only then is it asked, and only after a miss there does an isolate write it, at most every ten minutes for each token,
//! since the free plan has a thousand writes a day.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::access::api_token_text;
use crate::base::scope::{Scope, Scopes};
use crate::base::secret::Secret;
use crate::model::api_token::ApiToken;
use crate::model::caches::KnownToken;
use crate::model::context::Context;
use crate::model::settings::Settings;
use crate::ports::{DatabaseError, Millis};
use crate::store::{api_tokens, tenant_settings};

pub use crate::store::api_tokens::{Listed, list};

use crate::store::api_tokens::MOST;

/// The time a token is honoured after D1 has confirmed it, in milliseconds.
const HONOURED: Millis = 30_000;
/// The interval at which an isolate writes one token to KV, in milliseconds.
const PUBLISHED_EVERY: Millis = 600_000;
/// The time KV keeps an entry, in seconds: its least, and more than a token is honoured.
const KEPT: u32 = 60;

/// A token with the settings of its tenant.
pub type Known = (Arc<ApiToken>, Arc<Settings>);

/// Finds the token with this digest that is good now, and the settings of the context's tenant; `None` where there is no
/// such token or no such tenant. In one round trip at most.
///
/// # Errors
/// The database's.
pub fn find(ctx: &Context, digest: &str) -> Result<Option<Known>, DatabaseError> {
    let now = ctx.platform.clock.now();
    let good = |token: Option<Arc<ApiToken>>| token.filter(|token| token.is_good(now));
    let known = ctx.caches.tokens.get(digest);
    let published = known.as_ref().map_or(Millis::MIN, |known| known.published);
    if let Some(known) = known.filter(|known| is_honoured(known.confirmed, now)) {
        let Some(token) = good(known.token) else { return Ok(None) };
        return Ok(tenant_settings::refresh(ctx)?.map(|settings| (token, settings)));
    }
    let fresh = tenant_settings::fresh(ctx);
    let missed = fresh.is_some();
    if let Some(settings) = fresh
        && let Some((confirmed, token)) = cached(ctx, digest, now)
    {
        ctx.caches.tokens.keep(digest, KnownToken { confirmed, token: token.clone(), published });
        return Ok(good(token).map(|token| (token, settings)));
    }
    let (outcomes, settings) = tenant_settings::batch(ctx, api_tokens::use_by_digest(digest, now))?;
    let token = api_tokens::found(outcomes.first())?.map(Arc::new);
    let publish = missed && token.is_some() && now.saturating_sub(published) >= PUBLISHED_EVERY;
    if publish {
        ctx.platform.cache.put_later(&key(digest), &to_text(now, token.as_deref()), KEPT);
    }
    let published = if publish { now } else { published };
    ctx.caches.tokens.keep(digest, KnownToken { confirmed: now, token: token.clone(), published });
    Ok(good(token).zip(settings))
}

fn is_honoured(confirmed: Millis, now: Millis) -> bool {
    (0..HONOURED).contains(&(now - confirmed))
}

fn key(digest: &str) -> String {
    format!("token/{digest}")
}

/// Returns what KV is told.
fn to_text(confirmed: Millis, token: Option<&ApiToken>) -> String {
    let token = token.map(|token| {
        json!({
            "id": token.id, "tenant": token.tenant, "name": token.name, "scopes": token.scopes.to_string(),
            "expiresAt": token.expires_at,
        })
    });
    json!({ "confirmed": confirmed, "token": token }).to_string()
}

/// Returns what KV says, if D1 has confirmed it lately.
fn cached(ctx: &Context, digest: &str, now: Millis) -> Option<(Millis, Option<Arc<ApiToken>>)> {
    let text = ctx.platform.cache.get(&key(digest)).ok().flatten()?;
    let json: Json = serde_json::from_str(&text).ok()?;
    let confirmed = json["confirmed"].as_i64().filter(|confirmed| is_honoured(*confirmed, now))?;
    let token = match &json["token"] {
        Json::Null => None,
        token => Some(Arc::new(ApiToken {
            id: token["id"].as_str()?.to_owned(),
            tenant: token["tenant"].as_u64()?,
            name: token["name"].as_str()?.to_owned(),
            scopes: Scopes::from_stored(token["scopes"].as_str()?),
            expires_at: token["expiresAt"].as_i64()?,
        })),
    };
    Some((confirmed, token))
}

/// A token that was just made.
pub struct Created {
    /// The token.
    pub token: ApiToken,
    /// Its text, which nobody will see again.
    pub text: Secret,
    /// The time it was created.
    pub created: Millis,
}

/// Why a token is not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The name is none.
    #[error("name must be 1 to 64 characters that say what the token is for.")]
    Name,
    /// No scopes are asked for, or there is no such scope.
    #[error("scopes must list one or more of {known}.", known = Scopes::all().to_string().replace(' ', ", "))]
    Scopes,
    /// The tenant cannot have `tenants`.
    #[error("The scope tenants is the super tenant's alone.")]
    Tenants,
    /// Whoever asks lacks some of the scopes.
    #[error("These credentials cannot grant what they do not have: {names}.", names = .0.to_string().replace(' ', ", "))]
    Beyond(Scopes),
    /// The life is none.
    #[error("expiresInDays must be a number above 0 and at most 3650.")]
    Days,
    /// The tenant has [`MOST`] already.
    #[error("The tenant has {MOST} tokens already: revoke those that are not used.")]
    TooMany,
    /// The database did not answer: none was made.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// The longest name, in characters.
const LONGEST_NAME: usize = 64;
/// The longest life, in days.
const MOST_DAYS: f64 = 3_650.0;
/// Milliseconds.
const DAY: f64 = 86_400_000.0;

/// The scopes that whoever acts can give a token of the context's tenant.
#[must_use]
pub fn grantable(ctx: &Context) -> Scopes {
    if ctx.tenant.is_super() { ctx.scopes } else { ctx.scopes.difference(Scopes::TENANTS) }
}

/// Makes a token of the tenant that lives for `days`.
///
/// # Errors
/// [`CreateError`]
pub fn create(ctx: &Context, name: &str, scopes: Scopes, days: f64) -> Result<Created, CreateError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(CreateError::Name);
    }
    if scopes.is_empty() {
        return Err(CreateError::Scopes);
    }
    if scopes.has(Scope::Tenants) && !ctx.tenant.is_super() {
        return Err(CreateError::Tenants);
    }
    let missing = scopes.difference(ctx.scopes);
    if !missing.is_empty() {
        return Err(CreateError::Beyond(missing));
    }
    if !(days > 0.0 && days <= MOST_DAYS) {
        return Err(CreateError::Days);
    }
    // At most 3,650 days, which an i64 holds many times over.
    #[expect(clippy::cast_possible_truncation, reason = "in range by the guard")]
    let lifetime = (days * DAY).ceil() as Millis;
    let text = api_token_text::generate(&*ctx.platform.entropy);
    let digest = api_token_text::digest(text.expose()).unwrap_or_default();
    let created = ctx.platform.clock.now();
    let token = ApiToken {
        id: ctx.platform.new_id().to_string(),
        tenant: ctx.tenant.number(),
        name: name.to_owned(),
        scopes,
        expires_at: created + lifetime,
    };
    if api_tokens::insert(ctx, &token, &digest, created)? {
        Ok(Created { token, text, created })
    } else {
        Err(CreateError::TooMany)
    }
}

/// Revokes a token of the tenant: here and in KV at once, elsewhere within a minute. Answers whether there was one.
///
/// # Errors
/// The database's.
pub fn revoke(ctx: &Context, id: &str) -> Result<bool, DatabaseError> {
    let Some(digest) = api_tokens::digest_of(ctx, id)? else { return Ok(false) };
    let is_gone = api_tokens::delete(ctx, id)?;
    let now = ctx.platform.clock.now();
    ctx.caches.tokens.keep(&digest, KnownToken { confirmed: now, token: None, published: now });
    ctx.platform.cache.put(&key(&digest), &to_text(now, None), KEPT);
    Ok(is_gone)
}
