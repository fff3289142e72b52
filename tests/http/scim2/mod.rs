//! `/scim2`

mod bulk;
pub mod client;
mod conformance;
pub mod contention;
mod custom_types;
mod deletions;
mod dialects;
mod discovery;
mod errors;
mod etag;
pub mod groups;
mod interop;
mod me;
mod paths;
mod reindex;
mod search;
mod stores;
mod users;
