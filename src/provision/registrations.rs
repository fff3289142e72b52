//! Registering schemas and resource types, and taking them back: what a request says, whether it may be, and what it does
//! to the resources that are stored.

mod check;

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::base::ordered;
use crate::model::audit::Action;
use crate::model::context::Context;
use crate::model::registration::{Kind, Registration, build, build_what_fits, check_bounds};
use crate::ports::DatabaseError;
use crate::provision::registrations::check::Checked;
use crate::provision::reindex;
use crate::store::keys;
use crate::store::registrations::{self, Change, Registered};
use crate::store::reindexes::{ALL, Phase, Reindex};
use scim::error::Error as ScimError;
use scim::schema::{Registry, ResourceType};

/// The extension that WSO2 calls custom: what a schema without an id becomes.
const CUSTOM_USER_SCHEMA: &str = "urn:scim:schemas:extension:custom:User";

/// Why something was not registered, or not taken back.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// It does not fit.
    #[error("{0:?}")]
    Refused(ScimError),
    /// The database did not take it.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl From<ScimError> for RegisterError {
    fn from(error: ScimError) -> Self {
        Self::Refused(error)
    }
}

/// What a request registers.
#[derive(Clone, Debug)]
pub struct Request {
    /// The URN of the schema, or the name of the resource type.
    pub name: String,
    /// What becomes of it.
    pub registrations: Vec<Registration>,
    /// What the client is shown of it.
    pub shown: Json,
}

impl Request {
    /// Reads a schema (RFC 7643 section 7), whose size in bytes was `sent`. With `"resourceType": "User"` (or `Group`, or a
    /// type of the tenant's own) it extends that type, `"required": true` making the extension required; without, the URN's
    /// last part decides: `…:User` extends users, `…:Group` groups, anything else is there for a resource type to use. An
    /// attribute with `"indexed": true` is served by an index.
    #[must_use]
    pub fn of_schema(mut document: Json, sent: usize) -> Self {
        if document.get("id").is_none() {
            document["id"] = json!(CUSTOM_USER_SCHEMA);
        }
        if document.get("name").is_none() {
            document["name"] = document["id"].clone();
        }
        let urn = document["id"].as_str().unwrap_or_default().to_owned();
        let extends = match document.get("resourceType").and_then(Json::as_str) {
            Some(name) => Some(name.to_owned()),
            None => urn.rsplit(':').next().filter(|part| matches!(*part, "User" | "Group")).map(str::to_owned),
        };
        let required = document.get("required") == Some(&Json::Bool(true));
        if let Some(members) = document.as_object_mut() {
            members.shift_remove("resourceType");
            members.shift_remove("required");
        }
        let shown = document.clone();
        private_keys(document.get_mut("attributes"));
        let mut registrations = vec![Registration { kind: Kind::Schema, name: urn.clone(), document, sent }];
        if let Some(resource_type) = extends {
            registrations.push(Registration {
                kind: Kind::Extension,
                name: format!("{resource_type} {urn}"),
                document: json!({ "resourceType": resource_type, "schema": urn, "required": required }),
                sent: 0,
            });
        }
        Self { name: urn, registrations, shown }
    }

    /// Reads a resource type (RFC 7643 section 6), whose size in bytes was `sent`. Its `schema` is the URN of a registered
    /// schema, or the schema itself.
    ///
    /// # Errors
    /// 400 for a name that is none.
    pub fn of_resource_type(mut document: Json, mut sent: usize) -> Result<Self, ScimError> {
        let name = document.get("name").and_then(Json::as_str).unwrap_or_default().to_owned();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
            let detail = "A resource type's name has 1 to 64 letters, digits, '-', '_' or '.'.";
            return Err(ScimError::invalid_value(detail));
        }
        // The id is the name: it is what discovery finds it by, and so it must be as unique.
        document["id"] = json!(name);
        let mut registrations = Vec::new();
        if document.get("schema").is_some_and(Json::is_object) {
            let mut schema = document["schema"].take();
            let size = schema.to_string().len().min(sent);
            sent -= size;
            private_keys(schema.get_mut("attributes"));
            let urn = schema["id"].as_str().unwrap_or_default().to_owned();
            document["schema"] = json!(urn);
            registrations.push(Registration { kind: Kind::Schema, name: urn, document: schema, sent: size });
        }
        registrations.push(Registration {
            kind: Kind::ResourceType,
            name: name.clone(),
            document: document.clone(),
            sent,
        });
        Ok(Self { name, registrations, shown: document })
    }
}

/// `indexed` is what clients write for the engine's private key; private keys themselves are the shipped schemas' alone.
fn private_keys(attributes: Option<&mut Json>) {
    for members in attributes.into_iter().filter_map(Json::as_array_mut).flatten().filter_map(Json::as_object_mut) {
        private_keys(members.get_mut("subAttributes"));
        members.retain(|name, _| !name.starts_with("x-"));
        if let Some(indexed) = members.shift_remove("indexed") {
            members.insert("x-indexed".to_owned(), indexed);
        }
    }
}

