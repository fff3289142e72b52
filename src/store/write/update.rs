//! Updating one resource: a conditional write, and what hangs on it.

use serde_json::json;

use crate::invite::code::Code;
use crate::model::context::Context;
use crate::model::mail::{Delivery, TemplateType};
use crate::model::resource::{GROUP, Resource};
use crate::ports::{DatabaseError, Outcome, Statement};
use crate::store::audit::{self, Action, OPERATION_HOLDS};
use crate::store::outbox;
use crate::store::sessions;
use crate::store::write::{Columns, NewMail, ids};
use crate::store::{credentials, keys};
use scim::schema::ResourceType;

/// What an update changes besides the resource's own row.
#[derive(Clone, Debug, Default)]
pub struct Riders {
    /// The hash of a new password.
    pub password_hash: Option<String>,
    /// Whether the user's console sessions end.
    pub ends_sessions: bool,
    /// What is to be mailed: of invitations, one at most.
    pub mails: Vec<NewMail>,
    /// The code of a new invitation, where the caller sends it on.
    pub code: Option<Code>,
    /// Statements on a group's members, conditional on the operation, at the end of the batch.
    pub statements: Vec<Statement>,
    /// What the audit calls it.
    pub actions: Vec<Action>,
}

/// How a conditional write ended.
#[derive(Clone, Debug)]
pub enum Written {
    /// It took place; what the statements of the batch answered, unless that was lost on the way.
    Done(Option<Vec<Outcome>>),
    /// The resource has another version by now, or is gone; nothing was written.
    Conflict,
    /// A value that must be unique is another resource's; nothing was written.
    Taken,
}

/// Replaces a resource's row, provided that it still has the version of `before`. `after` carries the new document and
/// account; its version and times are set here.
///
/// # Errors
/// The database's: nothing was written.
pub async fn update(
    ctx: &Context,
    resource_type: &ResourceType,
    before: &Resource,
    after: &mut Resource,
    operation: &str,
    riders: Riders,
) -> Result<Written, DatabaseError> {
    after.version = before.version + 1;
    after.modified = ctx.platform.clock.now();
    let wakes = !riders.mails.is_empty();
    let batch = replacement(ctx, resource_type, before, after, operation, riders);
    let written = run(ctx, operation, batch).await?;
    if wakes && matches!(written, Written::Done(_)) {
        ctx.platform.mail_queue.wake(std::time::Duration::ZERO);
    }
    Ok(written)
}

/// Runs a batch whose first statement is the conditional write and answers the id of what it wrote.
async fn run(ctx: &Context, operation: &str, batch: Vec<Statement>) -> Result<Written, DatabaseError> {
    Ok(match ctx.platform.db.batch(batch).await {
        Ok(outcomes) if ids(outcomes.first()).is_empty() => Written::Conflict,
        Ok(outcomes) => Written::Done(Some(outcomes)),
        Err(DatabaseError::Unique(_)) => Written::Taken,
        // The error may hide a commit: the operation's own row tells.
        Err(error) => match audit::was_committed(ctx, operation).await {
            Ok(true) => Written::Done(None),
            _ => return Err(error),
        },
    })
}

/// Counts a write to a resource whose document stays as it is: a change of a group's members. Such changes are about sets
/// and commute, so that the version is a condition only where the client makes it one.
///
/// # Errors
/// The database's: nothing was written.
pub async fn touch(
    ctx: &Context,
    resource: &mut Resource,
    version: Option<i64>,
    operation: &str,
    riders: Riders,
) -> Result<Written, DatabaseError> {
    resource.version += 1;
    resource.modified = ctx.platform.clock.now();
    let mut batch = vec![Statement::new(
        "UPDATE resources SET version = version + 1, modified = ?4, operation = ?3 \
         WHERE tenant = ?1 AND id = ?2 AND (?5 IS NULL OR version = ?5) RETURNING id, version",
        vec![ctx.tenant.key(), resource.id.as_str().into(), operation.into(), resource.modified.into(), version.into()],
    )];
    batch.extend(riders.actions.iter().map(|action| audit::record(ctx, operation, *action, &resource.id)));
    batch.extend(riders.statements);
    let written = run(ctx, operation, batch).await?;
    // Others may have counted meanwhile.
    if let Written::Done(Some(outcomes)) = &written
        && let Some(row) = outcomes.first().and_then(|outcome| outcome.rows.first())
    {
        resource.version = row.integer("version")?;
    }
    Ok(written)
}

