//! Steps of jobs. One takes up to [`STEP`] rows: it looks at their users, passes over those to whom there is nothing to do, and
//! does to each of the others what a request about that one user does, with the same checks.
//!
//! An effect and its row in the audit, which carries the job's id, are one batch. Where a step has died, or the database has
//! failed it, the next one asks the audit what was done, so that nothing is done twice.

use std::cell::RefCell;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::access::hash_limiter::HashLimiter;
use crate::base::text::without_values;
use crate::invite::resend::{ResendError, resend};
use crate::invite::revoke::revoke;
use crate::model::context::Context;
use crate::model::job::{JobAction, Obstacle, RowState};
use crate::model::resource::{GROUP, USER, WSO2_SCHEMA};
use crate::model::settings::EmailSender;
use crate::model::tenant::Tenant;
use crate::ports::{DatabaseError, Meter, Millis, Platform};
use crate::provision::jobs::JobError;
use crate::provision::jobs::files;
use crate::provision::jobs::judgement::Known;
use crate::provision::{Budget, Expected, ProvisionError, delete, delete_awaited, deletion, modify};
use crate::store::jobs::RowOutcome;
use crate::store::jobs::steps::{self, Leased, StepEnd};
use crate::store::{registrations, tenant_settings};
use scim::schema::{Registry, ResourceType};

/// The rows of a step: some two to four round trips each at most.
const STEP: u32 = 50;
/// The users to whom something is done at a time.
const AT_A_TIME: u32 = 6;
/// How long a step holds its lease, in milliseconds. What it begins within [`BEGINS_WITHIN`] is over long before.
const LEASE: Millis = 60_000;
/// How long a step begins with rows, in milliseconds.
const BEGINS_WITHIN: Millis = 20_000;
/// The passwords that are hashed in a row, some 50 ms each.
const HASHES: usize = 200;
/// The pause after a step that the database has failed, in milliseconds.
const PAUSE: Millis = 5_000;

/// Works jobs off, those of all tenants in turns, until `meter`, which counts on `platform`, has so many round trips: the step
/// that passes it is the last. Answers whether anything was done. `context` makes the unit of work of a tenant.
///
/// # Errors
/// The database's: the last one, after all jobs have had their turns.
pub fn run(
    platform: &Platform,
    meter: &Meter,
    gate: &HashLimiter,
    context: &dyn Fn(Tenant) -> Context,
    most_trips: u64,
) -> Result<bool, DatabaseError> {
    let (mut did, mut failure) = (false, None);
    let gate = &gate.for_request(HASHES);
    while meter.trips() < most_trips && !gate.is_spent() && !meter.is_spent() {
        let lease = platform.new_id().to_string();
        let started = platform.clock.now();
        let Some(leased) = steps::lease(platform, &lease, started + LEASE, STEP)? else { break };
        did = true;
        let ctx = context(leased.tenant.clone());
        let worked = Step { platform, gate, leased: &leased, begins_until: started + BEGINS_WITHIN }.work(&ctx);
        let (outcomes, end) = match &worked {
            Worked::Rows(outcomes) => (outcomes.as_slice(), StepEnd::Complete),
            Worked::Halted(why) => (&[][..], StepEnd::Halted(why)),
            Worked::Broken(outcomes, _) => (outcomes.as_slice(), StepEnd::InDoubt(platform.clock.now() + PAUSE)),
        };
        let recorded = steps::record(platform, &leased, &lease, outcomes, end).err();
        if let Worked::Broken(_, error) = worked {
            failure = Some(error);
        }
        failure = recorded.or(failure);
    }
    failure.map_or(Ok(did), Err)
}

/// The result of a step.
enum Worked {
    /// What became of rows.
    Rows(Vec<RowOutcome>),
    /// The job cannot go on now.
    Halted(String),
    /// The database has failed: what became of some rows is known.
    Broken(Vec<RowOutcome>, DatabaseError),
}

/// What became of one row: its state, and why.
type Effect = Result<(RowState, Option<String>), DatabaseError>;

struct Step<'a> {
    platform: &'a Platform,
    gate: &'a HashLimiter,
    leased: &'a Leased,
    begins_until: Millis,
}

