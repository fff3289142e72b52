//! The audit: append-only, numbered per tenant without gaps, each row written in the batch that it records.

pub mod rows;
pub mod seal;

use std::collections::HashSet;

use crate::model::context::Context;
use crate::model::resource::{GROUP, USER};
use crate::ports::{DatabaseError, Statement, Value};

/// An action, as the audit names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A user was created.
    UserCreate,
    /// A user was changed.
    UserUpdate,
    /// A user was deleted.
    UserDelete,
    /// A group was created.
    GroupCreate,
    /// A group, or its members, were changed.
    GroupUpdate,
    /// A group was deleted.
    GroupDelete,
    /// A resource of a tenant's own type was created.
    ResourceCreate,
    /// A resource of a tenant's own type was changed.
    ResourceUpdate,
    /// A resource of a tenant's own type was deleted.
    ResourceDelete,
    /// An invitation was made.
    InvitationCreate,
    /// An invitation was sent again.
    InvitationResend,
    /// An invitation was withdrawn.
    InvitationRevoke,
    /// A link was given to a caller instead of being mailed.
    InvitationLink,
    /// A link was used.
    InvitationRedeem,
    /// A tenant was created.
    TenantCreate,
    /// A tenant was let in again.
    TenantActivate,
    /// A tenant was shut out.
    TenantDeactivate,
    /// A tenant's settings were changed.
    SettingsUpdate,
    /// A schema was registered, or an extension by one.
    SchemaCreate,
    /// A schema was removed.
    SchemaDelete,
    /// A resource type was registered.
    ResourceTypeCreate,
    /// A resource type was removed.
    ResourceTypeDelete,
    /// A mail template was stored.
    TemplateUpdate,
    /// A mail template was removed.
    TemplateDelete,
    /// A mail that had ended unsent was queued again.
    MailRetry,
    /// An API token was made.
    TokenCreate,
    /// An API token was revoked.
    TokenRevoke,
    /// Somebody signed in to the console, or failed to sign in anywhere.
    SignIn,
    /// Somebody signed out of the console.
    SignOut,
}

impl Action {
    /// The creation of a resource of this type.
    #[must_use]
    pub fn create(type_name: &str) -> Self {
        match type_name {
            USER => Self::UserCreate,
            GROUP => Self::GroupCreate,
            _ => Self::ResourceCreate,
        }
    }

    /// A change of a resource of this type.
    #[must_use]
    pub fn update(type_name: &str) -> Self {
        match type_name {
            USER => Self::UserUpdate,
            GROUP => Self::GroupUpdate,
            _ => Self::ResourceUpdate,
        }
    }

    /// The deletion of a resource of this type.
    #[must_use]
    pub fn delete(type_name: &str) -> Self {
        match type_name {
            USER => Self::UserDelete,
            GROUP => Self::GroupDelete,
            _ => Self::ResourceDelete,
        }
    }

    /// The name in the audit.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UserCreate => "user.create",
            Self::UserUpdate => "user.update",
            Self::UserDelete => "user.delete",
            Self::GroupCreate => "group.create",
            Self::GroupUpdate => "group.update",
            Self::GroupDelete => "group.delete",
            Self::ResourceCreate => "resource.create",
            Self::ResourceUpdate => "resource.update",
            Self::ResourceDelete => "resource.delete",
            Self::InvitationCreate => "invitation.create",
            Self::InvitationResend => "invitation.resend",
            Self::InvitationRevoke => "invitation.revoke",
            Self::InvitationLink => "invitation.link",
            Self::InvitationRedeem => "invitation.redeem",
            Self::TenantCreate => "tenant.create",
            Self::TenantActivate => "tenant.activate",
            Self::TenantDeactivate => "tenant.deactivate",
            Self::SettingsUpdate => "settings.update",
            Self::SchemaCreate => "schema.create",
            Self::SchemaDelete => "schema.delete",
            Self::ResourceTypeCreate => "resourcetype.create",
            Self::ResourceTypeDelete => "resourcetype.delete",
            Self::TemplateUpdate => "template.update",
            Self::TemplateDelete => "template.delete",
            Self::MailRetry => "mail.retry",
            Self::TokenCreate => "token.create",
            Self::TokenRevoke => "token.revoke",
            Self::SignIn => "signin",
            Self::SignOut => "signout",
        }
    }
}

