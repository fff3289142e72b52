//! The SCIM protocol (RFC 7643, RFC 7644, RFC 9865) without HTTP and without a database.
//!
//! Everything here is a function from documents to documents, driven by the schemas in `schema/scim/` and those a
//! tenant registers: no attribute is known by name, save the ones the RFCs give a meaning of their own (`schemas`, and
//! the `value`, `type` and `primary` of RFC 7643 section 2.4).
//!
//! | module | what it does |
//! |---|---|
//! | [`schema`] | schemas, attributes, resource types and the registry that holds them |
//! | [`resource`] | POST and PUT bodies into documents |
//! | [`patch`] | PATCH requests applied to documents |
//! | [`filter`] | filters: grammar, types, and an evaluator in memory |
//! | [`query`] | the parameters of a list or search request |
//! | [`projection`] | `attributes` and `excludedAttributes` |
//! | [`list`] | the ListResponse |
//! | [`bulk`] | Bulk requests into a plan |
//! | [`discovery`] | ServiceProviderConfig, Schemas, ResourceTypes |
//! | [`uri`] | the paths of resources, and references to them |
//! | [`fold`], [`datetime`] | when two strings, or two instants, are the same |
//! | [`error`] | the error type and its body |

pub mod bulk;
pub mod datetime;
pub mod discovery;
pub mod error;
pub mod filter;
pub mod fold;
pub mod list;
pub mod patch;
pub mod projection;
pub mod query;
pub mod resource;
pub mod schema;
pub mod unicode;
pub mod uri;
mod value;

pub use error::{Error, ScimType};
pub use resource::Document;
pub use schema::{Attribute, AttributePath, Registry, ResourceType, Schema};
