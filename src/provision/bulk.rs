//! Bulk (RFC 7644 section 3.7): creations, and deletions that follow each other, go to the database by the hundred, everything
//! else one by one, and one bad operation harms no other.
//!
//! Ids are given out before anything is written, so that `bulkId` references may point forwards, backwards and in circles.
//! Operations run in an order in which what they refer to comes first; the answers are in the client's order.

mod deletions;
mod waits;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::access::hash_limiter::HashLimiter;
use crate::invite::role_grants;
use crate::model::context::Context;
use crate::model::new_resource::{NewMember, NewResource};
use crate::model::resource::{GROUP, USER};
use crate::ports::DatabaseError;
use crate::provision::batch::{BatchLimits, Batcher};
use crate::provision::bulk::waits::{MAX_LEVEL, Waits};
use crate::provision::delete_sets::Deletion;
use crate::provision::{
    self, Budget, CODE_HEADER, Expected, Found, ProvisionError, group, group_roles, prepare, user_store,
};
use crate::store::groups::{self, Named};
use crate::store::keys::{self, Entry};
use crate::store::resources::{self, find};
use scim::bulk::{BULK_RESPONSE_SCHEMA, Method, Operation, Plan, Planned, ResourceId, resolve};
use scim::error::Error as ScimError;
use scim::fold::fold;
use scim::schema::{Registry, ResourceType};

/// How many resources one batch creates, and how many bytes of documents: its parameters stay below D1's 2 MB.
const LIMITS: BatchLimits = BatchLimits { count: 125, bytes: 300_000 };

/// The most passwords that one request hashes: a second of CPU, of the thirty that Workers give.
const MAX_HASHES: usize = 20;

/// Runs a plan and answers the BulkResponse.
pub async fn run(ctx: &Context, gate: &HashLimiter, registry: &Registry, plan: Plan) -> Json {
    let order = plan.order();
    let ids: HashMap<String, String> = plan
        .operations
        .iter()
        .filter(|planned| planned.method == Some(Method::Post))
        .filter_map(|planned| Some((planned.bulk_id.clone()?, user_store::new_id(ctx, registry, planned))))
        .collect();
    let count = plan.operations.len();
    let budget = &Budget::new(gate.for_request(MAX_HASHES));
    let waits = Waits::new(registry, &plan);
    let mut run = Run {
        ctx,
        budget,
        registry,
        ids,
        limit: plan.fail_on_errors,
        errors: 0,
        failed: HashSet::new(),
        waiting: Batcher::new(LIMITS),
        waiting_unique: HashSet::new(),
        deletions: Vec::new(),
        waits,
        results: (0..count).map(|_| None).collect(),
        operations: plan.operations.into_iter().map(Some).collect(),
    };
    for together in order {
        for index in &together {
            if run.is_over() {
                break;
            }
            run.take(*index, &together).await;
        }
    }
    run.settle().await;
    run.delete_waiting().await;
    let operations: Vec<Json> = run.results.into_iter().flatten().collect();
    json!({ "schemas": [BULK_RESPONSE_SCHEMA], "Operations": operations })
}

/// The parts of an operation that its result repeats.
struct Label {
    /// The operation's place in the request.
    index: usize,
    method: Option<Method>,
    bulk_id: Option<String>,
    /// The address of what is changed or deleted.
    location: Option<String>,
}

/// Creations, each with the operation that asks for it.
type Batch = Vec<(Label, NewResource)>;

struct Run<'a> {
    ctx: &'a Context,
    /// What all operations share.
    budget: &'a Budget,
    registry: &'a Registry,
    /// The ids of what the POSTs create, by `bulkId`.
    ids: HashMap<String, String>,
    limit: Option<usize>,
    errors: usize,
    /// The operations that failed.
    failed: HashSet<usize>,
    /// The creations of the next batch.
    waiting: Batcher<Label>,
    /// The values in the waiting batch that must be unique: one batch has each but once.
    waiting_unique: HashSet<(String, Entry)>,
    /// The deletions that wait. While there are any, no creation does.
    deletions: Vec<(Label, Deletion)>,
    /// Which creations wait, here or for others.
    waits: Waits,
    results: Vec<Option<Json>>,
    operations: Vec<Option<Planned>>,
}

