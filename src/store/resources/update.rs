//! Updating one resource: a conditional write, and what depends on it.

use serde_json::json;

use crate::base::limits::ADDRESS_CHANGES;
use crate::model::audit::Action;
use crate::model::code::Code;
use crate::model::context::StoreContext;
use crate::model::mail::{Delivery, TemplateType};
use crate::model::new_resource::NewMail;
use crate::model::resource::{GROUP, Resource};
use crate::model::role::Roles;
use crate::ports::{DatabaseError, Millis, Outcome, Statement, Value};
use crate::store::audit::{self, Counted, OPERATION_HOLDS};
use crate::store::keys::{self, Entry};
use crate::store::operation::{Committed, Operation, Unless};
use crate::store::resources::DerivedColumns;
use crate::store::{credentials, outbox, role_holders, sessions};
use scim::schema::ResourceType;

/// The changes of an update besides the resource's own row.
#[derive(Clone, Debug, Default)]
pub struct SideEffects {
    /// What must not be so when it is written.
    pub unless: Option<Unless>,
    /// The hash of a new password.
    pub password_hash: Option<String>,
    /// Whether the user's console sessions end.
    pub ends_sessions: bool,
    /// What is to be mailed: of invitations, one at most.
    pub mails: Vec<NewMail>,
    /// Whether users ask for another address of their own: as often as [`ADDRESS_CHANGES`] allows.
    pub asks_for_address: bool,
    /// The code of a new invitation, where the caller sends it on.
    pub code: Option<Code>,
    /// Statements on a group's members, conditional on the operation, at the end of the batch.
    pub statements: Vec<Statement>,
    /// The actions that the audit records.
    pub actions: Vec<Action>,
    /// What else the write depends on, in a statement on the row whose `?1` is the tenant and `?2` the id.
    pub condition: Option<&'static str>,
    /// Where the write puts out an administrator who could sign in: that another is left. With it come the ids of those
    /// whom a group in another database makes administrators.
    pub keeps_administrator: Option<Vec<String>>,
    /// Whether a link that was out is dead although the caller, who sends links on, has not asked for another.
    pub ends_invitation: bool,
}

/// The result of a conditional write.
#[derive(Clone, Debug)]
pub enum Written {
    /// It took place; what the statements of the batch answered, unless that was lost on the way.
    Done(Option<Vec<Outcome>>),
    /// The resource has another version by now, or is gone, or the user asked for another address too often; nothing was
    /// written.
    Conflict,
    /// A value that must be unique is another resource's; nothing was written.
    Taken,
    /// No administrator who can sign in would have been left; nothing was written.
    LastAdministrator,
}

/// Replaces a resource's row, provided that it still has the version of `before`. `after` carries the new document and
/// account; its version and times are set here.
///
/// # Errors
/// The database's: nothing was written.
pub fn update(
    ctx: &StoreContext,
    resource_type: &ResourceType,
    before: &Resource,
    after: &mut Resource,
    operation: &Operation,
    effects: SideEffects,
) -> Result<Written, DatabaseError> {
    after.version = before.version + 1;
    after.modified = before.modified.max(ctx.platform.clock.now());
    let wakes = !effects.mails.is_empty();
    let replacement = Replacement {
        ctx,
        resource_type,
        before,
        after,
        old_columns: DerivedColumns::new(resource_type, before),
        columns: DerivedColumns::new(resource_type, after),
        operation: operation.id(),
    };
    let written = run(ctx, operation, replacement.batch(effects))?;
    if wakes && matches!(written, Written::Done(_)) {
        ctx.platform.mail_queue.wake(std::time::Duration::ZERO);
    }
    Ok(written)
}

/// Runs a batch whose first statement is the conditional write and answers the id of what it wrote.
fn run(ctx: &StoreContext, operation: &Operation, batch: Vec<Statement>) -> Result<Written, DatabaseError> {
    Ok(match operation.commit(ctx, batch) {
        Ok(committed) if !committed.has_row(0) => Written::Conflict,
        Ok(Committed::Answered(outcomes)) => Written::Done(Some(outcomes)),
        Ok(Committed::Unanswered) => Written::Done(None),
        Err(error) if role_holders::is_last_administrator(&error) => Written::LastAdministrator,
        Err(DatabaseError::Unique(_)) => Written::Taken,
        Err(error) => return Err(error),
    })
}