impl Step<'_> {
    fn work(&self, ctx: &Context) -> Worked {
        match self.prepare(ctx) {
            Ok(Ok((ctx, registry))) => self.by_action(&ctx, &registry),
            Ok(Err(why)) => Worked::Halted(why),
            Err(error) => Worked::Broken(Vec::new(), error),
        }
    }

    /// The unit of work of whoever started the job, with the rights they had; why not, where the tenant does not let it.
    fn prepare(&self, ctx: &Context) -> Result<Result<(Context, Arc<Registry>), String>, DatabaseError> {
        let Leased { job, actor, scopes, tenant_is_active, .. } = self.leased;
        let settings = if *tenant_is_active { tenant_settings::refresh(ctx)? } else { None };
        let Some(settings) = settings else {
            return Ok(Err("The tenant is not active.".to_owned()));
        };
        if matches!(job.action, JobAction::Resend | JobAction::Import) && settings.email_sender == EmailSender::External
        {
            return Ok(Err(JobError::External.to_string()));
        }
        let mut ctx = ctx.admit(actor.clone(), *scopes, settings);
        ctx.work.request_id.clone_from(&job.id);
        let registry = registrations::load_registry(&ctx)?;
        Ok(Ok((ctx, registry)))
    }

    fn by_action(&self, ctx: &Context, registry: &Arc<Registry>) -> Worked {
        match self.leased.job.action {
            JobAction::Import => match files::import(ctx, self.gate, registry, self.leased, self.begins_until) {
                Ok((outcomes, None)) => Worked::Rows(outcomes),
                Ok((outcomes, Some(failure))) => Worked::Broken(outcomes, failure),
                Err(why) => Worked::Halted(why),
            },
            JobAction::Export => match files::export(ctx, self.leased) {
                Ok(outcomes) => Worked::Rows(outcomes),
                Err(failure) => Worked::Broken(Vec::new(), failure),
            },
            _ => self.rows(ctx, registry),
        }
    }

    fn rows(&self, ctx: &Context, registry: &Registry) -> Worked {
        let Leased { job, rows, in_doubt, .. } = self.leased;
        let ids: Vec<&str> = rows.iter().map(|(_, id)| id.as_str()).collect();
        let asks_for = in_doubt.then_some(job.id.as_str());
        let known = match Known::find(ctx, job.group_id.as_deref(), &ids, asks_for) {
            Ok(known) => known,
            Err(error) => return Worked::Broken(Vec::new(), error),
        };
        let (mut outcomes, mut left) = (Vec::new(), Vec::new());
        for (number, id) in rows {
            let obstacle = match job.undo_until {
                Some(at) => known.obstacle_to_awaited(ctx, at, id),
                None => known.obstacle(ctx, job.action, id),
            };
            // One who is there all the same was given back.
            let is_touched =
                known.targets.touched.contains(id) && (job.undo_until.is_none() || obstacle == Some(Obstacle::Gone));
            let was_done = is_touched || (*in_doubt && obstacle == Some(Obstacle::Member));
            match obstacle {
                _ if was_done => outcomes.push(outcome(*number, (RowState::Done, None))),
                Some(obstacle) => outcomes.push(outcome(*number, skipped(obstacle, job.action))),
                None => left.push((*number, id.as_str())),
            }
        }
        if let (JobAction::AddToGroup, Some(group), Some(rt)) =
            (job.action, &job.group_id, registry.resource_type(GROUP))
            && !left.is_empty()
        {
            let ids: Vec<&str> = left.iter().map(|(_, id)| *id).collect();
            match self.add(ctx, rt, group, &ids) {
                Ok((RowState::Done, _)) => {
                    outcomes.extend(left.iter().map(|(number, _)| outcome(*number, (RowState::Done, None))));
                    left.clear();
                }
                // One of them is the cause: it is found out which.
                Ok(_) => {}
                Err(error) => return Worked::Broken(outcomes, error),
            }
        }
        let (left, effects) = (RefCell::new(left.into_iter()), RefCell::new(Vec::new()));
        let next = || {
            // What is not begun in time is the next step's.
            let is_late = self.platform.clock.now() > self.begins_until || self.platform.meter.is_spent();
            if is_late { None } else { left.borrow_mut().next() }
        };
        self.platform.tasks.run(AT_A_TIME, &|| {
            while let Some((number, id)) = next() {
                let effect = self.effect(ctx, registry, id);
                effects.borrow_mut().push((number, effect));
            }
        });
        let mut failure = None;
        for (number, effect) in effects.into_inner() {
            match effect {
                Ok(effect) => outcomes.push(outcome(number, effect)),
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            None => Worked::Rows(outcomes),
            Some(error) => {
                let why = without_values(&error.to_string());
                ctx.platform.log.line(&json!({ "event": "job", "job": job.id, "error": why }).to_string());
                Worked::Broken(outcomes, error)
            }
        }
    }

    /// Does to one user what the job is about, as a request about that user does.
    fn effect(&self, ctx: &Context, registry: &Registry, id: &str) -> Effect {
        let (Some(user), Some(group)) = (registry.resource_type(USER), registry.resource_type(GROUP)) else {
            return Ok((RowState::Failed, None));
        };
        let action = self.leased.job.action;
        match action {
            JobAction::Resend => invited(action, resend(ctx, id).map(drop)),
            JobAction::Revoke => invited(action, revoke(ctx, id).map(drop)),
            JobAction::Lock => self.set(ctx, user, id, json!({ WSO2_SCHEMA: { "accountLocked": true } })),
            JobAction::Unlock => self.set(ctx, user, id, json!({ WSO2_SCHEMA: { "accountLocked": false } })),
            JobAction::Disable => self.set(ctx, user, id, json!({ "active": false })),
            JobAction::Enable => self.set(ctx, user, id, json!({ "active": true })),
            JobAction::Delete if self.leased.job.undo_until.is_some() => self.delete_awaited(ctx, user, id),
            JobAction::Delete => provisioned(action, delete(ctx, user, id, Expected::Any)),
            JobAction::AddToGroup => {
                let group_id = self.leased.job.group_id.as_deref().unwrap_or_default();
                self.add(ctx, group, group_id, &[id])
            }
            JobAction::Import | JobAction::Export => Ok((RowState::Failed, None)),
        }
    }

    /// Deletes a user who awaits it. One who may not go after all is given back.
    fn delete_awaited(&self, ctx: &Context, rt: &Arc<ResourceType>, id: &str) -> Effect {
        let at = self.leased.job.undo_until.unwrap_or_default();
        let deleted = provisioned(JobAction::Delete, delete_awaited(ctx, rt, id, at))?;
        if deleted.0 == RowState::Failed
            && let Err(ProvisionError::Database(error)) = deletion::undo(ctx, &Budget::new(self.gate.clone()), rt, id)
        {
            return Err(error);
        }
        Ok(deleted)
    }

    /// Writes values of a user.
    fn set(&self, ctx: &Context, rt: &Arc<ResourceType>, id: &str, value: Json) -> Effect {
        let patch = patch(json!({ "op": "replace", "value": value }));
        let written = modify(ctx, &Budget::new(self.gate.clone()), rt, id, &patch, Expected::Any, false);
        provisioned(self.leased.job.action, written.map(drop))
    }

    /// Makes users members of the group.
    fn add(&self, ctx: &Context, rt: &Arc<ResourceType>, group_id: &str, ids: &[&str]) -> Effect {
        let members: Vec<Json> = ids.iter().map(|id| json!({ "value": id })).collect();
        let patch = patch(json!({ "op": "add", "path": "members", "value": members }));
        match modify(ctx, &Budget::new(self.gate.clone()), rt, group_id, &patch, Expected::Any, false) {
            Err(ProvisionError::Scim(error)) if error.status == 404 => {
                Ok((RowState::Failed, Some("There is no such group any more.".to_owned())))
            }
            written => provisioned(JobAction::AddToGroup, written.map(drop)),
        }
    }
}

