//! What stands against doing something to a user: a job asks before it does it, and its forecast for all of them.

use std::collections::{BTreeMap, HashSet};

use crate::base::account::Lock;
use crate::invite::{resend, revoke};
use crate::model::context::{Actor, Context, Work};
use crate::model::job::{JobAction, Obstacle};
use crate::ports::{DatabaseError, Millis};
use crate::store::jobs::targets::{self, Target, Targets};

/// The users that one look is about.
const AT_ONCE: usize = 1_000;

/// What is known of some users.
pub(super) struct Known {
    /// The users, and those to whom the job has done something.
    pub(super) targets: Targets,
    members: HashSet<String>,
}

impl Known {
    /// Looks at users: one round trip for each of their stores, and one for a group's members.
    pub(super) fn find(
        ctx: &Context,
        group_id: Option<&str>,
        ids: &[&str],
        job: Option<&str>,
    ) -> Result<Self, DatabaseError> {
        let mut by_store: BTreeMap<Option<u16>, Vec<&str>> = BTreeMap::new();
        for id in ids {
            by_store.entry(ctx.deployment.user_stores.of_id(id)).or_default().push(id);
        }
        let mut known = Self { targets: Targets::default(), members: HashSet::new() };
        let limit = ctx.settings().rate_limits.resends;
        for (store, ids) in by_store {
            let found = targets::find(&ctx.in_store(store), &ids, limit, job)?;
            known.targets.users.extend(found.users);
            known.targets.touched.extend(found.touched);
        }
        if let Some(group_id) = group_id {
            known.members = targets::members(ctx, group_id, ids)?;
        }
        Ok(known)
    }

    /// What stands against deleting a user who is to have awaited it.
    pub(super) fn obstacle_to_awaited(&self, ctx: &Work, at: Millis, id: &str) -> Option<Obstacle> {
        match self.targets.users.get(id) {
            Some(target) if target.user.account.deletion.map(|deletion| deletion.at) != Some(at) => {
                Some(Obstacle::Undone)
            }
            _ => self.obstacle(ctx, JobAction::Delete, id),
        }
    }

    /// What stands against `action` on a user.
    pub(super) fn obstacle(&self, ctx: &Work, action: JobAction, id: &str) -> Option<Obstacle> {
        match self.targets.users.get(id) {
            None => Some(Obstacle::Gone),
            Some(target) if action == JobAction::AddToGroup && target.user.account.deletion.is_some() => {
                Some(Obstacle::Deletion)
            }
            Some(_) if action == JobAction::AddToGroup => self.members.contains(id).then_some(Obstacle::Member),
            Some(target) => obstacle(ctx, action, target),
        }
    }
}

fn obstacle(ctx: &Work, action: JobAction, target: &Target) -> Option<Obstacle> {
    let Target { user, within_limit } = target;
    let is_oneself = matches!(&ctx.actor, Actor::RoleHolder { id, .. } | Actor::User(id) if *id == user.id);
    let account = &user.account;
    match action {
        JobAction::Lock | JobAction::Unlock | JobAction::Disable | JobAction::Enable if account.deletion.is_some() => {
            Some(Obstacle::Deletion)
        }
        JobAction::Lock | JobAction::Disable | JobAction::Delete if is_oneself => Some(Obstacle::Oneself),
        JobAction::Resend => resend::obstacle(user).or((!within_limit).then_some(Obstacle::Limit)),
        JobAction::Revoke => revoke::obstacle(user),
        JobAction::Lock => (account.lock == Lock::Admin).then_some(Obstacle::Locked),
        JobAction::Unlock => (account.lock != Lock::Admin).then_some(Obstacle::NotLocked),
        JobAction::Disable => account.disabled.then_some(Obstacle::Disabled),
        JobAction::Enable => (!account.disabled).then_some(Obstacle::Enabled),
        JobAction::Delete | JobAction::AddToGroup | JobAction::Import | JobAction::Export => None,
    }
}

/// What a job would come to if it were carried out now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forecast {
    /// The users to whom it would be done.
    pub acts: usize,
    /// How many others there are, by what stands against it.
    pub obstacles: BTreeMap<Obstacle, usize>,
    /// The name of one of the users to whom it would be done.
    pub example: Option<String>,
}

/// Forecasts `action` for users: a round trip for each thousand.
///
/// # Errors
/// The database's.
pub fn forecast(
    ctx: &Context,
    action: JobAction,
    group_id: Option<&str>,
    ids: &[String],
) -> Result<Forecast, DatabaseError> {
    let mut forecast = Forecast::default();
    for ids in ids.chunks(AT_ONCE) {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let known = Known::find(ctx, group_id, &ids, None)?;
        for id in ids {
            match known.obstacle(ctx, action, id) {
                Some(obstacle) => *forecast.obstacles.entry(obstacle).or_default() += 1,
                None => {
                    forecast.acts += 1;
                    if forecast.example.is_none() {
                        forecast.example = known.targets.users.get(id).map(|target| target.user.user_name());
                    }
                }
            }
        }
    }
    Ok(forecast)
}
