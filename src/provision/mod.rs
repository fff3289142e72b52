//! Provisioning: SCIM's verbs on resources of any type, from a validated request to one batch in the store.
//!
//! | module | what it does |
//! |---|---|
//! | `user` | users: what a document asks of the account goes by way of `invite/` |
//! | `delete` | deletions |
//! | `deletion` | deleting one user by a job that can be undone |
//! | `group` | groups, whose members are rows of their own |
//! | `joining` | users who join groups as they are created |
//! | `group_roles` | roles that groups give |
//! | `user_store` | which user store a user is in |
//! | `password` | passwords that clients send |
//! | `budget` | what one request may cost in all |
//! | `batch` | creations that go to the database together |
//! | `bulk` | SCIM's Bulk |
//! | `import` | invitations from a file |
//! | `jobs` | actions on many users, worked off in steps |
//! | `tenant` | a tenant with its owners |
//! | `registrations` | a tenant's schemas and resource types |
//! | `reindex` | what a change of schemas does to stored resources, in steps |

mod batch;
mod budget;
pub mod bulk;
mod delete;
mod delete_sets;
pub mod deletion;
mod group;
mod group_roles;
pub mod import;
pub mod jobs;
mod joining;
mod password;
pub mod registrations;
pub mod reindex;
pub mod tenant;
mod user;
mod user_store;

pub use budget::Budget;
pub use delete::{delete, delete_awaited};
pub use group::too_many_members;
pub use joining::{MAX_GROUPS as MAX_GROUPS_JOINED, create_in_groups};

use std::sync::{Arc, OnceLock};

use serde_json::Value as Json;

use crate::access::hash_limiter::HashLimiter;
use crate::base::account::{Account, Onboarding};
use crate::base::characters::is_barred_from_names;
use crate::base::limits::ADDRESS_CHANGES;
use crate::base::scope::Scope;
use crate::base::secret::Secret;
use crate::invite::code::mint;
use crate::model::attempts::{self, Attempts};
use crate::model::audit::Action;
use crate::model::code::Code;
use crate::model::context::{Actor, Context, StoreContext, Work};
use crate::model::member::Member;
use crate::model::new_resource::{NewMember, NewResource};
use crate::model::resource::{GROUP, Resource, USER, stored_text};
use crate::ports::DatabaseError;
use crate::provision::budget::Share;
use crate::provision::deletion::DeletionChange;
use crate::provision::user::WriteRequest;
use crate::store::audit::Counted;
use crate::store::operation::Operation;
use crate::store::resources::{self, SideEffects, Written, find};
use crate::store::{credentials, cross_store, role_holders};
use scim::error::Error as ScimError;
use scim::patch::Patch;
use scim::projection::Projection;
use scim::resource::{self, Document};
use scim::schema::ResourceType;

/// Why a request was not carried out. Whatever it says, nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// The request is at fault.
    #[error("{0:?}")]
    Scim(ScimError),
    /// Too many passwords wait to be hashed: try again shortly.
    #[error("too many passwords wait to be hashed")]
    Busy,
    /// It is done as often as is good for now, by this caller or by all.
    #[error("{detail}")]
    TooOften {
        /// The seconds until it may be done again.
        seconds: u32,
        /// What to do, in words.
        detail: &'static str,
    },
    /// The database is.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl From<ScimError> for ProvisionError {
    fn from(error: ScimError) -> Self {
        Self::Scim(error)
    }
}

/// A resource, and a group's members where they were asked for.
#[derive(Debug)]
pub struct Found {
    /// The resource.
    pub resource: Resource,
    /// The members of a group, where they were read and are not too many for an answer.
    pub members: Option<Vec<Member>>,
    /// Whether the group has more members than an unasked-for answer should carry.
    pub large: bool,
    /// The code of a user's new invitation, where the caller sends it on.
    pub code: Option<Secret>,
}

impl From<Resource> for Found {
    fn from(resource: Resource) -> Self {
        Self { resource, members: None, large: false, code: None }
    }
}

impl Found {
    /// A user as just written, with the token of the code that has been made for it.
    fn with_code(ctx: &Work, resource: Resource, code: Option<&Code>) -> Self {
        let code = code.and_then(|code| mint(ctx, code, &resource));
        Self { code, ..resource.into() }
    }
}

/// What a client expects of a resource's version (RFC 9110 section 13.1; RFC 7644 section 3.14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Anything.
    Any,
    /// `If-Match`, or `version` in Bulk: one of these.
    OneOf(Vec<i64>),
    /// `If-None-Match`: none of these.
    NoneOf(Vec<i64>),
    /// `If-None-Match: *`: that there is no such resource.
    NoResource,
}