fn replacement(
    ctx: &Context,
    resource_type: &ResourceType,
    before: &Resource,
    after: &Resource,
    operation: &str,
    riders: Riders,
) -> Vec<Statement> {
    let columns = Columns::of(resource_type, after);
    let old_columns = Columns::of(resource_type, before);
    let account = &after.account;
    let invitation = riders.mails.iter().map(|mail| mail.template).find(|template| template.is_invitation());
    let delivery = match (invitation, &riders.code) {
        (_, Some(_)) => Some(Delivery::External.as_str()),
        (Some(_), None) => Some(Delivery::QUEUED.as_str()),
        (None, None) => None,
    };
    let mut batch = vec![Statement::new(
        "UPDATE resources SET name_key = ?4, external_id = ?5, display = ?6, document = ?7, keys = ?8, version = ?9, \
         modified = ?10, operation = ?3, onboarding = ?11, lock = ?12, disabled = ?13, email = ?14, email_verified = ?15, \
         seq_log = ?16, delivery = COALESCE(?17, delivery), \
         attempts = CASE WHEN ?17 IS NULL THEN attempts ELSE 0 END, \
         sent_at = CASE ?17 WHEN 'external' THEN NULL ELSE sent_at END, \
         expires_at = CASE WHEN ?17 IS NULL THEN expires_at ELSE ?19 END, \
         template = CASE WHEN ?17 IS NULL THEN template ELSE ?20 END, pending_email = ?21 \
         WHERE tenant = ?1 AND id = ?2 AND version = ?18 RETURNING id",
        vec![
            ctx.tenant.key(),
            after.id.as_str().into(),
            operation.into(),
            columns.name_key.as_deref().into(),
            columns.external_id.as_deref().into(),
            columns.display.as_str().into(),
            after.document.as_str().into(),
            columns.keys.to_string().into(),
            after.version.into(),
            after.modified.into(),
            account.onboarding.as_str().into(),
            account.lock.as_str().into(),
            account.disabled.into(),
            account.email.as_deref().into(),
            account.email_verified.into(),
            account.seq_log.as_str().into(),
            delivery.into(),
            before.version.into(),
            riders.code.as_ref().map(Code::expires_at).into(),
            invitation.map(TemplateType::name).into(),
            account.pending_email.as_deref().into(),
        ],
    )];
    for action in &riders.actions {
        batch.push(audit::record(ctx, operation, *action, &after.id));
    }
    let target = |sql: &'static str, more: Vec<crate::ports::Value>| {
        let mut params = vec![ctx.tenant.key(), after.id.as_str().into(), operation.into()];
        params.extend(more);
        Statement::new(format!("{sql}{}", OPERATION_HOLDS), params)
    };
    for (table, old, new) in [
        ("value_index", keys::indexed(resource_type, &old_columns.keys), keys::indexed(resource_type, &columns.keys)),
        ("unique_values", keys::unique(resource_type, &old_columns.keys), keys::unique(resource_type, &columns.keys)),
    ] {
        if old == new {
            continue;
        }
        let (delete, insert) = match table {
            "value_index" => (
                "DELETE FROM value_index WHERE tenant = ?1 AND id = ?2 AND ",
                "INSERT INTO value_index (tenant, type, attribute, key, id) \
                 SELECT ?1, ?5, e.value ->> 0, e.value ->> 1, ?2 FROM json_each(?4) e WHERE ",
            ),
            _ => (
                "DELETE FROM unique_values WHERE tenant = ?1 AND id = ?2 AND ",
                "INSERT INTO unique_values (tenant, type, attribute, key, id) \
                 SELECT ?1, ?5, e.value ->> 0, e.value ->> 1, ?2 FROM json_each(?4) e WHERE ",
            ),
        };
        batch.push(target(delete, Vec::new()));
        batch.push(target(insert, vec![json!(new).to_string().into(), resource_type.name.as_str().into()]));
    }
    if resource_type.name == GROUP && columns.display != old_columns.display {
        batch.push(target(
            "UPDATE group_ancestors INDEXED BY group_ancestors_ancestor SET display = ?4 WHERE tenant = ?1 AND ancestor_id = ?2 AND ",
            vec![columns.display.as_str().into()],
        ));
    }
    // Another password ends them too.
    if riders.ends_sessions && riders.password_hash.is_none() {
        batch.push(sessions::delete_of_user(ctx, &after.id, operation));
    }
    if let Some(hash) = &riders.password_hash {
        batch.extend(credentials::store_hash(ctx, &after.id, operation, hash));
    }
    for mail in &riders.mails {
        let entry = outbox::OutboxEntry {
            template: mail.template,
            user_id: &after.id,
            seq: account.seq(),
            recipient: &mail.recipient,
            invited_by: mail.invited_by.as_deref(),
            new_email: mail.new_email.as_ref(),
        };
        batch.push(outbox::queue(ctx, operation, &entry));
    }
    batch.extend(riders.statements);
    batch
}
