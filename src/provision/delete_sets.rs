//! DELETE of many resources, as Bulk asks for it: by sets, each of one type and of one user store, and so a batch for a hundred
//! of them. Each has its own result, which is the one that it has alone.
//!
//! What takes more than the conditions of one statement goes alone, after the sets: who holds a role, and what gives one, where
//! an administrator must be left. Among themselves these keep their order, and on the others they do not depend.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::base::scope::Scope;
use crate::model::context::{Context, StoreContext};
use crate::model::resource::{GROUP, USER};
use crate::ports::DatabaseError;
use crate::provision::delete::{delete, leave_groups};
use crate::provision::{Expected, ProvisionError, not_found, takes_roles};
use crate::store::resources::{self, Conditions, Deleted, Target};
use crate::store::role_holders;
use scim::schema::ResourceType;

/// How many resources one batch deletes.
const CHUNK: usize = 125;

/// A resource to delete.
pub struct Deletion {
    /// Its type.
    pub resource_type: Arc<ResourceType>,
    /// Its id.
    pub id: String,
    /// The versions that the client expects.
    pub expected: Expected,
}

impl Deletion {
    fn target(&self) -> Target {
        let versions = match &self.expected {
            Expected::OneOf(versions) => Some(versions.clone()),
            _ => None,
        };
        Target { id: self.id.clone(), versions }
    }

    /// Whether its conditions can stand in a set.
    const fn is_simple(&self) -> bool {
        matches!(self.expected, Expected::Any | Expected::OneOf(_))
    }
}

type Done = Result<(), ProvisionError>;

/// Deletes resources; the results come in the same order. With `most_errors` it ends with the one that fails as the last of so
/// many, or earlier: whoever calls goes on from there.
pub async fn delete_each(ctx: &Context, deletions: &[Deletion], most_errors: Option<usize>) -> Vec<Done> {
    let deletions = match most_errors {
        None => deletions,
        Some(most) => match first_part(ctx, deletions, most).await {
            Ok(count) => &deletions[..count],
            Err(error) => return deletions.iter().take(most).map(|_| Err(error.clone().into())).collect(),
        },
    };
    let mut results: Vec<Option<Done>> = deletions.iter().map(|_| None).collect();
    let earlier = earlier(deletions);
    for set in &sets(ctx, deletions, &earlier) {
        for chunk in set.chunks(CHUNK) {
            let outcome = delete_set(ctx, &chunk.iter().map(|index| &deletions[*index]).collect::<Vec<_>>()).await;
            match outcome {
                Ok(done) => chunk.iter().zip(done).for_each(|(index, done)| results[*index] = done),
                Err(error) => chunk.iter().for_each(|index| results[*index] = Some(Err(error.clone().into()))),
            }
        }
    }
    let mut all: Vec<Done> = Vec::with_capacity(results.len());
    for ((deletion, result), earlier) in deletions.iter().zip(results).zip(earlier) {
        let same = earlier.filter(|earlier| deletions[*earlier].expected == deletion.expected);
        let done = match (result, same.and_then(|earlier| all.get(earlier))) {
            (Some(done), _) => done,
            (None, Some(Ok(()))) => Err(not_found()),
            (None, Some(Err(ProvisionError::Scim(error)))) => Err(error.clone().into()),
            (None, _) => delete(ctx, &deletion.resource_type, &deletion.id, deletion.expected.clone()).await,
        };
        all.push(done);
    }
    all
}

/// Where each was last named before, if it was.
fn earlier(deletions: &[Deletion]) -> Vec<Option<usize>> {
    let mut places: HashMap<(&str, &str), usize> = HashMap::new();
    let mut earlier = Vec::with_capacity(deletions.len());
    for (index, deletion) in deletions.iter().enumerate() {
        earlier.push(places.insert((deletion.resource_type.name.as_str(), deletion.id.as_str()), index));
    }
    earlier
}

/// The places of those that go by sets, by type and user store, each of them once.
fn sets(ctx: &Context, deletions: &[Deletion], earlier: &[Option<usize>]) -> Vec<Vec<usize>> {
    let mut sets: Vec<((&str, Option<u16>), Vec<usize>)> = Vec::new();
    for (index, deletion) in deletions.iter().enumerate() {
        if !deletion.is_simple() || earlier[index].is_some() {
            continue;
        }
        let key = (deletion.resource_type.name.as_str(), ctx.in_store_of(&deletion.id).platform.store);
        match sets.iter_mut().find(|(found, _)| *found == key) {
            Some((_, set)) => set.push(index),
            None => sets.push((key, vec![index])),
        }
    }
    sets.into_iter().map(|(_, set)| set).collect()
}

