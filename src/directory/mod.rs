//! Users, groups and a tenant's own resources: the aggregates and their SQL. Knows no HTTP; the documents it stores are
//! SCIM's (RFC 7643).
//!
//! | module | what it does |
//! |---|---|
//! | [`resource`] | a resource as stored, and as it is shown |
//! | [`keys`] | what filters compare: folded keys of a document, and its entries in the value index |
//! | [`credentials`] | password hashes, those in force and former ones |
//! | [`write`] | creating, updating and deleting, each in one batch |
//! | [`find`] | single resources, and a user with the password's hash |
//! | [`filter`] | a SCIM filter as SQL |
//! | [`list`] | pages of resources, by index and by cursor |
//! | [`registry`] | a tenant's schemas and resource types |
//! | [`group`] | members, and groups within groups |
//! | [`elsewhere`] | users of other stores than PRIMARY, as groups know them |
//! | [`pending`] | what a write in another store still has to change in PRIMARY |

pub mod credentials;
pub mod cursor;
pub mod elsewhere;
pub mod filter;
pub mod find;
pub mod group;
pub mod keys;
pub mod list;
pub mod pending;
pub mod registry;
pub mod resource;
pub mod write;
