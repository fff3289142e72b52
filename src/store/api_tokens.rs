//! API tokens, as rows: each is found by the hash of its text.

use crate::base::scope::Scopes;
use crate::model::api_token::ApiToken;
use crate::model::audit::Action;
use crate::model::context::Context;
use crate::ports::{DatabaseError, Millis, Outcome, Row, Statement, Value};
use crate::store::audit::{self, OF_OPERATION};
use crate::store::operation::Operation;

/// How far `last_used` may be behind, in milliseconds.
const LAST_USED_EVERY: Millis = 600_000;
/// The most tokens a tenant may have.
pub const MOST: i64 = 1_000;
/// The time an expired token is still listed, in milliseconds.
const LISTED_AFTER: Millis = 86_400_000;

fn from_row(row: &Row) -> Result<ApiToken, DatabaseError> {
    Ok(ApiToken {
        id: row.read_text("id")?.to_owned(),
        tenant: row.read_integer("tenant")?.cast_unsigned(),
        name: row.read_text("name")?.to_owned(),
        scopes: Scopes::from_stored(row.read_text("scopes")?),
        expires_at: row.read_integer("expires_at")?,
    })
}

/// The statements that read the token with this digest, for [`found`], and say that it is in use.
#[must_use]
pub fn use_by_digest(digest: &str, now: Millis) -> Vec<Statement> {
    vec![
        Statement::new(
            "SELECT tenant, id, name, scopes, expires_at FROM api_tokens INDEXED BY api_tokens_hash WHERE hash = ?1",
            vec![digest.into()],
        ),
        Statement::new(
            "UPDATE api_tokens INDEXED BY api_tokens_hash SET last_used = ?2 \
             WHERE hash = ?1 AND expires_at > ?2 AND (last_used IS NULL OR last_used <= ?3)",
            vec![digest.into(), now.into(), (now - LAST_USED_EVERY).into()],
        ),
    ]
}

/// Reads the answer of the first of [`use_by_digest`].
///
/// # Errors
/// [`DatabaseError::Shape`]
pub fn found(outcome: Option<&Outcome>) -> Result<Option<ApiToken>, DatabaseError> {
    outcome.and_then(|outcome| outcome.rows.first()).map(from_row).transpose()
}

/// The statement that takes users' names out of who has made the tenant's tokens, in PRIMARY's database: those of a list,
/// `[{"id"}]`, and with an operation those of them that it holds.
#[must_use]
pub fn forget_creators(tenant: &Value, users: &str, operation: Option<&str>) -> Statement {
    let gone = operation.map_or("SELECT j.value ->> 'id' AS id FROM json_each(?2) j", |_| OF_OPERATION);
    let mut params = vec![tenant.clone(), users.into()];
    params.extend(operation.map(Value::from));
    Statement::new(
        format!(
            "WITH gone AS MATERIALIZED ({gone}) UPDATE api_tokens SET created_by = 'user:' || gone.id FROM gone \
             WHERE api_tokens.tenant = ?1 AND instr(api_tokens.created_by, gone.id) > 0"
        ),
        params,
    )
}

/// Stores a token of the tenant; answers whether it was stored, which it is not where the tenant has [`MOST`] already.
///
/// # Errors
/// The database's: none was stored.
pub async fn insert(ctx: &Context, token: &ApiToken, digest: &str, created: Millis) -> Result<bool, DatabaseError> {
    let operation = Operation::new(ctx);
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
            operation.id(),
            Action::TokenCreate,
            &token.id,
            "EXISTS (SELECT 1 FROM api_tokens WHERE tenant = ?1 AND id = ?2)",
        ),
    ];
    Ok(operation.commit(ctx, batch).await?.has_row(1))
}

/// Returns the digest of the tenant's token with this id.
///
/// # Errors
/// The database's.
pub async fn digest_of(ctx: &Context, id: &str) -> Result<Option<String>, DatabaseError> {
    let statement =
        Statement::new("SELECT hash FROM api_tokens WHERE tenant = ?1 AND id = ?2", vec![ctx.tenant.key(), id.into()]);
    let rows = ctx.platform.query(statement).await?;
    rows.first().map(|row| row.read_text("hash").map(str::to_owned)).transpose()
}

/// Deletes the tenant's token with this id; answers whether there was one.
///
/// # Errors
/// The database's.
pub async fn delete(ctx: &Context, id: &str) -> Result<bool, DatabaseError> {
    let operation = Operation::new(ctx);
    let batch = vec![
        audit::record_if(
            ctx,
            operation.id(),
            Action::TokenRevoke,
            id,
            "EXISTS (SELECT 1 FROM api_tokens WHERE tenant = ?1 AND id = ?2)",
        ),
        Statement::new(
            "DELETE FROM api_tokens WHERE tenant = ?1 AND id = ?2 RETURNING id",
            vec![ctx.tenant.key(), id.into()],
        ),
    ];
    Ok(operation.commit(ctx, batch).await?.has_row(1))
}

/// A token as it is listed.
pub struct Listed {
    /// The token.
    pub token: ApiToken,
    /// The time it was created.
    pub created: Millis,
    /// The actor who created it, as the audit names them.
    pub created_by: String,
    /// The time it was last used, ten minutes behind at most.
    pub last_used: Option<Millis>,
}

/// Returns the tenant's tokens, the oldest first.
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
            token: from_row(row)?,
            created: row.read_integer("created")?,
            created_by: row.read_text("created_by")?.to_owned(),
            last_used: row.read_optional_integer("last_used")?,
        })
    };
    ctx.platform.query(statement).await?.iter().map(listed).collect()
}
