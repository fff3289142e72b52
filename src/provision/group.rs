//! Groups: the document without its members goes to the store like any other; the members are changed as a set.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::base::ordered;
use crate::invite::role_grants;
use crate::model::attempts::Attempts;
use crate::model::audit::Action;
use crate::model::context::Context;
use crate::model::member::Member;
use crate::model::new_resource::{NewMember, NewResource};
use crate::model::resource::{GROUP, Resource, USER, stored_text};
use crate::model::tenant::Tenant;
use crate::ports::Row;
use crate::provision::budget::{Budget, Share};
use crate::provision::group_roles::{RolesGiven, gives_role, roles_given};
use crate::provision::{
    DocumentChange, Edit, Expected, Found, ProvisionError, check_may_appoint, check_visible, contended,
    last_administrator, new_resource, not_found,
};
use crate::store::groups::{self, Change, Inspected};
use crate::store::operation::Operation;
use crate::store::resources::{self, SideEffects, Written, find};
use scim::error::Error as ScimError;
use scim::filter::Filter;
use scim::patch::{self, Patch, ValueOp};
use scim::resource::{self, Document};
use scim::schema::{AttributePath, ResourceType};
use scim::uri;
use scim::work::Work;

/// The longest name that a group has for a member, in characters; what is longer is cut.
const MAX_DISPLAY: usize = 256;

/// The most members that a request for a group names.
const MAX_SENT: usize = 50_000;

/// Takes the members out of a document. Each is there once.
fn take_members(ctx: &Context, document: &mut Document) -> Result<Vec<NewMember>, ScimError> {
    let Some(Json::Array(values)) = document.shift_remove("members") else { return Ok(Vec::new()) };
    check_sent(values.len())?;
    let mut seen = HashSet::new();
    let members = values.iter().map(|value| member(ctx, value));
    members.filter(|member| member.as_ref().map_or(true, |member| seen.insert(member.id.clone()))).collect()
}

/// Holds a request to the members that it may name.
fn check_sent(count: usize) -> Result<(), ScimError> {
    if count <= MAX_SENT {
        return Ok(());
    }
    Err(ScimError::payload_too_large(format!(
        "A request names at most {MAX_SENT} members of a group: add the others by PATCHes."
    )))
}

/// Reads a member as a client names it: by its id, or by its address alone.
///
/// # Errors
/// 400 `invalidValue` for what names nobody: left out in silence, it would empty the group.
fn member(ctx: &Context, value: &Json) -> Result<NewMember, ScimError> {
    let display = value["display"].as_str().map(|text| text.chars().take(MAX_DISPLAY).collect());
    if let Some(id) = value["value"].as_str().filter(|id| !id.trim().is_empty()) {
        return Ok(NewMember { id: id.to_owned(), display, referred_as: None, is_group: false });
    }
    let (id, referred_as) = value["$ref"].as_str().and_then(|reference| referred(ctx, reference)).ok_or_else(|| {
        ScimError::invalid_value(
            "Each of the 'members' must have the id of a user or group as its 'value', or the address of one here as its '$ref'.",
        )
    })?;
    Ok(NewMember { id, display, referred_as: Some(referred_as), is_group: false })
}

/// The id and the type of the user or group that a `$ref` leads to.
fn referred(ctx: &Context, reference: &str) -> Option<(String, &'static str)> {
    let path = uri::path_of(reference, &ctx.deployment.public_origin)?;
    let (tenant, below) = Tenant::split_path(&path);
    let resource = match below.strip_prefix("/scim2/") {
        Some(resource) if tenant == ctx.tenant => resource,
        _ if uri::is_absolute(reference) => return None,
        // Relative to where the resources are (RFC 7643 section 2.3.7).
        _ => &path,
    };
    let (endpoint, id) = uri::resource_at(resource)?;
    let endpoints = [("Users", USER), ("Groups", GROUP)];
    let (_, name) = endpoints.into_iter().find(|(name, _)| endpoint.eq_ignore_ascii_case(name))?;
    Some((id, name))
}

