//! Groups: the document without its members goes to the store like any other; the members are changed as a set.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde_json::Value as Json;

use crate::access::role::Role;
use crate::model::context::Context;
use crate::model::resource::{GROUP, Resource};
use crate::ports::Row;
use crate::provision::{
    ATTEMPTS, Edit, Expected, Found, ProvisionError, check_may_appoint, contended, new_resource, not_found,
    to_stored_text,
};
use crate::store::audit::Action;
use crate::store::groups::{self, Change, Inspected};
use crate::store::operation::Operation;
use crate::store::resources::{self, NewMember, NewResource, SideEffects, Written, find};
use scim::error::Error as ScimError;
use scim::filter::Filter;
use scim::patch::{Patch, ValueOp};
use scim::resource::{self, Document};
use scim::schema::{AttributePath, ResourceType};

/// The longest name that a group has for a member, in characters; what is longer is cut.
const MAX_DISPLAY: usize = 256;

/// Takes the members out of a document.
fn take_members(document: &mut Document) -> Vec<NewMember> {
    let Some(Json::Array(values)) = document.shift_remove("members") else { return Vec::new() };
    values.iter().filter_map(member).collect()
}

fn member(value: &Json) -> Option<NewMember> {
    let display = value["display"].as_str().map(|text| text.chars().take(MAX_DISPLAY).collect());
    Some(NewMember { id: value["value"].as_str()?.to_owned(), display })
}

/// Whether the members of a group with this document have a role: it is called like one.
pub fn gives_role(document: &Document) -> bool {
    document.get("displayName").and_then(Json::as_str).and_then(Role::named).is_some()
}

/// A group to be created. Whether its members exist is not known here.
pub fn prepare(ctx: &Context, rt: &Arc<ResourceType>, mut document: Document) -> Result<NewResource, ProvisionError> {
    if gives_role(&document) {
        check_may_appoint(ctx)?;
    }
    let members = take_members(&mut document);
    new_resource(ctx, rt, document, members)
}

/// Creates a group with members, which must exist.
pub async fn create(ctx: &Context, mut new: NewResource) -> Result<Found, ProvisionError> {
    let named = new.members.iter().map(|member| member.id.clone()).collect::<Vec<_>>();
    let inspected = groups::inspect(ctx, &new.resource.id, &named, false).await?;
    check_known(&inspected)?;
    inspected.remote_users.name_members(&mut new.members);
    let created = resources::create(ctx, vec![new]).await?.into_iter().next().ok_or_else(contended)??;
    let members = groups::members(ctx, &created.id).await?;
    Ok(Found { large: members.len() > groups::SHOWN_UNASKED, resource: created, members: Some(members), code: None })
}

/// A group with its members; small ones in one round trip.
pub async fn read(ctx: &Context, id: &str) -> Result<Found, ProvisionError> {
    let batch = vec![find::by_id_statement(ctx, GROUP, id, false), groups::members_statement(ctx, id, "")];
    let outcomes = ctx.platform.db.batch(batch).await?;
    let rows = |index: usize| outcomes.get(index).map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
    let resource = rows(0).first().map(resources::from_row).transpose()?.ok_or_else(not_found)?;
    let members = groups::members_after(ctx, id, rows(1)).await?;
    Ok(Found { large: members.len() > groups::SHOWN_UNASKED, resource, members: Some(members), code: None })
}

fn check_known(inspected: &Inspected) -> Result<(), ScimError> {
    let short = |id: &str| id.chars().take(80).collect::<String>();
    if let Some(id) = inspected.unknown.first() {
        return Err(ScimError::invalid_value(format!("There is no user or group with the id '{}'.", short(id))));
    }
    if let Some(id) = inspected.circular.first() {
        return Err(ScimError::invalid_value(format!(
            "The group '{}' cannot be a member: groups would contain each other, or nest deeper than {} levels.",
            short(id),
            groups::MAX_DEPTH
        )));
    }
    Ok(())
}

/// PUT: the document takes the old one's place, and these are all members.
pub async fn replace(
    ctx: &Context,
    rt: &Arc<ResourceType>,
    id: &str,
    body: Json,
    expected: Expected,
    with_members: bool,
) -> Result<Found, ProvisionError> {
    // Read once for its members; the document itself is read against the current one below.
    let mut given = resource::read(rt, body.clone())?;
    let change = Change { replace: true, add: unique(take_members(&mut given)), remove: Vec::new() };
    let body = match body {
        Json::Object(mut body) => {
            body.retain(|name, _| !name.eq_ignore_ascii_case("members"));
            Json::Object(body)
        }
        other => other,
    };
    run(ctx, rt, id, &Edit::Replace(body), &change, expected, with_members).await
}

/// PATCH: operations on members become a change of the set, the others apply to the document.
pub async fn modify(
    ctx: &Context,
    rt: &Arc<ResourceType>,
    id: &str,
    mut patch: Patch,
    expected: Expected,
    with_members: bool,
) -> Result<Found, ProvisionError> {
    let change = match rt.resolve_attribute("members") {
        Some(path) => members_change(ctx, id, &mut patch, &path).await?,
        None => Change::default(),
    };
    run(ctx, rt, id, &Edit::Modify(patch), &change, expected, with_members).await
}

