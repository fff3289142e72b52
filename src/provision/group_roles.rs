//! Roles that groups give: what a change of a group does to its members' links, and to the administrators of the tenant.

use std::collections::{BTreeMap, HashSet};

use crate::model::context::Context;
use crate::model::new_resource::NewResource;
use crate::model::resource::GROUP;
use crate::model::role::{Role, Roles};
use crate::ports::Statement;
use crate::provision::{ProvisionError, last_administrator};
use crate::store::groups::{self, Change};
use crate::store::invitations::role_grants;
use crate::store::operation::Operation;
use crate::store::role_holders;
use scim::resource::Document;

/// Returns the role that the members of a group with this document have: it is called like it.
pub fn roles_given(document: &Document) -> Roles {
    Roles::of_document(GROUP, document)
}

/// Whether a creation gives members of a group a role.
pub fn gives_role(new: &NewResource) -> bool {
    !new.members.is_empty() && roles_given(&new.resource.attributes()).is_any()
}

/// The role that a group gives its members, before and after a change.
pub struct RolesGiven {
    /// The one before.
    pub before: Roles,
    /// The one after.
    pub after: Roles,
}

impl RolesGiven {
    /// The roles that these documents give.
    pub fn new(before: &Document, after: &Document) -> Self {
        Self { before: roles_given(before), after: roles_given(after) }
    }

    /// Whether the change gives somebody a role.
    pub fn is_given_by(&self, change: &Change) -> bool {
        self.after.exceeds(self.before) || (self.after.is_any() && !change.add.is_empty())
    }

    /// The statements of a change of the members, with those that see to what it does to roles.
    ///
    /// # Errors
    /// 409 where no administrator of another store than PRIMARY would be left who can sign in.
    pub async fn statements(
        &self,
        ctx: &Context,
        id: &str,
        operation: &Operation,
        change: &Change,
        groups: &HashSet<String>,
    ) -> Result<Vec<Statement>, ProvisionError> {
        let is_given = self.after.exceeds(self.before);
        let mut statements = Vec::new();
        if self.after.is_any() && !is_given {
            let users = change.add.iter().map(|member| member.id.as_str()).filter(|id| !groups.contains(*id));
            statements.extend(role_grants::note_added(ctx, id, operation.id(), users));
        }
        statements.extend(groups::change(ctx, id, operation.id(), change, groups));
        if is_given {
            statements.extend(role_grants::note_members(ctx, &[id], operation.id()));
        }
        let still_gives = self.after.has(Role::Admin);
        let takes = self.before.has(Role::Admin) && (!still_gives || change.replace || !change.remove.is_empty());
        if takes && ctx.deployment.administrator.is_none() {
            check_remote_administrators(ctx, id, still_gives.then_some(change)).await?;
            let there = &ctx.in_store(None);
            // Where nobody could sign in before, nobody is lost.
            if role_holders::is_one_usable(there, &[], "").await? {
                statements.push(role_holders::keep_one_after_group(there, id, operation.id()));
            }
        }
        Ok(statements)
    }
}

/// Checks for each store but PRIMARY that an administrator who can sign in is left there after a change of the members of
/// the group `id`, or, with `None`, after it gives the role no more. Groups are in PRIMARY's database, so that no condition of
/// the write could say so.
///
/// # Errors
/// 409
pub async fn check_remote_administrators(
    ctx: &Context,
    id: &str,
    change: Option<&Change>,
) -> Result<(), ProvisionError> {
    if ctx.deployment.user_stores.iter().next().is_none() {
        return Ok(());
    }
    let stays = |member: &String| match change {
        None => false,
        Some(Change { replace: true, add, .. }) => add.iter().any(|added| added.id == *member),
        Some(Change { remove, .. }) => !remove.contains(member),
    };
    let mut by_store: BTreeMap<Option<u16>, (Vec<String>, Vec<String>)> = BTreeMap::new();
    for (group, member) in role_holders::remote_administrators(ctx).await? {
        let (before, after) = by_store.entry(ctx.deployment.user_stores.of_id(&member)).or_default();
        if group != id || stays(&member) {
            after.push(member.clone());
        }
        before.push(member);
    }
    for (store, (before, after)) in by_store.iter().filter(|(_, (before, after))| before.len() != after.len()) {
        let there = &ctx.in_store(*store);
        if role_holders::is_one_usable(there, before, "").await?
            && !role_holders::is_one_usable(there, after, "").await?
        {
            return Err(last_administrator());
        }
    }
    Ok(())
}
