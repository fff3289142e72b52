//! Creating, updating and deleting resources: each is one batch, and so all or nothing.
//!
//! | module | what it does |
//! |---|---|
//! | `create` | resources by the hundred, of which a conflict leaves one out |
//! | `update` | one resource, provided that it still has the version that was read |
//! | `delete` | one resource and what hangs on it |

mod create;
mod delete;
mod update;

pub use create::{NewMail, NewMember, NewResource, create, creation, taken};
pub use delete::{Deleted, delete};
pub use update::{Riders, Written, touch, update};

use std::collections::HashSet;

use serde_json::Value as Json;

use crate::model::resource::{Resource, USER};
use crate::ports::Outcome;
use crate::store::keys;
use scim::fold;
use scim::schema::ResourceType;

/// What the columns of a resource say besides its document.
struct Columns {
    keys: Json,
    name_key: Option<String>,
    external_id: Option<String>,
    display: String,
}

impl Columns {
    fn of(resource_type: &ResourceType, resource: &Resource) -> Self {
        let document = resource.attributes();
        let keys = keys::of_resource(resource_type, resource, &document);
        let text = |name: &str| document.get(name).and_then(Json::as_str).filter(|text| !text.is_empty());
        let is_user = resource_type.name == USER;
        Self {
            name_key: text("userName").filter(|_| is_user).map(fold::fold),
            external_id: text("externalId").map(|text| fold::exact(text).into_owned()),
            display: text("displayName").or(text("userName")).unwrap_or_default().to_owned(),
            keys,
        }
    }
}

fn ids(outcome: Option<&Outcome>) -> HashSet<String> {
    let rows = outcome.map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
    rows.iter().filter_map(|row| row.text("id").ok().map(str::to_owned)).collect()
}
