//! Resources: reading them one by one, and creating, updating and deleting them. Each write is one batch, and so all or
//! nothing.
//!
//! | module | what it does |
//! |---|---|
//! | `row` | the columns of a resource's row, and what is made of them |
//! | `find` | resources by id or by name |
//! | `create` | resources by the hundred, of which a conflict leaves one out |
//! | `update` | one resource, provided that it still has the version that was read |
//! | `delete` | resources of one type, by the hundred, and what depends on them |

mod create;
mod delete;
pub mod find;
pub(in crate::store) mod row;
mod update;

pub use create::{create, creation, taken};
pub use delete::{Conditions, Deleted, Look, Target, delete, look};
pub use row::{COLUMNS, from_row, groups_column};
pub use update::{SideEffects, Written, touch, update};

use serde_json::Value as Json;

use crate::model::resource::{Resource, USER};
use crate::model::role::Roles;
use crate::store::keys;
use scim::fold;
use scim::schema::ResourceType;

/// The columns of a resource's row that are derived from its document.
struct DerivedColumns {
    keys: Json,
    name_key: Option<String>,
    external_id: Option<String>,
    display: String,
    roles: Roles,
}

impl DerivedColumns {
    fn new(resource_type: &ResourceType, resource: &Resource) -> Self {
        let document = resource.attributes();
        let keys = keys::of_resource(resource_type, resource, &document);
        let text = |name: &str| document.get(name).and_then(Json::as_str).filter(|text| !text.is_empty());
        let is_user = resource_type.name == USER;
        Self {
            name_key: text("userName").filter(|_| is_user).map(fold::fold),
            external_id: text("externalId").map(|text| fold::exact(text).into_owned()),
            display: text("displayName").or(text("userName")).unwrap_or_default().to_owned(),
            roles: Roles::of_document(&resource_type.name, &document),
            keys,
        }
    }
}