/// Holds another name to what a name may be. The same one stays as it is stored, even where that is with white space, from
/// before it was cut.
fn check_name(current: &Document, document: &mut Document) -> Result<(), ProvisionError> {
    let name = |document: &Document| document.get("displayName").and_then(Json::as_str).map(str::to_owned);
    let (stored, written) = (name(current), name(document));
    if stored == written {
        return Ok(());
    }
    if stored.as_deref().map(str::trim) != written.as_deref() {
        return check_visible(document, "displayName");
    }
    if let Some(stored) = stored {
        document.insert("displayName".to_owned(), stored.into());
    }
    Ok(())
}

/// A group to be created. Whether its members exist is not known here.
pub fn prepare(ctx: &Context, rt: &Arc<ResourceType>, mut document: Document) -> Result<NewResource, ProvisionError> {
    if roles_given(&document).is_any() {
        check_may_appoint(ctx)?;
    }
    check_visible(&document, "displayName")?;
    let members = take_members(ctx, &mut document)?;
    new_resource(ctx, rt, document, members)
}

/// Creates a group with members, which must exist.
pub fn create(ctx: &Context, mut new: NewResource) -> Result<Found, ProvisionError> {
    let gives_role = gives_role(&new);
    let named = new.members.iter().map(|member| member.id.clone()).collect::<Vec<_>>();
    let inspected = groups::inspect(ctx, &new.resource.id, &named, false)?;
    check_known(&inspected)?;
    check_circular(&inspected.circular, false)?;
    check_references(&new.members, &inspected)?;
    inspected.remote_users.name_members(&mut new.members);
    for member in &mut new.members {
        member.is_group = inspected.groups.contains(&member.id);
    }
    let id = new.resource.id.clone();
    let created = resources::create(&ctx.in_store(None), vec![new])?.into_iter().next().ok_or_else(contended)?;
    if created.is_err() && !inspected.groups.is_empty() {
        check_circular(&groups::inspect(ctx, &id, &named, false)?.circular, true)?;
    }
    let created = created?;
    if gives_role {
        role_grants::attempt(ctx);
    }
    let members = groups::members(ctx, &created.id)?;
    Ok(found(created, members))
}

/// A group with its members; small ones in one round trip.
pub fn read(ctx: &Context, id: &str) -> Result<Found, ProvisionError> {
    let batch = vec![find::by_id_statement(ctx, GROUP, id, false), groups::members_statement(ctx, id, "")];
    let outcomes = ctx.platform.db.batch(batch)?;
    let rows = |index: usize| outcomes.get(index).map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
    let resource = rows(0).first().map(resources::from_row).transpose()?.ok_or_else(not_found)?;
    let members = groups::members_after(ctx, id, rows(1))?;
    Ok(found(resource, Some(members.ok_or_else(too_many_members)?)))
}

fn found(resource: Resource, members: Option<Vec<Member>>) -> Found {
    let large = members.as_ref().is_none_or(|members| members.len() > groups::SHOWN_UNASKED);
    Found { resource, members, large, code: None }
}

/// The refusal to show, or to look through, more members than fit.
pub fn too_many_members() -> ScimError {
    ScimError::too_many(format!(
        "That are more than {} members: ask with excludedAttributes=members, and page through the users of a group by \
         cursor, as in /Users?cursor=&filter=groups.value eq \"id\".",
        groups::MAX_MEMBERS
    ))
}

/// An id as an error names it.
fn short(id: &str) -> String {
    id.chars().take(80).collect()
}

fn check_known(inspected: &Inspected) -> Result<(), ScimError> {
    if let Some(id) = inspected.unknown.first() {
        return Err(ScimError::invalid_value(format!("There is no user or group with the id '{}'.", short(id))));
    }
    Ok(())
}

/// Checks that groups do not contain each other, nor nest too deep.
fn check_circular(circular: &[String], has_lost: bool) -> Result<(), ScimError> {
    circular.first().map_or(Ok(()), |id| Err(cannot_be_member(id, has_lost)))
}

/// What is said of a group that cannot be a member. Whoever finds out by losing to another write is told that it is one.
pub fn cannot_be_member(id: &str, has_lost: bool) -> ScimError {
    let detail = format!(
        "The group '{}' cannot be a member: groups would contain each other, or nest deeper than {} levels{}.",
        short(id),
        groups::MAX_DEPTH,
        if has_lost { ", by what was written at the same time" } else { "" }
    );
    if has_lost { ScimError::conflict(detail) } else { ScimError::invalid_value(detail) }
}

