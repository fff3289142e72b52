//! Registries made of RFC 7643's documents and those of a service provider.

use serde_json::{Map, Value};

use crate::error::Error;
use crate::schema::Schema;
use crate::schema::parse::read_text;
use crate::schema::registry::Registry;

/// RFC 7643's schemas of resources, in the order discovery lists them. A service provider's own follow.
const RESOURCE_SCHEMAS: [&str; 3] = [
    include_str!("../../schema/user.json"),
    include_str!("../../schema/group.json"),
    include_str!("../../schema/enterprise-user.json"),
];
/// RFC 7643's schemas of discovery itself, listed last.
const DISCOVERY_SCHEMAS: [&str; 3] = [
    include_str!("../../schema/service-provider-config.json"),
    include_str!("../../schema/resource-type.json"),
    include_str!("../../schema/schema.json"),
];
const COMMON_ATTRIBUTES: &str = include_str!("../../schema/common.json");
const RESOURCE_TYPES: &str = include_str!("../../schema/resource-types.json");

/// How deep complex attributes go in these documents: the RFC's own schema for schemas has two inside one another.
const NESTING: usize = 3;

/// What a service provider adds to RFC 7643's schemas and resource types. [`Registry::builder`] makes one.
#[derive(Debug, Clone, Default)]
pub struct RegistryBuilder {
    schemas: Vec<Value>,
    annotations: Vec<Value>,
    resource_types: Vec<Value>,
    extensions: Vec<Value>,
}

impl RegistryBuilder {
    /// Adds a schema document (RFC 7643 section 7). It may have private keys, which discovery does not show:
    /// `x-lenientBoolean`, `x-trimmed`, `x-indexed` and `x-aliasOf` (see [`Attribute`](crate::Attribute)).
    #[must_use]
    pub fn schema(mut self, document: Value) -> Self {
        self.schemas.push(document);
        self
    }

    /// Adds to a schema what discovery does not show: `{"id": <URN>, "attributes": [...]}`, where each attribute has its
    /// `name`, private keys, and `subAttributes` of the same shape. An attribute that the schema lacks must be an alias.
    /// The empty URN stands for the common attributes (RFC 7643 section 3.1).
    #[must_use]
    pub fn annotate(mut self, document: Value) -> Self {
        self.annotations.push(document);
        self
    }

    /// Adds a resource type document (RFC 7643 section 6).
    #[must_use]
    pub fn resource_type(mut self, document: Value) -> Self {
        self.resource_types.push(document);
        self
    }

    /// Extends a resource type: `{"name": <resource type>, "schemaExtensions": [...]}`, the latter as RFC 7643 section 6
    /// has it. With `"x-hidden": true` the resource type does not list the extension.
    #[must_use]
    pub fn extend(mut self, document: Value) -> Self {
        self.extensions.push(document);
        self
    }

    /// The registry that RFC 7643's documents and these make.
    ///
    /// # Errors
    /// 400 `invalidValue` or 409 `uniqueness`, naming what is wrong with the first document that does not fit.
    pub fn build(mut self) -> Result<Registry, Error> {
        let mut registry = Registry::new(self.read(&parse(COMMON_ATTRIBUTES)?, 1)?);
        for document in RESOURCE_SCHEMAS {
            registry.add_schema(self.read(&parse(document)?, NESTING)?)?;
        }
        for document in std::mem::take(&mut self.schemas) {
            registry.add_schema(self.read(&document, NESTING)?)?;
        }
        for document in DISCOVERY_SCHEMAS {
            registry.add_schema(self.read(&parse(document)?, NESTING)?)?;
        }
        if let Some(unknown) = self.annotations.first() {
            return Err(Error::invalid_value(format!("There is no schema '{}' to annotate.", urn(unknown)?)));
        }
        let mut resource_types = parse(RESOURCE_TYPES)?.as_array().cloned().unwrap_or_default();
        resource_types.append(&mut self.resource_types);
        for extension in &self.extensions {
            extend(&mut resource_types, extension)?;
        }
        resource_types.iter().try_for_each(|document| registry.add_resource_type(document))?;
        Ok(registry)
    }

    /// Reads a schema with the annotations that are for it, which are taken.
    fn read(&mut self, document: &Value, nesting: usize) -> Result<Schema, Error> {
        let id = urn(document)?;
        let mut document = document.clone();
        let annotations = std::mem::take(&mut self.annotations);
        for annotation in annotations {
            if urn(&annotation)?.eq_ignore_ascii_case(id) {
                merge(&mut document, &annotation, "attributes")?;
            } else {
                self.annotations.push(annotation);
            }
        }
        Schema::parse_nested(&document, nesting)
    }
}

fn parse(text: &str) -> Result<Value, Error> {
    serde_json::from_str(text).map_err(|error| Error::internal(error.to_string()))
}

fn urn(document: &Value) -> Result<&str, Error> {
    Ok(read_text(document, "id")?.unwrap_or_default())
}

