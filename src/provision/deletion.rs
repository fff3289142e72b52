//! Deleting one user by a job of their own, which can be undone until it is taken up. Until then they are disabled, so that
//! whatever depends on that holds for them: sessions are over, links are dead, mails are not sent, and an administrator does
//! not count as one. Their row says when they go; the job deletes them on that condition alone.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::base::account::{Account, Deletion};
use crate::model::context::Context;
use crate::model::job::{AWAITS_DELETION, UNDO_TIME};
use crate::model::resource::USER;
use crate::ports::{Millis, Statement};
use crate::provision::{Budget, DocumentChange, Edit, Expected, Found, ProvisionError, edit, not_found};
use crate::store::audit::OPERATION_HOLDS;
use crate::store::jobs;
use crate::store::resources::find;
use scim::error::Error as ScimError;
use scim::patch::Patch;
use scim::schema::ResourceType;

/// What a write does about the deletion that a user may await.
pub(super) enum DeletionChange {
    /// Nothing: it is refused where one is awaited.
    None,
    /// It asks for one, which this job carries out then.
    Ask {
        /// The job's id.
        job: String,
        /// When.
        at: Millis,
    },
    /// It undoes this one.
    Undo(Deletion),
}

impl DeletionChange {
    /// The deletion that is awaited after the write.
    ///
    /// # Errors
    /// 409
    pub(super) fn apply(&self, before: &Account) -> Result<Option<Deletion>, ScimError> {
        match (self, before.deletion) {
            (Self::None, None) => Ok(None),
            (Self::Ask { at, .. }, None) => Ok(Some(Deletion { at: *at, was_disabled: before.disabled })),
            (Self::Undo(undone), Some(awaited)) if *undone == awaited => Ok(None),
            (Self::Undo(_), _) => Err(ScimError::conflict("The deletion was undone already.")),
            (Self::None | Self::Ask { .. }, Some(_)) => Err(ScimError::conflict(AWAITS_DELETION)),
        }
    }

    /// The statements that store the job in the batch of `operation` on the user's row: where that is in PRIMARY's database,
    /// as jobs are.
    pub(super) fn statements(&self, ctx: &Context, id: &str, operation: &str) -> Vec<Statement> {
        match self {
            Self::Ask { job, at } if ctx.deployment.user_stores.of_id(id).is_none() => {
                jobs::deletion(ctx, job, *at, id, operation, OPERATION_HOLDS)
            }
            _ => Vec::new(),
        }
    }
}

/// Has a user deleted by a job, never before [`UNDO_TIME`] is over. Answers the user as they are until then.
///
/// # Errors
/// [`ProvisionError`]
pub fn ask(ctx: &Context, budget: &Budget, rt: &Arc<ResourceType>, id: &str) -> Result<Found, ProvisionError> {
    let at = ctx.platform.clock.now() + UNDO_TIME;
    let job = ctx.platform.new_id().to_string();
    // The job first: one whose user does not await it does nothing.
    let is_remote = ctx.deployment.user_stores.of_id(id).is_some();
    if is_remote {
        ctx.platform.db.batch(jobs::deletion(ctx, &job, at, id, "", "?3 = ''"))?;
    }
    let asked = write(ctx, budget, rt, id, false, DeletionChange::Ask { job: job.clone(), at });
    if is_remote && asked.is_err() {
        jobs::forget(ctx, &job)?;
    }
    let found = asked?;
    // A second more: the job is due then, by whichever clock.
    ctx.platform.mail_queue.wake(Duration::from_millis(UNDO_TIME.unsigned_abs() + 1_000));
    Ok(found)
}

/// Undoes a deletion that is awaited: the user is as before, but for sessions and links; who was invited is sent another.
///
/// # Errors
/// [`ProvisionError`]
pub fn undo(ctx: &Context, budget: &Budget, rt: &Arc<ResourceType>, id: &str) -> Result<Found, ProvisionError> {
    let user = find::by_id(&ctx.in_store_of(id), USER, id, false)?.ok_or_else(not_found)?;
    let Some(deletion) = user.account.deletion else {
        return Err(ScimError::conflict("Nobody has asked for this user's deletion, or it was undone already.").into());
    };
    write(ctx, budget, rt, id, !deletion.was_disabled, DeletionChange::Undo(deletion))
}

fn write(
    ctx: &Context,
    budget: &Budget,
    rt: &Arc<ResourceType>,
    id: &str,
    active: bool,
    deletion: DeletionChange,
) -> Result<Found, ProvisionError> {
    let patch = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": "active", "value": active }],
    });
    let change = DocumentChange::Modify(Patch::parse(rt, &patch)?);
    edit(ctx, rt, id, &Edit { deletion, ..Edit::new(change, budget) }, Expected::Any)
}