/// Checks that whatever is named by its address is there, and of the type that the address says.
fn check_references(members: &[NewMember], inspected: &Inspected) -> Result<(), ScimError> {
    let unknown: HashSet<&String> = inspected.unknown.iter().collect();
    let wrong = members.iter().find(|member| {
        let is_group = inspected.groups.contains(&member.id);
        member.referred_as.is_some_and(|name| unknown.contains(&member.id) || is_group != (name == GROUP))
    });
    match wrong {
        None => Ok(()),
        Some(member) => Err(unknown_member(member)),
    }
}

/// What is said of a member that is not there, or of another type than its `$ref` says.
pub fn unknown_member(member: &NewMember) -> ScimError {
    let id = short(&member.id);
    ScimError::invalid_value(match member.referred_as {
        Some(name) => format!("The '$ref' of a member leads to no {name} with the id '{id}'."),
        None => format!("There is no user or group with the id '{id}'."),
    })
}

/// PUT: the document takes the old one's place, and these are all members.
pub fn replace(
    ctx: &Context,
    budget: &Budget,
    rt: &Arc<ResourceType>,
    id: &str,
    body: Json,
    expected: Expected,
    with_members: bool,
) -> Result<Found, ProvisionError> {
    // Read once for its members, of which there may be many; the document itself is read against the current one below.
    let rest = match &body {
        Json::Object(body) => {
            let rest = body.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("members"));
            Json::Object(rest.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        other => other.clone(),
    };
    let mut given = resource::read(rt, body)?;
    let change = Change { replace: true, add: take_members(ctx, &mut given)?, remove: Vec::new() };
    let change = MembersChange { change, ..MembersChange::default() };
    run(ctx, rt, id, &Edit::new(DocumentChange::Replace(rest), budget), &change, expected, with_members)
}

/// PATCH: operations on members become a change of the set, the others apply to the document.
pub fn modify(
    ctx: &Context,
    budget: &Budget,
    rt: &Arc<ResourceType>,
    id: &str,
    mut patch: Patch,
    expected: Expected,
    with_members: bool,
) -> Result<Found, ProvisionError> {
    let change = match rt.resolve_attribute("members") {
        Some(path) => members_change(ctx, budget, id, &mut patch, &path, &expected)?,
        None => MembersChange::default(),
    };
    run(ctx, rt, id, &Edit::new(DocumentChange::Modify(patch), budget), &change, expected, with_members)
}

/// A request's change of the members.
#[derive(Default)]
struct MembersChange {
    change: Change,
    /// Of each of these lists, one id at least must be a member's: a value filter selects by them.
    selected: Vec<Vec<String>>,
}

/// The operations on members, in their order, as one change.
fn members_change(
    ctx: &Context,
    budget: &Budget,
    id: &str,
    patch: &mut Patch,
    path: &AttributePath,
    expected: &Expected,
) -> Result<MembersChange, ProvisionError> {
    let mut replace = false;
    let mut must_select = Vec::new();
    // What is to become of each id: a member, or none.
    let mut wanted: BTreeMap<String, Option<NewMember>> = BTreeMap::new();
    let mut selection = Selection::within(budget);
    let mut sent = 0;
    for op in patch.take_value_ops(path)? {
        sent += match &op {
            ValueOp::Add(values) | ValueOp::Remove(values) | ValueOp::Replace(values) => values.len(),
            ValueOp::ReplaceSelected { selected, by } => selected.len() + by.len(),
            ValueOp::RemoveMatching(_) | ValueOp::RemoveAll | ValueOp::Refuse(..) => 0,
        };
        check_sent(sent)?;
        match op {
            ValueOp::Add(values) => add(ctx, &mut wanted, &values)?,
            // What names nobody selects nobody.
            ValueOp::Remove(values) => {
                wanted.extend(values.iter().filter_map(|value| Some((member(ctx, value).ok()?.id, None))));
            }
            ValueOp::RemoveMatching(filter) => {
                let selected = selection.of(ctx, id, &filter, replace, &wanted)?;
                wanted.extend(selected.into_iter().map(|id| (id, None)));
            }
            ValueOp::Replace(values) => {
                replace = true;
                wanted.clear();
                add(ctx, &mut wanted, &values)?;
            }
            ValueOp::ReplaceSelected { selected, by } => {
                let is_there = |id: &String| matches!(wanted.get(id), Some(Some(_)));
                if !selected.iter().any(is_there) {
                    // What an earlier operation has settled is not there; of the rest, the database knows.
                    let open = |id: &&String| !replace && !wanted.contains_key(*id);
                    must_select.push(selected.iter().filter(open).cloned().collect());
                }
                wanted.extend(selected.into_iter().map(|id| (id, None)));
                add(ctx, &mut wanted, &by)?;
            }
            ValueOp::RemoveAll => {
                replace = true;
                wanted.clear();
            }
            ValueOp::Refuse(filter, error) => {
                let group = groups::inspect(ctx, id, &[], false)?.group.ok_or_else(not_found)?;
                expected.check(group.version)?;
                let selects = !selection.of(ctx, id, &filter, replace, &wanted)?.is_empty();
                return Err(if selects { error } else { patch::no_target(path) }.into());
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
    Ok(MembersChange { change, selected: must_select })
}

fn add(ctx: &Context, wanted: &mut BTreeMap<String, Option<NewMember>>, values: &[Json]) -> Result<(), ScimError> {
    for value in values {
        let member = member(ctx, value)?;
        wanted.entry(member.id.clone()).or_default().get_or_insert(member);
    }
    Ok(())
}

/// The members that filters other than on their id select: for these alone they are all read, once, and no request reads or
/// looks at more of them than is good.
struct Selection<'a> {
    budget: &'a Budget,
    share: Share<'a>,
    work: Work,
    stored: Option<Vec<Member>>,
}

impl<'a> Selection<'a> {
    fn within(budget: &'a Budget) -> Self {
        let share = budget.share();
        Self { budget, work: share.begin(), share, stored: None }
    }

    /// The members that a filter selects after what earlier operations have made of them (`replace`, `wanted`).
    fn of(
        &mut self,
        ctx: &Context,
        id: &str,
        filter: &Filter,
        replace: bool,
        wanted: &BTreeMap<String, Option<NewMember>>,
    ) -> Result<Vec<String>, ProvisionError> {
        let stored = match self.stored.take() {
            Some(stored) => stored,
            None if replace => Vec::new(),
            None => self.budget.add_members(groups::members_up_to(ctx, id, self.budget.members_left()?)?)?,
        };
        let selected = self.select(&ctx.base(), filter, if replace { &[] } else { &stored }, wanted);
        self.share.end(&self.work);
        self.stored = (!replace).then_some(stored);
        Ok(selected?)
    }

    fn select(
        &self,
        base: &str,
        filter: &Filter,
        stored: &[Member],
        wanted: &BTreeMap<String, Option<NewMember>>,
    ) -> Result<Vec<String>, ScimError> {
        let mut selected = Vec::new();
        let mut look = |id: &str, member: &Json| {
            if filter.selects(member, &self.work) {
                selected.push(id.to_owned());
            }
        };
        let mut is_stored = HashSet::new();
        for member in stored {
            // Passing over one costs something too.
            match wanted.get(&member.id) {
                Some(None) => self.work.add(1),
                _ => look(&member.id, &member.to_json(base)),
            }
            is_stored.insert(member.id.as_str());
            self.work.check()?;
        }
        for (id, member) in wanted {
            match member {
                Some(member) if !is_stored.contains(id.as_str()) => {
                    look(id, &json!({ "value": id, "display": member.display }));
                }
                _ => self.work.add(1),
            }
            self.work.check()?;
        }
        Ok(selected)
    }
}

fn run(
    ctx: &Context,
    rt: &Arc<ResourceType>,
    id: &str,
    edit: &Edit<'_>,
    members: &MembersChange,
    expected: Expected,
    with_members: bool,
) -> Result<Found, ProvisionError> {
    edit.budget.check_changed()?;
    let MembersChange { change, selected } = members;
    let added: HashSet<&String> = change.add.iter().map(|member| &member.id).collect();
    let named = ordered::set(added.iter().copied().chain(&change.remove).chain(selected.iter().flatten()));
    let named: Vec<String> = named.into_iter().cloned().collect();
    // Changes of members alone commute: they wait for nobody.
    let commutes = expected == Expected::Any && edit.patch().is_some_and(Patch::is_empty);
    let mut attempts =
        if commutes { Attempts::at_once(ctx) } else { Attempts::begin(ctx, id).ok_or_else(contended)? };
    let mut has_lost = false;
    loop {
        let inspected = groups::inspect(ctx, id, &named, change.replace)?;
        // Who has gone meanwhile is no reason to refuse the others that a PATCH adds: the answer shows who is in. Where all
        // members are replaced, a wrong id would empty the group.
        let tolerant = edit.patch().is_some() && !change.replace;
        let those_added =
            |ids: &[String]| -> Vec<String> { ids.iter().filter(|id| added.contains(id)).cloned().collect() };
        let is_selected = selected.iter().all(|ids| ids.iter().any(|id| inspected.present.contains(id)));
        if inspected.group.is_none() || is_selected {
            check_known(&Inspected {
                unknown: if tolerant { Vec::new() } else { those_added(&inspected.unknown) },
                ..Inspected::default()
            })?;
            check_circular(&those_added(&inspected.circular), has_lost)?;
            check_references(&change.add, &inspected)?;
        }
        let Some(before) = inspected.group else { return Err(not_found()) };
        expected.check(before.version)?;
        if !is_selected {
            let path = rt.resolve_attribute("members").ok_or_else(not_found)?;
            return Err(patch::no_target(&path).into());
        }
        let current = before.whole(ctx, rt);
        let mut document = edit.apply(rt, &before, &current)?;
        drop(resource::take_secrets(rt, &mut document));
        for derived in ["id", "meta", "members"] {
            document.shift_remove(derived);
        }
        check_name(&current, &mut document)?;
        let mut after = Resource { document: stored_text(document, Some(&before.document))?, ..before.clone() };
        let unknown: HashSet<&String> = inspected.unknown.iter().collect();
        let mut change = change.clone();
        change.add.retain(|member| !unknown.contains(&member.id));
        inspected.remote_users.name_members(&mut change.add);
        let effective = effective(&change, &inspected.present, inspected.members);
        let same_document = after.document == before.document;
        if same_document && effective.is_empty() {
            return answer(ctx, before, with_members, None);
        }
        let roles = RolesGiven::new(&current, &after.attributes());
        if roles.before.is_any() || roles.after.is_any() {
            check_may_appoint(ctx)?;
        }
        let there = &ctx.in_store(None);
        let operation = Operation::new(there);
        let mut statements = roles.statements(ctx, id, &operation, &effective, &inspected.groups)?;
        if with_members {
            statements.push(groups::members_statement(ctx, id, ""));
        }
        let effects = SideEffects {
            unless: groups::circular(&effective, &inspected.groups),
            statements,
            actions: vec![Action::update(GROUP)],
            ..SideEffects::default()
        };
        let written = if same_document {
            resources::touch(there, &mut after, roles.before, expected.pinned(before.version), &operation, effects)?
        } else {
            resources::update(there, rt, &before, &mut after, &operation, effects)?
        };
        match written {
            Written::Done(outcomes) => {
                if roles.is_given_by(&effective) {
                    role_grants::attempt(ctx);
                }
                let last = outcomes.and_then(|outcomes| outcomes.into_iter().last());
                return answer(ctx, after, with_members, last.map(|outcome| outcome.rows));
            }
            Written::Taken => return Err(resources::taken(rt).into()),
            Written::LastAdministrator => return Err(last_administrator()),
            // Read again: what the client expects is checked against what it is then.
            Written::Conflict if attempts.again(ctx) => has_lost = true,
            Written::Conflict => return Err(contended()),
        }
    }
}

/// The answer to a write. `first` are the rows of the first members, where they were read with it. The members of a large
/// group are not read unless somebody asks: the caller decides.
fn answer(
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
        None => ctx.platform.query(groups::members_statement(ctx, &resource.id, ""))?,
    };
    let large = first.len() > groups::SHOWN_UNASKED;
    let members = if large { None } else { groups::members_after(ctx, &resource.id, &first)? };
    Ok(Found { resource, members, large, code: None })
}

/// Returns a change without the parts that are so already.
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