impl Expected {
    /// Reads the value of `If-Match`. Weak and strong tags are alike here; what is no tag of ours matches nothing.
    #[must_use]
    pub fn matching(text: &str) -> Self {
        if text.trim() == "*" { Self::Any } else { Self::OneOf(versions(text)) }
    }

    /// Reads the value of `If-None-Match`.
    #[must_use]
    pub fn none_matching(text: &str) -> Self {
        if text.trim() == "*" { Self::NoResource } else { Self::NoneOf(versions(text)) }
    }

    /// Whether a resource of this version is what the client expects.
    #[must_use]
    pub fn holds(&self, version: i64) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(versions) => versions.contains(&version),
            Self::NoneOf(versions) => !versions.contains(&version),
            Self::NoResource => false,
        }
    }

    /// 412 unless it is.
    ///
    /// # Errors
    /// 412
    pub fn check(&self, version: i64) -> Result<(), ScimError> {
        if self.holds(version) {
            return Ok(());
        }
        Err(ScimError::precondition_failed(
            "The resource's version is not what If-Match or If-None-Match asks for: read it and try again.",
        ))
    }

    /// The version that a conditional write must still find, where the client cares.
    fn pinned(&self, current: i64) -> Option<i64> {
        (*self != Self::Any).then_some(current)
    }
}

/// The versions in a list of entity tags.
fn versions(text: &str) -> Vec<i64> {
    let version = |tag: &str| {
        let tag = tag.trim();
        tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"')?.strip_suffix('"')?.parse().ok()
    };
    text.split(',').filter_map(version).collect()
}

/// Where an answer carries the code of an invitation that the caller sends on: a header, and in Bulk a member of the
/// operation's `headers` (WSO2's name).
pub const CODE_HEADER: &str = "Ask-Password-Confirmation-Code";

fn not_found() -> ProvisionError {
    ScimError::not_found("There is no resource with this id.").into()
}

fn contended() -> ProvisionError {
    let detail = "Many change this resource at the same time, and nothing of this request was done: send it again.";
    ProvisionError::TooOften { seconds: attempts::RETRY_SECONDS, detail }
}

fn last_administrator() -> ProvisionError {
    let detail = "No administrator of the tenant who can sign in would be left: give another user of this user store the \
                  role admin first, and see that it works.";
    ScimError::conflict(detail).into()
}

/// 403 unless the caller may say who has which role.
fn check_may_appoint(ctx: &Work) -> Result<(), ProvisionError> {
    if ctx.scopes.has(Scope::Roles) { Ok(()) } else { Err(takes_roles()) }
}

fn takes_roles() -> ProvisionError {
    let detail = "Who has a role, and whether and how such a user signs in, takes the scope roles, which these \
                  credentials do not have.";
    ScimError::forbidden(detail).into()
}

/// Holds a name that is unique to characters by which the eye tells it from another.
fn check_visible(document: &Document, attribute: &str) -> Result<(), ProvisionError> {
    let name = document.get(attribute).and_then(Json::as_str).unwrap_or_default();
    if name.chars().any(is_barred_from_names) {
        let detail = format!(
            "The {attribute} has a control character, an invisible one, or white space other than the plain space."
        );
        return Err(ScimError::invalid_value(detail).into());
    }
    Ok(())
}

/// Prepares a resource for creation: everything but the database.
///
/// # Errors
/// [`ProvisionError`]
pub fn prepare(
    ctx: &Context,
    gate: &HashLimiter,
    rt: &Arc<ResourceType>,
    body: Json,
) -> Result<NewResource, ProvisionError> {
    let mut document = resource::read(rt, body)?;
    if rt.name == USER {
        return user::prepare(ctx, gate, rt, document);
    }
    // Nobody could ever read or test them: only a user's are acted upon.
    drop(resource::take_secrets(rt, &mut document));
    if rt.name == GROUP {
        return group::prepare(ctx, rt, document);
    }
    new_resource(ctx, rt, document, Vec::new())
}

/// A resource without an account, at version 1 with this document, which `resource::read` has arranged.
fn new_resource(
    ctx: &Context,
    rt: &Arc<ResourceType>,
    document: Document,
    members: Vec<NewMember>,
) -> Result<NewResource, ProvisionError> {
    let now = ctx.platform.clock.now();
    let resource = Resource {
        id: ctx.platform.new_id().to_string(),
        document: stored_text(document, None)?,
        version: 1,
        created: now,
        modified: now,
        account: Account::default(),
        invitation: None,
        groups: None,
    };
    Ok(NewResource {
        store: ctx.platform.store,
        resource_type: rt.clone(),
        resource,
        password_hash: None,
        mail: None,
        code: None,
        members,
        groups: Vec::new(),
        import: None,
    })
}

/// 403 unless the caller may create this.
fn check_may_create(ctx: &Context, new: &NewResource) -> Result<(), ProvisionError> {
    if new.resource.account.onboarding == Onboarding::None { check_may_write(ctx) } else { Ok(()) }
}

