//! Creating takes resources by the hundred: rows travel as one JSON parameter, a conflict leaves its row out, and what
//! depends on a row (index entries, password, mail, audit) does so by the operation id that the row carries, so that one bad
//! row harms no other. `json_each` comes first in every join: SQLite's planner, left alone, would scan the table instead.

use serde_json::{Value as Json, json};

use crate::model::audit::Action;
use crate::model::context::StoreContext;
use crate::model::new_resource::NewResource;
use crate::model::resource::{GROUP, Resource, USER};
use crate::ports::{DatabaseError, Statement};
use crate::store::operation::Operation;
use crate::store::resources::DerivedColumns;
use crate::store::{groups, keys, outbox};
use scim::error::Error as ScimError;
use scim::schema::ResourceType;

/// Creates resources of one user store, any number of them, in one batch; the answers come in the same order.
///
/// # Errors
/// The database's: nothing was created. What is wrong with one resource alone is that one's answer.
pub async fn create(
    ctx: &StoreContext,
    resources: Vec<NewResource>,
) -> Result<Vec<Result<Resource, ScimError>>, DatabaseError> {
    let operation = Operation::new(ctx);
    let created = operation.commit_each(ctx, creation(ctx, &resources, operation.id())).await?;
    if resources.iter().any(|new| new.mail.is_some() && created.contains(&new.resource.id)) {
        ctx.platform.mail_queue.wake(std::time::Duration::ZERO);
    }
    let answer = |new: NewResource| {
        if created.contains(&new.resource.id) { Ok(new.resource) } else { Err(taken(&new.resource_type)) }
    };
    Ok(resources.into_iter().map(answer).collect())
}

/// 409: a value that must be unique is another resource's.
pub fn taken(resource_type: &ResourceType) -> ScimError {
    ScimError::uniqueness(match resource_type.name.as_str() {
        USER => {
            "A user with this userName, or with another value that must be unique, exists already: choose another, \
                 or change that user."
                .to_owned()
        }
        GROUP => "A group with this displayName, or with another value that must be unique, exists already: choose \
                  another, or change that group."
            .to_owned(),
        name => format!("A {name} with a value that must be unique exists already."),
    })
}

/// The statements that create resources in the batch of `operation`; the first answers the ids of those it created.
#[must_use]
pub fn creation(ctx: &StoreContext, resources: &[NewResource], operation: &str) -> Vec<Statement> {
    let columns: Vec<DerivedColumns> =
        resources.iter().map(|new| DerivedColumns::new(&new.resource_type, &new.resource)).collect();
    let rows: Vec<Json> = resources.iter().zip(&columns).map(|(new, columns)| resource_row(new, columns)).collect();
    let dependents: Vec<Json> =
        resources.iter().zip(&columns).map(|(new, columns)| dependent_row(ctx, new, columns)).collect();
    let tenant = ctx.tenant.key();
    let list = json!(dependents).to_string();
    let dependent_write =
        |sql: &'static str| Statement::new(sql, vec![tenant.clone(), list.as_str().into(), operation.into()]);
    let mut params = vec![tenant.clone(), Json::from(rows).to_string().into(), operation.into()];
    let nests = groups::creation_nests(resources, &mut params);
    let mut batch = vec![
        Statement::new(
            format!(
                "INSERT OR IGNORE INTO resources (tenant, id, type, name_key, external_id, display, document, keys, version, \
             created, modified, operation, onboarding, lock, disabled, email, email_verified, seq_log, template, \
             delivery, expires_at, roles, import) SELECT ?1, j.value ->> 'id', j.value ->> 'type', j.value ->> 'name_key', j.value ->> 'external_id', \
             j.value ->> 'display', j.value ->> 'document', j.value ->> 'keys', j.value ->> 'version', \
             j.value ->> 'created', j.value ->> 'modified', ?3, j.value ->> 'onboarding', j.value ->> 'lock', \
             j.value ->> 'disabled', j.value ->> 'email', j.value ->> 'email_verified', j.value ->> 'seq_log', \
             j.value ->> 'template', j.value ->> 'delivery', j.value ->> 'expires_at', j.value ->> 'roles', j.value ->> 'import' FROM json_each(?2) j \
             WHERE NOT EXISTS (SELECT 1 FROM json_each(j.value -> 'unique') u CROSS JOIN unique_values v \
             ON v.tenant = ?1 AND v.type = j.value ->> 'type' AND v.attribute = u.value ->> 0 AND v.key = u.value ->> 1)\
             {nests} RETURNING id"
            ),
            params,
        ),
        dependent_write(
            "INSERT INTO counters (tenant, type, total) SELECT ?1, r.type, COUNT(*) FROM json_each(?2) j \
             CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value ->> 'id' AND r.operation = ?3 WHERE TRUE \
             GROUP BY r.type ON CONFLICT (tenant, type) DO UPDATE SET total = total + excluded.total",
        ),
        Statement::new(
            "INSERT INTO audit (tenant, number, time, operation, actor, action, target, outcome, request_id, address) \
             SELECT ?1, (SELECT COALESCE(MAX(number), 0) FROM audit WHERE tenant = ?1) \
             + ROW_NUMBER() OVER (ORDER BY j.key, a.key), ?4, ?3, ?5, a.value, r.id, 'success', ?6, ?7 \
             FROM json_each(?2) j CROSS JOIN json_each(j.value -> 'actions') a \
             CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value ->> 'id' AND r.operation = ?3",
            vec![
                tenant.clone(),
                list.as_str().into(),
                operation.into(),
                ctx.platform.clock.now().into(),
                ctx.actor.to_string().into(),
                ctx.request_id.as_str().into(),
                ctx.address.as_deref().into(),
            ],
        ),
    ];
    let any = |found: &dyn Fn(&Json) -> bool| dependents.iter().any(found);
    if any(&|row| row.get("indexed").is_some()) {
        batch.push(dependent_write(
            "INSERT OR IGNORE INTO value_index (tenant, type, attribute, key, id) \
             SELECT ?1, r.type, e.value ->> 0, e.value ->> 1, r.id FROM json_each(?2) j \
             CROSS JOIN json_each(j.value -> 'indexed') e \
             CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value ->> 'id' AND r.operation = ?3",
        ));
    }
    if any(&|row| row.get("unique").is_some()) {
        batch.push(dependent_write(
            "INSERT INTO unique_values (tenant, type, attribute, key, id) \
             SELECT ?1, r.type, e.value ->> 0, e.value ->> 1, r.id FROM json_each(?2) j \
             CROSS JOIN json_each(j.value -> 'unique') e \
             CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value ->> 'id' AND r.operation = ?3",
        ));
    }
    if any(&|row| row.get("password_hash").is_some()) {
        batch.push(dependent_write(
            "INSERT INTO credentials (tenant, user_id, password_hash, changed) \
             SELECT ?1, r.id, j.value ->> 'password_hash', r.created FROM json_each(?2) j \
             CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value ->> 'id' AND r.operation = ?3 \
             WHERE j.value ->> 'password_hash' IS NOT NULL",
        ));
    }
    if any(&|row| row.get("mail").is_some()) {
        batch.push(dependent_write(outbox::QUEUE_CREATED));
    }
    batch.extend(groups::creation(ctx, resources, operation));
    batch.extend(groups::joining(ctx, resources, operation));
    batch
}

