//! The schemas and resource types that are in force.
//!
//! A registry is plain data. Cloning one and adding to it is cheap (schemas are shared), which is how a tenant's registry
//! comes about. Whatever a document gets wrong is found here, once, so that the rest of the engine
//! can rely on it: URNs are unique, aliases lead to attributes, extensions exist.

use std::sync::{Arc, LazyLock};

use serde_json::Value;

use crate::error::Error;
use crate::schema::parse::{flag, read_text};
use crate::schema::{Extension, RegistryBuilder, ResourceType, Schema};

/// The schemas and resource types that are in force.
#[derive(Debug, Clone)]
pub struct Registry {
    common: Arc<Schema>,
    schemas: Vec<Arc<Schema>>,
    resource_types: Vec<Arc<ResourceType>>,
}

/// The endpoints of the protocol itself (RFC 7644 section 3.2), and other names of one of them:
/// SCIM 1.1's is `ServiceProviderConfigs`.
const RESERVED: [&str; 7] = [
    "Me",
    "Bulk",
    "Schemas",
    "ResourceTypes",
    "ServiceProviderConfig",
    "ServiceProviderConfigs",
    "ServiceConfiguration",
];

static STANDARD: LazyLock<Registry> = LazyLock::new(|| {
    // The documents are compiled in, and a test reads them: this cannot fail in a build that passed.
    #[allow(clippy::expect_used, reason = "the documents are constants")]
    Registry::builder().build().expect("the documents in schema/ are valid")
});

