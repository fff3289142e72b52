//! API tokens: made once, kept as a hash, confirmed by D1 every 30 seconds.
//!
//! A token is looked for in the isolate's memory, then in KV, then in D1, and whoever has it knows when D1 last confirmed
//! it. It is honoured for 30 seconds from then, so that a revoked one is dead within a minute everywhere: at once where
//! it was revoked, and where KV has heard of it.
//!
//! A look-up in D1 reads the tenant's settings with it. KV can spare that round trip only where the settings are fresh:
//! only then is it asked, and only after a miss there does an isolate write it, at most every ten minutes for each token,
//! since the free plan has a thousand writes a day.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value as Json, json};

use crate::access::api_token;
use crate::base::scope::Scopes;
use crate::base::secret::Secret;
use crate::model::context::Context;
use crate::ports::{DatabaseError, Millis, Row, Statement};
use crate::store::audit::{self, Action};
use crate::store::tenant_settings;

/// How long a token is honoured after D1 has confirmed it, in milliseconds.
const HONOURED: Millis = 30_000;
/// How often an isolate tells KV of one token, in milliseconds.
const PUBLISHED_EVERY: Millis = 600_000;
/// How long KV keeps what it is told, in seconds: its least, and more than a token is honoured.
const KEPT: u32 = 60;
/// How far `last_used` may be behind, in milliseconds.
const LAST_USED_EVERY: Millis = 600_000;
/// How many tokens an isolate remembers.
const REMEMBERED: usize = 1_024;
/// How many tokens a tenant may have.
pub const MOST: i64 = 1_000;
/// How long one that has expired is still listed, in milliseconds.
const LISTED_AFTER: Millis = 86_400_000;

/// A token, as far as whoever presents it is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// Its id.
    pub id: String,
    /// The number of the tenant it belongs to.
    pub tenant: u64,
    /// What whoever made it calls it.
    pub name: String,
    /// What it allows.
    pub scopes: Scopes,
    /// When it expires.
    pub expires_at: Millis,
}

#[derive(Clone)]
struct Known {
    /// When D1 said so.
    confirmed: Millis,
    /// The token; `None` for one that there is not, or no more.
    token: Option<Arc<ApiToken>>,
    /// When this isolate last told KV.
    published: Millis,
}

/// What an isolate knows of tokens, by their digest.
#[derive(Default)]
pub struct Tokens(Mutex<HashMap<String, Known>>);

impl Tokens {
    fn get(&self, digest: &str) -> Option<Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(digest).cloned()
    }

    /// Whether one with this digest was there when it was last looked for.
    #[must_use]
    pub fn has_good(&self, digest: &str) -> bool {
        self.get(digest).is_some_and(|known| known.token.is_some())
    }

    fn keep(&self, digest: &str, known: Known) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED && !all.contains_key(digest) {
            all.retain(|_, other| known.confirmed - other.confirmed < HONOURED);
            if all.len() >= REMEMBERED {
                all.clear();
            }
        }
        // A token that is gone never comes back: a look-up that began before it was revoked changes nothing.
        if known.token.is_none() || all.get(digest).is_none_or(|other| other.token.is_some()) {
            all.insert(digest.to_owned(), known);
        }
    }
}

