//! `/api/invitations`

mod import;