/// Appends the `schemaExtensions` of a document to those of the resource type it names.
fn extend(resource_types: &mut [Value], extension: &Value) -> Result<(), Error> {
    let name = read_text(extension, "name")?.unwrap_or_default();
    let extended = resource_types
        .iter_mut()
        .find(|document| document["name"].as_str().is_some_and(|other| other.eq_ignore_ascii_case(name)))
        .and_then(Value::as_object_mut)
        .ok_or_else(|| Error::invalid_value(format!("There is no resource type '{name}'.")))?;
    let wrong = || Error::invalid_value(format!("'schemaExtensions' of '{name}' must be an array."));
    let added = extension.get("schemaExtensions").and_then(Value::as_array).ok_or_else(wrong)?;
    let present = extended.entry("schemaExtensions").or_insert_with(|| Value::Array(Vec::new()));
    present.as_array_mut().ok_or_else(wrong)?.extend(added.iter().cloned());
    Ok(())
}

/// Merges the private keys of the attributes under `key`.
fn merge(document: &mut Value, annotation: &Value, key: &str) -> Result<(), Error> {
    let no_attributes = || Error::invalid_value(format!("There are no '{key}' to annotate."));
    let annotated = document.get_mut(key).and_then(Value::as_array_mut).ok_or_else(no_attributes)?;
    for annotation in annotation.get(key).and_then(Value::as_array).into_iter().flatten() {
        let name = read_text(annotation, "name")?.unwrap_or_default();
        let attribute = annotated
            .iter_mut()
            .find(|attribute| attribute["name"].as_str().is_some_and(|other| other.eq_ignore_ascii_case(name)));
        match attribute {
            Some(attribute) => merge_attribute(attribute, annotation, name)?,
            None if annotation.get("x-aliasOf").is_some() => annotated.push(annotation.clone()),
            None => return Err(Error::invalid_value(format!("There is no attribute '{name}' to annotate."))),
        }
    }
    Ok(())
}

fn merge_attribute(attribute: &mut Value, annotation: &Value, name: &str) -> Result<(), Error> {
    for (key, value) in annotation.as_object().into_iter().flat_map(Map::iter) {
        match key.as_str() {
            "name" => {}
            "subAttributes" => merge(attribute, annotation, key)?,
            private if private.starts_with("x-") => attribute[private] = value.clone(),
            _ => return Err(Error::invalid_value(format!("Attribute '{name}': '{key}' is no private key."))),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::schema::Registry;

    const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

    #[test]
    fn an_annotation_reaches_sub_attributes_and_common_attributes() {
        let registry = Registry::builder()
            .annotate(json!({ "id": USER, "attributes": [{ "name": "EMAILS", "subAttributes": [{ "name": "value", "x-indexed": true }] }] }))
            .annotate(json!({ "id": "", "attributes": [{ "name": "id", "x-indexed": true }] }))
            .build()
            .expect("a registry");
        let user = registry.resource_type("User").expect("users");
        let is_indexed = |path: &str| user.resolve_attribute(path).expect(path).leaf().indexed;
        assert!(is_indexed("emails.value") && is_indexed("id") && !is_indexed("emails.type"));
        let group = registry.resource_type("Group").expect("groups");
        assert!(group.resolve_attribute("id").expect("it has one").leaf().indexed);
    }

    #[test]
    fn an_annotation_that_fits_nothing_is_refused() {
        let annotation = |attribute: Value| json!({ "id": USER, "attributes": [attribute] });
        for wrong in [
            json!({ "id": "urn:x:y", "attributes": [] }),
            annotation(json!({ "name": "nope", "x-indexed": true })),
            annotation(json!({ "name": "userName", "required": false })),
            annotation(json!({ "name": "userName", "subAttributes": [] })),
            annotation(json!({ "name": "nope", "x-aliasOf": "nope" })),
        ] {
            let error = Registry::builder().annotate(wrong.clone()).build().expect_err("it fits nothing");
            assert_eq!(error.status, 400, "{wrong}");
        }
    }

    #[test]
    fn what_a_service_adds_stands_before_discovery() {
        let registry = Registry::builder()
            .schema(json!({ "id": "urn:x:device", "name": "Device", "attributes": [{ "name": "serial" }] }))
            .resource_type(json!({ "name": "Device", "endpoint": "/Devices", "schema": "urn:x:device" }))
            .extend(json!({ "name": "User", "schemaExtensions": [{ "schema": "urn:x:device", "x-hidden": true }] }))
            .build()
            .expect("a registry");
        let names: Vec<&str> = registry.schemas().iter().map(|schema| schema.name.as_str()).collect();
        assert_eq!(
            names,
            ["User", "Group", "EnterpriseUser", "Device", "ServiceProviderConfig", "ResourceType", "Schema"]
        );
        let user = registry.resource_type("User").expect("users");
        assert_eq!(user.extensions.iter().map(|extension| extension.hidden).collect::<Vec<_>>(), [false, true]);
        assert!(registry.resource_type_at("/Devices").is_some());
        let none = json!({ "name": "Nope", "schemaExtensions": [{ "schema": "urn:x:device" }] });
        assert_eq!(Registry::builder().extend(none).build().map_err(|error| error.status).err(), Some(400));
    }
}
