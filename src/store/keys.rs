//! What filters compare. SQLite folds ASCII only, so that every string a filter, a sort or an index may look at is also
//! stored as its key (`scim::fold`), in a document of the same shape; dates as text whose order is theirs.

use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use crate::base::hex;
use crate::base::ordered;
use crate::model::resource::{GROUP, Resource, USER, WSO2_SCHEMA};
use scim::datetime::Instant;
use scim::fold;
use scim::resource::Document;
use scim::schema::{Attribute, Extension, ResourceType, Schema, Type, Uniqueness};

/// The text whose order is the order of instants: seconds since the year -29,719, then nanoseconds.
#[must_use]
pub fn instant_key(instant: Instant) -> String {
    format!("{:014}{:09}", instant.seconds.saturating_add(1_000_000_000_000), instant.nanos)
}

/// The keys of a resource: of its document, and of an address that waits to be confirmed, which has a column of its own and
/// is filtered like what is stored.
#[must_use]
pub fn of_resource(resource_type: &ResourceType, resource: &Resource, document: &Document) -> Json {
    let mut keys = of_document(resource_type, document);
    if let Some(address) = &resource.account.pending_email {
        let shown = json!({ "pendingEmails": [{ "value": address }] });
        let mut waiting = of_document(resource_type, &Map::from_iter([(WSO2_SCHEMA.to_owned(), shown)]));
        keys[WSO2_SCHEMA]["pendingEmails"] = waiting[WSO2_SCHEMA]["pendingEmails"].take();
    }
    keys
}

/// The document of keys: the same names, every string as its key.
#[must_use]
pub fn of_document(resource_type: &ResourceType, document: &Document) -> Json {
    let mut keys = Map::new();
    for (name, value) in document {
        if let Some(extension) = resource_type.extension(name) {
            if let Json::Object(members) = value {
                keys.insert(name.clone(), of_members(&extension.schema, members));
            }
        } else if let Some(attribute) = resource_type.attribute(name) {
            keys.insert(name.clone(), of_value(attribute, value));
        }
    }
    Json::Object(keys)
}

fn of_members(schema: &Schema, members: &Map<String, Json>) -> Json {
    members
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), of_value(schema.attribute(name)?, value))))
        .collect::<Map<_, _>>()
        .into()
}

fn of_value(attribute: &Attribute, value: &Json) -> Json {
    match value {
        Json::Array(values) => values.iter().map(|value| of_value(attribute, value)).collect(),
        Json::Object(members) => members
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), of_value(attribute.sub_attribute(name)?, value))))
            .collect::<Map<_, _>>()
            .into(),
        Json::String(text) if attribute.data_type == Type::DateTime => {
            Instant::parse(text).map_or(Json::Null, |instant| instant_key(instant).into())
        }
        Json::String(text) => fold::key(attribute.compares_exactly(), text).into(),
        other => other.clone(),
    }
}

/// An entry of the value index: the attribute's path and the key of one of its values.
pub type Entry = (String, String);

/// The entries of a document of keys in the value index: everything the schema marks as indexed, save what has a column
/// of its own.
#[must_use]
pub fn indexed(resource_type: &ResourceType, keys: &Json) -> Vec<Entry> {
    // What a long value starts with is found by its beginning; whether it is equal, its document tells.
    let beginning = |text: &str| Some(text[..text.floor_char_boundary(MAX_KEY)].to_owned());
    entries(resource_type, keys, &|attribute| attribute.indexed, &beginning)
}

/// The values that must be unique among the resources of a type, save those that have a column of their own.
#[must_use]
pub fn unique(resource_type: &ResourceType, keys: &Json) -> Vec<Entry> {
    let digest = |text: &str| Some(format!("sha256:{}", hex::encode(Sha256::digest(text))));
    entries(resource_type, keys, &is_unique, &digest)
}

/// Whether resources of this type may have such values.
#[must_use]
pub fn has_unique(resource_type: &ResourceType) -> bool {
    !unique_paths(resource_type, &|_| true).is_empty()
}

/// The paths of values that must be unique, of the schemas that are meant.
#[must_use]
pub fn unique_paths(resource_type: &ResourceType, meant: &dyn Fn(&str) -> bool) -> Vec<String> {
    paths(resource_type, meant, &is_unique)
}

/// The paths of values that have rows in an index table, of the schemas that are meant.
#[must_use]
pub fn paths_with_rows(resource_type: &ResourceType, meant: &dyn Fn(&str) -> bool) -> Vec<String> {
    paths(resource_type, meant, &|attribute| attribute.indexed || is_unique(attribute))
}

fn is_unique(attribute: &Attribute) -> bool {
    attribute.uniqueness != Uniqueness::None
}

fn paths(
    resource_type: &ResourceType,
    meant: &dyn Fn(&str) -> bool,
    chosen: &dyn Fn(&Attribute) -> bool,
) -> Vec<String> {
    let mut found = Vec::new();
    for (extension, attribute) in resource_type.places() {
        let urn = extension.map_or(&resource_type.schema.id, |extension| &extension.schema.id);
        if !meant(urn) || (extension.is_none() && has_column(resource_type, &attribute.name)) {
            continue;
        }
        let path = path_of(extension, attribute);
        let subs = attribute.sub_attributes.iter().filter(|sub| chosen(sub));
        found.extend(subs.map(|sub| format!("{path}.{}", sub.name)));
        if chosen(attribute) {
            found.push(path);
        }
    }
    found
}

/// The path of an attribute, as the schema spells it.
fn path_of(extension: Option<&Extension>, attribute: &Attribute) -> String {
    match extension {
        None => attribute.name.clone(),
        Some(extension) => format!("{}:{}", extension.schema.id, attribute.name),
    }
}

/// Whether an attribute of the core has a column, and an index, of its own.
fn has_column(resource_type: &ResourceType, name: &str) -> bool {
    match name {
        "schemas" | "id" | "externalId" | "meta" => true,
        "userName" | "groups" => resource_type.name == USER,
        "members" => resource_type.name == GROUP,
        _ => false,
    }
}

/// The entries of the chosen attributes; `long` says what stands for a text that is too long to be a key.
fn entries(
    resource_type: &ResourceType,
    keys: &Json,
    chosen: &dyn Fn(&Attribute) -> bool,
    long: &dyn Fn(&str) -> Option<String>,
) -> Vec<Entry> {
    let key_text = |value: &Json| match value {
        Json::String(text) if text.len() > MAX_KEY => long(text),
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(flag) => Some(u8::from(*flag).to_string()),
        _ => None,
    };
    let mut found = Vec::new();
    for (extension, attribute) in resource_type.places() {
        let holder = match extension {
            None if has_column(resource_type, &attribute.name) => continue,
            None => Some(keys),
            Some(extension) => keys.get(&*extension.schema.id),
        };
        let Some(value) = holder.and_then(|holder| holder.get(&attribute.name)) else { continue };
        let values = match value {
            Json::Array(values) => values.as_slice(),
            single => std::slice::from_ref(single),
        };
        let path = path_of(extension, attribute);
        for value in values {
            if chosen(attribute) && attribute.data_type != Type::Complex {
                found.extend(key_text(value).map(|key| (path.clone(), key)));
            }
            for sub in attribute.sub_attributes.iter().filter(|sub| chosen(sub)) {
                found.extend(value.get(&sub.name).and_then(&key_text).map(|key| (format!("{path}.{}", sub.name), key)));
            }
        }
    }
    ordered::sort(&mut found);
    found.dedup();
    found
}

/// The longest key that is indexed, in bytes: of a longer value its beginning is.
pub const MAX_KEY: usize = 512;