/// The operations on members, in their order, as one change.
async fn members_change(
    ctx: &Context,
    id: &str,
    patch: &mut Patch,
    path: &AttributePath,
) -> Result<Change, ProvisionError> {
    let mut replace = false;
    // What is to become of each id: a member, or none.
    let mut wanted: BTreeMap<String, Option<NewMember>> = BTreeMap::new();
    for op in patch.take_value_ops(path)? {
        match op {
            ValueOp::Add(values) => add(&mut wanted, &values),
            ValueOp::Remove(ids) => wanted.extend(ids.into_iter().map(|id| (id, None))),
            ValueOp::RemoveMatching(filter) => {
                wanted.extend(matching(ctx, id, &filter).await?.into_iter().map(|id| (id, None)));
            }
            ValueOp::Replace(values) => {
                replace = true;
                wanted.clear();
                add(&mut wanted, &values);
            }
            ValueOp::RemoveAll => {
                replace = true;
                wanted.clear();
            }
        }
    }
    let mut change = Change { replace, ..Change::default() };
    for (id, member) in wanted {
        match member {
            Some(member) => change.add.push(member),
            None if replace => {}
            None => change.remove.push(id),
        }
    }
    Ok(change)
}

fn add(wanted: &mut BTreeMap<String, Option<NewMember>>, values: &[Json]) {
    for member in values.iter().filter_map(member) {
        wanted.entry(member.id.clone()).or_default().get_or_insert(member);
    }
}

fn unique(members: Vec<NewMember>) -> Vec<NewMember> {
    let mut seen = HashSet::new();
    members.into_iter().filter(|member| seen.insert(member.id.clone())).collect()
}

/// The members that a filter other than on their id selects: only for this are they all read.
async fn matching(ctx: &Context, id: &str, filter: &Filter) -> Result<Vec<String>, ProvisionError> {
    let members = groups::members(ctx, id).await?;
    let selected = members.iter().filter(|member| filter.matches_value(member));
    Ok(selected.filter_map(|member| member["value"].as_str().map(str::to_owned)).collect())
}

async fn run(
    ctx: &Context,
    rt: &Arc<ResourceType>,
    id: &str,
    edit: &Edit,
    change: &Change,
    expected: Expected,
    with_members: bool,
) -> Result<Found, ProvisionError> {
    let named: Vec<String> =
        change.add.iter().map(|member| member.id.clone()).chain(change.remove.iter().cloned()).collect();
    let removed: HashSet<&String> = change.remove.iter().collect();
    for _ in 0..ATTEMPTS {
        let inspected = groups::inspect(ctx, id, &named, change.replace).await?;
        // Who has gone meanwhile is no reason to refuse the others that a PATCH adds: the answer shows who is in. Where all
        // members are replaced, a wrong id would empty the group.
        let tolerant = matches!(edit, Edit::Modify(_)) && !change.replace;
        check_known(&Inspected {
            unknown: if tolerant { Vec::new() } else { inspected.unknown.clone() },
            circular: inspected.circular.iter().filter(|id| !removed.contains(id)).cloned().collect(),
            ..Inspected::default()
        })?;
        let Some(before) = inspected.group else { return Err(not_found()) };
        expected.check(before.version)?;
        let current = before.whole(ctx, rt, None);
        let mut document = edit.apply(rt, &current)?;
        drop(resource::take_secrets(rt, &mut document));
        for derived in ["id", "meta", "members"] {
            document.shift_remove(derived);
        }
        let mut after = Resource { document: to_stored_text(document)?, ..before.clone() };
        let unknown: HashSet<&String> = inspected.unknown.iter().collect();
        let mut change = change.clone();
        change.add.retain(|member| !unknown.contains(&member.id));
        inspected.remote_users.name_members(&mut change.add);
        let effective = effective(&change, &inspected.present, inspected.members);
        let same_document = after.document == before.document;
        if same_document && effective.is_empty() {
            return answer(ctx, before, with_members, None).await;
        }
        if gives_role(&current) || gives_role(&after.attributes()) {
            check_may_appoint(ctx)?;
        }
        let operation = Operation::new(ctx);
        let mut statements = groups::change(ctx, id, operation.id(), &effective, &inspected.groups);
        if with_members {
            statements.push(groups::members_statement(ctx, id, ""));
        }
        let effects = SideEffects { statements, actions: vec![Action::update(GROUP)], ..SideEffects::default() };
        let written = if same_document {
            resources::touch(ctx, &mut after, expected.pinned(before.version), &operation, effects).await?
        } else {
            resources::update(ctx, rt, &before, &mut after, &operation, effects).await?
        };
        match written {
            Written::Done(outcomes) => {
                let last = outcomes.and_then(|outcomes| outcomes.into_iter().last());
                return answer(ctx, after, with_members, last.map(|outcome| outcome.rows)).await;
            }
            Written::Taken => return Err(resources::taken(rt).into()),
            // Read again: what the client expects is checked against what it is then.
            Written::Conflict => {}
        }
    }
    Err(contended())
}

/// The answer to a write. `first` are the rows of the first members, where they were read with it. The members of a large
/// group are not read unless somebody asks: the caller decides.
async fn answer(
    ctx: &Context,
    resource: Resource,
    with_members: bool,
    first: Option<Vec<Row>>,
) -> Result<Found, ProvisionError> {
    if !with_members {
        return Ok(resource.into());
    }
    let first = match first {
        Some(rows) => rows,
        None => ctx.platform.query(groups::members_statement(ctx, &resource.id, "")).await?,
    };
    let large = first.len() > groups::SHOWN_UNASKED;
    let members = if large { None } else { Some(groups::members_after(ctx, &resource.id, &first).await?) };
    Ok(Found { resource, members, large, code: None })
}

/// What is left of a change once what is already so is taken out.
fn effective(change: &Change, present: &HashSet<String>, members: u64) -> Change {
    if change.replace {
        let same = members == change.add.len() as u64 && change.add.iter().all(|member| present.contains(&member.id));
        return if same { Change::default() } else { change.clone() };
    }
    Change {
        replace: false,
        add: change.add.iter().filter(|member| !present.contains(&member.id)).cloned().collect(),
        remove: change.remove.iter().filter(|id| present.contains(*id)).cloned().collect(),
    }
}
