//! All SQL: functions that build statements and read rows, by aggregate. Knows no HTTP.

pub mod api_tokens;
pub mod audit;
pub mod bounces;
pub mod credentials;
pub mod cross_store;
pub mod cursor;
pub mod filter;
pub mod groups;
pub mod invitations;
pub mod jobs;
pub mod keys;
pub mod list;
pub mod mail_templates;
pub mod operation;
pub mod outbox;
pub mod pending;
pub mod personal_data;
pub mod registrations;
pub mod reindexes;
pub mod resources;
pub mod role_holders;
pub mod sessions;
pub mod sign_in_failures;
pub mod submissions;
pub mod tenant_settings;
pub mod tenants;
