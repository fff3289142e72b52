//! Whether stored values are unique that must be by a schema which is about to be registered.
//!
//! They are written to `unique_values` before the schema is in force, so that from its first moment on no second one can
//! come. Nobody writes such values meanwhile: without the schema there is no such attribute. Where two resources have one value,
//! what was written goes again.

use crate::model::context::Context;
use crate::ports::{DatabaseError, Platform};
use crate::provision::registrations::{Effect, RegisterError, busy};
use crate::provision::reindex::{self, document_paths};
use crate::store::keys::{self, Entry};
use crate::store::registrations::Registered;
use crate::store::reindexes::rows::{self, Table};
use crate::store::reindexes::{self, Phase, Reindex};
use scim::error::Error as ScimError;
use scim::schema::{Registry, ResourceType};

/// The most resources of a type that may be there when a schema makes values of theirs unique: all are read in one request.
pub const MAX_CHECKED: u64 = 200_000;
/// How many resources a refusal names.
const NAMED: usize = 10;
/// The time that a check may take before its type is anybody's again, in milliseconds.
const LEASE: i64 = 300_000;

/// How many resources of a type there are, in all stores.
///
/// # Errors
/// The database's.
pub(super) fn total(ctx: &Context, type_name: &str) -> Result<u64, DatabaseError> {
    let mut total = 0;
    for store in ctx.platform.all_stores() {
        total += reindexes::count(&store, ctx.tenant.number(), type_name)?;
    }
    Ok(total)
}

/// What a check has led to.
pub(super) enum Checked {
    /// There are no values that must be unique by it.
    Nothing,
    /// They are, and written, under this hold on their type.
    Written(Box<Reindex>),
    /// Somebody else has changed what is to be done for the type.
    Overtaken,
}

/// Writes the values that must be unique by what is about to be registered, on the ground of what was read `before`.
///
/// # Errors
/// 409 with the first ids where two resources have one value, 400 `tooMany` where there are too many resources to look at.
pub(super) fn uniqueness(
    ctx: &Context,
    registry: &Registry,
    before: &Registered,
    reindexes: &[(Reindex, Effect)],
) -> Result<Checked, RegisterError> {
    for (reindex, effect) in reindexes {
        let unique = effect.unique(registry);
        let Some(resource_type) = registry.resource_type(&effect.type_name).filter(|_| !unique.is_empty()) else {
            continue;
        };
        if reindex.total > MAX_CHECKED {
            return Err(RegisterError::Refused(ScimError::too_many(format!(
                "There are {} resources of type {}. Values can be made unique where there are {MAX_CHECKED} at most: \
                 register the schema without 'uniqueness'.",
                reindex.total, effect.type_name
            ))));
        }
        let taken = Reindex {
            attributes: [reindex.attributes.clone(), unique.clone()].concat(),
            // What is being indexed already goes on being so.
            schemas: reindex.schemas.iter().filter(|urn| !effect.added.contains(urn)).cloned().collect(),
            phase: Phase::Checking,
            due: ctx.platform.clock.now() + LEASE,
            ..reindex.clone()
        };
        let known = before.reindexes.iter().find(|known| known.type_name == effect.type_name);
        if known.is_some_and(|known| known.phase == Phase::Checking && known.due > ctx.platform.clock.now()) {
            return Err(busy());
        }
        if !reindexes::take(ctx, known, &taken)? {
            return Ok(Checked::Overtaken);
        }
        let check = Check { resource_type, paths: document_paths(resource_type, &effect.added), unique };
        let refused = match check.run(&ctx.platform, &taken) {
            Ok(shared) if shared.is_empty() => return Ok(Checked::Written(Box::new(taken))),
            Ok(shared) => RegisterError::Refused(ScimError::uniqueness(format!(
                "Values that must be unique by it are shared already, by these resources among others: {}. Change those first.",
                shared.join(", ")
            ))),
            Err(error) => error.into(),
        };
        give_back(ctx, &taken)?;
        return Err(refused);
    }
    Ok(Checked::Nothing)
}

/// Lets others have a type again whose check has led to nothing: what it has written is removed.
///
/// # Errors
/// The database's.
pub(super) fn give_back(ctx: &Context, taken: &Reindex) -> Result<(), DatabaseError> {
    let after = Reindex {
        phase: Phase::Clearing,
        due: ctx.platform.clock.now(),
        operation: ctx.platform.new_id().to_string(),
        ..taken.clone()
    };
    if reindexes::advance(&ctx.platform, taken, Some(&after))?
        && let Err(error) = reindex::carry_on(ctx, Some(&taken.type_name), reindex::AT_ONCE)
    {
        // The sweep does it.
        reindex::log(&ctx.platform, &error);
    }
    Ok(())
}

struct Check<'a> {
    resource_type: &'a ResourceType,
    paths: Vec<String>,
    unique: Vec<String>,
}

impl Check<'_> {
    /// Writes the values of all resources, store by store, and answers the ids of those that share one: the first ones.
    fn run(&self, platform: &Platform, taken: &Reindex) -> Result<Vec<String>, DatabaseError> {
        let mut shared = Vec::new();
        for store in platform.all_stores() {
            // A former schema's rows.
            let former = Reindex { attributes: self.unique.clone(), ..taken.clone() };
            let lost = || DatabaseError::Unavailable("others register at the same time".to_owned());
            let mut hold = reindexes::hold(&store, taken)?.ok_or_else(lost)?;
            while !rows::clear(&store, &former, &hold, Table::UniqueValues, &[])? {
                hold = reindexes::hold(&store, taken)?.ok_or_else(lost)?;
            }
            let mut at = taken.clone();
            loop {
                let looked = rows::look_at_parts(&store, &at, &self.paths)?;
                let mut claims: Vec<(String, i64, Entry)> = Vec::new();
                for ((_, id), part) in &looked.resources {
                    let Some((part, document)) =
                        part.as_ref().and_then(|part| Some((part, part.document.as_object()?)))
                    else {
                        continue;
                    };
                    let found = keys::unique(self.resource_type, &keys::of_document(self.resource_type, document));
                    let new = found.into_iter().filter(|(attribute, _)| self.unique.contains(attribute));
                    claims.extend(new.map(|entry| (id.clone(), part.version, entry)));
                }
                for (holder, other) in rows::claim(&store, taken, &hold, &claims)?.ok_or_else(lost)? {
                    for id in [holder, other] {
                        if !shared.contains(&id) {
                            shared.push(id);
                        }
                    }
                }
                if shared.len() >= NAMED {
                    shared.truncate(NAMED);
                    return Ok(shared);
                }
                let Some((place, _)) = looked.resources.last().filter(|_| !looked.last) else { break };
                at.after = Some(place.clone());
            }
        }
        Ok(shared)
    }
}
