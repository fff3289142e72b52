//! Which user store a user is in: what the `userName` of a request says, and its id from then on.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value as Json, json};

use crate::model::context::{Context, StoreContext, Work};
use crate::model::new_resource::NewResource;
use crate::model::resource::{Resource, USER};
use crate::model::user_stores::Located;
use crate::provision::{ProvisionError, contended};
use crate::store::pending;
use crate::store::resources;
use scim::bulk::Planned;
use scim::error::Error as ScimError;
use scim::resource::Document;
use scim::schema::Registry;

/// The user name of a document; empty where it has none.
fn user_name(document: &Document) -> &str {
    document.get("userName").and_then(Json::as_str).unwrap_or_default()
}

/// Understands the user name of a document, which is then spelled as it is stored; answers the number of its store.
fn locate(ctx: &Work, document: &mut Document) -> Result<Option<u16>, ScimError> {
    let stores = &ctx.deployment.user_stores;
    let written = user_name(document).to_owned();
    let Located { store, name } =
        stores.locate(&written).map_err(|domain| ScimError::invalid_value(stores.unknown(domain)))?;
    if written.contains('/') && *name == *stores.prefix(store) {
        return Err(ScimError::invalid_value("The userName names a user store, but no user in it."));
    }
    if *name != *written {
        document.insert("userName".to_owned(), json!(name));
    }
    Ok(store)
}

/// The context in which a user with this document is created: at the user's store.
pub fn resolve_store(ctx: &Context, document: &mut Document) -> Result<StoreContext, ScimError> {
    Ok(ctx.in_store(locate(ctx, document)?))
}

/// Holds a user to its store: the id, and with it every link and membership, says which it is.
pub fn check_same_store(ctx: &StoreContext, before: &Resource, document: &mut Document) -> Result<(), ScimError> {
    let current = before.user_name();
    let stores = &ctx.deployment.user_stores;
    // As it was is fine, also where another `USER_STORES` would not take it any more. Then it stays as it is stored, even
    // where that is with white space, from before it was cut.
    if stores.trimmed(user_name(document)) == stores.trimmed(&current) {
        if user_name(document) != current {
            document.insert("userName".to_owned(), json!(current));
        }
        return Ok(());
    }
    if locate(ctx, document)? == ctx.platform.store {
        return Ok(());
    }
    Err(ScimError::mutability(format!(
        "A user stays in its user store: '{}' is in {}. Name that store in the userName, or create another user.",
        crate::base::text::cut(&current, 80),
        stores.split(&current).0
    )))
}

/// An id for what an operation of a Bulk request is to create, of the store that it will be in.
pub fn new_id(ctx: &Context, registry: &Registry, planned: &Planned) -> String {
    const QUALIFIED: &str = "urn:ietf:params:scim:schemas:core:2.0:User:userName";
    let store = planned.operation.as_ref().ok().and_then(|operation| {
        registry.resource_type_at(&operation.endpoint).filter(|rt| rt.name == USER)?;
        let is_name = |key: &str| key.eq_ignore_ascii_case("userName") || key.eq_ignore_ascii_case(QUALIFIED);
        let (_, name) = operation.data.as_object()?.iter().find(|(key, _)| is_name(key))?;
        let stores = &ctx.deployment.user_stores;
        stores.locate(name.as_str()?).ok()?.store
    });
    ctx.platform.in_store(store).new_id().to_string()
}

/// Creates resources, each in its store, a batch for each store: what becomes of each, with its tag, in the same order.
pub fn create<T>(ctx: &Context, resources: Vec<(T, NewResource)>) -> Vec<(T, Result<Resource, ProvisionError>)> {
    let mut results: Vec<(T, Option<Result<Resource, ProvisionError>>)> = Vec::with_capacity(resources.len());
    let mut by_store: BTreeMap<Option<u16>, Vec<(usize, NewResource)>> = BTreeMap::new();
    for (index, (tag, new)) in resources.into_iter().enumerate() {
        results.push((tag, None));
        by_store.entry(new.store).or_default().push((index, new));
    }
    let mut failed: HashSet<String> = HashSet::new();
    // PRIMARY comes last: its groups have members in the others.
    for (store, resources) in by_store.into_iter().rev() {
        let (indexes, mut resources): (Vec<usize>, Vec<NewResource>) = resources.into_iter().unzip();
        for new in &mut resources {
            new.members.retain(|member| !failed.contains(&member.id));
        }
        let ids: Vec<String> = resources.iter().map(|new| new.resource.id.clone()).collect();
        let created = create_in_store(&ctx.in_store(store), resources);
        for ((index, id), one) in indexes.into_iter().zip(ids).zip(created) {
            if one.is_err() {
                failed.insert(id);
            }
            results[index].1 = Some(one);
        }
    }
    results.into_iter().map(|(tag, one)| (tag, one.unwrap_or_else(|| Err(contended())))).collect()
}

/// Creates resources of one store. Users of another store than PRIMARY join their groups right after.
fn create_in_store(ctx: &StoreContext, resources: Vec<NewResource>) -> Vec<Result<Resource, ProvisionError>> {
    let count = resources.len();
    let joins = if ctx.platform.store.is_some() { pending::joins(&resources) } else { Vec::new() };
    let created = match resources::create(ctx, resources) {
        Ok(created) => created.into_iter().map(|one| one.map_err(ProvisionError::from)).collect(),
        Err(failure) => vec![failure; count].into_iter().map(|failure| Err(failure.into())).collect::<Vec<_>>(),
    };
    let there = created.iter().filter_map(|one| one.as_ref().ok()).map(|user| user.id.as_str()).collect();
    pending::attempt_joins(ctx, joins, &there);
    created
}