impl Registry {
    /// RFC 7643's schemas and resource types: users with the enterprise extension, groups, and discovery.
    #[must_use]
    pub fn standard() -> &'static Self {
        &STANDARD
    }

    /// Starts a registry of RFC 7643's schemas and resource types and a service provider's own.
    #[must_use]
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::default()
    }

    /// A registry of nothing but the common attributes.
    pub(super) fn new(common: Schema) -> Self {
        Self { common: Arc::new(common), schemas: Vec::new(), resource_types: Vec::new() }
    }

    /// Adds a schema.
    ///
    /// # Errors
    /// 400 `invalidValue` if the id is no URN or an attribute bears a name RFC 7643 section 3.1 keeps for itself;
    /// 409 `uniqueness` if there is a schema with that id already.
    pub fn add_schema(&mut self, schema: Schema) -> Result<(), Error> {
        let is_urn = schema.id.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn:"));
        if !is_urn
            || schema.id.len() > 255
            || schema.id.ends_with(':')
            || !schema.id.chars().all(|char| char.is_ascii_graphic() && !"\"()[]".contains(char))
        {
            return Err(Error::invalid_value(format!("'{}' is not the URN of a schema.", schema.id)));
        }
        if self.schema(&schema.id).is_some() {
            return Err(Error::uniqueness(format!("There is a schema '{}' already.", schema.id)));
        }
        if let Some(reserved) =
            schema.attributes.iter().find(|attribute| self.common.attribute(&attribute.name).is_some())
        {
            return Err(Error::invalid_value(format!(
                "'{}' is a common attribute and cannot be redefined.",
                reserved.name
            )));
        }
        self.schemas.push(Arc::new(schema));
        Ok(())
    }

    /// Adds a resource type from its document (RFC 7643 section 6). Its schemas must be there already.
    ///
    /// # Errors
    /// 400 `invalidValue` naming what is wrong; 409 `uniqueness` if name or endpoint is taken.
    pub fn add_resource_type(&mut self, document: &Value) -> Result<(), Error> {
        let required = |key: &str| {
            read_text(document, key)?.ok_or_else(|| Error::invalid_value(format!("A resource type must have '{key}'.")))
        };
        let name = required("name")?;
        let endpoint = required("endpoint")?;
        let segment = endpoint.strip_prefix('/').unwrap_or(endpoint);
        if segment.is_empty()
            || segment.len() > 64
            || !segment.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_'))
        {
            return Err(Error::invalid_value("'endpoint' must be one path segment of letters, digits, '-' and '_'."));
        }
        let is_reserved = RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(segment));
        // One that differs in case alone would only confuse.
        let is_taken = self.resource_types.iter().any(|other| other.endpoint[1..].eq_ignore_ascii_case(segment));
        if is_reserved || is_taken || self.resource_type(name).is_some() {
            return Err(Error::uniqueness(format!("The name '{name}' or the endpoint '/{segment}' is taken.")));
        }
        let mut resource_type = ResourceType {
            id: read_text(document, "id")?.unwrap_or(name).to_owned(),
            name: name.to_owned(),
            description: read_text(document, "description")?.unwrap_or_default().to_owned(),
            endpoint: format!("/{segment}"),
            common: Arc::clone(&self.common),
            schema: self.known(required("schema")?)?,
            extensions: Vec::new(),
            reindexing: Vec::new(),
        };
        match document.get("schemaExtensions") {
            None | Some(Value::Null) => {}
            Some(Value::Array(list)) => {
                for extension in list {
                    let schema = self.known(read_text(extension, "schema")?.unwrap_or_default())?;
                    let (required, hidden) = (flag(extension, "required")?, flag(extension, "x-hidden")?);
                    extend(&mut resource_type, Extension { schema, required, hidden })?;
                }
            }
            Some(_) => return Err(Error::invalid_value("'schemaExtensions' must be an array.")),
        }
        check_aliases(&resource_type)?;
        self.resource_types.push(Arc::new(resource_type));
        Ok(())
    }

    fn known(&self, urn: &str) -> Result<Arc<Schema>, Error> {
        self.schema(urn).cloned().ok_or_else(|| Error::invalid_value(format!("There is no schema '{urn}'.")))
    }

    /// Extends a resource type by a schema that is there already.
    ///
    /// # Errors
    /// 400 `invalidValue` if either does not exist; 409 `uniqueness` if the type has the extension.
    pub fn extend_resource_type(&mut self, name: &str, urn: &str, required: bool) -> Result<(), Error> {
        let schema = self.known(urn)?;
        let resource_type = self
            .resource_types
            .iter_mut()
            .find(|resource_type| resource_type.name.eq_ignore_ascii_case(name))
            .ok_or_else(|| Error::invalid_value(format!("There is no resource type '{name}'.")))?;
        let mut extended = ResourceType::clone(resource_type);
        extend(&mut extended, Extension { schema, required, hidden: false })?;
        check_aliases(&extended)?;
        *resource_type = Arc::new(extended);
        Ok(())
    }

    /// Notes that the values of these schemas in resources of a type are being indexed. Of a type that does not exist,
    /// nothing is noted.
    pub fn mark_reindexing(&mut self, name: &str, urns: &[String]) {
        if let Some(resource_type) = self.resource_types.iter_mut().find(|resource_type| resource_type.name == name) {
            let urns = urns.iter().map(|urn| Arc::from(urn.as_str())).collect();
            *resource_type = Arc::new(ResourceType { reindexing: urns, ..ResourceType::clone(resource_type) });
        }
    }

    /// The schema with that URN, in any case.
    #[must_use]
    pub fn schema(&self, urn: &str) -> Option<&Arc<Schema>> {
        self.schemas.iter().find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// All schemas, in the order discovery lists them.
    #[must_use]
    pub fn schemas(&self) -> &[Arc<Schema>] {
        &self.schemas
    }

    /// The resource type of that name or id, in any case.
    #[must_use]
    pub fn resource_type(&self, name: &str) -> Option<&Arc<ResourceType>> {
        self.resource_types.iter().find(|resource_type| {
            resource_type.name.eq_ignore_ascii_case(name) || resource_type.id.eq_ignore_ascii_case(name)
        })
    }

    /// The resource type at that endpoint (`Users` or `/Users`), in any case: no two differ by it alone.
    #[must_use]
    pub fn resource_type_at(&self, endpoint: &str) -> Option<&Arc<ResourceType>> {
        let segment = endpoint.strip_prefix('/').unwrap_or(endpoint);
        self.resource_types.iter().find(|resource_type| {
            resource_type.endpoint.strip_prefix('/').is_some_and(|endpoint| endpoint.eq_ignore_ascii_case(segment))
        })
    }

    /// All resource types, in the order discovery lists them.
    #[must_use]
    pub fn resource_types(&self) -> &[Arc<ResourceType>] {
        &self.resource_types
    }
}

fn extend(resource_type: &mut ResourceType, extension: Extension) -> Result<(), Error> {
    let urn = &extension.schema.id;
    if *urn == resource_type.schema.id || resource_type.extension(urn).is_some() {
        return Err(Error::uniqueness(format!("'{}' has the schema '{urn}' already.", resource_type.name)));
    }
    resource_type.extensions.push(extension);
    Ok(())
}

/// Every alias must lead to an attribute that is not one itself: path resolution follows it without looking back.
fn check_aliases(resource_type: &ResourceType) -> Result<(), Error> {
    let schemas = std::iter::once(&resource_type.schema)
        .chain(resource_type.extensions.iter().map(|extension| &extension.schema));
    let aliases = schemas
        .flat_map(|schema| &schema.attributes)
        .filter_map(|attribute| Some((attribute, attribute.alias_of.as_deref()?)));
    for (alias, target) in aliases {
        let leads_on = resource_type.places().any(|(extension, attribute)| {
            let path = match extension {
                None => attribute.name.clone(),
                Some(extension) => format!("{}:{}", extension.schema.id, attribute.name),
            };
            path.eq_ignore_ascii_case(target)
        });
        if !leads_on {
            return Err(Error::invalid_value(format!(
                "'{}' stands for '{target}', which is no attribute of '{}'.",
                alias.name, resource_type.name
            )));
        }
    }
    Ok(())
}