/// The most attempts at a registration when others are made at the same time.
const ATTEMPTS: usize = 12;

fn busy() -> RegisterError {
    RegisterError::Database(DatabaseError::Unavailable("others register at the same time".to_owned()))
}

/// Registers something for the tenant and puts it in force, provided that everything together still makes a registry and
/// that stored values which must be unique by it are. Answers what is left to be indexed.
///
/// # Errors
/// [`RegisterError`]: nothing was registered.
pub fn register(ctx: &Context, request: &Request) -> Result<Vec<Reindex>, RegisterError> {
    let new = &request.registrations;
    let action = if new.iter().any(|registration| registration.kind == Kind::ResourceType) {
        Action::ResourceTypeCreate
    } else {
        Action::SchemaCreate
    };
    for _ in 0..ATTEMPTS {
        let before = registrations::load(&ctx.platform, ctx.tenant.number())?;
        let is_known = |registration: &Registration| {
            before.registrations.iter().any(|other| other.kind == registration.kind && other.name == registration.name)
        };
        if new.iter().any(is_known) {
            return Err(ScimError::uniqueness("It is registered already: remove it first.").into());
        }
        check_bounds(&before.registrations, new)?;
        let all: Vec<Registration> = before.registrations.iter().chain(new).cloned().collect();
        let after = build(&all)?;
        let mut reindexes = Vec::new();
        for effect in effects(&build_what_fits(&before.registrations), &after) {
            let total = check::total(ctx, &effect.type_name)?;
            // What nobody has stored, nothing has to be done to, unless a former change is not over: isolates that do not
            // know of it may still store some, and what is left to be cleared must spare the rows that come now.
            if total > 0 || before.reindexes.iter().any(|known| known.type_name == effect.type_name) {
                reindexes.push((effect.reindex(ctx, &before, total), effect));
            }
        }
        let prepared = match check::uniqueness(ctx, &after, &before, &reindexes)? {
            Checked::Nothing => None,
            Checked::Written(taken) => Some(taken),
            Checked::Overtaken => continue,
        };
        let reindexes: Vec<Reindex> = reindexes.into_iter().map(|(reindex, _)| reindex).collect();
        let change = Change {
            before: &before.registrations,
            reindexes: &reindexes,
            prepared: prepared.as_ref().map(|taken| taken.operation.as_str()),
            action,
            target: new.first().map(|first| first.name.as_str()).unwrap_or_default(),
        };
        let committed = registrations::insert(ctx, &change, new);
        if let (Some(taken), Ok(false) | Err(_)) = (&prepared, &committed) {
            check::give_back(ctx, taken)?;
        }
        if committed? {
            return in_force(ctx, &reindexes);
        }
    }
    Err(busy())
}

/// Takes a registration of the tenant back, with the extensions made by it, provided that the rest still makes a
/// registry. Resources keep what they hold of it, unseen, until they are next written. Answers whether there was one.
///
/// # Errors
/// [`RegisterError`]: nothing was removed.
pub fn remove(ctx: &Context, kind: Kind, name: &str) -> Result<bool, RegisterError> {
    let action = if kind == Kind::ResourceType { Action::ResourceTypeDelete } else { Action::SchemaDelete };
    for _ in 0..ATTEMPTS {
        let before = registrations::load(&ctx.platform, ctx.tenant.number())?;
        let is_it = |registration: &Registration| registration.kind == kind && registration.name == name;
        if !before.registrations.iter().any(is_it) {
            return Ok(false);
        }
        let goes = |registration: &Registration| {
            is_it(registration) || (registration.kind == Kind::Extension && registration.document["schema"] == name)
        };
        let (gone, kept): (Vec<_>, Vec<_>) = before.registrations.iter().cloned().partition(goes);
        let after = build(&kept).map_err(|_| {
            let detail = "Another resource type or extension needs it: remove that first.";
            RegisterError::Refused(ScimError::conflict(detail))
        })?;
        let effects = effects(&build_what_fits(&before.registrations), &after);
        let reindexes: Vec<Reindex> = effects.iter().map(|effect| effect.reindex(ctx, &before, 0)).collect();
        let change =
            Change { before: &before.registrations, reindexes: &reindexes, prepared: None, action, target: name };
        if registrations::delete(ctx, &change, &gone)? {
            in_force(ctx, &reindexes)?;
            return Ok(true);
        }
    }
    Err(busy())
}

/// Puts a change in force and begins with what it does to stored resources. The change stands: should the rest fail, the
/// sweep does it.
fn in_force(ctx: &Context, reindexes: &[Reindex]) -> Result<Vec<Reindex>, RegisterError> {
    registrations::publish(ctx)?;
    if reindexes.is_empty() {
        return Ok(Vec::new());
    }
    Ok(match reindex::carry_on(ctx, None, reindex::AT_ONCE) {
        Ok(registered) => registered.reindexes,
        Err(error) => {
            reindex::log(&ctx.platform, &error);
            reindexes.to_vec()
        }
    })
}

