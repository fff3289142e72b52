//! DELETE, of users and groups with what depends on their roles.

use crate::base::scope::Scope;
use crate::model::attempts::Attempts;
use crate::model::context::{Context, StoreContext};
use crate::model::job::{JobAction, Obstacle};
use crate::model::resource::{GROUP, USER};
use crate::ports::Millis;
use crate::provision::{Expected, ProvisionError, contended, group_roles, last_administrator, not_found, takes_roles};
use crate::store::resources::{self, Conditions, Deleted, Target, find};
use crate::store::role_holders::ByGroups;
use crate::store::{pending, role_holders};
use scim::error::Error as ScimError;
use scim::schema::ResourceType;

/// DELETE (RFC 7644 section 3.6).
///
/// # Errors
/// [`ProvisionError`]
pub async fn delete(ctx: &Context, rt: &ResourceType, id: &str, expected: Expected) -> Result<(), ProvisionError> {
    delete_if(ctx, rt, id, expected, None).await
}

/// Deletes a user who awaits to be deleted then.
///
/// # Errors
/// [`ProvisionError`]
pub async fn delete_awaited(ctx: &Context, rt: &ResourceType, id: &str, at: Millis) -> Result<(), ProvisionError> {
    delete_if(ctx, rt, id, Expected::Any, Some(at)).await
}

async fn delete_if(
    ctx: &Context,
    rt: &ResourceType,
    id: &str,
    expected: Expected,
    deletion_at: Option<Millis>,
) -> Result<(), ProvisionError> {
    let there = &ctx.in_store_of(id);
    let mut attempts = Attempts::at_once(there);
    loop {
        let versions = if expected == Expected::Any {
            None
        } else {
            let current = find::by_id(there, &rt.name, id, false).await?.ok_or_else(not_found)?;
            expected.check(current.version)?;
            Some(vec![current.version])
        };
        let conditions = Conditions { deletion_at, ..conditions_of_deletion(ctx, rt, id).await? };
        let target = Target { id: id.to_owned(), versions };
        match resources::delete(there, rt, &[target], &conditions).await?.first() {
            Some(Deleted::Done) => {
                leave_groups(there, &[id]).await;
                return Ok(());
            }
            Some(Deleted::NotFound) => return Err(not_found()),
            Some(Deleted::RoleHolder) => return Err(takes_roles()),
            Some(Deleted::LastAdministrator) => return Err(last_administrator()),
            Some(Deleted::OtherVersion(_)) if deletion_at.is_some() => {
                return Err(ScimError::conflict(Obstacle::Undone.reason(JobAction::Delete)).into());
            }
            Some(Deleted::OtherVersion(_) | Deleted::Unanswered) | None if attempts.again(there).await => {}
            Some(Deleted::OtherVersion(_) | Deleted::Unanswered) | None => return Err(contended()),
        }
    }
}

/// Takes users who have just been deleted out of the groups: those of PRIMARY were taken out in the same batch.
pub(super) async fn leave_groups(there: &StoreContext, ids: &[&str]) {
    if there.platform.store.is_some() {
        pending::attempt(there, ids).await;
    }
}

/// Returns what a deletion depends on besides the version. What groups make of a user of another store than PRIMARY takes
/// a round trip where it matters.
async fn conditions_of_deletion(ctx: &Context, rt: &ResourceType, id: &str) -> Result<Conditions, ProvisionError> {
    if rt.name != USER && rt.name != GROUP {
        return Ok(Conditions::default());
    }
    let without_role = !ctx.scopes.has(Scope::Roles);
    let keeps = ctx.deployment.administrator.is_none();
    // Without the scope, a group that gives a role is refused by the write.
    if rt.name == GROUP && keeps && !without_role {
        group_roles::check_remote_administrators(ctx, id, None).await?;
    }
    let by_groups = if without_role || keeps {
        role_holders::of_remote_user(&ctx.in_store_of(id), id).await?
    } else {
        ByGroups::default()
    };
    if without_role && by_groups.gives_role {
        return Err(takes_roles());
    }
    let keeps_administrator = keeps.then_some(by_groups.administrators);
    Ok(Conditions { without_role, keeps_administrator, ..Conditions::default() })
}