/// Counts a write to a resource whose document stays as it is: a change of a group's members. Such changes are about sets
/// and commute, so that the version is a condition only where the client makes it one. That the group gives the role that it
/// was read to give, or none, is one in any case.
///
/// # Errors
/// The database's: nothing was written.
pub fn touch(
    ctx: &StoreContext,
    resource: &mut Resource,
    roles: Roles,
    version: Option<i64>,
    operation: &Operation,
    effects: SideEffects,
) -> Result<Written, DatabaseError> {
    resource.version += 1;
    resource.modified = resource.modified.max(ctx.platform.clock.now());
    let mut params = vec![
        ctx.tenant.key(),
        resource.id.as_str().into(),
        operation.id().into(),
        resource.modified.into(),
        version.into(),
        roles.bits().into(),
    ];
    let unless = condition(effects.unless.as_ref(), &mut params);
    let mut batch = vec![Statement::new(
        format!(
            "UPDATE resources SET version = version + 1, modified = MAX(modified, ?4), operation = ?3 \
             WHERE tenant = ?1 AND id = ?2 AND (?5 IS NULL OR version = ?5) AND roles = ?6{unless} RETURNING id, version"
        ),
        params,
    )];
    batch.extend(effects.actions.iter().map(|action| audit::record(ctx, operation.id(), *action, &resource.id)));
    batch.extend(effects.statements);
    let written = run(ctx, operation, batch)?;
    // Others may have counted meanwhile.
    if let Written::Done(Some(outcomes)) = &written
        && let Some(row) = outcomes.first().and_then(|outcome| outcome.rows.first())
    {
        resource.version = row.read_integer("version")?;
    }
    Ok(written)
}

/// Returns the text of a condition at the end of a WHERE clause, whose parameter is put behind the others.
fn condition(unless: Option<&Unless>, params: &mut Vec<Value>) -> String {
    let Some(Unless { condition, parameter }) = unless else { return String::new() };
    params.push(parameter.as_str().into());
    format!(" AND NOT ({})", condition(&format!("?{}", params.len())))
}

/// A table with the values of resources by attribute, and the statements that take a resource's entries out of it and put
/// the new ones in.
struct IndexTable {
    delete: &'static str,
    insert: &'static str,
}

const VALUE_INDEX: IndexTable = IndexTable {
    delete: "DELETE FROM value_index WHERE tenant = ?1 AND id = ?2 AND ",
    insert: "INSERT INTO value_index (tenant, type, attribute, key, id) \
             SELECT ?1, ?5, e.value ->> 0, e.value ->> 1, ?2 FROM json_each(?4) e WHERE ",
};

const UNIQUE_VALUES: IndexTable = IndexTable {
    delete: "DELETE FROM unique_values WHERE tenant = ?1 AND id = ?2 AND ",
    insert: "INSERT INTO unique_values (tenant, type, attribute, key, id) \
             SELECT ?1, ?5, e.value ->> 0, e.value ->> 1, ?2 FROM json_each(?4) e WHERE ",
};

/// What becomes of an invitation's columns: of a new mail or a new code they start anew, else they stay.
#[derive(Default)]
struct InvitationColumns {
    delivery: Option<&'static str>,
    expires_at: Option<i64>,
    template: Option<TemplateType>,
}

impl InvitationColumns {
    fn new(effects: &SideEffects, now: Millis) -> Self {
        let template = effects.mails.iter().map(|mail| mail.template).find(|template| template.is_invitation());
        match &effects.code {
            Some(code) => Self {
                delivery: Some(Delivery::External.as_str()),
                expires_at: Some(code.expires_at_millis()),
                template,
            },
            None if effects.ends_invitation => {
                Self { delivery: Some(Delivery::External.as_str()), expires_at: Some(now), template: None }
            }
            None => Self { delivery: template.map(|_| Delivery::QUEUED.as_str()), expires_at: None, template },
        }
    }
}

/// A resource's row to be replaced.
struct Replacement<'a> {
    ctx: &'a StoreContext,
    resource_type: &'a ResourceType,
    before: &'a Resource,
    after: &'a Resource,
    old_columns: DerivedColumns,
    columns: DerivedColumns,
    operation: &'a str,
}