/// Finds the token with this digest that is good now, and makes sure that the tenant of the context is one and its
/// settings are fresh; `None` if either is not so. In one round trip at most.
///
/// # Errors
/// The database's.
pub async fn find(ctx: &Context, digest: &str) -> Result<Option<Arc<ApiToken>>, DatabaseError> {
    let now = ctx.platform.clock.now();
    let known = ctx.memory.tokens.get(digest);
    let published = known.as_ref().map_or(Millis::MIN, |known| known.published);
    if let Some(known) = known.filter(|known| is_honoured(known.confirmed, now)) {
        let Some(token) = good(known.token, now) else { return Ok(None) };
        return Ok(tenant_settings::refresh(ctx).await?.then_some(token));
    }
    let mut missed = false;
    if tenant_settings::is_fresh(ctx) {
        if let Some((confirmed, token)) = cached(ctx, digest, now).await {
            ctx.memory.tokens.keep(digest, Known { confirmed, token: token.clone(), published });
            return Ok(good(token, now));
        }
        missed = true;
    }
    let batch = vec![
        Statement::new(
            "SELECT tenant, id, name, scopes, expires_at FROM api_tokens INDEXED BY api_tokens_hash WHERE hash = ?1",
            vec![digest.into()],
        ),
        Statement::new(
            "UPDATE api_tokens INDEXED BY api_tokens_hash SET last_used = ?2 \
             WHERE hash = ?1 AND expires_at > ?2 AND (last_used IS NULL OR last_used <= ?3)",
            vec![digest.into(), now.into(), (now - LAST_USED_EVERY).into()],
        ),
    ];
    let outcomes = tenant_settings::batch(ctx, batch).await?;
    let token = outcomes.first().and_then(|outcome| outcome.rows.first()).map(of_row).transpose()?.map(Arc::new);
    let publish = missed && token.is_some() && now.saturating_sub(published) >= PUBLISHED_EVERY;
    if publish {
        ctx.platform.cache.put_later(&key(digest), &text(now, token.as_deref()), KEPT);
    }
    let published = if publish { now } else { published };
    ctx.memory.tokens.keep(digest, Known { confirmed: now, token: token.clone(), published });
    // Who asks for a tenant that is none has not made it fresh.
    Ok(good(token, now).filter(|_| tenant_settings::is_fresh(ctx)))
}

fn is_honoured(confirmed: Millis, now: Millis) -> bool {
    (0..HONOURED).contains(&(now - confirmed))
}

fn good(token: Option<Arc<ApiToken>>, now: Millis) -> Option<Arc<ApiToken>> {
    token.filter(|token| now < token.expires_at)
}

fn of_row(row: &Row) -> Result<ApiToken, DatabaseError> {
    Ok(ApiToken {
        id: row.text("id")?.to_owned(),
        tenant: row.integer("tenant")?.cast_unsigned(),
        name: row.text("name")?.to_owned(),
        scopes: Scopes::from_stored(row.text("scopes")?),
        expires_at: row.integer("expires_at")?,
    })
}

fn key(digest: &str) -> String {
    format!("token/{digest}")
}

/// What KV is told.
fn text(confirmed: Millis, token: Option<&ApiToken>) -> String {
    let token = token.map(|token| {
        json!({
            "id": token.id, "tenant": token.tenant, "name": token.name, "scopes": token.scopes.to_string(),
            "expiresAt": token.expires_at,
        })
    });
    json!({ "confirmed": confirmed, "token": token }).to_string()
}

/// What KV says, if D1 has confirmed it lately.
async fn cached(ctx: &Context, digest: &str, now: Millis) -> Option<(Millis, Option<Arc<ApiToken>>)> {
    let text = ctx.platform.cache.get(&key(digest)).await.ok().flatten()?;
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
    /// When it was made.
    pub created: Millis,
}

