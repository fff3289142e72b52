//! The documents of a page: what of them is read, and those that are too large to come with the others.
//!
//! A page ends at 4 MiB of documents, and the database must not send more to have some of it thrown away. So a statement
//! answers a document only if all its rows could have one as large, and of the others the size; those of them that are on
//! the page are read by a second round trip. With documents of an ordinary size there is none.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

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
/// The most members that one call leaves out: SQLite takes so many arguments on D1.
const LEFT_OUT_AT_ONCE: usize = 30;
/// The most bytes of the names of all members that are left out.
const MAX_NAMES: usize = 6_000;

/// The most lists whose values are shown in part.
const MAX_LISTS: usize = 20;

/// How the documents of a type are read.
#[derive(Debug)]
pub(super) struct Documents {
    /// The expression of what is needed of one.
    expression: String,
}

impl Documents {
    /// Without the members that the projection does not show.
    pub(super) fn new(resource_type: &ResourceType, projection: &Projection) -> Self {
        let hidden = if projection.is_default() { Hidden::default() } else { Hidden::new(resource_type, projection) };
        let mut shown = removed("r.document", &hidden.members);
        for (list, parts) in &hidden.parts {
            shown = format!(
                "json_replace({shown}, {list}, json((SELECT json_group_array(json(CASE l.type WHEN 'object' THEN {} \
                 ELSE json_quote(l.value) END)) FROM json_each(r.document, {list}) l)))",
                removed("l.value", parts)
            );
        }
        if shown != "r.document" {
            shown = format!("CASE WHEN octet_length(r.document) > {WORTHWHILE} THEN {shown} ELSE r.document END");
        }
        Self { expression: shown }
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

/// The members of a document that the projection does not show, as far as they can be large.
#[derive(Debug, Default)]
struct Hidden {
    /// The paths of members.
    members: Vec<String>,
    /// The paths of lists, each with the paths of members that are left out of each of its values.
    parts: Vec<(String, Vec<String>)>,
    /// The bytes of all paths.
    bytes: usize,
}

impl Hidden {
    fn new(resource_type: &ResourceType, projection: &Projection) -> Self {
        let mut hidden = Self::default();
        for extension in &resource_type.extensions {
            let schema = &extension.schema;
            let is_shown = |attribute: &Arc<Attribute>| projection.wants(&format!("{}:{}", schema.id, attribute.name));
            let at = member("$", &schema.id);
            if schema.attributes.iter().any(is_shown) {
                hidden.add(&at, schema, projection);
            } else {
                hidden.leave_out(at);
            }
        }
        hidden.add("$", &resource_type.schema, projection);
        hidden
    }

    /// Leaves out what of a schema's attributes, at a path, is not shown.
    fn add(&mut self, at: &str, schema: &Schema, projection: &Projection) {
        for attribute in
            schema.attributes.iter().filter(|attribute| attribute.alias_of.is_none() && is_large(attribute))
        {
            let (at, name) = (member(at, &attribute.name), format!("{}:{}", schema.id, attribute.name));
            if !projection.wants(&name) {
                self.leave_out(at);
                continue;
            }
            let parts = attribute.sub_attributes.iter().filter(|sub| is_large(sub));
            let parts = parts.filter(|sub| !projection.wants(&format!("{name}.{}", sub.name)));
            if attribute.multi_valued {
                let parts: Vec<String> = parts.filter_map(|sub| self.path(member("$", &sub.name))).collect();
                if !parts.is_empty()
                    && self.parts.len() < MAX_LISTS
                    && let Some(list) = self.path(at)
                {
                    self.parts.push((list, parts));
                }
            } else {
                parts.for_each(|sub| self.leave_out(member(&at, &sub.name)));
            }
        }
    }

    fn leave_out(&mut self, path: String) {
        let path = self.path(path);
        self.members.extend(path);
    }

    /// A path as SQL has it, if there is room for it.
    fn path(&mut self, path: String) -> Option<String> {
        self.bytes += path.len();
        (!path.is_empty() && self.bytes <= MAX_NAMES).then(|| format!("'{path}'"))
    }
}

/// Whether the values of an attribute can be large, and are in the document.
fn is_large(attribute: &Attribute) -> bool {
    let is_text = matches!(attribute.data_type, Type::String | Type::Reference | Type::Binary | Type::Complex);
    (is_text || attribute.multi_valued) && !NOT_STORED.contains(&attribute.name.as_str())
}

/// The path of a member of what is at a path; empty where its name would need care.
fn member(at: &str, name: &str) -> String {
    if at.is_empty() || name.contains(['"', '\'', '\\']) { String::new() } else { format!("{at}.\"{name}\"") }
}

/// The expression of a document without the members at these paths.
fn removed(document: &str, paths: &[String]) -> String {
    paths
        .chunks(LEFT_OUT_AT_ONCE)
        .fold(document.to_owned(), |document, paths| format!("json_remove({document}, {})", paths.join(", ")))
}

/// Reads the documents of a page that were too large to come with the others: a round trip for each store that has one.
/// What is gone by now is on the page no more.
///
/// # Errors
/// The database's.
pub(super) fn complete(ctx: &Context, page: &mut Page, types: &[(&str, Documents)]) -> Result<(), DatabaseError> {
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
        for row in ctx.in_store(store).platform.db.batch(batch)?.iter().flat_map(|outcome| &outcome.rows) {
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
