//! Users and groups: the aggregates and their SQL. Knows no HTTP; the documents it stores are SCIM's (RFC 7643).

pub mod user;