/// Makes a token of the tenant; `None` when the tenant has [`MOST`] already. Whoever calls has made sure that the actor
/// may grant these scopes.
///
/// # Errors
/// The database's: none was made.
pub async fn create(
    ctx: &Context,
    name: String,
    scopes: Scopes,
    lifetime: Millis,
) -> Result<Option<Created>, DatabaseError> {
    let text = api_token::generate(&*ctx.platform.entropy);
    let Some(digest) = api_token::digest(text.expose()) else { return Ok(None) };
    let created = ctx.platform.clock.now();
    let token = ApiToken {
        id: ctx.platform.new_id().to_string(),
        tenant: ctx.tenant.number(),
        name,
        scopes,
        expires_at: created + lifetime,
    };
    let operation = ctx.platform.new_id().to_string();
    let batch = vec![
        Statement::new(
            "DELETE FROM api_tokens WHERE tenant = ?1 AND expires_at < ?2",
            vec![ctx.tenant.key(), (created - LISTED_AFTER).into()],
        ),
        Statement::new(
            "INSERT INTO api_tokens (tenant, id, hash, name, scopes, created, created_by, expires_at) \
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE (SELECT COUNT(*) FROM api_tokens WHERE tenant = ?1) < ?9 \
             RETURNING id",
            vec![
                ctx.tenant.key(),
                token.id.as_str().into(),
                digest.into(),
                token.name.as_str().into(),
                token.scopes.to_string().into(),
                created.into(),
                ctx.actor.to_string().into(),
                token.expires_at.into(),
                MOST.into(),
            ],
        ),
        audit::record_if(
            ctx,
            &operation,
            Action::TokenCreate,
            &token.id,
            "EXISTS (SELECT 1 FROM api_tokens WHERE tenant = ?1 AND id = ?2)",
        ),
    ];
    let made = match ctx.platform.db.batch(batch).await {
        Ok(outcomes) => outcomes.get(1).is_some_and(|outcome| !outcome.rows.is_empty()),
        // The error may hide a commit: the operation's own row tells.
        Err(error) => match audit::was_committed(ctx, &operation).await {
            Ok(true) => true,
            _ => return Err(error),
        },
    };
    Ok(made.then_some(Created { token, text, created }))
}

/// Revokes a token of the tenant: here and in KV at once, elsewhere within a minute. Answers whether there was one.
///
/// # Errors
/// The database's.
pub async fn revoke(ctx: &Context, id: &str) -> Result<bool, DatabaseError> {
    let statement =
        Statement::new("SELECT hash FROM api_tokens WHERE tenant = ?1 AND id = ?2", vec![ctx.tenant.key(), id.into()]);
    let rows = ctx.platform.query(statement).await?;
    let Some(digest) = rows.first().map(|row| row.text("hash").map(str::to_owned)).transpose()? else {
        return Ok(false);
    };
    let operation = ctx.platform.new_id().to_string();
    let batch = vec![
        audit::record_if(
            ctx,
            &operation,
            Action::TokenRevoke,
            id,
            "EXISTS (SELECT 1 FROM api_tokens WHERE tenant = ?1 AND id = ?2)",
        ),
        Statement::new(
            "DELETE FROM api_tokens WHERE tenant = ?1 AND id = ?2 RETURNING id",
            vec![ctx.tenant.key(), id.into()],
        ),
    ];
    let gone = match ctx.platform.db.batch(batch).await {
        Ok(outcomes) => outcomes.last().is_some_and(|outcome| !outcome.rows.is_empty()),
        Err(error) => match audit::was_committed(ctx, &operation).await {
            Ok(true) => true,
            _ => return Err(error),
        },
    };
    let now = ctx.platform.clock.now();
    ctx.memory.tokens.keep(&digest, Known { confirmed: now, token: None, published: now });
    ctx.platform.cache.put(&key(&digest), &text(now, None), KEPT).await;
    Ok(gone)
}

/// A token as it is listed.
pub struct Listed {
    /// The token.
    pub token: ApiToken,
    /// When it was made.
    pub created: Millis,
    /// By whom, as the audit names them.
    pub created_by: String,
    /// When it was last used, ten minutes behind at most.
    pub last_used: Option<Millis>,
}

/// The tenant's tokens, the oldest first.
///
/// # Errors
/// The database's.
pub async fn list(ctx: &Context) -> Result<Vec<Listed>, DatabaseError> {
    let statement = Statement::new(
        "SELECT tenant, id, name, scopes, created, created_by, expires_at, last_used FROM api_tokens \
         WHERE tenant = ?1 ORDER BY id",
        vec![ctx.tenant.key()],
    );
    let listed = |row: &Row| {
        Ok(Listed {
            token: of_row(row)?,
            created: row.integer("created")?,
            created_by: row.text("created_by")?.to_owned(),
            last_used: row.optional_integer("last_used")?,
        })
    };
    ctx.platform.query(statement).await?.iter().map(listed).collect()
}
