//! The SCIM protocol (RFC 7643, RFC 7644, RFC 9865) without HTTP and without a database.
//!
//! Everything here is a function from documents to documents, driven by schemas: RFC 7643's, which the crate brings, those
//! that a service provider hands to [`Registry::builder`], and those added at run time. No attribute is known by name, save
//! the ones the RFCs give a meaning of their own (`schemas`, and the `value`, `type` and `primary` of RFC 7643 section 2.4).
//! Storing, routing and authentication are the service's.
//!
//! ```
//! use latchkey_scim::{Registry, filter::Filter, patch, resource};
//! use serde_json::json;
//!
//! let user = Registry::standard().resource_type("User").expect("RFC 7643 has users");
//! // POST: unknown attributes are dropped, values are checked, what only the service may write is left out.
//! let babs = resource::read(user, json!({
//!     "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
//!     "userName": "bjensen",
//!     "emails": [{ "value": "bjensen@example.com", "type": "work" }],
//! }))?;
//! let babs = patch::apply(user, &babs, &json!({
//!     "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
//!     "Operations": [{ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "babs@example.com" }],
//! }))?;
//! assert_eq!(babs["emails"][0]["value"], "babs@example.com");
//! assert!(Filter::parse(user, "emails.value co \"BABS\"")?.matches(&babs));
//! # Ok::<(), latchkey_scim::Error>(())
//! ```
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
//! | [`work`] | what a request costs, and the bound of it |
//! | [`uri`] | the paths of resources, and references to them |
//! | [`fold`], [`datetime`] | when two strings, or two instants, are the same |
//! | [`error`] | the error type and its body |
//!
//! The feature `js` composes text (NFC) by the JavaScript engine on wasm32, which makes a module smaller.

pub mod bulk;
mod case_folding;
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
pub mod work;

pub use error::{Error, ScimType};
pub use resource::Document;
pub use schema::{Attribute, AttributePath, Registry, RegistryBuilder, ResourceType, Schema};

/// The README's example is compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
