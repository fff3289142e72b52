//! `/api/invitations`

mod list;
mod resend;
