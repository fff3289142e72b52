//! `/api/invitations`

mod import;
mod import_claims;
mod import_existing;
mod import_json;
mod list;
mod resend;
mod rotation;
mod spreadsheets;