impl Replacement<'_> {
    fn batch(&self, effects: SideEffects) -> Vec<Statement> {
        let Self { ctx, operation, after, .. } = self;
        let mut batch = vec![self.row(&InvitationColumns::new(&effects, after.modified), &effects)];
        if effects.asks_for_address {
            batch.push(audit::record(*ctx, operation, Action::UserAddress, &after.id));
        }
        batch.extend(effects.actions.iter().map(|action| audit::record(*ctx, operation, *action, &after.id)));
        batch.extend(self.indexes());
        batch.extend(self.group_name());
        // Another password ends them too.
        if effects.ends_sessions && effects.password_hash.is_none() {
            batch.push(sessions::delete_of_user(ctx, &after.id, operation));
        }
        if let Some(hash) = &effects.password_hash {
            batch.extend(credentials::store_hash(ctx, &after.id, operation, hash));
        }
        batch.extend(effects.mails.iter().map(|mail| self.mail(mail)));
        let keeps = effects.keeps_administrator.as_deref();
        batch.extend(keeps.map(|ids| role_holders::keep_one_after_change(ctx, &after.id, operation, ids)));
        batch.extend(effects.statements);
        batch
    }

    fn row(&self, invitation: &InvitationColumns, effects: &SideEffects) -> Statement {
        let Self { ctx, before, after, columns, .. } = self;
        let account = &after.account;
        let only_if = effects.condition.unwrap_or("TRUE");
        let allowed = match effects.asks_for_address {
            true => format!(" AND {}", Counted::ADDRESS_CHANGES.within(ADDRESS_CHANGES, "?10")),
            false => String::new(),
        };
        let mut params = vec![
            // ?1 to ?3: which row, and by which operation.
            ctx.tenant.key(),
            after.id.as_str().into(),
            self.operation.into(),
            // ?4 to ?10: the document, its columns and the version.
            columns.name_key.as_deref().into(),
            columns.external_id.as_deref().into(),
            columns.display.as_str().into(),
            after.document.as_str().into(),
            columns.keys.to_string().into(),
            after.version.into(),
            after.modified.into(),
            // ?11 to ?16: the account.
            account.onboarding.as_str().into(),
            account.lock.as_str().into(),
            account.disabled.into(),
            account.email.as_deref().into(),
            account.email_verified.into(),
            account.seq_log.as_str().into(),
            // ?17 to ?20: the invitation, and between them the version that the row must still have.
            invitation.delivery.into(),
            before.version.into(),
            invitation.expires_at.into(),
            invitation.template.map(TemplateType::name).into(),
            // ?21 and ?22: the address that waits to be confirmed, and the roles.
            account.pending_email.as_deref().into(),
            columns.roles.bits().into(),
            // ?23 and ?24: the deletion that is awaited.
            account.deletion.map(|deletion| deletion.at).into(),
            account.deletion.is_some_and(|deletion| deletion.was_disabled).into(),
        ];
        let unless = condition(effects.unless.as_ref(), &mut params);
        Statement::new(
            format!(
                "UPDATE resources SET name_key = ?4, external_id = ?5, display = ?6, document = ?7, keys = ?8, version = ?9, \
         modified = ?10, operation = ?3, onboarding = ?11, lock = ?12, disabled = ?13, email = ?14, email_verified = ?15, \
         seq_log = ?16, delivery = COALESCE(?17, delivery), \
         attempts = CASE WHEN ?17 IS NULL THEN attempts ELSE 0 END, \
         sent_at = CASE ?17 WHEN 'external' THEN NULL ELSE sent_at END, \
         expires_at = CASE WHEN ?17 IS NULL THEN expires_at ELSE ?19 END, \
         template = CASE WHEN ?17 IS NULL THEN template ELSE ?20 END, pending_email = ?21, roles = ?22, \
         deletion_at = ?23, was_disabled = ?24 \
         WHERE tenant = ?1 AND id = ?2 AND version = ?18 AND {only_if}{allowed}{unless} RETURNING id"
            ),
            params,
        )
    }

    /// A statement that depends on the row's; `?1` to `?3` are those of [`OPERATION_HOLDS`].
    fn dependent_write(&self, sql: &'static str, more: Vec<Value>) -> Statement {
        let mut params = vec![self.ctx.tenant.key(), self.after.id.as_str().into(), self.operation.into()];
        params.extend(more);
        Statement::new(format!("{sql}{OPERATION_HOLDS}"), params)
    }

    fn indexes(&self) -> Vec<Statement> {
        let (old, new, resource_type) = (&self.old_columns.keys, &self.columns.keys, self.resource_type);
        let mut statements =
            self.index(&VALUE_INDEX, &keys::indexed(resource_type, old), &keys::indexed(resource_type, new));
        statements.extend(self.index(
            &UNIQUE_VALUES,
            &keys::unique(resource_type, old),
            &keys::unique(resource_type, new),
        ));
        statements
    }

    /// The statements that replace the entries in an index table; none where they stay as they are.
    fn index(&self, table: &IndexTable, old: &[Entry], new: &[Entry]) -> Vec<Statement> {
        if old == new {
            return Vec::new();
        }
        let entries = vec![json!(new).to_string().into(), self.resource_type.name.as_str().into()];
        vec![self.dependent_write(table.delete, Vec::new()), self.dependent_write(table.insert, entries)]
    }

    /// The statement that tells the users of a group its new name.
    fn group_name(&self) -> Option<Statement> {
        let is_renamed = self.resource_type.name == GROUP && self.columns.display != self.old_columns.display;
        is_renamed.then(|| {
            self.dependent_write(
                "UPDATE group_ancestors INDEXED BY group_ancestors_ancestor SET display = ?4 WHERE tenant = ?1 AND ancestor_id = ?2 AND ",
                vec![self.columns.display.as_str().into()],
            )
        })
    }

    fn mail(&self, mail: &NewMail) -> Statement {
        let entry = outbox::OutboxEntry {
            template: mail.template,
            user_id: &self.after.id,
            seq: self.after.account.seq(),
            recipient: &mail.recipient,
            invited_by: mail.invited_by.as_deref(),
            new_email: mail.new_email.as_ref(),
        };
        outbox::queue(self.ctx, self.operation, &entry)
    }
}