impl Run<'_> {
    fn is_over(&self) -> bool {
        self.limit.is_some_and(|limit| self.errors >= limit)
    }

    /// Carries out one operation, or puts a creation into the waiting batch. `circle` are the operations that refer to
    /// each other, itself included.
    async fn take(&mut self, index: usize, circle: &[usize]) {
        let Some(planned) = self.operations.get_mut(index).and_then(Option::take) else { return };
        match planned.operation {
            Ok(Operation { method: Method::Post, .. }) => {
                self.operations[index] = Some(planned);
                self.delete_waiting().await;
                if self.is_over() {
                    return;
                }
                let is_circle = circle.len() > 1;
                self.waits.arrive(index);
                // A circle cannot be waited for by its own parts.
                if !is_circle && self.waits.must_wait(index) {
                    if self.limit.is_none() {
                        self.waits.postpone(index);
                        return;
                    }
                    self.settle().await;
                }
                self.enqueue(index, is_circle).await;
            }
            operation => {
                // What came before has to be done first.
                self.settle().await;
                if self.is_over() {
                    return;
                }
                let location = operation.as_ref().ok().and_then(|operation| self.location(operation));
                let label = Label { index, method: planned.method, bulk_id: planned.bulk_id, location };
                if let Some(deletion) = operation.as_ref().ok().and_then(|operation| self.deletion(operation)) {
                    self.deletions.push((label, deletion));
                    return;
                }
                self.delete_waiting().await;
                if self.is_over() {
                    return;
                }
                let outcome = match operation {
                    Ok(operation) => self.one(&operation).await,
                    Err(error) => Err(error.into()),
                };
                self.record(&label, outcome);
            }
        }
    }

    /// Puts a creation into the waiting batch.
    async fn enqueue(&mut self, index: usize, circle: bool) {
        let Some(planned) = self.operations.get_mut(index).and_then(Option::take) else { return };
        let Ok(operation) = planned.operation else { return };
        let label = Label { index, method: planned.method, bulk_id: planned.bulk_id, location: None };
        let new = match self.prepare(operation, index, circle) {
            Ok(new) => new,
            Err(refusal) => {
                // Where errors are counted, they are counted in order.
                if self.limit.is_some() {
                    self.flush().await;
                    if self.is_over() {
                        return;
                    }
                }
                self.record(&label, Err(refusal));
                return;
            }
        };
        let type_name = &new.resource_type.name;
        let has_unique = keys::has_unique(&new.resource_type);
        let unique: Vec<(String, Entry)> = if has_unique {
            let keys = keys::of_document(&new.resource_type, &new.resource.attributes());
            keys::unique(&new.resource_type, &keys).into_iter().map(|entry| (type_name.clone(), entry)).collect()
        } else {
            Vec::new()
        };
        if unique.iter().any(|entry| self.waiting_unique.contains(entry)) {
            self.flush().await;
            if self.is_over() {
                return;
            }
        }
        self.waiting_unique.extend(unique);
        self.waits.join(index);
        let bytes = new.resource.document.len();
        self.waiting.push(label, new, bytes);
        // Where errors are counted, only user names are looked up beforehand.
        let alone = has_unique && self.limit.is_some();
        if alone || self.waiting.is_full() {
            self.flush().await;
        }
    }

    /// Creates what waits, and then what waited for that.
    async fn settle(&mut self) {
        loop {
            self.flush().await;
            let postponed = self.waits.postponed();
            if postponed.is_empty() {
                return;
            }
            for index in postponed {
                if !self.waits.must_wait(index) {
                    self.waits.end(index);
                    self.enqueue(index, false).await;
                }
            }
        }
    }

    /// The address of the resource that an operation is about, if it is known.
    fn location(&self, operation: &Operation) -> Option<String> {
        let id = match &operation.id {
            ResourceId::Existing(id) => id,
            ResourceId::Created(bulk_id) => self.ids.get(bulk_id)?,
            ResourceId::New => return None,
        };
        Some(format!("{}/scim2{}/{id}", self.ctx.base(), operation.endpoint))
    }

    fn type_at(&self, endpoint: &str) -> Result<Arc<ResourceType>, ProvisionError> {
        let found = self.registry.resource_type_at(endpoint).cloned();
        found.ok_or_else(|| ScimError::not_found("There is no such endpoint.").into())
    }

    fn check_references(&self, references: &[usize]) -> Result<(), ProvisionError> {
        if references.iter().any(|index| self.failed.contains(index)) {
            return Err(ScimError::conflict("The operation refers to a 'bulkId' whose own operation failed.").into());
        }
        Ok(())
    }

    fn body(&self, operation: &Operation) -> Result<Json, ProvisionError> {
        self.check_references(&operation.references)?;
        let mut data = operation.data.clone();
        resolve(&mut data, &|bulk_id| self.ids.get(bulk_id).cloned());
        Ok(data)
    }

    fn prepare(&self, operation: Operation, index: usize, circle: bool) -> Result<NewResource, ProvisionError> {
        let rt = self.type_at(&operation.endpoint)?;
        if rt.name == GROUP && (circle || operation.references.contains(&index)) {
            // RFC 7644 section 3.7.1 leaves open whether a circle is resolved, and names the status if it is not.
            return Err(ScimError::conflict("Groups cannot contain each other.").into());
        }
        if self.waits.is_too_deep(index) {
            let detail = format!(
                "The group refers to others of this request over more than {MAX_LEVEL} levels: create those in a request \
                 before, and nest groups no deeper."
            );
            return Err(ScimError::invalid_value(detail).into());
        }
        prepare(self.ctx, &self.budget.gate, &rt, self.body(&operation)?)
    }

    /// An operation on a resource that there is.
    async fn one(&self, operation: &Operation) -> Result<(Arc<ResourceType>, Option<Found>), ProvisionError> {
        let rt = self.type_at(&operation.endpoint)?;
        let id = match &operation.id {
            ResourceId::Existing(id) => id.clone(),
            ResourceId::Created(bulk_id) => self.ids.get(bulk_id).cloned().unwrap_or_default(),
            ResourceId::New => String::new(),
        };
        let expected = operation.version.as_deref().map_or(Expected::Any, Expected::matching);
        let data = self.body(operation)?;
        let found = match operation.method {
            Method::Put => provision::replace(self.ctx, self.budget, &rt, &id, data, expected, false).await?,
            Method::Patch => provision::modify(self.ctx, self.budget, &rt, &id, &data, expected, false).await?,
            Method::Delete | Method::Post => {
                provision::delete(self.ctx, &rt, &id, expected).await?;
                return Ok((rt, None));
            }
        };
        Ok((rt, Some(found)))
    }

    /// Creates what waits.
    async fn flush(&mut self) {
        let mut batch = self.waiting.take();
        self.waiting_unique.clear();
        for (label, new) in &mut batch {
            self.waits.end(label.index);
            let minted = label.bulk_id.as_ref().and_then(|bulk_id| self.ids.get(bulk_id));
            if let Some(id) = minted.filter(|id| self.ctx.deployment.user_stores.of_id(id) == new.store) {
                new.resource.id.clone_from(id);
            }
        }
        if batch.is_empty() {
            return;
        }
        let checked = match self.check(batch).await {
            Ok(checked) => checked,
            Err((batch, failure)) => {
                for (label, _) in batch {
                    self.record(&label, Err(failure.clone().into()));
                }
                return;
            }
        };
        if checked.is_empty() {
            return;
        }
        let nested: HashMap<usize, Vec<String>> = checked
            .iter()
            .map(|(label, new)| {
                let groups = new.members.iter().filter(|member| member.is_group);
                (label.index, groups.map(|member| member.id.clone()).collect())
            })
            .collect();
        let gives_role = checked.iter().any(|(_, new)| group_roles::gives_role(new));
        let tagged =
            checked.into_iter().map(|(label, new)| ((label, new.resource_type.clone(), new.code.clone()), new));
        let created = user_store::create(self.ctx, tagged.collect()).await;
        let refused = created.iter().filter(|(_, one)| matches!(one, Err(ProvisionError::Scim(_))));
        let nested_in = |label: &Label| nested.get(&label.index).into_iter().flatten();
        let named: Vec<(&str, Option<&str>)> =
            refused.flat_map(|((label, ..), _)| nested_in(label)).map(|id| (id.as_str(), None)).collect();
        // Somebody has nested more groups below since they were looked at.
        let too_deep = match named.is_empty() {
            true => HashSet::new(),
            false => groups::named(self.ctx, &named).await.map(|known| known.too_deep).unwrap_or_default(),
        };
        for ((label, rt, code), created) in created {
            let found = match (created, nested_in(&label).find(|id| too_deep.contains(*id))) {
                (Err(ProvisionError::Scim(_)), Some(id)) => Err(group::cannot_be_member(id, true).into()),
                (created, _) => created.map(|resource| Found::with_code(self.ctx, resource, code.as_ref())),
            };
            self.record(&label, found.map(|found| (rt, Some(found))));
        }
        if gives_role {
            role_grants::attempt(self.ctx).await;
        }
    }

    /// Takes out of a batch, and records as failed, what its database is known to refuse. Where the database fails, the whole
    /// batch comes back.
    async fn check(&mut self, batch: Batch) -> Result<Batch, (Batch, DatabaseError)> {
        let known = match self.named_members(&batch).await {
            Ok(known) => known,
            Err(failure) => return Err((batch, failure)),
        };
        let mut taken = HashSet::new();
        let together: HashSet<usize> = batch.iter().map(|(label, _)| label.index).collect();
        let refers = |label: &Label| {
            let mut others = self.waits.references(label.index).iter().filter(|other| **other != label.index);
            others.any(|other| together.contains(other))
        };
        // Who refers to another of the same batch must not be created where that is not.
        let asks_first = self.limit.is_some() || batch.iter().any(|(label, _)| refers(label));
        if asks_first {
            match self.taken_names(&batch).await {
                Ok(names) => taken = names,
                Err(failure) => return Err((batch, failure)),
            }
        }
        let mut checked = Vec::with_capacity(batch.len());
        for (label, mut new) in batch {
            if self.is_over() {
                break;
            }
            known.remote_users.name_members(&mut new.members);
            for member in &mut new.members {
                member.is_group = known.groups.contains(&member.id);
            }
            let name = unique_name(&new);
            let is_unknown = |member: &&NewMember| {
                known.unknown.contains(&(member.id.clone(), member.referred_as.map(str::to_owned)))
            };
            if let Err(refusal) = self.check_references(self.waits.references(label.index)) {
                self.record(&label, Err(refusal));
            } else if let Some(member) = new.members.iter().find(is_unknown) {
                self.record(&label, Err(group::unknown_member(member).into()));
            } else if let Some(member) = new.members.iter().find(|member| known.too_deep.contains(&member.id)) {
                self.record(&label, Err(group::cannot_be_member(&member.id, false).into()));
            } else if name.as_ref().is_some_and(|name| taken.contains(name)) {
                self.record(&label, Err(resources::taken(&new.resource_type).into()));
            } else {
                if asks_first {
                    taken.extend(name);
                }
                checked.push((label, new));
            }
        }
        Ok(checked)
    }

    /// What the members are that a batch names and does not create itself.
    async fn named_members(&self, batch: &[(Label, NewResource)]) -> Result<Named, DatabaseError> {
        let created: HashMap<&str, &str> =
            batch.iter().map(|(_, new)| (new.resource.id.as_str(), new.resource_type.name.as_str())).collect();
        let is_created = |(id, kind): &(&str, Option<&str>)| {
            created.get(id).is_some_and(|created| kind.is_none_or(|kind| kind == *created))
        };
        let named: Vec<(&str, Option<&str>)> = batch
            .iter()
            .flat_map(|(_, new)| &new.members)
            .map(|member| (member.id.as_str(), member.referred_as))
            .filter(|named| !is_created(named))
            .collect();
        if named.is_empty() { Ok(Default::default()) } else { groups::named(self.ctx, &named).await }
    }

    /// The names in a batch that users or groups have already: needed only where the first errors decide where to stop.
    async fn taken_names(&self, batch: &[(Label, NewResource)]) -> Result<HashSet<UniqueName>, DatabaseError> {
        let names: Vec<UniqueName> = batch.iter().filter_map(|(_, new)| unique_name(new)).collect();
        let of = |kind: &str| -> Vec<String> {
            names.iter().filter(|(name, _)| *name == kind).map(|(_, key)| key.clone()).collect()
        };
        let (users, groups) = (of(USER), of(GROUP));
        let mut taken = HashSet::new();
        if !users.is_empty() {
            taken.extend(find::taken_names(self.ctx, &users).await?.into_iter().map(|key| (USER, key)));
        }
        if !groups.is_empty() {
            taken.extend(find::taken_group_names(self.ctx, &groups).await?.into_iter().map(|key| (GROUP, key)));
        }
        Ok(taken)
    }

    fn record(&mut self, label: &Label, outcome: Result<(Arc<ResourceType>, Option<Found>), ProvisionError>) {
        let mut result = json!({ "method": label.method.map(Method::as_str).unwrap_or_default() });
        if let Some(bulk_id) = &label.bulk_id {
            result["bulkId"] = json!(bulk_id);
        }
        if let Some(location) = &label.location {
            result["location"] = json!(location);
        }
        match outcome {
            Ok((rt, Some(Found { resource, code, .. }))) => {
                result["location"] = json!(resource.location(&self.ctx.base(), &rt));
                result["version"] = json!(resource.etag());
                if let Some(code) = code {
                    result["headers"] = json!({ CODE_HEADER: code.expose() });
                }
                result["status"] = json!(if label.method == Some(Method::Post) { "201" } else { "200" });
            }
            Ok((_, None)) => result["status"] = json!("204"),
            Err(refusal) => {
                self.errors += 1;
                self.failed.insert(label.index);
                let error = match refusal {
                    ProvisionError::Scim(error) => error,
                    ProvisionError::TooOften { seconds, detail } => {
                        result["headers"] = json!({ "Retry-After": seconds.to_string() });
                        ScimError::new(429, detail)
                    }
                    ProvisionError::Busy => {
                        ScimError::new(503, "Too many passwords are being hashed: try again shortly.")
                    }
                    ProvisionError::Database(_) => {
                        ScimError::new(503, "The database did not answer: try again shortly.")
                    }
                };
                result["status"] = json!(error.status.to_string());
                result["response"] = error.to_json();
            }
        }
        self.results[label.index] = Some(result);
    }
}

/// A type of resources and the key of a name that one of them has alone.
type UniqueName = (&'static str, String);

fn unique_name(new: &NewResource) -> Option<UniqueName> {
    match new.resource_type.name.as_str() {
        USER => Some((USER, fold(&new.resource.user_name()))),
        GROUP => {
            let document = new.resource.attributes();
            Some((GROUP, fold(document.get("displayName")?.as_str()?)))
        }
        _ => None,
    }
}
