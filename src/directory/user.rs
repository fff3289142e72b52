//! The user: its row in `resources`, the statements that write it, and how it is shown.
//!
//! The stored document is what the client wrote, ready to be shown: reading splices in the id, what is derived from the
//! account, and `meta`, without parsing it again. The account's own facts are columns, because conditional writes
//! depend on them.

use serde_json::{Value as Json, json};

use crate::access::audit::{self, Action, Condition};
use crate::context::Context;
use crate::invite::account::{Account, Lock, Onboarding};
use crate::ports::{DatabaseError, Millis, Row, Statement};
use crate::scim::fold::fold;
use crate::scim::projection::Projection;
use crate::scim::resource::Document;
use crate::text::rfc3339;

/// The extension under which WSO2's attributes are shown.
pub const WSO2_SCHEMA: &str = "urn:scim:wso2:schema";
/// The extension under which the invitation is shown.
pub const INVITATION_SCHEMA: &str = "urn:latchkey:params:scim:schemas:extension:invitation:2.0:User";

/// What became of a user's invitation, as the sender last left it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invitation {
    /// The state of its mail (an outbox state).
    pub delivery: String,
    /// How often sending was tried.
    pub attempts: u32,
    /// When the provider accepted it.
    pub sent_at: Option<Millis>,
    /// When its link expires; 0 for never; unknown until the mail is first rendered.
    pub expires_at: Option<Millis>,
}

/// A user as stored.
#[derive(Clone, Debug)]
pub struct User {
    /// The id, a UUID in its hyphenated form.
    pub id: String,
    /// The document, JSON text.
    pub document: String,
    /// `meta.version`.
    pub version: i64,
    /// `meta.created`.
    pub created: Millis,
    /// `meta.lastModified`.
    pub modified: Millis,
    /// Onboarding, lock and links.
    pub account: Account,
    /// The invitation, if there ever was one.
    pub invitation: Option<Invitation>,
}

/// The columns of [`User::from_row`].
const COLUMNS: &str = "r.id, r.document, r.version, r.created, r.modified, r.onboarding, r.lock, r.disabled, r.email, \
    r.email_verified, r.seq_log, r.delivery, r.attempts, r.sent_at, r.expires_at";

impl User {
    fn from_row(row: &Row) -> Result<Self, DatabaseError> {
        let shape = |column: &str| DatabaseError::Shape(column.to_owned());
        let account = Account {
            onboarding: Onboarding::from_stored(row.text("onboarding")?).ok_or_else(|| shape("onboarding"))?,
            lock: Lock::from_stored(row.text("lock")?).ok_or_else(|| shape("lock"))?,
            disabled: row.integer("disabled")? != 0,
            email: row.optional_text("email")?.map(str::to_owned),
            email_verified: row.integer("email_verified")? != 0,
            seq_log: row.text("seq_log")?.to_owned(),
        };
        let invitation = match row.optional_text("delivery")? {
            None => None,
            Some(delivery) => Some(Invitation {
                delivery: delivery.to_owned(),
                attempts: u32::try_from(row.integer("attempts")?).unwrap_or_default(),
                sent_at: row.optional_integer("sent_at")?,
                expires_at: row.optional_integer("expires_at")?,
            }),
        };
        Ok(Self {
            id: row.text("id")?.to_owned(),
            document: row.text("document")?.to_owned(),
            version: row.integer("version")?,
            created: row.integer("created")?,
            modified: row.integer("modified")?,
            account,
            invitation,
        })
    }

