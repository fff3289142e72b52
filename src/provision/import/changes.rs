//! What a row changes of a user who exists: the values that differ. A blank cell changes nothing, nor does a password.

use serde_json::{Map, Value as Json, json};

use crate::model::resource::Resource;
use crate::provision::import::row::Person;

/// The PATCH that gives a user the values of a row; none where the user has them.
pub fn patch(person: &Person, user: &Resource) -> Option<Json> {
    let current = user.attributes();
    let Json::Object(wanted) = person.attributes() else { return None };
    let mut operations = Vec::new();
    for (name, value) in wanted {
        let before = current.get(&name).unwrap_or(&Json::Null);
        match &value {
            Json::Object(parts) => add_parts(&mut operations, &name, parts, before),
            Json::Array(values) => {
                let merged = merged(&name, before, values);
                if merged != *before {
                    operations.push(json!({ "op": "replace", "path": name, "value": merged }));
                }
            }
            value if value != before => operations.push(json!({ "op": "replace", "path": name, "value": value })),
            _ => {}
        }
    }
    (!operations.is_empty()).then(|| patch_of(operations))
}

/// The PATCH of a group that a user joins.
pub fn join(user_id: &str) -> Json {
    patch_of(vec![json!({ "op": "add", "path": "members", "value": [{ "value": user_id }] })])
}

fn patch_of(operations: Vec<Json>) -> Json {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations })
}

/// Of a name each part is an attribute by itself, as in an extension.
fn add_parts(operations: &mut Vec<Json>, name: &str, parts: &Map<String, Json>, before: &Json) {
    let separator = if name.starts_with("urn:") { ':' } else { '.' };
    for (part, value) in parts {
        if before[part] != *value {
            operations.push(json!({ "op": "replace", "path": format!("{name}{separator}{part}"), "value": value }));
        }
    }
}

/// The values there are with those of a row: an address in the place of the primary one, a number or a postal address in that
/// of its kind, anything else besides.
fn merged(name: &str, before: &Json, values: &[Json]) -> Json {
    let mut list = before.as_array().cloned().unwrap_or_default();
    for value in values {
        let text = |value: &Json| value["value"].as_str().unwrap_or_default().to_lowercase();
        let place = match name {
            "phoneNumbers" | "addresses" => list.iter().position(|known| known["type"] == value["type"]),
            _ if list.iter().any(|known| text(known) == text(value)) => continue,
            "emails" if value["primary"] == true => {
                list.iter().position(|known| known["primary"] == true).or((!list.is_empty()).then_some(0))
            }
            _ => None,
        };
        match (place.and_then(|place| list.get_mut(place)), value) {
            (Some(Json::Object(known)), Json::Object(parts)) => {
                known.extend(parts.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
            _ => list.push(value.clone()),
        }
    }
    Json::Array(list)
}