/// What a change of the registrations does to a resource type.
struct Effect {
    type_name: String,
    /// The URNs of the schemas that it has by it.
    added: Vec<String>,
    /// The URNs of those that it has no longer.
    removed: Vec<String>,
    /// The paths of its index rows that are no longer right.
    attributes: Vec<String>,
}

/// What becomes of the resource types. A registration never changes in place, so that schemas come and go whole.
fn effects(before: &Registry, after: &Registry) -> Vec<Effect> {
    let find = |registry: &Registry, name: &str| {
        registry.resource_types().iter().find(|resource_type| resource_type.name == name).cloned()
    };
    let all = before.resource_types().iter().chain(after.resource_types());
    let mut effects: Vec<Effect> = Vec::new();
    for name in all.map(|resource_type| &resource_type.name) {
        if effects.iter().any(|effect| effect.type_name == *name) {
            continue;
        }
        let (old, new) = (find(before, name), find(after, name));
        let urns = |resource_type: &Option<Arc<ResourceType>>| -> Vec<String> {
            let own = resource_type.iter().map(|rt| &rt.schema.id);
            let extensions =
                resource_type.iter().flat_map(|rt| rt.extensions.iter().map(|extension| &extension.schema.id));
            own.chain(extensions).map(|urn| urn.to_string()).collect()
        };
        let (had, has) = (urns(&old), urns(&new));
        let without = |all: &[String], others: &[String]| -> Vec<String> {
            all.iter().filter(|urn| !others.contains(urn)).cloned().collect()
        };
        let (added, removed) = (without(&has, &had), without(&had, &has));
        if added.is_empty() && removed.is_empty() {
            continue;
        }
        let attributes = match (&old, &new) {
            // Also what a former type of this name has left.
            (None, _) | (_, None) => vec![ALL.to_owned()],
            (Some(old), Some(new)) => {
                let mut paths = keys::paths_with_rows(old, &|urn| removed.iter().any(|gone| gone == urn));
                paths.extend(keys::paths_with_rows(new, &|urn| added.iter().any(|come| come == urn)));
                paths
            }
        };
        effects.push(Effect { type_name: name.clone(), added, removed, attributes });
    }
    effects
}

impl Effect {
    /// What is to be done by it, with what was to be done anyway.
    fn reindex(&self, ctx: &Context, before: &Registered, total: u64) -> Reindex {
        let now = ctx.platform.clock.now();
        let known = before.reindexes.iter().find(|known| known.type_name == self.type_name);
        let mut schemas: Vec<String> = known.map(|known| known.schemas.clone()).unwrap_or_default();
        schemas.retain(|urn| !self.removed.contains(urn));
        schemas.extend(self.added.iter().cloned());
        let mut attributes = known.map(|known| known.attributes.clone()).unwrap_or_default();
        attributes.extend(self.attributes.iter().cloned());
        for list in [&mut schemas, &mut attributes] {
            ordered::sort(list);
            list.dedup();
        }
        Reindex {
            tenant: ctx.tenant.number(),
            type_name: self.type_name.clone(),
            schemas,
            attributes,
            phase: Phase::Clearing,
            store: None,
            after: None,
            done: 0,
            total: known.map_or(total, |known| known.total.max(total)),
            started: now,
            due: now,
            operation: ctx.platform.new_id().to_string(),
        }
    }
}

/// What is left to be indexed for a schema, as its answer shows it: `{"done","total"}`.
#[must_use]
pub fn progress(reindexes: &[Reindex], urn: &str) -> Option<Json> {
    let of_schema = |reindex: &&Reindex| reindex.hides_indexes() && reindex.schemas.iter().any(|known| known == urn);
    let running: Vec<&Reindex> = reindexes.iter().filter(of_schema).collect();
    let sum = |count: fn(&Reindex) -> u64| running.iter().map(|reindex| count(reindex)).sum::<u64>();
    (!running.is_empty()).then(|| json!({ "done": sum(|one| one.done.min(one.total)), "total": sum(|one| one.total) }))
}

/// Carries on what is left to be indexed, for somebody who asks how far it is, and answers what is left by then.
///
/// # Errors
/// The database's.
pub fn look(ctx: &Context) -> Result<Vec<Reindex>, DatabaseError> {
    Ok(reindex::carry_on(ctx, None, reindex::AT_ONCE)?.reindexes)
}

impl Effect {
    /// The paths of values that must be unique by it.
    fn unique(&self, registry: &Registry) -> Vec<String> {
        let resource_type = registry.resource_types().iter().find(|rt| rt.name == self.type_name);
        let is_added = |urn: &str| self.added.iter().any(|added| added == urn);
        resource_type.map(|rt| keys::unique_paths(rt, &is_added)).unwrap_or_default()
    }
}