    /// The weak entity tag of `meta.version`.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("W/\"{}\"", self.version)
    }

    /// The document, parsed.
    #[must_use]
    pub fn attributes(&self) -> Document {
        serde_json::from_str(&self.document).unwrap_or_default()
    }

    /// The user name.
    #[must_use]
    pub fn user_name(&self) -> String {
        self.attributes().get("userName").and_then(Json::as_str).unwrap_or_default().to_owned()
    }

    /// The address of this user below `base`.
    #[must_use]
    pub fn location(&self, base: &str) -> String {
        format!("{base}/scim2/Users/{}", self.id)
    }

    /// The user as a SCIM client sees it.
    #[must_use]
    pub fn render(&self, ctx: &Context, projection: &Projection) -> String {
        let derived = self.derived(ctx);
        // A document that has stored attributes in a derived extension is the rare case that needs merging.
        let collides = self.document.contains("\"urn:scim:wso2:schema\":{");
        if projection.is_default() && !collides {
            let inner = self.document.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
            let derived = derived.to_string();
            let mut text = String::with_capacity(self.document.len() + derived.len() + 64);
            text.push_str("{\"id\":\"");
            text.push_str(&self.id);
            text.push_str("\",");
            text.push_str(inner);
            text.push(',');
            text.push_str(&derived[1..]);
            return text;
        }
        let mut document = Document::new();
        document.insert("id".to_owned(), json!(self.id));
        document.extend(self.attributes());
        if let Json::Object(derived) = derived {
            for (name, value) in derived {
                match (document.get_mut(&name), value) {
                    (Some(Json::Object(stored)), Json::Object(value)) => stored.extend(value),
                    (_, value) => {
                        document.insert(name, value);
                    }
                }
            }
        }
        projection.apply(&mut document);
        Json::Object(document).to_string()
    }

    /// What is not stored in the document: `active`, the account, the invitation and `meta`.
    fn derived(&self, ctx: &Context) -> Json {
        let account = &self.account;
        let mut wso2 = json!({
            "accountState": account.state().as_str(),
            "accountLocked": account.is_locked(),
            "emailVerified": account.email_verified,
        });
        if let Some(reason) = account.locked_reason() {
            wso2["lockedReason"] = json!(reason);
        }
        let mut derived = json!({ "active": !account.disabled, WSO2_SCHEMA: wso2 });
        let expires_at = self.invitation.as_ref().and_then(|invitation| invitation.expires_at);
        let expiry_seconds = expires_at.map(|millis| u64::try_from(millis / 1000).unwrap_or_default());
        let status = account.invitation_status(self.invitation.is_some(), expiry_seconds, ctx.now_seconds());
        if let (Some(invitation), Some(status)) = (&self.invitation, status) {
            let mut shown = json!({
                "status": status,
                "delivery": invitation.delivery,
                "attempts": invitation.attempts,
            });
            if let Some(sent_at) = invitation.sent_at {
                shown["sentAt"] = json!(rfc3339(sent_at));
            }
            if let Some(expires_at) = expires_at.filter(|at| *at != 0) {
                shown["expiresAt"] = json!(rfc3339(expires_at));
            }
            derived[INVITATION_SCHEMA] = shown;
        }
        derived["meta"] = json!({
            "resourceType": "User",
            "created": rfc3339(self.created),
            "lastModified": rfc3339(self.modified),
            "location": self.location(&ctx.base()),
            "version": self.etag(),
        });
        derived
    }
}

/// The statements that create a user: to be run in one batch with what rides on it.
#[must_use]
pub fn insert(ctx: &Context, user: &User, password_hash: Option<&str>, operation: &str) -> Vec<Statement> {
    let account = &user.account;
    let attributes = user.attributes();
    let text = |name: &str| attributes.get(name).and_then(Json::as_str);
    let mut statements = vec![
        Statement::new(
            "INSERT INTO resources (tenant, id, type, name_key, external_id, document, version, created, modified, \
             operation, onboarding, lock, disabled, email, email_verified, seq_log, delivery) \
             VALUES (?1, ?2, 'User', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
            vec![
                ctx.tenant.key(),
                user.id.as_str().into(),
                text("userName").map(fold).into(),
                text("externalId").into(),
                user.document.as_str().into(),
                user.version.into(),
                user.created.into(),
                user.modified.into(),
                operation.into(),
                account.onboarding.as_str().into(),
                account.lock.as_str().into(),
                account.disabled.into(),
                account.email.as_deref().into(),
                account.email_verified.into(),
                account.seq_log.as_str().into(),
                user.invitation.as_ref().map(|invitation| invitation.delivery.as_str()).into(),
            ],
        ),
        Statement::new(
            "INSERT INTO counters (tenant, type, total) VALUES (?1, 'User', 1) \
             ON CONFLICT (tenant, type) DO UPDATE SET total = total + 1",
            vec![ctx.tenant.key()],
        ),
    ];
    if let Some(hash) = password_hash {
        statements.push(Statement::new(
            "INSERT INTO credentials (tenant, user_id, password_hash, changed) VALUES (?1, ?2, ?3, ?4)",
            vec![ctx.tenant.key(), user.id.as_str().into(), hash.into(), user.created.into()],
        ));
    }
    statements
}

