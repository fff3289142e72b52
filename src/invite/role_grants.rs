//! New links for those whom a group has given a role while a link of theirs was out (`store::invitations::role_grants`):
//! right after the write, and by the sweep for what is left.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use crate::base::text::without_values;
use crate::model::context::{Actor, Context};
use crate::model::settings::EmailSender;
use crate::model::tenant::Tenant;
use crate::ports::{DatabaseError, Millis, Platform};
use crate::store::invitations::role_grants::{self, STEP, Waiting};
use crate::store::tenant_settings;

/// How long users have waited when the sweep takes them, in milliseconds: longer than a request takes.
const REST: Millis = 30_000;
/// The most steps of one sweep, of all tenants in turns: each is some ten statements, of the thousand of an invocation.
const STEPS: usize = 40;

/// Takes the first step right after the write that gave the role. Should it fail, the sweep does it: no link is taken until
/// then.
pub fn attempt(ctx: &Context) {
    if let Err(error) = step(ctx, ctx.platform.clock.now()) {
        let why = without_values(&error.to_string());
        ctx.platform.log.line(&json!({ "event": "role grants", "error": why }).to_string());
    }
}

/// Works off what is left, the tenants in turns. `context` makes the unit of work of a tenant.
///
/// # Errors
/// The database's: the last one, after all tenants have had their turns.
pub fn run(platform: &Platform, context: &dyn Fn(Tenant) -> Context) -> Result<(), DatabaseError> {
    let mut tenants = role_grants::find_tenants(&platform.in_store(None))?;
    let before = platform.clock.now() - REST;
    let (mut steps, mut failure) = (0, None);
    while !tenants.is_empty() && steps < STEPS {
        let mut waiting = Vec::new();
        for tenant in tenants {
            if steps == STEPS {
                break;
            }
            steps += 1;
            let ctx = context(tenant.clone()).acting_as(Actor::System);
            match settings_then_step(&ctx, before) {
                Ok(true) => waiting.push(tenant),
                Ok(false) => {}
                Err(error) => failure = Some(error),
            }
        }
        tenants = waiting;
    }
    failure.map_or(Ok(()), Err)
}

fn settings_then_step(ctx: &Context, before: Millis) -> Result<bool, DatabaseError> {
    // What an inactive tenant's users wait for can wait.
    let Some(settings) = tenant_settings::refresh(ctx)? else { return Ok(false) };
    step(&ctx.with_settings(settings), before)
}

/// Sends links to [`STEP`] users of the tenant at most who have waited since `before`; whether there may be more.
fn step(ctx: &Context, before: Millis) -> Result<bool, DatabaseError> {
    let waiting = role_grants::find_waiting(ctx, before)?;
    if waiting.is_empty() {
        return Ok(false);
    }
    let more = waiting.len() == STEP as usize;
    let external = ctx.settings().email_sender == EmailSender::External;
    let mut by_store: BTreeMap<Option<u16>, Vec<Waiting>> = BTreeMap::new();
    for user in waiting {
        by_store.entry(ctx.deployment.user_stores.of_id(&user.user_id)).or_default().push(user);
    }
    for (store, users) in by_store {
        role_grants::settle(&ctx.in_store(store), &users, external)?;
        if store.is_some() {
            role_grants::finish(ctx, &users)?;
        }
    }
    ctx.platform.mail_queue.wake(Duration::ZERO);
    Ok(more)
}
