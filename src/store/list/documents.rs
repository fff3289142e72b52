//! The documents of a page: what of them is read, and those that are too large to come with the others.
//!
//! A page ends at 4 MiB of documents, and the database must not send more to have some of it thrown away. So a statement
//! answers a document only if all its rows could have one as large, and of the others the size; those of them that are on
//! the page are read by a second round trip. With documents of an ordinary size there is none.

use std::collections::{BTreeMap, HashMap};

use serde_json::json;

use crate::model::context::Context;
use crate::model::resource::Resource;
use crate::ports::{DatabaseError, Statement};
use crate::store::list::Page;
use crate::store::list::budget::MAX_PAGE;
use crate::store::resources::{self, COLUMNS};
use scim::projection::Projection;
use scim::schema::{Attribute, ResourceType, Schema, Type};

/// The size in bytes from which it pays to read a part of a document.
const WORTHWHILE: usize = 1_024;
/// What is in no document.
const NOT_STORED: [&str; 2] = ["groups", "members"];
/// The most members that are left out. SQLite takes so many in one call.
const MAX_LEFT_OUT: usize = 30;

/// How the documents of a type are read.
#[derive(Debug)]
pub(super) struct Documents {
    /// The expression of what is needed of one.
    expression: String,
}

impl Documents {
    /// Without the members that the projection does not show.
    pub(super) fn new(resource_type: &ResourceType, projection: &Projection) -> Self {
        let hidden = if projection.is_default() { Vec::new() } else { hidden(resource_type, projection) };
        if hidden.is_empty() {
            return Self { expression: "r.document".to_owned() };
        }
        let paths: Vec<String> = hidden.iter().map(|name| format!(", '$.\"{name}\"'")).collect();
        Self {
            expression: format!(
                "CASE WHEN octet_length(r.document) > {WORTHWHILE} THEN json_remove(r.document{}) ELSE r.document END",
                paths.concat()
            ),
        }
    }

    /// The columns of a resource in a statement that answers so many rows: `document` is empty where it is too large, and
    /// `bytes` is its size.
    pub(super) fn columns(&self, rows: u64) -> String {
        let (document, most) = (&self.expression, MAX_PAGE / rows.max(1));
        let columns = format!("CASE WHEN octet_length({document}) <= {most} THEN {document} ELSE '' END AS document");
        format!("{}, octet_length({document}) AS bytes", COLUMNS.replacen("r.document", &columns, 1))
    }

    fn statement(&self, ctx: &Context, type_name: &str, ids: &[&str]) -> Statement {
        let document = format!("{} AS document", self.expression);
        Statement::new(
            format!(
                "SELECT {} FROM json_each(?2) j CROSS JOIN resources r ON r.tenant = ?1 AND r.id = j.value WHERE r.type = ?3",
                COLUMNS.replacen("r.document", &document, 1)
            ),
            vec![ctx.tenant.key(), json!(ids).to_string().into(), type_name.into()],
        )
    }
}

/// The names of the columns of [`Documents::columns`], each as a column without a value.
pub(super) fn no_columns() -> String {
    let names = COLUMNS.split(", ").map(|column| column.trim_start().trim_start_matches("r."));
    let columns: Vec<String> = names.chain(["bytes"]).map(|name| format!("NULL AS {name}")).collect();
    columns.join(", ")
}

/// The members of a document of which the projection shows nothing, as far as they can be large.
fn hidden(resource_type: &ResourceType, projection: &Projection) -> Vec<String> {
    let shows = |schema: &Schema, attribute: &Attribute| projection.wants(&format!("{}:{}", schema.id, attribute.name));
    let own = resource_type.schema.attributes.iter().filter(|attribute| {
        let is_text = matches!(attribute.data_type, Type::String | Type::Reference | Type::Binary | Type::Complex);
        let is_stored = attribute.alias_of.is_none() && !NOT_STORED.contains(&attribute.name.as_str());
        is_stored && (is_text || attribute.multi_valued) && !shows(&resource_type.schema, attribute)
    });
    let extensions = resource_type
        .extensions
        .iter()
        .map(|extension| &extension.schema)
        .filter(|schema| !schema.attributes.iter().any(|attribute| shows(schema, attribute)));
    let names = extensions.map(|schema| &*schema.id).chain(own.map(|attribute| attribute.name.as_str()));
    names.filter(|name| !name.contains(['"', '\''])).map(str::to_owned).take(MAX_LEFT_OUT).collect()
}

/// Reads the documents of a page that were too large to come with the others: a round trip for each store that has one.
/// What is gone by now is on the page no more.
///
/// # Errors
/// The database's.
pub(super) async fn complete(ctx: &Context, page: &mut Page, types: &[(&str, Documents)]) -> Result<(), DatabaseError> {
    let mut missing: BTreeMap<(Option<u16>, usize), Vec<&str>> = BTreeMap::new();
    for (name, resource) in page.resources.iter().filter(|(_, resource)| resource.document.is_empty()) {
        let store = ctx.deployment.user_stores.of_id(&resource.id);
        if let Some(index) = types.iter().position(|(other, _)| other == name) {
            missing.entry((store, index)).or_default().push(&resource.id);
        }
    }
    let mut batches: BTreeMap<Option<u16>, Vec<Statement>> = BTreeMap::new();
    for ((store, index), ids) in missing {
        if let Some((name, documents)) = types.get(index) {
            batches.entry(store).or_default().push(documents.statement(ctx, name, &ids));
        }
    }
    let mut found: HashMap<String, Resource> = HashMap::new();
    for (store, batch) in batches {
        for row in ctx.in_store(store).platform.db.batch(batch).await?.iter().flat_map(|outcome| &outcome.rows) {
            let resource = resources::from_row(row)?;
            found.insert(resource.id.clone(), resource);
        }
    }
    for (_, resource) in &mut page.resources {
        if let Some(read) = found.remove(&resource.id) {
            *resource = Resource { groups: resource.groups.take(), ..read };
        }
    }
    page.resources.retain(|(_, resource)| !resource.document.is_empty());
    Ok(())
}