/// Deletes a user in one batch and answers whether there was one. What records the deletion comes first, while the row
/// is there to depend on.
///
/// # Errors
/// The database's.
pub async fn delete(ctx: &Context, id: &str) -> Result<bool, DatabaseError> {
    let operation = ctx.platform.new_id().to_string();
    let params = || vec![ctx.tenant.key(), id.into()];
    let batch = vec![
        audit::record(ctx, &operation, Action::UserDelete, id, Condition::TargetExists),
        Statement::new(
            "UPDATE counters SET total = total - 1 WHERE tenant = ?1 AND type = 'User' \
             AND EXISTS (SELECT 1 FROM resources WHERE tenant = ?1 AND id = ?2 AND type = 'User')",
            params(),
        ),
        Statement::new("DELETE FROM credentials WHERE tenant = ?1 AND user_id = ?2", params()),
        Statement::new("DELETE FROM resources WHERE tenant = ?1 AND id = ?2 AND type = 'User' RETURNING id", params()),
    ];
    match ctx.platform.db.batch(batch).await {
        Ok(outcomes) => Ok(outcomes.last().is_some_and(|outcome| !outcome.rows.is_empty())),
        // The error may hide a commit: the operation's own row tells.
        Err(error) => match audit::was_committed(ctx, &operation).await {
            Ok(true) => Ok(true),
            _ => Err(error),
        },
    }
}

/// Finds a user by id.
///
/// # Errors
/// The database's.
pub async fn by_id(ctx: &Context, id: &str) -> Result<Option<User>, DatabaseError> {
    find_one(ctx, "r.id = ?2", id.to_ascii_lowercase().into()).await
}

/// Finds a user by user name, whose case and Unicode form do not matter.
///
/// # Errors
/// The database's.
pub async fn by_user_name(ctx: &Context, user_name: &str) -> Result<Option<User>, DatabaseError> {
    find_one(ctx, "r.name_key = ?2", fold(user_name).into()).await
}

/// The users with this `externalId`, which is the client's own and need not be unique; at most `limit`.
///
/// # Errors
/// The database's.
pub async fn by_external_id(ctx: &Context, external_id: &str, limit: u32) -> Result<Vec<User>, DatabaseError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM resources r WHERE r.tenant = ?1 AND r.type = 'User' AND r.external_id = ?2 LIMIT ?3"
    );
    let params = vec![ctx.tenant.key(), external_id.into(), limit.into()];
    let rows = ctx.platform.query(Statement::new(sql, params)).await?;
    rows.iter().map(User::from_row).collect()
}

async fn find_one(ctx: &Context, condition: &str, value: crate::ports::Value) -> Result<Option<User>, DatabaseError> {
    let sql = format!("SELECT {COLUMNS} FROM resources r WHERE r.tenant = ?1 AND r.type = 'User' AND {condition}");
    let rows = ctx.platform.query(Statement::new(sql, vec![ctx.tenant.key(), value])).await?;
    rows.first().map(User::from_row).transpose()
}

/// Finds a user by user name with the hash of the password, if there is one.
///
/// # Errors
/// The database's.
pub async fn with_password_hash(
    ctx: &Context,
    user_name: &str,
) -> Result<Option<(User, Option<String>)>, DatabaseError> {
    let sql = format!(
        "SELECT {COLUMNS}, c.password_hash FROM resources r \
         LEFT JOIN credentials c ON c.tenant = r.tenant AND c.user_id = r.id \
         WHERE r.tenant = ?1 AND r.type = 'User' AND r.name_key = ?2"
    );
    let rows = ctx.platform.query(Statement::new(sql, vec![ctx.tenant.key(), fold(user_name).into()])).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some((User::from_row(row)?, row.optional_text("password_hash")?.map(str::to_owned))))
}