fn patch(operation: Json) -> Json {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation] })
}

fn outcome(number: i64, (state, reason): (RowState, Option<String>)) -> RowOutcome {
    RowOutcome { number, state, reason, user_id: None, became: None, cells: None }
}

fn skipped(obstacle: Obstacle, action: JobAction) -> (RowState, Option<String>) {
    (RowState::Skipped, Some(obstacle.reason(action).to_owned()))
}

/// What a write to an invitation came to.
fn invited(action: JobAction, written: Result<(), ResendError>) -> Effect {
    match written {
        Ok(()) => Ok((RowState::Done, None)),
        Err(ResendError::Database(error)) => Err(error),
        Err(ResendError::NotFound) => Ok(skipped(Obstacle::Gone, action)),
        Err(error @ ResendError::Forbidden(_)) => Ok((RowState::Failed, Some(error.to_string()))),
        // It has changed since it was looked at.
        Err(error) => Ok((RowState::Skipped, Some(error.to_string()))),
    }
}

/// What a write to a resource came to.
fn provisioned(action: JobAction, written: Result<(), ProvisionError>) -> Effect {
    match written {
        Ok(()) => Ok((RowState::Done, None)),
        Err(ProvisionError::Database(error)) => Err(error),
        Err(ProvisionError::Scim(error)) if error.status == 404 => Ok(skipped(Obstacle::Gone, action)),
        Err(ProvisionError::Scim(error)) => Ok((RowState::Failed, Some(error.detail))),
        Err(error) => Ok((RowState::Failed, Some(error.to_string()))),
    }
}