/// The values of a resource's row.
fn resource_row(new: &NewResource, columns: &DerivedColumns) -> Json {
    let resource = &new.resource;
    let account = &resource.account;
    let unique = keys::unique(&new.resource_type, &columns.keys);
    json!({
        "id": resource.id, "type": new.resource_type.name, "name_key": columns.name_key,
        "external_id": columns.external_id, "display": columns.display, "document": resource.document,
        "keys": columns.keys.to_string(), "version": resource.version, "created": resource.created,
        "modified": resource.modified, "onboarding": account.onboarding.as_str(), "lock": account.lock.as_str(),
        "disabled": u8::from(account.disabled), "email": account.email,
        "email_verified": u8::from(account.email_verified), "seq_log": account.seq_log,
        "template": new.mail.as_ref().map(|mail| mail.template.name()),
        "delivery": resource.invitation.as_ref().map(|invitation| invitation.delivery.as_str()),
        "expires_at": resource.invitation.as_ref().and_then(|invitation| invitation.expires_at), "unique": unique,
        "roles": columns.roles.bits(), "import": new.import,
    })
}

/// What the dependent writes need to know of a resource; absent parts cost nothing.
fn dependent_row(ctx: &StoreContext, new: &NewResource, columns: &DerivedColumns) -> Json {
    let mut actions = vec![Action::create(&new.resource_type.name).as_str()];
    let mut row = json!({ "id": new.resource.id });
    let indexed = keys::indexed(&new.resource_type, &columns.keys);
    if !indexed.is_empty() {
        row["indexed"] = json!(indexed);
    }
    let unique = keys::unique(&new.resource_type, &columns.keys);
    if !unique.is_empty() {
        row["unique"] = json!(unique);
    }
    if let Some(hash) = &new.password_hash {
        row["password_hash"] = json!(hash);
    }
    if let Some(mail) = &new.mail {
        actions.push(Action::InvitationCreate.as_str());
        row["mail"] = json!({
            "id": ctx.platform.new_id().to_string(), "template": mail.template.name(),
            "recipient": mail.recipient.as_str(), "invited_by": mail.invited_by,
            "ends_at": mail.ends_at,
        });
    }
    if new.code.is_some() {
        actions.extend([Action::InvitationCreate, Action::InvitationLink].map(Action::as_str));
    }
    row["actions"] = json!(actions);
    row
}
