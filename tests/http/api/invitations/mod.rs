//! `/api/invitations`

mod import;
mod list;
mod resend;
mod rotation;
mod spreadsheets;
