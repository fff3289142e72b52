//! PATCH (RFC 7644 section 3.5.2): a request parsed into steps, and the steps applied to a document, all or none.
//!
//! | module | what it does |
//! |---|---|
//! | `dialect` | what clients send, into operations the RFC knows |
//! | `path` | the `path` of an operation |
//! | `edit` | one step on a document |
//! | `list` | the values of a multi-valued attribute while steps edit them |
//! | `values` | the steps on an attribute that is stored elsewhere, such as the members of a group |
//!
//! Where the RFC leaves room, this is what happens:
//!
//! - `add` and `replace` of a complex attribute leave its other sub-attributes alone; `replace` through a value filter
//!   replaces the values it selects, which keep what the filter says of them.
//! - A value filter that selects nothing is `noTarget` for `replace` and `add`, save that a plain `type eq` one of the
//!   attribute's canonical values makes a value of that type (interop sheet, P03). `remove` of nothing succeeds, so that
//!   it can be repeated.
//! - Null, an empty array and, for a complex attribute or its `value`, an empty string mean unassigned
//!   (RFC 7643 section 2.5); a required attribute that would become so is `mutability`.
//! - A read-only attribute may be "written" with the value it has (P17).

use std::sync::Arc;

use serde_json::Value;

use crate::error::Error;
use crate::resource::{self, Document};
use crate::schema::{AttributePath, ResourceType};
use crate::work::Work;

mod dialect;
mod edit;
mod list;
mod path;
#[cfg(test)]
mod tests;
mod values;

use edit::Editor;
use path::Path;
pub use values::{ValueOp, no_target};

/// The URN of a PATCH request.
pub const PATCH_OP_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// The most operations on one document. Those on an attribute that is stored elsewhere do not count: each of them costs
/// the same whatever the resource holds.
pub const MAX_OPERATIONS: usize = 1_000;

/// The kind of an operation (RFC 7644 section 3.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Add,
    Remove,
    Replace,
}

/// One operation on one attribute.
#[derive(Debug, Clone)]
struct Step {
    kind: Kind,
    path: Path,
    /// `None` only for `remove`.
    value: Option<Value>,
}

/// A PATCH request whose names are looked up.
#[derive(Debug, Clone)]
pub struct Patch {
    resource_type: Arc<ResourceType>,
    steps: Vec<Step>,
}

impl Patch {
    /// Reads a PATCH request.
    ///
    /// # Errors
    /// 400 `invalidSyntax`, `invalidPath`, `invalidFilter`, `invalidValue` or `noTarget`.
    pub fn parse(resource_type: &Arc<ResourceType>, request: &Value) -> Result<Self, Error> {
        Ok(Self { resource_type: Arc::clone(resource_type), steps: dialect::steps(resource_type, request)? })
    }

    /// Applies the request to a document, which should have everything the resource shows, `id` and `meta` included:
    /// a client may send them back. A request that changes nothing yields an equal document.
    ///
    /// # Errors
    /// 400 `noTarget`, `mutability` or `invalidValue`; 413 if there are more operations than a document can take; 400
    /// `tooMany` if they take more than [`MAX_WORK`](crate::work::MAX_WORK). Nothing has been applied then.
    pub fn apply(&self, current: &Document) -> Result<Document, Error> {
        self.apply_within(current, &Work::default())
    }

    /// The same within what is left of a request's work.
    ///
    /// # Errors
    /// Those of [`apply`](Self::apply).
    pub fn apply_within(&self, current: &Document, work: &Work) -> Result<Document, Error> {
        if self.steps.len() > MAX_OPERATIONS {
            return Err(too_many_operations());
        }
        let mut editor = Editor::new(&self.resource_type, current.clone(), work);
        for step in &self.steps {
            editor.apply(step)?;
        }
        let mut document = editor.finish();
        resource::arrange(&self.resource_type, &mut document);
        // What was incomplete before may stay so; what was complete must.
        if resource::check_required(&self.resource_type, current).is_ok() {
            resource::check_required(&self.resource_type, &document)?;
        }
        Ok(document)
    }

    /// Whether the request writes the attribute at this path, or a part of it.
    #[must_use]
    pub fn touches(&self, path: &str) -> bool {
        self.resource_type
            .resolve_attribute(path)
            .is_some_and(|path| self.steps.iter().any(|step| step.path.is_of(&path)))
    }

    /// Returns the attributes that the request writes and that are returned on request alone.
    #[must_use]
    pub fn written(&self) -> Vec<AttributePath> {
        let mut written = Vec::new();
        for step in &self.steps {
            resource::add_written(&mut written, &step.path.target, step.value.as_ref());
        }
        written
    }

    /// Whether there is nothing to apply.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Takes out the operations on a multi-valued attribute that is stored apart from the document, in their order.
    ///
    /// # Errors
    /// 400 `mutability` or `invalidPath` for what cannot be done without the values at hand: changing parts of them.
    pub fn take_value_ops(&mut self, attribute: &AttributePath) -> Result<Vec<ValueOp>, Error> {
        let (taken, left) = std::mem::take(&mut self.steps).into_iter().partition(|step| step.path.is_of(attribute));
        self.steps = left;
        let taken: Vec<Step> = taken;
        let ops = taken.into_iter().map(values::op).collect::<Result<Vec<_>, _>>()?;
        Ok(ops.into_iter().flatten().collect())
    }
}

/// What is said of more than [`MAX_OPERATIONS`].
fn too_many_operations() -> Error {
    Error::payload_too_large(format!(
        "A PATCH changes at most {MAX_OPERATIONS} attributes: send the others in another one."
    ))
}

/// Reads a PATCH request and applies it: [`Patch::parse`], then [`Patch::apply`].
///
/// # Errors
/// As these two.
pub fn apply(resource_type: &Arc<ResourceType>, current: &Document, request: &Value) -> Result<Document, Error> {
    Patch::parse(resource_type, request)?.apply(current)
}