/// 403 unless the caller may create users who are not asked for anything.
fn check_may_write(ctx: &Work) -> Result<(), ProvisionError> {
    if ctx.scopes.has(Scope::ScimWrite) {
        return Ok(());
    }
    let detail = "The scope invitations creates users with askPassword or verifyEmail only; this takes scim:write.";
    Err(ScimError::forbidden(detail).into())
}

/// POST (RFC 7644 section 3.3).
///
/// # Errors
/// [`ProvisionError`]
pub async fn create(
    ctx: &Context,
    gate: &HashLimiter,
    rt: &Arc<ResourceType>,
    body: Json,
) -> Result<Found, ProvisionError> {
    create_prepared(ctx, prepare(ctx, gate, rt, body)?).await
}

/// Creates what has been prepared.
async fn create_prepared(ctx: &Context, new: NewResource) -> Result<Found, ProvisionError> {
    check_may_create(ctx, &new)?;
    if !new.members.is_empty() {
        return group::create(ctx, new).await;
    }
    let code = new.code.clone();
    let created = resources::create(&ctx.in_store(new.store), vec![new]).await?.into_iter().next();
    Ok(Found::with_code(ctx, created.ok_or_else(contended)??, code.as_ref()))
}

/// GET (RFC 7644 section 3.4.1).
///
/// # Errors
/// [`ProvisionError`]
pub async fn read(
    ctx: &Context,
    rt: &ResourceType,
    id: &str,
    projection: &Projection,
) -> Result<Found, ProvisionError> {
    let there = &ctx.in_store_of(id);
    if rt.name == GROUP && projection.wants("members") {
        return group::read(ctx, id).await;
    }
    let with_groups = rt.name == USER && projection.wants("groups");
    Ok(find::by_id(there, &rt.name, id, with_groups).await?.ok_or_else(not_found)?.into())
}

/// The edit that a write makes of a document, within a request's budget.
struct Edit<'a> {
    change: DocumentChange,
    deletion: DeletionChange,
    budget: &'a Budget,
    share: Share<'a>,
}

/// What becomes of a document.
enum DocumentChange {
    /// PUT: this one takes its place.
    Replace(Json),
    /// PATCH: these operations.
    Modify(Patch),
}

impl<'a> Edit<'a> {
    fn new(change: DocumentChange, budget: &'a Budget) -> Self {
        Self { change, deletion: DeletionChange::None, budget, share: budget.share() }
    }

    fn patch(&self) -> Option<&Patch> {
        match &self.change {
            DocumentChange::Replace(_) => None,
            DocumentChange::Modify(patch) => Some(patch),
        }
    }

    /// The document after it; `stored` is what the database has of it.
    fn apply(&self, rt: &Arc<ResourceType>, stored: &Resource, current: &Document) -> Result<Document, ScimError> {
        self.budget.add_changed(stored.document.len());
        match &self.change {
            DocumentChange::Replace(body) => resource::replace(rt, current, body.clone()),
            DocumentChange::Modify(patch) => {
                let work = self.share.begin();
                let document = patch.apply_within(current, &work);
                self.share.end(&work);
                document
            }
        }
    }
}

/// PUT (RFC 7644 section 3.5.1). `with_members`: the answer shows a group's.
///
/// # Errors
/// [`ProvisionError`]
pub async fn replace(
    ctx: &Context,
    budget: &Budget,
    rt: &Arc<ResourceType>,
    id: &str,
    body: Json,
    expected: Expected,
    with_members: bool,
) -> Result<Found, ProvisionError> {
    if rt.name == GROUP {
        return group::replace(ctx, budget, rt, id, body, expected, with_members).await;
    }
    edit(ctx, rt, id, &Edit::new(DocumentChange::Replace(body), budget), expected).await
}

/// PATCH (RFC 7644 section 3.5.2). `with_members`: the answer shows a group's.
///
/// # Errors
/// [`ProvisionError`]
pub async fn modify(
    ctx: &Context,
    budget: &Budget,
    rt: &Arc<ResourceType>,
    id: &str,
    body: &Json,
    expected: Expected,
    with_members: bool,
) -> Result<Found, ProvisionError> {
    let patch = Patch::parse(rt, body)?;
    if rt.name == GROUP {
        return group::modify(ctx, budget, rt, id, patch, expected, with_members).await;
    }
    edit(ctx, rt, id, &Edit::new(DocumentChange::Modify(patch), budget), expected).await
}