/// What every rider of a batch depends on: that its conditional write took place, so that the target's row carries this
/// operation's id. `?1` is the tenant, `?2` the target and `?3` the operation by convention.
pub const OPERATION_HOLDS: &str = "EXISTS (SELECT 1 FROM resources WHERE tenant = ?1 AND id = ?2 AND operation = ?3)";

/// The row that records `action` on the resource `target`, to ride in the batch of `operation`.
#[must_use]
pub fn record(ctx: &Context, operation: &str, action: Action, target: &str) -> Statement {
    record_if(ctx, operation, action, target, OPERATION_HOLDS)
}

/// The row that records `action` on something that is no resource, in a batch that has no condition.
#[must_use]
pub fn record_plain(ctx: &Context, operation: &str, action: Action, target: &str) -> Statement {
    record_if(ctx, operation, action, target, "TRUE")
}

/// The row that records `action` where `condition` holds, which may name the tenant as `?1`, the target as `?2` and the
/// operation as `?3`.
#[must_use]
pub fn record_if(ctx: &Context, operation: &str, action: Action, target: &str, condition: &str) -> Statement {
    row(ctx, operation, action, target.into(), "success", condition)
}

/// The row that records that `action` failed on `target`; none without one, at the same cost.
#[must_use]
pub fn record_failure(ctx: &Context, operation: &str, action: Action, target: Option<&str>) -> Statement {
    row(ctx, operation, action, target.into(), "failure", "?2 IS NOT NULL")
}

fn row(ctx: &Context, operation: &str, action: Action, target: Value, outcome: &str, condition: &str) -> Statement {
    Statement::new(
        format!(
            "INSERT INTO audit (tenant, number, time, operation, actor, action, target, outcome, request_id, address) \
             SELECT ?1, (SELECT COALESCE(MAX(number), 0) + 1 FROM audit WHERE tenant = ?1), \
             ?4, ?3, ?5, ?6, ?2, '{outcome}', ?7, ?8 WHERE {condition}"
        ),
        vec![
            ctx.tenant.key(),
            target,
            operation.into(),
            ctx.platform.clock.now().into(),
            ctx.actor.to_string().into(),
            action.as_str().into(),
            ctx.request_id.as_str().into(),
            ctx.address.as_deref().into(),
        ],
    )
}

/// The rows that record `action` on each resource of a list, `[{"id"}]`, that carries the operation's id: on those whose
/// conditional write took place.
#[must_use]
pub fn record_each(ctx: &Context, operation: &str, action: Action, list: &str) -> Statement {
    Statement::new(
        "INSERT INTO audit (tenant, number, time, operation, actor, action, target, outcome, request_id, address) \
         SELECT ?1, (SELECT COALESCE(MAX(number), 0) FROM audit WHERE tenant = ?1) + ROW_NUMBER() OVER (ORDER BY j.key), \
         ?4, ?3, ?5, ?6, r.id, 'success', ?7, ?8 FROM json_each(?2) j \
         CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value ->> 'id' AND r.operation = ?3",
        vec![
            ctx.tenant.key(),
            list.into(),
            operation.into(),
            ctx.platform.clock.now().into(),
            ctx.actor.to_string().into(),
            action.as_str().into(),
            ctx.request_id.as_str().into(),
            ctx.address.as_deref().into(),
        ],
    )
}

/// Whether `operation` was committed: asked after an error that may have hidden it.
///
/// # Errors
/// The database's.
pub async fn was_committed(ctx: &Context, operation: &str) -> Result<bool, DatabaseError> {
    let statement = Statement::new(
        "SELECT 1 AS found FROM audit WHERE tenant = ?1 AND operation = ?2 LIMIT 1",
        vec![ctx.tenant.key(), Value::from(operation)],
    );
    Ok(!ctx.platform.query(statement).await?.is_empty())
}

/// The targets of `operation` that were committed: what a batch on many resources came to, after such an error.
///
/// # Errors
/// The database's.
pub async fn targets(ctx: &Context, operation: &str) -> Result<HashSet<String>, DatabaseError> {
    let statement = Statement::new(
        "SELECT target FROM audit WHERE tenant = ?1 AND operation = ?2",
        vec![ctx.tenant.key(), Value::from(operation)],
    );
    ctx.platform.query(statement).await?.iter().map(|row| row.text("target").map(str::to_owned)).collect()
}
