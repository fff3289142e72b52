//! The creation of a user who joins groups with it.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::access::hash_limiter::HashLimiter;
use crate::base::scope::Scope;
use crate::base::text::cut;
use crate::invite::code::mint;
use crate::model::context::Context;
use crate::model::role::Role;
use crate::ports::Millis;
use crate::provision::{
    Found, ProvisionError, check_may_create, contended, create_prepared, prepare, takes_roles, user_store,
};
use crate::store::resources::find;
use scim::error::Error as ScimError;
use scim::fold::fold;
use scim::schema::ResourceType;

/// The most groups that a user joins with the creation.
pub const MAX_GROUPS: usize = 50;
/// The longest group name that an error repeats.
const MAX_SHOWN: usize = 80;

/// Creates a user as POST does, who joins the groups of these names. They are one batch; a user of another store than
/// PRIMARY joins right after. `ends_at`: when the invitation ends, where that is not as the setting says.
///
/// # Errors
/// [`ProvisionError`]
pub fn create_in_groups(
    ctx: &Context,
    gate: &HashLimiter,
    rt: &Arc<ResourceType>,
    body: Json,
    groups: &[String],
    ends_at: Option<Millis>,
) -> Result<Found, ProvisionError> {
    let groups = if groups.is_empty() { Vec::new() } else { find_groups(ctx, groups)? };
    let mut new = prepare(ctx, gate, rt, body)?;
    if let Some(ends_at) = ends_at {
        new.end_invitation_at(ends_at);
    }
    if groups.is_empty() {
        return create_prepared(ctx, new);
    }
    check_may_create(ctx, &new)?;
    new.groups = groups;
    let code = new.code.clone();
    let created = user_store::create(ctx, vec![((), new)]).into_iter().next();
    let user = created.ok_or_else(contended)?.1?;
    let code = code.and_then(|code| mint(ctx, &code, &user));
    Ok(Found { code, ..user.into() })
}

/// The ids of the groups of these names. One round trip.
fn find_groups(ctx: &Context, names: &[String]) -> Result<Vec<String>, ProvisionError> {
    if !ctx.scopes.has(Scope::ScimWrite) {
        return Err(ScimError::forbidden("Who is in a group is a change of the group: this takes scim:write.").into());
    }
    if names.len() > MAX_GROUPS {
        return Err(ScimError::invalid_value(format!("A new user joins at most {MAX_GROUPS} groups.")).into());
    }
    if names.iter().any(|name| Role::named(name).is_some()) && !ctx.scopes.has(Scope::Roles) {
        return Err(takes_roles());
    }
    let keys: HashSet<String> = names.iter().map(|name| fold(name)).collect();
    let found = find::groups_named(ctx, &keys)?;
    if let Some(name) = names.iter().find(|name| !found.contains_key(&fold(name))) {
        return Err(ScimError::invalid_value(format!("There is no group '{}'.", cut(name, MAX_SHOWN))).into());
    }
    Ok(found.into_values().collect())
}
