//! Creating a tenant: its row, its settings and its owners, who are users with the role `admin`, in one batch.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::access::hash_limiter::HashLimiter;
use crate::base::account::Onboarding;
use crate::base::secret::Secret;
use crate::invite::code::mint;
use crate::model::audit::Action;
use crate::model::context::Context;
use crate::model::new_resource::NewResource;
use crate::model::resource::{USER, WSO2_SCHEMA};
use crate::model::role::Role;
use crate::model::schemas;
use crate::model::settings;
use crate::model::tenant::Tenant;
use crate::ports::DatabaseError;
use crate::provision::{ProvisionError, prepare};
use crate::store::audit;
use crate::store::operation::Operation;
use crate::store::resources::creation;
use crate::store::tenant_settings::{self, Change};
use crate::store::tenants;
use scim::error::Error as ScimError;
use scim::fold::fold;

/// An owner to be.
#[derive(Clone, Debug, Default)]
pub struct Owner {
    /// The user name.
    pub username: String,
    /// The e-mail address.
    pub email: String,
    /// The given name.
    pub first_name: String,
    /// The family name.
    pub last_name: String,
    /// The password, for an owner who is not invited.
    pub password: Option<Secret>,
}

/// A tenant to be.
#[derive(Clone, Debug)]
pub struct NewTenant {
    /// The tenant.
    pub tenant: Tenant,
    /// Its owners, at least one.
    pub owners: Vec<Owner>,
    /// The settings it overrides.
    pub settings: Vec<Change>,
}

/// Why a tenant was not created. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum CreateTenantError {
    /// There is one of this domain.
    #[error("there is a tenant of this domain")]
    Exists,
    /// Settings that are not taken, a sentence each.
    #[error("{}", .0.join(" "))]
    Settings(Vec<String>),
    /// A setting that takes another scope than the caller has.
    #[error("{}", tenant_settings::forbidden(.0))]
    Forbidden(&'static str),
    /// An owner who cannot be created, or the database.
    #[error(transparent)]
    Owner(#[from] ProvisionError),
}

impl From<DatabaseError> for CreateTenantError {
    fn from(failure: DatabaseError) -> Self {
        Self::Owner(failure.into())
    }
}

impl From<ScimError> for CreateTenantError {
    fn from(error: ScimError) -> Self {
        Self::Owner(error.into())
    }
}

/// Creates a tenant: all of it, or nothing. Answers the code of the first owner's invitation, where the tenant is to send
/// its own mails (`EMAIL_SENDER=external`).
///
/// # Errors
/// [`CreateTenantError`]
pub fn create(ctx: &Context, gate: &HashLimiter, new: &NewTenant) -> Result<Option<Secret>, CreateTenantError> {
    let none = settings::Values::new();
    let values = tenant_settings::checked(&ctx.deployment, &new.tenant, &none, &new.settings)
        .map_err(CreateTenantError::Settings)?;
    if let Some(name) = tenant_settings::beyond(ctx.scopes, &none, &values) {
        return Err(CreateTenantError::Forbidden(name));
    }
    let inside = context_for_new_tenant(ctx, &new.tenant, &values);
    let owners = prepare_owners(&inside, gate, &new.owners)?;
    let shown: Vec<Json> =
        owners.iter().map(|owner| json!({ "id": owner.resource.id, "username": owner.resource.user_name() })).collect();

    let operation = Operation::new(ctx);
    let mut batch = vec![
        tenants::creation(ctx, &new.tenant, &Json::from(shown)),
        tenant_settings::set(&new.tenant, &values),
        audit::record_plain(ctx, operation.id(), Action::TenantCreate, new.tenant.domain()),
    ];
    batch.extend(creation(&inside.in_store(None), &owners, operation.id()));
    match operation.commit(ctx, batch) {
        Ok(_) => {}
        Err(DatabaseError::Unique(_)) => return Err(CreateTenantError::Exists),
        Err(failure) => return Err(failure.into()),
    }
    ctx.platform.mail_queue.wake(std::time::Duration::ZERO);
    Ok(owners.iter().find_map(|owner| mint(&inside, owner.code.as_ref()?, &owner.resource)))
}

/// The context inside a tenant that is about to be, with its settings in force.
fn context_for_new_tenant(ctx: &Context, tenant: &Tenant, values: &settings::Values) -> Context {
    let settings = Arc::new(ctx.deployment.settings_of(tenant, values));
    // Who may create a tenant may say who owns it.
    let scopes = ctx.scopes.union(Role::Admin.scopes(tenant));
    let mut inside = ctx.for_tenant(tenant.clone()).admit(ctx.actor.clone(), scopes, settings);
    inside.work.caches = Arc::default();
    inside
}

fn prepare_owners(
    inside: &Context,
    gate: &HashLimiter,
    owners: &[Owner],
) -> Result<Vec<NewResource>, CreateTenantError> {
    let registry = schemas::builtin();
    let user = registry.resource_type(USER).ok_or_else(|| ScimError::internal("There is no resource type User."))?;
    let mut names = HashSet::new();
    let mut prepared = Vec::with_capacity(owners.len());
    for owner in owners {
        if !names.insert(fold(&owner.username)) {
            return Err(ScimError::uniqueness("Two owners have the same username.").into());
        }
        let mut body = json!({
            "userName": owner.username,
            "name": { "givenName": owner.first_name, "familyName": owner.last_name },
            "emails": [{ "value": owner.email, "primary": true }],
            "roles": [{ "value": "admin" }],
        });
        match &owner.password {
            Some(password) => body["password"] = json!(password.expose()),
            None => body[WSO2_SCHEMA] = json!({ "askPassword": true }),
        }
        let new = prepare(inside, gate, user, body)?;
        if new.store.is_some() {
            let detail = "The owners are created with the tenant, in the user store PRIMARY: leave the domain out.";
            return Err(ScimError::invalid_value(detail).into());
        }
        if owner.password.is_none() && new.resource.account.onboarding == Onboarding::None {
            let detail = "The owner is to be invited, but ENABLE_EMAIL_VERIFICATION is false for this tenant: set it to \
                          true, or give the owner a password.";
            return Err(ScimError::invalid_value(detail).into());
        }
        prepared.push(new);
    }
    Ok(prepared)
}