/// What a set needs to know besides what its own database knows.
struct Conditioned {
    /// Whether who holds a role is left out.
    is_guarded: bool,
    /// Whether who holds one is refused.
    without_role: bool,
    /// The users of it whom groups of PRIMARY's database give a role.
    remote_holders: HashSet<String>,
}

impl Conditioned {
    async fn of(ctx: &Context, there: &StoreContext, set: &[&Deletion]) -> Result<Self, DatabaseError> {
        let has_roles = set.first().is_some_and(|first| [USER, GROUP].contains(&first.resource_type.name.as_str()));
        let without_role = has_roles && !ctx.scopes.has(Scope::Roles);
        let is_guarded = without_role || (has_roles && ctx.deployment.administrator.is_none());
        let ids: Vec<&str> = set.iter().map(|deletion| deletion.id.as_str()).collect();
        let remote_holders = match there.platform.store {
            Some(_) if is_guarded => role_holders::remote_holders(ctx, &ids).await?,
            _ => HashSet::new(),
        };
        Ok(Self { is_guarded, without_role, remote_holders })
    }
}

/// Deletes a set; whoever has no result goes alone.
async fn delete_set(ctx: &Context, set: &[&Deletion]) -> Result<Vec<Option<Done>>, DatabaseError> {
    let Some(first) = set.first() else { return Ok(Vec::new()) };
    let there = &ctx.in_store_of(&first.id);
    let known = Conditioned::of(ctx, there, set).await?;
    let together: Vec<&&Deletion> = set.iter().filter(|one| !known.remote_holders.contains(&one.id)).collect();
    let targets: Vec<Target> = together.iter().map(|deletion| deletion.target()).collect();
    let conditions = Conditions { without_role: known.is_guarded, ..Conditions::default() };
    let deleted = resources::delete(there, &first.resource_type, &targets, &conditions).await?;
    let gone = targets.iter().zip(&deleted).filter(|(_, deleted)| **deleted == Deleted::Done);
    leave_groups(there, &gone.map(|(target, _)| target.id.as_str()).collect::<Vec<_>>()).await;
    let mut deleted = together.into_iter().zip(deleted);
    let mut done = Vec::with_capacity(set.len());
    for deletion in set {
        if known.remote_holders.contains(&deletion.id) {
            done.push(None);
            continue;
        }
        done.push(match deleted.next().map(|(_, deleted)| deleted) {
            Some(Deleted::Done) => Some(Ok(())),
            Some(Deleted::NotFound) => Some(Err(not_found())),
            Some(Deleted::RoleHolder) if known.without_role => Some(Err(takes_roles())),
            Some(Deleted::OtherVersion(version)) => {
                deletion.expected.check(version).err().map(|error| Err(error.into()))
            }
            _ => None,
        });
    }
    Ok(done)
}

/// The number of those that are tried together where only so many errors are allowed: up to the one with which there are too
/// many, as it looks now, or to the first that goes alone, which is alone then.
async fn first_part(ctx: &Context, deletions: &[Deletion], most_errors: usize) -> Result<usize, DatabaseError> {
    let earlier = earlier(deletions);
    let mut fails: Vec<Option<bool>> = deletions.iter().map(|_| None).collect();
    for set in &sets(ctx, deletions, &earlier) {
        let all: Vec<&Deletion> = set.iter().map(|index| &deletions[*index]).collect();
        let Some(first) = all.first() else { continue };
        let there = &ctx.in_store_of(&first.id);
        let known = Conditioned::of(ctx, there, &all).await?;
        let targets: Vec<Target> = all.iter().map(|deletion| deletion.target()).collect();
        let looks = resources::look(there, &first.resource_type, &targets, known.is_guarded).await?;
        let looks: HashMap<&str, _> = looks.iter().map(|look| (look.id.as_str(), look)).collect();
        for index in set {
            let deletion = &deletions[*index];
            fails[*index] = match looks.get(deletion.id.as_str()) {
                None => Some(true),
                Some(look) if !deletion.expected.holds(look.version) => Some(true),
                Some(look) if look.is_allowed && !known.remote_holders.contains(&deletion.id) => Some(false),
                Some(_) => known.without_role.then_some(true),
            };
        }
    }
    let mut errors = 0;
    for (index, fails) in fails.iter().enumerate() {
        let Some(fails) = fails else { return Ok(index.max(1)) };
        errors += usize::from(*fails);
        if errors >= most_errors {
            return Ok(index + 1);
        }
    }
    Ok(deletions.len())
}
