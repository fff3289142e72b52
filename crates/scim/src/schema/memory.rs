//! How much memory schemas take: for whoever keeps many registries.

use std::mem::size_of;
use std::sync::Arc;

use crate::schema::{Attribute, Extension, Registry, ResourceType, Schema};

/// The two counters of an `Arc` beside its value.
const COUNTS: usize = 2 * size_of::<usize>();

fn of_list(texts: &[String]) -> usize {
    texts.iter().map(|text| size_of::<String>() + text.len()).sum()
}

impl Attribute {
    fn memory(&self) -> usize {
        let sub_attributes = self.sub_attributes.iter().map(|sub| size_of::<Arc<Self>>() + COUNTS + sub.memory());
        size_of::<Self>()
            + self.name.len()
            + self.description.len()
            + of_list(&self.canonical_values)
            + of_list(&self.reference_types)
            + self.alias_of.as_ref().map_or(0, String::len)
            + sub_attributes.sum::<usize>()
    }
}

impl Schema {
    fn memory(&self) -> usize {
        let attributes =
            self.attributes.iter().map(|attribute| size_of::<Arc<Attribute>>() + COUNTS + attribute.memory());
        size_of::<Self>() + self.id.len() + self.name.len() + self.description.len() + attributes.sum::<usize>()
    }
}

impl ResourceType {
    fn memory(&self) -> usize {
        let texts = [&self.id, &self.name, &self.description, &self.endpoint];
        size_of::<Self>()
            + texts.iter().map(|text| text.len()).sum::<usize>()
            + self.extensions.len() * size_of::<Extension>()
            + self.reindexing.iter().map(|urn| size_of::<Arc<str>>() + urn.len()).sum::<usize>()
    }
}

impl Registry {
    /// The bytes that it takes, what it shares with others included.
    #[must_use]
    pub fn memory(&self) -> usize {
        let schemas = self.schemas().iter().map(|schema| size_of::<Arc<Schema>>() + COUNTS + schema.memory());
        let types = self.resource_types().iter().map(|rt| size_of::<Arc<ResourceType>>() + COUNTS + rt.memory());
        size_of::<Self>() + schemas.sum::<usize>() + types.sum::<usize>()
    }
}