/// One read and one conditional write; again from the start when somebody else was faster, unless the client named the
/// version.
async fn edit(
    ctx: &Context,
    rt: &Arc<ResourceType>,
    id: &str,
    edit: &Edit<'_>,
    expected: Expected,
) -> Result<Found, ProvisionError> {
    edit.budget.check_changed()?;
    let there = &ctx.in_store_of(id);
    let mut attempts = Attempts::begin(there, id).await.ok_or_else(contended)?;
    // A password is hashed once, however often the write is tried.
    let hashed = &OnceLock::new();
    loop {
        let (before, passwords) = find_to_edit(there, rt, id).await?.ok_or_else(not_found)?;
        expected.check(before.version)?;
        let (mut after, mut effects) = revise(there, rt, edit, &before, &passwords, hashed)?;
        if is_unchanged(&before, &after, &effects) {
            return Ok(before.into());
        }
        if let Some(by_groups) = &mut effects.keeps_administrator {
            *by_groups = role_holders::of_remote_user(there, id).await?.administrators;
        }
        let operation = Operation::new(there);
        let code = effects.code.clone();
        let asks_for_address = effects.asks_for_address;
        effects.statements.extend(edit.deletion.statements(ctx, id, operation.id()));
        match resources::update(there, rt, &before, &mut after, &operation, effects).await? {
            Written::Done(_) => return Ok(Found::with_code(there, after, code.as_ref())),
            Written::Taken => return Err(resources::taken(rt).into()),
            Written::LastAdministrator => return Err(last_administrator()),
            Written::Conflict => {
                if asks_for_address
                    && let Some(seconds) = Counted::ADDRESS_CHANGES.seconds_left(there, id, ADDRESS_CHANGES).await?
                {
                    let detail = "You have asked for another e-mail address several times lately: try again when \
                        Retry-After says, or ask an administrator to change it.";
                    return Err(ProvisionError::TooOften { seconds, detail });
                }
                // Read again: what the client expects is checked against what it is then.
                if !attempts.again(there).await {
                    return Err(contended());
                }
            }
        }
    }
}

/// A resource as an edit leaves it, and what is written besides.
fn revise(
    there: &StoreContext,
    rt: &Arc<ResourceType>,
    edit: &Edit<'_>,
    before: &Resource,
    passwords: &[String],
    hashed: &OnceLock<String>,
) -> Result<(Resource, SideEffects), ProvisionError> {
    let deletion = edit.deletion.apply(&before.account)?;
    let current = before.whole(there, rt);
    let mut document = edit.apply(rt, before, &current)?;
    if rt.name == USER {
        let (stored, patch, gate) = (&before.attributes(), edit.patch(), &edit.budget.gate);
        return WriteRequest { ctx: there, gate, hashed, rt, before, stored, passwords, document, patch, deletion }
            .apply();
    }
    drop(resource::take_secrets(rt, &mut document));
    document.shift_remove("id");
    document.shift_remove("meta");
    let after = Resource { document: stored_text(document, Some(&before.document))?, ..before.clone() };
    Ok((after, SideEffects { actions: vec![Action::update(&rt.name)], ..SideEffects::default() }))
}

fn is_unchanged(before: &Resource, after: &Resource, effects: &SideEffects) -> bool {
    after.document == before.document
        && after.account == before.account
        && effects.password_hash.is_none()
        && effects.mails.is_empty()
        && effects.code.is_none()
}

/// Whether a PATCH would change a user as they are, whose groups are known; or why it would be refused.
///
/// # Errors
/// [`ProvisionError`]
pub fn would_change(
    ctx: &Context,
    budget: &Budget,
    rt: &Arc<ResourceType>,
    user: &Resource,
    body: &Json,
) -> Result<bool, ProvisionError> {
    let edit = Edit::new(DocumentChange::Modify(Patch::parse(rt, body)?), budget);
    let (after, effects) = revise(&ctx.in_store_of(&user.id), rt, &edit, user, &[], &OnceLock::new())?;
    Ok(!is_unchanged(user, &after, &effects))
}

/// The resource to be edited; for users who edit themselves, with the hashes of the last passwords.
async fn find_to_edit(
    ctx: &StoreContext,
    rt: &ResourceType,
    id: &str,
) -> Result<Option<(Resource, Vec<String>)>, DatabaseError> {
    let mut statements = vec![find::by_id_statement(ctx, &rt.name, id, rt.name == USER)];
    if rt.name == USER && matches!(ctx.actor, Actor::User(_)) {
        statements.push(credentials::last(ctx, id));
    }
    let outcomes = ctx.platform.db.batch(statements).await?;
    let row = outcomes.first().and_then(|outcome| outcome.rows.first());
    let Some(mut found) = row.map(resources::from_row).transpose()? else { return Ok(None) };
    if rt.name == USER {
        cross_store::add_groups(ctx, [&mut found]).await?;
    }
    Ok(Some((found, credentials::hashes(&ctx.settings(), outcomes.get(1))?)))
}
